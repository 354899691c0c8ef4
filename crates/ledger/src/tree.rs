//! The growing tree: takes commitments, gives back the rows to commit.
//!
//! In memory a tree is its right edge: the roots of the perfect subtrees that its size is the sum of (at most 64
//! hashes), and the unfinished tile of each level (at most 8 KB a level). Appending a leaf costs two hashes on average,
//! and nothing is read.

use crate::hash::{commitment_leaf, fold, node_hash};
use crate::tile::{self, STATE, WIDTH};
use crate::{Error, Get, Hash, Result, Row};

/// A Merkle tree over commitments, as far as appending needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the perfect subtrees, largest first: one for each set bit of `size`.
    frontier: Vec<Hash>,
    /// The unfinished entry bundle, how many of its entries the rows hold, and in how many pieces.
    bundle: Vec<u8>,
    held: usize,
    pieces: usize,
    /// The unfinished hash tiles of levels 1 and up.
    edges: Vec<Edge>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Edge {
    hashes: Vec<u8>,
    /// Whether it has grown since it was last given out as a row.
    grown: bool,
}

/// What an append gives: where the leaves are, and what must be committed for them to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Index of the first new leaf; the others follow.
    pub first: u64,
    /// Rows to put, all in one atomic commit.
    pub rows: Vec<Row>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root over all leaves.
    pub fn root(&self) -> Hash {
        fold(&self.frontier)
    }

    /// Takes up the tree that the rows hold; no rows at all are a tree without leaves.
    ///
    /// Reads one row a level and checks them against the stored root: rows of the right edge that were altered or lost
    /// are found here ([`Error::BrokenRow`], [`Error::MissingRow`]); for all rows see [`audit`](crate::audit::audit).
    pub fn load(get: Get<'_>) -> Result<Tree> {
        let Some((size, root)) = stored_state(get)? else {
            return Ok(Tree::new());
        };
        let mut tree = Tree {
            size,
            ..Tree::default()
        };
        for level in (0..8u8).rev() {
            tree.load_edge(level, get)?;
        }
        if tree.root() != root {
            return Err(Error::BrokenRow {
                row: "state".to_owned(),
                why: "its root is not that of the right edge",
            });
        }
        Ok(tree)
    }

    fn load_edge(&mut self, level: u8, get: Get<'_>) -> Result<()> {
        let hashes = self.size >> (8 * u32::from(level));
        let (index, width) = (hashes / WIDTH, (hashes % WIDTH) as u16);
        let edge = match width {
            0 => Vec::new(),
            width => tile::tile_hashes(level, index, width, get)?,
        };
        let mut rest = edge.as_slice();
        while let Some(power) = rest.len().checked_ilog2() {
            let (subtree, after) = rest.split_at(1 << power);
            self.frontier.push(perfect_root(subtree));
            rest = after;
        }
        match level {
            0 if width > 0 => {
                let (bundle, pieces) = tile::bundle(index, width, get).unwrap_or_default();
                (self.bundle, self.pieces) = (bundle, pieces);
                self.held = usize::from(width);
            }
            0 => {}
            level => {
                // Levels come down from the top: the first that holds anything decides how many there are.
                let level = usize::from(level);
                if self.edges.is_empty() && !edge.is_empty() {
                    self.edges.resize(level, Edge::default());
                }
                if let Some(kept) = self.edges.get_mut(level - 1) {
                    kept.hashes = edge.concat();
                }
            }
        }
        Ok(())
    }

    /// Appends leaves, each the 32-byte commitment that is the entry, and gives the rows that hold them.
    ///
    /// Linear in the number of leaves: full tiles are given out once, unfinished ones once at the end. Without leaves
    /// there are no rows.
    pub fn append(&mut self, leaves: &[Hash]) -> Appended {
        let first = self.size;
        let mut rows = Vec::new();
        for commitment in leaves {
            self.push(commitment, &mut rows);
        }
        if !leaves.is_empty() {
            self.push_edges(&mut rows);
            let state = [self.size.to_be_bytes().as_slice(), &self.root()].concat();
            rows.push((STATE.to_vec(), state));
        }
        debug_assert_eq!(self.frontier.len(), self.size.count_ones() as usize);
        Appended { first, rows }
    }

    fn push(&mut self, commitment: &Hash, rows: &mut Vec<Row>) {
        let index = self.size;
        tile::push_entry(&mut self.bundle, commitment);
        self.size += 1;
        if self.size.is_multiple_of(WIDTH) {
            let bundle = std::mem::take(&mut self.bundle);
            rows.push((tile::bundle_key(index / WIDTH), bundle));
            (self.held, self.pieces) = (0, 0);
        }
        self.grow(commitment_leaf(commitment), rows);
    }

    /// Joins a leaf hash, already counted, to the subtrees: each trailing zero bit of the new size is a pair of equal
    /// subtrees that become one.
    fn grow(&mut self, leaf: Hash, rows: &mut Vec<Row>) {
        let mut hash = leaf;
        for height in 1..=self.size.trailing_zeros() {
            if let Some(left) = self.frontier.pop() {
                hash = node_hash(&left, &hash);
            }
            if height.is_multiple_of(8) {
                self.push_hash((height / 8) as u8, &hash, rows);
            }
        }
        self.frontier.push(hash);
    }

    /// Adds the root of a full tile to the tile above.
    fn push_hash(&mut self, level: u8, hash: &Hash, rows: &mut Vec<Row>) {
        let place = usize::from(level) - 1;
        if self.edges.len() <= place {
            self.edges.resize(place + 1, Edge::default());
        }
        let hashes = self.size >> (8 * u32::from(level));
        let Some(edge) = self.edges.get_mut(place) else {
            return;
        };
        edge.hashes.extend_from_slice(hash);
        edge.grown = true;
        if hashes.is_multiple_of(WIDTH) {
            let full = std::mem::take(edge).hashes;
            rows.push((tile::tile_key(level, hashes / WIDTH - 1), full));
        }
    }

    /// What of the unfinished bundle is new; all of it when it is in too many pieces.
    fn push_piece(&mut self, rows: &mut Vec<Row>) {
        let from = match self.pieces < tile::PIECES {
            true => self.held,
            false => 0,
        };
        let new = self.bundle.get(from * tile::ENTRY..).unwrap_or_default();
        let (false, Ok(place)) = (new.is_empty(), u8::try_from(from)) else {
            return;
        };
        let piece = tile::piece(self.size / WIDTH, new);
        rows.push((tile::piece_key(place), piece));
        self.pieces = if from == 0 { 1 } else { self.pieces + 1 };
        self.held = self.bundle.len() / tile::ENTRY;
    }

    fn push_edges(&mut self, rows: &mut Vec<Row>) {
        self.push_piece(rows);
        for (level, edge) in (1u8..).zip(&mut self.edges) {
            if edge.grown {
                let index = (self.size >> (8 * u32::from(level))) / WIDTH;
                rows.push((tile::tile_key(level, index), edge.hashes.clone()));
                edge.grown = false;
            }
        }
    }
}

/// Size and root as last committed.
pub(crate) fn stored_state(get: Get<'_>) -> Result<Option<(u64, Hash)>> {
    let Some(row) = get(STATE) else {
        return Ok(None);
    };
    let broken = Error::BrokenRow {
        row: "state".to_owned(),
        why: "it has not 40 bytes",
    };
    let (size, root) = row.split_first_chunk::<8>().ok_or(broken.clone())?;
    let root = root.try_into().map_err(|_| broken)?;
    Ok(Some((u64::from_be_bytes(*size), root)))
}

/// The root over a power of two of hashes.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two());
    let mut layer = hashes.to_vec();
    while layer.len() > 1 {
        let (pairs, _) = layer.as_chunks::<2>();
        layer = pairs.iter().map(|[l, r]| node_hash(l, r)).collect();
    }
    layer.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::hex;
    use crate::hash::leaf_hash;

    /// The eight leaves and nine roots that certificate-transparency's own tests have used since RFC 6962.
    #[test]
    fn the_roots_of_rfc_6962s_test_leaves_are_the_known_ones() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::new();
        assert_eq!(hex(&tree.root()), roots[0]);
        for (leaf, root) in leaves.iter().zip(&roots[1..]) {
            tree.size += 1;
            tree.grow(leaf_hash(leaf), &mut Vec::new());
            assert_eq!(hex(&tree.root()), *root, "{} leaves", tree.size);
        }
    }
}
