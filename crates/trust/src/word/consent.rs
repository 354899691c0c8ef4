//! A person's word as a FHIR R4 `Consent`, for other people's systems.

use super::{Rule, Who, Word};
use crate::act::systems;
use crate::{Category, Lang};
use fhir::{Object, Value};

/// Renders a word as one active `Consent`: open by default (`provision.type` `permit`), with one nested provision for
/// each rule. Kinds go into `class`, topics also into `securityLabel` as the HL7 sensitivity codes they stand for.
///
/// `patient` is the reference to write, as in `Patient/17`. What R4 has no element for (the hint, whether a rule is more
/// exact than another) is in an extension, or in the order that [`hidden`](super::hidden) gives; the word stays the
/// authority, the `Consent` is its picture.
pub fn to_consent(word: &Word, patient: &str) -> Value {
    let mut consent = object([
        ("resourceType", "Consent".into()),
        (
            "identifier",
            list([object([
                ("system", systems::WORD.into()),
                (
                    "value",
                    format!("{}/{}", crate::act::hex(&word.person.0), word.version).into(),
                ),
            ])]),
        ),
        ("status", "active".into()),
        (
            "scope",
            concept(
                "http://terminology.hl7.org/CodeSystem/consentscope",
                "patient-privacy",
            ),
        ),
        ("category", list([concept(mx::systems::LOINC, "59284-0")])),
        ("patient", object([("reference", patient.into())])),
        ("dateTime", word.said.to_string().into()),
        (
            "organization",
            list([object([(
                "identifier",
                object([
                    ("system", systems::MEMBER.into()),
                    ("value", word.author.0.as_str().into()),
                ]),
            )])]),
        ),
        (
            "policyRule",
            concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN"),
        ),
    ]);
    let mut provision = object([("type", "permit".into())]);
    if !word.rules.is_empty() {
        provision.set(
            "provision",
            Value::Array(word.rules.iter().map(rule).collect()),
        );
    }
    consent.set("provision", provision);
    consent
}

fn rule(rule: &Rule) -> Value {
    let mut provision = object([("id", rule.id.as_str().into())]);
    provision.set(
        "extension",
        list([object([
            ("url", systems::EXT_HINT.into()),
            ("valueBoolean", rule.hint.into()),
        ])]),
    );
    provision.set("type", if rule.allow { "permit" } else { "deny" });
    if let Some(until) = rule.until {
        provision.set("period", object([("end", until.to_string().into())]));
    }
    if let Some(actor) = actor(&rule.who) {
        provision.set("actor", list([actor]));
    }
    let topics: Vec<Value> = rule.what.iter().filter_map(|c| sensitivity(*c)).collect();
    if !topics.is_empty() {
        provision.set("securityLabel", Value::Array(topics));
    }
    if let Some(purpose) = rule.purpose {
        provision.set(
            "purpose",
            list([coding(systems::PURPOSE, crate::act::purpose_code(purpose))]),
        );
    }
    if !rule.what.is_empty() {
        let classes = rule.what.iter().map(|category| {
            let mut class = coding(systems::CATEGORY, category.code());
            class.set("display", category.name(Lang::Es));
            class
        });
        provision.set("class", Value::Array(classes.collect()));
    }
    provision
}

/// Whom a rule names. Everyone is no actor at all.
fn actor(who: &Who) -> Option<Value> {
    let (system, value) = match who {
        Who::Everyone => return None,
        Who::Kind(kind) => (systems::MEMBER_KIND, crate::act::code_of(kind)),
        Who::Role(role) => (systems::ROLE, crate::act::code_of(role)),
        Who::Member(member) => (systems::MEMBER, member.0.clone()),
        Who::Actor(member, actor) => (systems::ACTOR, format!("{member}/{actor}")),
    };
    let reference = object([(
        "identifier",
        object([("system", system.into()), ("value", value.into())]),
    )]);
    Some(object([
        (
            "role",
            concept(
                "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "IRCP",
            ),
        ),
        ("reference", reference),
    ]))
}

/// The HL7 sensitivity code that says what a topic says.
fn sensitivity(category: Category) -> Option<Value> {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    Some(coding(system, category.sensitivity()?))
}

fn concept(system: &str, code: &str) -> Value {
    object([("coding", list([coding(system, code)]))])
}

fn coding(system: &str, code: &str) -> Value {
    object([("system", system.into()), ("code", code.into())])
}

fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::Array(items.into())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Object::new();
    for (name, value) in members {
        object.set(name, value);
    }
    Value::Object(object)
}
