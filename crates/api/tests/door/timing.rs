//! Whether the time of an answer tells of what is withheld: a stated test, left out of the usual run, since a busy machine
//! makes it long: `cargo test --workspace --test door -- --ignored timing --test-threads 1 --nocapture`. How times are
//! compared: `ranks.rs`. The same over the network: `exchange/tests/timing.rs`.

#[path = "../../../exchange/tests/common/ranks.rs"]
mod ranks;

use crate::house::{House, SHE};
use crate::leaks::{open_to_all, seal, withheld};
use crate::wish::world;
use ranks::{EACH, WARM, compare};
use std::time::Instant;
use trust::{Part, Role};

async fn time(house: &House, token: &str, line: &str) -> u128 {
    let started = Instant::now();
    let said = house.call(line, token, "").await;
    let took = started.elapsed().as_nanos();
    assert!(said.status == 200 || said.status == 403, "{line}");
    took
}

/// How often the worlds are made: two of the very same kind differ by where their memory lies, a hundredth or so.
const ROUNDS: usize = 6;

/// Asks each question in all worlds, made anew in each round, and gives what tells the first one from another. `make` gives
/// the world of a name, and the token of who asks in it.
async fn told_apart(
    named: &[&str],
    make: impl AsyncFn(&str) -> (House, String),
    lines: &[&str],
) -> Vec<String> {
    let all = named.len();
    let mut times = vec![vec![Vec::new(); all]; lines.len()];
    for round in 0..ROUNDS {
        let mut worlds = Vec::new();
        for place in (0..all).map(|place| (place + round) % all) {
            worlds.push((place, make(named[place]).await));
        }
        for (line, times) in lines.iter().zip(&mut times) {
            for turn in 0..EACH / ROUNDS + WARM {
                for place in 0..all {
                    let (place, (house, token)) = &worlds[(place + turn) % all];
                    let took = time(house, token, line).await;
                    if turn >= WARM {
                        times[*place].push(took);
                    }
                }
            }
        }
    }
    let compared = lines.iter().zip(&times);
    compared
        .flat_map(|(line, times)| compare(line, named, times))
        .collect()
}

#[tokio::test]
#[ignore = "it measures time, and takes a minute on a quiet machine"]
async fn timing_does_not_tell_whose_finding_it_is() {
    let make = async |name: &str| {
        let (house, token, _) = world(if name == "hers" { "her" } else { "other" }).await;
        (house, token)
    };
    let lines = [
        "GET /fhir/Observation/o1",
        "GET /fhir/Observation/o3",
        "GET /fhir/Observation?patient=her&_total=accurate",
        "GET /fhir/Observation?patient=her&code=4548-4&_total=accurate",
        "GET /fhir/Appointment?patient=her&_total=accurate",
        "GET /fhir/Patient/her/$everything",
        "GET /fhir/Condition?patient=her&_total=accurate",
    ];
    let apart = told_apart(&["hers", "another's"], make, &lines).await;
    assert!(apart.is_empty(), "told apart: {apart:#?}");
}

/// What a physician who cares for her asks.
const ASKED: [&str; 16] = [
    "GET /fhir/Observation/o3",
    "GET /fhir/Observation/o3/_history",
    "GET /fhir/Observation/o3/_history/1",
    "GET /fhir/Observation/v1",
    "GET /fhir/Observation?patient=her&_total=accurate",
    "GET /fhir/Observation?patient=her&code=4548-4&_total=accurate",
    "GET /fhir/Observation?patient=her&_sort=value-quantity&_count=1&_total=accurate",
    "GET /fhir/Observation?patient=her&_include=*&_revinclude=*",
    "GET /fhir/Encounter?patient=her&_revinclude:iterate=*",
    "GET /fhir/Patient?_id=her&_has:Observation:patient:code=4548-4&_total=accurate",
    "GET /fhir/Patient/her/$everything",
    "GET /fhir/Patient/her/_history",
    "GET /fhir/Observation/$lastn?patient=her&max=2",
    "GET /fhir/Observation/$meta",
    // Nobody's in particular: refused to her, whatever is here.
    "GET /fhir/Observation?code=4548-4&_total=accurate",
    "GET /fhir/DiagnosticReport/d1",
];

/// A world with results of hers, or of somebody else, or none; and what she closed of hers in silence.
fn sealed(of: Option<&str>, part: Option<&Part>) -> (House, String) {
    let house = House::new();
    house.check_in(SHE);
    let resources = withheld().into_iter().filter_map(|text| {
        let of = of?;
        Some(text.replace("Patient/her", &format!("Patient/{of}")))
    });
    for text in open_to_all().into_iter().chain(resources) {
        house.load(&[&text]);
    }
    match part {
        Some(part) => seal(&house, part.clone()),
        None => drop(house.token(Role::Patient)),
    }
    let token = house.token(Role::Physician);
    (house, token)
}

async fn a_physician_is_not_told(part: Part) {
    let make = async |name: &str| {
        let of = match name {
            "hers" => Some("her"),
            "another's" => Some("other"),
            _ => None,
        };
        sealed(of, Some(&part))
    };
    let apart = told_apart(&["hers", "another's", "not there"], make, &ASKED).await;
    assert!(apart.is_empty(), "told apart: {apart:#?}");
}

#[tokio::test]
#[ignore = "it measures time, and takes some minutes on a quiet machine"]
async fn timing_does_not_tell_a_physician_of_what_is_sealed() {
    a_physician_is_not_told(Part::default()).await;
}

/// No label says it then, but a question that each resource answers.
fn by_type() -> Part {
    let types = vec!["Observation".into(), "DiagnosticReport".into()];
    Part {
        types,
        ..Part::default()
    }
}

#[tokio::test]
#[ignore = "it measures time, and takes some minutes on a quiet machine"]
async fn timing_does_not_tell_a_physician_of_a_part_that_is_sealed() {
    a_physician_is_not_told(by_type()).await;
}

/// Nothing is withheld in these worlds; in two of them she closed something in silence, which finds nothing to hide.
#[tokio::test]
#[ignore = "it measures time, and takes a minute on a quiet machine"]
async fn timing_does_not_tell_a_physician_of_a_silent_rule() {
    let (whole, part) = (Part::default(), by_type());
    let make = async |name: &str| {
        let part = match name {
            "a silent rule" => Some(&whole),
            "one on a part" => Some(&part),
            _ => None,
        };
        sealed(None, part)
    };
    let named = ["nothing said", "a silent rule", "one on a part"];
    let lines = [
        "GET /fhir/Observation/v1",
        "GET /fhir/Observation/v2/_history",
        "GET /fhir/Observation?patient=her&code=8867-4&_total=accurate",
        "GET /fhir/Patient/her/_history",
    ];
    let apart = told_apart(&named, make, &lines).await;
    assert!(apart.is_empty(), "told apart: {apart:#?}");
}
