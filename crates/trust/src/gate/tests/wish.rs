//! The wish not to know: what she is not shown, what her log keeps back, and that asking wins.

use super::*;
use crate::word::wish::{Asking, Wish};
use crate::{ActView, Finding};

/// A finding of hers, labelled by the laboratory.
const GENE: &str = r#"{"resourceType":"Observation","id":"gen","status":"final","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"subject":{"reference":"Patient/her"}}"#;

/// Received, and not wishing to know of what comes late.
fn house() -> Node {
    let node = node_with_her("imss");
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let wish = Wish::plain(Finding::LateOnset, noon());
    node.wish(&herself("imss"), vec![wish], noon()).unwrap();
    node
}

fn own(node: &Node, at: Timestamp) -> Grant {
    node.decide(her_own(herself("imss"), What::Summary), at)
        .unwrap()
}

fn doctor(node: &Node) -> Grant {
    node.decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap()
}

/// The doctor reads the finding by its name.
fn read_by_name(node: &Node) {
    let request = Request {
        person: PersonRef::Resource(of("Observation"), "gen".into()),
        ..treat(actor("imss", Role::Physician))
    };
    let grant = node.decide(request, noon()).unwrap();
    assert!(node.reads(&grant, "Observation", "gen").is_some());
}

/// The doctor looks for all laboratory results.
fn search(node: &Node) -> usize {
    let grant = doctor(node);
    let query = fhir::query::parse(
        &fhir::search::Catalog::r4(),
        of("Observation"),
        &[],
        fhir::query::Handling::Strict,
    )
    .unwrap();
    let held = node.store().search(&grant.permit, &query, None).unwrap();
    node.open_answer(&grant, held, noon())
        .unwrap()
        .0
        .matches
        .len()
}

/// Her log as she reads it, but for her own readings of it and the places, and each receipt checked.
fn log(node: &Node, at: Timestamp) -> Vec<ActView> {
    let grant = node
        .decide(her_own(herself("imss"), What::Log), at)
        .unwrap();
    let acts = node.acts(&grant, None, 500, at).unwrap();
    let known = [key("imss", 1).verifier().clone()];
    for act in &acts {
        let receipt = node.receipt(&grant, &act.id, at).unwrap();
        let verified = ledger::receipt::verify(&receipt, &known).unwrap();
        assert_eq!(verified.index, act.leaf);
    }
    acts.into_iter()
        .filter(|act| act.kind != ActKind::Log)
        .collect()
}

/// What a log says, without what no two logs have in common.
fn said(acts: &[ActView]) -> Vec<ActView> {
    let bare = |act: &ActView| ActView {
        id: String::new(),
        leaf: 0,
        ..act.clone()
    };
    acts.iter().map(bare).collect()
}

#[test]
fn she_is_not_shown_it_and_her_doctor_is() {
    let node = house();
    node.load(GENE);
    assert!(
        node.reads(&own(&node, noon()), "Observation", "gen")
            .is_none()
    );
    assert!(
        node.reads(&own(&node, noon()), "Observation", "o1")
            .is_some()
    );
    assert!(node.reads(&doctor(&node), "Observation", "gen").is_some());
    let tag = node.tag_of_her();
    assert_eq!(
        node.asked_not_to_know(tag, noon()),
        Finding::LateOnset.bit()
    );
}

#[test]
fn her_log_says_the_same_whether_it_is_there_or_not_until_she_asks() {
    let (with, without) = (house(), house());
    with.load(GENE);
    read_by_name(&with);
    let mut elsewhere = treat(actor("imss", Role::Physician));
    elsewhere.person = PersonRef::Resource(of("Observation"), "gen".into());
    elsewhere.actor.licence = Some(licence(LicenceState::Suspended));
    assert!(with.decide(elsewhere, noon()).is_err());
    // Both search; in one world it finds one more.
    assert_eq!((search(&with), search(&without)), (2, 1));
    let (kept_back, nothing) = (log(&with, noon()), log(&without, noon()));
    assert_eq!(said(&kept_back), said(&nothing));

    let her = herself("imss");
    with.ask_to_know(&her, Finding::LateOnset, Asking::Alone, at("13:00"))
        .unwrap();
    let all = log(&with, at("13:00"));
    let finding = |act: &&ActView| act.categories.meets(Finding::LateOnset.bit());
    let appeared: Vec<&ActView> = all.iter().filter(finding).collect();
    let kinds: Vec<ActKind> = appeared.iter().map(|act| act.kind).collect();
    use crate::ActKind::{Denied, Import, Read};
    assert_eq!(kinds, [Read, Denied, Read, Import], "newest first");
    assert!(appeared.iter().all(|act| act.at == noon()), "at its time");
    // What she was shown before stands at the places where it stood.
    for act in &kept_back {
        assert!(
            all.iter()
                .any(|one| one.leaf == act.leaf && one.id == act.id)
        );
    }
    let names = |_: &MemberId| "IMSS".to_owned();
    assert_eq!(
        appeared[0].sentence(Lang::Es, &names),
        "Una Persona, médico general de IMSS, vio un hallazgo sobre males que llegan tarde y no tienen cura a las 6:00 porque estabas en consulta."
    );
}

#[test]
fn an_act_that_is_kept_back_has_no_receipt_and_no_opinion() {
    let node = house();
    node.load(GENE);
    let act = node.all_acts()[0].name();
    let grant = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let none = "00".repeat(16);
    let refused = |act: &str| {
        (
            node.receipt(&grant, act, noon()).unwrap_err(),
            node.opine(&grant, act, crate::Opinion::Right, noon())
                .unwrap_err(),
        )
    };
    assert_eq!(refused(&act), refused(&none), "as if it were not there");
}

#[test]
fn asking_is_at_once_and_its_decision_can_be_made_again() {
    let node = house();
    node.load(GENE);
    let her = herself("imss");
    let before = own(&node, noon());
    node.reads(&before, "Observation", "gen");
    node.ask_to_know(&her, Finding::LateOnset, Asking::Alone, noon())
        .unwrap();
    assert!(
        node.reads(&own(&node, noon()), "Observation", "gen")
            .is_some()
    );
    assert!(
        node.ask_to_know(&her, Finding::LateOnset, Asking::Alone, noon())
            .is_err(),
        "there is nothing left to ask for"
    );
    let operator = actor("imss", Role::Operator);
    for act in node
        .all_acts()
        .iter()
        .filter(|act| act.kind == ActKind::Read)
    {
        let explained = node.explain(&operator, &act.name(), noon()).unwrap();
        assert_eq!(explained.holds(), Some(true), "{:?}", explained.again);
    }
}

#[test]
fn a_session_opens_by_itself_at_its_time_although_the_decision_was_made_before() {
    let node = house();
    node.load(GENE);
    let session = at("15:00");
    node.ask_to_know(
        &herself("imss"),
        Finding::LateOnset,
        Asking::At(session),
        noon(),
    )
    .unwrap();
    for (time, shown) in [("14:59", false), ("15:00", true)] {
        let found = node.reads(&own(&node, at(time)), "Observation", "gen");
        assert_eq!(found.is_some(), shown, "{time}");
    }
}

#[test]
fn her_wish_travels_with_her_word_and_binds_where_it_arrives() {
    let (home, other) = (house(), node_with_her("sanatorio"));
    other.load(GENE);
    let word = home.word(home.tag_of_her()).unwrap();
    assert!(other.hear(&word, &id("imss"), noon()).unwrap());
    let asks = Request {
        via: Some(id("imss")),
        ..her_own(herself("imss"), What::Summary)
    };
    let own_access = home.evidence(&herself("imss"), home.tag_of_her(), noon());
    let request = Request {
        evidence: own_access,
        ..asks
    };
    let grant = other.decide(request, noon()).unwrap();
    assert!(other.reads(&grant, "Observation", "gen").is_none());
    assert!(other.reads(&grant, "Observation", "o1").is_some());
}

#[test]
fn a_rule_said_later_leaves_her_wishes_as_they_are() {
    let node = house();
    node.say(&herself("imss"), Vec::new(), noon()).unwrap();
    assert_eq!(node.wishes(node.tag_of_her()).len(), 1);
}

/// A second doctor of the house.
fn another() -> Actor {
    let mut other = actor("imss", Role::Physician);
    other.id = "otro".into();
    other.name = "Dr. Luis Soto".into();
    other.licence.as_mut().unwrap().cedula = "7654321".into();
    other
}

fn telling(ground: Ground, to: Option<&str>) -> Telling {
    Telling {
        finding: Finding::LateOnset,
        ground,
        reason: "puede tratarse si se empieza esta semana".into(),
        message: "Ven a vernos mañana: hay algo que sí se puede tratar.".into(),
        to: to.map(str::to_owned),
    }
}

#[test]
fn a_limit_takes_two_professionals_a_reason_and_tells_a_message_and_not_the_finding() {
    let node = house();
    node.load(GENE);
    let first = doctor(&node);
    let own_ = |node: &Node| node.told_to_her(&own(node, noon())).unwrap();
    let before = said(&log(&node, noon()));
    let id = node
        .propose_telling(&first, telling(Ground::ImminentDanger, None), noon())
        .unwrap();
    assert!(own_(&node).is_empty());
    assert_eq!(
        said(&log(&node, noon())),
        before,
        "a proposal tells nothing"
    );
    // Not the same one twice, not after a day, not without evidence.
    assert!(node.agree_to_telling(&first, &id, noon()).is_err());
    let second = node.decide(treat(another()), noon()).unwrap();
    let late = noon()
        .checked_add(jiff::SignedDuration::from_hours(24))
        .unwrap();
    assert!(node.agree_to_telling(&second, &id, late).is_err());
    assert_eq!(node.tellings_that_wait(&second, noon()).unwrap().len(), 1);
    let limit = node.agree_to_telling(&second, &id, noon()).unwrap();
    assert_eq!(limit.second.as_ref().unwrap().name, "Dr. Luis Soto");
    assert!(node.agree_to_telling(&second, &id, noon()).is_err(), "once");
    assert_eq!(own_(&node), [limit]);
    let names = |_: &MemberId| "IMSS".to_owned();
    let told = log(&node, noon());
    assert_eq!(
        told[0].sentence(Lang::Es, &names),
        "El Dr. Luis Soto, médico general de IMSS, y Una Persona decidieron a las 6:00 avisarte de algo que no querías saber, porque corre prisa y se puede tratar: puede tratarse si se empieza esta semana."
    );
    assert!(
        node.reads(&own(&node, noon()), "Observation", "gen")
            .is_none()
    );
}

#[test]
fn what_is_told_to_a_third_party_is_kept_back_from_her_with_the_finding() {
    let node = house();
    let before = said(&log(&node, noon()));
    let (first, second) = (
        doctor(&node),
        node.decide(treat(another()), noon()).unwrap(),
    );
    let propose = |telling| node.propose_telling(&first, telling, noon());
    assert!(propose(telling(Ground::ThirdParty, None)).is_err(), "who?");
    assert!(propose(telling(Ground::LegalDuty, Some("Rosa"))).is_err());
    let id = propose(telling(Ground::ThirdParty, Some("Rosa"))).unwrap();
    node.agree_to_telling(&second, &id, noon()).unwrap();
    assert!(node.told_to_her(&own(&node, noon())).unwrap().is_empty());
    assert_eq!(said(&log(&node, noon())), before);
    node.ask_to_know(&herself("imss"), Finding::LateOnset, Asking::Alone, noon())
        .unwrap();
    assert_eq!(log(&node, noon()).len(), before.len() + 3);
}

#[test]
fn of_what_she_does_wish_to_know_there_is_no_limit_and_a_clerk_sets_none() {
    let node = house();
    let mut cancer = telling(Ground::LegalDuty, None);
    cancer.finding = Finding::Cancer;
    assert!(
        node.propose_telling(&doctor(&node), cancer, noon())
            .is_err()
    );
    let own = own(&node, noon());
    let hers = telling(Ground::LegalDuty, None);
    assert!(node.propose_telling(&own, hers, noon()).is_err());
}
