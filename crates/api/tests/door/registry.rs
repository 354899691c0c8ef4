//! Who is who: `$match`, `$ihe-pix`, `$merge`, `$split`, and what a feed says.

use crate::house::{House, OTHER, SHE, Said, noon, observation, patient};
use http::Request;
use std::sync::Arc;
use trust::{PersonRef, Purpose, Role, What};
use trust::{Rule, Who};

/// Somebody with a name, a birth date and, if any, a number.
fn person(id: &str, family: &str, birth: &str, number: &str) -> String {
    let number = match number.split_once('|') {
        Some((system, value)) => {
            format!(r#""identifier":[{{"system":"{system}","value":"{value}"}}],"#)
        }
        None => String::new(),
    };
    let id = match id {
        "" => String::new(),
        id => format!(r#""id":"{id}","#),
    };
    format!(
        r#"{{"resourceType":"Patient",{id}{number}"name":[{{"family":"{family}","given":["Lucía","Fernanda"]}}],"gender":"female","birthDate":"{birth}","telecom":[{{"system":"phone","value":"55 5123 4567"}}]}}"#
    )
}

fn matching(resource: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"resource","resource":{resource}}}{more}]}}"#
    )
}

/// Ids and grades of an answer, in its order.
fn grades(said: &Said) -> Vec<(String, String)> {
    let bundle = said.json();
    let entries = bundle.list("entry").iter();
    entries
        .map(|entry| {
            let score = entry.path("search.score").and_then(fhir::Value::as_f64);
            assert!((0.0..=1.0).contains(&score.unwrap()));
            let text = |path: &str| entry.text(path).unwrap().to_owned();
            (text("resource.id"), text("search.extension.0.valueCode"))
        })
        .collect()
}

fn two(source: &str, target: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"source-patient","valueReference":{{"reference":"Patient/{source}"}}}},{{"name":"target-patient","valueReference":{{"reference":"Patient/{target}"}}}}{more}]}}"#
    )
}

const PREVIEW: &str = r#",{"name":"preview","valueBoolean":true}"#;
const KEEPS: [(&str, &str); 1] = [("tejido-purpose", "HOPERAT")];
const NSS: &str = "https://tejido.mx/id/nss";

fn close_everything(house: &House) {
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    let all = Rule {
        id: "r".into(),
        allow: false,
        who: Who::Everyone,
        what: vec![],
        ..Rule::default()
    };
    house.gate.say(&she, vec![all], noon()).unwrap();
}

/// What her log says.
fn log(house: &House) -> Vec<String> {
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    let request = trust::Request {
        actor: she,
        purpose: Purpose::OwnRequest,
        person: PersonRef::Curp(SHE.into()),
        verbs: store::Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Log,
    };
    let grant = house.gate.decide(request, noon()).unwrap();
    let acts = house.gate.acts(&grant, None, 100, noon()).unwrap();
    let name = |_: &trust::MemberId| "IMSS".to_owned();
    let said = acts.iter().map(|act| act.sentence(trust::Lang::Es, &name));
    said.collect()
}

#[tokio::test]
async fn whoever_is_like_the_described_is_found_with_how_sure() {
    let house = House::new();
    house.load(&[
        &person("lucia", "Escamilla Arroyo", "1991-02-03", ""),
        &person("otra", "Zepeda Nava", "1970-11-30", ""),
    ]);
    let token = house.token(Role::Clerk);
    let asked = person("", "Escamiya Arroyo", "1991-02-03", "");
    let body = matching(&asked, "");
    let found = house
        .call("POST /fhir/Patient/$match", &token, &body)
        .await
        .is(200);
    let found = grades(&found);
    assert_eq!(found[0].0, "lucia");
    assert!(
        ["certain", "probable"].contains(&found[0].1.as_str()),
        "{found:?}"
    );
    assert!(found.iter().all(|(id, _)| id != "her" && id != "other"));
    // A bare Patient is taken as well, and asking leaves nothing behind.
    let bare = house
        .call("POST /fhir/Patient/$match", &token, &asked)
        .await
        .is(200);
    assert_eq!(grades(&bare), found);
    // A changed registration is found by what it says now.
    house.load(&[&person("lucia", "Montemayor Cantú", "1959-09-09", "")]);
    let found = house
        .call("POST /fhir/Patient/$match", &token, &body)
        .await
        .is(200);
    assert!(
        grades(&found).iter().all(|(id, _)| id != "lucia"),
        "{found:?}",
        found = grades(&found)
    );
    let now = matching(&person("", "Montemayor Cantú", "1959-09-09", ""), "");
    let found = house
        .call("POST /fhir/Patient/$match", &token, &now)
        .await
        .is(200);
    assert_eq!(grades(&found)[0].0, "lucia");
}

#[tokio::test]
async fn certain_single_and_count_are_kept_to() {
    let house = House::new();
    house.load(&[
        &person("una", "Escamilla Arroyo", "1991-02-03", ""),
        &person("dos", "Escamilla Arroyo", "1991-02-03", ""),
    ]);
    let token = house.token(Role::System);
    let asked = person("", "Escamilla Arroyo", "1991-02-03", "");
    let ask = async |more: &str| {
        let body = matching(&asked, more);
        let said = house
            .call("POST /fhir/Patient/$match", &token, &body)
            .await
            .is(200);
        grades(&said)
    };
    let all = ask("").await;
    let both: Vec<&str> = all.iter().take(2).map(|(id, _)| id.as_str()).collect();
    assert!(both.contains(&"una") && both.contains(&"dos"), "{all:?}");
    let single = r#",{"name":"onlySingleMatch","valueBoolean":true}"#;
    let certain = r#",{"name":"onlyCertainMatches","valueBoolean":true}"#;
    assert_eq!(ask(single).await, [], "two stand out alike");
    assert!(
        ask(certain).await.is_empty(),
        "two people, as far as is known"
    );
    assert_eq!(ask(r#",{"name":"count","valueInteger":1}"#).await.len(), 1);
    house
        .call("POST /fhir/Patient/$merge", &token, &two("dos", "una", ""))
        .await
        .is(200);
    assert_eq!(ask(single).await.len(), 1, "they are one");
}

#[tokio::test]
async fn to_find_her_stands_in_her_log_and_who_closed_everything_is_not_found() {
    let house = House::new();
    let token = house.token(Role::Clerk);
    let body = crate::matrix::MATCH;
    let found = house
        .call("POST /fhir/Patient/$match", &token, body)
        .await
        .is(200);
    assert_eq!(grades(&found)[0], ("her".to_owned(), "certain".to_owned()));
    assert!(
        log(&house)
            .iter()
            .any(|said| said.contains("te buscó por tu nombre"))
    );
    close_everything(&house);
    let found = house
        .call("POST /fhir/Patient/$match", &token, body)
        .await
        .is(200);
    assert!(grades(&found).iter().all(|(id, _)| id != "her"));
    let pix = "POST /fhir/Patient/$ihe-pix";
    let hidden = house.call(pix, &token, crate::matrix::PIX).await.is(404);
    let nobody = crate::matrix::PIX.replace(SHE, "GODE561231HDFRRN09");
    let nobody = house.call(pix, &token, &nobody).await.is(404);
    assert_eq!(crate::leaks::told(hidden), crate::leaks::told(nobody));
}

#[tokio::test]
async fn until_the_register_is_filled_the_answer_is_to_come_again() {
    let house = House::new();
    let router = api::router(api::State {
        gate: house.gate.clone(),
        network: crate::house::network(&house.gate),
        people: Arc::default(),
        limits: api::Limits::default(),
        clock: Arc::new(noon),
        base: crate::house::BASE.into(),
    });
    let mut early = house;
    early.router = router;
    let token = early.token(Role::Clerk);
    for (line, body) in [
        ("POST /fhir/Patient/$match", crate::matrix::MATCH),
        ("POST /fhir/Patient/$ihe-pix", crate::matrix::PIX),
    ] {
        let said = early.call(line, &token, body).await.is(503);
        assert_eq!(said.header("retry-after"), "10");
    }
}

#[tokio::test]
async fn bad_input_is_told_and_changes_nothing() {
    let house = House::new();
    let token = house.token(Role::System);
    let nameless = matching(r#"{"resourceType":"Patient","birthDate":"1991-02-03"}"#, "");
    let unsound = matching(r#"{"resourceType":"Patient","gender":"x"}"#, "");
    let other_type = matching(r#"{"resourceType":"Practitioner"}"#, "");
    let negative = matching(
        &person("", "Ruiz", "1991", ""),
        r#",{"name":"count","valueInteger":0}"#,
    );
    let text = matching(
        &person("", "Ruiz", "1991", ""),
        r#",{"name":"onlyCertainMatches","valueString":"yes"}"#,
    );
    let unknown = matching(
        &person("", "Ruiz", "1991", ""),
        r#",{"name":"threshold","valueString":"1"}"#,
    );
    let empty = r#"{"resourceType":"Parameters"}"#.to_owned();
    let elsewhere = two("her", "other", "").replace("Patient/her", "https://elsewhere/Patient/her");
    let twice = two(
        "her",
        "other",
        r#",{"name":"source-patient","valueReference":{"reference":"Patient/other"}}"#,
    );
    let cases: &[(&str, &str, u16)] = &[
        ("match", &nameless, 422),
        ("match", &unsound, 422),
        ("match", &other_type, 400),
        ("match", &negative, 400),
        ("match", &text, 400),
        ("match", &unknown, 400),
        ("match", &empty, 400),
        ("match", "[]", 400),
        ("ihe-pix", &empty, 400),
        ("ihe-pix", r#"{"resourceType":"Patient"}"#, 400),
        ("merge", &empty, 400),
        ("merge", &elsewhere, 400),
        ("merge", &twice, 400),
        ("merge", &two("her", "her", ""), 400),
        ("merge", &two("her", "nobody", ""), 404),
        ("split", &two("her", "../x", ""), 422),
        ("split", &two("nobody", "her", ""), 404),
        ("split", &two("her", "other", PREVIEW), 400),
    ];
    for (operation, body, status) in cases {
        let line = format!("POST /fhir/Patient/${operation}");
        let said = house.call(&line, &token, body).await;
        assert_eq!(
            said.status,
            *status,
            "{operation} {body}: {}",
            String::from_utf8_lossy(&said.body)
        );
        assert!(!said.issue().2.is_empty());
    }
    let read = house
        .call("GET /fhir/Patient/her", &token, "")
        .await
        .is(200);
    assert_eq!(read.header("etag"), r#"W/"1""#);
}

#[tokio::test]
async fn the_numbers_of_a_person_are_those_of_all_that_was_linked() {
    let house = House::new();
    house.load(&[
        &person(
            "uno",
            "Escamilla Arroyo",
            "1991-02-03",
            &format!("{NSS}|12345678903"),
        ),
        &person("dos", "Zepeda Nava", "1970-11-30", "urn:folio:a|77"),
        &person("tres", "Tamez Villa", "1950-01-30", "urn:folio:a|77"),
        &person("cuatro", "Nava Ruiz", "1951-01-30", "urn:folio:a|78"),
    ]);
    let token = house.token(Role::Clerk);
    let ask = async |query: &str| {
        let line = format!("GET /fhir/Patient/$ihe-pix?{query}");
        house.call(&line, &token, "").await
    };
    let nss = "sourceIdentifier=https://tejido.mx/id/nss%7C12345678903";
    let alone = ask(nss).await.is(200).json();
    assert_eq!(alone.list("parameter").len(), 1, "{alone}");
    let system = house.token(Role::System);
    house
        .call(
            "POST /fhir/Patient/$merge",
            &system,
            &two("uno", "cuatro", ""),
        )
        .await
        .is(200);
    let linked = ask(nss).await.is(200).json();
    let text = linked.to_string();
    assert!(
        text.contains(r#""system":"urn:folio:a","value":"78""#),
        "{text}"
    );
    assert!(
        text.contains("Patient/cuatro") && !text.contains("12345678903"),
        "{text}"
    );
    let target = ask(&format!("{nss}&targetSystem=urn:folio:a"))
        .await
        .is(200)
        .json();
    assert!(
        target.to_string().contains("Patient/cuatro")
            && !target.to_string().contains("Patient/uno")
    );
    let none = ask(&format!("{nss}&targetSystem=https://tejido.mx/id/issste"))
        .await
        .is(200)
        .json();
    assert!(none.list("parameter").is_empty());
    // The errors that ITI-83 names.
    for (query, status, code) in [
        (
            "sourceIdentifier=urn:nobodys%7C1".to_owned(),
            400,
            "code-invalid",
        ),
        (
            format!("{nss}&targetSystem=urn:nobodys"),
            403,
            "code-invalid",
        ),
        (nss.replace("12345678903", "00000000000"), 404, "not-found"),
        ("sourceIdentifier=1".to_owned(), 400, "value"),
        (
            "sourceIdentifier=urn:folio:a%7C77".to_owned(),
            409,
            "duplicate",
        ),
    ] {
        let said = ask(&query).await.is(status);
        assert_eq!(said.issue().0, code, "{query}");
    }
}

#[tokio::test]
async fn a_merge_makes_one_record_and_a_split_gives_two_back() {
    let house = House::new();
    house.load(&[
        &person("dos", "Pérez", "1956-04-27", ""),
        &observation("d1", "dos", "2345-7"),
    ]);
    let clerk = house.token(Role::Clerk);
    let system = house.token(Role::System);
    house.check_in(SHE);
    let doctor = house.token(Role::Physician);
    let results = async || {
        let said = house
            .call("GET /fhir/Observation?patient=her", &doctor, "")
            .await;
        let all = house
            .call(
                "GET /fhir/Patient/her/$everything?_type=Observation",
                &doctor,
                "",
            )
            .await;
        (said.is(200).ids(), all.is(200).ids())
    };
    let merge = async |body: &str| {
        house
            .call_with("POST /fhir/Patient/$merge", &clerk, &KEEPS, body)
            .await
    };
    // To treat is another purpose.
    house
        .call("POST /fhir/Patient/$merge", &clerk, &two("dos", "her", ""))
        .await
        .is(403);
    let preview = merge(&two("dos", "her", PREVIEW)).await.is(200).json();
    assert_eq!(
        preview.text("parameter.2.resource.link.0.type"),
        Some("replaces")
    );
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(403);
    let merged = merge(&two("dos", "her", "")).await.is(200).json();
    assert_eq!(merged.text("parameter.2.name"), Some("result"));
    assert_eq!(merged.text("parameter.2.resource.id"), Some("her"));
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(200);
    assert_eq!(results().await.1, ["d1", "o1", "o2"]);
    let source = house
        .call("GET /fhir/Patient/dos", &system, "")
        .await
        .is(200)
        .json();
    assert_eq!(
        source.get("active").and_then(fhir::Value::as_bool),
        Some(false)
    );
    assert_eq!(source.text("link.0.other.reference"), Some("Patient/her"));
    // Once more changes nothing.
    merge(&two("dos", "her", "")).await.is(200);
    let again = house
        .call("GET /fhir/Patient/dos", &system, "")
        .await
        .is(200);
    assert_eq!(again.header("etag"), r#"W/"2""#);

    house
        .call_with(
            "POST /fhir/Patient/$split",
            &clerk,
            &KEEPS,
            &two("dos", "her", ""),
        )
        .await
        .is(200);
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(403);
    assert_eq!(
        results().await,
        (
            vec!["o1".into(), "o2".into()],
            vec!["o1".into(), "o2".into()]
        )
    );
    let source = house
        .call("GET /fhir/Patient/dos", &system, "")
        .await
        .is(200)
        .json();
    assert_eq!(
        source.get("active").and_then(fhir::Value::as_bool),
        Some(true)
    );
    assert!(source.get("link").is_none());
    let log = log(&house);
    for said in [
        "unió dos registros tuyos",
        "son de dos personas",
        "con qué otros registros va",
    ] {
        assert!(
            log.iter().any(|line| line.contains(said)),
            "{said}: {log:#?}"
        );
    }
}

#[tokio::test]
async fn a_clerk_who_may_not_know_somebody_merges_her_with_nobody() {
    let house = House::new();
    close_everything(&house);
    let clerk = house.token(Role::Clerk);
    let mut answers = Vec::new();
    for id in ["her", "nobody"] {
        let said = house
            .call_with(
                "POST /fhir/Patient/$merge",
                &clerk,
                &KEEPS,
                &two(id, "other", ""),
            )
            .await
            .is(403);
        answers.push(crate::leaks::told(said));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_feed_merges_by_replaced_by_and_a_split_outlasts_it() {
    let house = House::new();
    house.load(&[&observation("d1", "dos", "2345-7")]);
    let system = house.token(Role::System);
    house.check_in(SHE);
    let doctor = house.token(Role::Physician);
    let fed = r#"{"resourceType":"Patient","id":"dos","active":false,"identifier":[{"system":"urn:folio:a","value":"9"}],"link":[{"other":{"reference":"Patient/her"},"type":"replaced-by"}]}"#;
    let feed = async |body: &str| {
        let line = "PUT /fhir/Patient?identifier=urn:folio:a%7C9";
        let said = house.call(line, &system, body).await;
        assert!(said.status < 300, "{}", String::from_utf8_lossy(&said.body));
    };
    feed(fed).await;
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(200);
    house
        .call("POST /fhir/Patient/$split", &system, &two("dos", "her", ""))
        .await
        .is(200);
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(403);
    feed(fed).await;
    house
        .call("GET /fhir/Observation/d1", &doctor, "")
        .await
        .is(403);
}

#[tokio::test]
async fn a_confirmed_number_links_on_arrival_and_a_likeness_does_not() {
    let house = House::new();
    let confirmed = |id: &str, curp: &str| {
        let state = r#""extension":[{"url":"https://tejido.mx/fhir/StructureDefinition/estado-identificador","valueCode":"confirmed"}],"value":"48213957""#;
        let with = format!(r#"}},{{"system":"urn:number",{state}}}]"#);
        patient(id, curp).replacen("}]", &with, 1)
    };
    house.load(&[&confirmed("her", SHE)]);
    house.load(&[
        &patient("igual", "").replace(
            r#","identifier":[{"system":"https://tejido.mx/id/curp","value":""}]"#,
            "",
        ),
        &observation("i1", "igual", "2345-7"),
    ]);
    house.check_in(SHE);
    let doctor = house.token(Role::Physician);
    house
        .call("GET /fhir/Observation/i1", &doctor, "")
        .await
        .is(403);
    let numbered = confirmed("nuevo", OTHER).replace(OTHER, SHE);
    let numbered = numbered.replace(
        &format!(r#"{{"system":"https://tejido.mx/id/curp","value":"{SHE}"}},"#),
        "",
    );
    house.load(&[&numbered, &observation("n1", "nuevo", "2345-7")]);
    house
        .call("GET /fhir/Observation/n1", &doctor, "")
        .await
        .is(200);
    house
        .call("GET /fhir/Observation/i1", &doctor, "")
        .await
        .is(403);
    let log = log(&house);
    let said = "un número confirmado es el mismo";
    assert!(log.iter().any(|line| line.contains(said)), "{log:#?}");
}

/// A merge of whoever is named by these parameters.
fn named(parameters: &[String]) -> String {
    format!(
        r#"{{"resourceType":"Parameters","parameter":[{}]}}"#,
        parameters.join(",")
    )
}

fn by_number(name: &str, number: &str) -> String {
    let (system, value) = number.split_once('|').unwrap();
    format!(
        r#"{{"name":"{name}-patient-identifier","valueIdentifier":{{"system":"{system}","value":"{value}"}}}}"#
    )
}

fn by_reference(name: &str, id: &str) -> String {
    format!(r#"{{"name":"{name}-patient","valueReference":{{"reference":"Patient/{id}"}}}}"#)
}

fn result(patient: &str) -> String {
    format!(r#"{{"name":"result-patient","resource":{patient}}}"#)
}

#[tokio::test]
async fn a_merge_takes_identifiers_that_exactly_one_registration_carries() {
    let house = House::new();
    house.load(&[
        &person("una", "Escamilla Arroyo", "1991-02-03", "urn:folio:a|77"),
        &person("dos", "Escamilla Arroyo", "1991-02-03", "urn:folio:b|5"),
        &person("tres", "Zepeda Nava", "1970-11-30", "urn:folio:c|9"),
        &person("cuatro", "Tamez Villa", "1950-01-30", "urn:folio:c|9"),
    ]);
    let token = house.token(Role::System);
    let merge = async |parameters: &[String]| {
        house
            .call("POST /fhir/Patient/$merge", &token, &named(parameters))
            .await
    };
    let una = || by_number("target", "urn:folio:a|77");
    for (parameters, status, code) in [
        (
            vec![by_number("source", "urn:folio:b|6"), una()],
            422,
            "not-found",
        ),
        (
            vec![by_number("source", "urn:folio:c|9"), una()],
            422,
            "duplicate",
        ),
        // All of them are carried by nobody.
        (
            vec![
                by_number("source", "urn:folio:b|5"),
                by_number("source", "urn:folio:c|9"),
                una(),
            ],
            422,
            "not-found",
        ),
        // The reference names another than the identifier.
        (
            vec![
                by_reference("source", "tres"),
                by_number("source", "urn:folio:b|5"),
                una(),
            ],
            422,
            "business-rule",
        ),
        (vec![una()], 400, "value"),
        (
            vec![
                by_number("source", "urn:folio:b|5").replace(r#","value":"5""#, ""),
                una(),
            ],
            400,
            "value",
        ),
    ] {
        let said = merge(&parameters).await;
        let text = String::from_utf8_lossy(&said.body).into_owned();
        assert_eq!(
            (said.status, said.issue().0.as_str()),
            (status, code),
            "{parameters:?}: {text}"
        );
    }
    let merged = merge(&[by_number("source", "urn:folio:b|5"), una()]).await;
    assert_eq!(
        merged.is(200).json().text("parameter.2.resource.id"),
        Some("una")
    );
    assert!(house.gate.are_one("una", "dos"));
    assert!(!house.gate.are_one("una", "tres"));
    // Whoever may not look people up hears the same of a number that there is and of one that there is not.
    let clerk = house.token(Role::Clerk);
    let mut heard = Vec::new();
    for number in ["urn:folio:c|8", "urn:folio:b|5"] {
        let body = named(&[by_number("source", number), by_reference("target", "tres")]);
        let line = "POST /fhir/Patient/$merge";
        let said = house.call_with(line, &clerk, &KEEPS, &body).await.is(403);
        heard.push(crate::leaks::told(said));
    }
    assert_eq!(heard[0], heard[1]);
}

#[tokio::test]
async fn a_merge_writes_the_target_as_it_was_given_if_that_is_the_target() {
    let house = House::new();
    house.load(&[
        &person("una", "Escamilla Arroyo", "1991-02-03", "urn:folio:a|77"),
        &person("dos", "Escamiya Arroyo", "1991-02-03", "urn:folio:b|5"),
    ]);
    let token = house.token(Role::System);
    let replaces = r#""link":[{"other":{"reference":"Patient/dos"},"type":"replaces"}]"#;
    let wanted = format!(
        r#"{{"resourceType":"Patient","id":"una","identifier":[{{"system":"urn:folio:a","value":"77"}},{{"system":"urn:folio:b","value":"5"}}],"name":[{{"family":"Escamilla Arroyo","given":["Lucía"]}}],{replaces}}}"#
    );
    let merge = async |patient: &str, more: &[String]| {
        let mut parameters = vec![
            by_reference("source", "dos"),
            by_reference("target", "una"),
            by_number("target", "urn:folio:a|77"),
            result(patient),
        ];
        parameters.extend_from_slice(more);
        house
            .call("POST /fhir/Patient/$merge", &token, &named(&parameters))
            .await
    };
    for (place, patient) in [
        ("Patient.id", wanted.replace(r#""id":"una""#, r#""id":"tres""#)),
        ("Patient.identifier", wanted.replace("urn:folio:a", "urn:folio:z")),
        ("Patient.link", wanted.replace("replaces", "refer")),
        (
            "Patient.link",
            wanted.replace(r#"}],"name""#, r#"}],"active":true,"name""#).replace(
                r#""type":"replaces"}"#,
                r#""type":"replaces"},{"other":{"reference":"Patient/her"},"type":"replaced-by"}"#,
            ),
        ),
        (
            "Patient.active",
            wanted.replace(r#""id":"una""#, r#""id":"una","active":false"#),
        ),
    ] {
        let said = merge(&patient, &[]).await.is(422);
        let outcome = said.json();
        assert_eq!(outcome.text("issue.0.expression.0"), Some(place), "{outcome}");
    }
    let unsound = wanted.replace("\"given\":[\"Lucía\"]", "\"given\":\"Lucía\"");
    merge(&unsound, &[]).await.is(422);
    assert!(!house.gate.are_one("una", "dos"));
    let preview = r#"{"name":"preview","valueBoolean":true}"#.to_owned();
    merge(&wanted, &[preview]).await.is(200);
    let una = async || {
        house
            .call("GET /fhir/Patient/una", &token, "")
            .await
            .is(200)
    };
    assert_eq!(una().await.header("etag"), r#"W/"1""#);
    let merged = merge(&wanted, &[]).await.is(200).json();
    assert_eq!(
        merged.text("parameter.2.resource.name.0.given.0"),
        Some("Lucía")
    );
    assert!(house.gate.are_one("una", "dos"));
    let una = una().await.json();
    assert_eq!(una.list("identifier").len(), 2);
    let dos = house
        .call("GET /fhir/Patient/dos", &token, "")
        .await
        .is(200)
        .json();
    assert_eq!(dos.text("link.0.type"), Some("replaced-by"));
}

#[tokio::test]
async fn whoever_keeps_the_register_does_not_change_a_registration_by_a_merge() {
    let house = House::new();
    house.load(&[&person("dos", "Escamilla Arroyo", "1991-02-03", "")]);
    let clerk = house.token(Role::Clerk);
    let patient = format!(
        r#"{{"resourceType":"Patient","id":"her","identifier":[{{"system":"https://tejido.mx/id/curp","value":"{SHE}"}}],"link":[{{"other":{{"reference":"Patient/dos"}},"type":"replaces"}}]}}"#
    );
    let body = named(&[
        by_reference("source", "dos"),
        by_reference("target", "her"),
        result(&patient),
    ]);
    house
        .call_with("POST /fhir/Patient/$merge", &clerk, &KEEPS, &body)
        .await
        .is(403);
    assert!(!house.gate.are_one("her", "dos"), "nothing was decided");
}

#[tokio::test]
async fn a_person_is_read_from_what_was_decided_and_links_nobody_when_it_is_stored() {
    let house = House::new();
    house.load(&[&person("dos", "Pérez", "1956-04-27", "")]);
    let system = house.token(Role::System);
    let she = house.token(Role::Patient);
    let hers = async |token: &str| {
        let said = house.call("GET /fhir/Patient/her/$person", token, "").await;
        let person = said.is(200).json();
        assert_eq!(person.text("resourceType"), Some("Person"));
        let links = person.list("link").iter().map(|link| {
            let target = link.text("target.reference").unwrap();
            let id = target.rsplit('/').next().unwrap().to_owned();
            (id, link.text("assurance").unwrap().to_owned())
        });
        let mut links: Vec<(String, String)> = links.collect();
        links.sort();
        links
    };
    let both = |one: &str, other: &str| {
        format!(
            r#"{{"resourceType":"Person","link":[{{"target":{{"reference":"Patient/{one}"}}}},{{"target":{{"reference":"{other}"}}}}]}}"#
        )
    };
    let alone = [("her".to_owned(), "level3".to_owned())];
    assert_eq!(hers(&she).await, alone);
    let said = house
        .call("POST /fhir/Person", &system, &both("her", "Patient/dos"))
        .await
        .is(422);
    assert_eq!(said.issue().0, "business-rule");
    house
        .call(
            "POST /fhir/Person",
            &system,
            &both("her", "Practitioner/p1"),
        )
        .await
        .is(201);
    assert_eq!(hers(&she).await, alone);
    house
        .call("POST /fhir/Patient/$merge", &system, &two("dos", "her", ""))
        .await
        .is(200);
    let linked = hers(&system).await;
    assert_eq!(
        linked.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["dos", "her"]
    );
    assert_eq!(hers(&she).await, linked);
    // What she takes out is not read as hers.
    let actor = house.gate.authenticate(Some(&she), noon()).unwrap();
    house.gate.not_me(&actor, "dos", noon()).unwrap();
    assert_eq!(hers(&she).await, alone);
}

#[tokio::test]
async fn a_match_says_why_in_both_languages_and_without_values() {
    let house = House::new();
    house.load(&[&person("lucia", "Escamilla Arroyo", "1991-02-03", "")]);
    let token = house.token(Role::Clerk);
    let asked = matching(&person("", "Escamilla Arroyo", "1991-02-03", ""), "");
    let found = house
        .call("POST /fhir/Patient/$match", &token, &asked)
        .await
        .is(200)
        .json();
    let why = found.path("entry.0.search.extension.1").unwrap();
    let text = |at: &str| why.text(at).unwrap();
    assert_eq!(text("extension.0.url"), "es");
    assert!(text("extension.0.valueString").contains("la fecha de nacimiento coincide"));
    assert_eq!(text("extension.1.url"), "en");
    assert!(text("extension.1.valueString").contains("the birth date agrees"));
    let said = why.to_string();
    assert!(
        !said.contains("Escamilla") && !said.contains("1991"),
        "{said}"
    );
}

#[tokio::test]
async fn a_mothers_name_is_searched_without_loading_a_parameter() {
    let house = House::new();
    let mother = r#"{"resourceType":"Patient","id":"dos","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Gómez Robles"}]}"#;
    house.load(&[mother]);
    let token = house.token(Role::System);
    let line = "GET /fhir/Patient?mothersMaidenName=gomez";
    assert_eq!(house.call(line, &token, "").await.is(200).ids(), ["dos"]);
    let other = "GET /fhir/Patient?mothersMaidenName=robles";
    assert!(house.call(other, &token, "").await.is(200).ids().is_empty());
}

/// The routes of this door say so.
#[tokio::test]
async fn the_statement_names_the_operations() {
    let house = House::new();
    let request = Request::get("/fhir/metadata").body(axum::body::Body::empty());
    let said = house.send(request.unwrap()).await.json().to_string();
    for name in ["match", "ihe-pix", "merge", "split", "person"] {
        assert!(said.contains(&format!(r#""name":"{name}""#)), "{name}");
    }
}
