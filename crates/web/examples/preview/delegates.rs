//! Delegates on both sides' pages, with made-up people.

use crate::{frame, now};
use jiff::SignedDuration;
use trust::{Colleague, Delegation, Lang, Purpose, Role, Task};
use web::views::delegates::{self, Input, Line};
use web::{FieldError, Fields, Text};

fn named(name: &str, role: Role, (from, until): (i64, i64)) -> Delegation {
    let days = |days: i64| now() + SignedDuration::from_hours(24 * days);
    let colleague = |name: &str, role| Colleague {
        login: "x".into(),
        name: name.into(),
        role,
    };
    Delegation {
        delegator: colleague("Dra. Ana Ruiz", Role::Physician),
        delegate: colleague(name, role),
        purposes: vec![Purpose::Treatment],
        tasks: Task::ALL.to_vec(),
        from: days(from),
        until: days(until),
        ended: None,
    }
}

/// A doctor's page with delegates and a form that was not taken, and a nurse's with a delegation.
pub(super) fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let t = Text::of(lang);
    let line = |one: &Delegation, name: &str, stands| Line {
        reference: "sealed".into(),
        ..delegates::line(t, one, name, stands, now())
    };
    let mine = [
        (named("Enfra. Luz Cano", Role::Nurse, (-2, 5)), true),
        (named("Carmen Soto", Role::Clerk, (-2, 5)), false),
        (named("Dr. Iván Poot", Role::Physician, (3, 9)), false),
        (named("Eva Paz", Role::Clerk, (-9, -1)), false),
    ];
    let lines = mine
        .iter()
        .map(|(one, stands)| line(one, &one.delegate.name, *stands));
    let wrong = [FieldError {
        field: "delegate_login".into(),
        sentence: t.say("delegates.need_login").to_owned(),
    }];
    let none = Fields::default();
    let input = |theirs, mine, names| Input {
        theirs,
        mine,
        names,
        purposes: &[Purpose::Treatment],
        typed: &none,
        errors: &wrong[..usize::from(names)],
        problem: "",
    };
    let (doctor, nurse) = (Some(Role::Physician), Some(Role::Nurse));
    let hers = input(Vec::new(), lines.collect(), true);
    let by = &mine[0].0;
    let theirs = input(vec![line(by, &by.delegator.name, true)], Vec::new(), false);
    vec![
        (
            "encargos",
            delegates::page(frame(lang, "/encargos", doctor), &hers),
        ),
        (
            "encargos-de-otros",
            delegates::page(frame(lang, "/encargos", nurse), &theirs),
        ),
    ]
}
