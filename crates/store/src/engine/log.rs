//! The durable log: the truth of the embedded engine.
//!
//! Segment files `first-attempt.log`, each with a header and records, one record per commit:
//!
//! ```text
//! magic 4 | payload length 4 | group number 8 | crc32 4 (over the length, number, flags, payload) | flags 1 | payload
//! ```
//!
//! Groups are numbered without gaps. A commit that fails is cut off and the next one starts a new segment with the same
//! group number and a higher attempt: what a later segment numbers again is void in the earlier one. So a record that
//! a failed cut left on the disk cannot come back once another commit was acknowledged.
//!
//! At the end of the last segment, bytes that are no record and are followed by none are what a crash tore: they are cut.
//! Anywhere else they are damage, and an error names the file and the place.
//!
//! Cost: one append and one sync per group of commits.

use super::{Batch, Disk, DiskFile};
use crate::{
    Error, Result,
    codec::{Reader, put_bytes, put_number},
};
use std::{
    io,
    path::{Path, PathBuf},
};

const FILE_MAGIC: &[u8; 8] = b"TEJIDO\x00\x01";
const FILE_HEADER: usize = 16;
const MAGIC: [u8; 4] = [0xf7, b'T', b'J', b'R'];
const HEADER: usize = 21;
const COMPRESSED: u8 = 1;
/// Smaller payloads are not worth compressing.
const COMPRESS_FROM: usize = 256;
/// New names tried before giving up on a folder.
const ATTEMPTS: u32 = 10_000;

/// Names one record: its group and the checksum of its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) group: u64,
    pub(crate) crc: u32,
}

/// The log, open for appending.
pub(crate) struct Log {
    disk: Box<dyn Disk>,
    dir: PathBuf,
    durable: bool,
    segment_bytes: u64,
    file: Option<Box<dyn DiskFile>>,
    /// Good bytes of the open file.
    length: u64,
    /// Length before the last record, to take it back.
    before: u64,
    next: u64,
    packer: Option<zstd::bulk::Compressor<'static>>,
}

struct Segment {
    path: PathBuf,
    first: u64,
    attempt: u32,
}

struct Record<'a> {
    mark: Mark,
    flags: u8,
    payload: &'a [u8],
    size: usize,
}

impl Log {
    /// Opens the log of a folder and hands every record from group `from` on to `visit`. `applied` is the highest
    /// group that is known to have been acknowledged: damage there is never taken for a torn end.
    pub(crate) fn open(
        disk: Box<dyn Disk>,
        dir: &Path,
        segment_bytes: u64,
        durable: bool,
        applied: u64,
        from: u64,
        visit: &mut dyn FnMut(Mark, &[u8]) -> Result<()>,
    ) -> Result<Log> {
        let segments = segments(disk.as_ref(), dir)?;
        let mut log = Log {
            disk,
            dir: dir.to_owned(),
            durable,
            segment_bytes,
            file: None,
            length: 0,
            before: 0,
            next: 1,
            packer: zstd::bulk::Compressor::new(1).ok(),
        };
        for (i, segment) in segments.iter().enumerate() {
            let until = segments.get(i + 1).map(|next| next.first);
            if until.is_some_and(|until| until <= from) {
                log.next = until.unwrap_or(log.next);
                continue;
            }
            if segment.first != log.next {
                return Err(damaged(
                    &segment.path,
                    0,
                    "groups are missing before this segment",
                ));
            }
            log.next = segment.first;
            let bytes = log.disk.read(&segment.path).map_err(disk_error)?;
            let end = log.replay(segment, &bytes, until, applied, from, visit)?;
            if until.is_none() && end > 0 {
                let mut file = log.disk.open(&segment.path).map_err(disk_error)?;
                if end < bytes.len() {
                    tracing::warn!(file = %segment.path.display(), offset = end, "cut a torn end off the log");
                    file.cut(end as u64).map_err(disk_error)?;
                }
                log.length = end as u64;
                log.file = Some(file);
            }
        }
        Ok(log)
    }

    /// Reads one segment up to group `until`; gives the offset after its last good record, 0 when there is no usable
    /// header.
    fn replay(
        &mut self,
        segment: &Segment,
        bytes: &[u8],
        until: Option<u64>,
        applied: u64,
        from: u64,
        visit: &mut dyn FnMut(Mark, &[u8]) -> Result<()>,
    ) -> Result<usize> {
        let header = bytes.get(..FILE_HEADER);
        let good = header.is_some_and(|header| {
            header.starts_with(FILE_MAGIC) && header.ends_with(&segment.first.to_le_bytes())
        });
        let mut at = if good { FILE_HEADER } else { 0 };
        while good && until.is_none_or(|until| self.next < until) {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(record) = record(rest).filter(|record| record.mark.group == self.next) else {
                break;
            };
            if record.mark.group >= from {
                let payload = unpack(&record).map_err(|why| damaged(&segment.path, at, &why))?;
                visit(record.mark, &payload)?;
            }
            at += record.size;
            self.next += 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match until {
            Some(until) if self.next < until => {
                Err(damaged(&segment.path, at, "this record cannot be read"))
            }
            None if !rest.is_empty() && (self.next <= applied || follows(rest, self.next)) => {
                Err(damaged(
                    &segment.path,
                    at,
                    "this record cannot be read, though it was acknowledged",
                ))
            }
            _ => Ok(at),
        }
    }

    /// Group number that the next record gets.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Appends one record and makes it durable. After an error nothing of it counts.
    pub(crate) fn append(&mut self, payload: &[u8]) -> Result<(Mark, u64)> {
        let record = self.record(payload);
        let crc = crc(&record);
        let mut record = record;
        if let Some(slot) = record.get_mut(16..20) {
            slot.copy_from_slice(&crc.to_le_bytes());
        }
        self.before = self.length;
        match self.write(&record) {
            Ok(()) => {
                let mark = Mark {
                    group: self.next,
                    crc,
                };
                self.length += record.len() as u64;
                self.next += 1;
                Ok((mark, record.len() as u64))
            }
            Err(error) => {
                self.abandon(self.before);
                Err(disk_error(error))
            }
        }
    }

    /// Takes the last record back: it was written, but the projection could not follow and nobody was told.
    pub(crate) fn retract(&mut self) {
        self.next -= 1;
        self.abandon(self.before);
    }

    /// Leaves the file for good: after a failed sync the system may call pages clean that never reached the disk, so
    /// nothing is appended to it again.
    fn abandon(&mut self, good: u64) {
        if let Some(mut file) = self.file.take()
            && let Err(error) = file.cut(good.max(FILE_HEADER as u64))
        {
            tracing::warn!(%error, "could not cut a failed record off the log; the next segment supersedes it");
        }
        self.length = 0;
    }

    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        if self.length >= self.segment_bytes {
            self.file = None;
        }
        if self.file.is_none() {
            self.start_segment()?;
            self.before = self.length;
        }
        let Some(file) = &mut self.file else {
            return Err(io::Error::other("no segment file"));
        };
        file.append(record)?;
        if self.durable { file.sync() } else { Ok(()) }
    }

    fn start_segment(&mut self) -> io::Result<()> {
        let mut header = FILE_MAGIC.to_vec();
        header.extend_from_slice(&self.next.to_le_bytes());
        for attempt in 0..ATTEMPTS {
            let path = self
                .dir
                .join(format!("{:016x}-{attempt:04x}.log", self.next));
            match self.disk.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
                Ok(mut file) => {
                    file.append(&header)?;
                    self.length = FILE_HEADER as u64;
                    self.file = Some(file);
                    return Ok(());
                }
            }
        }
        Err(io::Error::other("too many failed log segments"))
    }

    fn record(&mut self, payload: &[u8]) -> Vec<u8> {
        let packed = (payload.len() >= COMPRESS_FROM)
            .then(|| self.packer.as_mut()?.compress(payload).ok())
            .flatten()
            .filter(|packed| packed.len() + 4 < payload.len());
        let size = packed
            .as_ref()
            .map_or(payload.len(), |packed| packed.len() + 4);
        let mut out = Vec::with_capacity(HEADER + size);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&(size as u32).to_le_bytes());
        out.extend_from_slice(&self.next.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        match packed {
            Some(packed) => {
                out.push(COMPRESSED);
                out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
                out.extend_from_slice(&packed);
            }
            None => {
                out.push(0);
                out.extend_from_slice(payload);
            }
        }
        out
    }
}

/// Segments by first group; of those with the same first group only the last attempt counts.
fn segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<Segment>> {
    let mut found: Vec<Segment> = Vec::new();
    for path in disk.list(dir).map_err(disk_error)? {
        let Some((first, attempt)) = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".log")?.split_once('-'))
        else {
            continue;
        };
        if let (Ok(first), Ok(attempt)) = (
            u64::from_str_radix(first, 16),
            u32::from_str_radix(attempt, 16),
        ) {
            found.push(Segment {
                path,
                first,
                attempt,
            });
        }
    }
    found.sort_by_key(|segment| (segment.first, segment.attempt));
    let mut last: Vec<Segment> = Vec::new();
    for segment in found {
        if last
            .last()
            .is_some_and(|before| before.first == segment.first)
        {
            last.pop();
        }
        last.push(segment);
    }
    Ok(last)
}

/// The record at the start of some bytes, if there is a whole and sound one.
fn record(bytes: &[u8]) -> Option<Record<'_>> {
    let mut head = Reader(bytes.get(..HEADER)?);
    if head.array::<4>().ok()? != MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(head.array().ok()?) as usize;
    let group = u64::from_le_bytes(head.array().ok()?);
    let stored = u32::from_le_bytes(head.array().ok()?);
    let flags = head.byte().ok()?;
    let size = HEADER.checked_add(length)?;
    let whole = bytes.get(..size)?;
    (crc(whole) == stored).then_some(Record {
        mark: Mark { group, crc: stored },
        flags,
        payload: whole.get(HEADER..)?,
        size,
    })
}

fn crc(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(record.get(4..16).unwrap_or_default());
    hasher.update(record.get(20..).unwrap_or_default());
    hasher.finalize()
}

/// Whether a sound record of this group or a later one stands anywhere in these bytes.
fn follows(bytes: &[u8], group: u64) -> bool {
    bytes.windows(MAGIC.len()).enumerate().any(|(at, window)| {
        window == MAGIC
            && bytes
                .get(at..)
                .and_then(record)
                .is_some_and(|record| record.mark.group >= group)
    })
}

fn unpack(record: &Record<'_>) -> std::result::Result<Vec<u8>, String> {
    if record.flags & COMPRESSED == 0 {
        return Ok(record.payload.to_vec());
    }
    let mut reader = Reader(record.payload);
    let size = reader.array().map_err(|error| error.to_string())?;
    zstd::bulk::decompress(reader.0, u32::from_le_bytes(size) as usize)
        .map_err(|error| error.to_string())
}

fn damaged(path: &Path, at: usize, why: &str) -> Error {
    Error::Damaged(format!("{} at byte {at}: {why}", path.display()))
}

pub(crate) fn disk_error(error: io::Error) -> Error {
    Error::Disk(error.to_string())
}

/// A batch as a payload: keys in order, each without what it shares with the one before.
pub(crate) fn encode(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.len() * 64);
    let mut before: &[u8] = &[];
    for (key, value) in batch {
        let shared = before.iter().zip(key).take_while(|(a, b)| a == b).count();
        put_number(&mut out, shared as u64);
        put_bytes(&mut out, key.get(shared..).unwrap_or_default());
        match value {
            Some(value) => {
                put_number(&mut out, value.len() as u64 + 1);
                out.extend_from_slice(value);
            }
            None => put_number(&mut out, 0),
        }
        before = key;
    }
    out
}

/// Takes one row of a batch.
pub(crate) type EachRow<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

/// The rows of a payload, in order.
pub(crate) fn decode(payload: &[u8], row: &mut EachRow<'_>) -> Result<()> {
    let mut reader = Reader(payload);
    let mut key: Vec<u8> = Vec::new();
    while !reader.0.is_empty() {
        let shared = usize::try_from(reader.number()?).unwrap_or(usize::MAX);
        if shared > key.len() {
            return Err(Error::Damaged(
                "a log record shares more than there is".into(),
            ));
        }
        key.truncate(shared);
        key.extend_from_slice(reader.bytes()?);
        match usize::try_from(reader.number()?).unwrap_or(usize::MAX) {
            0 => row(&key, None),
            size => row(&key, Some(reader.take(size - 1)?)),
        }
    }
    Ok(())
}
