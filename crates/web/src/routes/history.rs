//! The patient's history.

use super::Answer;
use super::person::sourced;
use crate::answer::page;
use crate::session::{Signed, blocking};
use crate::views::{self, history};
use axum::extract::Query;
use axum::http::StatusCode;
use serde::Deserialize;
use store::Verbs;
use trust::{Pact, PersonRef, Purpose, Request, What};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    de: String,
    #[serde(default)]
    tipo: String,
    #[serde(default)]
    todo: String,
}

/// A request of the signed-in person about her own record; `None` when she has no CURP and so no record of her own.
pub(super) fn own(signed: &Signed, what: What) -> Option<Request> {
    Some(Request {
        actor: signed.actor.clone(),
        purpose: Purpose::OwnRequest,
        person: PersonRef::Curp(signed.actor.curp.clone()?),
        verbs: Verbs::READING,
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what,
    })
}

/// What the reader asked to see: only what the pact and the page know goes back into links.
fn asked(pact: &Pact, asked: Asked) -> history::Asked {
    let known = pact.members.iter().any(|m| m.id.0 == asked.de);
    history::Asked {
        member: if known { asked.de } else { String::new() },
        kind: history::KINDS
            .into_iter()
            .find(|k| *k == asked.tipo)
            .unwrap_or("")
            .to_owned(),
        all: !asked.todo.is_empty(),
    }
}

pub(super) async fn show(signed: Signed, Query(asked): Query<Asked>) -> Answer {
    let Some(request) = own(&signed, What::Summary) else {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    of(signed, request, asked, history::Whose::Own).await
}

/// The history that a request opens, as a page for who reads it.
pub(super) async fn of(
    signed: Signed,
    request: Request,
    asked: Asked,
    whose: history::Whose,
) -> Answer {
    let state = signed.state();
    let parts = match state.network.gather(request, state.now()).await {
        Ok(parts) => parts,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let asked = self::asked(&state.gate.pact(), asked);
    let visitor = signed.visitor.clone();
    let html = blocking(&visitor, move || {
        let timeline = living::timeline(&sourced(&parts));
        views::history::page(signed.frame(), &timeline, &parts, &asked, &whose)
    })
    .await?;
    Ok(page(StatusCode::OK, html))
}
