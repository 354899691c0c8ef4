//! What a search string asks for, checked against the definitions: nothing unknown passes.
//!
//! [`parse()`] understands it, [`parse_system()`] when it is over several types; [`compartment()`] is the condition that
//! a URL such as `Patient/1/Observation` adds. [`matches()`] says what a condition means for a resource, and
//! [`Condition::holds`] what a tree of them does.
//!
//! `:in` and `:not-in` know the value sets that R4 lists in full. What else a search asks of a terminology (other value
//! sets, `:above` and `:below` on codes) is refused with a reason, as is what is unknown, unless lenient handling is asked.

mod chain;
mod clause;
mod condition;
mod filter;
mod include;
mod matches;
mod near;
mod parse;
mod uses;
mod values;
mod wanted;
mod words;

pub use condition::compartment;
pub use matches::matches;
pub use parse::{parse, parse_system};

use crate::{
    Issue, IssueCode, ResourceType,
    search::{Catalog, SearchParameter},
};
use std::cell::Cell;

/// A search on one type, understood and checked.
#[derive(Clone, Debug)]
pub struct Query {
    /// The type searched.
    pub of: ResourceType,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Order of the answer; empty leaves it to the store: newest first by the type's main clinical date, later
    /// registered first where it has none.
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
    /// `_summary`.
    pub summary: Summary,
    /// `_pretty`.
    pub pretty: bool,
    /// The parameters understood, in order, as they go into the self link (without page tokens); `_count` as it was cut.
    pub told: Vec<(String, String)>,
    /// What was left out because it was not understood, when lenient handling was asked; for the answer's outcome.
    pub dropped: Vec<Issue>,
}

/// How unknown or unsupported parameters are met (`Prefer: handling=...`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// They are errors.
    #[default]
    Strict,
    /// They are left out, and said in [`Query::dropped`].
    Lenient,
}

/// How much of each resource is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// All of it.
    #[default]
    False,
    /// The elements that the definitions mark.
    True,
    /// `text`, `id`, `meta` and the mandatory elements.
    Text,
    /// All but `text`.
    Data,
    /// Only the total.
    Count,
}

/// What must hold of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A parameter of the resource itself has one of the values.
    Is(Clause),
    /// A reference of it points to a resource that meets a condition: `subject:Patient.name=...`. One entry for each
    /// type the reference may point to; any of them will do.
    Refers {
        /// The reference.
        parameter: &'static SearchParameter,
        /// What must hold there, by the target's type.
        targets: Vec<(ResourceType, Condition)>,
    },
    /// A resource of a type points to it and meets a condition: `_has:Observation:patient:code=...`.
    Referred {
        /// The type that points.
        source: ResourceType,
        /// By which reference.
        parameter: &'static SearchParameter,
        /// What must hold of the one that points.
        condition: Box<Condition>,
    },
    /// It is an entry of the List with this id (`_list`), not marked deleted.
    Listed(String),
    /// All hold; true when empty.
    All(Vec<Condition>),
    /// One holds; false when empty.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// One condition on a parameter: any of the values may match.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// On which parameter.
    pub parameter: &'static SearchParameter,
    /// How.
    pub modifier: Modifier,
    /// Alternatives (comma). Empty for `:missing`.
    pub values: Vec<Wanted>,
}

/// A modifier on a parameter. A type on a reference (`subject:Patient=1`) is none: its values say the type.
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
    /// `:of-type` on tokens: the value names the type of an identifier.
    OfType,
    /// `:identifier` on references (the value is a token).
    Identifier,
    /// The whole text, folded: `eq` of `_filter`.
    Whole,
    /// The end of the text, folded: `ew` of `_filter`.
    Ends,
    /// `:above`: on a URI, the asked one begins with what is found, at a `/`; on a reference, the asked one or any
    /// that it is part of. What stands above a resource is the store's to know: it puts all of them in the values.
    /// Of a canonical `url|1.2.3`, `url|1.2` and `url|1` stand above it.
    Above,
    /// `:below`: on a URI, what is found begins with the asked one, at a `/`; on a reference, the asked one or any
    /// part of it, which the store puts in the values. Of a canonical `url|1`, `url|1.2` stands below it; of a `url`
    /// without version, every version.
    Below,
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
    /// `:of-type`: an identifier of a type.
    OfType {
        /// System of the type's coding; `None`: any.
        system: Option<String>,
        /// Code of the type.
        code: String,
        /// The identifier's value.
        value: String,
    },
    /// Within so many kilometres of a place (`near`).
    Near {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
        /// Kilometres.
        km: f64,
    },
    /// One value for each component of a composite, in the parameter's order.
    Composite(Vec<Wanted>),
    /// `_text` and `_content`: each of these stands in the text, whole words in this order, folded.
    Words(Vec<String>),
}

/// One key of `_sort`.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The parameter.
    pub parameter: &'static SearchParameter,
    /// `-` before it.
    pub descending: bool,
}

/// `_include=Observation:subject:Patient`, or with wildcards: `Observation:*`, `*`.
#[derive(Clone, Debug)]
pub struct Include {
    /// The type that holds the reference; `None` for any (`*`).
    pub source: Option<ResourceType>,
    /// The reference; `None` for all of them.
    pub parameter: Option<&'static SearchParameter>,
    /// Only targets of this type.
    pub target: Option<ResourceType>,
    /// Also from what was included (`:iterate`).
    pub iterate: bool,
}

/// What a search is read with.
struct Context<'c> {
    catalog: &'c Catalog,
    /// Conditions read so far.
    conditions: Cell<usize>,
}

/// Something this server does not do.
fn refusal(said: String) -> Issue {
    Issue::error(IssueCode::NotSupported, "", said)
}

/// Foreign text as a message repeats it: at most 80 characters, no control characters.
pub(crate) fn shown(text: &str) -> String {
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(80).map(clean).collect();
    if text.chars().nth(80).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests;
