//! Enough of Parquet to read a flat table of texts: plain and dictionary pages of both versions, uncompressed or in
//! Snappy, gzip or zstd. What it does not know it names and refuses.
//!
//! Source: the Apache Parquet format specification 2.10 and Thrift's compact protocol; Snappy's format description.

use std::io::Read;

/// A column's name and its values, row by row.
pub(super) type Column = (String, Vec<Option<String>>);

/// A page or dictionary larger than this is refused, so that a damaged length cannot fill the memory.
const LARGEST_PAGE: usize = 1 << 28;

/// Reads a whole file.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn read(file: &[u8]) -> Result<Vec<Column>, String> {
    let end = file
        .len()
        .checked_sub(8)
        .ok_or("it is too short for a Parquet file")?;
    if &file[end + 4..] != b"PAR1" {
        return Err("it does not end as a Parquet file does".to_owned());
    }
    let length = le32(file, end)? as usize;
    let footer = end
        .checked_sub(length)
        .ok_or("the footer's length is wrong")?;
    let meta = Thrift::new(&file[footer..end]).structure(0)?;
    let mut columns: Vec<Column> = Vec::new();
    let mut optional = Vec::new();
    for element in meta.list(2).iter().skip(1) {
        if element.int(5).unwrap_or(0) > 0 || element.int(3) == Some(2) {
            return Err("it is not a flat table".to_owned());
        }
        columns.push((element.text(4), Vec::new()));
        optional.push(element.int(3) == Some(1));
    }
    for group in meta.list(4) {
        let chunks = group.list(1);
        if chunks.len() != columns.len() {
            return Err("a row group lacks columns".to_owned());
        }
        for ((chunk, (_, values)), optional) in chunks.iter().zip(&mut columns).zip(&optional) {
            let chunk = chunk.field(3).ok_or("a column has no description")?;
            read_chunk(file, chunk, *optional, values)?;
        }
    }
    let rows = columns.first().map_or(0, |c| c.1.len());
    if columns.iter().any(|c| c.1.len() != rows) {
        return Err("its columns are of different length".to_owned());
    }
    Ok(columns)
}

fn read_chunk(
    file: &[u8],
    chunk: &Value,
    optional: bool,
    out: &mut Vec<Option<String>>,
) -> Result<(), String> {
    let kind = chunk.int(1).unwrap_or(-1);
    let codec = chunk.int(4).unwrap_or(-1);
    let wanted = usize::try_from(chunk.int(5).unwrap_or(0)).unwrap_or(0);
    let start = [chunk.int(11), chunk.int(9)]
        .into_iter()
        .flatten()
        .filter(|at| *at > 0)
        .min();
    let mut at = start
        .and_then(|at| usize::try_from(at).ok())
        .ok_or("a column has no pages")?;
    let mut dictionary: Vec<String> = Vec::new();
    let before = out.len();
    while out.len() - before < wanted {
        let mut thrift = Thrift::new(file.get(at..).ok_or("a page lies outside the file")?);
        let header = thrift.structure(0)?;
        let body = at + thrift.at;
        let size = |id| {
            header
                .int(id)
                .and_then(|n| usize::try_from(n).ok())
                .ok_or("a page has no size")
        };
        let (whole, packed) = (size(2)?, size(3)?);
        if whole > LARGEST_PAGE {
            return Err("a page is larger than 256 MB".to_owned());
        }
        let bytes = file
            .get(body..body + packed)
            .ok_or("a page ends outside the file")?;
        at = body + packed;
        match header.int(1) {
            Some(2) => {
                let count = header.field(7).and_then(|h| h.int(1)).unwrap_or(0);
                let data = unpack(codec, bytes, whole)?;
                dictionary = plain(kind, &data, usize::try_from(count).unwrap_or(0))?;
            }
            Some(0) => {
                let head = header.field(5).ok_or("a page has no header")?;
                let count = usize::try_from(head.int(1).unwrap_or(0)).unwrap_or(0);
                let data = unpack(codec, bytes, whole)?;
                let (levels, rest) = if optional {
                    let length = le32(&data, 0)? as usize;
                    (data.get(4..4 + length), data.get(4 + length..))
                } else {
                    (None, Some(&data[..]))
                };
                let present = present(levels, count)?;
                values(
                    kind,
                    head.int(2),
                    rest.ok_or("a page is cut off")?,
                    &dictionary,
                    &present,
                    out,
                )?;
            }
            Some(3) => {
                let head = header.field(8).ok_or("a page has no header")?;
                let number = |id| usize::try_from(head.int(id).unwrap_or(0)).unwrap_or(0);
                let (count, levels, repeats) = (number(1), number(5), number(6));
                let (front, rest) = bytes
                    .split_at_checked(levels + repeats)
                    .ok_or("a page is cut off")?;
                let packed = head.field(7).is_none_or(|v| matches!(v, Value::Int(1)));
                let data = if packed {
                    unpack(codec, rest, whole.saturating_sub(levels + repeats))?
                } else {
                    rest.to_vec()
                };
                let present = present(optional.then(|| &front[repeats..]), count)?;
                values(kind, head.int(4), &data, &dictionary, &present, out)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Which of the values are there.
fn present(levels: Option<&[u8]>, count: usize) -> Result<Vec<bool>, String> {
    match levels {
        None => Ok(vec![true; count]),
        Some(bytes) => Ok(hybrid(bytes, 1, count)?
            .into_iter()
            .map(|level| level == 1)
            .collect()),
    }
}

fn values(
    kind: i64,
    encoding: Option<i64>,
    data: &[u8],
    dictionary: &[String],
    present: &[bool],
    out: &mut Vec<Option<String>>,
) -> Result<(), String> {
    let count = present.iter().filter(|p| **p).count();
    let found: Vec<String> = match encoding {
        Some(0) => plain(kind, data, count)?,
        Some(2 | 8) => {
            let (width, rest) = data.split_first().unwrap_or((&0, &[]));
            let places = hybrid(rest, *width, count)?;
            places
                .into_iter()
                .map(|at| {
                    dictionary
                        .get(at as usize)
                        .cloned()
                        .ok_or("a value is not in the dictionary")
                })
                .collect::<Result<_, _>>()?
        }
        other => {
            return Err(format!(
                "values are written in encoding {other:?}, which this reader does not know"
            ));
        }
    };
    let mut found = found.into_iter();
    out.extend(
        present
            .iter()
            .map(|there| if *there { found.next() } else { None }),
    );
    Ok(())
}

/// Values one after the other, as texts.
fn plain(kind: i64, data: &[u8], count: usize) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut take = |n: usize| {
        let bytes = data.get(at..at + n).ok_or("a page is cut off");
        at += n;
        bytes
    };
    for _ in 0..count {
        out.push(match kind {
            1 => i32::from_le_bytes(array(take(4)?)).to_string(),
            2 => i64::from_le_bytes(array(take(8)?)).to_string(),
            5 => f64::from_le_bytes(array(take(8)?)).to_string(),
            6 => {
                let length = u32::from_le_bytes(array(take(4)?)) as usize;
                String::from_utf8_lossy(take(length)?).into_owned()
            }
            other => {
                return Err(format!(
                    "a column is of type {other}, which this reader does not know"
                ));
            }
        });
    }
    Ok(out)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap_or([0; N])
}

/// Runs and bit-packed groups of small numbers.
fn hybrid(data: &[u8], width: u8, count: usize) -> Result<Vec<u32>, String> {
    let mut out = Vec::new();
    let mut at = 0;
    if width > 32 {
        return Err("numbers of more than 32 bits".to_owned());
    }
    while out.len() < count {
        let head = varint(data, &mut at)?;
        let left = count - out.len();
        if head & 1 == 0 {
            let bytes = usize::from(width).div_ceil(8);
            let mut value = [0u8; 4];
            let from = data.get(at..at + bytes).ok_or("a run is cut off")?;
            value[..bytes].copy_from_slice(from);
            at += bytes;
            let run = usize::try_from(head >> 1).unwrap_or(0).min(left);
            if run == 0 {
                return Err("an empty run".to_owned());
            }
            out.extend(std::iter::repeat_n(u32::from_le_bytes(value), run));
        } else {
            let groups = usize::try_from(head >> 1)
                .unwrap_or(0)
                .min(left.div_ceil(8));
            let bytes = groups * usize::from(width);
            let from = data.get(at..at + bytes).ok_or("a group is cut off")?;
            at += bytes;
            if groups == 0 {
                return Err("an empty group".to_owned());
            }
            for i in 0..(groups * 8).min(left) {
                let mut value = 0u32;
                for bit in 0..usize::from(width) {
                    let place = i * usize::from(width) + bit;
                    value |= u32::from(from[place / 8] >> (place % 8) & 1) << bit;
                }
                out.push(value);
            }
        }
    }
    Ok(out)
}

fn varint(data: &[u8], at: &mut usize) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *data.get(*at).ok_or("a number is cut off")?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err("a number is too long".to_owned())
}

fn le32(data: &[u8], at: usize) -> Result<u32, String> {
    let bytes = data.get(at..at + 4).ok_or("the file is cut off")?;
    Ok(u32::from_le_bytes(array(bytes)))
}

fn unpack(codec: i64, bytes: &[u8], whole: usize) -> Result<Vec<u8>, String> {
    let read = |reader: &mut dyn Read| {
        let mut out = Vec::new();
        reader
            .take(whole as u64)
            .read_to_end(&mut out)
            .map_err(|e| e.to_string())?;
        Ok(out)
    };
    match codec {
        0 => Ok(bytes.to_vec()),
        1 => snappy(bytes, whole),
        2 => read(&mut flate2::read::GzDecoder::new(bytes)),
        6 => read(&mut zstd::Decoder::new(bytes).map_err(|e| e.to_string())?),
        other => Err(format!(
            "pages are compressed by codec {other}, which this reader does not know"
        )),
    }
}

/// Snappy's raw format: literals and copies of what came before.
fn snappy(data: &[u8], whole: usize) -> Result<Vec<u8>, String> {
    let mut at = 0;
    let length = varint(data, &mut at)?;
    if length != whole as u64 {
        return Err("a page has another length than it says".to_owned());
    }
    let mut out = Vec::with_capacity(whole);
    while out.len() < whole {
        let tag = *data.get(at).ok_or("a page is cut off")?;
        at += 1;
        let little = |at: usize, n: usize| -> Result<usize, String> {
            let bytes = data.get(at..at + n).ok_or("a page is cut off")?;
            Ok(bytes
                .iter()
                .rev()
                .fold(0, |sum, b| sum << 8 | usize::from(*b)))
        };
        let high = usize::from(tag >> 2);
        if tag & 3 == 0 {
            let extra = high.saturating_sub(59);
            let length = if extra == 0 { high } else { little(at, extra)? } + 1;
            at += extra;
            out.extend_from_slice(data.get(at..at + length).ok_or("a page is cut off")?);
            at += length;
            continue;
        }
        let (length, offset, used) = match tag & 3 {
            1 => (4 + (high & 7), (high >> 3) << 8 | little(at, 1)?, 1),
            2 => (high + 1, little(at, 2)?, 2),
            _ => (high + 1, little(at, 4)?, 4),
        };
        at += used;
        let from = out
            .len()
            .checked_sub(offset)
            .filter(|_| offset > 0)
            .ok_or("a copy from nowhere")?;
        for i in 0..length {
            out.push(out[from + i]);
        }
    }
    out.truncate(whole);
    Ok(out)
}

/// A value of Thrift's compact protocol.
#[derive(Debug)]
enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Structure(Vec<(i16, Value)>),
}

impl Value {
    fn field(&self, id: i16) -> Option<&Value> {
        match self {
            Value::Structure(fields) => fields.iter().find(|f| f.0 == id).map(|f| &f.1),
            _ => None,
        }
    }
    fn int(&self, id: i16) -> Option<i64> {
        match self.field(id) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        }
    }
    fn list(&self, id: i16) -> &[Value] {
        match self.field(id) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }
    fn text(&self, id: i16) -> String {
        match self.field(id) {
            Some(Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }
}

struct Thrift<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    fn new(data: &'a [u8]) -> Thrift<'a> {
        Thrift { data, at: 0 }
    }
    fn byte(&mut self) -> Result<u8, String> {
        let byte = *self.data.get(self.at).ok_or("a description is cut off")?;
        self.at += 1;
        Ok(byte)
    }
    fn zigzag(&mut self) -> Result<i64, String> {
        let n = varint(self.data, &mut self.at)?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }
    fn bytes(&mut self) -> Result<Vec<u8>, String> {
        let length =
            usize::try_from(varint(self.data, &mut self.at)?).map_err(|e| e.to_string())?;
        let end = self
            .at
            .checked_add(length)
            .ok_or("a description is cut off")?;
        let bytes = self
            .data
            .get(self.at..end)
            .ok_or("a description is cut off")?;
        self.at = end;
        Ok(bytes.to_vec())
    }
    fn structure(&mut self, depth: usize) -> Result<Value, String> {
        let mut fields = Vec::new();
        let mut id = 0i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(Value::Structure(fields));
            }
            let step = i16::from(head >> 4);
            id = if step == 0 {
                self.zigzag()? as i16
            } else {
                id.wrapping_add(step)
            };
            let kind = head & 15;
            let value = match kind {
                1 => Value::Int(1),
                2 => Value::Int(0),
                kind => self.value(kind, depth)?,
            };
            fields.push((id, value));
        }
    }
    fn value(&mut self, kind: u8, depth: usize) -> Result<Value, String> {
        if depth > 16 {
            return Err("a description is nested too deep".to_owned());
        }
        Ok(match kind {
            1..=3 => Value::Int(i64::from(self.byte()?)),
            4..=6 => Value::Int(self.zigzag()?),
            7 => {
                self.at += 8;
                Value::Int(0)
            }
            8 => Value::Bytes(self.bytes()?),
            9 | 10 => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => varint(self.data, &mut self.at)?,
                    n => u64::from(n),
                };
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(head & 15, depth + 1)?);
                }
                Value::List(items)
            }
            12 => self.structure(depth + 1)?,
            other => return Err(format!("a description holds a value of kind {other}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snappy_copies_what_came_before() {
        // "abcabcabcabc!": a literal of three, a copy of nine that overlaps itself, a literal of one.
        let packed = [13, 2 << 2, b'a', b'b', b'c', (9 - 4) << 2 | 1, 3, 0, b'!'];
        assert_eq!(snappy(&packed, 13).unwrap(), b"abcabcabcabc!");
        assert!(snappy(&packed[..7], 13).is_err());
        assert!(snappy(&[4, 1, 9], 4).is_err());
    }
    #[test]
    fn runs_and_packed_groups_mix() {
        // A run of five ones, then eight numbers of three bits: 0 to 7 (the example of the specification).
        let data = [5 << 1, 1, 1 << 1 | 1, 0b1000_1000, 0b1100_0110, 0b1111_1010];
        assert_eq!(
            hybrid(&data, 3, 13).unwrap(),
            [1, 1, 1, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7]
        );
        assert!(hybrid(&data, 3, 14).is_err());
    }
    #[test]
    fn what_is_no_parquet_file_is_refused_in_words() {
        for (file, said) in [
            (&b"PAR1"[..], "too short"),
            (b"0123456789abcdef", "does not end"),
            (b"\xff\xff\xff\x7fPAR1", "length is wrong"),
        ] {
            assert!(read(file).unwrap_err().contains(said));
        }
    }
}
