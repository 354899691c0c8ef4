//! The floors of the house: a crate uses what stands below it, never what stands beside or above it.

#![allow(clippy::unwrap_used, clippy::panic)] // A test says what it expects.

use std::collections::BTreeMap;
use std::path::Path;

/// Floor of each crate. A new crate is entered here, or this test fails.
const FLOORS: [(&str, u8); 14] = [
    ("fhir", 1),
    ("mx", 1),
    ("store", 2),
    ("ledger", 2),
    ("trust", 3),
    ("identity", 3),
    ("exchange", 4),
    ("living", 4),
    ("care", 4),
    ("synth", 4),
    ("api", 5),
    ("web", 5),
    ("tejido", 6),
    ("xtask", 9),
];

/// Only these may name the one crate that gives out permits' raw material besides reading its public types.
const MAY_OPEN_A_STORE: [&str; 2] = ["store", "trust"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut found = BTreeMap::new();
    let crates = std::fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|e| e.unwrap().path());
    for folder in crates.chain([root().join("xtask")]) {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let table: toml::Table = text.parse().unwrap();
        found.insert(
            folder.file_name().unwrap().to_string_lossy().into_owned(),
            table,
        );
    }
    found
}

#[test]
fn no_crate_uses_what_stands_beside_or_above_it() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    for (name, manifest) in manifests() {
        let own = floors
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crate {name} has no floor in this test"));
        let uses = manifest
            .get("dependencies")
            .and_then(|d| d.as_table())
            .into_iter()
            .flat_map(|d| d.keys());
        for used in uses {
            if let Some(floor) = floors.get(used.as_str()) {
                assert!(
                    floor < own,
                    "{name} (floor {own}) must not use {used} (floor {floor})"
                );
            }
        }
    }
}

#[test]
fn the_pure_crates_know_no_clock_no_network_and_no_disk() {
    let forbidden = [
        "std::fs",
        "std::net",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
        "tokio",
    ];
    for name in ["fhir", "mx", "living", "care", "identity"] {
        for file in sources(&root().join("crates").join(name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in forbidden {
                assert!(!code.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn only_the_gate_opens_an_archive_or_mints_a_permit() {
    for (name, _) in manifests() {
        if MAY_OPEN_A_STORE.contains(&name.as_str()) || name == "xtask" {
            continue;
        }
        for file in sources(&root().join("crates").join(&name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for word in [
                "Store::open",
                "store::Seal",
                "store::Terms",
                ".permit(store::",
            ] {
                assert!(
                    !text.contains(word),
                    "{} has {word}: only `trust` may",
                    file.display()
                );
            }
        }
    }
}

fn sources(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs")
            && path.file_name().is_some_and(|f| f != "tests.rs")
        {
            found.push(path);
        }
    }
    found
}
