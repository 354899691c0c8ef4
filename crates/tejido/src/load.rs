//! `tejido import` and `tejido synth` as commands: progress while they work, figures at the end.

use crate::import::{self, Options, Summary};
use crate::{Config, Error, house, out};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Something was refused, the rest is in.
const SOME_REFUSED: u8 = 3;

/// What to import.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files, folders, archives: FHIR R4 Bundles or NDJSON; plain, .gz, .zst, .tar.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The node's configuration.
    #[arg(long, default_value = crate::init::names::CONFIG, conflicts_with = "data")]
    config: PathBuf,
    /// A node's folder instead; if it is empty, a node that is a network by itself is made there.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Write what is refused here: one JSON object a line with file, line and reason.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Threads; as many as the machine has without.
    #[arg(long)]
    jobs: Option<usize>,
    /// Print how many resources are stored, whenever it changes: for tests that kill it.
    #[arg(long, hide = true)]
    acknowledge: bool,
}

/// What to write for ever.
#[derive(Debug, Args)]
pub(crate) struct WriteLoad {
    /// A node's folder.
    #[arg(long)]
    data: PathBuf,
    /// Number of the first Bundle.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// What to make up.
#[derive(Debug, Args)]
pub(crate) struct Synth {
    /// How many people.
    #[arg(long)]
    people: u64,
    /// Same seed, same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// An empty folder.
    #[arg(long)]
    out: PathBuf,
    /// Form of the files.
    #[arg(long, value_enum, default_value_t = Format::Bundles)]
    format: Format,
    /// Threads; as many as the machine has without.
    #[arg(long)]
    jobs: Option<usize>,
}

/// Form of files.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A transaction Bundle for each person and institution.
    Bundles,
    /// A file for each institution and resource type.
    Ndjson,
}

fn threads(asked: Option<usize>) -> usize {
    let there = || std::thread::available_parallelism().map_or(1, usize::from);
    asked.unwrap_or_else(there).clamp(1, 256)
}

pub(crate) fn run(args: Import) -> Result<ExitCode, Error> {
    let config = match &args.data {
        Some(dir) => {
            let (config, new) = house::alone(dir)?;
            if new {
                out::remark(format!(
                    "{}: made a new node that is a network by itself",
                    dir.display()
                ));
            }
            config
        }
        None => Config::read(&args.config)?,
    };
    let opened = house::open(&config)?;
    let options = Options {
        jobs: threads(args.jobs),
        report: args.report.clone(),
        paths: args.paths,
    };
    let bar = out::bar(0, "bytes");
    let started = Instant::now();
    let summary = import::run(&opened.gate, &options, &|progress| {
        bar.set_length(progress.of);
        bar.set_position(progress.read);
        bar.set_message(format!("{} resources", out::count(progress.resources)));
        if args.acknowledge {
            out::line(format!("stored {}", progress.resources));
        }
    });
    bar.finish_and_clear();
    let summary = summary?;
    say(&summary, started.elapsed().as_secs_f64());
    if summary.is_clean() {
        return Ok(ExitCode::SUCCESS);
    }
    match &args.report {
        Some(report) => out::line(format!("What was refused, and why: {}", report.display())),
        None => out::line("Run it again with --report FILE to see what was refused, and why."),
    }
    Ok(ExitCode::from(SOME_REFUSED))
}

fn say(summary: &Summary, seconds: f64) {
    let heads = [
        "created",
        "updated",
        "unchanged",
        "deleted",
        "repeated",
        "refused",
    ];
    out::line(format!(
        "{:<28}{:>12}{:>12}{:>12}{:>10}{:>10}{:>10}",
        "", heads[0], heads[1], heads[2], heads[3], heads[4], heads[5]
    ));
    let total = ("all".to_owned(), summary.total());
    for (name, tally) in summary.types.iter().chain([(&total.0, &total.1)]) {
        let name = if name == "?" { "(not readable)" } else { name };
        out::line(format!(
            "{name:<28}{:>12}{:>12}{:>12}{:>10}{:>10}{:>10}",
            out::count(tally.created),
            out::count(tally.updated),
            out::count(tally.unchanged),
            out::count(tally.deleted),
            out::count(tally.repeated),
            out::count(tally.refused)
        ));
    }
    let all = summary.total();
    let stored = all.created + all.updated + all.unchanged + all.deleted;
    out::line(format!(
        "{} files in {seconds:.1} s, {} resources a second",
        out::count(summary.files),
        out::count((stored as f64 / seconds.max(0.001)) as u64)
    ));
    let remarks = [
        (summary.found, "references found by their search"),
        (
            summary.logical,
            "references that name nobody known, kept as an identifier",
        ),
        (
            summary.open,
            "references to something outside its Bundle, kept as they are",
        ),
        (
            all.repeated,
            "second copies of a resource with other content, the first one kept",
        ),
        (summary.passed_over, "files without FHIR, left alone"),
    ];
    for (number, what) in remarks.into_iter().filter(|(number, _)| *number > 0) {
        out::line(format!("{} {what}", out::count(number)));
    }
}

pub(crate) fn synth(args: Synth) -> Result<ExitCode, Error> {
    let country = synth::Country::mexico()?;
    let format = match args.format {
        Format::Bundles => synth::Format::Bundles,
        Format::Ndjson => synth::Format::Ndjson,
    };
    let bar = out::bar(args.people, "people");
    let started = Instant::now();
    let written = synth::write(
        &country,
        &args.out,
        args.people,
        args.seed,
        format,
        threads(args.jobs),
        &mut |done| bar.set_position(done),
    );
    bar.finish_and_clear();
    let written = written?;
    let seconds = started.elapsed().as_secs_f64().max(0.001);
    out::line(format!(
        "{} people, registered {} times, {} resources, {} in {seconds:.1} s: {} lives a second",
        out::count(written.people),
        out::count(written.registrations),
        out::count(written.resources),
        out::bytes(written.bytes),
        out::count((written.people as f64 / seconds) as u64)
    ));
    out::line(format!(
        "The truth about them is in {}",
        args.out.join("truth.csv").display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Stores one small Bundle after the other; each line printed is one that was acknowledged.
pub(crate) fn write(args: &WriteLoad) -> Result<ExitCode, Error> {
    let (config, _) = house::alone(&args.data)?;
    let gate = house::open(&config)?.gate;
    let of = |name: &str| {
        fhir::ResourceType::from_name(name).ok_or_else(|| Error::say(format!("no type {name}")))
    };
    let (patient, observation) = (of("Patient")?, of("Observation")?);
    for number in args.from.. {
        let subject = fhir::obj! { "reference" => format!("Patient/p-{number}") };
        let text = "x".repeat(2_000);
        let changes = vec![
            put(
                patient,
                format!("p-{number}"),
                fhir::obj! { "resourceType" => "Patient" },
            ),
            put(
                observation,
                format!("o-{number}"),
                fhir::obj! {
                    "resourceType" => "Observation",
                    "status" => "final",
                    "code" => fhir::obj! { "text" => text },
                    "subject" => subject,
                },
            ),
        ];
        import::store(&gate, "Bundle", changes, jiff::Timestamp::now())?;
        out::line(number.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

fn put(of: fhir::ResourceType, id: String, resource: fhir::Value) -> store::Change {
    store::Change::Update {
        of,
        id,
        resource,
        if_match: None,
    }
}
