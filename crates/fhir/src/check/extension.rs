//! Extensions: a value, or extensions of their own.

use super::{Walk, place::Place};
use crate::{IssueCode, Object, definitions::table::Node};

impl Walk<'_> {
    /// Rule `ext-1`, which is part of the structure: what has neither says nothing, what has both says two things.
    pub(super) fn extension(
        &mut self,
        node: &Node,
        extension: &Object,
        filled: u64,
        place: &Place<'_>,
    ) {
        let has_value = filled & node.choices != 0;
        let nested = extension.get("extension").is_some();
        if has_value == nested {
            self.wrong(IssueCode::Structure, place, || {
                let found = if nested { "both" } else { "neither" };
                format!("found {found}; expected a value[x] or nested extensions, one of the two")
            });
        }
    }
}
