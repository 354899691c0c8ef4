//! Whose record a search is about, and what it is called in the log.

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

fn subject_named(condition: &Condition) -> Option<PersonRef> {
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

/// The types that a search must be able to open: its own, those it reaches through references, those it includes.
fn types(query: &Query) -> Vec<ResourceType> {
    let mut types = vec![query.of];
    for condition in &query.conditions {
        condition.types(&mut types);
    }
    types.extend(query.revinclude.iter().filter_map(|include| include.source));
    for include in &query.include {
        let targets = include
            .parameter
            .map_or(&[][..], |parameter| parameter.targets);
        match include.target {
            Some(target) => types.push(target),
            None => types.extend(
                targets
                    .iter()
                    .filter_map(|name| ResourceType::from_name(name)),
            ),
        }
    }
    types.sort_unstable_by_key(|of| of.as_u16());
    types.dedup();
    types
}

/// `GET Observation?patient=...&code=...`: names, never values.
fn told(query: &Query) -> What {
    let names: Vec<String> = query
        .conditions
        .iter()
        .map(|condition| format!("{}=...", condition.name()))
        .collect();
    let mut said = format!("GET {}", query.of);
    if !names.is_empty() {
        said.push('?');
        said.push_str(&names.join("&"));
    }
    What::Interaction(said)
}

impl Session<'_> {
    /// The question that a search puts to the gate.
    ///
    /// The institution's own software may search all that the institution holds. Others search one person's record, and
    /// must say whose; the person herself means her own. The desk's search for a patient by CURP is a lookup: who she
    /// is, nothing of her health. What is nobody's record (organisations, practitioners) is searched as such.
    pub(crate) fn ask_to_search(&self, query: &Query) -> Result<Ask, Fault> {
        let named = person(query);
        let mut what = told(query);
        let person = match named {
            Some(person) => {
                let desk = matches!(self.actor.role, Role::Clerk);
                if desk && query.of.name() == "Patient" {
                    what = What::Find;
                }
                person
            }
            None if self.of_the_house() => PersonRef::Everyone,
            None if !self.is_kept_from(query.of) => PersonRef::Nobody,
            None => match (&self.actor.role, &self.actor.curp) {
                (Role::Patient, Some(curp)) => PersonRef::Curp(curp.clone()),
                _ => PersonRef::Everyone,
            },
        };
        Ok(Ask {
            person,
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: Some(types(query)),
            what,
        })
    }

    /// Explains to whoever searched without naming anyone that she must.
    pub(crate) fn explain_search(&self, query: &Query, fault: Fault) -> Fault {
        if fault.status != 403 || person(query).is_some() || !self.is_kept_from(query.of) {
            return fault;
        }
        let said = match query.of.name() {
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

    #[test]
    fn the_log_is_told_names_and_never_values() {
        let of = ResourceType::from_name("Observation").unwrap();
        let pairs = [
            ("patient".to_owned(), "p1".to_owned()),
            ("code".to_owned(), "4548-4".to_owned()),
        ];
        let query = fhir::query::parse(
            &fhir::search::Catalog::r4(),
            of,
            &pairs,
            fhir::query::Handling::Strict,
        )
        .unwrap();
        assert_eq!(
            told(&query),
            What::Interaction("GET Observation?patient=...&code=...".into())
        );
    }
}
