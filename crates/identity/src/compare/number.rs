//! Numbers side by side: telephones, CURPs, and others.

use super::{Found, Pair, UNKNOWN};
use crate::draft::{BASE, signs, unpack};
use crate::field::{Field, at};
use crate::sound::edits;
use mx::IdentifierState;

impl Pair<'_> {
    pub(super) fn phone(&self) -> Found {
        let (a, b) = (self.a.phones, self.b.phones);
        let pairs = || {
            a.into_iter()
                .flat_map(|x| b.into_iter().map(move |y| (x, y)))
                .filter(|(x, y)| *x != 0 && *y != 0)
        };
        if let Some((x, _)) = pairs().find(|(x, y)| x == y) {
            return (at::SAME, self.number_chance(x, Field::Phone));
        }
        match pairs().map(|(x, y)| slip(x, y)).max() {
            Some(true) => (at::ALIKE, 0.0),
            Some(false) => (at::DIFFER, 0.0),
            None => UNKNOWN,
        }
    }

    pub(super) fn curp(&self) -> Found {
        use at::curp::*;
        let (x, y) = (&self.a.curp, &self.b.curp);
        let (Some(of_x), Some(of_y)) = (self.a.curp_state, self.b.curp_state) else {
            return UNKNOWN;
        };
        if x == y {
            return (at::SAME, 0.0);
        }
        // Two right digits do not both stand under a slip of the pen, however like the letters are: twins have such
        // CURPs.
        if of_x >= IdentifierState::DigitOk && of_y >= IdentifierState::DigitOk {
            return (BOTH_RIGHT, 0.0);
        }
        let alike = x[..16].iter().zip(&y[..16]).filter(|(a, b)| a == b).count();
        // The letters follow from the name, which is compared already: without the date they say nothing new.
        let dates = || edits(&x[4..10], &y[4..10], 1) <= 1;
        let level = match edits(&x[..17], &y[..17], 1) {
            0 | 1 => SLIP,
            _ if alike == 16 => SLIP,
            _ if alike >= 13 && dates() => ALIKE,
            _ => DIFFER,
        };
        (level, 0.0)
    }

    pub(super) fn number(&self) -> Found {
        let (a, b) = (self.a, self.b);
        let mut found = UNKNOWN;
        for i in 0..3 {
            for j in 0..3 {
                if a.numbers[i] == 0 || b.numbers[j] == 0 || a.systems[i] != b.systems[j] {
                    continue;
                }
                if a.numbers[i] == b.numbers[j] {
                    return (at::SAME, self.number_chance(a.numbers[i], Field::Number));
                }
                if self.register.tells_apart(a.systems[i]) {
                    let level = if slip(a.numbers[i], b.numbers[j]) {
                        at::ALIKE
                    } else {
                        at::DIFFER
                    };
                    found.0 = if found.0 == at::UNKNOWN {
                        level
                    } else {
                        found.0.min(level)
                    };
                }
            }
        }
        found
    }
}

/// Two packed numbers one sign apart.
fn slip(x: u64, y: u64) -> bool {
    let long = (signs(x), signs(y));
    if long.0.min(long.1) < 5
        || long.0.abs_diff(long.1) > 1
        || long.0 == long.1 && !may_be_one_change(x, y)
    {
        return false;
    }
    let ((a, m), (b, n)) = (unpack(x), unpack(y));
    m >= 5 && n >= 5 && edits(&a[..m], &b[..n], 1) <= 1
}

/// Whether two packed numbers of one length may differ in one sign or in two neighbours exchanged: the difference is
/// then a power of the base times one sign's, or times the base less one times two signs'.
fn may_be_one_change(x: u64, y: u64) -> bool {
    let mut apart = x.abs_diff(y);
    while apart != 0 && apart.is_multiple_of(BASE) {
        apart /= BASE;
    }
    apart < BASE || apart.is_multiple_of(BASE - 1) && apart < BASE * BASE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::pack;

    #[test]
    fn one_sign_apart_is_told_without_unpacking_and_rightly() {
        let number = "5512345678";
        let at = |i: usize| &number[i..=i];
        let mut slips = vec![format!("{number}0"), format!("0{number}")];
        for i in 0..number.len() {
            let (before, after) = (&number[..i], &number[i + 1..]);
            slips.push(format!("{before}{after}"));
            slips.push(format!("{before}z{after}"));
            if i + 1 < number.len() && at(i) != at(i + 1) {
                slips.push(format!(
                    "{before}{}{}{}",
                    at(i + 1),
                    at(i),
                    &number[i + 2..]
                ));
            }
        }
        for other in &slips {
            assert!(slip(pack(number).unwrap(), pack(other).unwrap()), "{other}");
        }
        for other in [
            "5512345687z",
            "5513345679",
            "5521345687",
            "1234",
            "551234567890",
        ] {
            assert!(
                !slip(pack(number).unwrap(), pack(other).unwrap()),
                "{other}"
            );
        }
        assert!(!slip(pack("1234").unwrap(), pack("1235").unwrap()));
        assert!(!slip(1 << 63 | 7, 1 << 63 | 8));
    }
}
