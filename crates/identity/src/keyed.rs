//! Between members: which of their people are one, without telling who they are.
//!
//! **In** come, at each member, the registrations of each of its people. **Out** goes a [`Sheet`]: for each person a row
//! of tokens. From two sheets alone anybody finds the pairs ([`pairs`]), and who met in a part without being one.
//!
//! *A token* is HMAC-SHA256, under a secret of this one run, of the normal forms of a few parts of a registration: the
//! sound of a name with pet forms resolved, the year, day and month either way, the sound of a street ([`Part`]). Which
//! parts go together is a rule, not a list: every smallest set that is rare enough among so many people and has
//! something that brothers and sisters do not share. Whatever is wrong in one part, other sets leave it out; what
//! agrees is seen from the sets that met.
//!
//! *A sheet has no pattern of its own.* Encodings fall to what they repeat: frequent values, frequent pieces, who
//! resembles whom. So within a sheet no token stands twice, every row is of one length, empty places are filled with
//! tokens that mean nothing, and rows stand in the order of their tokens. To whoever lacks the secret one member's
//! sheet is as many random numbers as any other's of as many people.
//!
//! *The secret may be halved.* Whoever has the secret and a sheet can try people out. In a run in halves ([`Asking`],
//! [`Answering`]) each member multiplies the tokens, as points of a curve, by a number of its own; only what both have
//! multiplied can be compared, so that nobody can try without the other. It goes in messages of bounded size.
//!
//! What each side learns, what was measured, and the attacks: `docs/identity.md`. Sources: hashes of combinations after
//! the match keys of the Office for National Statistics (Beyond 2011, Methodology paper M9, 2013); what was not taken,
//! Bloom filters of fields (R. Schnell, T. Bachteler, J. Reiher, "Privacy-preserving record linkage using Bloom
//! filters", 2009), and why, the attacks of M. Kuzu et al. (2011), P. Christen et al. (2018), A. Vidanage et al. (2020);
//! halves after C. Meadows (1986) and R. Agrawal et al. (2003).

mod encode;
mod half;
mod pairs;
mod part;
mod run;
mod weigh;

pub use encode::{NORMAL_FORMS, Sheet, Terms, encode};
pub use pairs::{Pair, Unlike, pairs};
pub use part::Part;
pub use run::{Accept, Answering, Asked, Asking, Limits, Met, Offer, PIECE, Refused, TOLD, Told};
