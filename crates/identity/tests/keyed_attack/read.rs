//! Reading values back from encodings that repeat and resemble each other, without the key.
//!
//! The commonest encodings are put beside the commonest values of a public register; then they are exchanged until the
//! encodings resemble each other as the values do (a small quadratic assignment); then every other encoding is the value
//! that stands to those as it does. After Christen et al. (2017, 2018) for the frequencies, Vidanage et al. (2020) and Schaefer
//! et al. (2024) for the resemblances; simpler than both, so that what it reads is the least that can be read.

use crate::people::Dice;
use std::collections::HashMap;
use std::hash::Hash;

/// Encodings that are put beside values first, and values that are tried for them.
const FIRST: usize = 24;
const TRIED: usize = 40;

/// How often it is begun anew.
const STARTS: usize = 40;

/// Encodings, the commonest, beside which the others are read.
const BESIDE: usize = 64;

/// How much a factor in frequency counts beside resemblance.
const FREQUENCY: f64 = 0.02;

/// What is seen, the commonest first, with its share.
fn by_share<T: Clone + Eq + Hash + Ord>(all: &[T]) -> Vec<(T, f64)> {
    let mut times: HashMap<&T, usize> = HashMap::new();
    all.iter()
        .for_each(|one| *times.entry(one).or_default() += 1);
    let mut out: Vec<(T, f64)> = times
        .into_iter()
        .map(|(one, n)| (one.clone(), n as f64 / all.len() as f64))
        .collect();
    out.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| x.0.cmp(&y.0)));
    out
}

/// Says for each encoding which value it is, from the encodings and a public register's values.
pub(crate) fn read<T: Clone + Eq + Hash + Ord>(
    encoded: &[T],
    public: &[String],
    likeness_encoded: impl Fn(&T, &T) -> f64,
    likeness: impl Fn(&str, &str) -> f64,
) -> HashMap<T, String> {
    let (encodings, values) = (by_share(encoded), by_share(public));
    let first = FIRST.min(encodings.len()).min(values.len());
    let tried = TRIED.min(values.len());
    let table = |n: usize, of: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..n).map(|i| (0..n).map(|j| of(i, j)).collect()).collect()
    };
    let seen = table(first, &|i, j| {
        likeness_encoded(&encodings[i].0, &encodings[j].0)
    });
    let meant = table(tried, &|i, j| likeness(&values[i].0, &values[j].0));
    let share = |i: usize, v: usize| FREQUENCY * (encodings[i].1 / values[v].1).ln().powi(2);
    // The place of each of the first encodings among the values tried; the rest of the places are free.
    let cost = |i: usize, place: &[usize]| -> f64 {
        let others = (0..first).filter(|j| *j != i);
        let apart = others.map(|j| (seen[i][j] - meant[place[i]][place[j]]).powi(2));
        apart.sum::<f64>() + share(i, place[i])
    };
    let whole = |place: &[usize]| (0..first).map(|i| cost(i, place)).sum::<f64>();
    let descend = |mut place: Vec<usize>| -> (f64, Vec<usize>) {
        let mut best = whole(&place);
        loop {
            let before = best;
            for i in 0..first {
                for j in i + 1..tried {
                    place.swap(i, j);
                    let now = whole(&place);
                    if now < best {
                        best = now;
                    } else {
                        place.swap(i, j);
                    }
                }
            }
            if best >= before {
                return (best, place);
            }
        }
    };
    // From the order of frequencies, then again and again from the best with some places exchanged.
    let mut dice = Dice(7);
    let (mut best, mut place) = descend((0..tried).collect());
    for _ in 0..STARTS {
        let mut other = place.clone();
        (0..6).for_each(|_| other.swap(dice.below(first), dice.below(tried)));
        let (cost, other) = descend(other);
        if cost < best {
            (best, place) = (cost, other);
        }
    }
    let mut read: Vec<(usize, usize)> = (0..first).map(|i| (i, place[i])).collect();
    // Twice, the second time beside more of what was read at first.
    for _ in 0..2 {
        let anchors: Vec<(usize, usize)> = read.iter().take(BESIDE).copied().collect();
        let of_value: Vec<Vec<f64>> = values
            .iter()
            .map(|v| {
                anchors
                    .iter()
                    .map(|a| likeness(&v.0, &values[a.1].0))
                    .collect()
            })
            .collect();
        read = (0..encodings.len())
            .filter_map(|i| {
                let own: Vec<f64> = anchors
                    .iter()
                    .map(|a| likeness_encoded(&encodings[i].0, &encodings[a.0].0))
                    .collect();
                let apart = |v: usize| {
                    let sum: f64 = own
                        .iter()
                        .zip(&of_value[v])
                        .map(|(x, y)| (x - y).powi(2))
                        .sum();
                    sum + share(i, v)
                };
                let nearest = (0..values.len())
                    .map(|v| (apart(v), v))
                    .min_by(|x, y| x.0.total_cmp(&y.0))?;
                Some((i, nearest.1))
            })
            .collect();
    }
    read.into_iter()
        .map(|(i, v)| (encodings[i].0.clone(), values[v].0.clone()))
        .collect()
}
