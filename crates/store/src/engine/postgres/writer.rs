//! The one writer of a database: its connection, its right to write, and what became of a commit.
//!
//! **The right to write** is a session lock on the table; a second node is refused while the first holds it. Beside it
//! stands the *mark*, a row with the epoch of the node that writes and the number of its last commit. Each commit moves
//! the mark on from the value that the writer knows, in its own transaction, and fails as a whole if it is another one:
//! so a node that was taken for dead and replaced can write nothing any more, lock or no lock.
//!
//! **A commit whose answer was lost** is decided before anything is said of it: a new connection waits for the lock,
//! which the server gives only when the old session has ended and with it the transaction; then the mark tells.

use super::{
    line::{Answer, Line, Prepared},
    rows::{self, Part, Spot},
    settings::Address,
    socket::together,
};
use crate::{Error, Result, engine::Batch};
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, Statement, error::SqlState, types::Type};

/// The engine's own row, in partition 0.
const MARK: Spot<'static> = Spot {
    bulky: false,
    partition: 0,
    key: b"\0mark",
};

/// Between two attempts to connect, or to get the lock.
const PAUSE: Duration = Duration::from_millis(100);

const SCHEMA: &str = "
begin read write;
select pg_advisory_xact_lock(7628138);
create table if not exists tejido_row (
    partition int4 not null, key bytea not null, value bytea not null, primary key (partition, key)
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
create table if not exists tejido_bulk (
    partition int4 not null, key bytea not null, value bytea not null, primary key (partition, key)
);
alter table tejido_bulk alter column value set storage external;
commit";

/// Which table the lock is on: so two archives in two schemas of a database do not meet.
const LOCK: &str =
    "select pg_try_advisory_lock((7628138::int8 << 32) | 'tejido_row'::regclass::oid::int8)";

const HOLDER: &str = "select coalesce(host(a.client_addr), 'this machine'), a.pid, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.classid = 7628138 and l.objid = 'tejido_row'::regclass::oid
      and l.database = (select oid from pg_database where datname = current_database())";

/// Moves the mark, or makes the transaction fail.
const MOVE: &str = "with moved as (
        update tejido_row set value = $1 where partition = 0 and key = $2 and value = $3 returning 1
    ) select 1 / count(*) from moved";

/// Who writes, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    epoch: u64,
    commit: u64,
}

impl Mark {
    fn bytes(self) -> Vec<u8> {
        [self.epoch.to_be_bytes(), self.commit.to_be_bytes()].concat()
    }
    fn read(row: &[u8]) -> Result<Mark> {
        let mut reader = crate::codec::Reader(row);
        Ok(Mark {
            epoch: u64::from_be_bytes(reader.array()?),
            commit: u64::from_be_bytes(reader.array()?),
        })
    }
}

pub(super) struct Writer {
    address: Arc<Address>,
    line: Option<Session>,
    mark: Mark,
    /// Whether it is not known if the commit after the mark's was made.
    doubt: bool,
}

/// A connection that holds the lock.
struct Session {
    line: Line,
    move_mark: Statement,
}

/// What the server made of a commit.
enum Sent {
    Done,
    /// Rolled back.
    Refused(Error),
    /// The mark is not as we know it; rolled back.
    Moved,
    Unknown,
}

impl Writer {
    /// Makes the tables if need be, takes the right to write and begins an epoch.
    pub(super) fn open(address: Arc<Address>) -> Result<Writer> {
        let mut line = Line::connect(&address)?;
        line.ask(async |client| {
            let here = "select to_regclass('tejido_row') is not null and to_regclass('tejido_bulk') is not null";
            match client.query_one(here, &[]).await?.try_get(0)? {
                true => Ok(()),
                false => client.batch_execute(SCHEMA).await,
            }
        })?;
        settled(&mut line, &address)?;
        let end = Instant::now() + address.settings.patience;
        lock(&mut line, &address, end)?;
        line.prepare()?;
        let mark = match read_mark(&mut line)? {
            Some(mark) => Mark {
                epoch: mark.epoch + 1,
                ..mark
            },
            None => Mark {
                epoch: 1,
                commit: 0,
            },
        };
        let row = mark.bytes();
        let part = Part {
            bulky: false,
            partition: MARK.partition,
            keys: vec![MARK.key],
            values: vec![&row],
        };
        prepared_ask(&mut line, async |client, prepared| {
            client.batch_execute("begin read write").await?;
            part.change(client, prepared).await?;
            client.batch_execute("commit").await
        })?;
        Ok(Writer {
            line: Some(Session::new(line)?),
            address,
            mark,
            doubt: false,
        })
    }

    /// The connection; made again if it was lost.
    pub(super) fn ready(&mut self) -> Result<&mut Line> {
        if self.lost() {
            self.again(Instant::now())?;
        }
        match &mut self.line {
            Some(session) => Ok(&mut session.line),
            None => Err(Error::Busy),
        }
    }

    /// Whether the connection is gone.
    pub(super) fn lost(&self) -> bool {
        !self
            .line
            .as_ref()
            .is_some_and(|session| session.line.open())
    }

    /// Makes the connection anew and reads what became of the last commit. `end`: until when to wait for the lock.
    fn again(&mut self, end: Instant) -> Result<()> {
        self.line = None;
        let mut line = Line::connect(&self.address)?;
        lock(&mut line, &self.address, end)?;
        line.prepare()?;
        let stored = read_mark(&mut line)?;
        let known = |mark: Mark| {
            mark.epoch == self.mark.epoch
                && (mark.commit == self.mark.commit
                    || self.doubt && mark.commit == self.mark.commit + 1)
        };
        match stored.filter(|mark| known(*mark)) {
            Some(mark) => {
                self.mark = mark;
                self.doubt = false;
                self.line = Some(Session::new(line)?);
                Ok(())
            }
            None => Err(self.replaced()),
        }
    }

    fn replaced(&self) -> Error {
        Error::Disk(format!(
            "the database {} was written to or restored behind this node's back; another node may have taken over: stop this one, and start it again only if it is the right one",
            self.address.name
        ))
    }

    pub(super) fn commit(&mut self, batch: &Batch) -> Result<()> {
        self.ready()?;
        if batch.is_empty() {
            return Ok(());
        }
        let parts = rows::parts(batch)?;
        match self.send(&parts)? {
            Sent::Done => {
                self.mark.commit += 1;
                Ok(())
            }
            Sent::Refused(error) => Err(error),
            Sent::Moved => {
                self.line = None;
                Err(self.replaced())
            }
            Sent::Unknown => self.decide(),
        }
    }

    /// One round trip: everything is sent before the first answer is read.
    fn send(&mut self, parts: &[Part<'_>]) -> Result<Sent> {
        let (old, new) = (
            self.mark.bytes(),
            Mark {
                commit: self.mark.commit + 1,
                ..self.mark
            }
            .bytes(),
        );
        let Some(Session { line, move_mark }) = &mut self.line else {
            return Err(Error::Busy);
        };
        let answers = line.try_ask(async |client, prepared| {
            let prepared = prepared?;
            let mut all: Vec<Pin<Box<dyn Future<Output = Answer<()>> + '_>>> =
                Vec::with_capacity(parts.len() + 3);
            all.push(Box::pin(client.batch_execute("begin read write")));
            all.push(Box::pin(async {
                let moved = client.query(&*move_mark, &[&new, &MARK.key, &old]).await;
                moved.map(drop)
            }));
            for part in parts {
                all.push(Box::pin(part.change(client, prepared)));
            }
            all.push(Box::pin(client.batch_execute("commit")));
            Some(together(all).await)
        });
        let Ok(answers) = answers else {
            return Ok(Sent::Unknown);
        };
        let answers = answers.ok_or(Error::Busy)?;
        if answers.iter().all(|answer| answer.is_ok()) {
            return Ok(Sent::Done);
        }
        // Of a session that goes on, the first error says why all was rolled back; of one that ended nothing is sure.
        if !line.open() {
            return Ok(Sent::Unknown);
        }
        let first = answers.into_iter().find_map(|answer| answer.err());
        Ok(match first {
            Some(error) if error.code() == Some(&SqlState::DIVISION_BY_ZERO) => Sent::Moved,
            Some(error) => Sent::Refused(line.words(&error)),
            None => Sent::Unknown,
        })
    }

    /// Finds out whether the commit after the mark's was made.
    fn decide(&mut self) -> Result<()> {
        self.doubt = true;
        let before = self.mark;
        let end = Instant::now() + self.address.settings.patience;
        tracing::warn!(
            database = self.address.name,
            "the answer to a commit was lost; asking what became of it"
        );
        loop {
            let error = match self.again(end) {
                Ok(()) if self.mark.commit == before.commit + 1 => return Ok(()),
                Ok(()) => {
                    return Err(Error::Disk(format!(
                        "the connection to the database {} was lost during a commit, which was undone",
                        self.address.name
                    )));
                }
                Err(error) => error,
            };
            if Instant::now() >= end {
                return Err(Error::Uncertain(error.to_string()));
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Session {
    fn new(mut line: Line) -> Result<Session> {
        let types = [Type::BYTEA, Type::BYTEA, Type::BYTEA];
        let move_mark = line.ask(async |client| client.prepare_typed(MOVE, &types).await)?;
        Ok(Session { line, move_mark })
    }
}

/// Takes the lock; waits for sessions that are ending.
fn lock(line: &mut Line, address: &Address, end: Instant) -> Result<()> {
    loop {
        let got: bool = line.ask(async |client| client.query_one(LOCK, &[]).await?.try_get(0))?;
        if got {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(taken(line, address));
        }
        std::thread::sleep(PAUSE);
    }
}

fn taken(line: &mut Line, address: &Address) -> Error {
    let holder = line.ask(async |client| {
        let rows = client.query(HOLDER, &[]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let (from, process, since): (String, i32, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok(Some(format!(
            " (from {from}, server process {process}, since {since})"
        )))
    });
    let holder = holder.ok().flatten().unwrap_or_default();
    Error::Disk(format!(
        "another node has the database {} open{holder}; one database is one node's: stop the other one first",
        address.name
    ))
}

fn read_mark(line: &mut Line) -> Result<Option<Mark>> {
    let row = prepared_ask(line, async |client, prepared| {
        rows::get(client, prepared, MARK).await
    })?;
    row.map(|row| Mark::read(&row)).transpose()
}

/// Looks at what the server promises.
fn settled(line: &mut Line, address: &Address) -> Result<()> {
    let fsync: String =
        line.ask(async |client| client.query_one("show fsync", &[]).await?.try_get(0))?;
    if address.settings.durable && fsync != "on" {
        tracing::warn!(
            database = address.name,
            "the server runs with fsync = off: what it acknowledges can be lost with its machine"
        );
    }
    Ok(())
}

fn prepared_ask<T>(
    line: &mut Line,
    question: impl AsyncFnOnce(&Client, &Prepared) -> Answer<T>,
) -> Result<T> {
    let asked = line.try_ask(async |client, prepared| Some(question(client, prepared?).await));
    match asked? {
        Some(answer) => answer.map_err(|error| line.words(&error)),
        None => Err(Error::Damaged("a connection was not prepared".into())),
    }
}
