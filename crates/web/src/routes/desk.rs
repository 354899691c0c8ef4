//! The desk: somebody who works here helps a person with her own page.
//!
//! While she is helped the browser has her session, short and marked; the clerk's waits in a cookie of its own and comes
//! back when it ends.

use super::Answer;
use crate::answer::{page, redirect, with_cookie};
use crate::form::{FieldError, Fields};
use crate::session::{
    Signed, SignedForm, blocking, desk_cookie, no_desk_cookie, no_session_cookie, session_cookie,
};
use crate::views;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use trust::{Document, NewPage, Refusal, RefusalKind, Role};

/// Whose pages have a desk.
pub(super) fn has_desk(role: Role) -> bool {
    matches!(
        role,
        Role::Clerk | Role::Nurse | Role::Physician | Role::Pharmacist
    )
}

fn desk(
    signed: &Signed,
    code: StatusCode,
    (typed, errors, problem): (&Fields, &[FieldError], &str),
) -> Response<Body> {
    if !has_desk(signed.actor.role) {
        return signed.fault(StatusCode::FORBIDDEN, "fault.no_desk");
    }
    let html = views::desk::page(signed.frame(), typed, errors, problem);
    page(code, html)
}

pub(super) async fn show(signed: Signed) -> Response<Body> {
    desk(&signed, StatusCode::OK, (&Fields::default(), &[], ""))
}

fn wrong(signed: &Signed, field: &str, key: &str) -> FieldError {
    FieldError::new(field, signed.t().say(key))
}

/// The page once more, with why not.
fn again(signed: &Signed, typed: &Fields, refusal: &Refusal) -> Response<Body> {
    let problem = match refusal.kind {
        RefusalKind::NoEvidence => signed.t().say("desk.receive_first"),
        RefusalKind::Bad | RefusalKind::WrongSecret | RefusalKind::SlowDown => {
            refusal.sentence(signed.t().lang())
        }
        _ => return signed.refuse(refusal, ""),
    };
    let code = StatusCode::UNPROCESSABLE_ENTITY;
    desk(signed, code, (typed, &[], problem))
}

/// She types her secret, and the page is hers for a quarter of an hour.
pub(super) async fn enter(SignedForm(signed, typed): SignedForm) -> Answer {
    let (login, secret) = (
        typed.get("login").to_owned(),
        typed.get("secret").to_owned(),
    );
    let mut errors = Vec::new();
    for (field, value) in [("login", &login), ("secret", &secret)] {
        if value.is_empty() {
            errors.push(wrong(&signed, field, "desk.need"));
        }
    }
    if !errors.is_empty() {
        let code = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(desk(&signed, code, (&typed, &errors, "")));
    }
    let (gate, now, clerk) = signed.at_the_gate();
    let member = gate.member();
    let opened = blocking(&signed.visitor, move || {
        gate.sign_in_at_desk(&clerk, &login, &secret, now)
    });
    match opened.await? {
        Ok(session) => {
            let hers = with_cookie(redirect("/"), &session_cookie(&member, &session.token));
            Ok(with_cookie(hers, &desk_cookie(&member, &signed.token)))
        }
        Err(refusal) => Ok(again(&signed, &typed, &refusal)),
    }
}

/// A page of her own for somebody who is here.
pub(super) async fn make(SignedForm(signed, typed): SignedForm) -> Answer {
    let document = Document::from_code(typed.get("document"));
    let text = |field: &str| typed.get(field).trim().to_owned();
    let secret = typed.get("new_secret").to_owned();
    let mut errors = Vec::new();
    for field in ["curp", "name", "number", "new_secret"] {
        if text(field).is_empty() {
            errors.push(wrong(&signed, field, "desk.need"));
        }
    }
    if secret != typed.get("again") {
        errors.push(wrong(&signed, "again", "desk.not_same"));
    }
    if document.is_none() {
        errors.push(wrong(&signed, "document", "desk.need_document"));
    }
    let Some(document) = document.filter(|_| errors.is_empty()) else {
        let code = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(desk(&signed, code, (&typed, &errors, "")));
    };
    let new = NewPage {
        curp: text("curp"),
        name: text("name"),
        document,
        number: text("number"),
        secret,
    };
    let (gate, now, clerk) = signed.at_the_gate();
    let made = blocking(&signed.visitor, move || gate.make_page(&clerk, new, now)).await?;
    match made {
        Ok(()) => Ok(signed.go("/mostrador", signed.t().say("desk.made"))),
        Err(refusal) => Ok(again(&signed, &typed, &refusal)),
    }
}

/// Her session ends, and the clerk's comes back, where it still holds.
pub(super) async fn end(SignedForm(signed, _): SignedForm) -> Answer {
    let (gate, now, _) = signed.at_the_gate();
    let member = gate.member();
    let (token, clerk) = (signed.token.clone(), signed.visitor.desk.clone());
    let ended = blocking(&signed.visitor, move || gate.sign_out(&token, now)).await?;
    if let Err(refusal) = ended {
        return Ok(signed.refuse(&refusal, ""));
    }
    let back = match clerk {
        Some(clerk) => with_cookie(redirect("/mostrador"), &session_cookie(&member, &clerk)),
        None => with_cookie(redirect("/entrar"), &no_session_cookie(&member)),
    };
    Ok(with_cookie(back, &no_desk_cookie(&member)))
}
