//! Stories of validation: a resource that breaks one rule gives one issue, at its place.

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
fn cardinality_of_a_profile() {
    let elements =
        r#"{"path":"Patient.name","min":1,"max":"1"},{"path":"Patient.photo","max":"0"}"#;
    against(
        "Patient",
        elements,
        r#"{"resourceType":"Patient","name":[{"family":"x"}]}"#,
        &[],
    );
    against(
        "Patient",
        elements,
        r#"{"resourceType":"Patient"}"#,
        &["error Patient: must have `name` (profile http://x/p)"],
    );
    against(
        "Patient",
        elements,
        r#"{"resourceType":"Patient","name":[{"family":"x"},{"family":"y"}]}"#,
        &["error Patient: at most 1 `name`, found 2"],
    );
    against(
        "Patient",
        elements,
        r#"{"resourceType":"Patient","name":[{"family":"x"}],"photo":[{"title":"x"}]}"#,
        &["error Patient: must not have `photo`"],
    );
}

#[test]
fn types_fixed_values_patterns_and_limits_of_a_profile() {
    let observation = |value: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},{value}}}"#
        )
    };
    let check = |element: &str, good: &str, bad: &str, said: &str| {
        against("Observation", element, &observation(good), &[]);
        against("Observation", element, &observation(bad), &[said]);
    };
    check(
        r#"{"path":"Observation.value[x]","type":[{"code":"Quantity"}]}"#,
        r#""valueQuantity":{"value":1}"#,
        r#""valueString":"1""#,
        "error Observation.valueString: found a string; expected Quantity",
    );
    check(
        r#"{"path":"Observation.effective[x]","fixedDateTime":"2024"}"#,
        r#""effectiveDateTime":"2024""#,
        r#""effectiveDateTime":"2025""#,
        "error Observation.effectiveDateTime: found \"2025\"; expected \"2024\"",
    );
    check(
        r#"{"path":"Observation.method","patternCodeableConcept":{"coding":[{"system":"http://x/y","code":"a"}]}}"#,
        r#""method":{"coding":[{"system":"http://x/z","code":"b"},{"system":"http://x/y","code":"a","display":"A"}]}"#,
        r#""method":{"coding":[{"system":"http://x/z","code":"a"}]}"#,
        "error Observation.method: expected at least",
    );
    check(
        r#"{"path":"Observation.value[x]","maxValueInteger":10,"minValueInteger":0}"#,
        r#""valueInteger":10"#,
        r#""valueInteger":11"#,
        "error Observation.valueInteger: expected at most 10",
    );
    check(
        r#"{"path":"Observation.value[x]","maxLength":3}"#,
        r#""valueString":"ñan""#,
        r#""valueString":"ñandú""#,
        "error Observation.valueString: found 5 characters",
    );
    check(
        r#"{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Patient"]}]}"#,
        r#""subject":{"reference":"Patient/1"}"#,
        r#""subject":{"reference":"Group/1"}"#,
        "error Observation.subject.reference: expected a reference to Patient",
    );
    check(
        r#"{"path":"Observation.bodySite","binding":{"strength":"required","valueSet":"http://hl7.org/fhir/ValueSet/administrative-gender"}}"#,
        r#""bodySite":{"coding":[{"system":"http://hl7.org/fhir/administrative-gender","code":"male"}]}"#,
        r#""bodySite":{"coding":[{"system":"http://x/y","code":"male"}]}"#,
        "error Observation.bodySite: administrative-gender",
    );
}

/// Identifiers sliced by system: `curp` once, `nss` at most once.
fn sliced(rules: &str) -> String {
    format!(
        r#"{{"path":"Patient.identifier","slicing":{{"discriminator":[{{"type":"value","path":"system"}}],{rules}}}}},
        {{"path":"Patient.identifier","sliceName":"curp","min":1,"max":"1"}},
        {{"path":"Patient.identifier.system","fixedUri":"urn:curp"}},
        {{"path":"Patient.identifier.value","min":1}},
        {{"path":"Patient.identifier","sliceName":"nss","max":"1"}},
        {{"path":"Patient.identifier.system","fixedUri":"urn:nss"}}"#
    )
}

fn identified(systems: &[&str]) -> String {
    let ids: Vec<String> = systems
        .iter()
        .map(|s| format!(r#"{{"system":"urn:{s}","value":"1"}}"#))
        .collect();
    format!(
        r#"{{"resourceType":"Patient","identifier":[{}]}}"#,
        ids.join(",")
    )
}

#[test]
fn slices_are_counted_and_closed_and_ordered() {
    let open = sliced(r#""rules":"open""#);
    against(
        "Patient",
        &open,
        &identified(&["other", "nss", "curp"]),
        &[],
    );
    against(
        "Patient",
        &open,
        &identified(&["nss"]),
        &["error Patient: must have a `identifier` of the slice `curp`"],
    );
    against(
        "Patient",
        &open,
        &identified(&["curp", "curp"]),
        &["error Patient: at most 1 `identifier` of the slice `curp`, found 2"],
    );
    against(
        "Patient",
        &open,
        r#"{"resourceType":"Patient","identifier":[{"system":"urn:curp"}]}"#,
        &["error Patient.identifier[0]: Identifier must have `value`"],
    );
    against(
        "Patient",
        &sliced(r#""rules":"closed""#),
        &identified(&["curp", "other"]),
        &["error Patient.identifier[1]: of no slice"],
    );
    against(
        "Patient",
        &sliced(r#""rules":"openAtEnd""#),
        &identified(&["other", "curp"]),
        &["error Patient.identifier[1]: at the end only"],
    );
    against(
        "Patient",
        &sliced(r#""ordered":true,"rules":"open""#),
        &identified(&["nss", "curp"]),
        &["error Patient.identifier[1]: another order"],
    );
}

#[test]
fn slices_by_pattern_type_existence_and_profile() {
    // By pattern.
    let by_pattern = r#"{"path":"Observation.category","slicing":{"discriminator":[{"type":"pattern","path":"$this"}],"rules":"open"}},
        {"path":"Observation.category","sliceName":"lab","min":1,"patternCodeableConcept":{"coding":[{"code":"lab"}]}}"#;
    let observation = |rest: &str| {
        format!(r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},{rest}}}"#)
    };
    let category = |code: &str| {
        observation(&format!(
            r#""category":[{{"coding":[{{"system":"http://x/y","code":"{code}"}}]}}]"#
        ))
    };
    against(
        "Observation",
        by_pattern,
        &category("lab"),
        &["warning Observation.category[0]: observation-category"][..0],
    );
    against(
        "Observation",
        by_pattern,
        &category("other"),
        &["error Observation: slice `lab`"],
    );
    // By type.
    let by_type = r#"{"path":"Observation.value[x]","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"closed"}},
        {"path":"Observation.value[x]","sliceName":"valueQuantity","type":[{"code":"Quantity"}]},
        {"path":"Observation.value[x].unit","min":1}"#;
    against(
        "Observation",
        by_type,
        &observation(r#""valueQuantity":{"value":1,"unit":"kg"}"#),
        &[],
    );
    against(
        "Observation",
        by_type,
        &observation(r#""valueQuantity":{"value":1}"#),
        &["error Observation.valueQuantity: must have `unit`"],
    );
    against(
        "Observation",
        by_type,
        &observation(r#""valueString":"x""#),
        &["error Observation.valueString: of no slice"],
    );
    // By existence.
    let by_existence = r#"{"path":"Patient.contact","slicing":{"discriminator":[{"type":"exists","path":"organization"}],"rules":"open"}},
        {"path":"Patient.contact","sliceName":"institution"},{"path":"Patient.contact.organization","min":1},{"path":"Patient.contact.telecom","min":1},
        {"path":"Patient.contact","sliceName":"person"},{"path":"Patient.contact.organization","max":"0"},{"path":"Patient.contact.name","min":1}"#;
    against(
        "Patient",
        by_existence,
        r#"{"resourceType":"Patient","contact":[{"organization":{"reference":"Organization/1"}},{"gender":"male","telecom":[{"system":"phone","value":"x"}]}]}"#,
        &[
            "error Patient.contact[0]: Patient.contact must have `telecom`",
            "error Patient.contact[1]: Patient.contact must have `name`",
        ],
    );
    // By what a reference leads to.
    let by_resolve = r##"{"path":"Observation.performer","slicing":{"discriminator":[{"type":"type","path":"resolve()"}],"rules":"open"}},
        {"path":"Observation.performer","sliceName":"who","min":1,"type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]}"##;
    against(
        "Observation",
        by_resolve,
        &observation(r#""performer":[{"reference":"Practitioner/1"}]"#),
        &[],
    );
    against(
        "Observation",
        by_resolve,
        &observation(r#""performer":[{"reference":"Organization/1"}]"#),
        &["error Observation: slice `who`"],
    );
}

#[test]
fn a_slice_can_be_told_by_the_value_of_an_extension() {
    let elements = r#"{"path":"Patient.name","slicing":{"discriminator":[{"type":"value","path":"extension('http://x/use').value"}],"rules":"open"}},
        {"path":"Patient.name","sliceName":"birth","max":"0"},
        {"path":"Patient.name.extension","sliceName":"use","min":1,"type":[{"code":"Extension","profile":["http://x/use"]}]},
        {"path":"Patient.name.extension.value[x]","fixedCode":"birth"}"#;
    let patient = |code: &str| {
        format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"x","extension":[{{"url":"http://x/use","valueCode":"{code}"}}]}}]}}"#
        )
    };
    against("Patient", elements, &patient("other"), &[]);
    against(
        "Patient",
        elements,
        &patient("birth"),
        &["error Patient: must not have `name` of the slice `birth`"],
    );
}

#[test]
fn a_differential_is_laid_over_its_base() {
    let base = profile("Patient", r#"{"path":"Patient.name","min":1}"#);
    let derived = read(
        r#"{"resourceType":"StructureDefinition","url":"http://x/d","type":"Patient","baseDefinition":"http://x/p|1",
        "differential":{"element":[{"path":"Patient.birthDate","min":1}]}}"#,
    );
    assert!(Validator::r4().with(&derived).is_err());
    // The base may come later in one loading.
    let validator = Validator::r4().with_all([&derived, &base]).unwrap();
    assert_eq!(validator.profiles(), ["http://x/d", "http://x/p"]);
    let value =
        read(r#"{"resourceType":"Patient","active":true,"meta":{"profile":["http://x/d"]}}"#);
    let options = Options {
        best_practice: false,
        ..Options::default()
    };
    told(
        &validator.validate(&value, &[], options),
        "",
        &[
            "error Patient: must have `name`",
            "error Patient: must have `birthDate`",
        ],
    );
    let not_claimed = Options {
        meta_profiles: false,
        ..options
    };
    told(&validator.validate(&value, &[], not_claimed), "", &[]);
}

#[test]
fn vital_signs_of_r4_are_known() {
    let bp = "http://hl7.org/fhir/StructureDefinition/bp";
    let component = |code: &str| {
        format!(
            r#"{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},
            "valueQuantity":{{"value":120,"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}}"#
        )
    };
    let observation = |components: &str| {
        format!(
            r#"{{"resourceType":"Observation","meta":{{"profile":["{bp}"]}},"status":"final",
            "category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],
            "code":{{"coding":[{{"system":"http://loinc.org","code":"85354-9"}}]}},"subject":{{"reference":"Patient/1"}},
            "effectiveDateTime":"2024-01-31T08:00:00Z","component":[{components}]}}"#
        )
    };
    let (systolic, diastolic) = (component("8480-6"), component("8462-4"));
    r4(&observation(&format!("{systolic},{diastolic}")), &[]);
    r4(
        &observation(&systolic),
        &[
            "error Observation: must have 2 `component`, found 1",
            "error Observation: slice `DiastolicBP`",
        ],
    );
}

#[test]
fn references_within_a_bundle_are_followed_to_the_profile_of_their_target() {
    let target = read(
        r#"{"resourceType":"StructureDefinition","url":"http://x/named","type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient",
        "differential":{"element":[{"path":"Patient.name","min":1}]}}"#,
    );
    let holder = profile(
        "Observation",
        r#"{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["http://x/named"]}]}"#,
    );
    let validator = Validator::r4().with_all([&target, &holder]).unwrap();
    let bundle = |patient: &str| {
        read(&format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[
            {{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{{"resourceType":"Patient"{patient}}}}},
            {{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},
              "meta":{{"profile":["http://x/p"]}},"subject":{{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}}}}}}]}}"#
        ))
    };
    let options = Options {
        best_practice: false,
        ..Options::default()
    };
    let good = bundle(r#","name":[{"family":"x"}]"#);
    told(&validator.validate(&good, &[], options), "good", &[]);
    let bad = bundle(r#","active":true"#);
    told(
        &validator.validate(&bad, &[], options),
        "bad",
        &["error Bundle.entry[1].resource.subject: does not follow http://x/named"],
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
fn an_answer_is_bounded_and_says_so() {
    let names = vec![r#"{"family":"x","use":"bad"}"#; 300].join(",");
    let value = read(&format!(r#"{{"resourceType":"Patient","name":[{names}]}}"#));
    let issues = Validator::r4().validate(&value, &[], Options::default());
    assert_eq!(issues.len(), super::walk::MOST_ISSUES + 1);
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
