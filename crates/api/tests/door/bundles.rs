//! Transactions and batches.

use crate::house::{House, SHE, observation, patient};
use fhir::Value;
use trust::Role;

fn bundle(kind: &str, entries: &[String]) -> String {
    format!(
        r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#,
        entries.join(",")
    )
}
fn entry(full_url: &str, method: &str, url: &str, more: &str, resource: &str) -> String {
    let name = match full_url {
        "" => String::new(),
        url => format!(r#""fullUrl":"{url}","#),
    };
    let resource = match resource {
        "" => String::new(),
        text => format!(r#""resource":{text},"#),
    };
    format!(r#"{{{name}{resource}"request":{{"method":"{method}","url":"{url}"{more}}}}}"#)
}
fn statuses(said: &Value) -> Vec<&str> {
    said.list("entry")
        .iter()
        .filter_map(|entry| entry.text("response.status"))
        .collect()
}

#[tokio::test]
async fn names_inside_a_transaction_become_ids() {
    let house = House::new();
    let token = house.token(Role::System);
    let new_patient = r#"{"resourceType":"Patient","name":[{"family":"Nueva"}]}"#;
    let seen_by = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:11111111-1111-4111-8111-111111111111"},"performer":[{"reference":"Practitioner?identifier=urn:cedula|77"}]}"#;
    let sent = bundle(
        "transaction",
        &[
            entry("", "POST", "Observation", "", seen_by),
            entry(
                "urn:uuid:11111111-1111-4111-8111-111111111111",
                "POST",
                "Patient",
                "",
                new_patient,
            ),
            entry("", "DELETE", "Observation/x1", "", ""),
            entry("", "GET", "Observation/o1", "", ""),
        ],
    );
    let said = house
        .call_with(
            "POST /fhir",
            &token,
            &[("prefer", "return=representation")],
            &sent,
        )
        .await
        .is(200)
        .json();
    fhir::check(&said).unwrap();
    assert_eq!(said.text("type"), Some("transaction-response"));
    assert_eq!(statuses(&said), ["201", "201", "204", "200"]);
    let id = said.text("entry.1.resource.id").unwrap();
    assert_eq!(
        said.text("entry.0.resource.subject.reference"),
        Some(format!("Patient/{id}").as_str())
    );
    assert_eq!(
        said.text("entry.0.resource.performer.0.reference"),
        Some("Practitioner/pr")
    );
    assert_eq!(said.text("entry.3.resource.id"), Some("o1"));
    house
        .call("GET /fhir/Observation/x1", &token, "")
        .await
        .is(410);
}

#[tokio::test]
async fn what_is_there_already_is_used_and_not_stored_again() {
    let house = House::new();
    let token = house.token(Role::System);
    let curp = mx::systems::CURP;
    let exists = format!(r#","ifNoneExist":"identifier={curp}|{SHE}""#);
    let new = r#","ifNoneExist":"identifier=urn:cedula|88""#;
    let practitioner =
        r#"{"resourceType":"Practitioner","identifier":[{"system":"urn:cedula","value":"88"}]}"#;
    let sent = bundle(
        "transaction",
        &[
            entry("urn:uuid:aaaaaaaa-1111-4111-8111-111111111111", "POST", "Patient", &exists, &patient("x", SHE)),
            entry("urn:uuid:bbbbbbbb-1111-4111-8111-111111111111", "POST", "Practitioner", new, practitioner),
            entry("urn:uuid:cccccccc-1111-4111-8111-111111111111", "POST", "Practitioner", new, practitioner),
            entry("", "PUT", "Observation/o9", "", &observation("o9", "x", "1").replace("Patient/x", "urn:uuid:aaaaaaaa-1111-4111-8111-111111111111").replace(
                "\"valueQuantity\"",
                r#""performer":[{"reference":"urn:uuid:cccccccc-1111-4111-8111-111111111111"},{"reference":"Practitioner?identifier=urn:cedula|88"}],"valueQuantity""#,
            )),
        ],
    );
    let first = house.call("POST /fhir", &token, &sent).await.is(200).json();
    assert_eq!(statuses(&first), ["200", "201", "200", "201"]);
    let stored = house
        .call("GET /fhir/Observation/o9", &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(stored.text("subject.reference"), Some("Patient/her"));
    assert_eq!(
        stored.text("performer.0.reference"),
        stored.text("performer.1.reference")
    );
    let again = house.call("POST /fhir", &token, &sent).await.is(200).json();
    assert_eq!(statuses(&again), ["200", "200", "200", "200"]);
    let all = house
        .call("GET /fhir/Practitioner?_summary=count", &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(all.get("total").unwrap().to_string(), "2");
}

#[tokio::test]
async fn a_transaction_is_all_or_nothing_and_says_where_it_failed() {
    let house = House::new();
    let token = house.token(Role::System);
    let good = entry("", "POST", "Observation", "", &observation("a", "her", "1"));
    let count = async || {
        let said = house
            .call("GET /fhir/Observation?_summary=count", &token, "")
            .await;
        said.is(200).json().get("total").unwrap().to_string()
    };
    let before = count().await;
    let subject = |reference: &str| observation("a", "her", "1").replace("Patient/her", reference);
    for (bad, status, place) in [
        (
            entry(
                "",
                "POST",
                "Observation",
                "",
                r#"{"resourceType":"Observation"}"#,
            ),
            422,
            "Bundle.entry[1].resource",
        ),
        (
            entry(
                "",
                "POST",
                "Observation",
                "",
                &subject("urn:uuid:99999999-1111-4111-8111-111111111111"),
            ),
            422,
            "Bundle.entry[1].resource.subject",
        ),
        (
            entry(
                "",
                "POST",
                "Observation",
                "",
                &subject("Patient?identifier=a|b"),
            ),
            412,
            "Bundle.entry[1].resource.subject",
        ),
        (
            entry("", "POST", "Observation", "", &subject("Patient?nothing=1")),
            400,
            "Bundle.entry[1]",
        ),
        (
            entry(
                "",
                "PUT",
                "Observation/o1",
                r#","ifMatch":"W/\"9\"""#,
                &observation("o1", "her", "1"),
            ),
            412,
            "",
        ),
        (
            entry("", "PUT", "Patient?_count=1", "", &patient("x", SHE)),
            400,
            "Bundle.entry[1]",
        ),
        (
            entry("", "PATCH", "Patient/her", "", "{}"),
            400,
            "Bundle.entry[1]",
        ),
        (
            entry("", "POST", "Nonsense", "", &patient("x", SHE)),
            404,
            "Bundle.entry[1]",
        ),
    ] {
        let sent = bundle("transaction", &[good.clone(), bad.clone()]);
        let said = house.call("POST /fhir", &token, &sent).await;
        assert_eq!(
            said.status,
            status,
            "{bad}: {}",
            String::from_utf8_lossy(&said.body)
        );
        assert_eq!(said.issue().1, place, "{bad}");
        assert_eq!(count().await, before);
    }
}

#[tokio::test]
async fn a_batch_does_each_entry_for_itself() {
    let house = House::new();
    let token = house.token(Role::System);
    let sent = bundle(
        "batch",
        &[
            entry("", "GET", "Patient/her", "", ""),
            entry(
                "",
                "POST",
                "Observation",
                "",
                r#"{"resourceType":"Observation"}"#,
            ),
            entry("", "POST", "Observation", "", &observation("a", "her", "1")),
            entry("", "GET", "Observation?patient=her&_summary=count", "", ""),
            entry("", "GET", "Patient/nobody", "", ""),
        ],
    );
    let said = house.call("POST /fhir", &token, &sent).await.is(200).json();
    fhir::check(&said).unwrap();
    assert_eq!(statuses(&said), ["200", "422", "201", "200", "404"]);
    assert_eq!(said.text("entry.0.resource.id"), Some("her"));
    assert_eq!(
        said.path("entry.3.resource.total").unwrap().to_string(),
        "3"
    );
}

#[tokio::test]
async fn a_physician_writes_in_one_record_at_a_time() {
    let house = House::new();
    house.check_in(SHE);
    let token = house.token(Role::Physician);
    let hers = entry("", "POST", "Observation", "", &observation("a", "her", "1"));
    let others = entry(
        "",
        "POST",
        "Observation",
        "",
        &observation("a", "other", "1"),
    );
    let one = house
        .call(
            "POST /fhir",
            &token,
            &bundle("transaction", &[hers.clone(), hers.clone()]),
        )
        .await;
    one.is(200);
    let two = house
        .call(
            "POST /fhir",
            &token,
            &bundle("transaction", &[hers.clone(), others.clone()]),
        )
        .await;
    assert!(two.is(403).issue().2.contains("several persons"));
    // What is deleted along with it must be hers as well.
    let theirs = entry("", "DELETE", "Observation/x1", "", "");
    house
        .call(
            "POST /fhir",
            &token,
            &bundle("transaction", &[hers, theirs]),
        )
        .await
        .is(403);
    house
        .call("POST /fhir", &token, &bundle("transaction", &[others]))
        .await
        .is(403);
}

#[tokio::test]
async fn a_bundle_has_limits() {
    let house = House::with(api::Limits {
        bundle_entries: 1,
        ..api::Limits::default()
    });
    let token = house.token(Role::System);
    let read = entry("", "GET", "Patient/her", "", "");
    let said = house
        .call(
            "POST /fhir",
            &token,
            &bundle("batch", &[read.clone(), read]),
        )
        .await;
    assert_eq!(said.is(413).issue().0, "too-long");
    let said = house
        .call("POST /fhir", &token, &bundle("collection", &[]))
        .await;
    assert_eq!(said.is(400).issue().1, "Bundle.type");
    house
        .call("POST /fhir", &token, &bundle("batch", &[]))
        .await;
    house.call("POST /fhir", &token, "{}").await.is(400);
}
