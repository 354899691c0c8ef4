//! A referral: who gets evidence of it, for how long, and that nobody learns of one that is closed to her.

use super::*;
use crate::word::wish::Wish;
use crate::{Category, EvidenceKind, Finding, Rule, Who};
use jiff::SignedDuration;

/// A referral of hers to a member.
fn referral(name: &str, to: &str, status: &str, authored: &str, meta: &str) -> String {
    format!(
        r#"{{"resourceType":"ServiceRequest","id":"{name}","status":"{status}","intent":"order"{meta},"code":{{"text":"Cardiología"}},"subject":{{"reference":"Patient/her"}},"authoredOn":"{authored}","performer":[{{"type":"Organization","identifier":{{"system":"{}","value":"{to}"}}}}]}}"#,
        mx::systems::MEMBER
    )
}

const TODAY: &str = "2026-11-22T11:00:00Z";

/// IMSS, which holds her record and referred her to the hospital.
fn imss() -> Node {
    let node = node_with_her("imss");
    node.load(&referral("s1", "sanatorio", "active", TODAY, ""));
    node
}

fn desk() -> Actor {
    actor("sanatorio", Role::Clerk)
}

fn days(days: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(days * 24)
}

fn given(node: &Node, by: &Actor, now: Timestamp) -> Option<Evidence> {
    node.referral(by, node.tag_of_her(), now).unwrap()
}

#[test]
fn a_referral_opens_the_record_to_the_institution_that_it_names_before_she_comes() {
    let (imss, sanatorio) = (imss(), node("sanatorio"));
    let evidence = given(&imss, &desk(), noon()).unwrap();
    let written: Timestamp = TODAY.parse().unwrap();
    assert_eq!(
        (evidence.kind, evidence.from, evidence.until),
        (
            EvidenceKind::Referral,
            noon(),
            written + SignedDuration::from_hours(60 * 24)
        )
    );
    let tag = sanatorio.asks_referral(&desk(), SHE, noon()).unwrap();
    sanatorio
        .take_referral(&desk(), tag, &evidence, noon())
        .unwrap();
    let doctor = actor("sanatorio", Role::Physician);
    assert!(sanatorio.decide(treat(doctor.clone()), days(30)).is_ok());
    // That she was sent shows that she comes, not that she is here.
    assert!(!sanatorio.is_here(&doctor, SHE, noon()).unwrap());
    // At the member that referred, and at every other.
    let ask = |node: &Node, now| {
        let request = Request {
            via: Some(id("sanatorio")),
            evidence: sanatorio.evidence(&doctor, tag, now),
            ..treat(doctor.clone())
        };
        node.decide(request, now)
            .map(|grant| node.sees(&grant).len())
    };
    assert_eq!(ask(&imss, days(1)).unwrap(), 4);
    assert_eq!(ask(&node_with_her("farmacia"), days(1)).unwrap(), 4);
    assert!(ask(&imss, days(61)).is_err());
    // To write she must be there.
    let writes = Request {
        verbs: Verbs::only(Verb::Create),
        types: Some(vec![of("Condition")]),
        ..treat(doctor.clone())
    };
    let refused = sanatorio.decide(writes, noon()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::NoEvidence);
    // What another institution says weighs nothing against who reads.
    assert_eq!(super::super::pattern::weight(&[evidence], &doctor), 0);
    let said = |node: &Node| {
        let act = node
            .all_acts()
            .into_iter()
            .find(|act| {
                act.evidence == Some(EvidenceKind::Referral) && act.kind == ActKind::Evidence
            })
            .unwrap();
        act.view(0)
            .sentence(crate::Lang::Es, &|id| id.0.to_uppercase())
    };
    assert!(
        said(&imss).contains("supo que te enviaron ahí"),
        "{}",
        said(&imss)
    );
    assert!(
        said(&sanatorio).contains("vio que te enviaron ahí"),
        "{}",
        said(&sanatorio)
    );
}

#[test]
fn what_is_no_referral_in_force_to_who_asks_gives_nothing_and_is_an_act() {
    let old = (noon() - SignedDuration::from_hours(61 * 24)).to_string();
    let of_another =
        referral("s1", "sanatorio", "active", TODAY, "").replace("Patient/her", "Patient/x");
    let nowhere = referral("s1", "x", "active", TODAY, "").replace("performer", "reasonReference");
    for resource in [
        referral("s1", "farmacia", "active", TODAY, ""),
        referral("s1", "sanatorio", "revoked", TODAY, ""),
        referral("s1", "sanatorio", "completed", TODAY, ""),
        referral("s1", "sanatorio", "active", &old, ""),
        of_another,
        nowhere,
    ] {
        let node = node_with_her("imss");
        node.load(&patient("x", OTHER));
        node.load(&resource);
        assert_eq!(given(&node, &desk(), noon()), None, "{resource}");
        let act = &node.all_acts()[0];
        assert_eq!(
            (act.kind, act.refused.as_slice()),
            (ActKind::Evidence, ["no-evidence".to_owned()].as_slice())
        );
        assert_eq!(act.person, Some(node.tag_of_her()));
        let said = act
            .view(0)
            .sentence(crate::Lang::Es, &|id| id.0.to_uppercase());
        assert!(
            said.contains("preguntó") && said.contains("no hay ninguna referencia"),
            "{said}"
        );
    }
    // Nor does somebody who is not known here have one.
    let node = node("imss");
    assert_eq!(given(&node, &desk(), noon()), None);
    // Of several the newest; a date without an hour counts from its beginning.
    let node = imss();
    node.load(&referral("s2", "sanatorio", "active", "2026-11-20", ""));
    assert_eq!(
        given(&node, &desk(), noon()).unwrap().until,
        TODAY.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(60 * 24)
    );
    node.load(&referral("s1", "sanatorio", "revoked", TODAY, ""));
    let until: Timestamp = "2027-01-19T00:00:00Z".parse().unwrap();
    assert_eq!(given(&node, &desk(), noon()).unwrap().until, until);
}

#[test]
fn who_may_not_ask_is_refused() {
    let imss = imss();
    let kind = |by: Actor| {
        imss.referral(&by, imss.tag_of_her(), noon())
            .unwrap_err()
            .kind
    };
    assert_eq!(kind(actor("imss", Role::Clerk)), RefusalKind::Forged);
    assert_eq!(kind(actor("nadie", Role::Clerk)), RefusalKind::Forged);
    let sanatorio = node("sanatorio");
    let asks = |by: &Actor| sanatorio.asks_referral(by, SHE, noon()).unwrap_err().kind;
    assert_eq!(asks(&herself("sanatorio")), RefusalKind::Pact);
    assert_eq!(asks(&actor("sanatorio", Role::System)), RefusalKind::Pact);
    assert_eq!(asks(&actor("imss", Role::Clerk)), RefusalKind::Forged);
}

#[test]
fn a_referral_that_is_closed_to_who_asks_is_as_none() {
    let closing = |who: Who| Rule {
        id: "r1".into(),
        who,
        what: vec![Category::Visits],
        hint: true,
        ..Rule::default()
    };
    let sanatorio = Who::Member(id("sanatorio"));
    for (who, by, open) in [
        (Who::Everyone, desk(), false),
        (sanatorio.clone(), desk(), false),
        (sanatorio, actor("sanatorio", Role::Physician), false),
        (Who::Member(id("farmacia")), desk(), true),
        (
            Who::Actor(id("sanatorio"), "una-physician".into()),
            actor("sanatorio", Role::Physician),
            false,
        ),
        (
            Who::Actor(id("sanatorio"), "una-physician".into()),
            desk(),
            true,
        ),
    ] {
        let node = imss();
        node.say(&herself("imss"), vec![closing(who.clone())], noon())
            .unwrap();
        assert_eq!(given(&node, &by, noon()).is_some(), open, "{who:?} {by:?}");
    }
}

#[test]
fn a_delegate_is_told_of_no_referral_that_is_closed_to_who_named_her() {
    let node = imss();
    let closed = Rule {
        id: "r1".into(),
        who: Who::Actor(id("sanatorio"), "ines".into()),
        what: vec![Category::Visits],
        ..Rule::default()
    };
    node.say(&herself("imss"), vec![closed], noon()).unwrap();
    let by = crate::Delegator {
        login: "ines".into(),
        name: "Dra. Inés Cob".into(),
        role: Role::Physician,
        licence: Some(licence(LicenceState::Active)),
        purposes: vec![Purpose::Treatment],
        tasks: crate::Task::ALL.to_vec(),
        from: noon(),
        until: days(1),
        stands: true,
    };
    let delegate = Actor {
        delegator: Some(by),
        ..actor("sanatorio", Role::Nurse)
    };
    assert_eq!(given(&node, &delegate, noon()), None);
    let nurse = actor("sanatorio", Role::Nurse);
    assert!(given(&node, &nurse, noon()).is_some());
}

/// Two worlds: a referral on account of a finding that she does not wish to know is hers, or another's. Her log is the same.
#[test]
fn a_referral_that_she_does_not_wish_to_know_of_brings_her_nowhere_and_is_told_by_nothing() {
    let world = |of: &str| {
        let node = node_with_her("imss");
        node.load(&patient("x", OTHER));
        let meta = r#","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}]}"#;
        let resource = referral("s1", "sanatorio", "active", TODAY, meta);
        node.load(&resource.replace("Patient/her", of));
        let wish = Wish::plain(Finding::LateOnset, noon());
        node.wish(&herself("imss"), vec![wish], noon()).unwrap();
        let said = given(&node, &desk(), noon());
        let grant = node
            .decide(her_own(herself("imss"), What::Log), noon())
            .unwrap();
        let acts = node.acts(&grant, None, 100, noon()).unwrap().into_iter();
        let bare = acts.map(|act| crate::ActView {
            id: String::new(),
            leaf: 0,
            ..act
        });
        (
            said,
            bare.filter(|act| act.kind == ActKind::Evidence)
                .collect::<Vec<_>>(),
        )
    };
    let (hers, others) = (world("Patient/her"), world("Patient/x"));
    assert_eq!(hers, others);
    assert_eq!((hers.0, hers.1.len()), (None, 1));
}

#[test]
fn a_referral_is_taken_only_as_it_was_given() {
    let (imss, sanatorio) = (imss(), node("sanatorio"));
    let evidence = given(&imss, &desk(), noon()).unwrap();
    let tag = sanatorio.tag_of_her();
    let take = |evidence: &Evidence| {
        let taken = sanatorio.take_referral(&desk(), tag, evidence, noon());
        taken.map_err(|refusal| refusal.kind)
    };
    let again = |change: &dyn Fn(&mut Evidence), member: &str, seed: u8| {
        let mut one = evidence.clone();
        change(&mut one);
        take(&one.sign(&key(member, seed)))
    };
    let forged = Err(RefusalKind::Forged);
    // About somebody else, for another institution, by who did not sign, for longer than agreed, of another kind.
    assert_eq!(
        again(&|one| one.person = Tag::of_curp(&SECRET, OTHER), "imss", 1),
        forged
    );
    assert_eq!(
        again(&|one| one.institution = id("farmacia"), "imss", 1),
        forged
    );
    assert_eq!(again(&|_| {}, "farmacia", 2), forged);
    assert_eq!(again(&|one| one.until = days(61), "imss", 1), forged);
    assert_eq!(
        again(&|one| one.kind = EvidenceKind::CheckIn, "imss", 1),
        forged
    );
    // Nobody refers to herself.
    assert_eq!(
        again(&|one| one.issuer = id("sanatorio"), "sanatorio", 3),
        forged
    );
    let doctor = actor("sanatorio", Role::Physician);
    assert!(sanatorio.decide(treat(doctor.clone()), noon()).is_err());
    assert_eq!(take(&evidence), Ok(()));
    assert!(sanatorio.decide(treat(doctor), noon()).is_ok());
}

#[test]
fn where_what_she_decided_cannot_be_confirmed_nothing_is_given() {
    let imss = imss();
    let farmacia = node("farmacia");
    let word = farmacia.say(&herself("farmacia"), vec![], noon()).unwrap();
    imss.hear(&word, &id("farmacia"), noon()).unwrap();
    assert!(given(&imss, &desk(), noon()).is_some());
    let ours = imss.pact();
    let next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        word_minutes: Some(60),
        ..(*ours).clone()
    };
    imss.adopt(&signed(&next), noon()).unwrap();
    let late = imss.referral(&desk(), imss.tag_of_her(), at("13:01"));
    assert_eq!(late.unwrap_err().kind, RefusalKind::OldWord);
}
