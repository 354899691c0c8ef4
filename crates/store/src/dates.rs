//! The main clinical date of each type: the date that stands inside its index keys and orders its answers.

use fhir::{
    ResourceType,
    search::{Entry, Indexed, parameter},
};
use std::sync::LazyLock;

/// Search parameters that give the date, best first. Where no row or no value is, the moment of the first commit counts.
const MAIN: &[(&str, &[&str])] = &[
    ("Account", &["period"]),
    ("AdverseEvent", &["date"]),
    ("AllergyIntolerance", &["date", "onset"]),
    ("Appointment", &["date"]),
    ("AuditEvent", &["date"]),
    ("CarePlan", &["date"]),
    ("CareTeam", &["date"]),
    ("ChargeItem", &["occurrence", "entered-date"]),
    ("Claim", &["created"]),
    ("ClaimResponse", &["created"]),
    ("ClinicalImpression", &["date"]),
    ("Communication", &["sent", "received"]),
    ("CommunicationRequest", &["authored", "occurrence"]),
    ("Composition", &["date"]),
    ("Condition", &["onset-date", "recorded-date"]),
    ("Consent", &["date"]),
    ("CoverageEligibilityRequest", &["created"]),
    ("CoverageEligibilityResponse", &["created"]),
    ("DetectedIssue", &["identified"]),
    ("DeviceRequest", &["authored-on", "event-date"]),
    ("DiagnosticReport", &["date", "issued"]),
    ("DocumentManifest", &["created"]),
    ("DocumentReference", &["date", "period"]),
    ("Encounter", &["date"]),
    ("EpisodeOfCare", &["date"]),
    ("ExplanationOfBenefit", &["created"]),
    ("FamilyMemberHistory", &["date"]),
    ("Flag", &["date"]),
    ("Goal", &["start-date", "target-date"]),
    ("ImagingStudy", &["started"]),
    ("Immunization", &["date"]),
    ("ImmunizationEvaluation", &["date"]),
    ("ImmunizationRecommendation", &["date"]),
    ("Invoice", &["date"]),
    ("List", &["date"]),
    ("MeasureReport", &["date", "period"]),
    ("Media", &["created"]),
    ("MedicationAdministration", &["effective-time"]),
    ("MedicationDispense", &["whenhandedover", "whenprepared"]),
    ("MedicationRequest", &["authoredon"]),
    ("MedicationStatement", &["effective"]),
    ("NutritionOrder", &["datetime"]),
    ("Observation", &["date"]),
    ("Procedure", &["date"]),
    ("Provenance", &["recorded", "when"]),
    ("QuestionnaireResponse", &["authored"]),
    ("RequestGroup", &["authored"]),
    ("ResearchSubject", &["date"]),
    ("RiskAssessment", &["date"]),
    ("Schedule", &["date"]),
    ("ServiceRequest", &["authored", "occurrence"]),
    ("Slot", &["start"]),
    ("Specimen", &["collected"]),
    ("SupplyRequest", &["date"]),
    ("Task", &["authored-on", "modified"]),
    ("VisionPrescription", &["datewritten"]),
];

static NUMBERS: LazyLock<Vec<Vec<u16>>> = LazyLock::new(|| {
    let of_type = |of: ResourceType| {
        let codes = MAIN.iter().find(|(name, _)| *name == of.name());
        codes
            .into_iter()
            .flat_map(|(_, codes)| codes.iter())
            .filter_map(|code| Some(parameter(of, code)?.number))
            .collect()
    };
    ResourceType::all().map(of_type).collect()
});

/// The span of a resource's main date in microseconds.
pub(crate) fn main_date(of: ResourceType, entries: &[Entry]) -> Option<(i64, i64)> {
    NUMBERS
        .get(usize::from(of.as_u16()))?
        .iter()
        .find_map(|&number| {
            entries.iter().find_map(|entry| match entry.value {
                Indexed::Date { from, to } if entry.number == number => Some((from, to)),
                _ => None,
            })
        })
}

/// The parameter whose dates stand in the index keys of a type whenever a resource has one.
pub(crate) fn main_parameter(of: ResourceType) -> Option<u16> {
    NUMBERS.get(usize::from(of.as_u16()))?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::search::Kind;

    #[test]
    fn every_name_of_the_table_is_a_date_parameter_of_its_type() {
        assert!(MAIN.is_sorted());
        for (name, codes) in MAIN {
            let of = ResourceType::from_name(name).unwrap();
            for code in *codes {
                let found = parameter(of, code);
                assert_eq!(found.map(|p| p.kind), Some(Kind::Date), "{name} {code}");
            }
        }
    }
}
