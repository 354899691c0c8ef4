//! All of one person's record, from the cards of her compartment; and how much there is.

use crate::{
    Asked, Error, Held, Labels, Page, Permit, PersonKey, Result, Scope, Store, Verb,
    card::Card,
    commit::{Count, State, labels_of},
    dates::ALL_DATES,
    engine::{Direction, Rows},
    grant::is_shared,
    keys::{CARD, Key, LABELLED, MARKED, PEOPLE, Tail, from_six, records},
    prepare::target,
    read::{Reading, Shown},
    search::{Set, Span, Stream},
    store::held,
    token::Position,
    types,
};
use fhir::ResourceType;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// Resources on a page at most.
const PAGE: usize = 10_000;

/// One resource of the record with its place in the answer.
struct One {
    of: ResourceType,
    tail: Tail,
    card: Card,
}

impl One {
    /// Type rank and tail, as bytes that order.
    fn place(&self) -> Vec<u8> {
        let mut place = vec![rank(self.of)];
        place.extend_from_slice(&self.tail.bytes());
        place
    }
}

/// The Patient first, then by type.
fn rank(of: ResourceType) -> u8 {
    if of.name() == "Patient" {
        0
    } else {
        types::code(of)
    }
}

impl Store {
    /// All current resources of the person the permit is for: her Patient first, then by type and newest first, with
    /// the shared resources that they refer to (in `included`). A permit for many people has no such answer.
    pub fn everything(&self, permit: &Permit, asked: &Asked) -> Result<Held<Page>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, None)?;
        let Scope::Person { keys, .. } = grant.scope.clone() else {
            return Err(Error::NotPermitted("it is not for one person".into()));
        };
        let key = &self.inner.secrets.pages;
        let question = format!(
            "everything {:?} {:?} {} {}",
            asked.types,
            asked.since,
            asked.count,
            grant.told()
        );
        let position = match &asked.page {
            Some(token) => Some(Position::open(token, key, &question)?),
            None => None,
        };
        let count = if asked.count == 0 {
            PAGE
        } else {
            asked.count.min(PAGE)
        };
        self.asked("everything", None, &grant, |reading| {
            let mut found = record(reading, &keys, asked, position.as_ref(), count + 1)?;
            let more = found.len() > count;
            found.truncate(count);
            let next = match found.last().filter(|_| more) {
                Some(one) => {
                    let stamp = match &position {
                        Some(position) => position.stamp,
                        None => State::read(reading.snapshot.as_ref())?.next_stamp - 1,
                    };
                    let next = Position {
                        stamp,
                        total: None,
                        last: one.place(),
                    };
                    Some(next.seal(key, &question)?)
                }
                None => None,
            };
            let included = shared(reading, &found)?;
            let total = (asked.page.is_none() && !more).then_some(found.len() as u64);
            let mut shown = Vec::with_capacity(found.len());
            let stamps: Vec<_> = found.iter().map(|one| (one.of, one.card.stamp)).collect();
            let opened = reading.opened_many(&stamps)?;
            for (one, opened) in found.iter().zip(opened) {
                let labels = one.card.labels;
                shown.extend(opened.map(|opened| Shown::new(opened.version.clone(), labels)));
            }
            let seen = shown.iter().chain(&included);
            let seen = seen.map(|shown| shown.seen.clone()).collect();
            let page = Page {
                matches: shown.into_iter().map(|shown| shown.version).collect(),
                included: included.into_iter().map(|shown| shown.version).collect(),
                total,
                next,
                cut: false,
            };
            Ok(held(permit, seen, page))
        })
    }

    /// Whether any current resource of the permit's person is left out by its categories ([`LeftOut`](crate::LeftOut)), or
    /// by its residual; what has any of the `untold` categories does not count. For the hint only.
    pub fn withholds(&self, permit: &Permit, untold: Labels) -> Result<bool> {
        let grant = self.grant(permit)?;
        let Scope::Person { keys, left_out, .. } = &grant.scope else {
            return Ok(false);
        };
        self.asked("withholds", None, &grant, |reading| {
            for &person in keys {
                let (from, to) = Key::new(PEOPLE, MARKED).person(person).range();
                let mut rows = Rows::default();
                (reading.snapshot).scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
                for (key, row) in rows.iter() {
                    let rid = key.last_chunk::<6>().and_then(|six| from_six(six));
                    let labels = labels_of(row)?;
                    if labels.meets(untold) {
                        continue;
                    }
                    if left_out.covers(labels)
                        || reading.leaves_out(person, rid.unwrap_or_default())?
                    {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        })
    }

    /// Current resources per type under the permit, types without any left out. Of one person: those of her
    /// compartment. Cost: her cards; for many people the counters and the labelled resources.
    pub fn counts(&self, permit: &Permit) -> Result<Held<Vec<(ResourceType, u64)>>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, None)?;
        self.asked("counts", None, &grant, |reading| {
            let counts = match &grant.scope {
                Scope::Person { keys, .. } => {
                    let asked = Asked::default();
                    let mut counts = BTreeMap::new();
                    for one in record(reading, keys, &asked, None, usize::MAX)? {
                        *counts.entry(one.of).or_insert(0) += 1;
                    }
                    counts.into_iter().collect()
                }
                _ => {
                    let mut counts = Vec::new();
                    for of in ResourceType::all().filter(|of| grant.covers(*of)) {
                        if let Some(count) = count_of(reading, of)?.filter(|count| *count > 0) {
                            counts.push((of, count));
                        }
                    }
                    counts
                }
            };
            Ok(held(permit, Vec::new(), counts))
        })
    }
}

/// How many current resources of a type the permit opens, from the counters; `None` when only a scan can tell.
pub(crate) fn count_of(reading: &Reading<'_>, of: ResourceType) -> Result<Option<u64>> {
    let grant = reading.grant;
    let count = Count::read(reading.snapshot.as_ref(), of)?;
    match &grant.scope {
        Scope::Person { .. } => return Ok(None),
        Scope::Shared if of.is_personal() => {
            return Ok((!is_shared(of)).then_some(0));
        }
        _ => {}
    }
    if count.labelled == 0 {
        return Ok(Some(count.all));
    }
    let (mut from, to) = Key::new(records(of), LABELLED).of(of).range();
    let mut hidden = 0;
    let mut rows = Rows::default();
    loop {
        rows.clear();
        reading
            .snapshot
            .scan(&from, &to, Direction::Up, 1024, &mut rows)?;
        for (key, row) in rows.iter() {
            let person = key.get(4..10).and_then(crate::keys::from_six);
            let person = PersonKey(person.unwrap_or_default());
            let rid = key.last_chunk::<6>().and_then(|six| from_six(six));
            let closed = grant.withholds(person, labels_of(row)?)
                || reading.leaves_out(person, rid.unwrap_or_default())?;
            hidden += u64::from(closed);
            from = key.to_vec();
        }
        from.push(0);
        if rows.len() < 1024 {
            return Ok(Some(count.all.saturating_sub(hidden)));
        }
    }
}

/// The person's resources in order after a position, at most `limit`.
fn record(
    reading: &Reading<'_>,
    keys: &[PersonKey],
    asked: &Asked,
    position: Option<&Position>,
    limit: usize,
) -> Result<Vec<One>> {
    let since = asked.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let last_stamp = position.map_or(u64::MAX, |position| position.stamp);
    let (after_rank, after) = match position.and_then(|position| position.last.split_first()) {
        Some((&rank, tail)) => (rank, Tail::read(tail)),
        None => (0, None),
    };
    let mut parts = parts_of(reading, keys)?;
    parts.retain(|(of, _)| {
        reading.grant.covers(*of) && (asked.types.is_empty() || asked.types.contains(of))
    });
    parts.sort_by_key(|(of, _)| rank(*of));
    let mut found = Vec::new();
    for (of, cards) in parts.into_iter().filter(|(of, _)| rank(*of) >= after_rank) {
        let after = after.filter(|_| rank(of) == after_rank);
        let mut stream = Stream::new(reading.snapshot.as_ref(), &cards, ALL_DATES, after);
        while let Some(candidate) = stream.next()? {
            if found.len() >= limit {
                return Ok(found);
            }
            let tail = candidate.tail;
            let closed = (reading.grant).withholds(tail.person, candidate.labels)
                || reading.leaves_out(tail.person, tail.rid)?;
            let Some(row) = candidate.card.filter(|_| !closed) else {
                continue;
            };
            let Some(card) = reading
                .vault
                .card(&tail.card_key(of), &row, Some(&|_| false))?
            else {
                continue;
            };
            if card.stamp <= last_stamp && card.updated >= since {
                found.push(One { of, tail, card });
            }
        }
    }
    Ok(found)
}

/// Rows of a compartment that are read at once.
const AT_ONCE: usize = 256;

/// The cards in some persons' compartments, by type: those of one who has few are read at once.
fn parts_of(reading: &Reading<'_>, keys: &[PersonKey]) -> Result<Vec<(ResourceType, Set)>> {
    if let &[person] = keys {
        let mut rows = Rows::default();
        let (from, to) = Key::new(PEOPLE, CARD).person(person).range();
        let snapshot = reading.snapshot.as_ref();
        snapshot.scan(&from, &to, Direction::Up, AT_ONCE + 1, &mut rows)?;
        if rows.len() <= AT_ONCE {
            let mut parts: Vec<(ResourceType, Vec<_>)> = Vec::new();
            for (key, row) in rows.iter() {
                let named = Tail::of_card(key).and_then(|(code, _)| types::named(code));
                let Some(of) = named else { continue };
                if parts.last().is_none_or(|(last, _)| *last != of) {
                    parts.push((of, Vec::new()));
                }
                if let Some((_, part)) = parts.last_mut() {
                    part.extend(Span::cards(of, person).candidate(key, row)?);
                }
            }
            let few = |(of, part)| (of, Set::Few(part));
            return Ok(parts.into_iter().map(few).collect());
        }
    }
    let cards = |of| {
        let spans = keys
            .iter()
            .map(|&person| Set::Span(Span::cards(of, person)));
        (of, Set::any(spans.collect()))
    };
    Ok(types_of(reading, keys)?.into_iter().map(cards).collect())
}

/// The types that there are in some persons' compartments; one seek for each.
fn types_of(reading: &Reading<'_>, keys: &[PersonKey]) -> Result<Vec<ResourceType>> {
    let mut types = Vec::new();
    for &person in keys {
        let start = Key::new(PEOPLE, CARD).person(person);
        let (mut from, to) = start.clone().range();
        let mut rows = Rows::default();
        loop {
            rows.clear();
            reading
                .snapshot
                .scan(&from, &to, Direction::Up, 1, &mut rows)?;
            let Some((code, _)) = rows.get(0).and_then(|(key, _)| Tail::of_card(key)) else {
                break;
            };
            types.extend(types::named(code));
            from = crate::keys::after(&start.clone().bytes(&[code]).done());
        }
    }
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

/// The shared resources that these refer to, each once.
fn shared(reading: &Reading<'_>, found: &[One]) -> Result<Vec<Shown>> {
    let names: HashSet<&str> = found
        .iter()
        .flat_map(|one| one.card.refers.iter().map(String::as_str))
        .collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let targets: Vec<(ResourceType, &str)> = names.into_iter().filter_map(target).collect();
    let shown = reading.current_named(&targets)?;
    Ok(shown
        .into_iter()
        .filter(|one| !one.version.deleted)
        .collect())
}
