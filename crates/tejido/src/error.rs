//! What stops a command, in words for whoever typed it.

use std::path::{Path, PathBuf};

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{}: {}", path.display(), plain(source))]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something that is wrong, with what to do.
    #[error("{0}")]
    Say(String),
    /// The gate refused.
    #[error("{0}")]
    Refused(#[from] trust::Refusal),
    /// The archive.
    #[error("{0}")]
    Archive(#[from] store::Error),
    /// A pact.
    #[error("{0}")]
    Pact(#[from] trust::PactError),
    /// A key, note or proof.
    #[error("{0}")]
    Ledger(#[from] ledger::Error),
    /// Synthetic people.
    #[error("{0}")]
    Synth(#[from] synth::Error),
}

impl Error {
    /// A file's trouble.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Error {
        Error::Io {
            path: path.as_ref().to_owned(),
            source,
        }
    }
    /// A sentence.
    pub fn say(what: impl Into<String>) -> Error {
        Error::Say(what.into())
    }
}

fn plain(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder".into(),
        ErrorKind::PermissionDenied => "permission denied; check its owner and rights".into(),
        ErrorKind::AlreadyExists => {
            "it is there already; choose another name, or move it away".into()
        }
        ErrorKind::StorageFull => {
            "the disk is full; free some space and run the command again".into()
        }
        _ => error.to_string(),
    }
}
