//! Signed notes (C2SP signed-note): a text, a blank line, and one line per signature.
//!
//! ```text
//! any text, its last line ended by a newline
//!
//! — name-of-a-key base64(key id || signature)
//! ```
//!
//! Pacts, consents, checkpoints and receipts are all notes, so that one small verifier (ours, or anyone's) checks all
//! of them. [`sign`] makes one, [`cosign`] adds a witness's line to a checkpoint, [`open`] reads one under known keys.
//! Where no note is wanted, [`SigningKey::sign_bytes`] signs bytes with the same keys.

mod bytes;
mod key;
mod open;

pub use bytes::Signature;
pub use key::{KeyId, KeyKind, Secret, SigningKey, VerifierKey};
pub use open::{MAX_NOTE, MAX_SIGNATURES, Opened, Signer, open};

use crate::checkpoint::Checkpoint;
use crate::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Signs a text with each of the keys, in their order.
///
/// The text must end in a newline and hold no control character but newlines ([`Error::Note`]). Cost: one Ed25519
/// signature (about 20 microseconds) a key.
pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<String> {
    check_text(text)?;
    let mut note = String::with_capacity(text.len() + 1 + keys.len() * 160);
    note.push_str(text);
    note.push('\n');
    for key in keys {
        push_line(
            &mut note,
            key.name(),
            key.verifier().id(),
            &key.raw_sign(text.as_bytes()),
        );
    }
    if keys.is_empty() {
        return Err(Error::Note("a note needs a signature"));
    }
    Ok(note)
}

/// Adds one more signature of the plain kind to a note, for texts that several sign one after the other (a pact).
/// Signatures that are there stay as they are, unverified. A key signs a note once: a second time changes nothing.
pub fn add_signature(note: &str, key: &SigningKey) -> Result<String> {
    let (text, lines) = open::split(note)?;
    let id = key.verifier().id();
    if lines
        .iter()
        .any(|line| line.name == key.name() && line.id == id)
    {
        return Ok(note.to_owned());
    }
    if lines.len() >= MAX_SIGNATURES {
        return Err(Error::Note("too many signatures"));
    }
    let mut note = note.to_owned();
    push_line(&mut note, key.name(), id, &key.raw_sign(text.as_bytes()));
    Ok(note)
}

/// Adds a witness's timestamped cosignature (C2SP tlog-cosignature, `cosignature/v1`) to a signed checkpoint.
///
/// `seconds` is POSIX time. This only signs: whether the checkpoint may be cosigned is
/// [`witness::cosign`](crate::witness::cosign)'s question, which is what a witness should call.
pub fn cosign(note: &str, key: &SigningKey, seconds: u64) -> Result<String> {
    let (text, lines) = open::split(note)?;
    // A cosignature says something about a log's head; over any other text it would mean nothing.
    Checkpoint::parse(text)?;
    if seconds > i64::MAX as u64 {
        return Err(Error::Note("a cosignature's time must fit 63 bits"));
    }
    if lines.len() >= MAX_SIGNATURES {
        return Err(Error::Note("too many signatures"));
    }
    let mut signature = seconds.to_be_bytes().to_vec();
    signature.extend_from_slice(&key.raw_sign(&cosigned(text, seconds)));
    let mut note = note.to_owned();
    push_line(&mut note, key.name(), key.cosigner().id(), &signature);
    Ok(note)
}

/// Joins the signatures of two copies of one note: how the cosignatures of several witnesses come together. Verifies
/// none of them.
pub fn merge(ours: &str, theirs: &str) -> Result<String> {
    let ((text, lines), (other, more)) = (open::split(ours)?, open::split(theirs)?);
    if text != other {
        return Err(Error::Note("the two notes are not of one text"));
    }
    let mut note = ours.to_owned();
    let mut count = lines.len();
    for line in more.iter().filter(|line| !lines.contains(line)) {
        count += 1;
        push_line(&mut note, line.name, line.id, &line.signature);
    }
    if count > MAX_SIGNATURES {
        return Err(Error::Note("too many signatures"));
    }
    Ok(note)
}

/// The text of a note, **unverified**: to see which keys one would need. Trust nothing of it before [`open`] said so.
pub fn unverified_text(note: &str) -> Result<&str> {
    Ok(open::split(note)?.0)
}

/// What a cosignature signs.
fn cosigned(text: &str, seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

fn push_line(note: &mut String, name: &str, id: KeyId, signature: &[u8]) {
    let mut bytes = id.0.to_vec();
    bytes.extend_from_slice(signature);
    note.push_str("\u{2014} ");
    note.push_str(name);
    note.push(' ');
    STANDARD.encode_string(&bytes, note);
    note.push('\n');
}

fn check_text(text: &str) -> Result<()> {
    if !text.ends_with('\n') {
        return Err(Error::Note("the text must end in a newline"));
    }
    if text.len() > MAX_NOTE / 2 {
        return Err(Error::Note("the text is too long"));
    }
    check_characters(text)
}

fn check_characters(text: &str) -> Result<()> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(Error::Note("a control character other than newline"));
    }
    Ok(())
}
