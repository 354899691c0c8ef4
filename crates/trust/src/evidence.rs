//! Evidence that an actor has a care relation with a person, now.

use crate::{MemberId, Tag};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why an institution may say that it cares for a person at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The person was received at the desk.
    CheckIn,
    /// An appointment, good from some hours before to some hours after.
    Appointment,
    /// A code from the person's phone, confirmed by the node that showed it to her.
    PatientCode,
    /// The person herself, signed in.
    OwnAccess,
}

/// One piece of evidence, signed by the member that issued it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Random name.
    pub id: String,
    /// Why.
    pub kind: EvidenceKind,
    /// About whom.
    pub person: Tag,
    /// The institution that has the relation.
    pub institution: MemberId,
    /// Only this actor of that institution, when it is personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who signed it.
    pub issuer: MemberId,
    /// Base64 of the issuer's Ed25519 signature over all else.
    pub signature: String,
}
