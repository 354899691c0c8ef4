//! `_content` and `_text`: words are found as a reading of every text finds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::*;
use fhir::{
    Value,
    query::{self, Condition, Query, matches},
    search,
};
use std::collections::{BTreeMap, BTreeSet};
use store::*;

fn ask(text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let catalog = fhir::search::Catalog::r4();
    query::parse(&catalog, of("Condition"), &pairs, query::Handling::Strict).unwrap()
}

fn ids(house: &House, permit: &Permit, text: &str) -> BTreeSet<String> {
    let query = ask(&format!("{text}&_count=1000&_total=accurate"));
    let held = house.store.search(permit, &query, None).unwrap();
    let page = house.open(permit, held);
    assert_eq!(page.total, Some(page.matches.len() as u64), "{text}");
    page.matches.into_iter().map(|one| one.id).collect()
}

fn condition(id: &str, note: &str, narrative: &str, label: Option<usize>) -> String {
    let tag = label.map_or(String::new(), |label| {
        format!(r#"{{"system":"label","code":"{label}"}}"#)
    });
    format!(
        r#"{{"resourceType":"Condition","id":"{id}","meta":{{"tag":[{tag}]}},"text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{narrative}</div>"}},"subject":{{"reference":"Patient/ana"}},"code":{{"text":"Diabetes"}},"note":[{{"text":"{note}"}}]}}"#
    )
}

const ANA: &str = r#"{"resourceType":"Patient","id":"ana"}"#;

#[test]
fn a_word_is_found_whatever_its_case_and_accents_until_it_is_gone() {
    let house = in_memory();
    house.put(&[
        ANA,
        &condition("c1", "Refiere alergia a la PENICILINA", "", None),
        &condition("c2", "sin alergias", "penicilina 500 mg", Some(1)),
    ]);
    let all = house.all();
    let found = |text: &str| ids(&house, &all, text).into_iter().collect::<Vec<_>>();
    assert_eq!(found("_content=Penicilína"), ["c1", "c2"]);
    assert_eq!(found("_text=penicilina"), ["c2"]);
    assert_eq!(found("_content=500"), ["c2"]);
    assert_eq!(found("_content=\"alergia a la\""), ["c1"]);
    assert_eq!(found("_content=alerg"), [""; 0]);
    let closed = house.person("ana", 2);
    assert_eq!(
        ids(&house, &closed, "_content=penicilina"),
        BTreeSet::from(["c1".into()])
    );
    house.put(&[&condition("c1", "Refiere nada", "", None)]);
    assert_eq!(found("_content=penicilina"), ["c2"]);
    house.delete("Condition/c2");
    assert_eq!(found("_content=penicilina"), [""; 0]);
}

#[test]
fn a_text_of_very_many_words_is_found_by_each_of_them() {
    let house = in_memory();
    let letters = |n: usize| {
        let letter = |n: usize| char::from(b'a' + (n % 26) as u8);
        format!("w{}{}{}", letter(n), letter(n / 26), letter(n / 676))
    };
    let words: Vec<String> = (0..3000).map(letters).collect();
    house.put(&[
        ANA,
        &condition("long", &words.join(" "), "", None),
        &condition("short", &words[..5].join(" "), "", None),
    ]);
    let all = house.all();
    let both = BTreeSet::from(["long".into(), "short".into()]);
    assert_eq!(ids(&house, &all, &format!("_content={}", words[4])), both);
    let one = BTreeSet::from(["long".into()]);
    assert_eq!(ids(&house, &all, &format!("_content={}", words[2999])), one);
    assert!(ids(&house, &all, "_content=nowhere").is_empty());
}

/// Whether a resource meets a condition, by its words.
fn meets(condition: &Condition, resource: &Value) -> bool {
    match condition {
        Condition::Is(clause) => matches(clause, &search::words(of("Condition"), resource)),
        Condition::All(parts) => parts.iter().all(|part| meets(part, resource)),
        Condition::Any(parts) => parts.iter().any(|part| meets(part, resource)),
        Condition::Not(part) => !meets(part, resource),
        other => panic!("{other:?}"),
    }
}

#[test]
fn as_a_reading_of_every_text_finds_them() {
    const WORDS: [&str; 10] = [
        "bone",
        "Marrow",
        "hígado",
        "de",
        "final",
        "2024",
        "mg",
        "metástasis",
        "ósea",
        "del",
    ];
    // A small generator (Knuth's MMIX constants); the same each time.
    let mut state = 11u64;
    let mut roll = |sides: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % sides
    };
    let house = in_memory();
    house.put(&[ANA]);
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..120 {
        let id = format!("c{}", roll(50));
        let mut some = |most: usize| {
            let words: Vec<&str> = (0..roll(most)).map(|_| WORDS[roll(WORDS.len())]).collect();
            words.join(" ")
        };
        let (note, narrative) = (some(6), some(4));
        let label = Some(roll(5)).filter(|label| *label < 2);
        if roll(10) == 0 && now.remove(&id).is_some() {
            house.delete(&format!("Condition/{id}"));
            continue;
        }
        let text = condition(&id, &note, &narrative, label);
        house.put(&[&text]);
        now.insert(id, text);
    }
    let questions = [
        "_content=bone",
        "_content=bone marrow",
        "_content=\"bone marrow\"",
        "_content=higado OR (bone AND NOT de)",
        "_content=final",
        "_content=final bone",
        "_content=mg,2024",
        "_content=diabetes NOT metastasis",
        "_text=bone",
        "_text=osea OR marrow",
        "_text=bone&_content=higado",
        "_content=nowhere",
        "_content=nowhere OR bone",
    ];
    let mut found_any = 0;
    for hidden in [0, 1, 3] {
        for permit in [
            house.person("ana", hidden),
            house.permit(Scope::People(std::sync::Arc::new(move |_| {
                Labels(hidden).into()
            }))),
        ] {
            for question in questions {
                let query = ask(question);
                let expected: BTreeSet<String> = now
                    .iter()
                    .filter(|(_, text)| {
                        let resource = read(text);
                        let open = TestRules.labels(of("Condition"), &resource).0 & hidden == 0;
                        open && query.conditions.iter().all(|one| meets(one, &resource))
                    })
                    .map(|(id, _)| id.clone())
                    .collect();
                found_any += expected.len();
                assert_eq!(
                    ids(&house, &permit, question),
                    expected,
                    "{question}, {hidden}"
                );
            }
        }
    }
    assert!(found_any > 300);
}
