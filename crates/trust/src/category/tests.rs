use super::*;
use fhir::json::{Limits, parse};

fn labels_of(json: &str) -> Vec<Category> {
    let resource = parse(json.as_bytes(), &Limits::default()).unwrap();
    let of = ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap();
    Category::of(labels(of, &resource))
}

#[track_caller]
fn check(json: &str, expected: &[Category]) {
    assert_eq!(labels_of(json), expected, "{json}");
}

#[test]
fn every_category_has_its_own_bit_and_code() {
    let all = Category::set(&Category::ALL);
    assert_eq!(all, EVERYTHING);
    assert_eq!(all.0.count_ones(), 14);
    assert!(!all.meets(IDENTITY));
    for category in Category::ALL {
        assert_eq!(Category::from_code(category.code()), Some(category));
    }
}

#[test]
fn a_visit_for_depression_is_mental_health_in_all_its_resources() {
    let reason = r#"[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"F329"}]}]"#;
    check(
        &format!(r#"{{"resourceType":"Encounter","status":"finished","reasonCode":{reason}}}"#),
        &[Category::Visits, Category::MentalHealth],
    );
    check(
        r#"{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"F329"}]}}"#,
        &[Category::Diagnoses, Category::MentalHealth],
    );
    check(
        r#"{"resourceType":"MedicationRequest","medicationCodeableConcept":{"coding":[{"system":"http://www.whocc.no/atc","code":"N06AB06"}]}}"#,
        &[Category::Medicines, Category::MentalHealth],
    );
    // Valproate says nothing by itself; what it is given for does.
    check(
        &format!(
            r#"{{"resourceType":"MedicationRequest","medicationCodeableConcept":{{"coding":[{{"system":"http://www.whocc.no/atc","code":"N03AG01"}}]}},"reasonCode":{reason}}}"#
        ),
        &[Category::Medicines, Category::MentalHealth],
    );
    check(
        r#"{"resourceType":"Observation","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"survey"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"44261-6"}]}}"#,
        &[Category::Other, Category::MentalHealth],
    );
}

#[test]
fn hiv_is_known_by_diagnosis_test_and_treatment() {
    check(
        r#"{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B24X"}]}}"#,
        &[Category::Diagnoses, Category::Hiv],
    );
    for loinc in ["24467-3", "25836-8", "56888-1"] {
        check(
            &format!(
                r#"{{"resourceType":"Observation","category":[{{"coding":[{{"code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}"}}]}}}}"#
            ),
            &[Category::Laboratory, Category::Hiv],
        );
    }
    for atc in ["J05AR20", "J05AE10", "J05AF07", "J05AG03", "J05AJ03"] {
        check(
            &format!(
                r#"{{"resourceType":"MedicationRequest","medicationCodeableConcept":{{"coding":[{{"system":"http://www.whocc.no/atc","code":"{atc}"}}]}}}}"#
            ),
            &[Category::Medicines, Category::Hiv],
        );
    }
}

#[test]
fn the_other_topics_are_known_by_their_diagnoses() {
    let cases: [(&str, &[Category]); 14] = [
        ("F102", &[Category::MentalHealth, Category::Addictions]),
        ("F152", &[Category::MentalHealth, Category::Addictions]),
        ("F03X", &[Category::MentalHealth]),
        ("T741", &[Category::Violence]),
        ("Y04", &[Category::Violence]),
        ("X85.9", &[Category::Violence]),
        ("Z21X", &[Category::Hiv]),
        ("A53.9", &[Category::Hiv]),
        ("O06", &[Category::Reproductive]),
        ("Z30.0", &[Category::Reproductive]),
        ("N97", &[Category::Reproductive]),
        ("Q90.9", &[Category::Genetics]),
        ("E11.9", &[]),
        ("A65X", &[]),
    ];
    for (code, topics) in cases {
        let mut expected = vec![Category::Diagnoses];
        expected.extend_from_slice(topics);
        check(
            &format!(
                r#"{{"resourceType":"Condition","code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"{code}"}}]}}}}"#
            ),
            &expected,
        );
    }
}

#[test]
fn a_topic_deep_inside_counts() {
    check(
        r#"{"resourceType":"DiagnosticReport","category":[{"coding":[{"code":"LAB"}]}],
            "contained":[{"resourceType":"Observation","component":[{"code":{"coding":[
              {"system":"urn:local","code":"x"},{"system":" http://loinc.org ","code":"20447-9"}]}}]}]}"#,
        &[Category::Laboratory, Category::Hiv],
    );
    check(
        r#"{"resourceType":"MedicationRequest","extension":[{"url":"urn:x","valueCoding":{"system":"http://snomed.info/sct","code":"370143000"}}]}"#,
        &[Category::Medicines, Category::MentalHealth],
    );
}

#[test]
fn a_security_label_counts_where_no_code_says_it() {
    let label = |code: &str| {
        format!(
            r#"{{"resourceType":"ClinicalImpression","meta":{{"security":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"{code}"}}]}},"summary":"..."}}"#
        )
    };
    for (code, topic) in [
        ("PSY", Category::MentalHealth),
        ("HIV", Category::Hiv),
        ("SEX", Category::Reproductive),
        ("SDV", Category::Violence),
        ("VIO", Category::Violence),
        ("ETH", Category::Addictions),
        ("SUD", Category::Addictions),
        ("GDIS", Category::Genetics),
    ] {
        check(&label(code), &[Category::Diagnoses, topic]);
    }
}

#[test]
fn words_are_not_codes() {
    check(
        r#"{"resourceType":"Condition","code":{"text":"Depresión","coding":[{"display":"VIH"}]},"note":[{"text":"VIH, F32"}]}"#,
        &[Category::Diagnoses],
    );
}

#[test]
fn an_observation_is_of_the_laboratory_or_a_vital_sign() {
    let observation = |category: &str, loinc: &str| {
        format!(
            r#"{{"resourceType":"Observation"{category},"code":{{"coding":[{{"system":"http://loinc.org","code":"{loinc}"}}]}}}}"#
        )
    };
    let vital = r#","category":[{"coding":[{"code":"vital-signs"}]}]"#;
    check(&observation(vital, "2345-7"), &[Category::Vitals]);
    check(&observation("", "85354-9"), &[Category::Vitals]);
    check(&observation("", "2345-7"), &[Category::Laboratory]);
}

#[test]
fn who_she_is_belongs_to_no_category_that_a_rule_can_name() {
    let patient = parse(br#"{"resourceType":"Patient"}"#, &Limits::default()).unwrap();
    let of = |name| ResourceType::from_name(name).unwrap();
    assert_eq!(labels(of("Patient"), &patient), IDENTITY);
    assert_eq!(labels(of("Organization"), &patient), Labels(0));
}

#[test]
fn names_join_as_people_speak() {
    use crate::Lang;
    let two = [Category::Medicines, Category::Allergies];
    assert_eq!(joined(&two, Lang::Es), "tus medicinas y tus alergias");
    assert_eq!(joined(&two, Lang::En), "your medicines and your allergies");
    assert_eq!(joined(&Category::ALL, Lang::Es), "tu historia completa");
    assert_eq!(list(&["a", "Isabel"], Lang::Es), "a e Isabel");
}

#[test]
fn the_note_of_a_visit_has_the_topics_of_its_diagnosis() {
    let texts = [
        r#"{"resourceType":"Encounter","id":"e1","reasonCode":[{"text":"No puede dormir"}]}"#,
        r#"{"resourceType":"Condition","encounter":{"reference":"Encounter/e1"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"F329"}]}}"#,
        r#"{"resourceType":"ClinicalImpression","encounter":{"reference":"Encounter/e1"},"summary":"Llora."}"#,
        r#"{"resourceType":"DocumentReference","context":{"encounter":[{"reference":"Encounter/e1"}]}}"#,
        r#"{"resourceType":"Immunization","encounter":{"reference":"Encounter/e1"}}"#,
        r#"{"resourceType":"ClinicalImpression","encounter":{"reference":"Encounter/e2"},"summary":"Tos."}"#,
    ];
    let mut resources: Vec<Value> = texts
        .iter()
        .map(|text| parse(text.as_bytes(), &Limits::default()).unwrap())
        .collect();
    share_topics(&mut resources);
    let topics: Vec<bool> = resources
        .iter()
        .map(|r| topic::topics(r).meets(Category::MentalHealth.bit()))
        .collect();
    assert_eq!(topics, [true, true, true, true, false, false]);
    let once = resources.clone();
    share_topics(&mut resources);
    assert_eq!(resources, once);
}

fn findings_of(json: &str) -> Vec<Finding> {
    let resource = parse(json.as_bytes(), &Limits::default()).unwrap();
    let of = ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap();
    Finding::of(labels(of, &resource))
}

#[test]
fn a_finding_is_known_by_its_code_or_by_the_laboratorys_label() {
    let table: [(&str, &[Finding]); 8] = [
        (
            r#"{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"G10X"}]}}"#,
            &[Finding::LateOnset],
        ),
        (
            r#"{"resourceType":"Condition","code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"C50.9"}]}}"#,
            &[Finding::Cancer],
        ),
        (
            r#"{"resourceType":"Observation","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"genetic-carrier"}]}}"#,
            &[Finding::GeneticCarrier],
        ),
        (
            r#"{"resourceType":"Observation","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"TBOO"}]}}"#,
            &[Finding::Unrequested],
        ),
        (
            r#"{"resourceType":"Observation","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/observation-secondaryFinding","valueCodeableConcept":{"coding":[{"system":"http://hl7.org/fhir/secondary-finding","code":"acmg-version2"}]}}]}"#,
            &[Finding::GeneticSecondary],
        ),
        (
            r#"{"resourceType":"RiskAssessment","performer":{"reference":"Device/modelo"}}"#,
            &[Finding::AiRisk],
        ),
        // Her mother's cancer is what she told, not what was found in her.
        (
            r#"{"resourceType":"FamilyMemberHistory","condition":[{"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"C509"}]}}]}"#,
            &[],
        ),
        (
            r#"{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"4548-4"}]}}"#,
            &[],
        ),
    ];
    for (resource, expected) in table {
        assert_eq!(findings_of(resource), expected, "{resource}");
    }
}

#[test]
fn what_names_a_finding_takes_its_label_and_the_visit_itself_does_not() {
    let texts = [
        r#"{"resourceType":"Observation","id":"gen","encounter":{"reference":"Encounter/e1"},"meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"cancer"}]}}"#,
        r#"{"resourceType":"DiagnosticReport","id":"rep","result":[{"reference":"Observation/gen"}]}"#,
        r#"{"resourceType":"Appointment","id":"cita","reasonReference":[{"reference":"DiagnosticReport/rep"}]}"#,
        r#"{"resourceType":"Encounter","id":"e1"}"#,
        r#"{"resourceType":"DocumentReference","id":"nota","context":{"encounter":[{"reference":"Encounter/e1"}]}}"#,
        r#"{"resourceType":"Task","id":"aviso","focus":{"reference":"Condition/before"}}"#,
        r#"{"resourceType":"Observation","id":"glu","encounter":{"reference":"Encounter/e1"}}"#,
    ];
    let mut resources: Vec<_> = texts
        .iter()
        .map(|text| parse(text.as_bytes(), &Limits::default()).unwrap())
        .collect();
    let stored = |name: &str| match name {
        "Condition/before" => Finding::LateOnset.bit().with(Category::Diagnoses.bit()),
        _ => store::Labels(0),
    };
    for _ in 0..2 {
        let named = resources.iter_mut().map(|one| {
            let of = one.text("resourceType").unwrap_or_default();
            let name = format!("{of}/{}", one.text("id").unwrap_or_default());
            (name, one)
        });
        share_findings(named, &stored);
    }
    let found: Vec<_> = resources
        .iter()
        .map(|resource| {
            let of = ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap();
            Finding::of(labels(of, resource))
        })
        .collect();
    let (cancer, none) = (vec![Finding::Cancer], Vec::new());
    let expected = [
        cancer.clone(),
        cancer.clone(),
        cancer.clone(),
        none.clone(),
        cancer,
        vec![Finding::LateOnset],
        none,
    ];
    assert_eq!(found, expected);
    assert_eq!(resources[1].list("meta.security").len(), 0);
    let marked = resources[1].get("meta").unwrap();
    assert_eq!(marked.list("security").len(), 1, "marked once");
}
