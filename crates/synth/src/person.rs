//! The true person: what nobody's record need agree with.

use crate::day::Day;
use crate::dice::Dice;
use crate::tables::{Given, People};
use jiff::civil::Date;
use mx::curp::rules;
use mx::{Curp, MxState, Names, Nss, Sex};

/// A person as she is.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Given names.
    pub given: String,
    /// First surname.
    pub first: String,
    /// Second surname, for nearly everybody.
    pub second: Option<String>,
    /// Birth date.
    pub birth: Date,
    /// Sex.
    pub sex: Sex,
    /// State of birth.
    pub born_in: MxState,
    /// State where she lives.
    pub lives_in: MxState,
    /// A CURP by the rules, with the right digit. Invented.
    pub curp: Curp,
    /// The number that IMSS gives when it covers her. Invented.
    pub nss: Nss,
    /// Blood group, as in `O+`.
    pub blood: String,
}

impl Person {
    /// Her names.
    pub fn names(&self) -> Names<'_> {
        Names {
            given: &self.given,
            first: &self.first,
            second: self.second.as_deref(),
        }
    }
    /// The name in one line.
    pub fn full_name(&self) -> String {
        match &self.second {
            Some(second) => format!("{} {} {second}", self.given, self.first),
            None => format!("{} {}", self.given, self.first),
        }
    }
    pub(crate) fn is_woman(&self) -> bool {
        self.sex == Sex::Woman
    }
}

/// A CURP for an invented person: positions 1 to 16 and the digit by the rules, position 17 given.
pub(crate) fn invented_curp(
    names: Names<'_>,
    birth: Date,
    sex: Sex,
    state: MxState,
    seventeenth: char,
) -> Option<Curp> {
    let head = format!("{}{seventeenth}", rules::key16(names, birth, sex, state));
    let digit = rules::check_digit(&head)?;
    Curp::parse(&format!("{head}{digit}")).ok()
}

/// An NSS with the right digit.
pub(crate) fn invented_nss(birth: Date, dice: &mut Dice) -> Option<Nss> {
    let registered = (i32::from(birth.year()) + dice.between(16, 30)).rem_euclid(100);
    let head = format!(
        "{:02}{registered:02}{:02}{:04}",
        dice.between(1, 97),
        birth.year().rem_euclid(100),
        dice.between(1, 9999)
    );
    let digit = Nss::check_digit(&head)?;
    Nss::parse(&format!("{head}{digit}")).ok()
}

/// Draws a person who lives today. `None` only if the tables made a name or date that no CURP can carry.
pub(crate) fn draw(people: &People, today: Day, dice: &mut Dice) -> Option<Person> {
    let band = dice.weighted(&people.ages.share);
    let from = people.ages.from.get(band).copied().unwrap_or(0);
    let to = people
        .ages
        .from
        .get(band + 1)
        .copied()
        .unwrap_or(people.ages.last);
    let days = f64::from(from) * 365.2425 + dice.unit() * f64::from((to - from).max(1)) * 365.2425;
    let birth = (today + -(days as i32)).date();
    let woman = dice.chance(people.ages.women.get(band).copied().unwrap_or(0.5));
    let sex = if woman { Sex::Woman } else { Sex::Man };
    let lives_in = state(people, dice)?;
    let born_in = if dice.chance(people.states.born_abroad) {
        MxState::ABROAD
    } else if dice.chance(people.states.live_where_born) {
        lives_in
    } else {
        state(people, dice)?
    };
    let (given, first, second) = names(people, birth, woman, born_in, dice);
    let spelled = Names {
        given: &given,
        first: &first,
        second: second.as_deref(),
    };
    let century = if birth.year() < 2000 { '0' } else { 'A' };
    let step = dice.weighted(&[0.86, 0.08, 0.03, 0.02, 0.01]) as u8;
    let seventeenth = char::from(century as u8 + step);
    let curp = invented_curp(spelled, birth, sex, born_in, seventeenth)?;
    let nss = invented_nss(birth, dice)?;
    let blood = people
        .blood
        .groups
        .get(dice.weighted(&people.blood.share))?
        .clone();
    Some(Person {
        given,
        first,
        second,
        birth,
        sex,
        born_in,
        lives_in,
        curp,
        nss,
        blood,
    })
}

pub(crate) fn state(people: &People, dice: &mut Dice) -> Option<MxState> {
    MxState::from_letters(people.states.millions.pick(dice))
}

/// Given names and surnames for a birth and a sex.
pub(crate) fn names(
    people: &People,
    birth: Date,
    woman: bool,
    born_in: MxState,
    dice: &mut Dice,
) -> (String, String, Option<String>) {
    let year = i32::from(birth.year());
    let given = people
        .given
        .iter()
        .find(|row| year <= row.until)
        .or(people.given.last())
        .map_or_else(String::new, |row| given_names(row, woman, dice));
    let first = surname(people, born_in, dice);
    let second = (!dice.chance(people.surnames.no_second)).then(|| surname(people, born_in, dice));
    (given, first, second)
}

fn given_names(row: &Given, woman: bool, dice: &mut Dice) -> String {
    let (firsts, seconds) = if woman {
        (&row.women, &row.second_women)
    } else {
        (&row.men, &row.second_men)
    };
    let first = firsts.pick(dice);
    // María and José alone are rare.
    let common = matches!(first, "María" | "José");
    if !common && !dice.chance(row.compound) {
        return first.to_owned();
    }
    match dice.pick(seconds) {
        Some(second) if second != first => format!("{first} {second}"),
        _ => first.to_owned(),
    }
}

fn surname(people: &People, born_in: MxState, dice: &mut Dice) -> String {
    let letters = born_in.letters();
    let regional = people
        .regional
        .iter()
        .find(|row| row.states.iter().any(|s| s == letters));
    if let Some(row) = regional
        && dice.chance(row.share)
        && let Some(name) = dice.pick(&row.names)
    {
        return name.clone();
    }
    people.surnames.names.pick(dice).to_owned()
}
