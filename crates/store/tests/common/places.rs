//! One suite for all engines: a place is where an archive of one test lives.

use super::{House, TestRules, TestWitness, server::Database};
use std::{path::Path, sync::Arc};
use store::{
    Options, Result, Store,
    engine::{Postgres, PostgresSettings},
};

/// Where an archive lives.
pub enum Place {
    /// Gone when it is closed.
    Memory,
    /// The embedded engine in a folder.
    Folder(tempfile::TempDir),
    /// A PostgreSQL database.
    Database(Database),
}

impl Place {
    pub fn folder() -> Place {
        Place::Folder(tempfile::tempdir().unwrap())
    }
    /// `None` where there is no PostgreSQL.
    pub fn database() -> Option<Place> {
        Database::new().map(Place::Database)
    }
    /// A new one on every engine that is here.
    pub fn all() -> Vec<Place> {
        let mut places = vec![Place::Memory, Place::folder()];
        places.extend(Place::database());
        places
    }
    /// Whether what was closed can be opened again.
    pub fn lasts(&self) -> bool {
        !matches!(self, Place::Memory)
    }
    pub fn open(&self) -> House {
        self.try_open().unwrap()
    }
    pub fn try_open(&self) -> Result<House> {
        match self {
            Place::Memory => Ok(super::in_memory()),
            Place::Folder(dir) => super::try_open(dir.path()),
            Place::Database(database) => over(settings(&database.address), database.keys.path()),
        }
    }
}

/// For tests: a node that is refused hears it soon.
pub fn settings(address: &str) -> PostgresSettings {
    PostgresSettings {
        address: address.to_owned(),
        connections: 4,
        wait: std::time::Duration::from_secs(10),
        patience: std::time::Duration::from_secs(10),
        ..PostgresSettings::default()
    }
}

/// A house over a database, with its keyring in a folder.
pub fn over(settings: PostgresSettings, keys: &Path) -> Result<House> {
    let (store, seal) = Store::over(
        Arc::new(Postgres::open(settings)?),
        Options {
            keyring: Some(keys.to_owned()),
            ..Options::default()
        },
        Box::new(TestRules),
        Box::new(TestWitness),
    )?;
    Ok(House { store, seal })
}

/// Tells a story on every engine that is here.
pub fn everywhere(story: impl Fn(&House)) {
    for place in Place::all() {
        story(&place.open());
    }
}
