//! `tejido backup` and `tejido restore`: a copy of the archive taken while the node serves, and an archive made of one,
//! as it was at any moment the copy reaches.
//!
//! The keyring is not in a backup: whose key was erased stays erased in every copy. Keep it, and the master key, apart
//! from the backups; a restored archive opens with them alone.

use crate::admin::{self, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, archive, files, house, out};
use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use store::engine::{RealDisk, UpTo};

/// The keyring's folder in the archive's.
const KEYRING: &str = "keys";

/// What to back up, and where to.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// The folder of the backup. If it holds an earlier one of this node, only what is new is copied.
    #[arg(long)]
    to: PathBuf,
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of the backup.
    #[arg(long)]
    from: PathBuf,
    /// A new folder for the archive: what `data` names in node.toml.
    #[arg(long, required_unless_present = "check")]
    data: Option<PathBuf>,
    /// The keyring that was kept apart (the folder `keys` of the archive, as it is today).
    #[arg(long)]
    keys: Option<PathBuf>,
    /// Only what was stored up to this moment: 2026-11-22T18:00:00-06:00.
    #[arg(long)]
    until: Option<Timestamp>,
    /// Check the backup, byte by byte, and restore nothing.
    #[arg(long, conflicts_with_all = ["data", "keys", "until"])]
    check: bool,
}

/// What a backup holds, for people.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Copied {
    through: u64,
    moment: Timestamp,
    segments: usize,
    new: usize,
    bytes: u64,
}

impl From<store::engine::Backup> for Copied {
    fn from(backup: store::engine::Backup) -> Copied {
        Copied {
            through: backup.through,
            moment: moment(backup.moment),
            segments: backup.segments,
            new: backup.touched,
            bytes: backup.bytes,
        }
    }
}

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// Takes a backup; the running node does it if there is one.
///
/// # Errors
/// A sentence when the folder cannot be written or holds something else.
pub(crate) fn backup(args: &Backup) -> Result<(), Error> {
    let config = Config::read(&args.config)?;
    let to = std::path::absolute(&args.to).map_err(|e| Error::io(&args.to, e))?;
    let ask = Ask::Backup { to };
    let answer = match admin::ask(&config.data, &ask)? {
        Some(answer) => answer,
        None => admin::answer(&house::open(&config)?.gate, ask, Timestamp::now()),
    };
    match answer {
        Answer::BackedUp(copied) => {
            out::line(format!(
                "{} holds everything up to {} (commit {}): {} in {} segments, {} of them new.",
                args.to.display(),
                copied.moment,
                copied.through,
                out::bytes(copied.bytes),
                copied.segments,
                copied.new
            ));
            out::line(format!(
                "The keyring is not in it: copy {} as well, and {}, to another place than the backups.",
                config.data.join(KEYRING).display(),
                archive::master(&config).display()
            ));
            Ok(())
        }
        Answer::No(why) => Err(Error::say(why)),
        _ => Err(Error::say("the running node answered something else")),
    }
}

/// Checks a backup, or makes an archive of it.
///
/// # Errors
/// A sentence when the backup is damaged, or the folder is not empty.
pub(crate) fn restore(args: &Restore) -> Result<(), Error> {
    let said = |refused: store::engine::Refused| Error::say(refused.to_string());
    let Some(data) = &args.data else {
        let found = store::engine::check_backup(&RealDisk, &args.from).map_err(said)?;
        out::line(format!(
            "Every byte of {} segments is as it was written; it reaches {} (commit {}).",
            found.segments,
            moment(found.moment),
            found.through
        ));
        return Ok(());
    };
    let until = match args.until {
        Some(until) => UpTo::Moment(until.as_microsecond()),
        None => UpTo::Everything,
    };
    let (group, reached) =
        store::engine::restore(&RealDisk, &args.from, data, until).map_err(said)?;
    out::line(format!(
        "{} holds what was stored up to {} (commit {group}).",
        data.display(),
        moment(reached)
    ));
    match &args.keys {
        Some(keys) => {
            copy(keys, &data.join(KEYRING))?;
            out::line("The keyring is in its place.");
        }
        None => out::line(format!(
            "Before it can be opened, put the keyring into {}.",
            data.join(KEYRING).display()
        )),
    }
    out::line("At its first start the node makes the index anew; that takes a while.");
    Ok(())
}

/// Copies a folder of files, closed to others.
fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(to).map_err(|e| Error::io(to, e))?;
    for entry in std::fs::read_dir(from).map_err(|e| Error::io(from, e))? {
        let path = entry.map_err(|e| Error::io(from, e))?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            files::write_private(&to.join(name), &files::read(&path)?)?;
        }
    }
    Ok(())
}
