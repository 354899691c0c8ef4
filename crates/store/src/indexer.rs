//! The walk through what is stored, for search parameters that are coming or leaving.
//!
//! It goes through the current resources of each type from the newest to the oldest, [`Options::index_batch`](crate::Options) at a time:
//! read, searched through and packed in a thread of its own, then handed to the writer in its lowest lane, where only rows
//! that differ are exchanged and how far it is goes into the same commit. So it goes on where it was after a stop at any
//! instant. All that comes and leaves is done in one walk.
//!
//! Between two batches it rests for as long as a batch took, so that at most half a core is its. Cost of a resource: its
//! body and card are opened, and where the parameters find something the card is packed and written again.

use crate::{
    Error, Labels, PersonKey, Result,
    card::write_part,
    commit::Making,
    dates,
    engine::{Direction, Engine, Rows, Snapshot},
    index::{self, Secret},
    keys::{Key, STAMP, TAIL, Tail, records},
    loaded::{Loaded, Shelf},
    permit::NO_PERMIT,
    store::stored_at,
    vault::{Facts, Vault},
    writer::{Queue, Work},
};
use fhir::ResourceType;
use jiff::Timestamp;
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long it waits after something went wrong.
const REST: Duration = Duration::from_secs(2);

/// What the walk needs.
#[derive(Clone)]
pub(crate) struct Walking {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) secret: Secret,
    pub(crate) queue: Queue,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) batch: usize,
    /// Held while a batch is at work; who makes everything anew holds it meanwhile.
    pub(crate) at_work: Arc<Mutex<()>>,
}

/// The thread that walks; ends when it is dropped.
pub(crate) struct Indexer {
    shelf: Arc<Shelf>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        self.shelf.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Indexer {
    pub(crate) fn start(walking: Walking) -> Result<Indexer> {
        let stop = Arc::new(AtomicBool::new(false));
        let (shelf, told) = (walking.shelf.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("store-indexer".into())
            .spawn(move || {
                crate::give_way();
                walking.run(&told)
            })
            .map_err(|error| Error::Disk(error.to_string()))?;
        Ok(Indexer {
            shelf,
            stop,
            thread: Some(thread),
        })
    }
}

/// What becomes of one resource.
struct Again {
    of: ResourceType,
    id: String,
    tail: Tail,
    version: u64,
    stamp: u64,
    updated: i64,
    labels: Labels,
    card: Vec<u8>,
    gone: Vec<Vec<u8>>,
    put: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A part of the walk, ready for the writer.
struct Part {
    of: ResourceType,
    /// Of all resources in it.
    stamps: Vec<u64>,
    from: Vec<u8>,
    to: Vec<u8>,
    last: bool,
    changes: Vec<Again>,
}

impl Walking {
    fn run(&self, stop: &AtomicBool) {
        let stopped = || stop.load(Relaxed);
        loop {
            self.shelf.wait(|loaded| stopped() || loaded.pending());
            if stopped() {
                return;
            }
            let begun = Instant::now();
            match self.step() {
                Ok(_) => self.shelf.pause(begun.elapsed(), stopped),
                Err(error) => {
                    tracing::warn!(%error, "indexing for loaded search parameters rests");
                    self.shelf.pause(REST, stopped);
                }
            }
        }
    }

    /// Nobody walks while this is held.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes one batch on; whether there was anything to do.
    pub(crate) fn step(&self) -> Result<bool> {
        let _one = self.alone();
        let loaded = self.shelf.now();
        let Some((of, below)) = loaded.walk() else {
            return Ok(false);
        };
        // After the set, so that it shows all that was written before it.
        let part = self.part(self.engine.snapshot()?.as_ref(), &loaded, of, below)?;
        let work = Box::new(move |making: &mut Making<'_>| {
            // Others were activated meanwhile: begin this batch again, with them.
            if making.loaded.generation == loaded.generation {
                part.take(making)?;
            }
            Ok(None)
        });
        self.queue
            .ask(NO_PERMIT, Timestamp::UNIX_EPOCH, Work::Behind(work))?;
        Ok(true)
    }

    fn part(
        &self,
        snapshot: &dyn Snapshot,
        loaded: &Loaded,
        of: ResourceType,
        below: u64,
    ) -> Result<Part> {
        let start = Key::new(records(of), STAMP).of(of);
        let (_, end) = start.clone().range();
        let from = start.newest_first(below.saturating_sub(1)).done();
        let mut rows = Rows::default();
        snapshot.scan(&from, &end, Direction::Up, self.batch, &mut rows)?;
        let mut part = Part {
            of,
            stamps: Vec::with_capacity(rows.len()),
            to: from.clone(),
            from,
            last: rows.len() < self.batch,
            changes: Vec::new(),
        };
        for (key, row) in rows.iter() {
            let stamp = key.last_chunk().map(|stamp| !u64::from_be_bytes(*stamp));
            let stamp = stamp.unwrap_or_default();
            part.stamps.push(stamp);
            part.to = key.to_vec();
            part.to.push(0);
            let again = match row.split_at_checked(TAIL) {
                Some((tail, mark)) => self.again(snapshot, loaded, of, stamp, tail, mark),
                None => Ok(None),
            };
            match again {
                Ok(again) => part.changes.extend(again),
                // `fsck` finds it and says so; the others do not wait for it.
                Err(Error::Damaged(why)) => {
                    tracing::error!(%of, stamp, %why, "a resource cannot be read and is not indexed");
                }
                Err(other) => return Err(other),
            }
        }
        Ok(part)
    }

    /// How a resource is indexed by these parameters; `None` when it is so already, or nobody may read it any more.
    fn again(
        &self,
        snapshot: &dyn Snapshot,
        loaded: &Loaded,
        of: ResourceType,
        stamp: u64,
        tail: &[u8],
        mark: &[u8],
    ) -> Result<Option<Again>> {
        let lost = || Error::Damaged("it stands among the changes and has no card".into());
        let tail = Tail::read(tail).ok_or_else(lost)?;
        let key = tail.card_key(of);
        let row = snapshot.get(&key)?.ok_or_else(lost)?;
        let Some(card) = self.vault.card(&key, &row, Some(&|_| true))? else {
            return Ok(None);
        };
        let stored = stored_at(&self.vault, snapshot, of, stamp)?;
        let Some(text) = stored.and_then(|stored| stored.text) else {
            return Ok(None);
        };
        let entries = loaded.entries(of, &text.read()?, None);
        if entries == card.entries {
            return Ok(None);
        }
        let own = format!("Patient/{}", card.patient);
        let keys = |entries: &[_]| {
            let main = dates::main_date(of, entries);
            let keys = index::keys(of, entries, Vec::new(), main, Some(&own), &self.secret);
            let whole = |key: Vec<u8>| [key.as_slice(), &tail.bytes()].concat();
            keys.into_iter().map(whole).collect::<HashSet<_>>()
        };
        let (old, new) = (keys(&card.entries), keys(&entries));
        let packed = write_part(of, &entries, &card.refers, &card.directory, &card.patient);
        let put = new.difference(&old).map(|key| (key.clone(), mark.to_vec()));
        Ok(Some(Again {
            of,
            tail,
            version: card.version,
            stamp,
            updated: card.updated,
            labels: card.labels,
            card: self.vault.pack_card(&packed),
            gone: old.difference(&new).cloned().collect(),
            put: put.collect(),
            id: card.id,
        }))
    }
}

impl Part {
    /// Puts it into a commit: of what is still current as it was read.
    fn take(self, making: &mut Making<'_>) -> Result<()> {
        let mut rows = Rows::default();
        making
            .view()
            .scan(&self.from, &self.to, Direction::Up, usize::MAX, &mut rows)?;
        let stamp = |key: &[u8]| key.last_chunk().map(|stamp| !u64::from_be_bytes(*stamp));
        let current: HashSet<u64> = rows.iter().filter_map(|(key, _)| stamp(key)).collect();
        for again in self.changes {
            if current.contains(&again.stamp) {
                again.take(making)?;
            }
        }
        let loaded = making.loaded.walked(self.of, &self.stamps, self.last);
        making.load(Some(loaded))
    }
}

impl Again {
    fn take(self, making: &mut Making<'_>) -> Result<()> {
        // Whose erasure has begun is left as she is.
        let person: PersonKey = self.tail.person;
        if person.0 != 0 && making.vault.lives(person).is_err() {
            return Ok(());
        }
        let facts = Facts {
            of: self.of,
            id: &self.id,
            rid: self.tail.rid,
            version: self.version,
            stamp: self.stamp,
            updated: self.updated,
            labels: self.labels,
            person,
        };
        let key = self.tail.card_key(self.of);
        let row = making.vault.close_card(&key, &facts, &self.card)?;
        making.put(key, row);
        for key in self.gone {
            making.rows.insert(key, None);
        }
        for (key, value) in self.put {
            making.put(key, value);
        }
        Ok(())
    }
}
