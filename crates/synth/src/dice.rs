//! Chance: one stream per person, so that a person does not depend on any other.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of random numbers with the few questions that a life asks.
pub(crate) struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    /// The stream `stream` of the seed.
    pub(crate) fn new(seed: u64, stream: u64) -> Dice {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Dice { rng }
    }
    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// Uniform among `from..=to`.
    pub(crate) fn between(&mut self, from: i32, to: i32) -> i32 {
        let width = f64::from((to - from).max(0) + 1);
        (from + (self.unit() * width) as i32).min(to.max(from))
    }
    pub(crate) fn range(&mut self, from: f64, to: f64) -> f64 {
        from + self.unit() * (to - from)
    }
    /// Standard normal (Box and Muller, one of the pair).
    pub(crate) fn normal(&mut self) -> f64 {
        let u = 1.0 - self.unit();
        let v = self.unit();
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
    /// Days until the next event of a rate per year.
    pub(crate) fn wait_days(&mut self, per_year: f64) -> i32 {
        let years = -(1.0 - self.unit()).ln() / per_year.max(1e-6);
        (years * 365.25).clamp(1.0, 60_000.0) as i32
    }
    /// One of the items; `None` if there is none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let last = i32::try_from(items.len()).ok()?.checked_sub(1)?;
        let at = self.between(0, last);
        items.get(usize::try_from(at).ok()?)
    }
    /// A position, chosen by weight.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (i, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return i;
            }
        }
        // Rounding may leave a crumb: the last that has a weight.
        weights.iter().rposition(|w| *w > 0.0).unwrap_or(0)
    }
    /// An id of the form of a random UUID (version 4).
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.rng.next_u64(), self.rng.next_u64());
        let hex = |n: u64, digits: usize, out: &mut String| {
            for i in (0..digits).rev() {
                let nibble = (n >> (4 * i)) & 15;
                out.push(char::from_digit(nibble as u32, 16).unwrap_or('0'));
            }
        };
        let mut out = String::with_capacity(36);
        hex(a >> 32, 8, &mut out);
        out.push('-');
        hex(a >> 16, 4, &mut out);
        out.push_str("-4");
        hex(a, 3, &mut out);
        out.push('-');
        hex((b >> 48) & 0x3fff | 0x8000, 4, &mut out);
        out.push('-');
        hex(b, 12, &mut out);
        out
    }
}

/// Share of a standard normal below `z` (Abramowitz and Stegun 26.2.17; error below 1e-7).
pub(crate) fn below(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * poly;
    if z >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, stream| Dice::new(seed, stream).uuid();
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7), draw(1, 8));
        assert_ne!(draw(1, 7), draw(2, 7));
        assert_eq!(draw(1, 7).len(), 36);
    }
    #[test]
    fn the_normal_curve_is_one() {
        assert!((below(0.0) - 0.5).abs() < 1e-6);
        assert!((below(1.96) - 0.975).abs() < 1e-4);
        let mut dice = Dice::new(3, 3);
        let mean: f64 = (0..20_000).map(|_| dice.normal()).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
    }
    #[test]
    fn weights_and_bounds_hold() {
        let mut dice = Dice::new(5, 0);
        let mut seen = [0; 3];
        for _ in 0..10_000 {
            seen[dice.weighted(&[1.0, 0.0, 3.0])] += 1;
            assert!((2..=4).contains(&dice.between(2, 4)));
        }
        assert_eq!(seen[1], 0);
        assert!((seen[2] as f64 / 10_000.0 - 0.75).abs() < 0.02);
    }
}
