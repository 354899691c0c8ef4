//! An admission: who may say it, how long it holds, what a discharge ends, and what other members get of it.

use super::*;
use crate::{EvidenceKind, Gap};
use jiff::SignedDuration;
use proptest::prelude::*;

fn doctor() -> Actor {
    actor("imss", Role::Physician)
}
fn clerk() -> Actor {
    actor("imss", Role::Clerk)
}
fn hours(hours: i64) -> Timestamp {
    noon() + SignedDuration::from_hours(hours)
}
fn days(days: i64) -> Timestamp {
    hours(days * 24)
}

/// A hospital that holds her record, where she was received and stays.
fn admitted() -> (Node, Evidence) {
    let node = node_with_her("imss");
    node.check_in(&clerk(), SHE, noon()).unwrap();
    let stay = node.admit(&clerk(), SHE, noon()).unwrap();
    (node, stay)
}

fn opens(node: &Node, now: Timestamp) -> bool {
    node.decide(treat(doctor()), now).is_ok()
}

#[test]
fn a_stay_counts_until_she_is_discharged_and_no_longer_than_the_pact_says() {
    let (node, stay) = admitted();
    assert_eq!(stay.until, days(14));
    // Long after the check-in is over, for everybody who cares there, and for writing.
    assert!(opens(&node, days(3)) && opens(&node, days(14) - SignedDuration::from_secs(1)));
    let writes = Request {
        verbs: Verbs::only(Verb::Create),
        types: Some(vec![of("Condition")]),
        ..treat(doctor())
    };
    assert!(node.decide(writes, days(3)).is_ok());
    assert!(!opens(&node, days(14)));
    assert_eq!(node.stays(&doctor(), SHE, days(3)).unwrap(), Some(days(14)));
    assert!(node.is_here(&doctor(), SHE, days(3)).unwrap());
    let elsewhere = actor("farmacia", Role::Physician);
    assert!(!node.is_here(&elsewhere, SHE, days(3)).unwrap());

    node.discharge(&clerk(), SHE, days(4)).unwrap();
    let next = days(4) + SignedDuration::from_micros(1);
    assert!(!opens(&node, next));
    assert_eq!(node.stays(&doctor(), SHE, next).unwrap(), None);
    let again = node.discharge(&clerk(), SHE, next).unwrap_err();
    assert_eq!(again.kind, RefusalKind::Bad);
}

#[test]
fn a_stay_is_said_anew_while_it_lasts() {
    let (node, _) = admitted();
    // The check-in is long over: that she stays is enough.
    let renewed = node.admit(&doctor(), SHE, days(10)).unwrap();
    assert_eq!(renewed.until, days(24));
    assert!(opens(&node, days(20)));
    // One discharge ends all of it.
    node.discharge(&doctor(), SHE, days(21)).unwrap();
    assert!(!opens(&node, days(22)));
}

#[test]
fn only_where_people_stay_and_only_who_is_there() {
    let kind = |node: &Node, by: &Actor| node.admit(by, SHE, noon()).unwrap_err();
    let imss = node_with_her("imss");
    let nobody = kind(&imss, &clerk());
    assert_eq!(nobody.kind, RefusalKind::NoEvidence);
    assert!(nobody.es.contains("Recibe primero"), "{}", nobody.es);
    imss.check_in(&clerk(), SHE, noon()).unwrap();
    for by in [
        herself("imss"),
        actor("imss", Role::System),
        actor("imss", Role::Privacy),
    ] {
        assert_eq!(kind(&imss, &by).kind, RefusalKind::Pact, "{by:?}");
    }
    assert_eq!(
        kind(&imss, &actor("farmacia", Role::Clerk)).kind,
        RefusalKind::Forged
    );
    let farmacia = node_with_her("farmacia");
    let by = actor("farmacia", Role::Clerk);
    farmacia.check_in(&by, SHE, noon()).unwrap();
    assert!(!farmacia.admits() && imss.admits());
    let refused = kind(&farmacia, &by);
    assert_eq!(
        (refused.kind, refused.because),
        (RefusalKind::Pact, vec!["admission-not-agreed".to_owned()])
    );
}

#[test]
fn a_pact_that_does_not_know_stays_admits_nobody() {
    let (node, _) = admitted();
    let ours = node.pact();
    let mut next = Pact {
        version: ours.version + 1,
        previous: ours.hash(),
        care: None,
        ..(*ours).clone()
    };
    // It cannot name what it does not know.
    let wrong = pact::sign(&next, &key("imss", 1)).unwrap_err();
    assert!(wrong.to_string().contains("purpose TREAT"), "{wrong}");
    next.purposes[0]
        .evidence
        .retain(|kind| *kind != EvidenceKind::Admission && *kind != EvidenceKind::Referral);
    node.adopt(&signed(&next), noon()).unwrap();
    assert!(!opens(&node, days(1)));
    let refused = node.admit(&clerk(), SHE, noon()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Pact);
}

#[test]
fn other_members_get_a_stay_in_pieces_that_run_out() {
    let (node, stay) = admitted();
    let sanatorio = node_with_her("sanatorio");
    let ask = |evidence: &[Evidence], now: Timestamp| {
        let request = Request {
            via: Some(id("imss")),
            evidence: evidence.to_vec(),
            ..treat(doctor())
        };
        sanatorio.decide(request, now).map(drop).map_err(|r| r.kind)
    };
    let piece = |now: Timestamp| {
        let all = node.evidence(&doctor(), node.tag_of_her(), now);
        let mut stays = all
            .into_iter()
            .filter(|one| one.kind == EvidenceKind::Admission);
        stays.next().unwrap()
    };
    let third = piece(days(1));
    assert_eq!(third.id, format!("{}-2", stay.id));
    // The same to everybody who is asked in its time.
    assert_eq!(third, piece(hours(35)));
    assert_eq!(ask(std::slice::from_ref(&third), days(1)), Ok(()));
    // A stay ends at home at once, elsewhere with its piece.
    node.discharge(&clerk(), SHE, hours(25)).unwrap();
    assert!(
        node.evidence(&doctor(), node.tag_of_her(), hours(26))
            .is_empty()
    );
    assert_eq!(ask(&[], hours(36)), Ok(()));
    assert_eq!(ask(&[], hours(37)), Err(RefusalKind::NoEvidence));
    assert_eq!(ask(&[third], hours(37)), Err(RefusalKind::NoEvidence));
    // The stay itself is for the house; no piece may be longer, nor be of where nobody stays.
    assert_eq!(
        ask(std::slice::from_ref(&stay), hours(37)),
        Err(RefusalKind::Forged)
    );
    let pharmacy = Evidence {
        institution: id("farmacia"),
        issuer: id("farmacia"),
        until: hours(2),
        ..stay
    };
    let request = Request {
        via: Some(id("farmacia")),
        evidence: vec![pharmacy.sign(&key("farmacia", 2))],
        ..treat(actor("farmacia", Role::Physician))
    };
    let refused = sanatorio.decide(request, noon()).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Forged);
}

#[test]
fn what_stood_on_a_stay_is_decided_again_after_the_discharge() {
    let (node, stay) = admitted();
    let now = days(2);
    let grant = node.decide(treat(doctor()), now).unwrap();
    let held = node.store().read(&grant.permit, of("Condition"), "c1");
    node.open_answer(&grant, held.unwrap(), now).unwrap();
    node.discharge(&clerk(), SHE, days(3)).unwrap();
    let acts = node.all_acts();
    let explain = |kind: ActKind| {
        let act = acts.iter().find(|act| act.kind == kind).unwrap();
        let operator = actor("imss", Role::Operator);
        node.explain(&operator, &act.name(), days(4)).unwrap()
    };
    let read = explain(ActKind::Read);
    assert_eq!(read.holds(), Some(true), "{read:#?}");
    assert_eq!(read.evidence, [(stay.id, Some(EvidenceKind::Admission))]);
    let discharged = explain(ActKind::Evidence);
    assert_eq!(discharged.act.what, What::Discharge);
    assert_ne!(discharged.again, Err(Gap::NotAsked));
    assert_eq!(discharged.holds(), Some(true), "{discharged:#?}");
    let said: Vec<String> = acts
        .iter()
        .map(|act| {
            act.view(0)
                .sentence(crate::Lang::Es, &|id| id.0.to_uppercase())
        })
        .collect();
    for wanted in [
        "te dio de alta",
        "te internó",
        "porque estabas en su hospital",
    ] {
        assert!(said.iter().any(|one| one.contains(wanted)), "{said:#?}");
    }
}

#[test]
fn who_admits_by_herself_and_reads_is_noticed_as_who_receives() {
    use super::super::pattern::weight;
    let (node, stay) = admitted();
    assert_eq!(weight(std::slice::from_ref(&stay), &doctor()), 1);
    let own = Evidence {
        by: Some(doctor().id),
        ..stay
    };
    assert_eq!(weight(&[own], &doctor()), 10);
    drop(node);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Receive,
    Admit,
    Discharge,
    Wait(i64),
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Receive),
        Just(Step::Admit),
        Just(Step::Discharge),
        (1..200i64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever is done in whatever order, the record is open as a model of three lines says.
    #[test]
    fn a_stay_is_what_was_said_last(steps in proptest::collection::vec(a_step(), 1..24)) {
        let node = node_with_her("imss");
        let (mut now, mut received, mut stays) = (noon(), noon(), noon());
        for step in steps {
            match step {
                Step::Receive => {
                    node.check_in(&clerk(), SHE, now).unwrap();
                    received = now + SignedDuration::from_hours(1);
                }
                Step::Admit => {
                    let said = node.admit(&clerk(), SHE, now);
                    prop_assert_eq!(said.is_ok(), received > now || stays > now);
                    if said.is_ok() {
                        stays = now + SignedDuration::from_hours(14 * 24);
                    }
                }
                Step::Discharge => {
                    prop_assert_eq!(node.discharge(&clerk(), SHE, now).is_ok(), stays > now);
                    stays = stays.min(now);
                    now += SignedDuration::from_micros(1);
                }
                Step::Wait(some) => now += SignedDuration::from_hours(some),
            }
            prop_assert_eq!(opens(&node, now), received > now || stays > now);
            prop_assert_eq!(node.stays(&doctor(), SHE, now).unwrap().is_some(), stays > now);
        }
    }
}
