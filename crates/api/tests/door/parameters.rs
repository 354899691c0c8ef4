//! Search parameters that are loaded at run time, at the door: activated, watched, asked for, refused, replaced, taken
//! out; and that nothing withheld shows through them.

use crate::house::{House, SHE, Said, noon, observation};
use fhir::Value;
use trust::{Category, Role, Rule, Who};

pub(crate) const AMOUNT: &str = r#"{"resourceType":"SearchParameter","id":"sp","url":"https://clinic.example/amount","name":"Amount","status":"active","description":"How much was measured","code":"amount","base":["Observation"],"type":"quantity","expression":"Observation.value.ofType(Quantity)"}"#;
const ABOUT: &str = r#"{"resourceType":"SearchParameter","id":"about","url":"https://clinic.example/about","name":"About","status":"active","description":"Whom it is about","code":"about","base":["Observation"],"type":"reference","target":["Patient"],"expression":"Observation.subject"}"#;

async fn put(house: &House, token: &str, text: &str) {
    let id = crate::house::parse(text);
    let line = format!("PUT /fhir/SearchParameter/{}", id.text("id").unwrap());
    let said = house.call(&line, token, text).await;
    assert!(matches!(said.status, 200 | 201), "{}", said.status);
}

async fn activate(house: &House, token: &str, id: &str) -> Said {
    let line = format!("POST /fhir/SearchParameter/{id}/$activate");
    house.call(&line, token, "").await
}

fn index(house: &House) {
    while house.gate.store().index_more().unwrap() {}
}

/// Code, phase, done and total of each parameter told.
fn told(said: &Said) -> Vec<(String, String, String, String)> {
    let part = |one: &Value, name: &str| {
        let parts = one.list("part");
        let part = parts.iter().find(|part| part.text("name") == Some(name));
        let members = part.unwrap().as_object().unwrap();
        let value = members.iter().find(|(key, _)| key.starts_with("value"));
        match value.unwrap().1 {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    };
    let parameters = said.json();
    assert_eq!(fhir::check(&parameters).unwrap().name(), "Parameters");
    let all = parameters.list("parameter").iter();
    all.map(|one| {
        let part = |name| part(one, name);
        (part("code"), part("phase"), part("done"), part("total"))
    })
    .collect()
}

fn one(code: &str, phase: &str, done: &str, total: &str) -> Vec<(String, String, String, String)> {
    vec![(code.into(), phase.into(), done.into(), total.into())]
}

#[tokio::test]
async fn a_parameter_is_stored_activated_watched_and_asked_for() {
    let house = House::by_hand();
    house.check_in(SHE);
    let (system, physician) = (house.token(Role::System), house.token(Role::Physician));
    let get =
        async |token: &str, path: &str| house.call(&format!("GET /fhir/{path}"), token, "").await;
    put(&house, &system, AMOUNT).await;
    // Stored is not yet in use.
    let unknown = get(&system, "Observation?amount=gt7").await.is(400);
    assert!(unknown.issue().2.contains("amount"));
    let begun = activate(&house, &system, "sp").await.is(200);
    assert_eq!(told(&begun), one("amount", "indexing", "0", "3"));

    let early = get(&system, "Observation?amount=gt7").await.is(503);
    assert_eq!(early.header("retry-after"), "30");
    let (code, _, said) = early.issue();
    assert_eq!(code, "incomplete");
    assert!(said.contains("0 of 3 resources"), "{said}");
    // How much is stored here is not for everyone.
    let early = get(&physician, "Observation?patient=her&amount=gt7")
        .await
        .is(503);
    assert!(!early.issue().2.contains("of 3"), "{:?}", early.issue());
    for path in [
        "?_type=Observation&amount=gt7",
        "Patient?_has:Observation:subject:amount=gt7",
        "Patient/her/Observation?amount=gt7",
        "Observation?_sort=amount",
        "Observation/$lastn?patient=her&amount=gt7",
    ] {
        get(&system, path).await.is(503);
    }
    let lenient = [("prefer", "handling=lenient")];
    let left_out = house
        .call_with("GET /fhir/Observation?amount=gt100", &system, &lenient, "")
        .await
        .is(200);
    assert_eq!(left_out.ids(), ["o1", "o2", "x1"]);
    let bundle = left_out.json();
    let remark = bundle
        .list("entry")
        .iter()
        .find_map(|entry| entry.text("resource.issue.0.diagnostics"));
    assert!(remark.unwrap().contains("amount"), "{remark:?}");
    assert!(
        !bundle.to_string().contains("gt100"),
        "the self link says what was done"
    );

    index(&house);
    let done = get(&system, "SearchParameter/$indexing").await.is(200);
    assert_eq!(told(&done), one("amount", "ready", "3", "3"));
    let patch = observation("o2", "her", "718-7").replace("7.10", "11");
    house
        .call("PUT /fhir/Observation/o2", &system, &patch)
        .await
        .is(200);
    put(&house, &system, ABOUT).await;
    activate(&house, &system, "about").await.is(200);
    index(&house);
    for (path, ids) in [
        ("Observation?amount=gt10", &["o2"][..]),
        ("Observation?amount=7.1", &["o1", "x1"]),
        ("Observation?amount:missing=true", &[]),
        ("?_type=Observation&amount=gt10", &["o2"]),
        ("Patient/her/Observation?amount=lt10", &["o1"]),
        ("Patient/her/*?_type=Observation&amount=lt10", &["o1"]),
        ("Patient?_has:Observation:about:amount=gt10", &["her"]),
        (
            "Observation?about:Patient.identifier=BADD110313HCMLNS09",
            &["x1"],
        ),
        (
            "Observation?amount=gt10&_include=Observation:about",
            &["her", "o2"],
        ),
        (
            "Observation?amount=gt10&_include=Observation:*",
            &["her", "o2"],
        ),
        (
            "Patient?_id=other&_revinclude=Observation:about",
            &["other", "x1"],
        ),
        ("Observation/$lastn?patient=her&amount=gt10", &["o2"]),
        ("Observation?_filter=amount gt 10", &["o2"]),
    ] {
        let path = path.replace(' ', "%20");
        let found = get(&system, &path).await.is(200);
        assert_eq!(found.ids(), ids, "{path}");
    }
    let sorted = get(&system, "Observation?_sort=-amount&_count=1")
        .await
        .is(200);
    assert_eq!(sorted.ids(), ["o2"]);
    let posted = house
        .call("POST /fhir/Observation/_search", &system, "amount=gt10")
        .await
        .is(200);
    assert_eq!(posted.ids(), ["o2"]);
    let own = get(&physician, "Observation?patient=her&amount=gt10")
        .await
        .is(200);
    assert_eq!(own.ids(), ["o2"]);
}

#[tokio::test]
async fn conditions_of_writes_know_loaded_parameters() {
    let house = House::by_hand();
    let system = house.token(Role::System);
    put(&house, &system, AMOUNT).await;
    activate(&house, &system, "sp").await.is(200);
    let new = observation("x", "her", "718-7")
        .replace(r#""id":"x","#, "")
        .replace("7.10", "40");
    let create = async |house: &House| {
        let condition = [("if-none-exist", "amount=gt30")];
        house
            .call_with("POST /fhir/Observation", &system, &condition, &new)
            .await
    };
    create(&house).await.is(503);
    index(&house);
    create(&house).await.is(201);
    create(&house).await.is(200);
    // In a transaction a reference may mean one of its own resources by it.
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[
        {{"fullUrl":"urn:uuid:9b0e2a52-9d0a-4b8e-9b0e-2a529d0a4b8e","resource":{},"request":{{"method":"POST","url":"Observation"}}}},
        {{"resource":{{"resourceType":"Provenance","recorded":"2026-11-22T12:00:00Z","agent":[{{"who":{{"display":"x"}}}}],"target":[{{"reference":"Observation?amount=90"}}]}},"request":{{"method":"POST","url":"Provenance"}}}}]}}"#,
        new.replace("40", "90")
    );
    house.call("POST /fhir", &system, &bundle).await.is(200);
    house
        .call("DELETE /fhir/Observation?amount=gt80", &system, "")
        .await
        .is(204);
    let left = house
        .call("GET /fhir/Observation?amount=gt30", &system, "")
        .await
        .is(200);
    assert_eq!(left.ids().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_activated_is_told_where_and_stored_all_the_same() {
    let house = House::by_hand();
    let system = house.token(Role::System);
    let cases = [
        (
            AMOUNT.replace(r#""code":"amount""#, r#""code":"status""#),
            "SearchParameter.code",
        ),
        (
            AMOUNT.replace("ofType(Quantity)", "ofType("),
            "SearchParameter.expression",
        ),
        (
            AMOUNT.replace(
                r#""expression":"Observation.value.ofType(Quantity)""#,
                r#""xpath":"f:x""#,
            ),
            "SearchParameter.expression",
        ),
        (
            AMOUNT.replace(r#""status":"active""#, r#""status":"retired""#),
            "SearchParameter.status",
        ),
    ];
    for (text, place) in cases {
        put(&house, &system, &text).await;
        let refused = activate(&house, &system, "sp").await.is(422);
        assert_eq!(refused.issue().1, place, "{text}");
    }
    activate(&house, &system, "nothing").await.is(404);
    put(&house, &system, AMOUNT).await;
    activate(&house, &system, "sp").await.is(200);
    put(
        &house,
        &system,
        &AMOUNT.replace(r#""id":"sp""#, r#""id":"sp2""#),
    )
    .await;
    let twice = activate(&house, &system, "sp2").await.is(422);
    assert_eq!(twice.issue().1, "SearchParameter.url");
    let entry = |url: &str| format!(r#"{{"request":{{"method":"POST","url":"{url}"}}}}"#);
    let bundle = |kind: &str| {
        let entry = entry("SearchParameter/sp/$deactivate");
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entry}]}}"#)
    };
    house
        .call("POST /fhir", &system, &bundle("transaction"))
        .await
        .is(400);
    house
        .call("POST /fhir", &system, &bundle("batch"))
        .await
        .is(200);
    let left = house
        .call("GET /fhir/SearchParameter/sp/$indexing", &system, "")
        .await
        .is(200);
    assert_eq!(told(&left)[0].1, "removing");
}

#[tokio::test]
async fn a_changed_definition_counts_when_it_is_activated_and_a_deleted_one_no_more() {
    let house = House::by_hand();
    let system = house.token(Role::System);
    let get = async |path: &str| house.call(&format!("GET /fhir/{path}"), &system, "").await;
    let named = async || {
        let statement = house
            .call("GET /fhir/metadata", "", "")
            .await
            .is(200)
            .json();
        assert_eq!(
            fhir::check(&statement).unwrap().name(),
            "CapabilityStatement"
        );
        statement
            .to_string()
            .contains("https://clinic.example/amount")
    };
    put(&house, &system, AMOUNT).await;
    activate(&house, &system, "sp").await.is(200);
    assert!(!named().await);
    index(&house);
    assert!(named().await);
    let other = AMOUNT.replace("ofType(Quantity)", "ofType(Quantity).where(unit = 'mg')");
    put(&house, &system, &other).await;
    assert_eq!(get("Observation?amount=gt7").await.is(200).ids().len(), 3);
    activate(&house, &system, "sp").await.is(200);
    get("Observation?amount=gt7").await.is(503);
    let both = get("SearchParameter/sp/$indexing").await.is(200);
    let mut phases: Vec<String> = told(&both).into_iter().map(|one| one.1).collect();
    phases.sort();
    assert_eq!(phases, ["indexing", "removing"]);
    index(&house);
    assert_eq!(get("Observation?amount=gt7").await.is(200).ids().len(), 0);
    house
        .call("DELETE /fhir/SearchParameter/sp", &system, "")
        .await
        .is(204);
    get("Observation?amount=gt7").await.is(400);
    assert!(!named().await);
    index(&house);
    assert!(told(&get("SearchParameter/$indexing").await.is(200)).is_empty());
    get("SearchParameter/none/$indexing").await.is(404);
}

/// Status, body and what headers say, but for the request's own name.
fn seen(mut said: Said) -> (u16, String, Vec<String>) {
    said.headers.remove("x-request-id");
    let headers = said
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"));
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    (said.status, String::from_utf8(said.body).unwrap(), headers)
}

#[tokio::test]
async fn what_is_withheld_is_not_found_or_counted_through_a_loaded_parameter() {
    let mut worlds = Vec::new();
    for more in [0, 1, 9] {
        let house = House::by_hand();
        house.check_in(SHE);
        for n in 0..more {
            house.load(&[&observation(&format!("w{n}"), "her", "4548-4")]);
        }
        let rule = Rule {
            id: "r1".into(),
            allow: false,
            who: Who::Everyone,
            what: vec![Category::Laboratory],
            purpose: None,
            until: None,
            hint: false,
            ..Rule::default()
        };
        let patient = house.token(Role::Patient);
        let she = house.gate.authenticate(Some(&patient), noon()).unwrap();
        house.gate.say(&she, vec![rule], noon()).unwrap();
        let (system, physician) = (house.token(Role::System), house.token(Role::Physician));
        for text in [AMOUNT, ABOUT] {
            put(&house, &system, text).await;
        }
        let mut answers = Vec::new();
        for phase in 0..3 {
            match phase {
                1 => {
                    activate(&house, &system, "sp").await.is(200);
                    activate(&house, &system, "about").await.is(200);
                }
                2 => index(&house),
                _ => {}
            }
            for path in [
                "Observation?patient=her&amount=gt1&_total=accurate",
                "Observation?patient=her&amount=gt1&_summary=count",
                "Observation?patient=her&amount:missing=false&_total=accurate",
                "Observation?patient=her&_sort=amount&_total=accurate",
                "Observation?about=her&patient=her&_total=accurate",
                "Patient?_id=her&_has:Observation:about:amount=gt1&_total=accurate",
                "Patient?_id=her&_revinclude=Observation:about",
                "Patient?_id=her&_revinclude=*",
                "Patient/her/Observation?amount=gt1&_total=accurate",
                "Patient/her/*?_type=Observation&amount=gt1&_total=accurate",
                "?_type=Observation&patient=her&amount=gt1&_total=accurate",
                "Observation/$lastn?patient=her&amount=gt1",
                "SearchParameter/$indexing",
                "SearchParameter/sp/$indexing",
                "metadata",
            ] {
                let said = house
                    .call(&format!("GET /fhir/{path}"), &physician, "")
                    .await;
                answers.push((phase, path, seen(said)));
            }
        }
        worlds.push(answers);
    }
    assert_eq!(worlds[0], worlds[1]);
    assert_eq!(worlds[0], worlds[2]);
    // The same questions do find something where nothing is withheld.
    let open = House::new();
    open.check_in(SHE);
    let (system, physician) = (open.token(Role::System), open.token(Role::Physician));
    put(&open, &system, AMOUNT).await;
    activate(&open, &system, "sp").await.is(200);
    open.gate.store().indexed();
    let found = open
        .call(
            "GET /fhir/Observation?patient=her&amount=gt1",
            &physician,
            "",
        )
        .await
        .is(200);
    assert_eq!(found.ids(), ["o1", "o2"]);
}
