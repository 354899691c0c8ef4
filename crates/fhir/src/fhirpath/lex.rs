//! The words of an expression.

use super::{
    Fault, PathError,
    moment::{Date, DateTime, Time},
};
use std::borrow::Cow;

/// A word with its place in the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) what: Word<'t>,
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word<'t> {
    /// A name, or a word that is an operator where one is expected.
    Name(&'t str),
    /// A name between backticks.
    Quoted(Cow<'t, str>),
    /// A text between quotes.
    Text(Cow<'t, str>),
    /// Digits with or without a point.
    Number(&'t str),
    Date(Date),
    DateTime(DateTime),
    Time(Time),
    /// `$this`, `$index`, `$total`, without the sign.
    Dollar(&'t str),
    /// `%name`
    Variable(Cow<'t, str>),
    /// Anything else: operators and brackets.
    Sign(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 22] = [
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "|", "&",
    "=", "~", "<", ">",
];

/// The words of a text; the last is [`Word::End`].
pub(crate) fn words(text: &str) -> Result<Vec<Token<'_>>, PathError> {
    let mut reader = Reader { text, at: 0 };
    let mut words = Vec::new();
    loop {
        reader.space()?;
        let at = reader.at;
        let what = reader.word().map_err(|e| e.placed(text, at))?;
        let end = what == Word::End;
        words.push(Token { what, at });
        if end {
            return Ok(words);
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

fn syntax<T>(reason: impl Into<String>) -> Result<T, PathError> {
    Err(PathError::new(Fault::Syntax, reason))
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    /// Takes the bytes for which the test holds.
    fn while_ascii(&mut self, test: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.bytes().position(|b| !test(b)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }
    /// White space and comments.
    fn space(&mut self) -> Result<(), PathError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let Some(end) = trimmed.find("*/") else {
                    return syntax("a comment that begins with `/*` is not closed")
                        .map_err(|e: PathError| e.placed(self.text, self.at));
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }
    fn name(&mut self) -> &'t str {
        self.while_ascii(|b| b.is_ascii_alphanumeric() || b == b'_')
    }
    fn word(&mut self) -> Result<Word<'t>, PathError> {
        let Some(first) = self.peek() else {
            return Ok(Word::End);
        };
        match first {
            'a'..='z' | 'A'..='Z' | '_' => Ok(Word::Name(self.name())),
            '0'..='9' => Ok(Word::Number(self.number())),
            '`' => self.quoted('`').map(Word::Quoted),
            '\'' => self.quoted('\'').map(Word::Text),
            '"' => self.quoted('"').map(Word::Quoted),
            '@' => self.moment(),
            '$' => {
                self.at += 1;
                match self.name() {
                    name @ ("this" | "index" | "total") => Ok(Word::Dollar(name)),
                    name => syntax(format!(
                        "`${name}` is not known; there are $this, $index and $total"
                    )),
                }
            }
            '%' => {
                self.at += 1;
                match self.peek() {
                    Some(quote @ ('`' | '\'' | '"')) => self.quoted(quote).map(Word::Variable),
                    _ => match self
                        .while_ascii(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
                    {
                        "" => syntax("a variable's name is missing after `%`"),
                        name => Ok(Word::Variable(Cow::Borrowed(name))),
                    },
                }
            }
            other => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Ok(Word::Sign(sign))
                }
                None => syntax(format!("`{}` means nothing here", other.escape_default())),
            },
        }
    }
    fn number(&mut self) -> &'t str {
        let start = self.at;
        self.while_ascii(|b| b.is_ascii_digit());
        let rest = self.rest().as_bytes();
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.while_ascii(|b| b.is_ascii_digit());
        }
        self.text.get(start..self.at).unwrap_or_default()
    }
    fn quoted(&mut self, quote: char) -> Result<Cow<'t, str>, PathError> {
        self.at += 1;
        let rest = self.rest();
        match rest.find([quote, '\\']) {
            Some(end) if rest.get(end..).is_some_and(|r| r.starts_with(quote)) => {
                self.at += end + 1;
                return Ok(Cow::Borrowed(rest.get(..end).unwrap_or_default()));
            }
            _ => {}
        }
        let mut text = String::new();
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, 'u')) => {
                        let code = rest
                            .get(at + 2..at + 6)
                            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
                        match code.and_then(char::from_u32) {
                            Some(letter) => text.push(letter),
                            None => {
                                return syntax("`\\u` must be followed by four hexadecimal digits");
                            }
                        }
                        letters.nth(3);
                    }
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'f')) => text.push('\u{c}'),
                    Some((_, same @ ('\\' | '/' | '\'' | '"' | '`'))) => text.push(same),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                end if end == quote => {
                    self.at += at + 1;
                    return Ok(Cow::Owned(text));
                }
                other => text.push(other),
            }
        }
        syntax(format!("the closing {quote} is missing"))
    }
    /// `@2015`, `@2015-02-04T14:34+10:00`, `@T14:34`.
    fn moment(&mut self) -> Result<Word<'t>, PathError> {
        self.at += 1;
        let start = self.at;
        if self.peek() == Some('T') {
            self.at += 1;
            self.clock();
            let text = self.text.get(start + 1..self.at).unwrap_or_default();
            return match Time::read(text) {
                Some(time) if !self.rest().starts_with(':') => Ok(Word::Time(time)),
                _ => syntax("this is no time of day; expected @Thh:mm:ss.fff, without a zone"),
            };
        }
        self.while_ascii(|b| b.is_ascii_digit());
        for _ in 0..2 {
            let rest = self.rest().as_bytes();
            if rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
                self.while_ascii(|b| b.is_ascii_digit());
            }
        }
        let date_end = self.at;
        if self.peek() == Some('T') {
            self.at += 1;
            self.clock();
            let rest = self.rest().as_bytes();
            match rest {
                [b'Z', ..] => self.at += 1,
                [b'+' | b'-', a, b, b':', c, d, ..]
                    if [a, b, c, d].iter().all(|x| x.is_ascii_digit()) =>
                {
                    self.at += 6;
                }
                _ => {}
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let moment = match self.at == date_end {
            true => Date::read(text).map(Word::Date),
            false => DateTime::read(text).map(Word::DateTime),
        };
        match moment {
            Some(moment) => Ok(moment),
            None => {
                syntax("this is no date; expected @YYYY-MM-DD or @YYYY-MM-DDThh:mm:ss.fff+hh:mm")
            }
        }
    }
    fn clock(&mut self) {
        self.while_ascii(|b| b.is_ascii_digit());
        for _ in 0..2 {
            let rest = self.rest().as_bytes();
            if rest.first() == Some(&b':') && rest.get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
                self.while_ascii(|b| b.is_ascii_digit());
            }
        }
        let rest = self.rest().as_bytes();
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.while_ascii(|b| b.is_ascii_digit());
        }
    }
}
