//! Search.

use crate::{Result, engine::Snapshot, grant::Grant, index::Secret};
use fhir::query::Query;

/// How a conditional create finds what is there.
pub(crate) fn find(
    _secret: Secret,
) -> impl Fn(&dyn Snapshot, &Query, &Grant) -> Result<Vec<String>> + Send {
    |_, _, _| Ok(Vec::new())
}

#[allow(unused_variables, clippy::unimplemented, missing_docs)]
impl crate::Store {
    pub fn search(
        &self,
        permit: &crate::Permit,
        query: &Query,
        page: Option<&crate::PageToken>,
    ) -> Result<crate::Held<crate::Page>> {
        unimplemented!()
    }
    pub fn history(
        &self,
        permit: &crate::Permit,
        of: &crate::HistoryOf,
        since: Option<jiff::Timestamp>,
        count: usize,
        page: Option<&crate::PageToken>,
    ) -> Result<crate::Held<crate::Page>> {
        unimplemented!()
    }
    pub fn everything(
        &self,
        permit: &crate::Permit,
        asked: &crate::Asked,
    ) -> Result<crate::Held<crate::Page>> {
        unimplemented!()
    }
    pub fn withholds(&self, permit: &crate::Permit) -> Result<bool> {
        unimplemented!()
    }
    pub fn counts(
        &self,
        permit: &crate::Permit,
    ) -> Result<crate::Held<Vec<(fhir::ResourceType, u64)>>> {
        unimplemented!()
    }
}
