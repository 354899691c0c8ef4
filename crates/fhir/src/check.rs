//! Does a value have the structure that R4 gives its type?

use crate::{Issue, ResourceType, Value};

/// Checks a resource against the base definitions of R4: known type, known elements, JSON types, cardinalities, the
/// form of primitives (id, date, instant, uri, code...), required bindings, choice elements once, reference form,
/// `id` form. Returns its type, or every issue found (at most 50), each with its path.
///
/// Not checked here: profiles and invariants (they come with `$validate`).
pub fn check(_resource: &Value) -> Result<ResourceType, Vec<Issue>> {
    unimplemented!()
}
