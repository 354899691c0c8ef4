//! Public data against the validator: the official examples, and the examples of published guides against their own
//! profiles. Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes
//! without it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use fhir::{Issue, Validator, Value, json, validate::Options};
use std::{collections::BTreeSet, fs::File, io::Read, path::PathBuf};

/// Each JSON resource of an archive of the shared folder, by name, until there are enough. False when it is not there.
fn each_until(archive: &str, mut enough: impl FnMut(&str, Value) -> bool) -> bool {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data").join(archive);
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return false;
    };
    let text: Box<dyn Read> = match archive.ends_with("gz") {
        true => Box::new(flate2::read::GzDecoder::new(file)),
        false => Box::new(zstd::Decoder::new(file).unwrap()),
    };
    let mut archive = tar::Archive::new(text);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = name.strip_suffix(".json").filter(|n| !n.starts_with('.')) else {
            continue;
        };
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let value = json::parse(text, &json::Limits::default()).unwrap();
        if value.get("resourceType").is_some() && enough(name, value) {
            break;
        }
    }
    true
}

fn each(archive: &str, mut each: impl FnMut(&str, Value)) -> bool {
    each_until(archive, |name, value| {
        each(name, value);
        false
    })
}

fn is_definition(value: &Value) -> bool {
    let of = value.text("resourceType").unwrap_or_default();
    matches!(of, "StructureDefinition" | "ValueSet" | "CodeSystem")
}

fn errors(issues: &[Issue]) -> String {
    let errors = issues.iter().filter(|i| i.is_error());
    let told: Vec<String> = errors
        .map(|i| format!("{}: {}", i.expression, i.diagnostics))
        .collect();
    told.join("\n  ")
}

/// Official examples that break R4: by name, with a reason.
fn broken() -> BTreeSet<&'static str> {
    let lines = include_str!("validate_examples.tsv").lines();
    let rows = lines.filter(|l| !l.starts_with('#'));
    rows.filter_map(|l| l.split('\t').next()).collect()
}

#[test]
fn the_official_examples_are_valid_but_for_those_that_break_r4() {
    let broken = broken();
    let validator = Validator::r4();
    let (mut count, mut refused, mut told) = (0, BTreeSet::new(), String::new());
    let there = each(
        "definitions/hl7.fhir.r4.examples-4.0.1.tar.zst",
        |name, value| {
            count += 1;
            let issues = validator.validate(&value, &[], Options::default());
            if issues.iter().any(Issue::is_error) {
                refused.insert(name.to_owned());
                if !broken.contains(name) {
                    told.push_str(&format!("{name}\n  {}\n", errors(&issues)));
                }
            }
        },
    );
    if !there {
        return;
    }
    assert_eq!(count, 5298);
    assert!(told.is_empty(), "{told}");
    let refused: BTreeSet<&str> = refused.iter().map(String::as_str).collect();
    assert_eq!(
        refused, broken,
        "what is listed is refused, and nothing else"
    );
}

/// Loads a guide's definitions and validates its examples; gives how many of which kind were validated.
fn guide(archive: &str, known: &[&str]) -> Option<usize> {
    let mut all = Vec::new();
    if !each(archive, |name, value| all.push((name.to_owned(), value))) {
        return None;
    }
    let definitions = all.iter().map(|(_, v)| v).filter(|v| is_definition(v));
    let validator = Validator::r4().with_all(definitions).unwrap();
    let mut told = String::new();
    let examples = all
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    let mut count = 0;
    for (name, value) in examples {
        count += 1;
        let issues = validator.validate(value, &[], Options::default());
        if issues.iter().any(Issue::is_error) {
            told.push_str(&format!("{name}\n  {}\n", errors(&issues)));
        }
    }
    assert!(told.is_empty(), "{told}");
    Some(count)
}

#[test]
fn audit_events_of_balp_follow_their_profiles() {
    // The guide's own description has parameters of a publisher that R4 does not list.
    let known = ["ImplementationGuide-ihe.iti.balp"];
    if let Some(count) = guide("suites/ihe-balp-1.1.5-compiled@09fe729.tar.zst", &known) {
        assert_eq!(count, 95);
    }
}

#[test]
fn an_audit_event_that_breaks_balp_is_refused() {
    let mut definitions = Vec::new();
    let mut read = None;
    each(
        "suites/ihe-balp-1.1.5-compiled@09fe729.tar.zst",
        |name, value| {
            if name == "AuditEvent-ex-auditBasicReadServer" {
                read = Some(value);
            } else if is_definition(&value) {
                definitions.push(value);
            }
        },
    );
    let Some(mut event) = read else { return };
    let validator = Validator::r4().with_all(&definitions).unwrap();
    // Without the agent that is the server.
    if let Some(Value::Array(agents)) = event.as_object_mut().unwrap().get_mut("agent") {
        agents.truncate(1);
    }
    event.set("action", "C");
    let issues = validator.validate(&event, &[], Options::default());
    let told = errors(&issues);
    assert!(
        told.contains("AuditEvent.action: found \"C\"; expected at least \"R\""),
        "{told}"
    );
    assert!(told.contains("AuditEvent: AuditEvent must have"), "{told}");
}

#[test]
fn the_examples_of_the_patient_summary_follow_their_profiles() {
    // The publisher's own report, with empty outcomes.
    let known = ["validation-oo"];
    if let Some(count) = guide("definitions/hl7.fhir.uv.ips-1.1.0.tgz", &known) {
        assert_eq!(count, 145);
    }
}

#[test]
fn a_synthea_life_against_us_core() {
    let mut definitions = Vec::new();
    let us_core = "definitions/hl7.fhir.us.core-3.1.0.tar.zst";
    if !each(us_core, |_, value| {
        definitions.extend(is_definition(&value).then_some(value))
    }) {
        return;
    }
    let validator = Validator::r4().with_all(&definitions).unwrap();
    let of = |kind: &str| {
        format!(
            "http://hl7.org/fhir/us/core/StructureDefinition/us-core-{}",
            kind.to_lowercase()
        )
    };
    let mut seen = BTreeSet::new();
    each_until("patients/synthea-r4-615.bundles.tar.zst", |name, value| {
        for resource in value.list("entry").iter().filter_map(|e| e.get("resource")) {
            let kind = resource.text("resourceType").unwrap();
            let missing = match kind {
                "Patient" | "Encounter" | "Procedure" | "Immunization" | "MedicationRequest" => {
                    None
                }
                // The generator of that time wrote none.
                "Condition" => Some("Condition must have `category`"),
                "CarePlan" => Some("of the slice `AssessPlan`"),
                _ => continue,
            };
            seen.insert(kind.to_owned());
            let issues = validator.validate(resource, &[&of(kind)], Options::default());
            let errors: Vec<&Issue> = issues.iter().filter(|i| i.is_error()).collect();
            match missing {
                None => assert!(errors.is_empty(), "{name}: {errors:?}"),
                Some(said) => {
                    assert_eq!(errors.len(), 1, "{name}: {errors:?}");
                    assert!(errors[0].diagnostics.contains(said), "{errors:?}");
                }
            }
        }
        seen.len() >= 6
    });
    assert!(seen.len() >= 6, "{seen:?}");
}
