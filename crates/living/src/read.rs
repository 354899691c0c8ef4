//! Small readings of FHIR resources: the words of a code, the date of a resource, the medicine behind a reference.

use crate::Sourced;
use fhir::Value;
use std::collections::HashMap;

/// What a CodeableConcept says, for people: its text, else the first display, else the first code.
pub(crate) fn words(concept: &Value) -> String {
    if let Some(text) = concept.text("text").filter(|t| !t.trim().is_empty()) {
        return text.trim().to_owned();
    }
    let codings = concept.list("coding");
    let first = |member: &str| {
        codings
            .iter()
            .find_map(|c| c.text(member))
            .filter(|t| !t.is_empty())
    };
    first("display")
        .or_else(|| first("code"))
        .unwrap_or_default()
        .to_owned()
}

/// All `system|code` of a CodeableConcept. Codes without a system are left out: they mean nothing elsewhere.
pub(crate) fn codes(concept: &Value) -> Vec<String> {
    concept
        .list("coding")
        .iter()
        .filter_map(|coding| {
            Some(format!(
                "{}|{}",
                coding.text("system")?,
                coding.text("code")?
            ))
        })
        .collect()
}

/// The moment that matters clinically, as written; empty when the resource gives none.
pub(crate) fn date_of(resource: &Value) -> String {
    const WHERE: [&str; 17] = [
        "effectiveDateTime",
        "effectivePeriod.start",
        "effectiveInstant",
        "onsetDateTime",
        "onsetPeriod.start",
        "occurrenceDateTime",
        "performedDateTime",
        "performedPeriod.start",
        "authoredOn",
        "period.start",
        "recordedDate",
        "recorded",
        "date",
        "created",
        "whenHandedOver",
        "dateAsserted",
        "issued",
    ];
    WHERE
        .iter()
        .find_map(|place| resource.text(place))
        .unwrap_or_default()
        .to_owned()
}

/// The first ten characters of a date: its day, or less when it is less precise.
pub(crate) fn day(date: &str) -> &str {
    date.get(..10).unwrap_or(date)
}

/// Days since 1970 of a date's day; `None` when it is not precise to the day.
pub(crate) fn day_number(date: &str) -> Option<i64> {
    let date: jiff::civil::Date = day(date).parse().ok()?;
    let epoch = jiff::civil::date(1970, 1, 1);
    Some(i64::from(date.since(epoch).ok()?.get_days()))
}

/// The concept of a medicine, whether it stands in the resource, in a contained one, or in a Medication beside it.
pub(crate) fn medicine<'a>(part: &'a Sourced, shelf: &Shelf<'a>) -> Option<&'a Value> {
    let resource = &part.resource;
    if let Some(concept) = resource.get("medicationCodeableConcept") {
        return Some(concept);
    }
    let reference = resource.text("medicationReference.reference")?;
    match reference.strip_prefix('#') {
        Some(local) => resource
            .list("contained")
            .iter()
            .find(|c| c.text("id") == Some(local))?
            .get("code"),
        None => shelf.get(&part.member, reference)?.get("code"),
    }
}

/// Resources by member and reference.
pub(crate) struct Shelf<'a>(HashMap<(&'a str, String), &'a Value>);

impl<'a> Shelf<'a> {
    pub(crate) fn of(parts: &'a [Sourced]) -> Shelf<'a> {
        let row = |part: &'a Sourced| {
            let reference = format!(
                "{}/{}",
                part.resource.text("resourceType")?,
                part.resource.text("id")?
            );
            Some(((part.member.as_str(), reference), &part.resource))
        };
        Shelf(parts.iter().filter_map(row).collect())
    }
    pub(crate) fn get(&self, member: &'a str, reference: &str) -> Option<&'a Value> {
        self.0.get(&(member, reference.to_owned())).copied()
    }
}

/// The dose of a medicine in words.
pub(crate) fn dose(resource: &Value) -> String {
    let instruction = resource
        .path("dosageInstruction.0")
        .or_else(|| resource.path("dosage.0"));
    let Some(instruction) = instruction else {
        return String::new();
    };
    if let Some(text) = instruction.text("text") {
        return text.to_owned();
    }
    let quantity = instruction
        .path("doseAndRate.0.doseQuantity")
        .map(quantity)
        .unwrap_or_default();
    let timing = instruction
        .path("timing.code")
        .map(words)
        .unwrap_or_default();
    [quantity, timing]
        .into_iter()
        .filter(|t| !t.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A quantity as written, with its unit: `7.20 mmol/L`.
pub(crate) fn quantity(quantity: &Value) -> String {
    let digits = quantity
        .get("value")
        .and_then(Value::as_number)
        .unwrap_or_default();
    let sign = quantity.text("comparator").unwrap_or_default();
    let unit = quantity
        .text("unit")
        .or_else(|| quantity.text("code"))
        .unwrap_or_default();
    format!("{sign}{digits} {unit}").trim().to_owned()
}

/// `active`, `resolved`... of a Condition or AllergyIntolerance.
pub(crate) fn clinical_status(resource: &Value) -> String {
    resource
        .text("clinicalStatus.coding.0.code")
        .unwrap_or("unknown")
        .to_owned()
}

/// Whether it was entered in error or refuted: never part of the summary.
pub(crate) fn void(resource: &Value) -> bool {
    resource.text("status") == Some("entered-in-error")
        || matches!(
            resource.text("verificationStatus.coding.0.code"),
            Some("entered-in-error")
        )
}
