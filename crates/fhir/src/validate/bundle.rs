//! Bundles: addresses of entries, each once, and what a document or message must hold itself.

use super::{scope::Scope, walk::Walk};
use crate::{IssueCode, Value, check::place::Place};
use std::collections::HashMap;

impl<'v> Walk<'v> {
    pub(super) fn bundle(&mut self, bundle: &'v Value, place: &Place<'_>) {
        let of = bundle.text("type").unwrap_or_default();
        let mut seen: HashMap<(&str, Option<&str>), usize> = HashMap::new();
        for (i, entry) in bundle.list("entry").iter().enumerate() {
            let Some(url) = entry.text("fullUrl") else {
                continue;
            };
            let at = place.item("entry", i);
            if !url.contains(':') {
                self.wrong(
                    IssueCode::Invalid,
                    &at,
                    format!("the fullUrl is \"{url}\"; expected an absolute URL, as in urn:uuid:... or https://.../Type/id"),
                );
                continue;
            }
            let id = entry.text("resource.id");
            if let (Some(id), Some((rest, last))) = (id, url.rsplit_once('/'))
                && !url.starts_with("urn:")
                && last != id
                && entry
                    .text("resource.resourceType")
                    .is_some_and(|of| rest.ends_with(&format!("/{of}")))
            {
                self.wrong(
                    IssueCode::Invalid,
                    &at,
                    format!("the fullUrl ends in \"{last}\", but the resource has the id \"{id}\""),
                );
            }
            let version = entry.text("resource.meta.versionId");
            let once = matches!(of, "document" | "message" | "collection");
            if let Some(first) = seen.insert((url, version), i).filter(|_| once) {
                self.wrong(
                    IssueCode::Duplicate,
                    &at,
                    format!("the fullUrl \"{url}\" is that of entry {first} too"),
                );
            }
        }
        if of == "document" {
            self.document(bundle, place);
        }
        if of == "searchset" {
            for (i, entry) in bundle.list("entry").iter().enumerate() {
                let outcome = entry.text("search.mode") == Some("outcome")
                    || entry.text("resource.resourceType") == Some("OperationOutcome");
                if entry.get("resource").is_some_and(|r| r.get("id").is_none()) && !outcome {
                    let at = place.item("entry", i);
                    self.wrong(
                        IssueCode::Invalid,
                        &at.member("resource"),
                        "what a search finds must have an id",
                    );
                }
            }
        }
        let mut relations = Vec::new();
        for (i, link) in bundle.list("link").iter().enumerate() {
            let relation = link.text("relation").unwrap_or_default();
            if relations.contains(&relation) && ONCE.contains(&relation) {
                self.wrong(
                    IssueCode::Invalid,
                    &place.item("link", i),
                    format!("the relation \"{relation}\" is there twice"),
                );
            }
            relations.push(relation);
        }
    }

    /// What the composition of a document names must be in the bundle.
    fn document(&mut self, bundle: &'v Value, place: &Place<'_>) {
        let Some(entry) = bundle.list("entry").first() else {
            return;
        };
        let Some(composition) = entry.get("resource") else {
            return;
        };
        let outer = Scope {
            resource: bundle,
            root: bundle,
            outer: None,
            url: None,
            depth: place.depth(),
        };
        let scope = Scope {
            resource: composition,
            root: composition,
            outer: Some(&outer),
            url: entry.text("fullUrl"),
            depth: place.depth() + 2,
        };
        let first = place.item("entry", 0);
        let at = first.member("resource");
        for name in ["subject", "encounter", "custodian"] {
            if let Some(reference) = composition.get(name) {
                self.must_be_here(reference, &at.member(name), &scope);
            }
        }
        for (i, author) in composition.list("author").iter().enumerate() {
            self.must_be_here(author, &at.item("author", i), &scope);
        }
        self.sections(composition.list("section"), &at, &scope);
    }

    fn sections(&mut self, sections: &'v [Value], place: &Place<'_>, scope: &Scope<'_, 'v>) {
        for (i, section) in sections.iter().enumerate() {
            let at = place.item("section", i);
            if !self.may_go_on(&at) {
                return;
            }
            for (j, entry) in section.list("entry").iter().enumerate() {
                self.must_be_here(entry, &at.item("entry", j), scope);
            }
            self.sections(section.list("section"), &at, scope);
        }
    }

    fn must_be_here(&mut self, reference: &'v Value, place: &Place<'_>, scope: &Scope<'_, 'v>) {
        let Some(text) = reference.text("reference") else {
            return;
        };
        if scope.resolve(text).is_none() {
            self.wrong(
                IssueCode::NotFound,
                place,
                format!("the document does not hold \"{text}\""),
            );
        }
    }
}

/// Relations of links that have one target.
const ONCE: &[&str] = &["self", "first", "previous", "prev", "next", "last"];
