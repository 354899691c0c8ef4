//! One entry of a bundle as a request of its own.

use crate::{
    act::{Op, Target, body_of, rooted},
    fault::Fault,
    negotiate::{NoneMatch, Wishes, must_match, pairs},
    routes,
    session::House,
};
use fhir::{IssueCode, Value};

/// An entry, understood.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// By which the bundle's other entries call its resource.
    pub(super) full_url: Option<String>,
    /// What it asks.
    pub(super) op: Op,
    /// Under which conditions.
    pub(super) wishes: Wishes,
}

impl Entry {
    pub(super) fn read(
        item: &Value,
        resource: Option<Value>,
        house: &House,
    ) -> Result<Entry, Fault> {
        let required = |what: &str| {
            Fault::bad(
                IssueCode::Required,
                format!("The entry has no request.{what}."),
            )
        };
        let method = item
            .text("request.method")
            .ok_or_else(|| required("method"))?;
        let url = item.text("request.url").ok_or_else(|| required("url"))?;
        let url = url.strip_prefix(&house.base).unwrap_or(url);
        let url = url.trim_start_matches('/');
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (route, places) =
            routes::find(method, &format!("/fhir/{path}")).map_err(|fault| Fault {
                status: 400,
                ..fault
            })?;
        let resource = resource.map(|resource| rooted(resource, &house.base));
        let op =
            Op::new(route.interaction, &places, pairs(query)?, resource)?.ok_or_else(|| {
                Fault::bad(
                    IssueCode::NotSupported,
                    "An entry reads, searches, creates, updates or deletes.",
                )
            })?;
        Ok(Entry {
            full_url: item.text("fullUrl").map(str::to_owned),
            op: sound(op)?,
            wishes: wishes(item)?,
        })
    }
}

/// The resource of an entry, checked.
fn sound(op: Op) -> Result<Op, Fault> {
    Ok(match op {
        Op::Create(of, resource) => Op::Create(of, body_of(of, resource)?),
        Op::Update(of, target, resource) => {
            let resource = body_of(of, resource)?;
            if let Target::Id(id) = &target
                && resource.text("id").is_some_and(|own| own != id)
            {
                return Err(Fault::bad(
                    IssueCode::Invalid,
                    format!("The resource's id is not the one of its address, `{id}`."),
                ));
            }
            Op::Update(of, target, resource)
        }
        other => other,
    })
}

fn wishes(item: &Value) -> Result<Wishes, Fault> {
    let text = |name: &str| item.text(&format!("request.{name}"));
    let if_none_match = text("ifNoneMatch").map(NoneMatch::read);
    Ok(Wishes {
        if_match: text("ifMatch")
            .map(|tag| must_match("request.ifMatch", tag))
            .transpose()?,
        // An instant, as the bundle's check made sure.
        if_modified_since: text("ifModifiedSince")
            .filter(|_| if_none_match.is_none())
            .and_then(|instant| instant.parse().ok()),
        if_none_match,
        if_none_exist: text("ifNoneExist").map(str::to_owned),
        ..Wishes::default()
    })
}
