//! What the state orders: brought by one officer, released by another, read by these two.

use super::Answer;
use crate::answer::{page, typed as of_type};
use crate::form::{FieldError, Fields};
use crate::session::{Signed, SignedForm, blocking};
use crate::views;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use trust::order::{Order, Paper};
use trust::{Category, Refusal};

/// The list, with the form as typed.
async fn desk(
    signed: &Signed,
    code: StatusCode,
    (typed, errors): (&Fields, &[FieldError]),
) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let orders = blocking(&signed.visitor, move || gate.orders(&actor, now)).await?;
    let terms = signed.state().gate.pact().orders;
    Ok(match orders {
        Ok(orders) => {
            let input = views::orders::Input {
                orders: &orders,
                login: &signed.actor.id,
                most_days: terms.map_or(0, |terms| terms.notice_days),
                typed,
                errors,
                now,
            };
            page(code, views::orders::page(signed.frame(), &input))
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn list(signed: Signed) -> Answer {
    desk(&signed, StatusCode::OK, (&Fields::default(), &[])).await
}

pub(super) async fn propose(SignedForm(signed, typed): SignedForm) -> Answer {
    let what: Vec<Category> = typed.all("what").filter_map(Category::from_code).collect();
    let paper = Paper {
        number: typed.get("number").to_owned(),
        authority: typed.get("authority").to_owned(),
        digest: typed.get("digest").to_lowercase(),
        what,
    };
    let Ok(delay) = typed.get("delay").parse::<u64>() else {
        let errors = [FieldError::new(
            "delay",
            signed.t().say("orders.need_delay"),
        )];
        return desk(&signed, StatusCode::UNPROCESSABLE_ENTITY, (&typed, &errors)).await;
    };
    let curp = typed.get("curp").to_owned();
    let (gate, now, actor) = signed.at_the_gate();
    let brought = blocking(&signed.visitor, move || {
        gate.propose_order(&actor, &curp, (paper, delay), now)
    })
    .await?;
    done(&signed, brought, "orders.brought", &typed).await
}

pub(super) async fn release(
    Path(id): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let released = blocking(&signed.visitor, move || {
        gate.release_order(&actor, &id, now)
    })
    .await?;
    done(&signed, released, "orders.released", &typed).await
}

/// Back to the list: with what was done, or with what is wrong.
async fn done(
    signed: &Signed,
    order: Result<Order, Refusal>,
    said: &str,
    typed: &Fields,
) -> Answer {
    match order {
        Ok(_) => Ok(signed.go("/ordenes", signed.t().say(said))),
        Err(refusal) if refusal.kind == trust::RefusalKind::Bad => {
            let errors = [FieldError::new(
                "number",
                refusal.sentence(signed.t().lang()),
            )];
            desk(signed, StatusCode::UNPROCESSABLE_ENTITY, (typed, &errors)).await
        }
        Err(refusal) => Ok(signed.refuse(&refusal, "")),
    }
}

/// What the order names, as one FHIR Bundle to hand over.
pub(super) async fn record(Path(id): Path<String>, SignedForm(signed, _): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    let named = id.clone();
    let read = blocking(&signed.visitor, move || {
        gate.read_order(&actor, &named, now)
    })
    .await?;
    let found = match read {
        Ok((_, found)) => found,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    // Stored resources are JSON as they lie: nothing is parsed to hand them over.
    let entries = found.matches.iter().chain(&found.included);
    let entries: Vec<String> = entries
        .map(|version| {
            format!(
                "{{\"resource\":{}}}",
                String::from_utf8_lossy(&version.body)
            )
        })
        .collect();
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{}]}}",
        entries.join(",")
    );
    let mut response = of_type(StatusCode::OK, "application/fhir+json", bundle);
    let name = format!("attachment; filename=\"orden-{id}.json\"");
    if let Ok(name) = HeaderValue::from_str(&name) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
