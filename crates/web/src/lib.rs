//! The door for people: pages made on the server, in Spanish first and English, for phone and desktop, without script.
//!
//! **In**: a browser's requests. **Out**: pages and redirects. Everything about a person goes through
//! [`trust::Gate`] and [`exchange::Network`], which decide and keep the act; nothing here touches the archive beside them.
//!
//! What it promises:
//! - *No name in a URL*: a person stands there as a sealed reference that only this session can open (`seal`).
//! - *No change without this session's form*: every POST is same-origin by `Origin` or `Sec-Fetch-Site`, and every POST
//!   of somebody signed in carries her session's token (`session`).
//! - *No script, no outside resource*: the Content-Security-Policy of every answer forbids them (`answer`).
//! - *Views are pure*: [`views`] makes HTML from what the rooms below answered, with no clock and no network, so that
//!   every page can be drawn and looked at without a node (`cargo run -p web --example preview -- OUT`).
//!
//! Start reading at [`router`].

mod answer;
mod chart;
mod form;
mod routes;
mod seal;
mod session;
mod text;
mod threads;
pub mod views;
mod weave;
mod when;

pub use answer::STYLE;
pub use form::{FieldError, Fields};
pub use seal::NoRandomness;
pub use text::Text;
pub use threads::{Thread, Threads};
pub use views::entry::DemoAccount;

use jiff::Timestamp;
use std::sync::Arc;

/// The clock of the pages.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the pages stand on. Cheap to clone.
#[derive(Clone)]
pub struct State {
    pub(crate) gate: trust::Gate,
    pub(crate) network: exchange::Network,
    pub(crate) clock: Clock,
    pub(crate) demo: Arc<[DemoAccount]>,
    pub(crate) people: Arc<identity::Desk>,
    pub(crate) sealer: seal::Sealer,
}

impl State {
    /// Pages over this node's gate and network. `demo` are sign-ins shown openly on the sign-in page: none outside a
    /// demonstration.
    ///
    /// # Errors
    /// When the operating system gives no random numbers for the keys of sealed references.
    pub fn new(
        gate: trust::Gate,
        network: exchange::Network,
        clock: Clock,
        demo: Vec<DemoAccount>,
    ) -> Result<State, NoRandomness> {
        Ok(State {
            gate,
            network,
            clock,
            demo: demo.into(),
            people: Arc::default(),
            sealer: seal::Sealer::new()?,
        })
    }
    /// With the register of this node's people. Without it the page of whoever looks after the register says that it is
    /// being filled.
    pub fn with_register(self, people: Arc<identity::Desk>) -> State {
        State { people, ..self }
    }
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// All pages, to be served over HTTPS at the root of a port (its session cookie is a `__Host-` cookie).
pub fn router(state: State) -> axum::Router {
    routes::all(state)
}
