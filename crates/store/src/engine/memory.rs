//! An engine in memory: for tests, and for the model that others are compared with.

use super::{Batch, Direction, Engine, Rows, Snapshot};
use crate::Result;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rows in a `BTreeMap`. A commit while a snapshot lives copies the map.
#[derive(Default)]
pub struct Memory(RwLock<Arc<Map>>);

impl Engine for Memory {
    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut guard = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let map = Arc::make_mut(&mut guard);
        for (key, value) in batch {
            match value {
                Some(value) => map.insert(key.clone(), value.clone()),
                None => map.remove(key),
            };
        }
        Ok(())
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let guard = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(View(guard.clone())))
    }
}

struct View(Arc<Map>);

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(key).cloned())
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        let range = self
            .0
            .range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        match direction {
            Direction::Up => range.take(limit).for_each(|(k, v)| rows.push(k, v)),
            Direction::Down => range.rev().take(limit).for_each(|(k, v)| rows.push(k, v)),
        }
        Ok(())
    }
}
