//! `tejido bench store`: one archive behind its own HTTPS door, grown through a quarter of a quarter, a quarter, and all
//! of the people asked for (1k, 4k, 16k), measured at each size.
//!
//! What it promises: clients and node share the machine; every request carries a token, is decided at the gate, and its
//! act is durable before its answer leaves; parameters are drawn from the live data; latencies are over answers with
//! 2xx only, and the others are counted. Beside each figure stands its limit: what the field or the issue asks, and what
//! bounds it in the same run (the bare HTTP stack, the disk's flushes).
//!
//! Cost: at 16,000 people about a quarter of an hour on two cores, and two gigabytes of disk.

mod client;
mod grow;
mod report;
mod samples;
mod shapes;

use crate::{Error, house, node, out};
use client::{Answers, Ask, Target, Until, done, many};
use report::{Figure, Measure, Query, Report, Step};
use samples::Samples;
use shapes::{Draw, SHAPES, Shape, encoded};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use synth::Country;
use trust::{Gate, NewAccount, Role};

/// What `tejido bench store` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// How many people at the last size.
    #[arg(long, default_value_t = 16_000)]
    people: u64,
    /// Seconds for each shape of query at each size.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Clients at once.
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// Only shapes whose name holds this, and none of the figures.
    #[arg(long)]
    shape: Option<String>,
    /// Also write the report here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where the archive grows; a folder of the system's for passing files otherwise.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Resources of the person whose `$everything` is measured.
const EVERYTHING: usize = 1_000;
/// Bytes of the Bundle that must not make others wait.
const BIG: usize = 20_000_000;

pub(super) fn run(args: &Args) -> Result<(), Error> {
    let passing = std::env::temp_dir().join(format!("tejido-bench-{}", std::process::id()));
    let folder = args.dir.clone().unwrap_or_else(|| passing.clone());
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Error::say(e.to_string()))?;
    let report = measure(args, &folder, &runtime);
    drop(runtime);
    let _ = std::fs::remove_dir_all(&passing);
    let report = report?;
    report.say();
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Error::say(e.to_string()))?;
        std::fs::write(path, text).map_err(|e| Error::io(path, e))?;
    }
    Ok(())
}

/// The node under test.
struct Bench {
    args: Args,
    folder: PathBuf,
    gate: Gate,
    target: Target,
    country: Country,
    samples: Arc<Mutex<Samples>>,
    /// Lives that are in, and lives that went in as transactions.
    next_life: u64,
}

fn measure(args: &Args, folder: &Path, runtime: &tokio::runtime::Runtime) -> Result<Report, Error> {
    let (mut config, _) = house::alone(folder)?;
    config.public.listen = "127.0.0.1:0".into();
    config.node.listen = "127.0.0.1:0".into();
    // Every client may have a transaction on its way.
    config.limits.bundles = config.limits.bundles.max(args.clients);
    let running = runtime.block_on(node::start(config.clone(), Vec::new()))?;
    let token = account(&running.gate)?;
    let target = Target {
        address: running.public,
        tls: trusting(&config.public.certificate)?,
        token,
    };
    let mut bench = Bench {
        args: args.clone(),
        folder: folder.to_owned(),
        gate: running.gate.clone(),
        target,
        country: Country::mexico()?,
        samples: Arc::default(),
        next_life: 0,
    };
    let mut report = Report {
        machine: super::machine(),
        configuration: format!(
            "embedded engine; {} clients and the node on the same cores, HTTPS, permits and acts on; cache {}; {} s a figure; synthetic Mexico of seed {}",
            args.clients,
            out::bytes(config.limits.cache_bytes as u64),
            args.seconds,
            grow::SEED
        ),
        steps: Vec::new(),
        figures: Vec::new(),
        slopes: Vec::new(),
    };
    out::line(&report.machine);
    out::line(&report.configuration);
    grow::shared(&bench.gate, &bench.country)?;
    let mut before = 0;
    for people in [args.people / 16, args.people / 4, args.people] {
        if people > before {
            report.steps.push(bench.step(before, people)?);
            before = people;
        }
    }
    if args.shape.is_some() {
        runtime.block_on(running.stop());
        return Ok(report);
    }
    let resources = report.steps.last().map_or(0, |step| step.resources);
    bench.writes(&report.steps, &mut report.figures)?;
    bench.reads(&report.steps, &config, runtime, &mut report.figures)?;
    bench.flatness(&mut report.figures)?;
    bench.everything(&mut report.figures)?;
    bench.lane(&mut report.figures)?;
    runtime.block_on(running.stop());
    let Bench { folder, gate, .. } = bench;
    drop(gate);
    report.figures.push(Figure::at_most(
        "disk, everything included, after a clean stop",
        crate::files::size(&folder) as f64 / resources.max(1) as f64,
        "B",
        1_200.0,
        format!("{} resources at the last size", out::count(resources)),
    ));
    report.slopes = report::slopes(&report.steps, SHAPES);
    Ok(report)
}

/// An account of the institution's own software, and its token.
fn account(gate: &Gate) -> Result<String, Error> {
    let now = jiff::Timestamp::now();
    gate.account(
        NewAccount {
            login: "bench".into(),
            secret: crate::keys::hex(&crate::keys::random()?),
            name: "Bench".into(),
            role: Role::System,
            licence: None,
            curp: None,
        },
        now,
    )?;
    Ok(gate.token("bench", 24, now)?.token)
}

/// A client's TLS that trusts exactly this certificate.
fn trusting(certificate: &Path) -> Result<Arc<rustls::ClientConfig>, Error> {
    use rustls_pki_types::pem::PemObject;
    let pem = crate::files::read(certificate)?;
    let mut roots = rustls::RootCertStore::empty();
    for one in rustls_pki_types::CertificateDer::pem_slice_iter(&pem) {
        let one = one.map_err(|e| Error::say(e.to_string()))?;
        roots.add(one).map_err(|e| Error::say(e.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::say(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Bench {
    fn past(&self) -> Until {
        Until::Past(Duration::from_secs(self.args.seconds))
    }

    fn samples(&self) -> Samples {
        self.samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Grows to a size and measures there.
    fn step(&mut self, from: u64, people: u64) -> Result<Step, Error> {
        // Lives that went in as transactions have numbers beyond the last size.
        let (seconds, loaded) =
            grow::lives(&self.gate, &self.country, &self.samples, from, people)?;
        let resources = self.samples().seen;
        let bytes = crate::files::size(&self.folder) as f64 / resources.max(1) as f64;
        out::line("");
        out::line(format!(
            "{} people, {} resources; loaded {}/s through the gate; {bytes:.0} B each on disk while open",
            out::count(people),
            out::count(resources),
            out::count((loaded as f64 / seconds) as u64),
        ));
        let transactions = Measure::from(&self.transactions()?);
        transactions.say("POST transaction of 20 entries");
        let samples = Arc::new(self.samples());
        let mut queries = Vec::with_capacity(SHAPES.len());
        for class in [
            shapes::Class::Simple,
            shapes::Class::Compound,
            shapes::Class::Text,
            shapes::Class::Operation,
        ] {
            out::line(format!("-- {}", class.name()));
            let only = self.args.shape.as_deref().unwrap_or_default();
            let wanted = |shape: &&Shape| shape.class == class && shape.name.contains(only);
            for shape in SHAPES.iter().filter(wanted) {
                let (samples, ask) = (samples.clone(), shape.ask);
                let answers = done(many(
                    &self.target,
                    self.args.clients,
                    self.past(),
                    move |n| {
                        ask(&Draw {
                            samples: &samples,
                            n,
                        })
                    },
                ))?;
                let measure = Measure::from(&answers);
                measure.say(shape.name);
                queries.push(Query {
                    name: shape.name,
                    class,
                    measure,
                });
            }
        }
        Ok(Step {
            people,
            resources,
            load_per_second: loaded as f64 / seconds,
            disk_bytes_per_resource: bytes,
            transactions,
            queries,
        })
    }

    /// Transactions of 20 entries from all clients, of lives that are not in yet.
    fn transactions(&mut self) -> Result<Answers, Error> {
        // Enough for twice the limit during the figure.
        let wanted = (self.args.seconds as usize * 10_000 / grow::ENTRIES).max(100);
        let from = self.args.people + self.next_life;
        let bundles = grow::transactions(&self.country, from, wanted);
        self.next_life += bundles.len() as u64;
        let bundles: Vec<Ask> = bundles
            .into_iter()
            .map(|bundle| Ask::post("/fhir", bundle))
            .collect();
        let until = self.past();
        done(many(&self.target, self.args.clients, until, move |n| {
            bundles.get(usize::try_from(n).ok()?).cloned()
        }))
    }

    fn writes(&self, steps: &[Step], figures: &mut Vec<Figure>) -> Result<(), Error> {
        let Some(last) = steps.last() else {
            return Ok(());
        };
        let flushes = super::flushes(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        figures.push(Figure::at_least(
            "durable transactions of 20, resources a second",
            last.transactions.per_second * grow::ENTRIES as f64,
            "/s",
            5_000.0,
            format!(
                "{:.1} transactions a flush; this disk flushes {flushes:.0} times a second",
                last.transactions.per_second / flushes
            ),
        ));
        Ok(())
    }

    /// Reads by id beside what the HTTP stack alone serves, and the searches with a limit.
    fn reads(
        &self,
        steps: &[Step],
        config: &crate::Config,
        runtime: &tokio::runtime::Runtime,
        figures: &mut Vec<Figure>,
    ) -> Result<(), Error> {
        let Some(last) = steps.last() else {
            return Ok(());
        };
        let of = |name: &str| {
            last.queries
                .iter()
                .find(|query| query.name == name)
                .map(|query| query.measure.clone())
                .unwrap_or_default()
        };
        let read = of("Patient/*");
        let bare = self.bare(config, runtime, read.bytes_per_answer as usize)?;
        figures.push(Figure::at_least(
            "reads by id, a second",
            read.per_second,
            "/s",
            10_000.0,
            format!(
                "the HTTP stack alone, same size: {}",
                out::count(bare as u64)
            ),
        ));
        figures.push(Figure::at_least(
            "reads by id, share of the HTTP stack alone",
            read.per_second / bare.max(1.0),
            "",
            0.5,
            "",
        ));
        figures.push(Figure::at_most(
            "reads by id, p99",
            read.p99_ms,
            "ms",
            2.0,
            "",
        ));
        for name in [
            "Patient?identifier=*",
            "Observation?subject=*",
            "Observation?code=*",
        ] {
            let beside = format!(
                "{} resources; p50 {:.2}",
                out::count(last.resources),
                of(name).p50_ms
            );
            figures.push(Figure::at_most(
                format!("{name}, p99"),
                of(name).p99_ms,
                "ms",
                5.0,
                beside,
            ));
        }
        Ok(())
    }

    /// Answers a second of the same server with a body of a size and nothing behind it.
    fn bare(
        &self,
        config: &crate::Config,
        runtime: &tokio::runtime::Runtime,
        size: usize,
    ) -> Result<f64, Error> {
        let body = "x".repeat(size);
        let router = axum::Router::new().route(
            "/{*path}",
            axum::routing::get(move || std::future::ready(body.clone())),
        );
        let tls = node::tls(config)?;
        let (address, stop) = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .map_err(|e| Error::say(e.to_string()))?;
            let address: SocketAddr = listener
                .local_addr()
                .map_err(|e| Error::say(e.to_string()))?;
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            tokio::spawn(api::serve(listener, router, tls, async move {
                let _ = stopped.await;
            }));
            Ok::<_, Error>((address, stop))
        })?;
        let target = Target {
            address,
            ..self.target.clone()
        };
        let answers = done(many(&target, self.args.clients, self.past(), |_| {
            Some(Ask::get("/fhir/Patient/x"))
        }))?;
        let _ = stop.send(());
        Ok(answers.times.rate())
    }

    /// A common code and a rare one, each with a narrow second condition.
    fn flatness(&self, figures: &mut Vec<Figure>) -> Result<(), Error> {
        let samples = self.samples();
        let Some([common, rare]) = samples.common_and_rare() else {
            return Ok(());
        };
        for (what, second) in [("date", "date"), ("quantity", "value-quantity")] {
            let mut p99 = Vec::new();
            for code in [rare.code, common.code] {
                let of_code: Vec<String> = samples
                    .measured
                    .iter()
                    .filter(|one| one.code == code)
                    .map(|one| match second {
                        "date" => format!(
                            "/fhir/Observation?code={}&date={}&_count=20",
                            encoded(code),
                            one.date
                        ),
                        _ => format!(
                            "/fhir/Observation?code={}&value-quantity={}%7C%7C{}&_count=20",
                            encoded(code),
                            one.value,
                            encoded(&one.unit)
                        ),
                    })
                    .collect();
                let answers = done(many(
                    &self.target,
                    self.args.clients,
                    self.past(),
                    move |n| {
                        Some(Ask::get(
                            of_code.get(n as usize % of_code.len().max(1))?.as_str(),
                        ))
                    },
                ))?;
                p99.push(Measure::from(&answers).p99_ms);
            }
            let (Some(&rare_p99), Some(&common_p99)) = (p99.first(), p99.last()) else {
                continue;
            };
            figures.push(Figure::at_most(
                format!("code and {what}, first page p99, the commonest code"),
                common_p99,
                "ms",
                20.0,
                format!(
                    "{} hits of the code; a code with {} hits: {rare_p99:.2} ms, ratio {:.2}",
                    out::count(common.hits),
                    out::count(rare.hits),
                    common_p99 / rare_p99.max(1e-9)
                ),
            ));
        }
        Ok(())
    }

    /// `$everything` of one person with many resources, asked by one client.
    fn everything(&self, figures: &mut Vec<Figure>) -> Result<(), Error> {
        let id = "bench-thousand";
        for bundle in grow::patient_of_many(id, EVERYTHING) {
            self.one(Ask::post("/fhir", bundle))?;
        }
        for (clients, limit) in [(1, 10.0), (self.args.clients, f64::INFINITY)] {
            let path = format!("/fhir/Patient/{id}/$everything");
            let answers = done(many(&self.target, clients, self.past(), move |_| {
                Some(Ask::get(path.as_str()))
            }))?;
            let measure = Measure::from(&answers);
            figures.push(Figure::at_most(
                format!("$everything of {EVERYTHING} resources, p50, {clients} clients"),
                measure.p50_ms,
                "ms",
                limit,
                format!(
                    "{:.0}/s, {} an answer",
                    measure.per_second,
                    out::bytes(measure.bytes_per_answer as u64)
                ),
            ));
        }
        Ok(())
    }

    fn one(&self, ask: Ask) -> Result<(), Error> {
        let answers = done(many(&self.target, 1, Until::Asked(1), move |_| {
            Some(ask.clone())
        }))?;
        match answers.first_failure {
            Some(failure) => Err(Error::say(failure)),
            None => Ok(()),
        }
    }

    /// Other people's reads while one big Bundle is loaded.
    fn lane(&self, figures: &mut Vec<Figure>) -> Result<(), Error> {
        let samples = Arc::new(self.samples());
        let reads = |until: Until| {
            let samples = samples.clone();
            many(&self.target, self.args.clients, until, move |n| {
                let draw = Draw {
                    samples: &samples,
                    n,
                };
                SHAPES.first().and_then(|shape| (shape.ask)(&draw))
            })
        };
        let quiet = Measure::from(&done(reads(self.past()))?);
        let bundle = grow::big_bundle(BIG);
        let size = bundle.len();
        let load = many(&self.target, 1, Until::Asked(1), move |_| {
            Some(Ask::post("/fhir", bundle.clone()))
        });
        let busy = Measure::from(&done(reads(self.past()))?);
        let loaded = done(load)?;
        let said = match &loaded.first_failure {
            Some(failure) => format!("the Bundle was refused: {failure}"),
            None => format!(
                "{} in {:.1} s",
                out::bytes(size as u64),
                loaded.times.wall.as_secs_f64()
            ),
        };
        figures.push(Figure::at_most(
            "p99 of reads while a 20 MB Bundle loads, times the quiet one",
            busy.p99_ms / quiet.p99_ms.max(1e-9),
            "x",
            2.0,
            format!(
                "{:.2} ms against {:.2} ms; {said}",
                busy.p99_ms, quiet.p99_ms
            ),
        ));
        Ok(())
    }
}
