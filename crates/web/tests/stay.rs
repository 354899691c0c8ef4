//! A referral and a stay through the pages: one institution sends her, the other's desk finds that, she stays and goes.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{CURP, network, remember};
use pages::{Browser, account, find};
use trust::Role;

#[tokio::test(flavor = "multi_thread")]
async fn she_is_sent_by_one_institution_and_stays_at_another_until_she_is_discharged() {
    let nodes = network().await;
    let (imss, hospital) = (&nodes[1], &nodes[2]);
    remember(imss, "Diabetes mellitus tipo 2");
    account(imss, "ana", Role::Physician, None);
    account(hospital, "carmen", Role::Clerk, None);
    account(hospital, "luis", Role::Physician, None);
    account(imss, "lupita", Role::Patient, Some(CURP));

    let mut carmen = Browser::at(hospital);
    carmen.sign_in("carmen").await;
    let (person, csrf) = find(&carmen).await;
    let token = [("csrf", csrf.as_str())];
    let nobody = carmen.post(&format!("{person}/referida"), &token).await;
    assert_eq!(nobody.status, StatusCode::FORBIDDEN);
    assert!(
        nobody.html.contains("tiene una referencia vigente") && nobody.html.contains("Recibir"),
        "{}",
        nobody.html
    );

    // The doctor at IMSS receives her and sends her to the hospital.
    let mut ana = Browser::at(imss);
    ana.sign_in("ana").await;
    let (there, hers) = find(&ana).await;
    ana.post(&format!("{there}/recibir"), &[("csrf", &hers)])
        .await;
    let page = ana.get(&there).await;
    let errand = page.after("name=\"errand\" value=\"").to_owned();
    let sent = [
        ("csrf", hers.as_str()),
        ("errand", errand.as_str()),
        ("to", "hospital"),
        ("service", "Cardiología"),
        ("referral_reason", "Soplo"),
        ("priority", "routine"),
    ];
    let sent = ana.post(&format!("{there}/referencia"), &sent).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);

    // The desk at the hospital finds that; the doctor reads before she comes, and cannot write yet.
    let mut luis = Browser::at(hospital);
    luis.sign_in("luis").await;
    let (record, his) = find(&luis).await;
    assert_eq!(luis.get(&record).await.status, StatusCode::FORBIDDEN);
    let found = carmen.post(&format!("{person}/referida"), &token).await;
    assert!(
        found.html.contains("La persona viene referida") && !found.html.contains("Cardiología"),
        "{}",
        found.html
    );
    let read = luis.get(&record).await;
    assert!(
        read.html.contains("Diabetes") && read.html.contains("Cardiología"),
        "{}",
        read.html
    );
    assert!(
        read.html.contains("recibir-para-escribir") && !read.html.contains("name=\"errand\""),
        "{}",
        read.html
    );
    // Nobody stays who did not come.
    let absent = carmen.post(&format!("{person}/internar"), &token).await;
    assert_eq!(absent.status, StatusCode::FORBIDDEN);
    assert!(absent.html.contains("Recibe primero"), "{}", absent.html);

    let received = carmen.post(&format!("{person}/recibir"), &token).await;
    assert!(
        received.html.contains("id=\"internar\""),
        "{}",
        received.html
    );
    let stays = carmen.post(&format!("{person}/internar"), &token).await;
    assert!(
        stays.html.contains("data-test=\"internada\"") && stays.html.contains("id=\"dar-de-alta\""),
        "{}",
        stays.html
    );
    let errand = luis
        .get(&record)
        .await
        .after("name=\"errand\" value=\"")
        .to_owned();
    let note = [
        ("csrf", his.as_str()),
        ("errand", errand.as_str()),
        ("reason", "Valoración"),
        ("findings", "Sin soplo"),
        ("plan", "Alta"),
    ];
    let written = luis.post(&format!("{record}/nota"), &note).await;
    assert_eq!(written.status, StatusCode::SEE_OTHER, "{}", written.html);
    let ward = luis.get(&record).await;
    assert!(
        ward.html.contains("data-test=\"internada\""),
        "{}",
        ward.html
    );
    let gone = luis
        .post(&format!("{record}/alta"), &[("csrf", &his)])
        .await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER);
    let again = carmen.post(&format!("{person}/alta"), &token).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{}", again.html);

    let mut lupita = Browser::at(imss);
    lupita.sign_in("lupita").await;
    let looks = lupita.get("/accesos").await;
    for said in [
        "te internó",
        "te dio de alta",
        "vio que te enviaron ahí",
        "porque te enviaron ahí",
    ] {
        assert!(looks.html.contains(said), "{said}: {}", looks.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pharmacy_offers_no_stay_and_a_pact_without_referrals_no_search_for_one() {
    let nodes = common::network_under(|pact| {
        pact.care = None;
        pact.purposes[0].evidence.truncate(3);
    })
    .await;
    remember(&nodes[0], "Asma");
    for place in [0, 2] {
        account(&nodes[place], "carmen", Role::Clerk, None);
        let mut carmen = Browser::at(&nodes[place]);
        carmen.sign_in("carmen").await;
        let (person, csrf) = find(&carmen).await;
        let token = [("csrf", csrf.as_str())];
        let received = carmen.post(&format!("{person}/recibir"), &token).await;
        assert!(
            !received.html.contains("id=\"internar\""),
            "{}",
            received.html
        );
        let asked = carmen.post(&format!("{person}/referida"), &token).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        assert!(
            !asked.html.contains("id=\"viene-referida\""),
            "{}",
            asked.html
        );
    }
}
