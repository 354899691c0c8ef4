//! Derived rows made again from the facts are those that the writer made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};
use store::{
    engine::{BULKY, Batch, DERIVED, Direction, Engine, Memory, Rows, Snapshot},
    *,
};

/// An engine that may say it lost what it could.
#[derive(Default)]
struct Forgetful {
    inner: Memory,
    lost: AtomicBool,
}

impl Engine for Forgetful {
    fn commit(&self, batch: &Batch) -> Result<()> {
        self.inner.commit(batch)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }
    fn incomplete(&self) -> Result<bool> {
        Ok(self.lost.load(SeqCst))
    }
    fn complete(&self) -> Result<()> {
        self.lost.store(false, SeqCst);
        Ok(())
    }
}

fn over(engine: &Arc<Forgetful>, keys: &Path) -> House {
    let options = Options {
        keyring: Some(keys.to_owned()),
        ..Options::default()
    };
    let (store, seal) = Store::over(
        engine.clone(),
        options,
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    House { store, seal }
}

/// All derived rows; of cards, which are sealed anew, only that they are there.
fn derived(engine: &dyn Engine) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let snapshot = engine.snapshot().unwrap();
    let mut all = BTreeMap::new();
    for partition in [1u16, 2, 3, 4, 0x100] {
        for family in DERIVED..BULKY {
            let key = |family: u8| [&partition.to_be_bytes()[..], &[family]].concat();
            let mut rows = Rows::default();
            snapshot
                .scan(
                    &key(family),
                    &key(family + 1),
                    Direction::Up,
                    usize::MAX,
                    &mut rows,
                )
                .unwrap();
            for (key, value) in rows.iter() {
                let value = if family == 0x11 { &[] } else { value };
                all.insert(key.to_vec(), value.to_vec());
            }
        }
    }
    all
}

#[test]
fn an_engine_that_lost_its_index_gets_the_same_index_again() {
    let keys = tempfile::tempdir().unwrap();
    let engine = Arc::new(Forgetful::default());
    let house = over(&engine, keys.path());
    let note = |id: &str, patient: &str, text: &str, more: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}"{more},"subject":{{"reference":"Patient/{patient}"}},"performer":[{{"reference":"Organization/hospital"}}],"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"effectiveDateTime":"2024-05-06","note":[{{"text":"{text}"}}]}}"#
        )
    };
    let tag = r#","meta":{"tag":[{"system":"label","code":"3"}]}"#;
    house.put(&[
        r#"{"resourceType":"Organization","id":"hospital","name":"Hospital"}"#,
        // Her Patient comes later; Eva's never does.
        &note("o1", "ana", "one", ""),
        &note("o2", "eva", "two", tag),
        r#"{"resourceType":"Patient","id":"ana","identifier":[{"value":"MURA900101"}]}"#,
    ]);
    house.put(&[
        &note("o1", "ana", "changed", tag),
        &note("o3", "ana", "moves", ""),
    ]);
    house.put(&[&note("o3", "eva", "moves", "")]);
    house.delete("Observation/o2");
    house.put(&[r#"{"resourceType":"Basic","id":"b","code":{"text":"x"}}"#]);
    house.delete("Basic/b");
    house.put(&[r#"{"resourceType":"Basic","id":"b","code":{"text":"y"}}"#]);
    let ana = house.person("ana", 0);
    let asked = Asked::default();
    let record = |house: &House, ana: &Permit| {
        let held = house.store.everything(ana, &asked).unwrap();
        let page = house.open(ana, held);
        let bodies = page.matches.iter().chain(&page.included);
        bodies
            .map(|one| String::from_utf8(one.body.to_vec()).unwrap())
            .collect::<Vec<_>>()
    };
    let told = record(&house, &ana);
    assert_eq!(told.len(), 3);
    drop(house);
    let before = derived(engine.as_ref());

    let lost: Batch = before.keys().map(|key| (key.clone(), None)).collect();
    assert!(lost.len() > 30);
    engine.commit(&lost).unwrap();
    engine.lost.store(true, SeqCst);
    let house = over(&engine, keys.path());
    assert!(!engine.lost.load(SeqCst));
    assert_eq!(derived(engine.as_ref()), before);
    assert_eq!(record(&house, &house.person("ana", 0)), told);

    // And again over what is there.
    let made = house.store.rebuild(&house.seal).unwrap();
    assert_eq!((made.versions, made.unread, made.erased), (11, 0, 0));
    assert_eq!(record(&house, &house.person("ana", 0)), told);
}
