//! JSON Merge Patch: RFC 7396.

use super::DEEPEST;
use crate::{Issue, IssueCode, Object, Value};

/// The document with the members of the patch in it: an object is merged, `null` takes a member out, anything else takes
/// the place of what was there. Cost: linear in both.
pub fn merge(document: &Value, patch: &Value) -> Result<Value, Issue> {
    merged(Some(document), patch, 0)
}

fn merged(document: Option<&Value>, patch: &Value, level: usize) -> Result<Value, Issue> {
    if level > DEEPEST {
        let said = format!("the patch is nested deeper than {DEEPEST}");
        return Err(Issue::error(IssueCode::TooLong, "", said));
    }
    let Value::Object(members) = patch else {
        return Ok(patch.clone());
    };
    let mut whole = match document {
        Some(Value::Object(whole)) => whole.clone(),
        _ => Object::new(),
    };
    for (name, value) in members.iter() {
        if matches!(value, Value::Null) {
            whole.remove(name);
        } else {
            let new = merged(whole.get(name), value, level + 1)?;
            whole.set(name, new);
        }
    }
    Ok(Value::Object(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn read(text: &str) -> Value {
        json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
    }

    /// Appendix A of RFC 7396.
    #[test]
    fn the_examples_of_the_rfc() {
        let examples = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a":{"b":"c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, r#"null"#, r#"null"#),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            (r#"[1,2]"#, r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            (
                r#"{}"#,
                r#"{"a":{"bb":{"ccc":null}}}"#,
                r#"{"a":{"bb":{}}}"#,
            ),
        ];
        for (document, patch, result) in examples {
            let merged = merge(&read(document), &read(patch)).unwrap();
            assert_eq!(merged, read(result), "{document} {patch}");
        }
    }

    #[test]
    fn a_patch_that_is_too_deep_is_refused() {
        let mut deep = Value::Bool(true);
        for _ in 0..=DEEPEST {
            let mut object = Object::new();
            object.set("a", deep);
            deep = Value::Object(object);
        }
        assert!(merge(&read("{}"), &deep).is_err());
    }
}
