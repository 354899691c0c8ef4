//! One connection and the statements prepared on it.
//!
//! Every statement names one partition, so that a server that is sharded by it sends each to one shard.

use super::{
    settings::Address,
    socket::{Late, Socket, Stream, Waiter, together},
    tls::{Tls, Wrapped},
    words,
};
use crate::{Error, Result};
use std::{
    future::Future,
    net::{TcpStream, ToSocketAddrs},
    os::unix::net::UnixStream,
    pin::Pin,
    task::Poll,
    time::Duration,
};
use tokio_postgres::{Client, Connection, Statement, config::Host, types::Type};

/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(10);
/// How much longer than the server's own limit an answer is waited for: then the way to it is broken.
const GRACE: Duration = Duration::from_secs(10);

/// What the library answers.
pub(super) type Answer<T> = std::result::Result<T, tokio_postgres::Error>;

/// Statements on one table.
pub(super) struct Statements {
    pub(super) get: Statement,
    pub(super) get_many: Statement,
    pub(super) up: Statement,
    pub(super) down: Statement,
    pub(super) put: Statement,
    pub(super) delete: Statement,
}

impl Statements {
    fn of(prepared: &mut impl Iterator<Item = Statement>) -> Option<Statements> {
        Some(Statements {
            get: prepared.next()?,
            get_many: prepared.next()?,
            up: prepared.next()?,
            down: prepared.next()?,
            put: prepared.next()?,
            delete: prepared.next()?,
        })
    }
}

/// Statements on the table of small rows and on that of bulky ones.
pub(super) struct Prepared {
    small: Statements,
    bulky: Statements,
}

impl Prepared {
    pub(super) fn on(&self, bulky: bool) -> &Statements {
        match bulky {
            true => &self.bulky,
            false => &self.small,
        }
    }
}

/// A connection that is driven by whoever asks on it.
pub(super) struct Line {
    client: Client,
    drive: Drive,
    /// `None` before the tables are there.
    prepared: Option<Prepared>,
    limit: Duration,
    name: String,
    broken: bool,
}

/// What moves the bytes.
struct Drive {
    connection: Option<Connection<Stream, Wrapped>>,
    waiter: Waiter,
}

impl Drive {
    fn wait<F: Future>(
        &mut self,
        question: F,
        limit: Duration,
    ) -> std::result::Result<F::Output, Late> {
        let connection = &mut self.connection;
        self.waiter
            .wait(question, |context| poll(connection, context), limit)
    }
    fn nudge(&mut self) {
        let connection = &mut self.connection;
        self.waiter.nudge(|context| poll(connection, context));
    }
}

/// Moves the connection as far as it goes; when it has ended it is dropped, and so are the questions on it.
fn poll(
    connection: &mut Option<Connection<Stream, Wrapped>>,
    context: &mut std::task::Context<'_>,
) {
    if let Some(open) = connection
        && Pin::new(open).poll(context).is_ready()
    {
        *connection = None;
    }
}

impl Line {
    /// Connects to the first host that answers.
    pub(super) fn connect(address: &Address) -> Result<Line> {
        let mut last = None;
        for (host, port) in &address.hosts {
            match Line::to(address, host, *port) {
                Ok(line) => return Ok(line),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(Error::Busy))
    }

    fn to(address: &Address, host: &Host, port: u16) -> Result<Line> {
        let (socket, server) = open(host, port).map_err(|error| unreachable(address, &error))?;
        let (waiter, stream) = Waiter::new(socket).map_err(|error| unreachable(address, &error))?;
        let tls = Tls {
            trust: address.trust.clone(),
            host: server,
        };
        let (client, connection) = waiter
            .wait(address.config.connect_raw(stream, tls), |_| (), CONNECTING)
            .map_err(|Late| late(&address.name))?
            .map_err(|error| words::said(&address.name, &error))?;
        Ok(Line {
            client,
            drive: Drive {
                connection: Some(connection),
                waiter,
            },
            prepared: None,
            limit: address.settings.statement_time + GRACE,
            name: address.name.clone(),
            broken: false,
        })
    }

    /// Prepares the statements; the tables must be there. One round trip.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let texts: Vec<(String, Vec<Type>)> = ["tejido_row", "tejido_bulk"]
            .iter()
            .flat_map(|table| texts(table))
            .collect();
        let prepared = self.ask(async |client: &Client| {
            let asked = texts
                .iter()
                .map(|(text, types)| client.prepare_typed(text, types));
            let prepared = together(asked.collect()).await;
            prepared.into_iter().collect::<Answer<Vec<_>>>()
        })?;
        let mut prepared = prepared.into_iter();
        let (small, bulky) = (Statements::of(&mut prepared), Statements::of(&mut prepared));
        self.prepared = small
            .zip(bulky)
            .map(|(small, bulky)| Prepared { small, bulky });
        Ok(())
    }

    /// Asks and waits. After an error the line may be closed.
    pub(super) fn ask<T>(&mut self, question: impl AsyncFnOnce(&Client) -> Answer<T>) -> Result<T> {
        match self.try_ask(async |client, _| question(client).await) {
            Ok(answer) => answer.map_err(|error| words::said(&self.name, &error)),
            Err(error) => Err(error),
        }
    }

    /// Asks with prepared statements, and gives what the library said; the outer error is a line that broke.
    pub(super) fn try_ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Client, Option<&Prepared>) -> T,
    ) -> Result<T> {
        let question = question(&self.client, self.prepared.as_ref());
        let answer = self.drive.wait(question, self.limit);
        self.broken |= answer.is_err();
        answer.map_err(|Late| late(&self.name))
    }

    /// What was said, in words.
    pub(super) fn words(&self, error: &tokio_postgres::Error) -> Error {
        words::said(&self.name, error)
    }

    /// Sends a command whose answer nobody waits for; later questions come after it.
    pub(super) fn post(&mut self, command: &str) {
        {
            let mut sent = std::pin::pin!(self.client.batch_execute(command));
            self.drive.waiter.nudge(|context| {
                if let Poll::Ready(Err(_)) = sent.as_mut().poll(context) {
                    tracing::debug!("a connection to the database has ended");
                }
            });
        }
        self.drive.nudge();
    }

    /// Whether it can be asked again.
    pub(super) fn open(&self) -> bool {
        !self.broken && self.drive.connection.is_some() && !self.client.is_closed()
    }
}

fn texts(table: &str) -> [(String, Vec<Type>); 6] {
    [
        (
            format!("select value from {table} where partition = $1 and key = $2"),
            vec![Type::INT4, Type::BYTEA],
        ),
        (
            format!("select key, value from {table} where partition = $1 and key = any($2)"),
            vec![Type::INT4, Type::BYTEA_ARRAY],
        ),
        (
            format!(
                "select key, value from {table} where partition = $1 and key >= $2 and key < $3 order by key limit $4"
            ),
            vec![Type::INT4, Type::BYTEA, Type::BYTEA, Type::INT8],
        ),
        (
            format!(
                "select key, value from {table} where partition = $1 and key >= $2 and key < $3 order by key desc limit $4"
            ),
            vec![Type::INT4, Type::BYTEA, Type::BYTEA, Type::INT8],
        ),
        (
            format!(
                "insert into {table} (partition, key, value) select $1, r.key, r.value from unnest($2, $3) as r (key, value) on conflict (partition, key) do update set value = excluded.value"
            ),
            vec![Type::INT4, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY],
        ),
        (
            format!("delete from {table} where partition = $1 and key = any($2)"),
            vec![Type::INT4, Type::BYTEA_ARRAY],
        ),
    ]
}

fn open(host: &Host, port: u16) -> std::io::Result<(Socket, String)> {
    match host {
        Host::Unix(folder) => {
            let socket = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?;
            Ok((Socket::Unix(socket), "localhost".into()))
        }
        Host::Tcp(name) => {
            let mut last = std::io::Error::other("the name is unknown");
            for address in (name.as_str(), port).to_socket_addrs()? {
                match TcpStream::connect_timeout(&address, CONNECTING) {
                    Ok(socket) => {
                        socket.set_nodelay(true)?;
                        rustix::net::sockopt::set_socket_keepalive(&socket, true)?;
                        return Ok((Socket::Tcp(socket), name.clone()));
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

fn unreachable(address: &Address, error: &std::io::Error) -> Error {
    Error::Disk(format!(
        "the database {} cannot be reached: {error}",
        address.name
    ))
}

fn late(name: &str) -> Error {
    Error::Disk(format!("the database {name} did not answer in time"))
}
