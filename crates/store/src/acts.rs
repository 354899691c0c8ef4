//! Acts as rows: by place in the log, by name, and listed under keys.
//!
//! The row at its place is the fact: name, leaf, what it is listed under, body. The rows by name and of the lists follow
//! from it ([`derived`]).

use crate::{
    ActRecord, Error, Result,
    codec::{Reader, put_bytes, put_number},
    engine::{Direction, Rows, Snapshot},
    keys::{ACT, ACT_ID, Key, LISTED, LOG},
    vault::Vault,
};

/// What the row of an act says.
#[allow(dead_code)] // Name and lists are for making derived rows again.
pub(crate) struct Kept {
    pub(crate) id: [u8; 16],
    pub(crate) listed: Vec<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

/// The row of an act.
pub(crate) fn encode(act: &ActRecord) -> Vec<u8> {
    let mut value = act.id.to_vec();
    put_bytes(&mut value, &act.leaf);
    put_number(&mut value, act.listed.len() as u64);
    for listed in &act.listed {
        put_bytes(&mut value, listed);
    }
    value.extend_from_slice(&pack(&act.body));
    value
}

impl Kept {
    pub(crate) fn decode(row: &[u8]) -> Result<Kept> {
        let mut reader = Reader(row);
        let id = reader.array()?;
        reader.bytes()?;
        let count = reader.number()?;
        let listed = (0..count).map(|_| Ok(reader.bytes()?.to_vec()));
        Ok(Kept {
            id,
            listed: listed.collect::<Result<_>>()?,
            body: unpack(&mut reader)?,
        })
    }
}

/// The rows that follow from the act at a place.
pub(crate) fn derived(
    place: u64,
    id: &[u8; 16],
    listed: &[Vec<u8>],
) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let by_name = Key::new(LOG, ACT_ID).bytes(id).done();
    let lists = listed.iter().map(move |listed| {
        let key = Key::new(LOG, LISTED).sized(listed).newest_first(place);
        (key.done(), Vec::new())
    });
    std::iter::once((by_name, place.to_be_bytes().to_vec())).chain(lists)
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

fn unpack(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_an_act_follows_from_its_row() {
        let act = ActRecord {
            id: [7; 16],
            body: b"a body".to_vec(),
            leaf: [1; 32],
            listed: vec![b"ana".to_vec(), b"all".to_vec()],
        };
        let kept = Kept::decode(&encode(&act)).unwrap();
        assert_eq!(kept.body, b"a body");
        let rows: Vec<_> = derived(3, &kept.id, &kept.listed).collect();
        assert_eq!(rows, derived(3, &act.id, &act.listed).collect::<Vec<_>>());
        assert_eq!(rows.len(), 3);
    }
}
