//! Which layout the rows of an archive have, and what becomes of an archive of another one.
//!
//! Two numbers stand in one plain row, of the facts and of the rows that follow from them, and behind them the edition of the
//! rules by which those rows were labelled ([`Rules::edition`](crate::Rules::edition)). An archive whose facts are
//! as here is made whole at its opening, however old or new its derived rows are, or by whatever rules: they are made
//! again. One whose facts this program does not know is refused before anything is read into it or written.
//!
//! Whoever changes what a fact says raises [`FACTS`] (and reads the old form, or says in [`Layout::of`] that it cannot);
//! whoever changes which derived rows there are, or what they say, raises [`ROWS`].

use crate::{
    Error, Result,
    codec::{Reader, put_number},
    engine::Snapshot,
    keys::{HOUSE, Key, LAYOUT, SECRET},
};

/// Layout of facts. 2: what names a patient and is in no compartment of R4 ([`fhir::search::BESIDE`]) is its person's, and
/// lies with people. That of 1 is moved when derived rows are made again.
const FACTS: u64 = 2;
/// Layout of derived rows. 2: words beside tokens have rows. 3: what a parameter finds that others find as well has none,
/// nor does it stand on cards. 4: categories name the emergency set. 5: findings of which a person may wish not to know
/// are categories. 6: `mothersMaidenName` finds something. 7: pieces of people's names have rows. 8: labels are those that
/// the rules of now give, and old versions' stand beside their places. 9: what names a patient beside her compartment is hers.
const ROWS: u64 = 9;

/// What tells one edition of labelling rules from another.
pub(crate) type Edition = [u8; 8];

/// What is to be done with an archive when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// There is none yet.
    New,
    /// It is as this program writes it.
    Own,
    /// Its derived rows are of another layout, this one, and have to be made again.
    Rows(u64),
    /// Its derived rows were labelled by other rules, and have to be made again.
    Labels,
}

impl Layout {
    /// Reads it, for rules of an edition. An archive without the row is from before there was one, when both numbers were 1;
    /// a row without an edition is from before there was that.
    ///
    /// # Errors
    /// [`Error::Elsewhere`] when its facts are of a layout that this program does not know, or the row cannot be read.
    pub(crate) fn of(snapshot: &dyn Snapshot, edition: Edition) -> Result<Layout> {
        let (facts, rows, by) = match snapshot.get(&key())? {
            Some(row) => said(&row).ok_or_else(unreadable)?,
            None if snapshot.get(&Key::new(HOUSE, SECRET).done())?.is_none() => {
                return Ok(Layout::New);
            }
            None => (1, 1, None),
        };
        match (facts, rows) {
            (FACTS, ROWS) if by == Some(edition) => Ok(Layout::Own),
            (FACTS, ROWS) => Ok(Layout::Labels),
            (FACTS | 1, other) => Ok(Layout::Rows(other)),
            (other, _) => Err(unknown(other)),
        }
    }
    /// Whether the derived rows have to be made again.
    pub(crate) fn is_stale(self) -> bool {
        matches!(self, Layout::Rows(_) | Layout::Labels)
    }
}

/// The row that says that an archive is as this program writes it, labelled by rules of this edition.
pub(crate) fn own(edition: Edition) -> (Vec<u8>, Vec<u8>) {
    let mut row = Vec::with_capacity(2 + edition.len());
    put_number(&mut row, FACTS);
    put_number(&mut row, ROWS);
    row.extend_from_slice(&edition);
    (key(), row)
}

fn key() -> Vec<u8> {
    Key::new(HOUSE, LAYOUT).done()
}

fn said(row: &[u8]) -> Option<(u64, u64, Option<Edition>)> {
    let mut reader = Reader(row);
    let (facts, rows) = (reader.number().ok()?, reader.number().ok()?);
    let by = match reader.0 {
        [] => None,
        edition => Some(edition.try_into().ok()?),
    };
    Some((facts, rows, by))
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
