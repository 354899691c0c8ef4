//! What several parameters find stands once, and is found under each of their names.
#![allow(clippy::unwrap_used)]

mod common;
use common::{places::Place, *};
use fhir::query::{self, Query};
use std::{collections::BTreeMap, sync::Arc};
use store::{
    engine::{Direction, Engine, Memory, Rows},
    *,
};

fn ask(kind: &str, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let catalog = fhir::search::Catalog::r4();
    query::parse(&catalog, of(kind), &pairs, query::Handling::Strict).unwrap()
}

/// The ids of all pages, in their order; the total agrees with them.
fn found(house: &House, permit: &Permit, kind: &str, text: &str) -> Vec<String> {
    let query = ask(kind, &format!("{text}&_count=2&_total=accurate"));
    let (mut ids, mut next, mut total) = (Vec::new(), None, None);
    loop {
        let held = house.store.search(permit, &query, next.as_ref()).unwrap();
        let page = house.open(permit, held);
        total = total.or(page.total);
        ids.extend(page.matches.into_iter().map(|one| one.id));
        next = page.next;
        if next.is_none() {
            assert_eq!(total, Some(ids.len() as u64), "{text}");
            return ids;
        }
    }
}

const PEOPLE: [&str; 6] = [
    r#"{"resourceType":"Patient","id":"ana","name":[{"family":"Ruiz","given":["Ana"]}]}"#,
    r#"{"resourceType":"Patient","id":"bea","name":[{"family":"Paz"}]}"#,
    r#"{"resourceType":"Practitioner","id":"dra","name":[{"family":"Mora"}]}"#,
    r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ana"},"period":{"start":"2024-01-01"},"participant":[{"individual":{"reference":"Practitioner/dra"}}]}"#,
    r#"{"resourceType":"Encounter","id":"e2","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ana"},"period":{"start":"2024-01-02"},"participant":[{"individual":{"reference":"RelatedPerson/dra"}}]}"#,
    r#"{"resourceType":"Encounter","id":"e3","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/ana"},"period":{"start":"2024-01-03"},"participant":[{"individual":{"type":"Practitioner","reference":"urn:uuid:0e8f1b1e-58a4-4d1c-9c0e-6a7f6f2f9b10","identifier":{"value":"77"}}}]}"#,
];

/// Ana's blood pressures, of which the whole and the parts are found; one of them is of category 1; one is of both.
fn house(place: &Place) -> House {
    let house = place.open();
    house.put(&PEOPLE);
    let pressure = |n: usize, label: &str, high: usize, low: usize, whole: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"p{n}","meta":{{"tag":[{label}]}},"status":"final","code":{{"coding":[{{"code":"bp","display":"Presion"}}]}},"subject":{{"reference":"Patient/ana"}},"focus":[{{"reference":"Patient/bea"}}],"effectiveDateTime":"2024-01-0{n}",{whole}"component":[{{"code":{{"coding":[{{"code":"high"}}]}},"valueQuantity":{{"value":{high},"code":"mm"}}}},{{"code":{{"coding":[{{"code":"low"}}]}},"valueQuantity":{{"value":{low},"code":"mm"}}}}]}}"#
        )
    };
    let whole = r#""valueQuantity":{"value":90,"code":"mm"},"#;
    let of_one = r#"{"system":"label","code":"1"}"#;
    house.put(&[
        &pressure(1, "", 120, 80, ""),
        &pressure(2, "", 140, 90, ""),
        &pressure(3, of_one, 130, 85, ""),
        &pressure(4, "", 110, 70, whole),
    ]);
    house
}

#[test]
fn what_the_whole_and_its_parts_say_is_found_together_and_apart() {
    for place in Place::all() {
        let house = house(&place);
        let all = house.all();
        let closed = house.permit(Scope::People(Arc::new(|_| Labels(2).into())));
        let check = |text: &str, open: &[&str], hidden: &[&str]| {
            assert_eq!(found(&house, &all, "Observation", text), open, "{text}");
            assert_eq!(
                found(&house, &closed, "Observation", text),
                hidden,
                "{text}"
            );
        };
        let (all_four, but_three) = (["p4", "p3", "p2", "p1"], ["p4", "p2", "p1"]);
        check("combo-code=bp", &all_four, &but_three);
        check("combo-code=low", &all_four, &but_three);
        check("combo-code=low&combo-code=bp", &all_four, &but_three);
        check("code=low", &[], &[]);
        check("combo-code:text=presion", &all_four, &but_three);
        check("combo-code:not=high", &[], &[]);
        check("combo-value-quantity=90||mm", &["p4", "p2"], &["p4", "p2"]);
        check("component-value-quantity=90||mm", &["p2"], &["p2"]);
        check("value-quantity=90||mm", &["p4"], &["p4"]);
        let by_value = ["p4", "p1", "p3", "p2"];
        check(
            "combo-value-quantity=lt100||mm",
            &by_value,
            &["p4", "p1", "p2"],
        );
        check(
            "combo-code-value-quantity=low$ge80||mm",
            &["p1", "p3", "p2"],
            &["p1", "p2"],
        );
        check("combo-code-value-quantity=bp$ge80||mm", &["p4"], &["p4"]);
        check("combo-code-value-quantity=high$90||mm", &[], &[]);
        check("_sort=combo-value-quantity", &by_value, &["p4", "p1", "p2"]);
        check(
            "_sort=-combo-value-quantity",
            &["p2", "p3", "p1", "p4"],
            &["p2", "p1", "p4"],
        );
        check("combo-value-concept:missing=true", &all_four, &but_three);
        check("combo-value-quantity:missing=true", &[], &[]);
        check("patient=ana&combo-code=low", &all_four, &but_three);
    }
}

#[test]
fn a_reference_is_found_by_the_name_of_its_type_alone_where_it_says_it() {
    for place in Place::all() {
        let house = house(&place);
        let all = house.all();
        let check = |kind: &str, text: &str, wanted: &[&str]| {
            assert_eq!(found(&house, &all, kind, text), wanted, "{kind} {text}");
        };
        check("Encounter", "participant=Practitioner/dra", &["e1"]);
        check("Encounter", "practitioner=Practitioner/dra", &["e1"]);
        check("Encounter", "practitioner=dra", &["e1"]);
        check("Encounter", "participant=RelatedPerson/dra", &["e2"]);
        let unknown = "urn:uuid:0e8f1b1e-58a4-4d1c-9c0e-6a7f6f2f9b10";
        check("Encounter", &format!("practitioner={unknown}"), &["e3"]);
        check("Encounter", "practitioner:identifier=77", &["e3"]);
        check("Encounter", "practitioner.name=mora", &["e1"]);
        check("Encounter", "practitioner:missing=true", &["e2"]);
        check(
            "Practitioner",
            "_has:Encounter:practitioner:class=AMB",
            &["dra"],
        );
        check("Patient", "phonetic=ruiz", &["ana"]);
        check("Patient", "_sort=phonetic", &["ana", "bea"]);
        check(
            "Observation",
            "focus=Patient/bea&combo-code=low&_sort=date",
            &["p1", "p2", "p3", "p4"],
        );
    }
}

/// Rows of the index by parameter and type.
fn rows(engine: &Memory) -> BTreeMap<u16, usize> {
    let mut rows = Rows::default();
    let snapshot = engine.snapshot().unwrap();
    // People's partition, index.
    let (from, to) = ([1, 0, 0x10], [1, 0, 0x11]);
    snapshot
        .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
        .unwrap();
    let mut counts = BTreeMap::new();
    for (key, _) in rows.iter() {
        *counts
            .entry(u16::from_be_bytes([key[3], key[4]]))
            .or_default() += 1;
    }
    counts
}

#[test]
fn what_others_find_as_well_has_no_rows_and_an_archive_with_such_rows_is_sound() {
    let engine = Arc::new(Memory::default());
    let keys = tempfile::tempdir().unwrap();
    let house = over(engine.clone(), keys.path());
    let write = |changes, id| {
        let made = Box::new(move |_: &_| act(id));
        house
            .store
            .write(&house.all(), changes, at(0), made)
            .unwrap();
    };
    write(PEOPLE.iter().map(|text| put(text)).collect(), 1);
    let text = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"code":"bp"}]},"subject":{"reference":"Group/g"},"valueQuantity":{"value":1,"code":"mm"}}"#;
    write(vec![put(text)], 2);
    let count = |kind: &str, code: &str| {
        let number = fhir::search::parameter(of(kind), code).unwrap().number;
        rows(&engine).get(&number).copied().unwrap_or_default()
    };
    for code in ["code", "value-quantity", "code-value-quantity", "subject"] {
        assert!(count("Observation", code) > 0, "{code}");
    }
    for code in [
        "combo-code",
        "combo-value-quantity",
        "combo-code-value-quantity",
    ] {
        assert_eq!(count("Observation", code), 0, "{code}");
    }
    assert_eq!(count("Encounter", "practitioner"), 0);
    assert_eq!(count("Encounter", "participant"), 3);
    assert_eq!(count("Patient", "phonetic"), 0);
    // Changed and taken away, nothing is left over.
    let changed = put(&text.replace("\"bp\"", "\"hr\""));
    let gone = Change::Delete {
        of: of("Encounter"),
        id: "e2".into(),
        if_match: None,
    };
    write(vec![changed, gone], 3);
    let checkup = house.store.fsck(&house.seal, &Counting, &mut |told| {
        assert!(matches!(told, Told::Done(_)), "{told:?}");
    });
    assert_eq!(checkup.unwrap().findings, 0);
    let before = rows(&engine);
    house.store.rebuild(&house.seal).unwrap();
    assert_eq!(rows(&engine), before);
}
