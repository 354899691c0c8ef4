//! Lines of a summary: problems, medicines, allergies, vaccines, orders, each with its sources and what they disagree on.

use crate::text::Text;
use crate::threads::{Thread, Threads};
use crate::when;
use living::{Disagreement, Line, Origin};

/// Sources that are named beside a line; more are counted.
const NAMED: usize = 4;

/// Where a line comes from.
#[derive(Clone, Debug)]
pub struct OriginView {
    /// The institution.
    pub thread: Thread,
    /// The date in words.
    pub date: String,
}

/// A disagreement between sources.
#[derive(Clone, Debug)]
pub struct DifferView {
    /// What differs.
    pub sentence: String,
    /// Who says what.
    pub rows: Vec<(Thread, String)>,
}

/// A line.
#[derive(Clone, Debug)]
pub struct LineView {
    /// What.
    pub title: String,
    /// Second line.
    pub detail: String,
    /// State in words; empty for what is plainly going on.
    pub status: String,
    /// Going on now.
    pub in_use: bool,
    /// The newest of each institution first.
    pub origins: Vec<OriginView>,
    /// Sources not named.
    pub more: usize,
    /// What the sources disagree on.
    pub disagreement: Option<DifferView>,
}

/// Lines of one kind, split into what goes on and what is over.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Going on.
    pub now: Vec<LineView>,
    /// Over.
    pub past: Vec<LineView>,
}

impl Section {
    /// All lines of the section.
    pub fn total(&self) -> usize {
        self.now.len() + self.past.len()
    }
    pub(crate) fn of(t: Text, threads: &Threads, lines: &[Line]) -> Section {
        let (now, past) = lines
            .iter()
            .map(|l| line(t, threads, l))
            .partition(|l| l.in_use);
        Section { now, past }
    }
}

/// Whether a FHIR status says that something goes on.
pub(crate) fn in_use(status: &str) -> bool {
    matches!(
        status,
        "" | "active" | "recurrence" | "relapse" | "unknown" | "on-hold" | "draft"
    )
}

/// A FHIR status in words; an unknown one as it stands.
pub(crate) fn status_words(t: Text, status: &str) -> String {
    t.find(&format!("status.{status}"))
        .unwrap_or(status)
        .to_owned()
}

pub(crate) fn line(t: Text, threads: &Threads, line: &Line) -> LineView {
    let status = if line.status.is_empty() || line.status == "active" {
        String::new()
    } else {
        status_words(t, &line.status)
    };
    let (origins, more) = origins(t, threads, &line.origins);
    LineView {
        title: line.title.clone(),
        detail: line.detail.clone(),
        status,
        in_use: in_use(&line.status),
        origins,
        more,
        disagreement: line.disagreement.as_ref().map(|d| differ(t, threads, d)),
    }
}

/// The newest source of each institution; a second source of the same one only counts.
fn origins(t: Text, threads: &Threads, all: &[Origin]) -> (Vec<OriginView>, usize) {
    let mut named: Vec<OriginView> = Vec::new();
    for origin in all {
        if named.len() < NAMED && !named.iter().any(|o| o.thread.id == origin.member) {
            named.push(one(t, threads, origin));
        }
    }
    let more = all.len() - named.len();
    (named, more)
}

pub(crate) fn one(t: Text, threads: &Threads, origin: &Origin) -> OriginView {
    OriginView {
        thread: threads.thread(&origin.member),
        date: when::date(t, &origin.date),
    }
}

pub(crate) fn differ(t: Text, threads: &Threads, d: &Disagreement) -> DifferView {
    let (key, rows, coded) = match d {
        Disagreement::Dose(rows) => ("differ.dose", rows, false),
        Disagreement::Allergy(rows) => ("differ.allergy", rows, true),
        Disagreement::Status(rows) => ("differ.status", rows, true),
        Disagreement::Demographic(rows) => ("differ.demographic", rows, false),
    };
    let words = |said: &str| {
        if coded {
            status_words(t, said)
        } else {
            said.to_owned()
        }
    };
    DifferView {
        sentence: t.say(key).to_owned(),
        rows: rows
            .iter()
            .map(|(member, said)| (threads.thread(member), words(said)))
            .collect(),
    }
}
