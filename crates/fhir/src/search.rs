//! Search parameters of R4 and what they find in a resource.

use crate::{ResourceType, Value};

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

/// One search parameter of R4 as it applies to resource types; a row of the generated table.
#[derive(Debug)]
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
}

/// The parameter of that name on that type, those of every resource (`_id`, `_lastUpdated`, `_tag`...) included.
pub fn parameter(_of: ResourceType, _code: &str) -> Option<&'static SearchParameter> {
    unimplemented!()
}

/// All parameters of a type, by name.
pub fn parameters(_of: ResourceType) -> Vec<&'static SearchParameter> {
    unimplemented!()
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
}

/// What the index holds for a resource: every parameter of its type except composite and special ones, and
/// `_lastUpdated` and `_id`, which the store knows itself. Deterministic; doubles removed. Also gives `:missing` its
/// ground: a parameter with no entry is missing.
///
/// Cost: one walk per distinct path; tens of microseconds for a resource of 2 kB.
pub fn extract(_of: ResourceType, _resource: &Value) -> Vec<Entry> {
    unimplemented!()
}

/// Every reference in a resource as text with the path where it stands, contained ones (`#x`) left out.
pub fn references(_resource: &Value) -> Vec<(String, String)> {
    unimplemented!()
}

/// The patient ids that put a resource into patient compartments, by the R4 CompartmentDefinition: for a Patient its
/// own id. Only relative references (`Patient/1`) count.
pub fn patients(_of: ResourceType, _resource: &Value) -> Vec<String> {
    unimplemented!()
}

/// Folds text for string search: lower case, accents and other marks removed, white space single; **ñ stays a letter
/// of its own** (Muñoz is not Munoz).
pub fn fold(_text: &str) -> String {
    unimplemented!()
}
