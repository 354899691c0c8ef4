//! What an interaction gives, before it becomes an HTTP answer or an entry of a bundle.

use crate::session::OnTerms;
use axum::body::Bytes;
use jiff::Timestamp;
use store::{Labels, Version};
use trust::{MemberId, SignedWord};

/// A body as it goes out.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    /// None.
    #[default]
    Empty,
    /// A stored resource as it is.
    Stored(Bytes),
    /// Made here.
    Made(Vec<u8>),
}

impl Body {
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Body::Empty => Bytes::new(),
            Body::Stored(bytes) => bytes,
            Body::Made(bytes) => bytes.into(),
        }
    }
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Body::Empty => &[],
            Body::Stored(bytes) => bytes,
            Body::Made(bytes) => bytes,
        }
    }
}

/// The answer of one interaction.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) version: Option<u64>,
    pub(crate) updated: Option<Timestamp>,
    /// Relative to the FHIR base: `Patient/1/_history/2`.
    pub(crate) location: Option<String>,
    pub(crate) body: Body,
    /// A write: `Prefer` decides what of it is shown.
    pub(crate) write: bool,
    /// Findings in it that the person asked not to know.
    pub(crate) unwanted: Labels,
    /// On what terms the person let be seen what is in it.
    pub(crate) terms: OnTerms,
    /// What the person said, to be carried to the other members.
    pub(crate) said: Option<Box<SignedWord>>,
    /// The members that have not heard it yet.
    pub(crate) untold: Vec<MemberId>,
}

impl Reply {
    /// Something made here, without a version.
    pub(crate) fn made(body: Vec<u8>) -> Reply {
        Reply {
            status: 200,
            version: None,
            updated: None,
            location: None,
            body: Body::Made(body),
            write: false,
            unwanted: Labels(0),
            terms: OnTerms::default(),
            said: None,
            untold: Vec::new(),
        }
    }
    /// A stored version.
    pub(crate) fn stored(version: &Version) -> Reply {
        Reply {
            version: Some(version.version),
            updated: Some(version.updated),
            body: Body::Stored(version.body.clone()),
            ..Reply::made(Vec::new())
        }
    }
    /// What became of a write.
    pub(crate) fn written(written: &store::Written) -> Reply {
        let version = &written.version;
        let mut reply = Reply::stored(version);
        reply.write = true;
        if version.deleted || version.version == 0 {
            reply.status = 204;
            reply.body = Body::Empty;
            if version.version == 0 {
                reply.version = None;
                reply.updated = None;
            }
            return reply;
        }
        reply.status = if written.created { 201 } else { 200 };
        let (of, id, number) = (version.of, &version.id, version.version);
        reply.location = Some(format!("{of}/{id}/_history/{number}"));
        reply
    }
}
