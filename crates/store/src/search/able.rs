//! What the archive does not look up yet is refused in words, never answered as if nothing had been found.

use crate::{Error, Result};
use fhir::{
    query::{Condition, Modifier, Query},
    search::Kind,
};

/// Refuses what would be answered wrongly: what stands above or below a resource by its references.
pub(crate) fn able(query: &Query) -> Result<()> {
    match query.conditions.iter().all(condition) {
        true => Ok(()),
        false => Err(Error::Invalid {
            expression: String::new(),
            diagnostics: "The archive does not follow `:above` and `:below` on references yet; name the resources.".into(),
        }),
    }
}

fn condition(condition: &Condition) -> bool {
    match condition {
        Condition::Is(clause) => {
            clause.parameter.kind != Kind::Reference
                || !matches!(clause.modifier, Modifier::Above | Modifier::Below)
        }
        Condition::Refers { targets, .. } => {
            targets.iter().all(|(_, there)| self::condition(there))
        }
        Condition::Referred { condition, .. } | Condition::Not(condition) => {
            self::condition(condition)
        }
        Condition::All(parts) | Condition::Any(parts) => parts.iter().all(self::condition),
        Condition::Listed(_) => true,
    }
}
