//! A transaction: understood, looked up, written in one commit with one act; then its reads.

use super::{
    entry::Entry,
    lookup::{Conditions, Done, all_resolved, settle},
    placed,
    plan::{Plan, Write},
    refer::{Names, rename},
};
use crate::{
    act::{nothing_there, repeated},
    fault::Fault,
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
};
use fhir::{IssueCode, ResourceType};
use store::{Change, Current, Held, Matched, Verb, Version};
use trust::{Grant, PersonRef, What};

impl Session<'_> {
    /// The outcomes of the entries in their order. A fault of any write is the fault of all, and nothing is stored;
    /// reads come after the commit and answer each for itself.
    pub(super) fn transaction(&self, entries: Vec<Entry>) -> Result<Vec<Outcome>, Fault> {
        let mut plan = Plan::new(entries)?;
        let reads = std::mem::take(&mut plan.reads);
        let mut results: Vec<Option<Outcome>> = vec![None; plan.size];
        if let Some(write) = plan.writes.iter().find(|one| self.is_her_word(one.of)) {
            let said = "What you say yourself of who may see your record is said by a request of its own, or by an entry of a batch.";
            return Err(placed(Fault::bad(IssueCode::NotSupported, said), write.at));
        }
        if !plan.writes.is_empty() {
            for (at, reply) in self.write_all(plan)? {
                put(&mut results, at, Ok(reply));
            }
        }
        for read in reads {
            let outcome = self.one(read.op, &read.wishes, read.head);
            put(&mut results, read.at, outcome);
        }
        Ok(results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(Fault::ours())))
            .collect())
    }

    fn write_all(&self, plan: Plan) -> Result<Vec<(usize, Reply)>, Fault> {
        let names = plan.names();
        let conditions = Conditions::of(&plan, self.words())?;
        let person = self.person_of(&plan, &names)?;
        let grant = self.grant_to_write(&plan, person.clone())?;
        if conditions.is_empty() && plan.writes.iter().all(|write| write.patch.is_none()) {
            return self.commit(plan, &names, &grant, Vec::new());
        }
        // What was looked up must still hold when it is written; if not, it is looked up again.
        repeated(|| {
            let (mut plan, mut names) = (plan.clone(), names.clone());
            let found = self.look_up(&conditions, person.clone())?;
            let done = settle(&mut plan, &mut names, &conditions, &found)?;
            let patched = self.apply_patches(&mut plan, person.clone())?;
            let found = found.into_values().collect();
            let replies = self.commit(plan, &names, &grant, found);
            // A patched resource that changed meanwhile is read again.
            let mut replies = replies.map_err(|fault| Fault {
                again: fault.again || patched && matches!(fault.status, 409 | 412),
                ..fault
            })?;
            replies.extend(done.into_iter().map(|done| (done.at, without_write(&done))));
            Ok(replies)
        })
    }

    /// Reads what is to be patched, under one permit and one act, and makes updates of the patches. Gives whether there
    /// was any.
    fn apply_patches(&self, plan: &mut Plan, person: PersonRef) -> Result<bool, Fault> {
        let patched: Vec<&mut Write> = plan
            .writes
            .iter_mut()
            .filter(|write| write.patch.is_some())
            .collect();
        if patched.is_empty() {
            return Ok(false);
        }
        let grant = self.decide(Ask {
            person,
            verbs: verbs(&[Verb::Read]),
            types: Some(each_once(patched.iter().map(|write| write.of))),
            what: What::Interaction("POST transaction".into()),
        })?;
        let store = self.house.gate.store();
        let held: Vec<Held<Option<Version>>> = patched
            .iter()
            .map(|write| store.read(&grant.permit, write.of, &write.id))
            .collect::<store::Result<_>>()?;
        let held = Held::all(held).ok_or_else(Fault::ours)?;
        for (write, found) in patched.into_iter().zip(self.open(&grant, held)?) {
            let Some(patch) = write.patch.take() else {
                continue;
            };
            let changed = found
                .ok_or_else(|| self.missing(write.of, &write.id))
                .and_then(|current| {
                    let after = self.amended(&current, write.expected, &patch.change())?;
                    Ok((after, current.version))
                });
            let (after, version) = changed.map_err(|fault| placed(fault, write.at))?;
            write.resource = Some(after);
            write.expected = Some(Current::Version(version));
        }
        Ok(true)
    }

    fn commit(
        &self,
        mut plan: Plan,
        names: &Names,
        grant: &Grant,
        matched: Vec<Matched>,
    ) -> Result<Vec<(usize, Reply)>, Fault> {
        for write in &mut plan.writes {
            let full_url = write.full_url.as_deref();
            if let Some(resource) = &mut write.resource {
                if !write.create && resource.text("id") == Some(write.id.as_str()) {
                    write.expected = self
                        .chosen(write.of, write.expected)
                        .map_err(|fault| placed(fault, write.at))?;
                }
                rename(resource, names, full_url);
            }
        }
        all_resolved(&plan)?;
        let order: Vec<usize> = plan.writes.iter().map(|write| write.at).collect();
        let conditional: Vec<(ResourceType, String)> = plan
            .writes
            .iter()
            .filter(|write| write.expected.is_some())
            .map(|write| (write.of, write.id.clone()))
            .collect();
        let changes: Vec<Change> = plan.writes.into_iter().map(change).collect();
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let committed = self
            .house
            .gate
            .write_if(grant, changes, matched, self.now)
            .map_err(|error| self.write_fault(error, conditional))?;
        let written = committed.written.iter().map(Reply::written);
        Ok(order.into_iter().zip(written).collect())
    }

    /// One permit for all that is stored and deleted. Lookups have their own: what they may see is narrower than what
    /// an institution may store in its own books.
    fn grant_to_write(&self, plan: &Plan, person: PersonRef) -> Result<Grant, Fault> {
        let mut needed = Vec::new();
        for write in &plan.writes {
            needed.extend(match (write.is_deletion(), write.create) {
                (true, _) => &[Verb::Delete][..],
                (false, true) => &[Verb::Create],
                (false, false) => &[Verb::Create, Verb::Update],
            });
        }
        self.decide(Ask {
            person,
            verbs: verbs(&needed),
            types: Some(each_once(plan.writes.iter().map(|write| write.of))),
            what: What::Interaction("POST transaction".into()),
        })
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

/// The answer of an entry that was done without a write.
fn without_write(done: &Done) -> Reply {
    let Some(id) = &done.id else {
        return nothing_there();
    };
    Reply {
        status: 200,
        location: Some(format!("{}/{id}", done.of)),
        ..nothing_there()
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
        expected: if_match,
        ..
    } = write;
    match (resource, create) {
        (None, _) => Change::Delete { of, id, if_match },
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
            if_match,
        },
    }
}
