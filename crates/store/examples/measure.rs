//! Measures the archive: `cargo run --release -p store --example measure -- [resources] [transaction size] [writers] [folder]`.
//!
//! Writes synthetic Observations of about 1.4 kB in durable transactions, or the resources of the transaction Bundles in
//! the folder; then reads, searches and counts them (synthetic ones only). Beside the rate it prints what the bare engine
//! does with the same keys and values in the same groups, and what a resource takes on the disk.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use fhir::{
    ResourceType, Value,
    json::{self, Limits},
    query,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Instant,
};
use store::{
    engine::{Batch, Embedded, Recorded, Tuning},
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

struct Count;

impl Witness for Count {
    fn append(
        &mut self,
        leaves: &[[u8; 32]],
        _: Timestamp,
        get: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> std::result::Result<Witnessed, String> {
        let size = get(b"size").map_or(0, |row| u64::from_be_bytes(row.try_into().unwrap()));
        let after = size + leaves.len() as u64;
        Ok(Witnessed {
            first: size,
            rows: vec![(b"size".to_vec(), after.to_be_bytes().to_vec())],
        })
    }
}

fn act(n: u64) -> ActRecord {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_le_bytes());
    ActRecord {
        id,
        body: format!("{{\"resourceType\":\"AuditEvent\",\"n\":{n}}}").into_bytes(),
        leaf: [n as u8; 32],
        listed: vec![(n % 1000).to_le_bytes().to_vec()],
        about: PersonKey(0),
        beside: Vec::new(),
    }
}

const CODES: [(&str, &str, &str); 6] = [
    ("2339-0", "Glucose [Mass/volume] in Blood", "mg/dL"),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
    ("8480-6", "Systolic blood pressure", "mm[Hg]"),
    ("29463-7", "Body weight", "kg"),
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%"),
    (
        "2160-0",
        "Creatinine [Mass/volume] in Serum or Plasma",
        "mg/dL",
    ),
];

fn observation(n: u64, people: u64) -> String {
    let mix = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (code, name, unit) = CODES[(mix % 6) as usize];
    let person = mix / 7 % people;
    let (year, month, day) = (2005 + mix % 20, 1 + mix / 20 % 12, 1 + mix / 240 % 28);
    let date = format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:00-06:00",
        mix % 24,
        mix % 60
    );
    format!(
        r#"{{"resourceType":"Observation","id":"o-{n}","meta":{{"profile":["http://hl7.org/fhir/StructureDefinition/vitalsigns"],"source":"urn:oid:2.16.840.1.113883.4.349"}},"identifier":[{{"system":"https://laboratorio.example.mx/resultados","value":"R-{mix:016x}"}}],"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory","display":"Laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}","display":"{name}"}}],"text":"{name}"}},"subject":{{"reference":"Patient/p-{person}"}},"encounter":{{"reference":"Encounter/e-{person}-{}"}},"effectiveDateTime":"{date}","issued":"{date}","performer":[{{"reference":"Practitioner/d-{}","display":"Dra. {:x}"}},{{"reference":"Organization/l-{}"}}],"valueQuantity":{{"value":{}.{},"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}},"interpretation":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"N","display":"Normal"}}]}}],"note":[{{"text":"Muestra {mix:x} recibida en ayuno, sin incidencias; equipo {:x}"}}],"referenceRange":[{{"low":{{"value":70,"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}},"high":{{"value":100,"unit":"{unit}","system":"http://unitsofmeasure.org","code":"{unit}"}}}}]}}"#,
        mix % 30,
        mix % 400,
        mix % 4096,
        mix % 40,
        mix % 200,
        mix % 10,
        mix >> 40,
    )
}

fn size_of(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => size_of(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split(' ')
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(12) + ticks(13)) / 100.0
}

/// Where the transactions come from.
enum Source {
    Synthetic { all: u64, size: u64, people: u64 },
    Bundles { files: Vec<PathBuf>, size: u64 },
}

impl Source {
    /// Files of Bundles until about `all` resources, at 3.8 kB each.
    fn bundles(folder: &str, size: u64, all: u64) -> Source {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        let mut bytes = 0;
        files.retain(|file| {
            bytes += file.metadata().unwrap().len();
            bytes < all * 3800
        });
        Source::Bundles { files, size }
    }

    /// The n-th portion, as transactions.
    fn portion(&self, n: u64) -> Option<Vec<Vec<Change>>> {
        match self {
            Source::Synthetic { all, size, people } => {
                let (from, to) = (n * size, ((n + 1) * size).min(*all));
                let change = |n| {
                    let of = ResourceType::from_name("Observation").unwrap();
                    put(of, format!("o-{n}"), &observation(n, *people))
                };
                (from < to).then(|| vec![(from..to).map(change).collect()])
            }
            Source::Bundles { files, size } => {
                let text = std::fs::read_to_string(files.get(n as usize)?).unwrap();
                Some(transactions(&text, *size as usize))
            }
        }
    }
}

fn put(of: ResourceType, id: String, text: &str) -> Change {
    Change::Update {
        of,
        id,
        resource: json::parse(text.as_bytes(), &Limits::default()).unwrap(),
        if_match: None,
    }
}

/// A Bundle's resources, their `urn:uuid:` references resolved, in transactions.
fn transactions(text: &str, size: usize) -> Vec<Vec<Change>> {
    let limits = Limits {
        bytes: 1 << 30,
        ..Limits::default()
    };
    let named = |value: &Value| {
        let resource = value.get("resource")?;
        let of = resource.text("resourceType")?.to_owned();
        Some((
            value.text("fullUrl")?.to_owned(),
            of,
            resource.text("id")?.to_owned(),
        ))
    };
    let bundle = json::parse(text.as_bytes(), &limits).unwrap();
    let names: Vec<_> = bundle.list("entry").iter().filter_map(named).collect();
    let kinds: HashMap<&str, &str> = names
        .iter()
        .map(|(url, of, _)| (url.as_str(), of.as_str()))
        .collect();
    let mut resolved = String::with_capacity(text.len());
    let mut parts = text.split("\"urn:uuid:");
    resolved.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let id = part.split('"').next().unwrap_or_default();
        match kinds.get(format!("urn:uuid:{id}").as_str()) {
            Some(of) => resolved.push_str(&format!("\"{of}/")),
            None => resolved.push_str("\"urn:uuid:"),
        }
        resolved.push_str(part);
    }
    let bundle = json::parse(resolved.as_bytes(), &limits).unwrap();
    let changes: Vec<Change> = bundle
        .list("entry")
        .iter()
        .filter_map(|entry| {
            let resource = entry.get("resource")?.clone();
            Some(Change::Update {
                of: ResourceType::from_name(resource.text("resourceType")?)?,
                id: resource.text("id")?.to_owned(),
                resource,
                if_match: None,
            })
        })
        .collect();
    let mut rest = changes.into_iter().peekable();
    let mut all = Vec::new();
    while rest.peek().is_some() {
        all.push(rest.by_ref().take(size).collect());
    }
    all
}

fn permit(seal: &Seal) -> Permit {
    seal.permit(Terms {
        id: [1; 16],
        scope: Scope::People(Arc::new(|_| Labels(0).into())),
        verbs: Verbs::ALL,
        types: None,
        residual: None,
    })
}

/// Stores portions until there are no more or `most` resources are stored; gives how many.
fn load(store: &Store, seal: &Seal, source: &Source, writers: u64, most: u64) -> u64 {
    let (next, stored) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                while stored.load(SeqCst) < most {
                    let n = next.fetch_add(1, SeqCst);
                    let Some(transactions) = source.portion(n) else {
                        return;
                    };
                    for (i, changes) in transactions.into_iter().enumerate() {
                        stored.fetch_add(changes.len() as u64, SeqCst);
                        let id = n << 24 | i as u64;
                        let made = Box::new(move |_: &[Written]| act(id));
                        store
                            .write(&permit(seal), changes, Timestamp::now(), made)
                            .unwrap();
                    }
                }
            });
        }
    });
    stored.into_inner()
}

/// What the engine alone does with the same keys and values in the same groups: of the first 50,000 resources.
fn bare(parent: &str, source: &Source, writers: u64, ours: f64) {
    let dir = tempfile::tempdir_in(parent).unwrap();
    let recorded = Arc::new(Recorded::new(Arc::new(
        Embedded::open(dir.path(), Tuning::default()).unwrap(),
    )));
    recorded.start(u64::MAX);
    let (store, seal) = Store::over(
        recorded.clone(),
        Options::default(),
        Box::new(Plain),
        Box::new(Count),
    )
    .unwrap();
    let stored = load(&store, &seal, source, writers, 50_000);
    drop((store, seal));
    let recording = recorded.stop();
    let batches: Vec<Batch> = recording.groups().collect();
    families(&batches, stored);
    let dir = tempfile::tempdir_in(parent).unwrap();
    let engine = Embedded::open(dir.path(), Tuning::default()).unwrap();
    let before = cpu();
    let rate = stored as f64 / recording.replay(&engine).unwrap().as_secs_f64();
    println!(
        "the bare engine with the same {} rows in {} groups: {rate:.0} resources/s, {:.0} us of CPU each; the archive does {:.0} % of it",
        recording.kept.rows,
        recording.kept.commits,
        (cpu() - before) * 1e6 / stored as f64,
        ours / rate * 100.0
    );
    drop(engine);
    floor(parent, &batches, stored);
}

/// What a resource's rows are.
fn families(batches: &[Batch], stored: u64) {
    let mut sums = BTreeMap::<(u8, u8), (u64, u64, u64)>::new();
    for (key, value) in batches.iter().flatten() {
        let sum = sums.entry((key[1], key[2])).or_default();
        sum.0 += 1;
        sum.1 += key.len() as u64;
        sum.2 += value.as_ref().map_or(0, |value| value.len() as u64);
    }
    println!(
        "partition, family: rows a resource, bytes of their keys and of their values before packing"
    );
    for ((partition, family), (rows, keys, values)) in sums {
        let each = |n: u64| n as f64 / stored as f64;
        println!(
            "  {partition} {family:#04x}: {:.2} rows, {:.0} + {:.0} bytes",
            each(rows),
            each(keys),
            each(values)
        );
    }
}

/// And what the disk alone takes: the same bytes appended and synced group by group, nothing else.
fn floor(parent: &str, batches: &[Batch], stored: u64) {
    use std::io::Write;
    let mut file = tempfile::tempfile_in(parent).unwrap();
    let start = Instant::now();
    for batch in batches {
        let mut bytes = Vec::new();
        for (key, value) in batch {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
    }
    let rate = stored as f64 / start.elapsed().as_secs_f64();
    println!("append and sync alone: {rate:.0} resources/s");
}

fn main() {
    let mut args = std::env::args().skip(1);
    let all = args.next().map_or(100_000, |arg| arg.parse().unwrap());
    let size = args.next().map_or(20, |arg| arg.parse().unwrap());
    let writers = args.next().map_or(16, |arg| arg.parse().unwrap());
    let folder = args.next();
    let people = (all / 200).max(1);
    let source = match &folder {
        None => Source::Synthetic { all, size, people },
        Some(folder) => Source::bundles(folder, size, all),
    };
    let parent = std::env::var("TMPDIR").unwrap_or("/tmp".into());
    let dir = tempfile::tempdir_in(&parent).unwrap();
    let path = dir.path();
    let open = || Store::open(path, Options::default(), Box::new(Plain), Box::new(Count)).unwrap();
    let (store, seal) = open();
    let (start, before) = (Instant::now(), cpu());
    let stored = load(&store, &seal, &source, writers, u64::MAX);
    let seconds = start.elapsed().as_secs_f64();
    let ours = stored as f64 / seconds;
    println!(
        "{stored} resources in transactions of {size} by {writers} writers: {ours:.0} resources/s, {:.0} us of CPU each",
        (cpu() - before) * 1e6 / stored as f64,
    );
    drop((store, seal));
    // Settled: what the background had still to do is done.
    let engine = Embedded::open(path, Tuning::default()).unwrap();
    engine.thin().unwrap();
    drop(engine);
    let sizes = ["log", "projection", "keys"].map(|part| size_of(&path.join(part)));
    let total: u64 = sizes.iter().sum();
    println!(
        "on the disk: {} bytes a resource: log {}, projection {}, keys {}",
        total / stored,
        sizes[0] / stored,
        sizes[1] / stored,
        sizes[2] / stored
    );
    bare(&parent, &source, writers, ours);
    if folder.is_some() {
        return;
    }
    let (store, seal) = open();
    let of = |name| ResourceType::from_name(name).unwrap();
    let rate = |what: &str, count: u64, ask: &dyn Fn(u64) -> usize| {
        let start = Instant::now();
        let got: usize = (0..count).map(|n| ask(n.wrapping_mul(7919))).sum();
        let each = start.elapsed().as_secs_f64() / count as f64;
        println!(
            "{what}: {:.0}/s, {:.3} ms each, {got} found",
            1.0 / each,
            each * 1e3
        );
    };
    let permit = permit(&seal);
    rate("read by id", 50_000, &|n| {
        let held = store.read(&permit, of("Observation"), &format!("o-{}", n % all));
        held.unwrap().seen().len()
    });
    let search = |pairs: &[(&str, String)]| {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let query = query::parse(
            &fhir::search::Catalog::r4(),
            of("Observation"),
            &pairs,
            query::Handling::Strict,
        )
        .unwrap();
        store.search(&permit, &query, None).unwrap().seen().len()
    };
    rate("identifier", 2000, &|n| {
        let text = observation(n % all, people);
        let at = text.find("\"R-").unwrap() + 1;
        search(&[("identifier", text[at..at + 18].to_owned())])
    });
    let code = |n: u64| format!("http://loinc.org|{}", CODES[(n % 6) as usize].0);
    let count = || ("_count", "20".to_owned());
    rate("code, first page of 20", 2000, &|n| {
        search(&[("code", code(n)), count()])
    });
    rate("code and month, first page of 20", 2000, &|n| {
        let date = format!("{}-{:02}", 2005 + n % 20, 1 + n % 12);
        search(&[("code", code(n)), ("date", date), count()])
    });
    rate("patient and code, newest 20", 2000, &|n| {
        let patient = format!("Patient/p-{}", n % people);
        search(&[("patient", patient), ("code", code(n)), count()])
    });
    rate("code and value, all", 20, &|n| {
        let pairs = [
            ("code", code(n)),
            ("value-quantity", "gt195||mg/dL".to_owned()),
            count(),
        ];
        search(&pairs)
    });
    rate("count of one code", 3, &|n| {
        search(&[("code", code(n)), ("_summary", "count".to_owned())])
    });
}
