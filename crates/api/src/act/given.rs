//! The `Parameters` of an operation.

use crate::fault::Fault;
use fhir::{IssueCode, Value};

/// What an operation was given, checked: each of its parameters is one that it knows.
pub(super) struct Given<'v>(&'v [Value]);

impl<'v> Given<'v> {
    /// Reads a body. 400 for what is no `Parameters` or names an unknown parameter, 422 for what is not sound FHIR.
    pub(super) fn of(body: &'v Value, known: &[&str]) -> Result<Given<'v>, Fault> {
        if body.text("resourceType") != Some("Parameters") {
            return Err(Fault::bad(
                IssueCode::Invalid,
                format!("This operation takes Parameters: {}.", known.join(", ")),
            ));
        }
        fhir::check(body).map_err(|issues| Fault::of(422, issues))?;
        let all = body.list("parameter");
        let name = |one: &Value| one.text("name").unwrap_or_default().to_owned();
        if let Some(unknown) = all
            .iter()
            .map(name)
            .find(|name| !known.contains(&name.as_str()))
        {
            let name: String = unknown.chars().take(80).collect();
            return Err(Fault::bad(
                IssueCode::NotSupported,
                format!(
                    "The parameter `{name}` is not supported here. Possible: {}.",
                    known.join(", ")
                ),
            ));
        }
        Ok(Given(all))
    }
    /// All of a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'v Value> {
        self.0
            .iter()
            .filter(move |one| one.text("name") == Some(name))
    }
    /// The one of a name; 400 if it stands twice.
    pub(super) fn one(&self, name: &str) -> Result<Option<&'v Value>, Fault> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            None => Ok(first),
            Some(_) => Err(Fault::bad(
                IssueCode::Invalid,
                format!("The parameter `{name}` stands twice."),
            )),
        }
    }
    /// A yes or no; no if it does not stand there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        let Some(one) = self.one(name)? else {
            return Ok(false);
        };
        let flag = one.get("valueBoolean").and_then(Value::as_bool);
        flag.ok_or_else(|| wrong(name, "a valueBoolean"))
    }
    /// The id of a `Patient` that a reference names; 400 without one.
    pub(super) fn patient(&self, name: &str) -> Result<String, Fault> {
        let reference = self
            .one(name)?
            .and_then(|one| one.text("valueReference.reference"));
        let id = reference.and_then(|reference| reference.strip_prefix("Patient/"));
        super::id_of(
            id.ok_or_else(|| wrong(name, "a valueReference to Patient/<id> of this node"))?,
        )
    }
}

pub(super) fn wrong(name: &str, form: &str) -> Fault {
    Fault::bad(IssueCode::Value, format!("`{name}` is {form}."))
}
