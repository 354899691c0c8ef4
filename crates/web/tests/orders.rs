//! What the state orders, through the pages: two officers, and a person who reads of it when its day has come.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::*;
use jiff::{SignedDuration, Timestamp};
use pages::{Browser, account};
use std::sync::{Arc, Mutex};
use trust::Role;

/// A clock that the test sets.
fn clock() -> (web::Clock, Arc<Mutex<SignedDuration>>) {
    let ahead = Arc::new(Mutex::new(SignedDuration::ZERO));
    let read = ahead.clone();
    let clock: web::Clock = Arc::new(move || {
        let ahead = *read.lock().unwrap();
        Timestamp::now().checked_add(ahead).unwrap()
    });
    (clock, ahead)
}

const DIGEST: &str = "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB";

/// A page without what is drawn at random or tells the time.
fn bare(html: &str) -> String {
    let hex = |c: char| c.is_ascii_hexdigit();
    let mut out = String::new();
    for part in html.split_inclusive(['"', '/', '>', '<']) {
        let text = part.trim_end_matches(['"', '/', '>', '<']);
        match text.len() >= 32
            && (text.chars().all(hex)
                || text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '?')))
        {
            true => out.push_str("<random>"),
            false => out.push_str(part),
        }
    }
    out
}

/// Her pages in a world where the order is about this person.
async fn world(curp: &str) -> (Vec<Node>, Browser, Arc<Mutex<SignedDuration>>) {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[1], "rosa", Role::Privacy, None);
    account(&nodes[1], "luz", Role::Privacy, None);
    account(&nodes[1], "ana", Role::Physician, None);
    account(&nodes[1], "lupita", Role::Patient, None);
    let (clock, ahead) = clock();
    let at = |node: &Node| Browser::with(node, clock.clone());
    let mut rosa = at(&nodes[1]);
    rosa.sign_in("rosa").await;
    let csrf = rosa.get("/ordenes").await.csrf().to_owned();
    let mut order = vec![
        ("csrf", csrf.as_str()),
        ("curp", curp),
        ("number", "312/2026"),
        ("authority", "Juzgado Tercero de Distrito"),
        ("digest", "no"),
        ("delay", "30"),
        ("what", "diagnoses"),
    ];
    let wrong = rosa.post("/ordenes", &order).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.html.contains("64 cifras hexadecimales"),
        "{}",
        wrong.html
    );
    order[4] = ("digest", DIGEST);
    let brought = rosa.post("/ordenes", &order).await;
    assert_eq!(brought.status, StatusCode::SEE_OTHER, "{}", brought.html);
    let list = rosa.get("/ordenes").await;
    assert!(
        !list.html.contains("data-test=\"autorizar\""),
        "not by herself"
    );
    let mut luz = at(&nodes[1]);
    luz.sign_in("luz").await;
    let list = luz.get("/ordenes").await;
    let release = list.after("action=\"/ordenes/").to_owned();
    let id = release.split('/').next().unwrap().to_owned();
    // Whoever brought it cannot post what the page does not offer.
    let alone = rosa
        .post(&format!("/ordenes/{id}/autorizar"), &[("csrf", &csrf)])
        .await;
    assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY);
    let early = rosa
        .post(&format!("/ordenes/{id}/expediente"), &[("csrf", &csrf)])
        .await;
    assert_eq!(early.status, StatusCode::FORBIDDEN);
    let csrf = list.csrf().to_owned();
    let released = luz
        .post(&format!("/ordenes/{release}"), &[("csrf", &csrf)])
        .await;
    assert_eq!(released.status, StatusCode::SEE_OTHER, "{}", released.html);
    let read = luz
        .post(&format!("/ordenes/{id}/expediente"), &[("csrf", &csrf)])
        .await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(
        read.html.starts_with("{\"resourceType\":\"Bundle\""),
        "{}",
        read.html
    );
    assert_eq!(read.html.contains("Diabetes"), curp == CURP);
    // A doctor has no such page.
    let mut ana = at(&nodes[1]);
    ana.sign_in("ana").await;
    assert_eq!(ana.get("/ordenes").await.status, StatusCode::FORBIDDEN);
    let mut lupita = at(&nodes[1]);
    lupita.sign_in("lupita").await;
    (nodes, lupita, ahead)
}

const OTHER: &str = "BADD110313HCMLNS09";

#[tokio::test(flavor = "multi_thread")]
async fn her_pages_are_the_same_until_her_day_whoever_the_order_is_about() {
    let (_hers, she, ahead) = world(CURP).await;
    let (_others, not_she, _) = world(OTHER).await;
    for path in ["/", "/accesos", "/historia", "/reglas", "/codigo"] {
        let (one, other) = (she.get(path).await, not_she.get(path).await);
        assert_eq!(one.status, StatusCode::OK);
        // The hour of the day may turn between the two worlds.
        let still = |html: &str| {
            let parts: Vec<String> = html
                .split(' ')
                .filter(|word| !word.contains(':'))
                .map(bare)
                .collect();
            parts.join(" ")
        };
        assert_eq!(still(&one.html), still(&other.html), "{path}");
        assert!(!one.html.contains("312/2026"), "{path}");
    }
    *ahead.lock().unwrap() = SignedDuration::from_hours(24 * 31);
    let mut she = she;
    she.sign_in("lupita").await;
    let looks = she.get("/accesos").await;
    for said in [
        "trajo la orden 312/2026",
        "autorizó la orden 312/2026",
        "leyó tus diagnósticos",
    ] {
        assert!(looks.html.contains(said), "{said}: {}", looks.html);
    }
}
