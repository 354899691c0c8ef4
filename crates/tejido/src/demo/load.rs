//! Synthetic lives into five archives: several at once, so that commits share their fsync.

use super::{Demo, MEMBERS, SEED, Town, cast, twice};
use crate::{Error, import, out};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Change;
use synth::{Country, InstitutionRecord, Life};
use trust::Gate;

/// Says how many people are in; the file is written when all of them are.
const LOADED: &str = "loaded";
/// Lives that are made and written at once: enough waiting commits for each fsync to carry many.
const AT_ONCE: usize = 12;

/// Loads the people, unless they are in already.
pub(super) async fn people(town: &Town, args: &Demo) -> Result<(), Error> {
    let mark = args.dir.join(LOADED);
    let known: u64 = std::fs::read_to_string(&mark)
        .ok()
        .and_then(|n| n.trim().parse().ok())
        .unwrap_or(0);
    if known >= args.people && mark.exists() {
        out::line(format!(
            "Reusing the {} people of an earlier run.",
            out::count(known)
        ));
        return Ok(());
    }
    out::line(format!(
        "Making {} lives and giving each institution its part.",
        out::count(args.people)
    ));
    let gates: Vec<Gate> = town.nodes.iter().map(|n| n.gate.clone()).collect();
    let people = args.people;
    let loaded = tokio::task::spawn_blocking(move || all(&gates, known, people))
        .await
        .map_err(|_| Error::say("loading failed"))??;
    out::line(format!(
        "{} resources, each institution's own part.",
        out::count(loaded)
    ));
    write_mark(&mark, people)
}

fn write_mark(mark: &Path, people: u64) -> Result<(), Error> {
    std::fs::write(mark, people.to_string()).map_err(|e| Error::io(mark, e))
}

/// Loads lives `from..people`, the shared resources and the heroine first. Gives the number of resources.
fn all(gates: &[Gate], from: u64, people: u64) -> Result<u64, Error> {
    let country = Country::mexico()?;
    let now = Timestamp::now();
    for (gate, place) in gates.iter().zip(MEMBERS) {
        cast::accounts(gate, now)?;
        put(gate, &country.shared(place.keeps))?;
        if place.id == twice::AT {
            put(gate, &twice::resources()?)?;
        }
    }
    let resources = AtomicU64::new(0);
    keep(gates, &country.heroine(), &resources)?;
    let (next, bar) = (AtomicU64::new(from), out::bar(people - from, "people"));
    std::thread::scope(|scope| {
        let work = || -> Result<(), Error> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= people {
                    return Ok(());
                }
                keep(gates, &country.life(SEED, index), &resources)?;
                bar.inc(1);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|w| {
            w.join()
                .unwrap_or_else(|_| Err(Error::say("a loader failed")))
        })
    })?;
    bar.finish_and_clear();
    Ok(resources.into_inner())
}

/// Gives each institution its part of a life.
fn keep(gates: &[Gate], life: &Life, resources: &AtomicU64) -> Result<(), Error> {
    for (gate, place) in gates.iter().zip(MEMBERS) {
        if let Some(InstitutionRecord { entries, .. }) = life.at(place.keeps) {
            put(gate, entries)?;
            resources.fetch_add(entries.len() as u64, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn put(gate: &Gate, resources: &[Value]) -> Result<(), Error> {
    let change = |resource: &Value| {
        let of = ResourceType::from_name(resource.text("resourceType")?)?;
        let id = resource.text("id")?.to_owned();
        Some(Change::Update {
            of,
            id,
            resource: resource.clone(),
            if_match: None,
        })
    };
    import::store(
        gate,
        "synthetic lives",
        resources.iter().filter_map(change).collect(),
        Timestamp::now(),
    )?;
    Ok(())
}
