//! `tejido fsck`, `tejido erase` and `tejido key`: what an operator does for an archive that is to last.
//!
//! `fsck` and `key rotate` need the node stopped; `erase` goes through the running node's own socket if there is one.

use crate::admin::{self, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, archive, house, import, out};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use store::{FileKey, MasterKey, Told};
use trust::{Gate, PersonRef};

/// Something is wrong and is so still.
const LEFT: u8 = 1;
/// Something was wrong and is good now.
const REPAIRED: u8 = 3;
/// Digits of a master key's file.
const KEY_BYTES: u64 = 64;

/// What to look through.
#[derive(Debug, Args)]
pub(crate) struct Fsck {
    /// The node's configuration; the node must be stopped.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Make derived rows again from the facts, if that makes something good.
    #[arg(long)]
    repair: bool,
}

/// Whom to erase.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Her CURP.
    #[arg(long, required_unless_present = "patient")]
    curp: Option<String>,
    /// The id of her Patient resource.
    #[arg(long, conflicts_with = "curp")]
    patient: Option<String>,
    /// Why: the number of the resolution or of her request. It is kept for ever, so it must not say who she is.
    #[arg(long)]
    reason: String,
    /// Yes, for good.
    #[arg(long)]
    yes: bool,
}

/// What can be done with the archive's keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// A new master key and a new key of the keyring; what is stored stays as it is. The node must be stopped.
    Rotate(Rotate),
}

/// Whose keys.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// The node's configuration; the node must be stopped.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
}

/// Looks through the archive. Exit code 0: all is well; 1: findings are left; 3: there were, and they are made good.
///
/// # Errors
/// When the archive cannot be opened or read.
pub(crate) fn fsck(args: &Fsck) -> Result<ExitCode, Error> {
    let config = Config::read(&args.config)?;
    let gate = house::open(&config)?.gate;
    let bar = out::bar(0, "versions and rows");
    let checked = gate.fsck(args.repair, &mut |told| match told {
        Told::Found(finding) => bar.suspend(|| out::line(finding.to_string())),
        Told::Done(looked) => {
            bar.set_length(looked);
            bar.set_position(looked);
        }
    });
    bar.finish_and_clear();
    let checked = checked?;
    let found = checked.found;
    out::line(format!(
        "Looked through: {} versions, {} derived rows, {} acts and their log. Findings: {}.",
        out::count(found.versions),
        out::count(found.rows),
        out::count(found.acts),
        out::count(found.findings)
    ));
    if let Some((made, after)) = checked.repaired {
        out::line(format!(
            "Made again from {} versions and {} acts; facts that could not be read: {}. Findings that are left: {}.",
            out::count(made.versions),
            out::count(made.acts),
            out::count(made.unread),
            out::count(after.findings)
        ));
    } else if found.repairable > 0 {
        out::line(format!(
            "{} of them are made good by: tejido fsck --repair",
            out::count(found.repairable)
        ));
    }
    let left = checked.left();
    let stays = match checked.repaired {
        Some((_, after)) => after.findings,
        None => found.findings - found.repairable,
    };
    if stays > 0 {
        out::line(
            "What --repair does not make good was changed from outside or lost: restore a backup (docs/operate.md), and keep a copy of this archive to find out why.",
        );
    }
    Ok(match (left, checked.repaired) {
        (0, None) => ExitCode::SUCCESS,
        (0, Some(_)) => ExitCode::from(REPAIRED),
        _ => ExitCode::from(LEFT),
    })
}

/// Erases a person.
///
/// # Errors
/// Without `--yes`; when nothing is known of her; when the archive cannot be written.
pub(crate) fn erase(args: Erase) -> Result<ExitCode, Error> {
    let config = Config::read(&args.config)?;
    if !args.yes {
        return Err(Error::say(
            "this takes her record here away for good: nothing and nobody brings it back, no backup either. Say --yes if that is meant",
        ));
    }
    let ask = Ask::Erase {
        curp: args.curp,
        patient: args.patient,
        reason: args.reason,
    };
    let answer = match admin::ask(&config.data, &ask)? {
        Some(answer) => answer,
        None => admin::answer(&house::open(&config)?.gate, ask, Timestamp::now()),
    };
    match answer {
        Answer::Erased(erased) => {
            out::line(format!(
                "Erased: {} resources with {} versions, {} acts, {} rows of the house ({} registrations). The act of it is in the log.",
                out::count(erased.resources),
                out::count(erased.versions),
                out::count(erased.acts),
                out::count(erased.rows),
                out::count(erased.records)
            ));
            out::line(
                "Now make the keyring's mirror anew: an old copy of it would open old backups of hers.",
            );
            Ok(ExitCode::SUCCESS)
        }
        Answer::No(why) => Err(Error::say(why)),
        _ => Err(Error::say("the running node answered something else")),
    }
}

/// Erases her on an open gate.
pub(crate) fn erased(
    gate: &Gate,
    (curp, patient): (Option<String>, Option<String>),
    reason: &str,
    now: Timestamp,
) -> Answer {
    let person = match (curp, patient) {
        (Some(curp), None) => PersonRef::Curp(curp),
        (None, Some(id)) => PersonRef::Patient(id),
        _ => return Answer::No("say her CURP or the id of her Patient, one of them".into()),
    };
    match gate.erase(&import::operator(gate), person, reason, now) {
        Ok(erased) => Answer::Erased(erased),
        Err(refusal) => Answer::No(refusal.en),
    }
}

/// New keys under the same values.
///
/// # Errors
/// When the node runs, or the keys cannot be read or written. Cut off at any instant, the command goes on when it is
/// typed again.
pub(crate) fn key(command: Key) -> Result<ExitCode, Error> {
    let Key::Rotate(args) = command;
    let config = Config::read(&args.config)?;
    house::free(&config.data)?;
    // Whoever holds the engine is the only one who has the keyring open.
    let _alone = archive::engine(&config)?;
    let folder = config.data.join(archive::KEYS);
    let file = archive::master(&config);
    let next = archive::next(&file);
    // A key that was not even written whole has never locked anything.
    if std::fs::metadata(&next).is_ok_and(|meta| meta.len() < KEY_BYTES) {
        std::fs::remove_file(&next).map_err(|e| Error::io(&next, e))?;
    }
    let keys = match next.exists() {
        false => {
            let old = FileKey::read(&file)?;
            let new = FileKey::create(&next)?;
            store::rotate(&folder, &old, &new)?
        }
        true => go_on(&folder, &file, &next)?,
    };
    replace(&next, &file)?;
    out::line(format!(
        "{} has a new master key, and the keyring a new key of its own over {} data keys. Copy both to where their copies are kept, and destroy the old copies.",
        file.display(),
        out::count(keys)
    ));
    Ok(ExitCode::SUCCESS)
}

/// A rotation was cut off: the ring is under the old key or under the new one, and neither file may go before it is
/// known which.
fn go_on(folder: &Path, file: &Path, next: &Path) -> Result<u64, Error> {
    let new = FileKey::read(next)?;
    let under_new = store::rotate(folder, &new, &new);
    if let Ok(keys) = under_new {
        return Ok(keys);
    }
    let old = FileKey::read(file)?;
    store::rotate(folder, &old, &new).map_err(|error| {
        Error::say(format!(
            "{error}; neither {} nor {} opens the keyring: keep both files, and put back the keyring from its mirror",
            old.name(),
            new.name()
        ))
    })
}

/// Puts the new file in the place of the old one, for good.
fn replace(new: &Path, old: &Path) -> Result<(), Error> {
    std::fs::rename(new, old).map_err(|e| Error::io(old, e))?;
    let folder = match old.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| Error::io(folder, e))
}
