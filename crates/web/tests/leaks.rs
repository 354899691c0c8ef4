//! What somebody may not know shows on no page, whether it is there or not.
//!
//! Two worlds, each a node with her record. In one a finding that she does not wish to know is hers, in the other it is
//! somebody else's; the same things are done in both, at the same time of a clock that stands. Every page that she can
//! get is the same, byte for byte, but for what is drawn anew each time (session, seals, names of acts), of which the
//! length is compared. Every route of `routes.rs` is entered in [`TABLE`], or says why not.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)] // A test says what it expects.

#[path = "../../exchange/tests/common/mod.rs"]
mod common;
mod pages;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use common::{CURP, Node};
use jiff::Timestamp;
use pages::{drawn, routes};
use std::sync::Arc;
use tower::ServiceExt;
use trust::{Actor, Finding, NewAccount, PersonRef, Purpose, Role, Wish};

const OTHER: &str = "BADD110313HCMLNS09";

/// Her requests to each route; none says why.
enum Asked {
    /// Fetched with these paths.
    Get(&'static [&'static str]),
    /// Sent with these fields beside the form's token.
    Post(&'static str, &'static [(&'static str, &'static str)]),
    /// It is asked of each act of her log.
    EachAct,
    /// Why it is not asked.
    Not(#[allow(dead_code)] &'static str),
}

/// Every route, in the order of `routes.rs`.
const TABLE: &[(&str, &str, Asked)] = {
    use Asked::{EachAct, Get, Not, Post};
    const STAFF: Asked = Not("for staff; the person is refused before anything is looked at");
    &[
        ("GET", "/", Get(&["/"])),
        ("GET", "/entrar", Get(&["/entrar"])),
        ("POST", "/entrar", Not("it signs her in: asked first")),
        ("POST", "/salir", Not("it ends the session")),
        (
            "GET",
            "/idioma/{lang}",
            Get(&["/idioma/es?volver=/historia"]),
        ),
        ("GET", "/mostrador", STAFF),
        ("POST", "/mostrador/entrar", STAFF),
        ("POST", "/mostrador/pagina", STAFF),
        (
            "POST",
            "/mostrador/terminar",
            Not("it ends the session; what is shown in one is what its actor is shown"),
        ),
        ("GET", "/encargos", STAFF),
        ("POST", "/encargos", STAFF),
        ("POST", "/encargos/quitar", STAFF),
        ("POST", "/encargos/usar", STAFF),
        (
            "POST",
            "/buscar",
            Post("/buscar", &[("por", "curp"), ("curp", CURP)]),
        ),
        ("GET", "/buscar/{sealed}", Get(&["/buscar/x"])),
        ("GET", "/persona/{sealed}", Get(&["/persona/x"])),
        ("POST", "/persona/{sealed}/recibir", STAFF),
        ("POST", "/persona/{sealed}/codigo", STAFF),
        ("POST", "/persona/{sealed}/referida", STAFF),
        ("POST", "/persona/{sealed}/internar", STAFF),
        ("POST", "/persona/{sealed}/alta", STAFF),
        ("POST", "/persona/{sealed}/nota", STAFF),
        ("POST", "/persona/{sealed}/receta", STAFF),
        ("POST", "/persona/{sealed}/referencia", STAFF),
        ("GET", "/persona/{sealed}/emergencia", STAFF),
        ("POST", "/persona/{sealed}/emergencia", STAFF),
        ("GET", "/persona/{sealed}/emergencia/expediente", STAFF),
        ("POST", "/persona/{sealed}/emergencia/confirmar", STAFF),
        ("GET", "/persona/{sealed}/avisar", STAFF),
        ("POST", "/persona/{sealed}/avisar", STAFF),
        ("POST", "/persona/{sealed}/avisar/{id}/firmar", STAFF),
        ("GET", "/segundo-factor", STAFF),
        ("POST", "/segundo-factor", STAFF),
        ("POST", "/segundo-factor/probar", STAFF),
        ("GET", "/revisiones", STAFF),
        ("GET", "/revisiones/{id}", STAFF),
        ("POST", "/revisiones/{id}", STAFF),
        ("GET", "/ordenes", STAFF),
        ("POST", "/ordenes", STAFF),
        ("POST", "/ordenes/{id}/autorizar", STAFF),
        ("POST", "/ordenes/{id}/expediente", STAFF),
        ("GET", "/emergencias", Get(&["/emergencias"])),
        (
            "GET",
            "/historia",
            Get(&[
                "/historia",
                "/historia?todo=1",
                "/historia?tipo=laboratory",
                "/historia?de=farmacia",
            ]),
        ),
        ("GET", "/accesos", Get(&["/accesos"])),
        ("POST", "/accesos/{member}/{act}/opinion", EachAct),
        ("GET", "/accesos/{member}/{act}/porque", EachAct),
        ("GET", "/accesos/{member}/{act}/prueba", EachAct),
        ("GET", "/accesos/{member}/{act}/recibo", EachAct),
        ("GET", "/reglas", Get(&["/reglas"])),
        (
            "POST",
            "/reglas",
            Post(
                "/reglas",
                &[
                    ("verb", "close"),
                    ("who", "kind:pharmacy"),
                    ("what", "laboratory"),
                    ("until", "always"),
                ],
            ),
        ),
        (
            "POST",
            "/reglas/vista",
            Post(
                "/reglas/vista",
                &[
                    ("verb", "close"),
                    ("who", "kind:pharmacy"),
                    ("what", "laboratory"),
                    ("until", "always"),
                ],
            ),
        ),
        (
            "GET",
            "/reglas/recibo/{version}",
            Get(&["/reglas/recibo/1"]),
        ),
        (
            "POST",
            "/reglas/quitar",
            Post("/reglas/quitar", &[("id", "x")]),
        ),
        ("GET", "/saber", Get(&["/saber"])),
        (
            "POST",
            "/saber",
            Post("/saber", &[("what", "cancer"), ("until", "asked")]),
        ),
        (
            "GET",
            "/saber/{finding}",
            Get(&["/saber/late-onset", "/saber/ai-risk"]),
        ),
        (
            "POST",
            "/saber/{finding}",
            Post("/saber/ai-risk", &[("how", "alone")]),
        ),
        ("GET", "/registro", STAFF),
        ("GET", "/registro/{sealed}", STAFF),
        ("POST", "/registro/{sealed}", STAFF),
        ("GET", "/registro/otra/{sealed}", STAFF),
        ("POST", "/registro/otra/{sealed}", STAFF),
        ("GET", "/quien-soy", Get(&["/quien-soy"])),
        (
            "POST",
            "/quien-soy/no-soy-yo",
            Post("/quien-soy/no-soy-yo", &[("registro", "x")]),
        ),
        ("GET", "/codigo", Get(&["/codigo"])),
        ("POST", "/codigo", Post("/codigo", &[])),
        ("GET", "/representantes", Get(&["/representantes"])),
        (
            "POST",
            "/representantes",
            Post(
                "/representantes",
                &[
                    ("kin_name", "Rosa"),
                    ("kin_curp", OTHER),
                    ("kin_tie", "CHILD"),
                ],
            ),
        ),
        (
            "POST",
            "/representantes/quitar",
            Post("/representantes/quitar", &[("quien", "x")]),
        ),
        ("GET", "/persona/{sealed}/representante", STAFF),
        ("POST", "/persona/{sealed}/representante", STAFF),
        ("POST", "/persona/{sealed}/representante/quitar", STAFF),
        ("GET", "/por/{sealed}", Get(&["/por/x"])),
        ("GET", "/por/{sealed}/accesos", Get(&["/por/x/accesos"])),
        (
            "POST",
            "/por/{sealed}/terminar",
            Post("/por/x/terminar", &[]),
        ),
        ("GET", "/por/{sealed}/reglas", Get(&["/por/x/reglas"])),
        (
            "POST",
            "/por/{sealed}/reglas",
            Post("/por/x/reglas", &[("what", "diagnoses")]),
        ),
        (
            "POST",
            "/por/{sealed}/reglas/quitar",
            Post("/por/x/reglas/quitar", &[("id", "x")]),
        ),
        ("GET", "/por/{sealed}/saber", Get(&["/por/x/saber"])),
        (
            "POST",
            "/por/{sealed}/saber",
            Post("/por/x/saber", &[("what", "cancer"), ("until", "asked")]),
        ),
        (
            "POST",
            "/por/{sealed}/saber/preguntar",
            Post("/por/x/saber/preguntar", &[("id", "cancer")]),
        ),
        ("GET", "/estilo.css", Get(&["/estilo.css"])),
        ("GET", "/favicon.svg", Get(&["/favicon.svg"])),
    ]
};

#[test]
fn every_route_of_the_pages_is_in_the_harness() {
    let routes = routes();
    assert!(routes.len() > 25, "{routes:?}");
    let entered: Vec<_> = TABLE
        .iter()
        .map(|(method, path, _)| (*method, *path))
        .collect();
    assert_eq!(entered, routes, "enter it in TABLE, or say there why not");
}

fn noon() -> Timestamp {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

struct World {
    node: Node,
    pages: Router,
    cookie: String,
}

/// The node is alone: the other members do not answer, in both worlds alike.
async fn world(curp: &str) -> World {
    let fixed: Vec<String> = (1..=4).map(|port| format!("127.0.0.1:{port}")).collect();
    let pact = common::signed(&common::pact(&fixed), 4);
    let node = common::node(0, &pact);
    let (her, other) = (patient("her", CURP), patient("otro", OTHER));
    common::write_at(
        &node,
        &[("Patient", "her", &her), ("Patient", "otro", &other)],
        noon(),
    );
    common::write_at(&node, &[("Condition", "c1", DIABETES)], noon());
    let account = NewAccount {
        login: "lupita".into(),
        secret: "secreto-largo-1".into(),
        name: "Lupita".into(),
        role: Role::Patient,
        licence: None,
        curp: Some(CURP.into()),
        unit: None,
    };
    node.gate.account(account, noon()).unwrap();
    let she = common::patient(&node.id);
    let wishes = [Finding::LateOnset, Finding::AiRisk].map(|one| Wish::plain(one, noon()));
    node.gate.wish(&she, wishes.to_vec(), noon()).unwrap();
    finding(&node, if curp == CURP { "her" } else { "otro" });
    let clock: web::Clock = Arc::new(noon);
    let state = web::State::new(node.gate.clone(), node.network.clone(), clock, vec![]).unwrap();
    let mut world = World {
        node,
        pages: web::router(state),
        cookie: String::new(),
    };
    let signed_in = world
        .ask("POST", "/entrar", "login=lupita&secret=secreto-largo-1")
        .await;
    let cookie = signed_in
        .headers
        .iter()
        .find_map(|h| h.strip_prefix("set-cookie: "));
    world.cookie = cookie.unwrap().split(';').next().unwrap().to_owned();
    world
}

const DIABETES: &str = r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"},"code":{"text":"Diabetes"},"recordedDate":"2026-01-01"}"#;

fn patient(id: &str, curp: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"{}","value":"{curp}"}}],"name":[{{"family":"Escamilla","given":["María"]}}],"birthDate":"2001-02-03"}}"#,
        mx::systems::CURP
    )
}

/// A laboratory writes a finding about one of the two, and an appointment because of it; a doctor reads both of both.
fn finding(node: &Node, of: &str) {
    let about = |text: &str| text.replace("{of}", of);
    let result = about(
        r#"{"resourceType":"Observation","id":"gen","status":"final","meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}]},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":{"text":"Repeticiones CAG"},"subject":{"reference":"Patient/{of}"},"effectiveDateTime":"2026-03-01","valueQuantity":{"value":44,"unit":"1"}}"#,
    );
    let visit = about(
        r#"{"resourceType":"Appointment","id":"cita","status":"booked","start":"2026-12-01T10:00:00Z","reasonReference":[{"reference":"Observation/gen"}],"participant":[{"actor":{"reference":"Patient/{of}"},"status":"accepted"}]}"#,
    );
    common::write_at(node, &[("Observation", "gen", &result)], noon());
    common::write_at(node, &[("Appointment", "cita", &visit)], noon());
    let doctor = common::doctor(&node.id);
    for curp in [CURP, OTHER] {
        let clerk = Actor {
            role: Role::Clerk,
            licence: None,
            ..doctor.clone()
        };
        node.gate.check_in(&clerk, curp, noon()).unwrap();
        let request = trust::Request {
            person: PersonRef::Curp(curp.into()),
            ..common::summary(doctor.clone(), Purpose::Treatment)
        };
        let grant = node.gate.decide(request, noon()).unwrap();
        let held = node
            .gate
            .store()
            .everything(&grant.permit, &store::Asked::default());
        node.gate
            .open_answer(&grant, held.unwrap(), noon())
            .unwrap();
    }
}

#[derive(Debug, PartialEq)]
struct Page {
    status: u16,
    headers: Vec<String>,
    body: String,
}

impl World {
    async fn ask(&self, method: &str, path: &str, body: &str) -> Page {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "farmacia.example:443")
            .header("origin", "https://farmacia.example:443")
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.pages.clone().oneshot(request).await.unwrap();
        let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut headers: Vec<String> = response.headers().iter().map(text).collect();
        headers.sort();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 22)
            .await
            .unwrap();
        Page {
            status,
            headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn csrf(&self) -> String {
        let page = self.ask("GET", "/reglas", "").await;
        let rest = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Everything that she gets, by what was asked.
    async fn all(&self) -> Vec<(String, Page)> {
        let (mut out, csrf) = (Vec::new(), self.csrf().await);
        let form = |fields: &[(&str, &str)]| {
            let pairs = fields.iter().map(|(name, value)| format!("{name}={value}"));
            let token = [format!("csrf={csrf}")];
            token.into_iter().chain(pairs).collect::<Vec<_>>().join("&")
        };
        let log = self.ask("GET", "/accesos", "").await;
        let mut acts: Vec<String> = log
            .body
            .split("href=\"/accesos/farmacia/")
            .skip(1)
            .map(|rest| rest.split('/').next().unwrap().to_owned())
            .collect();
        // Each line leads to its proof and to why.
        acts.dedup();
        assert!(acts.len() > 3, "{acts:?}");
        // What reads comes first, what changes after it.
        for (_, _, asked) in TABLE {
            if let Asked::Get(paths) = asked {
                for path in *paths {
                    out.push(((*path).to_owned(), self.ask("GET", path, "").await));
                }
            }
        }
        for (method, path, asked) in TABLE {
            match asked {
                Asked::EachAct => {
                    for (place, act) in acts.iter().enumerate() {
                        let exact = path.replace("{member}", "farmacia").replace("{act}", act);
                        let body = form(&[("opinion", "right")]);
                        let page = self.ask(method, &exact, &body).await;
                        out.push((format!("{path} {place}"), page));
                    }
                }
                Asked::Post(path, fields) => {
                    let page = self.ask("POST", path, &form(fields)).await;
                    out.push(((*path).to_owned(), page));
                }
                Asked::Get(_) | Asked::Not(_) => {}
            }
        }
        out.push(("/saber".to_owned(), self.ask("GET", "/saber", "").await));
        out
    }
}

fn bare(page: Page) -> Page {
    Page {
        status: page.status,
        headers: page.headers.iter().map(|h| drawn(h)).collect(),
        body: drawn(&page.body),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_worlds_that_differ_in_whose_finding_it_is_are_one_on_her_pages() {
    let (hers, others) = (world(CURP).await, world(OTHER).await);
    let (one, two) = (hers.all().await, others.all().await);
    let mut compared = 0;
    for ((asked, one), (_, two)) in one.into_iter().zip(two) {
        // A receipt says hashes in Base64, with slashes; a code is for the person to read out.
        if asked == "/codigo" || asked.contains("/recibo") {
            assert_eq!(
                (one.status, one.headers.len()),
                (two.status, two.headers.len())
            );
            let lines = |page: &Page| page.body.lines().map(str::len).collect::<Vec<_>>();
            assert_eq!(lines(&one), lines(&two), "{asked}");
            continue;
        }
        assert!(!one.body.contains("Repeticiones"), "{asked}");
        assert_eq!(bare(one), bare(two), "{asked}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");

    // Asking wins: on her next page it is there, with the appointment's and the doctor's acts.
    let before = hers.ask("GET", "/accesos", "").await.body;
    let csrf = hers.csrf().await;
    let body = format!("csrf={csrf}&how=alone");
    let asked = hers.ask("POST", "/saber/late-onset", &body).await;
    assert_eq!(asked.status, 303, "{}", asked.body);
    let history = hers.ask("GET", "/historia?todo=1", "").await.body;
    assert!(history.contains("Repeticiones"), "{history}");
    let after = hers.ask("GET", "/accesos", "").await.body;
    let finding = "un hallazgo sobre males que llegan tarde";
    assert!(
        !before.contains(finding) && after.contains(finding),
        "{after}"
    );
    assert_eq!(hers.node.gate.wishes(hers.node.gate.tag(CURP)).len(), 3);
}
