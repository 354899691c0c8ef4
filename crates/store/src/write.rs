//! Changes to the archive, as they are asked for and as they were done.

use crate::{Labels, PersonKey, Receipt, Version};
use fhir::{ResourceType, Value, query::Query};
use jiff::Timestamp;

/// What the house above tells the archive about resources: categories, and how a person is found.
pub trait Rules: Send + Sync {
    /// The categories of a resource, computed when it is written and kept in its index entries.
    fn labels(&self, of: ResourceType, resource: &Value) -> Labels;
    /// Which edition of labelling rules these are: others that give some resource other categories have another. An archive
    /// that was labelled by another edition is labelled anew when it is opened.
    fn edition(&self) -> [u8; 8];
    /// Whether an archive that exists may be opened under these rules; else why not, and what to do. Asked before anything in
    /// it is made again. `get` reads the house's rows ([`Store::get`](crate::Store::get)).
    fn fit(&self, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> std::result::Result<(), String> {
        let _ = get;
        Ok(())
    }
    /// Opaque keys by which the person behind a `Patient` is found ([`Store::people`](crate::Store::people)); other types give none.
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>>;
}

/// The tamper-evident log beside the archive: told of every leaf in commit order, its rows go into the same commit.
pub trait Witness: Send {
    /// Appends leaf data (each a 32-byte commitment). `get` reads the witness's own rows as of the last commit. A
    /// sentence instead when the log cannot go on (its rows are broken): the whole group of commits then fails as
    /// [`Error::Damaged`](crate::Error::Damaged); nothing is ever committed without its leaves.
    ///
    /// Called once per group of commits. When the commit then fails on the disk, the same leaves or others are appended
    /// again to the old state: a witness takes its state from `get` and not from what it remembers.
    fn append(
        &mut self,
        leaves: &[[u8; 32]],
        now: Timestamp,
        get: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> std::result::Result<Witnessed, String>;
}

/// What a witness wants written.
pub struct Witnessed {
    /// Place of the first leaf; the others follow.
    pub first: u64,
    /// Rows to put; keys are in the witness's own keyspace.
    pub rows: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What a change expects to be current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Current {
    /// This version.
    Version(u64),
    /// Any version, as long as there is one.
    Any,
    /// None: never stored, or deleted.
    Absent,
}

/// A change to one resource.
#[derive(Clone, Debug)]
pub enum Change {
    /// Stores a new resource under a new id (given by the caller, so that the act can name it).
    Create {
        /// Its type.
        of: ResourceType,
        /// Its new id.
        id: String,
        /// The resource; `id` and `meta` are set by the store.
        resource: Value,
        /// Only if nothing matches (`If-None-Exist`).
        if_none_exist: Option<Query>,
    },
    /// Stores a new version, or the first one under a client's id. A version equal in content to the current one
    /// changes nothing.
    Update {
        /// Its type.
        of: ResourceType,
        /// Its id.
        id: String,
        /// The resource.
        resource: Value,
        /// Only if this is current.
        if_match: Option<Current>,
    },
    /// Deletes; deleting what is not there changes nothing.
    Delete {
        /// Its type.
        of: ResourceType,
        /// Its id.
        id: String,
        /// Only if this is current.
        if_match: Option<Current>,
    },
    /// Activates the search parameter that a stored SearchParameter defines, as it is now: from this commit on what is
    /// written is indexed by it, and what is there is gone through in the background. One that was active by this
    /// resource with another meaning leaves. It is a change of the resource in the eyes of a permit ([`Verb::Update`]).
    ///
    /// [`Verb::Update`]: crate::Verb::Update
    Activate {
        /// Its id.
        id: String,
    },
    /// Takes the search parameter that a SearchParameter defines out of use; a deletion of the resource does so too.
    Deactivate {
        /// Its id.
        id: String,
    },
}

/// What became of a change.
#[derive(Clone, Debug)]
pub struct Written {
    /// The version that is now current (for an unmatched conditional create, the one that was there).
    pub version: Version,
    /// Whether anything was stored.
    pub changed: bool,
    /// Whether it is new.
    pub created: bool,
    /// Its categories.
    pub labels: Labels,
}

/// Makes the act of a write from what became of its changes; called once, inside the commit, so it must be quick.
pub type MakeAct = Box<dyn FnOnce(&[Written]) -> ActRecord + Send>;

/// An act, ready to be kept.
#[derive(Clone, Debug)]
pub struct ActRecord {
    /// Its name.
    pub id: [u8; 16],
    /// The act as stored (a BALP AuditEvent as JSON, with the salt beside it); opaque here.
    pub body: Vec<u8>,
    /// The salted commitment that goes into the log.
    pub leaf: [u8; 32],
    /// Under which keys it is listed (a person's tag, an actor...).
    pub listed: Vec<Vec<u8>>,
    /// The one person it is about, under whose key it is kept: it becomes unreadable when she is erased. Nobody's, or
    /// several people's, is 0.
    pub about: PersonKey,
    /// Acts that are kept in the same commit, their leaves right after this one's: what must be told apart from it. Theirs
    /// are not looked at.
    pub beside: Vec<ActRecord>,
}

/// A durable commit.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its place among all commits.
    pub sequence: u64,
    /// In the order of the changes.
    pub written: Vec<Written>,
    /// Receipt of the act.
    pub receipt: Receipt,
}
