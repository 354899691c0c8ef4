//! What was done: the [`Act`] that is kept, and the [`ActView`] that the person reads.
//!
//! An act is kept as JSON `{"salt": ..., "event": ...}`: the event is an `AuditEvent` after the IHE Basic Audit Log
//! Patterns (BALP 1.1), the salt is what keeps its leaf in the public log from being guessed. [`Act::body`] writes it
//! and [`Act::from_body`] reads it back without loss. No CURP, no value of a search and no content of a record is in
//! it: the person is named by her tag.

mod emergency;
mod event;
mod json;
mod read;
mod reason;
mod registry;
mod represent;
mod sentence;
pub(crate) mod systems;

pub use read::BodyError;
pub(crate) use sentence::{day, moment};

use crate::{
    Acting, Actor, Categories, EvidenceKind, Helper, Lang, MemberId, Purpose, Role, Supervisor, Tag,
};
use crate::{Grounds, What};
use fhir::ResourceType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use store::Labels;

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
    /// Something was told in spite of her wish not to know, or was proposed to be.
    Disclosure,
    /// Her record was erased.
    Erasure,
    /// A new version of the pact came into force.
    Pact,
    /// A professional opened many records without a sign of care.
    Unusual,
    /// The glass was broken, or all was opened with a second factor.
    Emergency,
    /// Somebody said whether an emergency was right.
    Review,
    /// An order of the state was brought or released.
    Order,
    /// A professional's licence changed its state.
    Licence,
    /// A professional named a delegate, or one was ended.
    Delegation,
    /// It was decided that registrations here are of one person, or of two.
    Registry,
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
    /// Her specialty as her licence has it.
    #[serde(default)]
    pub specialty: Option<String>,
    /// Who answers for her, where she is a pasante.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supervisor: Option<String>,
    /// In whose name she acted, where she was a delegate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegator: Option<String>,
    /// Who helped her at a desk, where she acted about her own record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<String>,
    /// Her institution (another than `node` when she asked from there).
    pub institution: MemberId,
    /// Why.
    pub purpose: Purpose,
    /// On which evidence.
    pub evidence: Option<EvidenceKind>,
    /// Somebody who acts for the person, or says that she does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<Acting>,
    /// What it was.
    pub what: What,
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

/// The login of whoever did not say who she is.
const UNKNOWN: &str = "unknown";

/// Who did something, without what an act must not say of her (a patient's CURP or login, which may be her CURP).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doer {
    /// Her login at her institution; for a patient `patient`, for somebody not known `unknown`.
    pub id: String,
    /// Her name as people say it; empty when not known.
    pub name: String,
    /// Her institution.
    pub member: MemberId,
    /// What she is there.
    pub role: Role,
    /// Number and specialty of her licence, for professionals.
    pub licence: Option<(String, String)>,
    /// Who answers for a pasante.
    pub supervisor: Option<Supervisor>,
    /// In whose name she acted.
    pub delegator: Option<Supervisor>,
    /// Who helped her at a desk.
    pub helper: Option<Helper>,
}

impl Doer {
    /// What an act says of an actor.
    pub fn of(actor: &Actor) -> Doer {
        Doer {
            id: Doer::login(actor).to_owned(),
            name: actor.name.clone(),
            member: actor.member.clone(),
            role: actor.role,
            licence: actor
                .licence
                .as_ref()
                .map(|l| (l.cedula.clone(), l.specialty.clone())),
            supervisor: actor.licence.as_ref().and_then(|l| l.supervisor.clone()),
            delegator: actor.delegator.as_ref().map(|by| Supervisor {
                login: by.login.clone(),
                name: by.name.clone(),
                cedula: by
                    .licence
                    .as_ref()
                    .map_or_else(String::new, |l| l.cedula.clone()),
            }),
            helper: actor.helper.clone(),
        }
    }
    /// Her login as acts say it, and as the rules see it, so that a decision can be made again from its act.
    pub(crate) fn login(actor: &Actor) -> &str {
        match actor.curp.is_some() || actor.role == Role::Patient {
            true => "patient",
            false => &actor.id,
        }
    }
    /// The node itself, on nobody's behalf.
    pub(crate) fn house(at: &MemberId) -> Doer {
        Doer {
            id: "node".into(),
            ..Doer::unknown(at)
        }
    }
    /// Somebody who did not say who she is: a missing or forged token, a wrong secret.
    pub fn unknown(at: &MemberId) -> Doer {
        Doer {
            id: UNKNOWN.into(),
            name: String::new(),
            member: at.clone(),
            role: Role::System,
            licence: None,
            supervisor: None,
            delegator: None,
            helper: None,
        }
    }
}

/// One version of one resource that an act touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its type.
    pub of: ResourceType,
    /// Its id.
    pub id: String,
    /// Its version; 0 when it is not known before the commit.
    pub version: u64,
}

/// No act lists more resources; [`Act::resources`] counts them all.
pub const MAX_SEEN: usize = 200;

/// Something that was done, or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its name; random.
    pub id: [u8; 16],
    /// Keeps its leaf from being guessed; random, 32 bytes for each act.
    pub salt: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// What kind.
    pub kind: ActKind,
    /// At which node.
    pub node: MemberId,
    /// Who.
    pub who: Doer,
    /// The member that asked on her behalf; `None` when she was at this node.
    pub via: Option<MemberId>,
    /// Why.
    pub purpose: Purpose,
    /// The kind of evidence it stood on.
    pub evidence: Option<EvidenceKind>,
    /// About whom.
    pub person: Option<Tag>,
    /// What the request was.
    pub what: What,
    /// What was seen or written: the first [`MAX_SEEN`].
    pub seen: Vec<Seen>,
    /// How many in all.
    pub resources: u64,
    /// Categories that it touched.
    pub labels: Labels,
    /// On what the decision stood.
    pub grounds: Grounds,
    /// Why it was refused (policy or rule names, or codes of [`ActView::refused`]); empty when it was allowed.
    pub refused: Vec<String>,
    /// For an opinion: what she said, and of which act (hex name).
    pub opinion: Option<(Opinion, String)>,
    /// Until when its person does not read it; `None` where she reads it at once.
    pub told: Option<Timestamp>,
}

impl Act {
    /// The bytes to keep: `{"event": AuditEvent, "salt": base64url}`. Deterministic. Cost: a few microseconds, and
    /// about 100 bytes for each resource seen.
    pub fn body(&self) -> Vec<u8> {
        event::body(self)
    }
    /// Reads what [`body`](Act::body) wrote.
    pub fn from_body(body: &[u8]) -> Result<Act, BodyError> {
        read::from_body(body)
    }
    /// The commitment that goes into the log for this body.
    pub fn leaf(&self, body: &[u8]) -> [u8; 32] {
        ledger::commit(&self.salt, body)
    }
    /// Names what was touched: keeps the first [`MAX_SEEN`], counts all, and adds their categories.
    pub fn touched(&mut self, seen: impl IntoIterator<Item = (Seen, Labels)>) {
        for (one, labels) in seen {
            self.resources += 1;
            self.labels = self.labels.with(labels);
            if self.seen.len() < MAX_SEEN {
                self.seen.push(one);
            }
        }
    }
    /// Somebody who acts for the person, or says that she does.
    pub(crate) fn acting(&self) -> Option<Acting> {
        self.grounds.question.as_ref()?.acting
    }
    /// Its name in hex, as in links and receipts.
    pub fn name(&self) -> String {
        hex(&self.id)
    }
    /// The act as the person reads it.
    pub fn view(&self, leaf: u64) -> ActView {
        ActView {
            id: self.name(),
            at: self.at,
            kind: self.kind,
            node: self.node.clone(),
            who: self.who.name.clone(),
            actor: self.who.id.clone(),
            role: self.who.role,
            specialty: self.who.licence.as_ref().map(|(_, s)| s.clone()),
            supervisor: self.who.supervisor.as_ref().map(|s| s.name.clone()),
            delegator: self.who.delegator.as_ref().map(|s| s.name.clone()),
            helper: self.who.helper.as_ref().map(|h| h.name.clone()),
            institution: self.who.member.clone(),
            purpose: self.purpose,
            evidence: self.evidence,
            acting: self.acting(),
            what: self.what.clone(),
            categories: self.labels,
            resources: self.resources,
            machine: self.who.role == Role::System && self.who.id != UNKNOWN,
            refused: self.refused.clone(),
            leaf,
            opinion: self.opinion.as_ref().map(|(opinion, _)| *opinion),
        }
    }
}

impl ActView {
    /// One plain sentence, primary-school words: "La Dra. Ana Ruiz, médica general de Farmacia del Centro, vio tus
    /// medicinas y tus alergias a las 11:42 porque estabas en consulta." `names` gives the institution's name as
    /// people say it. The hour is that of central Mexico (UTC-6, all year); the day is for the page to say.
    pub fn sentence(&self, lang: Lang, names: &dyn Fn(&MemberId) -> String) -> String {
        match lang {
            Lang::Es => sentence::spanish(self, names),
            Lang::En => sentence::english(self, names),
        }
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from(four + if four < 10 { b'0' } else { b'a' - 10 });
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 15)];
    bytes.iter().flat_map(digits).collect()
}

/// The code that serde has for a unit variant: `check-in`.
pub(crate) fn code_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_string(value) {
        Ok(code) => code.trim_matches('"').to_owned(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
