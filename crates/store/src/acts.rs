//! Acts as rows: by place in the log, by name, and listed under keys.

use crate::{
    Error, Result,
    codec::Reader,
    engine::{Direction, Rows, Snapshot},
    keys::{ACT, ACT_ID, Key, LISTED, LOG},
};

/// Acts much alike are stored by the million: compressed, with the length before.
pub(crate) fn pack(body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_le_bytes().to_vec();
    match zstd::bulk::compress(body, 1)
        .ok()
        .filter(|packed| packed.len() < body.len())
    {
        Some(packed) => {
            out.push(1);
            out.extend_from_slice(&packed);
        }
        None => {
            out.push(0);
            out.extend_from_slice(body);
        }
    }
    out
}

fn unpack(row: &[u8]) -> Result<Vec<u8>> {
    let mut reader = Reader(row);
    reader.take(16)?;
    reader.bytes()?;
    let size = u32::from_le_bytes(reader.array()?) as usize;
    match reader.byte()? {
        0 => Ok(reader.0.to_vec()),
        _ => zstd::bulk::decompress(reader.0, size)
            .map_err(|_| Error::Damaged("an act cannot be unpacked".into())),
    }
}

/// The act at a place.
pub(crate) fn at(snapshot: &dyn Snapshot, place: u64) -> Result<Option<(u64, Vec<u8>)>> {
    let row = snapshot.get(&Key::new(LOG, ACT).long(place).done())?;
    row.map(|row| Ok((place, unpack(&row)?))).transpose()
}

/// The act of a name.
pub(crate) fn named(snapshot: &dyn Snapshot, id: &[u8; 16]) -> Result<Option<(u64, Vec<u8>)>> {
    match snapshot.get(&Key::new(LOG, ACT_ID).bytes(id).done())? {
        Some(place) => at(snapshot, u64::from_be_bytes(Reader(&place).array()?)),
        None => Ok(None),
    }
}

/// Acts listed under a key, newest first.
pub(crate) fn listed(
    snapshot: &dyn Snapshot,
    under: &[u8],
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let key = Key::new(LOG, LISTED).sized(under);
    let (mut from, to) = key.clone().range();
    match before {
        Some(0) => return Ok(Vec::new()),
        Some(before) => from = key.newest_first(before - 1).done(),
        None => {}
    }
    let mut rows = Rows::default();
    snapshot.scan(&from, &to, Direction::Up, limit, &mut rows)?;
    let mut found = Vec::with_capacity(rows.len());
    for (key, _) in rows.iter() {
        let place = key
            .last_chunk::<8>()
            .map(|place| !u64::from_be_bytes(*place));
        let act = match place {
            Some(place) => at(snapshot, place)?,
            None => None,
        };
        found.push(act.ok_or_else(|| Error::Damaged("a listed act is missing".into()))?);
    }
    Ok(found)
}
