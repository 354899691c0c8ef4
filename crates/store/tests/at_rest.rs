//! What lies on the disk: values are sealed, bound to their place, and readable only with the keyring and its master key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use std::path::Path;
use store::*;

const NOTE: &str = r#"{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/ana"},"status":"final","code":{"text":"Zafarrancho"},"note":[{"text":"Murmullo inconfundible"}]}"#;
const ANA: &str = r#"{"resourceType":"Patient","id":"ana","identifier":[{"value":"MURA900101"}]}"#;

/// Every byte that the archive keeps, keys apart.
fn bytes(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => all.extend(bytes(&entry.path())),
            false => all.extend(std::fs::read(entry.path()).unwrap()),
        }
    }
    // Files are made large in advance.
    all.retain(|byte| *byte != 0);
    all
}

fn holds(all: &[u8], text: &str) -> bool {
    all.windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn what_a_record_says_is_nowhere_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let house = open(dir.path());
    house.put(&[ANA, NOTE]);
    let rows = vec![(b"account".to_vec(), Some(b"Dra. Contreras".to_vec()))];
    house
        .store
        .keep(&house.seal, rows, Vec::new(), Some(act(9)), at(0))
        .unwrap();
    let all = bytes(dir.path());
    for text in [
        "inconfundible",
        "Zafarrancho",
        "Contreras",
        "act 9",
        "act 1",
    ] {
        assert!(!holds(&all, text), "{text} can be read");
    }
    drop(house);
    let house = open(dir.path());
    let note = house.read(&house.all(), "Observation/o1").unwrap();
    assert!(holds(&note.body, "inconfundible"));
    let account = house.store.get(&house.seal, b"account").unwrap();
    assert_eq!(account.unwrap(), b"Dra. Contreras");
}

#[test]
fn without_its_keys_an_archive_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).put(&[ANA, NOTE]);
    let told = || match try_open(dir.path()) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    };
    let (ring, master) = (
        dir.path().join("keys/ring"),
        dir.path().join("keys/master.key"),
    );
    let away = dir.path().join("away");
    std::fs::rename(&ring, &away).unwrap();
    assert!(told().contains("keyring of this archive is missing"));
    std::fs::rename(&away, &ring).unwrap();
    std::fs::rename(&master, &away).unwrap();
    assert!(told().contains("master.key"));
    FileKey::create(&master).unwrap();
    assert!(told().contains("is not the master key of this keyring"));
    std::fs::remove_file(&master).unwrap();
    std::fs::rename(&away, &master).unwrap();
    let house = open(dir.path());
    assert!(house.read(&house.all(), "Observation/o1").is_some());
}
