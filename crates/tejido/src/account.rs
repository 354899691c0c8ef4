//! Accounts and tokens: `tejido account`, `tejido token`. With a node running they go through its own socket.

use crate::admin::{self, Account, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, house, keys, out};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use std::io::Read;
use std::path::PathBuf;
use trust::{Licence, LicenceState, Role, Supervisor};

/// Longest secret read.
const MAX_SECRET: u64 = 4_096;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make or replace an account. Its secret is made up and printed once, unless --secret-stdin gives one.
    Add(Add),
    /// Say what a professional's licence is now: what the register said when you looked, or that somebody answers for a
    /// pasante. Counts at her next request, is an act, and stays in the history.
    Licence(SetLicence),
    /// What a professional's licence was and is.
    History(Whose),
    /// In whose name somebody works, and who works in hers, and until when.
    Delegates(Whose),
    /// End a delegation. Counts at the next request, and is an act.
    EndDelegate(EndDelegate),
    /// Take the second factor of an account away, for somebody who lost her telephone: she sets up a new one.
    ForgetFactor(Whose),
}

/// A change of a licence.
#[derive(Debug, Args)]
pub struct SetLicence {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// An account's login.
    #[arg(long)]
    login: String,
    /// active, suspended, expired, unverified or pasante.
    #[arg(long, value_parser = word::<LicenceState>)]
    state: LicenceState,
    /// For a pasante: the login of who answers for her.
    #[arg(long)]
    supervisor: Option<String>,
    /// Why, in your words: what the register said, the number of a resolution.
    #[arg(long)]
    reason: String,
}

/// A delegation to be ended.
#[derive(Debug, Args)]
pub struct EndDelegate {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// The login of whoever named her.
    #[arg(long)]
    login: String,
    /// The login of whoever works in that name.
    #[arg(long)]
    delegate: String,
    /// Why, in your words.
    #[arg(long)]
    reason: String,
}

/// Whose account.
#[derive(Debug, Args)]
pub struct Whose {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// An account's login.
    #[arg(long)]
    login: String,
}

/// An account.
#[derive(Debug, Args)]
pub struct Add {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Letters, digits and . _ - @ +
    #[arg(long)]
    login: String,
    /// physician, nurse, pharmacist, clerk, patient, system, operator or privacy-officer.
    #[arg(long, value_parser = word::<Role>)]
    role: Role,
    /// Name as people say it.
    #[arg(long)]
    name: String,
    /// Cédula profesional.
    #[arg(long)]
    cedula: Option<String>,
    /// Specialty as printed on it.
    #[arg(long, default_value = "Medicina general", requires = "cedula")]
    specialty: String,
    /// State of the licence as you have just checked it: active, suspended, expired, unverified or pasante.
    #[arg(long, value_parser = word::<LicenceState>, default_value = "unverified", requires = "cedula")]
    licence: LicenceState,
    /// For a pasante: the login of who answers for her. --cedula is then the number of her letter.
    #[arg(long, requires = "cedula")]
    supervisor: Option<String>,
    /// For a patient: her CURP.
    #[arg(long)]
    curp: Option<String>,
    /// Her unit, as in "urgencias": an emergency is reviewed by somebody of another unit.
    #[arg(long)]
    unit: Option<String>,
    /// Read the secret from standard input.
    #[arg(long)]
    secret_stdin: bool,
}

/// A token.
#[derive(Debug, Args)]
pub struct Token {
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// An account's login.
    #[arg(long)]
    login: String,
    /// How long it is good for.
    #[arg(long, default_value_t = 24)]
    hours: u32,
}

/// A word of one of the fixed lists.
pub(crate) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// Does one of the commands.
///
/// # Errors
/// What the gate refuses, and what keeps the archive from being opened.
pub fn run(command: Command) -> Result<(), Error> {
    let add = match command {
        Command::Add(add) => add,
        Command::Licence(change) => return set_licence(change),
        Command::History(one) => return history(&one),
        Command::Delegates(one) => return delegates(&one),
        Command::EndDelegate(one) => return end_delegate(one),
        Command::ForgetFactor(one) => return forget_factor(&one),
    };
    let config = Config::read(&add.config)?;
    let (secret, made_up) = match add.secret_stdin {
        true => (typed()?, false),
        false => (readable(&keys::random()?), true),
    };
    let checked = Timestamp::now();
    let licence = add.cedula.map(|cedula| Licence {
        cedula,
        specialty: add.specialty,
        state: add.licence,
        checked,
        supervisor: add.supervisor.map(|login| Supervisor {
            login,
            name: String::new(),
            cedula: String::new(),
        }),
    });
    let account = Account {
        login: add.login.clone(),
        secret: secret.clone(),
        name: add.name,
        role: add.role,
        licence,
        curp: add.curp,
        unit: add.unit,
    };
    match ask(&config, Ask::Account(account))? {
        Answer::No(why) => Err(Error::say(why)),
        _ if made_up => {
            out::remark(format!(
                "Account {} is made. Its secret, shown only now:",
                add.login
            ));
            out::line(secret);
            Ok(())
        }
        _ => {
            out::remark(format!("Account {} is made.", add.login));
            Ok(())
        }
    }
}

fn set_licence(change: SetLicence) -> Result<(), Error> {
    let config = Config::read(&change.config)?;
    let said = format!(
        "The licence of {} is {} now.",
        change.login,
        change.state.code()
    );
    let asked = Ask::Licence {
        login: change.login,
        state: change.state,
        supervisor: change.supervisor,
        reason: change.reason,
    };
    match ask(&config, asked)? {
        Answer::No(why) => Err(Error::say(why)),
        _ => {
            out::remark(said);
            Ok(())
        }
    }
}

fn history(one: &Whose) -> Result<(), Error> {
    let login = one.login.clone();
    let turns = match ask(&Config::read(&one.config)?, Ask::Licences { login })? {
        Answer::Licences(turns) => turns,
        Answer::No(why) => return Err(Error::say(why)),
        _ => return Err(Error::say("the running node answered something else")),
    };
    if turns.is_empty() {
        out::remark(format!("{} has no licence.", one.login));
    }
    for turn in turns {
        let under = turn.supervisor.map_or_else(String::new, |one| {
            format!(", under {} ({})", one.name, one.login)
        });
        let why = match turn.reason.is_empty() {
            true => String::new(),
            false => format!(": {}", turn.reason),
        };
        out::line(format!("{}  {}{under}{why}", turn.from, turn.state.code()));
    }
    Ok(())
}

fn delegates(one: &Whose) -> Result<(), Error> {
    let login = one.login.clone();
    let found = match ask(&Config::read(&one.config)?, Ask::Delegations { login })? {
        Answer::Delegations(found) => found,
        Answer::No(why) => return Err(Error::say(why)),
        _ => return Err(Error::say("the running node answered something else")),
    };
    if found.is_empty() {
        out::remark(format!(
            "{} names nobody and works in nobody's name.",
            one.login
        ));
    }
    let now = Timestamp::now();
    for (delegation, stands) in found {
        let (who, by) = (&delegation.delegate.login, &delegation.delegator.login);
        let tasks: Vec<&str> = delegation.tasks.iter().map(|task| task.code()).collect();
        let state = match delegation.over(now) {
            Some(over) => format!("over since {over}"),
            None if stands => "counts".to_owned(),
            None => "does not count now".to_owned(),
        };
        let (from, until) = (delegation.from, delegation.until);
        let tasks = tasks.join(", ");
        out::line(format!(
            "{who} in the name of {by}: {tasks}; {from} to {until}; {state}"
        ));
    }
    Ok(())
}

fn end_delegate(one: EndDelegate) -> Result<(), Error> {
    let config = Config::read(&one.config)?;
    let said = format!(
        "{} no longer works in the name of {}.",
        one.delegate, one.login
    );
    let asked = Ask::EndDelegation {
        delegator: one.login,
        delegate: one.delegate,
        reason: one.reason,
    };
    match ask(&config, asked)? {
        Answer::No(why) => Err(Error::say(why)),
        _ => {
            out::remark(said);
            Ok(())
        }
    }
}

fn forget_factor(one: &Whose) -> Result<(), Error> {
    let login = one.login.clone();
    match ask(&Config::read(&one.config)?, Ask::ForgetFactor { login })? {
        Answer::No(why) => Err(Error::say(why)),
        _ => {
            out::remark(format!("{} has no second factor now.", one.login));
            Ok(())
        }
    }
}

/// Makes a token and prints it.
///
/// # Errors
/// As [`run`].
pub fn token(args: &Token) -> Result<(), Error> {
    let config = Config::read(&args.config)?;
    let asked = Ask::Token {
        login: args.login.clone(),
        hours: args.hours,
    };
    match ask(&config, asked)? {
        Answer::Token(token, until) => {
            out::remark(format!(
                "Good until {until}. Send it as: Authorization: Bearer TOKEN"
            ));
            out::line(token);
            Ok(())
        }
        Answer::No(why) => Err(Error::say(why)),
        _ => Err(Error::say("the running node answered something else")),
    }
}

/// Asks the running node, or opens the archive.
fn ask(config: &Config, ask: Ask) -> Result<Answer, Error> {
    match admin::ask(&config.data, &ask)? {
        Some(answer) => Ok(answer),
        None => Ok(admin::answer(
            &house::open(config)?.gate,
            ask,
            Timestamp::now(),
        )),
    }
}

fn typed() -> Result<String, Error> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_SECRET)
        .read_to_string(&mut text);
    read.map_err(|e| Error::say(format!("no secret on standard input: {e}")))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// 100 random bits in letters that are not mistaken for one another: `abcde-fghjk-mnpqr-stuvw`.
fn readable(bytes: &[u8]) -> String {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p', 'q', 'r', 's', 't', 'u',
        'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7', '8', '9', '-',
    ];
    let mut text = String::new();
    for (at, byte) in bytes.iter().take(20).enumerate() {
        if at > 0 && at % 5 == 0 {
            text.push(' ');
        }
        text.push(LETTERS.get(usize::from(byte % 31)).copied().unwrap_or('a'));
    }
    text.replace(' ', "-")
}
