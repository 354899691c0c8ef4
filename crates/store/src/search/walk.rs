//! Candidates in the order of a value: several ranges of an index merged.
//!
//! A resource with several values stands there several times; each candidate says where it was found
//! (`Candidate::place`), and counts only where its first value puts it.

use super::{
    access::{self, Access, Range},
    asking::Asking,
    matches::Candidates,
    order::{By, Keys},
    plan::{Plan, Source},
    set::Set,
    span::{Candidate, Span},
};
use crate::{
    Result,
    engine::{Direction, Rows, Snapshot},
    index,
    keys::{EVERY, UNDATED, after},
};
use fhir::query::Condition;
use std::cmp::Ordering;

const FIRST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 1024;

/// How a row says where it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The value's bytes, then the tail.
    Value,
    /// The tail alone, by its date.
    Date,
}

/// One range being read.
struct Lane {
    form: Form,
    skip: usize,
    from: Vec<u8>,
    to: Vec<u8>,
    rows: Rows,
    at: usize,
    batch: usize,
    done: bool,
    head: Option<Candidate>,
}

/// Ranges merged by value and tail.
pub(crate) struct Walk<'a> {
    snapshot: &'a dyn Snapshot,
    lanes: Vec<Lane>,
    direction: Direction,
    begun: bool,
    last: Option<Box<[u8]>>,
}

impl<'a> Walk<'a> {
    /// A walk in the order of the first key, after a place; `None` when the index is not in that order.
    pub(crate) fn new(
        asking: &'a Asking<'a>,
        plan: &Plan<'_>,
        keys: &Keys,
        after: Option<&[u8]>,
    ) -> Result<Option<Walk<'a>>> {
        let Some(lanes) = lanes(asking, plan, keys)? else {
            return Ok(None);
        };
        let direction = match keys.downwards() {
            true => Direction::Down,
            false => Direction::Up,
        };
        let mut walk = Walk {
            snapshot: asking.reading.snapshot.as_ref(),
            lanes,
            direction,
            begun: false,
            last: None,
        };
        if let Some(place) = after {
            // Where several keys decide, equals in the first one must all be met again.
            let whole = keys.keys.len() == 1;
            walk.lanes
                .iter_mut()
                .for_each(|lane| lane.start(place, whole, direction));
        }
        Ok(Some(walk))
    }
}

/// The ranges in the order of the first key.
fn lanes(asking: &Asking<'_>, plan: &Plan<'_>, keys: &Keys) -> Result<Option<Vec<Lane>>> {
    let of = plan.of;
    let Some(key) = keys.keys.first() else {
        return Ok(None);
    };
    let values = |ranges: Vec<Range>| {
        let lane = |range: Range| Lane::new(Form::Value, range.skip, range.from, range.to);
        ranges.into_iter().map(lane).collect::<Vec<_>>()
    };
    Ok(match &key.by {
        By::Id | By::Change => None,
        By::MainDate => Some(dated(plan)),
        By::Parameter(number, kind) => {
            access::whole(asking.reading, of, *number, *kind)?.map(values)
        }
        By::Matching(clause) => match access::of(asking, of, &Condition::Is(clause.clone()))? {
            Some(Access::Ranges(ranges)) => Some(values(ranges)),
            _ => None,
        },
    })
}

/// The plan's spans by date, or all of the type.
fn dated(plan: &Plan<'_>) -> Vec<Lane> {
    let every = Set::Span(Span::index(index::start(plan.of, EVERY).done(), false));
    let set = match &plan.source {
        Source::Set(Set::All(sets)) => sets.iter().find(|set| set.spans().is_some()),
        Source::Set(set) => Some(set).filter(|set| set.spans().is_some()),
        _ => None,
    };
    let spans = set.unwrap_or(&every).spans().unwrap_or_default();
    let mut dates = plan.dates;
    dates.low = dates.low.max(UNDATED + 1);
    let lanes = spans.into_iter().flat_map(|span| {
        let skip = span.prefix.len();
        let ranges = span.ranges(dates, None).into_iter();
        ranges.map(move |(from, to)| Lane::new(Form::Date, skip, from, to))
    });
    lanes.collect()
}

impl Lane {
    fn new(form: Form, skip: usize, from: Vec<u8>, to: Vec<u8>) -> Lane {
        Lane {
            form,
            skip,
            from,
            to,
            rows: Rows::default(),
            at: 0,
            batch: FIRST_BATCH,
            done: false,
            head: None,
        }
    }

    /// Starts after a place, or at its value.
    fn start(&mut self, place: &[u8], whole: bool, direction: Direction) {
        let mut key = self.from.get(..self.skip).unwrap_or_default().to_vec();
        let rank = Keys::rank(place);
        match self.form {
            Form::Value if whole => key.extend_from_slice(place),
            Form::Value => key.extend_from_slice(rank),
            Form::Date if whole => {
                key.extend_from_slice(place.get(rank.len()..).unwrap_or_default())
            }
            Form::Date => key.extend_from_slice(rank),
        }
        match (direction, whole) {
            (Direction::Up, true) => {
                key.push(0);
                self.from = key.max(std::mem::take(&mut self.from));
            }
            (Direction::Up, false) => self.from = key.max(std::mem::take(&mut self.from)),
            (Direction::Down, true) => self.to = key.min(std::mem::take(&mut self.to)),
            (Direction::Down, false) => {
                self.to = after(&key).min(std::mem::take(&mut self.to));
            }
        }
    }

    fn advance(&mut self, snapshot: &dyn Snapshot, direction: Direction) -> Result<()> {
        self.head = None;
        while self.head.is_none() {
            if let Some((key, value)) = self.rows.get(self.at) {
                self.head = self.candidate(key, value)?;
                self.at += 1;
                continue;
            }
            if self.done {
                return Ok(());
            }
            self.rows.clear();
            self.at = 0;
            snapshot.scan(&self.from, &self.to, direction, self.batch, &mut self.rows)?;
            self.done = self.rows.len() < self.batch;
            self.batch = (self.batch * 4).min(LARGEST_BATCH);
            if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
                match direction {
                    Direction::Up => {
                        self.from = key.to_vec();
                        self.from.push(0);
                    }
                    Direction::Down => self.to = key.to_vec(),
                }
            }
        }
        Ok(())
    }

    fn candidate(&self, key: &[u8], value: &[u8]) -> Result<Option<Candidate>> {
        let rest = key.get(self.skip..).unwrap_or_default();
        let place = match self.form {
            Form::Value => rest.to_vec(),
            Form::Date => [rest.get(..5).unwrap_or_default(), rest].concat(),
        };
        let candidate = access::row(key, value, false)?;
        Ok(candidate.map(|candidate| Candidate {
            place: Some(place.into()),
            ..candidate
        }))
    }
}

impl Candidates for Walk<'_> {
    fn next(&mut self) -> Result<Option<Candidate>> {
        if !self.begun {
            self.begun = true;
            for lane in &mut self.lanes {
                lane.advance(self.snapshot, self.direction)?;
            }
        }
        loop {
            let place = |lane: &Lane| lane.head.as_ref().and_then(|head| head.place.clone());
            let lanes = self.lanes.iter().enumerate();
            let heads = lanes.filter_map(|(i, lane)| Some((place(lane)?, i)));
            let next = match self.direction {
                Direction::Up => heads.min_by(|a, b| a.0.cmp(&b.0)),
                Direction::Down => heads.max_by(|a, b| a.0.cmp(&b.0).then(Ordering::Greater)),
            };
            let Some((place, i)) = next else {
                return Ok(None);
            };
            let Some(lane) = self.lanes.get_mut(i) else {
                return Ok(None);
            };
            let taken = lane.head.take();
            lane.advance(self.snapshot, self.direction)?;
            // The same value under two units is one place.
            if self.last.as_ref() != Some(&place) {
                self.last = Some(place);
                return Ok(taken);
            }
        }
    }
}
