//! `encode`, `decode`, `escape` and `unescape`.

use super::call::Work;
use crate::{
    Value,
    fhirpath::{eval::Outcome, item::Found, tree::Function},
    json,
};

pub(super) fn call<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let (Some(text), Some(how)) = (work.text()?, work.text_argument(0)?) else {
        return Ok(Found::None);
    };
    let bytes = text.as_bytes();
    let done = match (work.call.function, how.as_ref()) {
        (Function::Encode, "hex") => Some(bytes.iter().map(|b| format!("{b:02x}")).collect()),
        (Function::Encode, "base64") => Some(to_base64(bytes, STANDARD)),
        (Function::Encode, "urlbase64") => Some(to_base64(bytes, FOR_URLS)),
        (Function::Decode, "hex") => from_hex(bytes).and_then(|b| String::from_utf8(b).ok()),
        (Function::Decode, "base64") => decoded(bytes, STANDARD),
        (Function::Decode, "urlbase64") => decoded(bytes, FOR_URLS),
        (Function::Escape, "html") => Some(to_html(&text)),
        (Function::Escape, "json") => Some(to_json(&text)),
        (Function::Unescape, "html") => Some(from_html(&text)),
        (Function::Unescape, "json") => from_json(&text),
        _ => None,
    };
    match done {
        Some(done) => work.built(done),
        None => Ok(Found::None),
    }
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648, with padding in both alphabets, as the specification's examples show.
fn to_base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4usize {
            let six = (bits >> (18 - 6 * at) & 63) as usize;
            let letter = alphabet.get(six).filter(|_| at <= three.len());
            text.push(letter.map_or('=', |l| char::from(*l)));
        }
    }
    text
}

fn decoded(text: &[u8], alphabet: &[u8; 64]) -> Option<String> {
    let (mut bits, mut held, mut bytes) = (0u32, 0u32, Vec::with_capacity(text.len()));
    let end = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    for byte in text.get(..end)? {
        let six = alphabet.iter().position(|letter| letter == byte)?;
        bits = bits << 6 | u32::try_from(six).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn to_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The entities that `escape` writes, and numbers; others stay.
fn from_html(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        plain.push_str(before);
        let end = entity.bytes().take(12).position(|b| b == b';');
        let letter = end.and_then(|end| super::html::entity(entity.get(1..end)?));
        match (letter, end) {
            (Some(letter), Some(end)) => {
                plain.push(letter);
                rest = entity.get(end + 1..).unwrap_or_default();
            }
            _ => {
                plain.push('&');
                rest = entity.get(1..).unwrap_or_default();
            }
        }
    }
    plain + rest
}

fn to_json(text: &str) -> String {
    let mut quoted = Vec::new();
    json::write_string(text, &mut quoted);
    let inner = quoted.get(1..quoted.len().saturating_sub(1));
    String::from_utf8_lossy(inner.unwrap_or_default()).into_owned()
}

fn from_json(text: &str) -> Option<String> {
    // A quote without its backslash is taken as it is.
    let mut quoted = String::from("\"");
    let mut escaped = false;
    for letter in text.chars() {
        if letter == '"' && !escaped {
            quoted.push('\\');
        }
        escaped = letter == '\\' && !escaped;
        quoted.push(letter);
    }
    quoted.push('"');
    match json::parse(quoted.as_bytes(), &json::Limits::default()) {
        Ok(Value::String(text)) => Some(text),
        _ => None,
    }
}
