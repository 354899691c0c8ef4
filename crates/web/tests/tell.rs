//! Telling in spite of a wish not to know, through the pages: two doctors, and the person who reads it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{CURP, network, patient, remember, write};
use jiff::Timestamp;
use pages::{Browser, account, find};
use trust::{Finding, Role, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn two_doctors_tell_what_cannot_wait_and_she_reads_it_and_no_more() {
    let nodes = network().await;
    remember(&nodes[0], "Asma");
    let now = Timestamp::now();
    let she = patient(&nodes[0].id);
    let wish = vec![Wish::plain(Finding::Cancer, now)];
    nodes[0].gate.wish(&she, wish, now).unwrap();
    let found = r#"{"resourceType":"Observation","id":"gen","status":"final","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"cancer"}]},"code":{"text":"Biopsia"},"subject":{"reference":"Patient/p-farmacia"}}"#;
    write(&nodes[0], &[("Observation", "gen", found)]);
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[0], "elena", Role::Physician, None);
    account(&nodes[0], "pilar", Role::Pharmacist, None);
    account(&nodes[0], "lupita", Role::Patient, None);

    let mut ana = Browser::at(&nodes[0]);
    ana.sign_in("ana").await;
    let (person, csrf) = find(&ana).await;
    // Without caring for her, nobody comes so far.
    let early = ana.get(&format!("{person}/avisar")).await;
    assert_eq!(early.status, StatusCode::FORBIDDEN);
    ana.post(&format!("{person}/recibir"), &[("csrf", &csrf)])
        .await;
    let summary = ana.get(&person).await;
    let link = summary.after("id=\"pidio-no-saber\"");
    assert!(
        summary.html.contains(&format!("href=\"{person}/avisar\"")),
        "{link}"
    );
    let tell = format!("{person}/avisar");
    let page = ana.get(&tell).await;
    assert_eq!(page.status, StatusCode::OK);
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("finding", "cancer"),
        ("ground", "imminent-danger"),
        ("message", ""),
        ("reason", "Se puede tratar si empieza esta semana."),
        ("to", "Su hermana"),
    ];
    let lacks = ana.post(&tell, &fields).await;
    assert_eq!(lacks.status, StatusCode::UNPROCESSABLE_ENTITY);
    for mark in ["href=\"#message\"", "href=\"#to\"", "Se puede tratar"] {
        assert!(lacks.html.contains(mark), "{mark}: {}", lacks.html);
    }
    fields[3].1 = "Ven hoy mismo; esto se cura si se trata ya.";
    fields[5].1 = "";
    let proposed = ana.post(&tell, &fields).await;
    assert_eq!(proposed.status, StatusCode::SEE_OTHER, "{}", proposed.html);
    let waits = ana.get(&tell).await;
    assert!(
        waits.html.contains("data-test=\"aviso-espera\"")
            && !waits.html.contains("data-test=\"firmar\""),
        "her own she cannot sign: {}",
        waits.html
    );

    let mut lupita = Browser::at(&nodes[0]);
    lupita.sign_in("lupita").await;
    let before = lupita.get("/saber").await;
    assert!(!before.html.contains("Ven hoy mismo"), "{}", before.html);

    let mut elena = Browser::at(&nodes[0]);
    elena.sign_in("elena").await;
    let (person, csrf) = find(&elena).await;
    let waits = elena.get(&format!("{person}/avisar")).await;
    assert!(waits.html.contains("Ven hoy mismo"), "{}", waits.html);
    let sign = waits.after("action=\"/persona/").to_owned();
    let signed = elena
        .post(&format!("/persona/{sign}"), &[("csrf", &csrf)])
        .await;
    assert_eq!(signed.status, StatusCode::SEE_OTHER, "{}", signed.html);
    let again = elena
        .post(&format!("/persona/{sign}"), &[("csrf", &csrf)])
        .await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.html.contains("id=\"problema\""), "{}", again.html);

    let after = lupita.get("/saber").await;
    assert!(
        after.html.contains("Ven hoy mismo") && after.html.contains("Se puede tratar"),
        "{}",
        after.html
    );
    let history = lupita.get("/historia?todo=1").await;
    assert!(
        history.html.contains("Asma") && !history.html.contains("Biopsia"),
        "{}",
        history.html
    );
    // Whoever is no doctor has no such page.
    let mut pilar = Browser::at(&nodes[0]);
    pilar.sign_in("pilar").await;
    let (person, _) = find(&pilar).await;
    let refused = pilar.get(&format!("{person}/avisar")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        nodes[0].gate.wishes(nodes[0].gate.tag(CURP)).len(),
        1,
        "the wish stands"
    );
}
