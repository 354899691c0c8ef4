//! The limits of the wish not to know: what may be told in spite of it, by whom, and how little.
//!
//! There are three [`Ground`]s. Each takes two professionals who care for her now, one after the other within
//! [`HOURS`], and a reason that stands in the act. What is told is one message of theirs, never the finding itself: that
//! stays where it is until she asks. A message to her appears on her page, and its act in her log, at once; one to a third
//! party whom it protects is an act that is kept back with the finding ([`super::apart`]).
//!
//! In: a grant for her treatment that stands on evidence. Out: a [`Limit`] that waits for the second, or is in force.

use super::accounts::json;
use super::acts::Deed;
use super::{Gate, Grant, Purpose, Refusal, RefusalKind, Tag, What, hex, locked, random, rows};
use crate::word::wish;
use crate::{ActKind, Finding, MemberId, Role};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::Labels;

/// Hours within which the second must agree.
const HOURS: i64 = 24;
/// Limits of one person that are looked at.
const MAX_LIMITS: usize = 100;

/// Why something may be told to or about somebody who asked not to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// Her life or health is in danger now, and it can be treated.
    ImminentDanger,
    /// It protects another person, who is named.
    ThirdParty,
    /// A law demands it.
    LegalDuty,
}

impl Ground {
    /// All.
    pub const ALL: [Ground; 3] = [
        Ground::ImminentDanger,
        Ground::ThirdParty,
        Ground::LegalDuty,
    ];
    /// Its code: `imminent-danger`.
    pub fn code(self) -> &'static str {
        match self {
            Ground::ImminentDanger => "imminent-danger",
            Ground::ThirdParty => "third-party",
            Ground::LegalDuty => "legal-duty",
        }
    }
    /// The ground of a code.
    pub fn from_code(code: &str) -> Option<Ground> {
        Ground::ALL.into_iter().find(|ground| ground.code() == code)
    }
}

/// One message that is to be told in spite of a wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Which finding it is about.
    pub finding: Finding,
    /// On what ground.
    pub ground: Ground,
    /// Why it cannot wait: stands in the act, and she reads it.
    pub reason: String,
    /// What is told: as little as serves.
    pub message: String,
    /// The third party who is told; for that ground only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Telling {
    /// Bytes of a reason, of a message and of a name.
    pub const MAX_TEXT: usize = 600;
}

/// A professional who stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Name as people say it.
    pub name: String,
    /// Her institution.
    pub member: MemberId,
    /// Her login there.
    pub login: String,
    /// Number of her licence.
    pub cedula: String,
}

/// A telling with who stands for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Names it, hex.
    pub id: String,
    /// What is told.
    pub telling: Telling,
    /// Who proposed it.
    pub first: Signer,
    /// Who agreed; until then nothing is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Signer>,
    /// When it was proposed.
    pub proposed: Timestamp,
    /// When it was agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Timestamp>,
}

impl Gate {
    /// The first of two proposes to tell something. Nothing is told yet. Gives the limit's name.
    ///
    /// Refused: who is not a doctor here with evidence that she cares for the person now; a finding that the person does
    /// wish to know; texts that are empty or too long; a third party without a name.
    pub fn propose_telling(
        &self,
        grant: &Grant,
        telling: Telling,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let (person, first) = self.stands_for(grant)?;
        self.check(person, &telling, now)?;
        let limit = Limit {
            id: hex(&random::<16>()?),
            telling,
            first,
            second: None,
            proposed: now,
            agreed: None,
        };
        let deed = self.deed(grant, &limit, ActKind::Disclosure);
        let row = (rows::limit(person, &limit.id), Some(json(&limit)));
        // Of a proposal she must not read either, before she is told.
        let deed = Deed {
            labels: limit.telling.finding.bit(),
            ..deed
        };
        self.keep(vec![row], Vec::new(), Some(deed), now)?;
        Ok(limit.id)
    }

    /// The second agrees, and it is told. Refused for the first herself, after [`HOURS`], and for what is not there.
    pub fn agree_to_telling(
        &self,
        grant: &Grant,
        id: &str,
        now: Timestamp,
    ) -> Result<Limit, Refusal> {
        let (person, second) = self.stands_for(grant)?;
        let _one = locked(&self.house.words.taking);
        let all = self.limits(person)?;
        let waits = |limit: &Limit| {
            limit.second.is_none()
                && limit
                    .proposed
                    .checked_add(SignedDuration::from_hours(HOURS))
                    .is_ok_and(|end| now < end)
        };
        let Some(before) = all.into_iter().find(|limit| limit.id == id && waits(limit)) else {
            return Err(Refusal::bad(
                "No hay tal aviso que espere una segunda firma, o ya venció.",
                "There is no such message that waits for a second signature, or its time is over.",
            ));
        };
        let same = before.first.cedula == second.cedula
            || (&before.first.member, &before.first.login) == (&second.member, &second.login);
        if same {
            return Err(Refusal::bad(
                "Quien lo propuso no puede ser también la segunda firma.",
                "Who proposed it cannot be the second as well.",
            ));
        }
        self.check(person, &before.telling, now)?;
        let limit = Limit {
            second: Some(second),
            agreed: Some(now),
            ..before.clone()
        };
        let deed = self.deed(grant, &limit, ActKind::Disclosure);
        let key = rows::limit(person, id);
        let expect = vec![(key.clone(), Some(json(&before)))];
        self.keep(vec![(key, Some(json(&limit)))], expect, Some(deed), now)?;
        Ok(limit)
    }

    /// What waits for a second signature, for a doctor who cares for her now.
    pub fn tellings_that_wait(&self, grant: &Grant, now: Timestamp) -> Result<Vec<Limit>, Refusal> {
        let (person, _) = self.stands_for(grant)?;
        let end = |limit: &Limit| {
            limit
                .proposed
                .checked_add(SignedDuration::from_hours(HOURS))
        };
        let mut all = self.limits(person)?;
        all.retain(|limit| limit.second.is_none() && end(limit).is_ok_and(|end| now < end));
        Ok(all)
    }

    /// What she was told in spite of her wish, newest first: under a grant for her own record.
    pub fn told_to_her(&self, grant: &Grant) -> Result<Vec<Limit>, Refusal> {
        let own = grant.request.purpose == Purpose::OwnRequest;
        let Some(person) = grant.tag.filter(|_| own) else {
            return Err(Refusal::new(RefusalKind::Pact, Vec::new()));
        };
        let mut all = self.limits(person)?;
        all.retain(|limit| limit.agreed.is_some() && limit.telling.to.is_none());
        all.sort_by_key(|limit| std::cmp::Reverse(limit.agreed));
        Ok(all)
    }

    fn limits(&self, person: Tag) -> Result<Vec<Limit>, Refusal> {
        let house = &self.house;
        let prefix = rows::limits_of(person);
        let found = house.store.scan(&house.seal, &prefix, None, MAX_LIMITS)?;
        Ok(found
            .iter()
            .filter_map(|(_, row)| serde_json::from_slice(row).ok())
            .collect())
    }

    /// The person, and the professional who cares for her here and now.
    fn stands_for(&self, grant: &Grant) -> Result<(Tag, Signer), Refusal> {
        let request = &grant.request;
        let actor = &request.actor;
        let cares = actor.role == Role::Physician
            && actor.member == self.house.member
            && request.purpose == Purpose::Treatment
            // Two stand for it, each herself.
            && actor.delegator.is_none()
            && grant.evidence.is_some();
        match (&actor.licence, grant.tag) {
            (Some(licence), Some(person)) if cares => Ok((
                person,
                Signer {
                    name: actor.name.clone(),
                    member: actor.member.clone(),
                    login: actor.id.clone(),
                    cedula: licence.cedula.clone(),
                },
            )),
            _ => Err(Refusal::new(RefusalKind::NoEvidence, Vec::new())),
        }
    }

    fn check(&self, person: Tag, telling: &Telling, now: Timestamp) -> Result<(), Refusal> {
        let held = wish::held(&self.wishes(person), now);
        if !held.meets(telling.finding.bit()) {
            return Err(Refusal::bad(
                "La persona no pidió no saber de eso: se le dice como todo lo demás.",
                "The person has no wish not to know of that: she is told as of all else.",
            ));
        }
        let good = |text: &str| !text.trim().is_empty() && text.len() <= Telling::MAX_TEXT;
        let named = telling.to.as_deref().is_some_and(good);
        let third = telling.ground == Ground::ThirdParty;
        if !good(&telling.reason) || !good(&telling.message) || third != named {
            return Err(Refusal::bad(
                "Hacen falta la razón y el mensaje (hasta 600 letras) y, si protege a otra persona, su nombre.",
                "It takes the reason and the message (up to 600 letters) and, where it protects somebody else, her name.",
            ));
        }
        Ok(())
    }

    /// The act: who agreed does it, the other and the reason are said. To a third party, it is kept back with the finding.
    fn deed<'a>(&self, grant: &'a Grant, limit: &Limit, kind: ActKind) -> Deed<'a> {
        let telling = &limit.telling;
        let parts = [telling.ground.code(), &limit.first.name, &telling.reason];
        Deed {
            what: What::Disclosure(parts.join("\n")),
            labels: match telling.to {
                Some(_) => telling.finding.bit(),
                None => Labels(0),
            },
            ..Deed::under(kind, grant)
        }
    }
}
