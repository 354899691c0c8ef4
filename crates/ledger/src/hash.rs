//! The tree's arithmetic: SHA-256 as RFC 6962 section 2.1 (and RFC 9162 section 2.1.1) uses it.

use aws_lc_rs::digest::{SHA256, digest};

/// A SHA-256 value: a commitment, a leaf hash or a node of the tree.
pub type Hash = [u8; 32];

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// The hash of a leaf: `SHA-256(0x00 || entry)`. The first byte keeps leaves and nodes apart, so that no entry can be
/// passed off as a node.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(1 + entry.len());
    bytes.push(0x00);
    bytes.extend_from_slice(entry);
    sha256(&bytes)
}

/// The hash of two neighbours: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    sha256(&bytes)
}

/// The root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// The leaf hash of a commitment, without a heap allocation: the one hash that every append pays per leaf.
pub(crate) fn commitment_leaf(commitment: &Hash) -> Hash {
    let mut bytes = [0x00; 33];
    bytes[1..].copy_from_slice(commitment);
    sha256(&bytes)
}

/// Folds perfect subtrees, largest first, into the root over all of them.
pub(crate) fn fold(subtrees: &[Hash]) -> Hash {
    let mut smallest_first = subtrees.iter().rev();
    match smallest_first.next() {
        None => empty_root(),
        Some(last) => smallest_first.fold(*last, |right, left| node_hash(left, &right)),
    }
}
