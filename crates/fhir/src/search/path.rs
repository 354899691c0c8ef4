//! The part of FHIRPath that search expressions use, read into a tree.
//!
//! Paths and unions; `as`, `is` and `ofType` as operators and as functions; `where(...)` with `=`, `!=`, `and`,
//! `exists()` and `resolve() is Type`; `extension(url)`, `hasExtension(url)`; `[n]`.

/// One alternative of an expression.
#[derive(Debug, PartialEq)]
pub(crate) enum Term<'a> {
    /// Selects elements.
    Path(Vec<Step<'a>>),
    /// Is true or false of the resource.
    Truth(Condition<'a>),
}

/// One step of a path.
#[derive(Debug, PartialEq)]
pub(crate) enum Step<'a> {
    /// `name`
    Name(&'a str),
    /// `as Type`, `.as(Type)`, `.ofType(Type)`
    As(&'a str),
    /// `.where(...)`
    Where(Condition<'a>),
    /// `[n]`
    At(usize),
    /// `.extension('url')`
    Extension(&'a str),
    /// `.resolve()`; only before `is`.
    Resolve,
}

/// A condition on an element.
#[derive(Debug, PartialEq)]
pub(crate) enum Condition<'a> {
    /// Both hold.
    And(Box<Condition<'a>>, Box<Condition<'a>>),
    /// The path finds something.
    Exists(Vec<Step<'a>>),
    /// The path finds this text, number or truth.
    Equals(Vec<Step<'a>>, &'a str),
    /// The path finds something else.
    Differs(Vec<Step<'a>>, &'a str),
    /// The references that the path finds point to this type.
    RefersTo(Vec<Step<'a>>, &'a str),
}

/// Reads an expression into its alternatives. What is outside the subset is an error that says so.
pub(crate) fn parse(expression: &str) -> Result<Vec<Term<'_>>, String> {
    let mut reader = Reader { rest: expression };
    let mut terms = vec![reader.term()?];
    while reader.takes("|") {
        terms.push(reader.term()?);
    }
    match reader.peek() {
        None => Ok(terms),
        Some(c) => Err(format!("`{c}` is not understood before `{}`", reader.rest)),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }
    fn takes(&mut self, wanted: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    fn expects(&mut self, wanted: &str) -> Result<(), String> {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(format!("`{wanted}` is expected before `{}`", self.rest)),
        }
    }
    fn takes_word(&mut self, wanted: &str) -> bool {
        let before = self.rest;
        if self.word().is_ok_and(|w| w == wanted) {
            return true;
        }
        self.rest = before;
        false
    }
    fn word(&mut self) -> Result<&'a str, String> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "" => Err(format!("a name is expected before `{}`", self.rest)),
            _ => Ok(word),
        }
    }
    /// A quoted text, or the word of a number or truth.
    fn literal(&mut self) -> Result<&'a str, String> {
        if !self.takes("'") {
            return self.word();
        }
        let (text, rest) = self.rest.split_once('\'').ok_or("a quote is not closed")?;
        self.rest = rest;
        Ok(text)
    }

    fn term(&mut self) -> Result<Term<'a>, String> {
        let first = self.comparison()?;
        if !self.takes_word("and") {
            return Ok(first);
        }
        let both = (truth(first)?, truth(self.term()?)?);
        Ok(Term::Truth(Condition::And(
            Box::new(both.0),
            Box::new(both.1),
        )))
    }

    fn comparison(&mut self) -> Result<Term<'a>, String> {
        let left = self.postfix()?;
        let Term::Path(mut path) = left else {
            return Ok(left);
        };
        if self.takes("!=") {
            return Ok(Term::Truth(Condition::Differs(path, self.literal()?)));
        }
        if self.takes("=") {
            return Ok(Term::Truth(Condition::Equals(path, self.literal()?)));
        }
        if self.takes_word("as") {
            path.push(Step::As(self.word()?));
        } else if self.takes_word("is") {
            return Ok(is(path, self.word()?));
        }
        Ok(Term::Path(path))
    }

    fn postfix(&mut self) -> Result<Term<'a>, String> {
        let mut path = Vec::new();
        if self.takes("(") {
            let inner = self.term()?;
            self.expects(")")?;
            match inner {
                Term::Path(steps) => path = steps,
                truth => return Ok(truth),
            }
        } else if let Some(truth) = self.invocation(&mut path)? {
            return Ok(truth);
        }
        loop {
            if self.takes(".") {
                if let Some(truth) = self.invocation(&mut path)? {
                    return Ok(truth);
                }
            } else if self.takes("[") {
                let position = self.word()?.parse();
                path.push(Step::At(position.map_err(|_| "a position is a number")?));
                self.expects("]")?;
            } else {
                return Ok(Term::Path(path));
            }
        }
    }

    /// A name or a function. Functions that answer true or false end the path.
    fn invocation(&mut self, path: &mut Vec<Step<'a>>) -> Result<Option<Term<'a>>, String> {
        let name = self.word()?;
        if !self.takes("(") {
            path.push(Step::Name(name));
            return Ok(None);
        }
        let steps = std::mem::take(path);
        let mut answer = None;
        match name {
            "exists" => answer = Some(Term::Truth(Condition::Exists(steps))),
            "is" => answer = Some(is(steps, self.word()?)),
            "hasExtension" => {
                let mut steps = steps;
                steps.push(Step::Extension(self.literal()?));
                answer = Some(Term::Truth(Condition::Exists(steps)));
            }
            _ => {
                *path = steps;
                path.push(match name {
                    "as" | "ofType" => Step::As(self.word()?),
                    "where" => Step::Where(truth(self.term()?)?),
                    "extension" => Step::Extension(self.literal()?),
                    "resolve" => Step::Resolve,
                    other => return Err(format!("the function {other}() is not supported")),
                });
            }
        }
        self.expects(")")?;
        Ok(answer)
    }
}

fn is<'a>(mut path: Vec<Step<'a>>, of: &'a str) -> Term<'a> {
    Term::Truth(if path.last() == Some(&Step::Resolve) {
        path.pop();
        Condition::RefersTo(path, of)
    } else {
        path.push(Step::As(of));
        Condition::Exists(path)
    })
}

fn truth(term: Term<'_>) -> Result<Condition<'_>, String> {
    match term {
        Term::Truth(condition) => Ok(condition),
        Term::Path(_) => Err("a path stands where a condition is expected".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition::*, Step::*, Term::*, *};

    fn check(expression: &str, terms: &[Term<'_>]) {
        assert_eq!(parse(expression).as_deref(), Ok(terms), "{expression}");
    }

    #[test]
    fn all_spellings_of_a_cast_are_one() {
        let cast = [Path(vec![Name("Goal"), Name("start"), As("date")])];
        check("(Goal.start as date)", &cast);
        check("Goal.start.as(date)", &cast);
        check("Goal.start.ofType( date )", &cast);
        check("Goal.start as date", &cast);
    }

    #[test]
    fn conditions_are_read() {
        let patient = || RefersTo(vec![], "Patient");
        check(
            "A.b.where(resolve() is Patient)",
            &[Path(vec![Name("A"), Name("b"), Where(patient())])],
        );
        check(
            "A.b.where(resolve().is(Patient))",
            &[Path(vec![Name("A"), Name("b"), Where(patient())])],
        );
        check(
            "A.b.where(c='d').e | f[0]",
            &[
                Path(vec![
                    Name("A"),
                    Name("b"),
                    Where(Equals(vec![Name("c")], "d")),
                    Name("e"),
                ]),
                Path(vec![Name("f"), At(0)]),
            ],
        );
        check(
            "A.b.exists() and A.b != false",
            &[Truth(And(
                Box::new(Exists(vec![Name("A"), Name("b")])),
                Box::new(Differs(vec![Name("A"), Name("b")], "false")),
            ))],
        );
        check(
            "A.b.where(hasExtension('http://x')).c",
            &[Path(vec![
                Name("A"),
                Name("b"),
                Where(Exists(vec![Extension("http://x")])),
                Name("c"),
            ])],
        );
    }

    #[test]
    fn what_is_outside_is_said() {
        for (expression, said) in [
            ("A.b.first()", "first()"),
            ("A.b + 1", "`+`"),
            ("A.where(b)", "condition"),
            ("A.where(b='c", "quote"),
            ("", "name"),
            ("(A.b", "`)`"),
        ] {
            let error = parse(expression).unwrap_err();
            assert!(error.contains(said), "{expression}: {error}");
        }
    }
}
