//! The words of a resource, for `_text` and `_content`.

use super::{Entry, Indexed, fold::fold, table::table};
use crate::{ResourceType, Value};

/// The words of a resource as two entries at most: those of its narrative under the number of `_text`, all of them under
/// that of `_content`. Each is a [`Indexed::Text`] whose folded text is the words in their order with single spaces,
/// whose exact text is empty. They are long, so they are no part of [`extract`](super::extract): the store decides what
/// it keeps of them. Keys, ids, references, URIs and the resource's type are no words; texts and codes are.
///
/// Cost: one walk of the resource, and as much again as its text is long.
pub fn words(of: ResourceType, resource: &Value) -> Vec<Entry> {
    let mut narrative = String::new();
    if let Some(div) = resource.text("text.div") {
        add(&without_tags(div), &mut narrative);
    }
    let mut all = narrative.clone();
    gather(resource, &mut all, true);
    let entry = |code: &str, folded: String| {
        let number = table().parameter(of.name(), code)?.number;
        let exact = String::new();
        let value = Indexed::Text { folded, exact };
        Some(Entry { number, value })
    };
    [entry("_text", narrative), entry("_content", all)]
        .into_iter()
        .flatten()
        .filter(|entry| matches!(&entry.value, Indexed::Text { folded, .. } if !folded.is_empty()))
        .collect()
}

/// Members that name things, or are the narrative, which is read apart.
const NO_WORDS: [&str; 6] = [
    "resourceType",
    "id",
    "reference",
    "div",
    "data",
    "contentType",
];

fn gather(value: &Value, out: &mut String, root: bool) {
    match value {
        Value::Object(object) => {
            for (key, member) in object.iter() {
                if !(NO_WORDS.contains(&key) || root && key == "meta") {
                    gather(member, out, false);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, out, false)),
        Value::String(text) if is_uri(text) => {}
        Value::String(text) => add(text, out),
        _ => {}
    }
}

/// Whether a text is the address or name of something, such as a code's system.
fn is_uri(text: &str) -> bool {
    let scheme = ["http://", "https://", "urn:"];
    scheme.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_whitespace)
}

/// Appends the words of a text.
fn add(text: &str, out: &mut String) {
    let folded = fold(text);
    for word in words_of(&folded) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// The words of a text, folded, with single spaces: what is no letter or digit parts them.
pub(crate) fn phrase(text: &str) -> String {
    let folded = fold(text);
    let words: Vec<&str> = words_of(&folded).collect();
    words.join(" ")
}

fn words_of(folded: &str) -> impl Iterator<Item = &str> {
    let parts = folded.split(|c: char| !c.is_alphanumeric());
    parts.filter(|word| !word.is_empty())
}

/// The text of XHTML: tags are spaces, the five entities and numbers stand for their letters.
fn without_tags(xhtml: &str) -> String {
    let mut out = String::with_capacity(xhtml.len() / 2);
    let mut rest = xhtml;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let close = if from.starts_with('<') { '>' } else { ';' };
        let Some((inside, after)) = from.split_once(close) else {
            // Not closed: the rest is no text we can read.
            return out;
        };
        match inside.strip_prefix('&') {
            Some(entity) => out.push(letter(entity).unwrap_or(' ')),
            None => out.push(' '),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn letter(entity: &str) -> Option<char> {
    let number = match entity {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => entity.strip_prefix('#')?,
    };
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrative_is_its_words() {
        let xhtml = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><b>Dolor</b> de cabeza<br/>Ma&#241;ana&#xe9; &lt;5 &amp; m\u{e1}s</div>";
        assert_eq!(
            phrase(&without_tags(xhtml)),
            "dolor de cabeza mañanae 5 mas"
        );
        assert_eq!(without_tags("a & b < c"), "a ");
        assert_eq!(phrase("  HbA1c,(4548-4)  "), "hba1c 4548 4");
    }

    #[test]
    fn all_words_are_the_narrative_and_the_texts() {
        let text = r#"{"resourceType":"Condition","id":"secret","meta":{"source":"nowhere"},"text":{"status":"generated","div":"<div>Asma leve</div>"},
            "code":{"text":"Asthma","coding":[{"code":"195967001"}]},"subject":{"reference":"Patient/ana","display":"Ana Ruiz"}}"#;
        let value = crate::json::parse(text.as_bytes(), &crate::json::Limits::default()).unwrap();
        let of = ResourceType::from_name("Condition").unwrap();
        let words: Vec<String> = words(of, &value)
            .into_iter()
            .map(|entry| match entry.value {
                Indexed::Text { folded, .. } => folded,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            words,
            ["asma leve", "asma leve generated asthma 195967001 ana ruiz"]
        );
    }
}
