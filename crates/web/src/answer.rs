//! Answers: pages, redirects, and the headers that every one of them carries.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};

/// The one stylesheet.
pub const STYLE: &str = include_str!("../assets/style.css");
/// The sign of Tejido.
pub(crate) const FAVICON: &str = include_str!("../assets/favicon.svg");

const CSP: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `same-origin` and not `no-referrer`: under the latter browsers send `Origin: null` with our own forms, and the check
/// of where a form comes from would be blind. To other sites it says as little.
const REFERRER: &str = "same-origin";

/// A finished page.
pub(crate) fn page(status: StatusCode, html: String) -> Response<Body> {
    typed(status, "text/html; charset=utf-8", html)
}

/// Text of a type.
pub(crate) fn typed(status: StatusCode, of: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(of));
    response
}

/// See other.
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, to);
    response
}

/// Sets a cookie.
pub(crate) fn with_cookie(mut response: Response<Body>, cookie: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A file that may be kept for an hour.
pub(crate) fn asset(of: &'static str, body: &'static str) -> Response<Body> {
    let mut response = typed(StatusCode::OK, of, body);
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    response
}

/// What every answer carries; nothing is kept by browsers or proxies unless it says so itself.
pub(crate) async fn guard(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    let set: [(HeaderName, &'static str); 7] = [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, REFERRER),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=()",
        ),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
