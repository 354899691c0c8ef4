//! What a `$merge` or `$split` was given.

use super::{Decided, Read, points_to};
use crate::{
    act::{
        body_of,
        given::{Given, wrong},
        pix::carries,
        rooted,
    },
    fault::Fault,
    negotiate::Pairs,
};
use fhir::{Issue, IssueCode, ResourceType, Value};

/// Identifiers by which one registration is named, at most.
const MOST: usize = 16;

/// Which registration is meant: by reference, by identifiers that it carries, or by both.
#[derive(Debug)]
pub(super) struct Named {
    /// The parameter of its identifiers.
    parameter: String,
    pub(super) id: Option<String>,
    /// System and value.
    identifiers: Vec<(String, String)>,
}

/// What was asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) source: Named,
    pub(super) target: Named,
    /// How the target is to be afterwards, its references relative where they are to this node.
    pub(super) result: Option<Value>,
    pub(super) preview: bool,
}

impl Asked {
    pub(super) fn of(
        decided: Decided,
        body: &Value,
        of: ResourceType,
        base: &str,
    ) -> Result<Asked, Fault> {
        let known: &[&str] = match decided {
            Decided::One => &[
                "source-patient",
                "source-patient-identifier",
                "target-patient",
                "target-patient-identifier",
                "result-patient",
                "preview",
            ],
            Decided::Two => &["source-patient", "target-patient"],
        };
        let given = Given::of(body, known)?;
        let result = match given.one("result-patient")? {
            Some(one) => {
                let resource = one.get("resource").cloned();
                let resource = resource.ok_or_else(|| wrong("result-patient", "a Patient"))?;
                Some(rooted(body_of(of, resource)?, base))
            }
            None => None,
        };
        Ok(Asked {
            source: Named::of(&given, "source-patient")?,
            target: Named::of(&given, "target-patient")?,
            result,
            preview: given.flag("preview")?,
        })
    }
}

impl Named {
    fn of(given: &Given<'_>, name: &str) -> Result<Named, Fault> {
        let parameter = format!("{name}-identifier");
        let read = |one: &Value| {
            let part = |key: &str| {
                let text = one.text(key).map(str::trim).filter(|text| !text.is_empty());
                text.map(str::to_owned)
            };
            part("valueIdentifier.system")
                .zip(part("valueIdentifier.value"))
                .ok_or_else(|| wrong(&parameter, "a valueIdentifier with system and value"))
        };
        let identifiers: Vec<(String, String)> =
            given.all(&parameter).map(read).collect::<Result<_, _>>()?;
        if identifiers.len() > MOST {
            return Err(wrong(&parameter, &format!("given {MOST} times at most")));
        }
        // By identifiers alone it may be named; by nothing it may not.
        let id = match (given.one(name)?, identifiers.is_empty()) {
            (None, false) => None,
            _ => Some(given.patient(name)?),
        };
        Ok(Named {
            parameter,
            id,
            identifiers,
        })
    }

    /// The search for it.
    pub(super) fn pairs(&self) -> Pairs {
        let identifiers = self.identifiers.iter();
        identifiers
            .map(|(system, value)| carries(system, value))
            .collect()
    }

    /// Whether a `Patient` carries all the identifiers by which it was named; 422 if not.
    pub(super) fn carried_by(&self, patient: &Value) -> Result<(), Fault> {
        let carried = |(system, value): &(String, String)| {
            patient.list("identifier").iter().any(|one| {
                one.text("system").map(str::trim) == Some(system)
                    && one.text("value").map(str::trim) == Some(value)
            })
        };
        match self.identifiers.iter().all(carried) {
            true => Ok(()),
            false => Err(self.unresolved(
                IssueCode::BusinessRule,
                "the Patient that is named does not carry all of them",
            )),
        }
    }

    pub(super) fn unresolved(&self, code: IssueCode, why: &str) -> Fault {
        let said = format!("`{}`: {why}. Nothing was changed.", self.parameter);
        Fault::of(422, vec![Issue::error(code, "", said)])
    }
}

/// Whether a `result-patient` may become the target: the same id, the identifiers by which the target was named, in use,
/// and of links the target's own and the one that says what it replaces.
pub(super) fn fits(
    result: &Value,
    source: &Read,
    target: &Read,
    named: &Named,
) -> Result<(), Fault> {
    let refused = |path: &str, said: String| {
        let path = format!("Patient.{path}");
        Err(Fault::of(
            422,
            vec![Issue::error(IssueCode::BusinessRule, path, said)],
        ))
    };
    if result.text("id") != Some(&target.id) {
        let said = format!("`result-patient` is the target, Patient/{}.", target.id);
        return refused("id", said);
    }
    if named.carried_by(result).is_err() {
        let said = format!("`result-patient` keeps what `{}` names.", named.parameter);
        return refused("identifier", said);
    }
    if result.get("active").and_then(Value::as_bool) == Some(false) {
        return refused("active", "The target of a merge stays in use.".to_owned());
    }
    if !points_to(result, "replaces", &source.id) {
        let said = format!(
            "`result-patient` has a link `replaces` to Patient/{}.",
            source.id
        );
        return refused("link", said);
    }
    let name = format!("Patient/{}", source.id);
    let others = |patient: &Value| -> Vec<Value> {
        let links = patient.list("link").iter();
        let others = links.filter(|link| link.text("other.reference") != Some(&name));
        others.cloned().collect()
    };
    if others(result) != others(&target.patient) {
        let said = "A merge changes no link of the target to others.".to_owned();
        return refused("link", said);
    }
    Ok(())
}
