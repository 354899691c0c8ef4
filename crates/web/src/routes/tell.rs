//! Telling something in spite of a wish not to know: one doctor proposes, another agrees, and then she is told.

use super::Answer;
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::views;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use store::{Verb, Verbs};
use trust::{
    Finding, Gate, Grant, Ground, Limit, PersonRef, Purpose, Refusal, RefusalKind, Request, Role,
    Telling, What,
};

/// Of what the person does not wish to know, and what waits for a second signature.
type Standing = (Vec<Finding>, Vec<Limit>);

/// Leave to care for her here and now, which is what both doctors need.
fn grant(gate: &Gate, actor: &trust::Actor, curp: &str, now: Timestamp) -> Result<Grant, Refusal> {
    let request = Request {
        actor: actor.clone(),
        purpose: Purpose::Treatment,
        person: PersonRef::Curp(curp.to_owned()),
        verbs: Verbs::only(Verb::Read),
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Summary,
    };
    gate.decide(request, now)
}

/// Whose page it is, for a doctor; else the status and the key of what to say.
fn whose(signed: &Signed, sealed: &str) -> Result<String, (StatusCode, &'static str)> {
    if signed.actor.role != Role::Physician {
        return Err((StatusCode::FORBIDDEN, "fault.not_physician"));
    }
    signed
        .open(Use::Person, sealed)
        .ok_or((StatusCode::GONE, "fault.stale"))
}

async fn standing(signed: &Signed, sealed: &str) -> Result<Standing, Response<Body>> {
    let curp = whose(signed, sealed).map_err(|(code, key)| signed.fault(code, key))?;
    let (gate, now, actor) = signed.at_the_gate();
    let found = blocking(&signed.visitor, move || {
        let grant = grant(&gate, &actor, &curp, now)?;
        let waiting = gate.tellings_that_wait(&grant, now)?;
        let unwanted = gate.asked_not_to_know(gate.tag(&curp), now);
        Ok::<_, Refusal>((Finding::of(unwanted), waiting))
    });
    found
        .await?
        .map_err(|refusal| signed.refuse(&refusal, sealed))
}

async fn desk(
    signed: &Signed,
    sealed: &str,
    code: StatusCode,
    (typed, errors, problem): (&Fields, &[FieldError], &str),
) -> Answer {
    let (findings, waiting) = standing(signed, sealed).await?;
    let input = views::tell::Input {
        reference: sealed,
        findings: &findings,
        waiting: &waiting,
        own: &signed.actor.id,
        typed,
        errors,
        problem,
    };
    Ok(page(code, views::tell::page(signed.frame(), &input)))
}

pub(super) async fn show(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let typed = Fields::default();
    desk(&signed, &sealed, StatusCode::OK, (&typed, &[], "")).await
}

/// Reads the form. What is wrong comes back by field.
fn read(signed: &Signed, typed: &Fields) -> Result<Telling, Vec<FieldError>> {
    let t = signed.t();
    let mut errors = Vec::new();
    let mut wrong = |field: &str, key: &str| {
        errors.push(FieldError::new(field, t.say(key)));
    };
    let finding = Finding::from_code(typed.get("finding"));
    let ground = Ground::from_code(typed.get("ground"));
    let text = |field: &str| typed.get(field).trim().to_owned();
    let (reason, message, to) = (text("reason"), text("message"), text("to"));
    let third = ground == Some(Ground::ThirdParty);
    let fits = |text: &str| !text.is_empty() && text.len() <= Telling::MAX_TEXT;
    if finding.is_none() {
        wrong("finding", "tell.need_finding");
    }
    if ground.is_none() {
        wrong("ground", "tell.need_ground");
    }
    if !fits(&reason) {
        wrong("reason", "tell.need_reason");
    }
    if !fits(&message) {
        wrong("message", "tell.need_message");
    }
    if third && !fits(&to) {
        wrong("to", "tell.need_to");
    }
    if !third && !to.is_empty() {
        wrong("to", "tell.no_to");
    }
    match (finding, ground) {
        (Some(finding), Some(ground)) if errors.is_empty() => Ok(Telling {
            finding,
            ground,
            reason,
            message,
            to: third.then_some(to),
        }),
        _ => Err(errors),
    }
}

pub(super) async fn propose(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = whose(&signed, &sealed).map_err(|(code, key)| signed.fault(code, key))?;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let telling = match read(&signed, &typed) {
        Ok(telling) => telling,
        Err(errors) => {
            return desk(&signed, &sealed, unprocessable, (&typed, &errors, "")).await;
        }
    };
    let (gate, now, actor) = signed.at_the_gate();
    let proposed = blocking(&signed.visitor, move || {
        let grant = grant(&gate, &actor, &curp, now)?;
        gate.propose_telling(&grant, telling, now)
    });
    said(
        &signed,
        &sealed,
        proposed.await?.map(drop),
        "tell.proposed",
        &typed,
    )
    .await
}

pub(super) async fn agree(
    Path((sealed, id)): Path<(String, String)>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = whose(&signed, &sealed).map_err(|(code, key)| signed.fault(code, key))?;
    let (gate, now, actor) = signed.at_the_gate();
    let agreed = blocking(&signed.visitor, move || {
        let grant = grant(&gate, &actor, &curp, now)?;
        gate.agree_to_telling(&grant, &id, now)
    });
    said(
        &signed,
        &sealed,
        agreed.await?.map(drop),
        "tell.agreed",
        &typed,
    )
    .await
}

/// Back to the page with what came of it, or the page once more with why not.
async fn said(
    signed: &Signed,
    sealed: &str,
    done: Result<(), Refusal>,
    key: &str,
    typed: &Fields,
) -> Answer {
    match done {
        Ok(()) => Ok(signed.go(&format!("/persona/{sealed}/avisar"), signed.t().say(key))),
        Err(refusal) if refusal.kind == RefusalKind::Bad => {
            let problem = refusal.sentence(signed.t().lang());
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            desk(signed, sealed, code, (typed, &[], problem)).await
        }
        Err(refusal) => Ok(signed.refuse(&refusal, sealed)),
    }
}
