//! Making and signing a pact: `tejido pact`. What a pact is, and when it is in force, is `trust::pact`'s business.

use crate::init::names;
use crate::{Error, files, keys, out};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use trust::{Lang, Member, Pact};

/// What can be done with a pact.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the first version for some members, and the network's secret; each member then signs it.
    Found(Found),
    /// Add a member's signature.
    Sign {
        /// The pact; a file that nobody signed yet does too.
        #[arg(long, default_value = names::PACT)]
        pact: PathBuf,
        /// The member's private key.
        #[arg(long, default_value = names::KEY)]
        key: PathBuf,
    },
    /// Write the next version of a pact, signed by you; a threshold of the members must sign it too.
    Propose(Propose),
    /// Show a pact, who signed it, and whether it could be in force.
    Show {
        /// The pact.
        #[arg(default_value = names::PACT)]
        pact: PathBuf,
    },
    /// Say in words what changes from one pact to another.
    Diff {
        /// The one in force.
        old: PathBuf,
        /// The one proposed.
        new: PathBuf,
        /// Language: es or en.
        #[arg(long, default_value = "en")]
        lang: crate::cli::Language,
    },
    /// Check that a proposed pact may follow the one in force (exit code 1 if not).
    Check {
        /// The one in force; leave it out for a founding pact.
        #[arg(long)]
        after: Option<PathBuf>,
        /// The pact to check.
        #[arg(default_value = names::PACT)]
        pact: PathBuf,
    },
}

/// A founding.
#[derive(Debug, Args)]
pub struct Found {
    /// Name of the network, as people say it.
    #[arg(long)]
    network: String,
    /// How many members must sign a change: more than half.
    #[arg(long)]
    threshold: usize,
    /// Milliseconds a member has to answer.
    #[arg(long)]
    deadline_ms: Option<u64>,
    /// Cedar policies; the usual ones without.
    #[arg(long)]
    policies: Option<PathBuf>,
    /// The members' entries, as `tejido init` wrote them.
    #[arg(required = true)]
    members: Vec<PathBuf>,
    /// Where the pact goes.
    #[arg(long, default_value = names::PACT)]
    out: PathBuf,
    /// Where the network's secret goes; give it to every member by a safe way, never with the pact.
    #[arg(long, default_value = names::NETWORK_SECRET)]
    secret: PathBuf,
}

/// A proposal.
#[derive(Debug, Args)]
pub struct Propose {
    /// The pact in force.
    #[arg(long, default_value = names::PACT)]
    from: PathBuf,
    /// A member that joins, or whose entry changes: its member.toml.
    #[arg(long)]
    add: Vec<PathBuf>,
    /// A member that leaves, by its short name.
    #[arg(long)]
    remove: Vec<String>,
    /// Another threshold.
    #[arg(long)]
    threshold: Option<usize>,
    /// Another deadline.
    #[arg(long)]
    deadline_ms: Option<u64>,
    /// Other policies.
    #[arg(long)]
    policies: Option<PathBuf>,
    /// Your private key.
    #[arg(long, default_value = names::KEY)]
    key: PathBuf,
    /// Where the proposal goes.
    #[arg(long)]
    out: PathBuf,
}

/// A first version with the usual numbers and policies.
pub fn founding(network: &str, threshold: usize, members: Vec<Member>) -> Pact {
    Pact {
        network: network.to_owned(),
        version: 1,
        previous: String::new(),
        threshold,
        deadline_ms: 3_000,
        check_in_minutes: 12 * 60,
        appointment_minutes: 4 * 60,
        code_minutes: 10,
        members,
        policies: trust::policy::DEFAULT.to_owned(),
    }
}

/// A pact signed by all these keys.
///
/// # Errors
/// When the pact breaks its bounds, or there is no key.
pub fn signed(pact: &Pact, keys: &[ledger::SigningKey]) -> Result<String, Error> {
    let (first, others) = keys
        .split_first()
        .ok_or_else(|| Error::say("a pact needs a signature"))?;
    let text = trust::pact::sign(pact, first)?;
    let add = |text: String, key| Ok(trust::pact::add_signature(&text, key)?);
    others.iter().try_fold(text, add)
}

/// Does one of the commands.
///
/// # Errors
/// As the command's own work has them.
pub fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Found(how) => found(how),
        Command::Sign { pact, key } => sign(&pact, &key),
        Command::Propose(how) => propose(how),
        Command::Show { pact } => show(&pact),
        Command::Diff { old, new, lang } => {
            let ((old, _), (new, _)) = (open(&old)?, open(&new)?);
            for change in trust::pact::diff(&old, &new) {
                out::line(change.sentence(lang.into()));
            }
            Ok(())
        }
        Command::Check { after, pact } => check(after.as_deref(), &pact),
    }
}

fn found(how: Found) -> Result<(), Error> {
    let members = how
        .members
        .iter()
        .map(|path| member(path))
        .collect::<Result<_, _>>()?;
    let mut pact = founding(&how.network, how.threshold, members);
    change(&mut pact, None, how.deadline_ms, how.policies.as_deref())?;
    // An unsigned text first: whoever founds a network need not be a member.
    valid(&pact)?;
    files::write_private(
        &how.secret,
        format!("{}\n", keys::hex(&keys::random()?)).as_bytes(),
    )?;
    files::write_public(&how.out, pact.text().as_bytes())?;
    out::line(format!(
        "{} holds version 1, not signed by anyone yet.",
        how.out.display()
    ));
    out::line("Each member reads it and signs: tejido pact sign --pact PACT --key node.key");
    out::line(format!(
        "{} is secret: hand it to every member in person or encrypted, not with the pact.",
        how.secret.display()
    ));
    Ok(())
}

fn propose(how: Propose) -> Result<(), Error> {
    let (old, _) = open(&how.from)?;
    let mut next = Pact {
        version: old.version + 1,
        previous: old.hash(),
        ..old.clone()
    };
    for id in &how.remove {
        let before = next.members.len();
        next.members.retain(|member| member.id.0 != *id);
        if next.members.len() == before {
            return Err(Error::say(format!("no member is called \"{id}\"")));
        }
    }
    for path in &how.add {
        let new = member(path)?;
        match next.members.iter_mut().find(|member| member.id == new.id) {
            Some(there) => *there = new,
            None => next.members.push(new),
        }
    }
    change(
        &mut next,
        how.threshold,
        how.deadline_ms,
        how.policies.as_deref(),
    )?;
    let (key, _) = keys::read(&how.key)?;
    files::write_public(&how.out, trust::pact::sign(&next, &key)?.as_bytes())?;
    for change in trust::pact::diff(&old, &next) {
        out::line(change.sentence(Lang::En));
    }
    out::line(format!(
        "{} is version {}; {} of the {} members of version {} must sign it, and whoever joins.",
        how.out.display(),
        next.version,
        old.threshold,
        old.members.len(),
        old.version
    ));
    Ok(())
}

fn change(
    pact: &mut Pact,
    threshold: Option<usize>,
    deadline_ms: Option<u64>,
    policies: Option<&Path>,
) -> Result<(), Error> {
    if let Some(threshold) = threshold {
        pact.threshold = threshold;
    }
    if let Some(deadline_ms) = deadline_ms {
        pact.deadline_ms = deadline_ms;
    }
    if let Some(path) = policies {
        pact.policies = files::read_text(path)?;
    }
    Ok(())
}

/// A pact's bounds, asked with a key that is thrown away.
fn valid(pact: &Pact) -> Result<(), Error> {
    let key = ledger::SigningKey::from_seed("nobody", [1; 32])?;
    trust::pact::sign(pact, &key)?;
    Ok(())
}

fn sign(path: &Path, key: &Path) -> Result<(), Error> {
    let (key, _) = keys::read(key)?;
    let text = files::read_text(path)?;
    let signed = match toml::from_str::<Pact>(&text) {
        Ok(pact) if pact.text() == text => trust::pact::sign(&pact, &key)?,
        _ => trust::pact::add_signature(&text, &key)?,
    };
    let (pact, signers) = Pact::open(&signed)?;
    let own = key.verifier().to_string();
    if !pact.members.iter().any(|member| member.key == own) {
        // Who leaves, or changes its key, signs with the key of the version before.
        out::remark(
            "Note: no member of this version has this key; the signature counts only if you are one of the version before.",
        );
    }
    replace(path, &signed)?;
    let ids: Vec<&str> = signers.iter().map(|id| id.0.as_str()).collect();
    out::line(format!(
        "{} is signed by: {}",
        path.display(),
        ids.join(", ")
    ));
    Ok(())
}

/// Beside first, then in its place: a pact is never half a file.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).map_err(|e| Error::io(&beside, e))?;
    std::fs::rename(&beside, path).map_err(|e| Error::io(path, e))
}

fn show(path: &Path) -> Result<(), Error> {
    let (pact, signers) = open(path)?;
    out::line(format!("{}, version {}", pact.network, pact.version));
    out::line(format!("hash {}", pact.hash()));
    out::line(format!(
        "a change needs {} of {} members",
        pact.threshold,
        pact.members.len()
    ));
    out::line(format!("a member has {} ms to answer", pact.deadline_ms));
    for member in &pact.members {
        let mark = if signers.contains(&member.id) {
            "signed"
        } else {
            "not signed"
        };
        out::line(format!(
            "  {:<12} {:<10} {}  {}  {}",
            member.id.0, mark, member.name, member.address, member.public
        ));
    }
    Ok(())
}

fn check(after: Option<&Path>, path: &Path) -> Result<(), Error> {
    let text = files::read_text(path)?;
    let pact = match after {
        None => Pact::founding(&text)?,
        Some(old) => open(old)?.0.accept(&text)?,
    };
    out::line(format!(
        "{} may be in force: {}, version {}",
        path.display(),
        pact.network,
        pact.version
    ));
    Ok(())
}

/// Reads a pact, signed or not yet.
fn open(path: &Path) -> Result<(Pact, Vec<trust::MemberId>), Error> {
    let text = files::read_text(path)?;
    match toml::from_str::<Pact>(&text) {
        Ok(pact) if pact.text() == text => {
            valid(&pact)?;
            Ok((pact, Vec::new()))
        }
        _ => Ok(Pact::open(&text)?),
    }
}

fn member(path: &Path) -> Result<Member, Error> {
    let wrong = |error: toml::de::Error| {
        Error::say(format!(
            "{}: {}; it must be a member.toml that `tejido init` made",
            path.display(),
            error.to_string().trim_end()
        ))
    };
    toml::from_str(&files::read_text(path)?).map_err(wrong)
}
