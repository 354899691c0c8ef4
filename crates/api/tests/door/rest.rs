//! The interactions, as the institution's own software uses them.

use crate::house::{BASE, House, SHE, Said, observation};
use std::{pin::Pin, task::Poll};
use trust::Role;

#[tokio::test]
async fn a_resource_lives_through_create_read_update_history_and_delete() {
    let house = House::new();
    let token = house.token(Role::System);
    let sent = observation("mine", "her", "4548-4");
    let made = house
        .call("POST /fhir/Observation", &token, &sent)
        .await
        .is(201);
    let id = made.json().text("id").unwrap().to_owned();
    assert_ne!(id, "mine");
    assert_eq!(made.header("etag"), "W/\"1\"");
    assert_eq!(
        made.header("location"),
        format!("{BASE}/fhir/Observation/{id}/_history/1")
    );
    assert_eq!(
        made.header("last-modified"),
        "Sun, 22 Nov 2026 12:00:00 GMT"
    );
    let address = format!("/fhir/Observation/{id}");
    let read = house
        .call(&format!("GET {address}"), &token, "")
        .await
        .is(200);
    assert_eq!(read.body, made.body);
    assert!(String::from_utf8_lossy(&read.body).contains("7.10"));

    let next = observation(&id, "her", "718-7");
    let put = format!("PUT {address}");
    let stale = house
        .call_with(&put, &token, &[("if-match", "W/\"7\"")], &next)
        .await
        .is(412);
    assert_eq!(stale.issue().0, "conflict");
    let updated = house
        .call_with(&put, &token, &[("if-match", "W/\"1\"")], &next)
        .await
        .is(200);
    assert_eq!(updated.header("etag"), "W/\"2\"");
    let same = house.call(&put, &token, &next).await.is(200);
    assert_eq!(same.header("etag"), "W/\"2\"");

    let first = house
        .call(&format!("GET {address}/_history/1"), &token, "")
        .await
        .is(200);
    assert_eq!(first.body, made.body);
    house
        .call(&format!("GET {address}/_history/9"), &token, "")
        .await
        .is(404);
    house
        .call(&format!("DELETE {address}"), &token, "")
        .await
        .is(204);
    house
        .call(&format!("GET {address}"), &token, "")
        .await
        .is(410);
    house
        .call(&format!("DELETE {address}"), &token, "")
        .await
        .is(204);
    let history = house
        .call(&format!("GET {address}/_history"), &token, "")
        .await
        .is(200)
        .json();
    let methods: Vec<&str> = history
        .list("entry")
        .iter()
        .filter_map(|entry| entry.text("request.method"))
        .collect();
    assert_eq!(methods, ["DELETE", "PUT", "POST"]);
    fhir::check(&history).unwrap();
}

#[tokio::test]
async fn a_client_may_choose_the_id_and_the_patient_may_come_later() {
    let house = House::new();
    let token = house.token(Role::System);
    let early = observation("early", "later", "4548-4");
    house
        .call("PUT /fhir/Observation/early", &token, &early)
        .await
        .is(201);
    house
        .call("GET /fhir/Observation/early", &token, "")
        .await
        .is(200);
    let found = house
        .call("GET /fhir/Observation?patient=later", &token, "")
        .await;
    assert_eq!(found.status, 200);
}

#[tokio::test]
async fn a_conditional_create_stores_once() {
    let house = House::new();
    let token = house.token(Role::System);
    let condition = format!("identifier={}|{SHE}", mx::systems::CURP);
    let her = crate::house::patient("x", SHE);
    let headers = [("if-none-exist", condition.as_str())];
    let there = house
        .call_with("POST /fhir/Patient", &token, &headers, &her)
        .await
        .is(200);
    assert_eq!(there.json().text("id"), Some("her"));
    let headers = [("if-none-exist", "identifier=new|1")];
    house
        .call_with("POST /fhir/Patient", &token, &headers, &her)
        .await
        .is(201);
}

#[tokio::test]
async fn searches_page_through_their_own_links() {
    let house = House::new();
    let token = house.token(Role::System);
    let mut seen = Vec::new();
    let mut next = "/fhir/Observation?status=final&_count=1&_total=accurate".to_owned();
    for _ in 0..3 {
        let page = house.call(&format!("GET {next}"), &token, "").await.is(200);
        seen.extend(page.ids());
        let bundle = page.json();
        fhir::check(&bundle).unwrap();
        assert_eq!(bundle.get("total").unwrap().to_string(), "3");
        let link = bundle
            .list("link")
            .iter()
            .find(|link| link.text("relation") == Some("next"));
        match link {
            Some(link) => next = link.text("url").unwrap().replace(BASE, ""),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, ["o1", "o2", "x1"]);
    let posted = house
        .call(
            "POST /fhir/Observation/_search",
            &token,
            "patient=her&code=718-7",
        )
        .await;
    assert_eq!(posted.is(200).ids(), ["o2"]);
}

#[tokio::test]
async fn answers_are_shaped_as_asked() {
    let house = House::new();
    let token = house.token(Role::System);
    let read = "GET /fhir/Observation/o1";
    let tagged = house
        .call_with(read, &token, &[("if-none-match", "W/\"1\"")], "")
        .await
        .is(304);
    assert!(tagged.body.is_empty());
    let pretty = house
        .call("GET /fhir/Observation/o1?_pretty=true", &token, "")
        .await
        .is(200);
    assert!(pretty.body.starts_with(b"{\n  \"resourceType\""));
    let part = house
        .call("GET /fhir/Observation/o1?_elements=status", &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(part.text("meta.tag.0.code"), Some("SUBSETTED"));
    assert!(part.get("code").is_none());
    let count = house
        .call("GET /fhir/Observation?_summary=count", &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(count.get("total").unwrap().to_string(), "3");
    assert!(count.list("entry").is_empty());
    let included = house
        .call(
            "GET /fhir/Observation?_id=o1&_include=Observation:subject",
            &token,
            "",
        )
        .await
        .is(200);
    assert_eq!(included.ids(), ["her", "o1"]);
    let head = house
        .call("HEAD /fhir/Observation/o1", &token, "")
        .await
        .is(200);
    assert_eq!((head.body.len(), head.header("etag")), (0, "W/\"1\""));
    let xml = house
        .call_with(read, &token, &[("accept", "application/fhir+xml")], "")
        .await
        .is(406);
    assert_eq!(xml.issue().0, "not-supported");
    let small = house
        .call_with(read, &token, &[("accept-encoding", "gzip")], "")
        .await
        .is(200);
    assert_eq!(small.header("content-encoding"), "gzip");
}

#[tokio::test]
async fn a_writer_says_what_comes_back() {
    let house = House::new();
    let token = house.token(Role::System);
    let text = observation("o1", "her", "2345-7");
    let put = "PUT /fhir/Observation/o1";
    let minimal = house
        .call_with(put, &token, &[("prefer", "return=minimal")], &text)
        .await
        .is(200);
    assert!(minimal.body.is_empty());
    let outcome = house
        .call_with(put, &token, &[("prefer", "return=OperationOutcome")], &text)
        .await
        .is(200);
    assert_eq!(outcome.issue().0, "informational");
}

#[tokio::test]
async fn a_whole_record_comes_with_what_it_refers_to() {
    let house = House::new();
    let token = house.token(Role::System);
    let all = house
        .call("GET /fhir/Patient/her/$everything", &token, "")
        .await
        .is(200);
    assert_eq!(all.ids(), ["her", "o1", "o2"]);
    let some = house
        .call(
            "GET /fhir/Patient/her/$everything?_type=Observation&_count=1",
            &token,
            "",
        )
        .await
        .is(200);
    assert_eq!(some.ids().len(), 1);
    let bundle = some.json();
    let next = bundle
        .list("link")
        .iter()
        .find(|link| link.text("relation") == Some("next"));
    let next = next.unwrap().text("url").unwrap().replace(BASE, "");
    let rest = house.call(&format!("GET {next}"), &token, "").await.is(200);
    assert_eq!(rest.ids().len(), 1);
    assert_ne!(rest.ids(), some.ids());
    house
        .call("GET /fhir/Patient/nobody/$everything", &token, "")
        .await
        .is(404);
    house
        .call("GET /fhir/Patient/her/$everything?start=2020", &token, "")
        .await
        .is(400);
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let house = House::new();
    for line in [
        "GET /fhir/metadata",
        "GET /fhir/Patient/her",
        "GET /fhir/nothing/at/all",
        "GET /health/live",
    ] {
        let said = house
            .call_with(line, "", &[("x-request-id", "abc-1")], "")
            .await;
        assert_eq!(said.header("cache-control"), "no-store", "{line}");
        assert_eq!(said.header("x-content-type-options"), "nosniff", "{line}");
        assert_eq!(
            said.header("strict-transport-security"),
            "max-age=31536000",
            "{line}"
        );
        assert_eq!(said.header("x-request-id"), "abc-1", "{line}");
    }
    let named = house.call("GET /health/live", "", "").await;
    assert_eq!(named.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn the_log_is_public_and_says_how_long_it_may_be_kept() {
    let house = House::new();
    let checkpoint = house.call("GET /log/checkpoint", "", "").await.is(200);
    assert_eq!(checkpoint.header("cache-control"), "no-cache");
    let text = String::from_utf8(checkpoint.body).unwrap();
    let size: u64 = text.lines().nth(1).unwrap().parse().unwrap();
    assert!(size > 0 && size < 256);
    let tile = house
        .call(&format!("GET /log/tile/0/000.p/{size}"), "", "")
        .await
        .is(200);
    assert_eq!(tile.body.len() as u64, 32 * size);
    assert_eq!(
        tile.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    for path in [
        "tile/0/001",
        "tile/0/0",
        "../secrets",
        "tile/entries/000.p/0",
    ] {
        house
            .call(&format!("GET /log/{path}"), "", "")
            .await
            .is(404);
    }
}

#[tokio::test]
async fn a_full_house_says_so_before_it_does_anything() {
    let limits = api::Limits {
        concurrent: 0,
        ..api::Limits::default()
    };
    let house = House::with(limits);
    let said = house
        .call("POST /fhir/Observation", "any", "{}")
        .await
        .is(503);
    assert_eq!(
        (said.issue().0.as_str(), said.header("retry-after")),
        ("throttled", "2")
    );
}

/// A request that is begun and not ended: a future that was polled once.
async fn begun<'a>(house: &'a House, token: &'a str) -> Pin<Box<impl Future<Output = Said> + 'a>> {
    let mut asked = Box::pin(house.call("GET /fhir/Patient/her", token, ""));
    std::future::poll_fn(|context| {
        assert!(asked.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    asked
}

#[tokio::test]
async fn a_caller_who_asks_too_much_at_once_is_told_so_and_nobody_else() {
    let limits = api::Limits {
        per_token: 2,
        ..api::Limits::default()
    };
    let house = House::with(limits);
    let (hasty, calm) = (house.token(Role::System), house.token(Role::Operator));
    let first = begun(&house, &hasty).await;
    let second = begun(&house, &hasty).await;
    let new = observation("new", "her", "718-7");
    for line in ["GET /fhir/Patient/her", "PUT /fhir/Observation/new"] {
        let said = house.call(line, &hasty, &new).await.is(429);
        assert_eq!(
            (said.issue().0.as_str(), said.header("retry-after")),
            ("throttled", "2")
        );
    }
    house.call("GET /fhir/metadata", &hasty, "").await.is(200);
    house
        .call("GET /fhir/Observation/new", &calm, "")
        .await
        .is(404);
    first.await.is(200);
    second.await.is(200);
    house
        .call("PUT /fhir/Observation/new", &hasty, &new)
        .await
        .is(201);
}
