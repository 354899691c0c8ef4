//! What has a limit, measured at the last size.

use super::bench::{Bench, drawing};
use super::client::{Ask, Target, Until, done, many};
use super::grow::{self, ENTRIES};
use super::report::{Figure, Measure, Paced, Query, Report, Step};
use super::shapes::SHAPES;
use super::slope::Slope;
use crate::{Error, node, out};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tower::ServiceExt;

/// Shapes whose p99 has a limit, in milliseconds.
pub(super) const LIMITED: [(&str, f64); 4] = [
    (READ, 2.0),
    ("Patient?identifier=*", 5.0),
    ("Observation?subject=*", 5.0),
    ("Observation?code=*", 5.0),
];
const READ: &str = "Patient/*";
/// Reads by id a second, at least; their p99 is also measured when exactly so many are asked for.
const READS: f64 = 10_000.0;
/// A slope of the node's work below this is flat: sixteen times the people, a third more work.
const FLAT: f64 = 0.1;

/// Resources of the person whose `$everything` is measured, and of a trial.
const EVERYTHING: [usize; 2] = [1_000, 50];
/// Bytes of the Bundle that must not make others wait, and of a trial.
const BIG: [usize; 2] = [20_000_000, 100_000];

/// Reads a second, and clients that write transactions beside them.
const BESIDE_READS: f64 = 1_000.0;
const BESIDE_WRITERS: usize = 4;

/// Some figures that belong together, from what was seen so far.
type Part<'a> = &'a dyn Fn(&Report) -> Result<Vec<Figure>, Error>;

/// At which rate a shape with a limit is asked besides as often as can be: reads at the rate that is wanted of them, a
/// search at half of what all clients reached together.
pub(super) fn pace(name: &str, reached: &Measure) -> f64 {
    match name == READ {
        true => READS,
        false => reached.per_second / 2.0,
    }
}

impl Bench {
    /// All figures, each kept as it comes.
    pub(super) fn figures(
        &self,
        report: &mut Report,
        runtime: &tokio::runtime::Runtime,
        keep: &dyn Fn(&Report) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out::line("");
        let parts: [(&str, Part<'_>); 7] = [
            ("what was written", &|report| Ok(written(&report.steps))),
            ("reads beside the HTTP stack alone", &|report| {
                self.reads(&report.steps, runtime)
            }),
            ("a common code and a rare one", &|_| self.flatness()),
            ("the whole of one person", &|_| self.everything()),
            ("others' reads beside a big Bundle", &|_| self.lane()),
            ("reads beside transactions", &|_| self.beside_writes()),
            ("growth", &|report| Ok(growth(report))),
        ];
        for (what, figures) in parts {
            if !self.args.wants(what) {
                continue;
            }
            self.clock.say(what);
            let mut figures = figures(report)?;
            report.figures.append(&mut figures);
            keep(report)?;
        }
        Ok(())
    }

    /// Reads by id beside what the HTTP stack alone serves, and the searches with a limit.
    fn reads(
        &self,
        steps: &[Step],
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Vec<Figure>, Error> {
        let Some(last) = steps.last() else {
            return Ok(Vec::new());
        };
        let mut figures = Vec::new();
        let of = |name: &str| last.queries.iter().find(|query| query.name == name);
        if let Some(Query { measure, alone, .. }) = of(READ) {
            let bare = self.bare(runtime, measure.bytes_per_answer as usize)?;
            let beside = format!(
                "the HTTP stack alone, same size: {} a second, {:.0} us of the server a request; ours {:.0} us",
                out::count(bare.per_second as u64),
                bare.node_us,
                measure.node_us
            );
            let second = Figure::plain("reads by id, a second", measure.per_second, "/s", beside);
            let share = Figure::plain(
                "reads by id, share of the HTTP stack alone",
                measure.per_second / bare.per_second.max(1.0),
                "",
                "",
            );
            let acts = self.bare_acts()?;
            let bound = 1.0 / (1.0 / bare.per_second.max(1.0) + 1.0 / acts.max(1.0));
            let floor = Figure::plain(
                "reads by id, share of what cannot be left out",
                measure.per_second / bound,
                "",
                format!(
                    "{} a second at most: the HTTP stack alone, then the rows of their acts by the engine alone ({} a second)",
                    out::count(bound as u64),
                    out::count(acts as u64)
                ),
            );
            figures.push(second.at_least(READS).alone(alone.as_ref()));
            figures.push(share.at_least(0.5));
            figures.push(floor);
        }
        for (name, limit) in LIMITED {
            let Some(Query {
                measure,
                alone,
                paced,
                ..
            }) = of(name)
            else {
                continue;
            };
            let beside = format!(
                "{} resources; p50 {:.2} ms; {:.0} us of the node a request",
                out::count(last.resources),
                measure.p50_ms,
                measure.node_us
            );
            let figure = Figure::plain(format!("{name}, p99"), measure.p99_ms, "ms", beside);
            figures.push(figure.at_most(limit).alone(alone.as_ref()));
            if let Some(Paced {
                asked_per_second,
                measure,
            }) = paced
            {
                let what = format!(
                    "{name}, p99 at {} a second",
                    out::count(*asked_per_second as u64)
                );
                let beside = format!(
                    "from when each was due; p50 {:.2} ms; {} a second were answered",
                    measure.p50_ms,
                    out::count(measure.per_second as u64)
                );
                figures.push(Figure::plain(what, measure.p99_ms, "ms", beside).at_most(limit));
            }
        }
        Ok(figures)
    }

    /// How many acts of reads a second the engine makes durable when nothing is above it.
    fn bare_acts(&self) -> Result<f64, Error> {
        let Some(shape) = SHAPES.iter().find(|shape| shape.name == READ) else {
            return Ok(0.0);
        };
        let samples = Arc::new(self.samples());
        let clients = self.args.clients;
        let (measure, recording) = self
            .place
            .recording(|| self.shape(clients, shape, &samples))?;
        let ours = (clients, measure.per_second);
        let bare = self.place.bare(&recording, measure.answered, 1, ours)?;
        Ok(bare
            .ways
            .first()
            .map_or(0.0, |way| way.resources_per_second))
    }

    /// What the same server does with a body of a size and nothing behind it.
    fn bare(&self, runtime: &tokio::runtime::Runtime, size: usize) -> Result<Measure, Error> {
        let body = "x".repeat(size);
        let router = axum::Router::new().route(
            "/{*path}",
            axum::routing::get(move || std::future::ready(body.clone())),
        );
        let tls = node::tls(&self.config)?;
        let (address, stop) = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .map_err(|e| Error::say(e.to_string()))?;
            let address: SocketAddr = listener
                .local_addr()
                .map_err(|e| Error::say(e.to_string()))?;
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            let answer = move |request| router.clone().oneshot(request);
            tokio::spawn(api::serve(listener, answer, tls, async move {
                let _ = stopped.await;
            }));
            Ok::<_, Error>((address, stop))
        })?;
        let target = Target {
            address,
            ..self.target.clone()
        };
        let clients = self.args.clients;
        let answers = done(many(&target, clients, self.span(clients), |_| {
            Some(Ask::get("/fhir/Patient/x"))
        }))?;
        let _ = stop.send(());
        Ok(Measure::from(&answers))
    }

    /// `$everything` of one person with many resources.
    fn everything(&self) -> Result<Vec<Figure>, Error> {
        let id = "bench-thousand";
        let [all, few] = EVERYTHING;
        let resources = if self.args.trial() { few } else { all };
        for bundle in grow::patient_of_many(id, resources) {
            self.once(Ask::post("/fhir", bundle))?;
        }
        let path = format!("/fhir/Patient/{id}/$everything");
        let asked = |clients: usize| {
            let path = path.clone();
            self.measured(clients, move |_| Some(Ask::get(path.as_str())))
        };
        let (alone, together) = (asked(1)?, asked(self.args.clients)?);
        let beside = |measure: &Measure| {
            format!(
                "{:.0}/s, {} an answer, {:.0} us of the node a request",
                measure.per_second,
                out::bytes(measure.bytes_per_answer as u64),
                measure.node_us
            )
        };
        let figure = |clients: usize, measure: &Measure| {
            let what = format!("$everything of {resources} resources, p50, {clients} clients");
            Figure::plain(what, measure.p50_ms, "ms", beside(measure))
        };
        Ok(vec![
            figure(1, &alone).at_most(10.0).alone(Some(&alone)),
            figure(self.args.clients, &together),
        ])
    }

    /// Other people's reads while one big Bundle is loaded.
    fn lane(&self) -> Result<Vec<Figure>, Error> {
        let Some(shape) = SHAPES.iter().find(|shape| shape.name == READ) else {
            return Ok(Vec::new());
        };
        let samples = Arc::new(self.samples());
        let [big, small] = BIG;
        let bytes = if self.args.trial() { small } else { big };
        let mut figures = Vec::new();
        let mut clients = vec![self.args.clients, 1];
        clients.dedup();
        for clients in clients {
            let reads = |until: Until| many(&self.target, clients, until, drawing(shape, &samples));
            let quiet = Measure::from(&done(reads(self.span(clients)))?);
            let bundle = grow::big_bundle(&format!("bench-big-{clients}"), bytes);
            let size = out::bytes(bundle.len() as u64);
            let loading = Arc::new(AtomicBool::new(true));
            let others = reads(Until::While(loading.clone()));
            let loaded = done(many(&self.target, 1, Until::Asked(1), move |_| {
                Some(Ask::post("/fhir", bundle.clone()))
            }));
            loading.store(false, Ordering::Relaxed);
            let busy = Measure::from(&done(others)?);
            let loaded = loaded?;
            let said = match &loaded.first_failure {
                Some(failure) => format!("the Bundle was refused: {failure}"),
                None => format!("{size} in {:.1} s", loaded.times.wall.as_secs_f64()),
            };
            let ratio = busy.p99_ms / quiet.p99_ms.max(1e-9);
            let beside = format!(
                "{:.2} ms against {:.2} ms; {} reads meanwhile; {said}",
                busy.p99_ms,
                quiet.p99_ms,
                out::count(busy.answered)
            );
            let what =
                format!("p99 of reads while a big Bundle loads, over quiet, {clients} clients");
            figures.push(Figure::plain(what, ratio, "x", beside).at_most(2.0));
        }
        Ok(figures)
    }

    /// Reads at a modest rate while others write transactions as fast as they can: what a physician sees while a
    /// laboratory's results come in.
    fn beside_writes(&self) -> Result<Vec<Figure>, Error> {
        let Some(shape) = SHAPES.iter().find(|shape| shape.name == READ) else {
            return Ok(Vec::new());
        };
        let samples = Arc::new(self.samples());
        let quiet = self.shape_paced(BESIDE_READS, shape, &samples)?;
        let from = self.args.people + self.next_life;
        let wanted = (self.args.seconds as usize * 10_000 / ENTRIES).max(BESIDE_WRITERS);
        let bundles = grow::transactions(&self.country, from, wanted);
        let span = self.span(self.args.clients);
        let writing = many(&self.target, BESIDE_WRITERS, span, move |n| {
            let bundle = bundles.get(usize::try_from(n).ok()?)?;
            Some(Ask::post("/fhir", bundle.clone()))
        });
        let busy = self.shape_paced(BESIDE_READS, shape, &samples)?;
        let written = Measure::from(&done(writing)?);
        let beside = format!(
            "{:.2} ms against {:.2} ms without; p50 {:.2} against {:.2} ms; {} resources a second written meanwhile",
            busy.p99_ms,
            quiet.p99_ms,
            busy.p50_ms,
            quiet.p50_ms,
            out::count((written.per_second * ENTRIES as f64) as u64)
        );
        let what = format!(
            "p99 of {} reads a second beside {BESIDE_WRITERS} clients' transactions",
            out::count(BESIDE_READS as u64)
        );
        Ok(vec![Figure::plain(what, busy.p99_ms, "ms", beside)])
    }
}

/// What loading and writing told at the last size, and what all of it weighs.
fn written(steps: &[Step]) -> Vec<Figure> {
    let Some(last) = steps.last() else {
        return Vec::new();
    };
    let per_second = last.transactions.per_second * ENTRIES as f64;
    let flushes = last.conditions.flushes_per_second.max(1e-9);
    let beside = format!(
        "{:.1} transactions a flush of this disk ({flushes:.0} a second when the step began); p50 {:.1}, p99 {:.1} ms a transaction; {:.0} us of the node a resource",
        last.transactions.per_second / flushes,
        last.transactions.p50_ms,
        last.transactions.p99_ms,
        last.transactions.node_us / ENTRIES as f64
    );
    let what = "durable transactions of 20, resources a second";
    let mut figures = vec![Figure::plain(what, per_second, "/s", beside).at_least(5_000.0)];
    for (at, way) in last.bare.iter().flat_map(|bare| &bare.ways).enumerate() {
        let beside = format!(
            "{} resources a second",
            out::count(way.resources_per_second as u64)
        );
        let figure = |what: String| Figure::plain(what, way.ours_over_it, "x", beside.clone());
        // The first way of the bare engine has the limit; a database has none.
        let limited = at == 0 && last.disk.tables == 0;
        figures.push(match limited {
            true => figure(format!("ours over that of the {}", way.what)).at_least(0.5),
            false => figure(format!("ours over {}", way.what)),
        });
    }
    let sum = |of: fn(&Step) -> u64| steps.iter().map(of).sum::<u64>();
    let (grown, acts) = (sum(|step| step.grown), sum(|step| step.acts));
    let each = |bytes: u64| bytes as f64 / grown.max(1) as f64;
    let beside = format!(
        "{} resources by growing, history, indexes and the acts of their writing; at rest, before anything is asked; {} still to be thinned; {:.0} B before it came to rest",
        out::count(grown),
        out::bytes(last.disk.whole),
        each(sum(|step| step.settled_bytes))
    );
    let each = each(sum(|step| step.grown_bytes));
    figures.push(Figure::plain("on disk, B a resource", each, "B", beside).at_most(1_200.0));
    let each = sum(|step| step.act_bytes) as f64 / acts.max(1) as f64;
    let beside = format!(
        "{} acts of the queries at all sizes, at rest",
        out::count(acts)
    );
    figures.push(Figure::plain(
        "on disk, B an act of a query",
        each,
        "B",
        beside,
    ));
    figures
}

/// The steepest growth among the shapes whose answer keeps its size: of the node's work, and of that work beside the
/// clients' own.
fn growth(report: &Report) -> Vec<Figure> {
    let flat: Vec<&Slope> = report
        .slopes
        .iter()
        .filter(|slope| slope.keeps_its_size())
        .collect();
    let steepest = |what: &str, of: fn(&Slope) -> Option<f64>| {
        let seen: Vec<(f64, &Slope)> = flat.iter().filter_map(|s| Some((of(s)?, *s))).collect();
        let Some((value, slope)) = seen.iter().max_by(|(a, _), (b, _)| a.total_cmp(b)) else {
            let beside = "no shape whose answer kept its size was measured at two sizes";
            return Figure::plain(what, 0.0, "", beside);
        };
        let level = seen.iter().filter(|(value, _)| *value <= FLAT).count();
        let beside = format!(
            "{}; its p50 {:.2}; {level} of {} shapes whose answer kept its size are within the limit",
            slope.name,
            slope.p50,
            seen.len()
        );
        Figure::plain(what, *value, "", beside).at_most(FLAT)
    };
    vec![
        steepest("slope of the node's work, steepest shape", |s| s.work),
        steepest("the same beside the clients' own work", |s| {
            s.beside_clients
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::store::place::Sizes;
    use crate::bench::store::report::{Bare, Way};

    #[test]
    fn every_limit_is_on_a_shape_there_is() {
        for (name, _) in LIMITED {
            assert!(SHAPES.iter().any(|shape| shape.name == name), "{name}");
        }
    }

    fn step(grown: u64, grown_bytes: u64, acts: u64, act_bytes: u64) -> Step {
        Step {
            grown,
            grown_bytes,
            acts,
            act_bytes,
            transactions: Measure {
                per_second: 300.0,
                ..Measure::default()
            },
            bare: Some(Bare {
                resources: 1,
                rows: 1,
                bytes: 1,
                commits: 1,
                ways: vec![Way {
                    what: "bare engine".into(),
                    resources_per_second: 20_000.0,
                    ours_over_it: 0.3,
                }],
            }),
            ..Step::default()
        }
    }

    #[test]
    fn resources_and_acts_are_weighed_apart_over_all_sizes() {
        let figures = written(&[step(100, 50_000, 10, 9_000), step(300, 250_000, 30, 1_000)]);
        let of = |what: &str| figures.iter().find(|f| f.what.contains(what)).unwrap();
        assert_eq!(of("durable").value, 6_000.0);
        assert_eq!(
            (of("bare engine").value, of("bare engine").met),
            (0.3, Some(false))
        );
        assert_eq!(of("B a resource").value, 750.0);
        assert_eq!(of("B an act").value, 250.0);
    }

    #[test]
    fn a_database_has_no_limit_to_reach() {
        let on_tables = Step {
            disk: Sizes {
                tables: 1,
                ..Sizes::default()
            },
            ..step(1, 1, 1, 1)
        };
        assert!(
            written(&[on_tables])
                .iter()
                .any(|f| f.what.contains("bare engine") && f.met.is_none())
        );
    }
}
