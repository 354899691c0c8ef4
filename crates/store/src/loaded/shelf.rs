//! Where the loaded search parameters are found by all threads: as the last durable commit left them.

use super::Loaded;
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The set in force.
pub(crate) struct Shelf {
    now: Mutex<Arc<Loaded>>,
    changed: Condvar,
}

impl Shelf {
    pub(crate) fn new(loaded: Arc<Loaded>) -> Shelf {
        Shelf {
            now: Mutex::new(loaded),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Loaded>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Arc<Loaded> {
        self.lock().clone()
    }

    /// A commit made these durable.
    pub(crate) fn put(&self, loaded: &Arc<Loaded>) {
        let mut now = self.lock();
        if !Arc::ptr_eq(&now, loaded) {
            *now = loaded.clone();
            self.changed.notify_all();
        }
    }

    /// Whoever waits looks again.
    pub(crate) fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until it is so.
    pub(crate) fn wait(&self, so: impl Fn(&Loaded) -> bool) {
        let mut now = self.lock();
        while !so(&now) {
            now = (self.changed.wait(now)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for a while, or until it is so.
    pub(crate) fn pause(&self, most: Duration, so: impl Fn() -> bool) {
        let now = self.lock();
        drop(self.changed.wait_timeout_while(now, most, |_| !so()));
    }
}
