//! The projection: the rows of the log by key, in a log-structured tree (`lsm-tree`, the heart of fjall).
//!
//! A commit goes into a table in memory; nothing of it can fail. When that table is full it is sealed, a thread writes it
//! to a sorted file, durable when it is there, and another thread merges sorted files (`merging`). With its rows each table carries
//! the mark of the last group it holds: so what is on the disk is always the state after some group, and the log has the
//! rest. There is no second journal. Of a bulky value only the [`Pointer`] is kept.
//!
//! Memory: the cache (an eighth of it for rows by themselves, `looked`), at most [`SEALED`] sealed tables and one open one
//! of `memtable` bytes (about twice that with their towers), filters of the upper levels. A commit waits while that many
//! are sealed, and fails when writing them fails.

mod looked;
mod merging;
mod pace;
mod standing;

use super::{
    Direction, Rows, Snapshot, Tuning, is_bulky,
    log::{Mark, disk_error},
    record::{Pointer, Value},
    segment::{self, Segments, Shelf},
};
use crate::{Error, Result, codec::Reader};
use looked::Looked;
use lsm_tree::{
    AbstractTree, AnyTree, Cache, CompressionType, Config, InternalValue, SequenceNumberCounter,
    ValueType,
    compaction::Leveled,
    config::{
        BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy,
        FilterPolicyEntry,
    },
    merge::Merger,
};
use merging::Paced;
pub(crate) use pace::Bursts;
use pace::{Draft, Pace};
use standing::{Standing, Standings};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Where the projection notes how far it has come; partition 0 is the engine's own.
const APPLIED: &[u8] = b"\0\0\0applied";
/// Stands there while derived rows are missing.
const INCOMPLETE: &[u8] = b"\0\0\0incomplete";
/// Sealed tables in memory at most.
const SEALED: usize = 2;
/// Sorted files that a read may have to look through in the first level before commits wait for merging.
const RUNS: usize = 20;
const TABLE: u64 = 32 << 20;
/// Which part of the cache is for rows that were looked up; the rest is for blocks.
const LOOKED: usize = 8;

/// The rows by key, and the threads that keep them in order on the disk.
pub(crate) struct Projection {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    memtable: u64,
    shelf: Arc<Shelf>,
}

struct Shared {
    tree: AnyTree,
    standings: Standings,
    looked: Looked,
    sequence: SequenceNumberCounter,
    /// Held while rows of one group go in, and while a table is sealed.
    applying: Mutex<()>,
    views: Mutex<Views>,
    work: Mutex<Work>,
    turned: Condvar,
    pace: Arc<Pace>,
    /// The number that the next sorted file got when the last merging began.
    first: Arc<AtomicU64>,
    /// How long nobody must have asked before more is merged than has to be.
    quiet: Duration,
    /// The mark that is durable with the sorted files.
    durable: AtomicU64,
    strategy: Arc<Leveled>,
}

/// What readers may see, and what they still look at.
struct Views {
    /// Rows numbered below this are seen.
    visible: u64,
    open: BTreeMap<u64, usize>,
}

#[derive(Default)]
struct Work {
    /// The last group in the sealed tables.
    sealed: Option<u64>,
    /// A sorted file was added since the last merging.
    merge: bool,
    /// Why sealed tables could not be written.
    failed: Option<String>,
    /// The last merging failed: waiting for it would be in vain.
    stuck: bool,
    /// Nothing is left to merge, also not for while nobody asks.
    at_rest: bool,
}

impl Projection {
    pub(crate) fn open(dir: &Path, tuning: &Tuning, shelf: Arc<Shelf>) -> Result<Projection> {
        let pace = Arc::<Pace>::default();
        let first = Arc::<AtomicU64>::default();
        let sequence = SequenceNumberCounter::default();
        let looked = tuning.cache / LOOKED;
        let blocks = (tuning.cache - looked) as u64;
        // What it calls visible would show half of a group while a file is being added; ours does not.
        let config = Config::new(dir, sequence.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::new(Cache::with_capacity_bytes(blocks)))
            .data_block_size_policy(BlockSizePolicy::new([4 << 10, 8 << 10, 16 << 10]))
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(
                BloomConstructionPolicy::BitsPerKey(10.0),
            )))
            .with_compaction_filter_factory(Some(Arc::new(Paced {
                pace: pace.clone(),
                folder: dir.to_owned(),
                first: first.clone(),
            })));
        let tree = config.open().map_err(storage)?;
        if let Some(highest) = tree.get_highest_seqno() {
            sequence.set(highest + 1);
        }
        let visible = sequence.get();
        let shared = Arc::new(Shared {
            standings: Standings::of(&tree),
            tree,
            looked: Looked::new(looked),
            sequence,
            applying: Mutex::default(),
            views: Mutex::new(Views {
                visible,
                open: BTreeMap::new(),
            }),
            work: Mutex::new(Work {
                merge: true,
                ..Work::default()
            }),
            turned: Condvar::new(),
            pace,
            first,
            quiet: tuning.quiet,
            durable: AtomicU64::new(0),
            strategy: Arc::new(Leveled::default().with_table_target_size(TABLE)),
        });
        let mut projection = Projection {
            shared,
            threads: Vec::new(),
            memtable: tuning.memtable_bytes.max(1 << 16),
            shelf,
        };
        projection
            .shared
            .durable
            .store(projection.applied()?.group, SeqCst);
        projection.start("store-flush", Shared::flushing)?;
        projection.start("store-merge", Shared::merging)?;
        Ok(projection)
    }

    fn start(&mut self, name: &str, run: fn(&Shared)) -> Result<()> {
        let shared = self.shared.clone();
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || run(&shared))
            .map_err(disk_error)?;
        self.threads.push(thread);
        Ok(())
    }

    /// The mark of the last group that it holds.
    pub(crate) fn applied(&self) -> Result<Mark> {
        let Some(value) = self.engines(APPLIED)? else {
            return Ok(Mark::default());
        };
        let mut reader = Reader(&value);
        Ok(Mark {
            group: u64::from_le_bytes(reader.array()?),
            crc: u32::from_le_bytes(reader.array()?),
        })
    }

    /// The last group that it holds durably.
    pub(crate) fn durable(&self) -> u64 {
        self.shared.durable.load(SeqCst)
    }

    fn engines(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        // Without a view what is looked at could be let go of meanwhile.
        let view = self.now();
        let value = view.standing.get(key, view.at).map_err(storage)?;
        Ok(value.map(|value| value.to_vec()))
    }

    pub(crate) fn incomplete(&self) -> Result<bool> {
        Ok(self.engines(INCOMPLETE)?.is_some())
    }

    /// Notes whether derived rows are missing.
    pub(crate) fn set_incomplete(&self, incomplete: bool) {
        self.put(|put| put(INCOMPLETE, incomplete.then_some(&[])));
    }

    /// Waits until there is room in memory for a group; fails when what is there cannot be written.
    pub(crate) fn room(&self) -> Result<()> {
        // Who merges looks at the tree with its work in hand, and may wait there.
        if self.shared.has_room(false) {
            return Ok(());
        }
        self.shared.pace.await_room(true);
        let room = self.wait_for_room();
        self.shared.pace.await_room(false);
        room
    }

    fn wait_for_room(&self) -> Result<()> {
        let mut work = self.shared.work();
        loop {
            if self.shared.has_room(work.stuck) {
                return Ok(());
            }
            if let Some(why) = work.failed.take() {
                // Tried again now, so that room on the disk is noticed without a restart.
                self.shared.turned.notify_all();
                return Err(Error::Disk(why));
            }
            work = self
                .shared
                .turned
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Applies a group, visible as a whole when this returns.
    pub(crate) fn apply<'r>(&self, mark: Mark, rows: impl Iterator<Item = (&'r [u8], Value<'r>)>) {
        let mut applied = mark.group.to_le_bytes().to_vec();
        applied.extend_from_slice(&mark.crc.to_le_bytes());
        let size = self.put(|put| {
            let mut size = 0;
            for (key, value) in rows {
                size = match value {
                    Value::Gone => put(key, None),
                    Value::Small(value) => put(key, Some(value)),
                    Value::Bulky(pointer, _) => put(key, Some(&pointer.encode())),
                };
            }
            put(APPLIED, Some(&applied)).max(size)
        });
        if size >= self.memtable {
            self.seal(mark.group);
        }
    }

    /// Puts derived rows; they belong to no group.
    pub(crate) fn derive<'r>(&self, rows: impl Iterator<Item = (&'r [u8], Option<&'r [u8]>)>) {
        let size = self.put(|put| rows.map(|(key, value)| put(key, value)).last());
        if size.unwrap_or(0) >= self.memtable
            && let Ok(mark) = self.applied()
        {
            self.seal(mark.group);
        }
    }

    /// Puts rows under one number; each call of `put` gives the size of the table in memory.
    fn put<T>(&self, rows: impl FnOnce(&mut dyn FnMut(&[u8], Option<&[u8]>) -> u64) -> T) -> T {
        let shared = &self.shared;
        shared.pace.ask();
        let _applying = shared.applying();
        let number = shared.sequence.next();
        // While `applying` is held the open table stays the same.
        let standing = shared.standings.now();
        let done = rows(&mut |key, value| {
            shared.looked.changed(key, number);
            let row = match value {
                Some(value) => InternalValue::from_components(key, value, number, ValueType::Value),
                None => InternalValue::new_tombstone(key, number),
            };
            standing.open.insert(row).1
        });
        shared.views().visible = number + 1;
        done
    }

    /// Has the open table written; `group` is the last that it holds.
    fn seal(&self, group: u64) {
        let _applying = self.shared.applying();
        if self.shared.standings.seal(&self.shared.tree) {
            let mut work = self.shared.work();
            work.sealed = Some(group);
            work.failed = None;
            drop(work);
            self.shared.turned.notify_all();
        }
    }

    /// Writes everything to the disk and waits for it.
    pub(crate) fn persist(&self) -> Result<()> {
        let group = self.applied()?.group;
        self.seal(group);
        let mut work = self.shared.work();
        while work.sealed.is_some() {
            if let Some(why) = work.failed.take() {
                self.shared.turned.notify_all();
                return Err(Error::Disk(why));
            }
            work = self
                .shared
                .turned
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Waits until more than `seen` groups are durable; `None` at the end.
    pub(crate) fn wait_durable(&self, seen: u64, stop: &AtomicBool) -> Option<u64> {
        self.shared.wait(|_| {
            let durable = self.durable();
            match stop.load(SeqCst) {
                true => Some(None),
                false => (durable > seen).then_some(Some(durable)),
            }
        })?
    }

    /// Work beside those who ask and write.
    pub(crate) fn bursts(&self) -> Bursts {
        Bursts::of(&self.shared.pace)
    }

    /// Has those who wait look again.
    pub(crate) fn wake(&self) {
        drop(self.shared.work());
        self.shared.turned.notify_all();
    }

    /// Waits until nothing is left to write and to merge, but no longer than this; gives whether it is so. What can wait is
    /// merged while nobody asks.
    pub(crate) fn rested(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut work = self.shared.work();
        loop {
            if work.at_rest && !work.merge && work.sealed.is_none() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.shared.turned.wait_timeout(work, left);
            (work, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The state after the last group, for somebody who asks.
    pub(crate) fn view(&self) -> View {
        self.shared.pace.ask();
        self.now()
    }

    fn now(&self) -> View {
        let at = {
            let mut views = self.shared.views();
            let at = views.visible;
            *views.open.entry(at).or_default() += 1;
            at
        };
        View {
            // Taken after the number: it holds all rows below it.
            standing: self.shared.standings.now(),
            shared: self.shared.clone(),
            at,
            segments: self.shelf.now(),
        }
    }
}

impl Drop for Projection {
    fn drop(&mut self) {
        self.shared.pace.stop();
        self.wake();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn applying(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn views(&self) -> MutexGuard<'_, Views> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do, or for the end.
    fn wait<T>(&self, mut next: impl FnMut(&mut Work) -> Option<T>) -> Option<T> {
        let mut work = self.work();
        loop {
            if self.pace.stopped() {
                return None;
            }
            if let Some(next) = next(&mut work) {
                return Some(next);
            }
            work = self
                .turned
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether one more group can be taken; `stuck` when merging would be waited for in vain.
    fn has_room(&self, stuck: bool) -> bool {
        let standing = self.standings.now();
        standing.sealed.len() < SEALED && (stuck || standing.runs < RUNS)
    }

    /// What the oldest view looks at.
    fn oldest(&self) -> u64 {
        let views = self.views();
        let oldest = views.open.keys().next().copied();
        oldest.unwrap_or(views.visible)
    }

    /// Rows numbered below this are replaced for everyone.
    fn unseen(&self) -> u64 {
        self.oldest().saturating_sub(1)
    }

    /// What was added under a number of its own is seen from now on.
    fn publish(&self) {
        let _applying = self.applying();
        self.views().visible = self.sequence.get();
    }

    /// Writes the sealed tables to a sorted file, as [`AbstractTree::flush`] does, but in bursts.
    fn flush(&self) -> lsm_tree::Result<()> {
        let _lock = self.tree.get_flush_lock();
        let sealed = self.standings.now().sealed.clone();
        let unseen = self.unseen();
        let mut bursts = Bursts::of(&self.pace);
        let folder = &self.tree.tree_config().path;
        let mut draft = Draft::from(folder, self.tree.next_table_id());
        let mut last = None;
        let mut count = 0;
        let rows = Merger::new(sealed.iter().map(|table| table.iter().map(Ok)).collect());
        let rows = rows.filter(|row: &lsm_tree::Result<InternalValue>| {
            count += 1;
            if u32::is_multiple_of(count, merging::ROWS) && bursts.between() {
                draft.sync();
            }
            let Ok(InternalValue { key, .. }) = row else {
                return true;
            };
            // The newest of a key comes first.
            let again = last.as_ref() == Some(&key.user_key);
            if !again {
                last = Some(key.user_key.clone());
            }
            !again || key.seqno >= unseen
        });
        if let Some((tables, blobs)) = self.tree.flush_to_tables(rows)? {
            let sealed: Vec<_> = sealed.iter().map(|table| table.id()).collect();
            let tree = &self.tree;
            tree.register_tables(&tables, blobs.as_deref(), None, &sealed, unseen)?;
        }
        Ok(())
    }

    fn flushing(&self) {
        crate::give_way();
        while let Some(group) = self.wait(|work| work.sealed.filter(|_| work.failed.is_none())) {
            let done = self.flush();
            self.standings.renew(&self.tree);
            let mut work = self.work();
            match done {
                Ok(()) => {
                    self.durable.fetch_max(group, SeqCst);
                    if work.sealed == Some(group) {
                        work.sealed = None;
                    }
                    work.merge = true;
                    work.at_rest = false;
                    self.pace.hurry();
                    drop(work);
                    self.publish();
                }
                Err(error) => {
                    tracing::warn!(%error, "the projection could not be written; the log has it all");
                    work.failed = Some(error.to_string());
                    drop(work);
                }
            }
            self.turned.notify_all();
        }
    }
}

pub(crate) fn storage(error: lsm_tree::Error) -> Error {
    match error {
        lsm_tree::Error::Io(error) => disk_error(error),
        other => Error::Disk(other.to_string()),
    }
}

/// A fixed view of all rows.
pub(crate) struct View {
    shared: Arc<Shared>,
    standing: Arc<Standing>,
    at: u64,
    segments: Segments,
}

impl Drop for View {
    fn drop(&mut self) {
        let mut views = self.shared.views();
        if let Some(count) = views.open.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                views.open.remove(&self.at);
            }
        }
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let looked = &self.shared.looked;
        if let Some(row) = looked.get(key, self.at) {
            return Ok(Some(row));
        }
        let Some(value) = self.standing.get(key, self.at).map_err(storage)? else {
            return Ok(None);
        };
        if is_bulky(key) {
            return segment::value(&self.segments, Pointer::decode(&value)?).map(Some);
        }
        looked.read(key, self.at, &value);
        Ok(Some(value.to_vec()))
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        if from >= to || limit == 0 {
            return Ok(());
        }
        let mut range = self.standing.range(from, to, self.at);
        for _ in 0..limit {
            let next = match direction {
                Direction::Up => range.next(),
                Direction::Down => range.next_back(),
            };
            let Some(row) = next else { break };
            let row = row.map_err(storage)?;
            let (key, value) = (row.key.user_key, row.value);
            match is_bulky(&key) {
                true => {
                    let value = segment::value(&self.segments, Pointer::decode(&value)?)?;
                    rows.push(&key, &value);
                }
                false => rows.push(&key, &value),
            }
        }
        Ok(())
    }
}
