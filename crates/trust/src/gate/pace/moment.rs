//! Waiting for a moment, to some tens of microseconds.
//!
//! Timers of an async runtime count in whole milliseconds from when its thread went to sleep, and so from when the work
//! before ended: what waits for a beat by them leaves at a moment that still tells how long it was worked on. Here one
//! thread, for the whole process, sleeps until the next moment and wakes whoever waits for it.
//!
//! Cost: an entry in a tree for each who waits; a call of the system to wake the thread, where an earlier moment comes.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Condvar, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

/// Who waits, by moment.
#[derive(Default)]
struct Waiting {
    all: Mutex<BTreeMap<(Instant, u64), Waker>>,
    earlier: Condvar,
}

static WAITING: LazyLock<Waiting> = LazyLock::new(Waiting::default);
/// Whether the thread runs; where there is none to be had, each blocks for itself.
static RUNS: LazyLock<bool> = LazyLock::new(|| {
    let thread = std::thread::Builder::new().name("beats".into());
    thread.spawn(|| WAITING.wake()).is_ok()
});
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Instant, u64), Waker>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) -> ! {
        let mut all = self.lock();
        loop {
            let now = Instant::now();
            let later = all.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut *all, later);
            if !due.is_empty() {
                drop(all);
                due.into_values().for_each(Waker::wake);
                all = self.lock();
                continue;
            }
            let next = all.keys().next().map(|(moment, _)| *moment);
            all = match next {
                Some(next) => {
                    let left = next.saturating_duration_since(Instant::now());
                    let woken = self.earlier.wait_timeout(all, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let woken = self.earlier.wait(all);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// Ends at a moment, not before it.
pub(super) struct At {
    moment: Instant,
    number: u64,
}

impl At {
    pub(super) fn new(moment: Instant) -> At {
        At {
            moment,
            number: NEXT.fetch_add(1, Relaxed),
        }
    }
}

impl Future for At {
    type Output = ();

    fn poll(self: Pin<&mut At>, context: &mut Context<'_>) -> Poll<()> {
        let left = self.moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Ready(());
        }
        if !*RUNS {
            std::thread::sleep(left);
            return Poll::Ready(());
        }
        let key = (self.moment, self.number);
        let mut all = WAITING.lock();
        all.insert(key, context.waker().clone());
        let is_next = all.keys().next() == Some(&key);
        drop(all);
        if is_next {
            WAITING.earlier.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for At {
    fn drop(&mut self) {
        WAITING.lock().remove(&(self.moment, self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{Arc, mpsc},
        task::Wake,
        time::Duration,
    };

    struct Tell(mpsc::Sender<()>);

    impl Wake for Tell {
        fn wake(self: Arc<Tell>) {
            let _ = self.0.send(());
        }
    }

    /// Waits as a runtime would; gives when it ended.
    fn waited(mut at: At) -> Instant {
        let (tell, told) = mpsc::channel();
        let waker = Arc::new(Tell(tell)).into();
        let mut context = Context::from_waker(&waker);
        while Pin::new(&mut at).poll(&mut context).is_pending() {
            told.recv().unwrap();
        }
        Instant::now()
    }

    #[test]
    fn everybody_is_woken_at_her_moment_and_none_before() {
        let now = Instant::now();
        let moments = [30, 10, 20, 10, 0].map(|ms| now + Duration::from_millis(ms));
        std::thread::scope(|scope| {
            for moment in moments {
                scope.spawn(move || assert!(waited(At::new(moment)) >= moment));
            }
        });
        // Who goes away is not waited for.
        let far = At::new(now + Duration::from_secs(600));
        let key = (far.moment, far.number);
        let mut far = Box::pin(far);
        let mut context = Context::from_waker(Waker::noop());
        assert!(far.as_mut().poll(&mut context).is_pending());
        assert!(WAITING.lock().contains_key(&key));
        drop(far);
        assert!(!WAITING.lock().contains_key(&key));
    }
}
