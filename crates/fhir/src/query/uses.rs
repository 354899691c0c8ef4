//! Which search parameters a query asks about.

use super::{Condition, Query};
use crate::search::SearchParameter;

impl Query {
    /// Every parameter that it names in its conditions (chains and `_has` included), its order and its includes; a
    /// parameter may stand several times.
    pub fn parameters(&self) -> Vec<&'static SearchParameter> {
        let mut out = Vec::new();
        for condition in &self.conditions {
            condition.parameters(&mut out);
        }
        out.extend(self.sort.iter().map(|sort| sort.parameter));
        let includes = self.include.iter().chain(&self.revinclude);
        out.extend(includes.filter_map(|include| include.parameter));
        out
    }

    /// Whether it includes by all references of some type (`*`).
    pub fn includes_all(&self) -> bool {
        let mut includes = self.include.iter().chain(&self.revinclude);
        includes.any(|include| include.parameter.is_none())
    }
}

impl Condition {
    fn parameters(&self, out: &mut Vec<&'static SearchParameter>) {
        match self {
            Condition::Is(clause) => out.push(clause.parameter),
            Condition::Refers { parameter, targets } => {
                out.push(parameter);
                targets.iter().for_each(|(_, there)| there.parameters(out));
            }
            Condition::Referred {
                parameter,
                condition,
                ..
            } => {
                out.push(parameter);
                condition.parameters(out);
            }
            Condition::Listed(_) => {}
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().for_each(|part| part.parameters(out));
            }
            Condition::Not(part) => part.parameters(out),
        }
    }
}
