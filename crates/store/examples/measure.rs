//! Measures the archive: `cargo run --release -p store --example measure -- [people] [transaction size] [writers]`.
//!
//! Writes synthetic Observations of about 1.4 kB in durable transactions, then reads, searches and counts them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use fhir::{
    ResourceType, Value,
    json::{self, Limits},
    query,
};
use jiff::Timestamp;
use std::{sync::Arc, time::Instant};
use store::*;

struct Plain;

impl Rules for Plain {
    fn labels(&self, _: ResourceType, _: &Value) -> Labels {
        Labels(0)
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

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|arg| arg.parse::<u64>().unwrap());
    let all = args.next().unwrap_or(100_000);
    let size = args.next().unwrap_or(20);
    let writers = args.next().unwrap_or(4);
    let people = (all / 200).max(1);
    let dir = tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or("/tmp".into())).unwrap();
    let (store, seal) = Store::open(
        dir.path(),
        Options::default(),
        Box::new(Plain),
        Box::new(Count),
    )
    .unwrap();
    let permit = || {
        seal.permit(Terms {
            id: [1; 16],
            scope: Scope::People(Arc::new(|_| Labels(0))),
            verbs: Verbs::ALL,
            types: None,
        })
    };
    let of = |name| ResourceType::from_name(name).unwrap();
    println!(
        "one resource: {} bytes of JSON",
        observation(1, people).len()
    );
    let (start, before) = (Instant::now(), cpu());
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let (store, permit) = (&store, &permit);
            scope.spawn(move || {
                let mut n = writer * size;
                while n < all {
                    let changes = (n..(n + size).min(all)).map(|n| {
                        let text = observation(n, people);
                        Change::Update {
                            of: of("Observation"),
                            id: format!("o-{n}"),
                            resource: json::parse(text.as_bytes(), &Limits::default()).unwrap(),
                            if_match: None,
                        }
                    });
                    let made = Box::new(move |_: &[Written]| act(n));
                    let changes = changes.collect();
                    store
                        .write(&permit(), changes, Timestamp::now(), made)
                        .unwrap();
                    n += writers * size;
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{all} resources in transactions of {size} by {writers} writers: {:.0} resources/s, {:.0} us of CPU each",
        all as f64 / seconds,
        (cpu() - before) * 1e6 / all as f64,
    );
    for part in ["log", "projection"] {
        let bytes = size_of(&dir.path().join(part));
        println!("{part}: {} bytes a resource", bytes / all);
    }
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
    let permit = permit();
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
