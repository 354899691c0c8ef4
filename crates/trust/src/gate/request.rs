//! What the gate is asked, and what it gives.

use super::question::Question;
use crate::glass::Step;
use crate::order::OrderStep;
use crate::registry::RegistryStep;
use crate::{Actor, Evidence, EvidenceKind, MemberId, SignedWord};
use fhir::ResourceType;
use serde::{Deserialize, Serialize};
use store::{Labels, Permit, Verbs};

/// Language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Lang {
    Es,
    En,
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
    /// FAMRQT: somebody who acts for the person ([`crate::word::represent`]), for nobody else's use.
    #[serde(rename = "FAMRQT")]
    Family,
    /// HOPERAT: the institution's own running of its records (loading, its own software).
    #[serde(rename = "HOPERAT")]
    Operations,
    /// HRESCH
    #[serde(rename = "HRESCH")]
    Research,
    /// HPAYMT
    #[serde(rename = "HPAYMT")]
    Payment,
    /// BTG, break the glass: care that cannot wait, by somebody who is not provisioned for it, over the person's seals.
    /// Not ETREAT, which is the wider access of those who are provisioned for emergencies (here: care on a check-in).
    #[serde(rename = "BTG")]
    Emergency,
    /// HLEGAL: what a legal proceeding requires. Only under an order that two officers released.
    #[serde(rename = "HLEGAL")]
    State,
    /// UNDERWRITING, of our own ([`Purpose::system`]): whether and at what price to insure somebody. HL7 has no code for
    /// it. Nobody's consent lifts it ([`crate::pact::NEVER`]).
    #[serde(rename = "UNDERWRITING")]
    Underwriting,
    /// EMPLOYMENT, of our own: whether to hire, keep or dismiss somebody. Nobody's consent lifts it.
    #[serde(rename = "EMPLOYMENT")]
    Employment,
}

impl Purpose {
    /// Its code, as policies and AuditEvents have it.
    pub fn code(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::OwnRequest => "PATRQT",
            Purpose::Family => "FAMRQT",
            Purpose::Operations => "HOPERAT",
            Purpose::Research => "HRESCH",
            Purpose::Payment => "HPAYMT",
            Purpose::Emergency => "BTG",
            Purpose::State => "HLEGAL",
            Purpose::Underwriting => "UNDERWRITING",
            Purpose::Employment => "EMPLOYMENT",
        }
    }
    /// The code system of its code.
    pub fn system(self) -> &'static str {
        match self {
            Purpose::Underwriting | Purpose::Employment => crate::act::systems::OWN_PURPOSE,
            _ => crate::act::systems::PURPOSE,
        }
    }
}

/// Whose record a request is about.
#[derive(Clone, PartialEq, Eq)]
pub enum PersonRef {
    /// By her CURP.
    Curp(String),
    /// By her tag.
    Tag(crate::Tag),
    /// By a local Patient id.
    Patient(String),
    /// Whoever this resource is about (nobody, if it is shared or not there).
    Resource(ResourceType, String),
    /// Everyone in this node.
    Everyone,
    /// Shared resources only.
    Nobody,
}

/// Says how a person was named, never who she is.
impl std::fmt::Debug for PersonRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PersonRef::Curp(_) => "Curp(..)",
            PersonRef::Tag(_) => "Tag(..)",
            PersonRef::Patient(_) => "Patient(..)",
            PersonRef::Resource(..) => "Resource(..)",
            PersonRef::Everyone => "Everyone",
            PersonRef::Nobody => "Nobody",
        })
    }
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
    /// Receiving somebody at the desk, giving her an appointment, admitting her.
    Reception,
    /// Letting somebody go who was admitted.
    Discharge,
    /// A step of an emergency.
    Glass(Step),
    /// What was done of an order of the state.
    Order(OrderStep),
    /// A step about who is who here.
    Registry(RegistryStep),
    /// Telling something in spite of a wish not to know: ground, who proposed it, and the reason, a line each.
    Disclosure(String),
    /// Erasing a person: the reason that the operator gave, and what went in figures.
    Erasure(String),
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Version of the pact.
    pub pact: u64,
    /// Version of the person's word (0: she said nothing).
    pub word: u64,
    /// What the rules were asked; `None` where it did not come to that (what came was forged), where there is nothing to
    /// ask (a sign-in), and in acts that were kept before it was remembered.
    pub question: Option<Question>,
    /// Ids of the evidence that counted.
    pub evidence: Vec<String>,
    /// Cedar policies that decided.
    pub policies: Vec<String>,
    /// Her rules that closed something.
    pub rules: Vec<String>,
    /// Categories left out.
    pub hidden: u32,
    /// Those of them that were left out of the emergency set too.
    pub held: u32,
    /// The only categories that were opened; `None` where nothing was narrowed.
    pub only: Option<u32>,
}

impl Grounds {
    /// Of what no rule was asked about, under a version of the pact.
    pub(crate) fn without_question(pact: u64) -> Grounds {
        Grounds {
            pact,
            word: 0,
            question: None,
            evidence: Vec::new(),
            policies: Vec::new(),
            rules: Vec::new(),
            hidden: 0,
            held: 0,
            only: None,
        }
    }
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
    /// What does not count as withheld for that: of it the pact lets nothing be said.
    pub untold: Labels,
    /// The request it answers.
    pub request: Request,
    /// The person's tag, when the request is about one.
    pub tag: Option<crate::Tag>,
    /// All her tags here; the act is listed under each.
    pub(crate) tags: Vec<crate::Tag>,
    /// The kind of evidence that counted, for the act.
    pub(crate) evidence: Option<EvidenceKind>,
    /// Until when the person does not read its act; `None` where she reads it at once.
    pub(crate) told: Option<jiff::Timestamp>,
    /// By when what is received under it is to be erased, where she said so of something that it opens.
    pub erase_at: Option<jiff::Timestamp>,
    /// When more is open again: something that she opened so many times is used up.
    pub again: Option<jiff::Timestamp>,
    /// Leave to register somebody who is not known here yet, and nothing else.
    pub(crate) newcomer: bool,
}
