//! A whole register at once.

use crate::card::{Card, Register};
use crate::compare::{Comparison, compare};
use crate::model::Model;
use crate::propose::Blocks;
use crate::sure::{Sure, confirmed};
use crate::train::{Samples, train};
use rayon::prelude::*;

/// Proposed pairs that are learnt from, about, and random ones at most.
const SAMPLE: u64 = 100_000;

/// Random pairs that are learnt from: so many for each registration, within bounds. The share of strangers at a level
/// is then known to within one part in the root of its number of pairs: one in a thousand of 30,000 to 18 %, a sixth of
/// a unit of weight where fields weigh several. A larger register, which asks for rarer agreement, knows it better.
const RANDOM_EACH: u64 = 2;
const RANDOM_LEAST: u64 = 30_000;

/// Pairs below these odds (natural logarithm) are not kept.
const KEPT: f32 = -4.0;

/// What a confirmed number counts.
pub(crate) const DECIDED: f32 = 1e6;

/// Two registrations and the logarithm of the odds that they are of one person; the smaller number first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Link {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) odds: f32,
}

/// A proposed pair, compared.
struct Proposed {
    /// What the two say, as numbers, the smaller first: an order that does not depend on that of the input.
    prints: (u64, u64),
    a: u32,
    b: u32,
    comparison: Comparison,
}

/// Learns the weights of a register from itself, and scores the proposed pairs: those that may be of one person are
/// given back.
pub(crate) fn weigh(register: &Register, blocks: &Blocks) -> (Model, Vec<Link>) {
    let n = register.cards.len() as u64;
    let card = |i: u32| &register.cards[i as usize];
    let share = (SAMPLE as f64 / proposed_count(register, blocks).max(1) as f64).min(1.0);
    let limit = (share * f64::from(u32::MAX)) as u32;
    // Apart from the cards, since they are looked at for every pair and the cards of a few only.
    let prints: Vec<u64> = register.cards.iter().map(|card| card.print).collect();
    let mut proposed: Vec<Proposed> = over_pairs(register, blocks, |a, b| {
        let (x, y) = (card(a), card(b));
        let (p, q) = (prints[a as usize], prints[b as usize]);
        let prints = (p.min(q), p.max(q));
        (mix(prints.0, prints.1) as u32 <= limit).then(|| Proposed {
            prints,
            a,
            b,
            comparison: compare(register, x, y),
        })
    });
    proposed.par_sort_unstable_by_key(|p| p.prints);
    let mut order: Vec<u32> = (0..n as u32).collect();
    order.par_sort_unstable_by_key(|i| prints[*i as usize]);
    let all = n * n.saturating_sub(1) / 2;
    let pick = |i: u64, j: u64| compare(register, card(order[i as usize]), card(order[j as usize]));
    let wanted = (RANDOM_EACH * n).clamp(RANDOM_LEAST, SAMPLE);
    let random: Vec<Comparison> = if all <= 2 * wanted {
        (0..n)
            .into_par_iter()
            .flat_map_iter(|i| (i + 1..n).map(move |j| pick(i, j)))
            .collect()
    } else {
        (0..wanted)
            .into_par_iter()
            .map(|k| {
                let (i, j) = (mix(k, 1) % n, mix(k, 2) % (n - 1));
                pick(i, if j >= i { j + 1 } else { j })
            })
            .collect()
    };
    let model = train(&Samples {
        proposed: proposed.iter().map(|p| &p.comparison).collect(),
        share,
        random: random.iter().collect(),
        registrations: n as usize,
    });
    let link = |a: u32, b: u32, odds: Option<f32>| odds.map(|odds| Link { a, b, odds });
    let links = if share < 1.0 {
        over_pairs(register, blocks, |a, b| {
            link(a, b, odds(register, &model, card(a), card(b)))
        })
    } else {
        // All were compared to learn from them.
        let scored = proposed.par_iter().filter_map(|p| {
            let odds = decide(register, card(p.a), card(p.b), || {
                model.log_odds_above(&p.comparison, KEPT)
            });
            link(p.a, p.b, odds)
        });
        scored.collect()
    };
    (model, links)
}

/// How many pairs the blocks propose; of a large register, estimated from some of its registrations, chosen by what
/// they say.
fn proposed_count(register: &Register, blocks: &Blocks) -> u64 {
    let cards = &register.cards;
    let step = (cards.len() as u64 / 10_000).max(1);
    let seen: u64 = (0..cards.len() as u32)
        .into_par_iter()
        .filter(|i| mix(cards[*i as usize].print, 3).is_multiple_of(step))
        .map_init(Vec::new, |partners, i| {
            blocks.after(i, partners);
            partners.len() as u64
        })
        .sum();
    seen * step
}

/// The logarithm of a pair's odds, [`DECIDED`] for one that a confirmed number decides; `None` if it is not worth
/// keeping.
pub(crate) fn odds(register: &Register, model: &Model, x: &Card, y: &Card) -> Option<f32> {
    decide(register, x, y, || {
        model.log_odds_above(&compare(register, x, y), KEPT)
    })
}

fn decide(register: &Register, x: &Card, y: &Card, weigh: impl Fn() -> Option<f32>) -> Option<f32> {
    match confirmed(register, x, y) {
        Some(Sure::One) => Some(DECIDED),
        Some(Sure::Two) => None,
        None => weigh(),
    }
}

fn over_pairs<T: Send>(
    register: &Register,
    blocks: &Blocks,
    each: impl Fn(u32, u32) -> Option<T> + Sync,
) -> Vec<T> {
    let parts: Vec<Vec<T>> = (0..register.cards.len() as u32)
        .into_par_iter()
        .with_min_len(256)
        .fold(
            || (Vec::new(), Vec::new()),
            |(mut out, mut partners), a| {
                blocks.after(a, &mut partners);
                out.extend(partners.iter().filter_map(|b| each(a, *b)));
                (out, partners)
            },
        )
        .map(|(out, _)| out)
        .collect();
    parts.into_iter().flatten().collect()
}

/// Two numbers as one that looks random.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let mut x = a ^ b.rotate_left(32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
