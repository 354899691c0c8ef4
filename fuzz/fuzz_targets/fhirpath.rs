//! FHIRPath: any text is parsed or refused, and evaluated within limits.
#![no_main]

use fhir::Value;
use fhir::fhirpath::{Context, Expression, Item};
use fhir::json;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static PATIENT: LazyLock<Value> = LazyLock::new(|| {
    let text = br##"{"resourceType":"Patient","id":"1","active":true,"name":[{"family":"L\u00f3pez","given":["Ana","Mar\u00eda"]},{"text":"Ana"}],"birthDate":"1980-02-29","multipleBirthInteger":2,"contact":[{"name":{"family":"P\u00e9rez"},"telecom":[{"system":"phone","value":"55"}]}],"managingOrganization":{"reference":"#o"},"contained":[{"resourceType":"Organization","id":"o","name":"Casa"}]}"##;
    json::parse(text, &json::Limits::default()).expect("it is JSON")
});

fuzz_target!(|input: &str| {
    if let Ok(expression) = Expression::parse(input) {
        let context = Context::new(&PATIENT);
        let _ = expression.evaluate(Item::resource(&PATIENT), &context);
        let _ = expression.holds(Item::resource(&PATIENT), &context);
    }
});
