//! Every expression that R4 itself writes, and the official examples: what we read, and what holds.
//! Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod suite;

use fhir::{
    Value,
    fhirpath::{Context, Expression, Item},
    json,
};
use std::collections::BTreeMap;

fn read(text: &[u8]) -> Value {
    json::parse(text, &json::Limits::default()).unwrap()
}

/// An invariant: its key, the type or path it stands on, and what must hold.
struct Invariant {
    key: String,
    on: String,
    expression: Expression,
    /// Whether it is an error to break it, not a warning.
    binds: bool,
}

/// The invariants of the base definitions (profiles left out), each once on each path.
fn invariants() -> Option<Vec<Invariant>> {
    let mut found: BTreeMap<(String, String), (Expression, bool)> = BTreeMap::new();
    suite::each_file(
        "definitions/hl7.fhir.r4.core-4.0.1.tar.zst",
        |name, text| {
            if !name.starts_with("StructureDefinition-") {
                return;
            }
            let definition = read(text);
            if definition.text("derivation") == Some("constraint") {
                return;
            }
            for element in definition
                .path("snapshot")
                .map_or(&[][..], |s| s.list("element"))
            {
                let path = element.text("path").unwrap();
                for constraint in element.list("constraint") {
                    let Some(text) = constraint.text("expression") else {
                        continue;
                    };
                    let key = constraint.text("key").unwrap();
                    let expression =
                        Expression::parse(text).unwrap_or_else(|e| panic!("{key}: {e}"));
                    let binds = constraint.text("severity") == Some("error");
                    found.insert((path.to_owned(), key.to_owned()), (expression, binds));
                }
            }
        },
    )
    .then(|| {
        let made = |((on, key), (expression, binds))| Invariant {
            binds,
            key,
            on,
            expression,
        };
        found.into_iter().map(made).collect()
    })
}

/// Invariants of R4 that name what is not there, by key.
const MISTAKEN: &[(&str, &str)] = &[("cid-0", "ChargeItemDefinition has no name")];

#[test]
fn every_invariant_of_r4_is_read_and_fits_the_definitions() {
    let Some(invariants) = invariants() else {
        return;
    };
    let mut wrong = BTreeMap::new();
    for invariant in &invariants {
        if invariant.on.split('.').count() > 1 {
            continue;
        }
        if let Err(error) = invariant.expression.check(&invariant.on)
            && !error.reason.starts_with("R4 has no type")
        {
            wrong.insert(invariant.key.as_str(), format!("{}: {error}", invariant.on));
        }
    }
    println!("{} invariants on their paths", invariants.len());
    assert!(invariants.len() > 2_000, "{}", invariants.len());
    let new: Vec<_> = wrong
        .iter()
        .filter(|(key, _)| !MISTAKEN.iter().any(|(known, _)| known == *key))
        .collect();
    assert!(new.is_empty(), "{new:#?}");
}

#[test]
fn every_search_parameter_of_r4_is_read() {
    let mut count = 0;
    let there = suite::each_file(
        "definitions/hl7.fhir.r4.core-4.0.1.tar.zst",
        |name, text| {
            if name.starts_with("SearchParameter-")
                && let Some(text) = read(text).text("expression")
            {
                count += 1;
                Expression::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            }
        },
    );
    assert!(!there || count > 1_300, "{count}");
}

/// Examples whose narrative is not of the kind allowed, and why.
const NARRATIVES: &[(&str, &str)] = &[
    ("ActivityDefinition-blood-tubes-supply", "an empty div"),
    ("ActivityDefinition-heart-valve-replacement", "an empty div"),
    ("EventDefinition-example", "an empty div"),
    (
        "Questionnaire-zika-virus-exposure-assessment",
        "an empty pre in a div",
    ),
];

/// Invariants of whole resources that official examples break: key, and how many examples. The four are logical models
/// (Definition, Event, FiveWs, Request) without the base that sdf-4 wants.
const BROKEN: &[(&str, usize)] = &[("sdf-4", 4)];

#[test]
fn the_invariants_of_whole_resources_hold_in_the_official_examples() {
    let Some(invariants) = invariants() else {
        return;
    };
    let mut on: BTreeMap<&str, Vec<&Invariant>> = BTreeMap::new();
    for invariant in invariants.iter().filter(|i| i.binds) {
        on.entry(&invariant.on).or_default().push(invariant);
    }
    let mut broken: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let (mut examples, mut asked) = (0, 0);
    let mut narratives: Vec<String> = Vec::new();
    let narrative = Expression::parse("text.all(div.htmlChecks())").unwrap();
    suite::each_file(
        "definitions/hl7.fhir.r4.examples-4.0.1.tar.zst",
        |name, text| {
            let Some(name) = name.strip_suffix(".json").filter(|n| *n != "package") else {
                return;
            };
            let resource = read(text);
            let Some(invariants) = resource.text("resourceType").and_then(|of| on.get(of)) else {
                return;
            };
            examples += 1;
            let context = Context::new(&resource);
            if narrative.holds(Item::resource(&resource), &context) != Ok(true) {
                narratives.push(name.to_owned());
            }
            for invariant in invariants {
                asked += 1;
                let held = invariant
                    .expression
                    .holds(Item::resource(&resource), &context);
                match held {
                    Ok(true) => {}
                    Ok(false) => broken
                        .entry(&invariant.key)
                        .or_default()
                        .push(name.to_owned()),
                    Err(error) => panic!("{name}, {}: {error}", invariant.key),
                }
            }
        },
    );
    let known: Vec<_> = NARRATIVES.iter().map(|(name, _)| *name).collect();
    assert_eq!(narratives, known);
    println!("{asked} questions to {examples} examples");
    let counts: Vec<(&str, usize)> = broken.iter().map(|(k, names)| (*k, names.len())).collect();
    assert_eq!(counts, BROKEN, "{broken:#?}");
}
