//! Who looked: the log, what the person says of an act, and its proof.

use super::Answer;
use super::history::own;
use crate::answer::{page, typed as of_type};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::views;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, Response, StatusCode, header};
use trust::{MemberId, Opinion, What, Who};

pub(super) async fn show(signed: Signed) -> Answer {
    let Some(request) = own(&signed, What::Log) else {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let state = signed.state().clone();
    let now = state.now();
    let parts = match state.network.log(request, now).await {
        Ok(parts) => parts,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let visitor = signed.visitor.clone();
    let html = blocking(&visitor, move || {
        let frame = signed.frame();
        let threads = frame.threads.clone();
        let lang = signed.t().lang();
        let names = |id: &MemberId| threads.name(id);
        let input = views::looks::Input {
            parts: &parts,
            sentence: &|act| act.sentence(lang, &names),
            seal: &|act| {
                let who = match act.acting {
                    Some(acting) => Who::Representative(acting.tag),
                    None => Who::Actor(act.institution.clone(), act.actor.clone()),
                };
                let named = (views::rules::who_code(&who), act.who.clone());
                signed.seal(
                    Use::Actor,
                    &serde_json::to_string(&named).unwrap_or_default(),
                )
            },
            now,
        };
        views::looks::page(frame, &input)
    })
    .await?;
    Ok(page(StatusCode::OK, html))
}

pub(super) async fn opine(
    Path((member, act)): Path<(String, String)>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let opinion = match typed.get("opinion") {
        "right" => Opinion::Right,
        "not-right" => Opinion::NotRight,
        _ => return Ok(signed.fault(StatusCode::BAD_REQUEST, "fault.form")),
    };
    let Some(request) = own(&signed, What::Log) else {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let state = signed.state();
    let done = state
        .network
        .opine(request, &MemberId(member), &act, opinion, state.now())
        .await;
    let t = signed.t();
    Ok(match (done, opinion) {
        (Ok(()), Opinion::Right) => signed.go("/accesos", t.say("looks.thanks_right")),
        (Ok(()), Opinion::NotRight) => signed.go("/accesos", t.say("looks.thanks_wrong")),
        (Err(refusal), _) => signed.refuse(&refusal, ""),
    })
}

async fn fetch(signed: &Signed, member: &str, act: &str) -> Result<String, Response<Body>> {
    let known = signed
        .state()
        .gate
        .pact()
        .members
        .iter()
        .any(|m| m.id.0 == member);
    let plain = !act.is_empty() && act.len() <= 64 && act.bytes().all(|b| b.is_ascii_hexdigit());
    if !known || !plain {
        return Err(signed.fault(StatusCode::NOT_FOUND, "fault.missing"));
    }
    let Some(request) = own(signed, What::Log) else {
        return Err(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let state = signed.state();
    state
        .network
        .receipt(request, &MemberId(member.to_owned()), act, state.now())
        .await
        .map_err(|refusal| signed.refuse(&refusal, ""))
}

pub(super) async fn proof(signed: Signed, Path((member, act)): Path<(String, String)>) -> Answer {
    let receipt = fetch(&signed, &member, &act).await?;
    let pact = signed.state().gate.pact();
    let verdict = views::proof::verify(signed.t(), &receipt, &member, &pact);
    let key = pact
        .members
        .iter()
        .find(|m| m.id.0 == member)
        .map_or("", |m| &m.key);
    let html = views::proof::page(signed.frame(), &member, &act, key, &verdict);
    Ok(page(StatusCode::OK, html))
}

pub(super) async fn receipt(signed: Signed, Path((member, act)): Path<(String, String)>) -> Answer {
    let receipt = fetch(&signed, &member, &act).await?;
    let mut response = of_type(StatusCode::OK, "text/plain; charset=utf-8", receipt);
    let name = format!("attachment; filename=\"{act}.tlog-proof\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
