//! `tejido bench identity`: how well and how fast people are found in registers.
//!
//! Three parts: every set with truth in a folder, through one mapping of columns and with nothing tuned to any of them;
//! a synthetic Mexico of growing size; and arrivals, one at a time, at its largest register. Weights and groups are
//! found without the truth, which is looked at only to count. With `--keyed` each register is also linked as two members', by keyed tokens alone. With `--splink` a plain Splink model runs beside ours on
//! the same columns and machine, and is credited with the best of its four answers (pairs or clusters, at 0.5 or 0.95).

mod keyed;
mod mexico;
mod parquet;
mod sets;
mod splink;

use crate::{Error, out};
use identity::{Apart, Estimate, Register, link_at};
use serde::Serialize;
use sets::{Fit, fit};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What `tejido bench identity` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Folder with sets in CSV or Parquet; without it, the shared folder's (TEJIDO_SHARED, else ../shared).
    #[arg(long)]
    data: Option<PathBuf>,
    /// Also use the columns that hold a person's number, which make linking easy.
    #[arg(long)]
    numbers: bool,
    /// Run Splink beside ours; `pip install splink` first.
    #[arg(long)]
    splink: bool,
    /// Also link each register as two members', by keyed tokens alone.
    #[arg(long)]
    keyed: bool,
    /// The Python that has Splink.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// People of the synthetic Mexico at its largest; a sixteenth and a quarter of them before. 0 leaves it out.
    #[arg(long, default_value_t = 20_000)]
    people: u64,
    /// Arrivals at the largest register.
    #[arg(long, default_value_t = 5_000)]
    arrivals: usize,
    /// The precision that is asked for by the model's own word, 0 to 1; 0 joins what is more likely than not.
    #[arg(long, default_value_t = 0.0)]
    precision: f64,
    /// Seed of the synthetic Mexico.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the report here as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// All that was seen.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    machine: String,
    sets: Vec<Row>,
    mexico: Vec<Row>,
    /// Slope of log seconds over log registrations of the synthetic Mexico, smallest to largest.
    slope: Option<f64>,
    arrivals: Option<mexico::Arrivals>,
}

/// One register, linked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    name: String,
    registrations: u64,
    /// Reading and linking, without making or parsing the set.
    seconds: f64,
    /// Of the process after linking, the set included.
    resident_bytes: i64,
    fit: Fit,
    estimate: Estimate,
    splink: Option<splink::Answer>,
    keyed: Option<keyed::Keyed>,
}

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let mut report = Report {
        machine: super::machine(),
        ..Report::default()
    };
    out::line(&report.machine);
    let keep = |report: &Report| match &args.json {
        Some(path) => write(path, report),
        None => Ok(()),
    };
    let shared =
        std::env::var_os("TEJIDO_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let folder = args
        .data
        .clone()
        .unwrap_or_else(|| shared.join("data/matching"));
    if folder.is_dir() {
        head();
        for set in sets::all(&folder, args.numbers)? {
            let (mut row, _, found) =
                linked(&set.name, &set.registrations, &set.truth, args.precision);
            if args.keyed {
                let (all, lot) = (&set.registrations, || keyed::by_lot(set.truth.len()));
                let there = set.copies.clone().unwrap_or_else(lot);
                row.keyed = Some(keyed::linked(all, &set.truth, &there, &found.person)?);
            }
            if args.splink {
                row.splink = Some(splink::run(&args.python, &set)?);
            }
            say(&row);
            report.sets.push(row);
            keep(&report)?;
        }
    } else {
        out::line(format!(
            "no sets: {} is no folder (--data, or TEJIDO_SHARED)",
            folder.display()
        ));
    }
    if args.people > 0 {
        mexico::run(args, &mut report)?;
        keep(&report)?;
    }
    Ok(())
}

/// Links a register and counts; also gives back what is needed to go on with it.
fn linked(
    name: &str,
    registrations: &[identity::Registration],
    truth: &[u64],
    precision: f64,
) -> (Row, Register, identity::Linked) {
    let began = Instant::now();
    let mut register = Register::default();
    register.extend(registrations);
    let found = link_at(&register, &Apart::default(), precision);
    let row = Row {
        name: name.to_owned(),
        registrations: registrations.len() as u64,
        seconds: began.elapsed().as_secs_f64(),
        resident_bytes: crate::operations::process().resident_bytes,
        fit: fit(truth, &found.person),
        estimate: found.estimate,
        splink: None,
        keyed: None,
    };
    (row, register, found)
}

fn head() {
    out::line(format!(
        "{:<42}{:>11} {:>9} {:>9} {:>9} {:>9} {:>10}   {}",
        "register", "entries", "precision", "recall", "F1", "seconds", "memory", "by its own word"
    ));
}

fn say(row: &Row) {
    out::line(format!(
        "{:<42}{:>11} {:>9.4} {:>9.4} {:>9.4} {:>9.2} {:>10}   precision {:.4}, recall {:.4}, joined above {:.3}",
        row.name,
        out::count(row.registrations),
        row.fit.precision,
        row.fit.recall,
        row.fit.f1,
        row.seconds,
        out::bytes(row.resident_bytes.unsigned_abs()),
        row.estimate.precision,
        row.estimate.recall,
        row.estimate.threshold,
    ));
    if let Some(keyed) = &row.keyed {
        keyed::say(keyed);
    }
    if let Some(splink) = &row.splink {
        out::line(format!(
            "{:<42}{:>11} {:>9.4} {:>9.4} {:>9.4} {:>9.2}              ours {:.1} times as fast ({:.1} without its grouping); F1 {:+.4}",
            format!("  Splink {}", splink.version),
            splink.best,
            splink.fit.precision,
            splink.fit.recall,
            splink.fit.f1,
            splink.seconds,
            splink.seconds / row.seconds.max(1e-9),
            splink.predicting / row.seconds.max(1e-9),
            row.fit.f1 - splink.fit.f1,
        ));
    }
}

fn write(path: &Path, report: &Report) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::say(e.to_string()))?;
    std::fs::write(path, text).map_err(|e| Error::io(path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The public sets, where they are. No change may fall below these limits, which lie a little under what was seen.
    #[test]
    fn the_public_sets_are_linked_as_well_as_is_asked() {
        let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            PathBuf::from,
        );
        let folder = shared.join("data/matching");
        if !folder.is_dir() {
            println!("skipped: no shared data (set TEJIDO_SHARED)");
            return;
        }
        let least = [
            ("dataset1", 0.98, 0.97),
            ("dataset2", 0.99, 0.98),
            ("dataset3", 0.99, 0.98),
            ("historical", 0.9, 0.89),
        ];
        for set in sets::all(&folder, false).unwrap() {
            let (row, _, found) = linked(&set.name, &set.registrations, &set.truth, 0.0);
            let least = least.iter().find(|(name, ..)| set.name.starts_with(name));
            let Some((_, least, least_keyed)) = least else {
                continue;
            };
            assert!(row.fit.f1 >= *least, "{}: {:?}", set.name, row.fit);
            let (all, lot) = (&set.registrations, || keyed::by_lot(set.truth.len()));
            let there = set.copies.clone().unwrap_or_else(lot);
            let keyed = keyed::linked(all, &set.truth, &there, &found.person).unwrap();
            assert!(keyed.fit.f1 >= *least_keyed, "{}: {:?}", set.name, keyed);
        }
    }
    #[test]
    fn a_small_mexico_is_linked_with_hardly_any_false_people() {
        let args = Args {
            data: None,
            numbers: false,
            splink: false,
            keyed: true,
            python: PathBuf::new(),
            people: 3_000,
            arrivals: 50,
            precision: 0.0,
            seed: 5,
            json: None,
        };
        let mut report = Report::default();
        mexico::run(&args, &mut report).unwrap();
        let last = report.mexico.last().unwrap();
        assert!(
            last.fit.precision >= 0.999 && last.fit.f1 >= 0.995,
            "{:?}",
            last.fit
        );
        let keyed = last.keyed.as_ref().unwrap();
        assert!(
            keyed.fit.precision >= 0.995 && keyed.fit.f1 >= 0.99,
            "{keyed:?}"
        );
        let arrivals = report.arrivals.unwrap();
        assert!(
            arrivals.to_the_right_person as f64 >= 0.95 * arrivals.arrived as f64,
            "{arrivals:?}"
        );
    }
}
