//! An archive of another layout: made whole when only what follows from its facts is of another one, refused otherwise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{places::settings, *};
use fhir::query;
use std::{path::Path, sync::Arc};
use store::{
    engine::{BULKY, Batch, DERIVED, Direction, Embedded, Engine, Memory, Postgres, Rows, Tuning},
    *,
};

/// The key of the row: partition of the house, its family.
const LAYOUT: [u8; 3] = [0, 1, 0x08];

/// Where an archive lives on when it is closed.
enum Kept {
    Memory(Arc<Memory>, tempfile::TempDir),
    Folder(tempfile::TempDir),
    Database(server::Database),
}

impl Kept {
    fn all() -> Vec<Kept> {
        let mut all = vec![
            Kept::Memory(Arc::default(), tempfile::tempdir().unwrap()),
            Kept::Folder(tempfile::tempdir().unwrap()),
        ];
        all.extend(server::Database::new().map(Kept::Database));
        all
    }
    fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Kept::Memory(engine, _) => engine.clone(),
            Kept::Folder(dir) => {
                Arc::new(Embedded::open(&dir.path().join("rows"), Tuning::default()).unwrap())
            }
            Kept::Database(database) => {
                Arc::new(Postgres::open(settings(&database.address)).unwrap())
            }
        }
    }
    fn keys(&self) -> &Path {
        match self {
            Kept::Memory(_, keys) | Kept::Folder(keys) => keys.path(),
            Kept::Database(database) => database.keys.path(),
        }
    }
    fn open(&self) -> Result<House> {
        let options = Options {
            keyring: Some(self.keys().to_owned()),
            ..Options::default()
        };
        let (store, seal) = Store::over(
            self.engine(),
            options,
            Box::new(TestRules),
            Box::new(TestWitness),
        )?;
        Ok(House { store, seal })
    }
    fn layout(&self) -> Option<Vec<u8>> {
        self.engine().snapshot().unwrap().get(&LAYOUT).unwrap()
    }
    fn say(&self, layout: Option<&[u8]>) {
        let batch = Batch::from([(LAYOUT.to_vec(), layout.map(<[u8]>::to_vec))]);
        self.engine().commit(&batch).unwrap();
    }
    /// Takes index rows of the people's partition away, as an older program would not have written them.
    fn lose_index(&self) {
        let engine = self.engine();
        let mut rows = Rows::default();
        let from = [1, 0, DERIVED];
        let to = [1, 0, DERIVED + 1];
        let snapshot = engine.snapshot().unwrap();
        snapshot
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
            .unwrap();
        drop(snapshot);
        let lost: Batch = rows.iter().map(|(key, _)| (key.to_vec(), None)).collect();
        assert!(lost.len() > 5 && lost.keys().all(|key| key[2] < BULKY));
        engine.commit(&lost).unwrap();
    }
}

fn found(house: &House) -> usize {
    let pair = ("code:text".to_owned(), "hemo".to_owned());
    let query = query::parse(
        &fhir::search::Catalog::r4(),
        of("Observation"),
        &[pair],
        query::Handling::Strict,
    );
    let permit = house.all();
    let held = house.store.search(&permit, &query.unwrap(), None).unwrap();
    house.open(&permit, held).matches.len()
}

fn fill(house: &House) {
    house.put(&[
        r#"{"resourceType":"Patient","id":"ana","name":[{"family":"Ruiz"}]}"#,
        r#"{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/ana"},"code":{"coding":[{"system":"http://loinc.org","code":"718-7","display":"Hemoglobina"}]}}"#,
    ]);
    assert_eq!(found(house), 1);
}

#[test]
fn an_archive_whose_derived_rows_are_of_another_layout_is_made_whole_when_it_is_opened() {
    for kept in Kept::all() {
        let house = kept.open().unwrap();
        fill(&house);
        drop(house);
        let own = kept.layout().expect("a new archive says its layout");
        // From before there was such a row; an older one; a newer one.
        for other in [None, Some([1, 1].as_slice()), Some(&[1, 2]), Some(&[1, 99])] {
            kept.lose_index();
            kept.say(other);
            let house = kept.open().unwrap();
            assert_eq!(found(&house), 1, "{other:?}");
            drop(house);
            assert_eq!(kept.layout().as_ref(), Some(&own));
        }
        // One of its own layout is opened as it is.
        kept.lose_index();
        let house = kept.open().unwrap();
        assert_eq!(found(&house), 0);
        house.store.rebuild(&house.seal).unwrap();
        assert_eq!(found(&house), 1);
    }
}

#[test]
fn an_archive_whose_facts_are_of_another_layout_is_refused_and_left_as_it_is() {
    for kept in Kept::all() {
        fill(&kept.open().unwrap());
        for (other, said) in [
            ([9, 3].as_slice(), "newer version"),
            (&[0, 3], "older"),
            (&[1], "cannot be read"),
            (&[], "cannot be read"),
            (&[1, 2, 3], "cannot be read"),
            (&[0xff; 12], "cannot be read"),
        ] {
            kept.say(Some(other));
            match kept.open() {
                Err(Error::Elsewhere(why)) => {
                    assert!(why.contains(said), "{why}");
                    assert!(why.contains("Nothing was changed"), "{why}");
                }
                Err(error) => panic!("{other:?}: {error}"),
                Ok(_) => panic!("{other:?} was opened"),
            }
            assert_eq!(kept.layout().as_deref(), Some(other));
        }
        kept.say(Some(&[1, 5]));
        assert_eq!(found(&kept.open().unwrap()), 1);
    }
}
