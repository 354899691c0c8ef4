//! Public data against the check: the official examples, and what a generator and a hospital's system really write.
//! Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use fhir::{Issue, Value, check, json};
use std::{collections::BTreeMap, fs::File, io::Read, path::PathBuf};

/// Opens an archive of the shared folder and gives each file, by name, to `each`. False when it is not there.
fn each_file(archive: &str, mut each: impl FnMut(&str, &[u8])) -> bool {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data").join(archive);
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return false;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        each(&name, &text);
    }
    true
}

fn read(text: &[u8]) -> Value {
    json::parse(text, &json::Limits::default()).unwrap()
}

fn told(issues: &[Issue]) -> String {
    let told: Vec<String> = issues
        .iter()
        .map(|i| format!("{}: {}", i.expression, i.diagnostics))
        .collect();
    told.join("; ")
}

/// Examples that break R4, and how.
const BROKEN: &[(&str, &str)] = &[
    // References to a type that the element does not allow.
    ("DeviceMetric-example", "DeviceMetric.parent.reference"),
    (
        "DeviceUseStatement-example",
        "DeviceUseStatement.reasonReference[0].reference",
    ),
    (
        "MedicationRequest-medrx0301",
        "MedicationRequest.dispenseRequest.performer.reference",
    ),
    (
        "Observation-clinical-gender",
        "Observation.performer[0].reference",
    ),
    // Items without the linkId that answers refer to.
    ("Questionnaire-qs1", "Questionnaire.item"),
    // No name; one entry of the manifest has an id of more than 64 characters.
    ("ImplementationGuide-fhir", "ImplementationGuide"),
    ("ig-r4", "ImplementationGuide"),
    // No base: the type that the parameter searches.
    (
        "SearchParameter-codesystem-extensions-CodeSystem-author",
        "SearchParameter",
    ),
    (
        "SearchParameter-codesystem-extensions-CodeSystem-effective",
        "SearchParameter",
    ),
    (
        "SearchParameter-codesystem-extensions-CodeSystem-end",
        "SearchParameter",
    ),
    (
        "SearchParameter-codesystem-extensions-CodeSystem-keyword",
        "SearchParameter",
    ),
    (
        "SearchParameter-codesystem-extensions-CodeSystem-workflow",
        "SearchParameter",
    ),
    (
        "SearchParameter-valueset-extensions-ValueSet-author",
        "SearchParameter",
    ),
    (
        "SearchParameter-valueset-extensions-ValueSet-effective",
        "SearchParameter",
    ),
    (
        "SearchParameter-valueset-extensions-ValueSet-end",
        "SearchParameter",
    ),
    (
        "SearchParameter-valueset-extensions-ValueSet-keyword",
        "SearchParameter",
    ),
    (
        "SearchParameter-valueset-extensions-ValueSet-workflow",
        "SearchParameter",
    ),
    // An id of more than 64 characters.
    (
        "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject",
        "SearchParameter.id",
    ),
];

#[test]
fn the_official_examples_pass_but_for_those_that_break_r4() {
    let mut count = 0;
    let mut refused = BTreeMap::new();
    let archive = "definitions/hl7.fhir.r4.examples-4.0.1.tar.zst";
    let there = each_file(archive, |name, text| {
        let Some(name) = name.strip_suffix(".json").filter(|n| *n != "package") else {
            return;
        };
        count += 1;
        if let Err(issues) = check(&read(text)) {
            refused.insert(name.to_owned(), issues);
        }
    });
    if !there {
        return;
    }
    assert_eq!(count, 5298);
    for (name, issues) in &refused {
        let known = BROKEN.iter().find(|(broken, _)| broken == name);
        let known =
            known.is_some_and(|(_, place)| issues.iter().all(|i| i.expression.starts_with(place)));
        assert!(known, "{name}: {}", told(issues));
    }
    // 99.66 %
    assert_eq!(refused.len(), BROKEN.len());
}

/// Checks every n-th transaction of the generator; gives resources and refused ones.
fn synthea(nth: usize) -> Option<usize> {
    let (mut files, mut count) = (0, 0);
    let archive = "patients/synthea-r4-615.bundles.tar.zst";
    each_file(archive, |name, text| {
        files += 1;
        if files % nth != 0 || !name.ends_with(".json") {
            return;
        }
        let bundle = read(text);
        if let Err(issues) = check(&bundle) {
            panic!("{name}: {}", told(&issues));
        }
        for (i, entry) in bundle.list("entry").iter().enumerate() {
            count += 1;
            if let Err(issues) = check(entry.get("resource").unwrap()) {
                panic!("{name}: entry {i}: {}", told(&issues));
            }
        }
    })
    .then_some(count)
}

/// Checks every n-th line of the hospital system's export.
fn openmrs(nth: usize) -> Option<usize> {
    let mut count = 0;
    let archive = "patients/openmrs-r4-1000.ndjson.tar.zst";
    each_file(archive, |name, text| {
        let lines = text.split(|&b| b == b'\n').filter(|l| !l.is_empty());
        for (i, line) in lines.enumerate().step_by(nth) {
            count += 1;
            if let Err(issues) = check(&read(line)) {
                panic!("{name}, line {}: {}", i + 1, told(&issues));
            }
        }
    })
    .then_some(count)
}

#[test]
fn every_twentieth_synthea_life_passes() {
    if let Some(count) = synthea(20) {
        assert_eq!(count, 10_166);
    }
}

#[test]
fn every_twentieth_line_of_openmrs_passes() {
    if let Some(count) = openmrs(20) {
        assert_eq!(count, 12_988);
    }
}

#[test]
#[ignore = "all of it: a minute in a debug build"]
fn all_of_synthea_and_openmrs_pass() {
    if let Some(count) = synthea(1) {
        assert_eq!(count, 191_093);
    }
    if let Some(count) = openmrs(1) {
        assert_eq!(count, 259_729);
    }
}
