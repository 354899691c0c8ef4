//! A browser without a screen, and who sits before it.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, missing_docs)] // Each test file uses its part.

use crate::common::{CURP, Node};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use jiff::Timestamp;
use std::sync::Arc;
use tower::ServiceExt;
use trust::{Licence, LicenceState, NewAccount, Role};

const HOST: &str = "farmacia.example:443";

pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) cookie: String,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) html: String,
}

impl Seen {
    /// The first value of an attribute after a mark.
    pub(crate) fn after<'a>(&'a self, mark: &str) -> &'a str {
        let rest = self
            .html
            .split(mark)
            .nth(1)
            .unwrap_or_else(|| panic!("{mark} in {}", self.html));
        rest.split('"').next().unwrap()
    }
    pub(crate) fn csrf(&self) -> &str {
        self.after("name=\"csrf\" value=\"")
    }
}

/// A browser with one session.
pub(crate) struct Browser {
    pub(crate) pages: Router,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn at(node: &Node) -> Browser {
        Browser::with(node, Arc::new(Timestamp::now))
    }
    pub(crate) fn with(node: &Node, clock: web::Clock) -> Browser {
        let state =
            web::State::new(node.gate.clone(), node.network.clone(), clock, vec![]).unwrap();
        Browser {
            pages: web::router(state),
            cookie: String::new(),
        }
    }
    pub(crate) async fn ask(&self, request: Request<Body>) -> Seen {
        let response = self.pages.clone().oneshot(request).await.unwrap();
        let of = |name| {
            let value = response.headers().get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (location, cookie) = (of(header::LOCATION), of(header::SET_COOKIE));
        let (status, headers) = (response.status(), response.headers().clone());
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let html = String::from_utf8_lossy(&body).into_owned();
        Seen {
            status,
            location,
            cookie,
            headers,
            html,
        }
    }
    pub(crate) async fn get(&self, path: &str) -> Seen {
        let request = Request::get(path)
            .header("host", HOST)
            .header("cookie", &self.cookie);
        self.ask(request.body(Body::empty()).unwrap()).await
    }
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_from("https://farmacia.example:443", path, fields)
            .await
    }
    pub(crate) async fn post_from(
        &self,
        origin: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Seen {
        let encode = |text: &str| -> String { text.bytes().map(|b| format!("%{b:02X}")).collect() };
        let body: Vec<String> = fields
            .iter()
            .map(|(n, v)| format!("{}={}", encode(n), encode(v)))
            .collect();
        let request = Request::post(path)
            .header("host", HOST)
            .header("origin", origin)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(body.join("&"))).unwrap())
            .await
    }
    pub(crate) async fn sign_in(&mut self, login: &str) {
        let seen = self
            .post("/entrar", &[("login", login), ("secret", PASSWORD)])
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.html);
        assert!(seen.cookie.starts_with("__Host-tejido-sesion-"));
        for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(seen.cookie.contains(part), "{}", seen.cookie);
        }
        self.cookie = seen.cookie.split(';').next().unwrap().to_owned();
    }
}

/// Everybody's password.
pub(crate) const PASSWORD: &str = "secreto-largo-1";

/// An account at a node: a doctor with an active licence, the person, or somebody else of a unit.
pub(crate) fn account(node: &Node, login: &str, role: Role, unit: Option<&str>) {
    let licence = (role == Role::Physician).then(|| Licence {
        // Two people have two.
        cedula: format!("12345{:02}", login.len()),
        specialty: "Medicina general".into(),
        state: LicenceState::Active,
        checked: Timestamp::now(),
        supervisor: None,
    });
    let account = NewAccount {
        login: login.into(),
        secret: PASSWORD.into(),
        name: if role == Role::Patient {
            "Lupita"
        } else {
            "Dra. Ana Ruiz"
        }
        .into(),
        role,
        licence,
        curp: (role == Role::Patient).then(|| CURP.to_owned()),
        unit: unit.map(str::to_owned),
    };
    node.gate.account(account, Timestamp::now()).unwrap();
}

/// Finds the person; gives the path of her page.
pub(crate) async fn find(doctor: &Browser) -> (String, String) {
    let home = doctor.get("/").await;
    let csrf = home.csrf().to_owned();
    let sent = doctor
        .post(
            "/buscar",
            &[("csrf", &csrf), ("por", "curp"), ("curp", CURP)],
        )
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    assert!(!sent.location.contains(CURP));
    let results = doctor.get(&sent.location).await;
    assert!(
        results.html.contains("Escamilla Arroyo"),
        "{}",
        results.html
    );
    let sealed = results
        .after("action=\"/persona/")
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    (format!("/persona/{sealed}"), csrf)
}

/// Every route of the pages with its methods, in the order of `routes.rs`.
pub(crate) fn routes() -> Vec<(&'static str, &'static str)> {
    let source = include_str!("../../src/routes.rs");
    let mut routes = Vec::new();
    for part in source.split(".route(").skip(1) {
        let path = part.split('"').nth(1).unwrap();
        let methods = part.split(".fallback").next().unwrap();
        for (call, method) in [("get(", "GET"), ("post(", "POST")] {
            if methods.contains(call) {
                routes.push((method, path));
            }
        }
    }
    routes
}

/// A text in which runs of letters and digits that are drawn anew each time (seals, names of acts, hashes) stand by their
/// length.
pub(crate) fn drawn(text: &str) -> String {
    let mut out = String::new();
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '=');
    let mut rest = text;
    while let Some(first) = rest.find(letter) {
        let (before, from) = rest.split_at(first);
        out.push_str(before);
        let end = from.find(|c| !letter(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        match run.len() >= 20 && digits > 0 {
            true => out.push_str(&format!("<{}>", run.len())),
            false => out.push_str(run),
        }
        rest = after;
    }
    out + rest
}

/// What an application makes of the secret on the page of the second factor.
pub(crate) fn code(secret: &str, now: Timestamp) -> String {
    let letters = secret.chars().filter(|c| !c.is_whitespace());
    let five = letters.map(|c| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap());
    let bits: Vec<bool> = five
        .flat_map(|n| (0..5).rev().map(move |bit| n >> bit & 1 == 1))
        .collect();
    let byte = |bits: &[bool]| bits.iter().fold(0, |all, bit| all << 1 | u8::from(*bit));
    let secret: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    trust::glass::totp::present(&secret, now)
}
