//! The gardener: one record out of many.
//!
//! **In**: FHIR resources as each institution holds them, each with its source. **Out**: a [`Summary`] (problems,
//! medicines, allergies, vaccines, laboratory trends, visits; disagreements and duplicate tests marked) and a
//! [`Timeline`]. Pure: no clock (today is an argument), no network. Every line keeps its sources and dates: weaving never
//! drops a source. Start reading at [`weave`].

use fhir::Value;

mod group;
mod lines;
mod read;
mod timeline;
mod trends;
mod weave;

pub use timeline::timeline;
pub use weave::{REPEAT_DAYS, weave};

/// A resource with the institution that answers for it.
#[derive(Clone, Debug)]
pub struct Sourced {
    /// Short name of the member.
    pub member: String,
    /// The resource.
    pub resource: Value,
}

/// Where and when a line was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Short name of the member.
    pub member: String,
    /// `2024-05-01` or less precise; empty when the source gives none.
    pub date: String,
    /// `Condition/123` there.
    pub reference: String,
}

impl Origin {
    /// The origin of a resource, dated by `date`.
    fn of(part: &Sourced, date: &str) -> Origin {
        let kind = part.resource.text("resourceType").unwrap_or_default();
        let id = part.resource.text("id").unwrap_or_default();
        Origin {
            member: part.member.clone(),
            date: date.to_owned(),
            reference: format!("{kind}/{id}"),
        }
    }
}

/// How sources disagree about a line, in data; pages make the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disagreement {
    /// The same medicine in different doses: (member, dose text).
    Dose(Vec<(String, String)>),
    /// An allergy known here, and stated absent (or another criticality) there.
    Allergy(Vec<(String, String)>),
    /// Active in one place, resolved or stopped in another: (member, status).
    Status(Vec<(String, String)>),
    /// Demographics that differ: (member, value).
    Demographic(Vec<(String, String)>),
}

/// A problem, medicine, allergy or vaccine with all its sources.
#[derive(Clone, Debug)]
pub struct Line {
    /// What, in the words of the newest source.
    pub title: String,
    /// System and code that joined the sources; empty when they were joined by text.
    pub code: String,
    /// Second line: dose, reaction, lot...
    pub detail: String,
    /// `active`, `resolved`, `stopped`, `completed`...
    pub status: String,
    /// Newest first.
    pub origins: Vec<Origin>,
    /// Set when the sources disagree.
    pub disagreement: Option<Disagreement>,
}

/// One value of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// `2024-05-01` or with time.
    pub date: String,
    /// The number; `None` for text results.
    pub value: Option<f64>,
    /// As written, with unit.
    pub text: String,
    /// Outside the reference range the source gives (`H`, `L`, `A`), empty when not said.
    pub flag: String,
    /// Where.
    pub origin: Origin,
    /// The same test was done elsewhere within the window before this one: a duplicate of that origin.
    pub duplicate_of: Option<Origin>,
}

/// A laboratory or vital value over time.
#[derive(Clone, Debug)]
pub struct Trend {
    /// `Hemoglobina glucosilada`.
    pub title: String,
    /// `http://loinc.org|4548-4`.
    pub code: String,
    /// Printed unit.
    pub unit: String,
    /// Reference range when a source gives one.
    pub low: Option<f64>,
    /// See `low`.
    pub high: Option<f64>,
    /// Oldest first.
    pub points: Vec<Point>,
}

/// A visit.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What kind: `Consulta externa`.
    pub title: String,
    /// Reason or diagnosis.
    pub detail: String,
    /// The note's text when there is one.
    pub note: String,
    /// Where and when.
    pub origin: Origin,
}

/// Who the person is, as most sources say.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Full name.
    pub name: String,
    /// Birth date.
    pub birth_date: String,
    /// FHIR gender code.
    pub gender: String,
    /// CURP.
    pub curp: String,
    /// What the sources do not agree on: (what, disagreement).
    pub disagreements: Vec<(String, Disagreement)>,
}

/// The woven record.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Who.
    pub identity: Identity,
    /// Problems, active first.
    pub problems: Vec<Line>,
    /// Medicines in use, then past ones.
    pub medicines: Vec<Line>,
    /// Allergies.
    pub allergies: Vec<Line>,
    /// Vaccines.
    pub vaccines: Vec<Line>,
    /// Laboratory values.
    pub laboratory: Vec<Trend>,
    /// Vital signs.
    pub vitals: Vec<Trend>,
    /// Visits, newest first.
    pub visits: Vec<Visit>,
    /// Referrals and other orders.
    pub orders: Vec<Line>,
    /// Tests done again elsewhere within the window: how many.
    pub duplicates: usize,
}

/// One entry on a person's time line.
#[derive(Clone, Debug)]
pub struct Event {
    /// `2024-05-01`.
    pub date: String,
    /// FHIR type it came from.
    pub kind: String,
    /// What.
    pub title: String,
    /// More.
    pub detail: String,
    /// Where.
    pub origin: Origin,
}

/// Events, newest first.
pub type Timeline = Vec<Event>;
