//! Who is who inside a house: what was decided about two registrations, by whom and on what.
//!
//! A registration is one `Patient` of this node. That two are of one person is a fact of the house: a confirmed number said
//! so, or somebody who answers for it. A likeness, however strong, is only a reason to look: a wrong link shows one person
//! the record of another, and closes nothing that was read meanwhile.

use crate::{MemberId, Role, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistryDone {
    /// Two registrations were laid side by side.
    Looked,
    /// They are of one person.
    Linked,
    /// Their `Patient`s say so, or do not any more.
    Marked,
    /// They are of two people.
    Split,
    /// The person said that a registration is not hers.
    NotMe,
    /// This house's registrations were compared with another member's, by tokens that name nobody.
    Compared,
    /// In that, a registration was found to resemble one of the other member's.
    Resembled,
    /// Somebody said that those two are of one person,
    OneWith,
    /// or of two.
    TwoWith,
}

/// On what a decision stands, as far as a machine said something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Likeness {
    /// Code of FHIR's match-grade; absent where nothing was weighed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// Probability by weighing, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_mille: Option<u16>,
    /// A confirmed number decided.
    #[serde(default, skip_serializing_if = "is_false")]
    pub number: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Likeness {
    /// As a machine weighed it: code of the grade, and probability from 0 to 1.
    pub fn weighed(grade: &str, probability: f64) -> Likeness {
        Likeness {
            grade: Some(grade.to_owned()),
            // Between 0 and 1,000 by construction.
            per_mille: Some((probability.clamp(0.0, 1.0) * 1_000.0).round() as u16),
            number: false,
        }
    }
    /// A confirmed number said it.
    pub fn number() -> Likeness {
        Likeness {
            number: true,
            ..Likeness::default()
        }
    }
}

/// A step, for the sentence in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryStep {
    /// What was done.
    pub done: RegistryDone,
    /// On what.
    #[serde(flatten)]
    pub on: Likeness,
    /// The other member, where registrations of two members are meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<MemberId>,
}

/// A decision as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Login of who decided; `node` for a confirmed number, `patient` for the person herself.
    pub by: String,
    /// Her name as people say it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What she is.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// On what.
    #[serde(flatten)]
    pub on: Likeness,
}

/// How a registration is hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hers {
    /// It carries the CURP that she is known by.
    Curp,
    /// Somebody, or a confirmed number, said so.
    Linked(Decision),
    /// Somebody here and somebody of another member's said so.
    Elsewhere {
        /// What was said here.
        decision: Decision,
        /// The other member.
        with: MemberId,
    },
}

/// One registration of a person at this house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Id of its `Patient`.
    pub id: String,
    /// How it is hers.
    pub how: Hers,
}

/// A registration of which its person said that it is not hers, for whoever looks after the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disputed {
    /// Ids of the two `Patient`s: what was taken out, and of what.
    pub names: [String; 2],
    /// The decision.
    pub decision: Decision,
}

/// A tag that a registration carries and that is not its person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disowned {
    pub(crate) tag: Tag,
    #[serde(flatten)]
    pub(crate) decision: Decision,
}
