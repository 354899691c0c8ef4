//! Changes, their acts, and reading by id; on every engine.
#![allow(clippy::unwrap_used)]

mod common;
use common::{places::everywhere, *};
use store::*;

const ANA: &str = r#"{"resourceType":"Patient","id":"ana","identifier":[{"system":"curp","value":"A1"}],"active":true}"#;
const GLUCOSE: &str = r#"{"resourceType":"Observation","id":"g1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2339-0"}]},"subject":{"reference":"Patient/ana"},"effectiveDateTime":"2024-05-01"}"#;

fn text(version: &Version) -> &str {
    std::str::from_utf8(&version.body).unwrap()
}

#[test]
fn a_write_is_read_back_with_version_and_time_and_its_act_is_kept() {
    everywhere(|house| {
        let done = house.put(&[ANA, GLUCOSE]);
        assert_eq!(done.written.len(), 2);
        assert!(done.written.iter().all(|w| w.created && w.changed));
        assert_eq!((done.receipt.leaf, done.sequence), (0, 1));
        let read = house.read(&house.all(), "Observation/g1").unwrap();
        assert!(text(&read).contains(r#""id":"g1","meta":{"versionId":"1","lastUpdated":"2023-11-14T22:13:20.000Z"},"status""#));
        assert_eq!(read.person, house.key("ana"));
        let kept = house.store.act(&house.seal, &[1; 16]).unwrap().unwrap();
        assert_eq!(kept, (0, b"act 1".to_vec()));
        let listed = house.store.acts(&house.seal, b"all", None, 10).unwrap();
        assert_eq!(
            listed.iter().map(|(leaf, _)| *leaf).collect::<Vec<_>>(),
            [1, 0]
        );
        assert_eq!(
            house.store.acts(&house.seal, b"all", Some(1), 10).unwrap(),
            [(0, b"act 1".to_vec())]
        );
        assert_eq!(house.store.witnessed(b"leaf0").unwrap(), Some(vec![1; 32]));
        let people = house.store.people(&house.seal, b"A1").unwrap();
        assert_eq!(people, [house.key("ana")]);
        let named = house.store.named(&house.seal, people[0]).unwrap().unwrap();
        assert_eq!(named, ("ana".to_owned(), vec![b"A1".to_vec()]));
    });
}

#[test]
fn an_answer_opens_only_with_the_receipt_of_its_own_permit() {
    everywhere(|house| {
        house.put(&[ANA]);
        let permit = house.all();
        let held = house.store.read(&permit, of("Patient"), "ana").unwrap();
        assert_eq!(held.seen().len(), 1);
        let other = house.seal.permit(Terms {
            id: [9; 16],
            scope: Scope::Shared,
            verbs: Verbs::ALL,
            types: None,
            residual: None,
        });
        let receipt = house.store.conclude(&other, act(3), at(0)).unwrap();
        assert!(held.open(&receipt).is_none());
        let stranger = in_memory();
        assert!(matches!(
            stranger.store.read(&permit, of("Patient"), "ana"),
            Err(Error::NotPermitted(_))
        ));
    });
}

#[test]
fn the_same_content_again_changes_nothing() {
    everywhere(|house| {
        house.put(&[ANA, GLUCOSE]);
        let again = house.put(&[ANA, GLUCOSE]);
        assert!(
            again
                .written
                .iter()
                .all(|w| !w.changed && w.version.version == 1)
        );
        let more = ANA.replace("true", "false");
        assert_eq!(house.put(&[&more]).written[0].version.version, 2);
    });
}

#[test]
fn a_version_that_is_not_current_is_refused_and_nothing_of_the_call_stays() {
    everywhere(|house| {
        house.put(&[ANA]);
        let stale = Change::Update {
            of: of("Patient"),
            id: "ana".into(),
            resource: read(&ANA.replace("true", "false")),
            if_match: Some(Current::Version(7)),
        };
        let error = house.change(vec![put(GLUCOSE), stale]).unwrap_err();
        assert!(matches!(error, Error::VersionConflict { current: 1, .. }));
        assert!(house.read(&house.all(), "Observation/g1").is_none());
        let taken = Change::Create {
            of: of("Patient"),
            id: "ana".into(),
            resource: read(ANA),
            if_none_exist: None,
        };
        assert!(matches!(
            house.change(vec![taken]),
            Err(Error::VersionConflict { .. })
        ));
    });
}

#[test]
fn a_deletion_is_a_version_and_the_resource_can_come_back() {
    everywhere(|house| {
        house.put(&[ANA, GLUCOSE]);
        assert!(house.delete("Observation/g1").written[0].changed);
        assert!(!house.delete("Observation/g1").written[0].changed);
        assert!(!house.delete("Observation/none").written[0].changed);
        let gone = house.read(&house.all(), "Observation/g1").unwrap();
        assert!(gone.deleted && gone.body.is_empty() && gone.version == 2);
        assert!(house.put(&[GLUCOSE]).written[0].created);
        assert_eq!(
            house.read(&house.all(), "Observation/g1").unwrap().version,
            3
        );
        let permit = house.all();
        for (version, deleted) in [(1, false), (2, true), (3, false)] {
            let held = house
                .store
                .vread(&permit, of("Observation"), "g1", version)
                .unwrap();
            assert_eq!(house.open(&permit, held).unwrap().deleted, deleted);
        }
        let held = house
            .store
            .vread(&permit, of("Observation"), "g1", 4)
            .unwrap();
        assert!(house.open(&permit, held).is_none());
    });
}

#[test]
fn what_is_hidden_or_of_another_person_is_not_there() {
    everywhere(|house| {
        let bea = ANA.replace("ana", "bea").replace("A1", "B1");
        let sealed = GLUCOSE.replace("g1", "g2").replace(
            r#""status""#,
            r#""meta":{"tag":[{"system":"label","code":"3"}]},"status""#,
        );
        house.put(&[ANA, GLUCOSE, &sealed, &bea]);
        let permit = house.person("ana", 8);
        assert!(house.read(&permit, "Observation/g1").is_some());
        assert!(house.read(&permit, "Observation/g2").is_none());
        assert!(house.read(&permit, "Patient/bea").is_none());
        assert!(
            house
                .read(&house.person("ana", 4), "Observation/g2")
                .is_some()
        );
        assert!(
            house
                .read(&house.person("bea", 0), "Observation/g1")
                .is_none()
        );
        let refused = house.store.write(
            &house.person("bea", 0),
            vec![put(&GLUCOSE.replace("final", "amended"))],
            at(0),
            Box::new(|_| act(1)),
        );
        assert!(matches!(refused, Err(Error::NotPermitted(_))));
    });
}

#[test]
fn a_write_lets_go_of_what_it_computes_with_before_it_waits_and_not_when_it_need_not_wait() {
    everywhere(|house| {
        let lets_go = |text: &str, id| {
            let (tell, told) = std::sync::mpsc::channel();
            let write = || {
                let act = Box::new(move |_: &[Written]| act(id));
                house.store.write(&house.all(), vec![put(text)], at(0), act)
            };
            let written = store::letting_go(move || tell.send(()).unwrap(), write).is_ok();
            (written, told.try_iter().count())
        };
        assert_eq!(lets_go(GLUCOSE, 1), (true, 1));
        assert_eq!(lets_go(&GLUCOSE.replace("g1", "no id!"), 2), (false, 0));
    });
}

#[test]
fn what_arrives_before_its_patient_is_hers_when_she_comes() {
    everywhere(|house| {
        house.put(&[GLUCOSE]);
        assert_eq!(
            house
                .store
                .person_of(&house.seal, of("Patient"), "ana")
                .unwrap(),
            None
        );
        house.put(&[ANA]);
        let glucose = house
            .read(&house.person("ana", 0), "Observation/g1")
            .unwrap();
        assert_eq!(glucose.person, house.key("ana"));
    });
}

#[test]
fn a_shared_resource_is_open_to_whom_it_concerns() {
    everywhere(|house| {
        let lab = r#"{"resourceType":"Organization","id":"lab","name":"Laboratorio"}"#;
        let other = r#"{"resourceType":"Organization","id":"other","name":"Otro"}"#;
        let mine = GLUCOSE.replace(
            r#""subject""#,
            r#""performer":[{"reference":"Organization/lab"}],"subject""#,
        );
        house.put(&[ANA, &mine, lab, other]);
        let permit = house.person("ana", 0);
        assert!(house.read(&permit, "Organization/lab").is_some());
        assert!(house.read(&permit, "Organization/other").is_none());
        let shared = house.permit(Scope::Shared);
        assert!(house.read(&shared, "Organization/other").is_some());
        assert!(house.read(&shared, "Observation/g1").is_none());
    });
}

#[test]
fn the_house_keeps_rows_on_conditions() {
    everywhere(|house| {
        let keep = |rows: &[(&str, Option<&str>)], expect: &[(&str, Option<&str>)]| {
            let own = |rows: &[(&str, Option<&str>)]| {
                rows.iter()
                    .map(|(k, v)| (k.as_bytes().to_vec(), v.map(|v| v.as_bytes().to_vec())))
                    .collect()
            };
            house
                .store
                .keep(&house.seal, own(rows), own(expect), None, at(0))
        };
        keep(
            &[("a/1", Some("x")), ("a/2", Some("y")), ("b", Some("z"))],
            &[("a/1", None)],
        )
        .unwrap();
        let error = keep(&[("a/1", Some("w"))], &[("a/1", None)]).unwrap_err();
        assert!(matches!(error, Error::VersionConflict { .. }));
        keep(&[("a/1", None)], &[("a/1", Some("x"))]).unwrap();
        assert_eq!(house.store.get(&house.seal, b"a/1").unwrap(), None);
        assert_eq!(
            house.store.get(&house.seal, b"b").unwrap(),
            Some(b"z".to_vec())
        );
        let rows = house.store.scan(&house.seal, b"a/", None, 9).unwrap();
        assert_eq!(rows, [(b"a/2".to_vec(), b"y".to_vec())]);
        assert!(
            house
                .store
                .scan(&house.seal, b"a/", Some(b"a/2"), 9)
                .unwrap()
                .is_empty()
        );
    });
}

#[test]
fn the_store_opens_again_with_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let house = open(dir.path());
    house.put(&[ANA, GLUCOSE]);
    assert!(matches!(try_open(dir.path()), Err(Error::Disk(_))));
    drop(house);
    let house = open(dir.path());
    assert!(house.read(&house.all(), "Observation/g1").is_some());
    assert_eq!(house.put(&[&ANA.replace("true", "false")]).sequence, 3);
}

/// Looks a condition up under a permit, and opens what was found.
fn look(house: &House, permit: &Permit, text: &str) -> Matched {
    let (name, value) = text.split_once('=').unwrap();
    let pairs = [(name.to_owned(), value.to_owned())];
    let query = fhir::query::parse(
        &fhir::search::Catalog::r4(),
        of("Patient"),
        &pairs,
        fhir::query::Handling::Strict,
    )
    .unwrap();
    let held = house.store.matched(permit, &query, 2).unwrap();
    house.open(permit, held)
}

#[test]
fn a_write_on_what_was_looked_up_fails_when_something_else_matches_by_then() {
    everywhere(|house| {
        house.put(&[ANA]);
        let all = house.all();
        let write = |matched: Matched| {
            let text = ANA.replace("\"ana\"", "\"eva\"");
            let act = Box::new(|_: &[Written]| act(1));
            house
                .store
                .write_if(&all, vec![put(&text)], vec![matched], at(0), act)
        };
        let before = look(house, &all, "_id=eva");
        assert!(before.ids().is_empty());
        assert!(write(before.clone()).unwrap().written[0].created);
        assert!(matches!(write(before), Err(Error::Outdated(_))));
        let now = look(house, &all, "_id=eva");
        assert_eq!(now.ids(), ["eva"]);
        write(now).unwrap();
    });
}

#[test]
fn what_a_permit_hides_matches_nothing_when_looked_up_nor_at_the_commit() {
    everywhere(|house| {
        house.put(&[ANA, &ANA.replace("\"ana\"", "\"eva\"")]);
        let her = house.person("ana", 0);
        let matched = look(house, &her, "_id=eva");
        assert!(matched.ids().is_empty());
        let act = Box::new(|_: &[Written]| act(1));
        let written =
            house
                .store
                .write_if(&house.all(), vec![put(GLUCOSE)], vec![matched], at(0), act);
        assert!(written.is_ok(), "the commit asked under a wider permit");
    });
}

#[test]
fn the_permit_is_asked_before_the_version() {
    everywhere(|house| {
        house.put(&[ANA, &ANA.replace("\"ana\"", "\"eva\""), GLUCOSE]);
        let hers = house.person("eva", 0);
        let wrong = Some(Current::Version(9));
        let attempt = |change: Change| {
            let act = Box::new(|_: &[Written]| act(1));
            house.store.write(&hers, vec![change], at(0), act)
        };
        let update = Change::Update {
            of: of("Observation"),
            id: "g1".into(),
            resource: read(GLUCOSE),
            if_match: wrong,
        };
        let delete = |id: &str, if_match| Change::Delete {
            of: of("Observation"),
            id: id.into(),
            if_match,
        };
        let refused = [
            update,
            delete("g1", wrong),
            delete("g1", None),
            // What is not there is refused like what is somebody else's.
            delete("none", wrong),
            delete("none", None),
        ];
        for change in refused {
            assert!(matches!(attempt(change), Err(Error::NotPermitted(_))));
        }
    });
}
