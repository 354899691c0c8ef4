//! An act as an `AuditEvent` (IHE BALP 1.1 patterns).

use super::json::Json;
use super::{Act, ActKind, code_of, hex, systems};
use crate::MemberId;
use crate::What;
use crate::category::Category;
use crate::delegate::Delegated;
use crate::gate::{Question, letters};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::borrow::Cow;

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/";

/// The body of an act.
pub(super) fn body(act: &Act) -> Vec<u8> {
    let mut json = Json::with_capacity(2_048);
    json.object(|json| {
        json.key("event");
        event(json, act);
        json.member("salt", &URL_SAFE_NO_PAD.encode(act.salt));
    });
    json.into_bytes()
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
        (ActKind::Denied | ActKind::SignIn | ActKind::Unusual | ActKind::Disclosure, _) => {
            Pattern {
                action: "E",
                interaction: None,
                profile: None,
            }
        }
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
        (
            ActKind::Write
            | ActKind::Import
            | ActKind::Evidence
            | ActKind::Opinion
            | ActKind::Emergency
            | ActKind::Review
            | ActKind::Registry
            | ActKind::Order,
            _,
        ) => of(
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
        (ActKind::Word | ActKind::Pact | ActKind::Licence | ActKind::Delegation, _) => of(
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

fn event(json: &mut Json, act: &Act) {
    let pattern = pattern(act);
    json.object(|json| {
        json.member("resourceType", "AuditEvent");
        json.member("id", &hex(&act.id));
        // A read that found nothing names no resource, and so does not have what the profile of reads asks for.
        if let Some((with, without)) = pattern.profile
            && (pattern.action == "E" || !act.seen.is_empty())
        {
            let profile = if act.person.is_some() { with } else { without };
            json.key("meta");
            json.object(|json| {
                json.key("profile");
                json.array(|json| json.text(&format!("{PROFILES}{profile}")));
            });
        }
        json.key("type");
        kind(json, act);
        json.key("subtype");
        json.array(|json| {
            if let Some(interaction) = pattern.interaction {
                coding(json, RESTFUL, interaction);
            }
            coding(json, systems::ACT_KIND, &code_of(&act.kind));
        });
        json.member("action", pattern.action);
        json.member("recorded", &act.at.to_string());
        let denied = !act.refused.is_empty();
        json.member("outcome", if denied { "8" } else { "0" });
        json.key("purposeOfEvent");
        json.array(|json| concept(json, act.purpose.system(), act.purpose.code()));
        json.key("agent");
        agents(json, act, pattern.action);
        json.key("source");
        json.object(|json| {
            json.member("site", &act.node.0);
            json.key("observer");
            member(json, &act.node);
            json.key("type");
            json.array(|json| coding(json, SOURCE_TYPE, "4"));
        });
        json.key("entity");
        entities(json, act, &pattern);
    });
}

fn kind(json: &mut Json, act: &Act) {
    let (system, code) = match act.kind {
        ActKind::SignIn => (DICOM, "110114"),
        ActKind::Denied | ActKind::Unusual => (DICOM, "110113"),
        _ => (EVENT_TYPE, "rest"),
    };
    coding(json, system, code);
}

/// HL7 v3 ParticipationType: who answers for what the user does.
pub(super) const RESPONSIBLE: &str = "RESP";
/// HL7 v3 RoleCode: in whose name the user acts.
pub(super) const DELEGATOR: &str = "DELEGATOR";
/// HL7 v3 ParticipationType: who enters at the desk what the user decides.
pub(super) const HELPING: &str = "ENT";

/// The user, who answers for her where she is a pasante, who named her where she is a delegate, who helps her at a desk, then the client (the institution that
/// asked) and the server (this node), which is the source of what is read and the destination of what is written.
fn agents(json: &mut Json, act: &Act, action: &str) {
    let (client, server) = if action == "R" {
        ("110152", "110153")
    } else {
        ("110153", "110152")
    };
    let asked_by = act.via.as_ref().unwrap_or(&act.who.member);
    json.array(|json| {
        user(json, act);
        if let Some(one) = &act.who.supervisor {
            let who = (one.login.as_str(), one.name.as_str());
            beside(
                json,
                act,
                (PARTICIPATION, RESPONSIBLE),
                who,
                Some(&one.cedula),
            );
        }
        if let Some(one) = &act.who.delegator {
            let who = (one.login.as_str(), one.name.as_str());
            beside(json, act, (ROLE_CODE, DELEGATOR), who, Some(&one.cedula));
        }
        if let Some(one) = &act.who.helper {
            let who = (one.login.as_str(), one.name.as_str());
            beside(json, act, (PARTICIPATION, HELPING), who, None);
        }
        for (code, who) in [(client, asked_by), (server, &act.node)] {
            json.object(|json| {
                json.key("type");
                concept(json, DICOM, code);
                json.key("who");
                member(json, who);
                json.flag("requestor", false);
            });
        }
    });
}

/// A colleague of the user who takes part in another way: login, name and cédula.
fn beside(
    json: &mut Json,
    act: &Act,
    (system, part): (&str, &str),
    (login, name): (&str, &str),
    cedula: Option<&str>,
) {
    json.object(|json| {
        json.key("type");
        concept(json, system, part);
        json.key("who");
        let named = format!("{}/{login}", act.who.member);
        identifier(json, systems::ACTOR, &named);
        json.flag("requestor", false);
        json.member("name", name);
        if let Some(cedula) = cedula.filter(|cedula| !cedula.is_empty()) {
            json.member("altId", cedula);
        }
    });
}

fn user(json: &mut Json, act: &Act) {
    let part = match act.kind {
        ActKind::Write
        | ActKind::Import
        | ActKind::Evidence
        | ActKind::Word
        | ActKind::Opinion
        | ActKind::Pact
        | ActKind::Emergency
        | ActKind::Review
        | ActKind::Registry
        | ActKind::Order
        | ActKind::Licence
        | ActKind::Delegation
        | ActKind::Erasure => "INF",
        _ => "IRCP",
    };
    let who = &act.who;
    let (cedula, specialty) = match &who.licence {
        Some((cedula, specialty)) => (Some(cedula), specialty.as_str()),
        None => (None, ""),
    };
    json.object(|json| {
        json.key("type");
        concept(json, PARTICIPATION, part);
        json.key("role");
        json.array(|json| {
            json.object(|json| {
                json.key("coding");
                json.array(|json| coding(json, systems::ROLE, &code_of(&who.role)));
                if !specialty.is_empty() {
                    json.member("text", specialty);
                }
            });
        });
        json.key("who");
        identifier(json, systems::ACTOR, &format!("{}/{}", who.member, who.id));
        json.flag("requestor", true);
        if !who.name.is_empty() {
            json.member("name", &who.name);
        }
        if let Some(cedula) = cedula {
            json.member("altId", cedula);
        }
    });
}

fn entities(json: &mut Json, act: &Act, pattern: &Pattern) {
    json.array(|json| {
        if let Some(person) = act.person {
            json.object(|json| {
                json.key("what");
                identifier(json, systems::TAG, &hex(&person.0));
                parts(json, "1", "1");
            });
        }
        if pattern.interaction == Some("search") {
            query(json, act);
        }
        for seen in &act.seen {
            let named = [seen.of.name(), "/", &seen.id];
            json.object(|json| {
                json.key("what");
                json.object(|json| match seen.version {
                    0 => json.joined("reference", &named),
                    version => {
                        let [of, slash, id] = named;
                        let version = version.to_string();
                        json.joined("reference", &[of, slash, id, "/_history/", &version]);
                    }
                });
                parts(json, "2", "4");
            });
        }
        decision(json, act);
    });
}

/// Type and role of an entity.
fn parts(json: &mut Json, kind: &str, role: &str) {
    json.key("type");
    coding(json, ENTITY_TYPE, kind);
    json.key("role");
    coding(json, OBJECT_ROLE, role);
}

/// What was asked, without the values of its parameters.
fn query(json: &mut Json, act: &Act) {
    let line = match &act.what {
        What::Interaction(line) => line.as_str(),
        other => what(other).0,
    };
    json.object(|json| {
        parts(json, "2", "24");
        json.member("query", &STANDARD.encode(line));
    });
}

/// A request as a code, and the text that some have.
pub(super) fn what(what: &What) -> (&'static str, Option<Cow<'_, str>>) {
    let (code, text) = match what {
        What::Summary => ("summary", None),
        What::Log => ("log", None),
        What::Find => ("find", None),
        What::Reception => ("reception", None),
        What::Discharge => ("discharge", None),
        What::Interaction(text) => ("interaction", Some(text)),
        What::Writing(text) => ("writing", Some(text)),
        What::Import(text) => ("import", Some(text)),
        What::Disclosure(text) => ("disclosure", Some(text)),
        What::Erasure(text) => ("erasure", Some(text)),
        What::Glass(step) => {
            // Strings and times only: nothing in it can fail to become JSON.
            let text = serde_json::to_string(step).unwrap_or_default();
            return ("glass", Some(Cow::Owned(text)));
        }
        What::Order(step) => {
            let text = serde_json::to_string(step).unwrap_or_default();
            return ("order", Some(Cow::Owned(text)));
        }
        What::Registry(step) => {
            let text = serde_json::to_string(step).unwrap_or_default();
            return ("registry", Some(Cow::Owned(text)));
        }
    };
    (code, text.map(|text| Cow::Borrowed(text.as_str())))
}

/// On what it stood: what BALP has no element for, as details of an entity of our own, so that the decision can be
/// replayed from the event alone.
fn decision(json: &mut Json, act: &Act) {
    json.object(|json| {
        json.key("type");
        coding(json, systems::ENTITY, "decision");
        json.key("detail");
        json.array(|json| details(json, act));
    });
}

fn details(json: &mut Json, act: &Act) {
    let mut detail = |name: &str, value: &str| {
        json.object(|json| {
            json.member("type", name);
            json.member("valueString", value);
        });
    };
    let (code, text) = what(&act.what);
    detail("what", code);
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        detail("what-text", &text);
    }
    if act.via.is_some() {
        detail("via", "asked");
    }
    if let Some(evidence) = &act.evidence {
        detail("evidence-kind", &code_of(evidence));
    }
    detail("resources", &act.resources.to_string());
    detail("labels", &act.labels.0.to_string());
    for category in Category::of(act.labels) {
        detail("category", category.code());
    }
    let grounds = &act.grounds;
    detail("pact", &grounds.pact.to_string());
    detail("word", &grounds.word.to_string());
    detail("hidden", &grounds.hidden.to_string());
    if grounds.held != grounds.hidden {
        detail("held", &grounds.held.to_string());
    }
    if let Some(only) = grounds.only {
        detail("only", &only.to_string());
    }
    if let Some(question) = &grounds.question {
        asked(&mut detail, question, act);
    }
    let lists = [
        ("evidence", &grounds.evidence),
        ("policy", &grounds.policies),
        ("rule", &grounds.rules),
        ("refused", &act.refused),
    ];
    for (name, values) in lists {
        // FHIR has no empty string; an empty name says nothing.
        for value in values.iter().filter(|value| !value.is_empty()) {
            detail(name, value);
        }
    }
    if let Some(told) = act.told {
        detail("told", &told.to_string());
    }
    if let Some((opinion, of)) = &act.opinion {
        detail("opinion", &code_of(opinion));
        detail("opinion-of", of);
    }
}

/// What the rules were asked. What is as nearly always is left out: an act is made for every answer.
fn asked(detail: &mut impl FnMut(&str, &str), question: &Question, act: &Act) {
    detail("verbs", &letters(question.verbs));
    if let Some(types) = &question.types {
        let names: Vec<&str> = types.iter().map(|of| of.name()).collect();
        detail("types", &names.join(" "));
    }
    if act.person.is_none() {
        detail("scope", question.scope);
    }
    if let Some(licence) = question.licence {
        detail("licence", licence.code());
    }
    if question.own_record {
        detail("own", "true");
    }
    if question.reviews_overdue {
        detail("overdue", "true");
    }
    if let Some(named) = question.named {
        detail("named", &named.to_string());
    }
    if let Some(acting) = question.acting {
        let tie = acting.tie.map_or("", |tie| tie.code());
        detail("acting", format!("{} {tie}", acting.tag.hex()).trim_end());
    }
    if let Some(by) = &question.delegated {
        detail("delegated", &delegated(by));
    }
    for said in &question.words {
        let (version, digest) = (said.version, hex(&said.digest));
        match act.person == Some(said.person) {
            true => detail("said", &format!("{version} {digest}")),
            false => detail("said", &format!("{version} {digest} {}", said.person.hex())),
        }
    }
    for used in &question.used {
        // Names of grants have no spaces.
        let again = used
            .again
            .map_or_else(|| "-".to_owned(), |at| at.to_string());
        let (grant, times) = (&used.grant, used.times);
        match act.person == Some(used.person) {
            true => detail("used", &format!("{grant} {times} {again}")),
            false => {
                let person = used.person.hex();
                detail("used", &format!("{grant} {times} {again} {person}"));
            }
        }
    }
    for tag in &question.also {
        detail("also", &tag.hex());
    }
    if question.at != act.at {
        detail("decided", &question.at.to_string());
    }
}

/// Role, licence, purposes and tasks of a delegation, whether it counted, and the login of whoever named her.
fn delegated(by: &Delegated) -> String {
    let codes = |codes: Vec<&str>| match codes.is_empty() {
        true => "-".to_owned(),
        false => codes.join("+"),
    };
    let purposes = codes(by.purposes.iter().map(|one| one.code()).collect());
    let tasks = codes(by.tasks.iter().map(|one| one.code()).collect());
    let stands = if by.stands { "stands" } else { "over" };
    let licence = by.licence.map_or("none", |state| state.code());
    let role = by.role.code();
    let login = &by.login;
    format!("{role} {licence} {purposes} {tasks} {stands} {login}")
}

fn member(json: &mut Json, id: &MemberId) {
    identifier(json, systems::MEMBER, &id.0);
}

/// A reference by an identifier.
fn identifier(json: &mut Json, system: &str, value: &str) {
    json.object(|json| {
        json.key("identifier");
        json.object(|json| {
            json.member("system", system);
            json.member("value", value);
        });
    });
}

fn coding(json: &mut Json, system: &str, code: &str) {
    json.object(|json| {
        json.member("system", system);
        json.member("code", code);
    });
}

fn concept(json: &mut Json, system: &str, code: &str) {
    json.object(|json| {
        json.key("coding");
        json.array(|json| coding(json, system, code));
    });
}
