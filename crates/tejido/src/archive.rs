//! The archive's engine as the configuration has it.

use crate::{Config, Error, files};
use store::engine::{Embedded, Postgres, PostgresSettings, Tuning};

/// The environment variable that may hold the password of the database's user.
const PASSWORD: &str = "TEJIDO_POSTGRES_PASSWORD";
/// The folder of the keyring in the archive's folder.
pub(crate) const KEYS: &str = "keys";

/// How the archive is opened; its keyring is in the archive's folder whatever keeps the rows.
pub(crate) fn options(config: &Config) -> store::Options {
    store::Options {
        keyring: Some(config.data.join(KEYS)),
        ..config.limits.archive()
    }
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

fn settings(config: &Config) -> Result<PostgresSettings, Error> {
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
