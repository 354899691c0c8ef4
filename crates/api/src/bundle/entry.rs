//! One entry of a bundle as a request of its own.

use crate::{
    act::{Op, Target, body_of, rooted},
    fault::Fault,
    negotiate::{self, NoneMatch, Wishes, must_match, pairs},
    routes,
    session::House,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use fhir::{Issue, IssueCode, Value, json};

/// An entry, understood.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// By which the bundle's other entries call its resource.
    pub(super) full_url: Option<String>,
    /// What it asks.
    pub(super) op: Op,
    /// Under which conditions.
    pub(super) wishes: Wishes,
    /// `HEAD`: the resource itself is not wanted.
    pub(super) head: bool,
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
        let resource = match (method, resource) {
            ("PATCH", Some(patch)) => Some(unwrapped(patch, house)?),
            (_, resource) => resource.map(|resource| rooted(resource, &house.base)),
        };
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
            head: method == "HEAD",
        })
    }
}

/// The patch of an entry: a FHIRPath Patch as it is, others out of the Binary they come in.
fn unwrapped(patch: Value, house: &House) -> Result<Value, Fault> {
    match patch.text("resourceType") {
        Some("Binary") => {}
        Some("Parameters") => return Ok(patch),
        _ => {
            return Err(Fault::bad(
                IssueCode::Invalid,
                "A patch in a bundle is a FHIRPath Patch (Parameters), or a Binary with a JSON Patch or a merge patch.",
            ));
        }
    }
    let wrong = |said: String| {
        let issue = Issue::error(IssueCode::Invalid, "Binary.data", said);
        Fault::of(400, vec![issue])
    };
    let kind = patch.text("contentType").unwrap_or_default();
    let known = [
        "application/json-patch+json",
        "application/merge-patch+json",
    ];
    let plain = kind.split(';').next().unwrap_or_default().trim();
    if !known.contains(&plain) {
        return Err(wrong(format!(
            "A patch in a Binary has the contentType {}.",
            known.join(" or ")
        )));
    }
    let data = patch.text("data").unwrap_or_default();
    let text = STANDARD
        .decode(data)
        .map_err(|_| wrong("This is not base64.".into()))?;
    let limits = json::Limits {
        bytes: house.limits.body_bytes,
        depth: house.limits.depth,
    };
    let patch = json::parse(&text, &limits).map_err(|error| wrong(error.to_string()))?;
    negotiate::patch_of_kind(kind, &patch)?;
    Ok(patch)
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
