//! Whose record a transaction is about.

use super::{
    plan::Plan,
    refer::{Names, conditional, rename},
};
use crate::{act::curp_of, fault::Fault, negotiate::pairs, seek, session::Session};
use fhir::{IssueCode, ResourceType, Value, query, search};
use trust::PersonRef;

impl Session<'_> {
    /// The institution's own software writes for everyone it holds; whoever else sends a transaction writes in one
    /// person's record, hers or her patient's.
    pub(super) fn person_of(&self, plan: &Plan, names: &Names) -> Result<PersonRef, Fault> {
        if self.of_the_house() {
            return Ok(PersonRef::Everyone);
        }
        let mut people: Vec<PersonRef> = Vec::new();
        let mut deleted = None;
        for write in &plan.writes {
            let person = match &write.resource {
                Some(resource) => written(write.of, &write.id, write.create, resource, plan, names),
                None if write.of.name() == "Patient" => Some(PersonRef::Patient(write.id.clone())),
                None => {
                    deleted.get_or_insert(PersonRef::Resource(write.of, write.id.clone()));
                    None
                }
            };
            if let Some(person) = person.filter(|person| !people.contains(person)) {
                people.push(person);
            }
        }
        let mut people = people.into_iter();
        match (people.next(), people.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Ok(deleted.unwrap_or(PersonRef::Nobody)),
            (Some(_), Some(_)) => Err(Fault::new(
                403,
                IssueCode::Forbidden,
                "This transaction writes in the records of several persons; send one for each. Only the institution's own software writes for several at once.",
            )),
        }
    }
}

fn written(
    of: ResourceType,
    id: &str,
    create: bool,
    resource: &Value,
    plan: &Plan,
    names: &Names,
) -> Option<PersonRef> {
    if of.name() == "Patient" {
        return Some(match (create, curp_of(resource)) {
            (true, Some(curp)) => PersonRef::Curp(curp),
            _ => PersonRef::Patient(id.to_owned()),
        });
    }
    let mut resource = resource.clone();
    rename(&mut resource, names);
    if let Some(patient) = search::patients(of, &resource).into_iter().next() {
        // A patient who comes with the bundle is not known under that id yet.
        let new = plan
            .writes
            .iter()
            .find(|w| w.create && w.of.name() == "Patient" && w.id == patient);
        let curp = new.and_then(|write| curp_of(write.resource.as_ref()?));
        return Some(curp.map_or(PersonRef::Patient(patient), PersonRef::Curp));
    }
    search::references(&resource)
        .iter()
        .filter_map(|(text, _)| conditional(text))
        .find_map(|(of, conditions)| {
            let of = ResourceType::from_name(of).filter(|of| of.name() == "Patient")?;
            seek::person(
                &query::parse(
                    &fhir::search::Catalog::r4(),
                    of,
                    &pairs(conditions).ok()?,
                    query::Handling::Strict,
                )
                .ok()?,
            )
        })
}
