//! References inside a bundle: what an entry is called in it becomes what it is called here.

use fhir::Value;
use std::collections::HashMap;

/// Names to be replaced: `urn:uuid:...`, an entry's `fullUrl` or a conditional reference, and `Type/id`.
pub(super) type Names = HashMap<String, String>;

/// Replaces names where FHIR says so: in references, in elements of type `uri`, `url`, `oid` and `uuid`, and in links
/// of a narrative. Those elements are told by their names in R4 (`url`, `uri`, `valueUri`...); identifiers keep their
/// values. A relative reference in an entry called `https://x/Observation/1` means an entry called
/// `https://x/Patient/2` when it says `Patient/2`. Cost: one walk.
pub(super) fn rename(value: &mut Value, names: &Names, full_url: Option<&str>) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter_mut() {
                match member {
                    Value::String(text) if names_something(key) => {
                        let name = names.get(text.as_str());
                        if let Some(name) = name.or_else(|| beside(text, full_url, names)) {
                            name.clone_into(text);
                        }
                    }
                    Value::String(text) if key == "div" => links(text, names),
                    other => rename(other, names, full_url),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                rename(item, names, full_url);
            }
        }
        _ => {}
    }
}

/// The entry that a relative reference means beside the entry it stands in.
fn beside<'a>(text: &str, full_url: Option<&str>, names: &'a Names) -> Option<&'a String> {
    let mut parts = full_url?.rsplitn(3, '/');
    let (_id, _of, root) = (parts.next()?, parts.next()?, parts.next()?);
    (root.contains("://") && !text.contains(':'))
        .then(|| names.get(&format!("{root}/{text}")))
        .flatten()
}

/// `<a href="urn:uuid:...">` and `<img src="...">` in the text for people. Only whole values of those two are touched.
fn links(div: &mut String, names: &Names) {
    const LINKS: [&str; 2] = ["href=\"", "src=\""];
    let mut out = String::with_capacity(div.len());
    let mut rest = div.as_str();
    let next = |rest: &str| {
        let starts = LINKS
            .iter()
            .filter_map(|link| Some(rest.find(link)? + link.len()));
        starts.min()
    };
    while let Some((before, after)) = next(rest).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(before);
        let (value, tail) = after.split_at(after.find('"').unwrap_or(after.len()));
        out.push_str(names.get(value).map_or(value, String::as_str));
        rest = tail;
    }
    out.push_str(rest);
    *div = out;
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
        rename(&mut value, &names, None);
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
    fn links_for_people_and_references_beside_an_entry_follow_the_names() {
        let text = concat!(
            r##"{"text":{"div":"<div>urn:uuid:1 <a href=\"urn:uuid:1\">x</a><img src=\"#p\"/></div>"},"##,
            r#""subject":{"reference":"Patient/2"}}"#
        );
        let names = Names::from([
            ("urn:uuid:1".to_owned(), "Patient/a".to_owned()),
            ("https://x/Patient/2".to_owned(), "Patient/b".to_owned()),
        ]);
        let renamed = |full_url| {
            let mut value = json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
            rename(&mut value, &names, full_url);
            value.to_string()
        };
        let here = renamed(Some("https://x/Observation/1"));
        assert!(here.contains(r##"<div>urn:uuid:1 <a href=\"Patient/a\">x</a><img src=\"#p\"/>"##));
        assert!(here.contains(r#"{"reference":"Patient/b"}"#));
        assert!(renamed(Some("urn:uuid:7")).contains(r#"{"reference":"Patient/2"}"#));
        assert!(renamed(None).contains(r#"{"reference":"Patient/2"}"#));
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
