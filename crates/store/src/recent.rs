//! What was used of late, in bounded memory.
//!
//! Two generations: what is used moves to the young one; when that is full it becomes the old one, and the old one goes.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, PoisonError},
};

const SHARDS: usize = 16;

struct Two<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

/// A cache that many threads share.
pub(crate) struct Recent<K, V> {
    shards: Vec<Mutex<Two<K, V>>>,
    /// Entries of one generation of one shard.
    most: usize,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, V: Clone> Recent<K, V> {
    /// Holds at most about so many.
    pub(crate) fn new(most: usize) -> Recent<K, V> {
        let two = || {
            Mutex::new(Two {
                young: HashMap::new(),
                old: HashMap::new(),
            })
        };
        Recent {
            shards: (0..SHARDS).map(|_| two()).collect(),
            most: (most / (2 * SHARDS)).max(1),
            hasher: RandomState::new(),
        }
    }

    fn with<R>(&self, key: &K, act: impl FnOnce(&mut Two<K, V>) -> R) -> Option<R> {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        let shard = self.shards.get(at)?;
        Some(act(&mut shard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)))
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.with(key, |two| {
            if let Some(value) = two.young.get(key) {
                return Some(value.clone());
            }
            let value = two.old.remove(key)?;
            two.put(key.clone(), value.clone(), self.most);
            Some(value)
        })?
    }

    pub(crate) fn put(&self, key: K, value: V) {
        self.with(&key.clone(), |two| two.put(key, value, self.most));
    }

    /// Forgets all for which this holds.
    pub(crate) fn forget(&self, gone: impl Fn(&K) -> bool) {
        for shard in &self.shards {
            let mut two = shard.lock().unwrap_or_else(PoisonError::into_inner);
            two.young.retain(|key, _| !gone(key));
            two.old.retain(|key, _| !gone(key));
        }
    }
}

impl<K: Hash + Eq, V> Two<K, V> {
    fn put(&mut self, key: K, value: V, most: usize) {
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let recent = Recent::new(64);
        for n in 0..10_000u32 {
            recent.put(n, n);
            assert_eq!(recent.get(&0), Some(0));
        }
        let held = (0..10_000).filter(|n| recent.get(n).is_some()).count();
        assert!(held <= 128, "{held}");
        recent.forget(|n| *n == 0);
        assert_eq!(recent.get(&0), None);
    }
}
