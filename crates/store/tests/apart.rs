//! Partitions that are seen each at a moment of its own, as on a sharded database, where no view spans shards.
//!
//! Whatever a reader meets halfway, it answers as things were before the commit or as they are after it, or, when the
//! commit does not come to an end, as if what does not agree were not there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use fhir::query;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use store::{
    engine::{Batch, Direction, Engine, Memory, Rows, Snapshot},
    *,
};

const PARTITIONS: [u16; 5] = [1, 2, 3, 4, 0x100];

/// An engine whose readers see some partitions as they were before the last commit, for so many views.
#[derive(Default)]
struct Apart {
    now: Memory,
    before: Memory,
    /// The last commit, which `before` has not.
    last: Mutex<Batch>,
    late: Mutex<(Vec<u16>, usize)>,
}

impl Engine for Apart {
    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut last = self.last.lock().unwrap();
        self.before.commit(&last)?;
        *last = batch.clone();
        self.now.commit(batch)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let mut late = self.late.lock().unwrap();
        let partitions = match late.1 {
            0 => Vec::new(),
            _ => late.0.clone(),
        };
        late.1 = late.1.saturating_sub(1);
        Ok(Box::new(View {
            now: self.now.snapshot()?,
            before: self.before.snapshot()?,
            late: partitions,
        }))
    }
    fn writing(&self) -> Result<Box<dyn Snapshot>> {
        self.now.snapshot()
    }
}

struct View {
    now: Box<dyn Snapshot>,
    before: Box<dyn Snapshot>,
    late: Vec<u16>,
}

impl View {
    fn of(&self, key: &[u8]) -> &dyn Snapshot {
        match self.late.contains(&u16::from_be_bytes([key[0], key[1]])) {
            true => self.before.as_ref(),
            false => self.now.as_ref(),
        }
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.of(key).get(key)
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        self.of(from).scan(from, to, direction, limit, rows)
    }
}

struct Node {
    engine: Arc<Apart>,
    house: House,
    _keys: tempfile::TempDir,
}

const ORG: &str = r#"{"resourceType":"Organization","id":"org","name":"Norte"}"#;

fn patient(curp: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"ana","identifier":[{{"system":"curp","value":"{curp}"}}]}}"#
    )
}

fn observation(id: &str, code: &str, date: &str, label: Option<u8>) -> String {
    let tag = label.map_or(String::new(), |label| {
        format!(r#"{{"system":"label","code":"{label}"}}"#)
    });
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","meta":{{"tag":[{tag}]}},"status":"final","code":{{"coding":[{{"code":"{code}"}}]}},"subject":{{"reference":"Patient/ana"}},"performer":[{{"reference":"Organization/org"}}],"effectiveDateTime":"{date}"}}"#
    )
}

impl Node {
    fn new() -> Node {
        let engine = Arc::new(Apart::default());
        let keys = tempfile::tempdir().unwrap();
        let house = over(engine.clone(), keys.path());
        house.put(&[
            ORG,
            &patient("C1"),
            &observation("o1", "a", "2024-01-01", None),
        ]);
        Node {
            engine,
            house,
            _keys: keys,
        }
    }
    fn late(&self, partitions: &[u16], views: usize) {
        *self.engine.late.lock().unwrap() = (partitions.to_vec(), views);
    }
    fn on_time(&self) {
        self.late(&[], 0);
    }
    /// What a question gives: names and versions.
    fn asked(&self, permit: &Permit, question: &Question) -> BTreeSet<String> {
        let store = &self.house.store;
        let one = of("Observation");
        let named = |found: Option<Version>| {
            let found = found.into_iter().filter(|one| !one.deleted);
            found.map(name).collect()
        };
        match question {
            Question::Read(id) => {
                let held = store.read(permit, one, id).unwrap();
                self.on_time();
                named(self.house.open(permit, held))
            }
            Question::Vread(id, version) => {
                let held = store.vread(permit, one, id, *version).unwrap();
                self.on_time();
                named(self.house.open(permit, held))
            }
            Question::Search(kind, text) => {
                let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
                let pairs: Vec<(String, String)> =
                    pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
                let r4 = fhir::search::Catalog::r4();
                let query = query::parse(&r4, of(kind), &pairs, query::Handling::Strict).unwrap();
                let held = store.search(permit, &query, None).unwrap();
                self.on_time();
                let page = self.house.open(permit, held);
                page.matches
                    .into_iter()
                    .chain(page.included)
                    .map(name)
                    .collect()
            }
            Question::Everything => {
                let held = store.everything(permit, &Asked::default()).unwrap();
                self.on_time();
                let page = self.house.open(permit, held);
                page.matches.into_iter().map(name).collect()
            }
        }
    }
}

fn name(version: Version) -> String {
    format!("{}/{} {}", version.of, version.id, version.version)
}

enum Question {
    Read(&'static str),
    Vread(&'static str, u64),
    Search(&'static str, &'static str),
    Everything,
}

fn questions() -> Vec<Question> {
    vec![
        Question::Read("o1"),
        Question::Read("o2"),
        Question::Vread("o1", 1),
        Question::Search("Observation", "code=a"),
        Question::Search("Observation", "code=b&date=gt2023"),
        Question::Search("Observation", "_id=o1,o2"),
        Question::Search("Observation", "patient=Patient/ana&_sort=-_lastUpdated"),
        Question::Search("Patient", "identifier=curp|C1"),
        Question::Search("Patient", "identifier=curp|C2"),
        Question::Everything,
    ]
}

/// Every choice of partitions.
fn choices() -> impl Iterator<Item = Vec<u16>> {
    (0..1u32 << PARTITIONS.len()).map(|bits| {
        let chosen = PARTITIONS.iter().enumerate();
        let chosen = chosen.filter(move |(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, partition)| *partition).collect()
    })
}

#[test]
fn a_reader_who_meets_half_a_commit_asks_again_and_answers_with_before_or_after() {
    for question in questions() {
        for late in choices() {
            let node = Node::new();
            let permit = node.house.person("ana", 0);
            let before = node.asked(&permit, &question);
            node.house.put(&[
                &patient("C2"),
                &observation("o1", "b", "2024-02-01", None),
                &observation("o2", "a", "2024-03-01", None),
            ]);
            node.late(&late, 2);
            let met = node.asked(&permit, &question);
            let after = node.asked(&permit, &question);
            assert!(
                met == before || met == after,
                "{late:x?} {met:?}: {before:?} or {after:?}"
            );
            // What there is both times is never missing.
            assert!(before.is_empty() || after.is_empty() || !met.is_empty());
        }
    }
}

#[test]
fn what_is_withheld_by_half_a_commit_is_never_shown_however_long_that_takes() {
    let mut questions = questions();
    questions.push(Question::Search(
        "Patient",
        "_id=ana&_revinclude=Observation:subject",
    ));
    questions.push(Question::Search(
        "Observation",
        "_id=o3&_include=Observation:has-member",
    ));
    for question in questions {
        for late in choices() {
            let node = Node::new();
            let member = observation("o3", "c", "2024-01-01", None).replace(
                r#""subject""#,
                r#""hasMember":[{"reference":"Observation/o1"}],"subject""#,
            );
            node.house.put(&[&member]);
            let permit = node.house.person("ana", 0b10);
            node.house
                .put(&[&observation("o1", "a", "2024-01-01", Some(1))]);
            node.late(&late, usize::MAX);
            let met = node.asked(&permit, &question);
            assert!(!met.contains("Observation/o1 2"), "{late:x?} {met:?}");
            let after = node.asked(&permit, &question);
            assert!(
                !after.iter().any(|name| name.starts_with("Observation/o1 ")),
                "{after:?}"
            );
        }
    }
}
