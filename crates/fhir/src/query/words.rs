//! `_text` and `_content`: which words are asked for.
//!
//! `bone metastases` asks for both words, `"bone marrow"` for them together in this order, `bone OR liver` for one of
//! them, `(bone OR liver) AND NOT metastases` for what it says. A comma is an `OR`. Case and accents do not matter.

use super::{Clause, Condition, Modifier, Wanted, values::bad_value};
use crate::{
    Issue,
    search::{SearchParameter, phrase},
};

/// Words and brackets in one value.
const MAX_TOKENS: usize = 200;
/// Brackets in brackets.
const MAX_DEPTH: usize = 16;

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// Words that stand together.
    Phrase(String),
}

/// Understands a value.
pub(super) fn condition(
    parameter: &'static SearchParameter,
    name: &str,
    value: &str,
) -> Result<Condition, Issue> {
    let bad = |expected: &str| bad_value(name, value, expected);
    let tokens = tokens(value).ok_or_else(|| bad("each quote to be closed"))?;
    if tokens.len() > MAX_TOKENS {
        return Err(bad(&format!("at most {MAX_TOKENS} words and brackets")));
    }
    let mut reader = Reader {
        parameter,
        tokens: tokens.into_iter().peekable(),
    };
    let condition = reader.any(0);
    match (condition, reader.tokens.next()) {
        (Some(condition), None) => Ok(condition),
        _ => Err(bad(
            "words, with AND, OR, NOT, quotes and brackets if wanted, as in (bone OR liver) AND metastases",
        )),
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '(' => (Some(Token::Open), rest.get(1..)?),
            ')' => (Some(Token::Close), rest.get(1..)?),
            ',' => (Some(Token::Or), rest.get(1..)?),
            '"' => {
                let (inside, after) = rest.get(1..)?.split_once('"')?;
                (some(inside), after)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "(),\"".contains(c));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                let token = match word.to_ascii_lowercase().as_str() {
                    "and" => Some(Token::And),
                    "or" => Some(Token::Or),
                    "not" => Some(Token::Not),
                    _ => some(word),
                };
                (token, after)
            }
        };
        tokens.extend(token);
        rest = after.trim_start();
    }
    Some(tokens)
}

fn some(text: &str) -> Option<Token> {
    Some(phrase(text))
        .filter(|p| !p.is_empty())
        .map(Token::Phrase)
}

struct Reader {
    parameter: &'static SearchParameter,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Reader {
    fn takes(&mut self, wanted: Token) -> bool {
        self.tokens.next_if_eq(&wanted).is_some()
    }
    fn any(&mut self, depth: usize) -> Option<Condition> {
        let mut parts = vec![self.all(depth)?];
        while self.takes(Token::Or) {
            parts.push(self.all(depth)?);
        }
        match parts.len() {
            1 => parts.pop(),
            _ => Some(Condition::Any(parts)),
        }
    }
    /// Words side by side are one clause; what else stands between them makes more.
    fn all(&mut self, depth: usize) -> Option<Condition> {
        let mut words = Vec::new();
        let mut others = Vec::new();
        loop {
            match self.tokens.peek()? {
                Token::Phrase(_) => {
                    if let Some(Token::Phrase(phrase)) = self.tokens.next() {
                        words.push(phrase);
                    }
                }
                Token::Open => others.push(self.bracket(depth)?),
                Token::Not => {
                    self.tokens.next();
                    let not = match self.tokens.next()? {
                        Token::Phrase(phrase) => self.clause(vec![phrase]),
                        Token::Open => self.inside(depth)?,
                        _ => return None,
                    };
                    others.push(Condition::Not(Box::new(not)));
                }
                _ => return None,
            }
            let and = self.takes(Token::And);
            match self.tokens.peek() {
                None | Some(Token::Or | Token::Close) if !and => break,
                _ => {}
            }
        }
        if !words.is_empty() {
            others.insert(0, self.clause(words));
        }
        match others.len() {
            1 => others.pop(),
            _ => Some(Condition::All(others)),
        }
    }
    fn bracket(&mut self, depth: usize) -> Option<Condition> {
        self.tokens.next();
        self.inside(depth)
    }
    fn inside(&mut self, depth: usize) -> Option<Condition> {
        if depth == MAX_DEPTH {
            return None;
        }
        let inside = self.any(depth + 1)?;
        self.takes(Token::Close).then_some(inside)
    }
    fn clause(&self, words: Vec<String>) -> Condition {
        Condition::Is(Clause {
            parameter: self.parameter,
            modifier: Modifier::None,
            values: vec![Wanted::Words(words)],
        })
    }
}
