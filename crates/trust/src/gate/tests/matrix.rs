//! Who may do what, as a table.

use super::*;
use RefusalKind::{Licence, NoEvidence, Pact};

/// Role, purpose, with a check-in, licence, what is asked; then what is seen or why it is refused.
type Line = (
    Role,
    Purpose,
    bool,
    Option<LicenceState>,
    Verb,
    Result<&'static str, RefusalKind>,
);

#[test]
fn roles_purposes_evidence_and_licences_decide_as_the_pact_says() {
    use LicenceState::{Active, Expired, Suspended, Unverified};
    use Purpose::{Operations, OwnRequest, Payment, Research, Treatment};
    use Role::{Clerk, Nurse, Operator, Patient, Pharmacist, Physician, System};
    use Verb::{Create, Delete, Read};
    const ALL: &str = "Patient Condition MedicationRequest Observation";
    let table: [Line; 31] = [
        (Physician, Treatment, true, Some(Active), Read, Ok(ALL)),
        (Nurse, Treatment, true, Some(Active), Read, Ok(ALL)),
        (
            Pharmacist,
            Treatment,
            true,
            Some(Active),
            Read,
            Ok("Patient MedicationRequest"),
        ),
        (
            Physician,
            Treatment,
            false,
            Some(Active),
            Read,
            Err(NoEvidence),
        ),
        (Nurse, Treatment, false, Some(Active), Read, Err(NoEvidence)),
        (
            Pharmacist,
            Treatment,
            false,
            Some(Active),
            Read,
            Err(NoEvidence),
        ),
        (
            Physician,
            Treatment,
            true,
            Some(Suspended),
            Read,
            Err(Licence),
        ),
        (
            Physician,
            Treatment,
            true,
            Some(Expired),
            Read,
            Err(Licence),
        ),
        (Nurse, Treatment, true, Some(Suspended), Read, Err(Licence)),
        (
            Physician,
            Treatment,
            true,
            Some(Unverified),
            Read,
            Err(Pact),
        ),
        (Physician, Treatment, true, None, Read, Err(Pact)),
        (Physician, Treatment, true, Some(Active), Create, Ok("")),
        (
            Physician,
            Treatment,
            false,
            Some(Active),
            Create,
            Err(NoEvidence),
        ),
        (Physician, Treatment, true, Some(Active), Delete, Ok("")),
        (Nurse, Treatment, true, Some(Active), Create, Err(Pact)),
        (Pharmacist, Treatment, true, Some(Active), Create, Err(Pact)),
        (Clerk, Treatment, true, None, Read, Err(Pact)),
        (Clerk, Treatment, true, None, Create, Err(Pact)),
        (Clerk, Operations, true, None, Read, Err(Pact)),
        (Physician, OwnRequest, true, Some(Active), Read, Err(Pact)),
        (Physician, Operations, true, Some(Active), Read, Err(Pact)),
        (Physician, Research, true, Some(Active), Read, Err(Pact)),
        (Physician, Payment, true, Some(Active), Read, Err(Pact)),
        (Patient, OwnRequest, false, None, Read, Ok(ALL)),
        (Patient, OwnRequest, false, None, Create, Err(Pact)),
        (Patient, Treatment, true, None, Read, Err(Pact)),
        (System, Operations, false, None, Read, Ok(ALL)),
        (System, Operations, false, None, Create, Ok("")),
        (Operator, Operations, false, None, Read, Ok(ALL)),
        (System, Treatment, true, None, Read, Err(Pact)),
        (Operator, Research, false, None, Read, Err(Pact)),
    ];
    for (role, purpose, with_evidence, state, verb, expected) in table {
        let node = node_with_her("imss");
        let who = Actor {
            licence: state.map(licence),
            ..if role == Patient {
                herself("imss")
            } else {
                actor("imss", role)
            }
        };
        if with_evidence {
            node.check_in(&actor("imss", Clerk), SHE, noon()).unwrap();
        }
        let request = Request {
            purpose,
            verbs: if verb == Read {
                Verbs::READING
            } else {
                Verbs::only(verb)
            },
            ..treat(who)
        };
        let found = match node.decide(request, noon()) {
            Ok(grant) => Ok(node.sees(&grant).join(" ")),
            Err(refusal) => Err(refusal.kind),
        };
        assert_eq!(
            found,
            expected.map(str::to_owned),
            "{role:?} {purpose:?} evidence {with_evidence} {state:?} {verb:?}"
        );
    }
}

#[test]
fn a_system_of_another_member_never_reads_here() {
    let node = node_with_her("imss");
    let request = Request {
        purpose: Purpose::Operations,
        via: Some(id("farmacia")),
        ..treat(actor("farmacia", Role::System))
    };
    assert_eq!(refused(&node, request).kind, Pact);
}

#[test]
fn an_actor_of_another_institution_without_its_word_is_forged() {
    let node = node_with_her("imss");
    let check = |who: &str, via: Option<&str>| {
        let request = Request {
            via: via.map(id),
            ..treat(actor(who, Role::Physician))
        };
        assert_eq!(
            refused(&node, request).kind,
            RefusalKind::Forged,
            "{who} {via:?}"
        );
    };
    check("farmacia", None);
    check("farmacia", Some("sanatorio"));
    check("imss", Some("imss"));
    check("nadie", Some("nadie"));
}

#[test]
fn an_unknown_person_and_one_without_evidence_are_refused_alike() {
    let node = node_with_her("imss");
    let doctor = || actor("imss", Role::Physician);
    let ask = |person: PersonRef| {
        refused(
            &node,
            Request {
                person,
                ..treat(doctor())
            },
        )
    };
    let known = ask(PersonRef::Curp(SHE.into()));
    assert_eq!(known.kind, NoEvidence);
    for other in [
        PersonRef::Curp(OTHER.into()),
        PersonRef::Tag(Tag([9; 32])),
        PersonRef::Patient("her".into()),
        PersonRef::Patient("nobody".into()),
        PersonRef::Resource(of("Observation"), "o1".into()),
        PersonRef::Resource(of("Observation"), "nothing".into()),
    ] {
        assert_eq!(ask(other.clone()), known, "{other:?}");
    }
}

#[test]
fn evidence_about_somebody_else_does_not_tell_who_is_known() {
    let node = node_with_her("imss");
    let his = node
        .check_in(&actor("imss", Role::Clerk), OTHER, noon())
        .unwrap();
    let ask = |id: &str| {
        let request = Request {
            person: PersonRef::Patient(id.into()),
            evidence: vec![his.clone()],
            ..treat(actor("imss", Role::Physician))
        };
        refused(&node, request)
    };
    assert_eq!(ask("her").kind, RefusalKind::Forged);
    assert_eq!(ask("her"), ask("nobody"));
}

#[test]
fn a_refusal_is_an_act_that_the_person_can_read() {
    let node = node_with_her("imss");
    refused(&node, treat(actor("imss", Role::Physician)));
    let log = node
        .decide(her_own(herself("imss"), What::Log), noon())
        .unwrap();
    let acts = node.acts(&log, None, 50, noon()).unwrap();
    assert_eq!(acts[0].kind, ActKind::Denied);
    assert_eq!(acts[0].refused, ["no-evidence"]);
}

#[test]
fn a_clerk_finds_who_is_meant_and_nothing_of_her_health() {
    let node = node_with_her("imss");
    let request = Request {
        what: What::Find,
        ..treat(actor("imss", Role::Clerk))
    };
    let grant = node.decide(request.clone(), noon()).unwrap();
    assert_eq!(node.sees(&grant), ["Patient"]);
    let everyone = Request {
        person: PersonRef::Everyone,
        ..request
    };
    let grant = node.decide(everyone, noon()).unwrap();
    assert_eq!(node.sees(&grant), ["Patient"]);
}

#[test]
fn finding_and_the_log_change_nothing() {
    let node = node_with_her("imss");
    let request = Request {
        what: What::Find,
        verbs: Verbs::ALL,
        ..treat(actor("imss", Role::Clerk))
    };
    assert_eq!(refused(&node, request).kind, RefusalKind::Bad);
}

#[test]
fn the_desk_registers_somebody_new_and_only_her() {
    let node = node("farmacia");
    let clerk = actor("farmacia", Role::Clerk);
    node.check_in(&clerk, SHE, noon()).unwrap();
    let request = Request {
        verbs: Verbs::only(Verb::Create),
        types: Some(vec![of("Patient")]),
        what: What::Writing("registro".into()),
        ..treat(clerk)
    };
    let create = |curp: &str| Change::Create {
        of: of("Patient"),
        id: "new".into(),
        resource: parse(&patient("new", curp)),
        if_none_exist: None,
    };
    let grant = node.decide(request.clone(), noon()).unwrap();
    assert!(matches!(
        node.write(&grant, vec![create(OTHER)], noon()),
        Err(store::Error::NotPermitted(_))
    ));
    node.write(&grant, vec![create(SHE)], noon()).unwrap();
    // Now she is known: the same leave is for her own record.
    let again = node.decide(request, noon()).unwrap();
    assert!(!again.newcomer);
    let doctor = node
        .decide(treat(actor("farmacia", Role::Physician)), noon())
        .unwrap();
    assert!(node.reads(&doctor, "Patient", "new").is_some());
}

#[test]
fn a_doctor_writes_to_the_record_of_the_person_in_her_care_and_to_no_other() {
    let node = node_with_her("imss");
    node.load(&patient("him", OTHER));
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let request = Request {
        verbs: Verbs::only(Verb::Create),
        what: What::Writing("Condition".into()),
        ..treat(actor("imss", Role::Physician))
    };
    let grant = node.decide(request, noon()).unwrap();
    let condition = |id: &str, whose: &str| Change::Create {
        of: of("Condition"),
        id: id.into(),
        resource: parse(&format!(
            "{{\"resourceType\":\"Condition\",\"subject\":{{\"reference\":\"Patient/{whose}\"}}}}"
        )),
        if_none_exist: None,
    };
    let written = node
        .write(&grant, vec![condition("c2", "her")], noon())
        .unwrap();
    assert!(written.written[0].created);
    assert!(
        node.write(&grant, vec![condition("c3", "him")], noon())
            .is_err()
    );
    let act = &node.all_acts()[0];
    assert_eq!((act.kind, act.resources), (ActKind::Write, 1));
    assert_eq!(act.person, Some(node.tag_of_her()));
    assert_eq!(act.grounds.policies, ["physician-writes"]);
}

#[test]
fn the_same_inputs_give_the_same_decision_remembered_or_not() {
    let node = node_with_her("imss");
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let grounds = |node: &Node| {
        node.decide(treat(actor("imss", Role::Physician)), at("12:05"))
            .unwrap()
            .grounds
    };
    let first = grounds(&node);
    assert_eq!(grounds(&node), first);
    // The same archive behind a gate that remembers nothing.
    let Node { gate, dir } = node;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    assert_eq!(grounds(&Node { gate, dir }), first);
    assert_eq!((first.pact, first.word, first.evidence.len()), (1, 0, 1));
    assert_eq!(first.policies, ["care-reads", "care-sees-all"]);
}

#[test]
fn what_was_granted_before_is_granted_again_without_a_decision_and_nothing_else_is() {
    let node = node_with_her("imss");
    let doctor = || treat(actor("imss", Role::Physician));
    let before = |request: Request| node.decided_before(request, at("12:05"));
    let grounds = |request: Request| before(request).map(|grant| grant.grounds);
    // Refused, and so not granted before; nothing of this is an act.
    refused(&node, doctor());
    let acts = node.all_acts().len();
    assert_eq!(grounds(doctor()), None);
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    assert_eq!(grounds(doctor()), None);
    let decided = node.decide(doctor(), at("12:05")).unwrap();
    let again = before(doctor()).unwrap();
    assert_eq!(again.grounds, decided.grounds);
    assert_eq!(node.sees(&again), node.sees(&decided));
    assert_ne!(again.permit.id(), decided.permit.id());
    // Another person, another role, a licence that changed, evidence that must first be heard, and when hers ran out.
    let suspended = Actor {
        licence: Some(licence(LicenceState::Suspended)),
        ..actor("imss", Role::Physician)
    };
    for request in [
        Request {
            person: PersonRef::Curp(OTHER.into()),
            ..doctor()
        },
        treat(actor("imss", Role::Pharmacist)),
        treat(suspended),
        Request {
            evidence: again_sent(&node),
            ..doctor()
        },
    ] {
        assert_eq!(grounds(request), None);
    }
    assert!(node.decided_before(doctor(), at("13:30")).is_none());
    // Her word counts at once.
    node.say(&herself("imss"), Vec::new(), at("12:05")).unwrap();
    assert_eq!(grounds(doctor()), None);
    // The check-in, eight readings by two grants, and her word.
    assert_eq!(node.all_acts().len(), acts + 1 + 8 + 1);
}

/// The evidence that a node keeps of her, as somebody would send it along.
fn again_sent(node: &Node) -> Vec<Evidence> {
    node.evidence(&actor("imss", Role::Physician), node.tag_of_her(), noon())
}

fn awaited<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::yield_now();
    }
}

#[test]
fn an_answer_that_nobody_waits_for_is_an_act_all_the_same() {
    let node = node_with_her("imss");
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let grant = node
        .decide(treat(actor("imss", Role::Physician)), noon())
        .unwrap();
    let read = || {
        node.store()
            .read(&grant.permit, of("Condition"), "c1")
            .unwrap()
    };
    drop(node.opening(&grant, read(), noon()).unwrap());
    let opening = node.opening(&grant, read(), noon()).unwrap();
    let (found, name) = awaited(opening).unwrap();
    assert_eq!(found.map(|version| version.id).as_deref(), Some("c1"));
    let acts = node.all_acts();
    let readings: Vec<_> = acts
        .iter()
        .filter(|act| act.kind == ActKind::Read)
        .collect();
    assert_eq!(readings.len(), 2);
    assert_eq!(hex(&readings[0].id), name);
    assert!(readings.iter().all(|act| act.seen[0].id == "c1"));
}

#[test]
fn somebody_without_a_curp_is_received_by_her_record() {
    let node = node("imss");
    node.load("{\"resourceType\":\"Patient\",\"id\":\"folio7\"}");
    let ask = |evidence| {
        let request = Request {
            person: PersonRef::Patient("folio7".into()),
            evidence,
            ..treat(actor("imss", Role::Physician))
        };
        node.decide(request, noon())
    };
    assert_eq!(ask(vec![]).unwrap_err().kind, NoEvidence);
    node.check_in(&actor("imss", Role::Clerk), "Patient/folio7", noon())
        .unwrap();
    let grant = ask(vec![]).unwrap();
    assert!(node.reads(&grant, "Patient", "folio7").is_some());
}

#[test]
fn what_is_no_curp_is_a_bad_request_and_says_why() {
    let node = node("imss");
    let ask = |curp: &str| {
        let person = PersonRef::Curp(curp.into());
        refused(
            &node,
            Request {
                person,
                ..treat(actor("imss", Role::Physician))
            },
        )
    };
    assert_eq!(ask("HEGG56").kind, RefusalKind::Bad);
    assert!(ask("HEGG56").en.contains("18"));
    assert_eq!(ask(mx::curp::GENERIC).kind, RefusalKind::Bad);
}
