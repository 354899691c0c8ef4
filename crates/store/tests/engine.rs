//! The embedded engine by itself: thinning, what is lost and made again, faults of its disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use store::{
    Error,
    engine::{BULKY, Batch, DERIVED, Direction, Embedded, Engine, Rows, Tuning},
};

const SMALL: Tuning = Tuning {
    cache: 1 << 20,
    durable: false,
    segment_bytes: 4000,
    memtable_bytes: 1 << 16,
    quiet: Duration::ZERO,
};

fn fact(n: u16) -> Vec<u8> {
    [&[1, 0, 1], n.to_be_bytes().as_slice()].concat()
}
fn derived(n: u16) -> Vec<u8> {
    [&[1, 0, DERIVED], n.to_be_bytes().as_slice()].concat()
}
fn bulky(n: u16) -> Vec<u8> {
    [&[1, 0, BULKY], n.to_be_bytes().as_slice()].concat()
}
/// 300 bytes that do not pack well.
fn body(n: u16) -> Vec<u8> {
    let mix = |i: u64| (u64::from(n) << 32 | i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    (0..300).map(|i| mix(i) as u8).collect()
}
fn rows(n: u16) -> Batch {
    Batch::from([
        (fact(n), Some(n.to_be_bytes().to_vec())),
        (derived(n), Some(vec![7; 40])),
        (bulky(n), Some(body(n))),
    ])
}
fn filled(dir: &Path, groups: std::ops::Range<u16>) -> Embedded {
    let engine = Embedded::open(dir, SMALL).unwrap();
    for n in groups {
        engine.commit(&rows(n)).unwrap();
    }
    engine
}
fn get(engine: &Embedded, key: &[u8]) -> Option<Vec<u8>> {
    engine.snapshot().unwrap().get(key).unwrap()
}
fn has(engine: &Embedded, n: u16) -> bool {
    let whole = get(engine, &bulky(n)) == Some(body(n));
    assert_eq!(
        whole,
        get(engine, &fact(n)) == Some(n.to_be_bytes().to_vec())
    );
    whole
}
fn log(dir: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("log")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == end));
    paths.sort();
    paths
}
fn lose_projection(dir: &Path) {
    std::fs::remove_dir_all(dir.join("projection")).unwrap();
}

#[test]
fn thinned_segments_hold_the_facts_and_every_reader_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = filled(dir.path(), 0..100);
    let before = engine.snapshot().unwrap();
    assert!(!log(dir.path(), "log").is_empty());
    engine.thin().unwrap();
    assert_eq!(log(dir.path(), "log").len(), 1);
    assert!(log(dir.path(), "facts").len() > 5);
    for n in 0..100 {
        assert!(has(&engine, n));
        assert_eq!(get(&engine, &derived(n)), Some(vec![7; 40]));
        assert_eq!(before.get(&bulky(n)).unwrap(), Some(body(n)));
    }
    let mut seen = Rows::default();
    let (from, to) = (bulky(10), bulky(20));
    before
        .scan(&from, &to, Direction::Down, 3, &mut seen)
        .unwrap();
    let seen: Vec<_> = seen.iter().map(|(_, value)| value.to_vec()).collect();
    assert_eq!(seen, [body(19), body(18), body(17)]);
    drop((before, engine));
    let engine = filled(dir.path(), 100..110);
    assert!((0..110).all(|n| has(&engine, n)));
}

#[test]
fn a_projection_lost_after_thinning_is_made_from_facts_and_says_that_the_rest_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let engine = filled(dir.path(), 0..100);
    engine
        .commit(&Batch::from([(bulky(3), None), (fact(3), None)]))
        .unwrap();
    engine.thin().unwrap();
    engine.commit(&rows(100)).unwrap();
    drop(engine);
    lose_projection(dir.path());
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    assert!(engine.incomplete().unwrap());
    assert!((0..=100).all(|n| has(&engine, n) == (n != 3)));
    // Also not what the last, whole segment still has of them: all or nothing is the easier state to go on from.
    assert!((0..=100).all(|n| get(&engine, &derived(n)).is_none()));
    engine
        .derive(&Batch::from([(derived(1), Some(vec![1]))]))
        .unwrap();
    drop(engine);
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    assert!(engine.incomplete().unwrap());
    engine
        .derive(&Batch::from([(derived(2), Some(vec![2]))]))
        .unwrap();
    engine.complete().unwrap();
    engine.commit(&rows(101)).unwrap();
    drop(engine);
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    assert!(!engine.incomplete().unwrap());
    assert_eq!(get(&engine, &derived(2)), Some(vec![2]));
    assert!(has(&engine, 101));
    engine.forget_derived().unwrap();
    drop(engine);
    assert!(
        Embedded::open(dir.path(), SMALL)
            .unwrap()
            .incomplete()
            .unwrap()
    );
}

#[test]
fn a_kill_while_thinning_leaves_nothing_to_repair() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path(), 0..40));
    let whole = tempfile::tempdir().unwrap();
    for path in log(dir.path(), "log") {
        std::fs::copy(&path, whole.path().join(path.file_name().unwrap())).unwrap();
    }
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    engine.thin().unwrap();
    drop(engine);
    // Killed after the thinned file had its name, before the whole one was removed; and in the middle of the next.
    for entry in std::fs::read_dir(whole.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(
            &path,
            dir.path().join("log").join(path.file_name().unwrap()),
        )
        .unwrap();
    }
    let half = std::fs::read(&log(dir.path(), "facts")[1]).unwrap();
    std::fs::write(
        dir.path().join("log/0000000000000002.new"),
        &half[..half.len() / 2],
    )
    .unwrap();
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    assert!((0..40).all(|n| has(&engine, n)));
    assert!(log(dir.path(), "new").is_empty());
    let thinned = log(dir.path(), "facts");
    for path in log(dir.path(), "log") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(!thinned.iter().any(|thin| {
            thin.file_stem().unwrap().to_str() == name.split_once('-').map(|(first, _)| first)
        }));
    }
}

#[test]
fn a_record_torn_at_any_byte_is_no_record_and_all_before_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let plain = Tuning {
        segment_bytes: 1 << 20,
        ..SMALL
    };
    let commit = |engine: &Embedded, n: u16| {
        let row = (fact(n), Some(n.to_be_bytes().to_vec()));
        let body = (bulky(n), Some(b"twelve bytes".to_vec()));
        engine.commit(&Batch::from([row, body])).unwrap();
    };
    let engine = Embedded::open(dir.path(), plain).unwrap();
    commit(&engine, 0);
    commit(&engine, 1);
    let path = log(dir.path(), "log").remove(0);
    let before = std::fs::read(&path).unwrap().len();
    commit(&engine, 2);
    drop(engine);
    let whole = std::fs::read(&path).unwrap();
    for length in before..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        lose_projection(dir.path());
        let engine = Embedded::open(dir.path(), plain).unwrap();
        assert!(get(&engine, &bulky(1)).is_some() && get(&engine, &fact(2)).is_none());
        commit(&engine, 3);
        drop(engine);
        lose_projection(dir.path());
        let engine = Embedded::open(dir.path(), plain).unwrap();
        assert!(get(&engine, &fact(1)).is_some() && get(&engine, &bulky(3)).is_some());
        assert!(get(&engine, &bulky(2)).is_none());
    }
}

#[test]
fn a_projection_that_cannot_be_written_refuses_in_time_and_goes_on_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    let tables = dir.path().join("projection/tables");
    let aside = dir.path().join("aside");
    assert!(tables.is_dir());
    std::fs::rename(&tables, &aside).unwrap();
    std::fs::write(&tables, b"in the way").unwrap();
    let wide = |n: u16| Batch::from([(fact(n), Some(vec![1; 5000])), (bulky(n), Some(body(n)))]);
    let mut stored = 0;
    let refused = loop {
        assert!(stored < 1000, "memory is not bounded");
        match engine.commit(&wide(stored)) {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Disk(_)), "{refused:?}");
    assert!((0..stored).all(|n| get(&engine, &bulky(n)) == Some(body(n))));
    assert_eq!(get(&engine, &bulky(stored)), None);
    std::fs::remove_file(&tables).unwrap();
    std::fs::rename(&aside, &tables).unwrap();
    // The first tries may still hear of the old failure; none waits for a restart.
    let went_on = (0..10).any(|_| engine.commit(&wide(stored)).is_ok());
    assert!(went_on);
    drop(engine);
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    assert!((0..=stored).all(|n| get(&engine, &bulky(n)) == Some(body(n))));
}

/// A row that the engine keeps at hand when it was looked up (the card of a resource).
fn card(n: u16) -> Vec<u8> {
    [&[1, 0, 0x11], n.to_be_bytes().as_slice()].concat()
}

/// Looks up and commits in any order: every view, however old, sees the rows of its moment.
#[test]
fn what_is_looked_up_again_is_what_the_view_saw() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    let mut now = Batch::new();
    let mut views = Vec::new();
    let mut dice = 7_u64;
    let mut roll = |sides: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for n in 0..20_000_u32 {
        let key = card(roll(300) as u16);
        match roll(10) {
            0 => {
                let value = (roll(5) > 0).then(|| n.to_be_bytes().repeat(10));
                engine
                    .commit(&Batch::from([(key.clone(), value.clone())]))
                    .unwrap();
                now.insert(key, value);
            }
            1 if views.len() < 8 => views.push((engine.snapshot().unwrap(), now.clone())),
            2 if !views.is_empty() => drop(views.swap_remove(roll(views.len() as u64) as usize)),
            _ => {
                for (view, then) in &views {
                    let wanted = then.get(&key).cloned().flatten();
                    assert_eq!(view.get(&key).unwrap(), wanted);
                }
                assert_eq!(get(&engine, &key), now.get(&key).cloned().flatten());
            }
        }
    }
}

/// Two rows are always written together; nobody who looks both up may see one without the other, nor go back.
#[test]
fn who_looks_up_while_others_write_sees_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Embedded::open(dir.path(), SMALL).unwrap();
    let both = |n: u32| {
        let value = Some(n.to_be_bytes().to_vec());
        Batch::from([(card(1), value.clone()), (card(2), value)])
    };
    engine.commit(&both(0)).unwrap();
    let last = 3_000_u32;
    std::thread::scope(|scope| {
        for order in [[1, 2], [2, 1], [1, 2]] {
            let engine = &engine;
            scope.spawn(move || {
                let mut before = Vec::new();
                while before != last.to_be_bytes() {
                    let view = engine.snapshot().unwrap();
                    let seen = order.map(|n| view.get(&card(n)).unwrap().unwrap());
                    assert_eq!(seen[0], seen[1]);
                    assert!(seen[0] >= before);
                    before.clone_from(&seen[0]);
                }
            });
        }
        for n in 1..=last {
            engine.commit(&both(n)).unwrap();
        }
    });
}
