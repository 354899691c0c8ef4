//! Turns at work: what blocks runs on threads of which there is a bounded number, and nothing waits for a turn.
//!
//! Who has a turn and computes waits for one of few [`Hands`], in the order of coming. All at once on fewer cores each would
//! be as late as the last one. A read or a search has its hand until its act is handed in, which is then awaited without a
//! thread; a write until it waits for the archive's writer ([`store::letting_go`]).

use crate::{fault::Fault, share::Share};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// A turn at work, given back when the work is done, also when the caller has gone away meanwhile.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    /// Of the caller whose work it is.
    _share: Option<Arc<Share>>,
}

impl Turn {
    pub(crate) fn of(self, share: &Arc<Share>) -> Turn {
        Turn {
            _share: Some(share.clone()),
            ..self
        }
    }
}

/// A turn, if there is one left.
pub(crate) fn turn_of(turns: &Arc<Semaphore>) -> Result<Turn, Fault> {
    let turn = turns.clone().try_acquire_owned();
    Ok(Turn {
        _turn: turn.map_err(|_| Fault::busy())?,
        _share: None,
    })
}

/// What looks and has a hand for longer than this goes on without one: others that are short do not wait for it.
const LONG_LOOK: Duration = Duration::from_millis(4);
/// The same for what writes: twenty entries are got ready in some three milliseconds of a core of their own.
const LONG_WRITE: Duration = Duration::from_millis(20);

/// Hands for what computes.
pub(crate) struct Hands(Option<Arc<Desk>>);

/// Work that waits, and since when each hand is at work.
struct Desk {
    on: Mutex<OnDesk>,
    long: Duration,
}

struct OnDesk {
    waiting: VecDeque<Job>,
    hands: Vec<Option<Busy>>,
    /// How much was begun so far.
    begun: u64,
}

/// On what a hand is at work.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Busy {
    /// By it a thread knows whether the hand is still its own.
    number: u64,
    since: Instant,
}

type Job = Box<dyn FnOnce() + Send>;

impl Hands {
    /// For what only looks: one more than there are cores, so that none idles while work is handed over; as many as there
    /// are turns where an archive is asked over a network, since then who works mostly waits.
    pub(crate) fn to_look(near: bool) -> Hands {
        Hands(near.then(|| Desk::of(cores() + 1, LONG_LOOK)))
    }

    /// For what writes: one core is left to the writer, so that it works on what is ready while the next is got ready.
    pub(crate) fn to_write(near: bool) -> Hands {
        Hands(near.then(|| Desk::of(cores() - 1, LONG_WRITE)))
    }

    /// Does the work when a hand is free, in the order of coming; the turn comes back with what was done, for what is still
    /// to come. What nobody waits for any more when a hand is free is not done.
    pub(crate) async fn lend<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<(Turn, T), Fault> {
        let span = tracing::Span::current();
        let (tell, mut told) = oneshot::channel();
        let job = move || {
            if !tell.is_closed() {
                let done = span.in_scope(work).map(|done| (turn, done));
                // Who asked may have gone meanwhile.
                let _ = tell.send(done);
            }
        };
        let Some(desk) = &self.0 else {
            tokio::task::spawn_blocking(job);
            return told.await.unwrap_or_else(|error| Err(broke(&error)));
        };
        desk.put(Box::new(job));
        loop {
            match tokio::time::timeout(desk.long, &mut told).await {
                Ok(done) => return done.unwrap_or_else(|error| Err(broke(&error))),
                Err(_) => desk.relieve(),
            }
        }
    }
}

impl Desk {
    fn of(hands: usize, long: Duration) -> Arc<Desk> {
        let on = OnDesk {
            waiting: VecDeque::new(),
            hands: vec![None; hands.max(1)],
            begun: 0,
        };
        Arc::new(Desk {
            on: Mutex::new(on),
            long,
        })
    }

    fn look(&self) -> MutexGuard<'_, OnDesk> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(self: &Arc<Desk>, job: Job) {
        self.look().waiting.push_back(job);
        self.take_up(|hand| hand.is_none());
    }

    /// Takes hands away from what has them for long: it goes on without, and they take up what waits.
    fn relieve(self: &Arc<Desk>) {
        self.take_up(|hand| hand.is_none_or(|busy| busy.since.elapsed() >= self.long));
    }

    /// Takes a hand away from the work of this number, which waits for something else; it takes up what waits for it.
    fn give_up(self: &Arc<Desk>, hand: usize, number: u64) {
        let mut on = self.look();
        let busy = on.hands.get_mut(hand);
        if let Some(busy) = busy.filter(|busy| busy.is_some_and(|busy| busy.number == number)) {
            *busy = None;
            drop(on);
            self.take_up(|hand| hand.is_none());
        }
    }

    /// Begins what waits with the hands that can be had, each on a thread.
    fn take_up(self: &Arc<Desk>, can: impl Fn(Option<Busy>) -> bool) {
        let mut on = self.look();
        for hand in 0..on.hands.len() {
            if on.hands.get(hand).is_some_and(|busy| can(*busy))
                && let Some((number, job)) = on.next(hand)
            {
                let desk = self.clone();
                tokio::task::spawn_blocking(move || desk.work(hand, number, job));
            }
        }
    }

    /// Works as long as something waits and the hand is this thread's: to take what waits is cheaper than to wake another.
    fn work(self: &Arc<Desk>, hand: usize, mut number: u64, mut job: Job) {
        loop {
            let desk = self.clone();
            let job_waits = move || desk.give_up(hand, number);
            // Who waits for it learns that it broke.
            let _ = catch_unwind(AssertUnwindSafe(|| store::letting_go(job_waits, job)));
            let mut on = self.look();
            let own = on.hands.get(hand).copied().flatten();
            if own.is_none_or(|busy| busy.number != number) {
                return;
            }
            match on.next(hand) {
                Some(next) => (number, job) = next,
                None => return,
            }
        }
    }
}

impl OnDesk {
    /// Gives a hand what has waited longest; without that it is free.
    fn next(&mut self, hand: usize) -> Option<(u64, Job)> {
        let job = self.waiting.pop_front();
        self.begun += 1;
        let number = self.begun;
        if let Some(hand) = self.hands.get_mut(hand) {
            let since = Instant::now();
            *hand = job.is_some().then_some(Busy { number, since });
        }
        job.map(|job| (number, job))
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn broke(error: &dyn std::fmt::Display) -> Fault {
    tracing::error!(%error, "a request broke");
    Fault::ours()
}

/// Runs what blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let span = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        span.in_scope(work)
    });
    done.await.unwrap_or_else(|error| Err(broke(&error)))
}

/// Runs what blocks and is big on a thread that gives way to all others.
pub(crate) async fn aside<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let span = tracing::Span::current();
    let (tell, told) = tokio::sync::oneshot::channel();
    let begun = std::thread::Builder::new()
        .name("big-request".into())
        .spawn(move || {
            let _turn = turn;
            store::give_way();
            // Who asked may have gone; what was asked is done all the same.
            let _ = tell.send(span.in_scope(work));
        });
    if begun.is_err() {
        return Err(Fault::busy());
    }
    told.await.unwrap_or_else(|error| Err(broke(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn one_hand() -> Hands {
        Hands(Some(Desk::of(1, LONG_LOOK)))
    }

    fn turn() -> Turn {
        turn_of(&Arc::new(Semaphore::new(1))).unwrap_or_else(|_| panic!("a fresh turn"))
    }

    async fn in_order(hands: Hands, works: [(&'static str, u64); 3]) -> Vec<&'static str> {
        let done = Arc::new(Mutex::new(Vec::new()));
        let [a, b, c] = works.map(|(name, ms)| {
            let done = done.clone();
            hands.lend(turn(), move || {
                std::thread::sleep(Duration::from_millis(ms));
                done.lock().unwrap().push(name);
                Ok(())
            })
        });
        let (a, b, c) = tokio::join!(a, b, c);
        assert!([a, b, c].iter().all(Result::is_ok));
        done.lock().unwrap().clone()
    }

    #[tokio::test]
    async fn short_work_is_done_in_the_order_of_coming_and_does_not_wait_for_long_work() {
        // The second is shorter and waits for the first all the same; the third has no hand while both are at work.
        let short = in_order(one_hand(), [("first", 3), ("second", 1), ("third", 1)]).await;
        assert_eq!(short, ["first", "second", "third"]);
        let long = in_order(one_hand(), [("long", 300), ("second", 1), ("third", 1)]).await;
        assert_eq!(long, ["second", "third", "long"]);
        // Without hands nothing waits.
        let far = in_order(
            Hands::to_look(false),
            [("first", 60), ("second", 30), ("third", 1)],
        )
        .await;
        assert_eq!(far, ["third", "second", "first"]);
    }

    #[tokio::test]
    async fn who_waits_for_something_else_gives_the_hand_to_the_next() {
        let hands = Hands(Some(Desk::of(1, Duration::from_secs(600))));
        let (begun, wait) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let first = hands.lend(turn(), move || {
            let _ = begun.0.send(());
            let _ = wait.1.recv();
            Ok("first")
        });
        let next = hands.lend(turn(), || Ok("next"));
        let (mut first, mut next) = (Box::pin(first), Box::pin(next));
        for work in [
            &mut first as &mut (dyn Future<Output = _> + Unpin),
            &mut next,
        ] {
            let now = tokio::time::timeout(Duration::ZERO, work).await;
            assert!(now.is_err());
        }
        begun.1.await.unwrap();
        let desk = hands.0.as_ref().unwrap();
        let number = desk.look().hands[0].unwrap().number;
        // Not by a number that has it no longer.
        desk.give_up(0, number + 1);
        assert_eq!(desk.look().waiting.len(), 1);
        desk.give_up(0, number);
        assert_eq!(next.await.map_err(|_| ()).unwrap().1, "next");
        drop(wait.0);
        assert_eq!(first.await.map_err(|_| ()).unwrap().1, "first");
        assert_eq!(desk.look().hands, [None]);
    }

    #[tokio::test]
    async fn a_hand_is_lent_again_after_what_broke_and_to_nobody_who_has_gone() {
        let hands = one_hand();
        let broken = hands.lend(turn(), || -> Result<(), Fault> { panic!("it breaks") });
        assert!(broken.await.is_err());
        let (begun, wait) = (oneshot::channel(), std::sync::mpsc::channel::<()>());
        let first = hands.lend(turn(), move || {
            let _ = begun.0.send(());
            let _ = wait.1.recv();
            Ok("first")
        });
        let gone = hands.lend(turn(), || -> Result<(), Fault> {
            unreachable!("nobody waits for it")
        });
        let last = hands.lend(turn(), || Ok("last"));
        let (mut first, mut gone, mut last) = (Box::pin(first), Box::pin(gone), Box::pin(last));
        // Each is put on the desk when it is first asked for.
        for work in [
            &mut first as &mut (dyn Future<Output = _> + Unpin),
            &mut last,
        ] {
            let now = tokio::time::timeout(Duration::ZERO, work).await;
            assert!(now.is_err());
        }
        assert!(
            tokio::time::timeout(Duration::ZERO, &mut gone)
                .await
                .is_err()
        );
        begun.1.await.unwrap();
        drop((gone, wait.0));
        assert_eq!(first.await.map_err(|_| ()).unwrap().1, "first");
        assert_eq!(last.await.map_err(|_| ()).unwrap().1, "last");
        let desk = hands.0.as_ref().unwrap();
        while desk.look().hands.iter().any(Option::is_some) {
            tokio::task::yield_now().await;
        }
        assert!(desk.look().waiting.is_empty());
    }
}
