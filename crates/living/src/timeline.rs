//! Everything that happened, in order.

use crate::read::{Shelf, date_of, day, dose, medicine, quantity, void, words};
use crate::{Event, Origin, Sourced, Timeline};
use fhir::Value;
use std::collections::HashSet;

/// One time line out of all parts, newest first. Values measured on one day at one member make one event; shared
/// resources (organisations, practitioners) and the Patient itself are no events.
pub fn timeline(parts: &[Sourced]) -> Timeline {
    let shelf = Shelf::of(parts);
    let mut values: HashSet<(&str, String)> = HashSet::new();
    let mut events: Timeline = Vec::new();
    for part in parts {
        let Some(event) = event(part, &shelf) else {
            continue;
        };
        // A day's measurements are gathered below, once.
        if event.kind == "Observation" {
            let key = (part.member.as_str(), event.date.clone());
            if !values.insert(key) {
                join(&mut events, event);
                continue;
            }
        }
        events.push(event);
    }
    events.sort_by(|a, b| {
        b.date
            .cmp(&a.date)
            .then_with(|| a.origin.member.cmp(&b.origin.member))
            .then_with(|| a.kind.cmp(&b.kind))
    });
    events
}

fn join(events: &mut [Event], more: Event) {
    let same = |e: &&mut Event| {
        e.kind == more.kind && e.date == more.date && e.origin.member == more.origin.member
    };
    if let Some(event) = events.iter_mut().rev().find(same) {
        event.detail.push_str(" · ");
        event.detail.push_str(&more.detail);
    }
}

fn event(part: &Sourced, shelf: &Shelf<'_>) -> Option<Event> {
    let resource = &part.resource;
    let kind = resource.text("resourceType")?;
    if void(resource) {
        return None;
    }
    let concept = |member: &str| resource.get(member).map(words).unwrap_or_default();
    let reasons = || {
        resource
            .list("reasonCode")
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (title, detail) = match kind {
        "Encounter" => {
            let class = resource
                .text("class.display")
                .or_else(|| resource.text("class.code"))
                .unwrap_or_default();
            (
                resource
                    .path("type.0")
                    .map(words)
                    .unwrap_or_else(|| class.to_owned()),
                reasons(),
            )
        }
        "Condition" => (concept("code"), String::new()),
        "Procedure" | "DiagnosticReport" | "FamilyMemberHistory" => (concept("code"), reasons()),
        "ServiceRequest" => (concept("code"), reasons()),
        "AllergyIntolerance" => (concept("code"), String::new()),
        "Immunization" => (concept("vaccineCode"), String::new()),
        "MedicationRequest"
        | "MedicationStatement"
        | "MedicationDispense"
        | "MedicationAdministration" => (
            medicine(part, shelf).map(words).unwrap_or_default(),
            dose(resource),
        ),
        "Observation" => (concept("code"), value_line(resource)),
        "ClinicalImpression" => (
            String::new(),
            resource.text("summary").unwrap_or_default().to_owned(),
        ),
        "DocumentReference" => (
            resource.get("type").map(words).unwrap_or_default(),
            resource.text("description").unwrap_or_default().to_owned(),
        ),
        "CarePlan" | "CareTeam" | "Goal" => (
            resource
                .text("title")
                .map(str::to_owned)
                .unwrap_or_else(|| resource.path("category.0").map(words).unwrap_or_default()),
            String::new(),
        ),
        "ImagingStudy" => (
            resource
                .path("procedureCode.0")
                .map(words)
                .unwrap_or_default(),
            String::new(),
        ),
        _ => return None,
    };
    let date = day(&date_of(resource)).to_owned();
    if date.is_empty() || (title.is_empty() && detail.is_empty()) {
        return None;
    }
    Some(Event {
        origin: Origin::of(part, &date),
        date,
        kind: kind.to_owned(),
        title,
        detail,
    })
}

/// `Glucosa: 110 mg/dL`, components one after the other.
fn value_line(observation: &Value) -> String {
    let one = |holder: &Value| {
        let value = match (
            holder.get("valueQuantity"),
            holder.get("valueCodeableConcept"),
            holder.text("valueString"),
        ) {
            (Some(q), _, _) => quantity(q),
            (_, Some(concept), _) => words(concept),
            (_, _, Some(text)) => text.to_owned(),
            _ => return None,
        };
        Some(format!(
            "{}: {}",
            holder.get("code").map(words).unwrap_or_default(),
            value
        ))
    };
    let components = observation.list("component").iter().filter_map(one);
    one(observation)
        .into_iter()
        .chain(components)
        .collect::<Vec<_>>()
        .join(", ")
}
