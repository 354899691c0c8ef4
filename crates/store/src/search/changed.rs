//! Candidates by their last change, for `_sort=_lastUpdated` over many.

use super::stream::Candidate;
use crate::{
    Result,
    commit::labels_of,
    engine::{Direction, Rows, Snapshot},
    keys::{Key, STAMP, TAIL, Tail, records},
};
use fhir::ResourceType;

const BATCH: usize = 256;

/// Walks the current resources of a type by stamp; keys hold stamps inverted, so up is newest first.
pub(crate) struct Changed<'a> {
    snapshot: &'a dyn Snapshot,
    direction: Direction,
    from: Vec<u8>,
    to: Vec<u8>,
    rows: Rows,
    at: usize,
    done: bool,
}

impl<'a> Changed<'a> {
    /// Starts after the stamp of the last one shown.
    pub(crate) fn new(
        snapshot: &'a dyn Snapshot,
        of: ResourceType,
        direction: Direction,
        after: Option<u64>,
    ) -> Changed<'a> {
        let start = Key::new(records(of), STAMP).of(of);
        let (mut from, mut to) = start.clone().range();
        if let Some(stamp) = after {
            let mut key = start.newest_first(stamp).done();
            match direction {
                Direction::Up => {
                    key.push(0);
                    from = key;
                }
                Direction::Down => to = key,
            }
        }
        Changed {
            snapshot,
            direction,
            from,
            to,
            rows: Rows::default(),
            at: 0,
            done: false,
        }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Candidate>> {
        loop {
            if let Some((_, value)) = self.rows.get(self.at) {
                let (tail, labels) = value.split_at_checked(TAIL).unwrap_or_default();
                let labels = labels_of(labels)?;
                self.at += 1;
                if let Some(tail) = Tail::read(tail) {
                    return Ok(Some(Candidate {
                        tail,
                        labels,
                        card: None,
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
