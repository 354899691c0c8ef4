//! Names folded out of text before it is compressed.
//!
//! A UUID written in hexadecimal is 36 letters that no dictionary helps with. It is replaced by two bytes and put, as
//! its 16 bytes, into a list beside the text; the id of the person's own Patient by one byte, since the key of the row
//! says whose it is. JSON has no bytes below 0x20, so these stand for nothing else; where a text has them they are marked.
//!
//! In: text. Out: the text folded, the UUIDs in the order of their first mention; and back, byte for byte.

use crate::{Error, Result};

/// The id of the person's own Patient, where `Patient/` stands before it.
const OWN: u8 = 1;
/// A UUID; the next byte is its place in the list.
const UUID: u8 = 2;
/// The next byte stands for itself.
const ITSELF: u8 = 3;
/// Letters of a UUID.
const LETTERS: usize = 36;

/// Where the first `-` of a UUID stands.
const FIRST: usize = 8;

/// UUIDs folded out so far, and whose text it is.
pub(crate) struct Folder<'a> {
    own: &'a [u8],
    pub(crate) uuids: Vec<[u8; 16]>,
}

impl<'a> Folder<'a> {
    /// `own` is the id of the person's own Patient, empty for nobody's.
    pub(crate) fn new(own: &'a str) -> Folder<'a> {
        Folder {
            own: own.as_bytes(),
            uuids: Vec::new(),
        }
    }

    /// Appends a text, folded.
    pub(crate) fn fold(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut rest = text;
        while let Some(at) = marked(rest) {
            let (plain, mark) = rest.split_at_checked(at).unwrap_or_default();
            self.fold_plain(plain, out);
            let (byte, after) = mark.split_first().unwrap_or((&0, &[]));
            out.extend_from_slice(&[ITSELF, *byte]);
            rest = after;
        }
        self.fold_plain(rest, out);
    }

    /// The same of a text without bytes that have a meaning of ours. It goes by what each name has: a slash before it, or
    /// a dash at its place in it.
    fn fold_plain(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut done = 0;
        for at in memchr::memchr2_iter(b'/', b'-', text) {
            let folded = match text.get(at) {
                Some(b'/') => self
                    .own_after(text, at)
                    .map(|length| (at, length, [b'/', OWN])),
                _ => uuid_around(text, done, at)
                    .and_then(|(from, uuid)| Some((from, LETTERS, [UUID, self.place(uuid)?]))),
            };
            // What lies within the last one is at its end already.
            if let Some((from, length, bytes)) = folded.filter(|(from, ..)| *from >= done) {
                out.extend_from_slice(text.get(done..from).unwrap_or_default());
                out.extend_from_slice(&bytes);
                done = from + length;
            }
        }
        out.extend_from_slice(text.get(done..).unwrap_or_default());
    }

    /// How much to take when what follows the slash is the own Patient's id.
    fn own_after(&self, text: &[u8], at: usize) -> Option<usize> {
        let (before, after) = text.split_at_checked(at)?;
        let rest = after.get(1..)?.strip_prefix(self.own)?;
        let more = rest.first().is_some_and(|byte| is_id(*byte));
        (!self.own.is_empty() && before.ends_with(b"Patient") && !more).then(|| self.own.len() + 1)
    }

    /// The place of a UUID in the list; `None` when the list is full.
    fn place(&mut self, uuid: [u8; 16]) -> Option<u8> {
        let known = self.uuids.iter().position(|known| *known == uuid);
        let place = known.unwrap_or(self.uuids.len());
        let byte = u8::try_from(place).ok()?;
        if known.is_none() {
            self.uuids.push(uuid);
        }
        Some(byte)
    }
}

/// Where a byte stands that has a meaning of ours. JSON has none, so all of it is looked at first, many bytes at a time.
fn marked(text: &[u8]) -> Option<usize> {
    let is = |byte: &u8| *byte <= ITSELF;
    let any = text.iter().fold(false, |any, byte| any | is(byte));
    any.then(|| text.iter().position(is)).flatten()
}

/// The UUID whose first dash stands here, and where it starts: not before `done`, and where a name can.
fn uuid_around(text: &[u8], done: usize, dash: usize) -> Option<(usize, [u8; 16])> {
    let from = dash.checked_sub(FIRST).filter(|from| *from >= done)?;
    let before = from.checked_sub(1).and_then(|at| text.get(at));
    let fresh = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    fresh
        .then(|| uuid(text.get(from..)?))
        .flatten()
        .map(|uuid| (from, uuid))
}

fn is_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
}

/// The UUID at the start of a text, in lower case and followed by nothing that could belong to it.
pub(crate) fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let letters: &[u8; LETTERS] = text.first_chunk()?;
    if text.get(LETTERS).is_some_and(|byte| is_id(*byte)) {
        return None;
    }
    let mut out = [0; 16];
    let mut at = 0;
    for byte in &mut out {
        if matches!(at, 8 | 13 | 18 | 23) {
            if letters.get(at) != Some(&b'-') {
                return None;
            }
            at += 1;
        }
        *byte = digit(*letters.get(at)?)? << 4 | digit(*letters.get(at + 1)?)?;
        at += 2;
    }
    Some(out)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

/// Appends a UUID as it is written.
pub(crate) fn write_uuid(uuid: &[u8; 16], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
}

/// What unfolding needs: the list, and whose text it is.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) own: &'a str,
    pub(crate) uuids: &'a [[u8; 16]],
}

impl Names<'_> {
    /// Appends a folded text as it was.
    pub(crate) fn unfold(&self, folded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = folded;
        while let Some(at) = rest.iter().position(|byte| *byte <= ITSELF) {
            let (plain, mark) = rest.split_at_checked(at).unwrap_or_default();
            out.extend_from_slice(plain);
            rest = match mark {
                [OWN, rest @ ..] => {
                    out.extend_from_slice(self.own.as_bytes());
                    rest
                }
                [UUID, place, rest @ ..] => {
                    let uuid = self.uuids.get(usize::from(*place)).ok_or_else(strange)?;
                    write_uuid(uuid, out);
                    rest
                }
                [ITSELF, byte, rest @ ..] => {
                    out.push(*byte);
                    rest
                }
                _ => return Err(strange()),
            };
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// A folded text as it was.
    pub(crate) fn text(&self, folded: &[u8]) -> Result<String> {
        let mut out = Vec::with_capacity(folded.len() + LETTERS);
        self.unfold(folded, &mut out)?;
        String::from_utf8(out)
            .map_err(|_| Error::Damaged("a row holds a text that is not UTF-8".into()))
    }
}

fn strange() -> Error {
    Error::Damaged("a row holds a name that is not in its list".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(text: &[u8], own: &str) -> (Vec<u8>, usize) {
        let mut folder = Folder::new(own);
        let mut folded = Vec::new();
        folder.fold(text, &mut folded);
        let names = Names {
            own,
            uuids: &folder.uuids,
        };
        let mut back = Vec::new();
        names.unfold(&folded, &mut back).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&back),
            String::from_utf8_lossy(text)
        );
        (folded, folder.uuids.len())
    }

    #[test]
    fn names_are_folded_and_what_only_looks_like_one_stays() {
        let a = "0e8f1b1e-58a4-4d1c-9c0e-6a7f6f2f9b10";
        let text = format!(
            r#"{{"subject":{{"reference":"Patient/p-1"}},"encounter":{{"reference":"Encounter/{a}"}},"x":"urn:uuid:{a}"}}"#
        );
        let (folded, uuids) = there_and_back(text.as_bytes(), "p-1");
        assert_eq!(uuids, 1);
        assert_eq!(folded.len(), text.len() - 2 * 34 - 2);
        for same in [
            "0E8F1B1E-58A4-4D1C-9C0E-6A7F6F2F9B10".to_owned(),
            format!("{a}0"),
            format!("x{a}"),
            a.replace('-', "0"),
            a[..35].to_owned(),
            "Patient/p-12 Patien/p-1".to_owned(),
        ] {
            assert_eq!(there_and_back(same.as_bytes(), "p-1").0, same.as_bytes());
        }
        there_and_back(&[0, 1, 2, 3, 4, 2, 0, b'/', 1], "");
        let many: String = (0..300)
            .map(|n| format!("0e8f1b1e-58a4-4d1c-9c0e-6a7f6f2f{n:04x} "))
            .collect();
        assert_eq!(there_and_back(many.as_bytes(), "").1, 256);
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(text in proptest::collection::vec(0u8..=127, 0..200)) {
            there_and_back(&text, "a");
        }
    }
}
