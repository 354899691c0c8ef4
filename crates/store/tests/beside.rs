//! What names a patient and is in no compartment of R4 is hers: nobody else is shown it, it is part of her record, it goes
//! when she is erased.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
use common::{places::everywhere, *};
use store::*;

const TASK: &str = r#"{"resourceType":"Task","id":"t","status":"requested","intent":"order","for":{"reference":"Patient/ana"}}"#;
const PACEMAKER: &str =
    r#"{"resourceType":"Device","id":"pacemaker","patient":{"reference":"Patient/ana"}}"#;
const MACHINE: &str = r#"{"resourceType":"Device","id":"machine"}"#;
const ADVICE: &str = r#"{"resourceType":"GuidanceResponse","id":"g","moduleUri":"urn:x","status":"success","subject":{"reference":"Patient/ana"}}"#;
const CONTRACT: &str =
    r#"{"resourceType":"Contract","id":"c","subject":[{"reference":"Patient/ana"}]}"#;
const SEEN: &str = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/bea"},"device":{"reference":"Device/machine"}}"#;
const HERS: [&str; 4] = [
    "Task/t",
    "Device/pacemaker",
    "GuidanceResponse/g",
    "Contract/c",
];

fn fill(house: &House) {
    house.put(&[
        r#"{"resourceType":"Patient","id":"ana"}"#,
        r#"{"resourceType":"Patient","id":"bea"}"#,
        TASK,
        PACEMAKER,
        MACHINE,
        ADVICE,
        CONTRACT,
        SEEN,
    ]);
}

#[test]
fn it_is_shown_with_her_record_and_to_nobody_who_may_not_see_that() {
    everywhere(|house| {
        fill(house);
        let (ana, bea) = (house.person("ana", 0), house.person("bea", 0));
        let shared = house.permit(Scope::Shared);
        for name in HERS {
            assert!(house.read(&ana, name).is_some(), "{name}");
            assert!(house.read(&bea, name).is_none(), "{name}");
            assert!(house.read(&shared, name).is_none(), "{name}");
        }
        // An apparatus that is in nobody is for all, and shown to whom it measured.
        assert!(house.read(&shared, "Device/machine").is_some());
        assert!(house.read(&bea, "Device/machine").is_some());
        let all = house.store.everything(&ana, &Asked::default()).unwrap();
        let names: Vec<String> = house
            .open(&ana, all)
            .matches
            .iter()
            .map(|one| format!("{}/{}", one.of, one.id))
            .collect();
        for name in HERS {
            assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
        }
    });
}

#[test]
fn it_may_be_written_with_her_record() {
    everywhere(|house| {
        fill(house);
        let ana = house.person("ana", 0);
        let next = TASK.replace("requested", "completed");
        let written = house
            .store
            .write(&ana, vec![put(&next)], at(3), Box::new(|_| act(3)));
        assert_eq!(written.unwrap().written[0].version.version, 2);
        let bea = house.person("bea", 0);
        let refused = house
            .store
            .write(&bea, vec![put(TASK)], at(4), Box::new(|_| act(4)));
        assert!(
            matches!(refused, Err(Error::NotPermitted(_))),
            "{refused:?}"
        );
    });
}
