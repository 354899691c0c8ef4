//! Words for issues: what was found, and what was probably meant.

use crate::{ResourceType, Value, definitions::table::Node};

/// Characters of a found text that are repeated.
const SHOWN: usize = 60;
/// Names listed when none is near.
const LISTED: usize = 12;

/// What was found, in few words.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(digits) => format!("the number {}", short(digits)),
        Value::String(text) => quoted(text),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
    }
}

/// A text in quotes, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", short(text).escape_debug())
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The first of some names, with a mark when there are more.
pub(crate) fn listed<T: AsRef<str>>(names: impl Iterator<Item = T>, most: usize) -> String {
    let mut out = String::new();
    for (i, name) in names.enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if i == most {
            out.push_str("...");
            break;
        }
        out.push_str(name.as_ref());
    }
    out
}

/// For a member that the node does not have.
pub(crate) fn unknown_element(node: &Node, name: &str) -> String {
    let found = format!("{} has no element {}", node.path, quoted(name));
    let bare = name.strip_prefix('_').unwrap_or(name);
    if node.element(bare).is_some() {
        return format!("{found}: only primitive values have a `_` member beside them");
    }
    let choice = node.slots.iter().find(|slot| {
        let stem = slot.strip_suffix("[x]");
        stem.is_some_and(|stem| bare.starts_with(stem))
    });
    if let Some(choice) = choice {
        let slot = node.slots.iter().position(|s| s == choice);
        let spelled = node
            .elements()
            .iter()
            .filter(|e| Some(usize::from(e.slot)) == slot)
            .map(|e| e.name);
        return format!("{found}; {choice} can be {}", listed(spelled, LISTED));
    }
    match nearest(bare, node.elements().iter().map(|e| e.name)) {
        Some(near) => format!("{found}; did you mean `{near}`?"),
        None => format!(
            "{found}; it has {}",
            listed(node.slots.iter().rev(), LISTED)
        ),
    }
}

/// For a `resourceType` that is missing or names nothing in R4.
pub(crate) fn unknown_type(found: Option<&Value>) -> String {
    match found {
        None => {
            "resourceType is missing; expected the name of an R4 type, as in \"Patient\"".into()
        }
        Some(Value::String(name)) => {
            let near = nearest(name, ResourceType::all().map(ResourceType::name));
            let near = near.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
            format!("R4 has no resource type {}{near}", quoted(name))
        }
        Some(other) => format!(
            "resourceType is {}; expected the name of an R4 type, as in \"Patient\"",
            shown(other)
        ),
    }
}

/// The name that differs least, when it differs in two letters or less (or only in case).
fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > SHOWN {
        return None;
    }
    let most = if name.len() < 5 { 1 } else { 2 };
    among
        .map(|other| (difference(name, other), other))
        .filter(|(by, _)| *by <= most)
        .min_by_key(|(by, _)| *by)
        .map(|(_, other)| other)
}

/// Letters to insert, delete or replace; case does not count.
fn difference(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let here = (diagonal + usize::from(x != y))
                .min(left + 1)
                .min(*slot + 1);
            diagonal = *slot;
            *slot = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or(0)
}
