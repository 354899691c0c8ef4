//! The archive's engine as the configuration has it.

use crate::config::EngineKind;
use crate::{Config, Error, files};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::FileKey;
use store::engine::{Embedded, Engine, Postgres, PostgresSettings, Tuning};

/// The environment variable that may hold the password of the database's user.
const PASSWORD: &str = "TEJIDO_POSTGRES_PASSWORD";
/// The folder of the keyring in the archive's folder.
pub(crate) const KEYS: &str = "keys";

/// The master key's file when node.toml does not say where it is.
const MASTER: &str = "master.key";

/// How the archive is opened; its keyring is in the archive's folder whatever keeps the rows.
pub(crate) fn options(config: &Config) -> Result<store::Options, Error> {
    let usual = store::Options {
        keyring: Some(config.data.join(KEYS)),
        ..config.limits.archive()
    };
    let unfinished = next(&master(config));
    if unfinished.exists() {
        return Err(Error::say(format!(
            "{}: a change of keys was cut off; finish it with `tejido key rotate`",
            unfinished.display()
        )));
    }
    let Some(path) = &config.store.master_key else {
        return Ok(usual);
    };
    if !path.exists() {
        let old = config.data.join(KEYS).join(MASTER);
        let what = match old.exists() {
            true => format!("move {} there", old.display()),
            false => "put back the file that was made with the node; without it nothing in the archive can be read".to_owned(),
        };
        return Err(Error::say(format!(
            "{}: the master key ([store] master_key) is not there; {what}",
            path.display()
        )));
    }
    Ok(store::Options {
        master: Some(Arc::new(FileKey::read(path)?)),
        ..usual
    })
}

/// Where the master key is.
pub(crate) fn master(config: &Config) -> PathBuf {
    let usual = || config.data.join(KEYS).join(MASTER);
    config.store.master_key.clone().unwrap_or_else(usual)
}

/// Where a new master key is until the keyring is locked with it.
pub(crate) fn next(master: &Path) -> PathBuf {
    master.with_extension("key.new")
}

/// What keeps the rows, opened for this process alone.
pub(crate) fn engine(config: &Config) -> Result<Box<dyn Engine>, Error> {
    Ok(match config.store.engine {
        EngineKind::Embedded => Box::new(embedded(config)?),
        EngineKind::Postgres => Box::new(postgres(config)?),
    })
}

/// Files of our own.
pub(crate) fn embedded(config: &Config) -> Result<Embedded, Error> {
    let tuning = Tuning {
        cache: config.limits.cache_bytes,
        ..Tuning::default()
    };
    Ok(Embedded::open(&config.data, tuning)?)
}

/// The database.
pub(crate) fn postgres(config: &Config) -> Result<Postgres, Error> {
    Ok(Postgres::open(settings(config)?)?)
}

/// How the database of a configuration is reached.
pub(crate) fn settings(config: &Config) -> Result<PostgresSettings, Error> {
    let archive = &config.store;
    let Some(address) = archive.postgres.clone() else {
        return Err(Error::say(
            "[store] says nothing of a database; write postgres = \"postgresql://user@host/database\"",
        ));
    };
    let password = match &archive.postgres_password {
        Some(path) => {
            let bytes = files::read_private(path)?;
            Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
        }
        None => std::env::var(PASSWORD).ok(),
    };
    let usual = PostgresSettings::default();
    let settings = PostgresSettings {
        address,
        password,
        authority: archive
            .postgres_authority
            .as_deref()
            .map(files::read)
            .transpose()?,
        connections: archive.postgres_connections.unwrap_or(usual.connections),
        ..usual
    };
    if settings.address_holds_password() {
        return Err(Error::say(format!(
            "[store] postgres holds a password, which does not belong into a configuration; put it into a file (postgres_password = \"...\", chmod 600) or into {PASSWORD}"
        )));
    }
    Ok(settings)
}
