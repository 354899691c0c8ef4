//! A card: what the index knows of one current resource, in one compact row.
//!
//! Cards stand in the order person, type, date: the copy of the index by compartment. A residual condition is matched on
//! the card, so neither a body nor JSON is read for what an answer leaves out.

use crate::{
    Labels, Result,
    codec::{Reader, put_bytes, put_number, put_signed},
};
use fhir::search::{Entry, Indexed};

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
    /// Id of the Patient whose it is; empty when nobody's.
    pub(crate) patient: String,
}

/// The part of a card that is known before the commit: entries and references.
pub(crate) fn encode_entries(
    entries: &[Entry],
    refers: &[String],
    directory: &[Vec<u8>],
    patient: &str,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_bytes(&mut out, patient.as_bytes());
    put_number(&mut out, directory.len() as u64);
    for key in directory {
        put_bytes(&mut out, key);
    }
    put_number(&mut out, refers.len() as u64);
    for name in refers {
        put_bytes(&mut out, name.as_bytes());
    }
    for entry in entries {
        put_number(&mut out, u64::from(entry.number));
        encode_value(&entry.value, &mut out);
    }
    out
}

fn encode_value(value: &Indexed, out: &mut Vec<u8>) {
    match value {
        Indexed::Text { folded, exact } => {
            out.push(if folded == exact { 1 } else { 0 });
            put_bytes(out, exact.as_bytes());
            if folded != exact {
                put_bytes(out, folded.as_bytes());
            }
        }
        Indexed::Token { system, code, text } => {
            out.push(2);
            put_bytes(out, system.as_bytes());
            put_bytes(out, code.as_bytes());
            put_bytes(out, text.as_bytes());
        }
        Indexed::Reference(name) => {
            out.push(3);
            put_bytes(out, name.as_bytes());
        }
        Indexed::Date { from, to } => {
            out.push(4);
            put_signed(out, *from);
            put_signed(out, to.wrapping_sub(*from));
        }
        Indexed::Number { value } => {
            out.push(5);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Indexed::Quantity {
            value,
            system,
            code,
        } => {
            out.push(6);
            out.extend_from_slice(&value.to_le_bytes());
            put_bytes(out, system.as_bytes());
            put_bytes(out, code.as_bytes());
        }
        Indexed::Uri(uri) => {
            out.push(7);
            put_bytes(out, uri.as_bytes());
        }
    }
}

fn decode_value(reader: &mut Reader<'_>) -> Result<Indexed> {
    Ok(match reader.byte()? {
        0 => Indexed::Text {
            exact: reader.text()?.to_owned(),
            folded: reader.text()?.to_owned(),
        },
        1 => {
            let exact = reader.text()?.to_owned();
            Indexed::Text {
                folded: exact.clone(),
                exact,
            }
        }
        2 => Indexed::Token {
            system: reader.text()?.to_owned(),
            code: reader.text()?.to_owned(),
            text: reader.text()?.to_owned(),
        },
        3 => Indexed::Reference(reader.text()?.to_owned()),
        4 => {
            let from = reader.signed()?;
            Indexed::Date {
                from,
                to: from.wrapping_add(reader.signed()?),
            }
        }
        5 => Indexed::Number {
            value: f64::from_le_bytes(reader.array()?),
        },
        6 => Indexed::Quantity {
            value: f64::from_le_bytes(reader.array()?),
            system: reader.text()?.to_owned(),
            code: reader.text()?.to_owned(),
        },
        7 => Indexed::Uri(reader.text()?.to_owned()),
        other => {
            return Err(crate::Error::Damaged(format!(
                "a card holds a value of unknown kind {other}"
            )));
        }
    })
}

/// Steps over a value without making it.
fn skip_value(reader: &mut Reader<'_>) -> Result<()> {
    let texts = match reader.byte()? {
        1 | 3 | 7 => 1,
        0 => 2,
        2 => 3,
        4 => {
            reader.number()?;
            reader.number()?;
            0
        }
        5 => {
            reader.take(8)?;
            0
        }
        _ => {
            reader.take(8)?;
            2
        }
    };
    for _ in 0..texts {
        reader.bytes()?;
    }
    Ok(())
}

/// A whole card row, from its known part.
pub(crate) fn encode(
    id: &str,
    version: u64,
    stamp: u64,
    updated: i64,
    labels: Labels,
    entries: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + id.len() + entries.len());
    put_number(&mut out, u64::from(labels.0));
    put_number(&mut out, stamp);
    put_bytes(&mut out, id.as_bytes());
    put_number(&mut out, version);
    put_signed(&mut out, updated);
    out.extend_from_slice(entries);
    out
}

/// The labels of a card's row; they can be read without opening it.
pub(crate) fn labels(row: &[u8]) -> Result<Labels> {
    Ok(Labels(Reader(row).number()? as u32))
}

impl Card {
    /// Reads a card. `wanted` says which parameters' entries are needed; the others are stepped over.
    pub(crate) fn decode(bytes: &[u8], wanted: &dyn Fn(u16) -> bool) -> Result<Card> {
        let mut reader = Reader(bytes);
        let mut card = Card {
            labels: Labels(reader.number()? as u32),
            stamp: reader.number()?,
            id: reader.text()?.to_owned(),
            version: reader.number()?,
            updated: reader.signed()?,
            entries: Vec::new(),
            refers: Vec::new(),
            directory: Vec::new(),
            patient: reader.text()?.to_owned(),
        };
        for _ in 0..reader.number()? {
            card.directory.push(reader.bytes()?.to_vec());
        }
        for _ in 0..reader.number()? {
            card.refers.push(reader.text()?.to_owned());
        }
        while !reader.0.is_empty() {
            let number = reader.number()? as u16;
            if wanted(number) {
                card.entries.push(Entry {
                    number,
                    value: decode_value(&mut reader)?,
                });
            } else {
                skip_value(&mut reader)?;
            }
        }
        Ok(card)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Indexed::Reference("Patient/1".into()),
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
        ];
        let entries: Vec<Entry> = (1..)
            .zip(values)
            .map(|(number, value)| Entry { number, value })
            .collect();
        let part = encode_entries(&entries, &["Organization/o".into()], &[b"k".to_vec()], "p");
        let row = encode("a-1", 3, 9, 1_700_000_000_000_000, Labels(5), &part);
        let card = Card::decode(&row, &|_| true).unwrap();
        assert_eq!((card.id.as_str(), card.version, card.stamp), ("a-1", 3, 9));
        assert_eq!(card.labels, Labels(5));
        assert_eq!(card.refers, ["Organization/o"]);
        assert_eq!(card.entries, entries);
        let one = Card::decode(&row, &|number| number == 4).unwrap();
        assert_eq!(one.entries, entries[3..4]);
    }
}
