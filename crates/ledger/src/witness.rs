//! Witnessing: how one member vouches that another's log only grew.
//!
//! A witness remembers the last head it saw of each log. It signs a newer one only with a proof that the old tree is
//! the beginning of the new. So a log that shows one history to a patient and another to an inspector needs all of its
//! witnesses to lie with it.

use crate::checkpoint::Checkpoint;
use crate::note::{self, SigningKey, VerifierKey};
use crate::{Hash, Result, proof};

/// Checks a log's new head against the last one seen and cosigns it.
///
/// `seen` is what this returned for that log last time (nothing the first time); `path` the consistency proof from
/// there; `seconds` POSIX time. Gives the note with the cosignature added, and the head to remember, which must be
/// durable before the note is handed out. [`Error::Fork`](crate::Error::Fork) is proof of misconduct: keep both notes.
pub fn cosign(
    seen: Option<&Checkpoint>,
    note: &str,
    log: &VerifierKey,
    path: &[Hash],
    key: &SigningKey,
    seconds: u64,
) -> Result<(String, Checkpoint)> {
    let (head, _) = Checkpoint::open(note.as_bytes(), log.name(), log, &[])?;
    if let Some(seen) = seen {
        follows(seen, &head, path)?;
    }
    Ok((note::cosign(note, key, seconds)?, head))
}

/// Whether a head of the same log continues an older one.
pub fn follows(old: &Checkpoint, new: &Checkpoint, path: &[Hash]) -> Result<()> {
    if old.origin != new.origin {
        return Err(crate::Error::Origin {
            wanted: old.origin.clone(),
            found: new.origin.clone(),
        });
    }
    proof::verify_consistency(old.size, &old.root, new.size, &new.root, path)
}
