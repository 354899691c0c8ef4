//! Stories of what the official suite does not ask, and laws that hold for all patches. For minutes of it:
//! `PROPTEST_CASES=1000000 cargo test -p fhir --lib patch::tests::no_`.

use super::*;
use crate::json as reader;
use proptest::prelude::*;

fn read(text: &str) -> Value {
    reader::parse(text.as_bytes(), &reader::Limits::default()).unwrap()
}

const ANA: &str = r#"{
  "resourceType": "Patient", "id": "ana", "birthDate": "1980-02-29",
  "name": [{"given": ["Ana", null, "María"], "_given": [null, {"extension": [{"url": "http://x", "valueCode": "masked"}]}]}],
  "deceasedBoolean": false,
  "contact": [{"name": {"text": "Luz"}}]
}"#;

/// One operation: its type, path and further parts.
fn operation(of: &str, path: &str, parts: &str) -> Value {
    let comma = if parts.is_empty() { "" } else { "," };
    read(&format!(
        r#"{{"resourceType": "Parameters", "parameter": [{{"name": "operation", "part": [
            {{"name": "type", "valueCode": "{of}"}}, {{"name": "path", "valueString": "{path}"}}{comma}{parts}]}}]}}"#
    ))
}

/// Ana after one operation, as one of her members.
#[track_caller]
fn gives(of: &str, path: &str, parts: &str, members: &[(&str, Option<&str>)]) {
    let patched = fhirpath(&read(ANA), &operation(of, path, parts)).unwrap();
    for (member, wanted) in members {
        let found = patched.path(member).map(Value::to_string);
        assert_eq!(found.as_deref(), *wanted, "{of} {path}: {member}");
    }
}

#[track_caller]
fn fails(of: &str, path: &str, parts: &str, code: IssueCode, said: &str) {
    let issue = fhirpath(&read(ANA), &operation(of, path, parts)).unwrap_err();
    assert_eq!(issue.code, code, "{}", issue.diagnostics);
    assert_eq!(issue.expression, "Parameters.parameter[0]");
    assert!(issue.diagnostics.contains(said), "{}", issue.diagnostics);
}

#[test]
fn a_choice_is_spelled_by_the_type_of_its_value() {
    gives(
        "replace",
        "Patient.deceased",
        r#"{"name": "value", "valueDateTime": "2026-01-01"}"#,
        &[
            ("deceasedBoolean", None),
            ("deceasedDateTime", Some("\"2026-01-01\"")),
        ],
    );
    gives(
        "add",
        "Patient",
        r#"{"name": "name", "valueString": "multipleBirth"}, {"name": "value", "valueInteger": 2}"#,
        &[("multipleBirthInteger", Some("2"))],
    );
    fails(
        "add",
        "Patient",
        r#"{"name": "name", "valueString": "deceased"}, {"name": "value", "valueDateTime": "2026"}"#,
        IssueCode::Conflict,
        "has `deceased` already",
    );
}

#[test]
fn what_stands_beside_a_value_moves_and_goes_with_it() {
    gives(
        "move",
        "Patient.name.given",
        r#"{"name": "source", "valueInteger": 1}, {"name": "destination", "valueInteger": 2}"#,
        &[
            ("name.0.given", Some(r#"["Ana","María",null]"#)),
            ("name.0._given.1", Some("null")),
            ("name.0._given.2.extension.0.valueCode", Some("\"masked\"")),
        ],
    );
    gives(
        "delete",
        "Patient.name.given[1]",
        "",
        &[
            ("name.0.given", Some(r#"["Ana","María"]"#)),
            ("name.0._given", None),
        ],
    );
    gives(
        "delete",
        "Patient.name.given[1].extension",
        "",
        &[
            ("name.0.given", Some(r#"["Ana","María"]"#)),
            ("name.0._given", None),
        ],
    );
    gives(
        "replace",
        "Patient.name.given[1]",
        r#"{"name": "value", "valueString": "Luz"}"#,
        &[
            ("name.0.given", Some(r#"["Ana","Luz","María"]"#)),
            ("name.0._given.1", Some("null")),
        ],
    );
    gives(
        "add",
        "Patient.name.given[2]",
        r#"{"name": "name", "valueString": "extension"}, {"name": "value", "valueExtension": {"url": "http://y", "valueInteger": 1}}"#,
        &[
            ("name.0.given", Some(r#"["Ana",null,"María"]"#)),
            (
                "name.0._given.2",
                Some(r#"{"extension":[{"url":"http://y","valueInteger":1}]}"#),
            ),
        ],
    );
    gives(
        "add",
        "Patient.birthDate",
        r#"{"name": "name", "valueString": "id"}, {"name": "value", "valueString": "b"}"#,
        &[
            ("birthDate", Some("\"1980-02-29\"")),
            ("_birthDate", Some(r#"{"id":"b"}"#)),
        ],
    );
}

#[test]
fn what_a_deletion_leaves_empty_goes_too() {
    gives(
        "delete",
        "Patient.contact.name.text",
        "",
        &[("contact", None)],
    );
    gives(
        "delete",
        "Patient.contact.telecom",
        "",
        &[("contact.0.name.text", Some("\"Luz\""))],
    );
}

#[test]
fn a_patch_that_cannot_be_done_says_why_and_which_operation() {
    let value = r#"{"name": "value", "valueString": "x"}"#;
    let invalid = IssueCode::Invalid;
    fails(
        "replace",
        "Patient.name.",
        value,
        invalid,
        "`path`: a name was expected",
    );
    fails(
        "replace",
        "Patient.gender",
        value,
        IssueCode::Conflict,
        "finds nothing",
    );
    fails(
        "delete",
        "Patient.name.given",
        "",
        IssueCode::Conflict,
        "finds 3 elements",
    );
    fails(
        "replace",
        "Patient.name.count()",
        value,
        invalid,
        "gives a value",
    );
    fails(
        "replace",
        "Patient",
        value,
        invalid,
        "cannot replace the resource",
    );
    fails(
        "delete",
        "Patient",
        "",
        invalid,
        "cannot delete the resource",
    );
    fails("destroy", "Patient", "", invalid, "no type of operation");
    fails(
        "replace",
        "Patient.birthDate",
        "",
        invalid,
        "`value` is missing",
    );
    fails("insert", "Patient.birthDate", value, invalid, "is no list");
    fails(
        "insert",
        "Patient.name.given",
        value,
        invalid,
        "`index` is missing",
    );
    let far = r#"{"name": "value", "valueString": "x"}, {"name": "index", "valueInteger": 4}"#;
    fails(
        "insert",
        "Patient.name.given",
        far,
        invalid,
        "the list has 3 items",
    );
    let wrong = r#"{"name": "name", "valueString": "nam"}, {"name": "value", "valueString": "x"}"#;
    fails(
        "add",
        "Patient",
        wrong,
        invalid,
        "Patient has no element `nam`",
    );
    let slow = "descendants().where(%resource.descendants().where(%resource.descendants().count() > 1).exists())";
    let many = slow.replace(
        "count()",
        "select(%resource.descendants()).select(%resource.descendants()).count()",
    );
    fails("delete", &many, "", invalid, "more than 200000 steps");
}

#[test]
fn another_resource_cannot_come_out_of_a_patch() {
    let ana = read(ANA);
    let other = json(
        &ana,
        &read(r#"[{"op": "replace", "path": "/id", "value": "luz"}]"#),
    )
    .unwrap();
    let issue = kept(&ana, &other).unwrap_err();
    assert_eq!(issue.expression, "Patient.id");
    assert!(kept(&ana, &ana.clone()).is_ok());
}

#[test]
fn json_patches_keep_digits_and_are_bounded() {
    let document = read(r#"{"value": 1.10, "a/b": {"~": [0]}}"#);
    let patched = json(
        &document,
        &read(
            r#"[{"op": "test", "path": "/value", "value": 1.1},
                {"op": "copy", "from": "/value", "path": "/other"},
                {"op": "add", "path": "/a~1b/~0/-", "value": 2.50}]"#,
        ),
    );
    let wanted = r#"{"value":1.10,"a/b":{"~":[0,2.50]},"other":1.10}"#;
    assert_eq!(patched.unwrap().to_string(), wanted);
    let fails = |patch: &str, said: &str| {
        let issue = json(&document, &read(patch)).unwrap_err();
        let told = format!("{} {}", issue.expression, issue.diagnostics);
        assert!(told.contains(said), "{patch}: {told}");
    };
    fails(r#"{"op": "add"}"#, "array of operations");
    fails(
        r#"[{"op": "remove", "path": "/x"}]"#,
        "[0] there is nothing at `/x`",
    );
    fails(r#"[{"op": "remove", "path": "x"}]"#, "must begin with `/`");
    fails(r#"[{"op": "remove", "path": "/~2"}]"#, "followed by 0 or 1");
    fails(r#"[{"op": "remove", "path": ""}]"#, "whole document");
    fails(
        r#"[{"op": "add", "path": "/a~1b/~0/2", "value": 1}]"#,
        "no place in an array of 1 items",
    );
    fails(
        r#"[{"op": "add", "path": "/a~1b/~0/01", "value": 1}]"#,
        "no place in an array",
    );
    fails(
        r#"[{"op": "move", "from": "/a~1b", "path": "/a~1b/x"}]"#,
        "into itself",
    );
    fails(
        r#"[{"op": "test", "path": "/value", "value": "1.1"}]"#,
        "the test failed",
    );
    fails(r#"[{"op": "add", "path": "/x"}]"#, "`value` is missing");
    let doubling = r#"{"op": "copy", "from": "", "path": "/x"}"#;
    fails(&format!("[{}]", [doubling; 64].join(",")), "nested deeper");
    let twice = |at: usize| {
        format!(
            r#"{{"op": "copy", "from": "/a~1b", "path": "/c{at}"}},{{"op": "move", "from": "/c{at}", "path": "/a~1b/c{at}"}}"#
        )
    };
    let many: Vec<String> = (0..40).map(twice).collect();
    fails(&format!("[{}]", many.join(",")), "");
    let too_many = format!("[{}]", vec![doubling; 1_001].join(","));
    fails(&too_many, "the limit is 1000");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "[0-9]{1,3}".prop_map(|d| Value::decimal(d.trim_start_matches('0').to_owned() + "1")),
        "[a-c~/]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let member = ("[a-c~/]{0,2}", inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::Array),
            proptest::collection::vec(member, 0..4).prop_map(|members| {
                let mut object = crate::Object::new();
                members
                    .into_iter()
                    .for_each(|(name, value)| object.set(name, value));
                Value::Object(object)
            }),
        ]
    })
}

fn op() -> impl Strategy<Value = Value> {
    let pointer = "(/([a-c0-2-]|~0|~1)?){0,3}";
    let op = proptest::sample::select(vec!["add", "remove", "replace", "move", "copy", "test"]);
    (op, pointer, pointer, value()).prop_map(|(op, path, from, value)| {
        let mut operation = crate::Object::new();
        operation.set("op", op);
        operation.set("path", path);
        operation.set("from", from);
        operation.set("value", value);
        Value::Object(operation)
    })
}

/// Whether something in it is an empty object or list, or a list of nothing but nulls.
fn has_blanks(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty() || object.iter().any(|(_, v)| has_blanks(v)),
        Value::Array(items) => {
            items.iter().all(|v| *v == Value::Null) || items.iter().any(has_blanks)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn what_is_added_is_found_there_and_goes_again(document in value(), new in value(), name in "[d-f~/]{1,3}") {
        let document = crate::obj! { "a" => document };
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let step = |op: &str| crate::obj! { "op" => op, "path" => pointer.as_str() };
        let mut add = step("add");
        let mut test = step("test");
        for operation in [&mut add, &mut test] {
            operation.set("value", new.clone());
        }
        let there = json(&document, &Value::Array(vec![add, test])).unwrap();
        prop_assert_eq!(there.get(&name), Some(&new));
        if document.get(&name).is_none() {
            prop_assert_eq!(json(&there, &Value::Array(vec![step("remove")])).unwrap(), document);
        }
    }
    #[test]
    fn no_json_patch_panics(document in value(), patch in proptest::collection::vec(op(), 0..6)) {
        if let Ok(patched) = json(&document, &Value::Array(patch)) {
            prop_assert!(size(&patched).1 <= DEEPEST);
        }
    }
    #[test]
    fn no_fhirpath_patch_panics_or_leaves_blanks(
        of in proptest::sample::select(vec!["add", "insert", "delete", "replace", "move"]),
        path in proptest::sample::select(vec![
            "Patient", "Patient.name", "Patient.name.given", "Patient.name.given[1]", "name.given.extension",
            "deceased", "contact.name.text", "descendants()", "name.given[1].extension.value", "children()[2]",
            "birthDate", "contact.where(name.exists())", "name.given.extension.url",
        ]),
        name in proptest::sample::select(vec!["id", "extension", "given", "deceased", "contact", "text", "value"]),
        new in proptest::sample::select(vec![
            r#""valueString": "x""#, r#""valueBoolean": true"#, r#""valueHumanName": {"text": "x"}"#,
            r#""_valueString": {"id": "x"}"#, r#""part": [{"name": "text", "valueString": "x"}]"#, r#""part": []"#,
            r#""valueExtension": {"url": "http://z"}"#,
        ]),
        at in 0u8..4, to in 0u8..4,
    ) {
        let parts = format!(
            r#"{{"name": "name", "valueString": "{name}"}}, {{"name": "value", {new}}}, {{"name": "index", "valueInteger": {at}}},
            {{"name": "source", "valueInteger": {at}}}, {{"name": "destination", "valueInteger": {to}}}"#
        );
        let ana = read(ANA);
        if let Ok(patched) = fhirpath(&ana, &operation(of, path, &parts)) {
            if name != "id" || path != "Patient" {
                prop_assert!(kept(&ana, &patched).is_ok());
            }
            if of == "delete" {
                prop_assert!(!has_blanks(&patched), "{}", patched);
            }
        }
    }
}
