//! Breaking the glass here: declared, confirmed, reviewed; and what is known of those of other members.
//!
//! The machine itself is [`crate::glass`]. What is added here: who may, by the pact's policies; the evidence that opens
//! records here and elsewhere; the acts; and the rows. Cost of a step: a decision, a few rows, one commit.

use super::accounts::json;
use super::acts::Deed;
use super::evidence::days_of;
use super::{
    Gate, Grant, PersonRef, Purpose, Refusal, RefusalKind, Request, Tag, What, from_hex, hex,
    random, rows,
};
use crate::act::{Act, ActView, Doer};
use crate::glass::{self, Break, Colleague, Figures, GlassError, Reason, Stage, Step, break_of};
use crate::{ActKind, Actor, Evidence, EvidenceKind, MemberId, Role};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::Verbs;

/// Emergencies looked at at once: those that wait for their review, those of one person.
const MOST: usize = 1_000;

/// The verdict on an emergency, as other members hear it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Which emergency.
    pub id: String,
    /// Whose record.
    pub person: Tag,
    /// Whether it was right.
    pub justified: bool,
}

/// An emergency of another member that opened something here.
#[derive(Serialize, Deserialize)]
struct Watched {
    person: Tag,
}

impl From<GlassError> for Refusal {
    fn from(error: GlassError) -> Refusal {
        Refusal::bad(error.spanish(), format!("{error}."))
    }
}

impl Gate {
    /// Somebody declares an emergency of a person (by CURP, or `Patient/<id>` of a record here): from now on she may read,
    /// for [`Purpose::Emergency`], what could save that person's life, here and at the other members.
    ///
    /// Refused, as an act, to whom the pact does not let, and while a review of hers or of her unit is late.
    pub fn declare(
        &self,
        by: &Actor,
        person: &str,
        (reason, words): (Reason, &str),
        now: Timestamp,
    ) -> Result<Break, Refusal> {
        let tag = self.named(person)?;
        let grant = self.decide(emergency(by, PersonRef::Tag(tag), Step::Tried), now)?;
        let terms = self.in_force().pact.emergency.ok_or_else(not_agreed)?;
        let who = (tag, self.as_colleague(by)?);
        let one = Break::declare(hex(&random::<16>()?), who, (reason, words), &terms, now)?;
        let evidence = Evidence {
            until: one.until,
            ..self.emergency_evidence(&one, EvidenceKind::Emergency, now)?
        };
        let step = Step::Declared {
            id: one.id.clone(),
            reason,
            words: one.words.clone(),
            until: one.until,
            due: one.due,
        };
        let changes = vec![
            super::evidence::row_of(&evidence.sign(&self.house.key)),
            (rows::glass(&one.id), Some(json(&one))),
            (rows::unreviewed(one.due, &one.id), Some(Vec::new())),
            (rows::glass_of(tag, &one.id), Some(Vec::new())),
        ];
        let deed = of_step(&grant, ActKind::Emergency, step);
        self.keep(changes, Vec::new(), Some(deed), now)?;
        Ok(one)
    }

    /// Who declared an emergency shows a code of her second factor: all is open but what the person insists on keeping.
    /// A wrong code is an act.
    pub fn confirm(
        &self,
        by: &Actor,
        id: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Break, Refusal> {
        let (row, one) = self.find_break(id)?;
        let one = one.confirm(&by.id, now)?;
        let request = emergency(by, PersonRef::Tag(one.person), Step::Tried);
        let (before, after) = match self.use_factor(by, code, now) {
            Ok(used) => used,
            Err(refusal) => {
                if refusal.kind == RefusalKind::WrongSecret {
                    let target = self.resolve(&request.person)?;
                    self.deny(&request, &target, &refusal, None, now)?;
                }
                return Err(refusal);
            }
        };
        let grant = self.decide(request, now)?;
        let evidence = Evidence {
            id: one.confirmation(),
            until: one.until,
            // From its declaration on: its day of review is counted from there.
            from: one.declared,
            ..self.emergency_evidence(&one, EvidenceKind::EmergencyConfirmed, now)?
        };
        let (key, factor) = (rows::glass(id), rows::factor(&by.id));
        let changes = vec![
            super::evidence::row_of(&evidence.sign(&self.house.key)),
            (key.clone(), Some(json(&one))),
            (factor.clone(), Some(after)),
        ];
        let expect = vec![(key, Some(row)), (factor, Some(before))];
        let step = Step::Confirmed { id: one.id.clone() };
        let deed = of_step(&grant, ActKind::Emergency, step);
        self.keep(changes, expect, Some(deed), now)?;
        Ok(one)
    }

    /// Somebody outside the unit says whether an emergency was right. In the same commit the verdict goes into the outbox
    /// for every member that keeps records ([`glass::OUTBOX`]).
    pub fn review(
        &self,
        by: &Actor,
        id: &str,
        (justified, words): (bool, &str),
        now: Timestamp,
    ) -> Result<Break, Refusal> {
        let (row, one) = self.find_break(id)?;
        let step = Step::Reviewed {
            id: id.to_owned(),
            justified,
            words: words.trim().to_owned(),
        };
        let grant = self.decide(reviewing(by, PersonRef::Tag(one.person), step.clone()), now)?;
        let due = one.due;
        let one = one.review(self.as_colleague(by)?, (justified, words), now)?;
        let key = rows::glass(id);
        let news = json(&News {
            id: one.id.clone(),
            person: one.person,
            justified,
        });
        let mut changes = vec![
            (key.clone(), Some(json(&one))),
            (rows::unreviewed(due, id), None),
        ];
        changes.extend(self.to_carry(glass::OUTBOX, id.as_bytes(), &news));
        let deed = of_step(&grant, ActKind::Review, step);
        self.keep(changes, vec![(key, Some(row))], Some(deed), now)?;
        Ok(one)
    }

    /// The emergencies of this house that are not reviewed, the one whose day comes first at the head. For whoever may
    /// review; a refusal is an act.
    pub fn to_review(&self, by: &Actor, now: Timestamp) -> Result<Vec<Break>, Refusal> {
        self.may_review(by, PersonRef::Nobody, now)?;
        self.unreviewed(None)
    }

    /// One emergency, and what was done here under it, for whoever may review it. That she looked is an act.
    pub fn under_review(
        &self,
        by: &Actor,
        id: &str,
        now: Timestamp,
    ) -> Result<(Break, Vec<ActView>), Refusal> {
        let (_, one) = self.find_break(id)?;
        let grant = self.may_review(by, PersonRef::Tag(one.person), now)?;
        let house = &self.house;
        let list = rows::listed_actor(&house.member, &one.by.login);
        let (mut done, mut before) = (Vec::new(), None);
        loop {
            let page = house.store.acts(&house.seal, &list, before, MOST)?;
            for (leaf, body) in &page {
                let act = Act::from_body(body).map_err(super::acts::damaged)?;
                if act.at < one.declared {
                    before = None;
                    break;
                }
                before = Some(*leaf);
                let mut evidence = act.grounds.evidence.iter();
                if act.kind != ActKind::Emergency && evidence.any(|name| break_of(name) == id) {
                    done.push(act.view(*leaf));
                }
            }
            if before.is_none() || page.len() < MOST {
                break;
            }
        }
        let deed = Deed {
            what: What::Log,
            ..Deed::under(ActKind::Log, &grant)
        };
        self.keep(Vec::new(), Vec::new(), Some(deed), now)?;
        Ok((one, done))
    }

    /// The emergency of a person that somebody here has open now, if there is one; the newest of several.
    pub fn open_break(
        &self,
        by: &Actor,
        person: &str,
        now: Timestamp,
    ) -> Result<Option<Break>, Refusal> {
        let mut all = self.breaks_of(self.named(person)?)?;
        all.retain(|one| {
            one.by.login == by.id
                && matches!(one.stage(now), Stage::Declared | Stage::Confirmed)
                && by.member == self.house.member
        });
        Ok(all.into_iter().max_by_key(|one| one.declared))
    }

    /// What became of the emergencies here. Reads all of them.
    pub fn emergencies(&self, now: Timestamp) -> Result<Figures, Refusal> {
        let mut figures = Figures::default();
        self.each_row(rows::GLASS, &mut |_, row| {
            if let Ok(one) = serde_json::from_slice::<Break>(row) {
                figures.count(&one, now);
            }
        })?;
        Ok(figures)
    }

    /// The verdict of another member on an emergency that opened something here. `true` if it was waited for.
    pub fn hear_verdict(
        &self,
        from: &MemberId,
        news: &News,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let house = &self.house;
        let prefix = rows::watched_of(from);
        let found = house.store.scan(&house.seal, &prefix, None, MOST)?;
        let waiting = found.into_iter().find(|(key, row)| {
            let whose = serde_json::from_slice::<Watched>(row).map(|watched| watched.person);
            key.ends_with(news.id.as_bytes())
                && key.len() == prefix.len() + 8 + news.id.len()
                && whose.is_ok_and(|person| person == news.person)
        });
        let Some((key, row)) = waiting else {
            return Ok(false);
        };
        let who = Doer {
            role: Role::Privacy,
            ..Doer::unknown(from)
        };
        let deed = Deed {
            via: Some(from.clone()),
            persons: vec![news.person],
            what: What::Glass(Step::Reviewed {
                id: news.id.clone(),
                justified: news.justified,
                words: String::new(),
            }),
            ..Deed::by(ActKind::Review, who, Purpose::Operations)
        };
        self.keep(
            vec![(key.clone(), None)],
            vec![(key, Some(row))],
            Some(deed),
            now,
        )?;
        Ok(true)
    }

    /// Whether a late review closes emergencies for somebody: of hers or of her unit's here, of any of her institution's
    /// elsewhere.
    pub(crate) fn reviews_overdue(&self, actor: &Actor, now: Timestamp) -> Result<bool, Refusal> {
        let house = &self.house;
        if actor.member == house.member {
            let unit = self.unit_of(&actor.id)?;
            let late = self.unreviewed(Some(now))?;
            let mut late = late.iter();
            return Ok(late.any(|one| one.suspends(&actor.id, unit.as_deref(), now)));
        }
        let prefix = rows::watched_of(&actor.member);
        let first = house.store.scan(&house.seal, &prefix, None, 1)?;
        let due = first.first().and_then(|(key, _)| rows::due(key, &prefix));
        Ok(due.is_some_and(|due| due <= now.as_second()))
    }

    /// The row by which an emergency of another member is watched until its verdict is heard.
    pub(crate) fn watch(&self, evidence: &Evidence) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        if !evidence.kind.is_emergency() || evidence.institution == self.house.member {
            return None;
        }
        let days = self.in_force().pact.emergency?.review_days;
        let due = super::accounts::later(evidence.from, days_of(days));
        let watched = Watched {
            person: evidence.person,
        };
        let key = rows::watched(&evidence.institution, due, break_of(&evidence.id));
        Some((key, Some(json(&watched))))
    }

    /// What of emergencies says in words what was the matter with somebody who is erased: the words go, the rest answers
    /// for those who acted.
    pub(crate) fn silenced(&self, tag: Tag) -> Result<super::acts::Rows, Refusal> {
        let mut changes = Vec::new();
        for mut one in self.breaks_of(tag)? {
            one.words = String::new();
            if let Some(verdict) = &mut one.verdict {
                verdict.words = String::new();
            }
            changes.push((rows::glass(&one.id), Some(json(&one))));
        }
        Ok(changes)
    }

    pub(super) fn may_review(
        &self,
        by: &Actor,
        of: PersonRef,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let step = Step::Reviewed {
            id: String::new(),
            justified: false,
            words: String::new(),
        };
        self.decide(reviewing(by, of, step), now)
    }

    /// Emergencies of this house without a verdict; with a moment, only those whose day has come by then.
    fn unreviewed(&self, by: Option<Timestamp>) -> Result<Vec<Break>, Refusal> {
        let house = &self.house;
        let found = house
            .store
            .scan(&house.seal, rows::UNREVIEWED, None, MOST)?;
        let late = |key: &[u8]| match (by, rows::due(key, rows::UNREVIEWED)) {
            (Some(now), Some(due)) => due <= now.as_second(),
            _ => true,
        };
        let mut all = Vec::new();
        for (key, _) in found.iter().take_while(|(key, _)| late(key)) {
            let id = key.get(rows::UNREVIEWED.len() + 8..).unwrap_or_default();
            all.push(self.find_break(&String::from_utf8_lossy(id))?.1);
        }
        Ok(all)
    }

    fn breaks_of(&self, tag: Tag) -> Result<Vec<Break>, Refusal> {
        let house = &self.house;
        let prefix = rows::glass_of(tag, "");
        let mut all = Vec::new();
        for (key, _) in house.store.scan(&house.seal, &prefix, None, MOST)? {
            let id = key.get(prefix.len()..).unwrap_or_default();
            all.push(self.find_break(&String::from_utf8_lossy(id))?.1);
        }
        Ok(all)
    }

    fn find_break(&self, id: &str) -> Result<(Vec<u8>, Break), Refusal> {
        let none = || {
            Refusal::bad(
                "No hay tal emergencia en esta institución.",
                "There is no such emergency at this institution.",
            )
        };
        from_hex::<16>(id).ok_or_else(none)?;
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::glass(id))?;
        let row = row.ok_or_else(none)?;
        let one = serde_json::from_slice(&row).map_err(super::acts::damaged)?;
        Ok((row, one))
    }

    pub(super) fn as_colleague(&self, actor: &Actor) -> Result<Colleague, Refusal> {
        Ok(Colleague {
            login: actor.id.clone(),
            name: actor.name.clone(),
            unit: self.unit_of(&actor.id)?,
        })
    }

    fn emergency_evidence(
        &self,
        one: &Break,
        kind: EvidenceKind,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        Ok(Evidence {
            id: one.id.clone(),
            actor: Some(one.by.login.clone()),
            ..self.draft(kind, one.person, now)?
        })
    }
}

/// A step of an emergency, as the policies are asked.
fn emergency(by: &Actor, person: PersonRef, step: Step) -> Request {
    Request {
        actor: by.clone(),
        purpose: Purpose::Emergency,
        person,
        verbs: Verbs::default(),
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Glass(step),
    }
}

pub(super) fn reviewing(by: &Actor, person: PersonRef, step: Step) -> Request {
    Request {
        purpose: Purpose::Operations,
        ..emergency(by, person, step)
    }
}

/// The act of a step. It goes with her record, since its words may say what was the matter.
fn of_step(grant: &Grant, kind: ActKind, step: Step) -> Deed<'_> {
    Deed {
        what: What::Glass(step),
        ..Deed::under(kind, grant)
    }
}

fn not_agreed() -> Refusal {
    Refusal::new(RefusalKind::Pact, vec!["emergencies-not-agreed".to_owned()])
}
