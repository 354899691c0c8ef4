//! What somebody may not know looks the same whether it is there or not.

use crate::house::{House, OTHER, SHE, Said, noon, observation, patient};
use trust::{Category, LicenceState, Role, Rule, Who};

/// Status, body and headers but for the request's own name.
fn told(mut said: Said) -> (u16, Vec<u8>, Vec<String>) {
    said.headers.remove("x-request-id");
    let headers = said
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"));
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    (said.status, said.body, headers)
}

/// Everyone is closed to laboratory results, silently.
fn close_laboratory(house: &House) {
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![Category::Laboratory],
        purpose: None,
        until: None,
        hint: false,
    };
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    house.gate.say(&she, vec![rule], noon()).unwrap();
}

#[tokio::test]
async fn what_is_anothers_withheld_or_not_there_is_the_same_answer() {
    let house = House::new();
    house.check_in(SHE);
    close_laboratory(&house);
    for role in [Role::Physician, Role::Clerk] {
        let token = house.token(role);
        for (method, rest) in [
            ("GET", ""),
            ("GET", "/_history"),
            ("GET", "/_history/1"),
            ("DELETE", ""),
        ] {
            let mut answers = Vec::new();
            // Hers and withheld, somebody else's, not there.
            for id in ["o1", "x1", "nothing"] {
                let line = format!("{method} /fhir/Observation/{id}{rest}");
                answers.push(told(house.call(&line, &token, "").await));
            }
            assert_eq!(answers[0].0, 403, "{role:?} {method} {rest}");
            assert_eq!(answers[0], answers[1], "{role:?} {method} {rest}");
            assert_eq!(answers[1], answers[2], "{role:?} {method} {rest}");
        }
    }
}

#[tokio::test]
async fn a_person_who_is_here_and_one_who_is_not_are_refused_alike() {
    let house = House::new();
    let token = house.token(Role::Physician);
    for path in [
        "/fhir/Patient/{}",
        "/fhir/Patient/{}/$everything",
        "/fhir/Patient/{}/_history",
        "/fhir/Patient/{}/Observation",
        "/fhir/Patient/{}/*",
        "/fhir?_type=Observation,Condition&patient={}",
    ] {
        let here = house
            .call(&format!("GET {}", path.replace("{}", "other")), &token, "")
            .await;
        let not = house
            .call(&format!("GET {}", path.replace("{}", "nobody")), &token, "")
            .await;
        assert_eq!(here.status, 403);
        assert_eq!(told(here), told(not), "{path}");
    }
    let search = |id: &str| format!("GET /fhir/Observation?patient={id}");
    let here = house.call(&search("other"), &token, "").await.is(403);
    let not = house.call(&search("nobody"), &token, "").await.is(403);
    assert_eq!(told(here), told(not));
}

#[tokio::test]
async fn two_worlds_that_differ_in_what_is_withheld_answer_byte_for_byte_alike() {
    let mut worlds = Vec::new();
    for more in [false, true] {
        let house = House::new();
        house.check_in(SHE);
        house.load(&[
            r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"}}"#,
        ]);
        if more {
            house.load(&[&observation("o3", "her", "4548-4")]);
        }
        close_laboratory(&house);
        let token = house.token(Role::Physician);
        let mut answers = Vec::new();
        for path in [
            "Observation?patient=her&_total=accurate",
            "Observation?patient=her&_summary=count",
            "Condition?patient=her&_total=accurate&_revinclude=Observation:focus",
            "Patient?_id=her&_revinclude=Observation:subject",
            "Patient/her/$everything",
            "Patient/her/*?_total=accurate",
            "Patient/her/Observation?code=4548-4&_total=accurate",
            "?_type=Observation,Condition&patient=her&_total=accurate&_count=1",
            "Encounter/e1/Observation?patient=her",
            "Observation/$lastn?patient=her&max=2",
            "Observation/o3",
            "Observation/o3/_history",
            "Observation/o3/_history?_at=2026",
            "Observation/o3/$meta",
            "Observation/o3/$validate",
            "Patient/her/_history?_at=2026-11-22",
        ] {
            let (status, body, headers) =
                told(house.call(&format!("GET /fhir/{path}"), &token, "").await);
            answers.push((
                path.to_owned(),
                status,
                String::from_utf8(body).unwrap(),
                headers,
            ));
        }
        for (line, body) in changes() {
            let said = told(house.call(line, &token, &body).await);
            let (status, body, headers) = said;
            let body = String::from_utf8(body).unwrap();
            answers.push((
                line.to_owned(),
                status,
                without_ids(&body),
                without(headers),
            ));
        }
        worlds.push(answers);
    }
    assert_eq!(worlds[0], worlds[1]);
}

/// Writes whose conditions the withheld observation meets, and writes that name it. In the world with it and in the
/// one without it they are done or refused alike.
fn changes() -> Vec<(&'static str, String)> {
    let result = observation("x", "her", "4548-4").replace(r#""id":"x","#, "");
    let patch = r#"[{"op":"test","path":"/status","value":"final"}]"#;
    let tag = r#"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"a"}]}}]}"#;
    let in_bundle = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"request":{{"method":"DELETE","url":"Observation?patient=her&code=4548-4"}}}},{{"resource":{result},"request":{{"method":"POST","url":"Observation","ifNoneExist":"patient=her&code=4548-4&value-quantity=gt100"}}}}]}}"#
    );
    vec![
        ("PATCH /fhir/Observation/o3", patch.to_owned()),
        (
            "PATCH /fhir/Observation?patient=her&code=4548-4",
            patch.to_owned(),
        ),
        ("POST /fhir/Observation/o3/$meta-add", tag.to_owned()),
        (
            "DELETE /fhir/Observation?patient=her&code=4548-4",
            String::new(),
        ),
        ("POST /fhir", in_bundle),
        ("PUT /fhir/Observation?patient=her&code=4548-4", result),
    ]
}

/// Ids given out for new resources are random.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    let id = |text: &str| text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    for part in text.split_inclusive(['"', '/']) {
        match id(part.trim_end_matches(['"', '/'])) {
            true => out.push_str("<id>"),
            false => out.push_str(part),
        }
    }
    out
}

fn without(headers: Vec<String>) -> Vec<String> {
    let mut headers = headers;
    headers.retain(|header| !header.starts_with("location"));
    headers
}

#[tokio::test]
async fn a_patient_finds_her_own_without_naming_herself_and_nobody_else() {
    let house = House::new();
    let token = house.token(Role::Patient);
    let own = house
        .call("GET /fhir/Observation", &token, "")
        .await
        .is(200);
    assert_eq!(own.ids(), ["o1", "o2"]);
    house
        .call("GET /fhir/Observation?patient=other", &token, "")
        .await
        .is(403);
    let other = house.token_with(Role::Patient, LicenceState::Active, OTHER);
    let own = house
        .call("GET /fhir/Observation", &other, "")
        .await
        .is(200);
    assert_eq!(own.ids(), ["x1"]);
}

#[tokio::test]
async fn the_desk_finds_who_somebody_is_and_nothing_else() {
    let house = House::new();
    let token = house.token(Role::Clerk);
    let by_curp = format!("GET /fhir/Patient?identifier={}%7C{SHE}", mx::systems::CURP);
    let found = house.call(&by_curp, &token, "").await.is(200);
    assert_eq!(found.ids(), ["her"]);
    let named = house
        .call("GET /fhir/Patient?name=P", &token, "")
        .await
        .is(403);
    assert!(
        named.issue().2.contains("Say whose record"),
        "{:?}",
        named.issue()
    );
    house
        .call("GET /fhir/Observation?patient=her", &token, "")
        .await
        .is(403);
    // Registering somebody new needs that she was received.
    let new = patient("ignored", "GODE561231HDFRRN09");
    house.call("POST /fhir/Patient", &token, &new).await.is(403);
}

#[tokio::test]
async fn a_wrong_version_does_not_say_that_somebody_elses_resource_is_there() {
    let house = House::new();
    house.check_in(SHE);
    let token = house.token(Role::Physician);
    let wrong = [("if-match", "W/\"9\"")];
    let mut answers = Vec::new();
    for id in ["x1", "nothing"] {
        let line = format!("PUT /fhir/Observation/{id}");
        let text = observation(id, "her", "1");
        answers.push(told(
            house.call_with(&line, &token, &wrong, &text).await.is(403),
        ));
    }
    assert_eq!(answers[0], answers[1]);
    let own = observation("o1", "her", "1");
    house
        .call_with("PUT /fhir/Observation/o1", &token, &wrong, &own)
        .await
        .is(412);
}
