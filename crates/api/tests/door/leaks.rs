//! What somebody may not know looks the same whether it is there or not.

use crate::house::{AS_FAMILY, House, OTHER, SHE, Said, noon, observation, patient};
use trust::{Category, LicenceState, MemberKind, Part, Role, Rule, Task, Who};

/// Status, body and headers but for the request's own name.
pub(crate) fn told(mut said: Said) -> (u16, Vec<u8>, Vec<String>) {
    said.headers.remove("x-request-id");
    let headers = said
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"));
    let mut headers: Vec<String> = headers.collect();
    headers.sort();
    (said.status, said.body, headers)
}

/// Everyone, or somebody, is closed to laboratory results, or to a part of them, silently.
fn close_laboratory(house: &House, who: Who, part: Part) {
    let rule = Rule {
        id: "r1".into(),
        allow: false,
        who,
        what: vec![Category::Laboratory],
        purpose: None,
        until: None,
        hint: false,
        part,
        ..Rule::default()
    };
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    house.gate.say(&she, vec![rule], noon()).unwrap();
}

#[tokio::test]
async fn what_is_anothers_withheld_or_not_there_is_the_same_answer() {
    let house = House::new();
    house.check_in(SHE);
    close_laboratory(&house, Who::Everyone, Part::default());
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

/// She closes laboratory results, or a part of them, to everyone.
pub(crate) fn seal(house: &House, part: Part) {
    close_laboratory(house, Who::Everyone, part);
}

/// What both worlds have: of hers a condition, a measurement that is open, what names the results that are withheld.
pub(crate) fn open_to_all() -> Vec<String> {
    let measured = observation("v1", "her", "8867-4")
        .replace("laboratory", "vital-signs")
        .replace(
            r#""subject""#,
            r#""derivedFrom":[{"reference":"Observation/o3"}],"subject""#,
        );
    let later = observation("v2", "her", "8867-4")
        .replace("laboratory", "vital-signs")
        .replace("7.10", "9.5")
        .replace(r#""subject""#, r#""effectiveDateTime":"2026-01-02","hasMember":[{"reference":"Observation/v1"}],"subject""#);
    vec![
        r#"{"resourceType":"Organization","id":"lab9","name":"Laboratorio","partOf":{"reference":"Organization/lab"}}"#.into(),
        r#"{"resourceType":"Condition","id":"c1","subject":{"reference":"Patient/her"},"evidence":[{"detail":[{"reference":"Observation/o3"}]}],"code":{"text":"Diabetes"}}"#.into(),
        r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/her"}}"#.into(),
        r#"{"resourceType":"List","id":"l1","status":"current","mode":"working","subject":{"reference":"Patient/her"},"entry":[{"item":{"reference":"Observation/o3"}},{"item":{"reference":"Observation/v1"}}]}"#.into(),
        measured,
        later,
    ]
}

/// What only one world has: results that are withheld, one of them changed, one deleted; a report on them.
pub(crate) fn withheld() -> Vec<String> {
    let result = observation("o3", "her", "4548-4")
        .replace(r#""code":"4548-4""#, r#""code":"4548-4","display":"Hemoglobina glucosilada""#)
        .replace(
            r#""subject""#,
            r#""effectiveDateTime":"2026-01-01","encounter":{"reference":"Encounter/e1"},"performer":[{"reference":"Organization/lab9"}],"hasMember":[{"reference":"Observation/v1"}],"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">palabra rara</div>"},"subject""#,
        );
    vec![
        result.clone(),
        result.replace("7.10", "8.20"),
        observation("o4", "her", "8867-4"),
        r#"{"resourceType":"DiagnosticReport","id":"d1","status":"final","code":{"text":"Perfil"},"subject":{"reference":"Patient/her"},"result":[{"reference":"Observation/o3"},{"reference":"Observation/v1"}]}"#.into(),
    ]
}

/// A request of the harness: method and address, headers, body.
pub(crate) type Line = (
    &'static str,
    &'static [(&'static str, &'static str)],
    String,
);

fn get(line: &'static str) -> Line {
    (line, &[], String::new())
}

/// Questions that would show what is withheld if it showed anywhere.
pub(crate) fn questions() -> Vec<Line> {
    [
        // Searches of a type: totals, pages, sorts over hidden rows.
        "GET /fhir/Observation?patient=her&_total=accurate",
        "GET /fhir/Observation?patient=her&_summary=count",
        "GET /fhir/SearchParameter/o3/$indexing",
        "GET /fhir/SearchParameter/$indexing",
        "GET /fhir/Observation?patient=her&_total=accurate&_count=1",
        "GET /fhir/Observation?patient=her&_sort=value-quantity&_count=1&_total=accurate",
        "GET /fhir/Observation?patient=her&_sort=-date,_id&_count=1",
        "GET /fhir/Observation?patient=her&_sort=-_lastUpdated&_count=1",
        "GET /fhir/Observation?patient=her&_sort=_id&_count=1&_elements=id",
        "GET /fhir/Observation?patient=her&code:not=718-7&_total=accurate",
        "GET /fhir/Observation?patient=her&code:text=hemo&_total=accurate",
        "GET /fhir/Observation?patient=her&status:in=http://hl7.org/fhir/ValueSet/observation-status&_total=accurate",
        "GET /fhir/Observation?patient=her&value-quantity=gt8&_total=accurate",
        "GET /fhir/Observation?patient=her&date=2026-01-01&_total=accurate",
        "GET /fhir/Observation?patient=her&_lastUpdated=ge2026&_total=accurate",
        "GET /fhir/Observation?patient=her&_id=o3,v1&_total=accurate",
        "GET /fhir/Observation?patient=her&_list=l1&_total=accurate",
        "GET /fhir/Observation?patient=her&performer:below=Organization/lab&_total=accurate",
        "GET /fhir/Observation?patient=her&_text=rara&_total=accurate",
        "GET /fhir/Observation?patient=her&_content=palabra&_total=accurate",
        "GET /fhir/Observation?patient=her&_filter=code%20eq%204548-4%20or%20value-quantity%20gt%208&_total=accurate",
        // Chains and what points back.
        "GET /fhir/Observation?patient=her&derived-from:Observation.code=4548-4&_total=accurate",
        "GET /fhir/Observation?patient=her&has-member.derived-from:Observation.status=final&_total=accurate",
        "GET /fhir/Condition?patient=her&evidence-detail:Observation.code=4548-4&_total=accurate",
        "GET /fhir/Patient?_id=her&_has:Observation:patient:code=4548-4&_total=accurate",
        "GET /fhir/Patient?_id=her&_has:DiagnosticReport:patient:result.code=4548-4",
        "GET /fhir/Observation?patient=her&_has:DiagnosticReport:result:status=final&_total=accurate",
        "GET /fhir/Encounter?patient=her&_has:Observation:encounter:_has:DiagnosticReport:result:status=final&_total=accurate",
        // Includes: forth, back, again, all.
        "GET /fhir/Condition?patient=her&_total=accurate&_revinclude=Observation:focus",
        "GET /fhir/Condition?patient=her&_include=Condition:evidence-detail",
        "GET /fhir/Patient?_id=her&_revinclude=Observation:subject",
        "GET /fhir/Observation?patient=her&_include=Observation:derived-from&_include:iterate=Observation:performer",
        "GET /fhir/Observation?_id=v2&patient=her&_include=Observation:has-member&_include:iterate=Observation:derived-from&_revinclude:iterate=Observation:has-member",
        "GET /fhir/Observation?patient=her&_include=*&_revinclude=*",
        "GET /fhir/Encounter?patient=her&_revinclude:iterate=*",
        // Compartments, the whole server, a record, the newest.
        "GET /fhir/Patient/her/*?_total=accurate",
        "GET /fhir/Patient/her/Observation?code=4548-4&_total=accurate",
        "GET /fhir/Encounter/e1/Observation?patient=her",
        "GET /fhir?_type=Observation,Condition&patient=her&_total=accurate&_count=1",
        "GET /fhir?_type=Observation,DiagnosticReport&patient=her&_sort=-_lastUpdated&_count=2",
        "GET /fhir/Patient/her/$everything",
        "GET /fhir/Patient/her/$person",
        "GET /fhir/Consent?patient=her&_total=accurate&_count=1",
        "GET /fhir/Patient/her/Consent?_total=accurate",
        "GET /fhir/Patient/her/$everything?_count=2",
        "GET /fhir/Patient/her/$everything?_since=2026-01-01T00:00:00Z&_type=Observation,DiagnosticReport",
        "GET /fhir/Observation/$lastn?patient=her&max=2",
        // One by one.
        "GET /fhir/Observation/o3",
        "GET /fhir/Observation/o4",
        "GET /fhir/DiagnosticReport/d1",
        "GET /fhir/Organization/lab9",
        "GET /fhir/Consent/q1",
        "GET /fhir/Consent/q1/_history",
        "GET /fhir/Observation/o3/_history",
        "GET /fhir/Observation/o3/_history/1",
        "GET /fhir/Observation/o3/_history/2",
        "GET /fhir/Observation/o4/_history",
        "GET /fhir/Observation/o3/_history?_at=2026",
        "GET /fhir/Patient/her/_history?_at=2026-11-22",
        "GET /fhir/Observation/_history",
        "GET /fhir/_history",
        "GET /fhir/Observation/o3/$meta",
        "GET /fhir/Observation/$meta",
        "GET /fhir/$meta",
        "GET /fhir/Observation/o3/$validate",
    ]
    .into_iter()
    .map(get)
    .chain(posted())
    .collect()
}

fn posted() -> Vec<Line> {
    let body = |line, body: &str| -> Line { (line, &[], body.to_owned()) };
    vec![
        body(
            "POST /fhir/Observation/_search",
            "patient=her&code=4548-4&_total=accurate",
        ),
        body(
            "POST /fhir/_search",
            "_type=Observation,DiagnosticReport&patient=her&_total=accurate",
        ),
        body(
            "POST /fhir/Observation/$lastn",
            r#"{"resourceType":"Parameters","parameter":[{"name":"patient","valueString":"her"},{"name":"code","valueString":"4548-4"}]}"#,
        ),
        body(
            "POST /fhir/Observation/$validate",
            &observation("o3", "her", "4548-4"),
        ),
        body(
            "POST /fhir/Observation/o3/$validate",
            &observation("o3", "her", "4548-4"),
        ),
        body("POST /fhir/Patient/$match", crate::matrix::MATCH),
        body("POST /fhir/Patient/$ihe-pix", crate::matrix::PIX),
        body(
            "GET /fhir/Patient/$ihe-pix?sourceIdentifier=https://tejido.mx/id/curp%7CHEGG560427MVZRRL04",
            "",
        ),
        (
            "GET /fhir/Observation/o3",
            &[("if-none-match", "W/\"2\"")],
            String::new(),
        ),
        (
            "GET /fhir/Observation/o3",
            &[("if-modified-since", "Sun, 22 Nov 2026 13:00:00 GMT")],
            String::new(),
        ),
        body("HEAD /fhir/Observation?patient=her&code=4548-4", ""),
    ]
}

/// Routes of which the harness asks nothing, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("GET", "/health/live", "it looks at nothing"),
    ("GET", "/health/ready", "it looks at one row of the log"),
    (
        "GET",
        "/log/{*}",
        "the log is public and grows with every act, also with those on what is withheld; its leaves are salted",
    ),
    (
        "GET",
        "/fhir/metadata",
        "it is made when the node starts, from tables",
    ),
];

#[test]
fn every_route_is_in_the_harness_or_says_why_not() {
    let asked: Vec<(&str, &str)> = questions()
        .iter()
        .chain(&changes())
        .filter_map(|(line, ..)| {
            let (method, address) = line.split_once(' ')?;
            let path = address.split('?').next()?;
            Some((method, api::routes::pattern(method, path)?))
        })
        .collect();
    for route in api::routes::ROUTES {
        let there = asked.contains(&(route.method, route.path));
        let reason = LEFT_OUT
            .iter()
            .any(|(method, path, _)| (*method, *path) == (route.method, route.path));
        assert!(
            there != reason,
            "{} {}: ask it in both worlds, or say in LEFT_OUT why not",
            route.method,
            route.path
        );
    }
}

/// Why results are withheld from the physician who asks.
#[derive(Clone, Copy, PartialEq)]
enum Withheld {
    /// She closed them.
    Sealed,
    /// She closed a part of the record, and they are in it.
    InPart,
    /// The physician declared an emergency, which opens what could save a life alone.
    Emergency,
    /// She closed them to a physician; a nurse looks in that one's name.
    InHerName,
    /// She sealed them quietly, in the world where they are; somebody who acts for her looks.
    Quietly,
}

#[tokio::test]
async fn two_worlds_that_differ_in_what_is_withheld_answer_byte_for_byte_alike() {
    two_worlds(Withheld::Sealed, 60).await;
}

/// The same where no label says what is withheld, but a question that each resource answers.
#[tokio::test]
async fn two_worlds_that_differ_in_a_part_that_is_withheld_answer_byte_for_byte_alike() {
    two_worlds(Withheld::InPart, 60).await;
}

#[tokio::test]
async fn what_is_closed_to_the_one_who_named_her_shows_a_delegate_nowhere() {
    two_worlds(Withheld::InHerName, 60).await;
}

#[tokio::test]
async fn in_an_emergency_what_is_not_opened_yet_shows_nowhere() {
    two_worlds(Withheld::Emergency, 40).await;
}

/// Neither the data nor the rule is there for whoever acts for her.
#[tokio::test]
async fn who_acts_for_her_cannot_tell_a_quiet_seal_from_none() {
    two_worlds(Withheld::Quietly, 60).await;
}

/// Closes quietly what is withheld, among much of its kind that is open.
fn seal_quietly(house: &House) {
    let named = ["Observation/o3", "Observation/o4", "DiagnosticReport/d1"];
    let rule = Rule {
        id: "q1".into(),
        quiet: true,
        hint: true,
        who: Who::Kind(MemberKind::Pharmacy),
        part: Part {
            resources: named.map(str::to_owned).to_vec(),
            ..Part::default()
        },
        ..Rule::default()
    };
    let token = house.token(Role::Patient);
    let she = house.gate.authenticate(Some(&token), noon()).unwrap();
    house.gate.say(&she, vec![rule], noon()).unwrap();
}

async fn two_worlds(why: Withheld, answered: usize) {
    let mut worlds = Vec::new();
    for more in [false, true] {
        let house = House::new();
        if why != Withheld::Emergency {
            house.check_in(SHE);
        }
        for text in open_to_all() {
            house.load(&[&text]);
        }
        if more {
            for text in withheld() {
                house.load(&[&text]);
            }
            let system = house.token(Role::System);
            house
                .call("DELETE /fhir/Observation/o4", &system, "")
                .await
                .is(204);
        }
        let (token, physician) = match why {
            Withheld::Quietly => (house.represented(), String::new()),
            Withheld::InHerName => house.delegate(&Task::ALL),
            _ => (house.token(Role::Physician), String::new()),
        };
        let purpose = match why {
            Withheld::Sealed => {
                close_laboratory(&house, Who::Everyone, Part::default());
                None
            }
            Withheld::InHerName => {
                let who = Who::Actor(house.gate.member(), physician);
                close_laboratory(&house, who, Part::default());
                None
            }
            Withheld::InPart => {
                let types = vec!["Observation".into(), "DiagnosticReport".into()];
                let part = Part {
                    types,
                    ..Part::default()
                };
                close_laboratory(&house, Who::Everyone, part);
                None
            }
            Withheld::Emergency => {
                house.declare(&token, SHE);
                Some(("tejido-purpose", "BTG"))
            }
            Withheld::Quietly => {
                if more {
                    seal_quietly(&house);
                }
                Some(AS_FAMILY)
            }
        };
        let mut answers = Vec::new();
        for (line, headers, body) in questions() {
            let headers: Vec<_> = headers.iter().copied().chain(purpose).collect();
            let mut line = line.to_owned();
            // Every page of it.
            for _ in 0..8 {
                let said = house.call_with(&line, &token, &headers, &body).await;
                let next = next_of(&said);
                let (status, body, headers) = told(said);
                let body = String::from_utf8(body).unwrap();
                answers.push((
                    line_without_page(&line),
                    status,
                    without_pages(&body),
                    headers,
                ));
                match next {
                    Some(next) => line = format!("GET {next}"),
                    None => break,
                }
            }
        }
        for (line, headers, body) in changes() {
            let headers: Vec<_> = headers.iter().copied().chain(purpose).collect();
            let said = told(house.call_with(line, &token, &headers, &body).await);
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
    for (one, other) in worlds[0].iter().zip(&worlds[1]) {
        assert_eq!(one, other);
    }
    assert_eq!(worlds[0].len(), worlds[1].len());
    // A question that no door understands compares nothing.
    let bad: Vec<_> = worlds[0]
        .iter()
        .filter(|(line, status, ..)| match status {
            200 | 201 | 204 | 304 | 403 | 412 => false,
            // No match: as far as she may know, there is none.
            404 => !line.starts_with("PATCH"),
            _ => true,
        })
        .map(|(line, _, body, _)| (line, body))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let good = worlds[0].iter().filter(|(_, status, ..)| *status == 200);
    let refused = worlds[0].iter().filter(|(_, status, ..)| *status == 403);
    let refused: Vec<_> = refused.map(|(line, ..)| line).collect();
    assert!(
        good.count() > answered,
        "most questions are answered: {refused:#?}"
    );
}

/// The address of the next page, without the server's name.
pub(crate) fn next_of(said: &Said) -> Option<String> {
    if said.status != 200 || said.body.is_empty() {
        return None;
    }
    let bundle = said.json();
    let links = bundle.list("link");
    let next = links
        .iter()
        .find(|link| link.text("relation") == Some("next"))?;
    let url = next.text("url")?;
    Some(url.strip_prefix(crate::house::BASE)?.to_owned())
}

/// A page link is sealed anew each time; only its length may tell anything.
pub(crate) fn without_pages(text: &str) -> String {
    let mut parts = text.split("_page=");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let sealed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let length = part.find(|c| !sealed(c)).unwrap_or(part.len());
        out.push_str(&format!("_page=<{length}>{}", &part[length..]));
    }
    out
}

fn line_without_page(line: &str) -> String {
    without_pages(line)
}

/// Writes whose conditions the withheld observation meets, and writes that name it. In the world with it and in the
/// one without it they are done or refused alike.
pub(crate) fn changes() -> Vec<Line> {
    let result = observation("x", "her", "4548-4").replace(r#""id":"x","#, "");
    let patch = r#"[{"op":"test","path":"/status","value":"final"}]"#;
    let tag = r#"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"a"}]}}]}"#;
    let in_bundle = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"request":{{"method":"DELETE","url":"Observation?patient=her&code=4548-4"}}}},{{"request":{{"method":"GET","url":"Observation/o3"}}}},{{"request":{{"method":"GET","url":"Observation?patient=her&_total=accurate"}}}},{{"resource":{result},"request":{{"method":"POST","url":"Observation","ifNoneExist":"patient=her&code=4548-4&value-quantity=gt100"}}}}]}}"#
    );
    let in_transaction = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{result},"request":{{"method":"POST","url":"Observation","ifNoneExist":"patient=her&code=4548-4&value-quantity=gt8"}}}}]}}"#
    );
    // Under an id that is withheld in one world and free in the other.
    let chosen = observation("o3", "her", "4548-4");
    let chosen_in_transaction = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{result},"request":{{"method":"POST","url":"Observation"}}}},{{"resource":{chosen},"request":{{"method":"PUT","url":"Observation/o3"}}}}]}}"#
    );
    // Says something of what is withheld.
    let about = crate::consents::consent(
        r#"{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/o3"}}]}"#,
    );
    let body = |line, body: &str| -> Line { (line, &[], body.to_owned()) };
    vec![
        body("PUT /fhir/Observation/o3", &chosen),
        (
            "PUT /fhir/Observation/o3",
            &[("if-none-match", "*")],
            chosen.clone(),
        ),
        body(
            "PUT /fhir/Observation?patient=her&code=4548-4&value-quantity=gt8",
            &chosen,
        ),
        body("POST /fhir", &chosen_in_transaction),
        body("PATCH /fhir/Observation/o3", patch),
        body(
            "PATCH /fhir/Observation?patient=her&code=4548-4&value-quantity=gt8",
            patch,
        ),
        body("POST /fhir/Consent", &about),
        body(
            "PUT /fhir/Consent/q1",
            &about.replace(r#""status""#, r#""id":"q1","status""#),
        ),
        body("DELETE /fhir/Consent/q1", ""),
        body("POST /fhir/Observation/o3/$meta-add", tag),
        body("POST /fhir/Observation/o3/$meta-delete", tag),
        body("POST /fhir/SearchParameter/o3/$activate", ""),
        body("POST /fhir/SearchParameter/o3/$deactivate", ""),
        body("POST /fhir/Patient/$merge", crate::matrix::MERGE),
        body("POST /fhir/Patient/$split", crate::matrix::SPLIT),
        body("DELETE /fhir/Observation/o3", ""),
        body(
            "DELETE /fhir/Observation?patient=her&code=4548-4&value-quantity=gt8",
            "",
        ),
        body("POST /fhir", &in_bundle),
        body("POST /fhir", &in_transaction),
        (
            "POST /fhir/Observation",
            &[(
                "if-none-exist",
                "patient=her&code=4548-4&value-quantity=gt8",
            )],
            result.clone(),
        ),
        body(
            "PUT /fhir/Observation?patient=her&code=4548-4&value-quantity=gt8",
            &result,
        ),
    ]
}

/// Ids given out for new resources are random.
pub(crate) fn without_ids(text: &str) -> String {
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

pub(crate) fn without(headers: Vec<String>) -> Vec<String> {
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
