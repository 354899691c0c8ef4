//! The pact: members and their keys, purposes with the evidence they need, policies, deadlines; signed by a threshold.
//!
//! A pact's text is TOML in one fixed form ([`Pact::text`]); signed, it is a C2SP signed note under its members' keys.
//! [`Pact::open`] says whether such a note is well formed and who of its members signed it. Whether it is **in force**
//! is another question: [`Pact::founding`] answers it for the first version, [`Pact::accept`] for a next one. An
//! orchestrator can propose a version by signing it; without a threshold of the members in force it is only a text.

mod change;
mod former;
mod linkage;
mod policies;
mod purpose;
mod seals;
mod terms;
mod text;
mod valid;
mod words;

pub use change::diff;
pub use former::FormerKey;
pub use linkage::{Linkage, PARTS as LINKAGE_PARTS, parts_in_words};
pub use purpose::{Agreed, NEVER, usual};
pub use seals::Seals;
pub(crate) use seals::{may_close, other_tables};
pub use terms::{Care, Emergency, Orders};
pub use valid::bounds;
pub(crate) use words::{Concern, concerning};
pub use words::{Sentence, describe, evidence as evidence_words, purpose as purpose_words};

use crate::Purpose;
use ledger::note::{self, SigningKey, VerifierKey};
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

impl MemberKind {
    /// Whether people are cared for there.
    pub fn cares(self) -> bool {
        match self {
            MemberKind::PublicInstitution
            | MemberKind::PrivateHospital
            | MemberKind::Clinic
            | MemberKind::Pharmacy
            | MemberKind::Laboratory => true,
            MemberKind::Insurer
            | MemberKind::University
            | MemberKind::Witness
            | MemberKind::Authority => false,
        }
    }
    /// Whether people may stay there, day and night.
    pub fn has_beds(self) -> bool {
        matches!(
            self,
            MemberKind::PublicInstitution | MemberKind::PrivateHospital | MemberKind::Clinic
        )
    }
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Keys that it had before and has laid down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerKey>,
}

/// The agreement at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pact {
    /// Name of the network.
    pub network: String,
    /// From 1.
    pub version: u64,
    /// [`Pact::hash`] of the version before; empty for the first.
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
    /// Minutes for which a person's word is taken as hers when the member where she said it cannot be heard; then nothing of
    /// hers is opened to others until it is. Without it a word holds until a newer one arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_minutes: Option<u64>,
    /// Members.
    pub members: Vec<Member>,
    /// Cedar policies, as text.
    pub policies: String,
    /// What the members agreed to open records for, and the evidence that each needs: what is not named is refused,
    /// whatever a policy says. Pacts of before purposes were named have none, and leave it to their policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<Agreed>,
    /// Terms of emergencies. A pact without them knows none: no glass can be broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<Emergency>,
    /// Terms of what the state orders. A pact without them knows no such orders: none opens anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Orders>,
    /// Terms of admissions and referrals. Under a pact without them neither is evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub care: Option<Care>,
    /// Terms of comparing registers. Under a pact without them no two members compare theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linkage: Option<Linkage>,
    /// Terms of categories and seals. Under a pact without them each member goes by the tables of its program, every category
    /// may be closed, hints are given as each rule says, and seals that do not insist spare what could save a life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seals: Option<Seals>,
    /// What nobody may open a record for, whatever a policy or the person herself says: at least [`NEVER`], which is
    /// meant where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<Purpose>,
}

impl Pact {
    /// What nobody may open a record for.
    pub fn never(&self) -> &[Purpose] {
        match self.never.as_slice() {
            [] => &NEVER,
            named => named,
        }
    }
    /// The members that keep records.
    pub fn keepers(&self) -> impl Iterator<Item = &Member> {
        let keeps =
            |one: &&Member| !matches!(one.kind, MemberKind::Witness | MemberKind::Authority);
        self.members.iter().filter(keeps)
    }
    /// A member by its short name.
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.iter().find(|m| m.id == *id)
    }

    /// Its text in the one form that is signed. Two equal pacts have equal texts.
    pub fn text(&self) -> String {
        text::write(self)
    }
    /// SHA-256 of its text, hex: without the signatures, so that one more signature makes no other pact.
    pub fn hash(&self) -> String {
        crate::act::hex(&ledger::sha256(self.text().as_bytes()))
    }
    /// Reads a text that may not be signed by anybody yet, and who of its own members signed it.
    ///
    /// Cost: as [`Pact::open`].
    pub fn draft(text: &str) -> Result<(Pact, Vec<MemberId>), PactError> {
        if let Ok(pact) = text::read(text) {
            valid::check(&pact)?;
            return match pact.text() == text {
                true => Ok((pact, Vec::new())),
                false => Err(PactError::Form),
            };
        }
        let pact = unverified(text)?;
        let signers = signers(text, &pact.members)?;
        Ok((pact, signers))
    }
    /// Opens a signed text: its form, its bounds, its policies, and every signature by one of its own members.
    /// Gives the members that signed, in the pact's order. This alone does not put it in force.
    ///
    /// Cost: one Ed25519 verification for each signature, and a few milliseconds for the policies.
    pub fn open(signed: &str) -> Result<(Pact, Vec<MemberId>), PactError> {
        let pact = unverified(signed)?;
        let signers = signers(signed, &pact.members)?;
        if signers.is_empty() {
            return Err(PactError::Unsigned);
        }
        Ok((pact, signers))
    }
    /// Opens the first version: all of its members must have signed it.
    pub fn founding(signed: &str) -> Result<Pact, PactError> {
        let (pact, signers) = Pact::open(signed)?;
        if pact.version != 1 || !pact.previous.is_empty() {
            return Err(PactError::NotFirst(pact.version));
        }
        former::none(&pact)?;
        let missing = pact.without(&signers);
        if !missing.is_empty() {
            return Err(PactError::Founders(ids(&missing)));
        }
        Ok(pact)
    }
    fn without(&self, signers: &[MemberId]) -> Vec<&Member> {
        let all = self.members.iter();
        all.filter(|member| !signers.contains(&member.id)).collect()
    }
    /// Takes the next version: one more than this, made for this one's text, signed by at least the threshold of
    /// **this** version's members, and by every member of its own that is new or has a new key.
    pub fn accept(&self, newer: &str) -> Result<Pact, PactError> {
        let next = unverified(newer)?;
        if next.version != self.version.saturating_add(1) {
            return Err(PactError::Version {
                ours: self.version,
                theirs: next.version,
            });
        }
        if next.network != self.network {
            return Err(PactError::OtherNetwork(next.network));
        }
        if next.previous != self.hash() {
            return Err(PactError::OtherPast(self.version));
        }
        former::follows(self, &next)?;
        let current = signers(newer, &self.members)?;
        if current.len() < self.threshold {
            return Err(PactError::Threshold {
                have: current.len(),
                need: self.threshold,
                version: self.version,
                missing: ids(&self.without(&current)),
            });
        }
        let coming: Vec<Member> = next
            .members
            .iter()
            .filter(|member| self.member(&member.id).map(|m| &m.key) != Some(&member.key))
            .cloned()
            .collect();
        let agreed = signers(newer, &coming)?;
        let missing: Vec<&Member> = coming
            .iter()
            .filter(|member| !agreed.contains(&member.id))
            .collect();
        if !missing.is_empty() {
            return Err(PactError::Newcomers(ids(&missing)));
        }
        Ok(next)
    }
    /// Takes several versions, oldest first, for a node that was away. Those it already has are passed over. The
    /// last one is in force; if any does not follow, none is taken.
    pub fn follow<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> Result<Pact, PactError> {
        let mut current = self.clone();
        for text in texts {
            let version = unverified(text)?.version;
            if version > current.version {
                current = current.accept(text)?;
            }
        }
        Ok(current)
    }
}

/// Signs a pact with one member's key. A pact that breaks its bounds is not signed.
pub fn sign(pact: &Pact, key: &SigningKey) -> Result<String, PactError> {
    valid::check(pact)?;
    Ok(note::sign(&pact.text(), &[key])?)
}

/// Adds a member's signature to a signed pact. The same key twice changes nothing. Whose key it is, is not asked here:
/// a key that is no member's adds a line that says nothing.
pub fn add_signature(signed: &str, key: &SigningKey) -> Result<String, PactError> {
    unverified(signed)?;
    Ok(note::add_signature(signed, key)?)
}

/// Why a pact is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PactError {
    /// It is no signed note, or a signature in it is forged.
    #[error("the pact's text is {0}; ask the sender for it again, byte for byte as it was signed")]
    Note(String),
    /// The text is not a pact.
    #[error("the pact's text cannot be read: {0}; write it with `tejido pact`")]
    Text(String),
    /// The text is a pact, but not in the one form that is signed.
    #[error(
        "the pact says the same as its one signed form, but in other bytes; write it with `tejido pact` and sign that"
    )]
    Form,
    /// Something in it breaks its bounds.
    #[error("{place}: {why}")]
    Invalid {
        /// Where: a field, or a member's field.
        place: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// Its Cedar policies do not hold.
    #[error("policies: {0}; correct the policy and sign the pact again")]
    Policies(String),
    /// No member of its own signed it.
    #[error("no member of the pact signed it; each member signs with `tejido pact sign`")]
    Unsigned,
    /// Offered as a first version, and is none.
    #[error("version {0} is no founding pact; a first version has number 1 and no previous one")]
    NotFirst(u64),
    /// Founders that did not sign.
    #[error("a founding pact needs all its members; still to sign: {0}")]
    Founders(String),
    /// Not the next version.
    #[error(
        "the pact offered has version {theirs}, ours is {ours}; the next one must be exactly one more, get those between first"
    )]
    Version {
        /// In force here.
        ours: u64,
        /// Offered.
        theirs: u64,
    },
    /// Another network's.
    #[error("the pact offered is of the network {0:?}, not of ours")]
    OtherNetwork(String),
    /// It follows another text than ours.
    #[error(
        "the pact offered follows another version {0} than ours; compare both texts with the other members before anything is signed"
    )]
    OtherPast(u64),
    /// Too few signatures.
    #[error(
        "{have} members of version {version} signed, {need} must; collect the missing signatures; not signed by: {missing}"
    )]
    Threshold {
        /// Signatures that count.
        have: usize,
        /// Signatures needed.
        need: usize,
        /// Whose members.
        version: u64,
        /// Members of it that did not sign.
        missing: String,
    },
    /// New members, or members with new keys, that did not sign.
    #[error("who joins, or changes its key, must sign with that key; still to sign: {0}")]
    Newcomers(String),
}

impl From<ledger::Error> for PactError {
    fn from(error: ledger::Error) -> Self {
        PactError::Note(error.to_string())
    }
}

/// Reads and checks the text of a note, without its signatures.
fn unverified(signed: &str) -> Result<Pact, PactError> {
    let text = note::unverified_text(signed)?;
    let pact = text::read(text)?;
    valid::check(&pact)?;
    if pact.text() != text {
        return Err(PactError::Form);
    }
    Ok(pact)
}

/// Who of these members signed. A line that claims a member's key and does not verify spoils all.
fn signers(signed: &str, members: &[Member]) -> Result<Vec<MemberId>, PactError> {
    let mut keys = Vec::new();
    for member in members {
        keys.push((&member.id, valid::key(member)?));
    }
    let known: Vec<VerifierKey> = keys.iter().map(|(_, key)| key.clone()).collect();
    let opened = match note::open(signed.as_bytes(), &known) {
        Ok(opened) => opened,
        Err(ledger::Error::NoKnownSigner) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    Ok(keys
        .iter()
        .filter(|(_, key)| opened.signed_by(key))
        .map(|(id, _)| (*id).clone())
        .collect())
}

fn ids(members: &[&Member]) -> String {
    let ids: Vec<&str> = members.iter().map(|member| member.id.0.as_str()).collect();
    ids.join(", ")
}

#[cfg(test)]
pub(crate) mod tests;
