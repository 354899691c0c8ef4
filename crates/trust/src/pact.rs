//! The pact: members and their keys, purposes with the evidence they need, policies, deadlines; signed by a threshold.

use serde::{Deserialize, Serialize};

/// Short name of a member, as in `imss`: lower-case letters, digits, hyphens; also its DNS-like name in certificates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub String);

impl std::fmt::Display for MemberId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum MemberKind {
    PublicInstitution,
    PrivateHospital,
    Clinic,
    Pharmacy,
    Laboratory,
    Insurer,
    University,
    Witness,
    Authority,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its short name.
    pub id: MemberId,
    /// Its name as people say it: `Farmacia del Centro`.
    pub name: String,
    /// What it is.
    pub kind: MemberKind,
    /// Its C2SP verifier key (`name+hash+key`): signs notes, messages, evidence, words, and is the root of trust for
    /// its TLS certificates.
    pub key: String,
    /// Where its node listens for other nodes: `host:port`.
    pub address: String,
    /// Where its pages and FHIR API are: `https://host:port`.
    pub public: String,
}

/// The agreement at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pact {
    /// Name of the network.
    pub network: String,
    /// From 1.
    pub version: u64,
    /// Hash (hex SHA-256) of the signed text of the version before; empty for the first.
    pub previous: String,
    /// How many members' signatures a next version needs.
    pub threshold: usize,
    /// Milliseconds a member has to answer an ask.
    pub deadline_ms: u64,
    /// Minutes that a check-in, an appointment (after its hour) and a patient's code are good for.
    pub check_in_minutes: u64,
    /// See above.
    pub appointment_minutes: u64,
    /// See above.
    pub code_minutes: u64,
    /// Members.
    pub members: Vec<Member>,
    /// Cedar policies, as text.
    pub policies: String,
}

impl Pact {
    /// A member by its short name.
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.iter().find(|m| m.id == *id)
    }
}
