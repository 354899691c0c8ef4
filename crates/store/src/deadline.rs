//! How long one question may take: every row read looks at the clock, so nothing that is asked can hold a thread for
//! longer. Cost: some 30 ns a call.

use crate::{
    Error, Result, Store,
    engine::{Direction, Rows, Snapshot},
};
use std::time::{Duration, Instant};

/// A snapshot that refuses after a while.
pub(crate) struct Timed {
    base: Box<dyn Snapshot>,
    until: Instant,
    limit: Duration,
}

impl Timed {
    /// `until` is when the question's time is over.
    pub(crate) fn new(base: Box<dyn Snapshot>, until: Instant, limit: Duration) -> Timed {
        Timed { base, until, limit }
    }
    fn check(&self) -> Result<()> {
        match Instant::now() < self.until {
            true => Ok(()),
            false => Err(Error::Slow(self.limit.as_secs())),
        }
    }
}

impl Snapshot for Timed {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.check()?;
        self.base.get(key)
    }
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.check()?;
        self.base.get_many(keys)
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        self.check()?;
        self.base.scan(from, to, direction, limit, rows)
    }
}

impl Store {
    /// A snapshot for one question that has to be answered by then.
    pub(crate) fn timed(&self, until: Instant) -> Result<Box<dyn Snapshot>> {
        let limit = self.inner.question_time;
        Ok(Box::new(Timed::new(self.snapshot()?, until, limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Memory};

    #[test]
    fn a_question_whose_time_is_over_is_told_so() {
        let memory = Memory::default();
        let question =
            |limit| Timed::new(memory.snapshot().unwrap(), Instant::now() + limit, limit);
        assert!(question(Duration::from_secs(60)).get(b"a").is_ok());
        let over = question(Duration::ZERO);
        assert!(matches!(over.get(b"a"), Err(Error::Slow(0))));
        let scanned = over.scan(b"a", b"b", Direction::Up, 1, &mut Rows::default());
        assert!(matches!(scanned, Err(Error::Slow(0))));
    }
}
