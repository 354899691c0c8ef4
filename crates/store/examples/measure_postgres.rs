//! Measures the archive on PostgreSQL beside the server alone with the same rows:
//! `TEJIDO_POSTGRES=ADDRESS cargo run --release -p store --example measure_postgres -- [resources]`.
//!
//! The address must be that of an empty database. Needs `psql`. Written are durable transactions of 20 by 4 writers; then
//! the rows that came of it are written again into tables of the same shape, by `COPY` and by `INSERT`, each as one
//! transaction and so with one sync: what the server can do at best.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use fhir::{
    ResourceType, Value,
    json::{self, Limits},
    query,
};
use jiff::Timestamp;
use std::{process::Command, sync::Arc, time::Instant};
use store::{
    engine::{Postgres, PostgresSettings},
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

fn observation(n: u64) -> String {
    let mix = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let date = format!(
        "20{:02}-{:02}-{:02}T08:30:00-06:00",
        5 + mix % 20,
        1 + mix % 12,
        1 + mix % 28
    );
    format!(
        r#"{{"resourceType":"Observation","id":"o-{n}","identifier":[{{"system":"https://laboratorio.example.mx/resultados","value":"R-{mix:016x}"}}],"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{}-0"}}],"text":"Glucosa"}},"subject":{{"reference":"Patient/p-{}"}},"encounter":{{"reference":"Encounter/e-{}"}},"effectiveDateTime":"{date}","issued":"{date}","performer":[{{"reference":"Practitioner/d-{}"}}],"valueQuantity":{{"value":{}.{},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}},"note":[{{"text":"Muestra {mix:x} recibida en ayuno, sin incidencias"}}]}}"#,
        2000 + mix % 6,
        mix % 500,
        mix % 4000,
        mix % 40,
        mix % 400,
        mix % 10
    )
}

fn psql(address: &str, text: &str) -> String {
    let args = [
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        address,
        "-c",
        text,
    ];
    let out = Command::new("psql").args(args).output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

fn main() {
    let address = std::env::var("TEJIDO_POSTGRES").unwrap();
    let all: u64 = std::env::args()
        .nth(1)
        .map_or(20_000, |arg| arg.parse().unwrap());
    let engine = Postgres::open(PostgresSettings {
        address: address.clone(),
        ..PostgresSettings::default()
    });
    let (store, seal) = Store::over(
        Arc::new(engine.unwrap()),
        Options::default(),
        Box::new(Plain),
        Box::new(Count),
    )
    .unwrap();
    let of = ResourceType::from_name("Observation").unwrap();
    let permit = || {
        seal.permit(Terms {
            id: [1; 16],
            scope: Scope::People(Arc::new(|_| Labels(0).into())),
            verbs: Verbs::ALL,
            types: None,
            residual: None,
        })
    };
    let start = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (store, permit) = (&store, &permit);
            scope.spawn(move || {
                for n in (writer * 20..all).step_by(80) {
                    let changes = (n..(n + 20).min(all)).map(|n| Change::Update {
                        of,
                        id: format!("o-{n}"),
                        resource: json::parse(observation(n).as_bytes(), &Limits::default())
                            .unwrap(),
                        if_match: None,
                    });
                    let made = Box::new(move |_: &[Written]| act(n));
                    store
                        .write(&permit(), changes.collect(), Timestamp::now(), made)
                        .unwrap();
                }
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let tables = ["tejido_row", "tejido_bulk"];
    let rows: u64 = tables
        .map(|table| {
            psql(&address, &format!("select count(*) from {table}"))
                .parse::<u64>()
                .unwrap()
        })
        .iter()
        .sum();
    println!(
        "{all} resources in transactions of 20 by 4 writers: {:.0} resources/s, {:.0} rows/s ({:.1} rows a resource)",
        all as f64 / seconds,
        rows as f64 / seconds,
        rows as f64 / all as f64
    );
    for table in tables {
        println!(
            "{table}: {} bytes a resource",
            psql(
                &address,
                &format!("select pg_total_relation_size('{table}') / {all}")
            )
        );
    }
    // In the order of their arrival, as the archive wrote them.
    let timed = |what: &str, statement: &dyn Fn(&str) -> String| {
        let mut seconds = 0.0;
        for table in tables {
            psql(
                &address,
                &format!(
                    "drop table if exists plain; create table plain (like {table} including all)"
                ),
            );
            let start = Instant::now();
            psql(&address, &statement(table));
            seconds += start.elapsed().as_secs_f64();
        }
        println!("{what}: {:.0} rows/s", rows as f64 / seconds);
    };
    let file = std::env::temp_dir().join(format!("tejido-rows-{}", std::process::id()));
    let copied = |table: &str| format!("{}.{table}", file.display());
    for table in tables {
        psql(
            &address,
            &format!(
                "\\copy (select partition, key, value from {table} order by ctid) to '{}' (format binary)",
                copied(table)
            ),
        );
    }
    timed("plain COPY of the same rows", &|table| {
        format!("\\copy plain from '{}' (format binary)", copied(table))
    });
    timed(
        "plain INSERT ... SELECT of the same rows, inside the server",
        &|table| {
            format!("insert into plain select partition, key, value from {table} order by ctid")
        },
    );
    timed(
        "one INSERT a row, in one transaction inside the server",
        &|table| {
            format!(
                "do $$ declare r record; begin for r in select partition, key, value from {table} order by ctid loop insert into plain values (r.partition, r.key, r.value); end loop; end $$"
            )
        },
    );
    for table in tables {
        let _ = std::fs::remove_file(copied(table));
    }
    let reads = |readers: u64| {
        let (start, each) = (Instant::now(), 4000 / readers);
        std::thread::scope(|scope| {
            for reader in 0..readers {
                let (store, permit) = (&store, &permit);
                scope.spawn(move || {
                    for n in 0..each {
                        let id = format!("o-{}", (reader * each + n).wrapping_mul(7919) % all);
                        assert_eq!(store.read(&permit(), of, &id).unwrap().seen().len(), 1);
                    }
                });
            }
        });
        let rate = (each * readers) as f64 / start.elapsed().as_secs_f64();
        println!("read by id, {readers} readers: {rate:.0}/s");
    };
    reads(1);
    reads(4);
    let start = Instant::now();
    for n in 0..300 {
        let pairs = [
            (
                "code".to_owned(),
                format!("http://loinc.org|{}-0", 2000 + n % 6),
            ),
            ("_count".to_owned(), "20".to_owned()),
        ];
        let query = query::parse(
            &fhir::search::Catalog::r4(),
            of,
            &pairs,
            query::Handling::Strict,
        )
        .unwrap();
        assert!(
            !store
                .search(&permit(), &query, None)
                .unwrap()
                .seen()
                .is_empty()
        );
    }
    println!(
        "code, first page of 20: {:.2} ms each",
        start.elapsed().as_secs_f64() / 0.3
    );
}
