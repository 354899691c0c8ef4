//! Breaking the glass through the pages: the clinician, the reviewer, the person.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::*;
use jiff::Timestamp;
use pages::{Browser, PASSWORD, account, code, find};
use trust::Role;

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_from_the_first_click_to_the_verdict_on_her_page() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    let allergy = r#"{"resourceType":"AllergyIntolerance","id":"a","patient":{"reference":"Patient/p-imss"},"clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicilina"}}"#;
    write(&nodes[1], &[("AllergyIntolerance", "a", allergy)]);
    account(&nodes[0], "ana", Role::Physician, Some("consulta"));
    account(&nodes[0], "rosa", Role::Privacy, Some("privacidad"));
    account(&nodes[1], "lupita", Role::Patient, None);
    let mut doctor = Browser::at(&nodes[0]);
    doctor.sign_in("ana").await;

    // A second factor, set up before there is an emergency.
    let page = doctor.get("/segundo-factor").await;
    let csrf = page.csrf().to_owned();
    let wrong = doctor
        .post("/segundo-factor", &[("csrf", &csrf), ("secret", "no")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let begun = doctor
        .post("/segundo-factor", &[("csrf", &csrf), ("secret", PASSWORD)])
        .await;
    let secret = begun
        .after("data-test=\"secreto\">")
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    let start = Timestamp::now();
    // The step before this one is still good, so that the next code is a fresh one.
    let before = start
        .checked_sub(jiff::SignedDuration::from_secs(30))
        .unwrap();
    let first = code(&secret, before);
    let proven = doctor
        .post(
            "/segundo-factor/probar",
            &[("csrf", &csrf), ("code", &first)],
        )
        .await;
    assert_eq!(proven.status, StatusCode::SEE_OTHER, "{}", proven.html);

    // Refused for care, and offered the way.
    let (person, csrf) = find(&doctor).await;
    let refused = doctor.get(&person).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.html.contains("id=\"es-emergencia\""),
        "{}",
        refused.html
    );
    let emergency = format!("{person}/emergencia");
    let form = doctor.get(&emergency).await;
    assert!(form.html.contains("La persona lo verá"), "{}", form.html);
    assert_eq!(
        doctor.get(&format!("{emergency}/expediente")).await.status,
        StatusCode::FORBIDDEN
    );
    let lacks = doctor
        .post(&emergency, &[("csrf", &csrf), ("words", "ya")])
        .await;
    assert_eq!(lacks.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(lacks.html.contains("href=\"#reason\"") && lacks.html.contains("href=\"#words\""));
    let words = "Llegó inconsciente en ambulancia.";
    let said = [
        ("csrf", csrf.as_str()),
        ("reason", "cannot-speak"),
        ("words", words),
    ];
    let declared = doctor.post(&emergency, &said).await;
    assert_eq!(declared.status, StatusCode::SEE_OTHER, "{}", declared.html);
    let set = doctor.get(&declared.location).await;
    assert!(
        set.html.contains("Penicilina") && !set.html.contains("Diabetes"),
        "{}",
        set.html
    );
    assert!(set.html.contains("data-test=\"emergencia\""));
    assert!(
        !set.html.contains("id=\"guardar-nota\""),
        "it lets read, not write"
    );

    let id = set.after("name=\"id\" value=\"").to_owned();
    let confirm = format!("{emergency}/confirmar");
    let used = doctor
        .post(&confirm, &[("csrf", &csrf), ("id", &id), ("code", &first)])
        .await;
    assert_eq!(used.status, StatusCode::UNAUTHORIZED);
    let fresh = code(&secret, start);
    let all = doctor
        .post(&confirm, &[("csrf", &csrf), ("id", &id), ("code", &fresh)])
        .await;
    assert_eq!(all.status, StatusCode::SEE_OTHER, "{}", all.html);
    let all = doctor.get(&all.location).await;
    assert!(all.html.contains("Diabetes mellitus"), "{}", all.html);

    // The reviewer sees it waiting; the doctor has no such page.
    assert_eq!(
        doctor.get("/revisiones").await.status,
        StatusCode::FORBIDDEN
    );
    let mut rosa = Browser::at(&nodes[0]);
    rosa.sign_in("rosa").await;
    let list = rosa.get("/revisiones").await;
    assert!(list.html.contains(words), "{}", list.html);
    let one = rosa.get(&format!("/revisiones/{id}")).await;
    assert!(one.html.contains("Sigue abierta"), "{}", one.html);
    assert!(!one.html.contains("id=\"dictar\"") && !one.html.contains("Diabetes"));
    // Five hours later the clock of the node says that it has run out.
    let by = nodes[0].gate.token("rosa", 1, start).unwrap().actor;
    let later = start
        .checked_add(jiff::SignedDuration::from_hours(5))
        .unwrap();
    let verdict = (true, "Consta en la hoja de urgencias.");
    nodes[0].gate.review(&by, &id, verdict, later).unwrap();

    // She reads who, why, and what the reviewer said, at her own institution's page.
    let mut lupita = Browser::at(&nodes[1]);
    lupita.sign_in("lupita").await;
    let looks = lupita.get("/accesos").await;
    assert!(
        looks.html.contains("porque no podías hablar"),
        "{}",
        looks.html
    );
    assert!(
        looks.html.contains(words.trim_end_matches('.')),
        "{}",
        looks.html
    );
    assert!(
        looks
            .html
            .contains("sí hubo motivo: «Consta en la hoja de urgencias»"),
        "{}",
        looks.html
    );

    // Everybody may read how many there were; fewer than five are not told one by one.
    let nobody = Browser::at(&nodes[0]);
    let figures = nobody.get("/emergencias").await;
    assert_eq!(figures.status, StatusCode::OK);
    assert!(
        figures.html.contains("1 a 4") && !figures.html.contains("Ana"),
        "{}",
        figures.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opened_many_records_is_reviewed_on_a_page_and_she_reads_the_verdict() {
    let nodes = network().await;
    let gate = &nodes[0].gate;
    remember(&nodes[0], "Diabetes mellitus tipo 2");
    account(&nodes[0], "ana", Role::Physician, Some("consulta"));
    account(&nodes[0], "rosa", Role::Privacy, Some("privacidad"));
    account(&nodes[0], "lupita", Role::Patient, None);
    // More than a day ago.
    let now = Timestamp::now();
    let then = now - jiff::SignedDuration::from_hours(25);
    let ana = gate.token("ana", 1, now).unwrap().actor;
    let others = (1..20).map(|n| format!("HEGG{:02}0427MVZRRL0{}", 10 + n, n % 10));
    for curp in std::iter::once(CURP.to_owned()).chain(others) {
        gate.check_in(&ana, &curp, then).unwrap();
        let request = trust::Request {
            person: trust::PersonRef::Curp(curp),
            ..summary(ana.clone(), trust::Purpose::Treatment)
        };
        let grant = gate.decide(request, then).unwrap();
        let of = fhir::ResourceType::from_name("Condition").unwrap();
        let held = gate.store().read(&grant.permit, of, "c").unwrap();
        gate.open_answer(&grant, held, then).unwrap();
    }

    let mut rosa = Browser::at(&nodes[0]);
    rosa.sign_in("rosa").await;
    let list = rosa.get("/revisiones").await;
    assert!(list.html.contains("20 personas en un día"), "{}", list.html);
    let id = list.after("href=\"/revisiones/").split('"').next().unwrap();
    let page = format!("/revisiones/{id}");
    let one = rosa.get(&page).await;
    assert!(one.html.contains("No nombres a ninguna") && !one.html.contains("Diabetes"));
    let csrf = one.csrf().to_owned();
    let lacks = rosa.post(&page, &[("csrf", &csrf), ("words", "no")]).await;
    assert_eq!(lacks.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(lacks.html.contains("href=\"#verdict\"") && lacks.html.contains("href=\"#words\""));
    let words = "Nadie la mandó a leerlos.";
    let said = [("csrf", csrf.as_str()), ("verdict", "no"), ("words", words)];
    let said = rosa.post(&page, &said).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let list = rosa.get("/revisiones").await;
    assert!(
        !list.html.contains("20 personas en un día"),
        "{}",
        list.html
    );

    let mut lupita = Browser::at(&nodes[0]);
    lupita.sign_in("lupita").await;
    let looks = lupita.get("/accesos").await;
    for part in [
        "abrió 20 historias sin señal de atención",
        "no hubo motivo: «Nadie la mandó a leerlos»",
        "No hubo motivo.",
    ] {
        assert!(looks.html.contains(part), "{part}: {}", looks.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn she_insists_only_after_a_warning() {
    let nodes = network().await;
    account(&nodes[1], "lupita", Role::Patient, None);
    let mut lupita = Browser::at(&nodes[1]);
    lupita.sign_in("lupita").await;
    let csrf = lupita.get("/reglas").await.csrf().to_owned();
    let mut rule = vec![
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "allergies"),
        ("until", "always"),
    ];
    let tried = lupita.post("/reglas/vista", &rule).await;
    assert!(
        tried.html.contains("sólo lo que puede salvarte"),
        "{}",
        tried.html
    );
    rule.push(("insist", "yes"));
    let warned = lupita.post("/reglas", &rule).await;
    assert_eq!(warned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        warned.html.contains("nadie sabrá a qué eres alérgica"),
        "{}",
        warned.html
    );
    rule.push(("insist_sure", "yes"));
    let said = lupita.post("/reglas", &rule).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let rules = lupita.get("/reglas").await;
    assert!(
        rules.html.contains("Tampoco en una emergencia."),
        "{}",
        rules.html
    );
    let word = nodes[1].gate.word(nodes[1].gate.tag(CURP)).unwrap();
    assert!(word.word.rules[0].insist);
}
