//! What anyone may see: the node's public log, and whether the node is up.

use crate::{fault::Fault, session::House};
use axum::body::Body;
use fhir::obj;
use http::{HeaderValue, Response, header};
use ledger::tile::File;

/// A tile, once written, never changes; a checkpoint is to be asked for anew each time.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const EACH_TIME: HeaderValue = HeaderValue::from_static("no-cache");

/// A file of the log, with how long it may be kept. Blocks on the archive.
pub(crate) fn log_file(house: &House, path: &str) -> Result<Response<Body>, Fault> {
    let nothing = || Fault::not_found("The log has no such file (yet).");
    let file = File::parse(path).ok_or_else(nothing)?;
    let bytes = house.gate.log_file(path).ok_or_else(nothing)?;
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.content_type()),
    );
    let keep = match file.immutable() {
        true => FOR_EVER,
        false => EACH_TIME,
    };
    headers.insert(header::CACHE_CONTROL, keep);
    Ok(response)
}

/// That the process answers (`live`), or that it can also reach its archive (`ready`).
pub(crate) fn health(state: &str) -> Vec<u8> {
    obj! { "status" => state, "version" => env!("CARGO_PKG_VERSION") }.to_bytes()
}
