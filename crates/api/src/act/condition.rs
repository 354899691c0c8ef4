//! Writes on a condition: `PUT Patient?identifier=...`, `DELETE Observation?...`.
//!
//! The condition is looked up as a search of the caller's own: the same permit, the same act. So it matches only what
//! is open to her. A resource that is withheld from her, or another person's, is as if it were not there: the outcome
//! is that of a world without it, and says nothing of it (the test of two worlds covers each of these interactions).
//! The price is that a conditional update may store beside a withheld resource what it would otherwise have updated;
//! to say "somebody has that already" would be the very thing that she may not know.
//!
//! What was found must still hold at the commit ([`store::Matched`]); if it does not, all is done again, a few times.

use super::Sought;
use super::body::{body_of, new_id, refuse_conditional, rooted};
use crate::{
    fault::Fault,
    negotiate::{Pairs, Wishes},
    reply::{Body, Reply},
    seek,
    session::{Outcome, Session},
    words::Words,
};
use fhir::{
    Issue, IssueCode, ResourceType, Value,
    query::{Handling, Query},
};
use store::{Current, Matched};
use trust::PersonRef;

/// How often a write on a condition is tried while others change what it matches.
const TRIES: usize = 6;

impl Session<'_> {
    pub(super) fn update_where(
        &self,
        of: ResourceType,
        pairs: &Pairs,
        resource: Value,
        wishes: &Wishes,
    ) -> Outcome {
        let query = condition(&self.words(), of, pairs)?;
        let mut resource = rooted(body_of(of, resource)?, &self.house.base);
        refuse_conditional(&resource)?;
        if wishes.if_none_match.is_some() {
            wishes.expected(false)?;
        }
        let own = resource.text("id").map(str::to_owned);
        repeated(|| {
            let written = || Some(self.person_written(of, own.as_deref(), &resource));
            let matched = self.look(&query, written)?;
            let found = one_of(&query, matched.ids())?.map(str::to_owned);
            let mut expected = wishes.if_match;
            let id = match (found, &own) {
                (Some(id), None) => id,
                (Some(id), Some(own)) if id == *own => id,
                (Some(id), Some(own)) => return Err(other_id(of, &id, own)),
                (None, _) if wishes.if_match.is_some() => return Err(nothing_matches(of)),
                // What has that id and does not match is not to be overwritten.
                (None, own) => {
                    expected = Some(Current::Absent);
                    if own.is_some() {
                        expected = self.chosen(of, expected)?;
                    }
                    own.clone().map_or_else(new_id, Ok)?
                }
            };
            resource.set("id", id.as_str());
            self.update(of, id, resource.clone(), expected, vec![matched])
        })
    }

    pub(super) fn delete_where(&self, of: ResourceType, pairs: &Pairs, wishes: &Wishes) -> Outcome {
        let query = condition(&self.words(), of, pairs)?;
        repeated(|| {
            let matched = self.look(&query, || None)?;
            match one_of(&query, matched.ids())?.map(str::to_owned) {
                Some(id) => self.delete(of, id, wishes, vec![matched]),
                None if wishes.if_match.is_some() => Err(nothing_matches(of)),
                None => Ok(nothing_there()),
            }
        })
    }

    /// Looks a condition up under the permit of a search, with its act. Where the condition names nobody, it is looked
    /// up in the record of whoever the write is about.
    pub(super) fn look(
        &self,
        query: &Query,
        written: impl FnOnce() -> Option<PersonRef>,
    ) -> Result<Matched, Fault> {
        let sought = Sought::one(query.clone());
        let mut ask = self.ask_to_search(&sought)?;
        if seek::person(query).is_none()
            && self.is_kept_from(query.of)
            && let Some(person) = written()
        {
            ask.person = person;
        }
        let grant = self
            .decide(ask)
            .map_err(|fault| self.explain_search(&sought, fault))?;
        let held = self.house.gate.store().matched(&grant.permit, query, 2)?;
        self.open(&grant, held)
    }
}

/// Does it again while what it rests on changes meanwhile.
pub(crate) fn repeated<T>(mut work: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let mut result = work();
    for _ in 1..TRIES {
        match result {
            Err(fault) if fault.again => result = work(),
            done => return done,
        }
    }
    result
}

/// The conditions of a write as a search: at least one, and nothing that shapes an answer.
pub(crate) fn condition(words: &Words, of: ResourceType, pairs: &Pairs) -> Result<Query, Fault> {
    let shaping = pairs.iter().find(|(name, _)| {
        let name = name.split(':').next().unwrap_or_default();
        SHAPING.contains(&name)
    });
    if let Some((name, _)) = shaping {
        let name: String = name.chars().take(40).collect();
        return Err(Fault::bad(
            IssueCode::Invalid,
            format!("`{name}` shapes an answer; it is no condition."),
        ));
    }
    let query = words.query(of, pairs, Handling::Strict)?;
    match query.conditions.is_empty() {
        true => Err(Fault::bad(
            IssueCode::Invalid,
            "There is no condition; everything would match. Name the resource, or say what it must have.",
        )),
        false => Ok(query),
    }
}

/// Parameters that are no conditions.
const SHAPING: [&str; 10] = [
    "_count",
    "_sort",
    "_include",
    "_revinclude",
    "_summary",
    "_total",
    "_elements",
    "_contained",
    "_containedType",
    "_page",
];

/// The one match, if there is one; several are 412.
pub(crate) fn one_of<'a>(query: &Query, ids: &'a [String]) -> Result<Option<&'a str>, Fault> {
    match ids {
        [] => Ok(None),
        [id] => Ok(Some(id)),
        _ => Err(Fault::new(
            412,
            IssueCode::Duplicate,
            format!(
                "The condition matches more than one {}; name the one you mean, or say more.",
                query.of
            ),
        )),
    }
}

fn other_id(of: ResourceType, id: &str, own: &str) -> Fault {
    Fault::of(
        400,
        vec![Issue::error(
            IssueCode::Invalid,
            format!("{of}.id"),
            format!(
                "The condition matches {of}/{id}, the body's id is `{own}`; leave the id out, or name the one you mean."
            ),
        )],
    )
}

fn nothing_matches(of: ResourceType) -> Fault {
    Fault::new(
        412,
        IssueCode::Conflict,
        format!("If-Match wants a version to be there, and no {of} matches the condition."),
    )
}

/// The outcome of a deletion that had nothing to delete.
pub(crate) fn nothing_there() -> Reply {
    Reply {
        status: 204,
        body: Body::Empty,
        write: true,
        ..Reply::made(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::negotiate::pairs;

    #[test]
    fn a_condition_says_what_must_hold_and_nothing_else() {
        let of = ResourceType::from_name("Patient").unwrap();
        let status = |text: &str| {
            let asked = pairs(text).unwrap();
            condition(&Words::default(), of, &asked).map_or_else(|f| f.status, |_| 200)
        };
        assert_eq!(status("identifier=a|b"), 200);
        assert_eq!(status("_count=1"), 400);
        assert_eq!(status("identifier=a|b&_include:iterate=Patient:link"), 400);
        assert_eq!(status(""), 400);
    }

    #[test]
    fn what_changed_meanwhile_is_done_again_but_not_for_ever() {
        let outdated = || Fault::from(store::Error::Outdated("Patient".into()));
        let mut tries = 0;
        let done = repeated(|| {
            tries += 1;
            if tries < 3 {
                Err(outdated())
            } else {
                Ok(tries)
            }
        });
        assert_eq!(done, Ok(3));
        let mut tries = 0;
        let never: Result<(), Fault> = repeated(|| {
            tries += 1;
            Err(outdated())
        });
        assert_eq!((never.unwrap_err().status, tries), (409, TRIES));
    }
}
