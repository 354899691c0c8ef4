//! Knowing rows by what they share with others: how often each of their values stands, in whose rows, and so on outward
//! (colour refinement, as graph attacks use it). The attacker has the very people in the clear, which is the most that
//! anybody can have, and wants to know which row is whose.

use std::collections::HashMap;

/// Rows of values; equal numbers in one column are one value.
pub(crate) type Rows = Vec<Vec<u64>>;

fn mixed(all: impl IntoIterator<Item = u64>) -> u64 {
    all.into_iter().fold(0x9e37_79b9_7f4a_7c15, |sum, one| {
        let x = (sum ^ one).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x ^ x >> 29
    })
}

/// A number for each row that does not depend on what its values are, only on what is equal to what.
fn colours(rows: &Rows, marks: &[u64], outward: usize) -> Vec<u64> {
    let mut with: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (column, value) in row.iter().enumerate() {
            with.entry((column, *value)).or_default().push(i);
        }
    }
    let mut colours = marks.to_vec();
    for _ in 0..outward {
        colours = rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                let around = row.iter().enumerate().map(|(column, value)| {
                    let mut theirs: Vec<u64> = with[&(column, *value)]
                        .iter()
                        .map(|j| colours[*j])
                        .collect();
                    theirs.sort_unstable();
                    mixed(theirs)
                });
                mixed(std::iter::once(colours[i]).chain(around))
            })
            .collect();
    }
    colours
}

/// The share of rows that are put to the right person when each is guessed among the people who look like it: row `i` of
/// both is the same person's. Rows of several sheets bear different marks. The attacker looks as far as serves him best:
/// farther tells more, but one value that two people have by chance then misleads of everybody around.
pub(crate) fn known(seen: &Rows, clear: &Rows, marks: &[u64]) -> f64 {
    let shares = (1..=4).map(|outward| {
        let (seen, clear) = (
            colours(seen, marks, outward),
            colours(clear, marks, outward),
        );
        let mut alike: HashMap<u64, usize> = HashMap::new();
        clear
            .iter()
            .for_each(|c| *alike.entry(*c).or_default() += 1);
        let right = seen.iter().zip(&clear).filter(|(x, y)| x == y);
        right.map(|(x, _)| 1.0 / alike[x] as f64).sum::<f64>() / seen.len() as f64
    });
    shares.fold(0.0, f64::max)
}
