//! The person's rules: shown, tried, said, taken back.

use super::Answer;
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::seal::{Use, new_id};
use crate::session::{Signed, SignedForm, blocking};
use crate::views::{self, rules::Preview};
use crate::when;
use axum::body::Body;
use axum::extract::Query;
use axum::http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use trust::{Category, Rule, Who};

#[derive(Deserialize)]
pub(super) struct About {
    #[serde(default)]
    quien: String,
}

/// The rules in force.
async fn today(signed: &Signed) -> Result<Vec<Rule>, Response<Body>> {
    let Some(curp) = signed.actor.curp.clone() else {
        return Err(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let gate = signed.state().gate.clone();
    blocking(&signed.visitor, move || {
        let word = gate.word(gate.tag(&curp));
        word.map(|w| w.word.rules).unwrap_or_default()
    })
    .await
}

/// The page with the form as typed.
fn desk(
    signed: &Signed,
    code: StatusCode,
    rules: &[Rule],
    typed: &Fields,
    errors: &[FieldError],
    preview: Option<Preview>,
) -> Response<Body> {
    let actor = signed
        .open(Use::Actor, typed.get("quien"))
        .and_then(|json| serde_json::from_str(&json).ok());
    let input = views::rules::Input {
        rules,
        actor,
        typed,
        errors,
        preview,
    };
    page(code, views::rules::page(signed.frame(), input))
}

pub(super) async fn show(signed: Signed, Query(about): Query<About>) -> Answer {
    let rules = today(&signed).await?;
    let typed = Fields(vec![("quien".to_owned(), about.quien)]);
    Ok(desk(&signed, StatusCode::OK, &rules, &typed, &[], None))
}

/// Reads the form into a rule.
fn read(signed: &Signed, typed: &Fields, now: Timestamp) -> Result<Rule, Vec<FieldError>> {
    let t = signed.t();
    let pact = signed.state().gate.pact();
    let who = views::rules::who_of(typed.get("who")).filter(|who| match who {
        Who::Member(member) | Who::Actor(member, _) => pact.member(member).is_some(),
        _ => true,
    });
    let what: Vec<Category> = typed.all("what").filter_map(Category::from_code).collect();
    let everything = typed.has("what", "everything");
    let until = until(typed, now);
    let mut errors = Vec::new();
    let mut wrong = |field: &str, sentence: &str| {
        errors.push(FieldError {
            field: field.to_owned(),
            sentence: sentence.to_owned(),
        });
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
    match (who, until, new_id()) {
        (Some(who), Some(until), Some(id)) if errors.is_empty() => Ok(Rule {
            id,
            allow: typed.get("verb") == "open",
            who,
            what: if everything { Vec::new() } else { what },
            purpose: None,
            until,
            hint: typed.get("hint") != "silence",
        }),
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

pub(super) async fn preview(SignedForm(signed, typed): SignedForm) -> Answer {
    let rules = today(&signed).await?;
    let now = signed.state().now();
    let rule = match read(&signed, &typed, now) {
        Ok(rule) => rule,
        Err(errors) => {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(desk(&signed, code, &rules, &typed, &errors, None));
        }
    };
    let eyes = views::rules::who_of(typed.get("eyes")).unwrap_or_else(|| rule.who.clone());
    let mut then = rules.clone();
    then.push(rule);
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
            let preview = views::rules::preview(signed.t(), &signed.frame().threads, &eyes, &rows);
            desk(&signed, StatusCode::OK, &rules, &typed, &[], Some(preview))
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn save(SignedForm(signed, typed): SignedForm) -> Answer {
    let mut rules = today(&signed).await?;
    match read(&signed, &typed, signed.state().now()) {
        Ok(rule) => {
            rules.push(rule);
            say(&signed, rules).await
        }
        Err(errors) => {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(desk(&signed, code, &rules, &typed, &errors, None))
        }
    }
}

pub(super) async fn remove(SignedForm(signed, typed): SignedForm) -> Answer {
    let mut rules = today(&signed).await?;
    rules.retain(|r| r.id != typed.get("id"));
    say(&signed, rules).await
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
