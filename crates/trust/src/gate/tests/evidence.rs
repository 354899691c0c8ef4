//! Evidence: forged, run out, meant for somebody else; codes.

use super::*;
use crate::EvidenceKind;

/// A check-in of the person at the pharmacy, as its node signs it.
fn check_in() -> Evidence {
    Evidence {
        id: "e1".into(),
        kind: EvidenceKind::CheckIn,
        person: Tag::of_curp(&SECRET, SHE),
        institution: id("farmacia"),
        actor: None,
        by: None,
        acting: None,
        from: at("11:50"),
        until: at("12:40"),
        issuer: id("farmacia"),
        signature: String::new(),
    }
}

/// What IMSS says when the pharmacy's doctor asks with this evidence.
fn check(evidence: Evidence, expected: Result<(), RefusalKind>) {
    let said = format!("{evidence:?}");
    let node = node_with_her("imss");
    let request = Request {
        via: Some(id("farmacia")),
        evidence: vec![evidence],
        ..treat(actor("farmacia", Role::Physician))
    };
    let found = node.decide(request, noon()).map(drop).map_err(|r| r.kind);
    assert_eq!(found, expected, "{said}");
}

#[test]
fn another_members_evidence_is_weighed() {
    use RefusalKind::{Forged, NoEvidence};
    let pharmacy = key("farmacia", 2);
    let sign = |evidence: Evidence| evidence.sign(&pharmacy);
    check(sign(check_in()), Ok(()));
    // Run out at that very moment; not begun.
    check(
        sign(Evidence {
            until: noon(),
            ..check_in()
        }),
        Err(NoEvidence),
    );
    check(
        sign(Evidence {
            from: at("12:02"),
            ..check_in()
        }),
        Err(NoEvidence),
    );
    // Unsigned, signed by another, altered after it was signed.
    check(check_in(), Err(Forged));
    check(check_in().sign(&key("sanatorio", 3)), Err(Forged));
    check(
        Evidence {
            until: at("12:41"),
            ..sign(check_in())
        },
        Err(Forged),
    );
    // About somebody else, for another institution, for another actor.
    let tag = Tag::of_curp(&SECRET, OTHER);
    check(
        sign(Evidence {
            person: tag,
            ..check_in()
        }),
        Err(Forged),
    );
    check(
        sign(Evidence {
            institution: id("imss"),
            ..check_in()
        }),
        Err(Forged),
    );
    check(
        sign(Evidence {
            actor: Some("otra".into()),
            ..check_in()
        }),
        Err(Forged),
    );
    check(
        sign(Evidence {
            actor: Some("una-physician".into()),
            ..check_in()
        }),
        Ok(()),
    );
    // Longer than the pact lets a check-in last; by who is no member.
    check(
        sign(Evidence {
            until: at("13:00"),
            ..check_in()
        }),
        Err(Forged),
    );
    check(
        sign(Evidence {
            issuer: id("nadie"),
            ..check_in()
        }),
        Err(Forged),
    );
    // Only the institution itself can say that it received somebody; a code is confirmed by who showed it.
    let by_imss = Evidence {
        issuer: id("imss"),
        ..check_in()
    };
    check(by_imss.clone().sign(&key("imss", 1)), Err(Forged));
    let code = Evidence {
        kind: EvidenceKind::PatientCode,
        ..by_imss
    };
    check(code.sign(&key("imss", 1)), Ok(()));
}

#[test]
fn a_check_in_counts_for_its_hour_and_its_institution() {
    let node = node_with_her("imss");
    let doctor = || treat(actor("imss", Role::Physician));
    let evidence = node
        .check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    assert!(node.decide(doctor(), at("12:59")).is_ok());
    assert_eq!(
        node.decide(doctor(), at("13:00")).unwrap_err().kind,
        RefusalKind::NoEvidence
    );
    assert_eq!(
        node.evidence(&actor("imss", Role::Nurse), node.tag_of_her(), noon()),
        [evidence]
    );
    assert_eq!(
        node.evidence(&actor("farmacia", Role::Nurse), node.tag_of_her(), noon()),
        []
    );
}

#[test]
fn who_does_not_work_at_the_desk_receives_nobody() {
    let node = node_with_her("imss");
    let check = |by: Actor| node.check_in(&by, SHE, noon()).unwrap_err().kind;
    assert_eq!(check(herself("imss")), RefusalKind::Pact);
    assert_eq!(check(actor("imss", Role::System)), RefusalKind::Pact);
    assert_eq!(check(actor("farmacia", Role::Clerk)), RefusalKind::Forged);
    let suspended = Actor {
        licence: Some(licence(LicenceState::Suspended)),
        ..actor("imss", Role::Physician)
    };
    assert_eq!(check(suspended), RefusalKind::Licence);
    assert_eq!(node.all_acts()[0].kind, ActKind::Denied);
}

#[test]
fn an_appointment_opens_to_its_doctor_around_its_hour() {
    let node = node_with_her("imss");
    for login in ["ana", "eva"] {
        node.account(doctor_account(login), noon()).unwrap();
    }
    let clerk = actor("imss", Role::Clerk);
    node.appoint(&clerk, SHE, "ana", at("18:00"), noon())
        .unwrap();
    let ask = |login: &str, time: &str| {
        let who = Actor {
            id: login.into(),
            ..actor("imss", Role::Physician)
        };
        node.decide(treat(who), at(time)).is_ok()
    };
    assert_eq!(
        [
            ask("ana", "15:58"),
            ask("ana", "16:00"),
            ask("ana", "19:59"),
            ask("ana", "20:00")
        ],
        [false, true, true, false]
    );
    assert!(!ask("eva", "18:00"));
    assert_eq!(
        node.appoint(&clerk, SHE, "nadie", at("18:00"), noon())
            .unwrap_err()
            .kind,
        RefusalKind::Bad
    );
}

fn doctor_account(login: &str) -> NewAccount {
    NewAccount {
        login: login.into(),
        secret: "secreta".into(),
        name: "Ana Ruiz".into(),
        role: Role::Physician,
        licence: Some(licence(LicenceState::Active)),
        curp: None,
        unit: None,
    }
}

#[test]
fn a_code_is_good_once_for_minutes_and_for_who_redeems_it() {
    let (imss, farmacia) = (node_with_her("imss"), node("farmacia"));
    let shown = imss.show_code(&herself("imss"), noon()).unwrap();
    assert!(
        shown.code.starts_with("IMSS-") && shown.code.len() == 14,
        "{}",
        shown.code
    );
    let spoken = format!(" {} ", shown.code.to_lowercase());
    let evidence = imss
        .redeem(&spoken, &id("farmacia"), "una-physician", at("12:05"))
        .unwrap();
    farmacia.accept(evidence.clone(), at("12:05")).unwrap();
    let doctor = actor("farmacia", Role::Physician);
    assert_eq!(
        farmacia.evidence(&doctor, farmacia.tag_of_her(), at("12:06")),
        std::slice::from_ref(&evidence)
    );
    let request = Request {
        via: Some(id("farmacia")),
        evidence: vec![evidence.clone()],
        ..treat(doctor)
    };
    assert!(imss.decide(request, at("12:06")).is_ok());
    // Spent; and of no use to a colleague or another institution.
    let again = imss.redeem(&shown.code, &id("farmacia"), "una-physician", at("12:06"));
    assert_eq!(again.unwrap_err().kind, RefusalKind::NoEvidence);
    assert_eq!(
        imss.accept(evidence.clone(), at("12:06")).unwrap_err().kind,
        RefusalKind::Forged
    );
    assert_eq!(
        farmacia.evidence(
            &actor("farmacia", Role::Nurse),
            farmacia.tag_of_her(),
            at("12:06")
        ),
        []
    );
}

#[test]
fn a_code_runs_out_and_a_new_one_replaces_it() {
    let imss = node("imss");
    let redeem = |code: &PatientCode, time| {
        imss.redeem(&code.code, &id("farmacia"), "ana", time)
            .is_ok()
    };
    let first = imss.show_code(&herself("imss"), noon()).unwrap();
    let second = imss.show_code(&herself("imss"), noon()).unwrap();
    assert!(!redeem(&first, noon()));
    assert!(!redeem(&second, at("12:10")));
    let third = imss.show_code(&herself("imss"), at("12:10")).unwrap();
    assert!(redeem(&third, at("12:19")));
}

#[test]
fn guessing_codes_slows_the_institution_down() {
    let imss = node("imss");
    let guess = || {
        imss.redeem("IMSS-0000-0000", &id("farmacia"), "ana", noon())
            .unwrap_err()
            .kind
    };
    let kinds: Vec<RefusalKind> = (0..6).map(|_| guess()).collect();
    assert_eq!(kinds[..5], [RefusalKind::NoEvidence; 5]);
    assert_eq!(kinds[5], RefusalKind::SlowDown);
    assert!(
        imss.redeem("IMSS-1-1", &id("nadie"), "ana", noon())
            .is_err()
    );
}

#[test]
fn another_members_patient_reads_hers_when_that_member_says_it_is_she() {
    let (imss, farmacia) = (node_with_her("imss"), node("farmacia"));
    let she = herself("farmacia");
    let ask = |evidence: Vec<Evidence>, what: What| {
        let request = Request {
            via: Some(id("farmacia")),
            evidence,
            ..her_own(she.clone(), what)
        };
        imss.decide(request, noon())
    };
    assert!(ask(vec![], What::Summary).is_err());
    let evidence = farmacia.evidence(&she, farmacia.tag_of_her(), noon());
    assert_eq!(evidence[0].kind, EvidenceKind::OwnAccess);
    assert_eq!(
        imss.sees(&ask(evidence.clone(), What::Summary).unwrap())
            .len(),
        4
    );
    assert!(ask(evidence, What::Log).is_ok());
    assert_eq!(farmacia.evidence(&she, farmacia.tag(OTHER), noon()), []);
}

#[test]
fn a_patient_reads_nobody_elses_record() {
    let node = node_with_her("imss");
    let other = Actor {
        curp: Some(OTHER.into()),
        ..herself("imss")
    };
    assert!(
        node.decide(her_own(other.clone(), What::Summary), noon())
            .is_err()
    );
    assert!(node.decide(her_own(other, What::Log), noon()).is_err());
}
