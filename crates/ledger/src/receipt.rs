//! Receipts: everything that is needed to see, offline and years later, that an act is in a node's log.
//!
//! A receipt is a text in the form C2SP tlog-proof (`c2sp.org/tlog-proof@v1`, file ending `.tlog-proof`), so other
//! people's tools can check its proof and signatures:
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64 of what is shown, see below>
//! index <place in the log>
//! <base64 of each hash of the inclusion proof, a line each>
//!
//! <the signed checkpoint, with its cosignatures>
//! ```
//!
//! The extra data is a text of our own: the line `tejido/receipt/v1`, the line `commitment` with the log entry in
//! base64, and, when the act itself is shown, the line `salt` with its salt in base64, an empty line, and the act's
//! bytes as they are. Without salt and act the receipt proves that *something* is in the log and says nothing of what.
//!
//! Verifying knows no clock: a receipt does not age. Whether the keys were valid then is for whoever gives the keys.

use crate::checkpoint::{Checkpoint, base64_hash, decimal};
use crate::hash::leaf_hash;
use crate::note::{self, KeyKind, Opened, Signer, VerifierKey};
use crate::tile::{self, CHECKPOINT, File, WIDTH};
use crate::{Error, Get, Hash, Result, commit, proof};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The first line of a receipt.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The first line of its extra data.
const EXTRA: &str = "tejido/receipt/v1";
/// No receipt is longer (bytes).
pub const MAX_RECEIPT: usize = 4 << 20;
/// No tree is higher.
const MAX_PATH: usize = 64;

/// What a commitment was made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The salt.
    pub salt: [u8; 32],
    /// The act's bytes.
    pub act: Vec<u8>,
}

impl Opening {
    /// The commitment that this opens.
    pub fn commitment(&self) -> Hash {
        commit(&self.salt, &self.act)
    }
}

/// Says how long the act is, never what it says: acts are about people, and this may end in a log file.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({} bytes withheld)", self.act.len())
    }
}

/// A receipt. [`Display`](fmt::Display) prints it, [`Receipt::parse`] reads it, [`Receipt::verify`] judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The log's entry.
    pub commitment: Hash,
    /// The act and its salt, when shown.
    pub opening: Option<Opening>,
    /// Place in the log.
    pub index: u64,
    /// From the leaf's sibling up to the root's child.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// What a good receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The log's head: its origin, size and root.
    pub head: Checkpoint,
    /// Place of the act in it.
    pub index: u64,
    /// The log's entry.
    pub commitment: Hash,
    /// The act, when the receipt shows it.
    pub act: Option<Vec<u8>>,
    /// The known keys that signed the head: the log's own, and witnesses with the time of each.
    pub signers: Vec<Signer>,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct NotVerified {
    /// Which part fails.
    pub what: Part,
    /// In what way.
    pub why: String,
}

/// A part of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It cannot be read at all.
    Form,
    /// The act and salt shown are not those of the entry.
    Act,
    /// The head is not signed as it must be.
    Head,
    /// The entry is not at this place under this head.
    Proof,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Form => "the receipt cannot be read",
            Part::Act => "the act is not the one in the log",
            Part::Head => "the log's head is not signed as it must be",
            Part::Proof => "the act is not in the log at this place",
        })
    }
}

impl Receipt {
    /// Makes the receipt of the leaf at `index` under the latest checkpoint in the rows, with the act when `opening`
    /// gives it. Refuses an opening that is not this leaf's. Cost: a row a level of the tree.
    pub fn issue(index: u64, opening: Option<Opening>, get: Get<'_>) -> Result<Receipt> {
        let note = get(CHECKPOINT).ok_or_else(|| Error::MissingRow("checkpoint".to_owned()))?;
        let checkpoint = String::from_utf8(note).map_err(|_| Error::Note("it is not UTF-8"))?;
        Receipt::under(checkpoint, index, opening, get)
    }

    /// Makes the receipt under a given signed checkpoint of the log, for instance one that witnesses have cosigned.
    pub fn under(
        checkpoint: String,
        index: u64,
        opening: Option<Opening>,
        get: Get<'_>,
    ) -> Result<Receipt> {
        let size = Checkpoint::parse(note::unverified_text(&checkpoint)?)?.size;
        let path = proof::inclusion(index, size, get)?;
        let commitment = entry(index, get)?;
        if opening
            .as_ref()
            .is_some_and(|o| o.commitment() != commitment)
        {
            return Err(Error::Receipt(
                "the act and salt are not those of this leaf",
            ));
        }
        Ok(Receipt {
            commitment,
            opening,
            index,
            path,
            checkpoint,
        })
    }

    /// The same receipt without act and salt, to show that it exists and nothing more.
    pub fn closed(&self) -> Receipt {
        Receipt {
            opening: None,
            ..self.clone()
        }
    }

    /// Reads a receipt; believes nothing of it yet.
    pub fn parse(text: &str) -> Result<Receipt> {
        if text.len() > MAX_RECEIPT {
            return Err(Error::Receipt("it is too long"));
        }
        let (proof, checkpoint) = text
            .split_once("\n\n")
            .ok_or(Error::Receipt("no blank line before the checkpoint"))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(Error::Receipt(
                "its first line is not c2sp.org/tlog-proof@v1",
            ));
        }
        let (commitment, opening) = lines
            .next()
            .and_then(|line| line.strip_prefix("extra "))
            .and_then(|extra| STANDARD.decode(extra).ok())
            .and_then(|extra| parse_extra(&extra))
            .ok_or(Error::Receipt(
                "its extra line is not that of a Tejido receipt",
            ))?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(Error::Receipt("its index line is wrong"))?;
        let path: Vec<Hash> = lines
            .take(MAX_PATH + 1)
            .map(|line| base64_hash(line).ok_or(Error::Receipt("a hash is not base64 of 32 bytes")))
            .collect::<Result<_>>()?;
        if path.len() > MAX_PATH {
            return Err(Error::Receipt("its proof is too long"));
        }
        Ok(Receipt {
            commitment,
            opening,
            index,
            path,
            checkpoint: checkpoint.to_owned(),
        })
    }

    /// Judges the receipt under known keys: of logs, and of witnesses ([`VerifierKey::cosigner`]).
    ///
    /// It holds when the act shown, if any, is what the entry commits to; the head is signed by the known key that
    /// bears the log's name (another member's signature does not do), and every known cosignature on it is right; and
    /// the entry is in the tree at its index. How many witnesses are enough is the caller's rule, see
    /// [`Verified::signers`]. No clock, no network. Cost: one signature check for each known signer.
    pub fn verify(&self, known: &[VerifierKey]) -> std::result::Result<Verified, NotVerified> {
        if self
            .opening
            .as_ref()
            .is_some_and(|o| o.commitment() != self.commitment)
        {
            return Err(not(Part::Act, "the act or its salt was altered"));
        }
        let (head, opened) = open_head(&self.checkpoint, known).map_err(|e| not(Part::Head, e))?;
        let leaf = leaf_hash(&self.commitment);
        proof::verify_inclusion(&leaf, self.index, head.size, &self.path, &head.root)
            .map_err(|e| not(Part::Proof, e))?;
        Ok(Verified {
            head,
            index: self.index,
            commitment: self.commitment,
            act: self.opening.as_ref().map(|opening| opening.act.clone()),
            signers: opened.signers,
        })
    }
}

/// Reads a receipt and judges it: what `tejido verify` does with a file.
pub fn verify(text: &str, known: &[VerifierKey]) -> std::result::Result<Verified, NotVerified> {
    let receipt = Receipt::parse(text).map_err(|error| not(Part::Form, error))?;
    receipt.verify(known)
}

fn not(what: Part, why: impl fmt::Display) -> NotVerified {
    NotVerified {
        what,
        why: why.to_string(),
    }
}

/// Opens a head whose log is whichever known log bears its origin's name.
fn open_head(note: &str, known: &[VerifierKey]) -> Result<(Checkpoint, Opened)> {
    let opened = note::open(note.as_bytes(), known)?;
    let head = Checkpoint::parse(&opened.text)?;
    let by_the_log = opened
        .signers
        .iter()
        .any(|signer| signer.key.kind() == KeyKind::Ed25519 && signer.key.name() == head.origin);
    if !by_the_log {
        return Err(Error::NoKnownSigner);
    }
    Ok((head, opened))
}

/// The log's entry at a place.
fn entry(index: u64, get: Get<'_>) -> Result<Hash> {
    let (bundle, place) = (index / WIDTH, index % WIDTH);
    let file = File::Entries {
        index: bundle,
        width: place as u16 + 1,
    };
    let lost = || Error::MissingRow(file.to_string());
    let entries = tile::bundle_entries(bundle, &file.read(get)?.ok_or_else(lost)?)?;
    entries.last().copied().ok_or_else(lost)
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extra = STANDARD.encode(print_extra(&self.commitment, self.opening.as_ref()));
        write!(f, "{HEADER}\nextra {extra}\nindex {}\n", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn print_extra(commitment: &Hash, opening: Option<&Opening>) -> Vec<u8> {
    let mut extra = format!("{EXTRA}\ncommitment {}\n", STANDARD.encode(commitment)).into_bytes();
    if let Some(Opening { salt, act }) = opening {
        extra.extend_from_slice(format!("salt {}\n\n", STANDARD.encode(salt)).as_bytes());
        extra.extend_from_slice(act);
    }
    extra
}

fn parse_extra(extra: &[u8]) -> Option<(Hash, Option<Opening>)> {
    let rest = extra.strip_prefix(EXTRA.as_bytes())?.strip_prefix(b"\n")?;
    let (commitment, rest) = field(rest, b"commitment ")?;
    if rest.is_empty() {
        return Some((commitment, None));
    }
    let (salt, rest) = field(rest, b"salt ")?;
    let act = rest.strip_prefix(b"\n")?.to_vec();
    Some((commitment, Some(Opening { salt, act })))
}

/// A line of a name and 32 bytes in base64, and what follows it.
fn field<'t>(text: &'t [u8], name: &[u8]) -> Option<(Hash, &'t [u8])> {
    let text = text.strip_prefix(name)?;
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let (value, rest) = text.split_at(end);
    Some((
        base64_hash(std::str::from_utf8(value).ok()?)?,
        rest.get(1..)?,
    ))
}
