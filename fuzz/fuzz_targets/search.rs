//! Search strings: `Type?name=value&name=value`, strict and lenient, and what they mean for a resource.
#![no_main]

use fhir::query::{self, Condition, Handling};
use fhir::search::{Catalog, Entry};
use fhir::{ResourceType, json};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let text = br#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2345-7","display":"Glucosa"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2024-02-29T23:59:59.5-06:00","valueQuantity":{"value":98.50,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}"#;
    let value = json::parse(text, &json::Limits::default()).expect("it is JSON");
    Catalog::r4().extract(ResourceType::from_name("Observation").expect("it is a type"), &value)
});

fn ask(condition: &Condition) {
    match condition {
        Condition::Is(clause) => {
            let _ = query::matches(clause, &ENTRIES);
        }
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(ask),
        Condition::Not(one) => ask(one),
        _ => {}
    }
}

fuzz_target!(|input: &str| {
    let (of, rest) = input.split_once('?').unwrap_or(("Observation", input));
    let Some(of) = ResourceType::from_name(of) else {
        return;
    };
    let pairs: Vec<(String, String)> = rest
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for handling in [Handling::Strict, Handling::Lenient] {
        if let Ok(query) = query::parse(&Catalog::r4(), of, &pairs, handling) {
            query.conditions.iter().for_each(ask);
            // What is understood is told again in the self link, and understood the same.
            let again = query::parse(&Catalog::r4(), of, &query.told, Handling::Strict)
                .expect("the self link is a search");
            assert_eq!(format!("{:?}", query.conditions), format!("{:?}", again.conditions));
        }
    }
});
