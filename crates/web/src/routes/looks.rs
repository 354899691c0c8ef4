//! Who looked: the log, what the person says of an act, why it was decided so, and its proof.

use super::Answer;
use super::history::own;
use crate::answer::{page, typed as of_type};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::views;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderValue, Response, StatusCode, header};
use trust::{MemberId, Opinion, Request, What, Who};

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

/// Her request about an act of a member, or what is wrong with it: nothing else is asked for by such a name.
fn about(signed: &Signed, member: &str, act: &str) -> Result<Request, (StatusCode, &'static str)> {
    let pact = signed.state().gate.pact();
    let known = pact.members.iter().any(|m| m.id.0 == member);
    let plain = !act.is_empty() && act.len() <= 64 && act.bytes().all(|b| b.is_ascii_hexdigit());
    if !known || !plain {
        return Err((StatusCode::NOT_FOUND, "fault.missing"));
    }
    own(signed, What::Log).ok_or((StatusCode::FORBIDDEN, "fault.not_patient"))
}

async fn fetch(signed: &Signed, member: &str, act: &str) -> Result<String, Response<Body>> {
    let request = about(signed, member, act).map_err(|(status, key)| signed.fault(status, key))?;
    let state = signed.state();
    state
        .network
        .receipt(request, &MemberId(member.to_owned()), act, state.now())
        .await
        .map_err(|refusal| signed.refuse(&refusal, ""))
}

/// Why an act was decided as it was: of this node from what it keeps, of another member from the act's receipt.
pub(super) async fn why(signed: Signed, Path((member, act)): Path<(String, String)>) -> Answer {
    let request =
        about(&signed, &member, &act).map_err(|(status, key)| signed.fault(status, key))?;
    let (gate, now, _) = signed.at_the_gate();
    let elsewhere = match member == gate.member().0 {
        true => None,
        false => {
            let receipt = fetch(&signed, &member, &act).await?;
            let Some(opened) = views::proof::opened(&receipt, &member, &gate.pact()) else {
                return Ok(signed.fault(StatusCode::BAD_GATEWAY, "fault.unproven"));
            };
            Some(opened)
        }
    };
    let (asked, visitor) = (act.clone(), signed.visitor.clone());
    let found = blocking(&visitor, move || {
        let grant = gate.decide(request, now)?;
        match &elsewhere {
            None => gate.why(&grant, &asked, now),
            Some((leaf, body)) => gate.why_elsewhere(&grant, (*leaf, body), now),
        }
    })
    .await?;
    Ok(match found {
        Ok(why) if why.act.node.0 == member && why.act.id == act => {
            page(StatusCode::OK, views::why::page(signed.frame(), &why))
        }
        // A receipt of another act than the one that was asked for.
        Ok(_) => signed.fault(StatusCode::BAD_GATEWAY, "fault.unproven"),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
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
