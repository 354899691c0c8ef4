//! What the state orders: who opens what under it, and that the person's log tells nothing of it before its day.

use super::*;
use crate::order::{Paper, Stage};
use crate::{ActView, Category, EvidenceKind, Rule, Who};

const DAYS: u64 = 30;

fn day(day: u8, time: &str) -> Timestamp {
    format!("2026-11-{day}T{time}:00Z").parse().unwrap()
}

/// The day on which she is told.
fn told() -> Timestamp {
    "2026-12-22T12:00:00Z".parse().unwrap()
}

fn paper(what: &[Category]) -> Paper {
    Paper {
        number: "312/2026".into(),
        authority: "Juzgado Tercero de Distrito".into(),
        digest: "ab".repeat(32),
        what: what.to_vec(),
    }
}

fn officer(login: &str) -> Actor {
    Actor {
        id: login.into(),
        name: format!("Lic. {login}"),
        ..actor("imss", Role::Privacy)
    }
}

/// Brought by one, released by another.
fn released(node: &Node, curp: &str, what: &[Category]) -> String {
    let brought = (paper(what), DAYS);
    let order = node
        .propose_order(&officer("rosa"), curp, brought, noon())
        .unwrap();
    node.release_order(&officer("luz"), &order.id, at("12:10"))
        .unwrap();
    order.id
}

fn read(node: &Node, by: &str, id: &str, now: Timestamp) -> Result<Vec<String>, RefusalKind> {
    let read = node.read_order(&officer(by), id, now);
    let (_, page) = read.map_err(|refusal| refusal.kind)?;
    let mut ids: Vec<String> = page.matches.into_iter().map(|version| version.id).collect();
    ids.sort();
    Ok(ids)
}

fn log_of(node: &Node, curp: &str, now: Timestamp) -> Vec<ActView> {
    let she = Actor {
        curp: Some(curp.into()),
        ..actor("imss", Role::Patient)
    };
    let asked = Request {
        person: PersonRef::Curp(curp.into()),
        ..her_own(she, What::Log)
    };
    let grant = node.decide(asked, now).unwrap();
    node.acts(&grant, None, 100, now).unwrap()
}

#[test]
fn two_officers_open_what_the_order_names_and_nothing_else() {
    let node = node_with_her("imss");
    node.load(r#"{"resourceType":"Condition","id":"v1","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B20"}]},"subject":{"reference":"Patient/her"}}"#);
    let id = released(&node, SHE, &[Category::Diagnoses]);
    // A condition; not the one that tells of a topic which the order does not name.
    assert_eq!(
        read(&node, "rosa", &id, at("12:11")).unwrap(),
        ["c1", "her"]
    );
    assert_eq!(read(&node, "luz", &id, at("12:12")).unwrap(), ["c1", "her"]);
    let wider = released(&node, SHE, &[Category::Diagnoses, Category::Hiv]);
    assert_eq!(
        read(&node, "luz", &wider, at("12:12")).unwrap(),
        ["c1", "her", "v1"]
    );
    // One order opens nothing of what another names.
    assert_eq!(read(&node, "luz", &id, at("12:13")).unwrap(), ["c1", "her"]);
    // After its hours nothing.
    let over = day(24, "12:10");
    assert_eq!(read(&node, "rosa", &id, over), Err(RefusalKind::NoEvidence));
    // Her rules do not close what an order names, and an order closes nothing of them.
    let all = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![],
        purpose: None,
        until: None,
        hint: false,
        insist: true,
        ..Rule::default()
    };
    node.say(&herself("imss"), vec![all], at("12:14")).unwrap();
    assert_eq!(
        read(&node, "rosa", &id, at("12:15")).unwrap(),
        ["c1", "her"]
    );
}

#[test]
fn no_officer_alone_none_twice_and_nobody_else() {
    let node = node_with_her("imss");
    let kind =
        |refused: Result<crate::order::Order, Refusal>| refused.map(drop).map_err(|r| r.kind);
    let brought = || (paper(&[Category::Visits]), DAYS);
    for role in [
        Role::Physician,
        Role::Clerk,
        Role::Operator,
        Role::System,
        Role::Patient,
    ] {
        let by = actor("imss", role);
        let refused = node.propose_order(&by, SHE, brought(), noon());
        assert_eq!(kind(refused), Err(RefusalKind::Pact), "{role:?}");
    }
    let stranger = actor("farmacia", Role::Privacy);
    let refused = node.propose_order(&stranger, SHE, brought(), noon());
    assert_eq!(kind(refused), Err(RefusalKind::Forged));
    let order = node
        .propose_order(&officer("rosa"), SHE, brought(), noon())
        .unwrap();
    // Not released: it opens nothing.
    assert_eq!(
        read(&node, "rosa", &order.id, noon()),
        Err(RefusalKind::NoEvidence)
    );
    let twice = node.release_order(&officer("rosa"), &order.id, noon());
    assert_eq!(kind(twice), Err(RefusalKind::Bad));
    let clerk = node.release_order(&actor("imss", Role::Clerk), &order.id, noon());
    assert_eq!(kind(clerk), Err(RefusalKind::Pact));
    let order = node
        .release_order(&officer("luz"), &order.id, noon())
        .unwrap();
    assert_eq!(order.stage(noon()), Stage::Released);
    // A third officer is not of it.
    assert_eq!(
        read(&node, "eva", &order.id, noon()),
        Err(RefusalKind::NoEvidence)
    );
    assert_eq!(
        kind(node.release_order(&officer("eva"), &order.id, noon())),
        Err(RefusalKind::Bad)
    );
}

#[test]
fn without_an_order_the_purpose_opens_nothing_and_she_reads_the_try_at_once() {
    let node = node_with_her("imss");
    let id = released(&node, SHE, &[Category::Diagnoses]);
    let plain = Request {
        purpose: Purpose::State,
        ..treat(officer("rosa"))
    };
    assert_eq!(refused(&node, plain).kind, RefusalKind::Forged);
    // An order that is not here, and one about somebody else.
    let (_, page) = node.read_order(&officer("rosa"), &id, at("12:11")).unwrap();
    assert_eq!(page.matches.len(), 2);
    let named = |id: &str, curp: &str| {
        let step = crate::order::OrderStep {
            id: id.into(),
            done: crate::order::Done::Read,
            number: "1".into(),
            authority: "Nadie".into(),
            digest: String::new(),
        };
        Request {
            purpose: Purpose::State,
            person: PersonRef::Tag(node.tag(curp)),
            what: What::Order(step),
            ..treat(officer("rosa"))
        }
    };
    let invented = named("00000000000000000000000000000000", SHE);
    assert_eq!(refused(&node, invented).kind, RefusalKind::NoEvidence);
    assert_eq!(
        refused(&node, named(&id, OTHER)).kind,
        RefusalKind::NoEvidence
    );
    let tries = |curp: &str| {
        let log = log_of(&node, curp, at("13:00"));
        log.iter().filter(|act| act.kind == ActKind::Denied).count()
    };
    assert_eq!((tries(SHE), tries(OTHER)), (2, 1));
    // Evidence that another member signs for its own officer opens nothing here either.
    let evidence = Evidence {
        id: id.clone(),
        kind: EvidenceKind::Order,
        person: node.tag_of_her(),
        institution: crate::MemberId("farmacia".into()),
        actor: None,
        acting: None,
        from: noon(),
        until: at("14:00"),
        issuer: crate::MemberId("farmacia".into()),
        by: None,
        signature: String::new(),
    };
    let elsewhere = Request {
        actor: Actor {
            id: "rosa".into(),
            ..actor("farmacia", Role::Privacy)
        },
        via: Some(crate::MemberId("farmacia".into())),
        evidence: vec![evidence.sign(&key("farmacia", 2))],
        ..named(&id, SHE)
    };
    assert_eq!(refused(&node, elsewhere).kind, RefusalKind::Pact);
}

/// All that her log gives, without the names that are drawn at random.
fn bare(node: &Node, now: Timestamp) -> Vec<(ActView, String, String)> {
    let grant = node
        .decide(her_own(herself("imss"), What::Log), now)
        .unwrap();
    let acts = node.acts(&grant, None, 100, now).unwrap();
    acts.into_iter()
        .map(|act| {
            let receipt = node.receipt(&grant, &act.id, now).unwrap();
            let sentence = act.sentence(Lang::Es, &|m| m.0.clone());
            let lines = receipt.lines().filter(|line| line.starts_with("index"));
            let place = lines.collect::<String>() + &receipt.len().to_string();
            let act = ActView {
                id: String::new(),
                ..act
            };
            (act, sentence, place)
        })
        .collect()
}

/// Two worlds in which the same is done, of her in one and of somebody else in the other: until the day her log is the
/// same, place for place, proof for proof.
#[test]
fn before_its_day_her_log_is_as_if_it_were_about_somebody_else() {
    let world = |curp: &str| {
        let node = node_with_her("imss");
        node.load(&patient("other", OTHER));
        node.check_in(&actor("imss", Role::Clerk), SHE, noon())
            .unwrap();
        let id = released(&node, curp, &[Category::Diagnoses]);
        read(&node, "rosa", &id, at("12:20")).unwrap();
        // Refused tries under it are not told either.
        read(&node, "eva", &id, at("12:21")).unwrap_err();
        node.release_order(&actor("imss", Role::Clerk), &id, at("12:22"))
            .unwrap_err();
        // Nor that an operator had one of its acts explained.
        let of_it = node
            .all_acts()
            .into_iter()
            .find(|act| matches!(act.what, What::Order(_)));
        let operator = actor("imss", Role::Operator);
        node.explain(&operator, &of_it.unwrap().name(), at("12:23"))
            .unwrap();
        let doctor = node
            .decide(treat(actor("imss", Role::Physician)), at("12:30"))
            .unwrap();
        node.sees(&doctor);
        node
    };
    let (hers, others) = (world(SHE), world(OTHER));
    for now in [at("13:00"), day(29, "12:00")] {
        let (one, other) = (bare(&hers, now), bare(&others, now));
        assert_eq!(one.len(), other.len());
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other);
        }
        assert!(
            one.iter()
                .all(|(act, ..)| !matches!(act.what, What::Order(_)))
        );
    }
    // No name of an act that is not told yet opens a proof or takes an opinion.
    let grant = hers
        .decide(her_own(herself("imss"), What::Log), at("13:30"))
        .unwrap();
    let late: Vec<crate::Act> = hers
        .all_acts()
        .into_iter()
        .filter(|act| act.told.is_some())
        .collect();
    assert_eq!(late.len(), 6);
    for act in &late {
        let none = hers.receipt(&grant, &act.name(), at("13:30")).unwrap_err();
        let wrong = hers
            .receipt(&grant, &"0".repeat(32), at("13:30"))
            .unwrap_err();
        assert_eq!(none, wrong);
        let opinion = crate::Opinion::NotRight;
        assert!(
            hers.opine(&grant, &act.name(), opinion, at("13:30"))
                .is_err()
        );
    }
    // From its day on all of it is there, each act in its place, with its proof.
    let grant = hers
        .decide(her_own(herself("imss"), What::Log), told())
        .unwrap();
    let acts = hers.acts(&grant, None, 100, told()).unwrap();
    assert!(acts.is_sorted_by_key(|act| std::cmp::Reverse(act.leaf)));
    for act in &late {
        assert!(acts.iter().any(|shown| shown.id == act.name()), "{act:?}");
        assert!(hers.receipt(&grant, &act.name(), told()).is_ok());
    }
    let sentences: Vec<String> = acts
        .iter()
        .filter(|act| matches!(act.what, What::Order(_)))
        .map(|act| act.sentence(Lang::Es, &|m| m.0.clone()))
        .collect();
    assert!(
        sentences.contains(&"Lic. rosa, de privacidad de imss, leyó tus diagnósticos a las 6:20 por la orden 312/2026 de Juzgado Tercero de Distrito.".to_owned()),
        "{sentences:#?}"
    );
}

#[test]
fn late_acts_take_nobodys_place_on_a_page() {
    let node = node_with_her("imss");
    let at_once = (paper(&[Category::Visits]), 0);
    node.propose_order(&officer("rosa"), SHE, at_once, noon())
        .unwrap();
    for _ in 0..5 {
        let brought = (paper(&[Category::Visits]), DAYS);
        node.propose_order(&officer("rosa"), SHE, brought, at("12:01"))
            .unwrap();
    }
    let grant = node
        .decide(her_own(herself("imss"), What::Log), at("13:00"))
        .unwrap();
    let all = node.acts(&grant, None, 100, at("13:00")).unwrap();
    // An order that asks for no delay is told at once.
    let orders = |acts: &[ActView]| acts.iter().filter(|act| act.kind == ActKind::Order).count();
    assert_eq!(orders(&all), 1);
    let top = Some(all[0].leaf + 1);
    for limit in 1..=all.len() {
        let page = node.acts(&grant, top, limit, at("13:00")).unwrap();
        assert_eq!(page, all[..limit]);
    }
    let day = "2026-12-22T12:01:00Z".parse().unwrap();
    let grant = node
        .decide(her_own(herself("imss"), What::Log), day)
        .unwrap();
    assert_eq!(orders(&node.acts(&grant, None, 100, day).unwrap()), 6);
}

#[test]
fn decisions_under_an_order_come_out_again_and_its_delay_is_within_the_pact() {
    let node = node_with_her("imss");
    let id = released(&node, SHE, &[Category::Diagnoses]);
    read(&node, "rosa", &id, at("12:11")).unwrap();
    read(&node, "eva", &id, at("12:12")).unwrap_err();
    let operator = actor("imss", Role::Operator);
    let mut again = 0;
    for act in node
        .all_acts()
        .into_iter()
        .filter(|act| act.purpose == Purpose::State)
    {
        if act.grounds.question.is_none() {
            continue;
        }
        let explained = node.explain(&operator, &act.name(), at("13:00")).unwrap();
        assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        again += 1;
    }
    assert_eq!(again, 4);
    let too_late = (paper(&[Category::Visits]), 91);
    let refused = node
        .propose_order(&officer("rosa"), SHE, too_late, noon())
        .unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Bad);
    let next = Pact {
        orders: None,
        ..a_pact(2, node.pact().hash())
    };
    node.adopt(&signed(&next), at("12:13")).unwrap();
    assert_eq!(
        read(&node, "rosa", &id, at("12:14")),
        Err(RefusalKind::NoEvidence)
    );
    let brought = (paper(&[Category::Visits]), 0);
    let refused = node
        .propose_order(&officer("rosa"), SHE, brought, at("12:14"))
        .unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Pact);
}
