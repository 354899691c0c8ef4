//! What waits for the writer, in four lanes: small requests, those of usual size, big ones, and work in the background.
//!
//! In: requests with their weight. Out: the next one for the writer. Small and usual requests take turns: a small one (the
//! act of a read) is done in a moment, and never waits for more transactions than those of the group under way; at the end
//! of a group of usual ones it goes with them. A big request makes a group of its own when neither waits or they have
//! passed it [`PASSES`] times, so that one upload never makes everybody wait for long, and waits itself for a bounded
//! number of groups. What is done in the background makes a group of its own when nobody else waits, or when
//! [`STANDS_BACK`] groups went before it. All lanes are bounded: a full one is refused at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Big requests that may wait.
const BIG_WAITING: usize = 16;
/// Groups that may pass a waiting big request.
const PASSES: usize = 16;
/// Groups that may pass what is done in the background.
const STANDS_BACK: usize = 64;
/// Requests in the background that may wait.
const BEHIND_WAITING: usize = 16;

/// Where a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Small,
    Usual,
    Big,
    /// Nobody waits for it.
    Behind,
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Full,
    Ended,
}

struct Waiting<T> {
    small: VecDeque<T>,
    usual: VecDeque<T>,
    big: VecDeque<T>,
    behind: VecDeque<T>,
    /// A group of small requests passed those of usual size.
    usual_next: bool,
    /// Groups that passed the first big request.
    passed: usize,
    /// Groups that passed the first one in the background.
    stood_back: usize,
    ended: bool,
    /// The writer waits; to wake it costs a call of the system.
    idle: bool,
}

struct Lanes<T> {
    waiting: Mutex<Waiting<T>>,
    came: Condvar,
    most: usize,
}

impl<T> Waiting<T> {
    fn small_or_usual(&mut self) -> Option<(T, Lane)> {
        if !self.usual_next
            && let Some(small) = self.small.pop_front()
        {
            self.usual_next = !self.usual.is_empty();
            return Some((small, Lane::Small));
        }
        self.usual_next = false;
        match self.usual.pop_front() {
            Some(usual) => Some((usual, Lane::Usual)),
            None => Some((self.small.pop_front()?, Lane::Small)),
        }
    }
}

impl<T> Lanes<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Who still waits is dropped, and hears of it by that.
    fn end(&self) {
        let mut waiting = self.lock();
        waiting.ended = true;
        let left = (
            std::mem::take(&mut waiting.small),
            std::mem::take(&mut waiting.usual),
            std::mem::take(&mut waiting.big),
            std::mem::take(&mut waiting.behind),
        );
        drop(waiting);
        drop(left);
        self.came.notify_all();
    }
}

/// The end where requests are put in. When its last clone is dropped, what waits is still done and then the writer ends.
pub(crate) struct Entry<T>(Arc<Door<T>>);

struct Door<T>(Arc<Lanes<T>>);

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Entry(self.0.clone())
    }
}

/// The end of the writer.
pub(crate) struct Exit<T>(Arc<Lanes<T>>);

/// Four lanes; `most` requests wait in the usual one, and as many small ones.
pub(crate) fn lanes<T>(most: usize) -> (Entry<T>, Exit<T>) {
    let lanes = Arc::new(Lanes {
        waiting: Mutex::new(Waiting {
            small: VecDeque::new(),
            usual: VecDeque::new(),
            big: VecDeque::new(),
            behind: VecDeque::new(),
            usual_next: false,
            passed: 0,
            stood_back: 0,
            ended: false,
            idle: false,
        }),
        came: Condvar::new(),
        most: most.max(1),
    });
    (Entry(Arc::new(Door(lanes.clone()))), Exit(lanes))
}

impl<T> Entry<T> {
    /// Puts a request in.
    pub(crate) fn put(&self, request: T, lane: Lane) -> Result<(), NotTaken> {
        let lanes = &self.0.0;
        let mut waiting = lanes.lock();
        if waiting.ended {
            return Err(NotTaken::Ended);
        }
        let (lane, most) = match lane {
            Lane::Small => (&mut waiting.small, lanes.most),
            Lane::Usual => (&mut waiting.usual, lanes.most),
            Lane::Big => (&mut waiting.big, BIG_WAITING),
            Lane::Behind => (&mut waiting.behind, BEHIND_WAITING),
        };
        if lane.len() >= most {
            return Err(NotTaken::Full);
        }
        lane.push_back(request);
        let idle = std::mem::take(&mut waiting.idle);
        drop(waiting);
        if idle {
            lanes.came.notify_one();
        }
        Ok(())
    }
}

impl<T> Drop for Door<T> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.came.notify_all();
    }
}

impl<T> Exit<T> {
    /// The first request of the next group, and its lane; waits for one. `None` at the end.
    pub(crate) fn first(&self) -> Option<(T, Lane)> {
        let mut waiting = self.0.lock();
        loop {
            let none = waiting.small.is_empty() && waiting.usual.is_empty();
            let turn = none && waiting.big.is_empty() || waiting.stood_back >= STANDS_BACK;
            if turn && let Some(behind) = waiting.behind.pop_front() {
                waiting.stood_back = 0;
                return Some((behind, Lane::Behind));
            }
            let behind = usize::from(!waiting.behind.is_empty());
            let turn = none || waiting.passed >= PASSES;
            if turn && let Some(big) = waiting.big.pop_front() {
                waiting.passed = 0;
                waiting.stood_back += behind;
                return Some((big, Lane::Big));
            }
            if let Some(first) = waiting.small_or_usual() {
                waiting.passed += usize::from(!waiting.big.is_empty());
                waiting.stood_back += behind;
                return Some(first);
            }
            if waiting.ended {
                return None;
            }
            waiting.idle = true;
            waiting = self
                .0
                .came
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// One more for a group of this lane, if one waits: of usual size as long as there is `room`, then small ones.
    pub(crate) fn more(&self, lane: Lane, room: bool) -> Option<T> {
        let mut waiting = self.0.lock();
        let usual = match room && lane == Lane::Usual {
            true => waiting.usual.pop_front(),
            false => None,
        };
        match lane {
            Lane::Small | Lane::Usual => usual.or_else(|| waiting.small.pop_front()),
            Lane::Big | Lane::Behind => None,
        }
    }
}

impl<T> Drop for Exit<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_requests_go_first_and_a_big_one_gets_its_turn() {
        let (entry, exit) = lanes(1000);
        entry.put("big", Lane::Big).unwrap();
        for _ in 0..100 {
            entry.put("usual", Lane::Usual).unwrap();
        }
        let before = (0..)
            .take_while(|_| exit.first().unwrap().1 == Lane::Usual)
            .count();
        assert_eq!(before, PASSES);
        entry.put("next big", Lane::Big).unwrap();
        assert_eq!(exit.first(), Some(("usual", Lane::Usual)));
        while exit.more(Lane::Usual, true).is_some() {}
        assert_eq!(exit.first(), Some(("next big", Lane::Big)));
    }

    #[test]
    fn small_requests_and_usual_ones_take_turns() {
        let (entry, exit) = lanes(1000);
        let put = |name, lane| entry.put(name, lane).unwrap();
        for _ in 0..3 {
            put("usual", Lane::Usual);
        }
        put("small", Lane::Small);
        put("small too", Lane::Small);
        assert_eq!(exit.first(), Some(("small", Lane::Small)));
        assert_eq!(exit.more(Lane::Small, true), Some("small too"));
        assert_eq!(exit.more(Lane::Small, true), None);
        put("next small", Lane::Small);
        assert_eq!(exit.first(), Some(("usual", Lane::Usual)));
        assert_eq!(exit.more(Lane::Usual, true), Some("usual"));
        assert_eq!(exit.more(Lane::Usual, false), Some("next small"));
        assert_eq!(exit.more(Lane::Usual, false), None);
        put("last small", Lane::Small);
        assert_eq!(exit.first(), Some(("last small", Lane::Small)));
        assert_eq!(exit.first(), Some(("usual", Lane::Usual)));
        put("alone", Lane::Big);
        assert_eq!(exit.first(), Some(("alone", Lane::Big)));
        put("later", Lane::Small);
        assert_eq!(exit.more(Lane::Big, true), None);
    }

    #[test]
    fn what_is_in_the_background_stands_back_but_not_for_ever() {
        let (entry, exit) = lanes(1000);
        entry.put("behind", Lane::Behind).unwrap();
        entry.put("big", Lane::Big).unwrap();
        entry.put("usual", Lane::Usual).unwrap();
        let order = [exit.first(), exit.first(), exit.first()];
        let order = order.map(|one| one.unwrap().0);
        assert_eq!(order, ["usual", "big", "behind"]);
        entry.put("behind", Lane::Behind).unwrap();
        for _ in 0..200 {
            entry.put("usual", Lane::Usual).unwrap();
        }
        let before = (0..)
            .take_while(|_| exit.first().unwrap().1 == Lane::Usual)
            .count();
        assert_eq!(before, STANDS_BACK);
    }

    #[test]
    fn a_full_lane_refuses_and_the_other_goes_on() {
        let (entry, exit) = lanes(2);
        for n in 0..BIG_WAITING {
            entry.put(n, Lane::Big).unwrap();
        }
        assert_eq!(entry.put(0, Lane::Big), Err(NotTaken::Full));
        entry.put(1, Lane::Usual).unwrap();
        entry.put(2, Lane::Usual).unwrap();
        assert_eq!(entry.put(3, Lane::Usual), Err(NotTaken::Full));
        assert_eq!(exit.first(), Some((1, Lane::Usual)));
        drop(exit);
        assert_eq!(entry.put(4, Lane::Usual), Err(NotTaken::Ended));
    }

    #[test]
    fn what_waits_when_the_entry_goes_is_still_done() {
        let (entry, exit) = lanes(2);
        entry.put(1, Lane::Usual).unwrap();
        entry.put(2, Lane::Big).unwrap();
        drop(entry);
        assert_eq!(exit.first(), Some((1, Lane::Usual)));
        assert_eq!(exit.first(), Some((2, Lane::Big)));
        assert_eq!(exit.first(), None);
    }
}
