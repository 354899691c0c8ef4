//! Derived rows, made again from the facts.
//!
//! In: the facts of an archive: versions, acts, people's keys. Out: every row that follows from them (heads, cards, index
//! entries, lists, counters), exactly as the writer had made them, for the same code makes them: versions are replayed in
//! the order of their stamps. What is left of people whose keys are gone (an archive restored to before an erasure) is
//! deleted on the way; what was somebody else's before it was moved to one of them is that person's again, as it was.
//!
//! Nobody else may use the archive meanwhile. Memory is bounded. Cost: every version is opened, and its index rows are written
//! again; not measured.

use crate::{
    Error, Labels, PersonKey, Result, Rules,
    body::Stored,
    commit::{Making, State},
    engine::{BULKY, Batch, DERIVED, Direction, Engine, Rows, Snapshot},
    erase::{found_erased, mark_key},
    head::{self, Head},
    index::Secret,
    keys::{ACT, BODY, DIRECTORY, KEY, Key, LOG, PARTITIONS, PEOPLE, SHARED, from_six},
    loaded::Loaded,
    prepare::{Prepared, Preparing, resource_ready},
    vault::{Facts, Vault},
};
use fhir::ResourceType;
use std::{collections::HashMap, sync::Arc};

/// Rows of facts read at once.
const READ: usize = 512;
/// Derived rows put at once, about.
const PUT: usize = 20_000;

/// What deriving works with.
pub(crate) struct Deriving<'a> {
    pub(crate) engine: &'a dyn Engine,
    pub(crate) vault: &'a Vault,
    pub(crate) rules: &'a dyn Rules,
    pub(crate) secret: &'a Secret,
    pub(crate) loaded: &'a Arc<Loaded>,
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Versions replayed.
    pub versions: u64,
    /// Acts listed.
    pub acts: u64,
    /// Rows of erased people that were still there, now deleted.
    pub erased: u64,
    /// Facts that could not be read and were stepped over; the log of the process names each.
    pub unread: u64,
}

impl Deriving<'_> {
    /// Makes all derived rows again, deleting those that are there. Who is stopped in between begins again at the next
    /// opening.
    pub(crate) fn all(&self) -> Result<Derived> {
        let mut done = Derived::default();
        self.engine.forget_derived()?;
        self.clear()?;
        self.people(&mut done)?;
        self.move_beside()?;
        self.versions(&mut done)?;
        self.acts(&mut done)?;
        self.loaded_whole()?;
        self.engine.complete()?;
        Ok(done)
    }

    /// Every version was indexed by all that is loaded.
    fn loaded_whole(&self) -> Result<()> {
        let rows = self.loaded.all_done().rows(self.loaded, self.vault)?;
        match rows.is_empty() {
            true => Ok(()),
            false => self.engine.commit(&rows),
        }
    }

    fn clear(&self) -> Result<()> {
        for partition in PARTITIONS {
            for family in DERIVED..BULKY {
                let (from, to) = Key::new(partition, family).range();
                self.each(from, &to, &mut |key, _, batch| {
                    batch.insert(key.to_vec(), None);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// Visits rows in batches and puts what comes of each batch.
    fn each(&self, mut from: Vec<u8>, to: &[u8], visit: &mut Visit<'_>) -> Result<()> {
        let mut rows = Rows::default();
        loop {
            rows.clear();
            self.engine
                .snapshot()?
                .scan(&from, to, Direction::Up, READ, &mut rows)?;
            let mut batch = Batch::new();
            for (key, row) in rows.iter() {
                visit(key, row, &mut batch)?;
                from = key.to_vec();
            }
            if !batch.is_empty() {
                self.engine.derive(&batch)?;
            }
            if rows.len() < READ {
                return Ok(());
            }
            from.push(0);
        }
    }

    /// The heads of Patients, reserved: those that arrived are replayed over them.
    fn people(&self, done: &mut Derived) -> Result<()> {
        let Some(of) = ResourceType::from_name("Patient") else {
            return Ok(());
        };
        let mut gone = Batch::new();
        let (from, to) = Key::new(DIRECTORY, KEY).range();
        self.each(from, &to, &mut |key, row, batch| {
            let person = self.vault.person(key, row);
            match self.read(person, key, done)? {
                Read::Good((person, patient)) => {
                    let head = Head::reserved(person.0, person);
                    batch.insert(head::key(self.secret, of, &patient), Some(head.encode()));
                }
                // A backup from before her erasure.
                Read::Erased => {
                    let number = key.last_chunk::<6>().and_then(|six| from_six(six));
                    let mark = mark_key(PersonKey(number.unwrap_or_default()));
                    gone.insert(key.to_vec(), None);
                    gone.insert(mark, Some(found_erased()));
                }
                Read::Bad => {}
            }
            Ok(())
        })?;
        self.delete(gone, done)
    }

    /// Moves to people, and to whom they name, the versions of types that lay among what is shared before they were taken
    /// for anybody's ([`fhir::search::BESIDE`]). Whose patient is not known here becomes nobody's, and is open to nobody but
    /// the house. Who is stopped in between goes on with what is left.
    fn move_beside(&self) -> Result<()> {
        let (mut from, to) = Key::new(SHARED, BODY).range();
        let mut rows = Rows::default();
        // A deletion names nobody: it is of whose the version before it was.
        let mut owners = HashMap::new();
        loop {
            rows.clear();
            let base = self.engine.snapshot()?;
            base.scan(&from, &to, Direction::Up, READ, &mut rows)?;
            let mut batch = Batch::new();
            for (key, row) in rows.iter() {
                from = key.to_vec();
                // What cannot be read is told when versions are replayed.
                let Ok(Some(stored)) = self.vault.body(key, row) else {
                    continue;
                };
                if !stored.of.is_personal() {
                    continue;
                }
                let prepared = match self.prepared(&stored, None) {
                    Err(Error::Damaged(_)) => continue,
                    prepared => prepared?,
                };
                if let Some(prepared) = &prepared {
                    owners.insert(stored.rid, self.owner(base.as_ref(), prepared)?);
                }
                let person = owners.get(&stored.rid).copied().unwrap_or_default();
                let stamp = key.last_chunk().map(|stamp| u64::from_be_bytes(*stamp));
                let stamp = stamp.unwrap_or_default();
                let facts = Facts {
                    of: stored.of,
                    id: &stored.id,
                    rid: stored.rid,
                    version: stored.version,
                    stamp,
                    updated: stored.updated,
                    labels: prepared
                        .as_ref()
                        .map_or(Labels(0), |prepared| prepared.labels),
                    person,
                };
                let own = self.vault.patient(person)?;
                let packed = stored.text.as_ref();
                let packed = packed.map(|text| self.vault.pack_text(stored.of, text, &own));
                let moved = Key::new(PEOPLE, BODY).long(stamp).done();
                let row = self.vault.close_body(&moved, &facts, packed.as_deref())?;
                batch.insert(moved, Some(row));
                batch.insert(key.to_vec(), None);
            }
            drop(base);
            if !batch.is_empty() {
                self.engine.commit(&batch)?;
            }
            if rows.len() < READ {
                return Ok(());
            }
            from.push(0);
        }
    }

    /// Whose a resource is, among the people whose keys are here.
    fn owner(&self, base: &dyn Snapshot, prepared: &Prepared) -> Result<PersonKey> {
        let (Some(of), Some(patient)) = (ResourceType::from_name("Patient"), &prepared.patient)
        else {
            return Ok(PersonKey(0));
        };
        let head = base.get(&head::key(self.secret, of, patient))?;
        let head = head.map(|row| Head::decode(&row)).transpose()?;
        Ok(head.map_or(PersonKey(0), |head| head.tail.person))
    }

    fn versions(&self, done: &mut Derived) -> Result<()> {
        let mut facts = Versions::new();
        let mut gone = Batch::new();
        loop {
            let base = self.engine.snapshot()?;
            let mut making = self.making(base.as_ref())?;
            let mut more = true;
            while more && making.rows.len() < PUT {
                let Some((stamp, key, row)) = facts.next(base.as_ref())? else {
                    more = false;
                    continue;
                };
                match self.read(self.vault.body(&key, &row), &key, done)? {
                    Read::Good(stored) => {
                        let replayed = self
                            .prepared(&stored, None)
                            .and_then(|prepared| making.replay(stamp, &stored, prepared.as_ref()));
                        match replayed {
                            Ok(()) => done.versions += 1,
                            Err(error) => unread(&key, &error, done)?,
                        }
                    }
                    Read::Erased => {
                        gone.insert(key, None);
                    }
                    Read::Bad => {}
                }
            }
            let rows = std::mem::take(&mut making.rows);
            drop(making);
            drop(base);
            if !rows.is_empty() {
                self.engine.derive(&rows)?;
            }
            self.delete(std::mem::take(&mut gone), done)?;
            if !more {
                return Ok(());
            }
        }
    }

    /// What a stored version says; `None` of a deletion. `stamp` is that of a current version which is judged as the
    /// index is now.
    pub(crate) fn prepared(&self, stored: &Stored, stamp: Option<u64>) -> Result<Option<Prepared>> {
        let Some(text) = &stored.text else {
            return Ok(None);
        };
        let resource = text.read()?;
        let with = Preparing {
            rules: self.rules,
            secret: self.secret,
            vault: self.vault,
            loaded: self.loaded,
        };
        resource_ready(stored.of, &stored.id, &resource, with, stamp).map(Some)
    }

    fn acts(&self, done: &mut Derived) -> Result<()> {
        let (from, to) = Key::new(LOG, ACT).range();
        self.each(from, &to, &mut |key, row, batch| {
            let place = key.last_chunk().map(|place| u64::from_be_bytes(*place));
            let place = place.unwrap_or_default();
            match self.read(self.vault.act(key, row), key, done)? {
                Read::Good(kept) => {
                    let rows = crate::acts::derived(place, &kept.id, &kept.listed);
                    batch.extend(rows.map(|(key, value)| (key, Some(value))));
                    done.acts += 1;
                }
                // Its name stays known, and that it was about somebody who is no more.
                Read::Erased => {
                    let (id, _) = self.vault.act_names(row)?;
                    let rows = crate::acts::derived(place, &id, &[]);
                    batch.extend(rows.map(|(key, value)| (key, Some(value))));
                }
                Read::Bad => {}
            }
            Ok(())
        })
    }

    fn making<'a>(&'a self, base: &'a dyn Snapshot) -> Result<Making<'a>> {
        Ok(Making {
            base,
            rows: Batch::new(),
            state: State::read(base)?,
            secret: self.secret,
            vault: self.vault,
            loaded: self.loaded.clone(),
            now: 0,
            patient: None,
            erasing: false,
        })
    }

    fn delete(&self, gone: Batch, done: &mut Derived) -> Result<()> {
        done.erased += gone.values().filter(|value| value.is_none()).count() as u64;
        match gone.is_empty() {
            true => Ok(()),
            false => self.engine.commit(&gone),
        }
    }

    /// What a fact says; one that cannot be read is named in the log and stepped over, so that one bad row does not take
    /// all others away.
    fn read<T>(&self, fact: Result<Option<T>>, key: &[u8], done: &mut Derived) -> Result<Read<T>> {
        match fact {
            Ok(Some(fact)) => Ok(Read::Good(fact)),
            Ok(None) => Ok(Read::Erased),
            Err(error) => unread(key, &error, done).map(|()| Read::Bad),
        }
    }
}

/// What becomes of a row: derived rows to put.
type Visit<'a> = dyn FnMut(&[u8], &[u8], &mut Batch) -> Result<()> + 'a;

enum Read<T> {
    Good(T),
    Erased,
    Bad,
}

fn unread(key: &[u8], error: &Error, done: &mut Derived) -> Result<()> {
    match error {
        Error::Damaged(why) => {
            tracing::error!(key = %crate::vault::digits(key), %why, "a fact cannot be read; what follows from it is missing");
            done.unread += 1;
            Ok(())
        }
        other => Err(other.again()),
    }
}

/// All versions in the order of their stamps.
pub(crate) struct Versions {
    parts: [Part; 2],
}

struct Part {
    from: Vec<u8>,
    to: Vec<u8>,
    rows: Rows,
    at: usize,
    done: bool,
}

impl Versions {
    pub(crate) fn new() -> Versions {
        let part = |partition| {
            let (from, to) = Key::new(partition, BODY).range();
            Part {
                from,
                to,
                rows: Rows::default(),
                at: 0,
                done: false,
            }
        };
        Versions {
            parts: [part(PEOPLE), part(SHARED)],
        }
    }

    /// Stamp, key and row of the next version.
    pub(crate) fn next(&mut self, snapshot: &dyn Snapshot) -> Result<Option<Version>> {
        for part in &mut self.parts {
            part.fill(snapshot)?;
        }
        let first = self
            .parts
            .iter_mut()
            .filter_map(|part| Some((part.stamp()?, part)))
            .min_by_key(|(stamp, _)| *stamp);
        let Some((stamp, part)) = first else {
            return Ok(None);
        };
        let at = part.at;
        part.at += 1;
        let row = part.rows.get(at);
        Ok(row.map(|(key, row)| (stamp, key.to_vec(), row.to_vec())))
    }
}

type Version = (u64, Vec<u8>, Vec<u8>);

impl Part {
    fn stamp(&self) -> Option<u64> {
        let (key, _) = self.rows.get(self.at)?;
        Some(u64::from_be_bytes(*key.last_chunk()?))
    }
    fn fill(&mut self, snapshot: &dyn Snapshot) -> Result<()> {
        if self.at < self.rows.len() || self.done {
            return Ok(());
        }
        self.rows.clear();
        self.at = 0;
        snapshot.scan(&self.from, &self.to, Direction::Up, READ, &mut self.rows)?;
        self.done = self.rows.len() < READ;
        if let Some((key, _)) = self.rows.get(self.rows.len().wrapping_sub(1)) {
            self.from = key.to_vec();
            self.from.push(0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ActRecord, Change, Judge, Options, Seal, Store, Terms, Verbs, Witness, Witnessed,
        engine::Memory,
    };
    use jiff::Timestamp;

    struct Plain;

    impl Rules for Plain {
        fn labels(&self, _: ResourceType, _: &fhir::Value) -> Labels {
            Labels(0)
        }
        fn edition(&self) -> [u8; 8] {
            [0; 8]
        }
        fn directory(&self, _: ResourceType, _: &fhir::Value) -> Vec<Vec<u8>> {
            Vec::new()
        }
    }

    /// Counts leaves, of which each is what its act's number says.
    struct Counting(u64);

    impl Witness for Counting {
        fn append(
            &mut self,
            leaves: &[[u8; 32]],
            _: Timestamp,
            _: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
        ) -> std::result::Result<Witnessed, String> {
            let first = self.0;
            self.0 += leaves.len() as u64;
            let rows = Vec::new();
            Ok(Witnessed { first, rows })
        }
    }

    impl Judge for Counting {
        fn log(&self, _: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> std::result::Result<u64, String> {
            Ok(4)
        }
        fn leaf(&self, place: u64, _: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<[u8; 32]> {
            Some([u8::try_from(place).ok()? + 1; 32])
        }
    }

    fn act(id: u8) -> ActRecord {
        ActRecord {
            id: [id; 16],
            leaf: [id; 32],
            body: Vec::new(),
            listed: Vec::new(),
            about: PersonKey(0),
            beside: Vec::new(),
        }
    }

    fn write(store: &Store, seal: &Seal, id: u8, changes: Vec<Change>) {
        let permit = seal.permit(Terms {
            id: [id; 16],
            scope: crate::Scope::People(Arc::new(|_| crate::LeftOut::default())),
            verbs: Verbs::ALL,
            types: None,
            residual: None,
        });
        let now = Timestamp::UNIX_EPOCH;
        store
            .write(&permit, changes, now, Box::new(move |_| act(id)))
            .unwrap();
    }

    fn put(text: &str) -> Change {
        let resource = fhir::json::parse(text.as_bytes(), &fhir::json::Limits::default()).unwrap();
        Change::Update {
            of: ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap(),
            id: resource.text("id").unwrap().into(),
            resource,
            if_match: None,
        }
    }

    /// Every row of a family of both partitions of records.
    fn rows(engine: &dyn Engine, partition: u16) -> Rows {
        let mut rows = Rows::default();
        let (from, to) = Key::new(partition, BODY).range();
        let snapshot = engine.snapshot().unwrap();
        snapshot
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)
            .unwrap();
        rows
    }

    /// As the layout of before had it: versions of these types among what is shared, and nobody's.
    fn as_before(engine: &dyn Engine, vault: &Vault) -> usize {
        let mut batch = Batch::new();
        let people = rows(engine, PEOPLE);
        for (key, row) in people.iter() {
            let stored = vault.body(key, row).unwrap().unwrap();
            if stored.of.in_patient_compartment() {
                continue;
            }
            let stamp = u64::from_be_bytes(*key.last_chunk().unwrap());
            let facts = Facts {
                of: stored.of,
                id: &stored.id,
                rid: stored.rid,
                version: stored.version,
                stamp,
                updated: stored.updated,
                labels: Labels(0),
                person: PersonKey(0),
            };
            let packed = stored.text.as_ref();
            let packed = packed.map(|text| vault.pack_text(stored.of, text, ""));
            let shared = Key::new(SHARED, BODY).long(stamp).done();
            let row = vault.close_body(&shared, &facts, packed.as_deref());
            batch.insert(shared, Some(row.unwrap()));
            batch.insert(key.to_vec(), None);
        }
        engine.commit(&batch).unwrap();
        batch.len() / 2
    }

    #[test]
    fn what_lay_among_the_shared_before_it_was_anybodys_is_moved_to_whom_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let engine: Arc<dyn Engine> = Arc::new(Memory::default());
        let open = || {
            let options = Options {
                keyring: Some(folder.path().to_owned()),
                ..Options::default()
            };
            Store::over(
                engine.clone(),
                options,
                Box::new(Plain),
                Box::new(Counting(0)),
            )
            .unwrap()
        };
        let (store, seal) = open();
        let task = |status: &str| {
            format!(
                r#"{{"resourceType":"Task","id":"t","status":"{status}","intent":"order","for":{{"reference":"Patient/ana"}}}}"#
            )
        };
        for (id, changes) in [
            (
                1,
                vec![
                    put(r#"{"resourceType":"Patient","id":"ana"}"#),
                    put(&task("requested")),
                ],
            ),
            (2, vec![put(&task("completed"))]),
            (
                3,
                vec![
                    put(
                        r#"{"resourceType":"Device","id":"d","patient":{"reference":"Patient/ana"}}"#,
                    ),
                    put(r#"{"resourceType":"Device","id":"machine"}"#),
                ],
            ),
        ] {
            write(&store, &seal, id, changes);
        }
        let gone = Change::Delete {
            of: ResourceType::from_name("Device").unwrap(),
            id: "d".into(),
            if_match: None,
        };
        write(&store, &seal, 4, vec![gone]);
        let vault = store.inner.vault.clone();
        let said = |vault: &Vault| -> Vec<(String, u64, u64, bool)> {
            let people = rows(engine.as_ref(), PEOPLE);
            let stored = people
                .iter()
                .map(|(key, row)| vault.body(key, row).unwrap().unwrap());
            stored
                .map(|one| (one.id, one.version, one.person.0, one.text.is_some()))
                .collect()
        };
        let before = said(&vault);
        drop((store, seal));
        assert_eq!(as_before(engine.as_ref(), &vault), 5);
        assert_eq!(said(&vault).len(), 1);
        let (key, mut row) = crate::layout::own(Plain.edition());
        row.splice(..2, [1, 8]);
        engine.commit(&Batch::from([(key, Some(row))])).unwrap();

        let (store, seal) = open();
        assert_eq!(said(&store.inner.vault), before);
        assert_eq!(rows(engine.as_ref(), SHARED).len(), 0);
        let ana = store.person_of(&seal, ResourceType::from_name("Patient").unwrap(), "ana");
        let of_task = store.person_of(&seal, ResourceType::from_name("Task").unwrap(), "t");
        assert_eq!(ana.unwrap(), of_task.unwrap());
        let mut found = Vec::new();
        let mut report = |told| {
            if let crate::Told::Found(one) = told {
                found.push(one);
            }
        };
        store.fsck(&seal, &Counting(0), &mut report).unwrap();
        assert_eq!(found, []);
    }
}
