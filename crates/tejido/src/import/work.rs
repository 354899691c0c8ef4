//! The threads of an import: one reads, some prepare and store.

use super::order::{self, Order};
use super::plan::{self, Deed, Item, Plan};
use super::report::{Report, Summary};
use super::source::{self, Piece, Stop, Turn};
use super::{MAX_WAITING, Options, Progress, operator};
use crate::Error;
use fhir::ResourceType;
use jiff::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;
use store::{Change, Committed, Current, Verb, Verbs};
use trust::{Gate, PersonRef, Purpose, Request, What};

/// How often a busy archive is asked again, and how long to wait between.
const MAX_TRIES: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(20);

struct Job {
    number: u32,
    bytes: usize,
    piece: Piece,
}

/// What the threads share.
struct Shared<'a> {
    gate: &'a Gate,
    progress: &'a (dyn Fn(Progress) + Sync),
    order: Order,
    summary: Mutex<Summary>,
    report: Mutex<Report>,
    failed: Mutex<Option<Error>>,
    stop: AtomicBool,
    waiting: Mutex<usize>,
    freed: Condvar,
    read: AtomicU64,
    of: u64,
    resources: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn run(
    gate: &Gate,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, Error> {
    let shared = Shared {
        gate,
        progress,
        order: Order::default(),
        summary: Mutex::default(),
        report: Mutex::new(Report::open(options.report.as_deref())?),
        failed: Mutex::default(),
        stop: AtomicBool::new(false),
        waiting: Mutex::default(),
        freed: Condvar::new(),
        read: AtomicU64::new(0),
        of: source::size(&options.paths),
        resources: AtomicU64::new(0),
    };
    let jobs = options.jobs.max(1);
    let (send, receive) = sync_channel::<Job>(2 * jobs);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| shared.work(&receive));
        }
        let mut number = 0;
        for turn in [Turn::Shared, Turn::Rest] {
            let mut sink = |piece: Piece| {
                if shared.stop.load(Relaxed) {
                    return Err(Stop);
                }
                let Some(piece) = shared.told(piece) else {
                    return Ok(());
                };
                let bytes = size_of(&piece);
                shared.admit(bytes);
                let job = Job {
                    number,
                    bytes,
                    piece,
                };
                number += 1;
                send.send(job).map_err(|_| Stop)
            };
            let read = |bytes| {
                shared.read.fetch_add(bytes, Relaxed);
                shared.tell();
            };
            if source::walk(&options.paths, turn, &read, &mut sink).is_err() {
                break;
            }
            // What the shared files hold is there before anything that refers to it.
            shared.order.until(number);
        }
        drop(send);
    });
    locked(&shared.report).finish()?;
    match locked(&shared.failed).take() {
        Some(error) => Err(error),
        None => Ok(locked(&shared.summary).clone()),
    }
}

fn size_of(piece: &Piece) -> usize {
    match piece {
        Piece::Document { text, .. } => text.len(),
        Piece::Lines { lines, .. } => lines.iter().map(|line| line.text.len()).sum(),
        _ => 0,
    }
}

impl Shared<'_> {
    /// Counts what needs no thread; gives back what does.
    fn told(&self, piece: Piece) -> Option<Piece> {
        match piece {
            Piece::File => locked(&self.summary).files += 1,
            Piece::PassedOver => locked(&self.summary).passed_over += 1,
            Piece::Refused(refused) => {
                let mut summary = locked(&self.summary);
                summary.refusals += 1;
                summary.of("?").refused += 1;
                drop(summary);
                if let Err(error) = locked(&self.report).add(&refused) {
                    self.fail(error);
                }
            }
            piece => return Some(piece),
        }
        None
    }

    fn tell(&self) {
        (self.progress)(Progress {
            read: self.read.load(Relaxed),
            of: self.of,
            resources: self.resources.load(Relaxed),
        });
    }

    fn fail(&self, error: Error) {
        self.stop.store(true, Relaxed);
        locked(&self.failed).get_or_insert(error);
    }

    /// Waits until there is room for so many bytes; a document larger than the room goes in alone.
    fn admit(&self, bytes: usize) {
        let mut waiting = locked(&self.waiting);
        while *waiting > 0 && *waiting + bytes > MAX_WAITING {
            waiting = self
                .freed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *waiting += bytes;
    }

    fn work(&self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            let job = locked(jobs).recv();
            let Ok(job) = job else { return };
            // Whatever happens inside, the next piece gets its turn.
            let turn = Passing {
                shared: self,
                number: job.number,
                passed: false,
            };
            self.piece(job.piece, turn);
            *locked(&self.waiting) -= job.bytes;
            self.freed.notify_all();
        }
    }

    fn piece(&self, piece: Piece, mut turn: Passing<'_, '_>) {
        if self.stop.load(Relaxed) {
            return;
        }
        let mut plans = match piece {
            Piece::Document { file, text } => vec![plan::document(&file, &text)],
            Piece::Lines { file, lines } => plan::lines(&file, lines),
            _ => return,
        };
        let prints: Vec<_> = plans.iter().map(order::prints).collect();
        turn.pass(&mut plans, &prints);
        let mut failed = false;
        for plan in plans {
            failed |= self.keep(plan);
        }
        turn.done(failed);
    }

    /// Stores a plan and counts. `true` when some of it could not be stored.
    fn keep(&self, mut plan: Plan) -> bool {
        if self.stop.load(Relaxed) {
            return true;
        }
        let items = std::mem::take(&mut plan.items);
        let failed = self.keep_items(&mut plan, items);
        plan.settle();
        self.count(&plan);
        failed || !plan.refused.is_empty()
    }

    fn keep_items(&self, plan: &mut Plan, items: Vec<Item>) -> bool {
        if items.is_empty() {
            return false;
        }
        match write(self.gate, plan.whole, &items) {
            Ok(committed) => {
                self.written(&committed);
                false
            }
            Err(Fault::Stop(error)) => {
                self.fail(error);
                true
            }
            // One of several lines was refused: each by itself then.
            Err(Fault::Refused(..)) if !plan.whole && items.len() > 1 => {
                items.into_iter().fold(false, |failed, item| {
                    self.keep_items(plan, vec![item]) | failed
                })
            }
            Err(Fault::Refused(expression, why)) => {
                let file = plan.file.clone();
                match items.as_slice() {
                    [item] => plan.refuse(item.of.name(), item.refused(&file, &expression, why)),
                    many => {
                        let why = format!("this Bundle was not stored: {why}");
                        let refused = super::Refused {
                            expression,
                            ..super::Refused::file(&file, why)
                        };
                        plan.refused.push(refused);
                        let types = many.iter().map(|item| item.of.name().to_owned());
                        plan.refused_types.extend(types);
                    }
                }
                true
            }
        }
    }

    fn written(&self, committed: &Committed) {
        let mut summary = locked(&self.summary);
        for one in &committed.written {
            let tally = summary.of(one.version.of.name());
            match (one.changed, one.created) {
                (false, _) => tally.unchanged += 1,
                (true, true) => tally.created += 1,
                (true, false) if one.version.deleted => tally.deleted += 1,
                (true, false) => tally.updated += 1,
            }
        }
        drop(summary);
        self.resources
            .fetch_add(committed.written.len() as u64, Relaxed);
        self.tell();
    }

    fn count(&self, plan: &Plan) {
        let mut summary = locked(&self.summary);
        for of in &plan.refused_types {
            summary.of(of).refused += 1;
        }
        summary.refusals += plan.refused.len() as u64;
        summary.open += plan.open;
        drop(summary);
        let mut report = locked(&self.report);
        for refused in &plan.refused {
            if let Err(error) = report.add(refused) {
                drop(report);
                return self.fail(error);
            }
        }
    }
}

/// A piece on its way: when it is dropped it has passed and is done, so that nobody waits for it for ever.
struct Passing<'s, 'a> {
    shared: &'s Shared<'a>,
    number: u32,
    passed: bool,
}

impl Passing<'_, '_> {
    fn pass(&mut self, plans: &mut [Plan], prints: &[Vec<(u64, u32)>]) {
        let Shared {
            gate,
            order,
            summary,
            ..
        } = self.shared;
        self.passed = true;
        order.pass(
            self.number,
            plans,
            prints,
            &|of, search| find(gate, of, search),
            summary,
        );
    }
    fn done(&mut self, failed: bool) {
        self.shared.order.done(self.number, failed);
    }
}

impl Drop for Passing<'_, '_> {
    fn drop(&mut self) {
        if !self.passed {
            self.pass(&mut [], &[]);
        }
        self.done(false);
    }
}

fn change(item: &Item) -> Change {
    let (of, id) = (item.of, item.id.clone());
    match &item.deed {
        Deed::Put {
            resource, if_match, ..
        } => Change::Update {
            of,
            id,
            resource: resource.clone(),
            if_match: if_match.map(Current::Version),
        },
        Deed::Delete { if_match } => Change::Delete {
            of,
            id,
            if_match: if_match.map(Current::Version),
        },
    }
}

/// Why something was not stored.
enum Fault {
    /// This change is refused: place and reason.
    Refused(String, String),
    /// The archive takes nothing any more.
    Stop(Error),
}

fn write(gate: &Gate, whole: bool, items: &[Item]) -> Result<Committed, Fault> {
    let what = if whole { "Bundle" } else { "NDJSON" };
    let mut tries = 0;
    loop {
        let changes = items.iter().map(change).collect();
        match store(gate, what, changes, Timestamp::now()) {
            Err(Error::Archive(store::Error::Busy)) if tries < MAX_TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(Error::Archive(store::Error::Invalid {
                expression,
                diagnostics,
            })) => return Err(Fault::Refused(expression, diagnostics)),
            Err(Error::Archive(
                error @ (store::Error::VersionConflict { .. } | store::Error::Ambiguous(_)),
            )) => return Err(Fault::Refused(String::new(), error.to_string())),
            Err(error) => return Err(Fault::Stop(error)),
            Ok(committed) => return Ok(committed),
        }
    }
}

/// Stores changes as the node's operator, in one commit with one act. `what` is said in the log: `Bundle`, `NDJSON`.
///
/// # Errors
/// [`Error::Refused`] when the pact does not let operators load, [`Error::Archive`] for what the archive says.
pub fn store(
    gate: &Gate,
    what: &str,
    changes: Vec<Change>,
    now: Timestamp,
) -> Result<Committed, Error> {
    let verbs = Verbs::only(Verb::Create).and(Verb::Update);
    let deletes = changes
        .iter()
        .any(|change| matches!(change, Change::Delete { .. }));
    let request = Request {
        actor: operator(gate),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: if deletes {
            verbs.and(Verb::Delete)
        } else {
            verbs
        },
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Import(what.to_owned()),
    };
    let grant = gate.decide(request, now)?;
    Ok(gate.write(&grant, changes, now)?)
}

/// The one resource that a search means, as the operator may find it.
///
/// # Errors
/// A sentence when the search is wrong, means several resources, or cannot be asked.
pub fn find(gate: &Gate, of: ResourceType, search: &str) -> Result<Option<String>, String> {
    let query = fhir::query::parse(
        gate.store().searchable().ready(),
        of,
        &super::links::pairs(search),
        fhir::query::Handling::Strict,
    )
    .map_err(|issues| {
        let reasons = issues.into_iter().map(|issue| issue.diagnostics);
        reasons.collect::<Vec<_>>().join("; ")
    })?;
    let shared = !of.is_personal() && of.name() != "Patient";
    let now = Timestamp::now();
    let request = Request {
        actor: operator(gate),
        purpose: Purpose::Operations,
        person: if shared {
            PersonRef::Nobody
        } else {
            PersonRef::Everyone
        },
        verbs: Verbs::READING,
        types: Some(vec![of]),
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Import("references".to_owned()),
    };
    let grant = gate.decide(request, now).map_err(|refusal| refusal.en)?;
    let held = gate
        .store()
        .search(&grant.permit, &query, None)
        .map_err(|error| error.to_string())?;
    let (page, _) = gate
        .open_answer(&grant, held, now)
        .map_err(|refusal| refusal.en)?;
    match page.matches.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.id.clone())),
        many => Err(format!(
            "{} resources are meant by this search; it must be one",
            many.len()
        )),
    }
}
