//! One person, however she was written down.
//!
//! **In** come registrations as institutions wrote them ([`Registration`]; every field may be absent, wrong or
//! misspelt). **Out** come people: which registrations are of one person ([`link`], or [`link_at`] a wanted precision), whom an arrival resembles and
//! joins ([`Index::arrive`]), and why ([`Explanation`]). The numbers of a registration are checked against the rest of
//! it ([`check`]); their states are shown, nothing is refused.
//!
//! What it promises:
//! - *Deterministic first.* Two equal confirmed numbers make one person and two different ones make two, whatever the
//!   rest says; what the rest says is shown as a conflict.
//! - *Otherwise probable, learnt without labels.* The weights come from the register itself by expectation and
//!   maximisation. One way for every register: there is nothing to tune.
//! - *Nobody is chained to a relative.* Twins, a father and son of one name, brothers and sisters are kinds of pairs of
//!   their own in the model, and groups grow only while the evidence over all pairs across them is for one person.
//! - *A wrong link can be undone* ([`Index::split`]), and stays undone.
//! - What says nothing (empty, unknown, hundreds of letters) links nobody. Nothing that comes from outside panics.
//! - The order of registrations does not change who is who; comparison is symmetric.
//! - Pure: no clock, no network, no disk, no random numbers. It assigns no CURP and no other number.
//!
//! The way through, in the order in which a registration takes it: `draft` (normal forms), `card` (the same as numbers
//! of texts, with their frequencies), `block` and `propose` (which pairs are worth comparing), `compare` (levels of
//! agreement, listed in `field`), `model` and `train` (what they weigh), `sure` (what is decided before weighing),
//! `cluster` (people out of pairs), `index` and `postings` (the same for one arrival at a time), `explain`;
//! `patient` reads registrations from FHIR, `desk` keeps those of a running node.
//!
//! Between members, who do not show each other their people, [`keyed`].

mod batch;
mod block;
mod card;
mod check;
mod cluster;
mod compare;
mod date;
mod desk;
mod draft;
mod english;
mod explain;
mod field;
mod index;
pub mod keyed;
mod lexicon;
mod link;
mod model;
mod nickname;
mod patient;
mod postings;
mod propose;
mod registration;
mod sound;
mod sure;
mod text;
mod train;

pub use card::Register;
pub use check::{Checked, check};
pub use desk::{Desk, Pair, Resembling};
pub use explain::{Conflict, Explanation, Grade, Said};
pub use field::Field;
pub use index::{Arrival, Candidate, Index};
pub use link::{Estimate, Linked, link, link_at};
pub use model::Model;
pub use patient::{OF_SEVERAL, is_of_several, registration_of};
pub use registration::{Address, Identifier, Registration};
pub use sure::Apart;
