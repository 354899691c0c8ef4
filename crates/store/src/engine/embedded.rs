//! The embedded engine: our own durable log is the truth, the projection holds its rows by key.
//!
//! A commit is appended to the log and synced, then put into the projection's table in memory. On opening, what the log
//! has beyond the projection's durable mark is applied again. A projection that is missing, cannot be opened, or is not
//! of this log (its mark names no record) is deleted and made anew.
//!
//! Segments that the projection holds durably are *thinned* in the background (`thin.rs`): they keep facts only. When the
//! projection is lost after that, it is made anew from the facts, and [`Engine::incomplete`] says that the store has to
//! derive the rest.
//!
//! Cost of a commit: one log append, one sync, one insert in memory a row. Disk: bulky values once, in the log; small rows
//! in the projection, and until their segment is thinned in the log.

use super::{
    Backup, Batch, Disk, Engine, RealDisk, Refused, Snapshot,
    backup::{self, Source},
    is_bulky, is_derived,
    log::{self, Log, Mark, Opening, disk_error},
    projection::Projection,
    record::{Group, Pointer, Value},
    segment::Shelf,
    thin::{Thinner, Thinning},
};
use crate::{Error, Result};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, atomic::AtomicBool},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Sizes of the embedded engine.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Cache for blocks of the projection, bytes.
    pub cache: usize,
    /// Whether each commit is synced.
    pub durable: bool,
    /// A log segment is left for a new one at this size; at most 1 GiB.
    pub segment_bytes: u64,
    /// The projection's table in memory is written to the disk at this size; a restart replays at most three such.
    pub memtable_bytes: u64,
    /// How long nobody must have asked before the projection is merged further than writing needs.
    pub quiet: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            cache: 64 << 20,
            durable: true,
            segment_bytes: 32 << 20,
            memtable_bytes: 32 << 20,
            quiet: Duration::from_secs(3),
        }
    }
}

/// Log and projection in one folder.
pub struct Embedded {
    dir: PathBuf,
    tuning: Tuning,
    disk: Arc<dyn Disk>,
    open: RwLock<Option<Arc<Open>>>,
    writer: Mutex<Option<Log>>,
    /// Held as long as the engine lives: one process per folder.
    _lock: File,
}

/// Projection, and the thread that thins the log behind it.
struct Open {
    thinning: Thinning,
    projection: Arc<Projection>,
}

impl Embedded {
    /// Opens or creates the engine in a folder and replays what the projection lacks.
    pub fn open(dir: &Path, tuning: Tuning) -> Result<Embedded> {
        Embedded::open_on(dir, tuning, Arc::new(RealDisk))
    }

    /// The same on another disk for the log (tests refuse writes with it).
    pub fn open_on(dir: &Path, tuning: Tuning, disk: Arc<dyn Disk>) -> Result<Embedded> {
        std::fs::create_dir_all(dir.join("log")).map_err(disk_error)?;
        let lock = File::create(dir.join("lock")).map_err(disk_error)?;
        lock.try_lock()
            .map_err(|_| Error::Disk(format!("{} is open elsewhere", dir.display())))?;
        if let Ok(folder) = File::open(dir) {
            folder.sync_all().map_err(disk_error)?;
        }
        let engine = Embedded {
            dir: dir.to_owned(),
            tuning: Tuning {
                segment_bytes: tuning.segment_bytes.min(1 << 30),
                ..tuning
            },
            disk,
            open: RwLock::new(None),
            writer: Mutex::new(None),
            _lock: lock,
        };
        engine.reopen(&mut engine.writer())?;
        Ok(engine)
    }

    /// Makes the projection anew from the whole log, checking every record. Ask [`Engine::incomplete`] afterwards.
    pub fn rebuild(&self) -> Result<()> {
        let mut writer = self.writer();
        *writer = None;
        self.close();
        self.remove_projection()?;
        self.reopen(&mut writer)
    }

    /// Makes the projection durable, so that the next opening has nothing to replay.
    pub fn persist(&self) -> Result<()> {
        self.opened()?.projection.persist()
    }

    /// Thins now all that can be thinned, which is otherwise done in the background: everything but the open segment.
    pub fn thin(&self) -> Result<()> {
        let open = self.opened()?;
        open.projection.persist()?;
        open.thinning.all()
    }

    /// Waits until the projection has nothing left to write and to merge, but no longer than this; gives whether it is so.
    /// Part of the merging is done only while nobody asks ([`Tuning::quiet`]).
    pub fn rested(&self, at_most: Duration) -> Result<bool> {
        Ok(self.opened()?.projection.rested(at_most))
    }

    fn writer(&self) -> MutexGuard<'_, Option<Log>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) -> Result<Arc<Open>> {
        self.open
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| Error::Disk("the archive is being made anew from its log".into()))
    }

    fn close(&self) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remove_projection(&self) -> Result<()> {
        match std::fs::remove_dir_all(self.dir.join("projection")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(disk_error(error)),
            _ => Ok(()),
        }
    }

    fn projection(&self, shelf: &Arc<Shelf>) -> Result<Projection> {
        Projection::open(&self.dir.join("projection"), &self.tuning, shelf.clone())
    }

    /// Opens projection and log and brings the first up to the second.
    fn reopen(&self, writer: &mut Option<Log>) -> Result<()> {
        log::sweep(self.disk.as_ref(), &self.dir.join("log"))?;
        let shelf = Arc::<Shelf>::default();
        let there = self.dir.join("projection").exists();
        let opened = match self.projection(&shelf) {
            Ok(projection) => self.replay(projection, &shelf, !there)?,
            Err(error) => {
                tracing::warn!(%error, "the projection cannot be opened");
                None
            }
        };
        let (projection, log) = match opened {
            Some(opened) => opened,
            None => {
                tracing::warn!("making the projection anew from the log");
                self.remove_projection()?;
                self.replay(self.projection(&shelf)?, &shelf, true)?
                    .ok_or_else(|| Error::Damaged("the log changed while it was read".into()))?
            }
        };
        let projection = Arc::new(projection);
        let thinning = Thinning::start(Thinner {
            disk: self.disk.clone(),
            dir: self.dir.join("log"),
            shelf,
            log: log.name,
            projection: projection.clone(),
            stop: AtomicBool::new(false),
            turn: Mutex::new(()),
        })?;
        *writer = Some(log);
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(Open {
            thinning,
            projection,
        }));
        Ok(())
    }

    /// `None` when the projection is not of this log.
    fn replay(
        &self,
        projection: Projection,
        shelf: &Arc<Shelf>,
        fresh: bool,
    ) -> Result<Option<(Projection, Log)>> {
        let dir = self.dir.join("log");
        let applied = projection.applied()?;
        let facts_only = applied.group == 0 && log::any_thinned(self.disk.as_ref(), &dir)?;
        if facts_only {
            projection.set_incomplete(true);
        }
        let mut ours = applied.group == 0;
        let mut strange = false;
        let opening = Opening {
            dir: &dir,
            segment_bytes: self.tuning.segment_bytes,
            durable: self.tuning.durable,
            // A deleted projection can no longer tell what was acknowledged: there the log alone decides.
            known: if fresh { 0 } else { applied.group },
            from: applied.group,
            shelf: shelf.clone(),
        };
        let log = Log::open(self.disk.clone(), &opening, &mut |mark, group| {
            if mark.group == applied.group {
                ours = mark.crc == applied.crc;
                strange = !ours;
            } else if !strange {
                projection.room()?;
                let wanted = |key: &[u8]| !facts_only || !is_derived(key);
                projection.apply(mark, rows(&group).filter(|(key, _)| wanted(key)));
            }
            Ok(())
        })?;
        Ok(ours.then_some((projection, log)))
    }
}

impl Drop for Embedded {
    /// A clean end leaves nothing to replay, and a durable mark of what was acknowledged.
    fn drop(&mut self) {
        if let Ok(open) = self.opened()
            && let Err(error) = open.projection.persist()
        {
            tracing::warn!(%error, "the projection could not be written at the end; the log has it all");
        }
    }
}

fn rows<'g>(group: &'g Group<'_>) -> impl Iterator<Item = (&'g [u8], Value<'g>)> {
    group
        .rows
        .iter()
        .map(|(key, value)| (key.as_slice(), *value))
}

/// The rows of a batch as they stand in its record.
fn placed(batch: &Batch, mark: Mark) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    let mut at = 0;
    batch.iter().map(move |(key, value)| {
        let value = match value.as_deref() {
            None => Value::Gone,
            Some(value) if is_bulky(key) => {
                let pointer = Pointer {
                    group: mark.group,
                    at,
                    length: value.len() as u32,
                };
                at += pointer.length;
                Value::Bulky(pointer, value)
            }
            Some(value) => Value::Small(value),
        };
        (key.as_slice(), value)
    })
}

/// Microsecond of now.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_micros() as i64)
}

impl Engine for Embedded {
    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut writer = self.writer();
        if writer.is_none() {
            self.reopen(&mut writer)?;
        }
        let open = self.opened()?;
        open.projection.room()?;
        let Some(log) = writer.as_mut() else {
            return Err(Error::Disk("the log is closed".into()));
        };
        let (mark, _) = log.append(batch, now())?;
        debug_assert_eq!(mark.group + 1, log.next());
        open.projection.apply(mark, placed(batch, mark));
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(self.opened()?.projection.view()))
    }

    fn incomplete(&self) -> Result<bool> {
        self.opened()?.projection.incomplete()
    }

    fn forget_derived(&self) -> Result<()> {
        self.opened()?.projection.set_incomplete(true);
        Ok(())
    }

    fn derive(&self, batch: &Batch) -> Result<()> {
        let projection = &self.opened()?.projection;
        projection.room()?;
        let rows = batch.iter();
        projection.derive(rows.map(|(key, value)| (key.as_slice(), value.as_deref())));
        Ok(())
    }

    fn complete(&self) -> Result<()> {
        let projection = &self.opened()?.projection;
        projection.set_incomplete(false);
        projection.persist()
    }

    fn backup(&self, to: &Path) -> std::result::Result<Backup, Refused> {
        let source = {
            let writer = self.writer();
            let log = writer
                .as_ref()
                .ok_or_else(|| Refused("the log is closed; try again in a moment".into()))?;
            Source {
                log: log.name,
                segments: log.shelf.now(),
                through: log.next() - 1,
                moment: log.moment,
            }
        };
        backup::backup(self.disk.as_ref(), &source, to)
    }
}
