//! Who acts.

use crate::{Delegator, MemberId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Somebody or something that acts, as the institution that signed her in vouches for her.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Who of the institution sits with her at the desk, where she signed in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<Helper>,
    /// In whose name she works ([`crate::delegate`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegator: Option<Delegator>,
}

/// Somebody at a desk who helps a person with her own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helper {
    /// Her login.
    pub login: String,
    /// Her name.
    pub name: String,
}

/// Says which account, never the person behind it.
impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Actor({}/{}, {:?})", self.member, self.id, self.role)
    }
}

impl Actor {
    /// Whether no human acts.
    pub fn is_machine(&self) -> bool {
        self.role == Role::System
    }
    /// The login whose evidence counts for what she does: her own, or that of whoever she works in the name of.
    pub fn evidence_login(&self) -> &str {
        let delegator = self.delegator.as_ref();
        delegator.map_or(&self.id, |delegator| &delegator.login)
    }
    /// Code of the licence's state; `none` for whoever has none.
    pub fn licence_state(&self) -> &'static str {
        self.licence.as_ref().map_or("none", |l| l.state.code())
    }
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
    /// Watches over the institution's use of records: reviews emergencies. Opens no record.
    #[serde(rename = "privacy-officer")]
    Privacy,
}

impl Role {
    /// Its code, as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Role::Physician => "physician",
            Role::Nurse => "nurse",
            Role::Pharmacist => "pharmacist",
            Role::Clerk => "clerk",
            Role::Patient => "patient",
            Role::System => "system",
            Role::Operator => "operator",
            Role::Privacy => "privacy-officer",
        }
    }
}

/// A professional's licence as last checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licence {
    /// Cédula profesional; of a pasante the number of her letter.
    pub cedula: String,
    /// As printed: `Medicina general`.
    pub specialty: String,
    /// State.
    pub state: LicenceState,
    /// When it was last checked with the register.
    pub checked: Timestamp,
    /// Who answers for a pasante.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<Supervisor>,
}

/// The professional of the same institution who answers for a pasante: Ley General de Salud, articles 84 to 88 (social
/// service) and 28 Bis (what pasantes may prescribe).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervisor {
    /// Her login.
    pub login: String,
    /// Her name.
    pub name: String,
    /// Her cédula.
    pub cedula: String,
}

/// From when a licence was in a state, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenceTurn {
    /// The state.
    pub state: LicenceState,
    /// Who answers for her from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<Supervisor>,
    /// From when.
    pub from: Timestamp,
    /// In the operator's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Whether a licence lets its holder practise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum LicenceState {
    Active,
    Suspended,
    Expired,
    Unverified,
    /// In social service, under a named supervisor whose own licence is active now.
    Pasante,
    /// A pasante whose supervisor is not there, or not with an active licence. Nobody says it: it is what becomes of her.
    Unsupervised,
}

impl LicenceState {
    /// Its code, as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            LicenceState::Active => "active",
            LicenceState::Suspended => "suspended",
            LicenceState::Expired => "expired",
            LicenceState::Unverified => "unverified",
            LicenceState::Pasante => "pasante",
            LicenceState::Unsupervised => "unsupervised",
        }
    }
}
