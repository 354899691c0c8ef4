//! How an institution writes a person down: its own folio, its own spelling, its own mistakes.

use crate::cover::Institution;
use crate::dice::Dice;
use crate::person::Person;
use crate::resources::codeable;
use crate::tables::RegistrationRow;
use fhir::{Value, obj};
use jiff::civil::Date;
use mx::names::normalise;
use mx::{curp, systems};

/// What one institution has on its card.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) folio: String,
    pub(crate) curp: Option<String>,
    pub(crate) given: String,
    pub(crate) first: String,
    pub(crate) second: Option<String>,
    pub(crate) birth: Date,
    /// What is wrong or lacking on it, in words of the truth file.
    pub(crate) faults: Vec<&'static str>,
}

/// Fills in a card with the mistakes of the row's rates.
pub(crate) fn card(row: &RegistrationRow, person: &Person, dice: &mut Dice) -> Card {
    let mut faults = Vec::new();
    let curp = curp_as_written(row, person, &mut faults, dice);
    let mut given = person.given.clone();
    if let Some(rest) = given.strip_prefix("María ")
        && dice.chance(row.short_maria)
    {
        given = format!("Ma. {rest}");
    }
    let mut first = person.first.clone();
    let mut second = person.second.clone();
    if second.is_some() && dice.chance(row.no_second) {
        second = None;
        faults.push("second-surname-missing");
    }
    if dice.chance(row.name_typo) {
        let which = dice.between(0, 2);
        let slot = match which {
            0 => &mut given,
            1 => &mut first,
            _ => second.as_mut().unwrap_or(&mut first),
        };
        *slot = typo(slot, dice);
        faults.push("name-typo");
    }
    let mut birth = person.birth;
    if dice.chance(row.day_month)
        && birth.day() <= 12
        && birth.day() != birth.month()
        && let Ok(swapped) = Date::new(birth.year(), birth.day(), birth.month())
    {
        birth = swapped;
        faults.push("day-and-month-exchanged");
    }
    if row.upper {
        (given, first) = (normalise(&given), normalise(&first));
        second = second.as_deref().map(normalise);
    }
    Card {
        id: dice.uuid(),
        folio: format!("{:08}", dice.between(1, 99_999_999)),
        curp,
        given,
        first,
        second,
        birth,
        faults,
    }
}

fn curp_as_written(
    row: &RegistrationRow,
    person: &Person,
    faults: &mut Vec<&'static str>,
    dice: &mut Dice,
) -> Option<String> {
    let right = person.curp.as_str();
    let outcomes = [row.no_curp, row.generic, row.wrong_digit, row.typed_wrong];
    let rest = 1.0 - outcomes.iter().sum::<f64>();
    let [a, b, c, d] = outcomes;
    match dice.weighted(&[a, b, c, d, rest]) {
        0 => {
            faults.push("curp-missing");
            None
        }
        1 => {
            faults.push("curp-generic");
            Some(curp::GENERIC.to_owned())
        }
        2 => {
            faults.push("curp-wrong-digit");
            let (head, digit) = right.split_at(17);
            let digit: i32 = digit.parse().unwrap_or(0);
            Some(format!("{head}{}", (digit + dice.between(1, 9)) % 10))
        }
        3 => {
            faults.push("curp-typed-wrong");
            Some(typed_wrong(right, dice))
        }
        _ => Some(right.to_owned()),
    }
}

/// Two neighbours among the date digits exchanged, or one letter of the name hit wrong.
fn typed_wrong(right: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = right.chars().collect();
    let at = usize::try_from(dice.between(4, 8)).unwrap_or(4);
    let differ = chars.get(at) != chars.get(at + 1);
    if differ && dice.chance(0.5) {
        chars.swap(at, at + 1);
    } else {
        let place = dice.pick(&[0usize, 2, 3, 13, 14, 15]).copied().unwrap_or(0);
        if let Some(slot) = chars.get_mut(place) {
            *slot = if *slot == 'N' { 'M' } else { 'N' };
        }
    }
    chars.into_iter().collect()
}

/// One slip of the kind that clerks make.
pub(crate) fn typo(name: &str, dice: &mut Dice) -> String {
    let confusions = [
        ("z", "s"),
        ("s", "z"),
        ("v", "b"),
        ("b", "v"),
        ("h", ""),
        ("ll", "y"),
        ("g", "j"),
        ("c", "s"),
        ("n", "m"),
    ];
    let fitting: Vec<&(&str, &str)> = confusions
        .iter()
        .filter(|(from, _)| name.contains(from))
        .collect();
    if let Some((from, to)) = dice.pick(&fitting) {
        return name.replacen(from, to, 1);
    }
    // No confusable letter: one letter of the name doubled.
    let letters: Vec<(usize, char)> = name
        .char_indices()
        .filter(|(_, c)| c.is_alphabetic())
        .collect();
    let mut out = name.to_owned();
    if let Some((at, c)) = dice.pick(&letters) {
        out.insert(at + c.len_utf8(), c.to_lowercase().next().unwrap_or(*c));
    }
    out
}

impl Card {
    /// The Patient resource of this card.
    pub(crate) fn patient(
        &self,
        person: &Person,
        institution: Institution,
        clues: &str,
        unit: &str,
        dice: &mut Dice,
    ) -> Value {
        let mut identifiers = vec![obj! {
            "use" => "usual",
            "type" => codeable("http://terminology.hl7.org/CodeSystem/v2-0203", "MR", "Expediente"),
            "system" => systems::folio(clues),
            "value" => &self.folio,
        }];
        if let Some(curp) = &self.curp {
            identifiers.push(obj! {
                "use" => "official", "system" => systems::CURP, "value" => curp,
            });
        }
        match institution {
            Institution::Imss => identifiers.push(obj! {
                "use" => "official", "system" => systems::NSS, "value" => person.nss.as_str(),
            }),
            Institution::Issste => identifiers.push(obj! {
                "use" => "secondary", "system" => systems::ISSSTE, "value" => format!("{:07}", dice.between(1, 9_999_999)),
            }),
            Institution::Pemex => identifiers.push(obj! {
                "use" => "secondary", "system" => systems::PEMEX, "value" => format!("{:06}", dice.between(1, 999_999)),
            }),
            _ => {}
        }
        let phone = format!("55 0000 {:04}", dice.between(0, 9999));
        obj! {
            "resourceType" => "Patient",
            "id" => &self.id,
            "extension" => [obj! {
                "url" => systems::EXT_STATE_OF_BIRTH, "valueCode" => person.born_in.letters(),
            }],
            "identifier" => identifiers,
            "active" => true,
            "name" => [self.name()],
            "telecom" => dice.chance(0.7).then(|| {
                vec![obj! { "system" => "phone", "value" => phone, "use" => "mobile" }]
            }),
            "gender" => person.sex.fhir_gender(),
            "birthDate" => self.birth.to_string(),
            "address" => [obj! {
                "use" => "home", "state" => person.lives_in.name(), "country" => "MX",
            }],
            "managingOrganization" => obj! { "reference" => format!("Organization/{unit}") },
        }
    }

    /// Both surnames as HL7 writes them for Spanish names: one family, its parts in extensions.
    fn name(&self) -> Value {
        let part = |which: &str, value: &str| {
            obj! {
                "url" => format!("http://hl7.org/fhir/StructureDefinition/humanname-{which}-family"),
                "valueString" => value,
            }
        };
        let mut parts = vec![part("fathers", &self.first)];
        let mut family = self.first.clone();
        if let Some(second) = &self.second {
            parts.push(part("mothers", second));
            family = format!("{family} {second}");
        }
        obj! {
            "use" => "official",
            "text" => format!("{} {family}", self.given),
            "family" => family,
            "_family" => obj! { "extension" => parts },
            "given" => self.given.split(' ').collect::<Vec<_>>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_changes_a_name_and_leaves_it_one() {
        let mut dice = Dice::new(1, 1);
        for name in ["Iker", "María de la Luz", "Ñáñez", "Uc", "Montes de Oca"] {
            for _ in 0..50 {
                let slipped = typo(name, &mut dice);
                assert_ne!(slipped, name);
                assert_eq!(slipped.split(' ').count(), name.split(' ').count());
                assert!(slipped.split(' ').all(|word| !word.is_empty()));
            }
        }
    }
}
