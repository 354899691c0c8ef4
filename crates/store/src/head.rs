//! The head of a resource: where its current version is, found by type and id.

use crate::{
    Labels, PersonKey, Result,
    codec::{Reader, put_number, put_signed},
    hash::siphash,
    index::Secret,
    keys::{DIRECTORY, HEAD, Key, Tail},
    residual::Place,
};
use fhir::ResourceType;

/// What is known of a resource without its body. Version 0: only its number is reserved (a Patient that others name
/// before it arrives).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) tail: Tail,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    /// Microsecond of the current version.
    pub(crate) updated: i64,
    pub(crate) labels: Labels,
    pub(crate) deleted: bool,
    /// Of the content, to see at once that it differs.
    pub(crate) hash: u64,
}

/// An id may be an identifier that somebody chose: the key bears 128 bits of a keyed hash of it.
pub(crate) fn key(secret: &Secret, of: ResourceType, id: &str) -> Vec<u8> {
    let half = |which: u8| siphash(secret, &[&[which], id.as_bytes()].concat());
    Key::new(DIRECTORY, HEAD)
        .of(of)
        .long(half(b'a'))
        .long(half(b'b'))
        .done()
}

impl Head {
    pub(crate) fn reserved(rid: u64, person: PersonKey) -> Head {
        Head {
            tail: Tail {
                date: 0,
                person,
                rid,
            },
            version: 0,
            stamp: 0,
            updated: 0,
            labels: Labels(0),
            deleted: true,
            hash: 0,
        }
    }
    /// Where the current version stands.
    pub(crate) fn place(&self, of: ResourceType) -> Place {
        Place {
            of,
            rid: self.tail.rid,
            version: self.version,
            stamp: self.stamp,
        }
    }
    pub(crate) fn exists(&self) -> bool {
        self.version > 0 && !self.deleted
    }
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        put_signed(&mut out, self.tail.date);
        put_number(&mut out, self.tail.person.0);
        put_number(&mut out, self.tail.rid);
        put_number(&mut out, self.version);
        put_number(&mut out, self.stamp);
        put_signed(&mut out, self.updated);
        put_number(&mut out, u64::from(self.labels.0));
        out.push(u8::from(self.deleted));
        out.extend_from_slice(&self.hash.to_le_bytes());
        out
    }
    pub(crate) fn decode(bytes: &[u8]) -> Result<Head> {
        let mut reader = Reader(bytes);
        Ok(Head {
            tail: Tail {
                date: reader.signed()?,
                person: PersonKey(reader.number()?),
                rid: reader.number()?,
            },
            version: reader.number()?,
            stamp: reader.number()?,
            updated: reader.signed()?,
            labels: Labels(reader.number()? as u32),
            deleted: reader.byte()? != 0,
            hash: u64::from_le_bytes(reader.array()?),
        })
    }
}
