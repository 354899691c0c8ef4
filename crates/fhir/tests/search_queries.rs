//! The official examples of R4 against searches made of their own values: for every parameter that an example has a value
//! for, in every kind and with the modifiers of the kind, the search is understood and finds the example.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod examples;

use examples::{EXAMPLES, type_of};
use fhir::{
    ResourceType, Value,
    query::{self, Condition, Handling},
    search::{CANONICAL, Catalog, Entry, IDENTIFIER, Indexed, Kind, SearchParameter, words},
};
use std::collections::{BTreeMap, BTreeSet};

/// A parameter as a search names it, modifier included, and a value; or why there is none.
type Asked = Result<(String, String), &'static str>;

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn day(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap();
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

/// The coarsest way to name a span that still holds all of it; or where it begins or ends, for what is longer.
fn date(from: i64, to: i64) -> String {
    if from == i64::MIN {
        return format!("le{}", day(to));
    }
    let (first, last) = (
        day(from),
        if to == i64::MAX {
            String::new()
        } else {
            day(to)
        },
    );
    let together = [10, 7, 4]
        .into_iter()
        .find(|n| first.get(..*n) == last.get(..*n));
    match together {
        Some(length) => first[..length].to_owned(),
        None => format!("ge{first}"),
    }
}

fn number(value: f64) -> String {
    let plain = value.to_string();
    if plain.len() < 20 {
        plain
    } else {
        format!("{value:e}")
    }
}

/// How a search asks for a value, without modifier.
fn plainly(value: &Indexed, parameter: &SearchParameter) -> Result<String, &'static str> {
    Ok(match value {
        Indexed::Text { exact, .. } => escaped(exact),
        Indexed::Token { system, code, .. } => match (system.as_str(), code.as_str()) {
            ("", "") => return Err("a token of text alone"),
            ("", code) if parameter.boolean => code.to_owned(),
            ("", code) => format!("|{}", escaped(code)),
            (system, "") => format!("{}|", escaped(system)),
            (system, code) => format!("{}|{}", escaped(system), escaped(code)),
        },
        Indexed::Reference(name) => {
            let of = name.split('/').next().unwrap_or_default();
            if !name.contains(':') && !parameter.targets.contains(&of) {
                return Err("a reference to a type that the parameter does not point to");
            }
            let id = name.rsplit('/').next().unwrap_or_default();
            let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
            let is_id = (1..=64).contains(&id.len()) && id.bytes().all(letters);
            if !name.contains(':') && (!is_id || name.split('/').count() != 2) {
                return Err("a reference that is no Type/id");
            }
            escaped(name)
        }
        Indexed::Date { from, to } => date(*from, *to),
        Indexed::Number { value } => number(*value),
        Indexed::Quantity {
            value,
            system,
            code,
        } => {
            let system = match system.as_str() {
                CANONICAL => "http://unitsofmeasure.org",
                system => system,
            };
            match code.as_str() {
                "" => number(*value),
                code => format!("{}|{}|{}", number(*value), escaped(system), escaped(code)),
            }
        }
        Indexed::Uri(uri) => escaped(uri),
        Indexed::Composite(parts) => {
            let parts = parts.iter().zip(parameter.components);
            let parts: Result<Vec<String>, _> = parts
                .map(|(part, component)| plainly(part, component))
                .collect();
            parts?.join("$")
        }
        Indexed::Position { lat, lon } => format!("{lat}|{lon}|1|km"),
    })
}

/// All searches that an entry must answer.
fn searches(parameter: &SearchParameter, entry: &Entry) -> Vec<Asked> {
    let with = |modifier: &str, value: String| Ok((format!("{}{modifier}", parameter.code), value));
    let plain = || plainly(&entry.value, parameter).and_then(|value| with("", value));
    if entry.number & IDENTIFIER != 0 {
        let Indexed::Token { system, code, .. } = &entry.value else {
            panic!("{entry:?}")
        };
        return vec![match parameter.kind {
            Kind::Token => {
                let (of, value) = code.split_once('|').unwrap();
                let value = format!("{}|{}|{}", escaped(system), escaped(of), escaped(value));
                with(":of-type", value)
            }
            _ => plainly(&entry.value, parameter).and_then(|value| with(":identifier", value)),
        }];
    }
    match &entry.value {
        Indexed::Text { folded, exact } if parameter.of_words() => {
            assert_eq!(exact, "");
            let words: Vec<&str> = folded.split(' ').collect();
            let middle = words[words.len() / 2];
            vec![
                with("", format!("\"{}\"", words[..words.len().min(3)].join(" "))),
                with("", format!("\"{middle}\" \"{}\"", words[0])),
            ]
        }
        Indexed::Text { folded, exact } => {
            let last = folded.rsplit(' ').next().unwrap();
            vec![
                plain(),
                with(":exact", escaped(exact)),
                with(":contains", escaped(last)),
                with(":missing", "false".into()),
            ]
        }
        Indexed::Token { text, .. } => {
            let mut all = vec![plain()];
            if !text.is_empty() {
                all.push(with(":text", escaped(text)));
            }
            all
        }
        Indexed::Uri(uri) => {
            let above = format!("{}/part", uri.trim_end_matches('/'));
            let mut all = vec![plain(), with(":above", escaped(&above))];
            if let Some((root, _)) = uri.rsplit_once('/') {
                all.push(with(":below", escaped(root)));
            }
            all
        }
        Indexed::Quantity { value, .. } => {
            let value = number(*value);
            vec![plain(), with("", format!("ge{value},le{value}"))]
        }
        Indexed::Number { value } => vec![plain(), with("", format!("ge{}", number(*value)))],
        _ => vec![plain()],
    }
}

/// All that is known of a resource, with what the store knows.
fn known(catalog: &Catalog, of: ResourceType, resource: &Value) -> Vec<Entry> {
    let mut entries = catalog.extract(of, resource);
    entries.extend(words(of, resource));
    let number = |code: &str| catalog.parameter(of, code).unwrap().number;
    if let Some(id) = resource.text("id") {
        entries.push(Entry {
            number: number("_id"),
            value: Indexed::Token {
                system: String::new(),
                code: id.to_owned(),
                text: String::new(),
            },
        });
    }
    if let Some(span) = resource.text("meta.lastUpdated").and_then(fhir::time::span) {
        entries.push(Entry {
            number: number("_lastUpdated"),
            value: Indexed::Date {
                from: span.from,
                to: span.to,
            },
        });
    }
    entries
}

fn ask(parameter: &SearchParameter, entry: &Entry) -> Vec<Asked> {
    match (parameter.code, &entry.value) {
        ("_id", Indexed::Token { code, .. }) if code.len() > 64 => {
            vec![Err("an id longer than FHIR allows")]
        }
        ("_id", Indexed::Token { code, .. }) => vec![Ok(("_id".into(), code.clone()))],
        _ => searches(parameter, entry),
    }
}

#[test]
fn every_value_of_an_example_finds_it() {
    let catalog = Catalog::r4();
    let mut covered = BTreeSet::<(&str, &str)>::new();
    let mut kinds = BTreeMap::<&str, BTreeSet<(&str, &str)>>::new();
    let mut not_asked = BTreeMap::<(&str, &str), &str>::new();
    let mut asked = 0;
    for resource in EXAMPLES.iter() {
        let Some(of) = type_of(resource) else {
            continue;
        };
        let entries = known(&catalog, of, resource);
        for parameter in catalog.parameters(of).into_iter().filter(|p| p.supported()) {
            let own = |entry: &&Entry| entry.number & !IDENTIFIER == parameter.number;
            // Lists of hundreds of values say no more than their first dozen.
            for entry in entries.iter().filter(own).take(12) {
                for search in ask(parameter, entry) {
                    let name = (of.name(), parameter.code);
                    let (code, value) = match search {
                        Ok(pair) => pair,
                        Err(reason) => {
                            not_asked.entry(name).or_insert(reason);
                            continue;
                        }
                    };
                    let told = format!("{of}?{code}={value}");
                    let query = query::parse(&catalog, of, &[(code, value)], Handling::Strict)
                        .unwrap_or_else(|issues| panic!("{told}: {issues:?}"));
                    let found = query.conditions.iter().all(|condition: &Condition| {
                        let beyond = &mut |other: &Condition| panic!("{told}: {other:?}");
                        condition.holds::<()>(&entries, beyond).unwrap()
                    });
                    assert!(found, "{told} does not find {entry:?}");
                    covered.insert(name);
                    kinds.entry(parameter.kind.name()).or_default().insert(name);
                    asked += 1;
                }
            }
        }
    }
    if EXAMPLES.is_empty() {
        return;
    }
    let all: BTreeSet<(&str, &str)> = ResourceType::all()
        .flat_map(|of| {
            let all = catalog.parameters(of).into_iter().filter(|p| p.supported());
            all.map(move |parameter| (of.name(), parameter.code))
        })
        .collect();
    let own = |name: &&(&str, &str)| !name.1.starts_with('_');
    println!(
        "{} examples, {asked} searches: {} of {} parameters of types covered ({} of {} without those of every type)",
        EXAMPLES.len(),
        covered.len(),
        all.len(),
        covered.iter().filter(own).count(),
        all.iter().filter(own).count(),
    );
    for (kind, names) in &kinds {
        println!("  {kind}: {}", names.len());
    }
    for (name, reason) in not_asked
        .iter()
        .filter(|(name, _)| !covered.contains(*name))
    {
        println!("  not asked, {}?{}: {reason}", name.0, name.1);
    }
    let without: Vec<String> = all
        .iter()
        .filter(own)
        .filter(|name| !covered.contains(*name) && !not_asked.contains_key(*name))
        .map(|(of, code)| format!("{of}.{code}"))
        .collect();
    println!(
        "  {} that no example has a value for: {}",
        without.len(),
        without.join(" ")
    );
    // Every component has a value somewhere, but no example has all of them together in a form that can be asked for.
    let apart = [
        // Texts without a code beside their codes.
        ("ConceptMap", "context-type-value"),
        ("Group", "characteristic-value"),
        ("Measure", "context-type-value"),
        // The one with a chromosome has no variant.
        ("MolecularSequence", "chromosome-variant-coordinate"),
    ];
    let lonely: Vec<(&str, &str)> = all
        .iter()
        .copied()
        .filter(|(of, code)| {
            let parameter = catalog
                .parameter(ResourceType::from_name(of).unwrap(), code)
                .unwrap();
            let part = |part: &SearchParameter| covered.contains(&(*of, part.code));
            !covered.contains(&(*of, *code))
                && !parameter.components.is_empty()
                && parameter.components.iter().all(part)
        })
        .collect();
    assert_eq!(lonely, apart);
    assert_eq!(kinds.len(), 9, "every kind is covered: {:?}", kinds.keys());
    assert!(covered.iter().filter(own).count() > 1_000);
}
