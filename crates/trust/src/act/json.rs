//! JSON as it is written, without a tree in between: an act is made for every answer, so making it must cost little.

/// JSON in the making. Commas come by themselves; whoever writes it opens and closes in pairs.
pub(super) struct Json(Vec<u8>);

impl Json {
    pub(super) fn with_capacity(bytes: usize) -> Json {
        Json(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn object(&mut self, members: impl FnOnce(&mut Json)) {
        self.between(b'{', members, b'}');
    }

    pub(super) fn array(&mut self, items: impl FnOnce(&mut Json)) {
        self.between(b'[', items, b']');
    }

    fn between(&mut self, open: u8, inside: impl FnOnce(&mut Json), close: u8) {
        self.comma();
        self.0.push(open);
        inside(self);
        self.0.push(close);
    }

    /// The name of a member, one of ours and so without anything to be escaped; its value is written next.
    pub(super) fn key(&mut self, name: &'static str) {
        self.comma();
        self.plain(&[name]);
        self.0.push(b':');
    }

    pub(super) fn member(&mut self, name: &'static str, value: &str) {
        self.key(name);
        self.text(value);
    }

    /// A member whose value has several parts.
    pub(super) fn joined(&mut self, name: &'static str, parts: &[&str]) {
        self.key(name);
        self.texts(parts);
    }

    pub(super) fn flag(&mut self, name: &'static str, value: bool) {
        self.key(name);
        self.0
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(super) fn text(&mut self, text: &str) {
        self.texts(&[text]);
    }

    /// A string of these parts, nearly always without anything to be escaped.
    fn texts(&mut self, parts: &[&str]) {
        self.comma();
        match parts.iter().all(|part| is_plain(part)) {
            true => self.plain(parts),
            // Writing a string into memory does not fail.
            false => drop(serde_json::to_writer(&mut self.0, &parts.concat())),
        }
    }

    fn plain(&mut self, parts: &[&str]) {
        self.0.push(b'"');
        for part in parts {
            self.0.extend_from_slice(part.as_bytes());
        }
        self.0.push(b'"');
    }

    /// Between two members or items.
    fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(b',');
        }
    }
}

/// Whether nothing is to be escaped. All bytes are looked at, many at once, rather than one after the other up to the first.
fn is_plain(text: &str) -> bool {
    let escaped = |byte: u8| (byte < b' ') | (byte == b'"') | (byte == b'\\');
    !text.bytes().fold(false, |any, byte| any | escaped(byte))
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn commas_stand_between_members_and_items_and_nowhere_else() {
        let mut json = Json::with_capacity(0);
        json.object(|json| {
            json.key("a");
            json.array(|json| {
                json.object(|json| json.member("b", "{"));
                json.text("\u{1}\"[:");
                json.array(|_| {});
                json.object(|_| {});
            });
            json.flag("c", true);
            json.joined("d", &["", "x/", "1"]);
            json.joined("e", &["\"", "1"]);
        });
        assert_eq!(
            String::from_utf8(json.into_bytes()).unwrap(),
            r#"{"a":[{"b":"{"},"\u0001\"[:",[],{}],"c":true,"d":"x/1","e":"\"1"}"#
        );
    }
}
