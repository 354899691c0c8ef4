//! Chores of the project, run as `cargo xtask NAME`. Each generator reads a published package and writes tables that
//! are committed, so that the project builds with nothing beside it.

mod definitions;
mod package;
mod rules;
mod search;

use package::Package;
use std::{error::Error, path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo xtask NAME [--package DIR_OR_TAR_ZST]

  definitions   types, elements, codes and summaries of R4 -> crates/fhir/definitions/{elements,codes,summary}.tsv
  rules         invariants, bindings, profiles and terminology -> crates/fhir/definitions/{rules.tsv,profiles.ndjson,terminology.tsv}
  search        search parameters and compartments -> crates/fhir/definitions/search.tsv

--package names the FHIR package, unpacked or as .tar.zst;
without it, data/definitions/hl7.fhir.r4.core-4.0.1.tar.zst in $TEJIDO_SHARED (or ../shared).";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), Box<dyn Error>> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let (name, package) = match words.as_slice() {
        [name] => (*name, default_package()),
        [name, "--package", path] => (*name, PathBuf::from(path)),
        _ => return Err(USAGE.into()),
    };
    let tables = workspace().join("crates/fhir/definitions");
    match name {
        "definitions" => definitions::run(&Package::open(&package)?, &tables),
        "rules" => rules::run(&Package::open(&package)?, &tables),
        "search" => search::run(&Package::open(&package)?, &tables),
        _ => Err(USAGE.into()),
    }
}

/// Where the workspace stands.
fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn default_package() -> PathBuf {
    let shared =
        std::env::var_os("TEJIDO_SHARED").map_or(workspace().join("../shared"), PathBuf::from);
    shared.join("data/definitions/hl7.fhir.r4.core-4.0.1.tar.zst")
}

/// Tells the person at the terminal.
#[allow(clippy::print_stderr)]
pub(crate) fn say(what: &str) {
    eprintln!("{what}");
}
