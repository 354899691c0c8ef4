//! What whoever acts for somebody says for that one: rules, and wishes that she shall not be told of something. Shown to
//! who said it, without anything that others said.

use super::field::{Field, Form, choice};
use super::frame::Frame;
use super::rules::{Tick, who_words, whom_choices};
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::when;
use askama::Template;
use jiff::Timestamp;
use trust::{Finding, Rule, Seals, Spoken, Wish, wish};

/// Something said, with its button.
#[derive(Clone, Debug)]
pub struct Said {
    /// Names it in the form that takes it back; empty for what is over.
    pub id: String,
    /// The sentence.
    pub sentence: String,
    /// From when, or until when.
    pub detail: String,
    /// It opens rather than closes.
    pub opens: bool,
}

/// What both pages are made of.
pub struct Input<'a> {
    /// Sealed: for whom.
    pub reference: &'a str,
    /// What is said, and of what she may speak.
    pub spoken: &'a Spoken,
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// What the pact says of seals.
    pub seals: Option<&'a Seals>,
}

#[derive(Template)]
#[template(path = "speak.html")]
struct Page<'a> {
    frame: Frame,
    back: String,
    headline: String,
    lead: &'static str,
    none: &'static str,
    said: Vec<Said>,
    /// Where the form goes.
    action: String,
    /// Where the buttons of what is said go.
    take_back: String,
    fields: Vec<Field>,
    legend: &'static str,
    boxes: Vec<Tick>,
    what_error: String,
    until: Field,
    date: Field,
    errors: &'a [FieldError],
}

/// Rules for somebody.
pub fn rules(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let threads = frame.threads.clone();
    let f = form(t, "field", input);
    let said = |one: &Rule| {
        let what: Vec<&str> = one.what.iter().map(|one| one.name(t.lang())).collect();
        let key = match one.allow {
            true => "speak.opens",
            false => "speak.closes",
        };
        let whom = who_words(t, &threads, &one.who);
        let places = [("who", whom.as_str()), ("what", &what.join(", "))];
        Said {
            id: one.id.clone(),
            sentence: t.fill(key, &places),
            detail: one.until.map_or_else(
                || t.say("rule.always").to_owned(),
                |until| t.fill("rule.until", &[("date", &day(t, until))]),
            ),
            opens: one.allow,
        }
    };
    let tick = |one: &trust::Category| Tick {
        code: one.code(),
        label: one.name(t.lang()).to_owned(),
        on: input.typed.has("what", one.code()),
    };
    // What is closed already may be opened to somebody, whether it could be closed anew or not.
    let offered = |one: &&trust::Category| {
        let closed = |rule: &Rule| !rule.allow && rule.what.contains(*one);
        input
            .seals
            .is_none_or(|seals| seals.categories.contains(*one))
            || input.spoken.rules.iter().any(closed)
    };
    let verbs = ["close", "open"].map(|verb| choice(verb, t.say(&format!("verb.{verb}"))));
    let untils = ["always", "month", "year", "date"]
        .map(|until| choice(until, t.say(&format!("until.{until}"))));
    let whom = whom_choices(t, &threads, None, false);
    let base = format!("/por/{}/reglas", input.reference);
    super::render(&Page {
        said: input.spoken.rules.iter().map(said).collect(),
        take_back: format!("{base}/quitar"),
        fields: vec![f.choice("verb", verbs.into()), f.choice("who", whom)],
        legend: t.say("rules.what"),
        boxes: input
            .spoken
            .decides
            .iter()
            .filter(offered)
            .map(tick)
            .collect(),
        until: f.choice("until", untils.into()),
        lead: t.say("speak.rules_lead"),
        none: t.say("speak.no_rules"),
        ..base_of(frame, "speak.rules", base, input)
    })
}

/// Wishes for somebody.
pub fn wishes(frame: Frame, input: &Input<'_>, now: Timestamp) -> String {
    let t = frame.t;
    let f = form(t, "wishfield", input);
    let said = |one: &&Wish| Said {
        id: match one.holds(now) {
            true => one.finding.code().to_owned(),
            false => String::new(),
        },
        sentence: t.fill("speak.wished", &[("what", one.finding.inside(t.lang()))]),
        detail: match (one.asked, one.until) {
            (Some(asked), _) => t.fill("speak.asked", &[("date", &day(t, asked.at))]),
            (None, wish::Until::Date(until)) => t.fill("rule.until", &[("date", &day(t, until))]),
            (None, _) => t.say("speak.until_asked").to_owned(),
        },
        opens: !one.holds(now),
    };
    let tick = |one: &Finding| Tick {
        code: one.code(),
        label: one.name(t.lang()).to_owned(),
        on: input.typed.has("what", one.code()),
    };
    let untils =
        ["asked", "date"].map(|until| choice(until, t.say(&format!("speakuntil.{until}"))));
    let base = format!("/por/{}/saber", input.reference);
    super::render(&Page {
        said: wish::last(&input.spoken.wishes)
            .map(|one| said(&one))
            .collect(),
        take_back: format!("{base}/preguntar"),
        legend: t.say("speak.of_what"),
        boxes: input.spoken.findings.iter().map(tick).collect(),
        until: f.choice("until", untils.into()),
        lead: t.say("speak.wishes_lead"),
        none: t.say("speak.no_wishes"),
        ..base_of(frame, "speak.wishes", base, input)
    })
}

fn form<'a>(t: Text, prefix: &'static str, input: &Input<'a>) -> Form<'a> {
    Form {
        t,
        prefix,
        typed: input.typed,
        errors: input.errors,
    }
}

fn day(t: Text, at: Timestamp) -> String {
    when::date(t, &when::iso_day(at))
}

/// What both pages have alike.
fn base_of<'a>(frame: Frame, title: &str, action: String, input: &Input<'a>) -> Page<'a> {
    let t = frame.t;
    let headline = t.fill(title, &[("name", &input.spoken.whose)]);
    let mut errors = input.errors.iter();
    let wrong = errors.find(|one| one.field == "what");
    Page {
        frame: frame.titled(&headline),
        back: format!("/por/{}", input.reference),
        headline,
        lead: "",
        none: "",
        said: Vec::new(),
        action,
        take_back: String::new(),
        fields: Vec::new(),
        legend: "",
        boxes: Vec::new(),
        what_error: wrong.map_or_else(String::new, |one| one.sentence.clone()),
        until: Field::default(),
        date: form(t, "field", input).of("until_date", "date"),
        errors: input.errors,
    }
}
