//! The witness: an append-only log of acts that nobody can rewrite unseen.
//!
//! **What comes in:** commitments (32 bytes each, [`commit`]) to acts, in the order in which they were committed.
//! **What goes out:** rows for somebody else to commit together with the acts, and out of those rows: signed
//! heads, proofs, receipts, and the static files that let anybody copy and check the whole log with tools of their own.
//! **What it promises:** to drop, alter, move or insert a leaf is to be caught by whoever kept an older head; and the
//! log says nothing of anyone: what it holds is indistinguishable from noise without the salts.
//!
//! This crate knows no clock, no disk, no network, and nothing of health: it is functions over rows. Time comes in as
//! an argument, rows through a closure ([`Get`]).
//!
//! # The walk
//!
//! 1. An act is written down, salted and committed to: [`commit`].
//! 2. [`Log::append`] takes the commitments of one commit and gives its rows: the entries, the tiles of the tree's right
//!    edge, the newly signed [`Checkpoint`]. They go into the same atomic commit as the acts.
//! 3. [`Receipt::issue`] reads a proof out of the rows; [`receipt::verify`] judges it anywhere, offline.
//! 4. Other members see the head and cosign it when it continues the one they saw last: [`witness::cosign`]. The log
//!    replaces its head at every commit, so a cosigned one is kept elsewhere, and [`Receipt::under`] uses it.
//! 5. A person checks her own list from visit to visit: [`Checker`].
//! 6. An auditor copies the [`tile::files`] and uses whatever tool he trusts; [`audit::audit`] is ours.
//!
//! ```
//! use ledger::{Log, Opening, Receipt, SigningKey, receipt};
//! use std::collections::BTreeMap;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::from_seed("clinic.example/log", [7; 32])?; // in life: 32 random bytes
//! let known = [key.verifier().clone()];
//! let (mut log, mut rows) = (Log::new(key), BTreeMap::new());
//!
//! let opening = Opening { salt: [42; 32], act: b"Dr. Ruiz saw the allergies".to_vec() };
//! let appended = log.append(&[opening.commitment()], &|key| rows.get(key).cloned())?;
//! rows.extend(appended.rows); // in life: one durable commit, together with the act
//!
//! let receipt = Receipt::issue(appended.first, Some(opening), &|key| rows.get(key).cloned())?;
//! let verified = receipt::verify(&receipt.to_string(), &known)?;
//! assert_eq!(verified.act.as_deref(), Some(b"Dr. Ruiz saw the allergies".as_slice()));
//! # Ok(())
//! # }
//! ```
//!
//! # The formats are not ours
//!
//! Hashes and proofs are those of RFC 6962 and RFC 9162. Notes and keys follow C2SP signed-note, heads tlog-checkpoint,
//! files tlog-tiles, cosignatures tlog-cosignature (Ed25519), receipts tlog-proof. Go's checksum-database packages read
//! what we write in a test (`tests/judge.rs`).
//!
//! # Cost, in sketch
//!
//! A leaf costs two hashes (0.2 microseconds) and 34 bytes for ever, plus 32 for each 256 leaves. A commit costs one
//! signature and the rewriting of the right edge, about 4 KB, so leaves that come in groups are cheap. A proof reads one
//! row a level (three levels hold 16 million leaves) and hashes at most 512 times for each.
//! `examples/figures.rs` measures it.

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
