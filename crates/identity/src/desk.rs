//! The register of a running node: every registration under the name that the node gives it, kept current while people are
//! registered, changed and taken out.
//!
//! It is filled in two steps, so that a node serves while it learns: what is told before [`Desk::open`] is gathered, then
//! the weights are learnt and the pairs found beside the lock, and what was told meanwhile is put after it. A version that
//! is older than one heard before changes nothing, so that tellings may come in any order.
//!
//! A register grows: weights that were learnt of few, or of none, are learnt again when there are twice as many
//! ([`Desk::is_due`]), in the same two steps while the register as it stands goes on answering. That also lets go of the
//! words and keys of registrations that changed or left.
//!
//! What it says is what somebody should look at. It decides nothing: that two registrations are one is said by a confirmed
//! number ([`Resembling::decided`]) or by people, and kept elsewhere.

use crate::card::Register;
use crate::explain::{Explanation, Grade};
use crate::index::{Candidate, Index};
use crate::link::link_pairs;
use crate::model::Model;
use crate::registration::Registration;
use crate::sure::Apart;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A register of fewer is too small to learn weights from: it starts with the first estimates.
const LEARNS_FROM: usize = 400;

/// Pairs that wait to be looked at, at most; beyond, the weakest are let go.
const MOST_PAIRS: usize = 10_000;

/// A registration of the node that may be of the person asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Resembling {
    /// Its name.
    pub id: String,
    /// Probability that it is the same person, 0 to 1, by weighing.
    pub score: f64,
    /// How sure, confirmed numbers included.
    pub grade: Grade,
    /// Whether a confirmed number decided.
    pub decided: bool,
    /// Whether confirmed numbers say one thing and the rest another.
    pub conflict: bool,
}

/// Two registrations of the node that may be of one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The names of the two.
    pub names: [String; 2],
    /// How likely, how sure and why.
    pub score: f64,
    /// How sure, confirmed numbers included.
    pub grade: Grade,
    /// Whether confirmed numbers say one thing and the rest another.
    pub conflict: bool,
}

/// The register. All calls block only for as long as one arrival takes, about a millisecond.
#[derive(Default)]
pub struct Desk(Mutex<State>);

#[derive(Default)]
struct State {
    /// Told for the register that is to be opened: version, and what it says; `None` is one that was taken out.
    gathered: HashMap<String, (u64, Option<Registration>)>,
    /// Whether one is to be opened although there is one.
    again: bool,
    kept: Option<Kept>,
}

impl State {
    fn gather(&mut self, id: &str, version: u64, now: Option<Registration>) {
        let known = self.gathered.get(id);
        if known.is_none_or(|(known, _)| *known < version) {
            self.gathered.insert(id.to_owned(), (version, now));
        }
    }
}

struct Kept {
    index: Index,
    /// How many registrations the weights were learnt from; none for the first estimates.
    learnt_from: usize,
    /// How many are there, those that were taken out left out.
    there: usize,
    /// The newest version heard, and its number in the index; `None` for one that was taken out.
    numbers: HashMap<String, (u64, Option<u32>)>,
    /// By number.
    names: Vec<String>,
    pairs: BTreeMap<(u32, u32), Candidate>,
    /// Systems of numbers.
    systems: HashSet<String>,
}

impl Desk {
    /// A registration is stored in a version, or was taken out (`None`). Gives the names of those that a confirmed number
    /// says to be of the same person, with nothing against it; none before the register is open.
    pub fn changed(&self, id: &str, version: u64, now: Option<Registration>) -> Vec<String> {
        let mut state = self.lock();
        if state.kept.is_none() || state.again {
            state.gather(id, version, now.clone());
        }
        match &mut state.kept {
            Some(kept) => kept.put(id, version, now),
            None => Vec::new(),
        }
    }

    /// Whether the weights should be learnt again: there are twice as many registrations as they were learnt from, or now
    /// enough to learn from; or as many left or changed as there are. Never while the register is not open.
    pub fn is_due(&self) -> bool {
        let state = self.lock();
        state.kept.as_ref().is_some_and(|kept| {
            let is_grown = kept.there >= (2 * kept.learnt_from).max(LEARNS_FROM);
            is_grown || kept.names.len() > (2 * kept.there).max(LEARNS_FROM)
        })
    }

    /// From now on a register to take the place of this one is gathered: whoever calls this tells all that is there by
    /// [`Desk::changed`] and then calls [`Desk::open`], which learns anew. What is there answers until then, and what is
    /// told meanwhile is in both. Cost: the memory of a second register.
    pub fn gather_again(&self) {
        let mut state = self.lock();
        if state.kept.is_some() {
            state.again = true;
            state.gathered.clear();
        }
    }

    /// All that was there has been told: learns, finds pairs, and is open from then on. Gives the pairs that a confirmed
    /// number says to be one person, with nothing against it. Cost: that of [`crate::link`] in time and memory. A register
    /// that is open already stays as it is unless another was gathered.
    pub fn open(&self) -> Vec<[String; 2]> {
        let mut state = self.lock();
        if state.kept.is_some() && !state.again {
            return Vec::new();
        }
        let gathered = std::mem::take(&mut state.gathered);
        drop(state);
        let mut kept = Kept::of(gathered);
        let mut state = self.lock();
        for (id, (version, now)) in std::mem::take(&mut state.gathered) {
            kept.put(&id, version, now);
        }
        state.again = false;
        let sure = kept.pairs.iter().filter(|(_, pair)| is_sure(pair));
        let sure = sure.filter_map(|((a, b), _)| kept.both(*a, *b)).collect();
        state.kept = Some(kept);
        sure
    }

    /// Whom a registration resembles, best first; nothing of it stays. `None` while the register is not open.
    pub fn resembling(&self, registration: &Registration) -> Option<Vec<Resembling>> {
        let mut state = self.lock();
        let kept = state.kept.as_mut()?;
        let found = kept.index.resembling(registration).into_iter();
        let named = found.filter_map(|one| {
            Some(Resembling {
                id: kept.names.get(one.registration as usize)?.clone(),
                score: one.score,
                grade: one.grade,
                decided: one.decided,
                conflict: one.conflict,
            })
        });
        Some(named.collect())
    }

    /// Whether somebody here has or had a number of this system. `None` while the register is not open.
    pub fn knows(&self, system: &str) -> Option<bool> {
        let state = self.lock();
        state
            .kept
            .as_ref()
            .map(|kept| kept.systems.contains(system))
    }

    /// Why two registrations are or are not of one person; `None` if one of them is not here, or nothing is open yet.
    pub fn explain(&self, one: &str, other: &str) -> Option<Explanation> {
        let state = self.lock();
        let kept = state.kept.as_ref()?;
        kept.index.explain(kept.number(one)?, kept.number(other)?)
    }

    /// Why somebody who is described may be each of these; `None` for those that are not here, or if nothing is open yet.
    pub fn explain_to(&self, described: &Registration, ids: &[&str]) -> Vec<Option<Explanation>> {
        let mut state = self.lock();
        let Some(kept) = state.kept.as_mut() else {
            return vec![None; ids.len()];
        };
        // A number that nobody has is explained to nobody.
        let numbers: Vec<u32> = ids
            .iter()
            .map(|id| kept.number(id).unwrap_or(u32::MAX))
            .collect();
        kept.index.explain_to(described, &numbers)
    }

    /// The pairs to look at, at most so many: conflicts first, then the likeliest. `waits` says which are still to be
    /// decided. `None` while the register is not open.
    pub fn pairs(&self, most: usize, waits: impl Fn(&str, &str) -> bool) -> Option<Vec<Pair>> {
        let state = self.lock();
        let kept = state.kept.as_ref()?;
        let mut all: Vec<(&(u32, u32), &Candidate)> = kept.pairs.iter().collect();
        all.sort_by(|(_, x), (_, y)| {
            let by_score = y.score.total_cmp(&x.score);
            y.conflict.cmp(&x.conflict).then(by_score)
        });
        let named = all.into_iter().filter_map(|((a, b), pair)| {
            let names = kept.both(*a, *b)?;
            let [one, other] = &names;
            waits(one, other).then_some(Pair {
                score: pair.score,
                grade: pair.grade,
                conflict: pair.conflict,
                names,
            })
        });
        Some(named.take(most).collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a confirmed number makes one person of a pair, and the rest does not speak against it.
fn is_sure(pair: &Candidate) -> bool {
    pair.decided && pair.grade == Grade::Certain && !pair.conflict
}

/// What a pair counts when there are too many: numbers go before weighing.
fn strength(pair: &Candidate) -> f64 {
    match pair.decided {
        true => 2.0,
        false => pair.score,
    }
}

impl Kept {
    /// In the order of names, so that the same register is learnt from in the same way.
    fn of(gathered: HashMap<String, (u64, Option<Registration>)>) -> Kept {
        let mut told: Vec<_> = gathered.into_iter().collect();
        told.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut kept = Kept {
            index: Index::new(
                Register::default(),
                Model::first(0),
                Vec::new(),
                Apart::default(),
            ),
            learnt_from: 0,
            there: 0,
            numbers: HashMap::new(),
            names: Vec::new(),
            pairs: BTreeMap::new(),
            systems: HashSet::new(),
        };
        let there = told.iter().filter(|(_, (_, now))| now.is_some()).count();
        if there < LEARNS_FROM {
            for (id, (version, now)) in told {
                kept.put(&id, version, now);
            }
            return kept;
        }
        let mut register = Register::default();
        let mut registrations = Vec::with_capacity(there);
        for (id, (version, now)) in told {
            let number = now.map(|now| {
                kept.note_systems(&now);
                registrations.push(now);
                kept.names.push(id.clone());
                registrations.len() as u32 - 1
            });
            kept.numbers.insert(id, (version, number));
        }
        register.extend(&registrations);
        (kept.learnt_from, kept.there) = (there, there);
        drop(registrations);
        let (found, links) = link_pairs(&register);
        kept.index = Index::new(register, found.model, found.person, Apart::default());
        let pairs = links.iter().filter_map(|link| {
            let pair = kept.index.pair(link.a, link.b)?;
            Some(((link.a, link.b), pair))
        });
        let mut pairs: Vec<((u32, u32), Candidate)> = pairs.collect();
        pairs.sort_by(|(_, x), (_, y)| strength(y).total_cmp(&strength(x)));
        pairs.truncate(MOST_PAIRS);
        kept.pairs = pairs.into_iter().collect();
        // Those that only a confirmed number keeps apart are in no links.
        for number in 0..kept.names.len() as u32 {
            if kept.index.is_confirmed(number) {
                let conflicts = kept
                    .index
                    .like(number)
                    .into_iter()
                    .filter(|one| one.conflict);
                for one in conflicts {
                    kept.note((number, one.registration), one);
                }
            }
        }
        kept
    }

    fn put(&mut self, id: &str, version: u64, now: Option<Registration>) -> Vec<String> {
        if let Some((known, number)) = self.numbers.get(id).copied() {
            if known >= version {
                return Vec::new();
            }
            if let Some(number) = number {
                self.index.leave(number);
                self.there -= 1;
                self.pairs.retain(|(a, b), _| *a != number && *b != number);
            }
        }
        let arrived = now.map(|now| {
            self.note_systems(&now);
            self.index.arrive(&now)
        });
        let number = arrived.as_ref().map(|arrived| arrived.registration);
        self.numbers.insert(id.to_owned(), (version, number));
        let Some(arrived) = arrived else {
            return Vec::new();
        };
        self.names.push(id.to_owned());
        self.there += 1;
        let mut sure = Vec::new();
        for one in arrived.candidates {
            if is_sure(&one) {
                sure.extend(self.names.get(one.registration as usize).cloned());
            }
            self.note((arrived.registration, one.registration), one);
        }
        sure
    }

    /// Keeps a pair to be looked at; of too many the weakest goes.
    fn note(&mut self, (a, b): (u32, u32), pair: Candidate) {
        self.pairs.insert((a.min(b), a.max(b)), pair);
        if self.pairs.len() > MOST_PAIRS {
            let pairs = self.pairs.iter();
            let weakest = pairs.min_by(|(_, x), (_, y)| strength(x).total_cmp(&strength(y)));
            if let Some(key) = weakest.map(|(key, _)| *key) {
                self.pairs.remove(&key);
            }
        }
    }

    fn note_systems(&mut self, registration: &Registration) {
        for one in &registration.identifiers {
            if !self.systems.contains(&one.system) {
                self.systems.insert(one.system.clone());
            }
        }
    }

    fn number(&self, id: &str) -> Option<u32> {
        self.numbers.get(id)?.1
    }
    fn both(&self, a: u32, b: u32) -> Option<[String; 2]> {
        let name = |number: u32| self.names.get(number as usize).cloned();
        Some([name(a)?, name(b)?])
    }
}
