//! Breaking the glass and reviewing it; the second factor; the figures.

use super::Answer;
use super::person::{self, Asked};
use crate::answer::{page, redirect};
use crate::form::{FieldError, Fields};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, Visitor, blocking};
use crate::views;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{Response, StatusCode};
use trust::glass::Reason;
use trust::{MemberId, Purpose, RefusalKind, Unusual};

/// The form; or the record, when she has an emergency of this person open.
pub(super) async fn ask(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let open = blocking(&signed.visitor, move || gate.open_break(&actor, &curp, now)).await?;
    Ok(match open {
        Ok(Some(_)) => redirect(&format!("/persona/{sealed}/emergencia/expediente")),
        Ok(None) => {
            let typed = Fields::default();
            let html = views::emergency::declare(signed.frame(), &sealed, &typed, &[]);
            page(StatusCode::OK, html)
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn declare(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let t = signed.t();
    let mut errors = Vec::new();
    let reason = Reason::from_code(typed.get("reason"));
    if reason.is_none() {
        errors.push(FieldError::new("reason", t.say("emergency.need_reason")));
    }
    let words = typed.get("words").to_owned();
    if !trust::glass::WORDS.contains(&words.chars().count()) {
        errors.push(FieldError::new("words", t.say("emergency.need_words")));
    }
    let Some(reason) = reason.filter(|_| errors.is_empty()) else {
        let html = views::emergency::declare(signed.frame(), &sealed, &typed, &errors);
        return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, html));
    };
    let (gate, now, actor) = signed.at_the_gate();
    let declared = blocking(&signed.visitor, move || {
        gate.declare(&actor, &curp, (reason, &words), now)
    })
    .await?;
    Ok(match declared {
        Ok(_) => redirect(&format!("/persona/{sealed}/emergencia/expediente")),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn record(
    signed: Signed,
    Path(sealed): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    person::page_for(signed, sealed, asked, Purpose::Emergency).await
}

pub(super) async fn confirm(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let (id, code) = (typed.get("id").to_owned(), typed.get("code").to_owned());
    let confirmed = blocking(&signed.visitor, move || {
        gate.confirm(&actor, &id, &code, now)
    })
    .await?;
    Ok(match confirmed {
        Ok(_) => redirect(&format!("/persona/{sealed}/emergencia/expediente")),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

async fn factor_page(
    signed: &Signed,
    code: StatusCode,
    begun: Option<&trust::Enrolment>,
    problem: &str,
) -> Answer {
    let (gate, login) = (signed.state().gate.clone(), signed.actor.id.clone());
    let has = blocking(&signed.visitor, move || gate.has_factor(&login)).await?;
    Ok(match has {
        Ok(has) => page(
            code,
            views::emergency::factor(signed.frame(), has, begun, problem),
        ),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn factor(signed: Signed) -> Answer {
    factor_page(&signed, StatusCode::OK, None, "").await
}

pub(super) async fn begin_factor(SignedForm(signed, typed): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let secret = typed.get("secret").to_owned();
    let begun = blocking(&signed.visitor, move || {
        gate.begin_factor(&actor, &secret, now)
    })
    .await?;
    match begun {
        Ok(begun) => factor_page(&signed, StatusCode::OK, Some(&begun), "").await,
        Err(refusal) => factor_again(&signed, &refusal).await,
    }
}

pub(super) async fn prove_factor(SignedForm(signed, typed): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let code = typed.get("code").to_owned();
    let proven = blocking(&signed.visitor, move || {
        gate.prove_factor(&actor, &code, now)
    })
    .await?;
    match proven {
        Ok(()) => Ok(signed.go("/segundo-factor", signed.t().say("factor.proven"))),
        Err(refusal) => factor_again(&signed, &refusal).await,
    }
}

/// The page once more, with what was wrong.
async fn factor_again(signed: &Signed, refusal: &trust::Refusal) -> Answer {
    match refusal.kind {
        RefusalKind::WrongSecret | RefusalKind::Bad | RefusalKind::SlowDown => {
            let problem = refusal.sentence(signed.t().lang());
            factor_page(signed, StatusCode::UNPROCESSABLE_ENTITY, None, problem).await
        }
        _ => Ok(signed.refuse(refusal, "")),
    }
}

pub(super) async fn reviews(signed: Signed) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let work = move || Ok((gate.to_review(&actor, now)?, gate.unusual(NOTICED)?));
    let found: Result<_, trust::Refusal> = blocking(&signed.visitor, work).await?;
    Ok(match found {
        Ok((list, unusual)) => page(
            StatusCode::OK,
            views::emergency::reviews(signed.frame(), &list, &unusual, now),
        ),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

/// How many who were noticed the list shows, newest first.
const NOTICED: usize = 50;

/// One emergency with what was done under it, or one who was noticed.
async fn one(
    signed: &Signed,
    id: String,
    code: StatusCode,
    (typed, errors): (&Fields, &[FieldError]),
) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    if Unusual::is_named(&id) {
        let found = blocking(&signed.visitor, move || gate.noticed(&actor, &id, now)).await?;
        return Ok(match found {
            Ok(one) => {
                let frame = signed.frame();
                let html = views::emergency::review_noticed(frame, &one, typed, errors, now);
                page(code, html)
            }
            Err(refusal) => signed.refuse(&refusal, ""),
        });
    }
    let found = blocking(&signed.visitor, move || gate.under_review(&actor, &id, now)).await?;
    Ok(match found {
        Ok((one, done)) => {
            let frame = signed.frame();
            let threads = frame.threads.clone();
            let names = |id: &MemberId| threads.name(id);
            let lang = signed.t().lang();
            let done: Vec<String> = done.iter().map(|act| act.sentence(lang, &names)).collect();
            let html = views::emergency::review(frame, (&one, &done), typed, errors, now);
            page(code, html)
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn review(signed: Signed, Path(id): Path<String>) -> Answer {
    one(&signed, id, StatusCode::OK, (&Fields::default(), &[])).await
}

pub(super) async fn decide(
    Path(id): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let t = signed.t();
    let mut errors = Vec::new();
    let verdict = match typed.get("verdict") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    };
    if verdict.is_none() {
        errors.push(FieldError::new("verdict", t.say("review.need_verdict")));
    }
    let words = typed.get("words").to_owned();
    if !trust::glass::WORDS.contains(&words.chars().count()) {
        errors.push(FieldError::new("words", t.say("emergency.need_words")));
    }
    let Some(justified) = verdict.filter(|_| errors.is_empty()) else {
        return one(
            &signed,
            id,
            StatusCode::UNPROCESSABLE_ENTITY,
            (&typed, &errors),
        )
        .await;
    };
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || {
        let verdict = (justified, words.as_str());
        match Unusual::is_named(&id) {
            true => gate.judge(&actor, &id, verdict, now).map(drop),
            false => gate.review(&actor, &id, verdict, now).map(drop),
        }
    })
    .await?;
    match said {
        Ok(_) => {
            signed.state().network.carry_verdicts().await;
            Ok(signed.go("/revisiones", t.say("review.said")))
        }
        Err(refusal) => Ok(signed.refuse(&refusal, "")),
    }
}

/// The figures of this member, for everybody: nobody is named in them.
pub(super) async fn figures(visitor: Visitor) -> Result<Response<Body>, Response<Body>> {
    let (gate, now) = (visitor.state.gate.clone(), visitor.state.now());
    let figures = blocking(&visitor, move || gate.emergencies(now)).await?;
    Ok(match figures {
        Ok(figures) => page(
            StatusCode::OK,
            views::emergency::figures(visitor.frame(None), &figures),
        ),
        Err(_) => visitor.fault(StatusCode::SERVICE_UNAVAILABLE, "fault.busy"),
    })
}
