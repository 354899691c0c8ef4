//! What asking the network gives back.

use fhir::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use trust::{ActView, MemberId, Refusal};

/// What one member said.
#[derive(Clone, Debug)]
pub struct Part {
    /// Who.
    pub member: MemberId,
    /// Its name as people say it.
    pub name: String,
    /// What came of asking it.
    pub outcome: Outcome,
    /// Milliseconds it took.
    pub took_ms: u64,
}

/// What came of asking one member.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It answered; the answer may be empty.
    Answered(Answer),
    /// It refused to decide (its pact does not let us ask this), with its sentence.
    Refused(Refusal),
    /// It did not answer before the deadline.
    Late,
    /// It could not be reached.
    Unreachable(String),
    /// Its answer was not signed as the pact says: thrown away.
    Forged,
    /// It stands on another version of the pact that could not be brought together with ours.
    OtherPact(u64),
}

/// What a member shows of a person.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Her resources there, the Patient first.
    pub resources: Vec<Value>,
    /// "Something may be withheld": only where the person chose a hint.
    pub withheld: bool,
    /// The name of the act there.
    pub act: String,
    /// The person's word there was not known to be current: the cautious answer was given.
    pub cautious: bool,
    /// By when what is received is to be erased, as she said of something that this shows. A node keeps nothing of an
    /// answer but its digest and signature; this is for whoever reads it.
    pub erase_at: Option<Timestamp>,
    /// When more is open again: what she opened so many times is used up.
    pub again: Option<Timestamp>,
}

/// Somebody who may be meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Full name.
    pub name: String,
    /// `1968-03-12`.
    pub birth_date: String,
    /// `female`, `male`...
    pub gender: String,
    /// Her CURP as held there; empty when it holds none.
    pub curp: String,
    /// Who knows her.
    pub members: Vec<MemberId>,
}

/// One member's part of a person's log.
#[derive(Clone, Debug)]
pub struct LogPart {
    /// Who.
    pub member: MemberId,
    /// Its name.
    pub name: String,
    /// Its acts about her, or why they are missing (never [`Outcome::Answered`]).
    pub acts: Result<Vec<ActView>, Outcome>,
}

/// Whom to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By CURP.
    Curp(String),
    /// By full name and birth date.
    Name {
        /// Given names.
        given: String,
        /// Surnames.
        family: String,
        /// `1968-03-12`.
        birth_date: String,
    },
}
