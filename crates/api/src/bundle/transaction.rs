//! A transaction: understood, looked up, written in one commit with one act; then its reads.

use super::{
    entry::Entry,
    lookup::{Conditions, all_resolved, settle},
    plan::{Plan, Write},
    refer::{Names, rename},
};
use crate::{
    fault::Fault,
    reply::{Body, Reply},
    session::{Ask, Outcome, Session, verbs},
};
use fhir::ResourceType;
use store::{Change, Verb};
use trust::{Grant, PersonRef, What};

impl Session<'_> {
    /// The outcomes of the entries in their order. A fault of any write is the fault of all, and nothing is stored;
    /// reads come after the commit and answer each for itself.
    pub(super) fn transaction(&self, entries: Vec<Entry>) -> Result<Vec<Outcome>, Fault> {
        let plan = Plan::new(entries)?;
        let size = plan.size;
        let reads = plan.reads.clone();
        let mut results: Vec<Option<Outcome>> = vec![None; size];
        if !plan.writes.is_empty() {
            for (at, reply) in self.write_all(plan)? {
                put(&mut results, at, Ok(reply));
            }
        }
        for (at, op, wishes) in reads {
            let outcome = self.act(op, &wishes);
            put(&mut results, at, outcome);
        }
        Ok(results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(Fault::ours())))
            .collect())
    }

    fn write_all(&self, mut plan: Plan) -> Result<Vec<(usize, Reply)>, Fault> {
        let mut names = plan.names();
        let conditions = Conditions::of(&plan)?;
        let person = self.person_of(&plan, &names)?;
        let grant = self.grant_to_write(&plan, person.clone())?;
        // What was looked up must still hold when it is written.
        let _lane = (!conditions.is_empty()).then(|| self.house.conditional_lane());
        let mut there = Vec::new();
        if !conditions.is_empty() {
            let found = self.look_up(&conditions, person)?;
            there = settle(&mut plan, &mut names, &conditions, &found)?;
        }
        self.rename_all(&mut plan, &names);
        all_resolved(&plan)?;
        let mut replies: Vec<(usize, Reply)> = there
            .into_iter()
            .map(|(at, of, id)| (at, was_there(of, &id)))
            .collect();
        let order: Vec<usize> = plan.writes.iter().map(|write| write.at).collect();
        let conditional: Vec<(ResourceType, String)> = plan
            .writes
            .iter()
            .filter(|write| write.wishes.if_match.is_some())
            .map(|write| (write.of, write.id.clone()))
            .collect();
        let changes: Vec<Change> = plan.writes.into_iter().map(change).collect();
        if !changes.is_empty() {
            let committed = self
                .house
                .gate
                .write(&grant, changes, self.now)
                .map_err(|error| self.write_fault(error, conditional))?;
            let written = committed.written.iter().map(Reply::written);
            replies.extend(order.into_iter().zip(written));
        }
        Ok(replies)
    }

    /// One permit for all that is stored and deleted. Lookups have their own: what they may see is narrower than what
    /// an institution may store in its own books.
    fn grant_to_write(&self, plan: &Plan, person: PersonRef) -> Result<Grant, Fault> {
        let mut needed = Vec::new();
        for write in &plan.writes {
            needed.extend(match (&write.resource, write.create) {
                (None, _) => &[Verb::Delete][..],
                (Some(_), true) => &[Verb::Create],
                (Some(_), false) => &[Verb::Create, Verb::Update],
            });
        }
        self.decide(Ask {
            person,
            verbs: verbs(&needed),
            types: Some(each_once(plan.writes.iter().map(|write| write.of))),
            what: What::Interaction("POST transaction".into()),
        })
    }

    fn rename_all(&self, plan: &mut Plan, names: &Names) {
        for write in &mut plan.writes {
            if let Some(resource) = &mut write.resource {
                rename(resource, names);
            }
        }
    }
}

/// Types, each once.
pub(super) fn each_once(types: impl Iterator<Item = ResourceType>) -> Vec<ResourceType> {
    let mut types: Vec<ResourceType> = types.collect();
    types.sort_unstable_by_key(|of| of.as_u16());
    types.dedup();
    types
}

fn put(results: &mut [Option<Outcome>], at: usize, outcome: Outcome) {
    if let Some(place) = results.get_mut(at) {
        *place = Some(outcome);
    }
}

/// The answer of a conditional create whose resource was there.
fn was_there(of: ResourceType, id: &str) -> Reply {
    Reply {
        status: 200,
        version: None,
        updated: None,
        location: Some(format!("{of}/{id}")),
        body: Body::Empty,
        write: true,
    }
}

/// An `ifNoneExist` was looked up already, under what the sender may see; the archive is not asked again under the
/// wider permit to write.
fn change(write: Write) -> Change {
    let Write {
        of,
        id,
        resource,
        create,
        wishes,
        ..
    } = write;
    match (resource, create) {
        (None, _) => Change::Delete {
            of,
            id,
            if_match: wishes.if_match,
        },
        (Some(resource), true) => Change::Create {
            of,
            id,
            resource,
            if_none_exist: None,
        },
        (Some(resource), false) => Change::Update {
            of,
            id,
            resource,
            if_match: wishes.if_match,
        },
    }
}
