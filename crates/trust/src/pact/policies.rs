//! What the policies of a pact must be: see [`Rulebook::parse`](crate::policy::Rulebook::parse), which checks them
//! against the schema.

use super::PactError;
use crate::policy::Rulebook;

/// Checks that the policies parse and fit the schema, that there is one, and that each has an `@id`, by which acts
/// name it.
pub(super) fn check(policies: &str) -> Result<(), PactError> {
    let rulebook = Rulebook::parse(policies).map_err(PactError::Policies)?;
    if rulebook.is_empty() {
        return Err(PactError::Policies(
            "there is none, and without one nothing is ever allowed".into(),
        ));
    }
    Ok(())
}
