//! She reads why something about her was decided as it was, and nothing that her log keeps from her.

use super::*;
use crate::order::Paper;
use crate::word::wish::{Asking, Wish};
use crate::{Again, Category, EvidenceKind, Finding, Gap, Rule, Why};

fn doctor() -> Actor {
    actor("imss", Role::Physician)
}

fn clerk() -> Actor {
    actor("imss", Role::Clerk)
}

fn her_log(node: &Node, now: Timestamp) -> Grant {
    node.decide(her_own(herself("imss"), What::Log), now)
        .unwrap()
}

/// The newest act of a kind that her log shows, and why.
fn newest(node: &Node, kind: ActKind, now: Timestamp) -> Why {
    let grant = her_log(node, now);
    let acts = node.acts(&grant, None, 100, now).unwrap();
    let act = acts.iter().find(|act| act.kind == kind).unwrap();
    node.why(&grant, &act.id, now).unwrap()
}

fn closing(id: &str, what: Vec<Category>) -> Rule {
    Rule {
        id: id.into(),
        what,
        ..Rule::default()
    }
}

fn es(why: &Why) -> Vec<&str> {
    why.says.iter().map(|one| one.es.as_str()).collect()
}

#[test]
fn she_reads_what_counted_what_the_pact_says_and_her_rules_as_they_were_then() {
    let node = node_with_her("imss");
    let evidence = node.check_in(&clerk(), SHE, noon()).unwrap();
    let rule = closing("r1", vec![Category::Laboratory]);
    node.say(&herself("imss"), vec![rule.clone()], noon())
        .unwrap();
    let grant = node.decide(treat(doctor()), noon()).unwrap();
    assert!(node.reads(&grant, "Condition", "c1").is_some());
    // She takes the rule back: of then it is still told.
    node.say(&herself("imss"), vec![], at("12:10")).unwrap();

    let why = newest(&node, ActKind::Read, at("12:20"));
    assert_eq!(why.again, Again::Same);
    assert_eq!(why.rules, [Some(rule)]);
    assert_eq!(why.left_out, [Category::Laboratory]);
    let check_in = (EvidenceKind::CheckIn, Some(evidence.until));
    assert_eq!(
        (why.evidence, why.licence),
        (vec![check_in], Some("active"))
    );
    assert_eq!(why.policies, ["care-reads", "care-sees-all"]);
    let why = newest(&node, ActKind::Read, at("12:20"));
    let all = crate::pact::describe(&node.pact());
    let said: Vec<&str> = all.iter().map(|one| one.es.as_str()).collect();
    assert_eq!(es(&why).len(), 2);
    assert!(
        es(&why).iter().all(|one| said.contains(one)),
        "{:?}",
        es(&why)
    );
    assert!(es(&why)[0].starts_with("Para la atención (TREAT) se pide: un registro"));
    assert!(es(&why)[1].starts_with("Una médica: lee"));

    // What asks no rule has nothing to make again.
    let word = newest(&node, ActKind::Word, at("12:20"));
    assert_eq!(word.again, Again::Missing(Gap::NotAsked));
    assert!(!word.was_asked() && word.says.is_empty());
}

#[test]
fn she_reads_why_somebody_was_refused_and_that_one_what_the_pact_says() {
    let node = node_with_her("imss");
    let refusal = refused(&node, treat(doctor()));
    let why = newest(&node, ActKind::Denied, noon());
    assert_eq!((why.again.clone(), why.evidence.len()), (Again::Same, 0));
    assert_eq!(why.act.refused, ["no-evidence"]);
    assert_eq!(node.says_of(&doctor(), &refusal), why.says);

    // For what nobody may open anything, that is all there is to say.
    let insures = Request {
        purpose: Purpose::Underwriting,
        ..treat(doctor())
    };
    refused(&node, insures);
    let why = newest(&node, ActKind::Denied, noon());
    assert_eq!(why.says.len(), 1);
    assert!(
        es(&why)[0].contains("no se abre nunca nada"),
        "{:?}",
        es(&why)
    );
    // What she was not told by her refusal nobody adds.
    for kind in [
        RefusalKind::Person,
        RefusalKind::UsedUp,
        RefusalKind::Forged,
    ] {
        let refusal = Refusal::new(kind, vec![]);
        assert_eq!(node.says_of(&doctor(), &refusal), []);
    }
}

#[test]
fn in_whose_name_and_in_what_emergency_it_was_the_pact_says_as_well() {
    let pact = a_pact(1, String::new());
    let rulebook = Rulebook::parse(&pact.policies).unwrap();
    let says = |purpose, role, delegated| {
        let concern = pact::Concern {
            purpose,
            role,
            delegated,
            refused: &["old-word".to_owned()],
        };
        let said = pact::concerning(&pact, &rulebook, &concern).into_iter();
        said.map(|one| one.es).collect::<Vec<_>>().join("\n")
    };
    let desk = says(Purpose::Treatment, Role::Clerk, true);
    for part in [
        "La recepción:",
        "En nombre de una médica",
        "Las reglas de una persona valen",
    ] {
        assert!(desk.contains(part), "{desk}");
    }
    let glass = says(Purpose::Emergency, Role::Physician, false);
    assert!(glass.contains("Una emergencia abre"), "{glass}");
    assert!(!glass.contains("En nombre"), "{glass}");
    let order = says(Purpose::State, Role::Privacy, false);
    assert!(order.contains("La orden de una autoridad"), "{order}");
    let study = says(Purpose::Payment, Role::Clerk, false);
    assert!(study.contains("no está entre los motivos"), "{study}");
}

const GENE: &str = r#"{"resourceType":"Observation","id":"gen","status":"final","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}]},"subject":{"reference":"Patient/her"}}"#;

/// The acts of a node that her log does not show, with the answer to an act that is not there.
#[track_caller]
fn has_no_why(node: &Node, grant: &Grant, acts: &[String], now: Timestamp) {
    let nothing = node.why(grant, &"0".repeat(32), now).unwrap_err();
    assert_eq!(nothing.kind, RefusalKind::Bad);
    assert!(!acts.is_empty());
    for act in acts {
        assert_eq!(node.why(grant, act, now), Err(nothing.clone()));
    }
}

#[test]
fn what_she_does_not_wish_to_know_has_no_page_of_why_until_she_asks() {
    let node = node_with_her("imss");
    node.check_in(&clerk(), SHE, noon()).unwrap();
    let wish = Wish::plain(Finding::LateOnset, noon());
    node.wish(&herself("imss"), vec![wish], noon()).unwrap();
    node.load(GENE);
    let named = Request {
        person: PersonRef::Resource(of("Observation"), "gen".into()),
        ..treat(doctor())
    };
    let grant = node.decide(named, noon()).unwrap();
    assert!(node.reads(&grant, "Observation", "gen").is_some());
    let acts = node.all_acts().into_iter();
    let about = |act: &crate::Act| !Finding::of(act.labels).is_empty();
    let kept: Vec<String> = acts.filter(about).map(|act| act.name()).collect();
    assert_eq!(kept.len(), 2, "written and read");
    has_no_why(&node, &her_log(&node, noon()), &kept, noon());
    // Of other acts it names no finding.
    let own = node
        .decide(her_own(herself("imss"), What::Summary), noon())
        .unwrap();
    assert!(node.reads(&own, "Condition", "c1").is_some());
    let why = newest(&node, ActKind::Read, noon());
    assert_eq!((why.left_out.len(), why.again), (0, Again::Same));

    node.ask_to_know(&herself("imss"), Finding::LateOnset, Asking::Alone, noon())
        .unwrap();
    let log = her_log(&node, noon());
    for act in &kept {
        assert_eq!(node.why(&log, act, noon()).unwrap().again, Again::Same);
    }
}

#[test]
fn what_is_told_later_has_no_page_of_why_before_its_day() {
    let node = node_with_her("imss");
    let officer = |login: &str| Actor {
        id: login.into(),
        ..actor("imss", Role::Privacy)
    };
    let paper = Paper {
        number: "312/2026".into(),
        authority: "Juzgado Tercero de Distrito".into(),
        digest: "ab".repeat(32),
        what: vec![Category::Diagnoses],
    };
    let order = node
        .propose_order(&officer("rosa"), SHE, (paper, 30), noon())
        .unwrap();
    node.release_order(&officer("luz"), &order.id, at("12:10"))
        .unwrap();
    node.read_order(&officer("luz"), &order.id, at("12:11"))
        .unwrap();
    let acts = node.all_acts().into_iter();
    let late: Vec<String> = acts
        .filter(|act| act.told.is_some())
        .map(|act| act.name())
        .collect();
    has_no_why(&node, &her_log(&node, at("12:20")), &late, at("12:20"));

    let day: Timestamp = "2026-12-22T12:10:00Z".parse().unwrap();
    let why = newest(&node, ActKind::Read, day);
    assert_eq!(why.again, Again::Same);
    assert!(
        es(&why)
            .iter()
            .any(|one| one.contains("La orden de una autoridad"))
    );
    assert!(!why.left_out.contains(&Category::Diagnoses));
    assert!(why.left_out.contains(&Category::Hiv), "{:?}", why.left_out);
}

#[test]
fn nobody_else_reads_it_who_acts_for_her_neither() {
    let node = node_with_her("imss");
    let rosa = Actor {
        id: "rosa".into(),
        name: "Rosa Pérez".into(),
        curp: Some("ROPA900603MDFDRN01".into()),
        ..actor("imss", Role::Patient)
    };
    let new = crate::NewRepresentative {
        curp: "ROPA900603MDFDRN01".into(),
        name: "Rosa Pérez".into(),
        tie: crate::Tie::Child,
        sees: vec![],
        speaks: false,
        until: None,
    };
    node.name_representative(&herself("imss"), new, noon())
        .unwrap();
    let quiet = Rule {
        quiet: true,
        ..closing("q1", vec![Category::Laboratory])
    };
    node.say(&herself("imss"), vec![quiet.clone()], noon())
        .unwrap();
    let for_her = |what| Request {
        purpose: Purpose::Family,
        what,
        ..treat(rosa.clone())
    };
    let grant = node.decide(for_her(What::Summary), noon()).unwrap();
    assert!(node.reads(&grant, "Condition", "c1").is_some());
    let hers = newest(&node, ActKind::Read, noon());
    assert_eq!((hers.rules, hers.again), (vec![Some(quiet)], Again::Same));

    let all: Vec<String> = node.all_acts().iter().map(crate::Act::name).collect();
    let acting = node.decide(for_her(What::Log), noon()).unwrap();
    has_no_why(&node, &acting, &all, noon());
    let other = Actor {
        curp: Some(OTHER.into()),
        ..herself("imss")
    };
    let others = Request {
        person: PersonRef::Curp(OTHER.into()),
        ..her_own(other, What::Log)
    };
    let others = node.decide(others, noon()).unwrap();
    has_no_why(&node, &others, &all, noon());
}

#[test]
fn another_members_act_is_told_from_its_receipt_and_was_decided_there() {
    let (node, home) = (node_with_her("imss"), node("farmacia"));
    let word = home
        .say(
            &herself("farmacia"),
            vec![closing("r1", vec![Category::Medicines])],
            noon(),
        )
        .unwrap();
    node.hear(&word, &id("farmacia"), noon()).unwrap();
    node.check_in(&clerk(), SHE, noon()).unwrap();
    let grant = node.decide(treat(doctor()), noon()).unwrap();
    assert!(node.reads(&grant, "Condition", "c1").is_some());

    // She is at the pharmacy's page, and the act is at the other one.
    let log = her_log(&node, noon());
    let act = node.acts(&log, None, 1, noon()).unwrap().remove(0);
    let receipt = node.receipt(&log, &act.id, noon()).unwrap();
    let known = [key("imss", 1).verifier().clone()];
    let verified = ledger::receipt::verify(&receipt, &known).unwrap();
    let (index, body) = (verified.index, verified.act.unwrap());
    let own = home
        .decide(her_own(herself("farmacia"), What::Log), noon())
        .unwrap();
    let why = home.why_elsewhere(&own, (index, &body), noon()).unwrap();
    assert_eq!(
        (why.act.id.as_str(), why.act.leaf),
        (act.id.as_str(), act.leaf)
    );
    assert_eq!(why.again, Again::Elsewhere);
    assert_eq!(why.rules, [Some(word.word.rules[0].clone())]);
    assert_eq!(why.evidence, [(EvidenceKind::CheckIn, None)]);
    assert_eq!(
        (why.left_out.as_slice(), es(&why).len()),
        ([Category::Medicines].as_slice(), 2)
    );

    // What this node keeps itself is not told from a paper, nor what is no act.
    let there = node.why_elsewhere(&log, (index, &body), noon());
    assert_eq!(there.unwrap_err().kind, RefusalKind::Bad);
    let broken = home.why_elsewhere(&own, (index, b"{}"), noon());
    assert_eq!(broken.unwrap_err().kind, RefusalKind::Forged);
}

#[test]
fn what_is_missing_or_comes_out_otherwise_is_said_to_her() {
    let node = node_with_her("imss");
    let evidence = node.check_in(&clerk(), SHE, noon()).unwrap();
    let grant = node.decide(treat(doctor()), noon()).unwrap();
    assert!(node.reads(&grant, "Condition", "c1").is_some());
    let again = || newest(&node, ActKind::Read, noon()).again;
    assert_eq!(again(), Again::Same);
    // The archived text of the pact is exchanged for another that all have signed.
    let other = Pact {
        policies: crate::policy::DEFAULT.replace("care-reads", "care-looks"),
        ..a_pact(1, String::new())
    };
    let row = Some(signed(&other).into_bytes());
    node.keep_rows(vec![(rows::pact_at(1), row)], vec![], None, noon())
        .unwrap();
    assert_eq!(again(), Again::Differs);
    let piece = rows::evidence(evidence.person, evidence.until, &evidence.id);
    node.keep_rows(vec![(piece, None)], vec![], None, noon())
        .unwrap();
    assert_eq!(again(), Again::Missing(Gap::Evidence(evidence.id)));
}
