//! JSON Patch and FHIRPath Patch on a patient.
#![no_main]

use fhir::{Value, json, patch};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static PATIENT: LazyLock<Value> = LazyLock::new(|| {
    let text = br#"{"resourceType":"Patient","id":"1","name":[{"family":"L","given":["A","B"]}],"birthDate":"1980-02-29","_birthDate":{"extension":[{"url":"u","valueString":"x"}]},"contact":[{"name":{"family":"P"}}]}"#;
    json::parse(text, &json::Limits::default()).expect("it is JSON")
});

fuzz_target!(|input: &[u8]| {
    let limits = json::Limits::default();
    if let Ok(value) = json::parse(input, &limits) {
        for patched in [patch::json(&PATIENT, &value), patch::fhirpath(&PATIENT, &value)].into_iter().flatten() {
            let written = patched.to_bytes();
            assert!(json::parse(&written, &limits).is_ok(), "what a patch makes is JSON");
        }
    }
});
