//! What one visit says of itself: topics go from its coded resources to those that tell it in words.

use super::{Category, topic};
use fhir::{Object, Value};
use std::collections::HashMap;
use store::Labels;

const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// Types that tell a visit in prose, or name it as a whole. A vaccine or a glucose taken in the same visit says
/// nothing of its topic, and stays as open as it was.
const TELLING: [&str; 7] = [
    "Encounter",
    "ClinicalImpression",
    "DocumentReference",
    "Composition",
    "ServiceRequest",
    "Procedure",
    "CarePlan",
];

/// Gives the resources of one write that tell a visit the topics of all resources of that visit, as labels in
/// `meta.security`: the note of a consultation whose diagnosis is F32 is mental health, though its prose has no code.
///
/// To be called before [`labels`](super::labels), on resources that are written together. A visit is known by
/// `Encounter.id` and by `encounter.reference` of the others (`Encounter/17`). Calling it twice changes nothing more.
/// Linear in the resources.
pub fn share_topics<'v>(resources: impl IntoIterator<Item = &'v mut Value>) {
    let resources: Vec<&mut Value> = resources.into_iter().collect();
    let mut visits: HashMap<String, Labels> = HashMap::new();
    for resource in &resources {
        if let Some(visit) = visit_of(resource) {
            let known = visits.entry(visit).or_default();
            *known = known.with(topic::topics(resource));
        }
    }
    for resource in resources {
        let telling = resource
            .text("resourceType")
            .is_some_and(|of| TELLING.contains(&of));
        let shared = visit_of(resource).and_then(|visit| visits.get(&visit).copied());
        if let (true, Some(shared)) = (telling, shared) {
            let own = topic::topics(resource);
            let missing = Labels(shared.0 & !own.0);
            Category::of(missing)
                .into_iter()
                .filter_map(Category::sensitivity)
                .for_each(|code| mark(resource, code));
        }
    }
}

fn visit_of(resource: &Value) -> Option<String> {
    if resource.text("resourceType") == Some("Encounter") {
        return resource.text("id").map(|id| format!("Encounter/{id}"));
    }
    // A DocumentReference names its visit in its context, as the first of a list.
    let reference = resource
        .text("encounter.reference")
        .or_else(|| resource.text("context.encounter.0.reference"))?;
    Some(reference.to_owned())
}

/// Adds a security label.
fn mark(resource: &mut Value, code: &'static str) {
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    if !matches!(members.get("meta"), Some(Value::Object(_))) {
        members.set("meta", Value::Object(Object::new()));
    }
    let mut label = Object::new();
    label.set("system", ACT_CODE);
    label.set("code", code);
    if let Some(Value::Object(meta)) = members.get_mut("meta") {
        match meta.get_mut("security") {
            Some(Value::Array(labels)) => labels.push(Value::Object(label)),
            _ => meta.set("security", Value::Array(vec![Value::Object(label)])),
        }
    }
}
