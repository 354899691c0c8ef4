//! Histories, newest first.
//!
//! A version shows when the permit opens it as it was and as the resource is now: what is hidden today, or has been
//! moved to another person, is so in all its versions.

use crate::{
    Error, Held, HistoryOf, Page, PageToken, Permit, Result, Store, Verb,
    body::{Opened, Stored},
    codec::Reader,
    engine::{Direction, Rows},
    head::Head,
    keys::{BODY, Key, OLD, PEOPLE, SHARED, STAMP, VERSION, records},
    read::{Reading, Shown},
    store::{head_of, held},
    token::Position,
};
use fhir::{ResourceType, time::Span};
use jiff::Timestamp;
use std::collections::HashMap;

/// Versions on a page at most.
const PAGE: usize = 1000;
/// Rows read at once.
const BATCH: usize = 64;

/// Which versions of a history are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct When {
    /// Only those committed at or after.
    pub since: Option<Timestamp>,
    /// Only those that were current at some moment of this span.
    pub at: Option<Span>,
}

impl Store {
    /// A page of a history, newest first. `count` 0 means the store's limit. The total is told when the first page
    /// holds all.
    pub fn history(
        &self,
        permit: &Permit,
        of: &HistoryOf,
        when: &When,
        count: usize,
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::History, type_of(of))?;
        let key = &self.inner.secrets.pages;
        let question = format!("history {of:?} {when:?} {}", grant.told());
        let position = page
            .map(|token| Position::open(token, key, &question))
            .transpose()?;
        let below = position
            .as_ref()
            .map_or(u64::MAX, |position| position.stamp);
        let count = if count == 0 { PAGE } else { count.min(PAGE) };
        let since = when.since.map_or(i64::MIN, Timestamp::as_microsecond);
        self.asked("history", type_of(of), &grant, |reading| {
            let mut stamps = Stamps::of(reading, of, below)?;
            let mut heads = HashMap::new();
            let mut shown: Vec<(u64, Shown)> = Vec::new();
            while shown.len() <= count
                && let Some((stamp, stored)) = stamps.next(reading)?
            {
                // Versions never go back in time: all that follow are older.
                if stored.updated < since {
                    break;
                }
                if let Some(one) = open(reading, &mut heads, stamp, stored)?
                    && current_at(reading, &one, when.at)?
                {
                    shown.push((stamp, one));
                }
            }
            let more = shown.len() > count;
            shown.truncate(count);
            let next = match shown.last().filter(|_| more) {
                Some(&(stamp, _)) => {
                    let next = Position {
                        stamp,
                        total: None,
                        last: Vec::new(),
                    };
                    Some(next.seal(key, &question)?)
                }
                None => None,
            };
            let total = (page.is_none() && !more).then_some(shown.len() as u64);
            let seen = shown.iter().map(|(_, shown)| shown.seen.clone()).collect();
            let page = Page {
                matches: shown.into_iter().map(|(_, shown)| shown.version).collect(),
                included: Vec::new(),
                total,
                next,
                cut: false,
            };
            Ok(held(permit, seen, page))
        })
    }
}

fn type_of(of: &HistoryOf) -> Option<ResourceType> {
    match of {
        HistoryOf::Instance(of, _) | HistoryOf::Type(of) => Some(*of),
        HistoryOf::System => None,
    }
}

/// Whether a version was current at some moment of a span: from its commit until that of the next version that the
/// permit opens. What is hidden replaced nothing. Cost: for a version older than the span, two or three row reads.
fn current_at(reading: &Reading<'_>, shown: &Shown, at: Option<Span>) -> Result<bool> {
    let Some(span) = at else {
        return Ok(true);
    };
    let version = &shown.version;
    let from = version.updated.as_microsecond();
    if from > span.to || from >= span.from {
        return Ok(from <= span.to);
    }
    let (of, id) = (version.of, version.id.as_str());
    let head = head_of(&reading.secret, reading.snapshot.as_ref(), of, id)?;
    let newest = head.map_or(0, |head| head.version);
    for next in version.version + 1..=newest {
        if let Some(next) = reading.version(of, id, next)? {
            return Ok(next.version.updated.as_microsecond() > span.from);
        }
    }
    Ok(true)
}

type Heads = HashMap<(ResourceType, String), Option<Head>>;

fn open(
    reading: &Reading<'_>,
    heads: &mut Heads,
    stamp: u64,
    stored: Stored,
) -> Result<Option<Shown>> {
    let of = stored.of;
    let key = (of, stored.id.clone());
    if !heads.contains_key(&key) {
        let head = head_of(&reading.secret, reading.snapshot.as_ref(), of, &stored.id)?;
        heads.insert(key.clone(), head);
    }
    let Some(Some(head)) = heads.get(&key) else {
        return Err(Error::Damaged(format!(
            "{of}/{} has a version and no head",
            stored.id
        )));
    };
    let labels = match stamp == head.stamp {
        true => head.labels,
        false => match reading.old(of, stored.rid, stored.version)? {
            Some((_, labels)) => head.labels.with(labels),
            // Erased meanwhile, or rows that do not agree.
            None => {
                reading.torn.set(true);
                return Ok(None);
            }
        },
    };
    let opened = Opened::from(stored);
    let open = reading.opens_stored(head, &opened, stamp, labels)?;
    Ok(open.then(|| Shown::new(opened.version, labels)))
}

/// A version's row: stamp, key, value.
type Row = (u64, Vec<u8>, Vec<u8>);

/// The stamps of a history, newest first.
enum Stamps {
    /// Known at once: one resource's.
    Few(std::vec::IntoIter<u64>, ResourceType),
    /// Ranges whose keys end in a stamp, read in batches and merged.
    Ranges(Vec<Range>),
}

struct Range {
    /// The type, when the rows hold no version but point to one.
    of: Option<ResourceType>,
    from: Vec<u8>,
    to: Vec<u8>,
    rows: Rows,
    at: usize,
    done: bool,
}

impl Stamps {
    /// The stamps below a bound.
    fn of(reading: &Reading<'_>, of: &HistoryOf, below: u64) -> Result<Stamps> {
        Ok(match of {
            HistoryOf::Instance(of, id) => {
                let mut stamps = of_one(reading, *of, id)?;
                stamps.retain(|&stamp| stamp < below);
                Stamps::Few(stamps.into_iter(), *of)
            }
            HistoryOf::Type(of) => {
                let range = |family| {
                    let key = Key::new(records(*of), family).of(*of);
                    let (_, to) = key.clone().range();
                    // Inverted stamps: what is below comes after.
                    let from = key.newest_first(below.wrapping_sub(1)).done();
                    Range::new(Some(*of), from, to)
                };
                Stamps::Ranges(vec![range(STAMP), range(OLD)])
            }
            HistoryOf::System => {
                let range = |partition| {
                    let (from, _) = Key::new(partition, BODY).range();
                    Range::new(None, from, Key::new(partition, BODY).long(below).done())
                };
                Stamps::Ranges(vec![range(PEOPLE), range(SHARED)])
            }
        })
    }

    /// The next version; those of people erased meanwhile are stepped over.
    fn next(&mut self, reading: &Reading<'_>) -> Result<Option<(u64, Stored)>> {
        while let Some((stamp, key, row)) = self.row(reading)? {
            if let Some(stored) = reading.vault.body(&key, &row)? {
                return Ok(Some((stamp, stored)));
            }
        }
        Ok(None)
    }

    /// The next version's row.
    fn row(&mut self, reading: &Reading<'_>) -> Result<Option<Row>> {
        let (of, stamp) = match self {
            Stamps::Few(stamps, of) => match stamps.next() {
                Some(stamp) => (*of, stamp),
                None => return Ok(None),
            },
            Stamps::Ranges(ranges) => {
                for range in ranges.iter_mut() {
                    range.fill(reading)?;
                }
                let newest = ranges
                    .iter_mut()
                    .filter_map(|range| Some((range.stamp()?, range)))
                    .max_by_key(|(stamp, _)| *stamp);
                let Some((stamp, range)) = newest else {
                    return Ok(None);
                };
                let at = range.at;
                range.at += 1;
                match (range.of, range.rows.get(at)) {
                    (Some(of), _) => (of, stamp),
                    (None, Some((key, row))) => {
                        return Ok(Some((stamp, key.to_vec(), row.to_vec())));
                    }
                    (None, None) => return Ok(None),
                }
            }
        };
        let key = Key::new(records(of), BODY).long(stamp).done();
        let row = reading.snapshot.get(&key)?;
        let row =
            row.ok_or_else(|| Error::Damaged(format!("version {stamp} of a {of} is missing")))?;
        Ok(Some((stamp, key, row)))
    }
}

impl Range {
    fn new(of: Option<ResourceType>, from: Vec<u8>, to: Vec<u8>) -> Range {
        Range {
            of,
            from,
            to,
            rows: Rows::default(),
            at: 0,
            done: false,
        }
    }
    fn stamp(&self) -> Option<u64> {
        let (key, _) = self.rows.get(self.at)?;
        let stamp = u64::from_be_bytes(*key.last_chunk()?);
        Some(if self.of.is_some() { !stamp } else { stamp })
    }
    fn fill(&mut self, reading: &Reading<'_>) -> Result<()> {
        if self.at < self.rows.len() || self.done {
            return Ok(());
        }
        self.rows.clear();
        self.at = 0;
        let direction = match self.of {
            Some(_) => Direction::Up,
            None => Direction::Down,
        };
        reading
            .snapshot
            .scan(&self.from, &self.to, direction, BATCH, &mut self.rows)?;
        self.done = self.rows.len() < BATCH;
        if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
            match direction {
                Direction::Up => {
                    self.from = key.to_vec();
                    self.from.push(0);
                }
                Direction::Down => self.to = key.to_vec(),
            }
        }
        Ok(())
    }
}

/// The stamps of one resource, newest first.
fn of_one(reading: &Reading<'_>, of: ResourceType, id: &str) -> Result<Vec<u64>> {
    let Some(head) = head_of(&reading.secret, reading.snapshot.as_ref(), of, id)?
        .filter(|head| head.version > 0)
    else {
        return Ok(Vec::new());
    };
    let (from, to) = Key::new(records(of), VERSION).rid(head.tail.rid).range();
    let mut rows = Rows::default();
    reading
        .snapshot
        .scan(&from, &to, Direction::Down, usize::MAX, &mut rows)?;
    let mut stamps = vec![head.stamp];
    for (_, row) in rows.iter() {
        stamps.push(Reader(row).number()?);
    }
    Ok(stamps)
}
