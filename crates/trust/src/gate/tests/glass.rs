//! Breaking the glass at home, step by step, and what is tried against it.

use super::*;
use crate::glass::{self, Figures, Reason, Stage, Step, totp};
use crate::{ActView, Category, EvidenceKind, NewAccount, News, Rule, Who};

const WHY: (Reason, &str) = (Reason::CannotSpeak, "Llegó inconsciente en ambulancia.");
const FINE: (bool, &str) = (true, "Consta en la hoja de urgencias.");

pub(super) fn day(day: u8, time: &str) -> Timestamp {
    format!("2026-11-{day}T{time}:00Z").parse().unwrap()
}

/// Somebody with an account here, in a unit.
pub(super) fn staff(node: &Node, login: &str, role: Role, unit: Option<&str>) -> Actor {
    let licensed = [Role::Physician, Role::Nurse].contains(&role);
    let account = NewAccount {
        login: login.into(),
        secret: "una clave larga".into(),
        name: format!("Persona {login}"),
        role,
        licence: licensed.then(|| licence(LicenceState::Active)),
        curp: None,
        unit: unit.map(str::to_owned),
    };
    node.account(account, noon()).unwrap();
    node.token(login, 24 * 30, noon()).unwrap().actor
}

/// The hospital with her record: beside the usual three resources an allergy, a blood group and a contraceptive.
fn hospital() -> Node {
    let node = node_with_her("imss");
    for resource in [
        r#"{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"Patient/her"},"code":{"text":"Penicilina"}}"#,
        r#"{"resourceType":"Observation","id":"b1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"882-1"}]},"subject":{"reference":"Patient/her"}}"#,
        r#"{"resourceType":"MedicationRequest","id":"g1","status":"active","intent":"order","medicationCodeableConcept":{"coding":[{"system":"http://www.whocc.no/atc","code":"G03AA07"}]},"subject":{"reference":"Patient/her"}}"#,
    ] {
        node.load(resource);
    }
    node
}

const THINGS: [(&str, &str); 7] = [
    ("Patient", "her"),
    ("Condition", "c1"),
    ("MedicationRequest", "m1"),
    ("MedicationRequest", "g1"),
    ("Observation", "o1"),
    ("Observation", "b1"),
    ("AllergyIntolerance", "a1"),
];

/// What somebody sees of it in an emergency.
fn opens(node: &Node, by: &Actor, now: Timestamp) -> Result<Vec<&'static str>, RefusalKind> {
    let grant = node
        .decide(emergency(by), now)
        .map_err(|refusal| refusal.kind)?;
    let shown = THINGS
        .into_iter()
        .filter(|(of, id)| node.reads(&grant, of, id).is_some());
    Ok(shown.map(|(_, id)| id).collect())
}

fn emergency(by: &Actor) -> Request {
    Request {
        purpose: Purpose::Emergency,
        ..treat(by.clone())
    }
}

const SET: [&str; 3] = ["her", "b1", "a1"];
const ALL: [&str; 7] = ["her", "c1", "m1", "g1", "o1", "b1", "a1"];

fn seal(what: &[Category], insist: bool) -> Rule {
    Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Everyone,
        what: what.to_vec(),
        purpose: None,
        until: None,
        hint: false,
        insist,
        ..Rule::default()
    }
}

/// A second factor, as a telephone has it: gives the code of a moment.
fn enrolled(node: &Node, by: &Actor, now: Timestamp) -> impl Fn(Timestamp) -> String + use<> {
    let enrolment = node.begin_factor(by, "una clave larga", now).unwrap();
    let secret = from_base32(&enrolment.secret);
    node.prove_factor(by, &totp::present(&secret, now), now)
        .unwrap();
    move |now| totp::present(&secret, now)
}

fn from_base32(text: &str) -> Vec<u8> {
    let letters = text.chars().filter(|c| !c.is_whitespace());
    let five = letters.map(|c| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap());
    let bits: Vec<bool> = five
        .flat_map(|n| (0..5).rev().map(move |bit| n >> bit & 1 == 1))
        .collect();
    let byte = |bits: &[bool]| bits.iter().fold(0, |all, bit| all << 1 | u8::from(*bit));
    bits.chunks_exact(8).map(byte).collect()
}

fn her_log(node: &Node, now: Timestamp) -> Vec<ActView> {
    let grant = node
        .decide(her_own(herself("imss"), What::Log), now)
        .unwrap();
    node.acts(&grant, None, 100, now).unwrap()
}

/// What her log says of emergencies, oldest first.
pub(super) fn told(node: &Node, now: Timestamp) -> Vec<String> {
    let mut lines: Vec<String> = her_log(node, now)
        .iter()
        .filter(|act| matches!(act.what, What::Glass(_)))
        .map(|act| act.sentence(Lang::Es, &|member| member.0.clone()))
        .collect();
    lines.reverse();
    lines
}

#[test]
fn from_declaration_to_verdict_each_step_is_told_to_the_person() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, Some("urgencias"));
    let rosa = staff(&node, "rosa", Role::Privacy, Some("privacidad"));
    // Her seals, none of which insists.
    node.say(&herself("imss"), vec![seal(&[], false)], noon())
        .unwrap();
    assert_eq!(opens(&node, &ana, noon()), Err(RefusalKind::NoEvidence));

    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    assert_eq!(opens(&node, &ana, at("12:05")).unwrap(), SET);
    let phone = enrolled(&node, &ana, at("12:08"));
    let now = at("12:10");
    let one = node.confirm(&ana, &one.id, &phone(now), now).unwrap();
    assert_eq!(opens(&node, &ana, at("12:11")).unwrap(), ALL);
    assert_eq!(one.stage(at("12:11")), Stage::Confirmed);
    let open = node.open_break(&ana, SHE, at("12:11")).unwrap();
    assert_eq!(open.map(|open| open.id), Some(one.id.clone()));

    // It runs out by itself.
    assert_eq!(
        opens(&node, &ana, at("16:00")),
        Err(RefusalKind::NoEvidence)
    );
    assert_eq!(node.open_break(&ana, SHE, at("16:00")).unwrap(), None);
    assert_eq!(node.to_review(&rosa, at("16:00")).unwrap().len(), 1);
    let (_, done) = node.under_review(&rosa, &one.id, at("16:05")).unwrap();
    // All that was asked for, found or not.
    assert_eq!(done.len(), 2 * THINGS.len());
    assert!(done.iter().all(|act| act.purpose == Purpose::Emergency));
    let one = node.review(&rosa, &one.id, FINE, day(23, "10:00")).unwrap();
    assert_eq!(one.stage(day(23, "10:00")), Stage::Reviewed);
    // It waits for the other members.
    let waiting = node.rows(glass::OUTBOX, 10).unwrap();
    let keys: Vec<String> = waiting
        .iter()
        .map(|(key, _)| String::from_utf8_lossy(key).into())
        .collect();
    assert_eq!(
        keys,
        [
            format!("farmacia {}", one.id),
            format!("sanatorio {}", one.id)
        ]
    );
    assert_eq!(node.to_review(&rosa, day(23, "10:01")).unwrap(), []);

    let lines = told(&node, day(23, "11:00"));
    let expected = [
        "Persona ana, médico general de imss, abrió de emergencia lo que puede salvarte la vida a las 6:00, porque no podías hablar: «Llegó inconsciente en ambulancia». Alguien de otra área lo revisará antes del 29 de noviembre de 2026.",
        "Persona ana, médico general de imss, abrió el resto de tu historia a las 6:10 por la misma emergencia.",
        "Persona rosa, de privacidad de imss, revisó una emergencia a las 4:00: sí hubo motivo: «Consta en la hoja de urgencias».",
    ];
    assert_eq!(lines, expected);
    // Each read says that it was an emergency, and that the reviewer looked is there too.
    let log = her_log(&node, day(23, "11:00"));
    let found = |act: &&ActView| act.kind == ActKind::Read && act.resources > 0;
    let reads = log.iter().filter(found);
    let sentences: Vec<String> = reads
        .map(|act| act.sentence(Lang::Es, &|m| m.0.clone()))
        .collect();
    assert!(
        sentences
            .iter()
            .all(|line| line.ends_with("por una emergencia.")),
        "{sentences:?}"
    );
    assert!(
        log.iter()
            .any(|act| act.kind == ActKind::Log && act.role == Role::Privacy)
    );
    let figures = node.emergencies(day(23, "11:00")).unwrap();
    let expected = Figures {
        declared: 1,
        confirmed: 1,
        justified: 1,
        ..Figures::default()
    };
    assert_eq!(figures, expected);
}

#[test]
fn what_she_insists_on_keeping_stays_closed_also_in_an_emergency() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    let phone = enrolled(&node, &ana, noon());
    let say = |rules| node.say(&herself("imss"), rules, noon()).map(drop).unwrap();
    say(vec![seal(&[Category::Reproductive], true)]);
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    assert_eq!(opens(&node, &ana, noon()).unwrap(), SET);
    let now = at("12:01");
    node.confirm(&ana, &one.id, &phone(now), now).unwrap();
    let seen = opens(&node, &ana, now).unwrap();
    assert_eq!(seen, ["her", "c1", "m1", "o1", "b1", "a1"]);
    say(vec![seal(&[Category::Allergies], true)]);
    assert!(!opens(&node, &ana, now).unwrap().contains(&"a1"));
    // All of it: not even that she is known here.
    say(vec![seal(&[], true)]);
    assert_eq!(opens(&node, &ana, now).unwrap(), [""; 0]);
}

#[test]
fn a_seal_leaves_what_could_save_her_to_those_who_care_for_her() {
    let node = hospital();
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    let sees = |role: Role, insist: bool| {
        node.say(&herself("imss"), vec![seal(&[], insist)], noon())
            .unwrap();
        let grant = node.decide(treat(actor("imss", role)), noon()).unwrap();
        let shown = THINGS
            .into_iter()
            .filter(|(of, id)| node.reads(&grant, of, id).is_some());
        shown.map(|(_, id)| id).collect::<Vec<_>>()
    };
    assert_eq!(sees(Role::Physician, false), SET);
    assert_eq!(sees(Role::Physician, true), [""; 0]);
    // The pact opens to a pharmacist what it opens, whatever could save a life.
    assert_eq!(sees(Role::Pharmacist, false), ["her", "a1"]);
}

#[test]
fn an_emergency_opens_nothing_to_others_nor_for_anything_else() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    let luis = staff(&node, "luis", Role::Physician, None);
    node.declare(&ana, SHE, WHY, noon()).unwrap();
    assert_eq!(opens(&node, &luis, noon()), Err(RefusalKind::NoEvidence));
    let care = |by: &Actor| {
        node.decide(treat(by.clone()), noon())
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(care(&ana).err(), Some(RefusalKind::NoEvidence));
    let about_other = Request {
        person: PersonRef::Curp(OTHER.into()),
        ..emergency(&ana)
    };
    assert_eq!(refused(&node, about_other).kind, RefusalKind::NoEvidence);
    // It reads, and writes nothing.
    let writing = Request {
        verbs: Verbs::only(Verb::Create),
        ..emergency(&ana)
    };
    assert_eq!(refused(&node, writing).kind, RefusalKind::Pact);
    // A check-in is no emergency.
    node.check_in(&actor("imss", Role::Clerk), SHE, noon())
        .unwrap();
    assert_eq!(opens(&node, &luis, noon()), Err(RefusalKind::NoEvidence));
}

#[test]
fn only_those_who_care_and_are_here_declare_and_every_try_is_an_act() {
    let node = hospital();
    let table = [
        (Role::Physician, None),
        (Role::Nurse, None),
        (Role::Pharmacist, Some(RefusalKind::Pact)),
        (Role::Clerk, Some(RefusalKind::Pact)),
        (Role::System, Some(RefusalKind::Pact)),
        (Role::Operator, Some(RefusalKind::Pact)),
        (Role::Privacy, Some(RefusalKind::Pact)),
        (Role::Patient, Some(RefusalKind::Pact)),
    ];
    for (role, expected) in table {
        let by = actor("imss", role);
        let declared = node.declare(&by, SHE, WHY, noon());
        assert_eq!(
            declared.err().map(|refusal| refusal.kind),
            expected,
            "{role:?}"
        );
    }
    let suspended = Actor {
        licence: Some(licence(LicenceState::Suspended)),
        ..actor("imss", Role::Physician)
    };
    let why = node.declare(&suspended, SHE, WHY, noon()).unwrap_err().kind;
    assert_eq!(why, RefusalKind::Licence);
    let stranger = node.declare(&actor("farmacia", Role::Physician), SHE, WHY, noon());
    assert_eq!(stranger.unwrap_err().kind, RefusalKind::Forged);
    let tried = told(&node, noon());
    assert_eq!(
        tried
            .iter()
            .filter(|line| line.contains("quiso abrir de emergencia"))
            .count(),
        7
    );
}

#[test]
fn a_pact_that_does_not_know_emergencies_has_none() {
    let node = hospital();
    let next = Pact {
        emergency: None,
        ..a_pact(2, node.pact().hash())
    };
    let ana = staff(&node, "ana", Role::Physician, None);
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    node.adopt(&signed(&next), noon()).unwrap();
    let why = node.declare(&ana, SHE, WHY, noon()).unwrap_err().kind;
    assert_eq!(why, RefusalKind::Pact);
    // Nor does what was declared before open anything.
    assert_eq!(opens(&node, &ana, noon()), Err(RefusalKind::NoEvidence));
    assert_eq!(one.stage(noon()), Stage::Declared);
}

#[test]
fn a_second_factor_is_shown_once_and_by_its_holder() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    let luis = staff(&node, "luis", Role::Physician, None);
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    let none = node.confirm(&ana, &one.id, "123456", noon()).unwrap_err();
    assert_eq!(none.kind, RefusalKind::Bad);
    let hers = enrolled(&node, &ana, noon());
    let his = enrolled(&node, &luis, noon());
    let now = at("12:02");
    // His code is not hers, and his hand is not hers.
    let wrong = node.confirm(&ana, &one.id, &his(now), now).unwrap_err();
    assert_eq!(wrong.kind, RefusalKind::WrongSecret);
    let not_hers = node.confirm(&luis, &one.id, &his(now), now).unwrap_err();
    assert_eq!(not_hers.kind, RefusalKind::Bad);
    assert_eq!(opens(&node, &ana, now).unwrap(), SET);
    let code = hers(now);
    node.confirm(&ana, &one.id, &code, now).unwrap();
    // The same code for the next emergency: used.
    let two = node.declare(&ana, SHE, WHY, now).unwrap();
    let again = node.confirm(&ana, &two.id, &code, now).unwrap_err();
    assert_eq!(again.kind, RefusalKind::WrongSecret);
    // The code of the enrolment is used as well.
    let fresh = staff(&node, "eva", Role::Nurse, None);
    let phone = enrolled(&node, &fresh, now);
    let three = node.declare(&fresh, SHE, WHY, now).unwrap();
    let again = node
        .confirm(&fresh, &three.id, &phone(now), now)
        .unwrap_err();
    assert_eq!(again.kind, RefusalKind::WrongSecret);
    let wrong_codes = told(&node, now);
    assert_eq!(
        wrong_codes
            .iter()
            .filter(|line| line.contains("quiso abrir"))
            .count(),
        3
    );
}

#[test]
fn guessing_codes_is_slowed_down() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    let phone = enrolled(&node, &ana, noon());
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    let now = at("12:01");
    let right = phone(now);
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    for _ in 0..5 {
        let refusal = node.confirm(&ana, &one.id, wrong, now).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::WrongSecret);
    }
    let refusal = node.confirm(&ana, &one.id, wrong, now).unwrap_err();
    assert!(matches!(
        refusal.kind,
        RefusalKind::WrongSecret | RefusalKind::SlowDown
    ));
    assert_eq!(
        node.confirm(&ana, &one.id, &right, now).unwrap_err().kind,
        RefusalKind::SlowDown
    );
}

#[test]
fn a_second_factor_is_begun_with_the_password_and_changed_by_the_operator_only() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    let wrong = node.begin_factor(&ana, "otra clave", noon()).unwrap_err();
    assert_eq!(wrong.kind, RefusalKind::WrongSecret);
    assert!(!node.has_factor("ana").unwrap());
    let begun = node.begin_factor(&ana, "una clave larga", noon()).unwrap();
    assert!(
        begun
            .uri
            .starts_with("otpauth://totp/Tejido%20imss:ana?secret=")
    );
    // Begun is not proven.
    assert!(!node.has_factor("ana").unwrap());
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    let secret = from_base32(&begun.secret);
    let code = totp::present(&secret, noon());
    assert_eq!(
        node.confirm(&ana, &one.id, &code, noon()).unwrap_err().kind,
        RefusalKind::Bad
    );
    node.prove_factor(&ana, &code, noon()).unwrap();
    assert!(node.has_factor("ana").unwrap());
    let stolen = node
        .begin_factor(&ana, "una clave larga", noon())
        .unwrap_err();
    assert_eq!(stolen.kind, RefusalKind::Bad);
    node.forget_factor("ana", noon()).unwrap();
    assert!(node.begin_factor(&ana, "una clave larga", noon()).is_ok());
}

#[test]
fn somebody_of_another_unit_with_the_role_reviews_and_nobody_else() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, Some("urgencias"));
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    let now = day(23, "10:00");
    let review = |by: &Actor| {
        node.review(by, &one.id, FINE, now)
            .map(drop)
            .map_err(|r| r.kind)
    };
    assert_eq!(review(&ana), Err(RefusalKind::Pact));
    let same = staff(&node, "saul", Role::Privacy, Some("urgencias"));
    assert_eq!(review(&same), Err(RefusalKind::Bad));
    let other = staff(&node, "luis", Role::Physician, Some("pediatría"));
    assert_eq!(review(&other), Err(RefusalKind::Pact));
    assert_eq!(
        node.to_review(&other, now).unwrap_err().kind,
        RefusalKind::Pact
    );
    assert_eq!(
        node.under_review(&other, &one.id, now).unwrap_err().kind,
        RefusalKind::Pact
    );
    let elsewhere = actor("farmacia", Role::Privacy);
    assert_eq!(review(&elsewhere), Err(RefusalKind::Forged));
    let rosa = staff(&node, "rosa", Role::Privacy, Some("privacidad"));
    assert_eq!(review(&rosa), Ok(()));
    assert_eq!(review(&rosa), Err(RefusalKind::Bad));
    // She opens no record with it.
    let reading = Request {
        purpose: Purpose::Operations,
        ..treat(rosa)
    };
    assert_eq!(refused(&node, reading).kind, RefusalKind::Pact);
}

#[test]
fn a_late_review_closes_emergencies_for_the_whole_unit_until_it_is_done() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, Some("urgencias"));
    let luis = staff(&node, "luis", Role::Physician, Some("urgencias"));
    let eva = staff(&node, "eva", Role::Physician, Some("pediatría"));
    let rosa = staff(&node, "rosa", Role::Privacy, Some("privacidad"));
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    let declare = |by: &Actor, now| {
        let declared = node.declare(by, SHE, WHY, now);
        declared.map(drop).map_err(|refusal| refusal.kind)
    };
    let late = day(29, "12:00");
    // Luis has one open when the day comes: it closes as well.
    assert_eq!(declare(&luis, day(29, "11:59")), Ok(()));
    assert_eq!(opens(&node, &luis, day(29, "11:59")).unwrap(), SET);
    assert_eq!(opens(&node, &luis, late), Err(RefusalKind::Reviews));
    assert_eq!(declare(&ana, late), Err(RefusalKind::Reviews));
    assert_eq!(declare(&luis, late), Err(RefusalKind::Reviews));
    assert_eq!(declare(&eva, late), Ok(()));
    assert_eq!(node.emergencies(late).unwrap().overdue, 1);
    node.review(&rosa, &one.id, (false, "No estaba en urgencias."), late)
        .unwrap();
    assert_eq!(declare(&ana, late), Ok(()));
    assert_eq!(node.emergencies(late).unwrap().not_justified, 1);
    let tried = told(&node, late);
    let suspended = "porque su área tiene emergencias sin revisar";
    assert_eq!(
        tried.iter().filter(|line| line.contains(suspended)).count(),
        2
    );
}

#[test]
fn every_decision_of_an_emergency_comes_out_again() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, Some("urgencias"));
    let rosa = staff(&node, "rosa", Role::Privacy, Some("privacidad"));
    node.say(
        &herself("imss"),
        vec![seal(&[Category::Reproductive], true)],
        noon(),
    )
    .unwrap();
    let phone = enrolled(&node, &ana, noon());
    let one = node.declare(&ana, SHE, WHY, noon()).unwrap();
    opens(&node, &ana, noon()).unwrap();
    node.confirm(&ana, &one.id, &phone(at("12:02")), at("12:02"))
        .unwrap();
    opens(&node, &ana, at("12:03")).unwrap();
    opens(&node, &ana, day(29, "12:00")).unwrap_err();
    node.declare(&ana, SHE, WHY, day(29, "12:01")).unwrap_err();
    node.review(&rosa, &one.id, FINE, day(29, "12:02")).unwrap();
    let operator = actor("imss", Role::Operator);
    let mut again = 0;
    for act in node.all_acts() {
        if act.purpose != Purpose::Emergency && act.kind != ActKind::Review {
            continue;
        }
        let explained = node
            .explain(&operator, &act.name(), day(29, "13:00"))
            .unwrap();
        assert_eq!(
            explained.holds(),
            Some(true),
            "{:?} {explained:#?}",
            act.what
        );
        again += 1;
    }
    assert!(again > 15, "{again}");
}

/// What another member may send: evidence as this node's gate weighs it.
fn asked_from(member: &str, seed: u8, change: impl FnOnce(&mut Evidence)) -> Request {
    let by = actor(member, Role::Physician);
    let mut evidence = Evidence {
        id: "0123456789abcdef0123456789abcdef".into(),
        kind: EvidenceKind::Emergency,
        person: Tag::of_curp(&SECRET, SHE),
        institution: id(member),
        actor: Some(by.id.clone()),
        acting: None,
        from: noon(),
        until: at("16:00"),
        issuer: id(member),
        by: None,
        signature: String::new(),
    };
    change(&mut evidence);
    Request {
        evidence: vec![evidence.sign(&key(member, seed))],
        via: Some(id(member)),
        person: PersonRef::Tag(Tag::of_curp(&SECRET, SHE)),
        ..emergency(&by)
    }
}

#[test]
fn evidence_of_an_emergency_elsewhere_is_checked_by_who_holds_the_record() {
    let node = hospital();
    let decide = |request: Request, now| node.decide(request, now).map(drop).map_err(|r| r.kind);
    assert_eq!(
        decide(asked_from("sanatorio", 3, |_| {}), at("12:30")),
        Ok(())
    );
    // Invented: signed by nobody of the pact, or by another member.
    let invented = asked_from("farmacia", 2, |piece| piece.institution = id("sanatorio"));
    assert_eq!(decide(invented, noon()), Err(RefusalKind::Forged));
    let invented = asked_from("farmacia", 99, |_| {});
    assert_eq!(decide(invented, noon()), Err(RefusalKind::Forged));
    // For everybody there, for longer than the pact lets, of somebody else, after its end.
    let for_all = asked_from("farmacia", 2, |piece| piece.actor = None);
    assert_eq!(decide(for_all, noon()), Err(RefusalKind::Forged));
    let long = asked_from("farmacia", 2, |piece| piece.until = at("16:01"));
    assert_eq!(decide(long, noon()), Err(RefusalKind::Forged));
    let of_other = asked_from("farmacia", 2, |piece| piece.person = node.tag(OTHER));
    assert_eq!(decide(of_other, noon()), Err(RefusalKind::Forged));
    let anothers = asked_from("farmacia", 2, |piece| piece.actor = Some("otra".into()));
    assert_eq!(decide(anothers, noon()), Err(RefusalKind::Forged));
    let over = asked_from("farmacia", 2, |_| {});
    assert_eq!(decide(over, at("16:00")), Err(RefusalKind::NoEvidence));
    // A check-in used for an emergency.
    let received = asked_from("farmacia", 2, |piece| {
        piece.kind = EvidenceKind::CheckIn;
        piece.until = at("13:00");
    });
    assert_eq!(decide(received, noon()), Err(RefusalKind::NoEvidence));
    // Used for care, by somebody of whom nothing else is kept.
    let node = hospital();
    let decide = |request: Request, now| node.decide(request, now).map(drop).map_err(|r| r.kind);
    let care = Request {
        purpose: Purpose::Treatment,
        ..asked_from("farmacia", 2, |_| {})
    };
    assert_eq!(decide(care, noon()), Err(RefusalKind::NoEvidence));
}

#[test]
fn a_member_whose_verdict_is_not_heard_in_time_is_refused_until_it_is() {
    let node = hospital();
    let first = asked_from("sanatorio", 3, |_| {});
    node.decide(first, noon()).unwrap();
    let news = News {
        id: "0123456789abcdef0123456789abcdef".into(),
        person: node.tag_of_her(),
        justified: false,
    };
    let later = |from: Timestamp| {
        asked_from("sanatorio", 3, move |piece| {
            piece.id = "fedcba9876543210fedcba9876543210".into();
            piece.from = from;
            piece.until = from
                .checked_add(jiff::SignedDuration::from_hours(4))
                .unwrap();
        })
    };
    let decide = |now| {
        node.decide(later(now), now)
            .map(drop)
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(decide(day(29, "11:59")), Ok(()));
    assert_eq!(decide(day(29, "12:00")), Err(RefusalKind::Reviews));
    // Another member is not meant, nor can it speak for that one.
    let other = asked_from("farmacia", 2, |piece| {
        piece.from = day(29, "12:00");
        piece.until = day(29, "16:00");
    });
    assert!(node.decide(other, day(29, "12:00")).is_ok());
    let now = day(29, "12:01");
    assert!(!node.hear_verdict(&id("imss"), &news, now).unwrap());
    let of_other = News {
        person: node.tag(OTHER),
        ..news.clone()
    };
    assert!(!node.hear_verdict(&id("sanatorio"), &of_other, now).unwrap());
    assert_eq!(decide(now), Err(RefusalKind::Reviews));
    assert!(node.hear_verdict(&id("sanatorio"), &news, now).unwrap());
    assert!(
        !node.hear_verdict(&id("sanatorio"), &news, now).unwrap(),
        "once"
    );
    assert_eq!(decide(now), Ok(()));
    let lines = told(&node, now);
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("no hubo motivo"))
            .count(),
        1,
        "{lines:?}"
    );
}

#[test]
fn the_words_about_an_emergency_go_with_the_record() {
    let node = hospital();
    let ana = staff(&node, "ana", Role::Physician, None);
    node.declare(&ana, SHE, WHY, noon()).unwrap();
    let operator = actor("imss", Role::Operator);
    node.erase(
        &operator,
        PersonRef::Curp(SHE.into()),
        "Solicitud 12/2026",
        at("13:00"),
    )
    .unwrap();
    let rows = node
        .house
        .store
        .scan(&node.house.seal, b"g", None, 10)
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert!(!String::from_utf8_lossy(&rows[0].1).contains("ambulancia"));
    let acts = node.all_acts();
    let declared = |act: &crate::Act| matches!(act.what, What::Glass(Step::Declared { .. }));
    assert!(!acts.iter().any(declared));
    assert_eq!(node.emergencies(at("13:00")).unwrap().declared, 1);
}
