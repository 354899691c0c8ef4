//! What a person does not wish to know does not come to her over the network either, nor what she sealed to anybody else.
//!
//! Two worlds of four institutions: at one of them a finding is hers, or somebody else's. She asks from another. What
//! comes back is the same: the record's bytes, its head, the log with its places, receipts; and what both sides keep of
//! each exchange has the same length, signatures among it. Every message of `message.rs` is entered in [`MESSAGES`].
//! The same for a doctor of another institution and a result that she sealed in silence, and for somebody who acts for her
//! and one that she sealed quietly.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

mod common;

use common::{CURP, Node, OTHER, network, patient, remember, remember_another, summary, write};
use exchange::{Outcome, Part};
use jiff::Timestamp;
use trust::{
    ActView, Actor, Category, Finding, NewRepresentative, Opinion, PersonRef, Purpose, Request,
    Role, Rule, Tie, What, Wish,
};

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
    ("/exchange/referral", None),
    ("/exchange/pact", Some("it is about nobody")),
    (
        "/exchange/linkage/offer",
        Some(
            "it compares who people are, and nothing of their records; who closed herself is left off",
        ),
    ),
    ("/exchange/linkage/piece", Some("the same")),
    ("/exchange/linkage/own", Some("the same")),
    ("/exchange/linkage/told", Some("the same")),
    ("/exchange/linkage/said", Some("the same")),
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

/// A member's answer: who, the resources, whether something is withheld and the answer cautious, how long its act's name.
type Answered = (String, Vec<String>, bool, bool, usize);

/// What she gets, without what no two worlds have in common: times, and names drawn anew, of which the length counts.
#[derive(Debug, PartialEq)]
struct Got {
    record: Vec<Answered>,
    log: Vec<ActView>,
    exchanges: Vec<Vec<usize>>,
}

async fn world(of: &str) -> (Vec<Node>, Got) {
    let nodes = network().await;
    remember(&nodes[1], "Asma");
    remember_another(&nodes[1]);
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

/// What came back of the record, the hour of its writing left out: that is the world's.
fn record(parts: &[Part]) -> Vec<Answered> {
    let answered = |part: &Part| match &part.outcome {
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
    };
    parts.iter().map(answered).collect()
}

/// The lengths of what each node keeps of its exchanges.
fn kept(nodes: &[Node]) -> Vec<Vec<usize>> {
    let rows = |node: &Node| node.gate.rows("exchanged", 1_000).unwrap();
    let lengths = |node| rows(node).iter().map(|(_, row)| row.len()).collect();
    nodes.iter().map(lengths).collect()
}

async fn got(nodes: &[Node], she: &Actor) -> Got {
    let (network, now) = (&nodes[0].network, Timestamp::now());
    let own = |what| Request {
        what,
        ..summary(she.clone(), Purpose::OwnRequest)
    };
    let parts = network.gather(own(What::Summary), now).await.unwrap();
    let record = record(&parts);
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
    Got {
        record,
        log,
        exchanges: kept(nodes),
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

/// What a doctor of another institution gets of a record in which a result was sealed in silence, hers or another
/// person's: the answers of all members before and after she looks a second time, and what is kept of it.
async fn sealed(of: &str) -> (Vec<Answered>, Vec<Answered>, Vec<Vec<usize>>) {
    let nodes = network().await;
    let now = Timestamp::now();
    remember(&nodes[1], "Asma");
    remember_another(&nodes[1]);
    let rule = Rule {
        id: "r1".into(),
        what: vec![Category::Laboratory],
        ..Rule::default()
    };
    let she = patient(&nodes[2].id);
    let word = nodes[2].gate.say(&she, vec![rule], now).unwrap();
    let arrived = nodes[2].network.spread(word, now).await;
    assert!(arrived.iter().all(|(_, arrived)| *arrived));
    let found = format!(
        r#"{{"resourceType":"Observation","id":"gen","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"text":"Carga viral"}},"subject":{{"reference":"Patient/{of}"}}}}"#
    );
    write(&nodes[1], &[("Observation", "gen", &found)]);
    let doctor = common::doctor(&nodes[0].id);
    let clerk = Actor {
        role: Role::Clerk,
        licence: None,
        ..doctor.clone()
    };
    nodes[0].gate.check_in(&clerk, CURP, now).unwrap();
    let gather = || {
        let request = summary(doctor.clone(), Purpose::Treatment);
        nodes[0].network.gather(request, now)
    };
    let (one, two) = (gather().await.unwrap(), gather().await.unwrap());
    (record(&one), record(&two), kept(&nodes))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_that_differ_in_whose_sealed_result_it_is_answer_a_doctor_alike() {
    let (hers, others) = (sealed("p-imss").await, sealed("otro").await);
    let said = format!("{:?}", hers.0);
    assert!(
        said.contains("Asma") && !said.contains("Carga viral"),
        "{said}"
    );
    assert_eq!(hers, others);
}

/// Of age, and not the person.
const ROSA: &str = "ROPA900603MDFDRN01";

/// What somebody who acts for her gets at another institution than where she was named: the answers of all members, and
/// what she reads of it. Where `sealed`, there is a result that the person sealed quietly; else neither is there.
async fn acting(sealed: bool) -> (Vec<Answered>, Vec<ActView>) {
    let nodes = network().await;
    let now = Timestamp::now();
    remember(&nodes[1], "Asma");
    let she = patient(&nodes[2].id);
    let new = NewRepresentative {
        curp: ROSA.into(),
        name: "Rosa".into(),
        tie: Tie::Friend,
        sees: vec![],
        speaks: false,
        until: None,
    };
    let named = nodes[2].gate.name_representative(&she, new, now).unwrap();
    nodes[2].network.spread(named, now).await;
    if sealed {
        let rule = Rule {
            id: "q1".into(),
            quiet: true,
            hint: true,
            what: vec![Category::Laboratory],
            ..Rule::default()
        };
        let word = nodes[2].gate.say(&she, vec![rule], now).unwrap();
        nodes[2].network.spread(word, now).await;
        let found = r#"{"resourceType":"Observation","id":"gen","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"text":"Carga viral"},"subject":{"reference":"Patient/p-imss"}}"#;
        write(&nodes[1], &[("Observation", "gen", found)]);
    }
    let rosa = Actor {
        id: "rosa".into(),
        name: "Rosa".into(),
        curp: Some(ROSA.into()),
        ..patient(&nodes[0].id)
    };
    let for_her = |what| Request {
        what,
        ..summary(rosa.clone(), Purpose::Family)
    };
    let network = &nodes[0].network;
    let parts = network.gather(for_her(What::Summary), now).await.unwrap();
    let log = network.log(for_her(What::Log), now).await.unwrap();
    let bare = |act| ActView {
        id: String::new(),
        at: Timestamp::UNIX_EPOCH,
        // How much happened at a node is public, and says nothing of whom.
        leaf: 0,
        ..act
    };
    let acts = log.into_iter().flat_map(|part| part.acts.unwrap());
    (record(&parts), acts.map(bare).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_with_and_without_a_quiet_seal_answer_who_acts_for_her_alike() {
    let (with, without) = (acting(true).await, acting(false).await);
    let said = format!("{:?}", with.0);
    assert!(
        said.contains("Asma") && !said.contains("Carga viral"),
        "{said}"
    );
    assert_eq!(with, without);
    assert!(with.1.iter().any(|act| act.resources > 0), "{:?}", with.1);
}

/// What a hospital gets when it asks whether she was referred there and she sealed that, or somebody else was referred: the
/// refusal, and what is kept of the exchange. Where it is `open`, she sealed nothing.
async fn referred(of: &str, open: bool) -> (Result<String, trust::Refusal>, Vec<Vec<usize>>) {
    let nodes = network().await;
    let now = Timestamp::now();
    remember(&nodes[1], "Asma");
    remember_another(&nodes[1]);
    let rule = Rule {
        id: "r1".into(),
        what: vec![if open {
            Category::Genetics
        } else {
            Category::Visits
        }],
        ..Rule::default()
    };
    let word = nodes[1]
        .gate
        .say(&patient(&nodes[1].id), vec![rule], now)
        .unwrap();
    nodes[1].network.spread(word, now).await;
    let sent = format!(
        r#"{{"resourceType":"ServiceRequest","id":"s1","status":"active","intent":"order","code":{{"text":"Cardiología"}},"subject":{{"reference":"Patient/{of}"}},"authoredOn":"{now}","performer":[{{"identifier":{{"system":"{}","value":"hospital"}}}}]}}"#,
        mx::systems::MEMBER
    );
    write(&nodes[1], &[("ServiceRequest", "s1", &sent)]);
    let doctor = common::doctor(&nodes[2].id);
    let said = nodes[2].network.referred(&doctor, CURP, now).await;
    (said.map(|evidence| evidence.issuer.0), kept(&nodes))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_that_differ_in_whose_sealed_referral_it_is_answer_where_it_goes_alike() {
    let (hers, others) = (
        referred("p-imss", false).await,
        referred("otro", false).await,
    );
    assert!(hers.0.is_err());
    assert_eq!(hers, others);
    assert_eq!(referred("p-imss", true).await.0, Ok("imss".to_owned()));
}
