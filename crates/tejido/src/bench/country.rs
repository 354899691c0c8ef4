//! `tejido bench`: the whole house in figures, with permits, acts and consent on, over the five nodes of the demo.
//!
//! Every touch below goes through the gate as a person's would: a decision, the archive under the permit, an act that is
//! durable before the answer opens. Clients and nodes share the machine. Beside each figure stands what bounds it: the
//! disk's own flushes in the same minute, or the same work without its act.

use super::{Country, Times};
use crate::demo::{self, Demo, HEROINE_CURP, Town};
use crate::{Error, out};
use fhir::ResourceType;
use jiff::Timestamp;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use store::{Asked, Verb, Verbs};
use trust::{Actor, Gate, PersonRef, Purpose, Request, Role, What};

/// Measures and prints.
///
/// # Errors
/// When the nodes cannot be made, or a touch that must succeed is refused.
pub(super) fn run(args: &Country) -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("tejido-bench-{}", std::process::id()));
    let runtime = crate::serve::runtime()?;
    let done = runtime.block_on(measure(args, &folder));
    drop(runtime);
    let _ = std::fs::remove_dir_all(&folder);
    done
}

async fn measure(args: &Country, folder: &Path) -> Result<(), Error> {
    machine(args);
    let wanted = Demo {
        people: args.people,
        dir: folder.to_owned(),
        fresh: false,
        check: false,
    };
    let started = Instant::now();
    let town = demo::open(&wanted).await?;
    let seconds = started.elapsed().as_secs_f64();
    let resources = held(&town)?;
    let bytes = crate::files::size(folder);
    let flushes =
        super::flushes(folder, Duration::from_secs(1)).map_err(|e| Error::io(folder, e))?;
    out::line(format!(
        "{:<44}{:>10}/s   (this disk, one after the other)",
        "flushes of 4 kB",
        out::count(flushes as u64)
    ));
    out::line(format!(
        "{:<44}{:>10}/s   {} resources in {seconds:.1} s, made, checked, indexed, durable; {} B each on disk",
        "load, five nodes",
        out::count((resources as f64 / seconds) as u64),
        out::count(resources),
        out::count(bytes / resources.max(1))
    ));
    let gate = town
        .nodes
        .first()
        .map(|n| n.gate.clone())
        .ok_or_else(|| Error::say("no nodes"))?;
    single(args, &gate, flushes)?;
    federated(args, &town).await?;
    for node in town.nodes {
        node.stop().await;
    }
    Ok(())
}

fn machine(args: &Country) {
    out::line(super::machine());
    out::line(format!(
        "{} synthetic lives of seed {} over five nodes in one process; {} clients, {} s a figure; permits, acts and consent on",
        out::count(args.people),
        demo::SEED,
        args.clients,
        args.seconds
    ));
    out::line("");
}

/// How many resources the five nodes hold.
fn held(town: &Town) -> Result<u64, Error> {
    let now = Timestamp::now();
    let mut all = 0;
    for node in &town.nodes {
        let grant = node.gate.decide(
            request(
                crate::import::operator(&node.gate),
                PersonRef::Everyone,
                Purpose::Operations,
            ),
            now,
        )?;
        let (counts, _) =
            node.gate
                .open_answer(&grant, node.gate.store().counts(&grant.permit)?, now)?;
        all += counts.iter().map(|(_, n)| n).sum::<u64>();
    }
    Ok(all)
}

fn request(actor: Actor, person: PersonRef, purpose: Purpose) -> Request {
    Request {
        actor,
        purpose,
        person,
        verbs: Verbs::READING,
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Summary,
    }
}

/// Runs `touch` from several clients for some seconds.
fn many(args: &Country, touch: impl Fn(usize) -> Result<(), Error> + Sync) -> Result<Times, Error> {
    let (number, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let length = Duration::from_secs(args.seconds);
    let (started, worked) = (Instant::now(), super::cpu());
    std::thread::scope(|scope| {
        let work = || -> Result<(), Error> {
            let mut own = Vec::new();
            while started.elapsed() < length {
                let at = Instant::now();
                touch(number.fetch_add(1, Ordering::Relaxed))?;
                own.push(at.elapsed());
            }
            all.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .extend(own);
            Ok(())
        };
        let clients: Vec<_> = (0..args.clients).map(|_| scope.spawn(work)).collect();
        clients.into_iter().try_for_each(|c| {
            c.join()
                .unwrap_or_else(|_| Err(Error::say("a client failed")))
        })
    })?;
    let wall = started.elapsed();
    let mut each = all
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    each.sort_unstable();
    Ok(Times {
        each,
        wall,
        cpu: super::cpu().saturating_sub(worked),
    })
}

/// Figures of one node.
fn single(args: &Country, gate: &Gate, flushes: f64) -> Result<(), Error> {
    let system = Actor {
        role: Role::System,
        ..crate::import::operator(gate)
    };
    let patient = ResourceType::from_name("Patient").ok_or_else(|| Error::say("no Patient"))?;
    let observation =
        ResourceType::from_name("Observation").ok_or_else(|| Error::say("no Observation"))?;
    let now = Timestamp::now;
    let ids = ids(gate, &system, patient)?;
    let id = |n: usize| {
        ids.get(n.wrapping_mul(2_654_435_761) % ids.len().max(1))
            .cloned()
            .unwrap_or_default()
    };

    let decisions = many(args, |n| {
        gate.decide(
            request(
                system.clone(),
                PersonRef::Patient(id(n)),
                Purpose::Operations,
            ),
            now(),
        )?;
        Ok(())
    })?;
    decisions.say("decisions, warm", "");
    super::decision::run(&super::decision::Args {
        seconds: args.seconds,
    })?;
    let reads = many(args, |n| {
        let id = id(n);
        let grant = gate.decide(
            request(
                system.clone(),
                PersonRef::Patient(id.clone()),
                Purpose::Operations,
            ),
            now(),
        )?;
        let held = gate.store().read(&grant.permit, patient, &id)?;
        gate.open_answer(&grant, held, now())?;
        Ok(())
    })?;
    reads.say(
        "read by id, act durable",
        &format!("{:.1} reads a flush", reads.rate() / flushes),
    );
    let bare = many(args, |n| {
        let id = id(n);
        let grant = gate.decide(
            request(
                system.clone(),
                PersonRef::Patient(id.clone()),
                Purpose::Operations,
            ),
            now(),
        )?;
        gate.store().read(&grant.permit, patient, &id)?;
        Ok(())
    })?;
    bare.say(
        "  the same, answer left closed (no act)",
        &format!(
            "the act costs {:.0} % of the rate",
            100.0 * (1.0 - reads.rate() / bare.rate())
        ),
    );
    let searches: [(&str, Vec<(String, String)>); 2] = [
        (
            "search: code, first page of 20",
            vec![
                ("code".into(), "http://loinc.org|2345-7".into()),
                ("_count".into(), "20".into()),
            ],
        ),
        (
            "search: code and year, first page of 20",
            vec![
                ("code".into(), "http://loinc.org|2345-7".into()),
                ("date".into(), "2025".into()),
                ("_count".into(), "20".into()),
            ],
        ),
    ];
    for (what, pairs) in searches {
        let query = fhir::query::parse(
            &fhir::search::Catalog::r4(),
            observation,
            &pairs,
            fhir::query::Handling::Strict,
        )
        .map_err(|issues| Error::say(format!("{issues:?}")))?;
        let found = many(args, |_| {
            let grant = gate.decide(
                request(system.clone(), PersonRef::Everyone, Purpose::Operations),
                now(),
            )?;
            let held = gate.store().search(&grant.permit, &query, None)?;
            gate.open_answer(&grant, held, now())?;
            Ok(())
        })?;
        found.say(what, "over everybody at one node");
    }
    let everything = many(args, |n| {
        let grant = gate.decide(
            request(
                system.clone(),
                PersonRef::Patient(id(n)),
                Purpose::Operations,
            ),
            now(),
        )?;
        let held = gate.store().everything(&grant.permit, &Asked::default())?;
        gate.open_answer(&grant, held, now())?;
        Ok(())
    })?;
    everything.say("$everything of a person", "");
    Ok(())
}

fn ids(gate: &Gate, system: &Actor, of: ResourceType) -> Result<Vec<String>, Error> {
    let now = Timestamp::now();
    let query = fhir::query::parse(
        &fhir::search::Catalog::r4(),
        of,
        &[("_count".to_owned(), "1000".to_owned())],
        fhir::query::Handling::Strict,
    )
    .map_err(|i| Error::say(format!("{i:?}")))?;
    let mut asked = request(system.clone(), PersonRef::Everyone, Purpose::Operations);
    asked.verbs = Verbs::only(Verb::Search);
    let grant = gate.decide(asked, now)?;
    let (page, _) = gate.open_answer(
        &grant,
        gate.store().search(&grant.permit, &query, None)?,
        now,
    )?;
    Ok(page.matches.into_iter().map(|v| v.id).collect())
}

/// The woven summary's asking, from the pharmacy to all five, over real mutual TLS.
async fn federated(args: &Country, town: &Town) -> Result<(), Error> {
    let node = town.nodes.last().ok_or_else(|| Error::say("no nodes"))?;
    let session = node.gate.sign_in("ana", "hilo-rojo-7", Timestamp::now())?;
    node.gate
        .check_in(&session.actor, HEROINE_CURP, Timestamp::now())?;
    let (mut each, started, worked) = (Vec::new(), Instant::now(), super::cpu());
    let mut resources = 0;
    while started.elapsed() < Duration::from_secs(args.seconds) {
        let at = Instant::now();
        let asked = request(
            session.actor.clone(),
            PersonRef::Curp(HEROINE_CURP.into()),
            Purpose::Treatment,
        );
        let parts = node.network.gather(asked, Timestamp::now()).await?;
        resources = 0;
        for part in &parts {
            match &part.outcome {
                exchange::Outcome::Answered(answer) => resources += answer.resources.len(),
                other => {
                    return Err(Error::say(format!(
                        "{} did not answer: {other:?}",
                        part.name
                    )));
                }
            }
        }
        each.push(at.elapsed());
    }
    let wall = started.elapsed();
    each.sort_unstable();
    let cpu = super::cpu().saturating_sub(worked);
    let times = Times { each, wall, cpu };
    times.say(
        "summary over five nodes, one at a time",
        &format!("{resources} resources, signed, over mutual TLS"),
    );
    Ok(())
}
