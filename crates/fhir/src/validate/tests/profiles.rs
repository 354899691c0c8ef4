//! Stories of profiles: cardinality, types, values, slices, targets.

use super::{Options, Validator, against, profile, r4, read, told};

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
