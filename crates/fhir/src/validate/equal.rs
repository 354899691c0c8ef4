//! When a value is the one that a profile fixes, and when it follows a pattern.
//! Numbers are compared by what they are worth, not by how they are written.

use crate::{Value, decimal::Decimal};

/// Whether a value is exactly the fixed one. The order of members does not count.
pub(super) fn is_fixed(value: &Value, fixed: &Value) -> bool {
    match (value, fixed) {
        (Value::Object(value), Value::Object(fixed)) => {
            value.len() == fixed.len()
                && fixed
                    .iter()
                    .all(|(key, fixed)| value.get(key).is_some_and(|v| is_fixed(v, fixed)))
        }
        (Value::Array(values), Value::Array(fixed)) => {
            values.len() == fixed.len() && values.iter().zip(fixed).all(|(v, f)| is_fixed(v, f))
        }
        (Value::Number(value), Value::Number(fixed)) => same_number(value, fixed),
        _ => value == fixed,
    }
}

/// Whether a value has all that the pattern has, and maybe more.
pub(super) fn follows(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, pattern)| value.get(key).is_some_and(|v| follows(v, pattern))),
        (Value::Array(values), Value::Array(patterns)) => patterns
            .iter()
            .all(|pattern| values.iter().any(|value| follows(value, pattern))),
        _ => is_fixed(value, pattern),
    }
}

fn same_number(a: &str, b: &str) -> bool {
    a == b || parts(a) == parts(b)
}

/// Sign, digits without zeros at either end, and the power of ten of the last digit.
fn parts(digits: &str) -> Option<(bool, String, i64)> {
    let (negative, rest) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let (mantissa, power) = match rest.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let cut = all.trim_end_matches('0');
    let zeros = i64::try_from(all.len() - cut.len()).ok()?;
    let places = i64::try_from(fraction.len()).ok()?;
    let significant = cut.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return Some((false, significant, 0));
    }
    Some((negative, significant, power - places + zeros))
}

/// How two numbers stand to each other.
pub(super) fn order(a: &str, b: &str) -> Option<std::cmp::Ordering> {
    Some(Decimal::read(a)?.order(Decimal::read(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_by_worth() {
        for (a, b) in [
            ("1.0", "1"),
            ("100", "1E2"),
            ("0.10", "1e-1"),
            ("-0", "0.0"),
        ] {
            assert!(same_number(a, b), "{a} {b}");
        }
        for (a, b) in [("1", "10"), ("1", "-1"), ("0.1", "0.01")] {
            assert!(!same_number(a, b), "{a} {b}");
        }
    }
}
