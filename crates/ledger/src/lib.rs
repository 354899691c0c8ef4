//! The witness: an append-only log that nobody can rewrite unseen.

pub mod audit;
pub mod checkpoint;
pub mod commitment;
mod error;
mod hash;
pub mod list;
mod log;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod tile;
pub mod tree;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use commitment::commit;
pub use error::{Error, Result};
pub use hash::{Hash, empty_root, leaf_hash, node_hash, sha256};
pub use list::{Checker, Claim, Finding, Tally};
pub use log::Log;
pub use note::{SigningKey, VerifierKey};
pub use proof::Prover;
pub use receipt::{NotVerified, Opening, Receipt, Verified};
pub use tree::{Appended, Tree};

/// Reads a committed row of the log by its key.
pub type Get<'g> = &'g dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// A row to put: key and value.
pub type Row = (Vec<u8>, Vec<u8>);
