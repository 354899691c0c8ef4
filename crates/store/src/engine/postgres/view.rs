//! Views: what readers and the writer see.
//!
//! A reader's view is a `repeatable read` transaction. It begins together with the first question, in one round trip,
//! so the view is fixed then; its end is sent without waiting for an answer. A view that asks nothing costs nothing.
//!
//! The writer asks on its own connection without a transaction: nobody else changes rows.

use super::{
    line::{Answer, Line, Prepared},
    pool::Pool,
    rows::{self, Spot, spot},
    socket::both,
    writer::Writer,
};
use crate::{
    Error, Result,
    engine::{Direction, Rows, Snapshot},
};
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_postgres::Client;

const BEGIN: &str = "begin isolation level repeatable read read only";

/// A reader's view.
pub(super) struct View {
    pool: Arc<Pool>,
    line: RefCell<Option<Line>>,
}

impl View {
    pub(super) fn new(pool: Arc<Pool>) -> View {
        View {
            pool,
            line: RefCell::new(None),
        }
    }

    /// The first question, with the beginning of the view. A connection that was lost while it was idle shows here; the
    /// question then goes to a new one.
    fn first<T>(
        &self,
        question: &impl AsyncFn(&Client, &Prepared) -> Answer<T>,
    ) -> Result<(Line, T)> {
        let mut again = true;
        loop {
            let mut line = self.pool.take()?;
            let asked = line.try_ask(async |client, prepared| {
                let prepared = prepared?;
                Some(both(client.batch_execute(BEGIN), question(client, prepared)).await)
            });
            let error = match asked {
                Ok(Some((Ok(()), Ok(answer)))) => return Ok((line, answer)),
                Ok(Some((Err(error), _) | (_, Err(error)))) => line.words(&error),
                Ok(None) => unprepared(),
                Err(error) => error,
            };
            let lost = !line.open();
            if !lost {
                line.post("rollback");
            }
            self.pool.give(line);
            if !(lost && std::mem::take(&mut again)) {
                return Err(error);
            }
            self.pool.forget_idle();
        }
    }
}

impl Ask for View {
    fn ask<T>(&self, question: impl AsyncFn(&Client, &Prepared) -> Answer<T>) -> Result<T> {
        let mut slot = self.line.borrow_mut();
        let Some(line) = slot.as_mut() else {
            let (line, answer) = self.first(&question)?;
            *slot = Some(line);
            return Ok(answer);
        };
        ask(line, &question)
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(mut line) = self.line.take() {
            line.post("commit");
            self.pool.give(line);
        }
    }
}

/// The writer's view.
pub(super) struct Writing(pub(super) Arc<Mutex<Writer>>);

impl Ask for Writing {
    fn ask<T>(&self, question: impl AsyncFn(&Client, &Prepared) -> Answer<T>) -> Result<T> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = ask(writer.ready()?, &question);
        // A connection that was lost while it was idle is made again, once.
        if answer.is_err() && writer.lost() {
            return ask(writer.ready()?, &question);
        }
        answer
    }
}

fn ask<T>(line: &mut Line, question: &impl AsyncFn(&Client, &Prepared) -> Answer<T>) -> Result<T> {
    let asked = line.try_ask(async |client, prepared| Some(question(client, prepared?).await));
    match asked? {
        Some(answer) => answer.map_err(|error| line.words(&error)),
        None => Err(unprepared()),
    }
}

fn unprepared() -> Error {
    Error::Damaged("a connection was not prepared".into())
}

/// Whoever a question can be put to.
pub(super) trait Ask {
    fn ask<T>(&self, question: impl AsyncFn(&Client, &Prepared) -> Answer<T>) -> Result<T>;
}

impl<A: Ask> Snapshot for A {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let spot = spot(key)?;
        self.ask(async |client, prepared| rows::get(client, prepared, spot).await)
    }
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        let spots: Vec<Spot<'_>> = keys.iter().map(|key| spot(key)).collect::<Result<_>>()?;
        if spots.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(async |client, prepared| rows::get_many(client, prepared, &spots).await)
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        if from >= to || limit == 0 {
            return Ok(());
        }
        let range = (spot(from)?, spot(to)?);
        let found = self.ask(async |client, prepared| {
            rows::scan(client, prepared, range, direction, limit).await
        })?;
        rows::push(&found, from, rows).map_err(|error| Error::Damaged(error.to_string()))
    }
}
