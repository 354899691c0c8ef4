//! Finding a person, and receiving her.

use super::field::{Field, Form};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::threads::Thread;
use crate::when;
use askama::Template;
use exchange::Candidate;

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

#[derive(Template)]
#[template(path = "received.html")]
struct Received<'a> {
    frame: Frame,
    reference: &'a str,
    until: String,
}

/// A clerk received somebody, who is named by a sealed reference: until when the institution may care for her.
pub fn received(frame: Frame, reference: &str, until: jiff::Timestamp) -> String {
    let t = frame.t;
    let until = t.fill("find.received_until", &[("time", &when::time(until))]);
    super::render(&Received {
        reference,
        frame: frame.titled(t.say("find.received")),
        until,
    })
}
