//! The patch tests of `fhir-test-cases` (R4): each passes or stands below with its reason.
//! Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.
//!
//! `xml-patch-tests.xml` is out of scope: its 33 cases patch XML documents that are no resources (comments, processing
//! instructions, namespace prefixes, text between elements, attributes of a `<doc>`), by XPath; none of that exists in
//! the JSON that we take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod suite;
mod xml;

use fhir::{Value, json, patch};

/// Tests that fail, and why: by name, as the suite spells it.
const FAILS: &[(&str, &str)] = &[];

/// White space in narratives means nothing.
fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("<div") => {
            let text: String = text.split_whitespace().collect();
            Value::from(text.replace("&quot;", "\""))
        }
        Value::Array(items) => Value::Array(items.iter().map(folded).collect()),
        Value::Object(object) => {
            let mut out = fhir::Object::new();
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (name, value) in members {
                out.set(name, folded(value));
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

fn compared(patched: Result<Value, fhir::Issue>, wanted: Option<&Value>) -> Result<(), String> {
    match (patched, wanted) {
        (Err(_), None) => Ok(()),
        (Err(issue), Some(_)) => Err(format!("{}: {}", issue.expression, issue.diagnostics)),
        (Ok(patched), None) => Err(format!("must fail, gives {patched}")),
        (Ok(patched), Some(wanted)) => match folded(&patched) == folded(wanted) {
            true => Ok(()),
            false => Err(format!("wanted {wanted}, found {patched}")),
        },
    }
}

#[test]
fn every_fhirpath_patch_passes_or_its_failure_is_explained() {
    let Some(files) = suite::files("r4/patch/") else {
        return;
    };
    let tests = xml::read(&files["fhir-patch-tests.xml"]);
    let mut failed = Vec::new();
    let cases: Vec<_> = tests.children.iter().filter(|c| c.name == "case").collect();
    for case in &cases {
        let part = |name: &str| Some(xml::resource(case.child(name)?.children.first()?));
        let patched = patch::fhirpath(&part("input").unwrap(), &part("diff").unwrap());
        if let Err(why) = compared(patched, part("output").as_ref()) {
            failed.push((case.attribute("name").unwrap().to_owned(), why));
        }
    }
    suite::judged(cases.len(), &failed, FAILS);
    assert_eq!(cases.len(), 33);
}

#[test]
fn every_json_patch_passes() {
    let Some(files) = suite::files("r4/patch/") else {
        return;
    };
    let text = files["json-patch-tests.json"].as_bytes();
    let tests = json::parse(text, &json::Limits::default()).unwrap();
    let mut failed = Vec::new();
    for test in tests.items() {
        let patched = patch::json(test.get("doc").unwrap(), test.get("patch").unwrap());
        if let Err(why) = compared(patched, test.get("expected")) {
            failed.push((test.text("comment").unwrap().to_owned(), why));
        }
    }
    suite::judged(tests.items().len(), &failed, &[]);
    assert!(tests.items().len() >= 16, "{}", tests.items().len());
}
