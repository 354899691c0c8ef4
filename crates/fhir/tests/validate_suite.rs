//! The R4 cases of `fhir-test-cases` against our validator, compared with the outcomes of HL7's Java validator: the
//! same number of errors, at the same places. What differs stands by name in `validate_suite.tsv`, each with the class
//! of its reason and what it comes to in this case; the test fails when one more differs, when a listed one agrees, and
//! when one stands there without a reason.
//!
//! Only cases that need no package from elsewhere are run. XML is turned into the JSON it stands for, so those whose point
//! is XML itself (or that our small reader of XML cannot read) are left out.
//! Needs the shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.
//! `TEJIDO_SUITE=name` prints one case in full; `TEJIDO_SUITE_DIFFERENCES=1` prints what differs, a line for each case.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

// The suites of expressions and patches use more of it.
#[allow(dead_code)]
mod xml;

use fhir::{
    Validator, Value, json,
    validate::{Options, UnknownExtension},
};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::PathBuf,
};

type Files = HashMap<String, Vec<u8>>;

fn suite() -> Option<Files> {
    let shared = std::env::var_os("TEJIDO_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/suites/fhir-test-cases@2dee8a0.tar.zst");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    let mut files = HashMap::new();
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some((_, name)) = path.split_once("validator/") else {
            continue;
        };
        let known = name.ends_with(".json") || name.ends_with(".xml");
        let wanted = known && !name.starts_with("outcomes/firely");
        if wanted && entry.header().entry_type().is_file() {
            let name = name.to_owned();
            let mut text = Vec::new();
            entry.read_to_end(&mut text).unwrap();
            files.insert(name, text);
        }
    }
    Some(files)
}

fn read(text: &[u8]) -> Result<Value, json::Error> {
    json::parse(text, &json::Limits::default())
}

/// A resource in JSON or XML; `None` when it cannot be read.
fn resource(name: &str, text: &[u8]) -> Option<Value> {
    if name.ends_with(".json") {
        return read(text).ok();
    }
    let text = std::str::from_utf8(text).ok()?;
    std::panic::catch_unwind(|| xml::resource(&xml::read(text))).ok()
}

/// Places of errors, in order: `Patient.name[0]`.
type Places = Vec<String>;

/// A case: what is validated, by what, and what must come out.
struct Case {
    name: String,
    file: String,
    definitions: Vec<String>,
    profile: Option<String>,
    outcome: String,
}

fn cases(files: &Files) -> Vec<Case> {
    let manifest = read(&files["manifest.json"]).unwrap();
    let mut cases = Vec::new();
    for case in manifest.list("test-cases") {
        let text = |key| case.text(key).unwrap_or_default().to_owned();
        let list = |key| {
            let items = case.list(key).iter().filter_map(Value::as_str);
            items.map(str::to_owned).collect::<Vec<_>>()
        };
        if !text("version").starts_with("4.0") || !list("packages").is_empty() {
            continue;
        }
        if matches!(
            case.text("module"),
            Some("cda" | "cdshooks" | "shc" | "json5" | "matchetype" | "package-versioning")
        ) {
            continue;
        }
        let mut definitions = list("supporting");
        definitions.extend(list("profiles"));
        if case.get("logical").is_some() || case.get("language").is_some() {
            continue;
        }
        cases.push(Case {
            name: text("name"),
            file: text("file"),
            definitions: definitions.clone(),
            profile: None,
            outcome: text("java"),
        });
        if let Some(profile) = case.get("profile") {
            definitions.extend(
                ["supporting", "profiles"]
                    .iter()
                    .flat_map(|key| profile.list(key))
                    .filter_map(|v| v.as_str().map(str::to_owned)),
            );
            let Some(source) = profile.text("source") else {
                continue;
            };
            definitions.push(source.to_owned());
            cases.push(Case {
                name: format!("{} (profile)", text("name")),
                file: text("file"),
                definitions,
                profile: Some(source.to_owned()),
                outcome: profile.text("java").unwrap_or_default().to_owned(),
            });
        }
    }
    // What cannot be read here is not judged.
    cases.retain(|case| {
        let in_json = case.file.ends_with(".json");
        (in_json
            || files
                .get(&case.file)
                .is_some_and(|text| resource(&case.file, text).is_some()))
            && case.definitions.iter().all(|d| files.contains_key(d))
            && files.contains_key(&format!("outcomes/{}", case.outcome))
    });
    cases
}

/// `a/*Patient/1*/.value.ofType(Quantity)` is `a.valueQuantity` in ours.
fn plain(place: &str) -> String {
    let mut out = String::new();
    let mut rest = place;
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    while let Some((before, after)) = out.clone().split_once("[url='") {
        out = format!(
            "{before}{}",
            after.split_once("']").map_or("", |(_, rest)| rest)
        );
    }
    while let Some((before, after)) = out.clone().split_once(".ofType(") {
        let (of, rest) = after.split_once(')').unwrap_or((after, ""));
        let (first, others) = of.split_at(of.len().min(1));
        out = format!("{before}{}{others}{rest}", first.to_uppercase());
    }
    out
}

fn expected(outcome: &Value) -> Places {
    let issues = outcome.list("issue").iter();
    let errors = issues.filter(|i| matches!(i.text("severity"), Some("error" | "fatal")));
    let mut places: Places = errors
        .map(|i| plain(i.text("expression.0").unwrap_or_default()))
        .collect();
    places.sort();
    places
}

/// Extensions that the Java validator lets pass without knowing them.
fn is_example(text: &str) -> bool {
    // The last two: it has the extensions of later versions beside those of R4.
    let known = [
        "example.org",
        "acme.com",
        "nema.org",
        "hl7.org/fhir/tools/",
        "http://hl7.org/fhir/5.0/",
        "http://hl7.org/fhir/StructureDefinition/",
    ];
    let unknown = text.contains("is not known here");
    unknown && known.iter().any(|known| text.contains(known))
}

/// Our errors: places and what they say.
fn errors(case: &Case, files: &Files, loud: bool) -> Vec<(String, String)> {
    let Some(subject) = resource(&case.file, &files[&case.file]) else {
        return vec![(String::new(), "it cannot be read".into())];
    };
    let definitions: Vec<Value> = case
        .definitions
        .iter()
        .filter_map(|name| resource(name, &files[name]))
        .flat_map(|value| match value.text("resourceType") {
            Some("Bundle") => value
                .list("entry")
                .iter()
                .filter_map(|e| e.get("resource").cloned())
                .collect(),
            _ => vec![value],
        })
        .collect();
    let mut validator = Validator::r4();
    for definition in &definitions {
        match validator.with(definition) {
            Ok(with) => validator = with,
            Err(issues) if loud => println!("  not loaded: {issues:?}"),
            Err(_) => {}
        }
    }
    let profile = case
        .profile
        .as_ref()
        .and_then(|name| resource(name, &files[name])?.text("url").map(str::to_owned));
    let profiles: Vec<&str> = profile.iter().map(String::as_str).collect();
    let options = Options {
        unknown_extensions: UnknownExtension::Error,
        ..Options::default()
    };
    let mut errors = Vec::new();
    for issue in validator.validate(&subject, &profiles, options) {
        if loud {
            println!(
                "  ours: {} {}: {}",
                issue.severity, issue.expression, issue.diagnostics
            );
        }
        let passes = issue.code == fhir::IssueCode::Extension && is_example(&issue.diagnostics);
        if issue.is_error() && !passes {
            errors.push((plain(&issue.expression), issue.diagnostics));
        }
    }
    errors
}

fn found(case: &Case, files: &Files, loud: bool) -> Places {
    let mut places: Places = errors(case, files, loud)
        .into_iter()
        .map(|(place, _)| place)
        .collect();
    places.sort();
    places
}

/// What one of the two says and the other does not, with the first words of it.
fn difference(case: &Case, outcome: &Value, files: &Files) -> String {
    let theirs = outcome.list("issue").iter();
    let theirs = theirs.filter(|i| matches!(i.text("severity"), Some("error" | "fatal")));
    let theirs: Vec<(String, String)> = theirs
        .map(|i| {
            let text = |path| i.text(path).unwrap_or_default().to_owned();
            (plain(&text("expression.0")), text("details.text"))
        })
        .collect();
    let ours = errors(case, files, false);
    let only = |these: &[(String, String)], those: &[(String, String)]| {
        let mut left: Vec<&str> = those.iter().map(|(place, _)| place.as_str()).collect();
        let mut only = Vec::new();
        for (place, text) in these {
            match left.iter().position(|known| known == place) {
                Some(at) => drop(left.swap_remove(at)),
                None => {
                    let text: String = text.chars().take(110).collect();
                    only.push(format!("{place}: {}", text.replace(['\t', '\n'], " ")));
                }
            }
        }
        only
    };
    let (java, here) = (only(&theirs, &ours), only(&ours, &theirs));
    let said = |whose: &str, all: Vec<String>| {
        let more = all.len().saturating_sub(2);
        let mut said: Vec<String> = all.into_iter().take(2).collect();
        if more > 0 {
            said.push(format!("and {more} more"));
        }
        (!said.is_empty()).then(|| format!("{whose} only: {}", said.join("; ")))
    };
    let both = [said("java", java), said("ours", here)];
    both.into_iter().flatten().collect::<Vec<_>>().join(" | ")
}

#[test]
fn errors_stand_where_the_java_validator_finds_them() {
    let Some(files) = suite() else { return };
    // What the small reader of XML cannot read is left out, and need not be told.
    std::panic::set_hook(Box::new(|_| {}));
    let all = cases(&files);
    let _ = std::panic::take_hook();
    let only = std::env::var("TEJIDO_SUITE").ok();
    let known: BTreeMap<&str, &str> = include_str!("validate_suite.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
        .collect();
    let differences = std::env::var_os("TEJIDO_SUITE_DIFFERENCES").is_some();
    for (name, told) in &known {
        let (class, reason) = told.split_once('\t').unwrap_or((told, ""));
        let explained = !class.is_empty() && !reason.is_empty();
        assert!(explained || differences, "{name}: say why");
    }
    let (mut count, mut equal, mut verdicts) = (0, 0, 0);
    let mut wrong = Vec::new();
    for case in all {
        if only
            .as_ref()
            .is_some_and(|only| !case.name.starts_with(only.as_str()))
        {
            continue;
        }
        let outcome = read(&files[&format!("outcomes/{}", case.outcome)]).unwrap();
        let (expected, found) = (expected(&outcome), found(&case, &files, only.is_some()));
        if only.is_some() {
            for issue in outcome.list("issue") {
                let text = issue.text("details.text").unwrap_or_default();
                println!(
                    "  java: {} {}: {text}",
                    issue.text("severity").unwrap_or_default(),
                    plain(issue.text("expression.0").unwrap_or_default())
                );
            }
        }
        if differences && expected != found {
            println!("{}\t{}", case.name, difference(&case, &outcome, &files));
        }
        count += 1;
        verdicts += usize::from(expected.is_empty() == found.is_empty());
        equal += usize::from(expected == found);
        match (expected == found, known.contains_key(case.name.as_str())) {
            (true, true) => wrong.push(format!("{}: agrees now; take it off the list", case.name)),
            (false, false) => wrong.push(format!(
                "{}\n  java {expected:?}\n  ours {found:?}",
                case.name
            )),
            _ => {}
        }
    }
    println!("{count} cases: {equal} agree in number and places, {verdicts} in the verdict");
    assert!(only.is_some() || wrong.is_empty(), "{}", wrong.join("\n"));
}
