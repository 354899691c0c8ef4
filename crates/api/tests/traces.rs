//! What a node tells of its work to whoever traces it: kinds, types and names that it gave itself. Never what a request
//! says, whom it is about, or what is stored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "door/house.rs"]
mod house;

use house::{House, OTHER, SHE, observation, patient};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::format::FmtSpan;
use trust::Role;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_trace_leads_from_the_request_to_the_commit_and_says_nothing_of_anyone() {
    let paper = Paper::default();
    let written = paper.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || written.clone())
        .init();
    let house = House::new();
    let token = house.token(Role::System);
    house.check_in(SHE);
    let new = observation("secret-id-77", "her", "4548-4");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{new},"request":{{"method":"PUT","url":"Observation/secret-id-77"}}}}]}}"#
    );
    let someone = patient("secret-id-78", "GODE561231HDFRRN09");
    for (line, body, status) in [
        ("PUT /fhir/Observation/secret-id-77", new.as_str(), 201),
        ("GET /fhir/Observation/secret-id-77", "", 200),
        ("GET /fhir/Observation/secret-id-77/_history", "", 200),
        ("GET /fhir/Observation?patient=her&code=4548-4", "", 200),
        ("GET /fhir/Patient?name=P%C3%A9rez", "", 200),
        ("GET /fhir/Patient/her/$everything", "", 200),
        ("GET /fhir/Observation/$lastn?patient=her", "", 200),
        ("POST /fhir", &bundle, 200),
        ("POST /fhir/Patient", &someone, 201),
        ("DELETE /fhir/Observation/secret-id-77", "", 204),
        ("GET /fhir/Nonsense-HEGG560427MVZRRL04", "", 404),
        ("GET /fhir/Patient?birthdate=secret-id-79", "", 400),
        ("PUT /fhir/Observation/o1", "{secret-id-80", 400),
        ("HEGG560427MVZRRL04 /fhir/Patient/her", "", 405),
    ] {
        let said = house.call(line, &token, body).await;
        assert_eq!(said.status, status, "{line}");
    }
    let by_curp = format!("GET /fhir/Patient?identifier={}%7C{SHE}", mx::systems::CURP);
    house.call(&by_curp, &token, "").await.is(200);
    house
        .call_with(
            "GET /fhir/Patient/her",
            "forged-secret",
            &[("x-request-id", SHE)],
            "",
        )
        .await
        .is(401);
    house
        .call("GET /fhir/Patient/other", &house.token(Role::Physician), "")
        .await
        .is(403);

    let told = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    for there in [
        r#"request{method="GET" route="/fhir/{type}/{id}" of="Observation" status=200}"#,
        r#"route="/fhir/{type}" of="Patient" status=400"#,
        r#"decision{purpose="HOPERAT" role="system" permit=""#,
        r#"role="physician" refused=""#,
        r#"question{kind="read" of="Observation" permit="#,
        r#"question{kind="search" of="Patient" permit="#,
        r#"question{kind="everything" permit="#,
        r#"commit{kind="write" changes=1 permit="#,
        r#"commit{kind="act" permit="#,
    ] {
        assert!(told.contains(there), "{there}\n{told}");
    }
    // A question stands inside its request.
    let inside = |line: &str| {
        let places = ["request{", "question{"].map(|span| line.find(span));
        matches!(places, [Some(request), Some(question)] if request < question)
    };
    assert!(told.lines().any(inside), "{told}");
    for secret in [
        SHE,
        OTHER,
        "GODE561231HDFRRN09",
        "secret",
        "Pérez",
        "P%C3%A9rez",
        "4548-4",
        "birthdate",
        "her/",
        "Patient/her",
        "Una Persona",
        &token,
    ] {
        let line = told.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret}");
    }
}
