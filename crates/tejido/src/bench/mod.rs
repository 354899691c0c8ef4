//! `tejido bench`: figures of this machine, each with what bounds it beside it.
//!
//! Four benches: [`country`] is the whole house over five nodes (decisions, reads, the federated summary); [`decision`] is
//! the decision alone, under a large pact and a long word; [`store`] is one archive behind its own HTTPS door, grown step by
//! step, over some thirty shapes of query; [`identity`] finds people in registers whose truth is known.

mod country;
mod decision;
mod identity;
mod store;

use crate::{Error, out};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// What `tejido bench` takes.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    country: Country,
}

/// Which bench.
#[derive(Clone, Debug, Subcommand)]
enum What {
    /// One archive behind its door, grown through 1k, 4k, 16k people: writes, reads, some thirty shapes of query.
    Store(store::Args),
    /// Decisions alone, under a pact of 200 policies and a word of 50 rules.
    Decision(decision::Args),
    /// People found in registers with truth: public sets, a synthetic Mexico of growing size, arrivals one at a time.
    Identity(identity::Args),
}

/// What the bench over five nodes takes.
#[derive(Clone, Debug, Args)]
struct Country {
    /// How many people.
    #[arg(long, default_value_t = 1_000)]
    people: u64,
    /// Seconds for each figure.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
}

/// Measures and prints.
///
/// # Errors
/// When a node cannot be made, or a touch that must succeed is refused.
pub fn run(args: &Bench) -> Result<(), Error> {
    match &args.what {
        Some(What::Store(args)) => store::run(args),
        Some(What::Decision(args)) => decision::run(args),
        Some(What::Identity(args)) => identity::run(args),
        None => country::run(&args.country),
    }
}

/// Times of single touches, in order of their length.
#[derive(Clone, Debug, Default)]
struct Times {
    each: Vec<Duration>,
    wall: Duration,
    /// What the whole process worked meanwhile, clients included.
    cpu: Duration,
}

impl Times {
    fn rate(&self) -> f64 {
        self.each.len() as f64 / self.wall.as_secs_f64().max(1e-9)
    }
    /// The time that this share of touches stayed under, in milliseconds.
    fn percentile(&self, share: f64) -> f64 {
        let at = ((self.each.len() as f64 * share) as usize).min(self.each.len().saturating_sub(1));
        self.each.get(at).map_or(0.0, |d| d.as_secs_f64() * 1e3)
    }
    fn say(&self, what: &str, beside: &str) {
        out::line(format!(
            "{what:<44}{:>10}/s   p50 {:>8.2} ms   p99 {:>8.2} ms   {beside}",
            out::count(self.rate() as u64),
            self.percentile(0.5),
            self.percentile(0.99)
        ));
    }
}

/// The program and the machine, in a line.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes: u64 = memory
        .lines()
        .find_map(|l| l.strip_prefix("MemTotal:")?.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    format!(
        "tejido {}, {cores} cores, {model}, {} of memory",
        env!("CARGO_PKG_VERSION"),
        out::bytes(kibibytes * 1024)
    )
}

/// What this process has worked so far, all threads.
fn cpu() -> Duration {
    Duration::from_secs_f64(crate::operations::process().cpu_seconds)
}

/// Flushes a second of a small file in this folder, tried for so long.
fn flushes(folder: &Path, length: Duration) -> std::io::Result<f64> {
    let path = folder.join("flush");
    let mut file = std::fs::File::create(&path)?;
    let (started, mut done) = (Instant::now(), 0u32);
    while done == 0 || started.elapsed() < length {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        done += 1;
    }
    std::fs::remove_file(&path)?;
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}
