//! A permit that opens only some categories, and one that spares some of what it leaves out: wherever it shows.

#![allow(clippy::unwrap_used, missing_docs)] // A test says what it expects.

mod common;

use common::{House, in_memory, of};
use fhir::query::{Handling, parse};
use fhir::search::Catalog;
use store::*;

/// Labels: 0 is a seal, 1 another one, 2 what is opened in an emergency.
const ALLERGY: &str = r#"{"resourceType":"AllergyIntolerance","id":"a1","meta":{"tag":[{"system":"label","code":"0"},{"system":"label","code":"2"}]},"patient":{"reference":"Patient/ana"},"recorder":{"reference":"Practitioner/p1"}}"#;
const RESULT: &str = r#"{"resourceType":"Observation","id":"o1","meta":{"tag":[{"system":"label","code":"1"}]},"status":"final","subject":{"reference":"Patient/ana"},"performer":[{"reference":"Practitioner/p2"}],"hasMember":[{"reference":"Observation/o2"}]}"#;
const GROUP: &str = r#"{"resourceType":"Observation","id":"o2","meta":{"tag":[{"system":"label","code":"2"}]},"status":"final","subject":{"reference":"Patient/ana"},"derivedFrom":[{"reference":"Observation/o1"}]}"#;
/// In no category at all.
const PLAIN: &str =
    r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/ana"}}"#;

fn house() -> House {
    let house = in_memory();
    house.put(&[
        r#"{"resourceType":"Patient","id":"ana","meta":{"tag":[{"system":"label","code":"2"}]}}"#,
        r#"{"resourceType":"Practitioner","id":"p1"}"#,
        r#"{"resourceType":"Practitioner","id":"p2"}"#,
        ALLERGY,
        RESULT,
        GROUP,
        PLAIN,
    ]);
    house
}

fn permit(house: &House, left_out: LeftOut, only: Option<u32>) -> Permit {
    house.permit(Scope::Person {
        keys: vec![house.key("ana")],
        left_out,
        only: only.map(Labels),
    })
}

fn searched(house: &House, permit: &Permit, line: &str) -> (Vec<String>, Vec<String>, Option<u64>) {
    let (kind, rest) = line.split_once('?').unwrap();
    let pairs: Vec<(String, String)> = rest
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let query = parse(&Catalog::r4(), of(kind), &pairs, Handling::Strict).unwrap();
    let held = house.store.search(permit, &query, None).unwrap();
    let page = house.open(permit, held);
    let ids = |versions: Vec<Version>| versions.into_iter().map(|v| v.id).collect();
    (ids(page.matches), ids(page.included), page.total)
}

#[test]
fn only_what_is_in_its_categories_is_opened_anywhere() {
    let house = house();
    let only = permit(&house, LeftOut::default(), Some(4));
    for (name, opened) in [
        ("Patient/ana", true),
        ("AllergyIntolerance/a1", true),
        ("Observation/o1", false),
        ("Observation/o2", true),
        ("Condition/c1", false),
        // Shared: opened by what names it, if that is opened.
        ("Practitioner/p1", true),
        ("Practitioner/p2", false),
    ] {
        assert_eq!(house.read(&only, name).is_some(), opened, "{name}");
    }
    let found = searched(&house, &only, "Observation?_total=accurate");
    assert_eq!(found, (vec!["o2".into()], vec![], Some(1)));
    let found = searched(
        &house,
        &only,
        "Observation?_include=Observation:derived-from",
    );
    assert_eq!(found.1, Vec::<String>::new());
    let found = searched(&house, &only, "Patient?_revinclude=*");
    assert_eq!(found.1.len(), 2, "{found:?}");
    let found = searched(
        &house,
        &only,
        "Observation?derived-from:Observation.status=final",
    );
    assert_eq!(found.0, Vec::<String>::new());
    let found = searched(&house, &only, "Patient?_has:Condition:subject:_id=c1");
    assert_eq!(found.0, Vec::<String>::new());

    let held = house.store.everything(&only, &Asked::default()).unwrap();
    let page = house.open(&only, held);
    let ids: Vec<&str> = page.matches.iter().map(|v| v.id.as_str()).collect();
    assert_eq!(ids, ["ana", "a1", "o2"]);
    let held = house.store.counts(&only).unwrap();
    let counts = house.open(&only, held);
    assert!(
        counts
            .iter()
            .all(|(kind, count)| *count == 1 && kind.name() != "Condition")
    );
    let resource = HistoryOf::Instance(of("Observation"), "o1".into());
    let held = house
        .store
        .history(&only, &resource, &When::default(), 10, None)
        .unwrap();
    assert!(house.open(&only, held).matches.is_empty());
    // The hint speaks of what was closed, not of what is not asked for.
    assert!(!house.store.withholds(&only, Labels(0)).unwrap());
}

#[test]
fn what_is_spared_shows_unless_it_is_held() {
    let house = house();
    let sealed = |held: u32| LeftOut {
        hidden: Labels(0b011),
        held: Labels(held),
        spared: Labels(0b100),
    };
    let kinder = permit(&house, sealed(0b010), None);
    assert!(house.read(&kinder, "AllergyIntolerance/a1").is_some());
    assert!(house.read(&kinder, "Observation/o1").is_none());
    assert!(house.read(&kinder, "Condition/c1").is_some());
    assert!(house.store.withholds(&kinder, Labels(0)).unwrap());
    let harder = permit(&house, sealed(0b011), None);
    assert!(house.read(&harder, "AllergyIntolerance/a1").is_none());
    // Two masks at once: what is left out stays left out of what alone is opened.
    let both = permit(&house, sealed(0b011), Some(4));
    assert!(house.read(&both, "AllergyIntolerance/a1").is_none());
    assert!(house.read(&both, "Observation/o2").is_some());
}

#[test]
fn a_permit_of_some_categories_writes_nothing() {
    let house = house();
    let only = permit(&house, LeftOut::default(), Some(4));
    let change = |name: &str| {
        let (kind, id) = name.split_once('/').unwrap();
        let delete = Change::Delete {
            of: of(kind),
            id: id.to_owned(),
            if_match: None,
        };
        let act = |_: &[Written]| common::act(3);
        (house.store).write(&only, vec![delete], common::at(2), Box::new(act))
    };
    assert!(matches!(
        change("Observation/o1"),
        Err(Error::NotPermitted(_))
    ));
    assert!(matches!(
        change("Condition/c1"),
        Err(Error::NotPermitted(_))
    ));
    // What is written could change its categories: a permit of some opens no writing.
    assert!(matches!(
        change("Observation/o2"),
        Err(Error::NotPermitted(_))
    ));
}
