//! The person's rules: shown, tried, said, taken back.

use super::Answer;
use crate::answer::{page, typed as of_type};
use crate::form::{FieldError, Fields};
use crate::seal::{Use, new_id};
use crate::session::{Signed, SignedForm, blocking};
use crate::views::{self, rules::Preview};
use crate::when;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use trust::{
    Author, Category, Frequency, MemberId, Pact, Part, Per, Period, Refusal, Rule, Terms, Who,
};

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    quien: String,
}

/// The rules in force.
async fn today(signed: &Signed) -> Result<Today, Response<Body>> {
    let Some(curp) = signed.actor.curp.clone() else {
        return Err(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let (gate, actor) = (signed.state().gate.clone(), signed.actor.clone());
    let read = blocking(&signed.visitor, move || {
        let word = gate.word(gate.tag(&curp));
        let rules = word.map(|w| w.word.rules).unwrap_or_default();
        let said = gate.words_said(&actor)?;
        Ok(Today { rules, said })
    })
    .await?;
    read.map_err(|refusal: Refusal| signed.refuse(&refusal, ""))
}

/// What she says today, and when she said what before.
struct Today {
    rules: Vec<Rule>,
    said: Vec<(u64, Timestamp)>,
}

/// The page with the form as typed.
fn desk(
    signed: &Signed,
    code: StatusCode,
    today: &Today,
    typed: &Fields,
    errors: &[FieldError],
    preview: Option<Preview>,
) -> Response<Body> {
    let actor = signed
        .open(Use::Actor, typed.get("quien"))
        .and_then(|json| serde_json::from_str(&json).ok());
    let pact = signed.state().gate.pact();
    let input = views::rules::Input {
        rules: &today.rules,
        seals: pact.seals.as_ref(),
        said: &today.said,
        actor,
        typed,
        errors,
        preview,
    };
    page(code, views::rules::page(signed.frame(), input))
}

pub(super) async fn show(signed: Signed, Query(about): Query<About>) -> Answer {
    let today = today(&signed).await?;
    let typed = Fields(vec![("quien".to_owned(), about.quien)]);
    Ok(desk(&signed, StatusCode::OK, &today, &typed, &[], None))
}

/// Reads the form into a rule.
pub(super) fn read(
    signed: &Signed,
    typed: &Fields,
    now: Timestamp,
) -> Result<Rule, Vec<FieldError>> {
    let t = signed.t();
    let pact = signed.state().gate.pact();
    let who = views::rules::who_of(typed.get("who")).filter(|who| match who {
        Who::Member(member) | Who::Actor(member, _) => pact.member(member).is_some(),
        _ => true,
    });
    let what: Vec<Category> = typed.all("what").filter_map(Category::from_code).collect();
    let everything = typed.has("what", "everything");
    let until = until(typed, now);
    let part = part(&signed.state().gate.pact(), typed);
    let from = start(typed, now);
    let opens = typed.get("verb") == "open";
    let mut errors = Vec::new();
    let mut wrong = |field: &str, sentence: &str| {
        errors.push(FieldError::new(field, sentence));
    };
    if who.is_none() {
        wrong("who", t.say("rules.need_who"));
    }
    if what.is_empty() && !everything {
        wrong("what", t.say("rules.need_what"));
    }
    if until.is_none() {
        wrong("until_date", t.say("rules.need_date"));
    }
    if part.is_none() {
        wrong("part_to", t.say("rules.need_part"));
    }
    let backwards = matches!((from, until), (Some(Some(from)), Some(Some(until))) if until <= from);
    if from.is_none() || backwards {
        wrong("from_date", t.say("rules.need_start"));
    }
    let frequency = frequency(typed);
    if frequency.is_none() {
        wrong("times", t.say("rules.need_times"));
    }
    let erase_at = erase_at(typed, now);
    if erase_at.is_none() {
        wrong("erase_date", t.say("rules.need_erase"));
    }
    let terms = frequency.zip(erase_at).map(|(frequency, erase_at)| Terms {
        frequency,
        erase_at,
    });
    if !opens && terms.is_some_and(|terms| !terms.is_none()) {
        wrong("times", t.say("rules.need_open"));
    }
    let insist = !opens && typed.get("insist") == "yes";
    if insist && typed.get("insist_sure") != "yes" {
        wrong("insist_sure", t.say("rules.need_sure"));
    }
    match (who.zip(part), until.zip(from), terms.zip(new_id())) {
        (Some((who, part)), Some((until, from)), Some((terms, id))) if errors.is_empty() => {
            Ok(Rule {
                id,
                allow: opens,
                terms,
                who,
                what: if everything { Vec::new() } else { what },
                purpose: None,
                until,
                hint: typed.get("hint") != "silence",
                from,
                part,
                insist,
                quiet: !opens && typed.get("quiet") == "yes",
                ..Rule::default()
            })
        }
        _ => Err(errors),
    }
}

/// Until when (`Some(None)`: until she changes it); `None` for a day that cannot be read or is over.
#[allow(clippy::option_option)]
fn until(typed: &Fields, now: Timestamp) -> Option<Option<Timestamp>> {
    let days = match typed.get("until") {
        "day" => 1,
        "week" => 7,
        "month" => 30,
        "year" => 365,
        "date" => {
            let end = when::end_of_day(typed.get("until_date"))?;
            return (end > now).then_some(Some(end));
        }
        _ => return Some(None),
    };
    now.checked_add(SignedDuration::from_hours(24 * days))
        .ok()
        .map(Some)
}

/// From when (`Some(None)`: at once); `None` for a day that cannot be read.
#[allow(clippy::option_option)]
fn start(typed: &Fields, now: Timestamp) -> Option<Option<Timestamp>> {
    match typed.get("from_date") {
        "" => Some(None),
        day => when::start_of_day(day).map(|start| Some(start).filter(|start| *start > now)),
    }
}

/// How often (`Some(None)`: as often as they need); `None` for what is no number from 1 to 1000.
#[allow(clippy::option_option)]
fn frequency(typed: &Fields) -> Option<Option<Frequency>> {
    let times = match typed.get("times") {
        "" => return Some(None),
        times => times.parse().ok()?,
    };
    let mut spans = Per::ALL.into_iter();
    let per = spans.find(|per| per.code() == typed.get("per"))?;
    let frequency = Frequency { times, per };
    frequency.is_within_bounds().then_some(Some(frequency))
}

/// By when what was received is erased (`Some(None)`: she does not say); `None` for a day that cannot be read or is over.
#[allow(clippy::option_option)]
fn erase_at(typed: &Fields, now: Timestamp) -> Option<Option<Timestamp>> {
    match typed.get("erase_date") {
        "" => Some(None),
        day => {
            let end = when::end_of_day(day)?;
            (end > now).then_some(Some(end))
        }
    }
}

/// The part of the record that the form names; `None` when its dates cannot be read, or end before they begin.
fn part(pact: &Pact, typed: &Fields) -> Option<Part> {
    let moment = |field: &str, read: fn(&str) -> Option<Timestamp>| match typed.get(field) {
        "" => Some(None),
        day => read(day).map(Some),
    };
    let from = moment("part_from", when::start_of_day)?;
    let until = moment("part_to", when::day_after)?;
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        return None;
    }
    let named = (from.is_some() || until.is_some()).then_some(Period { from, until });
    let by = MemberId(typed.get("part_by").to_owned());
    let author = pact.member(&by).map(|_| Author::Institution(by));
    Some(Part {
        period: named,
        authors: author.into_iter().collect(),
        ..Part::default()
    })
}

pub(super) async fn preview(SignedForm(signed, typed): SignedForm) -> Answer {
    let today = today(&signed).await?;
    let now = signed.state().now();
    let rule = match read(&signed, &typed, now) {
        Ok(rule) => rule,
        Err(errors) => {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(desk(&signed, code, &today, &typed, &errors, None));
        }
    };
    let eyes = views::rules::who_of(typed.get("eyes")).unwrap_or_else(|| rule.who.clone());
    let mut then = today.rules.clone();
    // Shown as it will be once it holds.
    then.push(Rule {
        from: None,
        ..rule.clone()
    });
    let (gate, actor, who) = (
        signed.state().gate.clone(),
        signed.actor.clone(),
        eyes.clone(),
    );
    let seen = blocking(&signed.visitor, move || {
        gate.preview(&actor, &who, &then, now)
    })
    .await?;
    Ok(match seen {
        Ok(rows) => {
            let pact = signed.state().gate.pact();
            let preview = views::rules::preview(
                signed.t(),
                &signed.frame().threads,
                pact.seals.as_ref(),
                (&eyes, &rows),
                &rule,
            );
            desk(&signed, StatusCode::OK, &today, &typed, &[], Some(preview))
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn save(SignedForm(signed, typed): SignedForm) -> Answer {
    let mut today = today(&signed).await?;
    match read(&signed, &typed, signed.state().now()) {
        Ok(rule) => {
            today.rules.push(rule);
            say(&signed, today.rules).await
        }
        Err(errors) => {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(desk(&signed, code, &today, &typed, &errors, None))
        }
    }
}

pub(super) async fn remove(SignedForm(signed, typed): SignedForm) -> Answer {
    let mut rules = today(&signed).await?.rules;
    rules.retain(|r| r.id != typed.get("id"));
    say(&signed, rules).await
}

/// The receipt of what she said once, to keep and to show.
pub(super) async fn receipt(signed: Signed, Path(version): Path<u64>) -> Answer {
    let (gate, actor) = (signed.state().gate.clone(), signed.actor.clone());
    let lang = signed.t().lang();
    let made = blocking(&signed.visitor, move || {
        gate.receipt_of_word(&actor, version, lang)
    })
    .await?;
    let receipt = match made {
        Ok(receipt) => receipt,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let mut response = of_type(StatusCode::OK, "application/ld+json", receipt);
    let name = format!("attachment; filename=\"reglas-{version}.jsonld\"");
    if let Ok(name) = name.parse() {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Says the rules here and carries them to every member.
async fn say(signed: &Signed, rules: Vec<Rule>) -> Answer {
    let state = signed.state();
    let (gate, actor, now) = (state.gate.clone(), signed.actor.clone(), state.now());
    let said = blocking(&signed.visitor, move || gate.say(&actor, rules, now)).await?;
    let word = match said {
        Ok(word) => word,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let reached = state.network.spread(word, state.now()).await;
    let t = signed.t();
    let threads = signed.frame().threads;
    let late: Vec<String> = reached
        .iter()
        .filter(|(_, arrived)| !arrived)
        .map(|(member, _)| threads.name(member))
        .collect();
    let said = if late.is_empty() {
        t.say("rules.saved").to_owned()
    } else {
        t.fill("rules.saved_late", &[("names", &late.join(", "))])
    };
    Ok(signed.go("/reglas", &said))
}
