//! Small rows of other rooms, and the public files of the log.

use super::acts::Rows;
use super::{Gate, Refusal, rows};
use crate::Member;
use jiff::Timestamp;

/// Bytes of a room's key or name, of a row, and rows given at once.
const MAX_KEY: usize = 512;
const MAX_ROW: usize = 4 << 20;
const MAX_ROWS: usize = 10_000;

/// A key, without what keeps rooms apart, and its value.
pub type Row = (Vec<u8>, Vec<u8>);

impl Gate {
    /// A file of the public log: `checkpoint`, `tile/0/000`, `tile/entries/000`.
    pub fn log_file(&self, path: &str) -> Option<Vec<u8>> {
        let get = |key: &[u8]| self.house.store.witnessed(key).ok().flatten();
        ledger::tile::File::parse(path)?.read(&get).ok().flatten()
    }
    /// The house's small rows of other rooms (outboxes), kept apart by room name; not about the record. `None` deletes.
    pub fn keep_row(
        &self,
        room: &str,
        key: &[u8],
        value: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        check_room(room)?;
        if key.len() > MAX_KEY || value.is_some_and(|v| v.len() > MAX_ROW) {
            return Err(Refusal::bad(
                "La fila es demasiado grande.",
                "The row is too big.",
            ));
        }
        let row = (rows::room(room, key), value.map(<[u8]>::to_vec));
        self.keep(vec![row], Vec::new(), None, now)
    }
    /// The rows of an outbox by which something goes to every other member that keeps records: a key is the member's name, a
    /// space and `key`.
    pub(crate) fn to_carry(&self, room: &str, key: &[u8], body: &[u8]) -> Rows {
        let pact = &self.in_force().pact;
        let others = pact
            .keepers()
            .filter(|member| member.id != self.house.member);
        let row = |to: &Member| {
            let key = [to.id.0.as_bytes(), b" ", key].concat();
            (rows::room(room, &key), Some(body.to_vec()))
        };
        others.map(row).collect()
    }
    /// Lets go of a row of an outbox that was carried, unless another one took its place meanwhile.
    pub fn carried(
        &self,
        room: &str,
        key: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        check_room(room)?;
        let key = rows::room(room, key);
        let expect = vec![(key.clone(), Some(body.to_vec()))];
        match self.keep_rows(vec![(key, None)], expect, None, now) {
            Ok(()) | Err(store::Error::VersionConflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
    /// Rows of a room in order.
    pub fn rows(&self, room: &str, limit: usize) -> Result<Vec<Row>, Refusal> {
        self.rows_after(room, None, limit)
    }
    /// The same after a key.
    pub fn rows_after(
        &self,
        room: &str,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, Refusal> {
        check_room(room)?;
        let prefix = rows::room(room, b"");
        let after = after.map(|key| rows::room(room, key));
        let limit = limit.min(MAX_ROWS);
        let house = &self.house;
        let found = house
            .store
            .scan(&house.seal, &prefix, after.as_deref(), limit)?;
        Ok(found
            .into_iter()
            .map(|(key, value)| (key.get(prefix.len()..).unwrap_or_default().to_vec(), value))
            .collect())
    }
}

fn check_room(room: &str) -> Result<(), Refusal> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if room.is_empty() || room.len() > 32 || !room.bytes().all(good) {
        return Err(Refusal::bad(
            "El nombre del cuarto no es válido.",
            "A room's name is 1 to 32 lower-case letters, digits or hyphens.",
        ));
    }
    Ok(())
}
