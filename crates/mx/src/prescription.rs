//! What a prescription must show, as data: articles 28 to 31 of the Reglamento de Insumos para la Salud (RIS) and the
//! FEUM supplement for pharmacies, read in secondary sources.

use crate::medicine::MedicineGroup;

/// A thing that stands on a prescription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Full name of the prescriber.
    PrescriberName,
    /// Address of the prescriber.
    PrescriberAddress,
    /// Licence number.
    Cedula,
    /// School that granted the degree.
    School,
    /// Specialty, with its own licence number, of a specialist.
    Specialty,
    /// Day of issue.
    Date,
    /// Signature, by hand or legally equivalent.
    Signature,
    /// Patient's name.
    PatientName,
    /// Patient's age.
    PatientAge,
    /// Generic name of the medicine.
    GenericName,
    /// Dose.
    Dose,
    /// Presentation.
    Presentation,
    /// Route.
    Route,
    /// Frequency.
    Frequency,
    /// Duration of the treatment.
    Duration,
    /// Diagnosis.
    Diagnosis,
    /// Bar code of a special prescription.
    SpecialForm,
}

/// One thing required, and where that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRule {
    /// What must be there.
    pub element: Element,
    /// When.
    pub when: When,
    /// Where it is written.
    pub source: &'static str,
}

/// When a thing is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On every prescription.
    Always,
    /// If the prescriber writes as a specialist.
    Specialist,
    /// If the medicine is of group I.
    Narcotic,
}

const fn rule(element: Element, when: When, source: &'static str) -> ContentRule {
    ContentRule {
        element,
        when,
        source,
    }
}

/// The rules, in the order in which a prescription reads.
pub const CONTENT: [ContentRule; 17] = [
    rule(Element::PrescriberName, When::Always, "RIS art. 29"),
    rule(Element::PrescriberAddress, When::Always, "RIS art. 29"),
    rule(Element::Cedula, When::Always, "RIS art. 29"),
    rule(Element::School, When::Always, "FEUM supplement"),
    rule(Element::Specialty, When::Specialist, "FEUM supplement"),
    rule(Element::Date, When::Always, "RIS art. 29"),
    rule(Element::Signature, When::Always, "RIS art. 29"),
    rule(Element::PatientName, When::Always, "FEUM supplement"),
    rule(Element::PatientAge, When::Always, "FEUM supplement"),
    rule(Element::GenericName, When::Always, "RIS art. 31"),
    rule(Element::Dose, When::Always, "RIS art. 30"),
    rule(Element::Presentation, When::Always, "RIS art. 30"),
    rule(Element::Route, When::Always, "RIS art. 30"),
    rule(Element::Frequency, When::Always, "RIS art. 30"),
    rule(Element::Duration, When::Always, "RIS art. 30"),
    rule(
        Element::Diagnosis,
        When::Narcotic,
        "Ley General de Salud art. 241",
    ),
    rule(
        Element::SpecialForm,
        When::Narcotic,
        "Ley General de Salud art. 241",
    ),
];

/// What is required for this medicine and prescriber and not among `present`, each with its source.
pub fn missing(
    present: &[Element],
    group: MedicineGroup,
    specialist: bool,
) -> impl Iterator<Item = &'static ContentRule> {
    CONTENT.iter().filter(move |rule| {
        let needed = match rule.when {
            When::Always => true,
            When::Specialist => specialist,
            When::Narcotic => group == MedicineGroup::I,
        };
        needed && !present.contains(&rule.element)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lacks_is_named_with_its_source() {
        let all: Vec<Element> = CONTENT
            .iter()
            .map(|rule| rule.element)
            .filter(|element| !matches!(element, Element::Duration | Element::Diagnosis))
            .collect();
        let lacks = |group| -> Vec<_> {
            missing(&all, group, true)
                .map(|rule| (rule.element, rule.source))
                .collect()
        };
        assert_eq!(
            lacks(MedicineGroup::IV),
            [(Element::Duration, "RIS art. 30")]
        );
        assert_eq!(lacks(MedicineGroup::I).len(), 2);
    }
}
