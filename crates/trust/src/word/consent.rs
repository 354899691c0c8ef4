//! A person's word as a FHIR R4 `Consent`, for other people's systems.

use super::from_consent::TYPES;
use super::part::{ACT_CODE, Author, Part};
use super::{Rule, Terms, Unless, Who, Word};
use crate::act::systems;
use crate::{Category, Lang, Purpose};
use fhir::{Object, Value};
use jiff::Timestamp;

/// Renders a word as one active `Consent`: open by default (`provision.type` `permit`), with one nested provision for
/// each rule and its exceptions inside it. Kinds go into `class`, topics also into `securityLabel` as the HL7 sensitivity
/// codes they stand for.
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
        ("policyRule", concept(ACT_CODE, "OPTIN")),
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
    let flags = [
        Some(flag(systems::EXT_HINT, rule.hint)),
        rule.insist.then(|| flag(systems::EXT_INSIST, true)),
        rule.quiet.then(|| flag(systems::EXT_QUIET, true)),
    ];
    let extensions = flags.into_iter().flatten().chain(terms(&rule.terms));
    provision.set("extension", Value::Array(extensions.collect()));
    provision.set("type", if rule.allow { "permit" } else { "deny" });
    let purposes: Vec<Purpose> = rule.purpose.into_iter().collect();
    let said = Said {
        when: (rule.from, rule.until),
        who: &rule.who,
        purposes: &purposes,
        what: &rule.what,
        part: &rule.part,
    };
    said.set(&mut provision);
    if !rule.unless.is_empty() {
        let unless = rule.unless.iter().map(exception);
        provision.set("provision", Value::Array(unless.collect()));
    }
    provision
}

fn exception(unless: &Unless) -> Value {
    let mut provision = object([("type", "permit".into())]);
    let terms: Vec<Value> = terms(&unless.terms).collect();
    if !terms.is_empty() {
        provision.set("extension", Value::Array(terms));
    }
    let said = Said {
        when: (unless.from, unless.until),
        who: &unless.who,
        purposes: &unless.purposes,
        what: &unless.what,
        part: &unless.part,
    };
    said.set(&mut provision);
    provision
}

/// What rules and their exceptions say alike.
struct Said<'a> {
    when: (Option<Timestamp>, Option<Timestamp>),
    who: &'a Who,
    purposes: &'a [Purpose],
    what: &'a [Category],
    part: &'a Part,
}

impl Said<'_> {
    fn set(&self, provision: &mut Value) {
        let mut put = |element: &str, values: Vec<Value>| {
            if !values.is_empty() {
                provision.set(element, Value::Array(values));
            }
        };
        let part = self.part;
        put("actor", actor(self.who).into_iter().collect());
        put("securityLabel", labels(self.what, part));
        let purposes = self.purposes.iter();
        put(
            "purpose",
            purposes
                .map(|one| coding(one.system(), one.code()))
                .collect(),
        );
        let categories = self.what.iter().map(|category| {
            let mut class = coding(systems::CATEGORY, category.code());
            class.set("display", category.name(Lang::Es));
            class
        });
        let types = part.types.iter().map(|of| coding(TYPES, of));
        put("class", categories.chain(types).collect());
        put("data", data(part));
        if let Some(period) = period(self.when) {
            provision.set("period", period);
        }
        if let Some(dates) = part
            .period
            .and_then(|dates| period((dates.from, dates.until)))
        {
            provision.set("dataPeriod", dates);
        }
    }
}

/// The part's own labels; else those of the topics, where there are only topics: with a kind beside them a label would
/// narrow it.
fn labels(what: &[Category], part: &Part) -> Vec<Value> {
    if !part.labels.is_empty() {
        let labels = part.labels.iter();
        return labels
            .map(|label| coding(&label.system, &label.code))
            .collect();
    }
    match what.iter().all(|category| category.is_topic()) {
        true => what.iter().filter_map(|c| sensitivity(*c)).collect(),
        false => Vec::new(),
    }
}

fn data(part: &Part) -> Vec<Value> {
    let named = |name: &String| object([("reference", name.as_str().into())]);
    let meant = |meaning: &str, reference: Value| {
        object([("meaning", meaning.into()), ("reference", reference)])
    };
    let resources = part.resources.iter();
    let mut all: Vec<Value> = resources
        .map(|name| meant("instance", named(name)))
        .collect();
    all.extend(part.visits.iter().map(|name| meant("related", named(name))));
    all.extend(part.authors.iter().map(|author| {
        let identified = |system: &str, value: &str| {
            let identifier = object([("system", system.into()), ("value", value.into())]);
            object([("identifier", identifier)])
        };
        meant(
            "authoredby",
            match author {
                Author::Reference(name) => named(name),
                Author::Identifier(system, value) => identified(system, value),
                Author::Institution(member) => identified(systems::MEMBER, &member.0),
            },
        )
    }));
    all
}

/// A FHIR Period includes its end: the last moment before the one that is no longer in it.
fn period((from, until): (Option<Timestamp>, Option<Timestamp>)) -> Option<Value> {
    let mut period = Object::new();
    if let Some(from) = from {
        period.set("start", from.to_string());
    }
    if let Some(until) = until {
        let last = until.checked_sub(jiff::Span::new().microseconds(1));
        period.set("end", last.unwrap_or(until).to_string());
    }
    (!period.is_empty()).then_some(Value::Object(period))
}

/// How often as a `Timing`, and by when what was received is erased: R4's Consent has no element for either.
fn terms(terms: &Terms) -> impl Iterator<Item = Value> + use<> {
    let often = terms.frequency.map(|frequency| {
        let (period, unit) = frequency.per.ucum();
        let repeat = object([
            ("frequency", i64::from(frequency.times).into()),
            ("period", i64::from(period).into()),
            ("periodUnit", unit.into()),
        ]);
        object([
            ("url", systems::EXT_FREQUENCY.into()),
            ("valueTiming", object([("repeat", repeat)])),
        ])
    });
    let erased = terms.erase_at.map(|at| {
        object([
            ("url", systems::EXT_ERASE_AT.into()),
            ("valueDateTime", at.to_string().into()),
        ])
    });
    often.into_iter().chain(erased)
}

fn flag(url: &str, value: bool) -> Value {
    object([("url", url.into()), ("valueBoolean", value.into())])
}

/// Whom a rule names. Everyone is no actor at all.
fn actor(who: &Who) -> Option<Value> {
    let (system, value) = match who {
        Who::Everyone => return None,
        Who::Kind(kind) => (systems::MEMBER_KIND, crate::act::code_of(kind)),
        Who::Role(role) => (systems::ROLE, crate::act::code_of(role)),
        Who::Member(member) => (systems::MEMBER, member.0.clone()),
        Who::Actor(member, actor) => (systems::ACTOR, format!("{member}/{actor}")),
        Who::Representatives => (systems::REPRESENTATIVE, "all".to_owned()),
        Who::Representative(tag) => (systems::REPRESENTATIVE, tag.hex()),
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
    Some(coding(ACT_CODE, category.sensitivity()?))
}

pub(super) fn concept(system: &str, code: &str) -> Value {
    object([("coding", list([coding(system, code)]))])
}

pub(super) fn coding(system: &str, code: &str) -> Value {
    object([("system", system.into()), ("code", code.into())])
}

pub(super) fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::Array(items.into())
}

pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Object::new();
    for (name, value) in members {
        object.set(name, value);
    }
    Value::Object(object)
}
