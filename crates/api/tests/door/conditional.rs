//! Conditions: on versions, on times, and on what matches.

use crate::house::{House, SHE, observation, patient};
use trust::Role;

#[tokio::test]
async fn a_read_is_not_repeated_to_whoever_has_it() {
    let house = House::new();
    let token = house.token(Role::System);
    let cases = [
        ("if-none-match", "W/\"1\"", 304),
        ("if-none-match", "\"x\", W/\"1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"2\"", 200),
        ("if-none-match", "something else", 200),
        ("if-modified-since", "Sun, 22 Nov 2026 12:00:00 GMT", 304),
        ("if-modified-since", "Sun, 22 Nov 2026 11:59:59 GMT", 200),
        ("if-modified-since", "yesterday", 200),
    ];
    for (name, value, status) in cases {
        let headers = [(name, value)];
        let line = "GET /fhir/Observation/o1";
        let said = house.call_with(line, &token, &headers, "").await.is(status);
        assert_eq!(said.body.is_empty(), status == 304, "{name}: {value}");
        assert_eq!(said.header("etag"), "W/\"1\"");
    }
    // A tag counts before a time.
    let both = [
        ("if-none-match", "W/\"9\""),
        ("if-modified-since", "Sun, 22 Nov 2026 12:00:00 GMT"),
    ];
    house
        .call_with("GET /fhir/Observation/o1", &token, &both, "")
        .await
        .is(200);
}

#[tokio::test]
async fn a_write_says_what_it_expects_to_be_there() {
    let house = House::new();
    let token = house.token(Role::System);
    let text = |id: &str, code: &str| observation(id, "her", code);
    let cases = [
        ("PUT", "o1", "if-none-match", "*", 412),
        ("PUT", "n1", "if-match", "*", 412),
        ("PUT", "n1", "if-match", "W/\"1\"", 412),
        ("PUT", "n1", "if-none-match", "*", 201),
        ("PUT", "n1", "if-none-match", "*", 412),
        ("PUT", "n1", "if-match", "*", 200),
        ("PUT", "n1", "if-match", "3", 400),
        ("PUT", "n1", "if-none-match", "W/\"1\"", 400),
        ("DELETE", "n1", "if-none-match", "*", 400),
        ("DELETE", "n1", "if-match", "W/\"7\"", 412),
        ("DELETE", "n1", "if-match", "W/\"2\"", 204),
        ("DELETE", "n1", "if-match", "*", 412),
    ];
    for (at, (method, id, name, value, status)) in cases.into_iter().enumerate() {
        let line = format!("{method} /fhir/Observation/{id}");
        let body = match method {
            "PUT" => text(id, &format!("{at}-1")),
            _ => String::new(),
        };
        let said = house
            .call_with(&line, &token, &[(name, value)], &body)
            .await;
        assert_eq!(said.status, status, "{line} {name}: {value}");
    }
}

#[tokio::test]
async fn an_update_on_a_condition_creates_updates_or_refuses() {
    let house = House::new();
    let token = house.token(Role::System);
    let named =
        r#"{"resourceType":"Practitioner","identifier":[{"system":"urn:cedula","value":"88"}]}"#;
    let put = "PUT /fhir/Practitioner?identifier=urn:cedula%7C88";
    let made = house.call(put, &token, named).await.is(201);
    let id = made.json().text("id").unwrap().to_owned();
    let again = named.replace("}]}", r#"}],"active":true}"#);
    let done = house.call(put, &token, &again).await.is(200);
    assert_eq!(done.json().text("id"), Some(id.as_str()));
    assert_eq!(done.header("etag"), "W/\"2\"");
    // The body's own id must be the one that matches.
    let other = again.replace("\"identifier\"", "\"id\":\"other\",\"identifier\"");
    let said = house.call(put, &token, &other).await.is(400);
    assert_eq!(said.issue().1, "Practitioner.id");
    let same = other.replace("\"other\"", &format!("\"{id}\""));
    house.call(put, &token, &same).await.is(200);
    // Nothing matches: the body's id is used, unless somebody has it.
    let elsewhere = "PUT /fhir/Practitioner?identifier=urn:cedula%7C99";
    house.call(elsewhere, &token, &other).await.is(201);
    house.call(elsewhere, &token, &same).await.is(412);
    // Several match.
    let said = house
        .call(
            "PUT /fhir/Practitioner?identifier=urn:cedula%7C88",
            &token,
            named,
        )
        .await
        .is(412);
    assert!(
        said.issue().2.contains("more than one"),
        "{:?}",
        said.issue()
    );
    // If-Match speaks of the one that matches.
    let put = "PUT /fhir/Practitioner?identifier=urn:cedula%7C77";
    let body = named
        .replace("88", "77")
        .replace("}]}", r#"}],"active":true}"#);
    for (tag, status) in [("W/\"5\"", 412), ("W/\"1\"", 200)] {
        house
            .call_with(put, &token, &[("if-match", tag)], &body)
            .await
            .is(status);
    }
}

#[tokio::test]
async fn a_deletion_on_a_condition_deletes_one_or_nothing() {
    let house = House::new();
    let token = house.token(Role::System);
    let several = "DELETE /fhir/Observation?status=final";
    house.call(several, &token, "").await.is(412);
    let one = "DELETE /fhir/Observation?code=718-7";
    house.call(one, &token, "").await.is(204);
    house
        .call("GET /fhir/Observation/o2", &token, "")
        .await
        .is(410);
    house.call(one, &token, "").await.is(204);
}

#[tokio::test]
async fn conditions_see_only_what_is_open_to_who_asks() {
    let house = House::new();
    house.check_in(SHE);
    let token = house.token(Role::Physician);
    // Somebody else's observation has that code, and is as if it were not there.
    let mine = observation("x", "her", "4548-4").replace(r#""id":"x","#, "");
    house
        .call(
            "PUT /fhir/Observation?code=4548-4&patient=her",
            &token,
            &mine,
        )
        .await
        .is(200);
    // Whose record is meant is said by the body where the condition does not.
    house
        .call("PUT /fhir/Observation?code=4548-4", &token, &mine)
        .await
        .is(200);
    house
        .call(
            "DELETE /fhir/Observation?code=4548-4&patient=other",
            &token,
            "",
        )
        .await
        .is(403);
    let said = house
        .call("DELETE /fhir/Observation?code=4548-4", &token, "")
        .await
        .is(403);
    assert!(said.issue().2.contains("Say whose record"));
}

#[tokio::test]
async fn entries_of_a_transaction_have_conditions_of_their_own() {
    let house = House::new();
    let token = house.token(Role::System);
    let curp = mx::systems::CURP;
    let her = patient("x", SHE).replace(r#""id":"x","#, "");
    let result = observation("x", "x", "2345-7")
        .replace(r#""id":"x","#, "")
        .replace("Patient/x", "urn:uuid:aaaaaaaa-1111-4111-8111-111111111111");
    let entry = |name: &str, request: &str, resource: &str| {
        format!(r#"{{{name}{resource}"request":{{{request}}}}}"#)
    };
    let sent = |version: &str| {
        [
            entry(
                r#""fullUrl":"urn:uuid:aaaaaaaa-1111-4111-8111-111111111111","#,
                &format!(r#""method":"PUT","url":"Patient?identifier={curp}|{SHE}""#),
                &format!(r#""resource":{her},"#),
            ),
            entry(
                "",
                r#""method":"PUT","url":"Observation?code=2345-7""#,
                &format!(r#""resource":{result},"#),
            ),
            entry(
                "",
                r#""method":"DELETE","url":"Observation?code=718-7""#,
                "",
            ),
            entry(
                "",
                r#""method":"DELETE","url":"Observation?code=nothing""#,
                "",
            ),
            entry(
                "",
                &format!(r#""method":"PUT","url":"Observation/o1","ifMatch":"W/\"{version}\"""#),
                &format!(
                    r#""resource":{},"#,
                    observation("o1", "her", "4548-4").replace(
                        "\"valueQuantity\"",
                        r#""derivedFrom":[{"reference":"Observation?code=2345-7"}],"valueQuantity""#
                    )
                ),
            ),
            entry(
                "",
                r#""method":"GET","url":"Patient/her","ifNoneMatch":"W/\"1\"""#,
                "",
            ),
        ]
        .join(",")
    };
    let bundle = |version: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
            sent(version)
        )
    };
    let statuses = |said: &fhir::Value| -> Vec<String> {
        let entries = said.list("entry").iter();
        entries
            .filter_map(|entry| Some(entry.text("response.status")?.to_owned()))
            .collect()
    };
    house.call("POST /fhir", &token, &bundle("4")).await.is(412);
    house
        .call("GET /fhir/Observation/o2", &token, "")
        .await
        .is(200);
    let said = house
        .call("POST /fhir", &token, &bundle("1"))
        .await
        .is(200)
        .json();
    assert_eq!(statuses(&said), ["200", "201", "204", "204", "200", "304"]);
    let stored = house
        .call("GET /fhir/Observation/o1", &token, "")
        .await
        .json();
    let derived = stored.text("derivedFrom.0.reference").unwrap().to_owned();
    let result = house
        .call(&format!("GET /fhir/{derived}"), &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(result.text("subject.reference"), Some("Patient/her"));
    // Two entries that turn out to mean the same resource.
    let twice = [
        entry(
            "",
            r#""method":"DELETE","url":"Observation?code=4548-4&patient=her""#,
            "",
        ),
        entry("", r#""method":"DELETE","url":"Observation/o1""#, ""),
    ]
    .join(",");
    let twice = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{twice}]}}"#);
    let said = house.call("POST /fhir", &token, &twice).await.is(400);
    assert!(said.issue().2.contains("each resource once"));
}

#[tokio::test]
async fn to_delete_what_is_anothers_and_what_is_not_there_is_refused_alike() {
    let house = House::new();
    house.check_in(SHE);
    let token = house.token(Role::Physician);
    let own = observation("o1", "her", "1");
    let mut answers = Vec::new();
    for id in ["x1", "nothing"] {
        let bundle = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{own},"request":{{"method":"PUT","url":"Observation/o1"}}}},{{"request":{{"method":"DELETE","url":"Observation/{id}","ifMatch":"W/\"9\""}}}}]}}"#
        );
        answers.push(house.call("POST /fhir", &token, &bundle).await.is(403).body);
    }
    assert_eq!(answers[0], answers[1]);
}
