//! Who acts for whom, with made-up people.

use crate::{frame, now};
use exchange::{LogPart, Part};
use jiff::SignedDuration;
use living::Event;
use trust::represent::Kind;
use trust::{
    ActKind, Category, Finding, Lang, MemberId, MemberKind, Representative, Role, Rule, Speaker,
    Spoken, Tag, Tie, Who, Wish,
};
use web::views::{self, kin};
use web::{FieldError, Fields, Text};

fn lines() -> Vec<Representative> {
    let days = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let one = |name: &str, tie, since| Representative {
        tag: Tag([1; 32]),
        name: name.into(),
        whose: "Guadalupe Hernández Ríos".into(),
        tie,
        kind: Kind::Proxy,
        entered: None,
        sees: vec![],
        speaks: false,
        from: days(since),
        until: None,
        ended: None,
    };
    let husband = Representative {
        ended: Some(days(2)),
        ..one("Raúl Medina", Tie::Spouse, 400)
    };
    let daughter = Representative {
        sees: vec![Category::Medicines, Category::Visits],
        speaks: false,
        until: Some(now() + SignedDuration::from_hours(24 * 365)),
        ..one("Luz Medina Hernández", Tie::Child, 3)
    };
    vec![husband, daughter]
}

fn child() -> Representative {
    Representative {
        kind: Kind::GuardianOfMinor,
        name: "Guadalupe Hernández Ríos".into(),
        whose: "Ana Medina Hernández".into(),
        tie: Tie::Mother,
        until: Some(now() + SignedDuration::from_hours(24 * 2_000)),
        sees: vec![],
        speaks: false,
        ended: None,
        ..lines().remove(1)
    }
}

/// What the mother says for the child.
fn spoken() -> Spoken {
    let pharmacies = Rule {
        id: "1".into(),
        who: Who::Kind(MemberKind::Pharmacy),
        what: vec![Category::Diagnoses, Category::Visits],
        speaker: Some(Speaker::of(&child())),
        ..Rule::default()
    };
    Spoken {
        whose: child().whose,
        rules: vec![pharmacies],
        wishes: vec![Wish::plain(Finding::Cancer, now())],
        decides: Category::ALL.into_iter().take(12).collect(),
        findings: vec![Finding::Cancer, Finding::AiRisk],
    }
}

fn said_for<'a>(spoken: &'a Spoken, typed: &'a Fields) -> views::speak::Input<'a> {
    views::speak::Input {
        reference: "sealed",
        spoken,
        typed,
        errors: &[],
        seals: None,
    }
}

/// The pages of both sides and of the desk.
pub(crate) fn pages(lang: Lang, timeline: &[Event], parts: &[Part]) -> Vec<(&'static str, String)> {
    let t = Text::of(lang);
    let person = |path| frame(lang, path, Some(Role::Patient));
    let desk = || frame(lang, "/persona/sealed", Some(Role::Clerk));
    let line = |one: &Representative, hers| kin::line(t, one, "sealed".into(), hers, now());
    let none = Fields::default();
    let wrong = [FieldError {
        field: "kin_curp".into(),
        sentence: t.say("kin.need_curp").into(),
    }];
    let input = |errors| kin::Input {
        lines: lines().iter().map(|one| line(one, true)).collect(),
        typed: &none,
        errors,
        names: true,
    };
    let guardian = kin::Input {
        lines: vec![kin::Line {
            ends: true,
            ..line(&child(), true)
        }],
        ..input(&[])
    };
    let mut notices = kin::notices(t, &lines(), true, now());
    notices.extend(kin::notices(t, &[child()], false, now()));
    let whose = views::history::Whose::Ward {
        name: child().whose,
        reference: "sealed".into(),
        speaks: true,
    };
    let asked = views::history::Asked::default();
    let mut saw = crate::act(
        "k1",
        "2026-11-22T17:42:01Z",
        ActKind::Read,
        "imss",
        Role::Patient,
    );
    saw.categories = Category::Vaccines.bit().with(Category::Visits.bit());
    let acts = [LogPart {
        member: MemberId("imss".into()),
        name: "IMSS".into(),
        acts: Ok(vec![saw]),
    }];
    let spoken = spoken();
    vec![
        (
            "inicio-actua",
            views::home::page(
                person("/"),
                "Guadalupe Hernández Ríos",
                &[line(&child(), false)],
                &notices,
            ),
        ),
        (
            "representantes",
            kin::page(person("/representantes"), input(&[])),
        ),
        (
            "representantes-mal",
            kin::page(person("/representantes"), input(&wrong)),
        ),
        ("tutor", kin::desk(desk(), "sealed", guardian)),
        (
            "historia-de",
            views::history::page(person("/por/sealed"), timeline, parts, &asked, &whose),
        ),
        (
            "reglas-por",
            views::speak::rules(person("/por/sealed"), &said_for(&spoken, &none)),
        ),
        (
            "deseos-por",
            views::speak::wishes(person("/por/sealed"), &said_for(&spoken, &none), now()),
        ),
        (
            "lo-que-vi",
            kin::looks(
                person("/por/sealed"),
                "Ana Medina Hernández",
                "sealed",
                &acts,
            ),
        ),
    ]
}
