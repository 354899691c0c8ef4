//! The search parameters that a search may use and a resource is indexed by.

use super::{Entry, SearchParameter, extract, parameter, parameters};
use crate::{ResourceType, Value};

/// An immutable set of search parameters, cheaply cloned.
#[derive(Clone, Debug)]
pub struct Catalog(());

impl Catalog {
    /// Those of R4.
    pub fn r4() -> Catalog {
        Catalog(())
    }

    /// The parameter of that name on that type, those of every resource (`_id`, `_tag`...) included.
    pub fn parameter(&self, of: ResourceType, code: &str) -> Option<&'static SearchParameter> {
        parameter(of, code)
    }

    /// All parameters of a type, by name.
    pub fn parameters(&self, of: ResourceType) -> Vec<&'static SearchParameter> {
        parameters(of)
    }

    /// What the index holds for a resource.
    pub fn extract(&self, of: ResourceType, resource: &Value) -> Vec<Entry> {
        extract(of, resource)
    }
}
