//! What nodes say to each other.
//!
//! Every message is a POST to one of [`path`]; bodies are JSON, except that an answer with resources is a first line of
//! JSON ([`AnswerHead`]) followed by one resource a line, as the archive holds them, and that points of a comparison of
//! registers ([`crate::linkage`]) travel as they are.

use crate::Answer;
use fhir::Value;
use fhir::json::{Limits, parse};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use trust::{
    Actor, Evidence, Opinion, PersonRef, Purpose, Refusal, RefusalKind, Request, SignedWord, Tag,
    What,
};

/// Where messages go.
pub(crate) mod path {
    pub(crate) const ASK: &str = "/exchange/ask";
    pub(crate) const FIND: &str = "/exchange/find";
    pub(crate) const LOG: &str = "/exchange/log";
    pub(crate) const RECEIPT: &str = "/exchange/receipt";
    pub(crate) const OPINE: &str = "/exchange/opine";
    pub(crate) const WORD: &str = "/exchange/word";
    pub(crate) const SAID: &str = "/exchange/said";
    pub(crate) const VERDICT: &str = "/exchange/verdict";
    pub(crate) const REDEEM: &str = "/exchange/redeem";
    pub(crate) const REFERRAL: &str = "/exchange/referral";
    pub(crate) const PACT: &str = "/exchange/pact";
    pub(crate) const LINKAGE_OFFER: &str = "/exchange/linkage/offer";
    pub(crate) const LINKAGE_PIECE: &str = "/exchange/linkage/piece";
    pub(crate) const LINKAGE_OWN: &str = "/exchange/linkage/own";
    pub(crate) const LINKAGE_TOLD: &str = "/exchange/linkage/told";
    pub(crate) const LINKAGE_SAID: &str = "/exchange/linkage/said";
}

/// Largest request between nodes.
pub(crate) const REQUEST_BYTES: usize = 1 << 20;
/// Largest answer that is read: a person's whole record.
pub(crate) const ANSWER_BYTES: usize = 64 << 20;

/// A request on somebody's behalf. The actor's own CURP never travels: her evidence carries her tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) actor: Actor,
    pub(crate) purpose: Purpose,
    pub(crate) person: Tag,
    pub(crate) evidence: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) word: Option<SignedWord>,
    pub(crate) what: What,
}

impl Ask {
    /// What another member gets to know of a request at home.
    pub(crate) fn of(
        request: &Request,
        person: Tag,
        evidence: Vec<Evidence>,
        word: Option<SignedWord>,
    ) -> Ask {
        let actor = Actor {
            curp: None,
            ..request.actor.clone()
        };
        Ask {
            actor,
            purpose: request.purpose,
            person,
            evidence,
            word,
            what: request.what.clone(),
        }
    }
    /// The same as a request to the gate of the member that was asked.
    pub(crate) fn into_request(self, via: trust::MemberId) -> Request {
        Request {
            actor: self.actor,
            purpose: self.purpose,
            person: PersonRef::Tag(self.person),
            verbs: store::Verbs::READING,
            types: None,
            evidence: self.evidence,
            via: Some(via),
            word: self.word,
            what: self.what,
        }
    }
}

/// The first line of an answer with resources.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AnswerHead {
    pub(crate) withheld: bool,
    pub(crate) cautious: bool,
    pub(crate) act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) word: Option<SignedWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erase_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) again: Option<Timestamp>,
}

impl AnswerHead {
    /// The answer that it heads, with its resources.
    pub(crate) fn answer(&self, resources: Vec<Value>) -> Answer {
        Answer {
            resources,
            withheld: self.withheld,
            act: self.act.clone(),
            cautious: self.cautious,
            erase_at: self.erase_at,
            again: self.again,
        }
    }
}

/// An answer's head and its resources, read back.
pub(crate) fn read_answer(body: &[u8]) -> Result<(AnswerHead, Answer), String> {
    let mut lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let head: AnswerHead =
        serde_json::from_slice(lines.next().unwrap_or_default()).map_err(|e| e.to_string())?;
    let limits = Limits::default();
    let resources = lines
        .map(|line| parse(line, &limits))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    let answer = head.answer(resources);
    Ok((head, answer))
}

/// A head and resources, ready to send. Stored resources hold no line breaks: JSON escapes them.
pub(crate) fn write_answer<'a>(
    head: &AnswerHead,
    resources: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, String> {
    let mut body = serde_json::to_vec(head).map_err(|e| e.to_string())?;
    for resource in resources {
        body.push(b'\n');
        body.extend_from_slice(resource);
    }
    Ok(body)
}

/// About one act of a person's log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AboutAct {
    pub(crate) ask: Ask,
    pub(crate) act: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) opinion: Option<Opinion>,
}

/// Somebody to look up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FindAsk {
    pub(crate) actor: Actor,
    pub(crate) who: FindWho,
}

/// By tag, or by full name and birth date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FindWho {
    Tag(Tag),
    Name {
        given: String,
        family: String,
        birth_date: String,
    },
}

impl FindWho {
    /// Who is meant, in a line.
    pub(crate) fn words(&self) -> String {
        match self {
            FindWho::Tag(tag) => tag.hex(),
            FindWho::Name {
                given,
                family,
                birth_date,
            } => format!("{given}|{family}|{birth_date}"),
        }
    }
}

/// A patient's code to turn into evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RedeemAsk {
    pub(crate) code: String,
    pub(crate) actor: String,
}

/// Whether a person was referred to the institution that asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReferralAsk {
    pub(crate) actor: Actor,
    pub(crate) person: Tag,
}

/// A refusal on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RefusalMessage {
    kind: String,
    es: String,
    en: String,
    because: Vec<String>,
}

const KINDS: [(RefusalKind, &str); 16] = [
    (RefusalKind::NotSignedIn, "not-signed-in"),
    (RefusalKind::WrongSecret, "wrong-secret"),
    (RefusalKind::Expired, "expired"),
    (RefusalKind::SlowDown, "slow-down"),
    (RefusalKind::Unusual, "unusual"),
    (RefusalKind::OldWord, "old-word"),
    (RefusalKind::NoEvidence, "no-evidence"),
    (RefusalKind::Licence, "licence"),
    (RefusalKind::Reviews, "reviews-overdue"),
    (RefusalKind::Delegation, "delegation"),
    (RefusalKind::Pact, "pact"),
    (RefusalKind::Person, "person"),
    (RefusalKind::UsedUp, "used-up"),
    (RefusalKind::Forged, "forged"),
    (RefusalKind::Unavailable, "unavailable"),
    (RefusalKind::Bad, "bad"),
];

impl From<&Refusal> for RefusalMessage {
    fn from(refusal: &Refusal) -> RefusalMessage {
        let kind = KINDS
            .iter()
            .find(|(k, _)| *k == refusal.kind)
            .map_or("bad", |(_, code)| code);
        RefusalMessage {
            kind: kind.to_owned(),
            es: refusal.es.clone(),
            en: refusal.en.clone(),
            because: refusal.because.clone(),
        }
    }
}
impl From<RefusalMessage> for Refusal {
    fn from(message: RefusalMessage) -> Refusal {
        let kind = KINDS
            .iter()
            .find(|(_, code)| *code == message.kind)
            .map_or(RefusalKind::Bad, |(k, _)| *k);
        Refusal {
            kind,
            es: message.es,
            en: message.en,
            because: message.because,
        }
    }
}
