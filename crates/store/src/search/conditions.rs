//! What a candidate's card must say.

use crate::{
    Error, Result, card::Card, keys::Tail, prepare::target, read::Reading, store::head_of,
};
use fhir::{
    ResourceType,
    query::{Condition, matches},
    search::{Entry, IDENTIFIER, Indexed, parameter},
};
use std::{cell::RefCell, collections::HashMap};

/// All conditions of a question on one type.
pub(crate) struct Conditions<'a> {
    all: &'a [Condition],
    own: Own,
    /// Parameters whose entries are needed.
    numbers: Vec<u16>,
    /// Whether the target of a reference meets the chain of a clause, by clause and name.
    followed: RefCell<HashMap<(usize, String), bool>>,
}

/// What the store itself knows of a resource, as entries.
struct Own {
    id: Option<u16>,
    updated: Option<u16>,
}

impl Own {
    fn new(of: ResourceType) -> Own {
        let number = |code| parameter(of, code).map(|parameter| parameter.number);
        Own {
            id: number("_id"),
            updated: number("_lastUpdated"),
        }
    }
    fn add(&self, card: &mut Card) {
        if let Some(number) = self.id {
            card.entries.push(Entry {
                number,
                value: Indexed::Token {
                    system: String::new(),
                    code: card.id.clone(),
                    text: String::new(),
                },
            });
        }
        if let Some(number) = self.updated {
            card.entries.push(Entry {
                number,
                value: Indexed::Date {
                    from: card.updated,
                    to: card.updated,
                },
            });
        }
    }
}

impl<'a> Conditions<'a> {
    pub(crate) fn new(of: ResourceType, all: &'a [Condition]) -> Conditions<'a> {
        Conditions {
            all,
            own: Own::new(of),
            numbers: all
                .iter()
                .filter_map(|condition| match condition {
                    Condition::Is(clause) => Some(clause.parameter.number),
                    Condition::Refers { parameter, .. } => Some(parameter.number),
                    _ => None,
                })
                .collect(),
            followed: RefCell::default(),
        }
    }
    /// Entries of these parameters are needed on the cards besides.
    pub(crate) fn also(mut self, numbers: impl Iterator<Item = u16>) -> Conditions<'a> {
        self.numbers.extend(numbers);
        self
    }
    /// The card of a resource; `None` when its person was erased meanwhile.
    pub(crate) fn card(
        &self,
        reading: &Reading<'_>,
        of: ResourceType,
        tail: &Tail,
        row: &[u8],
    ) -> Result<Option<Card>> {
        let card = reading.vault.card(&tail.card_key(of), row, &|number| {
            self.numbers.contains(&(number & !IDENTIFIER))
        })?;
        Ok(card.map(|mut card| {
            self.own.add(&mut card);
            card
        }))
    }
    pub(crate) fn met(&self, reading: &Reading<'_>, card: &Card) -> Result<bool> {
        for (i, condition) in self.all.iter().enumerate() {
            let met = match condition {
                Condition::Is(clause) => matches(clause, &card.entries),
                Condition::Refers { parameter, targets } => {
                    self.chain_met(reading, i, parameter.number, targets, card)?
                }
                _ => return Err(not_yet()),
            };
            if !met {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn chain_met(
        &self,
        reading: &Reading<'_>,
        i: usize,
        number: u16,
        targets: &[(ResourceType, Condition)],
        card: &Card,
    ) -> Result<bool> {
        for entry in &card.entries {
            let Indexed::Reference(name) = &entry.value else {
                continue;
            };
            if entry.number != number {
                continue;
            }
            let key = (i, name.clone());
            let known = self.followed.borrow().get(&key).copied();
            let met = match known {
                Some(met) => met,
                None => {
                    let met = follow(reading, targets, name)?;
                    self.followed.borrow_mut().insert(key, met);
                    met
                }
            };
            if met {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether what a reference names meets the far side of a chain, and is open to the permit: what is hidden must not
/// show through a chain either.
fn follow(
    reading: &Reading<'_>,
    targets: &[(ResourceType, Condition)],
    name: &str,
) -> Result<bool> {
    let Some((of, id)) = target(name) else {
        return Ok(false);
    };
    let Some((_, there)) = targets.iter().find(|(target, _)| *target == of) else {
        return Ok(false);
    };
    let snapshot = reading.snapshot.as_ref();
    let Some(head) = head_of(&reading.secret, snapshot, of, id)?.filter(|head| head.exists())
    else {
        return Ok(false);
    };
    if !reading.opens(of, id, head.tail.person, head.labels)? {
        return Ok(false);
    }
    let Some(row) = snapshot.get(&head.tail.card_key(of))? else {
        return Ok(false);
    };
    let conditions = Conditions::new(of, std::slice::from_ref(there));
    match conditions.card(reading, of, &head.tail, &row)? {
        Some(card) => conditions.met(reading, &card),
        None => Ok(false),
    }
}

/// A condition that the archive does not look up.
pub(crate) fn not_yet() -> Error {
    Error::Invalid {
        expression: String::new(),
        diagnostics: "This search needs a condition that the archive does not support yet.".into(),
    }
}
