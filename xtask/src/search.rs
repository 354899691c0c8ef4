//! Search parameters of R4 and its compartments, as one table of facts.
//!
//! The numbers in the table are part of index keys on disk. The generator therefore reads the table that is there,
//! keeps every number in it, and gives new ones after the highest.

use crate::{package::Package, say};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fmt::Write as _,
    fs,
    path::Path,
};

/// A parameter's identity in keys: same code and kind, same number, whatever the type.
type Name = (String, String);

/// Where a parameter applies: type, then code and kind.
type Use = (String, Name);

/// Writes `search.tsv` into a folder.
pub(crate) fn run(package: &Package, tables: &Path) -> Result<(), Box<dyn Error>> {
    let file = tables.join("search.tsv");
    let mut numbers = numbers_of(&fs::read_to_string(&file).unwrap_or_default())?;
    let structures = Structures::of(package);
    let mut uses = BTreeMap::<Use, (Vec<String>, BTreeSet<String>)>::new();
    for parameter in package.of_type("SearchParameter") {
        add(parameter, &mut uses);
    }
    let mut next = numbers.values().max().copied().unwrap_or(0) + 1;
    let names: BTreeSet<Name> = uses.keys().map(|(_, name)| name.clone()).collect();
    for name in names {
        numbers.entry(name).or_insert_with(|| {
            next += 1;
            next - 1
        });
    }
    let table = write(package, &structures, &numbers, &uses)?;
    fs::create_dir_all(tables)?;
    fs::write(&file, &table)?;
    say(&format!(
        "{}: {} parameters in {} uses -> {}",
        package.source,
        numbers.len(),
        uses.len(),
        file.display()
    ));
    Ok(())
}

/// The numbers given before.
fn numbers_of(table: &str) -> Result<BTreeMap<Name, u16>, Box<dyn Error>> {
    let mut numbers = BTreeMap::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        if let ["p", number, code, kind] = cells.as_slice() {
            numbers.insert(((*code).to_owned(), (*kind).to_owned()), number.parse()?);
        }
    }
    Ok(numbers)
}

/// Takes one SearchParameter in, its expression split over the types it applies to.
fn add(parameter: &Value, uses: &mut BTreeMap<Use, (Vec<String>, BTreeSet<String>)>) {
    let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
    // The package carries its own illustrations of the SearchParameter resource; they are no parameters of R4.
    if text("id").starts_with("example") {
        return;
    }
    // R4 4.0.1 looks for an extension that there is not; IHE PDQm (ITI-78) searches the one that is.
    let expression = match text("id").as_str() {
        "patient-extensions-Patient-mothersMaidenName" => {
            "Patient.extension('http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName')"
                .to_owned()
        }
        _ => text("expression"),
    };
    let parts = alternatives(&expression);
    for of in strings(&parameter["base"]) {
        let name = (text("code"), text("type"));
        let entry = uses.entry((of.clone(), name)).or_default();
        for part in &parts {
            let root = part.trim_start_matches('(').split('.').next();
            let qualified = root.is_some_and(|r| r.starts_with(char::is_uppercase));
            if (!qualified || root == Some(of.as_str())) && !entry.0.contains(part) {
                entry.0.push(part.clone());
            }
        }
        entry.1.extend(strings(&parameter["target"]));
    }
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The alternatives of a union, split at `|` outside brackets and quotes.
fn alternatives(expression: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for c in expression.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '|' if !quoted && depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts.retain_mut(|p| {
        *p = p.trim().to_owned();
        !p.is_empty()
    });
    parts
}

fn write(
    package: &Package,
    structures: &Structures<'_>,
    numbers: &BTreeMap<Name, u16>,
    uses: &BTreeMap<Use, (Vec<String>, BTreeSet<String>)>,
) -> Result<String, Box<dyn Error>> {
    let mut out = String::new();
    writeln!(
        out,
        "# Search parameters and compartments. Source: {}. Made by `cargo xtask search`.\n\
         # Append-only: numbers are part of keys on disk.\n\
         # p number code kind | u type number expression targets(* = those of row a) | k type number component-number component-expression (in order) | c choice types | s code-element system | b type number (true or false) | m compartment type parameters ({{def}}: the resource itself)",
        package.source
    )?;
    let mut by_number: Vec<_> = numbers.iter().collect();
    by_number.sort_by_key(|(_, number)| **number);
    for ((code, kind), number) in by_number {
        writeln!(out, "p\t{number}\t{code}\t{kind}")?;
    }
    let any = any(uses);
    writeln!(out, "a\t{any}")?;
    let mut found = Found::default();
    for ((of, name), (expression, targets)) in uses {
        let number = numbers.get(name).ok_or("a parameter without a number")?;
        let expression = expression.join(" | ");
        let ends: Vec<End> = match name.1.as_str() {
            "composite" | "special" => Vec::new(),
            _ => alternatives(&expression)
                .iter()
                .map(|part| structures.follow(of, part, &mut found))
                .collect(),
        };
        let targets = targets_here(targets, &ends).join(",");
        let targets = if targets == any { "*" } else { &targets };
        writeln!(out, "u\t{of}\t{number}\t{expression}\t{targets}")?;
        let truth = |end: &End| end.types == ["boolean"];
        if expression.contains(".exists()") || (!ends.is_empty() && ends.iter().all(truth)) {
            writeln!(out, "b\t{of}\t{number}")?;
        }
    }
    let values = structures.element("Extension", "Extension.value");
    found
        .choices
        .insert("Extension.value".into(), types(values));
    for (path, types) in &found.choices {
        writeln!(out, "c\t{path}\t{}", types.join(","))?;
    }
    for (path, system) in &found.systems {
        writeln!(out, "s\t{path}\t{system}")?;
    }
    for row in components(package, numbers)?
        .into_iter()
        .chain(compartments(package))
    {
        writeln!(out, "{row}")?;
    }
    Ok(out)
}

/// The longest list of targets: that of a reference that may point to anything. Written once, told by `*` elsewhere.
fn any(uses: &BTreeMap<Use, (Vec<String>, BTreeSet<String>)>) -> String {
    let longest = uses.values().map(|(_, targets)| targets);
    let longest = longest.max_by_key(|targets| targets.len());
    let names: Vec<&str> = longest.into_iter().flatten().map(String::as_str).collect();
    names.join(",")
}

/// The targets of a parameter on one type: of those it states for all its types, the ones that the elements here may
/// point to.
fn targets_here(stated: &BTreeSet<String>, ends: &[End]) -> Vec<String> {
    let possible: BTreeSet<&String> = ends.iter().flat_map(|end| &end.targets).collect();
    let any = ends.iter().any(|end| end.targets.is_empty());
    let here = stated.iter().filter(|t| any || possible.contains(t));
    let here: Vec<String> = here.cloned().collect();
    match here.is_empty() {
        true => stated.iter().cloned().collect(),
        false => here,
    }
}

/// The components of composite parameters, by the type they apply to.
fn components(
    package: &Package,
    numbers: &BTreeMap<Name, u16>,
) -> Result<Vec<String>, Box<dyn Error>> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let name = |parameter: &Value| (text(parameter, "code"), text(parameter, "type"));
    let by_url: BTreeMap<String, Name> = package
        .of_type("SearchParameter")
        .map(|parameter| (text(parameter, "url"), name(parameter)))
        .collect();
    let number = |name: &Name| numbers.get(name).copied();
    let mut rows = Vec::new();
    for parameter in package.of_type("SearchParameter") {
        let parts = parameter["component"].as_array().into_iter().flatten();
        for (part, of) in parts.flat_map(|part| {
            let bases = strings(&parameter["base"]);
            bases.into_iter().map(move |of| (part, of))
        }) {
            let own = number(&name(parameter));
            let there = by_url.get(&text(part, "definition")).and_then(number);
            let (Some(own), Some(there)) = (own, there) else {
                continue;
            };
            let expression = match text(parameter, "id").as_str() {
                // R4 4.0.1 has the two the wrong way round: the reference is said to be at `code`.
                "DocumentReference-relationship" => match text(part, "expression").as_str() {
                    "code" => "target".to_owned(),
                    _ => "code".to_owned(),
                },
                _ => text(part, "expression"),
            };
            rows.push(((of, own), format!("{there}\t{expression}")));
        }
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let row = |((of, own), rest)| format!("k\t{of}\t{own}\t{rest}");
    Ok(rows.into_iter().map(row).collect())
}

/// Which parameters put a resource of a type into a compartment.
fn compartments(package: &Package) -> Vec<String> {
    let mut rows = Vec::new();
    for compartment in package.of_type("CompartmentDefinition") {
        let Some(of) = compartment["code"].as_str() else {
            continue;
        };
        // The package carries its own illustration of the resource; it is no compartment of R4.
        if compartment["id"]
            .as_str()
            .is_none_or(|id| id.starts_with("example"))
        {
            continue;
        }
        for row in compartment["resource"].as_array().into_iter().flatten() {
            if row["param"].is_array() {
                let parameters = strings(&row["param"]).join(",");
                let code = row["code"].as_str().unwrap_or("?");
                rows.push(format!("m\t{of}\t{code}\t{parameters}"));
            }
        }
    }
    rows.sort();
    rows
}

/// What following the paths of all expressions brought to light.
#[derive(Default)]
struct Found {
    /// Paths that end in a choice (`Observation.value`), with the types it may have.
    choices: BTreeMap<String, Vec<String>>,
    /// Paths of a `code` whose required binding draws on one code system only.
    systems: BTreeMap<String, String>,
}

/// Where an alternative of an expression ends.
#[derive(Default)]
struct End {
    /// The types of its element; none when it leads through a choice or an extension.
    types: Vec<String>,
    /// The types its reference may point to; none for any.
    targets: BTreeSet<String>,
}

/// Elements of all base structures, by type and path.
struct Structures<'a> {
    elements: BTreeMap<(&'a str, &'a str), &'a Value>,
    value_sets: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Structures<'a> {
    fn of(package: &'a Package) -> Structures<'a> {
        let mut elements = BTreeMap::new();
        for structure in base_structures(package) {
            let of = structure["type"].as_str().unwrap_or_default();
            let snapshot = structure["snapshot"]["element"].as_array();
            for element in snapshot.into_iter().flatten() {
                elements.insert((of, element["path"].as_str().unwrap_or_default()), element);
            }
        }
        let value_sets = package
            .of_type("ValueSet")
            .filter_map(|set| Some((set["url"].as_str()?, set)))
            .collect();
        Structures {
            elements,
            value_sets,
        }
    }

    /// The element at a path inside a structure, plain or choice.
    fn element(&self, of: &str, path: &str) -> Option<&'a Value> {
        let choice = format!("{path}[x]");
        let found = self.elements.get(&(of, path));
        found
            .or_else(|| self.elements.get(&(of, choice.as_str())))
            .copied()
    }

    /// Walks the names of one alternative of an expression, notes its choices and the system of its code, and says
    /// where it ends.
    fn follow(&self, root: &str, part: &str, found: &mut Found) -> End {
        let names = names_of(part);
        let names = names.strip_prefix(&[root.to_owned()]).unwrap_or(&names);
        // `of` and `inside` say where in which structure we stand; `path` is what the expression spells.
        let (mut of, mut inside, mut path) = (root.to_owned(), root.to_owned(), root.to_owned());
        let mut end = End::default();
        for (i, name) in names.iter().enumerate() {
            path = format!("{path}.{name}");
            let Some(element) = self.element(&of, &format!("{inside}.{name}")) else {
                return End::default();
            };
            let types = types(Some(element));
            end.targets = targets(part, element);
            if element["path"].as_str().is_some_and(|p| p.ends_with("[x]")) {
                found.choices.insert(path, types);
                return end;
            }
            if i + 1 == names.len()
                && types == ["code"]
                && let Some(system) = self.system(element)
            {
                found.systems.insert(path.clone(), system);
            }
            if let Some(same) = element["contentReference"].as_str() {
                inside = same.trim_start_matches('#').to_owned();
            } else if matches!(
                types.first().map(String::as_str),
                Some("BackboneElement" | "Element")
            ) {
                inside = format!("{inside}.{name}");
            } else if let Some(first) = types.first() {
                (of, inside) = (first.clone(), first.clone());
            }
            end.types = types;
        }
        end
    }

    /// The one code system that a required binding draws on.
    fn system(&self, element: &Value) -> Option<String> {
        let binding = &element["binding"];
        if binding["strength"] != "required" {
            return None;
        }
        let url = binding["valueSet"].as_str()?.split('|').next()?;
        let include = self.value_sets.get(url)?["compose"]["include"].as_array()?;
        let systems: BTreeSet<&str> = include
            .iter()
            .map(|part| part["system"].as_str().unwrap_or_default())
            .collect();
        match systems.into_iter().collect::<Vec<_>>().as_slice() {
            [one] if !one.is_empty() => Some((*one).to_owned()),
            _ => None,
        }
    }
}

fn base_structures(package: &Package) -> impl Iterator<Item = &Value> {
    package
        .of_type("StructureDefinition")
        .filter(|s| s["derivation"] != "constraint" && s["kind"] != "logical")
}

fn types(element: Option<&Value>) -> Vec<String> {
    let list = element.and_then(|e| e["type"].as_array());
    let codes = list
        .into_iter()
        .flatten()
        .filter_map(|t| t["code"].as_str());
    codes.map(str::to_owned).collect()
}

/// The types that a reference may point to: the one that the expression asks for, or those of the definition.
fn targets(part: &str, element: &Value) -> BTreeSet<String> {
    if let Some((_, rest)) = part.split_once("resolve() is ") {
        return rest
            .split(')')
            .next()
            .map(str::to_owned)
            .into_iter()
            .collect();
    }
    let list = element["type"].as_array().into_iter().flatten();
    let profiles = list.flat_map(|t| strings(&t["targetProfile"]));
    let names = profiles.filter_map(|url| url.rsplit('/').next().map(str::to_owned));
    let names: BTreeSet<String> = names.collect();
    if names.contains("Resource") {
        return BTreeSet::new();
    }
    names
}

/// The element names of a path, functions and casts left out: `(A.b as C)` and `A.b.where(c='d')` give A, b.
fn names_of(part: &str) -> Vec<String> {
    let bare = part.trim_start_matches('(');
    let bare = bare.split(" as ").next().unwrap_or(bare);
    let (mut names, mut name, mut depth, mut called) = (Vec::new(), String::new(), 0, false);
    for c in bare.chars().chain(['.']) {
        match c {
            '(' => {
                depth += 1;
                called = true;
            }
            ')' => depth -= 1,
            '.' if depth == 0 => {
                let word = std::mem::take(&mut name);
                if !std::mem::take(&mut called) {
                    names.push(word.split(['[', ' ', ')']).next().unwrap_or("").to_owned());
                }
            }
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_path_are_found_in_every_spelling() {
        for part in [
            "(A.b as C)",
            "A.b.as(C)",
            "A.b.where(resolve() is C)",
            "A.b",
            "(A.b as C).where(d='e.f')",
        ] {
            assert_eq!(names_of(part), ["A", "b"], "{part}");
        }
        assert_eq!(names_of("A.b[0].c"), ["A", "b", "c"]);
        assert_eq!(names_of("A.b.where(c='d').e"), ["A", "b", "e"]);
    }

    #[test]
    fn a_union_is_split_outside_quotes_and_brackets() {
        assert_eq!(
            alternatives("A.b | (A.c | A.d) | A.e.where(f='|')"),
            ["A.b", "(A.c | A.d)", "A.e.where(f='|')"]
        );
        assert!(alternatives("").is_empty());
    }

    #[test]
    fn numbers_given_once_are_read_back() {
        let numbers = numbers_of("# x\np\t7\tcode\ttoken\nu\tPatient\t7\t\t\n").unwrap();
        assert_eq!(
            numbers,
            BTreeMap::from([(("code".into(), "token".into()), 7)])
        );
    }
}
