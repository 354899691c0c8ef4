//! Opening a node's house from its folder: keys, secret, pact, archive.

use crate::config::EngineKind;
use crate::init::{self, NewNode, names};
use crate::{Config, Error, archive, files, keys};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::engine::Engine;
use trust::{Gate, MemberId, MemberKind};

/// A house that is open, and the key it was opened with.
pub struct Opened {
    /// The gate.
    pub gate: Gate,
    /// The node's Ed25519 seed.
    pub key: [u8; 32],
}

/// Opens the gate of a configuration. Blocks while a crash is made good.
///
/// # Errors
/// Each with what to do: a key or secret missing or open to others, a pact not signed, an archive in use.
pub fn open(config: &Config) -> Result<Opened, Error> {
    open_with(config, |given| {
        folder(&config.data)?;
        free(&config.data)?;
        Ok(match config.store.engine {
            EngineKind::Embedded => Gate::open(&config.data, given),
            EngineKind::Postgres => {
                let engine = archive::postgres(config)?;
                Gate::over(Arc::new(engine), given)
            }
        })
    })
}

/// The same over an engine that is open already.
pub(crate) fn open_over(config: &Config, engine: Arc<dyn Engine>) -> Result<Opened, Error> {
    open_with(config, |given| Ok(Gate::over(engine, given)))
}

fn open_with(
    config: &Config,
    open: impl FnOnce(trust::Config) -> Result<Result<Gate, trust::Refusal>, Error>,
) -> Result<Opened, Error> {
    let (_, key) = keys::read(&config.key)?;
    let network_secret = missing(
        keys::read_network_secret(&config.network_secret),
        || "the network's secret is missing; `tejido pact found` makes it, and whoever founded the network hands it to you",
    )?;
    let pact = missing(
        files::read_text(&config.pact),
        || "the pact is missing; copy the pact that all founders signed (`tejido pact sign`) here",
    )?;
    if toml::from_str::<trust::Pact>(&pact).is_ok() {
        return Err(Error::say(format!(
            "{}: nobody has signed this pact yet; each member signs with `tejido pact sign`",
            config.pact.display()
        )));
    }
    let given = trust::Config {
        member: config.member.clone(),
        key,
        network_secret,
        pact,
        now: jiff::Timestamp::now(),
        store: archive::options(config)?,
    };
    match open(given)? {
        Ok(gate) => Ok(Opened { gate, key }),
        Err(refusal) => Err(Error::say(format!(
            "{}: {}",
            config.data.display(),
            refusal.en
        ))),
    }
}

/// Makes the archive's folder, closed to others.
pub(crate) fn folder(data: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(|e| Error::io(data, e))
}

/// Says so when another process has the archive open.
pub(crate) fn free(data: &Path) -> Result<(), Error> {
    let Ok(lock) = std::fs::File::open(data.join("lock")) else {
        return Ok(());
    };
    match lock.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::say(format!(
            "{}: another process has this archive open (a running node, or an import); stop it first. Accounts and tokens can be made while the node runs; data is loaded into a running node through its FHIR door",
            data.display()
        ))),
        _ => Ok(()),
    }
}

fn missing<T>(result: Result<T, Error>, why: impl FnOnce() -> &'static str) -> Result<T, Error> {
    match result {
        Err(Error::Io { path, source }) if source.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::say(format!("{}: {}", path.display(), why())))
        }
        other => other,
    }
}

/// The configuration of a folder; when nothing is there, a node that is a network by itself is made first, for trials
/// and for figures. Gives the configuration, and whether it is new.
///
/// # Errors
/// When the folder holds something else, or cannot be written.
pub fn alone(dir: &Path) -> Result<(Config, bool), Error> {
    let config = dir.join(names::CONFIG);
    if config.exists() {
        return Ok((Config::read(&config)?, false));
    }
    let taken = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        return Err(Error::say(format!(
            "{}: it is not empty and holds no node.toml; choose another folder",
            dir.display()
        )));
    }
    let node = NewNode {
        member: MemberId("local".into()),
        name: "Local".into(),
        kind: MemberKind::Clinic,
        address: "localhost:7443".into(),
        public: "https://localhost:8443".into(),
        certificate: None,
    };
    let member = init::create(dir, &node)?;
    let (key, _) = keys::read(&dir.join(names::KEY))?;
    // It has nobody to agree with on tables, and goes by those of whatever program opens it.
    let pact = trust::Pact {
        seals: None,
        ..crate::pact::founding("Local", 1, vec![member])
    };
    found(&[dir.to_owned()], &pact, &[key])?;
    Ok((Config::read(&config)?, true))
}

/// Signs a founding pact with all keys and puts it, with a new network secret, into all folders: for networks whose
/// nodes one person runs (a demonstration, tests).
///
/// # Errors
/// When the pact is not good, or a folder cannot be written or has a pact.
pub fn found(
    dirs: &[PathBuf],
    pact: &trust::Pact,
    members: &[ledger::SigningKey],
) -> Result<String, Error> {
    let signed = crate::pact::signed(pact, members)?;
    let secret = format!("{}\n", keys::hex(&keys::random()?));
    for dir in dirs {
        files::write_private(&dir.join(names::NETWORK_SECRET), secret.as_bytes())?;
        files::write_public(&dir.join(names::PACT), signed.as_bytes())?;
    }
    Ok(signed)
}
