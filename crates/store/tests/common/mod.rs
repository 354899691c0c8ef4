//! A small house around the archive: labels from `meta.tag`, a witness that counts, permits, and one-line changes.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

pub mod places;
pub mod server;

use fhir::{ResourceType, Value, json};
use jiff::Timestamp;
use std::sync::Arc;
use store::*;

/// Labels are the codes of `meta.tag` in the system `label`, as bits; a Patient is found by her identifiers.
pub struct TestRules;

impl Rules for TestRules {
    fn labels(&self, _: ResourceType, resource: &Value) -> Labels {
        let tags = resource
            .get("meta")
            .map(|meta| meta.list("tag"))
            .unwrap_or_default();
        let bits = tags
            .iter()
            .filter(|tag| tag.text("system") == Some("label"))
            .filter_map(|tag| tag.text("code")?.parse::<u32>().ok())
            .fold(0, |bits, bit| bits | 1 << bit);
        Labels(bits)
    }
    fn edition(&self) -> [u8; 8] {
        *b"by tags."
    }
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>> {
        if of.name() != "Patient" {
            return Vec::new();
        }
        let values = resource.list("identifier").iter();
        values
            .filter_map(|identifier| Some(identifier.text("value")?.as_bytes().to_vec()))
            .collect()
    }
}

/// Keeps how many leaves there are and each leaf.
pub struct TestWitness;

impl Witness for TestWitness {
    fn append(
        &mut self,
        leaves: &[[u8; 32]],
        _: Timestamp,
        get: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> std::result::Result<Witnessed, String> {
        let size = get(b"size").map_or(0, |row| u64::from_be_bytes(row.try_into().unwrap()));
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = (size..)
            .zip(leaves)
            .map(|(at, leaf)| (format!("leaf{at}").into_bytes(), leaf.to_vec()))
            .collect();
        let after = size + leaves.len() as u64;
        rows.push((b"size".to_vec(), after.to_be_bytes().to_vec()));
        Ok(Witnessed { first: size, rows })
    }
}

/// Believes the test's witness.
pub struct Counting;

pub type Get<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<u8>>;

impl Judge for Counting {
    fn log(&self, get: Get<'_>) -> std::result::Result<u64, String> {
        let size = get(b"size").map_or(0, |row| u64::from_be_bytes(row.try_into().unwrap()));
        match (0..size).find(|place| self.leaf(*place, get).is_none()) {
            Some(place) => Err(format!("leaf {place} is missing")),
            None => Ok(size),
        }
    }
    fn leaf(&self, place: u64, get: Get<'_>) -> Option<[u8; 32]> {
        get(format!("leaf{place}").as_bytes())?.try_into().ok()
    }
}

pub fn of(name: &str) -> ResourceType {
    ResourceType::from_name(name).unwrap()
}

pub fn read(text: &str) -> Value {
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub struct House {
    pub store: Store,
    pub seal: Seal,
}

pub fn in_memory() -> House {
    let (store, seal) = Store::in_memory(
        Options::default(),
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    House { store, seal }
}

/// Over an engine, with the keys in a folder.
pub fn over(engine: Arc<dyn engine::Engine>, keys: &std::path::Path) -> House {
    let options = Options {
        keyring: Some(keys.to_owned()),
        ..Options::default()
    };
    let (store, seal) =
        Store::over(engine, options, Box::new(TestRules), Box::new(TestWitness)).unwrap();
    House { store, seal }
}

pub fn open(dir: &std::path::Path) -> House {
    try_open(dir).unwrap()
}

pub fn try_open(dir: &std::path::Path) -> Result<House> {
    let (store, seal) = Store::open(
        dir,
        Options::default(),
        Box::new(TestRules),
        Box::new(TestWitness),
    )?;
    Ok(House { store, seal })
}

pub fn act(id: u8) -> ActRecord {
    ActRecord {
        id: [id; 16],
        body: format!("act {id}").into_bytes(),
        leaf: [id; 32],
        listed: vec![b"all".to_vec()],
        about: PersonKey(0),
        beside: Vec::new(),
    }
}

impl House {
    pub fn permit(&self, scope: Scope) -> Permit {
        self.seal.permit(Terms {
            id: [7; 16],
            scope,
            verbs: Verbs::ALL,
            types: None,
            residual: None,
        })
    }
    pub fn all(&self) -> Permit {
        self.permit(Scope::People(Arc::new(|_| LeftOut::default())))
    }
    /// One person, by the id of her Patient.
    pub fn person(&self, patient: &str, hidden: u32) -> Permit {
        let key = self.key(patient);
        self.permit(Scope::Person {
            keys: vec![key],
            left_out: Labels(hidden).into(),
            only: None,
        })
    }
    pub fn key(&self, patient: &str) -> PersonKey {
        self.store
            .person_of(&self.seal, of("Patient"), patient)
            .unwrap()
            .unwrap()
    }
    pub fn try_put(&self, texts: &[&str]) -> Result<Committed> {
        let changes = texts.iter().map(|text| put(text)).collect();
        self.change(changes)
    }
    pub fn put(&self, texts: &[&str]) -> Committed {
        self.try_put(texts).unwrap()
    }
    pub fn change(&self, changes: Vec<Change>) -> Result<Committed> {
        self.store
            .write(&self.all(), changes, at(0), Box::new(|_| act(1)))
    }
    pub fn delete(&self, name: &str) -> Committed {
        let (kind, id) = name.split_once('/').unwrap();
        self.change(vec![Change::Delete {
            of: of(kind),
            id: id.to_owned(),
            if_match: None,
        }])
        .unwrap()
    }
    /// Concludes and opens.
    pub fn open<T>(&self, permit: &Permit, held: Held<T>) -> T {
        let receipt = self.store.conclude(permit, act(2), at(1)).unwrap();
        held.open(&receipt).unwrap()
    }
    pub fn read(&self, permit: &Permit, name: &str) -> Option<Version> {
        let (kind, id) = name.split_once('/').unwrap();
        let held = self.store.read(permit, of(kind), id).unwrap();
        self.open(permit, held)
    }
}

/// An update to what the text says, under its own type and id.
pub fn put(text: &str) -> Change {
    let resource = read(text);
    Change::Update {
        of: of(resource.text("resourceType").unwrap()),
        id: resource.text("id").unwrap().to_owned(),
        resource,
        if_match: None,
    }
}
