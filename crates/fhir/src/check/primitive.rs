//! The forms of primitive values, by the regular expressions of <https://hl7.org/fhir/R4/datatypes.html>, by hand.
//! Dates must also exist: 30 February has the form of a date and is none.

use crate::{IssueCode, Value, definitions::table::Primitive};

/// "Strings SHALL NOT exceed 1MB in size."
const LONGEST_STRING: usize = 1 << 20;

/// How a primitive is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Another kind of JSON value.
    Json,
    /// The right kind, with text or digits of another form.
    Form,
    /// More than 1 MB of text.
    Long,
}

impl Fault {
    pub(crate) fn code(self) -> IssueCode {
        match self {
            Fault::Json => IssueCode::Structure,
            Fault::Form => IssueCode::Value,
            Fault::Long => IssueCode::TooLong,
        }
    }
    /// What would have been right.
    pub(crate) fn in_words(self, of: Primitive) -> String {
        let form = match of {
            Primitive::Base64Binary => "base64 text, in groups of four",
            Primitive::Boolean => "true or false, without quotes",
            Primitive::Canonical | Primitive::Uri | Primitive::Url => {
                "a URI, without spaces inside"
            }
            Primitive::Code => "a code: no space at its ends, single spaces inside",
            Primitive::Date => "a date that exists: YYYY, YYYY-MM or YYYY-MM-DD",
            Primitive::DateTime => {
                "a date that exists (YYYY, YYYY-MM or YYYY-MM-DD), or with time and zone YYYY-MM-DDThh:mm:ss+zz:zz"
            }
            Primitive::Decimal => "a number, without quotes",
            Primitive::Id => "1 to 64 of A-Z, a-z, 0-9, - and .",
            Primitive::Instant => {
                "a date that exists with time and zone: YYYY-MM-DDThh:mm:ss+zz:zz"
            }
            Primitive::Integer => "a whole number of 32 bits, without quotes",
            Primitive::Markdown | Primitive::String => {
                "text that is not empty, without control characters"
            }
            Primitive::Oid => "an OID: urn:oid:1.2.3",
            Primitive::PositiveInt => "a whole number from 1 to 2147483647, without quotes",
            Primitive::Time => "a time of day: hh:mm:ss",
            Primitive::UnsignedInt => "a whole number from 0 to 2147483647, without quotes",
            Primitive::Uuid => "a UUID: urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
            Primitive::Xhtml => "XHTML text, one <div>",
        };
        match self {
            Fault::Long => format!("at most {LONGEST_STRING} characters"),
            _ => format!("{form} ({})", of.name()),
        }
    }
}

/// What is wrong with a value of a primitive type, if anything.
pub(crate) fn fault(of: Primitive, value: &Value) -> Option<Fault> {
    let good = match (of, value) {
        (Primitive::Boolean, Value::Bool(_)) => true,
        (Primitive::Decimal, Value::Number(digits)) => is_decimal(digits),
        (Primitive::Integer, Value::Number(digits)) => is_integer(digits, i32::MIN),
        (Primitive::UnsignedInt, Value::Number(digits)) => is_integer(digits, 0),
        (Primitive::PositiveInt, Value::Number(digits)) => is_integer(digits, 1),
        (
            Primitive::Boolean
            | Primitive::Decimal
            | Primitive::Integer
            | Primitive::UnsignedInt
            | Primitive::PositiveInt,
            _,
        ) => return Some(Fault::Json),
        (_, Value::String(text)) => {
            if matches!(of, Primitive::String | Primitive::Markdown) && is_long(text) {
                return Some(Fault::Long);
            }
            is_text(of, text)
        }
        _ => return Some(Fault::Json),
    };
    (!good).then_some(Fault::Form)
}

fn is_text(of: Primitive, text: &str) -> bool {
    let bytes = text.as_bytes();
    match of {
        Primitive::Base64Binary => is_base64(bytes),
        Primitive::Canonical | Primitive::Uri | Primitive::Url => {
            let inner = text.trim_matches(' ').as_bytes();
            !inner.is_empty() && inner.iter().all(|&b| b > b' ' && b != 0x7f)
        }
        Primitive::Code => is_code(bytes),
        Primitive::Date => date(bytes).is_some_and(|(rest, _)| rest.is_empty()),
        Primitive::DateTime => match date(bytes) {
            Some(([], _)) => true,
            Some((rest, Precision::Day)) => is_time_and_zone(rest),
            _ => false,
        },
        Primitive::Instant => match date(bytes) {
            Some((rest, Precision::Day)) => is_time_and_zone(rest),
            _ => false,
        },
        Primitive::Id => is_id(text),
        Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
        Primitive::Time => time(bytes).is_some_and(<[u8]>::is_empty),
        Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
        Primitive::Xhtml => text.trim_start().starts_with("<div") && is_printable(bytes),
        _ => !bytes.is_empty() && is_printable(bytes),
    }
}

fn is_long(text: &str) -> bool {
    text.len() > LONGEST_STRING && text.chars().count() > LONGEST_STRING
}

fn is_printable(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|&b| b >= b' ' || matches!(b, b'\t' | b'\n' | b'\r'))
}

/// `[^\s]+(\s[^\s]+)*`, of whitespace only the space.
fn is_code(bytes: &[u8]) -> bool {
    let mut after_space = true;
    for &b in bytes {
        match b {
            b' ' if after_space => return false,
            b' ' => after_space = true,
            0..=0x1f | 0x7f => return false,
            _ => after_space = false,
        }
    }
    !after_space
}

/// 1 to 64 of A-Z, a-z, 0-9, - and `.`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// `1.2.840`: the first arc is 0 to 2, no arc has a leading zero.
pub(crate) fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let first = arcs.next();
    let mut count = 0;
    matches!(first, Some("0" | "1" | "2"))
        && arcs.all(|arc| {
            count += 1;
            !arc.is_empty()
                && arc.bytes().all(|b| b.is_ascii_digit())
                && (arc == "0" || !arc.starts_with('0'))
        })
        && count > 0
}

/// Hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Groups of four, whitespace anywhere, `=` only at the end.
fn is_base64(bytes: &[u8]) -> bool {
    let (mut count, mut padding) = (0usize, 0usize);
    for &b in bytes {
        match b {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'=' => padding += 1,
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        count += 1;
    }
    count > 0 && count.is_multiple_of(4) && padding <= 2
}

fn is_decimal(digits: &str) -> bool {
    // What JSON calls a number; but 1E999 has no place in an index or a chart.
    digits.len() <= 64 && digits.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_integer(digits: &str, least: i32) -> bool {
    let whole = digits
        .strip_prefix('-')
        .unwrap_or(digits)
        .bytes()
        .all(|b| b.is_ascii_digit());
    whole && digits.parse::<i32>().is_ok_and(|n| n >= least) && digits != "-0"
}

/// How much of a date is said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Precision {
    Year,
    Month,
    Day,
}

/// Reads `n` digits; gives their value and the rest.
fn digits(bytes: &[u8], n: usize) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_at_checked(n)?;
    let mut value = 0;
    for b in head {
        value = value * 10 + char::from(*b).to_digit(10)?;
    }
    Some((value, rest))
}

/// Reads a date; gives the rest and how much was said.
fn date(bytes: &[u8]) -> Option<(&[u8], Precision)> {
    let (year, rest) = digits(bytes, 4)?;
    if year == 0 {
        return None;
    }
    let [b'-', rest @ ..] = rest else {
        return Some((rest, Precision::Year));
    };
    let (month, rest) = digits(rest, 2)?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let [b'-', rest @ ..] = rest else {
        return Some((rest, Precision::Month));
    };
    let (day, rest) = digits(rest, 2)?;
    (1..=days_in(year, month))
        .contains(&day)
        .then_some((rest, Precision::Day))
}

fn days_in(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads `hh:mm:ss` with any fraction; gives the rest. Second 60 is a leap second.
fn time(bytes: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = digits(bytes, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let [b'.', fraction @ ..] = rest else {
        return Some(rest);
    };
    let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    (length > 0).then_some(fraction.get(length..)?)
}

/// `Thh:mm:ss`, then `Z` or an offset of at most 14 hours.
fn is_time_and_zone(bytes: &[u8]) -> bool {
    let zone = bytes.strip_prefix(b"T").and_then(time);
    match zone {
        Some([b'Z']) => true,
        Some([b'+' | b'-', offset @ ..]) => is_offset(offset).unwrap_or(false),
        _ => false,
    }
}

fn is_offset(bytes: &[u8]) -> Option<bool> {
    let (hours, rest) = digits(bytes, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(b":")?, 2)?;
    Some(rest.is_empty() && minutes < 60 && (hours < 14 || (hours == 14 && minutes == 0)))
}
