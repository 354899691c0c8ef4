//! Types, elements, codes and summaries of R4, as three tables of facts without prose.
//!
//! `elements.tsv`: a line `KIND TYPE BASE` for each type, then its own elements (inherited ones stand with the base),
//! one per line. `codes.tsv`: a line for each value set that an element requires, then its codes by system. `summary.tsv`: for
//! each resource type the elements at its root that a summary shows.

use crate::{package::Package, say};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write,
    fs,
    path::Path,
};

const HL7: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Writes the tables into a folder.
pub(crate) fn run(package: &Package, tables: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(tables)?;
    for (name, text) in make(package)? {
        let path = tables.join(name);
        fs::write(&path, &text)?;
        say(&format!("{}: {} bytes", path.display(), text.len()));
    }
    Ok(())
}

/// The tables' names and texts.
fn make(package: &Package) -> Result<[(&'static str, String); 3], Box<dyn Error>> {
    let codes = Codes::new(package);
    let mut needed = BTreeMap::new();
    let elements = elements(package, &codes, &mut needed)?;
    let sets = code_table(&package.source, &needed)?;
    let summaries = summaries(package);
    Ok([
        ("elements.tsv", elements),
        ("codes.tsv", sets),
        ("summary.tsv", summaries),
    ])
}

/// The elements at the root of each resource type that are marked for its summary.
fn summaries(package: &Package) -> String {
    let mut out = format!(
        "# What a summary of a resource shows, by type. Source: {}.\n\
         # Written by `cargo xtask definitions`; not to be edited.\n",
        package.source
    );
    let mut types: Vec<&Value> = package
        .of_type("StructureDefinition")
        .filter(|s| s["derivation"] != "constraint" && s["kind"] == "resource")
        .filter(|s| s["abstract"] != true)
        .collect();
    types.sort_by_key(|s| text(&s["name"]));
    for of in types {
        out.push_str(text(&of["name"]));
        for element in list(&of["snapshot"]["element"]) {
            let path = text(&element["path"]);
            match path.split_once('.') {
                Some((_, name)) if element["isSummary"] == true && !name.contains('.') => {
                    out.push('\t');
                    out.push_str(name);
                }
                _ => {}
            }
        }
        out.push('\n');
    }
    out
}

/// Value sets that elements require: their codes by system, or why they cannot be listed.
type Needed = BTreeMap<String, Result<BySystem, String>>;
type BySystem = BTreeMap<String, BTreeSet<String>>;

fn elements(
    package: &Package,
    codes: &Codes<'_>,
    needed: &mut Needed,
) -> Result<String, Box<dyn Error>> {
    let mut out = format!(
        "# Types and elements of FHIR R4. Source: {}.\n\
         # Written by `cargo xtask definitions`; not to be edited.\n\
         # type:    kind, name, base, \"patient\" when a patient's compartment can hold it\n\
         # element: path, min, max, types (with targets of references) or #path of the same content, required codes\n",
        package.source
    );
    let compartment = patient_compartment(package)?;
    let mut types: Vec<&Value> = package
        .of_type("StructureDefinition")
        .filter(|s| s["derivation"] != "constraint" && s["kind"] != "logical")
        .collect();
    types.sort_by_key(|s| (text(&s["kind"]), text(&s["name"])));
    for of in types {
        let name = text(&of["name"]);
        let kind = match (text(&of["kind"]), of["abstract"] == true) {
            ("resource", true) => "abstract",
            ("resource", false) => "resource",
            ("primitive-type", _) => "primitive",
            _ => "type",
        };
        let base = text(&of["baseDefinition"])
            .strip_prefix(HL7)
            .unwrap_or_default();
        write!(out, "{kind}\t{name}\t{base}")?;
        if compartment.contains(name) {
            out.push_str("\tpatient");
        }
        out.push('\n');
        if kind != "primitive" {
            for element in list(&of["snapshot"]["element"]) {
                if let Some(line) = element_line(name, element, codes, needed)? {
                    writeln!(out, "{line}")?;
                }
            }
        }
    }
    Ok(out)
}

/// The line of one element; `None` for the type's root and for what it inherits.
fn element_line(
    of: &str,
    element: &Value,
    codes: &Codes<'_>,
    needed: &mut Needed,
) -> Result<Option<String>, Box<dyn Error>> {
    let path = text(&element["path"]);
    let inherited = text(&element["base"]["path"]) != path;
    if inherited || path == of {
        return Ok(None);
    }
    let mut line = format!("{path}\t{}\t{}\t", element["min"], text(&element["max"]));
    match text(&element["contentReference"]) {
        "" => {
            let types: Result<Vec<String>, String> = list(&element["type"])
                .iter()
                .map(|t| type_code(path, t))
                .collect();
            line.push_str(&types?.join(","));
        }
        same => line.push_str(same),
    }
    let binding = &element["binding"];
    if binding["strength"] == "required" {
        let set = text(&binding["valueSet"])
            .split('|')
            .next()
            .unwrap_or_default();
        let listed = needed
            .entry(set.to_owned())
            .or_insert_with(|| codes.of_value_set(set));
        if listed.is_ok() {
            write!(line, "\t{set}")?;
        }
    }
    Ok(Some(line))
}

/// A type as the table writes it: `HumanName`, `Reference(Patient|Group)`.
fn type_code(path: &str, of: &Value) -> Result<String, String> {
    // The published snapshots call every id a string; the specification's text gives resources the type `id`.
    if path == "Resource.id" {
        return Ok("id".into());
    }
    let code = text(&of["code"]);
    if code.starts_with("http://hl7.org/fhirpath/") {
        return list(&of["extension"])
            .iter()
            .find_map(|e| e["valueUrl"].as_str())
            .map(str::to_owned)
            .ok_or(format!("{path}: {code} does not say which FHIR type it is"));
    }
    let targets: Vec<&str> = list(&of["targetProfile"])
        .iter()
        .filter_map(|p| p.as_str()?.strip_prefix(HL7))
        .collect();
    Ok(if code != "Reference" || targets.contains(&"Resource") {
        code.to_owned()
    } else {
        format!("{code}({})", targets.join("|"))
    })
}

fn patient_compartment(package: &Package) -> Result<BTreeSet<&str>, Box<dyn Error>> {
    let definition = package
        .of_type("CompartmentDefinition")
        .find(|c| c["code"] == "Patient")
        .ok_or("the package has no patient compartment")?;
    Ok(list(&definition["resource"])
        .iter()
        .filter(|r| !list(&r["param"]).is_empty() || r["code"] == "Patient")
        .map(|r| text(&r["code"]))
        .collect())
}

fn code_table(source: &str, needed: &Needed) -> Result<String, Box<dyn Error>> {
    let mut out = format!(
        "# Codes of the value sets that FHIR R4 requires. Source: {source}.\n\
         # Written by `cargo xtask definitions`; not to be edited.\n\
         # set:   its URL\n\
         # codes: empty, system, codes...\n"
    );
    for (set, codes) in needed {
        if let Err(why) = codes {
            writeln!(out, "# left out: {set}: {why}")?;
        }
    }
    for (set, codes) in needed {
        let Ok(systems) = codes else { continue };
        writeln!(out, "{set}")?;
        for (system, codes) in systems {
            let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
            writeln!(out, "\t{system}\t{}", codes.join("\t"))?;
        }
    }
    Ok(out)
}

/// The value sets and code systems of a package.
struct Codes<'a> {
    sets: BTreeMap<&'a str, &'a Value>,
    systems: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Codes<'a> {
    fn new(package: &'a Package) -> Codes<'a> {
        let by_url = |of| package.of_type(of).map(|r| (text(&r["url"]), r)).collect();
        Codes {
            sets: by_url("ValueSet"),
            systems: by_url("CodeSystem"),
        }
    }

    /// Every code of a value set, or why that cannot be said from the package alone.
    fn of_value_set(&self, url: &str) -> Result<BySystem, String> {
        let set = self.sets.get(url).ok_or("not in the package")?;
        if !list(&set["compose"]["exclude"]).is_empty() {
            return Err("it excludes codes".into());
        }
        let mut all = BySystem::new();
        for include in list(&set["compose"]["include"]) {
            if !list(&include["filter"]).is_empty() {
                return Err("it filters a code system".into());
            }
            for inner in list(&include["valueSet"]) {
                if include["system"].is_string() {
                    return Err("it intersects value sets".into());
                }
                let inner = text(inner).split('|').next().unwrap_or_default();
                for (system, codes) in self.of_value_set(inner)? {
                    all.entry(system).or_default().extend(codes);
                }
            }
            let Some(system) = include["system"].as_str() else {
                continue;
            };
            let codes = all.entry(system.to_owned()).or_default();
            match list(&include["concept"]) {
                [] => collect(self.complete_system(system)?, codes),
                some => collect(some, codes),
            }
        }
        if all.values().all(BTreeSet::is_empty) {
            return Err("it lists no codes".into());
        }
        Ok(all)
    }

    fn complete_system(&self, url: &str) -> Result<&[Value], String> {
        match self.systems.get(url) {
            Some(system) if system["content"] == "complete" => Ok(list(&system["concept"])),
            _ => Err(format!("the package does not hold all of {url}")),
        }
    }
}

/// Codes of concepts and of those below them.
fn collect(concepts: &[Value], into: &mut BTreeSet<String>) {
    for concept in concepts {
        into.insert(text(&concept["code"]).to_owned());
        collect(list(&concept["concept"]), into);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_tables_are_what_the_package_gives() {
        let path = crate::default_package();
        if !path.exists() {
            println!("skipped: {} is not there", path.display());
            return;
        }
        for (name, text) in make(&Package::open(&path).unwrap()).unwrap() {
            let committed = crate::workspace()
                .join("crates/fhir/definitions")
                .join(name);
            let committed = fs::read_to_string(committed).unwrap();
            assert!(committed == text, "{name}: run `cargo xtask definitions`");
        }
    }
}
