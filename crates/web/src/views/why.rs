//! Why something was decided as it was: what counted, what the pact says, what was left out by which of her rules, and
//! whether it comes out again.

use super::frame::Frame;
use super::rules::{RuleView, category, rule};
use crate::text::Text;
use crate::threads::Thread;
use crate::when;
use askama::Template;
use jiff::Timestamp;
use trust::pact::{evidence_words, purpose_words};
use trust::{ActKind, Again, Category, EvidenceKind, Gap, Purpose, Role, What, Why};

/// One thing that is said of the act: a name, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `Cuándo`.
    pub name: &'static str,
    /// What.
    pub value: String,
}

/// What came of deciding it again, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `same`, `differs` or `missing`.
    pub state: &'static str,
    /// Class of the note: `ok`, `bad` or empty.
    pub class: &'static str,
    /// Drawn sign.
    pub icon: &'static str,
    /// In words.
    pub sentence: String,
    /// To be asked for by the act's number at the member that keeps it.
    pub elsewhere: bool,
}

#[derive(Template)]
#[template(path = "why.html")]
struct Page<'a> {
    frame: Frame,
    thread: Thread,
    act: &'a str,
    sentence: String,
    refused: bool,
    facts: Vec<Fact>,
    asked: bool,
    /// What counted.
    counted: Vec<String>,
    /// What the pact says.
    says: Vec<&'a str>,
    says_title: String,
    policies: &'a [String],
    /// What was left out; empty where nothing could have been shown.
    left_out: Vec<String>,
    rules: Vec<RuleView>,
    /// Rules that are not kept any more, in words.
    lost: Vec<&'static str>,
    outcome: Outcome,
}

/// The page.
pub fn page(frame: Frame, why: &Why) -> String {
    let t = frame.t;
    let threads = frame.threads.clone();
    let names = |id: &trust::MemberId| threads.name(id);
    let thread = threads.thread(&why.act.node.0);
    let rules: Vec<RuleView> = why
        .rules
        .iter()
        .flatten()
        .map(|one| rule(t, &threads, why.seals.as_ref(), one))
        .collect();
    super::render(&Page {
        act: &why.act.id,
        sentence: why.act.sentence(t.lang(), &names),
        refused: !why.act.refused.is_empty(),
        facts: facts(&frame, why),
        asked: why.was_asked(),
        counted: counted(t, why),
        says: why.says.iter().map(|one| one.text(t.lang())).collect(),
        says_title: t.fill("why.pact", &[("n", &why.pact.to_string())]),
        policies: &why.policies,
        left_out: left_out(t, why),
        lost: vec![t.say("why.lost_rule"); why.rules.len() - rules.len()],
        rules,
        outcome: outcome(t, why, &thread),
        thread,
        frame: frame.titled(t.say("why.title")),
    })
}

/// Who, when, what for, and for whom.
fn facts(frame: &Frame, why: &Why) -> Vec<Fact> {
    let (t, act) = (frame.t, &why.act);
    let who = match act.who.as_str() {
        "" => frame.threads.name(&act.institution),
        name => format!("{name}, {}", frame.threads.name(&act.institution)),
    };
    let (es, en) = purpose_words(act.purpose);
    let purpose = if t.english() { en } else { es };
    // Its code is for machines.
    let purpose = purpose.split(" (").next().unwrap_or(purpose);
    let moment = t.fill(
        "why.moment",
        &[
            ("date", &when::date(t, &when::iso_day(act.at))),
            ("time", &when::time(act.at)),
        ],
    );
    let some = |name, value: &Option<String>| {
        Some(Fact {
            name,
            value: value.clone()?,
        })
    };
    [
        Some(Fact {
            name: t.say("why.when"),
            value: moment,
        }),
        Some(Fact {
            name: t.say("why.who"),
            value: who,
        }),
        some(t.say("why.in_name"), &act.delegator),
        some(t.say("why.under"), &act.supervisor),
        some(t.say("why.helped"), &act.helper),
        Some(Fact {
            name: t.say("why.for"),
            value: purpose.to_owned(),
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The evidence and the licence that counted, or that nothing did.
fn counted(t: Text, why: &Why) -> Vec<String> {
    let mut said: Vec<String> = why
        .evidence
        .iter()
        .map(|(kind, until)| piece(t, *kind, *until))
        .collect();
    let cares = matches!(
        why.act.role,
        Role::Physician | Role::Nurse | Role::Pharmacist | Role::Clerk
    );
    let refused = !why.act.refused.is_empty();
    if said.is_empty() && refused && cares && why.act.purpose == Purpose::Treatment {
        said.push(t.say("why.nothing_counted").to_owned());
    }
    said.extend(why.licence.map(|state| {
        let state = t.say(&format!("licence_then.{state}")).to_owned();
        t.fill("why.licence", &[("state", &state)])
    }));
    said
}

fn piece(t: Text, kind: EvidenceKind, until: Option<Timestamp>) -> String {
    let (es, en) = evidence_words(kind);
    let what = if t.english() { en } else { es };
    match until {
        None => t.fill("why.counted", &[("what", what)]),
        Some(until) => t.fill(
            "why.counted_until",
            &[
                ("what", what),
                ("date", &when::date(t, &when::iso_day(until))),
                ("time", &when::time(until)),
            ],
        ),
    }
}

/// What was not shown of her record, where any of it could have been.
fn left_out(t: Text, why: &Why) -> Vec<String> {
    let act = &why.act;
    let shows = matches!(act.kind, ActKind::Read | ActKind::Ask | ActKind::Write);
    let own = act.role == Role::Patient && act.acting.is_none();
    if !shows
        || own && why.left_out.is_empty()
        || matches!(act.what, What::Log | What::Find)
        || !act.refused.is_empty()
    {
        return Vec::new();
    }
    let mut said = Vec::new();
    if why.narrowed {
        said.push(t.say("why.narrowed").to_owned());
    }
    if why.left_out.len() == Category::ALL.len() {
        said.push(t.say("why.left_out_all").to_owned());
    } else if !why.left_out.is_empty() {
        let names = why.left_out.iter().map(|one| category(t, *one));
        let names = names.collect::<Vec<_>>().join(", ");
        said.push(t.fill("why.left_out", &[("what", &names)]));
    } else if why.rules.is_empty() && !why.narrowed {
        said.push(t.say("why.nothing_left_out").to_owned());
    }
    if why.spared {
        said.push(t.say("why.spared").to_owned());
    }
    said
}

fn outcome(t: Text, why: &Why, thread: &Thread) -> Outcome {
    let missing = |sentence: String| Outcome {
        state: "missing",
        class: "",
        icon: "eye",
        sentence,
        elsewhere: false,
    };
    let bad = |key| Outcome {
        state: "differs",
        class: "bad",
        icon: "warn",
        ..missing(t.say(key).to_owned())
    };
    match &why.again {
        Again::Same => Outcome {
            state: "same",
            class: "ok",
            icon: "check",
            ..missing(t.say("why.same").to_owned())
        },
        Again::Differs => bad("why.differs"),
        Again::Missing(Gap::Unsound(_)) => bad("why.gap_unsound"),
        Again::Missing(Gap::NotAsked) => missing(t.say("why.not_asked").to_owned()),
        Again::Missing(Gap::Pact(version)) => {
            missing(t.fill("why.gap_pact", &[("n", &version.to_string())]))
        }
        Again::Missing(Gap::Word(_)) => missing(t.say("why.gap_word").to_owned()),
        Again::Missing(Gap::Evidence(_)) => missing(t.say("why.gap_evidence").to_owned()),
        Again::Elsewhere => Outcome {
            elsewhere: true,
            ..missing(t.fill("why.elsewhere", &[("name", &thread.name)]))
        },
    }
}
