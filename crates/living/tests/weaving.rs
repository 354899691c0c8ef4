//! Stories of weaving: what several institutions wrote, and what one reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fhir::json::{Limits, parse};
use living::{Disagreement, Sourced, Summary, timeline, weave};

fn part(member: &str, resource: &str) -> Sourced {
    Sourced {
        member: member.to_owned(),
        resource: parse(resource.as_bytes(), &Limits::default()).unwrap(),
    }
}

fn woven(parts: &[(&str, &str)]) -> Summary {
    let parts: Vec<Sourced> = parts.iter().map(|(m, r)| part(m, r)).collect();
    weave(&parts, "2026-11-01")
}

fn medicine(id: &str, text: &str, atc: &str, dose: &str, on: &str) -> String {
    format!(
        r#"{{"resourceType":"MedicationRequest","id":"{id}","status":"active","intent":"order","authoredOn":"{on}",
        "medicationCodeableConcept":{{"coding":[{{"system":"http://www.whocc.no/atc","code":"{atc}"}}],"text":"{text}"}},
        "dosageInstruction":[{{"text":"{dose}"}}]}}"#
    )
}

fn glucose(id: &str, on: &str, value: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","effectiveDateTime":"{on}",
        "category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],
        "code":{{"coding":[{{"system":"http://loinc.org","code":"2345-7"}}],"text":"Glucosa"}},
        "valueQuantity":{{"value":{value},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}},
        "referenceRange":[{{"low":{{"value":70}},"high":{{"value":100}}}}]}}"#
    )
}

#[test]
fn one_medicine_in_two_doses_is_one_line_with_a_disagreement() {
    let a = medicine(
        "1",
        "Metformina 850 mg tableta",
        "A10BA02",
        "850 mg cada 12 horas",
        "2026-05-01",
    );
    let b = medicine(
        "9",
        "Metformina",
        "A10BA02",
        "500 mg cada 24 horas",
        "2026-09-01",
    );
    let summary = woven(&[("imss", &a), ("hospital", &b)]);
    assert_eq!(summary.medicines.len(), 1);
    let line = &summary.medicines[0];
    assert_eq!(
        (line.title.as_str(), line.status.as_str()),
        ("Metformina", "active")
    );
    assert_eq!(
        line.origins
            .iter()
            .map(|o| o.member.as_str())
            .collect::<Vec<_>>(),
        ["hospital", "imss"]
    );
    let Some(Disagreement::Dose(says)) = &line.disagreement else {
        panic!("{line:?}")
    };
    assert_eq!(
        says[1],
        ("imss".to_owned(), "850 mg cada 12 horas".to_owned())
    );
}

#[test]
fn an_old_prescription_is_no_longer_in_use_and_disagrees_with_nothing() {
    let old = medicine("1", "Metformina", "A10BA02", "850 mg", "2020-05-01");
    let new = medicine("2", "Metformina", "A10BA02", "500 mg", "2026-05-01");
    let summary = woven(&[("imss", &old), ("issste", &new)]);
    assert_eq!(summary.medicines[0].status, "active");
    assert_eq!(summary.medicines[0].disagreement, None);
    assert_eq!(woven(&[("imss", &old)]).medicines[0].status, "completed");
}

#[test]
fn an_allergy_known_here_and_denied_there_is_shown_as_active_with_both_voices() {
    let known = r#"{"resourceType":"AllergyIntolerance","id":"1","recordedDate":"2019-02-01","clinicalStatus":{"coding":[{"code":"active"}]},
        "code":{"text":"Penicilina"},"reaction":[{"manifestation":[{"text":"Urticaria"}]}],"patient":{"reference":"Patient/1"}}"#;
    let denied = r#"{"resourceType":"AllergyIntolerance","id":"2","recordedDate":"2024-02-01","clinicalStatus":{"coding":[{"code":"active"}]},
        "code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003"}],"text":"Sin alergias conocidas"},"patient":{"reference":"Patient/1"}}"#;
    let summary = woven(&[("imss", denied), ("hospital", known)]);
    assert_eq!(summary.allergies.len(), 1, "a denial is no allergy");
    assert_eq!(summary.allergies[0].title, "Penicilina");
    assert_eq!(summary.allergies[0].detail, "Urticaria");
    assert!(
        matches!(&summary.allergies[0].disagreement, Some(Disagreement::Allergy(says)) if says.len() == 2)
    );
    assert_eq!(
        woven(&[("imss", denied)]).allergies[0].title,
        "Sin alergias conocidas"
    );
}

#[test]
fn a_test_done_again_elsewhere_within_the_month_is_marked_and_a_late_one_is_not() {
    let summary = woven(&[
        ("imss", &glucose("a", "2026-03-01T08:00:00-06:00", "132")),
        ("hospital", &glucose("b", "2026-03-09", "129.50")),
        ("hospital", &glucose("c", "2026-03-12", "128")),
        ("imss", &glucose("d", "2026-08-01", "118")),
    ]);
    let [trend] = summary.laboratory.as_slice() else {
        panic!("one trend")
    };
    let marks: Vec<_> = trend
        .points
        .iter()
        .map(|p| p.duplicate_of.as_ref().map(|o| o.reference.as_str()))
        .collect();
    assert_eq!(
        marks,
        [None, Some("Observation/a"), Some("Observation/a"), None]
    );
    assert_eq!(summary.duplicates, 2);
    assert_eq!(trend.points[1].text, "129.50 mg/dL");
    assert_eq!(trend.points[1].flag, "H");
    assert_eq!((trend.low, trend.high), (Some(70.0), Some(100.0)));
}

#[test]
fn values_in_another_unit_are_another_trend() {
    let mol = glucose("b", "2026-03-09", "7.1").replace("mg/dL", "mmol/L");
    assert_eq!(
        woven(&[
            ("imss", &glucose("a", "2026-03-01", "130")),
            ("issste", &mol)
        ])
        .laboratory
        .len(),
        2
    );
}

#[test]
fn a_panel_gives_one_trend_a_component() {
    let pressure = r#"{"resourceType":"Observation","id":"1","status":"final","effectiveDateTime":"2026-01-01",
        "category":[{"coding":[{"code":"vital-signs"}]}],"code":{"text":"Presión arterial"},"component":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}],"text":"Sistólica"},"valueQuantity":{"value":140,"unit":"mmHg"}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}],"text":"Diastólica"},"valueQuantity":{"value":90,"unit":"mmHg"}}]}"#;
    let summary = woven(&[("imss", pressure)]);
    assert_eq!(
        summary
            .vitals
            .iter()
            .map(|t| t.title.as_str())
            .collect::<Vec<_>>(),
        ["Diastólica", "Sistólica"]
    );
    assert!(summary.laboratory.is_empty());
}

#[test]
fn a_problem_over_here_and_active_there_stays_active_and_says_so() {
    let problem = |id: &str, status: &str, on: &str| {
        format!(
            r#"{{"resourceType":"Condition","id":"{id}","clinicalStatus":{{"coding":[{{"code":"{status}"}}]}},"recordedDate":"{on}","onsetDateTime":"{on}",
            "code":{{"coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"E119"}}],"text":"Diabetes mellitus tipo 2"}}}}"#
        )
    };
    let summary = woven(&[
        ("imss", &problem("1", "active", "2012-04-01")),
        ("hospital", &problem("2", "resolved", "2024-04-01")),
    ]);
    assert_eq!(summary.problems[0].status, "active");
    assert_eq!(summary.problems[0].detail, "2012-04-01");
    assert!(matches!(
        &summary.problems[0].disagreement,
        Some(Disagreement::Status(_))
    ));
}

#[test]
fn the_name_most_say_is_shown_and_the_others_are_kept() {
    let patient = |given: &str, birth: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"1","name":[{{"family":"Hernández López","given":["{given}"]}}],"birthDate":"{birth}"}}"#
        )
    };
    let summary = woven(&[
        ("imss", &patient("María Guadalupe", "1968-03-12")),
        ("issste", &patient("MARIA GUADALUPE", "1968-03-12")),
        ("farmacia", &patient("Guadalupe", "1968-12-03")),
    ]);
    assert_eq!(summary.identity.name, "María Guadalupe Hernández López");
    assert_eq!(summary.identity.birth_date, "1968-03-12");
    assert_eq!(summary.identity.disagreements.len(), 2);
}

#[test]
fn a_visit_carries_its_note_and_the_time_line_gathers_a_days_values() {
    let parts: Vec<Sourced> = [
        r#"{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"type":[{"text":"Consulta externa"}],
            "period":{"start":"2026-03-01T10:00:00-06:00"},"reasonCode":[{"text":"Control"}]}"#,
        r#"{"resourceType":"ClinicalImpression","id":"n","status":"completed","date":"2026-03-01","encounter":{"reference":"Encounter/e"},"summary":"Va bien."}"#,
        &glucose("g", "2026-03-01", "99"),
        &glucose("h", "2026-03-01", "98"),
        r#"{"resourceType":"Observation","id":"x","status":"entered-in-error","effectiveDateTime":"2026-03-01","code":{"text":"Error"},"valueString":"!"}"#,
    ]
    .iter()
    .map(|r| part("imss", r))
    .collect();
    let summary = weave(&parts, "2026-11-01");
    assert_eq!(
        (
            summary.visits[0].title.as_str(),
            summary.visits[0].note.as_str()
        ),
        ("Consulta externa", "Va bien.")
    );
    let events = timeline(&parts);
    assert_eq!(
        events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(),
        ["ClinicalImpression", "Encounter", "Observation"]
    );
    assert_eq!(events[2].detail, "Glucosa: 99 mg/dL · Glucosa: 98 mg/dL");
}

#[test]
fn a_medicine_behind_a_reference_is_found_at_its_own_member_only() {
    let request = r#"{"resourceType":"MedicationRequest","id":"1","status":"active","authoredOn":"2026-09-01","medicationReference":{"reference":"Medication/m"}}"#;
    let drug = r#"{"resourceType":"Medication","id":"m","code":{"text":"Losartán"}}"#;
    assert_eq!(
        woven(&[("imss", request), ("imss", drug)]).medicines[0].title,
        "Losartán"
    );
    assert!(
        woven(&[("imss", request), ("issste", drug)])
            .medicines
            .is_empty()
    );
}

#[test]
fn nonsense_is_left_out_without_a_sound() {
    let summary = woven(&[
        ("a", "{}"),
        ("a", "[]"),
        ("a", r#"{"resourceType":"Condition","code":7}"#),
        ("a", "null"),
    ]);
    assert!(summary.problems.is_empty() && summary.identity.name.is_empty());
}
