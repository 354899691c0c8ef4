//! Telling something in spite of a wish not to know, as the two doctors see it.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::when;
use askama::Template;
use trust::{Finding, Ground, Limit};

/// What the page is made of.
pub struct Input<'a> {
    /// The person's sealed reference.
    pub reference: &'a str,
    /// Of what she asked not to know.
    pub findings: &'a [Finding],
    /// Proposals that wait for a second doctor.
    pub waiting: &'a [Limit],
    /// Login of who looks: her own proposals she cannot sign.
    pub own: &'a str,
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// Why something was not done; empty when all was.
    pub problem: &'a str,
}

struct Waiting {
    id: String,
    /// On what ground, of what.
    headline: String,
    message: String,
    to: String,
    reason: String,
    /// Who proposed it, and when.
    by: String,
    own: bool,
}

#[derive(Template)]
#[template(path = "tell.html")]
struct Page<'a> {
    frame: Frame,
    reference: &'a str,
    any: bool,
    waiting: Vec<Waiting>,
    finding: Field,
    ground: Field,
    reason: Field,
    message: Field,
    to: Field,
    errors: &'a [FieldError],
    problem: &'a str,
}

/// The page: what waits, and the form that proposes.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let lang = t.lang();
    let f = Form {
        t,
        prefix: "tell",
        typed: input.typed,
        errors: input.errors,
    };
    let first = || std::iter::once(choice("", t.say("field.choose")));
    let findings: Vec<Choice> = first()
        .chain(
            input
                .findings
                .iter()
                .map(|one| choice(one.code(), one.name(lang))),
        )
        .collect();
    let ground = |one: Ground| choice(one.code(), t.say(&format!("ground.{}", one.code())));
    let grounds: Vec<Choice> = first().chain(Ground::ALL.map(ground)).collect();
    let waiting = |one: &Limit| {
        let telling = &one.telling;
        let day = when::date(t, &when::iso_day(one.proposed));
        let places = [
            ("who", one.first.name.as_str()),
            ("date", &day),
            ("time", &when::time(one.proposed)),
        ];
        let to = telling.to.as_deref().unwrap_or_default();
        Waiting {
            id: one.id.clone(),
            headline: format!(
                "{} · {}",
                t.say(&format!("ground.{}", telling.ground.code())),
                telling.finding.name(lang)
            ),
            message: telling.message.clone(),
            to: match to.is_empty() {
                true => t.say("tell.to_her").to_owned(),
                false => t.fill("tell.to_other", &[("who", to)]),
            },
            reason: telling.reason.clone(),
            by: t.fill("tell.by", &places),
            own: one.first.login == input.own,
        }
    };
    super::render(&Page {
        reference: input.reference,
        any: !input.findings.is_empty(),
        waiting: input.waiting.iter().map(waiting).collect(),
        finding: f.choice("finding", findings).required(),
        ground: f.choice("ground", grounds).required(),
        reason: f.area("reason", 2).required(),
        message: f.area("message", 3).required(),
        to: f.input("to"),
        errors: input.errors,
        problem: input.problem,
        frame: frame.titled(t.say("tell.title")),
    })
}
