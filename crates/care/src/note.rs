//! The consultation note (NOM-004, 6.2: evolution note).

use crate::{Context, Wrong, check_texts, concept};
use fhir::{Value, obj};

const ICD10: &str = "http://hl7.org/fhir/sid/icd-10";

/// A consultation note as entered.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// Reason for the visit.
    pub reason: String,
    /// What was found.
    pub findings: String,
    /// What is planned.
    pub plan: String,
    /// CIE-10 code, may be empty; with or without its dot.
    pub diagnosis_code: String,
    /// Diagnosis in words, may be empty.
    pub diagnosis: String,
}

/// The resources of a note: Encounter, a Condition when there is a diagnosis, ClinicalImpression with the text. `id`
/// gives new ids. Wrong: a missing reason or findings, a code that is no CIE-10 code, a code without words.
pub fn note(
    context: &Context,
    note: &Note,
    id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    check_texts(
        &mut wrong,
        &[
            ("reason", &note.reason, true),
            ("findings", &note.findings, true),
            ("plan", &note.plan, false),
            (
                "diagnosis",
                &note.diagnosis,
                !note.diagnosis_code.trim().is_empty(),
            ),
        ],
    );
    let code = note.diagnosis_code.trim().replace('.', "").to_uppercase();
    if !code.is_empty() && !is_cie10(&code) {
        wrong.push(Wrong::new(
            "diagnosis_code",
            format!(
                "«{}» no es una clave CIE-10; por ejemplo J069 o E11.9.",
                note.diagnosis_code.trim()
            ),
            format!(
                "“{}” is not a CIE-10 code; for example J069 or E11.9.",
                note.diagnosis_code.trim()
            ),
        ));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let encounter_id = id();
    let encounter_reference = obj! { "reference" => format!("Encounter/{encounter_id}") };
    let mut resources = vec![obj! {
        "resourceType" => "Encounter",
        "id" => encounter_id,
        "status" => "finished",
        "class" => obj! { "system" => "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code" => "AMB", "display" => "ambulatory" },
        "type" => [obj! { "text" => "Consulta externa" }],
        "subject" => context.subject(),
        "participant" => [obj! { "individual" => context.by() }],
        "period" => obj! { "start" => context.now.as_str(), "end" => context.now.as_str() },
        "reasonCode" => [concept(ICD10, "", &note.reason)],
        "serviceProvider" => context.organisation(),
    }];
    let mut findings = Vec::new();
    if !note.diagnosis.trim().is_empty() {
        let condition_id = id();
        findings.push(
            obj! { "itemReference" => obj! { "reference" => format!("Condition/{condition_id}") } },
        );
        resources.push(obj! {
            "resourceType" => "Condition",
            "id" => condition_id,
            "clinicalStatus" => obj! { "coding" => [obj! { "system" => "http://terminology.hl7.org/CodeSystem/condition-clinical", "code" => "active" }] },
            "verificationStatus" => obj! { "coding" => [obj! { "system" => "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code" => "provisional" }] },
            "category" => [obj! { "coding" => [obj! { "system" => "http://terminology.hl7.org/CodeSystem/condition-category", "code" => "encounter-diagnosis" }] }],
            "code" => concept(ICD10, &code, &note.diagnosis),
            "subject" => context.subject(),
            "encounter" => &encounter_reference,
            "recordedDate" => context.now.as_str(),
            "recorder" => context.by(),
        });
    }
    let mut text = format!("{}\n{}", note.reason.trim(), note.findings.trim());
    if !note.plan.trim().is_empty() {
        text.push_str(&format!("\nPlan: {}", note.plan.trim()));
    }
    resources.push(obj! {
        "resourceType" => "ClinicalImpression",
        "id" => id(),
        "status" => "completed",
        "subject" => context.subject(),
        "encounter" => &encounter_reference,
        "date" => context.now.as_str(),
        "assessor" => context.by(),
        "summary" => text,
        "finding" => (!findings.is_empty()).then_some(findings),
    });
    Ok(resources)
}

/// A letter, two digits, and up to one more digit or X (the Mexican catalogue pads three-character codes with X).
fn is_cie10(code: &str) -> bool {
    let bytes = code.as_bytes();
    matches!(bytes, [a, b, c] | [a, b, c, _] if a.is_ascii_uppercase() && b.is_ascii_digit() && c.is_ascii_digit())
        && bytes
            .get(3)
            .is_none_or(|d| d.is_ascii_digit() || *d == b'X')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prescription::tests::{context, ids};

    #[test]
    fn a_note_with_a_diagnosis_makes_three_resources_that_know_each_other() {
        let entered = Note {
            reason: "Tos".into(),
            findings: "Faringe roja".into(),
            plan: "Líquidos".into(),
            diagnosis_code: "J06.9".into(),
            diagnosis: "Infección respiratoria aguda".into(),
        };
        let resources = note(&context(), &entered, &mut ids()).unwrap();
        let kinds: Vec<_> = resources
            .iter()
            .map(|r| r.text("resourceType").unwrap())
            .collect();
        assert_eq!(kinds, ["Encounter", "Condition", "ClinicalImpression"]);
        assert_eq!(resources[1].text("code.coding.0.code"), Some("J069"));
        assert_eq!(
            resources[2].text("encounter.reference"),
            Some("Encounter/id-1")
        );
        assert_eq!(
            resources[2].text("summary"),
            Some("Tos\nFaringe roja\nPlan: Líquidos")
        );
    }
    #[test]
    fn what_is_missing_or_wrong_is_said_field_by_field() {
        let entered = Note {
            diagnosis_code: "gripe".into(),
            plan: "x".repeat(10_001),
            ..Note::default()
        };
        let fields: Vec<_> = note(&context(), &entered, &mut ids())
            .unwrap_err()
            .iter()
            .map(|w| w.field)
            .collect();
        assert_eq!(
            fields,
            ["reason", "findings", "plan", "diagnosis", "diagnosis_code"]
        );
    }
}
