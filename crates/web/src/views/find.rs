//! Finding a person, and receiving her.

use super::field::{Field, Form};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::threads::Thread;
use crate::when;
use askama::Template;
use exchange::Candidate;
use jiff::Timestamp;

/// Somebody who may be meant.
#[derive(Clone, Debug)]
pub struct CandidateView {
    /// Name.
    pub name: String,
    /// Age, sex, birth date in words.
    pub facts: String,
    /// CURP; empty when nobody holds one.
    pub curp: String,
    /// Who knows her.
    pub members: Vec<Thread>,
    /// Sealed name; empty when she has no CURP to go on with.
    pub reference: String,
}

struct Forms {
    curp: Field,
    given: Field,
    family: Field,
    birth: Field,
}

fn forms(t: Text, typed: &Fields, errors: &[FieldError]) -> Forms {
    let f = Form {
        t,
        prefix: "field",
        typed,
        errors,
    };
    Forms {
        curp: f.input("curp"),
        given: f.input("given"),
        family: f.input("family"),
        birth: f.of("birth", "date"),
    }
}

#[derive(Template)]
#[template(path = "find.html")]
struct Page<'a> {
    frame: Frame,
    f: Forms,
    errors: &'a [FieldError],
}

/// The search form, the first page of staff.
pub fn page(frame: Frame, typed: &Fields, errors: &[FieldError]) -> String {
    let t = frame.t;
    super::render(&Page {
        frame: frame.titled(t.say("find.title")),
        f: forms(t, typed, errors),
        errors,
    })
}

/// What one answer of the search looks like.
pub fn candidate(frame: &Frame, c: &Candidate, reference: String, today: &str) -> CandidateView {
    let t = frame.t;
    let mut facts = Vec::new();
    if let Some(age) = when::age(&c.birth_date, today) {
        facts.push(t.count("person.years", usize::try_from(age).unwrap_or_default()));
    }
    if !c.gender.is_empty() {
        facts.push(
            t.find(&format!("gender.{}", c.gender))
                .unwrap_or(&c.gender)
                .to_owned(),
        );
    }
    if !c.birth_date.is_empty() {
        facts.push(t.fill("find.born", &[("date", &when::date(t, &c.birth_date))]));
    }
    CandidateView {
        name: c.name.clone(),
        facts: facts.join(" · "),
        curp: c.curp.clone(),
        members: c
            .members
            .iter()
            .map(|m| frame.threads.thread(&m.0))
            .collect(),
        reference,
    }
}

#[derive(Template)]
#[template(path = "results.html")]
struct Results<'a> {
    frame: Frame,
    headline: String,
    found: &'a [CandidateView],
    opens: bool,
}

/// What was found. `opens`: the reader's role lets her open a record (a clerk only receives).
pub fn results(frame: Frame, found: &[CandidateView], opens: bool) -> String {
    let t = frame.t;
    let headline = if found.is_empty() {
        t.say("find.nobody").to_owned()
    } else {
        t.count("find.found", found.len())
    };
    super::render(&Results {
        frame: frame.titled(t.say("find.results")),
        headline,
        found,
        opens,
    })
}

/// Whether a person stays here, and what can be done of it.
pub struct StayView {
    /// Until when it holds, as a sentence; empty where she does not stay.
    pub until: String,
}

impl StayView {
    /// A stay that holds until then, or none.
    pub fn of(t: Text, until: Option<Timestamp>) -> StayView {
        let said = |until| {
            t.fill(
                "stay.until",
                &[("date", &when::date(t, &when::iso_day(until)))],
            )
        };
        StayView {
            until: until.map(said).unwrap_or_default(),
        }
    }
}

/// What was made at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// She was received, or gave her code.
    Received,
    /// Another institution sent her.
    Referred,
    /// She stays.
    Admitted,
}

#[derive(Template)]
#[template(path = "received.html")]
struct Received<'a> {
    frame: Frame,
    headline: &'static str,
    reference: &'a str,
    until: String,
    stay: Option<StayView>,
}

/// A clerk received somebody, who is named by a sealed reference: until when the institution may care for her, and whether
/// she stays, where people can.
pub fn received(
    frame: Frame,
    reference: &str,
    (made, until): (Made, Timestamp),
    stay: Option<StayView>,
) -> String {
    let t = frame.t;
    let (headline, said) = match made {
        Made::Received => ("find.received", "find.received_until"),
        Made::Referred => ("find.referred", "find.opens_until"),
        Made::Admitted => ("stay.admitted", "find.opens_until"),
    };
    let date = when::date(t, &when::iso_day(until));
    let until = t.fill(said, &[("time", &when::time(until)), ("date", &date)]);
    super::render(&Received {
        reference,
        headline: t.say(headline),
        frame: frame.titled(t.say(headline)),
        until,
        stay,
    })
}
