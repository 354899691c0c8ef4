//! What agreement weighs between two sheets, learnt from the two without labels.

use super::encode::Sheet;
use super::part::{PARTS, Part, Shape, set};

/// Rounds of learning at most.
const ROUNDS: usize = 30;

/// How often a part agrees in pairs of one person, before anything was seen; counts as much as so many pairs.
const AGREES: f64 = 0.8;
const USUAL: f64 = 50.0;

/// The same of the birth: neither year nor day, the day alone, the year alone, both.
const BIRTH: [f64; 4] = [0.1, 0.05, 0.05, 0.8];

/// A kind of relatives.
struct Kin {
    shared: &'static [Part],
    /// How many pairs of them there usually are for each pair of one person; five times as many at most.
    usual: f64,
}

const KINDS_OF_KIN: usize = 5;

/// Relatives as the clear engine's model has them (see there for the shares).
const KIN: [Kin; KINDS_OF_KIN] = [
    // Brothers and sisters.
    Kin {
        shared: &[
            Part::First,
            Part::Second,
            Part::Postcode,
            Part::Locality,
            Part::Street,
            Part::BirthPlace,
            Part::Phone,
            Part::Mother,
        ],
        usual: 1.0,
    },
    // Twins.
    Kin {
        shared: &[
            Part::First,
            Part::Second,
            Part::Year,
            Part::Day,
            Part::Postcode,
            Part::Locality,
            Part::Street,
            Part::BirthPlace,
            Part::Phone,
            Part::Mother,
        ],
        usual: 0.015,
    },
    // Parent and child.
    Kin {
        shared: &[
            Part::First,
            Part::Postcode,
            Part::Locality,
            Part::Street,
            Part::BirthPlace,
            Part::Phone,
        ],
        usual: 1.0,
    },
    // Parent and child of one name.
    Kin {
        shared: &[
            Part::Given,
            Part::First,
            Part::Postcode,
            Part::Locality,
            Part::Street,
            Part::BirthPlace,
            Part::Phone,
        ],
        usual: 0.05,
    },
    // Others in one house.
    Kin {
        shared: &[Part::Postcode, Part::Locality, Part::Street, Part::Phone],
        usual: 1.0,
    },
];

/// What of its own a name and a date have: no kind of token lacks one of these or a number.
const OWN: [Part; 3] = [Part::Given, Part::Year, Part::Day];

/// What agreement weighs, as shares and not logarithms: there are few patterns.
pub(crate) struct Weights {
    /// Share of the pairs of two rows that are of one person; and of relatives, for each of these.
    one: f64,
    kin: [f64; KINDS_OF_KIN],
    /// How often each part agrees in one person's pairs, and in strangers'.
    m: [f64; PARTS],
    u: [f64; PARTS],
    /// How often, in one person's pairs, neither year nor day of birth agrees, the day alone, the year alone, both: a date
    /// that is missing or wholly wrong takes both away.
    birth: [f64; 4],
    shape: Shape,
}

impl Weights {
    pub(crate) fn learn(a: &Sheet, b: &Sheet, patterns: &[(u16, u64)]) -> Weights {
        let pairs = (a.people() as f64 * b.people() as f64).max(1.0);
        let u = std::array::from_fn(|p| {
            let (x, y) = (f64::from(a.chances[p]), f64::from(b.chances[p]));
            (x * y).sqrt().clamp(1e-12, 1.0)
        });
        let mut weights = Weights {
            one: 0.5 / (a.people().max(b.people()) as f64).max(1.0),
            kin: KIN.map(|kin| kin.usual),
            m: [AGREES; PARTS],
            u,
            birth: BIRTH,
            shape: a.shape,
        };
        for _ in 0..ROUNDS {
            let mut agreed = [AGREES * USUAL; PARTS];
            let mut birth = BIRTH.map(|share| share * USUAL);
            let mut kin = [0.0; KINDS_OF_KIN];
            let mut all = 0.0;
            for (pattern, times) in patterns {
                let times = *times as f64;
                let (one, of_kin) = weights.shares(*pattern);
                all += one * times;
                for part in Part::ALL.iter().filter(|p| pattern & p.bit() != 0) {
                    agreed[*part as usize] += one * times;
                }
                birth[births(*pattern)] += one * times;
                for (sum, share) in kin.iter_mut().zip(of_kin) {
                    *sum += share * times;
                }
            }
            let before = weights.one;
            weights.m = agreed.map(|n| (n / (all + USUAL)).clamp(0.001, 0.999));
            weights.birth = birth.map(|n| n / (all + USUAL));
            weights.kin = std::array::from_fn(|k| weights.share_of_kin(&KIN[k], kin[k], all));
            weights.one = ((all + 0.5) / pairs).min(0.5);
            if (weights.one - before).abs() < 1e-6 * before {
                break;
            }
        }
        weights
    }

    /// The share of a kind of relatives, of whom so many pairs were seen beside so many of one person. Those who share
    /// nothing of their own are seen only where they have a given name, a year or a day in common by chance.
    fn share_of_kin(&self, kin: &Kin, seen: f64, of_one: f64) -> f64 {
        let apart = OWN.iter().filter(|part| self.shape.has(**part));
        let unseen: f64 = apart.map(|part| 1.0 - self.u[*part as usize]).product();
        let visible = if OWN.iter().any(|part| kin.shared.contains(part)) {
            1.0
        } else {
            (1.0 - unseen).max(0.001)
        };
        let share = (seen / visible + kin.usual * USUAL) / (of_one + USUAL);
        share.min(5.0 * kin.usual)
    }

    /// The probabilities that a pair which agrees on these parts is of one person, and of each kind of relatives.
    pub(crate) fn shares(&self, agreed: u16) -> (f64, [f64; KINDS_OF_KIN]) {
        let birth = set(&[Part::Year, Part::Day]);
        let product = |shared: u16| {
            let one_birth = shared & birth == birth;
            let dates = if one_birth {
                self.birth[births(agreed)]
            } else {
                1.0
            };
            let told =
                |part: &Part| self.shape.has(*part) && !(one_birth && birth & part.bit() != 0);
            let factor = |part: Part| {
                let from = if shared & part.bit() != 0 {
                    self.m
                } else {
                    self.u
                };
                let p = from[part as usize];
                if agreed & part.bit() != 0 { p } else { 1.0 - p }
            };
            dates
                * Part::ALL
                    .into_iter()
                    .filter(told)
                    .map(factor)
                    .product::<f64>()
        };
        let one = self.one * product(u16::MAX);
        let kin: [f64; KINDS_OF_KIN] =
            std::array::from_fn(|k| self.one * self.kin[k] * product(set(KIN[k].shared)));
        let all = one + (1.0 - self.one) * product(0) + kin.iter().sum::<f64>();
        if all > 0.0 {
            (one / all, kin.map(|k| k / all))
        } else {
            (0.0, [0.0; KINDS_OF_KIN])
        }
    }
}

/// Which of day and year of birth agree, as a number.
fn births(agreed: u16) -> usize {
    usize::from(agreed & Part::Day.bit() != 0) | usize::from(agreed & Part::Year.bit() != 0) << 1
}
