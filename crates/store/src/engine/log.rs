//! The durable log: the truth of the embedded engine.
//!
//! Files as in `segment.rs`, records as in `record.rs`, one record a commit. Groups are numbered without gaps. A commit
//! that fails is cut off and the next one starts a new segment with the same group number and a higher attempt: what a
//! later segment numbers again is void in the earlier one. So a record that a failed cut left on the disk cannot come back
//! once another commit was acknowledged. Until then it can come back after a crash, as a commit whose caller heard of
//! neither success nor failure; so after a failed cut the next segment is started, and synced, at once, before the caller
//! hears of the failure; where the disk refuses that too, the log is closed until it does.
//!
//! The file grows ahead of its records, in zeros, so that a sync has nothing to say to the file system but the record.
//! At the end of the last segment, bytes that are no record and are followed by none are such room, or what a crash tore: they are cut.
//! Anywhere else they are damage, and an error names the file and the place.
//!
//! Cost: one append and one sync per group of commits.

use super::{
    Batch,
    disk::{Disk, DiskFile},
    record::{Group, Making, Record, follows},
    segment::{FILE_HEADER, Segment, Shelf, header, read_header, split_tail},
};
use crate::{Error, Result};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// New names tried before giving up on a folder.
const ATTEMPTS: u32 = 10_000;
/// A segment takes no more groups than this, so that what is kept in memory of it is bounded.
const GROUPS: u64 = 1 << 20;
/// How the rows of a commit are packed: fast, for thinning packs them again.
const LEVEL: i32 = 1;
/// Commits of fewer bytes of rows are not packed here: it costs more than to write them, and thinning packs them.
const PACK_FROM: usize = 8 << 10;

/// Names one record: its group and the checksum of its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) group: u64,
    pub(crate) crc: u32,
}

/// Takes the groups of a replay; the checksum of a mark is 0 where the group is thinned.
pub(crate) type Visit<'a> = dyn FnMut(Mark, Group<'_>) -> Result<()> + 'a;

/// How a log is opened.
pub(crate) struct Opening<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) segment_bytes: u64,
    pub(crate) durable: bool,
    /// The highest group that is known to have been acknowledged: damage there is never taken for a torn end.
    pub(crate) known: u64,
    /// Groups from this one on are replayed.
    pub(crate) from: u64,
    pub(crate) shelf: Arc<Shelf>,
}

/// The log, open for appending.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    durable: bool,
    segment_bytes: u64,
    pub(crate) shelf: Arc<Shelf>,
    /// Tells this log from others.
    pub(crate) name: [u8; 8],
    file: Option<Open>,
    next: u64,
    /// Microsecond of the last group; moments never go back.
    pub(crate) moment: i64,
    packer: Option<zstd::bulk::Compressor<'static>>,
    /// A record that nobody was told of may still be on the disk: nothing goes on before a new segment voids it.
    unsure: bool,
}

struct Open {
    file: Box<dyn DiskFile>,
    segment: Arc<Segment>,
    /// Good bytes.
    length: u64,
}

/// A file of the log's folder.
pub(crate) struct Named {
    pub(crate) path: PathBuf,
    pub(crate) first: u64,
    pub(crate) attempt: u32,
    pub(crate) thinned: bool,
}

impl Log {
    /// Opens the log of a folder and hands every group from `from` on to `visit`.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        opening: &Opening<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<Log> {
        let files = files(disk.as_ref(), opening.dir)?;
        let mut log = Log {
            disk,
            dir: opening.dir.to_owned(),
            durable: opening.durable,
            segment_bytes: opening.segment_bytes,
            shelf: opening.shelf.clone(),
            name: [0; 8],
            file: None,
            next: 1,
            moment: i64::MIN,
            packer: zstd::bulk::Compressor::new(LEVEL).ok(),
            unsure: false,
        };
        for (i, file) in files.iter().enumerate() {
            let until = files.get(i + 1).map(|next| next.first);
            if file.first != log.next {
                return Err(damaged(
                    &file.path,
                    0,
                    "groups are missing before this segment",
                ));
            }
            if file.thinned {
                log.thinned(file, opening, visit)?;
            } else {
                log.whole(file, until, opening, visit)?;
            }
        }
        if log.name == [0; 8] {
            aws_lc_rs::rand::fill(&mut log.name)
                .map_err(|_| Error::Damaged("the system gives no random bytes".into()))?;
        }
        Ok(log)
    }

    fn thinned(
        &mut self,
        file: &Named,
        opening: &Opening<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let (segment, name) = Segment::thinned(self.disk.as_ref(), &file.path)?;
        if segment.first != file.first {
            return Err(damaged(&file.path, 0, "this segment has another's name"));
        }
        self.named(name, &file.path)?;
        self.next = segment.until();
        self.moment = segment.tail().map_or(self.moment, |tail| tail.moment);
        if segment.until() > opening.from {
            each_thinned(&segment, &mut |group| match group.number {
                number if number < opening.from => Ok(()),
                number => visit(
                    Mark {
                        group: number,
                        crc: 0,
                    },
                    group,
                ),
            })?;
        }
        self.shelf.push(Arc::new(segment));
        Ok(())
    }

    /// Reads one whole segment up to group `until`.
    fn whole(
        &mut self,
        file: &Named,
        until: Option<u64>,
        opening: &Opening<'_>,
        visit: &mut Visit<'_>,
    ) -> Result<()> {
        let reader = self.disk.reader(&file.path).map_err(disk_error)?;
        let bytes = super::disk::whole(reader.as_ref()).map_err(disk_error)?;
        let good = read_header(&bytes).filter(|(first, _)| *first == file.first);
        if let Some((_, name)) = good {
            self.named(name, &file.path)?;
        }
        let mut at = good.map_or(0, |_| FILE_HEADER);
        let mut places = Vec::new();
        while good.is_some() && until.is_none_or(|until| self.next < until) {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(record) = Record::read(rest)
                .filter(|record| record.head.first == self.next && record.head.groups == 1)
            else {
                break;
            };
            let mark = Mark {
                group: self.next,
                crc: record.head.crc,
            };
            let moment = &mut self.moment;
            record.groups(&file.path, at, &mut |group| {
                *moment = (*moment).max(group.moment);
                match mark.group >= opening.from {
                    true => visit(mark, group),
                    false => Ok(()),
                }
            })?;
            places.push((at + record.head.values_at()) as u32);
            at += record.head.size();
            self.next += 1;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match until {
            Some(until) if self.next < until => {
                return Err(damaged(&file.path, at, "this record cannot be read"));
            }
            None if !rest.is_empty()
                && (self.next <= opening.known || follows(rest, self.next)) =>
            {
                return Err(damaged(
                    &file.path,
                    at,
                    "this record cannot be read, though it was acknowledged",
                ));
            }
            _ => {}
        }
        if at == 0 {
            return Ok(());
        }
        let segment = Segment::whole(self.disk.as_ref(), &file.path, file.first, places)?;
        let segment = Arc::new(segment);
        self.shelf.push(segment.clone());
        if until.is_none() {
            let mut file = self.disk.open(&segment.path).map_err(disk_error)?;
            if !rest.is_empty() {
                if rest.iter().any(|byte| *byte != 0) {
                    tracing::warn!(file = %segment.path.display(), offset = at, "cut a torn end off the log");
                }
                file.cut(at as u64).map_err(disk_error)?;
            }
            file.make_room();
            self.file = Some(Open {
                file,
                segment,
                length: at as u64,
            });
        }
        Ok(())
    }

    fn named(&mut self, name: [u8; 8], path: &Path) -> Result<()> {
        if self.name != [0; 8] && self.name != name {
            return Err(damaged(path, 0, "this segment is of another log"));
        }
        self.name = name;
        Ok(())
    }

    /// Group number that the next record gets.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Appends one commit and makes it durable; gives its mark and its bytes. After an error nothing of it counts.
    pub(crate) fn append(&mut self, batch: &Batch, now: i64) -> Result<(Mark, u64)> {
        let mut making = Making::default();
        let moment = self.moment.max(now);
        making.group(moment, batch.len());
        for (key, value) in batch {
            making.row(key, value.as_deref());
        }
        let (rows, values) = making.size();
        let packer = self.packer.as_mut().filter(|_| rows >= PACK_FROM);
        let mut pack = packer.map(|packer| |rows: &[u8]| packer.compress(rows));
        let pack = pack.as_mut().map(|pack| pack as _);
        let (record, crc) = making.finish(self.next, pack).ok_or_else(too_large)?;
        let values_at = record.len() - values;
        self.room().map_err(disk_error)?;
        let Some(open) = &mut self.file else {
            return Err(Error::Disk("there is no segment file".into()));
        };
        if let Err(error) = open.file.append(&record) {
            self.take_back(true);
            return Err(disk_error(error));
        }
        if self.durable
            && let Err(error) = open.file.sync()
        {
            self.take_back(false);
            return Err(disk_error(error));
        }
        open.segment
            .appended((open.length + values_at as u64) as u32);
        open.length += record.len() as u64;
        let group = self.next;
        self.next += 1;
        self.moment = moment;
        Ok((Mark { group, crc }, record.len() as u64))
    }

    /// Makes sure that there is a file to append to.
    fn room(&mut self) -> io::Result<()> {
        let full = self.file.as_ref().is_none_or(|open| {
            open.length >= self.segment_bytes || self.next - open.segment.first >= GROUPS
        });
        match full || self.unsure {
            true => self.start_segment(),
            false => Ok(()),
        }
    }

    /// Takes back what was appended last. The file is kept only if `keep`: after a failed sync the system may call pages
    /// clean that never reached the disk, so nothing is appended to it again.
    fn take_back(&mut self, keep: bool) {
        let Some(mut open) = self.file.take() else {
            return;
        };
        match open.file.cut(open.length) {
            Ok(()) if keep => self.file = Some(open),
            // Nothing but a header: gone, so that a disk that fails for long does not fill the folder with names.
            Ok(()) if open.length == FILE_HEADER as u64 => {
                let _ = self.disk.remove(&open.segment.path);
            }
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "could not cut a failed record off the log; the next segment voids it");
                self.unsure = true;
                // Now if it can be; else before the next commit.
                let _ = self.start_segment();
            }
        }
    }

    /// Starts a new segment. Its name alone voids what an earlier segment holds of the same group.
    fn start_segment(&mut self) -> io::Result<()> {
        // Closed before another follows it: from then on it is read whole.
        self.file = None;
        for attempt in 0..ATTEMPTS {
            let path = self
                .dir
                .join(format!("{:016x}-{attempt:04x}.log", self.next));
            let mut file = match self.disk.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other?,
            };
            file.make_room();
            if let Err(error) = file.append(&header(self.next, self.name)) {
                match self.unsure {
                    true => self.unsure = false,
                    false => drop(self.disk.remove(&path)),
                }
                return Err(error);
            }
            self.unsure = false;
            let segment = Segment::whole(self.disk.as_ref(), &path, self.next, Vec::new())
                .map_err(|error| io::Error::other(error.to_string()))?;
            let segment = Arc::new(segment);
            self.shelf.push(segment.clone());
            self.file = Some(Open {
                file,
                segment,
                length: FILE_HEADER as u64,
            });
            return Ok(());
        }
        Err(io::Error::other("too many failed log segments"))
    }
}

/// Reads a thinned segment, group by group, checking all of it.
pub(crate) fn each_thinned(
    segment: &Segment,
    visit: &mut dyn FnMut(Group<'_>) -> Result<()>,
) -> Result<()> {
    let bytes = segment.bytes()?;
    let path = &segment.path;
    let (records, tail) =
        split_tail(&bytes).ok_or_else(|| damaged(path, 0, "the end of this segment is damaged"))?;
    let mut at = FILE_HEADER;
    let mut next = segment.first;
    while at < records.len() {
        let rest = records.get(at..).unwrap_or_default();
        let record = Record::read(rest)
            .filter(|record| record.head.first == next)
            .ok_or_else(|| damaged(path, at, "this record cannot be read"))?;
        record.groups(path, at, visit)?;
        next += u64::from(record.head.groups);
        at += record.head.size();
    }
    match next == segment.first + u64::from(tail.groups) {
        true => Ok(()),
        false => Err(damaged(path, at, "groups are missing at the end")),
    }
}

/// Whether a folder holds thinned segments: then derived rows are not all in the log.
pub(crate) fn any_thinned(disk: &dyn Disk, dir: &Path) -> Result<bool> {
    Ok(files(disk, dir)?.iter().any(|file| file.thinned))
}

/// The log's files by first group. Of those with the same first group a thinned one counts, else the last attempt.
pub(crate) fn files(disk: &dyn Disk, dir: &Path) -> Result<Vec<Named>> {
    let mut found: Vec<Named> = Vec::new();
    for path in disk.list(dir).map_err(disk_error)? {
        found.extend(named(path));
    }
    found.sort_by_key(|file| (file.first, file.thinned, file.attempt));
    let mut last: Vec<Named> = Vec::new();
    for file in found {
        if last.last().is_some_and(|before| before.first == file.first) {
            last.pop();
        }
        last.push(file);
    }
    Ok(last)
}

/// Removes what thinning left behind: files that were not finished, and whole segments whose thinned one is there.
pub(crate) fn sweep(disk: &dyn Disk, dir: &Path) -> Result<()> {
    let paths = disk.list(dir).map_err(disk_error)?;
    let thinned: HashSet<u64> = paths
        .iter()
        .filter_map(|path| named(path.clone()).filter(|file| file.thinned))
        .map(|file| file.first)
        .collect();
    for path in paths {
        let draft = path.extension().is_some_and(|end| end == "new");
        let replaced =
            named(path.clone()).is_some_and(|file| !file.thinned && thinned.contains(&file.first));
        if draft || replaced {
            disk.remove(&path).map_err(disk_error)?;
        }
    }
    Ok(())
}

/// What a file's name says.
pub(crate) fn named(path: PathBuf) -> Option<Named> {
    let name = path.file_name()?.to_str()?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (first, attempt, thinned) = match name.strip_suffix(".log") {
        Some(name) => {
            let (first, attempt) = name.split_once('-')?;
            (hex(first)?, hex(attempt)? as u32, false)
        }
        None => (hex(name.strip_suffix(".facts")?)?, 0, true),
    };
    Some(Named {
        path,
        first,
        attempt,
        thinned,
    })
}

pub(crate) fn damaged(path: &Path, at: usize, why: &str) -> Error {
    Error::Damaged(format!("{} at byte {at}: {why}", path.display()))
}

pub(crate) fn disk_error(error: io::Error) -> Error {
    Error::Disk(error.to_string())
}

fn too_large() -> Error {
    Error::Invalid {
        expression: "Bundle".into(),
        diagnostics: "more than a commit can hold; send it in parts".into(),
    }
}
