//! The store grows: whole synthetic lives through the gate, several at once so that commits share their flush.

use super::machine::Clock;
use super::samples::Samples;
use crate::{Error, import, out};
use fhir::{ResourceType, Value, obj};
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use store::Change;
use synth::{Country, Institution, Life};
use trust::Gate;

/// The seed of the bench's country.
pub(super) const SEED: u64 = 33;
/// Lives that are made and written at once.
const AT_ONCE: usize = 8;
/// Seconds between two lines about the progress.
const TELLING: u64 = 15;
/// Entries of a transaction of the bench.
pub(super) const ENTRIES: usize = 20;

/// Makes a change of a resource as it stands.
fn change(resource: &Value) -> Option<Change> {
    Some(Change::Update {
        of: ResourceType::from_name(resource.text("resourceType")?)?,
        id: resource.text("id")?.to_owned(),
        resource: resource.clone(),
        if_match: None,
    })
}

fn put(gate: &Gate, resources: &[Value]) -> Result<(), Error> {
    let changes = resources.iter().filter_map(change).collect();
    import::store(gate, "synthetic lives", changes, Timestamp::now())?;
    Ok(())
}

/// Stores what the lives of everybody refer to.
pub(super) fn shared(gate: &Gate, country: &Country) -> Result<(), Error> {
    Institution::ALL
        .into_iter()
        .try_for_each(|one| put(gate, &country.shared(one)))
}

/// Stores lives `from..to`; gives seconds and resources.
pub(super) fn lives(
    gate: &Gate,
    country: &Country,
    samples: &Mutex<Samples>,
    (from, to): (u64, u64),
    clock: Clock,
) -> Result<(f64, u64), Error> {
    let (next, stored) = (AtomicU64::new(from), AtomicU64::new(0));
    let (people, told) = (AtomicU64::new(from), AtomicU64::new(0));
    let started = Instant::now();
    // Whoever comes first after the time is up tells it.
    let tell = |people: u64| {
        let seconds = started.elapsed().as_secs();
        let last = told.load(Ordering::Relaxed);
        let due = seconds >= last + TELLING
            && told
                .compare_exchange(last, seconds, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if due {
            let stored = stored.load(Ordering::Relaxed);
            clock.say(format!(
                "{} of {} people; {} resources a second since {}",
                out::count(people),
                out::count(to),
                out::count(stored / seconds.max(1)),
                out::count(from)
            ));
        }
    };
    std::thread::scope(|scope| {
        let work = || -> Result<(), Error> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= to {
                    return Ok(());
                }
                let life = country.life(SEED, index);
                for record in &life.records {
                    put(gate, &record.entries)?;
                    stored.fetch_add(record.entries.len() as u64, Ordering::Relaxed);
                }
                see(samples, &life);
                tell(people.fetch_add(1, Ordering::Relaxed) + 1);
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|one| {
            one.join()
                .unwrap_or_else(|_| Err(Error::say("a loader failed")))
        })
    })?;
    Ok((started.elapsed().as_secs_f64(), stored.into_inner()))
}

fn see(samples: &Mutex<Samples>, life: &Life) {
    let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in life.records.iter().flat_map(|record| &record.entries) {
        samples.see(resource);
    }
}

/// Further lives as transaction Bundles of [`ENTRIES`] entries, at least so many, from life `from` on.
pub(super) fn transactions(country: &Country, from: u64, count: usize) -> Vec<Vec<u8>> {
    let mut bundles = Vec::with_capacity(count);
    let mut waiting: Vec<Value> = Vec::new();
    for index in from.. {
        for record in country.life(SEED, index).records {
            waiting.extend(record.entries);
        }
        while waiting.len() >= ENTRIES {
            let rest = waiting.split_off(ENTRIES);
            bundles.push(synth::transaction(&waiting).to_bytes());
            waiting = rest;
        }
        if bundles.len() >= count {
            break;
        }
    }
    bundles
}

/// One person with this many measured values, as Bundles.
pub(super) fn patient_of_many(id: &str, observations: usize) -> Vec<Vec<u8>> {
    let mut all = vec![obj! {
        "resourceType" => "Patient", "id" => id,
        "name" => [obj! { "family" => "Muchos", "given" => ["Datos"] }],
    }];
    all.extend((0..observations).map(|n| glucose(&format!("{id}-{n}"), id, n)));
    all.chunks(500)
        .map(|some| synth::transaction(some).to_bytes())
        .collect()
}

fn glucose(id: &str, patient: &str, n: usize) -> Value {
    let day = 1 + n % 28;
    let month = 1 + (n / 28) % 12;
    let year = 1990 + (n / 336) % 36;
    obj! {
        "resourceType" => "Observation", "id" => id, "status" => "final",
        "code" => obj! {
            "coding" => [obj! { "system" => "http://loinc.org", "code" => "2345-7" }],
            "text" => "Glucosa",
        },
        "subject" => obj! { "reference" => format!("Patient/{patient}") },
        "effectiveDateTime" => format!("{year}-{month:02}-{day:02}"),
        "valueQuantity" => obj! {
            "value" => 70 + (n * 7 % 90) as u64, "unit" => "mg/dL",
            "system" => "http://unitsofmeasure.org", "code" => "mg/dL",
        },
    }
}

/// One transaction of about so many bytes, about a person of this id.
pub(super) fn big_bundle(id: &str, bytes: usize) -> Vec<u8> {
    const EACH: usize = 2_400;
    let note = "Se revisa con la paciente. ".repeat(EACH / 30);
    let entries: Vec<Value> = std::iter::once(obj! { "resourceType" => "Patient", "id" => id })
        .chain((0..bytes / EACH).map(|n| {
            let mut one = glucose(&format!("{id}-{n}"), id, n);
            one.set("note", vec![obj! { "text" => &note }]);
            one
        }))
        .collect();
    synth::transaction(&entries).to_bytes()
}
