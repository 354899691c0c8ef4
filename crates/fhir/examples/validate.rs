//! Validates the resources in files, after loading the definitions given with `--with`, and says what is wrong and how
//! long it took: `cargo run --release -p fhir --example validate -- [--with FILE]... [--profile URL]... [--all] FILE...`
//! Folders stand for the JSON files in them. Errors are told; with `--all`, warnings and remarks too.

use fhir::{Validator, Value, json, validate::Options};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

type Failure = Box<dyn std::error::Error>;

fn files(path: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = Path::new(path);
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut all = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "json") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

fn read(path: &Path) -> Result<Value, Failure> {
    let limits = json::Limits {
        bytes: 64 << 20,
        ..json::Limits::default()
    };
    let text = std::fs::read(path)?;
    json::parse(&text, &limits).map_err(|e| format!("{}: {e}", path.display()).into())
}

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Failure> {
    let (mut definitions, mut profiles, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--with" => {
                for file in files(&args.next().ok_or("--with what?")?)? {
                    let value = read(&file)?;
                    let of = value.text("resourceType").unwrap_or_default();
                    if matches!(of, "StructureDefinition" | "ValueSet" | "CodeSystem") {
                        definitions.push(value);
                    }
                }
            }
            "--profile" => profiles.push(args.next().ok_or("--profile what?")?),
            "--all" => all = true,
            file => subjects.extend(files(file)?),
        }
    }
    let validator = Validator::r4()
        .with_all(&definitions)
        .map_err(|e| format!("{e:?}"))?;
    let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let (mut count, mut refused, mut spent) = (0u32, 0u32, Duration::ZERO);
    let mut by_type: BTreeMap<String, (u32, Duration)> = BTreeMap::new();
    for file in &subjects {
        let Ok(value) = read(file) else { continue };
        let of = value.text("resourceType").unwrap_or("?").to_owned();
        // The first round reads tables and compiles profiles; the second is timed.
        validator.validate(&value, &profiles, Options::default());
        let started = Instant::now();
        let issues = validator.validate(&value, &profiles, Options::default());
        let took = started.elapsed();
        spent += took;
        count += 1;
        let sum = by_type.entry(of).or_default();
        sum.0 += 1;
        sum.1 += took;
        let told: Vec<_> = issues.iter().filter(|i| all || i.is_error()).collect();
        refused += u32::from(issues.iter().any(|i| i.is_error()));
        for issue in told {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            println!(
                "{name}\t{}\t{}\t{}\t{}",
                issue.severity,
                issue.code.code(),
                issue.expression,
                issue.diagnostics
            );
        }
    }
    for (of, (times, took)) in &by_type {
        println!(
            "# {of}: {times}, {:.1} us each",
            took.as_secs_f64() * 1e6 / f64::from(*times)
        );
    }
    println!(
        "# {count} resources, {refused} refused, {:.1} us each",
        spent.as_secs_f64() * 1e6 / f64::from(count.max(1))
    );
    Ok(())
}
