//! Delegates through the pages: a doctor names the desk's clerk and a nurse, they work in her name, and the person reads it.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{network, remember};
use jiff::{SignedDuration, Timestamp};
use pages::{Browser, PASSWORD, account, find};
use trust::{Licence, LicenceState, NewAccount, Role};

/// A day so many days from now, as a form has it.
fn day(ahead: i64) -> String {
    let at = Timestamp::now() + SignedDuration::from_hours(24 * ahead);
    at.strftime("%Y-%m-%d").to_string()
}

/// Takes up the only delegation that somebody has.
async fn take_up(who: &mut Browser) {
    let page = who.get("/encargos").await;
    let (csrf, reference) = (
        page.csrf().to_owned(),
        page.after("name=\"quien\" value=\"").to_owned(),
    );
    let fields = [("csrf", csrf.as_str()), ("quien", &reference)];
    let taken = who.post("/encargos/usar", &fields).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.html);
    who.cookie = taken.cookie.split(';').next().unwrap().to_owned();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_names_them_they_work_in_her_name_and_the_person_reads_both_names() {
    let nodes = network().await;
    for node in &nodes[..2] {
        remember(node, "Diabetes mellitus tipo 2");
    }
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[0], "carmen", Role::Clerk, None);
    account(&nodes[0], "lupita", Role::Patient, None);
    let nurse = NewAccount {
        login: "luz".into(),
        secret: PASSWORD.into(),
        name: "Enfra. Luz Cano".into(),
        role: Role::Nurse,
        licence: Some(Licence {
            cedula: "7654321".into(),
            specialty: "Enfermería".into(),
            state: LicenceState::Active,
            checked: Timestamp::now(),
            supervisor: None,
        }),
        curp: None,
        unit: None,
    };
    nodes[0].gate.account(nurse, Timestamp::now()).unwrap();

    // What is wrong in the form is named; nothing is kept.
    let mut ana = Browser::at(&nodes[0]);
    ana.sign_in("ana").await;
    let csrf = ana.get("/encargos").await.csrf().to_owned();
    let empty = ana.post("/encargos", &[("csrf", &csrf)]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["delegate_login", "task", "delegate_until"] {
        let link = format!("href=\"#{field}\"");
        assert!(empty.html.contains(&link), "{field}: {}", empty.html);
    }
    let until = day(3);
    let fields = |login: &'static str, until: &str| -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("csrf", csrf.clone()),
            ("delegate_login", login.to_owned()),
            ("delegate_until", until.to_owned()),
        ];
        fields.extend(["desk", "read", "write"].map(|task| ("task", task.to_owned())));
        fields
    };
    let send = async |ana: &Browser, fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        ana.post("/encargos", &fields).await
    };
    let long = send(&ana, fields("carmen", &day(40))).await;
    assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(long.html.contains("dura 30 a lo más"), "{}", long.html);
    for login in ["carmen", "luz"] {
        let saved = send(&ana, fields(login, &until)).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    }
    let listed = ana.get("/encargos").await.html;
    assert_eq!(listed.matches("data-test=\"delegado\"").count(), 2);

    // The clerk receives the person and reads in her name, at other members as well; in her own name she reads nothing.
    let mut carmen = Browser::at(&nodes[0]);
    carmen.sign_in("carmen").await;
    let (person, csrf_of_hers) = find(&carmen).await;
    let receive = format!("{person}/recibir");
    let own = carmen.post(&receive, &[("csrf", &csrf_of_hers)]).await;
    assert_eq!(own.status, StatusCode::OK);
    assert_eq!(carmen.get(&person).await.status, StatusCode::FORBIDDEN);
    let before = carmen.cookie.clone();
    take_up(&mut carmen).await;
    let old = Browser {
        pages: carmen.pages.clone(),
        cookie: before,
    };
    assert_eq!(old.get("/").await.location, "/entrar");
    let (theirs, csrf_of_hers) = find(&carmen).await;
    let record = carmen.get(&theirs).await;
    assert_eq!(record.status, StatusCode::OK, "{}", record.html);
    assert!(record.html.contains("Diabetes"), "{}", record.html);
    assert!(record.html.contains("id=\"por-encargo\""));
    assert!(!record.html.contains("data-test=\"sin-respuesta\""));
    for absent in ["id=\"receta\"", "id=\"referencia\"", "id=\"es-emergencia\""] {
        assert!(!record.html.contains(absent), "{absent}");
    }

    // The nurse writes a note in her name, and no prescription.
    let mut luz = Browser::at(&nodes[0]);
    luz.sign_in("luz").await;
    take_up(&mut luz).await;
    let (person, csrf_of_luz) = find(&luz).await;
    let record = luz.get(&person).await;
    let errand = record.after("name=\"errand\" value=\"").to_owned();
    let note = [
        ("csrf", csrf_of_luz.as_str()),
        ("errand", &errand),
        ("reason", "Control"),
        ("findings", "Signos estables."),
        ("plan", "Cita en un mes."),
    ];
    let saved = luz.post(&format!("{person}/nota"), &note).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.html);
    let medicine = [
        ("csrf", csrf_of_luz.as_str()),
        ("errand", &errand),
        ("medicine", "Paracetamol 500 mg"),
        ("dose", "1 tableta"),
        ("route", "Oral"),
        ("frequency", "Cada 8 horas"),
        ("days", "3"),
    ];
    let refused = luz.post(&format!("{person}/receta"), &medicine).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    assert!(refused.html.contains("Esto no se hace por encargo"));

    // The person reads both names.
    let mut lupita = Browser::at(&nodes[0]);
    lupita.sign_in("lupita").await;
    let looks = lupita.get("/accesos").await.html;
    for said in [
        "La Enfra. Luz Cano, de enfermería de FARMACIA, por encargo de la Dra. Ana Ruiz, escribió una nota",
        "de recepción de FARMACIA, por encargo de la Dra. Ana Ruiz, vio",
    ] {
        assert!(looks.contains(said), "{said}: {looks}");
    }
    assert_eq!(lupita.get("/encargos").await.status, StatusCode::FORBIDDEN);

    // The doctor ends it: at the clerk's next page it is over, and in her own name she goes on.
    let reference = ana.get("/encargos").await;
    let reference = reference.after("name=\"quien\" value=\"").to_owned();
    let end = [("csrf", csrf.as_str()), ("quien", &reference)];
    let ended = ana.post("/encargos/quitar", &end).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.html);
    let over = carmen.get(&theirs).await;
    assert_eq!(over.status, StatusCode::FORBIDDEN, "{}", over.html);
    let own = carmen
        .post("/encargos/usar", &[("csrf", &csrf_of_hers)])
        .await;
    carmen.cookie = own.cookie.split(';').next().unwrap().to_owned();
    assert!(!carmen.get("/").await.html.contains("id=\"por-encargo\""));
}
