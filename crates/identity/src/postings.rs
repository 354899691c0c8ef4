//! Which registrations have a key, while registrations arrive.
//!
//! A sorted list of what was there, and a table of what is new; the table goes into the list when it has grown to a
//! sixteenth of it. Looking up costs one binary search and one hash.

use crate::card::Map;
use rayon::prelude::*;

/// The registrations of each key of one kind.
#[derive(Default)]
pub(crate) struct Postings {
    /// Key in the upper half, registration in the lower.
    sorted: Vec<u64>,
    fresh: Map<u32, Vec<u32>>,
    waiting: usize,
}

impl Postings {
    /// All at once.
    pub(crate) fn of(mut rows: Vec<u64>) -> Postings {
        rows.par_sort_unstable();
        Postings {
            sorted: rows,
            ..Postings::default()
        }
    }
    /// Adds a registration under a key. Now and then this sorts what is new into the list: for ten million
    /// registrations a fifth of a second, once in about six hundred thousand.
    pub(crate) fn add(&mut self, key: u32, registration: u32) {
        self.fresh.entry(key).or_default().push(registration);
        self.waiting += 1;
        if self.waiting > 10_000 && self.waiting > self.sorted.len() / 16 {
            let mut rows: Vec<u64> = std::mem::take(&mut self.fresh)
                .into_iter()
                .flat_map(|(key, list)| list.into_iter().map(move |r| row(key, r)))
                .collect();
            rows.sort_unstable();
            self.sorted = merge(&self.sorted, &rows);
            self.waiting = 0;
        }
    }
    /// How many registrations have the key, and which.
    pub(crate) fn find(&self, key: u32) -> (usize, impl Iterator<Item = u32> + '_) {
        let from = self.sorted.partition_point(|r| *r < row(key, 0));
        let old = &self.sorted[from..];
        let old = &old[..gallop(old, row(key, u32::MAX))];
        let new = self.fresh.get(&key).map_or(&[][..], Vec::as_slice);
        let all = old.iter().map(|r| *r as u32).chain(new.iter().copied());
        (old.len() + new.len(), all)
    }
}

fn row(key: u32, registration: u32) -> u64 {
    u64::from(key) << 32 | u64::from(registration)
}

/// How many of the sorted rows are no larger: by doubling steps, since blocks are mostly short.
fn gallop(rows: &[u64], last: u64) -> usize {
    let mut step = 1;
    while step < rows.len() && rows[step] <= last {
        step *= 2;
    }
    let end = rows.len().min(step + 1);
    rows[..end].partition_point(|r| *r <= last)
}

fn merge(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] <= b[j] {
            out.push(a[i]);
            i += 1;
        } else {
            out.push(b[j]);
            j += 1;
        }
    }
    out.extend_from_slice(&a[i..]);
    out.extend_from_slice(&b[j..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_finds_what_a_plain_map_finds() {
        let key = |i: u32| i.wrapping_mul(2_654_435_761) % 700;
        let mut plain: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut rows = Vec::new();
        for i in 0..1000 {
            plain.entry(key(i)).or_default().push(i);
            rows.push(row(key(i), i));
        }
        let mut postings = Postings::of(rows);
        for i in 1000..25_000 {
            plain.entry(key(i)).or_default().push(i);
            postings.add(key(i), i);
        }
        for k in 0..710 {
            let wanted = plain.get(&k).cloned().unwrap_or_default();
            let (count, found) = postings.find(k);
            let mut found: Vec<u32> = found.collect();
            found.sort_unstable();
            assert_eq!(found, wanted, "{k}");
            assert_eq!(count, wanted.len());
        }
    }
}
