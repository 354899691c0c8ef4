//! Registers without lives: families, and what five institutions wrote down of each member. Made for matching, a
//! hundred times faster than whole lives, with the relatives that make matching hard.
//!
//! The truth is [`Registered::person`]; nothing else in an entry leads to it. Streams of chance belong to homes, so home
//! 17 is the same however many are made. Cost: about ten microseconds an entry.

use crate::cover::Institution;
use crate::day::Day;
use crate::dice::Dice;
use crate::person::{self, Person, invented_curp, invented_nss};
use crate::registration::{self, typo};
use crate::tables::{Registry, Tables};
use crate::{Country, Error};
use jiff::civil::Date;
use mx::{Names, Sex};

/// The institutions that keep registers here.
const KEEPERS: [Institution; 5] = [
    Institution::Imss,
    Institution::Issste,
    Institution::ImssBienestar,
    Institution::Privado,
    Institution::Farmacia,
];

/// One registration, as the institution wrote it.
#[derive(Clone, Debug)]
pub struct Registered {
    /// Whose it truly is: the home's number times sixteen and her place in it.
    pub person: u64,
    /// Who wrote it.
    pub institution: Institution,
    /// Given names.
    pub given: String,
    /// First surname.
    pub first: String,
    /// Second surname.
    pub second: Option<String>,
    /// Birth date, `YYYY-MM-DD`.
    pub birth: String,
    /// Sex.
    pub sex: Sex,
    /// State of birth, by its letters.
    pub born_in: &'static str,
    /// CURP as written, wrong or generic as it may be.
    pub curp: Option<String>,
    /// NSS.
    pub nss: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Street, number, colony, postcode, state.
    pub address: Option<[String; 5]>,
    /// Mother's whole name.
    pub mother: Option<String>,
}

/// The registers of a synthetic country.
pub struct Registers<'a> {
    tables: &'a Tables,
    today: Day,
    seed: u64,
}

/// Somebody of a home.
struct Member {
    person: Person,
    mother: Option<String>,
    /// Names and CURP of before, for who has others now.
    before: Option<Person>,
}

impl Country {
    /// The registers of a seed.
    pub fn registers(&self, seed: u64) -> Registers<'_> {
        Registers {
            tables: self.tables(),
            today: self.today_number(),
            seed,
        }
    }
}

impl Registers<'_> {
    /// Everything that five institutions wrote of the people of one home: one to some thirty entries.
    ///
    /// # Errors
    /// When the tables made a name or date that no CURP can carry: a fault of the build.
    pub fn home(&self, number: u64) -> Result<Vec<Registered>, Error> {
        // Apart from the streams of whole lives of the same seed.
        let mut dice = Dice::new(self.seed ^ 0x5265_6769_7374_6572, number);
        let table = &self.tables.registry;
        let homes = [self.address(&mut dice), self.address(&mut dice)];
        let phone = phone(&mut dice);
        let members = self.family(&mut dice).ok_or(Error::Table {
            table: "people.toml",
            reason: "a name or date that no CURP can carry".to_owned(),
        })?;
        let mut out = Vec::new();
        for (place, member) in (0u64..).zip(&members) {
            let own_phones = [self::phone(&mut dice), self::phone(&mut dice)];
            let mut keepers = KEEPERS.to_vec();
            let many = 1 + dice.weighted(&table.registrations.institutions);
            for _ in 0..many {
                let at = dice.between(0, keepers.len() as i32 - 1) as usize;
                let institution = keepers.swap_remove(at);
                let times = 1 + u8::from(dice.chance(table.registrations.twice));
                for _ in 0..times {
                    let mut entry = self.entry(member, institution, &mut dice);
                    entry.person = number * 16 + place;
                    let contact = &table.contact;
                    entry.phone = dice.chance(contact.phone).then(|| {
                        match dice.weighted(&[
                            contact.family_phone,
                            1.0 - contact.family_phone - contact.new_phone,
                            contact.new_phone,
                        ]) {
                            0 => phone.clone(),
                            which => own_phones[which - 1].clone(),
                        }
                    });
                    entry.address = (!dice.chance(contact.no_address)).then(|| {
                        let mut address = homes[usize::from(dice.chance(contact.moved))].clone();
                        if dice.chance(table.slips.address_typo) {
                            address[0] = typo(&address[0], &mut dice);
                        }
                        address
                    });
                    out.push(entry);
                }
            }
        }
        Ok(out)
    }

    /// Parents, children, now and then twins, a son of his father's name, somebody renamed.
    fn family(&self, dice: &mut Dice) -> Option<Vec<Member>> {
        let table = &self.tables.registry.family;
        let people = &self.tables.people;
        let mut parents: Vec<Person> = Vec::new();
        for sex in [Sex::Man, Sex::Woman] {
            let age = dice.range(22.0, 78.0);
            let mut parent = person::draw(people, self.today, dice)?;
            let birth = self.today + -((age * 365.2425) as i32);
            let birth = parents.first().map_or(birth, |other| {
                Day::of(other.birth) + dice.between(-2500, 2500)
            });
            remake(people, &mut parent, birth.date(), sex, dice)?;
            parents.push(parent);
        }
        let [father, mother] = <[Person; 2]>::try_from(parents).ok()?;
        let mut members: Vec<Member> = Vec::new();
        let children = dice.weighted(&table.children);
        let mut last = Day::of(mother.birth).plus_years(dice.range(18.0, 32.0));
        let mut named = false;
        for _ in 0..children {
            let twins = dice.chance(table.twins);
            for twin in 0..1 + u8::from(twins) {
                if last >= self.today {
                    continue;
                }
                let sex = if dice.chance(0.5) {
                    Sex::Woman
                } else {
                    Sex::Man
                };
                let mut child = person::draw(people, self.today, dice)?;
                child.first.clone_from(&father.first);
                child.second = Some(mother.first.clone());
                child.born_in = mother.lives_in;
                let (given, ..) =
                    person::names(people, last.date(), sex == Sex::Woman, child.born_in, dice);
                child.given = given;
                if sex == Sex::Man && !named && dice.chance(table.namesake) {
                    child.given.clone_from(&father.given);
                    named = true;
                }
                if twin == 1
                    && members
                        .last()
                        .is_some_and(|m| m.person.given == child.given)
                {
                    continue;
                }
                child.sex = sex;
                child.birth = last.date();
                renumber(&mut child, dice)?;
                members.push(Member {
                    person: child,
                    mother: Some(mother.full_name()),
                    before: None,
                });
            }
            last = last + dice.between(380, 1800);
        }
        let of = |person| Member {
            person,
            mother: None,
            before: None,
        };
        members.push(of(mother));
        if !dice.chance(table.lone_parent) {
            members.push(of(father));
        }
        for member in &mut members {
            if dice.chance(table.renamed) {
                let mut now = member.person.clone();
                (_, now.first, now.second) =
                    person::names(people, now.birth, true, now.born_in, dice);
                renumber(&mut now, dice)?;
                member.before = Some(std::mem::replace(&mut member.person, now));
            }
        }
        Some(members)
    }

    fn entry(&self, member: &Member, institution: Institution, dice: &mut Dice) -> Registered {
        let registry: &Registry = &self.tables.registry;
        let slips = &registry.slips;
        let person = match &member.before {
            Some(before) if dice.chance(0.5) => before,
            _ => &member.person,
        };
        let row = institution.registration(&self.tables.affiliation);
        let mut card = registration::card(row, person, dice);
        let words: Vec<&str> = card.given.split(' ').collect();
        if words.len() > 1 && dice.chance(slips.one_given_only) {
            card.given = words[0].to_owned();
        }
        if dice.chance(slips.pet_name)
            && let Some((_, pet)) = PET_NAMES.iter().find(|(name, _)| *name == person.given)
        {
            card.given = (*pet).to_owned();
        }
        if self.today.age(Day::of(person.birth)) < 1.0 && dice.chance(slips.newborn) {
            card.given = "RN".to_owned();
            card.curp = None;
        }
        if dice.chance(slips.surnames_exchanged)
            && let Some(second) = &mut card.second
        {
            std::mem::swap(second, &mut card.first);
        }
        let grown = self.today.age(Day::of(person.birth)) > 20.0;
        if person.sex == Sex::Woman && grown && dice.chance(slips.married_name) {
            let husband = self.tables.people.surnames.names.pick(dice);
            card.second = Some(format!("de {husband}"));
        }
        let mut birth = card.birth.to_string();
        if dice.chance(slips.digit_of_birth) {
            birth = wrong_digit(&birth, dice);
        }
        let sex = match person.sex {
            sex if !dice.chance(slips.sex) => sex,
            Sex::Woman => Sex::Man,
            _ => Sex::Woman,
        };
        let contact = &registry.contact;
        let nss = institution == Institution::Imss && dice.chance(contact.nss);
        Registered {
            person: 0,
            institution,
            given: card.given,
            first: card.first,
            second: card.second,
            birth,
            sex,
            born_in: person.born_in.letters(),
            curp: card.curp,
            nss: nss.then(|| person.nss.to_string()),
            phone: None,
            address: None,
            mother: member
                .mother
                .clone()
                .filter(|_| dice.chance(contact.mother)),
        }
    }

    fn address(&self, dice: &mut Dice) -> [String; 5] {
        let state = person::state(&self.tables.people, dice).unwrap_or(mx::MxState::ABROAD);
        // About one code for three thousand people, as in the country.
        let code = dice.between(0, 999);
        let colony = COLONIES[(code as usize * 7 + usize::from(state.number())) % COLONIES.len()];
        [
            dice.pick(&STREETS).copied().unwrap_or_default().to_owned(),
            dice.between(1, 900).to_string(),
            colony.to_owned(),
            format!("{:02}{code:03}", state.number()),
            state.name().to_owned(),
        ]
    }
}

/// Gives a person another birth and sex, and what follows from them.
fn remake(
    people: &crate::tables::People,
    person: &mut Person,
    birth: Date,
    sex: Sex,
    dice: &mut Dice,
) -> Option<()> {
    (person.given, person.first, person.second) =
        person::names(people, birth, sex == Sex::Woman, person.born_in, dice);
    (person.birth, person.sex) = (birth, sex);
    renumber(person, dice)
}

/// The CURP and NSS of her present names and birth.
fn renumber(person: &mut Person, dice: &mut Dice) -> Option<()> {
    let names = Names {
        given: &person.given,
        first: &person.first,
        second: person.second.as_deref(),
    };
    let century = if person.birth.year() < 2000 { '0' } else { 'A' };
    let step = dice.weighted(&[0.86, 0.08, 0.03, 0.02, 0.01]) as u8;
    let seventeenth = char::from(century as u8 + step);
    person.curp = invented_curp(names, person.birth, person.sex, person.born_in, seventeenth)?;
    person.nss = invented_nss(person.birth, dice)?;
    Some(())
}

fn phone(dice: &mut Dice) -> String {
    // No area code begins with 00: nobody's telephone.
    format!(
        "00 {:04} {:04}",
        dice.between(0, 9999),
        dice.between(0, 9999)
    )
}

/// One digit of a date hit wrong; the date may be none.
fn wrong_digit(date: &str, dice: &mut Dice) -> String {
    const DIGITS: [usize; 7] = [2, 3, 3, 6, 8, 9, 9];
    let mut bytes = date.as_bytes().to_vec();
    let at = dice.pick(&DIGITS).copied().unwrap_or(9);
    if let Some(digit) = bytes.get_mut(at) {
        *digit = b'0' + (*digit - b'0' + dice.between(1, 9) as u8) % 10;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| date.to_owned())
}

const PET_NAMES: [(&str, &str); 8] = [
    ("José", "Pepe"),
    ("Francisco", "Paco"),
    ("Guadalupe", "Lupita"),
    ("Jesús", "Chuy"),
    ("Alejandra", "Ale"),
    ("Fernanda", "Fer"),
    ("Roberto", "Beto"),
    ("Teresa", "Tere"),
];

const STREETS: [&str; 40] = [
    "Hidalgo",
    "Juárez",
    "Morelos",
    "Zaragoza",
    "Independencia",
    "16 de Septiembre",
    "5 de Mayo",
    "20 de Noviembre",
    "Benito Juárez",
    "Emiliano Zapata",
    "Francisco I. Madero",
    "Vicente Guerrero",
    "Álvaro Obregón",
    "Reforma",
    "Insurgentes",
    "Constitución",
    "Galeana",
    "Allende",
    "Aldama",
    "Matamoros",
    "Niños Héroes",
    "Lázaro Cárdenas",
    "Venustiano Carranza",
    "Francisco Villa",
    "Pino Suárez",
    "Josefa Ortiz",
    "Guadalupe Victoria",
    "Nicolás Bravo",
    "Ignacio Zaragoza",
    "La Paz",
    "Las Flores",
    "Los Pinos",
    "Jacarandas",
    "Roble",
    "Encino",
    "Río Bravo",
    "Río Lerma",
    "Belisario Domínguez",
    "Melchor Ocampo",
    "Leona Vicario",
];

const COLONIES: [&str; 24] = [
    "Centro",
    "San José",
    "Guadalupe",
    "Santa Cruz",
    "San Juan",
    "La Loma",
    "El Mirador",
    "Las Palmas",
    "San Miguel",
    "Lomas Verdes",
    "Jardines",
    "Industrial",
    "Obrera",
    "Del Valle",
    "San Antonio",
    "Los Ángeles",
    "Revolución",
    "Santa María",
    "Vista Hermosa",
    "La Joya",
    "San Pedro",
    "Buenavista",
    "El Carmen",
    "Progreso",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_the_same_whenever_it_is_made() {
        let country = Country::mexico().unwrap();
        let show = |n| format!("{:?}", country.registers(7).home(n).unwrap());
        assert_eq!(show(3), show(3));
        assert_ne!(show(3), show(4));
    }
    #[test]
    fn families_share_what_families_share() {
        let country = Country::mexico().unwrap();
        let (mut people, mut entries, mut twins, mut namesakes) = (0, 0, 0, 0);
        for number in 0..4000 {
            let home = country.registers(1).home(number).unwrap();
            entries += home.len();
            let mut seen: Vec<&Registered> = Vec::new();
            for entry in &home {
                if !seen.iter().any(|s| s.person == entry.person) {
                    seen.push(entry);
                }
            }
            people += seen.len();
            for (i, a) in seen.iter().enumerate() {
                for b in &seen[i + 1..] {
                    twins += usize::from(a.birth == b.birth);
                    namesakes += usize::from(a.given == b.given && a.birth[..4] != b.birth[..4]);
                }
            }
        }
        let each = entries as f64 / people as f64;
        assert!((2.4..3.1).contains(&each), "{each}");
        assert!(twins > 10 && namesakes > 100, "{twins} {namesakes}");
    }
    #[test]
    fn a_wrong_digit_is_one_digit() {
        let mut dice = Dice::new(1, 1);
        for _ in 0..100 {
            let wrong = wrong_digit("1980-03-07", &mut dice);
            let apart = wrong
                .bytes()
                .zip("1980-03-07".bytes())
                .filter(|(a, b)| a != b)
                .count();
            assert_eq!((apart, wrong.len()), (1, 10));
        }
    }
}
