//! The blocks of a whole register, and the pairs they propose.

use crate::block::{KINDS, Traits};
use crate::card::Register;
use rayon::prelude::*;

/// Pairs that each kind of key may propose: so many for each registration, and so many in any case.
const PAIRS_EACH: u64 = 4;
const PAIRS_ANYWAY: u64 = 100_000;

/// Kinds whose keys are sorted at the same time.
const AT_ONCE: usize = 3;

/// A block larger than this is never used, whatever the budget.
const LARGEST: usize = 2_000;

/// The blocks of a register.
pub(crate) struct Blocks {
    /// Members of all blocks, one block after the other, each in ascending order.
    members: Vec<u32>,
    /// Where each block starts in `members`, and the end.
    starts: Vec<u32>,
    /// The blocks of each registration, and where each registration's start.
    of: Vec<u32>,
    of_starts: Vec<u32>,
    /// The largest block of each kind that the budget paid for.
    pub(crate) limits: [usize; KINDS],
}

impl Blocks {
    /// Makes the blocks. Cost: a few sorts of the keys of one kind, some two microseconds and 250 bytes a registration.
    pub(crate) fn of(register: &Register) -> Blocks {
        let cards = &register.cards;
        let mut blocks = Blocks {
            members: Vec::new(),
            starts: Vec::new(),
            of: Vec::new(),
            of_starts: Vec::new(),
            limits: [0; KINDS],
        };
        let budget = PAIRS_ANYWAY + PAIRS_EACH * cards.len() as u64;
        let of_rows = |mut rows: Vec<u64>| {
            rows.par_sort_unstable();
            let limit = limit(&rows, budget);
            let (mut members, mut lengths) = (Vec::new(), Vec::new());
            for block in rows.chunk_by(|a, b| a >> 32 == b >> 32) {
                if (2..=limit).contains(&block.len()) {
                    lengths.push(block.len() as u32);
                    members.extend(block.iter().map(|row| *row as u32));
                }
            }
            (limit, members, lengths)
        };
        // A few kinds at a time, since all rows of all kinds would be several times the blocks.
        let kinds: Vec<usize> = (0..KINDS).collect();
        for some in kinds.chunks(AT_ONCE) {
            let rows = rows(register, some);
            let made: Vec<_> = rows.into_par_iter().map(of_rows).collect();
            for (kind, (limit, members, lengths)) in some.iter().zip(made) {
                blocks.limits[*kind] = limit;
                let mut start = blocks.members.len() as u32;
                for length in lengths {
                    blocks.starts.push(start);
                    start += length;
                }
                blocks.members.extend(members);
            }
        }
        blocks.starts.push(blocks.members.len() as u32);
        blocks.index(cards.len());
        blocks
    }

    /// Notes for each registration in which blocks it is.
    fn index(&mut self, registrations: usize) {
        let mut starts = vec![0u32; registrations + 1];
        for member in &self.members {
            starts[*member as usize + 1] += 1;
        }
        for i in 0..registrations {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut of = vec![0u32; self.members.len()];
        for (block, ends) in (0u32..).zip(self.starts.windows(2)) {
            for member in &self.members[ends[0] as usize..ends[1] as usize] {
                let slot = &mut next[*member as usize];
                of[*slot as usize] = block;
                *slot += 1;
            }
        }
        (self.of, self.of_starts) = (of, starts);
    }

    /// Puts into `out` the registrations after `one` that are proposed for it, each once.
    pub(crate) fn after(&self, one: u32, out: &mut Vec<u32>) {
        out.clear();
        let own = self.of_starts[one as usize] as usize..self.of_starts[one as usize + 1] as usize;
        for &block in &self.of[own] {
            let ends =
                self.starts[block as usize] as usize..self.starts[block as usize + 1] as usize;
            let members = &self.members[ends];
            let from = members.partition_point(|m| *m <= one);
            out.extend_from_slice(&members[from..]);
        }
        out.sort_unstable();
        out.dedup();
    }
}

/// The rows of some kinds, each kind's by itself and in no order: a card is read once for all of them.
fn rows(register: &Register, kinds: &[usize]) -> Vec<Vec<u64>> {
    let cards = register.cards.par_iter().enumerate();
    let parts: Vec<Vec<Vec<u64>>> = cards
        .fold(
            || vec![Vec::new(); kinds.len()],
            |mut rows, (i, card)| {
                let traits = Traits::of(register, card);
                for (rows, kind) in rows.iter_mut().zip(kinds) {
                    rows.extend(traits.keys(*kind).rows(i));
                }
                rows
            },
        )
        .collect();
    let of_kind = |at: usize| {
        let own = || parts.iter().filter_map(move |part| part.get(at));
        let mut rows = Vec::with_capacity(own().map(Vec::len).sum());
        own().for_each(|part| rows.extend_from_slice(part));
        rows
    };
    (0..kinds.len()).into_par_iter().map(of_kind).collect()
}

/// The largest block size whose blocks, with all smaller ones, stay within the budget of pairs.
fn limit(sorted: &[u64], budget: u64) -> usize {
    let mut of_size = vec![0u64; LARGEST + 1];
    for block in sorted.chunk_by(|a, b| a >> 32 == b >> 32) {
        if let Some(n) = of_size.get_mut(block.len()) {
            *n += 1;
        }
    }
    let mut spent = 0;
    for (size, blocks) in of_size.iter().enumerate().skip(2) {
        spent += blocks * (size as u64 * (size as u64 - 1) / 2);
        if spent > budget {
            return size - 1;
        }
    }
    LARGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_spent_on_small_blocks_first() {
        let rows: Vec<u64> = [(1u64, 2u64), (2, 3), (3, 10)]
            .iter()
            .flat_map(|(key, size)| (0..*size).map(move |i| key << 32 | i))
            .collect();
        assert_eq!(limit(&rows, 100), LARGEST);
        assert_eq!(limit(&rows, 48), 9);
        assert_eq!(limit(&rows, 3), 2);
        assert_eq!(limit(&rows, 0), 1);
    }
}
