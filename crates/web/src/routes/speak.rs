//! What whoever acts for somebody says for that one: shown, said, taken back.

use super::Answer;
use super::kin::{spread, ward};
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::session::{Signed, SignedForm, blocking};
use crate::views::{self, speak::Input};
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use trust::{Finding, Spoken, Tag};

/// For whom a sealed reference means, and what is said for that one.
async fn today(signed: &Signed, sealed: &str) -> Result<(Tag, Spoken), Response<Body>> {
    let tag = ward(signed, sealed).await?.tag;
    let (gate, now, actor) = signed.at_the_gate();
    let spoken = blocking(&signed.visitor, move || gate.spoken(&actor, tag, now)).await?;
    let spoken = spoken.map_err(|refusal| signed.refuse(&refusal, ""))?;
    Ok((tag, spoken))
}

/// Which of the two pages.
#[derive(Clone, Copy)]
enum Of {
    Rules,
    Wishes,
}

fn desk(
    signed: &Signed,
    of: Of,
    (reference, spoken): (&str, &Spoken),
    typed: &Fields,
    errors: &[FieldError],
) -> Response<Body> {
    let pact = signed.state().gate.pact();
    let input = Input {
        reference,
        spoken,
        typed,
        errors,
        seals: pact.seals.as_ref(),
    };
    let html = match of {
        Of::Rules => views::speak::rules(signed.frame(), &input),
        Of::Wishes => views::speak::wishes(signed.frame(), &input, signed.state().now()),
    };
    let code = match errors.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::UNPROCESSABLE_ENTITY,
    };
    page(code, html)
}

pub(super) async fn rules(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let (_, spoken) = today(&signed, &sealed).await?;
    let of = (sealed.as_str(), &spoken);
    Ok(desk(&signed, Of::Rules, of, &Fields::default(), &[]))
}

pub(super) async fn say(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (tag, spoken) = today(&signed, &sealed).await?;
    let (gate, now, actor) = signed.at_the_gate();
    let rule = match super::rules::read(&signed, &typed, now) {
        Ok(rule) => rule,
        Err(errors) => {
            let of = (sealed.as_str(), &spoken);
            return Ok(desk(&signed, Of::Rules, of, &typed, &errors));
        }
    };
    let rules = [spoken.rules, vec![rule]].concat();
    let said = blocking(&signed.visitor, move || {
        gate.say_for(&actor, tag, rules, now)
    })
    .await?;
    let to = format!("/por/{sealed}/reglas");
    spread(&signed, said, &to, "speak.saved").await
}

pub(super) async fn remove(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (tag, spoken) = today(&signed, &sealed).await?;
    let mut rules = spoken.rules;
    rules.retain(|rule| rule.id != typed.get("id"));
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || {
        gate.say_for(&actor, tag, rules, now)
    })
    .await?;
    let to = format!("/por/{sealed}/reglas");
    spread(&signed, said, &to, "speak.saved").await
}

pub(super) async fn wishes(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let (_, spoken) = today(&signed, &sealed).await?;
    let of = (sealed.as_str(), &spoken);
    Ok(desk(&signed, Of::Wishes, of, &Fields::default(), &[]))
}

pub(super) async fn wish(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (tag, spoken) = today(&signed, &sealed).await?;
    let (gate, now, actor) = signed.at_the_gate();
    let wishes = match super::wish::read(&signed, &typed, now) {
        Ok(wishes) => wishes,
        Err(errors) => {
            let of = (sealed.as_str(), &spoken);
            return Ok(desk(&signed, Of::Wishes, of, &typed, &errors));
        }
    };
    let said = blocking(&signed.visitor, move || {
        gate.wish_for(&actor, tag, wishes, now)
    })
    .await?;
    let to = format!("/por/{sealed}/saber");
    spread(&signed, said, &to, "speak.saved").await
}

pub(super) async fn ask(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let tag = ward(&signed, &sealed).await?.tag;
    let Some(finding) = Finding::from_code(typed.get("id")) else {
        return Ok(signed.fault(StatusCode::NOT_FOUND, "fault.missing"));
    };
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || {
        gate.ask_for(&actor, tag, finding, now)
    })
    .await?;
    let to = format!("/por/{sealed}/saber");
    spread(&signed, said, &to, "speak.saved").await
}
