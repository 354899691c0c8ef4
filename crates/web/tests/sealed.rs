//! What somebody was not given shows on none of her pages, whether it is there or not.
//!
//! Two worlds, each a node with a person's record. In one a result that she sealed in silence is hers, in the other it is
//! somebody else's; the same things are done in both, at the same time of a clock that stands. Every page that a doctor
//! and the officers of the house can get about her is the same, byte for byte, but for what is drawn anew each time. She
//! insists on the seal, so that broken glass does not open it either, and the order of the state names something else.
//! Every route of `routes.rs` is walked, or says in [`NOT_WALKED`] why not.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use common::{CURP, Node};
use jiff::{SignedDuration, Timestamp};
use pages::{Browser, PASSWORD, Seen, account, code, drawn, find, routes};
use std::collections::BTreeSet;
use std::sync::Arc;
use trust::{Category, Role, Rule};

const OTHER: &str = "BADD110313HCMLNS09";

/// Routes that staff do not use or that show nobody's record.
const NOT_WALKED: &[&str] = &[
    "POST /salir",
    "GET /idioma/{lang}",
    "POST /mostrador/terminar",
    "POST /persona/{sealed}/codigo",
    "GET /quien-soy",
    "POST /quien-soy/no-soy-yo",
    "GET /historia",
    "GET /accesos",
    "POST /accesos/{member}/{act}/opinion",
    "GET /accesos/{member}/{act}/porque",
    "GET /accesos/{member}/{act}/prueba",
    "GET /accesos/{member}/{act}/recibo",
    "GET /reglas",
    "POST /reglas",
    "POST /reglas/vista",
    "GET /reglas/recibo/{version}",
    "POST /reglas/quitar",
    "GET /saber",
    "POST /saber",
    "GET /saber/{finding}",
    "POST /saber/{finding}",
    "GET /codigo",
    "POST /codigo",
    "GET /representantes",
    "POST /representantes",
    "POST /representantes/quitar",
    "GET /por/{sealed}",
    "GET /por/{sealed}/accesos",
    "POST /por/{sealed}/terminar",
    "GET /por/{sealed}/reglas",
    "POST /por/{sealed}/reglas",
    "POST /por/{sealed}/reglas/quitar",
    "GET /por/{sealed}/saber",
    "POST /por/{sealed}/saber",
    "POST /por/{sealed}/saber/preguntar",
    "GET /estilo.css",
    "GET /favicon.svg",
];

fn noon() -> Timestamp {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

/// The node is alone: the other members do not answer, in both worlds alike.
fn world(curp: &str, sealed: bool) -> Node {
    let fixed: Vec<String> = (1..=4).map(|port| format!("127.0.0.1:{port}")).collect();
    let pact = common::signed(&common::pact(&fixed), 4);
    let node = common::node(0, &pact);
    let patient = |id: &str, curp: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"{}","value":"{curp}"}}],"name":[{{"family":"Escamilla Arroyo","given":["María"]}}],"birthDate":"2001-02-03"}}"#,
            mx::systems::CURP
        )
    };
    let of = if curp == CURP { "her" } else { "otro" };
    let result = format!(
        r#"{{"resourceType":"Observation","id":"gen","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"text":"Carga viral"}},"subject":{{"reference":"Patient/{of}"}},"effectiveDateTime":"2026-03-01","valueQuantity":{{"value":44,"unit":"1"}}}}"#
    );
    let problem = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"},"code":{"text":"Diabetes"},"recordedDate":"2026-01-01"}"#;
    let (her, other) = (patient("her", CURP), patient("otro", OTHER));
    common::write_at(
        &node,
        &[("Patient", "her", &her), ("Patient", "otro", &other)],
        noon(),
    );
    let rule = Rule {
        id: "r1".into(),
        what: vec![Category::Laboratory],
        insist: true,
        ..Rule::default()
    };
    let she = common::patient(&node.id);
    let rules = if sealed { vec![rule] } else { vec![] };
    node.gate.say(&she, rules, noon()).unwrap();
    common::write_at(&node, &[("Condition", "c1", problem)], noon());
    common::write_at(&node, &[("Observation", "gen", &result)], noon());
    account(&node, "ana", Role::Physician, Some("consulta"));
    account(&node, "rosa", Role::Privacy, Some("privacidad"));
    account(&node, "carmen", Role::Clerk, None);
    account(&node, "luz", Role::Privacy, Some("privacidad"));
    node
}

/// What was walked, and every page that came of it.
#[derive(Default)]
struct Walk {
    routes: BTreeSet<String>,
    pages: Vec<(String, u16, String, String)>,
}

impl Walk {
    fn keep(&mut self, route: &str, seen: &Seen) {
        self.routes.insert(route.to_owned());
        // The archive's clock does not stand.
        let mut parts = seen.html.split("\"lastUpdated\":\"");
        let first = parts.next().unwrap_or_default().to_owned();
        let html = parts.fold(first, |html, rest| {
            html + rest.split_once('"').map_or("", |(_, rest)| rest)
        });
        let (html, location) = (drawn(&html), drawn(&seen.location));
        self.pages
            .push((route.to_owned(), seen.status.as_u16(), location, html));
    }
    async fn get(&mut self, who: &Browser, route: &str, path: &str) -> Seen {
        let seen = who.get(path).await;
        self.keep(&format!("GET {route}"), &seen);
        seen
    }
    async fn post(
        &mut self,
        who: &Browser,
        route: &str,
        path: &str,
        csrf: &str,
        fields: &[(&str, &str)],
    ) -> Seen {
        let fields = [&[("csrf", csrf)], fields].concat();
        let seen = who.post(path, &fields).await;
        self.keep(&format!("POST {route}"), &seen);
        seen
    }
}

async fn sign_in(node: &Node, walk: &mut Walk, login: &str) -> Browser {
    let mut who = Browser::with(node, Arc::new(noon));
    walk.get(&who, "/entrar", "/entrar").await;
    who.sign_in(login).await;
    walk.routes.insert("POST /entrar".to_owned());
    walk.get(&who, "/", "/").await;
    who
}

/// The desk: a page for the person, who then signs in beside the clerk.
async fn desk(walk: &mut Walk, ana: &Browser) {
    let csrf = walk
        .get(ana, "/mostrador", "/mostrador")
        .await
        .csrf()
        .to_owned();
    let page = [
        ("curp", CURP),
        ("name", "María Escamilla"),
        ("document", "ine"),
        ("number", "IDMEX1"),
        ("new_secret", "secreta"),
        ("again", "secreta"),
    ];
    let (make, enter) = ("/mostrador/pagina", "/mostrador/entrar");
    walk.post(ana, make, make, &csrf, &page).await;
    let she = [("login", CURP), ("secret", "secreta")];
    let entered = walk.post(ana, enter, enter, &csrf, &she).await;
    assert_eq!(entered.status, 303, "{}", entered.html);
}

/// A consultation from the search to what is written; gives the person's page.
async fn consultation(walk: &mut Walk, ana: &Browser) -> String {
    let home = ana.get("/").await;
    let by = [("por", "curp"), ("curp", CURP)];
    let sent = walk.post(ana, "/buscar", "/buscar", home.csrf(), &by).await;
    walk.get(ana, "/buscar/{sealed}", &sent.location).await;
    let (person, csrf) = find(ana).await;
    walk.get(ana, "/persona/{sealed}", &person).await;
    let receive = format!("{person}/recibir");
    walk.post(ana, "/persona/{sealed}/recibir", &receive, &csrf, &[])
        .await;
    let page = walk.get(ana, "/persona/{sealed}", &person).await;
    assert!(page.html.contains("Diabetes"), "{}", page.html);
    let errand = page.after("name=\"errand\" value=\"").to_owned();
    let note = [
        ("errand", errand.as_str()),
        ("reason", "Control"),
        ("findings", "Sin hallazgos nuevos"),
        ("plan", "Seguir igual"),
    ];
    let medicine = [("errand", errand.as_str()), ("medicine", "Metformina")];
    let to = [("errand", errand.as_str()), ("reason", "Valoración")];
    for (what, fields) in [
        ("nota", note.as_slice()),
        ("receta", &medicine),
        ("referencia", &to),
    ] {
        let route = format!("/persona/{{sealed}}/{what}");
        let path = format!("{person}/{what}");
        walk.post(ana, &route, &path, &csrf, fields).await;
    }
    for what in ["referida", "internar", "alta"] {
        let route = format!("/persona/{{sealed}}/{what}");
        let path = format!("{person}/{what}");
        walk.post(ana, &route, &path, &csrf, &[]).await;
    }
    walk.get(ana, "/persona/{sealed}", &person).await;
    guardian(walk, ana, &person, &csrf).await;
    let (route, path) = ("/persona/{sealed}/avisar", format!("{person}/avisar"));
    walk.get(ana, route, &path).await;
    let telling = [
        ("finding", "cancer"),
        ("ground", "legal-duty"),
        ("reason", "r"),
        ("message", "m"),
    ];
    walk.post(ana, route, &path, &csrf, &telling).await;
    let (route, path) = (
        format!("{route}/{{id}}/firmar"),
        format!("{path}/no/firmar"),
    );
    walk.post(ana, &route, &path, &csrf, &[]).await;
    person
}

/// A guardian is entered, and ended.
async fn guardian(walk: &mut Walk, ana: &Browser, person: &str, csrf: &str) {
    let (route, path) = (
        "/persona/{sealed}/representante",
        format!("{person}/representante"),
    );
    let by_court = [
        ("kin_whose", "María"),
        ("kin_name", "Rosa Pérez"),
        ("kin_curp", "ROPA900603MDFDRN01"),
        ("kin_tie", "SIB"),
        ("kin_paper", "court-decision"),
        ("kin_number", "12/2026"),
        ("kin_until", "2027-06-01"),
    ];
    walk.post(ana, route, &path, csrf, &by_court).await;
    let page = walk.get(ana, route, &path).await;
    let who = page.after("name=\"quien\" value=\"").to_owned();
    let (route, path) = (format!("{route}/quitar"), format!("{path}/quitar"));
    let ended = walk
        .post(ana, &route, &path, csrf, &[("quien", &who)])
        .await;
    assert_eq!(ended.status, 303, "{}", ended.html);
}

/// The desk reads and writes in the doctor's name, and that ends.
async fn delegate(walk: &mut Walk, node: &Node, ana: &Browser) {
    let list = "/encargos";
    let csrf = walk.get(ana, list, list).await.csrf().to_owned();
    let named = [
        ("delegate_login", "carmen"),
        ("task", "desk"),
        ("task", "read"),
        ("task", "write"),
        ("delegate_until", "2026-11-24"),
    ];
    let saved = walk.post(ana, list, list, &csrf, &named).await;
    assert_eq!(saved.status, 303, "{}", saved.html);
    let mut carmen = sign_in(node, walk, "carmen").await;
    let mine = walk.get(&carmen, list, list).await;
    let who = mine.after("name=\"quien\" value=\"").to_owned();
    let (take, own) = ([("quien", who.as_str())], "/encargos/usar");
    let taken = walk.post(&carmen, own, own, mine.csrf(), &take).await;
    assert_eq!(taken.status, 303, "{}", taken.html);
    carmen.cookie = taken.cookie.split(';').next().unwrap().to_owned();
    let (person, csrf) = find(&carmen).await;
    let record = walk.get(&carmen, "/persona/{sealed}", &person).await;
    assert!(record.html.contains("Diabetes"), "{}", record.html);
    assert!(record.html.contains("por-encargo"), "{}", record.html);
    let route = "/persona/{sealed}/receta";
    walk.post(&carmen, route, &format!("{person}/receta"), &csrf, &[])
        .await;
    let mine = walk.get(ana, list, list).await;
    let who = mine.after("name=\"quien\" value=\"").to_owned();
    let (end, fields) = ("/encargos/quitar", [("quien", who.as_str())]);
    let ended = walk.post(ana, end, end, mine.csrf(), &fields).await;
    assert_eq!(ended.status, 303, "{}", ended.html);
    walk.get(&carmen, "/persona/{sealed}", &person).await;
}

/// An emergency, its second factor, and all that it opens; gives its name.
async fn emergency(walk: &mut Walk, ana: &Browser, person: &str) -> String {
    let page = walk.get(ana, "/segundo-factor", "/segundo-factor").await;
    let csrf = page.csrf().to_owned();
    let factor = "/segundo-factor";
    let begun = walk
        .post(ana, factor, factor, &csrf, &[("secret", PASSWORD)])
        .await;
    let secret = begun.after("data-test=\"secreto\">");
    let secret = secret.split('<').next().unwrap().to_owned();
    // Drawn anew too, in groups too short for `drawn`.
    let page = walk.pages.last_mut().unwrap();
    page.3 = page.3.replace(&secret, "");
    let before = noon().checked_sub(SignedDuration::from_secs(30)).unwrap();
    let (first, fresh) = (code(&secret, before), code(&secret, noon()));
    let prove = "/segundo-factor/probar";
    walk.post(ana, prove, prove, &csrf, &[("code", &first)])
        .await;
    let (route, path) = (
        "/persona/{sealed}/emergencia",
        format!("{person}/emergencia"),
    );
    walk.get(ana, route, &path).await;
    let said = [
        ("reason", "cannot-speak"),
        ("words", "Llegó inconsciente en ambulancia."),
    ];
    walk.post(ana, route, &path, &csrf, &said).await;
    let record = (format!("{route}/expediente"), format!("{path}/expediente"));
    let set = walk.get(ana, &record.0, &record.1).await;
    let id = set.after("name=\"id\" value=\"").to_owned();
    let confirm = (format!("{route}/confirmar"), format!("{path}/confirmar"));
    for typed in [&first, &fresh] {
        let fields = [("id", id.as_str()), ("code", typed)];
        walk.post(ana, &confirm.0, &confirm.1, &csrf, &fields).await;
    }
    let all = walk.get(ana, &record.0, &record.1).await;
    assert!(all.html.contains("Diabetes"), "{}", all.html);
    id
}

/// What the officers of the house see of it, and an order that names diagnoses.
async fn officers(walk: &mut Walk, node: &Node, emergency: &str) {
    let rosa = sign_in(node, walk, "rosa").await;
    walk.get(&rosa, "/revisiones", "/revisiones").await;
    let review = ("/revisiones/{id}", format!("/revisiones/{emergency}"));
    let page = walk.get(&rosa, review.0, &review.1).await;
    assert_eq!(page.status, 200);
    let csrf = walk
        .get(&rosa, "/ordenes", "/ordenes")
        .await
        .csrf()
        .to_owned();
    let verdict = [("verdict", "yes"), ("words", "Consta en la hoja.")];
    walk.post(&rosa, review.0, &review.1, &csrf, &verdict).await;
    walk.get(&rosa, "/emergencias", "/emergencias").await;
    let carmen = sign_in(node, walk, "carmen").await;
    let list = walk.get(&carmen, "/registro", "/registro").await;
    let pair = "/registro/{sealed}";
    walk.get(&carmen, pair, "/registro/x").await;
    let decided = [("decision", "link")];
    walk.post(&carmen, pair, "/registro/x", list.csrf(), &decided)
        .await;
    let elsewhere = "/registro/otra/{sealed}";
    walk.get(&carmen, elsewhere, "/registro/otra/x").await;
    walk.post(
        &carmen,
        elsewhere,
        "/registro/otra/x",
        list.csrf(),
        &decided,
    )
    .await;
    let digest = "AB".repeat(32);
    let order = [
        ("curp", CURP),
        ("number", "312/2026"),
        ("authority", "Juzgado Tercero de Distrito"),
        ("digest", digest.as_str()),
        ("delay", "30"),
        ("what", "diagnoses"),
    ];
    walk.post(&rosa, "/ordenes", "/ordenes", &csrf, &order)
        .await;
    let luz = sign_in(node, walk, "luz").await;
    let list = walk.get(&luz, "/ordenes", "/ordenes").await;
    let id = list.after("action=\"/ordenes/");
    let id = id.split('/').next().unwrap();
    for what in ["autorizar", "expediente"] {
        let (route, path) = (
            format!("/ordenes/{{id}}/{what}"),
            format!("/ordenes/{id}/{what}"),
        );
        let seen = walk.post(&luz, &route, &path, list.csrf(), &[]).await;
        assert!(what == "autorizar" || seen.html.contains("Diabetes"));
    }
}

async fn walk(curp: &str) -> Walk {
    let (node, mut walk) = (world(curp, true), Walk::default());
    let ana = sign_in(&node, &mut walk, "ana").await;
    let person = consultation(&mut walk, &ana).await;
    desk(&mut walk, &ana).await;
    delegate(&mut walk, &node, &ana).await;
    let id = emergency(&mut walk, &ana, &person).await;
    officers(&mut walk, &node, &id).await;
    walk
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_that_differ_in_whose_sealed_result_it_is_are_one_on_the_pages_of_staff() {
    let (hers, others) = (walk(CURP).await, walk(OTHER).await);
    let known: BTreeSet<String> = routes()
        .into_iter()
        .map(|(method, path)| format!("{method} {path}"))
        .filter(|route| !NOT_WALKED.contains(&route.as_str()))
        .collect();
    assert_eq!(hers.routes, known, "walk it, or say in NOT_WALKED why not");
    assert_eq!(hers.pages.len(), others.pages.len());
    for (one, two) in hers.pages.iter().zip(&others.pages) {
        assert!(!one.3.contains("Carga viral"), "{}", one.0);
        assert_eq!(one, two);
    }
    assert!(hers.pages.len() > 30, "{}", hers.pages.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_seal_the_same_walk_meets_the_result() {
    let (node, mut walk) = (world(CURP, false), Walk::default());
    let ana = sign_in(&node, &mut walk, "ana").await;
    consultation(&mut walk, &ana).await;
    assert!(walk.pages.iter().any(|page| page.3.contains("Carga viral")));
}
