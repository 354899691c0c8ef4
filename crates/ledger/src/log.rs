//! A living log: the tree, and the key that signs its heads.

use crate::checkpoint::Checkpoint;
use crate::note::SigningKey;
use crate::tile::CHECKPOINT;
use crate::tree::{Appended, Tree, stored_state};
use crate::{Error, Get, Hash, Result, empty_root};

/// A node's log. Its origin is its key's name.
///
/// The rows it gives must be committed, all or none, before the next append; `get` reads what was committed. When a
/// commit failed the log notices at the next append that the rows are not as it left them, and starts again from the
/// rows: a head whose commit failed must not have been shown to anyone, and then no two shown heads contradict.
#[derive(Debug)]
pub struct Log {
    key: SigningKey,
    tree: Tree,
    /// The largest size that the rows have been seen to hold.
    committed: u64,
}

impl Log {
    /// A log that will take up, at its first append, whatever the rows then hold.
    pub fn new(key: SigningKey) -> Log {
        Log {
            key,
            tree: Tree::new(),
            committed: 0,
        }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// Appends commitments. The rows hold them, the tree over them, and the newly signed checkpoint.
    ///
    /// [`Error::BrokenRow`] and [`Error::MissingRow`] when the rows are not those of a sound log; then nothing was
    /// signed. Cost: reads one small row; hashes twice a leaf; signs once; writes the new leaves, size and head, and now
    /// and then a row of the right edge.
    pub fn append(&mut self, leaves: &[Hash], get: Get<'_>) -> Result<Appended> {
        let (size, root) = self.committed(get)?;
        if (size, root) != (self.tree.size(), self.tree.root()) {
            self.tree = Tree::load(get)?;
        }
        let mut appended = self.tree.append(leaves);
        if !leaves.is_empty() {
            let note = self.head().sign(&[&self.key])?;
            appended.rows.push((CHECKPOINT.to_vec(), note.into_bytes()));
        }
        Ok(appended)
    }

    /// Size and root as committed. Committed leaves never go away: rows that are missing or older than what was seen
    /// are a failing disk or a restored copy, and to append to them would be to sign a second history.
    fn committed(&mut self, get: Get<'_>) -> Result<(u64, Hash)> {
        let stored = stored_state(get)?;
        let lost = stored.is_none() && get(CHECKPOINT).is_some();
        let (size, root) = stored.unwrap_or((0, empty_root()));
        if lost || size < self.committed {
            return Err(Error::BrokenRow {
                row: "state".to_owned(),
                why: "it is gone or older than what was committed",
            });
        }
        self.committed = size;
        Ok((size, root))
    }

    fn head(&self) -> Checkpoint {
        Checkpoint {
            origin: self.origin().to_owned(),
            size: self.tree.size(),
            root: self.tree.root(),
            extensions: Vec::new(),
        }
    }
}
