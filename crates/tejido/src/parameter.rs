//! `tejido parameter`: search parameters beyond those of R4, and how far the index is with them.
//!
//! A SearchParameter is stored through the FHIR door or loaded from a file as any resource; here it is put into use or
//! taken out. Goes through the running node's own socket if there is one; without one the archive is opened, and the
//! indexing goes on for as long as the command waits, and else when the node starts.

use crate::admin::{self, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, house, import, out};
use clap::{Args, Subcommand};
use fhir::ResourceType;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::Duration;
use store::{Change, Indexing, Phase, Verb, Verbs};
use trust::{Gate, PersonRef, Purpose, Request, What};

/// How often a waiting command looks.
const LOOK: Duration = Duration::from_millis(500);

/// What can be done with search parameters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Which are loaded, and how far the index is with each.
    List(At),
    /// Put the one that a stored SearchParameter defines into use.
    Activate(One),
    /// Take one out of use, and its rows out of the index.
    Deactivate(One),
}

/// Of which node.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Wait until the index is whole.
    #[arg(long)]
    wait: bool,
}

/// Which.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Id of the SearchParameter resource.
    id: String,
    #[command(flatten)]
    at: At,
}

/// Where it is asked: at the running node, or in the archive of one that is stopped.
enum Door {
    Running(PathBuf),
    Stopped(Box<Gate>),
}

impl Door {
    fn ask(&self, ask: Ask) -> Result<Vec<Indexing>, Error> {
        let answer = match self {
            Door::Running(data) => admin::ask(data, &ask)?,
            Door::Stopped(gate) => Some(admin::answer(gate, ask, Timestamp::now())),
        };
        match answer {
            Some(Answer::Indexing(all)) => Ok(all),
            Some(Answer::No(why)) => Err(Error::say(why)),
            Some(_) => Err(Error::say("the running node answered something else")),
            None => Err(Error::say("the node was stopped meanwhile")),
        }
    }
}

/// Does it and says how far the index is.
///
/// # Errors
/// When the archive cannot be opened, or the definition cannot be used; the place is named.
pub(crate) fn run(command: Command) -> Result<(), Error> {
    let (at, ask) = match command {
        Command::List(at) => (at, Ask::Indexing),
        Command::Activate(one) => (
            one.at,
            Ask::Activate {
                id: one.id,
                active: true,
            },
        ),
        Command::Deactivate(one) => (
            one.at,
            Ask::Activate {
                id: one.id,
                active: false,
            },
        ),
    };
    let config = Config::read(&at.config)?;
    let door = match admin::ask(&config.data, &Ask::Indexing)? {
        Some(_) => Door::Running(config.data.clone()),
        None => Door::Stopped(Box::new(house::open(&config)?.gate)),
    };
    let mut all = door.ask(ask)?;
    if at.wait {
        all = wait(&door, all)?;
    }
    for one in &all {
        out::line(told(one));
    }
    if all.is_empty() {
        out::line("No search parameter is loaded; those of R4 are in use.");
    }
    Ok(())
}

fn wait(door: &Door, mut all: Vec<Indexing>) -> Result<Vec<Indexing>, Error> {
    let bar = out::bar(0, "resources");
    while all.iter().any(|one| one.phase != Phase::Ready) {
        let open = || all.iter().filter(|one| one.phase != Phase::Ready);
        bar.set_length(open().map(|one| one.total).sum());
        bar.set_position(open().map(|one| one.done).sum());
        std::thread::sleep(LOOK);
        all = door.ask(Ask::Indexing)?;
    }
    bar.finish_and_clear();
    Ok(all)
}

/// One line of the list.
fn told(one: &Indexing) -> String {
    let far = match one.phase {
        Phase::Ready => "ready".to_owned(),
        Phase::Coming => format!(
            "being indexed, {} of {} resources",
            out::count(one.done),
            out::count(one.total)
        ),
        Phase::Leaving => format!(
            "being taken out, {} of {} resources",
            out::count(one.done),
            out::count(one.total)
        ),
    };
    format!(
        "{}  {}  SearchParameter/{} version {}: {far}",
        one.code, one.url, one.id, one.version
    )
}

/// How far it is, on an open gate.
pub(crate) fn indexing(gate: &Gate) -> Answer {
    match gate.indexing() {
        Ok(all) => Answer::Indexing(all),
        Err(error) => Answer::No(error.to_string()),
    }
}

/// Puts one into use or takes it out, on an open gate.
pub(crate) fn activate(gate: &Gate, id: String, active: bool, now: Timestamp) -> Answer {
    let name = if active { "activate" } else { "deactivate" };
    let request = Request {
        actor: import::operator(gate),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: Verbs::only(Verb::Update),
        types: ResourceType::from_name("SearchParameter").map(|of| vec![of]),
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Interaction(format!("POST SearchParameter/${name}")),
    };
    let grant = match gate.decide(request, now) {
        Ok(grant) => grant,
        Err(refusal) => return Answer::No(refusal.en),
    };
    let change = match active {
        true => Change::Activate { id: id.clone() },
        false => Change::Deactivate { id: id.clone() },
    };
    match gate.write(&grant, vec![change], now) {
        Ok(done) if done.written.iter().all(|one| one.version.deleted) => {
            Answer::No(format!("SearchParameter/{id} is not here"))
        }
        Ok(_) => indexing(gate),
        Err(store::Error::Unloadable(issues)) => {
            let said = issues.iter().map(|issue| {
                let place = match issue.expression.as_str() {
                    "" => "SearchParameter",
                    place => place,
                };
                format!("{place}: {}", issue.diagnostics)
            });
            Answer::No(said.collect::<Vec<_>>().join("\n"))
        }
        Err(error) => Answer::No(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is() {
        let mut one = Indexing {
            number: 0x4000,
            id: "folio".into(),
            version: 2,
            url: "urn:folio".into(),
            code: "folio".into(),
            phase: Phase::Coming,
            done: 1_200,
            total: 25_000,
        };
        assert_eq!(
            told(&one),
            "folio  urn:folio  SearchParameter/folio version 2: being indexed, 1,200 of 25,000 resources"
        );
        one.phase = Phase::Ready;
        assert!(told(&one).ends_with("version 2: ready"));
    }
}
