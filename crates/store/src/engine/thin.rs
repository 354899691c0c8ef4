//! Thinning: closed segments that the projection holds durably are written again with facts only.
//!
//! In: the first whole segment whose every group is below the projection's durable mark. Out: a file `first.facts` with
//! the same groups, their moments and facts, many groups a record and packed well; then the whole segment's name is
//! removed. Who still reads it does so undisturbed, and pointers mean the same in both.
//!
//! Safe at any kill: the new file gets its name only when all of it is durable. Files of another name are swept away at the
//! next opening, and so is a whole segment whose thinned one is there.
//!
//! Cost: each segment is read and written once more, in a thread of its own, beside the commits, in bursts while somebody
//! asks (`projection/pace.rs`).

use super::{
    disk::{Disk, DiskFile, DiskReader},
    is_derived,
    log::{Mark, damaged, disk_error, each_thinned},
    projection::{Bursts, Projection},
    record::{Group, HEADER, Head, Making, Record, Value},
    segment::{FILE_HEADER, Segment, Shelf, header, tail},
};
use crate::{Error, Result};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::JoinHandle,
};

/// Rows in one record, bytes before packing: enough that rows written again and again are packed away.
const ROWS: usize = 2 << 20;
/// Values in one record, bytes.
const VALUES: usize = 8 << 20;
/// What is here was sealed or is random: higher levels win nothing.
const LEVEL: i32 = 1;
/// Bytes that are read, packed or written at once; of what is written, also synced.
const PIECE: usize = 256 << 10;

/// The thread that thins. It ends when this is dropped.
pub(crate) struct Thinning {
    thinner: Arc<Thinner>,
    thread: Option<JoinHandle<()>>,
}

/// What thinning works on.
pub(crate) struct Thinner {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) log: [u8; 8],
    pub(crate) projection: Arc<Projection>,
    pub(crate) stop: AtomicBool,
    /// One at a time.
    pub(crate) turn: Mutex<()>,
}

impl Thinning {
    pub(crate) fn start(thinner: Thinner) -> Result<Thinning> {
        let thinner = Arc::new(thinner);
        let thread = std::thread::Builder::new()
            .name("store-thin".into())
            .spawn({
                let thinner = thinner.clone();
                move || thinner.run()
            })
            .map_err(disk_error)?;
        Ok(Thinning {
            thinner,
            thread: Some(thread),
        })
    }

    /// Thins all that can be thinned now.
    pub(crate) fn all(&self) -> Result<()> {
        self.thinner.all()
    }
}

impl Drop for Thinning {
    fn drop(&mut self) {
        self.thinner.stop.store(true, SeqCst);
        self.thinner.projection.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Thinner {
    fn run(&self) {
        crate::give_way();
        let mut seen = 0;
        while let Some(durable) = self.projection.wait_durable(seen, &self.stop) {
            seen = durable;
            if let Err(error) = self.all() {
                tracing::warn!(%error, "a segment of the log could not be thinned");
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(SeqCst)
    }

    fn all(&self) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.stopped() && self.one()? {}
        Ok(())
    }

    /// Thins one segment, if there is one to thin.
    fn one(&self) -> Result<bool> {
        let Thinner {
            disk, dir, shelf, ..
        } = self;
        let durable = self.projection.durable();
        let segments = shelf.now();
        let mut closed = segments.iter().zip(segments.iter().skip(1));
        let Some((segment, _)) =
            closed.find(|(segment, next)| segment.tail().is_none() && next.first <= durable)
        else {
            return Ok(false);
        };
        let path = dir.join(format!("{:016x}.facts", segment.first));
        let draft = path.with_extension("new");
        let _ = disk.remove(&draft);
        if let Err(error) = self.write(segment, &draft) {
            let _ = disk.remove(&draft);
            return match self.stopped() {
                true => Ok(false),
                false => Err(error),
            };
        }
        disk.rename(&draft, &path).map_err(disk_error)?;
        let (thinned, _) = Segment::thinned(disk.as_ref(), &path)?;
        shelf.replace(Arc::new(thinned));
        disk.remove(&segment.path).map_err(disk_error)?;
        Ok(true)
    }

    /// Writes the facts of a segment to a draft.
    fn write(&self, segment: &Segment, draft: &Path) -> Result<()> {
        let mut writing = Writing::create(self.disk.as_ref(), draft, segment.first, self.log)?;
        writing.bursts = Some(self.projection.bursts());
        each(
            segment,
            segment.until(),
            &mut |group| match self.stopped() {
                true => Err(Error::Disk("the archive is being closed".into())),
                false => writing.group(&group),
            },
        )?;
        writing.finish()
    }
}

/// The groups of a segment of either kind below `until`, checked.
pub(crate) fn each(
    segment: &Segment,
    until: u64,
    visit: &mut dyn FnMut(Group<'_>) -> Result<()>,
) -> Result<Mark> {
    if segment.tail().is_some() {
        each_thinned(segment, &mut |group| match group.number < until {
            true => visit(group),
            false => Ok(()),
        })?;
        return Ok(Mark::default());
    }
    let mut reading = Reading::of(segment);
    let mut next = segment.first;
    let mut mark = Mark::default();
    while next < until {
        let at = reading.at;
        let record = reading
            .record()?
            .filter(|record| record.head.first == next)
            .ok_or_else(|| damaged(&segment.path, at, "this record cannot be read"))?;
        record.groups(&segment.path, at, visit)?;
        mark = Mark {
            group: next,
            crc: record.head.crc,
        };
        next += 1;
    }
    Ok(mark)
}

/// Reads the records of a whole segment in pieces.
struct Reading<'s> {
    file: &'s dyn DiskReader,
    /// Where the next record starts.
    at: usize,
    /// What was read, and from which place of the file on.
    bytes: Vec<u8>,
    from: usize,
}

impl Reading<'_> {
    fn of(segment: &Segment) -> Reading<'_> {
        Reading {
            file: segment.file(),
            at: FILE_HEADER,
            bytes: Vec::new(),
            from: FILE_HEADER,
        }
    }

    fn length(&self) -> Result<usize> {
        Ok(self.file.length().map_err(disk_error)? as usize)
    }

    /// The next record; `None` where there is no sound one.
    fn record(&mut self) -> Result<Option<Record<'_>>> {
        let at = self.at;
        let Some(head) = self.read(at, HEADER)?.and_then(Head::read) else {
            return Ok(None);
        };
        self.at += head.size();
        Ok(self.read(at, head.size())?.and_then(Record::read))
    }

    /// So many bytes at a place; `None` where the file ends before.
    fn read(&mut self, at: usize, size: usize) -> Result<Option<&[u8]>> {
        while at + size > self.from + self.bytes.len() {
            let length = self.length()?;
            if at + size > length {
                return Ok(None);
            }
            let mut bytes = vec![0; size.max(PIECE).min(length - at)];
            match self.file.read_at(&mut bytes, at as u64) {
                Ok(()) => (self.bytes, self.from) = (bytes, at),
                // As in `disk::whole`: what room the log had left was taken back meanwhile.
                Err(error) if self.length()? >= length => return Err(disk_error(error)),
                Err(_) => {}
            }
        }
        Ok(self
            .bytes
            .get(at - self.from..)
            .and_then(|bytes| bytes.get(..size)))
    }
}

/// A thinned file in the making.
pub(crate) struct Writing {
    file: Box<dyn DiskFile>,
    making: Making,
    /// First group of the record in the making.
    first: u64,
    places: Vec<u32>,
    length: u64,
    moment: i64,
    /// Beside those who ask, if it is to keep out of their way.
    bursts: Option<Bursts>,
}

impl Writing {
    pub(crate) fn create(
        disk: &dyn Disk,
        path: &Path,
        first: u64,
        log: [u8; 8],
    ) -> Result<Writing> {
        let mut file = disk.create(path).map_err(disk_error)?;
        file.append(&header(first, log)).map_err(disk_error)?;
        Ok(Writing {
            file,
            making: Making::default(),
            first,
            places: Vec::new(),
            length: FILE_HEADER as u64,
            moment: i64::MIN,
            bursts: None,
        })
    }

    /// Adds the facts of the next group.
    pub(crate) fn group(&mut self, group: &Group<'_>) -> Result<()> {
        let facts = || group.rows.iter().filter(|(key, _)| !is_derived(key));
        self.making.group(group.moment, facts().count());
        for (key, value) in facts() {
            let value = match value {
                Value::Gone => None,
                Value::Small(value) | Value::Bulky(_, value) => Some(*value),
            };
            self.making.row(key, value);
        }
        self.moment = group.moment;
        if let Some(bursts) = &mut self.bursts {
            bursts.between();
        }
        let (rows, values) = self.making.size();
        match rows >= ROWS || values >= VALUES {
            true => self.record(),
            false => Ok(()),
        }
    }

    fn record(&mut self) -> Result<()> {
        if self.making.bases.is_empty() {
            return Ok(());
        }
        let making = std::mem::take(&mut self.making);
        let bursts = &mut self.bursts;
        let (record, _) = making
            .finish(self.first, Some(&mut |rows| pack(rows, bursts)))
            .ok_or_else(|| Error::Damaged("a group is larger than a record can be".into()))?;
        let values_at = self.length + (record.len() - making.size().1) as u64;
        let places = making.bases.iter().map(|base| values_at as u32 + base);
        self.places.extend(places);
        self.first += making.bases.len() as u64;
        self.length += record.len() as u64;
        for piece in record.chunks(PIECE) {
            self.file.append(piece).map_err(disk_error)?;
            if let Some(bursts) = &mut self.bursts {
                // All at once, at the end, would keep the log's own syncs waiting.
                self.file.sync().map_err(disk_error)?;
                bursts.between();
            }
        }
        Ok(())
    }

    /// Ends the file and makes it durable.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.record()?;
        let tail = tail(&self.places, self.moment);
        self.file.append(&tail).map_err(disk_error)?;
        self.file.sync().map_err(disk_error)
    }
}

fn pack(rows: &[u8], bursts: &mut Option<Bursts>) -> io::Result<Vec<u8>> {
    let mut packing = zstd::stream::write::Encoder::new(Vec::new(), LEVEL)?;
    packing.set_pledged_src_size(Some(rows.len() as u64))?;
    for piece in rows.chunks(PIECE) {
        packing.write_all(piece)?;
        if let Some(bursts) = bursts {
            bursts.between();
        }
    }
    packing.finish()
}
