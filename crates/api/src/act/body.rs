//! Bodies of writes: checked against their address, with our own address taken off their references; new ids.

use crate::fault::Fault;
use fhir::{Issue, IssueCode, ResourceType, Value, search};
use mx::systems;

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
    if of.name() == "Person" {
        super::person::one_at_most(&resource)?;
    }
    Ok(resource)
}

pub(super) fn same_id(of: ResourceType, id: &str, resource: &Value) -> Result<(), Fault> {
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
pub(super) fn refuse_conditional(resource: &Value) -> Result<(), Fault> {
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

/// A new random id (a UUID, version 4).
pub(crate) fn new_id() -> Result<String, Fault> {
    let number =
        u128::from_be_bytes(store::random()?) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
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
}
