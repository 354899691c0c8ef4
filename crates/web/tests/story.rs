//! The story of the pages over real nodes: a doctor at a pharmacy, and the person whose record it is.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{network, network_under, remember};
use pages::{Browser, account, find};
use trust::{Category, Role, Seals};

#[tokio::test(flavor = "multi_thread")]
async fn a_consultation_and_what_the_person_sees_of_it() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[1], "lupita", Role::Patient, None);
    let mut doctor = Browser::at(&nodes[0]);
    doctor.sign_in("ana").await;
    let (person, csrf) = find(&doctor).await;

    // Nobody opens a record of somebody who is not there.
    let refused = doctor.get(&person).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.html);
    assert!(refused.html.contains("id=\"recibir\""));
    assert!(!refused.html.contains("Diabetes"));

    let received = doctor
        .post(&format!("{person}/recibir"), &[("csrf", &csrf)])
        .await;
    assert_eq!(
        (received.status, received.location.as_str()),
        (StatusCode::SEE_OTHER, person.as_str())
    );
    let page = doctor.get(&person).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        page.html
    );
    assert!(page.html.contains("data-test=\"total-problemas\">1<"));

    // A prescription without its parts comes back with what is missing, and as typed.
    let errand = page.after("name=\"errand\" value=\"").to_owned();
    let bad = doctor
        .post(
            &format!("{person}/receta"),
            &[
                ("csrf", &csrf),
                ("errand", &errand),
                ("medicine", "Metformina"),
            ],
        )
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        bad.html.contains("href=\"#dose\"") && bad.html.contains("value=\"Metformina\""),
        "{}",
        bad.html
    );

    let note = [
        ("csrf", csrf.as_str()),
        ("errand", &errand),
        ("reason", "Control"),
        ("findings", "Sin hallazgos nuevos"),
        ("plan", "Seguir igual"),
    ];
    let written = doctor.post(&format!("{person}/nota"), &note).await;
    assert_eq!(written.status, StatusCode::SEE_OTHER, "{}", written.html);
    let after = doctor
        .get(written.location.split('#').next().unwrap())
        .await;
    assert!(after.html.contains("data-test=\"aviso\""));
    assert!(
        after.html.contains("Sin hallazgos nuevos"),
        "{}",
        after.html
    );

    // The person reads it, checks a proof, and closes her diagnoses to pharmacies.
    let mut lupita = Browser::at(&nodes[1]);
    lupita.sign_in("lupita").await;
    let history = lupita.get("/historia").await;
    assert!(
        history.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        history.html
    );
    let looks = lupita.get("/accesos").await;
    assert!(looks.html.contains("Ana Ruiz"), "{}", looks.html);
    let proof = looks.after("class=\"proof\" href=\"").to_owned();
    let proof = lupita.get(&proof).await;
    assert!(
        proof.html.contains("data-test=\"prueba-vale\""),
        "{}",
        proof.html
    );
    let csrf = looks.csrf().to_owned();
    let rule = [
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "diagnoses"),
        ("until", "always"),
        ("hint", "silence"),
    ];
    let tried = lupita.post("/reglas/vista", &rule).await;
    assert!(
        tried.html.contains("Dejaría de ver mis diagnósticos"),
        "{}",
        tried.html
    );
    let said = lupita.post("/reglas", &rule).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let rules = lupita.get("/reglas").await;
    assert!(
        rules
            .html
            .contains("Las farmacias no pueden ver mis diagnósticos."),
        "{}",
        rules.html
    );

    // Silence was chosen: gone, from the total too, and no word of it.
    let again = doctor.get(&person).await;
    assert!(
        !again.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        again.html
    );
    assert!(again.html.contains("data-test=\"total-problemas\">0<"));
    assert!(!again.html.contains("aviso-reservado"));
}

#[tokio::test(flavor = "multi_thread")]
async fn she_says_how_often_and_until_when_and_who_looks_is_told() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[0], "elena", Role::Physician, None);
    account(&nodes[1], "lupita", Role::Patient, None);
    let mut lupita = Browser::at(&nodes[1]);
    lupita.sign_in("lupita").await;
    let csrf = lupita.get("/reglas").await.csrf().to_owned();
    let closed = [
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "diagnoses"),
        ("until", "always"),
        ("hint", "hint"),
    ];
    let opened = |verb, times, per| {
        [
            ("csrf", csrf.as_str()),
            ("verb", verb),
            ("who", "member:farmacia"),
            ("what", "diagnoses"),
            ("until", "always"),
            ("hint", "hint"),
            ("times", times),
            ("per", per),
            ("erase_date", "2125-03-31"),
        ]
    };
    let said = lupita.post("/reglas", &closed).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    // Not a number of times; not what closes; a day that is over.
    let mut over = opened("open", "1", "week");
    over[8].1 = "2020-01-01";
    for (wrong, place, sentence) in [
        (
            opened("open", "0", "week"),
            "#times",
            "un número del 1 al 1000",
        ),
        (
            opened("open", "2", "year"),
            "#times",
            "un número del 1 al 1000",
        ),
        (
            opened("close", "2", "week"),
            "#times",
            "sólo va en una regla que deja ver",
        ),
        (over, "#erase_date", "todavía no haya pasado"),
    ] {
        let refused = lupita.post("/reglas", &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let html = &refused.html;
        assert!(html.contains(&format!("href=\"{place}\"")), "{html}");
        assert!(html.contains(sentence), "{html}");
        assert!(html.contains("id=\"condiciones\" open"), "{html}");
    }
    let good = opened("open", "1", "week");
    let terms = [
        "Cada institución, 1 vez a la semana.",
        "Lo que reciban se borra a más tardar el 31 de marzo de 2125; desde entonces no abre nada.",
    ];
    let tried = lupita.post("/reglas/vista", &good).await.html;
    assert!(terms.iter().all(|one| tried.contains(one)), "{tried}");
    let said = lupita.post("/reglas", &good).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let rules = lupita.get("/reglas").await.html;
    assert!(terms.iter().all(|one| rules.contains(one)), "{rules}");

    // The first of the pharmacy sees it, and reads until when; a colleague that week reads when it can be seen again.
    let mut ana = Browser::at(&nodes[0]);
    ana.sign_in("ana").await;
    let (person, token) = find(&ana).await;
    ana.post(&format!("{person}/recibir"), &[("csrf", &token)])
        .await;
    let page = ana.get(&person).await.html;
    assert!(page.contains("Diabetes mellitus tipo 2"), "{page}");
    assert!(page.contains("se borre a más tardar el"), "{page}");
    assert!(!page.contains("aviso-usado"), "{page}");
    let mut elena = Browser::at(&nodes[0]);
    elena.sign_in("elena").await;
    let (person, _) = find(&elena).await;
    let page = elena.get(&person).await.html;
    assert!(!page.contains("Diabetes mellitus tipo 2"), "{page}");
    assert!(page.contains("Vuelve a poder verse el"), "{page}");
    assert!(!page.contains("aviso-borrar"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn her_rules_are_offered_and_said_as_the_pact_has_seals() {
    let page_under = async |change: fn(&mut Seals)| {
        let mut seals = Seals::usual();
        change(&mut seals);
        let nodes = network_under(|pact| pact.seals = Some(seals)).await;
        account(&nodes[1], "lupita", Role::Patient, None);
        let mut lupita = Browser::at(&nodes[1]);
        lupita.sign_in("lupita").await;
        let page = lupita.get("/reglas").await;
        (nodes, lupita, page)
    };
    let (_nodes, lupita, page) = page_under(|seals| {
        seals.categories.retain(|one| *one != Category::Genetics);
    })
    .await;
    let offers = |html: &str, code: &str| html.contains(&format!("name=\"what\" value=\"{code}\""));
    assert!(offers(&page.html, "hiv") && offers(&page.html, "diagnoses"));
    assert!(!offers(&page.html, "genetics"), "{}", page.html);
    let never = "De mi información sobre violencia no se avisa nunca.";
    assert!(page.html.contains(never), "{}", page.html);
    assert!(
        page.html.contains("aunque cierres lo demás"),
        "{}",
        page.html
    );
    // A form that names it all the same is told why not.
    let csrf = page.csrf().to_owned();
    let rule = |what| {
        [
            ("csrf", csrf.as_str()),
            ("verb", "close"),
            ("who", "kind:pharmacy"),
            ("what", what),
            ("until", "always"),
            ("hint", "hint"),
        ]
    };
    for path in ["/reglas", "/reglas/vista"] {
        let refused = lupita.post(path, &rule("genetics")).await;
        assert!(refused.status.is_client_error(), "{}", refused.status);
        assert!(
            refused.html.contains("«Genes» no se puede cerrar"),
            "{}",
            refused.html
        );
    }
    let tried = lupita.post("/reglas/vista", &rule("violence")).await.html;
    assert_eq!(tried.matches(never).count(), 2, "{tried}");
    let said = lupita.post("/reglas", &rule("violence")).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let rules = lupita.get("/reglas").await.html;
    assert!(rules.contains("No se le dice nada."), "{rules}");
    assert!(
        !rules.contains("Se le avisa que hay algo reservado."),
        "{rules}"
    );

    let (_nodes, _, page) = page_under(|seals| {
        seals.silent.clear();
        seals.emergency = false;
    })
    .await;
    assert!(offers(&page.html, "genetics") && !page.html.contains("no se avisa nunca"));
    assert!(
        page.html
            .contains("Sólo se abre en una emergencia declarada.")
    );
    assert!(
        !page.html.contains("aunque cierres lo demás"),
        "{}",
        page.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_from_elsewhere_and_links_of_other_sessions_do_nothing() {
    let nodes = network().await;
    remember(&nodes[1], "Asma");
    account(&nodes[0], "ana", Role::Physician, None);
    account(&nodes[0], "eva", Role::Physician, None);
    let (mut ana, nobody) = (Browser::at(&nodes[0]), Browser::at(&nodes[0]));
    let door = nobody.get("/").await;
    assert_eq!(
        (door.status, door.location.as_str()),
        (StatusCode::SEE_OTHER, "/entrar")
    );
    for name in [
        "content-security-policy",
        "strict-transport-security",
        "x-content-type-options",
    ] {
        assert!(door.headers.contains_key(name), "{name}");
    }
    assert_eq!(door.headers["cache-control"], "no-store");
    let wrong = nobody
        .post("/entrar", &[("login", "ana"), ("secret", "no")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.cookie.is_empty() && wrong.html.contains("id=\"problema\""));

    ana.sign_in("ana").await;
    let (person, csrf) = find(&ana).await;
    let receive = format!("{person}/recibir");
    let foreign = ana
        .post_from("https://evil.example", &receive, &[("csrf", &csrf)])
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let forged = ana.post(&receive, &[("csrf", "AAAA")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(
        ana.get(&person).await.status,
        StatusCode::FORBIDDEN,
        "neither made evidence"
    );

    // The same process, another session: her link is nobody else's.
    let mut eva = Browser {
        pages: ana.pages.clone(),
        cookie: String::new(),
    };
    eva.sign_in("eva").await;
    assert_eq!(eva.get(&person).await.status, StatusCode::GONE);
    assert_eq!(ana.get("/nada").await.status, StatusCode::NOT_FOUND);
}
