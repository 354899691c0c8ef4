//! Comparing this house's people with another member's, by tokens that name nobody: what the gate allows of it, counts and
//! keeps. The tokens are made above (`exchange`, `identity::keyed`).
//!
//! - *Who*: two members under a pact that has terms for it ([`crate::Linkage`]). A run is counted by both, durably, before
//!   anything made of a registration leaves the house. Whoever closed herself to the other member is left off, as she is in a
//!   look-up by its clerks.
//! - *Acts*: that they were compared is an act that everybody on the list reads; that she resembles somebody there another.
//! - *What comes of it*: a row for each person here who resembles somebody there, for whoever looks after the register
//!   ([`super::settled`]). By itself it opens nothing and links nobody: the other member may have told anything. A row that
//!   somebody here or there decided about stays as it is; the rest is replaced by each run.
//!
//! Cost: reads every `Patient` once; a row and a place in a list for each person.

use super::accounts::json;
use super::acts::{Deed, damaged};
use super::judge::Opens;
use super::links::{none_such, step};
use super::person::Target;
use super::{Gate, PersonRef, Purpose, Refusal, RefusalKind, Request, Tag, What, hex, rows};
use crate::act::{Doer, moment};
use crate::registry::{Decision, Likeness, RegistryDone, RegistryStep};
use crate::{ActKind, Actor, Lang, Linkage, MemberId, Role};
use fhir::{ResourceType, Value};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use store::{LeftOut, PersonKey};

/// Rows and people of one commit.
const CHUNK: usize = 5_000;
/// People in one act's lists, and acts of one commit.
const IN_ONE_ACT: usize = 10_000;
const ACTS: usize = 250;

/// A person of this house as she is compared: all of her registrations.
#[derive(Debug)]
pub struct Mine {
    /// Their numbers in the archive.
    keys: Vec<PersonKey>,
    /// What they say.
    pub patients: Vec<Value>,
}

/// Somebody here resembles somebody of another member's.
#[derive(Clone, Debug, PartialEq)]
pub struct Met {
    /// Which of the people that were compared.
    pub person: usize,
    /// Probability that they are one, 0 to 1.
    pub probability: f64,
    /// Codes of the parts that agree ([`crate::pact::LINKAGE_PARTS`]).
    pub agreed: Vec<String>,
    /// What both members call this pair, and nobody else knows.
    pub handle: [u8; 32],
}

/// The same as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alike {
    pub(super) at: Timestamp,
    pub(super) per_mille: u16,
    pub(super) agreed: Vec<String>,
    /// What both members call the pair, hex.
    pub(super) handle: String,
    /// Whether they are of one person, as somebody here said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) said: Option<Said>,
    /// The same as somebody there said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) theirs: Option<bool>,
    /// The tag under which the registration here is found since both said so; it carries no CURP itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tag: Option<Tag>,
    /// The other member was told the tag of the CURP that the registration here carries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) told: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) one: bool,
    #[serde(flatten)]
    pub(super) by: Decision,
}

impl Alike {
    /// Whether nobody here or there decided about it.
    fn is_open(&self) -> bool {
        self.said.is_none() && self.theirs.is_none()
    }
}

/// When runs began, and the row that they were read from.
type Counted = (Vec<Timestamp>, Option<Vec<u8>>);

impl Gate {
    /// The pact's terms for comparing registers with a member, if it may be done now.
    ///
    /// Refused where the pact has none, for what is no other member that registers people, and when the runs of the pact's
    /// period are used up.
    pub fn may_compare(&self, other: &MemberId, now: Timestamp) -> Result<Linkage, Refusal> {
        let in_force = self.in_force();
        let keeps = in_force.pact.keepers().any(|member| member.id == *other);
        if !keeps || *other == self.house.member {
            return Err(Refusal::bad(
                format!("{other} no es otra institución del pacto que registre personas."),
                format!("{other} is no other member of the pact that registers people."),
            ));
        }
        let terms = in_force.pact.linkage.clone().ok_or_else(|| Refusal {
            es: "El pacto no prevé que las instituciones comparen sus registros.".to_owned(),
            en: "The pact has no terms for members to compare their registers.".to_owned(),
            ..Refusal::new(RefusalKind::Pact, vec!["linkage".to_owned()])
        })?;
        self.counted(&terms, other, now)?;
        Ok(terms)
    }

    /// The runs with a member that count now, and the row that says so. Refused when there are as many as may be.
    fn counted(
        &self,
        terms: &Linkage,
        other: &MemberId,
        now: Timestamp,
    ) -> Result<Counted, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::runs_with(other))?;
        let read = |row: &[u8]| serde_json::from_slice(row).map_err(damaged);
        let mut runs: Vec<Timestamp> = row.as_deref().map(read).transpose()?.unwrap_or_default();
        let days = i64::try_from(terms.days).unwrap_or(i64::MAX);
        let period = SignedDuration::from_hours(days.saturating_mul(24));
        runs.retain(|run| now.duration_since(*run) < period);
        if runs.len() as u64 >= terms.runs {
            let first = runs.iter().min().copied().unwrap_or(now);
            let again = first.checked_add(period).unwrap_or(Timestamp::MAX);
            return Err(used_up(terms, other, again));
        }
        Ok((runs, row))
    }

    /// The people of this house as they may be compared with another member's: who closed herself to that member is not
    /// among them. Reading them is an act of the house. Blocks.
    ///
    /// Refused as [`Gate::may_compare`], and when there are more people than the pact lets a member bring.
    pub fn people_to_compare(
        &self,
        other: &MemberId,
        now: Timestamp,
    ) -> Result<Vec<Mine>, Refusal> {
        let terms = self.may_compare(other, now)?;
        let of = ResourceType::from_name("Patient").ok_or_else(none_such)?;
        let left_out =
            self.everyone(&asks_from(other), Opens::Identity, LeftOut::default(), now)?;
        let limits = fhir::json::Limits::default();
        let mut people: BTreeMap<PersonKey, Mine> = BTreeMap::new();
        self.each_patient(left_out, now, &mut |version| {
            let key = self
                .house
                .store
                .person_of(&self.house.seal, of, &version.id)?;
            let (Some(key), Ok(patient)) = (key, fhir::json::parse(&version.body, &limits)) else {
                return Ok(());
            };
            let hers = match self.resolve(&PersonRef::Patient(version.id.clone()))? {
                Target::Person(person) => person.keys,
                _ => Vec::new(),
            };
            let first = hers.into_iter().min().unwrap_or(key);
            let mine = people.entry(first).or_insert_with(|| Mine {
                keys: Vec::new(),
                patients: Vec::new(),
            });
            mine.keys.push(key);
            mine.patients.push(patient);
            Ok(())
        })?;
        if people.len() as u64 > terms.people {
            let (are, may) = (people.len(), terms.people);
            return Err(Refusal::bad(
                format!("Aquí hay {are} personas, y el pacto deja comparar {may} a lo más."),
                format!(
                    "There are {are} people here, and the pact lets {may} be compared at most."
                ),
            ));
        }
        Ok(people.into_values().collect())
    }

    /// A run with another member begins: it is counted, and everybody who is compared reads of it. After this has returned, and
    /// not before, may anything leave the house that is made of a registration.
    ///
    /// Refused when the runs of the pact's period are used up.
    pub fn begin_linkage(
        &self,
        other: &MemberId,
        people: &[Mine],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let terms = self.may_compare(other, now)?;
        let (mut runs, before) = self.counted(&terms, other, now)?;
        let key = rows::runs_with(other);
        runs.push(now);
        let compared = |of: &[PersonKey]| self.between(RegistryDone::Compared, other, of);
        let keys: Vec<PersonKey> = people.iter().flat_map(|one| one.keys.clone()).collect();
        if keys.len() > ACTS * IN_ONE_ACT {
            return Err(Refusal::bad(
                "Son demasiados registros para compararlos de una vez.",
                "These are too many registrations to be compared at once.",
            ));
        }
        let mut chunks = keys.chunks(IN_ONE_ACT);
        let first = compared(chunks.next().unwrap_or_default());
        let act = self.blank()?.fill_all(first, chunks.map(compared), now);
        let changes = vec![(key.clone(), Some(json(&runs)))];
        Ok(self.keep_rows(changes, vec![(key, before)], Some(act), now)?)
    }

    /// A run with another member has ended: who of the people that were compared resembles somebody there. Those whom both find
    /// by one CURP already are left out. Gives how many are kept.
    pub fn end_linkage(
        &self,
        other: &MemberId,
        people: &[Mine],
        met: &[Met],
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let mut before: HashMap<PersonKey, Alike> = HashMap::new();
        self.each_alike(&mut |key, with, alike| {
            if with == *other {
                before.insert(key, alike);
            }
        })?;
        let mut found: Vec<(&Mine, PersonKey, Alike)> = Vec::new();
        for one in met
            .iter()
            .filter(|one| !one.agreed.iter().any(|part| part == "curp"))
        {
            let mine = people.get(one.person);
            let Some((mine, key)) = mine.and_then(|mine| Some((mine, *mine.keys.first()?))) else {
                continue;
            };
            // Somebody may have been erased meanwhile.
            let here = self.house.store.named(&self.house.seal, key)?.is_some();
            if !here || before.get(&key).is_some_and(|before| !before.is_open()) {
                continue;
            }
            before.remove(&key);
            let alike = Alike {
                at: now,
                per_mille: per_mille(one.probability),
                agreed: one.agreed.clone(),
                handle: hex(&one.handle),
                said: None,
                theirs: None,
                tag: None,
                told: false,
            };
            found.push((mine, key, alike));
        }
        let open = before.iter().filter(|(_, alike)| alike.is_open());
        let gone: Vec<PersonKey> = open.map(|(key, _)| *key).collect();
        for chunk in gone.chunks(CHUNK) {
            let changes = chunk.iter().map(|key| (rows::alike(*key, other), None));
            self.keep(changes.collect(), Vec::new(), None, now)?;
        }
        for chunk in found.chunks(CHUNK) {
            let changes = chunk
                .iter()
                .map(|(_, key, alike)| (rows::alike(*key, other), Some(json(alike))));
            let keys: Vec<PersonKey> = chunk
                .iter()
                .flat_map(|(mine, _, _)| mine.keys.clone())
                .collect();
            let deed = self.between(RegistryDone::Resembled, other, &keys);
            self.keep(changes.collect(), Vec::new(), Some(deed), now)?;
        }
        Ok(found.len() as u64)
    }

    /// What the two houses do with each other about people here.
    pub(super) fn between(
        &self,
        done: RegistryDone,
        other: &MemberId,
        locals: &[PersonKey],
    ) -> Deed<'static> {
        Deed {
            what: What::Registry(RegistryStep {
                with: Some(other.clone()),
                ..step(done, &Likeness::default())
            }),
            locals: locals.to_vec(),
            ..Deed::by(
                ActKind::Registry,
                Doer::house(&self.house.member),
                Purpose::Operations,
            )
        }
    }
}

/// As a clerk of the other member would ask, who looks somebody up.
fn asks_from(other: &MemberId) -> Request {
    Request {
        actor: Actor {
            id: "node".to_owned(),
            name: String::new(),
            member: other.clone(),
            role: Role::Clerk,
            licence: None,
            curp: None,
            helper: None,
            delegator: None,
        },
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: store::Verbs::default(),
        types: None,
        evidence: Vec::new(),
        via: Some(other.clone()),
        word: None,
        what: What::Find,
    }
}

fn per_mille(probability: f64) -> u16 {
    // Between 0 and 1,000 by construction.
    (probability.clamp(0.0, 1.0) * 1_000.0).round() as u16
}

fn used_up(terms: &Linkage, other: &MemberId, again: Timestamp) -> Refusal {
    let (runs, days) = (terms.runs, terms.days);
    let (es, en) = (moment(again, Lang::Es), moment(again, Lang::En));
    Refusal {
        es: format!(
            "El pacto deja comparar los registros con {other} {runs} veces en {days} días, y ya se hizo. Se puede de nuevo el {es}."
        ),
        en: format!(
            "The pact lets registers be compared with {other} {runs} times in {days} days, and that has been done. It can be done again on {en}."
        ),
        ..Refusal::new(RefusalKind::Pact, vec!["linkage-runs".to_owned()])
    }
}
