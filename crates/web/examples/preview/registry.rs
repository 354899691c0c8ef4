//! The pages of who is who.

use fhir::Value;
use identity::{Desk, registration_of};
use jiff::Timestamp;
use trust::registry::{Decision, Hers, Likeness};
use trust::{Lang, MemberId, Resemblance, Role, Stage};
use web::views::registry::{Elsewhere, Shown, Side, Work};
use web::views::{self, Frame};

const ONE: &str = r#"{"resourceType":"Patient","extension":[{"url":"https://tejido.mx/fhir/StructureDefinition/entidad-nacimiento","valueCode":"DF"}],"identifier":[{"system":"https://tejido.mx/id/curp","value":"HELG680412MDFRPD00"},{"system":"https://tejido.mx/id/folio/DFIMS000123","value":"00412233"}],"name":[{"family":"Hernández López","given":["María","Guadalupe"]}],"gender":"female","birthDate":"1968-04-12","telecom":[{"system":"phone","value":"55 0000 1234"}],"address":[{"line":["Calle Sol 5"],"city":"Iztapalapa","state":"Ciudad de México"}]}"#;
const OTHER: &str = r#"{"resourceType":"Patient","identifier":[{"system":"https://tejido.mx/id/folio/DFIMS000456","value":"99120387"}],"name":[{"family":"Hernandes Lopez","given":["Ma.","Guadalupe"]}],"gender":"female","birthDate":"1968-12-04","telecom":[{"system":"phone","value":"55 0000 1234"}]}"#;

fn read(text: &str) -> Value {
    let limits = fhir::json::Limits::default();
    fhir::json::parse(text.as_bytes(), &limits).unwrap_or_else(|_| fhir::obj! {})
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-{time}:00Z").parse().unwrap_or_default()
}

/// Every page of these, in one language.
pub(super) fn pages(
    lang: Lang,
    frame: &dyn Fn(Lang, &str, Option<Role>) -> Frame,
) -> Vec<(&'static str, String)> {
    let (one, other) = (read(ONE), read(OTHER));
    let desk = Desk::default();
    for (id, patient) in [("a", &one), ("b", &other)] {
        desk.changed(id, 1, Some(registration_of(patient)));
    }
    desk.open();
    let clerk = || frame(lang, "/registro", Some(Role::Clerk));
    let pairs = desk.pairs(9, |_, _| true).unwrap_or_default();
    let mut listed: Vec<_> = pairs
        .into_iter()
        .map(|pair| ("sealed".to_owned(), pair))
        .collect();
    listed.extend(listed.first().cloned().map(|(reference, mut pair)| {
        pair.conflict = true;
        (reference, pair)
    }));
    let disputed = [("sealed".to_owned(), at("20T16:00"))];
    let found = Resemblance {
        id: "b".into(),
        with: MemberId("issste".into()),
        at: at("21T09:00"),
        per_mille: 973,
        agreed: ["given", "first", "second", "year", "day"]
            .map(str::to_owned)
            .to_vec(),
        stage: Stage::Open { they_say_one: true },
    };
    let elsewhere = [("sealed".to_owned(), "ISSSTE".to_owned(), found.clone())];
    let there = |side: Option<Side>| Elsewhere {
        reference: "sealed",
        member: "ISSSTE",
        found: &found,
        side,
    };
    let why = desk.explain("a", "b");
    let shown = Shown {
        reference: "sealed",
        sides: [Some(Side::of(&one)), Some(Side::of(&other))],
        why: why.as_ref(),
        are_one: false,
    };
    let closed = Shown {
        reference: "sealed",
        sides: [None, Some(Side::of(&other))],
        why: why.as_ref(),
        are_one: false,
    };
    let linked = Hers::Linked(Decision {
        by: "carmen".into(),
        name: "Carmen Soto".into(),
        role: Role::Clerk,
        at: at("12T17:30"),
        on: Likeness::weighed("probable", 0.972),
    });
    let elsewhere_too = Hers::Elsewhere {
        decision: Decision {
            by: "carmen".into(),
            name: "Carmen Soto".into(),
            role: Role::Clerk,
            at: at("22T10:30"),
            on: Likeness::weighed("probable", 0.973),
        },
        with: MemberId("issste".into()),
    };
    let hers = [
        ("sealed".to_owned(), Side::of(&one), Hers::Curp),
        ("sealed".to_owned(), Side::of(&other), linked),
        ("sealed".to_owned(), Side::of(&other), elsewhere_too),
    ];
    vec![
        (
            "registro",
            views::registry::list(
                clerk(),
                &Work {
                    disputed: &disputed,
                    elsewhere: &elsewhere,
                    pairs: &listed,
                    open: true,
                },
            ),
        ),
        (
            "registro-llenandose",
            views::registry::list(
                clerk(),
                &Work {
                    disputed: &[],
                    elsewhere: &[],
                    pairs: &[],
                    open: false,
                },
            ),
        ),
        (
            "registro-otra",
            views::registry::elsewhere(clerk(), &there(Some(Side::of(&other)))),
        ),
        (
            "registro-otra-cerrado",
            views::registry::elsewhere(clerk(), &there(None)),
        ),
        ("registro-par", views::registry::pair(clerk(), &shown)),
        ("registro-cerrado", views::registry::pair(clerk(), &closed)),
        (
            "quien-soy",
            views::registry::own(
                frame(lang, "/quien-soy", Some(Role::Patient)),
                &hers,
                &|_| "ISSSTE".to_owned(),
            ),
        ),
    ]
}
