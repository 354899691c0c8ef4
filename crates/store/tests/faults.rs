//! What the archive does when disks, files and queues fail it.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering::SeqCst},
    },
};
use store::{
    engine::{
        Batch, Disk, DiskFile, DiskReader, Embedded, Engine, Memory, RealDisk, Snapshot, Tuning,
    },
    *,
};

fn basic(id: &str) -> String {
    format!(r#"{{"resourceType":"Basic","id":"{id}","code":{{"text":"{id}"}}}}"#)
}

fn there(house: &House, id: &str) -> bool {
    house.read(&house.all(), &format!("Basic/{id}")).is_some()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("log")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn drop_projection(dir: &Path) {
    std::fs::remove_dir_all(dir.join("projection")).unwrap();
}

/// A store with three resources, each in its own commit, closed again.
fn three(dir: &Path) {
    let house = open(dir);
    for id in ["a", "b", "c"] {
        house.put(&[&basic(id)]);
    }
}

#[test]
fn a_deleted_projection_is_made_anew_from_the_log() {
    let dir = tempfile::tempdir().unwrap();
    three(dir.path());
    drop_projection(dir.path());
    let house = open(dir.path());
    assert!(["a", "b", "c"].iter().all(|id| there(&house, id)));
    assert_eq!(house.store.witnessed(b"leaf2").unwrap(), Some(vec![1; 32]));
    house.put(&[&basic("d")]);
    drop(house);
    assert!(there(&open(dir.path()), "d"));
}

#[test]
fn a_record_that_a_crash_tore_is_cut_and_the_store_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    three(dir.path());
    let log = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&log).unwrap();
    // The projection is gone too, as after a power loss before it was ever made durable.
    for (torn, room) in [(1, 0), (30, 0), (60, 0), (1, 300_000), (60, 300_000)] {
        let mut left = whole[..whole.len() - torn].to_vec();
        // Room that the log had made for itself.
        left.resize(left.len() + room, 0);
        std::fs::write(&log, &left).unwrap();
        drop_projection(dir.path());
        let house = open(dir.path());
        assert!(there(&house, "a") && there(&house, "b") && !there(&house, "c"));
        house.put(&[&basic("d")]);
        drop(house);
        let house = open(dir.path());
        assert!(there(&house, "b") && there(&house, "d"));
    }
}

#[test]
fn room_that_a_crash_left_behind_is_taken_back_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    three(dir.path());
    let log = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, [whole.as_slice(), &[0; 300_000]].concat()).unwrap();
    let house = open(dir.path());
    assert!(["a", "b", "c"].iter().all(|id| there(&house, id)));
    // While it is open it has room; closed it ends with its last record.
    house.put(&[&basic("d")]);
    assert!(std::fs::metadata(&log).unwrap().len() > 200_000);
    drop(house);
    assert!(std::fs::read(&log).unwrap().len() < whole.len() + 20_000);
    assert!(there(&open(dir.path()), "d"));
}

#[test]
fn a_flipped_bit_is_an_error_that_names_file_and_place() {
    let dir = tempfile::tempdir().unwrap();
    three(dir.path());
    let log = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&log).unwrap();
    for at in [3, 20, 200, whole.len() - 5] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&log, &flipped).unwrap();
        let Err(Error::Damaged(why)) = try_open(dir.path()) else {
            panic!("a flipped bit at {at} went unseen");
        };
        assert!(why.contains(".log at byte "), "{why}");
    }
    std::fs::write(&log, &whole).unwrap();
    assert!(there(&open(dir.path()), "c"));
}

#[test]
fn a_lost_segment_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let tuning = Tuning {
        segment_bytes: 200,
        ..Tuning::default()
    };
    let engine = Embedded::open(dir.path(), tuning).unwrap();
    let row = |n: u8| Batch::from([(vec![1, 0, 1, n], Some(vec![n; 100]))]);
    for n in 0..9 {
        engine.commit(&row(n)).unwrap();
    }
    engine.rebuild().unwrap();
    assert_eq!(
        engine.snapshot().unwrap().get(&[1, 0, 1, 8]).unwrap(),
        Some(vec![8; 100])
    );
    drop(engine);
    let segments = segments(dir.path());
    assert!(segments.len() > 3);
    std::fs::remove_file(&segments[1]).unwrap();
    drop_projection(dir.path());
    assert!(matches!(
        Embedded::open(dir.path(), tuning),
        Err(Error::Damaged(_))
    ));
}

/// A disk with so many bytes left, whose syncs and cuts can be made to fail.
#[derive(Clone)]
struct Faulty {
    room: Arc<AtomicI64>,
    sync_fails: Arc<AtomicBool>,
    cut_fails: Arc<AtomicBool>,
}

struct FaultyFile(Box<dyn DiskFile>, Faulty);

impl Disk for Faulty {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FaultyFile(RealDisk.create(path)?, self.clone())))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(FaultyFile(RealDisk.open(path)?, self.clone())))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }
    fn reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        RealDisk.reader(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
}

impl DiskFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.1.room.load(SeqCst).max(0) as usize;
        if bytes.len() > room {
            self.0.append(&bytes[..room])?;
            self.1.room.store(0, SeqCst);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.1.room.fetch_sub(bytes.len() as i64, SeqCst);
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        match self.1.sync_fails.load(SeqCst) {
            true => Err(io::Error::other("the disk lost it")),
            false => self.0.sync(),
        }
    }
    fn cut(&mut self, length: u64) -> io::Result<()> {
        match self.1.cut_fails.load(SeqCst) {
            true => Err(io::Error::other("the disk does not cut")),
            false => self.0.cut(length),
        }
    }
}

fn on(dir: &Path, disk: &Faulty) -> House {
    let disk = disk.clone();
    let engine = Embedded::open_on(dir, Tuning::default(), Arc::new(disk)).unwrap();
    let (store, seal) = Store::over(
        Arc::new(engine),
        Options {
            keyring: Some(dir.join("keys")),
            ..Options::default()
        },
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    House { store, seal }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_works_again_when_there_is_room() {
    for cut_fails in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Faulty {
            room: Arc::new(AtomicI64::new(1 << 30)),
            sync_fails: Arc::default(),
            cut_fails: Arc::new(AtomicBool::new(cut_fails)),
        };
        let house = on(dir.path(), &disk);
        house.put(&[&basic("before")]);
        for left in [0, 1, 40, 300] {
            disk.room.store(left, SeqCst);
            for _ in 0..2 {
                let refused = house.try_put(&[&basic("refused")]);
                assert!(matches!(refused, Err(Error::Disk(_))), "{refused:?}");
            }
            disk.room.store(1 << 30, SeqCst);
            assert!(there(&house, "before") && !there(&house, "refused"));
            let done = house.put(&[&basic(&format!("after{left}"))]);
            assert_eq!(
                house
                    .store
                    .witnessed(format!("leaf{}", done.receipt.leaf).as_bytes())
                    .unwrap(),
                Some(vec![1; 32])
            );
        }
        drop(house);
        drop_projection(dir.path());
        let house = open(dir.path());
        assert!(there(&house, "before") && !there(&house, "refused"));
        assert!(
            [0, 1, 40, 300]
                .iter()
                .all(|left| there(&house, &format!("after{left}")))
        );
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_success() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty {
        room: Arc::new(AtomicI64::new(1 << 30)),
        sync_fails: Arc::default(),
        cut_fails: Arc::new(AtomicBool::new(true)),
    };
    let house = on(dir.path(), &disk);
    house.put(&[&basic("a")]);
    disk.sync_fails.store(true, SeqCst);
    assert!(matches!(
        house.try_put(&[&basic("lost")]),
        Err(Error::Disk(_))
    ));
    disk.sync_fails.store(false, SeqCst);
    house.put(&[&basic("b")]);
    drop(house);
    drop_projection(dir.path());
    let house = open(dir.path());
    // Its bytes are on the disk, whole; the segment that followed voids them.
    assert!(there(&house, "a") && there(&house, "b") && !there(&house, "lost"));
}

/// An engine whose commits wait until they are let through.
#[derive(Default)]
struct Gate {
    inner: Memory,
    shut: Mutex<bool>,
    waiting: Mutex<usize>,
    turned: Condvar,
}

impl Engine for Gate {
    fn commit(&self, batch: &Batch) -> Result<()> {
        *self.waiting.lock().unwrap() += 1;
        self.turned.notify_all();
        let mut shut = self.shut.lock().unwrap();
        while *shut {
            shut = self.turned.wait(shut).unwrap();
        }
        *self.waiting.lock().unwrap() -= 1;
        self.inner.commit(batch)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }
}

#[test]
fn a_full_queue_says_busy_at_once_and_what_waited_is_done() {
    let gate = Arc::new(Gate::default());
    let options = Options {
        queue: 1,
        ..Options::default()
    };
    let (store, seal) = Store::over(
        gate.clone(),
        options,
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    let house = House { store, seal };
    *gate.shut.lock().unwrap() = true;
    std::thread::scope(|scope| {
        let first = scope.spawn(|| house.put(&[&basic("first")]));
        let mut waiting = gate.waiting.lock().unwrap();
        while *waiting == 0 {
            waiting = gate.turned.wait(waiting).unwrap();
        }
        drop(waiting);
        // The writer is in a commit: one request fits into the queue, of two more at least one does not.
        let others: Vec<_> = ["x", "y"]
            .map(|id| {
                scope.spawn({
                    let house = &house;
                    move || house.try_put(&[&basic(id)]).is_ok()
                })
            })
            .into_iter()
            .collect();
        while !others.iter().any(|other| other.is_finished()) {
            std::thread::yield_now();
        }
        *gate.shut.lock().unwrap() = false;
        gate.turned.notify_all();
        assert_eq!(first.join().unwrap().sequence, 1);
        let done: Vec<bool> = others
            .into_iter()
            .map(|other| other.join().unwrap())
            .collect();
        assert_eq!(done.iter().filter(|done| **done).count(), 1);
        assert_eq!(["x", "y"].map(|id| there(&house, id)), [done[0], done[1]]);
    });
}
