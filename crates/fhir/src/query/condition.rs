//! Conditions as a tree.

use super::{Clause, Condition, Modifier, Wanted, matches};
use crate::{
    ResourceType,
    search::{COMPARTMENTS, Entry, compartments, parameter},
};

/// What must hold of the resources of a type that are in a compartment (`Patient/1/Observation`); `None` when R4 has no
/// such compartment or never puts the type into it.
pub fn compartment(of: ResourceType, compartment: ResourceType, id: &str) -> Option<Condition> {
    if !COMPARTMENTS.contains(&compartment.name()) {
        return None;
    }
    let is = |parameter, wanted| {
        Condition::Is(Clause {
            parameter,
            modifier: Modifier::None,
            values: vec![wanted],
        })
    };
    let own = parameter(of, "_id").filter(|_| of == compartment);
    let own = own.map(|parameter| is(parameter, Wanted::Id(id.to_owned())));
    let name = format!("{compartment}/{id}");
    let refers = compartments(compartment, of).into_iter();
    let refers = refers.map(|parameter| is(parameter, Wanted::Reference(name.clone())));
    let mut ways: Vec<Condition> = own.into_iter().chain(refers).collect();
    match ways.len() {
        0 => None,
        1 => ways.pop(),
        _ => Some(Condition::Any(ways)),
    }
}

impl Condition {
    /// Whether it holds of a resource of which these entries are known. `beyond` answers what is about other resources:
    /// it is given the conditions that [`Condition::Refers`], [`Condition::Referred`] and [`Condition::Listed`] are.
    pub fn holds<E>(
        &self,
        entries: &[Entry],
        beyond: &mut dyn FnMut(&Condition) -> Result<bool, E>,
    ) -> Result<bool, E> {
        match self {
            Condition::Is(clause) => Ok(matches(clause, entries)),
            Condition::Refers { .. } | Condition::Referred { .. } | Condition::Listed(_) => {
                beyond(self)
            }
            Condition::All(parts) => {
                for part in parts {
                    if !part.holds(entries, beyond)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Any(parts) => {
                for part in parts {
                    if part.holds(entries, beyond)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(part) => Ok(!part.holds(entries, beyond)?),
        }
    }

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
