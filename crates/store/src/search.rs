//! Search: find where to look, read in order, check on cards, page.
//!
//! **In**: a permit's terms over one snapshot, and a [`Query`](fhir::query::Query): a tree of conditions, an order, what to
//! include. **Out**: a page of matches with what they include, and a link to the next one.
//!
//! Read in this order: `order` (in which order an answer comes), `access` (where the index holds what a condition asks
//! for), `plan` (which of these to use), `span` and `set` (rows in the natural order), `walk` (rows in the order of a
//! value), `stamps` (rows in the order of change), `matches` (from rows to matches), `asking` (what a card must say);
//! `within` (what stands above and below); `people` (a sieve for what many people are asked about); `texts` (what is in
//! the middle of a text); `lastn` (the newest of each code).
//!
//! What must hold:
//! - What the permit hides is left out inside the scan, before anything of it is read: matches, totals, chains, `_has`,
//!   lists, includes and pages are the same as if it were not there. The order of an answer follows from the question
//!   alone; counts only choose the way to it.
//! - **Paging.** A link carries the stamp of the first page's snapshot: what was created or changed since is left out of
//!   later pages (its version then is not the one that was asked about), what was deleted is gone, and the total stays that
//!   of the first page. The permit is asked again for each page.
//!
//! **Cost**, where *m* is the number of matches:
//! - a page in an order that the index has: its rows, a card and a body for each match, and a card for each candidate that
//!   fails a condition which the rows do not prove. Conditions on codes, references and the main date are decided on rows;
//!   several sets are leapt through, at about twice the rows of the smallest.
//! - *code and date*, *code and value*, *patient and code*: one range each, however many others have the code.
//! - a page in another order: all *m* cards, and memory for one page.
//! - a total: the rows of the plan, without cards where rows prove all (one set, sets together, a range of values).
//! - `_lastUpdated`: a page from its newest change on is what it shows; where a moment must be found, some thirty rows more.
//! - a chain to many people, `_has` with many sources: the rows of what is meant, up to 20,000, then as above; where it is
//!   more, each candidate's references or sources.
//! - `:contains` on a person's name: about twice the rows of its rarest three letters, up to the page; on other texts the
//!   rows of the parameter where few hold it, the cards passed by where many do (`texts`).
//! - `_content`: the rows of its words; `_text`, words in their order and words without rows: a body for each candidate
//!   (`words`).

mod access;
mod asking;
mod include;
mod lastn;
mod listed;
mod matches;
mod near;
mod order;
mod people;
mod plan;
mod rids;
mod set;
mod span;
mod stamps;
mod texts;
mod walk;
mod within;
mod words;

use crate::{
    Held, Page, PageToken, Permit, Result, Store, Verb,
    codec::{Reader, put_bytes},
    commit::State,
    engine::{Direction, Rows, Snapshot},
    grant::Grant,
    index::Secret,
    keys::Tail,
    read::{Reading, Shown},
    store::held,
    token::Position,
    vault::Vault,
};
use asking::Asking;
use fhir::query::{Condition, Query};
use matches::{Found, Matches};
use order::{Keys, Order};
use plan::{Aim, Plan, choose, flat};
pub(crate) use set::{Set, Stream};
pub(crate) use span::Span;
use stamps::{Changed, Stamps};
use std::{
    cell::{Cell, RefCell},
    collections::BinaryHeap,
    sync::Arc,
};
use walk::Walk;

impl Store {
    /// A page of a search.
    pub fn search(
        &self,
        permit: &Permit,
        query: &Query,
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        self.search_all(permit, std::slice::from_ref(query), page)
    }

    /// A page of a search over several types, one query each: the matches of the first type, then those of the second...
    /// Page size, total and whether only the total is wanted are those of the first query.
    pub fn search_all(
        &self,
        permit: &Permit,
        queries: &[Query],
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, None)?;
        for query in queries {
            grant.must(Verb::Search, Some(query.of))?;
        }
        let key = &self.inner.secrets.pages;
        // Most answers are asked for without a link and have none.
        let question = || format!("search {queries:?} {}", grant.told());
        let position = page
            .map(|token| Position::open(token, key, &question()))
            .transpose()?;
        let of = match queries {
            [one] => Some(one.of),
            _ => None,
        };
        self.asked("search", of, &grant, |reading| {
            reading.answers(queries)?;
            let asking = Asking::new(reading);
            let queries = within::all_widened(&asking, queries)?;
            let answer = in_turn(&asking, &queries, position.as_ref())?;
            let next = answer
                .next
                .map(|next| next.seal(key, &question()))
                .transpose()?;
            shown(&asking, permit, answer.parts, answer.total, next)
        })
    }
}

/// The page of these matches, with what they include.
fn shown(
    asking: &Asking<'_>,
    permit: &Permit,
    parts: Vec<(&Query, Vec<Found>)>,
    total: Option<u64>,
    next: Option<PageToken>,
) -> Result<Held<Page>> {
    let reading = asking.reading;
    let mut shown = Vec::new();
    let mut included = Vec::new();
    let mut cut = false;
    for (query, found) in parts {
        let asked: Vec<_> = found.iter().map(|one| (query.of, one.card.stamp)).collect();
        let opened = reading.opened_many(&asked)?;
        for (found, opened) in found.iter().zip(opened) {
            let labels = found.card.labels;
            shown.extend(opened.map(|opened| Shown::new(opened.version.clone(), labels)));
        }
        if !query.include.is_empty() || !query.revinclude.is_empty() {
            let more = include::included(asking, query, found)?;
            included.extend(more.shown);
            cut |= more.cut;
        }
    }
    let seen = shown.iter().chain(&included);
    let seen = seen.map(|shown| shown.seen.clone()).collect();
    let page = Page {
        matches: shown.into_iter().map(|shown| shown.version).collect(),
        included: included.into_iter().map(|shown| shown.version).collect(),
        total,
        next,
        cut,
    };
    Ok(held(permit, seen, page))
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
            torn: Cell::new(false),
            left_out: RefCell::default(),
            // Conditions include nothing; whether they can be answered is asked before.
            loaded: None,
        };
        let asking = Asking::new(&reading);
        let query = &*within::widened(&asking, query)?;
        let plan = choose(&asking, query.of, &flat(&query.conditions), Aim::First)?;
        let mut matches = Matches::new(&asking, plan, None, u64::MAX)?;
        let mut ids = Vec::new();
        while ids.len() < limit
            && let Some(found) = matches.next()?
        {
            ids.push(found.card.id);
        }
        Ok(ids)
    }
}

struct Borrowed<'a>(&'a dyn Snapshot);

impl Snapshot for Borrowed<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(key)
    }
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.0.get_many(keys)
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

/// A page over all queries.
struct Answer<'q> {
    parts: Vec<(&'q Query, Vec<Found>)>,
    total: Option<u64>,
    next: Option<Position>,
}

/// A part of a page that one query gives.
struct Part {
    found: Vec<Found>,
    /// Where the next page goes on; `None` when all was given.
    next: Option<Vec<u8>>,
    /// How many there are in all, where that is known.
    total: Option<u64>,
}

/// The part of an answer that is asked for.
struct Wanted {
    count: usize,
    /// Where the last page ended.
    last: Option<Vec<u8>>,
    /// Versions after this stamp are left out.
    limit: u64,
    /// Whether the total is wanted.
    counting: bool,
}

/// One query after the other, until the page is full.
fn in_turn<'q>(
    asking: &Asking<'_>,
    queries: &'q [Query],
    position: Option<&Position>,
) -> Result<Answer<'q>> {
    let Some(first) = queries.first() else {
        return Ok(Answer {
            parts: Vec::new(),
            total: Some(0),
            next: None,
        });
    };
    let (start, mut last) = match position {
        Some(position) => {
            let mut reader = Reader(&position.last);
            let start = reader.number()? as usize;
            (
                start,
                Some(reader.bytes()?.to_vec()).filter(|last| !last.is_empty()),
            )
        }
        None => (0, None),
    };
    let counting = (first.total || first.only_count) && position.is_none();
    let limit = position.map_or(u64::MAX, |position| position.stamp);
    let count = if first.only_count {
        0
    } else {
        first.count.max(1)
    };
    let mut parts = Vec::new();
    let mut given = 0;
    let mut total = Some(0);
    let mut next: Option<(usize, Vec<u8>)> = None;
    for (i, query) in queries.iter().enumerate().skip(start) {
        if next.is_some() && !counting {
            total = None;
            break;
        }
        let room = if next.is_some() { 0 } else { count - given };
        let part = part(
            asking,
            query,
            Wanted {
                // One more tells whether there is a next page.
                count: room.max(usize::from(!first.only_count && next.is_none())),
                last: last.take(),
                limit,
                counting,
            },
        )?;
        total = total.zip(part.total).map(|(sum, more)| sum + more);
        if next.is_some() || first.only_count {
            continue;
        }
        if room == 0 {
            if !part.found.is_empty() {
                next = Some((i, Vec::new()));
            }
            continue;
        }
        given += part.found.len();
        next = part.next.map(|place| (i, place));
        parts.push((query, part.found));
    }
    let total = match position {
        Some(position) => position.total,
        None => total,
    };
    let next = match next {
        Some((i, place)) => {
            let mut last = Vec::with_capacity(place.len() + 4);
            crate::codec::put_number(&mut last, i as u64);
            put_bytes(&mut last, &place);
            let stamp = match position {
                Some(position) => position.stamp,
                None => State::read(asking.reading.snapshot.as_ref())?.next_stamp - 1,
            };
            Some(Position { stamp, total, last })
        }
        None => None,
    };
    Ok(Answer { parts, total, next })
}

/// The part of a page that one query gives.
fn part(asking: &Asking<'_>, query: &Query, wanted: Wanted) -> Result<Part> {
    let of = query.of;
    if wanted.counting
        && wanted.count == 0
        && query.conditions.is_empty()
        && let Some(total) = crate::everything::count_of(asking.reading, of)?
    {
        return Ok(Part {
            found: Vec::new(),
            next: None,
            total: Some(total),
        });
    }
    let conditions = flat(&query.conditions);
    if wanted.count == 0 {
        let total = Some(total(asking, query, &conditions)?);
        return Ok(Part {
            found: Vec::new(),
            next: None,
            total,
        });
    }
    let mut part = match Order::of(asking, of, &query.sort, &conditions)? {
        Order::Natural => natural(asking, query, &conditions, &wanted)?,
        Order::Change(direction) => by_change(asking, query, &conditions, direction, &wanted)?,
        Order::Keys(keys) => by_keys(asking, query, &conditions, &keys, &wanted)?,
    };
    if wanted.counting && part.total.is_none() {
        part.total = Some(total(asking, query, &conditions)?);
    }
    Ok(part)
}

fn total(asking: &Asking<'_>, query: &Query, conditions: &[&Condition]) -> Result<u64> {
    if conditions.is_empty()
        && let Some(total) = crate::everything::count_of(asking.reading, query.of)?
    {
        return Ok(total);
    }
    let plan = choose(asking, query.of, conditions, Aim::All)?;
    Matches::new(asking, plan, None, u64::MAX)?.count()
}

/// A page in the natural order: stops when it is full.
fn natural(
    asking: &Asking<'_>,
    query: &Query,
    conditions: &[&Condition],
    wanted: &Wanted,
) -> Result<Part> {
    let after = wanted.last.as_deref().and_then(Tail::read);
    let mut plan = choose(asking, query.of, conditions, Aim::First)?;
    plan.needed = plan
        .needed
        .also(include::numbers(asking, query)?.into_iter());
    let mut matches = Matches::new(asking, plan, after, wanted.limit)?;
    matches.first_of(wanted.count);
    let (found, more) = take(&mut matches, wanted.count)?;
    let next = found.last().filter(|_| more);
    let next = next.map(|last| last.tail.bytes().to_vec());
    Ok(Part::new(found, next, wanted))
}

/// The first matches, and whether there are more.
fn take(matches: &mut Matches<'_, '_>, count: usize) -> Result<(Vec<Found>, bool)> {
    let mut found = Vec::new();
    while let Some(one) = matches.next()? {
        if found.len() == count {
            return Ok((found, true));
        }
        found.push(one);
    }
    Ok((found, false))
}

impl Part {
    /// A part whose total is known when it is all there is.
    fn new(found: Vec<Found>, next: Option<Vec<u8>>, wanted: &Wanted) -> Part {
        let all = wanted.last.is_none() && next.is_none();
        Part {
            total: all.then_some(found.len() as u64),
            found,
            next,
        }
    }
}

/// A page in the order of the last change.
fn by_change(
    asking: &Asking<'_>,
    query: &Query,
    conditions: &[&Condition],
    direction: Direction,
    wanted: &Wanted,
) -> Result<Part> {
    let mut plan = choose(asking, query.of, conditions, Aim::Changed)?;
    plan.needed = plan
        .needed
        .also(include::numbers(asking, query)?.into_iter());
    let key = |found: &Found| match direction {
        Direction::Up => (!found.card.stamp).to_be_bytes().to_vec(),
        Direction::Down => found.card.stamp.to_be_bytes().to_vec(),
    };
    if plan.few.is_some() {
        let matches = Matches::new(asking, plan, None, wanted.limit)?;
        return lowest(matches, &key, |_| true, wanted);
    }
    let after = wanted.last.as_deref().and_then(|last| last.first_chunk());
    let after = after.map(|last| u64::from_be_bytes(*last));
    let after = after.map(|last| match direction {
        Direction::Up => !last,
        Direction::Down => last,
    });
    let within = conditions.iter().copied().filter_map(stamps::of_condition);
    let within = within.fold(Stamps::ALL, Stamps::and);
    let walk = Changed::page(asking.reading, query.of, within, direction, after)?;
    plan.prove_nothing();
    let mut matches = Matches::over(asking, plan, Box::new(walk), wanted.limit);
    matches.first_of(wanted.count);
    let (found, more) = take(&mut matches, wanted.count)?;
    let next = found.last().filter(|_| more).map(key);
    Ok(Part::new(found, next, wanted))
}

/// A page in the order of values.
fn by_keys(
    asking: &Asking<'_>,
    query: &Query,
    conditions: &[&Condition],
    keys: &Keys,
    wanted: &Wanted,
) -> Result<Part> {
    let plan = || -> Result<_> {
        let plan = choose(asking, query.of, conditions, Aim::Sorted)?;
        with_keys(asking, plan, query, keys)
    };
    let sought = match keys.is_all {
        // A walk in the order of the key meets nothing but matches: nothing else can be better for a page.
        true => {
            let nowhere = Set::few(Vec::new());
            with_keys(
                asking,
                Plan::over(query.of, conditions, nowhere),
                query,
                keys,
            )?
        }
        false => plan()?,
    };
    let key = |found: &Found| keys.key(found);
    // The place in the rows of the first key follows the key itself.
    let (last, place) = match &wanted.last {
        Some(last) => {
            let mut reader = Reader(last);
            let key = reader.bytes()?.to_vec();
            (
                Some(key),
                Some(reader.0.to_vec()).filter(|place| !place.is_empty()),
            )
        }
        None => (None, None),
    };
    let told = |found: &Found| {
        let mut out = Vec::new();
        put_bytes(&mut out, &keys.key(found));
        out.extend(keys.place(found).unwrap_or_default());
        out
    };
    let inner = |count| Wanted {
        count,
        last: last.clone(),
        limit: wanted.limit,
        counting: false,
    };
    let finish = |found: Vec<Found>, more: bool, total: Option<u64>| {
        let next = found.last().filter(|_| more).map(told);
        let mut part = Part::new(found, next, wanted);
        part.total = part.total.or(total.filter(|_| wanted.last.is_none()));
        part
    };
    let walk = match sought.few {
        Some(_) => None,
        None => Walk::new(asking, &sought, keys, place.as_deref())?,
    };
    let Some(walk) = walk else {
        let sought = match keys.is_all {
            true => plan()?,
            false => sought,
        };
        let matches = Matches::new(asking, sought, None, wanted.limit)?;
        let part = lowest(matches, &key, |_| true, &inner(wanted.count))?;
        return Ok(finish(part.found, part.next.is_some(), part.total));
    };
    let mut found = Vec::new();
    let mut more = false;
    let past_values = last.as_ref().is_some_and(|last| last.first() == Some(&1));
    if !past_values {
        let mut sought = sought;
        sought.prove_nothing();
        let mut matches = Matches::over(asking, sought, Box::new(walk), wanted.limit);
        matches.placed = Some(keys);
        matches.first_of(wanted.count);
        (found, more) = match keys.keys.len() {
            1 => take(&mut matches, wanted.count)?,
            _ => in_groups(&mut matches, keys, &inner(wanted.count))?,
        };
    }
    if !more && keys.missing {
        // What has no value comes last, in the natural order.
        let room = wanted.count - found.len();
        let without = |found: &Found| keys.place(found).is_none();
        let one = keys.keys.len() == 1;
        let after = match &last {
            Some(last) if past_values && one => last.get(1..).and_then(Tail::read),
            _ => None,
        };
        let mut matches = Matches::new(asking, plan()?, after, wanted.limit)?;
        if one {
            while !more && let Some(next) = matches.next()? {
                if without(&next) {
                    more = found.len() == wanted.count;
                    found.extend(Some(next).filter(|_| !more));
                }
            }
        } else {
            let rest = lowest(matches, &key, without, &inner(room.max(1)))?;
            more = rest.next.is_some() || room == 0 && !rest.found.is_empty();
            found.extend(rest.found.into_iter().take(room));
        }
    }
    Ok(finish(found, more, None))
}

/// A plan that reads what orders its matches, and what they include.
fn with_keys<'q>(
    asking: &Asking<'_>,
    mut plan: Plan<'q>,
    query: &Query,
    keys: &Keys,
) -> Result<Plan<'q>> {
    let numbers = include::numbers(asking, query)?;
    plan.needed = plan.needed.also(numbers.into_iter().chain(keys.numbers()));
    Ok(plan)
}

/// The first matches of a walk whose equals are ordered by further keys: a group at a time.
fn in_groups(
    matches: &mut Matches<'_, '_>,
    keys: &Keys,
    wanted: &Wanted,
) -> Result<(Vec<Found>, bool)> {
    let mut found = Vec::new();
    let mut group = Lowest::new(wanted.count + 1);
    let mut of_group: Option<Vec<u8>> = None;
    loop {
        let one = matches.next()?;
        let rank = one.as_ref().and_then(|one| keys.place(one));
        let rank = rank.map(|place| Keys::rank(&place).to_vec());
        if one.is_none() || rank != of_group {
            let room = wanted.count + 1 - found.len();
            found.extend(group.take().into_iter().take(room).map(|(_, one)| one));
            of_group = rank;
        }
        let Some(one) = one.filter(|_| found.len() <= wanted.count) else {
            break;
        };
        let key = keys.key(&one);
        if wanted.last.as_ref().is_none_or(|last| *last < key) {
            group.add(key, one);
        }
    }
    let more = found.len() > wanted.count;
    found.truncate(wanted.count);
    Ok((found, more))
}

/// The matches with the lowest keys, so many.
struct Lowest {
    most: usize,
    heap: BinaryHeap<Keyed>,
}

struct Keyed(Vec<u8>, Found);

impl PartialEq for Keyed {
    fn eq(&self, other: &Keyed) -> bool {
        self.0 == other.0
    }
}
impl Eq for Keyed {}
impl PartialOrd for Keyed {
    fn partial_cmp(&self, other: &Keyed) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Keyed {
    fn cmp(&self, other: &Keyed) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl Lowest {
    fn new(most: usize) -> Lowest {
        Lowest {
            most,
            heap: BinaryHeap::new(),
        }
    }
    fn add(&mut self, key: Vec<u8>, found: Found) {
        let full = self.heap.len() >= self.most;
        if !full || self.heap.peek().is_some_and(|last| key < last.0) {
            self.heap.push(Keyed(key, found));
            if full {
                self.heap.pop();
            }
        }
    }
    /// All of them, lowest first; none stay.
    fn take(&mut self) -> Vec<(Vec<u8>, Found)> {
        let sorted = std::mem::take(&mut self.heap).into_sorted_vec();
        sorted
            .into_iter()
            .map(|Keyed(key, found)| (key, found))
            .collect()
    }
}

/// A page in an order that the index has not: all matches are read, one page is kept.
fn lowest(
    mut matches: Matches<'_, '_>,
    key: &dyn Fn(&Found) -> Vec<u8>,
    takes: impl Fn(&Found) -> bool,
    wanted: &Wanted,
) -> Result<Part> {
    let mut lowest = Lowest::new(wanted.count + 1);
    let mut passed = 0;
    while let Some(one) = matches.next()? {
        if !takes(&one) {
            continue;
        }
        passed += 1;
        let key = key(&one);
        if wanted.last.as_ref().is_none_or(|last| *last < key) {
            lowest.add(key, one);
        }
    }
    let mut kept = lowest.take();
    let more = kept.len() > wanted.count;
    kept.truncate(wanted.count);
    let next = kept.last().filter(|_| more).map(|(key, _)| key.clone());
    Ok(Part {
        found: kept.into_iter().map(|(_, found)| found).collect(),
        next,
        total: wanted.last.is_none().then_some(passed),
    })
}
