//! A person's word as a FHIR R4 `Consent`, for other people's systems.

use super::from_consent::{Said as Read, TYPES, moment, unsaid};
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
/// `patient` is the Reference to write. Who said it for her is its `performer`, where one said all of it. What R4 has no element for (the hint, whether a rule is more
/// exact than another) is in an extension, or in the order that [`hidden`](super::hidden) gives; the word stays the
/// authority, the `Consent` is its picture.
pub fn to_consent(word: &Word, patient: Value) -> Value {
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
        ("patient", patient),
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
    if let Some(speaker) = speaker(word) {
        consent.set("performer", list([speaker]));
    }
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

/// Who said all of it for her.
fn speaker(word: &Word) -> Option<Value> {
    let mut speakers = word.rules.iter().map(|rule| rule.speaker.as_ref());
    let first = speakers.next()??;
    let identifier = object([
        ("system", systems::REPRESENTATIVE.into()),
        ("value", first.tag.hex().into()),
    ]);
    let named = object([
        ("identifier", identifier),
        ("display", first.name.as_str().into()),
    ]);
    speakers.all(|one| one == Some(first)).then_some(named)
}

/// Whether a word keeps all that a Consent says beside its provisions, by the picture that the word gives of it.
///
/// `is_hers` says of a Reference whether it names the person herself. `dateTime` is when the node hears it: it is taken within
/// a day of now, and as the picture has it.
///
/// # Errors
/// The first element that would be lost, by its path.
pub fn check_kept(
    consent: &Value,
    picture: &Value,
    is_hers: &dyn Fn(&Value) -> bool,
    now: Timestamp,
) -> Read<()> {
    if consent.get("patient").is_none() {
        return unsaid(
            "Consent.patient",
            "it does not say whose it is: name yourself",
        );
    }
    let members = consent.as_object().map(|members| members.iter());
    for (name, value) in members.into_iter().flatten() {
        let pictured = picture.get(name).is_some_and(|own| is_same(value, own));
        let (kept, why) = match name {
            "resourceType" | "id" | "provision" => (true, ""),
            "meta" => (
                is_of_the_node(value),
                "her rules keep no profile, tag or label: leave them out",
            ),
            "patient" => (is_hers(value), "this is not you"),
            "performer" => (
                pictured || value.items().iter().all(is_hers),
                "what is said here you say yourself",
            ),
            "dateTime" => (
                pictured || is_about(value, now),
                "it holds from when it is said: leave it out, or write the date of today",
            ),
            _ => (
                pictured,
                "her rules keep nothing of this, or something else: leave it out",
            ),
        };
        if !kept {
            return unsaid(&format!("Consent.{name}"), why);
        }
    }
    Ok(())
}

/// Whether a `meta` says only what the node says.
fn is_of_the_node(meta: &Value) -> bool {
    let members = meta.as_object().map(|members| members.iter());
    let mut names = members.into_iter().flatten().map(|(name, _)| name);
    names.all(|name| matches!(name, "versionId" | "lastUpdated"))
}

/// Whether a date or a time is within a day of a moment.
fn is_about(value: &Value, now: Timestamp) -> bool {
    const DAY: i64 = 86_400_000_000;
    let now = now.as_microsecond();
    moment(value.as_str()).is_some_and(|span| {
        span.from.saturating_sub(DAY) <= now && now <= span.to.saturating_add(DAY)
    })
}

/// Whether two elements say the same; how a code or somebody is displayed says nothing.
fn is_same(one: &Value, other: &Value) -> bool {
    let said = |members: &Object| {
        members
            .iter()
            .filter(|(name, _)| *name != "display")
            .count()
    };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value): (&str, &Value)| {
                name == "display" || other.get(name).is_some_and(|other| is_same(value, other))
            };
            said(one) == said(other) && one.iter().all(same)
        }
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
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
