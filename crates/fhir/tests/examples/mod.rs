//! The official examples of R4, from the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); none,
//! with a word about it, where that is not there.

use fhir::{ResourceType, Value, json};
use std::{fs::File, io::Read, path::PathBuf, sync::LazyLock};

/// All of them but the largest.
pub(crate) static EXAMPLES: LazyLock<Vec<Value>> = LazyLock::new(read_examples);

fn read_examples() -> Vec<Value> {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/definitions/hl7.fhir.r4.examples-4.0.1.tar.zst");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return Vec::new();
    };
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    let mut all = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        // The few larger ones are lists of the specification's own definitions.
        if entry.size() > 256 << 10 {
            continue;
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text).unwrap();
        all.extend(json::parse(&text, &json::Limits::default()).ok());
    }
    all
}

/// What a resource says it is.
pub(crate) fn type_of(resource: &Value) -> Option<ResourceType> {
    ResourceType::from_name(resource.text("resourceType")?)
}
