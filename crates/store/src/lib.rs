//! The archive: resources, versions and search over an ordered-key [`Engine`](engine::Engine).
//!
//! **In**: a [`Permit`] (what may be touched, and what must stay unseen) and a question or a change.
//! **Out**: a [`Held`] answer that opens only with the [`Receipt`] of the act that records it; or a durable commit.
//!
//! What must hold:
//! - *No touch without a permit*: every read and write takes one, and only the holder of the store's one [`Seal`]
//!   (the crate `trust`) can make one.
//! - *No touch without an act*: a change carries its act into the same atomic commit; a read's answer cannot be taken
//!   out of its [`Held`] before the act's commit is durable.
//! - What a permit hides is filtered inside the index scan: totals, pages, includes and history are true without it.
//! - What was acknowledged survives a kill at any instant; a full disk is an error before anything is acknowledged.

mod acts;
mod body;
mod card;
mod cipher;
mod codec;
mod commit;
mod dates;
mod deadline;
mod derive;
pub mod engine;
mod erase;
mod everything;
mod fold;
mod fsck;
mod give_way;
mod grant;
mod hash;
mod head;
mod history;
mod index;
mod indexer;
mod keyring;
mod keys;
mod lanes;
mod layout;
mod letting_go;
mod loaded;
mod master;
mod matched;
pub mod migrate;
mod permit;
mod pieces;
mod prepare;
mod press;
mod random;
mod read;
mod recent;
mod residual;
mod search;
mod searchable;
mod store;
mod token;
mod train;
mod types;
mod vault;
mod view;
mod words;
mod write;
mod writer;

pub use dates::clinical_date;
pub use derive::Derived;
pub use erase::{Erased, MakeErasure};
pub use fsck::{Checkup, Finding, Judge, Told};
pub use give_way::give_way;
pub use history::When;
pub use keyring::rotate;
pub use letting_go::letting_go;
pub use loaded::{Indexing, Phase};
pub use master::{FileKey, MasterKey};
pub use matched::Matched;
pub use permit::{
    Held, HiddenOf, Labels, LeftOut, Permit, PermitId, PersonKey, Receipt, ResidualOf, Scope, Seal,
    Seen, Terms, Verb, Verbs,
};
pub use random::random;
pub use read::{Asked, HistoryOf, Page, PageToken, Version};
pub use residual::Residual;
pub use searchable::Searchable;
pub use store::{Options, Store};
pub use write::{
    ActRecord, Change, Committed, Current, MakeAct, Rules, Witness, Witnessed, Written,
};

/// What can go wrong in the archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The permit does not allow this; a fault of the caller, never shown as a person's denial.
    #[error("the permit does not cover this: {0}")]
    NotPermitted(String),
    /// `If-Match` names another version than the current one, or the resource changed meanwhile.
    #[error(
        "{what} is at version {current}, not at the version you named; read it again and repeat your change"
    )]
    VersionConflict {
        /// `Type/id`.
        what: String,
        /// Current version; 0 when there is none.
        current: u64,
    },
    /// What a condition matched was looked up, and it is another by the time of the commit: look again and repeat.
    #[error(
        "what your condition on {0} matches has changed meanwhile; nothing was stored, try again"
    )]
    Outdated(String),
    /// A conditional reference or conditional create that matches several resources.
    #[error("{0} matches more than one resource; name one of them")]
    Ambiguous(String),
    /// What the change says cannot be stored, with the place.
    #[error("{diagnostics}")]
    Invalid {
        /// Element path.
        expression: String,
        /// The sentence.
        diagnostics: String,
    },
    /// A search parameter that is asked for is loaded, and the index does not hold all of it yet. Answer 503 with
    /// Retry-After: the question is a good one.
    #[error("the search parameter `{}` is being indexed and cannot be asked for yet; try again later", .0.code)]
    Indexing(Box<Indexing>),
    /// A SearchParameter that cannot be activated or taken out of use, with the places.
    #[error("{}", .0.first().map_or("this search parameter cannot be used", |issue| issue.diagnostics.as_str()))]
    Unloadable(Vec<fhir::Issue>),
    /// A page token that is not ours or belongs to another question or permit.
    #[error("this page link is not valid (any more); search again from the first page")]
    BadPage,
    /// The question takes longer than this archive spends on one; nothing was written. Answer 503 with Retry-After.
    #[error(
        "this takes longer than {0} seconds, the most that one question may; ask for less at once, or try again later"
    )]
    Slow(u64),
    /// Too many commits wait; nothing was written. Answer 503 with Retry-After.
    #[error("the archive is busy; nothing was written, try again in a moment")]
    Busy,
    /// The disk or the database refused (full, read-only, broken, gone); nothing of this commit is acknowledged. Answer 503.
    #[error("the archive cannot be read or written now ({0}); nothing of this request was stored")]
    Disk(String),
    /// The keys of the archive are missing, open to others or not its own; nothing was read or written.
    #[error("{0}")]
    Keys(String),
    /// The database fell silent during a commit and could not be asked again in time. Answer 503.
    #[error(
        "it is not known whether this was stored, for the database fell silent ({0}); look before you repeat it"
    )]
    Uncertain(String),
    /// The archive is not to be served from: it was moved, is an unfinished copy, or has a layout that is not known here.
    #[error("{0}")]
    Elsewhere(String),
    /// The store's own data break a rule of ours.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl Error {
    /// The same error for each one of a group whose commit failed.
    fn again(&self) -> Error {
        match self {
            Error::Disk(why) => Error::Disk(why.clone()),
            Error::Busy => Error::Busy,
            Error::Keys(why) => Error::Keys(why.clone()),
            Error::Uncertain(why) => Error::Uncertain(why.clone()),
            other => Error::Damaged(other.to_string()),
        }
    }
}

/// Result with the archive's error.
pub type Result<T> = std::result::Result<T, Error>;
