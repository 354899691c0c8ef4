//! An emergency across members: declared at one, opened at another, its verdict heard there.

#![allow(clippy::unwrap_used, missing_docs)] // A test says what it expects.

mod common;

use common::*;
use exchange::Outcome;
use jiff::{SignedDuration, Timestamp};
use trust::glass::{self, Reason};
use trust::{ActKind, Actor, Purpose, RefusalKind, Role, Rule, What, Who};

fn now() -> Timestamp {
    Timestamp::now()
}

const WHY: (Reason, &str) = (Reason::CannotSpeak, "Llegó inconsciente en ambulancia.");

/// The types that each member showed.
fn shown(parts: &[exchange::Part]) -> Vec<Vec<String>> {
    let types = |part: &exchange::Part| match &part.outcome {
        Outcome::Answered(answer) => answer
            .resources
            .iter()
            .filter_map(|resource| resource.text("resourceType").map(str::to_owned))
            .collect(),
        other => vec![format!("{other:?}")],
    };
    parts.iter().map(types).collect()
}

fn privacy(node: &Node) -> Actor {
    let account = trust::NewAccount {
        login: "rosa".into(),
        secret: "una clave larga".into(),
        name: "Rosa".into(),
        role: Role::Privacy,
        licence: None,
        curp: None,
        unit: Some("privacidad".into()),
    };
    node.gate.account(account, now()).unwrap();
    node.gate.token("rosa", 1, now()).unwrap().actor
}

async fn gathered(node: &Node, by: &Actor, purpose: Purpose) -> Vec<Vec<String>> {
    let parts = node.network.gather(summary(by.clone(), purpose), now());
    shown(&parts.await.unwrap())
}

#[tokio::test]
async fn an_emergency_opens_what_could_save_a_life_at_every_member_and_its_verdict_arrives() {
    let nodes = network().await;
    remember(&nodes[2], "Depresión");
    let allergy = r#"{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p-hospital"},"code":{"text":"Penicilina"}}"#;
    write(&nodes[2], &[("AllergyIntolerance", "a", allergy)]);
    // She closed everything to everyone, and did not insist.
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![],
        purpose: None,
        until: None,
        hint: false,
        ..Rule::default()
    };
    let word = nodes[2]
        .gate
        .say(&patient(&nodes[2].id), vec![rule], now())
        .unwrap();
    nodes[2].network.spread(word, now()).await;
    let ana = doctor(&nodes[0].id);
    // Without a declaration nobody is asked.
    let asked = summary(ana.clone(), Purpose::Emergency);
    let refused = nodes[0].network.gather(asked, now()).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NoEvidence);
    let one = nodes[0].gate.declare(&ana, CURP, WHY, now()).unwrap();
    let seen = gathered(&nodes[0], &ana, Purpose::Emergency).await;
    assert_eq!(seen[2], ["Patient", "AllergyIntolerance"]);
    assert!(seen[1].is_empty() && seen[3].is_empty());

    // A check-in afterwards: for care the seal holds, and no evidence of the emergency is sent along.
    nodes[0].gate.check_in(&ana, CURP, now()).unwrap();
    let seen = gathered(&nodes[0], &ana, Purpose::Treatment).await;
    assert_eq!(seen[2], ["Patient", "AllergyIntolerance"]);

    // The verdict, when it has run out.
    let rosa = privacy(&nodes[0]);
    let later = now().checked_add(SignedDuration::from_hours(5)).unwrap();
    let fine = (false, "No estaba en urgencias a esa hora.");
    nodes[0].gate.review(&rosa, &one.id, fine, later).unwrap();
    nodes[0].network.carry_verdicts().await;
    assert_eq!(nodes[0].gate.rows(glass::OUTBOX, 10).unwrap(), []);
    let own = trust::Request {
        what: What::Log,
        ..summary(patient(&nodes[2].id), Purpose::OwnRequest)
    };
    let parts = nodes[2].network.log(own, now()).await.unwrap();
    let acts = |place: usize, kind: ActKind| {
        let part = parts
            .iter()
            .find(|part| part.member == nodes[place].id)
            .unwrap();
        let acts = part.acts.as_ref().unwrap().iter();
        let of_kind = acts.filter(|act| act.kind == kind);
        of_kind
            .map(|act| act.sentence(trust::Lang::Es, &|m| m.0.clone()))
            .collect::<Vec<_>>()
    };
    let there = acts(2, ActKind::Review);
    assert_eq!(there.len(), 1, "{there:?}");
    assert!(
        there[0].starts_with("Alguien en farmacia revisó una emergencia"),
        "{there:?}"
    );
    assert!(
        there[0].ends_with("no hubo motivo."),
        "the words stay at home: {there:?}"
    );
    let home = acts(0, ActKind::Review);
    assert!(home[0].contains("No estaba en urgencias"), "{home:?}");
    assert_eq!(acts(0, ActKind::Emergency).len(), 1);
}

#[tokio::test]
async fn a_member_cannot_speak_a_verdict_for_another_nor_take_a_step_there() {
    let nodes = network().await;
    remember(&nodes[2], "Depresión");
    let ana = doctor(&nodes[0].id);
    let one = nodes[0].gate.declare(&ana, CURP, WHY, now()).unwrap();
    gathered(&nodes[0], &ana, Purpose::Emergency).await;
    let news = trust::News {
        id: one.id,
        person: one.person,
        justified: true,
    };
    assert!(
        !nodes[2]
            .gate
            .hear_verdict(&nodes[1].id, &news, now())
            .unwrap()
    );
    assert!(
        nodes[2]
            .gate
            .hear_verdict(&nodes[0].id, &news, now())
            .unwrap()
    );
    // An emergency is declared where one works, at nobody else's gate.
    let there = nodes[2].gate.declare(&ana, CURP, WHY, now()).unwrap_err();
    assert_eq!(there.kind, RefusalKind::Forged);
}
