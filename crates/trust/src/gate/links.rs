//! Links: which registrations of this house are of one person, and which are not, as it was decided.
//!
//! Registrations that carry one CURP are of one person without a link ([`super::person`]). What is kept here is the rest:
//! - *groups*: registrations that somebody, or a confirmed number, said to be of one person. A group is a set, not a chain:
//!   taking one out leaves the others together.
//! - *apart*: pairs that somebody said to be of two people. No number joins them again; a person who looks at them may.
//! - *disowned*: a CURP that stands on a registration and is not its person's.
//!
//! Two registrations with different confirmed CURPs are never of one person, whoever says so. Each decision is a commit with
//! its act, which both people read. Cost: all links are at hand, some hundred bytes each.

use super::accounts::json;
use super::acts::{Deed, Rows};
use super::linkage::Alike;
use super::person::Target;
use super::register::confirmed_curps;
use super::{Gate, Grant, Grounds, PersonRef, Purpose, Refusal, Request, Tag, What, rows};
use crate::act::Doer;
use crate::registry::{Decision, Disowned, Likeness, RegistryDone, RegistryStep};
use crate::{ActKind, Actor, MemberId, Role};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError, RwLock};
use store::{PersonKey, Verbs};

/// Registrations of one group at most: beyond, somebody should look at what goes on.
const MOST: usize = 64;

/// All links, at hand.
#[derive(Default)]
pub(crate) struct Links {
    known: RwLock<Known>,
    /// One decision is made at a time.
    pub(super) deciding: Mutex<()>,
}

#[derive(Default)]
pub(super) struct Known {
    /// The group of a registration.
    pub(super) group: HashMap<PersonKey, Linked>,
    members: HashMap<u64, Vec<PersonKey>>,
    pub(super) apart: BTreeMap<(PersonKey, PersonKey), Decision>,
    disowned: HashMap<PersonKey, Vec<Disowned>>,
    /// Registrations that are found under a CURP that another member told, since both said that they are of one person.
    joined: HashMap<PersonKey, Vec<(MemberId, Tag)>>,
    carriers: HashMap<Tag, Vec<PersonKey>>,
}

/// A registration in a group.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Linked {
    group: u64,
    #[serde(flatten)]
    pub(super) decision: Decision,
}

impl Links {
    /// Adds the registrations that are linked with these.
    pub(crate) fn add_to(&self, keys: &mut Vec<PersonKey>) {
        let known = self.known();
        if known.group.is_empty() {
            return;
        }
        for at in 0..keys.len() {
            let group = keys.get(at).and_then(|key| known.group.get(key));
            let members = group.and_then(|linked| known.members.get(&linked.group));
            for member in members.into_iter().flatten() {
                if !keys.contains(member) {
                    keys.push(*member);
                }
            }
        }
    }
    /// Whether a tag that stands on a registration is not its person's.
    pub(crate) fn is_disowned(&self, key: PersonKey, tag: Tag) -> bool {
        let known = self.known();
        let of = known.disowned.get(&key);
        of.is_some_and(|all| all.iter().any(|one| one.tag == tag))
    }
    pub(super) fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// Tags of CURPs under which a registration is found besides those that it carries.
    pub(crate) fn joined(&self, key: PersonKey) -> Vec<Tag> {
        let known = self.known();
        let joined = known.joined.get(&key).into_iter().flatten();
        joined.map(|(_, tag)| *tag).collect()
    }
    /// The registrations that are found under a tag since two members said so.
    pub(crate) fn carriers(&self, tag: Tag) -> Vec<PersonKey> {
        let known = self.known();
        known.carriers.get(&tag).cloned().unwrap_or_default()
    }
    pub(super) fn take(&self, changes: &[(Vec<u8>, Option<Vec<u8>>)]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        changes
            .iter()
            .for_each(|(key, value)| known.take(key, value.as_deref()));
    }
}

impl Known {
    /// The members with whom a registration was joined.
    pub(super) fn joined_with(&self, key: PersonKey) -> Vec<MemberId> {
        let joined = self.joined.get(&key).into_iter().flatten();
        joined.map(|(with, _)| with.clone()).collect()
    }
    /// Takes up a row, or that it is gone.
    fn take(&mut self, key: &[u8], value: Option<&[u8]>) {
        if let Some(person) = rows::linked_of(key) {
            if let Some(before) = self.group.remove(&person)
                && let Some(members) = self.members.get_mut(&before.group)
            {
                members.retain(|member| *member != person);
            }
            if let Some(linked) = read::<Linked>(value) {
                self.members.entry(linked.group).or_default().push(person);
                self.group.insert(person, linked);
            }
        } else if let Some(pair) = rows::apart_of(key) {
            match read(value) {
                Some(decision) => drop(self.apart.insert(pair, decision)),
                None => drop(self.apart.remove(&pair)),
            }
        } else if let Some((person, tag)) = rows::disowned_of(key) {
            let all = self.disowned.entry(person).or_default();
            all.retain(|one| one.tag != tag);
            all.extend(read::<Disowned>(value));
        } else if let Some((person, with)) = rows::alike_at(key) {
            let mut all = self.joined.remove(&person).unwrap_or_default();
            if let Some(at) = all.iter().position(|(member, _)| *member == with) {
                let (_, tag) = all.remove(at);
                if let Some(carriers) = self.carriers.get_mut(&tag) {
                    carriers.retain(|carrier| *carrier != person);
                }
            }
            if let Some(tag) = read::<Alike>(value).and_then(|alike| alike.tag) {
                self.carriers.entry(tag).or_default().push(person);
                all.push((with, tag));
            }
            if !all.is_empty() {
                self.joined.insert(person, all);
            }
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(value: Option<&[u8]>) -> Option<T> {
    value.and_then(|value| serde_json::from_slice(value).ok())
}

/// Two registrations of this house, and the people that they are of now.
pub(super) struct Two {
    one: PersonKey,
    pub(super) other: PersonKey,
    pub(super) hers: Vec<PersonKey>,
    others: Vec<PersonKey>,
}

impl Gate {
    /// Somebody who looks after the register says that two registrations (ids of `Patient`) are of one person. Nothing
    /// happens if they are so already.
    ///
    /// Refused, as an act, to whoever the pact does not allow it; refused where confirmed CURPs differ.
    pub fn link(
        &self,
        by: &Actor,
        (one, other): (&str, &str),
        on: Likeness,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let grant = self.may_decide(by, one, RegistryDone::Linked, &on, now)?;
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let two = self.two(one, other)?;
        let decision = decision(by, on, now);
        self.link_two(&two, decision, grant.grounds.clone(), Doer::of(by), now)
    }

    /// A confirmed number says that two registrations are of one person. Nothing happens where somebody said otherwise.
    pub fn link_by_number(&self, one: &str, other: &str, now: Timestamp) -> Result<(), Refusal> {
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let two = self.two(one, other)?;
        if self.are_apart(&two) {
            return Ok(());
        }
        let doer = Doer::house(&self.house.member);
        let decision = Decision {
            by: doer.id.clone(),
            name: String::new(),
            role: doer.role,
            at: now,
            on: Likeness::number(),
        };
        let grounds = Grounds::without_question(self.in_force().pact.version);
        self.link_two(&two, decision, grounds, doer, now)
    }

    /// Somebody who looks after the register says that a registration is not of the person of another: it is taken out of
    /// what is hers, for good.
    ///
    /// Refused, as an act, to whoever the pact does not allow it.
    pub fn split(
        &self,
        by: &Actor,
        (one, other): (&str, &str),
        on: Likeness,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let grant = self.may_decide(by, one, RegistryDone::Split, &on, now)?;
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let two = self.two(one, other)?;
        let step = step(RegistryDone::Split, &on);
        self.take_out(&two, decision(by, on, now), (step, &grant), now)
    }

    /// The person says that a registration which counts as hers is not: it is taken out at once, and whoever looks after
    /// the register sees it.
    pub fn not_me(&self, patient: &Actor, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let own = self.patient_here(patient)?;
        let on = Likeness::default();
        let grant = self.may_decide(patient, id, RegistryDone::NotMe, &on, now)?;
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let key = self.registration(id)?;
        if self.not_me_elsewhere(patient, (id, key), now)? {
            return Ok(());
        }
        let hers = match self.resolve(&PersonRef::Tag(own))? {
            Target::Person(person) => person.keys,
            _ => Vec::new(),
        };
        if !hers.contains(&key) {
            return Err(none_such());
        }
        let other = hers.iter().copied().find(|other| *other != key);
        let two = Two {
            one: key,
            // Where it is the only one there is nothing but her CURP to part it from.
            other: other.unwrap_or(key),
            hers: hers.clone(),
            others: hers,
        };
        let step = step(RegistryDone::NotMe, &on);
        let decision = Decision {
            by: Doer::login(patient).to_owned(),
            ..decision(patient, on, now)
        };
        self.take_out(&two, decision, (step, &grant), now)
    }

    /// Takes up the links that rows kept.
    pub(crate) fn load_links(&self) -> Result<(), Refusal> {
        for prefix in rows::LINKS.into_iter().chain([rows::ALIKE]) {
            self.each_row(prefix, &mut |key, value| {
                self.house
                    .links
                    .take(&[(key.to_vec(), Some(value.to_vec()))]);
            })?;
        }
        Ok(())
    }

    /// The rows about registrations that are erased.
    pub(crate) fn links_of(&self, keys: &[PersonKey], changes: &mut Rows) {
        let known = self.house.links.known();
        let grouped = keys.iter().filter(|key| known.group.contains_key(key));
        changes.extend(grouped.map(|key| (rows::linked(*key), None)));
        let apart = known.apart.keys();
        let about = apart.filter(|(one, other)| keys.contains(one) || keys.contains(other));
        changes.extend(about.map(|(one, other)| (rows::apart(*one, *other), None)));
        for key in keys {
            let disowned = known.disowned.get(key).into_iter().flatten();
            changes.extend(disowned.map(|one| (rows::disowned(*key, one.tag), None)));
        }
    }

    /// Lets go of what is at hand of them.
    pub(crate) fn forget_links(&self, changes: &Rows) {
        self.house.links.take(changes);
    }

    fn link_two(
        &self,
        two: &Two,
        decision: Decision,
        grounds: Grounds,
        doer: Doer,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if two.hers.contains(&two.other) {
            return Ok(());
        }
        self.check_numbers(two)?;
        let mut all = [two.one, two.other].to_vec();
        self.house.links.add_to(&mut all);
        if all.len() > MOST {
            return Err(Refusal::bad(
                "Son demasiados registros para una persona.",
                "These are too many registrations for one person.",
            ));
        }
        let group = all.iter().map(|key| key.0).min().unwrap_or_default();
        let mut changes = Rows::new();
        {
            let known = self.house.links.known();
            for key in &all {
                let before = known.group.get(key);
                if before.is_some_and(|before| before.group == group) {
                    continue;
                }
                // How it came to its group stays true of it.
                let decision =
                    before.map_or_else(|| decision.clone(), |before| before.decision.clone());
                let linked = Linked { group, decision };
                changes.push((rows::linked(*key), Some(json(&linked))));
            }
            for (one, other) in across(&two.hers, &two.others) {
                let pair = ordered(one, other);
                if known.apart.contains_key(&pair) {
                    changes.push((rows::apart(pair.0, pair.1), None));
                }
            }
        }
        let what = What::Registry(step(RegistryDone::Linked, &decision.on));
        let deed = Deed {
            what,
            grounds: Some(grounds),
            locals: [two.hers.as_slice(), &two.others].concat(),
            ..Deed::by(ActKind::Registry, doer, Purpose::Operations)
        };
        self.keep_links(changes, deed, now)
    }

    /// Takes the first registration out of the person of the other.
    fn take_out(
        &self,
        two: &Two,
        decision: Decision,
        (step, grant): (RegistryStep, &Grant),
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let rest: Vec<PersonKey> = two
            .others
            .iter()
            .copied()
            .filter(|key| *key != two.one)
            .collect();
        let mut changes = Rows::new();
        for other in &rest {
            let (one, other) = ordered(two.one, *other);
            changes.push((rows::apart(one, other), Some(json(&decision))));
        }
        let is_hers = two.others.contains(&two.one);
        if is_hers && self.house.links.known().group.contains_key(&two.one) {
            changes.push((rows::linked(two.one), None));
        }
        if is_hers {
            let mut theirs: Vec<Tag> = grant.tags.clone();
            for other in &rest {
                theirs.extend(self.tags_of(*other)?);
            }
            let alone = rest.is_empty();
            for tag in self.tags_of(two.one)? {
                let carried = !self
                    .house
                    .store
                    .people(&self.house.seal, &tag.0)?
                    .is_empty();
                let shared = alone || self.carries_too(&rest, tag)?;
                if carried && shared && theirs.contains(&tag) {
                    let disowned = Disowned {
                        tag,
                        decision: decision.clone(),
                    };
                    changes.push((rows::disowned(two.one, tag), Some(json(&disowned))));
                }
            }
        }
        let deed = Deed {
            what: What::Registry(step),
            persons: Vec::new(),
            locals: [two.hers.as_slice(), &two.others].concat(),
            ..Deed::under(ActKind::Registry, grant)
        };
        self.keep_links(changes, deed, now)
    }

    /// Whether one of these registrations carries a tag.
    fn carries_too(&self, keys: &[PersonKey], tag: Tag) -> Result<bool, Refusal> {
        for key in keys {
            if self.tags_of(*key)?.contains(&tag) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn keep_links(&self, changes: Rows, mut deed: Deed<'_>, now: Timestamp) -> Result<(), Refusal> {
        // About several people at once: it is kept for each, and goes with none.
        deed.about = PersonKey(0);
        deed.locals.sort_unstable();
        deed.locals.dedup();
        self.keep(changes.clone(), Vec::new(), Some(deed), now)?;
        self.house.links.take(&changes);
        self.house.people.changed();
        Ok(())
    }

    fn check_numbers(&self, two: &Two) -> Result<(), Refusal> {
        let mut curps = Vec::new();
        for keys in [&two.hers, &two.others] {
            let mut own = Vec::new();
            for key in keys {
                own.extend(self.patient_of(*key)?.iter().flat_map(confirmed_curps));
            }
            curps.push(own);
        }
        let differ = curps.iter().all(|own| !own.is_empty())
            && across(
                curps.first().map_or(&[], Vec::as_slice),
                curps.last().map_or(&[], Vec::as_slice),
            )
            .all(|(one, other)| one != other);
        match differ {
            false => Ok(()),
            true => Err(Refusal::bad(
                "Las CURP confirmadas de los dos registros son distintas: no pueden ser de la misma persona.",
                "The confirmed CURPs of the two registrations differ: they cannot be of one person.",
            )),
        }
    }

    /// The current `Patient` of a registration, for the gate's own use.
    fn patient_of(&self, key: PersonKey) -> Result<Option<Value>, Refusal> {
        let house = &self.house;
        let of = ResourceType::from_name("Patient").ok_or_else(none_such)?;
        let Some((id, _)) = house.store.named(&house.seal, key)? else {
            return Ok(None);
        };
        let version = house.store.look(&house.seal, of, &id)?;
        let limits = fhir::json::Limits::default();
        Ok(version.and_then(|version| fhir::json::parse(&version.body, &limits).ok()))
    }

    pub(super) fn are_apart(&self, two: &Two) -> bool {
        let known = self.house.links.known();
        across(&two.hers, &two.others)
            .any(|(one, other)| known.apart.contains_key(&ordered(one, other)))
    }

    pub(super) fn two(&self, one: &str, other: &str) -> Result<Two, Refusal> {
        let of = |id: &str| {
            let key = self.registration(id)?;
            match self.resolve(&PersonRef::Patient(id.to_owned()))? {
                Target::Person(person) => Ok((key, person.keys)),
                _ => Err(none_such()),
            }
        };
        let ((one, hers), (other, others)) = (of(one)?, of(other)?);
        if one == other {
            return Err(Refusal::bad(
                "Es el mismo registro.",
                "This is one and the same registration.",
            ));
        }
        Ok(Two {
            one,
            other,
            hers,
            others,
        })
    }

    pub(super) fn registration(&self, id: &str) -> Result<PersonKey, Refusal> {
        let of = ResourceType::from_name("Patient").ok_or_else(none_such)?;
        let key = self.house.store.person_of(&self.house.seal, of, id)?;
        key.filter(|key| key.0 != 0).ok_or_else(none_such)
    }

    fn may_decide(
        &self,
        by: &Actor,
        id: &str,
        done: RegistryDone,
        on: &Likeness,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        self.decide(self.registry_request(by, id, step(done, on)), now)
    }

    pub(super) fn registry_request(&self, by: &Actor, id: &str, step: RegistryStep) -> Request {
        Request {
            actor: by.clone(),
            purpose: match by.role {
                Role::Patient => Purpose::OwnRequest,
                _ => Purpose::Operations,
            },
            person: PersonRef::Patient(id.to_owned()),
            verbs: Verbs::default(),
            types: None,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: What::Registry(step),
        }
    }
}

pub(super) fn step(done: RegistryDone, on: &Likeness) -> RegistryStep {
    RegistryStep {
        done,
        on: on.clone(),
        with: None,
    }
}

pub(super) fn decision(by: &Actor, on: Likeness, now: Timestamp) -> Decision {
    Decision {
        by: by.id.clone(),
        name: by.name.clone(),
        role: by.role,
        at: now,
        on,
    }
}

pub(super) fn ordered(one: PersonKey, other: PersonKey) -> (PersonKey, PersonKey) {
    (one.min(other), one.max(other))
}

fn across<'a, T: Clone>(ones: &'a [T], others: &'a [T]) -> impl Iterator<Item = (T, T)> + 'a {
    ones.iter()
        .flat_map(move |one| others.iter().map(move |other| (one.clone(), other.clone())))
}

pub(super) fn none_such() -> Refusal {
    Refusal::bad(
        "No hay tal registro en esta institución.",
        "There is no such registration at this institution.",
    )
}
