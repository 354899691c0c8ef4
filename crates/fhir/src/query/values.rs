//! Values of a search: escapes, prefixes, and the span that the digits of a date or number imply.

use super::{Prefix, Wanted, shown};
use crate::{Issue, IssueCode, search::CANONICAL, time, ucum};

/// A value that is not what its parameter takes.
pub(super) fn bad_value(name: &str, value: &str, expected: &str) -> Issue {
    let diagnostics = format!("`{}={}`: expected {expected}.", shown(name), shown(value));
    Issue::error(IssueCode::Value, "", diagnostics)
}

/// Splits at a separator that no backslash stands before. The parts keep their escapes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            parts.push(text.get(start..at).unwrap_or_default());
            start = at + c.len_utf8();
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Takes the escapes `\,` `\|` `\$` `\\` back; any other backslash stands for itself.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match rest.next_if(|next| c == '\\' && matches!(next, ',' | '|' | '$' | '\\')) {
            Some(escaped) => out.push(escaped),
            None => out.push(c),
        }
    }
    out
}

/// `system|code`, `|code`, `system|` or `code`.
pub(super) fn token(text: &str) -> Result<Wanted, String> {
    let some = |part: &str| (!part.is_empty()).then(|| unescape(part));
    let (system, code) = match *split(text, '|').as_slice() {
        [code] => (None, some(code)),
        ["", code] => (Some(String::new()), Some(some(code).ok_or(TOKEN)?)),
        [system, code] => (some(system), some(code)),
        _ => return Err(TOKEN.into()),
    };
    match (&system, &code) {
        (None, None) => Err(TOKEN.into()),
        _ => Ok(Wanted::Token { system, code }),
    }
}

/// `system|code|value`: an identifier of a type; the system may be empty for any.
pub(super) fn of_type(text: &str) -> Result<Wanted, String> {
    match *split(text, '|').as_slice() {
        [system, code, value] if !code.is_empty() && !value.is_empty() => Ok(Wanted::OfType {
            system: (!system.is_empty()).then(|| unescape(system)),
            code: unescape(code),
            value: unescape(value),
        }),
        _ => Err("system|code|value: the type of the identifier and its value, as in http://terminology.hl7.org/CodeSystem/v2-0203|MR|446053".into()),
    }
}

/// Kilometres that count as near when a search does not say.
const NEAR_KM: f64 = 50.0;
/// Half of the way around the earth: what is further is as near as anything.
const FARTHEST_KM: f64 = 20_100.0;

/// `latitude|longitude`, with a distance and its unit if wanted; kilometres without a unit.
pub(super) fn near(text: &str) -> Result<Wanted, String> {
    const EXPECTED: &str =
        "latitude|longitude|distance|unit, as in 19.43|-99.13|5|km; without a unit, kilometres";
    let parts = split(text, '|');
    let degrees = |at: usize, most: f64| {
        let degrees = decimal(parts.get(at)?, Prefix::Eq)?.0;
        Some(degrees).filter(|degrees| degrees.abs() <= most)
    };
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
    let km = match (part(2), part(3)) {
        (None, _) => Some(NEAR_KM),
        (Some(distance), code) => ucum::unit(code.unwrap_or("km"))
            .filter(|unit| unit.base == "m" && decimal(distance, Prefix::Eq).is_some())
            .and_then(|unit| unit.in_base_f64(distance))
            .map(|metres| metres / 1_000.0),
    };
    match (degrees(0, 90.0), degrees(1, 180.0), km) {
        (Some(lat), Some(lon), Some(km)) if parts.len() <= 4 && km >= 0.0 => Ok(Wanted::Near {
            lat,
            lon,
            km: km.min(FARTHEST_KM),
        }),
        _ => Err(EXPECTED.into()),
    }
}

const TOKEN: &str = "code, system|code, |code or system| (a `|` inside a value is written `\\|`)";

/// A date with an optional prefix.
pub(super) fn date(text: &str) -> Result<Wanted, String> {
    let (prefix, rest) = prefix(text);
    let span = time::span(rest).ok_or(
        "a date such as 2024, 2024-05, 2024-05-17 or 2024-05-17T10:30:00-06:00, with a prefix eq, ne, gt, lt, ge, le, sa, eb or ap if wanted",
    )?;
    let (from, to) = match prefix {
        Prefix::Ap => widened(span),
        _ => (span.from, span.to),
    };
    Ok(Wanted::Date { prefix, from, to })
}

/// What `ap` takes for about that time: as long again before and after. R4 proposes a tenth of the distance to now;
/// we keep no clock here, so that the same search has the same meaning tomorrow.
fn widened(span: time::Span) -> (i64, i64) {
    let length = span.to - span.from + 1;
    (span.from - length, span.to + length)
}

/// A number with an optional prefix.
pub(super) fn number(text: &str) -> Result<Wanted, String> {
    let (prefix, rest) = prefix(text);
    let (value, low, high) = decimal(rest, prefix).ok_or(
        "a number such as 5, 5.40 or 1.2e-3, with a prefix eq, ne, gt, lt, ge, le, sa, eb or ap if wanted",
    )?;
    Ok(Wanted::Number {
        prefix,
        value,
        low,
        high,
    })
}

/// `number`, `number|system|code` or `number||unit`, with an optional prefix.
pub(super) fn quantity(text: &str) -> Result<Wanted, String> {
    const EXPECTED: &str = "a quantity such as 5.4, 5.4|http://unitsofmeasure.org|mg or 5.4||mg, with a prefix eq, ne, gt, lt, ge, le, sa, eb or ap if wanted";
    let some = |part: &str| (!part.is_empty()).then(|| unescape(part));
    let (digits, system, code) = match *split(text, '|').as_slice() {
        [digits] => (digits, None, None),
        [digits, system, code] => (digits, some(system), some(code)),
        _ => return Err(EXPECTED.into()),
    };
    let (prefix, rest) = prefix(digits);
    let range = range(rest, prefix).ok_or(EXPECTED)?;
    // In base units, so that every spelling of the same amount is found.
    let unit = match (system.as_deref(), code.as_deref()) {
        (Some(ucum::SYSTEM), Some(code)) => ucum::unit(code),
        _ => None,
    };
    if let Some(unit) = unit
        && let Some((value, low, high)) = floats(&range, prefix, |text| unit.in_base_f64(text))
    {
        return Ok(Wanted::Quantity {
            prefix,
            value,
            low,
            high,
            system: Some(CANONICAL.to_owned()),
            code: Some(unit.base.clone()),
        });
    }
    let (value, low, high) = floats(&range, prefix, |text| text.parse().ok()).ok_or(EXPECTED)?;
    Ok(Wanted::Quantity {
        prefix,
        value,
        low,
        high,
        system,
        code,
    })
}

/// The prefix and what follows it; without one, `eq`.
fn prefix(text: &str) -> (Prefix, &str) {
    let found = PREFIXES
        .iter()
        .find_map(|(name, prefix)| Some((*prefix, text.strip_prefix(name)?)));
    found.unwrap_or((Prefix::Eq, text))
}

const PREFIXES: [(&str, Prefix); 9] = [
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("lt", Prefix::Lt),
    ("ge", Prefix::Ge),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
    ("ap", Prefix::Ap),
];

/// A decimal with the lowest value its digits stand for and the first that they do not.
fn decimal(text: &str, prefix: Prefix) -> Option<(f64, f64, f64)> {
    floats(&range(text, prefix)?, prefix, |text| text.parse().ok())
}

/// The digits of a number, of the lowest that they stand for and of the first that they do not.
struct Range {
    value: String,
    low: String,
    high: String,
}

/// What digits stand for: 5.4 is 5.35 to 5.45. For `ap`, a tenth to either side.
fn range(text: &str, prefix: Prefix) -> Option<Range> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let only_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if digits.is_empty() || !only_digits(digits) || !only_digits(fraction) {
        return None;
    }
    // 30 digits are more than any measurement has, and fit an i128 with one to spare.
    if digits.len() + fraction.len() > 30 {
        return None;
    }
    let number: i128 = format!("{whole}{fraction}").parse().ok()?;
    let last = i32::from(exponent) - i32::try_from(fraction.len()).ok()? - 1;
    let ten = number * 10;
    let around = match prefix {
        Prefix::Ap => number.abs(),
        _ => 5,
    };
    let told = |number: i128| format!("{number}e{last}");
    Some(Range {
        value: told(ten),
        low: told(ten - around),
        high: told(ten + around),
    })
}

/// A range in floats, by a way to read digits. `ap` takes in its upper end.
fn floats(
    range: &Range,
    prefix: Prefix,
    read: impl Fn(&str) -> Option<f64>,
) -> Option<(f64, f64, f64)> {
    let read = |text: &str| read(text).filter(|number: &f64| number.is_finite());
    let (value, low, high) = (read(&range.value)?, read(&range.low)?, read(&range.high)?);
    let high = match prefix {
        Prefix::Ap => high.next_up(),
        // More digits than a float has: the number itself is still in.
        _ => high.max(value.next_up()),
    };
    Some((value, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_a_separator_in_the_value() {
        assert_eq!(split(r"a\,b,c\\,d", ','), [r"a\,b", r"c\\", "d"]);
        assert_eq!(unescape(r"a\,b\|c\$d\\e\x\"), r"a,b|c$d\e\x\");
    }

    #[test]
    fn digits_say_how_exact_a_number_is() {
        let range = |text| decimal(text, Prefix::Eq);
        assert_eq!(range("100"), Some((100.0, 99.5, 100.5)));
        assert_eq!(range("100.00"), Some((100.0, 99.995, 100.005)));
        assert_eq!(range("5.4"), Some((5.4, 5.35, 5.45)));
        assert_eq!(range("1e2"), Some((100.0, 50.0, 150.0)));
        assert_eq!(range("-1.5E-3"), Some((-0.0015, -0.00155, -0.00145)));
        assert_eq!(range("-0"), Some((0.0, -0.5, 0.5)));
        for text in [
            "",
            "-",
            ".",
            "5.",
            ".5",
            "+1",
            "1e",
            "1e999",
            "NaN",
            "inf",
            "0x1",
            "1 ",
            "５",
            "1e99999",
            &"9".repeat(40),
        ] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn about_is_a_tenth_more_or_less() {
        let (_, low, high) = decimal("100", Prefix::Ap).unwrap();
        assert!(low == 90.0 && high > 110.0 && high < 110.000001);
    }
}
