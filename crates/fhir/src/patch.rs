//! Changing a resource by a patch: the resource and the patch in, the changed resource out, or what is wrong and where.
//!
//! [`json`] is JSON Patch (RFC 6902), [`merge`] is JSON Merge Patch (RFC 7396),
//! [`fhirpath`] is FHIRPath Patch (<http://hl7.org/fhir/R4/fhirpatch.html>). Both are
//! pure, and all or nothing. XML Patch (RFC 5261) has no place here: it is made of XPath over XML, which we do not take.
//!
//! The result is JSON, not yet a resource: whoever stores it runs [`crate::check`] on it and [`kept`], which refuses a
//! patch that made it another resource. Operations, and what they copy, are bounded.

mod fhirpath_patch;
mod json_patch;
mod merge;
mod place;
#[cfg(test)]
mod tests;

pub use fhirpath_patch::fhirpath;
pub use json_patch::json;
pub use merge::merge;

use crate::{Issue, IssueCode, Value};

/// Most operations of one patch.
const MOST_OPERATIONS: usize = 1_000;
/// Deepest nesting that a patch may build; what [`crate::json::Limits`] takes by default.
const DEEPEST: usize = 64;
/// Most values (members, items) that the operations of one patch may copy.
const MOST_COPIED: usize = 100_000;

/// Refuses a patch that changed the type or the id of a resource.
pub fn kept(before: &Value, after: &Value) -> Result<(), Issue> {
    for name in ["resourceType", "id"] {
        if before.get(name) != after.get(name) {
            let place = before.text("resourceType").unwrap_or_default();
            return Err(Issue::error(
                IssueCode::Invalid,
                format!("{place}.{name}"),
                format!("a patch cannot change the {name} of a resource"),
            ));
        }
    }
    Ok(())
}

/// How many values one is made of, and how deep it is; counting stops past the limits.
fn size(value: &Value) -> (usize, usize) {
    fn walk(value: &Value, level: usize, count: &mut usize, deepest: &mut usize) {
        *count += 1;
        *deepest = (*deepest).max(level);
        if level > DEEPEST || *count > MOST_COPIED {
            return;
        }
        match value {
            Value::Array(items) => items
                .iter()
                .for_each(|v| walk(v, level + 1, count, deepest)),
            Value::Object(object) => object
                .iter()
                .for_each(|(_, v)| walk(v, level + 1, count, deepest)),
            _ => {}
        }
    }
    let (mut count, mut deepest) = (0, 0);
    walk(value, 1, &mut count, &mut deepest);
    (count, deepest)
}
