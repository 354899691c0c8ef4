//! `tejido bench store`: one archive behind its own HTTPS door, grown through a quarter of a quarter, a quarter, and all
//! of the people asked for (1k, 4k, 16k), measured at each size.
//!
//! What it promises: clients and node share the machine; every request carries a token, is decided at the gate, and its
//! act is durable before its answer leaves; parameters are drawn from the live data; latencies are over answers with
//! 2xx only, and the others are counted. Beside each figure stands its limit: what the field or the issue asks, and what
//! bounds it in the same run (the bare HTTP stack, the bare engine or `COPY` with the same rows, the disk's flushes).
//! What clients work is measured and taken off, so that work is the node's. Beside what sixteen see who ask again at once,
//! and so mostly wait for each other on two cores, stands what one sees, and what all see at a given rate.
//!
//! The way through: `step` (one size: grow, weigh, ask, write), then `figures` and `flat` (what has a limit), over `bench`
//! (the node under test) and `place` (its engine). `report` says it; the JSON is written after each step too.
//!
//! Cost: some ten minutes of asking (three seconds a shape, three sizes), and the growth: a million resources at 16,000
//! people. Memory that is the bench's own is bounded: samples by their number, recorded rows by their bytes.

mod bench;
mod client;
mod figures;
mod flat;
mod grow;
mod machine;
mod place;
mod report;
mod samples;
mod shapes;
mod slope;
mod step;

use crate::{Error, out};
use bench::Bench;
use report::Report;
use shapes::SHAPES;
use std::path::{Path, PathBuf};

/// What `tejido bench store` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// How many people at the last size; a sixteenth and a quarter of them before. A person has about 65 resources.
    #[arg(long, default_value_t = 16_000)]
    people: u64,
    /// Seconds for each shape of query at each size. 0 asks each a few times, to try that all works: no figures.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Seconds that each shape is asked for before it is measured, so that what is looked up once was looked up.
    #[arg(long, default_value_t = 3)]
    warm: u64,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Only shapes whose name holds this, the transactions (`POST transaction...`) among them, and only figures under such a
    /// heading (`reads beside transactions`).
    #[arg(long)]
    shape: Option<String>,
    /// What keeps the rows. With `postgres` plain COPY and INSERT of the same rows stand beside the writes.
    #[arg(long, default_value = "embedded", value_parser = ["embedded", "postgres"])]
    engine: String,
    /// For `postgres`: `postgresql://user@host/database`, or the variable TEJIDO_POSTGRES. The password, if there is one, in
    /// TEJIDO_POSTGRES_PASSWORD. A schema is made there for this run, and dropped at its end.
    #[arg(long, value_name = "ADDRESS")]
    postgres: Option<String>,
    /// Also write the report here as JSON, after each step anew.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the archive grows: an empty folder, kept afterwards. Otherwise a passing folder of the system's.
    #[arg(long)]
    dir: Option<PathBuf>,
}

impl Args {
    /// Whether nothing is to be measured: then all is small.
    fn trial(&self) -> bool {
        self.seconds == 0
    }
    /// Whether something of this name is to be measured.
    fn wants(&self, name: &str) -> bool {
        self.shape.as_ref().is_none_or(|part| name.contains(part))
    }
    /// The sizes to grow through.
    fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![self.people / 16, self.people / 4, self.people];
        sizes.retain(|people| *people > 0);
        sizes
    }
}

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let passing = std::env::temp_dir().join(format!("tejido-bench-{}", std::process::id()));
    let folder = args.dir.clone().unwrap_or_else(|| passing.clone());
    let runtime = crate::serve::runtime()?;
    let report = measure(args, &folder, &runtime);
    drop(runtime);
    let _ = std::fs::remove_dir_all(&passing);
    report?.say();
    Ok(())
}

/// Grows and measures; what is seen is written to the JSON file as it comes.
fn measure(args: &Args, folder: &Path, runtime: &tokio::runtime::Runtime) -> Result<Report, Error> {
    let (mut bench, running) = Bench::open(args, folder, runtime)?;
    let mut report = Report {
        machine: super::machine(),
        configuration: bench.configuration(),
        began: jiff::Timestamp::now().to_string(),
        complete: false,
        steps: Vec::new(),
        slopes: Vec::new(),
        figures: Vec::new(),
    };
    out::line(&report.machine);
    out::line(&report.configuration);
    let keep = |report: &Report| {
        args.json
            .as_deref()
            .map_or(Ok(()), |path| report.write(path))
    };
    bench.shared()?;
    let mut before = 0;
    for people in args.sizes() {
        report.steps.push(bench.step(before, people)?);
        report.slopes = slope::slopes(&report.steps, SHAPES);
        before = people;
        keep(&report)?;
    }
    bench.figures(&mut report, runtime, &keep)?;
    runtime.block_on(running.stop());
    report.complete = true;
    keep(&report)?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole bench, small.
    fn trial(engine: &str, folder: &Path) -> Report {
        let args = Args {
            people: 16,
            seconds: 0,
            warm: 0,
            clients: 2,
            shape: None,
            engine: engine.into(),
            postgres: None,
            json: Some(folder.join("report.json")),
            dir: None,
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        measure(&args, &folder.join("node"), &runtime).unwrap()
    }

    /// Every shape is answered, every figure is there and every part of the report adds up. What the clock says is
    /// nobody's concern here.
    #[test]
    fn a_trial_run_measures_everything_and_its_report_adds_up() {
        let folder = tempfile::tempdir().unwrap();
        let report = trial("embedded", folder.path());
        let people: Vec<u64> = report.steps.iter().map(|step| step.people).collect();
        assert_eq!(people, [1, 4, 16]);
        // Of so few a step can weigh nothing: what came to rest meanwhile was there before.
        assert!(report.steps.iter().any(|step| step.grown_bytes > 0));
        let mut resources = 0;
        for step in &report.steps {
            resources += step.grown;
            assert_eq!(step.resources, resources);
            assert_eq!(step.queries.len(), SHAPES.len());
            let answered: u64 = step
                .queries
                .iter()
                .map(|query| query.measure.answered)
                .sum();
            assert!(step.acts >= answered);
            for query in &step.queries {
                assert_eq!(query.measure.first_failure, None, "{}", query.name);
            }
            let bare = step.bare.as_ref().unwrap();
            let written = step.transactions.answered * grow::ENTRIES as u64;
            assert_eq!((step.transactions.failed, bare.resources), (0, written));
            let ours = step.transactions.per_second * grow::ENTRIES as f64;
            for way in &bare.ways {
                let again = way.ours_over_it * way.resources_per_second;
                assert!((again / ours - 1.0).abs() < 1e-9, "{way:?}");
            }
        }
        let last = report.steps.last().unwrap();
        for query in &last.queries {
            assert!(query.measure.answered > 0, "{} was not asked", query.name);
        }
        assert_eq!(report.slopes.len(), SHAPES.len());
        assert!(report.complete);

        let figures: Vec<&str> = report.figures.iter().map(|f| f.what.as_str()).collect();
        for part in [
            "durable transactions",
            "of the bare engine",
            "reads by id, a second",
            "of the HTTP stack alone",
            "Patient?identifier=*, p99",
            "code and date range, first page p99",
            "code and quantity range, first page p99",
            "$everything",
            "B a resource",
            "B an act",
            "while a",
            "beside 4 clients' transactions",
            "Patient/*, p99 at 10,000 a second",
            "slope",
        ] {
            assert!(
                figures.iter().any(|f| f.contains(part)),
                "{part}: {figures:?}"
            );
        }
        assert!(
            report.figures.iter().all(|f| f.value.is_finite()),
            "{figures:?}"
        );
        let weight = report
            .figures
            .iter()
            .find(|f| f.what.contains("B a resource"));
        let bytes: u64 = report.steps.iter().map(|step| step.grown_bytes).sum();
        assert_eq!(weight.unwrap().value, bytes as f64 / resources as f64);
        let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["complete"], true);
        assert_eq!(read["figures"].as_array().unwrap().len(), figures.len());
    }

    #[test]
    fn on_postgresql_the_same_table_stands_beside_plain_copy_and_insert() {
        if std::env::var("TEJIDO_POSTGRES").is_err() {
            eprintln!("no PostgreSQL: TEJIDO_POSTGRES is not set; left out");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let report = trial("postgres", folder.path());
        for step in &report.steps {
            assert_eq!(step.queries.len(), SHAPES.len());
            for query in &step.queries {
                assert_eq!(query.measure.first_failure, None, "{}", query.name);
            }
            let [copy, insert] = &step.bare.as_ref().unwrap().ways[..] else {
                panic!("{step:?}");
            };
            assert!(copy.what.contains("COPY") && insert.what.contains("INSERT"));
            assert!(copy.ours_over_it > 0.0 && insert.ours_over_it > 0.0);
            assert!(step.disk.tables > 0 && step.disk.projection == 0);
        }
        let figure = |what: &str| {
            report
                .figures
                .iter()
                .find(|f| f.what.contains(what))
                .unwrap()
        };
        assert_eq!(figure("plain COPY").met, None);
        assert!(figure("B a resource").value > 0.0);
    }
}
