//! For what the members agreed to open records, and on what evidence.

use super::valid::invalid;
use super::{Pact, PactError};
use crate::{EvidenceKind, Purpose};
use serde::{Deserialize, Serialize};

/// A purpose that the members agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// For what.
    pub purpose: Purpose,
    /// One of these shows that a record may be opened or changed for it; none is needed where the list is empty.
    pub evidence: Vec<EvidenceKind>,
}

/// The purposes that a new pact starts from: care on evidence of it, the person herself, those who act for her, the institution's own
/// running of what it holds, emergencies that are declared, and what two officers
/// release on the order of an authority. Research and payment are not agreed on.
pub fn usual() -> Vec<Agreed> {
    use EvidenceKind::{
        Admission, Appointment, CheckIn, Emergency, EmergencyConfirmed, Order, OwnAccess,
        PatientCode, Referral, Representation,
    };
    let agreed = |purpose, evidence: &[EvidenceKind]| Agreed {
        purpose,
        evidence: evidence.to_vec(),
    };
    vec![
        agreed(
            Purpose::Treatment,
            &[CheckIn, Appointment, PatientCode, Admission, Referral],
        ),
        agreed(Purpose::OwnRequest, &[OwnAccess]),
        agreed(Purpose::Family, &[Representation]),
        agreed(Purpose::Operations, &[]),
        agreed(Purpose::Emergency, &[Emergency, EmergencyConfirmed]),
        agreed(Purpose::State, &[Order]),
    ]
}

/// What no pact opens a record for, and no consent lifts: who wants insurance or work is not free to refuse the asker.
pub const NEVER: [Purpose; 2] = [Purpose::Underwriting, Purpose::Employment];

/// Each purpose once, and each kind of evidence once in it; [`NEVER`] among what is never opened, and nothing of that
/// agreed on.
pub(super) fn check(purposes: &[Agreed], never: &[Purpose]) -> Result<(), PactError> {
    for (place, purpose) in never.iter().enumerate() {
        if never.iter().take(place).any(|other| other == purpose) {
            return Err(invalid("never", "a purpose stands twice"));
        }
    }
    if !never.is_empty() && !NEVER.iter().all(|purpose| never.contains(purpose)) {
        return Err(invalid(
            "never",
            "UNDERWRITING and EMPLOYMENT cannot be left out of it",
        ));
    }
    let forbidden = |purpose| never.contains(purpose) || NEVER.contains(purpose);
    if purposes.iter().any(|agreed| forbidden(&agreed.purpose)) {
        return Err(invalid(
            "purposes",
            "what is never opened cannot be agreed on",
        ));
    }
    for (place, agreed) in purposes.iter().enumerate() {
        let at = format!("purpose {}", agreed.purpose.code());
        if purposes
            .iter()
            .take(place)
            .any(|other| other.purpose == agreed.purpose)
        {
            return Err(invalid(&at, "it stands twice; say all its evidence in one"));
        }
        for (place, kind) in agreed.evidence.iter().enumerate() {
            if agreed
                .evidence
                .iter()
                .take(place)
                .any(|other| other == kind)
            {
                return Err(invalid(&at, "it names a kind of evidence twice"));
            }
        }
    }
    Ok(())
}

/// Who names an admission or a referral as evidence says how long they hold.
pub(super) fn check_terms(pact: &Pact) -> Result<(), PactError> {
    let timed = [EvidenceKind::Admission, EvidenceKind::Referral];
    let named = |agreed: &&Agreed| agreed.evidence.iter().any(|kind| timed.contains(kind));
    match pact.purposes.iter().find(named) {
        Some(agreed) if pact.care.is_none() => Err(invalid(
            &format!("purpose {}", agreed.purpose.code()),
            "it names an admission or a referral, and the pact does not say how long they hold ([care]: admission_days, referral_days)",
        )),
        _ => Ok(()),
    }
}
