//! An act as an `AuditEvent` (IHE BALP 1.1 patterns).

use super::{Act, ActKind, code_of, hex, purpose_code, systems};
use crate::MemberId;
use crate::What;
use crate::category::Category;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/";

/// The body of an act.
pub(super) fn body(act: &Act) -> Vec<u8> {
    let body = json!({"event": event(act), "salt": URL_SAFE_NO_PAD.encode(act.salt)});
    // A value made of strings, numbers and booleans always becomes JSON.
    serde_json::to_vec(&body).unwrap_or_default()
}

/// What BALP calls the interaction.
struct Pattern {
    /// `AuditEvent.action`.
    action: &'static str,
    /// Code of `restful-interaction`, where it is one.
    interaction: Option<&'static str>,
    /// BALP profile, with or without a patient.
    profile: Option<(&'static str, &'static str)>,
}

fn pattern(act: &Act) -> Pattern {
    let of = |action, interaction, with, without| Pattern {
        action,
        interaction: Some(interaction),
        profile: Some((with, without)),
    };
    match (act.kind, &act.what) {
        (ActKind::Denied | ActKind::SignIn, _) => Pattern {
            action: "E",
            interaction: None,
            profile: None,
        },
        (ActKind::Write, What::Interaction(line)) if line.starts_with("PUT") => of(
            "U",
            "update",
            "IHE.BasicAudit.PatientUpdate",
            "IHE.BasicAudit.Update",
        ),
        (ActKind::Write, What::Interaction(line)) if line.starts_with("DELETE") => of(
            "D",
            "delete",
            "IHE.BasicAudit.PatientDelete",
            "IHE.BasicAudit.Delete",
        ),
        (ActKind::Write | ActKind::Import | ActKind::Evidence | ActKind::Opinion, _) => of(
            "C",
            "create",
            "IHE.BasicAudit.PatientCreate",
            "IHE.BasicAudit.Create",
        ),
        (ActKind::Erasure, _) => of(
            "D",
            "delete",
            "IHE.BasicAudit.PatientDelete",
            "IHE.BasicAudit.Delete",
        ),
        (ActKind::Word, _) => of(
            "U",
            "update",
            "IHE.BasicAudit.PatientUpdate",
            "IHE.BasicAudit.Update",
        ),
        (ActKind::Read, What::Interaction(line)) if is_one_resource(line) => of(
            "R",
            "read",
            "IHE.BasicAudit.PatientRead",
            "IHE.BasicAudit.Read",
        ),
        (ActKind::Read | ActKind::Ask | ActKind::Log, _) => of(
            "E",
            "search",
            "IHE.BasicAudit.PatientQuery",
            "IHE.BasicAudit.Query",
        ),
    }
}

/// `GET Type/id`, and not `GET Type?...`, `GET Type/id/$everything`.
fn is_one_resource(line: &str) -> bool {
    let path = line.strip_prefix("GET ").unwrap_or(line);
    path.contains('/') && !path.contains(['?', '$'])
}

fn event(act: &Act) -> Value {
    let pattern = pattern(act);
    let mut subtype = vec![json!({"system": systems::ACT_KIND, "code": code_of(&act.kind)})];
    if let Some(interaction) = pattern.interaction {
        let coding =
            json!({"system": "http://hl7.org/fhir/restful-interaction", "code": interaction});
        subtype.insert(0, coding);
    }
    let denied = !act.refused.is_empty();
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": hex(&act.id),
        "type": kind(act),
        "subtype": subtype,
        "action": pattern.action,
        "recorded": act.at.to_string(),
        "outcome": if denied { "8" } else { "0" },
        "purposeOfEvent": [concept(systems::PURPOSE, purpose_code(act.purpose))],
        "agent": agents(act, pattern.action),
        "source": {
            "site": act.node.0,
            "observer": member(&act.node),
            "type": [{
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4",
            }],
        },
        "entity": entities(act, &pattern),
    });
    if let (Some((with, without)), Some(members)) = (pattern.profile, event.as_object_mut()) {
        let profile = if act.person.is_some() { with } else { without };
        // A read that found nothing names no resource, and so does not have what the profile of reads asks for.
        if pattern.action == "E" || !act.seen.is_empty() {
            let profile = format!("{PROFILES}{profile}");
            members.insert("meta".into(), json!({"profile": [profile]}));
        }
    }
    event
}

fn kind(act: &Act) -> Value {
    let (system, code) = match act.kind {
        ActKind::SignIn => (DICOM, "110114"),
        ActKind::Denied => (DICOM, "110113"),
        _ => (
            "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "rest",
        ),
    };
    json!({"system": system, "code": code})
}

/// The user, then the client (the institution that asked) and the server (this node), which is the source of what is
/// read and the destination of what is written.
fn agents(act: &Act, action: &str) -> Value {
    let (client, server) = if action == "R" {
        ("110152", "110153")
    } else {
        ("110153", "110152")
    };
    let asked_by = act.via.as_ref().unwrap_or(&act.who.member);
    json!([
        user(act),
        {"type": concept(DICOM, client), "who": member(asked_by), "requestor": false},
        {"type": concept(DICOM, server), "who": member(&act.node), "requestor": false},
    ])
}

fn user(act: &Act) -> Value {
    let part = match act.kind {
        ActKind::Write
        | ActKind::Import
        | ActKind::Evidence
        | ActKind::Word
        | ActKind::Opinion
        | ActKind::Erasure => "INF",
        _ => "IRCP",
    };
    let who = &act.who;
    let mut agent = json!({
        "type": concept(PARTICIPATION, part),
        "role": [concept(systems::ROLE, &code_of(&who.role))],
        "who": {"identifier": {
            "system": systems::ACTOR,
            "value": format!("{}/{}", who.member, who.id),
        }},
        "requestor": true,
    });
    let Some(members) = agent.as_object_mut() else {
        return agent;
    };
    if !who.name.is_empty() {
        members.insert("name".into(), json!(who.name));
    }
    if let Some((cedula, specialty)) = &who.licence {
        members.insert("altId".into(), json!(cedula));
        let role = concept_text(&code_of(&who.role), specialty);
        members.insert("role".into(), json!([role]));
    }
    agent
}

fn concept_text(role: &str, specialty: &str) -> Value {
    let mut concept = concept(systems::ROLE, role);
    if let (Some(members), false) = (concept.as_object_mut(), specialty.is_empty()) {
        members.insert("text".into(), json!(specialty));
    }
    concept
}

fn entities(act: &Act, pattern: &Pattern) -> Value {
    let mut entities = Vec::new();
    if let Some(person) = act.person {
        entities.push(json!({
            "what": {"identifier": {"system": systems::TAG, "value": hex(&person.0)}},
            "type": {"system": ENTITY_TYPE, "code": "1"},
            "role": {"system": OBJECT_ROLE, "code": "1"},
        }));
    }
    if pattern.interaction == Some("search") {
        entities.push(query(act));
    }
    for seen in &act.seen {
        let reference = match seen.version {
            0 => format!("{}/{}", seen.of.name(), seen.id),
            version => format!("{}/{}/_history/{version}", seen.of.name(), seen.id),
        };
        entities.push(json!({
            "what": {"reference": reference},
            "type": {"system": ENTITY_TYPE, "code": "2"},
            "role": {"system": OBJECT_ROLE, "code": "4"},
        }));
    }
    entities.push(decision(act));
    Value::Array(entities)
}

/// What was asked, without the values of its parameters.
fn query(act: &Act) -> Value {
    let line = match &act.what {
        What::Interaction(line) => line.clone(),
        other => what(other).0.to_string(),
    };
    json!({
        "type": {"system": ENTITY_TYPE, "code": "2"},
        "role": {"system": OBJECT_ROLE, "code": "24"},
        "query": STANDARD.encode(line),
    })
}

/// A request as a code, and the text that some have.
pub(super) fn what(what: &What) -> (&'static str, Option<&str>) {
    match what {
        What::Summary => ("summary", None),
        What::Log => ("log", None),
        What::Find => ("find", None),
        What::Interaction(text) => ("interaction", Some(text)),
        What::Writing(text) => ("writing", Some(text)),
        What::Import(text) => ("import", Some(text)),
        What::Erasure(text) => ("erasure", Some(text)),
    }
}

/// On what it stood: what BALP has no element for, as details of an entity of our own, so that the decision can be
/// replayed from the event alone.
fn decision(act: &Act) -> Value {
    let mut details = Vec::new();
    let mut detail =
        |name: &str, value: String| details.push(json!({"type": name, "valueString": value}));
    let (code, text) = what(&act.what);
    detail("what", code.into());
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        detail("what-text", text.into());
    }
    if act.via.is_some() {
        detail("via", "asked".into());
    }
    if let Some(evidence) = &act.evidence {
        detail("evidence-kind", code_of(evidence));
    }
    detail("resources", act.resources.to_string());
    detail("labels", act.labels.0.to_string());
    for category in Category::of(act.labels) {
        detail("category", category.code().into());
    }
    let grounds = &act.grounds;
    detail("pact", grounds.pact.to_string());
    detail("word", grounds.word.to_string());
    detail("hidden", grounds.hidden.to_string());
    let lists = [
        ("evidence", &grounds.evidence),
        ("policy", &grounds.policies),
        ("rule", &grounds.rules),
        ("refused", &act.refused),
    ];
    for (name, values) in lists {
        // FHIR has no empty string; an empty name says nothing.
        for value in values.iter().filter(|value| !value.is_empty()) {
            detail(name, value.clone());
        }
    }
    if let Some((opinion, of)) = &act.opinion {
        detail("opinion", code_of(opinion));
        detail("opinion-of", of.clone());
    }
    json!({
        "type": {"system": systems::ENTITY, "code": "decision"},
        "detail": details,
    })
}

fn member(id: &MemberId) -> Value {
    json!({"identifier": {"system": systems::MEMBER, "value": id.0}})
}

fn concept(system: &str, code: &str) -> Value {
    json!({"coding": [{"system": system, "code": code}]})
}
