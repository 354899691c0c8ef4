//! A transaction in the making: its entries sorted by what they do, new ones with their ids, and the names they have.

use super::{entry::Entry, placed, refer::Names};
use crate::{
    act::{Op, Patch, Target, new_id},
    fault::Fault,
    negotiate::{Pairs, Wishes},
};
use fhir::{IssueCode, ResourceType, Value};
use std::collections::HashSet;
use store::Current;

/// A resource that is to be stored or deleted.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// Its entry.
    pub(super) at: usize,
    pub(super) of: ResourceType,
    /// For an entry with conditions, settled when those are looked up.
    pub(super) id: String,
    /// `None` for a deletion, and for a patch until it is applied.
    pub(super) resource: Option<Value>,
    pub(super) patch: Option<Patch>,
    /// Whether the entry asked for a new resource.
    pub(super) create: bool,
    /// The conditions in its address, which say what it means.
    pub(super) conditions: Option<Pairs>,
    /// What it expects to be current.
    pub(super) expected: Option<Current>,
    pub(super) wishes: Wishes,
    pub(super) full_url: Option<String>,
}

impl Write {
    pub(super) fn is_deletion(&self) -> bool {
        self.resource.is_none() && self.patch.is_none()
    }
}

/// A transaction, sorted.
#[derive(Clone)]
pub(super) struct Plan {
    /// How many entries it has.
    pub(super) size: usize,
    /// In FHIR's order: deletions, creations, updates.
    pub(super) writes: Vec<Write>,
    /// Reads and searches, done after the writes.
    pub(super) reads: Vec<Reading>,
}

/// An entry that changes nothing.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) at: usize,
    pub(super) op: Op,
    pub(super) wishes: Wishes,
    pub(super) head: bool,
}

impl Plan {
    pub(super) fn new(entries: Vec<Entry>) -> Result<Plan, Fault> {
        let size = entries.len();
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        for (at, entry) in entries.into_iter().enumerate() {
            let (mut create, mut patch) = (false, None);
            let (of, target, resource) = match entry.op {
                Op::Create(of, resource) => {
                    create = true;
                    (of, Target::Id(new_id()?), Some(resource))
                }
                Op::Update(of, target, resource) => (of, target, Some(resource)),
                Op::Patch(of, target, asked) => {
                    patch = Some(asked);
                    (of, target, None)
                }
                Op::Delete(of, target) => (of, target, None),
                Op::Activate(..) => {
                    let said = "A search parameter is activated by a request of its own, or by an entry of a batch.";
                    return Err(placed(Fault::bad(IssueCode::NotSupported, said), at));
                }
                Op::MetaChange(..) => {
                    let said = "In a transaction a resource's meta is changed with PATCH or PUT.";
                    return Err(placed(Fault::bad(IssueCode::NotSupported, said), at));
                }
                op => {
                    reads.push(Reading {
                        at,
                        op,
                        wishes: entry.wishes,
                        head: entry.head,
                    });
                    continue;
                }
            };
            let (id, conditions) = match target {
                Target::Id(id) => (id, None),
                Target::Where(pairs) => (String::new(), Some(pairs)),
            };
            let update = resource.is_some() && !create;
            let expected = entry.wishes.expected(update && conditions.is_none());
            writes.push(Write {
                at,
                of,
                id,
                resource,
                patch,
                create,
                conditions,
                expected: expected.map_err(|fault| placed(fault, at))?,
                wishes: entry.wishes,
                full_url: entry.full_url,
            });
        }
        writes.sort_by_key(|write: &Write| match (write.is_deletion(), write.create) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        });
        let plan = Plan {
            size,
            writes,
            reads,
        };
        plan.each_once()?;
        Ok(plan)
    }

    /// No resource is written twice, no name is used twice. Asked again when conditions are settled.
    pub(super) fn each_once(&self) -> Result<(), Fault> {
        let twice = |at, said: &str| {
            let fault = Fault::bad(IssueCode::Duplicate, said);
            Err(placed(fault, at))
        };
        let (mut resources, mut names) = (HashSet::new(), HashSet::new());
        for write in &self.writes {
            if !write.id.is_empty() && !resources.insert((write.of, write.id.as_str())) {
                return twice(write.at, "A transaction writes each resource once.");
            }
            if let Some(name) = write.full_url.as_deref().filter(|_| !write.is_deletion())
                && !names.insert(name)
            {
                return twice(write.at, "Two entries have this fullUrl.");
            }
        }
        Ok(())
    }

    /// What each entry is called in the bundle and here.
    pub(super) fn names(&self) -> Names {
        self.writes
            .iter()
            .filter(|write| !write.is_deletion() && !write.id.is_empty())
            .filter_map(|write| {
                let name = write.full_url.clone()?;
                Some((name, format!("{}/{}", write.of, write.id)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Over;
    use fhir::obj;

    fn of(name: &str) -> ResourceType {
        ResourceType::from_name(name).unwrap()
    }
    fn entry(op: Op, full_url: Option<&str>) -> Entry {
        Entry {
            full_url: full_url.map(str::to_owned),
            op,
            wishes: Wishes::default(),
            head: false,
        }
    }
    fn put(id: &str) -> Op {
        Op::Update(
            of("Patient"),
            Target::Id(id.into()),
            obj! { "resourceType" => "Patient" },
        )
    }

    #[test]
    fn deletions_come_first_then_creations_then_updates_then_reads() {
        let plan = Plan::new(vec![
            entry(Op::Search(Over::Type(of("Patient")), Vec::new()), None),
            entry(put("a"), None),
            entry(Op::Create(of("Patient"), obj! {}), Some("urn:uuid:1")),
            entry(Op::Delete(of("Patient"), Target::Id("b".into())), None),
        ])
        .unwrap();
        let order: Vec<usize> = plan.writes.iter().map(|write| write.at).collect();
        assert_eq!(order, [3, 2, 1]);
        assert_eq!(plan.reads.len(), 1);
        let id = &plan.writes.get(1).unwrap().id;
        assert_eq!(
            plan.names().get("urn:uuid:1").unwrap(),
            &format!("Patient/{id}")
        );
    }

    #[test]
    fn a_resource_is_written_once_and_a_name_used_once() {
        let twice = Plan::new(vec![entry(put("a"), None), entry(put("a"), None)]);
        assert_eq!(twice.err().unwrap().status, 400);
        let same = vec![
            entry(put("a"), Some("urn:uuid:1")),
            entry(put("b"), Some("urn:uuid:1")),
        ];
        assert_eq!(Plan::new(same).err().unwrap().status, 400);
    }
}
