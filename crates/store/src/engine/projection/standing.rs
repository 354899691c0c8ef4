//! The tree as it stands between two changes of its tables and files, so that whoever reads or writes asks the tree for
//! nothing.
//!
//! `lsm-tree` writes each new list of its files to the disk with five flushes, and lets go of tables and files that it no
//! longer needs, under the very lock that its own `get`, `range` and `active_memtable` take: beside transactions everything
//! stood still for 50 to 150 ms whenever a sorted file was added or merged. Here that state is taken out once after each
//! change, by the thread that made it, and a view keeps the one it began with.
//!
//! What must hold: a standing holds every row that was put before it was taken. Rows are put into the open table of the
//! newest one; tables are sealed, and standings taken, one at a time ([`Standings`]). A sealed table may stand here beside
//! the file that was written of it: its rows have the same numbers. Which numbers a view sees is its own affair, and what
//! it may still look at is not merged away (`Shared::unseen`).
//!
//! Cost: taking one is a few locks of the tree; a look-up here takes none. A view that is kept for long keeps the tables of
//! its time in memory, at most [`SEALED`](super::SEALED) and the open one, and the files of its time on the disk.
//!
//! What is used of the tree here its documentation hides, so its version is a fixed one.

use lsm_tree::{
    AbstractTree, AnyTree, InternalValue, Memtable, SeqNo, Slice, Tree,
    table::filter::standard_bloom::Builder,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

type Found = lsm_tree::Result<Option<InternalValue>>;
type Range = Box<dyn DoubleEndedIterator<Item = lsm_tree::Result<InternalValue>>>;
type InFiles = dyn Fn(&[u8], SeqNo) -> Found + Send + Sync;
type InAll = dyn Fn(&[u8], &[u8], SeqNo) -> Range + Send + Sync;

/// One state of the tree.
pub(super) struct Standing {
    /// Into which rows are put.
    pub(super) open: Arc<Memtable>,
    /// Those that wait to be written, the oldest first.
    pub(super) sealed: Vec<Arc<Memtable>>,
    /// Sorted files that a read may have to look through in the first level.
    pub(super) runs: usize,
    /// The types of the tree's states have no names outside of it.
    in_files: Box<InFiles>,
    range: Box<InAll>,
}

impl Standing {
    fn take(tree: &AnyTree, mut sealed: Vec<Arc<Memtable>>) -> Standing {
        // Counted before the files are looked at: what is written meanwhile stands in both.
        let waiting = tree.sealed_memtable_count();
        sealed.drain(..sealed.len().saturating_sub(waiting));
        let files = tree.current_version();
        let state = tree.get_version_history_lock().latest_version();
        Standing {
            open: state.active_memtable.clone(),
            sealed,
            runs: files.level(0).map_or(0, |level| level.run_count()),
            in_files: Box::new(move |key, number| {
                let hash = Builder::get_hash(key);
                let levels = files.iter_levels();
                let runs = levels.flat_map(|level| level.iter());
                for table in runs.filter_map(|run| run.get_for_key(key)) {
                    if let Some(row) = table.get(key, number, hash)? {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }),
            range: Box::new(move |from, to, number| {
                let within = from..to;
                let state = state.clone();
                Box::new(Tree::create_internal_range(state, &within, number, None))
            }),
        }
    }

    /// The newest value of a key below a number.
    pub(super) fn get(&self, key: &[u8], number: SeqNo) -> lsm_tree::Result<Option<Slice>> {
        let tables = std::iter::once(&self.open).chain(self.sealed.iter().rev());
        let row = match tables.into_iter().find_map(|table| table.get(key, number)) {
            Some(row) => Some(row),
            None => (self.in_files)(key, number)?,
        };
        Ok(row.filter(|row| !row.is_tombstone()).map(|row| row.value))
    }

    /// The newest rows below a number with `from <= key < to`, without those that are gone.
    pub(super) fn range(&self, from: &[u8], to: &[u8], number: SeqNo) -> Range {
        (self.range)(from, to, number)
    }
}

/// The newest standing.
pub(super) struct Standings {
    now: RwLock<Arc<Standing>>,
    /// Held while a table is sealed and while a standing is taken.
    changing: Mutex<()>,
}

impl Standings {
    pub(super) fn of(tree: &AnyTree) -> Standings {
        Standings {
            now: RwLock::new(Arc::new(Standing::take(tree, Vec::new()))),
            changing: Mutex::default(),
        }
    }

    pub(super) fn now(&self) -> Arc<Standing> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the tree as it stands now.
    pub(super) fn renew(&self, tree: &AnyTree) {
        let changing = self.changing();
        let before = self.put(Standing::take(tree, self.now().sealed.clone()));
        drop(changing);
        // Perhaps the last that held tables and files of before; nobody waits for them to go.
        drop(before);
    }

    /// Seals the open table; `false` when there is nothing in it. Nobody may put rows meanwhile.
    pub(super) fn seal(&self, tree: &AnyTree) -> bool {
        let _changing = self.changing();
        let Some(table) = tree.rotate_memtable() else {
            return false;
        };
        let mut sealed = self.now().sealed.clone();
        sealed.push(table);
        self.put(Standing::take(tree, sealed));
        true
    }

    fn put(&self, standing: Standing) -> Arc<Standing> {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, Arc::new(standing))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Mark, Projection, Value};
    use super::*;
    use crate::engine::{Direction, Rows, Snapshot, Tuning};
    use std::{sync::mpsc::channel, time::Duration};

    fn put(projection: &Projection, group: u64, key: &str, value: &str) {
        let mark = Mark { group, crc: 0 };
        let row = (key.as_bytes(), Value::Small(value.as_bytes()));
        projection.apply(mark, std::iter::once(row));
    }

    /// What a new view sees: a row, and all.
    fn seen(projection: &Projection) -> (Option<Vec<u8>>, usize) {
        let view = projection.view();
        let mut rows = Rows::default();
        view.scan(b"aaaa", b"zzzz", Direction::Up, 100, &mut rows)
            .unwrap();
        (view.get(b"key1").unwrap(), rows.len())
    }

    #[test]
    fn nobody_waits_for_the_tree_to_write_down_what_it_is_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::default();
        let projection = Projection::open(folder.path(), &Tuning::default(), shelf).unwrap();
        put(&projection, 1, "key1", "in a file");
        projection.persist().unwrap();
        put(&projection, 2, "key2", "in a table");
        let projection = Arc::new(projection);
        let (tell, told) = channel();
        // Held as the tree holds it while it adds a file.
        let held = projection.shared.tree.get_version_history_lock();
        let other = projection.clone();
        let thread = std::thread::spawn(move || {
            put(&other, 3, "key3", "meanwhile");
            other.room().unwrap();
            // Has the merging thread look at the tree, where it waits; who seals a table must not wait for it.
            other.wake();
            std::thread::sleep(Duration::from_millis(50));
            other.wake();
            tell.send(seen(&other)).unwrap();
        });
        let meanwhile = told.recv_timeout(Duration::from_secs(20));
        drop(held);
        assert_eq!(meanwhile, Ok((Some(b"in a file".to_vec()), 3)));
        thread.join().unwrap();
    }

    #[test]
    fn rows_are_seen_in_whichever_table_or_file_they_are_and_old_views_keep_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::default();
        let projection = Projection::open(folder.path(), &Tuning::default(), shelf).unwrap();
        put(&projection, 1, "key1", "first");
        let first = projection.view();
        for group in 2..20 {
            put(&projection, group, &format!("key{group:02}"), "more");
            put(&projection, group, "key1", &group.to_string());
            projection.persist().unwrap();
            projection.rested(Duration::from_millis(1));
            let (row, rows) = seen(&projection);
            assert_eq!(row, Some(group.to_string().into_bytes()));
            assert_eq!(rows as u64, group);
        }
        assert_eq!(first.get(b"key1").unwrap(), Some(b"first".to_vec()));
        let mut rows = Rows::default();
        first
            .scan(b"aaaa", b"zzzz", Direction::Down, 100, &mut rows)
            .unwrap();
        assert_eq!(rows.len(), 1);
        assert!(projection.shared.standings.now().sealed.is_empty());
    }
}
