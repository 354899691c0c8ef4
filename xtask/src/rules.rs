//! What validation needs beyond structure, as three tables without prose.
//!
//! `rules.tsv`: invariants and, by element, which apply, which value set binds and which profile its type follows.
//! `profiles.ndjson`: profiles and extensions of the package, each a StructureDefinition cut down to what constrains.
//! `terminology.tsv`: the codes of every complete code system, and of which codes each value set is made.

use crate::{package::Package, say};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write,
    fs,
    path::Path,
};

const HL7: &str = "http://hl7.org/fhir/StructureDefinition/";
/// Stands for [`HL7`] in `profiles.ndjson`.
const SHORT: &str = "@@";
/// Licensed systems: their codes are not shipped, not even those that a value set of R4 lists.
const LICENSED: [&str; 3] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.ama-assn.org/go/cpt",
];

/// Invariants whose published expression says something else than its words: what it should have been, by key. Each was
/// corrected in a later version of FHIR, or breaks on resources that the words allow.
const CORRECTED: [(&str, &str); 4] = [
    // An entry without fullUrl breaks nothing; without this the expression gives nothing.
    (
        "bdl-8",
        "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    ),
    // More than one, not more than two.
    (
        "que-12",
        "enableWhen.count() > 1 implies enableBehavior.exists()",
    ),
    // The type is boolean.
    ("que-7", "operator = 'exists' implies (answer is boolean)"),
    // A prediction without probability breaks nothing.
    (
        "ras-2",
        "(probability.exists() and probability is decimal) implies (probability as decimal) <= 100",
    ),
];

/// Writes the tables into a folder.
pub(crate) fn run(package: &Package, tables: &Path) -> Result<(), Box<dyn Error>> {
    for (name, text) in make(package)? {
        let path = tables.join(name);
        fs::write(&path, &text)?;
        say(&format!("{}: {} bytes", path.display(), text.len()));
    }
    Ok(())
}

fn make(package: &Package) -> Result<[(&'static str, String); 3], Box<dyn Error>> {
    Ok([
        ("rules.tsv", rules(package)?),
        ("profiles.ndjson", profiles(package)?),
        ("terminology.tsv", terminology(package)?),
    ])
}

fn rules(package: &Package) -> Result<String, Box<dyn Error>> {
    let mut out = format!(
        "# Invariants and bindings of FHIR R4. Source: {}.\n\
         # Written by `cargo xtask rules`; not to be edited.\n\
         # c: number, key, severity (error, warning, best for best practice), expression\n\
         # e: path, numbers of invariants, strength and value set of its binding, profile of its type\n",
        package.source
    );
    let mut types: Vec<&Value> = package
        .of_type("StructureDefinition")
        .filter(|s| s["derivation"] != "constraint" && s["kind"] != "logical")
        .collect();
    types.sort_by_key(|s| (text(&s["kind"]), text(&s["name"])));
    let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut lines = String::new();
    for of in types {
        let name = text(&of["name"]);
        for element in list(&of["snapshot"]["element"]) {
            let path = text(&element["path"]);
            if path != name && text(&element["base"]["path"]) != path {
                continue;
            }
            let mut here = Vec::new();
            for rule in list(&element["constraint"]) {
                let (key, expression) = (text(&rule["key"]), text(&rule["expression"]));
                if matches!(key, "ele-1" | "ext-1") || expression.is_empty() {
                    continue;
                }
                let corrected = CORRECTED.iter().find(|(of, _)| *of == key);
                let expression = corrected.map_or(expression, |(_, better)| better);
                let next = numbers.len();
                let number = *numbers
                    .entry((key.to_owned(), expression.to_owned()))
                    .or_insert_with(|| {
                        let best = list(&rule["extension"])
                            .iter()
                            .any(|e| text(&e["url"]).ends_with("bestpractice"));
                        let severity = if best {
                            "best"
                        } else {
                            text(&rule["severity"])
                        };
                        let line = expression.replace(['\t', '\n', '\r'], " ");
                        let _ = writeln!(out, "c\t{next}\t{key}\t{severity}\t{line}");
                        next
                    });
                here.push(number.to_string());
            }
            let binding = &element["binding"];
            let strength = text(&binding["strength"]);
            let bound = matches!(strength, "required" | "extensible") && path != name;
            let profiles: Vec<&str> = list(&element["type"])
                .iter()
                .flat_map(|t| list(&t["profile"]))
                .map(|p| text(p).trim_start_matches(HL7))
                .collect();
            if here.is_empty() && !bound && profiles.is_empty() {
                continue;
            }
            write!(lines, "e\t{path}\t{}", here.join(","))?;
            if bound || !profiles.is_empty() {
                let set = text(&binding["valueSet"]).split('|').next().unwrap_or("");
                let (strength, set) = if bound { (strength, set) } else { ("", "") };
                write!(lines, "\t{strength}\t{set}")?;
            }
            if !profiles.is_empty() {
                write!(lines, "\t{}", profiles.join(","))?;
            }
            lines.push('\n');
        }
    }
    out.push_str(&lines);
    Ok(out)
}

/// Elements of a StructureDefinition's element that constrain.
fn constrains(key: &str) -> bool {
    matches!(
        key,
        "path" | "sliceName" | "min" | "max" | "contentReference" | "maxLength"
    ) || ["fixed", "pattern", "minValue", "maxValue"]
        .iter()
        .any(|stem| key.starts_with(stem))
}

fn profiles(package: &Package) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    for structure in package
        .of_type("StructureDefinition")
        .filter(|s| s["derivation"] == "constraint")
    {
        let url = text(&structure["url"]);
        let mut elements = Vec::new();
        for element in list(&structure["differential"]["element"]) {
            let Some(members) = element.as_object() else {
                continue;
            };
            let mut kept: Map<String, Value> = members
                .iter()
                .filter(|(key, _)| constrains(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if let Some(slicing) = members.get("slicing") {
                kept.insert(
                    "slicing".into(),
                    only(slicing, &["discriminator", "ordered", "rules"]),
                );
            }
            let types: Vec<Value> = list(&element["type"])
                .iter()
                .map(|t| only(t, &["code", "profile", "targetProfile"]))
                .collect();
            if !types.is_empty() {
                kept.insert("type".into(), types.into());
            }
            let binding = &element["binding"];
            if matches!(text(&binding["strength"]), "required" | "extensible") {
                kept.insert("binding".into(), only(binding, &["strength", "valueSet"]));
            }
            let rules: Vec<Value> = list(&element["constraint"])
                .iter()
                .filter(|c| !matches!(text(&c["key"]), "ele-1" | "ext-1"))
                .map(|c| only(c, &["key", "severity", "expression"]))
                .collect();
            if !rules.is_empty() {
                kept.insert("constraint".into(), rules.into());
            }
            let own_url = text(&element["path"]) == "Extension.url" && element["fixedUri"] == url;
            if kept.len() > 1 && !own_url {
                elements.push(Value::Object(kept));
            }
        }
        let mut kept = only(
            structure,
            &["url", "type", "baseDefinition", "contextInvariant"],
        );
        let contexts: Vec<Value> = list(&structure["context"]).to_vec();
        if !contexts.is_empty() {
            kept["context"] = contexts.into();
        }
        kept["differential"] = json!({ "element": elements });
        let line = ordered(kept).to_string();
        if line.contains(SHORT) {
            return Err(format!("{url}: `{SHORT}` is in use").into());
        }
        writeln!(out, "{}", line.replace(HL7, SHORT))?;
    }
    Ok(out)
}

fn only(value: &Value, keys: &[&str]) -> Value {
    let members = value.as_object().into_iter().flatten();
    Value::Object(
        members
            .filter(|(key, _)| keys.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
    )
}

fn terminology(package: &Package) -> Result<String, Box<dyn Error>> {
    let mut out = format!(
        "# Code systems and value sets of FHIR R4. Source: {}.\n\
         # Written by `cargo xtask rules`; not to be edited.\n\
         # s: code system, i when case does not count; then its codes\n\
         # v: value set; then by line: system and codes, system alone for all of it, @value set, ? for what is not known here\n",
        package.source
    );
    let systems: BTreeMap<&str, &Value> = package
        .of_type("CodeSystem")
        .map(|r| (text(&r["url"]), r))
        .collect();
    for (url, system) in &systems {
        if system["content"] == "complete" && !list(&system["concept"]).is_empty() {
            let case = if system["caseSensitive"] == false {
                "\ti"
            } else {
                ""
            };
            let mut codes = BTreeSet::new();
            collect(list(&system["concept"]), &mut codes);
            let codes: Vec<&str> = codes.into_iter().collect();
            writeln!(out, "s\t{url}{case}\n\t{}", codes.join("\t"))?;
        }
    }
    let sets: BTreeMap<&str, &Value> = package
        .of_type("ValueSet")
        .map(|r| (text(&r["url"]), r))
        .collect();
    for (url, set) in sets {
        writeln!(out, "v\t{url}")?;
        let includes = list(&set["compose"]["include"]).iter();
        let mut parts: Vec<String> = includes.map(|i| part(i, &systems)).collect();
        let mut known = !parts.is_empty();
        for exclude in list(&set["compose"]["exclude"]) {
            known &= take_out(&part(exclude, &systems), &mut parts);
        }
        if !known {
            parts = vec!["?".into()];
        }
        for part in parts {
            writeln!(out, "\t{part}")?;
        }
    }
    Ok(out)
}

/// One include of a value set as the table writes it.
fn part(include: &Value, systems: &BTreeMap<&str, &Value>) -> String {
    let system = text(&include["system"]);
    let inner = list(&include["valueSet"]);
    if system.is_empty() && inner.len() == 1 {
        let url = inner.first().map_or("", text);
        return format!("@{}", url.split('|').next().unwrap_or_default());
    }
    if !inner.is_empty() || system.is_empty() || LICENSED.contains(&system) {
        return "?".into();
    }
    let concepts = list(&include["concept"]);
    if !concepts.is_empty() {
        let codes: Vec<&str> = concepts.iter().map(|c| text(&c["code"])).collect();
        return format!("{system}\t{}", codes.join("\t"));
    }
    let Some(complete) = systems.get(system).filter(|s| s["content"] == "complete") else {
        return "?".into();
    };
    let filters = list(&include["filter"]);
    let mut codes = BTreeSet::new();
    collect(list(&complete["concept"]), &mut codes);
    for filter in filters {
        let root = text(&filter["value"]);
        let mut below;
        match (text(&filter["op"]), text(&filter["property"])) {
            ("is-a", "concept") => {
                below = descendants(complete, root);
                below.insert(root);
            }
            ("descendent-of", "concept") => below = descendants(complete, root),
            _ => return "?".into(),
        }
        codes.retain(|code| below.contains(code));
    }
    if filters.is_empty() {
        return system.into();
    }
    let codes: Vec<&str> = codes.into_iter().collect();
    format!("{system}\t{}", codes.join("\t"))
}

/// Takes listed codes out of the parts of the same system that are listed too; false when that cannot be done.
fn take_out(exclude: &str, parts: &mut [String]) -> bool {
    let Some((system, codes)) = exclude.split_once('\t') else {
        return false;
    };
    let out: BTreeSet<&str> = codes.split('\t').collect();
    for part in parts {
        match part.split_once('\t') {
            Some((of, codes)) if of == system => {
                let left: Vec<&str> = codes.split('\t').filter(|c| !out.contains(c)).collect();
                *part = format!("{system}\t{}", left.join("\t"));
            }
            Some(_) => {}
            None => return false,
        }
    }
    true
}

/// The codes below one: by nesting, and by the property `subsumedBy` that version 3 tables use for second parents.
fn descendants<'a>(system: &'a Value, root: &'a str) -> BTreeSet<&'a str> {
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    parents(list(&system["concept"]), None, &mut children);
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(code) = next.pop() {
        for child in children.get(code).into_iter().flatten() {
            if found.insert(*child) {
                next.push(child);
            }
        }
    }
    found
}

fn parents<'a>(
    concepts: &'a [Value],
    above: Option<&'a str>,
    into: &mut BTreeMap<&'a str, Vec<&'a str>>,
) {
    for concept in concepts {
        let code = text(&concept["code"]);
        if let Some(above) = above {
            into.entry(above).or_default().push(code);
        }
        for property in list(&concept["property"]) {
            if property["code"] == "subsumedBy" {
                into.entry(text(&property["valueCode"]))
                    .or_default()
                    .push(code);
            }
        }
        parents(list(&concept["concept"]), Some(code), into);
    }
}

fn collect<'a>(concepts: &'a [Value], into: &mut BTreeSet<&'a str>) {
    for concept in concepts {
        into.insert(text(&concept["code"]));
        collect(list(&concept["concept"]), into);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The same with the members of each object by name: what order a map keeps depends on who else is built along.
fn ordered(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = map.into_iter().collect();
            members.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            let members = members
                .into_iter()
                .map(|(name, value)| (name, ordered(value)));
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(ordered).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_rules_are_what_the_package_gives() {
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
            assert!(committed == text, "{name}: run `cargo xtask rules`");
        }
    }
}
