//! Imports told by what goes in and what comes out.

use super::{Options, Summary, run};
use crate::house;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trust::Gate;

struct Node {
    gate: Gate,
    folder: TempDir,
}

impl Node {
    fn new() -> Node {
        let folder = tempfile::tempdir().unwrap();
        let (config, _) = house::alone(&folder.path().join("node")).unwrap();
        let gate = house::open(&config).unwrap().gate;
        Node { gate, folder }
    }
    /// Writes a file to import.
    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
    fn import(&self, path: &Path) -> (Summary, Vec<serde_json::Value>) {
        let report = self.folder.path().join("report");
        let options = Options {
            paths: vec![path.to_owned()],
            report: Some(report.clone()),
            jobs: 3,
        };
        let summary = run(&self.gate, &options, &|_| {}).unwrap();
        let text = std::fs::read_to_string(report).unwrap();
        let lines: Vec<_> = text
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(summary.refusals as usize, lines.len());
        (summary, lines)
    }
    /// A resource as it is stored now.
    fn stored(&self, of: &str, id: &str) -> Option<fhir::Value> {
        let of = fhir::ResourceType::from_name(of).unwrap();
        let now = jiff::Timestamp::now();
        let request = trust::Request {
            actor: super::operator(&self.gate),
            purpose: trust::Purpose::Operations,
            person: trust::PersonRef::Everyone,
            verbs: store::Verbs::READING,
            types: None,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: trust::What::Interaction("read".into()),
        };
        let grant = self.gate.decide(request, now).unwrap();
        let held = self.gate.store().read(&grant.permit, of, id).unwrap();
        let (found, _) = self.gate.open_answer(&grant, held, now).unwrap();
        found.map(|v| fhir::json::parse(&v.body, &Default::default()).unwrap())
    }
}

/// created, updated, unchanged, repeated, refused
fn counts(summary: &Summary) -> [u64; 5] {
    let all = summary.total();
    [
        all.created,
        all.updated,
        all.unchanged,
        all.repeated,
        all.refused,
    ]
}

fn patient(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","gender":"female","birthDate":"1950-01-01"}}"#
    )
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(bytes).unwrap();
    to.finish().unwrap()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut to = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        to.append_data(&mut header, name, *bytes).unwrap();
    }
    to.into_inner().unwrap()
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

const BUNDLE: &str = r#"{
  "resourceType": "Bundle",
  "type": "transaction",
  "entry": [
    {"fullUrl": "urn:uuid:0b0b0b0b-0000-4000-8000-000000000001",
     "resource": {"resourceType": "Patient", "id": "0b0b0b0b-0000-4000-8000-000000000001"},
     "request": {"method": "POST", "url": "Patient"}},
    {"fullUrl": "urn:uuid:0b0b0b0b-0000-4000-8000-000000000002",
     "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "weight"},
       "subject": {"reference": "urn:uuid:0b0b0b0b-0000-4000-8000-000000000001"}},
     "request": {"method": "POST", "url": "Observation"}}
  ]
}"#;

#[test]
fn every_form_of_input_is_taken_and_the_second_time_changes_nothing() {
    let lines = format!("{}\n{}\r\n\n{}", patient("a"), patient("b"), patient("c"));
    let with_mark = [b"\xef\xbb\xbf".as_slice(), lines.as_bytes()].concat();
    let two = [
        ("x/Patient.ndjson", lines.as_bytes()),
        ("x/b.json", BUNDLE.as_bytes()),
        ("x/README", b"words"),
    ];
    let table: [(&str, Vec<u8>, u64); 12] = [
        ("lines.ndjson", lines.clone().into(), 3),
        ("lines with mark.ndjson", with_mark.clone(), 3),
        ("no ending", lines.clone().into(), 3),
        ("lines.ndjson.gz", gz(lines.as_bytes()), 3),
        ("lines.zst", zst(&with_mark), 3),
        ("bundle.json", BUNDLE.into(), 2),
        (
            "bundle in one line.ndjson",
            BUNDLE.replace('\n', "").into(),
            2,
        ),
        ("bundle misnamed.ndjson", BUNDLE.into(), 2),
        ("one.json", patient("a").into(), 1),
        ("a.tar", tar(&two), 5),
        ("a.tar.gz", gz(&tar(&two)), 5),
        ("a.tar.zst", zst(&tar(&two)), 5),
    ];
    for (name, bytes, expected) in table {
        let node = Node::new();
        let path = node.file(name, bytes);
        let (first, _) = node.import(&path);
        assert_eq!(counts(&first), [expected, 0, 0, 0, 0], "{name}");
        let (second, _) = node.import(&path);
        assert_eq!(counts(&second), [0, 0, expected, 0, 0], "{name}, again");
    }
}

#[test]
fn folders_are_walked_and_what_is_no_json_is_left_alone() {
    let node = Node::new();
    node.file("one/a.json", patient("a"));
    node.file("one/two/b.ndjson.gz", gz(patient("b").as_bytes()));
    node.file("one/README.md", "words");
    node.file("one/empty.ndjson", "");
    node.file("one/inner.tar", tar(&[("c.json", patient("c").as_bytes())]));
    let (summary, _) = node.import(&node.folder.path().join("in"));
    assert_eq!(counts(&summary), [3, 0, 0, 0, 0]);
    assert_eq!((summary.files, summary.passed_over), (3, 2));
}

#[test]
fn what_cannot_be_read_is_refused_with_file_and_reason() {
    let long = format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"{}\"}}",
        "x".repeat(17 << 20)
    );
    let deep = format!("{}{}", "{\"a\":".repeat(80), "}".repeat(80));
    let cut = gz(format!("{}\n", patient("a")).repeat(3).as_bytes());
    let cut = cut[..cut.len() - 12].to_vec();
    let table: [(&str, Vec<u8>, &str); 12] = [
        ("words.txt", b"words".into(), "does not begin as JSON"),
        ("empty.json", b" \n".into(), "it is empty"),
        ("list.json", b"[]".into(), "expected a resource"),
        (
            "half.json",
            b"{\"resourceType\": \"Patient\",".into(),
            "column",
        ),
        (
            "twice.json",
            b"{\"resourceType\":\"Patient\",\"id\":\"a\",\"id\":\"b\"}".into(),
            "stands twice",
        ),
        ("deep.json", deep.into(), "deep"),
        ("utf16.json", b"\xff\xfe{\0}\0".into(), "UTF-16"),
        (
            "a.zip",
            b"PK\x03\x04....".into(),
            "zip archives are not read",
        ),
        ("long.ndjson", long.into(), "longer than 16 MiB"),
        (
            "cut.json.gz",
            gz(BUNDLE.as_bytes())[..60].into(),
            "ends too early",
        ),
        ("cut.ndjson.gz", cut, "ends too early"),
        (
            "box.tar",
            tar(&[("inner.tar", &tar(&[("a.json", patient("a").as_bytes())]))]),
            "archive inside an archive",
        ),
    ];
    for (name, bytes, expected) in table {
        let node = Node::new();
        let path = node.file(name, bytes);
        let (summary, report) = node.import(&path);
        assert!(!summary.is_clean(), "{name}");
        let told = report.last().unwrap();
        assert!(told["file"].as_str().unwrap().contains(name), "{told}");
        assert!(
            told["reason"].as_str().unwrap().contains(expected),
            "{name}: {told}"
        );
    }
    let node = Node::new();
    let (_, report) = node.import(Path::new("/nowhere/at all"));
    assert_eq!(report[0]["reason"], "there is no such file");
}

#[test]
fn a_bad_line_is_refused_alone_with_its_number() {
    let node = Node::new();
    let text = [
        patient("a"),
        "{\"resourceType\":\"Patient\",".into(),
        r#"{"resourceType":"Patient","id":"c","gender":"none"}"#.into(),
        r#"{"resourceType":"Paciente","id":"d"}"#.into(),
        "\u{0}\u{fffd}".into(),
        patient("f"),
    ]
    .join("\n");
    let path = node.file("Patient.ndjson", text);
    let (summary, report) = node.import(&path);
    assert_eq!(counts(&summary), [2, 0, 0, 0, 4]);
    let lines: Vec<_> = report
        .iter()
        .map(|told| told["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 3, 4, 5]);
    assert_eq!(report[1]["resource"], "Patient/c");
    assert_eq!(report[1]["expression"], "Patient.gender");
    assert!(node.stored("Patient", "a").is_some() && node.stored("Patient", "c").is_none());
}

#[test]
fn a_file_links_nobody_by_a_person_of_several_patients() {
    let node = Node::new();
    let person = |id: &str, of: &[&str]| {
        let links: Vec<String> = of
            .iter()
            .map(|patient| format!(r#"{{"target":{{"reference":"Patient/{patient}"}}}}"#))
            .collect();
        let links = links.join(",");
        format!(r#"{{"resourceType":"Person","id":"{id}","link":[{links}]}}"#)
    };
    let patients = node.file("Patient.ndjson", [patient("a"), patient("b")].join("\n"));
    node.import(&patients);
    let text = [person("uno", &["a"]), person("dos", &["a", "b"])].join("\n");
    let (summary, report) = node.import(&node.file("Person.ndjson", text));
    assert_eq!(counts(&summary), [1, 0, 0, 0, 1]);
    assert_eq!(report[0]["resource"], "Person/dos");
    assert_eq!(report[0]["expression"], "Person.link");
    let reason = report[0]["reason"].as_str().unwrap();
    assert!(reason.contains("Patient/$merge"), "{reason}");
}

#[test]
fn a_bundle_is_stored_whole_or_not_at_all() {
    let node = Node::new();
    let path = node.file("b.json", BUNDLE.replace("\"final\"", "\"done\""));
    let (summary, report) = node.import(&path);
    assert_eq!(counts(&summary), [0, 0, 0, 0, 2]);
    assert_eq!(report[0]["entry"], 1);
    assert_eq!(report[0]["line"], 8);
    assert_eq!(report[0]["expression"], "Observation.status");
    assert!(
        report[1]["reason"]
            .as_str()
            .unwrap()
            .contains("whole or not at all")
    );
    assert!(
        node.stored("Patient", "0b0b0b0b-0000-4000-8000-000000000001")
            .is_none()
    );
}

#[test]
fn bundles_of_other_kinds_are_refused_and_those_of_answers_are_taken() {
    let node = Node::new();
    for kind in ["document", "message", "history", "batch-response"] {
        let path = node.file("b.json", BUNDLE.replace("transaction", kind));
        let (_, report) = node.import(&path);
        assert!(
            report[0]["reason"]
                .as_str()
                .unwrap()
                .contains("is not taken"),
            "{kind}"
        );
    }
    let found = BUNDLE
        .replace("transaction", "searchset")
        .replace("POST", "GET");
    let (summary, _) = node.import(&node.file("b.json", found));
    assert_eq!(summary.total().created, 2);
    let query = BUNDLE.replace("POST", "PATCH");
    let (_, report) = node.import(&node.file("p.json", query));
    assert!(
        report[0]["reason"]
            .as_str()
            .unwrap()
            .contains("PATCH is not taken")
    );
}

#[test]
fn references_inside_a_bundle_lead_to_what_was_stored() {
    let node = Node::new();
    let (summary, _) = node.import(&node.file("b.json", BUNDLE));
    assert_eq!(summary.total().created, 2);
    let again = node.file("sub/copy of b.json", BUNDLE);
    assert_eq!(
        counts(&node.import(&again).0),
        [0, 0, 2, 0, 0],
        "ids come from the bytes, not the name"
    );
}

#[test]
fn a_search_in_a_reference_finds_what_came_before_or_stays_as_an_identifier() {
    let node = Node::new();
    let encounter = |id: &str, npi: &str| {
        format!(
            r#"{{"resource":{{"resourceType":"Encounter","id":"{id}","status":"finished","class":{{"code":"AMB"}},
            "participant":[{{"individual":{{"reference":"Practitioner?identifier=urn:npi|{npi}"}}}}]}},
            "request":{{"method":"POST","url":"Encounter"}}}}"#
        )
    };
    let bundle = |entries: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#)
    };
    let practitioner = r#"{"resource":{"resourceType":"Practitioner","id":"dr","identifier":[{"system":"urn:npi","value":"1"}]},
        "request":{"method":"POST","url":"Practitioner","ifNoneExist":"identifier=urn:npi|1"}}"#;
    node.file(
        "a person.json",
        bundle(&[encounter("e1", "1"), encounter("e2", "2")].join(",")),
    );
    node.file("practitionerInformation.json", bundle(practitioner));
    let folder = node.folder.path().join("in");
    let (summary, report) = node.import(&folder);
    assert_eq!(counts(&summary), [3, 0, 0, 0, 0], "{report:?}");
    assert_eq!((summary.found, summary.logical), (1, 1));
    let one = node.stored("Encounter", "e1").unwrap();
    assert_eq!(
        one.text("participant.0.individual.reference"),
        Some("Practitioner/dr")
    );
    let other = node.stored("Encounter", "e2").unwrap();
    assert_eq!(other.text("participant.0.individual.reference"), None);
    assert_eq!(
        other.text("participant.0.individual.identifier.value"),
        Some("2")
    );
    assert_eq!(counts(&node.import(&folder).0), [0, 0, 3, 0, 0]);

    // In a later import the archive itself is asked.
    let later = node.file("later/c.json", bundle(&encounter("e3", "1")));
    assert_eq!(node.import(&later).0.found, 1);
    assert_eq!(
        node.stored("Encounter", "e3")
            .unwrap()
            .text("participant.0.individual.reference"),
        Some("Practitioner/dr")
    );
    // Somebody there already is not made again, and the references follow.
    let other_id = practitioner.replace("\"dr\"", "\"other\"").replace(
        r#"{"resource""#,
        r#"{"fullUrl":"urn:uuid:0b0b0b0b-0000-4000-8000-000000000009","resource""#,
    );
    let refers = encounter("e4", "1").replace(
        "Practitioner?identifier=urn:npi|1",
        "urn:uuid:0b0b0b0b-0000-4000-8000-000000000009",
    );
    let (summary, report) =
        node.import(&node.file("later/d.json", bundle(&format!("{other_id},{refers}"))));
    assert_eq!(counts(&summary), [1, 0, 1, 0, 0], "{report:?}");
    assert!(node.stored("Practitioner", "other").is_none());
    assert_eq!(
        node.stored("Encounter", "e4")
            .unwrap()
            .text("participant.0.individual.reference"),
        Some("Practitioner/dr")
    );
}

#[test]
fn of_two_copies_with_other_content_the_first_read_is_kept_each_time() {
    let node = Node::new();
    let organization =
        |name: &str| format!(r#"{{"resourceType":"Organization","id":"o","name":"{name}"}}"#);
    node.file("a.json", organization("short"));
    node.file("hospitalInformation1.json", organization("in full"));
    node.file("z.json", organization("short"));
    let folder = node.folder.path().join("in");
    assert_eq!(counts(&node.import(&folder).0), [1, 0, 0, 2, 0]);
    assert_eq!(
        node.stored("Organization", "o").unwrap().text("name"),
        Some("in full")
    );
    assert_eq!(counts(&node.import(&folder).0), [0, 0, 1, 2, 0]);
    // The same in an archive, where the order of files is whatever it is.
    let archive = tar(&[
        ("a.json", organization("short").as_bytes()),
        (
            "hospitalInformation1.json",
            organization("in full").as_bytes(),
        ),
    ]);
    assert_eq!(
        counts(&node.import(&node.file("../b.tar", archive)).0),
        [0, 0, 1, 1, 0]
    );
}

#[test]
fn a_changed_file_changes_what_it_changed() {
    let node = Node::new();
    let path = node.file("p.ndjson", format!("{}\n{}\n", patient("a"), patient("b")));
    node.import(&path);
    let changed = patient("b").replace("female", "male");
    let path = node.file("p.ndjson", format!("{}\n{changed}\n", patient("a")));
    assert_eq!(counts(&node.import(&path).0), [0, 1, 1, 0, 0]);
    assert_eq!(
        node.stored("Patient", "b").unwrap().text("meta.versionId"),
        Some("2")
    );
}

/// Samples of the generators' and the hospital's files, when they are there.
#[test]
fn real_exports_are_taken() {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let file = shared.join("data/patients/openmrs-r4-1000.ndjson.tar.zst");
    let Ok(file) = std::fs::File::open(file) else {
        println!("skipped: no shared data (set TEJIDO_SHARED)");
        return;
    };
    let node = Node::new();
    let plain = zstd::stream::read::Decoder::new(file).unwrap();
    let mut archive = tar::Archive::new(plain);
    for entry in archive.entries().unwrap().take(1) {
        use std::io::BufRead;
        let lines = std::io::BufReader::new(entry.unwrap()).lines().take(450);
        let text: Vec<String> = lines.map(|line| line.unwrap()).collect();
        node.file("sample.ndjson", text.join("\n"));
    }
    let (summary, report) = node.import(&node.folder.path().join("in"));
    assert_eq!(counts(&summary), [450, 0, 0, 0, 0], "{report:?}");
}
