//! Who is who inside a house: linked by somebody or by a confirmed number, and taken apart again.

use super::*;
use crate::registry::{Hers, Likeness, RegistryDone};
use crate::{ActView, Category, Registered, Rule, Who};
use std::sync::{Arc, Mutex};

/// A registration without a CURP, with a laboratory result and a condition.
fn node_with_two() -> Node {
    let node = node_with_her("imss");
    for resource in [
        r#"{"resourceType":"Patient","id":"dos","name":[{"family":"Pérez"}]}"#,
        r#"{"resourceType":"Condition","id":"c2","subject":{"reference":"Patient/dos"}}"#,
        r#"{"resourceType":"Observation","id":"o2","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"subject":{"reference":"Patient/dos"}}"#,
        &patient("otra", OTHER),
        r#"{"resourceType":"Condition","id":"c9","subject":{"reference":"Patient/otra"}}"#,
    ] {
        node.load(resource);
    }
    node
}

fn clerk() -> Actor {
    actor("imss", Role::Clerk)
}

fn likely() -> Likeness {
    Likeness::weighed("probable", 0.9712)
}

/// Ids of what a doctor reads of her under her CURP, after a check-in.
fn treated(node: &Node) -> Vec<String> {
    node.check_in(&clerk(), SHE, noon()).unwrap();
    all(node, treat(actor("imss", Role::Physician)))
}

/// Ids of what a request opens.
fn all(node: &Node, request: Request) -> Vec<String> {
    let grant = node.decide(request, noon()).unwrap();
    let asked = store::Asked::default();
    let held = node.store().everything(&grant.permit, &asked).unwrap();
    let (page, _) = node.open_answer(&grant, held, noon()).unwrap();
    let mut ids: Vec<String> = page.matches.into_iter().map(|version| version.id).collect();
    ids.sort();
    ids
}

fn log(node: &Node) -> Vec<ActView> {
    let grant = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    node.acts(&grant, None, 100, noon()).unwrap()
}

fn says(node: &Node, part: &str) -> bool {
    let name = |_: &MemberId| "IMSS".to_owned();
    let said: Vec<String> = log(node)
        .iter()
        .map(|act| act.sentence(Lang::Es, &name))
        .collect();
    said.iter().any(|sentence| sentence.contains(part))
}

fn close_laboratory(node: &Node) {
    let rule = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![Category::Laboratory],
        ..Rule::default()
    };
    node.say(&herself("imss"), vec![rule], noon()).unwrap();
}

const BOTH: [&str; 7] = ["c1", "c2", "dos", "her", "m1", "o1", "o2"];
const HERS: [&str; 4] = ["c1", "her", "m1", "o1"];

#[test]
fn linked_registrations_are_one_record_and_split_ones_are_two_again() {
    let node = node_with_two();
    assert_eq!(treated(&node), HERS);
    node.link(&clerk(), ("her", "dos"), likely(), noon())
        .unwrap();
    assert_eq!(treated(&node), BOTH);
    // By the other registration too, on the same evidence.
    let by_other = Request {
        person: PersonRef::Patient("dos".into()),
        ..treat(actor("imss", Role::Physician))
    };
    assert_eq!(all(&node, by_other), BOTH);
    assert_eq!(all(&node, her_own(herself("imss"), What::Summary)), BOTH);
    assert!(node.is_decided("her", "dos"));
    assert!(says(&node, "unió dos registros tuyos"));
    assert!(says(&node, "el parecido era de 97 de cada 100"));

    node.split(&clerk(), ("dos", "her"), likely(), noon())
        .unwrap();
    assert_eq!(treated(&node), HERS);
    assert_eq!(all(&node, her_own(herself("imss"), What::Summary)), HERS);
    assert!(node.is_decided("her", "dos"));
    assert!(
        says(&node, "unió dos registros tuyos"),
        "her log keeps both"
    );
    assert!(says(&node, "son de dos personas"));
}

#[test]
fn what_she_said_under_her_curp_binds_what_is_linked() {
    let node = node_with_two();
    close_laboratory(&node);
    node.link(&clerk(), ("dos", "her"), likely(), noon())
        .unwrap();
    assert_eq!(treated(&node), ["c1", "c2", "dos", "her", "m1"]);
    // And where everyone's is searched.
    let everyone = Request {
        actor: actor("imss", Role::System),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: Verbs::READING,
        ..treat(actor("imss", Role::System))
    };
    let grant = node.decide(everyone, noon()).unwrap();
    assert!(node.reads(&grant, "Observation", "o2").is_none());
    assert!(node.reads(&grant, "Condition", "c2").is_some());
    node.split(&clerk(), ("dos", "her"), Likeness::default(), noon())
        .unwrap();
    let request = Request {
        actor: actor("imss", Role::System),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        ..treat(actor("imss", Role::System))
    };
    let grant = node.decide(request, noon()).unwrap();
    assert!(node.reads(&grant, "Observation", "o2").is_some());
}

#[test]
fn links_and_splits_survive_a_start() {
    let node = node_with_two();
    node.load(r#"{"resourceType":"Patient","id":"tres","name":[{"family":"Pérez"}]}"#);
    node.link(&clerk(), ("her", "dos"), likely(), noon())
        .unwrap();
    node.link(&clerk(), ("dos", "tres"), likely(), noon())
        .unwrap();
    node.split(&clerk(), ("dos", "her"), likely(), noon())
        .unwrap();
    let Node { gate, dir } = node;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    let node = Node { gate, dir };
    // Taking the middle one out leaves the others together.
    assert_eq!(treated(&node), ["c1", "her", "m1", "o1", "tres"]);
    for (one, other) in [("her", "dos"), ("tres", "dos"), ("her", "tres")] {
        assert!(node.is_decided(one, other), "{one} {other}");
    }
    assert!(!node.is_decided("her", "otra"));
    // No number joins what somebody said to be two; somebody may.
    node.link_by_number("dos", "tres", noon()).unwrap();
    assert_eq!(treated(&node), ["c1", "her", "m1", "o1", "tres"]);
    node.link(&clerk(), ("dos", "tres"), likely(), noon())
        .unwrap();
    assert_eq!(treated(&node).len(), BOTH.len() + 1);
}

#[test]
fn a_registration_with_her_curp_that_is_not_hers_is_taken_out_by_herself() {
    let node = node_with_her("imss");
    node.load(&patient("ajeno", SHE));
    node.load(r#"{"resourceType":"Condition","id":"c8","subject":{"reference":"Patient/ajeno"}}"#);
    assert_eq!(treated(&node), ["ajeno", "c1", "c8", "her", "m1", "o1"]);
    let own = node
        .decide(her_own(herself("imss"), What::Summary), noon())
        .unwrap();
    let hers = node.registrations(&own).unwrap();
    assert!(hers.iter().all(|one| one.how == Hers::Curp) && hers.len() == 2);

    node.not_me(&herself("imss"), "ajeno", noon()).unwrap();
    assert_eq!(treated(&node), HERS);
    assert!(says(&node, "no es suyo"));
    let disputed = node.disputed().unwrap();
    assert_eq!(disputed.len(), 1);
    let mut names = disputed[0].names.clone();
    names.sort();
    assert_eq!(names, ["ajeno", "her"]);
    // It is somebody's still, by its own number at the desk, and not on her evidence.
    let by_id = || Request {
        person: PersonRef::Patient("ajeno".into()),
        ..treat(actor("imss", Role::Physician))
    };
    assert_eq!(refused(&node, by_id()).kind, RefusalKind::NoEvidence);
    node.check_in(&clerk(), "Patient/ajeno", noon()).unwrap();
    assert_eq!(all(&node, by_id()), ["ajeno", "c8"]);
    let Node { gate, dir } = node;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    let node = Node { gate, dir };
    assert_eq!(treated(&node), HERS);
    // Whoever looks after the register has looked: it waits no more.
    node.split(&clerk(), ("ajeno", "her"), Likeness::default(), noon())
        .unwrap();
    assert_eq!(node.disputed().unwrap(), []);
    assert_eq!(treated(&node), HERS);
}

#[test]
fn nobody_takes_out_or_links_what_is_not_hers_to_decide() {
    let node = node_with_two();
    let kind = |done: Result<(), Refusal>| done.map_err(|refusal| refusal.kind);
    for role in [
        Role::Physician,
        Role::Nurse,
        Role::Pharmacist,
        Role::Privacy,
    ] {
        let by = actor("imss", role);
        let linked = node.link(&by, ("her", "dos"), likely(), noon());
        assert_eq!(kind(linked), Err(RefusalKind::Pact), "{role:?}");
        let split = node.split(&by, ("her", "dos"), likely(), noon());
        assert_eq!(kind(split), Err(RefusalKind::Pact), "{role:?}");
    }
    let elsewhere = actor("farmacia", Role::Clerk);
    let linked = node.link(&elsewhere, ("her", "dos"), likely(), noon());
    assert_eq!(kind(linked), Err(RefusalKind::Forged));
    // Not the person herself with somebody else's, and she links nothing.
    assert_eq!(
        kind(node.not_me(&herself("imss"), "otra", noon())),
        Err(RefusalKind::Pact)
    );
    let linked = node.link(&herself("imss"), ("otra", "dos"), likely(), noon());
    assert_eq!(kind(linked), Err(RefusalKind::Pact));
    let linked = node.link(&herself("imss"), ("her", "dos"), likely(), noon());
    assert_eq!(
        kind(linked),
        Err(RefusalKind::Pact),
        "not with her own either"
    );
    for (one, other) in [("her", "nadie"), ("nadie", "her"), ("her", "her")] {
        let linked = node.link(&clerk(), (one, other), likely(), noon());
        assert_eq!(kind(linked), Err(RefusalKind::Bad), "{one} {other}");
    }
    assert_eq!(treated(&node), HERS);
    assert!(says(&node, "quiso ver o unir registros tuyos"));
}

/// A `Patient` whose CURP its issuer confirmed.
fn confirmed(id: &str, curp: &str) -> String {
    patient(id, curp).replace(
        r#""value""#,
        &format!(
            r#""extension":[{{"url":"{}","valueCode":"confirmed"}}],"value""#,
            mx::systems::EXT_IDENTIFIER_STATE
        ),
    )
}

#[test]
fn two_confirmed_curps_that_differ_are_never_one_person() {
    let node = node_with_two();
    node.load(&confirmed("uno", SHE));
    node.load(&confirmed("otra", OTHER));
    let linked = node.link(&clerk(), ("uno", "otra"), likely(), noon());
    assert_eq!(linked.unwrap_err().kind, RefusalKind::Bad);
    // Nor over a third one.
    node.link(&clerk(), ("dos", "otra"), likely(), noon())
        .unwrap();
    let linked = node.link(&clerk(), ("her", "dos"), likely(), noon());
    assert_eq!(linked.unwrap_err().kind, RefusalKind::Bad);
}

#[test]
fn the_register_hears_of_each_registration_and_numbers_that_it_finds_equal_link() {
    let node = node_with_two();
    let heard: Arc<Mutex<Vec<(String, u64, bool)>>> = Arc::default();
    let said = heard.clone();
    let registrar = Box::new(move |one: Registered<'_>| {
        let is_there = one.patient.is_some();
        said.lock()
            .unwrap()
            .push((one.id.to_owned(), one.version, is_there));
        match one.id {
            "nuevo" => vec!["her".to_owned()],
            _ => Vec::new(),
        }
    });
    assert_eq!(node.keep_register(registrar, noon()).unwrap(), 3);
    let twice = node.keep_register(Box::new(|_| Vec::new()), noon());
    assert_eq!(twice.unwrap_err().kind, RefusalKind::Bad);
    let mut ids: Vec<String> = std::mem::take(&mut *heard.lock().unwrap())
        .into_iter()
        .map(|(id, ..)| id)
        .collect();
    ids.sort();
    assert_eq!(ids, ["dos", "her", "otra"]);
    node.load(r#"{"resourceType":"Patient","id":"nuevo","name":[{"family":"Pérez"}]}"#);
    assert_eq!(*heard.lock().unwrap(), [("nuevo".to_owned(), 1, true)]);
    assert_eq!(treated(&node), ["c1", "her", "m1", "nuevo", "o1"]);
    assert!(says(&node, "porque un número confirmado es el mismo"));
    let own = node
        .decide(her_own(herself("imss"), What::Summary), noon())
        .unwrap();
    let hers = node.registrations(&own).unwrap();
    let how: Vec<_> = hers.iter().map(|one| (one.id.as_str(), &one.how)).collect();
    assert_eq!(how[0], ("her", &Hers::Curp));
    assert!(matches!(how[1], ("nuevo", Hers::Linked(by)) if by.on.number));

    let operator = actor("imss", Role::Operator);
    let person = PersonRef::Curp(SHE.into());
    heard.lock().unwrap().clear();
    let erased = node
        .erase(&operator, person, "resolución 7", noon())
        .unwrap();
    assert_eq!(erased.records, 2, "what is linked goes with her");
    let mut gone = heard.lock().unwrap().clone();
    gone.sort();
    let gone: Vec<_> = gone
        .iter()
        .map(|(id, _, there)| (id.as_str(), *there))
        .collect();
    assert_eq!(gone, [("her", false), ("nuevo", false)]);
    for prefix in rows::LINKS {
        let house = &node.house;
        let left = house.store.scan(&house.seal, prefix, None, 9).unwrap();
        assert!(left.is_empty());
    }
}

#[test]
fn to_lay_two_side_by_side_is_an_act_and_opens_no_more_than_who_they_are() {
    let node = node_with_two();
    let [one, other] = node.side_by_side(&clerk(), ("her", "dos"), noon()).unwrap();
    assert_eq!(one.unwrap().text("id"), Some("her"));
    assert_eq!(other.unwrap().text("name.0.family"), Some("Pérez"));
    assert!(says(&node, "comparó tu registro con otro muy parecido"));
    let acts = node.all_acts();
    let looked = |act: &&crate::Act| matches!(&act.what, What::Registry(step) if step.done == RegistryDone::Looked);
    assert_eq!(acts.iter().filter(looked).count(), 2);
    // Who closed everything shows nobody who she is.
    let rule = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![],
        ..Rule::default()
    };
    node.say(&herself("imss"), vec![rule], noon()).unwrap();
    let [one, other] = node.side_by_side(&clerk(), ("her", "dos"), noon()).unwrap();
    assert!(one.is_none() && other.is_some());
    let doctor = actor("imss", Role::Physician);
    let looked = node.side_by_side(&doctor, ("her", "dos"), noon());
    assert_eq!(looked.unwrap_err().kind, RefusalKind::Pact);
}

#[test]
fn a_decision_on_evidence_of_a_linked_registration_is_made_again_after_the_split() {
    let node = node_with_two();
    node.link(&clerk(), ("her", "dos"), likely(), noon())
        .unwrap();
    node.check_in(&clerk(), "Patient/dos", noon()).unwrap();
    let read = all(&node, treat(actor("imss", Role::Physician)));
    assert_eq!(read, BOTH);
    let acts = node.all_acts();
    let of = |act: &&crate::Act| act.kind == ActKind::Read && act.what == What::Summary;
    let act = acts.iter().find(of).unwrap().name();
    node.split(&clerk(), ("dos", "her"), likely(), noon())
        .unwrap();
    let operator = actor("imss", Role::Operator);
    let explained = node.explain(&operator, &act, noon()).unwrap();
    assert_eq!(explained.holds(), Some(true), "{explained:?}");
    for act in node.all_acts() {
        if act.grounds.question.is_some() {
            let explained = node.explain(&operator, &act.name(), noon()).unwrap();
            assert_eq!(explained.holds(), Some(true), "{:?}", act.what);
        }
    }
}
