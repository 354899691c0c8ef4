//! Who was sent: a referral that stands in one institution's archive is evidence for the one that it goes to.
//!
//! In: an institution that asks whether a person was referred to it. Out: evidence, signed here for that institution, if an
//! active `ServiceRequest` of hers stands here whose `performer` is that member, written no longer ago than the pact says.
//! Nothing is pushed and nothing kept beside the record: what was revoked, completed or is too old gives none from then on,
//! and what the institution's own software wrote counts as what was written on a page.
//!
//! What must hold: who asks learns of no referral that it may not see. So the archive is searched as for a carer of that
//! institution under the person's word, and once more as for herself: a referral that she does not know of brings her
//! nowhere, and evidence by it would tell her in her log. What is left out of either is not there. Whether something was found
//! or not is an act of hers here; the answer takes the way that every answer to a member takes ([`super::pace`]).
//!
//! Cost: one search of her record, one act.

use super::accounts::later;
use super::acts::Deed;
use super::evidence::{days_of, row_of, said};
use super::person::Target;
use super::touch::one as seen;
use super::{Gate, PersonRef, Purpose, Refusal, RefusalKind, Tag, What, random};
use crate::act::{Doer, systems};
use crate::word::{self, Viewer};
use crate::{ActKind, Actor, Evidence, EvidenceKind, MemberId, MemberKind, Role};
use fhir::ResourceType;
use fhir::query::{Handling, Query, parse};
use jiff::Timestamp;
use store::{Labels, LeftOut, Permit, Scope, Terms, Verb, Verbs};

impl Gate {
    /// Whether somebody here may ask others if a person was referred to this institution. Gives her tag; a refusal is an act.
    ///
    /// Errors: as receiving has them; [`RefusalKind::Pact`] where the pact knows no referrals.
    pub fn asks_referral(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<Tag, Refusal> {
        let person = self.named(curp)?;
        self.may_receive(by, person, now)?;
        self.referral_days()?;
        Ok(person)
    }

    /// At the member that may have referred her: evidence for the institution that asks, or `None`.
    ///
    /// Errors: [`RefusalKind::Forged`] for who is no member that cares for people; [`RefusalKind::Pact`] where the pact knows
    /// no referrals; [`RefusalKind::OldWord`] where what she decided cannot be confirmed.
    pub fn referral(
        &self,
        asks: &Actor,
        person: Tag,
        now: Timestamp,
    ) -> Result<Option<Evidence>, Refusal> {
        let (house, in_force) = (&self.house, self.in_force());
        let kind = in_force
            .kind(&asks.member)
            .filter(|kind| kind.cares() && asks.member != house.member)
            .ok_or_else(|| Refusal::forged("an institution to which nobody is referred"))?;
        let days = days_of(self.referral_days()?);
        let target = self.resolve(&PersonRef::Tag(person))?;
        let permit = self.look(asks, kind, &target, now)?;
        let query = asked_for(&asks.member, later(now, -days))?;
        let held = house.store.search(&permit, &query, None)?;
        let found = held.seen().first();
        let refused = match found {
            Some(_) => Vec::new(),
            None => vec![RefusalKind::NoEvidence.code().to_owned()],
        };
        let deed = Deed {
            via: Some(asks.member.clone()),
            evidence: Some(EvidenceKind::Referral),
            persons: target.tags().to_vec(),
            what: What::Reception,
            seen: found
                .map(|one| seen(one.of, &one.id, one.version))
                .into_iter()
                .collect(),
            resources: u64::from(found.is_some()),
            labels: found.map_or(Labels(0), |one| one.labels),
            refused,
            ..Deed::new(ActKind::Evidence, asks, Purpose::Treatment)
        };
        let act = self.blank()?.fill(deed, now);
        let receipt = house.store.conclude(&permit, act, now)?;
        let page = held
            .open(&receipt)
            .ok_or_else(|| Refusal::new(RefusalKind::Unavailable, Vec::new()))?;
        let written = page.matches.first().and_then(|one| authored(&one.body));
        let until = written
            .map(|written| later(written.min(now), days))
            .filter(|until| *until > now);
        until
            .map(|until| {
                Ok(Evidence {
                    institution: asks.member.clone(),
                    until,
                    ..self.draft(EvidenceKind::Referral, person, now)?
                }
                .sign(&house.key))
            })
            .transpose()
    }

    /// Takes evidence that another member gave of a referral to this institution: about this person, and kept with its act.
    ///
    /// Errors: [`RefusalKind::Forged`] for what is not that; as receiving has them.
    pub fn take_referral(
        &self,
        by: &Actor,
        person: Tag,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.check_sound(evidence)?;
        let meant = evidence.kind == EvidenceKind::Referral
            && evidence.institution == self.house.member
            && evidence.person == person;
        if !meant {
            return Err(Refusal::forged("a referral for somebody else"));
        }
        let grounds = self.may_receive(by, person, now)?;
        let deed = said((evidence.kind, person), What::Reception, by, grounds);
        self.keep(vec![row_of(evidence)], Vec::new(), Some(deed), now)
    }

    /// A permit to search a person's orders for what both who asks, as a carer of that institution, and the person herself may
    /// see; for a delegate also who named her.
    fn look(
        &self,
        asks: &Actor,
        kind: MemberKind,
        target: &Target,
        now: Timestamp,
    ) -> Result<Permit, Refusal> {
        let words = self.words_of(target.tags());
        self.are_current(&words, now)?;
        let in_force = self.in_force();
        let seals = in_force.pact.seals.as_ref();
        let carer = |role| match role {
            Role::Nurse | Role::Pharmacist => role,
            _ => Role::Physician,
        };
        let viewer = |actor, role, herself| Viewer {
            member: &asks.member,
            kind,
            role: carer(role),
            actor,
            herself,
            acting: None,
        };
        let care = Purpose::Treatment;
        let mut viewers = vec![
            (viewer(Doer::login(asks), asks.role, false), care),
            (
                viewer("patient", Role::Physician, true),
                Purpose::OwnRequest,
            ),
        ];
        let delegator = asks.delegator.iter();
        viewers.extend(delegator.map(|by| (viewer(&by.login, by.role, false), care)));
        let (mut hidden, mut residual) = (Labels(0), Vec::new());
        for heard in &words {
            for (viewer, purpose) in &viewers {
                // What she let be seen so many times is not used up by this, and opens nothing here.
                let said = Some(&heard.signed.word);
                let one = word::hidden_when(said, seals, viewer, *purpose, now, &|_, _| true);
                hidden = hidden.with(one.labels);
                residual.extend(one.residual);
            }
        }
        let keys = match target {
            Target::Person(person) => person.keys.clone(),
            _ => Vec::new(),
        };
        Ok(self.house.seal.permit(Terms {
            id: random()?,
            scope: Scope::Person {
                keys,
                left_out: LeftOut::from(hidden),
                only: None,
            },
            verbs: Verbs::only(Verb::Search),
            types: Some(vec![order()?]),
            residual: self.sieve(&residual),
        }))
    }

    fn referral_days(&self) -> Result<u64, Refusal> {
        let terms = self.in_force().pact.care;
        let days = terms.map(|terms| terms.referral_days);
        days.ok_or_else(|| Refusal::new(RefusalKind::Pact, vec!["referral-not-agreed".to_owned()]))
    }
}

/// The type that referrals have.
fn order() -> Result<ResourceType, Refusal> {
    ResourceType::from_name("ServiceRequest")
        .ok_or_else(|| Refusal::new(RefusalKind::Unavailable, Vec::new()))
}

/// The newest referral to a member that is in force and no older than this.
fn asked_for(to: &MemberId, oldest: Timestamp) -> Result<Query, Refusal> {
    let oldest = Timestamp::from_second(oldest.as_second()).unwrap_or(oldest);
    let pairs = [
        ("status", "active".to_owned()),
        ("performer:identifier", format!("{}|{to}", systems::MEMBER)),
        ("authored", format!("ge{oldest}")),
        ("_sort", "-authored".to_owned()),
        ("_count", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let catalog = fhir::search::Catalog::r4();
    parse(&catalog, order()?, &pairs, Handling::Strict).map_err(|issues| {
        tracing::error!(?issues, "the question for a referral was not understood");
        Refusal::new(RefusalKind::Unavailable, Vec::new())
    })
}

/// When a referral was written: the first moment that its date lets it be.
fn authored(body: &[u8]) -> Option<Timestamp> {
    let read = fhir::json::parse(body, &fhir::json::Limits::default()).ok()?;
    let span = fhir::time::span(read.text("authoredOn")?)?;
    Timestamp::from_microsecond(span.from).ok()
}
