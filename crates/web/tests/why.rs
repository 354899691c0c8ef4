//! The page of why: what she reads of an act at her institution and at another, and what somebody refused is told.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{Node, network, remember};
use pages::{Browser, account, find};
use trust::Role;

/// A doctor of a pharmacy who is refused, then received her; the person closed her medicines to pharmacies before.
async fn consultation() -> (Vec<Node>, Browser, String) {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[1], "lupita", Role::Patient, None);
    let mut lupita = Browser::at(&nodes[1]);
    lupita.sign_in("lupita").await;
    let csrf = lupita.get("/reglas").await.csrf().to_owned();
    let rule = [
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "medicines"),
        ("until", "always"),
        ("hint", "silence"),
    ];
    let said = lupita.post("/reglas", &rule).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);

    let mut doctor = Browser::at(&nodes[0]);
    doctor.sign_in("ana").await;
    let (person, csrf) = find(&doctor).await;
    let refused = doctor.get(&person).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let receive = format!("{person}/recibir");
    doctor.post(&receive, &[("csrf", &csrf)]).await;
    let page = doctor.get(&person).await;
    assert!(page.html.contains("Diabetes"), "{}", page.html);
    (nodes, lupita, refused.html)
}

/// The pages of why that her log leads to, for acts at a member.
async fn whys(lupita: &Browser, member: &str) -> Vec<String> {
    let log = lupita.get("/accesos").await;
    let links = log.html.split("href=\"").skip(1);
    let links = links.map(|rest| rest.split('"').next().unwrap());
    let start = format!("/accesos/{member}/");
    let mut pages = Vec::new();
    for link in links.filter(|link| link.starts_with(&start) && link.ends_with("/porque")) {
        let page = lupita.get(link).await;
        assert_eq!(page.status, StatusCode::OK, "{link} {}", page.html);
        assert!(page.html.contains("data-test=\"movimiento\""));
        pages.push(page.html);
    }
    assert!(!pages.is_empty(), "{}", log.html);
    pages
}

#[track_caller]
fn one_with<'p>(pages: &'p [String], parts: &[&str]) -> &'p str {
    let all = |page: &&String| parts.iter().all(|part| page.contains(part));
    pages
        .iter()
        .find(all)
        .unwrap_or_else(|| panic!("{parts:?} in {pages:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn she_reads_why_a_doctor_saw_and_where_to_ask_of_what_was_decided_elsewhere() {
    let (_nodes, lupita, refused) = consultation().await;
    let pact = "Para la atención (TREAT) se pide: un registro en recepción o una cita";
    // Whoever is refused reads what the pact says, by no name of the person.
    assert!(refused.contains("data-test=\"dice-el-pacto\""), "{refused}");
    assert!(refused.contains(pact), "{refused}");

    // At her own institution: her rule as it was, what counted, and the decision made again.
    let here = whys(&lupita, "imss").await;
    let saw = one_with(&here, &["Ana Ruiz", "data-test=\"otra-vez-same\""]);
    for part in [
        "Por qué se permitió",
        "Contó esto: un registro en recepción.",
        pact,
        "Una médica: lee",
        "<code>care-reads</code>",
        "No se le mostró esto: mis medicinas.",
        "Lo que puede salvarte la vida sí se le mostró.",
        "Las farmacias no pueden ver mis medicinas.",
        "No se le dice nada.",
        "Sale igual",
    ] {
        assert!(saw.contains(part), "{part} in {saw}");
    }
    // A change of her rules is no question to the rules.
    let word = one_with(&here, &["Cambiaste tus reglas", "No hay nada que repetir"]);
    assert!(!word.contains("Por qué se permitió"), "{word}");

    // At the pharmacy it was refused first, for want of evidence, and asked then.
    let there = whys(&lupita, "farmacia").await;
    let no = [
        "Por qué no se permitió",
        "No había nada que mostrara que estabas en atención",
        pact,
    ];
    one_with(&there, &no);
    let asked = one_with(
        &there,
        &["Esto se decidió en FARMACIA", "Por qué se permitió"],
    );
    assert!(asked.contains("data-test=\"otra-vez-missing\""), "{asked}");
    assert!(asked.contains("Contó esto: un registro en recepción."));
    // The same in English.
    let english = Browser {
        pages: lupita.pages.clone(),
        cookie: format!("{}; __Host-tejido-lengua=en", lupita.cookie),
    };
    let here = whys(&english, "imss").await;
    let saw = one_with(&here, &["Ana Ruiz", "data-test=\"otra-vez-same\""]);
    for part in [
        "Why it was allowed",
        "For care (TREAT) it needs",
        "my medicines",
    ] {
        assert!(saw.contains(part), "{part} in {saw}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_not_hers_has_no_page_of_why() {
    let (nodes, lupita, _) = consultation().await;
    let nothing = "0".repeat(32);
    for (path, status) in [
        (format!("/accesos/imss/{nothing}/porque"), 400),
        (format!("/accesos/farmacia/{nothing}/porque"), 400),
        (format!("/accesos/nadie/{nothing}/porque"), 404),
        ("/accesos/imss/no-es-un-nombre/porque".to_owned(), 404),
    ] {
        let page = lupita.get(&path).await;
        assert_eq!(page.status.as_u16(), status, "{path} {}", page.html);
    }
    // Of an act that is hers nobody else gets one.
    let log = lupita.get("/accesos").await;
    let links = log.html.split("href=\"").skip(1);
    let mut links = links.map(|rest| rest.split('"').next().unwrap());
    let hers =
        links.find(|link| link.starts_with("/accesos/farmacia/") && link.ends_with("/porque"));
    let mut doctor = Browser::at(&nodes[0]);
    doctor.sign_in("ana").await;
    let refused = doctor.get(hers.unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    assert!(!refused.html.contains("movimiento"));
}
