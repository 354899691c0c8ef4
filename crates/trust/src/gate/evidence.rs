//! Why somebody may ask: evidence made here, kept here, and weighed when it comes with a request.

use super::accounts::later;
use super::acts::Deed;
use super::person::Target;
use super::stay::LONGEST_PIECE;
use super::{
    Gate, Grounds, InForce, PersonRef, Refusal, RefusalKind, Request, Tag, What, hex, locked,
    random, rows,
};
use crate::{ActKind, Actor, Evidence, EvidenceKind, MemberId, MemberKind, Pact, Purpose, Role};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use store::Verbs;

/// An appointment counts from so long before its hour.
const BEFORE_APPOINTMENT: SignedDuration = SignedDuration::from_hours(2);
/// How long what the gate says of a signed-in patient is good for other members.
const OWN_ACCESS: SignedDuration = SignedDuration::from_mins(10);
/// Pieces that may come with a request, and that are looked at of what is kept here.
const MAX_SENT: usize = 16;
const MAX_KEPT: usize = 64;
/// Nobody makes an appointment further ahead.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 400);
/// Signatures remembered as verified.
const MAX_SOUND: usize = 100_000;

/// Evidence whose signature was verified, by its digest and the version of the pact.
#[derive(Default)]
pub(crate) struct Sound(HashSet<([u8; 32], u64)>);

/// People whose evidence is kept at hand.
const MAX_AT_HAND: usize = 50_000;

/// The evidence kept here about people who were asked for of late, nearly always none: each request asks for it.
#[derive(Default)]
pub(crate) struct AtHand(Mutex<Known>);

#[derive(Default)]
struct Known {
    generation: u64,
    /// What does not end before the moment it was read at.
    of: HashMap<Tag, (Timestamp, Arc<Vec<Evidence>>)>,
}

impl AtHand {
    /// A row of evidence about a person was written or deleted.
    pub(crate) fn changed(&self, person: Tag) {
        let mut known = locked(&self.0);
        known.generation += 1;
        known.of.remove(&person);
    }
    fn get(&self, person: Tag, now: Timestamp) -> (u64, Option<Arc<Vec<Evidence>>>) {
        let known = locked(&self.0);
        let found = known.of.get(&person).filter(|(from, _)| *from <= now);
        (known.generation, found.map(|(_, all)| all.clone()))
    }
    /// Keeps what was read, unless some evidence changed since it was.
    fn put(&self, generation: u64, person: Tag, now: Timestamp, all: Arc<Vec<Evidence>>) {
        let mut known = locked(&self.0);
        if known.generation != generation {
            return;
        }
        if known.of.len() >= MAX_AT_HAND {
            known.of.clear();
        }
        known.of.insert(person, (now, all));
    }
}

impl Gate {
    /// A clerk, nurse, pharmacist or doctor receives a person: evidence for the institution. The person is named by
    /// her CURP or, when she has none, by her record here: `Patient/<id>`.
    pub fn check_in(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<Evidence, Refusal> {
        let person = self.named(curp)?;
        let grounds = self.may_receive(by, person, now)?;
        let minutes = self.in_force().pact.check_in_minutes;
        let evidence = Evidence {
            by: Some(by.id.clone()),
            until: later(now, minutes_of(minutes)),
            ..self.draft(EvidenceKind::CheckIn, person, now)?
        };
        self.issue(evidence, by, grounds, now)
    }

    /// An appointment with an actor here: good from two hours before.
    pub fn appoint(
        &self,
        by: &Actor,
        curp: &str,
        with: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        let person = self.named(curp)?;
        let grounds = self.may_receive(by, person, now)?;
        let care = [Role::Physician, Role::Nurse, Role::Pharmacist];
        if !self
            .colleague(with)?
            .is_some_and(|a| care.contains(&a.role))
        {
            return Err(Refusal::bad(
                "La cita necesita una médica, enfermera o farmacéutica de esta institución.",
                "An appointment needs a doctor, nurse or pharmacist of this institution.",
            ));
        }
        if at < now || at > later(now, FURTHEST) {
            return Err(Refusal::bad(
                "La cita debe ser de hoy en adelante y dentro de 400 días.",
                "An appointment is from today on and within 400 days.",
            ));
        }
        let minutes = self.in_force().pact.appointment_minutes;
        let evidence = Evidence {
            actor: Some(with.to_owned()),
            by: Some(by.id.clone()),
            from: later(at, -BEFORE_APPOINTMENT),
            until: later(at, minutes_of(minutes)),
            ..self.draft(EvidenceKind::Appointment, person, now)?
        };
        self.issue(evidence, by, grounds, now)
    }

    /// Keeps evidence that another member issued for us.
    pub fn accept(&self, evidence: Evidence, now: Timestamp) -> Result<(), Refusal> {
        self.check_sound(&evidence)?;
        if evidence.institution != self.house.member {
            return Err(Refusal::forged("evidence for another institution"));
        }
        self.keep_evidence(&evidence, now)
    }

    /// Evidence here that is good now for this actor and person; for a delegate, for whoever she works in the name of. For a patient and her own record, and for somebody who acts
    /// for another, it is made on the spot, for other members.
    pub fn evidence(&self, actor: &Actor, person: Tag, now: Timestamp) -> Vec<Evidence> {
        let mut found = self
            .kept_evidence(&actor.member, actor.evidence_login(), &[person], now)
            .unwrap_or_default();
        self.for_others(&mut found, now);
        let own = actor.member == self.house.member && self.is_own(actor, &[person]);
        if own && let Ok(draft) = self.draft(EvidenceKind::OwnAccess, person, now) {
            let evidence = Evidence {
                actor: Some(actor.id.clone()),
                until: later(now, OWN_ACCESS),
                ..draft
            };
            found.push(evidence.sign(&self.house.key));
        }
        if actor.member == self.house.member
            && let Some(tag) = self.own_tag(actor)
            && self.represents(tag, person, now)
            && let Ok(draft) = self.draft(EvidenceKind::Representation, person, now)
        {
            let evidence = Evidence {
                actor: Some(actor.id.clone()),
                acting: Some(tag),
                until: later(now, OWN_ACCESS),
                ..draft
            };
            found.push(evidence.sign(&self.house.key));
        }
        found
    }

    /// What this house keeps of its own, as other members take it: of a stay a piece; signed anew, what it signed with a key
    /// that it has laid down.
    fn for_others(&self, pieces: &mut [Evidence], now: Timestamp) {
        let house = &self.house;
        let in_force = self.in_force();
        let member = in_force.pact.member(&house.member);
        let rekeyed = member.is_some_and(|member| !member.former.is_empty());
        for piece in pieces {
            if piece.issuer != house.member {
                continue;
            }
            match piece.kind {
                EvidenceKind::Admission => *piece = self.piece_of_stay(piece, now),
                EvidenceKind::Appointment if rekeyed && !piece.verify(house.key.verifier()) => {
                    *piece = piece.clone().sign(&house.key);
                }
                _ => {}
            }
        }
    }

    /// Whether a record is the actor's own, by the CURP that her sign-in stands for.
    pub(crate) fn is_own(&self, actor: &Actor, tags: &[Tag]) -> bool {
        self.own_tag(actor).is_some_and(|own| tags.contains(&own))
    }

    /// The tag of a person who is signed in as herself; nobody's at work.
    pub(crate) fn own_tag(&self, actor: &Actor) -> Option<Tag> {
        let curp = actor.curp.as_deref()?;
        (actor.role == Role::Patient).then(|| self.tag(curp))
    }

    /// The evidence that counts for a request: what this node keeps, and what came, if it is good now. What came and
    /// is false, or meant for somebody else, spoils the request.
    pub(crate) fn weigh(
        &self,
        request: &Request,
        target: &Target,
        now: Timestamp,
    ) -> Result<Vec<Evidence>, Refusal> {
        // Who is who is decided on no evidence of care.
        let tags = match request.what {
            What::Registry(_) => &[],
            _ => target.tags(),
        };
        let actor = &request.actor;
        let login = actor.evidence_login();
        let mut good = self.kept_evidence(&actor.member, login, tags, now)?;
        if request.evidence.len() > MAX_SENT {
            return Err(Refusal::forged("too many pieces of evidence"));
        }
        for evidence in &request.evidence {
            self.check_sound(evidence)?;
            let personal = evidence.actor.as_ref().is_none_or(|only| only == login);
            if evidence.institution != actor.member || !personal {
                return Err(Refusal::forged("evidence for somebody else"));
            }
            // Somebody this node cannot name is refused as somebody else would be.
            if target.scope() == "person" && !tags.contains(&evidence.person) {
                return Err(Refusal::forged("evidence about somebody else"));
            }
            let new = !good.iter().any(|known| known.id == evidence.id);
            if new && tags.contains(&evidence.person) && evidence.is_good_at(now) {
                self.keep_evidence(evidence, now)?;
                good.push(evidence.clone());
            }
        }
        good.retain(|evidence| evidence.kind.serves(request.purpose));
        if request.purpose == Purpose::State {
            // Of several orders only the one that is named, and to its two officers.
            let order = self.order_of(request)?;
            good.retain(|evidence| {
                let named = order.as_ref().filter(|order| order.id == evidence.id);
                named.is_some_and(|order| order.opens_to(&actor.id, now))
            });
        }
        good.sort_by(|a, b| a.kind.cmp(&b.kind).then_with(|| a.id.cmp(&b.id)));
        Ok(good)
    }

    /// The evidence as far as it is signed by who may say it, in the bounds of the pact.
    pub(crate) fn check_sound(&self, evidence: &Evidence) -> Result<(), Refusal> {
        let in_force = self.in_force();
        let known = (evidence.digest(), in_force.pact.version);
        if locked(&self.house.sound).0.contains(&known) {
            return Ok(());
        }
        sound(evidence, &in_force, &self.house.member).map_err(Refusal::forged)?;
        let mut sound = locked(&self.house.sound);
        if sound.0.len() >= MAX_SOUND {
            sound.0.clear();
        }
        sound.0.insert(known);
        Ok(())
    }

    /// Evidence without its end and its signature.
    pub(crate) fn draft(
        &self,
        kind: EvidenceKind,
        person: Tag,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        Ok(Evidence {
            id: hex(&random::<16>()?),
            kind,
            person,
            institution: self.house.member.clone(),
            actor: None,
            by: None,
            acting: None,
            from: now,
            until: now,
            issuer: self.house.member.clone(),
            signature: String::new(),
        })
    }

    /// Signs and keeps evidence that somebody here made, with its act.
    fn issue(
        &self,
        evidence: Evidence,
        by: &Actor,
        grounds: Grounds,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        let evidence = evidence.sign(&self.house.key);
        let deed = said(
            (evidence.kind, evidence.person),
            What::Reception,
            by,
            grounds,
        );
        let row = row_of(&evidence);
        self.keep(vec![row], Vec::new(), Some(deed), now)?;
        Ok(evidence)
    }

    fn keep_evidence(&self, evidence: &Evidence, now: Timestamp) -> Result<(), Refusal> {
        let (key, value) = row_of(evidence);
        if self.house.store.get(&self.house.seal, &key)? == value {
            return Ok(());
        }
        let mut changes = vec![(key, value)];
        changes.extend(self.watch(evidence));
        self.keep(changes, Vec::new(), None, now)
    }

    /// What is kept here and good now for an actor of an institution. What ran out is not even read.
    pub(super) fn kept_evidence(
        &self,
        institution: &MemberId,
        actor: &str,
        tags: &[Tag],
        now: Timestamp,
    ) -> Result<Vec<Evidence>, Refusal> {
        let mut good = Vec::new();
        for tag in tags {
            good.extend(
                self.evidence_about(*tag, now)?
                    .iter()
                    .filter(|evidence| evidence.institution == *institution)
                    .filter(|evidence| evidence.actor.as_deref().is_none_or(|only| only == actor))
                    .filter(|evidence| evidence.is_good_at(now))
                    .filter(|evidence| self.check_sound(evidence).is_ok())
                    .cloned(),
            );
        }
        Ok(good)
    }

    /// Everything kept here about a person that has not run out.
    fn evidence_about(&self, tag: Tag, now: Timestamp) -> Result<Arc<Vec<Evidence>>, Refusal> {
        let house = &self.house;
        let (generation, at_hand) = house.evidence.get(tag, now);
        if let Some(at_hand) = at_hand {
            return Ok(at_hand);
        }
        let (prefix, after) = (rows::evidence_of(tag), rows::evidence_until(tag, now));
        let found = house
            .store
            .scan(&house.seal, &prefix, Some(&after), MAX_KEPT)?;
        let all = found
            .iter()
            .filter_map(|(_, value)| serde_json::from_slice::<Evidence>(value).ok())
            .filter(|evidence| evidence.person == tag);
        let all = Arc::new(all.collect::<Vec<_>>());
        // There may be more: those that come into view as these run out.
        if found.len() < MAX_KEPT {
            house.evidence.put(generation, tag, now, all.clone());
        }
        Ok(all)
    }

    /// The tag of a person named at the desk.
    pub(crate) fn named(&self, name: &str) -> Result<Tag, Refusal> {
        let Some(id) = name.trim().strip_prefix("Patient/") else {
            return self.checked_tag(name);
        };
        match self.resolve(&PersonRef::Patient(id.to_owned()))? {
            Target::Person(person) => person.tags.first().copied(),
            _ => None,
        }
        .ok_or_else(|| {
            Refusal::bad(
                "No hay ningún expediente con ese número.",
                "There is no record of that number.",
            )
        })
    }

    /// Whether somebody may receive people at this desk, and on what that stands; a refusal is an act.
    pub(super) fn may_receive(
        &self,
        by: &Actor,
        person: Tag,
        now: Timestamp,
    ) -> Result<Grounds, Refusal> {
        Ok(self.decide(reception(by, person), now)?.grounds)
    }
}

/// What is to be said of evidence that somebody here made or took, or ended.
pub(super) fn said<'a>(
    (kind, person): (EvidenceKind, Tag),
    what: What,
    by: &'a Actor,
    grounds: Grounds,
) -> Deed<'a> {
    Deed {
        evidence: Some(kind),
        persons: vec![person],
        what,
        grounds: Some(grounds),
        ..Deed::new(ActKind::Evidence, by, Purpose::Treatment)
    }
}

/// The question whether somebody may receive a person.
pub(super) fn reception(by: &Actor, person: Tag) -> Request {
    Request {
        actor: by.clone(),
        purpose: Purpose::Treatment,
        person: PersonRef::Tag(person),
        verbs: Verbs::default(),
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Reception,
    }
}

/// Whether somebody is at the desk: received, or by her code.
///
/// Errors: [`RefusalKind::NoEvidence`].
pub(super) fn check_presence(evidence: &[Evidence]) -> Result<(), Refusal> {
    let there = [EvidenceKind::CheckIn, EvidenceKind::PatientCode];
    match evidence.iter().any(|one| there.contains(&one.kind)) {
        true => Ok(()),
        false => Err(Refusal::new(RefusalKind::NoEvidence, Vec::new())),
    }
}

/// Whether evidence is signed by who may say it, in the bounds of this pact. Cost: one Ed25519 verification.
///
/// A former key counts for what began before it was laid down. An appointment is made long before it begins: of a house's
/// own any key of the house counts, and other members get it signed anew.
pub(super) fn sound(
    evidence: &Evidence,
    pact: &InForce,
    house: &MemberId,
) -> Result<(), &'static str> {
    let dated = match evidence.kind {
        EvidenceKind::Appointment if evidence.issuer == *house => Timestamp::MIN,
        _ => evidence.from,
    };
    let issuer = pact.pact.member(&evidence.issuer);
    let mut keys = issuer.into_iter().flat_map(|issuer| issuer.keys_at(dated));
    if !keys.any(|key| evidence.verify(&key)) {
        return Err("evidence that its issuer did not sign");
    }
    if evidence.kind.is_own_word() && evidence.issuer != evidence.institution {
        return Err("evidence that its issuer cannot give");
    }
    let institution = pact.kind(&evidence.institution);
    if evidence.kind == EvidenceKind::Admission && !institution.is_some_and(MemberKind::has_beds) {
        return Err("an admission where nobody stays");
    }
    let sent =
        evidence.issuer != evidence.institution && institution.is_some_and(MemberKind::cares);
    if evidence.kind == EvidenceKind::Referral && !sent {
        return Err("a referral to nobody who cares for people");
    }
    if (evidence.kind == EvidenceKind::Representation) != evidence.acting.is_some() {
        return Err("evidence that does not say who acts");
    }
    if evidence.kind.is_emergency() && evidence.actor.is_none() {
        return Err("an emergency that nobody declared");
    }
    let longest = match evidence.kind {
        // Others get it in pieces.
        EvidenceKind::Admission if evidence.issuer != *house => LONGEST_PIECE,
        kind => longest(kind, &pact.pact),
    };
    if evidence.id.len() > 64 || evidence.until > later(evidence.from, longest) {
        return Err("evidence beyond the bounds of the pact");
    }
    Ok(())
}

/// The longest window that a kind of evidence may have under a pact.
fn longest(kind: EvidenceKind, pact: &Pact) -> SignedDuration {
    match kind {
        EvidenceKind::CheckIn | EvidenceKind::PatientCode => minutes_of(pact.check_in_minutes),
        EvidenceKind::Appointment => BEFORE_APPOINTMENT + minutes_of(pact.appointment_minutes),
        EvidenceKind::Admission => pact
            .care
            .map_or(SignedDuration::ZERO, |terms| days_of(terms.admission_days)),
        EvidenceKind::Referral => pact
            .care
            .map_or(SignedDuration::ZERO, |terms| days_of(terms.referral_days)),
        EvidenceKind::OwnAccess | EvidenceKind::Representation => OWN_ACCESS,
        EvidenceKind::Emergency | EvidenceKind::EmergencyConfirmed => pact
            .emergency
            .map_or(SignedDuration::ZERO, |terms| hours_of(terms.hours)),
        EvidenceKind::Order => pact
            .orders
            .map_or(SignedDuration::ZERO, |terms| hours_of(terms.hours)),
    }
}

/// Minutes of a pact, whose bounds are far below what would overflow.
pub(crate) fn minutes_of(minutes: u64) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(minutes.min(1 << 30)).unwrap_or(0))
}

/// Hours of a pact.
pub(crate) fn hours_of(hours: u64) -> SignedDuration {
    minutes_of(hours.saturating_mul(60))
}

/// Days of a pact.
pub(crate) fn days_of(days: u64) -> SignedDuration {
    hours_of(days.saturating_mul(24))
}

pub(crate) fn row_of(evidence: &Evidence) -> (Vec<u8>, Option<Vec<u8>>) {
    let key = rows::evidence(evidence.person, evidence.until, &evidence.id);
    (key, Some(super::accounts::json(evidence)))
}
