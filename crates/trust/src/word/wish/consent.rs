//! The wishes as a FHIR R4 `Consent` of a category and a policy of their own, both ways.
//!
//! Of each finding the last wish is one `deny` provision that stands under the purpose PATRQT: it is she who is not shown
//! it. What R4 has no element for (the companion, the hours to think it over, the review, that she asked) is in extensions
//! of ours.

use super::super::consent::{coding, concept, list, object};
use super::{Asked, Company, Named, Until, Wish, last};
use crate::act::{code_of, systems};
use crate::{Finding, Lang, MemberId, Word};
use fhir::Value;
use jiff::Timestamp;

/// The code of `Consent.category`.
pub const CATEGORY: &str = "not-to-know";
/// The policy that such a `Consent` follows.
pub const POLICY: &str = "https://tejido.mx/policy/not-to-know";

const CATEGORIES: &str = "https://tejido.mx/fhir/CodeSystem/consent-category";
const EXTENSION: &str = "https://tejido.mx/fhir/StructureDefinition/not-to-know-";

/// Renders the last wish of each finding as one `Consent`; `None` when she never said one. `patient` is the reference to
/// write, as in `Patient/17`.
pub fn to_consent(word: &Word, patient: &str) -> Option<Value> {
    let provisions: Vec<Value> = last(&word.wishes).map(provision).collect();
    if provisions.is_empty() {
        return None;
    }
    let category = concept(CATEGORIES, CATEGORY);
    let scope = "http://terminology.hl7.org/CodeSystem/consentscope";
    Some(object([
        ("resourceType", "Consent".into()),
        ("status", "active".into()),
        ("scope", concept(scope, "patient-privacy")),
        ("category", list([category])),
        ("patient", object([("reference", patient.into())])),
        ("dateTime", word.said.to_string().into()),
        ("policy", list([object([("uri", POLICY.into())])])),
        (
            "provision",
            object([
                ("type", "permit".into()),
                ("provision", Value::Array(provisions)),
            ]),
        ),
    ]))
}

fn provision(wish: &Wish) -> Value {
    let mut extensions = vec![
        extension("since", "valueInstant", wish.since.to_string()),
        extension("until", "valueCode", until_code(wish.until).to_owned()),
    ];
    for (name, named) in [("companion", &wish.companion), ("told", &wish.told)] {
        if let Some(named) = named {
            extensions.push(object([
                ("url", format!("{EXTENSION}{name}").into()),
                ("valueReference", reference(named)),
            ]));
        }
    }
    if let Some(review) = wish.review {
        extensions.push(extension("review", "valueInstant", review.to_string()));
    }
    if wish.cool_off_hours > 0 {
        let hours = wish.cool_off_hours.to_string();
        extensions.push(extension("cool-off-hours", "valueString", hours));
    }
    if let Some(asked) = wish.asked {
        extensions.push(extension("asked", "valueInstant", asked.at.to_string()));
        extensions.push(extension("from", "valueInstant", asked.from.to_string()));
        extensions.push(extension("company", "valueCode", code_of(&asked.company)));
    }
    let mut label = coding(systems::FINDING, wish.finding.code());
    label.set("display", wish.finding.name(Lang::Es));
    let mut provision = object([
        ("extension", Value::Array(extensions)),
        ("type", "deny".into()),
    ]);
    if let Until::Date(date) = wish.until {
        provision.set("period", object([("end", date.to_string().into())]));
    }
    provision.set("securityLabel", list([label]));
    provision.set("purpose", list([coding(systems::PURPOSE, "PATRQT")]));
    provision
}

fn until_code(until: Until) -> &'static str {
    match until {
        Until::Asked => "asked",
        Until::Accompanied => "accompanied",
        Until::Date(_) => "date",
    }
}

fn extension(name: &str, of: &str, value: String) -> Value {
    object([
        ("url", format!("{EXTENSION}{name}").into()),
        (of, value.into()),
    ])
}

fn reference(named: &Named) -> Value {
    let mut reference = object([("display", named.name.as_str().into())]);
    if let Some((member, id)) = &named.at {
        let identifier = object([
            ("system", systems::ACTOR.into()),
            ("value", format!("{member}/{id}").into()),
        ]);
        reference.set("identifier", identifier);
    }
    reference
}

/// Reads the wishes of a `Consent` that [`to_consent`] wrote, or that another system wrote after it. The bounds of wishes
/// are for [`super::check_wishes`] to see.
///
/// # Errors
/// A sentence that says what it lacks: another category or policy, a provision without a finding, a time that is none.
pub fn from_consent(consent: &Value) -> Result<Vec<Wish>, String> {
    let category = consent.text("category.0.coding.0.code");
    if category != Some(CATEGORY) || consent.text("policy.0.uri") != Some(POLICY) {
        return Err(format!(
            "a wish not to know has the category {CATEGORY} and the policy {POLICY}"
        ));
    }
    let provisions = consent.get("provision").map(|p| p.list("provision"));
    provisions.unwrap_or_default().iter().map(wish).collect()
}

fn wish(provision: &Value) -> Result<Wish, String> {
    let finding = provision
        .list("securityLabel")
        .iter()
        .filter(|label| label.text("system") == Some(systems::FINDING))
        .find_map(|label| Finding::from_code(label.text("code")?))
        .ok_or("a provision names no finding that is known here")?;
    let since = time(provision, "since", "valueInstant")?.ok_or("a wish lacks its time")?;
    let companion = named(provision, "companion");
    let until = match (
        said(provision, "until", "valueCode"),
        provision.text("period.end"),
    ) {
        (_, Some(end)) => Until::Date(parsed(end)?),
        (Some("accompanied"), _) if companion.is_some() => Until::Accompanied,
        _ => Until::Asked,
    };
    let hours = said(provision, "cool-off-hours", "valueString").map(str::parse);
    Ok(Wish {
        until,
        companion,
        told: named(provision, "told"),
        review: time(provision, "review", "valueInstant")?,
        cool_off_hours: hours
            .transpose()
            .map_err(|_| "the hours to think it over are no number")?
            .unwrap_or(0),
        asked: match time(provision, "asked", "valueInstant")? {
            None => None,
            Some(at) => Some(Asked {
                at,
                from: time(provision, "from", "valueInstant")?.unwrap_or(at),
                company: match said(provision, "company", "valueCode") {
                    Some("present") => Company::Present,
                    Some("waived") => Company::Waived,
                    Some("awaited") => Company::Awaited,
                    _ => Company::None,
                },
            }),
        },
        ..Wish::plain(finding, since)
    })
}

fn extension_of<'v>(provision: &'v Value, name: &str) -> Option<&'v Value> {
    let extensions = provision.list("extension").iter();
    let named = |one: &&Value| {
        let url = one.text("url").and_then(|url| url.strip_prefix(EXTENSION));
        url == Some(name)
    };
    extensions.into_iter().find(named)
}

fn said<'v>(provision: &'v Value, name: &str, of: &str) -> Option<&'v str> {
    extension_of(provision, name)?.text(of)
}

fn time(provision: &Value, name: &str, of: &str) -> Result<Option<Timestamp>, String> {
    said(provision, name, of).map(parsed).transpose()
}

fn parsed(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("{text:?} is no instant"))
}

fn named(provision: &Value, name: &str) -> Option<Named> {
    let reference = extension_of(provision, name)?.get("valueReference")?;
    let at = reference.text("identifier.value");
    Some(Named {
        name: reference.text("display")?.to_owned(),
        at: at
            .and_then(|at| at.split_once('/'))
            .map(|(member, id)| (MemberId(member.to_owned()), id.to_owned())),
    })
}
