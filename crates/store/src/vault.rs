//! The one place where bodies, cards, acts and the house's rows become bytes and are read again.
//!
//! In: what a row says, and its key. Out: the row, compressed and sealed; or, from a row, what it says. `None` comes out
//! where the person whose row it is was erased: what is left of her is nothing.
//!
//! What is sealed is bound to the key of its row and to what stands before it in the open, so it opens nowhere else:
//!
//! | row | in the open | sealed under |
//! |---|---|---|
//! | body | person, epoch, count | the person's key; the house's when it is nobody's |
//! | card | labels, stamp, epoch, count | the same; whose it is says the key |
//! | act | person, name, leaf, epoch, count | the key of the one person it is about, else the house's |
//! | row of the house, dictionary, secrets | epoch, count | the house's key |
//! | a person's key row | slot, epoch, count | her own key: her Patient's id |
//!
//! Cost of opening: one AES-256-GCM and one run of zstd when the key was used of late, else one look at its row and slot
//! more. `examples/at_rest.rs` measures it on your data.

use crate::{
    ActRecord, Error, Labels, PersonKey, Result,
    acts::{Kept, Packed},
    body::{self, Opened, Stored, Text},
    card::{self, Card, Part},
    cipher::{self, Epoch, RowKey, TAG},
    codec::{Reader, put_bytes, put_number, put_uuids},
    engine::{Batch, Direction, Engine, Rows},
    erase::mark_key,
    fold::Folder,
    keyring::{HOUSE_SLOT, Keyring, Slot},
    keys::{DICTIONARY, DIRECTORY, EPOCH, ERASED, HOUSE, KEY, Key, from_six},
    press::{Kind, Press},
    recent::Recent,
    types,
};
use fhir::ResourceType;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What a version's row says besides its text.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) of: ResourceType,
    pub(crate) id: &'a str,
    pub(crate) rid: u64,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    /// Microseconds.
    pub(crate) updated: i64,
    pub(crate) labels: Labels,
    pub(crate) person: PersonKey,
}

/// The key of a person, and the id of her Patient.
#[derive(Clone)]
struct Whose {
    slot: u32,
    patient: Arc<str>,
}

/// Opens and closes the values of rows.
pub(crate) struct Vault {
    engine: Arc<dyn Engine>,
    ring: Keyring,
    pub(crate) press: Press,
    epochs: HashMap<u64, Epoch>,
    epoch: u64,
    count: AtomicU64,
    keys: Recent<(u32, u64), Arc<RowKey>>,
    people: Recent<u64, Whose>,
    /// Versions as answers show them, by their stamps. What has a stamp never changes.
    opened: Recent<u64, Arc<Opened>>,
    /// People of the commit in the making.
    pending: RwLock<HashMap<u64, Whose>>,
    /// People whose erasure has begun.
    forgotten: RwLock<HashSet<u64>>,
}

/// Whose rows are opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Everybody's but those of people whose erasure has begun.
    TheLiving,
    /// Theirs too: by the erasure itself.
    Anyone,
}

/// A row whose key is known, up to where its sealed part begins.
struct Sealed<'a> {
    whose: Whose,
    /// What stands in the open.
    open: &'a [u8],
    rest: Reader<'a>,
}

impl Vault {
    /// The vault of an archive, with a new epoch of its own. So many keys are kept in memory at most, and opened versions of
    /// so many bytes.
    pub(crate) fn open(
        engine: Arc<dyn Engine>,
        ring: Keyring,
        keys: usize,
        opened: usize,
    ) -> Result<Vault> {
        let (from, to) = Key::new(HOUSE, EPOCH).range();
        let mut rows = Rows::default();
        engine
            .snapshot()?
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        let mut epochs = HashMap::new();
        for (key, row) in rows.iter() {
            let number = key.last_chunk().map(|number| u64::from_be_bytes(*number));
            epochs.insert(number.unwrap_or_default(), Reader(row).array()?);
        }
        let epoch = epochs.keys().max().map_or(0, |last| last + 1);
        let name: Epoch = cipher::random()?;
        let key = Key::new(HOUSE, EPOCH).long(epoch).done();
        // Durable before anything is sealed in it.
        engine.commit(&Batch::from([(key, Some(name.to_vec()))]))?;
        epochs.insert(epoch, name);
        let vault = Vault {
            engine,
            ring,
            press: Press::default(),
            epochs,
            epoch,
            count: AtomicU64::new(0),
            keys: Recent::new(keys),
            people: Recent::new(keys),
            opened: Recent::weighing(opened, |opened| opened.weight()),
            pending: RwLock::default(),
            forgotten: RwLock::default(),
        };
        vault.learn_all()?;
        vault.forget_all()?;
        Ok(vault)
    }

    /// A vault by itself, for tests.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Result<Vault> {
        Vault::open(
            Arc::new(crate::engine::Memory::default()),
            Keyring::in_memory()?,
            100,
            100_000,
        )
    }

    /// From now on this person's rows open to nobody.
    pub(crate) fn forget(&self, person: PersonKey) {
        let mut forgotten = self
            .forgotten
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        forgotten.insert(person.0);
    }

    /// Takes that back, unless she is among those whose erasure has begun.
    pub(crate) fn remember(&self, person: PersonKey, begun: &[PersonKey]) {
        if !begun.contains(&person) {
            let mut forgotten = self
                .forgotten
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            forgotten.remove(&person.0);
        }
    }

    /// Overwrites the key that a key row names, for ever.
    pub(crate) fn destroy(&self, key_row: &[u8]) -> Result<()> {
        let slot = u32::try_from(Reader(key_row).number()?).unwrap_or(HOUSE_SLOT);
        self.ring.erase(slot)?;
        self.keys.forget(|(known, _), _| *known == slot);
        self.people.forget(|_, _| true);
        // Of an erased person nothing stays in memory either.
        let forgotten = self.forgotten();
        self.opened
            .forget(|_, opened| forgotten.contains(&opened.version.person.0));
        Ok(())
    }

    /// Erasures that were begun and marked before the archive was opened.
    fn forget_all(&self) -> Result<()> {
        let (from, to) = Key::new(HOUSE, ERASED).range();
        let mut rows = Rows::default();
        self.engine
            .snapshot()?
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        for (key, _) in rows.iter() {
            if let Some(person) = key.last_chunk::<6>().and_then(|six| from_six(six)) {
                self.forget(PersonKey(person));
            }
        }
        Ok(())
    }

    fn learn_all(&self) -> Result<()> {
        let (from, to) = Key::new(HOUSE, DICTIONARY).range();
        let mut rows = Rows::default();
        self.engine
            .snapshot()?
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        for (key, row) in rows.iter() {
            let number = key.last_chunk().map(|number| u32::from_be_bytes(*number));
            let opened = self.house(key, row)?;
            if let Some((kind, bytes)) = opened.split_first() {
                self.press
                    .learn(Kind(*kind), number.unwrap_or_default(), bytes)?;
            }
        }
        Ok(())
    }

    fn row_key(&self, slot: u32, epoch: u64) -> Result<Option<Arc<RowKey>>> {
        if let Some(key) = self.keys.get(&(slot, epoch)) {
            return Ok(Some(key));
        }
        let name = self.epochs.get(&epoch).ok_or_else(|| {
            Error::Damaged(format!(
                "a row was sealed in opening {epoch}, which the archive does not know"
            ))
        })?;
        let Slot::Key(data_key) = self.ring.key(slot)? else {
            return Ok(None);
        };
        let key = Arc::new(RowKey::of(&data_key, name)?);
        self.keys.put((slot, epoch), key.clone());
        Ok(Some(key))
    }

    /// Appends epoch, count and the sealed secret to what stands in the open.
    fn close(&self, slot: u32, key: &[u8], mut open: Vec<u8>, secret: &[u8]) -> Result<Vec<u8>> {
        let row_key = self.row_key(slot, self.epoch)?.ok_or_else(erased)?;
        let place = [key, open.as_slice()].concat();
        let count = self.count.fetch_add(1, Relaxed);
        open.reserve(16 + secret.len() + TAG);
        put_number(&mut open, self.epoch);
        put_number(&mut open, count);
        let start = open.len();
        open.extend_from_slice(secret);
        row_key.seal(count, &place, &mut open, start)?;
        Ok(open)
    }

    /// The secret of a row; `None` when its key was erased.
    fn secret(&self, key: &[u8], mut row: Sealed<'_>) -> Result<Option<Vec<u8>>> {
        let epoch = row.rest.number()?;
        let count = row.rest.number()?;
        let Some(row_key) = self.row_key(row.whose.slot, epoch)? else {
            return Ok(None);
        };
        let place = [key, row.open].concat();
        let mut secret = row.rest.0.to_vec();
        let length = row_key
            .open(count, &place, &mut secret)
            .map(|open| open.len());
        let length = length.ok_or_else(|| altered(key))?;
        secret.truncate(length);
        Ok(Some(secret))
    }

    /// Key and Patient of a person; `None` when she was erased, or is being erased.
    fn whose(&self, person: PersonKey) -> Result<Option<Whose>> {
        self.whose_of(person, Of::TheLiving)
    }

    fn whose_of(&self, person: PersonKey, of: Of) -> Result<Option<Whose>> {
        if person.0 == 0 {
            return Ok(Some(Whose::house()));
        }
        if of == Of::TheLiving && self.forgotten().contains(&person.0) {
            return Ok(None);
        }
        let pending = self.pending.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(whose) = pending.get(&person.0) {
            return Ok(Some(whose.clone()));
        }
        drop(pending);
        if let Some(whose) = self.people.get(&person.0) {
            return Ok(Some(whose));
        }
        let key = key_row(person);
        let snapshot = self.engine.snapshot()?;
        let Some(row) = snapshot.get(&key)? else {
            return match snapshot.get(&mark_key(person))? {
                Some(_) => Ok(None),
                None => Err(Error::Damaged(format!(
                    "person {} has rows and no key row",
                    person.0
                ))),
            };
        };
        let whose = self.read_key_row(&key, &row)?;
        if let Some(whose) = &whose {
            self.people.put(person.0, whose.clone());
        }
        Ok(whose)
    }

    fn read_key_row(&self, key: &[u8], row: &[u8]) -> Result<Option<Whose>> {
        let mut rest = Reader(row);
        let slot = u32::try_from(rest.number()?).map_err(|_| altered(key))?;
        let whose = Whose {
            slot,
            patient: Arc::default(),
        };
        let open = before(row, &rest);
        let Some(patient) = self.secret(key, Sealed { whose, open, rest })? else {
            return Ok(None);
        };
        let patient = String::from_utf8(patient).map_err(|_| altered(key))?;
        Ok(Some(Whose {
            slot,
            patient: patient.into(),
        }))
    }

    /// An error when the person was erased, or was never known.
    pub(crate) fn lives(&self, person: PersonKey) -> Result<()> {
        self.whose(person)?.map(drop).ok_or_else(erased)
    }

    /// The id of a person's Patient; empty for nobody's and for who was erased.
    pub(crate) fn patient(&self, person: PersonKey) -> Result<Arc<str>> {
        Ok(self
            .whose(person)?
            .map(|whose| whose.patient)
            .unwrap_or_default())
    }

    /// Gives a new person a key: the row that says so, for the commit in the making.
    pub(crate) fn assign(&self, person: PersonKey, patient: &str) -> Result<(Vec<u8>, Vec<u8>)> {
        let slot = self.ring.give()?;
        let key = key_row(person);
        let mut open = Vec::new();
        put_number(&mut open, u64::from(slot));
        let row = self.close(slot, &key, open, patient.as_bytes())?;
        let whose = Whose {
            slot,
            patient: patient.into(),
        };
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.insert(person.0, whose);
        Ok((key, row))
    }

    /// A person and the id of her Patient, from her key row; `None` when she was erased.
    pub(crate) fn person(&self, key: &[u8], row: &[u8]) -> Result<Option<(PersonKey, Arc<str>)>> {
        let number = key.last_chunk::<6>().and_then(|number| from_six(number));
        let number = number.ok_or_else(|| altered(key))?;
        let whose = self.read_key_row(key, row)?;
        Ok(whose.map(|whose| (PersonKey(number), whose.patient)))
    }

    /// The commit in the making is done, well or badly.
    pub(crate) fn settle(&self) {
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.clear();
    }

    /// The text of a body, compressed; `own` is the id of the person's Patient.
    pub(crate) fn pack_text(&self, of: ResourceType, text: &Text, own: &str) -> Vec<u8> {
        let mut folder = Folder::new(own);
        let mut folded = Vec::with_capacity(text.rest().len());
        folder.fold(text.rest(), &mut folded);
        let mut out = Vec::with_capacity(folded.len() / 2 + 64);
        put_uuids(&mut out, &folder.uuids);
        self.press.pack(Kind(types::code(of)), &folded, &mut out);
        out
    }

    /// The part of a card that is known before the commit, compressed.
    pub(crate) fn pack_card(&self, part: &Part) -> Vec<u8> {
        let mut out = Vec::with_capacity(part.text.len() / 2 + 64);
        put_uuids(&mut out, &part.uuids);
        put_bytes(&mut out, &part.numbers);
        self.press.pack(Kind::CARDS, &part.text, &mut out);
        out
    }

    /// The row of a version; `packed` is [`Vault::pack_text`], `None` for a deletion.
    pub(crate) fn close_body(
        &self,
        key: &[u8],
        facts: &Facts<'_>,
        packed: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let whose = self.whose(facts.person)?.ok_or_else(erased)?;
        let mut open = Vec::new();
        put_number(&mut open, facts.person.0);
        let secret = body::encode(facts, &whose.patient, packed);
        self.close(whose.slot, key, open, &secret)
    }

    /// A version, from its row.
    pub(crate) fn body(&self, key: &[u8], row: &[u8]) -> Result<Option<Stored>> {
        self.body_of(key, row, Of::TheLiving)
    }

    /// A version that was opened of late. What of a person whose erasure has begun is not.
    pub(crate) fn opened(&self, stamp: u64) -> Option<Arc<Opened>> {
        let opened = self.opened.get(&stamp)?;
        (!self.forgotten().contains(&opened.version.person.0)).then_some(opened)
    }

    /// Keeps an opened version for a while.
    pub(crate) fn keep_opened(&self, stamp: u64, stored: Stored) -> Arc<Opened> {
        let opened = Arc::new(Opened::from(stored));
        // Locked until it is there: an erasure that begins meanwhile finds it.
        let forgotten = self.forgotten();
        if !forgotten.contains(&opened.version.person.0) {
            self.opened.put(stamp, opened.clone());
        }
        opened
    }

    fn forgotten(&self) -> RwLockReadGuard<'_, HashSet<u64>> {
        self.forgotten
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn body_of(&self, key: &[u8], row: &[u8], of: Of) -> Result<Option<Stored>> {
        let mut rest = Reader(row);
        let person = PersonKey(rest.number()?);
        let Some(whose) = self.whose_of(person, of)? else {
            return Ok(None);
        };
        let own = whose.patient.clone();
        let open = before(row, &rest);
        let Some(secret) = self.secret(key, Sealed { whose, open, rest })? else {
            return Ok(None);
        };
        Stored::decode(&secret, person, &own, &self.press).map(Some)
    }

    /// The row of a card; `packed` is [`Vault::pack_card`].
    pub(crate) fn close_card(
        &self,
        key: &[u8],
        facts: &Facts<'_>,
        packed: &[u8],
    ) -> Result<Vec<u8>> {
        let whose = self.whose(facts.person)?.ok_or_else(erased)?;
        let mut open = Vec::new();
        put_number(&mut open, u64::from(facts.labels.0));
        put_number(&mut open, facts.stamp);
        let secret = card::encode(facts, &whose.patient, packed);
        self.close(whose.slot, key, open, &secret)
    }

    /// A card, from its row. `wanted` says which parameters' entries are needed; without it neither entries nor
    /// references nor keys of people are, and nothing is unpacked.
    pub(crate) fn card(
        &self,
        key: &[u8],
        row: &[u8],
        wanted: Option<&dyn Fn(u16) -> bool>,
    ) -> Result<Option<Card>> {
        self.card_of(key, row, wanted, Of::TheLiving)
    }

    pub(crate) fn card_of(
        &self,
        key: &[u8],
        row: &[u8],
        wanted: Option<&dyn Fn(u16) -> bool>,
        of: Of,
    ) -> Result<Option<Card>> {
        let mut rest = Reader(row);
        let labels = Labels(rest.number()? as u32);
        let stamp = rest.number()?;
        let person = key
            .get(3..9)
            .and_then(from_six)
            .ok_or_else(|| altered(key))?;
        let named = key.get(9).and_then(|code| types::named(*code));
        let named = named.ok_or_else(|| altered(key))?;
        let Some(whose) = self.whose_of(PersonKey(person), of)? else {
            return Ok(None);
        };
        let own = whose.patient.clone();
        let open = before(row, &rest);
        let Some(secret) = self.secret(key, Sealed { whose, open, rest })? else {
            return Ok(None);
        };
        Card::decode(named, &secret, (labels, stamp), &own, &self.press, wanted).map(Some)
    }

    /// An act, compressed. An error when the person whom it is about was erased.
    pub(crate) fn pack_act(&self, act: ActRecord) -> Result<Packed> {
        self.lives(act.about)?;
        Ok(Packed::new(act, &self.press))
    }

    /// The row of an act.
    pub(crate) fn close_act(&self, key: &[u8], act: &Packed) -> Result<Vec<u8>> {
        let whose = self.whose(act.about)?.ok_or_else(erased)?;
        let mut open = Vec::with_capacity(96 + act.secret.len());
        put_number(&mut open, act.about.0);
        open.extend_from_slice(&act.id);
        open.extend_from_slice(&act.leaf);
        self.close(whose.slot, key, open, &act.secret)
    }

    /// An act, from its row.
    pub(crate) fn act(&self, key: &[u8], row: &[u8]) -> Result<Option<Kept>> {
        self.act_of(key, row, Of::TheLiving)
    }

    pub(crate) fn act_of(&self, key: &[u8], row: &[u8], of: Of) -> Result<Option<Kept>> {
        let mut rest = Reader(row);
        let about = PersonKey(rest.number()?);
        let (id, _) = Kept::names(&mut rest)?;
        let Some(whose) = self.whose_of(about, of)? else {
            return Ok(None);
        };
        let own = whose.patient.clone();
        let open = before(row, &rest);
        let Some(secret) = self.secret(key, Sealed { whose, open, rest })? else {
            return Ok(None);
        };
        Kept::decode(id, &secret, &own, &self.press).map(Some)
    }

    /// Name and leaf of an act, which its row says in the open.
    pub(crate) fn act_names(&self, row: &[u8]) -> Result<([u8; 16], [u8; 32])> {
        let mut rest = Reader(row);
        rest.number()?;
        Kept::names(&mut rest)
    }

    /// A row of the house.
    pub(crate) fn close_house(&self, key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
        self.close(HOUSE_SLOT, key, Vec::new(), value)
    }

    /// What a row of the house says.
    pub(crate) fn house(&self, key: &[u8], row: &[u8]) -> Result<Vec<u8>> {
        let sealed = Sealed {
            whose: Whose::house(),
            open: &[],
            rest: Reader(row),
        };
        self.secret(key, sealed)?.ok_or_else(erased)
    }
}

impl Whose {
    fn house() -> Whose {
        Whose {
            slot: HOUSE_SLOT,
            patient: Arc::default(),
        }
    }
}

/// What of a row was read so far.
fn before<'a>(row: &'a [u8], rest: &Reader<'_>) -> &'a [u8] {
    row.get(..row.len() - rest.0.len()).unwrap_or_default()
}

/// The key of the row that says which slot is a person's.
pub(crate) fn key_row(person: PersonKey) -> Vec<u8> {
    Key::new(DIRECTORY, KEY).person(person).done()
}

fn erased() -> Error {
    Error::Invalid {
        expression: String::new(),
        diagnostics: "this person's record was erased; nothing can be added to it".into(),
    }
}

/// A key as people read it.
pub(crate) fn digits(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn altered(key: &[u8]) -> Error {
    Error::Damaged(format!(
        "row {} does not open under its key: it was altered or moved",
        digits(key)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(person: u64) -> Stored {
        Stored {
            of: ResourceType::from_name("Basic").unwrap(),
            id: "b".into(),
            rid: 1,
            version: 1,
            updated: 0,
            person: PersonKey(person),
            text: None,
        }
    }

    #[test]
    fn what_is_kept_open_is_nothing_of_whom_is_being_erased() {
        let vault = Vault::in_memory().unwrap();
        let whose = |stamp| vault.opened(stamp).map(|opened| opened.version.person.0);
        vault.keep_opened(1, stored(7));
        vault.keep_opened(2, stored(8));
        assert_eq!((whose(1), whose(2), whose(3)), (Some(7), Some(8), None));
        vault.forget(PersonKey(7));
        // Who reads her meanwhile brings nothing back.
        vault.keep_opened(3, stored(7));
        assert_eq!((whose(1), whose(2), whose(3)), (None, Some(8), None));
        // An erasure whose mark could not be kept has not begun.
        vault.remember(PersonKey(7), &[]);
        assert_eq!((whose(1), whose(3)), (Some(7), None));
    }
}
