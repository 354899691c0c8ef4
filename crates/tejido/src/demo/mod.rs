//! `tejido demo`: five institutions on one machine, each with its own archive, keys and ports, talking over real mutual
//! TLS; synthetic people whose lives are spread over them; and the pages to look at it all.
//!
//! **In**: how many people. **Out**: five open nodes and where to sign in as whom; with `--check` the whole story told by
//! itself. A second run reuses what is there; an interrupted one goes on where it stopped, since loading twice changes
//! nothing.

mod browser;
mod cast;
mod load;
mod story;
mod twice;

pub use browser::Browser;
pub use cast::{CAST, HEROINE_CURP, HEROINE_NAME, MEMBERS, Place, Player};

use crate::init::{self, NewNode, names};
use crate::{Config, Error, house, keys, node, out, pact};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Instant;
use trust::MemberId;

/// What `tejido demo` takes.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// How many people.
    #[arg(long, default_value_t = 2_000)]
    pub people: u64,
    /// Where the five nodes live.
    #[arg(long, default_value = "demo-data")]
    pub dir: PathBuf,
    /// Start anew: what is in the folder is deleted.
    #[arg(long)]
    pub fresh: bool,
    /// Tell the whole story by itself; exit code 0 if all of it is true.
    #[arg(long)]
    pub check: bool,
}

/// The seed of the demo's country.
pub const SEED: u64 = 2026;

/// Five nodes that run.
pub struct Town {
    /// In the order of [`MEMBERS`].
    pub nodes: Vec<node::Running>,
    /// Their folders.
    pub dirs: Vec<PathBuf>,
    /// Their public addresses.
    pub bases: Vec<String>,
}

/// Runs the demo until Ctrl-C, or until the story is told.
///
/// # Errors
/// When a node cannot be opened, or a sentence of the story is not true.
pub fn run(args: &Demo) -> Result<(), Error> {
    let runtime = crate::serve::runtime()?;
    runtime.block_on(async {
        let started = Instant::now();
        let town = open(args).await?;
        out::line(format!(
            "Ready in {:.1} s.",
            started.elapsed().as_secs_f64()
        ));
        let told = if args.check {
            story::tell(&town).await
        } else {
            invite(&town);
            tokio::signal::ctrl_c()
                .await
                .map_err(|e| Error::say(e.to_string()))
        };
        out::line("Closing the five nodes.");
        for node in town.nodes {
            node.stop().await;
        }
        told
    })
}

/// Makes what is missing, opens the five nodes and loads them.
///
/// # Errors
/// When a folder cannot be written, a port is taken, or something does not load.
pub async fn open(args: &Demo) -> Result<Town, Error> {
    if args.fresh && args.dir.exists() {
        // Only what a demo made is deleted.
        if !args.dir.join(MEMBERS[0].id).join(names::CONFIG).exists() && !is_empty(&args.dir) {
            return Err(Error::say(format!(
                "{}: this is no demo's folder; it is left alone",
                args.dir.display()
            )));
        }
        std::fs::remove_dir_all(&args.dir).map_err(|e| Error::io(&args.dir, e))?;
    }
    let dirs: Vec<PathBuf> = MEMBERS.iter().map(|m| args.dir.join(m.id)).collect();
    if !dirs.iter().all(|dir| dir.join(names::PACT).exists()) {
        out::line("Making five institutions, their keys, and a pact that all five sign.");
        found(&args.dir, &dirs).await?;
    }
    let mut nodes = Vec::new();
    let mut bases = Vec::new();
    for (place, dir) in dirs.iter().enumerate() {
        let config = Config::read(&dir.join(names::CONFIG))?;
        bases.push(config.public.base.trim_end_matches('/').to_owned());
        nodes.push(node::start(config, cast::shown_at(MEMBERS[place].id)).await?);
    }
    let town = Town { nodes, dirs, bases };
    load::people(&town, args).await?;
    Ok(town)
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Makes the five folders and the pact.
async fn found(root: &Path, dirs: &[PathBuf]) -> Result<(), Error> {
    if root.exists() {
        std::fs::remove_dir_all(root).map_err(|e| Error::io(root, e))?;
    }
    let (mut members, mut signers) = (Vec::new(), Vec::new());
    // Ports are held until all are chosen, so that no two are the same.
    let mut held = Vec::new();
    for (place, (member, dir)) in MEMBERS.iter().zip(dirs).enumerate() {
        let offset = u16::try_from(place).unwrap_or(0);
        let (public, node) = (
            port(8441 + offset, &mut held).await?,
            port(9441 + offset, &mut held).await?,
        );
        let new = NewNode {
            member: MemberId(member.id.into()),
            name: member.name.into(),
            kind: member.kind,
            address: format!("127.0.0.1:{node}"),
            public: format!("https://localhost:{public}"),
            certificate: None,
        };
        members.push(init::create(dir, &new)?);
        signers.push(keys::read(&dir.join(names::KEY))?.0);
    }
    // So often that whoever tries it out is never told to wait.
    let linkage = trust::Linkage {
        runs: 52,
        days: 7,
        ..trust::Linkage::usual()
    };
    let pact = trust::Pact {
        linkage: Some(linkage),
        ..pact::founding("Red de demostración", 4, members)
    };
    house::found(dirs, &pact, &signers)?;
    Ok(())
}

/// The port that is liked, or any that is free.
async fn port(liked: u16, held: &mut Vec<tokio::net::TcpListener>) -> Result<u16, Error> {
    let listener = match tokio::net::TcpListener::bind(("127.0.0.1", liked)).await {
        Ok(listener) => listener,
        Err(_) => tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|e| Error::say(e.to_string()))?,
    };
    let port = listener
        .local_addr()
        .map_err(|e| Error::say(e.to_string()))?
        .port();
    held.push(listener);
    Ok(port)
}

fn invite(town: &Town) {
    out::line("");
    out::line("Five institutions that share nothing but a signed pact are open on this machine.");
    out::line("Your browser will warn of each certificate, since this machine made them itself.");
    for (member, base) in MEMBERS.iter().zip(&town.bases) {
        out::line("");
        out::line(format!("  {:<28} {base}", member.name));
        for player in CAST.iter().filter(|p| p.member == member.id) {
            out::line(format!(
                "      {:<12} {:<18} {}",
                player.login, player.secret, player.en
            ));
        }
    }
    out::line("");
    out::line(format!(
        "The patient of the story: {}, CURP {}.",
        HEROINE_NAME, HEROINE_CURP
    ));
    out::line(
        "As the doctor at the pharmacy, find her, receive her, and read what five institutions know.",
    );
    out::line(
        "Then, as the patient, read who looked, and why. Ctrl-C closes everything; what was written stays.",
    );
}
