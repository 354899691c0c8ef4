//! What a person does not wish to know looks to her as if it were somebody else's.
//!
//! Two worlds in which the same things are done at the same times. In one a finding of a kind that she switched off is
//! hers; in the other it is another person's. All that she can get is the same, byte for byte: every question of
//! `leaks`, of every route, page by page, with every header; and her log, with counts, places and the lengths of proofs.

use crate::house::{AS_FAMILY, House, OTHER, SHE, noon, observation};
use crate::leaks::{Line, changes, next_of, questions, told, without, without_ids, without_pages};
use trust::{
    ActKind, ActView, Actor, Finding, PersonRef, Purpose, Request, Role, What, Wish, wish::Asking,
};

/// What both worlds have of hers.
fn hers() -> Vec<String> {
    let measured = observation("v1", "her", "8867-4").replace("laboratory", "vital-signs");
    vec![
        r#"{"resourceType":"Organization","id":"lab9","name":"Laboratorio"}"#.into(),
        r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"},"code":{"text":"Diabetes"}}"#.into(),
        r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/her"}}"#.into(),
        measured,
    ]
}

/// The finding and what there is because of it, of one of the two: a result that was corrected, one that was deleted, the
/// report, the appointment to talk about it, the message, the bill, a risk that a program made of it.
fn finding(of: &str) -> Vec<String> {
    let result = observation("o3", of, "4548-4").replace(
        r#""status""#,
        r#""meta":{"security":[{"system":"https://tejido.mx/fhir/CodeSystem/finding","code":"late-onset"}]},"effectiveDateTime":"2026-01-01","performer":[{"reference":"Organization/lab9"}],"hasMember":[{"reference":"Observation/v1"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">palabra rara</div>"},"status""#,
    );
    let about = |text: &str| text.replace("{of}", of);
    vec![
        result.clone(),
        result.replace("7.10", "8.20"),
        about(
            r#"{"resourceType":"Condition","id":"o4","subject":{"reference":"Patient/{of}"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"G10"}]}}"#,
        ),
        about(
            r#"{"resourceType":"DiagnosticReport","id":"d1","status":"final","code":{"text":"Perfil"},"subject":{"reference":"Patient/{of}"},"result":[{"reference":"Observation/o3"}]}"#,
        ),
        about(
            r#"{"resourceType":"Appointment","id":"cita","status":"booked","reasonReference":[{"reference":"Observation/o3"}],"participant":[{"actor":{"reference":"Patient/{of}"},"status":"accepted"}]}"#,
        ),
        about(
            r#"{"resourceType":"Communication","id":"aviso","status":"preparation","subject":{"reference":"Patient/{of}"},"about":[{"reference":"DiagnosticReport/d1"}]}"#,
        ),
        about(
            r#"{"resourceType":"Claim","id":"cuenta","status":"active","type":{"text":"c"},"use":"claim","patient":{"reference":"Patient/{of}"},"created":"2026-01-02","provider":{"reference":"Organization/lab9"},"priority":{"text":"n"},"insurance":[],"supportingInfo":[{"sequence":1,"category":{"text":"r"},"valueReference":{"reference":"Observation/o3"}}]}"#,
        ),
        about(
            r#"{"resourceType":"RiskAssessment","id":"riesgo","status":"final","subject":{"reference":"Patient/{of}"},"performer":{"reference":"Device/modelo"},"basis":[{"reference":"Observation/o3"}]}"#,
        ),
    ]
}

/// Questions beside those of `leaks`: what only the person asks, and of types that exist because of the finding.
fn further() -> Vec<Line> {
    [
        "GET /fhir/Observation?_total=accurate",
        "GET /fhir/Condition?patient=her&code=G10&_total=accurate",
        "GET /fhir/Condition/o4/_history",
        "GET /fhir/Appointment?patient=her&_total=accurate",
        "GET /fhir/Appointment?actor=Patient/her&_total=accurate",
        "GET /fhir/Appointment/cita",
        "GET /fhir/Communication?subject=Patient/her&_total=accurate",
        "GET /fhir/Claim?patient=her&_total=accurate",
        "GET /fhir/RiskAssessment?patient=her&_total=accurate",
        "GET /fhir/Patient/her/Appointment?_total=accurate",
        "GET /fhir/Patient?_id=her&_has:Appointment:patient:status=booked",
        "GET /fhir?_type=Appointment,Communication,RiskAssessment,Claim&patient=her&_total=accurate",
        "GET /fhir/Organization/lab9",
        "GET /fhir/Patient/her/_history",
    ]
    .into_iter()
    .map(|line| (line, &[] as &[(&str, &str)], String::new()))
    .collect()
}

fn herself(house: &House) -> (String, Actor) {
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    (token, she)
}

/// A world: both people received; a wish of hers; the finding of one of them, found, read by name and searched for.
pub(crate) async fn world(of: &str) -> (House, String, Actor) {
    let house = House::new();
    house.check_in(SHE);
    house.check_in(OTHER);
    let (token, she) = herself(&house);
    let wishes = [Finding::LateOnset, Finding::AiRisk].map(|one| Wish::plain(one, noon()));
    house.gate.wish(&she, wishes.to_vec(), noon()).unwrap();
    for text in hers().iter().chain(&finding(of)) {
        house.load(&[text]);
    }
    let system = house.token(Role::System);
    house
        .call("DELETE /fhir/Condition/o4", &system, "")
        .await
        .is(204);
    let doctor = house.token(Role::Physician);
    let clerk = house.token(Role::Clerk);
    for line in [
        "GET /fhir/Observation/o3",
        "GET /fhir/Observation/o3/_history",
        "GET /fhir/Appointment/cita",
        "GET /fhir/Observation?patient=her&_total=accurate",
        "GET /fhir/Observation?patient=other&_total=accurate",
        "GET /fhir/Observation?patient=her&code=4548-4&_elements=id",
        "GET /fhir/Observation?patient=other&code=4548-4&_elements=id",
        "GET /fhir/DiagnosticReport?patient=her",
        "GET /fhir/DiagnosticReport?patient=other",
        "GET /fhir/Patient/her/$everything",
        "GET /fhir/Patient/other/$everything",
    ] {
        house.call(line, &doctor, "").await.is(200);
    }
    let refused = house.call("GET /fhir/Observation/o3", &clerk, "").await;
    assert_eq!(refused.status, 403);
    (house, token, she)
}

/// Everything that the doors for programs give her, or somebody who acts for her.
async fn asked(
    house: &House,
    token: &str,
    purpose: Option<(&str, &str)>,
) -> Vec<(String, u16, String, Vec<String>)> {
    let mut answers = Vec::new();
    for (line, headers, body) in questions().into_iter().chain(further()) {
        let headers: Vec<_> = headers.iter().copied().chain(purpose).collect();
        let mut line = line.to_owned();
        for _ in 0..8 {
            let said = house.call_with(&line, token, &headers, &body).await;
            let next = next_of(&said);
            let (status, body, headers) = told(said);
            let body = without_pages(&String::from_utf8(body).unwrap());
            answers.push((without_pages(&line), status, body, headers));
            match next {
                Some(next) => line = format!("GET {next}"),
                None => break,
            }
        }
    }
    for (line, headers, body) in changes() {
        let headers: Vec<_> = headers.iter().copied().chain(purpose).collect();
        let (status, body, headers) = told(house.call_with(line, token, &headers, &body).await);
        let body = without_ids(&String::from_utf8(body).unwrap());
        answers.push((line.to_owned(), status, body, without(headers)));
    }
    answers
}

fn own_log(she: &Actor) -> Request {
    Request {
        actor: she.clone(),
        purpose: Purpose::OwnRequest,
        person: PersonRef::Curp(SHE.into()),
        verbs: store::Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Log,
    }
}

/// Her log: each act without its random name, and the lines of its receipt without what is random.
fn log(house: &House, she: &Actor) -> Vec<(ActView, Vec<usize>)> {
    let grant = house.gate.decide(own_log(she), noon()).unwrap();
    // Page by page it is the same log.
    let mut acts = house.gate.acts(&grant, None, 7, noon()).unwrap();
    while let Some(last) = acts.last().map(|act| act.leaf) {
        let more = house.gate.acts(&grant, Some(last), 7, noon()).unwrap();
        if more.is_empty() {
            break;
        }
        acts.extend(more);
    }
    acts.into_iter()
        .map(|act| {
            let receipt = house.gate.receipt(&grant, &act.id, noon()).unwrap();
            let bare = ActView {
                id: String::new(),
                ..act
            };
            (bare, receipt.lines().map(str::len).collect())
        })
        .collect()
}

/// What whoever acts for her reads of what she did: everything but names and places.
fn log_of_rosa(house: &House, token: &str) -> Vec<ActView> {
    let rosa = house.gate.authenticate(Some(token), noon()).unwrap();
    let request = Request {
        purpose: Purpose::Family,
        ..own_log(&rosa)
    };
    let grant = house.gate.decide(request, noon()).unwrap();
    let acts = house.gate.acts(&grant, None, 1_000, noon()).unwrap();
    let bare = |act| ActView {
        id: String::new(),
        leaf: 0,
        ..act
    };
    acts.into_iter().map(bare).collect()
}

#[tokio::test]
async fn two_worlds_that_differ_in_whose_finding_it_is_are_one_to_who_acts_for_her() {
    let (hers, _, she) = world("her").await;
    let (others, ..) = world("other").await;
    let (rosa, other_rosa) = (hers.represented(), others.represented());
    let (one, two) = (
        asked(&hers, &rosa, Some(AS_FAMILY)).await,
        asked(&others, &other_rosa, Some(AS_FAMILY)).await,
    );
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    assert_eq!(one.len(), two.len());
    let good = one.iter().filter(|(_, status, ..)| *status == 200).count();
    assert!(good > 60, "most questions are answered: {good}");
    let (one, two) = (log_of_rosa(&hers, &rosa), log_of_rosa(&others, &other_rosa));
    assert!(one.len() > 40, "{}", one.len());
    assert_eq!(one, two);

    // When she asks, whoever acts for her sees it as well.
    let asked = hers
        .gate
        .ask_to_know(&she, Finding::LateOnset, Asking::Alone, noon());
    asked.unwrap();
    let line = "GET /fhir/Observation/o3";
    hers.call_with(line, &rosa, &[AS_FAMILY], "").await.is(200);
}

#[tokio::test]
async fn two_worlds_that_differ_in_whose_finding_it_is_are_one_to_her() {
    let (hers, token, she) = world("her").await;
    let (others, other_token, other_she) = world("other").await;
    let (one, two) = (
        asked(&hers, &token, None).await,
        asked(&others, &other_token, None).await,
    );
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    assert_eq!(one.len(), two.len());
    let good = one.iter().filter(|(_, status, ..)| *status == 200).count();
    assert!(good > 60, "most questions are answered: {good}");
    let (one, two) = (log(&hers, &she), log(&others, &other_she));
    // Oldest first, so that the first that differs is where it comes from.
    for (one, two) in one.iter().rev().zip(two.iter().rev()) {
        assert_eq!(one, two);
    }
    assert_eq!(one.len(), two.len());

    // Asking wins, at every one of these doors, and the acts are there.
    for finding in [Finding::LateOnset, Finding::AiRisk] {
        hers.gate
            .ask_to_know(&she, finding, Asking::Alone, noon())
            .unwrap();
    }
    for line in [
        "GET /fhir/Observation/o3",
        "GET /fhir/DiagnosticReport/d1",
        "GET /fhir/Appointment/cita",
        "GET /fhir/Communication/aviso",
        "GET /fhir/Claim/cuenta",
        "GET /fhir/RiskAssessment/riesgo",
        "GET /fhir/Condition/o4/_history",
    ] {
        hers.call(line, &token, "").await.is(200);
    }
    let all = log(&hers, &she);
    let found = |kind: ActKind| {
        let of = |act: &&(ActView, Vec<usize>)| {
            act.0.kind == kind && !Finding::of(act.0.categories).is_empty()
        };
        all.iter().filter(of).count()
    };
    assert_eq!(found(ActKind::Import), 8, "each of what was stored");
    assert_eq!(found(ActKind::Write), 1, "the deletion");
    let refused = all
        .iter()
        .filter(|(act, _)| act.kind == ActKind::Denied && !Finding::of(act.categories).is_empty());
    let roles: Vec<Role> = refused.map(|(act, _)| act.role).collect();
    let others = roles.iter().filter(|role| **role != Role::Patient).count();
    // What she herself tried on it, not knowing, is there now as well.
    assert_eq!(others, 1, "who tried and might not: {roles:?}");
    assert!(found(ActKind::Read) >= 8, "{}", found(ActKind::Read));
}

#[tokio::test]
async fn who_cares_for_her_is_told_that_she_asked_not_to_know_and_she_is_not() {
    let (hers, token, _) = world("her").await;
    let doctor = hers.token(Role::Physician);
    let system = hers.token(Role::System);
    // What was asked, and the header; `None` where there is none.
    let table = [
        ("GET /fhir/Observation/o3", Some("late-onset")),
        ("GET /fhir/Observation/o3/_history", Some("late-onset")),
        ("GET /fhir/Observation?patient=her", Some("late-onset")),
        (
            "GET /fhir/RiskAssessment/riesgo",
            Some("late-onset, ai-risk"),
        ),
        (
            "GET /fhir/Patient/her/$everything",
            Some("late-onset, ai-risk"),
        ),
        ("GET /fhir/Observation/v1", None),
        ("GET /fhir/Patient/other/$everything", None),
    ];
    for round in 0..2 {
        // The second time reads take the way that asks nobody again.
        for (line, said) in &table {
            let answer = hers.call(line, &doctor, "").await;
            assert_eq!(answer.status, 200, "{line}");
            let header = answer.headers.get("asked-not-to-know");
            let header = header.map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header.as_deref(), *said, "{line}, {round}");
        }
    }
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Observation/o3"}},{"request":{"method":"GET","url":"RiskAssessment/riesgo"}}]}"#;
    let answer = hers.call("POST /fhir", &doctor, batch).await;
    assert_eq!(answer.headers["asked-not-to-know"], "late-onset, ai-risk");
    for (line, token) in [
        ("GET /fhir/Patient/her/$everything", &token),
        ("GET /fhir/Observation?_count=5", &system),
    ] {
        let answer = hers.call(line, token, "").await;
        assert!(!answer.headers.contains_key("asked-not-to-know"), "{line}");
    }
}
