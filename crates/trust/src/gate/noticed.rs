//! Who was noticed opening many records without a sign of care ([`super::pattern`]): listed, and reviewed like an emergency.
//!
//! Whoever may review emergencies reviews this as well, once the day that began when it was noticed is over: somebody of another
//! unit, in words. It is an act of which everybody reads whose record was opened without a sign of care in that time.

use super::accounts::json;
use super::acts::{Deed, Rows};
use super::glass::reviewing;
use super::pattern::end;
use super::{Gate, PersonRef, Purpose, Refusal, What, hex, rows};
use crate::act::Doer;
use crate::glass::{Colleague, GlassError, Step, Verdict};
use crate::{ActKind, Actor, MemberId, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Rows read at once.
const PAGE: usize = 500;

/// Somebody who was noticed, for whoever reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusual {
    /// Names this time; made of its row, so that it is not kept there.
    #[serde(skip)]
    pub id: String,
    /// Her institution.
    pub member: MemberId,
    /// Her login there.
    pub actor: String,
    /// Her name as people say it.
    pub name: String,
    /// What she is.
    pub role: Role,
    /// How many people without a sign of care she had opened in a day when it was noticed.
    pub people: u64,
    /// When that was.
    pub at: Timestamp,
    /// What somebody of another unit said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Begins the name of a time, so that it is told from that of an emergency.
const NAMED: &str = "n";

impl Unusual {
    /// Whether a name is that of somebody who was noticed, not of an emergency.
    pub fn is_named(id: &str) -> bool {
        id.starts_with(NAMED)
    }
    /// From when on it is reviewed.
    pub fn over(&self) -> Timestamp {
        end(self.at)
    }
    fn of_row(key: &[u8], row: &[u8]) -> Option<Unusual> {
        let name = ledger::sha256(key);
        let id = format!("{NAMED}{}", hex(name.first_chunk::<16>()?));
        let one: Unusual = serde_json::from_slice(row).ok()?;
        Some(Unusual { id, ..one })
    }
}

impl Gate {
    pub(super) fn notice(&self, actor: &Actor, people: u64, now: Timestamp) -> Result<(), Refusal> {
        let unusual = Unusual {
            id: String::new(),
            member: actor.member.clone(),
            actor: Doer::login(actor).to_owned(),
            name: actor.name.clone(),
            role: actor.role,
            people,
            at: now,
            verdict: None,
        };
        tracing::warn!(member = %actor.member, people, "many records opened without a sign of care");
        let key = rows::unusual(now, &actor.member, &actor.id);
        let changes: Rows = vec![(key, Some(json(&unusual)))];
        let deed = Deed {
            what: What::Interaction(format!("{people} people without a sign of care")),
            ..Deed::new(ActKind::Unusual, actor, Purpose::Operations)
        };
        self.keep(changes, Vec::new(), Some(deed), now)
    }

    /// Who was noticed and not reviewed yet, newest first, at most so many: for whoever reviews how records are read here.
    pub fn unusual(&self, most: usize) -> Result<Vec<Unusual>, Refusal> {
        let mut found = Vec::new();
        self.each_noticed(|row| {
            if row.one.verdict.is_none() {
                found.push(row.one);
            }
            found.len() < most
        })?;
        Ok(found)
    }

    /// One who was noticed, for whoever may review; a refusal is an act.
    pub fn noticed(&self, by: &Actor, id: &str, now: Timestamp) -> Result<Unusual, Refusal> {
        self.may_review(by, PersonRef::Nobody, now)?;
        Ok(self.find_noticed(id)?.one)
    }

    /// Somebody says whether it was right that another one opened so many records. Who was opened reads it.
    pub fn judge(
        &self,
        by: &Actor,
        id: &str,
        said: (bool, &str),
        now: Timestamp,
    ) -> Result<Unusual, Refusal> {
        let Row {
            key,
            value,
            mut one,
        } = self.find_noticed(id)?;
        let step = Step::Judged {
            id: id.to_owned(),
            who: one.name.clone(),
            people: one.people,
            justified: said.0,
            words: said.1.trim().to_owned(),
        };
        let grant = self.decide(reviewing(by, PersonRef::Nobody, step), now)?;
        if now < one.over() {
            return Err(GlassError::StillOpen.into());
        }
        if one.verdict.is_some() {
            return Err(GlassError::Reviewed.into());
        }
        let (_, login) = rows::noticed(&key).ok_or_else(none)?;
        let here = one.member == self.house.member;
        let done_by = Colleague {
            // Whoever works elsewhere is nobody here, and of no unit.
            login: match here {
                true => login.clone(),
                false => format!("{}/{login}", one.member),
            },
            name: one.name.clone(),
            unit: match here {
                true => self.unit_of(&login)?,
                false => Some(one.member.to_string()),
            },
        };
        one.verdict = Some(Verdict::of(&done_by, self.as_colleague(by)?, said, now)?);
        let list = rows::listed_actor(&one.member, &login);
        let mut locals = Vec::new();
        for person in self.opened_without_care(&list, one.at)? {
            locals.extend(self.people_of(person)?);
        }
        locals.sort_unstable();
        locals.dedup();
        // It names none of them: all of them read the same act.
        let deed = Deed {
            locals,
            ..Deed::under(ActKind::Review, &grant)
        };
        let change = vec![(key.clone(), Some(json(&one)))];
        self.keep(change, vec![(key, Some(value))], Some(deed), now)?;
        Ok(one)
    }

    fn find_noticed(&self, id: &str) -> Result<Row, Refusal> {
        let mut found = None;
        self.each_noticed(|row| {
            if row.one.id == id {
                found = Some(row);
            }
            found.is_none()
        })?;
        found.ok_or_else(none)
    }

    /// Everybody who was noticed, newest first, as long as more is wanted.
    fn each_noticed(&self, mut wants_more: impl FnMut(Row) -> bool) -> Result<(), Refusal> {
        let house = &self.house;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = house
                .store
                .scan(&house.seal, rows::UNUSUAL, after.as_deref(), PAGE)?;
            after = match page.last() {
                Some((key, _)) if page.len() == PAGE => Some(key.clone()),
                _ => None,
            };
            for (key, value) in page {
                if let Some(one) = Unusual::of_row(&key, &value)
                    && !wants_more(Row { key, value, one })
                {
                    return Ok(());
                }
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Somebody who was noticed, as it stands in the archive.
struct Row {
    key: Vec<u8>,
    value: Vec<u8>,
    one: Unusual,
}

fn none() -> Refusal {
    Refusal::bad(
        "Aquí no se notó tal cosa.",
        "No such thing was noticed here.",
    )
}
