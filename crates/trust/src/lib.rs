//! The gate: the only way from outside to a person's record.
//!
//! **In**: who asks ([`Actor`]), for what ([`Purpose`]), about whom ([`PersonRef`]), on what ground ([`Evidence`]), under
//! which rules ([`pact::Pact`]) and the person's own word ([`word::Word`]). **Out**: a [`Grant`] with a
//! [`store::Permit`], or a [`Refusal`] that explains itself; and an act in the node's log for either.
//!
//! What must hold: no permit without a decision here; no answer before its act is durable; no wider answer than the
//! person's current word allows; the same inputs give the same decision. Start reading at [`Gate::decide`].

pub mod act;
pub mod actor;
pub mod category;
pub mod delegate;
pub mod evidence;
mod gate;
pub mod glass;
pub mod order;
pub mod pact;
pub mod policy;
pub mod registry;
pub mod word;

pub use act::{Act, ActKind, ActView, Doer, Opinion, Seen};
pub use actor::{Actor, Helper, Licence, LicenceState, LicenceTurn, Role, Supervisor};
pub use category::{Categories, Category, Finding, labels};
pub use delegate::{Colleague, Delegation, Delegator, Task};
pub use evidence::{Evidence, EvidenceKind};
pub use gate::{
    Acting, Again, Changes, Checked, Config, Decided, Document, Enrolment, Erasure, Explained, Gap,
    Gate, Grant, Ground, Grounds, Guardianship, How, Lang, Limit, Met, Mine, NewAccount,
    NewDelegate, NewLicence, NewPage, NewRepresentative, News, PatientCode, PersonRef, Previewed,
    Purpose, Question, Refusal, RefusalKind, Registered, Registrar, Request, Resemblance, Row,
    SETTLED_OUT, Said, Settled, SignedIn, Signer, Simulated, Spoken, Stage, Tag, Telling, Together,
    Unusual, What, Why,
};
pub use pact::{
    Agreed, Care, Emergency, FormerKey, Linkage, Member, MemberId, MemberKind, Orders, Pact,
    PactError, Seals,
};
pub use word::{
    Author, Frequency, Hidden, Label, Names, Part, Per, Period, Representative, Residual, Rule,
    SignedWord, Speaker, Statement, Terms, Tie, Unless, Unsaid, Used, Viewer, Who, Wish, Word,
    autonomy, from_consent, hidden, represent, to_consent, wish,
};
