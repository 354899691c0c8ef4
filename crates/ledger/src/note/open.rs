//! Reading notes of strangers.

use super::key::{KeyId, KeyKind, VerifierKey};
use super::{check_characters, cosigned};
use crate::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// No note is longer (bytes).
pub const MAX_NOTE: usize = 1 << 20;

/// No note has more signatures.
pub const MAX_SIGNATURES: usize = 100;

/// A note whose signatures by known keys all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What was signed.
    pub text: String,
    /// The known keys that signed it, in the note's order, each once.
    pub signers: Vec<Signer>,
    /// Signature lines by keys that are not known, which say nothing.
    pub unknown: usize,
}

/// A known key that signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: VerifierKey,
    /// When, in POSIX seconds, by its own word: cosignatures only.
    pub timestamp: Option<u64>,
}

impl Opened {
    /// Whether this key is among the signers.
    pub fn signed_by(&self, key: &VerifierKey) -> bool {
        self.signers.iter().any(|signer| signer.key == *key)
    }
    /// The cosigners, with their times.
    pub fn cosigners(&self) -> impl Iterator<Item = &Signer> {
        self.signers
            .iter()
            .filter(|signer| signer.key.kind() == KeyKind::Cosignature)
    }
}

/// Opens a note under known keys.
///
/// Lines by unknown keys are passed over. A line by a known key that does not verify spoils the whole note
/// ([`Error::WrongSignature`]); a note without any line by a known key is refused ([`Error::NoKnownSigner`]). Cost:
/// one Ed25519 verification for each known signer.
pub fn open(note: &[u8], known: &[VerifierKey]) -> Result<Opened> {
    let note = std::str::from_utf8(note).map_err(|_| Error::Note("it is not UTF-8"))?;
    let (text, lines) = split(note)?;
    let mut opened = Opened {
        text: text.to_owned(),
        signers: Vec::new(),
        unknown: 0,
    };
    for line in &lines {
        match find(known, line)? {
            None => opened.unknown += 1,
            // A repeated line adds nothing; only the first is read.
            Some(key) if opened.signed_by(key) => {}
            Some(key) => {
                let timestamp = check(key, text, &line.signature)?;
                let key = key.clone();
                opened.signers.push(Signer { key, timestamp });
            }
        }
    }
    if opened.signers.is_empty() {
        return Err(Error::NoKnownSigner);
    }
    Ok(opened)
}

fn find<'k>(known: &'k [VerifierKey], line: &Line<'_>) -> Result<Option<&'k VerifierKey>> {
    let mut named = known
        .iter()
        .filter(|key| key.name() == line.name && key.id() == line.id);
    let first = named.next();
    if first.is_some_and(|first| named.any(|other| other != first)) {
        return Err(Error::Key("two known keys share a name and an id"));
    }
    Ok(first)
}

fn check(key: &VerifierKey, text: &str, signature: &[u8]) -> Result<Option<u64>> {
    let wrong = || Error::WrongSignature {
        name: key.name().to_owned(),
    };
    let (message, signature, timestamp) = match key.kind() {
        KeyKind::Ed25519 => (text.as_bytes().to_vec(), signature, None),
        KeyKind::Cosignature => {
            let (time, signature) = signature.split_first_chunk::<8>().ok_or_else(wrong)?;
            let seconds = u64::from_be_bytes(*time);
            if seconds > i64::MAX as u64 {
                return Err(wrong());
            }
            (cosigned(text, seconds), signature, Some(seconds))
        }
    };
    if !key.raw_verify(&message, signature) {
        return Err(wrong());
    }
    Ok(timestamp)
}

/// A signature line, unverified.
#[derive(PartialEq, Eq)]
pub(super) struct Line<'n> {
    pub(super) name: &'n str,
    pub(super) id: KeyId,
    pub(super) signature: Vec<u8>,
}

/// Parts a note into its text and its signature lines.
pub(super) fn split(note: &str) -> Result<(&str, Vec<Line<'_>>)> {
    if note.len() > MAX_NOTE {
        return Err(Error::Note("it is too long"));
    }
    check_characters(note)?;
    // The text may hold blank lines of its own: the last one parts.
    let blank = note
        .rfind("\n\n")
        .ok_or(Error::Note("no blank line before the signatures"))?;
    let (text, rest) = note.split_at(blank + 1);
    let lines = rest
        .strip_prefix('\n')
        .and_then(|lines| lines.strip_suffix('\n'))
        .ok_or(Error::Note("no signature line, or the last is not ended"))?;
    let lines: Vec<&str> = lines.split('\n').collect();
    if lines.len() > MAX_SIGNATURES {
        return Err(Error::Note("too many signatures"));
    }
    Ok((text, lines.into_iter().map(line).collect::<Result<_>>()?))
}

fn line(line: &str) -> Result<Line<'_>> {
    let malformed = || Error::Note("a signature line is malformed");
    let rest = line.strip_prefix("\u{2014} ").ok_or_else(malformed)?;
    let (name, signature) = rest.split_once(' ').ok_or_else(malformed)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(malformed());
    }
    let bytes = STANDARD.decode(signature).map_err(|_| malformed())?;
    match bytes.split_first_chunk::<4>() {
        Some((id, signature)) if !signature.is_empty() => Ok(Line {
            name,
            id: KeyId(*id),
            signature: signature.to_vec(),
        }),
        _ => Err(malformed()),
    }
}
