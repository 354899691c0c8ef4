//! Who acts for whom, on the pages: named, entered at the desk, told to both, read for her, ended; and that whoever acts
//! for her cannot tell a quiet seal from none.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::http::StatusCode;
use common::{CURP, Node, network, remember};
use jiff::Timestamp;
use pages::{Browser, PASSWORD, account, find};
use std::sync::Arc;
use trust::{Category, NewAccount, Role, Rule, Who};

/// Of age, and not the person.
const SOFIA: &str = "EAAS010203MNLSRFA1";

fn sofia_at(node: &Node) {
    let account = NewAccount {
        login: "sofia".into(),
        secret: PASSWORD.into(),
        name: "Sofía Escamilla".into(),
        role: Role::Patient,
        licence: None,
        curp: Some(SOFIA.into()),
        unit: None,
    };
    node.gate.account(account, Timestamp::now()).unwrap();
}

const NAMES_SOFIA: [(&str, &str); 4] = [
    ("kin_name", "Sofía Escamilla"),
    ("kin_curp", SOFIA),
    ("kin_tie", "SIB"),
    ("kin_speaks", "yes"),
];

async fn names_sofia(she: &Browser) {
    let page = she.get("/representantes").await;
    let csrf = [("csrf", page.csrf())];
    let sent = she
        .post("/representantes", &[&csrf[..], &NAMES_SOFIA].concat())
        .await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_named_and_reads_for_her_at_another_member_until_it_is_ended() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[1], "lupita", Role::Patient, None);
    sofia_at(&nodes[0]);
    let (mut she, mut sofia) = (Browser::at(&nodes[1]), Browser::at(&nodes[0]));
    she.sign_in("lupita").await;
    sofia.sign_in("sofia").await;
    let before = sofia.get("/").await;
    assert!(!before.html.contains("data-test=\"actuo-por\""));

    // A form with nothing in it names every field.
    let page = she.get("/representantes").await;
    assert!(page.html.contains("data-test=\"sin-representantes\""));
    let bad = she
        .post(
            "/representantes",
            &[("csrf", page.csrf()), ("kin_curp", "X")],
        )
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["kin_name", "kin_curp", "kin_tie"] {
        assert!(
            bad.html.contains(&format!("href=\"#{field}\"")),
            "{}",
            bad.html
        );
    }
    names_sofia(&she).await;

    // Both are told on their first page, each at her own member.
    let told = "data-test=\"cambio-representante\"";
    let home = she.get("/").await;
    assert!(home.html.contains(told) && home.html.contains("Sofía Escamilla actúa por ti"));
    let home = sofia.get("/").await;
    assert!(
        home.html.contains(told) && home.html.contains("actúas por Lupita"),
        "{}",
        home.html
    );
    let sealed = home.after("href=\"/por/").to_owned();
    let record = format!("/por/{sealed}");
    let page = sofia.get(&record).await;
    assert!(
        page.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        page.html
    );
    assert!(
        !page.html.contains("href=\"/historia?"),
        "its links stay with her"
    );

    // The person reads it with a name, and can make a rule about that one.
    let looks = she.get("/accesos").await;
    let saw = "Sofía Escamilla, tu hermana o hermano, vio tus diagnósticos";
    assert!(looks.html.contains(saw), "{}", looks.html);
    let rule = looks.after("href=\"/reglas?quien=").to_owned();
    let rules = she.get(&format!("/reglas?quien={rule}")).await;
    assert!(
        rules.html.contains("value=\"representative:"),
        "{}",
        rules.html
    );
    // Who reads for her, what she did.
    let own = sofia.get(&format!("{record}/accesos")).await;
    assert!(own.html.contains("Viste: Diagnósticos"), "{}", own.html);
    assert!(!own.html.contains("/recibo"));
    // Nobody else comes in by that address, and another session cannot read it.
    assert_eq!(she.get(&record).await.status, StatusCode::GONE);

    // What she closes secretly to her is said on her own page, and nowhere else.
    let rules = she.get("/reglas").await;
    let quiet = [
        ("csrf", rules.csrf()),
        ("verb", "close"),
        ("who", "representatives"),
        ("what", "diagnoses"),
        ("until", "always"),
        ("quiet", "yes"),
    ];
    let said = she.post("/reglas", &quiet).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let page = sofia.get(&record).await;
    assert!(
        !page.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        page.html
    );
    assert!(!page.html.contains("Hoy no ve"));
    let page = she.get("/representantes").await;
    assert!(
        page.html.contains("Hoy no ve: Diagnósticos."),
        "{}",
        page.html
    );
    let who = page.after("name=\"quien\" value=\"").to_owned();
    let ended = she
        .post(
            "/representantes/quitar",
            &[("csrf", page.csrf()), ("quien", &who)],
        )
        .await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.html);
    assert_eq!(sofia.get(&record).await.status, StatusCode::FORBIDDEN);
    let home = sofia.get("/").await;
    assert!(!home.html.contains("data-test=\"actuo-por\""));
    assert!(
        home.html.contains("ya no actúas por Lupita"),
        "{}",
        home.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardian_is_entered_at_the_desk_with_the_person_there_and_may_resign() {
    let nodes = network().await;
    remember(&nodes[0], "Diabetes mellitus tipo 2");
    account(&nodes[0], "caja", Role::Clerk, None);
    sofia_at(&nodes[0]);
    let mut desk = Browser::at(&nodes[0]);
    desk.sign_in("caja").await;
    let (person, csrf) = find(&desk).await;
    let form = format!("{person}/representante");
    assert_eq!(
        desk.get(&form).await.status,
        StatusCode::FORBIDDEN,
        "not received"
    );
    let received = desk
        .post(&format!("{person}/recibir"), &[("csrf", &csrf)])
        .await;
    assert!(
        received.html.contains("id=\"anotar-tutor\""),
        "{}",
        received.html
    );
    assert_eq!(desk.get(&form).await.status, StatusCode::OK);
    let now = Timestamp::now() + jiff::SignedDuration::from_hours(24 * 365);
    let until = now.to_string()[..10].to_owned();
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("kin_whose", "María Fernanda"),
        ("kin_paper", "court-decision"),
        ("kin_until", &until),
    ];
    fields.extend(NAMES_SOFIA);
    let bad = desk.post(&form, &fields).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.html.contains("href=\"#kin_number\""), "{}", bad.html);
    fields.push(("kin_number", "12/2026"));
    let good = desk.post(&form, &fields).await;
    assert_eq!(good.status, StatusCode::SEE_OTHER, "{}", good.html);
    let page = desk.get(&form).await;
    assert!(page.html.contains("data-test=\"tutor\""), "{}", page.html);

    let mut sofia = Browser::at(&nodes[0]);
    sofia.sign_in("sofia").await;
    let home = sofia.get("/").await;
    let record = format!("/por/{}", home.after("href=\"/por/"));
    let page = sofia.get(&record).await;
    assert!(
        page.html.contains("Diabetes mellitus tipo 2"),
        "{}",
        page.html
    );
    let resigned = sofia
        .post(&format!("{record}/terminar"), &[("csrf", page.csrf())])
        .await;
    assert_eq!(resigned.location.split('?').next(), Some("/"));
    assert_eq!(sofia.get(&record).await.status, StatusCode::FORBIDDEN);
    let page = desk.get(&form).await;
    assert!(!page.html.contains("data-test=\"tutor\""), "{}", page.html);
}

fn noon() -> Timestamp {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

/// Sofía acts for her. In one world she has what comes of violence, seen by a doctor, and sealed all of a kind of data
/// quietly, of which there is some; in the other neither the data nor the seal is there.
async fn world(sealed: bool) -> Browser {
    let fixed: Vec<String> = (1..=4).map(|port| format!("127.0.0.1:{port}")).collect();
    let pact = common::signed(&common::pact(&fixed), 4);
    let node = common::node(0, &pact);
    let her = format!(
        r#"{{"resourceType":"Patient","id":"her","identifier":[{{"system":"{}","value":"{CURP}"}}],"name":[{{"family":"Escamilla"}}]}}"#,
        mx::systems::CURP
    );
    let condition = |id: &str, code: &str, text: &str| {
        format!(
            r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"Patient/her"}},"recordedDate":"2026-0{}-01","code":{{"text":"{text}","coding":[{{"system":"http://hl7.org/fhir/sid/icd-10","code":"{code}"}}]}}}}"#,
            id.len()
        )
    };
    let vaccine = r#"{"resourceType":"Immunization","id":"vac","status":"completed","patient":{"reference":"Patient/her"},"occurrenceDateTime":"2020-01-01","vaccineCode":{"text":"Sarampión"}}"#;
    common::write_at(&node, &[("Patient", "her", &her)], noon());
    let open = condition("c", "E11", "Diabetes");
    common::write_at(&node, &[("Condition", "c", &open)], noon());
    sofia_at(&node);
    account(&node, "lupita", Role::Patient, None);
    let clock: web::Clock = Arc::new(noon);
    let mut she = Browser::with(&node, clock.clone());
    let mut sofia = Browser {
        cookie: String::new(),
        pages: she.pages.clone(),
    };
    she.sign_in("lupita").await;
    names_sofia(&she).await;
    if sealed {
        let quiet = |id: &str, what| Rule {
            id: id.into(),
            quiet: true,
            hint: true,
            who: Who::Everyone,
            what: vec![what],
            ..Rule::default()
        };
        let rules = vec![
            quiet("q1", Category::Violence),
            quiet("q2", Category::Vaccines),
        ];
        let hers = common::patient(&node.id);
        node.gate.say(&hers, rules, noon()).unwrap();
        let secret = condition("cc", "T741", "Maltrato");
        common::write_at(&node, &[("Condition", "cc", &secret)], noon());
        common::write_at(&node, &[("Immunization", "vac", vaccine)], noon());
        let doctor = common::doctor(&node.id);
        node.gate.check_in(&doctor, CURP, noon()).unwrap();
    }
    sofia.sign_in("sofia").await;
    sofia
}

/// What she gets, without what is drawn anew each time.
async fn all_of_hers(sofia: &Browser) -> Vec<String> {
    let home = sofia.get("/").await;
    let sealed = home.after("href=\"/por/").to_owned();
    let mut all = Vec::new();
    for path in [
        "/",
        "/accesos",
        "/reglas",
        "/representantes",
        "/por/{}",
        "/por/{}?todo=1",
        "/por/{}?tipo=diagnoses",
        "/por/{}?tipo=vaccines",
        "/por/{}?de=farmacia",
        "/por/{}/accesos",
        "/por/{}/reglas",
        "/por/{}/saber",
    ] {
        let page = sofia.get(&path.replace("{}", &sealed)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.html);
        let mut headers: Vec<String> = page.headers.iter().map(|h| format!("{h:?}")).collect();
        headers.sort();
        let text = format!(
            "{path} {headers:?} {}",
            page.html.replace(page.csrf(), "csrf")
        );
        all.push(without_seals(&text.replace(&sealed, "sealed")));
    }
    all
}

/// Seals and names of acts, which are drawn anew each time, by their length.
fn without_seals(text: &str) -> String {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split_inclusive(|c| !letter(c))
        .map(
            |run| match run.len() > 24 && run.bytes().any(|b| b.is_ascii_digit()) {
                true => format!("<{}>", run.len()),
                false => run.to_owned(),
            },
        )
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_acts_for_her_cannot_tell_a_quiet_seal_from_none() {
    let (sealed, without) = (world(true).await, world(false).await);
    let (one, two) = (all_of_hers(&sealed).await, all_of_hers(&without).await);
    assert!(one.iter().any(|page| page.contains("Diabetes")));
    for (one, two) in one.iter().zip(&two) {
        assert!(
            !one.contains("Maltrato") && !one.contains("Sarampión"),
            "{one}"
        );
        assert_eq!(one, two);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_given_that_says_rules_and_wishes_for_her_and_she_takes_them_back() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes mellitus tipo 2");
    account(&nodes[1], "lupita", Role::Patient, None);
    sofia_at(&nodes[0]);
    let (mut she, mut sofia) = (Browser::at(&nodes[1]), Browser::at(&nodes[0]));
    she.sign_in("lupita").await;
    sofia.sign_in("sofia").await;
    names_sofia(&she).await;
    let page = she.get("/representantes").await;
    assert!(page.html.contains("Puede decir reglas por ti."));
    let home = sofia.get("/").await;
    let record = format!("/por/{}", home.after("href=\"/por/"));
    let rules = format!("{record}/reglas");
    let page = sofia.get(&record).await;
    assert!(page.html.contains(&format!("href=\"{rules}\"")));
    // What she says herself, whoever acts for her is not shown.
    let own = [
        ("csrf", &*she.get("/reglas").await.csrf().to_owned()),
        ("verb", "close"),
        ("who", "kind:insurer"),
        ("what", "visits"),
        ("until", "always"),
    ];
    let said = she.post("/reglas", &own).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let page = sofia.get(&rules).await;
    assert!(page.html.contains("data-test=\"nada-dicho\""));
    let csrf = page.csrf().to_owned();
    let bad = sofia.post(&rules, &[("csrf", &csrf)]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.html.contains("href=\"#who\"") && bad.html.contains("href=\"#what\""));
    let close = [
        ("csrf", csrf.as_str()),
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "diagnoses"),
        ("until", "always"),
    ];
    let said = sofia.post(&rules, &close).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    let page = sofia.get(&rules).await;
    let closed = "Cerrado para las farmacias: Diagnósticos.";
    assert!(page.html.contains(closed), "{}", page.html);
    // She reads it at another member with a name, and takes it back; her own rule stays.
    let page = she.get("/reglas").await;
    let by = "Lo dijo por ti Sofía Escamilla, tu hermana o hermano.";
    assert!(page.html.contains(by), "{}", page.html);
    let looks = she.get("/accesos").await;
    assert!(looks.html.contains("lo que dijo por ti"), "{}", looks.html);
    let spoken = page.html.split(by).nth(1).unwrap();
    let id = spoken.split("name=\"id\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let gone = she
        .post("/reglas/quitar", &[("csrf", page.csrf()), ("id", id)])
        .await;
    assert_eq!(gone.status, StatusCode::SEE_OTHER, "{}", gone.html);
    let page = she.get("/reglas").await;
    assert!(!page.html.contains(by) && page.html.contains("data-test=\"regla\""));
    assert!(!sofia.get(&rules).await.html.contains(closed));

    // A wish said for her, which she ends by asking.
    let saber = format!("{record}/saber");
    let wish = [
        ("csrf", csrf.as_str()),
        ("what", "cancer"),
        ("until", "asked"),
    ];
    let said = sofia.post(&saber, &wish).await;
    assert_eq!(said.status, StatusCode::SEE_OTHER, "{}", said.html);
    assert!(
        sofia
            .get(&saber)
            .await
            .html
            .contains("Que no se le hable de")
    );
    let page = she.get("/saber").await;
    assert!(page.html.contains(by), "{}", page.html);
    let asked = she
        .post("/saber/cancer", &[("csrf", page.csrf()), ("how", "alone")])
        .await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.html);
    let page = sofia.get(&saber).await;
    assert!(!page.html.contains("data-test=\"quitar-dicho\""));
    let nothing = [("csrf", csrf.as_str()), ("id", "cancer")];
    let none = sofia.post(&format!("{saber}/preguntar"), &nothing).await;
    assert_ne!(none.status, StatusCode::SEE_OTHER);

    // Without that power there is neither the page nor the way to it.
    let page = she.get("/representantes").await;
    let who = page.after("name=\"quien\" value=\"").to_owned();
    let csrf = page.csrf().to_owned();
    she.post(
        "/representantes/quitar",
        &[("csrf", &csrf), ("quien", &who)],
    )
    .await;
    let named = [&[("csrf", csrf.as_str())][..], &NAMES_SOFIA[..3]].concat();
    she.post("/representantes", &named).await;
    let page = sofia.get(&record).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(!page.html.contains("decir-reglas"));
    assert_ne!(sofia.get(&rules).await.status, StatusCode::OK);
    assert_ne!(
        sofia.post(&rules, &close).await.status,
        StatusCode::SEE_OTHER
    );
}
