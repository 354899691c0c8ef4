//! A card: what the index knows of one current resource, in one compact row.
//!
//! Cards stand in the order person, type, date: the copy of the index by compartment. A residual condition is matched on
//! the card, so neither a body nor JSON is read for what an answer leaves out.

use crate::{
    Error, Labels, Result,
    codec::{Reader, put_bytes, put_name, put_number, put_signed, read_name},
    fold::{Folder, Names},
    press::Press,
    vault::Facts,
};
use fhir::{
    ResourceType,
    search::{self, Completion, Entry, Indexed},
};

/// What stands on a card.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    pub(crate) updated: i64,
    pub(crate) labels: Labels,
    pub(crate) entries: Vec<Entry>,
    /// Names of shared resources that it refers to.
    pub(crate) refers: Vec<String>,
    /// Keys by which its person is found.
    pub(crate) directory: Vec<Vec<u8>>,
    /// Id of the person's Patient; empty when it is nobody's.
    pub(crate) patient: String,
}

/// The part of a card that is known before the commit, in two streams: what a dictionary helps with, and numbers, which
/// it does not.
pub(crate) struct Part {
    pub(crate) uuids: Vec<[u8; 16]>,
    pub(crate) numbers: Vec<u8>,
    pub(crate) text: Vec<u8>,
}

struct Writing<'a> {
    folder: Folder<'a>,
    numbers: Vec<u8>,
    text: Vec<u8>,
    /// The span written last: resources say the same moment several times.
    last: Option<(i64, i64)>,
}

/// Writes entries and references of a resource of a type; `own` is the id of the person's Patient. What follows from other
/// entries ([`search::follows`]) is left out.
pub(crate) fn write_part(
    of: ResourceType,
    entries: &[Entry],
    refers: &[String],
    directory: &[Vec<u8>],
    own: &str,
) -> Part {
    let mut out = Writing {
        folder: Folder::new(own),
        numbers: Vec::with_capacity(32),
        text: Vec::with_capacity(512),
        last: None,
    };
    put_number(&mut out.text, directory.len() as u64);
    for key in directory {
        put_bytes(&mut out.numbers, key);
    }
    put_number(&mut out.text, refers.len() as u64);
    for name in refers {
        out.put(name);
    }
    let follows = |entry: &&Entry| search::follows(of, entry.number);
    for entry in entries.iter().filter(|entry| !follows(entry)) {
        put_number(&mut out.text, u64::from(entry.number));
        out.value(&entry.value);
    }
    Part {
        uuids: out.folder.uuids,
        numbers: out.numbers,
        text: out.text,
    }
}

const FOLDED: u8 = 0;
const EXACT: u8 = 1;
const TOKEN: u8 = 2;
const REFERENCE: u8 = 3;
/// A span in microseconds.
const SPAN: u8 = 4;
const NUMBER: u8 = 5;
const QUANTITY: u8 = 6;
const URI: u8 = 7;
/// The same span as the one before.
const SAME: u8 = 8;
const COMPOSITE: u8 = 9;
const POSITION: u8 = 10;
/// A span that starts at a whole second and lasts as long as [`LENGTHS`] says at this place.
const WHOLE: u8 = 16;

/// Lengths of spans that are common, in microseconds: a moment, a second, a minute, a day, each with and without its
/// last microsecond.
const LENGTHS: [i64; 8] = [
    0,
    1_000_000,
    999_999,
    60_000_000,
    59_999_999,
    86_400_000_000,
    86_399_999_999,
    999,
];

impl Writing<'_> {
    fn put(&mut self, text: &str) {
        let at = self.text.len();
        self.folder.fold(text.as_bytes(), &mut self.text);
        let folded = self.text.split_off(at);
        put_bytes(&mut self.text, &folded);
    }

    fn value(&mut self, value: &Indexed) {
        match value {
            Indexed::Text { folded, exact } => {
                self.text.push(if folded == exact { EXACT } else { FOLDED });
                self.put(exact);
                if folded != exact {
                    self.put(folded);
                }
            }
            Indexed::Token { system, code, text } => {
                self.text.push(TOKEN);
                self.put(system);
                self.put(code);
                self.put(text);
            }
            Indexed::Reference(name) => {
                self.text.push(REFERENCE);
                self.put(name);
            }
            Indexed::Date { from, to } => self.span(*from, *to),
            Indexed::Number { value } => {
                self.text.push(NUMBER);
                put_float(&mut self.numbers, *value);
            }
            Indexed::Quantity {
                value,
                system,
                code,
            } => {
                self.text.push(QUANTITY);
                put_float(&mut self.numbers, *value);
                self.put(system);
                self.put(code);
            }
            Indexed::Uri(uri) => {
                self.text.push(URI);
                self.put(uri);
            }
            Indexed::Composite(parts) => {
                self.text.push(COMPOSITE);
                put_number(&mut self.numbers, parts.len() as u64);
                parts.iter().for_each(|part| self.value(part));
            }
            Indexed::Position { lat, lon } => {
                self.text.push(POSITION);
                put_float(&mut self.numbers, *lat);
                put_float(&mut self.numbers, *lon);
            }
        }
    }

    fn span(&mut self, from: i64, to: i64) {
        let length = to.wrapping_sub(from);
        let common = LENGTHS.iter().position(|known| *known == length);
        if self.last == Some((from, to)) {
            self.text.push(SAME);
        } else if let Some(place) = common
            && from % 1_000_000 == 0
        {
            self.text.push(WHOLE + place as u8);
            put_signed(&mut self.numbers, from / 1_000_000);
        } else {
            self.text.push(SPAN);
            put_signed(&mut self.numbers, from);
            put_signed(&mut self.numbers, length);
        }
        self.last = Some((from, to));
    }
}

/// Digits after the point of a number that is written short, at most.
const SHORT: u64 = 6;

/// Appends a number: few digits in few bytes, others in nine; the same bits come back.
fn put_float(out: &mut Vec<u8>, value: f64) {
    for digits in 0..SHORT {
        let scaled = (value * scale(digits)).round();
        let whole = scaled as i64;
        if scaled.abs() < 1e12 && (whole as f64 / scale(digits)).to_bits() == value.to_bits() {
            put_number(out, digits);
            put_signed(out, whole);
            return;
        }
    }
    put_number(out, SHORT);
    out.extend_from_slice(&value.to_le_bytes());
}

fn scale(digits: u64) -> f64 {
    10f64.powi(digits as i32)
}

/// Reads the two streams of a part.
struct Reading<'a> {
    names: Names<'a>,
    text: Reader<'a>,
    numbers: Reader<'a>,
    last: (i64, i64),
}

impl Reading<'_> {
    fn take(&mut self) -> Result<String> {
        self.names.text(self.text.bytes()?)
    }

    fn float(&mut self) -> Result<f64> {
        match self.numbers.number()? {
            digits @ 0..SHORT => Ok(self.numbers.signed()? as f64 / scale(digits)),
            _ => Ok(f64::from_le_bytes(self.numbers.array()?)),
        }
    }

    fn span(&mut self, kind: u8) -> Result<(i64, i64)> {
        self.last = match kind {
            SAME => self.last,
            SPAN => {
                let from = self.numbers.signed()?;
                (from, from.wrapping_add(self.numbers.signed()?))
            }
            _ => {
                let length = LENGTHS
                    .get(usize::from(kind - WHOLE))
                    .ok_or_else(|| strange(kind))?;
                let from = self.numbers.signed()?.wrapping_mul(1_000_000);
                (from, from.wrapping_add(*length))
            }
        };
        Ok(self.last)
    }

    fn value(&mut self) -> Result<Indexed> {
        Ok(match self.text.byte()? {
            FOLDED => Indexed::Text {
                exact: self.take()?,
                folded: self.take()?,
            },
            EXACT => {
                let exact = self.take()?;
                Indexed::Text {
                    folded: exact.clone(),
                    exact,
                }
            }
            TOKEN => Indexed::Token {
                system: self.take()?,
                code: self.take()?,
                text: self.take()?,
            },
            REFERENCE => Indexed::Reference(self.take()?),
            NUMBER => Indexed::Number {
                value: self.float()?,
            },
            QUANTITY => Indexed::Quantity {
                value: self.float()?,
                system: self.take()?,
                code: self.take()?,
            },
            URI => Indexed::Uri(self.take()?),
            COMPOSITE => {
                let mut parts = Vec::new();
                for _ in 0..self.numbers.number()? {
                    parts.push(self.value()?);
                }
                Indexed::Composite(parts.into())
            }
            POSITION => Indexed::Position {
                lat: self.float()?,
                lon: self.float()?,
            },
            kind @ (SPAN | SAME | WHOLE..) => {
                let (from, to) = self.span(kind)?;
                Indexed::Date { from, to }
            }
            other => return Err(strange(other)),
        })
    }

    /// Steps over a value without making it.
    fn skip(&mut self) -> Result<()> {
        let texts = match self.text.byte()? {
            EXACT | REFERENCE | URI => 1,
            FOLDED => 2,
            TOKEN => 3,
            NUMBER => {
                self.float()?;
                0
            }
            QUANTITY => {
                self.float()?;
                2
            }
            COMPOSITE => {
                for _ in 0..self.numbers.number()? {
                    self.skip()?;
                }
                0
            }
            POSITION => {
                self.float()?;
                self.float()?;
                0
            }
            kind @ (SPAN | SAME | WHOLE..) => {
                self.span(kind)?;
                0
            }
            other => return Err(strange(other)),
        };
        for _ in 0..texts {
            self.text.bytes()?;
        }
        Ok(())
    }
}

fn strange(kind: u8) -> Error {
    Error::Damaged(format!("a card holds a value of unknown kind {kind}"))
}

/// What a card's row says besides labels and stamp, which stand before it, and whose it is, which its key says.
pub(crate) fn encode(facts: &Facts<'_>, own: &str, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + packed.len());
    put_number(&mut out, facts.version);
    put_signed(&mut out, facts.updated);
    put_name(&mut out, facts.id, own);
    out.extend_from_slice(packed);
    out
}

/// The labels of a card's row; they can be read without opening it.
pub(crate) fn labels(row: &[u8]) -> Result<Labels> {
    Ok(mark(row)?.0)
}

/// The labels of a card's row, and the stamp of its version.
pub(crate) fn mark(row: &[u8]) -> Result<(Labels, u64)> {
    let mut reader = Reader(row);
    Ok((Labels(reader.number()? as u32), reader.number()?))
}

impl Card {
    /// Reads a card of a type. `wanted` says which parameters' entries are needed; the others are stepped over. Without it
    /// only the beginning is read. `own` is the id of the person's Patient.
    pub(crate) fn decode(
        of: ResourceType,
        bytes: &[u8],
        (labels, stamp): (Labels, u64),
        own: &str,
        press: &Press,
        wanted: Option<&dyn Fn(u16) -> bool>,
    ) -> Result<Card> {
        let mut reader = Reader(bytes);
        let mut card = Card {
            version: reader.number()?,
            updated: reader.signed()?,
            id: read_name(&mut reader, own)?,
            labels,
            stamp,
            entries: Vec::new(),
            refers: Vec::new(),
            directory: Vec::new(),
            patient: own.to_owned(),
        };
        let Some(wanted) = wanted else {
            return Ok(card);
        };
        let uuids = reader.uuids()?;
        let numbers = Reader(reader.bytes()?);
        let codec = reader.number()?;
        let text = press.unpack(codec, reader.0)?;
        let mut reading = Reading {
            names: Names { own, uuids },
            text: Reader(&text),
            numbers,
            last: (0, 0),
        };
        for _ in 0..reading.text.number()? {
            card.directory.push(reading.numbers.bytes()?.to_vec());
        }
        for _ in 0..reading.text.number()? {
            card.refers.push(reading.take()?);
        }
        let completion = Completion::of(of, wanted);
        while !reading.text.0.is_empty() {
            let number = reading.text.number()? as u16;
            if wanted(number) || completion.needs(number) {
                let value = reading.value()?;
                card.entries.push(Entry { number, value });
            } else {
                reading.skip()?;
            }
        }
        completion.apply(&mut card.entries, wanted);
        Ok(card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PersonKey, vault::Vault};

    #[test]
    fn a_card_comes_back_whole_or_in_the_wanted_part() {
        let values = [
            Indexed::Text {
                folded: "ana".into(),
                exact: "Ana".into(),
            },
            Indexed::Token {
                system: "http://loinc.org".into(),
                code: "718-7".into(),
                text: String::new(),
            },
            Indexed::Reference("Patient/p".into()),
            Indexed::Date {
                from: i64::MIN,
                to: i64::MAX,
            },
            Indexed::Number { value: 5.4 },
            Indexed::Quantity {
                value: -1.5,
                system: String::new(),
                code: "mg".into(),
            },
            Indexed::Uri("urn:x".into()),
            Indexed::Date {
                from: 5_000_000,
                to: 5_999_999,
            },
            Indexed::Date {
                from: 5_000_000,
                to: 5_999_999,
            },
            Indexed::Reference("Encounter/0e8f1b1e-58a4-4d1c-9c0e-6a7f6f2f9b10".into()),
            Indexed::Composite(
                [
                    Indexed::Number { value: 1.0 },
                    Indexed::Reference("Patient/2".into()),
                ]
                .into(),
            ),
            Indexed::Position {
                lat: 19.43,
                lon: -99.13,
            },
        ];
        let entries: Vec<Entry> = (1..)
            .zip(values)
            .map(|(number, value)| Entry { number, value })
            .collect();
        let vault = Vault::in_memory().unwrap();
        let of = ResourceType::from_name("Observation").unwrap();
        let part = write_part(
            of,
            &entries,
            &["Organization/o".into()],
            &[b"k".to_vec()],
            "p",
        );
        let packed = vault.pack_card(&part);
        let facts = Facts {
            of: fhir::ResourceType::from_name("Observation").unwrap(),
            id: "a-1",
            rid: 8,
            version: 3,
            stamp: 9,
            updated: 1_700_000_000_000_000,
            labels: Labels(5),
            person: PersonKey(0),
        };
        let inside = encode(&facts, "p", &packed);
        let decode = |wanted: &dyn Fn(u16) -> bool| {
            Card::decode(of, &inside, (Labels(5), 9), "p", &vault.press, Some(wanted)).unwrap()
        };
        let card = decode(&|_| true);
        assert_eq!((card.id.as_str(), card.version, card.stamp), ("a-1", 3, 9));
        assert_eq!(card.labels, Labels(5));
        assert_eq!(card.refers, ["Organization/o"]);
        assert_eq!(card.directory, [b"k"]);
        assert_eq!(card.entries, entries);
        for wanted in 1..=entries.len() {
            let one = decode(&|number| usize::from(number) == wanted);
            assert_eq!(one.entries, entries[wanted - 1..wanted]);
        }
    }

    #[test]
    fn numbers_come_back_to_the_bit() {
        let values = [
            0.0,
            -0.0,
            5.4,
            -1.5,
            1e-9,
            1.0 / 3.0,
            f64::MAX,
            f64::NEG_INFINITY,
            120.0,
            99_999_999_999_999.0,
            0.1 + 0.2,
        ];
        for value in values {
            let mut numbers = Vec::new();
            put_float(&mut numbers, value);
            let mut reading = Reading {
                names: Names {
                    own: "",
                    uuids: &[],
                },
                text: Reader(&[]),
                numbers: Reader(&numbers),
                last: (0, 0),
            };
            assert_eq!(
                reading.float().unwrap().to_bits(),
                value.to_bits(),
                "{value}"
            );
        }
    }
}
