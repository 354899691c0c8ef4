//! The whole log, looked through: every row against every other.

use crate::checkpoint::Checkpoint;
use crate::note::VerifierKey;
use crate::tile::{self, CHECKPOINT, File, WIDTH};
use crate::tree::{Tree, stored_state};
use crate::{Error, Get, Result};

/// Rebuilds the tree from the entries alone and compares every row, the stored root and the signed checkpoint with it.
///
/// Gives the checkpoint, or the first thing that is wrong. A log without leaves and without rows is fine and gives
/// nothing. It finds damage and clumsy forgery; a forger who also has the log's key is found by those who kept an
/// older head. Reads every row once, hashes twice a leaf, holds one bundle at a time.
pub fn audit(log: &VerifierKey, get: Get<'_>) -> Result<Option<Checkpoint>> {
    let Some((size, root)) = stored_state(get)? else {
        return match get(CHECKPOINT) {
            None => Ok(None),
            Some(_) => Err(Error::MissingRow("state".to_owned())),
        };
    };
    let mut tree = Tree::new();
    while tree.size() < size {
        let index = tree.size() / WIDTH;
        let width = (size - tree.size()).min(WIDTH) as u16;
        let file = File::Entries { index, width };
        let bundle = file
            .read(get)?
            .ok_or_else(|| Error::MissingRow(file.to_string()))?;
        for (key, value) in tree.append(&tile::bundle_entries(index, &bundle)?).rows {
            compare(&key, &value, get)?;
        }
    }
    let note = get(CHECKPOINT).ok_or_else(|| Error::MissingRow("checkpoint".to_owned()))?;
    let (head, _) = Checkpoint::open(&note, log.name(), log, &[])?;
    if (size, root) != (tree.size(), tree.root()) || (size, root) != (head.size, head.root) {
        return Err(Error::BrokenRow {
            row: "checkpoint".to_owned(),
            why: "entries, stored root and signed head are not of one tree",
        });
    }
    Ok(Some(head))
}

/// A row made on the way to the full size is a beginning of the row that is stored; the one with the root is compared
/// at the end. The entries were read out of the pieces, whose ends depend on how the leaves came.
fn compare(key: &[u8], value: &[u8], get: Get<'_>) -> Result<()> {
    if key == tile::STATE || tile::is_piece(key) {
        return Ok(());
    }
    let row = tile::row_name(key);
    match get(key) {
        None => Err(Error::MissingRow(row)),
        Some(stored) if stored.starts_with(value) => Ok(()),
        Some(_) => Err(Error::BrokenRow {
            row,
            why: "it is not what the entries give",
        }),
    }
}
