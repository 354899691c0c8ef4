//! Segments: the files of the log, as those who look up bulky values see them.
//!
//! A *whole* segment (`first-attempt.log`) holds each commit as it came: one record a group. A *thinned* one
//! (`first.facts`) holds the facts of the same groups, many groups a record, and a tail that says where each group's
//! values start: 4 bytes a group, read where they are needed. Of a whole segment that list is kept in memory. So a
//! [`Pointer`] means the same in both, and thinning changes no pointer.
//!
//! ```text
//! magic 8 | first group 8 | name of the log 8 | crc32 4 | records
//!   | of thinned ones: places 4 each | groups 4 | crc32 4 | moment 8 | magic 8
//! ```
//!
//! The shelf is a list of segments that is replaced, never changed: who holds an old one still reads files whose names
//! are gone. Cost of a bulky value: one positional read, two in a thinned segment.

use super::{
    disk::{Disk, DiskReader},
    log::{damaged, disk_error},
    record::Pointer,
};
use crate::{Error, Result};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

const FILE_MAGIC: &[u8; 8] = b"TEJIDO\x00\x02";
const TAIL_MAGIC: &[u8; 8] = b"TEJIDO\x00T";
/// Bytes before the first record.
pub(crate) const FILE_HEADER: usize = 28;
const TAIL: usize = 24;

/// One file of the log.
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) first: u64,
    file: Box<dyn DiskReader>,
    places: Places,
}

enum Places {
    /// Of a whole segment.
    Listed(RwLock<Vec<u32>>),
    /// Of a thinned one: where the list stands in the file.
    Tail { at: u64, tail: Tail },
}

/// What the end of a thinned segment says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub(crate) groups: u32,
    /// Microsecond of its last group.
    pub(crate) moment: i64,
}

/// Start of a file.
pub(crate) fn header(first: u64, log: [u8; 8]) -> Vec<u8> {
    let mut header = FILE_MAGIC.to_vec();
    header.extend_from_slice(&first.to_le_bytes());
    header.extend_from_slice(&log);
    let crc = crc32fast::hash(&header);
    header.extend_from_slice(&crc.to_le_bytes());
    header
}

/// First group and log of a file, if it starts as one should.
pub(crate) fn read_header(bytes: &[u8]) -> Option<(u64, [u8; 8])> {
    let (start, crc) = bytes.get(..FILE_HEADER)?.split_last_chunk::<4>()?;
    let rest = start.strip_prefix(FILE_MAGIC)?;
    let (first, log) = rest.split_first_chunk::<8>()?;
    let sound = crc32fast::hash(start) == u32::from_le_bytes(*crc);
    sound.then_some((u64::from_le_bytes(*first), *log.first_chunk()?))
}

/// End of a thinned file, after its records.
pub(crate) fn tail(places: &[u32], moment: i64) -> Vec<u8> {
    let mut out: Vec<u8> = places.iter().flat_map(|at| at.to_le_bytes()).collect();
    let crc = crc32fast::hash(&out);
    out.extend_from_slice(&(places.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&moment.to_le_bytes());
    out.extend_from_slice(TAIL_MAGIC);
    out
}

/// Splits a thinned file's bytes into records (with the header before them) and what the tail says.
pub(crate) fn split_tail(bytes: &[u8]) -> Option<(&[u8], Tail)> {
    let (rest, end) = bytes.split_at_checked(bytes.len().checked_sub(TAIL)?)?;
    let (tail, crc) = read_tail(end)?;
    let (records, places) =
        rest.split_at_checked(rest.len().checked_sub(tail.groups as usize * 4)?)?;
    (crc32fast::hash(places) == crc).then_some((records, tail))
}

fn read_tail(end: &[u8]) -> Option<(Tail, u32)> {
    let mut end = crate::codec::Reader(end.strip_suffix(TAIL_MAGIC)?);
    let groups = u32::from_le_bytes(end.array().ok()?);
    let crc = u32::from_le_bytes(end.array().ok()?);
    let moment = i64::from_le_bytes(end.array().ok()?);
    Some((Tail { groups, moment }, crc))
}

impl Segment {
    /// A whole segment, with where its groups' values start.
    pub(crate) fn whole(
        disk: &dyn Disk,
        path: &Path,
        first: u64,
        places: Vec<u32>,
    ) -> Result<Segment> {
        Ok(Segment {
            path: path.to_owned(),
            first,
            file: disk.reader(path).map_err(disk_error)?,
            places: Places::Listed(RwLock::new(places)),
        })
    }

    /// A thinned segment, and the name of its log.
    pub(crate) fn thinned(disk: &dyn Disk, path: &Path) -> Result<(Segment, [u8; 8])> {
        let file = disk.reader(path).map_err(disk_error)?;
        let length = file.length().map_err(disk_error)?;
        let bad = |what| damaged(path, 0, what);
        let mut start = [0; FILE_HEADER];
        let mut end = [0; TAIL];
        let at = length.saturating_sub(TAIL as u64);
        if length >= (FILE_HEADER + TAIL) as u64 {
            file.read_at(&mut start, 0).map_err(disk_error)?;
            file.read_at(&mut end, at).map_err(disk_error)?;
        }
        let (first, log) = read_header(&start).ok_or_else(|| bad("this is no segment of a log"))?;
        let (tail, _) = read_tail(&end).ok_or_else(|| bad("the end of this segment is missing"))?;
        let at = at
            .checked_sub(u64::from(tail.groups) * 4)
            .ok_or_else(|| bad("the end of this segment is damaged"))?;
        let segment = Segment {
            path: path.to_owned(),
            first,
            file,
            places: Places::Tail { at, tail },
        };
        Ok((segment, log))
    }

    /// What its end says; `None` for a whole segment.
    pub(crate) fn tail(&self) -> Option<Tail> {
        match &self.places {
            Places::Listed(_) => None,
            Places::Tail { tail, .. } => Some(*tail),
        }
    }

    /// The group after its last one.
    pub(crate) fn until(&self) -> u64 {
        self.first
            + match &self.places {
                Places::Listed(places) => {
                    places.read().unwrap_or_else(PoisonError::into_inner).len() as u64
                }
                Places::Tail { tail, .. } => u64::from(tail.groups),
            }
    }

    /// Notes where the values of the next group start.
    pub(crate) fn appended(&self, place: u32) {
        if let Places::Listed(places) = &self.places {
            places
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .push(place);
        }
    }

    /// For reading it in pieces.
    pub(crate) fn file(&self) -> &dyn DiskReader {
        self.file.as_ref()
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        super::disk::whole(self.file.as_ref()).map_err(disk_error)
    }

    fn place(&self, group: u64) -> Result<u64> {
        let missing = || damaged(&self.path, 0, "a group is missing that a row points to");
        let nth = group.checked_sub(self.first).ok_or_else(missing)?;
        match &self.places {
            Places::Listed(places) => {
                let places = places.read().unwrap_or_else(PoisonError::into_inner);
                let place = places.get(nth as usize).ok_or_else(missing)?;
                Ok(u64::from(*place))
            }
            Places::Tail { at, tail } => {
                if nth >= u64::from(tail.groups) {
                    return Err(missing());
                }
                let mut place = [0; 4];
                self.file
                    .read_at(&mut place, at + nth * 4)
                    .map_err(disk_error)?;
                Ok(u64::from(u32::from_le_bytes(place)))
            }
        }
    }
}

/// A list of segments in the order of their groups.
pub(crate) type Segments = Arc<Vec<Arc<Segment>>>;

/// The current list of segments.
#[derive(Default)]
pub(crate) struct Shelf(RwLock<Segments>);

impl Shelf {
    pub(crate) fn now(&self) -> Segments {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Puts a segment at the end, in place of one with the same first group that never held a record.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        let mut shelf = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut segments: Vec<_> = shelf.iter().cloned().collect();
        segments.retain(|other| other.first < segment.first);
        segments.push(segment);
        *shelf = Arc::new(segments);
    }
    /// Puts one segment in the place of those that hold its groups.
    pub(crate) fn replace(&self, segment: Arc<Segment>) {
        let mut shelf = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut segments: Vec<_> = shelf.iter().cloned().collect();
        let until = segment.until();
        segments.retain(|other| other.first < segment.first || other.first >= until);
        let at = segments.partition_point(|other| other.first < segment.first);
        segments.insert(at, segment);
        *shelf = Arc::new(segments);
    }
}

/// The bulky value at a pointer.
pub(crate) fn value(segments: &[Arc<Segment>], pointer: Pointer) -> Result<Vec<u8>> {
    let after = segments.partition_point(|segment| segment.first <= pointer.group);
    let segment = after
        .checked_sub(1)
        .and_then(|at| segments.get(at))
        .ok_or_else(|| {
            Error::Damaged("a row points to a group before the first segment of the log".into())
        })?;
    let at = segment.place(pointer.group)? + u64::from(pointer.at);
    let mut bytes = vec![0; pointer.length as usize];
    segment
        .file
        .read_at(&mut bytes, at)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                damaged(&segment.path, at as usize, "a value is cut off")
            }
            _ => disk_error(error),
        })?;
    Ok(bytes)
}
