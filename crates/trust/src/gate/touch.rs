//! Touching the record under a grant: each call commits the act before it gives anything out.

use super::acts::Deed;
use super::apart::apart;
use super::witness::curps;
use super::{Gate, Grant, PersonRef, Refusal, RefusalKind, hex};
use crate::act::{MAX_SEEN, Seen};
use crate::delegate::needs_own_cedula;
use crate::{ActKind, What};
use fhir::ResourceType;
use jiff::Timestamp;
use store::{
    ActRecord, Change, Committed, Held, Labels, Matched, PersonKey, Receipt, Scope, Verb, Version,
    Written,
};

impl Gate {
    /// Makes the act of a read durable and opens the answer. The act says what was seen: categories, how many, and the
    /// first ids. Gives the answer and the act's name (hex).
    pub fn open_answer<T>(
        &self,
        grant: &Grant,
        held: Held<T>,
        now: Timestamp,
    ) -> Result<(T, String), Refusal> {
        let act = self.act_of_reading(grant, &held, now)?;
        let receipt = self.house.store.conclude(&grant.permit, act, now)?;
        opened(held, &receipt)
    }

    /// As [`open_answer`](Gate::open_answer), without blocking: the act is handed in when this returns, and is kept also
    /// if nobody awaits the answer.
    pub fn opening<T: Send>(
        &self,
        grant: &Grant,
        held: Held<T>,
        now: Timestamp,
    ) -> Result<impl Future<Output = Result<(T, String), Refusal>> + Send + use<T>, Refusal> {
        let act = self.act_of_reading(grant, &held, now)?;
        let receipt = self.house.store.concluding(&grant.permit, act, now)?;
        Ok(async { opened(held, &receipt.await?) })
    }

    fn act_of_reading<T>(
        &self,
        grant: &Grant,
        held: &Held<T>,
        now: Timestamp,
    ) -> Result<ActRecord, Refusal> {
        let seen = held
            .seen()
            .iter()
            .map(|s| (one(s.of, &s.id, s.version), s.labels, s.person));
        let (first, beside) = apart(seen.collect(), named(grant), false);
        let deed = |touched| told(Deed::under(ActKind::Read, grant), is_many(grant), touched);
        let mut rest = deed(first);
        if rest.resources == 0 && beside.is_empty() {
            // She who asks for a finding by its name, and is not shown it, is told of it by no act either.
            rest.labels = self.findings_named(&grant.request.person);
        }
        let beside = beside.into_iter().map(deed);
        Ok(self.blank()?.fill_all(rest, beside, now))
    }

    /// Changes the record and keeps the act in one commit: all or nothing. Resources written together that tell a visit
    /// take the topics of that visit's codes as labels, so that closing a topic closes its notes as well.
    ///
    /// Errors: those of [`store::Store::write`]; [`store::Error::NotPermitted`] also when a grant to register
    /// somebody new is used for somebody else.
    pub fn write(
        &self,
        grant: &Grant,
        changes: Vec<Change>,
        now: Timestamp,
    ) -> Result<Committed, store::Error> {
        self.write_if(grant, changes, Vec::new(), now)
    }

    /// As [`write`](Gate::write), if what was looked up for it is still so at the commit.
    ///
    /// Errors: also [`store::Error::Outdated`], when it is not; nothing was written and no act kept.
    pub fn write_if(
        &self,
        grant: &Grant,
        mut changes: Vec<Change>,
        matched: Vec<Matched>,
        now: Timestamp,
    ) -> Result<Committed, store::Error> {
        crate::category::share_topics(changes.iter_mut().filter_map(resource_of));
        let stored = |name: &str| self.findings_of(name);
        crate::category::share_findings(changes.iter_mut().filter_map(named_resource), &stored);
        if grant.newcomer {
            self.check_newcomer(grant, &changes)?;
        }
        let mut types = changes.iter().filter_map(of);
        if grant.request.actor.delegator.is_some() && types.any(needs_own_cedula) {
            return Err(store::Error::NotPermitted(
                "a delegate prescribes and orders nothing: that takes the professional's own cédula"
                    .to_owned(),
            ));
        }
        let who_is_who = changes
            .iter()
            .any(|change| of(change).is_some_and(|of| of.name() == "Patient"));
        let blank = self
            .blank()
            .map_err(|refusal| store::Error::Disk(refusal.en))?;
        let kind = match grant.request.what {
            What::Import(_) => ActKind::Import,
            _ => ActKind::Write,
        };
        let said = Told::of(grant);
        // Under a permit that reads as well, what was there already goes into the answer.
        let shows = grant.permit.allows(Verb::Read);
        let act = move |written: &[Written]| {
            let touched = written
                .iter()
                .filter(|one| one.changed || shows && one.version.version > 0);
            let touched = touched.map(|one| {
                let version = &one.version;
                (
                    self::one(version.of, &version.id, version.version),
                    one.labels,
                    version.person,
                )
            });
            let (first, beside) = apart(touched.collect(), None, true);
            let deed = |touched| told(said.deed(kind), said.many, touched);
            blank.fill_all(deed(first), beside.into_iter().map(deed), now)
        };
        let committed =
            self.house
                .store
                .write_if(&grant.permit, changes, matched, now, Box::new(act));
        if committed.is_ok() {
            let by = &grant.request.actor;
            self.cared_for(&by.member, &by.id, &grant.tags, now);
        }
        if who_is_who {
            // After an error too: it may have been stored all the same.
            self.house.people.changed();
        }
        if let (true, Ok(committed)) = (who_is_who, &committed) {
            let written = committed.written.iter();
            let patients = written.filter(|one| one.changed && one.version.of.name() == "Patient");
            let patients: Vec<&Version> = patients.map(|one| &one.version).collect();
            self.registered(&patients, now);
            for version in patients {
                self.replaced(grant, version, now);
            }
        }
        committed
    }

    /// Keeps an act that touched no record here (an ask to others). Gives its name (hex).
    pub fn note(&self, grant: &Grant, now: Timestamp) -> Result<String, Refusal> {
        let act = self.blank()?.fill(Deed::under(ActKind::Ask, grant), now);
        let name = hex(&act.id);
        self.house.store.conclude(&grant.permit, act, now)?;
        Ok(name)
    }

    /// A grant to register somebody new stores her `Patient`, and nobody else's.
    fn check_newcomer(&self, grant: &Grant, changes: &[Change]) -> Result<(), store::Error> {
        let hers = |change: &Change| match change {
            Change::Create { resource, .. } => curps(resource)
                .first()
                .is_some_and(|curp| Some(self.tag(curp.as_str())) == grant.tag),
            _ => false,
        };
        if changes.iter().all(hers) {
            return Ok(());
        }
        Err(store::Error::NotPermitted(
            "it registers one person, by her CURP".to_owned(),
        ))
    }
}

/// The answer, and the name of its act (hex).
fn opened<T>(held: Held<T>, receipt: &Receipt) -> Result<(T, String), Refusal> {
    let answer = held
        .open(receipt)
        .ok_or_else(|| Refusal::new(RefusalKind::Unavailable, Vec::new()))?;
    Ok((answer, hex(&receipt.act)))
}

/// The name that a changed resource has or will have, and what it says.
fn named_resource(change: &mut Change) -> Option<(String, &mut fhir::Value)> {
    match change {
        Change::Create {
            of, id, resource, ..
        }
        | Change::Update {
            of, id, resource, ..
        } => Some((format!("{of}/{id}"), resource)),
        Change::Delete { .. } | Change::Activate { .. } | Change::Deactivate { .. } => None,
    }
}

fn resource_of(change: &mut Change) -> Option<&mut fhir::Value> {
    match change {
        Change::Create { resource, .. } | Change::Update { resource, .. } => Some(resource),
        Change::Delete { .. } | Change::Activate { .. } | Change::Deactivate { .. } => None,
    }
}

/// What an act says of its grant, owned: the act of a write is made inside the commit, on another thread.
struct Told {
    actor: crate::Actor,
    grounds: super::Grounds,
    tags: Vec<super::Tag>,
    evidence: Option<crate::EvidenceKind>,
    via: Option<crate::MemberId>,
    purpose: super::Purpose,
    what: What,
    about: PersonKey,
    many: bool,
}

impl Told {
    fn of(grant: &Grant) -> Told {
        let request = &grant.request;
        Told {
            actor: request.actor.clone(),
            grounds: grant.grounds.clone(),
            tags: grant.tags.clone(),
            evidence: grant.evidence,
            via: request.via.clone(),
            purpose: request.purpose,
            what: request.what.clone(),
            about: super::acts::about(&grant.permit),
            many: is_many(grant),
        }
    }
    fn deed(&self, kind: ActKind) -> Deed<'_> {
        Deed {
            via: self.via.clone(),
            evidence: self.evidence,
            persons: self.tags.clone(),
            what: self.what.clone(),
            about: self.about,
            grounds: Some(self.grounds.clone()),
            ..Deed::new(kind, &self.actor, self.purpose)
        }
    }
}

fn is_many(grant: &Grant) -> bool {
    matches!(grant.permit.scope(), Scope::People(_)) && grant.tags.is_empty()
}

/// The resource that a request named.
fn named(grant: &Grant) -> Option<(ResourceType, &str)> {
    match &grant.request.person {
        PersonRef::Resource(of, id) => Some((*of, id.as_str())),
        _ => None,
    }
}

/// What was touched: which version, its categories, whose it is.
pub(super) type Touched = (Seen, Labels, PersonKey);

/// Fills in what was touched. Under a grant about everyone the act is listed for each person it touched; if they are
/// several it names no resource, since each of them may ask for its receipt. If all that it touched is one person's, it is
/// about her.
fn told(mut deed: Deed<'_>, many: bool, touched: Vec<Touched>) -> Deed<'_> {
    let mut only = None;
    for (one, labels, person) in touched {
        if person.0 != 0 {
            let same = only.is_none_or(|known| known == person);
            only = Some(if same { person } else { PersonKey(0) });
        }
        deed.resources += 1;
        deed.labels = deed.labels.with(labels);
        if deed.seen.len() < MAX_SEEN {
            deed.seen.push(one);
        }
        if many && person.0 != 0 {
            deed.locals.push(person);
        }
    }
    if deed.about.0 == 0 {
        deed.about = only.unwrap_or_default();
    }
    deed.locals.sort_unstable();
    deed.locals.dedup();
    if deed.locals.len() > 1 {
        deed.seen.clear();
    }
    deed
}

pub(super) fn one(of: ResourceType, id: &str, version: u64) -> Seen {
    Seen {
        of,
        id: id.to_owned(),
        version,
    }
}

fn of(change: &Change) -> Option<ResourceType> {
    match change {
        Change::Create { of, .. } | Change::Update { of, .. } | Change::Delete { of, .. } => {
            Some(*of)
        }
        Change::Activate { .. } | Change::Deactivate { .. } => None,
    }
}
