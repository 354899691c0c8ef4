//! One person is erased: she is gone from answers, rows and backups; others and the log are as they were.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};
use store::{
    engine::{Batch, Direction, Engine, Memory, Rows, Snapshot},
    *,
};

/// An engine whose disk is full after some more commits.
struct Filling {
    inner: Memory,
    left: AtomicI64,
}

impl Engine for Filling {
    fn commit(&self, batch: &Batch) -> Result<()> {
        match self.left.fetch_sub(1, SeqCst) {
            ..=0 => Err(Error::Disk("full".into())),
            _ => self.inner.commit(batch),
        }
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }
}

fn engine() -> Arc<Filling> {
    Arc::new(Filling {
        inner: Memory::default(),
        left: AtomicI64::new(i64::MAX),
    })
}

fn over(engine: &Arc<Filling>, keys: &Path) -> House {
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

fn note(id: &str, patient: &str, text: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","meta":{{"tag":[{{"system":"label","code":"3"}}]}},"subject":{{"reference":"Patient/{patient}"}},"performer":[{{"reference":"Organization/hospital"}}],"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"note":[{{"text":"{text}"}}]}}"#
    )
}

/// Ana and Eva, with everything that can become of a resource; gives Ana's number.
fn life(house: &House) -> PersonKey {
    house.put(&[
        r#"{"resourceType":"Organization","id":"hospital","name":"Hospital"}"#,
        r#"{"resourceType":"Patient","id":"ana","identifier":[{"value":"MURA900101"}]}"#,
        r#"{"resourceType":"Patient","id":"eva"}"#,
        &note("hers", "ana", "one"),
        &note("gone", "ana", "two"),
        &note("to-eva", "ana", "three"),
        &note("from-eva", "eva", "four"),
        &note("eva", "eva", "five"),
    ]);
    let many: Vec<String> = (0..130)
        .map(|n| note(&format!("n{n}"), "ana", "x"))
        .collect();
    house.put(&many.iter().map(String::as_str).collect::<Vec<_>>());
    house.put(&[&note("hers", "ana", "changed")]);
    house.delete("Observation/gone");
    house.put(&[
        &note("to-eva", "eva", "moved"),
        &note("from-eva", "ana", "moved"),
    ]);
    let ana = house.key("ana");
    let looked = ActRecord {
        about: ana,
        listed: vec![b"all".to_vec(), b"ana".to_vec()],
        ..act(3)
    };
    house
        .store
        .keep(&house.seal, Vec::new(), Vec::new(), Some(looked), at(0))
        .unwrap();
    ana
}

fn erase(house: &House, person: PersonKey) -> Result<Erased> {
    let proof = Box::new(|_: &Erased| act(8));
    let rows = vec![(b"word".to_vec(), None)];
    let done = house.store.erase(&house.seal, person, rows, at(9), proof)?;
    Ok(done.0)
}

fn names(house: &House, patient: &str) -> Vec<String> {
    let permit = house.person(patient, 0);
    let held = house.store.everything(&permit, &Asked::default()).unwrap();
    let page = house.open(&permit, held);
    page.matches
        .iter()
        .map(|one| format!("{}/{}", one.of, one.id))
        .collect()
}

fn rows(engine: &dyn Engine, partition: u16, family: u8) -> Rows {
    let key = |family: u8| [&partition.to_be_bytes()[..], &[family]].concat();
    let mut rows = Rows::default();
    engine
        .snapshot()
        .unwrap()
        .scan(
            &key(family),
            &key(family + 1),
            Direction::Up,
            usize::MAX,
            &mut rows,
        )
        .unwrap();
    rows
}

fn is_gone(house: &House, engine: &dyn Engine, ana: PersonKey) {
    for name in [
        "Patient/ana",
        "Observation/hers",
        "Observation/gone",
        "Observation/from-eva",
    ] {
        assert!(house.read(&house.all(), name).is_none(), "{name}");
    }
    let patient = of("Patient");
    assert_eq!(
        house.store.person_of(&house.seal, patient, "ana").unwrap(),
        None
    );
    assert!(
        house
            .store
            .people(&house.seal, b"MURA900101")
            .unwrap()
            .is_empty()
    );
    assert_eq!(house.store.get(&house.seal, b"word").unwrap(), None);
    // Eva has what was and became hers.
    assert_eq!(
        names(house, "eva"),
        ["Patient/eva", "Observation/eva", "Observation/to-eva"]
    );
    let counts = house.store.counts(&house.all()).unwrap();
    let counts = house.open(&house.all(), counts);
    let count = |name| {
        counts
            .iter()
            .find(|(known, _)| *known == of(name))
            .map(|(_, n)| *n)
    };
    assert_eq!((count("Patient"), count("Observation")), (Some(1), Some(2)));
    let history = house
        .store
        .history(
            &house.all(),
            &HistoryOf::System,
            &Default::default(),
            1000,
            None,
        )
        .unwrap();
    let history = house.open(&house.all(), history).matches;
    assert_eq!(history.len(), 4);
    // Not one row bears her number but the mark that she was erased.
    let six = &ana.0.to_be_bytes()[2..];
    let inverted: Vec<u8> = six.iter().map(|byte| !byte).collect();
    for partition in [3, 4, 0x100] {
        for family in 0..0x80 {
            for (key, _) in rows(engine, partition, family).iter() {
                let holds = |number: &[u8]| key[3..].windows(6).any(|window| window == number);
                assert!(!holds(six) && !holds(&inverted), "{key:02x?}");
            }
        }
    }
    for partition in [4, 0x100] {
        for (key, row) in rows(engine, partition, 0x80).iter() {
            assert_ne!(u64::from(row[0]), ana.0, "{key:02x?}");
        }
    }
}

#[test]
fn one_person_is_erased_and_the_others_and_the_log_stay() {
    let keys = tempfile::tempdir().unwrap();
    let engine = engine();
    let house = over(&engine, keys.path());
    let ana = life(&house);
    let before = house
        .store
        .acts(&house.seal, b"all", None, 100)
        .unwrap()
        .len();
    assert_eq!(
        house
            .store
            .acts(&house.seal, b"ana", None, 9)
            .unwrap()
            .len(),
        1
    );
    let erased = erase(&house, ana).unwrap();
    // Patient, hers (twice), gone (twice), 130 notes, from-eva (twice); and the version of what went to Eva.
    let expected = Erased {
        resources: 134,
        versions: 138,
        acts: 1,
    };
    assert_eq!(erased, expected);
    is_gone(&house, engine.as_ref(), ana);
    assert!(
        house
            .store
            .acts(&house.seal, b"ana", None, 9)
            .unwrap()
            .is_empty()
    );
    assert!(house.store.act(&house.seal, &[3; 16]).unwrap().is_none());
    assert!(house.store.act(&house.seal, &[8; 16]).unwrap().is_some());
    let after = house
        .store
        .acts(&house.seal, b"all", None, 100)
        .unwrap()
        .len();
    // Without the act about her; with its proof, and what was asked since.
    assert!(after >= before);
    let leaves = house.store.witnessed(b"size").unwrap().unwrap();
    let leaves = u64::from_be_bytes(leaves.try_into().unwrap());
    for place in 0..leaves {
        let leaf = house
            .store
            .witnessed(format!("leaf{place}").as_bytes())
            .unwrap();
        assert!(leaf.is_some());
    }
    assert!(matches!(erase(&house, ana), Err(Error::Invalid { .. })));
    // Someone who comes under the same id is someone else.
    house.put(&[r#"{"resourceType":"Patient","id":"ana"}"#]);
    assert_ne!(house.key("ana"), ana);
    drop(house);
    let house = over(&engine, keys.path());
    let made = house.store.rebuild(&house.seal).unwrap();
    assert_eq!((made.unread, made.erased), (0, 0));
    assert_eq!(names(&house, "ana"), ["Patient/ana"]);
}

#[test]
fn cut_off_at_any_commit_it_goes_on_where_it_was() {
    for left in 0..8 {
        let keys = tempfile::tempdir().unwrap();
        let engine = engine();
        let house = over(&engine, keys.path());
        let ana = life(&house);
        engine.left.store(left, SeqCst);
        let cut = erase(&house, ana);
        engine.left.store(i64::MAX, SeqCst);
        if left == 0 {
            assert!(matches!(cut, Err(Error::Disk(_))));
            assert!(
                house.read(&house.all(), "Patient/ana").is_some(),
                "nothing was begun"
            );
        }
        drop(house);
        let house = over(&engine, keys.path());
        let begun = house.store.erasures(&house.seal).unwrap();
        assert_eq!(begun.is_empty(), left == 0 || cut.is_ok(), "{left}");
        if cut.is_err() {
            if !begun.is_empty() {
                // What is being erased is shown to nobody, and nothing is added.
                assert!(house.read(&house.all(), "Observation/hers").is_none());
            }
            if left == 1 {
                assert!(house.try_put(&[&note("late", "ana", "x")]).is_err());
            }
            let erased = erase(&house, ana).unwrap();
            assert_eq!((erased.resources, erased.versions), (134, 138), "{left}");
        }
        is_gone(&house, engine.as_ref(), ana);
        assert!(house.store.erasures(&house.seal).unwrap().is_empty());
    }
}

#[test]
fn a_backup_from_before_does_not_bring_her_back() {
    let keys = tempfile::tempdir().unwrap();
    let old = engine();
    let house = over(&old, keys.path());
    let ana = life(&house);
    let copy = engine();
    let mut all = Batch::new();
    for partition in [1, 2, 3, 4, 0x100] {
        for family in 0..0xff {
            let found = rows(old.as_ref(), partition, family);
            all.extend(
                found
                    .iter()
                    .map(|(key, row)| (key.to_vec(), Some(row.to_vec()))),
            );
        }
    }
    copy.commit(&all).unwrap();
    erase(&house, ana).unwrap();
    drop(house);
    // The rows of before, the keys of today.
    let house = over(&copy, keys.path());
    for name in ["Patient/ana", "Observation/hers", "Observation/from-eva"] {
        assert!(house.read(&house.all(), name).is_none(), "{name}");
    }
    assert!(house.store.act(&house.seal, &[3; 16]).unwrap().is_none());
    let made = house.store.rebuild(&house.seal).unwrap();
    assert_eq!(made.unread, 0);
    // Every version of hers, and her key row.
    assert_eq!(made.erased, 137 + 1);
    // What had been Eva's before it was moved to Ana is Eva's again, as it was then.
    let eva = [
        "Patient/eva",
        "Observation/eva",
        "Observation/from-eva",
        "Observation/to-eva",
    ];
    assert_eq!(names(&house, "eva"), eva);
}
