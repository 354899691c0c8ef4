//! The whole archive, looked through: facts against each other, and every derived row against the facts, both ways.
//!
//! In: one snapshot, and a judge of the log. Out: findings, each a sentence with a place, and how far the work is.
//!
//! What is checked: every version opens under its key, and its head says what it should; every row that the current
//! versions call for is there and says what it should, cards opened; there is no row that nothing calls for; the counters
//! count; every act opens, is listed, and its leaf stands at its place in the log; the log is sound by its judge.
//!
//! Memory is bounded: of the rows that are called for a share is held as hashes, and the facts are read once for each
//! share. Cost: every version and row is read, each version opened once a share (one share for eight million rows);
//! not measured.

use crate::{
    Error, Result, Rules, Seal, Store,
    body::Stored,
    card::write_part,
    commit::{Count, Making, State},
    derive::{Deriving, Versions},
    engine::{BULKY, Batch, DERIVED, Direction, Rows, Snapshot},
    hash::siphash,
    head::{self, Head},
    keys::{
        ACT, COUNT, DIRECTORY, HOUSE, INDEX, KEY, Key, LOG, LONG, PARTITIONS, PEOPLE, SHARED,
        from_six,
    },
    loaded::Loaded,
    prepare::Prepared,
    store::head_of,
    types,
    vault::digits,
    writer::witness_key,
};
use fhir::ResourceType;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

const READ: usize = 512;
/// Rows of one share.
const SHARE: u64 = 8_000_000;

/// Judges the log of acts; what a log is, the archive does not know.
pub trait Judge {
    /// Checks the log over the witness's rows: tiles, root, signed head. Gives how many leaves it has, or what is wrong.
    fn log(&self, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> std::result::Result<u64, String>;
    /// The leaf at a place.
    fn leaf(&self, place: u64, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<[u8; 32]>;
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which row or resource.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
    /// Whether [`Store::rebuild`] makes it good.
    pub repairable: bool,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What a check tells while it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something is wrong.
    Found(Finding),
    /// So many versions or rows were looked at.
    Done(u64),
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checkup {
    /// Versions of resources.
    pub versions: u64,
    /// Derived rows.
    pub rows: u64,
    /// Acts.
    pub acts: u64,
    /// Findings.
    pub findings: u64,
    /// Those that [`Store::rebuild`] makes good.
    pub repairable: u64,
}

struct Checking<'a> {
    snapshot: &'a dyn Snapshot,
    deriving: Deriving<'a>,
    report: &'a mut dyn FnMut(Told),
    checkup: Checkup,
    /// Of this share, the rows that are called for.
    wanted: HashSet<u64>,
    share: u64,
    shares: u64,
    /// Current resources of each type, all and labelled.
    counts: BTreeMap<u8, Count>,
    /// People who have a key row.
    known: HashSet<u64>,
    looked: u64,
}

impl Store {
    /// Looks through the whole archive as it is now. What is found can be made good with [`Store::rebuild`] where it says
    /// so; nothing is changed here.
    pub fn fsck(
        &self,
        seal: &Seal,
        judge: &dyn Judge,
        report: &mut dyn FnMut(Told),
    ) -> Result<Checkup> {
        self.sealed(seal)?;
        let snapshot = self.snapshot()?;
        let inner = &self.inner;
        let rules: &dyn Rules = inner.rules();
        let loaded = Arc::new(Loaded::read(snapshot.as_ref(), &inner.vault)?.0);
        let mut checking = Checking {
            snapshot: snapshot.as_ref(),
            deriving: Deriving {
                engine: inner.engine.as_ref(),
                vault: &inner.vault,
                rules,
                secret: &inner.secrets.index,
                loaded: &loaded,
            },
            report,
            checkup: Checkup::default(),
            wanted: HashSet::new(),
            share: 0,
            shares: 1,
            counts: BTreeMap::new(),
            known: HashSet::new(),
            looked: 0,
        };
        checking.all(judge)?;
        Ok(checking.checkup)
    }
}

impl Checking<'_> {
    fn all(&mut self, judge: &dyn Judge) -> Result<()> {
        let mut rows = 0;
        self.derived(&mut |_, _, _| {
            rows += 1;
            Ok(())
        })?;
        self.checkup.rows = rows;
        self.shares = rows.div_ceil(SHARE).max(1);
        for share in 0..self.shares {
            self.share = share;
            self.wanted = HashSet::new();
            self.people()?;
            self.versions()?;
            self.acts(judge)?;
            if share == 0 {
                self.counters()?;
            }
            self.strays()?;
        }
        Ok(())
    }

    fn found(&mut self, place: String, what: impl Into<String>, repairable: bool) {
        self.checkup.findings += 1;
        self.checkup.repairable += u64::from(repairable);
        (self.report)(Told::Found(Finding {
            place,
            what: what.into(),
            repairable,
        }));
    }

    fn looked(&mut self) {
        self.looked += 1;
        if self.looked.is_multiple_of(1000) {
            (self.report)(Told::Done(self.looked));
        }
    }

    /// Only the first share looks at what rows say; the others at which there are.
    fn first(&self) -> bool {
        self.share == 0
    }

    fn hash(&self, key: &[u8]) -> u64 {
        siphash(self.deriving.secret, key)
    }

    /// A row is called for; says so when it is missing or says something else. Without a value any will do.
    fn want(&mut self, of: &str, key: &[u8], value: Option<&[u8]>) -> Result<()> {
        let hash = self.hash(key);
        if hash % self.shares == self.share {
            self.wanted.insert(hash);
        }
        if !self.first() {
            return Ok(());
        }
        let row = self.snapshot.get(key)?;
        let what = match (&row, value) {
            (None, _) => "is missing",
            (Some(row), Some(value)) if row.as_slice() != value => {
                "says something else than the resource"
            }
            _ => return Ok(()),
        };
        self.found(place(key), format!("{} of {of} {what}", family(key)), true);
        Ok(())
    }

    /// Every person has a key that opens, and her Patient a head.
    fn people(&mut self) -> Result<()> {
        let Some(of) = ResourceType::from_name("Patient") else {
            return Ok(());
        };
        let (from, to) = Key::new(DIRECTORY, KEY).range();
        let snapshot = self.snapshot;
        each(snapshot, from, &to, &mut |key, row| {
            self.looked();
            if let Some(person) = key.last_chunk::<6>().and_then(|six| from_six(six)) {
                self.known.insert(person);
            }
            match self.deriving.vault.person(key, row) {
                Ok(Some((person, patient))) => {
                    let head = head::key(self.deriving.secret, of, &patient);
                    self.want(&format!("Patient/{patient}"), &head, None)?;
                    let reserved = Head::reserved(person.0, person);
                    // Of one that arrived, her versions say what it must be.
                    let good = |row: &[u8]| match Head::decode(row) {
                        Ok(known) if known.version == 0 => row == reserved.encode(),
                        known => known.is_ok_and(|known| known.tail.rid == person.0),
                    };
                    if self.first()
                        && let Some(row) = snapshot.get(&head)?
                        && !good(&row)
                    {
                        let what = format!("the head of Patient/{patient} is not hers");
                        self.found(place(&head), what, true);
                    }
                    Ok(())
                }
                Ok(None) => {
                    self.found(
                        place(key),
                        "the key of this person was erased, and rows of hers are left (a backup from before?)",
                        true,
                    );
                    Ok(())
                }
                Err(error) => self.unread(key, "the key row of a person", error),
            }
        })
    }

    fn unread(&mut self, key: &[u8], what: &str, error: Error) -> Result<()> {
        match error {
            Error::Damaged(why) | Error::Keys(why) => {
                if self.first() {
                    self.found(place(key), format!("{what} cannot be read: {why}"), false);
                }
                Ok(())
            }
            other => Err(other),
        }
    }

    fn versions(&mut self) -> Result<()> {
        let mut versions = Versions::new();
        let snapshot = self.snapshot;
        while let Some((stamp, key, row)) = versions.next(snapshot)? {
            self.looked();
            self.checkup.versions += u64::from(self.first());
            match self.deriving.vault.body(&key, &row) {
                Ok(Some(stored)) => self.version(stamp, &key, &stored)?,
                Ok(None) if self.first() => {
                    self.found(
                        place(&key),
                        "a version of somebody who was erased is left",
                        true,
                    );
                }
                Ok(None) => {}
                Err(error) => self.unread(&key, "a version", error)?,
            }
        }
        Ok(())
    }

    fn version(&mut self, stamp: u64, key: &[u8], stored: &Stored) -> Result<()> {
        let name = format!("{}/{}", stored.of, stored.id);
        let person = stored.person.0;
        if self.first() && person != 0 && !self.known.contains(&person) {
            let what =
                format!("{name} is of person {person}, who is not known: her key row is missing");
            self.found(place(key), what, false);
        }
        let secret = self.deriving.secret;
        let head = match head_of(secret, self.snapshot, stored.of, &stored.id) {
            Ok(Some(head)) if head.version >= stored.version => head,
            Ok(_) => {
                let head = head::key(secret, stored.of, &stored.id);
                let what = format!(
                    "the head of {name} is missing or older than its version {}",
                    stored.version
                );
                self.wanted.insert(self.hash(&head));
                if self.first() {
                    self.found(place(&head), what, true);
                }
                return Ok(());
            }
            Err(Error::Damaged(why)) => {
                let head = head::key(secret, stored.of, &stored.id);
                self.wanted.insert(self.hash(&head));
                if self.first() {
                    self.found(place(&head), format!("the head of {name}: {why}"), true);
                }
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let current = stored.version == head.version;
        let prepared = match self.deriving.prepared(stored, current.then_some(stamp)) {
            Ok(prepared) => prepared,
            Err(error) => return self.unread(key, "the text of a version", error),
        };
        let making = Making {
            base: self.snapshot,
            rows: Batch::new(),
            state: State::read(self.snapshot)?,
            secret,
            vault: self.deriving.vault,
            loaded: self.deriving.loaded.clone(),
            now: 0,
            patient: None,
            erasing: false,
        };
        let rows = making.called_for(stamp, stored, prepared.as_ref(), &head)?;
        for (key, value) in &rows {
            let is_card = key.get(2) == Some(&crate::keys::CARD);
            self.want(&name, key, (!is_card).then_some(value.as_slice()))?;
        }
        if let Some(prepared) = &prepared
            && current
            && self.first()
        {
            self.card(&name, stamp, stored, prepared, &head)?;
            let count = self.counts.entry(types::code(stored.of)).or_default();
            count.all += 1;
            count.labelled += u64::from(prepared.labels.0 != 0);
        }
        Ok(())
    }

    /// The card of a current version says what the version does.
    fn card(
        &mut self,
        name: &str,
        stamp: u64,
        stored: &Stored,
        prepared: &Prepared,
        head: &Head,
    ) -> Result<()> {
        let key = head.tail.card_key(stored.of);
        let Some(row) = self.snapshot.get(&key)? else {
            return Ok(());
        };
        let vault = self.deriving.vault;
        // What is being taken out may be there or not.
        let stays = |number| !self.deriving.loaded.leaves(number);
        let card = match vault.card(&key, &row, Some(&stays)) {
            Ok(Some(card)) => card,
            Ok(None) => return Ok(()),
            Err(error) => {
                let what = format!("the card of {name} cannot be read: {error}");
                self.found(place(&key), what, true);
                return Ok(());
            }
        };
        let part = write_part(
            stored.of,
            &card.entries,
            &card.refers,
            &card.directory,
            &card.patient,
        );
        let same = (card.id.as_str(), card.version, card.stamp)
            == (stored.id.as_str(), stored.version, stamp)
            && (card.updated, card.labels) == (stored.updated, prepared.labels)
            && vault.pack_card(&part) == prepared.card;
        if !same {
            let what = format!("the card of {name} says something else than the resource");
            self.found(place(&key), what, true);
        }
        Ok(())
    }

    fn acts(&mut self, judge: &dyn Judge) -> Result<()> {
        let snapshot = self.snapshot;
        let get = |key: &[u8]| snapshot.get(&witness_key(key)).ok().flatten();
        if self.first() {
            match judge.log(&get) {
                Ok(leaves) => {
                    let last = last_act(snapshot)?;
                    if last.map_or(0, |last| last + 1) != leaves {
                        self.found(
                            "the log".into(),
                            format!("it has {leaves} leaves, and the last act is {last:?}"),
                            false,
                        );
                    }
                }
                Err(why) => self.found("the log".into(), why, false),
            }
        }
        let (from, to) = Key::new(LOG, ACT).range();
        let mut next = 0;
        each(snapshot, from, &to, &mut |key, row| {
            self.looked();
            let at = key.last_chunk().map(|at| u64::from_be_bytes(*at));
            let at = at.unwrap_or_default();
            let vault = self.deriving.vault;
            let (id, leaf) = match vault.act_names(row) {
                Ok(names) => names,
                Err(error) => return self.unread(key, "an act", error),
            };
            if self.first() {
                self.checkup.acts += 1;
                if at != next {
                    self.found(
                        "the log".into(),
                        format!("acts {next} to {at} are missing"),
                        false,
                    );
                }
                if judge.leaf(at, &get) != Some(leaf) {
                    self.found(
                        place(key),
                        format!("the leaf of act {at} is not in the log"),
                        false,
                    );
                }
            }
            next = at + 1;
            let listed = match vault.act(key, row) {
                Ok(kept) => kept.map(|kept| kept.listed).unwrap_or_default(),
                Err(error) => return self.unread(key, "an act", error),
            };
            for (key, value) in crate::acts::derived(at, &id, &listed) {
                self.want(&format!("act {at}"), &key, Some(&value))?;
            }
            Ok(())
        })
    }

    fn counters(&mut self) -> Result<()> {
        for of in ResourceType::all() {
            let stored = Count::read(self.snapshot, of);
            let counted = self
                .counts
                .get(&types::code(of))
                .copied()
                .unwrap_or_default();
            let good = stored.as_ref().is_ok_and(|stored| {
                (stored.all, stored.labelled) == (counted.all, counted.labelled)
            });
            if !good {
                let what = format!(
                    "the counter of {of} is wrong: there are {}, {} of them labelled",
                    counted.all, counted.labelled
                );
                self.found(place(&Count::key(of)), what, true);
            }
        }
        Ok(())
    }

    /// Derived rows that nothing calls for.
    fn strays(&mut self) -> Result<()> {
        self.derived(&mut |checking, key, _| {
            checking.looked();
            let hash = checking.hash(key);
            let counter = key.starts_with(&Key::new(HOUSE, COUNT).done());
            if hash % checking.shares == checking.share
                && !counter
                && !checking.is_leaving(key)
                && !checking.wanted.contains(&hash)
            {
                let what = format!("{} of nothing that is there", family(key));
                checking.found(place(key), what, true);
            }
            Ok(())
        })
    }

    /// Whether a row is of a search parameter that is being taken out.
    fn is_leaving(&self, key: &[u8]) -> bool {
        let &[high, low, family, one, two, ..] = key else {
            return false;
        };
        [PEOPLE, SHARED].contains(&u16::from_be_bytes([high, low]))
            && [INDEX, LONG].contains(&family)
            && (self.deriving.loaded).leaves(u16::from_be_bytes([one, two]))
    }

    fn derived(&mut self, visit: &mut Visit<'_>) -> Result<()> {
        let snapshot = self.snapshot;
        for partition in PARTITIONS {
            for family in DERIVED..BULKY {
                let (from, to) = Key::new(partition, family).range();
                each(snapshot, from, &to, &mut |key, row| visit(self, key, row))?;
            }
        }
        Ok(())
    }
}

type Visit<'v> = dyn for<'c> FnMut(&mut Checking<'c>, &[u8], &[u8]) -> Result<()> + 'v;

/// Takes one row.
type EachRow<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

fn each(
    snapshot: &dyn Snapshot,
    mut from: Vec<u8>,
    to: &[u8],
    visit: &mut EachRow<'_>,
) -> Result<()> {
    let mut rows = Rows::default();
    loop {
        rows.clear();
        snapshot.scan(&from, to, Direction::Up, READ, &mut rows)?;
        for (key, row) in rows.iter() {
            visit(key, row)?;
            from = key.to_vec();
        }
        if rows.len() < READ {
            return Ok(());
        }
        from.push(0);
    }
}

fn last_act(snapshot: &dyn Snapshot) -> Result<Option<u64>> {
    let (from, to) = Key::new(LOG, ACT).range();
    let mut rows = Rows::default();
    snapshot.scan(&from, &to, Direction::Down, 1, &mut rows)?;
    let last = rows.get(0).and_then(|(key, _)| key.last_chunk());
    Ok(last.map(|last| u64::from_be_bytes(*last)))
}

fn place(key: &[u8]) -> String {
    format!("row {}", digits(key))
}

/// What a derived row is, in words.
fn family(key: &[u8]) -> &'static str {
    use crate::keys;
    match key.get(2) {
        Some(&keys::INDEX | &keys::LONG | &keys::PERSONAL | &keys::LINKED) => "an index entry",
        Some(&keys::CARD) => "the card",
        Some(&keys::STAMP) => "the entry by last change",
        Some(&keys::OLD) => "the entry of an old version",
        Some(&keys::VERSION) => "the place of an old version",
        Some(&keys::REFERS) => "an entry of what it refers to",
        Some(&keys::LABELLED | &keys::MARKED) => "an entry by category",
        Some(&keys::HEAD) => "the head",
        Some(&keys::PERSON) => "the directory entry",
        Some(&keys::ACT_ID) => "the name",
        Some(&keys::LISTED) => "the entry in a list",
        _ => "a derived row",
    }
}
