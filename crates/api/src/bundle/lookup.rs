//! What the conditions of a transaction match: of `ifNoneExist`, and of references such as `Practitioner?identifier=...`.
//!
//! All lookups in the record are read under one permit and opened by one act; those among what is nobody's under another. A reference is looked for in the
//! archive first and then among the transaction's own resources. Cost: one search for each different condition.

use super::{
    placed,
    plan::Plan,
    refer::{Names, conditional, inside},
    transaction::each_once,
};
use crate::{
    act::condition,
    fault::Fault,
    session::{Ask, Session, verbs},
};
use fhir::{
    Issue, IssueCode, ResourceType,
    query::{Condition, Query, matches},
    search,
};
use std::collections::HashMap;
use store::{Held, Page, Verb};
use trust::{PersonRef, What};

/// A condition: a type and what is asked of it, as written.
pub(super) type Wanted = (ResourceType, String);

/// The conditions of a transaction, each once, with the place where it first stands.
#[derive(Default)]
pub(super) struct Conditions {
    asked: Vec<(Wanted, Query)>,
    places: HashMap<Wanted, (usize, String)>,
}

/// The ids that each condition matches in the archive; at most two.
pub(super) type Found = HashMap<Wanted, Vec<String>>;

impl Conditions {
    /// Gathers them from the entries.
    pub(super) fn of(plan: &Plan) -> Result<Conditions, Fault> {
        let mut conditions = Conditions::default();
        for write in &plan.writes {
            let Some(resource) = &write.resource else {
                continue;
            };
            if let Some(text) = write.wishes.if_none_exist.as_ref().filter(|_| write.create) {
                conditions.add(write.of, text, write.at, "request.ifNoneExist")?;
            }
            for (text, path) in search::references(resource) {
                if let Some((of, asked)) = conditional(&text) {
                    let of = ResourceType::from_name(of).ok_or_else(|| {
                        let said = format!("`{text}` does not name a type of FHIR R4.");
                        placed(
                            Fault::of(400, vec![Issue::error(IssueCode::Value, &path, said)]),
                            write.at,
                        )
                    })?;
                    conditions.add(of, asked, write.at, &path)?;
                }
            }
        }
        Ok(conditions)
    }

    fn add(&mut self, of: ResourceType, text: &str, at: usize, path: &str) -> Result<(), Fault> {
        let wanted = (of, text.to_owned());
        if self.places.contains_key(&wanted) {
            return Ok(());
        }
        let mut query = condition(of, text).map_err(|fault| placed(fault, at))?;
        // Two matches are enough to know that it is not one.
        query.count = 2;
        query.include.clear();
        query.revinclude.clear();
        query.only_count = false;
        self.places.insert(wanted.clone(), (at, path.to_owned()));
        self.asked.push((wanted, query));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    pub(super) fn place(&self, wanted: &Wanted) -> (usize, String) {
        self.places.get(wanted).cloned().unwrap_or_default()
    }
}

impl Session<'_> {
    /// Looks the conditions up in the record that the transaction is about, and among what is nobody's.
    pub(super) fn look_up(
        &self,
        conditions: &Conditions,
        person: PersonRef,
    ) -> Result<Found, Fault> {
        let (own, shared): (Vec<_>, Vec<_>) = conditions
            .asked
            .iter()
            .partition(|((of, _), _)| self.of_the_house() || self.is_kept_from(*of));
        let mut found = self.look_up_under(&own, person)?;
        found.extend(self.look_up_under(&shared, PersonRef::Nobody)?);
        Ok(found)
    }

    fn look_up_under(&self, asked: &[&(Wanted, Query)], person: PersonRef) -> Result<Found, Fault> {
        if asked.is_empty() {
            return Ok(Found::new());
        }
        let grant = self.decide(Ask {
            person,
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: Some(each_once(asked.iter().map(|((of, _), _)| *of))),
            what: What::Interaction("POST transaction".into()),
        })?;
        let store = self.house.gate.store();
        let held: Vec<Held<Page>> = asked
            .iter()
            .map(|(_, query)| store.search(&grant.permit, query, None))
            .collect::<store::Result<_>>()?;
        let Some(held) = Held::all(held) else {
            return Ok(Found::new());
        };
        let pages = self.open(&grant, held)?;
        let ids = |page: Page| page.matches.into_iter().map(|version| version.id).collect();
        Ok(asked
            .iter()
            .map(|(wanted, _)| wanted.clone())
            .zip(pages.into_iter().map(ids))
            .collect())
    }
}

/// Puts what was found into the plan: a conditional create that matches is not done, its entry's name means what was
/// there; a conditional reference means what it matches. Gives the creates that were not done: entry, type, id.
pub(super) fn settle(
    plan: &mut Plan,
    names: &mut Names,
    conditions: &Conditions,
    found: &Found,
) -> Result<Vec<(usize, ResourceType, String)>, Fault> {
    let mut there = Vec::new();
    let mut made: HashMap<Wanted, String> = HashMap::new();
    let mut failed = None;
    plan.writes.retain(|write| {
        let Some(text) = write.wishes.if_none_exist.as_ref().filter(|_| write.create) else {
            return true;
        };
        let wanted = (write.of, text.clone());
        let id = match found.get(&wanted).map(Vec::as_slice) {
            Some([id]) => id.clone(),
            None | Some([]) => match made.get(&wanted) {
                Some(id) => id.clone(),
                None => {
                    made.insert(wanted, write.id.clone());
                    return true;
                }
            },
            Some(_) => {
                failed.get_or_insert(write.at);
                return true;
            }
        };
        if let Some(name) = &write.full_url {
            names.insert(name.clone(), format!("{}/{id}", write.of));
        }
        there.push((write.at, write.of, id));
        false
    });
    if let Some(at) = failed {
        let fault = Fault::new(
            412,
            IssueCode::Duplicate,
            "ifNoneExist matches more than one resource.",
        );
        return Err(placed(fault, at));
    }
    for (wanted, query) in &conditions.asked {
        let (at, path) = conditions.place(wanted);
        if path == "request.ifNoneExist" && !is_referred(plan, wanted) {
            continue;
        }
        let archived = found.get(wanted).cloned().unwrap_or_default();
        let ids = match archived.is_empty() {
            true => own_matches(plan, query),
            false => archived,
        };
        let [id] = ids.as_slice() else {
            let said = match ids.len() {
                0 => "matches nothing",
                _ => "matches more than one resource",
            };
            let said = format!("The reference `{}?{}` {said}.", wanted.0, wanted.1);
            let issue = Issue::error(IssueCode::NotFound, path, said);
            return Err(placed(Fault::of(412, vec![issue]), at));
        };
        let name = format!("{}?{}", wanted.0, wanted.1);
        names.insert(name, format!("{}/{id}", wanted.0));
    }
    Ok(there)
}

/// Whether a condition that an `ifNoneExist` also has stands in a reference.
fn is_referred(plan: &Plan, wanted: &Wanted) -> bool {
    let name = format!("{}?{}", wanted.0, wanted.1);
    let resources = plan
        .writes
        .iter()
        .filter_map(|write| write.resource.as_ref());
    resources
        .flat_map(search::references)
        .any(|(text, _)| text == name)
}

/// Ids of the transaction's own resources that a condition matches.
fn own_matches(plan: &Plan, query: &Query) -> Vec<String> {
    plan.writes
        .iter()
        .filter(|write| write.of == query.of)
        .filter(|write| {
            let Some(resource) = &write.resource else {
                return false;
            };
            let entries = search::extract(query.of, resource);
            query.conditions.iter().all(|condition| match condition {
                Condition::Is(clause) => matches(clause, &entries),
                // What is about other resources is the archive's to say.
                _ => false,
            })
        })
        .map(|write| write.id.clone())
        .collect()
}

/// Refuses references to entries that the bundle does not have.
pub(super) fn all_resolved(plan: &Plan) -> Result<(), Fault> {
    let mut issues = Vec::new();
    for write in &plan.writes {
        let Some(resource) = &write.resource else {
            continue;
        };
        for (text, path) in search::references(resource) {
            if inside(&text) && issues.len() < 50 {
                let said = format!("The bundle has no entry with the fullUrl `{text}`.");
                let issue = Issue::error(IssueCode::NotFound, path, said);
                issues.extend(placed(Fault::of(422, vec![issue]), write.at).issues);
            }
        }
    }
    match issues.is_empty() {
        true => Ok(()),
        false => Err(Fault::of(422, issues)),
    }
}
