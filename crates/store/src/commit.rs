//! A commit in the making: what becomes of each change, as rows.

mod loading;

use crate::{
    Current, Error, Labels, PersonKey, Result, Scope, Verb, Version, Written,
    body::{self, Stored},
    codec::{Reader, put_number, put_signed},
    dates::{self, Length},
    engine::{Batch, Direction, Snapshot},
    grant::Grant,
    head::{self, Head},
    index::{self, Secret},
    keys::{
        BODY, COUNT, DIRECTORY, HOUSE, Key, LABELLED, MARKED, OLD, PERSON, REFERS, STAMP, STATE,
        Tail, VERSION, records,
    },
    loaded::Loaded,
    prepare::{Deed, Prepared, Ready},
    residual,
    vault::{Facts, Of, Vault},
    view::Layered,
    words,
};
use fhir::{ResourceType, query::Query};
use std::{collections::BTreeMap, sync::Arc};

/// The writer's counters; one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) next_rid: u64,
    pub(crate) next_stamp: u64,
    pub(crate) sequence: u64,
    /// Microsecond of the last commit: versions never go back in time.
    pub(crate) last: i64,
}

impl State {
    pub(crate) fn key() -> Vec<u8> {
        Key::new(HOUSE, STATE).done()
    }
    pub(crate) fn read(snapshot: &dyn Snapshot) -> Result<State> {
        let Some(row) = snapshot.get(&State::key())? else {
            return Ok(State {
                next_rid: 1,
                next_stamp: 1,
                sequence: 0,
                last: i64::MIN,
            });
        };
        let mut reader = Reader(&row);
        Ok(State {
            next_rid: reader.number()?,
            next_stamp: reader.number()?,
            sequence: reader.number()?,
            last: reader.signed()?,
        })
    }
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        put_number(&mut out, self.next_rid);
        put_number(&mut out, self.next_stamp);
        put_number(&mut out, self.sequence);
        put_signed(&mut out, self.last);
        out
    }
}

/// Counters of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Current resources.
    pub(crate) all: u64,
    /// Those with a category.
    pub(crate) labelled: u64,
}

impl Count {
    pub(crate) fn key(of: ResourceType) -> Vec<u8> {
        Key::new(HOUSE, COUNT).of(of).done()
    }
    pub(crate) fn read(snapshot: &dyn Snapshot, of: ResourceType) -> Result<Count> {
        let Some(row) = snapshot.get(&Count::key(of))? else {
            return Ok(Count::default());
        };
        let mut reader = Reader(&row);
        Ok(Count {
            all: reader.number()?,
            labelled: reader.number()?,
        })
    }
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        put_number(&mut out, self.all);
        put_number(&mut out, self.labelled);
        out
    }
}

/// How a condition is asked for what is there: ids of at most so many matches.
pub(crate) type Find = dyn Fn(&dyn Snapshot, &Query, &Grant, usize) -> Result<Vec<String>> + Send;

/// The rows of one request, over those of the requests before it.
pub(crate) struct Making<'a> {
    pub(crate) base: &'a dyn Snapshot,
    pub(crate) rows: Batch,
    pub(crate) state: State,
    pub(crate) secret: &'a Secret,
    pub(crate) vault: &'a Vault,
    /// The search parameters that what is written is indexed by.
    pub(crate) loaded: Arc<Loaded>,
    /// Microsecond of this commit.
    pub(crate) now: i64,
    /// The Patient of the last change and her number: a transaction is mostly about one.
    pub(crate) patient: Option<(String, PersonKey)>,
    /// Someone is being erased: her rows are read for the last time.
    pub(crate) erasing: bool,
}

pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// The same in no order.
type List = Vec<(Vec<u8>, Vec<u8>)>;

/// Where a version is put.
struct Place<'a> {
    of: ResourceType,
    id: &'a str,
    tail: Tail,
    length: Length,
    version: u64,
    stamp: u64,
    updated: i64,
    labels: Labels,
}

impl Place<'_> {
    /// The head of a resource whose current version this is; without a hash it is deleted.
    fn head(&self, hash: Option<u64>) -> Head {
        Head {
            tail: self.tail,
            version: self.version,
            stamp: self.stamp,
            updated: self.updated,
            labels: self.labels,
            deleted: hash.is_none(),
            hash: hash.unwrap_or_default(),
        }
    }
    fn facts(&self) -> Facts<'_> {
        Facts {
            of: self.of,
            id: self.id,
            rid: self.tail.rid,
            version: self.version,
            stamp: self.stamp,
            updated: self.updated,
            labels: self.labels,
            person: self.tail.person,
        }
    }
}

impl Making<'_> {
    pub(crate) fn view(&self) -> Layered<'_> {
        Layered::one(self.base, &self.rows)
    }
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.view().get(key)
    }
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.rows.insert(key, Some(value));
    }
    fn head(&self, of: ResourceType, id: &str) -> Result<Option<Head>> {
        let row = self.get(&head::key(self.secret, of, id))?;
        row.map(|row| Head::decode(&row)).transpose()
    }
    fn new_rid(&mut self) -> u64 {
        let rid = self.state.next_rid;
        self.state.next_rid += 1;
        rid
    }

    /// Does one change.
    pub(crate) fn change(&mut self, ready: Ready, grant: &Grant, find: &Find) -> Result<Written> {
        let Ready { of, id, deed } = ready;
        let head = self.head(of, &id)?;
        let rid = head.as_ref().map(|head| head.tail.rid);
        let head = head.filter(|head| head.version > 0);
        match deed {
            Deed::Create {
                prepared,
                if_none_exist,
            } => {
                if let Some(query) = &if_none_exist
                    && let Some(written) = self.found(of, query, grant, find)?
                {
                    return Ok(written);
                }
                self.store((of, id, rid), *prepared, head, grant, Some(Current::Absent))
            }
            Deed::Update { prepared, if_match } => {
                self.store((of, id, rid), *prepared, head, grant, if_match)
            }
            Deed::Delete { if_match } => {
                self.unload(of, &id)?;
                self.delete(of, id, head, grant, if_match)
            }
            Deed::Load { active } => self.loading(of, id, active, grant),
        }
    }

    /// What a conditional create matches, as what became of it.
    fn found(
        &mut self,
        of: ResourceType,
        query: &Query,
        grant: &Grant,
        find: &Find,
    ) -> Result<Option<Written>> {
        grant.must(Verb::Create, Some(of))?;
        self.loaded
            .answers(&self.view(), std::slice::from_ref(query))?;
        let ids = find(&self.view(), query, grant, 2)?;
        let [id] = ids.as_slice() else {
            return match ids.len() {
                0 => Ok(None),
                _ => Err(Error::Ambiguous(format!("If-None-Exist on {of}"))),
            };
        };
        let head = self.head(of, id)?.ok_or_else(|| lost(of, id))?;
        Ok(Some(self.unchanged(of, id, &head)?))
    }

    /// The current version as the outcome of a change that changed nothing.
    fn unchanged(&self, of: ResourceType, id: &str, head: &Head) -> Result<Written> {
        Ok(Written {
            version: self.stored(of, id, head)?.version(),
            changed: false,
            created: false,
            labels: head.labels,
        })
    }

    fn stored(&self, of: ResourceType, id: &str, head: &Head) -> Result<Stored> {
        let key = Key::new(records(of), BODY).long(head.stamp).done();
        let row = self.get(&key)?.ok_or_else(|| lost(of, id))?;
        self.vault.body(&key, &row)?.ok_or_else(|| lost(of, id))
    }

    /// Stores a version; `rid` is the number of the resource, if it has one.
    fn store(
        &mut self,
        (of, id, rid): (ResourceType, String, Option<u64>),
        mut prepared: Prepared,
        head: Option<Head>,
        grant: &Grant,
        if_match: Option<Current>,
    ) -> Result<Written> {
        prepared.by(of, &self.loaded, self.secret, self.vault)?;
        let (rid, person) = self.numbers(of, &id, rid, prepared.patient.as_deref())?;
        let created = !head.as_ref().is_some_and(Head::exists);
        let verb = if created { Verb::Create } else { Verb::Update };
        self.may_write(grant, verb, of, person, head.as_ref())?;
        // Only now: that a version is another one says that the resource is there.
        expect(of, &id, head.as_ref(), if_match)?;
        let current = head.as_ref().filter(|head| head.exists());
        if let Some(current) = current
            && current.hash == prepared.hash
            && current.tail.person == person
            && current.labels == prepared.labels
            && self.stored(of, &id, current)?.text.as_ref() == Some(&prepared.text)
        {
            return self.unchanged(of, &id, current);
        }
        let first_seen = match &head {
            Some(head) => head.tail.date,
            None => self.now.div_euclid(1_000_000),
        };
        let place = Place {
            of,
            id: &id,
            tail: Tail {
                date: prepared.date.map_or(first_seen, |main| main.second),
                person,
                rid,
            },
            length: prepared.date.map(|main| main.length).unwrap_or_default(),
            version: head.as_ref().map_or(0, |head| head.version) + 1,
            stamp: self.new_stamp(),
            updated: self.now,
            labels: prepared.labels,
        };
        let index = std::mem::take(&mut prepared.index);
        self.becomes(&place, &prepared, index, head.as_ref())?;
        self.put_version(&place, Some(prepared), created)
    }

    /// Puts a version's index rows, of these keys and what else follows from it, in the place of those of the version before.
    fn becomes(
        &mut self,
        place: &Place<'_>,
        prepared: &Prepared,
        index: Vec<Vec<u8>>,
        head: Option<&Head>,
    ) -> Result<()> {
        let of = place.of;
        let old = self.retire(of, place.id, head)?;
        let mut new = self.rows_of(
            place,
            index,
            &prepared.matters,
            &prepared.refers,
            &prepared.directory,
        );
        let key = place.tail.card_key(of);
        let row = self
            .vault
            .close_card(&key, &place.facts(), &prepared.card)?;
        new.push((key, row));
        match old.is_empty() {
            true => self
                .rows
                .extend(new.into_iter().map(|(key, row)| (key, Some(row)))),
            false => self.exchange(old, new.into_iter().collect()),
        }
        let before = head.filter(|head| head.exists()).map(|head| head.labels);
        self.count(of, before, Some(place.labels))
    }

    /// Takes the index rows of a current version away; `stamp` is that of its deletion.
    fn goes(&mut self, of: ResourceType, id: &str, head: &Head, stamp: u64) -> Result<()> {
        let old = self.retire(of, id, Some(head))?;
        self.exchange(old, Rows::new());
        self.count(of, Some(head.labels), None)?;
        let key = Key::new(records(of), OLD).of(of).newest_first(stamp);
        self.put(key.done(), Vec::new());
        Ok(())
    }

    /// The rows that follow from a stored version as things are, its card without a value; `head` is that of its resource.
    pub(crate) fn called_for(
        &self,
        stamp: u64,
        stored: &Stored,
        prepared: Option<&Prepared>,
        head: &Head,
    ) -> Result<Rows> {
        let of = stored.of;
        let mut rows = Rows::new();
        let old = Key::new(records(of), OLD).of(of).newest_first(stamp).done();
        if stored.version < head.version {
            let key = Key::new(records(of), VERSION)
                .rid(stored.rid)
                .long(stored.version);
            let labels = match prepared {
                Some(prepared) => prepared.labels,
                None => self.labels_before(of, stored.rid, stored.version)?,
            };
            rows.insert(key.done(), old_row(stamp, labels));
            rows.insert(old, Vec::new());
            return Ok(rows);
        }
        let date = prepared.and_then(|prepared| prepared.date);
        let place = Place {
            of,
            id: &stored.id,
            tail: Tail {
                date: date.map_or(head.tail.date, |main| main.second),
                person: stored.person,
                rid: stored.rid,
            },
            length: date.map(|main| main.length).unwrap_or_default(),
            version: stored.version,
            stamp,
            updated: stored.updated,
            labels: prepared.map_or(head.labels, |prepared| prepared.labels),
        };
        match prepared {
            Some(prepared) => {
                let found = self.rows_of(
                    &place,
                    prepared.index.clone(),
                    &prepared.matters,
                    &prepared.refers,
                    &prepared.directory,
                );
                rows.extend(found);
                rows.insert(place.tail.card_key(of), Vec::new());
            }
            None => {
                rows.insert(old, Vec::new());
            }
        }
        let head = place.head(prepared.map(|prepared| prepared.hash));
        rows.insert(head::key(self.secret, of, &stored.id), head.encode());
        Ok(rows)
    }

    /// The labels of the version before an old one: a deletion has those of what it deleted.
    fn labels_before(&self, of: ResourceType, rid: u64, version: u64) -> Result<Labels> {
        let key = Key::new(records(of), VERSION)
            .rid(rid)
            .long(version.saturating_sub(1));
        let row = self.get(&key.done())?;
        row.map_or(Ok(Labels(0)), |row| Ok(of_old(&row)?.1))
    }

    /// Takes a resource away as if it had never been: every version, every row. Gives how many versions there were.
    pub(crate) fn erase(&mut self, of: ResourceType, id: &str) -> Result<u64> {
        let Some(head) = self.head(of, id)? else {
            return Ok(0);
        };
        self.patient = None;
        if head.exists() {
            let old = self.retire(of, id, Some(&head))?;
            self.exchange(old, Rows::new());
            self.count(of, Some(head.labels), None)?;
        }
        let mut stamps = vec![(head.version, head.stamp)];
        let (from, to) = Key::new(records(of), VERSION).rid(head.tail.rid).range();
        let mut rows = crate::engine::Rows::default();
        self.view()
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        for (key, row) in rows.iter() {
            let version = key.last_chunk().map(|version| u64::from_be_bytes(*version));
            stamps.push((version.unwrap_or_default(), Reader(row).number()?));
        }
        stamps.retain(|(version, _)| *version > 0);
        stamps.sort_unstable();
        stamps.dedup();
        for &(version, stamp) in &stamps {
            let partition = records(of);
            let version = Key::new(partition, VERSION)
                .rid(head.tail.rid)
                .long(version);
            let old = Key::new(partition, OLD).of(of).newest_first(stamp);
            let body = Key::new(partition, BODY).long(stamp);
            for key in [version, old, body] {
                self.rows.insert(key.done(), None);
            }
        }
        self.rows.insert(head::key(self.secret, of, id), None);
        Ok(stamps.len() as u64)
    }

    /// Makes the derived rows of a stored version again, those before it being there already. `prepared` is what its
    /// text says, `None` for a deletion. Its labels are those that the rules give it now, whatever they gave when it was
    /// written.
    pub(crate) fn replay(
        &mut self,
        stamp: u64,
        stored: &Stored,
        prepared: Option<&Prepared>,
    ) -> Result<()> {
        let of = stored.of;
        let head = self.head(of, &stored.id)?.filter(|head| head.version > 0);
        let first_seen = match &head {
            Some(head) => head.tail.date,
            None => stored.updated.div_euclid(1_000_000),
        };
        let date = prepared.and_then(|prepared| prepared.date);
        let place = Place {
            of,
            id: &stored.id,
            tail: Tail {
                date: date.map_or(first_seen, |main| main.second),
                person: stored.person,
                rid: stored.rid,
            },
            length: date.map(|main| main.length).unwrap_or_default(),
            version: stored.version,
            stamp,
            updated: stored.updated,
            labels: match (prepared, &head) {
                (Some(prepared), _) => prepared.labels,
                (None, head) => head.as_ref().map_or(Labels(0), |head| head.labels),
            },
        };
        match (prepared, &head) {
            (Some(prepared), _) => {
                self.becomes(&place, prepared, prepared.index.clone(), head.as_ref())?;
            }
            (None, Some(head)) => self.goes(of, &stored.id, head, stamp)?,
            (None, None) => {
                return Err(Error::Damaged(format!(
                    "the deletion of {of}/{} is there and nothing before it",
                    stored.id
                )));
            }
        }
        self.put_head(&place, prepared.map(|prepared| prepared.hash));
        Ok(())
    }

    /// The numbers of a resource and of its person, reserving what is new. A resource in the compartments of several
    /// patients belongs to the first one named.
    fn numbers(
        &mut self,
        of: ResourceType,
        id: &str,
        rid: Option<u64>,
        patient: Option<&str>,
    ) -> Result<(u64, PersonKey)> {
        let person = match patient {
            Some(patient) => self.person(patient)?,
            None => PersonKey(0),
        };
        let herself = of.name() == "Patient" && patient == Some(id);
        let rid = match rid {
            Some(rid) => rid,
            None if herself => person.0,
            None => self.new_rid(),
        };
        Ok((rid, person))
    }

    /// The number of a Patient, reserved at the first mention so that the order of arrival does not matter.
    fn person(&mut self, id: &str) -> Result<PersonKey> {
        let Some(of) = ResourceType::from_name("Patient") else {
            return Ok(PersonKey(0));
        };
        if let Some((known, person)) = &self.patient
            && known == id
        {
            return Ok(*person);
        }
        let person = match self.head(of, id)? {
            Some(head) => PersonKey(head.tail.rid),
            None => {
                let person = PersonKey(self.new_rid());
                let (key, row) = self.vault.assign(person, id)?;
                self.put(key, row);
                let head = Head::reserved(person.0, person);
                self.put(head::key(self.secret, of, id), head.encode());
                person
            }
        };
        self.patient = Some((id.to_owned(), person));
        Ok(person)
    }

    /// Old and new place must be the permit's, and what is there must not be hidden from it.
    fn may_write(
        &self,
        grant: &Grant,
        verb: Verb,
        of: ResourceType,
        person: PersonKey,
        head: Option<&Head>,
    ) -> Result<()> {
        grant.must(verb, Some(of))?;
        let opened = |person, labels| grant.opens(of, person, labels, || Ok(false));
        let old = match head {
            Some(head) => {
                let (owner, place) = (head.tail.person, head.place(of));
                opened(owner, head.labels)?
                    && !residual::leaves_out(grant, self.vault, &self.view(), owner, place)?
            }
            None => true,
        };
        if old && opened(person, Labels(0))? {
            return Ok(());
        }
        Err(not_for(of))
    }

    fn new_stamp(&mut self) -> u64 {
        let stamp = self.state.next_stamp;
        self.state.next_stamp += 1;
        stamp
    }

    fn delete(
        &mut self,
        of: ResourceType,
        id: String,
        head: Option<Head>,
        grant: &Grant,
        if_match: Option<Current>,
    ) -> Result<Written> {
        grant.must(Verb::Delete, Some(of))?;
        let Some(head) = head else {
            // Under a permit for one person, what is not there is refused as what is somebody else's.
            if matches!(grant.scope, Scope::Person { .. }) {
                return Err(not_for(of));
            }
            expect(of, &id, None, if_match)?;
            return Ok(absent(of, id));
        };
        self.may_write(grant, Verb::Delete, of, head.tail.person, Some(&head))?;
        expect(of, &id, Some(&head), if_match)?;
        self.vault.lives(head.tail.person)?;
        if head.deleted {
            return self.unchanged(of, &id, &head);
        }
        let place = Place {
            of,
            id: &id,
            tail: head.tail,
            length: Length::default(),
            version: head.version + 1,
            stamp: self.new_stamp(),
            updated: self.now,
            labels: head.labels,
        };
        self.goes(of, &id, &head, place.stamp)?;
        self.put_version(&place, None, false)
    }

    /// Puts the version that was current among the old ones; gives its index rows.
    fn retire(&mut self, of: ResourceType, id: &str, head: Option<&Head>) -> Result<Rows> {
        let Some(head) = head else {
            return Ok(Rows::new());
        };
        let key = Key::new(records(of), VERSION)
            .rid(head.tail.rid)
            .long(head.version);
        self.put(key.done(), old_row(head.stamp, head.labels));
        if head.deleted {
            return Ok(Rows::new());
        }
        let key = Key::new(records(of), OLD).of(of).newest_first(head.stamp);
        self.put(key.done(), Vec::new());
        let key = head.tail.card_key(of);
        let row = self.get(&key)?.ok_or_else(|| lost(of, id))?;
        let of_whom = match self.erasing {
            true => Of::Anyone,
            false => Of::TheLiving,
        };
        let card = self.vault.card_of(&key, &row, Some(&|_| true), of_whom)?;
        let card = card.ok_or_else(|| lost(of, id))?;
        let own = format!("Patient/{}", card.patient);
        let main = dates::main_date(of, &card.entries);
        let words = self.words(of, id, head.stamp, of_whom)?;
        let index = index::keys(of, &card.entries, words, main, Some(&own), self.secret);
        let matters = index::matters(of, &card.entries, self.secret);
        let place = Place {
            of,
            id,
            tail: head.tail,
            length: main.map(|main| main.length).unwrap_or_default(),
            version: head.version,
            stamp: head.stamp,
            updated: head.updated,
            labels: head.labels,
        };
        let mut rows = self.rows_of(&place, index, &matters, &card.refers, &card.directory);
        rows.push((key, row));
        Ok(rows.into_iter().collect())
    }

    /// The index keys of a stored version's words. They are not on its card: the text is read.
    fn words(&self, of: ResourceType, id: &str, stamp: u64, of_whom: Of) -> Result<Vec<Vec<u8>>> {
        let key = Key::new(records(of), BODY).long(stamp).done();
        let row = self.get(&key)?.ok_or_else(|| lost(of, id))?;
        let stored = self.vault.body_of(&key, &row, of_whom)?;
        let text = stored.and_then(|stored| stored.text);
        let text = text.ok_or_else(|| lost(of, id))?;
        Ok(words::keys(of, &text.read()?, self.secret))
    }

    /// Every index row of a version while it is current, its card apart. The keys of the index have room for their tails.
    fn rows_of(
        &self,
        place: &Place<'_>,
        index: Vec<Vec<u8>>,
        matters: &[Vec<u8>],
        refers: &[String],
        directory: &[Vec<u8>],
    ) -> List {
        let Place {
            of, tail, labels, ..
        } = *place;
        let partition = records(of);
        let mark = label_row(labels);
        let row = Mark {
            labels,
            length: place.length,
        }
        .encode();
        let mut rows = List::with_capacity(index.len() + matters.len() + refers.len() + 8);
        for mut key in index {
            key.extend_from_slice(&tail.bytes());
            rows.push((key, row.clone()));
        }
        for value in matters {
            let key = index::personal(of, tail.person).bytes(value).tail(&tail);
            rows.push((key.done(), row.clone()));
        }
        for pair in index::links(of, matters) {
            let key = index::linked(of, tail.person).bytes(&pair).tail(&tail);
            rows.push((key.done(), row.clone()));
        }
        let mut stamp = tail.bytes().to_vec();
        stamp.extend_from_slice(&row);
        let key = Key::new(partition, STAMP).of(of).newest_first(place.stamp);
        rows.push((key.done(), stamp));
        if tail.person.0 != 0 {
            for name in refers {
                let key = Key::new(partition, REFERS)
                    .person(tail.person)
                    .bytes(&index::whole_hash(name, self.secret))
                    .rid(tail.rid);
                rows.push((key.done(), mark.clone()));
            }
        }
        if labels.0 != 0 {
            let by_type = Key::new(partition, LABELLED)
                .of(of)
                .person(tail.person)
                .rid(tail.rid);
            rows.push((by_type.done(), mark.clone()));
            let by_person = Key::new(partition, MARKED)
                .person(tail.person)
                .rid(tail.rid);
            rows.push((by_person.done(), mark));
        }
        for key in directory {
            let key = Key::new(DIRECTORY, PERSON).sized(key).person(tail.person);
            rows.push((key.done(), Vec::new()));
        }
        rows
    }

    /// Takes old rows away and puts the new ones, touching only what differs.
    fn exchange(&mut self, old: Rows, new: Rows) {
        for key in old.keys() {
            if !new.contains_key(key) {
                self.rows.insert(key.clone(), None);
            }
        }
        for (key, value) in new {
            if old.get(&key) != Some(&value) {
                self.put(key, value);
            }
        }
    }

    fn count(&mut self, of: ResourceType, old: Option<Labels>, new: Option<Labels>) -> Result<()> {
        let before = Count::read(&self.view(), of)?;
        let labelled = |labels: Option<Labels>| u64::from(labels.is_some_and(|l| l.0 != 0));
        let after = Count {
            all: (before.all + u64::from(new.is_some())).saturating_sub(u64::from(old.is_some())),
            labelled: (before.labelled + labelled(new)).saturating_sub(labelled(old)),
        };
        if after != before {
            self.put(Count::key(of), after.encode());
        }
        Ok(())
    }

    /// Puts the head of a resource; without a hash it is deleted.
    fn put_head(&mut self, place: &Place<'_>, hash: Option<u64>) {
        let key = head::key(self.secret, place.of, place.id);
        self.put(key, place.head(hash).encode());
    }

    /// Puts body and head of a version.
    fn put_version(
        &mut self,
        place: &Place<'_>,
        prepared: Option<Prepared>,
        created: bool,
    ) -> Result<Written> {
        let Place { of, id, tail, .. } = *place;
        self.put_head(place, prepared.as_ref().map(|prepared| prepared.hash));
        let key = Key::new(records(of), BODY).long(place.stamp).done();
        let packed = prepared.as_ref();
        let packed = packed.map(|prepared| prepared.packed.as_slice());
        let row = self.vault.close_body(&key, &place.facts(), packed)?;
        self.put(key, row);
        let updated = body::time(place.updated);
        Ok(Written {
            version: Version {
                of,
                id: id.to_owned(),
                version: place.version,
                updated,
                deleted: prepared.is_none(),
                body: prepared.map_or_else(Default::default, |prepared| {
                    prepared.text.splice(place.version, updated)
                }),
                person: tail.person,
            },
            changed: true,
            created,
            labels: place.labels,
        })
    }
}

/// The row of a version that is not current: its stamp and its labels.
fn old_row(stamp: u64, labels: Labels) -> Vec<u8> {
    let mut row = Vec::new();
    put_number(&mut row, stamp);
    row.extend(label_row(labels));
    row
}

/// Stamp and labels of the row of a version that is not current.
pub(crate) fn of_old(row: &[u8]) -> Result<(u64, Labels)> {
    let mut reader = Reader(row);
    Ok((reader.number()?, labels_of(reader.0)?))
}

/// Labels as the value of an index row; none take no bytes.
pub(crate) fn label_row(labels: Labels) -> Vec<u8> {
    let mut row = Vec::new();
    if labels.0 != 0 {
        put_number(&mut row, u64::from(labels.0));
    }
    row
}

/// Labels of an index row.
pub(crate) fn labels_of(row: &[u8]) -> Result<Labels> {
    if row.is_empty() {
        return Ok(Labels(0));
    }
    Ok(Labels(Reader(row).number()? as u32))
}

/// What the value of an index row says: the resource's labels, and how long its main date lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) labels: Labels,
    pub(crate) length: Length,
}

impl Mark {
    /// The commonest takes no bytes.
    fn encode(self) -> Vec<u8> {
        let mut row = Vec::new();
        if self.labels.0 != 0 || self.length != Length::Second {
            put_number(&mut row, u64::from(self.labels.0));
        }
        if self.length != Length::Second {
            row.push(self.length.code());
        }
        row
    }
    pub(crate) fn decode(row: &[u8]) -> Result<Mark> {
        if row.is_empty() {
            return Ok(Mark::default());
        }
        let mut reader = Reader(row);
        Ok(Mark {
            labels: Labels(reader.number()? as u32),
            length: match reader.0.first() {
                Some(&code) => Length::of_code(code),
                None => Length::Second,
            },
        })
    }
}

fn not_for(of: ResourceType) -> Error {
    Error::NotPermitted(format!(
        "it is not for the record that this {of} belongs to"
    ))
}

fn expect(
    of: ResourceType,
    id: &str,
    head: Option<&Head>,
    if_match: Option<Current>,
) -> Result<()> {
    let current = head
        .filter(|head| head.exists())
        .map_or(0, |head| head.version);
    let met = match if_match {
        None => true,
        Some(Current::Version(version)) => version == current,
        Some(Current::Any) => current > 0,
        Some(Current::Absent) => current == 0,
    };
    match met {
        true => Ok(()),
        false => Err(conflict(of, id, current)),
    }
}

fn conflict(of: ResourceType, id: &str, current: u64) -> Error {
    Error::VersionConflict {
        what: format!("{of}/{id}"),
        current,
    }
}

fn lost(of: ResourceType, id: &str) -> Error {
    Error::Damaged(format!("the rows of {of}/{id} do not agree"))
}

fn absent(of: ResourceType, id: String) -> Written {
    Written {
        version: Version {
            of,
            id,
            version: 0,
            updated: body::time(0),
            deleted: true,
            body: Default::default(),
            person: PersonKey(0),
        },
        changed: false,
        created: false,
        labels: Labels(0),
    }
}
