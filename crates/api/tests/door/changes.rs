//! Patches, meta, validation, histories at a time, compressed bodies and `HEAD`.

use crate::house::{House, observation, patient};
use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use http::Request;
use std::io::Write;
use trust::Role;

#[tokio::test]
async fn a_patch_changes_what_it_says_and_nothing_else() {
    let house = House::new();
    let token = house.token(Role::System);
    let line = "PATCH /fhir/Observation/o1";
    let json = [("content-type", "application/json-patch+json")];
    let amended = r#"[{"op":"test","path":"/status","value":"final"},{"op":"replace","path":"/status","value":"amended"}]"#;
    let done = house.call_with(line, &token, &json, amended).await.is(200);
    assert_eq!(done.header("etag"), "W/\"2\"");
    assert_eq!(done.json().text("status"), Some("amended"));
    assert!(String::from_utf8_lossy(&done.body).contains("7.10"));
    // The test no longer holds.
    let said = house.call_with(line, &token, &json, amended).await.is(409);
    assert_eq!(said.issue().0, "conflict");
    let by_path = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Observation.status"},{"name":"value","valueCode":"corrected"}]}]}"#;
    let done = house.call(line, &token, by_path).await.is(200);
    assert_eq!(done.json().text("status"), Some("corrected"));
    for (tag, status) in [("W/\"1\"", 412), ("W/\"3\"", 200)] {
        let body = r#"[{"op":"replace","path":"/status","value":"final"}]"#;
        house
            .call_with(line, &token, &[("if-match", tag)], body)
            .await
            .is(status);
    }
    house
        .call("PATCH /fhir/Observation/none", &token, amended)
        .await
        .is(404);
    let where_it_is = "PATCH /fhir/Observation?code=718-7";
    house.call(where_it_is, &token, amended).await.is(200);
    house
        .call("PATCH /fhir/Observation?code=nothing", &token, amended)
        .await
        .is(404);
    house
        .call("PATCH /fhir/Observation?code=4548-4", &token, amended)
        .await
        .is(412);
}

#[tokio::test]
async fn an_object_is_merged_into_what_is_stored() {
    let house = House::new();
    let token = house.token(Role::System);
    let line = "PATCH /fhir/Observation/o1";
    let merge = [("content-type", "application/merge-patch+json")];
    let note = r#"{"status":"amended","valueQuantity":{"unit":null},"note":[{"text":"a"}]}"#;
    let done = house.call_with(line, &token, &merge, note).await.is(200);
    assert_eq!(done.json().text("status"), Some("amended"));
    assert_eq!(done.json().path("valueQuantity.unit"), None);
    assert!(String::from_utf8_lossy(&done.body).contains("7.10"));
    for kind in ["application/json", "application/fhir+json"] {
        let plain = [("content-type", kind)];
        let done = house
            .call_with(line, &token, &plain, r#"{"note":null}"#)
            .await
            .is(200);
        assert_eq!(done.json().get("note"), None, "{kind}");
    }
    // What is left must be sound, the id stays, and the form is that of the media type.
    let json = [("content-type", "application/json-patch+json")];
    for (headers, body, status) in [
        (&merge, r#"{"status":null}"#, 422),
        (&merge, r#"{"id":"other"}"#, 422),
        (&merge, r#"[{"op":"remove","path":"/note"}]"#, 400),
        (&json, r#"{"status":"final"}"#, 400),
    ] {
        let said = house.call_with(line, &token, headers, body).await;
        assert_eq!(said.status, status, "{body}");
    }
}

#[tokio::test]
async fn patches_stand_in_bundles_as_binary_or_as_parameters() {
    let house = House::new();
    let token = house.token(Role::System);
    // [{"op":"replace","path":"/status","value":"amended"}]
    let binary = r#"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9zdGF0dXMiLCJ2YWx1ZSI6ImFtZW5kZWQifV0="}"#;
    let by_path = r#"{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Observation.status"},{"name":"value","valueCode":"corrected"}]}]}"#;
    let entries = format!(
        r#"{{"resource":{binary},"request":{{"method":"PATCH","url":"Observation/o1"}}}},{{"resource":{by_path},"request":{{"method":"PATCH","url":"Observation?code=718-7"}}}}"#
    );
    for (kind, version) in [("transaction", "2"), ("batch", "2")] {
        let sent = format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#);
        let said = house.call("POST /fhir", &token, &sent).await.is(200).json();
        for at in 0..2 {
            assert_eq!(
                said.text(&format!("entry.{at}.response.status")),
                Some("200"),
                "{kind}: {said}"
            );
        }
        let first = house.call("GET /fhir/Observation/o1", &token, "").await;
        assert_eq!(first.json().text("status"), Some("amended"));
        // What is the same already is no new version.
        assert_eq!(first.header("etag"), format!("W/\"{version}\""));
        let second = house.call("GET /fhir/Observation/o2", &token, "").await;
        assert_eq!(second.json().text("status"), Some("corrected"));
    }
    let wrong = entries.replace("W3sib3A", "!!!");
    let sent = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{wrong}]}}"#);
    house.call("POST /fhir", &token, &sent).await.is(400);
}

#[tokio::test]
async fn tags_are_added_told_and_taken_away() {
    let house = House::new();
    let token = house.token(Role::System);
    let tags = |code: &str| {
        format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"meta","valueMeta":{{"tag":[{{"system":"urn:t","code":"{code}"}}]}}}}]}}"#
        )
    };
    let add = "POST /fhir/Observation/o1/$meta-add";
    let both = house.call(add, &token, &tags("a")).await.is(200);
    assert_eq!(both.header("etag"), "W/\"2\"");
    let both = house.call(add, &token, &tags("b")).await.is(200).json();
    assert_eq!(both.list("parameter")[0].list("valueMeta").len(), 0);
    assert_eq!(both.text("parameter.0.valueMeta.tag.1.code"), Some("b"));
    fhir::check(&both).unwrap();
    for path in ["Observation/o1/$meta", "Observation/$meta", "$meta"] {
        let said = house.call(&format!("GET /fhir/{path}"), &token, "").await;
        let said = said.is(200).json();
        assert_eq!(said.text("parameter.0.name"), Some("return"), "{path}");
        assert_eq!(said.text("parameter.0.valueMeta.tag.0.code"), Some("a"));
    }
    let delete = "POST /fhir/Observation/o1/$meta-delete";
    let left = house.call(delete, &token, &tags("a")).await.is(200).json();
    assert_eq!(left.text("parameter.0.valueMeta.tag.0.code"), Some("b"));
    let found = house
        .call("GET /fhir/Observation?_tag=urn:t%7Cb", &token, "")
        .await;
    assert_eq!(found.ids(), ["o1"]);
}

#[tokio::test]
async fn a_validation_says_what_is_wrong_and_stores_nothing() {
    let house = House::new();
    let token = house.token(Role::System);
    let good = observation("o1", "her", "1");
    let bad = good.replace("\"final\"", "\"invented\"");
    let wrapped = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"resource","resource":{bad}}},{{"name":"mode","valueCode":"update"}}]}}"#
    );
    let cases: [(&str, &str, &str); 7] = [
        ("POST /fhir/Observation/$validate", &good, "information"),
        ("POST /fhir/Observation/$validate", &bad, "error"),
        ("POST /fhir/Observation/$validate", &wrapped, "error"),
        ("POST /fhir/Observation/o2/$validate", &good, "error"),
        ("POST /fhir/Patient/$validate", &good, "error"),
        ("GET /fhir/Observation/o1/$validate", "", "information"),
        (
            "POST /fhir/Observation/o1/$validate?mode=delete",
            &good,
            "information",
        ),
    ];
    for (line, body, severity) in cases {
        let said = house.call(line, &token, body).await.is(200).json();
        let wrong = said.list("issue").iter();
        let wrong = wrong.filter(|issue| issue.text("severity") == Some("error"));
        assert_eq!(wrong.count() > 0, severity == "error", "{line}: {said}");
        assert!(!said.list("issue").is_empty(), "{line}");
    }
    let there = house.call("GET /fhir/Observation/o1", &token, "").await;
    assert_eq!(there.header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn a_profile_that_is_stored_here_counts_as_soon_as_it_is_and_as_it_is() {
    let house = House::new();
    let token = house.token(Role::Physician);
    let profile = |path: &str| {
        format!(
            r#"{{"resourceType":"StructureDefinition","id":"p","url":"https://x.example/p","name":"P","status":"active","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{{"element":[{{"id":"{path}","path":"{path}","min":1}}]}}}}"#
        )
    };
    let claimed = r#"{"resourceType":"Patient","meta":{"profile":["https://x.example/p"]},"gender":"female"}"#;
    let plain = r#"{"resourceType":"Patient","gender":"female"}"#;
    let errors = |line: &str, body: &str| {
        let line = format!("POST /fhir/Patient/$validate{line}");
        let (house, token, body) = (&house, &token, body.to_owned());
        async move {
            let said = house.call(&line, token, &body).await.is(200).json();
            let issues = said.list("issue").iter();
            let wrong = issues.filter(|issue| issue.text("severity") == Some("error"));
            wrong.map(ToString::to_string).collect::<Vec<_>>()
        }
    };
    let asked = "?profile=https://x.example/p";
    assert_eq!(errors("", plain).await, Vec::<String>::new());
    let unknown = errors(asked, plain).await;
    assert!(
        unknown.len() == 1 && unknown[0].contains("not known here"),
        "{unknown:?}"
    );
    house.load(&[&profile("Patient.birthDate")]);
    for (line, body) in [(asked, plain), ("", claimed)] {
        let wrong = errors(line, body).await;
        assert!(
            wrong.len() == 1 && wrong[0].contains("birthDate"),
            "{wrong:?}"
        );
    }
    house.load(&[&profile("Patient.gender")]);
    assert_eq!(errors("", claimed).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_history_tells_what_was_current_at_a_time() {
    let house = House::new();
    let token = house.token(Role::System);
    let put = "PUT /fhir/Observation/o1";
    let next = observation("o1", "her", "2");
    house.call(put, &token, &next).await.is(200);
    for (at, versions) in [("2026-11-21", 0), ("2026-11-22", 2), ("2026-11-23", 1)] {
        for path in [
            "Observation/o1/_history",
            "Observation/_history",
            "_history",
        ] {
            let line = format!("GET /fhir/{path}?_at={at}");
            let said = house.call(&line, &token, "").await.is(200).json();
            let o1 = said
                .list("entry")
                .iter()
                .filter(|entry| entry.text("resource.id") == Some("o1"));
            assert_eq!(o1.count(), versions, "{line}");
        }
    }
}

#[tokio::test]
async fn a_body_may_come_compressed_and_an_answer_without_one() {
    let house = House::new();
    let token = house.token(Role::System);
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed
        .write_all(patient("x", "PERJ800101HDFRRN09").as_bytes())
        .unwrap();
    let request = Request::put("/fhir/Patient/x")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/fhir+json")
        .header("content-encoding", "gzip")
        .body(Body::from(packed.finish().unwrap()))
        .unwrap();
    house.send(request).await.is(201);
    let whole = house.call("GET /fhir/Patient/x", &token, "").await.is(200);
    let head = house.call("HEAD /fhir/Patient/x", &token, "").await.is(200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("etag"), whole.header("etag"));
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
    house
        .call("HEAD /fhir/Patient/none", &token, "")
        .await
        .is(404);
}
