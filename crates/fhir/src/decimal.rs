//! Decimals as FHIR means them: exact, and `1.10` knows that it was written with two places.
//!
//! A whole number of up to 38 digits (`i128`) and how many of them stand behind the point. Sums, differences and
//! products are exact; quotients have up to 28 places. What does not fit is `None`, never a wrong number. No allocation
//! except to print. (The usual crate holds 28 digits and no more, and FHIR asks to keep what was sent.)

use std::{cmp::Ordering, fmt};

/// Most digits behind the point that a number keeps.
const MOST_PLACES: u32 = 37;
/// Digits behind the point that a quotient is worked out to.
const QUOTIENT_PLACES: u32 = 28;

/// An exact decimal. `==` on the type compares how it is written (`1.0` is not `1.00`); [`Decimal::order`] compares value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    places: u32,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal {
        digits: 0,
        places: 0,
    };

    /// Reads what JSON and FHIR write: sign, digits, point, exponent. `None` when it is no number or does not fit.
    pub fn read(text: &str) -> Option<Decimal> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let (negative, whole) = match whole.as_bytes().first()? {
            b'-' => (true, &whole[1..]),
            b'+' => (false, &whole[1..]),
            _ => (false, whole),
        };
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) {
            return None;
        }
        let mut digits: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            digits = digits.checked_mul(10)?.checked_add(digit)?;
        }
        let digits = if negative { -digits } else { digits };
        let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        match u32::try_from(places) {
            Ok(places) if places <= MOST_PLACES => Some(Decimal { digits, places }),
            Ok(_) => None,
            Err(_) => Some(Decimal {
                digits: digits.checked_mul(power(places.unsigned_abs())?)?,
                places: 0,
            }),
        }
    }

    /// The nearest decimal of a float, with as many places as the float is shown with; `None` for infinities and the like.
    pub fn from_f64(number: f64) -> Option<Decimal> {
        if !number.is_finite() {
            return None;
        }
        let short = format!("{number}");
        Decimal::read(&short).or_else(|| Decimal::read(&format!("{number:.15}")))
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The whole number it is, `None` when it has a fraction or does not fit.
    pub fn to_i64(self) -> Option<i64> {
        let short = self.shortest();
        (short.places == 0)
            .then(|| i64::try_from(short.digits).ok())
            .flatten()
    }

    /// How many digits were written behind the point.
    pub fn places(self) -> u32 {
        self.places
    }

    /// Whether it is less than zero.
    pub fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Which value is greater, whatever the digits written.
    pub fn order(self, other: Decimal) -> Ordering {
        if let Some((a, b, _)) = aligned(self, other) {
            return a.cmp(&b);
        }
        // Too far apart in places to be written alike: the whole parts decide, then the fractions.
        let (a, b) = (self.shortest(), other.shortest());
        if let Some((a, b, _)) = aligned(a, b) {
            return a.cmp(&b);
        }
        let split = |d: Decimal| {
            let unit = power(d.places).unwrap_or(1);
            (d.digits.div_euclid(unit), d.digits.rem_euclid(unit))
        };
        let ((whole_a, rest_a), (whole_b, rest_b)) = (split(a), split(b));
        let fraction = |rest, places| aligned_fraction(rest, places);
        whole_a
            .cmp(&whole_b)
            .then_with(|| fraction(rest_a, a.places).cmp(&fraction(rest_b, b.places)))
    }

    /// The sum.
    pub fn plus(self, other: Decimal) -> Option<Decimal> {
        let (a, b, places) = aligned(self, other)?;
        Some(Decimal {
            digits: a.checked_add(b)?,
            places,
        })
    }

    /// The difference.
    pub fn minus(self, other: Decimal) -> Option<Decimal> {
        self.plus(other.negated())
    }

    /// The product.
    pub fn times(self, other: Decimal) -> Option<Decimal> {
        let exact = |a: Decimal, b: Decimal| {
            let places = a.places + b.places;
            let digits = a.digits.checked_mul(b.digits)?;
            (places <= MOST_PLACES).then_some(Decimal { digits, places })
        };
        exact(self, other).or_else(|| exact(self.shortest(), other.shortest()))
    }

    /// The quotient, to 28 places at most, without trailing zeros; `None` when divided by zero.
    pub fn over(self, other: Decimal) -> Option<Decimal> {
        let (a, b) = (self.shortest(), other.shortest());
        if b.digits == 0 {
            return None;
        }
        // a.digits * 10^more / b.digits has a.places + more - b.places places.
        let mut more = (QUOTIENT_PLACES + b.places).saturating_sub(a.places);
        let scaled = loop {
            match power(more).and_then(|p| a.digits.checked_mul(p)) {
                Some(scaled) => break scaled,
                None => more = more.checked_sub(1)?,
            }
        };
        let quotient = divided(scaled, b.digits)?;
        let places = i64::from(a.places) + i64::from(more) - i64::from(b.places);
        match u32::try_from(places) {
            Ok(places) => Some(
                Decimal {
                    digits: quotient,
                    places,
                }
                .shortest(),
            ),
            Err(_) => Some(Decimal {
                digits: quotient.checked_mul(power(u32::try_from(-places).ok()?)?)?,
                places: 0,
            }),
        }
    }

    /// How many times the other fits whole, towards zero; `None` when divided by zero.
    pub fn whole_over(self, other: Decimal) -> Option<Decimal> {
        let (a, b, _) = aligned(self, other)?;
        a.checked_div(b).map(Decimal::from_whole)
    }

    /// What is left after [`Decimal::whole_over`].
    pub fn remainder(self, other: Decimal) -> Option<Decimal> {
        let (a, b, places) = aligned(self, other)?;
        Some(Decimal {
            digits: a.checked_rem(b)?,
            places,
        })
    }

    /// With the sign turned.
    pub fn negated(self) -> Decimal {
        Decimal {
            digits: self.digits.saturating_neg(),
            ..self
        }
    }

    /// Without its sign.
    pub fn abs(self) -> Decimal {
        if self.digits < 0 {
            self.negated()
        } else {
            self
        }
    }

    /// Rounded half away from zero to at most so many places.
    pub fn rounded(self, places: u32) -> Decimal {
        self.cut(places, divided)
    }

    /// The greatest with so many places that is not above it.
    pub fn floor(self, places: u32) -> Decimal {
        self.cut(places, |scaled, unit| Some(scaled.div_euclid(unit)))
    }

    /// The least with so many places that is not below it.
    pub fn ceiling(self, places: u32) -> Decimal {
        self.negated().floor(places).negated()
    }

    /// Cut towards zero.
    pub fn truncated(self) -> Decimal {
        self.cut(0, |scaled, unit| scaled.checked_div(unit))
    }

    /// With exactly so many places: zeros added, or rounded. `None` when it does not fit.
    pub fn with_places(self, places: u32) -> Option<Decimal> {
        if places <= self.places {
            return Some(self.rounded(places));
        }
        if places > MOST_PLACES {
            return None;
        }
        Some(Decimal {
            digits: self.digits.checked_mul(power(places - self.places)?)?,
            places,
        })
    }

    /// Half of the unit of its last digit: what it may be off by.
    pub fn half_unit(self) -> Option<Decimal> {
        let places = self.places + 1;
        (places <= MOST_PLACES).then_some(Decimal { digits: 5, places })
    }

    /// Without zeros at the end of its fraction.
    pub fn shortest(self) -> Decimal {
        let mut short = self;
        while short.places > 0 && short.digits % 10 == 0 {
            short.digits /= 10;
            short.places -= 1;
        }
        short
    }

    fn from_whole(digits: i128) -> Decimal {
        Decimal { digits, places: 0 }
    }

    fn cut(self, places: u32, divide: impl Fn(i128, i128) -> Option<i128>) -> Decimal {
        if places >= self.places {
            return self;
        }
        let digits = power(self.places - places)
            .and_then(|unit| divide(self.digits, unit))
            .unwrap_or(0);
        Decimal { digits, places }
    }
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Decimal {
        Decimal::from_whole(i128::from(whole))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        let places = self.places as usize;
        if places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

fn power(of: u32) -> Option<i128> {
    10i128.checked_pow(of)
}

/// Both with the places of the finer one.
fn aligned(a: Decimal, b: Decimal) -> Option<(i128, i128, u32)> {
    let places = a.places.max(b.places);
    let stretched = |d: Decimal| d.digits.checked_mul(power(places - d.places)?);
    Some((stretched(a)?, stretched(b)?, places))
}

/// A fraction below one, at the most places there are: comparable with any other.
fn aligned_fraction(rest: i128, places: u32) -> i128 {
    power(MOST_PLACES - places.min(MOST_PLACES))
        .and_then(|unit| rest.checked_mul(unit))
        .unwrap_or(i128::MAX)
}

/// Rounded half away from zero.
fn divided(a: i128, b: i128) -> Option<i128> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let half = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
    let away = if (a < 0) == (b < 0) { 1 } else { -1 };
    quotient.checked_add(if half && rest != 0 { away } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        Decimal::read(text).unwrap()
    }

    #[test]
    fn what_is_read_is_printed_to_the_digit() {
        for text in [
            "0",
            "-0.5",
            "1.10",
            "1234567890987654321.0",
            "0.00000001",
            "100",
        ] {
            assert_eq!(d(text).to_string(), text);
        }
        assert_eq!(d("1.5e3").to_string(), "1500");
        assert_eq!(d("15E-1").to_string(), "1.5");
        assert_eq!(d("+3").to_string(), "3");
        for text in ["", "-", "1.", ".5", "1e", "a", "1e999999999", "1e-40", "1 "] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
    #[test]
    fn sums_and_quotients_are_exact() {
        assert_eq!(d("1.2").plus(d("1.8")).unwrap().to_string(), "3.0");
        assert_eq!(d("0.1").plus(d("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(d("1.8").minus(d("1.2")).unwrap().to_string(), "0.6");
        assert_eq!(d("1").over(d("2")).unwrap().to_string(), "0.5");
        assert_eq!(
            d("1.2").over(d("1.8")).unwrap().rounded(2).to_string(),
            "0.67"
        );
        assert_eq!(d("2.2").remainder(d("1.8")).unwrap().to_string(), "0.4");
        assert_eq!(d("-2.1").floor(0).to_string(), "-3");
        assert_eq!(d("-2.1").ceiling(0).to_string(), "-2");
        assert_eq!(d("-2.5").rounded(0).to_string(), "-3");
        assert_eq!(d("1").over(Decimal::ZERO), None);
    }
    #[test]
    fn order_is_by_value_even_when_the_digits_do_not_fit_together() {
        let big = d("12345678901234567890123456789012345678");
        let small = d("0.0000000000000000000000000000000000001");
        assert_eq!(big.order(small), Ordering::Greater);
        assert_eq!(small.order(big.negated()), Ordering::Greater);
        assert_eq!(d("1.50").order(d("1.5")), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn nothing_overflows(a in any::<i128>(), b in any::<i128>(), p in 0u32..38, q in 0u32..38) {
            let (a, b) = (Decimal { digits: a, places: p }, Decimal { digits: b, places: q });
            let _ = (a.plus(b), a.minus(b), a.times(b), a.over(b), a.whole_over(b), a.remainder(b));
            let _ = (a.order(b), a.rounded(q), a.floor(q), a.ceiling(q), a.to_string(), a.with_places(q));
            if a.order(b) == Ordering::Less {
                prop_assert_eq!(b.order(a), Ordering::Greater);
            }
        }
        #[test]
        fn a_quotient_times_the_divisor_is_near(a in -1_000_000i64..1_000_000, b in 1i64..1000) {
            let quotient = Decimal::from(a).over(Decimal::from(b)).unwrap();
            let back = quotient.times(Decimal::from(b)).unwrap().rounded(10);
            prop_assert_eq!(back.order(Decimal::from(a)), Ordering::Equal);
        }
    }
}
