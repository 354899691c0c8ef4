//! From an element to what the index holds of it. Elements are told apart by their members, so that one rule serves
//! every place where a data type stands.

use super::{CANONICAL, Entry, IDENTIFIER, Indexed, Kind, fold::fold, program::Leaf};
use crate::{Value, time, ucum};

/// Appends the entries of one element for one parameter; none when the element says nothing that can be searched.
pub(super) fn index(leaf: Leaf, value: &Value, out: &mut Vec<Entry>) {
    let number = leaf.parameter.number;
    match leaf.parameter.kind {
        Kind::Token => tokens(leaf, value, out),
        Kind::String => texts(number, value, out),
        Kind::Reference => references(leaf, value, out),
        Kind::Date => {
            if let Some((from, to)) = moment(value) {
                push(out, number, Indexed::Date { from, to });
            }
        }
        Kind::Number => {
            for value in [Some(value), value.get("low"), value.get("high")] {
                if let Some(value) = value.and_then(|v| decimal(v.get("value").unwrap_or(v))) {
                    push(out, number, Indexed::Number { value });
                }
            }
        }
        Kind::Quantity => quantities(number, value, out),
        Kind::Uri => {
            if let Some(uri) = value.as_str().filter(|u| !u.is_empty()) {
                push(out, number, Indexed::Uri(uri.to_owned()));
            }
        }
        Kind::Special => position(number, value, out),
        // Made of its components, by the program.
        Kind::Composite => {}
    }
}

fn push(out: &mut Vec<Entry>, number: u16, value: Indexed) {
    out.push(Entry { number, value });
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn token(out: &mut Vec<Entry>, number: u16, system: &str, code: &str, text: &str) {
    if system.is_empty() && code.is_empty() && text.is_empty() {
        return;
    }
    // Some exports write spaces at the ends of system URIs; nobody searches for them.
    let system = system.trim();
    let value = Indexed::Token {
        system: system.to_owned(),
        code: code.to_owned(),
        text: text.to_owned(),
    };
    push(out, number, value);
}

fn tokens(leaf: Leaf, value: &Value, out: &mut Vec<Entry>) {
    let number = leaf.parameter.number;
    match value {
        Value::String(code) => token(out, number, leaf.system, code, ""),
        Value::Bool(true) => token(out, number, "", "true", ""),
        Value::Bool(false) => token(out, number, "", "false", ""),
        Value::Number(digits) => token(out, number, "", digits, ""),
        Value::Object(object) => {
            let said = text(value, "text");
            if let Some(codings) = object.get("coding") {
                for coding in codings.items() {
                    coding_token(number, coding, out);
                }
            }
            if let Some(code) = object.get("value") {
                let code = code.as_str().unwrap_or_default();
                let kind = value.get("type").map_or("", |kind| text(kind, "text"));
                token(out, number, text(value, "system"), code, kind);
                for coding in value.get("type").map_or(&[][..], |of| of.list("coding")) {
                    typed(number, coding, code, out);
                }
            } else if object.get("code").is_some() || object.get("system").is_some() {
                coding_token(number, value, out);
            } else if !value
                .list("coding")
                .iter()
                .any(|c| text(c, "display") == said)
            {
                token(out, number, "", "", said);
            }
        }
        _ => {}
    }
}

/// An identifier beside its type, for `:of-type`: the type's code and the value in one token.
fn typed(number: u16, coding: &Value, value: &str, out: &mut Vec<Entry>) {
    let of = text(coding, "code");
    if !of.is_empty() && !value.is_empty() {
        let code = of_type(of, value);
        token(out, number | IDENTIFIER, text(coding, "system"), &code, "");
    }
}

/// How the index writes an identifier of a type: the code of its token under [`IDENTIFIER`].
pub fn of_type(code: &str, value: &str) -> String {
    format!("{code}|{value}")
}

fn coding_token(number: u16, coding: &Value, out: &mut Vec<Entry>) {
    token(
        out,
        number,
        text(coding, "system"),
        text(coding, "code"),
        text(coding, "display"),
    );
}

/// The members of HumanName and Address that string search looks into.
const PARTS: [&str; 12] = [
    "text",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
    "name",
];

fn texts(number: u16, value: &Value, out: &mut Vec<Entry>) {
    match value {
        Value::String(exact) => {
            let folded = fold(exact);
            if !folded.is_empty() {
                let exact = exact.clone();
                push(out, number, Indexed::Text { folded, exact });
            }
        }
        Value::Object(_) => {
            for part in PARTS.iter().filter_map(|part| value.get(part)) {
                match part {
                    Value::Array(items) => {
                        let items = items.iter().filter(|item| item.as_str().is_some());
                        items.for_each(|item| texts(number, item, out));
                    }
                    Value::String(_) => texts(number, part, out),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn references(leaf: Leaf, value: &Value, out: &mut Vec<Entry>) {
    let number = leaf.parameter.number;
    match value {
        Value::String(canonical) => {
            if canonical.is_empty() || canonical.starts_with('#') {
                return;
            }
            if let Some((bare, _)) = canonical.split_once('|') {
                push(out, number, Indexed::Reference(bare.to_owned()));
            }
            push(out, number, Indexed::Reference(canonical.clone()));
        }
        Value::Object(object) => {
            if let Some(literal) = object.get("reference").and_then(Value::as_str) {
                let bare = without_version(literal);
                if !bare.is_empty() && !bare.starts_with('#') {
                    push(out, number, Indexed::Reference(bare.to_owned()));
                }
            }
            if let Some(identifier) = object.get("identifier") {
                let (system, code) = (text(identifier, "system"), text(identifier, "value"));
                token(out, number | IDENTIFIER, system, code, "");
            }
            // The first entry of a document or message stands in the Bundle itself.
            let (of, id) = (text(value, "resourceType"), text(value, "id"));
            if !id.is_empty() && leaf.parameter.targets.contains(&of) {
                push(out, number, Indexed::Reference(format!("{of}/{id}")));
            }
        }
        _ => {}
    }
}

/// `Patient/1/_history/2` is `Patient/1`.
fn without_version(reference: &str) -> &str {
    reference
        .split_once("/_history/")
        .map_or(reference, |(bare, _)| bare)
}

/// The span of a date, Period or Timing; of a Timing only the outer limits count, as R4 says.
fn moment(value: &Value) -> Option<(i64, i64)> {
    if let Value::String(text) = value {
        return time::span(text).map(|span| (span.from, span.to));
    }
    let bounds = value.path("repeat.boundsPeriod");
    let events = value.list("event").iter().filter_map(moment);
    let spans = events.chain(bounds.and_then(period)).chain(period(value));
    spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

fn period(value: &Value) -> Option<(i64, i64)> {
    let end_of = |key: &str| value.get(key).and_then(Value::as_str).and_then(time::span);
    let (start, end) = (end_of("start"), end_of("end"));
    if start.is_none() && end.is_none() {
        return None;
    }
    let span = (
        start.map_or(i64::MIN, |s| s.from),
        end.map_or(i64::MAX, |s| s.to),
    );
    (span.0 <= span.1).then_some(span)
}

/// A finite number.
fn decimal(value: &Value) -> Option<f64> {
    value.as_f64().filter(|number| number.is_finite())
}

/// Code system of currencies, as R4 names it for Money.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

fn quantities(number: u16, value: &Value, out: &mut Vec<Entry>) {
    if let Some(origin) = value.get("origin") {
        return samples(number, origin, value, out);
    }
    for end in ["low", "high"].iter().filter_map(|key| value.get(key)) {
        quantity(number, end, out);
    }
    quantity(number, value, out);
}

fn quantity(number: u16, quantity: &Value, out: &mut Vec<Entry>) {
    if let Some(digits) = quantity.get("value").and_then(Value::as_number) {
        amount(number, digits, quantity, out);
    }
}

/// The lowest and the highest of many samples, in the unit of their origin. `L` and `U` are the limits that could be
/// measured, `E` is no sample.
fn samples(number: u16, origin: &Value, value: &Value, out: &mut Vec<Entry>) {
    let member = |key: &str| value.get(key).and_then(decimal);
    let (Some(zero), factor) = (
        origin.get("value").and_then(decimal),
        member("factor").unwrap_or(1.0),
    ) else {
        return;
    };
    let samples = text(value, "data").split_ascii_whitespace();
    let samples = samples.filter_map(|sample| match sample {
        "E" => None,
        "L" => member("lowerLimit"),
        "U" => member("upperLimit"),
        digits => digits.parse().ok(),
    });
    let samples = samples.map(|sample: f64| zero + sample * factor);
    let ends = samples
        .filter(|sample| sample.is_finite())
        .fold(None, |ends, sample| {
            let (low, high) = ends.unwrap_or((sample, sample));
            Some((sample.min(low), sample.max(high)))
        });
    if let Some((low, high)) = ends {
        amount(number, &low.to_string(), origin, out);
        amount(number, &high.to_string(), origin, out);
    }
}

/// So much of a quantity's unit: by its code, by its printed unit, and in base units.
fn amount(number: u16, digits: &str, quantity: &Value, out: &mut Vec<Entry>) {
    let comparator = text(quantity, "comparator");
    let beside = |value: f64| match comparator {
        "<" => value.next_down(),
        ">" => value.next_up(),
        _ => value,
    };
    let mut of = |value: f64, system: &str, code: &str| {
        if value.is_finite() {
            let value = Indexed::Quantity {
                value: beside(value),
                system: system.to_owned(),
                code: code.to_owned(),
            };
            push(out, number, value);
        }
    };
    let Ok(value) = digits.parse::<f64>() else {
        return;
    };
    let currency = text(quantity, "currency");
    if !currency.is_empty() {
        return of(value, CURRENCIES, currency);
    }
    let (system, code, unit) = (
        text(quantity, "system"),
        text(quantity, "code"),
        text(quantity, "unit"),
    );
    if !code.is_empty() {
        of(value, system, code);
        if system == ucum::SYSTEM
            && let Some(unit) = ucum::unit(code).filter(|unit| unit.base != code)
            && let Some(value) = unit.in_base_f64(digits)
        {
            of(value, CANONICAL, &unit.base);
        }
    }
    if code.is_empty() || (!unit.is_empty() && unit != code) {
        of(value, "", unit);
    }
}

/// A place with latitude and longitude.
fn position(number: u16, value: &Value, out: &mut Vec<Entry>) {
    let degrees = |key: &str, most: f64| {
        let degrees = value.get(key).and_then(decimal);
        degrees.filter(|degrees| degrees.abs() <= most)
    };
    if let (Some(lat), Some(lon)) = (degrees("latitude", 90.0), degrees("longitude", 180.0)) {
        push(out, number, Indexed::Position { lat, lon });
    }
}
