//! What a person does not wish to know does not come to her over the network either.
//!
//! Two worlds of four institutions: at one of them a finding is hers, or somebody else's. She asks from another. What
//! comes back is the same: the record's bytes, its head, the log with its places, receipts; and what both sides keep of
//! each exchange has the same length, signatures among it. Every message of `message.rs` is entered in [`MESSAGES`].

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

mod common;

use common::{CURP, Node, network, patient, remember, summary, write};
use exchange::Outcome;
use jiff::Timestamp;
use trust::{ActView, Actor, Finding, Opinion, PersonRef, Purpose, Request, Role, What, Wish};

const OTHER: &str = "BADD110313HCMLNS09";

/// Every message between nodes, and whether the harness sends it; if not, why.
const MESSAGES: &[(&str, Option<&str>)] = &[
    ("/exchange/ask", None),
    (
        "/exchange/find",
        Some("it says who she is, and nothing of her record"),
    ),
    ("/exchange/log", None),
    ("/exchange/receipt", None),
    ("/exchange/opine", None),
    ("/exchange/word", None),
    (
        "/exchange/said",
        Some("it says until when words were brought, and is about nobody"),
    ),
    (
        "/exchange/verdict",
        Some("it goes to an institution, about an emergency there that she is told of"),
    ),
    ("/exchange/redeem", Some("it looks at no record")),
    ("/exchange/pact", Some("it is about nobody")),
];

#[test]
fn every_message_is_in_the_harness_or_says_why_not() {
    let source = include_str!("../src/message.rs");
    let quoted = source
        .split('"')
        .filter(|text| text.starts_with("/exchange/"));
    let known: Vec<&str> = MESSAGES.iter().map(|(path, _)| *path).collect();
    assert_eq!(quoted.collect::<Vec<_>>(), known);
}

/// What she gets, without what no two worlds have in common: times, and names drawn anew, of which the length counts.
#[derive(Debug, PartialEq)]
struct Got {
    record: Vec<(String, Vec<String>, bool, bool, usize)>,
    log: Vec<ActView>,
    exchanges: Vec<Vec<usize>>,
}

async fn world(of: &str) -> (Vec<Node>, Got) {
    let nodes = network().await;
    remember(&nodes[1], "Asma");
    let other = format!(
        r#"{{"resourceType":"Patient","id":"otro","identifier":[{{"system":"{}","value":"{OTHER}"}}]}}"#,
        mx::systems::CURP
    );
    write(&nodes[1], &[("Patient", "otro", &other)]);
    let now = Timestamp::now();
    let she = patient(&nodes[0].id);
    let wish = Wish::plain(Finding::LateOnset, now);
    let word = nodes[0].gate.wish(&she, vec![wish], now).unwrap();
    let arrived = nodes[0].network.spread(word, now).await;
    assert!(arrived.iter().all(|(_, arrived)| *arrived));

    let found = format!(
        r#"{{"resourceType":"Observation","id":"gen","status":"final","meta":{{"security":[{{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}}]}},"code":{{"text":"CAG"}},"subject":{{"reference":"Patient/{of}"}}}}"#
    );
    write(&nodes[1], &[("Observation", "gen", &found)]);
    let doctor = common::doctor(&nodes[1].id);
    for curp in [CURP, OTHER] {
        let clerk = Actor {
            role: Role::Clerk,
            licence: None,
            ..doctor.clone()
        };
        nodes[1].gate.check_in(&clerk, curp, now).unwrap();
        let request = Request {
            person: PersonRef::Curp(curp.into()),
            ..summary(doctor.clone(), Purpose::Treatment)
        };
        let grant = nodes[1].gate.decide(request, now).unwrap();
        let held = nodes[1]
            .gate
            .store()
            .everything(&grant.permit, &store::Asked::default());
        nodes[1]
            .gate
            .open_answer(&grant, held.unwrap(), now)
            .unwrap();
    }
    let got = got(&nodes, &she).await;
    (nodes, got)
}

async fn got(nodes: &[Node], she: &Actor) -> Got {
    let (network, now) = (&nodes[0].network, Timestamp::now());
    let own = |what| Request {
        what,
        ..summary(she.clone(), Purpose::OwnRequest)
    };
    let parts = network.gather(own(What::Summary), now).await.unwrap();
    let record = parts.iter().map(|part| match &part.outcome {
        Outcome::Answered(answer) => {
            let stored = |one: &fhir::Value| {
                let text = one.to_string();
                // The hour of its writing is the world's.
                match text.split_once("\"lastUpdated\":\"") {
                    Some((before, after)) => before.to_owned() + after.split_once('"').unwrap().1,
                    None => text,
                }
            };
            let resources = answer.resources.iter().map(stored).collect();
            let member = part.member.0.clone();
            (
                member,
                resources,
                answer.withheld,
                answer.cautious,
                answer.act.len(),
            )
        }
        other => panic!("{}: {other:?}", part.member),
    });
    let record = record.collect();
    let mut log = Vec::new();
    for part in network.log(own(What::Log), now).await.unwrap() {
        for act in part.acts.unwrap() {
            let receipt = network.receipt(own(What::Log), &part.member, &act.id, now);
            assert!(receipt.await.unwrap().contains("c2sp.org/tlog-proof"));
            let said = network.opine(own(What::Log), &part.member, &act.id, Opinion::Right, now);
            said.await.unwrap();
            let bare = ActView {
                id: String::new(),
                at: Timestamp::UNIX_EPOCH,
                ..act
            };
            log.push(bare);
        }
    }
    let kept = |node: &Node| {
        let rows = node.gate.rows("exchanged", 1_000).unwrap();
        rows.iter().map(|(_, row)| row.len()).collect()
    };
    Got {
        record,
        log,
        exchanges: nodes.iter().map(kept).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_that_differ_in_whose_finding_it_is_answer_her_alike_over_the_network() {
    let (_hers, one) = world("p-imss").await;
    let (_others, two) = world("otro").await;
    assert_eq!(one.record, two.record);
    assert_eq!(one.log, two.log);
    assert!(one.log.len() > 4);
    assert_eq!(one.exchanges, two.exchanges);
    assert!(
        one.exchanges.iter().all(|rows| rows.len() > 3),
        "{:?}",
        one.exchanges
    );
}
