//! Searches of compartments and of the whole server, and what an answer says that it left out.

use crate::house::{BASE, House, Said, observation};
use trust::Role;

const CONDITION: &str =
    r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"}}"#;

/// Address of a link.
fn link(said: &Said, relation: &str) -> Option<String> {
    let bundle = said.json();
    let links = bundle.list("link");
    let found = links
        .iter()
        .find(|link| link.text("relation") == Some(relation))?;
    found.text("url").map(str::to_owned)
}

/// The severities and sentences of the outcome in an answer.
fn remarks(said: &Said) -> Vec<(String, String)> {
    let bundle = said.json();
    let entries = bundle.list("entry").iter();
    let outcomes = entries.filter(|entry| entry.text("search.mode") == Some("outcome"));
    outcomes
        .flat_map(|entry| entry.path("resource").unwrap().list("issue").to_vec())
        .map(|issue| {
            let text = |name| issue.text(name).unwrap_or_default().to_owned();
            (text("severity"), text("diagnostics"))
        })
        .collect()
}

#[tokio::test]
async fn what_belongs_to_a_person_is_found_under_her_address() {
    let house = House::new();
    house.load(&[CONDITION]);
    let token = house.token(Role::System);
    let found = |path: &str| {
        let line = format!("GET /fhir/{path}");
        let (house, token) = (&house, &token);
        async move { house.call(&line, token, "").await.is(200) }
    };
    let hers = found("Patient/her/Observation?_total=accurate").await;
    assert_eq!(hers.ids(), ["o1", "o2"]);
    assert_eq!(
        link(&hers, "self").unwrap(),
        format!("{BASE}/fhir/Patient/her/Observation?_total=accurate")
    );
    let one = found("Patient/her/Observation?code=718-7").await;
    assert_eq!(one.ids(), ["o2"]);
    assert_eq!(
        found("Patient/her/*").await.ids(),
        ["c1", "her", "o1", "o2"]
    );
    let two = found("Patient/her/*?_type=Condition,Patient").await;
    assert_eq!(two.ids(), ["c1", "her"]);
    house
        .call("GET /fhir/Patient/her/Organization", &token, "")
        .await
        .is(404);
    house
        .call("GET /fhir/Observation/o1/Patient", &token, "")
        .await
        .is(404);
}

#[tokio::test]
async fn several_types_are_searched_page_by_page_by_get_and_by_post() {
    let house = House::new();
    house.load(&[CONDITION]);
    let token = house.token(Role::System);
    let mut ids = Vec::new();
    let mut next =
        Some("/fhir?_type=Observation,Condition&patient=her&_count=2&_total=accurate".to_owned());
    while let Some(path) = next {
        let page = house.call(&format!("GET {path}"), &token, "").await.is(200);
        assert_eq!(
            page.json().get("total").map(ToString::to_string),
            Some("3".into())
        );
        ids.push(page.ids());
        next = link(&page, "next").map(|url| url.strip_prefix(BASE).unwrap().to_owned());
    }
    assert_eq!(ids, [vec!["o1", "o2"], vec!["c1"]]);
    let posted = house
        .call(
            "POST /fhir/_search",
            &token,
            "_type=Observation,Condition&patient=her",
        )
        .await
        .is(200);
    assert_eq!(posted.ids(), ["c1", "o1", "o2"]);
    let everything = house.call("GET /fhir?_id=o1", &token, "").await.is(200);
    assert_eq!(everything.ids(), ["o1"]);
    let unknown = house
        .call("GET /fhir?_type=Observation,Patient&code=1", &token, "")
        .await
        .is(400);
    assert!(unknown.issue().2.contains("code"), "{:?}", unknown.issue());
}

#[tokio::test]
async fn a_patient_searches_all_types_of_her_own_and_a_physician_says_whose() {
    let house = House::new();
    let own = house.token(Role::Patient);
    let found = house
        .call("GET /fhir?_type=Observation,Condition", &own, "")
        .await
        .is(200);
    assert_eq!(found.ids(), ["o1", "o2"]);
    let token = house.token(Role::Physician);
    house.check_in(crate::house::SHE);
    let unnamed = house
        .call("GET /fhir?_type=Observation,Condition", &token, "")
        .await
        .is(403);
    assert!(unnamed.issue().2.contains("Say whose record"));
    // Whose encounter it is would be told by the answer.
    house
        .call("GET /fhir/Encounter/e1/Observation", &token, "")
        .await
        .is(403);
}

#[tokio::test]
async fn what_is_not_known_is_an_error_or_left_out_and_said() {
    let house = House::new();
    let token = house.token(Role::System);
    let line = "GET /fhir/Observation?patient=her&colour=red&_sort=date";
    house.call(line, &token, "").await.is(400);
    let lenient = [("prefer", "handling=lenient")];
    let said = house.call_with(line, &token, &lenient, "").await.is(200);
    assert_eq!(
        link(&said, "self").unwrap(),
        format!("{BASE}/fhir/Observation?patient=her&_sort=date")
    );
    let remarks = remarks(&said);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert_eq!(remarks[0].0, "warning");
    assert!(remarks[0].1.contains("colour"), "{remarks:?}");
    // A known parameter with a bad value stays an error.
    let bad = "GET /fhir/Observation?date=yesterday";
    house.call_with(bad, &token, &lenient, "").await.is(400);
}

#[tokio::test]
async fn the_newest_of_each_code_of_a_person_are_found_by_get_and_by_post() {
    let house = House::new();
    let dated = |id: &str, code: &str, date: &str| {
        let plain = observation(id, "her", code);
        plain.replace(
            r#""status""#,
            &format!(r#""effectiveDateTime":"{date}","status""#),
        )
    };
    house.load(&[
        &dated("a1", "8480-6", "2024-01-01"),
        &dated("a2", "8480-6", "2024-01-02"),
        &dated("a3", "8480-6", "2024-01-03"),
        &dated("b1", "2345-7", "2023-01-01"),
    ]);
    let token = house.token(Role::System);
    let codes = "code=8480-6,2345-7";
    for (asked, ids) in [("", vec!["a3", "b1"]), ("&max=2", vec!["a2", "a3", "b1"])] {
        let line = format!("GET /fhir/Observation/$lastn?patient=her&{codes}{asked}");
        let said = house.call(&line, &token, "").await.is(200);
        assert_eq!(said.ids(), ids, "{line}");
    }
    let posted = r#"{"resourceType":"Parameters","parameter":[{"name":"subject","valueString":"Patient/her"},{"name":"max","valuePositiveInt":2},{"name":"code","valueString":"8480-6"}]}"#;
    let line = "POST /fhir/Observation/$lastn";
    let said = house.call(line, &token, posted).await.is(200);
    assert_eq!(said.ids(), ["a2", "a3"]);
    for wrong in ["code=8480-6", "patient=her&max=0", "patient=her&_sort=date"] {
        let line = format!("GET /fhir/Observation/$lastn?{wrong}");
        let said = house.call(&line, &token, "").await;
        assert!(
            (400..500).contains(&said.status),
            "{wrong}: {}",
            said.status
        );
    }
}
