//! What an answer carries beside its matches: `_include` and `_revinclude`, in rounds.
//!
//! The first round starts from the matches; each further one from what the last one brought, with the includes that say
//! `:iterate`. Bounded in rounds and in number; what is beyond is left out, and the answer says so.

use super::{
    asking::{Asking, Needed, points_to},
    matches::{Found, Matches},
    plan::{self, Aim},
};
use crate::{Result, card::Card, keys::Tail, prepare::target, read::Shown};
use fhir::{
    ResourceType,
    query::{Include, Query},
    search::{Indexed, SearchParameter},
};
use std::collections::HashSet;

/// Resources that one page includes at most.
const INCLUDED: usize = 10_000;
/// Rounds at most.
const ROUNDS: usize = 8;

/// Resources included, and whether some were left out.
#[derive(Default)]
pub(crate) struct Included {
    pub(crate) shown: Vec<Shown>,
    pub(crate) cut: bool,
}

/// A resource from which an include starts.
struct From {
    of: ResourceType,
    card: Card,
}

/// The parameters that the includes follow from a type.
pub(crate) fn numbers(asking: &Asking<'_>, query: &Query) -> Result<Vec<u16>> {
    let from = |include: &&Include| include.source.is_none_or(|source| source == query.of);
    let mut numbers = Vec::new();
    for include in query.include.iter().filter(from) {
        numbers.extend(followed_by(asking, query.of, include)?);
    }
    Ok(numbers)
}

fn followed_by(asking: &Asking<'_>, of: ResourceType, include: &Include) -> Result<Vec<u16>> {
    Ok(match include.parameter {
        Some(parameter) => vec![parameter.number],
        None => {
            let all = asking.reading.references(of)?;
            all.iter().map(|parameter| parameter.number).collect()
        }
    })
}

/// Adds what is asked for, each resource once and none that is a match of the page.
pub(crate) fn included(asking: &Asking<'_>, query: &Query, found: Vec<Found>) -> Result<Included> {
    let mut known: HashSet<String> = found
        .iter()
        .map(|found| format!("{}/{}", query.of, found.card.id))
        .collect();
    let mut out = Included::default();
    let matches = found.into_iter().map(|found| From {
        of: query.of,
        card: found.card,
    });
    let mut starts: Vec<From> = matches.collect();
    for round in 0..=ROUNDS {
        let in_round = |include: &&Include| round == 0 || include.iterate;
        let mut brought = Vec::new();
        for start in &starts {
            for include in query.include.iter().filter(in_round) {
                forward(asking, query, start, include, &mut known, &mut brought)?;
            }
            for include in query.revinclude.iter().filter(in_round) {
                let room = INCLUDED.saturating_sub(out.shown.len() + brought.len());
                backward(
                    asking,
                    query,
                    start,
                    include,
                    room,
                    &mut known,
                    &mut brought,
                )?;
            }
            if out.shown.len() + brought.len() >= INCLUDED {
                out.cut = true;
                break;
            }
        }
        if round == ROUNDS {
            out.cut |= !brought.is_empty();
            break;
        }
        starts.clear();
        brought.truncate(INCLUDED.saturating_sub(out.shown.len()));
        let reading = asking.reading;
        let asked: Vec<_> = brought
            .iter()
            .map(|(of, _, card)| (*of, card.stamp))
            .collect();
        let opened = reading.opened_many(&asked)?;
        for ((of, tail, card), opened) in brought.into_iter().zip(opened) {
            debug_assert!(
                opened
                    .as_ref()
                    .is_none_or(|opened| opened.version.person == tail.person)
            );
            let shown = opened.map(|opened| Shown::new(opened.version.clone(), card.labels));
            out.shown.extend(shown);
            starts.push(From { of, card });
        }
        if out.cut || starts.is_empty() {
            break;
        }
    }
    Ok(out)
}

type Brought = Vec<(ResourceType, Tail, Card)>;

fn forward(
    asking: &Asking<'_>,
    query: &Query,
    start: &From,
    include: &Include,
    known: &mut HashSet<String>,
    brought: &mut Brought,
) -> Result<()> {
    if include.source.is_some_and(|source| source != start.of) {
        return Ok(());
    }
    let followed = followed_by(asking, start.of, include)?;
    for entry in &start.card.entries {
        if let Indexed::Reference(name) = &entry.value
            && followed.contains(&entry.number)
            && let Some((of, id)) = target(name)
            && include.target.is_none_or(|wanted| wanted == of)
            && !known.contains(&format!("{of}/{id}"))
            && brought.len() < INCLUDED
            && let Some((tail, card)) = asking.current(of, id, &needed(asking, query, of)?)?
        {
            known.insert(format!("{of}/{id}"));
            brought.push((of, tail, card));
        }
    }
    Ok(())
}

/// What the iterating includes need of a resource that was included.
fn needed(asking: &Asking<'_>, query: &Query, of: ResourceType) -> Result<Needed> {
    let iterating = query
        .include
        .iter()
        .filter(|include| include.iterate && include.source.is_none_or(|source| source == of));
    let mut numbers = Vec::new();
    for include in iterating {
        numbers.extend(followed_by(asking, of, include)?);
    }
    Ok(Needed::of(of, std::iter::empty()).also(numbers.into_iter()))
}

#[allow(clippy::too_many_arguments)]
fn backward(
    asking: &Asking<'_>,
    query: &Query,
    start: &From,
    include: &Include,
    mut room: usize,
    known: &mut HashSet<String>,
    brought: &mut Brought,
) -> Result<()> {
    if include.target.is_some_and(|target| target != start.of) {
        return Ok(());
    }
    let name = format!("{}/{}", start.of, start.card.id);
    let sources = match include.source {
        Some(source) => vec![source],
        None => ResourceType::all().collect(),
    };
    for source in sources
        .into_iter()
        .filter(|of| asking.reading.grant.covers(*of))
    {
        let pointing: Vec<&SearchParameter> = match include.parameter {
            Some(parameter) => vec![parameter],
            None => {
                let mut all = asking.reading.references(source)?;
                all.retain(|parameter| parameter.targets.contains(&start.of.name()));
                all
            }
        };
        for parameter in pointing {
            let points = points_to(parameter, &name);
            let mut plan = plan::choose(asking, source, &[&points], Aim::All)?;
            let also = needed(asking, query, source)?;
            plan.needed = also.also(std::iter::once(parameter.number));
            let mut matches = Matches::new(asking, plan, None, u64::MAX)?;
            while room > 0
                && let Some(found) = matches.next()?
            {
                if known.insert(format!("{source}/{}", found.card.id)) {
                    room -= 1;
                    brought.push((source, found.tail, found.card));
                }
            }
        }
    }
    Ok(())
}
