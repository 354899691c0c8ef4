//! Who is who in a whole register.

use crate::batch;
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
}

/// Finds the people in a register: blocks, learns the weights from the register itself, weighs every proposed pair and
/// groups the registrations. The order of the registrations does not matter. Uses all threads of the pool.
///
/// Cost: about thirty microseconds of one core and a kilobyte of memory a registration.
pub fn link(register: &Register, apart: &Apart) -> Linked {
    let blocks = Blocks::of(register);
    let model = batch::learn(register, &blocks);
    let links = batch::links(register, &blocks, &model);
    drop(blocks);
    let person = cluster::cluster(register, &model, apart, &links);
    let zero = || [0.0f64; 3];
    let [joined, right, missed] = links
        .par_chunks(1 << 16)
        .map(|chunk| {
            chunk.iter().fold(zero(), |[n, right, missed], link| {
                let p = probability(link.odds);
                match person[link.a as usize] == person[link.b as usize] {
                    true => [n + 1.0, right + p, missed],
                    false => [n, right, missed + p],
                }
            })
        })
        .reduce(zero, |a, b| [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 1.0 };
    Linked {
        person,
        model,
        estimate: Estimate {
            precision: share(right, joined),
            recall: share(right, right + missed),
            pairs: links.len() as u64,
        },
    }
}

impl Register {
    /// Why two registrations are or are not of one person. `None` if one of them does not exist.
    pub fn explain(&self, model: &Model, a: u32, b: u32) -> Option<Explanation> {
        let card = |i: u32| self.cards.get(i as usize);
        Some(explain(self, model, card(a)?, card(b)?))
    }
}
