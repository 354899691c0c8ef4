//! Where the archive's rows are kept, what they take there, and what the engine does with the same rows when nothing is
//! above it.

use super::Args;
use super::report::{Bare, Way};
use crate::{Config, Error, archive, files, house};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::engine::Tuning;
use store::engine::{Embedded, Engine, Postgres, PostgresSettings, Recorded, Recording, Scratch};

/// The environment variable with the address of a database, when it is not given.
const ADDRESS: &str = "TEJIDO_POSTGRES";
/// Bytes of rows that are kept to be committed again.
const KEPT: u64 = 96 << 20;
/// How long merging may go on after the last commit before the bench goes on regardless.
const SETTLING: Duration = Duration::from_secs(120);

/// The engine under test. The archive over it must be gone before this is.
pub(super) struct Place {
    recorded: Arc<Recorded>,
    kind: Kind,
    /// The archive's folder.
    data: PathBuf,
    cache: usize,
}

enum Kind {
    Embedded(Arc<Embedded>),
    Postgres(Scratch),
}

/// Bytes on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sizes {
    /// Segments of the log that hold facts only.
    pub(super) thinned: u64,
    /// Segments that are yet to be thinned: with the newest open one.
    pub(super) whole: u64,
    /// Sorted files.
    pub(super) projection: u64,
    /// The keyring.
    pub(super) keys: u64,
    /// Tables of a database and their indexes.
    pub(super) tables: u64,
}

impl Sizes {
    pub(super) fn total(&self) -> u64 {
        self.thinned + self.whole + self.projection + self.keys + self.tables
    }

    /// Of an archive's folder.
    fn of(data: &Path) -> Sizes {
        let mut sizes = Sizes {
            projection: files::size(&data.join("projection")),
            keys: files::size(&data.join(archive::KEYS)),
            ..Sizes::default()
        };
        for segment in std::fs::read_dir(data.join("log"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let bytes = segment.metadata().map_or(0, |meta| meta.len());
            match segment.path().extension().is_some_and(|end| end == "facts") {
                true => sizes.thinned += bytes,
                false => sizes.whole += bytes,
            }
        }
        sizes
    }
}

impl Place {
    /// Opens an empty place: the archive's folder, or a schema in a database.
    pub(super) fn open(args: &Args, config: &mut Config) -> Result<Place, Error> {
        house::folder(&config.data)?;
        let (engine, kind): (Arc<dyn Engine>, Kind) = if args.engine == "postgres" {
            config.store.postgres = args
                .postgres
                .clone()
                .or_else(|| std::env::var(ADDRESS).ok());
            if config.store.postgres.is_none() {
                return Err(Error::say(format!(
                    "--engine postgres needs a database: --postgres postgresql://user@host/database, or the variable {ADDRESS}; a schema of its own is made there, and dropped at the end"
                )));
            }
            let settings = archive::settings(config)?;
            let schema = format!("tejido_bench_{}", std::process::id());
            let scratch = Scratch::make(settings.clone(), &schema)?;
            crate::out::remark(format!(
                "the archive grows in the schema {schema} of the database; if this run is stopped it stays there"
            ));
            let engine = Postgres::open(PostgresSettings {
                schema: Some(schema),
                ..settings
            })?;
            (Arc::new(engine), Kind::Postgres(scratch))
        } else {
            crate::out::remark(format!(
                "the archive grows in {}; if this run is stopped it stays there",
                config.data.display()
            ));
            let engine = Arc::new(archive::embedded(config)?);
            (engine.clone(), Kind::Embedded(engine))
        };
        Ok(Place {
            recorded: Arc::new(Recorded::new(engine)),
            kind,
            data: config.data.clone(),
            cache: config.limits.cache_bytes,
        })
    }

    /// What the archive is opened over.
    pub(super) fn engine(&self) -> Arc<dyn Engine> {
        self.recorded.clone()
    }

    /// What it is, in words.
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Embedded(_) => "embedded engine",
            Kind::Postgres(_) => {
                "PostgreSQL (what its own processes work is in no figure of work here)"
            }
        }
    }

    /// Keeps the rows of what is committed while `work` runs.
    pub(super) fn recording<T>(
        &self,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<(T, Recording), Error> {
        self.recorded.start(KEPT);
        let done = work();
        let recording = self.recorded.stop();
        Ok((done?, recording))
    }

    /// Waits until what the engine does in the background is done, and gives what is on the disk then. Sizes are looked
    /// at every `pause`, and must stay the same four times.
    pub(super) fn settled(&self, pause: Duration) -> Result<Sizes, Error> {
        let started = std::time::Instant::now();
        let (mut last, mut same) = (self.sizes()?, 0);
        while same < 4 && started.elapsed() < SETTLING {
            std::thread::sleep(pause);
            let now = self.sizes()?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        Ok(last)
    }

    /// What is on the disk when the engine has settled, and when it was then left alone until it came to rest, but no
    /// longer than this.
    pub(super) fn rested(
        &self,
        pause: Duration,
        at_most: Duration,
    ) -> Result<(Sizes, Sizes), Error> {
        let settled = self.settled(pause)?;
        if let Kind::Embedded(engine) = &self.kind
            && !engine.rested(at_most)?
            && !at_most.is_zero()
        {
            crate::out::remark("the engine did not come to rest in time; weighed as it is");
        }
        Ok((settled, self.sizes()?))
    }

    /// What is on the disk now, after thinning.
    fn sizes(&self) -> Result<Sizes, Error> {
        Ok(match &self.kind {
            Kind::Embedded(engine) => {
                engine.thin()?;
                Sizes::of(&self.data)
            }
            Kind::Postgres(scratch) => Sizes {
                keys: files::size(&self.data.join(archive::KEYS)),
                tables: scratch.bytes()?,
                ..Sizes::default()
            },
        })
    }

    /// What the engine does with a recording's rows by itself, beside `ours` (resources a second) by as many clients.
    /// `transactions` of `entries` resources each went by while it was recorded.
    pub(super) fn bare(
        &self,
        recording: &Recording,
        transactions: u64,
        entries: u64,
        (clients, ours): (usize, f64),
    ) -> Result<Bare, Error> {
        let part = recording.kept.bytes as f64 / recording.seen.bytes.max(1) as f64;
        let requests = (transactions as f64 * part).round().max(1.0);
        let resources = requests * entries as f64;
        let way = |what: String, time: Duration| {
            let per_second = resources / time.as_secs_f64().max(1e-9);
            Way {
                what,
                resources_per_second: per_second,
                ours_over_it: ours / per_second.max(1e-9),
            }
        };
        let ways = match &self.kind {
            Kind::Embedded(_) => vec![
                way(
                    format!("bare engine, {clients} committers, a transaction each, grouped"),
                    self.anew(|engine| recording.replay_by(engine, clients, requests as u64))?,
                ),
                way(
                    format!(
                        "bare engine, one after the other, in our {} groups",
                        recording.kept.commits
                    ),
                    self.anew(|engine| recording.replay(engine))?,
                ),
            ],
            Kind::Postgres(scratch) => {
                let plain = scratch.plain(recording)?;
                let rows = crate::out::count(plain.rows);
                vec![
                    way(
                        format!("plain COPY of the {rows} rows, one transaction"),
                        plain.copy,
                    ),
                    way(
                        format!(
                            "plain INSERT of each row, {} transactions",
                            recording.kept.commits
                        ),
                        plain.insert,
                    ),
                ]
            }
        };
        Ok(Bare {
            resources: resources as u64,
            rows: recording.kept.rows,
            bytes: recording.kept.bytes,
            commits: recording.kept.commits,
            ways,
        })
    }

    /// Works on a fresh engine beside the archive, of the same sizes.
    fn anew(
        &self,
        work: impl FnOnce(&dyn Engine) -> store::Result<Duration>,
    ) -> Result<Duration, Error> {
        let folder = self.data.with_file_name("bare");
        let _ = std::fs::remove_dir_all(&folder);
        let tuning = Tuning {
            cache: self.cache,
            ..Tuning::default()
        };
        let took = {
            let engine = Embedded::open(&folder, tuning)?;
            work(&engine)?
        };
        std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        Ok(took)
    }
}
