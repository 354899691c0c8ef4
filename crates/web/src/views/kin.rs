//! Who acts for a person: her own page of them, the desk's, and what whoever acts for somebody sees.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use super::rules::Tick;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::when;
use askama::Template;
use exchange::LogPart;
use jiff::Timestamp;
use trust::represent::Kind;
use trust::{ActKind, ActView, Category, Representative, Tie};

/// Somebody who acts, or acted of late, on either side's page.
#[derive(Clone, Debug)]
pub struct Line {
    /// Sealed: whom the forms mean.
    pub reference: String,
    /// "Rosa Pérez, tu madre".
    pub name: String,
    /// By what, and until when.
    pub detail: String,
    /// What is granted, and whether she says rules too.
    pub sees: String,
    /// What is not seen today all the same, for the person alone; empty for nothing.
    pub blind: String,
    /// She acts now.
    pub acts: bool,
    /// It can be ended on this page.
    pub ends: bool,
}

/// A line as the person reads it (`hers`), or as whoever acts for her.
pub fn line(t: Text, one: &Representative, reference: String, hers: bool, now: Timestamp) -> Line {
    let day = |at: Timestamp| when::date(t, &when::iso_day(at));
    let over = one.ended.or(one.until.filter(|until| *until <= now));
    let kind = t.say(match (one.kind, hers) {
        (Kind::GuardianOfMinor, _) => "kin.minor",
        (Kind::GuardianOfAdult, _) => "kin.adult",
        (Kind::Proxy, true) => "kin.proxy",
        (Kind::Proxy, false) => "kin.chosen",
    });
    let until = match (over, one.until) {
        (Some(over), _) => t.fill("kin.over", &[("date", &day(over))]),
        (None, Some(until)) => t.fill("rule.until", &[("date", &day(until))]),
        (None, None) => t.say("kin.always").to_owned(),
    };
    let names = one.sees.iter().map(|category| category.name(t.lang()));
    let sees = match (one.sees.is_empty(), one.kind) {
        (false, _) => {
            let names = names.collect::<Vec<_>>().join(", ");
            t.fill("kin.sees", &[("what", &names)])
        }
        (true, Kind::Proxy) => t.say("kin.sees_all").to_owned(),
        (true, _) => t.say("kin.sees_by_age").to_owned(),
    };
    let speaks = match (one.speaks || one.kind.is_guardian(), hers) {
        (false, _) => "",
        (true, true) => t.say("kin.speaks_hers"),
        (true, false) => t.say("kin.speaks_theirs"),
    };
    Line {
        reference,
        name: match hers {
            true => format!("{}, {}", one.name, one.tie.yours(t.lang())),
            false => one.whose.clone(),
        },
        detail: format!("{kind} {until}"),
        sees: format!("{sees} {speaks}").trim_end().to_owned(),
        blind: String::new(),
        acts: over.is_none(),
        ends: over.is_none() && (!hers || one.kind == Kind::Proxy),
    }
}

impl Line {
    /// With what is not seen today, whether by age, by a rule, or by a secret one.
    pub fn blind_to(self, t: Text, what: &[Category]) -> Line {
        let names: Vec<&str> = what.iter().map(|one| one.name(t.lang())).collect();
        let blind = match names.is_empty() || !self.acts {
            true => String::new(),
            false => t.fill("kin.blind", &[("what", &names.join(", "))]),
        };
        Line { blind, ..self }
    }
}

/// What changed of late, for a first page: a sentence for each change.
pub fn notices(t: Text, lines: &[Representative], hers: bool, now: Timestamp) -> Vec<String> {
    let told = |one: &&Representative| {
        let until = one.changed(now).checked_add(trust::represent::NOTICE);
        until.is_ok_and(|until| until > now)
    };
    let sentence = |one: &Representative| {
        let over = one.changed(now) != one.from;
        let key = match (hers, over) {
            (true, false) => "kin.news_named",
            (true, true) => "kin.news_ended",
            (false, false) => "kin.news_made",
            (false, true) => "kin.news_unmade",
        };
        let name = if hers { &one.name } else { &one.whose };
        let date = when::date(t, &when::iso_day(one.changed(now)));
        t.fill(key, &[("name", name), ("date", &date)])
    };
    lines.iter().filter(told).map(sentence).collect()
}

/// What the person's page is made of.
pub struct Input<'a> {
    /// Who acts for her, and did of late.
    pub lines: Vec<Line>,
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// Whether she may name somebody: not before she is of age.
    pub names: bool,
}

#[derive(Template)]
#[template(path = "kin.html")]
struct Page<'a> {
    frame: Frame,
    lines: Vec<Line>,
    fields: Vec<Field>,
    what: Vec<Tick>,
    speaks: bool,
    names: bool,
    errors: &'a [FieldError],
}

/// "Who acts for me".
pub fn page(frame: Frame, input: Input<'_>) -> String {
    let t = frame.t;
    let f = form(t, input.typed, input.errors);
    super::render(&Page {
        lines: input.lines,
        fields: vec![
            f.input("kin_name").required(),
            f.input("kin_curp").required(),
            f.choice("kin_tie", ties(t)).required(),
            f.of("kin_until", "date"),
        ],
        what: Category::ALL
            .into_iter()
            .map(|one| Tick {
                code: one.code(),
                label: super::rules::category(t, one),
                on: input.typed.has("what", one.code()),
            })
            .collect(),
        speaks: input.typed.get("kin_speaks") == "yes",
        names: input.names,
        errors: input.errors,
        frame: frame.titled(t.say("nav.kin")),
    })
}

#[derive(Template)]
#[template(path = "kin_desk.html")]
struct Desk<'a> {
    frame: Frame,
    reference: &'a str,
    lines: Vec<Line>,
    fields: Vec<Field>,
    errors: &'a [FieldError],
}

/// The desk's page: a guardian is entered on a document.
pub fn desk(frame: Frame, reference: &str, input: Input<'_>) -> String {
    let t = frame.t;
    let f = form(t, input.typed, input.errors);
    let mut papers = vec![choice("", t.say("field.choose"))];
    let codes = ["birth-certificate", "court-decision"];
    papers.extend(codes.map(|code| choice(code, t.say(&format!("paper.{code}")))));
    let until = Field {
        hint: t.say("kin.until_desk").to_owned(),
        ..f.of("kin_until", "date")
    };
    super::render(&Desk {
        reference,
        lines: input.lines,
        fields: vec![
            f.input("kin_whose").required(),
            f.input("kin_name").required(),
            f.input("kin_curp").required(),
            f.choice("kin_tie", ties(t)).required(),
            f.choice("kin_paper", papers).required(),
            f.input("kin_number").required(),
            until,
        ],
        errors: input.errors,
        frame: frame.titled(t.say("kin.desk")),
    })
}

fn form<'a>(t: Text, typed: &'a Fields, errors: &'a [FieldError]) -> Form<'a> {
    Form {
        t,
        prefix: "field",
        typed,
        errors,
    }
}

fn ties(t: Text) -> Vec<Choice> {
    let one = |tie: Tie| choice(tie.code(), t.say(&format!("tie.{}", tie.code())));
    let choose = choice("", t.say("field.choose"));
    std::iter::once(choose)
        .chain(Tie::ALL.into_iter().map(one))
        .collect()
}

/// Something that whoever acts for somebody did.
#[derive(Clone, Debug)]
pub struct Deed {
    /// What.
    pub sentence: String,
    /// Where and when.
    pub under: String,
}

#[derive(Template)]
#[template(path = "kin_looks.html")]
struct Looks {
    frame: Frame,
    headline: String,
    back: String,
    deeds: Vec<Deed>,
    missing: Vec<String>,
}

/// What whoever acts for somebody did as such, newest first.
pub fn looks(frame: Frame, whose: &str, reference: &str, parts: &[LogPart]) -> String {
    let t = frame.t;
    let threads = &frame.threads;
    let mut acts: Vec<&ActView> = parts
        .iter()
        .filter_map(|part| part.acts.as_ref().ok())
        .flatten()
        .filter(|act| act.refused.is_empty() && act.kind != ActKind::Ask)
        .collect();
    acts.sort_by_key(|act| std::cmp::Reverse((act.at, act.leaf)));
    let deed = |act: &&ActView| {
        let names = Category::of(act.categories).into_iter();
        let names: Vec<&str> = names.map(|one| one.name(t.lang())).collect();
        let sentence = match (act.kind, names.is_empty()) {
            (ActKind::Log, _) => t.say("kin.did_log").to_owned(),
            (_, true) => t.say("kin.did_look").to_owned(),
            (_, false) => t.fill("kin.did_see", &[("what", &names.join(", "))]),
        };
        let day = when::date(t, &when::iso_day(act.at));
        let place = threads.name(&act.node);
        Deed {
            sentence,
            under: format!("{place} · {day}, {}", when::time(act.at)),
        }
    };
    let silent = parts.iter().filter(|part| part.acts.is_err());
    super::render(&Looks {
        headline: t.fill("kin.looks", &[("name", whose)]),
        back: format!("/por/{reference}"),
        deeds: acts.iter().map(deed).collect(),
        missing: silent
            .map(|part| t.fill("looks.missing", &[("name", &part.name)]))
            .collect(),
        frame: frame.titled(t.say("kin.looks_title")),
    })
}
