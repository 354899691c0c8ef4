//! Functions that filter, cut, combine and put in order.

use super::call::Work;
use crate::fhirpath::{
    PathError,
    compare::{self, Seen},
    eval::{Outcome, Scope, truth},
    item::{Found, Item},
    tree::{Expr, Function},
};
use std::cmp::Ordering;

/// Functions whose argument is worked out on each item.
pub(super) fn with_argument<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let items = work.input.items();
    match work.call.function {
        Function::Exists if work.call.arguments.is_empty() => Ok(Found::truth(!items.is_empty())),
        Function::Exists => {
            for (at, item) in items.iter().enumerate() {
                if holds(work, item, at)? {
                    return Ok(Found::truth(true));
                }
            }
            Ok(Found::truth(false))
        }
        Function::All => {
            for (at, item) in items.iter().enumerate() {
                if !holds(work, item, at)? {
                    return Ok(Found::truth(false));
                }
            }
            Ok(Found::truth(true))
        }
        Function::Where => {
            let mut found = Found::None;
            for (at, item) in items.iter().enumerate() {
                if holds(work, item, at)? {
                    found.push(item.clone());
                }
            }
            Ok(found)
        }
        Function::Select => {
            let mut found = Found::None;
            for (at, item) in items.iter().enumerate() {
                found.append(work.on_item(0, item, at)?);
                found = work.run.bounded(found)?;
            }
            Ok(found)
        }
        Function::Repeat => repeat(work),
        Function::Aggregate => aggregate(work),
        Function::Sort => sort(work),
        _ => iif(work),
    }
}

fn holds<'a>(work: &Work<'_, '_, 'a>, item: &Item<'a>, at: usize) -> Result<bool, PathError> {
    let found = work.on_item(0, item, at)?;
    Ok(truth(&found, "a condition")? == Some(true))
}

/// Whatever the argument finds, and finds on what it found, each once.
fn repeat<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut seen = Seen::default();
    let mut found = Found::None;
    let mut ahead = work.input.clone();
    while !ahead.is_empty() {
        let mut next = Found::None;
        for (at, item) in ahead.items().iter().enumerate() {
            for new in work.on_item(0, item, at)?.into_vec() {
                work.run.tick(1 + seen.crowd(&new))?;
                if seen.is_new(&new) {
                    next.push(new);
                }
            }
        }
        found.append(next.clone());
        found = work.run.bounded(found)?;
        ahead = next;
    }
    Ok(found)
}

fn aggregate<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut total = work.argument(1)?;
    let Some(argument) = work.call.arguments.first() else {
        return Ok(total);
    };
    for (at, item) in work.input.items().iter().enumerate() {
        let this = Found::One(item.clone());
        let scope = Scope {
            this: &this,
            index: Some(at),
            total: Some(&total),
            variables: work.scope.variables,
        };
        let next = work.run.eval(argument, &scope)?;
        total = work.run.bounded(next)?;
    }
    Ok(total)
}

/// Only the branch that is taken is worked out.
fn iif<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    crate::fhirpath::eval::single(work.input, "what `iif` works on")?;
    let scope = work.scope.with(work.input, None);
    let branch = |at: usize| match work.call.arguments.get(at) {
        Some(argument) => work.run.eval(argument, &scope),
        None => Ok(Found::None),
    };
    match truth(&branch(0)?, "the condition of `iif`")? {
        Some(true) => branch(1),
        _ => branch(2),
    }
}

/// By the keys given, each from the top when a `-` stands before it; by the items themselves without.
fn sort<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut rows: Vec<(Vec<Option<Item<'a>>>, Item<'a>)> = Vec::with_capacity(work.input.len());
    for (at, item) in work.input.items().iter().enumerate() {
        let mut keys = Vec::new();
        let this = Found::One(item.clone());
        let scope = work.scope.with(&this, Some(at));
        for argument in &work.call.arguments {
            let key = match argument {
                Expr::Negate(key, _) => key,
                key => key,
            };
            let found = work.run.eval(key, &scope)?;
            keys.push(crate::fhirpath::eval::single(&found, "a key to sort by")?.cloned());
        }
        if keys.is_empty() {
            keys.push(Some(item.clone()));
        }
        rows.push((keys, item.clone()));
    }
    work.run
        .tick(rows.len() * (rows.len().max(2).ilog2() as usize))?;
    let down: Vec<bool> = work
        .call
        .arguments
        .iter()
        .map(|argument| matches!(argument, Expr::Negate(..)))
        .collect();
    let mut wrong = None;
    rows.sort_by(|(a, _), (b, _)| {
        for (at, (a, b)) in a.iter().zip(b).enumerate() {
            let order = match (a, b) {
                (None, None) => continue,
                // What has no key stands first, whichever way.
                (None, _) => return Ordering::Less,
                (_, None) => return Ordering::Greater,
                (Some(a), Some(b)) => match compare::order(a, b) {
                    Ok(order) => order.unwrap_or(Ordering::Equal),
                    Err(error) => {
                        wrong.get_or_insert(error);
                        Ordering::Equal
                    }
                },
            };
            let order = if down.get(at) == Some(&true) {
                order.reverse()
            } else {
                order
            };
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    });
    match wrong {
        Some(error) => Err(error),
        None => Ok(rows.into_iter().map(|(_, item)| item).collect()),
    }
}

/// The booleans of the input; anything else among them is an error.
pub(super) fn truths(work: &Work<'_, '_, '_>) -> Result<Vec<bool>, PathError> {
    work.input
        .items()
        .iter()
        .map(|item| {
            item.as_bool().ok_or_else(|| {
                PathError::execution(format!("`{}` works on booleans only", work.name()))
            })
        })
        .collect()
}

/// Functions that know an item by its value.
pub(super) fn sets<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut other = work.argument(0)?;
    if work.call.function == Function::Combine {
        let mut found = work.input.clone();
        found.append(other);
        return Ok(found);
    }
    let mut known = Seen::default();
    let (mut input, function) = (work.input.clone(), work.call.function);
    if function == Function::SupersetOf {
        std::mem::swap(&mut input, &mut other);
    }
    if !matches!(function, Function::Union) {
        for item in other.items() {
            work.run.tick(1 + known.crowd(item))?;
            known.is_new(item);
        }
    } else {
        input.append(other);
    }
    let mut seen = Seen::default();
    let mut found = Found::None;
    let mut all = true;
    for item in input.items() {
        work.run.tick(1 + seen.crowd(item) + known.crowd(item))?;
        let keep = match function {
            Function::Distinct | Function::IsDistinct | Function::Union => seen.is_new(item),
            Function::Intersect => known.has(item) && seen.is_new(item),
            Function::Exclude => !known.has(item),
            _ => known.has(item),
        };
        all &= keep;
        if keep {
            found.push(item.clone());
        }
    }
    Ok(match function {
        Function::IsDistinct | Function::SubsetOf | Function::SupersetOf => Found::truth(all),
        _ => found,
    })
}

/// Functions that keep some items by their place.
pub(super) fn part<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let items = work.input.items();
    let kept = match work.call.function {
        Function::First => items.get(..1),
        Function::Last => items
            .len()
            .checked_sub(1)
            .and_then(|last| items.get(last..)),
        Function::Tail => items.get(1..),
        function => {
            let Some(count) = work.whole_argument(0)? else {
                return Ok(Found::None);
            };
            let count = usize::try_from(count).unwrap_or(0).min(items.len());
            match function {
                Function::Skip => items.get(count..),
                _ => items.get(..count),
            }
        }
    };
    Ok(kept.unwrap_or_default().iter().cloned().collect())
}

/// Children, or all that lies below.
pub(super) fn tree<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let children = |items: &[Item<'a>]| -> Outcome<'a> {
        let mut found = Found::None;
        for item in items {
            if let Item::Node(node) = item {
                node.children(&mut found);
            }
        }
        work.run.bounded(found)
    };
    let mut found = children(work.input.items())?;
    if work.call.function == Function::Children {
        return Ok(found);
    }
    let mut ahead = found.clone();
    while !ahead.is_empty() {
        ahead = children(ahead.items())?;
        found.append(ahead.clone());
        found = work.run.bounded(found)?;
    }
    Ok(found)
}

pub(super) fn trace<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let name = work.text_argument(0)?.unwrap_or_default();
    if let Some(hears) = work.run.context.trace {
        let mut shown = Found::None;
        if work.call.arguments.len() > 1 {
            for (at, item) in work.input.items().iter().enumerate() {
                shown.append(work.on_item(1, item, at)?);
            }
        } else {
            shown = work.input.clone();
        }
        hears(&name, shown.items());
    }
    Ok(work.input.clone())
}
