//! What we do not do: each field as a Bloom filter of its pairs of letters, the same key for all (Schnell, Bachteler and
//! Reiher 2009: a thousand bits, fifteen positions for each pair of letters).

use std::collections::BTreeSet;

const BITS: usize = 1024;
const POSITIONS: u64 = 15;

/// The filter of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Bloom([u64; BITS / 64]);

/// The pairs of letters of a value, its ends marked.
pub(crate) fn pairs_of_letters(value: &str) -> BTreeSet<(char, char)> {
    let signs: Vec<char> = format!("_{}_", value.to_lowercase()).chars().collect();
    signs.windows(2).map(|two| (two[0], two[1])).collect()
}

fn hashed(key: u64, pair: (char, char)) -> u64 {
    let mut x = key ^ u64::from(u32::from(pair.0)) << 32 ^ u64::from(u32::from(pair.1));
    for _ in 0..3 {
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    }
    x ^ x >> 31
}

impl Bloom {
    pub(crate) fn of(value: &str, key: u64) -> Bloom {
        let mut bits = [0; BITS / 64];
        for pair in pairs_of_letters(value) {
            let (start, step) = (hashed(key, pair), hashed(!key, pair) | 1);
            for i in 0..POSITIONS {
                let at = (start.wrapping_add(i.wrapping_mul(step)) % BITS as u64) as usize;
                bits[at / 64] |= 1 << (at % 64);
            }
        }
        Bloom(bits)
    }

    /// How like two values are (Dice over their pairs of letters), as their filters tell: the size of a set follows from
    /// the number of its bits (Swamidass and Baldi 2007).
    pub(crate) fn likeness(&self, other: &Bloom) -> f64 {
        let size = |bits: u32| {
            -(BITS as f64) / POSITIONS as f64 * (1.0 - f64::from(bits) / BITS as f64).ln()
        };
        let count =
            |bits: &dyn Fn(usize) -> u64| (0..BITS / 64).map(|i| bits(i).count_ones()).sum();
        let (a, b) = (size(count(&|i| self.0[i])), size(count(&|i| other.0[i])));
        let both = a + b - size(count(&|i| self.0[i] | other.0[i]));
        (2.0 * both / (a + b)).clamp(0.0, 1.0)
    }
}

/// The same of two values in the clear.
pub(crate) fn likeness(a: &str, b: &str) -> f64 {
    let (a, b) = (pairs_of_letters(a), pairs_of_letters(b));
    2.0 * a.intersection(&b).count() as f64 / (a.len() + b.len()) as f64
}
