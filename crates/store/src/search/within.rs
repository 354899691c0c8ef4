//! `:above` and `:below` on references: what a resource is part of, and what is part of it, put into a condition's
//! values before it is answered (R4, "Searching Hierarchies": `location:below=Location/1` by `Location.partOf`).
//!
//! What the permit hides is not there: the way up or down ends before it, so nothing is found through it. The values of a
//! link to a next page are looked up anew, as chains are.
//!
//! Canonical URLs have no parts but versions; those are judged on cards.
//!
//! Cost: up, a card for each step; down, a search for each resource that is found. At most [`MOST`] of them.

use super::{
    asking::{Asking, Needed, points_to},
    matches::Matches,
    plan::{self, Aim},
};
use crate::{Error, Result, prepare::target};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Query, Wanted},
    search::{Indexed, Kind, SearchParameter, parent},
};
use std::{borrow::Cow, collections::HashSet};

/// Resources above or below that one search follows.
const MOST: usize = 2_000;

/// The same query with what stands above and below in its values.
pub(crate) fn widened<'q>(asking: &Asking<'_>, query: &'q Query) -> Result<Cow<'q, Query>> {
    if !query.conditions.iter().any(asks) {
        return Ok(Cow::Borrowed(query));
    }
    let mut query = query.clone();
    let mut room = MOST;
    for condition in &mut query.conditions {
        widen(asking, condition, &mut room)?;
    }
    Ok(Cow::Owned(query))
}

/// The same for several.
pub(crate) fn all_widened<'q>(
    asking: &Asking<'_>,
    queries: &'q [Query],
) -> Result<Cow<'q, [Query]>> {
    if !queries
        .iter()
        .any(|query| query.conditions.iter().any(asks))
    {
        return Ok(Cow::Borrowed(queries));
    }
    let widened = queries
        .iter()
        .map(|query| Ok(widened(asking, query)?.into_owned()));
    widened.collect::<Result<_>>().map(Cow::Owned)
}

fn is_hierarchical(clause: &Clause) -> bool {
    clause.parameter.kind == Kind::Reference
        && matches!(clause.modifier, Modifier::Above | Modifier::Below)
}

fn asks(condition: &Condition) -> bool {
    match condition {
        Condition::Is(clause) => is_hierarchical(clause),
        Condition::Refers { targets, .. } => targets.iter().any(|(_, there)| asks(there)),
        Condition::Referred { condition, .. } | Condition::Not(condition) => asks(condition),
        Condition::All(parts) | Condition::Any(parts) => parts.iter().any(asks),
        Condition::Listed(_) => false,
    }
}

fn widen(asking: &Asking<'_>, condition: &mut Condition, room: &mut usize) -> Result<()> {
    match condition {
        Condition::Is(clause) if is_hierarchical(clause) => {
            let mut names: Vec<String> = Vec::new();
            for wanted in &clause.values {
                if let Wanted::Reference(name) = wanted {
                    names.extend(around(asking, name, clause.modifier, room)?);
                }
            }
            let mut known = HashSet::new();
            names.retain(|name| known.insert(name.clone()));
            clause.values = names.into_iter().map(Wanted::Reference).collect();
            Ok(())
        }
        Condition::Is(_) | Condition::Listed(_) => Ok(()),
        Condition::Refers { targets, .. } => targets
            .iter_mut()
            .try_for_each(|(_, there)| widen(asking, there, room)),
        Condition::Referred { condition, .. } | Condition::Not(condition) => {
            widen(asking, condition, room)
        }
        Condition::All(parts) | Condition::Any(parts) => parts
            .iter_mut()
            .try_for_each(|part| widen(asking, part, room)),
    }
}

/// A resource's name and those above or below it.
fn around(
    asking: &Asking<'_>,
    name: &str,
    modifier: Modifier,
    room: &mut usize,
) -> Result<Vec<String>> {
    let mut names = vec![name.to_owned()];
    let Some((of, _)) = target(name) else {
        return Ok(names);
    };
    let Some(part_of) = parent(of) else {
        return Ok(names);
    };
    let mut known = HashSet::from([name.to_owned()]);
    let mut at = 0;
    while let Some(name) = names.get(at).cloned() {
        at += 1;
        let next = match modifier {
            Modifier::Above => above(asking, of, part_of, &name)?,
            _ => below(asking, of, part_of, &name, *room)?,
        };
        for name in next {
            if known.insert(name.clone()) {
                *room = room.checked_sub(1).ok_or_else(too_many)?;
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// What a resource says it is part of.
fn above(
    asking: &Asking<'_>,
    of: ResourceType,
    part_of: &SearchParameter,
    name: &str,
) -> Result<Vec<String>> {
    let Some((_, id)) = target(name) else {
        return Ok(Vec::new());
    };
    let none = Needed::of(of, std::iter::empty());
    let needed = none.also(std::iter::once(part_of.number));
    let Some((_, card)) = asking.current(of, id, &needed)? else {
        return Ok(Vec::new());
    };
    let names = card
        .entries
        .into_iter()
        .filter_map(|entry| match entry.value {
            Indexed::Reference(name) if entry.number == part_of.number => Some(name),
            _ => None,
        });
    Ok(names
        .filter(|name| target(name).is_some_and(|(to, _)| to == of))
        .collect())
}

/// What says that it is part of a resource.
fn below(
    asking: &Asking<'_>,
    of: ResourceType,
    part_of: &'static SearchParameter,
    name: &str,
    room: usize,
) -> Result<Vec<String>> {
    if !asking.reading.grant.covers(of) {
        return Ok(Vec::new());
    }
    let condition = points_to(part_of, name);
    let plan = plan::choose(asking, of, &[&condition], Aim::All)?;
    let mut matches = Matches::new(asking, plan, None, u64::MAX)?;
    let mut names = Vec::new();
    while let Some(found) = matches.next()? {
        names.push(format!("{of}/{}", found.card.id));
        if names.len() > room + 1 {
            return Err(too_many());
        }
    }
    Ok(names)
}

fn too_many() -> Error {
    Error::Invalid {
        expression: String::new(),
        diagnostics: format!(
            "More than {MOST} resources stand above or below the one that is named; name one further down."
        ),
    }
}
