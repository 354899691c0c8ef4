//! Who is who in a whole register.

use crate::batch::{self, Link};
use crate::card::Register;
use crate::cluster;
use crate::explain::{Explanation, explain};
use crate::model::{Model, probability};
use crate::propose::Blocks;
use crate::sure::Apart;
use rayon::prelude::*;
use serde::Serialize;

/// What was found in a register.
pub struct Linked {
    /// The person of each registration: the number of the first of her registrations.
    pub person: Vec<u32>,
    /// The weights that were learnt.
    pub model: Model,
    /// How good it is, by the model's own word.
    pub estimate: Estimate,
}

/// Errors as the model expects them, from the probabilities of the single pairs. Groups know more than their pairs, so
/// the truth is mostly better than this; a model that is wrong is wrong here too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Share of the joined pairs that are of one person.
    pub precision: f64,
    /// Share of the pairs of one person that are joined, among those that were compared.
    pub recall: f64,
    /// Pairs compared that may be of one person.
    pub pairs: u64,
    /// The probability above which registrations are joined.
    pub threshold: f64,
}

/// Finds the people in a register: blocks, learns the weights from the register itself, weighs every proposed pair and
/// groups the registrations; they are joined where it is more likely than not that they are of one person. The order of
/// the registrations does not matter. Uses all threads of the pool.
///
/// Cost: about forty microseconds of one core and a kilobyte of memory a registration.
pub fn link(register: &Register, apart: &Apart) -> Linked {
    link_at(register, apart, 0.0)
}

/// The same, with a threshold as high as is needed for a precision (0 to 1) of the joined pairs, as the model expects
/// it: see [`Estimate`] for how far that can be trusted. No lower than even odds, and no higher than 0.993, since no
/// pair counts for more than that.
pub fn link_at(register: &Register, apart: &Apart, precision: f64) -> Linked {
    linked(register, apart, precision).0
}

/// The same at even odds, with the pairs that may be of one person.
pub(crate) fn link_pairs(register: &Register) -> (Linked, Vec<Link>) {
    linked(register, &Apart::default(), 0.0)
}

fn linked(register: &Register, apart: &Apart, precision: f64) -> (Linked, Vec<Link>) {
    let blocks = Blocks::of(register);
    let (mut model, links) = batch::weigh(register, &blocks);
    drop(blocks);
    model.join = threshold(&links, precision);
    let person = cluster::cluster(register, &model, apart, &links);
    let estimate = estimate(&links, &person, model.join);
    let linked = Linked {
        person,
        model,
        estimate,
    };
    (linked, links)
}

/// The lowest odds at which the pairs above are, by their probabilities, of one person as often as is wanted.
fn threshold(links: &[Link], precision: f64) -> f32 {
    const HIGHEST: f32 = 5.0;
    if precision <= 0.0 {
        return 0.0;
    }
    let mut odds: Vec<f32> = links.iter().map(|l| l.odds).filter(|o| *o > 0.0).collect();
    odds.sort_unstable_by(|x, y| y.total_cmp(x));
    let mut right = 0.0;
    for (above, odds) in odds.iter().enumerate() {
        right += probability(*odds);
        if right < precision * (above + 1) as f64 {
            return odds.min(HIGHEST);
        }
    }
    0.0
}

/// In the order of the links, so that it does not depend on the number of threads. A joined pair is as likely as the
/// better of its own probability and of the way over a third registration that is joined to both.
fn estimate(links: &[Link], person: &[u32], join: f32) -> Estimate {
    let is_joined = |l: &&Link| person[l.a as usize] == person[l.b as usize];
    // Whom each registration is joined to, in ascending order, one registration after the other.
    let mut starts = vec![0usize; person.len() + 1];
    for link in links.iter().filter(is_joined) {
        starts[link.a as usize + 1] += 1;
        starts[link.b as usize + 1] += 1;
    }
    for i in 0..person.len() {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut ways = vec![(0u32, 0.0f64); starts[person.len()]];
    for link in links.iter().filter(is_joined) {
        let p = probability(link.odds);
        for (one, other) in [(link.a, link.b), (link.b, link.a)] {
            let slot = &mut next[one as usize];
            ways[*slot] = (other, p);
            *slot += 1;
        }
    }
    for ends in starts.windows(2) {
        ways[ends[0]..ends[1]].sort_unstable_by_key(|w| w.0);
    }
    let of = |one: u32| &ways[starts[one as usize]..starts[one as usize + 1]];
    let over_a_third = |a: u32, b: u32| {
        let mut theirs = of(b).iter().peekable();
        let ways = of(a).iter().filter_map(|(c, p)| {
            while theirs.next_if(|w| w.0 < *c).is_some() {}
            let way = theirs.peek().filter(|w| w.0 == *c)?;
            Some(p * way.1)
        });
        ways.fold(0.0, f64::max)
    };
    let [joined, right, missed] = in_order(links, |link| {
        let p = probability(link.odds);
        if is_joined(&link) {
            [1.0, p.max(over_a_third(link.a, link.b)), 0.0]
        } else {
            [0.0, 0.0, p]
        }
    });
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
    Estimate {
        precision: share(right, joined),
        recall: share(right, right + missed),
        pairs: links.len() as u64,
        threshold: probability(join),
    }
}

/// Sums over links, in parts of a fixed size that are added in their order.
fn in_order(links: &[Link], each: impl Fn(&Link) -> [f64; 3] + Sync) -> [f64; 3] {
    let plus = |x: [f64; 3], y: [f64; 3]| [x[0] + y[0], x[1] + y[1], x[2] + y[2]];
    let parts: Vec<[f64; 3]> = links
        .par_chunks(1 << 14)
        .map(|part| part.iter().map(&each).fold([0.0; 3], plus))
        .collect();
    parts.into_iter().fold([0.0; 3], plus)
}

impl Register {
    /// Why two registrations are or are not of one person. `None` if one of them does not exist.
    pub fn explain(&self, model: &Model, a: u32, b: u32) -> Option<Explanation> {
        let card = |i: u32| self.cards.get(i as usize);
        Some(explain(self, model, card(a)?, card(b)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_pair_is_as_likely_as_the_way_over_a_third() {
        let link = |a, b, odds| Link { a, b, odds };
        let links = [link(0, 1, 9.0), link(0, 2, 0.0), link(1, 2, 9.0)];
        let found = estimate(&links, &[0, 0, 0], 0.0);
        let sure = probability(9.0);
        assert!((found.precision - (2.0 * sure + sure * sure) / 3.0).abs() < 1e-9);
        let apart = estimate(&links, &[0, 0, 2], 0.0);
        assert!((apart.recall - sure / (sure + 0.5 + sure)).abs() < 1e-9);
    }
    #[test]
    fn the_threshold_is_as_high_as_the_wanted_precision_asks() {
        let links: Vec<Link> = [9.0, 3.0, 1.0, 0.5, -1.0]
            .into_iter()
            .map(|odds| Link { a: 0, b: 1, odds })
            .collect();
        // Probabilities 0.9999, 0.9526, 0.7311, 0.6225; means from the top 0.9999, 0.9762, 0.8945, 0.8265.
        assert_eq!(threshold(&links, 0.0), 0.0);
        assert_eq!(threshold(&links, 0.8), 0.0);
        assert_eq!(threshold(&links, 0.85), 0.5);
        assert_eq!(threshold(&links, 0.95), 1.0);
        assert_eq!(threshold(&links, 1.0), 5.0);
    }
}
