//! The order of an import: what was read first is decided first, whichever thread prepared it.
//!
//! Preparing runs on many threads and storing too; between them each piece passes one gate in the order in which it was
//! read. There its searches are answered and its ids are claimed, so that two runs over the same files do the same.

use super::links::{self, by_search};
use super::plan::{Deed, Item, Plan};
use super::report::Summary;
use fhir::{ResourceType, Value};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Ids of one import that are remembered, about 30 bytes each; later ones are stored without comparing.
const MAX_CLAIMS: usize = 4 << 20;
/// Identifiers of shared resources that are remembered, about 100 bytes each.
const MAX_KNOWN: usize = 1 << 20;

/// Finds the one resource of a type that a search means, in the archive. `Err` says why there is no one answer.
pub(crate) type Find<'f> =
    &'f (dyn Fn(ResourceType, &str) -> Result<Option<String>, String> + Sync);

#[derive(Default)]
pub(crate) struct Order {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    next: u32,
    /// Pieces that passed and are being stored.
    storing: HashSet<u32>,
    /// By hash of `Type/id`: hash of the content, and the piece that has it.
    claims: HashMap<u64, (u32, u32)>,
    known: HashMap<String, String>,
    /// Answers of the archive.
    asked: HashMap<String, Result<Option<String>, String>>,
}

/// The hashes by which items are compared, made outside the gate.
pub(crate) fn prints(plan: &Plan) -> Vec<(u64, u32)> {
    let print = |item: &Item| {
        let content = match &item.deed {
            Deed::Put { resource, .. } => hash(&resource.to_bytes()),
            Deed::Delete { .. } => 0,
        };
        (hash(&(item.of.name(), &item.id)), (content >> 32) as u32)
    };
    plan.items.iter().map(print).collect()
}

fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

impl Order {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, guard: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.changed
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of piece `number` and takes it; the others of `plans` share the turn.
    pub(crate) fn pass(
        &self,
        number: u32,
        plans: &mut [Plan],
        prints: &[Vec<(u64, u32)>],
        find: Find<'_>,
        summary: &Mutex<Summary>,
    ) {
        let mut state = self.lock();
        while state.next != number {
            state = self.wait(state);
        }
        let mut told = Summary::default();
        for (plan, prints) in plans.iter_mut().zip(prints) {
            // Whoever has claimed one of our ids with other content is waited for: should it fail, ours is stored.
            while let Some(owner) = state.rival(prints, number)
                && state.storing.contains(&owner)
            {
                state = self.wait(state);
            }
            state.claim(plan, prints, number, &mut told);
            state.learn(&plan.items, false);
            if plan.asks {
                state.answer(plan, find, &mut told);
            }
        }
        state.storing.insert(number);
        state.next += 1;
        self.changed.notify_all();
        drop(state);
        let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, tally) in told.types {
            let sum = summary.of(&of);
            sum.repeated += tally.repeated;
            sum.unchanged += tally.unchanged;
        }
        summary.found += told.found;
        summary.logical += told.logical;
    }

    /// Piece `number` is stored, or has failed and claims nothing.
    pub(crate) fn done(&self, number: u32, failed: bool) {
        let mut state = self.lock();
        if failed {
            state.claims.retain(|_, (_, owner)| *owner != number);
        }
        state.storing.remove(&number);
        self.changed.notify_all();
    }

    /// Waits until all pieces before `number` are stored.
    pub(crate) fn until(&self, number: u32) {
        let mut state = self.lock();
        while state.next < number || !state.storing.is_empty() {
            state = self.wait(state);
        }
    }
}

impl State {
    fn rival(&self, prints: &[(u64, u32)], number: u32) -> Option<u32> {
        prints
            .iter()
            .find_map(|(name, content)| match self.claims.get(name) {
                Some((other, owner)) if other != content && *owner != number => Some(*owner),
                _ => None,
            })
    }

    /// Claims ids; takes out what another copy with other content has claimed before.
    fn claim(&mut self, plan: &mut Plan, prints: &[(u64, u32)], number: u32, told: &mut Summary) {
        let mut prints = prints.iter();
        plan.items.retain(|item| {
            let Some((name, content)) = prints.next() else {
                return true;
            };
            match self.claims.get(name) {
                Some((other, _)) if other != content => {
                    told.of(item.of.name()).repeated += 1;
                    return false;
                }
                Some(_) => {}
                None if self.claims.len() < MAX_CLAIMS => {
                    self.claims.insert(*name, (*content, number));
                }
                None => {}
            }
            true
        });
    }

    /// Remembers the identifiers of shared resources; of those that are stored on a condition, once it was asked.
    fn learn(&mut self, items: &[Item], asked: bool) {
        for item in items {
            let Deed::Put {
                resource,
                if_none_exist,
                ..
            } = &item.deed
            else {
                continue;
            };
            if if_none_exist.is_some() != asked {
                continue;
            }
            if item.of.is_personal() || item.of.name() == "Patient" {
                continue;
            }
            let many = resource.get("identifier").into_iter();
            let all = many.flat_map(|value| match value {
                Value::Array(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            });
            for identifier in all {
                let system = identifier.text("system").unwrap_or_default();
                let Some(value) = identifier.text("value") else {
                    continue;
                };
                if self.known.len() < MAX_KNOWN {
                    let key = format!("{}?identifier={system}|{value}", item.of);
                    self.known.entry(key).or_insert_with(|| item.id.clone());
                }
            }
        }
    }

    /// What a search means: among what this import brought, then in the archive.
    fn search(&mut self, of: &str, search: &str, find: Find<'_>) -> Result<Option<String>, String> {
        let pairs = links::pairs(search);
        if let [(name, value)] = pairs.as_slice()
            && name == "identifier"
            && let Some(id) = self.known.get(&format!("{of}?identifier={value}"))
        {
            return Ok(Some(id.clone()));
        }
        let Some(kind) = ResourceType::from_name(of) else {
            return Err(format!("R4 has no type \"{of}\""));
        };
        let key = format!("{of}?{search}");
        if let Some(answer) = self.asked.get(&key) {
            return answer.clone();
        }
        let answer = find(kind, search);
        if self.asked.len() < MAX_KNOWN {
            self.asked.insert(key, answer.clone());
        }
        answer
    }

    /// Answers a plan's searches.
    fn answer(&mut self, plan: &mut Plan, find: Find<'_>, told: &mut Summary) {
        let mut renamed: HashMap<String, String> = HashMap::new();
        let (mut kept, mut refused) = (Vec::new(), Vec::new());
        for item in std::mem::take(&mut plan.items) {
            let Deed::Put {
                if_none_exist: Some(search),
                ..
            } = &item.deed
            else {
                kept.push(item);
                continue;
            };
            match self.search(item.of.name(), search, find) {
                Ok(Some(id)) if id != item.id => {
                    renamed.insert(item.name(), format!("{}/{id}", item.of));
                    told.of(item.of.name()).unchanged += 1;
                }
                Ok(_) => kept.push(item),
                Err(why) => {
                    refused.push((item, "Bundle.entry.request.ifNoneExist".to_owned(), why))
                }
            }
        }
        self.learn(&kept, true);
        for mut item in kept {
            let Deed::Put { resource, .. } = &mut item.deed else {
                plan.items.push(item);
                continue;
            };
            let mut wrong = None;
            links::each(resource, &mut |reference| {
                let Some(text) = reference.get("reference").and_then(Value::as_str) else {
                    return;
                };
                if let Some(name) = renamed.get(text) {
                    reference.set("reference", name.clone());
                } else if let Some((of, search)) = by_search(text) {
                    match self.search(of, search, find) {
                        Ok(Some(id)) => {
                            told.found += 1;
                            reference.set("reference", format!("{of}/{id}"));
                        }
                        Ok(None) => match logical(of, search) {
                            Some(identifier) => {
                                told.logical += 1;
                                let of = of.to_owned();
                                reference.remove("reference");
                                reference.set("type", of);
                                reference.set("identifier", identifier);
                            }
                            None => wrong = Some(format!("nothing here is meant by {text}")),
                        },
                        Err(why) => wrong = Some(format!("{text}: {why}")),
                    }
                }
            });
            match wrong {
                None => plan.items.push(item),
                Some(why) => refused.push((item, String::new(), why)),
            }
        }
        for (item, expression, why) in refused {
            let file = plan.file.clone();
            plan.refuse(item.of.name(), item.refused(&file, &expression, why));
        }
        plan.settle();
    }
}

/// A search by one identifier says as much as a logical reference does.
fn logical(of: &str, search: &str) -> Option<Value> {
    ResourceType::from_name(of)?;
    let pairs = links::pairs(search);
    let [(name, value)] = pairs.as_slice() else {
        return None;
    };
    let (system, value) = value.split_once('|').unwrap_or(("", value));
    let plain = name == "identifier" && !value.is_empty();
    plain.then(|| {
        fhir::obj! {
            "system" => (!system.is_empty()).then_some(system),
            "value" => value,
        }
    })
}
