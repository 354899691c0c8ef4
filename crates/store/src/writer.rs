//! The one writer: takes what waits, makes one commit of it, answers.
//!
//! Requests of a group are processed in their order, each over the rows of those before it; one that fails leaves no
//! trace. Then the witness is told of all leaves, and rows, acts and leaves go to the engine in one commit: one log
//! record, one sync. Only then is anyone answered. If the commit fails, all of the group fail and the counters are read
//! again from what is stored.
//!
//! The queue is bounded (`lanes.rs`): when it is full a caller hears [`Error::Busy`] at once, before anything is done. A big
//! request is a group of its own, and those of usual size go before it; small ones take turns with them.

use crate::{
    ActRecord, Committed, Error, Matched, PermitId, Receipt, Result, Witness, Witnessed, Written,
    acts::{self, Packed},
    commit::{Find, Making, State},
    engine::{Batch, Engine, Snapshot},
    grant::Grant,
    index::Secret,
    keys::{ACT, HOUSE, Key, LOG, ROW, WITNESS},
    lanes::{Entry, Exit, Lane, NotTaken, lanes},
    letting_go,
    loaded::{Loaded, Shelf},
    prepare::Ready,
    vault::Vault,
    view::Layers,
    write::MakeAct,
};
use jiff::Timestamp;
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
};
use tokio::{runtime::Handle, sync::oneshot};

/// Requests in one group at most.
const GROUP: usize = 512;
/// Changed rows after which a group takes no more but small requests: some three transactions of twenty, a few milliseconds.
/// Larger groups write no more a second.
const GROUP_ROWS: usize = 2_000;
/// A request with more changes than this is big, and one with more index entries.
const BIG: usize = 200;
const BIG_ENTRIES: usize = 5_000;
/// One with no more entries, or rows of the house, is small: the act of a read, a change by hand.
const SMALL_ENTRIES: usize = 100;

/// Rows of the house, and what they must be now.
pub(crate) struct Kept {
    pub(crate) rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// What waits for the writer.
pub(crate) struct Request {
    pub(crate) permit: PermitId,
    pub(crate) now: Timestamp,
    pub(crate) work: Work,
    answer: Answer,
}

/// Where the outcome of a request goes.
enum Answer {
    /// To a thread that is blocked.
    Thread(SyncSender<Result<Committed>>),
    /// To a task that awaits it, on this runtime.
    Task(oneshot::Sender<Result<Committed>>, Option<Handle>),
}

impl Answer {
    /// A caller that has gone does not matter: what it asked for is done all the same.
    fn tell(self, result: Result<Committed>) {
        match self {
            Answer::Thread(to) => drop(to.send(result)),
            Answer::Task(to, _) => drop(to.send(result)),
        }
    }
}

pub(crate) enum Work {
    Change {
        grant: Grant,
        ready: Vec<Ready>,
        matched: Vec<Matched>,
        act: MakeAct,
    },
    Keep {
        kept: Kept,
        act: Option<Packed>,
    },
    /// Something of the store's own, with its act.
    Own(Box<Own>),
    /// The same, for which nobody waits.
    Behind(Box<Own>),
}

/// Work that the store gives itself.
pub(crate) type Own = dyn FnOnce(&mut Making<'_>) -> Result<Option<ActRecord>> + Send;

/// The callers' end of the queue.
#[derive(Clone)]
pub(crate) struct Queue(Entry<Request>);

impl Work {
    fn lane(&self) -> Lane {
        let (changes, entries) = match self {
            Work::Change { ready, .. } => {
                let entries = |ready: &Ready| ready.deed.entries();
                (ready.len(), ready.iter().map(entries).sum::<usize>())
            }
            Work::Keep { kept, .. } => (0, kept.rows.len()),
            // Of which nobody knows how much it is.
            Work::Own(_) => return Lane::Usual,
            Work::Behind(_) => return Lane::Behind,
        };
        if changes > BIG || entries > BIG_ENTRIES {
            Lane::Big
        } else if changes + entries <= SMALL_ENTRIES {
            Lane::Small
        } else {
            Lane::Usual
        }
    }
}

impl Queue {
    /// Hands work in and waits for its commit.
    pub(crate) fn ask(&self, permit: PermitId, now: Timestamp, work: Work) -> Result<Committed> {
        let (answer, answered) = sync_channel(1);
        self.put(permit, now, work, Answer::Thread(answer))?;
        letting_go::now();
        answered.recv().map_err(|_| ended_meanwhile())?
    }

    /// Hands work in; its commit can be awaited, and comes also if nobody does.
    pub(crate) fn hand_in(
        &self,
        permit: PermitId,
        now: Timestamp,
        work: Work,
    ) -> Result<impl Future<Output = Result<Committed>> + Send + use<>> {
        let (answer, answered) = oneshot::channel();
        let answer = Answer::Task(answer, Handle::try_current().ok());
        self.put(permit, now, work, answer)?;
        Ok(async { answered.await.map_err(|_| ended_meanwhile())? })
    }

    fn put(&self, permit: PermitId, now: Timestamp, work: Work, answer: Answer) -> Result<()> {
        let lane = work.lane();
        let request = Request {
            permit,
            now,
            work,
            answer,
        };
        self.0.put(request, lane).map_err(|why| match why {
            NotTaken::Full => Error::Busy,
            NotTaken::Ended => Error::Damaged("the writer has ended".into()),
        })
    }
}

fn ended_meanwhile() -> Error {
    Error::Damaged("the writer ended during a commit".into())
}

pub(crate) struct Writer {
    engine: Arc<dyn Engine>,
    witness: Box<dyn Witness>,
    secret: Secret,
    vault: Arc<Vault>,
    find: Box<Find>,
    state: State,
    /// By what is written now is indexed.
    loaded: Arc<Loaded>,
    /// By what was indexed at the last durable commit.
    shelf: Arc<Shelf>,
    /// Whether the last group may have been stored although it failed: then the counters are read again.
    doubt: bool,
}

/// A request that was processed and waits for the commit.
struct Done {
    answer: Answer,
    permit: PermitId,
    written: Vec<Written>,
    act: Option<Packed>,
    sequence: u64,
}

/// Starts the writer. It ends when the queue's last sender is gone.
pub(crate) fn start(
    engine: Arc<dyn Engine>,
    witness: Box<dyn Witness>,
    secret: Secret,
    vault: Arc<Vault>,
    find: Box<Find>,
    shelf: Arc<Shelf>,
    waiting: usize,
) -> Result<(Queue, std::thread::JoinHandle<()>)> {
    let state = State::read(engine.snapshot()?.as_ref())?;
    let (entry, exit) = lanes(waiting);
    let mut writer = Writer {
        engine,
        witness,
        secret,
        vault,
        find,
        state,
        loaded: shelf.now(),
        shelf,
        doubt: false,
    };
    let thread = std::thread::Builder::new()
        .name("store-writer".into())
        .spawn(move || writer.run(&exit))
        .map_err(|error| Error::Disk(error.to_string()))?;
    Ok((Queue(entry), thread))
}

impl Writer {
    fn run(&mut self, requests: &Exit<Request>) {
        while let Some((first, lane)) = requests.first() {
            self.group(first, lane, requests);
        }
    }

    fn group(&mut self, first: Request, lane: Lane, requests: &Exit<Request>) {
        let snapshot = match self.engine.writing() {
            Ok(snapshot) => snapshot,
            // The engine repairs itself at a commit; an empty one gives it the occasion.
            Err(_) => match self
                .engine
                .commit(&Batch::new())
                .and_then(|()| self.engine.writing())
            {
                Ok(snapshot) => snapshot,
                Err(error) => return first.answer.tell(Err(error)),
            },
        };
        if self.doubt {
            let read = State::read(snapshot.as_ref())
                .and_then(|state| Ok((state, Loaded::read(snapshot.as_ref(), &self.vault)?.0)));
            match read {
                Ok((state, loaded)) => {
                    (self.state, self.loaded) = (state, Arc::new(loaded));
                    self.shelf.put(&self.loaded);
                    self.doubt = false;
                }
                Err(error) => return first.answer.tell(Err(error)),
            }
        }
        let before = (self.state, self.loaded.clone());
        let mut layers = Layers::default();
        let mut done = Vec::new();
        let mut now = Timestamp::MIN;
        let mut next = Some(first);
        let mut waited = false;
        while let Some(request) = next {
            now = now.max(request.now);
            if let Some(one) = self.one(snapshot.as_ref(), &mut layers, request) {
                done.push(one);
            }
            let room = layers.len() < GROUP_ROWS;
            next = (done.len() < GROUP)
                .then(|| requests.more(lane, room))
                .flatten();
            let shared = matches!(lane, Lane::Small | Lane::Usual);
            if next.is_none() && shared && !waited {
                // Where cores are short, who is about to ask gets one now, and shares this commit instead of having one
                // of its own; where they are not, this returns at once.
                waited = true;
                std::thread::yield_now();
                next = requests.more(lane, room);
            }
        }
        if done.is_empty() {
            return self.vault.settle();
        }
        let mut rows = layers.together();
        let committed = self
            .witnessed(snapshot.as_ref(), &mut rows, &done, now)
            .and_then(|first| {
                drop(snapshot);
                rows.insert(State::key(), Some(self.state.encode()));
                self.engine.commit(&rows).map(|()| first)
            });
        match &committed {
            Err(error) => {
                (self.state, self.loaded) = before;
                self.doubt = matches!(error, Error::Uncertain(_));
            }
            Ok(_) => self.shelf.put(&self.loaded),
        }
        self.vault.settle();
        tell(done, committed);
    }

    /// Processes one request; answers at once when it fails.
    fn one(&mut self, base: &dyn Snapshot, layers: &mut Layers, request: Request) -> Option<Done> {
        let Request {
            permit,
            now,
            work,
            answer: to,
        } = request;
        let mut state = self.state;
        state.sequence += 1;
        // Whole milliseconds, since that is what a version shows.
        state.last = state.last.max(now.as_millisecond().saturating_mul(1000));
        let below = layers.over(base);
        let mut making = Making {
            base: &below,
            rows: Batch::new(),
            now: state.last,
            state,
            secret: &self.secret,
            vault: &self.vault,
            loaded: self.loaded.clone(),
            patient: None,
            erasing: false,
        };
        let find = &self.find;
        let outcome = catch_unwind(AssertUnwindSafe(|| process(&mut making, work, find)))
            .unwrap_or_else(|_| Err(Error::Damaged("a change made the writer panic".into())));
        let Making {
            rows: made,
            state,
            loaded,
            ..
        } = making;
        match outcome {
            Err(error) => {
                to.tell(Err(error));
                None
            }
            Ok((written, act)) => {
                // What could not be sealed must fail here, and not with all of its group.
                let all = act.iter().flat_map(Packed::all);
                if let Some(error) = all
                    .filter_map(|act| self.vault.lives(act.about).err())
                    .next()
                {
                    to.tell(Err(error));
                    return None;
                }
                (self.state, self.loaded) = (state, loaded);
                layers.push(made);
                Some(Done {
                    answer: to,
                    permit,
                    written,
                    act,
                    sequence: state.sequence,
                })
            }
        }
    }

    /// Tells the witness of all leaves, adds its rows and those of the acts; gives the place of the first leaf.
    fn witnessed(
        &mut self,
        snapshot: &dyn Snapshot,
        rows: &mut Batch,
        done: &[Done],
        now: Timestamp,
    ) -> Result<u64> {
        let acts = done.iter().filter_map(|done| done.act.as_ref());
        let acts: Vec<&Packed> = acts.flat_map(Packed::all).collect();
        if acts.is_empty() {
            return Ok(0);
        }
        let leaves: Vec<[u8; 32]> = acts.iter().map(|act| act.leaf).collect();
        // A row that cannot be read must not look like one that is not there.
        let unread = Cell::new(None);
        let get = |key: &[u8]| match snapshot.get(&witness_key(key)) {
            Ok(row) => row,
            Err(error) => {
                unread.set(Some(error));
                None
            }
        };
        let told = catch_unwind(AssertUnwindSafe(|| self.witness.append(&leaves, now, &get)));
        if let Some(error) = unread.take() {
            return Err(error);
        }
        let Witnessed { first, rows: put } = told
            .map_err(|_| Error::Damaged("the witness panicked".into()))?
            .map_err(Error::Damaged)?;
        for (key, value) in put {
            rows.insert(witness_key(&key), Some(value));
        }
        for (place, act) in (first..).zip(acts) {
            put_act(&self.vault, rows, place, act)?;
        }
        Ok(first)
    }
}

fn process(
    making: &mut Making<'_>,
    work: Work,
    find: &Find,
) -> Result<(Vec<Written>, Option<Packed>)> {
    match work {
        Work::Change {
            grant,
            ready,
            matched,
            act,
        } => {
            for matched in &matched {
                making.still(matched, find)?;
            }
            let mut written = Vec::with_capacity(ready.len());
            for ready in ready {
                written.push(making.change(ready, &grant, find)?);
            }
            let act = making.vault.pack_act(act(&written))?;
            Ok((written, Some(act)))
        }
        Work::Keep { kept, act } => {
            for (key, wanted) in kept.expect {
                let key = house_key(&key);
                let row = making.view().get(&key)?;
                let now = row.map(|row| making.vault.house(&key, &row)).transpose()?;
                if now != wanted {
                    return Err(Error::VersionConflict {
                        what: "a row of the house".into(),
                        current: 0,
                    });
                }
            }
            for (key, value) in kept.rows {
                let key = house_key(&key);
                let row = value
                    .map(|value| making.vault.close_house(&key, &value))
                    .transpose()?;
                making.rows.insert(key, row);
            }
            Ok((Vec::new(), act))
        }
        Work::Own(work) | Work::Behind(work) => {
            let act = work(making)?;
            let act = act.map(|act| making.vault.pack_act(act)).transpose()?;
            Ok((Vec::new(), act))
        }
    }
}

fn put_act(vault: &Vault, rows: &mut Batch, place: u64, act: &Packed) -> Result<()> {
    let key = Key::new(LOG, ACT).long(place).done();
    let row = vault.close_act(&key, act)?;
    rows.insert(key, Some(row));
    for (key, value) in acts::derived(place, &act.id, &act.listed) {
        rows.insert(key, Some(value));
    }
    Ok(())
}

/// Answers all of a group. Tasks are told by a task of their runtime: whoever is woken from here may take this thread's
/// core, and the others of the group would wait until it has one again (a millisecond, where cores are short). Threads are
/// told from here, since one of them may be all that their runtime has.
fn tell(done: Vec<Done>, committed: Result<u64>) {
    let mut place = committed.as_ref().copied().unwrap_or_default();
    let (mut tasks, mut runtime) = (Vec::new(), None);
    for done in done {
        let result = match &committed {
            Err(error) => Err(error.again()),
            Ok(_) => {
                let receipt = Receipt {
                    permit: done.permit,
                    act: done.act.as_ref().map_or([0; 16], |act| act.id),
                    leaf: place,
                    sequence: done.sequence,
                };
                place += done.act.iter().flat_map(Packed::all).count() as u64;
                Ok(Committed {
                    sequence: done.sequence,
                    written: done.written,
                    receipt,
                })
            }
        };
        match done.answer {
            Answer::Task(to, Some(handle)) => {
                tasks.push((to, result));
                runtime = Some(handle);
            }
            other => other.tell(result),
        }
    }
    if let Some(runtime) = runtime {
        runtime.spawn(async move {
            for (to, result) in tasks {
                let _ = to.send(result);
            }
        });
    }
}

pub(crate) fn witness_key(key: &[u8]) -> Vec<u8> {
    Key::new(LOG, WITNESS).bytes(key).done()
}

pub(crate) fn house_key(key: &[u8]) -> Vec<u8> {
    Key::new(HOUSE, ROW).bytes(key).done()
}
