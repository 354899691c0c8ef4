//! Candidates by their last change: for `_lastUpdated`, and to sort by it.
//!
//! Stamps follow the clock, so a moment is found among them by halving: some thirty rows of a store of any size.

use super::{asking::Asking, span::Candidate};
use crate::{
    Error, Result,
    commit::{Mark, State},
    engine::{Direction, Rows, Snapshot},
    keys::{Key, STAMP, TAIL, Tail, records},
    read::Reading,
};
use fhir::{
    ResourceType,
    query::{Clause, Prefix, Wanted},
};

const BATCH: usize = 256;

/// The current resources whose stamps lie between two, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamps {
    pub(crate) low: u64,
    pub(crate) high: u64,
    /// Whether lying there proves the condition.
    pub(crate) proves: bool,
}

/// The stamps of the changes that a condition on `_lastUpdated` asks for.
pub(crate) fn between(
    asking: &Asking<'_>,
    of: ResourceType,
    clause: &Clause,
) -> Result<Option<Stamps>> {
    let mut low = i64::MAX;
    let mut high = i64::MIN;
    for wanted in &clause.values {
        let Wanted::Date { prefix, from, to } = wanted else {
            return Ok(None);
        };
        let (first, last) = match prefix {
            Prefix::Eq | Prefix::Ap => (*from, *to),
            Prefix::Ne => return Ok(None),
            Prefix::Gt | Prefix::Sa => (to.saturating_add(1), i64::MAX),
            Prefix::Ge => (*from, i64::MAX),
            Prefix::Lt | Prefix::Eb => (i64::MIN, from.saturating_sub(1)),
            Prefix::Le => (i64::MIN, *to),
        };
        low = low.min(first);
        high = high.max(last);
    }
    let low = first_at(asking.reading, of, low)?;
    let after = match high {
        i64::MAX => u64::MAX,
        high => first_at(asking.reading, of, high.saturating_add(1))?,
    };
    Ok(Some(Stamps {
        low,
        high: after.saturating_sub(1),
        proves: clause.values.len() == 1,
    }))
}

/// A stamp before which all current versions are older than a moment, and from which none is.
fn first_at(reading: &Reading<'_>, of: ResourceType, micros: i64) -> Result<u64> {
    if micros == i64::MIN {
        return Ok(0);
    }
    let (mut low, mut high) = (0, State::read(reading.snapshot.as_ref())?.next_stamp);
    while low < high {
        let middle = low + (high - low) / 2;
        match not_before(reading, of, middle)? {
            Some((stamp, updated)) if updated < micros => low = stamp + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The first current version from a stamp on: its stamp and moment.
fn not_before(reading: &Reading<'_>, of: ResourceType, stamp: u64) -> Result<Option<(u64, i64)>> {
    let start = Key::new(records(of), STAMP).of(of);
    let (from, _) = start.clone().range();
    let mut to = start.newest_first(stamp).done();
    to.push(0);
    let mut rows = Rows::default();
    let snapshot = reading.snapshot.as_ref();
    snapshot.scan(&from, &to, Direction::Down, 1, &mut rows)?;
    let Some((key, value)) = rows.get(0) else {
        return Ok(None);
    };
    let lost = || Error::Damaged(format!("a {of} stands among the changes and has no card"));
    let tail = value.get(..TAIL).and_then(Tail::read).ok_or_else(lost)?;
    let found = key.last_chunk().map(|stamp| !u64::from_be_bytes(*stamp));
    let found = found.ok_or_else(lost)?;
    let key = tail.card_key(of);
    let row = snapshot.get(&key)?.ok_or_else(lost)?;
    // Of who was erased only the place is left; it is as good as any for halving.
    let card = reading.vault.card(&key, &row, None)?;
    Ok(Some((found, card.map_or(i64::MIN, |card| card.updated))))
}

/// Walks the current resources of a type by stamp; keys hold stamps inverted, so up is newest first.
pub(crate) struct Changed<'a> {
    snapshot: &'a dyn Snapshot,
    direction: Direction,
    from: Vec<u8>,
    to: Vec<u8>,
    proves: bool,
    rows: Rows,
    at: usize,
    done: bool,
}

impl<'a> Changed<'a> {
    /// Starts after the stamp of the last one shown.
    pub(crate) fn new(
        snapshot: &'a dyn Snapshot,
        of: ResourceType,
        within: Stamps,
        direction: Direction,
        after: Option<u64>,
    ) -> Changed<'a> {
        let (low, high) = match (after, direction) {
            (None, _) => (within.low, within.high),
            (Some(last), Direction::Up) => (within.low, within.high.min(last.saturating_sub(1))),
            (Some(last), Direction::Down) => (within.low.max(last + 1), within.high),
        };
        let key = |stamp: u64| {
            Key::new(records(of), STAMP)
                .of(of)
                .newest_first(stamp)
                .done()
        };
        let mut to = key(low);
        to.push(0);
        Changed {
            snapshot,
            direction,
            from: key(high),
            to,
            proves: within.proves,
            rows: Rows::default(),
            at: 0,
            done: low > high,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Candidate>> {
        loop {
            if let Some((_, value)) = self.rows.get(self.at) {
                let (tail, mark) = value.split_at_checked(TAIL).unwrap_or_default();
                let mark = Mark::decode(mark)?;
                self.at += 1;
                if let Some(tail) = Tail::read(tail) {
                    return Ok(Some(Candidate {
                        tail,
                        labels: mark.labels,
                        length: Some(mark.length),
                        proven: self.proves,
                        card: None,
                        place: None,
                    }));
                }
            } else if self.done {
                return Ok(None);
            } else {
                self.fill()?;
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        self.rows.clear();
        self.at = 0;
        self.snapshot
            .scan(&self.from, &self.to, self.direction, BATCH, &mut self.rows)?;
        self.done = self.rows.len() < BATCH;
        if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
            match self.direction {
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
