//! What the archive does not look up yet is refused in words, never answered as if nothing had been found.

use super::conditions::not_yet;
use crate::Result;
use fhir::{
    query::{Condition, Modifier, Query},
    search::Kind,
};

/// Refuses what would be answered wrongly.
pub(crate) fn able(query: &Query) -> Result<()> {
    let mut includes = query.include.iter().chain(&query.revinclude);
    let sorts = |kind: Kind, code: &str| kind == Kind::Date || code == "_id";
    let mut keys = query.sort.iter().map(|sort| sort.parameter);
    let known = query.conditions.iter().all(condition)
        && includes.all(|include| include.parameter.is_some() && !include.iterate)
        && keys.all(|parameter| sorts(parameter.kind, parameter.code));
    match known {
        true => Ok(()),
        false => Err(not_yet()),
    }
}

fn condition(condition: &Condition) -> bool {
    match condition {
        Condition::Is(clause) => {
            let hierarchy = clause.parameter.kind == Kind::Reference
                && matches!(clause.modifier, Modifier::Above | Modifier::Below);
            !clause.parameter.of_words() && !hierarchy
        }
        Condition::Refers { targets, .. } => {
            targets.iter().all(|(_, there)| self::condition(there))
        }
        _ => false,
    }
}
