//! Checks the resources in files (FHIR JSON, Bundles opened, or NDJSON) and says what is refused and how long it took:
//! `cargo run --release -p fhir --example check -- FILE...`

use fhir::{Value, check, json};
use std::{collections::BTreeMap, time::Instant};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    fhir::ResourceType::from_name("Patient");
    println!("tables read in {:?}", started.elapsed());
    let (mut count, mut refused, mut bytes) = (0u32, 0u32, 0usize);
    let (mut parsing, mut checking) = (std::time::Duration::ZERO, std::time::Duration::ZERO);
    let mut reasons: BTreeMap<String, (u32, String)> = BTreeMap::new();
    for file in std::env::args().skip(1) {
        let text = std::fs::read(&file)?;
        let texts: Vec<&[u8]> = if file.ends_with(".ndjson") {
            text.split(|&b| b == b'\n')
                .filter(|l| !l.is_empty())
                .collect()
        } else {
            vec![&text]
        };
        for text in texts {
            let started = Instant::now();
            let value = json::parse(text, &json::Limits::default())?;
            parsing += started.elapsed();
            bytes += text.len();
            let entries = value.list("entry");
            let whole = [value.clone()];
            let resources: Vec<&Value> = if entries.is_empty() {
                whole.iter().collect()
            } else {
                entries.iter().filter_map(|e| e.get("resource")).collect()
            };
            for resource in resources {
                let started = Instant::now();
                let checked = check(resource);
                checking += started.elapsed();
                count += 1;
                if let Err(issues) = checked {
                    refused += 1;
                    for issue in issues {
                        let place: String = issue
                            .expression
                            .chars()
                            .filter(|c| !c.is_ascii_digit())
                            .collect();
                        let told = format!("{place}: {}", issue.diagnostics);
                        let seen = reasons
                            .entry(format!("{place} {:?}", issue.code))
                            .or_insert((0, told));
                        seen.0 += 1;
                    }
                    println!("refused: {file} {}", resource.text("id").unwrap_or("?"));
                }
            }
        }
    }
    for (times, told) in reasons.values() {
        println!("{times:>7} {told}");
    }
    println!(
        "{count} resources, {refused} refused, {bytes} bytes; parsing {parsing:?}, checking {checking:?} ({:.1} us each)",
        checking.as_secs_f64() * 1e6 / f64::from(count.max(1))
    );
    Ok(())
}
