//! What can be typed.

use crate::init::{self, NewNode};
use crate::{Error, account, files, load, migrate, out, pact, parameter, serve, upkeep, verify};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use trust::{Lang, MemberId, MemberKind};

/// A node of a health network whose members share nothing but a signed pact.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a node's folder: configuration, keys, certificate, and its entry for the pact.
    Init(Init),
    /// Found, sign, propose and look at pacts.
    #[command(subcommand)]
    Pact(Box<pact::Command>),
    /// Run a node.
    Serve(serve::Serve),
    /// Make accounts.
    #[command(subcommand)]
    Account(account::Command),
    /// Make a token for a program. It is printed once.
    Token(account::Token),
    /// Load FHIR files into a node. Exit code 3: something was refused, the rest is in.
    Import(load::Import),
    /// Copy a node's archive while it serves; again into the same folder copies only what is new.
    Backup(crate::backup::Backup),
    /// Make an archive of a backup, as it was at any moment, or check a backup.
    Restore(crate::backup::Restore),
    /// Look through a stopped node's whole archive. Exit code 1: something is wrong; 3: it was, and is repaired.
    Fsck(upkeep::Fsck),
    /// Erase a person from this node, for good.
    Erase(upkeep::Erase),
    /// Change the archive's keys.
    #[command(subcommand)]
    Key(upkeep::Key),
    /// Search parameters beyond those of R4: which are in use, and how far the index is with them.
    #[command(subcommand)]
    Parameter(parameter::Command),
    /// Compare a running node's register of people with another member's, by tokens that name nobody, as the pact allows.
    Linkage(crate::linkage::Linkage),
    /// Make up people and their lives as FHIR files.
    Synth(load::Synth),
    /// Explain an act and make its decision again. Exit code 1: it comes out otherwise; 3: it cannot be made again.
    Explain(crate::replay::Explain),
    /// Move a stopped node's archive to PostgreSQL, or back into a folder.
    MigrateStore(migrate::MigrateStore),
    /// Check a receipt offline. Exit code 1: it does not hold.
    Verify(Verify),
    /// First figures on this machine: load, decisions, reads, searches, the summary over five nodes.
    Bench(crate::bench::Bench),
    /// Five institutions on this machine, synthetic people, and the pages to look at it all.
    Demo(crate::demo::Demo),
    /// Write small Bundles for ever and say which are stored: for tests that kill it.
    #[command(hide = true)]
    WriteLoad(load::WriteLoad),
}

#[derive(Debug, clap::Args)]
struct Init {
    /// The folder.
    dir: PathBuf,
    /// Short name: small letters, digits, hyphens.
    #[arg(long)]
    member: String,
    /// Name as people say it.
    #[arg(long)]
    name: String,
    /// What the member is.
    #[arg(long, value_parser = kind)]
    kind: MemberKind,
    /// Where other nodes find this one: host:port.
    #[arg(long)]
    address: String,
    /// Where people find this one: https://host:port.
    #[arg(long)]
    public: String,
    /// Certificate chain of the public door (PEM); a self-signed one is made without.
    #[arg(long, requires = "certificate_key")]
    certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, requires = "certificate")]
    certificate_key: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The receipt.
    receipt: PathBuf,
    /// A key to trust, as in a member's entry; may be given several times.
    #[arg(long, required_unless_present = "pact")]
    key: Vec<String>,
    /// A signed pact whose members are trusted.
    #[arg(long)]
    pact: Option<PathBuf>,
    /// Language: es or en.
    #[arg(long, default_value = "es")]
    lang: Language,
}

/// Language of an answer.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Language {
    /// Spanish.
    Es,
    /// English.
    En,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Lang {
        match language {
            Language::Es => Lang::Es,
            Language::En => Lang::En,
        }
    }
}

fn kind(text: &str) -> Result<MemberKind, String> {
    serde_json::from_value(text.into()).map_err(|_| {
        "one of public-institution, private-hospital, clinic, pharmacy, laboratory, insurer, university, witness, authority".to_owned()
    })
}

/// Does what was typed.
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            out::remark(format!("tejido: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Init(args) => init(args),
        Command::Pact(command) => pact::run(*command).map(|()| ExitCode::SUCCESS),
        Command::Serve(args) => serve::run(&args),
        Command::Account(command) => account::run(command).map(|()| ExitCode::SUCCESS),
        Command::Token(args) => account::token(&args).map(|()| ExitCode::SUCCESS),
        Command::WriteLoad(args) => load::write(&args),
        Command::Import(args) => load::run(args),
        Command::Backup(args) => crate::backup::backup(&args).map(|()| ExitCode::SUCCESS),
        Command::Restore(args) => crate::backup::restore(&args).map(|()| ExitCode::SUCCESS),
        Command::Fsck(args) => upkeep::fsck(&args),
        Command::Erase(args) => upkeep::erase(args),
        Command::Key(command) => upkeep::key(command),
        Command::Parameter(command) => parameter::run(command).map(|()| ExitCode::SUCCESS),
        Command::Linkage(args) => crate::linkage::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Synth(args) => load::synth(args),
        Command::MigrateStore(args) => migrate::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify(&args),
        Command::Explain(args) => crate::replay::explain(args),
        Command::Bench(args) => crate::bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => crate::demo::run(&args).map(|()| ExitCode::SUCCESS),
    }
}

fn init(args: Init) -> Result<ExitCode, Error> {
    let node = NewNode {
        member: MemberId(args.member),
        name: args.name,
        kind: args.kind,
        address: args.address,
        public: args.public,
        certificate: args.certificate.zip(args.certificate_key),
    };
    let member = init::create(&args.dir, &node)?;
    let dir = args.dir.display();
    out::line(format!(
        "# {dir}/member.toml: this member's entry for the pact. Nothing in it is secret."
    ));
    out::line(init::entry(&member)?.trim_end());
    out::line(format!(
        "# {dir}/node.key and {dir}/master.key are secret: whoever has the one is this node, who has the other opens its archive. Keep copies in a safe place."
    ));
    if node.certificate.is_none() {
        out::line(
            "# The certificate of the public door is self-signed: browsers will warn. Put a real one into node.toml.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(args: &Verify) -> Result<ExitCode, Error> {
    let mut known = verify::keys(&args.key)?;
    if let Some(pact) = &args.pact {
        known.extend(verify::pact_keys(pact)?);
    }
    let text = files::read_text(&args.receipt)?;
    let (good, said) = verify::judge(&text, &known, args.lang.into());
    for line in said {
        out::line(line);
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
