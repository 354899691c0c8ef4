//! The patient's first page and her code. Neither reads a record.

use super::frame::Frame;
use super::kin::Line;
use crate::when;
use askama::Template;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    frame: Frame,
    hello: String,
    cloth: String,
    helped: bool,
    wards: &'a [Line],
    notices: &'a [String],
}

/// The patient's first page: six doors; those for whom she acts, and what changed of late about who acts for whom.
pub fn page(frame: Frame, name: &str, wards: &[Line], notices: &[String]) -> String {
    let t = frame.t;
    let first = name.split_whitespace().next().unwrap_or(name);
    let hello = t.fill("home.hello", &[("name", first)]);
    let cloth = crate::weave::cloth(&frame.threads);
    super::render(&Home {
        helped: !frame.helped().is_empty(),
        frame: frame.titled(t.say("nav.home")),
        hello,
        cloth,
        wards,
        notices,
    })
}

#[derive(Template)]
#[template(path = "code.html")]
struct Code {
    frame: Frame,
    groups: Vec<String>,
    whole: String,
    spoken: String,
    until: String,
}

/// The page of the code: before it is asked for (`None`) or showing it until its end.
pub fn code(frame: Frame, shown: Option<(&str, jiff::Timestamp)>) -> String {
    let t = frame.t;
    let whole = shown.map_or("", |(code, _)| code);
    let spoken = whole
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    super::render(&Code {
        groups: whole
            .split('-')
            .filter(|g| !g.is_empty())
            .map(str::to_owned)
            .collect(),
        whole: whole.to_owned(),
        spoken: t.fill("code.spoken", &[("code", &spoken)]),
        until: shown.map_or_else(String::new, |(_, until)| {
            t.fill("code.until", &[("time", &when::time(until))])
        }),
        frame: frame.titled(t.say("nav.code")),
    })
}
