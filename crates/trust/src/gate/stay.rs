//! Who stays: an admission is evidence of care until she is discharged, or until the pact's days are over.
//!
//! In: a person who is here (received, or by her code), and somebody who may receive people. Out: evidence for the
//! institution. What must hold: a stay begins with the person there and where people can stay ([`MemberKind::has_beds`]); it
//! is one row, so that a discharge ends it with the next request; whoever asks while it lasts may say it anew, and a stay that
//! nobody says anew ends by itself. A decision that stood on it can be made again after the discharge: the row then says
//! until when she stayed.
//!
//! Other members get a stay in pieces of half a day, the same piece to all of them: a discharge does not reach them, so
//! what they hold runs out soon after it, and nothing that they hold opens anything at home.

use super::accounts::later;
use super::acts::Rows;
use super::evidence::{days_of, reception, row_of, said};
use super::{Gate, PersonRef, Refusal, RefusalKind, Tag, What, rows};
use crate::{Actor, Evidence, EvidenceKind, MemberKind};
use jiff::{SignedDuration, Timestamp};

/// What a piece for other members covers, and how much longer it is good, so that a request made at its end arrives.
const PIECE_HOURS: i64 = 12;
const OVER: SignedDuration = SignedDuration::from_mins(10);
/// The longest that other members take.
pub(super) const LONGEST_PIECE: SignedDuration =
    SignedDuration::from_mins(PIECE_HOURS * 60 + OVER.as_mins());
/// What shows that she is here, or has been since.
const HERE: [EvidenceKind; 3] = [
    EvidenceKind::CheckIn,
    EvidenceKind::PatientCode,
    EvidenceKind::Admission,
];
/// Rows read at once.
const PAGE: usize = 64;

impl Gate {
    /// A person who is here stays: evidence for the institution. Who is named as in [`Gate::check_in`]. Of somebody who stays
    /// already it is said anew.
    ///
    /// Errors: [`RefusalKind::Pact`] where the pact knows no admissions, or this is no place to stay;
    /// [`RefusalKind::NoEvidence`] for somebody who was not received; as receiving has them.
    pub fn admit(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<Evidence, Refusal> {
        let person = self.named(curp)?;
        let grounds = self.may_receive(by, person, now)?;
        let house = &self.house;
        let days = self.admission_days().ok_or_else(|| {
            Refusal::new(RefusalKind::Pact, vec!["admission-not-agreed".to_owned()])
        })?;
        let tags = self.every_tag(person)?;
        let here = self.kept_evidence(&house.member, by.evidence_login(), &tags, now)?;
        if !here.iter().any(|one| HERE.contains(&one.kind)) {
            return Err(Refusal {
                es: "Recibe primero a la persona: un internamiento empieza con ella aquí."
                    .to_owned(),
                en: "Receive the person first: an admission begins with her here.".to_owned(),
                ..Refusal::new(RefusalKind::NoEvidence, Vec::new())
            });
        }
        let evidence = Evidence {
            by: Some(by.id.clone()),
            until: later(now, days_of(days)),
            ..self.draft(EvidenceKind::Admission, person, now)?
        }
        .sign(&house.key);
        let (mut changes, expect) = self.ended(&tags, now)?;
        changes.push(row_of(&evidence));
        let deed = said((evidence.kind, person), What::Reception, by, grounds);
        self.keep(changes, expect, Some(deed), now)?;
        Ok(evidence)
    }

    /// A person goes: her stay is evidence no more, from the next request on.
    ///
    /// Errors: [`RefusalKind::Bad`] for somebody who does not stay here; as receiving has them.
    pub fn discharge(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<(), Refusal> {
        let person = self.named(curp)?;
        let request = super::Request {
            what: What::Discharge,
            ..reception(by, person)
        };
        let grounds = self.decide(request, now)?.grounds;
        let (changes, expect) = self.ended(&self.every_tag(person)?, now)?;
        if expect.is_empty() {
            return Err(Refusal::bad(
                "La persona no está internada aquí.",
                "The person does not stay here.",
            ));
        }
        let stay = (EvidenceKind::Admission, person);
        let deed = said(stay, What::Discharge, by, grounds);
        self.keep(changes, expect, Some(deed), now)
    }

    /// Until when a person's stay here is evidence, for who works here; `None` where she does not stay, and where nobody can.
    pub fn stays(
        &self,
        by: &Actor,
        curp: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let found = self.kept_by(by, curp, now)?;
        let stays = found
            .iter()
            .filter(|one| one.kind == EvidenceKind::Admission);
        Ok(stays.map(|one| one.until).max())
    }

    /// Whether something shows to somebody who works here that a person is or was here, and not only that she was sent.
    pub fn is_here(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<bool, Refusal> {
        let found = self.kept_by(by, curp, now)?;
        let here = |one: &Evidence| {
            one.kind != EvidenceKind::Referral && EvidenceKind::CARE.contains(&one.kind)
        };
        Ok(found.iter().any(here))
    }

    /// What is kept of a person here for somebody of this house; nothing for anybody else.
    fn kept_by(&self, by: &Actor, curp: &str, now: Timestamp) -> Result<Vec<Evidence>, Refusal> {
        let tags = self.every_tag(self.named(curp)?)?;
        match by.member == self.house.member {
            true => self.kept_evidence(&by.member, by.evidence_login(), &tags, now),
            false => Ok(Vec::new()),
        }
    }

    /// Whether people can be admitted here: the pact knows it, and this is a place to stay.
    pub fn admits(&self) -> bool {
        self.admission_days().is_some()
    }

    /// How long an admission here holds; `None` where there are none.
    fn admission_days(&self) -> Option<u64> {
        let in_force = self.in_force();
        let kind = in_force.kind(&self.house.member);
        let terms = in_force.pact.care?;
        kind.is_some_and(MemberKind::has_beds)
            .then_some(terms.admission_days)
    }

    /// What a stay is for other members: the piece of it that this moment lies in.
    pub(super) fn piece_of_stay(&self, stay: &Evidence, now: Timestamp) -> Evidence {
        let piece = SignedDuration::from_hours(PIECE_HOURS);
        let since = now.as_second().saturating_sub(stay.from.as_second());
        let place = since.max(0) / piece.as_secs();
        let from = later(
            stay.from,
            SignedDuration::from_secs(place.saturating_mul(piece.as_secs())),
        );
        Evidence {
            id: format!("{}-{place}", stay.id),
            from,
            until: later(from, piece + OVER).min(stay.until),
            ..stay.clone()
        }
        .sign(&self.house.key)
    }

    fn every_tag(&self, person: Tag) -> Result<Vec<Tag>, Refusal> {
        Ok(self.resolve(&PersonRef::Tag(person))?.tags().to_vec())
    }

    /// The stays under these tags, ended at a moment: the rows to change, and what they must be until then.
    fn ended(&self, tags: &[Tag], now: Timestamp) -> Result<(Rows, Rows), Refusal> {
        let house = &self.house;
        let (mut changes, mut expect) = (Rows::new(), Rows::new());
        for tag in tags {
            let (prefix, mut after) = (rows::evidence_of(*tag), rows::evidence_until(*tag, now));
            loop {
                let page = house.store.scan(&house.seal, &prefix, Some(&after), PAGE)?;
                let (last, full) = (page.last().map(|(key, _)| key.clone()), page.len() == PAGE);
                for (key, value) in page {
                    let Ok(stay) = serde_json::from_slice::<Evidence>(&value) else {
                        continue;
                    };
                    let own = stay.kind == EvidenceKind::Admission && stay.issuer == house.member;
                    if own && stay.is_good_at(now) {
                        // It still holds at this moment: what is decided at it, the discharge too, may stand on it.
                        let until = later(now.max(stay.from), SignedDuration::from_nanos(1));
                        changes.push((key.clone(), None));
                        changes.push(row_of(&Evidence { until, ..stay }.sign(&house.key)));
                        expect.push((key, Some(value)));
                    }
                }
                match last {
                    Some(last) if full => after = last,
                    _ => break,
                }
            }
        }
        Ok((changes, expect))
    }
}
