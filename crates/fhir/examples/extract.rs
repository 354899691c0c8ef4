//! Extracts what the index holds of the resources in files (FHIR JSON, Bundles opened) and says how long it took:
//! `cargo run --release -p fhir --example extract -- FILE...`

use fhir::{ResourceType, Value, json, search};
use std::time::{Duration, Instant};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let patient = ResourceType::from_name("Patient").ok_or("no table of types")?;
    let started = Instant::now();
    search::extract(patient, &Value::Null);
    println!("table read and compiled in {:?}", started.elapsed());
    search::patients(patient, &Value::Null);
    let (mut count, mut bytes, mut found) = (0u32, 0, 0);
    let (mut extracting, mut placing) = (Duration::ZERO, Duration::ZERO);
    for file in std::env::args().skip(1) {
        let value = json::parse(&std::fs::read(&file)?, &json::Limits::default())?;
        let resources: Vec<&Value> = match value.list("entry") {
            [] => vec![&value],
            entries => entries.iter().filter_map(|e| e.get("resource")).collect(),
        };
        for resource in resources {
            let name = resource.text("resourceType").unwrap_or_default();
            let Some(of) = ResourceType::from_name(name) else {
                continue;
            };
            let started = Instant::now();
            let entries = search::extract(of, resource);
            extracting += started.elapsed();
            let started = Instant::now();
            search::patients(of, resource);
            placing += started.elapsed();
            count += 1;
            bytes += resource.to_bytes().len();
            found += entries.len();
        }
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count.max(1));
    println!(
        "{count} resources, {bytes} bytes, {found} entries; extract {:.2} us each, patients {:.2} us each",
        each(extracting),
        each(placing)
    );
    Ok(())
}
