//! Stories of the check: a snippet in, the issues out.

use crate::{Value, check as check_value, json};
use proptest::prelude::*;

fn read(text: &str) -> Value {
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
}

/// Checks a snippet against the issues expected, each as `place: beginning or part of what is said`.
#[track_caller]
fn check(snippet: &str, expected: &[&str]) {
    let found: Vec<String> = match check_value(&read(snippet)) {
        Ok(_) => Vec::new(),
        Err(issues) => issues
            .iter()
            .map(|i| format!("{}: [{}] {}", i.expression, i.code.code(), i.diagnostics))
            .collect(),
    };
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let (place, said) = expected.split_once(": ").unwrap();
            found.starts_with(&format!("{place}: ")) && found.contains(said)
        });
    assert!(fits, "{snippet}\nexpected {expected:#?}\nfound {found:#?}");
}

/// A primitive of an element, in several values.
#[track_caller]
fn forms(of: &str, good: &[&str], bad: &[&str]) {
    let mut name = String::from("value");
    name.push_str(&of[..1].to_ascii_uppercase());
    name.push_str(&of[1..]);
    let snippet = |value: &str| {
        format!(
            r#"{{"resourceType":"Basic","code":{{"text":"x"}},"extension":[{{"url":"u","{name}":{value}}}]}}"#
        )
    };
    for value in good {
        check(&snippet(value), &[]);
    }
    for value in bad {
        check(
            &snippet(value),
            &[&format!("Basic.extension[0].{name}: expected")],
        );
    }
}

const PATIENT: &str = r##"{"resourceType":"Patient","id":"p-1","meta":{"versionId":"1","lastUpdated":"2024-02-29T23:59:60.123-06:00"},
    "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">María</div>"},
    "contained":[{"resourceType":"Organization","id":"org","name":"Clínica"}],
    "identifier":[{"system":"urn:oid:2.16.840.1.113883.4.629","value":"HEGM560427MVZRRL04"}],
    "active":true,"name":[{"family":"Hernández","given":["María",null],"_given":[null,{"extension":[{"url":"http://x/y","valueCode":"NI"}]}]}],
    "gender":"female","birthDate":"1956-04","_birthDate":{"id":"b"},"deceasedBoolean":false,
    "address":[{"line":["Av. 1"],"_line":[{"extension":[{"url":"http://x/ADXP","valueString":"1"}]}]}],
    "multipleBirthInteger":2,"managingOrganization":{"reference":"#org"},
    "generalPractitioner":[{"reference":"Practitioner/7/_history/2"},{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference":"https://nodo.example/fhir/Organization/1"},{"reference":"Practitioner?identifier=cedula|123"},{"display":"Dra. Ruiz"}]}"##;

const OBSERVATION: &str = r#"{"resourceType":"Observation","status":"final",
    "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],
    "code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"subject":{"reference":"Patient/p-1"},
    "effectiveDateTime":"2024-01-31T08:00:00Z",
    "component":[{"code":{"text":"systolic"},"valueQuantity":{"value":120.50,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"},
        "referenceRange":[{"high":{"value":130}}]}]}"#;

#[test]
fn whole_resources_pass() {
    check(PATIENT, &[]);
    check(OBSERVATION, &[]);
    check(
        &format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{PATIENT}}},{{"resource":{OBSERVATION}}}]}}"#
        ),
        &[],
    );
    assert_eq!(check_value(&read(PATIENT)).unwrap().name(), "Patient");
}

#[test]
fn a_resource_must_say_a_type_that_r4_has() {
    check("[]", &[": found an array; expected a resource"]);
    check("{}", &[": resourceType is missing"]);
    check(r#"{"resourceType":7}"#, &[": resourceType is the number 7"]);
    check(
        r#"{"resourceType":"Pacient"}"#,
        &[": R4 has no resource type \"Pacient\"; did you mean \"Patient\"?"],
    );
    check(
        r#"{"resourceType":"DomainResource"}"#,
        &[": R4 has no resource type"],
    );
    check(
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"id":"1"}}]}"#,
        &["Bundle.entry[0].resource: resourceType is missing"],
    );
}

#[test]
fn unknown_elements_are_named_with_what_was_meant() {
    check(
        r#"{"resourceType":"Patient","birthdate":"1956-04-27","fhir_comments":["x"]}"#,
        &[
            "Patient.birthdate: did you mean `birthDate`?",
            "Patient.fhir_comments: Patient has no element \"fhir_comments\"; it has link,",
        ],
    );
    check(
        r#"{"resourceType":"Patient","name":[{"resourceType":"HumanName"}]}"#,
        &["Patient.name[0].resourceType: HumanName has no element"],
    );
    check(
        r#"{"resourceType":"Patient","_name":[{"id":"1"}]}"#,
        &["Patient._name: only primitive values"],
    );
}

#[test]
fn required_elements_are_missed() {
    check(
        r#"{"resourceType":"Observation","component":[{"valueString":"x"}]}"#,
        &[
            "Observation.component[0]: [required] Observation.component must have `code`",
            "Observation: [required] Observation must have `status`",
            "Observation: [required] Observation must have `code`",
        ],
    );
    // What is only explained by an extension is there.
    check(
        r#"{"resourceType":"Observation","_status":{"extension":[{"url":"http://x","valueCode":"unknown"}]},"code":{"text":"x"}}"#,
        &[],
    );
}

#[test]
fn arrays_stand_where_elements_repeat_and_only_there() {
    check(
        r#"{"resourceType":"Patient","name":{"family":"X"},"gender":["male"],"active":"true","contact":[["x"]],"photo":[null]}"#,
        &[
            "Patient.name: [structure] found an object; expected an array",
            "Patient.gender: [structure] found an array; expected a code",
            "Patient.active: [structure] found \"true\"; expected true or false",
            "Patient.contact[0]: [structure] found an array; expected an object (Patient.contact)",
            "Patient.photo[0]: [structure] found null",
        ],
    );
}

#[test]
fn nothing_empty_is_taken() {
    check(
        r#"{"resourceType":"Patient","name":[],"maritalStatus":{},"birthDate":null,"_birthDate":{},"address":[{"city":""}]}"#,
        &[
            "Patient.name: found an empty array",
            "Patient.maritalStatus: found an empty object",
            "Patient.birthDate: found null",
            "Patient._birthDate: found an empty object",
            "Patient.address[0].city: found \"\"; expected text",
        ],
    );
}

#[test]
fn nulls_stand_only_beside_something() {
    check(
        r#"{"resourceType":"Patient","name":[{"given":["A",null],"_given":[null,null]}]}"#,
        &[
            "Patient.name[0].given[1]: nothing in `_given[1]`",
            "Patient.name[0]._given[1]: nothing in `given[1]`",
        ],
    );
    check(
        r#"{"resourceType":"Patient","name":[{"given":["A","B"],"_given":[{"id":"1"}],"_family":"x"}]}"#,
        &["Patient.name[0]._family: found \"x\"; expected an object (Element)"],
    );
    check(
        r#"{"resourceType":"Patient","_birthDate":{"value":"1956"}}"#,
        &["Patient._birthDate.value: Element has no element"],
    );
}

#[test]
fn one_choice_is_made() {
    check(
        r#"{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020","deceasedString":"yes"}"#,
        &[
            "Patient.deceasedDateTime: `deceasedDateTime` stands beside `deceasedBoolean`",
            "Patient.deceasedString: deceased[x] can be deceasedBoolean, deceasedDateTime",
        ],
    );
    check(
        r#"{"resourceType":"Patient","_deceasedDateTime":{"id":"1"},"deceasedDateTime":"2020"}"#,
        &[],
    );
    check(
        r#"{"resourceType":"MedicationStatement","status":"active","subject":{"reference":"Patient/1"}}"#,
        &["MedicationStatement: must have `medication[x]`"],
    );
}

#[test]
fn extensions_say_one_thing() {
    let with =
        |extension: &str| format!(r#"{{"resourceType":"Patient","extension":[{extension}]}}"#);
    check(
        &with(r#"{"url":"u","extension":[{"url":"v","valueBoolean":true}]}"#),
        &[],
    );
    check(
        &with(r#"{"url":"u"}"#),
        &["Patient.extension[0]: found neither"],
    );
    check(
        &with(r#"{"valueString":"x"}"#),
        &["Patient.extension[0]: Extension must have `url`"],
    );
    check(
        &with(r#"{"url":"u","valueString":"x","extension":[{"url":"v","valueCode":"c"}]}"#),
        &["Patient.extension[0]: found both"],
    );
    check(
        &with(r#"{"url":"u","valueText":"x"}"#),
        &[
            "Patient.extension[0].valueText: value[x] can be",
            "Patient.extension[0]: found neither",
        ],
    );
}

#[test]
fn contained_resources_are_resources_and_are_found() {
    check(
        r##"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"a","partOf":{"reference":"#a"},"telecom":7},
            {"resourceType":"Group","contained":[{"resourceType":"Basic","code":{"text":"x"}}],"type":"person","actual":true}],
            "managingOrganization":{"reference":"#b"}}"##,
        &[
            "Patient.contained[0].telecom: expected an array",
            "Patient.contained[1]: a contained resource cannot contain others",
            "Patient.managingOrganization.reference: no contained resource has the id \"b\"",
        ],
    );
}

#[test]
fn many_contained_resources_are_found_too() {
    let contained: Vec<Value> = (0..40)
        .map(|i| crate::obj! { "resourceType" => "Patient", "id" => format!("p{i}") })
        .collect();
    let members: Vec<Value> = (1..41)
        .map(|i| crate::obj! { "entity" => crate::obj! { "reference" => format!("#p{i}") } })
        .collect();
    let group = crate::obj! {
        "resourceType" => "Group", "type" => "person", "actual" => true, "contained" => contained, "member" => members,
    };
    check(
        &group.to_string(),
        &["Group.member[39].entity.reference: no contained resource has the id \"p40\""],
    );
}

#[test]
fn references_have_form_and_target() {
    let to = |reference: &str| {
        format!(
            r#"{{"resourceType":"Patient","managingOrganization":{{"reference":"{reference}"}}}}"#
        )
    };
    for good in [
        "Organization/1",
        "Organization/a.b-C/_history/3",
        "http://x.mx/fhir/Organization/1",
        "https://x.mx/anything?at=all",
        "urn:oid:1.2.3",
        "Organization?identifier=http://x|1",
    ] {
        check(&to(good), &[]);
    }
    for (bad, said) in [
        ("Organization", "expected Type/id"),
        ("/Organization/1", "expected Type/id"),
        ("fhir/Organization/1", "expected Type/id"),
        ("Organization/1/2", "expected Type/id"),
        ("Organization/a b", "expected Type/id"),
        ("Organization/a_b", "expected Type/id"),
        ("", "expected"),
        ("urn:uuid:123", "expected Type/id"),
        ("Hospital/1", "R4 has no type \\\"Hospital\\\""),
        (
            "Patient/1",
            "a Patient; expected a reference to Organization",
        ),
        ("http://x.mx/fhir/Patient/1", "a Patient; expected"),
        ("Patient?identifier=1", "a Patient; expected"),
    ] {
        let said = said.replace("\\\"", "\"");
        let expected = format!("Patient.managingOrganization.reference: {said}");
        let found = check_value(&read(&to(bad))).unwrap_err();
        assert!(
            found
                .iter()
                .any(|i| format!("{}: {}", i.expression, i.diagnostics).contains(&said)),
            "{bad}: {expected}: {found:?}"
        );
    }
}

#[test]
fn required_codes_are_named_with_those_allowed() {
    check(
        r#"{"resourceType":"Patient","gender":"femenino","name":[{"use":"oficial"}]}"#,
        &[
            "Patient.gender: [code-invalid] found the code \"femenino\"; expected female, male, other, unknown of http://hl7.org/fhir/administrative-gender",
            "Patient.name[0].use: [code-invalid] found the code \"oficial\"",
        ],
    );
    let condition = |status: &str| {
        format!(
            r#"{{"resourceType":"Condition","subject":{{"reference":"Patient/1"}},"clinicalStatus":{status}}}"#
        )
    };
    let system = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    check(
        &condition(&format!(
            r#"{{"coding":[{{"system":"http://local","code":"a"}},{{"system":"{system}","code":"active"}}]}}"#
        )),
        &[],
    );
    check(
        &condition(r#"{"extension":[{"url":"u","valueCode":"unknown"}]}"#),
        &[],
    );
    check(
        &condition(r#"{"coding":[{"system":"http://local","code":"active"}]}"#),
        &[
            "Condition.clinicalStatus: found \"http://local|active\"; expected active, inactive, recurrence",
        ],
    );
    check(
        &condition(r#"{"text":"active"}"#),
        &["Condition.clinicalStatus: found no coding; expected active"],
    );
}

#[test]
fn dates_and_times_have_form_and_exist() {
    forms(
        "date",
        &[
            r#""1956""#,
            r#""1956-04""#,
            r#""2024-02-29""#,
            r#""2000-02-29""#,
        ],
        &[
            r#""0000""#,
            r#""56""#,
            r#""1956-13""#,
            r#""1956-00""#,
            r#""2023-02-29""#,
            r#""1900-02-29""#,
            r#""2024-04-31""#,
            r#""2024-04-00""#,
            r#""2024-4-1""#,
            r#""2024-04-01T""#,
            r#""2024-04-""#,
            r#""1956-04-27T00:00:00Z""#,
            "1956",
        ],
    );
    forms(
        "dateTime",
        &[
            r#""1956""#,
            r#""1956-04""#,
            r#""2024-02-29""#,
            r#""2024-02-29T00:00:00Z""#,
            r#""2024-02-29T23:59:59.123456789+14:00""#,
            r#""2024-02-29T12:00:00-06:00""#,
        ],
        &[
            r#""2024-02T00:00:00Z""#,
            r#""2024-02-29T00:00:00""#,
            r#""2024-02-29T00:00Z""#,
            r#""2024-02-29T24:00:00Z""#,
            r#""2024-02-29T00:60:00Z""#,
            r#""2024-02-29T00:00:61Z""#,
            r#""2024-02-29T00:00:00.Z""#,
            r#""2024-02-29T00:00:00+15:00""#,
            r#""2024-02-29T00:00:00+14:30""#,
            r#""2024-02-29T00:00:00+0600""#,
            r#""2024-02-29 00:00:00Z""#,
            r#""2024-02-29T00:00:00Zx""#,
            r#""2024-02-29T00:00:00é""#,
        ],
    );
    forms(
        "instant",
        &[
            r#""2024-02-29T00:00:00Z""#,
            r#""2024-02-29T00:00:00.5-06:00""#,
        ],
        &[r#""2024-02-29""#, r#""2024""#, r#""2024-02-29T00:00:00""#],
    );
    forms(
        "time",
        &[r#""00:00:00""#, r#""23:59:59.9""#],
        &[r#""24:00:00""#, r#""12:00""#, r#""12:00:00Z""#],
    );
}

#[test]
fn numbers_have_form_and_range() {
    forms("boolean", &["true", "false"], &[r#""true""#, "1", "{}"]);
    forms(
        "integer",
        &["0", "-2147483648", "2147483647"],
        &["2147483648", "1.0", "1e3", "-0", r#""1""#],
    );
    forms("unsignedInt", &["0", "7"], &["-1"]);
    forms("positiveInt", &["1"], &["0", "-1"]);
    forms(
        "decimal",
        &["-1.10", "6.02E23", "0.0"],
        &["1E999", r#""1.0""#, "true"],
    );
}

#[test]
fn texts_have_form() {
    forms("string", &[r#"" á\n""#], &[r#""""#, r#""\u0000""#, "1"]);
    forms("markdown", &[r#""*x*""#], &[r#""""#]);
    forms(
        "code",
        &[r#""a b""#, r#""mm[Hg]""#],
        &[r#"" a""#, r#""a ""#, r#""a  b""#, r#""""#, r#""a\tb""#],
    );
    forms(
        "id",
        &[r#""A-z.09""#],
        &[r#""a_b""#, r#""ñ""#, &format!("\"{}\"", "a".repeat(65))],
    );
    forms(
        "uri",
        &[r#""x""#, r#""http://hl7.org/fhir/sid/icd-10 ""#],
        &[r#""""#, r#"" ""#, r#""a b""#],
    );
    forms("url", &[r#""https://x.mx/?a=b""#], &[r#""a\nb""#]);
    forms("canonical", &[r#""http://x/y|1.0#z""#], &[r#""""#]);
    forms(
        "oid",
        &[r#""urn:oid:2.16.840""#, r#""urn:oid:1.0""#],
        &[
            r#""urn:oid:3.1""#,
            r#""urn:oid:1""#,
            r#""urn:oid:1.01""#,
            r#""1.2""#,
            r#""urn:oid:1..2""#,
        ],
    );
    forms(
        "uuid",
        &[r#""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#],
        &[
            r#""c757873d-ec9a-4326-a141-556f43239520""#,
            r#""urn:uuid:c757873dec9a4326a141556f43239520""#,
        ],
    );
    forms(
        "base64Binary",
        &[r#""YQ==""#, r#""YWJj\nYWJj""#],
        &[
            r#""""#,
            r#""YQ=""#,
            r#""YQ""#,
            r#""Y===""#,
            r#""=YQ=""#,
            r#""YW-j""#,
        ],
    );
    let long = format!("\"{}\"", "á".repeat((1 << 20) + 1));
    forms("string", &[], &[&long.replace('á', "\\u0001")]);
    check(
        &format!(r#"{{"resourceType":"Patient","name":[{{"text":{long}}}]}}"#),
        &["Patient.name[0].text: [too-long]"],
    );
    check(
        r#"{"resourceType":"Patient","text":{"status":"generated","div":"María"}}"#,
        &["Patient.text.div: expected XHTML"],
    );
}

#[test]
fn the_list_of_issues_ends() {
    let many = vec![r#"{"use":7}"#; 80].join(",");
    let found = check_value(&read(&format!(
        r#"{{"resourceType":"Patient","name":[{many}]}}"#
    )));
    assert_eq!(found.unwrap_err().len(), 50);
}

#[test]
fn depth_ends_too() {
    let mut item = crate::obj! { "linkId" => "1", "type" => "group" };
    for _ in 0..200 {
        item = crate::obj! { "linkId" => "1", "type" => "group", "item" => vec![item] };
    }
    let whole = crate::obj! { "resourceType" => "Questionnaire", "status" => "draft", "item" => vec![item] };
    let found = check_value(&whole).unwrap_err();
    assert_eq!(found.len(), 1);
    assert!(found[0].diagnostics.contains("deeper than 64"));
}

/// Replaces the n-th value of a tree (in order of the walk).
fn replace(value: &mut Value, n: &mut usize, with: &Value) {
    if *n == 0 {
        *value = with.clone();
    }
    *n = n.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, n, with)),
        Value::Object(object) => object.iter_mut().for_each(|(_, v)| replace(v, n, with)),
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::String),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8})?Z?".prop_map(Value::String),
        "(#|urn:(uuid|oid):|[A-Z][a-z]{1,7}/|https?:)?[a-z0-9/?.]{0,9}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![
            Just("resourceType".to_owned()),
            Just("extension".to_owned()),
            Just("_given".to_owned()),
            "_?[a-zA-Z]{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let mut object = crate::Object::new();
                for (name, value) in members {
                    object.set(name, value);
                }
                Value::Object(object)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn mutated_resources_never_panic(at in 0usize..90, with in anything(), patient in any::<bool>()) {
        let mut resource = read(if patient { PATIENT } else { OBSERVATION });
        let mut n = at;
        replace(&mut resource, &mut n, &with);
        match check_value(&resource) {
            Ok(of) => prop_assert_eq!(Some(of.name()), resource.text("resourceType")),
            Err(issues) => prop_assert!((1..=50).contains(&issues.len())),
        }
    }
}
