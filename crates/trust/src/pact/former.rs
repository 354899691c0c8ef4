//! Keys that a member had before, and until when what they signed counts.

use super::valid::{self, invalid};
use super::{Member, Pact, PactError};
use jiff::Timestamp;
use ledger::note::VerifierKey;
use serde::{Deserialize, Serialize};

/// A key that a member has laid down. What it signed up to then stays good: words, evidence, heads of its log. A key that
/// was stolen is left out instead, and nothing counts that it ever signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerKey {
    /// As [`Member::key`].
    pub key: String,
    /// What it signed later does not count.
    pub until: Timestamp,
}

/// Former keys a member may have.
const MAX_FORMER: usize = 16;

impl FormerKey {
    pub(super) fn verifier(&self, of: &Member) -> Result<VerifierKey, PactError> {
        valid::verifier(&self.key, &format!("member {}: former key", of.id))
    }
}

impl Member {
    /// The keys under which something that it dated so counts: its key, and those that it had laid down later than that.
    pub fn keys_at(&self, dated: Timestamp) -> impl Iterator<Item = VerifierKey> {
        let former = self
            .former
            .iter()
            .filter(move |former| dated <= former.until);
        let keys = std::iter::once(&self.key).chain(former.map(|former| &former.key));
        keys.filter_map(|key| key.parse().ok())
    }
}

/// A former key is a key, has the name of the present one (the name of the member's log), and stands once.
pub(super) fn check(member: &Member) -> Result<(), PactError> {
    let place = format!("member {}: former key", member.id);
    if member.former.len() > MAX_FORMER {
        return Err(invalid(&place, "more than 16; leave out the oldest"));
    }
    let present = valid::key(member)?;
    let mut seen = vec![present.clone()];
    for former in &member.former {
        let key = former.verifier(member)?;
        if key.name() != present.name() {
            return Err(invalid(
                &place,
                "it has another name than the present key; a log keeps its name, make the new key with `tejido pact rekey`",
            ));
        }
        if seen.iter().any(|other| other.public() == key.public()) {
            return Err(invalid(&place, "it stands twice, or is the present key"));
        }
        seen.push(key);
    }
    Ok(())
}

/// A next version may name as former only what a member had: its key until now, or what was former already and not for
/// longer. It may drop any of them.
pub(super) fn follows(old: &Pact, new: &Pact) -> Result<(), PactError> {
    for member in &new.members {
        let before = old.member(&member.id);
        for former in &member.former {
            let had = before.is_some_and(|before| {
                before.key == former.key
                    || before
                        .former
                        .iter()
                        .any(|known| known.key == former.key && former.until <= known.until)
            });
            if !had {
                return Err(invalid(
                    &format!("member {}: former key", member.id),
                    "the version before does not have it as this member's key, or not until then",
                ));
            }
        }
    }
    Ok(())
}

/// A first version has no keys of before.
pub(super) fn none(pact: &Pact) -> Result<(), PactError> {
    match pact.members.iter().find(|member| !member.former.is_empty()) {
        None => Ok(()),
        Some(member) => Err(invalid(
            &format!("member {}: former key", member.id),
            "a founding pact has none",
        )),
    }
}
