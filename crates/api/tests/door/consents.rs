//! What a person says of who may see her record, as `Consent`s: said, changed, taken back by herself alone, and in force at
//! once. To everybody else the type is what it was.

use crate::house::{AS_FAMILY, BASE, House, OTHER, ROSA, SHE, Said, noon, parse};
use crate::leaks::{told, without_pages};
use fhir::Value;
use trust::{Actor, Category, LicenceState, MemberKind, NewRepresentative, Role, Rule, Tie, Who};

const CATEGORIES: &str = "https://tejido.mx/fhir/CodeSystem/category";

/// A Consent of hers with this provision.
pub(crate) fn consent(provision: &str) -> String {
    format!(
        r#"{{"resourceType":"Consent","status":"active","scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},"category":[{{"coding":[{{"system":"http://loinc.org","code":"59284-0"}}]}}],"patient":{{"reference":"Patient/her"}},"dateTime":"2026-11-22","policyRule":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}}]}},"provision":{provision}}}"#
    )
}

/// Nobody sees what is of a category.
fn closing(category: &str) -> String {
    let inner =
        format!(r#"{{"type":"deny","class":[{{"system":"{CATEGORIES}","code":"{category}"}}]}}"#);
    consent(&format!(r#"{{"type":"permit","provision":[{inner}]}}"#))
}

/// The same resource under an id.
fn named(text: &str, id: &str) -> String {
    let mut consent = parse(text);
    consent.set("id", id);
    consent.to_string()
}

/// What the institution keeps: a form signed for an operation.
const FORM: &str = r#"{"resourceType":"Consent","id":"form","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"treatment"}]},"category":[{"text":"Cirugía"}],"patient":{"reference":"Patient/her"},"dateTime":"2026-03-01","policyRule":{"text":"Reglamento"}}"#;

fn herself(house: &House) -> (String, Actor) {
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    (token, she)
}

fn no_pharmacy(id: &str) -> Rule {
    Rule {
        id: id.into(),
        who: Who::Kind(MemberKind::Pharmacy),
        what: vec![Category::Diagnoses],
        hint: true,
        ..Rule::default()
    }
}

fn id_of(said: &Said) -> String {
    said.json().text("id").unwrap().to_owned()
}

#[tokio::test]
async fn what_the_pact_lets_nobody_close_is_refused_with_what_can_be_closed() {
    let house = House::new();
    let (token, _) = herself(&house);
    house.adopt(|pact| {
        let mut seals = trust::Seals::usual();
        seals.categories.retain(|one| *one != Category::Genetics);
        pact.seals = Some(seals);
    });
    let refused = house
        .call("POST /fhir/Consent", &token, &closing("genetics"))
        .await
        .is(400);
    let (_, _, said) = refused.issue();
    assert!(said.contains("have not agreed"), "{said}");
    house
        .call("POST /fhir/Consent", &token, &closing("hiv"))
        .await
        .is(201);
}

#[tokio::test]
async fn she_says_a_rule_changes_it_and_takes_it_back() {
    let house = House::new();
    house.check_in(SHE);
    let (token, _) = herself(&house);
    let doctor = house.token(Role::Physician);
    let seen = async || {
        let line = "GET /fhir/Observation?patient=her&_total=accurate";
        house.call(line, &doctor, "").await.is(200).ids()
    };
    assert_eq!(seen().await, ["o1", "o2"]);

    let said = house
        .call("POST /fhir/Consent", &token, &closing("laboratory"))
        .await
        .is(201);
    let id = id_of(&said);
    let line = |method: &str| format!("{method} /fhir/Consent/{id}");
    assert_eq!(said.header("etag"), "W/\"1\"");
    assert_eq!(
        said.header("location"),
        format!("{BASE}/fhir/Consent/{id}/_history/1")
    );
    assert_eq!(fhir::check(&said.json()).unwrap().name(), "Consent");
    // In force at the next request; nothing of it is stored.
    assert!(!seen().await.contains(&"o1".to_owned()));
    let system = house.token(Role::System);
    house.call(&line("GET"), &system, "").await.is(404);

    let read = house.call(&line("GET"), &token, "").await.is(200);
    assert_eq!(read.body, said.body);
    assert_eq!(read.json().text("patient.identifier.value"), Some(SHE));
    let known = [("if-none-match", "W/\"1\"")];
    house
        .call_with(&line("GET"), &token, &known, "")
        .await
        .is(304);

    // What she read, sent back as it is, changes nothing.
    let text = String::from_utf8(read.body.clone()).unwrap();
    let same = house.call(&line("PUT"), &token, &text).await.is(200);
    assert_eq!(same.header("etag"), "W/\"1\"");

    let other = named(&closing("diagnoses"), &id);
    let stale = [("if-match", "W/\"7\"")];
    house
        .call_with(&line("PUT"), &token, &stale, &other)
        .await
        .is(412);
    let current = [("if-match", "W/\"1\"")];
    let changed = house
        .call_with(&line("PUT"), &token, &current, &other)
        .await
        .is(200);
    assert_eq!(changed.header("etag"), "W/\"2\"");
    assert_eq!(seen().await, ["o1", "o2"]);

    house
        .call_with(&line("DELETE"), &token, &current, "")
        .await
        .is(412);
    house.call(&line("DELETE"), &token, "").await.is(204);
    house.call(&line("DELETE"), &token, "").await.is(204);
    house.call(&line("GET"), &token, "").await.is(410);
    let first = house
        .call(&format!("{}/_history/1", line("GET")), &token, "")
        .await
        .is(200);
    assert_eq!(first.body, said.body);
    house
        .call(&format!("{}/_history/9", line("GET")), &token, "")
        .await
        .is(404);
    let history = house
        .call(&format!("{}/_history", line("GET")), &token, "")
        .await
        .is(200);
    let history = history.json();
    let methods = history
        .list("entry")
        .iter()
        .map(|entry| entry.text("request.method").unwrap());
    assert_eq!(methods.collect::<Vec<_>>(), ["DELETE", "PUT", "POST"]);
    // She may say it again.
    let again = house.call(&line("PUT"), &token, &other).await.is(201);
    assert_eq!(again.header("etag"), "W/\"4\"");
    // What she says is changed as a whole.
    house.call(&line("PATCH"), &token, "[]").await.is(400);
    let exists = [("if-none-exist", "status=active")];
    house
        .call_with("POST /fhir/Consent", &token, &exists, &other)
        .await
        .is(400);
}

#[tokio::test]
async fn what_she_said_on_her_page_is_read_here_and_the_other_way_round() {
    let house = House::new();
    let (token, she) = herself(&house);
    house
        .gate
        .say(&she, vec![no_pharmacy("a1")], noon())
        .unwrap();
    let text = consent(&format!(
        r#"{{"type":"permit","provision":[{{"type":"deny","data":[{{"meaning":"instance","reference":{{"reference":"Observation/o1"}}}}]}},{{"type":"deny","period":{{"end":"2027-01-01"}},"actor":[{{"role":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}}]}},"reference":{{"identifier":{{"system":"https://tejido.mx/id/member","value":"imss"}}}}}}],"class":[{{"system":"{CATEGORIES}","code":"mental-health"}}]}}]}}"#
    ));
    let said = house
        .call("POST /fhir/Consent", &token, &text)
        .await
        .is(201);
    let id = id_of(&said);
    let rules = house.gate.word(house.gate.tag(SHE)).unwrap().word.rules;
    let names: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(names, ["a1", &format!("{id}--1"), &format!("{id}--2")]);
    // A resource is closed by its name in the network: nobody else's of that name is.
    assert_eq!(
        rules[1].part.resources,
        ["https://tejido.mx/kept/imss/Observation/o1"]
    );
    let all = house.call("GET /fhir/Consent", &token, "").await.is(200);
    assert_eq!(all.ids().len(), 2);
    let hers = house.call("GET /fhir/Consent/a1", &token, "").await.is(200);
    let picture = hers.json();
    let actor = "provision.provision.0.actor.0.reference.identifier.value";
    assert_eq!(picture.text(actor), Some("pharmacy"));
    house
        .call("DELETE /fhir/Consent/a1", &token, "")
        .await
        .is(204);
    let left = house.gate.word(house.gate.tag(SHE)).unwrap().word.rules;
    assert_eq!(left, rules[1..]);
}

#[tokio::test]
async fn what_no_rule_says_is_refused_by_its_place_and_nothing_is_said() {
    let house = House::new();
    let (token, _) = herself(&house);
    let good = closing("laboratory");
    let refused = async |element: &str, value: &str, place: &str| {
        let mut consent = parse(&good);
        match element.strip_prefix("provision.") {
            None => consent.set(element, parse_any(value)),
            Some(inner) => {
                let mut provision = parse(r#"{"type":"deny"}"#);
                provision.set(inner, parse_any(value));
                consent.set("provision", provision);
            }
        }
        let said = house
            .call("POST /fhir/Consent", &token, &consent.to_string())
            .await
            .is(422);
        assert_eq!(said.issue().1, format!("Consent.{place}"), "{element}");
        assert!(said.issue().2.len() > 30);
    };
    let coding = r#"{"coding":[{"system":"urn:s","code":"c"}]}"#;
    let actor = |reference: &str| {
        format!(
            r#"[{{"role":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}}]}},"reference":{reference}}}]"#
        )
    };
    for (element, value, place) in [
        ("status", r#""inactive""#, "status"),
        ("scope", coding, "scope"),
        ("category", &format!("[{coding}]"), "category"),
        ("policyRule", coding, "policyRule"),
        ("patient", r#"{"reference":"Patient/other"}"#, "patient"),
        ("patient", r#"{"reference":"Patient/nobody"}"#, "patient"),
        (
            "performer",
            r#"[{"reference":"Practitioner/pr"}]"#,
            "performer",
        ),
        ("dateTime", r#""2020-01-01""#, "dateTime"),
        (
            "text",
            r#"{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}"#,
            "text",
        ),
        (
            "identifier",
            r#"[{"system":"urn:s","value":"1"}]"#,
            "identifier",
        ),
        (
            "sourceReference",
            r#"{"reference":"Consent/form"}"#,
            "sourceReference",
        ),
        ("meta", r#"{"profile":["http://example.org/p"]}"#, "meta"),
        ("verification", r#"[{"verified":true}]"#, "verification"),
        ("provision", r#"{"type":"permit"}"#, "provision"),
        (
            "provision.action",
            &format!("[{coding}]"),
            "provision.action",
        ),
        (
            "provision.actor",
            &actor(r#"{"reference":"Practitioner/pr"}"#),
            "provision.actor[0].reference",
        ),
        (
            "provision.actor",
            &actor(r#"{"identifier":{"system":"https://tejido.mx/id/member","value":"nowhere"}}"#),
            "provision.actor[0].reference",
        ),
        (
            "provision.class",
            r#"[{"system":"urn:s","code":"c"}]"#,
            "provision.class[0]",
        ),
        (
            "provision.purpose",
            r#"[{"system":"urn:s","code":"c"}]"#,
            "provision.purpose[0]",
        ),
        (
            "provision.data",
            r#"[{"meaning":"instance","reference":{"reference":"https://elsewhere.example/fhir/Observation/1"}}]"#,
            "provision.data[0].reference",
        ),
        (
            "provision.period",
            r#"{"start":"2027-01-01","extension":[{"url":"urn:e","valueBoolean":true}]}"#,
            "provision.period.extension",
        ),
        (
            "provision.extension",
            r#"[{"url":"https://tejido.mx/fhir/StructureDefinition/erase-at","valueDateTime":"2027-01-01"}]"#,
            "provision.extension",
        ),
    ] {
        refused(element, value, place).await;
    }
    let mut nobody = parse(&good);
    nobody.as_object_mut().unwrap().remove("patient");
    let said = house
        .call("POST /fhir/Consent", &token, &nobody.to_string())
        .await
        .is(422);
    assert_eq!(said.issue().1, "Consent.patient");
    // What a consent cannot lift, it does not.
    let lift = consent(&format!(
        r#"{{"type":"permit","provision":[{{"type":"permit","purpose":[{{"system":"https://tejido.mx/fhir/CodeSystem/purpose","code":"EMPLOYMENT"}}],"class":[{{"system":"{CATEGORIES}","code":"laboratory"}}]}}]}}"#
    ));
    let said = house
        .call("POST /fhir/Consent", &token, &lift)
        .await
        .is(422);
    assert!(
        said.issue().2.contains("no consent opens anything"),
        "{:?}",
        said.issue()
    );
    assert!(house.gate.word(house.gate.tag(SHE)).is_none());
}

fn parse_any(text: &str) -> Value {
    let whole = parse(&format!(r#"{{"v":{text}}}"#));
    whole.get("v").unwrap().clone()
}

#[tokio::test]
async fn her_own_stand_before_what_the_institution_keeps_page_by_page() {
    let house = House::new();
    house.load(&[FORM, &FORM.replace("\"form\"", "\"form2\"")]);
    let (token, she) = herself(&house);
    let rules = ["a1", "a2", "a3"].map(no_pharmacy);
    for until in 1..=3 {
        house
            .gate
            .say(&she, rules[..until].to_vec(), noon())
            .unwrap();
    }
    let found = async |query: &str| {
        let line = format!("GET /fhir/{query}");
        let said = house.call(&line, &token, "").await.is(200).json();
        let ids = said
            .list("entry")
            .iter()
            .filter_map(|entry| entry.text("resource.id").map(str::to_owned));
        (
            ids.collect::<Vec<_>>(),
            said.get("total").map(ToString::to_string),
        )
    };
    for (query, ids) in [
        ("Consent?status=active", &["a3", "a2", "a1"][..]),
        ("Consent?status=inactive", &[]),
        (
            "Consent?patient=her&scope=patient-privacy",
            &["a3", "a2", "a1"],
        ),
        (
            "Consent?patient=Patient/her,Patient/x&scope=patient-privacy",
            &["a3", "a2", "a1"],
        ),
        (
            &format!(
                "Consent?patient.identifier={}%7C{SHE}&scope=patient-privacy",
                mx::systems::CURP
            ),
            &["a3", "a2", "a1"],
        ),
        (
            "Patient/her/Consent?scope=patient-privacy",
            &["a3", "a2", "a1"],
        ),
        ("Consent?_id=a2", &["a2"]),
        ("Consent?_id=a2,form", &["a2"]),
        ("Consent?scope=treatment", &["form2", "form"]),
        ("Consent?date=2026-11-22", &["a3", "a2", "a1"]),
        ("Consent?date=lt2026-06-01", &["form2", "form"]),
        ("Consent?_lastUpdated=lt2026-01-01", &[]),
        ("Consent?_content=diagnoses", &["a3", "a2", "a1"]),
        ("Consent?status:not=active", &[]),
    ] {
        let (mut first, total) = found(query).await;
        first.truncate(ids.len());
        let mut wanted: Vec<&str> = ids.to_vec();
        if ids.contains(&"form") {
            first.sort();
            wanted.sort_unstable();
        }
        assert_eq!(first, wanted, "{query}");
        if ids.is_empty() {
            assert_eq!(found(query).await.0.len(), 0, "{query}");
        }
        assert!(
            total.is_none_or(|total| total != "0") || ids.is_empty(),
            "{query}"
        );
    }
    let (none, total) = found("Consent?_summary=count").await;
    assert_eq!((none.len(), total.as_deref()), (0, Some("5")));
    // Page by page: each once, the number of all on each.
    for count in [1, 2, 3, 50] {
        let mut line = format!("GET /fhir/Consent?patient=her&_total=accurate&_count={count}");
        let mut all = Vec::new();
        for _ in 0..8 {
            let said = house.call(&line, &token, "").await.is(200);
            let bundle = said.json();
            assert_eq!(
                bundle.get("total").map(ToString::to_string).as_deref(),
                Some("5")
            );
            assert!(bundle.list("entry").len() <= count);
            all.extend(
                bundle
                    .list("entry")
                    .iter()
                    .map(|entry| entry.text("resource.id").unwrap().to_owned()),
            );
            match crate::leaks::next_of(&said) {
                Some(next) => line = format!("GET {next}"),
                None => break,
            }
        }
        assert_eq!(all[..3], ["a3", "a2", "a1"], "{count}");
        all[3..].sort();
        assert_eq!(all[3..], ["form", "form2"], "{count}");
    }
    // A page of rules that are no longer hers leads nowhere.
    let first = house
        .call("GET /fhir/Consent?_count=1", &token, "")
        .await
        .is(200);
    let next = crate::leaks::next_of(&first).unwrap();
    house.gate.say(&she, Vec::new(), noon()).unwrap();
    house.call(&format!("GET {next}"), &token, "").await.is(400);
    assert_eq!(found("Consent").await.0.len(), 2);
    // What the institution keeps is read as ever, and hers to read.
    house
        .call("GET /fhir/Consent/form", &token, "")
        .await
        .is(200);
    house
        .call("DELETE /fhir/Consent/form", &token, "")
        .await
        .is(403);
}

#[tokio::test]
async fn what_her_own_word_cannot_be_searched_by_is_said() {
    let house = House::new();
    let (token, she) = herself(&house);
    house
        .gate
        .say(&she, vec![no_pharmacy("a1")], noon())
        .unwrap();
    for (query, said) in [
        ("_sort=date", "stands first"),
        ("_include=Consent:patient", "nothing is included"),
        ("actor:Practitioner.name=x", "not looked for"),
    ] {
        let line = format!("GET /fhir/Consent?patient=her&{query}");
        let answer = house.call(&line, &token, "").await.is(200);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains(said), "{query}: {text}");
    }
}

#[tokio::test]
async fn what_a_clinic_keeps_as_consent_binds_nobody() {
    let house = House::new();
    house.check_in(SHE);
    let doctor = house.token(Role::Physician);
    let stored = house
        .call("POST /fhir/Consent", &doctor, &closing("laboratory"))
        .await
        .is(201);
    let id = id_of(&stored);
    assert!(house.gate.word(house.gate.tag(SHE)).is_none());
    let seen = house
        .call("GET /fhir/Observation?patient=her", &doctor, "")
        .await
        .is(200);
    assert_eq!(seen.ids(), ["o1", "o2"]);
    // She reads it, and it is not hers to change.
    let (token, _) = herself(&house);
    let line = format!("GET /fhir/Consent/{id}");
    assert_eq!(
        house
            .call(&line, &token, "")
            .await
            .is(200)
            .json()
            .text("id"),
        Some(id.as_str())
    );
    let line = format!("PUT /fhir/Consent/{id}");
    house
        .call(&line, &token, &named(&closing("diagnoses"), &id))
        .await
        .is(403);
}

/// Of two worlds, in one of which she said something that touches nobody who asks, nobody but her can tell which it is: by
/// name, by search, by writing, for any purpose.
#[tokio::test]
async fn nobody_else_gets_anything_of_what_she_said() {
    let names = [
        "clerk",
        "physician",
        "physician received",
        "physician suspended",
        "another patient",
        "system",
        "privacy",
        "who acts for her",
        "physician in an emergency",
    ];
    let mut worlds = Vec::new();
    for said in [false, true] {
        let mut answers = Vec::new();
        for who in names {
            let house = House::new();
            house.load(&[FORM]);
            let (token, headers): (String, &[(&str, &str)]) = match who {
                "clerk" => (house.token(Role::Clerk), &[]),
                "system" => (house.token(Role::System), &[]),
                "privacy" => (house.token(Role::Privacy), &[]),
                "another patient" => (
                    house.token_with(Role::Patient, LicenceState::Active, OTHER),
                    &[],
                ),
                "physician suspended" => (
                    house.token_with(Role::Physician, LicenceState::Suspended, SHE),
                    &[],
                ),
                "who acts for her" => (house.represented(), &[AS_FAMILY]),
                "physician in an emergency" => {
                    (house.token(Role::Physician), &[("tejido-purpose", "BTG")])
                }
                _ => (house.token(Role::Physician), &[]),
            };
            match who {
                "physician received" | "physician suspended" => house.check_in(SHE),
                "physician in an emergency" => drop(house.declare(&token, SHE)),
                _ => {}
            }
            if said {
                let (_, she) = herself(&house);
                let rule = Rule {
                    hint: false,
                    ..no_pharmacy("a1")
                };
                house.gate.say(&she, vec![rule], noon()).unwrap();
            }
            let body = named(&closing("laboratory"), "a1");
            let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Consent/a1"}},{"request":{"method":"GET","url":"Consent?patient=her"}}]}"#;
            for (line, body) in [
                ("GET /fhir/Consent/a1", ""),
                ("GET /fhir/Consent/a1/_history", ""),
                ("GET /fhir/Consent/a1/_history/1", ""),
                ("GET /fhir/Consent?patient=her&_total=accurate", ""),
                ("GET /fhir/Consent?_id=a1&patient=her", ""),
                ("GET /fhir/Consent", ""),
                ("GET /fhir/Consent?_page=own-1-0", ""),
                ("GET /fhir/Patient/her/Consent?_total=accurate", ""),
                ("GET /fhir/Patient/her/$everything", ""),
                ("GET /fhir?_type=Consent&patient=her&_total=accurate", ""),
                ("POST /fhir", batch),
                ("PATCH /fhir/Consent/a1", "[]"),
                ("DELETE /fhir/Consent/a1", ""),
                ("PUT /fhir/Consent/a1", &body),
                ("GET /fhir/Consent/a1", ""),
            ] {
                let answer = told(house.call_with(line, &token, headers, body).await);
                let text = without_pages(&String::from_utf8(answer.1).unwrap());
                assert!(!text.contains(r#""pharmacy""#), "{line} as {who}: {text}");
                answers.push((who, line, answer.0, text, answer.2));
            }
            if said {
                let rules = house.gate.word(house.gate.tag(SHE)).unwrap().word.rules;
                assert_eq!(rules.len(), 1, "{who}");
            }
        }
        worlds.push(answers);
    }
    for (one, other) in worlds[0].iter().zip(&worlds[1]) {
        assert_eq!(one, other);
    }
}

#[tokio::test]
async fn under_another_purpose_she_has_no_word_here() {
    let house = House::new();
    let (token, she) = herself(&house);
    house
        .gate
        .say(&she, vec![no_pharmacy("a1")], noon())
        .unwrap();
    for purpose in ["TREAT", "FAMRQT", "HOPERAT", "HRESCH", "HPAYMT", "BTG"] {
        let headers = [("tejido-purpose", purpose)];
        for (line, body) in [
            ("GET /fhir/Consent/a1", ""),
            ("GET /fhir/Consent", ""),
            ("DELETE /fhir/Consent/a1", ""),
            ("POST /fhir/Consent", closing("laboratory").as_str()),
        ] {
            house.call_with(line, &token, &headers, body).await.is(403);
        }
    }
    house.call("GET /fhir/Consent/a1", &token, "").await.is(200);
    assert_eq!(house.gate.words_said(&she).unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_said_for_her_names_who_said_it_and_is_taken_back_not_changed() {
    let house = House::new();
    let (token, she) = herself(&house);
    let new = NewRepresentative {
        curp: ROSA.into(),
        name: "Rosa Pérez".into(),
        tie: Tie::Child,
        sees: Category::ALL.to_vec(),
        speaks: true,
        until: None,
    };
    house.gate.name_representative(&she, new, noon()).unwrap();
    let rosa = house.token_with(Role::Patient, LicenceState::Active, ROSA);
    let rosa = house.gate.authenticate(Some(&rosa), noon()).unwrap();
    house
        .gate
        .say_for(&rosa, house.gate.tag(SHE), vec![no_pharmacy("f1")], noon())
        .unwrap();
    let read = house.call("GET /fhir/Consent/f1", &token, "").await.is(200);
    let picture = read.json();
    assert_eq!(picture.text("performer.0.display"), Some("Rosa Pérez"));
    let refused = house
        .call("PUT /fhir/Consent/f1", &token, &picture.to_string())
        .await
        .is(422);
    assert_eq!(refused.issue().1, "Consent.performer");
    house
        .call("DELETE /fhir/Consent/f1", &token, "")
        .await
        .is(204);
    assert!(
        house
            .gate
            .word(house.gate.tag(SHE))
            .unwrap()
            .word
            .rules
            .is_empty()
    );
}

#[tokio::test]
async fn in_a_batch_each_is_said_by_itself_and_in_a_transaction_none() {
    let house = House::new();
    let (token, she) = herself(&house);
    let one = closing("laboratory");
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"resource":{one},"request":{{"method":"POST","url":"Consent"}}}},{{"request":{{"method":"GET","url":"Consent?_summary=count"}}}}]}}"#
        )
    };
    let refused = house
        .call("POST /fhir", &token, &bundle("transaction"))
        .await
        .is(400);
    assert_eq!(refused.issue().1, "Bundle.entry[0]");
    assert!(house.gate.words_said(&she).unwrap().is_empty());
    let done = house
        .call("POST /fhir", &token, &bundle("batch"))
        .await
        .is(200)
        .json();
    assert_eq!(done.text("entry.0.response.status"), Some("201"));
    assert_eq!(
        done.path("entry.1.resource.total")
            .map(ToString::to_string)
            .as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn more_than_a_word_holds_is_refused_and_leaves_what_she_said() {
    let house = House::new();
    let (token, she) = herself(&house);
    let rules: Vec<Rule> = (0..trust::word::MAX_RULES)
        .map(|n| no_pharmacy(&format!("a{n}")))
        .collect();
    house.gate.say(&she, rules.clone(), noon()).unwrap();
    let said = house
        .call("POST /fhir/Consent", &token, &closing("laboratory"))
        .await
        .is(422);
    assert!(said.issue().2.contains("at most 100"), "{:?}", said.issue());
    assert_eq!(
        house.gate.word(house.gate.tag(SHE)).unwrap().word.rules,
        rules
    );
}

#[tokio::test]
async fn who_has_not_heard_it_yet_is_named_and_it_waits_for_them() {
    let house = House::with_neighbour();
    let (token, _) = herself(&house);
    let said = house
        .call("POST /fhir/Consent", &token, &closing("laboratory"))
        .await
        .is(201);
    assert_eq!(said.header("not-yet-told"), "farmacia");
    let waiting = house.gate.rows("words-out", 10).unwrap();
    assert_eq!(waiting.len(), 1);
    let word = house.gate.word(house.gate.tag(SHE)).unwrap();
    let text = String::from_utf8(waiting[0].1.clone()).unwrap();
    assert!(text.contains(&word.signature));
    let read = house.call("GET /fhir/Consent", &token, "").await.is(200);
    assert_eq!(read.header("not-yet-told"), "");
}
