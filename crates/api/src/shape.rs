//! Bundles written around stored bytes, and resources cut to the elements asked for.
//!
//! A stored resource goes into a bundle as it is: it is JSON already, so nothing is parsed on the way out. Cost: the
//! bytes of the answer. Only `_elements` and `_pretty` read what they change.

use crate::negotiate::{Pairs, encode};
use fhir::query::Summary;
use fhir::{
    Value,
    json::{self, write_string},
    obj,
};
use store::Version;

/// A bundle in the making.
pub(crate) struct BundleText {
    out: Vec<u8>,
    entries: usize,
}

impl BundleText {
    /// Starts one: its type, total and links (`self`, `next`), as far as there are any.
    pub(crate) fn new(kind: &str, total: Option<u64>, links: &[(&str, String)]) -> BundleText {
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(b"{\"resourceType\":\"Bundle\",\"type\":");
        write_string(kind, &mut out);
        if let Some(total) = total {
            out.extend_from_slice(format!(",\"total\":{total}").as_bytes());
        }
        for (i, (relation, url)) in links.iter().enumerate() {
            out.extend_from_slice(if i == 0 { b",\"link\":[" } else { b"," });
            out.extend_from_slice(b"{\"relation\":");
            write_string(relation, &mut out);
            out.extend_from_slice(b",\"url\":");
            write_string(url, &mut out);
            out.push(b'}');
        }
        if !links.is_empty() {
            out.push(b']');
        }
        BundleText { out, entries: 0 }
    }

    /// Adds an entry: address, resource as it is, and other members as JSON text (`"search":{...}`).
    pub(crate) fn entry(&mut self, address: &str, resource: &[u8], more: &str) {
        self.out.extend_from_slice(if self.entries == 0 {
            b",\"entry\":[{"
        } else {
            b",{"
        });
        self.entries += 1;
        let mut first = true;
        let mut comma = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
        };
        if !address.is_empty() {
            comma(&mut self.out);
            self.out.extend_from_slice(b"\"fullUrl\":");
            write_string(address, &mut self.out);
        }
        if !resource.is_empty() {
            comma(&mut self.out);
            self.out.extend_from_slice(b"\"resource\":");
            self.out.extend_from_slice(resource);
        }
        if !more.is_empty() {
            comma(&mut self.out);
            self.out.extend_from_slice(more.as_bytes());
        }
        self.out.push(b'}');
    }

    /// The whole text.
    pub(crate) fn done(mut self) -> Vec<u8> {
        if self.entries > 0 {
            self.out.push(b']');
        }
        self.out.push(b'}');
        self.out
    }
}

/// `Type?a=b&c=d` under the base (an empty path is the base itself), with a page token if there is one.
pub(crate) fn link(base: &str, path: &str, told: &Pairs, page: Option<&str>) -> String {
    let mut url = match path {
        "" => base.to_owned(),
        path => format!("{base}/{path}"),
    };
    let page = page.map(|page| (PAGE.to_owned(), page.to_owned()));
    for (i, (name, value)) in told.iter().chain(page.iter()).enumerate() {
        url.push(if i == 0 { '?' } else { '&' });
        encode(name, &mut url);
        url.push('=');
        encode(value, &mut url);
    }
    url
}

/// The parameter that carries a page token; opaque, from our own `next` links only.
pub(crate) const PAGE: &str = "_page";

/// The part of a stored resource that `_summary` or `_elements` asks for, marked as incomplete; the whole when nothing is
/// asked. What both ask for is shown.
pub(crate) fn cut(version: &Version, elements: &[String], summary: Summary) -> Option<Vec<u8>> {
    let cuts = matches!(summary, Summary::True | Summary::Text | Summary::Data);
    if elements.is_empty() && !cuts || version.body.is_empty() {
        return None;
    }
    let named: Vec<&str> = match summary {
        Summary::True => version.of.summary().to_vec(),
        Summary::Text => [&["text"], version.of.mandatory().as_slice()].concat(),
        _ => Vec::new(),
    };
    let limits = json::Limits {
        bytes: usize::MAX,
        depth: 256,
    };
    let Ok(Value::Object(whole)) = json::parse(&version.body, &limits) else {
        return None;
    };
    let mut part = json::Object::new();
    for (key, value) in whole.iter() {
        let summed = match summary {
            Summary::Data => key != "text",
            _ => named.iter().any(|name| is_of(key, name)),
        };
        let base = matches!(key, "resourceType" | "id" | "meta");
        if base || cuts && summed || asked(key, elements) {
            part.set(key, value.clone());
        }
    }
    let tag = obj! {
        "system" => "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "code" => "SUBSETTED",
    };
    let mut meta = part.remove("meta").unwrap_or_else(|| obj! {});
    let mut tags = meta.list("tag").to_vec();
    tags.push(tag);
    meta.set("tag", tags);
    part.set("meta", meta);
    Some(Value::Object(part).to_bytes())
}

/// Whether a member is an element of the definitions, or what extends it: `valueQuantity` is `value[x]`.
fn is_of(key: &str, element: &str) -> bool {
    let key = key.strip_prefix('_').unwrap_or(key);
    match element.strip_suffix("[x]") {
        Some(stem) => key
            .strip_prefix(stem)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase())),
        None => key == element,
    }
}

/// `value` also asks for `valueQuantity`, and an element for the `_element` that extends it.
fn asked(key: &str, elements: &[String]) -> bool {
    let key = key.strip_prefix('_').unwrap_or(key);
    elements.iter().any(|element| {
        key.strip_prefix(element.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_uppercase()))
    })
}

/// Indented for people.
pub(crate) fn pretty(text: &[u8]) -> Option<Vec<u8>> {
    let limits = json::Limits {
        bytes: usize::MAX,
        depth: 256,
    };
    let value = json::parse(text, &limits).ok()?;
    Some(value.to_pretty().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::ResourceType;

    fn observation(body: &str) -> Version {
        Version {
            of: ResourceType::from_name("Observation").unwrap(),
            id: "1".into(),
            version: 1,
            updated: jiff::Timestamp::UNIX_EPOCH,
            deleted: false,
            body: body.as_bytes().to_vec().into(),
            person: store::PersonKey(1),
        }
    }

    #[test]
    fn stored_bytes_stand_in_the_bundle_as_they_are() {
        let told = vec![("code".to_owned(), "http://loinc.org|4548-4".to_owned())];
        let links = [("self", link("https://n/fhir", "Observation", &told, None))];
        let mut bundle = BundleText::new("searchset", Some(2), &links);
        bundle.entry(
            "https://n/fhir/A/1",
            b"{\"x\":1.10}",
            "\"search\":{\"mode\":\"match\"}",
        );
        bundle.entry("", b"", "\"response\":{\"status\":\"204\"}");
        assert_eq!(
            String::from_utf8(bundle.done()).unwrap(),
            concat!(
                r#"{"resourceType":"Bundle","type":"searchset","total":2,"#,
                r#""link":[{"relation":"self","url":"https://n/fhir/Observation?code=http://loinc.org%7C4548-4"}],"#,
                r#""entry":[{"fullUrl":"https://n/fhir/A/1","resource":{"x":1.10},"search":{"mode":"match"}},"#,
                r#"{"response":{"status":"204"}}]}"#,
            )
        );
        assert_eq!(
            BundleText::new("searchset", None, &[]).done(),
            br#"{"resourceType":"Bundle","type":"searchset"}"#
        );
    }

    #[test]
    fn what_is_cut_is_marked_and_keeps_its_numbers() {
        let whole = observation(
            r#"{"resourceType":"Observation","id":"1","status":"final","valueQuantity":{"value":7.10},"_status":{"id":"s"},"note":[]}"#,
        );
        assert_eq!(cut(&whole, &[], Summary::False), None);
        let text = cut(&whole, &["value".into(), "status".into()], Summary::False).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            concat!(
                r#"{"resourceType":"Observation","id":"1","status":"final","valueQuantity":{"value":7.10},"_status":{"id":"s"},"#,
                r#""meta":{"tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}]}}"#,
            )
        );
    }

    #[test]
    fn a_summary_shows_what_r4_marks_and_says_that_it_is_one() {
        let whole = observation(
            r#"{"resourceType":"Observation","id":"1","text":{"status":"empty"},"status":"final","_status":{"id":"s"},"code":{"text":"a"},"valueString":"b","note":[{"text":"c"}]}"#,
        );
        let keys = |summary| {
            let part = cut(&whole, &[], summary).unwrap();
            let Value::Object(part) = json::parse(&part, &json::Limits::default()).unwrap() else {
                panic!("an object");
            };
            let tag = Value::Object(part.clone());
            assert_eq!(tag.text("meta.tag.0.code"), Some("SUBSETTED"));
            let keys = part.iter().map(|(key, _)| key.to_owned());
            keys.filter(|key| !matches!(key.as_str(), "resourceType" | "id" | "meta"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            keys(Summary::True),
            ["status", "_status", "code", "valueString"]
        );
        assert_eq!(keys(Summary::Text), ["text", "status", "_status", "code"]);
        assert_eq!(
            keys(Summary::Data),
            ["status", "_status", "code", "valueString", "note"]
        );
    }
}
