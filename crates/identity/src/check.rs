//! What a registration says of itself: states of its numbers, and where they disagree with the rest.
//!
//! Nothing is refused and nothing repaired. A number with a wrong digit is kept, and said to have one.

use crate::date::Written;
use crate::registration::{Identifier, Registration};
use jiff::civil::Date;
use mx::curp::{Part, rules};
use mx::{Cedula, Clues, Curp, CurpState, IdentifierState, MxState, Names, Nss, systems};
use serde::Serialize;

/// What is known of one number of a registration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Which of its identifiers, from 0.
    pub identifier: usize,
    /// How far it can be trusted.
    pub state: IdentifierState,
    /// What is wrong with it or does not fit the rest, in Spanish; it names no value.
    pub doubts: Vec<String>,
}

/// Looks at every number of a registration.
pub fn check(registration: &Registration) -> Vec<Checked> {
    let rows = registration.identifiers.iter().enumerate();
    rows.map(|(at, identifier)| {
        let (state, doubts) = look(registration, identifier);
        Checked {
            identifier: at,
            state: if identifier.confirmed {
                IdentifierState::Confirmed
            } else {
                state
            },
            doubts,
        }
    })
    .collect()
}

fn look(registration: &Registration, identifier: &Identifier) -> (IdentifierState, Vec<String>) {
    let value = identifier.value.as_str();
    let unread = |why: String| (IdentifierState::Unverified, vec![why]);
    match identifier.system.as_str() {
        systems::CURP => match Curp::parse(value) {
            Err(error) => unread(format!("no tiene forma de CURP: {error}")),
            Ok(curp) => (curp.identifier_state(), of_curp(registration, curp)),
        },
        systems::NSS => match Nss::parse(value) {
            Err(error) => unread(format!("no tiene forma de NSS: {error}")),
            Ok(nss) if nss.state() == IdentifierState::DigitOk => (nss.state(), Vec::new()),
            Ok(nss) => (
                nss.state(),
                vec!["el dígito verificador del NSS no corresponde".to_owned()],
            ),
        },
        systems::CLUES => match Clues::parse(value) {
            Err(error) => unread(format!("no tiene forma de CLUES: {error}")),
            Ok(_) => (IdentifierState::FormatOk, Vec::new()),
        },
        systems::CEDULA | systems::CEDULA_ESPECIALIDAD => match Cedula::parse(value) {
            Err(error) => unread(format!("no tiene forma de cédula: {error}")),
            Ok(_) => (IdentifierState::FormatOk, Vec::new()),
        },
        _ => (IdentifierState::Unverified, Vec::new()),
    }
}

fn of_curp(registration: &Registration, curp: Curp) -> Vec<String> {
    if curp.state() == CurpState::Generic {
        return vec!["es la CURP genérica: no nombra a nadie".to_owned()];
    }
    let mut doubts = Vec::new();
    if curp.state() == CurpState::FormatOk {
        let right = curp.as_str().get(..17).and_then(rules::check_digit);
        doubts.push(match right {
            Some(right) => format!("el dígito verificador de la CURP no corresponde; para el resto de ella sería {right}"),
            None => "el dígito verificador de la CURP no corresponde".to_owned(),
        });
    }
    let names = match (&registration.given, &registration.first) {
        (Some(given), Some(first)) => Some(Names {
            given,
            first,
            second: registration.second.as_deref(),
        }),
        _ => None,
    };
    let birth = registration
        .birth
        .as_deref()
        .and_then(Written::parse)
        .and_then(|d| {
            let narrow = |n: u8| i8::try_from(n).ok();
            Date::new(
                i16::try_from(d.year).ok()?,
                narrow(d.month)?,
                narrow(d.day)?,
            )
            .ok()
        });
    let place = registration.birth_place.as_deref();
    let state =
        place.and_then(|text| MxState::from_letters(text).or_else(|| MxState::from_name(text)));
    for found in curp.plausible(names, birth, registration.sex, state) {
        let part = match found.part {
            Part::FirstSurname => "el primer apellido",
            Part::SecondSurname => "el segundo apellido",
            Part::GivenName => "el nombre",
            Part::Birth => "la fecha de nacimiento",
            Part::Sex => "el sexo",
            Part::State => "la entidad de nacimiento",
        };
        doubts.push(format!(
            "{part} no corresponde a la CURP: daría {}, y ella tiene {}",
            found.expected, found.found
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(curp: &str, given: &str, birth: &str) -> Registration {
        Registration {
            given: Some(given.to_owned()),
            first: Some("Escamilla".to_owned()),
            second: Some("Arroyo".to_owned()),
            birth: Some(birth.to_owned()),
            identifiers: vec![Identifier {
                system: systems::CURP.to_owned(),
                value: curp.to_owned(),
                confirmed: false,
            }],
            ..Registration::default()
        }
    }
    fn doubts(curp: &str, given: &str, birth: &str) -> (IdentifierState, String) {
        let checked = check(&registration(curp, given, birth)).remove(0);
        (checked.state, checked.doubts.join("; "))
    }
    #[test]
    fn a_right_curp_raises_no_doubt() {
        let seen = doubts("EAAF010203MNLSRRA7", "María Fernanda", "2001-02-03");
        assert_eq!(seen, (IdentifierState::DigitOk, String::new()));
    }
    #[test]
    fn a_wrong_digit_is_said_with_the_right_one_and_not_refused() {
        let (state, said) = doubts("EAAF010203MNLSRRA1", "María Fernanda", "2001-02-03");
        assert_eq!(state, IdentifierState::FormatOk);
        assert!(said.contains("sería 7"), "{said}");
    }
    #[test]
    fn name_and_date_that_do_not_fit_are_named() {
        let (_, said) = doubts("EAAF010203MNLSRRA7", "Lucía", "2001-03-02");
        assert!(said.contains("el nombre no corresponde"), "{said}");
        assert!(
            said.contains("la fecha de nacimiento no corresponde"),
            "{said}"
        );
    }
    #[test]
    fn what_is_no_curp_and_what_names_nobody_are_told_apart() {
        assert_eq!(
            doubts("hola", "Ana", "2001-02-03").0,
            IdentifierState::Unverified
        );
        assert!(
            doubts(mx::curp::GENERIC, "Ana", "2001-02-03")
                .1
                .contains("genérica")
        );
    }
    #[test]
    fn a_confirmed_number_stays_confirmed_and_its_doubts_are_shown() {
        let mut it = registration("EAAF010203MNLSRRA1", "Lucía", "2001-02-03");
        it.identifiers[0].confirmed = true;
        let checked = check(&it).remove(0);
        assert_eq!(checked.state, IdentifierState::Confirmed);
        assert_eq!(checked.doubts.len(), 2);
    }
}
