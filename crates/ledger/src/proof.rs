//! Proofs that anyone can check: that a leaf is in a tree, and that a tree only grew (RFC 9162, section 2.1.3 and
//! 2.1.4).

use crate::hash::{fold, node_hash};
use crate::tile::{self, WIDTH};
use crate::{Error, Get, Hash, Result};
use std::collections::BTreeMap;

/// Makes proofs about a tree of one size out of the rows, which may have grown further since.
///
/// Keeps the tiles it has read: make one for many proofs of the same tree. Cost of the first proof: a row a level of
/// the tree and at most 512 hashes for each; later ones that meet the same tiles only copy.
pub struct Prover<'g> {
    size: u64,
    get: Get<'g>,
    tiles: BTreeMap<(u8, u64), Layers>,
}

/// A tile and the layers of nodes above its hashes, up to height 7.
type Layers = Vec<Vec<Hash>>;

/// Tiles kept; each takes 16 KB at most.
const MAX_TILES: usize = 256;

impl<'g> Prover<'g> {
    /// For the tree of the first `size` leaves.
    pub fn new(size: u64, get: Get<'g>) -> Prover<'g> {
        Prover {
            size,
            get,
            tiles: BTreeMap::new(),
        }
    }

    /// The root of the tree.
    pub fn root(&mut self) -> Result<Hash> {
        self.range(0, self.size)
    }

    /// The path from leaf `index` to the root: its sibling first.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>> {
        if index >= self.size {
            return Err(self.outside(index));
        }
        let (mut start, mut end) = (0, self.size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The proof that the tree of the first `old` leaves is the beginning of this one. Empty for `old` 0 and for the
    /// tree itself.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>> {
        if old > self.size {
            return Err(self.outside(old));
        }
        if old == 0 || old == self.size {
            return Ok(Vec::new());
        }
        let (mut start, mut end) = (0, self.size);
        let mut path = Vec::new();
        // Down to the largest subtree that ends where the old tree ended.
        while end != old {
            let middle = start + split(end - start);
            if old <= middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        // When that subtree is the whole old tree, its root is known to whoever asks.
        if start > 0 {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(path)
    }

    fn outside(&self, asked: u64) -> Error {
        Error::Outside {
            asked,
            size: self.size,
        }
    }

    /// The root over leaves `start..end`, where `start` is where RFC 9162 would cut.
    fn range(&mut self, mut start: u64, end: u64) -> Result<Hash> {
        let mut subtrees = Vec::new();
        while start < end {
            let height = (end - start).ilog2();
            subtrees.push(self.node(height, start >> height)?);
            start += 1 << height;
        }
        Ok(fold(&subtrees))
    }

    /// The root of the perfect subtree of this height at this place.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash> {
        let (level, layer) = ((height / 8) as u8, height % 8);
        let tile = (index << layer) / WIDTH;
        let place = index % (WIDTH >> layer);
        let lost = Error::MissingRow(format!("tile/{level}/{tile}"));
        let layers = self.layers(level, tile)?;
        let hash = layers
            .get(layer as usize)
            .and_then(|nodes| nodes.get(place as usize));
        hash.copied().ok_or(lost)
    }

    fn layers(&mut self, level: u8, tile: u64) -> Result<&Layers> {
        if !self.tiles.contains_key(&(level, tile)) {
            let hashes = self.size >> (8 * u32::from(level));
            let width = hashes.saturating_sub(tile * WIDTH).min(WIDTH) as u16;
            let read = layers(tile::tile_hashes(level, tile, width, self.get)?);
            if self.tiles.len() >= MAX_TILES {
                self.tiles.clear();
            }
            self.tiles.insert((level, tile), read);
        }
        Ok(self.tiles.entry((level, tile)).or_default())
    }
}

fn layers(hashes: Vec<Hash>) -> Layers {
    let mut layers = vec![hashes];
    while let Some(below) = layers
        .last()
        .filter(|below| below.len() > 1 && layers.len() < 8)
    {
        let (pairs, _) = below.as_chunks::<2>();
        let above = pairs.iter().map(|[l, r]| node_hash(l, r)).collect();
        layers.push(above);
    }
    layers
}

/// The largest power of two below `leaves`, which must be at least 2.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The path from leaf `index` to the root of the tree of `size` leaves. One proof; for many use a [`Prover`].
pub fn inclusion(index: u64, size: u64, get: Get<'_>) -> Result<Vec<Hash>> {
    Prover::new(size, get).inclusion(index)
}

/// The proof that the tree of `old` leaves is the beginning of that of `new` leaves.
pub fn consistency(old: u64, new: u64, get: Get<'_>) -> Result<Vec<Hash>> {
    Prover::new(new, get).consistency(old)
}

/// Whether a leaf hash is at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<()> {
    if index >= size {
        return Err(Error::Outside { asked: index, size });
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(Error::Proof("the path is too long"));
        }
        if place % 2 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A right edge without a sibling rises until it has one.
            while place % 2 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Error::Proof("the path is too short"));
    }
    if hash != *root {
        return Err(Error::Proof("the path does not lead to the root"));
    }
    Ok(())
}

/// Whether the tree of `old` leaves with `old_root` is the beginning of that of `new` leaves with `new_root`
/// (RFC 9162, 2.1.4.2). Every tree begins with the tree without leaves.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<()> {
    if old > new {
        return Err(Error::Outside {
            asked: old,
            size: new,
        });
    }
    if old == new && old_root != new_root {
        return Err(Error::Fork {
            size: old,
            ours: *old_root,
            theirs: *new_root,
        });
    }
    if old == 0 && *old_root != crate::hash::empty_root() {
        return Err(Error::Proof("a tree without leaves has another root"));
    }
    if old == 0 || old == new {
        return match path {
            [] => Ok(()),
            _ => Err(Error::Proof("the path is too long")),
        };
    }
    climb(old, old_root, new, new_root, path)
}

/// The two roots are rebuilt side by side from the largest subtree that ends where the old tree ended.
fn climb(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> Result<()> {
    let (mut place, mut last) = (old - 1, new - 1);
    let rise = place.trailing_ones();
    place >>= rise;
    last >>= rise;
    // An old tree of a power of two is itself that subtree: the proof leaves its root out.
    let (seed, path) = match path.split_first() {
        _ if old.is_power_of_two() => (old_root, path),
        Some((seed, path)) => (seed, path),
        None => return Err(Error::Proof("the path is too short")),
    };
    let (mut before, mut after) = (*seed, *seed);
    for sibling in path {
        if last == 0 {
            return Err(Error::Proof("the path is too long"));
        }
        if place % 2 == 1 || place == last {
            before = node_hash(sibling, &before);
            after = node_hash(sibling, &after);
            while place % 2 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            after = node_hash(&after, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(Error::Proof("the path is too short"));
    }
    if before != *old_root {
        return Err(Error::Proof("the path does not lead to the old root"));
    }
    if after != *new_root {
        return Err(Error::Proof("the path does not lead to the new root"));
    }
    Ok(())
}
