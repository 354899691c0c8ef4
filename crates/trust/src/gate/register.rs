//! What this gate tells whoever keeps the register of people above it: every `Patient` that is stored, changed or gone.
//!
//! It is the house's own index, as those of the archive are: it is told, never asked for an answer, and what it finds is
//! opened under a grant like everything else. That it was read through once at the start is an act of the house; changes
//! are told after their commit.

use super::acts::Deed;
use super::decide::LeftOutOf;
use super::{Gate, Purpose, Refusal, RefusalKind, What, random};
use crate::ActKind;
use crate::act::Doer;
use fhir::query::{self, Handling};
use fhir::search::Catalog;
use fhir::{ResourceType, Value, json};
use jiff::Timestamp;
use std::sync::Arc;
use store::{HiddenOf, LeftOut, Scope, Terms, Verb, Verbs, Version};

/// A `Patient` of this node as it is now.
#[derive(Debug)]
pub struct Registered<'a> {
    /// Its id.
    pub id: &'a str,
    /// The version that this is; tellings may come in any order.
    pub version: u64,
    /// What it says; `None` when it is gone.
    pub patient: Option<&'a Value>,
}

/// Hears of registrations, and names those that a confirmed number says to be of the same person. Called on the thread that
/// wrote; it must not call the gate.
pub type Registrar = Box<dyn Fn(Registered<'_>) -> Vec<String> + Send + Sync>;

/// Registrations read at once.
const PAGE: &str = "500";

impl Gate {
    /// Names who keeps the register, and tells it every registration that is here; from now on it hears of each change. A
    /// second one is not taken. Gives how many registrations there are; where that fails,
    /// [`fill_register`](Gate::fill_register) goes through them again.
    pub fn keep_register(&self, registrar: Registrar, now: Timestamp) -> Result<u64, Refusal> {
        if self.house.registrar.set(registrar).is_err() {
            return Err(Refusal::bad(
                "Este nodo ya lleva su registro.",
                "This node keeps its register already.",
            ));
        }
        self.fill_register(now)
    }

    /// Tells who keeps the register of every registration that is here; gives how many. Cost: reads every `Patient` once.
    pub fn fill_register(&self, now: Timestamp) -> Result<u64, Refusal> {
        let all: HiddenOf = Arc::new(|_| LeftOut::default());
        let mut told = 0;
        self.each_patient((all, None), now, &mut |version| {
            self.tell(version);
            told += 1;
            Ok(())
        })?;
        Ok(told)
    }

    /// Reads every `Patient` of whom not everything is left out, for the house itself, which is an act of its own. Blocks.
    pub(super) fn each_patient(
        &self,
        (left_out, residual): LeftOutOf,
        now: Timestamp,
        visit: &mut dyn FnMut(&Version) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let house = &self.house;
        let patient = ResourceType::from_name("Patient")
            .ok_or_else(|| Refusal::new(RefusalKind::Unavailable, Vec::new()))?;
        let count = [("_count".to_owned(), PAGE.to_owned())];
        let query = query::parse(&Catalog::r4(), patient, &count, Handling::Strict)
            .map_err(|_| Refusal::new(RefusalKind::Unavailable, Vec::new()))?;
        let permit = house.seal.permit(Terms {
            id: random()?,
            scope: Scope::People(left_out),
            verbs: Verbs::only(Verb::Search).and(Verb::Read),
            types: Some(vec![patient]),
            residual,
        });
        let doer = Doer::house(&house.member);
        let deed = Deed {
            what: What::Interaction("GET Patient".to_owned()),
            ..Deed::by(ActKind::Read, doer, Purpose::Operations)
        };
        let act = self.blank()?.fill(deed, now);
        let receipt = house.store.conclude(&permit, act, now)?;
        let mut next: Option<String> = None;
        loop {
            let held = house.store.search(&permit, &query, next.as_ref())?;
            let page = held
                .open(&receipt)
                .ok_or_else(|| Refusal::new(RefusalKind::Unavailable, Vec::new()))?;
            page.matches.iter().try_for_each(&mut *visit)?;
            match page.next {
                Some(more) => next = Some(more),
                None => return Ok(()),
            }
        }
    }

    /// Tells of versions that were just committed, and takes up what confirmed numbers say, and what a resource says of
    /// itself that was written by somebody who may link.
    pub(crate) fn registered(&self, versions: &[&Version], now: Timestamp) {
        for version in versions {
            for other in self.tell(version) {
                if let Err(refusal) = self.link_by_number(&version.id, &other, now) {
                    tracing::warn!(because = %refusal.en, "a confirmed number could not link");
                }
            }
        }
    }

    /// Tells that a registration was erased.
    pub(crate) fn unregistered(&self, id: &str) {
        if let Some(registrar) = self.house.registrar.get() {
            registrar(Registered {
                id,
                version: u64::MAX,
                patient: None,
            });
        }
    }

    fn tell(&self, version: &Version) -> Vec<String> {
        let Some(registrar) = self.house.registrar.get() else {
            return Vec::new();
        };
        let limits = json::Limits::default();
        let patient = match version.deleted {
            true => None,
            false => json::parse(&version.body, &limits).ok(),
        };
        registrar(Registered {
            id: &version.id,
            version: version.version,
            patient: patient.as_ref(),
        })
    }
}

/// The CURPs of a `Patient` that their issuer confirmed.
pub(super) fn confirmed_curps(patient: &Value) -> Vec<String> {
    let confirmed = |identifier: &&Value| {
        let states = identifier
            .list("extension")
            .iter()
            .filter(|extension| extension.text("url") == Some(mx::systems::EXT_IDENTIFIER_STATE));
        let mut codes = states.filter_map(|extension| extension.text("valueCode"));
        mx::systems::is_curp(identifier.text("system").unwrap_or_default())
            && codes.any(|code| code == "confirmed")
    };
    let identifiers = patient.list("identifier").iter().filter(confirmed);
    identifiers
        .filter_map(|identifier| identifier.text("value"))
        .map(super::witness::normal)
        .collect()
}
