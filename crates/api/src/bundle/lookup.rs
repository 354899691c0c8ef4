//! What the conditions of a transaction match: of `ifNoneExist`, of conditional updates and deletions, and of
//! references such as `Practitioner?identifier=...`.
//!
//! All lookups in the record are read under one permit and opened by one act; those among what is nobody's under
//! another. Both are permits to search: what they hide matches nothing, and the commit looks again under the same ones
//! ([`store::Matched`]). A reference is resolved against what will be there: the archive without what the transaction
//! deletes or replaces, and the transaction's own resources. Cost: one search for each different condition, twice.

use super::{
    placed,
    plan::{Plan, Write},
    refer::{Names, conditional, inside},
    transaction::each_once,
};
use crate::{
    act::{condition, new_id, one_of},
    fault::Fault,
    negotiate::{Pairs, pairs},
    session::{Ask, Session, verbs},
    words::Words,
};
use fhir::{
    Issue, IssueCode, ResourceType,
    query::{Condition, Query, matches},
    search::{self, Catalog},
};
use std::collections::HashMap;
use store::{Current, Held, Matched, Verb};
use trust::{PersonRef, What};

/// A condition: a type and what is asked of it.
pub(super) type Wanted = (ResourceType, Pairs);

/// The conditions of a transaction, each once.
#[derive(Default)]
pub(super) struct Conditions {
    asked: Vec<(Wanted, Query)>,
    known: HashMap<Wanted, usize>,
    /// Where references stand that ask for a lookup: the condition, the reference as written, entry, path.
    references: Vec<(Wanted, String, usize, String)>,
    /// Matches looked for: two are enough to know that it is not one, but some of those may go with this transaction.
    limit: usize,
    words: Words,
}

/// What each condition matches in the archive.
pub(super) type Found = HashMap<Wanted, Matched>;

impl Conditions {
    /// Gathers them from the entries.
    pub(super) fn of(plan: &Plan, words: Words) -> Result<Conditions, Fault> {
        let replaced = plan.writes.iter().filter(|write| !write.create).count();
        let mut conditions = Conditions {
            limit: 2 + replaced.min(MOST_REPLACED),
            words,
            ..Conditions::default()
        };
        for write in &plan.writes {
            let own = own_condition(write).map_err(|fault| placed(fault, write.at))?;
            if let Some(asked) = own {
                conditions
                    .add((write.of, asked))
                    .map_err(|fault| placed(fault, write.at))?;
            }
            let Some(resource) = &write.resource else {
                continue;
            };
            for (text, path) in search::references(resource) {
                if let Some((of, asked)) = conditional(&text) {
                    let wanted = ResourceType::from_name(of)
                        .ok_or_else(|| {
                            let said = format!("`{text}` does not name a type of FHIR R4.");
                            Fault::of(400, vec![Issue::error(IssueCode::Value, &path, said)])
                        })
                        .and_then(|of| Ok((of, pairs(asked)?)))
                        .and_then(|wanted| conditions.add(wanted.clone()).map(|()| wanted))
                        .map_err(|fault| placed(fault, write.at))?;
                    conditions.references.push((wanted, text, write.at, path));
                }
            }
        }
        Ok(conditions)
    }

    fn add(&mut self, wanted: Wanted) -> Result<(), Fault> {
        if self.known.contains_key(&wanted) {
            return Ok(());
        }
        let query = condition(&self.words, wanted.0, &wanted.1)?;
        self.known.insert(wanted.clone(), self.asked.len());
        self.asked.push((wanted, query));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    fn query(&self, wanted: &Wanted) -> Option<&Query> {
        let at = *self.known.get(wanted)?;
        self.asked.get(at).map(|(_, query)| query)
    }
}

/// Entries that replace something, as far as they are counted for [`Conditions::limit`].
const MOST_REPLACED: usize = 100;

/// The condition that decides what an entry does: its `ifNoneExist`, or the one in its address.
fn own_condition(write: &Write) -> Result<Option<Pairs>, Fault> {
    match (&write.conditions, &write.wishes.if_none_exist) {
        (Some(asked), _) => Ok(Some(asked.clone())),
        (None, Some(text)) if write.create => {
            pairs(text.strip_prefix('?').unwrap_or(text)).map(Some)
        }
        _ => Ok(None),
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
        let mut found = self.look_up_under(&own, person, conditions.limit)?;
        found.extend(self.look_up_under(&shared, PersonRef::Nobody, conditions.limit)?);
        Ok(found)
    }

    fn look_up_under(
        &self,
        asked: &[&(Wanted, Query)],
        person: PersonRef,
        limit: usize,
    ) -> Result<Found, Fault> {
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
        let held: Vec<Held<Matched>> = asked
            .iter()
            .map(|(_, query)| store.matched(&grant.permit, query, limit))
            .collect::<store::Result<_>>()?;
        let Some(held) = Held::all(held) else {
            return Ok(Found::new());
        };
        let matched = self.open(&grant, held)?;
        let wanted = asked.iter().map(|(wanted, _)| wanted.clone());
        Ok(wanted.zip(matched).collect())
    }
}

/// An entry that is done without a write.
pub(super) struct Done {
    pub(super) at: usize,
    pub(super) of: ResourceType,
    /// What was there already; `None` for a deletion that matched nothing.
    pub(super) id: Option<String>,
}

/// Puts what was found into the plan: a conditional create that matches is not done, its entry's name means what was
/// there; a conditional update or deletion gets the id that it means; a conditional reference means what it matches.
/// Gives the entries that need no write.
pub(super) fn settle(
    plan: &mut Plan,
    names: &mut Names,
    conditions: &Conditions,
    found: &Found,
) -> Result<Vec<Done>, Fault> {
    let mut done = Vec::new();
    let mut made: HashMap<Wanted, String> = HashMap::new();
    let mut writes = Vec::with_capacity(plan.writes.len());
    for mut write in std::mem::take(&mut plan.writes) {
        let at = write.at;
        let kept =
            decided(&mut write, conditions, found, &mut made).map_err(|fault| placed(fault, at))?;
        if let (Some(name), Some(id)) = (&write.full_url, named(&write, &kept)) {
            names.insert(name.clone(), format!("{}/{id}", write.of));
        }
        match kept {
            None => writes.push(write),
            Some(id) => done.push(Done {
                at,
                of: write.of,
                id,
            }),
        }
    }
    plan.writes = writes;
    plan.each_once()?;
    refer(plan, names, conditions, found)?;
    Ok(done)
}

/// The id that an entry's name stands for.
fn named<'a>(write: &'a Write, kept: &'a Option<Option<String>>) -> Option<&'a str> {
    match kept {
        Some(there) => there.as_deref(),
        None => (!write.is_deletion()).then_some(write.id.as_str()),
    }
}

/// What becomes of one entry: `None` when it is to be written, else the id of what is there already, if anything is.
fn decided(
    write: &mut Write,
    conditions: &Conditions,
    found: &Found,
    made: &mut HashMap<Wanted, String>,
) -> Result<Option<Option<String>>, Fault> {
    let Some(asked) = own_condition(write)? else {
        return Ok(None);
    };
    let wanted = (write.of, asked);
    let ids = found.get(&wanted).map_or(&[][..], Matched::ids);
    let there = match conditions.query(&wanted) {
        Some(query) => one_of(query, ids)?.map(str::to_owned),
        None => None,
    };
    if write.create {
        let there = there.or_else(|| made.get(&wanted).cloned());
        if there.is_none() {
            made.insert(wanted, write.id.clone());
        }
        return Ok(there.map(Some));
    }
    let Some(resource) = &write.resource else {
        let Some(id) = there else {
            return match write.patch {
                Some(_) => Err(Fault::not_found(format!(
                    "No {} matches the condition.",
                    write.of
                ))),
                None => Ok(Some(None)),
            };
        };
        write.id = id;
        return Ok(None);
    };
    write.id = match (there, resource.text("id")) {
        (Some(id), None) => id,
        (Some(id), Some(own)) if id == own => id,
        (Some(id), Some(own)) => {
            let said = format!(
                "The condition matches {}/{id}, the body's id is `{own}`.",
                write.of
            );
            let place = format!("{}.id", write.of);
            return Err(Fault::of(
                400,
                vec![Issue::error(IssueCode::Invalid, place, said)],
            ));
        }
        (None, own) => {
            if write.expected.is_some() {
                let said = "request.ifMatch wants a version to be there, and nothing matches.";
                return Err(Fault::new(412, IssueCode::Conflict, said));
            }
            write.expected = Some(Current::Absent);
            own.map_or_else(new_id, |own| Ok(own.to_owned()))?
        }
    };
    Ok(None)
}

/// What each conditional reference means when all is written.
fn refer(
    plan: &Plan,
    names: &mut Names,
    conditions: &Conditions,
    found: &Found,
) -> Result<(), Fault> {
    for (wanted, text, at, path) in &conditions.references {
        // An entry that is not written refers to nothing.
        if names.contains_key(text) || !plan.writes.iter().any(|write| write.at == *at) {
            continue;
        }
        let replaced = |id: &str| {
            plan.writes
                .iter()
                .any(|write| write.of == wanted.0 && write.id == id)
        };
        let archived = found.get(wanted).map_or(&[][..], Matched::ids);
        let mut ids: Vec<String> = archived
            .iter()
            .filter(|id| !replaced(id))
            .cloned()
            .collect();
        if let Some(query) = conditions.query(wanted) {
            ids.extend(own_matches(plan, query, conditions.words.catalog()));
        }
        let [id] = ids.as_slice() else {
            let said = match ids.len() {
                0 => "matches nothing",
                _ => "matches more than one resource",
            };
            let said = format!("The reference `{text}` {said}.");
            let issue = Issue::error(IssueCode::NotFound, path, said);
            return Err(placed(Fault::of(412, vec![issue]), *at));
        };
        names.insert(text.clone(), format!("{}/{id}", wanted.0));
    }
    Ok(())
}

/// Ids of the transaction's own resources that a condition matches.
fn own_matches(plan: &Plan, query: &Query, catalog: &Catalog) -> Vec<String> {
    plan.writes
        .iter()
        .filter(|write| write.of == query.of)
        .filter(|write| {
            let Some(resource) = &write.resource else {
                return false;
            };
            let entries = catalog.extract(query.of, resource);
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
