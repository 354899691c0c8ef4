//! Where to look: the ranges of keys that hold every match of a condition, and the choice among them.
//!
//! An *ordered* plan's ranges fix the whole value, so that their rows come in the order of an answer and the first page
//! costs what it shows. A *loose* plan's ranges cover many values; its rows are collected and sorted. The choice is by
//! a capped count of each, never by a guess. Every candidate is then checked against all conditions on its card.

use super::{
    conditions::Conditions,
    stream::{ALL_DATES, Candidate, Dates, Span},
};
use crate::{
    Result, Scope,
    commit::{Count, labels_of},
    dates,
    engine::{Direction, Rows},
    index::{
        self, SPANS, TEXT, code_hash, ordered, ordered_f64, system_hash, unit_hash, whole_hash,
    },
    keys::{EVERY, Key, Tail, after},
    prepare::target,
    read::Reading,
    store::head_of,
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Prefix, Wanted},
    search::{IDENTIFIER, fold},
};
use std::collections::BTreeMap;

/// Rows of an ordered plan counted at most to choose between plans.
const PROBE: usize = 256;
/// Rows up to which collecting and sorting a loose plan beats walking an ordered one of unknown length.
const LOOSE_BESIDE_ORDERED: usize = 2_000;
/// Rows up to which it beats walking the whole type.
const LOOSE_ALONE: usize = 10_000;
/// Systems or units followed under one code.
const KINDS: usize = 64;
/// Targets of a chain at most, to look for what refers to them; beyond, each candidate's reference is followed.
const TARGETS: usize = 200;

/// Where all matches are.
#[derive(Debug)]
pub(crate) enum Plan {
    /// Ranges in the order of the answer.
    Ordered(Vec<Span>),
    /// Ranges of keys in which the value varies.
    Loose(Vec<(Vec<u8>, Vec<u8>)>),
    /// These and no others.
    Named(Vec<Candidate>),
}

/// The plan chosen and the dates within which it looks.
pub(crate) struct Chosen {
    pub(crate) plan: Plan,
    /// Whether the plan has more rows than were counted.
    pub(crate) many: bool,
    pub(crate) dates: Dates,
}

/// What the answer needs of a plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// The first matches in the natural order.
    First,
    /// The first matches in another order that can be walked: the plan only if it has few.
    Few,
    /// All matches.
    All,
}

/// Chooses where to look for a type under these conditions.
pub(crate) fn choose(
    reading: &Reading<'_>,
    of: ResourceType,
    conditions: &[Condition],
    need: Need,
) -> Result<Chosen> {
    let dates = main_dates(reading, of, conditions)?;
    let mut plans = candidates(reading, of, conditions)?;
    if let [Plan::Ordered(_)] = plans.as_slice()
        && need != Need::Few
        && let Some(plan) = plans.pop()
    {
        return Ok(Chosen {
            plan,
            many: true,
            dates,
        });
    }
    // Loose ones last, counted no further than the best of the others.
    plans.sort_by_key(|plan| matches!(plan, Plan::Loose(_)));
    let mut best: Option<(usize, Plan)> = None;
    for plan in plans {
        let least = best.as_ref().map_or(usize::MAX, |(least, _)| *least);
        let loose = matches!(plan, Plan::Loose(_));
        let cap = match (loose, least) {
            (false, _) => PROBE,
            (true, usize::MAX) => LOOSE_ALONE,
            (true, PROBE..) => LOOSE_BESIDE_ORDERED,
            (true, few) => few,
        };
        let cost = probe(reading, &plan, dates, cap)?;
        let capped = cost >= cap;
        let better = match loose {
            true => !capped || (need == Need::All && best.is_none()),
            false => cost < least,
        };
        if better {
            best = Some((cost, plan));
        }
    }
    let every = || Plan::Ordered(vec![Span::index(index::start(of, EVERY).done())]);
    Ok(Chosen {
        many: best.as_ref().is_none_or(|(cost, _)| *cost >= PROBE),
        plan: best.map_or_else(every, |(_, plan)| plan),
        dates,
    })
}

fn candidates(
    reading: &Reading<'_>,
    of: ResourceType,
    conditions: &[Condition],
) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for condition in conditions {
        match condition {
            Condition::Is(clause) => plans.extend(of_clause(reading, of, clause)?),
            Condition::Refers { parameter, targets } => {
                if let [(target, there)] = targets.as_slice() {
                    plans.extend(of_chain(reading, of, parameter.number, *target, there)?);
                }
            }
            _ => {}
        }
    }
    if let Scope::Person { keys, .. } = &reading.grant.scope
        && of.in_patient_compartment()
    {
        // Nobody's resources of such a type can be open to her too, when hers name them.
        let nobody = [crate::PersonKey(0)];
        let people = keys.iter().chain(&nobody);
        plans.push(Plan::Ordered(
            people.map(|&person| Span::cards(of, person)).collect(),
        ));
    }
    Ok(plans)
}

/// Counts a plan's rows up to a cap.
fn probe(reading: &Reading<'_>, plan: &Plan, dates: Dates, cap: usize) -> Result<usize> {
    let ranges: Vec<(Vec<u8>, Vec<u8>)> = match plan {
        Plan::Named(named) => return Ok(named.len()),
        Plan::Ordered(spans) => spans.iter().map(|span| span.range(dates, None)).collect(),
        Plan::Loose(ranges) => ranges.clone(),
    };
    let mut rows = Rows::default();
    for (from, to) in ranges {
        let room = cap.saturating_sub(rows.len());
        reading
            .snapshot
            .scan(&from, &to, Direction::Up, room, &mut rows)?;
    }
    Ok(rows.len())
}

/// The dates that conditions on the main date leave.
fn main_dates(reading: &Reading<'_>, of: ResourceType, conditions: &[Condition]) -> Result<Dates> {
    let mut dates = ALL_DATES;
    let main = dates::main_parameter(of);
    for condition in conditions {
        let Condition::Is(clause) = condition else {
            continue;
        };
        if Some(clause.parameter.number) != main || clause.modifier != Modifier::None {
            continue;
        }
        let longest = Count::read(reading.snapshot.as_ref(), of)?.span;
        let longest = longest.saturating_mul(1_000_000);
        let mut low = i64::MAX;
        let mut high = i64::MIN;
        for wanted in &clause.values {
            let (from, to) = match wanted {
                Wanted::Date { prefix, from, to } => starts(*prefix, (*from, *to), longest),
                _ => ALL_DATES,
            };
            low = low.min(from);
            high = high.max(to);
        }
        dates.0 = dates.0.max(low.div_euclid(1_000_000));
        dates.1 = dates.1.min(high.div_euclid(1_000_000));
    }
    Ok(dates)
}

/// Between which moments a span of time must start that is no longer than `longest` and stands so to the asked one.
fn starts(prefix: Prefix, (from, to): (i64, i64), longest: i64) -> (i64, i64) {
    match prefix {
        Prefix::Eq => (from, to),
        Prefix::Ne => ALL_DATES,
        Prefix::Gt => (to.saturating_sub(longest), i64::MAX),
        Prefix::Ge => (from.min(to.saturating_sub(longest)), i64::MAX),
        Prefix::Lt | Prefix::Eb => (i64::MIN, from),
        Prefix::Le => (i64::MIN, to),
        Prefix::Sa => (to, i64::MAX),
        Prefix::Ap => (from.saturating_sub(longest), to),
    }
}

/// The plan of one condition; `None` when the index has no range for it.
fn of_clause(reading: &Reading<'_>, of: ResourceType, clause: &Clause) -> Result<Option<Plan>> {
    if clause.parameter.code == "_id" && clause.modifier == Modifier::None {
        return of_ids(reading, of, &clause.values).map(Some);
    }
    let number = match clause.modifier {
        Modifier::None | Modifier::Exact => clause.parameter.number,
        Modifier::Identifier => clause.parameter.number | IDENTIFIER,
        _ => return Ok(None),
    };
    let start = index::start(of, number);
    let mut spans = Vec::new();
    let mut loose = Vec::new();
    for wanted in &clause.values {
        let found = match wanted {
            Wanted::Reference(name) => {
                spans.extend(own_cards(reading, of, name)?);
                spans.push(Span::index(
                    start
                        .clone()
                        .bytes(&whole_hash(name, &reading.secret))
                        .done(),
                ));
                true
            }
            Wanted::Uri(uri) => {
                spans.push(Span::index(
                    start
                        .clone()
                        .bytes(&whole_hash(uri, &reading.secret))
                        .done(),
                ));
                true
            }
            Wanted::Token { system, code } => {
                let tokens = tokens(reading, &start, system.as_deref(), code.as_deref())?;
                spans.extend(tokens.iter().flatten().cloned());
                tokens.is_some()
            }
            other => {
                let ranges = ranges(reading, &start, other);
                loose.extend(ranges.iter().flatten().cloned());
                ranges.is_some()
            }
        };
        if !found {
            return Ok(None);
        }
    }
    Ok(Some(match loose.is_empty() {
        true => Plan::Ordered(spans),
        false => Plan::Loose(loose),
    }))
}

/// A person's resources do not stand under the reference to her own Patient; her cards do.
fn own_cards(reading: &Reading<'_>, of: ResourceType, name: &str) -> Result<Option<Span>> {
    match target(name) {
        Some((patient, id)) if patient.name() == "Patient" => {
            let head = head_of(&reading.secret, reading.snapshot.as_ref(), patient, id)?;
            Ok(head.map(|head| Span::cards(of, head.tail.person)))
        }
        _ => Ok(None),
    }
}

/// The spans of a token; a code in any system follows the few systems that it stands with.
fn tokens(
    reading: &Reading<'_>,
    start: &Key,
    system: Option<&str>,
    code: Option<&str>,
) -> Result<Option<Vec<Span>>> {
    let Some(code) = code else {
        return Ok(None);
    };
    let start = start.clone().bytes(&code_hash(code, &reading.secret));
    if let Some(system) = system {
        let span = Span::index(start.bytes(&system_hash(system, &reading.secret)).done());
        return Ok(Some(vec![span]));
    }
    let (mut from, to) = start.clone().range();
    let width = start.0.len() + 3;
    let mut spans = Vec::new();
    while spans.len() < KINDS {
        let mut rows = Rows::default();
        reading
            .snapshot
            .scan(&from, &to, Direction::Up, 1, &mut rows)?;
        let Some(prefix) = rows.get(0).and_then(|(key, _)| key.get(..width)) else {
            return Ok(Some(spans));
        };
        from = after(prefix);
        spans.push(Span::index(prefix.to_vec()));
    }
    Ok(None)
}

/// The ranges of a value that the index orders.
fn ranges(reading: &Reading<'_>, start: &Key, wanted: &Wanted) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    match wanted {
        Wanted::Text(text) => {
            let folded = fold(text);
            let bytes = folded.as_bytes();
            Some(vec![
                start
                    .clone()
                    .bytes(bytes.get(..TEXT).unwrap_or(bytes))
                    .range(),
            ])
        }
        Wanted::Date {
            prefix: Prefix::Ne, ..
        } => None,
        Wanted::Date { prefix, from, to } => {
            let classes = SPANS.iter().enumerate();
            Some(
                classes
                    .map(|(class, &longest)| {
                        let (low, high) = starts(*prefix, (*from, *to), longest);
                        let start = start.clone().bytes(&[class as u8]);
                        between(&start, ordered(low), ordered(high))
                    })
                    .collect(),
            )
        }
        Wanted::Number {
            prefix,
            value,
            low,
            high,
        } => {
            let (low, high) = numbers(*prefix, *value, *low, *high)?;
            Some(vec![between(start, ordered_f64(low), ordered_f64(high))])
        }
        Wanted::Quantity {
            prefix,
            value,
            low,
            high,
            code,
            ..
        } => {
            let unit = unit_hash(code.as_deref()?, &reading.secret);
            let (low, high) = numbers(*prefix, *value, *low, *high)?;
            let start = start.clone().bytes(&unit);
            Some(vec![between(&start, ordered_f64(low), ordered_f64(high))])
        }
        _ => None,
    }
}

fn between(start: &Key, low: [u8; 8], high: [u8; 8]) -> (Vec<u8>, Vec<u8>) {
    let from = start.clone().bytes(&low).done();
    (from, after(&start.clone().bytes(&high).done()))
}

fn numbers(prefix: Prefix, value: f64, low: f64, high: f64) -> Option<(f64, f64)> {
    match prefix {
        Prefix::Eq | Prefix::Ap => Some((low, high)),
        Prefix::Ne => None,
        Prefix::Gt | Prefix::Ge | Prefix::Sa => Some((value, f64::INFINITY)),
        Prefix::Lt | Prefix::Le | Prefix::Eb => Some((f64::NEG_INFINITY, value)),
    }
}

fn of_ids(reading: &Reading<'_>, of: ResourceType, values: &[Wanted]) -> Result<Plan> {
    let mut named = Vec::new();
    for wanted in values {
        let (Wanted::Id(id) | Wanted::Token { code: Some(id), .. }) = wanted else {
            continue;
        };
        let head = head_of(&reading.secret, reading.snapshot.as_ref(), of, id)?;
        if let Some(head) = head.filter(|head| head.exists()) {
            named.push(Candidate {
                tail: head.tail,
                labels: head.labels,
                card: None,
            });
        }
    }
    Ok(Plan::Named(named))
}

/// The targets of a chain, if they are few, as references to them.
fn of_chain(
    reading: &Reading<'_>,
    of: ResourceType,
    number: u16,
    target: ResourceType,
    there: &Condition,
) -> Result<Option<Plan>> {
    let there = std::slice::from_ref(there);
    let chosen = choose(reading, target, there, Need::First)?;
    if probe(reading, &chosen.plan, chosen.dates, TARGETS + 1)? > TARGETS {
        return Ok(None);
    }
    let conditions = Conditions::new(target, there);
    let mut spans = Vec::new();
    for found in super::all(reading, target, &chosen, &conditions, TARGETS)? {
        let name = format!("{target}/{}", found.card.id);
        let start = index::start(of, number);
        spans.extend(own_cards(reading, of, &name)?);
        spans.push(Span::index(
            start.bytes(&whole_hash(&name, &reading.secret)).done(),
        ));
    }
    Ok(Some(Plan::Ordered(spans)))
}

/// Everything in loose ranges, each resource once, in the order of an answer.
pub(crate) fn collect(
    reading: &Reading<'_>,
    ranges: &[(Vec<u8>, Vec<u8>)],
) -> Result<Vec<Candidate>> {
    let mut found = BTreeMap::new();
    let mut rows = Rows::default();
    for (from, to) in ranges {
        rows.clear();
        reading
            .snapshot
            .scan(from, to, Direction::Up, usize::MAX, &mut rows)?;
        for (key, value) in rows.iter() {
            if let Some(tail) = Tail::of_key(key) {
                found.insert(tail.bytes(), (tail, labels_of(value)?));
            }
        }
    }
    let candidate = |(tail, labels)| Candidate {
        tail,
        labels,
        card: None,
    };
    Ok(found.into_values().map(candidate).collect())
}
