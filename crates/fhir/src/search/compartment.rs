//! Where a resource points: all its references, and the patients whose compartment it belongs to.

use super::{Indexed, SearchParameter, program::Program, table::table};
use crate::{ResourceType, Value};
use std::{collections::HashMap, sync::LazyLock};

/// Every reference in a resource as written, with the path where it stands (`Observation.performer[0]`), contained ones
/// (`#x`) left out. Those inside contained resources and Bundle entries are among them. Cost: one walk.
pub fn references(resource: &Value) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut path = resource.text("resourceType").unwrap_or("").to_owned();
    collect(resource, &mut path, &mut out);
    out
}

fn collect(value: &Value, path: &mut String, out: &mut Vec<(String, String)>) {
    let end = path.len();
    match value {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get("reference")
                && !text.starts_with('#')
            {
                out.push((text.clone(), path.clone()));
            }
            for (key, member) in object.iter() {
                if matches!(member, Value::Object(_) | Value::Array(_)) {
                    if end > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    collect(member, path, out);
                    path.truncate(end);
                }
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                if matches!(item, Value::Object(_) | Value::Array(_)) {
                    path.push_str(&format!("[{at}]"));
                    collect(item, path, out);
                    path.truncate(end);
                }
            }
        }
        _ => {}
    }
}

/// Types that the R4 CompartmentDefinition leaves out and that name a patient all the same, each with the parameter that
/// says whom: her pacemaker, what is to be done for her, what was advised for her, what she agreed to. As nobody's they
/// would be open to all and stay when she is erased. (R5 takes `Task` into the compartment.)
pub const BESIDE: [(&str, &str); 4] = [
    ("Contract", "patient"),
    ("Device", "patient"),
    ("GuidanceResponse", "patient"),
    ("Task", "patient"),
];

/// Per type, a program of the parameters alone that say whose it is.
static PROGRAMS: LazyLock<HashMap<&'static str, Program>> = LazyLock::new(|| {
    let compile = |of: &'static str| {
        let mut program = Program::default();
        let beside = BESIDE.iter().filter(|(name, _)| *name == of);
        let beside = beside.filter_map(|(_, code)| table().parameter(of, code));
        for parameter in table().compartment("Patient", of).chain(beside) {
            // A test asserts that every expression compiles.
            let _ = program.add(table(), of, parameter);
        }
        (of, program)
    };
    table().types().map(compile).collect()
});

/// The patient ids that put a resource into patient compartments, by the R4 CompartmentDefinition and [`BESIDE`]: for a
/// Patient its own id. Only relative references (`Patient/1`) count. In the order of the resource, each once.
pub fn patients(of: ResourceType, resource: &Value) -> Vec<String> {
    patients_of(of.name(), resource)
}

/// The types that have compartments in R4.
pub const COMPARTMENTS: [&str; 5] = [
    "Patient",
    "Encounter",
    "RelatedPerson",
    "Practitioner",
    "Device",
];

/// The parameters by which a resource of a type is in a compartment, by the R4 CompartmentDefinition; none when it never
/// is. A resource is always in its own.
pub fn compartments(compartment: ResourceType, of: ResourceType) -> Vec<&'static SearchParameter> {
    table().compartment(compartment.name(), of.name()).collect()
}

pub(super) fn patients_of(of: &str, resource: &Value) -> Vec<String> {
    if of == "Patient" {
        return resource.text("id").map(str::to_owned).into_iter().collect();
    }
    let mut entries = Vec::new();
    if let Some(program) = PROGRAMS.get(of) {
        program.run(resource, &mut entries);
    }
    let mut ids = Vec::<String>::new();
    for entry in entries {
        let Indexed::Reference(text) = entry.value else {
            continue;
        };
        match text.strip_prefix("Patient/") {
            Some(id) if !id.is_empty() && !id.contains('/') && !ids.iter().any(|i| i == id) => {
                ids.push(id.to_owned());
            }
            _ => {}
        }
    }
    ids
}
