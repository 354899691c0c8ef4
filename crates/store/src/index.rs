//! What stands in an index key for each kind of value.
//!
//! | kind | bytes | order |
//! |---|---|---|
//! | text | the first 32 bytes of the folded text, and 0 where it is shorter | by text: a prefix is a range |
//! | token | 5 of the code's hash, 3 of the system's | a code in any system is a range over few systems |
//! | words beside a token | 8 of the hash of the first [`WORDS`] letters, folded | exact; what follows is for the card to say |
//! | reference, URI | 8 of a hash | exact |
//! | date | class of the span's length, its start (its end where it has no start) | by start within a class |
//! | number | 8 | by value |
//! | quantity | 4 of the unit's hash, 8 of the number | by value within a unit |
//! | composite | its components one after the other | by the last one where those before are fixed |
//! | word of `_content` | 8 of a hash | exact; which words have rows is said in `words.rs` |
//! | position | 4: the bits of latitude and longitude in turn (Morton 1966) | a square is a range |
//!
//! No encoding is the start of another one, a resource type never stands in the value part, and hashes are keyed with the
//! store's secret.
//!
//! Not in the index: the main date (it stands in every key, `dates.rs`), a reference to the person's own Patient (the
//! cards of her compartment answer it), and what other parameters find as well ([`places`]). Resources with a long main date stand a second time in `LONG`; what a person's
//! resource is about ([`subject_matter`]) stands a second time in `PERSONAL`, under the person, and in `LINKED` which codes of
//! Observations say the same. What is in the middle of people's names stands in `PIECE` (`pieces.rs`).

use crate::{
    PersonKey,
    dates::{self, Length, Main},
    hash::siphash,
    keys::{DIRECTORY, EVERY, INDEX, Key, LINKED, LONG, PERSONAL, records},
    pieces,
};
use fhir::{
    ResourceType,
    search::{self, Entry, IDENTIFIER, Indexed, Part, fold, parameter, parameters},
};
use std::{collections::HashSet, sync::LazyLock};

/// Letters of the words beside a token (a display, a text, the type of an identifier) that stand in a key, hashed: what is
/// written there may name what somebody has. Shorter ones stand nowhere.
pub(crate) const WORDS: usize = 4;

/// Folded text kept in a key, in bytes.
pub(crate) const TEXT: usize = 32;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A class of date spans: how long they are at least and at most, in microseconds from the first to the last.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    Lasting(i64, i64),
    /// Stands by its start.
    NoEnd,
    /// Stands by its end.
    NoStart,
}

pub(crate) const CLASSES: [Class; 8] = [
    Class::Lasting(SECOND - 1, SECOND - 1),
    Class::Lasting(DAY - 1, DAY - 1),
    Class::Lasting(0, DAY),
    Class::Lasting(DAY, 31 * DAY),
    Class::Lasting(31 * DAY, 366 * DAY),
    Class::Lasting(366 * DAY, i64::MAX),
    Class::NoEnd,
    Class::NoStart,
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

/// Under which numbers the rows of a parameter stand: its own, or those of the parameters that find the same. Where a part
/// has a target, its rows hold references to other types as well.
pub(crate) fn places(of: ResourceType, number: u16) -> Vec<Part> {
    let mark = number & IDENTIFIER;
    let place = |part: &Part| Part {
        number: part.number | mark,
        ..*part
    };
    match search::parts(of, number & !IDENTIFIER) {
        [] => vec![Part {
            number,
            target: None,
        }],
        parts => parts.iter().map(place).collect(),
    }
}

/// Whether a parameter has rows of its own.
fn has_rows(of: ResourceType, number: u16) -> bool {
    search::parts(of, number & !IDENTIFIER).is_empty()
}

/// What a resource of a type is about: the parameter by which a person's resources are found among her own.
const MATTER: &[(&str, &str)] = &[
    ("AllergyIntolerance", "code"),
    ("CarePlan", "category"),
    ("Condition", "code"),
    ("DiagnosticReport", "code"),
    ("DocumentReference", "type"),
    ("Encounter", "class"),
    ("Immunization", "vaccine-code"),
    ("MedicationAdministration", "code"),
    ("MedicationDispense", "code"),
    ("MedicationRequest", "code"),
    ("MedicationStatement", "code"),
    ("Observation", "code"),
    ("Procedure", "code"),
    ("ServiceRequest", "code"),
];

static MATTERS: LazyLock<Vec<Option<u16>>> = LazyLock::new(|| {
    let of_type = |of: ResourceType| {
        let (_, code) = MATTER.iter().find(|(name, _)| *name == of.name())?;
        Some(parameter(of, code)?.number)
    };
    ResourceType::all().map(of_type).collect()
});

/// The parameter under which a person's resources of a type stand in `PERSONAL`.
pub(crate) fn subject_matter(of: ResourceType) -> Option<u16> {
    *MATTERS.get(usize::from(of.as_u16()))?
}

/// The start of the keys of a person's resources of a type by what they are about.
pub(crate) fn personal(of: ResourceType, person: PersonKey) -> Key {
    Key::new(records(of), PERSONAL).person(person).of(of)
}

/// The start of the keys of a person's resources of a type that say one thing in two codes.
pub(crate) fn linked(of: ResourceType, person: PersonKey) -> Key {
    Key::new(records(of), LINKED).person(person).of(of)
}

/// The same key among the long ones.
pub(crate) fn among_long(key: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    if let Some(family) = key.get_mut(2) {
        *family = LONG;
    }
    key
}

/// The index key of an entry, without its tail.
fn key(of: ResourceType, entry: &Entry, secret: &Secret) -> Vec<u8> {
    let mut key = start(of, entry.number).done();
    put_value(&entry.value, secret, &mut key);
    key
}

/// The index keys of a resource, without their tails, each once; those of its words are given.
pub(crate) fn keys(
    of: ResourceType,
    entries: &[Entry],
    words: Vec<Vec<u8>>,
    main: Option<Main>,
    own: Option<&str>,
    secret: &Secret,
) -> Vec<Vec<u8>> {
    let in_tail = dates::main_parameter(of).filter(|_| dates::is_pure(of));
    let stands = |entry: &&Entry| match &entry.value {
        Indexed::Reference(name) => Some(name.as_str()) != own,
        Indexed::Date { .. } => Some(entry.number) != in_tail,
        _ => true,
    };
    let own_rows = || entries.iter().filter(|entry| has_rows(of, entry.number));
    let mut keys: Vec<Vec<u8>> = own_rows()
        .filter(stands)
        .map(|entry| key(of, entry, secret))
        .collect();
    keys.extend(own_rows().filter_map(|entry| beside(of, entry, secret)));
    keys.extend(words);
    keys.push(start(of, EVERY).done());
    let pieces = own_rows().flat_map(|entry| pieces::keys(of, entry, secret));
    if main.is_some_and(|main| main.length == Length::Long) {
        let long: Vec<Vec<u8>> = keys.iter().map(|key| among_long(key)).collect();
        keys.extend(long);
    }
    keys.extend(pieces);
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The key of the words beside a token, for `:text`.
fn beside(of: ResourceType, entry: &Entry, secret: &Secret) -> Option<Vec<u8>> {
    match &entry.value {
        Indexed::Token { text, .. } if !text.is_empty() => {
            let start = start(of, entry.number);
            Some(start.bytes(&words_hash(&fold(text), secret)?).done())
        }
        _ => None,
    }
}

/// The hash of the first letters of folded words; `None` when they are too few.
pub(crate) fn words_hash(folded: &str, secret: &Secret) -> Option<[u8; 8]> {
    let end = match folded.char_indices().nth(WORDS) {
        Some((end, _)) => end,
        None => (folded.chars().count() == WORDS).then_some(folded.len())?,
    };
    // No code begins so.
    Some(whole_hash(&format!("\u{1}{}", folded.get(..end)?), secret))
}

/// Bytes of a value in `PERSONAL`.
pub(crate) const MATTER_BYTES: usize = 8;

/// The values under which a resource stands in `PERSONAL`, each once: its codings; its texts only when it has none.
pub(crate) fn matters(of: ResourceType, entries: &[Entry], secret: &Secret) -> Vec<Vec<u8>> {
    if !of.is_personal() {
        return Vec::new();
    }
    let number = subject_matter(of);
    let (mut codings, mut texts) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| Some(entry.number) == number) {
        match &entry.value {
            Indexed::Token { system, code, text } if system.is_empty() && code.is_empty() => {
                // No code begins so.
                texts.push(whole_hash(&format!("\0{text}"), secret).to_vec());
            }
            coding => codings.push(value(coding, secret)),
        }
    }
    let mut values = match codings.is_empty() {
        true => texts,
        false => codings,
    };
    values.sort_unstable();
    values.dedup();
    values
}

/// The pairs of values under which a resource stands in `LINKED`: enough to lead from each of its codes to all others.
pub(crate) fn links(of: ResourceType, matters: &[Vec<u8>]) -> impl Iterator<Item = Vec<u8>> {
    let pairs = matters.windows(2).map(|pair| pair.concat());
    pairs.filter(move |_| of.name() == "Observation")
}

/// The bytes of one value.
pub(crate) fn value(value: &Indexed, secret: &Secret) -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    put_value(value, secret, &mut out);
    out
}

fn put_value(value: &Indexed, secret: &Secret, out: &mut Vec<u8>) {
    match value {
        Indexed::Text { folded, .. } => put_text(folded, out),
        Indexed::Token { system, code, .. } => {
            out.extend_from_slice(&code_hash(code, secret));
            out.extend_from_slice(&system_hash(system, secret));
        }
        Indexed::Reference(text) | Indexed::Uri(text) => {
            out.extend_from_slice(&whole_hash(text, secret));
        }
        Indexed::Date { from, to } => {
            let (class, anchor) = class(*from, *to);
            out.push(class);
            out.extend_from_slice(&ordered(anchor));
        }
        Indexed::Number { value } => out.extend_from_slice(&ordered_f64(*value)),
        Indexed::Quantity { value, code, .. } => {
            out.extend_from_slice(&unit_hash(code, secret));
            out.extend_from_slice(&ordered_f64(*value));
        }
        Indexed::Composite(parts) => parts.iter().for_each(|part| put_value(part, secret, out)),
        Indexed::Position { lat, lon } => {
            out.extend_from_slice(&cell(*lat, *lon).to_be_bytes());
        }
    }
}

fn put_text(folded: &str, out: &mut Vec<u8>) {
    match folded.as_bytes().get(..TEXT) {
        Some(start) => out.extend_from_slice(start),
        None => {
            out.extend_from_slice(folded.as_bytes());
            out.push(0);
        }
    }
}

/// The part of a value by which answers are ordered, as bytes that compare and of which none is the start of another;
/// `None` for values without an order. Where the index orders its keys, it is the end of the value's bytes.
pub(crate) fn rank(value: &Indexed) -> Option<Vec<u8>> {
    let text = |text: &str| {
        let mut out = text.as_bytes().to_vec();
        out.push(0);
        out
    };
    Some(match value {
        Indexed::Text { folded, .. } => {
            let mut out = Vec::with_capacity(TEXT + 1);
            put_text(folded, &mut out);
            out
        }
        Indexed::Token { system, code, .. } => [text(code), text(system)].concat(),
        Indexed::Reference(name) | Indexed::Uri(name) => text(name),
        Indexed::Date { from, to } => ordered(class(*from, *to).1).to_vec(),
        Indexed::Number { value } | Indexed::Quantity { value, .. } => ordered_f64(*value).to_vec(),
        Indexed::Composite(parts) => rank(parts.last()?)?,
        Indexed::Position { .. } => return None,
    })
}

/// Which class of [`CLASSES`] a span belongs to, and by which of its ends it stands.
fn class(from: i64, to: i64) -> (u8, i64) {
    let lasts = to.saturating_sub(from);
    if to == i64::MAX {
        return (6, from);
    }
    if from == i64::MIN {
        return (7, to);
    }
    let fits = |class: &Class| matches!(class, Class::Lasting(low, high) if (*low..=*high).contains(&lasts));
    let at = CLASSES.iter().position(fits).unwrap_or(5);
    (at as u8, from)
}

/// The cell of a place in a grid of 65,536 by 65,536.
pub(crate) fn cell(lat: f64, lon: f64) -> u32 {
    morton(step(lat, 90.0), step(lon, 180.0))
}

/// A latitude or longitude in steps of the grid; what lies outside is moved to the edge.
pub(crate) fn step(degrees: f64, most: f64) -> u16 {
    ((degrees + most) / (2.0 * most) * 65_536.0).clamp(0.0, 65_535.0) as u16
}

/// The bits of two numbers in turn, highest first.
pub(crate) fn morton(a: u16, b: u16) -> u32 {
    (0..16).fold(0, |out, bit| {
        let of = |number: u16| u32::from(number >> bit & 1);
        out | of(a) << (2 * bit + 1) | of(b) << (2 * bit)
    })
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
    fn no_main_date_is_made_of_others_nor_are_others_made_of_it() {
        for of in ResourceType::all() {
            let main = dates::main_parameter(of);
            for parameter in parameters(of) {
                let places = places(of, parameter.number);
                let is = |part: &Part| Some(part.number) == main;
                let is_made = places.len() > 1 || places[0].number != parameter.number;
                let about = is_made && (places.iter().any(is) || Some(parameter.number) == main);
                assert!(!about, "{of} {}", parameter.code);
            }
        }
    }
    #[test]
    fn each_span_stands_in_its_class() {
        let of = |from, to| class(from, to);
        assert_eq!(of(0, SECOND - 1), (0, 0));
        assert_eq!(of(DAY, 2 * DAY - 1), (1, DAY));
        assert_eq!(of(5, 5), (2, 5));
        assert_eq!(of(0, 20 * DAY), (3, 0));
        assert_eq!(of(0, 300 * DAY), (4, 0));
        assert_eq!(of(0, 4000 * DAY), (5, 0));
        assert_eq!(of(7, i64::MAX), (6, 7));
        assert_eq!(of(i64::MIN, 9), (7, 9));
    }
    #[test]
    fn places_near_each_other_share_a_square() {
        let capital = cell(19.4326, -99.1332);
        assert_eq!(capital >> 12, cell(19.4340, -99.1400) >> 12);
        assert_ne!(capital >> 12, cell(25.6866, -100.3161) >> 12);
        assert_eq!(morton(0b11, 0b01), 0b1011);
    }
    #[test]
    fn a_text_comes_before_those_that_it_begins() {
        let key = |text: &str| {
            let mut out = Vec::new();
            put_text(text, &mut out);
            out.extend_from_slice(&[0x7f; 17]);
            out
        };
        assert!(key("ana") < key("ana maria") && key("ana maria") < key("anabel"));
    }
}
