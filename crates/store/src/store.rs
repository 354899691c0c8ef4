//! The archive itself: opening, the door for changes, and the house's own rows.

use crate::{
    ActRecord, Change, Committed, Derived, Error, Held, Labels, Matched, Permit, PersonKey,
    Receipt, Result, Rules, Seal, Seen, Version, Witness, acts,
    body::Stored,
    cipher, derive,
    engine::{Backup, Batch, Direction, Embedded, Engine, Memory, Refused, Rows, Snapshot, Tuning},
    grant::Grant,
    head::{self, Head},
    index::Secret,
    indexer::{Indexer, Walking},
    keyring::Keyring,
    keys::{BODY, CARD, DIRECTORY, HOUSE, Key, PERSON, SECRET, from_six, records},
    layout::{self, Layout},
    loaded::{Loaded, Shelf},
    master::{self, MasterKey},
    prepare::{Preparing, prepare},
    residual::Judged,
    train::Trainer,
    vault::{Vault, digits},
    write::MakeAct,
    writer::{self, Kept, Queue, Work, house_key, witness_key},
};
use fhir::ResourceType;
use jiff::Timestamp;
use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::Duration,
};

/// Which part of the cache is for opened versions; the rest is the engine's.
const OPENED: usize = 4;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Memory for what was read of late, bytes: opened versions take a quarter of it, the engine the rest.
    pub cache: usize,
    /// Commits that may wait before [`Error::Busy`].
    pub queue: usize,
    /// Whether each group of commits is fsynced before it is acknowledged. Off only for throw-away stores in tests.
    pub durable: bool,
    /// The node's master key. Without one: for an archive in a folder a key file there, made with the archive; for one
    /// in memory a throw-away key.
    pub master: Option<Arc<dyn MasterKey>>,
    /// The folder of the keyring; without one `keys` in the archive's folder, or in memory.
    pub keyring: Option<PathBuf>,
    /// Opened data keys that are kept in memory, about 700 bytes each.
    pub keys: usize,
    /// How long one question may take before [`Error::Slow`].
    pub question_time: Duration,
    /// Resources that one step of indexing for loaded search parameters goes through: what one commit of it may make
    /// others wait for.
    pub index_batch: usize,
    /// Whether the store goes on with indexing by itself. If not, [`Store::index_more`] does a step.
    pub indexes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: 256 << 20,
            queue: 1024,
            durable: true,
            master: None,
            keyring: None,
            keys: 16_384,
            question_time: Duration::from_secs(30),
            index_batch: 64,
            indexes: true,
        }
    }
}

/// The archive of one node. Cheap to clone. All calls block (never longer than a group commit); call them from
/// blocking threads in async code. When the last clone is dropped, the writer ends and the folder is free again.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    rules: Box<dyn Rules>,
    /// Tells this store's seal and permits from those of another one.
    pub(crate) number: u64,
    pub(crate) secrets: Secrets,
    pub(crate) vault: Arc<Vault>,
    trainer: Option<Trainer>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) walking: Option<Walking>,
    indexer: Option<Indexer>,
    pub(crate) question_time: Duration,
    judged: Arc<Judged>,
    queue: Option<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// The store's own keys, made at its first opening.
#[derive(Clone, Copy)]
pub(crate) struct Secrets {
    /// Of the hashes in index keys.
    pub(crate) index: Secret,
    /// Of page links.
    pub(crate) pages: [u8; 32],
}

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Inner {
    pub(crate) fn rules(&self) -> &dyn Rules {
        self.rules.as_ref()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // They may hold the queue, and the writer ends with the last of those.
        self.indexer = None;
        self.walking = None;
        self.trainer = None;
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens or creates the archive in a folder. Replays what a crash left behind. Gives the one [`Seal`].
    pub fn open(
        dir: &Path,
        options: Options,
        rules: Box<dyn Rules>,
        witness: Box<dyn Witness>,
    ) -> Result<(Store, Seal)> {
        let tuning = Tuning {
            cache: options.cache - options.cache / OPENED,
            durable: options.durable,
            ..Tuning::default()
        };
        let engine = Arc::new(Embedded::open(dir, tuning)?);
        let keyring = options.keyring.clone().unwrap_or_else(|| dir.join("keys"));
        let options = Options {
            keyring: Some(keyring),
            ..options
        };
        Store::over(engine, options, rules, witness)
    }

    /// An archive in memory, gone with its last clone; for tests and trials.
    pub fn in_memory(
        options: Options,
        rules: Box<dyn Rules>,
        witness: Box<dyn Witness>,
    ) -> Result<(Store, Seal)> {
        Store::over(Arc::new(Memory::default()), options, rules, witness)
    }

    /// An archive over any engine. What is to be opened again needs a keyring in a folder. Where derived rows are missing, are
    /// of another layout, or were labelled by rules of another edition, they are made again first, which takes as long as
    /// [`Store::rebuild`].
    ///
    /// # Errors
    /// [`Error::Elsewhere`] when the archive was moved, has a layout that this program does not know, or does not fit the
    /// rules ([`Rules::fit`]).
    pub fn over(
        engine: Arc<dyn Engine>,
        options: Options,
        rules: Box<dyn Rules>,
        witness: Box<dyn Witness>,
    ) -> Result<(Store, Seal)> {
        crate::migrate::usable(engine.snapshot()?.as_ref())?;
        let layout = Layout::of(engine.snapshot()?.as_ref(), rules.edition())?;
        let vault = open_vault(&engine, &options)?;
        fit(rules.as_ref(), engine.snapshot()?.as_ref(), &vault)?;
        let secrets = Secrets::of(engine.as_ref(), &vault, rules.edition())?;
        match layout {
            Layout::Rows(old) => {
                tracing::warn!(old, "the index of this archive is of another version");
            }
            Layout::Labels => tracing::warn!("this archive was labelled by other rules"),
            Layout::New | Layout::Own => {}
        }
        let mut loaded = load(engine.as_ref(), &vault)?;
        if layout.is_stale() || engine.incomplete()? {
            tracing::warn!("making the index again from what is stored");
            let made = derive::Deriving {
                engine: engine.as_ref(),
                vault: &vault,
                rules: rules.as_ref(),
                secret: &secrets.index,
                loaded: &loaded,
            }
            .all()?;
            tracing::info!(?made, "the index is whole again");
            loaded = load(engine.as_ref(), &vault)?;
        }
        if layout.is_stale() {
            let (key, row) = layout::own(rules.edition());
            engine.commit(&Batch::from([(key, Some(row))]))?;
        }
        let shelf = Arc::new(Shelf::new(loaded));
        let number = NEXT.fetch_add(1, Relaxed);
        let find = Box::new(crate::search::find(secrets.index, vault.clone()));
        let (queue, thread) = writer::start(
            engine.clone(),
            witness,
            secrets.index,
            vault.clone(),
            find,
            shelf.clone(),
            options.queue,
        )?;
        let trainer = Trainer::start(engine.clone(), vault.clone(), queue.clone())?;
        let walking = Walking {
            engine: engine.clone(),
            vault: vault.clone(),
            secret: secrets.index,
            queue: queue.clone(),
            shelf: shelf.clone(),
            batch: options.index_batch.max(1),
            at_work: Arc::default(),
        };
        let indexer = match options.indexes {
            true => Some(Indexer::start(walking.clone())?),
            false => None,
        };
        let inner = Inner {
            trainer: Some(trainer),
            shelf,
            walking: Some(walking),
            indexer,
            engine,
            rules,
            number,
            secrets,
            vault,
            question_time: options.question_time,
            judged: Arc::default(),
            queue: Some(queue),
            thread: Some(thread),
        };
        let store = Store {
            inner: Arc::new(inner),
        };
        Ok((store, Seal { store: number }))
    }

    pub(crate) fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        self.inner.engine.snapshot()
    }

    pub(crate) fn grant(&self, permit: &Permit) -> Result<Grant> {
        Grant::new(permit, self.inner.number, &self.inner.judged)
    }

    pub(crate) fn queue(&self) -> Result<&Queue> {
        self.inner
            .queue
            .as_ref()
            .ok_or_else(|| Error::Damaged("the writer has ended".into()))
    }

    pub(crate) fn sealed(&self, seal: &Seal) -> Result<()> {
        if seal.store == self.inner.number {
            return Ok(());
        }
        Err(Error::NotPermitted("the seal is of another store".into()))
    }

    /// Changes resources: all of them, with their act, or none. `act` is called once, inside the commit, with what
    /// became of each change. References among new resources (`urn:uuid:`) must have been resolved by the caller.
    /// Conditional creates are matched inside the commit and see earlier changes of the same call.
    ///
    /// Errors: [`Error::NotPermitted`], [`Error::VersionConflict`] (also for a create whose id is taken),
    /// [`Error::Ambiguous`], [`Error::Invalid`], [`Error::Busy`], [`Error::Disk`]; after each of them nothing is stored.
    /// Cost: extraction, labels and compression in the calling thread; then a wait for one group commit.
    pub fn write(
        &self,
        permit: &Permit,
        changes: Vec<Change>,
        now: Timestamp,
        act: MakeAct,
    ) -> Result<Committed> {
        self.write_if(permit, changes, Vec::new(), now, act)
    }

    /// As [`write`](Store::write), if what was looked up before still is as it was: the commit looks again, before the
    /// first of the changes, and fails with [`Error::Outdated`] where a condition matches something else by now.
    /// Cost: one search in the writer for each condition.
    pub fn write_if(
        &self,
        permit: &Permit,
        changes: Vec<Change>,
        matched: Vec<Matched>,
        now: Timestamp,
        act: MakeAct,
    ) -> Result<Committed> {
        let grant = self.grant(permit)?;
        let _span = tracing::debug_span!(
            "commit",
            kind = "write",
            changes = changes.len(),
            permit = %digits(&permit.id())
        )
        .entered();
        let mut ready = Vec::with_capacity(changes.len());
        let loaded = self.inner.shelf.now();
        let with = Preparing {
            rules: self.inner.rules.as_ref(),
            secret: &self.inner.secrets.index,
            vault: &self.inner.vault,
            loaded: &loaded,
        };
        for change in changes {
            ready.push(prepare(change, with)?);
        }
        let work = Work::Change {
            grant,
            ready,
            matched,
            act,
        };
        self.queue()?.ask(permit.id(), now, work)
    }

    /// Keeps the act of a permit under which something was read; its receipt opens what is [`Held`].
    pub fn conclude(&self, permit: &Permit, act: ActRecord, now: Timestamp) -> Result<Receipt> {
        let _span =
            tracing::debug_span!("commit", kind = "act", permit = %digits(&permit.id())).entered();
        let work = self.act_alone(permit, act)?;
        Ok(self.queue()?.ask(permit.id(), now, work)?.receipt)
    }

    /// As [`conclude`](Store::conclude), without blocking: the act is handed in when this returns, and kept also if
    /// nobody awaits the receipt.
    pub fn concluding(
        &self,
        permit: &Permit,
        act: ActRecord,
        now: Timestamp,
    ) -> Result<impl Future<Output = Result<Receipt>> + Send + use<>> {
        let work = self.act_alone(permit, act)?;
        let commit = self.queue()?.hand_in(permit.id(), now, work)?;
        Ok(async { Ok(commit.await?.receipt) })
    }

    fn act_alone(&self, permit: &Permit, act: ActRecord) -> Result<Work> {
        self.grant(permit)?;
        Ok(Work::Keep {
            kept: Kept {
                rows: Vec::new(),
                expect: Vec::new(),
            },
            act: Some(self.inner.vault.pack_act(act)?),
        })
    }

    /// Whether a few rows are read in this process, within microseconds as a rule: then they may be read on a thread that
    /// others wait for.
    pub fn is_near(&self) -> bool {
        self.inner.engine.is_near()
    }

    /// Writes or continues a backup in a folder, while serving: facts only, without the keyring, which is kept apart.
    pub fn backup(&self, to: &Path) -> std::result::Result<Backup, Refused> {
        self.inner.engine.backup(to)
    }

    /// A row of the witness (tiles, checkpoint), readable without a seal: the log is public.
    pub fn witnessed(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.snapshot()?.get(&witness_key(key))
    }
}

/// What only the holder of the [`Seal`] may do: the house's own rows (accounts, consents, evidence, acts).
impl Store {
    /// Whose resource this is: `None` when there is no such resource, 0 when it is shared.
    pub fn person_of(&self, seal: &Seal, of: ResourceType, id: &str) -> Result<Option<PersonKey>> {
        self.sealed(seal)?;
        let head = head_of(&self.inner.secrets.index, self.snapshot()?.as_ref(), of, id)?;
        Ok(head
            .filter(|head| head.version > 0)
            .map(|head| head.tail.person))
    }

    /// The categories of a resource as it is now, or was when it was deleted; `None` when there never was one. One row.
    pub fn labels_of(&self, seal: &Seal, of: ResourceType, id: &str) -> Result<Option<Labels>> {
        self.sealed(seal)?;
        let head = head_of(&self.inner.secrets.index, self.snapshot()?.as_ref(), of, id)?;
        Ok(head.filter(|head| head.version > 0).map(|head| head.labels))
    }

    /// The people found under a directory key.
    pub fn people(&self, seal: &Seal, key: &[u8]) -> Result<Vec<PersonKey>> {
        self.sealed(seal)?;
        let (from, to) = Key::new(DIRECTORY, PERSON).sized(key).range();
        let mut rows = Rows::default();
        self.snapshot()?
            .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
        let person = |(key, _): (&[u8], &[u8])| Some(PersonKey(from_six(key.last_chunk::<6>()?)?));
        Ok(rows.iter().filter_map(person).collect())
    }

    /// The current version of a resource, for the gate's own use (never for an answer).
    pub fn look(&self, seal: &Seal, of: ResourceType, id: &str) -> Result<Option<Version>> {
        self.sealed(seal)?;
        let snapshot = self.snapshot()?;
        match head_of(&self.inner.secrets.index, snapshot.as_ref(), of, id)? {
            Some(head) if head.version > 0 => {
                Ok(
                    stored_at(&self.inner.vault, snapshot.as_ref(), of, head.stamp)?
                        .map(Stored::version),
                )
            }
            _ => Ok(None),
        }
    }

    /// The id of a person's current `Patient`, and the directory keys by which she is found
    /// ([`Rules::directory`](crate::Rules::directory), in that order); `None` where there is none, or she was erased.
    /// Cost: one row; the resource itself is not read.
    pub fn named(&self, seal: &Seal, person: PersonKey) -> Result<Option<(String, Vec<Vec<u8>>)>> {
        self.sealed(seal)?;
        let Some(of) = ResourceType::from_name("Patient") else {
            return Ok(None);
        };
        let (from, to) = Key::new(records(of), CARD).person(person).of(of).range();
        let mut rows = Rows::default();
        self.snapshot()?
            .scan(&from, &to, Direction::Up, 1, &mut rows)?;
        let Some((key, row)) = rows.get(0) else {
            return Ok(None);
        };
        let card = self.inner.vault.card(key, row, Some(&|_| false))?;
        Ok(card.map(|card| (card.id, card.directory)))
    }

    /// Makes every derived row again from the facts: for repair, before anything is served from this archive. While it
    /// works, answers lack what it has not come to yet.
    pub fn rebuild(&self, seal: &Seal) -> Result<Derived> {
        self.sealed(seal)?;
        let inner = &self.inner;
        let _alone = inner.walking.as_ref().map(|walking| walking.alone());
        let loaded = inner.shelf.now();
        let made = derive::Deriving {
            engine: inner.engine.as_ref(),
            vault: &inner.vault,
            rules: inner.rules.as_ref(),
            secret: &inner.secrets.index,
            loaded: &loaded,
        }
        .all()?;
        self.load_again()?;
        Ok(made)
    }

    /// One of the house's rows.
    pub fn get(&self, seal: &Seal, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.sealed(seal)?;
        let key = house_key(key);
        let row = self.snapshot()?.get(&key)?;
        row.map(|row| self.inner.vault.house(&key, &row))
            .transpose()
    }

    /// The house's rows whose key starts so, in order, after `after` (exclusive), at most `limit`.
    pub fn scan(
        &self,
        seal: &Seal,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        self.sealed(seal)?;
        let start = house_key(&[]).len();
        let (mut from, to) = Key(house_key(prefix)).range();
        if let Some(after) = after {
            let mut next = house_key(after);
            next.push(0);
            from = from.max(next);
        }
        let mut rows = Rows::default();
        self.snapshot()?
            .scan(&from, &to, Direction::Up, limit, &mut rows)?;
        let mut found = Vec::with_capacity(rows.len());
        for (key, row) in rows.iter() {
            let value = self.inner.vault.house(key, row)?;
            found.push((key.get(start..).unwrap_or_default().to_vec(), value));
        }
        Ok(found)
    }

    /// Writes the house's rows (`None` deletes) and, in the same commit, an act that is not about a permit (a sign-in,
    /// a denial, a consent). `expect` makes it conditional: every row must have this value now, else
    /// [`Error::VersionConflict`]. The receipt opens nothing; without an act its `act` is zero.
    pub fn keep(
        &self,
        seal: &Seal,
        rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        act: Option<ActRecord>,
        now: Timestamp,
    ) -> Result<Receipt> {
        self.sealed(seal)?;
        let _span = tracing::debug_span!("commit", kind = "house", rows = rows.len()).entered();
        let pack = |act| self.inner.vault.pack_act(act);
        let work = Work::Keep {
            kept: Kept { rows, expect },
            act: act.map(pack).transpose()?,
        };
        Ok(self
            .queue()?
            .ask(crate::permit::NO_PERMIT, now, work)?
            .receipt)
    }

    /// Acts listed under a key, newest first: (place in the log, body). `before` continues an earlier list.
    pub fn acts(
        &self,
        seal: &Seal,
        listed: &[u8],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>> {
        self.sealed(seal)?;
        acts::listed(
            &self.inner.vault,
            self.snapshot()?.as_ref(),
            listed,
            before,
            limit,
        )
    }

    /// All acts, newest first: (place in the log, body). `before` continues an earlier list.
    pub fn latest_acts(
        &self,
        seal: &Seal,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>> {
        self.sealed(seal)?;
        acts::latest(&self.inner.vault, self.snapshot()?.as_ref(), before, limit)
    }

    /// An act by name: (place in the log, body).
    pub fn act(&self, seal: &Seal, id: &[u8; 16]) -> Result<Option<(u64, Vec<u8>)>> {
        self.sealed(seal)?;
        acts::named(&self.inner.vault, self.snapshot()?.as_ref(), id)
    }
}

/// The loaded search parameters of an archive that nobody serves from yet.
fn load(engine: &dyn Engine, vault: &Vault) -> Result<Arc<Loaded>> {
    let (loaded, lost) = Loaded::read(engine.snapshot()?.as_ref(), vault)?;
    if !lost.is_empty() {
        engine.commit(&lost)?;
    }
    Ok(Arc::new(loaded))
}

/// The vault of an archive: a new one gets a new keyring, an old one must have its own.
fn open_vault(engine: &Arc<dyn Engine>, options: &Options) -> Result<Arc<Vault>> {
    let new = engine
        .snapshot()?
        .get(&Key::new(HOUSE, SECRET).done())?
        .is_none();
    let ring = match &options.keyring {
        None => Keyring::in_memory()?,
        Some(folder) => {
            let master: Arc<dyn MasterKey> = match &options.master {
                Some(master) => master.clone(),
                None => Arc::new(master::of_folder(folder, new)?),
            };
            Keyring::open(folder, master.as_ref(), new, options.durable)?
        }
    };
    let opened = options.cache / OPENED;
    let vault = Vault::open(engine.clone(), ring, options.keys, opened)?;
    Ok(Arc::new(vault))
}

/// Asks the rules whether they may open what there is.
fn fit(rules: &dyn Rules, snapshot: &dyn Snapshot, vault: &Vault) -> Result<()> {
    let failed: RefCell<Option<Error>> = RefCell::default();
    let get = |key: &[u8]| {
        let key = house_key(key);
        let read = snapshot.get(&key).and_then(|row| {
            let row = row.map(|row| vault.house(&key, &row));
            row.transpose()
        });
        read.unwrap_or_else(|error| {
            failed.replace(Some(error));
            None
        })
    };
    let said = rules.fit(&get);
    match failed.take() {
        Some(error) => Err(error),
        None => said.map_err(Error::Elsewhere),
    }
}

impl Secrets {
    /// Reads the store's keys, making them at its first opening.
    fn of(engine: &dyn Engine, vault: &Vault, edition: layout::Edition) -> Result<Secrets> {
        let key = Key::new(HOUSE, SECRET).done();
        if let Some(row) = engine.snapshot()?.get(&key)? {
            let row = vault.house(&key, &row)?;
            let mut reader = crate::codec::Reader(&row);
            return Ok(Secrets {
                index: reader.array()?,
                pages: reader.array()?,
            });
        }
        let secrets = Secrets {
            index: cipher::random()?,
            pages: cipher::random()?,
        };
        let row = [secrets.index.as_slice(), secrets.pages.as_slice()].concat();
        let row = vault.close_house(&key, &row)?;
        let (layout, own) = layout::own(edition);
        engine.commit(&Batch::from([(key, Some(row)), (layout, Some(own))]))?;
        Ok(secrets)
    }
}

/// The head of a resource, a reserved one included.
pub(crate) fn head_of(
    secret: &Secret,
    snapshot: &dyn Snapshot,
    of: ResourceType,
    id: &str,
) -> Result<Option<Head>> {
    let row = snapshot.get(&head::key(secret, of, id))?;
    row.map(|row| Head::decode(&row)).transpose()
}

/// The version of a stamp; `None` also when its person was erased.
pub(crate) fn stored_at(
    vault: &Vault,
    snapshot: &dyn Snapshot,
    of: ResourceType,
    stamp: u64,
) -> Result<Option<Stored>> {
    let key = Key::new(records(of), BODY).long(stamp).done();
    match snapshot.get(&key)? {
        Some(row) => vault.body(&key, &row),
        None => Ok(None),
    }
}

/// Rows that one call asks for by their keys: an engine across a network pays per call, and memory has its bound.
pub(crate) const AT_ONCE: usize = 256;

/// The heads of many resources, in their order.
pub(crate) fn heads_of(
    secret: &Secret,
    snapshot: &dyn Snapshot,
    names: &[(ResourceType, &str)],
) -> Result<Vec<Option<Head>>> {
    let mut heads = Vec::with_capacity(names.len());
    for names in names.chunks(AT_ONCE) {
        let key = |&(of, id)| head::key(secret, of, id);
        let keys: Vec<Vec<u8>> = names.iter().map(key).collect();
        for row in snapshot.get_many(&keys)? {
            heads.push(row.map(|row| Head::decode(&row)).transpose()?);
        }
    }
    Ok(heads)
}

/// An answer with what it shows.
pub(crate) fn held<T>(permit: &Permit, seen: Vec<Seen>, answer: T) -> Held<T> {
    Held {
        permit: permit.id(),
        seen,
        answer,
    }
}
