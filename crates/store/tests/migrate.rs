//! An archive moves between engines: nothing is lost, an interrupted move goes on, and there are never two archives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::{places::settings, server::Database, *};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};
use store::{
    engine::{Batch, Embedded, Engine, Memory, Postgres, Snapshot, Tuning},
    migrate::{Moved, Progress, migrate},
    *,
};

fn house(engine: Arc<dyn Engine>, keys: &Path) -> Result<House> {
    let options = Options {
        keyring: Some(keys.to_owned()),
        ..Options::default()
    };
    let (store, seal) = Store::over(engine, options, Box::new(TestRules), Box::new(TestWitness))?;
    Ok(House { store, seal })
}

/// Versions, deletions, acts, and more rows than one commit of a copy takes.
fn live(house: &House) {
    house.put(&[
        r#"{"resourceType":"Patient","id":"ana","identifier":[{"system":"curp","value":"A1"}]}"#,
    ]);
    for round in 0..3 {
        let texts: Vec<String> = (0..200)
            .map(|n| {
                format!(
                    r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"subject":{{"reference":"Patient/ana"}},"effectiveDateTime":"2024-01-0{}","valueQuantity":{{"value":{n}.{round},"unit":"mg"}}}}"#,
                    1 + n % 9
                )
            })
            .collect();
        house.put(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    }
    house.delete("Observation/o7");
    house.read(&house.all(), "Patient/ana");
}

/// Everything that can be asked of an archive's past.
fn told(house: &House) -> Vec<(String, u64, Vec<u8>)> {
    let mut all = Vec::new();
    let (permit, mut next) = (house.all(), None);
    loop {
        let held = house
            .store
            .history(
                &permit,
                &HistoryOf::System,
                &When::default(),
                50,
                next.as_ref(),
            )
            .unwrap();
        let page = house.open(&permit, held);
        all.extend(
            page.matches
                .into_iter()
                .map(|one| (one.id, one.version, one.body.to_vec())),
        );
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    for place in 0..5u64 {
        let leaf = house
            .store
            .witnessed(format!("leaf{place}").as_bytes())
            .unwrap()
            .unwrap();
        all.push(("leaf".into(), place, leaf));
    }
    let acts = house.store.acts(&house.seal, b"all", Some(5), 100).unwrap();
    all.extend(
        acts.into_iter()
            .map(|(place, act)| ("act".into(), place, act)),
    );
    all
}

fn quietly(from: &dyn Engine, to: &dyn Engine, name: &str) -> Result<Moved> {
    migrate(from, to, name, &mut |_| ())
}

/// Moves an archive and looks at both sides.
fn moves(from: Arc<dyn Engine>, to: Arc<dyn Engine>) {
    let keys = tempfile::tempdir().unwrap();
    let before = {
        let house = house(from.clone(), keys.path()).unwrap();
        live(&house);
        told(&house)
    };
    let mut heard = Vec::new();
    let moved = migrate(
        from.as_ref(),
        to.as_ref(),
        "the other side",
        &mut |progress| heard.push(progress),
    )
    .unwrap();
    assert!(
        heard
            .iter()
            .any(|progress| matches!(progress, Progress::Compared(1..)))
    );
    assert_eq!(moved.versions(), 1 + 3 * 200 + 1);
    assert!(moved.acts() >= 6 && moved.log_rows() >= moved.acts());
    let Err(Error::Elsewhere(why)) = house(from, keys.path()) else {
        panic!("two archives can be served from");
    };
    assert!(why.contains("moved to the other side"), "{why}");
    let house = house(to, keys.path()).unwrap();
    assert_eq!(told(&house), before);
    house.put(&[r#"{"resourceType":"Basic","id":"after"}"#]);
}

fn embedded(dir: &Path) -> Arc<Embedded> {
    Arc::new(Embedded::open(dir, Tuning::default()).unwrap())
}

#[test]
fn from_a_folder_into_memory_and_back() {
    let dir = tempfile::tempdir().unwrap();
    moves(embedded(dir.path()), Arc::new(Memory::default()));
    let dir = tempfile::tempdir().unwrap();
    moves(Arc::new(Memory::default()), embedded(dir.path()));
}

#[test]
fn from_a_folder_into_postgres() {
    let Some(database) = Database::new() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::open(settings(&database.address)).unwrap();
    moves(embedded(dir.path()), Arc::new(postgres));
}

#[test]
fn from_postgres_into_a_folder() {
    let Some(database) = Database::new() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::open(settings(&database.address)).unwrap();
    moves(Arc::new(postgres), embedded(dir.path()));
}

/// An engine that takes so many commits more.
struct Breaking {
    inner: Arc<dyn Engine>,
    left: AtomicU64,
}

impl Engine for Breaking {
    fn commit(&self, batch: &Batch) -> Result<()> {
        match self
            .left
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
        {
            Ok(_) => self.inner.commit(batch),
            Err(_) => Err(Error::Disk("it broke".into())),
        }
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.snapshot()
    }
}

#[test]
fn a_move_that_breaks_anywhere_goes_on_and_leaves_one_archive() {
    let keys = tempfile::tempdir().unwrap();
    let mut broke = 0;
    // Each round breaks source or target one commit later, until a round breaks nowhere.
    for left in 0.. {
        let (from, to): (Arc<dyn Engine>, Arc<dyn Engine>) =
            (Arc::<Memory>::default(), Arc::<Memory>::default());
        let keys = keys.path().join(left.to_string());
        std::fs::create_dir(&keys).unwrap();
        let before = {
            let house = house(from.clone(), &keys).unwrap();
            live(&house);
            told(&house)
        };
        let breaking = |inner: &Arc<dyn Engine>, left| Breaking {
            inner: inner.clone(),
            left: AtomicU64::new(left),
        };
        let target = quietly(from.as_ref(), &breaking(&to, left), "there");
        let whole = target.is_ok();
        if !whole {
            broke += 1;
            // Half a copy is not served from.
            if left > 0 {
                assert!(matches!(house(to.clone(), &keys), Err(Error::Elsewhere(_))));
            }
            let source = quietly(&breaking(&from, 0), to.as_ref(), "there");
            assert!(
                source.is_err() || left > 1,
                "the source could not be closed"
            );
            quietly(from.as_ref(), to.as_ref(), "there").unwrap();
        }
        assert!(matches!(house(from, &keys), Err(Error::Elsewhere(_))));
        assert_eq!(told(&house(to, &keys).unwrap()), before);
        if whole {
            break;
        }
    }
    assert!(broke > 3, "{broke}");
}

#[test]
fn a_target_that_holds_something_else_is_left_as_it_is() {
    let keys = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let (from, to): (Arc<dyn Engine>, Arc<dyn Engine>) =
        (Arc::<Memory>::default(), Arc::<Memory>::default());
    live(&house(from.clone(), keys.path()).unwrap());
    house(to.clone(), other.path())
        .unwrap()
        .put(&[r#"{"resourceType":"Basic","id":"theirs"}"#]);
    assert!(matches!(
        quietly(from.as_ref(), to.as_ref(), "there"),
        Err(Error::Elsewhere(_))
    ));
    assert!(house(from, keys.path()).is_ok());
    let theirs = house(to, other.path()).unwrap();
    assert!(theirs.read(&theirs.all(), "Basic/theirs").is_some());
}
