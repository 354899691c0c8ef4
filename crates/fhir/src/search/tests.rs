//! What the parameters find.

use super::*;
use crate::json::{Limits, parse};
use proptest::prelude::*;

/// The entries of a resource, one line each: `code kind value`.
fn told(resource: &str) -> Vec<String> {
    let value = parse(resource.as_bytes(), &Limits::default()).unwrap();
    let of = ResourceType::from_name(value.text("resourceType").unwrap()).unwrap();
    let name = |number: u16| {
        let all = parameters(of);
        let known = all.iter().find(|p| p.number == number & !IDENTIFIER);
        let mark = if number & IDENTIFIER == 0 {
            ""
        } else {
            ":identifier"
        };
        format!("{}{mark}", known.unwrap().code)
    };
    let line = |entry: Entry| {
        let value = match entry.value {
            Indexed::Text { folded, exact } => format!("{folded} ({exact})"),
            Indexed::Token { system, code, text } => format!("{system}|{code}|{text}"),
            Indexed::Reference(text) | Indexed::Uri(text) => text,
            Indexed::Date { from, to } => format!("{from}..{to}"),
            Indexed::Number { value } => value.to_string(),
            Indexed::Quantity {
                value,
                system,
                code,
            } => format!("{value} {system}|{code}"),
            other => format!("{other:?}"),
        };
        format!("{} {value}", name(entry.number))
    };
    extract(of, &value).into_iter().map(line).collect()
}

/// The lines of some parameters only.
#[track_caller]
fn check(resource: &str, parameters: &[&str], wanted: &[&str]) {
    let found: Vec<String> = told(resource)
        .into_iter()
        .filter(|line| parameters.contains(&line.split(' ').next().unwrap()))
        .collect();
    assert_eq!(found, wanted, "{resource}");
}

#[test]
fn every_expression_of_the_table_compiles() {
    let types = table().types().chain(["Resource"]);
    let refused: Vec<String> = types.flat_map(|of| compile(of).1).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn numbers_are_unique_and_leave_the_identifier_bit_free() {
    let mut names = HashMap::new();
    for parameter in ResourceType::all().flat_map(parameters) {
        let name = (parameter.code, parameter.kind.name());
        assert!(parameter.number > 0 && parameter.number < IDENTIFIER);
        assert_eq!(*names.entry(parameter.number).or_insert(name), name);
    }
    assert_eq!(names.len(), 488);
}

#[test]
fn every_target_is_a_type_and_every_parameter_is_found_by_its_name() {
    for of in ResourceType::all() {
        for found in parameters(of) {
            assert!(parameter(of, found.code).is_some_and(|p| p.number == found.number));
            let unknown = |t: &&&str| ResourceType::from_name(t).is_none();
            assert_eq!(
                found.targets.iter().find(unknown),
                None,
                "{of} {}",
                found.code
            );
        }
    }
}

#[test]
fn a_patient() {
    check(
        r##"{"resourceType":"Patient","id":"p","active":false,"gender":"other","birthDate":"1970-01-02",
            "name":[{"use":"official","text":"Ana Peña","family":"Peña","given":["Ana","Sofía"]},{"family":"Peña"}],
            "telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b"}],
            "address":[{"line":["Calle Ñ 1"],"city":"León","use":"home"}],
            "managingOrganization":{"reference":"https://x/Organization/1/_history/9"},
            "identifier":[{"system":"s","value":"v","type":{"text":"CURP"}},{"value":"w"},{"use":"official"}],
            "deceasedDateTime":"2020","link":[{"other":{"reference":"#c"},"type":"refer"}],"meta":{"tag":[{"code":"t"}],"profile":["http://p"]}}"##,
        &[
            "active",
            "gender",
            "birthdate",
            "family",
            "given",
            "name",
            "phone",
            "telecom",
            "address",
            "address-use",
            "organization",
            "identifier",
            "death-date",
            "deceased",
            "link",
            "_tag",
            "_profile",
            "_id",
        ],
        &[
            "_profile http://p",
            "_tag |t|",
            "active |false|",
            "address calle ñ 1 (Calle Ñ 1)",
            "address leon (León)",
            "address-use http://hl7.org/fhir/address-use|home|",
            "birthdate 86400000000..172799999999",
            "death-date 1577836800000000..1609459199999999",
            "deceased |true|",
            "family peña (Peña)",
            "gender http://hl7.org/fhir/administrative-gender|other|",
            "given ana (Ana)",
            "given sofia (Sofía)",
            "identifier |w|",
            "identifier s|v|CURP",
            "name ana (Ana)",
            "name ana peña (Ana Peña)",
            "name peña (Peña)",
            "name sofia (Sofía)",
            "organization https://x/Organization/1",
            "phone phone|1|",
            "telecom email|a@b|",
            "telecom phone|1|",
        ],
    );
}

#[test]
fn a_mothers_name_is_that_of_the_extension_that_there_is() {
    check(
        r#"{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Elvira Gómez"},{"url":"urn:other","valueString":"Rosa"}]}"#,
        &["mothersMaidenName"],
        &["mothersMaidenName elvira gomez (Elvira Gómez)"],
    );
}

#[test]
fn codes_keep_their_words() {
    let parameters = &["code"];
    check(
        r#"{"resourceType":"Observation","code":{"coding":[{"system":"s","code":"c","display":"d"},{"code":"e"}],"text":"t"}}"#,
        parameters,
        &["code ||t", "code |e|", "code s|c|d"],
    );
    check(
        r#"{"resourceType":"Observation","code":{"coding":[{"code":"c","display":"t"}],"text":"t"}}"#,
        parameters,
        &["code |c|t"],
    );
    check(
        r#"{"resourceType":"Observation","code":{"text":"t"}}"#,
        parameters,
        &["code ||t"],
    );
    check(
        r#"{"resourceType":"Observation","code":{}}"#,
        parameters,
        &[],
    );
}

#[test]
fn quantities_ranges_and_money() {
    check(
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.50,"unit":"mmHg","system":"u","code":"mm[Hg]"},
            "component":[{"valueQuantity":{"value":2,"unit":"mg"}},{"valueQuantity":{"unit":"mg"}},{"valueString":"3"}]}"#,
        &["value-quantity", "component-value-quantity"],
        &[
            "component-value-quantity 2 |mg",
            "value-quantity 1.5 |mmHg",
            "value-quantity 1.5 u|mm[Hg]",
        ],
    );
    check(
        r#"{"resourceType":"Condition","onsetRange":{"low":{"value":5,"unit":"a"},"high":{"value":7,"unit":"a"}}}"#,
        &["onset-age"],
        &["onset-age 5 |a", "onset-age 7 |a"],
    );
    check(
        r#"{"resourceType":"Invoice","totalNet":{"value":10.5,"currency":"MXN"}}"#,
        &["totalnet"],
        &["totalnet 10.5 urn:iso:std:iso:4217|MXN"],
    );
    check(
        r#"{"resourceType":"RiskAssessment","prediction":[{"probabilityDecimal":0.8},{"probabilityRange":{"low":{"value":1},"high":{"value":2}}}]}"#,
        &["probability"],
        &["probability 0.8", "probability 1", "probability 2"],
    );
}

#[test]
fn spans_of_time() {
    let open = format!("date 0..{}", i64::MAX);
    for (element, wanted) in [
        (r#""effectiveDateTime":"1970""#, "date 0..31535999999999"),
        (
            r#""effectiveInstant":"1970-01-01T00:00:01Z""#,
            "date 1000000..1999999",
        ),
        (r#""effectivePeriod":{"start":"1970"}"#, open.as_str()),
        (
            r#""effectivePeriod":{"start":"1970-01-01","end":"1970-01-01"}"#,
            "date 0..86399999999",
        ),
        (
            r#""effectiveTiming":{"event":["1970-01-03","1970-01-01"]}"#,
            "date 0..259199999999",
        ),
        (
            r#""effectiveTiming":{"repeat":{"boundsPeriod":{"start":"1970"}}}"#,
            open.as_str(),
        ),
    ] {
        check(
            &format!(r#"{{"resourceType":"Observation",{element}}}"#),
            &["date"],
            &[wanted],
        );
    }
    for nothing in [
        r#""effectivePeriod":{}"#,
        r#""effectivePeriod":{"start":"2020","end":"2019"}"#,
        r#""effectiveTiming":{"repeat":{"frequency":1}}"#,
        r#""effectiveDateTime":"ayer""#,
        r#""effective":"2020""#,
    ] {
        check(
            &format!(r#"{{"resourceType":"Observation",{nothing}}}"#),
            &["date"],
            &[],
        );
    }
}

#[test]
fn references_identifiers_and_canonicals() {
    check(
        r#"{"resourceType":"Observation","subject":{"reference":"Patient/1/_history/2","identifier":{"system":"s","value":"v"}},
            "focus":[{"display":"x"},{"reference":"urn:uuid:1"}]}"#,
        &[
            "subject",
            "subject:identifier",
            "patient",
            "patient:identifier",
            "focus",
        ],
        &[
            "focus urn:uuid:1",
            "patient Patient/1",
            "subject Patient/1",
            "patient:identifier s|v|",
            "subject:identifier s|v|",
        ],
    );
    check(
        r#"{"resourceType":"QuestionnaireResponse","questionnaire":"http://q|1.0","subject":{"type":"Patient","identifier":{"value":"v"}}}"#,
        &["questionnaire", "patient", "patient:identifier"],
        &[
            "questionnaire http://q",
            "questionnaire http://q|1.0",
            "patient:identifier |v|",
        ],
    );
    check(
        r#"{"resourceType":"Appointment","participant":[{"actor":{"reference":"http://x/fhir/Patient/1"}},{"actor":{"reference":"Location/2"}},{"actor":{"reference":"urn:uuid:3"}}]}"#,
        &["actor", "patient", "location"],
        &[
            "actor Location/2",
            "actor http://x/fhir/Patient/1",
            "actor urn:uuid:3",
            "location Location/2",
            "patient http://x/fhir/Patient/1",
        ],
    );
    check(
        r#"{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Composition","id":"d"}}]}"#,
        &["composition", "message"],
        &["composition Composition/c"],
    );
    check(
        r#"{"resourceType":"ActivityDefinition","relatedArtifact":[{"type":"derived-from","resource":"http://a"},{"type":"successor","resource":"http://b"}]}"#,
        &["derived-from", "successor", "predecessor"],
        &["derived-from http://a", "successor http://b"],
    );
}

#[test]
fn a_resource_belongs_to_the_patients_it_is_about() {
    let whose = |resource: &str| {
        let value = parse(resource.as_bytes(), &Limits::default()).unwrap();
        let of = ResourceType::from_name(value.text("resourceType").unwrap()).unwrap();
        patients(of, &value)
    };
    assert_eq!(
        whose(
            r#"{"resourceType":"Patient","id":"1","link":[{"other":{"reference":"Patient/2"}}]}"#
        ),
        ["1"]
    );
    assert_eq!(
        whose(
            r#"{"resourceType":"Observation","subject":{"reference":"Patient/1"},"performer":[{"reference":"Patient/2"},{"reference":"Practitioner/3"},{"reference":"Patient/1"}]}"#
        ),
        ["1", "2"]
    );
    assert_eq!(
        whose(r#"{"resourceType":"AuditEvent","entity":[{"what":{"reference":"Patient/1"}}]}"#),
        ["1"]
    );
    assert!(whose(r#"{"resourceType":"Observation","subject":{"reference":"http://x/Patient/1"},"encounter":{"reference":"Patient/5"}}"#).is_empty());
    assert!(whose(r#"{"resourceType":"Organization","id":"1"}"#).is_empty());
}

#[test]
fn references_are_told_with_their_place() {
    let text = r##"{"resourceType":"Observation","subject":{"reference":"Patient/1"},"performer":[{"reference":"#c"},{"reference":"X/2/_history/1"}],
        "contained":[{"resourceType":"Y","z":{"reference":"urn:uuid:3"}}]}"##;
    let found = references(&parse(text.as_bytes(), &Limits::default()).unwrap());
    let found: Vec<_> = found
        .iter()
        .map(|(r, p)| (r.as_str(), p.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("Patient/1", "Observation.subject"),
            ("X/2/_history/1", "Observation.performer[1]"),
            ("urn:uuid:3", "Observation.contained[0].z")
        ]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?[0-9]{1,3}(e[0-9]{1,3})?|.{0,4}".prop_map(Value::Number),
        "[0-9T:Z-]{0,12}|#?[A-Z][a-z]{1,4}/[0-9]|.{0,6}".prop_map(Value::String),
    ];
    let key = prop::sample::select(vec![
        "name",
        "family",
        "given",
        "subject",
        "reference",
        "identifier",
        "value",
        "system",
        "code",
        "coding",
        "text",
        "type",
        "valueQuantity",
        "unit",
        "effectivePeriod",
        "effectiveTiming",
        "event",
        "repeat",
        "boundsPeriod",
        "start",
        "end",
        "extension",
        "url",
        "component",
        "meta",
        "tag",
        "id",
        "telecom",
        "deceasedBoolean",
        "participant",
        "actor",
        "entry",
        "resource",
        "resourceType",
        "low",
        "high",
        "probabilityRange",
        "prediction",
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                let mut object = crate::Object::new();
                members
                    .into_iter()
                    .for_each(|(key, value)| object.set(key, value));
                Value::Object(object)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        for name in ["Patient", "Observation", "Appointment", "Bundle", "RiskAssessment", "QuestionnaireResponse", "Binary"] {
            let of = ResourceType::from_name(name).unwrap();
            let entries = extract(of, &value);
            prop_assert!(entries.is_sorted_by_key(|e| e.number));
            patients(of, &value);
        }
        references(&value);
    }
}
