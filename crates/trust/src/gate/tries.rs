//! Wrong secrets in a row, and how long one then waits.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// This many wrong ones in a row are free.
pub(crate) const FREE: u32 = 5;
/// Nobody waits longer (seconds): else anyone could lock anyone out for good.
const LONGEST: i64 = 300;
/// Names remembered at once.
const MAX_NAMES: usize = 10_000;

/// Wrong tries by name (a login, a member).
#[derive(Default)]
pub(crate) struct Tries(HashMap<String, Try>);

/// One name's wrong tries.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Try {
    wrong: u32,
    last: i64,
}

impl Tries {
    /// Seconds still to wait, 0 when one may try.
    pub(crate) fn wait(&self, name: &str, now: Timestamp) -> i64 {
        let Some(tried) = self.0.get(name) else {
            return 0;
        };
        tried.wait() - (now.as_second() - tried.last).max(0)
    }
    /// Counts a wrong one.
    pub(crate) fn wrong(&mut self, name: &str, now: Timestamp) -> Try {
        if self.0.len() >= MAX_NAMES && !self.0.contains_key(name) {
            self.forget(now);
        }
        let tried = self
            .0
            .entry(name.to_owned())
            .or_insert(Try { wrong: 0, last: 0 });
        tried.wrong = tried.wrong.saturating_add(1);
        tried.last = now.as_second();
        *tried
    }
    /// A right one: all is forgiven. `true` if there was something to forgive.
    pub(crate) fn right(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }
    /// Takes up what a row kept.
    pub(crate) fn put(&mut self, name: String, tried: Try) {
        if self.0.len() < MAX_NAMES {
            self.0.insert(name, tried);
        }
    }
    /// Makes room: first those whose wait is over, then all. A flood of invented names so frees itself from waiting
    /// only by ten thousand tries of argon2.
    fn forget(&mut self, now: Timestamp) {
        let now = now.as_second();
        self.0.retain(|_, tried| tried.wait() > now - tried.last);
        if self.0.len() >= MAX_NAMES {
            self.0.clear();
        }
    }
}

impl Try {
    fn wait(&self) -> i64 {
        match self.wrong.checked_sub(FREE) {
            None => 0,
            Some(over) => (2_i64 << over.min(8)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_are_free_then_the_wait_doubles_to_five_minutes() {
        let (mut tries, now) = (Tries::default(), Timestamp::UNIX_EPOCH);
        let waits: Vec<i64> = (0..14)
            .map(|_| {
                tries.wrong("ana", now);
                tries.wait("ana", now)
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(tries.right("ana"));
        assert_eq!(tries.wait("ana", now), 0);
    }
}
