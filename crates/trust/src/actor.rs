//! Who acts.

use crate::MemberId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Somebody or something that acts, as the institution that signed her in vouches for her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Her login at her institution; unique there.
    pub id: String,
    /// Her name as people say it.
    pub name: String,
    /// The institution that vouches for her.
    pub member: MemberId,
    /// What she is there.
    pub role: Role,
    /// For professionals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// For people who act about their own record: their CURP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curp: Option<String>,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Role {
    Physician,
    Nurse,
    Pharmacist,
    Clerk,
    Patient,
    /// A system of the institution itself (its hospital software), for its own records only.
    System,
    /// Loads and maintains a node.
    Operator,
}

/// A professional's licence as last checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// Cédula profesional.
    pub cedula: String,
    /// As printed: `Medicina general`.
    pub specialty: String,
    /// State.
    pub state: LicenceState,
    /// When it was last checked with the register.
    pub checked: Timestamp,
}

/// Whether a licence lets its holder practise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum LicenceState {
    Active,
    Suspended,
    Expired,
    Unverified,
}
