//! Search parameters of R4 and what they find in a resource.
//!
//! The table `definitions/search.tsv` (made by `cargo xtask search`) names the parameters of R4 and their expressions;
//! `path` reads an expression, `program` compiles those of one type into one tree, `entries` turns the elements
//! found into what an index holds. `catalog` adds parameters that are loaded at run time, whose expressions `script`
//! runs. `words` gives the words of a text, `compartment` says whose record a
//! resource belongs to, `parts` which parameters find nothing of their own.

mod catalog;
mod compartment;
mod entries;
mod fold;
mod parts;
mod path;
mod program;
mod script;
mod table;
mod words;

pub use catalog::{Catalog, MAX_LOADED};
pub use compartment::{BESIDE, COMPARTMENTS, compartments, patients, references};
pub use entries::of_type;
pub use fold::fold;
pub use parts::{Completion, Part, follows, parts};

use crate::{ResourceType, Value};
use program::Program;
use script::Script;
use std::{
    cmp::Ordering,
    collections::HashMap,
    sync::{Arc, LazyLock},
};
pub(crate) use table::table;
pub(crate) use words::phrase;
pub use words::words;

/// The nine kinds of search parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl Kind {
    /// The kind of that name in FHIR.
    pub(crate) fn from_name(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(n, _)| *n == name).map(|(_, k)| *k)
    }
    /// Its name in FHIR: `token`.
    pub fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(_, k)| *k == self)
            .map_or("", |(n, _)| n)
    }
}

const KINDS: [(&str, Kind); 9] = [
    ("number", Kind::Number),
    ("date", Kind::Date),
    ("string", Kind::String),
    ("token", Kind::Token),
    ("reference", Kind::Reference),
    ("composite", Kind::Composite),
    ("quantity", Kind::Quantity),
    ("uri", Kind::Uri),
    ("special", Kind::Special),
];

/// One search parameter of R4 as it applies to resource types; a row of the generated table.
#[derive(Debug, PartialEq)]
pub struct SearchParameter {
    /// Stable small number, the same for the same (code, kind, meaning) across types; part of index keys on disk, so
    /// numbers are never reused or renumbered (`definitions/search.tsv` in the crate is append-only).
    pub number: u16,
    /// The name used in a query: `birthdate`.
    pub code: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Types a reference may point to; empty for other kinds.
    pub targets: &'static [&'static str],
    /// Its FHIRPath expression on this type; empty when R4 gives none (`_text`, `_query`...).
    pub expression: &'static str,
    /// Whether its values are `true` and `false`.
    pub boolean: bool,
    /// The parts of a composite, in order; the expression of each starts at an element that the composite's finds.
    pub components: &'static [SearchParameter],
}

impl SearchParameter {
    /// Whether a search may name it as a condition. `_filter` stands for many and is read apart; `_query` names
    /// searches that we do not have.
    pub fn supported(&self) -> bool {
        self.indexed() || self.of_words()
    }
    /// Whether the index holds what it finds: it has an expression.
    pub fn indexed(&self) -> bool {
        !self.expression.is_empty()
    }
    /// Whether it asks for words in a text (`_text`, `_content`); what it finds is in [`words`], not in [`extract`].
    pub fn of_words(&self) -> bool {
        matches!(self.code, "_text" | "_content") && self.kind == Kind::String
    }
}

/// Set in [`Entry::number`] of the identifier of a reference (`Reference.identifier`), held as a token beside the
/// reference itself; `:identifier` looks there. Set as well for an identifier beside its type, a token whose system is
/// that of the type and whose code is `type|value`; `:of-type` looks there. Numbers of parameters stay below it.
pub const IDENTIFIER: u16 = 0x8000;

/// The system of a quantity in base units ([`ucum`](crate::ucum)), which stands beside the one that was written unless
/// that is in base units already.
pub const CANONICAL: &str = "urn:tejido:ucum-base";

/// Numbers from here up are of parameters loaded at run time ([`Catalog::with`]).
pub const LOADED: u16 = 0x4000;

/// The parameter of that name on that type, those of every resource (`_id`, `_lastUpdated`, `_tag`...) included. Also
/// finds those that are not [`SearchParameter::supported`].
pub fn parameter(of: ResourceType, code: &str) -> Option<&'static SearchParameter> {
    table().parameter(of.name(), code)
}

/// All parameters of a type, by name.
pub fn parameters(of: ResourceType) -> Vec<&'static SearchParameter> {
    table().parameters(of.name())
}

/// The parameter by which a resource of a type is part of another of the same type (`Location.partOf`), which
/// `:above` and `:below` follow.
pub fn parent(of: ResourceType) -> Option<&'static SearchParameter> {
    let found = ["partof", "part-of"]
        .iter()
        .find_map(|code| parameter(of, code));
    found.filter(|parameter| parameter.targets.contains(&of.name()))
}

/// What an index holds for one parameter of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// [`SearchParameter::number`].
    pub number: u16,
    /// The value found.
    pub value: Indexed,
}

/// A value as an index holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Indexed {
    /// Folded text ([`fold`]) beside the original, for `:exact`.
    Text {
        /// Folded.
        folded: String,
        /// As written.
        exact: String,
    },
    /// A code in a system; either may be empty text when the resource has none. For identifiers the value is the code.
    Token {
        /// The system's URI, or empty.
        system: String,
        /// The code or identifier value.
        code: String,
        /// Display or text, for `:text`; empty when there is none.
        text: String,
    },
    /// A reference as text, without version: `Patient/1`, an absolute URL, or `urn:uuid:...`.
    Reference(String),
    /// A span of time in microseconds since 1970 UTC, both ends included (a date is its whole day). Open ends are
    /// `i64::MIN` and `i64::MAX`. Dates without a zone are read as UTC.
    Date {
        /// First microsecond.
        from: i64,
        /// Last microsecond.
        to: i64,
    },
    /// A number, with the range its digits imply (5.4 is 5.35 to 5.45).
    Number {
        /// The value itself.
        value: f64,
    },
    /// A quantity: number, unit system and code (either may be empty), unit as printed.
    Quantity {
        /// The value itself.
        value: f64,
        /// System of the unit's code.
        system: String,
        /// The unit's code, or the printed unit when there is no code.
        code: String,
    },
    /// A URI, whole.
    Uri(String),
    /// The values of a composite's components, in the parameter's order, all of one element.
    Composite(Box<[Indexed]>),
    /// A place on earth, in degrees.
    Position {
        /// Degrees north.
        lat: f64,
        /// Degrees east.
        lon: f64,
    },
}

/// What the index holds for a resource: every parameter of its type except `_lastUpdated` and `_id`, which the store
/// knows itself, and `_text` and `_content`, which [`words`] gives. Deterministic: by number, then value; doubles removed. Also
/// gives `:missing` its ground: a parameter with no entry is missing.
///
/// - A bare `code` gets the system of its required binding when that is one (`gender` is in
///   `http://hl7.org/fhir/administrative-gender`). A ContactPoint's system is `phone`, `email`...
/// - A CodeableConcept gives one token per coding, and one of text alone when no coding has that text as display.
/// - A reference with an identifier gives a token under its number with [`IDENTIFIER`] set. A canonical with a version
///   gives two references, with and without it. References to contained resources give none.
/// - An identifier with a type gives, under its number with [`IDENTIFIER`] set, one token for each coding of the type.
/// - A Range gives its two ends, SampledData the lowest and highest sample. A quantity whose printed unit differs from
///   its code gives both, the unit without system; one of UCUM gives its amount in base units as well, in the system
///   [`CANONICAL`]. One with a comparator stands next to its number: `<5` just below, `>5` just above.
/// - A Timing gives its outer limits.
/// - A composite gives every combination of its components' values that one element has, tokens without their words.
///
/// Cost: one walk of the resource and a sort; some ten microseconds for 1.5 kB.
pub fn extract(of: ResourceType, resource: &Value) -> Vec<Entry> {
    extract_as(of.name(), resource)
}

fn extract_as(of: &str, resource: &Value) -> Vec<Entry> {
    extract_with(of, resource, &[])
}

fn extract_with(of: &str, resource: &Value, more: &[Arc<Script>]) -> Vec<Entry> {
    let mut out = Vec::with_capacity(32);
    if let Some(program) = PROGRAMS.get(of).or_else(|| PROGRAMS.get("Resource")) {
        program.run(resource, &mut out);
    }
    for script in more {
        script.run(resource, &mut out);
    }
    out.sort_unstable_by(order);
    out.dedup();
    out
}

/// Per type, the program of all its parameters; `Resource` for types that have none of their own.
static PROGRAMS: LazyLock<HashMap<&'static str, Program>> = LazyLock::new(|| {
    let types = table().types().chain(["Resource"]);
    types.map(|of| (of, compile(of).0)).collect()
});

/// The program of a type, and what did not compile (a test asserts that nothing is).
fn compile(of: &'static str) -> (Program, Vec<String>) {
    let (mut program, mut refused) = (Program::default(), Vec::new());
    for parameter in table().parameters(of) {
        if !parameter.indexed() || matches!(parameter.code, "_id" | "_lastUpdated") {
            continue;
        }
        if let Err(reason) = program.add(table(), of, parameter) {
            refused.push(format!("{of} {}: {reason}", parameter.code));
        }
    }
    (program, refused)
}

fn order(a: &Entry, b: &Entry) -> Ordering {
    a.number
        .cmp(&b.number)
        .then_with(|| a.value.order(&b.value))
}

impl Indexed {
    fn order(&self, other: &Indexed) -> Ordering {
        use Indexed::*;
        match (self, other) {
            (Text { exact: a, .. }, Text { exact: b, .. }) => a.cmp(b),
            (Reference(a), Reference(b)) | (Uri(a), Uri(b)) => a.cmp(b),
            (Date { from, to }, Date { from: f, to: t }) => (from, to).cmp(&(f, t)),
            (Number { value: a }, Number { value: b }) => a.total_cmp(b),
            (
                Token { system, code, text },
                Token {
                    system: s,
                    code: c,
                    text: t,
                },
            ) => (system, code, text).cmp(&(s, c, t)),
            (
                Quantity {
                    value,
                    system,
                    code,
                },
                Quantity {
                    value: v,
                    system: s,
                    code: c,
                },
            ) => value.total_cmp(v).then_with(|| (system, code).cmp(&(s, c))),
            (Composite(a), Composite(b)) => {
                let pairs = a.iter().zip(b).map(|(a, b)| a.order(b));
                let first = pairs.into_iter().find(|order| order.is_ne());
                first.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Position { lat, lon }, Position { lat: a, lon: o }) => {
                lat.total_cmp(a).then_with(|| lon.total_cmp(o))
            }
            // One number has one kind of value, so this is never asked.
            _ => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests;
