//! Whether the time of a member's answer tells a doctor elsewhere of what is sealed: a stated test, left out of the usual
//! run: `cargo test --workspace --test timing -- --ignored --nocapture`. How times are compared: `ranks.rs`.
//!
//! Two networks in which a person sealed laboratory results in silence. In one a member keeps results of hers, in the other
//! they are another person's. A doctor of another institution, who received her, asks all members.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)] // A test says what it expects.

mod common;
#[path = "common/ranks.rs"]
mod ranks;

use common::{CURP, Node, network, patient, remember, remember_another, summary, write};
use exchange::Outcome;
use jiff::Timestamp;
use ranks::{EACH, WARM, compare};
use std::time::Instant;
use trust::{Actor, Category, Purpose, Role, Rule};

/// A network where a member keeps twenty results of one of the two, and the doctor who asks.
async fn world(of: &str) -> (Vec<Node>, Actor) {
    let nodes = network().await;
    let now = Timestamp::now();
    remember(&nodes[1], "Asma");
    remember_another(&nodes[1]);
    let rule = Rule {
        id: "r1".into(),
        what: vec![Category::Laboratory],
        ..Rule::default()
    };
    let word = nodes[2].gate.say(&patient(&nodes[2].id), vec![rule], now);
    nodes[2].network.spread(word.unwrap(), now).await;
    for place in 0..20 {
        let id = format!("gen{place}");
        let result = format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"text":"Carga viral"}},"subject":{{"reference":"Patient/{of}"}}}}"#
        );
        write(&nodes[1], &[("Observation", &id, &result)]);
    }
    let doctor = common::doctor(&nodes[0].id);
    let clerk = Actor {
        role: Role::Clerk,
        licence: None,
        ..doctor.clone()
    };
    nodes[0].gate.check_in(&clerk, CURP, now).unwrap();
    (nodes, doctor)
}

/// What it takes to ask all members, in nanoseconds.
async fn time((nodes, doctor): &(Vec<Node>, Actor)) -> u128 {
    let request = summary(doctor.clone(), Purpose::Treatment);
    let started = Instant::now();
    let parts = nodes[0].network.gather(request, Timestamp::now()).await;
    let took = started.elapsed().as_nanos();
    let answered = |outcome: &Outcome| matches!(outcome, Outcome::Answered(_));
    assert!(parts.unwrap().iter().all(|part| answered(&part.outcome)));
    took
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures time, and takes a minute on a quiet machine"]
async fn timing_does_not_tell_a_doctor_elsewhere_of_what_is_sealed() {
    let worlds = [world("p-imss").await, world("otro").await];
    let mut times = vec![Vec::new(); 2];
    for turn in 0..EACH + WARM {
        for place in 0..2 {
            let place = (place + turn) % 2;
            let took = time(&worlds[place]).await;
            if turn >= WARM {
                times[place].push(took);
            }
        }
    }
    let apart = compare("gather", &["hers", "another's"], &times);
    assert!(apart.is_empty(), "told apart: {apart:#?}");
}
