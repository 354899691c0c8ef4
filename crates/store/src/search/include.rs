//! What an answer carries beside its matches.

use super::{
    Found, all,
    conditions::Conditions,
    plan::{Need, choose},
};
use crate::{
    Result,
    prepare::target,
    read::{Reading, Shown},
};
use fhir::{
    ResourceType,
    query::{Clause, Include, Modifier, Query, Wanted},
    search::Indexed,
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
        .filter(|include| include.source == query.of)
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
        for found in found {
            let room = INCLUDED.saturating_sub(shown.len());
            for one in referring(reading, query.of, found, include, room)? {
                let name = format!("{}/{}", include.source, one.card.id);
                if known.insert(name)
                    && let Some(one) = reading.current(include.source, &one.card.id)?
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
        Indexed::Reference(name) if entry.number == include.parameter.number => Some(name.as_str()),
        _ => None,
    })
}

fn referring(
    reading: &Reading<'_>,
    of: ResourceType,
    found: &Found,
    include: &Include,
    room: usize,
) -> Result<Vec<Found>> {
    if include.target.is_some_and(|target| target != of) || !reading.grant.covers(include.source) {
        return Ok(Vec::new());
    }
    let clauses = [Clause {
        parameter: include.parameter,
        modifier: Modifier::None,
        values: vec![Wanted::Reference(format!("{of}/{}", found.card.id))],
        chain: None,
    }];
    let chosen = choose(reading, include.source, &clauses, Need::All)?;
    let conditions = Conditions::new(include.source, &clauses);
    all(reading, include.source, &chosen, &conditions, room)
}
