//! What she opens so many times: counted, refused with its day when it is used up, and decided again from its act.

use super::*;
use crate::word::{Frequency, Per, Terms};
use crate::{Category, Rule, Who};

fn hourly(times: u32) -> Terms {
    Terms {
        frequency: Some(Frequency {
            times,
            per: Per::Hour,
        }),
        erase_at: None,
    }
}

/// Nothing at all to anybody; everything to IMSS, on terms.
fn only_imss(terms: Terms) -> Vec<Rule> {
    let closed = Rule {
        id: "nadie".into(),
        insist: true,
        ..Rule::default()
    };
    let open = Rule {
        id: "imss".into(),
        allow: true,
        who: Who::Member(id("imss")),
        terms,
        ..Rule::default()
    };
    vec![closed, open]
}

fn doctor(login: &str) -> Actor {
    Actor {
        id: login.into(),
        ..actor("imss", Role::Physician)
    }
}

/// Her record at IMSS, where she is checked in at a moment.
fn checked_in(now: Timestamp) -> Node {
    let node = node_with_her("imss");
    check_in(&node, now);
    node
}

fn check_in(node: &Node, now: Timestamp) {
    let clerk = actor("imss", Role::Clerk);
    node.check_in(&clerk, SHE, now).unwrap();
}

fn ask(node: &Gate, login: &str, now: Timestamp) -> Result<Grant, Refusal> {
    node.decide(treat(doctor(login)), now)
}

fn explain_all(node: &Node) {
    let operator = actor("imss", Role::Operator);
    for act in node.all_acts() {
        if act.grounds.question.is_some() {
            let explained = node.explain(&operator, &act.name(), noon()).unwrap();
            assert_eq!(explained.holds(), Some(true), "{explained:#?}");
        }
    }
}

#[test]
fn two_uses_an_hour_are_two_and_the_third_is_told_when() {
    let node = checked_in(noon());
    node.say(&herself("imss"), only_imss(hourly(2)), noon())
        .unwrap();
    let sees = |login, now| {
        let grant = ask(&node, login, now).unwrap();
        node.sees(&grant).len()
    };
    // One look is one use, however often it asks.
    assert_eq!(
        [noon(), at("12:05"), at("12:14")].map(|now| sees("ana", now)),
        [4; 3]
    );
    // A colleague's is another use of the same institution.
    assert_eq!(sees("eva", at("12:10")), 4);
    assert_eq!(sees("eva", at("12:20")), 4);
    for login in ["ana", "luz"] {
        let refused = ask(&node, login, at("12:20")).unwrap_err();
        assert_eq!(refused.kind, RefusalKind::UsedUp);
        // 13:00 in Greenwich, an hour after the first.
        assert!(
            refused
                .es
                .ends_with("el 22 de noviembre de 2026 a las 7:00."),
            "{refused:?}"
        );
    }
    let log = node
        .decide(her_own(herself("imss"), What::Log), at("12:30"))
        .unwrap();
    let newest = &node.acts(&log, None, 10, at("12:30")).unwrap()[0];
    let said = newest.sentence(Lang::Es, &|member| member.to_string());
    assert!(said.contains("ya usaron las veces que les diste"), "{said}");
    check_in(&node, at("12:59"));
    assert_eq!(
        ask(&node, "luz", at("12:59")).unwrap_err().kind,
        RefusalKind::UsedUp
    );
    assert_eq!(sees("luz", at("13:00")), 4);
    explain_all(&node);
}

#[test]
fn what_was_used_is_known_after_a_start_and_goes_with_her() {
    let node = checked_in(noon());
    node.say(&herself("imss"), only_imss(hourly(1)), noon())
        .unwrap();
    ask(&node, "ana", noon()).unwrap();
    let Node { gate, dir } = node;
    drop(gate);
    let gate = Gate::open(dir.path(), config("imss")).unwrap();
    let refused = ask(&gate, "eva", at("12:20")).unwrap_err();
    assert_eq!(refused.kind, RefusalKind::UsedUp);
    let rows = |gate: &Gate| {
        let mut rows = 0;
        let prefix = rows::used_of(gate.tag(SHE));
        gate.each_row(&prefix, &mut |_, _| rows += 1).unwrap();
        rows
    };
    assert_eq!(rows(&gate), 1);
    let operator = actor("imss", Role::Operator);
    gate.erase(
        &operator,
        PersonRef::Curp(SHE.into()),
        "oficio 7",
        at("12:30"),
    )
    .unwrap();
    assert_eq!(rows(&gate), 0);
}

#[test]
fn what_is_open_anyway_stays_open_when_a_grant_is_used_up() {
    let node = checked_in(noon());
    let closed = Rule {
        id: "labs".into(),
        what: vec![Category::Laboratory],
        ..Rule::default()
    };
    let open = Rule {
        id: "una".into(),
        allow: true,
        who: Who::Role(Role::Physician),
        terms: hourly(1),
        ..closed.clone()
    };
    node.say(&herself("imss"), vec![closed, open], noon())
        .unwrap();
    let seen = |request: Request, now| {
        let grant = node.decide(request, now).unwrap();
        (node.sees(&grant).contains(&"Observation"), grant.again)
    };
    // Whom it does not name uses nothing of it.
    assert_eq!(
        seen(treat(actor("imss", Role::Nurse)), noon()),
        (false, None)
    );
    assert_eq!(seen(treat(doctor("ana")), noon()), (true, None));
    assert_eq!(
        seen(treat(doctor("eva")), at("12:20")),
        (false, Some(at("13:00")))
    );
    // Who asks about everyone is counted for nobody, and shown nothing of it.
    let everyone = Request {
        verbs: Verbs::READING,
        actor: Actor {
            role: Role::System,
            ..doctor("sistema")
        },
        ..import(&node)
    };
    assert!(!seen(everyone, noon()).0);
    explain_all(&node);
}

#[test]
fn of_many_at_once_no_more_than_she_said_get_through() {
    let node = checked_in(noon());
    node.say(&herself("imss"), only_imss(hourly(3)), noon())
        .unwrap();
    let granted = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..12)
            .map(|n| {
                let gate = node.gate.clone();
                scope.spawn(move || ask(&gate, &format!("d{n}"), noon()).is_ok())
            })
            .collect();
        let asked = asking.into_iter().map(|one| one.join().unwrap());
        asked.filter(|granted| *granted).count()
    });
    assert_eq!(granted, 3);
}

#[test]
fn what_is_to_be_erased_by_a_moment_says_so_and_opens_nothing_from_then_on() {
    let node = checked_in(noon());
    let terms = Terms {
        frequency: None,
        erase_at: Some(at("12:30")),
    };
    node.say(&herself("imss"), only_imss(terms), noon())
        .unwrap();
    let grant = ask(&node, "ana", at("12:29")).unwrap();
    assert_eq!(grant.erase_at, Some(at("12:30")));
    assert_eq!(node.sees(&grant).len(), 4);
    let grant = ask(&node, "ana", at("12:30")).unwrap();
    assert_eq!((grant.erase_at, node.sees(&grant).len()), (None, 0));
    explain_all(&node);
}
