//! `tejido migrate-store`: a stopped node's archive from one engine to the other.

use crate::config::EngineKind;
use crate::{Config, Error, archive, house, out};
use std::path::{Path, PathBuf};
use store::engine::Engine;
use store::migrate::{Moved, Progress, migrate};
use trust::Gate;

/// What can be typed.
#[derive(Debug, clap::Args)]
pub(crate) struct MigrateStore {
    /// The node's configuration; the node must be stopped.
    #[arg(long, default_value = "node.toml")]
    config: PathBuf,
    /// Where the archive goes: `postgres` is the database of [store], `embedded` the folder of --data.
    #[arg(long, value_parser = ["postgres", "embedded"])]
    to: String,
    /// For `embedded`: the new archive's folder; made if it is not there.
    #[arg(long, required_if_eq("to", "embedded"))]
    data: Option<PathBuf>,
}

/// Moves the archive and says what to change in the configuration.
///
/// # Errors
/// Each with what to do; the archive then is still where it was, and the command can be run again.
pub(crate) fn run(args: &MigrateStore) -> Result<(), Error> {
    let config = Config::read(&args.config)?;
    let wanted = match args.to.as_str() {
        "postgres" => EngineKind::Postgres,
        _ => EngineKind::Embedded,
    };
    if config.store.engine == wanted {
        return Err(Error::say(format!(
            "{}: the archive is on this engine already ([store] engine)",
            args.config.display()
        )));
    }
    let mut next = config.clone();
    next.store.engine = wanted;
    if let (EngineKind::Embedded, Some(data)) = (wanted, &args.data) {
        next.data.clone_from(data);
        house::folder(data)?;
        copy_keys(&config.data.join(archive::KEYS), &data.join(archive::KEYS))?;
    }
    let (moved, name) = {
        let (from, to) = (archive::engine(&config)?, archive::engine(&next)?);
        let name = match wanted {
            EngineKind::Postgres => "the PostgreSQL database of [store]".to_owned(),
            EngineKind::Embedded => next.data.display().to_string(),
        };
        (move_over(from.as_ref(), to.as_ref(), &name)?, name)
    };
    report(&moved);
    let (size, root) = audit(&house::open(&next)?.gate)?;
    out::line(format!(
        "The log at its new place: {} leaves, every one checked; root {root}.",
        out::count(size)
    ));
    out::line(match wanted {
        EngineKind::Postgres => "Now write engine = \"postgres\" under [store]. The folder's `keys` stay in use; its `log` and `projection` are retired and may go when the database has a backup.".to_owned(),
        EngineKind::Embedded => format!(
            "Now write data = \"{name}\", and engine = \"embedded\" under [store]. The database is retired; so are the keys in the old folder: remove them when this one has a mirror."
        ),
    });
    Ok(())
}

fn move_over(from: &dyn Engine, to: &dyn Engine, name: &str) -> Result<Moved, Error> {
    let mut last = 0;
    let moved = migrate(from, to, name, &mut |progress| {
        let (what, rows) = match progress {
            Progress::Copied(rows) => ("copied", rows),
            Progress::Compared(rows) => ("compared", rows),
        };
        if rows / 100_000 != last {
            last = rows / 100_000;
            out::remark(format!("{what}: {} rows", out::count(rows)));
        }
    })?;
    Ok(moved)
}

fn report(moved: &Moved) {
    out::line(format!(
        "Moved and compared: {} rows, {} of them versions, {} acts, {} of the log.",
        out::count(moved.rows()),
        out::count(moved.versions()),
        out::count(moved.acts()),
        out::count(moved.log_rows())
    ));
    for ((partition, family), one) in &moved.families {
        out::remark(format!(
            "partition {partition:#06x} family {family:#04x}: {} rows, {}, sha256 {}",
            out::count(one.rows),
            out::bytes(one.bytes),
            crate::keys::hex(&one.hash)
        ));
    }
}

/// The whole log against itself and its signed head: its size and root.
fn audit(gate: &Gate) -> Result<(u64, String), Error> {
    let pact = gate.pact();
    let member = pact
        .member(&gate.member())
        .ok_or_else(|| Error::say("the pact does not know this node"))?;
    let key = member.key.parse()?;
    let unread = std::cell::Cell::new(None);
    let get = |row: &[u8]| match gate.store().witnessed(row) {
        Ok(row) => row,
        Err(error) => {
            unread.set(Some(error));
            None
        }
    };
    let head = ledger::audit::audit(&key, &get);
    match unread.take() {
        Some(error) => Err(error.into()),
        None => Ok(head?.map_or((0, "none".into()), |head| {
            (head.size, crate::keys::hex(&head.root))
        })),
    }
}

/// The keyring goes along: without it the rows are noise.
fn copy_keys(from: &Path, to: &Path) -> Result<(), Error> {
    house::folder(to)?;
    for entry in std::fs::read_dir(from).map_err(|e| Error::io(from, e))? {
        let path = entry.map_err(|e| Error::io(from, e))?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            let target = to.join(name);
            // Rights go along; a copy that was interrupted is made again.
            std::fs::copy(&path, &target).map_err(|e| Error::io(&target, e))?;
            let file = std::fs::File::open(&target).map_err(|e| Error::io(&target, e))?;
            file.sync_all().map_err(|e| Error::io(&target, e))?;
        }
    }
    Ok(())
}
