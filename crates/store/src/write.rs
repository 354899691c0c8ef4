//! Changes to the archive, and the archive itself. (Skeleton of the public shapes.)

use crate::{
    Asked, Held, HistoryOf, Labels, Page, PageToken, Permit, PersonKey, Receipt, Result, Seal,
    Version,
};
use fhir::{ResourceType, Value, query::Query};
use jiff::Timestamp;

/// What the house above tells the archive about resources: categories, and how a person is found.
pub trait Rules: Send + Sync {
    /// The categories of a resource, computed when it is written and kept in its index entries.
    fn labels(&self, of: ResourceType, resource: &Value) -> Labels;
    /// Opaque keys by which the person behind a `Patient` is found ([`Store::people`]); other types give none.
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>>;
}

/// The tamper-evident log beside the archive: told of every leaf in commit order, its rows go into the same commit.
pub trait Witness: Send {
    /// Appends leaf data (each a 32-byte commitment). `get` reads the witness's own rows as of the last commit. A
    /// sentence instead when the log cannot go on (its rows are broken): the whole group of commits then fails as
    /// [`Error::Damaged`](crate::Error::Damaged); nothing is ever committed without its leaves.
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
        /// Only if this is the current version.
        if_match: Option<u64>,
    },
    /// Deletes; deleting what is not there changes nothing.
    Delete {
        /// Its type.
        of: ResourceType,
        /// Its id.
        id: String,
        /// Only if this is the current version.
        if_match: Option<u64>,
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

/// An act, ready to be kept.
#[derive(Clone, Debug)]
pub struct ActRecord {
    /// Its name.
    pub id: [u8; 16],
    /// The act as stored (a BALP AuditEvent as JSON, with the salt beside it); opaque here.
    pub body: Vec<u8>,
    /// The salted commitment that goes into the log.
    pub leaf: [u8; 32],
    /// Under which keys it is listed (a person's tag, an actor...), oldest first.
    pub listed: Vec<Vec<u8>>,
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

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for the engine's cache, bytes.
    pub cache: usize,
    /// Commits that may wait before [`Error::Busy`](crate::Error::Busy).
    pub queue: usize,
    /// Whether each group of commits is fsynced before it is acknowledged. Off only for throw-away stores in tests.
    pub durable: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: 64 << 20,
            queue: 1024,
            durable: true,
        }
    }
}

/// The archive of one node. Cheap to clone. All calls block (never longer than a group commit); call them from
/// blocking threads in async code.
#[derive(Clone)]
pub struct Store {}

#[allow(unused_variables)]
impl Store {
    /// Opens or creates the archive in a folder. Replays what a crash left behind. Gives the one [`Seal`].
    pub fn open(
        dir: &std::path::Path,
        options: Options,
        rules: Box<dyn Rules>,
        witness: Box<dyn Witness>,
    ) -> Result<(Store, Seal)> {
        unimplemented!()
    }
    /// The current version (a deleted one included, without body).
    pub fn read(
        &self,
        permit: &Permit,
        of: ResourceType,
        id: &str,
    ) -> Result<Held<Option<Version>>> {
        unimplemented!()
    }
    /// One version.
    pub fn vread(
        &self,
        permit: &Permit,
        of: ResourceType,
        id: &str,
        version: u64,
    ) -> Result<Held<Option<Version>>> {
        unimplemented!()
    }
    /// A page of a search.
    pub fn search(
        &self,
        permit: &Permit,
        query: &Query,
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        unimplemented!()
    }
    /// A page of a history, newest first.
    pub fn history(
        &self,
        permit: &Permit,
        of: &HistoryOf,
        since: Option<Timestamp>,
        count: usize,
        page: Option<&PageToken>,
    ) -> Result<Held<Page>> {
        unimplemented!()
    }
    /// All current resources of the person the permit is for: her Patient first, then by type, with the shared resources that
    /// they refer to (in `included`).
    pub fn everything(&self, permit: &Permit, asked: &Asked) -> Result<Held<Page>> {
        unimplemented!()
    }
    /// Whether any current resource of the permit's person is left out by its `hidden` categories. For the hint only.
    pub fn withholds(&self, permit: &Permit) -> Result<bool> {
        unimplemented!()
    }
    /// Current resources per type under the permit.
    pub fn counts(&self, permit: &Permit) -> Result<Held<Vec<(ResourceType, u64)>>> {
        unimplemented!()
    }
    /// Changes resources: all of them, with their act, or none. `act` is called once, inside the commit, with what
    /// became of each change. References among new resources (`urn:uuid:`) must have been resolved by the caller.
    /// Conditional creates are matched inside the commit and see earlier changes of the same call.
    pub fn write(
        &self,
        permit: &Permit,
        changes: Vec<Change>,
        now: Timestamp,
        act: Box<dyn FnOnce(&[Written]) -> ActRecord + Send>,
    ) -> Result<Committed> {
        unimplemented!()
    }
    /// Keeps the act of a permit under which something was read; its receipt opens what is [`Held`].
    pub fn conclude(&self, permit: &Permit, act: ActRecord, now: Timestamp) -> Result<Receipt> {
        unimplemented!()
    }
}

/// What only the holder of the [`Seal`] may do: the house's own rows (accounts, consents, evidence, acts).
#[allow(unused_variables)]
impl Store {
    /// Whose resource this is: `None` when there is no such resource, 0 when it is shared.
    pub fn person_of(&self, seal: &Seal, of: ResourceType, id: &str) -> Result<Option<PersonKey>> {
        unimplemented!()
    }
    /// The people found under a directory key.
    pub fn people(&self, seal: &Seal, key: &[u8]) -> Result<Vec<PersonKey>> {
        unimplemented!()
    }
    /// The current version of a resource, for the gate's own use (never for an answer).
    pub fn look(&self, seal: &Seal, of: ResourceType, id: &str) -> Result<Option<Version>> {
        unimplemented!()
    }
    /// The Patient resource of a person.
    pub fn patient(&self, seal: &Seal, person: PersonKey) -> Result<Option<Version>> {
        unimplemented!()
    }
    /// One of the house's rows.
    pub fn get(&self, seal: &Seal, key: &[u8]) -> Result<Option<Vec<u8>>> {
        unimplemented!()
    }
    /// The house's rows whose key starts so, in order, after `after` (exclusive), at most `limit`.
    pub fn scan(
        &self,
        seal: &Seal,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        unimplemented!()
    }
    /// Writes the house's rows (`None` deletes) and, in the same commit, an act that is not about a permit (a sign-in,
    /// a denial, a consent). `expect` makes it conditional: every row must have this value now, else
    /// [`Error::VersionConflict`](crate::Error::VersionConflict).
    pub fn keep(
        &self,
        seal: &Seal,
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        act: Option<ActRecord>,
        now: Timestamp,
    ) -> Result<Receipt> {
        unimplemented!()
    }
    /// Acts listed under a key, newest first: (place in the log, body). `before` continues an earlier list.
    pub fn acts(
        &self,
        seal: &Seal,
        listed: &[u8],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>> {
        unimplemented!()
    }
    /// An act by name: (place in the log, body).
    pub fn act(&self, seal: &Seal, id: &[u8; 16]) -> Result<Option<(u64, Vec<u8>)>> {
        unimplemented!()
    }
    /// A row of the witness (tiles, checkpoint), readable without a seal: the log is public.
    pub fn witnessed(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        unimplemented!()
    }
}
