//! Synthetic Mexico at growing sizes, and arrivals at it.

use super::{Args, Report, Row, head, linked, say};
use crate::{Error, out};
use identity::{Address, Apart, Identifier, Index, Registration};
use mx::systems;
use serde::Serialize;
use std::time::{Duration, Instant};
use synth::{Country, Registered};

/// What came of the arrivals.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arrivals {
    pub(super) register: u64,
    pub(super) arrived: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) longest_ms: f64,
    /// Put to a person all of whose registrations are truly the arrival's, or rightly to nobody.
    pub(super) to_the_right_person: u64,
    /// Put to a person who is somebody else.
    pub(super) to_a_wrong_person: u64,
    pub(super) resident_bytes: i64,
}

pub(super) fn run(args: &Args, report: &mut Report) -> Result<(), Error> {
    let country = Country::mexico().map_err(|e| Error::say(e.to_string()))?;
    head();
    let mut sizes = vec![args.people / 16, args.people / 4, args.people];
    sizes.retain(|n| *n > 0);
    let last = sizes.last().copied();
    for people in sizes {
        let (mut registrations, mut truth) = draw(&country, args.seed, people)?;
        // The largest register keeps some back, to arrive later.
        let later = if Some(people) == last {
            args.arrivals.min(registrations.len() / 4)
        } else {
            0
        };
        let (arriving, theirs) = keep_back(&mut registrations, &mut truth, later);
        let name = format!("synthetic Mexico, {} people", out::count(people));
        let (mut row, register, found) = linked(&name, &registrations, &truth, args.precision);
        if args.keyed {
            let there = super::keyed::by_lot(truth.len());
            let keyed = super::keyed::linked(&registrations, &truth, &there, &found.person)?;
            row.keyed = Some(keyed);
        }
        drop(registrations);
        say(&row);
        report.mexico.push(row);
        if later > 0 {
            let index = Index::new(register, found.model, found.person, Apart::default());
            let arrivals = arrive(index, truth, &arriving, &theirs);
            out::line(format!(
                "{} arrivals at {}: p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms; {} right, {} to somebody else; {}",
                out::count(arrivals.arrived),
                out::count(arrivals.register),
                arrivals.p50_ms,
                arrivals.p99_ms,
                arrivals.longest_ms,
                out::count(arrivals.to_the_right_person),
                out::count(arrivals.to_a_wrong_person),
                out::bytes(arrivals.resident_bytes.unsigned_abs()),
            ));
            report.arrivals = Some(arrivals);
        }
    }
    report.slope = slope(&report.mexico);
    if let Some(slope) = report.slope {
        out::line(format!(
            "growth: seconds go with the {slope:.2}th power of the registrations"
        ));
    }
    Ok(())
}

/// Registrations of so many people, and whose each is.
fn draw(country: &Country, seed: u64, people: u64) -> Result<(Vec<Registration>, Vec<u64>), Error> {
    let registers = country.registers(seed);
    let (mut registrations, mut truth) = (Vec::new(), Vec::new());
    let (mut home, mut seen) = (0, 0);
    while seen < people {
        let entries = registers
            .home(home)
            .map_err(|e| Error::say(e.to_string()))?;
        home += 1;
        let mut before = None;
        for entry in entries {
            if before != Some(entry.person) {
                seen += 1;
                before = Some(entry.person);
            }
            truth.push(entry.person);
            registrations.push(registration(entry));
        }
    }
    Ok((registrations, truth))
}

fn registration(of: Registered) -> Registration {
    let identifier = |system: &str, value| Identifier {
        system: system.to_owned(),
        value,
        confirmed: false,
    };
    let curp = of.curp.map(|value| identifier(systems::CURP, value));
    let nss = of.nss.map(|value| identifier(systems::NSS, value));
    let address = of
        .address
        .map(|[street, number, colony, postcode, state]| Address {
            street: Some(street),
            number: Some(number),
            line2: None,
            postcode: Some(postcode),
            locality: Some(colony),
            region: Some(state),
        });
    Registration {
        given: Some(of.given),
        first: Some(of.first),
        second: of.second,
        birth: Some(of.birth),
        sex: Some(of.sex),
        birth_place: Some(of.born_in.to_owned()),
        addresses: address.into_iter().collect(),
        phones: of.phone.into_iter().collect(),
        identifiers: curp.into_iter().chain(nss).collect(),
        mother: of.mother,
        ..Registration::default()
    }
}

/// Takes so many out, spread evenly.
fn keep_back(
    registrations: &mut Vec<Registration>,
    truth: &mut Vec<u64>,
    later: usize,
) -> (Vec<Registration>, Vec<u64>) {
    if later == 0 {
        return (Vec::new(), Vec::new());
    }
    let step = registrations.len() / later;
    let (mut kept, mut whose, mut arriving, mut theirs) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, (one, person)) in registrations.drain(..).zip(truth.drain(..)).enumerate() {
        if at % step == step / 2 && arriving.len() < later {
            arriving.push(one);
            theirs.push(person);
        } else {
            kept.push(one);
            whose.push(person);
        }
    }
    (*registrations, *truth) = (kept, whose);
    (arriving, theirs)
}

fn arrive(
    mut index: Index,
    mut truth: Vec<u64>,
    arriving: &[Registration],
    theirs: &[u64],
) -> Arrivals {
    let register = index.len() as u64;
    let known: std::collections::HashSet<u64> = truth.iter().copied().collect();
    let mut times: Vec<Duration> = Vec::with_capacity(arriving.len());
    let (mut right, mut wrong) = (0, 0);
    let mut came = std::collections::HashSet::new();
    for (one, person) in arriving.iter().zip(theirs) {
        let began = Instant::now();
        let arrival = index.arrive(one);
        times.push(began.elapsed());
        truth.push(*person);
        let others: Vec<u32> = index
            .together(arrival.registration)
            .into_iter()
            .filter(|r| *r != arrival.registration)
            .collect();
        let hers = others
            .iter()
            .filter(|r| truth.get(**r as usize) == Some(person))
            .count();
        let is_new = !known.contains(person) && came.insert(*person);
        if hers < others.len() {
            wrong += 1;
        } else if hers > 0 || is_new {
            right += 1;
        }
    }
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |t| t.as_secs_f64() * 1e3)
    };
    Arrivals {
        register,
        arrived: times.len() as u64,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        longest_ms: at(1.0),
        to_the_right_person: right,
        to_a_wrong_person: wrong,
        resident_bytes: crate::operations::process().resident_bytes,
    }
}

fn slope(rows: &[Row]) -> Option<f64> {
    let (first, last) = (rows.first()?, rows.last()?);
    let over = (last.registrations as f64 / first.registrations as f64).ln();
    (over > 0.0).then(|| (last.seconds / first.seconds.max(1e-9)).ln() / over)
}
