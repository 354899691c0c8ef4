//! A public generator's lives, sent as the transactions they are. Needs the shared folder (`TEJIDO_SHARED`); says so
//! and passes without it.

use crate::house::{House, parse};
use std::{io::Read, path::PathBuf};
use trust::Role;

/// The first bundles of the archive that are not larger than this.
fn bundles(how_many: usize, bytes: usize) -> Vec<String> {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/patients/synthea-r4-615.bundles.tar.zst");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: the shared patients are not there");
        return Vec::new();
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let size = entry.size() as usize;
        if entry.header().entry_type().is_file() && size < bytes {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push(text);
        }
        if found.len() == how_many {
            break;
        }
    }
    found
}

#[tokio::test]
async fn whole_lives_come_in_as_transactions_and_go_out_as_one_record() {
    let house = House::new();
    let token = house.token(Role::System);
    for text in bundles(6, 2 << 20) {
        let sent = parse(&text);
        let said = house.call("POST /fhir", &token, &text).await.is(200).json();
        let entries = said.list("entry");
        assert_eq!(entries.len(), sent.list("entry").len());
        for entry in entries {
            assert_eq!(entry.text("response.status"), Some("201"));
        }
        let location = entries
            .iter()
            .filter_map(|entry| entry.text("response.location"))
            .find_map(|location| location.strip_prefix("Patient/"));
        let (id, _) = location.unwrap().split_once('/').unwrap();
        let search = format!("GET /fhir/Observation?patient={id}&_summary=count");
        let counted = house.call(&search, &token, "").await.is(200).json();
        let is_observation =
            |entry: &&fhir::Value| entry.text("resource.resourceType") == Some("Observation");
        let observations = sent.list("entry").iter().filter(is_observation).count();
        assert_eq!(
            counted.get("total").unwrap().to_string(),
            observations.to_string()
        );
        let everything = format!("GET /fhir/Patient/{id}/$everything?_count=1000");
        let record = house.call(&everything, &token, "").await.is(200);
        assert_eq!(record.json().text("entry.0.resource.id"), Some(id));
    }
}
