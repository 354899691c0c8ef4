//! Learning the weights without labels: expectation and maximisation over two samples.
//!
//! The first sample is of the pairs that blocking proposes, the second of pairs drawn at random. Blocking chooses by
//! what is compared, so what it leaves out says nothing that the model could not know: pairs not proposed count as of
//! different people, and the shares are shares of *all* pairs. `m` is learnt from the proposed pairs, each weighted by
//! its probability; `u` from the random ones, each weighted by the rest, since in a small register random pairs too
//! are sometimes of one person. Values enter with their frequencies in every round.

use crate::compare::Comparison;
use crate::field::{FIELDS, Field, at};
use crate::model::{KIN, LEVELS, Model};
use rayon::prelude::*;

/// Rounds at most; the odds rarely move after ten.
const ROUNDS: usize = 20;

/// Learning ends when a round moves the logarithm of the share of pairs of one person by less.
const MOVED: f32 = 3e-3;

/// After so many rounds it is clear which random pairs are of one person, and `u` stays.
const RANDOM_ROUNDS: usize = 5;

/// After so many rounds, pairs that are less likely than this to be of one person or of relatives are left out of the
/// others: all of them together weigh less than one pair in a million.
const SETTLED: usize = 2;
const HOPELESS: f32 = 1e-6;

/// The first estimates of `m` count as much as so many pairs; those of numbers, which are much alike everywhere and
/// rarely written twice in a small register, as many more.
fn first_estimate(field: Field) -> f64 {
    match field {
        Field::Curp | Field::Number => 500.0,
        _ => 20.0,
    }
}

/// What is learnt from.
pub(crate) struct Samples<'a> {
    /// Comparisons of proposed pairs.
    pub(crate) proposed: Vec<&'a Comparison>,
    /// Which share of the proposed pairs that is, 0 to 1.
    pub(crate) share: f64,
    /// Comparisons of random pairs.
    pub(crate) random: Vec<&'a Comparison>,
    /// How many registrations there are.
    pub(crate) registrations: usize,
}

/// Sums of one round.
#[derive(Clone)]
struct Sums {
    level: [[f64; LEVELS]; FIELDS],
    chance: [[f64; LEVELS]; FIELDS],
    one: f64,
    kin: [f64; KIN],
    /// Of relatives, those whose given names are both known, and those with one.
    named: [f64; KIN],
    namesakes: [f64; KIN],
}

impl Sums {
    fn none() -> Sums {
        Sums {
            level: [[0.0; LEVELS]; FIELDS],
            chance: [[0.0; LEVELS]; FIELDS],
            one: 0.0,
            kin: [0.0; KIN],
            named: [0.0; KIN],
            namesakes: [0.0; KIN],
        }
    }
    fn plus(mut self, other: &Sums) -> Sums {
        for f in 0..FIELDS {
            for l in 0..LEVELS {
                self.level[f][l] += other.level[f][l];
                self.chance[f][l] += other.chance[f][l];
            }
        }
        self.one += other.one;
        for k in 0..KIN {
            self.kin[k] += other.kin[k];
            self.named[k] += other.named[k];
            self.namesakes[k] += other.namesakes[k];
        }
        self
    }
}

/// Learns. Cost: about a fifth of a second of one core for the largest samples.
pub(crate) fn train(samples: &Samples) -> Model {
    let n = samples.registrations as f64;
    let all_pairs = (n * (n - 1.0) / 2.0).max(1.0);
    let mut model = Model::first(samples.registrations);
    if samples.proposed.is_empty() || samples.random.is_empty() {
        return model;
    }
    let first = model.clone();
    let mut proposed = samples.proposed.clone();
    // Nearly all random pairs are of strangers whatever is learnt: they are summed once.
    let (open, strangers): (Vec<_>, Vec<_>) = samples
        .random
        .par_iter()
        .partition(|pair| model.shares(pair).one > HOPELESS);
    let settled = sums(&model, &strangers, |p| 1.0 - p);
    let mut of_others = Sums::none();
    for round in 0..ROUNDS {
        if round == SETTLED {
            let is_open = |pair: &&Comparison| {
                let shares = model.shares(pair);
                shares.one + shares.kin.iter().sum::<f32>() > HOPELESS
            };
            proposed = proposed.into_par_iter().filter(is_open).collect();
        }
        let of_one = sums(&model, &proposed, |p| p);
        if round < RANDOM_ROUNDS {
            of_others = sums(&model, &open, |p| 1.0 - p).plus(&settled);
        }
        let before = model.one;
        for field in Field::ALL {
            let f = field as usize;
            let levels = 1..=field.levels().len();
            let blend = |sums: &Sums, first: &[f32; LEVELS], weight: f64, least: f64| {
                let total: f64 = levels.clone().map(|l| sums.level[f][l]).sum();
                let mut out = [0.0f32; LEVELS];
                for l in levels.clone() {
                    let start = f64::from(first[l]).exp();
                    let seen = sums.level[f][l];
                    let share = (seen + weight * start) / (total + weight);
                    let rare = if seen < 3.0 { start * least } else { 0.0 };
                    out[l] = share.max(rare).max(1e-12).ln() as f32;
                }
                out
            };
            // A level too rare among strangers for the sample is not much rarer than the first estimate says.
            model.m[f] = blend(&of_one, &first.m[f], first_estimate(field), 0.0);
            model.u[f] = blend(&of_others, &first.u[f], 1.0, 0.3);
            for l in levels.clone() {
                let (sum, count) = (of_others.chance[f][l], of_others.level[f][l]);
                let start = f64::from(first.mean[f][l]);
                model.mean[f][l] = ((sum + 5.0 * start) / (count + 5.0)) as f32;
            }
        }
        model.tie_wrong_dates();
        let same = f64::from(model.u[Field::Given as usize][usize::from(at::SAME)]).exp();
        model.set_same_given(of_one.namesakes, of_one.named.map(|n| n * same));
        model.set_shares(
            of_one.one / (samples.share * all_pairs),
            of_one.one,
            of_one.kin,
        );
        if (model.one - before).abs() < MOVED {
            break;
        }
    }
    model
}

fn sums(model: &Model, pairs: &[&Comparison], weight: impl Fn(f64) -> f64 + Sync) -> Sums {
    // Chunks of a fixed size, added in their order: the sums do not depend on the number of threads.
    let parts: Vec<Sums> = pairs
        .par_chunks(1 << 12)
        .map(|chunk| {
            let mut sums = Sums::none();
            for pair in chunk {
                let shares = model.shares(pair);
                let w = weight(f64::from(shares.one));
                if w == 0.0 && shares.is_strangers() {
                    continue;
                }
                sums.one += f64::from(shares.one);
                let given = pair.level[Field::Given as usize];
                for (k, share) in shares.kin.into_iter().enumerate() {
                    let share = f64::from(share);
                    sums.kin[k] += share;
                    if given != at::UNKNOWN {
                        sums.named[k] += share;
                    }
                    if given == at::SAME {
                        sums.namesakes[k] += share;
                    }
                }
                for f in 0..FIELDS {
                    let l = usize::from(pair.level[f]);
                    sums.level[f][l] += w;
                    sums.chance[f][l] += w * f64::from(pair.chance[f]);
                }
            }
            sums
        })
        .collect();
    parts.iter().fold(Sums::none(), Sums::plus)
}
