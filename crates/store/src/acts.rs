//! Acts as rows: by place in the log, by name, and listed under keys.

use crate::{
    ActRecord, Error, Result,
    codec::{Reader, put_bytes},
    engine::{Direction, Rows, Snapshot},
    keys::{ACT, ACT_ID, Key, LISTED, LOG},
    vault::Vault,
};

/// What the row of an act says.
pub(crate) struct Kept {
    pub(crate) body: Vec<u8>,
}

/// The row of an act.
pub(crate) fn encode(act: &ActRecord) -> Vec<u8> {
    let mut value = act.id.to_vec();
    put_bytes(&mut value, &act.leaf);
    value.extend_from_slice(&pack(&act.body));
    value
}

impl Kept {
    pub(crate) fn decode(row: &[u8]) -> Result<Kept> {
        Ok(Kept { body: unpack(row)? })
    }
}

/// Acts much alike are stored by the million: compressed, with the length before.
fn pack(body: &[u8]) -> Vec<u8> {
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
fn at(vault: &Vault, snapshot: &dyn Snapshot, place: u64) -> Result<Option<Act>> {
    let key = Key::new(LOG, ACT).long(place).done();
    let Some(row) = snapshot.get(&key)? else {
        return Ok(None);
    };
    Ok(Some(match vault.act(&key, &row)? {
        Some(kept) => Act::Kept(place, kept.body),
        None => Act::Erased,
    }))
}

enum Act {
    Kept(u64, Vec<u8>),
    /// About a person who was erased: its leaf stays in the log, what it said is gone.
    Erased,
}

/// The act of a name.
pub(crate) fn named(
    vault: &Vault,
    snapshot: &dyn Snapshot,
    id: &[u8; 16],
) -> Result<Option<(u64, Vec<u8>)>> {
    let Some(place) = snapshot.get(&Key::new(LOG, ACT_ID).bytes(id).done())? else {
        return Ok(None);
    };
    let place = u64::from_be_bytes(Reader(&place).array()?);
    Ok(match at(vault, snapshot, place)? {
        Some(Act::Kept(place, body)) => Some((place, body)),
        _ => None,
    })
}

/// Acts listed under a key, newest first; those of erased people are stepped over.
pub(crate) fn listed(
    vault: &Vault,
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
    let mut found = Vec::new();
    while found.len() < limit {
        rows.clear();
        let asked = limit - found.len();
        snapshot.scan(&from, &to, Direction::Up, asked, &mut rows)?;
        for (key, _) in rows.iter() {
            let place = key
                .last_chunk::<8>()
                .map(|place| !u64::from_be_bytes(*place));
            let act = match place {
                Some(place) => at(vault, snapshot, place)?,
                None => None,
            };
            match act.ok_or_else(|| Error::Damaged("a listed act is missing".into()))? {
                Act::Kept(place, body) => found.push((place, body)),
                Act::Erased => {}
            }
            from = key.to_vec();
        }
        if rows.len() < asked {
            break;
        }
        from.push(0);
    }
    Ok(found)
}
