//! Merging of sorted files: as they come, and more of it while nobody asks.
//!
//! Merging by levels is cheap for who writes, and at rest it leaves on the disk what nobody needs:
//! - *files that were merged away*. The tree keeps its earlier states, and with them their files, and lets go of them only
//!   in the course of a later flush or merging: at rest, where none comes, what the last two mergings took stays. With keys
//!   in no order and two levels that was all of the projection a second time (16.0 for 8.0 MB), until the next flush.
//!   [`Shared::release`] lets go of it as soon as no view looks at it.
//! - *rows that were replaced*, as far as their newer ones lie in a higher level; and rows in the smaller blocks of the
//!   higher levels, which pack less well. When nobody asked for a while, and more than a [`PART`]th lies above the lowest
//!   level, it is poured down.
//!
//! Pouring down is the same merging by levels, with levels that hold one file each and a lowest one without an end: so it
//! goes file by file, each step with what it overlaps below, and needs room for one step. It works a quarter of the time at
//! most, at low priority; it stands still while somebody asks, and ends at shutdown between two rows. When a new sorted
//! file waits to be merged, the step goes on at full pace and is the last one. What a step has not finished is not part of
//! the tree: a crash in the middle loses its work and nothing else, and what it had begun to write is swept away.
//!
//! Cost: all of the projection is read and written once each time that it has grown by a [`PART`]th since.

use super::{
    Shared, TABLE,
    pace::{Bursts, Draft, Pace},
};
use lsm_tree::{
    AbstractTree, TableId,
    compaction::{CompactionFilter, Factory, ItemAccessor, Leveled, Verdict, filter::Context},
};
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Of all that is in sorted files, the part that may lie above the lowest level at rest.
const PART: u64 = 16;
/// The files of pouring down are not smaller than this.
const LEAST: u64 = 1 << 20;
/// How long pouring down works at once, and rests after it.
const WORK: Duration = Duration::from_millis(4);
const REST: Duration = Duration::from_millis(12);
/// How long nobody must have asked until it goes on.
const STILL: Duration = Duration::from_millis(50);
/// Rows between two looks at the clock.
pub(super) const ROWS: u32 = 64;
/// How often is looked whether nobody asks.
const LOOK: Duration = Duration::from_millis(500);
/// A level without an end.
const ENDLESS: f32 = 1e6;

/// Has merging look at its pace.
pub(super) struct Paced {
    pub(super) pace: Arc<Pace>,
    /// The tree's folder.
    pub(super) folder: PathBuf,
    /// The number that the next sorted file gets when a merging begins.
    pub(super) first: Arc<AtomicU64>,
}

impl Factory for Paced {
    fn name(&self) -> &str {
        "pace"
    }
    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(Between {
            asked: self.pace.asked(),
            bursts: Bursts::of(&self.pace),
            draft: Draft::from(&self.folder, self.first.load(SeqCst)),
            pace: self.pace.clone(),
            rows: 0,
            since: Instant::now(),
        })
    }
}

/// Between two rows of a merging. Keeps all of them.
struct Between {
    pace: Arc<Pace>,
    bursts: Bursts,
    draft: Draft,
    rows: u32,
    asked: u64,
    since: Instant,
}

impl CompactionFilter for Between {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        self.rows += 1;
        if self.rows == ROWS {
            self.rows = 0;
            self.wait()?;
        }
        Ok(Verdict::Keep)
    }
}

impl Between {
    /// Returns when it is time for more rows; an error at the end of the projection.
    fn wait(&mut self) -> lsm_tree::Result<()> {
        loop {
            if self.pace.stopped() {
                return Err(std::io::Error::other("the archive is being closed").into());
            }
            if !self.pace.can_wait.load(SeqCst) {
                if self.bursts.between() {
                    self.draft.sync();
                }
                return Ok(());
            }
            let asked = self.pace.asked();
            let pause = match asked == self.asked {
                false => STILL,
                true if self.since.elapsed() < WORK => return Ok(()),
                true => REST,
            };
            self.asked = asked;
            std::thread::sleep(pause);
            self.since = Instant::now();
        }
    }
}

/// What the merging thread has to do next.
enum Turn {
    /// Sorted files were added.
    Merge,
    /// Nobody asks.
    Pour,
    /// Something may no longer be looked at.
    Release,
}

/// How long nobody asked, as the merging thread sees it.
struct Calm {
    asked: u64,
    since: Instant,
    /// The state of the tree in which there was nothing more to pour down.
    poured: Option<u64>,
}

impl Shared {
    pub(super) fn merging(&self) {
        crate::give_way();
        let mut calm = Calm {
            asked: 0,
            since: Instant::now(),
            poured: None,
        };
        while let Some(turn) = self.turn(&mut calm) {
            match turn {
                Turn::Merge => while self.merge(self.strategy.clone()) {},
                Turn::Pour => {
                    if !self.merge(Arc::new(pouring(&self.sizes()))) {
                        calm.poured = Some(self.tree.current_version().id());
                    }
                }
                Turn::Release => {}
            }
            self.release();
        }
    }

    /// Waits for the next thing to do; `None` at the end.
    fn turn(&self, calm: &mut Calm) -> Option<Turn> {
        loop {
            // The tree may keep us waiting, and who seals a table waits for `work`. Only flushing changes what is seen here,
            // and says so in `work.merge`.
            let pour = calm.poured != Some(self.tree.current_version().id())
                && is_to_be_poured(&self.sizes());
            let held = self.tree.version_free_list_len() > 0;
            let mut work = self.work();
            if self.pace.stopped() {
                return None;
            }
            if std::mem::take(&mut work.merge) {
                return Some(Turn::Merge);
            }
            let asked = self.pace.asked();
            if asked != calm.asked {
                (calm.asked, calm.since) = (asked, Instant::now());
            }
            if pour && calm.since.elapsed() >= self.quiet {
                self.pace.can_wait.store(true, SeqCst);
                return Some(Turn::Pour);
            }
            work.at_rest = !pour && !held;
            if work.at_rest {
                self.turned.notify_all();
                drop(self.turned.wait(work));
                continue;
            }
            let look = LOOK.min(self.quiet).max(WORK);
            let woken = self.turned.wait_timeout(work, look);
            let woken = woken.unwrap_or_else(PoisonError::into_inner);
            if held && woken.1.timed_out() {
                return Some(Turn::Release);
            }
        }
    }

    /// One step of merging; whether there was something to do.
    fn merge(&self, strategy: Arc<Leveled>) -> bool {
        let before = self.tree.current_version().id();
        let first = self.tree.next_table_id();
        self.first.store(first, SeqCst);
        let done = self.tree.compact(strategy, self.unseen());
        self.standings.renew(&self.tree);
        self.work().stuck = done.is_err();
        self.turned.notify_all();
        if let Err(error) = done {
            if !self.pace.stopped() {
                tracing::warn!(%error, "files of the projection could not be merged");
            }
            self.sweep(first);
            return false;
        }
        self.publish();
        self.tree.current_version().id() != before && !self.pace.stopped()
    }

    /// Bytes in the sorted files of each level, the newest first.
    fn sizes(&self) -> Vec<u64> {
        let version = self.tree.current_version();
        version.iter_levels().map(|level| level.size()).collect()
    }

    /// Lets go of earlier states of the tree that no view looks at, and so of the files that were merged away.
    fn release(&self) {
        if self.tree.version_free_list_len() == 0 {
            return;
        }
        let oldest = self.oldest();
        let mut history = self.tree.get_version_history_lock();
        if let Err(error) = history.maintenance(&self.tree.tree_config().path, oldest) {
            tracing::warn!(%error, "files that were merged away could not be removed");
        }
    }

    /// Removes what a merging that failed had begun to write: files from a number on that are not part of the tree.
    fn sweep(&self, first: TableId) {
        // Nobody else writes files now: flushing holds this lock until they are part of the tree, and merging is ours.
        let _flushing = self.tree.get_flush_lock();
        let version = self.tree.current_version();
        let known: HashSet<TableId> = version.iter_tables().map(|table| table.id()).collect();
        let folder = self.tree.tree_config().path.join("tables");
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let number = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if number.is_some_and(|number| number >= first && !known.contains(&number)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether more lies above the lowest level than may at rest.
fn is_to_be_poured(sizes: &[u64]) -> bool {
    let all: u64 = sizes.iter().sum();
    let lowest = sizes.last().copied().unwrap_or_default();
    (all - lowest) * PART > all
}

/// Merging by levels that empties all levels but the lowest into it, down to one file each.
fn pouring(sizes: &[u64]) -> Leveled {
    let levels = sizes.iter().skip(1).filter(|size| **size > 0).count();
    let mut ratios = vec![1.0; levels.saturating_sub(2)];
    ratios.push(ENDLESS);
    let all: u64 = sizes.iter().sum();
    Leveled::default()
        .with_l0_threshold(1)
        .with_table_target_size((all / PART).clamp(LEAST, TABLE))
        .with_level_ratio_policy(ratios)
}
