//! Which resource a value stands in, and what its references lead to: contained resources, other entries of a bundle,
//! and what whoever asks can look up.

use crate::{ResourceType, Value};

/// A resource being validated, and what holds it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'v> {
    pub(super) resource: &'v Value,
    /// The resource that contains it, or itself.
    pub(super) root: &'v Value,
    /// The bundle (or parameters) it is an entry of.
    pub(super) outer: Option<&'s Scope<'s, 'v>>,
    /// Its entry's fullUrl.
    pub(super) url: Option<&'v str>,
    /// Where it stands in the whole.
    pub(super) depth: usize,
}

impl<'v> Scope<'_, 'v> {
    /// What a reference leads to, when it is here.
    pub(super) fn resolve(&self, reference: &str) -> Option<&'v Value> {
        if let Some(id) = reference.strip_prefix('#') {
            if id.is_empty() {
                return Some(self.root);
            }
            let contained = self.root.list("contained");
            return contained.iter().find(|r| r.text("id") == Some(id));
        }
        let bundle = self.bundle()?;
        let entries = bundle.resource.list("entry");
        let bare = reference.split("/_history/").next().unwrap_or(reference);
        let by_url = |url: &str| {
            let entry = entries.iter().find(|e| e.text("fullUrl") == Some(url))?;
            entry.get("resource")
        };
        if bare.contains(':') {
            return by_url(bare);
        }
        // A relative reference is meant from the entry's own address.
        if let Some(base) = self.full_url().and_then(base_of)
            && let Some(found) = by_url(&format!("{base}/{bare}"))
        {
            return Some(found);
        }
        let (of, id) = bare.rsplit_once('/')?;
        let entry = entries.iter().find(|e| {
            e.text("resource.id") == Some(id) && e.text("resource.resourceType") == Some(of)
        })?;
        entry.get("resource")
    }

    /// The bundle that this stands in.
    pub(super) fn bundle(&self) -> Option<&Self> {
        let mut at = self;
        loop {
            at = at.outer?;
            if at.resource.text("resourceType") == Some("Bundle") {
                return Some(at);
            }
        }
    }

    fn full_url(&self) -> Option<&'v str> {
        let mut at = self;
        loop {
            if at.url.is_some() {
                return at.url;
            }
            at = at.outer?;
        }
    }
}

/// `http://server/fhir` of `http://server/fhir/Patient/1`.
fn base_of(url: &str) -> Option<&str> {
    let (rest, _) = url.rsplit_once('/')?;
    let (base, of) = rest.rsplit_once('/')?;
    ResourceType::from_name(of).map(|_| base)
}

/// The type that a reference's text names, if it does.
pub(super) fn type_named(reference: &str) -> Option<ResourceType> {
    let bare = reference.split("/_history/").next().unwrap_or(reference);
    let bare = bare.split('?').next().unwrap_or(bare);
    let mut steps = bare.rsplit('/');
    let last = steps.next()?;
    let of = if reference.contains('?') {
        last
    } else {
        steps.next()?
    };
    ResourceType::from_name(of)
}
