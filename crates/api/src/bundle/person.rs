//! Whose record a transaction is about.

use super::{
    plan::{Plan, Write},
    refer::{Names, conditional, rename},
};
use crate::{
    act::curp_of,
    fault::Fault,
    negotiate::{Pairs, pairs},
    seek,
    session::Session,
    words::Words,
};
use fhir::{
    IssueCode, ResourceType, Value,
    query::{Handling, Query},
    search,
};
use trust::PersonRef;

impl Session<'_> {
    /// The institution's own software writes for everyone it holds; whoever else sends a transaction writes in one
    /// person's record, hers or her patient's.
    pub(super) fn person_of(&self, plan: &Plan, names: &Names) -> Result<PersonRef, Fault> {
        if self.of_the_house() {
            return Ok(PersonRef::Everyone);
        }
        let words = self.words();
        let mut people: Vec<PersonRef> = Vec::new();
        let mut deleted = None;
        for write in &plan.writes {
            let person = match &write.resource {
                Some(resource) => {
                    let hers = written(&words, write, resource, plan, names);
                    hers.or_else(|| named(&words, write))
                }
                None if write.conditions.is_some() => named(&words, write),
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

/// Whom the conditions in an entry's address name.
fn named(words: &Words, write: &Write) -> Option<PersonRef> {
    let query = understood(words, write.of, write.conditions.as_ref()?)?;
    seek::person(&query)
}

fn written(
    words: &Words,
    write: &Write,
    resource: &Value,
    plan: &Plan,
    names: &Names,
) -> Option<PersonRef> {
    let of = write.of;
    if of.name() == "Patient" {
        // Whose id is not known yet is known by her CURP.
        let unsettled = write.create || write.conditions.is_some();
        return match (unsettled, curp_of(resource)) {
            (true, Some(curp)) => Some(PersonRef::Curp(curp)),
            (true, None) if write.conditions.is_some() => None,
            _ => Some(PersonRef::Patient(write.id.clone())),
        };
    }
    let mut resource = resource.clone();
    rename(&mut resource, names, write.full_url.as_deref());
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
            seek::person(&understood(words, of, &pairs(conditions).ok()?)?)
        })
}

fn understood(words: &Words, of: ResourceType, pairs: &Pairs) -> Option<Query> {
    words.query(of, pairs, Handling::Strict).ok()
}
