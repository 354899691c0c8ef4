//! Rows that were looked up of late, so that the next look costs no way through the tree.
//!
//! In: a key and the number of the view that looks. Out: the row as that view sees it, or nothing, and then the tree is
//! asked. What must hold: a view never gets another row than the tree would give it.
//!
//! How: a row goes in with the number of the view that read it, and is given to that view and later ones only. A commit
//! drops the rows that it changes before it is seen, and notes its number under each key's hash; what a view read goes in
//! only while nothing was noted there that the view did not see. Two keys with one hash can only keep a row out.
//!
//! Rows stay as they stand on the disk, sealed where they are sealed. Only heads and cards are kept, by one of which each
//! read and each match of a search goes; what is scanned is not. Cost: a note for each such row of a commit.

use crate::{
    keys::{CARD, HEAD},
    recent::Recent,
};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What an entry takes beside its bytes, about.
const ASIDE: usize = 120;
/// Larger rows are not kept.
const MOST: usize = 4096;
/// Notes of commits.
const NOTES: usize = 4096;

/// A row, and from which view on it is what the tree holds.
type Since = Arc<(u64, Vec<u8>)>;

pub(super) struct Looked {
    rows: Recent<Vec<u8>, Since>,
    /// One more than the number of the last commit that changed a row of such a hash.
    notes: Vec<AtomicU64>,
    hasher: RandomState,
}

fn is_kept(key: &[u8]) -> bool {
    matches!(key.get(2), Some(&(HEAD | CARD)))
}

impl Looked {
    /// Holds at most about so many bytes.
    pub(super) fn new(bytes: usize) -> Looked {
        Looked {
            rows: Recent::weighing(bytes, |row: &Since| row.1.len() + ASIDE),
            notes: (0..NOTES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    fn note(&self, key: &[u8]) -> Option<&AtomicU64> {
        self.notes.get(self.hasher.hash_one(key) as usize % NOTES)
    }

    /// The row as a view of this number sees it, if it is at hand.
    pub(super) fn get(&self, key: &[u8], view: u64) -> Option<Vec<u8>> {
        if !is_kept(key) {
            return None;
        }
        let row = self.rows.get(key)?;
        (row.0 <= view).then(|| row.1.clone())
    }

    /// A view read this row in the tree.
    pub(super) fn read(&self, key: &[u8], view: u64, row: &[u8]) {
        if !is_kept(key) || row.len() > MOST {
            return;
        }
        let seen_all = || {
            self.note(key)
                .is_some_and(|note| note.load(Relaxed) <= view)
        };
        let row = Arc::new((view, row.to_vec()));
        self.rows.put_if(key.to_vec(), row, seen_all);
    }

    /// A commit of this number changes the row, and is not seen yet.
    pub(super) fn changed(&self, key: &[u8], number: u64) {
        if is_kept(key) {
            self.rows.drop_and(key, || {
                if let Some(note) = self.note(key) {
                    note.fetch_max(number + 1, Relaxed);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Vec<u8> {
        vec![1, 0, CARD, n]
    }

    #[test]
    fn a_row_is_given_to_the_view_that_read_it_and_to_later_ones_until_it_changes() {
        let looked = Looked::new(1 << 20);
        looked.changed(&key(1), 4);
        looked.read(&key(1), 5, b"old");
        assert_eq!(looked.get(&key(1), 4), None);
        assert_eq!(looked.get(&key(1), 5).as_deref(), Some(&b"old"[..]));
        assert_eq!(looked.get(&key(1), 9).as_deref(), Some(&b"old"[..]));
        looked.changed(&key(1), 9);
        assert_eq!(looked.get(&key(1), 9), None);
        // An earlier view still reads the old row in the tree; it must not come back for later ones.
        looked.read(&key(1), 9, b"old");
        assert_eq!(looked.get(&key(1), 10), None);
        looked.read(&key(1), 10, b"new");
        assert_eq!(looked.get(&key(1), 10).as_deref(), Some(&b"new"[..]));
        assert_eq!(looked.get(&key(1), 9), None);
    }

    #[test]
    fn only_heads_and_cards_of_usual_size_are_kept() {
        let looked = Looked::new(1 << 20);
        for family in [crate::keys::INDEX, crate::keys::BODY, crate::keys::STATE] {
            looked.read(&[1, 0, family], 1, b"row");
            assert_eq!(looked.get(&[1, 0, family], 1), None);
        }
        looked.read(&key(1), 1, &[0; MOST + 1]);
        assert_eq!(looked.get(&key(1), 1), None);
    }
}
