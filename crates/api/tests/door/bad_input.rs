//! What bad input gets: a 4xx that says where and why; never a panic, never a 5xx, never half a write.

use crate::house::{House, network, noon, observation, patient};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use proptest::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tower::ServiceExt;
use trust::Role;

/// What is broken in us is told without our insides, under the headers that every answer has, and breaks nothing else.
#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing() {
    let house = House::new();
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = broken.clone();
    let clock = move || match is_broken.load(Relaxed) {
        true => panic!("the insides of a clock"),
        false => noon(),
    };
    let router = api::router(api::State {
        gate: house.gate.clone(),
        network: network(&house.gate),
        people: Arc::default(),
        limits: api::Limits::default(),
        clock: Arc::new(clock),
        base: "https://imss.example".into(),
    });
    let token = house.token(Role::System);
    let ask = || {
        let request = Request::get("/fhir/Patient/her")
            .header("authorization", format!("Bearer {token}"))
            .header("x-request-id", "abc")
            .body(Body::empty())
            .unwrap();
        router.clone().oneshot(request)
    };
    let answer = ask().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["x-request-id"], "abc");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        body.contains("OperationOutcome") && !body.contains("clock"),
        "{body}"
    );
    broken.store(false, Relaxed);
    assert_eq!(ask().await.unwrap().status(), 200);
}

#[tokio::test]
async fn each_kind_of_bad_input_has_its_answer() {
    let house = House::new();
    let token = house.token(Role::System);
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let good = observation("o1", "her", "1");
    let cases: &[(&str, &str, u16, &str)] = &[
        ("POST /fhir/Observation", "{", 400, "line 1"),
        ("POST /fhir/Observation", "", 400, "the text ends"),
        (
            "POST /fhir/Observation",
            r#"{"a":1,"a":2}"#,
            400,
            "stands twice",
        ),
        ("POST /fhir/Observation", &deep, 400, "deeper than 64"),
        ("POST /fhir/Observation", "[]", 400, "no resourceType"),
        ("POST /fhir/Patient", &good, 400, "is a `Observation`"),
        (
            "POST /fhir/Observation",
            r#"{"resourceType":"Observation","code":{"text":"x"}}"#,
            422,
            "",
        ),
        ("POST /fhir/Nonsense", "{}", 404, "not a resource type"),
        ("GET /fhir/Nonsense", "", 404, "not a resource type"),
        ("GET /fhir/Nonsense/1", "", 404, "not a resource type"),
        (
            "PUT /fhir/Observation/o2",
            &good,
            400,
            "the address says `o2`",
        ),
        ("GET /fhir/Observation/o_1", "", 400, "An id has"),
        ("PUT /fhir/Observation/%20", &good, 400, "An id has"),
        ("GET /fhir/Observation?nonsense=1", "", 400, "nonsense"),
        ("GET /fhir/Observation?code:nonsense=1", "", 400, "nonsense"),
        ("GET /fhir/Observation?date=yesterday", "", 400, "yesterday"),
        ("GET /fhir/Observation?_page=made-up", "", 400, "page link"),
        ("GET /fhir/Observation?name=%ff", "", 400, "UTF-8"),
        (
            "GET /fhir/Observation/o1?code=1",
            "",
            400,
            "`code` is not supported here",
        ),
        (
            "GET /fhir/Observation/_history?_at=then",
            "",
            400,
            "`_at` is a date",
        ),
        ("GET /fhir/_history?_since=yesterday", "", 400, "_since"),
        (
            "GET /fhir/Observation/o1/_history/x",
            "",
            404,
            "no such version",
        ),
        (
            "PATCH /fhir/Observation/o1",
            "true",
            400,
            "A patch is an array",
        ),
        ("PUT /fhir/Observation", &good, 400, "no condition"),
        ("DELETE /fhir/Observation", "", 400, "no condition"),
        ("DELETE /fhir/Observation?nonsense=1", "", 400, "nonsense"),
        (
            "DELETE /fhir/Observation?code=1&_count=1",
            "",
            400,
            "shapes an answer",
        ),
        (
            "PATCH /fhir/Observation/o1",
            r#"[{"op":"remove","path":"/status"}]"#,
            422,
            "status",
        ),
        (
            "POST /fhir/Observation/o1/$meta-add",
            "{}",
            400,
            "Send Parameters",
        ),
        (
            "GET /fhir/Observation/o1/$nothing",
            "",
            404,
            "nothing at this address",
        ),
    ];
    for (line, body, status, said) in cases {
        let answer = house.call(line, &token, body).await;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, *status, "{line} {body:.60}: {text}");
        assert!(answer.issue().2.contains(said), "{line} {body:.60}: {text}");
    }
    let wrong = observation("o1", "her", "1").replace("Patient/her", "Patient?identifier=1");
    let answer = house
        .call("POST /fhir/Observation", &token, &wrong)
        .await
        .is(422);
    assert!(
        answer.issue().1.starts_with("Observation.subject"),
        "{:?}",
        answer.issue()
    );
}

#[tokio::test]
async fn too_much_in_one_question_is_the_callers_and_said() {
    let house = House::new();
    let token = house.token(Role::System);
    let many = |part: &str, count: usize| vec![part; count].join("&");
    let cases = [
        format!("Observation?{}", many("status=final", 257)),
        format!("Observation?{}", many("status=final", 65)),
        format!("Observation?code={}", vec!["a"; 1_001].join(",")),
        format!("Observation?{}", many("_include=Observation:subject", 65)),
        format!(
            "Observation?{}=a",
            ["subject.organization.partof"; 9].join(".")
        ),
        format!(
            "Observation?_filter={}status%20eq%20final{}",
            "(".repeat(17),
            ")".repeat(17)
        ),
    ];
    for path in cases {
        let said = house.call(&format!("GET /fhir/{path}"), &token, "").await;
        assert_eq!(said.status, 400, "{path:.60}");
        assert!(!said.issue().2.is_empty());
    }
    let long = format!("code={}", "a".repeat(100_001));
    let posted = house
        .call("POST /fhir/Observation/_search", &token, &long)
        .await
        .is(400);
    assert_eq!(posted.issue().0, "too-long");
    // More than a page takes is a page.
    house
        .call("GET /fhir/Observation?_count=100000", &token, "")
        .await
        .is(200);
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_to_be_asked_again() {
    let slow = store::Options {
        question_time: std::time::Duration::ZERO,
        ..store::Options::default()
    };
    let house = House::over(api::Limits::default(), slow);
    let token = house.token(Role::System);
    for line in [
        "GET /fhir/Observation?code=4548-4",
        "GET /fhir/Observation/o1",
        "GET /fhir/Observation/o1/_history",
        "GET /fhir/Patient/her/$everything",
        "GET /fhir?_type=Observation&status=final",
    ] {
        let said = house.call(line, &token, "").await.is(503);
        assert_eq!(said.header("retry-after"), "2", "{line}");
        assert_eq!(said.issue().0, "timeout", "{line}");
    }
}

#[tokio::test]
async fn a_check_names_every_place() {
    let house = House::new();
    let token = house.token(Role::System);
    let bad =
        r#"{"resourceType":"Patient","gender":"neither","birthDate":"1.1.1970","nonsense":1}"#;
    let outcome = house
        .call("POST /fhir/Patient", &token, bad)
        .await
        .is(422)
        .json();
    let mut places: Vec<&str> = outcome
        .list("issue")
        .iter()
        .filter_map(|issue| issue.text("expression.0"))
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        ["Patient.birthDate", "Patient.gender", "Patient.nonsense"]
    );
}

#[tokio::test]
async fn bodies_of_the_wrong_kind_or_size_are_refused() {
    let house = House::with(api::Limits {
        body_bytes: 1000,
        ..api::Limits::default()
    });
    let token = house.token(Role::System);
    let line = "POST /fhir/Patient";
    let her = patient("x", "1");
    for kind in ["text/plain", "application/fhir+xml", ""] {
        house
            .call_with(line, &token, &[("content-type", kind)], &her)
            .await
            .is(415);
    }
    house
        .call_with(line, &token, &[("content-encoding", "br")], &her)
        .await
        .is(415);
    house
        .call_with(line, &token, &[("content-encoding", "gzip")], &her)
        .await
        .is(400);
    let large = her.replace("Pérez", &"x".repeat(1000));
    assert_eq!(
        house.call(line, &token, &large).await.is(413).issue().0,
        "too-long"
    );
    let request = Request::post("/fhir/Patient")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json")
        .body(Body::from(b"{\"resourceType\":\"Patient\xff\"}".to_vec()))
        .unwrap();
    assert!(
        house
            .send(request)
            .await
            .is(400)
            .issue()
            .2
            .contains("UTF-8")
    );
}

#[tokio::test]
async fn a_token_is_asked_for_before_anything_is_read() {
    let house = House::new();
    for (token, line) in [("", "POST /fhir/Patient"), ("forged", "GET /fhir/Nonsense")] {
        let said = house.call(line, token, "{").await.is(401);
        assert!(said.header("www-authenticate").starts_with("Bearer"));
        assert_eq!(said.issue().0, "login");
    }
    let later = house.token(Role::System);
    let purpose = [("tejido-purpose", "HRESCH")];
    house
        .call_with("GET /fhir/Patient/her", &later, &purpose, "")
        .await
        .is(403);
    let purpose = [("tejido-purpose", "curiosity")];
    house
        .call_with("GET /fhir/Patient/her", &later, &purpose, "")
        .await
        .is(400);
}

/// JSON of any shape, with the names that the server knows mixed in.
fn json() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("Patient".to_owned()),
        Just("Bundle".to_owned()),
        Just("transaction".to_owned()),
        Just("batch".to_owned()),
        Just("urn:uuid:1".to_owned()),
        Just("Patient?identifier=1".to_owned()),
        Just("POST".to_owned()),
        Just("Patient/her".to_owned()),
        "[a-z?&=|%/:$_]{0,12}",
    ];
    let key = prop_oneof![
        Just("resourceType".to_owned()),
        Just("type".to_owned()),
        Just("id".to_owned()),
        Just("entry".to_owned()),
        Just("resource".to_owned()),
        Just("request".to_owned()),
        Just("method".to_owned()),
        Just("url".to_owned()),
        Just("reference".to_owned()),
        Just("subject".to_owned()),
        "[a-zA-Z_]{0,8}",
    ];
    let leaf = prop_oneof![
        word.prop_map(|text| format!("{text:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        Just("null".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{key:?}:{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A bundle whose entries are nearly right.
fn nearly() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "x"]);
    let url = prop::sample::select(vec![
        "Patient",
        "Patient/her",
        "Patient/her/_history/1",
        "Observation?patient=her",
        "Bundle",
        "/",
        "",
        "Patient/her/$everything",
        "metadata",
        "../x",
        "Patient?%",
        "_history",
    ]);
    let kind = prop::sample::select(vec!["transaction", "batch"]);
    let entry = (method, url, json(), any::<bool>()).prop_map(|(method, url, resource, with)| {
        let resource = if with { format!("\"resource\":{resource},") } else { String::new() };
        format!("{{{resource}\"fullUrl\":\"urn:uuid:1\",\"request\":{{\"method\":\"{method}\",\"url\":\"{url}\"}}}}")
    });
    (kind, prop::collection::vec(entry, 0..4)).prop_map(|(kind, entries)| {
        format!(
            "{{\"resourceType\":\"Bundle\",\"type\":\"{kind}\",\"entry\":[{}]}}",
            entries.join(",")
        )
    })
}

const DOORS: [(&str, &str); 4] = [
    ("POST", "/fhir"),
    ("POST", "/fhir/Patient"),
    ("PUT", "/fhir/Patient/p"),
    ("POST", "/fhir/Patient/_search"),
];

#[test]
fn no_body_makes_it_break() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let house = House::new();
    let token = house.token(Role::System);
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        json().prop_map(String::into_bytes),
        nearly().prop_map(String::into_bytes),
    ];
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(body in body)| {
        for (method, path) in DOORS {
            let kind = match path.ends_with("_search") {
                true => "application/x-www-form-urlencoded",
                false => "application/fhir+json",
            };
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", kind)
                .body(Body::from(body.clone()))
                .unwrap();
            let said = runtime.block_on(house.send(request));
            prop_assert!(said.status < 500, "{method} {path}: {}", said.status);
        }
    });
}
