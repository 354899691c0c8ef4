//! Each kind of row is damaged by hand: it is found, named, and made good where it can be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Counting, House, TestRules, TestWitness, act, at, of};
use std::sync::Arc;
use store::{
    engine::{BULKY, Batch, DERIVED, Direction, Engine, Memory, Rows},
    *,
};

fn check(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut report = |told| {
        if let Told::Found(finding) = told {
            found.push(finding);
        }
    };
    let checkup = house
        .store
        .fsck(&house.seal, &Counting, &mut report)
        .unwrap();
    assert_eq!(checkup.findings, found.len() as u64);
    found
}

fn life() -> (Arc<Memory>, House) {
    let engine = Arc::new(Memory::default());
    let (store, seal) = Store::over(
        engine.clone(),
        Options::default(),
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    let house = House { store, seal };
    let note = |id: &str, patient: &str, text: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","meta":{{"tag":[{{"system":"label","code":"3"}}]}},"subject":{{"reference":"Patient/{patient}"}},"performer":[{{"reference":"Organization/hospital"}}],"status":"final","code":{{"text":"{text}"}},"effectiveDateTime":"2024-05-06"}}"#
        )
    };
    // Each with an act of its own name.
    let write = |name: u8, changes: Vec<Change>| {
        let act = Box::new(move |_: &[Written]| act(name));
        house
            .store
            .write(&house.all(), changes, at(0), act)
            .unwrap();
    };
    let gone = Change::Delete {
        of: of("Observation"),
        id: "o2".into(),
        if_match: None,
    };
    let first = [
        r#"{"resourceType":"Organization","id":"hospital","name":"Hospital"}"#,
        r#"{"resourceType":"Patient","id":"ana","identifier":[{"value":"MURA900101"}]}"#,
        &note("o1", "ana", "one"),
        // Her Patient never comes.
        &note("o2", "eva", "two"),
    ];
    write(1, first.map(put_text).into());
    write(2, vec![put_text(&note("o1", "ana", "changed"))]);
    write(3, vec![gone]);
    (engine, house)
}

fn rows(engine: &Memory, families: std::ops::Range<u8>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let snapshot = engine.snapshot().unwrap();
    let mut all = Vec::new();
    for partition in [1u16, 2, 3, 4, 0x100] {
        for family in families.clone() {
            let key = |family: u8| [&partition.to_be_bytes()[..], &[family]].concat();
            let (from, to) = (key(family), key(family + 1));
            let mut rows = Rows::default();
            snapshot
                .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
                .unwrap();
            all.extend(rows.iter().map(|(key, row)| (key.to_vec(), row.to_vec())));
        }
    }
    all
}

fn put_text(text: &str) -> Change {
    common::put(text)
}

fn set(engine: &Memory, key: &[u8], row: Option<Vec<u8>>) {
    engine.commit(&Batch::from([(key.to_vec(), row)])).unwrap();
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 0x10;
    }
    bytes
}

#[test]
fn a_sound_archive_has_no_findings() {
    let (_, house) = life();
    assert_eq!(check(&house), []);
}

#[test]
fn every_derived_row_that_is_lost_altered_or_stray_is_found_and_made_good() {
    let (engine, house) = life();
    let all = rows(&engine, DERIVED..BULKY);
    assert!(all.len() >= 40, "{}", all.len());
    let hurt = |what: &str, key: &[u8]| {
        let found = check(&house);
        assert!(!found.is_empty(), "{what} {key:02x?}");
        assert!(found.iter().all(|one| one.repairable), "{what}: {found:?}");
        let made = house.store.rebuild(&house.seal).unwrap();
        assert_eq!(made.unread, 0);
        assert_eq!(check(&house), [], "after {what} of {key:02x?}");
    };
    for (key, row) in all {
        set(&engine, &key, None);
        hurt("a loss", &key);
        if !row.is_empty() {
            // Of a counter the number; the longest span may be longer than what is left calls for.
            let altered = match key[2] {
                0x18 => [&[row[0] ^ 1], &row[1..]].concat(),
                _ => flipped(&row),
            };
            set(&engine, &key, Some(altered));
            hurt("a change", &key);
        }
        // A counter of no type stands for nothing.
        if key[2] != 0x18 {
            set(&engine, &flipped(&key), Some(row));
            hurt("a stray", &key);
        }
    }
}

#[test]
fn facts_that_are_lost_or_altered_are_found_and_named() {
    let named = |damage: &dyn Fn(&Memory), words: &str| {
        let (engine, house) = life();
        damage(&engine);
        let found = check(&house);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|one| one.contains(words)),
            "{words}: {told:?}"
        );
    };
    let first = |engine: &Memory, partition: u16, family: u8| {
        let mut found = rows(engine, family..family + 1);
        found.retain(|(key, _)| key.starts_with(&partition.to_be_bytes()));
        found.swap_remove(0)
    };
    // Bodies, acts, people's keys, the log.
    for (partition, family) in [(0x100, 0x80), (2, 0x80), (3, 2)] {
        let alter = |engine: &Memory| {
            let (key, row) = first(engine, partition, family);
            set(engine, &key, Some(flipped(&row)));
        };
        named(&alter, "altered or moved");
    }
    let lose = |partition, family| {
        move |engine: &Memory| {
            let (key, _) = first(engine, partition, family);
            set(engine, &key, None);
        }
    };
    named(&lose(2, 0x80), "acts 0 to 1 are missing");
    named(&lose(3, 2), "is not known");
    named(&lose(0x100, 0x80), "of nothing that is there");
    named(&lose(2, 1), "leaf 0 is missing");
}
