//! What is read of links: how a person's registrations are hers, what was decided and what she disputes, two registrations
//! side by side, and what a stored `Patient` says of itself.

use super::links::{none_such, step};
use super::{Gate, Grant, Purpose, Refusal};
use crate::registry::{
    Decision, Disputed, Hers, Likeness, Registration, RegistryDone, RegistryStep,
};
use crate::{Actor, Role, gate::Request};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use store::{PersonKey, Verb, Verbs, Version};

impl Gate {
    /// The registrations of a person here, each with how it is hers, under a grant that opens who she is.
    pub fn registrations(&self, grant: &Grant) -> Result<Vec<Registration>, Refusal> {
        let house = &self.house;
        let store::Scope::Person { keys, .. } = grant.permit.scope() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for key in keys {
            let Some((id, _)) = house.store.named(&house.seal, *key)? else {
                continue;
            };
            let linked = house.links.known().group.get(key).cloned();
            let carries = grant.tag.is_some_and(|tag| {
                let tags = self.tags_of(*key);
                tags.is_ok_and(|tags| tags.contains(&tag))
            });
            let how = match (linked, self.joined_elsewhere(&id, *key)) {
                (_, Some(joined)) => joined,
                (Some(linked), None) if !carries => Hers::Linked(linked.decision),
                _ => Hers::Curp,
            };
            all.push(Registration { id, how });
        }
        Ok(all)
    }

    /// Whether two registrations were decided about: that they are of one person, or of two.
    pub fn is_decided(&self, one: &str, other: &str) -> bool {
        let Ok(two) = self.two(one, other) else {
            return true;
        };
        two.hers.contains(&two.other) || self.are_apart(&two)
    }

    /// What people said not to be theirs and nobody who looks after the register has looked at since, the newest first.
    pub fn disputed(&self) -> Result<Vec<Disputed>, Refusal> {
        let house = &self.house;
        let hers: Vec<((PersonKey, PersonKey), Decision)> = {
            let known = house.links.known();
            let all = known
                .apart
                .iter()
                .filter(|(_, one)| one.role == Role::Patient);
            all.map(|(pair, one)| (*pair, one.clone())).collect()
        };
        let mut all = Vec::new();
        for ((one, other), decision) in hers {
            let name = |key| house.store.named(&house.seal, key);
            if let (Some((one, _)), Some((other, _))) = (name(one)?, name(other)?) {
                all.push(Disputed {
                    names: [one, other],
                    decision,
                });
            }
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.decision.at));
        Ok(all)
    }

    /// Whether two registrations (ids of `Patient`) are of one person, as far as this house decided.
    pub fn are_one(&self, one: &str, other: &str) -> bool {
        one == other
            || self
                .two(one, other)
                .is_ok_and(|two| two.hers.contains(&two.other))
    }

    /// Takes up what a stored `Patient` says of itself: that another replaces it (IHE ITI-104). Whoever may not link says
    /// it in the resource alone; what was decided before stays.
    pub(crate) fn replaced(&self, grant: &Grant, version: &Version, now: Timestamp) {
        let limits = fhir::json::Limits::default();
        let Ok(patient) = fhir::json::parse(&version.body, &limits) else {
            return;
        };
        if grant.request.purpose != Purpose::Operations {
            return;
        }
        let links = patient.list("link").iter();
        let by = links.filter(|link| link.text("type") == Some("replaced-by"));
        for link in by {
            let name = link.text("other.reference").unwrap_or_default();
            let Some(other) = name.strip_prefix("Patient/") else {
                continue;
            };
            if self.is_decided(&version.id, other) {
                continue;
            }
            let pair = (version.id.as_str(), other);
            if let Err(refusal) = self.link(&grant.request.actor, pair, Likeness::default(), now) {
                tracing::warn!(because = %refusal.en, "a Patient says that another replaces it");
            }
        }
    }

    /// Two registrations side by side, for somebody who looks after the register; `None` for one that its person closed.
    /// To look is an act, which both people read.
    pub fn side_by_side(
        &self,
        by: &Actor,
        (one, other): (&str, &str),
        now: Timestamp,
    ) -> Result<[Option<Value>; 2], Refusal> {
        let looked = step(RegistryDone::Looked, &Likeness::default());
        Ok([
            self.look_at(by, one, looked.clone(), now)?,
            self.look_at(by, other, looked, now)?,
        ])
    }

    /// What a registration says, for somebody who looks after the register; `None` where its person closed it.
    pub(super) fn look_at(
        &self,
        by: &Actor,
        id: &str,
        looked: RegistryStep,
        now: Timestamp,
    ) -> Result<Option<Value>, Refusal> {
        let of = ResourceType::from_name("Patient").ok_or_else(none_such)?;
        let request = Request {
            verbs: Verbs::only(Verb::Read),
            types: Some(vec![of]),
            ..self.registry_request(by, id, looked)
        };
        let grant = self.decide(request, now)?;
        let held = self.house.store.read(&grant.permit, of, id)?;
        let (version, _) = self.open_answer(&grant, held, now)?;
        let body = version.filter(|version| !version.deleted);
        let limits = fhir::json::Limits::default();
        Ok(body.and_then(|version| fhir::json::parse(&version.body, &limits).ok()))
    }
}
