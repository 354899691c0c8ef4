//! Whether two samples of times are told apart.
//!
//! The same question is asked in several worlds in turn, who is first changing every time, so that a slow moment of the
//! machine meets all alike. The times of two worlds are compared by the two-sided Mann-Whitney test, normal approximation
//! (Mann and Whitney 1947). They count as told apart where |z| passes [`Z`], which by chance alone happens to one question
//! of ten thousand.
#![allow(dead_code, unreachable_pub)] // Each test file uses its part.

/// How often a question is asked in each world.
pub const EACH: usize = 600;
/// Asked before that, to warm caches.
pub const WARM: usize = 20;
/// From where on two worlds are told apart.
pub const Z: f64 = 3.89;

/// How far the ranks of the first sample lie from what chance would give, in standard deviations. Equal times take the
/// middle of their ranks.
pub fn mann_whitney(one: &[u128], two: &[u128]) -> f64 {
    let mut all: Vec<(u128, bool)> = one.iter().map(|time| (*time, true)).collect();
    all.extend(two.iter().map(|time| (*time, false)));
    all.sort_unstable();
    let (mut ranks, mut place) = (0.0, 0);
    while place < all.len() {
        let same = all[place..]
            .iter()
            .take_while(|(time, _)| *time == all[place].0)
            .count();
        let middle = place as f64 + (same as f64 + 1.0) / 2.0;
        let ours = all[place..place + same]
            .iter()
            .filter(|(_, first)| *first)
            .count();
        ranks += middle * ours as f64;
        place += same;
    }
    let (n, m) = (one.len() as f64, two.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    (u - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

/// The middle of a sample of nanoseconds, in microseconds.
pub fn median(sample: &[u128]) -> u128 {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2] / 1_000
}

/// Compares the first world's times of a question with each other world's: says the figures, and gives those that are told
/// apart.
pub fn compare(question: &str, named: &[&str], times: &[Vec<u128>]) -> Vec<String> {
    let mut apart = Vec::new();
    for (name, other) in named.iter().zip(times).skip(1) {
        let z = mann_whitney(&times[0], other);
        let (one, two) = (median(&times[0]), median(other));
        let said = format!(
            "{question}: {} and {name}: z {z:.2}, medians {one} and {two} µs",
            named[0]
        );
        println!("{said}");
        if z.abs() > Z {
            apart.push(said);
        }
    }
    apart
}

#[test]
fn the_test_tells_apart_what_differs_and_nothing_else() {
    let base: Vec<u128> = (0..600).map(|i| 1_000 + i * 7 % 300).collect();
    let later: Vec<u128> = base.iter().map(|time| time + 60).collect();
    assert!(mann_whitney(&base, &base).abs() < 0.01);
    assert!(mann_whitney(&base, &later) < -Z);
    assert!(mann_whitney(&later, &base) > Z);
    // Ranks 1 and 3 of 4: U is 1, of mean 2 and standard deviation sqrt(5/3).
    let z = mann_whitney(&[1, 3], &[2, 4]);
    assert!((z + 1.0 / (5.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{z}");
}
