//! What can go wrong, in words for the person who must act on it.

use crate::Hash;

/// Why a call of this room failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key's text or bytes are not a key.
    #[error("not a usable key: {0}")]
    Key(&'static str),
    /// A text is not a signed note, or cannot become one.
    #[error("not a signed note: {0}")]
    Note(&'static str),
    /// No known key signed the note.
    #[error("no signature of the note is by a known key")]
    NoKnownSigner,
    /// A known key's signature does not fit the text.
    #[error("the signature of {name} does not fit what is signed")]
    WrongSignature {
        /// The key's name.
        name: String,
    },
    /// A text is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// A checkpoint is of another log than asked for.
    #[error("the checkpoint is of the log {found:?}, not of {wanted:?}")]
    Origin {
        /// The origin wanted.
        wanted: String,
        /// The origin found.
        found: String,
    },
    /// A row that must be there is not.
    #[error("the log lacks its row {0}")]
    MissingRow(String),
    /// A row is there but cannot be right.
    #[error("the log's row {row} is broken: {why}")]
    BrokenRow {
        /// Which row, as the path of its file.
        row: String,
        /// In what way.
        why: &'static str,
    },
    /// A leaf or a size lies outside the tree.
    #[error("{asked} is outside a tree of {size} leaves")]
    Outside {
        /// The leaf's index, or the size, asked for.
        asked: u64,
        /// The tree's size.
        size: u64,
    },
    /// A proof does not prove.
    #[error("the proof does not hold: {0}")]
    Proof(&'static str),
    /// Two trees of one size have different roots: the log shows different people different histories.
    #[error(
        "two histories: at {size} leaves one root is {}, another {}",
        hex(ours),
        hex(theirs)
    )]
    Fork {
        /// The size at which they differ.
        size: u64,
        /// The root known before.
        ours: Hash,
        /// The root now shown.
        theirs: Hash,
    },
    /// A text is not a receipt.
    #[error("not a receipt: {0}")]
    Receipt(&'static str),
}

/// What calls of this room give.
pub type Result<T> = std::result::Result<T, Error>;

/// Lower-case hexadecimal, for messages.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
