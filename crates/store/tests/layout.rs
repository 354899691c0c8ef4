//! An archive of another layout, or labelled by other rules: made whole when only what follows from its facts is of
//! another one, refused otherwise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{places::settings, *};
use fhir::{ResourceType, Value, query};
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
        self.open_by(Box::new(TestRules))
    }
    fn open_by(&self, rules: Box<dyn Rules>) -> Result<House> {
        let options = Options {
            keyring: Some(self.keys().to_owned()),
            ..Options::default()
        };
        let (store, seal) = Store::over(self.engine(), options, rules, Box::new(TestWitness))?;
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
        let unlabelled = &own[..2];
        for other in [
            None,
            Some([1, 1].as_slice()),
            Some(&[1, 99]),
            Some(unlabelled),
        ] {
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

/// Rules of an earlier edition: no tag is a label yet. May refuse an archive in which the house keeps a row.
struct Earlier {
    refuses: Option<&'static [u8]>,
}

impl Rules for Earlier {
    fn labels(&self, _: ResourceType, _: &Value) -> Labels {
        Labels(0)
    }
    fn directory(&self, of: ResourceType, resource: &Value) -> Vec<Vec<u8>> {
        TestRules.directory(of, resource)
    }
    fn edition(&self) -> [u8; 8] {
        *b"no label"
    }
    fn fit(&self, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> std::result::Result<(), String> {
        match self.refuses.and_then(get) {
            Some(kept) => Err(format!(
                "the house keeps {}",
                String::from_utf8_lossy(&kept)
            )),
            None => Ok(()),
        }
    }
}

const EARLIER: Earlier = Earlier { refuses: None };

fn observation(id: &str, label: &str) -> String {
    let meta = match label {
        "" => String::new(),
        label => format!(r#""meta":{{"tag":[{{"system":"label","code":"{label}"}}]}},"#),
    };
    format!(
        r#"{{"resourceType":"Observation","id":"{id}",{meta}"status":"final","subject":{{"reference":"Patient/ana"}},"code":{{"text":"x"}}}}"#
    )
}

/// Every version of the Observations that a permit opens, oldest first.
fn history(house: &House, permit: &Permit) -> Vec<String> {
    let of = HistoryOf::Type(of("Observation"));
    let held = (house.store).history(permit, &of, &When::default(), 0, None);
    let page = house.open(permit, held.unwrap());
    let versions = page.matches.iter().rev();
    versions
        .map(|one| format!("{}.{}", one.id, one.version))
        .collect()
}

#[test]
fn an_archive_that_other_rules_labelled_is_labelled_anew_when_it_is_opened_and_a_seal_holds_for_it()
{
    for kept in Kept::all() {
        let house = kept.open_by(Box::new(EARLIER)).unwrap();
        // Each with an act of its own name.
        let mut name = 10;
        let mut change = |change| {
            name += 1;
            let act = Box::new(move |_: &[Written]| act(name));
            (house.store)
                .write(&house.all(), vec![change], at(0), act)
                .unwrap();
        };
        let gone = |id: &str| Change::Delete {
            of: of("Observation"),
            id: id.to_owned(),
            if_match: None,
        };
        change(put(r#"{"resourceType":"Patient","id":"ana"}"#));
        change(put(&observation("sealed", "2")));
        change(put(&observation("was", "2")));
        change(put(&observation("was", "")));
        change(put(&observation("gone", "2")));
        change(gone("gone"));
        change(put(&observation("back", "2")));
        change(gone("back"));
        change(put(&observation("back", "")));
        change(put(&observation("other", "3")));
        let all = [
            "sealed.1", "was.1", "was.2", "gone.1", "gone.2", "back.1", "back.2", "back.3",
            "other.1",
        ];
        let permit = house.person("ana", 1 << 2);
        assert_eq!(history(&house, &permit), all);
        assert!(!house.store.withholds(&permit, Labels(0)).unwrap());
        drop(house);

        for round in 0..2 {
            let house = kept.open().unwrap();
            if round == 0 {
                let checkup = (house.store).fsck(&house.seal, &Counting, &mut |told| {
                    if let Told::Found(finding) = told {
                        panic!("{finding}");
                    }
                });
                assert_eq!(checkup.unwrap().findings, 0);
            }
            let permit = house.person("ana", 1 << 2);
            let seen = |name: &str| house.read(&permit, name).is_some();
            assert!(
                !seen("Observation/sealed") && seen("Observation/was"),
                "{round}"
            );
            // What a version was labelled with as it was, and a deletion with what it deleted.
            assert_eq!(history(&house, &permit), ["was.2", "back.3", "other.1"]);
            let old = |id| {
                let held = house.store.vread(&permit, of("Observation"), id, 1);
                house.open(&permit, held.unwrap())
            };
            assert!(old("was").is_none() && old("back").is_none() && old("other").is_some());
            assert!(house.store.withholds(&permit, Labels(0)).unwrap());
            assert!(!house.store.withholds(&permit, Labels(1 << 2)).unwrap());
        }
        // And back: one meaning, whichever program opened it last.
        let house = kept.open_by(Box::new(EARLIER)).unwrap();
        assert_eq!(history(&house, &house.person("ana", 1 << 2)), all);
    }
}

#[test]
fn rules_that_do_not_fit_an_archive_leave_it_as_it_is() {
    for kept in Kept::all() {
        let house = kept.open().unwrap();
        house.put(&[
            r#"{"resourceType":"Patient","id":"ana"}"#,
            &observation("o", "2"),
        ]);
        let rows = vec![(b"wanted".to_vec(), Some(b"these".to_vec()))];
        let done = house.store.keep(&house.seal, rows, Vec::new(), None, at(3));
        done.unwrap();
        drop(house);
        let own = kept.layout();
        let rules = |refuses: &'static [u8]| {
            Box::new(Earlier {
                refuses: Some(refuses),
            })
        };
        match kept.open_by(rules(b"wanted")) {
            Err(Error::Elsewhere(why)) => assert_eq!(why, "the house keeps these"),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it was opened"),
        }
        assert_eq!(kept.layout(), own);
        drop(kept.open_by(rules(b"unknown")).unwrap());
        assert_ne!(kept.layout(), own);
    }
}
