//! What strangers can do as often as they like must not fill the disk: of missing, unknown and expired tokens and of
//! unknown logins, [`PER_MINUTE`] acts of each kind are kept a minute; the rest of the minute is counted, and the
//! count is kept in one act when the minute is over (at the next sign-in or use of a token).

use super::RefusalKind;
use jiff::Timestamp;
use std::collections::HashMap;

/// Acts of a kind that are kept each minute.
pub(crate) const PER_MINUTE: u64 = 20;

/// Counts of the current minute.
#[derive(Default)]
pub(crate) struct Sampler {
    minute: i64,
    seen: HashMap<&'static str, u64>,
}

impl Sampler {
    /// Counts one; whether it gets an act of its own.
    pub(crate) fn keep(&mut self, kind: RefusalKind) -> bool {
        let seen = self.seen.entry(kind.code()).or_default();
        *seen += 1;
        *seen <= PER_MINUTE
    }
    /// Whether the minutes before `now` left something uncounted.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let over = self.seen.values().any(|seen| *seen > PER_MINUTE);
        over && now.as_second().div_euclid(60) != self.minute
    }
    /// What the minutes before `now` left uncounted: kind and number. Starts the new minute.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Vec<(&'static str, u64)> {
        let minute = now.as_second().div_euclid(60);
        if minute == self.minute {
            return Vec::new();
        }
        self.minute = minute;
        let mut over: Vec<_> = self
            .seen
            .drain()
            .filter(|(_, seen)| *seen > PER_MINUTE)
            .map(|(kind, seen)| (kind, seen - PER_MINUTE))
            .collect();
        over.sort_unstable();
        over
    }
}
