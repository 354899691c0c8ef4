//! Conditions of a write: what matches them when a caller looks, and whether that is still so when she writes.
//!
//! A caller looks first, under a permit to search and with an act that says so, and decides on what she finds: create or
//! update, which resource a reference means. Meanwhile others write. So what she found goes with her changes, and the
//! commit looks again before the first of them.
//!
//! A condition is always asked under the permit it was looked up with, never under the wider one to write: what that
//! permit hides matches nothing, both times. Otherwise "stored" against "was there already" would tell of every
//! withheld resource whether it has a value.

use crate::{
    Error, Held, Permit, Result, Seen, Store, Verb,
    commit::{Find, Making},
    grant::Grant,
    store::{head_of, held},
};
use fhir::query::Query;

/// What a condition matched when it was looked up ([`Store::matched`]); it cannot be made by hand.
#[derive(Clone)]
pub struct Matched {
    grant: Grant,
    query: Query,
    /// More matches than these are not looked for.
    limit: usize,
    /// In order.
    ids: Vec<String>,
}

impl Matched {
    /// The ids of what matches.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }
}

impl Store {
    /// The ids of what a condition matches under a permit, at most `limit` of them, to write on that ground with
    /// [`Store::write_if`]. Cost: a search for so many.
    pub fn matched(&self, permit: &Permit, query: &Query, limit: usize) -> Result<Held<Matched>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Search, Some(query.of))?;
        let _span = grant.span("matched", Some(query.of)).entered();
        let loaded = self.inner.shelf.now();
        let snapshot = self.snapshot()?;
        loaded.answers(snapshot.as_ref(), std::slice::from_ref(query))?;
        let find = crate::search::find(self.inner.secrets.index, self.inner.vault.clone());
        let mut ids = find(snapshot.as_ref(), query, &grant, limit)?;
        ids.sort_unstable();
        let mut seen = Vec::with_capacity(ids.len());
        for id in &ids {
            let head = head_of(&self.inner.secrets.index, snapshot.as_ref(), query.of, id)?;
            seen.extend(head.map(|head| Seen {
                of: query.of,
                id: id.clone(),
                version: head.version,
                labels: head.labels,
                person: head.tail.person,
            }));
        }
        let matched = Matched {
            grant,
            query: query.clone(),
            limit,
            ids,
        };
        Ok(held(permit, seen, matched))
    }
}

impl Making<'_> {
    /// Whether what a caller looked up is still so.
    pub(crate) fn still(&self, matched: &Matched, find: &Find) -> Result<()> {
        let Matched {
            grant,
            query,
            limit,
            ids,
        } = matched;
        self.loaded
            .answers(&self.view(), std::slice::from_ref(query))?;
        let mut now = find(&self.view(), query, grant, *limit)?;
        now.sort_unstable();
        match now == *ids {
            true => Ok(()),
            false => Err(Error::Outdated(query.of.name().to_owned())),
        }
    }
}
