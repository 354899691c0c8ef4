//! The log: what is listed for whom, receipts, opinions, the public files.

use super::*;
use crate::Opinion;

/// A node where a doctor of the house has read the person's record, and the name of that act.
fn read_once() -> (Node, String) {
    let node = node_with_her("imss");
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap();
    let held = node
        .store()
        .read(&grant.permit, of("Observation"), "o1")
        .unwrap();
    let (_, act) = node.open_answer(&grant, held, noon()).unwrap();
    (node, act)
}

fn her_log(node: &Node) -> Grant {
    node.decide(her_own(herself("imss"), What::Log), noon())
        .unwrap()
}

#[test]
fn she_reads_who_looked_what_was_loaded_and_why_newest_first() {
    let (node, act) = read_once();
    let acts = node.acts(&her_log(&node), None, 50, noon()).unwrap();
    let kinds: Vec<ActKind> = acts.iter().map(|act| act.kind).collect();
    use crate::ActKind::{Evidence, Import, Read};
    assert_eq!(kinds, [Read, Evidence, Import, Import, Import, Import]);
    let read = &acts[0];
    assert_eq!((read.id.as_str(), read.resources), (act.as_str(), 1));
    assert_eq!(node.categories_of(read.categories), [Category::Laboratory]);
    assert_eq!(read.evidence, Some(crate::EvidenceKind::CheckIn));
    // Page by page it is the same list.
    let log = her_log(&node);
    let first = node.acts(&log, None, 3, noon()).unwrap();
    let rest = node
        .acts(&log, first.last().map(|act| act.leaf), 50, noon())
        .unwrap();
    assert!(
        rest.iter()
            .map(|act| act.kind)
            .eq([Import, Import, Import, Import]),
        "{rest:?}"
    );
}

#[test]
fn her_own_readings_of_the_log_are_folded() {
    let (node, _) = read_once();
    for _ in 0..5 {
        node.acts(&her_log(&node), None, 50, noon()).unwrap();
    }
    let acts = node.acts(&her_log(&node), None, 50, noon()).unwrap();
    assert_eq!(
        (acts[0].kind, acts[0].resources, acts[1].kind),
        (ActKind::Log, 5, ActKind::Read)
    );
}

#[test]
fn a_receipt_is_checked_offline_and_opens_only_to_her() {
    let (node, act) = read_once();
    let text = node.receipt(&her_log(&node), &act, noon()).unwrap();
    let known = [key("imss", 1).verifier().clone()];
    let verified = ledger::receipt::verify(&text, &known).unwrap();
    let shown = crate::Act::from_body(&verified.act.unwrap()).unwrap();
    assert_eq!(shown.name(), act);
    let other = Actor {
        curp: Some(OTHER.into()),
        ..herself("imss")
    };
    let request = Request {
        person: PersonRef::Curp(OTHER.into()),
        ..her_own(other, What::Log)
    };
    let grant = node.decide(request, noon()).unwrap();
    assert_eq!(
        node.receipt(&grant, &act, noon()).unwrap_err().kind,
        RefusalKind::Bad
    );
    assert_eq!(
        node.receipt(&grant, "zz", noon()).unwrap_err().kind,
        RefusalKind::Bad
    );
}

#[test]
fn a_grant_for_something_else_opens_no_log() {
    let (node, act) = read_once();
    let own = node
        .decide(her_own(herself("imss"), What::Summary), noon())
        .unwrap();
    assert!(node.acts(&own, None, 10, noon()).is_err());
    assert!(node.receipt(&own, &act, noon()).is_err());
    assert!(node.opine(&own, &act, Opinion::Right, noon()).is_err());
    assert!(
        node.decide(
            Request {
                what: What::Log,
                ..treat(actor("imss", Role::Physician))
            },
            noon()
        )
        .is_err()
    );
}

#[test]
fn not_right_twice_is_one_case() {
    let (node, act) = read_once();
    let say = |opinion| node.opine(&her_log(&node), &act, opinion, noon()).unwrap();
    let opinions = || {
        node.all_acts()
            .iter()
            .filter(|a| a.kind == ActKind::Opinion)
            .count()
    };
    say(Opinion::NotRight);
    say(Opinion::NotRight);
    assert_eq!(opinions(), 1);
    say(Opinion::Right);
    say(Opinion::NotRight);
    assert_eq!(opinions(), 3);
    let acts = node.acts(&her_log(&node), None, 50, noon()).unwrap();
    let read = acts.iter().find(|a| a.id == act).unwrap();
    assert_eq!(read.opinion, Some(Opinion::NotRight));
    let house = &node.house;
    assert_eq!(
        house.store.scan(&house.seal, b"n", None, 10).unwrap().len(),
        1
    );
}

#[test]
fn the_public_log_holds_every_act_and_says_nothing() {
    let (node, _) = read_once();
    let checkpoint = String::from_utf8(node.log_file("checkpoint").unwrap()).unwrap();
    let size: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(size, node.all_acts().len() as u64);
    assert!(
        node.log_file(&format!("tile/entries/000.p/{size}"))
            .is_some()
    );
    assert_eq!(node.log_file("tile/../secret"), None);
}

#[test]
fn an_act_under_a_grant_of_many_people_is_in_the_log_of_each_and_names_no_resource() {
    let node = node_with_her("imss");
    node.load(&patient("him", OTHER));
    let grant = node.decide(import(&node), noon()).unwrap();
    let vital = |id: &str, whose: &str| Change::Update {
        of: of("Observation"),
        id: id.into(),
        resource: parse(&format!(
            "{{\"resourceType\":\"Observation\",\"status\":\"final\",\"subject\":{{\"reference\":\"Patient/{whose}\"}}}}"
        )),
        if_match: None,
    };
    node.write(&grant, vec![vital("v1", "her"), vital("v2", "him")], noon())
        .unwrap();
    let acts = node.acts(&her_log(&node), None, 1, noon()).unwrap();
    assert_eq!((acts[0].kind, acts[0].resources), (ActKind::Import, 2));
    assert_eq!(node.all_acts()[1].seen, []);
}

#[test]
fn a_newer_pact_is_adopted_if_it_follows_and_stays_in_force() {
    let Node { gate, dir } = node("imss");
    let first = a_pact(1, String::new());
    let second = Pact {
        deadline_ms: 900,
        ..a_pact(2, first.hash())
    };
    let skips = a_pact(3, first.hash());
    assert_eq!(
        gate.adopt(&signed(&skips), noon()).unwrap_err().kind,
        RefusalKind::Forged
    );
    let alone = pact::sign(&second, &key("imss", 1)).unwrap();
    assert_eq!(
        gate.adopt(&alone, noon()).unwrap_err().kind,
        RefusalKind::Forged
    );
    gate.adopt(&signed(&second), noon()).unwrap();
    gate.adopt(&signed(&second), noon()).unwrap();
    assert_eq!((gate.pact().version, gate.pact().deadline_ms), (2, 900));
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    assert_eq!(gate.pact().version, 2);
}

#[test]
fn a_gate_opens_only_with_its_members_own_key() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = Config {
        key: [9; 32],
        ..config("imss")
    };
    assert_eq!(
        Gate::open(dir.path(), wrong).unwrap_err().kind,
        RefusalKind::Bad
    );
    let stranger = Config {
        member: id("nadie"),
        ..config("imss")
    };
    assert_eq!(
        Gate::open(dir.path(), stranger).unwrap_err().kind,
        RefusalKind::Bad
    );
}

#[test]
fn messages_are_signed_and_verified_by_members() {
    let (imss, farmacia) = (node("imss"), node("farmacia"));
    let signature = imss.sign(b"ask");
    assert!(farmacia.verify(&id("imss"), b"ask", &signature));
    assert!(!farmacia.verify(&id("imss"), b"asked", &signature));
    assert!(!farmacia.verify(&id("farmacia"), b"ask", &signature));
    assert!(!farmacia.verify(&id("nadie"), b"ask", &signature));
    assert!(!farmacia.verify(&id("imss"), b"ask", b"short"));
}

#[test]
fn rooms_keep_their_rows_apart() {
    let node = node("imss");
    node.keep_row("outbox", b"1", Some(b"one"), noon()).unwrap();
    node.keep_row("outbox", b"2", Some(b"two"), noon()).unwrap();
    node.keep_row("out", b"box1", Some(b"other"), noon())
        .unwrap();
    node.keep_row("outbox", b"1", None, noon()).unwrap();
    assert_eq!(
        node.rows("outbox", 10).unwrap(),
        [(b"2".to_vec(), b"two".to_vec())]
    );
    assert_eq!(node.rows("Out", 10).unwrap_err().kind, RefusalKind::Bad);
}
