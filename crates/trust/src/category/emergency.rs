//! What belongs to the emergency set, by type and by the codes of `data/emergency.tsv`, which gives the reasons.

use super::topic::Table;
use fhir::{ResourceType, Value};
use std::sync::LazyLock;
use store::Labels;

/// The label of what could save somebody's life in the first hour. No rule names it: what has it is hidden only by a rule
/// that insists ([`crate::Rule::insist`]).
pub const EMERGENCY: Labels = Labels(1 << 22);

const TEXT: &str = include_str!("../../data/emergency.tsv");

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT, meaning));

/// Why something is in the set, as the table says it.
const REASONS: [&str; 11] = [
    "blood-group",
    "anticoagulant",
    "insulin",
    "corticosteroid",
    "bleeding",
    "epilepsy",
    "neuromuscular",
    "anaesthesia",
    "allergy",
    "transplant",
    "device",
];

fn meaning(code: &str) -> Option<Labels> {
    REASONS.contains(&code).then_some(EMERGENCY)
}

/// [`EMERGENCY`] or nothing. `topics` are those that the resource has: a device that tells of one (contraception) stays
/// as closed as the topic is. Linear in the resource's own codes.
pub(super) fn emergency(of: ResourceType, resource: &Value, topics: Labels) -> Labels {
    let status = resource.text("status").unwrap_or_default();
    let verified = resource.get("verificationStatus");
    let was_never_so = verified
        .map(|concept| concept.list("coding"))
        .into_iter()
        .flatten()
        .any(|coding| matches!(coding.text("code"), Some("entered-in-error" | "refuted")));
    // What was never so, or is over, would mislead.
    if status == "entered-in-error" || was_never_so {
        return Labels(0);
    }
    let by_code = |name: &str| resource.get(name).map_or(Labels(0), of_concept);
    match of.name() {
        "AllergyIntolerance" => EMERGENCY,
        "Device" | "DeviceUseStatement" if topics.0 == 0 => EMERGENCY,
        "Condition" | "Observation" | "Medication" => by_code("code"),
        "MedicationRequest" | "MedicationStatement"
            if matches!(status, "stopped" | "cancelled" | "completed" | "not-taken") =>
        {
            Labels(0)
        }
        "MedicationRequest"
        | "MedicationStatement"
        | "MedicationDispense"
        | "MedicationAdministration" => {
            let contained = resource.list("contained").iter();
            contained
                .filter_map(|inner| inner.get("code"))
                .fold(by_code("medicationCodeableConcept"), |all, code| {
                    all.with(of_concept(code))
                })
        }
        _ => Labels(0),
    }
}

fn of_concept(concept: &Value) -> Labels {
    let codings = concept.list("coding").iter();
    codings.fold(Labels(0), |all, coding| {
        match (coding.text("system"), coding.text("code")) {
            (Some(system), Some(code)) => all.with(TABLE.of_code(system, code)),
            _ => all,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::{labels, topic};
    use fhir::json::{Limits, parse};

    #[test]
    fn every_line_of_the_table_is_read_and_every_reason_is_in_it() {
        topic::tests::check_lines(TEXT, meaning);
        for reason in REASONS {
            assert!(TEXT.contains(&format!("\t{reason}\t")), "{reason}");
        }
    }

    #[test]
    fn no_line_of_the_table_tells_a_topic() {
        let systems = [
            ("cie10", "http://hl7.org/fhir/sid/icd-10"),
            ("atc", "http://www.whocc.no/atc"),
            ("loinc", "http://loinc.org"),
            ("rxnorm", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ];
        for line in TEXT.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let (name, codes) = (fields.next().unwrap(), fields.next().unwrap());
            let (_, uri) = systems.iter().find(|(known, _)| *known == name).unwrap();
            let code = codes.trim_end_matches('*').split('-').next().unwrap();
            let coding = format!(r#"{{"system":"{uri}","code":"{code}"}}"#);
            let coding = parse(coding.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(topic::topics(&coding), Labels(0), "{line}");
        }
    }

    #[track_caller]
    fn check(text: &str, is_in: bool) {
        let resource = parse(text.as_bytes(), &Limits::default()).unwrap();
        let of = ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap();
        assert_eq!(labels(of, &resource).meets(EMERGENCY), is_in, "{text}");
    }

    #[test]
    fn what_changes_what_may_be_done_to_who_cannot_speak_is_in_the_set() {
        let medicine = |status: &str, system: &str, code: &str| {
            format!(
                r#"{{"resourceType":"MedicationRequest","status":"{status}","medicationCodeableConcept":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}"#
            )
        };
        let atc = "http://www.whocc.no/atc";
        check(&medicine("active", atc, "B01AA03"), true);
        check(&medicine("active", atc, "H02AB07"), true);
        check(
            &medicine(
                "active",
                "http://www.nlm.nih.gov/research/umls/rxnorm",
                "855332",
            ),
            true,
        );
        check(&medicine("stopped", atc, "B01AA03"), false);
        check(&medicine("active", atc, "C09AA02"), false);
        check(&medicine("active", "urn:mine", "B01AA03"), false);
        let coded = |of: &str, system: &str, code: &str| {
            format!(
                r#"{{"resourceType":"{of}","code":{{"coding":[{{"system":"{system}","code":"{code}"}}]}}}}"#
            )
        };
        let icd = "http://hl7.org/fhir/sid/icd-10";
        check(&coded("Observation", "http://loinc.org", "882-1"), true);
        check(&coded("Observation", "http://loinc.org", "718-7"), false);
        check(&coded("Condition", icd, "Z95.0"), true);
        check(&coded("Condition", icd, "G40.9"), true);
        check(&coded("Condition", icd, "E11.9"), false);
    }

    #[test]
    fn allergies_and_devices_are_in_by_their_type() {
        check(
            r#"{"resourceType":"AllergyIntolerance","code":{"text":"Penicilina"}}"#,
            true,
        );
        check(
            r#"{"resourceType":"AllergyIntolerance","verificationStatus":{"coding":[{"code":"refuted"}]}}"#,
            false,
        );
        check(r#"{"resourceType":"Device","status":"active"}"#, true);
        check(
            r#"{"resourceType":"Device","status":"entered-in-error"}"#,
            false,
        );
        // An intrauterine device is told by no broken glass.
        check(
            r#"{"resourceType":"Device","type":{"coding":[{"system":"http://www.whocc.no/atc","code":"G02BA03"}]}}"#,
            false,
        );
        // What it is given for does not make it a medicine of the set.
        check(
            r#"{"resourceType":"MedicationRequest","reasonCode":[{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"G40.9"}]}]}"#,
            false,
        );
    }
}
