//! What the PostgreSQL engine promises, with a server that is killed, cut off, full and taken over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::{
    places::{over, settings},
    server::{Database, Server, sql},
    *,
};
use proptest::prelude::*;
use std::{
    io::{Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use store::{
    engine::{
        Batch, Direction, Engine, Memory, Postgres, PostgresSettings, Recorded, Rows, Scratch,
        Snapshot,
    },
    *,
};

fn basic(id: &str) -> String {
    format!(r#"{{"resourceType":"Basic","id":"{id}","code":{{"text":"{id}"}}}}"#)
}

fn there(house: &House, id: &str) -> bool {
    let found = house.store.look(&house.seal, of("Basic"), id).unwrap();
    found.is_some()
}

fn row(key: &[u8], value: &[u8]) -> Batch {
    Batch::from([(key.to_vec(), Some(value.to_vec()))])
}

/// Short keys over few bytes, so that they meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let family = prop_oneof![Just(1u8), Just(2), Just(0x80), Just(0xff)];
    let end = prop::collection::vec(
        prop_oneof![Just(0u8), Just(1), Just(0xfe), Just(0xff)],
        0..4,
    );
    (1..3u8, family, end)
        .prop_map(|(partition, family, end)| [vec![0, partition, family], end].concat())
}

fn batches() -> impl Strategy<Value = Vec<Batch>> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..6));
    prop::collection::vec(prop::collection::btree_map(key(), value, 0..12), 1..8)
}

fn scanned(
    view: &dyn Snapshot,
    from: &[u8],
    to: &[u8],
    way: Direction,
    limit: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Rows::default();
    view.scan(from, to, way, limit, &mut rows).unwrap();
    rows.iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn it_answers_as_the_engine_in_memory_does(batches in batches(), asked in prop::collection::vec(key(), 8)) {
        let Some(database) = Database::new() else { return Ok(()) };
        let (memory, postgres) = (Memory::default(), Postgres::open(settings(&database.address)).unwrap());
        for batch in &batches {
            memory.commit(batch).unwrap();
            postgres.commit(batch).unwrap();
        }
        for view in [postgres.snapshot().unwrap(), postgres.writing().unwrap()] {
            let plain = memory.snapshot().unwrap();
            prop_assert_eq!(view.get_many(&asked).unwrap(), plain.get_many(&asked).unwrap());
            for pair in asked.chunks(2) {
                let [a, b] = pair else { continue };
                prop_assert_eq!(view.get(a).unwrap(), plain.get(a).unwrap());
                // Within one family, as the contract has it; the end may be that of the family.
                let mut end = a[..3].to_vec();
                end.push(0xff);
                for to in [b.clone().max(a.clone()), end] {
                    if to[..3] != a[..3] { continue }
                    for (way, limit) in [(Direction::Up, usize::MAX), (Direction::Down, usize::MAX), (Direction::Up, 2), (Direction::Down, 1)] {
                        prop_assert_eq!(scanned(&*view, a, &to, way, limit), scanned(&*plain, a, &to, way, limit));
                    }
                }
            }
        }
    }
}

#[test]
fn the_last_family_of_a_partition_ends_where_the_next_partition_starts() {
    let Some(database) = Database::new() else {
        return;
    };
    let engine = Postgres::open(settings(&database.address)).unwrap();
    engine
        .commit(&row(&[0, 1, 0xff, 0xff, 0xff], b"last"))
        .unwrap();
    engine.commit(&row(&[0, 2, 0xff, 0], b"other")).unwrap();
    let view = engine.snapshot().unwrap();
    let found = scanned(&*view, &[0, 1, 0xff], &[0, 2], Direction::Down, 9);
    assert_eq!(found, [(vec![0, 1, 0xff, 0xff, 0xff], b"last".to_vec())]);
}

#[test]
fn an_archive_in_a_schema_of_its_own_goes_with_it_and_its_rows_can_be_written_plainly() {
    let Some(database) = Database::new() else {
        return;
    };
    let count = |what: &str| sql(&database.address, &format!("select count(*) from {what}"));
    let scratch = Scratch::make(settings(&database.address), "bench_1").unwrap();
    assert!(Scratch::make(settings(&database.address), "bench_1").is_err());
    let engine = Postgres::open(PostgresSettings {
        schema: Some("bench_1".into()),
        ..settings(&database.address)
    });
    let engine = Recorded::new(Arc::new(engine.unwrap()));
    engine.start(1 << 20);
    engine.commit(&row(&[0, 1, 1, 1], b"first")).unwrap();
    let mut second = row(&[0, 1, 1, 1], b"again");
    second.insert(vec![0, 1, 1, 2], Some(b"gone soon".to_vec()));
    second.insert(vec![0, 1, 0x80, 3], Some(b"bulky".to_vec()));
    engine.commit(&second).unwrap();
    engine
        .commit(&Batch::from([(vec![0, 1, 1, 2], None)]))
        .unwrap();
    let recording = engine.stop();
    for _ in 0..2 {
        assert_eq!(scratch.plain(&recording).unwrap().rows, 2);
    }
    for way in ["copied", "inserted"] {
        assert_eq!(
            count(&format!("bench_1.{way}_row where value = 'again'")),
            "1"
        );
        assert_eq!(count(&format!("bench_1.{way}_row")), "1");
        assert_eq!(count(&format!("bench_1.{way}_bulk")), "1");
    }
    assert!(scratch.bytes().unwrap() > 0);
    assert_eq!(count("pg_tables where schemaname = 'public'"), "0");
    drop(engine);
    drop(scratch);
    assert_eq!(count("pg_namespace where nspname = 'bench_1'"), "0");
}

#[test]
fn a_view_stays_as_it_was_at_its_first_question() {
    let Some(database) = Database::new() else {
        return;
    };
    let engine = Postgres::open(settings(&database.address)).unwrap();
    let (one, other) = (vec![0, 1, 1, 1], vec![0, 1, 0x80, 1]);
    engine.commit(&row(&one, b"before")).unwrap();
    let view = engine.snapshot().unwrap();
    assert_eq!(view.get(&one).unwrap(), Some(b"before".to_vec()));
    engine.commit(&row(&one, b"after")).unwrap();
    engine.commit(&row(&other, b"new")).unwrap();
    let both = [one.clone(), other.clone()];
    assert_eq!(
        view.get_many(&both).unwrap(),
        [Some(b"before".to_vec()), None]
    );
    let later = engine.snapshot().unwrap();
    assert_eq!(
        later.get_many(&both).unwrap(),
        [Some(b"after".to_vec()), Some(b"new".to_vec())]
    );
}

#[test]
fn readers_beyond_the_connections_hear_busy_and_one_that_reads_already_is_let_on() {
    let Some(database) = Database::new() else {
        return;
    };
    let settings = PostgresSettings {
        connections: 1,
        wait: Duration::from_millis(200),
        ..settings(&database.address)
    };
    let engine = Postgres::open(settings).unwrap();
    let key = [0, 1, 1, 1];
    let first = engine.snapshot().unwrap();
    first.get(&key).unwrap();
    let elsewhere = std::thread::scope(|scope| {
        scope
            .spawn(|| engine.snapshot().unwrap().get(&key).map(drop))
            .join()
            .unwrap()
    });
    assert!(matches!(elsewhere, Err(Error::Busy)), "{elsewhere:?}");
    engine.snapshot().unwrap().get(&key).unwrap();
    drop(first);
    std::thread::scope(|scope| {
        scope
            .spawn(|| engine.snapshot().unwrap().get(&key).unwrap())
            .join()
            .unwrap()
    });
}

#[test]
fn a_second_node_is_refused_with_a_sentence_and_let_in_when_the_first_is_gone() {
    let Some(database) = Database::new() else {
        return;
    };
    let impatient = || PostgresSettings {
        patience: Duration::from_millis(200),
        ..settings(&database.address)
    };
    let first = over(impatient(), database.keys.path()).unwrap();
    first.put(&[&basic("a")]);
    let Err(Error::Disk(why)) = over(impatient(), database.keys.path()) else {
        panic!("two nodes have one database");
    };
    assert!(
        why.contains("another node has the database") && why.contains("server process"),
        "{why}"
    );
    drop(first);
    assert!(there(
        &over(settings(&database.address), database.keys.path()).unwrap(),
        "a"
    ));
}

#[test]
fn a_node_that_was_taken_for_dead_and_replaced_writes_nothing_any_more() {
    let Some(database) = Database::new() else {
        return;
    };
    let patience = Duration::from_millis(300);
    let ours = || PostgresSettings {
        patience,
        ..settings(&database.address)
    };
    let old = over(ours(), database.keys.path()).unwrap();
    old.put(&[&basic("a")]);
    // Its sessions die, and another node is quicker to take the lock. The server lets go of a
    // lock in its own time after a session has ended, so whoever must get it is patient.
    cut(&database.address);
    let new = over(settings(&database.address), database.keys.path()).unwrap();
    new.put(&[&basic("b")]);
    let refused = old.try_put(&[&basic("ghost")]);
    assert!(refused.is_err(), "{refused:?}");
    drop(new);
    // The lock is free again, once the server has seen it; the epoch is another one.
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match old.try_put(&[&basic("ghost")]) {
            Err(Error::Disk(why)) if why.contains("behind this node's back") => break,
            Err(Error::Disk(why)) if why.contains("another node has the database") => {
                assert!(
                    Instant::now() < until,
                    "nobody has the lock, and still: {why}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    drop(old);
    let house = over(settings(&database.address), database.keys.path()).unwrap();
    assert!(there(&house, "a") && there(&house, "b") && !there(&house, "ghost"));
}

#[test]
fn a_session_that_kept_its_connection_but_not_its_right_writes_nothing() {
    let Some(database) = Database::new() else {
        return;
    };
    let engine = Postgres::open(settings(&database.address)).unwrap();
    engine.commit(&row(&[0, 1, 1, 1], b"ours")).unwrap();
    sql(
        &database.address,
        r"update tejido_row set value = '\x00000000000000090000000000000001' where partition = 0",
    );
    let refused = engine.commit(&row(&[0, 1, 1, 2], b"ghost"));
    assert!(
        matches!(&refused, Err(Error::Disk(why)) if why.contains("behind this node's back")),
        "{refused:?}"
    );
    assert_eq!(engine.snapshot().unwrap().get(&[0, 1, 1, 2]).unwrap(), None);
}

/// Ends all sessions of nodes in a database.
fn cut(address: &str) {
    sql(
        address,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tejido' and datname = current_database()",
    );
}

#[test]
fn connections_that_were_cut_are_made_again_and_nobody_notices() {
    let Some(database) = Database::new() else {
        return;
    };
    let house = over(settings(&database.address), database.keys.path()).unwrap();
    for round in 0..5 {
        let id = format!("r{round}");
        house.put(&[&basic(&id)]);
        cut(&database.address);
        assert!(there(&house, &id), "a read after the cut");
        cut(&database.address);
    }
    assert!((0..5).all(|round| there(&house, &format!("r{round}"))));
}

/// What the wire between node and server does with the next commit.
const PASS: u8 = 0;
/// It arrives; its answer does not.
const LOSE_ANSWER: u8 = 1;
/// It does not arrive.
const LOSE_COMMIT: u8 = 2;
/// It arrives, its answer does not, and from then on nobody gets through.
const LOSE_ANSWER_AND_GO_DEAF: u8 = 3;
/// Nobody gets through.
const DEAF: u8 = 4;

/// A wire that can be made to fail during a commit.
struct Wire {
    mode: Arc<AtomicU8>,
    dir: tempfile::TempDir,
}

impl Wire {
    fn to(server: &Server) -> Wire {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.5432")).unwrap();
        let there = Path::new(server.dir()).join(".s.PGSQL.5432");
        let mode = Arc::new(AtomicU8::new(PASS));
        let set = mode.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), true) = (near, set.load(SeqCst) != DEAF) else {
                    continue;
                };
                if let Ok(far) = UnixStream::connect(&there) {
                    join(&near, &far, &set);
                }
            }
        });
        Wire { mode, dir }
    }
    fn set(&self, mode: u8) {
        self.mode.store(mode, SeqCst);
    }
    fn address(&self, database: &str) -> String {
        let dir = self.dir.path().display();
        format!("host={dir} user=tejido dbname={database}")
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn join(near: &UnixStream, far: &UnixStream, mode: &Arc<AtomicU8>) {
    let losing = Arc::new(AtomicBool::new(false));
    let both = || (near.try_clone().unwrap(), far.try_clone().unwrap());
    let (mut from, mut to) = both();
    let (set, lost) = (mode.clone(), losing.clone());
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..read];
            if has(bytes, b"begin read write") {
                match set.load(SeqCst) {
                    LOSE_ANSWER | LOSE_ANSWER_AND_GO_DEAF => lost.store(true, SeqCst),
                    LOSE_COMMIT => {
                        set.store(PASS, SeqCst);
                        break;
                    }
                    _ => {}
                }
            }
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut to, mut from) = both();
    let set = mode.clone();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        let mut swallowed = Vec::new();
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..read];
            if losing.load(SeqCst) {
                swallowed.extend_from_slice(bytes);
                if has(&swallowed, b"COMMIT\0") {
                    let next = if set.load(SeqCst) == LOSE_ANSWER {
                        PASS
                    } else {
                        DEAF
                    };
                    set.store(next, SeqCst);
                    break;
                }
            } else if to.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn a_commit_whose_answer_was_lost_is_looked_up_before_anything_is_said_of_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let wire = Wire::to(&server);
    let keys = tempfile::tempdir().unwrap();
    let house = over(settings(&wire.address("postgres")), keys.path()).unwrap();
    house.put(&[&basic("before")]);
    wire.set(LOSE_ANSWER);
    let done = house.put(&[&basic("stored")]);
    assert_eq!(done.written[0].version.version, 1);
    wire.set(LOSE_COMMIT);
    let refused = house.try_put(&[&basic("lost")]);
    assert!(
        matches!(&refused, Err(Error::Disk(why)) if why.contains("undone")),
        "{refused:?}"
    );
    let after = house.put(&[&basic("after")]);
    assert_eq!(after.sequence, done.sequence + 1);
    assert!(there(&house, "before") && there(&house, "stored") && there(&house, "after"));
    assert!(!there(&house, "lost"));
}

#[test]
fn a_commit_that_cannot_be_looked_up_in_time_is_said_to_be_uncertain_and_the_node_goes_on_rightly()
{
    let Some(server) = Server::start() else {
        return;
    };
    let wire = Wire::to(&server);
    let keys = tempfile::tempdir().unwrap();
    let impatient = PostgresSettings {
        patience: Duration::from_secs(1),
        ..settings(&wire.address("postgres"))
    };
    let house = over(impatient, keys.path()).unwrap();
    let before = house.put(&[&basic("before")]);
    wire.set(LOSE_ANSWER_AND_GO_DEAF);
    let refused = house.try_put(&[&basic("maybe")]);
    assert!(matches!(refused, Err(Error::Uncertain(_))), "{refused:?}");
    let refused = house.try_put(&[&basic("not")]);
    assert!(matches!(refused, Err(Error::Disk(_))), "{refused:?}");
    wire.set(PASS);
    let after = house.put(&[&basic("after")]);
    assert!(there(&house, "maybe") && there(&house, "after") && !there(&house, "not"));
    // The log has a leaf for what was stored without a word, and goes on after it.
    assert_eq!(after.receipt.leaf, before.receipt.leaf + 2);
    assert_eq!(after.sequence, before.sequence + 2);
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_nothing_that_was_acknowledged() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let address = server.address();
    let keys = tempfile::tempdir().unwrap();
    let house = over(settings(&address), keys.path()).unwrap();
    let ended = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (house, ended) = (&house, &ended);
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    let mut number = 0;
                    while !ended.load(SeqCst) {
                        let id = format!("w{writer}-{number}");
                        // Two resources, so that half of one would show.
                        let pair = [basic(&id), basic(&format!("{id}-twin"))];
                        if house.try_put(&[&pair[0], &pair[1]]).is_ok() {
                            kept.push(id);
                        }
                        number += 1;
                    }
                    (number, kept)
                })
            })
            .collect();
        for _ in 0..3 {
            // Some commits must have come through since the last kill.
            let seen = || {
                sql(&address, "select count(*) from tejido_bulk")
                    .parse::<u64>()
                    .unwrap()
            };
            let start = seen();
            while seen() < start + 20 {}
            server.kill();
            server.restart();
        }
        ended.store(true, SeqCst);
        let made = writers.into_iter().map(|writer| writer.join().unwrap());
        made.collect::<Vec<_>>()
    });
    drop(house);
    let house = over(settings(&address), keys.path()).unwrap();
    for (writer, (tried, kept)) in acknowledged.into_iter().enumerate() {
        assert!(!kept.is_empty());
        for id in kept {
            assert!(there(&house, &id), "{id} was acknowledged and is lost");
        }
        for number in 0..tried {
            let id = format!("w{writer}-{number}");
            assert_eq!(
                there(&house, &id),
                there(&house, &format!("{id}-twin")),
                "half of {id}"
            );
        }
    }
    house.put(&[&basic("after")]);
}

#[test]
fn what_the_operator_must_know_is_said_in_words_and_without_the_password() {
    let Some(database) = Database::new() else {
        return;
    };
    let said = |address: String| match Postgres::open(PostgresSettings {
        password: Some("verysecret".into()),
        ..settings(&address)
    }) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{address} was opened"),
    };
    let missing = said(format!("{} dbname=nowhere", plain(&database.address)));
    assert!(missing.contains("there is no such database"), "{missing}");
    let absent = said("host=/nowhere user=tejido dbname=t".into());
    assert!(absent.contains("cannot be reached"), "{absent}");
    for said in [missing, absent] {
        assert!(!said.contains("verysecret"), "{said}");
    }
}

/// The address in its other form; as it is when it is in that form already.
fn plain(address: &str) -> String {
    let Some(rest) = address.split_once("://").map(|(_, rest)| rest) else {
        return address.to_owned();
    };
    let rest = rest.split('?').next().unwrap();
    let (user, host) = rest.split_once('@').unwrap_or(("", rest));
    let host = host.split('/').next().unwrap();
    let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
    let user = user.split(':').next().unwrap();
    format!("host={host} port={port} user={user}")
}
