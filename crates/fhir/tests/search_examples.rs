//! The official examples of R4 against the search parameters: what an example has a value for is found. Needs the
//! shared folder (`TEJIDO_SHARED`, else `../shared` beside the workspace); says so and passes without it.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod examples;

use examples::{EXAMPLES, type_of};
use fhir::{
    Value,
    search::{
        Entry, IDENTIFIER, Indexed, Kind, SearchParameter, extract, parameters, patients,
        references,
    },
};
use std::collections::BTreeMap;

/// Whether a resource has something to index at the places an expression names: a second, much simpler reading of it,
/// by text, that knows of conditions only what must stand in the JSON of the element.
fn has_value(parameter: &SearchParameter, resource: &Value) -> bool {
    parameter.expression.split(" | ").any(|part| {
        let (path, cast) = match part.split_once(" as ").or_else(|| part.split_once(".as(")) {
            Some((path, cast)) => (path, Some(cast.trim_end_matches(')'))),
            None => (part, None),
        };
        let (path, needle) = match path.split_once(".where(") {
            Some((path, rest)) => (
                format!("{path}{}", rest.rsplit_once(')').unwrap().1),
                needle(rest),
            ),
            None => (path.to_owned(), String::new()),
        };
        let steps = path.trim_start_matches('(').split('.').skip(1);
        let steps: Vec<&str> = steps.map(|step| step.trim_end_matches("[0]")).collect();
        stands(resource, &steps, cast, &needle, parameter.kind)
    })
}

/// What the JSON of an element has when a condition holds: `system='phone'` or `resolve() is Patient`.
fn needle(condition: &str) -> String {
    match condition.split_once("='") {
        Some((key, rest)) => format!("\"{key}\":\"{}\"", rest.split('\'').next().unwrap()),
        None => {
            let of = condition.rsplit_once("resolve() is ");
            of.map_or(String::new(), |(_, of)| {
                format!("{}/", of.trim_end_matches(')'))
            })
        }
    }
}

fn stands(value: &Value, steps: &[&str], cast: Option<&str>, needle: &str, kind: Kind) -> bool {
    match (value, steps) {
        (Value::Array(items), _) => items
            .iter()
            .any(|item| stands(item, steps, cast, needle, kind)),
        // A reference to a contained resource, or in words alone, is nothing to search for.
        (Value::Object(object), []) if kind == Kind::Reference => {
            let text = object.get("reference").and_then(Value::as_str);
            object.get("resourceType").is_some()
                || text.is_some_and(|t| !t.starts_with('#') && t.contains(needle))
        }
        (_, []) => true,
        (Value::Object(object), [step, rest @ ..]) => object.iter().any(|(key, member)| {
            let of = key.strip_prefix(step);
            let named = of.is_some_and(|of| match cast {
                Some(cast) if rest.is_empty() => of.eq_ignore_ascii_case(cast),
                _ => of.is_empty() || (rest.is_empty() && TYPES.contains(&of)),
            });
            let holds = rest.len() > 1 || kind == Kind::Reference && rest.is_empty() || {
                let mut items = member.items().iter().chain([member]);
                items.any(|item| item.to_string().contains(needle))
            };
            named && holds && stands(member, rest, cast, needle, kind)
        }),
        _ => false,
    }
}

/// Types of choices that some kind of parameter reads.
const TYPES: [&str; 9] = [
    "DateTime",
    "Period",
    "Timing",
    "Instant",
    "CodeableConcept",
    "Reference",
    "Quantity",
    "Coding",
    "Uri",
];

fn is_of(kind: Kind, entry: &Entry) -> bool {
    matches!(
        (kind, &entry.value),
        (Kind::Number, Indexed::Number { .. })
            | (Kind::Date, Indexed::Date { .. })
            | (Kind::String, Indexed::Text { .. })
            | (Kind::Token, Indexed::Token { .. })
            | (Kind::Reference, Indexed::Reference(_))
            | (Kind::Quantity, Indexed::Quantity { .. })
            | (Kind::Uri, Indexed::Uri(_))
            | (Kind::Composite, Indexed::Composite(_))
            | (Kind::Special, Indexed::Position { .. })
    )
}

/// Parameters for which the simple reading sees something and the real one rightly finds nothing to index.
const NOTHING_TO_INDEX: &[(&str, &str)] = &[
    // Composed of a contained resource.
    ("ActivityDefinition", "composed-of"),
    // An identifier without system and value.
    ("MolecularSequence", "identifier"),
];

#[test]
fn what_an_example_has_a_value_for_is_found() {
    let mut seen = BTreeMap::<(&str, &str), (usize, usize)>::new();
    for resource in EXAMPLES.iter() {
        let Some(of) = type_of(resource) else {
            continue;
        };
        let entries = extract(of, resource);
        for parameter in parameters(of).into_iter().filter(|p| is_extracted(p)) {
            let own = entries.iter().filter(|e| e.number == parameter.number);
            let (mut found, mut wrong) = (0, 0);
            own.for_each(|entry| {
                if is_of(parameter.kind, entry) {
                    found += 1
                } else {
                    wrong += 1
                }
            });
            assert_eq!(
                wrong, 0,
                "{of} {}: an entry of another kind",
                parameter.code
            );
            let counts = seen.entry((of.name(), parameter.code)).or_default();
            counts.1 += usize::from(found > 0);
            // What a composite finds is the work of its components.
            if counts.1 == 0 && parameter.kind != Kind::Composite {
                counts.0 += usize::from(has_value(parameter, resource));
            }
        }
    }
    let missed: Vec<_> = seen
        .iter()
        .filter(|(name, (there, found))| {
            *there > 0 && *found == 0 && !NOTHING_TO_INDEX.contains(name)
        })
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
    let found = seen.values().filter(|(_, found)| *found > 0).count();
    println!(
        "{} examples, {} uses of parameters, {found} found",
        EXAMPLES.len(),
        seen.len()
    );
    assert!(EXAMPLES.is_empty() || found > 1_000);
}

fn is_extracted(parameter: &SearchParameter) -> bool {
    parameter.indexed() && !matches!(parameter.code, "_id" | "_lastUpdated")
}

#[test]
fn what_is_found_is_in_order_once_and_the_same_each_time() {
    for resource in EXAMPLES.iter() {
        let Some(of) = type_of(resource) else {
            continue;
        };
        let entries = extract(of, resource);
        assert_eq!(entries, extract(of, resource));
        assert!(entries.is_sorted_by_key(|e| e.number));
        assert!(entries.windows(2).all(|pair| pair[0] != pair[1]));
        let known: Vec<u16> = parameters(of).iter().map(|p| p.number).collect();
        assert!(
            entries
                .iter()
                .all(|e| known.contains(&(e.number & !IDENTIFIER)))
        );
        let all = references(resource);
        for id in patients(of, resource) {
            let text = format!("Patient/{id}");
            let stands = all
                .iter()
                .any(|(r, _)| r.split("/_history/").next() == Some(&text));
            assert!(of.name() == "Patient" || stands, "{of}: {text}");
        }
    }
}
