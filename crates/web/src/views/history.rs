//! A history, mine or that of somebody for whom I act: one time line across institutions, a thread for each, filtered by
//! links that work without script.

use super::frame::Frame;
use super::person::{MemberView, members};
use crate::text::Text;
use crate::threads::Thread;
use crate::when;
use askama::Template;
use exchange::Part;
use living::Event;

/// Events shown unless everything was asked for.
const SHOWN: usize = 80;

/// An event.
#[derive(Clone, Debug)]
pub struct EventView {
    /// Day in words.
    pub date: String,
    /// Kind in words.
    pub kind: String,
    /// What.
    pub title: String,
    /// More.
    pub detail: String,
    /// Where.
    pub thread: Thread,
}

/// Events of one year.
#[derive(Clone, Debug)]
pub struct Year {
    /// `2024`.
    pub year: String,
    /// Newest first.
    pub events: Vec<EventView>,
}

/// A filter.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Where to.
    pub href: String,
    /// Words.
    pub label: String,
    /// Chosen.
    pub on: bool,
    /// Colour class; empty for kinds.
    pub class: String,
}

/// What the reader asked to see.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Short name of an institution, or empty.
    pub member: String,
    /// Code of a kind, or empty.
    pub kind: String,
    /// No limit.
    pub all: bool,
}

/// Whose history it is.
#[derive(Clone, Debug)]
pub enum Whose {
    /// The reader's.
    Own,
    /// Somebody's for whom she acts.
    Ward {
        /// That one's name.
        name: String,
        /// Sealed: whom the page's links mean.
        reference: String,
        /// Whether she may say rules and wishes for that one.
        speaks: bool,
    },
}

impl Whose {
    fn base(&self) -> String {
        match self {
            Whose::Own => "/historia".to_owned(),
            Whose::Ward { reference, .. } => format!("/por/{reference}"),
        }
    }
}

#[derive(Template)]
#[template(path = "history.html")]
struct Page {
    frame: Frame,
    headline: String,
    lead: String,
    /// Where whoever acts for somebody does more than read; empty for the person herself.
    acting: String,
    /// Whether she may also speak for her.
    speaks: bool,
    years: Vec<Year>,
    by_member: Vec<Filter>,
    by_kind: Vec<Filter>,
    total: String,
    columns: Vec<Thread>,
    missing: Vec<MemberView>,
    members: Vec<MemberView>,
    rest: Option<Filter>,
}

/// Kinds as people think of them.
pub(crate) const KINDS: [&str; 7] = [
    "visits",
    "medicines",
    "laboratory",
    "diagnoses",
    "vaccines",
    "allergies",
    "other",
];

fn kind(event: &Event) -> &'static str {
    match event.kind.as_str() {
        "Encounter" | "ClinicalImpression" | "DocumentReference" | "Procedure"
        | "ServiceRequest" => "visits",
        "MedicationRequest"
        | "MedicationStatement"
        | "MedicationDispense"
        | "MedicationAdministration" => "medicines",
        "Observation" | "DiagnosticReport" | "ImagingStudy" => "laboratory",
        "Condition" => "diagnoses",
        "Immunization" => "vaccines",
        "AllergyIntolerance" => "allergies",
        _ => "other",
    }
}

fn href(base: &str, member: &str, kind: &str) -> String {
    match (member.is_empty(), kind.is_empty()) {
        (true, true) => base.to_owned(),
        (false, true) => format!("{base}?de={member}"),
        (true, false) => format!("{base}?tipo={kind}"),
        (false, false) => format!("{base}?de={member}&tipo={kind}"),
    }
}

/// The page.
pub fn page(
    frame: Frame,
    timeline: &[Event],
    parts: &[Part],
    asked: &Asked,
    whose: &Whose,
) -> String {
    let t = frame.t;
    let base = whose.base();
    let (headline, lead, acting) = match whose {
        Whose::Own => (
            t.say("nav.history").to_owned(),
            t.say("history.lead").to_owned(),
            String::new(),
        ),
        Whose::Ward { name, .. } => (
            t.fill("kin.history", &[("name", name)]),
            t.say("kin.history_lead").to_owned(),
            base.clone(),
        ),
    };
    let threads = frame.threads.clone();
    let chosen: Vec<&Event> = timeline
        .iter()
        .filter(|e| asked.member.is_empty() || e.origin.member == asked.member)
        .filter(|e| asked.kind.is_empty() || kind(e) == asked.kind)
        .collect();
    let limit = if asked.all { chosen.len() } else { SHOWN };
    let mut years: Vec<Year> = Vec::new();
    for event in chosen.iter().take(limit) {
        let year = event.date.get(..4).unwrap_or_default().to_owned();
        let view = EventView {
            date: when::date(t, &event.date),
            kind: t.say(&format!("kind.{}", kind(event))).to_owned(),
            title: if event.title.is_empty() {
                event.detail.clone()
            } else {
                event.title.clone()
            },
            detail: if event.title.is_empty() {
                String::new()
            } else {
                event.detail.clone()
            },
            thread: threads.thread(&event.origin.member),
        };
        match years.last_mut() {
            Some(last) if last.year == year => last.events.push(view),
            _ => years.push(Year {
                year,
                events: vec![view],
            }),
        }
    }
    let members = members(t, &threads, parts);
    let rest = (chosen.len() > limit).then(|| Filter {
        href: {
            let href = href(&base, &asked.member, &asked.kind);
            format!("{href}{}todo=1", if href.contains('?') { '&' } else { '?' })
        },
        label: t.count("history.rest", chosen.len() - limit),
        on: false,
        class: String::new(),
    });
    super::render(&Page {
        years,
        by_member: member_filters(t, &base, &threads.all(), asked),
        by_kind: kind_filters(t, &base, timeline, asked),
        total: t.count("history.events", chosen.len()),
        columns: threads.all(),
        missing: members.iter().filter(|m| !m.answered).cloned().collect(),
        members,
        rest,
        frame: frame.titled(&headline),
        headline,
        lead,
        acting,
        speaks: matches!(whose, Whose::Ward { speaks: true, .. }),
    })
}

fn member_filters(t: Text, base: &str, threads: &[Thread], asked: &Asked) -> Vec<Filter> {
    let everyone = Filter {
        href: href(base, "", &asked.kind),
        label: t.say("history.everyone").to_owned(),
        on: asked.member.is_empty(),
        class: String::new(),
    };
    let each = threads.iter().map(|thread| Filter {
        href: href(base, &thread.id, &asked.kind),
        label: thread.name.clone(),
        on: asked.member == thread.id,
        class: thread.class.clone(),
    });
    std::iter::once(everyone).chain(each).collect()
}

fn kind_filters(t: Text, base: &str, timeline: &[Event], asked: &Asked) -> Vec<Filter> {
    let everything = Filter {
        href: href(base, &asked.member, ""),
        label: t.say("history.everything").to_owned(),
        on: asked.kind.is_empty(),
        class: String::new(),
    };
    let each = KINDS
        .iter()
        .filter(|k| timeline.iter().any(|e| kind(e) == **k))
        .map(|k| Filter {
            href: href(base, &asked.member, k),
            label: t.say(&format!("kind.{k}")).to_owned(),
            on: asked.kind == **k,
            class: String::new(),
        });
    std::iter::once(everything).chain(each).collect()
}
