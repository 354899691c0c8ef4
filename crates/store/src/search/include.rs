//! What an answer carries beside its matches.

use super::{
    Found, all,
    conditions::{Conditions, not_yet},
    plan::{Need, choose},
};
use crate::{
    Result,
    prepare::target,
    read::{Reading, Shown},
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Include, Modifier, Query, Wanted},
    search::{Indexed, SearchParameter},
};
use std::collections::HashSet;

/// Resources that one page includes at most; what is beyond is left out, as R4 lets a server do.
const INCLUDED: usize = 10_000;

/// Adds what `_include` and `_revinclude` ask for, each resource once and none that is a match of the page.
pub(crate) fn included(
    reading: &Reading<'_>,
    query: &Query,
    found: &[Found],
) -> Result<Vec<Shown>> {
    let mut known: HashSet<String> = found
        .iter()
        .map(|found| format!("{}/{}", query.of, found.card.id))
        .collect();
    let mut shown = Vec::new();
    for include in query
        .include
        .iter()
        .filter(|include| include.source == Some(query.of))
    {
        for name in found.iter().flat_map(|found| named(found, include)) {
            if shown.len() < INCLUDED
                && let Some((of, id)) = target(name)
                && include.target.is_none_or(|wanted| wanted == of)
                && known.insert(format!("{of}/{id}"))
                && let Some(one) = reading.current(of, id)?
                && !one.version.deleted
            {
                shown.push(one);
            }
        }
    }
    for include in &query.revinclude {
        let (Some(source), Some(parameter)) = (include.source, include.parameter) else {
            return Err(not_yet());
        };
        for found in found {
            let room = INCLUDED.saturating_sub(shown.len());
            for one in referring(
                reading,
                query.of,
                found,
                (source, parameter, include.target),
                room,
            )? {
                let name = format!("{source}/{}", one.card.id);
                if known.insert(name)
                    && let Some(one) = reading.current(source, &one.card.id)?
                {
                    shown.push(one);
                }
            }
        }
    }
    Ok(shown)
}

fn named<'a>(found: &'a Found, include: &'a Include) -> impl Iterator<Item = &'a str> {
    let entries = found.card.entries.iter();
    entries.filter_map(|entry| match &entry.value {
        Indexed::Reference(name) if include.parameter.is_some_and(|p| p.number == entry.number) => {
            Some(name.as_str())
        }
        _ => None,
    })
}

fn referring(
    reading: &Reading<'_>,
    of: ResourceType,
    found: &Found,
    (source, parameter, only): (ResourceType, &'static SearchParameter, Option<ResourceType>),
    room: usize,
) -> Result<Vec<Found>> {
    if only.is_some_and(|target| target != of) || !reading.grant.covers(source) {
        return Ok(Vec::new());
    }
    let refers = [Condition::Is(Clause {
        parameter,
        modifier: Modifier::None,
        values: vec![Wanted::Reference(format!("{of}/{}", found.card.id))],
    })];
    let chosen = choose(reading, source, &refers, Need::All)?;
    let conditions = Conditions::new(source, &refers);
    all(reading, source, &chosen, &conditions, room)
}
