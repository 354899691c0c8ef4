//! References inside a bundle: what an entry is called in it becomes what it is called here.

use fhir::Value;
use std::collections::HashMap;

/// Names to be replaced: `urn:uuid:...`, an entry's `fullUrl` or a conditional reference, and `Type/id`.
pub(super) type Names = HashMap<String, String>;

/// Replaces names where FHIR says so: in references, and in elements of type `uri`, `url`, `oid` and `uuid`. Those are
/// told by their names in R4 (`url`, `uri`, `valueUri`...); identifiers keep their values. Cost: one walk.
pub(super) fn rename(value: &mut Value, names: &Names) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter_mut() {
                match member {
                    Value::String(text) if names_something(key) => {
                        if let Some(name) = names.get(text.as_str()) {
                            name.clone_into(text);
                        }
                    }
                    other => rename(other, names),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        _ => {}
    }
}

fn names_something(key: &str) -> bool {
    matches!(
        key,
        "reference" | "uri" | "url" | "valueUri" | "valueUrl" | "valueOid" | "valueUuid"
    )
}

/// Whether a reference asks for a lookup: `Patient?identifier=...`.
pub(super) fn conditional(text: &str) -> Option<(&str, &str)> {
    let (of, conditions) = text.split_once('?')?;
    (!of.is_empty() && of.bytes().all(|b| b.is_ascii_alphabetic())).then_some((of, conditions))
}

/// Whether a reference names an entry of the bundle it stands in.
pub(super) fn inside(text: &str) -> bool {
    text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::json;

    #[test]
    fn references_are_renamed_and_identifiers_are_not() {
        let text = concat!(
            r#"{"subject":{"reference":"urn:uuid:1"},"#,
            r#""identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],"#,
            r#""extension":[{"url":"urn:x","valueUri":"urn:uuid:1"}],"#,
            r#""performer":[{"reference":"Practitioner?identifier=s|2"},{"reference":"urn:uuid:9"}]}"#
        );
        let mut value = json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
        let names = Names::from([
            ("urn:uuid:1".to_owned(), "Patient/a".to_owned()),
            (
                "Practitioner?identifier=s|2".to_owned(),
                "Practitioner/b".to_owned(),
            ),
        ]);
        rename(&mut value, &names);
        assert_eq!(
            value.to_string(),
            concat!(
                r#"{"subject":{"reference":"Patient/a"},"#,
                r#""identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],"#,
                r#""extension":[{"url":"urn:x","valueUri":"Patient/a"}],"#,
                r#""performer":[{"reference":"Practitioner/b"},{"reference":"urn:uuid:9"}]}"#
            )
        );
    }

    #[test]
    fn a_conditional_reference_is_told_from_an_address() {
        assert_eq!(
            conditional("Patient?identifier=1"),
            Some(("Patient", "identifier=1"))
        );
        assert_eq!(conditional("https://n/fhir/Patient?x=1"), None);
        assert_eq!(conditional("Patient/1"), None);
    }
}
