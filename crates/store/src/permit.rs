//! What a decision lets the archive do, as types that cannot be built by hand.

use crate::Residual;
use std::sync::Arc;

/// The number a store gives a person: that of her `Patient` resource there. 0 is nobody (shared resources).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonKey(pub u64);

/// Names one permit.
pub type PermitId = [u8; 16];

/// The name in receipts of acts that are not about a permit.
pub(crate) const NO_PERMIT: PermitId = [0xff; 16];

/// Categories of a resource as a bit set; what each bit means is the pact's business.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Labels(pub u32);

impl Labels {
    /// Whether the two share a category.
    pub fn meets(self, other: Labels) -> bool {
        self.0 & other.0 != 0
    }
    /// Either's categories.
    pub fn with(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }
}

/// What is done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Verb {
    Read,
    Search,
    History,
    Create,
    Update,
    Delete,
}

/// A set of verbs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbs(u8);

impl Verbs {
    /// Read, search and history.
    pub const READING: Verbs = Verbs(0b00_0111);
    /// Everything.
    pub const ALL: Verbs = Verbs(0b11_1111);
    /// A set of one.
    pub fn only(verb: Verb) -> Verbs {
        Verbs(1 << verb as u8)
    }
    /// Adds one.
    pub fn and(self, verb: Verb) -> Verbs {
        Verbs(self.0 | 1 << verb as u8)
    }
    /// Whether it is in the set.
    pub fn has(self, verb: Verb) -> bool {
        self.0 & (1 << verb as u8) != 0
    }
}

/// What is left out of a record. A resource is left out when it has any of the `hidden` categories; one that has any of
/// the `spared` only when it has any of the `held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Categories left out.
    pub hidden: Labels,
    /// Those of them that are left out also where the resource is spared.
    pub held: Labels,
    /// Categories by which a resource is spared.
    pub spared: Labels,
}

impl LeftOut {
    /// Whether a resource of these categories is left out.
    pub fn covers(&self, labels: Labels) -> bool {
        match labels.meets(self.spared) {
            true => labels.meets(self.held),
            false => labels.meets(self.hidden),
        }
    }
}

/// These categories, and nothing is spared.
impl From<Labels> for LeftOut {
    fn from(hidden: Labels) -> LeftOut {
        LeftOut {
            hidden,
            held: hidden,
            spared: Labels(0),
        }
    }
}

/// What is left out of one person's record by a many-person permit.
pub type HiddenOf = Arc<dyn Fn(PersonKey) -> LeftOut + Send + Sync>;

/// What a many-person or one-person permit leaves out of a person's record besides its categories; `None`: nothing.
pub type ResidualOf = Arc<dyn Fn(PersonKey) -> Option<Arc<dyn Residual>> + Send + Sync>;

/// Whose record a permit opens.
#[derive(Clone)]
pub enum Scope {
    /// One person's compartment (all her `Patient` resources in this store) as far as the two masks open it, and the
    /// shared resources that what is opened refers to.
    Person {
        /// Her numbers here; a person registered twice has two.
        keys: Vec<PersonKey>,
        /// What is left out.
        left_out: LeftOut,
        /// Only what has any of these categories is opened; `None` opens all that is not left out. Shared resources
        /// have none, and are opened by what refers to them.
        only: Option<Labels>,
    },
    /// Every person of this store, each without what the function says, and shared resources.
    People(HiddenOf),
    /// Shared resources only (organisations, practitioners, code systems).
    Shared,
}

/// The one thing that can make permits for a store. [`Store::open`](crate::Store::open) gives it out once; `trust`
/// keeps it to itself.
pub struct Seal {
    pub(crate) store: u64,
}

/// What `trust` writes into a permit.
pub struct Terms {
    /// Its name; random.
    pub id: PermitId,
    /// Whose record.
    pub scope: Scope,
    /// What may be done.
    pub verbs: Verbs,
    /// Only resources of these types; `None` means any.
    pub types: Option<Vec<fhir::ResourceType>>,
    /// What is left out besides the categories; `None` when nothing is, of anybody.
    pub residual: Option<ResidualOf>,
}

/// The leave to touch a record. No public constructor: [`Seal::permit`] makes it.
pub struct Permit {
    pub(crate) terms: Terms,
    pub(crate) store: u64,
}

impl Seal {
    /// Makes a permit for this store.
    pub fn permit(&self, terms: Terms) -> Permit {
        Permit {
            terms,
            store: self.store,
        }
    }
}

impl Permit {
    /// Its name.
    pub fn id(&self) -> PermitId {
        self.terms.id
    }
    /// Whose record it opens.
    pub fn scope(&self) -> &Scope {
        &self.terms.scope
    }
    /// Whether it allows a verb.
    pub fn allows(&self, verb: Verb) -> bool {
        self.terms.verbs.has(verb)
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// One version that an answer shows, for the act that records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Type and id.
    pub of: fhir::ResourceType,
    /// Logical id.
    pub id: String,
    /// Version.
    pub version: u64,
    /// Its categories.
    pub labels: Labels,
    /// Whose it is.
    pub person: PersonKey,
}

/// Proof that the act of a permit is durable. Only the store makes it.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub(crate) permit: PermitId,
    /// Name of the act.
    pub act: [u8; 16],
    /// Its place in the node's log.
    pub leaf: u64,
    /// The commit it is in.
    pub sequence: u64,
}

/// An answer that stays closed until its act is durable.
pub struct Held<T> {
    pub(crate) permit: PermitId,
    pub(crate) seen: Vec<Seen>,
    pub(crate) answer: T,
}

impl<T> Held<T> {
    /// What the answer shows, for the act.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }
    /// Opens it. `None` if the receipt is of another permit.
    pub fn open(self, receipt: &Receipt) -> Option<T> {
        (receipt.permit == self.permit && receipt.permit != NO_PERMIT).then_some(self.answer)
    }
    /// Several answers under one permit as one, so that one act says what they show and opens them. `None` when there
    /// are none or they are of different permits.
    pub fn all(answers: Vec<Held<T>>) -> Option<Held<Vec<T>>> {
        let permit = answers.first()?.permit;
        if answers.iter().any(|held| held.permit != permit) {
            return None;
        }
        let (mut seen, mut all) = (Vec::new(), Vec::with_capacity(answers.len()));
        for held in answers {
            seen.extend(held.seen);
            all.push(held.answer);
        }
        Some(Held {
            permit,
            seen,
            answer: all,
        })
    }
}
