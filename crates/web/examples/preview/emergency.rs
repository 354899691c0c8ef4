//! The pages of emergencies and orders.

use jiff::Timestamp;
use trust::glass::{Break, Colleague, Figures, Reason};
use trust::order::{Hand, Order, Paper};
use trust::{Category, Enrolment, Lang, MemberId, Role, Tag, Unusual};
use web::views::{self, Frame};
use web::{FieldError, Fields, Text};

fn at(time: &str) -> Timestamp {
    format!("2026-11-{time}:00Z").parse().unwrap_or_default()
}

fn one(id: &str, when: &str) -> Break {
    let declared = at(when);
    let later = |hours| {
        declared
            .checked_add(jiff::SignedDuration::from_hours(hours))
            .unwrap_or_default()
    };
    Break {
        id: id.into(),
        person: Tag([1; 32]),
        by: Colleague {
            login: "aruiz".into(),
            name: "Dra. Ana Ruiz".into(),
            unit: Some("urgencias".into()),
        },
        reason: Reason::CannotSpeak,
        words: "Llegó inconsciente en ambulancia, sin familiares.".into(),
        declared,
        until: later(4),
        due: later(7 * 24),
        confirmed: None,
        verdict: None,
    }
}

fn order() -> Order {
    let hand = |name: &str| Hand {
        login: name.into(),
        name: name.into(),
        at: at("21T16:00"),
    };
    Order {
        id: "o1".into(),
        person: Tag([1; 32]),
        paper: Paper {
            number: "312/2026".into(),
            authority: "Juzgado Tercero de Distrito en Materia Penal".into(),
            digest: "ab".repeat(32),
            what: vec![Category::Visits, Category::Violence],
        },
        proposed: hand("Lic. Rosa Téllez"),
        released: None,
        until: at("28T16:00"),
        told: at("30T16:00"),
    }
}

/// The banner above a record.
pub(crate) fn banner(lang: Lang) -> views::emergency::Banner {
    views::emergency::banner(Text::of(lang), &one("b1", "22T17:00"), true, at("22T18:05"))
}

/// Each page by its name.
pub(crate) fn pages(
    lang: Lang,
    frame: &dyn Fn(Lang, &str, Option<Role>) -> Frame,
) -> Vec<(&'static str, String)> {
    let now = at("22T18:05");
    let staff = |path| frame(lang, path, Some(Role::Physician));
    let officer = |path| frame(lang, path, Some(Role::Privacy));
    let t = Text::of(lang);
    let wrong = [FieldError {
        field: "words".into(),
        sentence: t.say("emergency.need_words").into(),
    }];
    let none = Fields::default();
    let begun = Enrolment {
        secret: "MZXW 6YTB OIQG C3TB MZXW 6YTB OIQG C3TB".into(),
        uri: "otpauth://totp/Tejido".into(),
    };
    let waiting = [
        one("b0", "12T10:00"),
        one("b2", "20T10:00"),
        one("b1", "22T17:00"),
    ];
    let done = ["La Dra. Ana Ruiz, médica de Farmacia del Centro, vio tus alergias a las 11:42 por una emergencia.".to_owned()];
    let figures = Figures {
        declared: 41,
        confirmed: 12,
        justified: 33,
        not_justified: 2,
        waiting: 6,
        overdue: 0,
    };
    let orders = [order()];
    let input = views::orders::Input {
        orders: &orders,
        login: "luz",
        most_days: 90,
        typed: &none,
        errors: &[],
        now,
    };
    let noticed = Unusual {
        id: "n1".into(),
        verdict: None,
        member: MemberId("imss".into()),
        actor: "perez".into(),
        name: "Dr. Juan Pérez".into(),
        role: Role::Physician,
        people: 20,
        at: now,
    };
    vec![
        (
            "emergencia",
            views::emergency::declare(staff("/"), "sealed", &none, &wrong),
        ),
        (
            "segundo-factor",
            views::emergency::factor(staff("/segundo-factor"), false, Some(&begun), ""),
        ),
        (
            "revisiones",
            views::emergency::reviews(
                officer("/revisiones"),
                &waiting,
                std::slice::from_ref(&noticed),
                now,
            ),
        ),
        (
            "revision",
            views::emergency::review(
                officer("/revisiones"),
                (&waiting[1], &done),
                &none,
                &[],
                now,
            ),
        ),
        (
            "revision-de-muchos",
            views::emergency::review_noticed(
                officer("/revisiones"),
                &noticed,
                &none,
                &[],
                noticed.over(),
            ),
        ),
        (
            "emergencias",
            views::emergency::figures(frame(lang, "/emergencias", None), &figures),
        ),
        ("ordenes", views::orders::page(officer("/ordenes"), &input)),
    ]
}
