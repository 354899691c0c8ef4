//! The FHIRPath tests of `fhir-test-cases` (R4): each passes or stands below with its reason.
//! Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod suite;
mod xml;

use fhir::{
    Value,
    fhirpath::{Context, Expression, Item},
    json,
};
use std::collections::HashMap;

/// Tests that fail, and why: by name, as the suite spells it.
const FAILS: &[(&str, &str)] = &[
    // A tenth of a second is added to a time that shows milliseconds; the suite leaves it out, but N1 drops fractions of
    // durations above seconds only.
    ("testPlusDate19", "00:00:00.000 and 0.1 's' is 00:00:00.100"),
    // The greatest that 0.0034 may be is 0.00345, and no boundary of one place below 0.1 is above that; the suite rounds
    // it to 0.0, inside of what is bounded.
    (
        "LowBoundaryDecimal15",
        "-0.00345 lies above -0.1, not above -0.0",
    ),
    (
        "HighBoundaryDecimal15",
        "0.00345 lies below 0.1, not below 0.0",
    ),
    (
        "HighBoundaryDecimal16",
        "the sign is worked out after the boundary: -(0.1)",
    ),
    // The last millisecond of hour 08 is 08:59:59.999; the suite reads the hour as 08:00.
    (
        "HighBoundaryDateTimeMillisecond1",
        "@2014-01-01T08 lasts until 08:59:59.999",
    ),
    (
        "HighBoundaryDateTimeMillisecond3",
        "@2014-01-01T08 lasts until 08:59:59.999",
    ),
];

fn resource(name: &str, text: &str) -> Value {
    match name.ends_with(".xml") {
        true => xml::resource(&xml::read(text)),
        false => json::parse(text.as_bytes(), &json::Limits::default()).unwrap(),
    }
}

/// What a test wants and what came, when they differ.
fn run(test: &xml::Element, input: &Value) -> Result<(), String> {
    let expression = test.child("expression").unwrap();
    let invalid = expression.attribute("invalid");
    let now = "2026-01-15T10:20:30.5Z".parse().unwrap();
    let context = Context::new(input).now(now);
    let parsed = Expression::parse(&expression.text);
    let found = match &parsed {
        Ok(parsed) => {
            // What is wrong by its meaning is told from the definitions, without the resource.
            let strict = test.attribute("mode") == Some("strict") || invalid == Some("semantic");
            let of = input.text("resourceType").unwrap();
            let checked = if strict { parsed.check(of) } else { Ok(()) };
            checked.and_then(|()| parsed.evaluate(Item::resource(input), &context))
        }
        Err(error) => Err(error.clone()),
    };
    let found = match (found, invalid) {
        (Err(_), Some(_)) => return Ok(()),
        (Err(error), None) => return Err(format!("error: {error}")),
        (Ok(found), Some(kind)) => return Err(format!("must fail ({kind}), gives {found:?}")),
        (Ok(found), None) => found,
    };
    let outputs: Vec<&xml::Element> = test
        .children
        .iter()
        .filter(|c| c.name == "output")
        .collect();
    if test.attribute("predicate") == Some("true") {
        let truth = match found.as_slice() {
            [one] => one.as_bool().unwrap_or(true),
            found => !found.is_empty(),
        };
        let wanted = outputs[0].text == "true";
        return match truth == wanted {
            true => Ok(()),
            false => Err(format!("wanted {wanted}")),
        };
    }
    let mut given: Vec<String> = found.iter().map(shown).collect();
    let mut wanted: Vec<String> = outputs.iter().map(|o| expected(&o.text)).collect();
    if test.attribute("ordered") == Some("false") {
        given.sort();
        wanted.sort();
    }
    if given != wanted {
        return Err(format!("wanted {wanted:?}, found {given:?}"));
    }
    for (item, output) in found.iter().zip(outputs) {
        let (_, of) = item.type_name();
        match output.attribute("type") {
            Some(wanted) if !wanted.eq_ignore_ascii_case(of) => {
                return Err(format!("wanted a {wanted}, found a {of}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn shown(item: &Item<'_>) -> String {
    item.text()
        .map_or_else(|| format!("{item:?}"), |t| t.into_owned())
}

/// The suite writes dates and times as literals.
fn expected(text: &str) -> String {
    let bare = text.strip_prefix('@').unwrap_or(text);
    bare.strip_prefix('T')
        .filter(|_| text.starts_with('@'))
        .unwrap_or(bare)
        .to_owned()
}

#[test]
fn every_test_passes_or_its_failure_is_explained() {
    let Some(files) = suite::files("r4/") else {
        return;
    };
    let tests = xml::read(&files["fhirpath/tests-fhir-r4.xml"]);
    let mut inputs: HashMap<String, Value> = HashMap::new();
    let (mut count, mut failed) = (0, Vec::new());
    for test in tests.children.iter().flat_map(|group| &group.children) {
        if test.name != "test" {
            continue;
        }
        count += 1;
        let name = test.attribute("name").unwrap();
        let file = test.attribute("inputfile").unwrap_or("patient-example.xml");
        let input = inputs.entry(file.to_owned()).or_insert_with(|| {
            resource(
                file,
                files
                    .get(file)
                    .unwrap_or_else(|| &files[&format!("examples/{file}")]),
            )
        });
        if let Err(why) = run(test, input) {
            failed.push((name.to_owned(), why));
        }
    }
    suite::judged(count, &failed, FAILS);
    assert_eq!(count, 935);
}
