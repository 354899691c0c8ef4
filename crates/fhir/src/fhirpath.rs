//! FHIRPath for R4: an expression and a resource in, a collection out.
//!
//! Of the specification: all of Normative Release 1 (<http://hl7.org/fhirpath/N1>), the functions that FHIR adds
//! (<http://hl7.org/fhir/R4/fhirpath.html>), and from the later releases `defineVariable`, `sort`, `encode`, `escape`,
//! boundaries, `precision`, `matchesFull`, `split`, `join` and `trim`.
//!
//! [`Expression::parse`] reads a text once; the result is read-only and may be shared between threads.
//! [`Expression::evaluate`] walks it over borrowed nodes: nothing of the resource is copied, a step that finds one item
//! or none allocates nothing. Time, other resources and terminology come in through [`Context`]; whoever gives none gets
//! an error that says so where they are needed.
//!
//! What must hold: no expression and no resource panics, overflows the stack or runs away. Depth is bounded when an
//! expression is read, steps and sizes of collections while it runs ([`Limits`]).

mod check;
mod compare;
mod context;
mod convert;
mod eval;
mod fixed;
mod functions;
mod item;
mod lex;
mod moment;
mod parse;
mod quantity;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod units;

pub use context::{ConformsTo, Context, Limits, MemberOf, Resolve, Trace};
pub use item::{Item, Node};
pub use moment::{Date, DateTime, Time};
pub use quantity::{Quantity, Unit};

/// An expression, read once.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    tree: tree::Expr,
    /// How many parts of it are worked out once.
    fixed: usize,
}

/// What kind of fault an expression has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The text is no FHIRPath.
    Syntax,
    /// It names a function, type or variable that does not exist.
    Semantic,
    /// It cannot be worked out on this input: several items where one is wanted, a date plus a truth...
    Execution,
    /// It took more steps, items or depth than allowed.
    Limit,
}

/// Why an expression cannot be read or worked out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}{}", place(.at, .near))]
pub struct PathError {
    /// What kind of fault.
    pub fault: Fault,
    /// What is wrong, in words.
    pub reason: String,
    /// Where in the text, in bytes from 0.
    pub at: Option<usize>,
    /// The text from there, cut short.
    pub near: String,
}

fn place(at: &Option<usize>, near: &str) -> String {
    match at {
        Some(_) if near.is_empty() => ", at the end of the expression".into(),
        Some(at) => format!(", at character {} of the expression: `{near}`", at + 1),
        None => String::new(),
    }
}

impl PathError {
    pub(crate) fn new(fault: Fault, reason: impl Into<String>) -> PathError {
        PathError {
            fault,
            reason: reason.into(),
            at: None,
            near: String::new(),
        }
    }
    pub(crate) fn execution(reason: impl Into<String>) -> PathError {
        PathError::new(Fault::Execution, reason)
    }
    /// With the place, unless a more precise one is known.
    fn placed(mut self, text: &str, at: usize) -> PathError {
        if self.at.is_none() {
            self.at = Some(at);
        }
        if let (true, Some(rest)) = (self.near.is_empty(), self.at.and_then(|at| text.get(at..))) {
            self.near = rest.chars().take(30).collect();
        }
        self
    }
}

impl Expression {
    /// Reads an expression. Names of functions and types are checked here, names of elements are not.
    pub fn parse(text: &str) -> Result<Expression, PathError> {
        let mut tree = parse::parse(text).map_err(|error| error.placed(text, 0))?;
        Ok(Expression {
            text: text.into(),
            fixed: fixed::mark(&mut tree),
            tree,
        })
    }
    /// The text it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// Whether it makes sense on a type or path (`Patient`, `Patient.contact`): each element that it names must exist
    /// there. Says nothing where the type is not known, as after `resolve()`.
    pub fn check(&self, type_or_path: &str) -> Result<(), PathError> {
        let Some(focus) = types::FhirType::from_name(type_or_path) else {
            let reason = format!("R4 has no type `{type_or_path}`");
            return Err(PathError::new(Fault::Semantic, reason));
        };
        check::check(&self.tree, focus).map_err(|error| match error.at {
            Some(at) => error.placed(&self.text, at),
            None => error,
        })
    }
    /// What the expression finds, starting from an item.
    pub fn evaluate<'a>(
        &'a self,
        focus: Item<'a>,
        context: &'a Context<'a>,
    ) -> Result<Vec<Item<'a>>, PathError> {
        let found = self.found(focus, context, context.as_filters)?;
        Ok(found.into_vec())
    }
    /// Whether it is true of an item, as invariants mean it: a boolean says so itself, nothing found is false, anything
    /// else found is true. `as()` filters, as R4's own invariants have it (`descendants().as(canonical)`).
    pub fn holds<'a>(
        &'a self,
        focus: Item<'a>,
        context: &'a Context<'a>,
    ) -> Result<bool, PathError> {
        let found = self.found(focus, context, true)?;
        Ok(match found.items() {
            [one] => one.as_bool().unwrap_or(true),
            found => !found.is_empty(),
        })
    }
    fn found<'a>(
        &'a self,
        focus: Item<'a>,
        context: &'a Context<'a>,
        as_filters: bool,
    ) -> Result<item::Found<'a>, PathError> {
        let fixed = vec![None; self.fixed];
        eval::run(&self.tree, focus, context, as_filters, fixed).map_err(|error| match error.at {
            Some(at) => error.placed(&self.text, at),
            None => error,
        })
    }
}
