//! What a Consent of hers names, as this network knows it.

use super::super::id_of;
use fhir::{ResourceType, Value};
use trust::{MemberId, Names, Pact, Purpose, Who, word};

/// The network by its pact, from one node of it.
pub(super) struct Known<'a> {
    pub(super) pact: &'a Pact,
    pub(super) here: MemberId,
}

impl Names for Known<'_> {
    /// People and institutions are named by identifiers of ours alone: resources of a node say nothing of who signs in.
    fn who(&self, _: &Value) -> Option<Vec<Who>> {
        None
    }
    fn purpose(&self, _: &str, _: &str) -> Option<Purpose> {
        None
    }
    fn is_member(&self, member: &MemberId) -> bool {
        self.pact.member(member).is_some()
    }
    fn kept(&self, reference: &str) -> Option<String> {
        if let (Some(member), name) = word::kept_at(reference) {
            let member = MemberId(member.to_owned());
            return (self.is_member(&member) && is_name(name)).then(|| reference.to_owned());
        }
        if is_name(reference) {
            return Some(word::kept_name(&self.here, reference));
        }
        self.pact.members.iter().find_map(|member| {
            let base = format!("{}/fhir/", member.public.trim_end_matches('/'));
            let name = reference.strip_prefix(&base)?;
            is_name(name).then(|| word::kept_name(&member.id, name))
        })
    }
}

/// `Observation/17`.
fn is_name(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(of, id)| ResourceType::from_name(of).is_some() && id_of(id).is_ok())
}
