//! `_filter`: one expression instead of many parameters (R4, "Filter Parameter").
//!
//! ```text
//! filter = test | filter ("and" | "or") filter | "not" "(" filter ")" | "(" filter ")"
//! test   = path operator value
//! path   = name | name "." path | name "[" filter "]" "." path
//! value  = "text in quotes, as JSON writes it" | anything without spaces and brackets
//! ```
//!
//! `and` and `or` are read from the left, none before the other, as R4 says. Names are search parameters; a name before
//! a dot is a reference, and a filter in brackets holds of the same resource that the rest is about. `eq` on text is
//! the whole text and `ne` is "has a value, and none is this one"; case and accents do not matter. `in`, `ni`, `ss` and
//! `sb` ask a terminology and are refused.

use super::{
    Clause, Condition, Context, Modifier, Prefix, Wanted, clause::truth, refusal, shown,
    values::bad_value, wanted::wanted, words,
};
use crate::{
    Issue, ResourceType, Value, json,
    search::{Kind, SearchParameter, fold},
    time,
};

/// Tests in one filter.
const MAX_TESTS: usize = 200;
/// Brackets in brackets.
const MAX_DEPTH: usize = 16;

#[derive(Debug, PartialEq)]
enum Term {
    And(Box<Term>, Box<Term>),
    Or(Box<Term>, Box<Term>),
    Not(Box<Term>),
    Test {
        path: Vec<Step>,
        operator: String,
        value: String,
    },
}

#[derive(Debug, PartialEq)]
struct Step {
    name: String,
    filter: Option<Box<Term>>,
}

impl Context<'_> {
    /// Understands a filter on a type, `steps` resources away from the one that is searched.
    pub(super) fn filter(
        &self,
        of: ResourceType,
        value: &str,
        steps: usize,
    ) -> Result<Condition, Issue> {
        let mut reader = Reader {
            rest: value,
            tests: 0,
        };
        let term = reader.whole();
        let term = term.map_err(|expected| {
            let place = match reader.rest.trim_start() {
                "" => "at its end".to_owned(),
                rest => format!("before `{}`", shown(rest)),
            };
            bad_value("_filter", value, &format!("{expected} {place}"))
        })?;
        self.meaning(of, &term, steps)
    }

    fn meaning(&self, of: ResourceType, term: &Term, steps: usize) -> Result<Condition, Issue> {
        let part = |term: &Term| self.meaning(of, term, steps);
        Ok(match term {
            Term::And(a, b) => joined(part(a)?, part(b)?, true),
            Term::Or(a, b) => joined(part(a)?, part(b)?, false),
            Term::Not(term) => Condition::Not(Box::new(part(term)?)),
            Term::Test {
                path,
                operator,
                value,
            } => self.test(of, path, operator, value, steps)?,
        })
    }

    fn test(
        &self,
        of: ResourceType,
        path: &[Step],
        operator: &str,
        value: &str,
        steps: usize,
    ) -> Result<Condition, Issue> {
        let Some((step, rest)) = path.split_first() else {
            return Err(bad_value("_filter", value, "a name"));
        };
        let (code, to) = match step.name.split_once(':') {
            Some((code, to)) => (code, Some(to)),
            None => (step.name.as_str(), None),
        };
        let Some(next) = rest.first() else {
            let parameter = self.known(of, code)?;
            if to.is_some() {
                let said = "no modifier after a name; the operator says what a modifier would";
                return Err(bad_value("_filter", &step.name, said));
            }
            return compare(of, parameter, operator, value);
        };
        let parameter = self.reference(of, &step.name, code)?;
        self.count(&step.name, steps)?;
        self.refers(of, parameter, to, &next.name, |there| {
            let rest = self.test(there, rest, operator, value, steps + 1)?;
            Ok(match &step.filter {
                Some(filter) => joined(self.meaning(there, filter, steps + 1)?, rest, true),
                None => rest,
            })
        })
    }
}

/// Both, or one of both; what is joined alike already is made longer.
fn joined(a: Condition, b: Condition, and: bool) -> Condition {
    match (a, and) {
        (Condition::All(mut parts), true) => {
            parts.push(b);
            Condition::All(parts)
        }
        (Condition::Any(mut parts), false) => {
            parts.push(b);
            Condition::Any(parts)
        }
        (a, true) => Condition::All(vec![a, b]),
        (a, false) => Condition::Any(vec![a, b]),
    }
}

fn compare(
    of: ResourceType,
    parameter: &'static SearchParameter,
    operator: &str,
    value: &str,
) -> Result<Condition, Issue> {
    let said = format!("{} {operator} {value}", parameter.code);
    let is = |modifier, values| {
        Condition::Is(Clause {
            parameter,
            modifier,
            values,
        })
    };
    let bad = |expected: String| bad_value("_filter", &said, &expected);
    let read = |text: &str| wanted(parameter, Modifier::None, None, text).map_err(bad);
    // Words: the text itself is not escaped.
    let text = |modifier| match fold(value) {
        folded if folded.is_empty() => Err(bad("some text".into())),
        folded => Ok(is(modifier, vec![Wanted::Text(folded)])),
    };
    let has_another = |same: Condition| {
        let there = is(Modifier::Missing(false), Vec::new());
        Condition::All(vec![there, Condition::Not(Box::new(same))])
    };
    let kind = parameter.kind;
    let ordered = matches!(kind, Kind::Date | Kind::Number | Kind::Quantity);
    Ok(match operator {
        "pr" => {
            let there = truth(value).ok_or_else(|| bad("true or false".into()))?;
            is(Modifier::Missing(!there), Vec::new())
        }
        "in" | "ni" | "ss" | "sb" => {
            return Err(refusal(format!(
                "`_filter`: `{operator}` asks a terminology, which this server does not have; name the codes instead."
            )));
        }
        "co" if parameter.of_words() => words::condition(parameter, "_filter", value)?,
        _ if parameter.of_words() => return Err(unfit(of, parameter, operator, "co")),
        "eq" if kind == Kind::String => text(Modifier::Whole)?,
        "ne" if kind == Kind::String => has_another(text(Modifier::Whole)?),
        "co" if kind == Kind::String => text(Modifier::Contains)?,
        "sw" if kind == Kind::String => text(Modifier::None)?,
        "ew" if kind == Kind::String => text(Modifier::Ends)?,
        "eq" if !ordered => is(Modifier::None, vec![read(value)?]),
        "re" if kind == Kind::Reference => is(Modifier::None, vec![read(value)?]),
        "ne" if !ordered => has_another(is(Modifier::None, vec![read(value)?])),
        "po" if kind == Kind::Date => {
            let span = time::span(value).ok_or_else(|| bad("a date".into()))?;
            let overlaps = Wanted::Date {
                prefix: Prefix::Ap,
                from: span.from,
                to: span.to,
            };
            is(Modifier::None, vec![overlaps])
        }
        "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb" if ordered => {
            is(Modifier::None, vec![read(&format!("{operator}{value}"))?])
        }
        _ => {
            let possible = match kind {
                Kind::String => "eq, ne, co, sw, ew, pr",
                Kind::Date => "eq, ne, gt, lt, ge, le, ap, sa, eb, po, pr",
                Kind::Number | Kind::Quantity => "eq, ne, gt, lt, ge, le, ap, sa, eb, pr",
                Kind::Reference => "eq, ne, re, pr",
                _ => "eq, ne, pr",
            };
            return Err(unfit(of, parameter, operator, possible));
        }
    })
}

fn unfit(of: ResourceType, parameter: &SearchParameter, operator: &str, possible: &str) -> Issue {
    refusal(format!(
        "`_filter`: `{}` has no meaning on `{}`, a {} parameter of {of}. Possible: {possible}.",
        shown(operator),
        parameter.code,
        parameter.kind.name()
    ))
}

/// Reads a filter into terms; an error says what was expected at the place where it stopped.
struct Reader<'t> {
    rest: &'t str,
    tests: usize,
}

impl<'t> Reader<'t> {
    fn whole(&mut self) -> Result<Term, String> {
        let term = self.terms(0)?;
        match self.rest.trim_start() {
            "" => Ok(term),
            _ => Err("`and`, `or` or the end".into()),
        }
    }
    fn takes(&mut self, wanted: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
    fn expects(&mut self, wanted: char) -> Result<(), String> {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(format!("`{wanted}`")),
        }
    }
    /// The letters of a name, and what follows them.
    fn word(&self) -> (&'t str, &'t str) {
        let rest = self.rest.trim_start();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
        rest.split_at(rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()))
    }
    fn takes_word(&mut self, wanted: &str) -> bool {
        let (word, rest) = self.word();
        let found = word.eq_ignore_ascii_case(wanted);
        if found {
            self.rest = rest;
        }
        found
    }

    fn terms(&mut self, depth: usize) -> Result<Term, String> {
        if depth > MAX_DEPTH {
            return Err(format!("at most {MAX_DEPTH} brackets in brackets"));
        }
        let mut term = self.term(depth)?;
        loop {
            if self.takes_word("and") {
                term = Term::And(Box::new(term), Box::new(self.term(depth)?));
            } else if self.takes_word("or") {
                term = Term::Or(Box::new(term), Box::new(self.term(depth)?));
            } else {
                return Ok(term);
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<Term, String> {
        if self.takes('(') {
            let inner = self.terms(depth + 1)?;
            self.expects(')')?;
            return Ok(inner);
        }
        let (word, rest) = self.word();
        if word.eq_ignore_ascii_case("not") && rest.trim_start().starts_with('(') {
            self.rest = rest;
            self.expects('(')?;
            let inner = self.terms(depth + 1)?;
            self.expects(')')?;
            return Ok(Term::Not(Box::new(inner)));
        }
        self.tests += 1;
        if self.tests > MAX_TESTS {
            return Err(format!("at most {MAX_TESTS} tests"));
        }
        let path = self.path(depth)?;
        let (operator, rest) = self.word();
        if operator.is_empty() {
            return Err("an operator such as eq".into());
        }
        let operator = operator.to_ascii_lowercase();
        self.rest = rest;
        let value = self.value()?;
        Ok(Term::Test {
            path,
            operator,
            value,
        })
    }

    fn path(&mut self, depth: usize) -> Result<Vec<Step>, String> {
        let mut path = Vec::new();
        loop {
            let (name, rest) = self.word();
            if name.is_empty() {
                return Err("the name of a search parameter".into());
            }
            self.rest = rest;
            let mut step = Step {
                name: name.to_owned(),
                filter: None,
            };
            if self.rest.starts_with('[') {
                self.expects('[')?;
                step.filter = Some(Box::new(self.terms(depth + 1)?));
                self.expects(']')?;
                if !self.rest.starts_with('.') {
                    return Err("`.` after the brackets".into());
                }
            }
            path.push(step);
            match self.rest.strip_prefix('.') {
                Some(rest) => self.rest = rest,
                None => return Ok(path),
            }
        }
    }

    fn value(&mut self) -> Result<String, String> {
        let rest = self.rest.trim_start();
        let Some(inside) = rest.strip_prefix('"') else {
            let end = rest.find(|c: char| c.is_whitespace() || ")]".contains(c));
            let (value, rest) = rest.split_at(end.unwrap_or(rest.len()));
            if value.is_empty() {
                return Err("a value".into());
            }
            self.rest = rest;
            return Ok(value.to_owned());
        };
        let mut escaped = false;
        let end = inside.find(|c: char| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let end = end.ok_or("a quote that closes the text")?;
        let (quoted, after) = rest.split_at(end + 2);
        match json::parse(quoted.as_bytes(), &json::Limits::default()) {
            Ok(Value::String(text)) => {
                self.rest = after;
                Ok(text)
            }
            _ => Err("a text as JSON writes it".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> String {
        fn told(term: &Term) -> String {
            match term {
                Term::And(a, b) => format!("({} & {})", told(a), told(b)),
                Term::Or(a, b) => format!("({} | {})", told(a), told(b)),
                Term::Not(a) => format!("!{}", told(a)),
                Term::Test {
                    path,
                    operator,
                    value,
                } => {
                    let steps = path.iter().map(|step| match &step.filter {
                        Some(filter) => format!("{}[{}]", step.name, told(filter)),
                        None => step.name.clone(),
                    });
                    let path: Vec<String> = steps.collect();
                    format!("{} {operator} {value}", path.join("."))
                }
            }
        }
        let mut reader = Reader {
            rest: text,
            tests: 0,
        };
        match reader.whole() {
            Ok(term) => told(&term),
            Err(expected) => format!("{expected} before `{}`", reader.rest),
        }
    }

    #[test]
    fn filters_are_read_from_the_left() {
        for (text, wanted) in [
            ("a eq 1", "a eq 1"),
            (
                "a eq 1 and b eq 2 or c eq 3",
                "((a eq 1 & b eq 2) | c eq 3)",
            ),
            (
                "a eq 1 or b eq 2 and c eq 3",
                "((a eq 1 | b eq 2) & c eq 3)",
            ),
            (
                "a eq 1 and (b eq 2 or c eq 3)",
                "(a eq 1 & (b eq 2 | c eq 3))",
            ),
            ("not (a eq 1) AND b pr true", "(!a eq 1 & b pr true)"),
            (r#"p.name co "a b) \"c\"""#, r#"p.name co a b) "c""#),
            ("p[g eq m and a eq 1].n sw x", "p[(g eq m & a eq 1)].n sw x"),
            (
                "code eq http://loinc.org|1234-5",
                "code eq http://loinc.org|1234-5",
            ),
            ("not eq 1", "not eq 1"),
        ] {
            assert_eq!(shape(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_says_where() {
        for (text, said) in [
            ("", "the name of a search parameter"),
            ("a", "an operator such as eq"),
            ("a eq", "a value"),
            ("a eq 1 b", "`and`, `or` or the end"),
            ("(a eq 1", "`)`"),
            ("a eq \"x", "a quote"),
            ("a[b eq 1] eq 2", "`.` after"),
            ("a eq 1 and", "the name"),
        ] {
            assert!(shape(text).starts_with(said), "{text}: {}", shape(text));
        }
        let deep = format!("{}a eq 1{}", "(".repeat(50), ")".repeat(50));
        assert!(shape(&deep).contains("brackets in brackets"));
    }
}
