//! The words that a search may use: the search parameters that this node can be asked for at the moment.
//!
//! A parameter that is loaded and not wholly indexed yet is none of them. Who asks for it hears so, and that she may come
//! again (503, `Retry-After`): the question is a good one, and an answer now would be a wrong one. Lenient handling
//! leaves it out, as whatever else is not supported. How far the indexing is says how much is stored here, so it is told
//! to the institution's own software and operators alone.

use crate::{fault::Fault, negotiate::Pairs, session::Session};
use fhir::{
    Issue, ResourceType,
    query::{self, Handling, Query},
    search::Catalog,
};
use store::Searchable;

/// What searches are understood by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    searchable: Searchable,
    /// Whether figures may be told.
    figures: bool,
}

impl Session<'_> {
    /// The words of now.
    pub(crate) fn words(&self) -> Words {
        Words {
            searchable: self.house.gate.store().searchable(),
            figures: self.of_the_house(),
        }
    }
}

impl Words {
    /// The parameters that can be asked for.
    pub(crate) fn catalog(&self) -> &Catalog {
        self.searchable.ready()
    }

    /// A search of one type.
    pub(crate) fn query(
        &self,
        of: ResourceType,
        pairs: &Pairs,
        handling: Handling,
    ) -> Result<Query, Fault> {
        let read = |catalog: &Catalog| {
            let query = query::parse(catalog, of, pairs, handling);
            query.map(|query| vec![query])
        };
        self.read(read)?.pop().ok_or_else(Fault::ours)
    }

    /// A search of all types, or those of its `_type`.
    pub(crate) fn queries(&self, pairs: &Pairs, handling: Handling) -> Result<Vec<Query>, Fault> {
        self.read(|catalog| query::parse_system(catalog, pairs, handling))
    }

    fn read(
        &self,
        read: impl Fn(&Catalog) -> Result<Vec<Query>, Vec<Issue>>,
    ) -> Result<Vec<Query>, Fault> {
        let refused = match read(self.searchable.ready()) {
            Ok(queries) => return Ok(queries),
            Err(issues) => Fault::of(400, issues),
        };
        // What is not known may be on its way.
        let Ok(queries) = read(self.searchable.all()) else {
            return Err(refused);
        };
        let mut coming = queries
            .iter()
            .flat_map(|query| self.searchable.coming(query));
        match coming.next() {
            Some(at) => Err(Fault::indexing(&at, self.figures)),
            None => Err(refused),
        }
    }
}
