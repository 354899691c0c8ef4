//! Delegates: in whose name somebody works, and who works in hers.

use super::field::{Field, Form};
use super::frame::Frame;
use super::rules::Tick;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::when;
use askama::Template;
use jiff::Timestamp;
use trust::{Delegation, Purpose, Task};

/// A delegation on either side's page.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Sealed: whom the forms mean.
    pub reference: String,
    /// The other one's name.
    pub name: String,
    /// What may be done, and until when.
    pub detail: String,
    /// What keeps it from counting now; empty for nothing.
    pub problem: String,
    /// It counts now.
    pub stands: bool,
    /// It is not over.
    pub lives: bool,
    /// She works in that name now.
    pub taken: bool,
}

/// A line with the other one's name; whom its forms mean is for the caller to say.
pub fn line(t: Text, one: &Delegation, name: &str, stands: bool, now: Timestamp) -> Line {
    let date = |at: Timestamp| when::date(t, &when::iso_day(at));
    let tasks: Vec<&str> = one.tasks.iter().map(|task| said(t, *task)).collect();
    let over = one.over(now);
    let problem = match over {
        Some(over) => t.fill("delegates.over", &[("date", &date(over))]),
        None if stands => String::new(),
        None if one.from > now => t.fill("delegates.waits", &[("date", &date(one.from))]),
        None => t.say("delegates.not_now").to_owned(),
    };
    let until = date(one.until);
    Line {
        name: name.to_owned(),
        detail: t.fill(
            "delegates.does",
            &[("what", &tasks.join(", ")), ("date", &until)],
        ),
        problem,
        stands,
        lives: over.is_none(),
        ..Line::default()
    }
}

fn said(t: Text, task: Task) -> &'static str {
    t.say(match task {
        Task::Desk => "delegates.task_desk",
        Task::Read => "delegates.task_read",
        Task::Write => "delegates.task_write",
    })
}

/// What the page is made of.
pub struct Input<'a> {
    /// In whose names she may work.
    pub theirs: Vec<Line>,
    /// Who works in hers.
    pub mine: Vec<Line>,
    /// Whether she may name somebody.
    pub names: bool,
    /// For what somebody may be named, as the members agreed.
    pub purposes: &'a [Purpose],
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// Why it was not taken; empty for nothing.
    pub problem: &'a str,
}

#[derive(Template)]
#[template(path = "delegates.html")]
struct Page<'a> {
    frame: Frame,
    theirs: &'a [Line],
    mine: &'a [Line],
    taken: bool,
    names: bool,
    fields: Vec<Field>,
    tasks: Vec<Tick>,
    purposes: Vec<Tick>,
    errors: &'a [FieldError],
    problem: &'a str,
}

/// The page of both sides.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let typed = input.typed;
    let f = Form {
        t,
        prefix: "field",
        typed,
        errors: input.errors,
    };
    let task = |task: Task| Tick {
        code: task.code(),
        label: said(t, task).to_owned(),
        on: typed.has("task", task.code()),
    };
    let words = |one: Purpose| match (trust::pact::purpose_words(one), t.english()) {
        ((es, _), false) => es,
        ((_, en), true) => en,
    };
    let purpose = |one: &Purpose| Tick {
        code: one.code(),
        label: words(*one).to_owned(),
        on: typed.has("for", one.code()),
    };
    // One alone needs no choosing.
    let several = input.purposes.iter().filter(|_| input.purposes.len() > 1);
    super::render(&Page {
        theirs: &input.theirs,
        mine: &input.mine,
        taken: input.theirs.iter().any(|line| line.taken),
        names: input.names,
        fields: vec![
            f.input("delegate_login").required(),
            f.of("delegate_from", "date"),
            f.of("delegate_until", "date").required(),
        ],
        tasks: Task::ALL.into_iter().map(task).collect(),
        purposes: several.map(purpose).collect(),
        errors: input.errors,
        problem: input.problem,
        frame: frame.titled(t.say("nav.delegates")),
    })
}
