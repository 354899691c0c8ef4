//! `create`, `update`, `delete`.
//!
//! References to resources that are not here are taken: the parts of a record arrive in any order and from several
//! places. Their form and the type they point to are checked; a conditional reference outside a transaction is not.

use super::Op;
use crate::{
    fault::Fault,
    negotiate::{Wishes, pairs},
    reply::Reply,
    session::{Ask, Outcome, Session, verbs},
};
use fhir::{Issue, IssueCode, ResourceType, Value, query, search};
use mx::systems;
use store::{Change, Verb};
use trust::{PersonRef, What};

impl Session<'_> {
    pub(super) fn create(&self, of: ResourceType, resource: Value, wishes: &Wishes) -> Outcome {
        let resource = rooted(body_of(of, resource)?, &self.house.base);
        refuse_conditional(&resource)?;
        let if_none_exist = wishes
            .if_none_exist
            .as_deref()
            .map(|text| condition(of, text))
            .transpose()?;
        let mut what = vec![Verb::Create];
        // What is found is shown, so it must be open to the caller.
        let conditional = if_none_exist.is_some();
        if conditional {
            what.extend([Verb::Search, Verb::Read]);
        }
        let grant = self.decide(Ask {
            person: self.person_written(of, None, &resource),
            verbs: verbs(&what),
            types: Some(vec![of]),
            what: What::Interaction(format!("POST {of}")),
        })?;
        let change = Change::Create {
            of,
            id: new_id()?,
            resource,
            if_none_exist,
        };
        // A transaction that looks up the same must not come in between.
        let _lane = conditional.then(|| self.house.conditional_lane());
        self.write_one(&grant, change, false)
    }

    pub(super) fn update(
        &self,
        of: ResourceType,
        id: String,
        resource: Value,
        wishes: &Wishes,
    ) -> Outcome {
        let resource = rooted(body_of(of, resource)?, &self.house.base);
        same_id(of, &id, &resource)?;
        refuse_conditional(&resource)?;
        let grant = self
            .decide(Ask {
                person: self.person_written(of, Some(&id), &resource),
                verbs: verbs(&[Verb::Create, Verb::Update]),
                types: Some(vec![of]),
                what: What::Interaction(format!("PUT {of}")),
            })
            .map_err(|fault| match of.name() {
                "Patient" => self.concealed(of, fault),
                _ => fault,
            })?;
        let if_match = wishes.if_match;
        let change = Change::Update {
            of,
            id,
            resource,
            if_match,
        };
        self.write_one(&grant, change, if_match.is_some())
    }

    pub(super) fn delete(&self, of: ResourceType, id: String, wishes: &Wishes) -> Outcome {
        let what = What::Interaction(format!("DELETE {of}"));
        let deleting = verbs(&[Verb::Delete]);
        let grant = match self.of_the_house() {
            true => self.decide(Ask {
                person: PersonRef::Everyone,
                verbs: deleting,
                types: Some(vec![of]),
                what,
            })?,
            false => self.decide_about(of, &id, deleting, what)?,
        };
        let if_match = wishes.if_match;
        let change = Change::Delete { of, id, if_match };
        self.write_one(&grant, change, if_match.is_some())
    }

    fn write_one(&self, grant: &trust::Grant, change: Change, conditional: bool) -> Outcome {
        let (of, id) = match &change {
            Change::Create { of, id, .. }
            | Change::Update { of, id, .. }
            | Change::Delete { of, id, .. } => (*of, id.clone()),
        };
        let committed = self
            .house
            .gate
            .write(grant, vec![change], self.now)
            .map_err(|error| self.write_fault(error, conditional.then_some((of, id))))?;
        let written = committed.written.first().ok_or_else(Fault::ours)?;
        Ok(Reply::written(written))
    }

    /// A failed precondition is the caller's (412); a version that changed under an unconditional write is a conflict
    /// (409). That a version is another one is told only to whoever may see all the resources that the conditions were
    /// on; to others it would say that they are there.
    pub(crate) fn write_fault(
        &self,
        error: store::Error,
        conditions: impl IntoIterator<Item = (ResourceType, String)>,
    ) -> Fault {
        let stale = matches!(error, store::Error::VersionConflict { .. });
        let fault = Fault::from(error);
        if !stale {
            return fault;
        }
        let mut conditional = false;
        for (of, id) in conditions {
            conditional = true;
            if self.is_kept_from(of)
                && let Err(hidden) = self.act(Op::Read(of, id, Vec::new()), &Wishes::default())
                && hidden.status != 410
            {
                return hidden;
            }
        }
        match conditional {
            true => Fault {
                status: 412,
                ..fault
            },
            false => fault,
        }
    }

    /// Whose record a write is about. The institution's own software writes whatever the institution holds, also what
    /// arrives before its patient.
    pub(crate) fn person_written(
        &self,
        of: ResourceType,
        id: Option<&str>,
        resource: &Value,
    ) -> PersonRef {
        if self.of_the_house() {
            return PersonRef::Everyone;
        }
        if of.name() == "Patient" {
            return match (id, curp_of(resource)) {
                (Some(id), _) => PersonRef::Patient(id.to_owned()),
                (None, Some(curp)) => PersonRef::Curp(curp),
                (None, None) => PersonRef::Patient(String::new()),
            };
        }
        match search::patients(of, resource).into_iter().next() {
            Some(patient) => PersonRef::Patient(patient),
            None => match id {
                Some(id) => PersonRef::Resource(of, id.to_owned()),
                None => PersonRef::Nobody,
            },
        }
    }
}

/// The CURP in a Patient's identifiers.
pub(crate) fn curp_of(patient: &Value) -> Option<String> {
    patient
        .list("identifier")
        .iter()
        .find(|identifier| identifier.text("system") == Some(systems::CURP))
        .and_then(|identifier| identifier.text("value"))
        .map(str::to_owned)
}

/// A body that is a sound resource of the type its address names.
pub(crate) fn body_of(of: ResourceType, resource: Value) -> Result<Value, Fault> {
    match resource.text("resourceType") {
        Some(name) if name == of.name() => {}
        Some(name) => {
            let name: String = name.chars().take(64).collect();
            return Err(Fault::of(
                400,
                vec![Issue::error(
                    IssueCode::Invalid,
                    "resourceType",
                    format!("The body is a `{name}`, the address says {of}."),
                )],
            ));
        }
        None => {
            return Err(Fault::of(
                400,
                vec![Issue::error(
                    IssueCode::Required,
                    "resourceType",
                    "The body is not a FHIR resource: it has no resourceType.",
                )],
            ));
        }
    }
    fhir::check(&resource).map_err(|issues| Fault::of(422, issues))?;
    Ok(resource)
}

fn same_id(of: ResourceType, id: &str, resource: &Value) -> Result<(), Fault> {
    match resource.text("id") {
        Some(own) if own == id => Ok(()),
        own => Err(Fault::of(
            400,
            vec![Issue::error(
                IssueCode::Invalid,
                format!("{of}.id"),
                match own {
                    Some(own) => format!("The body's id is `{own}`, the address says `{id}`."),
                    None => format!(
                        "The body has no id; an update says the one of its address, `{id}`."
                    ),
                },
            )],
        )),
    }
}

/// `Patient?identifier=...` needs the lookups of a transaction.
fn refuse_conditional(resource: &Value) -> Result<(), Fault> {
    let issues: Vec<Issue> = search::references(resource)
        .into_iter()
        .filter_map(|(text, path)| {
            let said = if text.contains('?') {
                "A conditional reference is resolved in a transaction only; name the resource."
            } else if text.starts_with("urn:uuid:") || text.starts_with("urn:oid:") {
                "This names an entry of a bundle, and here there is no bundle; name the resource."
            } else {
                return None;
            };
            Some(Issue::error(IssueCode::Value, path, said))
        })
        .take(50)
        .collect();
    match issues.is_empty() {
        true => Ok(()),
        false => Err(Fault::of(422, issues)),
    }
}

/// References to this server by its full address become relative, as the index holds them.
pub(crate) fn rooted(mut resource: Value, base: &str) -> Value {
    shorten(&mut resource, &format!("{base}/"));
    resource
}

fn shorten(value: &mut Value, prefix: &str) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter_mut() {
                match member {
                    Value::String(text) if key == "reference" => {
                        if let Some(rest) = text.strip_prefix(prefix) {
                            *text = rest.to_owned();
                        }
                    }
                    other => shorten(other, prefix),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| shorten(item, prefix)),
        _ => {}
    }
}

/// The conditions of an `If-None-Exist` as a search.
pub(crate) fn condition(of: ResourceType, text: &str) -> Result<query::Query, Fault> {
    let text = text.strip_prefix('?').unwrap_or(text);
    let query = query::parse(
        &fhir::search::Catalog::r4(),
        of,
        &pairs(text)?,
        query::Handling::Strict,
    )
    .map_err(|issues| Fault::of(400, issues))?;
    match query.conditions.is_empty() {
        true => Err(Fault::bad(
            IssueCode::Invalid,
            "If-None-Exist has no condition; everything would match.",
        )),
        false => Ok(query),
    }
}

/// A new random id (a UUID, version 4).
pub(crate) fn new_id() -> Result<String, Fault> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        tracing::error!("the system gives no random bytes");
        Fault::ours()
    })?;
    let number = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    Ok(format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::json;

    fn read(text: &str) -> Value {
        json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
    }

    #[test]
    fn a_new_id_is_a_random_uuid() {
        let id = new_id().unwrap();
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'));
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_ne!(id, new_id().unwrap());
    }

    #[test]
    fn the_body_must_be_what_the_address_says() {
        let of = ResourceType::from_name("Patient").unwrap();
        let status = |text: &str| body_of(of, read(text)).map_or_else(|f| f.status, |_| 200);
        assert_eq!(status(r#"{"resourceType":"Patient"}"#), 200);
        assert_eq!(status(r#"{"resourceType":"Observation"}"#), 400);
        assert_eq!(status(r#"[]"#), 400);
        assert_eq!(status(r#"{"resourceType":"Patient","gender":"x"}"#), 422);
        let patient = read(r#"{"resourceType":"Patient","id":"b"}"#);
        assert_eq!(same_id(of, "a", &patient).unwrap_err().status, 400);
    }

    #[test]
    fn our_own_address_is_taken_off_references() {
        let text =
            r#"{"subject":{"reference":"https://n/fhir/Patient/1"},"url":"https://n/fhir/x"}"#;
        assert_eq!(
            rooted(read(text), "https://n/fhir").to_string(),
            r#"{"subject":{"reference":"Patient/1"},"url":"https://n/fhir/x"}"#
        );
    }

    #[test]
    fn a_condition_without_conditions_is_refused() {
        let of = ResourceType::from_name("Patient").unwrap();
        assert!(condition(of, "?identifier=a|b").is_ok());
        assert_eq!(condition(of, "_count=1").unwrap_err().status, 400);
    }
}
