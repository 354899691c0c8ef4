//! `tejido linkage`: which people of this node resemble people of another member's, without either telling the other who they
//! are. The running node does it; this only asks.

use crate::admin::{self, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, out};
use clap::Args;
use std::path::PathBuf;
use trust::MemberId;

/// With whom.
#[derive(Debug, Args)]
pub(crate) struct Linkage {
    /// The other member's short name.
    #[arg(long)]
    with: String,
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
}

/// Asks for it, waits until it is done and says what came of it. Cost: some four milliseconds of a core a person at each
/// member; more in large registers.
///
/// # Errors
/// When the node does not run, and whatever the node or the other member refuses.
pub(crate) fn run(args: &Linkage) -> Result<(), Error> {
    let config = Config::read(&args.config)?;
    let with = MemberId(args.with.clone());
    match admin::ask(&config.data, &Ask::Linkage { with })? {
        Some(Answer::Compared(compared)) => {
            out::line(format!(
                "{} people here were compared with {} of {}. {} here resemble somebody there; {} of them are not found under one CURP and wait on the page Quién es quién.",
                out::count(compared.here),
                out::count(compared.there),
                args.with,
                out::count(compared.met),
                out::count(compared.wait)
            ));
            Ok(())
        }
        Some(Answer::No(why)) => Err(Error::say(why)),
        Some(_) => Err(Error::say("the running node answered something else")),
        None => Err(Error::say(
            "no node runs over this archive: start it with tejido serve, then ask again",
        )),
    }
}
