//! The door for machines: FHIR R4 over HTTPS, and the node's public log.
//!
//! **In**: a request with a token. **Out**: what the gate ([`trust::Gate`]) let the archive answer, as it is stored; or
//! an `OperationOutcome` that says what was wrong, where, and what to do. Nothing here decides and nothing here stores:
//! a request is read, understood, put to the gate as the smallest question that answers it, and its answer is written
//! down.
//!
//! What must hold:
//! - every way in is a row of [`routes::ROUTES`]; all but a few that touch no record need a token;
//! - what a caller may not know looks the same whether it is there or not;
//! - bad input is a 4xx that names the place; nothing that comes in makes a 5xx, and nothing is half done;
//! - a full node says so (503, `Retry-After`), and so hears who takes more than a share of it (429), before anything is
//!   read or written;
//! - the CapabilityStatement is computed from the same tables that the server works with.
//!
//! Start reading at [`routes`], then `door` (a request's way in and out), then `act` (one interaction), then `bundle`.

mod act;
mod bundle;
mod capability;
mod door;
mod fault;
mod inflate;
mod negotiate;
mod public;
mod reply;
mod respond;
pub mod routes;
mod seek;
mod serve;
mod session;
mod shape;
mod share;
mod turns;
mod words;

pub use negotiate::PURPOSE;
pub use serve::serve;

use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How much this door takes at once; all in one place.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body, in bytes: 413 beyond.
    pub body_bytes: usize,
    /// Entries in a transaction or batch: 413 beyond.
    pub bundle_entries: usize,
    /// Deepest nesting of JSON: 400 beyond.
    pub depth: usize,
    /// Requests at work at once, bundles not counted: 503 beyond.
    pub concurrent: usize,
    /// Transactions and batches at work at once, so that a load never makes a consultation wait: 503 beyond.
    pub bundles: usize,
    /// Requests at work at once under one token: 429 beyond. Bundles count as well.
    pub per_token: usize,
    /// How long a body may take to arrive: 408 beyond.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 32 << 20,
            bundle_entries: 10_000,
            depth: 64,
            concurrent: 128,
            bundles: 8,
            per_token: 64,
            body_time: Duration::from_secs(60),
        }
    }
}

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the door stands on.
#[derive(Clone)]
pub struct State {
    /// The gate of this node.
    pub gate: trust::Gate,
    /// How much is taken at once.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
    /// The network of this node, by which what a person says here goes out to the other members.
    pub network: exchange::Network,
    /// The register of the people of this node; see [`keep_register`].
    pub people: Arc<identity::Desk>,
    /// The public address of this node without a slash at its end: `https://node.example:8443`. FHIR is under `/fhir`.
    pub base: String,
}

/// Fills a register with every registration of a gate and keeps it current from then on; until it is filled, what needs it
/// answers 503. What confirmed numbers say is taken up. Gives how many registrations there are. Blocks: reads every `Patient`
/// once and learns from them, about thirty microseconds of a core each.
///
/// Errors: the archive does not answer, or this gate's register is kept already.
pub fn keep_register(
    gate: &trust::Gate,
    people: &Arc<identity::Desk>,
    now: Timestamp,
) -> Result<u64, trust::Refusal> {
    let told = people.clone();
    let registrar = move |one: trust::Registered<'_>| {
        let registration = one.patient.map(identity::registration_of);
        told.changed(one.id, one.version, registration)
    };
    let there = gate.keep_register(Box::new(registrar), now)?;
    open_register(gate, people, now);
    Ok(there)
}

/// Fills the register once more: after [`keep_register`] could not, or to learn from all who are there by now while the
/// register goes on answering ([`identity::Desk::is_due`]).
///
/// Errors: the archive does not answer; what was there stays.
pub fn fill_register(
    gate: &trust::Gate,
    people: &Arc<identity::Desk>,
    now: Timestamp,
) -> Result<u64, trust::Refusal> {
    people.gather_again();
    let there = gate.fill_register(now)?;
    open_register(gate, people, now);
    Ok(there)
}

fn open_register(gate: &trust::Gate, people: &identity::Desk, now: Timestamp) {
    for [one, other] in people.open() {
        if let Err(refusal) = gate.link_by_number(&one, &other, now) {
            tracing::warn!(because = %refusal.en, "a confirmed number could not link");
        }
    }
}

/// The router: `/fhir/...`, `/log/...`, `/health/...`. It has no fallback, so it can be merged with another.
pub fn router(state: State) -> axum::Router {
    door::router(state)
}
