//! The gate's two hands inside the archive: the log of acts, and what a resource is about.

use super::{InForce, Tag, rows};
use crate::{Pact, category, pact};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use mx::{Curp, systems};
use std::sync::Arc;
use store::{Labels, Rules, Witness, Witnessed};

/// The node's log as the archive's witness: the leaves of each group of commits, and the head over them signed once.
pub(crate) struct Leaves(pub(crate) ledger::Log);

impl Witness for Leaves {
    fn append(
        &mut self,
        leaves: &[[u8; 32]],
        _now: Timestamp,
        get: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Witnessed, String> {
        let appended = self.0.append(leaves, get).map_err(|e| e.to_string())?;
        Ok(Witnessed {
            first: appended.first,
            rows: appended.rows,
        })
    }
}

/// Categories by `category`, and the person behind a `Patient` by the tags of her CURPs.
pub(crate) struct About {
    pub(crate) secret: [u8; 32],
    /// The pact of the configuration.
    pub(crate) given: Arc<Pact>,
}

impl Rules for About {
    fn labels(&self, of: ResourceType, resource: &Value) -> Labels {
        category::labels(of, resource)
    }
    fn edition(&self) -> [u8; 8] {
        category::labelling()
    }
    /// Under the pact that will be in force, the configuration's or a newer one that the archive kept, this program's tables
    /// must be among those that the members agreed on. Where they are not, nothing has been labelled by them yet.
    fn fit(&self, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Result<(), String> {
        let kept = get(rows::PACT).map(|row| InForce::open(&String::from_utf8_lossy(&row)));
        let kept = kept.transpose().map_err(|refusal| refusal.en)?;
        let newer = kept.filter(|kept| kept.pact.version >= self.given.version);
        let pact = newer.map_or(self.given.clone(), |kept| kept.pact);
        pact::other_tables(&pact).map_or(Ok(()), |why| Err(why.en))
    }
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>> {
        if of.name() != "Patient" {
            return Vec::new();
        }
        curps(resource)
            .iter()
            .map(|curp| Tag::of_curp(&self.secret, curp.as_str()).0.to_vec())
            .collect()
    }
}

/// No `Patient` names more CURPs than this; what follows is not looked at.
const MAX_CURPS: usize = 8;

/// The CURPs of a `Patient`, in its order, each once. The generic value names nobody. One with a wrong check digit
/// counts as it is written: who asks with the same letters means the same person.
pub(crate) fn curps(patient: &Value) -> Vec<Curp> {
    let mut found: Vec<Curp> = Vec::new();
    for identifier in patient.list("identifier") {
        let system = identifier.text("system").unwrap_or_default();
        if !systems::is_curp(system) {
            continue;
        }
        let parsed = identifier
            .text("value")
            .map(normal)
            .map(|v| Curp::parse(&v));
        if let Some(Ok(curp)) = parsed
            && !curp.is_generic()
            && !found.contains(&curp)
            && found.len() < MAX_CURPS
        {
            found.push(curp);
        }
    }
    found
}

/// A CURP as it is compared: trimmed, upper case.
pub(crate) fn normal(curp: &str) -> String {
    curp.trim().to_uppercase()
}
