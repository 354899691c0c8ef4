//! Stories of validation: a resource that breaks one rule gives one issue, at its place.

mod profiles;

use super::{Options, UnknownExtension, Validator};
use crate::{Issue, Value, json};

fn read(text: &str) -> Value {
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A profile of these elements on a type.
fn profile(of: &str, elements: &str) -> Value {
    read(&format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://x/p","version":"1","type":"{of}",
        "baseDefinition":"http://hl7.org/fhir/StructureDefinition/{of}","derivation":"constraint",
        "differential":{{"element":[{elements}]}}}}"#
    ))
}

#[track_caller]
fn told(issues: &[Issue], about: &str, expected: &[&str]) {
    let found: Vec<String> = issues
        .iter()
        .filter(|i| i.severity != "information")
        .map(|i| format!("{} {}: {}", i.severity, i.expression, i.diagnostics))
        .collect();
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| {
            let (place, said) = expected.split_once(": ").unwrap_or((expected, ""));
            found.starts_with(&format!("{place}: ")) && found.contains(said)
        });
    assert!(fits, "{about}\nexpected {expected:#?}\nfound {found:#?}");
}

/// Errors and warnings (each as `severity place: part of what is said`) of a resource against R4 alone.
#[track_caller]
fn r4(resource: &str, expected: &[&str]) {
    let options = Options {
        best_practice: false,
        ..Options::default()
    };
    let value = read(resource);
    told(
        &Validator::r4().validate(&value, &[], options),
        resource,
        expected,
    );
}

/// The same, against a profile of these elements.
#[track_caller]
fn against(of: &str, elements: &str, resource: &str, expected: &[&str]) {
    let validator = Validator::r4().with(&profile(of, elements)).unwrap();
    let options = Options {
        best_practice: false,
        ..Options::default()
    };
    let value = read(resource);
    told(
        &validator.validate(&value, &["http://x/p"], options),
        resource,
        expected,
    );
}

#[test]
fn structure_comes_from_the_gate_of_every_write() {
    r4(
        r#"{"resourceType":"Patient","birthdate":"1956"}"#,
        &["error Patient.birthdate: did you mean `birthDate`"],
    );
    let outcome = Validator::r4().validate(&read("[]"), &[], Options::default());
    told(&outcome, "[]", &["error : found an array"]);
}

#[test]
fn bindings_of_r4() {
    r4(
        r#"{"resourceType":"Patient","gender":"F"}"#,
        &["error Patient.gender: administrative-gender"],
    );
    // Extensible: another code of the set should have been used.
    r4(
        r#"{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://x/y","code":"casada"}]}}"#,
        &["warning Patient.maritalStatus: marital-status"],
    );
    r4(
        r#"{"resourceType":"Patient","maritalStatus":{"text":"casada"}}"#,
        &[],
    );
    r4(
        r#"{"resourceType":"Patient","maritalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-MaritalStatus","code":"M"}]}}"#,
        &[],
    );
    // A set that is not known in full refuses nothing.
    r4(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"bodySite":{"coding":[{"system":"http://snomed.info/sct","code":"1"}]}}"#,
        &[],
    );
}

#[test]
fn a_coding_names_a_code_system_and_a_code_that_it_has() {
    let code =
        |coding: &str| format!(r#"{{"resourceType":"Basic","code":{{"coding":[{coding}]}}}}"#);
    r4(
        &code(r#"{"system":"local","code":"1"}"#),
        &["error Basic.code.coding[0].system: absolute"],
    );
    r4(
        &code(r#"{"system":"http://hl7.org/fhir/ValueSet/basic-resource-type","code":"consent"}"#),
        &["error Basic.code.coding[0].system: is a value set"],
    );
    r4(
        &code(r#"{"system":"http://hl7.org/fhir/resource-types","code":"Pacient"}"#),
        &["error Basic.code.coding[0].code: has no code \"Pacient\""],
    );
    // A later edition may have it.
    r4(
        &code(r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"NUEVO"}"#),
        &["warning Basic.code.coding[0].code: has no code"],
    );
}

#[test]
fn contained_resources_are_meant_and_plain() {
    let patient = |contained: &str| {
        format!(
            r##"{{"resourceType":"Patient","contained":[{{"resourceType":"Organization","id":"o","name":"x"{contained}}}],
            "managingOrganization":{{"reference":"#o"}}}}"##
        )
    };
    r4(&patient(""), &[]);
    r4(
        &patient(r#","meta":{"versionId":"1"}"#),
        &["error Patient: dom-4"],
    );
    r4(
        &patient(
            r#","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}]}"#,
        ),
        &["error Patient: dom-5"],
    );
    r4(
        r#"{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}]}"#,
        &["error Patient.contained[0]: dom-3"],
    );
}

#[test]
fn invariants_of_r4_at_every_depth() {
    r4(
        r#"{"resourceType":"Patient","contact":[{"gender":"female"}]}"#,
        &["error Patient.contact[0]: pat-1"],
    );
    r4(
        r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueInteger":1,"dataAbsentReason":{"text":"x"}}"#,
        &["error Observation: obs-6"],
    );
    // Of a data type.
    r4(
        r#"{"resourceType":"Patient","identifier":[{"value":"1","period":{"start":"2024-02-01","end":"2024-01-01"}}]}"#,
        &["error Patient.identifier[0].period: per-1"],
    );
    // Inside an entry, a reference's own rule.
    r4(
        r#"{"resourceType":"Bundle","type":"collection","total":1,"entry":[{"resource":{"resourceType":"Patient","telecom":[{"value":"1"}]}}]}"#,
        &[
            "error Bundle: bdl-1",
            "error Bundle.entry[0].resource.telecom[0]: cpt-2",
        ],
    );
}

#[test]
fn invariants_of_a_profile() {
    let rule = |severity: &str, expression: &str| {
        format!(
            r#"{{"path":"Patient.name","constraint":[{{"key":"x-1","severity":"{severity}","human":"h","expression":"{expression}"}}]}}"#
        )
    };
    let patient = r#"{"resourceType":"Patient","name":[{"family":"x"},{"given":["y"]}]}"#;
    against(
        "Patient",
        &rule("error", "family.exists()"),
        patient,
        &["error Patient.name[1]: x-1"],
    );
    against(
        "Patient",
        &rule("warning", "family.exists()"),
        patient,
        &["warning Patient.name[1]: x-1"],
    );
    // What cannot be read or worked out is a remark, never an error.
    for expression in [
        "family.nothing(",
        "unheardOf()",
        "(family | given).single() > today()",
    ] {
        against("Patient", &rule("error", expression), patient, &[]);
    }
    let member =
        r"$this.use.empty() or $this.use.memberOf('http://hl7.org/fhir/ValueSet/name-use')";
    against(
        "Patient",
        &rule("error", member),
        r#"{"resourceType":"Patient","name":[{"use":"usual"}]}"#,
        &[],
    );
}

#[test]
fn a_narrative_is_recommended() {
    let value = read(r#"{"resourceType":"Patient"}"#);
    let issues = Validator::r4().validate(&value, &[], Options::default());
    told(&issues, "", &["warning Patient: dom-6"]);
}

#[test]
fn extensions_are_known_or_remarked_on() {
    let patient =
        |extension: &str| format!(r#"{{"resourceType":"Patient","extension":[{extension}]}}"#);
    let birthplace = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
    let good = format!(r#"{{"url":"{birthplace}","valueAddress":{{"city":"Oaxaca"}}}}"#);
    r4(&patient(&good), &[]);
    r4(
        &patient(&format!(
            r#"{{"url":"{birthplace}","valueString":"Oaxaca"}}"#
        )),
        &["error Patient.extension[0].valueString: expected Address"],
    );
    r4(
        &format!(r#"{{"resourceType":"Patient","name":[{{"family":"x","extension":[{good}]}}]}}"#),
        &["error Patient.name[0].extension[0]: may not stand here; it belongs to Patient"],
    );
    r4(
        &patient(r#"{"url":"local","valueString":"x"}"#),
        &["error Patient.extension[0].url: absolute"],
    );
    let unknown = r#"{"url":"http://x/e","valueString":"x"}"#;
    r4(&patient(unknown), &[]);
    r4(
        &format!(r#"{{"resourceType":"Patient","modifierExtension":[{unknown}]}}"#),
        &["error Patient.modifierExtension[0]: may change the meaning"],
    );
    let strict = Options {
        unknown_extensions: UnknownExtension::Error,
        best_practice: false,
        ..Options::default()
    };
    let value = read(&patient(unknown));
    told(
        &Validator::r4().validate(&value, &[], strict),
        "strict",
        &["error Patient.extension[0]: not known"],
    );
}

#[test]
fn bundles_name_their_entries_once_and_by_address() {
    let bundle = |of: &str, entries: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"{of}","entry":[{entries}]}}"#)
    };
    let patient = r#""resource":{"resourceType":"Patient","id":"1","active":true}"#;
    r4(
        &bundle(
            "collection",
            &format!(r#"{{"fullUrl":"Patient/1",{patient}}}"#),
        ),
        &["error Bundle.entry[0]: absolute URL"],
    );
    r4(
        &bundle(
            "collection",
            &format!(r#"{{"fullUrl":"http://x/Patient/2",{patient}}}"#),
        ),
        &["error Bundle.entry[0]: has the id \"1\""],
    );
    r4(
        &bundle(
            "searchset",
            r#"{"fullUrl":"http://x/Patient/1","resource":{"resourceType":"Patient","active":true}}"#,
        ),
        &["error Bundle.entry[0].resource: must have an id"],
    );
}

#[test]
fn what_is_loaded_counts() {
    let system = read(
        r#"{"resourceType":"CodeSystem","url":"http://x/cs","content":"complete","concept":[{"code":"a","concept":[{"code":"b"}]},{"code":"c"}]}"#,
    );
    let set = read(
        r#"{"resourceType":"ValueSet","url":"http://x/vs","compose":{"include":[{"system":"http://x/cs","filter":[{"property":"concept","op":"is-a","value":"a"}]}]}}"#,
    );
    let bound = profile(
        "Basic",
        r#"{"path":"Basic.code","binding":{"strength":"required","valueSet":"http://x/vs|2"}}"#,
    );
    let validator = Validator::r4().with_all([&system, &set, &bound]).unwrap();
    for (code, expected) in [
        ("b", &[][..]),
        ("c", &["error Basic.code: http://x/vs"][..]),
        (
            "d",
            &[
                "error Basic.code.coding[0].code: has no code",
                "error Basic.code: http://x/vs",
            ][..],
        ),
    ] {
        let value = read(&format!(
            r#"{{"resourceType":"Basic","code":{{"coding":[{{"system":"http://x/cs","code":"{code}"}}]}}}}"#
        ));
        let options = Options {
            best_practice: false,
            ..Options::default()
        };
        told(
            &validator.validate(&value, &["http://x/p"], options),
            code,
            expected,
        );
    }
}

#[test]
fn many_warnings_hide_no_error() {
    let entry = r#"{"resource":{"resourceType":"Patient","active":true}}"#;
    let bad = r#"{"resource":{"resourceType":"Patient","contact":[{"gender":"female"}]}}"#;
    let entries = vec![entry; 300].join(",");
    let bundle = read(&format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{entries},{bad}]}}"#
    ));
    let issues = Validator::r4().validate(&bundle, &[], Options::default());
    let errors: Vec<&Issue> = issues.iter().filter(|i| i.is_error()).collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].expression,
        "Bundle.entry[300].resource.contact[0]"
    );
}

#[test]
fn an_answer_is_bounded_and_says_so() {
    let names = vec![r#"{"family":"x","use":"bad"}"#; 300].join(",");
    let value = read(&format!(r#"{{"resourceType":"Patient","name":[{names}]}}"#));
    let issues = Validator::r4().validate(&value, &[], Options::default());
    let errors = issues.iter().filter(|i| i.is_error()).count();
    assert_eq!(errors, super::walk::MOST_ISSUES);
    assert!(
        issues
            .last()
            .unwrap()
            .diagnostics
            .contains("not all was looked at")
    );
}

/// A questionnaire of these items, answered by these.
#[track_caller]
fn answered(asked: &str, answered: &str, expected: &[&str]) {
    let questionnaire = read(&format!(
        r#"{{"resourceType":"Questionnaire","url":"http://x/q","status":"active","item":[{asked}]}}"#
    ));
    let validator = Validator::r4().with(&questionnaire).unwrap();
    let options = Options {
        best_practice: false,
        ..Options::default()
    };
    let response = read(&format!(
        r#"{{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://x/q|1"{answered}}}"#
    ));
    told(
        &validator.validate(&response, &[], options),
        answered,
        expected,
    );
}

#[test]
fn answers_are_what_the_questionnaire_asks() {
    let asked = r#"{"linkId":"smokes","type":"boolean","required":true},
        {"linkId":"packs","type":"integer","enableWhen":[{"question":"smokes","operator":"=","answerBoolean":true}],
         "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/maxValue","valueInteger":9}]},
        {"linkId":"colour","type":"choice","answerOption":[{"valueCoding":{"system":"http://x/c","code":"red"}}]}"#;
    let items = |items: &str| format!(r#","item":[{items}]"#);
    let yes = r#"{"linkId":"smokes","answer":[{"valueBoolean":true}]}"#;
    let packs = |n: u32| format!(r#"{{"linkId":"packs","answer":[{{"valueInteger":{n}}}]}}"#);
    answered(asked, &items(&format!("{yes},{}", packs(9))), &[]);
    answered(
        asked,
        "",
        &["error QuestionnaireResponse: \"smokes\" is not answered"],
    );
    answered(
        asked,
        &items(&format!("{yes},{}", packs(10))),
        &["error QuestionnaireResponse.item[1].answer[0].valueInteger: at most 9"],
    );
    let no = yes.replace("true", "false");
    answered(
        asked,
        &items(&format!("{no},{}", packs(1))),
        &["error QuestionnaireResponse.item[1]: not asked"],
    );
    answered(
        asked,
        &items(&format!(r#"{yes},{{"linkId":"x","text":"?"}}"#)),
        &["error QuestionnaireResponse: no item \"x\""],
    );
    answered(
        asked,
        &items(r#"{"linkId":"smokes","answer":[{"valueString":"sí"}]}"#),
        &["error QuestionnaireResponse.item[0].answer[0].valueString: answered by Boolean"],
    );
    answered(
        asked,
        &items(&format!(
            r#"{yes},{{"linkId":"colour","answer":[{{"valueCoding":{{"system":"http://x/c","code":"blue"}}}}]}}"#
        )),
        &["error QuestionnaireResponse.item[1].answer[0]: not one of the answers"],
    );
}

#[test]
fn an_extension_stands_where_its_contexts_say() {
    let extension = read(
        r#"{"resourceType":"StructureDefinition","url":"http://x/e","type":"Extension",
        "baseDefinition":"http://hl7.org/fhir/StructureDefinition/Extension",
        "context":[{"type":"element","expression":"DomainResource.text"},{"type":"element","expression":"Patient.contact"},
          {"type":"fhirpath","expression":"Patient.address.where(use = 'home')"}],
        "differential":{"element":[{"path":"Extension.value[x]","min":1,"type":[{"code":"boolean"}]}]}}"#,
    );
    let validator = Validator::r4().with(&extension).unwrap();
    let e = r#""extension":[{"url":"http://x/e","valueBoolean":true}]"#;
    for (member, expected) in [
        (
            format!(r#""contact":[{{"name":{{"text":"x"}},{e}}}]"#),
            &[][..],
        ),
        (format!(r#""address":[{{"use":"home",{e}}}]"#), &[][..]),
        (
            format!(r#""address":[{{"use":"work",{e}}}]"#),
            &["error Patient.address[0].extension[0]: may not stand here"][..],
        ),
        (
            format!(r#""active":true,"_active":{{{e}}}"#),
            &["error Patient.active.extension[0]: may not stand here"][..],
        ),
        (
            e.to_owned(),
            &["error Patient.extension[0]: may not stand here"][..],
        ),
    ] {
        let value = read(&format!(r#"{{"resourceType":"Patient",{member}}}"#));
        let options = Options {
            best_practice: false,
            ..Options::default()
        };
        told(&validator.validate(&value, &[], options), &member, expected);
    }
    // A part that a complex extension of R4 does not have.
    r4(
        r#"{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-nationality",
        "extension":[{"url":"codes","valueString":"x"}]}]}"#,
        &["error Patient.extension[0].extension[0]: has no part \"codes\""],
    );
}
