//! Breaking the glass: the clinician's side of it, the reviewer's list, what the person is told, and the figures.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::when;
use askama::Template;
use exchange::LogPart;
use jiff::Timestamp;
use trust::glass::{Break, Figures, Reason, Stage, Step};
use trust::{ActView, Enrolment, Unusual, What};

/// What stands above a record that was opened in an emergency.
#[derive(Clone, Debug)]
pub struct Banner {
    /// Until when, and what follows.
    pub sentence: String,
    /// The emergency, for the form that opens the rest; empty once it is open.
    pub id: String,
    /// Whether the reader has a second factor to show.
    pub factor: bool,
}

/// The banner of an open emergency.
pub fn banner(t: Text, one: &Break, factor: bool, now: Timestamp) -> Banner {
    let confirmed = one.stage(now) == Stage::Confirmed;
    let key = match confirmed {
        true => "emergency.open_all",
        false => "emergency.open_set",
    };
    let due = when::date(t, &when::iso_day(one.due));
    Banner {
        sentence: t.fill(key, &[("time", &when::time(one.until)), ("date", &due)]),
        id: match confirmed {
            true => String::new(),
            false => one.id.clone(),
        },
        factor,
    }
}

#[derive(Template)]
#[template(path = "emergency.html")]
struct Declare<'a> {
    frame: Frame,
    reference: &'a str,
    reason: Field,
    words: Field,
    errors: &'a [FieldError],
}

/// The form that declares an emergency.
pub fn declare(frame: Frame, reference: &str, typed: &Fields, errors: &[FieldError]) -> String {
    let t = frame.t;
    let f = Form {
        t,
        prefix: "emergency",
        typed,
        errors,
    };
    let reasons = std::iter::once(choice("", t.say("field.choose")))
        .chain(Reason::ALL.map(|r| choice(r.code(), t.say(&format!("reason.{}", r.code())))));
    let reasons: Vec<Choice> = reasons.collect();
    super::render(&Declare {
        reference,
        reason: f.choice("reason", reasons).required(),
        words: f.area("words", 3).required(),
        errors,
        frame: frame.titled(t.say("emergency.title")),
    })
}

#[derive(Template)]
#[template(path = "factor.html")]
struct Factor<'a> {
    frame: Frame,
    has: bool,
    begun: Option<&'a Enrolment>,
    problem: &'a str,
}

/// The page of the second factor: whether there is one, and one that was begun.
pub fn factor(frame: Frame, has: bool, begun: Option<&Enrolment>, problem: &str) -> String {
    let t = frame.t;
    super::render(&Factor {
        has,
        begun,
        problem,
        frame: frame.titled(t.say("factor.title")),
    })
}

/// One emergency in the reviewer's list.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its name.
    pub id: String,
    /// Who and when.
    pub headline: String,
    /// Why, coded and in words.
    pub why: String,
    /// By when, or why it cannot be reviewed yet.
    pub due: String,
    /// Late.
    pub late: bool,
}

fn waiting(t: Text, one: &Break, now: Timestamp) -> Waiting {
    let at = one.declared;
    let unit = one
        .by
        .unit
        .as_deref()
        .unwrap_or_else(|| t.say("review.no_unit"));
    let due = when::date(t, &when::iso_day(one.due));
    let (key, time) = match one.stage(now) {
        Stage::Declared | Stage::Confirmed => ("review.still_open", when::time(one.until)),
        Stage::Overdue => ("review.late", String::new()),
        Stage::Waiting | Stage::Reviewed => ("review.due", String::new()),
    };
    Waiting {
        id: one.id.clone(),
        headline: t.fill(
            "review.who",
            &[
                ("who", &one.by.name),
                ("unit", unit),
                ("date", &when::date(t, &when::iso_day(at))),
                ("time", &when::time(at)),
            ],
        ),
        why: format!(
            "{}. {}",
            t.say(&format!("reason.{}", one.reason.code())),
            one.words
        ),
        due: t.fill(key, &[("date", &due), ("time", &time)]),
        late: one.stage(now) == Stage::Overdue,
    }
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct Reviews {
    frame: Frame,
    list: Vec<Waiting>,
    /// Who was noticed opening many records without a sign of care.
    unusual: Vec<Waiting>,
}

/// Somebody who was noticed, in the reviewer's list.
fn noticed(frame: &Frame, one: &Unusual, now: Timestamp) -> Waiting {
    let t = frame.t;
    let at = |at: Timestamp| (when::date(t, &when::iso_day(at)), when::time(at));
    let ((date, time), (over_date, over_time)) = (at(one.at), at(one.over()));
    let over = [("date", over_date.as_str()), ("time", &over_time)];
    Waiting {
        id: one.id.clone(),
        headline: t.fill(
            "unusual.who",
            &[
                ("who", &one.name),
                ("place", &frame.threads.name(&one.member)),
                ("n", &one.people.to_string()),
                ("date", &date),
                ("time", &time),
            ],
        ),
        why: t.say("unusual.lead").to_owned(),
        due: match now < one.over() {
            true => t.fill("unusual.still_open", &over),
            false => String::new(),
        },
        late: false,
    }
}

/// The reviewer's list, and who was noticed opening many records without a sign of care.
pub fn reviews(frame: Frame, list: &[Break], unusual: &[Unusual], now: Timestamp) -> String {
    let t = frame.t;
    let unusual = unusual.iter().map(|one| noticed(&frame, one, now));
    super::render(&Reviews {
        list: list.iter().map(|one| waiting(t, one, now)).collect(),
        unusual: unusual.collect(),
        frame: frame.titled(t.say("nav.reviews")),
    })
}

#[derive(Template)]
#[template(path = "review.html")]
struct Review<'a> {
    frame: Frame,
    title: &'a str,
    one: Waiting,
    open: bool,
    /// What was done under an emergency; `None` of somebody who was noticed.
    done: Option<&'a [String]>,
    wide: bool,
    verdict: Field,
    words: Field,
    errors: &'a [FieldError],
}

/// One emergency, what was done under it, and the form of the verdict.
pub fn review(
    frame: Frame,
    (one, done): (&Break, &[String]),
    typed: &Fields,
    errors: &[FieldError],
    now: Timestamp,
) -> String {
    let t = frame.t;
    let (verdict, words) = verdict(t, typed, errors);
    super::render(&Review {
        title: t.say("review.title"),
        one: waiting(t, one, now),
        open: matches!(one.stage(now), Stage::Declared | Stage::Confirmed),
        wide: one.confirmed.is_some(),
        done: Some(done),
        verdict,
        words,
        errors,
        frame: frame.titled(t.say("nav.reviews")),
    })
}

/// One who was noticed, and the form of the verdict.
pub fn review_noticed(
    frame: Frame,
    one: &Unusual,
    typed: &Fields,
    errors: &[FieldError],
    now: Timestamp,
) -> String {
    let t = frame.t;
    let (verdict, words) = verdict(t, typed, errors);
    super::render(&Review {
        title: t.say("unusual.review"),
        one: noticed(&frame, one, now),
        open: now < one.over(),
        wide: false,
        done: None,
        verdict,
        words,
        errors,
        frame: frame.titled(t.say("nav.reviews")),
    })
}

/// The fields of a verdict: what it is, and why.
fn verdict(t: Text, typed: &Fields, errors: &[FieldError]) -> (Field, Field) {
    let f = Form {
        t,
        prefix: "review",
        typed,
        errors,
    };
    let verdicts = [
        ("", "field.choose"),
        ("yes", "review.yes"),
        ("no", "review.no"),
    ];
    let verdicts = verdicts.map(|(value, key)| choice(value, t.say(key)));
    (
        f.choice("verdict", verdicts.into()).required(),
        f.area("words", 3).required(),
    )
}

/// An emergency as the person is told of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Who broke the glass, and why.
    pub sentence: String,
    /// The day.
    pub date: String,
    /// The verdict, or by when it comes.
    pub verdict: String,
    /// `good`, `wrongly` or nothing yet.
    pub state: &'static str,
    /// Drawn sign.
    pub icon: &'static str,
}

/// The emergencies in a log, newest first, each with its verdict; and the verdicts on who was noticed.
pub(crate) fn told(
    t: Text,
    parts: &[LogPart],
    sentence: &dyn Fn(&ActView) -> String,
    now: Timestamp,
) -> Vec<Told> {
    let acts = || {
        parts
            .iter()
            .filter_map(|part| part.acts.as_ref().ok())
            .flatten()
    };
    let steps = || {
        acts().filter_map(|act| match &act.what {
            What::Glass(step) if act.refused.is_empty() => Some((act, step)),
            _ => None,
        })
    };
    let mut all: Vec<(Timestamp, Told)> = Vec::new();
    for (act, step) in steps() {
        if let Step::Judged { justified, .. } = step {
            let (state, icon, key) = match justified {
                true => ("good", "check", "review.yes"),
                false => ("wrongly", "warn", "review.no"),
            };
            let told = Told {
                sentence: sentence(act),
                date: when::date(t, &when::iso_day(act.at)),
                verdict: format!("{}.", t.say(key)),
                state,
                icon,
            };
            all.push((act.at, told));
            continue;
        }
        let Step::Declared { id, due, .. } = step else {
            continue;
        };
        // The member where it was declared gives the verdict's words; the others give the verdict alone.
        let verdicts = steps().filter(|(_, step)| step.id() == id);
        let verdict = verdicts
            .filter_map(|(by, step)| match step {
                Step::Reviewed { justified, .. } => Some((by.node == act.node, *justified, by)),
                _ => None,
            })
            .max_by_key(|(home, ..)| *home);
        let (state, icon, verdict) = match verdict {
            Some((_, true, by)) => ("good", "check", sentence(by)),
            Some((_, false, by)) => ("wrongly", "warn", sentence(by)),
            None => {
                let date = when::date(t, &when::iso_day(*due));
                let key = match now < *due {
                    true => "told.waits",
                    false => "told.late",
                };
                ("", "clock", t.fill(key, &[("date", &date)]))
            }
        };
        let told = Told {
            sentence: sentence(act),
            date: when::date(t, &when::iso_day(act.at)),
            verdict,
            state,
            icon,
        };
        all.push((act.at, told));
    }
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.into_iter().map(|(_, told)| told).collect()
}

#[derive(Template)]
#[template(path = "figures.html")]
struct Counted {
    frame: Frame,
    rows: Vec<(String, String)>,
}

/// Fewer than these are not told one by one: in a small town they would name somebody.
const FEW: u64 = 5;

/// How many emergencies there were at this member, for everybody.
pub fn figures(frame: Frame, figures: &Figures) -> String {
    let t = frame.t;
    let row = |key: &str, n: u64| {
        let n = match n {
            0 => "0".to_owned(),
            few if few < FEW => t.say("figures.few").to_owned(),
            many => many.to_string(),
        };
        (t.say(key).to_owned(), n)
    };
    super::render(&Counted {
        rows: vec![
            row("figures.declared", figures.declared),
            row("figures.confirmed", figures.confirmed),
            row("figures.justified", figures.justified),
            row("figures.not_justified", figures.not_justified),
            row("figures.waiting", figures.waiting),
            row("figures.overdue", figures.overdue),
        ],
        frame: frame.titled(t.say("figures.title")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::Threads;
    use trust::Lang;

    #[test]
    fn few_emergencies_are_not_told_one_by_one() {
        let frame = || {
            Frame::new(
                Text::of(Lang::Es),
                Threads::default(),
                "Clínica".into(),
                "/",
                None,
            )
        };
        let page = figures(
            frame(),
            &Figures {
                declared: 12,
                justified: 3,
                ..Figures::default()
            },
        );
        assert!(page.contains("<td>12</td>"), "{page}");
        assert!(
            page.contains("<td>1 a 4</td>") && !page.contains("<td>3</td>"),
            "{page}"
        );
        assert!(page.contains("<td>0</td>"));
    }
}
