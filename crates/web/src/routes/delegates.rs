//! Delegates: a professional names them and ends it; a delegate chooses in whose name she works.

use super::Answer;
use super::desk::has_desk;
use crate::answer::{page, redirect, with_cookie};
use crate::form::{FieldError, Fields};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking, session_cookie};
use crate::views::delegates::Input;
use crate::{views, when};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use trust::delegate::PURPOSES;
use trust::{LicenceState, NewDelegate, Pact, Purpose, Refusal, RefusalKind, Task};

/// What the members agreed on of that for which somebody may be named.
fn purposes(pact: &Pact) -> Vec<Purpose> {
    let agreed = pact.purposes.iter().map(|agreed| agreed.purpose);
    agreed.filter(|one| PURPOSES.contains(one)).collect()
}

async fn list(
    signed: &Signed,
    code: StatusCode,
    (typed, errors, problem): (&Fields, &[FieldError], &str),
) -> Answer {
    if !has_desk(signed.actor.role) {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.no_desk"));
    }
    let (gate, now, actor) = signed.at_the_gate();
    let found = blocking(&signed.visitor, move || {
        let theirs = gate.delegators_of(&actor.id, now)?;
        Ok::<_, Refusal>((theirs, gate.delegates_of(&actor.id, now)?))
    })
    .await?;
    let (theirs, mine) = match found {
        Ok(found) => found,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let t = signed.t();
    let seal = |login: &str| signed.seal(Use::Delegation, login);
    let works_for = signed.actor.delegator.as_ref().map(|by| by.login.as_str());
    let licence = signed.actor.licence.as_ref().map(|licence| licence.state);
    let input = Input {
        theirs: theirs
            .iter()
            .map(|(one, stands)| {
                let other = &one.delegator;
                let line = views::delegates::line(t, one, &other.name, *stands, now);
                views::delegates::Line {
                    reference: seal(&other.login),
                    taken: works_for == Some(other.login.as_str()),
                    ..line
                }
            })
            .collect(),
        mine: mine
            .iter()
            .map(|(one, stands)| {
                let other = &one.delegate;
                let line = views::delegates::line(t, one, &other.name, *stands, now);
                views::delegates::Line {
                    reference: seal(&other.login),
                    ..line
                }
            })
            .collect(),
        names: licence == Some(LicenceState::Active) && works_for.is_none(),
        purposes: &purposes(&signed.state().gate.pact()),
        typed,
        errors,
        problem,
    };
    Ok(page(code, views::delegates::page(signed.frame(), &input)))
}

pub(super) async fn show(signed: Signed) -> Answer {
    list(&signed, StatusCode::OK, (&Fields::default(), &[], "")).await
}

/// Reads the form; every field that is wrong is named.
fn read(signed: &Signed, typed: &Fields, now: Timestamp) -> Result<NewDelegate, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, key: &str| {
        errors.push(FieldError::new(field, signed.t().say(key)));
    };
    let login = typed.get("delegate_login");
    if login.is_empty() {
        wrong("delegate_login", "delegates.need_login");
    }
    let tasks: Vec<Task> = typed.all("task").filter_map(Task::from_code).collect();
    if tasks.is_empty() {
        wrong("task", "delegates.need_task");
    }
    let from = match typed.get("delegate_from") {
        "" => Some(None),
        day => when::start_of_day(day).map(Some),
    };
    if from.is_none() {
        wrong("delegate_from", "delegates.need_day");
    }
    let until = when::end_of_day(typed.get("delegate_until")).filter(|end| *end > now);
    if until.is_none() {
        wrong("delegate_until", "delegates.need_day");
    }
    let agreed = purposes(&signed.state().gate.pact());
    let purposes = match agreed.as_slice() {
        [only] => vec![*only],
        several => several
            .iter()
            .copied()
            .filter(|one| typed.has("for", one.code()))
            .collect(),
    };
    if purposes.is_empty() {
        wrong("for", "delegates.need_purpose");
    }
    match (from, until) {
        (Some(from), Some(until)) if errors.is_empty() => Ok(NewDelegate {
            login: login.to_owned(),
            purposes,
            tasks,
            from,
            until,
        }),
        _ => Err(errors),
    }
}

/// The page once more with why not, where that is something to be put right in the form.
async fn again(signed: &Signed, typed: &Fields, refusal: &Refusal) -> Answer {
    let problem = match refusal.kind {
        RefusalKind::Bad => refusal.sentence(signed.t().lang()),
        RefusalKind::Delegation => signed.t().say("delegates.unknown"),
        _ => return Ok(signed.refuse(refusal, "")),
    };
    let code = StatusCode::UNPROCESSABLE_ENTITY;
    list(signed, code, (typed, &[], problem)).await
}

pub(super) async fn name(SignedForm(signed, typed): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let new = match read(&signed, &typed, now) {
        Ok(new) => new,
        Err(errors) => {
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            return list(&signed, code, (&typed, &errors, "")).await;
        }
    };
    match blocking(&signed.visitor, move || {
        gate.name_delegate(&actor, new, now)
    })
    .await?
    {
        Ok(_) => Ok(signed.go("/encargos", signed.t().say("delegates.saved"))),
        Err(refusal) => again(&signed, &typed, &refusal).await,
    }
}

/// The login that a sealed reference of a form means.
fn meant(signed: &Signed, typed: &Fields) -> Option<String> {
    signed.open(Use::Delegation, typed.get("quien"))
}

fn stale(signed: &Signed) -> Response<Body> {
    signed.stale()
}

pub(super) async fn end(SignedForm(signed, typed): SignedForm) -> Answer {
    let Some(login) = meant(&signed, &typed) else {
        return Ok(stale(&signed));
    };
    let (gate, now, actor) = signed.at_the_gate();
    match blocking(&signed.visitor, move || {
        gate.end_delegate(&actor, &login, now)
    })
    .await?
    {
        Ok(()) => Ok(signed.go("/encargos", signed.t().say("delegates.ended"))),
        Err(refusal) => again(&signed, &Fields::default(), &refusal).await,
    }
}

/// She works in somebody's name from now on, or in her own again: nobody is named then.
pub(super) async fn work(SignedForm(signed, typed): SignedForm) -> Answer {
    let login = match typed.get("quien") {
        "" => None,
        _ => match meant(&signed, &typed) {
            None => return Ok(stale(&signed)),
            some => some,
        },
    };
    let (gate, now, token) = (
        signed.state().gate.clone(),
        signed.state().now(),
        signed.token.clone(),
    );
    let member = gate.member();
    let opened = blocking(&signed.visitor, move || {
        gate.work_for(&token, login.as_deref(), now)
    })
    .await?;
    Ok(match opened {
        Ok(session) => with_cookie(redirect("/"), &session_cookie(&member, &session.token)),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}
