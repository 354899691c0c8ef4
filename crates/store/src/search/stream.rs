//! Candidates in order: several ranges of keys merged by their tails, each read in growing batches.

use crate::{
    Labels, PersonKey, Result,
    commit::labels_of,
    engine::{Direction, Rows, Snapshot},
    keys::{CARD, Key, TAIL, Tail, after, date_desc, records},
};
use fhir::ResourceType;

const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 1024;

/// A resource that may match.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) tail: Tail,
    pub(crate) labels: Labels,
    /// Its card's row, when the range was one of cards.
    pub(crate) card: Option<Vec<u8>>,
}

/// Keys that start alike and go on with a date: one value of an index, or one person's cards of a type.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    prefix: Vec<u8>,
    cards: bool,
}

/// Seconds of the main date between which all that can match lies, both ends included.
pub(crate) type Dates = (i64, i64);

pub(crate) const ALL_DATES: Dates = (i64::MIN, i64::MAX);

impl Span {
    pub(crate) fn index(prefix: Vec<u8>) -> Span {
        Span {
            prefix,
            cards: false,
        }
    }
    pub(crate) fn cards(of: ResourceType, person: PersonKey) -> Span {
        Span {
            prefix: Key::new(records(of), CARD).person(person).of(of).done(),
            cards: true,
        }
    }
    /// The keys of the span within the dates, from the date of `position` on.
    pub(crate) fn range(&self, (low, high): Dates, position: Option<&Tail>) -> (Vec<u8>, Vec<u8>) {
        let high = position.map_or(high, |tail| tail.date.min(high));
        let mut from = self.prefix.clone();
        let mut to = self.prefix.clone();
        from.extend_from_slice(&date_desc(high));
        to.extend_from_slice(&date_desc(low));
        (from, after(&to))
    }
    fn candidate(&self, key: &[u8], value: &[u8]) -> Result<Option<Candidate>> {
        if self.cards {
            let Some((_, tail)) = Tail::of_card(key) else {
                return Ok(None);
            };
            let labels = crate::card::labels(value)?;
            return Ok(Some(Candidate {
                tail,
                labels,
                card: Some(value.to_vec()),
            }));
        }
        // A longer value that starts like this one is not of this span.
        if key.len() != self.prefix.len() + TAIL {
            return Ok(None);
        }
        let labels = labels_of(value)?;
        Ok(Tail::of_key(key).map(|tail| Candidate {
            tail,
            labels,
            card: None,
        }))
    }
}

/// One range being read.
struct Cursor {
    span: Span,
    from: Vec<u8>,
    to: Vec<u8>,
    rows: Rows,
    at: usize,
    batch: usize,
    done: bool,
    next: Option<([u8; TAIL], Candidate)>,
}

impl Cursor {
    fn advance(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        self.next = None;
        while self.next.is_none() {
            if self.at >= self.rows.len() {
                if self.done {
                    return Ok(());
                }
                self.fill(snapshot)?;
                continue;
            }
            if let Some((key, value)) = self.rows.get(self.at) {
                let candidate = self.span.candidate(key, value)?;
                self.next = candidate.map(|candidate| (candidate.tail.bytes(), candidate));
            }
            self.at += 1;
        }
        Ok(())
    }
    fn fill(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        self.rows.clear();
        self.at = 0;
        snapshot.scan(
            &self.from,
            &self.to,
            Direction::Up,
            self.batch,
            &mut self.rows,
        )?;
        self.done = self.rows.len() < self.batch;
        self.batch = (self.batch * 4).min(LARGEST_BATCH);
        if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
            self.from = key.to_vec();
            self.from.push(0);
        }
        Ok(())
    }
}

/// Candidates of several spans in the order of their tails, each once.
pub(crate) struct Stream<'a> {
    snapshot: &'a dyn Snapshot,
    cursors: Vec<Cursor>,
    last: Option<[u8; TAIL]>,
}

impl<'a> Stream<'a> {
    /// Starts after a position.
    pub(crate) fn new(
        snapshot: &'a dyn Snapshot,
        spans: &[Span],
        dates: Dates,
        position: Option<Tail>,
    ) -> Result<Stream<'a>> {
        let mut cursors = Vec::with_capacity(spans.len());
        for span in spans {
            let (from, to) = span.range(dates, position.as_ref());
            let mut cursor = Cursor {
                span: span.clone(),
                from,
                to,
                rows: Rows::default(),
                at: 0,
                batch: FIRST_BATCH,
                done: false,
                next: None,
            };
            cursor.advance(snapshot)?;
            cursors.push(cursor);
        }
        Ok(Stream {
            snapshot,
            cursors,
            last: position.map(|tail| tail.bytes()),
        })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Candidate>> {
        loop {
            let lowest = (0..self.cursors.len())
                .filter_map(|i| Some((self.cursors.get(i)?.next.as_ref()?.0, i)))
                .min();
            let Some((tail, i)) = lowest else {
                return Ok(None);
            };
            let Some(cursor) = self.cursors.get_mut(i) else {
                return Ok(None);
            };
            let taken = cursor.next.take();
            cursor.advance(self.snapshot)?;
            if self.last.is_none_or(|last| last < tail) {
                self.last = Some(tail);
                return Ok(taken.map(|(_, candidate)| candidate));
            }
        }
    }
}
