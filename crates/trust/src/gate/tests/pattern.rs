//! Reading en masse: noticed within thirty records, and slowed; a day of care is neither.

use super::super::pattern::{Meeting, Pattern};
use super::glass::{day, staff, told};
use super::*;
use crate::EvidenceKind;
use jiff::SignedDuration;

/// CURPs of many people, by their year of birth; the check digit says nothing here.
fn curp(n: usize) -> String {
    format!("HEGG{:02}0427MVZRRL0{}", 10 + n % 80, n % 10)
}

fn later(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

/// A doctor opens somebody's summary; whether she could.
fn opens(node: &Node, curp: &str, now: Timestamp) -> Result<(), Refusal> {
    opens_as(node, actor("imss", Role::Physician), curp, now)
}

fn opens_as(node: &Node, doctor: Actor, curp: &str, now: Timestamp) -> Result<(), Refusal> {
    let request = Request {
        person: PersonRef::Curp(curp.into()),
        ..treat(doctor)
    };
    let grant = node.decide(request, now)?;
    let held = node
        .store()
        .read(&grant.permit, of("Observation"), "none")
        .unwrap();
    node.open_answer(&grant, held, now).map(drop)
}

#[test]
fn who_receives_people_only_to_look_is_noticed_within_thirty_and_slowed() {
    let node = node("imss");
    let doctor = actor("imss", Role::Physician);
    let mut slowed = None;
    for n in 0..30 {
        let now = later(0) + SignedDuration::from_secs(n as i64);
        node.check_in(&doctor, &curp(n), now).unwrap();
        if let Err(refusal) = opens(&node, &curp(n), now) {
            slowed = Some((n, refusal));
            break;
        }
    }
    let (n, refusal) = slowed.unwrap();
    assert_eq!((n, refusal.kind), (20, RefusalKind::Unusual));
    let noticed = node.unusual(10).unwrap();
    assert_eq!((noticed.len(), noticed[0].people), (1, 20));
    assert_eq!(noticed[0].actor, doctor.id);
    let kinds = node.all_acts();
    let of_kind = |kind| kinds.iter().filter(|act| act.kind == kind).count();
    assert_eq!(of_kind(ActKind::Unusual), 1);
    // The one refused is told: it is an act about her.
    assert_eq!(kinds[0].kind, ActKind::Denied);
    assert_eq!(kinds[0].refused, ["unusual"]);
    // Whom she opened before stays open, and so does a wait that is over; then it is longer.
    opens(&node, &curp(3), later(1)).unwrap();
    opens(&node, &curp(20), later(2)).unwrap();
    node.check_in(&doctor, &curp(21), later(2)).unwrap();
    let refusal = opens(&node, &curp(21), later(3)).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unusual);
    opens(&node, &curp(21), later(5)).unwrap();
}

#[test]
fn it_is_known_after_a_restart() {
    let first = node("imss");
    let doctor = actor("imss", Role::Physician);
    for n in 0..20 {
        first.check_in(&doctor, &curp(n), noon()).unwrap();
        opens(&first, &curp(n), noon()).unwrap();
    }
    let Node { gate, dir } = first;
    let keyring = dir.path().to_owned();
    drop(gate);
    let again = Node {
        gate: Gate::open(&keyring, config("imss")).unwrap(),
        dir,
    };
    again.check_in(&doctor, &curp(20), noon()).unwrap();
    let refusal = opens(&again, &curp(20), noon()).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unusual);
    assert_eq!(again.unusual(10).unwrap().len(), 1);
}

#[test]
fn a_day_at_the_desk_is_not_noticed() {
    let node = node("imss");
    let (doctor, clerk) = (actor("imss", Role::Physician), actor("imss", Role::Clerk));
    // A clerk receives sixty people; or the doctor does, alone, and writes of each.
    for n in 0..60 {
        let now = later(n as i64);
        let by = if n % 2 == 0 { &clerk } else { &doctor };
        node.check_in(by, &curp(n), now).unwrap();
        opens(&node, &curp(n), now).unwrap();
        if n % 2 == 1 {
            let request = Request {
                person: PersonRef::Curp(curp(n)),
                verbs: Verbs::only(Verb::Create),
                ..treat(doctor.clone())
            };
            let grant = node.decide(request, now).unwrap();
            node.cared_for(&doctor.member, &doctor.id, &grant.tags, now);
        }
    }
    assert_eq!(node.unusual(10).unwrap(), []);
}

#[test]
fn evidence_weighs_by_who_said_it() {
    use super::super::pattern::weight;
    let node = node("imss");
    let (doctor, clerk) = (actor("imss", Role::Physician), actor("imss", Role::Clerk));
    let by = |by: Option<&Actor>, kind| Evidence {
        by: by.map(|by| by.id.clone()),
        ..node.draft(kind, node.tag(SHE), noon()).unwrap()
    };
    let own = by(Some(&doctor), EvidenceKind::CheckIn);
    let desk = by(Some(&clerk), EvidenceKind::CheckIn);
    let code = by(None, EvidenceKind::PatientCode);
    let appointed = by(Some(&doctor), EvidenceKind::Appointment);
    let of = |all: &[&Evidence]| {
        let all: Vec<Evidence> = all.iter().map(|one| (*one).clone()).collect();
        weight(&all, &doctor)
    };
    assert_eq!((of(&[]), of(&[&own]), of(&[&appointed])), (10, 10, 10));
    assert_eq!((of(&[&own, &desk]), of(&[&own, &code])), (1, 0));
}

#[test]
fn the_window_moves_on() {
    let mut pattern = Pattern::default();
    let tag = |n: u8| Tag([n; 32]);
    for n in 0..19 {
        assert_eq!(pattern.meet(tag(n), 10, noon()), Meeting::Usual);
    }
    // A day later nothing of it counts.
    let tomorrow = later(24 * 60 + 1);
    assert_eq!(pattern.meet(tag(100), 10, tomorrow), Meeting::Usual);
    assert_eq!(pattern.meet(tag(101), 10, tomorrow), Meeting::Usual);
    for n in 102..119 {
        pattern.meet(tag(n), 10, tomorrow);
    }
    assert_eq!(pattern.meet(tag(119), 10, tomorrow), Meeting::Noticed(20));
    assert_eq!(pattern.meet(tag(120), 10, tomorrow), Meeting::Wait(60));
    // What is written takes a person out, and a code is never slowed.
    assert_eq!(pattern.meet(tag(121), 0, tomorrow), Meeting::Usual);
    pattern.cared(tag(119), tomorrow);
    assert_eq!(pattern.meet(tag(122), 10, tomorrow), Meeting::Usual);
}

/// Once the day is over somebody of another unit says whether it was right, and whoever was opened without a sign of care reads
/// it; whoever was cared for has nothing to read.
#[test]
fn who_was_noticed_is_reviewed_and_those_whom_she_opened_read_it() {
    const WRONG: (bool, &str) = (false, "Nadie la mandó a leerlos.");
    let node = node_with_her("imss");
    node.load(&patient("other", OTHER));
    node.load(&patient("fifth", &curp(5)));
    let perez = staff(&node, "perez", Role::Physician, Some("urgencias"));
    let luz = staff(&node, "luz", Role::Privacy, Some("urgencias"));
    let rosa = staff(&node, "rosa", Role::Privacy, Some("calidad"));
    let opens = |curp: &str, now| opens_as(&node, perez.clone(), curp, now).unwrap();
    // OTHER shows her code.
    let other = Actor {
        curp: Some(OTHER.into()),
        ..actor("imss", Role::Patient)
    };
    let code = node.show_code(&other, noon()).unwrap().code;
    node.redeem(&code, &perez.member, &perez.id, noon())
        .unwrap();
    opens(OTHER, noon());
    let people = std::iter::once(SHE.to_owned()).chain((1..20).map(curp));
    for curp in people {
        node.check_in(&perez, &curp, noon()).unwrap();
        opens(&curp, noon());
    }
    let noticed = node.unusual(10).unwrap();
    assert_eq!((noticed.len(), noticed[0].people), (1, 20));
    let id = noticed[0].id.as_str();
    let next = day(23, "13:00");
    assert_eq!(node.noticed(&rosa, id, next).unwrap(), noticed[0]);

    let refused = |by: &Actor, said, now| node.judge(by, id, said, now).unwrap_err().kind;
    assert_eq!(refused(&perez, WRONG, next), RefusalKind::Pact);
    assert_eq!(
        node.noticed(&perez, id, next).unwrap_err().kind,
        RefusalKind::Pact
    );
    // The day is not over; of the same unit; too few words; nobody of that name.
    assert_eq!(refused(&rosa, WRONG, later(60)), RefusalKind::Bad);
    assert_eq!(refused(&luz, WRONG, next), RefusalKind::Bad);
    assert_eq!(refused(&rosa, (false, "No."), next), RefusalKind::Bad);
    assert_eq!(
        node.judge(&rosa, "n0", WRONG, next).unwrap_err().kind,
        RefusalKind::Bad
    );
    assert_eq!(told(&node, next), Vec::<String>::new());

    let judged = node.judge(&rosa, id, WRONG, next).unwrap();
    let verdict = judged.verdict.unwrap();
    assert_eq!((verdict.by.login.as_str(), verdict.at), ("rosa", next));
    assert_eq!(refused(&rosa, WRONG, next), RefusalKind::Bad);
    assert_eq!(node.unusual(10).unwrap(), []);
    let lines = told(&node, next);
    let expected = "Persona rosa, de privacidad de imss, revisó a las 7:00 por qué Persona perez abrió 20 historias sin señal de atención. La tuya es una de ellas. Dijo que no hubo motivo: «Nadie la mandó a leerlos».";
    assert_eq!(lines, [expected]);
    // So does another one, and not who was cared for; and nobody is named to anybody.
    let reads = |curp: &str| {
        let own = Actor {
            curp: Some(curp.to_owned()),
            ..actor("imss", Role::Patient)
        };
        let request = Request {
            person: PersonRef::Curp(curp.to_owned()),
            ..her_own(own, What::Log)
        };
        let grant = node.decide(request, next).unwrap();
        let acts = node.acts(&grant, None, 100, next).unwrap();
        acts.iter().any(|act| act.kind == ActKind::Review)
    };
    assert_eq!((reads(&curp(5)), reads(OTHER)), (true, false));
    let acts = node.all_acts();
    let review = acts.iter().find(|act| act.kind == ActKind::Review).unwrap();
    assert_eq!(review.person, None);
    let operator = actor("imss", Role::Operator);
    let explained = node.explain(&operator, &review.name(), next).unwrap();
    assert_eq!(explained.holds(), Some(true));
}
