//! A FHIR package: the JSON files of one published set of definitions.

use serde_json::Value;
use std::{collections::BTreeMap, error::Error, fs, io::Read, path::Path};

/// The resources of a package, by file name, in name order.
pub(crate) struct Package {
    /// Name, version and licence as the package states them, for the header of a table made from it.
    pub(crate) source: String,
    resources: BTreeMap<String, Value>,
}

impl Package {
    /// Reads a package from its unpacked folder (with or without the inner `package/`) or from a `.tar.zst`.
    pub(crate) fn open(path: &Path) -> Result<Package, Box<dyn Error>> {
        let mut resources = BTreeMap::<String, Value>::new();
        let mut keep = |name: String, text: &[u8]| -> Result<(), Box<dyn Error>> {
            if name.ends_with(".json") && !name.starts_with('.') {
                let value = serde_json::from_slice(text).map_err(|e| format!("{name}: {e}"))?;
                resources.insert(name, value);
            }
            Ok(())
        };
        if path.is_dir() {
            let inner = path.join("package");
            let folder = if inner.is_dir() { &inner } else { path };
            for file in fs::read_dir(folder)? {
                let file = file?;
                if file.file_type()?.is_file() {
                    keep(
                        file.file_name().to_string_lossy().into_owned(),
                        &fs::read(file.path())?,
                    )?;
                }
            }
        } else {
            let file = fs::File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let mut archive = tar::Archive::new(zstd::Decoder::new(file)?);
            for entry in archive.entries()? {
                let mut entry = entry?;
                let name = match entry.path()?.file_name() {
                    Some(name) if entry.header().entry_type().is_file() => {
                        name.to_string_lossy().into_owned()
                    }
                    _ => continue,
                };
                let mut text = Vec::new();
                entry.read_to_end(&mut text)?;
                keep(name, &text)?;
            }
        }
        let about = resources
            .remove("package.json")
            .ok_or("no package.json: this is not a FHIR package")?;
        let said = |key: &str| about[key].as_str().unwrap_or("?").to_owned();
        Ok(Package {
            source: format!(
                "{} {}, licence {}",
                said("name"),
                said("version"),
                said("license")
            ),
            resources,
        })
    }

    /// All resources of one type (`StructureDefinition`), in the order of their file names.
    pub(crate) fn of_type<'a>(&'a self, of: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources
            .values()
            .filter(move |r| r["resourceType"] == of)
    }
}
