//! Search parameters loaded at run time, one story each: stops in the middle, other engines, backups, repairs, erasures,
//! and what the index of the background does while others write.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{
    Counting, House, TestRules, TestWitness, act, at, of,
    places::{Place, everywhere},
    put, read,
};
use fhir::query::{self, Handling, Query};
use std::path::Path;
use store::*;

const RANK: &str = r#"{"resourceType":"SearchParameter","id":"rank","url":"urn:rank","name":"rank","status":"active","description":"x","code":"rank","base":["Observation"],"type":"string","expression":"Observation.note.text"}"#;

fn note(id: u32, rank: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o{id}","status":"final","code":{{"text":"x"}},"subject":{{"reference":"Patient/p{}"}},"note":[{{"text":"{rank}"}}]}}"#,
        id % 3
    )
}

fn options(keys: Option<&Path>) -> Options {
    Options {
        keyring: keys.map(Path::to_owned),
        indexes: false,
        index_batch: 4,
        ..Options::default()
    }
}

fn open(dir: &Path) -> House {
    let (store, seal) = Store::open(
        dir,
        options(None),
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    House { store, seal }
}

fn fill(house: &House, ids: std::ops::Range<u32>) {
    let changes = ids.map(|id| put(&note(id, ["high", "low"][id as usize % 2])));
    house.change(changes.collect()).unwrap();
}

fn activate(house: &House, definition: &str) {
    let id = read(definition).text("id").unwrap().to_owned();
    house
        .change(vec![put(definition), Change::Activate { id }])
        .unwrap();
}

fn ask(house: &House, text: &str) -> Query {
    let (name, value) = text.split_once('=').unwrap();
    let pairs = [(name.to_owned(), value.to_owned())];
    let searchable = house.store.searchable();
    let mut query = query::parse(
        searchable.all(),
        of("Observation"),
        &pairs,
        Handling::Strict,
    )
    .unwrap();
    query.total = true;
    query
}

fn count(house: &House, text: &str) -> u64 {
    let permit = house.all();
    let held = house.store.search(&permit, &ask(house, text), None);
    house.open(&permit, held.unwrap()).total.unwrap()
}

fn at_work(house: &House) -> Indexing {
    let mut all = house.store.indexing_now(&house.seal).unwrap();
    all.remove(0)
}

fn findings(house: &House) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut report = |told| {
        if let Told::Found(finding) = told {
            found.push(finding);
        }
    };
    house
        .store
        .fsck(&house.seal, &Counting, &mut report)
        .unwrap();
    // Acts of tests have no names of their own.
    found.retain(|one: &Finding| !one.what.starts_with("the name of act"));
    found
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_kill_at_any_step_of_the_indexing_is_gone_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let house = open(dir.path());
    fill(&house, 0..18);
    activate(&house, RANK);
    fill(&house, 18..20);
    let mut images = Vec::new();
    loop {
        // The files as a kill at this instant leaves them.
        let image = tempfile::tempdir().unwrap();
        copy(dir.path(), image.path());
        images.push((image, at_work(&house)));
        if !house.store.index_more().unwrap() {
            break;
        }
    }
    assert!(images.len() >= 5, "{}", images.len());
    for (image, before) in images {
        let house = open(image.path());
        assert_eq!(at_work(&house), before);
        assert_eq!(findings(&house), []);
        if before.phase == Phase::Coming {
            let permit = house.all();
            let refused = house.store.search(&permit, &ask(&house, "rank=high"), None);
            assert!(matches!(refused, Err(Error::Indexing(_))));
        }
        while house.store.index_more().unwrap() {}
        assert_eq!(count(&house, "rank=high"), 10);
        assert_eq!(count(&house, "rank:missing=true"), 0);
        assert_eq!(findings(&house), []);
    }
}

#[test]
fn the_background_indexes_while_others_write_and_everything_is_found() {
    for place in Place::all() {
        let house = place.open();
        fill(&house, 0..150);
        activate(&house, RANK);
        std::thread::scope(|scope| {
            for part in 0..3 {
                let house = &house;
                scope.spawn(move || {
                    for id in (0..200).filter(|id| id % 3 == part) {
                        house.put(&[&note(id, "middle")]);
                        if id % 20 == 0 {
                            house.delete(&format!("Observation/o{id}"));
                        }
                    }
                });
            }
        });
        house.store.indexed();
        assert_eq!(at_work(&house).phase, Phase::Ready);
        assert_eq!(count(&house, "rank=middle"), 190);
        assert_eq!(count(&house, "rank=high"), 0);
        assert_eq!(findings(&house), []);
        act_off(&house, "rank");
        house.store.indexed();
        assert_eq!(house.store.indexing_now(&house.seal).unwrap(), []);
        assert_eq!(findings(&house), []);
    }
}

fn act_off(house: &House, id: &str) {
    let id = id.to_owned();
    house.change(vec![Change::Deactivate { id }]).unwrap();
}

#[test]
fn what_is_written_in_the_commit_of_an_activation_is_indexed_by_it() {
    everywhere(|house| {
        house
            .change(vec![
                put(&note(1, "high")),
                put(RANK),
                Change::Activate { id: "rank".into() },
                put(&note(2, "high")),
            ])
            .unwrap();
        house.store.indexed();
        assert_eq!(count(house, "rank=high"), 2);
        assert_eq!(findings(house), []);
    });
}

#[test]
fn a_refused_activation_refuses_all_of_its_changes_and_names_the_place() {
    let house = common::in_memory();
    let wrong = RANK.replace("Observation.note.text", "Observation.nota.text.first()");
    let refused = house.change(vec![
        put(&note(1, "high")),
        put(&wrong),
        Change::Activate { id: "rank".into() },
    ]);
    let Err(Error::Unloadable(issues)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(issues[0].expression, "SearchParameter.expression");
    assert!(issues[0].diagnostics.contains("nota"), "{issues:?}");
    assert!(house.read(&house.all(), "Observation/o1").is_none());
    assert_eq!(house.store.indexing_now(&house.seal).unwrap(), []);
    // Afterwards as if nothing had been.
    activate(&house, RANK);
    house.store.indexed();
    assert_eq!(at_work(&house).number, fhir::search::LOADED);
}

#[test]
fn a_condition_of_a_write_waits_for_its_parameter() {
    let house = {
        let (store, seal) =
            Store::in_memory(options(None), Box::new(TestRules), Box::new(TestWitness)).unwrap();
        House { store, seal }
    };
    fill(&house, 0..6);
    activate(&house, RANK);
    let create = || Change::Create {
        of: of("Observation"),
        id: "new".into(),
        resource: read(&note(1, "high")),
        if_none_exist: Some(ask(&house, "rank=high")),
    };
    let refused = house.change(vec![create()]);
    assert!(matches!(refused, Err(Error::Indexing(_))), "{refused:?}");
    while house.store.index_more().unwrap() {}
    let refused = house.change(vec![create()]);
    assert!(matches!(refused, Err(Error::Ambiguous(_))), "{refused:?}");
    let query = ask(&house, "rank=high");
    act_off(&house, "rank");
    // Understood before it was taken out, and asked after.
    let late = house.store.search(&house.all(), &query, None);
    assert!(matches!(late, Err(Error::Outdated(_))));
}

#[test]
fn a_repair_in_the_middle_makes_all_of_it_ready() {
    let house = {
        let (store, seal) =
            Store::in_memory(options(None), Box::new(TestRules), Box::new(TestWitness)).unwrap();
        House { store, seal }
    };
    fill(&house, 0..10);
    activate(&house, RANK);
    let second = RANK.replace("rank", "grade");
    house.store.index_more().unwrap();
    activate(&house, &second);
    act_off(&house, "rank");
    house.store.index_more().unwrap();
    house.store.rebuild(&house.seal).unwrap();
    let all = house.store.indexing_now(&house.seal).unwrap();
    let phases: Vec<_> = all.iter().map(|at| (at.code.as_str(), at.phase)).collect();
    assert_eq!(phases, [("grade", Phase::Ready)]);
    assert_eq!(findings(&house), []);
    assert_eq!(count(&house, "grade=high"), 5);
}

#[test]
fn a_backup_of_the_middle_is_whole_when_it_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let (data, saved, again) = (
        dir.path().join("data"),
        dir.path().join("saved"),
        dir.path().join("again"),
    );
    let house = open(&data);
    fill(&house, 0..10);
    activate(&house, RANK);
    house.store.index_more().unwrap();
    house.store.backup(&saved).unwrap();
    drop(house);
    engine::restore(&engine::RealDisk, &saved, &again, engine::UpTo::Everything).unwrap();
    copy(&data.join("keys"), &again.join("keys"));
    let house = open(&again);
    assert_eq!(at_work(&house).phase, Phase::Ready);
    assert_eq!(count(&house, "rank=high"), 5);
    assert_eq!(findings(&house), []);
}

#[test]
fn someone_is_erased_while_the_index_is_made() {
    let house = {
        let (store, seal) =
            Store::in_memory(options(None), Box::new(TestRules), Box::new(TestWitness)).unwrap();
        House { store, seal }
    };
    for id in 0..3 {
        house.put(&[&format!(r#"{{"resourceType":"Patient","id":"p{id}"}}"#)]);
    }
    fill(&house, 0..12);
    activate(&house, RANK);
    house.store.index_more().unwrap();
    let gone = house.key("p1");
    house
        .store
        .erase(&house.seal, gone, Vec::new(), at(5), Box::new(|_| act(9)))
        .unwrap();
    while house.store.index_more().unwrap() {}
    assert_eq!(count(&house, "rank:missing=false"), 8);
    assert_eq!(findings(&house), []);
}

#[test]
fn a_composite_of_a_loaded_parameter_finds_pairs_and_keeps_its_part_in_use() {
    const PAIR: &str = r#"{"resourceType":"SearchParameter","id":"pair","url":"urn:pair","name":"pair","status":"active","description":"x","code":"status-rank","base":["Observation"],"type":"composite","expression":"Observation","component":[{"definition":"http://hl7.org/fhir/SearchParameter/Observation-status","expression":"status"},{"definition":"urn:rank","expression":"note.text"}]}"#;
    for place in Place::all() {
        let house = place.open();
        fill(&house, 0..10);
        activate(&house, RANK);
        activate(&house, PAIR);
        house.store.indexed();
        assert_eq!(count(&house, "status-rank=final$high"), 5);
        assert_eq!(count(&house, "status-rank=preliminary$high"), 0);
        assert_eq!(count(&house, "status-rank:missing=true"), 0);
        let off = |id: &str| {
            let id = id.to_owned();
            house.change(vec![Change::Deactivate { id }])
        };
        assert!(matches!(off("rank"), Err(Error::Unloadable(_))));
        let house = if place.lasts() {
            drop(house);
            place.open()
        } else {
            house
        };
        assert_eq!(count(&house, "status-rank=final$low"), 5);
        let gone = |name: &str| house.delete(&format!("SearchParameter/{name}"));
        gone("pair");
        gone("rank");
        house.store.indexed();
        assert_eq!(house.store.indexing_now(&house.seal).unwrap(), []);
        assert_eq!(findings(&house), []);
    }
}
