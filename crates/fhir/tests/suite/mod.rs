//! What tests of a suite share: its files, and the judgement against the list of failures that are explained.

use std::{collections::HashMap, fs::File, io::Read, path::PathBuf};

/// The files of a folder of `fhir-test-cases`, by name; `None` when the suite is not there.
pub(crate) fn files(folder: &str) -> Option<HashMap<String, String>> {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/suites/fhir-test-cases@2dee8a0.tar.zst");
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
