//! Which layout the rows of an archive have, and what becomes of an archive of another one.
//!
//! Two numbers stand in one plain row: of the facts, and of the rows that follow from them. An archive whose facts are
//! as here is made whole at its opening, however old or new its derived rows are: they are made again. One whose facts
//! this program does not know is refused before anything is read into it or written.
//!
//! Whoever changes what a fact says raises [`FACTS`] (and reads the old form, or says in [`Layout::of`] that it cannot);
//! whoever changes which derived rows there are, or what they say, raises [`ROWS`].

use crate::{
    Error, Result,
    codec::{Reader, put_number},
    engine::Snapshot,
    keys::{HOUSE, Key, LAYOUT, SECRET},
};

/// Layout of facts.
const FACTS: u64 = 1;
/// Layout of derived rows. 2: words beside tokens have rows. 3: what a parameter finds that others find as well has none,
/// nor does it stand on cards. 4: categories name the emergency set. 5: findings of which a person may wish not to know
/// are categories. 6: `mothersMaidenName` finds something. 7: pieces of people's names have rows.
const ROWS: u64 = 7;

/// What is to be done with an archive when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// There is none yet.
    New,
    /// It is as this program writes it.
    Own,
    /// Its derived rows are of another layout, and have to be made again.
    Rows(u64),
}

impl Layout {
    /// Reads it. An archive without the row is from before there was one, when both numbers were 1.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] when its facts are of a layout that this program does not know, or the row cannot be read.
    pub(crate) fn of(snapshot: &dyn Snapshot) -> Result<Layout> {
        let (facts, rows) = match snapshot.get(&key())? {
            Some(row) => numbers(&row).ok_or_else(unreadable)?,
            None if snapshot.get(&Key::new(HOUSE, SECRET).done())?.is_none() => {
                return Ok(Layout::New);
            }
            None => (1, 1),
        };
        match (facts, rows) {
            (FACTS, ROWS) => Ok(Layout::Own),
            (FACTS, other) => Ok(Layout::Rows(other)),
            (other, _) => Err(unknown(other)),
        }
    }
}

/// The row that says that an archive is as this program writes it.
pub(crate) fn own() -> (Vec<u8>, Vec<u8>) {
    let mut row = Vec::with_capacity(2);
    put_number(&mut row, FACTS);
    put_number(&mut row, ROWS);
    (key(), row)
}

fn key() -> Vec<u8> {
    Key::new(HOUSE, LAYOUT).done()
}

fn numbers(row: &[u8]) -> Option<(u64, u64)> {
    let mut reader = Reader(row);
    let numbers = (reader.number().ok()?, reader.number().ok()?);
    reader.0.is_empty().then_some(numbers)
}

fn unknown(facts: u64) -> Error {
    let what = match facts > FACTS {
        true => {
            "it was written by a newer version of this program: start that one, or restore a backup from before it"
        }
        false => {
            "it is older than any that this program can read: open it with a version in between first, or move it with that"
        }
    };
    Error::Elsewhere(format!(
        "this archive has layout {facts}, and this program knows {FACTS}; {what}. Nothing was changed"
    ))
}

fn unreadable() -> Error {
    Error::Elsewhere(
        "the row that says which layout this archive has cannot be read: it is damaged, or of a version that this program does not know; restore a backup, or start the program that wrote it. Nothing was changed".into(),
    )
}
