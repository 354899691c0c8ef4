//! What tests of a suite share: its files, and the judgement against the list of failures that are explained.

#![allow(dead_code)] // Each test file uses a part.

use std::{collections::HashMap, fs::File, io::Read, path::PathBuf};

fn shared() -> PathBuf {
    std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

/// The files of a folder of `fhir-test-cases`, by name; `None` when the suite is not there.
pub(crate) fn files(folder: &str) -> Option<HashMap<String, String>> {
    let path = shared().join("data/suites/fhir-test-cases@2dee8a0.tar.zst");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut files = HashMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some(name) = path.trim_start_matches("./").strip_prefix(folder) else {
            continue;
        };
        let mut text = String::new();
        if entry.read_to_string(&mut text).is_ok() {
            files.insert(name.to_owned(), text);
        }
    }
    Some(files)
}

/// Fails when a test fails that is not on the list, and when one on the list passes.
pub(crate) fn judged(count: usize, failed: &[(String, String)], listed: &[(&str, &str)]) {
    println!("{} of {count} pass", count - failed.len());
    let new: Vec<_> = failed
        .iter()
        .filter(|(name, _)| !listed.iter().any(|(known, _)| known == name))
        .map(|(name, why)| format!("{name}: {why}"))
        .collect();
    let healed: Vec<_> = listed
        .iter()
        .filter(|(known, _)| !failed.iter().any(|(name, _)| name == known))
        .collect();
    assert!(
        new.is_empty(),
        "{} new failures:\n{}",
        new.len(),
        new.join("\n")
    );
    assert!(
        healed.is_empty(),
        "these pass now, take them off the list: {healed:?}"
    );
}

/// Opens an archive of the shared folder's data and gives each file, by name, to `each`. False when it is not there.
pub(crate) fn each_file(archive: &str, mut each: impl FnMut(&str, &[u8])) -> bool {
    let path = shared().join("data").join(archive);
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return false;
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        each(&name, &text);
    }
    true
}
