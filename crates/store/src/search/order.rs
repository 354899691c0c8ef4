//! The order of an answer.
//!
//! With `_sort` it is as asked; what has no value comes last. Without, it follows from the shape of the question alone,
//! never from how much there is, so that nothing hidden shows in it:
//! - newest first by the main clinical date, later registered first for types without one (*natural*), when anything fixes
//!   a value (a code, a reference, an id, a list) or a date;
//! - by the value, lowest first, when the question leaves the value of a text, number, quantity or date open and nothing
//!   else fixes one (`name=gar`, `birthdate=ge1990`), and of *code and value* together (`code=X&value-quantity=gt5`);
//! - last changed first when it asks for changes only (`_lastUpdated=gt...`).
//!
//! Equals keep the natural order, or that reversed where the first key is walked downwards.

use super::{asking::Asking, matches::Found, plan};
use crate::{
    Result, Scope, dates,
    engine::Direction,
    index::{self, ordered},
    keys::{TAIL, UNDATED, date_desc},
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Sort, Wanted, matches},
    search::Kind,
};

/// How the matches are ordered.
pub(crate) enum Order {
    Natural,
    /// By last change: up is newest first.
    Change(Direction),
    Keys(Keys),
}

/// By values, the first key first.
pub(crate) struct Keys {
    pub(crate) keys: Vec<SortKey>,
    /// Whether what has no value of the first key can match.
    pub(crate) missing: bool,
    /// Whether the first key says all that is asked: the rows in its order are the matches.
    pub(crate) is_all: bool,
}

pub(crate) struct SortKey {
    pub(crate) by: By,
    pub(crate) descending: bool,
}

/// What a key compares.
pub(crate) enum By {
    Id,
    Change,
    /// The main date, where it stands in every key.
    MainDate,
    /// The lowest (descending: the highest) value of a parameter.
    Parameter(u16, Kind),
    /// The lowest value that meets a condition.
    Matching(Clause),
}

impl Order {
    /// The order of a search on a type.
    pub(crate) fn of(
        asking: &Asking<'_>,
        of: ResourceType,
        sort: &[Sort],
        conditions: &[&Condition],
    ) -> Result<Order> {
        match sort {
            [] => implied(asking, of, conditions),
            [only] if only.parameter.code == "_lastUpdated" => {
                Ok(Order::Change(match only.descending {
                    true => Direction::Up,
                    false => Direction::Down,
                }))
            }
            [only] if only.descending && is_main(of, only.parameter.number) => Ok(Order::Natural),
            keys => Ok(Order::Keys(Keys {
                keys: keys.iter().map(|sort| SortKey::of(of, sort)).collect(),
                missing: true,
                is_all: false,
            })),
        }
    }
}

fn is_main(of: ResourceType, number: u16) -> bool {
    dates::main_parameter(of) == Some(number) && dates::is_pure(of)
}

fn implied(asking: &Asking<'_>, of: ResourceType, conditions: &[&Condition]) -> Result<Order> {
    let hers = matches!(asking.reading.grant.scope, Scope::Person { .. });
    if hers && of.is_personal() {
        return Ok(Order::Natural);
    }
    let by = |clause: Clause, is_all: bool| {
        Ok(Order::Keys(Keys {
            is_all,
            keys: vec![SortKey {
                by: By::Matching(clause),
                descending: false,
            }],
            missing: false,
        }))
    };
    let others_are_codes = conditions.iter().all(|condition| match condition {
        Condition::Is(clause) => {
            let code = clause.parameter.kind == Kind::Token && clause.parameter.code != "_id";
            let date = plan::on_date(of, condition).is_some();
            code || !date && clause.parameter.kind != Kind::Reference
        }
        _ => false,
    });
    if others_are_codes
        && let Some(pair) = plan::pair_of(of, conditions)
        && let Some(clause) = pair.ordered()
    {
        return by(clause, pair.parts.len() == conditions.len());
    }
    if conditions.iter().any(|condition| fixes(of, condition)) {
        return Ok(Order::Natural);
    }
    let mut clauses = conditions.iter().filter_map(|condition| match condition {
        Condition::Is(clause) => Some(clause),
        _ => None,
    });
    if let Some(open) = clauses.clone().find(|clause| leaves_open(clause)) {
        return by(open.clone(), conditions.len() == 1);
    }
    Ok(
        match clauses.any(|clause| clause.parameter.code == "_lastUpdated") {
            true => Order::Change(Direction::Up),
            false => Order::Natural,
        },
    )
}

/// Whether a condition fixes a value, by its shape.
fn fixes(of: ResourceType, condition: &Condition) -> bool {
    match condition {
        Condition::Is(clause) => {
            plan::on_date(of, condition).is_some()
                || matches!(
                    clause.parameter.kind,
                    Kind::Token | Kind::Reference | Kind::Uri | Kind::Special
                )
                || clause.modifier == Modifier::Exact
                || clause
                    .values
                    .iter()
                    .any(|wanted| matches!(wanted, Wanted::Words(_)) || composite_of_codes(wanted))
        }
        _ => true,
    }
}

fn composite_of_codes(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Composite(parts) => parts
            .iter()
            .all(|part| matches!(part, Wanted::Token { .. } | Wanted::Reference(_))),
        _ => false,
    }
}

/// Whether a condition leaves open a value by which the index is ordered.
fn leaves_open(clause: &Clause) -> bool {
    let open = |wanted: &Wanted| match wanted {
        Wanted::Text(_) | Wanted::Number { .. } => true,
        Wanted::Date { .. } => clause.parameter.code != "_lastUpdated",
        Wanted::Quantity { code, .. } => code.is_some(),
        Wanted::Composite(_) => true,
        _ => false,
    };
    clause.modifier == Modifier::None && !clause.values.is_empty() && clause.values.iter().all(open)
}

impl SortKey {
    fn of(of: ResourceType, sort: &Sort) -> SortKey {
        let parameter = sort.parameter;
        SortKey {
            by: match parameter.code {
                "_id" => By::Id,
                "_lastUpdated" => By::Change,
                _ if is_main(of, parameter.number) => By::MainDate,
                _ => By::Parameter(parameter.number, parameter.kind),
            },
            descending: sort.descending,
        }
    }

    /// The value's bytes, lowest first.
    fn value(&self, found: &Found) -> Option<Vec<u8>> {
        let ranks = |number: u16, meets: &dyn Fn(&fhir::search::Entry) -> bool| {
            let entries = found.card.entries.iter();
            let ranks = entries
                .filter(|entry| entry.number == number && meets(entry))
                .filter_map(|entry| index::rank(&entry.value));
            match self.descending {
                true => ranks.max(),
                false => ranks.min(),
            }
        };
        match &self.by {
            By::Id => {
                let mut id = found.card.id.as_bytes().to_vec();
                id.push(0);
                Some(id)
            }
            // Stamps are exact where two versions share a moment.
            By::Change => Some(found.card.stamp.to_be_bytes().to_vec()),
            By::MainDate => {
                let second = found.tail.date;
                (second != UNDATED).then(|| ordered(second).to_vec())
            }
            By::Parameter(number, _) => ranks(*number, &|_| true),
            By::Matching(clause) => ranks(clause.parameter.number, &|entry| {
                matches(clause, std::slice::from_ref(entry))
            }),
        }
    }
}

impl Keys {
    /// Parameters whose entries are needed on cards.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.keys.iter().filter_map(|key| match &key.by {
            By::Parameter(number, _) => Some(*number),
            By::Matching(clause) => Some(clause.parameter.number),
            By::Id | By::Change | By::MainDate => None,
        })
    }

    /// Whether rows are walked downwards for the first key.
    pub(crate) fn downwards(&self) -> bool {
        match self.keys.first() {
            // Keys hold later dates first.
            Some(key) if matches!(key.by, By::MainDate) => !key.descending,
            Some(key) => {
                key.descending
                    && matches!(
                        key.by,
                        By::Parameter(_, Kind::String | Kind::Number | Kind::Quantity | Kind::Date)
                    )
            }
            None => false,
        }
    }

    /// Bytes that order the matches: for each key whether it is missing and its value; then the natural order.
    pub(crate) fn key(&self, found: &Found) -> Vec<u8> {
        let mut out = Vec::with_capacity(48);
        let mut missing = false;
        for (i, key) in self.keys.iter().enumerate() {
            let start = out.len() + 1;
            match key.value(found) {
                Some(value) => {
                    out.push(0);
                    out.extend_from_slice(&value);
                    if key.descending {
                        out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
                    }
                }
                None => {
                    missing |= i == 0;
                    out.push(1);
                }
            }
        }
        let tail = found.tail.bytes();
        match self.downwards() && !missing {
            true => out.extend(tail.iter().map(|byte| !byte)),
            false => out.extend_from_slice(&tail),
        }
        out
    }

    /// Where a match stands in the rows of the first key: the value's bytes there and the tail.
    pub(crate) fn place(&self, found: &Found) -> Option<Vec<u8>> {
        let key = self.keys.first()?;
        let mut place = match key.by {
            By::MainDate => {
                key.value(found)?;
                date_desc(found.tail.date).to_vec()
            }
            _ => key.value(found)?,
        };
        place.extend_from_slice(&found.tail.bytes());
        Some(place)
    }

    /// The value's bytes of a place.
    pub(crate) fn rank(place: &[u8]) -> &[u8] {
        place
            .get(..place.len().saturating_sub(TAIL))
            .unwrap_or_default()
    }
}
