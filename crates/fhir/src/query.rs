//! What a search string asks for, checked against the definitions: nothing unknown passes.
//!
//! [`parse()`] understands it; [`matches()`] says what each condition means for a resource.

mod clause;
mod matches;
mod parse;
mod values;

pub use matches::matches;
pub use parse::parse;

use crate::{Issue, IssueCode, ResourceType, search::SearchParameter};

/// A search on one type, understood and checked.
#[derive(Clone, Debug)]
pub struct Query {
    /// The type searched.
    pub of: ResourceType,
    /// All must hold.
    pub clauses: Vec<Clause>,
    /// Order of the answer; empty means newest first by `_lastUpdated`. Only `_lastUpdated`, `_id` and date-kind
    /// parameters are supported today; others are refused.
    pub sort: Vec<Sort>,
    /// Resources on a page (`_count`), 1 to 1,000 (more is cut); default 50. 0 is asked with `_summary=count` semantics.
    pub count: usize,
    /// `_include`.
    pub include: Vec<Include>,
    /// `_revinclude`.
    pub revinclude: Vec<Include>,
    /// `_summary=count` or `_count=0`: only the total.
    pub only_count: bool,
    /// `_total=accurate` (and `estimate`, which the true count serves as well).
    pub total: bool,
    /// `_elements`, empty for all: names at the root of the type, a choice as the definitions name it (`value`) or as
    /// written (`valueQuantity`).
    pub elements: Vec<String>,
    /// `_pretty`.
    pub pretty: bool,
    /// The parameters understood, in order, as they go into the self link (without page tokens); `_count` as it was cut.
    pub told: Vec<(String, String)>,
}

/// One condition: any of the values may match.
#[derive(Clone, Debug)]
pub struct Clause {
    /// On which parameter.
    pub parameter: &'static SearchParameter,
    /// How.
    pub modifier: Modifier,
    /// Alternatives (comma). Empty for chains, whose values are in the chain's clause, and for `:missing`.
    pub values: Vec<Wanted>,
    /// `subject:Patient.name=...`: the target type and the condition there. Only one level today.
    pub chain: Option<Box<Chain>>,
}

/// The far side of a chained condition.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The target's type.
    pub of: ResourceType,
    /// The condition on it.
    pub clause: Clause,
}

/// A modifier on a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// None.
    None,
    /// `:exact`
    Exact,
    /// `:contains`
    Contains,
    /// `:not`
    Not,
    /// `:missing=true|false`; the clause has no values.
    Missing(bool),
    /// `:text` on tokens.
    Text,
    /// `:identifier` on references (the value is a token).
    Identifier,
}

/// The prefixes of ordered values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Prefix {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

/// One value asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// String kinds; folded unless `:exact`.
    Text(String),
    /// `system|code`, `|code` (system must be absent), `code` (any system), `system|` (any code).
    Token {
        /// `None`: any; `Some("")`: must have none.
        system: Option<String>,
        /// `None`: any.
        code: Option<String>,
    },
    /// A reference as the index holds it, completed with its type when only an id was given.
    Reference(String),
    /// The span the precision of the asked date implies.
    Date {
        /// Comparison.
        prefix: Prefix,
        /// First microsecond; for `ap`, of the span widened by its own length on both sides.
        from: i64,
        /// Last microsecond.
        to: i64,
    },
    /// The span the digits of the asked number imply.
    Number {
        /// Comparison.
        prefix: Prefix,
        /// The number as asked.
        value: f64,
        /// Lowest value that counts as equal (for `ap`, as near enough).
        low: f64,
        /// Highest value that counts as equal (excluded).
        high: f64,
    },
    /// As a number, with a unit.
    Quantity {
        /// Comparison.
        prefix: Prefix,
        /// The number as asked.
        value: f64,
        /// Lowest value that counts as equal (for `ap`, as near enough).
        low: f64,
        /// Highest value that counts as equal (excluded).
        high: f64,
        /// System of the unit; `None`: any.
        system: Option<String>,
        /// Code or printed unit; `None`: any.
        code: Option<String>,
    },
    /// A URI.
    Uri(String),
    /// `_id`.
    Id(String),
}

/// One key of `_sort`.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The parameter.
    pub parameter: &'static SearchParameter,
    /// `-` before it.
    pub descending: bool,
}

/// `_include=Observation:subject:Patient`.
#[derive(Clone, Debug)]
pub struct Include {
    /// The type that holds the reference.
    pub source: ResourceType,
    /// The reference parameter.
    pub parameter: &'static SearchParameter,
    /// Only targets of this type.
    pub target: Option<ResourceType>,
}

/// Something this server does not do.
fn refusal(said: String) -> Issue {
    Issue::error(IssueCode::NotSupported, "", said)
}

/// Foreign text as a message repeats it: at most 80 characters, no control characters.
fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(80).map(clean).collect();
    if text.chars().nth(80).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests;
