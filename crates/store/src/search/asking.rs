//! What must hold of a resource, judged on its card; and what it takes to look at other resources for that.
//!
//! What the permit hides is not there: a chain does not lead through it, `_has` does not see it, a list that is hidden
//! lists nothing.
//!
//! Cost: a reference is followed once a search for each condition and target (up to [`REMEMBERED`]).

use super::{
    listed,
    matches::Matches,
    plan::{self, Aim},
    words,
};
use crate::{
    Error, Result, card::Card, keys::Tail, prepare::target, read::Reading, store::head_of,
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Wanted, matches},
    search::{Entry, IDENTIFIER, Indexed, SearchParameter, parameter},
};
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
};

/// Answers about other resources that are kept at most.
const REMEMBERED: usize = 65_536;
/// Resources through which a condition may lead, one to the next.
const DEPTH: u32 = 16;

/// One search being answered.
pub(crate) struct Asking<'a> {
    pub(crate) reading: &'a Reading<'a>,
    /// Whether what a name points to meets a condition (told by its place in memory).
    known: RefCell<HashMap<(usize, String), bool>>,
    lists: RefCell<HashMap<String, Rc<HashSet<String>>>>,
    depth: Cell<u32>,
    /// Texts read so far.
    pub(crate) texts: Cell<u32>,
}

/// A resource whose conditions are asked about.
pub(crate) struct Asked<'c> {
    pub(crate) of: ResourceType,
    pub(crate) card: &'c Card,
}

impl<'a> Asking<'a> {
    pub(crate) fn new(reading: &'a Reading<'a>) -> Asking<'a> {
        Asking {
            reading,
            known: RefCell::default(),
            lists: RefCell::default(),
            depth: Cell::new(0),
            texts: Cell::new(0),
        }
    }

    /// Goes one resource further.
    pub(crate) fn deeper<T>(&self, look: impl FnOnce() -> Result<T>) -> Result<T> {
        let depth = self.depth.get();
        if depth == DEPTH {
            return Err(Error::Invalid {
                expression: String::new(),
                diagnostics: format!(
                    "This search leads through more than {DEPTH} resources; ask in several steps."
                ),
            });
        }
        self.depth.set(depth + 1);
        let found = look();
        self.depth.set(depth);
        found
    }

    /// Whether a resource meets a condition.
    pub(crate) fn met(&self, asked: &Asked<'_>, condition: &Condition) -> Result<bool> {
        match condition {
            Condition::Is(clause) if words::asks(clause) => words::met(self, asked, clause),
            Condition::Is(clause) => Ok(matches(clause, &asked.card.entries)),
            Condition::Refers { parameter, targets } => {
                self.refers(asked.card, parameter.number, targets)
            }
            Condition::Referred {
                source,
                parameter,
                condition,
            } => {
                let name = format!("{}/{}", asked.of, asked.card.id);
                self.remembered(condition, &name, || {
                    self.referred(*source, parameter, condition, &name)
                })
            }
            Condition::Listed(list) => {
                let names = self.list(list)?;
                Ok(names.contains(&format!("{}/{}", asked.of, asked.card.id)))
            }
            Condition::All(parts) => self.all_met(asked, parts.iter()),
            Condition::Any(parts) => {
                for part in parts {
                    if self.met(asked, part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(part) => Ok(!self.met(asked, part)?),
        }
    }

    pub(crate) fn all_met<'c>(
        &self,
        asked: &Asked<'_>,
        conditions: impl Iterator<Item = &'c Condition>,
    ) -> Result<bool> {
        for condition in conditions {
            if !self.met(asked, condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn remembered(
        &self,
        condition: &Condition,
        name: &str,
        look: impl FnOnce() -> Result<bool>,
    ) -> Result<bool> {
        let key = (std::ptr::from_ref(condition) as usize, name.to_owned());
        if let Some(&known) = self.known.borrow().get(&key) {
            return Ok(known);
        }
        let met = self.deeper(look)?;
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, met);
        Ok(met)
    }

    fn refers(
        &self,
        card: &Card,
        number: u16,
        targets: &[(ResourceType, Condition)],
    ) -> Result<bool> {
        for entry in card.entries.iter().filter(|entry| entry.number == number) {
            let Indexed::Reference(name) = &entry.value else {
                continue;
            };
            let Some((of, id)) = target(name) else {
                continue;
            };
            for (_, there) in targets.iter().filter(|(target, _)| *target == of) {
                if self.remembered(there, name, || self.follow(of, id, there))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn follow(&self, of: ResourceType, id: &str, there: &Condition) -> Result<bool> {
        let needed = Needed::of(of, std::iter::once(there));
        let Some((_, card)) = self.current(of, id, &needed)? else {
            return Ok(false);
        };
        let card = &card;
        self.met(&Asked { of, card }, there)
    }

    /// The card of a current resource that the permit opens.
    pub(crate) fn current(
        &self,
        of: ResourceType,
        id: &str,
        needed: &Needed,
    ) -> Result<Option<(Tail, Card)>> {
        let snapshot = self.reading.snapshot.as_ref();
        let Some(head) =
            head_of(&self.reading.secret, snapshot, of, id)?.filter(|head| head.exists())
        else {
            return Ok(None);
        };
        if !self.reading.opens(of, id, &head.tail, head.labels)? {
            return Ok(None);
        }
        let Some(row) = snapshot.get(&head.tail.card_key(of))? else {
            self.reading.torn.set(true);
            return Ok(None);
        };
        let card = needed.card(self.reading, of, &head.tail, &row, false)?;
        // Whether it is open was asked of its head: a card of another version may be of other categories.
        let agrees = card.as_ref().is_none_or(|card| card.stamp == head.stamp);
        if !agrees {
            self.reading.torn.set(true);
            return Ok(None);
        }
        Ok(card.map(|card| (head.tail, card)))
    }

    /// Whether something that meets a condition points to a resource.
    fn referred(
        &self,
        source: ResourceType,
        parameter: &'static SearchParameter,
        condition: &Condition,
        name: &str,
    ) -> Result<bool> {
        if !self.reading.grant.covers(source) {
            return Ok(false);
        }
        let points = points_to(parameter, name);
        let conditions = [&points, condition];
        let plan = plan::choose(self, source, &conditions, Aim::First)?;
        let mut matches = Matches::new(self, plan, None, u64::MAX)?;
        Ok(matches.next()?.is_some())
    }

    /// The names in a list.
    pub(crate) fn list(&self, id: &str) -> Result<Rc<HashSet<String>>> {
        if let Some(known) = self.lists.borrow().get(id) {
            return Ok(known.clone());
        }
        let names = Rc::new(listed::names(self.reading, id)?);
        let kept = names.clone();
        self.lists.borrow_mut().insert(id.to_owned(), kept);
        Ok(names)
    }
}

/// The condition that a parameter points to a resource.
pub(crate) fn points_to(parameter: &'static SearchParameter, name: &str) -> Condition {
    Condition::Is(Clause {
        parameter,
        modifier: Modifier::None,
        values: vec![Wanted::Reference(name.to_owned())],
    })
}

/// The entries that are needed on a card.
pub(crate) struct Needed {
    /// By which conditions are judged.
    numbers: Vec<u16>,
    /// By which answers are ordered, and what they include: of those that need no judgement too.
    also: Vec<u16>,
    id: Option<u16>,
    updated: Option<u16>,
}

impl Needed {
    pub(crate) fn of<'c>(
        of: ResourceType,
        conditions: impl Iterator<Item = &'c Condition>,
    ) -> Needed {
        let number = |code| parameter(of, code).map(|parameter| parameter.number);
        let mut numbers = Vec::new();
        conditions.for_each(|condition| asked_numbers(condition, &mut numbers));
        Needed {
            numbers,
            also: Vec::new(),
            id: number("_id"),
            updated: number("_lastUpdated"),
        }
    }
    /// Entries of these parameters as well.
    pub(crate) fn also(mut self, numbers: impl Iterator<Item = u16>) -> Needed {
        self.also.extend(numbers);
        self
    }
    /// Reads a card, of a resource that is `sure` to match only what the answer needs; `None` when its person was erased
    /// meanwhile.
    pub(crate) fn card(
        &self,
        reading: &Reading<'_>,
        of: ResourceType,
        tail: &Tail,
        row: &[u8],
        sure: bool,
    ) -> Result<Option<Card>> {
        let key = tail.card_key(of);
        if sure && self.also.is_empty() {
            return reading.vault.card(&key, row, None);
        }
        let wanted =
            |number| self.also.contains(&number) || !sure && self.numbers.contains(&number);
        let entries = |number| wanted(number & !IDENTIFIER);
        let card = reading.vault.card(&key, row, Some(&entries))?;
        Ok(card.map(|mut card| {
            self.add_own(&mut card, wanted);
            card
        }))
    }
    /// What the store itself knows of a resource, as entries.
    fn add_own(&self, card: &mut Card, wanted: impl Fn(u16) -> bool) {
        if let Some(number) = self.id.filter(|number| wanted(*number)) {
            let value = Indexed::Token {
                system: String::new(),
                code: card.id.clone(),
                text: String::new(),
            };
            card.entries.push(Entry { number, value });
        }
        if let Some(number) = self.updated.filter(|number| wanted(*number)) {
            let value = Indexed::Date {
                from: card.updated,
                to: card.updated,
            };
            card.entries.push(Entry { number, value });
        }
    }
}

fn asked_numbers(condition: &Condition, out: &mut Vec<u16>) {
    match condition {
        Condition::Is(clause) => out.push(clause.parameter.number),
        Condition::Refers { parameter, .. } => out.push(parameter.number),
        Condition::Referred { .. } | Condition::Listed(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| asked_numbers(part, out));
        }
        Condition::Not(part) => asked_numbers(part, out),
    }
}
