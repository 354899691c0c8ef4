//! The doctor's page of a person.

use super::Answer;
use super::find::stay;
use crate::answer::page;
use crate::seal::Use;
use crate::session::{Signed, blocking, breaks};
use crate::{views, when};
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{Response, StatusCode};
use exchange::{Outcome, Part};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use living::{Sourced, Summary};
use serde::{Deserialize, Serialize};
use store::Verbs;
use trust::{Actor, Finding, MemberKind, PersonRef, Purpose, Refusal, Request, Role, Task, What};
use views::emergency::Banner;
use views::person::Writes;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    todo: String,
}

/// What the forms of a consultation carry, sealed: what the doctor saw when she wrote.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Consultation {
    /// Whose. The URL says it too; the two must agree.
    pub(super) curp: String,
    /// Her Patient resource here, when there is one.
    pub(super) patient: Option<String>,
    /// Else the Patient to register here, as JSON.
    pub(super) register: String,
    /// Allergies known anywhere.
    pub(super) allergies: Vec<String>,
}

/// What members answered, ready to be woven.
pub(super) fn sourced(parts: &[Part]) -> Vec<Sourced> {
    let mut out = Vec::new();
    for part in parts {
        if let Outcome::Answered(answer) = &part.outcome {
            out.extend(answer.resources.iter().map(|resource| Sourced {
                member: part.member.0.clone(),
                resource: resource.clone(),
            }));
        }
    }
    out
}

fn consultation(curp: &str, here: &str, parts: &[Sourced], summary: &Summary) -> Consultation {
    let patients = || {
        parts
            .iter()
            .filter(|p| p.resource.text("resourceType") == Some("Patient"))
    };
    let patient = patients()
        .find(|p| p.member == here)
        .and_then(|p| p.resource.text("id").map(str::to_owned));
    let register = match (&patient, patients().next()) {
        (Some(_), _) => String::new(),
        (None, known) => new_patient(curp, known.map(|p| &p.resource), summary).to_string(),
    };
    let allergies = summary
        .allergies
        .iter()
        .filter(|l| views::lines::in_use(&l.status))
        .map(|l| l.title.clone())
        .collect();
    Consultation {
        curp: curp.to_owned(),
        patient,
        register,
        allergies,
    }
}

/// Who she is, for an institution that meets her for the first time: name, birth date, sex and CURP as another holds
/// them, and nothing else of what that one knows.
fn new_patient(curp: &str, known: Option<&Value>, summary: &Summary) -> Value {
    let member = |name: &str| known.and_then(|p| p.get(name)).cloned();
    let text = |s: &str| (!s.is_empty()).then(|| Value::from(s));
    let name = member("name").or_else(|| {
        text(&summary.identity.name).map(|n| Value::from([fhir::obj! { "text" => n }]))
    });
    fhir::obj! {
        "resourceType" => "Patient",
        "identifier" => [fhir::obj! { "system" => mx::systems::CURP, "value" => curp }],
        "active" => Value::Bool(true),
        "name" => name,
        "gender" => member("gender").or_else(|| text(&summary.identity.gender)),
        "birthDate" => member("birthDate").or_else(|| text(&summary.identity.birth_date)),
    }
}

/// Members a referral can go to.
pub(super) fn destinations(signed: &Signed) -> Vec<(String, String)> {
    let here = signed.state().gate.member();
    // A pharmacy is sent prescriptions.
    let cares = |kind: MemberKind| kind.cares() && kind != MemberKind::Pharmacy;
    let pact = signed.state().gate.pact();
    pact.members
        .iter()
        .filter(|m| m.id != here && cares(m.kind))
        .map(|m| (m.id.0.clone(), m.name.clone()))
        .collect()
}

/// What somebody's pages offer to write. In another's name no more than notes.
fn writes(actor: &Actor, now: Timestamp) -> Writes {
    match &actor.delegator {
        Some(by) if by.lets(Purpose::Treatment, Task::Write, now) => Writes::Notes,
        None if actor.role == Role::Physician => Writes::All,
        _ => Writes::Nothing,
    }
}

/// What stands above a record that is open in an emergency.
async fn banner(
    signed: &Signed,
    curp: &str,
    now: Timestamp,
) -> Result<Option<Banner>, Response<Body>> {
    let (gate, actor, curp) = (
        signed.state().gate.clone(),
        signed.actor.clone(),
        curp.to_owned(),
    );
    let found = blocking(&signed.visitor, move || {
        let one = gate.open_break(&actor, &curp, now)?;
        Ok::<_, Refusal>((one, gate.has_factor(&actor.id)?))
    })
    .await?;
    match found {
        Ok((one, factor)) => {
            let t = signed.t();
            Ok(one.map(|one| views::emergency::banner(t, &one, factor, now)))
        }
        Err(refusal) => Err(signed.refuse(&refusal, "")),
    }
}

/// Whether a person whose record is open here has not come.
async fn is_absent(signed: &Signed, curp: &str, now: Timestamp) -> Result<bool, Response<Body>> {
    let (gate, actor) = (signed.state().gate.clone(), signed.actor.clone());
    let curp = curp.to_owned();
    let here = blocking(&signed.visitor, move || gate.is_here(&actor, &curp, now)).await?;
    here.map(|here| !here)
        .map_err(|refusal| signed.refuse(&refusal, ""))
}

pub(super) async fn show(
    signed: Signed,
    Path(sealed): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    page_for(signed, sealed, asked, Purpose::Treatment).await
}

/// The page for care, or for an emergency that is open.
pub(super) async fn page_for(
    signed: Signed,
    sealed: String,
    asked: Asked,
    purpose: Purpose,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let state = signed.state().clone();
    let now = state.now();
    let request = Request {
        actor: signed.actor.clone(),
        purpose,
        person: PersonRef::Curp(curp.clone()),
        verbs: Verbs::READING,
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Summary,
    };
    let parts = match state.network.gather(request, now).await {
        Ok(parts) => parts,
        Err(refusal) => return Ok(signed.refuse(&refusal, &sealed)),
    };
    let emergency = match purpose {
        Purpose::Emergency => banner(&signed, &curp, now).await?,
        _ => None,
    };
    let (stay, absent) = match purpose {
        Purpose::Treatment => (
            stay(&signed, &curp).await?,
            is_absent(&signed, &curp, now).await?,
        ),
        _ => (None, false),
    };
    let visitor = signed.visitor.clone();
    let html = blocking(&visitor, move || {
        let today = when::iso_day(now);
        let woven = sourced(&parts);
        let summary = living::weave(&woven, &today);
        let here = state.gate.member().0;
        let unwanted = state.gate.asked_not_to_know(state.gate.tag(&curp), now);
        let findings = Finding::of(unwanted);
        let bear = |one: &&Sourced| {
            let of = one
                .resource
                .text("resourceType")
                .and_then(ResourceType::from_name);
            of.is_some_and(|of| trust::labels(of, &one.resource).meets(unwanted))
        };
        let here_of_it = match findings.is_empty() {
            true => 0,
            false => woven.iter().filter(bear).count(),
        };
        let consultation = consultation(&curp, &here, &woven, &summary);
        let errand = serde_json::to_string(&consultation).unwrap_or_default();
        views::person::page(
            signed.frame(),
            &views::person::Input {
                summary: &summary,
                parts: &parts,
                reference: &sealed,
                errand: &signed.seal(Use::Errand, &errand),
                today: &today,
                all: !asked.todo.is_empty(),
                // Broken glass lets read; whoever writes receives the person first.
                writes: match purpose {
                    Purpose::Treatment => writes(&signed.actor, now),
                    _ => Writes::Nothing,
                },
                breaks: purpose == Purpose::Treatment && breaks(&signed.actor),
                emergency,
                stay,
                absent,
                destinations: &destinations(&signed),
                not_to_know: (&findings, here_of_it),
            },
        )
    })
    .await?;
    Ok(page(StatusCode::OK, html))
}
