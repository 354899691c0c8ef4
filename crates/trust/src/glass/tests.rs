use super::*;
use crate::Tag;

const TERMS: Emergency = Emergency {
    hours: 4,
    review_days: 7,
};

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

fn colleague(login: &str, unit: Option<&str>) -> Colleague {
    Colleague {
        login: login.into(),
        name: "Una Persona".into(),
        unit: unit.map(str::to_owned),
    }
}

fn declared() -> Break {
    Break::declare(
        "e1".into(),
        (Tag([1; 32]), colleague("ana", Some("urgencias"))),
        (Reason::CannotSpeak, "Llegó inconsciente en ambulancia."),
        &TERMS,
        at("22T12:00"),
    )
    .unwrap()
}

fn reviewer() -> Colleague {
    colleague("rosa", Some("privacidad"))
}

const FINE: (bool, &str) = (true, "Consta en la hoja de urgencias.");

#[test]
fn it_goes_from_declaration_to_verdict() {
    let one = declared();
    assert_eq!((one.until, one.due), (at("22T16:00"), at("29T12:00")));
    assert_eq!(one.stage(at("22T12:00")), Stage::Declared);
    let one = one.confirm("ana", at("22T12:10")).unwrap();
    assert_eq!(one.stage(at("22T15:59")), Stage::Confirmed);
    assert_eq!(one.stage(at("22T16:00")), Stage::Waiting);
    assert_eq!(one.stage(at("29T11:59")), Stage::Waiting);
    assert_eq!(one.stage(at("29T12:00")), Stage::Overdue);
    let one = one.review(reviewer(), FINE, at("30T09:00")).unwrap();
    assert_eq!(one.stage(at("30T09:00")), Stage::Reviewed);
    assert!(one.verdict.unwrap().justified);
}

/// Every step from every stage: taken, or the error.
#[test]
fn no_step_is_taken_out_of_its_turn() {
    let confirmed = || declared().confirm("ana", at("22T12:10")).unwrap();
    let reviewed = || declared().review(reviewer(), FINE, at("23T09:00")).unwrap();
    let (open, over) = (at("22T13:00"), at("23T10:00"));
    let confirm = |one: Break, now| one.confirm("ana", now).err();
    let review = |one: Break, now| one.review(reviewer(), FINE, now).err();
    assert_eq!(confirm(declared(), open), None);
    assert_eq!(confirm(confirmed(), open), Some(GlassError::Confirmed));
    assert_eq!(confirm(declared(), over), Some(GlassError::Expired));
    assert_eq!(confirm(confirmed(), over), Some(GlassError::Expired));
    assert_eq!(confirm(reviewed(), over), Some(GlassError::Expired));
    assert_eq!(review(declared(), open), Some(GlassError::StillOpen));
    assert_eq!(review(confirmed(), open), Some(GlassError::StillOpen));
    assert_eq!(review(declared(), over), None);
    assert_eq!(review(confirmed(), over), None);
    assert_eq!(review(reviewed(), over), Some(GlassError::Reviewed));
    assert_eq!(
        declared().confirm("luis", open).err(),
        Some(GlassError::NotYours)
    );
}

#[test]
fn only_somebody_of_another_unit_reviews() {
    let over = at("23T10:00");
    let review = |by: Colleague| declared().review(by, FINE, over).err();
    assert_eq!(review(reviewer()), None);
    // Whoever has no unit is outside of one that has a name.
    assert_eq!(review(colleague("rosa", None)), None);
    assert_eq!(
        review(colleague("luis", Some("urgencias"))),
        Some(GlassError::SameUnit)
    );
    assert_eq!(
        review(colleague("ana", Some("privacidad"))),
        Some(GlassError::OwnReview)
    );
    let nowhere = Break {
        by: colleague("ana", None),
        ..declared()
    };
    let same = nowhere.review(colleague("rosa", None), FINE, over).err();
    assert_eq!(same, Some(GlassError::SameUnit));
}

#[test]
fn a_late_review_takes_the_right_from_the_unit_until_it_is_done() {
    let one = declared();
    let (before, late) = (at("29T11:59"), at("29T12:00"));
    for (login, unit, suspended) in [
        ("ana", Some("urgencias"), true),
        ("luis", Some("urgencias"), true),
        // She who moved to another unit takes it with her.
        ("ana", Some("pediatría"), true),
        ("eva", Some("pediatría"), false),
        ("eva", None, false),
    ] {
        assert!(!one.suspends(login, unit, before), "{login}");
        assert_eq!(one.suspends(login, unit, late), suspended, "{login}");
    }
    let done = one.review(reviewer(), FINE, late).unwrap();
    assert!(!done.suspends("ana", Some("urgencias"), late));
}

#[test]
fn it_is_said_why_in_words() {
    let declare = |words: &str| {
        let who = (Tag([1; 32]), colleague("ana", None));
        let why = (Reason::LifeInDanger, words);
        Break::declare("e".into(), who, why, &TERMS, at("22T12:00")).err()
    };
    assert_eq!(declare("   urgente   "), Some(GlassError::Words));
    assert_eq!(declare(&"a".repeat(501)), Some(GlassError::Words));
    assert_eq!(declare("choque\u{0007} séptico"), Some(GlassError::Words));
    assert_eq!(declare("Choque séptico."), None);
    let short = declared().review(reviewer(), (true, "ok"), at("23T10:00"));
    assert_eq!(short.err(), Some(GlassError::Words));
}

#[test]
fn figures_count_each_emergency_once() {
    let over = at("23T10:00");
    let all = [
        declared(),
        declared().confirm("ana", at("22T12:10")).unwrap(),
        declared().review(reviewer(), FINE, over).unwrap(),
        declared()
            .review(reviewer(), (false, "No estaba en urgencias."), over)
            .unwrap(),
    ];
    let count = |now| {
        let mut figures = Figures::default();
        all.iter().for_each(|one| figures.count(one, now));
        figures
    };
    let expected = Figures {
        declared: 4,
        confirmed: 1,
        justified: 1,
        not_justified: 1,
        waiting: 2,
        overdue: 0,
    };
    assert_eq!(count(over), expected);
    let late = Figures {
        waiting: 0,
        overdue: 2,
        ..expected
    };
    assert_eq!(count(at("29T12:00")), late);
}

#[test]
fn evidence_names_its_emergency() {
    let one = declared();
    assert_eq!(break_of(&one.id), one.id);
    assert_eq!(break_of(&one.confirmation()), one.id);
}
