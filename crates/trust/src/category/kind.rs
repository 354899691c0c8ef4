//! The one kind of a resource.

use crate::Category;
use crate::category::IDENTITY;
use fhir::{ResourceType, Value};
use store::Labels;

/// The kind's bit; none for what is nobody's.
pub(super) fn kind(of: ResourceType, resource: &Value) -> Labels {
    let category = match of.name() {
        "Patient" => return IDENTITY,
        // What is nobody's: shown with whatever refers to it.
        "Organization"
        | "Practitioner"
        | "PractitionerRole"
        | "Location"
        | "HealthcareService"
        | "Endpoint"
        | "CodeSystem"
        | "ValueSet"
        | "ConceptMap"
        | "NamingSystem"
        | "StructureDefinition"
        | "SearchParameter"
        | "CapabilityStatement" => return Labels(0),
        "Condition" | "ClinicalImpression" | "DetectedIssue" | "RiskAssessment" => {
            Category::Diagnoses
        }
        "Medication"
        | "MedicationRequest"
        | "MedicationStatement"
        | "MedicationDispense"
        | "MedicationAdministration" => Category::Medicines,
        "AllergyIntolerance" | "AdverseEvent" => Category::Allergies,
        "Observation" => observation(resource),
        "DiagnosticReport" => report(resource),
        "ImagingStudy" | "Specimen" | "Media" | "MolecularSequence" => Category::Laboratory,
        "Immunization" | "ImmunizationEvaluation" | "ImmunizationRecommendation" => {
            Category::Vaccines
        }
        "Encounter"
        | "EpisodeOfCare"
        | "Procedure"
        | "ServiceRequest"
        | "DocumentReference"
        | "Composition"
        | "Binary"
        | "CarePlan"
        | "CareTeam"
        | "Goal"
        | "Appointment"
        | "AppointmentResponse"
        | "Communication"
        | "CommunicationRequest"
        | "Task"
        | "NutritionOrder"
        | "VisionPrescription" => Category::Visits,
        _ => Category::Other,
    };
    category.bit()
}

/// Measures that are vital signs by their LOINC code, where no category says so: the FHIR R4 vital-signs profiles
/// (hl7.org/fhir/R4/observation-vitalsigns.html), oxygen saturation by pulse oximeter, waist and head circumference.
pub(super) const VITALS: [&str; 18] = [
    "85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8302-2", "8306-3", "9843-4",
    "8287-5", "29463-7", "3141-9", "39156-5", "59576-9", "85354-9", "8480-6", "8462-4", "8280-0",
];

fn observation(resource: &Value) -> Category {
    for coding in categories(resource) {
        match coding {
            "laboratory" | "imaging" => return Category::Laboratory,
            "vital-signs" | "exam" | "activity" => return Category::Vitals,
            "social-history" | "survey" | "therapy" | "procedure" => return Category::Other,
            _ => {}
        }
    }
    let codes = resource.get("code").map(|c| c.list("coding"));
    let vital = codes.into_iter().flatten().any(|coding| {
        coding.text("system") == Some(mx::systems::LOINC)
            && coding.text("code").is_some_and(|c| VITALS.contains(&c))
    });
    if vital {
        Category::Vitals
    } else {
        Category::Laboratory
    }
}

/// Categories of reports that are a visit's note and not a result: LOINC "History and physical note" and "Evaluation
/// + Plan note", under which public generators file their notes.
pub(super) const NOTES: [&str; 4] = ["34117-2", "51847-2", "11506-3", "34133-9"];

fn report(resource: &Value) -> Category {
    if categories(resource).any(|code| NOTES.contains(&code)) {
        Category::Visits
    } else {
        Category::Laboratory
    }
}

/// The codes in `category`.
fn categories(resource: &Value) -> impl Iterator<Item = &str> {
    resource
        .list("category")
        .iter()
        .flat_map(|concept| concept.list("coding"))
        .filter_map(|coding| coding.text("code"))
}
