//! The person's own word: her rules, signed by the member where she said them, the same at every member.

use crate::{Category, MemberId, MemberKind, Purpose, Role, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// Everyone but the person herself (and, for a denial, the institution's own author stays able to read what it wrote).
    Everyone,
    /// Institutions of a kind: pharmacies.
    Kind(MemberKind),
    /// One institution.
    Member(MemberId),
    /// One role anywhere.
    Role(Role),
    /// One professional of one institution.
    Actor(MemberId, String),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Names it.
    pub id: String,
    /// `false` closes, `true` opens again for somebody what a broader rule closed.
    pub allow: bool,
    /// Whom.
    pub who: Who,
    /// What; empty means everything.
    pub what: Vec<Category>,
    /// Only for this purpose; `None` means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Until when; `None` means until she changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// For a closing rule: whether the one refused is told that something is withheld.
    pub hint: bool,
}

/// All rules of a person at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Whose.
    pub person: Tag,
    /// From 1; each change is one more.
    pub version: u64,
    /// Her rules.
    pub rules: Vec<Rule>,
    /// When she said it.
    pub said: Timestamp,
    /// The member where she said it.
    pub author: MemberId,
}

/// A word with its author's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedWord {
    /// The word.
    pub word: Word,
    /// Base64 of the author's Ed25519 signature over the canonical JSON of the word.
    pub signature: String,
}
