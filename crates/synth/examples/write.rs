//! Writes lives and says how fast: `cargo run --release -p synth --example write -- PEOPLE SEED DIR [THREADS] [bundles]`.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;
use synth::{Country, Format, write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [people, seed, dir, rest @ ..] = args.as_slice() else {
        return Err("PEOPLE SEED DIR [THREADS] [bundles]".into());
    };
    let threads = rest.first().map_or(Ok(1), |t| t.parse())?;
    let format = match rest.get(1).map(String::as_str) {
        Some("bundles") => Format::Bundles,
        _ => Format::Ndjson,
    };
    let start = Instant::now();
    let country = Country::mexico()?;
    let loaded = start.elapsed();
    let written = write(
        &country,
        Path::new(dir),
        people.parse()?,
        seed.parse()?,
        format,
        threads,
        &mut |_| {},
    )?;
    let seconds = (start.elapsed() - loaded).as_secs_f64();
    println!(
        "{} lives, {} registrations, {} resources, {:.1} MB in {seconds:.2} s on {threads} thread(s): {:.0} lives/s (tables {} ms)",
        written.people,
        written.registrations,
        written.resources,
        written.bytes as f64 / 1e6,
        written.people as f64 / seconds,
        loaded.as_millis(),
    );
    Ok(())
}
