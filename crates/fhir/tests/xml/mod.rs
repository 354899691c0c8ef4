//! A small reader of XML for the suites, and FHIR's XML as the JSON it stands for. Not for anything that comes from
//! outside.

use fhir::{Object, Value};
use std::{collections::HashMap, sync::LazyLock};

/// An element: its own text joined, and where it stands in the source.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
    pub(crate) source: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }
}

/// Reads a document; what is not well formed panics.
pub(crate) fn read(text: &str) -> Element {
    let mut reader = Reader { text, at: 0 };
    while !reader.rest().is_empty() {
        let rest = reader.rest();
        if rest.starts_with('<') && !rest.starts_with("<?") && !rest.starts_with("<!") {
            return reader.element();
        }
        let aside = reader.skipped_aside();
        if !aside {
            reader.at += rest.chars().next().unwrap().len_utf8();
        }
    }
    panic!("no element")
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
    fn until(&mut self, end: &str) -> &'t str {
        let rest = self.rest();
        let length = rest
            .find(end)
            .unwrap_or_else(|| panic!("`{end}` is missing"));
        self.at += length + end.len();
        &rest[..length]
    }
    /// Comments, declarations, instructions.
    fn skipped_aside(&mut self) -> bool {
        let rest = self.rest();
        if rest.starts_with("<!--") {
            self.until("-->");
        } else if rest.starts_with("<?") || (rest.starts_with("<!") && !rest.starts_with("<![")) {
            self.until(">");
        } else {
            return false;
        }
        true
    }
    fn element(&mut self) -> Element {
        let start = self.at;
        self.at += 1;
        let mut element = Element {
            name: self.name(),
            ..Element::default()
        };
        loop {
            let rest = self.rest().trim_start();
            self.at = self.text.len() - rest.len();
            if rest.starts_with("/>") {
                self.at += 2;
                element.source = self.text[start..self.at].to_owned();
                return element;
            }
            if rest.starts_with('>') {
                self.at += 1;
                break;
            }
            let name = self.name();
            self.until("=");
            self.at = self.text.len() - self.rest().trim_start().len();
            let quote = self.rest()[..1].to_owned();
            self.at += 1;
            let value = plain(self.until(&quote));
            element.attributes.push((name, value));
        }
        loop {
            if self.rest().starts_with("</") {
                self.until(">");
                element.source = self.text[start..self.at].to_owned();
                return element;
            }
            if self.skipped_aside() {
                continue;
            }
            if self.rest().starts_with("<![CDATA[") {
                self.at += 9;
                let text = self.until("]]>");
                element.text.push_str(text);
            } else if self.rest().starts_with('<') {
                let child = self.element();
                element.children.push(child);
            } else {
                let end = self.rest().find('<').unwrap();
                element.text.push_str(&plain(&self.rest()[..end]));
                self.at += end;
            }
        }
    }
    fn name(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "=/>".contains(c));
        self.at += end.unwrap();
        rest[..end.unwrap()].to_owned()
    }
}

/// Text without entities.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(';').unwrap() + at;
        out.push(match &rest[at + 1..end] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            code => {
                let number = match code.strip_prefix("#x") {
                    Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
                    None => code[1..].parse().unwrap(),
                };
                char::from_u32(number).unwrap()
            }
        });
        rest = &rest[end + 1..];
    }
    out + rest
}

/// What the definitions say of one element: whether it repeats, and its types.
struct Row {
    many: bool,
    types: &'static str,
}

/// The base of each type, and the row of each element.
type Table = (
    HashMap<&'static str, &'static str>,
    HashMap<&'static str, Row>,
);

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (mut bases, mut rows) = (HashMap::new(), HashMap::new());
    for line in include_str!("../../definitions/elements.tsv").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[0] {
            "type" | "resource" | "abstract" | "primitive" => {
                bases.insert(fields[1], fields.get(2).copied().unwrap_or_default());
            }
            path if !line.starts_with("#") && path.contains('.') => {
                let (many, types) = (fields[2] != "1", fields[3]);
                rows.insert(path, Row { many, types });
            }
            _ => {}
        }
    }
    (bases, rows)
});

/// The row of a child and the type it has there.
fn row_of(node: &str, name: &str) -> Option<(&'static Row, String)> {
    let (bases, rows) = &*TABLE;
    let path = format!("{node}.{name}");
    if let Some(row) = rows.get(path.as_str()) {
        let of = row.types.split('(').next().unwrap();
        let of = match of {
            "BackboneElement" | "Element" => path,
            of => of.strip_prefix('#').unwrap_or(of).to_owned(),
        };
        return Some((row, of));
    }
    for (end, _) in name.char_indices().filter(|(_, c)| c.is_ascii_uppercase()) {
        if let Some(row) = rows.get(format!("{node}.{}[x]", &name[..end]).as_str()) {
            let types = row.types.split(',').map(|of| of.split('(').next().unwrap());
            let of = types
                .into_iter()
                .find(|of| of.eq_ignore_ascii_case(&name[end..]));
            return Some((row, of?.to_owned()));
        }
    }
    let base = match bases.get(node) {
        Some(base) => *base,
        None => rows[node].types,
    };
    (!base.is_empty()).then(|| row_of(base, name)).flatten()
}

fn is_primitive(of: &str) -> bool {
    of.starts_with(|c: char| c.is_ascii_lowercase())
}

/// A resource in FHIR's XML as its JSON.
pub(crate) fn resource(element: &Element) -> Value {
    let mut object = Object::new();
    object.set("resourceType", element.name.as_str());
    members(element, &element.name, &mut object);
    Value::Object(object)
}

fn members(element: &Element, node: &str, object: &mut Object) {
    for (name, value) in &element.attributes {
        if name == "id" || name == "url" {
            object.set(name.as_str(), value.as_str());
        }
    }
    let mut done: Vec<&str> = Vec::new();
    for child in &element.children {
        let name = child.name.as_str();
        if done.contains(&name) {
            continue;
        }
        done.push(name);
        let (row, of) = row_of(node, name).unwrap_or_else(|| panic!("{node}.{name}"));
        let all: Vec<&Element> = element.children.iter().filter(|c| c.name == name).collect();
        let values: Vec<Value> = all.iter().map(|c| value(c, &of)).collect();
        let extras: Vec<Value> = all.iter().map(|c| extra(c, &of)).collect();
        let mut set = |name: String, mut values: Vec<Value>| {
            if values.iter().any(|v| *v != Value::Null) {
                let one = if row.many {
                    Value::Array(values)
                } else {
                    values.remove(0)
                };
                object.set(name, one);
            }
        };
        set(name.to_owned(), values);
        set(format!("_{name}"), extras);
    }
}

fn value(element: &Element, of: &str) -> Value {
    match of {
        "xhtml" => Value::from(element.source.as_str()),
        "Resource" => resource(&element.children[0]),
        of if is_primitive(of) => match (of, element.attribute("value")) {
            (_, None) => Value::Null,
            ("boolean", Some(value)) => Value::Bool(value == "true"),
            ("decimal" | "integer" | "positiveInt" | "unsignedInt", Some(value)) => {
                Value::Number(value.to_owned())
            }
            (_, Some(value)) => Value::from(value),
        },
        of => {
            let mut object = Object::new();
            members(element, of, &mut object);
            Value::Object(object)
        }
    }
}

fn extra(element: &Element, of: &str) -> Value {
    let mut object = Object::new();
    if is_primitive(of) && of != "xhtml" {
        members(element, "Element", &mut object);
    }
    match object.is_empty() {
        true => Value::Null,
        false => Value::Object(object),
    }
}
