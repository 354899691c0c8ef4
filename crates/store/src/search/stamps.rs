//! Candidates by their last change: for `_lastUpdated`, and to sort by it.
//!
//! Stamps follow the clock, so a moment is found among them by halving: some thirty rows of a store of any size. The end
//! of a walk is looked for only when the walk comes further than a page: what lies beyond it is told on its card.

use super::span::Candidate;
use crate::{
    Error, Result,
    commit::{Mark, State},
    engine::{Direction, Rows},
    keys::{Key, STAMP, TAIL, Tail, records},
    read::Reading,
};
use fhir::{
    ResourceType,
    query::{Clause, Condition, Modifier, Prefix, Wanted},
};

/// Rows read at first; the end of a walk is looked for after them only.
const FIRST_BATCH: usize = 64;
const BATCH: usize = 256;

/// The current resources that were last changed between two moments, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamps {
    first: i64,
    last: i64,
    /// Whether lying there proves the condition.
    proves: bool,
}

impl Stamps {
    /// Whenever it was.
    pub(crate) const ALL: Stamps = Stamps {
        first: i64::MIN,
        last: i64::MAX,
        proves: false,
    };

    /// What lies in both.
    pub(crate) fn and(self, other: Stamps) -> Stamps {
        Stamps {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
            proves: false,
        }
    }
    /// The lowest stamp.
    fn low(&self, reading: &Reading<'_>, of: ResourceType) -> Result<u64> {
        first_at(reading, of, self.first)
    }
    /// The highest stamp.
    fn high(&self, reading: &Reading<'_>, of: ResourceType) -> Result<u64> {
        match self.last {
            i64::MAX => Ok(u64::MAX - 1),
            last => Ok(first_at(reading, of, last.saturating_add(1))?.saturating_sub(1)),
        }
    }
}

/// When the changes were that a condition on `_lastUpdated` asks for.
pub(crate) fn of_condition(condition: &Condition) -> Option<Stamps> {
    match condition {
        Condition::Is(clause) if clause.parameter.code == "_lastUpdated" => between(clause),
        _ => None,
    }
}

/// The same of its clause.
pub(crate) fn between(clause: &Clause) -> Option<Stamps> {
    if clause.modifier != Modifier::None {
        return None;
    }
    let mut low = i64::MAX;
    let mut high = i64::MIN;
    for wanted in &clause.values {
        let Wanted::Date { prefix, from, to } = wanted else {
            return None;
        };
        let (first, last) = match prefix {
            Prefix::Eq | Prefix::Ap => (*from, *to),
            Prefix::Ne => return None,
            Prefix::Gt | Prefix::Sa => (to.saturating_add(1), i64::MAX),
            Prefix::Ge => (*from, i64::MAX),
            Prefix::Lt | Prefix::Eb => (i64::MIN, from.saturating_sub(1)),
            Prefix::Le => (i64::MIN, *to),
        };
        low = low.min(first);
        high = high.max(last);
    }
    Some(Stamps {
        first: low,
        last: high,
        proves: clause.values.len() == 1,
    })
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
    reading: &'a Reading<'a>,
    of: ResourceType,
    within: Stamps,
    /// Whether its end is still to be looked for.
    ahead: bool,
    /// Whether a first batch was read.
    begun: bool,
    direction: Direction,
    from: Vec<u8>,
    to: Vec<u8>,
    proves: bool,
    rows: Rows,
    at: usize,
    done: bool,
}

impl<'a> Changed<'a> {
    /// All of them and no others.
    pub(crate) fn all(
        reading: &'a Reading<'a>,
        of: ResourceType,
        within: Stamps,
    ) -> Result<Changed<'a>> {
        let (low, high) = (within.low(reading, of)?, within.high(reading, of)?);
        let mut walk = Changed::between(reading, of, within, Direction::Up, (low, high));
        walk.proves = within.proves;
        Ok(walk)
    }

    /// A walk that starts after the stamp of the last one shown. Some that were changed too early or too late may be
    /// among the candidates; none is proven.
    pub(crate) fn page(
        reading: &'a Reading<'a>,
        of: ResourceType,
        within: Stamps,
        direction: Direction,
        after: Option<u64>,
    ) -> Result<Changed<'a>> {
        let (low, high) = match direction {
            Direction::Up => match after {
                Some(last) => (0, last.saturating_sub(1)),
                None => (0, within.high(reading, of)?),
            },
            Direction::Down => match after {
                Some(last) => (last + 1, u64::MAX - 1),
                None => (within.low(reading, of)?, u64::MAX - 1),
            },
        };
        let mut walk = Changed::between(reading, of, within, direction, (low, high));
        walk.ahead = match direction {
            Direction::Up => within.first != i64::MIN,
            Direction::Down => within.last != i64::MAX,
        };
        Ok(walk)
    }

    fn between(
        reading: &'a Reading<'a>,
        of: ResourceType,
        within: Stamps,
        direction: Direction,
        (low, high): (u64, u64),
    ) -> Changed<'a> {
        Changed {
            reading,
            of,
            within,
            ahead: false,
            begun: false,
            direction,
            from: place(of, high),
            to: end(of, low),
            proves: false,
            rows: Rows::default(),
            at: 0,
            done: low > high,
        }
    }

    /// Looks for the end of the walk.
    fn stop(&mut self) -> Result<()> {
        self.ahead = false;
        match self.direction {
            Direction::Up => {
                let end = end(self.of, self.within.low(self.reading, self.of)?);
                self.to = end.min(std::mem::take(&mut self.to));
            }
            Direction::Down => {
                let start = place(self.of, self.within.high(self.reading, self.of)?);
                self.from = start.max(std::mem::take(&mut self.from));
            }
        }
        self.done = self.from >= self.to;
        Ok(())
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
        if self.ahead && self.begun {
            self.stop()?;
            if self.done {
                return Ok(());
            }
        }
        let batch = if self.begun { BATCH } else { FIRST_BATCH };
        self.begun = true;
        let snapshot = self.reading.snapshot.as_ref();
        snapshot.scan(&self.from, &self.to, self.direction, batch, &mut self.rows)?;
        self.done = self.rows.len() < batch;
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

/// Where a stamp stands.
fn place(of: ResourceType, stamp: u64) -> Vec<u8> {
    let start = Key::new(records(of), STAMP).of(of);
    start.newest_first(stamp).done()
}

/// The end of the rows down to a stamp.
fn end(of: ResourceType, stamp: u64) -> Vec<u8> {
    let mut end = place(of, stamp);
    end.push(0);
    end
}
