//! What was found out, as an answer of HTTP.

use crate::{
    fault::Fault,
    negotiate::{Return, Wishes},
    reply::Reply,
    shape,
};
use axum::body::{Body, Bytes, HttpBody};
use fhir::IssueCode;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use trust::Finding;

pub(crate) const FHIR_JSON: HeaderValue =
    HeaderValue::from_static("application/fhir+json; charset=utf-8");
pub(crate) const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json");

const ERASE_BY: HeaderName = HeaderName::from_static("erase-by");
const OPEN_AGAIN: HeaderName = HeaderName::from_static("open-again");
/// Says to who cares for somebody that she asked not to know of findings in the answer: their codes.
const ASKED_NOT_TO_KNOW: HeaderName = HeaderName::from_static("asked-not-to-know");
/// Says to a person which members have not heard yet what she said.
const NOT_YET_TOLD: HeaderName = HeaderName::from_static("not-yet-told");

pub(crate) fn json_response(
    status: u16,
    body: Bytes,
    pretty: bool,
    kind: HeaderValue,
) -> Response<Body> {
    let body = match pretty.then(|| shape::pretty(&body)).flatten() {
        Some(indented) => indented.into(),
        None => body,
    };
    let empty = body.is_empty();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if !empty {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

pub(crate) fn respond_fault(fault: &Fault, pretty: bool) -> Response<Body> {
    let body = fault.outcome().to_bytes().into();
    let mut response = json_response(fault.status, body, pretty, FHIR_JSON);
    let headers = response.headers_mut();
    if let Some(seconds) = fault.retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = fault.allow.as_deref().and_then(|allow| allow.parse().ok()) {
        headers.insert(header::ALLOW, allow);
    }
    if let Some(challenge) = fault.challenge {
        headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
    }
    response
}

pub(crate) fn respond(mut reply: Reply, wishes: &Wishes, base: &str) -> Response<Body> {
    let body = match (reply.write, wishes.prefer) {
        (true, Some(Return::Minimal)) => Bytes::new(),
        (true, Some(Return::Outcome)) => done(&reply).into(),
        _ => std::mem::take(&mut reply.body).into_bytes(),
    };
    let status = match (reply.status, body.is_empty()) {
        (204, false) => 200,
        (status, _) => status,
    };
    let mut response = json_response(status, body, wishes.pretty, FHIR_JSON);
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, text: String| {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    };
    if let Some(location) = &reply.location {
        put(header::LOCATION, format!("{base}/{location}"));
    }
    if let Some(version) = reply.version {
        put(header::ETAG, format!("W/\"{version}\""));
    }
    if let Some(updated) = reply.updated
        && let Ok(text) =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&updated)
    {
        put(header::LAST_MODIFIED, text);
    }
    if reply.unwanted.0 != 0 {
        let codes: Vec<&str> = Finding::of(reply.unwanted)
            .into_iter()
            .map(Finding::code)
            .collect();
        put(ASKED_NOT_TO_KNOW, codes.join(", "));
    }
    if !reply.untold.is_empty() {
        let names: Vec<&str> = reply.untold.iter().map(|one| one.0.as_str()).collect();
        put(NOT_YET_TOLD, names.join(", "));
    }
    if let Some(at) = reply.terms.erase_at {
        put(ERASE_BY, at.to_string());
    }
    if let Some(at) = reply.terms.again {
        put(OPEN_AGAIN, at.to_string());
    }
    response
}

/// What `Prefer: return=OperationOutcome` asks for.
pub(crate) fn done(reply: &Reply) -> Vec<u8> {
    let said = match reply.status {
        201 => "Stored as a new resource.",
        204 => "It is not here (any more).",
        _ => "Stored; if it was the same as what is here, nothing changed.",
    };
    fhir::outcome(&[fhir::Issue {
        severity: "information",
        code: IssueCode::Informational,
        diagnostics: said.into(),
        expression: String::new(),
    }])
    .to_bytes()
}

/// The answer to `HEAD`: what `GET` says, without the body.
pub(crate) fn headers_only(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
