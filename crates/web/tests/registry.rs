//! Who is who, through the pages: the desk compares and decides, the person takes out what is not hers.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::*;
use jiff::Timestamp;
use pages::{Browser, account};
use std::sync::Arc;
use trust::Role;

/// Two registrations of somebody who was written down twice, the second without a CURP.
fn twice(node: &Node) {
    let about = |id: &str, curp: &str, given: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}",{curp}"name":[{{"family":"Escamilla Arroyo","given":["{given}"]}}],"gender":"female","birthDate":"2001-02-03","telecom":[{{"system":"phone","value":"55 5123 4567"}}]}}"#
        )
    };
    let number = format!(
        r#""identifier":[{{"system":"{}","value":"{CURP}"}}],"#,
        mx::systems::CURP
    );
    let (one, two) = (about("her", &number, "María"), about("dos", "", "Ma."));
    let condition = r#"{"resourceType":"Condition","id":"cdos","subject":{"reference":"Patient/dos"},"code":{"text":"Asma leve"},"recordedDate":"2026-01-01"}"#;
    let now = Timestamp::now();
    write_at(node, &[("Patient", "her", &one)], now);
    write_at(node, &[("Patient", "dos", &two)], now);
    write_at(node, &[("Condition", "cdos", condition)], now);
}

/// A browser at a node that keeps its register; it is filled unless told otherwise.
fn browser(node: &Node, desk: &Arc<identity::Desk>) -> Browser {
    let clock: web::Clock = Arc::new(Timestamp::now);
    let state = web::State::new(node.gate.clone(), node.network.clone(), clock, vec![]).unwrap();
    Browser {
        pages: web::router(state.with_register(desk.clone())),
        cookie: String::new(),
    }
}

fn fill(node: &Node, desk: &Arc<identity::Desk>) {
    let told = desk.clone();
    let registrar = move |one: trust::Registered<'_>| {
        let registration = one.patient.map(identity::registration_of);
        told.changed(one.id, one.version, registration)
    };
    let now = Timestamp::now();
    node.gate.keep_register(Box::new(registrar), now).unwrap();
    desk.open();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_compares_joins_and_the_person_takes_out_what_is_not_hers() {
    let nodes = network().await;
    let node = &nodes[1];
    twice(node);
    account(node, "carmen", Role::Clerk, None);
    account(node, "ana", Role::Physician, None);
    account(node, "lupita", Role::Patient, None);
    let desk = Arc::new(identity::Desk::default());
    let mut carmen = browser(node, &desk);
    carmen.sign_in("carmen").await;
    let early = carmen.get("/registro").await;
    assert!(early.html.contains("registro-llenandose"), "{}", early.html);
    fill(node, &desk);

    let mut lupita = browser(node, &desk);
    lupita.sign_in("lupita").await;
    let before = lupita.get("/quien-soy").await;
    assert_eq!(before.html.matches("data-test=\"registro\"").count(), 1);
    assert!(before.html.contains("Lleva tu CURP"), "{}", before.html);

    let list = carmen.get("/registro").await;
    assert_eq!(
        list.html.matches("data-test=\"par\"").count(),
        1,
        "{}",
        list.html
    );
    for value in ["Escamilla", CURP, "2001"] {
        assert!(!list.html.contains(value), "the list names nobody: {value}");
    }
    let path = format!("/registro/{}", list.after("href=\"/registro/"));
    let pair = carmen.get(&path).await;
    assert_eq!(pair.status, StatusCode::OK, "{}", pair.html);
    for said in [
        "Escamilla Arroyo",
        "la fecha de nacimiento coincide",
        "Es la misma persona",
    ] {
        assert!(pair.html.contains(said), "{said}: {}", pair.html);
    }
    let looks = lupita.get("/accesos").await;
    assert!(looks.html.contains("comparó tu registro"), "{}", looks.html);

    // A form without a decision decides nothing; a doctor has no such page.
    let csrf = pair.csrf().to_owned();
    let nothing = carmen.post(&path, &[("csrf", &csrf)]).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let mut ana = browser(node, &desk);
    ana.sign_in("ana").await;
    assert_eq!(ana.get("/registro").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ana.get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(lupita.get("/registro").await.status, StatusCode::FORBIDDEN);

    let joined = carmen
        .post(&path, &[("csrf", &csrf), ("decision", "one")])
        .await;
    assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.html);
    let list = carmen.get("/registro").await;
    assert!(list.html.contains("sin-pares"), "{}", list.html);
    let history = lupita.get("/historia").await;
    assert!(history.html.contains("Asma leve"), "{}", history.html);
    let own = lupita.get("/quien-soy").await;
    assert_eq!(own.html.matches("data-test=\"registro\"").count(), 2);
    assert!(own.html.contains("Lo unió"), "{}", own.html);

    // The second one, which was joined.
    let joined = own.html.split("data-test=\"registro\"").nth(2).unwrap();
    let (joined, reference) = match joined.contains("Lo unió") {
        true => (joined, 2),
        false => (own.html.split("data-test=\"registro\"").nth(1).unwrap(), 1),
    };
    assert!(joined.contains("Lo unió") && reference > 0);
    let sealed = joined.split("name=\"registro\" value=\"").nth(1).unwrap();
    let sealed = sealed.split('"').next().unwrap().to_owned();
    let csrf = own.csrf().to_owned();
    let out = lupita
        .post(
            "/quien-soy/no-soy-yo",
            &[("csrf", &csrf), ("registro", &sealed)],
        )
        .await;
    assert_eq!(out.status, StatusCode::SEE_OTHER, "{}", out.html);
    let history = lupita.get("/historia").await;
    assert!(!history.html.contains("Asma leve"));
    let own = lupita.get("/quien-soy").await;
    assert_eq!(own.html.matches("data-test=\"registro\"").count(), 1);
    let looks = lupita.get("/accesos").await;
    for said in ["unió dos registros tuyos", "no es suyo"] {
        assert!(looks.html.contains(said), "{said}: {}", looks.html);
    }
    // Nobody takes out by a reference of another session.
    let stale = ana
        .post(
            "/quien-soy/no-soy-yo",
            &[("csrf", ana.get("/").await.csrf()), ("registro", &sealed)],
        )
        .await;
    assert_eq!(stale.status, StatusCode::GONE);

    let list = carmen.get("/registro").await;
    assert!(
        list.html.contains("data-test=\"no-soy-yo\""),
        "{}",
        list.html
    );
    let path = format!("/registro/{}", list.after("href=\"/registro/"));
    let csrf = list_csrf(&carmen, &path).await;
    let two = carmen
        .post(&path, &[("csrf", &csrf), ("decision", "two")])
        .await;
    assert_eq!(two.status, StatusCode::SEE_OTHER, "{}", two.html);
    let list = carmen.get("/registro").await;
    assert!(
        !list.html.contains("data-test=\"no-soy-yo\""),
        "{}",
        list.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_sees_who_resembles_somebody_of_another_institution_and_says_what_it_knows() {
    let nodes = network_under(|pact| pact.linkage = Some(trust::Linkage::usual())).await;
    let (imss, issste) = (&nodes[1], &nodes[3]);
    let here = r#"{"resourceType":"Patient","id":"dos","name":[{"family":"Escamilla Arroyo","given":["María"]}],"birthDate":"2001-02-03"}"#;
    write(imss, &[("Patient", "dos", here)]);
    let number = format!(
        r#","identifier":[{{"system":"{}","value":"{CURP}"}}]"#,
        mx::systems::CURP
    );
    let there = format!(
        r#"{{"resourceType":"Patient","id":"alla"{number},"name":[{{"family":"Escamilla Arroyo","given":["Ma."]}}],"birthDate":"2001-02-03"}}"#
    );
    write(issste, &[("Patient", "alla", &there)]);
    account(imss, "carmen", Role::Clerk, None);
    account(imss, "ana", Role::Physician, None);
    let desk = Arc::new(identity::Desk::default());
    fill(imss, &desk);
    let mut carmen = browser(imss, &desk);
    carmen.sign_in("carmen").await;
    let list = carmen.get("/registro").await;
    assert!(!list.html.contains("en-otra"), "{}", list.html);

    let compared = imss.network.compare_registers(&issste.id).await.unwrap();
    assert_eq!((compared.here, compared.there, compared.wait), (1, 1, 1));
    let list = carmen.get("/registro").await;
    assert_eq!(list.html.matches("data-test=\"en-otra\"").count(), 1);
    assert!(!list.html.contains("Escamilla"), "{}", list.html);
    let path = format!("/registro/otra/{}", list.after("href=\"/registro/otra/"));
    let shown = carmen.get(&path).await;
    for said in ["Escamilla Arroyo", "ISSSTE", "primer apellido", "sin-curp"] {
        assert!(shown.html.contains(said), "{said}: {}", shown.html);
    }
    let mut ana = browser(imss, &desk);
    ana.sign_in("ana").await;
    assert_eq!(ana.get(&path).await.status, StatusCode::FORBIDDEN);
    let csrf = shown.csrf().to_owned();
    let nothing = carmen.post(&path, &[("csrf", &csrf)]).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
    let said = carmen
        .post(&path, &[("csrf", &csrf), ("decision", "two")])
        .await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let list = carmen.get("/registro").await;
    assert!(!list.html.contains("en-otra"), "{}", list.html);
}

async fn list_csrf(browser: &Browser, path: &str) -> String {
    browser.get(path).await.csrf().to_owned()
}
