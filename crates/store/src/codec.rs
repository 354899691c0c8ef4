//! Compact numbers and texts inside rows: varints, and a reader that never trusts what it reads.

use crate::{Error, Result, fold};

/// Appends a number, seven bits a byte.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number (zigzag).
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends bytes with their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends an id: a UUID as its bytes, the own Patient's as nothing.
pub(crate) fn put_name(out: &mut Vec<u8>, id: &str, own: &str) {
    if id == own {
        out.push(0);
    } else if let Some(uuid) = fold::uuid(id.as_bytes()) {
        out.push(1);
        out.extend_from_slice(&uuid);
    } else {
        put_number(out, id.len() as u64 + 2);
        out.extend_from_slice(id.as_bytes());
    }
}

/// Reads an id.
pub(crate) fn read_name(reader: &mut Reader<'_>, own: &str) -> Result<String> {
    let text = match reader.number()? {
        0 => return Ok(own.to_owned()),
        1 => {
            let mut text = Vec::with_capacity(36);
            fold::write_uuid(&reader.array()?, &mut text);
            String::from_utf8(text).map_err(|_| ())
        }
        length => {
            let bytes = reader.take(usize::try_from(length - 2).unwrap_or(usize::MAX))?;
            String::from_utf8(bytes.to_vec()).map_err(|_| ())
        }
    };
    text.map_err(|()| Error::Damaged("a row holds an id that is not UTF-8".into()))
}

/// Appends a list of UUIDs.
pub(crate) fn put_uuids(out: &mut Vec<u8>, uuids: &[[u8; 16]]) {
    put_number(out, uuids.len() as u64);
    out.extend_from_slice(uuids.as_flattened());
}

/// Reads what the functions above wrote.
#[derive(Clone)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn number(&mut self) -> Result<u64> {
        let mut number = 0u64;
        for (i, &byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.0 = self.0.get(i + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(short())
    }
    pub(crate) fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(short)?;
        self.0 = rest;
        Ok(taken)
    }
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let count = self.number()?;
        self.take(usize::try_from(count).unwrap_or(usize::MAX))
    }
    pub(crate) fn uuids(&mut self) -> Result<&'a [[u8; 16]]> {
        let count = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        Ok(self.take(count.saturating_mul(16))?.as_chunks().0)
    }
    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

fn short() -> Error {
    Error::Damaged("a row is shorter than it should be".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back() {
        let mut out = Vec::new();
        for n in [0, 1, 127, 128, 300, u64::MAX] {
            put_number(&mut out, n);
        }
        for n in [0, -1, 1, i64::MIN, i64::MAX] {
            put_signed(&mut out, n);
        }
        put_bytes(&mut out, "ñ".as_bytes());
        let mut reader = Reader(&out);
        for n in [0, 1, 127, 128, 300, u64::MAX] {
            assert_eq!(reader.number().unwrap(), n);
        }
        for n in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(reader.signed().unwrap(), n);
        }
        assert_eq!(reader.bytes().unwrap(), "ñ".as_bytes());
        assert!(reader.byte().is_err());
    }
}
