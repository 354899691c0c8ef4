//! What FHIR R4 says, as pure functions: no clock, no network, no disk.
//!
//! In comes text; out come values ([`json`]), what is wrong with them ([`check`], [`outcome`]), what can be searched in
//! them ([`search::extract`]), and what a search string asks for ([`query::parse`]). Start reading at [`json::Value`].

pub mod check;
pub mod decimal;
pub mod definitions;
pub mod fhirpath;
pub mod json;
pub mod outcome;
pub mod patch;
pub mod query;
pub mod search;
pub mod time;
pub mod ucum;
pub mod validate;

pub use check::check;
pub use definitions::ResourceType;
pub use json::{Object, Value};
pub use outcome::{Issue, IssueCode, outcome};
pub use validate::Validator;
