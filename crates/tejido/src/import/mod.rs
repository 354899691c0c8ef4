//! Loading files into a node: `tejido import`.
//!
//! **In**: paths (files, folders, archives; plain or compressed) of FHIR R4 Bundles and NDJSON. **Out**: resources stored
//! through the node's gate, a [`Summary`], and a report of what was refused.
//!
//! What it promises:
//! - A Bundle is stored whole or not at all; NDJSON is stored in runs of lines, a bad line refused alone.
//! - Run twice over the same files, the second changes nothing: ids are kept or made from the file's own bytes, and of
//!   two copies of a resource in one import the first one read is kept.
//! - Each run of lines and each Bundle is one act in the node's log, in the same commit as the resources.
//! - Memory is bounded ([`MAX_WAITING`] bytes of input wait at most, beside one document for each thread).
//!
//! The way through: `source` (files into pieces), `text` (lines), `plan` (a piece into changes), `links` (references),
//! `order` (one order over many threads), `work` (the threads).

mod links;
mod order;
mod plan;
mod report;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod work;

pub use report::{Refused, Summary, Tally};
pub use work::{find, store};

use crate::Error;
use std::path::PathBuf;
use trust::{Actor, Gate, Role};

/// Bytes of input that wait for a thread.
pub const MAX_WAITING: usize = 32 << 20;

/// What to import and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Where refusals are written, one JSON object a line.
    pub report: Option<PathBuf>,
    /// Threads that prepare and store.
    pub jobs: usize,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read of the files as they lie on disk.
    pub read: u64,
    /// Bytes to read.
    pub of: u64,
    /// Resources stored, unchanged or refused so far.
    pub resources: u64,
}

/// Imports files through a gate.
///
/// # Errors
/// When the report cannot be written, or the archive stops taking writes (disk full, damaged, the gate refuses). What
/// was stored until then stays; running it again goes on from there.
pub fn run(
    gate: &Gate,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, Error> {
    work::run(gate, options, progress)
}

/// The operator of a node: who loads and maintains it.
pub fn operator(gate: &Gate) -> Actor {
    Actor {
        id: "operator".into(),
        name: "Operator".into(),
        member: gate.member(),
        role: Role::Operator,
        licence: None,
        curp: None,
        helper: None,
        delegator: None,
    }
}
