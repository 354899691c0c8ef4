//! Signatures over bytes that are no note: requests, answers, words.

use super::key::{KeyId, SigningKey, VerifierKey};

/// An Ed25519 signature and the id of the key that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Which key.
    pub key: KeyId,
    /// The signature.
    pub bytes: [u8; 64],
}

impl SigningKey {
    /// Signs bytes for one use.
    ///
    /// `context` names the use (`tejido/request/v1`): a signature given for one use is worth nothing for another, and
    /// never passes for a signed note or a cosignature, whatever the bytes are. What is signed with plain Ed25519 is
    /// `0x00 || "tejido-bytes/v1" || 0x00 || context || 0x00 || bytes`; no note may hold a zero byte.
    pub fn sign_bytes(&self, context: &str, bytes: &[u8]) -> Signature {
        Signature {
            key: self.verifier().id(),
            bytes: self.raw_sign(&framed(context, bytes)),
        }
    }
}

impl VerifierKey {
    /// Whether this key signed these bytes for this use. A key of either kind may be asked.
    pub fn verify_bytes(&self, context: &str, bytes: &[u8], signature: &Signature) -> bool {
        signature.key == self.signer().id()
            && self.raw_verify(&framed(context, bytes), &signature.bytes)
    }
}

fn framed(context: &str, bytes: &[u8]) -> Vec<u8> {
    // A zero inside the context would let two uses share one frame.
    debug_assert!(!context.contains('\0'));
    [b"\0tejido-bytes/v1\0", context.as_bytes(), b"\0", bytes].concat()
}
