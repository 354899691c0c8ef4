//! Moving an archive from one engine to another: all rows, checked, and then one of the two is the archive.
//!
//! **In**: the engine that has the archive, and one that is empty or holds a copy that was interrupted; nobody serves
//! from either. **Out**: what was copied, family by family.
//!
//! Rows go as they are, partition by partition: versions, acts, the log and its leaves, indexes, and whatever a later
//! version of this program puts beside them; sealed values stay sealed, under the same keyring. The copy notes with each
//! commit how far it has come, and goes on from there. Then both are read from end to end and compared, count and
//! SHA-256 of each family. Only then the old archive is closed, and after that the new one opened; a stop in between
//! leaves one that can be finished by running it again, and never two that can be served from.
//!
//! Cost: each row read three times and written once.

use crate::{
    Error, Result,
    commit::State,
    engine::{BULKY, Batch, Direction, Engine, Rows, Snapshot},
    keys::{ACT, BODY, HOUSE, Key, LOG, MOVED, PARTITIONS, SECRET, WITNESS},
};
use aws_lc_rs::digest::{Context, SHA256};
use std::collections::BTreeMap;

/// Rows in one commit of a copy.
const ROWS: usize = 2000;
const COPYING: &str = "copying ";

/// One family of one partition: how many rows, and their hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Rows.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
    /// SHA-256 over keys and values with their lengths, in order.
    pub hash: [u8; 32],
}

/// What was moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// By partition and family.
    pub families: BTreeMap<(u16, u8), Family>,
}

impl Moved {
    fn count(&self, wanted: impl Fn(u16, u8) -> bool) -> u64 {
        let families = self.families.iter();
        let wanted = families.filter(|((partition, family), _)| wanted(*partition, *family));
        wanted.map(|(_, family)| family.rows).sum()
    }
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.count(|_, _| true)
    }
    /// Versions of resources, old ones and deletions too.
    pub fn versions(&self) -> u64 {
        self.count(|partition, family| partition > LOG && family == BODY)
    }
    /// Acts.
    pub fn acts(&self) -> u64 {
        self.count(|partition, family| partition == LOG && family == ACT)
    }
    /// Rows of the log: tiles, state, checkpoint.
    pub fn log_rows(&self) -> u64 {
        self.count(|partition, family| partition == LOG && family == WITNESS)
    }
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// Rows copied by now.
    Copied(u64),
    /// Rows compared by now.
    Compared(u64),
}

/// Refuses an archive that was moved away or is not whole yet.
pub(crate) fn usable(snapshot: &dyn Snapshot) -> Result<()> {
    let Some(mark) = mark(snapshot)? else {
        return Ok(());
    };
    Err(Error::Elsewhere(match mark.strip_prefix(COPYING) {
        Some(_) => {
            "this archive is an unfinished copy; run `tejido migrate-store` again until it ends"
                .into()
        }
        None => format!("this archive was moved to {mark}; serve from there, or remove it"),
    }))
}

/// Moves the archive. `name` is what the old one says of where it went.
///
/// # Errors
/// When the source is not a whole archive, the target holds something else, the two differ, or an engine fails.
pub fn migrate(
    from: &dyn Engine,
    to: &dyn Engine,
    name: &str,
    told: &mut dyn FnMut(Progress),
) -> Result<Moved> {
    if from.incomplete()? {
        return Err(Error::Elsewhere(
            "the archive has not been made whole after a restore or a repair; start the node once, stop it, and move it then".into(),
        ));
    }
    let source = from.snapshot()?;
    let Some(print) = print(source.as_ref())? else {
        return Err(Error::Elsewhere("there is no archive to move".into()));
    };
    // A source that was closed for this target, whose copy then was not opened: only the last step is missing.
    let closed = mark(source.as_ref())?;
    if closed.as_ref().is_some_and(|closed| closed != name) {
        return usable(source.as_ref()).map(|()| Moved {
            families: BTreeMap::new(),
        });
    }
    let wanted = format!("{COPYING}{print}");
    let begun = mark(to.snapshot()?.as_ref())?;
    match begun {
        Some(begun) if begun == wanted => {}
        None if empty(to.snapshot()?.as_ref())? => {
            to.commit(&Batch::from([(mark_key(), Some(wanted.into_bytes()))]))?;
        }
        _ => {
            return Err(Error::Elsewhere(
                "the target holds an archive, or a copy of another state of this one: empty it and begin again".into(),
            ));
        }
    }
    copy(source.as_ref(), to, told)?;
    let (target, mut compared) = (to.snapshot()?, 0);
    let mut tell = |rows| {
        compared += rows;
        told(Progress::Compared(compared));
    };
    let (ours, theirs) = (
        families(source.as_ref(), &mut tell)?,
        families(target.as_ref(), &mut tell)?,
    );
    same(&ours, &theirs)?;
    drop((source, target));
    from.commit(&Batch::from([(mark_key(), Some(name.as_bytes().to_vec()))]))?;
    to.commit(&Batch::from([(mark_key(), None), (place_key(), None)]))?;
    Ok(Moved { families: ours })
}

fn mark_key() -> Vec<u8> {
    Key::new(HOUSE, MOVED).bytes(b"mark").done()
}

fn place_key() -> Vec<u8> {
    Key::new(HOUSE, MOVED).bytes(b"place").done()
}

fn is_ours(key: &[u8]) -> bool {
    key.starts_with(&Key::new(HOUSE, MOVED).done())
}

fn mark(snapshot: &dyn Snapshot) -> Result<Option<String>> {
    let row = snapshot.get(&mark_key())?;
    Ok(row.map(|row| String::from_utf8_lossy(&row).into_owned()))
}

/// Tells one state of one archive from any other: its secrets and its last commit. `None` when there is no archive.
fn print(snapshot: &dyn Snapshot) -> Result<Option<String>> {
    let mut hash = Context::new(&SHA256);
    for key in [Key::new(HOUSE, SECRET).done(), State::key()] {
        let Some(row) = snapshot.get(&key)? else {
            return Ok(None);
        };
        hash.update(&row);
    }
    let hex = hash
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(Some(hex))
}

/// The ranges that hold everything: small and bulky rows of each partition. The engine's own partition 0 is left out.
fn ranges() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    PARTITIONS.into_iter().flat_map(|partition| {
        let start = partition.to_be_bytes();
        let [high, low] = start;
        let middle = vec![high, low, BULKY];
        let end = (partition + 1).to_be_bytes().to_vec();
        [(vec![high, low, 0], middle.clone()), (middle, end)]
    })
}

fn empty(snapshot: &dyn Snapshot) -> Result<bool> {
    let mut rows = Rows::default();
    for (from, to) in ranges() {
        snapshot.scan(&from, &to, Direction::Up, 1, &mut rows)?;
        if !rows.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Hands over all rows in order, some at a time, from a key on (exclusive).
fn each(
    snapshot: &dyn Snapshot,
    after: Option<&[u8]>,
    hand: &mut dyn FnMut(&Rows) -> Result<()>,
) -> Result<()> {
    for (mut from, to) in ranges() {
        match after {
            Some(after) if after >= to.as_slice() => continue,
            Some(after) if after >= from.as_slice() => {
                from = after.to_vec();
                from.push(0);
            }
            _ => {}
        }
        loop {
            let mut rows = Rows::default();
            snapshot.scan(&from, &to, Direction::Up, ROWS, &mut rows)?;
            let Some((last, _)) = rows.get(rows.len().wrapping_sub(1)) else {
                break;
            };
            from = last.to_vec();
            from.push(0);
            hand(&rows)?;
            if rows.len() < ROWS {
                break;
            }
        }
    }
    Ok(())
}

fn copy(source: &dyn Snapshot, to: &dyn Engine, told: &mut dyn FnMut(Progress)) -> Result<()> {
    let after = to.snapshot()?.get(&place_key())?;
    let mut copied = 0;
    each(source, after.as_deref(), &mut |rows| {
        let mut batch = Batch::new();
        for (key, value) in rows.iter().filter(|(key, _)| !is_ours(key)) {
            batch.insert(key.to_vec(), Some(value.to_vec()));
        }
        let last = rows.get(rows.len().wrapping_sub(1));
        batch.insert(place_key(), last.map(|(key, _)| key.to_vec()));
        to.commit(&batch)?;
        copied += rows.len() as u64;
        told(Progress::Copied(copied));
        Ok(())
    })
}

fn families(
    snapshot: &dyn Snapshot,
    tell: &mut dyn FnMut(u64),
) -> Result<BTreeMap<(u16, u8), Family>> {
    let mut open: BTreeMap<(u16, u8), (u64, u64, Context)> = BTreeMap::new();
    each(snapshot, None, &mut |rows| {
        for (key, value) in rows.iter().filter(|(key, _)| !is_ours(key)) {
            let &[high, low, family, ..] = key else {
                return Err(Error::Damaged("a key without a family".into()));
            };
            let of = (u16::from_be_bytes([high, low]), family);
            let (count, bytes, hash) = open
                .entry(of)
                .or_insert_with(|| (0, 0, Context::new(&SHA256)));
            *count += 1;
            *bytes += (key.len() + value.len()) as u64;
            for part in [key, value] {
                hash.update(&(part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        tell(rows.len() as u64);
        Ok(())
    })?;
    let closed = open.into_iter().map(|(of, (rows, bytes, hash))| {
        let mut out = [0; 32];
        out.copy_from_slice(hash.finish().as_ref());
        (
            of,
            Family {
                rows,
                bytes,
                hash: out,
            },
        )
    });
    Ok(closed.collect())
}

fn same(ours: &BTreeMap<(u16, u8), Family>, theirs: &BTreeMap<(u16, u8), Family>) -> Result<()> {
    let all = ours.keys().chain(theirs.keys());
    for of in all {
        let (one, other) = (ours.get(of), theirs.get(of));
        if one != other {
            let rows = |family: Option<&Family>| family.map_or(0, |family| family.rows);
            return Err(Error::Damaged(format!(
                "the copy differs from the archive in partition {}, family {:#04x}: {} rows here, {} there; the archive stays where it is, empty the target and begin again",
                of.0,
                of.1,
                rows(one),
                rows(other)
            )));
        }
    }
    Ok(())
}
