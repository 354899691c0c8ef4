//! Decisions, and everything that touches the archive. (Skeleton of the public shapes.)

use crate::{
    ActView, Actor, Categories, Category, Evidence, Licence, MemberId, Opinion, Pact, Role,
    SignedWord, Who, word::Rule,
};
use fhir::ResourceType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Change, Committed, Held, Permit, Store, Verbs};

/// Language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Lang {
    Es,
    En,
}

/// How a person is called between members without saying who she is: HMAC-SHA256 of her CURP under the network's
/// secret. Hex in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag(pub [u8; 32]);

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag(..)")
    }
}

/// Why a record is touched: codes of HL7 v3 PurposeOfUse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// TREAT
    #[serde(rename = "TREAT")]
    Treatment,
    /// PATRQT: the person herself.
    #[serde(rename = "PATRQT")]
    OwnRequest,
    /// HOPERAT: the institution's own running of its records (loading, its own software).
    #[serde(rename = "HOPERAT")]
    Operations,
    /// HRESCH
    #[serde(rename = "HRESCH")]
    Research,
    /// HPAYMT
    #[serde(rename = "HPAYMT")]
    Payment,
}

/// Whose record a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonRef {
    /// By her CURP.
    Curp(String),
    /// By her tag.
    Tag(Tag),
    /// By a local Patient id.
    Patient(String),
    /// Whoever this resource is about (nobody, if it is shared or not there).
    Resource(ResourceType, String),
    /// Everyone in this node.
    Everyone,
    /// Shared resources only.
    Nobody,
}

/// What a request is, for the sentence in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The woven summary.
    Summary,
    /// The person's log.
    Log,
    /// One interaction of the FHIR API: `GET Observation?code=...` without values.
    Interaction(String),
    /// A note, prescription, referral...: what was written.
    Writing(String),
    /// A load from files.
    Import(String),
    /// Looking somebody up by name or CURP.
    Find,
}

/// One request for a permit.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who.
    pub actor: Actor,
    /// For what.
    pub purpose: Purpose,
    /// About whom.
    pub person: PersonRef,
    /// To do what.
    pub verbs: Verbs,
    /// Only on these types.
    pub types: Option<Vec<ResourceType>>,
    /// Evidence that came with the request; what this node itself holds is added by the gate.
    pub evidence: Vec<Evidence>,
    /// The member that asks on the actor's behalf; `None` when she is at this node.
    pub via: Option<MemberId>,
    /// The person's word as the asker knows it; a newer one than ours is heard first.
    pub word: Option<SignedWord>,
    /// For the sentence.
    pub what: What,
}

/// On what a decision stands, so that it can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// Version of the pact.
    pub pact: u64,
    /// Version of the person's word (0: she said nothing).
    pub word: u64,
    /// Ids of the evidence that counted.
    pub evidence: Vec<String>,
    /// Cedar policies that decided.
    pub policies: Vec<String>,
    /// Her rules that closed something.
    pub rules: Vec<String>,
    /// Categories left out.
    pub hidden: u32,
}

/// Leave given.
#[derive(Debug)]
pub struct Grant {
    /// The permit for the archive.
    pub permit: Permit,
    /// What it stands on.
    pub grounds: Grounds,
    /// Something may be withheld and the person allows it to be said.
    pub hint: bool,
    /// The request it answers.
    pub request: Request,
    /// The person's tag, when the request is about one.
    pub tag: Option<Tag>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No token, or an unknown one (401).
    NotSignedIn,
    /// Wrong name or secret (401).
    WrongSecret,
    /// The token's time is over (401).
    Expired,
    /// Too many tries; wait (429).
    SlowDown,
    /// No evidence of a care relation (403).
    NoEvidence,
    /// The licence is not active (403).
    Licence,
    /// The pact does not allow it (403).
    Pact,
    /// The person closed it (403). Never said where silence was chosen.
    Person,
    /// What came is forged, re-targeted or damaged (403).
    Forged,
    /// The archive is busy or broken (503).
    Unavailable,
    /// The request itself makes no sense (400).
    Bad,
}

/// A refusal that explains itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// For people, Spanish: what happened and what to do.
    pub es: String,
    /// For people, English.
    pub en: String,
    /// Policies or rules by name.
    pub because: Vec<String>,
}

impl Refusal {
    /// The sentence in a language.
    pub fn sentence(&self, lang: Lang) -> &str {
        match lang {
            Lang::Es => &self.es,
            Lang::En => &self.en,
        }
    }
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Opaque random token; only its hash is stored.
    pub token: String,
    /// Who.
    pub actor: Actor,
    /// Until when.
    pub until: Timestamp,
}

/// An account to be made by the operator.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Login.
    pub login: String,
    /// Secret (password or PIN), hashed with argon2id.
    pub secret: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For professionals.
    pub licence: Option<Licence>,
    /// For patients.
    pub curp: Option<String>,
}

/// A code to read out to the doctor.
#[derive(Clone, Debug)]
pub struct PatientCode {
    /// `IMSS-4821-7730`: the member that knows it, and eight digits.
    pub code: String,
    /// Until when.
    pub until: Timestamp,
}

/// One category in a preview: what somebody would see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previewed {
    /// The category.
    pub category: Category,
    /// Open under the rules shown.
    pub open: bool,
    /// Open under the rules of today.
    pub open_today: bool,
    /// The rule that closes it, if one does.
    pub rule: Option<String>,
}

/// How a gate is opened.
pub struct Config {
    /// Who this node is.
    pub member: MemberId,
    /// Its Ed25519 seed.
    pub key: [u8; 32],
    /// The network's secret for tags.
    pub network_secret: [u8; 32],
    /// The signed pact in force, as text.
    pub pact: String,
    /// How to open the archive.
    pub store: store::Options,
}

/// The gate of one node. Cheap to clone. Calls block on the archive.
#[derive(Clone)]
pub struct Gate {}

#[allow(unused_variables)]
impl Gate {
    /// Opens the archive in `dir` behind this gate.
    pub fn open(dir: &std::path::Path, config: Config) -> Result<Gate, Refusal> {
        unimplemented!()
    }
    /// The member this node is.
    pub fn member(&self) -> MemberId {
        unimplemented!()
    }
    /// The pact in force.
    pub fn pact(&self) -> std::sync::Arc<Pact> {
        unimplemented!()
    }
    /// Its signed text.
    pub fn signed_pact(&self) -> String {
        unimplemented!()
    }
    /// Takes a newer pact if it follows ours and a threshold of ours signed it.
    pub fn adopt(&self, signed: &str, now: Timestamp) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// The tag of a CURP (upper-cased, trimmed).
    pub fn tag(&self, curp: &str) -> Tag {
        unimplemented!()
    }
    /// Signs bytes with the node's key, for messages between nodes; `verify` checks a member's.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        unimplemented!()
    }
    /// Whether a member of the pact signed these bytes.
    pub fn verify(&self, member: &MemberId, bytes: &[u8], signature: &[u8]) -> bool {
        unimplemented!()
    }

    /// Makes or replaces an account (the operator's command line).
    pub fn account(&self, account: NewAccount, now: Timestamp) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// Signs somebody in; wrong secrets slow down and are acts.
    pub fn sign_in(&self, login: &str, secret: &str, now: Timestamp) -> Result<SignedIn, Refusal> {
        unimplemented!()
    }
    /// A token for a program, good for some hours (the operator's command line).
    pub fn token(&self, login: &str, hours: u32, now: Timestamp) -> Result<SignedIn, Refusal> {
        unimplemented!()
    }
    /// Who a token stands for. `None` or a bad one is refused, and the refusal is an act.
    pub fn authenticate(&self, token: Option<&str>, now: Timestamp) -> Result<Actor, Refusal> {
        unimplemented!()
    }
    /// Ends a session.
    pub fn sign_out(&self, token: &str, now: Timestamp) -> Result<(), Refusal> {
        unimplemented!()
    }

    /// A clerk, nurse, pharmacist or doctor receives a person: evidence for the institution.
    pub fn check_in(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<Evidence, Refusal> {
        unimplemented!()
    }
    /// An appointment with an actor here.
    pub fn appoint(
        &self,
        by: &Actor,
        curp: &str,
        with: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        unimplemented!()
    }
    /// A code for the patient to read out.
    pub fn show_code(&self, patient: &Actor, now: Timestamp) -> Result<PatientCode, Refusal> {
        unimplemented!()
    }
    /// At the node that showed it: turns a code into evidence for an institution and actor, once.
    pub fn redeem(
        &self,
        code: &str,
        institution: &MemberId,
        actor: &str,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        unimplemented!()
    }
    /// Keeps evidence that another member issued for us.
    pub fn accept(&self, evidence: Evidence, now: Timestamp) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// Evidence here that is good now for this actor and person.
    pub fn evidence(&self, actor: &Actor, person: Tag, now: Timestamp) -> Vec<Evidence> {
        unimplemented!()
    }

    /// The person's word as this node knows it.
    pub fn word(&self, person: Tag) -> Option<SignedWord> {
        unimplemented!()
    }
    /// The person says new rules (all of them).
    pub fn say(
        &self,
        patient: &Actor,
        rules: Vec<Rule>,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        unimplemented!()
    }
    /// Takes a word from another member, if it is signed and newer. `true` if it was news.
    pub fn hear(
        &self,
        word: &SignedWord,
        from: &MemberId,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        unimplemented!()
    }
    /// What somebody (with evidence, purpose treatment) would see under these rules.
    pub fn preview(
        &self,
        patient: &Actor,
        who: &Who,
        rules: &[Rule],
        now: Timestamp,
    ) -> Result<Vec<Previewed>, Refusal> {
        unimplemented!()
    }

    /// Decides. A refusal is already an act when this returns.
    pub fn decide(&self, request: Request, now: Timestamp) -> Result<Grant, Refusal> {
        unimplemented!()
    }
    /// The archive, for calls that take the grant's permit.
    pub fn store(&self) -> &Store {
        unimplemented!()
    }
    /// Makes the act of a read durable and opens the answer. The act says what was seen.
    pub fn open_answer<T>(
        &self,
        grant: &Grant,
        held: Held<T>,
        now: Timestamp,
    ) -> Result<(T, String), Refusal> {
        unimplemented!()
    }
    /// Changes the record and keeps the act in one commit.
    pub fn write(
        &self,
        grant: &Grant,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<Committed, store::Error> {
        unimplemented!()
    }
    /// Keeps an act that touched no record here (an ask to others).
    pub fn note(&self, grant: &Grant, now: Timestamp) -> Result<String, Refusal> {
        unimplemented!()
    }

    /// The person's acts at this node, newest first, under a grant of [`What::Log`].
    pub fn acts(
        &self,
        grant: &Grant,
        before: Option<u64>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ActView>, Refusal> {
        unimplemented!()
    }
    /// A receipt of an act for its person (under a grant of [`What::Log`]): text that `tejido verify` checks offline.
    pub fn receipt(&self, grant: &Grant, act: &str) -> Result<String, Refusal> {
        unimplemented!()
    }
    /// What the person says of an act at this node; `NotRight` opens a case. Twice is one case.
    pub fn opine(
        &self,
        grant: &Grant,
        act: &str,
        opinion: Opinion,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// Categories left out as sentences' input.
    pub fn categories_of(&self, labels: Categories) -> Vec<Category> {
        Category::ALL
            .into_iter()
            .filter(|c| labels.meets(c.bit()))
            .collect()
    }
    /// A file of the public log: `checkpoint`, `tile/0/000`, `tile/entries/000`.
    pub fn log_file(&self, path: &str) -> Option<Vec<u8>> {
        unimplemented!()
    }
    /// The house's small rows of other rooms (outboxes), kept apart by room name; not about the record.
    pub fn keep_row(
        &self,
        room: &str,
        key: &[u8],
        value: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        unimplemented!()
    }
    /// Rows of a room in order.
    pub fn rows(&self, room: &str, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Refusal> {
        unimplemented!()
    }
}
