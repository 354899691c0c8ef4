//! Whether a pact's Cedar policies can be decided on.

use super::PactError;
use cedar_policy::PolicySet;
use std::str::FromStr;

/// Checks that the policies parse, that there is one, and that each has an `@id`, by which acts name it.
pub(super) fn check(policies: &str) -> Result<(), PactError> {
    let set = PolicySet::from_str(policies).map_err(|e| PactError::Policies(e.to_string()))?;
    if set.is_empty() {
        return Err(PactError::Policies(
            "there is none, and without one nothing is ever allowed".into(),
        ));
    }
    if set.templates().next().is_some() {
        return Err(PactError::Policies("templates have no meaning here".into()));
    }
    Ok(())
}
