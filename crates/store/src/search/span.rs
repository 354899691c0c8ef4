//! Rows in the order of an answer: keys that start alike and go on with a tail, read in batches.

use crate::{
    Labels, PersonKey, Result, card,
    commit::Mark,
    dates::{Dates, Length},
    engine::{Direction, Rows, Snapshot},
    index::among_long,
    keys::{CARD, INDEX, Key, TAIL, Tail, after, date_desc, records},
};
use fhir::ResourceType;

/// Rows read at first, and after a jump.
const FIRST_BATCH: usize = 32;
const LARGEST_BATCH: usize = 2048;

/// A resource that may match.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) tail: Tail,
    pub(crate) labels: Labels,
    /// How long its main date lasts, where the row says it.
    pub(crate) length: Option<Length>,
    /// Whether the row alone proves the conditions that led to it.
    pub(crate) proven: bool,
    /// Its card's row, when the range was one of cards.
    pub(crate) card: Option<Vec<u8>>,
    /// Where a walk by value found it.
    pub(crate) place: Option<Box<[u8]>>,
}

/// Keys that start alike and go on with a tail: one value of an index, or one person's cards of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) prefix: Vec<u8>,
    cards: bool,
    /// Whether a row in it proves what it was asked for.
    proves: bool,
}

impl Span {
    pub(crate) fn index(prefix: Vec<u8>, proves: bool) -> Span {
        Span {
            prefix,
            cards: false,
            proves,
        }
    }
    pub(crate) fn cards(of: ResourceType, person: PersonKey) -> Span {
        Span {
            prefix: Key::new(records(of), CARD).person(person).of(of).done(),
            cards: true,
            proves: false,
        }
    }
    pub(crate) fn is_cards(&self) -> bool {
        self.cards
    }
    /// The keys within the dates, one range after the other: long dates that began before the others come last.
    pub(crate) fn ranges(&self, dates: Dates, after_date: Option<i64>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let high = after_date.map_or(dates.high, |date| date.min(dates.high));
        let range = |prefix: &[u8], low: i64, high: i64| {
            let mut from = prefix.to_vec();
            let mut to = prefix.to_vec();
            from.extend_from_slice(&date_desc(high));
            to.extend_from_slice(&date_desc(low));
            (from, after(&to))
        };
        let reaches_back = dates.floor < dates.low;
        let in_index = self.prefix.get(2) == Some(&INDEX);
        let mut ranges = Vec::with_capacity(2);
        let low = match reaches_back && !in_index {
            true => dates.floor,
            false => dates.low,
        };
        if low <= high {
            ranges.push(range(&self.prefix, low, high));
        }
        if reaches_back && in_index {
            let high = high.min(dates.low.saturating_sub(1));
            if dates.floor <= high {
                ranges.push(range(&among_long(&self.prefix), dates.floor, high));
            }
        }
        ranges
    }
    /// The candidate of one of its rows.
    pub(crate) fn candidate(&self, key: &[u8], value: &[u8]) -> Result<Option<Candidate>> {
        if self.cards {
            let Some((_, tail)) = Tail::of_card(key) else {
                return Ok(None);
            };
            let labels = card::labels(value)?;
            return Ok(Some(Candidate {
                tail,
                labels,
                length: None,
                proven: false,
                card: Some(value.to_vec()),
                place: None,
            }));
        }
        let mark = Mark::decode(value)?;
        Ok(Tail::of_key(key).map(|tail| Candidate {
            tail,
            labels: mark.labels,
            length: Some(mark.length),
            proven: self.proves,
            card: None,
            place: None,
        }))
    }
    /// The same without proof.
    pub(crate) fn unproven(&self) -> Span {
        Span {
            proves: false,
            ..self.clone()
        }
    }
    /// Where a tail stands in the span's keys, or would.
    fn key(&self, prefix: &[u8], tail: &[u8; TAIL]) -> Vec<u8> {
        let mut key = prefix.to_vec();
        if self.cards {
            // A card's key goes on with date and resource; the person stands before.
            let (date, rest) = tail.split_at(5);
            key.extend_from_slice(date);
            key.extend_from_slice(rest.get(6..).unwrap_or_default());
        } else {
            key.extend_from_slice(tail);
        }
        key
    }
}

/// One span being read.
pub(crate) struct Cursor {
    span: Span,
    /// Ranges still to be read; the first one is being read.
    ranges: std::collections::VecDeque<(Vec<u8>, Vec<u8>)>,
    rows: Rows,
    at: usize,
    batch: usize,
    /// Whether the first range has no more than what was read.
    done: bool,
    pub(crate) head: Option<([u8; TAIL], Candidate)>,
}

impl Cursor {
    pub(crate) fn new(span: &Span, dates: Dates, position: Option<&Tail>) -> Cursor {
        let ranges = span.ranges(dates, position.map(|tail| tail.date));
        Cursor {
            span: span.clone(),
            ranges: ranges.into(),
            rows: Rows::default(),
            at: 0,
            batch: FIRST_BATCH,
            done: false,
            head: None,
        }
    }

    /// Goes on to the next row.
    pub(crate) fn advance(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        self.head = None;
        loop {
            if let Some((key, value)) = self.rows.get(self.at) {
                self.at += 1;
                if let Some(candidate) = self.span.candidate(key, value)? {
                    self.head = Some((candidate.tail.bytes(), candidate));
                    return Ok(());
                }
                continue;
            }
            if self.done {
                self.ranges.pop_front();
                self.done = false;
            }
            if self.ranges.is_empty() {
                return Ok(());
            }
            self.fill(snapshot)?;
        }
    }

    /// Goes on to the first row that is not before a tail.
    pub(crate) fn seek(&mut self, snapshot: &dyn Snapshot, tail: &[u8; TAIL]) -> Result<()> {
        // What was read already may reach so far.
        while self.at < self.rows.len() {
            if self.head.as_ref().is_none_or(|(at, _)| at >= tail) {
                break;
            }
            let last = self.rows.get(self.rows.len() - 1);
            let near = last.is_some_and(|(key, _)| self.tail_of(key).is_some_and(|at| at >= *tail));
            if !near {
                break;
            }
            let middle = self.lower_bound(tail);
            self.at = middle;
            self.advance(snapshot)?;
        }
        while self.head.as_ref().is_some_and(|(at, _)| at < tail) {
            if self.at >= self.rows.len() || self.batch > FIRST_BATCH {
                self.jump(tail);
            }
            self.advance(snapshot)?;
        }
        Ok(())
    }

    fn tail_of(&self, key: &[u8]) -> Option<[u8; TAIL]> {
        match self.span.cards {
            true => Some(Tail::of_card(key)?.1.bytes()),
            false => key.last_chunk().copied(),
        }
    }

    /// The first row read that is not before a tail.
    fn lower_bound(&self, tail: &[u8; TAIL]) -> usize {
        let (mut low, mut high) = (self.at, self.rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let before = self
                .rows
                .get(middle)
                .and_then(|(key, _)| self.tail_of(key))
                .is_some_and(|at| at < *tail);
            if before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Forgets what was read and starts at a tail.
    fn jump(&mut self, tail: &[u8; TAIL]) {
        self.rows.clear();
        self.at = 0;
        self.batch = FIRST_BATCH;
        self.done = false;
        let prefix = self.span.prefix.len();
        while let Some((from, to)) = self.ranges.front_mut() {
            let start = from.get(..prefix).unwrap_or_default().to_vec();
            let key = self.span.key(&start, tail);
            if key < *to {
                *from = key.max(std::mem::take(from));
                return;
            }
            self.ranges.pop_front();
        }
    }

    fn fill(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        self.rows.clear();
        self.at = 0;
        let Some((from, to)) = self.ranges.front_mut() else {
            return Ok(());
        };
        snapshot.scan(from, to, Direction::Up, self.batch, &mut self.rows)?;
        self.done = self.rows.len() < self.batch;
        self.batch = (self.batch * 4).min(LARGEST_BATCH);
        if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
            *from = key.to_vec();
            from.push(0);
        }
        Ok(())
    }
}
