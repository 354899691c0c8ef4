//! For measuring: an engine that keeps a copy of what is committed, and the same rows committed again to a bare engine.
//!
//! What a recording can be held against: the same keys and values, by as many committers, through the same
//! [`Engine::commit`], with nothing above it: no resources, no permits, no acts, no sealing.
//!
//! Cost while it records: one copy of a batch's bytes into one piece of memory; otherwise one call more.

use super::{Backup, Batch, Engine, Refused, Snapshot};
use crate::{Error, Result};
use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, channel, sync_channel},
    },
    time::{Duration, Instant},
};

/// Stands for the length of a value where a row is deleted.
const GONE: u32 = u32::MAX;

/// Passes everything on to another engine, and keeps what is committed between [`start`](Recorded::start) and
/// [`stop`](Recorded::stop). A new method of [`Engine`] must be passed on here too.
pub struct Recorded {
    inner: Arc<dyn Engine>,
    kept: Mutex<Option<Recording>>,
}

/// What was committed.
#[derive(Debug, Default)]
pub struct Recording {
    groups: Vec<Box<[u8]>>,
    most: u64,
    /// Commits that are kept, and rows and bytes of keys and values in them.
    pub kept: Amount,
    /// All that went by, also beyond what was to be kept.
    pub seen: Amount,
}

/// How much was committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Calls of [`Engine::commit`] that changed something.
    pub commits: u64,
    /// Rows put or deleted.
    pub rows: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl Recorded {
    /// Over another engine; keeps nothing yet.
    pub fn new(inner: Arc<dyn Engine>) -> Recorded {
        Recorded {
            inner,
            kept: Mutex::default(),
        }
    }
    /// Keeps what is committed from now on, `most` bytes of keys and values at most (whole commits).
    pub fn start(&self, most: u64) {
        *self.kept() = Some(Recording {
            most,
            ..Recording::default()
        });
    }
    /// Ends it and gives what was kept.
    pub fn stop(&self) -> Recording {
        self.kept().take().unwrap_or_default()
    }
    fn kept(&self) -> MutexGuard<'_, Option<Recording>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Recorded {
    fn commit(&self, batch: &Batch) -> Result<()> {
        self.inner.commit(batch)?;
        if let Some(recording) = self.kept().as_mut() {
            recording.see(batch);
        }
        Ok(())
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }
    fn is_near(&self) -> bool {
        self.inner.is_near()
    }
    fn incomplete(&self) -> Result<bool> {
        self.inner.incomplete()
    }
    fn forget_derived(&self) -> Result<()> {
        self.inner.forget_derived()
    }
    fn derive(&self, batch: &Batch) -> Result<()> {
        self.inner.derive(batch)
    }
    fn complete(&self) -> Result<()> {
        self.inner.complete()
    }
    fn backup(&self, to: &Path) -> std::result::Result<Backup, Refused> {
        self.inner.backup(to)
    }
    fn writing(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.writing()
    }
}

impl Recording {
    fn see(&mut self, batch: &Batch) {
        if batch.is_empty() {
            return;
        }
        let length = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        let bytes: usize = batch
            .iter()
            .map(|(key, value)| key.len() + length(value))
            .sum();
        let amount = Amount {
            commits: 1,
            rows: batch.len() as u64,
            bytes: bytes as u64,
        };
        self.seen.add(amount);
        // Once one is left out so are all that follow: what is kept stays one run of commits.
        if self.seen.bytes > self.most {
            return;
        }
        let mut group = Vec::with_capacity(bytes + 8 * batch.len());
        for (key, value) in batch {
            let length = value.as_ref().map_or(GONE, |value| value.len() as u32);
            group.extend_from_slice(&(key.len() as u32).to_le_bytes());
            group.extend_from_slice(&length.to_le_bytes());
            group.extend_from_slice(key);
            group.extend_from_slice(value.as_deref().unwrap_or_default());
        }
        self.groups.push(group.into_boxed_slice());
        self.kept.add(amount);
    }

    /// The commits that are kept, in their order.
    pub fn groups(&self) -> impl Iterator<Item = Batch> {
        self.rows().map(|rows| {
            rows.map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)))
                .collect()
        })
    }

    /// The same without copies: for each commit its rows, in the order of their keys.
    pub fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = (&[u8], Option<&[u8]>)>> {
        self.groups.iter().map(|group| {
            let mut rest: &[u8] = group;
            std::iter::from_fn(move || {
                let (row, after) = next(rest)?;
                rest = after;
                Some(row)
            })
        })
    }

    /// Commits to another engine what is kept, in the groups as they were, one after the other; gives how long it took.
    pub fn replay(&self, engine: &dyn Engine) -> Result<Duration> {
        let groups: Vec<Batch> = self.groups().collect();
        let started = Instant::now();
        for group in &groups {
            engine.commit(group)?;
        }
        Ok(started.elapsed())
    }

    /// Commits it by so many committers at once, each waiting for its own commit before its next; gives how long it took.
    ///
    /// What is kept is cut into `requests` of equal size (at least one for each commit), each with rows of every kind.
    /// Those that wait become one [`Engine::commit`], as the archive's own writer has it.
    pub fn replay_by(
        &self,
        engine: &dyn Engine,
        committers: usize,
        requests: u64,
    ) -> Result<Duration> {
        let committers = committers.max(1);
        let mut shares: Vec<Vec<Batch>> = vec![Vec::new(); committers];
        for (number, request) in self.requests(requests).into_iter().enumerate() {
            if let Some(share) = shares.get_mut(number % committers) {
                share.push(request);
            }
        }
        let (hand_in, handed_in) = channel();
        let started = Instant::now();
        std::thread::scope(|scope| {
            let work: Vec<_> = shares
                .into_iter()
                .map(|share| {
                    let hand_in = hand_in.clone();
                    scope.spawn(move || {
                        share.into_iter().try_for_each(|request| {
                            let (answer, answered) = sync_channel(1);
                            hand_in.send((request, answer)).map_err(ended)?;
                            answered.recv().map_err(ended)?
                        })
                    })
                })
                .collect();
            drop(hand_in);
            group(engine, &handed_in, committers);
            work.into_iter()
                .try_for_each(|one| one.join().unwrap_or_else(|_| Err(ended(()))))
        })?;
        Ok(started.elapsed())
    }

    fn requests(&self, wanted: u64) -> Vec<Batch> {
        let each = (self.kept.rows / wanted.max(1)).max(1);
        let mut requests = Vec::new();
        for group in self.groups() {
            let parts = (group.len() as u64).div_ceil(each).max(1) as usize;
            let mut cut = vec![Batch::new(); parts];
            for (at, (key, value)) in group.into_iter().enumerate() {
                if let Some(part) = cut.get_mut(at % parts) {
                    part.insert(key, value);
                }
            }
            requests.append(&mut cut);
        }
        requests
    }
}

impl Amount {
    fn add(&mut self, other: Amount) {
        self.commits += other.commits;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

type Handed = (Batch, SyncSender<Result<()>>);

/// One commit of all that wait, until nobody is left.
fn group(engine: &dyn Engine, handed_in: &Receiver<Handed>, committers: usize) {
    while let Ok((mut rows, first)) = handed_in.recv() {
        let mut waiting = vec![first];
        while waiting.len() < committers
            && let Ok((mut more, answer)) = handed_in.try_recv()
        {
            rows.append(&mut more);
            waiting.push(answer);
        }
        let done = engine.commit(&rows);
        for answer in waiting {
            let _ = answer.send(match &done {
                Ok(()) => Ok(()),
                Err(error) => Err(error.again()),
            });
        }
    }
}

fn ended<T>(_: T) -> Error {
    Error::Damaged("the committing of a recording ended early".into())
}

/// A row as it was kept, and what follows it.
type Kept<'a> = ((&'a [u8], Option<&'a [u8]>), &'a [u8]);

fn next(rest: &[u8]) -> Option<Kept<'_>> {
    let (key, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_first_chunk::<4>()?;
    let (key, value) = (u32::from_le_bytes(*key), u32::from_le_bytes(*value));
    let (key, rest) = rest.split_at_checked(key as usize)?;
    if value == GONE {
        return Some(((key, None), rest));
    }
    let (value, rest) = rest.split_at_checked(value as usize)?;
    Some(((key, Some(value)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Direction, Memory, Rows};

    fn batch(rows: &[(&[u8], Option<&[u8]>)]) -> Batch {
        let row =
            |&(key, value): &(&[u8], Option<&[u8]>)| (key.to_vec(), value.map(<[u8]>::to_vec));
        rows.iter().map(row).collect()
    }

    fn all(engine: &dyn Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut rows = Rows::default();
        let snapshot = engine.snapshot().unwrap();
        let (from, to) = ([0, 1, 1], [0, 1, 2]);
        snapshot
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
            .unwrap();
        rows.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect()
    }

    fn key(n: u8) -> [u8; 4] {
        [0, 1, 1, n]
    }

    #[test]
    fn what_is_recorded_makes_the_same_rows_again() {
        let recorded = Recorded::new(Arc::new(Memory::default()));
        recorded
            .commit(&batch(&[(&key(9), Some(b"before"))]))
            .unwrap();
        recorded.start(1 << 20);
        let first = batch(&[(&key(1), Some(b"a")), (&key(2), Some(b""))]);
        let second = batch(&[(&key(1), Some(b"b")), (&key(9), None)]);
        recorded.commit(&first).unwrap();
        recorded.commit(&Batch::new()).unwrap();
        recorded.commit(&second).unwrap();
        let recording = recorded.stop();
        recorded
            .commit(&batch(&[(&key(3), Some(b"after"))]))
            .unwrap();
        assert_eq!(recording.groups().collect::<Vec<_>>(), [first, second]);
        let amount = Amount {
            commits: 2,
            rows: 4,
            bytes: 4 * 4 + 2,
        };
        assert_eq!((recording.kept, recording.seen), (amount, amount));
        let bare = Memory::default();
        recording.replay(&bare).unwrap();
        let wanted = [(key(1).to_vec(), b"b".to_vec()), (key(2).to_vec(), vec![])];
        assert_eq!(all(&bare), wanted);
    }

    #[test]
    fn many_committers_put_every_row() {
        let recorded = Recorded::new(Arc::new(Memory::default()));
        recorded.start(1 << 20);
        for group in 0..10u8 {
            let keys: Vec<[u8; 4]> = (0..20).map(|n| key(group * 20 + n)).collect();
            let rows: Vec<(&[u8], Option<&[u8]>)> = keys
                .iter()
                .map(|key| (key.as_slice(), Some(key.as_slice())))
                .collect();
            recorded.commit(&batch(&rows)).unwrap();
        }
        let recording = recorded.stop();
        assert_eq!(recording.requests(40).len(), 40);
        let bare = Recorded::new(Arc::new(Memory::default()));
        bare.start(1 << 20);
        recording.replay_by(&bare, 4, 40).unwrap();
        assert_eq!(all(&bare), all(&recorded));
        let again = bare.stop();
        assert_eq!(again.seen.rows, 200);
        assert!((10..=40).contains(&again.seen.commits), "{again:?}");
    }

    #[test]
    fn what_goes_beyond_the_bound_is_counted_and_not_kept() {
        let recorded = Recorded::new(Arc::new(Memory::default()));
        recorded.start(12);
        for n in 0..3 {
            recorded.commit(&batch(&[(&key(n), Some(b"xx"))])).unwrap();
        }
        let recording = recorded.stop();
        assert_eq!((recording.kept.commits, recording.seen.commits), (2, 3));
        assert_eq!(recording.seen.bytes, 18);
    }
}
