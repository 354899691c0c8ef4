//! How flushing, merging and thinning keep out of the way of those who ask and write.
//!
//! Low priority is not enough. Where cores are short, the system takes one from whoever computes only at its next tick,
//! four milliseconds later on many machines: the writer, and whoever waited for it, stood still for two to five
//! milliseconds again and again while a table was written (traced), a tenth of the time beside reads. So this work goes on
//! in bursts while somebody asks. And a file that is made durable all at once keeps the log's own syncs waiting meanwhile,
//! so while somebody asks what is being written is synced in pieces (16 MB at once: of the syncs of a log beside it the
//! slowest of a thousand took 7.7 ms, in pieces 3.4).
//!
//! Cost: half as long again, while somebody asks. When commits wait for this work it goes on at full pace.

use lsm_tree::TableId;
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, Instant},
};

/// How long is worked at once.
const BURST: Duration = Duration::from_micros(200);
/// How long others have the core then; the system makes it some fifty microseconds longer.
const PAUSE: Duration = Duration::from_micros(50);
/// Bursts after which what was written is synced: a few hundred kilobytes.
const PIECE: u32 = 16;

/// What such work looks at.
#[derive(Default)]
pub(crate) struct Pace {
    /// Views opened and groups applied so far.
    asked: AtomicU64,
    /// Commits wait for room.
    awaited: AtomicBool,
    /// Whether what is being merged can wait.
    pub(super) can_wait: AtomicBool,
    stop: AtomicBool,
}

impl Pace {
    /// Somebody asks or writes.
    pub(super) fn ask(&self) {
        self.asked.fetch_add(1, Relaxed);
    }
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Relaxed)
    }
    /// Whether commits wait for room from now on.
    pub(super) fn await_room(&self, awaited: bool) {
        self.awaited.store(awaited, SeqCst);
    }
    /// From now on all merging ends with an error.
    pub(super) fn stop(&self) {
        self.stop.store(true, SeqCst);
    }
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }
    /// The merging under way is waited for.
    pub(super) fn hurry(&self) {
        self.can_wait.store(false, SeqCst);
    }
}

/// Work in bursts.
pub(crate) struct Bursts {
    pace: Arc<Pace>,
    since: Instant,
    asked: u64,
    /// Since the last sync.
    bursts: u32,
}

impl Bursts {
    pub(crate) fn of(pace: &Arc<Pace>) -> Bursts {
        Bursts {
            since: Instant::now(),
            asked: pace.asked(),
            pace: pace.clone(),
            bursts: 0,
        }
    }

    /// Stands between two small pieces of work, and sleeps when it is time for others. `true`: what was written is to be
    /// synced now.
    pub(crate) fn between(&mut self) -> bool {
        if self.since.elapsed() < BURST {
            return false;
        }
        let asked = self.pace.asked();
        if asked != self.asked && !self.pace.awaited.load(SeqCst) {
            std::thread::sleep(PAUSE);
            self.bursts += 1;
        }
        self.asked = asked;
        self.since = Instant::now();
        let sync = self.bursts >= PIECE;
        if sync {
            self.bursts = 0;
        }
        sync
    }
}

/// The sorted file that is being written.
pub(super) struct Draft {
    folder: PathBuf,
    number: TableId,
}

impl Draft {
    /// Of a tree's folder, the file of this number or of a later one.
    pub(super) fn from(tree: &Path, number: TableId) -> Draft {
        Draft {
            folder: tree.join("tables"),
            number,
        }
    }

    /// Syncs what is there of it. That it cannot be done is for the tree to find out.
    pub(super) fn sync(&mut self) {
        let path = |number: TableId| self.folder.join(number.to_string());
        while path(self.number + 1).exists() {
            self.number += 1;
        }
        if let Ok(file) = File::open(path(self.number)) {
            let _ = file.sync_data();
        }
    }
}
