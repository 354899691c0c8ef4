//! JSON as FHIR needs it: numbers keep their digits, duplicate keys are refused, depth and size are bounded,
//! and an error says the line, the column and the path where it happened.
//!
//! One pass, linear in the input; memory is about four times the input. No recursion deeper than [`Limits::depth`].

use smol_str::SmolStr;
use std::{borrow::Cow, fmt};

/// A JSON value that owns its text. Objects keep the order of their members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number exactly as written: `1.10` stays `1.10`.
    Number(String),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, members in the order written.
    Object(Object),
}

/// The members of a JSON object, in order, each key once. Names of up to 23 bytes take no memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(SmolStr, Value)>);

/// How much a reader takes before it refuses.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest input, in bytes.
    pub bytes: usize,
    /// Deepest nesting of arrays and objects.
    pub depth: usize,
}

impl Default for Limits {
    /// 16 MiB and 64 levels: a FHIR resource of ten levels is already unusual.
    fn default() -> Self {
        Limits {
            bytes: 16 << 20,
            depth: 64,
        }
    }
}

/// Why a text is not the JSON we take, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {reason}", at(.path))]
pub struct Error {
    /// What is wrong, in words.
    pub reason: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
    /// Path of the innermost value being read, as in `entry[3].resource`; empty at the root.
    pub path: String,
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(", at {path}")
    }
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Object(Vec::new())
    }
    /// The member of that name.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
    /// The member of that name, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v)
    }
    /// Sets a member: in place if it is there, at the end if not.
    pub fn set(&mut self, key: impl Into<SmolStr>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.get_mut(&key) {
            Some(slot) => *slot = value,
            None => self.0.push((key, value)),
        }
    }
    /// Adds a member unless the value is `null` (an absent `Option`); the way [`obj!`](crate::obj) builds.
    pub fn push(&mut self, key: impl Into<SmolStr>, value: impl Into<Value>) {
        let value = value.into();
        if value != Value::Null {
            self.0.push((key.into(), value));
        }
    }
    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(k, _)| k == key)?;
        Some(self.0.remove(at).1)
    }
    /// Members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v))
    }
    /// Members in order, values to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(k, v)| (k.as_str(), v))
    }
    /// How many members.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    /// A member of an object; `None` for anything else.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(object) => object.get(key),
            _ => None,
        }
    }
    /// Walks members and array positions: `path("code.coding.0.code")`.
    pub fn path(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })
    }
    /// The text at a path of [`Value::path`].
    pub fn text(&self, path: &str) -> Option<&str> {
        self.path(path)?.as_str()
    }
    /// The items of an array member; empty when absent or not an array.
    pub fn list(&self, key: &str) -> &[Value] {
        self.get(key).map_or(&[], Value::items)
    }
    /// The items of an array; empty for anything else.
    pub fn items(&self) -> &[Value] {
        match self {
            Value::Array(items) => items,
            _ => &[],
        }
    }
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
    /// The truth of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
    /// The digits of a number, as written.
    pub fn as_number(&self) -> Option<&str> {
        match self {
            Value::Number(digits) => Some(digits),
            _ => None,
        }
    }
    /// A number as the nearest `f64`; for drawing and ordering, never for storing.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.parse().ok()
    }
    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
    /// The members of an object, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
    /// Sets a member of an object; does nothing to any other value.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        if let Value::Object(object) = self {
            object.set(key, value);
        }
    }
    /// A decimal with the digits given; the caller answers for their form.
    pub fn decimal(digits: impl Into<String>) -> Value {
        Value::Number(digits.into())
    }
    /// Compact JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write(&mut out);
        out
    }
    /// Appends compact JSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Number(digits) => out.extend_from_slice(digits.as_bytes()),
            Value::String(text) => write_string(text, out),
            Value::Array(items) => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Value::Object(object) => {
                out.push(b'{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    write_string(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
    /// Indented JSON, for people (`_pretty=true`).
    pub fn to_pretty(&self) -> String {
        let mut out = Vec::new();
        self.write_pretty(&mut out, 0);
        String::from_utf8_lossy(&out).into_owned()
    }
    fn write_pretty(&self, out: &mut Vec<u8>, level: usize) {
        let indent = |out: &mut Vec<u8>, level: usize| {
            out.push(b'\n');
            out.extend(std::iter::repeat_n(b' ', level * 2));
        };
        match self {
            Value::Array(items) if !items.is_empty() => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    indent(out, level + 1);
                    item.write_pretty(out, level + 1);
                }
                indent(out, level);
                out.push(b']');
            }
            Value::Object(object) if !object.is_empty() => {
                out.push(b'{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    indent(out, level + 1);
                    write_string(key, out);
                    out.extend_from_slice(b": ");
                    value.write_pretty(out, level + 1);
                }
                indent(out, level);
                out.push(b'}');
            }
            other => other.write(out),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_bytes()))
    }
}

/// Appends a JSON string literal.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain = 0;
    let bytes = text.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        let escape: &[u8] = match b {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(plain..i).unwrap_or_default());
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{b:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
        plain = i + 1;
    }
    out.extend_from_slice(bytes.get(plain..).unwrap_or_default());
    out.push(b'"');
}

macro_rules! from {
    ($($from:ty, $v:ident => $to:expr;)*) => {$(
        impl From<$from> for Value { fn from($v: $from) -> Value { $to } }
    )*};
}
from! {
    bool, v => Value::Bool(v);
    &str, v => Value::String(v.to_owned());
    &String, v => Value::String(v.clone());
    String, v => Value::String(v);
    i32, v => Value::Number(v.to_string());
    u32, v => Value::Number(v.to_string());
    i64, v => Value::Number(v.to_string());
    u64, v => Value::Number(v.to_string());
    usize, v => Value::Number(v.to_string());
    Object, v => Value::Object(v);
    &Value, v => v.clone();
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Value {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(items: [T; N]) -> Value {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(item: Option<T>) -> Value {
        item.map_or(Value::Null, Into::into)
    }
}

/// Builds a JSON object: `obj! { "resourceType" => "Patient", "active" => true }`.
/// Values are anything that turns into a [`Value`](crate::json::Value); an absent `Option` leaves its member out.
#[macro_export]
macro_rules! obj {
    ($($key:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut object = $crate::json::Object::new();
        $( object.push($key, $value); )*
        $crate::json::Value::Object(object)
    }};
}

/// Reads one JSON value that fills the whole input.
///
/// Refuses: invalid UTF-8, a byte order mark, trailing text, duplicate keys, unpaired surrogates, control characters
/// inside strings, more than the limits allow. Cost: one pass.
pub fn parse(input: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut reader = Reader {
        input,
        text: "",
        at: 0,
        depth: 0,
        limits: *limits,
        path: Vec::new(),
    };
    if input.len() > limits.bytes {
        return Err(reader.error(format!(
            "the text has {} bytes; the limit is {}",
            input.len(),
            limits.bytes
        )));
    }
    reader.text = match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(bad) => {
            reader.at = bad.valid_up_to();
            return Err(reader.error("this byte is not valid UTF-8".into()));
        }
    };
    reader.space();
    let value = reader.value()?;
    reader.space();
    if reader.at < input.len() {
        return Err(reader.error("there is more text after the end of the JSON value".into()));
    }
    Ok(value)
}

enum Step {
    Key(SmolStr),
    Index(usize),
}

struct Reader<'a> {
    input: &'a [u8],
    /// The same, once it is known to be UTF-8.
    text: &'a str,
    at: usize,
    depth: usize,
    limits: Limits,
    path: Vec<Step>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    fn error(&self, reason: String) -> Error {
        let before = self
            .input
            .get(..self.at.min(self.input.len()))
            .unwrap_or_default();
        let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&b| b != b'\n').count() + 1;
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => {
                    path.push('.');
                    path.push_str(key);
                }
                Step::Index(i) => path.push_str(&format!("[{i}]")),
            }
        }
        Error {
            reason,
            line,
            column,
            path,
        }
    }
    fn unexpected<T>(&self, wanted: &str) -> Result<T, Error> {
        Err(self.error(
            match self
                .input
                .get(self.at..)
                .and_then(|rest| std::str::from_utf8(rest).ok()?.chars().next())
            {
                Some(c) => format!("found `{}` where {wanted} was expected", c.escape_default()),
                None => format!("the text ends where {wanted} was expected"),
            },
        ))
    }
    fn word(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        if self
            .input
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            return Ok(value);
        }
        self.unexpected("a JSON value")
    }
    fn value(&mut self) -> Result<Value, Error> {
        match self.peek() {
            Some(b'{') => self.nested(Reader::object),
            Some(b'[') => self.nested(Reader::array),
            Some(b'"') => Ok(Value::String(self.string()?.into_owned())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.unexpected("a JSON value"),
        }
    }
    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            return Err(self.error(format!("nested deeper than {} levels", self.limits.depth)));
        }
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }
    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.path.push(Step::Index(items.len()));
            self.space();
            items.push(self.value()?);
            self.path.pop();
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return self.unexpected("`,` or `]`"),
            }
        }
    }
    fn object(&mut self) -> Result<Value, Error> {
        let mut members: Vec<(SmolStr, Value)> = Vec::new();
        // Objects are small; past this many keys a set keeps the check for doubles linear.
        let mut many: std::collections::HashSet<SmolStr> = std::collections::HashSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(members)));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.unexpected("a member name in quotes");
            }
            let start = self.at;
            let key = SmolStr::from(self.string()?);
            let seen = if members.len() < 32 {
                members.iter().any(|(k, _)| *k == key)
            } else {
                if many.is_empty() {
                    many.extend(members.iter().map(|(k, _)| k.clone()));
                }
                !many.insert(key.clone())
            };
            if seen {
                self.at = start;
                return Err(self.error(format!("the member `{key}` stands twice in one object")));
            }
            self.space();
            if self.peek() != Some(b':') {
                return self.unexpected("`:`");
            }
            self.at += 1;
            self.space();
            self.path.push(Step::Key(key));
            let value = self.value()?;
            if let Some(Step::Key(key)) = self.path.pop() {
                members.push((key, value));
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(Object(members)));
                }
                _ => return self.unexpected("`,` or `}`"),
            }
        }
    }
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) {
            return self.unexpected("a number without leading zeros");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.unexpected("digits after the decimal point");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.unexpected("digits of the exponent");
            }
        }
        Ok(Value::Number(self.slice(start).to_owned()))
    }
    /// The text from a place to here; both lie beside ASCII.
    fn slice(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }
    /// A string, borrowed from the input where nothing in it is escaped.
    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        self.at += 1;
        let mut start = self.at;
        let mut text = String::new();
        loop {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1f);
            self.at += rest.iter().take_while(|byte| plain(byte)).count();
            match self.peek() {
                Some(b'"') => {
                    let last = self.slice(start);
                    self.at += 1;
                    return Ok(match text.is_empty() {
                        true => last.into(),
                        false => (text + last).into(),
                    });
                }
                Some(b'\\') => {
                    text.push_str(self.slice(start));
                    self.at += 1;
                    text.push(self.escape()?);
                    start = self.at;
                }
                Some(_) => {
                    return Err(
                        self.error("a control character inside a string must be escaped".into())
                    );
                }
                None => return self.unexpected("the closing quote of a string"),
            }
        }
    }
    fn escape(&mut self) -> Result<char, Error> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return self.unexpected("an escape"),
        };
        self.at += 1;
        Ok(c)
    }
    fn hex4(&mut self) -> Result<u32, Error> {
        let digits = self
            .input
            .get(self.at..self.at + 4)
            .and_then(|d| std::str::from_utf8(d).ok());
        match digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u32::from_str_radix(d, 16).ok())
        {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => self.unexpected("four hexadecimal digits"),
        }
    }
    fn unicode(&mut self) -> Result<char, Error> {
        let high = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&high) {
            if self.input.get(self.at..self.at + 2) != Some(b"\\u") {
                return self.unexpected("the second half of a surrogate pair");
            }
            self.at += 2;
            let low = self.hex4()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.error("a surrogate pair with a wrong second half".into()));
            }
            0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).map_or_else(|| Err(self.error("half of a surrogate pair".into())), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, Error> {
        parse(
            text.as_bytes(),
            &Limits {
                bytes: 1000,
                depth: 4,
            },
        )
    }
    #[track_caller]
    fn refused(text: &str, said: &str) {
        let error = read(text).expect_err("should be refused").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn decimals_and_order_come_back_as_written() {
        let text = r#"{"z":1.10,"a":[-0.0,1E+2,true,null,"á\"\\\n\u0001"]}"#;
        assert_eq!(read(text).unwrap().to_string(), text);
        assert_eq!(read(r#""\ud83d\ude00\/""#).unwrap(), Value::from("😀/"));
    }
    #[test]
    fn a_refusal_says_where() {
        refused(
            "{\"a\":{\"b\":[1,\n 2 3]}}",
            "line 2, column 4, at a.b: found `3`",
        );
        refused(r#"{"a":1,"a":2}"#, "`a` stands twice");
        refused("[[[[[1]]]]]", "deeper than 4");
        refused("[1] x", "more text after");
        refused("01", "leading zeros");
        refused(r#""\ud83d""#, "surrogate");
        refused("", "the text ends");
        refused(&"1".repeat(1001), "the limit is 1000");
        assert!(
            parse(b"\"\xff\"", &Limits::default())
                .unwrap_err()
                .reason
                .contains("UTF-8")
        );
    }
    #[test]
    fn objects_with_many_members_still_refuse_doubles() {
        let many: Vec<String> = (0..40).map(|i| format!("\"k{i}\":1")).collect();
        assert!(read(&format!("{{{}}}", many.join(","))).is_ok());
        refused(
            &format!("{{{},\"k35\":2}}", many.join(",")),
            "`k35` stands twice",
        );
    }
    #[test]
    fn an_absent_option_leaves_its_member_out() {
        assert_eq!(
            obj! { "a" => 1, "b" => None::<&str>, "c" => ["x"] }.to_string(),
            r#"{"a":1,"c":["x"]}"#
        );
    }
}
