//! The doctor's page of a person: the woven summary, made to be read in the first minute of a consultation.

use super::errand::{self, Forms};
use super::frame::Frame;
use super::lines::{DifferView, OriginView, Section, differ, one};
use super::trends::{TrendView, trends};
use crate::text::Text;
use crate::threads::{Thread, Threads};
use crate::when;
use askama::Template;
use exchange::{Outcome, Part};
use jiff::Timestamp;
use living::Summary;
use trust::Finding;

/// Visits shown unless everything was asked for.
const VISITS: usize = 12;
/// Trends shown unless everything was asked for.
const TRENDS: usize = 12;

/// What came of asking one institution.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// The institution.
    pub thread: Thread,
    /// `check`, `warn`, `clock`, `cross`.
    pub icon: &'static str,
    /// It answered.
    pub answered: bool,
    /// In words.
    pub sentence: String,
}

/// A warning at the top.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `bad`, `care` or `plain`.
    pub kind: &'static str,
    /// Drawn sign.
    pub icon: &'static str,
    /// The sentence.
    pub sentence: String,
    /// Names it for tests and links.
    pub id: &'static str,
    /// What can be done of it, and where: words and address.
    pub link: Option<(String, String)>,
}

/// A visit.
#[derive(Clone, Debug)]
pub struct VisitView {
    /// What kind.
    pub title: String,
    /// Reason.
    pub detail: String,
    /// The note.
    pub note: String,
    /// Where and when.
    pub origin: OriginView,
}

/// What a reader may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Nothing.
    Nothing,
    /// Notes, in somebody's name.
    Notes,
    /// Notes, prescriptions, referrals: a physician.
    All,
}

/// What the page is made of.
pub struct Input<'a> {
    /// The woven record.
    pub summary: &'a Summary,
    /// What each member answered.
    pub parts: &'a [Part],
    /// Sealed name of the person, as it stands in the URL.
    pub reference: &'a str,
    /// Sealed state of the consultation, carried by the forms.
    pub errand: &'a str,
    /// `2026-11-22`.
    pub today: &'a str,
    /// Show everything.
    pub all: bool,
    /// What the reader may write.
    pub writes: Writes,
    /// She was sent here and has not come yet: nothing is written until she is received.
    pub absent: bool,
    /// Offer to declare an emergency.
    pub breaks: bool,
    /// Whether she stays here, where people can.
    pub stay: Option<super::find::StayView>,
    /// What is said of the emergency in which it was opened.
    pub emergency: Option<super::emergency::Banner>,
    /// Institutions that a referral can go to.
    pub destinations: &'a [(String, String)],
    /// Findings that the person asked not to know, and how many resources of this page are such a finding.
    pub not_to_know: (&'a [Finding], usize),
}

#[derive(Template)]
#[template(path = "person.html")]
struct Page<'a> {
    frame: Frame,
    reference: &'a str,
    name: String,
    facts: Vec<(String, String)>,
    identity: Vec<(String, DifferView)>,
    members: Vec<MemberView>,
    answered: String,
    notices: Vec<Notice>,
    last_visit: Option<VisitView>,
    allergies: Section,
    problems: Section,
    medicines: Section,
    laboratory: Vec<TrendView>,
    more_laboratory: usize,
    vitals: Vec<TrendView>,
    vaccines: Section,
    orders: Section,
    visits: Vec<VisitView>,
    total_visits: usize,
    all_visits: String,
    total_laboratory: usize,
    forms: Option<Forms>,
    orders_too: bool,
    absent: bool,
    breaks: bool,
    stay: Option<&'a super::find::StayView>,
    emergency: Option<&'a super::emergency::Banner>,
}

impl Page<'_> {
    /// What stands where nothing is: in an emergency that opened only what could save a life, that it is not shown.
    fn empty(&self, key: &'static str) -> &'static str {
        let narrow = self.emergency.is_some_and(|open| !open.id.is_empty());
        self.frame
            .t
            .say(if narrow { "emergency.not_shown" } else { key })
    }
}

/// The page.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let threads = frame.threads.clone();
    let s = input.summary;
    let members = members(t, &threads, input.parts);
    let answered = members.iter().filter(|m| m.answered).count();
    let mut visits: Vec<VisitView> = s.visits.iter().map(|v| visit(t, &threads, v)).collect();
    let last_visit = visits.first().cloned();
    let mut laboratory = s.laboratory.clone();
    let mut vitals = s.vitals.clone();
    let total_visits = visits.len();
    if !input.all {
        visits.truncate(VISITS);
        laboratory.truncate(TRENDS);
        vitals.truncate(TRENDS);
    }
    let mut problems = s.problems.clone();
    for problem in &mut problems {
        if !problem.detail.is_empty() {
            let since = when::date(t, &problem.detail);
            problem.detail = t.fill("person.since", &[("date", &since)]);
        }
    }
    let vaccines = Section {
        now: s
            .vaccines
            .iter()
            .map(|l| super::lines::LineView {
                // That a dose was given is what the list is about.
                status: String::new(),
                in_use: true,
                ..super::lines::line(t, &threads, l)
            })
            .collect(),
        past: Vec::new(),
    };
    let page = Page {
        name: shown_name(t, &s.identity.name),
        facts: facts(t, s, input.today),
        identity: s
            .identity
            .disagreements
            .iter()
            .map(|(what, d)| (demographic(t, what), differ(t, &threads, d)))
            .collect(),
        notices: asked_not_to_know(t, input)
            .into_iter()
            .chain(notices(t, &members, s, input.parts))
            .collect(),
        answered: t.fill(
            "person.answered",
            &[
                ("n", &answered.to_string()),
                ("all", &members.len().to_string()),
            ],
        ),
        members,
        last_visit,
        allergies: Section::of(t, &threads, &s.allergies),
        problems: Section::of(t, &threads, &problems),
        medicines: Section::of(t, &threads, &s.medicines),
        more_laboratory: s.laboratory.len() - laboratory.len(),
        total_laboratory: s.laboratory.iter().map(|l| l.points.len()).sum(),
        laboratory: trends(t, &threads, &laboratory, "l", input.all),
        vitals: trends(t, &threads, &vitals, "v", input.all),
        vaccines,
        orders: Section::of(t, &threads, &s.orders),
        visits,
        all_visits: t.fill("person.all_visits", &[("n", &total_visits.to_string())]),
        total_visits,
        absent: input.absent && input.writes != Writes::Nothing,
        forms: (!input.absent && input.writes != Writes::Nothing)
            .then(|| errand::forms(t, input.errand, input.destinations)),
        orders_too: input.writes == Writes::All,
        breaks: input.breaks,
        stay: input.stay.as_ref(),
        emergency: input.emergency.as_ref(),
        reference: input.reference,
        frame: frame.titled(shown_name(t, &s.identity.name)),
    };
    super::render(&page)
}

fn shown_name(t: Text, name: &str) -> String {
    if name.is_empty() {
        t.say("person.no_name").to_owned()
    } else {
        name.to_owned()
    }
}

fn facts(t: Text, s: &Summary, today: &str) -> Vec<(String, String)> {
    let i = &s.identity;
    let mut out = Vec::new();
    if let Some(age) = when::age(&i.birth_date, today) {
        let age = t.count("person.years", usize::try_from(age).unwrap_or_default());
        out.push((t.say("person.age").to_owned(), age));
    }
    if !i.gender.is_empty() {
        let gender = t.find(&format!("gender.{}", i.gender)).unwrap_or(&i.gender);
        out.push((t.say("person.sex").to_owned(), gender.to_owned()));
    }
    if !i.birth_date.is_empty() {
        out.push((
            t.say("person.born").to_owned(),
            when::date(t, &i.birth_date),
        ));
    }
    if !i.curp.is_empty() {
        out.push(("CURP".to_owned(), i.curp.clone()));
    }
    out
}

fn demographic(t: Text, what: &str) -> String {
    t.find(&format!("demographic.{what}"))
        .unwrap_or(what)
        .to_owned()
}

pub(crate) fn visit(t: Text, threads: &Threads, v: &living::Visit) -> VisitView {
    VisitView {
        title: if v.title.is_empty() {
            t.say("person.visit").to_owned()
        } else {
            v.title.clone()
        },
        detail: v.detail.clone(),
        note: v.note.clone(),
        origin: one(t, threads, &v.origin),
    }
}

/// What came of asking one member: drawn sign, whether it answered, in words.
pub(crate) fn outcome(t: Text, outcome: &Outcome) -> (&'static str, bool, String) {
    match outcome {
        Outcome::Answered(a) if a.cautious => ("clock", true, t.say("member.cautious").to_owned()),
        // "I hold nothing" and "I may show nothing" are one sentence, as they are one answer.
        Outcome::Answered(a) if a.resources.is_empty() => {
            ("check", true, t.say("member.nothing").to_owned())
        }
        Outcome::Answered(a) => ("check", true, t.count("member.answered", a.resources.len())),
        Outcome::Refused(refusal) => ("cross", false, refusal.sentence(t.lang()).to_owned()),
        Outcome::Late => ("clock", false, t.say("member.late").to_owned()),
        Outcome::Unreachable(_) => ("cross", false, t.say("member.unreachable").to_owned()),
        Outcome::Forged => ("warn", false, t.say("member.forged").to_owned()),
        Outcome::OtherPact(version) => {
            let version = version.to_string();
            (
                "warn",
                false,
                t.fill("member.other_pact", &[("version", &version)]),
            )
        }
    }
}

/// What each member answered, in words.
pub(crate) fn members(t: Text, threads: &Threads, parts: &[Part]) -> Vec<MemberView> {
    parts
        .iter()
        .map(|part| {
            let (icon, answered, sentence) = outcome(t, &part.outcome);
            let mut thread = threads.thread(&part.member.0);
            thread.name = part.name.clone();
            MemberView {
                thread,
                icon,
                answered,
                sentence,
            }
        })
        .collect()
}

/// The first of all warnings: what not to say to her.
fn asked_not_to_know(t: Text, input: &Input<'_>) -> Option<Notice> {
    let (findings, here) = input.not_to_know;
    if findings.is_empty() {
        return None;
    }
    let what: Vec<&str> = findings.iter().map(|one| one.inside(t.lang())).collect();
    let asked = t.fill("person.asked", &[("what", &what.join("; "))]);
    Some(Notice {
        kind: "care",
        icon: "warn",
        sentence: match here {
            0 => asked,
            some => format!("{asked} {}", t.count("person.asked_here", some)),
        },
        id: "pidio-no-saber",
        // Two doctors stand for a telling, each herself.
        link: (input.writes == Writes::All).then(|| {
            let page = format!("/persona/{}/avisar", input.reference);
            (t.say("tell.title").to_owned(), page)
        }),
    })
}

/// A notice of terms on which she let something be seen: the earliest moment, and at whom.
fn term(t: Text, key: &str, id: &'static str, of: Vec<(&Part, Timestamp)>) -> Option<Notice> {
    let first = of.iter().map(|(_, at)| *at).min()?;
    let names: Vec<&str> = of.iter().map(|(part, _)| part.name.as_str()).collect();
    let said = [
        ("names", names.join(", ")),
        ("date", when::date(t, &when::iso_day(first))),
        ("time", when::time(first)),
    ];
    let said: Vec<(&str, &str)> = said
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Some(Notice {
        kind: "care",
        icon: "clock",
        sentence: t.fill(key, &said),
        id,
        link: None,
    })
}

fn notices(t: Text, members: &[MemberView], s: &Summary, parts: &[Part]) -> Vec<Notice> {
    let mut out = Vec::new();
    let missing: Vec<&str> = members
        .iter()
        .filter(|m| !m.answered)
        .map(|m| m.thread.name.as_str())
        .collect();
    if !missing.is_empty() {
        let sentence = t.fill("person.missing", &[("names", &missing.join(", "))]);
        out.push(Notice {
            kind: "bad",
            icon: "warn",
            sentence,
            id: "aviso-faltan",
            link: None,
        });
    }
    let answers = || {
        parts.iter().filter_map(|p| match &p.outcome {
            Outcome::Answered(a) => Some((p, a)),
            _ => None,
        })
    };
    if answers().any(|(_, a)| a.withheld) {
        let sentence = t.say("person.withheld").to_owned();
        out.push(Notice {
            kind: "care",
            icon: "lock",
            sentence,
            id: "aviso-reservado",
            link: None,
        });
    }
    let cautious: Vec<&str> = answers()
        .filter(|(_, a)| a.cautious)
        .map(|(p, _)| p.name.as_str())
        .collect();
    if !cautious.is_empty() {
        let sentence = t.fill("person.cautious", &[("names", &cautious.join(", "))]);
        out.push(Notice {
            kind: "care",
            icon: "clock",
            sentence,
            id: "aviso-cautela",
            link: None,
        });
    }
    // Who shows nothing has nothing to erase.
    let shown = answers().filter(|(_, a)| !a.resources.is_empty());
    let erase = shown.filter_map(|(part, a)| Some((part, a.erase_at?)));
    out.extend(term(t, "person.erase", "aviso-borrar", erase.collect()));
    let again = answers().filter_map(|(part, a)| Some((part, a.again?)));
    out.extend(term(t, "person.used_up", "aviso-usado", again.collect()));
    let lines = [&s.allergies, &s.problems, &s.medicines];
    let differ = lines
        .iter()
        .flat_map(|l| l.iter())
        .filter(|l| l.disagreement.is_some())
        .count()
        + s.identity.disagreements.len();
    if differ > 0 {
        let sentence = t.count("person.differ", differ);
        out.push(Notice {
            kind: "care",
            icon: "warn",
            sentence,
            id: "aviso-desacuerdos",
            link: None,
        });
    }
    if s.duplicates > 0 {
        let sentence = t.count("person.duplicates", s.duplicates);
        out.push(Notice {
            kind: "care",
            icon: "twice",
            sentence,
            id: "aviso-duplicados",
            link: None,
        });
    }
    out
}
