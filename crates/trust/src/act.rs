//! What was done, as the person reads it.

use crate::{Categories, EvidenceKind, Lang, MemberId, Purpose, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of thing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActKind {
    /// Something of the record was read or searched.
    Read,
    /// Something was written.
    Write,
    /// Other members were asked.
    Ask,
    /// A request was refused.
    Denied,
    /// A sign-in, or one that failed.
    SignIn,
    /// The person changed her rules.
    Word,
    /// Evidence was made (check-in, code).
    Evidence,
    /// Records were loaded in bulk.
    Import,
    /// The person (or a clerk with her) read her log.
    Log,
    /// The person said what she thinks of an act.
    Opinion,
}

/// What the person says of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opinion {
    /// That was right.
    Right,
    /// That was not right: opens a case.
    NotRight,
}

/// An act as a projection for people; the stored form is a BALP AuditEvent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActView {
    /// Name, hex.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: ActKind,
    /// At which node it is logged.
    pub node: MemberId,
    /// Who did it: name as people say it.
    pub who: String,
    /// Her login.
    pub actor: String,
    /// Her role.
    pub role: Role,
    /// Her institution (another than `node` when she asked from there).
    pub institution: MemberId,
    /// Why.
    pub purpose: Purpose,
    /// On which evidence.
    pub evidence: Option<EvidenceKind>,
    /// What categories it touched.
    pub categories: Categories,
    /// How many resources.
    pub resources: u64,
    /// A machine, not a human.
    pub machine: bool,
    /// Refused, and why (policy or rule names); empty when allowed.
    pub refused: Vec<String>,
    /// Place in the node's log.
    pub leaf: u64,
    /// What the person said of it.
    pub opinion: Option<Opinion>,
}

impl ActView {
    /// One plain sentence, primary-school words: "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tus
    /// medicinas y alergias a las 11:42 porque estabas en consulta." `names` gives the institution's name as people say it.
    pub fn sentence(&self, _lang: Lang, _names: &dyn Fn(&MemberId) -> String) -> String {
        unimplemented!()
    }
}
