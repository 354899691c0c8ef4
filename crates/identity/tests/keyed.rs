//! What holds of sheets, whatever stands on them.

#![allow(clippy::unwrap_used)] // A test says what it expects.

use identity::keyed::{Part, Sheet, Terms, Unlike, encode, pairs};
use identity::{Address, Identifier, Registration};
use proptest::prelude::*;

const RUN: &[u8] = b"imss/issste/1";

fn terms(secret: u8) -> Terms {
    Terms::new(&[secret; 32], RUN, &Part::ALL, 1_000)
}

fn woman(given: &str, first: &str, second: &str, birth: &str, street: &str) -> Registration {
    Registration {
        given: Some(given.to_owned()),
        first: Some(first.to_owned()),
        second: Some(second.to_owned()),
        birth: Some(birth.to_owned()),
        addresses: vec![Address {
            street: Some(street.to_owned()),
            postcode: Some("06700".to_owned()),
            ..Address::default()
        }],
        ..Registration::default()
    }
}

fn sheet(terms: &Terms, own: u8, people: &[Registration]) -> (Sheet, Vec<u32>) {
    let people: Vec<&[Registration]> = people.iter().map(std::slice::from_ref).collect();
    encode(terms, &[own; 32], &people)
}

/// Which person of one list is which of the other.
fn found(a: &(Sheet, Vec<u32>), b: &(Sheet, Vec<u32>)) -> Vec<(u32, u32)> {
    let pairs = pairs(&a.0, &b.0).unwrap();
    let mut out: Vec<(u32, u32)> = pairs
        .iter()
        .map(|p| (a.1[p.a as usize], b.1[p.b as usize]))
        .collect();
    out.sort_unstable();
    out
}

fn here() -> Vec<Registration> {
    vec![
        woman(
            "María Fernanda",
            "Escamilla",
            "Arroyo",
            "2001-02-03",
            "Calle Roble 8",
        ),
        woman(
            "Juan",
            "Ibáñez",
            "Trejo",
            "1955-08-21",
            "Privada de los Fresnos 12",
        ),
        woman(
            "Guadalupe",
            "Quiñones",
            "Baeza",
            "1984-11-02",
            "Av. Hidalgo 3",
        ),
    ]
}

#[test]
fn people_are_found_however_they_were_written() {
    let there = vec![
        woman("Lupita", "Quiñones", "Baesa", "1984-02-11", "Morelos 77"),
        woman("Elena", "Zepeda", "Nava", "1990-07-09", "Pino Suárez 1"),
        woman(
            "Ma. Fernanda",
            "Escamiya",
            "Arrollo",
            "03/02/2001",
            "Roble 8",
        ),
    ];
    let terms = terms(1);
    let (a, b) = (sheet(&terms, 2, &here()), sheet(&terms, 3, &there));
    assert_eq!(found(&a, &b), [(0, 2), (2, 0)]);
}

#[test]
fn a_pair_says_what_was_seen_to_agree() {
    let terms = terms(1);
    let one = woman(
        "Guadalupe",
        "Quiñones",
        "Baeza",
        "1984-11-02",
        "Av. Hidalgo 3",
    );
    let other = woman("Lupita", "Quiñones", "Baesa", "1984-02-11", "Morelos 77");
    let (here, _) = sheet(&terms, 1, &[one]);
    let (there, _) = sheet(&terms, 2, &[other]);
    let met = pairs(&here, &there).unwrap();
    let agreed = &met[0].agreed;
    let all = [
        Part::Given,
        Part::First,
        Part::Second,
        Part::Year,
        Part::Day,
    ];
    assert!(all.iter().all(|part| agreed.contains(part)), "{agreed:?}");
    assert!(!agreed.contains(&Part::Street) && !agreed.contains(&Part::Curp));
}

#[test]
fn a_twin_at_the_other_member_is_not_her() {
    let twin = woman(
        "Sofía",
        "Escamilla",
        "Arroyo",
        "2001-02-03",
        "Calle Roble 8",
    );
    let herself = here().swap_remove(0);
    let terms = terms(1);
    let a = sheet(&terms, 2, &here());
    let b = sheet(&terms, 3, &[twin, herself]);
    assert_eq!(found(&a, &b), [(0, 1)]);
}

#[test]
fn another_secret_or_another_run_has_nothing_in_common() {
    let a = sheet(&terms(1), 2, &here());
    let others = [
        terms(4),
        Terms::new(&[1; 32], b"imss/issste/2", &Part::ALL, 1_000),
    ];
    for terms in others {
        assert_eq!(found(&a, &sheet(&terms, 2, &here())), []);
    }
    let fewer = Terms::new(
        &[1; 32],
        RUN,
        &[Part::Given, Part::First, Part::Year, Part::Day],
        1_000,
    );
    let b = sheet(&fewer, 2, &here());
    assert_eq!(pairs(&a.0, &b.0), Err(Unlike::Terms));
}

#[test]
fn who_was_registered_twice_unnoticed_is_found_once() {
    let mut here = here();
    here.push(here[0].clone());
    let terms = terms(1);
    let (a, b) = (sheet(&terms, 2, &here), sheet(&terms, 3, &here[..1]));
    assert_eq!(found(&a, &b).len(), 1);
}

#[test]
fn all_registrations_of_a_person_speak_for_her() {
    let mut before = woman("Lucía", "Ríos", "Peña", "2015-03-03", "Roble 8");
    let mut after = woman("Lucía", "Camacho", "Villa", "2015-03-03", "Encino 2");
    for of in [&mut before, &mut after] {
        of.phones = vec!["55 5123 4567".to_owned()];
    }
    let terms = terms(1);
    let (both, _) = encode(&terms, &[2; 32], &[&[before.clone(), after.clone()]]);
    for one in [before, after] {
        let (there, _) = sheet(&terms, 3, &[one]);
        assert_eq!(pairs(&both, &there).unwrap().len(), 1);
    }
}

#[test]
fn what_is_no_sheet_is_refused() {
    let (whole, _) = sheet(&terms(1), 2, &here());
    let mut text: serde_json::Value = serde_json::to_value(&whole).unwrap();
    text["tokens"].as_array_mut().unwrap().pop();
    let torn: Sheet = serde_json::from_value(text).unwrap();
    assert_eq!(pairs(&whole, &torn), Err(Unlike::Rows));
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![
            "María",
            "Ma. Guadalupe",
            "José",
            "Pepe",
            "Pérez",
            "López Ruiz",
            "RN de Ana",
            "XX",
            "desconocido",
            "1980-02-30",
            "03/04/1980",
            "55 1234 5678",
            "Hidalgo 12",
            "😀👩‍⚕️",
            "",
        ])
        .prop_map(|s| Some(s.to_owned())),
        "\\PC{0,24}".prop_map(Some),
        "[a-z ]{9000,10000}".prop_map(Some),
    ]
}

fn registration() -> impl Strategy<Value = Registration> {
    let names = (text(), text(), text(), text(), text());
    let rest = (text(), text(), text(), text(), text());
    (names, rest).prop_map(
        |((given, first, second, birth, place), (street, phone, number, mother, other))| {
            Registration {
                given,
                first,
                second,
                birth,
                birth_place: place.clone(),
                addresses: vec![Address {
                    street,
                    locality: place,
                    postcode: number.clone(),
                    ..Address::default()
                }],
                phones: phone.into_iter().collect(),
                identifiers: number
                    .into_iter()
                    .map(|value| Identifier {
                        system: mx::systems::CURP.to_owned(),
                        value,
                        confirmed: false,
                    })
                    .collect(),
                mother,
                traits: vec![other],
                ..Registration::default()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sheet_is_the_same_in_any_order_and_no_token_stands_twice(
        all in prop::collection::vec(registration(), 1..24),
        turn in any::<prop::sample::Index>(),
    ) {
        let terms = terms(1);
        let (straight, of) = sheet(&terms, 2, &all);
        prop_assert_eq!(straight.people(), all.len());
        let mut turned = all.clone();
        turned.rotate_left(turn.index(all.len()));
        turned.reverse();
        let (other, whose) = sheet(&terms, 2, &turned);
        prop_assert_eq!(&straight, &other);
        for (x, y) in of.iter().zip(&whose) {
            let alone = |one: &Registration| sheet(&terms, 2, std::slice::from_ref(one)).0;
            prop_assert_eq!(alone(&all[*x as usize]), alone(&turned[*y as usize]));
        }
        let text = serde_json::to_value(&straight).unwrap();
        let tokens: Vec<String> = text["tokens"].as_array().unwrap().iter().map(ToString::to_string).collect();
        let once: std::collections::HashSet<&String> = tokens.iter().collect();
        prop_assert_eq!(once.len(), tokens.len());
    }

    #[test]
    fn what_says_nothing_meets_nobody(junk in "[😀-🙏\\p{P} x0]{0,12}|[a-z]{201,10000}") {
        let nothing = [Registration {
            given: Some(junk.clone()),
            first: Some(junk.clone()),
            second: Some(junk.clone()),
            birth: Some(junk.clone()),
            phones: vec![junk.clone()],
            mother: Some(junk),
            ..Registration::default()
        }];
        let terms = terms(1);
        let (a, b) = (sheet(&terms, 2, &nothing), sheet(&terms, 3, &nothing));
        prop_assert_eq!(found(&a, &b), []);
    }
}
