//! The embedded engine: our own durable log is the truth, fjall holds its projection.
//!
//! A commit is appended to the log and synced, then applied to the projection without a sync of its own, together with
//! the mark of the record that it came from. On opening, what the log has beyond the mark is applied again. A projection
//! that is missing, cannot be opened, or is not of this log (its mark names no record) is deleted and made anew.
//!
//! Cost of a commit: one log append, one sync, one fjall batch. Disk: the log is kept whole; it alone restores all.

use super::{
    BULKY, Batch, Direction, Disk, Engine, RealDisk, Rows, Snapshot,
    log::{EachRow, Log, Mark, decode, disk_error, encode},
};
use crate::{Error, Result};
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable,
    config::{BlockSizePolicy, CompressionPolicy},
};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

/// Where the projection notes how far it has come; partition 0 is the engine's own.
const APPLIED: &[u8] = b"\0\0\0applied";

/// Sizes of the embedded engine.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Cache for blocks of the projection, bytes.
    pub cache: usize,
    /// Whether each commit is synced.
    pub durable: bool,
    /// A log segment is left for a new one at this size.
    pub segment_bytes: u64,
    /// The projection is made durable after so many bytes of log; a restart replays at most so much.
    pub persist_bytes: u64,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            cache: 64 << 20,
            durable: true,
            segment_bytes: 64 << 20,
            persist_bytes: 64 << 20,
        }
    }
}

/// Log and projection in one folder.
pub struct Embedded {
    dir: PathBuf,
    tuning: Tuning,
    make_disk: Box<dyn Fn() -> Box<dyn Disk> + Send + Sync>,
    projection: RwLock<Option<Projection>>,
    writer: Mutex<Writer>,
    /// Held as long as the engine lives: one process per folder.
    _lock: File,
}

struct Writer {
    /// `None` after a failure of the projection: the next commit opens both again.
    log: Option<Log>,
    since_persist: u64,
}

#[derive(Clone)]
struct Projection {
    db: Database,
    small: Keyspace,
    bulky: Keyspace,
}

impl Embedded {
    /// Opens or creates the engine in a folder and replays what the projection lacks.
    pub fn open(dir: &Path, tuning: Tuning) -> Result<Embedded> {
        Embedded::open_on(dir, tuning, Box::new(|| Box::new(RealDisk)))
    }

    /// The same on another disk for the log (tests refuse writes with it).
    pub fn open_on(
        dir: &Path,
        tuning: Tuning,
        make_disk: Box<dyn Fn() -> Box<dyn Disk> + Send + Sync>,
    ) -> Result<Embedded> {
        std::fs::create_dir_all(dir.join("log")).map_err(disk_error)?;
        let lock = File::create(dir.join("lock")).map_err(disk_error)?;
        lock.try_lock()
            .map_err(|_| Error::Disk(format!("{} is open elsewhere", dir.display())))?;
        if let Ok(folder) = File::open(dir) {
            folder.sync_all().map_err(disk_error)?;
        }
        let engine = Embedded {
            dir: dir.to_owned(),
            tuning,
            make_disk,
            projection: RwLock::new(None),
            writer: Mutex::new(Writer {
                log: None,
                since_persist: 0,
            }),
            _lock: lock,
        };
        engine.reopen(&mut engine.writer())?;
        Ok(engine)
    }

    /// Makes the projection anew from the whole log, checking every record.
    pub fn rebuild(&self) -> Result<()> {
        let mut writer = self.writer();
        self.close(&mut writer);
        self.remove_projection()?;
        self.reopen(&mut writer)
    }

    /// Makes the projection durable, so that the next opening has nothing to replay.
    pub fn persist(&self) -> Result<()> {
        let mut writer = self.writer();
        writer.since_persist = 0;
        self.projection()?
            .db
            .persist(PersistMode::SyncAll)
            .map_err(storage)
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn projection(&self) -> Result<Projection> {
        self.projection
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(|| Error::Disk("the archive is being repaired after a failed write".into()))
    }

    fn close(&self, writer: &mut Writer) {
        writer.log = None;
        *self
            .projection
            .write()
            .unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn remove_projection(&self) -> Result<()> {
        match std::fs::remove_dir_all(self.dir.join("projection")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(disk_error(error)),
            _ => Ok(()),
        }
    }

    /// Opens projection and log and brings the first up to the second.
    fn reopen(&self, writer: &mut Writer) -> Result<()> {
        self.close(writer);
        let opened = match Projection::open(&self.dir.join("projection"), &self.tuning) {
            Ok(projection) => self.replay(projection, false)?,
            Err(fjall::Error::Locked) => {
                return Err(Error::Disk(
                    "readers still hold the failed projection".into(),
                ));
            }
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
                let fresh = Projection::open(&self.dir.join("projection"), &self.tuning)
                    .map_err(storage)?;
                self.replay(fresh, true)?
                    .ok_or_else(|| Error::Damaged("the log changed while it was read".into()))?
            }
        };
        writer.log = Some(log);
        writer.since_persist = 0;
        *self
            .projection
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(projection);
        Ok(())
    }

    /// `None` when the projection is not of this log.
    fn replay(&self, projection: Projection, fresh: bool) -> Result<Option<(Projection, Log)>> {
        let applied = projection.applied()?;
        // A fresh projection of a log that lost its last record must not make that loss a torn end; a deleted
        // projection can no longer tell, so there the log alone decides.
        let known = if fresh { 0 } else { applied.group };
        let mut ours = applied.group == 0;
        let mut strange = false;
        let log = Log::open(
            (self.make_disk)(),
            &self.dir.join("log"),
            self.tuning.segment_bytes,
            self.tuning.durable,
            known,
            applied.group,
            &mut |mark, payload| {
                if mark.group == applied.group {
                    ours = mark.crc == applied.crc;
                    strange = !ours;
                } else if !strange {
                    projection.apply(mark, |row| decode(payload, row))?;
                }
                Ok(())
            },
        )?;
        Ok(ours.then_some((projection, log)))
    }
}

impl Engine for Embedded {
    fn commit(&self, batch: &Batch) -> Result<()> {
        let payload = encode(batch);
        let mut writer = self.writer();
        if writer.log.is_none() {
            self.reopen(&mut writer)?;
        }
        let projection = self.projection()?;
        let Some(log) = &mut writer.log else {
            return Err(Error::Disk("the log is closed".into()));
        };
        let (mark, bytes) = log.append(&payload)?;
        debug_assert_eq!(mark.group + 1, log.next());
        let applied = projection.apply(mark, |row| {
            for (key, value) in batch {
                row(key, value.as_deref());
            }
            Ok(())
        });
        if let Err(error) = applied {
            log.retract();
            drop(projection);
            self.close(&mut writer);
            return Err(error);
        }
        writer.since_persist += bytes;
        if writer.since_persist >= self.tuning.persist_bytes {
            writer.since_persist = 0;
            // The commit is durable in the log already; a failure here shows at the next commit.
            if let Err(error) = projection.db.persist(PersistMode::SyncAll) {
                tracing::warn!(%error, "the projection could not be made durable");
            }
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        let projection = self.projection()?;
        Ok(Box::new(View {
            snapshot: projection.db.snapshot(),
            projection,
        }))
    }
}

impl Projection {
    fn open(dir: &Path, tuning: &Tuning) -> fjall::Result<Projection> {
        let db = Database::builder(dir)
            .cache_size(tuning.cache as u64)
            .worker_threads(2)
            .max_journaling_size(256 << 20)
            .open()?;
        let small = db.keyspace("small", || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(32 << 20)
        })?;
        // Bodies are compressed already, and read one at a time.
        let bulky = db.keyspace("bulky", || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(32 << 20)
                .data_block_compression_policy(CompressionPolicy::disabled())
                .data_block_size_policy(BlockSizePolicy::all(4 << 10))
        })?;
        Ok(Projection { db, small, bulky })
    }

    fn of(&self, key: &[u8]) -> &Keyspace {
        match key.get(2) {
            Some(&family) if family >= BULKY => &self.bulky,
            _ => &self.small,
        }
    }

    fn applied(&self) -> Result<Mark> {
        let Some(value) = self.small.get(APPLIED).map_err(storage)? else {
            return Ok(Mark::default());
        };
        let mut reader = crate::codec::Reader(&value);
        Ok(Mark {
            group: u64::from_le_bytes(reader.array()?),
            crc: u32::from_le_bytes(reader.array()?),
        })
    }

    fn apply(&self, mark: Mark, rows: impl FnOnce(&mut EachRow<'_>) -> Result<()>) -> Result<()> {
        let mut batch = self.db.batch();
        rows(&mut |key, value| {
            let keyspace = self.of(key);
            match value {
                Some(value) => batch.insert(keyspace, key, value),
                None => batch.remove(keyspace, key),
            }
        })?;
        let mut applied = mark.group.to_le_bytes().to_vec();
        applied.extend_from_slice(&mark.crc.to_le_bytes());
        batch.insert(&self.small, APPLIED, applied);
        batch.commit().map_err(storage)
    }
}

fn storage(error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(error) => disk_error(error),
        fjall::Error::Poisoned => Error::Disk("an earlier write of the projection failed".into()),
        other => Error::Disk(other.to_string()),
    }
}

struct View {
    snapshot: fjall::Snapshot,
    projection: Projection,
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let value = self
            .snapshot
            .get(self.projection.of(key), key)
            .map_err(storage)?;
        Ok(value.map(|value| value.to_vec()))
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        if from >= to || limit == 0 {
            return Ok(());
        }
        let mut range = self.snapshot.range(self.projection.of(from), from..to);
        for _ in 0..limit {
            let next = match direction {
                Direction::Up => range.next(),
                Direction::Down => range.next_back(),
            };
            let Some(row) = next else { break };
            let (key, value) = row.into_inner().map_err(storage)?;
            rows.push(&key, &value);
        }
        Ok(())
    }
}
