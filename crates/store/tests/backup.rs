//! Backup while serving, and restore to a point in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use store::engine::{
    BULKY, Batch, DERIVED, Embedded, Engine, RealDisk, Tuning, UpTo, check_backup, restore,
};

const SMALL: Tuning = Tuning {
    cache: 1 << 20,
    durable: false,
    segment_bytes: 4000,
    memtable_bytes: 1 << 16,
    quiet: Duration::ZERO,
};

fn row(family: u8, n: u16) -> Vec<u8> {
    [&[1, 0, family], n.to_be_bytes().as_slice()].concat()
}
fn commit(engine: &Embedded, groups: std::ops::Range<u16>) {
    for n in groups {
        let body = n.to_be_bytes().repeat(100);
        let rows = Batch::from([
            (row(1, 0), Some(n.to_be_bytes().to_vec())),
            (row(DERIVED, n), Some(b"a readable index".to_vec())),
            (row(BULKY, n), Some(body)),
        ]);
        engine.commit(&rows).unwrap();
    }
}
/// How many groups are there, by their bodies and by the row that each one writes again.
fn groups(engine: &Embedded) -> u16 {
    let snapshot = engine.snapshot().unwrap();
    let bodies = (0..).take_while(|n| {
        snapshot.get(&row(BULKY, *n)).unwrap() == Some(n.to_be_bytes().repeat(100))
    });
    let bodies = bodies.count() as u16;
    let last = snapshot.get(&row(1, 0)).unwrap().unwrap();
    assert_eq!(last, (bodies - 1).to_be_bytes());
    bodies
}
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_second_backup_copies_what_is_new_and_both_restore() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    commit(&engine, 0..100);
    let first = engine.backup(to.path()).unwrap();
    assert_eq!((first.through, first.touched), (100, first.segments));
    engine.thin().unwrap();
    commit(&engine, 100..120);
    let second = engine.backup(to.path()).unwrap();
    assert_eq!(second.through, 120);
    assert!(second.segments > 5 && second.touched < second.segments / 2);
    assert_eq!(check_backup(&RealDisk, to.path()).unwrap().through, 120);
    assert_eq!(files(to.path()).len(), second.segments + 1);
    for file in files(to.path()) {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(16).any(|part| part == b"a readable index"));
    }
    let third = engine.backup(to.path()).unwrap();
    assert_eq!(third.touched, 0);
    for (up_to, expected) in [
        (UpTo::Everything, 120),
        (UpTo::Group(57), 57),
        (UpTo::Group(1), 1),
        (UpTo::Moment(first.moment), 100),
    ] {
        let new = tempfile::tempdir().unwrap();
        let node = new.path().join("node");
        let (reached, _) = restore(&RealDisk, to.path(), &node, up_to).unwrap();
        // Groups may share a microsecond, so a moment can mean a few more.
        assert!(reached >= expected);
        let restored = Embedded::open(&node, SMALL).unwrap();
        assert!(restored.incomplete().unwrap());
        assert_eq!(u64::from(groups(&restored)), reached);
        let next = reached as u16;
        commit(&restored, next..next + 3);
        drop(restored);
        assert_eq!(groups(&Embedded::open(&node, SMALL).unwrap()), next + 3);
    }
}

#[test]
fn a_backup_is_taken_while_others_write() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    commit(&engine, 0..10);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| commit(&engine, 10..400));
        while !writing.is_finished() {
            let made = engine.backup(to.path()).unwrap();
            let read = check_backup(&RealDisk, to.path()).unwrap();
            assert_eq!(read.through, made.through);
        }
    });
    assert_eq!(engine.backup(to.path()).unwrap().through, 400);
    let new = tempfile::tempdir().unwrap();
    restore(&RealDisk, to.path(), new.path(), UpTo::Everything).unwrap();
    assert_eq!(groups(&Embedded::open(new.path(), SMALL).unwrap()), 400);
}

#[test]
fn what_is_damaged_foreign_or_in_the_way_is_refused_in_a_sentence() {
    let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    commit(&engine, 0..60);
    engine.backup(to.path()).unwrap();
    let said = |refused: Result<_, store::engine::Refused>| refused.err().unwrap().to_string();

    let other = tempfile::tempdir().unwrap();
    let stranger = Embedded::open(other.path(), SMALL).unwrap();
    commit(&stranger, 0..70);
    let foreign = stranger.backup(to.path()).map(|_| ());
    assert!(said(foreign).contains("the backup of another archive"));
    let not_empty = stranger.backup(dir.path()).map(|_| ());
    assert!(said(not_empty).contains("holds other files"));
    let in_the_way = restore(&RealDisk, to.path(), other.path(), UpTo::Everything).map(|_| ());
    assert!(said(in_the_way).contains("is not empty"));
    let nothing = check_backup(&RealDisk, other.path()).map(|_| ());
    assert!(said(nothing).contains("no backup"));

    for path in files(to.path()) {
        let whole = std::fs::read(&path).unwrap();
        for at in [9, whole.len() / 2, whole.len() - 2] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            let refused = check_backup(&RealDisk, to.path()).map(|_| ());
            assert!(said(refused).contains("damaged"), "{}", path.display());
            let new = tempfile::tempdir().unwrap();
            let node = new.path().join("node");
            assert!(restore(&RealDisk, to.path(), &node, UpTo::Everything).is_err());
            assert!(!node.join("log").exists());
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(check_backup(&RealDisk, to.path()).is_ok());
}
