//! What values cost at rest: `cargo run --release -p store --example at_rest -- FILE...`.
//!
//! Takes FHIR transaction Bundles (`.json`) and lists of resources (`.ndjson`), writes them twenty at a time, waits for
//! dictionaries after the first quarter, and prints bytes a row for each type: JSON, body, card; then how long it takes
//! to open them.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use fhir::{ResourceType, Value, json};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    engine::{Direction, Engine, Memory, Rows},
    *,
};

struct Plain;

impl Rules for Plain {
    fn labels(&self, _: ResourceType, _: &Value) -> Labels {
        Labels(0)
    }
    fn edition(&self) -> [u8; 8] {
        [0; 8]
    }
    fn directory(&self, _: ResourceType, _: &Value) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

struct Nobody;

impl Witness for Nobody {
    fn append(
        &mut self,
        _: &[[u8; 32]],
        _: Timestamp,
        _: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> std::result::Result<Witnessed, String> {
        Ok(Witnessed {
            first: 0,
            rows: Vec::new(),
        })
    }
}

fn parse(text: &str) -> Value {
    let limits = json::Limits {
        bytes: usize::MAX,
        depth: 64,
    };
    json::parse(text.as_bytes(), &limits).unwrap()
}

fn text(value: &Value) -> String {
    let mut out = Vec::new();
    value.write(&mut out);
    String::from_utf8(out).unwrap()
}

/// The resources of a file, `urn:uuid:` references resolved.
fn resources(path: &str) -> Vec<String> {
    let all = std::fs::read_to_string(path).unwrap();
    if path.ends_with(".ndjson") {
        return all.lines().map(str::to_owned).collect();
    }
    let bundle = parse(&all);
    let entries = bundle.list("entry");
    let names: HashMap<String, String> = entries
        .iter()
        .filter_map(|entry| {
            let resource = entry.get("resource")?;
            let name = format!(
                "{}/{}",
                resource.text("resourceType")?,
                resource.text("id")?
            );
            Some((entry.text("fullUrl")?.to_owned(), name))
        })
        .collect();
    let resolve = |text: String| {
        let mut parts = text.split("urn:uuid:");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let name = part
                .get(..36)
                .and_then(|id| names.get(&format!("urn:uuid:{id}")));
            match name {
                Some(name) => {
                    out.push_str(name);
                    out.push_str(&part[36..]);
                }
                None => {
                    out.push_str("urn:uuid:");
                    out.push_str(part);
                }
            }
        }
        out
    };
    let resources = entries.iter().filter_map(|entry| entry.get("resource"));
    resources.map(|resource| resolve(text(resource))).collect()
}

#[derive(Default)]
struct Sum {
    count: usize,
    json: usize,
    body: usize,
}

fn values(engine: &Memory, partition: u16, family: u8) -> Rows {
    let key = |family: u8| [&partition.to_be_bytes()[..], &[family]].concat();
    let mut rows = Rows::default();
    let snapshot = engine.snapshot().unwrap();
    let (from, to) = (key(family), key(family + 1));
    snapshot
        .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
        .unwrap();
    rows
}

fn main() {
    let mut all: Vec<String> = std::env::args()
        .skip(1)
        .flat_map(|path| resources(&path))
        .collect();
    // Mixed, as they come in life.
    let count = all.len();
    let mut dice = 1u64;
    for at in (1..count).rev() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        all.swap(at, (dice >> 33) as usize % (at + 1));
    }
    let engine = Arc::new(Memory::default());
    let (store, seal) = Store::over(
        engine.clone(),
        Options::default(),
        Box::new(Plain),
        Box::new(Nobody),
    )
    .unwrap();
    let permit = || {
        seal.permit(Terms {
            id: [1; 16],
            scope: Scope::People(Arc::new(|_| Labels(0).into())),
            verbs: Verbs::ALL,
            types: None,
            residual: None,
        })
    };
    let act = |_: &[Written]| ActRecord {
        id: [0; 16],
        body: b"{}".to_vec(),
        leaf: [0; 32],
        listed: Vec::new(),
        about: PersonKey(0),
        beside: Vec::new(),
    };
    let mut known = HashSet::new();
    let mut written: Vec<(ResourceType, String, usize)> = Vec::new();
    for (at, some) in all.chunks(20).enumerate() {
        if at == count / 80 {
            // Dictionaries are trained meanwhile.
            std::thread::sleep(Duration::from_secs(20));
        }
        let mut changes = Vec::new();
        for text in some {
            let resource = parse(text);
            let of = resource
                .text("resourceType")
                .and_then(ResourceType::from_name);
            let (Some(of), Some(id)) = (of, resource.text("id").map(str::to_owned)) else {
                continue;
            };
            if !known.insert((of, id.clone())) {
                continue;
            }
            let compact = self::text(&resource).len();
            written.push((of, id.clone(), compact));
            changes.push(Change::Update {
                of,
                id,
                resource,
                if_match: None,
            });
        }
        store
            .write(&permit(), changes, Timestamp::UNIX_EPOCH, Box::new(act))
            .unwrap();
    }
    // By stamp: what was written in the order of the stamps.
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    let late = written.len() / 4;
    let mut bodies: BTreeMap<u64, usize> = BTreeMap::new();
    for partition in [4, 0x100] {
        for (key, value) in values(&engine, partition, 0x80).iter() {
            let stamp = u64::from_be_bytes(*key.last_chunk().unwrap());
            bodies.insert(stamp, value.len());
        }
    }
    for (at, (stamp, body)) in bodies.into_iter().enumerate() {
        let Some((of, _, json)) = written.get(stamp as usize - 1).filter(|_| at >= late) else {
            continue;
        };
        let sum = sums.entry(of.name()).or_default();
        sum.count += 1;
        sum.json += json;
        sum.body += body;
    }
    let mut cards = (0, 0);
    for partition in [4, 0x100] {
        for (_, value) in values(&engine, partition, 0x11).iter() {
            cards = (cards.0 + 1, cards.1 + value.len());
        }
    }
    let mut whole = Sum::default();
    for (name, sum) in &sums {
        whole.count += sum.count;
        whole.json += sum.json;
        whole.body += sum.body;
        println!(
            "{name:24} {:7} JSON {:6} body {:5}",
            sum.count,
            sum.json / sum.count,
            sum.body / sum.count
        );
    }
    println!(
        "after the first quarter  {:7} JSON {:6} body {:5}",
        whole.count,
        whole.json / whole.count,
        whole.body / whole.count
    );
    println!(
        "cards of all             {:7} card {:5}",
        cards.0,
        cards.1 / cards.0.max(1)
    );
    let dictionaries = values(&engine, 1, 0x81);
    let bytes: usize = dictionaries.iter().map(|(_, value)| value.len()).sum();
    println!("{} dictionaries, {bytes} bytes", dictionaries.len());
    let some: Vec<_> = written.iter().rev().take(2000).collect();
    for round in ["first", "again"] {
        let start = Instant::now();
        for (of, id, _) in &some {
            assert!(store.look(&seal, *of, id).unwrap().is_some());
        }
        let each = start.elapsed().as_secs_f64() * 1e6 / some.len() as f64;
        println!("head, body row, opened and spliced, {round}: {each:.1} us");
    }
}
