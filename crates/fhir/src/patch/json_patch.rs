//! JSON Patch: RFC 6902, with JSON pointers of RFC 6901.

use super::{DEEPEST, MOST_COPIED, MOST_OPERATIONS, size};
use crate::{Issue, IssueCode, Object, Value, decimal::Decimal};

/// The document after all operations of the patch; the first that cannot be done stops it. The error's expression is the
/// operation's place in the patch, its text names the pointer.
///
/// A `test` that fails and a place that is not there are conflicts with the document; all else is an invalid patch.
pub fn json(document: &Value, patch: &Value) -> Result<Value, Issue> {
    let Value::Array(operations) = patch else {
        let reason = "a JSON Patch is an array of operations";
        return Err(Issue::error(IssueCode::Structure, "", reason));
    };
    if operations.len() > MOST_OPERATIONS {
        let reason = format!(
            "the patch has {} operations; the limit is {MOST_OPERATIONS}",
            operations.len()
        );
        return Err(Issue::error(IssueCode::TooLong, "", reason));
    }
    let mut document = document.clone();
    let mut copied = 0;
    for (at, operation) in operations.iter().enumerate() {
        apply(&mut document, operation, &mut copied)
            .map_err(|(code, reason)| Issue::error(code, format!("[{at}]"), reason))?;
    }
    Ok(document)
}

type Fault = (IssueCode, String);

fn invalid<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err((IssueCode::Invalid, reason.into()))
}

fn conflict<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err((IssueCode::Conflict, reason.into()))
}

fn apply(document: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), Fault> {
    let Value::Object(members) = operation else {
        return invalid("an operation is an object with `op` and `path`");
    };
    let text = |name: &str| match members.get(name) {
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => invalid(format!("`{name}` must be a text")),
        None => invalid(format!("`{name}` is missing")),
    };
    let value = || match members.get("value") {
        Some(value) => Ok(value),
        None => invalid("`value` is missing"),
    };
    let op = text("op")?;
    let path = Pointer::read(text("path")?)?;
    match op {
        "add" => add(document, &path, value()?.clone()),
        "remove" => remove(document, &path).map(drop),
        "replace" => {
            let new = value()?.clone();
            fits(&path, &new)?;
            *find_mut(document, &path)? = new;
            Ok(())
        }
        "move" => {
            let from = Pointer::read(text("from")?)?;
            if path.0.len() > from.0.len() && path.0.starts_with(&from.0) {
                return invalid(format!("`{from}` cannot be moved into itself"));
            }
            if path.0 == from.0 {
                return find(document, &from).map(drop);
            }
            let moved = remove(document, &from)?;
            add(document, &path, moved)
        }
        "copy" => {
            let from = Pointer::read(text("from")?)?;
            let copy = find(document, &from)?.clone();
            *copied += size(&copy).0;
            if *copied > MOST_COPIED {
                return Err((
                    IssueCode::TooLong,
                    format!("the patch copies more than {MOST_COPIED} values"),
                ));
            }
            add(document, &path, copy)
        }
        "test" => {
            let (wanted, found) = (value()?, find(document, &path)?);
            match equal(wanted, found) {
                true => Ok(()),
                false => conflict(format!("the test failed: `{path}` is another value")),
            }
        }
        other => invalid(format!(
            "`{other}` is no operation; there are add, remove, replace, move, copy and test"
        )),
    }
}

/// A JSON pointer: member names and places, unescaped.
#[derive(PartialEq)]
struct Pointer(Vec<String>);

impl Pointer {
    fn read(text: &str) -> Result<Pointer, Fault> {
        if text.is_empty() {
            return Ok(Pointer(Vec::new()));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return invalid(format!("the pointer `{text}` must begin with `/`"));
        };
        let part = |part: &str| {
            let bare = part.replace("~0", "").replace("~1", "");
            match bare.contains('~') {
                true => invalid(format!("in `{text}`, `~` must be followed by 0 or 1")),
                false => Ok(part.replace("~1", "/").replace("~0", "~")),
            }
        };
        let parts: Vec<String> = rest.split('/').map(part).collect::<Result<_, _>>()?;
        match parts.len() <= DEEPEST {
            true => Ok(Pointer(parts)),
            false => invalid(format!("the pointer has more than {DEEPEST} parts")),
        }
    }
    /// The pointer to what holds it, and its last part; `None` for the whole document.
    fn split(&self) -> Option<(&[String], &str)> {
        let (last, holder) = self.0.split_last()?;
        Some((holder, last))
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in &self.0 {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

/// A place in an array: digits without leading zeros.
fn place(part: &str) -> Option<usize> {
    let plain = part == "0" || !part.starts_with('0');
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (plain && digits).then(|| part.parse().ok()).flatten()
}

fn missing<T>(path: &Pointer) -> Result<T, Fault> {
    conflict(format!("there is nothing at `{path}`"))
}

fn find<'v>(document: &'v Value, path: &Pointer) -> Result<&'v Value, Fault> {
    let found = path.0.iter().try_fold(document, |value, part| match value {
        Value::Object(object) => object.get(part),
        Value::Array(items) => items.get(place(part)?),
        _ => None,
    });
    found.map_or_else(|| missing(path), Ok)
}

fn find_mut<'v>(document: &'v mut Value, path: &Pointer) -> Result<&'v mut Value, Fault> {
    descend(document, &path.0).map_or_else(|| missing(path), Ok)
}

fn descend<'v>(document: &'v mut Value, parts: &[String]) -> Option<&'v mut Value> {
    parts.iter().try_fold(document, |value, part| match value {
        Value::Object(object) => object.get_mut(part),
        Value::Array(items) => items.get_mut(place(part)?),
        _ => None,
    })
}

/// That a value does not grow the document past its depth.
fn fits(path: &Pointer, value: &Value) -> Result<(), Fault> {
    match path.0.len() + size(value).1 > DEEPEST {
        true => Err((
            IssueCode::TooLong,
            format!("at `{path}` the document would be nested deeper than {DEEPEST} levels"),
        )),
        false => Ok(()),
    }
}

fn add(document: &mut Value, path: &Pointer, value: Value) -> Result<(), Fault> {
    fits(path, &value)?;
    let Some((holder, last)) = path.split() else {
        *document = value;
        return Ok(());
    };
    match descend(document, holder) {
        Some(Value::Object(object)) => object.set(last, value),
        Some(Value::Array(items)) => {
            let at = match last {
                "-" => Some(items.len()),
                last => place(last).filter(|at| *at <= items.len()),
            };
            let Some(at) = at else {
                let reason = format!("`{path}` is no place in an array of {} items", items.len());
                return conflict(reason);
            };
            items.insert(at, value);
        }
        _ => {
            return conflict(format!(
                "nothing at `{path}` can be added to: what should hold it is not there"
            ));
        }
    }
    Ok(())
}

fn remove(document: &mut Value, path: &Pointer) -> Result<Value, Fault> {
    let Some((holder, last)) = path.split() else {
        return invalid("the whole document cannot be removed");
    };
    let removed = match descend(document, holder) {
        Some(Value::Object(object)) => object.remove(last),
        Some(Value::Array(items)) => place(last)
            .filter(|at| *at < items.len())
            .map(|at| items.remove(at)),
        _ => None,
    };
    removed.map_or_else(|| missing(path), Ok)
}

/// Equality of RFC 6902, section 4.6: numbers by value, members in any order.
fn equal(a: &Value, b: &Value) -> bool {
    let members = |a: &Object, b: &Object| {
        a.len() == b.len()
            && a.iter()
                .all(|(name, a)| b.get(name).is_some_and(|b| equal(a, b)))
    };
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => members(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Number(a), Value::Number(b)) => match (Decimal::read(a), Decimal::read(b)) {
            (Some(a), Some(b)) => a.order(b).is_eq(),
            _ => a == b,
        },
        (a, b) => a == b,
    }
}
