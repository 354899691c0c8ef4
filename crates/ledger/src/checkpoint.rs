//! The head of a log: how many leaves, and the one hash that stands for all of them (C2SP tlog-checkpoint).

use crate::note::{self, Opened, SigningKey, VerifierKey};
use crate::{Error, Hash, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// A log's head. [`Display`](fmt::Display) prints the text that is signed, [`Checkpoint::parse`] reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: its name, one line.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// Further lines, opaque. Ours has none: nobody can audit them.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// Reads the text of a checkpoint (a note's text, without its signatures). Strict: what it accepts, it prints
    /// byte for byte the same.
    pub fn parse(text: &str) -> Result<Checkpoint> {
        let body = text
            .strip_suffix('\n')
            .ok_or(Error::Checkpoint("its last line is not ended"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::Checkpoint("it has less than three lines"));
        };
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size: decimal(size).ok_or(Error::Checkpoint("its size is not a decimal number"))?,
            root: base64_hash(root)
                .ok_or(Error::Checkpoint("its root is not base64 of 32 bytes"))?,
            extensions: lines.map(str::to_owned).collect(),
        };
        if checkpoint.origin.is_empty() || checkpoint.extensions.iter().any(String::is_empty) {
            return Err(Error::Checkpoint("it has an empty line"));
        }
        Ok(checkpoint)
    }

    /// The signed note. The log's own key signs; a log must never sign two heads that contradict each other, so only
    /// [`Log`](crate::Log) should do this to a living log.
    pub fn sign(&self, keys: &[&SigningKey]) -> Result<String> {
        let text = self.to_string();
        Checkpoint::parse(&text)?;
        note::sign(&text, keys)
    }

    /// Opens a signed checkpoint of the log whose key this is: the log's own signature must be there and hold, the
    /// origin must be `origin`; cosignatures by `witnesses` are verified and reported.
    pub fn open(
        note: &[u8],
        origin: &str,
        log: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<(Checkpoint, Opened)> {
        let known: Vec<VerifierKey> = std::iter::once(log).chain(witnesses).cloned().collect();
        let opened = note::open(note, &known)?;
        let checkpoint = Checkpoint::parse(&opened.text)?;
        if checkpoint.origin != origin {
            return Err(Error::Origin {
                wanted: origin.to_owned(),
                found: checkpoint.origin,
            });
        }
        if !opened.signed_by(log) {
            return Err(Error::NoKnownSigner);
        }
        Ok((checkpoint, opened))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root);
        write!(f, "{}\n{}\n{root}\n", self.origin, self.size)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// A decimal number without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (digits && canonical).then(|| text.parse().ok()).flatten()
}

/// Standard base64 of exactly 32 bytes.
pub(crate) fn base64_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
