//! Whether the time of an answer tells of what is withheld: a stated test, left out of the usual run, since a busy machine
//! makes it long: `cargo test --workspace --test door -- --ignored timing`.
//!
//! The same question is asked in two worlds in turn, [`EACH`] times each, who is first changing every time, so that a
//! slow moment of the machine meets both alike. The times are compared by the two-sided Mann-Whitney test, normal
//! approximation (Mann and Whitney 1947). They count as told apart where |z| passes [`Z`], which by chance alone happens
//! to one question of ten thousand.

use crate::house::House;
use crate::wish::world;
use std::time::Instant;

const EACH: usize = 600;
const Z: f64 = 3.89;

/// How far the ranks of the first sample lie from what chance would give, in standard deviations. Equal times take the
/// middle of their ranks.
fn mann_whitney(one: &[u128], two: &[u128]) -> f64 {
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

async fn time(house: &House, token: &str, line: &str) -> u128 {
    let started = Instant::now();
    let said = house.call(line, token, "").await;
    let took = started.elapsed().as_nanos();
    assert!(said.status == 200 || said.status == 403, "{line}");
    took
}

#[tokio::test]
#[ignore = "it measures time, and takes a minute on a quiet machine"]
async fn timing_does_not_tell_whose_finding_it_is() {
    let (hers, token, _) = world("her").await;
    let (others, other_token, _) = world("other").await;
    let mut apart = Vec::new();
    for line in [
        "GET /fhir/Observation/o1",
        "GET /fhir/Observation/o3",
        "GET /fhir/Observation?patient=her&_total=accurate",
        "GET /fhir/Observation?patient=her&code=4548-4&_total=accurate",
        "GET /fhir/Appointment?patient=her&_total=accurate",
        "GET /fhir/Patient/her/$everything",
        "GET /fhir/Condition?patient=her&_total=accurate",
    ] {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for turn in 0..EACH + 20 {
            let (mut a, mut b) = (0, 0);
            for first in [turn % 2 == 0, turn % 2 == 1] {
                match first {
                    true => a = time(&hers, &token, line).await,
                    false => b = time(&others, &other_token, line).await,
                }
            }
            // The first ones warm caches.
            if turn >= 20 {
                one.push(a);
                two.push(b);
            }
        }
        let z = mann_whitney(&one, &two);
        one.sort_unstable();
        two.sort_unstable();
        let (mine, theirs) = (one[EACH / 2] / 1_000, two[EACH / 2] / 1_000);
        println!("{line}: z {z:.2}, medians {mine} and {theirs} µs");
        if z.abs() > Z {
            apart.push((line, z, mine, theirs));
        }
    }
    assert!(apart.is_empty(), "told apart: {apart:#?}");
}
