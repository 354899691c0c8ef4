//! The road between nodes: ask, answer, carry the person's word; over mutual TLS whose roots are the pact's keys, every
//! request and answer signed (RFC 9421) so that either side can later prove what was asked and answered.
//!
//! **In**: a [`trust::Request`] at home. **Out**: one [`Part`] per member of the pact, each answered, or named with the
//! reason why not. What must hold: a member learns of a request only what it needs; "I hold nothing" and "I may show
//! nothing" are the same bytes; a late, silent, lying or outdated member never delays the others past the deadline.

mod answer;
mod client;
mod linkage;
mod message;
mod network;
mod part;
mod post;
mod server;
mod signature;
mod tls;

pub use linkage::Compared;
pub use network::{Network, Setup};
pub use part::{Answer, Candidate, LogPart, Outcome, Part, Wanted};

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;
#[cfg(test)]
extern crate self as exchange;
