//! A decision of years ago comes out again from what its act says.

use super::*;
use crate::{Category, Explained, Gap, Rule, Who};

fn operator() -> Actor {
    actor("imss", Role::Operator)
}

/// The newest act of a kind, explained.
fn newest(node: &Node, kind: ActKind) -> Explained {
    let acts = node.all_acts();
    let act = acts.iter().find(|act| act.kind == kind).unwrap();
    node.explain(&operator(), &act.name(), noon()).unwrap()
}

#[track_caller]
fn holds(explained: &Explained) {
    assert_eq!(explained.holds(), Some(true), "{explained:#?}");
}

fn closing(id: &str, category: Category, until: &str) -> Rule {
    Rule {
        id: id.into(),
        allow: false,
        who: Who::Everyone,
        what: vec![category],
        purpose: None,
        until: Some(at(until)),
        hint: false,
        ..Rule::default()
    }
}

fn check_in(node: &Node) -> Evidence {
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap()
}

fn read(node: &Node, request: Request, now: Timestamp) {
    let grant = node.decide(request, now).unwrap();
    let held = node
        .store()
        .read(&grant.permit, of("Condition"), "c1")
        .unwrap();
    node.open_answer(&grant, held, now).unwrap();
}

/// A next pact after ours, under other policies, in force.
fn adopt(node: &Node, policies: &str) {
    let ours = node.pact();
    let next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        policies: policies.into(),
        ..(*ours).clone()
    };
    node.adopt(&signed(&next), noon()).unwrap();
}

#[test]
fn a_read_comes_out_again_under_the_pact_and_the_word_of_then() {
    let node = node_with_her("imss");
    let evidence = check_in(&node);
    let rules = vec![closing("r1", Category::Laboratory, "18:00")];
    node.say(&herself("imss"), rules, noon()).unwrap();
    read(&node, treat(actor("imss", Role::Physician)), at("12:30"));
    // Then everything changes: what she says, what the pact says, and the day.
    node.say(&herself("imss"), vec![], at("12:40")).unwrap();
    adopt(
        &node,
        "@id(\"nobody\") forbid (principal, action, resource);\n",
    );

    let explained = newest(&node, ActKind::Read);
    holds(&explained);
    assert_eq!(
        (explained.pact, explained.words.as_slice()),
        (1, [1].as_slice())
    );
    assert_eq!(
        explained.evidence,
        [(evidence.id, Some(crate::EvidenceKind::CheckIn))]
    );
    assert_eq!(
        (explained.asked, explained.licence),
        (vec!["read"], "active")
    );
    assert_eq!(explained.then.rules, ["r1"]);
    assert_eq!(explained.then.left_out(), [Category::Laboratory]);
    assert_eq!(explained.then.policies, ["care-reads", "care-sees-all"]);
}

#[test]
fn a_rule_that_ran_out_between_decision_and_act_counts_as_at_the_decision() {
    let node = node_with_her("imss");
    check_in(&node);
    let rules = vec![closing("r1", Category::Laboratory, "12:31")];
    node.say(&herself("imss"), rules, noon()).unwrap();
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), at("12:30"))
        .unwrap();
    let held = node
        .store()
        .read(&grant.permit, of("Condition"), "c1")
        .unwrap();
    node.open_answer(&grant, held, at("12:32")).unwrap();
    let explained = newest(&node, ActKind::Read);
    holds(&explained);
    assert_eq!(explained.then.rules, ["r1"]);
}

#[test]
fn every_kind_of_decision_comes_out_again() {
    let node = node_with_her("imss");
    let doctor = || actor("imss", Role::Physician);
    let denied = |request: Request, code: &str| {
        node.decide(request, noon()).unwrap_err();
        let explained = newest(&node, ActKind::Denied);
        holds(&explained);
        assert_eq!(explained.then.refused[0], code);
    };
    denied(treat(doctor()), "no-evidence");
    denied(treat(actor("imss", Role::Clerk)), "pact");
    let suspended = Actor {
        licence: Some(licence(LicenceState::Suspended)),
        ..doctor()
    };
    denied(treat(suspended.clone()), "licence");
    node.check_in(&suspended, SHE, noon()).unwrap_err();
    holds(&newest(&node, ActKind::Denied));

    check_in(&node);
    let desk = newest(&node, ActKind::Evidence);
    holds(&desk);
    assert_eq!(desk.asked, ["receive"]);

    read(&node, her_own(herself("imss"), What::Summary), noon());
    holds(&newest(&node, ActKind::Read));
    let everyone = Request {
        person: PersonRef::Everyone,
        purpose: Purpose::Operations,
        ..treat(actor("imss", Role::System))
    };
    read(&node, everyone, noon());
    holds(&newest(&node, ActKind::Read));
    holds(&newest(&node, ActKind::Import));

    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    node.acts(&log, None, 10, noon()).unwrap();
    let hers = node
        .all_acts()
        .into_iter()
        .find(|act| act.kind == ActKind::Log && act.who.role == Role::Patient);
    let explained = node
        .explain(&operator(), &hers.unwrap().name(), noon())
        .unwrap();
    holds(&explained);
    assert_eq!(explained.asked, ["log"]);
}

#[test]
fn another_members_patient_comes_out_again_as_herself() {
    let home = node("farmacia");
    let node = node_with_her("imss");
    let she = Actor {
        curp: None,
        ..herself("farmacia")
    };
    let request = Request {
        evidence: home.evidence(&herself("farmacia"), home.tag_of_her(), noon()),
        via: Some(id("farmacia")),
        ..her_own(she, What::Summary)
    };
    read(&node, request, noon());
    let explained = newest(&node, ActKind::Read);
    holds(&explained);
    assert_eq!(
        explained.then.policies,
        ["own-record", "own-record-sees-all"]
    );
}

#[test]
fn of_two_words_of_one_version_the_one_that_bound_is_found() {
    let node = node_with_her("imss");
    check_in(&node);
    let elsewhere = |member: &str, rules: Vec<Rule>| {
        let (_, seed, _) = MEMBERS.iter().find(|(id, ..)| *id == member).unwrap();
        let word = crate::Word {
            person: node.tag_of_her(),
            version: 1,
            rules,
            wishes: Vec::new(),
            represented_by: Vec::new(),
            born: None,
            said: noon(),
            author: id(member),
        };
        crate::SignedWord::sign(word, &key(member, *seed))
    };
    // Two words of version 1 said at two members; the one with the smaller digest wins when both are known.
    let mut words = [
        elsewhere("farmacia", vec![closing("a", Category::Medicines, "23:00")]),
        elsewhere(
            "sanatorio",
            vec![closing("b", Category::Diagnoses, "23:00")],
        ),
    ];
    words.sort_by_key(|word| std::cmp::Reverse(ledger::sha256(&word.word.canonical())));
    let mut then = Vec::new();
    for word in &words {
        assert!(node.hear(word, &word.word.author, noon()).unwrap());
        let grant = node
            .decide(treat(actor("imss", Role::Physician)), noon())
            .unwrap();
        then.push((node.note(&grant, noon()).unwrap(), grant.grounds.rules));
    }
    for (act, rules) in then {
        let explained = node.explain(&operator(), &act, noon()).unwrap();
        holds(&explained);
        assert_eq!(explained.then.rules, rules);
    }
}

#[test]
fn what_is_missing_for_a_replay_is_named_and_nothing_is_guessed() {
    let node = node_with_her("imss");
    let evidence = check_in(&node);
    node.say(
        &herself("imss"),
        vec![closing("r1", Category::Hiv, "18:00")],
        noon(),
    )
    .unwrap();
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap();
    let act = node.note(&grant, noon()).unwrap();
    let explain = || node.explain(&operator(), &act, noon()).unwrap().again;
    let house = &node.house;
    let without = |key: Vec<u8>| {
        let row = house.store.get(&house.seal, &key).unwrap();
        assert!(row.is_some());
        node.keep_rows(vec![(key.clone(), None)], vec![], None, noon())
            .unwrap();
        let again = explain();
        node.keep_rows(vec![(key, row)], vec![], None, noon())
            .unwrap();
        again
    };
    assert!(explain().is_ok());
    let piece = rows::evidence(evidence.person, evidence.until, &evidence.id);
    assert_eq!(
        without(piece.clone()),
        Err(Gap::Evidence(evidence.id.clone()))
    );
    assert_eq!(without(rows::pact_at(1)), Err(Gap::Pact(1)));
    let word = rows::word_at(&grant.grounds.question.as_ref().unwrap().words[0]);
    assert_eq!(without(word), Err(Gap::Word(1)));

    // Somebody lengthened it in the archive.
    let longer = Evidence {
        from: at("06:00"),
        ..evidence.clone()
    };
    let row = Some(serde_json::to_vec(&longer).unwrap());
    node.keep_rows(vec![(piece, row)], vec![], None, noon())
        .unwrap();
    assert_eq!(explain(), Err(Gap::Unsound(evidence.id)));

    let word = newest(&node, ActKind::Word);
    assert_eq!((word.again, word.asked.len()), (Err(Gap::NotAsked), 0));
}

#[test]
fn a_decision_that_comes_out_otherwise_is_seen() {
    let node = node_with_her("imss");
    check_in(&node);
    read(&node, treat(actor("imss", Role::Physician)), noon());
    // The archived text of version 1 is exchanged for another that all have signed.
    let other = Pact {
        policies: crate::policy::DEFAULT.replace("care-reads", "care-looks"),
        ..a_pact(1, String::new())
    };
    let row = Some(signed(&other).into_bytes());
    node.keep_rows(vec![(rows::pact_at(1), row)], vec![], None, noon())
        .unwrap();
    let explained = newest(&node, ActKind::Read);
    assert_eq!(explained.holds(), Some(false));
    assert_eq!(explained.again.unwrap().policies[0], "care-looks");
}

#[test]
fn only_an_operator_of_the_house_explains_and_the_person_reads_that_she_did() {
    let node = node_with_her("imss");
    check_in(&node);
    read(&node, treat(actor("imss", Role::Physician)), noon());
    let act = node.all_acts()[0].name();
    for other in [
        actor("imss", Role::Physician),
        actor("farmacia", Role::Operator),
    ] {
        assert_eq!(
            node.explain(&other, &act, noon()).unwrap_err().kind,
            RefusalKind::Pact
        );
    }
    assert_eq!(
        node.explain(&operator(), "00", noon()).unwrap_err().kind,
        RefusalKind::Bad
    );
    node.explain(&operator(), &act, noon()).unwrap();
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let newest = &node.acts(&log, None, 10, noon()).unwrap()[0];
    assert_eq!((newest.kind, newest.role), (ActKind::Log, Role::Operator));
}
