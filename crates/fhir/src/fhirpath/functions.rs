//! The functions of FHIRPath, by what they work on; [`call::call`] leads to each.

mod arithmetic;
mod boundary;
pub(super) mod call;
mod collections;
mod encoding;
mod fhir;
mod html;
mod numbers;
mod text;

pub(super) use arithmetic::arithmetic;
