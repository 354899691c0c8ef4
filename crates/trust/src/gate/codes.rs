//! Codes that a patient reads out: `IMSS-4821-7730`, good once, for minutes.

use super::accounts::{json, later};
use super::acts::Deed;
use super::evidence::{minutes_of, row_of};
use super::tries::Tries;
use super::{Gate, Refusal, RefusalKind, Tag, locked, random, rows};
use crate::act::Doer;
use crate::{ActKind, Actor, Evidence, EvidenceKind, MemberId, Purpose, Role};
use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// A code to read out to the doctor.
#[derive(Clone)]
pub struct PatientCode {
    /// `IMSS-4821-7730`: the member that knows it, and eight digits.
    pub code: String,
    /// Until when.
    pub until: Timestamp,
}

impl std::fmt::Debug for PatientCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PatientCode(withheld, until {})", self.until)
    }
}

/// A code as stored, under its HMAC.
#[derive(Serialize, Deserialize)]
pub(crate) struct Code {
    person: Tag,
    until: Timestamp,
}

/// Wrong codes in a row, by the member that tried them.
#[derive(Default)]
pub(crate) struct Guesses(pub(crate) Mutex<Tries>);

/// How often a fresh code may meet a living one before we give up: with a billion codes in use it would be rare.
const DRAWS: usize = 4;

impl Gate {
    /// A code for the patient to read out. A new one takes the place of the one before.
    pub fn show_code(&self, patient: &Actor, now: Timestamp) -> Result<PatientCode, Refusal> {
        let person = self.patient_here(patient)?;
        let until = later(now, minutes_of(self.in_force().pact.code_minutes));
        let house = &self.house;
        let of = rows::code_of(person);
        let before = house.store.get(&house.seal, &of)?;
        for _ in 0..DRAWS {
            let digits = u64::from_be_bytes(random()?) % 100_000_000;
            let mac = self.mac(digits);
            if house.store.get(&house.seal, &rows::code(&mac))?.is_some() {
                continue;
            }
            let mut changes = vec![
                (rows::code(&mac), Some(json(&Code { person, until }))),
                (of.clone(), Some(mac.clone())),
            ];
            changes.extend(before.as_ref().map(|old| (rows::code(old), None)));
            let expect = vec![(rows::code(&mac), None), (of, before)];
            self.keep(changes, expect, None, now)?;
            let code = format!(
                "{}-{:04}-{:04}",
                house.member.0.to_uppercase(),
                digits / 10_000,
                digits % 10_000
            );
            return Ok(PatientCode { code, until });
        }
        Err(Refusal::new(RefusalKind::Unavailable, Vec::new()))
    }

    /// At the node that showed it: turns a code into evidence for an institution and actor, once. Wrong codes in a row
    /// make the institution wait longer and longer.
    pub fn redeem(
        &self,
        code: &str,
        institution: &MemberId,
        actor: &str,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        if self.in_force().pact.member(institution).is_none() || actor.len() > 128 {
            return Err(Refusal::forged("an institution outside of the pact"));
        }
        let wait = locked(&self.house.codes.0).wait(&institution.0, now);
        if wait > 0 {
            return Err(Refusal::wait(wait));
        }
        match self.spend(code, institution, actor, now)? {
            Some(evidence) => {
                locked(&self.house.codes.0).right(&institution.0);
                Ok(evidence)
            }
            None => {
                locked(&self.house.codes.0).wrong(&institution.0, now);
                let deed = Deed {
                    refused: vec![RefusalKind::NoEvidence.code().to_owned()],
                    ..self.redeemed_by(institution, actor)
                };
                self.keep(Vec::new(), Vec::new(), Some(deed), now)?;
                Err(wrong_code())
            }
        }
    }

    /// Takes a living code out of the rows and puts evidence in; `None` when there is no such code.
    fn spend(
        &self,
        code: &str,
        institution: &MemberId,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<Evidence>, Refusal> {
        let house = &self.house;
        let Some(mac) = self.digits_of(code).map(|digits| self.mac(digits)) else {
            return Ok(None);
        };
        let key = rows::code(&mac);
        let row = house.store.get(&house.seal, &key)?;
        let Some(shown) = row
            .as_deref()
            .and_then(|row| serde_json::from_slice::<Code>(row).ok())
            .filter(|shown| now < shown.until)
        else {
            return Ok(None);
        };
        let minutes = self.in_force().pact.check_in_minutes;
        let evidence = Evidence {
            institution: institution.clone(),
            actor: Some(actor.to_owned()),
            until: later(now, minutes_of(minutes)),
            ..self.draft(EvidenceKind::PatientCode, shown.person, now)?
        }
        .sign(&house.key);
        let deed = Deed {
            evidence: Some(EvidenceKind::PatientCode),
            persons: vec![shown.person],
            ..self.redeemed_by(institution, actor)
        };
        let act = self.blank()?.fill(deed, now);
        let changes = vec![
            (key.clone(), None),
            (rows::code_of(shown.person), None),
            row_of(&evidence),
        ];
        match self.keep_rows(changes, vec![(key, row)], Some(act), now) {
            Ok(_) => Ok(Some(evidence)),
            // Somebody else spent it in the same moment.
            Err(store::Error::VersionConflict { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The act of a redemption: of who redeems only institution and login are known here.
    fn redeemed_by<'a>(&self, institution: &'a MemberId, actor: &'a str) -> Deed<'a> {
        let pact = self.in_force().pact.clone();
        let name = pact.member(institution).map(|m| m.name.clone());
        let who = Doer {
            id: actor.to_owned(),
            name: name.unwrap_or_default(),
            member: institution.clone(),
            role: Role::Clerk,
            licence: None,
            supervisor: None,
            delegator: None,
            helper: None,
        };
        Deed {
            login: Some((institution, actor)),
            via: (*institution != self.house.member).then(|| institution.clone()),
            ..Deed::by(ActKind::Evidence, who, Purpose::Treatment)
        }
    }

    /// The tag of a patient who is signed in here.
    pub(crate) fn patient_here(&self, patient: &Actor) -> Result<Tag, Refusal> {
        if patient.role != Role::Patient || patient.member != self.house.member {
            return Err(Refusal::new(RefusalKind::Pact, Vec::new()));
        }
        self.checked_tag(patient.curp.as_deref().unwrap_or_default())
    }

    /// The eight digits of a code of this node, written with or without spaces and in any case.
    fn digits_of(&self, code: &str) -> Option<u64> {
        if code.len() > 200 {
            return None;
        }
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let mut parts = code.rsplitn(3, '-');
        let (low, high, member) = (parts.next()?, parts.next()?, parts.next()?);
        let four = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
        if !four(low) || !four(high) || member.to_lowercase() != self.house.member.0 {
            return None;
        }
        Some(high.parse::<u64>().ok()? * 10_000 + low.parse::<u64>().ok()?)
    }

    /// Eight digits could be found from a plain hash by whoever copies the disk.
    fn mac(&self, digits: u64) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.house.secret);
        hmac::sign(
            &key,
            format!("code\n{}\n{digits:08}", self.house.member).as_bytes(),
        )
        .as_ref()
        .to_vec()
    }
}

fn wrong_code() -> Refusal {
    Refusal {
        kind: RefusalKind::NoEvidence,
        es: "El código no es correcto, ya se usó o ya venció. Pide uno nuevo.".to_owned(),
        en: "The code is wrong, was used, or has run out. Ask for a new one.".to_owned(),
        because: Vec::new(),
    }
}
