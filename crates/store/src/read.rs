//! Questions to the archive. (Skeleton of the public shapes.)

use crate::PersonKey;
use fhir::ResourceType;
use jiff::Timestamp;
use std::sync::Arc;

/// One version of one resource as stored.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its type.
    pub of: ResourceType,
    /// Its logical id.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// When it was committed.
    pub updated: Timestamp,
    /// A deletion: no body.
    pub deleted: bool,
    /// The resource as JSON, `meta.versionId` and `meta.lastUpdated` set; empty for a deletion. Goes into answers as
    /// it is.
    pub body: Arc<[u8]>,
    /// Whose it is; 0 when nobody's.
    pub person: PersonKey,
}

/// Whose history.
#[derive(Clone, Debug)]
pub enum HistoryOf {
    /// One resource.
    Instance(ResourceType, String),
    /// A type.
    Type(ResourceType),
    /// All.
    System,
}

/// What an answer can be continued with; text, safe in a URL, bound to the question and to the permit's scope.
pub type PageToken = String;

/// A page of an answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// What matched, in order.
    pub matches: Vec<Version>,
    /// What `_include` and `_revinclude` added.
    pub included: Vec<Version>,
    /// Exact number of matches under the permit, when asked for or known.
    pub total: Option<u64>,
    /// How to go on; `None` on the last page.
    pub next: Option<PageToken>,
}

/// What `$everything` is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Only these types; empty means all.
    pub types: Vec<ResourceType>,
    /// Only versions committed at or after.
    pub since: Option<Timestamp>,
    /// Resources on a page; 0 means all in one (bounded by the store's limit).
    pub count: usize,
    /// Where to go on.
    pub page: Option<PageToken>,
}
