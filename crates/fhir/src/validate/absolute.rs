//! URIs that must be absolute, since others than the reader of this one file must understand them.

use super::{item::Item, walk::Walk};
use crate::{
    IssueCode,
    check::{near, place::Place},
};

impl<'v> Walk<'v> {
    /// The canonical URL of a definition, and the code system that a value set draws on.
    pub(super) fn absolute(&mut self, item: &Item<'v>, node: &str, place: &Place<'_>) {
        let (name, at) = match node {
            "ValueSet.compose.include" | "ValueSet.compose.exclude" => ("system", *place),
            _ if DEFINITIONS.contains(&node) => ("url", place.member("url")),
            _ => return,
        };
        if let Some(uri) = item.text(name).filter(|uri| !uri.contains(':')) {
            self.wrong(
                IssueCode::Invalid,
                &at,
                format!(
                    "`{name}` is {}; expected an absolute URI",
                    near::quoted(uri)
                ),
            );
        }
    }
}

/// Types that others name by canonical URL.
const DEFINITIONS: &[&str] = &[
    "ActivityDefinition",
    "CapabilityStatement",
    "ChargeItemDefinition",
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "EffectEvidenceSynthesis",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "GraphDefinition",
    "ImplementationGuide",
    "Library",
    "Measure",
    "MessageDefinition",
    "NamingSystem",
    "OperationDefinition",
    "PlanDefinition",
    "Questionnaire",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "RiskEvidenceSynthesis",
    "SearchParameter",
    "StructureDefinition",
    "StructureMap",
    "TerminologyCapabilities",
    "TestScript",
    "ValueSet",
];
