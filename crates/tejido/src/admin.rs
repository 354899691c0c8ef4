//! The operator's own door into a running node: a socket in the archive's folder, which only the node's user can open.
//!
//! A running node has its archive locked, so `tejido account` and `tejido token` ask it here. One JSON line in, one out,
//! one connection each.

use crate::Error;
use crate::backup::Copied;
use exchange::{Compared, Network};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use trust::{
    Delegation, Gate, Licence, LicenceState, LicenceTurn, MemberId, NewAccount, NewLicence, Role,
};

/// Longest line taken.
const MAX_LINE: u64 = 1 << 20;

/// What is asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// An account.
    Account(Account),
    /// A licence's state to be changed.
    Licence {
        /// Whose.
        login: String,
        /// What it is now.
        state: LicenceState,
        /// Who answers for a pasante.
        supervisor: Option<String>,
        /// Why.
        reason: String,
    },
    /// What a licence was and is.
    Licences {
        /// Whose.
        login: String,
    },
    /// In whose name somebody works, and who works in hers.
    Delegations {
        /// Whose.
        login: String,
    },
    /// A delegation to be ended.
    EndDelegation {
        /// Who named her.
        delegator: String,
        /// Who works in that name.
        delegate: String,
        /// Why.
        reason: String,
    },
    /// A second factor to be taken away.
    ForgetFactor {
        /// Whose.
        login: String,
    },
    /// A token for a program.
    Token {
        /// Whose.
        login: String,
        /// How long.
        hours: u32,
    },
    /// A person to be erased.
    Erase {
        /// Her CURP, or
        curp: Option<String>,
        /// the id of her Patient.
        patient: Option<String>,
        /// Why.
        reason: String,
    },
    /// How far the index is with search parameters that were loaded.
    Indexing,
    /// A search parameter into use or out of it.
    Activate {
        /// Id of its SearchParameter.
        id: String,
        /// Into use.
        active: bool,
    },
    /// An act explained, and its decision made again.
    Explain {
        /// Its name.
        act: String,
        /// In Spanish, otherwise in English.
        spanish: bool,
    },
    /// The decisions of the newest acts made again under another pact.
    Simulate {
        /// Its text.
        pact: String,
        /// How many acts.
        last: u64,
        /// How many to name of each change.
        examples: usize,
    },
    /// A backup into a folder.
    Backup {
        /// Where, as the node sees it.
        to: PathBuf,
    },
    /// The register of people to be compared with another member's.
    Linkage {
        /// Which member.
        with: MemberId,
    },
}

/// An account as it is asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) login: String,
    pub(crate) secret: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) licence: Option<Licence>,
    pub(crate) curp: Option<String>,
    #[serde(default)]
    pub(crate) unit: Option<String>,
}

/// What is answered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// The account is there.
    Made,
    /// What a licence was and is, oldest first.
    Licences(Vec<LicenceTurn>),
    /// In whose name somebody works, and who works in hers, and whether each counts now.
    Delegations(Vec<(Delegation, bool)>),
    /// The token, and until when.
    Token(String, Timestamp),
    /// What went.
    Erased(trust::Erasure),
    /// How far the index is.
    Indexing(Vec<store::Indexing>),
    /// An explanation.
    Explained {
        /// In sentences.
        lines: Vec<String>,
        /// Whether the decision came out again as it was.
        holds: Option<bool>,
        /// As data.
        data: serde_json::Value,
    },
    /// What another pact would change.
    Simulated(trust::Simulated),
    /// What the backup holds.
    BackedUp(Copied),
    /// What came of comparing registers.
    Compared(Compared),
    /// Why not.
    No(String),
}

/// Does what is asked, on an open gate.
pub(crate) fn answer(gate: &Gate, ask: Ask, now: Timestamp) -> Answer {
    let done = match ask {
        Ask::Account(account) => {
            let new = NewAccount {
                login: account.login,
                secret: account.secret,
                name: account.name,
                role: account.role,
                licence: account.licence,
                curp: account.curp,
                unit: account.unit,
            };
            gate.account(new, now).map(|()| Answer::Made)
        }
        Ask::Licence {
            login,
            state,
            supervisor,
            reason,
        } => {
            let change = NewLicence {
                login,
                state,
                supervisor,
                reason,
            };
            gate.set_licence(change, now).map(|()| Answer::Made)
        }
        Ask::Licences { login } => gate.licence_turns(&login).map(Answer::Licences),
        Ask::Delegations { login } => gate.delegators_of(&login, now).and_then(|mut all| {
            all.extend(gate.delegates_of(&login, now)?);
            Ok(Answer::Delegations(all))
        }),
        Ask::EndDelegation {
            delegator,
            delegate,
            reason,
        } => gate
            .end_delegation(&delegator, &delegate, &reason, now)
            .map(|()| Answer::Made),
        Ask::ForgetFactor { login } => gate.forget_factor(&login, now).map(|()| Answer::Made),
        Ask::Token { login, hours } => gate
            .token(&login, hours, now)
            .map(|signed_in| Answer::Token(signed_in.token, signed_in.until)),
        Ask::Erase {
            curp,
            patient,
            reason,
        } => return crate::upkeep::erased(gate, (curp, patient), &reason, now),
        Ask::Indexing => return crate::parameter::indexing(gate),
        Ask::Activate { id, active } => return crate::parameter::activate(gate, id, active, now),
        Ask::Explain { act, spanish } => {
            return crate::replay::explained(gate, &act, spanish, now);
        }
        Ask::Simulate {
            pact,
            last,
            examples,
        } => return crate::replay::simulated(gate, &pact, (last, examples), now),
        Ask::Backup { to } => {
            return match gate.store().backup(&to) {
                Ok(backup) => Answer::BackedUp(backup.into()),
                Err(refused) => Answer::No(refused.to_string()),
            };
        }
        // It goes over the network, which only a running node has.
        Ask::Linkage { .. } => return Answer::No("start the node first".to_owned()),
    };
    done.unwrap_or_else(|refusal| Answer::No(refusal.en))
}

/// Where the socket is.
pub(crate) fn socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Serves the socket until the node stops. A node that cannot have one runs without.
#[cfg(unix)]
pub(crate) async fn serve(
    gate: Gate,
    network: Network,
    path: PathBuf,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    // The archive's lock is ours, so what lies here is left over from a crash.
    let _ = std::fs::remove_file(&path);
    let mut stop = std::pin::pin!(stop);
    let listener = match tokio::net::UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "no socket for the operator: accounts can be made only while the node is stopped");
            stop.await;
            return Ok(());
        }
    };
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, private).map_err(|e| Error::io(&path, e).to_string())?;
    // What goes over the network may take hours: others are answered meanwhile, and it ends when the node stops.
    let (serving, stopped) = tokio::sync::watch::channel(());
    let mut open = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        while open.try_join_next().is_some() {}
        if let Ok((stream, _)) = accepted {
            open.spawn(converse(
                stream,
                gate.clone(),
                network.clone(),
                stopped.clone(),
            ));
        }
    }
    drop(serving);
    while open.join_next().await.is_some() {}
    let _ = std::fs::remove_file(&path);
    Ok(())
}

#[cfg(unix)]
async fn converse(
    stream: tokio::net::UnixStream,
    gate: Gate,
    network: Network,
    mut stopped: tokio::sync::watch::Receiver<()>,
) {
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    let mut from = BufReader::new(from.take(MAX_LINE));
    let read = tokio::time::timeout(std::time::Duration::from_secs(5), from.read_line(&mut line));
    if !matches!(read.await, Ok(Ok(_))) {
        return;
    }
    let answered = match serde_json::from_str(&line) {
        Ok(Ask::Linkage { with }) => tokio::select! {
            compared = network.compare_registers(&with) => Ok(match compared {
                Ok(compared) => Answer::Compared(compared),
                Err(refusal) => Answer::No(refusal.en),
            }),
            _ = stopped.changed() => Ok(Answer::No("the node stopped meanwhile".to_owned())),
        },
        Ok(ask) => tokio::task::spawn_blocking(move || answer(&gate, ask, Timestamp::now())).await,
        Err(error) => Ok(Answer::No(format!("this is no question: {error}"))),
    };
    let Ok(answer) = answered else { return };
    if let Ok(mut bytes) = serde_json::to_vec(&answer) {
        bytes.push(b'\n');
        let _ = to.write_all(&bytes).await;
    }
}

/// Asks the node that runs over this archive; `None` when none does.
#[cfg(unix)]
pub(crate) fn ask(data: &Path, ask: &Ask) -> Result<Option<Answer>, Error> {
    use std::io::{BufRead, BufReader, Write};
    let path = socket(data);
    let Ok(mut stream) = std::os::unix::net::UnixStream::connect(&path) else {
        return Ok(None);
    };
    let mut line = serde_json::to_vec(ask).map_err(|e| Error::say(e.to_string()))?;
    line.push(b'\n');
    let mut answer = String::new();
    stream
        .write_all(&line)
        .and_then(|()| BufReader::new(stream).read_line(&mut answer))
        .map_err(|e| Error::io(&path, e))?;
    let answer = serde_json::from_str(&answer)
        .map_err(|_| Error::say("the running node gave no answer; look at its log"))?;
    Ok(Some(answer))
}

/// Without such sockets, accounts are made while the node is stopped.
#[cfg(not(unix))]
pub(crate) fn ask(_data: &Path, _ask: &Ask) -> Result<Option<Answer>, Error> {
    Ok(None)
}
