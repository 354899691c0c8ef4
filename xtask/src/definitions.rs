//! Types, elements and codes of R4.

use crate::{package::Package, say};
use std::{error::Error, path::Path};

/// Writes the tables into a folder.
pub(crate) fn run(package: &Package, tables: &Path) -> Result<(), Box<dyn Error>> {
    let types = package.of_type("StructureDefinition").count();
    say(&format!(
        "{}: {types} structures -> {}",
        package.source,
        tables.display()
    ));
    Ok(())
}
