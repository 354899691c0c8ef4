//! Records: how one or several groups of rows stand in a log file.
//!
//! ```text
//! magic 4 | crc32 4, over all that follows | first group 8 | groups 4 | form 1
//!   | rows 4 | rows unpacked 4 | values 4 | rows, packed or not | values, as they are
//! ```
//!
//! The rows of a group are its moment, their number, and each: what its key shares with the one before, the rest of the
//! key, and its value; of a bulky value only the length, for bulky values stand behind the rows, one after the other. They
//! were compressed and sealed by the layer above, so they are not packed again, and one read at a [`Pointer`] gets one.
//! A commit is a record of one group. Thinning puts many groups into one record, so that rows written again and again
//! (tiles of the log of acts, counters) cost little more than once.

use super::{is_bulky, log::damaged};
use crate::{
    Error, Result,
    codec::{Reader, put_bytes, put_number, put_signed},
};
use std::{io, path::Path};

/// What a record starts with.
pub(crate) const MAGIC: [u8; 4] = [0xf7, b'T', b'J', b'R'];
/// Bytes before the rows.
pub(crate) const HEADER: usize = 33;
const PACKED: u8 = 1;
/// Fewer bytes of rows are not worth packing.
const PACK_FROM: usize = 200;
/// Most bytes of rows or of values in one record.
pub(crate) const MOST: usize = 1 << 30;

/// Packs rows as a zstd frame.
pub(crate) type Pack<'a> = dyn FnMut(&[u8]) -> io::Result<Vec<u8>> + 'a;

/// The head of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) crc: u32,
    pub(crate) first: u64,
    pub(crate) groups: u32,
    packed: bool,
    rows: usize,
    unpacked: usize,
    values: usize,
}

/// Where a bulky value stands: in which group, and from which byte of the group's values on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) group: u64,
    pub(crate) at: u32,
    pub(crate) length: u32,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Deleted.
    Gone,
    Small(&'a [u8]),
    Bulky(Pointer, &'a [u8]),
}

/// One group of a record, read.
pub(crate) struct Group<'a> {
    pub(crate) number: u64,
    /// Microsecond of its commit.
    pub(crate) moment: i64,
    pub(crate) rows: Vec<(Vec<u8>, Value<'a>)>,
}

/// A whole and sound record.
pub(crate) struct Record<'a> {
    pub(crate) head: Head,
    rows: &'a [u8],
    values: &'a [u8],
}

impl Pointer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12);
        put_number(&mut out, self.group);
        put_number(&mut out, u64::from(self.at));
        put_number(&mut out, u64::from(self.length));
        out
    }
    pub(crate) fn decode(bytes: &[u8]) -> Result<Pointer> {
        let mut reader = Reader(bytes);
        Ok(Pointer {
            group: reader.number()?,
            at: reader.number()? as u32,
            length: reader.number()? as u32,
        })
    }
}

impl Head {
    /// The head at the start of some bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Head> {
        let mut head = Reader(bytes.get(..HEADER)?);
        if head.array::<4>().ok()? != MAGIC {
            return None;
        }
        let crc = u32::from_le_bytes(head.array().ok()?);
        let first = u64::from_le_bytes(head.array().ok()?);
        let groups = u32::from_le_bytes(head.array().ok()?);
        let packed = head.byte().ok()? & PACKED != 0;
        let mut size = || Some(u32::from_le_bytes(head.array().ok()?) as usize);
        let head = Head {
            crc,
            first,
            groups,
            packed,
            rows: size()?,
            unpacked: size()?,
            values: size()?,
        };
        let sane = head.groups > 0 && head.rows <= MOST;
        (sane && head.unpacked <= MOST && head.values <= MOST).then_some(head)
    }
    /// Bytes of the whole record.
    pub(crate) fn size(&self) -> usize {
        HEADER + self.rows + self.values
    }
    /// Where the values start in the record.
    pub(crate) fn values_at(&self) -> usize {
        HEADER + self.rows
    }
}

impl<'a> Record<'a> {
    /// The record at the start of some bytes, if there is a whole and sound one.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let head = Head::read(bytes)?;
        let whole = bytes.get(..head.size())?;
        if crc32fast::hash(whole.get(8..)?) != head.crc {
            return None;
        }
        let (rows, values) = whole.get(HEADER..)?.split_at_checked(head.rows)?;
        Some(Record { head, rows, values })
    }

    /// Hands each group to `visit`, in order. The path and place are for the error.
    pub(crate) fn groups(
        &self,
        path: &Path,
        at: usize,
        visit: &mut dyn FnMut(Group<'_>) -> Result<()>,
    ) -> Result<()> {
        let bad = |why: &str| damaged(path, at, why);
        if !self.head.packed {
            return self.each(self.rows, visit);
        }
        let rows = zstd::bulk::decompress(self.rows, self.head.unpacked)
            .map_err(|_| bad("the rows of this record cannot be unpacked"))?;
        self.each(&rows, visit)
    }

    fn each(&self, rows: &[u8], visit: &mut dyn FnMut(Group<'_>) -> Result<()>) -> Result<()> {
        let mut reader = Reader(rows);
        let (mut moment, mut used) = (0i64, 0usize);
        for number in (self.head.first..).take(self.head.groups as usize) {
            moment = moment.wrapping_add(reader.signed()?);
            let count = reader.number()? as usize;
            let base = used;
            let mut rows: Vec<(Vec<u8>, Value<'_>)> = Vec::with_capacity(count.min(1 << 16));
            for _ in 0..count {
                let before = rows.last().map_or(&[][..], |(key, _)| key);
                let shared = before.get(..reader.number()? as usize);
                let shared = shared.ok_or_else(|| short("shares more of a key than there is"))?;
                let key = [shared, reader.bytes()?].concat();
                let value = match reader.number()? as usize {
                    0 => Value::Gone,
                    size if is_bulky(&key) => {
                        let bytes = self.values.get(used..used + size - 1);
                        let bytes = bytes.ok_or_else(|| short("lacks a value"))?;
                        let pointer = Pointer {
                            group: number,
                            at: (used - base) as u32,
                            length: bytes.len() as u32,
                        };
                        used += bytes.len();
                        Value::Bulky(pointer, bytes)
                    }
                    size => Value::Small(reader.take(size - 1)?),
                };
                rows.push((key, value));
            }
            visit(Group {
                number,
                moment,
                rows,
            })?;
        }
        Ok(())
    }
}

fn short(what: &str) -> Error {
    Error::Damaged(format!("a log record {what}"))
}

/// A record in the making.
#[derive(Default)]
pub(crate) struct Making {
    rows: Vec<u8>,
    values: Vec<u8>,
    key: Vec<u8>,
    moment: i64,
    /// Where each group's values start among those of the record.
    pub(crate) bases: Vec<u32>,
}

impl Making {
    /// Starts the next group; `count` rows follow.
    pub(crate) fn group(&mut self, moment: i64, count: usize) {
        put_signed(&mut self.rows, moment.wrapping_sub(self.moment));
        put_number(&mut self.rows, count as u64);
        self.moment = moment;
        self.key.clear();
        self.bases.push(self.values.len() as u32);
    }
    /// Adds a row; keys come in order.
    pub(crate) fn row(&mut self, key: &[u8], value: Option<&[u8]>) {
        let shared = self.key.iter().zip(key).take_while(|(a, b)| a == b).count();
        put_number(&mut self.rows, shared as u64);
        put_bytes(&mut self.rows, key.get(shared..).unwrap_or_default());
        self.key.truncate(shared);
        self.key
            .extend_from_slice(key.get(shared..).unwrap_or_default());
        let Some(value) = value else {
            return put_number(&mut self.rows, 0);
        };
        put_number(&mut self.rows, value.len() as u64 + 1);
        match is_bulky(key) {
            true => self.values.extend_from_slice(value),
            false => self.rows.extend_from_slice(value),
        }
    }
    /// Bytes of rows and of values so far.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows.len(), self.values.len())
    }
    /// The record, from group `first` on, its rows packed as a zstd frame. Fails when it is larger than a record can be.
    pub(crate) fn finish(&self, first: u64, pack: Option<&mut Pack<'_>>) -> Option<(Vec<u8>, u32)> {
        if self.rows.len() > MOST || self.values.len() > MOST {
            return None;
        }
        let packed = pack
            .filter(|_| self.rows.len() >= PACK_FROM)
            .and_then(|pack| pack(&self.rows).ok())
            .filter(|packed| packed.len() < self.rows.len());
        let form = if packed.is_some() { PACKED } else { 0 };
        let rows = packed.as_ref().unwrap_or(&self.rows);
        let mut out = Vec::with_capacity(HEADER + rows.len() + self.values.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&(self.bases.len() as u32).to_le_bytes());
        out.push(form);
        for size in [rows.len(), self.rows.len(), self.values.len()] {
            out.extend_from_slice(&(size as u32).to_le_bytes());
        }
        out.extend_from_slice(rows);
        out.extend_from_slice(&self.values);
        let crc = crc32fast::hash(out.get(8..).unwrap_or_default());
        if let Some(slot) = out.get_mut(4..8) {
            slot.copy_from_slice(&crc.to_le_bytes());
        }
        Some((out, crc))
    }
}

/// Whether a sound record of this group or a later one stands anywhere in these bytes.
pub(crate) fn follows(bytes: &[u8], group: u64) -> bool {
    bytes.windows(MAGIC.len()).enumerate().any(|(at, window)| {
        window == MAGIC
            && bytes
                .get(at..)
                .and_then(Record::read)
                .is_some_and(|record| record.head.first >= group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_back_with_their_moments_and_values() {
        let mut making = Making::default();
        let body = [1, 0, super::super::BULKY, 7];
        making.group(-5, 3);
        making.row(&[1, 0, 1, 1], Some(b"small"));
        making.row(&[1, 0, 1, 2], None);
        making.row(&body, Some(b"a body"));
        making.group(1_000_000, 2);
        making.row(&[1, 0, 1, 1], Some(&[b'x'; 300]));
        making.row(&body, Some(b"another"));
        let mut packer = zstd::bulk::Compressor::new(1).unwrap();
        let mut pack = |rows: &[u8]| packer.compress(rows);
        let packed: &mut Pack<'_> = &mut pack;
        for packer in [None, Some(packed)] {
            let (bytes, crc) = making.finish(9, packer).unwrap();
            let record = Record::read(&bytes).unwrap();
            assert_eq!((record.head.crc, record.head.groups), (crc, 2));
            let mut seen = Vec::new();
            let path = Path::new("x");
            record
                .groups(path, 0, &mut |group| {
                    for (_, value) in &group.rows {
                        if let Value::Bulky(pointer, value) = value {
                            let base = making.bases[(group.number - 9) as usize];
                            let at = record.head.values_at() + (base + pointer.at) as usize;
                            assert_eq!(&bytes[at..at + pointer.length as usize], *value);
                            assert_eq!(Pointer::decode(&pointer.encode()).unwrap(), *pointer);
                        }
                    }
                    seen.push((group.number, group.moment, group.rows.len()));
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, [(9, -5, 3), (10, 1_000_000, 2)]);
            let half = &bytes[..bytes.len() - 1];
            assert!(Record::read(half).is_none());
            assert!(follows(&[b"torn", bytes.as_slice()].concat(), 9));
            assert!(!follows(half, 9));
        }
    }
}
