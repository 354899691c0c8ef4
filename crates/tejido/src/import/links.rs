//! References inside a Bundle, and references by search.

use fhir::{Object, Value};
use std::collections::HashMap;

/// Where the full URLs of a Bundle lead, and what was met on the way.
#[derive(Debug, Default)]
pub(crate) struct Links {
    to: HashMap<String, String>,
    /// `urn:` references to nothing in the Bundle.
    pub(crate) open: u64,
    /// There are conditional references.
    pub(crate) asks: bool,
}

impl Links {
    pub(crate) fn add(&mut self, full_url: &str, name: String) {
        self.to.insert(full_url.to_owned(), name);
    }
}

/// Turns references to full URLs of the Bundle into `Type/id`.
pub(crate) fn resolve(resource: &mut Value, links: &mut Links) {
    each(resource, &mut |reference| {
        let Some(text) = reference.get("reference").and_then(Value::as_str) else {
            return;
        };
        if let Some(name) = links.to.get(text) {
            let name = name.clone();
            reference.set("reference", name);
        } else if text.starts_with("urn:") {
            links.open += 1;
        } else if by_search(text).is_some() {
            links.asks = true;
        }
    });
}

/// Gives every object with a text `reference` to `see`.
pub(crate) fn each(value: &mut Value, see: &mut dyn FnMut(&mut Object)) {
    match value {
        Value::Object(object) => {
            if object.get("reference").and_then(Value::as_str).is_some() {
                see(object);
            }
            for (_, member) in object.iter_mut() {
                each(member, see);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, see)),
        _ => {}
    }
}

/// A conditional reference: type and search, as in `Practitioner?identifier=...`.
pub(crate) fn by_search(reference: &str) -> Option<(&str, &str)> {
    let (of, search) = reference.split_once('?')?;
    let plain = !of.is_empty() && of.bytes().all(|byte| byte.is_ascii_alphabetic());
    (plain && !search.is_empty()).then_some((of, search))
}

/// Names and values of a search, decoded.
pub(crate) fn pairs(search: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name), decoded(value))
    };
    search
        .split('&')
        .filter(|part| !part.is_empty())
        .map(pair)
        .collect()
}

/// Takes `%XX` and `+` back. What is no such mark stays as it is.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let marked = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (byte, marked) {
            (b'%', Some(plain)) => {
                out.push(plain);
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_decoded_and_what_is_no_mark_stays() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        let table = [
            ("identifier=a|b", vec![pair("identifier", "a|b")]),
            ("identifier=a%7Cb%2", vec![pair("identifier", "a|b%2")]),
            (
                "name=Ana+Ruiz&active=true",
                vec![pair("name", "Ana Ruiz"), pair("active", "true")],
            ),
            ("&x=%zz", vec![pair("x", "%zz")]),
        ];
        for (text, expected) in table {
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn full_urls_become_names_and_the_others_are_counted() {
        let text = br##"{"a":{"reference":"urn:uuid:1"},"b":[{"reference":"urn:uuid:2"},{"reference":"#x"}],
            "c":{"reference":"Practitioner?identifier=s|v"}}"##;
        let mut value = fhir::json::parse(text, &fhir::json::Limits::default()).unwrap();
        let mut links = Links::default();
        links.add("urn:uuid:1", "Patient/p".into());
        resolve(&mut value, &mut links);
        assert_eq!(value.text("a.reference"), Some("Patient/p"));
        assert_eq!(value.text("b.0.reference"), Some("urn:uuid:2"));
        assert_eq!((links.open, links.asks), (1, true));
    }
}
