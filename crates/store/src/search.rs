//! Search: plan, scan in order, check on cards, page.
//!
//! The order of an answer is newest first by the type's main clinical date (`dates.rs`), later registered first where it
//! has none, unless `_sort` says otherwise. What the permit hides is left out inside the scan, so totals and pages are
//! true without it.
//!
//! **Paging.** A link carries the stamp of the first page's snapshot: what was created or changed since is left out of
//! later pages (its version then is not the one that was asked about), what was deleted is gone, and the total stays
//! that of the first page. The permit is asked again for each page.
//!
//! **Cost.** A page of an ordered plan: its rows, one card and one body each, and the candidates that fail a condition.
//! The same for `_sort=_lastUpdated`. Other orders, and total counts, cost all matches.

mod able;
mod changed;
mod conditions;
mod include;
mod order;
mod plan;
mod stream;

use crate::{
    Held, Page, PageToken, Permit, Result, Store, Verb,
    card::Card,
    commit::State,
    engine::{Direction, Rows, Snapshot},
    grant::Grant,
    index::Secret,
    keys::{TAIL, Tail},
    read::{Reading, Shown},
    store::{held, stored_at},
    token::Position,
    vault::Vault,
};
use changed::Changed;
use conditions::Conditions;
use fhir::{ResourceType, query::Query};
use plan::{Chosen, Need, Plan, choose, collect};
use std::{collections::VecDeque, sync::Arc};
pub(crate) use stream::{ALL_DATES, Candidate, Span, Stream};

/// A match.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) tail: Tail,
    pub(crate) card: Card,
}

impl Store {
    /// A page of a search.
    pub fn search(
        &self,
        permit: &Permit,
        query: &Query,
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, Some(query.of))?;
        let reading = Reading::new(self, &grant)?;
        let key = &self.inner.secrets.pages;
        let question = format!("search {query:?} {}", grant.told());
        let position = page
            .map(|token| Position::open(token, key, &question))
            .transpose()?;
        let answer = answer(&reading, query, position)?;
        let mut shown = Vec::with_capacity(answer.found.len());
        for found in &answer.found {
            let stored = stored_at(
                &reading.vault,
                reading.snapshot.as_ref(),
                query.of,
                found.card.stamp,
            )?;
            shown.extend(stored.map(|stored| Shown::new(stored, found.card.labels)));
        }
        let included = include::included(&reading, query, &answer.found)?;
        let next = answer
            .next
            .map(|next| next.seal(key, &question))
            .transpose()?;
        let seen = shown.iter().chain(&included);
        let seen = seen.map(|shown| shown.seen.clone()).collect();
        let page = Page {
            matches: shown.into_iter().map(|shown| shown.version).collect(),
            included: included.into_iter().map(|shown| shown.version).collect(),
            total: answer.total,
            next,
        };
        Ok(held(permit, seen, page))
    }
}

/// How a condition of a write finds what is there: ids of at most so many matches.
pub(crate) fn find(
    secret: Secret,
    vault: Arc<Vault>,
) -> impl Fn(&dyn Snapshot, &Query, &Grant, usize) -> Result<Vec<String>> + Send {
    move |snapshot, query, grant, limit| {
        let reading = Reading {
            snapshot: Box::new(Borrowed(snapshot)),
            grant,
            secret,
            vault: vault.clone(),
        };
        able::able(query)?;
        let conditions = Conditions::new(query.of, &query.conditions);
        let chosen = choose(&reading, query.of, &query.conditions, Need::First)?;
        let found = all(&reading, query.of, &chosen, &conditions, limit)?;
        Ok(found.into_iter().map(|found| found.card.id).collect())
    }
}

struct Borrowed<'a>(&'a dyn Snapshot);

impl Snapshot for Borrowed<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(key)
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        self.0.scan(from, to, direction, limit, rows)
    }
}

struct Answer {
    found: Vec<Found>,
    total: Option<u64>,
    next: Option<Position>,
}

fn answer(reading: &Reading<'_>, query: &Query, mut position: Option<Position>) -> Result<Answer> {
    able::able(query)?;
    let of = query.of;
    let sorts = query.sort.iter().map(|sort| sort.parameter.number);
    let includes = query
        .include
        .iter()
        .filter_map(|include| Some(include.parameter?.number));
    let conditions = Conditions::new(of, &query.conditions).also(sorts.chain(includes));
    let counting = query.total || query.only_count;
    if query.only_count
        && query.conditions.is_empty()
        && let Some(total) = crate::everything::count_of(reading, of)?
    {
        return Ok(Answer {
            found: Vec::new(),
            total: Some(total),
            next: None,
        });
    }
    let natural = order::is_natural(of, &query.sort);
    let by_change = order::by_change(&query.sort);
    let need = match (natural, by_change) {
        (true, _) if !counting => Need::First,
        (_, Some(_)) if !counting => Need::Few,
        _ => Need::All,
    };
    let chosen = choose(reading, of, &query.conditions, need)?;
    // Later pages go on as the first one went, whatever the counts say by then.
    let walked = position.as_mut().map(Position::take_way);
    let page = Wanted {
        count: if query.only_count {
            0
        } else {
            query.count.max(1)
        },
        counting,
        position,
    };
    let by_change = by_change.filter(|_| walked.unwrap_or(chosen.many && !counting));
    if !natural && by_change.is_none() {
        return sorted(reading, query, &chosen, &conditions, page)
            .map(|answer| answer.going_on(false));
    }
    let last = page
        .position
        .as_ref()
        .map(|position| position.last.as_slice());
    let matches = match by_change {
        Some(direction) => {
            let after = last.and_then(|last| Some(u64::from_be_bytes(*last.first_chunk()?)));
            let walk = Changed::new(reading.snapshot.as_ref(), of, direction, after);
            Matches::over(
                reading,
                of,
                Source::Changed(walk),
                &conditions,
                page.limit(),
            )
        }
        None => {
            let after = last.and_then(Tail::read);
            Matches::new(reading, of, &chosen, &conditions, after, page.limit())?
        }
    };
    let place = |found: &Found| match by_change {
        Some(_) => found.card.stamp.to_be_bytes().to_vec(),
        None => found.tail.bytes().to_vec(),
    };
    in_order(reading, matches, place, page).map(|answer| answer.going_on(by_change.is_some()))
}

impl Answer {
    /// Notes in the link which way the page was found.
    fn going_on(mut self, walked: bool) -> Answer {
        if let Some(next) = &mut self.next {
            next.last.push(u8::from(walked));
        }
        self
    }
}

/// The part of an answer that is asked for.
struct Wanted {
    count: usize,
    counting: bool,
    position: Option<Position>,
}

impl Wanted {
    fn limit(&self) -> u64 {
        self.position
            .as_ref()
            .map_or(u64::MAX, |position| position.stamp)
    }
    fn position(
        &self,
        reading: &Reading<'_>,
        total: Option<u64>,
        last: Vec<u8>,
    ) -> Result<Position> {
        let stamp = match &self.position {
            Some(position) => position.stamp,
            None => State::read(reading.snapshot.as_ref())?.next_stamp - 1,
        };
        Ok(Position { stamp, total, last })
    }
}

/// A page in the order of the scan; stops when it is full unless a total is wanted. `place` is where a page that ends
/// with a match goes on.
fn in_order(
    reading: &Reading<'_>,
    mut matches: Matches<'_>,
    place: impl Fn(&Found) -> Vec<u8>,
    wanted: Wanted,
) -> Result<Answer> {
    let first = wanted.position.is_none();
    let mut found: Vec<Found> = Vec::new();
    let mut more = false;
    let mut passed = 0;
    while let Some(one) = matches.next()? {
        passed += 1;
        if found.len() < wanted.count {
            found.push(one);
        } else {
            more = true;
            if !(wanted.counting && first) {
                break;
            }
        }
    }
    let known = !more || wanted.counting;
    let total = match &wanted.position {
        Some(position) => position.total,
        None => known.then_some(passed),
    };
    let next = match found.last().filter(|_| more) {
        Some(one) => Some(wanted.position(reading, total, place(one))?),
        None => None,
    };
    Ok(Answer { found, total, next })
}

/// A page in another order: all matches, sorted.
fn sorted(
    reading: &Reading<'_>,
    query: &Query,
    chosen: &Chosen,
    conditions: &Conditions<'_>,
    wanted: Wanted,
) -> Result<Answer> {
    let mut matches = Matches::new(reading, query.of, chosen, conditions, None, wanted.limit())?;
    let mut all: Vec<(Vec<u8>, Found)> = Vec::new();
    while let Some(one) = matches.next()? {
        all.push((order::key(&query.sort, &one), one));
    }
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let total = match &wanted.position {
        Some(position) => position.total,
        None => Some(all.len() as u64),
    };
    let start = match &wanted.position {
        Some(position) => all.partition_point(|(key, _)| *key <= position.last),
        None => 0,
    };
    let mut rest: VecDeque<(Vec<u8>, Found)> = all.split_off(start).into();
    let page: Vec<(Vec<u8>, Found)> = rest.drain(..wanted.count.min(rest.len())).collect();
    let next = match page.last().filter(|_| !rest.is_empty()) {
        Some((key, _)) => Some(wanted.position(reading, total, key.clone())?),
        None => None,
    };
    Ok(Answer {
        found: page.into_iter().map(|(_, found)| found).collect(),
        total,
        next,
    })
}

/// All matches up to a number, in the natural order.
fn all(
    reading: &Reading<'_>,
    of: ResourceType,
    chosen: &Chosen,
    conditions: &Conditions<'_>,
    limit: usize,
) -> Result<Vec<Found>> {
    let mut matches = Matches::new(reading, of, chosen, conditions, None, u64::MAX)?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(one) = matches.next()?
    {
        found.push(one);
    }
    Ok(found)
}

/// Candidates of a plan that the permit opens and that meet the conditions, in the natural order.
struct Matches<'a> {
    reading: &'a Reading<'a>,
    of: ResourceType,
    conditions: &'a Conditions<'a>,
    source: Source<'a>,
    limit: u64,
}

enum Source<'a> {
    Stream(Stream<'a>),
    List(VecDeque<Candidate>),
    Changed(Changed<'a>),
}

impl<'a> Matches<'a> {
    fn new(
        reading: &'a Reading<'a>,
        of: ResourceType,
        chosen: &Chosen,
        conditions: &'a Conditions<'a>,
        after: Option<Tail>,
        limit: u64,
    ) -> Result<Matches<'a>> {
        let snapshot = reading.snapshot.as_ref();
        let list = |mut list: Vec<Candidate>| {
            list.sort_by_key(|candidate| candidate.tail.bytes());
            list.dedup_by_key(|candidate| candidate.tail);
            if let Some(after) = after {
                let after: [u8; TAIL] = after.bytes();
                list.retain(|candidate| candidate.tail.bytes() > after);
            }
            Source::List(list.into())
        };
        let source = match &chosen.plan {
            Plan::Ordered(spans) => {
                Source::Stream(Stream::new(snapshot, spans, chosen.dates, after)?)
            }
            Plan::Loose(ranges) => list(collect(reading, ranges)?),
            Plan::Named(named) => list(named.clone()),
        };
        Ok(Matches::over(reading, of, source, conditions, limit))
    }

    fn over(
        reading: &'a Reading<'a>,
        of: ResourceType,
        source: Source<'a>,
        conditions: &'a Conditions<'a>,
        limit: u64,
    ) -> Matches<'a> {
        Matches {
            reading,
            of,
            conditions,
            source,
            limit,
        }
    }

    fn next(&mut self) -> Result<Option<Found>> {
        loop {
            let candidate = match &mut self.source {
                Source::Stream(stream) => stream.next()?,
                Source::List(list) => list.pop_front(),
                Source::Changed(walk) => walk.next()?,
            };
            let Some(candidate) = candidate else {
                return Ok(None);
            };
            if let Some(found) = self.check(candidate)? {
                return Ok(Some(found));
            }
        }
    }

    fn check(&self, candidate: Candidate) -> Result<Option<Found>> {
        let Candidate { tail, labels, card } = candidate;
        // Before anything of it is read: whose it is, and whether it is hidden.
        if !self
            .reading
            .grant
            .opens(self.of, tail.person, labels, || Ok(true))?
        {
            return Ok(None);
        }
        let row = match card {
            Some(row) => row,
            None => match self.reading.snapshot.get(&tail.card_key(self.of))? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let Some(card) = self.conditions.card(self.reading, self.of, &tail, &row)? else {
            return Ok(None);
        };
        let open = card.stamp <= self.limit
            && self
                .reading
                .opens(self.of, &card.id, tail.person, card.labels)?
            && self.conditions.met(self.reading, &card)?;
        Ok(open.then_some(Found { tail, card }))
    }
}
