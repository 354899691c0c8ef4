//! FHIR R4 resources as values: one function per kind, nothing decided here.

use crate::day::{Day, Moment};
use fhir::{Value, obj};
use mx::systems;

/// A CodeableConcept of one coding and a text in Spanish. The coding has no display: displays belong to their code
/// system, and a validator compares them with its own.
pub(crate) fn codeable(system: &str, code: &str, text: &str) -> Value {
    obj! { "coding" => [obj! { "system" => system, "code" => code }], "text" => text }
}
/// A CodeableConcept of one coding alone, for HL7's own codes.
fn code_only(system: &str, code: &str) -> Value {
    obj! { "coding" => [obj! { "system" => system, "code" => code }] }
}
/// A diagnosis by CIE-10.
pub(crate) fn cie10(code: &str, text: &str) -> Value {
    codeable(systems::CIE10, code, text)
}
pub(crate) fn reference(kind: &str, id: &str) -> Value {
    obj! { "reference" => format!("{kind}/{id}") }
}

/// A consultation or stay: what the other resources of the visit point to.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) id: String,
    pub(crate) patient: String,
    pub(crate) doctor: String,
    pub(crate) doctor_name: String,
    pub(crate) unit: String,
    pub(crate) unit_name: String,
    pub(crate) at: Moment,
}

impl Visit {
    fn subject(&self) -> Value {
        reference("Patient", &self.patient)
    }
    fn encounter(&self) -> Value {
        reference("Encounter", &self.id)
    }
    fn practitioner(&self) -> Value {
        obj! {
            "reference" => format!("Practitioner/{}", self.doctor),
            "display" => &self.doctor_name,
        }
    }
    /// The Encounter; `class` is AMB, EMER, IMP or VR, `minutes` its length.
    pub(crate) fn resource(
        &self,
        class: &str,
        kind: &str,
        minutes: i32,
        reasons: Vec<Value>,
    ) -> Value {
        obj! {
            "resourceType" => "Encounter",
            "id" => &self.id,
            "status" => "finished",
            "class" => obj! {
                "system" => "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code" => class,
            },
            "type" => [obj! { "text" => kind }],
            "subject" => self.subject(),
            "participant" => [obj! { "individual" => self.practitioner() }],
            "period" => obj! {
                "start" => self.at.to_string(), "end" => self.at.later(minutes).to_string(),
            },
            "reasonCode" => (!reasons.is_empty()).then_some(reasons),
            "serviceProvider" => obj! {
                "reference" => format!("Organization/{}", self.unit), "display" => &self.unit_name,
            },
        }
    }
    /// A Condition; `listed` puts it on the problem list, `end` resolves it.
    pub(crate) fn condition(
        &self,
        id: &str,
        code: Value,
        onset: Day,
        end: Option<Day>,
        listed: bool,
    ) -> Value {
        let (status, category) = match (end, listed) {
            (Some(_), true) => ("resolved", "problem-list-item"),
            (None, true) => ("active", "problem-list-item"),
            (Some(_), false) => ("resolved", "encounter-diagnosis"),
            (None, false) => ("active", "encounter-diagnosis"),
        };
        obj! {
            "resourceType" => "Condition",
            "id" => id,
            "clinicalStatus" => code_only("http://terminology.hl7.org/CodeSystem/condition-clinical", status),
            "verificationStatus" => code_only("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
            "category" => [code_only("http://terminology.hl7.org/CodeSystem/condition-category", category)],
            "code" => code,
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "onsetDateTime" => onset.to_string(),
            "abatementDateTime" => end.map(|day| day.to_string()),
            "recordedDate" => self.at.to_string(),
            "recorder" => self.practitioner(),
        }
    }
    /// An Observation without its value: the caller adds `valueQuantity` or components.
    pub(crate) fn observation(&self, id: &str, category: &str, loinc: &str, text: &str) -> Value {
        obj! {
            "resourceType" => "Observation",
            "id" => id,
            "status" => "final",
            "category" => [code_only("http://terminology.hl7.org/CodeSystem/observation-category", category)],
            "code" => codeable(systems::LOINC, loinc, text),
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "effectiveDateTime" => self.at.to_string(),
            "performer" => [self.practitioner()],
        }
    }
    /// A MedicationRequest.
    pub(crate) fn prescription(
        &self,
        id: &str,
        medicine: &crate::tables::Medicine,
        dose: &str,
        repeats: u32,
        reason: Option<Value>,
        status: &str,
    ) -> Value {
        obj! {
            "resourceType" => "MedicationRequest",
            "id" => id,
            "extension" => [obj! {
                "url" => systems::EXT_MEDICINE_GROUP, "valueCode" => &medicine.group,
            }],
            "status" => status,
            "intent" => "order",
            "medicationCodeableConcept" => codeable(systems::ATC, &medicine.atc, &medicine.name),
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "authoredOn" => self.at.to_string(),
            "requester" => self.practitioner(),
            "reasonCode" => reason.map(|reason| vec![reason]),
            "dosageInstruction" => [obj! { "text" => dose }],
            "dispenseRequest" => obj! { "numberOfRepeatsAllowed" => repeats },
        }
    }
    /// A note of the consultation.
    pub(crate) fn note(&self, id: &str, summary: &str) -> Value {
        obj! {
            "resourceType" => "ClinicalImpression",
            "id" => id,
            "status" => "completed",
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "effectiveDateTime" => self.at.to_string(),
            "date" => self.at.to_string(),
            "assessor" => self.practitioner(),
            "summary" => summary,
        }
    }
    /// A Procedure by CIE-9-MC.
    pub(crate) fn procedure(&self, id: &str, code: &str, text: &str, reason: Value) -> Value {
        obj! {
            "resourceType" => "Procedure",
            "id" => id,
            "status" => "completed",
            "code" => codeable("http://hl7.org/fhir/sid/icd-9-cm", code, text),
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "performedDateTime" => self.at.to_string(),
            "performer" => [obj! { "actor" => self.practitioner() }],
            "reasonCode" => [reason],
        }
    }
    /// A vaccine given.
    pub(crate) fn immunization(
        &self,
        id: &str,
        cvx: &str,
        name: &str,
        dose: u8,
        lot: &str,
    ) -> Value {
        obj! {
            "resourceType" => "Immunization",
            "id" => id,
            "status" => "completed",
            "vaccineCode" => codeable(systems::CVX, cvx, name),
            "patient" => self.subject(),
            "encounter" => self.encounter(),
            "occurrenceDateTime" => self.at.day.to_string(),
            "primarySource" => true,
            "lotNumber" => lot,
            "performer" => [obj! { "actor" => self.practitioner() }],
            "protocolApplied" => [obj! { "doseNumberPositiveInt" => u32::from(dose.max(1)) }],
        }
    }
    /// An allergy told at the visit.
    pub(crate) fn allergy(&self, id: &str, allergy: &crate::tables::Allergy) -> Value {
        let code = match &allergy.atc {
            Some(atc) => codeable(systems::ATC, atc, &allergy.name),
            None => obj! { "text" => &allergy.name },
        };
        obj! {
            "resourceType" => "AllergyIntolerance",
            "id" => id,
            "clinicalStatus" => code_only("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"),
            "verificationStatus" => code_only("http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "confirmed"),
            "type" => "allergy",
            "category" => [allergy.category.as_str()],
            "criticality" => &allergy.criticality,
            "code" => code,
            "patient" => self.subject(),
            "encounter" => self.encounter(),
            "recordedDate" => self.at.to_string(),
            "recorder" => self.practitioner(),
            "reaction" => [obj! { "manifestation" => [obj! { "text" => &allergy.reaction }] }],
        }
    }
    /// A referral to a specialty.
    pub(crate) fn referral(&self, id: &str, specialty: &str, reason: Value) -> Value {
        obj! {
            "resourceType" => "ServiceRequest",
            "id" => id,
            "status" => "completed",
            "intent" => "order",
            "code" => obj! { "text" => format!("Interconsulta a {specialty}") },
            "subject" => self.subject(),
            "encounter" => self.encounter(),
            "authoredOn" => self.at.to_string(),
            "requester" => self.practitioner(),
            "performerType" => obj! { "text" => specialty },
            "reasonCode" => [reason],
        }
    }
}

/// A Quantity in UCUM.
pub(crate) fn quantity(value: f64, decimals: usize, unit: &str, ucum: &str) -> Value {
    obj! {
        "value" => Value::decimal(format!("{value:.decimals$}")),
        "unit" => unit,
        "system" => systems::UCUM,
        "code" => ucum,
    }
}
