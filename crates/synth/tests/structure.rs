//! Every resource is valid R4, the shared ones and the heroine's too.
#![allow(clippy::unwrap_used, clippy::panic)]

use fhir::Value;
use std::collections::BTreeSet;
use synth::{Country, Institution, transaction};

#[track_caller]
fn valid(resource: &Value) {
    if let Err(issues) = fhir::check(resource) {
        panic!("{issues:#?}\n{}", resource.to_pretty());
    }
    // What is written is read back the same.
    let again = fhir::json::parse(&resource.to_bytes(), &fhir::json::Limits::default()).unwrap();
    assert_eq!(&again, resource);
}

#[test]
fn every_resource_of_every_kind_is_valid() {
    let country = Country::mexico().unwrap();
    let mut kinds = BTreeSet::new();
    let lives = (0..500).map(|index| country.life(99, index));
    for life in lives.chain([country.heroine()]) {
        for record in &life.records {
            for entry in &record.entries {
                valid(entry);
                kinds.insert(entry.text("resourceType").unwrap().to_owned());
            }
        }
    }
    for kind in [
        "AllergyIntolerance",
        "ClinicalImpression",
        "Condition",
        "Encounter",
        "Immunization",
        "MedicationRequest",
        "Observation",
        "Patient",
        "Procedure",
        "ServiceRequest",
    ] {
        assert!(kinds.contains(kind), "{kind} never occurred");
    }
}

#[test]
fn what_institutions_share_is_valid() {
    let country = Country::mexico().unwrap();
    for institution in Institution::ALL {
        let shared = country.shared(institution);
        assert!(shared.len() > 90);
        shared.iter().for_each(valid);
    }
}

#[test]
fn a_transaction_puts_each_resource_at_its_id() {
    let country = Country::mexico().unwrap();
    let her = country.heroine();
    let record = her.at(Institution::Imss).unwrap();
    let bundle = transaction(&record.entries);
    valid(&bundle);
    assert_eq!(bundle.list("entry").len(), record.entries.len());
    let url = bundle.text("entry.0.request.url").unwrap();
    assert_eq!(url, format!("Patient/{}", record.patient_id));
}
