//! `read` and `vread`.
//!
//! A read whose decision is known, of an archive in this process, needs microseconds until its act is handed in: it is
//! done on the thread that took the request, and nothing is blocked while the act becomes durable
//! ([`Session::read_at_hand`]). Handing requests to other threads and back cost more than all else of a read. What shows
//! nothing goes the other way, whatever the reason.

use super::nothing_else;
use crate::{
    fault::Fault,
    negotiate::{NoneMatch, Pairs, Wishes},
    reply::{Body, Reply},
    session::{Opening, Outcome, Sealed, Session, verbs},
    shape,
};
use fhir::{
    IssueCode, ResourceType,
    query::{self, Summary},
};
use store::{Held, Verb, Version};
use trust::{Grant, What};

impl Session<'_> {
    pub(super) fn read(
        &self,
        of: ResourceType,
        id: &str,
        pairs: Pairs,
        wishes: &Wishes,
    ) -> Result<Read<impl FnOnce(Found) -> Outcome + Send + use<>>, Fault> {
        let shape = shape_of(of, pairs)?;
        let grant = self.decide_about(of, id, verbs(&[Verb::Read]), reading(of))?;
        let held = self.house.gate.store().read(&grant.permit, of, id)?;
        Ok(self.one_of(of, id, (grant, held), shape, wishes))
    }

    /// The same on this thread, without blocking, where all that it needs is at hand. `None`: nothing was done, and
    /// [`Session::read`] is to be asked.
    pub(crate) fn read_at_hand(
        &self,
        of: ResourceType,
        id: &str,
        pairs: Pairs,
        wishes: &Wishes,
    ) -> Option<Opening> {
        let gate = &self.house.gate;
        if !gate.store().is_near() || self.is_her_word(of) {
            return None;
        }
        let shape = shape_of(of, pairs).ok()?;
        let request = self.about(of, id, verbs(&[Verb::Read]), reading(of));
        let grant = gate.decided_before(request, self.now)?;
        let held = gate.store().read(&grant.permit, of, id).ok()?;
        if held.seen().is_empty() {
            return None;
        }
        let read = self.one_of(of, id, (grant, held), shape, wishes);
        read.opening(self).ok()
    }

    pub(super) fn vread(
        &self,
        of: ResourceType,
        id: &str,
        version: u64,
        wishes: &Wishes,
    ) -> Result<Read<impl FnOnce(Found) -> Outcome + Send + use<>>, Fault> {
        let what = What::Interaction(format!("GET {of}/_history/{version}"));
        let grant = self.decide_about(of, id, verbs(&[Verb::Read]), what)?;
        let store = self.house.gate.store();
        let held = store.vread(&grant.permit, of, id, version)?;
        let whole = (Vec::new(), Summary::False);
        Ok(self.one_of(of, id, (grant, held), whole, wishes))
    }

    /// A version that is held, or that there is none.
    fn one_of(
        &self,
        of: ResourceType,
        id: &str,
        (grant, held): (Grant, Held<Found>),
        shape: Shape,
        wishes: &Wishes,
    ) -> Read<impl FnOnce(Found) -> Outcome + Send + use<>> {
        let (missing, wishes) = (self.missing(of, id), wishes.clone());
        let tell = move |found: Found| shaped(&found.ok_or(missing)?, &shape, &wishes);
        Sealed { grant, held, tell }
    }
}

/// What was found of one resource.
type Found = Option<Version>;
type Read<F> = Sealed<Found, F>;

fn reading(of: ResourceType) -> What {
    What::Interaction(format!("GET {of}"))
}

/// The version, as much of it as was asked for.
pub(super) fn shaped(version: &Version, (elements, summary): &Shape, wishes: &Wishes) -> Outcome {
    let mut reply = shown(version, wishes)?;
    let part = shape::cut(version, elements, *summary);
    if let (Body::Stored(_), Some(part)) = (&reply.body, part) {
        reply.body = Body::Made(part);
    }
    Ok(reply)
}

/// Elements, and a kind of summary.
pub(super) type Shape = (Vec<String>, Summary);

/// A read shows everything, `_elements` or a `_summary`; a search parameter does not belong here.
pub(super) fn shape_of(of: ResourceType, mut pairs: Pairs) -> Result<Shape, Fault> {
    let mut asked = Pairs::new();
    for name in ["_elements", "_summary"] {
        let value = crate::negotiate::take(&mut pairs, name);
        asked.extend(value.map(|value| (name.to_owned(), value)));
    }
    nothing_else(&pairs, "_elements, _summary, _format, _pretty")?;
    if asked.is_empty() {
        return Ok((Vec::new(), Summary::False));
    }
    let query = query::parse(
        &fhir::search::Catalog::r4(),
        of,
        &asked,
        query::Handling::Strict,
    )
    .map_err(|issues| Fault::of(400, issues))?;
    if query.summary == Summary::Count {
        return Err(Fault::bad(
            IssueCode::Value,
            "`_summary=count` counts what a search finds; a read takes true, text, data or false.",
        ));
    }
    Ok((query.elements, query.summary))
}

/// A version as an answer: 410 for a deletion, 304 for what the caller has already.
pub(super) fn shown(version: &Version, wishes: &Wishes) -> Outcome {
    if version.deleted {
        return Err(was_deleted(version));
    }
    let mut reply = Reply::stored(version);
    if is_known(version, wishes) {
        reply.status = 304;
        reply.body = Body::Empty;
    }
    Ok(reply)
}

/// Whether the caller said that she has this version already. `Last-Modified` has whole seconds.
fn is_known(version: &Version, wishes: &Wishes) -> bool {
    match (&wishes.if_none_match, wishes.if_modified_since) {
        (Some(NoneMatch::Any), _) => true,
        (Some(NoneMatch::Versions(known)), _) => known.contains(&version.version),
        (None, Some(since)) => version.updated.as_second() <= since.as_second(),
        (None, None) => false,
    }
}

/// 410.
pub(super) fn was_deleted(version: &Version) -> Fault {
    Fault::new(
        410,
        IssueCode::Deleted,
        format!(
            "{}/{} was deleted; its earlier versions can be read.",
            version.of, version.id
        ),
    )
}
