//! Who may do what at each route. A route that is not in the table fails the test.

use crate::house::{AS_FAMILY, House, OTHER, SHE, observation};
use api::routes::{Interaction, ROUTES};
use trust::{LicenceState, Role, Task};

/// The columns.
const WHO: [&str; 15] = [
    "no token",
    "forged token",
    "clerk",
    "physician without evidence",
    "physician with a check-in",
    "suspended physician with a check-in",
    "the patient herself",
    "another patient",
    "system",
    "physician in an emergency that she declared",
    "physician in an emergency that nobody declared",
    "privacy officer",
    "whoever acts for her",
    "nurse in the name of a physician, with a check-in",
    "the same, named for reading alone",
];

/// In a physician's name a nurse gets what that one does; named for reading alone she neither finds nor writes.
fn in_her_name(interaction: Interaction, reads_only: bool) -> u16 {
    use Interaction::*;
    let desk_or_writing = matches!(
        interaction,
        Bundle
            | Create
            | Patch
            | PatchWhere
            | MetaAdd
            | MetaDelete
            | Update
            | UpdateWhere
            | Delete
            | DeleteWhere
            | Match
            | Pix
            | PixPosted
    );
    match reads_only && desk_or_writing {
        true => 403,
        false => expected(interaction)[4],
    }
}

/// What each of the others gets, in the order of the columns, when she asks about her record.
fn expected(interaction: Interaction) -> [u16; 13] {
    use Interaction::*;
    match interaction {
        Live | Ready | LogFile | Metadata => [200; 13],
        Bundle => [
            401, 401, 403, 403, 200, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        HistorySystem | HistoryType => [
            401, 401, 403, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        Search | SearchPosted | SearchSystem | SearchSystemPosted | SearchCompartment
        | Everything | Lastn | LastnPosted | Person => [
            401, 401, 403, 403, 200, 403, 200, 403, 200, 200, 403, 403, 200,
        ],
        // What is asked for by its id is not of the emergency set.
        HistoryInstance | Read | Vread => [
            401, 401, 403, 403, 200, 403, 200, 403, 200, 403, 403, 403, 200,
        ],
        Create => [
            401, 401, 403, 403, 201, 403, 403, 403, 201, 403, 403, 403, 403,
        ],
        MetaOfType | MetaOfSystem => [
            401, 401, 403, 403, 403, 403, 200, 200, 200, 403, 403, 403, 403,
        ],
        Meta | ValidateStored => [
            401, 401, 403, 403, 200, 403, 200, 403, 200, 403, 403, 403, 200,
        ],
        Validate | ValidateInstance => [
            401, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200,
        ],
        Patch | MetaAdd | MetaDelete => [
            401, 401, 403, 403, 200, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        // As far as an emergency opens the record there is no such one.
        PatchWhere => [
            401, 401, 403, 403, 200, 403, 403, 403, 200, 404, 403, 403, 403,
        ],
        Update | UpdateWhere => [
            401, 401, 403, 403, 200, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        Match | Pix | PixPosted => [
            401, 401, 200, 200, 200, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        // The desk's clerk does this for another purpose than her usual one.
        Merge | Split => [
            401, 401, 403, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        Activate | Deactivate | Indexing | IndexingOfAll => [
            401, 401, 403, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403,
        ],
        Delete => [
            401, 401, 403, 403, 204, 403, 403, 403, 204, 403, 403, 403, 403,
        ],
        // Nothing that an emergency opens meets the condition: nothing is deleted.
        DeleteWhere => [
            401, 401, 403, 403, 204, 403, 403, 403, 204, 204, 403, 403, 403,
        ],
    }
}

/// A request for each route: its address filled in, and its body.
pub(crate) fn sample(interaction: Interaction) -> (&'static str, String) {
    use Interaction::*;
    let new = observation("o1", "her", "2345-7");
    match interaction {
        Live => ("/health/live", String::new()),
        Ready => ("/health/ready", String::new()),
        LogFile => ("/log/checkpoint", String::new()),
        Metadata => ("/fhir/metadata", String::new()),
        Bundle => (
            "/fhir",
            format!(
                r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{new},"request":{{"method":"POST","url":"Observation"}}}}]}}"#
            ),
        ),
        HistorySystem => ("/fhir/_history", String::new()),
        SearchPosted => ("/fhir/Observation/_search", "patient=her".into()),
        HistoryType => ("/fhir/Observation/_history", String::new()),
        Search => ("/fhir/Observation?patient=her", String::new()),
        SearchSystem => (
            "/fhir?_type=Observation,Condition&patient=her",
            String::new(),
        ),
        SearchSystemPosted => (
            "/fhir/_search",
            "_type=Observation,Condition&patient=her".into(),
        ),
        SearchCompartment => ("/fhir/Patient/her/Observation", String::new()),
        Create => ("/fhir/Observation", new),
        Everything => ("/fhir/Patient/her/$everything", String::new()),
        Lastn => ("/fhir/Observation/$lastn?patient=her", String::new()),
        LastnPosted => (
            "/fhir/Observation/$lastn",
            r#"{"resourceType":"Parameters","parameter":[{"name":"patient","valueString":"her"}]}"#
                .into(),
        ),
        Match => ("/fhir/Patient/$match", MATCH.into()),
        Pix => (
            "/fhir/Patient/$ihe-pix?sourceIdentifier=https://tejido.mx/id/curp%7CHEGG560427MVZRRL04",
            String::new(),
        ),
        PixPosted => ("/fhir/Patient/$ihe-pix", PIX.into()),
        Person => ("/fhir/Patient/her/$person", String::new()),
        Merge => ("/fhir/Patient/$merge", MERGE.into()),
        Split => ("/fhir/Patient/$split", SPLIT.into()),
        Activate => ("/fhir/SearchParameter/sp/$activate", String::new()),
        Deactivate => ("/fhir/SearchParameter/sp/$deactivate", String::new()),
        Indexing => ("/fhir/SearchParameter/sp/$indexing", String::new()),
        IndexingOfAll => ("/fhir/SearchParameter/$indexing", String::new()),
        HistoryInstance => ("/fhir/Observation/o1/_history", String::new()),
        Vread => ("/fhir/Observation/o1/_history/1", String::new()),
        Read => ("/fhir/Observation/o1", String::new()),
        Update => ("/fhir/Observation/o1", new),
        UpdateWhere => (
            "/fhir/Observation?patient=her&code=718-7",
            observation("o2", "her", "718-7"),
        ),
        Patch => ("/fhir/Observation/o1", PATCH.into()),
        PatchWhere => ("/fhir/Observation?patient=her&code=718-7", PATCH.into()),
        Meta => ("/fhir/Observation/o1/$meta", String::new()),
        MetaOfType => ("/fhir/Observation/$meta", String::new()),
        MetaOfSystem => ("/fhir/$meta", String::new()),
        MetaAdd => ("/fhir/Observation/o1/$meta-add", META.into()),
        MetaDelete => ("/fhir/Observation/o1/$meta-delete", META.into()),
        Validate => ("/fhir/Observation/$validate", new),
        ValidateInstance => ("/fhir/Observation/o1/$validate", new),
        ValidateStored => ("/fhir/Observation/o1/$validate", String::new()),
        Delete => ("/fhir/Observation/o1", String::new()),
        DeleteWhere => ("/fhir/Observation?patient=her&code=718-7", String::new()),
    }
}

const PATCH: &str = r#"[{"op":"replace","path":"/status","value":"amended"}]"#;
const META: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:t","code":"a"}]}}]}"#;

pub(crate) const MATCH: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","identifier":[{"system":"https://tejido.mx/id/curp","value":"HEGG560427MVZRRL04"}],"name":[{"family":"Pérez"}]}}]}"#;
pub(crate) const PIX: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"sourceIdentifier","valueString":"https://tejido.mx/id/curp|HEGG560427MVZRRL04"}]}"#;
pub(crate) const MERGE: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/other"}},{"name":"target-patient","valueReference":{"reference":"Patient/her"}},{"name":"preview","valueBoolean":true}]}"#;
pub(crate) const SPLIT: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/other"}},{"name":"target-patient","valueReference":{"reference":"Patient/her"}}]}"#;

fn at_the_door(column: usize) -> (House, String) {
    let house = House::new();
    house.load(&[crate::parameters::AMOUNT]);
    let token = match column {
        0 => String::new(),
        1 => "Zm9yZ2Vk".into(),
        2 => house.token(Role::Clerk),
        3 | 4 | 9 | 10 => house.token(Role::Physician),
        11 => house.token(Role::Privacy),
        5 => house.token_with(Role::Physician, LicenceState::Suspended, SHE),
        6 => house.token(Role::Patient),
        7 => house.token_with(Role::Patient, LicenceState::Active, OTHER),
        12 => house.represented(),
        13 => house.delegate(&Task::ALL).0,
        14 => house.delegate(&[Task::Read]).0,
        _ => house.token(Role::System),
    };
    if matches!(column, 4 | 5 | 13 | 14) {
        house.check_in(SHE);
    }
    if column == 9 {
        house.declare(&token, SHE);
    }
    (house, token)
}

#[tokio::test]
async fn every_route_answers_every_role_as_the_table_says() {
    for (column, who) in WHO.iter().enumerate() {
        let (house, token) = at_the_door(column);
        let emergency = [("tejido-purpose", "BTG")];
        let headers = match column {
            9 | 10 => &emergency[..],
            12 => &[AS_FAMILY],
            _ => &[],
        };
        for route in ROUTES {
            let (path, body) = sample(route.interaction);
            let line = format!("{} {path}", route.method);
            let said = house.call_with(&line, &token, headers, &body).await;
            let wanted = match column {
                13 | 14 => in_her_name(route.interaction, column == 14),
                _ => expected(route.interaction)[column],
            };
            let text = String::from_utf8_lossy(&said.body);
            assert_eq!(said.status, wanted, "{line} as {who}: {text}");
            if said.status >= 400 {
                assert!(!said.issue().2.is_empty(), "{line} as {who}");
            }
            assert_eq!(
                said.status == 401,
                said.headers.contains_key("www-authenticate")
            );
        }
    }
}
