//! Acts as rows: by place in the log, by name, and listed under keys.
//!
//! The row at its place is the fact: name, leaf, what it is listed under, body. The rows by name and of the lists follow
//! from it ([`derived`]).

use crate::{
    ActRecord, Error, PersonKey, Result,
    codec::{Reader, put_bytes, put_number, put_uuids},
    engine::{Direction, Rows, Snapshot},
    fold::Names,
    keys::{ACT, ACT_ID, Key, LISTED, LOG},
    press::{Kind, Press},
    vault::Vault,
};

/// What the row of an act says.
pub(crate) struct Kept {
    pub(crate) id: [u8; 16],
    pub(crate) listed: Vec<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

/// An act ready to be sealed. Made by whoever asks for it, so that the one writer need not compress.
pub(crate) struct Packed {
    pub(crate) id: [u8; 16],
    pub(crate) leaf: [u8; 32],
    pub(crate) about: PersonKey,
    pub(crate) listed: Vec<Vec<u8>>,
    /// What of its row is sealed: where it is listed, and what it says.
    pub(crate) secret: Vec<u8>,
    /// Kept in the same commit, right after it.
    pub(crate) beside: Vec<Packed>,
}

impl Packed {
    /// Names are not folded out of it: an act is made for every answer and holds few, so that costs more than it saves.
    pub(crate) fn new(act: ActRecord, press: &Press) -> Packed {
        let beside = act.beside.into_iter();
        let mut secret = Vec::with_capacity(act.body.len() / 2 + 64);
        put_number(&mut secret, act.listed.len() as u64);
        for listed in &act.listed {
            put_bytes(&mut secret, listed);
        }
        put_uuids(&mut secret, &[]);
        press.pack(Kind::ACTS, &act.body, &mut secret);
        Packed {
            id: act.id,
            leaf: act.leaf,
            about: act.about,
            listed: act.listed,
            secret,
            beside: beside.map(|act| Packed::new(act, press)).collect(),
        }
    }
    /// This one and those beside it, in the order of their leaves.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Packed> {
        std::iter::once(self).chain(&self.beside)
    }
}

impl Kept {
    /// The beginning of an act's row, which is not sealed: name and leaf.
    pub(crate) fn names(reader: &mut Reader<'_>) -> Result<([u8; 16], [u8; 32])> {
        Ok((reader.array()?, reader.array()?))
    }

    pub(crate) fn decode(id: [u8; 16], sealed: &[u8], own: &str, press: &Press) -> Result<Kept> {
        let mut reader = Reader(sealed);
        let count = reader.number()?;
        let listed = (0..count).map(|_| Ok(reader.bytes()?.to_vec()));
        let listed = listed.collect::<Result<_>>()?;
        let uuids = reader.uuids()?;
        let codec = reader.number()?;
        let text = press.unpack(codec, reader.0)?;
        let mut body = Vec::with_capacity(text.len() + text.len() / 4);
        Names { own, uuids }.unfold(&text, &mut body)?;
        Ok(Kept { id, listed, body })
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

/// All acts, newest first; those of erased people are stepped over.
pub(crate) fn latest(
    vault: &Vault,
    snapshot: &dyn Snapshot,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(u64, Vec<u8>)>> {
    let (from, mut to) = Key::new(LOG, ACT).range();
    if let Some(before) = before {
        to = Key::new(LOG, ACT).long(before).done();
    }
    let mut rows = Rows::default();
    let mut found = Vec::new();
    while found.len() < limit {
        rows.clear();
        let asked = limit - found.len();
        snapshot.scan(&from, &to, Direction::Down, asked, &mut rows)?;
        for (key, row) in rows.iter() {
            let place = key
                .last_chunk::<8>()
                .map(|place| u64::from_be_bytes(*place));
            if let (Some(place), Some(kept)) = (place, vault.act(key, row)?) {
                found.push((place, kept.body));
            }
            to = key.to_vec();
        }
        if rows.len() < asked {
            break;
        }
    }
    Ok(found)
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
            about: PersonKey(0),
            beside: Vec::new(),
        };
        let vault = Vault::in_memory().unwrap();
        let packed = vault.pack_act(act.clone()).unwrap();
        let row = vault.close_act(b"key", &packed).unwrap();
        let kept = vault.act(b"key", &row).unwrap().unwrap();
        assert_eq!(kept.id, [7; 16]);
        assert_eq!(vault.act_names(&row).unwrap(), ([7; 16], [1; 32]));
        assert_eq!(kept.body, b"a body");
        let rows: Vec<_> = derived(3, &kept.id, &kept.listed).collect();
        assert_eq!(rows, derived(3, &act.id, &act.listed).collect::<Vec<_>>());
        assert_eq!(rows.len(), 3);
    }
}
