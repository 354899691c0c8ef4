//! Signing in and out, language, the first page of each role, the patient's code.

use super::Answer;
use crate::answer::{page, redirect, with_cookie};
use crate::form::Fields;
use crate::session::{
    OpenForm, Signed, SignedForm, Visitor, blocking, lang_cookie, no_session_cookie,
    session_cookie, status,
};
use crate::views;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{Response, StatusCode};
use trust::Role;

pub(super) async fn home(signed: Signed) -> Answer {
    let (wards, notices) = super::kin::at_home(&signed).await?;
    let html = match signed.actor.role {
        Role::Patient => views::home::page(signed.frame(), &signed.actor.name, &wards, &notices),
        Role::Physician | Role::Nurse | Role::Pharmacist | Role::Clerk => {
            views::find::page(signed.frame(), &Fields::default(), &[])
        }
        Role::Privacy => return Ok(redirect("/revisiones")),
        Role::System | Role::Operator => {
            return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.machine"));
        }
    };
    Ok(page(StatusCode::OK, html))
}

fn door(visitor: &Visitor, code: StatusCode, typed: &Fields, problem: &str) -> Response<Body> {
    let html = views::entry::page(visitor.frame(None), typed, problem, &visitor.state.demo);
    page(code, html)
}

pub(super) async fn show(visitor: Visitor) -> Response<Body> {
    door(&visitor, StatusCode::OK, &Fields::default(), "")
}

pub(super) async fn sign_in(OpenForm(visitor, typed): OpenForm) -> Answer {
    let (login, secret) = (
        typed.get("login").to_owned(),
        typed.get("secret").to_owned(),
    );
    if login.is_empty() || secret.is_empty() {
        let problem = visitor.t.say("entry.both");
        return Ok(door(
            &visitor,
            StatusCode::UNPROCESSABLE_ENTITY,
            &typed,
            problem,
        ));
    }
    let (gate, now, old) = (
        visitor.state.gate.clone(),
        visitor.state.now(),
        visitor.token.clone(),
    );
    let opened = blocking(&visitor, move || {
        let opened = gate.sign_in(&login, &secret, now);
        if let (Ok(_), Some(old)) = (&opened, old) {
            // The session that this browser had is over; that it could not be ended changes nothing for the new one.
            let _ = gate.sign_out(&old, now);
        }
        opened
    })
    .await?;
    let member = visitor.state.gate.member();
    Ok(match opened {
        Ok(session) => with_cookie(redirect("/"), &session_cookie(&member, &session.token)),
        Err(refusal) => door(
            &visitor,
            status(refusal.kind),
            &typed,
            refusal.sentence(visitor.t.lang()),
        ),
    })
}

pub(super) async fn sign_out(SignedForm(signed, _): SignedForm) -> Answer {
    let (gate, now, token) = (
        signed.state().gate.clone(),
        signed.state().now(),
        signed.token.clone(),
    );
    let member = gate.member();
    match blocking(&signed.visitor, move || gate.sign_out(&token, now)).await? {
        Ok(()) => Ok(with_cookie(
            redirect("/entrar"),
            &no_session_cookie(&member),
        )),
        Err(refusal) => Ok(signed.refuse(&refusal, "")),
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    volver: String,
}

/// Only a path of ours: `//host` and `/\host` lead elsewhere in browsers.
fn local(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain && path.starts_with('/') && !path.starts_with("//") {
        path
    } else {
        "/"
    }
}

pub(super) async fn language(Path(code): Path<String>, Query(back): Query<Back>) -> Response<Body> {
    let code = if code == "en" { "en" } else { "es" };
    with_cookie(redirect(local(&back.volver)), &lang_cookie(code))
}

pub(super) async fn code(signed: Signed) -> Response<Body> {
    page(StatusCode::OK, views::home::code(signed.frame(), None))
}

pub(super) async fn show_code(SignedForm(signed, _): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let shown = blocking(&signed.visitor, move || gate.show_code(&actor, now)).await?;
    Ok(match shown {
        Ok(code) => page(
            StatusCode::OK,
            views::home::code(signed.frame(), Some((&code.code, code.until))),
        ),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn the_language_switch_leads_nowhere_else() {
        assert_eq!(local("/reglas"), "/reglas");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
            "reglas",
        ] {
            assert_eq!(local(bad), "/");
        }
    }
}
