//! Writing during a consultation: a note, a prescription, a referral, each stored here under a permit with its act.

use super::Answer;
use super::person::{Consultation, destinations};
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::seal::{Use, new_id};
use crate::session::{Signed, SignedForm, blocking};
use crate::views::errand::Errand;
use crate::{views, when};
use axum::extract::Path;
use axum::http::StatusCode;
use care::{Context, Note, Prescription, Referral, Wrong};
use fhir::{ResourceType, Value};
use store::{Change, Verb, Verbs};
use trust::{Actor, Licence, PersonRef, Purpose, Refusal, Request, What};

pub(super) async fn note(path: Path<String>, form: SignedForm) -> Answer {
    write(Errand::Note, path, form).await
}

pub(super) async fn prescribe(path: Path<String>, form: SignedForm) -> Answer {
    write(Errand::Prescription, path, form).await
}

pub(super) async fn refer(path: Path<String>, form: SignedForm) -> Answer {
    write(Errand::Referral, path, form).await
}

/// Why nothing was written.
enum Failed {
    Fields(Vec<FieldError>),
    Refused(Refusal),
    Store(store::Error),
    NoRandomness,
}

async fn write(
    which: Errand,
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = signed.open(Use::Person, &sealed);
    let consultation = signed
        .open(Use::Errand, typed.get("errand"))
        .and_then(|json| serde_json::from_str::<Consultation>(&json).ok());
    let consultation = match (curp, consultation) {
        (Some(curp), Some(consultation)) if consultation.curp == curp => consultation,
        _ => return Ok(signed.stale()),
    };
    let visitor = signed.visitor.clone();
    let (to, fields, worker) = (destinations(&signed), typed.clone(), signed.clone());
    let done = blocking(&visitor, move || {
        write_down(which, &worker, &consultation, &fields, &to)
    })
    .await?;
    Ok(match done {
        Ok(()) => {
            let t = signed.t();
            let (said, section) = match which {
                Errand::Note => (t.say("errand.saved_note"), "visitas"),
                Errand::Prescription => (t.say("errand.saved_prescription"), "medicinas"),
                Errand::Referral => (t.say("errand.saved_referral"), "ordenes"),
            };
            signed.go(&format!("/persona/{sealed}#{section}"), said)
        }
        Err(Failed::Fields(errors)) => {
            let to = destinations(&signed);
            let html = views::errand::page(signed.frame(), which, &sealed, &to, &typed, &errors);
            page(StatusCode::UNPROCESSABLE_ENTITY, html)
        }
        Err(Failed::Refused(refusal)) => signed.refuse(&refusal, &sealed),
        Err(Failed::Store(store::Error::Busy)) => {
            signed.fault(StatusCode::SERVICE_UNAVAILABLE, "fault.busy")
        }
        Err(Failed::Store(why)) => {
            tracing::error!(%why, "a write of a consultation failed");
            signed.fault(StatusCode::SERVICE_UNAVAILABLE, "fault.not_written")
        }
        Err(Failed::NoRandomness) => {
            signed.fault(StatusCode::INTERNAL_SERVER_ERROR, "fault.broken")
        }
    })
}

fn write_down(
    which: Errand,
    signed: &Signed,
    consultation: &Consultation,
    typed: &Fields,
    to: &[(String, String)],
) -> Result<(), Failed> {
    let patient = match &consultation.patient {
        Some(id) => id.clone(),
        None => {
            // The form is checked first: nobody is registered for a note that cannot be written.
            resources(which, signed, "nueva", consultation, typed, to)?;
            register(signed, consultation)?
        }
    };
    let changes = resources(which, signed, &patient, consultation, typed, to)?
        .into_iter()
        .filter_map(|resource| {
            let of = ResourceType::from_name(resource.text("resourceType")?)?;
            let id = resource.text("id")?.to_owned();
            Some(Change::Create {
                of,
                id,
                resource,
                if_none_exist: None,
            })
        })
        .collect();
    let what = match which {
        Errand::Note => "note",
        Errand::Prescription => "prescription",
        Errand::Referral => "referral",
    };
    commit(signed, consultation, what, changes).map(|_| ())
}

fn commit(
    signed: &Signed,
    consultation: &Consultation,
    what: &str,
    changes: Vec<Change>,
) -> Result<store::Committed, Failed> {
    let mut types: Vec<ResourceType> = changes.iter().filter_map(of).collect();
    types.sort_unstable_by_key(|of| of.as_u16());
    types.dedup();
    let (gate, now) = (&signed.state().gate, signed.state().now());
    let request = Request {
        actor: signed.actor.clone(),
        purpose: Purpose::Treatment,
        person: PersonRef::Curp(consultation.curp.clone()),
        verbs: Verbs::only(Verb::Create),
        types: Some(types),
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Writing(what.to_owned()),
    };
    let grant = gate.decide(request, now).map_err(Failed::Refused)?;
    gate.write(&grant, changes, now).map_err(Failed::Store)
}

fn of(change: &Change) -> Option<ResourceType> {
    match change {
        Change::Create { of, .. } => Some(*of),
        _ => None,
    }
}

/// Registers the person here, once, and gives the id of her Patient.
fn register(signed: &Signed, consultation: &Consultation) -> Result<String, Failed> {
    let broken = || {
        Failed::Store(store::Error::Damaged(
            "a sealed Patient cannot be read".to_owned(),
        ))
    };
    let resource = fhir::json::parse(
        consultation.register.as_bytes(),
        &fhir::json::Limits::default(),
    )
    .map_err(|_| broken())?;
    let of = ResourceType::from_name("Patient").ok_or_else(broken)?;
    let same = [(
        "identifier".to_owned(),
        format!("{}|{}", mx::systems::CURP, consultation.curp),
    )];
    let change = Change::Create {
        of,
        id: new_id().ok_or(Failed::NoRandomness)?,
        resource,
        if_none_exist: Some(
            fhir::query::parse(
                &fhir::search::Catalog::r4(),
                of,
                &same,
                fhir::query::Handling::Strict,
            )
            .map_err(|_| broken())?,
        ),
    };
    let done = commit(signed, consultation, "registration", vec![change])?;
    let written = done.written.first().ok_or_else(broken)?;
    Ok(written.version.id.clone())
}

fn resources(
    which: Errand,
    signed: &Signed,
    patient: &str,
    consultation: &Consultation,
    typed: &Fields,
    to: &[(String, String)],
) -> Result<Vec<Value>, Failed> {
    let context = context(signed, patient);
    let mut random = true;
    let mut id = || {
        new_id().unwrap_or_else(|| {
            random = false;
            String::new()
        })
    };
    let made = match which {
        Errand::Note => care::note(&context, &note_of(typed), &mut id),
        Errand::Prescription => care::prescribe(
            &context,
            &prescription_of(typed),
            &consultation.allergies,
            typed.has("despite", "1"),
            &mut id,
        ),
        Errand::Referral => care::refer(&context, &referral_of(typed, to), &mut id),
    };
    if !random {
        return Err(Failed::NoRandomness);
    }
    made.map_err(|wrong| {
        let english = signed.t().english();
        Failed::Fields(
            wrong
                .into_iter()
                .map(|w| field_error(which, w, english))
                .collect(),
        )
    })
}

fn note_of(typed: &Fields) -> Note {
    let of = |name: &str| typed.get(name).to_owned();
    Note {
        reason: of("reason"),
        findings: of("findings"),
        plan: of("plan"),
        diagnosis_code: of("diagnosis_code"),
        diagnosis: of("diagnosis"),
    }
}

fn prescription_of(typed: &Fields) -> Prescription {
    let of = |name: &str| typed.get(name).to_owned();
    Prescription {
        medicine: of("medicine"),
        atc: String::new(),
        dose: of("dose"),
        route: of("route"),
        frequency: of("frequency"),
        // What is no number is none: care says so at its field.
        days: typed.get("days").parse().unwrap_or(0),
        group: mx::medicine::MedicineGroup::from_numeral(typed.get("group")),
        diagnosis: of("indication"),
    }
}

fn referral_of(typed: &Fields, to: &[(String, String)]) -> Referral {
    let of = |name: &str| typed.get(name).to_owned();
    // A member that is not on the list is as good as none: care says so at its field.
    let (to, to_name) = to
        .iter()
        .find(|(id, _)| id == typed.get("to"))
        .cloned()
        .unwrap_or_default();
    Referral {
        to,
        to_name,
        service: of("service"),
        reason: of("referral_reason"),
        priority: of("priority"),
    }
}

/// Field names that two forms share have names of their own on the page.
fn field_error(which: Errand, wrong: Wrong, english: bool) -> FieldError {
    let field = match (which, wrong.field) {
        (Errand::Referral, "reason") => "referral_reason",
        (Errand::Prescription, "diagnosis") => "indication",
        (_, other) => other,
    };
    FieldError::new(field, if english { wrong.en } else { wrong.es })
}

/// As it stands on what she signs; on a pasante's also who answers for it.
fn specialty(licence: &Licence) -> String {
    match &licence.supervisor {
        Some(answers) => format!(
            "{}, pasante a cargo de {}, cédula {}",
            licence.specialty, answers.name, answers.cedula
        ),
        None => licence.specialty.clone(),
    }
}

/// Who wrote it, and in whose name.
fn author(actor: &Actor) -> String {
    match &actor.delegator {
        Some(by) => {
            let cedula = by.licence.as_ref().map_or("", |licence| &licence.cedula);
            format!(
                "{}, por encargo de {}, cédula {cedula}",
                actor.name, by.name
            )
        }
        None => actor.name.clone(),
    }
}

fn context(signed: &Signed, patient: &str) -> Context {
    let state = signed.state();
    let member = state.gate.member();
    let licence = signed.actor.licence.as_ref();
    let pact = state.gate.pact();
    Context {
        patient: patient.to_owned(),
        author: author(&signed.actor),
        cedula: licence.map_or_else(String::new, |l| l.cedula.clone()),
        specialty: licence.map_or_else(String::new, specialty),
        institution: pact
            .member(&member)
            .map_or_else(|| member.0.clone(), |m| m.name.clone()),
        member: member.0,
        now: when::rfc3339(state.now()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::{Delegator, LicenceState, MemberId, Role};

    #[test]
    fn a_note_names_who_wrote_it_and_in_whose_name() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let nurse = Actor {
            id: "luz".into(),
            name: "Enfra. Luz Cano".into(),
            member: MemberId("imss".into()),
            role: Role::Nurse,
            licence: None,
            curp: None,
            helper: None,
            delegator: None,
        };
        assert_eq!(author(&nurse), "Enfra. Luz Cano");
        let licence = Licence {
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            state: LicenceState::Active,
            checked: now,
            supervisor: None,
        };
        let by = Delegator {
            login: "ana".into(),
            name: "Dra. Ana Ruiz".into(),
            role: Role::Physician,
            licence: Some(licence),
            purposes: vec![],
            tasks: vec![],
            from: now,
            until: now,
            stands: true,
        };
        let delegate = Actor {
            delegator: Some(by),
            ..nurse
        };
        assert_eq!(
            author(&delegate),
            "Enfra. Luz Cano, por encargo de Dra. Ana Ruiz, cédula 1234567"
        );
    }
}
