//! Every institution has its thread: a colour and a name that stay the same on every page of a network.

use trust::{MemberId, Pact};

/// Colours that the stylesheet has (`.h1` to `.h8`).
const COLOURS: usize = 8;

/// The threads of a network, in the order of its pact.
#[derive(Clone, Debug, Default)]
pub struct Threads(Vec<(String, String)>);

/// An institution as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Short name: `imss`.
    pub id: String,
    /// Name as people say it.
    pub name: String,
    /// Colour class of the stylesheet: `h1`.
    pub class: String,
    /// Place in the pact, from 1: the column on the time line.
    pub column: usize,
}

impl Threads {
    /// From the pact.
    pub fn of(pact: &Pact) -> Threads {
        Threads::new(
            pact.members
                .iter()
                .map(|m| (m.id.0.as_str(), m.name.as_str())),
        )
    }
    /// From short names and names.
    pub fn new<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Threads {
        Threads(
            members
                .into_iter()
                .map(|(id, name)| (id.to_owned(), name.to_owned()))
                .collect(),
        )
    }
    /// The thread of a member. One that left the pact keeps its short name and gets the grey thread.
    pub fn thread(&self, id: &str) -> Thread {
        match self.0.iter().position(|(known, _)| known == id) {
            Some(at) => Thread {
                id: id.to_owned(),
                name: self.0.get(at).map_or(id, |(_, name)| name).to_owned(),
                class: format!("h{}", at % COLOURS + 1),
                column: at + 1,
            },
            None => Thread {
                id: id.to_owned(),
                name: id.to_owned(),
                class: "h0".to_owned(),
                column: self.0.len() + 1,
            },
        }
    }
    /// The name of a member as people say it.
    pub fn name(&self, id: &MemberId) -> String {
        self.thread(&id.0).name
    }
    /// All, in order.
    pub fn all(&self) -> Vec<Thread> {
        self.0.iter().map(|(id, _)| self.thread(id)).collect()
    }
}
