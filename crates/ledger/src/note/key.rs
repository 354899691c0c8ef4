//! Keys with names: what signs, what verifies, and their text forms.

use crate::hash::sha256;
use crate::{Error, Result};
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The short name of a key: `SHA-256(name || 0x0A || kind || public key)`, first four bytes. It tells keys apart, it
/// proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::error::hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What a key's signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// Signs texts (signed-note, type 0x01).
    Ed25519,
    /// Cosigns checkpoints with a time (tlog-cosignature, type 0x04).
    Cosignature,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            KeyKind::Ed25519 => 0x01,
            KeyKind::Cosignature => 0x04,
        }
    }
}

/// A public key with its name and kind. Its text form (`vkey`) is `name+id+base64(kind || key)`; [`FromStr`] reads
/// it, [`Display`](fmt::Display) prints it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    public: [u8; 32],
    id: KeyId,
}

impl VerifierKey {
    /// A key from its parts. Refuses bad names, and public keys under which anything can be made to verify.
    pub fn new(name: &str, kind: KeyKind, public: [u8; 32]) -> Result<VerifierKey> {
        check_name(name)?;
        check_point(&public)?;
        let id = key_id(name, kind, &public);
        Ok(VerifierKey {
            name: name.to_owned(),
            kind,
            public,
            id,
        })
    }
    /// The key's name: a schema-less address such as `imss.example/tejido`.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }
    /// Its short name.
    pub fn id(&self) -> KeyId {
        self.id
    }
    /// The Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }
    /// The same key as a cosigner, by which its cosignatures are known.
    pub fn cosigner(&self) -> VerifierKey {
        self.as_kind(KeyKind::Cosignature)
    }
    /// The same key as a signer of texts.
    pub fn signer(&self) -> VerifierKey {
        self.as_kind(KeyKind::Ed25519)
    }
    fn as_kind(&self, kind: KeyKind) -> VerifierKey {
        VerifierKey {
            name: self.name.clone(),
            kind,
            public: self.public,
            id: key_id(&self.name, kind, &self.public),
        }
    }
    /// Whether this is the Ed25519 signature of these bytes. Cost: about 50 microseconds.
    pub(crate) fn raw_verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = with_kind(self.kind, &self.public);
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(material))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<VerifierKey> {
        let (name, id, kind, public) = parse(text)?;
        let key = VerifierKey::new(name, kind, public)?;
        if key.id != id {
            return Err(Error::Key("its id does not fit its name and bytes"));
        }
        Ok(key)
    }
}

/// A private Ed25519 key with its name. It signs texts (kind 0x01) and cosigns checkpoints (kind 0x04): what the two
/// sign cannot be mistaken for one another. [`Debug`](fmt::Debug) shows the public half only.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Ed25519KeyPair>,
    verifier: VerifierKey,
}

impl SigningKey {
    /// A key from 32 random bytes, which are the whole secret.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<SigningKey> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| Error::Key("the seed gives no Ed25519 key"))?;
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| Error::Key("the seed gives no Ed25519 key"))?;
        Ok(SigningKey {
            pair: Arc::new(pair),
            verifier: VerifierKey::new(name, KeyKind::Ed25519, public)?,
        })
    }
    /// Reads the text form `PRIVATE+KEY+name+id+base64(0x01 || seed)`.
    pub fn from_skey(text: &str) -> Result<SigningKey> {
        let rest = text
            .trim_end_matches('\n')
            .strip_prefix(SKEY_PREFIX)
            .ok_or(Error::Key("a private key starts with PRIVATE+KEY+"))?;
        let (name, id, kind, seed) = parse(rest)?;
        if kind != KeyKind::Ed25519 {
            return Err(Error::Key("a private key is of kind 0x01"));
        }
        let key = SigningKey::from_seed(name, seed)?;
        if key.verifier.id != id {
            return Err(Error::Key("its id does not fit its name and bytes"));
        }
        Ok(key)
    }
    /// The text form, to be written to a file that only the node can read.
    pub fn to_skey(&self) -> Result<Secret> {
        let lost = |_| Error::Key("the key does not give its seed");
        let seed = self
            .pair
            .seed()
            .map_err(lost)?
            .as_be_bytes()
            .map_err(lost)?;
        let material = STANDARD.encode(with_kind(KeyKind::Ed25519, seed.as_ref()));
        let VerifierKey { name, id, .. } = &self.verifier;
        Ok(Secret(format!("{SKEY_PREFIX}{name}+{id}+{material}")))
    }
    /// The key's name.
    pub fn name(&self) -> &str {
        &self.verifier.name
    }
    /// The public half, as a signer of texts.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }
    /// The public half, as a cosigner of checkpoints.
    pub fn cosigner(&self) -> VerifierKey {
        self.verifier.cosigner()
    }
    /// Signs bytes as they are.
    pub(crate) fn raw_sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.pair.sign(message).as_ref());
        signature
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, secret withheld)", self.verifier)
    }
}

/// A text that must not be shown: only [`Secret::expose`] gives it.
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(withheld)")
    }
}

const SKEY_PREFIX: &str = "PRIVATE+KEY+";

fn with_kind(kind: KeyKind, key: &[u8]) -> Vec<u8> {
    let mut material = vec![kind.byte()];
    material.extend_from_slice(key);
    material
}

fn key_id(name: &str, kind: KeyKind, public: &[u8; 32]) -> KeyId {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(b'\n');
    bytes.push(kind.byte());
    bytes.extend_from_slice(public);
    let [a, b, c, d, ..] = sha256(&bytes);
    KeyId([a, b, c, d])
}

/// Both text forms after their prefix: `name+id+base64(kind || 32 bytes)`. The base64 part may itself hold `+`.
fn parse(text: &str) -> Result<(&str, KeyId, KeyKind, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::Key("it has not the form name+id+key"));
    };
    let id_wrong = Error::Key("its id is not eight hexadecimal digits");
    let digits = id.len() == 8 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !digits {
        return Err(id_wrong);
    }
    let id = u32::from_str_radix(id, 16).map_err(|_| id_wrong)?;
    let material = STANDARD
        .decode(material)
        .map_err(|_| Error::Key("its key is not base64"))?;
    let kind = match material.first() {
        Some(0x01) => KeyKind::Ed25519,
        Some(0x04) => KeyKind::Cosignature,
        _ => return Err(Error::Key("its kind is neither 0x01 nor 0x04")),
    };
    let key = material
        .get(1..)
        .and_then(|rest| rest.try_into().ok())
        .ok_or(Error::Key("its key has not 32 bytes"))?;
    Ok((name, KeyId(id.to_be_bytes()), kind, key))
}

/// Names are non-empty and hold neither white space nor `+`, which part the fields of keys and signature lines.
fn check_name(name: &str) -> Result<()> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > MAX_NAME || name.contains(bad) {
        return Err(Error::Key(
            "a name is 1 to 255 bytes without white space or plus sign",
        ));
    }
    Ok(())
}

const MAX_NAME: usize = 255;

/// Refuses the points of small order and the non-canonical encodings: with such a key a signature can be made to fit
/// more than one text, so that its owner could deny what it signed.
fn check_point(public: &[u8; 32]) -> Result<()> {
    /// p = 2^255 - 19, little-endian.
    const P: [u8; 32] = {
        let mut p = [0xff; 32];
        p[0] = 0xed;
        p[31] = 0x7f;
        p
    };
    const ZERO: [u8; 32] = [0; 32];
    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    const MINUS_ONE: [u8; 32] = {
        let mut y = P;
        y[0] = 0xec;
        y
    };
    /// y of the points of order eight; the other is p minus this.
    const ORDER_EIGHT: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ];
    const OTHER_ORDER_EIGHT: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ];
    let mut y = *public;
    y[31] &= 0x7f;
    if y.iter().rev().ge(P.iter().rev()) {
        return Err(Error::Key("the point is not canonical"));
    }
    if [ZERO, ONE, MINUS_ONE, ORDER_EIGHT, OTHER_ORDER_EIGHT].contains(&y) {
        return Err(Error::Key("the point is of small order"));
    }
    Ok(())
}
