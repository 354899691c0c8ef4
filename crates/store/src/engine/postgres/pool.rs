//! The readers' connections: so many at most, each lent to one view at a time.

use super::{line::Line, settings::Address};
use crate::{Error, Result};
use std::{
    cell::Cell,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

thread_local! {
    /// Connections that this thread holds. One that has one already must not wait for another, else those who wait
    /// and those who are waited for could be the same.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

pub(super) struct Pool {
    address: Arc<Address>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Line>,
    /// Lent, idle or being made.
    all: usize,
}

impl Pool {
    pub(super) fn new(address: Arc<Address>) -> Pool {
        Pool {
            address,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection; waits for one so long as the settings say.
    pub(super) fn take(&self) -> Result<Line> {
        let end = Instant::now() + self.address.settings.wait;
        let mut state = self.state();
        loop {
            while let Some(line) = state.idle.pop() {
                if line.open() {
                    held(1);
                    return Ok(line);
                }
                state.all -= 1;
            }
            if state.all < self.address.settings.connections || HELD.get() > 0 {
                state.all += 1;
                drop(state);
                return self.make();
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Busy);
            }
            state = self
                .freed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn make(&self) -> Result<Line> {
        let made = Line::connect(&self.address).and_then(|mut line| {
            line.prepare()?;
            Ok(line)
        });
        match &made {
            Ok(_) => held(1),
            Err(_) => self.less(),
        }
        made
    }

    fn less(&self) {
        self.state().all -= 1;
        self.freed.notify_one();
    }

    /// Takes a connection back.
    pub(super) fn give(&self, line: Line) {
        held(-1);
        let mut state = self.state();
        if line.open() && state.all <= self.address.settings.connections {
            state.idle.push(line);
        } else {
            state.all -= 1;
        }
        drop(state);
        self.freed.notify_one();
    }

    /// Closes idle connections: one failed, so the others have probably lost their server too.
    pub(super) fn forget_idle(&self) {
        let mut state = self.state();
        state.all -= state.idle.len();
        state.idle.clear();
    }
}

fn held(change: isize) {
    HELD.set(HELD.get().saturating_add_signed(change));
}
