//! A set of resource numbers: a bit each, in blocks. Numbers are given out in order, so the blocks fill up.

use std::collections::HashMap;

const WORDS: usize = 64;
const BITS: u64 = 64 * WORDS as u64;

/// Numbers seen so far. Cost: an eighth of a byte for each number in use, 512 bytes where they are sparse.
#[derive(Debug, Default)]
pub(crate) struct Rids(HashMap<u64, Box<[u64; WORDS]>>);

impl Rids {
    /// Adds a number; whether it is new.
    pub(crate) fn insert(&mut self, rid: u64) -> bool {
        let block = self
            .0
            .entry(rid / BITS)
            .or_insert_with(|| Box::new([0; WORDS]));
        let within = rid % BITS;
        let Some(word) = block.get_mut((within / 64) as usize) else {
            return false;
        };
        let bit = 1 << (within % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    pub(crate) fn contains(&self, rid: u64) -> bool {
        let within = rid % BITS;
        let block = self.0.get(&(rid / BITS));
        let word = block.and_then(|block| block.get((within / 64) as usize));
        word.is_some_and(|word| word & 1 << (within % 64) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut seen = Rids::default();
        for rid in [0, 63, 64, 4095, 4096, 1 << 47] {
            assert!(!seen.contains(rid));
            assert!(seen.insert(rid));
            assert!(!seen.insert(rid));
            assert!(seen.contains(rid));
        }
        assert!(seen.insert(1));
    }
}
