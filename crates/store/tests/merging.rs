//! What is merged while nobody asks: it takes less on the disk, says the same, and may be cut short at any moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};
use store::{
    engine::{Direction, Embedded, Engine, Rows, Tuning},
    *,
};

const LONG: Duration = Duration::from_secs(3600);
/// Longer than any machine needs.
const ENOUGH: Duration = Duration::from_secs(300);

fn engine(dir: &Path, quiet: Duration) -> Arc<Embedded> {
    let tuning = Tuning {
        durable: false,
        memtable_bytes: 1 << 20,
        quiet,
        ..Tuning::default()
    };
    Arc::new(Embedded::open(dir, tuning).unwrap())
}

fn observation(n: usize, value: usize) -> String {
    let (person, day) = (n % 40, 1 + n % 28);
    format!(
        r#"{{"resourceType":"Observation","id":"o{n}","identifier":[{{"system":"https://lab.example.mx","value":"R-{n}"}}],"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"c{}","display":"Prueba {}"}}]}},"subject":{{"reference":"Patient/p{person}"}},"effectiveDateTime":"2024-05-{day:02}","valueQuantity":{{"value":{value},"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"}}}}"#,
        n % 9,
        n % 9
    )
}

/// An archive of some thousand resources, most of them changed, some of them gone; a copy each time.
fn filled() -> tempfile::TempDir {
    static ONCE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let filled = ONCE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        dir
    });
    let dir = tempfile::tempdir().unwrap();
    copy(filled.path(), dir.path());
    dir
}

fn fill(dir: &Path) {
    let engine = engine(dir, LONG);
    let house = over(engine.clone(), &dir.join("keys"));
    let mut acts = 0;
    let mut write = |changes| {
        acts += 1;
        let act = Box::new(move |_: &[Written]| act(acts));
        let written = house.store.write(&house.all(), changes, at(0), act);
        written.unwrap();
    };
    for round in 0..3 {
        let all: Vec<usize> = (0..2000).filter(|n| n % (round + 1) == 0).collect();
        for some in all.chunks(100) {
            let texts = some.iter().map(|n| observation(*n, n + round));
            write(texts.map(|text| put(&text)).collect());
        }
    }
    for n in (0..2000).step_by(50) {
        write(vec![Change::Delete {
            of: of("Observation"),
            id: format!("o{n}"),
            if_match: None,
        }]);
    }
    drop(house);
    engine.persist().unwrap();
}

/// Every row of every partition.
fn rows(engine: &Embedded) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let snapshot = engine.snapshot().unwrap();
    let mut all = BTreeMap::new();
    for partition in [1u16, 2, 3, 4, 0x100] {
        for family in 0u16..=255 {
            let family = u32::from(partition) * 256 + u32::from(family);
            let (place, end) = (family.to_be_bytes(), (family + 1).to_be_bytes());
            let mut found = Rows::default();
            snapshot
                .scan(
                    &place[1..],
                    &end[1..],
                    Direction::Up,
                    usize::MAX,
                    &mut found,
                )
                .unwrap();
            all.extend(
                found
                    .iter()
                    .map(|(key, value)| (key.to_vec(), value.to_vec())),
            );
        }
    }
    all
}

/// The sorted files and their sizes.
fn files(dir: &Path) -> BTreeMap<String, u64> {
    let entries = std::fs::read_dir(dir.join("projection/tables")).unwrap();
    entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, entry.metadata().map_or(0, |meta| meta.len()))
        })
        .collect()
}

fn bytes(dir: &Path) -> u64 {
    files(dir).values().sum()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let there = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &there),
            false => drop(std::fs::copy(entry.path(), there).unwrap()),
        }
    }
}

#[test]
fn at_rest_nothing_is_left_of_what_was_merged_away_and_every_row_is_as_before() {
    let dir = filled();
    let busy = engine(dir.path(), LONG);
    let all = rows(&busy);
    let before = bytes(dir.path());
    assert!(!busy.rested(Duration::ZERO).unwrap());
    drop(busy);
    let quiet = engine(dir.path(), Duration::ZERO);
    assert!(quiet.rested(ENOUGH).unwrap());
    let after = bytes(dir.path());
    assert!(after < before * 19 / 20, "{before} bytes, then {after}");
    assert!(rows(&quiet) == all, "a row is another one");
    drop(quiet);
    // An opening removes what is not part of the tree: there was nothing of that.
    let reopened = engine(dir.path(), LONG);
    assert_eq!(bytes(dir.path()), after);
    assert!(rows(&reopened) == all);
    let house = over(reopened, &dir.path().join("keys"));
    let checkup = house.store.fsck(&house.seal, &Counting, &mut |_| {});
    assert_eq!(checkup.unwrap().findings, 0);
    let seven = house.read(&house.all(), "Observation/o7").unwrap();
    assert_eq!(seven.version, 1);
    assert!(house.read(&house.all(), "Observation/o50").unwrap().deleted);
}

#[test]
fn a_view_keeps_what_it_looks_at_and_lets_go_of_it_at_its_end() {
    let dir = filled();
    let engine = engine(dir.path(), Duration::ZERO);
    let view = engine.snapshot().unwrap();
    let key = rows(&engine).into_iter().find(|(key, _)| key.len() > 20);
    let (key, value) = key.unwrap();
    let change = engine::Batch::from([(key.clone(), Some(b"another".to_vec()))]);
    engine.commit(&change).unwrap();
    engine.persist().unwrap();
    // It is merged all the same; only the files stay.
    assert!(!engine.rested(Duration::from_secs(2)).unwrap());
    assert_eq!(view.get(&key).unwrap(), Some(value));
    let held = bytes(dir.path());
    drop(view);
    assert!(engine.rested(ENOUGH).unwrap());
    assert!(bytes(dir.path()) < held);
    let now = engine.snapshot().unwrap().get(&key).unwrap();
    assert_eq!(now, Some(b"another".to_vec()));
}

#[test]
fn it_stands_still_while_somebody_asks_and_a_crash_in_the_middle_loses_no_row() {
    // Whether a step is under way when somebody begins to ask is for the machine's clock to say: tried at other moments
    // until one was.
    let mut moments = (51..91).cycle().take(200).map(Duration::from_millis);
    assert!(
        moments.any(stood_still_in_the_middle),
        "no copy was made in the middle"
    );
}

fn stood_still_in_the_middle(after: Duration) -> bool {
    let dir = filled();
    let plain = engine(dir.path(), LONG);
    let all = rows(&plain);
    drop(plain);
    let merged = engine(dir.path(), Duration::ZERO);
    let (asking, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut in_the_middle = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(SeqCst) {
                match asking.load(SeqCst) {
                    true => drop(merged.snapshot().unwrap()),
                    false => std::thread::yield_now(),
                }
            }
        });
        // It goes on for a moment, then somebody asks until the whole folder was copied as a crash would leave it.
        while !merged.rested(after).unwrap() {
            asking.store(true, SeqCst);
            let crashed = tempfile::tempdir().unwrap();
            let before = files(dir.path());
            let copied = std::panic::catch_unwind(|| copy(dir.path(), crashed.path())).is_ok();
            if copied && before == files(dir.path()) {
                let begun = files(crashed.path()).len();
                let opened = engine(crashed.path(), LONG);
                assert!(rows(&opened) == all, "a row is another one");
                in_the_middle += usize::from(files(crashed.path()).len() < begun);
            }
            asking.store(false, SeqCst);
        }
        done.store(true, SeqCst);
    });
    assert!(rows(&merged) == all);
    in_the_middle > 0
}

#[test]
fn the_end_comes_at_once_also_in_the_middle() {
    let dir = filled();
    let engine = |quiet| engine(dir.path(), quiet);
    let all = rows(&engine(LONG));
    let (mut ended, mut there) = (0, files(dir.path()).len());
    // Each opening begins to merge and is closed at once; none leaves a file that is not part of the tree.
    for _ in 0..20 {
        drop(engine(Duration::ZERO));
        let now = files(dir.path()).len();
        ended += usize::from(now == there);
        there = now;
        drop(engine(LONG));
        assert_eq!(files(dir.path()).len(), there);
    }
    assert!(ended > 0);
    assert!(rows(&engine(LONG)) == all);
}

#[test]
fn how_far_it_is_can_be_asked_while_what_was_merged_away_is_let_go_of() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), Duration::ZERO);
    let house = over(engine.clone(), &dir.path().join("keys"));
    for round in 0..250 {
        let act = Box::new(move |_: &[Written]| act(round));
        let changes = vec![put(&observation(1, usize::from(round)))];
        house
            .store
            .write(&house.all(), changes, at(0), act)
            .unwrap();
        // The first has a file written; the others look up how far that is while it is taken up and older ones leave.
        for _ in 0..4 {
            engine.persist().unwrap();
        }
    }
}
