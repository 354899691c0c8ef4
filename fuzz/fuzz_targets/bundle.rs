//! Bundles: structure, validation, index entries, references.
#![no_main]

use fhir::search::{self, Catalog};
use fhir::validate::{Options, Validator};
use fhir::{ResourceType, json};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::r4);

fuzz_target!(|input: &[u8]| {
    let Ok(value) = json::parse(input, &json::Limits::default()) else {
        return;
    };
    let right = fhir::check(&value).is_ok();
    let _ = VALIDATOR.validate(&value, &[], Options::default());
    let entries = value.list("entry").iter().filter_map(|entry| entry.get("resource"));
    for resource in entries.chain([&value]) {
        let of = resource.text("resourceType").and_then(ResourceType::from_name);
        if let Some(of) = of {
            // Also of what is wrong: extraction must not depend on the check before it.
            let _ = Catalog::r4().extract(of, resource);
            let _ = search::references(resource);
            let _ = search::patients(of, resource);
        }
    }
    if right {
        let written = value.to_bytes();
        assert!(json::parse(&written, &json::Limits::default()).is_ok_and(|again| again == value));
    }
});
