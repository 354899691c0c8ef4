//! Finding a person and receiving her: the evidence of a care relation.

use super::Answer;
use super::desk::has_desk;
use crate::answer::{page, redirect};
use crate::form::{FieldError, Fields};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::{Text, views, when};
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use exchange::Wanted;
use serde::{Deserialize, Serialize};
use trust::{Actor, Evidence, Purpose, Role, Task};
use views::find::{Made, StayView};

/// What was looked for, sealed into the URL of the results.
#[derive(Serialize, Deserialize)]
enum Sought {
    Curp(String),
    Name(String, String, String),
}

fn sought(t: Text, typed: &Fields) -> Result<Sought, Vec<FieldError>> {
    let wrong = |field: &str, sentence: String| FieldError::new(field, sentence);
    if typed.get("por") != "nombre" {
        return match mx::Curp::parse(typed.get("curp")) {
            Ok(curp) => Ok(Sought::Curp(curp.as_str().to_owned())),
            Err(_) => {
                let n = typed.get("curp").chars().count().to_string();
                Err(vec![wrong("curp", t.fill("find.curp_wrong", &[("n", &n)]))])
            }
        };
    }
    let mut errors = Vec::new();
    for (field, sentence) in [
        ("given", t.say("find.need_given")),
        ("family", t.say("find.need_family")),
    ] {
        if typed.get(field).is_empty() {
            errors.push(wrong(field, sentence.to_owned()));
        }
    }
    if typed.get("birth").parse::<jiff::civil::Date>().is_err() {
        errors.push(wrong("birth", t.say("find.need_birth").to_owned()));
    }
    if errors.is_empty() {
        let of = |name| typed.get(name).to_owned();
        Ok(Sought::Name(of("given"), of("family"), of("birth")))
    } else {
        Err(errors)
    }
}

pub(super) async fn search(SignedForm(signed, typed): SignedForm) -> Response<Body> {
    match sought(signed.t(), &typed) {
        Ok(sought) => {
            let json = serde_json::to_string(&sought).unwrap_or_default();
            redirect(&format!("/buscar/{}", signed.seal(Use::Search, &json)))
        }
        Err(errors) => {
            let html = views::find::page(signed.frame(), &typed, &errors);
            page(StatusCode::UNPROCESSABLE_ENTITY, html)
        }
    }
}

pub(super) async fn results(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let sought = signed
        .open(Use::Search, &sealed)
        .and_then(|json| serde_json::from_str::<Sought>(&json).ok());
    let wanted = match sought {
        Some(Sought::Curp(curp)) => Wanted::Curp(curp),
        Some(Sought::Name(given, family, birth_date)) => Wanted::Name {
            given,
            family,
            birth_date,
        },
        None => return Ok(signed.stale()),
    };
    let now = signed.state().now();
    let found = match signed
        .state()
        .network
        .find(&signed.actor, wanted, now)
        .await
    {
        Ok(found) => found,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let frame = signed.frame();
    let today = when::iso_day(now);
    let found: Vec<_> = found
        .iter()
        .map(|c| {
            let reference = if c.curp.is_empty() {
                String::new()
            } else {
                signed.seal(Use::Person, &c.curp)
            };
            views::find::candidate(&frame, c, reference, &today)
        })
        .collect();
    let opens = opens(&signed.actor, now);
    Ok(page(
        StatusCode::OK,
        views::find::results(frame, &found, opens),
    ))
}

/// Whose pages open records: the desk's only in the name of somebody who lets it read.
fn opens(actor: &Actor, now: jiff::Timestamp) -> bool {
    match &actor.delegator {
        Some(by) => by.lets(Purpose::Treatment, Task::Read, now),
        None => actor.role != Role::Clerk,
    }
}

/// After evidence was made: the record for those who care, a confirmation for the desk.
async fn onward(
    signed: &Signed,
    (sealed, curp): (&str, &str),
    made: Made,
    evidence: &Evidence,
) -> Answer {
    if opens(&signed.actor, signed.state().now()) {
        return Ok(redirect(&format!("/persona/{sealed}")));
    }
    let stay = stay(signed, curp).await?;
    let html = views::find::received(signed.frame(), sealed, (made, evidence.until), stay);
    Ok(page(StatusCode::OK, html))
}

/// Whether a person stays here, where people can and the reader works at a desk.
pub(super) async fn stay(signed: &Signed, curp: &str) -> Result<Option<StayView>, Response<Body>> {
    let (gate, now, actor) = signed.at_the_gate();
    if !has_desk(actor.role) || !gate.admits() {
        return Ok(None);
    }
    let curp = curp.to_owned();
    let until = blocking(&signed.visitor, move || gate.stays(&actor, &curp, now)).await?;
    until
        .map(|until| Some(StayView::of(signed.t(), until)))
        .map_err(|refusal| signed.refuse(&refusal, ""))
}

pub(super) async fn receive(
    Path(sealed): Path<String>,
    SignedForm(signed, _): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let named = curp.clone();
    let evidence = blocking(&signed.visitor, move || gate.check_in(&actor, &named, now)).await?;
    match evidence {
        Ok(evidence) => onward(&signed, (&sealed, &curp), Made::Received, &evidence).await,
        Err(refusal) => Ok(signed.refuse(&refusal, "")),
    }
}

/// Another institution sent her: all are asked for their referral.
pub(super) async fn referred(
    Path(sealed): Path<String>,
    SignedForm(signed, _): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (network, now) = (&signed.state().network, signed.state().now());
    match network.referred(&signed.actor, &curp, now).await {
        Ok(evidence) => onward(&signed, (&sealed, &curp), Made::Referred, &evidence).await,
        Err(refusal) => Ok(signed.refuse(&refusal, &sealed)),
    }
}

/// She stays.
pub(super) async fn admit(Path(sealed): Path<String>, SignedForm(signed, _): SignedForm) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let named = curp.clone();
    let evidence = blocking(&signed.visitor, move || gate.admit(&actor, &named, now)).await?;
    match evidence {
        Ok(_) if opens(&signed.actor, now) => {
            let to = format!("/persona/{sealed}#internamiento");
            Ok(signed.go(&to, signed.t().say("stay.admitted")))
        }
        Ok(evidence) => onward(&signed, (&sealed, &curp), Made::Admitted, &evidence).await,
        Err(refusal) => Ok(signed.refuse(&refusal, &sealed)),
    }
}

/// She goes. What her stay opened is closed, so nobody is sent back to her record.
pub(super) async fn discharge(
    Path(sealed): Path<String>,
    SignedForm(signed, _): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let ended = blocking(&signed.visitor, move || gate.discharge(&actor, &curp, now)).await?;
    Ok(match ended {
        Ok(()) => signed.go("/", signed.t().say("stay.discharged")),
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn redeem(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let state = signed.state();
    let code: String = typed
        .get("codigo")
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_uppercase)
        .collect();
    let evidence = match state
        .network
        .redeem(&signed.actor, &code, state.now())
        .await
    {
        Ok(evidence) => evidence,
        Err(refusal) => return Ok(signed.refuse(&refusal, &sealed)),
    };
    // A code of somebody else proves nothing about this person, good as it is.
    if evidence.person != state.gate.tag(&curp) {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.other_person"));
    }
    onward(&signed, (&sealed, &curp), Made::Received, &evidence).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::Lang;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(
            pairs
                .iter()
                .map(|(n, v)| ((*n).into(), (*v).into()))
                .collect(),
        )
    }

    #[test]
    fn a_search_by_name_says_every_field_that_lacks() {
        let t = Text::of(Lang::Es);
        let Err(errors) = sought(
            t,
            &fields(&[("por", "nombre"), ("given", " "), ("birth", "ayer")]),
        ) else {
            unreachable!()
        };
        let named: Vec<_> = errors.iter().map(|e| e.field.as_str()).collect();
        assert_eq!(named, ["given", "family", "birth"]);
    }
    #[test]
    fn a_curp_that_is_none_is_told_with_its_length() {
        let t = Text::of(Lang::Es);
        let Err(errors) = sought(t, &fields(&[("curp", "XEXX")])) else {
            unreachable!()
        };
        assert!(errors[0].sentence.contains("4"), "{:?}", errors);
    }
}
