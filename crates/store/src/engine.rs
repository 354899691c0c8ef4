//! The smallest contract that an embedded store and a distributed database both keep well.
//!
//! **Keys** are ordered bytes. The first two are the *partition*, the third is the *family* within it (`keys.rs` lists
//! them). Families from [`BULKY`] on hold large values; an engine may keep them apart from the small rows. Families from
//! [`DERIVED`] to there hold rows that follow from the others, the *facts*: an engine need not keep those twice, and where it
//! has lost them it says so ([`Engine::incomplete`]) and the store makes them again.
//!
//! **Commit**: puts and deletes, atomic, durable when the call returns, in the order of the calls. What a distributed
//! engine will promise is *one atomic commit per partition*; the adapters here give more: one commit over all
//! partitions. The store leans on that more in four places, each of which becomes an outbox with idempotent apply when
//! partitions live apart: the directory rows of a resource (its head by type and id, its identifiers, its person's keys),
//! the counters per type, the act with its place in the log, and a transaction over several people.
//!
//! **Snapshot**: a fixed view with `get`, `get_many` and `scan` over a range inside one family, with a limit. A scan
//! answers a whole batch at a time, since an engine across a network pays per call.

mod backup;
mod disk;
mod embedded;
mod log;
mod memory;
mod postgres;
mod projection;
mod record;
mod recorded;
mod segment;
mod thin;

pub use backup::{Backup, Refused, UpTo, check_backup, restore};
pub use disk::{Disk, DiskFile, DiskReader, RealDisk};
pub use embedded::{Embedded, Tuning};
pub(crate) use log::disk_error;
pub use memory::Memory;
pub use postgres::{Plain, Postgres, PostgresSettings, Scratch};
pub use recorded::{Amount, Recorded, Recording};

use crate::Result;
use std::collections::BTreeMap;

/// The first family of rows that the store can make again from the facts: from the rows of all other families.
pub const DERIVED: u8 = 0x10;
/// The first family that holds bulky values; these are facts.
pub const BULKY: u8 = 0x80;

/// Whether a key's row can be made again from the facts.
#[must_use]
pub fn is_derived(key: &[u8]) -> bool {
    matches!(key.get(2), Some(&(DERIVED..BULKY)))
}
/// Whether a key's value is bulky.
#[must_use]
pub fn is_bulky(key: &[u8]) -> bool {
    matches!(key.get(2), Some(&(BULKY..)))
}

/// What one commit changes: the value to put, or `None` to delete. Ordered by key, each key once.
pub type Batch = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the low end.
    Up,
    /// From the high end.
    Down,
}

/// Rows of a scan, in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    bytes: Vec<u8>,
    /// Where each key and each value ends.
    ends: Vec<(usize, usize)>,
}

impl Rows {
    /// Adds one row.
    pub fn push(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.ends.push((middle, self.bytes.len()));
    }
    /// The row at a place.
    pub fn get(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let &(middle, end) = self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        Some((self.bytes.get(start..middle)?, self.bytes.get(middle..end)?))
    }
    /// All rows in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).filter_map(|at| self.get(at))
    }
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// Forgets all, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// A fixed view of all keys.
pub trait Snapshot {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// The values of several keys, in their order; one call for an engine across a network.
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        keys.iter().map(|key| self.get(key)).collect()
    }
    /// Appends the rows with `from <= key < to`, at most `limit`, in the direction. Both ends lie in one family.
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()>;
}

/// Ordered keys, one atomic durable commit, snapshots.
pub trait Engine: Send + Sync {
    /// Makes the batch durable and visible, whole or not at all. After an error nothing of it is visible, and the next
    /// commit first repairs what the failed one left behind. Only after [`Error::Uncertain`](crate::Error::Uncertain)
    /// it may be there.
    fn commit(&self, batch: &Batch) -> Result<()>;
    /// A view no older than the last commit that has ended; fixed from its first question on, at the latest.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>>;
    /// Whether derived rows are missing: the facts are all there, and nothing else. The store then makes the derived rows
    /// from the facts with [`Engine::derive`], says [`Engine::complete`], and only then serves. An engine that stops in
    /// between is still incomplete when it is opened again.
    fn incomplete(&self) -> Result<bool> {
        Ok(false)
    }
    /// Derived rows are about to be deleted and made again: the engine is incomplete until [`Engine::complete`].
    fn forget_derived(&self) -> Result<()> {
        Ok(())
    }
    /// Puts derived rows that follow from the facts. They need not be durable before [`Engine::complete`].
    fn derive(&self, batch: &Batch) -> Result<()> {
        self.commit(batch)
    }
    /// All derived rows are there.
    fn complete(&self) -> Result<()> {
        Ok(())
    }
    /// Whether rows are read in this process, without a round trip to somewhere else.
    fn is_near(&self) -> bool {
        true
    }
    /// Writes or continues a backup in a folder, while serving; the embedded engine's form is told in `backup.rs`.
    fn backup(&self, to: &std::path::Path) -> std::result::Result<Backup, Refused> {
        Err(Refused(format!(
            "this engine is backed up with its own tools, not to {}",
            to.display()
        )))
    }
    /// What the one writer looks at before its next commit: only its own commits change it.
    fn writing(&self) -> Result<Box<dyn Snapshot>> {
        self.snapshot()
    }
}
