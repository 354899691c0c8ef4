//! Conditions as a tree.

use super::Condition;
use crate::ResourceType;

impl Condition {
    /// The name it is told by, without its values: `code`, `subject.name`, `_has`.
    pub fn name(&self) -> String {
        match self {
            Condition::Is(clause) => clause.parameter.code.to_owned(),
            Condition::Refers { parameter, targets } => {
                let there = targets.first().map(|(_, there)| there.name());
                format!("{}.{}", parameter.code, there.unwrap_or_default())
            }
            Condition::Referred { .. } => "_has".to_owned(),
            Condition::Listed(_) => "_list".to_owned(),
            Condition::All(_) | Condition::Any(_) | Condition::Not(_) => "_filter".to_owned(),
        }
    }

    /// Adds the other types that it looks into.
    pub fn types(&self, out: &mut Vec<ResourceType>) {
        match self {
            Condition::Is(_) => {}
            Condition::Refers { targets, .. } => {
                for (of, there) in targets {
                    out.push(*of);
                    there.types(out);
                }
            }
            Condition::Referred {
                source, condition, ..
            } => {
                out.push(*source);
                condition.types(out);
            }
            Condition::Listed(_) => out.extend(ResourceType::from_name("List")),
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.types(out));
            }
            Condition::Not(part) => part.types(out),
        }
    }
}
