//! Evidence that an actor has a care relation with a person, now.

use crate::{MemberId, Purpose, Tag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use ledger::{SigningKey, VerifierKey};
use serde::{Deserialize, Serialize};

/// Why an institution may say that it cares for a person at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceKind {
    /// The person was received at the desk.
    CheckIn,
    /// An appointment, good from some hours before to some hours after.
    Appointment,
    /// A code from the person's phone, confirmed by the node that showed it to her.
    PatientCode,
    /// She stays here, day and night, until she is discharged.
    Admission,
    /// Another institution sent her here: its own word, for the one that it names.
    Referral,
    /// The person herself, signed in.
    OwnAccess,
    /// Somebody declared an emergency: opens what could save a life.
    Emergency,
    /// The same after a second factor: opens all that the person does not insist on keeping.
    EmergencyConfirmed,
    /// Two officers released an order of the state.
    Order,
    /// Somebody who acts for the person, signed in. Her word says whether that one does.
    Representation,
}

impl EvidenceKind {
    /// Those by which an institution shows that it cares for a person.
    pub const CARE: [EvidenceKind; 5] = [
        EvidenceKind::CheckIn,
        EvidenceKind::Appointment,
        EvidenceKind::PatientCode,
        EvidenceKind::Admission,
        EvidenceKind::Referral,
    ];
    /// Its code, as in JSON and policies.
    pub fn code(self) -> &'static str {
        match self {
            EvidenceKind::CheckIn => "check-in",
            EvidenceKind::Appointment => "appointment",
            EvidenceKind::PatientCode => "patient-code",
            EvidenceKind::Admission => "admission",
            EvidenceKind::Referral => "referral",
            EvidenceKind::OwnAccess => "own-access",
            EvidenceKind::Emergency => "emergency",
            EvidenceKind::EmergencyConfirmed => "emergency-confirmed",
            EvidenceKind::Order => "order",
            EvidenceKind::Representation => "representation",
        }
    }
    /// Whether it says that there is an emergency. It is always of one actor.
    pub fn is_emergency(self) -> bool {
        matches!(
            self,
            EvidenceKind::Emergency | EvidenceKind::EmergencyConfirmed
        )
    }
    /// Whether it can count for a purpose: an emergency, an order and acting for somebody open nothing for another one, and
    /// nothing else opens for theirs.
    pub fn serves(self, purpose: Purpose) -> bool {
        match self {
            EvidenceKind::Emergency | EvidenceKind::EmergencyConfirmed => {
                purpose == Purpose::Emergency
            }
            EvidenceKind::Order => purpose == Purpose::State,
            EvidenceKind::Representation => purpose == Purpose::Family,
            _ => !matches!(
                purpose,
                Purpose::Emergency | Purpose::State | Purpose::Family
            ),
        }
    }
    /// Whether only the institution itself can say it; a code is confirmed by the member that showed it, and a referral is
    /// said by the one that refers.
    pub fn is_own_word(self) -> bool {
        !matches!(self, EvidenceKind::PatientCode | EvidenceKind::Referral)
    }
}

/// One piece of evidence, signed by the member that issued it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Who at the issuer said it, where somebody did: her login. What a professional says of herself weighs less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// For [`EvidenceKind::Representation`]: the actor's own tag, for which the issuer vouches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<Tag>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Who signed it.
    pub issuer: MemberId,
    /// Base64 of the issuer's Ed25519 signature over all else.
    pub signature: String,
}

/// Whoever holds evidence can use it for its institution: it is not printed.
impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Evidence({:?} of {}, until {})",
            self.kind, self.institution, self.until
        )
    }
}

/// What its signature is for.
const CONTEXT: &str = "tejido/evidence/v1";
/// How far the clocks of two members may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

impl Evidence {
    /// The bytes that are signed: JSON in the order of these fields, the signature empty.
    fn signed_bytes(&self) -> Vec<u8> {
        let unsigned = Evidence {
            signature: String::new(),
            ..self.clone()
        };
        // Strings and times only: nothing in it can fail to become JSON.
        serde_json::to_vec(&unsigned).unwrap_or_default()
    }
    /// Signs it with the issuer's key.
    pub fn sign(mut self, key: &SigningKey) -> Evidence {
        let signature = key.sign_bytes(CONTEXT, &self.signed_bytes());
        self.signature = STANDARD.encode(signature.bytes);
        self
    }
    /// Whether this key signed it. Cost: one Ed25519 verification.
    pub fn verify(&self, key: &VerifierKey) -> bool {
        let Some(bytes) = STANDARD
            .decode(&self.signature)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
        else {
            return false;
        };
        let signature = ledger::note::Signature {
            key: key.signer().id(),
            bytes,
        };
        key.verify_bytes(CONTEXT, &self.signed_bytes(), &signature)
    }
    /// Whether its window holds this moment: from its start, up to but not at its end. The clocks of two members may
    /// differ, so that what one made just now begins for another in a moment: a minute is allowed for that.
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        let soon = now.checked_add(CLOCKS).unwrap_or(Timestamp::MAX);
        self.from <= soon && now < self.until
    }
    /// Names these very bytes, signature and all.
    pub(crate) fn digest(&self) -> [u8; 32] {
        ledger::sha256(&serde_json::to_vec(self).unwrap_or_default())
    }
}
