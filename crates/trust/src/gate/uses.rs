//! How often what she opened was used: counted here, for each institution that asks, and kept.
//!
//! One row a grant and institution holds when its last uses began. A use that is to begin is kept before anything is
//! opened by it, on the condition that nobody else's began meanwhile.

use super::accounts::json;
use super::acts::Rows;
use super::decide::Asked;
use super::judge::{Opens, Verdict};
use super::words::Heard;
use super::{Gate, Refusal, Request, rows};
use crate::act::Doer;
use crate::word::{Limited, USE, Used};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Use {
    /// Login of who uses it.
    by: String,
    /// When it began.
    at: Timestamp,
}

impl Use {
    /// Whether what somebody asks at a moment belongs to it.
    fn is_under_way(&self, by: &str, now: Timestamp) -> bool {
        self.by == by && self.at <= now && now.duration_since(self.at) < USE
    }
}

impl Gate {
    /// How often the grants of these words were used by the institution of who asks. Nothing where nothing is shown of a
    /// record by what is asked.
    pub(super) fn used(
        &self,
        request: &Request,
        words: &[Arc<Heard>],
        opens: Opens,
        now: Timestamp,
    ) -> Result<Vec<Used>, Refusal> {
        let mut all = Vec::new();
        if opens != Opens::Seen {
            return Ok(all);
        }
        let by = Doer::login(&request.actor);
        for heard in words {
            let word = &heard.signed.word;
            for grant in word.limited() {
                let Some(frequency) = grant.terms.frequency else {
                    continue;
                };
                let (_, uses) = self.uses(request, word.person, &grant)?;
                let before = uses.iter().filter(|one| !one.is_under_way(by, now));
                let began: Vec<Timestamp> = before.map(|one| one.at).collect();
                let (times, again) = frequency.spent(&began, now);
                if times > 0 {
                    all.push(Used {
                        person: word.person,
                        grant: grant.name,
                        times,
                        again,
                    });
                }
            }
        }
        Ok(all)
    }

    /// Keeps that the grants that a verdict stands on are used. `false` when somebody of the same institution began a use
    /// meanwhile: then all is to be asked again.
    pub(super) fn use_grants(&self, asked: &Asked<'_>, verdict: &Verdict) -> Result<bool, Refusal> {
        let (request, now) = (asked.request, asked.now);
        if asked.key.opens != Opens::Seen {
            return Ok(true);
        }
        let by = Doer::login(&request.actor);
        let (mut changes, mut expect) = (Rows::new(), Rows::new());
        for (person, grant) in &verdict.under {
            let Some(frequency) = grant.terms.frequency else {
                continue;
            };
            let (row, mut uses) = self.uses(request, *person, grant)?;
            if uses.iter().any(|one| one.is_under_way(by, now)) {
                continue;
            }
            let span = frequency.per.span();
            uses.retain(|one| now.duration_since(one.at) < span);
            if uses.len() >= frequency.times as usize {
                return Ok(false);
            }
            uses.push(Use {
                by: by.to_owned(),
                at: now,
            });
            let key = rows::used(*person, &request.actor.member, &grant.name);
            expect.push((key.clone(), row));
            changes.push((key, Some(json(&uses))));
        }
        if changes.is_empty() {
            return Ok(true);
        }
        match self.keep_rows(changes, expect, None, now) {
            Ok(()) => Ok(true),
            Err(store::Error::VersionConflict { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The row of a grant and of the institution of who asks, and the uses in it, oldest first.
    fn uses(
        &self,
        request: &Request,
        person: crate::Tag,
        grant: &Limited,
    ) -> Result<(Option<Vec<u8>>, Vec<Use>), Refusal> {
        let house = &self.house;
        let key = rows::used(person, &request.actor.member, &grant.name);
        let row = house.store.get(&house.seal, &key)?;
        let uses = match &row {
            Some(row) => serde_json::from_slice(row).map_err(super::acts::damaged)?,
            None => Vec::new(),
        };
        Ok((row, uses))
    }
}
