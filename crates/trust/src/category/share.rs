//! What resources say of each other: topics go from a visit's coded resources to those that tell it in words, findings
//! to whatever names them.

use super::{Category, Finding, topic};
use crate::act::systems;
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
                .for_each(|code| mark(resource, ACT_CODE, code));
        }
    }
}

/// Gives what tells of a finding the finding's label: a report that names the result, an appointment that was made because
/// of it, and what tells the visit in prose. A person who does not wish to know it is then shown none of them. The visit
/// itself (`Encounter`) takes it only when it names the finding: she was there, and its absence would tell more.
///
/// In: resources that are written together, with the names that they will have (`Observation/17`), and the labels of what
/// is stored already, by name.
/// To be called after [`share_topics`]; calling it twice changes nothing more. Cost: linear in the references, times the
/// longest chain of them, at most [`MAX_CHAIN`].
pub fn share_findings<'v>(
    resources: impl IntoIterator<Item = (String, &'v mut Value)>,
    stored: &dyn Fn(&str) -> Labels,
) {
    let mut resources: Vec<One<'v>> = resources.into_iter().map(One::new).collect();
    let mut known: HashMap<String, Labels> = HashMap::new();
    for _ in 0..MAX_CHAIN {
        let told: HashMap<String, Labels> = resources
            .iter()
            .map(|one| (one.name.clone(), one.findings))
            .collect();
        let mut visits: HashMap<String, Labels> = HashMap::new();
        for one in &resources {
            if let Some(visit) = &one.visit {
                let all = visits.entry(visit.clone()).or_default();
                *all = all.with(one.findings);
            }
        }
        let mut more = false;
        for one in &mut resources {
            let mut shared = one.names.iter().fold(Labels(0), |all, name| {
                let of = told.get(name).copied().unwrap_or_else(|| {
                    *known
                        .entry(name.clone())
                        .or_insert_with(|| Finding::among(stored(name)))
                });
                all.with(of)
            });
            if let Some(visit) = one.visit.as_ref().filter(|_| tells(one.resource)) {
                shared = shared.with(visits.get(visit).copied().unwrap_or_default());
            }
            let missing = Labels(shared.0 & !one.findings.0);
            for finding in Finding::of(missing) {
                mark(one.resource, systems::FINDING, finding.code());
            }
            one.findings = one.findings.with(missing);
            more |= missing.0 != 0;
        }
        if !more {
            return;
        }
    }
}

/// A resource with what it says of findings so far.
struct One<'v> {
    name: String,
    resource: &'v mut Value,
    findings: Labels,
    /// What it refers to, and the visit that it belongs to or is.
    names: Vec<String>,
    visit: Option<String>,
}

impl<'v> One<'v> {
    fn new((name, resource): (String, &'v mut Value)) -> One<'v> {
        let mut names = Vec::new();
        references(resource, &mut names);
        One {
            findings: Finding::among(topic::topics(resource)),
            visit: match resource.text("resourceType") {
                Some("Encounter") => Some(name.clone()),
                _ => visit_of(resource),
            },
            names,
            name,
            resource,
        }
    }
}

/// A chain of references among resources that are written together is followed this far.
const MAX_CHAIN: usize = 8;

/// Types that are found (what others refer to as a result), beside the person, the visit and the house.
const FOUND: [&str; 14] = [
    "ClinicalImpression",
    "Condition",
    "DetectedIssue",
    "DiagnosticReport",
    "DocumentReference",
    "GuidanceResponse",
    "ImagingStudy",
    "Media",
    "MolecularSequence",
    "Observation",
    "Procedure",
    "RiskAssessment",
    "ServiceRequest",
    "Task",
];

/// The references of a value to what may be a finding.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Object(members) => {
            if let Some(name) = value.text("reference")
                && let Some((of, _)) = name.split_once('/')
                && FOUND.contains(&of)
            {
                let bare = name.split("/_history").next().unwrap_or(name);
                into.push(bare.to_owned());
            }
            members
                .iter()
                .for_each(|(_, member)| references(member, into));
        }
        _ => {}
    }
}

/// Whether a resource tells a visit in prose.
fn tells(resource: &Value) -> bool {
    resource
        .text("resourceType")
        .is_some_and(|of| of != "Encounter" && TELLING.contains(&of))
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
fn mark(resource: &mut Value, system: &'static str, code: &'static str) {
    let Some(members) = resource.as_object_mut() else {
        return;
    };
    if !matches!(members.get("meta"), Some(Value::Object(_))) {
        members.set("meta", Value::Object(Object::new()));
    }
    let mut label = Object::new();
    label.set("system", system);
    label.set("code", code);
    if let Some(Value::Object(meta)) = members.get_mut("meta") {
        match meta.get_mut("security") {
            Some(Value::Array(labels)) => labels.push(Value::Object(label)),
            _ => meta.set("security", Value::Array(vec![Value::Object(label)])),
        }
    }
}
