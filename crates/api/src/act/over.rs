//! What a search is over: a type, a compartment (`Patient/1/Observation`, `Patient/1/*`), or the whole server.
//!
//! Each becomes one query for each type that is looked through; a compartment adds its condition to them.

use super::type_of;
use crate::{fault::Fault, negotiate::Pairs, words::Words};
use fhir::{
    IssueCode, ResourceType,
    query::{self, Handling, Query},
};
use trust::PersonRef;

/// What is searched.
#[derive(Clone, Debug)]
pub(crate) enum Over {
    Type(ResourceType),
    /// What belongs to one resource: of one type, or of all (`*`).
    Compartment {
        holder: ResourceType,
        id: String,
        of: Option<ResourceType>,
    },
    System,
}

/// A search, understood.
#[derive(Debug)]
pub(crate) struct Sought {
    /// One for each type, at least one.
    pub(crate) queries: Vec<Query>,
    /// The person whose compartment is searched.
    pub(crate) person: Option<PersonRef>,
    /// `GET Observation?patient=...&code=...`: names, never values.
    pub(crate) told: String,
}

impl Over {
    /// `within` is a type or `*`.
    pub(crate) fn compartment(
        holder: ResourceType,
        id: String,
        within: &str,
    ) -> Result<Over, Fault> {
        let of = match within {
            "*" => None,
            name => Some(type_of(name)?),
        };
        let there = of.map_or_else(
            || query::compartment(holder, holder, &id),
            |of| query::compartment(of, holder, &id),
        );
        match there {
            Some(_) => Ok(Over::Compartment { holder, id, of }),
            None => Err(Fault::new(
                404,
                IssueCode::NotSupported,
                format!("R4 has no compartment `{holder}/.../{within}`."),
            )),
        }
    }

    /// Its address under the FHIR base.
    pub(crate) fn path(&self) -> String {
        match self {
            Over::Type(of) => of.to_string(),
            Over::Compartment { holder, id, of } => {
                format!("{holder}/{id}/{}", of.map_or("*", ResourceType::name))
            }
            Over::System => String::new(),
        }
    }

    /// Understands the parameters of a search.
    pub(crate) fn read(
        &self,
        words: &Words,
        pairs: &Pairs,
        handling: Handling,
    ) -> Result<Sought, Fault> {
        let one = |of| Ok::<_, Fault>(vec![words.query(of, pairs, handling)?]);
        let mut person = None;
        let (queries, place) = match self {
            Over::Type(of) => (one(*of)?, of.to_string()),
            Over::System => (words.queries(pairs, handling)?, String::new()),
            Over::Compartment { holder, id, of } => {
                let queries = match of {
                    Some(of) => one(*of)?,
                    None => all_of(words, *holder, id, pairs, handling)?,
                };
                if holder.name() == "Patient" {
                    person = Some(PersonRef::Patient(id.clone()));
                }
                let name = of.map_or("*", ResourceType::name);
                (queries, format!("{holder}/.../{name}"))
            }
        };
        let told = told(&place, &queries);
        let queries = match self {
            Over::Compartment { holder, id, .. } => within(queries, *holder, id),
            _ => queries,
        };
        if queries.is_empty() {
            let said = "None of these types has resources in this compartment.";
            return Err(Fault::bad(IssueCode::Value, said));
        }
        Ok(Sought {
            queries,
            person,
            told,
        })
    }
}

/// Queries on all types of a compartment: those of `_type`, or all that can be in it.
fn all_of(
    words: &Words,
    holder: ResourceType,
    id: &str,
    pairs: &Pairs,
    handling: Handling,
) -> Result<Vec<Query>, Fault> {
    const TYPES: &str = "_type";
    let mut asked = pairs.clone();
    let named = pairs.iter().any(|(name, _)| name == TYPES);
    if !named {
        // What is asked must be known to the types that can be in it, and to no others.
        let types = ResourceType::all();
        let types = types.filter(|of| query::compartment(*of, holder, id).is_some());
        let types: Vec<&str> = types.map(ResourceType::name).collect();
        asked.push((TYPES.to_owned(), types.join(",")));
    }
    let mut queries = words.queries(&asked, handling)?;
    if !named {
        for query in &mut queries {
            query.told.retain(|(name, _)| name != TYPES);
        }
    }
    Ok(queries)
}

/// The queries on types that can be in a compartment, each with the condition that what it finds is in it.
fn within(queries: Vec<Query>, holder: ResourceType, id: &str) -> Vec<Query> {
    let each = queries.into_iter().filter_map(|mut query| {
        let condition = query::compartment(query.of, holder, id)?;
        query.conditions.push(condition);
        Some(query)
    });
    each.collect()
}

impl Sought {
    /// A search of one type.
    pub(crate) fn one(query: Query) -> Sought {
        Sought::at(query.of.name(), query)
    }

    /// A search of one type at an address.
    pub(crate) fn at(place: &str, query: Query) -> Sought {
        Sought {
            person: None,
            told: told(place, std::slice::from_ref(&query)),
            queries: vec![query],
        }
    }
}

fn told(place: &str, queries: &[Query]) -> String {
    let conditions = queries.first().map_or(&[][..], |query| &query.conditions);
    let names: Vec<String> = conditions
        .iter()
        .map(|condition| format!("{}=...", condition.name()))
        .collect();
    let mut said = format!("GET {place}");
    if !names.is_empty() {
        said.push('?');
        said.push_str(&names.join("&"));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> ResourceType {
        ResourceType::from_name(name).unwrap()
    }

    fn read(over: &Over, pairs: &[(&str, &str)]) -> Result<Sought, u16> {
        let pairs = pairs.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        let sought = over.read(&Words::default(), &pairs.collect(), Handling::Strict);
        sought.map_err(|fault| fault.status)
    }

    #[test]
    fn the_log_is_told_names_and_never_values() {
        let pairs = [("patient", "p1"), ("code", "4548-4")];
        let told = |over, pairs| read(&over, pairs).unwrap().told;
        assert_eq!(
            told(Over::Type(of("Observation")), &pairs),
            "GET Observation?patient=...&code=..."
        );
        let hers = Over::compartment(of("Patient"), "p1".into(), "Observation").unwrap();
        assert_eq!(
            told(hers, &pairs[1..]),
            "GET Patient/.../Observation?code=..."
        );
    }

    #[test]
    fn a_compartment_of_all_types_looks_through_those_that_can_be_in_it() {
        let all = Over::compartment(of("Patient"), "p1".into(), "*").unwrap();
        let sought = read(&all, &[]).unwrap();
        let types: Vec<&str> = sought.queries.iter().map(|q| q.of.name()).collect();
        assert!(types.contains(&"Observation") && types.contains(&"Patient"));
        assert!(!types.contains(&"Organization"));
        assert!(sought.queries.iter().all(|q| q.conditions.len() == 1));
        assert!(sought.queries.iter().all(|q| q.told.is_empty()));
        let named = read(&all, &[("_type", "Condition,Organization")]).unwrap();
        assert_eq!(named.queries.len(), 1);
        assert_eq!(read(&all, &[("_type", "Organization")]).unwrap_err(), 400);
    }

    #[test]
    fn what_has_no_compartment_is_no_address() {
        for (holder, within) in [
            ("Observation", "*"),
            ("Patient", "Organization"),
            ("Patient", "X"),
        ] {
            let over = Over::compartment(of(holder), "1".into(), within);
            assert_eq!(over.unwrap_err().status, 404, "{holder} {within}");
        }
    }
}
