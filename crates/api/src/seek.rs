//! Whose record a search is about, and what it is called in the log.

use crate::act::Sought;
use crate::fault::Fault;
use crate::session::{Ask, Session, verbs};
use fhir::{
    IssueCode, ResourceType,
    query::{Condition, Modifier, Query, Wanted},
};
use mx::Curp;
use store::Verb;
use trust::{PersonRef, Role, What};

/// Search parameters that name the patient a resource is about.
const PATIENT_PARAMETERS: [&str; 2] = ["patient", "subject"];

/// The person that the conditions of a search name, if they name exactly one.
pub(crate) fn person(query: &Query) -> Option<PersonRef> {
    query
        .conditions
        .iter()
        .find_map(|condition| match query.of.name() {
            "Patient" => patient_named(condition),
            _ => subject_named(condition),
        })
}

fn patient_named(condition: &Condition) -> Option<PersonRef> {
    let Condition::Is(clause) = condition else {
        return None;
    };
    if clause.modifier != Modifier::None {
        return None;
    }
    match (clause.parameter.code, clause.values.as_slice()) {
        ("_id", [Wanted::Id(id)]) => Some(PersonRef::Patient(id.clone())),
        ("_id", [Wanted::Token { code: Some(id), .. }]) => Some(PersonRef::Patient(id.clone())),
        (
            "identifier",
            [
                Wanted::Token {
                    system,
                    code: Some(code),
                },
            ],
        ) => curp(system, code),
        _ => None,
    }
}

/// A token that is a CURP by its system, or by its form where no system is given.
fn curp(system: &Option<String>, code: &str) -> Option<PersonRef> {
    match system.as_deref() {
        Some(mx::systems::CURP) => {}
        None if Curp::parse(code).is_ok() => {}
        _ => return None,
    }
    Some(PersonRef::Curp(code.to_owned()))
}

/// Whom a condition names that says whose a resource is.
pub(crate) fn subject_named(condition: &Condition) -> Option<PersonRef> {
    let clause = match condition {
        Condition::Is(clause) => clause,
        Condition::Refers { parameter, targets }
            if PATIENT_PARAMETERS.contains(&parameter.code) =>
        {
            return match targets.as_slice() {
                [(of, there)] if of.name() == "Patient" => patient_named(there),
                _ => None,
            };
        }
        _ => return None,
    };
    if !PATIENT_PARAMETERS.contains(&clause.parameter.code) {
        return None;
    }
    match (clause.modifier, clause.values.as_slice()) {
        (Modifier::None, [Wanted::Reference(reference)]) => {
            let id = reference.strip_prefix("Patient/")?;
            Some(PersonRef::Patient(id.to_owned()))
        }
        (
            Modifier::Identifier,
            [
                Wanted::Token {
                    system,
                    code: Some(code),
                },
            ],
        ) => curp(system, code),
        _ => None,
    }
}

/// The person that all queries of a search name, as far as they are on what belongs to people.
fn person_of(sought: &Sought) -> Option<PersonRef> {
    if sought.person.is_some() {
        return sought.person.clone();
    }
    let one = sought.queries.len() == 1;
    let hers = |query: &&Query| query.of.name() == "Patient" || query.of.is_personal();
    let mut people = sought
        .queries
        .iter()
        .filter(|query| one || hers(query))
        .map(person);
    let first = people.next()??;
    people
        .all(|other| other.as_ref() == Some(&first))
        .then_some(first)
}

/// The types that a search must be able to open: its own, those it reaches through references, those it includes;
/// `None` for any, when it includes by `*`.
fn types(queries: &[Query]) -> Option<Vec<ResourceType>> {
    let mut types: Vec<ResourceType> = queries.iter().map(|query| query.of).collect();
    for query in queries {
        for condition in &query.conditions {
            condition.types(&mut types);
        }
    }
    // What is included is the same for all of them.
    let first = queries.first()?;
    for include in &first.revinclude {
        types.push(include.source?);
    }
    for include in &first.include {
        match (include.target, include.parameter) {
            (Some(target), _) => types.push(target),
            (None, Some(parameter)) => {
                let targets = parameter.targets.iter();
                types.extend(targets.filter_map(|name| ResourceType::from_name(name)));
            }
            (None, None) => return None,
        }
    }
    types.sort_unstable_by_key(|of| of.as_u16());
    types.dedup();
    Some(types)
}

impl Session<'_> {
    /// The question that a search puts to the gate.
    ///
    /// The institution's own software may search all that the institution holds. Others search one person's record, and
    /// must say whose; the person herself means her own. The desk's search for a patient by CURP is a lookup: who she
    /// is, nothing of her health. What is nobody's record (organisations, practitioners) is searched as such.
    pub(crate) fn ask_to_search(&self, sought: &Sought) -> Result<Ask, Fault> {
        let mut what = What::Interaction(sought.told.clone());
        let person = match person_of(sought) {
            Some(person) => {
                let desk = matches!(self.actor.role, Role::Clerk);
                let patients = |query: &Query| query.of.name() == "Patient";
                if desk && sought.queries.iter().all(patients) {
                    what = What::Find;
                }
                person
            }
            None if self.of_the_house() => PersonRef::Everyone,
            None if !self.keeps_people(sought) => PersonRef::Nobody,
            None => match (&self.actor.role, &self.actor.curp) {
                (Role::Patient, Some(curp)) => PersonRef::Curp(curp.clone()),
                _ => PersonRef::Everyone,
            },
        };
        Ok(Ask {
            person,
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: types(&sought.queries),
            what,
        })
    }

    /// Whether a search is on anything that belongs to people whom the caller may not know.
    fn keeps_people(&self, sought: &Sought) -> bool {
        let mut queries = sought.queries.iter();
        queries.any(|query| self.is_kept_from(query.of))
    }

    /// Explains to whoever searched without naming anyone that she must.
    pub(crate) fn explain_search(&self, sought: &Sought, fault: Fault) -> Fault {
        if fault.status != 403 || person_of(sought).is_some() || !self.keeps_people(sought) {
            return fault;
        }
        let of = sought.queries.first().map_or("", |query| query.of.name());
        let said = match of {
            "Patient" => "identifier=https://tejido.mx/id/curp|... or _id=...",
            _ => "patient=..., or patient.identifier=https://tejido.mx/id/curp|...",
        };
        let mut explained = Fault {
            issues: Vec::new(),
            ..fault
        };
        explained.issues.push(fhir::Issue::error(
            IssueCode::Forbidden,
            "",
            format!("Say whose record you search: {said}. Searches over everyone are for the institution's own software."),
        ));
        if let Some(refusal) = &mut explained.refusal {
            refusal.0 = format!(
                "Di de quién es el expediente que buscas: {said}. Buscar entre todas las personas es solo para el sistema de la institución."
            );
        }
        explained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(of: &str, pairs: &[(&str, &str)]) -> Option<PersonRef> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let of = ResourceType::from_name(of).unwrap();
        person(
            &fhir::query::parse(
                &fhir::search::Catalog::r4(),
                of,
                &pairs,
                fhir::query::Handling::Strict,
            )
            .unwrap(),
        )
    }
    fn patient(id: &str) -> Option<PersonRef> {
        Some(PersonRef::Patient(id.into()))
    }

    #[test]
    fn a_search_names_its_person_in_several_ways() {
        assert_eq!(
            named("Observation", &[("code", "1"), ("patient", "p1")]),
            patient("p1")
        );
        assert_eq!(
            named("Observation", &[("subject", "Patient/p1")]),
            patient("p1")
        );
        assert_eq!(named("Patient", &[("_id", "p1")]), patient("p1"));
        let curp = "HEGG560427MVZRRL04";
        let by_curp = Some(PersonRef::Curp(curp.into()));
        let token = format!("{}|{curp}", mx::systems::CURP);
        assert_eq!(named("Patient", &[("identifier", &token)]), by_curp);
        assert_eq!(
            named("Observation", &[("patient.identifier", &token)]),
            by_curp
        );
    }

    #[test]
    fn two_people_or_none_are_nobody_named() {
        assert_eq!(named("Observation", &[("patient", "p1,p2")]), None);
        assert_eq!(named("Observation", &[("subject", "Group/g")]), None);
        assert_eq!(
            named("Patient", &[("identifier", "https://other|12")]),
            None
        );
        assert_eq!(named("Patient", &[("name", "ana")]), None);
    }
}
