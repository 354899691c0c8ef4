//! `tejido serve`: a node until somebody stops it.

use crate::init::names;
use crate::{Config, Error, node, out};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which node.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
}

pub(crate) fn run(args: &Serve) -> Result<ExitCode, Error> {
    let config = Config::read(&args.config)?;
    traces();
    let runtime = runtime()?;
    runtime.block_on(until_stopped(config))?;
    Ok(ExitCode::SUCCESS)
}

/// The threads of a node.
///
/// What was done by other threads (a search, an act that is durable) comes back by a queue that all share. By itself tokio
/// looks there once in some sixty steps while a thread has other work, and who waits there is late whenever many ask.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .global_queue_interval(4)
        .enable_all()
        .build()
        .map_err(|e| Error::say(format!("no threads: {e}")))
}

async fn until_stopped(config: Config) -> Result<(), Error> {
    let (member, base) = (config.member.clone(), config.public.base.clone());
    let mut running = node::start(config, Vec::new()).await?;
    out::remark(format!(
        "{member} runs: {base} (pages), {base}/fhir (FHIR R4), {} (other nodes)",
        running.node
    ));
    tokio::select! {
        why = running.failed() => return Err(Error::say(why)),
        stop = stopped() => stop?,
    }
    out::remark("Stopping: open requests end, no new ones are taken.");
    running.stop().await;
    Ok(())
}

/// Ctrl-C, or the word of whatever runs us.
#[cfg(unix)]
async fn stopped() -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let wrong = |e: std::io::Error| Error::say(format!("signals cannot be heard: {e}"));
    let mut term = signal(SignalKind::terminate()).map_err(wrong)?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed.map_err(wrong),
    }
}

#[cfg(not(unix))]
async fn stopped() -> Result<(), Error> {
    let pressed = tokio::signal::ctrl_c().await;
    pressed.map_err(|e| Error::say(format!("signals cannot be heard: {e}")))
}

/// What happens, on standard error; `RUST_LOG` chooses. Bodies, secrets and names are never traced.
fn traces() {
    use tracing_subscriber::EnvFilter;
    // The engine tells much of its own housekeeping.
    let usual = || EnvFilter::new("info,lsm_tree=warn");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
