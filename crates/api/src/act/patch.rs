//! `PATCH`, and whatever else changes a part of a resource: it is read under the permit, changed here, and stored if it
//! is still the version that was read.
//!
//! The reading is an act of its own, since what a patch says of the resource (a `test` that fails, a path that is not
//! there) is an answer about its content.

use super::{
    Target,
    body::{body_of, refuse_conditional, rooted},
    condition::{condition, one_of, repeated},
};
use crate::{
    fault::Fault,
    negotiate::Wishes,
    session::{Outcome, Session, verbs},
};
use fhir::{Issue, IssueCode, ResourceType, Value, json, patch};
use store::{Change, Current, Matched, Verb, Version};
use trust::What;

/// What is to be changed in a resource.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    /// RFC 6902.
    Json(Value),
    /// FHIRPath Patch, a Parameters resource.
    FhirPath(Value),
    /// RFC 7396.
    Merge(Value),
}

impl Patch {
    /// A patch as it was sent: a JSON Patch is an array, a FHIRPath Patch is Parameters, any other object is a merge
    /// patch. In a bundle, where only resources fit, those that are none come as a Binary.
    pub(crate) fn of(body: Value) -> Result<Patch, Fault> {
        match body.text("resourceType") {
            _ if matches!(body, Value::Array(_)) => Ok(Patch::Json(body)),
            Some("Parameters") => {
                fhir::check(&body).map_err(|issues| Fault::of(422, issues))?;
                Ok(Patch::FhirPath(body))
            }
            _ if matches!(body, Value::Object(_)) => Ok(Patch::Merge(body)),
            _ => Err(Fault::bad(
                IssueCode::Invalid,
                "A patch is an array of operations (application/json-patch+json), a FHIRPath Patch (a Parameters resource), or an object to be merged (application/merge-patch+json).",
            )),
        }
    }

    fn apply(&self, before: &Value) -> Result<Value, Fault> {
        let after = match self {
            Patch::Json(operations) => patch::json(before, operations),
            Patch::FhirPath(parameters) => patch::fhirpath(before, parameters),
            Patch::Merge(members) => patch::merge(before, members),
        };
        after
            .and_then(|after| patch::kept(before, &after).map(|()| after))
            .map_err(unfit)
    }
}

/// A patch that does not fit the resource is a conflict with it; one that is no patch is the caller's mistake.
fn unfit(issue: Issue) -> Fault {
    match issue.code {
        IssueCode::Conflict => Fault::of(409, vec![issue]),
        _ => Fault::of(422, vec![issue]),
    }
}

impl Session<'_> {
    pub(super) fn patch(
        &self,
        of: ResourceType,
        target: Target,
        patch: &Patch,
        wishes: &Wishes,
    ) -> Outcome {
        let amended = |id: &str, matched| {
            let line = format!("PATCH {of}");
            self.amend(of, id, matched, wishes, line, &|before| patch.apply(before))
        };
        match target {
            Target::Id(id) => repeated(|| amended(&id, Vec::new())),
            Target::Where(pairs) => {
                let query = condition(&self.words(), of, &pairs)?;
                repeated(|| {
                    let matched = self.look(&query, || None)?;
                    match one_of(&query, matched.ids())?.map(str::to_owned) {
                        Some(id) => amended(&id, vec![matched]),
                        None => Err(Fault::not_found(format!("No {of} matches the condition."))),
                    }
                })
            }
        }
    }

    /// Changes the current version of a resource. [`Fault::again`] when it changed meanwhile.
    pub(super) fn amend(
        &self,
        of: ResourceType,
        id: &str,
        matched: Vec<Matched>,
        wishes: &Wishes,
        line: String,
        change: &dyn Fn(&Value) -> Result<Value, Fault>,
    ) -> Outcome {
        let expected = wishes.expected(false)?;
        let needed = verbs(&[Verb::Read, Verb::Update]);
        let grant = self.decide_about(of, id, needed, What::Interaction(line))?;
        let held = self.house.gate.store().read(&grant.permit, of, id)?;
        let found = self.open(&grant, held)?;
        let current = found.ok_or_else(|| self.missing(of, id))?;
        let resource = self.amended(&current, expected, change)?;
        let change = Change::Update {
            of,
            id: id.to_owned(),
            resource,
            if_match: Some(Current::Version(current.version)),
        };
        let gate = &self.house.gate;
        let committed = gate.write_if(&grant, vec![change], matched, self.now);
        let committed = committed.map_err(|error| {
            let again = matches!(error, store::Error::VersionConflict { .. });
            let fault = Fault::from(error);
            Fault {
                again: again || fault.again,
                ..fault
            }
        })?;
        let written = committed.written.first().ok_or_else(Fault::ours)?;
        Ok(crate::reply::Reply::written(written))
    }

    /// A version, changed and checked like anything that is stored.
    pub(crate) fn amended(
        &self,
        current: &Version,
        expected: Option<Current>,
        change: &dyn Fn(&Value) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        if current.deleted {
            return Err(super::read::was_deleted(current));
        }
        if let Some(Current::Version(version)) = expected
            && version != current.version
        {
            let error = store::Error::VersionConflict {
                what: format!("{}/{}", current.of, current.id),
                current: current.version,
            };
            return Err(Fault {
                status: 412,
                ..Fault::from(error)
            });
        }
        let limits = json::Limits {
            bytes: usize::MAX,
            depth: 256,
        };
        let before = json::parse(&current.body, &limits).map_err(|_| Fault::ours())?;
        let after = rooted(body_of(current.of, change(&before)?)?, &self.house.base);
        refuse_conditional(&after)?;
        Ok(after)
    }
}

impl Patch {
    /// The change that it makes, for [`Session::amended`].
    pub(crate) fn change(&self) -> impl Fn(&Value) -> Result<Value, Fault> + '_ {
        |before| self.apply(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
    }

    #[test]
    fn a_patch_that_does_not_fit_is_a_conflict_and_none_changes_the_id() {
        let before = read(r#"{"resourceType":"Patient","id":"a","active":true}"#);
        let status = |patch: &str| {
            let patch = Patch::of(read(patch)).map_err(|fault| fault.status)?;
            patch.apply(&before).map_err(|fault| fault.status)
        };
        let done = status(r#"[{"op":"replace","path":"/active","value":false}]"#).unwrap();
        assert_eq!(done.get("active"), Some(&Value::Bool(false)));
        let merged = status(r#"{"active":null}"#).unwrap();
        assert_eq!(merged.get("active"), None);
        let cases = [
            (r#"[{"op":"test","path":"/active","value":false}]"#, 409),
            (r#"[{"op":"remove","path":"/name"}]"#, 409),
            (r#"[{"op":"replace","path":"/id","value":"b"}]"#, 422),
            (r#"[{"op":"invent","path":"/id"}]"#, 422),
            (r#"{"id":null}"#, 422),
            (r#""active""#, 400),
        ];
        for (patch, wanted) in cases {
            assert_eq!(status(patch).unwrap_err(), wanted, "{patch}");
        }
    }
}
