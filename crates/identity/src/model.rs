//! How much the levels weigh: probabilities of agreement after Fellegi and Sunter, with frequencies of values, and
//! with the people that are neither one nor strangers.
//!
//! Two registrations are of one person, of relatives, or of strangers. A pair's odds are
//!
//! ```text
//! P(one) m(levels)  /  ( P(strangers) u(levels) + sum over kinds of relatives P(kind) k(levels) )
//! ```
//!
//! `m` and `u` are products over the fields that both know. Relatives share some fields as one person would (surnames,
//! address, telephone, parents) and differ in the others as strangers do: so `k` takes each field's factor from `m` or
//! from `u` and brings no parameters of its own but its share. That is what keeps twins, siblings and a father and son
//! of one name apart although nearly all of their fields agree: fields that hang together in families do not count as
//! independent evidence.
//!
//! Sources: I. P. Fellegi and A. B. Sunter, "A theory for record linkage", JASA 64 (1969); W. E. Winkler, "Frequency-
//! based matching in Fellegi-Sunter model of record linkage" (2000), for values; the mixture with relatives is ours.

use crate::compare::Comparison;
use crate::field::{FIELDS, Field, at};

/// Most levels that a field has, "not known" included.
pub(crate) const LEVELS: usize = 10;

/// Kinds of pairs of two people who are not strangers.
pub(crate) const KIN: usize = 6;

/// A kind of relatives: what they share, and how many such pairs there are for each pair of registrations of one
/// person.
struct Kin {
    shared: &'static [Field],
    /// How often they have one given name, for each time that strangers have: parents do not name two children alike.
    /// Of brothers and sisters and of parents and children it is where learning starts.
    same_given: f32,
    birth: Births,
    /// How many there usually are, and at most.
    usual: f64,
    most: f64,
}

/// How the births of relatives lie.
#[derive(Clone, Copy, PartialEq)]
enum Births {
    /// As those of strangers.
    Any,
    /// On one day.
    One,
    /// A generation apart, but for errors.
    Generation,
}

/// Of parents and children that this share is a generation apart, as written.
const GENERATION: f32 = 0.95;

/// Pairs of twins for each pair of brothers and sisters. About one birth in ninety is of twins, which makes 0.011 pairs
/// a person; families of two to four children have 0.5 to 1.5 pairs of brothers and sisters a person. Both are thinned
/// alike where a register knows some people only. Twins cannot be learnt by themselves (what would be learnt is how
/// often one person has two given names), but brothers and sisters can: so a register without families has no twins.
const TWINS: f64 = 0.015;

/// The usual shares count as much as so many pairs of one person.
const USUAL: f64 = 50.0;

/// How often relatives usually have one given name counts as much as so many expected cases.
const USUAL_NAMES: f64 = 5.0;

const BROTHERS: usize = 0;
const TWIN: usize = 1;
const PARENT: usize = 4;

/// What children of the same parents share.
const OF_SAME_PARENTS: &[Field] = &[
    Field::First,
    Field::Second,
    Field::Address,
    Field::Phone,
    Field::Mother,
    Field::Father,
    Field::BirthPlace,
];

const RELATIVES: [Kin; KIN] = [
    // Brothers and sisters.
    Kin {
        shared: OF_SAME_PARENTS,
        same_given: 0.05,
        birth: Births::Any,
        usual: 1.0,
        most: 5.0,
    },
    // Twins.
    Kin {
        shared: OF_SAME_PARENTS,
        same_given: 0.01,
        birth: Births::One,
        usual: TWINS,
        most: 5.0 * TWINS,
    },
    // Parent and child of one name.
    Kin {
        shared: &[
            Field::Given,
            Field::First,
            Field::Address,
            Field::Phone,
            Field::BirthPlace,
            Field::Sex,
        ],
        same_given: 1.0,
        birth: Births::Generation,
        usual: 0.05,
        most: 0.5,
    },
    // The same where both parents have the same surname.
    Kin {
        shared: &[
            Field::Given,
            Field::First,
            Field::Second,
            Field::Address,
            Field::Phone,
            Field::BirthPlace,
            Field::Sex,
        ],
        same_given: 1.0,
        birth: Births::Generation,
        usual: 0.02,
        most: 0.1,
    },
    // Parent and child.
    Kin {
        shared: &[
            Field::First,
            Field::Address,
            Field::Phone,
            Field::BirthPlace,
        ],
        same_given: 0.05,
        birth: Births::Generation,
        usual: 1.0,
        most: 5.0,
    },
    // Others in one house.
    Kin {
        shared: &[Field::Address, Field::Phone],
        same_given: 1.0,
        birth: Births::Any,
        usual: 1.0,
        most: 10.0,
    },
];

/// Weights learnt from a register, or the first estimates.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Natural logarithms of `m` and `u` by field and level.
    pub(crate) m: [[f32; LEVELS]; FIELDS],
    pub(crate) u: [[f32; LEVELS]; FIELDS],
    /// Mean logarithm of a value's chance among strangers at the level.
    pub(crate) mean: [[f32; LEVELS]; FIELDS],
    /// Groups are joined at odds above this (natural logarithm): zero for "more likely than not".
    pub(crate) join: f32,
    /// Logarithms of the shares of pairs: of one person, of strangers, of each kind of relatives.
    pub(crate) one: f32,
    pub(crate) strangers: f32,
    pub(crate) kin: [f32; KIN],
    /// Which kinds share each field: one or zero.
    shared: [[f32; KIN]; FIELDS],
    /// Logarithm of how often each kind has one given name, for each time that strangers have.
    same_given: [f32; KIN],
    /// How much it counts at each level that the value is a rare one.
    rare: [[f32; LEVELS]; FIELDS],
    /// What births that are a generation apart, and births that are not, say for parent and child against strangers.
    generation: [f32; 2],
}

/// What a pair may be, as probabilities that add up to one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shares {
    pub(crate) one: f32,
    pub(crate) kin: [f32; KIN],
}

impl Shares {
    /// Whether nothing but strangers is worth a thought.
    pub(crate) fn is_strangers(&self) -> bool {
        self.one == 0.0 && self.kin == [0.0; KIN]
    }
}

impl Model {
    /// The first estimates, for a register of so many registrations: what holds before anything was learnt.
    pub fn first(registrations: usize) -> Model {
        let mut shared = [[0.0; KIN]; FIELDS];
        for (k, kin) in RELATIVES.iter().enumerate() {
            for field in kin.shared {
                shared[*field as usize][k] = 1.0;
            }
            shared[Field::Birth as usize][k] = f32::from(u8::from(kin.birth == Births::One));
        }
        let mut model = Model {
            m: [[0.0; LEVELS]; FIELDS],
            u: [[0.0; LEVELS]; FIELDS],
            mean: [[0.0; LEVELS]; FIELDS],
            join: 0.0,
            one: 0.0,
            strangers: 0.0,
            kin: [0.0; KIN],
            shared,
            same_given: [0.0; KIN],
            rare: [[0.0; LEVELS]; FIELDS],
            generation: [0.0; 2],
        };
        model.set_same_given([0.0; KIN], [0.0; KIN]);
        for field in Field::ALL {
            let f = field as usize;
            for (i, level) in field.levels().iter().enumerate() {
                model.m[f][i + 1] = level.m.ln();
                model.u[f][i + 1] = level.u.ln();
                model.mean[f][i + 1] = field.levels()[0].u.ln();
                model.rare[f][i + 1] = level.rare;
            }
        }
        model.set_generation();
        // One other registration for every second person.
        let n = registrations.max(1_000) as f64;
        model.set_shares(0.5 / n, 0.0, [0.0; KIN]);
        model
    }

    /// Sets the share of pairs that are of one person, and those of relatives: as many as were `seen` for each of
    /// `pairs` of one person, and the usual ones before many were seen.
    pub(crate) fn set_shares(&mut self, one: f64, pairs: f64, seen: [f64; KIN]) {
        let one = one.clamp(1e-12, 0.3);
        let mut strangers = 1.0 - one;
        self.one = one.ln() as f32;
        let usual = |kind: usize| {
            let row = &RELATIVES[kind];
            let share = (seen[kind] + USUAL * row.usual) / (pairs + USUAL);
            share.min(row.most)
        };
        for (kind, slot) in self.kin.iter_mut().enumerate() {
            let share = one
                * match kind {
                    TWIN => TWINS * usual(BROTHERS),
                    _ => usual(kind),
                };
            strangers -= share;
            *slot = share.ln() as f32;
        }
        self.strangers = strangers.max(1e-6).ln() as f32;
    }

    /// Sets how often relatives have one given name: as often as was `seen` for each time that it was `expected` of
    /// strangers, and the usual before much was seen. Twins are left as they are, since nothing tells them from one
    /// person but their names.
    pub(crate) fn set_same_given(&mut self, seen: [f64; KIN], expected: [f64; KIN]) {
        for (kind, slot) in self.same_given.iter_mut().enumerate() {
            let usual = f64::from(RELATIVES[kind].same_given);
            let ratio = match kind {
                BROTHERS | PARENT => {
                    (seen[kind] + USUAL_NAMES * usual) / (expected[kind] + USUAL_NAMES)
                }
                _ => usual,
            };
            *slot = ratio.min(1.0).ln() as f32;
        }
    }

    /// One person's birth dates that have nothing in common lie as those of strangers do, so how many of them are a
    /// generation apart follows from the others. Learnt by itself, the level would be left to fathers and sons.
    pub(crate) fn tie_wrong_dates(&mut self) {
        let f = Field::Birth as usize;
        let (apart, differ) = (
            usize::from(at::birth::GENERATION),
            usize::from(at::birth::DIFFER),
        );
        self.m[f][apart] = self.m[f][differ] + self.u[f][apart] - self.u[f][differ];
        self.set_generation();
    }

    fn set_generation(&mut self) {
        let apart = self.u[Field::Birth as usize][usize::from(at::birth::GENERATION)];
        self.generation = [
            GENERATION.ln() - apart,
            (1.0 - GENERATION).ln() - (1.0 - apart.exp()).max(1e-3).ln(),
        ];
    }

    /// Logarithm of the chance of a field's level among strangers, given how rare the value is.
    fn among_strangers(&self, field: usize, level: u8, chance: f32) -> f32 {
        let l = usize::from(level);
        let rare = self.rare[field][l];
        let u = self.u[field][l];
        match level {
            _ if chance == 0.0 || rare == 0.0 => u,
            at::SAME => chance,
            _ => (u + rare * (chance - self.mean[field][l])).min(0.0),
        }
    }

    /// Natural logarithm of the odds that both registrations are of one person.
    pub(crate) fn log_odds(&self, pair: &Comparison) -> f32 {
        let sums = self.sums(pair);
        sums.one - sums.others()
    }

    /// The same, `None` where it is below `least`: most pairs fall short of that against strangers alone, at half the
    /// cost.
    pub(crate) fn log_odds_above(&self, pair: &Comparison, least: f32) -> Option<f32> {
        let sums = self.sums(pair);
        if sums.one - sums.strangers <= least {
            return None;
        }
        Some(sums.one - sums.others()).filter(|odds| *odds > least)
    }

    /// The probabilities of what the pair may be.
    pub(crate) fn shares(&self, pair: &Comparison) -> Shares {
        let sums = self.sums(pair);
        let nearest = sums.kin.iter().fold(sums.one, |high, k| high.max(*k));
        if nearest - sums.strangers < NOTHING {
            return Shares::default();
        }
        let highest = nearest.max(sums.strangers);
        let (one, kin) = (exp(sums.one - highest), sums.kin.map(|k| exp(k - highest)));
        let all = kin
            .iter()
            .fold(one + exp(sums.strangers - highest), |sum, k| sum + k);
        Shares {
            one: one / all,
            kin: kin.map(|k| k / all),
        }
    }

    /// What each field adds to the odds against a stranger, for an explanation.
    pub(crate) fn field_weight(&self, field: Field, level: u8, chance: f32) -> f32 {
        let f = field as usize;
        if level == at::UNKNOWN {
            0.0
        } else {
            self.m[f][usize::from(level)] - self.among_strangers(f, level, chance)
        }
    }

    fn sums(&self, pair: &Comparison) -> Sums {
        let (mut one, mut strangers, mut more) = (0.0, 0.0, [0.0; KIN]);
        for f in 0..FIELDS {
            let level = pair.level[f];
            if level == at::UNKNOWN {
                continue;
            }
            let m = self.m[f][usize::from(level)];
            let u = self.among_strangers(f, level, pair.chance[f]);
            one += m;
            strangers += u;
            for (sum, share) in more.iter_mut().zip(self.shared[f]) {
                *sum += share * (m - u);
            }
        }
        let mut kin: [f32; KIN] = std::array::from_fn(|k| self.kin[k] + strangers + more[k]);
        if pair.level[Field::Given as usize] == at::SAME {
            for (sum, ratio) in kin.iter_mut().zip(self.same_given) {
                *sum += ratio;
            }
        }
        // The CURPs of twins differ in a letter or two, so one with an error is like the other's as often as it has one.
        let curp = Field::Curp as usize;
        if let level @ (at::curp::SLIP | at::curp::ALIKE) = pair.level[curp] {
            let slip = self.m[curp][usize::from(at::curp::SLIP)];
            kin[TWIN] += slip - self.u[curp][usize::from(level)];
        }
        let apart = match pair.level[Field::Birth as usize] {
            at::UNKNOWN => 0.0,
            at::birth::GENERATION => self.generation[0],
            _ => self.generation[1],
        };
        for (sum, kind) in kin.iter_mut().zip(&RELATIVES) {
            if kind.birth == Births::Generation {
                *sum += apart;
            }
        }
        Sums {
            one: self.one + one,
            strangers: self.strangers + strangers,
            kin,
        }
    }
}

/// Logarithms of how often a pair would look as it does, for each that it may be.
struct Sums {
    one: f32,
    strangers: f32,
    kin: [f32; KIN],
}

impl Sums {
    /// Of all that are not one person.
    fn others(&self) -> f32 {
        let (strangers, kin) = (self.strangers, &self.kin);
        let highest = kin.iter().fold(strangers, |high, k| high.max(*k));
        let sum: f32 = kin
            .iter()
            .fold(exp(strangers - highest), |sum, k| sum + exp(k - highest));
        highest + sum.ln()
    }
}

/// A share with a logarithm below this, one in a thousand million, is none.
const NOTHING: f32 = -20.7;

/// e^x of a share's logarithm (no more than zero): two to a whole power times a polynomial for the rest, right to one
/// part in 300,000. A third of learning was spent in the library's.
fn exp(x: f32) -> f32 {
    if x < NOTHING {
        return 0.0;
    }
    let power = x * std::f32::consts::LOG2_E;
    let whole = (power - 0.5) as i32;
    let rest = (power - whole as f32) * std::f32::consts::LN_2;
    let terms = [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = terms.iter().fold(0.0, |sum, term| sum * rest + term);
    f32::from_bits(((whole + 127) as u32) << 23) * series
}

/// Odds as a probability.
pub(crate) fn probability(log_odds: f32) -> f64 {
    1.0 / (1.0 + f64::from(-log_odds).exp())
}
