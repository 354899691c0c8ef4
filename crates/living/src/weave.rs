//! The summary: who she is, and every list.

use crate::read::{Shelf, date_of, words};
use crate::{Disagreement, Identity, Origin, Sourced, Summary, Visit, lines, trends};
use fhir::Value;
use std::collections::{BTreeMap, HashMap};

/// The same laboratory test at another institution within so many days is marked as done again.
pub const REPEAT_DAYS: i64 = 30;

/// Weaves one summary out of all parts. `today` (`2026-11-22`) decides what is in use. Linear but for sorting.
pub fn weave(parts: &[Sourced], today: &str) -> Summary {
    let shelf = Shelf::of(parts);
    let (laboratory, vitals) = trends::trends(parts);
    let duplicates = laboratory
        .iter()
        .flat_map(|t| &t.points)
        .filter(|p| p.duplicate_of.is_some())
        .count();
    Summary {
        identity: identity(parts),
        problems: lines::problems(parts),
        medicines: lines::medicines(parts, &shelf, today),
        allergies: lines::allergies(parts),
        vaccines: lines::vaccines(parts),
        laboratory,
        vitals,
        visits: visits(parts),
        orders: lines::orders(parts),
        duplicates,
    }
}

/// What most members say; what they do not agree on is kept.
fn identity(parts: &[Sourced]) -> Identity {
    let patients: Vec<&Sourced> = parts
        .iter()
        .filter(|p| p.resource.text("resourceType") == Some("Patient"))
        .collect();
    let mut disagreements = Vec::new();
    let mut said = |what: &str, read: &dyn Fn(&Value) -> String| {
        let says: BTreeMap<&str, String> = patients
            .iter()
            .map(|p| (p.member.as_str(), read(&p.resource)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let mut votes: BTreeMap<String, (usize, &String)> = BTreeMap::new();
        for value in says.values() {
            votes
                .entry(fhir::search::fold(value))
                .or_insert((0, value))
                .0 += 1;
        }
        if votes.len() > 1 {
            let all = says
                .iter()
                .map(|(m, v)| ((*m).to_owned(), v.clone()))
                .collect();
            disagreements.push((what.to_owned(), Disagreement::Demographic(all)));
        }
        // Of equal votes the longest wins: `María Guadalupe` over `Ma. Guadalupe`.
        votes
            .values()
            .max_by_key(|(n, value)| (*n, value.len()))
            .map(|(_, value)| (*value).clone())
            .unwrap_or_default()
    };
    let name = said("name", &full_name);
    let birth_date = said("birthDate", &|p| {
        p.text("birthDate").unwrap_or_default().to_owned()
    });
    let gender = said("gender", &|p| {
        p.text("gender").unwrap_or_default().to_owned()
    });
    let curp = said("curp", &curp);
    Identity {
        name,
        birth_date,
        gender,
        curp,
        disagreements,
    }
}

/// A patient's full name as written.
pub(crate) fn full_name(patient: &Value) -> String {
    let names = patient.list("name");
    let Some(name) = names
        .iter()
        .find(|n| n.text("use") == Some("official"))
        .or_else(|| names.first())
    else {
        return String::new();
    };
    if let Some(text) = name.text("text") {
        return text.to_owned();
    }
    let given = name.list("given").iter().filter_map(Value::as_str);
    given
        .chain(name.text("family"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn curp(patient: &Value) -> String {
    let is_curp = |i: &&Value| {
        i.text("system")
            .is_some_and(|s| s.ends_with("/curp") || s == "urn:oid:2.16.840.1.113883.4.629")
    };
    patient
        .list("identifier")
        .iter()
        .find(is_curp)
        .and_then(|i| i.text("value"))
        .unwrap_or_default()
        .to_owned()
}

/// Visits, newest first, with the note that was written in them.
fn visits(parts: &[Sourced]) -> Vec<Visit> {
    let mut notes: HashMap<(String, String), String> = HashMap::new();
    for part in parts {
        let Some((encounter, text)) = note_of(&part.resource) else {
            continue;
        };
        let note = notes
            .entry((part.member.clone(), encounter.to_owned()))
            .or_default();
        if !note.is_empty() {
            note.push('\n');
        }
        note.push_str(&text);
    }
    let mut visits: Vec<Visit> = parts
        .iter()
        .filter(|p| p.resource.text("resourceType") == Some("Encounter"))
        .map(|part| {
            let encounter = &part.resource;
            let class = || {
                encounter
                    .text("class.display")
                    .or_else(|| encounter.text("class.code"))
                    .unwrap_or_default()
                    .to_owned()
            };
            let id = format!("Encounter/{}", encounter.text("id").unwrap_or_default());
            Visit {
                title: encounter
                    .path("type.0")
                    .map(words)
                    .filter(|t| !t.is_empty())
                    .unwrap_or_else(class),
                detail: encounter
                    .list("reasonCode")
                    .iter()
                    .map(words)
                    .collect::<Vec<_>>()
                    .join(", "),
                note: notes.remove(&(part.member.clone(), id)).unwrap_or_default(),
                origin: Origin::of(part, &date_of(encounter)),
            }
        })
        .collect();
    visits.sort_by(|a, b| b.origin.date.cmp(&a.origin.date));
    visits
}

/// The encounter a note belongs to, and its text.
fn note_of(resource: &Value) -> Option<(&str, String)> {
    match resource.text("resourceType")? {
        "ClinicalImpression" => {
            let text = resource
                .text("summary")
                .or_else(|| resource.text("description"))?;
            Some((resource.text("encounter.reference")?, text.to_owned()))
        }
        "DocumentReference" => Some((
            resource.text("context.encounter.0.reference")?,
            resource.text("description")?.to_owned(),
        )),
        _ => None,
    }
}
