//! Whether somebody here and somebody of another member's, who were found alike ([`super::linkage`]), are of one person.
//!
//! Somebody who looks after the register says so, at each of the two. Each saying is brought to the other member and names the
//! pair by its handle, never a person. Once both have said *one*, and one registration carries a CURP and the other none, the
//! member of the first tells the second the tag of that CURP, and the second's registration is found under it from then on, as
//! if it carried it ([`super::links`]). So no member's word alone joins two records, and no likeness does.
//!
//! Not joined: two registrations that carry CURPs (the same is found by it anyway, others are two people for all that is known);
//! two that carry none; one that the house keeps apart from another of that CURP, or of which its person said that the CURP is
//! not hers.
//!
//! Undone at once by either side, and by the person herself.

use super::acts::{Deed, Rows};
use super::linkage::{Alike, Said};
use super::links::{Links, decision, none_such, ordered, step};
use super::{Gate, Refusal, Tag, accounts::json, rows};
use crate::act::Doer;
use crate::registry::{Decision, Hers, Likeness, RegistryDone, RegistryStep};
use crate::{ActKind, Actor, MemberId};
use fhir::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::PersonKey;

/// The room of what waits to be brought to other members.
pub const SETTLED_OUT: &str = "linkage-out";

/// What one member tells another of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// The pair.
    handle: String,
    /// Whether they are of one person.
    one: bool,
    /// The tag of the CURP that the teller's registration carries; only once both have said that they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<Tag>,
}

/// How far two are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody here has said anything.
    Open {
        /// The other member says that they are one person.
        they_say_one: bool,
    },
    /// It was said here that they are; the other member has not said so.
    Said,
    /// Both have said so.
    Both(Together),
}

/// What came of it that both said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// The registration here is found under the other's CURP.
    Here,
    /// The other member was told the tag of the CURP that the registration here carries.
    There,
    /// Nothing: neither carries a CURP, or the one here carries its own.
    Not,
}

/// Somebody here who resembles somebody of another member's, for whoever looks after the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resemblance {
    /// Id of her `Patient` here.
    pub id: String,
    /// The other member.
    pub with: MemberId,
    /// When they were compared.
    pub at: Timestamp,
    /// Probability that they are one, in thousandths.
    pub per_mille: u16,
    /// Codes of the parts that agree.
    pub agreed: Vec<String>,
    /// How far they are settled.
    pub stage: Stage,
}

impl Alike {
    /// `None` when it was said here or there that they are two people.
    fn stage(&self) -> Option<Stage> {
        let said = self.said.as_ref().map(|said| said.one);
        match (said, self.theirs) {
            (Some(false), _) | (_, Some(false)) => None,
            (None, theirs) => Some(Stage::Open {
                they_say_one: theirs.is_some(),
            }),
            (Some(true), None) => Some(Stage::Said),
            (Some(true), Some(true)) => Some(Stage::Both(match (self.tag, self.told) {
                (Some(_), _) => Together::Here,
                (None, true) => Together::There,
                (None, false) => Together::Not,
            })),
        }
    }
    fn resemblance(&self, id: String, with: MemberId) -> Option<Resemblance> {
        Some(Resemblance {
            id,
            with,
            at: self.at,
            per_mille: self.per_mille,
            agreed: self.agreed.clone(),
            stage: self.stage()?,
        })
    }
}

impl Gate {
    /// Who resembles somebody of another member's, so many at most: first those whom that member calls one person with somebody
    /// there, then the likeliest; at the end those of whom it was said here.
    pub fn resemblances(&self, most: usize) -> Result<Vec<Resemblance>, Refusal> {
        let mut found: Vec<(PersonKey, MemberId, Alike, Stage)> = Vec::new();
        self.each_alike(&mut |key, with, alike| {
            if let Some(stage) = alike.stage() {
                found.push((key, with, alike, stage));
            }
        })?;
        let urgency = |stage: Stage| match stage {
            Stage::Open { they_say_one: true } => 0,
            Stage::Open { .. } => 1,
            Stage::Said | Stage::Both(_) => 2,
        };
        found.sort_by_key(|(key, _, alike, stage)| {
            (urgency(*stage), std::cmp::Reverse(alike.per_mille), *key)
        });
        found.truncate(most);
        let house = &self.house;
        let mut named = Vec::with_capacity(found.len());
        for (key, with, alike, _) in found {
            if let Some((id, _)) = house.store.named(&house.seal, key)? {
                named.extend(alike.resemblance(id, with));
            }
        }
        Ok(named)
    }

    /// One of them, with what the registration here says (`None` where its person closed it), for somebody who looks after the
    /// register. To look is an act, which she reads.
    pub fn look_at_resemblance(
        &self,
        by: &Actor,
        (id, with): (&str, &MemberId),
        now: Timestamp,
    ) -> Result<(Resemblance, Option<Value>), Refusal> {
        let alike = self.alike(id, with)?.1;
        let found = alike.resemblance(id.to_owned(), with.clone());
        let found = found.ok_or_else(none_such)?;
        let patient = self.look_at(by, id, about(RegistryDone::Looked, &alike, with), now)?;
        Ok((found, patient))
    }

    /// Somebody who looks after the register says whether the two are of one person. The other member is told, and what both say
    /// counts; what was said may be taken back. It waits in a durable outbox ([`SETTLED_OUT`]).
    ///
    /// Refused, as an act, to whoever the pact does not allow it.
    pub fn settle_resemblance(
        &self,
        by: &Actor,
        (id, with): (&str, &MemberId),
        one: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (key, alike) = self.alike(id, with)?;
        let done = match one {
            true => RegistryDone::OneWith,
            false => RegistryDone::TwoWith,
        };
        let step = about(done, &alike, with);
        let grant = self.decide(self.registry_request(by, id, step.clone()), now)?;
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let decision = decision(by, step.on, now);
        let deed = Deed::under(ActKind::Registry, &grant);
        self.say_of(key, with, (one, decision), deed, now)
    }

    /// Another member says whether two are of one person. What is not known here is passed over: it may have been erased.
    pub fn hear_settled(
        &self,
        from: &MemberId,
        settled: &Settled,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let _one_at_a_time = super::locked(&self.house.links.deciding);
        let mut meant = None;
        self.each_alike(&mut |key, with, alike| {
            if with == *from && alike.handle == settled.handle {
                meant = Some((key, alike));
            }
        })?;
        let Some((key, before)) = meant else {
            return Ok(());
        };
        let (own, was_joined) = (self.curp_of(key)?, before.tag.is_some());
        let both = settled.one && before.said.as_ref().is_some_and(|said| said.one);
        let tag = match (both, own, settled.tag) {
            (true, None, Some(tag)) if self.may_carry(key, tag)? => Some(tag),
            (true, ..) => before.tag,
            (false, ..) => None,
        };
        // The other did not tell a CURP, and may have been waiting to be told ours.
        let tells = both && own.is_some() && settled.tag.is_none();
        let after = Alike {
            theirs: Some(settled.one),
            tag,
            told: tells || (before.told && both),
            ..before.clone()
        };
        let mut changes = alike_row(key, from, &after);
        if tells {
            changes.push(outgoing(from, &after, own));
        }
        let done = match (was_joined, tag.is_some()) {
            (false, true) => Some(RegistryDone::Linked),
            (true, false) => Some(RegistryDone::Split),
            _ => None,
        };
        let mut hers = vec![key];
        self.house.links.add_to(&mut hers);
        let deed = done.map(|done| self.between(done, from, &hers));
        let expect = alike_row(key, from, &before);
        self.keep_settled(changes, expect, deed, now)
    }

    /// The person says that a registration is not hers which is found under her CURP because two members said so. Gives whether
    /// that is how it was hers.
    pub(super) fn not_me_elsewhere(
        &self,
        patient: &Actor,
        (id, key): (&str, PersonKey),
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let joined = self.house.links.known().joined_with(key);
        for with in &joined {
            let alike = self.alike(id, with)?.1;
            let step = about(RegistryDone::NotMe, &alike, with);
            let grant = self.decide(self.registry_request(patient, id, step.clone()), now)?;
            let by = Decision {
                by: Doer::login(patient).to_owned(),
                ..decision(patient, step.on, now)
            };
            let deed = Deed {
                locals: vec![key],
                ..Deed::under(ActKind::Registry, &grant)
            };
            self.say_of(key, with, (false, by), deed, now)?;
        }
        Ok(!joined.is_empty())
    }

    /// How a registration is its person's because two members said so.
    pub(super) fn joined_elsewhere(&self, id: &str, key: PersonKey) -> Option<Hers> {
        let with = self
            .house
            .links
            .known()
            .joined_with(key)
            .into_iter()
            .next()?;
        let decision = self.alike(id, &with).ok()?.1.said?.by;
        Some(Hers::Elsewhere { decision, with })
    }

    /// The rows about registrations that are erased.
    pub(crate) fn alike_rows_of(
        &self,
        keys: &[PersonKey],
        changes: &mut Rows,
    ) -> Result<(), Refusal> {
        for key in keys {
            self.each_row(&rows::alike_of(*key), &mut |row, _| {
                changes.push((row.to_vec(), None));
            })?;
        }
        Ok(())
    }

    /// What is said here of a pair, kept and on its way.
    fn say_of(
        &self,
        key: PersonKey,
        with: &MemberId,
        (one, by): (bool, Decision),
        deed: Deed<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let before = self.alike_at(key, with)?;
        let told = match one && before.theirs == Some(true) {
            true => self.curp_of(key)?,
            false => None,
        };
        let after = Alike {
            said: Some(Said { one, by }),
            tag: before.tag.filter(|_| one),
            told: told.is_some(),
            ..before.clone()
        };
        let mut changes = alike_row(key, with, &after);
        changes.push(outgoing(with, &after, told));
        let expect = alike_row(key, with, &before);
        self.keep_settled(changes, expect, Some(deed), now)
    }

    fn keep_settled(
        &self,
        changes: Rows,
        expect: Rows,
        deed: Option<Deed<'_>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.keep(changes.clone(), expect, deed, now)?;
        self.house.links.take(&changes);
        self.house.people.changed();
        Ok(())
    }

    fn alike(&self, id: &str, with: &MemberId) -> Result<(PersonKey, Alike), Refusal> {
        let key = self.registration(id)?;
        Ok((key, self.alike_at(key, with)?))
    }

    fn alike_at(&self, key: PersonKey, with: &MemberId) -> Result<Alike, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::alike(key, with))?;
        let alike = row.and_then(|row| serde_json::from_slice(&row).ok());
        alike.ok_or_else(none_such)
    }

    pub(super) fn each_alike(
        &self,
        visit: &mut dyn FnMut(PersonKey, MemberId, Alike),
    ) -> Result<(), Refusal> {
        self.each_row(rows::ALIKE, &mut |key, value| {
            if let (Some((key, with)), Ok(alike)) =
                (rows::alike_at(key), serde_json::from_slice(value))
            {
                visit(key, with, alike);
            }
        })
    }

    /// Whether a registration without a CURP may be found under this one.
    fn may_carry(&self, key: PersonKey, tag: Tag) -> Result<bool, Refusal> {
        let links: &Links = &self.house.links;
        if links.is_disowned(key, tag) {
            return Ok(false);
        }
        let others = self.people_of(tag)?;
        let known = links.known();
        Ok(others
            .iter()
            .all(|other| !known.apart.contains_key(&ordered(key, *other))))
    }
}

fn about(done: RegistryDone, alike: &Alike, with: &MemberId) -> RegistryStep {
    let on = Likeness {
        per_mille: Some(alike.per_mille),
        ..Likeness::default()
    };
    RegistryStep {
        with: Some(with.clone()),
        ..step(done, &on)
    }
}

fn alike_row(key: PersonKey, with: &MemberId, alike: &Alike) -> Rows {
    vec![(rows::alike(key, with), Some(json(alike)))]
}

/// What is brought to the other member; a newer saying takes the place of one that still waits.
fn outgoing(with: &MemberId, alike: &Alike, tag: Option<Tag>) -> (Vec<u8>, Option<Vec<u8>>) {
    let settled = Settled {
        handle: alike.handle.clone(),
        one: alike.said.as_ref().is_some_and(|said| said.one),
        tag,
    };
    let key = format!("{with} {}", alike.handle);
    (
        rows::room(SETTLED_OUT, key.as_bytes()),
        Some(json(&settled)),
    )
}
