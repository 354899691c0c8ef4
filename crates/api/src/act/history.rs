//! History of one resource, of a type, of all.

use super::{PAGE_SIZE, count_of, nothing_else, since_of};
use crate::{
    fault::Fault,
    negotiate::{Pairs, take},
    reply::Reply,
    session::{Ask, Outcome, Sealed, Session, address, verbs},
    shape::{BundleText, PAGE, link},
};
use fhir::{IssueCode, time};
use store::{HistoryOf, Page, Verb, Version, When};
use trust::{PersonRef, What};

impl Session<'_> {
    pub(super) fn history(
        &self,
        of: &HistoryOf,
        mut pairs: Pairs,
    ) -> Result<Sealed<Page, impl FnOnce(Page) -> Outcome + Send + use<>>, Fault> {
        let mut told = pairs.clone();
        take(&mut told, PAGE);
        let page = take(&mut pairs, PAGE);
        let since = since_of(take(&mut pairs, "_since"))?;
        let count = count_of(take(&mut pairs, "_count"), PAGE_SIZE)?;
        let at = at_of(take(&mut pairs, "_at"))?;
        nothing_else(&pairs, "_since, _at, _count, _format, _pretty")?;
        let when = When { since, at };
        let reading = verbs(&[Verb::History, Verb::Read]);
        let everyone = |types, path: &str| Ask {
            person: PersonRef::Everyone,
            verbs: reading,
            types,
            what: What::Interaction(format!("GET {path}")),
        };
        let (grant, path) = match of {
            HistoryOf::Instance(of, id) => (
                self.decide_about(
                    *of,
                    id,
                    reading,
                    What::Interaction(format!("GET {of}/_history")),
                )?,
                format!("{of}/{id}/_history"),
            ),
            HistoryOf::Type(of) => {
                let path = format!("{of}/_history");
                (self.decide(everyone(Some(vec![*of]), &path))?, path)
            }
            HistoryOf::System => (
                self.decide(everyone(None, "_history"))?,
                "_history".to_owned(),
            ),
        };
        let store = self.house.gate.store();
        let held = store.history(&grant.permit, of, &when, count, page.as_ref())?;
        let whole = page.is_none() && since.is_none() && at.is_none();
        // Where nothing is found.
        let missing = match of {
            HistoryOf::Instance(of, id) if whole || self.is_kept_from(*of) => {
                Some(self.missing(*of, id))
            }
            _ => None,
        };
        let base = self.house.base.clone();
        let tell = move |answer: Page| {
            if let Some(missing) = missing.filter(|_| answer.matches.is_empty()) {
                return Err(missing);
            }
            let mut links = vec![("self", link(&base, &path, &told, page.as_deref()))];
            if let Some(next) = &answer.next {
                links.push(("next", link(&base, &path, &told, Some(next))));
            }
            let mut bundle = BundleText::new("history", answer.total, &links);
            for version in &answer.matches {
                let address = address(&base, version.of, &version.id);
                let created = version.version == 1;
                bundle.entry(&address, &version.body, &told_of(version, created));
            }
            Ok(Reply::made(bundle.done()))
        };
        Ok(Sealed { grant, held, tell })
    }
}

/// The span of an `_at`: what was current at some moment of it.
fn at_of(text: Option<String>) -> Result<Option<time::Span>, Fault> {
    text.map(|text| {
        time::span(&text).ok_or_else(|| {
            Fault::bad(
                IssueCode::Value,
                "`_at` is a date or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z (write a `+` as %2B).",
            )
        })
    })
    .transpose()
}

/// `request` and `response` of a history entry. Ids and types need no escaping.
pub(super) fn told_of(version: &Version, created: bool) -> String {
    let (of, id, number) = (version.of, &version.id, version.version);
    let (method, url, status) = match (version.deleted, created) {
        (true, _) => ("DELETE", format!("{of}/{id}"), "204"),
        (false, true) => ("POST", of.to_string(), "201"),
        (false, false) => ("PUT", format!("{of}/{id}"), "200"),
    };
    format!(
        "\"request\":{{\"method\":\"{method}\",\"url\":\"{url}\"}},\"response\":{{\"status\":\"{status}\",\"etag\":\"W/\\\"{number}\\\"\",\"lastModified\":\"{}\"}}",
        version.updated
    )
}
