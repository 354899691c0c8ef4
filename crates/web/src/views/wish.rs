//! The wish not to know: what it means and where it ends, what she wishes today, and asking.

use super::field::{Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::when;
use askama::Template;
use jiff::Timestamp;
use trust::{Finding, Limit, Wish, wish};

/// A wish as a sentence.
#[derive(Clone, Debug)]
pub struct WishView {
    /// Code of the finding.
    pub code: &'static str,
    /// The sentence.
    pub sentence: String,
    /// It keeps something from her.
    pub holds: bool,
    /// The day has come on which she wanted to be asked.
    pub review: bool,
    /// What the button asks, for who cannot see what it stands beside.
    pub ask: String,
}

/// A finding with its box.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Code.
    pub code: &'static str,
    /// Words.
    pub label: &'static str,
    /// What belongs to it.
    pub hint: &'static str,
    /// Ticked.
    pub on: bool,
}

/// Something that she was told in spite of her wish.
#[derive(Clone, Debug)]
pub struct ToldView {
    /// The message.
    pub message: String,
    /// Who decided it, and when.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What the page is made of.
pub struct Input<'a> {
    /// All her wishes, in the order in which she said them.
    pub wishes: &'a [Wish],
    /// What she was told in spite of them.
    pub told: &'a [Limit],
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// When.
    pub now: Timestamp,
}

#[derive(Template)]
#[template(path = "wish.html")]
struct Page<'a> {
    frame: Frame,
    told: Vec<ToldView>,
    wishes: Vec<WishView>,
    before: Vec<String>,
    findings: Vec<Tick>,
    what_error: String,
    until: Field,
    date: Field,
    companion: Field,
    told_to: Field,
    cool_off: Field,
    review: Field,
    errors: &'a [FieldError],
}

/// The page.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let lang = t.lang();
    let f = Form {
        t,
        prefix: "wishfield",
        typed: input.typed,
        errors: input.errors,
    };
    let last: Vec<&Wish> = wish::last(input.wishes).collect();
    let is_last = |one: &Wish| last.iter().any(|last| std::ptr::eq(*last, one));
    let now = input.now;
    let view = |one: &&Wish| WishView {
        code: one.finding.code(),
        sentence: one.sentence(lang, now),
        holds: one.holds(now),
        review: one.holds(now) && one.review.is_some_and(|review| review <= now),
        ask: t.fill("wish.ask_of", &[("what", one.finding.inside(lang))]),
    };
    let before = input.wishes.iter().filter(|one| !is_last(one));
    let told = input.told.iter().map(|limit| {
        let second = limit.second.as_ref().map_or("", |second| &second.name);
        let day = limit.agreed.map(when::iso_day).unwrap_or_default();
        let day = when::date(t, &day);
        let places = [
            ("first", limit.first.name.as_str()),
            ("second", second),
            ("day", &day),
        ];
        ToldView {
            message: limit.telling.message.clone(),
            by: t.fill("wish.told_by", &places),
            reason: limit.telling.reason.clone(),
        }
    });
    super::render(&Page {
        told: told.collect(),
        wishes: last.iter().map(view).collect(),
        before: before
            .map(|one| {
                let day = when::date(t, &when::iso_day(one.since));
                format!("{day} · {}", one.sentence(lang, now))
            })
            .collect(),
        findings: Finding::ALL
            .into_iter()
            .map(|one| Tick {
                code: one.code(),
                label: one.name(lang),
                hint: one.explanation(lang),
                on: input.typed.has("what", one.code()),
            })
            .collect(),
        what_error: input
            .errors
            .iter()
            .find(|e| e.field == "what")
            .map_or_else(String::new, |e| e.sentence.clone()),
        until: f.choice(
            "until",
            ["asked", "accompanied", "date"]
                .map(|u| choice(u, t.say(&format!("wishuntil.{u}"))))
                .into(),
        ),
        date: f.of("until_date", "date"),
        companion: f.input("companion"),
        told_to: f.input("told"),
        cool_off: f.choice(
            "cool_off",
            ["0", "24", "48", "72"]
                .map(|h| choice(h, t.say(&format!("cooloff.{h}"))))
                .into(),
        ),
        review: f.choice(
            "review",
            ["0", "6", "12", "24"]
                .map(|m| choice(m, t.say(&format!("wishreview.{m}"))))
                .into(),
        ),
        errors: input.errors,
        frame: frame.titled(t.say("nav.wish")),
    })
}

#[derive(Template)]
#[template(path = "ask.html")]
struct Ask<'a> {
    frame: Frame,
    code: &'static str,
    title: String,
    when: String,
    companion: Option<String>,
    day: Field,
    hour: Field,
    errors: &'a [FieldError],
}

/// The page that asks whether she wants to know now. It says the same whether there is anything to know or not.
pub fn ask(frame: Frame, wish: &Wish, typed: &Fields, errors: &[FieldError]) -> String {
    let t = frame.t;
    let f = Form {
        t,
        prefix: "wishfield",
        typed,
        errors,
    };
    let title = t.fill("ask.title", &[("what", wish.finding.inside(t.lang()))]);
    let when = match wish.cool_off_hours {
        0 => t.say("ask.now").to_owned(),
        hours => t.fill("ask.later", &[("hours", &hours.to_string())]),
    };
    let companion = wish.companion.as_ref();
    super::render(&Ask {
        code: wish.finding.code(),
        when,
        companion: companion.map(|c| t.fill("ask.with_title", &[("name", &c.name)])),
        day: f.of("day", "date"),
        hour: f.of("hour", "time"),
        errors,
        frame: frame.titled(&title),
        title,
    })
}
