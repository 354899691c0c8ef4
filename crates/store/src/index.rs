//! What stands in an index key for each kind of value.
//!
//! | kind | bytes | order |
//! |---|---|---|
//! | text | the first 32 bytes of the folded text | by text: a prefix is a range |
//! | token | 5 of the code's hash, 3 of the system's | a code in any system is a range over few systems |
//! | reference, URI | 8 of a hash | exact |
//! | date | class of the span's length, first microsecond | by start; a class bounds how far an end can lie behind |
//! | number | 8 | by value |
//! | quantity | 4 of the unit's hash, 8 of the number | by value within a unit |
//!
//! A resource type never stands in the value part, and hashes are keyed with the store's secret.

use crate::{
    hash::siphash,
    keys::{DIRECTORY, INDEX, Key, records},
};
use fhir::{
    ResourceType,
    search::{Entry, Indexed, parameters},
};
use std::{collections::HashSet, sync::LazyLock};

/// Folded text kept in a key, in bytes.
pub(crate) const TEXT: usize = 32;

/// The longest span of each class of dates, in microseconds; the last class has no bound.
pub(crate) const SPANS: [i64; 4] = [
    86_400_000_000,
    31 * 86_400_000_000,
    366 * 86_400_000_000,
    i64::MAX,
];

static IDENTIFIERS: LazyLock<HashSet<u16>> = LazyLock::new(|| {
    ResourceType::all()
        .flat_map(parameters)
        .filter(|parameter| parameter.code == "identifier")
        .map(|parameter| parameter.number)
        .collect()
});

/// The secret that hashes are keyed with.
pub(crate) type Secret = [u8; 16];

/// The start of the index keys of one parameter and type; identifiers have a place of their own in the directory.
pub(crate) fn start(of: ResourceType, number: u16) -> Key {
    let partition = if IDENTIFIERS.contains(&number) {
        DIRECTORY
    } else {
        records(of)
    };
    Key::new(partition, INDEX).short(number).of(of)
}

/// The index key of an entry, without its tail.
fn key(of: ResourceType, entry: &Entry, secret: &Secret) -> Vec<u8> {
    let mut key = start(of, entry.number).done();
    put_value(&entry.value, secret, &mut key);
    key
}

/// The index keys of a resource, without their tails, each once. A reference to the person's own Patient has none: the
/// cards of her compartment answer it.
pub(crate) fn keys(
    of: ResourceType,
    entries: &[Entry],
    own: Option<&str>,
    secret: &Secret,
) -> Vec<Vec<u8>> {
    let mut keys: Vec<Vec<u8>> = entries
        .iter()
        .filter(
            |entry| !matches!(&entry.value, Indexed::Reference(name) if Some(name.as_str()) == own),
        )
        .map(|entry| key(of, entry, secret))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn put_value(value: &Indexed, secret: &Secret, out: &mut Vec<u8>) {
    match value {
        Indexed::Text { folded, .. } => {
            out.extend_from_slice(folded.as_bytes().get(..TEXT).unwrap_or(folded.as_bytes()));
        }
        Indexed::Token { system, code, .. } => {
            out.extend_from_slice(&code_hash(code, secret));
            out.extend_from_slice(&system_hash(system, secret));
        }
        Indexed::Reference(text) | Indexed::Uri(text) => {
            out.extend_from_slice(&whole_hash(text, secret));
        }
        Indexed::Date { from, to } => {
            out.push(class(*from, *to));
            out.extend_from_slice(&ordered(*from));
        }
        Indexed::Number { value } => out.extend_from_slice(&ordered_f64(*value)),
        Indexed::Quantity { value, code, .. } => {
            out.extend_from_slice(&unit_hash(code, secret));
            out.extend_from_slice(&ordered_f64(*value));
        }
        Indexed::Composite(parts) => parts.iter().for_each(|part| put_value(part, secret, out)),
        Indexed::Position { lat, lon } => {
            out.extend_from_slice(&ordered_f64(*lat));
            out.extend_from_slice(&ordered_f64(*lon));
        }
    }
}

/// Which class of [`SPANS`] a span belongs to.
fn class(from: i64, to: i64) -> u8 {
    let length = to.saturating_sub(from);
    let open = from == i64::MIN || to == i64::MAX;
    let class = SPANS.iter().position(|&longest| length <= longest);
    if open { 3 } else { class.unwrap_or(3) as u8 }
}

pub(crate) fn whole_hash(text: &str, secret: &Secret) -> [u8; 8] {
    siphash(secret, text.as_bytes()).to_be_bytes()
}

pub(crate) fn code_hash(code: &str, secret: &Secret) -> [u8; 5] {
    let [a, b, c, d, e, ..] = whole_hash(code, secret);
    [a, b, c, d, e]
}

pub(crate) fn system_hash(system: &str, secret: &Secret) -> [u8; 3] {
    let [a, b, c, ..] = whole_hash(system, secret);
    [a, b, c]
}

pub(crate) fn unit_hash(code: &str, secret: &Secret) -> [u8; 4] {
    let [a, b, c, d, ..] = whole_hash(code, secret);
    [a, b, c, d]
}

/// A signed number as bytes that order as numbers do.
pub(crate) fn ordered(number: i64) -> [u8; 8] {
    ((number as u64) ^ (1 << 63)).to_be_bytes()
}

/// A float as bytes that order as numbers do.
pub(crate) fn ordered_f64(number: f64) -> [u8; 8] {
    // -0.0 equals 0.0 and must stand in the same place.
    let bits = (number + 0.0).to_bits();
    let flipped = if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    };
    flipped.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_order_as_numbers_do() {
        let floats = [f64::NEG_INFINITY, -2.5, -1e-9, 0.0, 1e-9, 3.0, 1e300];
        assert!(floats.map(ordered_f64).is_sorted());
        assert_eq!(ordered_f64(-0.0), ordered_f64(0.0));
        assert!([i64::MIN, -1, 0, 1, i64::MAX].map(ordered).is_sorted());
    }
    #[test]
    fn open_spans_are_in_the_unbounded_class() {
        let day = 86_400_000_000;
        assert_eq!(class(0, day - 1), 0);
        assert_eq!(class(0, 20 * day), 1);
        assert_eq!(class(0, 300 * day), 2);
        assert_eq!(class(0, 4000 * day), 3);
        assert_eq!(class(0, i64::MAX), 3);
        assert_eq!(class(i64::MIN, 0), 3);
    }
}
