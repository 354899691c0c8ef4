//! Lines with a bound, and whether a text is one JSON value or one on each line.

use std::io::{self, BufRead, Read};

/// UTF-8's byte order mark, which some programs write.
pub(crate) const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One value, over as many lines as it likes.
    Document,
    /// One value on each line.
    Lines,
}

/// Reads lines, none longer than a bound in memory.
pub(crate) struct Lines<'r> {
    from: &'r mut dyn BufRead,
    /// Lines that were looked at and not given yet. `None` for one that was too long.
    waiting: std::collections::VecDeque<Vec<u8>>,
    /// The last line looked at goes on in `from`.
    unfinished: bool,
    number: u64,
}

impl<'r> Lines<'r> {
    pub(crate) fn new(from: &'r mut dyn BufRead) -> Lines<'r> {
        Lines {
            from,
            waiting: std::collections::VecDeque::new(),
            unfinished: false,
            number: 0,
        }
    }

    /// The number of the last line given.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Looks at the beginning. A first line that is one whole value makes it lines, when another follows or the name
    /// `claims` it; so does a broken first line, when the name claims it or the next one starts a resource.
    pub(crate) fn start(&mut self, most: usize, claims: bool) -> io::Result<Kind> {
        let mut first = self.look(most)?.unwrap_or_default();
        if let Some(rest) = first.strip_prefix(BOM) {
            first = rest.to_vec();
            if let Some(line) = self.waiting.back_mut() {
                line.drain(..BOM.len());
            }
        }
        // Blank lines before the first value.
        while first.iter().all(u8::is_ascii_whitespace) && !self.unfinished {
            match self.look(most)? {
                Some(line) => first = line,
                None => return Ok(if claims { Kind::Lines } else { Kind::Document }),
            }
        }
        if self.unfinished {
            return Ok(if claims { Kind::Lines } else { Kind::Document });
        }
        let whole = is_whole(&first);
        // A name may be wrong: a lone brace opens a document whatever the file is called.
        if claims && (whole || first.trim_ascii() != b"{") {
            return Ok(Kind::Lines);
        }
        loop {
            match self.look(most)? {
                None => return Ok(Kind::Document),
                Some(next) if next.iter().all(u8::is_ascii_whitespace) && !self.unfinished => {}
                Some(next) if whole || next.starts_with(b"{\"resourceType\"") => {
                    return Ok(Kind::Lines);
                }
                Some(_) => return Ok(Kind::Document),
            }
        }
    }

    fn look(&mut self, most: usize) -> io::Result<Option<Vec<u8>>> {
        if self.unfinished {
            return Ok(None);
        }
        match self.read_line(most)? {
            None => Ok(None),
            Some((line, finished)) => {
                self.unfinished = !finished;
                self.waiting.push_back(line.clone());
                Ok(Some(line))
            }
        }
    }

    /// One line with its end, or its first `most` bytes and `false`.
    fn read_line(&mut self, most: usize) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut line = Vec::new();
        let limit = most as u64 + 1;
        (&mut *self.from).take(limit).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let finished = line.ends_with(b"\n") || (line.len() as u64) < limit;
        Ok(Some((line, finished)))
    }

    /// The next line and its number; without its text when it is longer than `most`.
    pub(crate) fn next(&mut self, most: usize) -> io::Result<Option<(u64, Option<Vec<u8>>)>> {
        let (line, finished) = match self.waiting.pop_front() {
            Some(line) => (line, !(self.waiting.is_empty() && self.unfinished)),
            None => match self.read_line(most)? {
                Some(read) => read,
                None => return Ok(None),
            },
        };
        self.number += 1;
        if finished {
            return Ok(Some((self.number, Some(line))));
        }
        self.unfinished = false;
        self.skip_line()?;
        Ok(Some((self.number, None)))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let (used, done) = {
                let buffer = self.from.fill_buf()?;
                match buffer.iter().position(|&byte| byte == b'\n') {
                    Some(at) => (at + 1, true),
                    None => (buffer.len(), buffer.is_empty()),
                }
            };
            self.from.consume(used);
            if done {
                return Ok(());
            }
        }
    }

    /// All that has not been given yet, in one; `None` when it is more than `most` bytes.
    pub(crate) fn rest(self, most: usize) -> io::Result<Option<Vec<u8>>> {
        let mut whole: Vec<u8> = self.waiting.into_iter().flatten().collect();
        let room = (most + 1).saturating_sub(whole.len());
        self.from.take(room as u64).read_to_end(&mut whole)?;
        Ok((whole.len() <= most).then_some(whole))
    }
}

/// Whether a line opens and closes one JSON object or array: brackets outside of strings, counted. Says nothing of
/// what is between them.
fn is_whole(line: &[u8]) -> bool {
    let (mut depth, mut text, mut escaped) = (0_i64, false, false);
    for &byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if text => escaped = true,
            b'"' => text = !text,
            b'{' | b'[' if !text => depth += 1,
            b'}' | b']' if !text => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && !text
}

/// The lines on which the entries of a Bundle begin, from 1: for telling where something was refused.
pub(crate) fn entry_lines(text: &[u8]) -> Vec<u64> {
    let (mut depth, mut line, mut at) = (0_usize, 1_u64, 0_usize);
    let (mut key, mut in_entries, mut lines) = (false, false, Vec::new());
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' => line += 1,
            b'"' => {
                let start = at + 1;
                at = end_of_string(text, start);
                key = depth == 1 && text.get(start..at) == Some(b"entry");
            }
            b'{' | b'[' => {
                if byte == b'[' && depth == 1 && key {
                    in_entries = true;
                } else if byte == b'{' && depth == 2 && in_entries {
                    lines.push(line);
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 1 {
                    in_entries = false;
                }
            }
            b',' => key = false,
            _ => {}
        }
        at += 1;
    }
    lines
}

/// Where the closing quote of a string stands.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, claims: bool) -> Kind {
        let mut bytes = text.as_bytes();
        Lines::new(&mut bytes).start(100, claims).unwrap()
    }

    #[test]
    fn a_text_is_lines_or_a_document_by_what_it_holds() {
        let table = [
            ("{\"a\":1}\n{\"a\":2}\n", Kind::Lines),
            ("\u{feff}{\"a\":1}\r\n{\"a\":2}\r\n", Kind::Lines),
            ("\n\n{\"a\":1}\n\n{\"a\":2}\n", Kind::Lines),
            ("{\"a\":1}\n", Kind::Document),
            ("{\n \"a\": 1\n}\n", Kind::Document),
            ("{\"a\":\n{\"resourceType\":\"Patient\"}\n", Kind::Lines),
            ("{\"a\":\"}\n", Kind::Document),
            ("{\"a\": [{\n}]}", Kind::Document),
        ];
        for (text, expected) in table {
            assert_eq!(kind(text, false), expected, "{text:?}");
        }
        assert_eq!(kind("{\"a\":1}", true), Kind::Lines);
        assert_eq!(kind("{\"a\":", true), Kind::Lines);
        assert_eq!(kind("{\n \"a\": 1\n}", true), Kind::Document);
        assert_eq!(
            kind(&format!("{{{}}}\n{{}}", " ".repeat(200)), false),
            Kind::Document
        );
    }

    #[test]
    fn lines_come_with_their_numbers_and_a_long_one_comes_without_text() {
        let text = format!("\u{feff}{{}}\n{}\n{{1}}", "x".repeat(300));
        let mut bytes = text.as_bytes();
        let mut lines = Lines::new(&mut bytes);
        assert_eq!(lines.start(100, true).unwrap(), Kind::Lines);
        assert_eq!(lines.next(100).unwrap(), Some((1, Some(b"{}\n".to_vec()))));
        assert_eq!(lines.next(100).unwrap(), Some((2, None)));
        assert_eq!(lines.next(100).unwrap(), Some((3, Some(b"{1}".to_vec()))));
        assert_eq!(lines.next(100).unwrap(), None);
    }

    #[test]
    fn a_document_comes_whole_whatever_was_looked_at() {
        for text in ["{\n\"a\": 1\n}\n", "{\"a\":1}", "\u{feff}{\n}"] {
            let mut bytes = text.as_bytes();
            let mut lines = Lines::new(&mut bytes);
            assert_eq!(lines.start(100, false).unwrap(), Kind::Document);
            let expected = text.trim_start_matches('\u{feff}').as_bytes().to_vec();
            assert_eq!(lines.rest(100).unwrap(), Some(expected));
        }
        let long = "{".repeat(500);
        let mut bytes = long.as_bytes();
        let mut lines = Lines::new(&mut bytes);
        lines.start(100, false).unwrap();
        assert_eq!(lines.rest(400).unwrap(), None);
    }

    #[test]
    fn entries_are_found_on_their_lines() {
        let text = b"{\n\"type\": \"entry\",\n\"entry\": [\n{\"resource\": {\"entry\": [{}]}},\n\n{\n}\n]\n}";
        assert_eq!(entry_lines(text), [4, 6]);
        assert_eq!(entry_lines(b"{\"entry\":[{},{}]}"), [1, 1]);
        assert_eq!(entry_lines(b"{\"entry\":[\"\\\"{"), Vec::<u64>::new());
    }
}
