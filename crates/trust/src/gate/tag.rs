//! How a person is called between members.

use aws_lc_rs::hmac;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How a person is called between members without saying who she is: HMAC-SHA256 of her CURP under the network's
/// secret. Hex in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub [u8; 32]);

impl Tag {
    /// The tag of a CURP (trimmed and upper-cased first), whether or not it is well-formed.
    pub fn of_curp(secret: &[u8; 32], curp: &str) -> Tag {
        Tag::keyed(secret, curp.trim().to_uppercase().as_bytes())
    }
    /// The tag of somebody who has no CURP: it means something at the member that registered her, and nowhere else.
    pub(crate) fn of_local(secret: &[u8; 32], member: &str, patient: &str) -> Tag {
        // No CURP holds a newline, so the two kinds never meet.
        Tag::keyed(secret, format!("local\n{member}\n{patient}").as_bytes())
    }
    fn keyed(secret: &[u8; 32], text: &[u8]) -> Tag {
        let mut tag = [0; 32];
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        tag.copy_from_slice(hmac::sign(&key, text).as_ref());
        Tag(tag)
    }
    /// Lower-case hex.
    pub fn hex(&self) -> String {
        super::hex(&self.0)
    }
    /// Reads what [`Tag::hex`] writes.
    pub fn from_hex(text: &str) -> Option<Tag> {
        super::from_hex(text).map(Tag)
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag(..)")
    }
}

impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tag, D::Error> {
        let text = String::deserialize(deserializer)?;
        Tag::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a tag is 64 hex digits"))
    }
}
