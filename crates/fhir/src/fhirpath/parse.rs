//! Words into a tree, by rank of operators. Grammar: <http://hl7.org/fhirpath/N1/grammar.html>.

use super::{
    Fault, PathError,
    lex::{Token, Word, words},
    quantity::{Quantity, Unit},
    tree::{Call, Expr, Function, Literal, Operator, Step, TYPE_RANK},
    types::TypeTest,
};
use crate::decimal::Decimal;
use std::{borrow::Cow, sync::OnceLock};

/// Longest text.
const LONGEST: usize = 64 * 1024;
/// Deepest nesting of brackets, arguments and signs: what the walk of the tree may recurse.
const DEEPEST: u32 = 64;

/// A tree, and how deep it is.
struct Grown {
    expr: Expr,
    height: u32,
}

pub(crate) fn parse(text: &str) -> Result<Expr, PathError> {
    if text.len() > LONGEST {
        let reason = format!(
            "the expression has {} bytes; the limit is {LONGEST}",
            text.len()
        );
        return Err(PathError::new(Fault::Limit, reason));
    }
    let words = words(text)?;
    let mut parser = Parser {
        words: &words,
        next: 0,
        depth: 0,
    };
    let parsed = parser.expression(1).and_then(|grown| match parser.peek() {
        Word::End => Ok(grown.expr),
        _ => parser.unexpected("an operator or the end"),
    });
    parsed.map_err(|error| {
        let at = parser.at();
        error.placed(text, at)
    })
}

struct Parser<'t> {
    words: &'t [Token<'t>],
    next: usize,
    depth: u32,
}

fn taller(height: u32) -> Result<u32, PathError> {
    if height >= DEEPEST {
        let reason = format!("the expression is nested deeper than {DEEPEST} levels");
        return Err(PathError::new(Fault::Limit, reason));
    }
    Ok(height + 1)
}

impl<'t> Parser<'t> {
    fn peek(&self) -> &'t Word<'t> {
        self.words.get(self.next).map_or(&Word::End, |t| &t.what)
    }
    fn at(&self) -> usize {
        self.words
            .get(self.next)
            .or(self.words.last())
            .map_or(0, |t| t.at)
    }
    fn place(&self) -> u32 {
        u32::try_from(self.at()).unwrap_or(u32::MAX)
    }
    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Word::Sign(s) if *s == sign);
        self.next += usize::from(found);
        found
    }
    fn expects(&mut self, sign: &str) -> Result<(), PathError> {
        match self.takes(sign) {
            true => Ok(()),
            false => self.unexpected(&format!("`{sign}`")),
        }
    }
    fn unexpected<T>(&self, wanted: &str) -> Result<T, PathError> {
        Err(PathError::new(
            Fault::Syntax,
            format!("{wanted} was expected"),
        ))
    }
    fn fail<T>(&self, reason: String) -> Result<T, PathError> {
        Err(PathError::new(Fault::Semantic, reason))
    }

    /// The operator that comes next, when it binds at least so tightly.
    fn operator(&self) -> Option<Operator> {
        match self.peek() {
            Word::Name(text) => Operator::from_text(text),
            Word::Sign(text) => Operator::from_text(text),
            _ => None,
        }
    }

    fn expression(&mut self, rank: u8) -> Result<Grown, PathError> {
        self.depth = taller(self.depth)?;
        let mut left = self.unary()?;
        // Climb: first all that binds tighter, then down to the rank asked for.
        for now in (rank..=10).rev() {
            left = match now {
                TYPE_RANK => self.type_operators(left)?,
                _ => self.chain(left, now)?,
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Operators of one rank after a first operand.
    fn chain(&mut self, first: Grown, rank: u8) -> Result<Grown, PathError> {
        let mut height = first.height;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator().filter(|o| o.rank() == rank) {
            let at = self.place();
            self.next += 1;
            let right = self.expression(rank + 1)?;
            height = height.max(right.height);
            rest.push((operator, right.expr, at));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Grown {
            expr: Expr::Chain(Box::new(first.expr), rest),
            height: taller(height)?,
        })
    }

    fn type_operators(&mut self, mut left: Grown) -> Result<Grown, PathError> {
        while let Word::Name(word @ ("is" | "as")) = self.peek() {
            let at = self.place();
            self.next += 1;
            let test = self.type_name()?;
            let of = Box::new(left.expr);
            left = Grown {
                expr: match *word {
                    "is" => Expr::Is(of, test, at),
                    _ => Expr::As(of, test, at),
                },
                height: taller(left.height)?,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Grown, PathError> {
        let at = self.place();
        let make: fn(Box<Expr>, u32) -> Expr = match self.peek() {
            Word::Sign("-") => Expr::Negate,
            Word::Sign("+") => Expr::Plus,
            _ => return self.postfix(),
        };
        self.next += 1;
        self.depth = taller(self.depth)?;
        let of = self.unary()?;
        self.depth -= 1;
        Ok(Grown {
            expr: make(Box::new(of.expr), at),
            height: taller(of.height)?,
        })
    }

    /// A term and the steps after it.
    fn postfix(&mut self) -> Result<Grown, PathError> {
        let mut height = 0;
        let (start, mut steps) = match self.peek() {
            Word::Name("true" | "false") => (Some(self.term()?), Vec::new()),
            Word::Name(_) | Word::Quoted(_) => (None, vec![self.step(&mut height)?]),
            _ => (Some(self.term()?), Vec::new()),
        };
        loop {
            let at = self.place();
            if self.takes(".") {
                steps.push(self.step(&mut height)?);
            } else if self.takes("[") {
                let index = self.expression(1)?;
                self.expects("]")?;
                height = height.max(index.height);
                steps.push(Step::At(index.expr, at));
            } else {
                break;
            }
        }
        Ok(match (start, steps.is_empty()) {
            (Some(term), true) => term,
            (start, _) => {
                let start_height = start.as_ref().map_or(0, |s| s.height);
                Grown {
                    height: taller(height.max(start_height))?,
                    expr: Expr::Path(start.map(|s| Box::new(s.expr)), steps),
                }
            }
        })
    }

    fn step(&mut self, height: &mut u32) -> Result<Step, PathError> {
        let at = self.place();
        let name: &'t str = match self.peek() {
            Word::Name(name) => name,
            Word::Quoted(name) => name,
            _ => return self.unexpected("a name"),
        };
        self.next += 1;
        if !matches!(self.peek(), Word::Sign("(")) {
            return Ok(Step::Member(name.into()));
        }
        let Some((function, least, most)) = Function::from_name(name) else {
            self.next -= 1;
            return self.fail(format!("there is no function `{name}`"));
        };
        self.next += 1;
        let mut call = Call {
            function,
            arguments: Vec::new(),
            test: None,
            pattern: OnceLock::new(),
            at,
        };
        if matches!(function, Function::Is | Function::As | Function::OfType) {
            call.test = Some(self.type_name()?);
            self.expects(")")?;
            return Ok(Step::Call(call));
        }
        if !self.takes(")") {
            loop {
                let argument = self.expression(1)?;
                *height = (*height).max(argument.height);
                call.arguments.push(argument.expr);
                if self.takes(")") {
                    break;
                }
                self.expects(",")?;
            }
        }
        // What follows a variable's definition is walked inside of it.
        if function == Function::DefineVariable {
            *height = taller(*height)?;
        }
        let given = call.arguments.len();
        if given < least || given > most {
            let takes = match (least, most) {
                (least, most) if least == most => format!("{least}"),
                (least, most) => format!("{least} to {most}"),
            };
            return self.fail(format!(
                "`{name}` takes {takes} arguments; {given} are given"
            ));
        }
        Ok(Step::Call(call))
    }

    fn term(&mut self) -> Result<Grown, PathError> {
        let at = self.place();
        let word = self.peek();
        self.next += 1;
        let expr = match word {
            Word::Name(word @ ("true" | "false")) => {
                Expr::Literal(Literal::Boolean(*word == "true"))
            }
            Word::Text(text) => Expr::Literal(Literal::String(text.as_ref().into())),
            Word::Number(digits) => self.number(digits)?,
            Word::Date(date) => Expr::Literal(Literal::Date(*date)),
            Word::DateTime(at) => Expr::Literal(Literal::DateTime(*at)),
            Word::Time(time) => Expr::Literal(Literal::Time(*time)),
            Word::Dollar("this") => Expr::This,
            Word::Dollar("index") => Expr::Index,
            Word::Dollar(_) => Expr::Total,
            Word::Variable(name) => Expr::Variable(name.as_ref().into(), at),
            Word::Sign("{") => {
                self.expects("}")?;
                Expr::Empty
            }
            Word::Sign("(") => {
                let inner = self.expression(1)?;
                self.expects(")")?;
                return Ok(inner);
            }
            _ => {
                self.next -= 1;
                return self.unexpected("a value, a name or `(`");
            }
        };
        Ok(Grown { expr, height: 0 })
    }

    /// A number, or a quantity when a unit follows.
    fn number(&mut self, digits: &str) -> Result<Expr, PathError> {
        let Some(value) = Decimal::read(digits) else {
            self.next -= 1;
            return self.fail("this number has more digits than we can hold".into());
        };
        let unit = match self.peek() {
            Word::Text(unit) => Some(Unit::quoted(Cow::Owned(unit.clone().into_owned()))),
            Word::Name(word) => Unit::calendar(word),
            _ => None,
        };
        if let Some(unit) = unit {
            self.next += 1;
            return Ok(Expr::Literal(Literal::Quantity(Quantity { value, unit })));
        }
        Ok(Expr::Literal(match digits.parse() {
            Ok(whole) => Literal::Integer(whole),
            Err(_) => Literal::Decimal(value),
        }))
    }

    fn type_name(&mut self) -> Result<TypeTest, PathError> {
        let start = self.next;
        let mut parts: Vec<&str> = Vec::new();
        loop {
            match self.peek() {
                Word::Name(name) => parts.push(name),
                Word::Quoted(name) => parts.push(name),
                _ => return self.unexpected("a type's name"),
            }
            self.next += 1;
            if parts.len() == 2 || !matches!(self.peek(), Word::Sign(".")) {
                break;
            }
            self.next += 1;
        }
        let test = match parts.as_slice() {
            [name] => TypeTest::named(None, name),
            [namespace, name] => TypeTest::named(Some(namespace), name),
            _ => None,
        };
        match test {
            Some(test) => Ok(test),
            None => {
                self.next = start;
                self.fail(format!("there is no type `{}`", parts.join(".")))
            }
        }
    }
}
