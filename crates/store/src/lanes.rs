//! What waits for the writer, in two lanes: requests of usual size, and big ones.
//!
//! In: requests with their weight. Out: the next one for the writer. The usual lane goes first; a big request makes a
//! group of its own when the usual lane is empty or has passed it [`PASSES`] times, so that one upload never makes
//! everybody wait for long, and waits itself for a bounded number of groups. Both lanes are bounded: a full one is
//! refused at once.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

/// Big requests that may wait.
const BIG_WAITING: usize = 16;
/// Groups that may pass a waiting big request.
const PASSES: usize = 16;

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Full,
    Ended,
}

struct Waiting<T> {
    usual: VecDeque<T>,
    big: VecDeque<T>,
    /// Groups that passed the first big request.
    passed: usize,
    ended: bool,
}

struct Lanes<T> {
    waiting: Mutex<Waiting<T>>,
    came: Condvar,
    most: usize,
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
            std::mem::take(&mut waiting.usual),
            std::mem::take(&mut waiting.big),
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

/// Two lanes; `most` requests wait in the usual one.
pub(crate) fn lanes<T>(most: usize) -> (Entry<T>, Exit<T>) {
    let lanes = Arc::new(Lanes {
        waiting: Mutex::new(Waiting {
            usual: VecDeque::new(),
            big: VecDeque::new(),
            passed: 0,
            ended: false,
        }),
        came: Condvar::new(),
        most: most.max(1),
    });
    (Entry(Arc::new(Door(lanes.clone()))), Exit(lanes))
}

impl<T> Entry<T> {
    /// Puts a request in.
    pub(crate) fn put(&self, request: T, big: bool) -> Result<(), NotTaken> {
        let lanes = &self.0.0;
        let mut waiting = lanes.lock();
        if waiting.ended {
            return Err(NotTaken::Ended);
        }
        let most = if big { BIG_WAITING } else { lanes.most };
        let lane = match big {
            true => &mut waiting.big,
            false => &mut waiting.usual,
        };
        if lane.len() >= most {
            return Err(NotTaken::Full);
        }
        lane.push_back(request);
        drop(waiting);
        lanes.came.notify_one();
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
    /// The first request of the next group, and whether it is big; waits for one. `None` at the end.
    pub(crate) fn first(&self) -> Option<(T, bool)> {
        let mut waiting = self.0.lock();
        loop {
            let turn = waiting.usual.is_empty() || waiting.passed >= PASSES;
            if turn && let Some(big) = waiting.big.pop_front() {
                waiting.passed = 0;
                return Some((big, true));
            }
            if let Some(usual) = waiting.usual.pop_front() {
                waiting.passed += usize::from(!waiting.big.is_empty());
                return Some((usual, false));
            }
            if waiting.ended {
                return None;
            }
            waiting = self
                .0
                .came
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
    /// One more of usual size, if one waits.
    pub(crate) fn more(&self) -> Option<T> {
        self.0.lock().usual.pop_front()
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
        entry.put("big", true).unwrap();
        for _ in 0..100 {
            entry.put("usual", false).unwrap();
        }
        let before = (0..).take_while(|_| !exit.first().unwrap().1).count();
        assert_eq!(before, PASSES);
        entry.put("next big", true).unwrap();
        assert_eq!(exit.first(), Some(("usual", false)));
        while exit.more().is_some() {}
        assert_eq!(exit.first(), Some(("next big", true)));
    }

    #[test]
    fn a_full_lane_refuses_and_the_other_goes_on() {
        let (entry, exit) = lanes(2);
        for n in 0..BIG_WAITING {
            entry.put(n, true).unwrap();
        }
        assert_eq!(entry.put(0, true), Err(NotTaken::Full));
        entry.put(1, false).unwrap();
        entry.put(2, false).unwrap();
        assert_eq!(entry.put(3, false), Err(NotTaken::Full));
        assert_eq!(exit.first(), Some((1, false)));
        drop(exit);
        assert_eq!(entry.put(4, false), Err(NotTaken::Ended));
    }

    #[test]
    fn what_waits_when_the_entry_goes_is_still_done() {
        let (entry, exit) = lanes(2);
        entry.put(1, false).unwrap();
        entry.put(2, true).unwrap();
        drop(entry);
        assert_eq!(exit.first(), Some((1, false)));
        assert_eq!(exit.first(), Some((2, true)));
        assert_eq!(exit.first(), None);
    }
}
