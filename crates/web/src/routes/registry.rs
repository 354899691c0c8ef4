//! Who is who at this house: the work list of whoever looks after the register, and the person's own registrations.
//!
//! The list names nobody: it says how alike two registrations are. To lay two side by side is an act that both people read.

use super::Answer;
use super::history;
use crate::answer::page;
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::views;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use fhir::query::{self, Handling};
use fhir::search::Catalog;
use fhir::{ResourceType, Value, json};
use identity::Pair;
use trust::registry::Likeness;
use trust::{MemberId, Refusal, Role, What};
use views::registry::{Shown, Side};

/// Pairs on the list at once.
const LISTED: usize = 50;

/// Two registrations, sealed: their ids.
fn sealed(signed: &Signed, names: &[String; 2]) -> String {
    let [one, other] = names;
    signed.seal(Use::Pair, &format!("{one} {other}"))
}

/// Only whoever looks after the register has these pages; what she decides the gate allows or refuses.
fn kept_from(signed: &Signed) -> Option<Response<Body>> {
    let keeps = signed.actor.role == Role::Clerk;
    (!keeps).then(|| signed.fault(StatusCode::FORBIDDEN, "fault.not_clerk"))
}

pub(super) async fn list(signed: Signed) -> Answer {
    if let Some(fault) = kept_from(&signed) {
        return Ok(fault);
    }
    let state = signed.state().clone();
    let found = blocking(&signed.visitor, move || {
        let waits = |one: &str, other: &str| !state.gate.is_decided(one, other);
        let pairs = state.people.pairs(LISTED, waits);
        let elsewhere = state.gate.resemblances(LISTED)?;
        Ok::<_, Refusal>((state.gate.disputed()?, elsewhere, pairs))
    })
    .await?;
    let (disputed, elsewhere, pairs) = match found {
        Ok(found) => found,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let told: Vec<(String, Pair)> = pairs
        .iter()
        .flatten()
        .map(|pair| (sealed(&signed, &pair.names), pair.clone()))
        .collect();
    let disputed: Vec<_> = disputed
        .iter()
        .map(|one| (sealed(&signed, &one.names), one.decision.at))
        .collect();
    let frame = signed.frame();
    let elsewhere: Vec<_> = elsewhere
        .into_iter()
        .map(|one| {
            let reference = signed.seal(Use::Elsewhere, &format!("{} {}", one.id, one.with));
            (reference, frame.threads.name(&one.with), one)
        })
        .collect();
    let waiting = views::registry::Work {
        disputed: &disputed,
        elsewhere: &elsewhere,
        pairs: &told,
        open: pairs.is_some(),
    };
    let html = views::registry::list(frame, &waiting);
    Ok(page(StatusCode::OK, html))
}

/// A registration here that resembles one of another member's.
pub(super) async fn elsewhere(signed: Signed, Path(reference): Path<String>) -> Answer {
    if let Some(fault) = kept_from(&signed) {
        return Ok(fault);
    }
    let Some((id, with)) = named_elsewhere(&signed, &reference) else {
        return Ok(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let looked = blocking(&signed.visitor, move || {
        gate.look_at_resemblance(&actor, (&id, &with), now)
    })
    .await?;
    Ok(match looked {
        Ok((found, patient)) => {
            let frame = signed.frame();
            let shown = views::registry::Elsewhere {
                reference: &reference,
                member: &frame.threads.name(&found.with),
                found: &found,
                side: patient.as_ref().map(Side::of),
            };
            let html = views::registry::elsewhere(frame, &shown);
            page(StatusCode::OK, html)
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn settle(
    Path(reference): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let Some((id, with)) = named_elsewhere(&signed, &reference) else {
        return Ok(signed.stale());
    };
    let Some(one) = one_person(typed.get("decision")) else {
        return Ok(signed.fault(StatusCode::BAD_REQUEST, "fault.form"));
    };
    let (gate, now, actor) = signed.at_the_gate();
    let done = blocking(&signed.visitor, move || {
        gate.settle_resemblance(&actor, (&id, &with), one, now)
    })
    .await?;
    Ok(match done {
        Ok(()) => {
            tell_elsewhere(&signed);
            signed.go("/registro", signed.t().say("registry.elsewhere_said"))
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

/// Brings what was said to the other member, behind the answer: it may not be heard now, and then it is brought later.
fn tell_elsewhere(signed: &Signed) {
    let network = signed.state().network.clone();
    tokio::spawn(async move { network.carry_settled().await });
}

fn named_elsewhere(signed: &Signed, reference: &str) -> Option<(String, MemberId)> {
    let text = signed.open(Use::Elsewhere, reference)?;
    let (id, with) = text.split_once(' ')?;
    Some((id.to_owned(), MemberId(with.to_owned())))
}

/// What a form says of two registrations.
fn one_person(decision: &str) -> Option<bool> {
    match decision {
        "one" => Some(true),
        "two" => Some(false),
        _ => None,
    }
}

pub(super) async fn pair(signed: Signed, Path(reference): Path<String>) -> Answer {
    if let Some(fault) = kept_from(&signed) {
        return Ok(fault);
    }
    let Some(names) = opened(&signed, &reference) else {
        return Ok(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let people = signed.state().people.clone();
    let looked = blocking(&signed.visitor, move || {
        let [one, other] = &names;
        let sides = gate.side_by_side(&actor, (one, other), now)?;
        let why = people.explain(one, other);
        Ok::<_, Refusal>((sides, why, gate.are_one(one, other)))
    })
    .await?;
    Ok(match looked {
        Ok((sides, why, are_one)) => {
            let sides = sides.map(|side| side.as_ref().map(Side::of));
            let shown = Shown {
                reference: &reference,
                sides,
                why: why.as_ref(),
                are_one,
            };
            page(
                StatusCode::OK,
                views::registry::pair(signed.frame(), &shown),
            )
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn decide(
    Path(reference): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let Some(names) = opened(&signed, &reference) else {
        return Ok(signed.stale());
    };
    let Some(one_person) = one_person(typed.get("decision")) else {
        return Ok(signed.fault(StatusCode::BAD_REQUEST, "fault.form"));
    };
    let (gate, now, actor) = signed.at_the_gate();
    let people = signed.state().people.clone();
    let done = blocking(&signed.visitor, move || {
        let [one, other] = &names;
        let on = people
            .explain(one, other)
            .map_or_else(Likeness::default, |why| {
                Likeness::weighed(views::registry::code(why.grade), why.probability)
            });
        match one_person {
            true => gate.link(&actor, (one, other), on, now),
            false => gate.split(&actor, (one, other), on, now),
        }
    })
    .await?;
    let said = match one_person {
        true => "registry.linked",
        false => "registry.split",
    };
    Ok(match done {
        Ok(()) => signed.go("/registro", signed.t().say(said)),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

fn opened(signed: &Signed, reference: &str) -> Option<[String; 2]> {
    let text = signed.open(Use::Pair, reference)?;
    let (one, other) = text.split_once(' ')?;
    Some([one.to_owned(), other.to_owned()])
}

pub(super) async fn own(signed: Signed) -> Answer {
    let patient = ResourceType::from_name("Patient");
    let (Some(request), Some(patient)) = (
        history::own(&signed, What::Interaction("GET Patient".to_owned())),
        patient,
    ) else {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let (gate, now, _) = signed.at_the_gate();
    let found = blocking(&signed.visitor, move || {
        let grant = gate.decide(request, now)?;
        let query = query::parse(&Catalog::r4(), patient, &[], Handling::Strict).ok();
        let mut patients: Vec<(String, Value)> = Vec::new();
        if let Some(query) = query {
            let held = gate.store().search(&grant.permit, &query, None);
            let held = held.map_err(|_| unavailable())?;
            let (answer, _) = gate.open_answer(&grant, held, now)?;
            let limits = json::Limits::default();
            let read = answer.matches.into_iter().filter_map(|version| {
                Some((version.id, json::parse(&version.body, &limits).ok()?))
            });
            patients.extend(read);
        }
        Ok::<_, Refusal>((gate.registrations(&grant)?, patients))
    })
    .await?;
    Ok(match found {
        Ok((registrations, patients)) => {
            let frame = signed.frame();
            let name = |member: &MemberId| frame.threads.name(member);
            let hers: Vec<_> = registrations
                .iter()
                .filter_map(|one| {
                    let (_, patient) = patients.iter().find(|(id, _)| *id == one.id)?;
                    let reference = signed.seal(Use::Pair, &one.id);
                    Some((reference, Side::of(patient), one.how.clone()))
                })
                .collect();
            let html = views::registry::own(signed.frame(), &hers, &name);
            page(StatusCode::OK, html)
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

fn unavailable() -> Refusal {
    Refusal {
        kind: trust::RefusalKind::Unavailable,
        es: "El archivo de este nodo no responde; intenta en un momento.".to_owned(),
        en: "This node's archive does not answer; try again in a moment.".to_owned(),
        because: Vec::new(),
    }
}

pub(super) async fn not_me(SignedForm(signed, typed): SignedForm) -> Answer {
    let Some(id) = signed.open(Use::Pair, typed.get("registro")) else {
        return Ok(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let done = blocking(&signed.visitor, move || gate.not_me(&actor, &id, now)).await?;
    Ok(match done {
        Ok(()) => {
            // Another member hears of it, if it was hers because two said so.
            tell_elsewhere(&signed);
            signed.go("/quien-soy", signed.t().say("whoami.done"))
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}
