//! What was used of late, in bounded memory.
//!
//! Two generations: what is used moves to the young one; when that is full it becomes the old one, and the old one goes.
//! How full it is says the number of its entries, or their weight.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

const SHARDS: usize = 16;

struct Two<K, V> {
    young: HashMap<K, V>,
    /// Of the young ones.
    weight: usize,
    old: HashMap<K, V>,
}

/// A cache that many threads share.
pub(crate) struct Recent<K, V> {
    shards: Vec<Mutex<Two<K, V>>>,
    /// Weight of one generation of one shard.
    most: usize,
    weigh: fn(&V) -> usize,
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone, V: Clone> Recent<K, V> {
    /// Holds at most about so many.
    pub(crate) fn new(most: usize) -> Recent<K, V> {
        Recent::weighing(most, |_| 1)
    }

    /// Holds what weighs at most about so much.
    pub(crate) fn weighing(most: usize, weigh: fn(&V) -> usize) -> Recent<K, V> {
        let two = || {
            Mutex::new(Two {
                young: HashMap::new(),
                weight: 0,
                old: HashMap::new(),
            })
        };
        Recent {
            shards: (0..SHARDS).map(|_| two()).collect(),
            most: (most / (2 * SHARDS)).max(1),
            weigh,
            hasher: RandomState::new(),
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> Option<MutexGuard<'_, Two<K, V>>> {
        let at = self.hasher.hash_one(key) as usize % SHARDS;
        let shard = self.shards.get(at)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let mut two = self.shard(key)?;
        if let Some(value) = two.young.get(key) {
            return Some(value.clone());
        }
        let value = two.old.remove(key)?;
        let weight = (self.weigh)(&value);
        two.put(key.to_owned(), value.clone(), self.most, weight);
        Some(value)
    }

    pub(crate) fn put(&self, key: K, value: V) {
        self.put_if(key, value, || true);
    }

    /// Puts it if this holds; of the same key nothing else is put or dropped meanwhile.
    pub(crate) fn put_if(&self, key: K, value: V, holds: impl FnOnce() -> bool) {
        let weight = (self.weigh)(&value);
        if let Some(mut two) = self.shard(&key)
            && holds()
        {
            two.put(key, value, self.most, weight);
        }
    }

    /// Drops what is held of a key and does this; of the same key nothing is put meanwhile.
    pub(crate) fn drop_and<Q>(&self, key: &Q, also: impl FnOnce())
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(mut two) = self.shard(key) {
            if let Some(value) = two.young.remove(key) {
                two.weight = two.weight.saturating_sub((self.weigh)(&value));
            }
            two.old.remove(key);
            also();
        }
    }

    /// Forgets all for which this holds.
    pub(crate) fn forget(&self, gone: impl Fn(&K, &V) -> bool) {
        for shard in &self.shards {
            let mut two = shard.lock().unwrap_or_else(PoisonError::into_inner);
            two.young.retain(|key, value| !gone(key, value));
            two.old.retain(|key, value| !gone(key, value));
            two.weight = two.young.values().map(self.weigh).sum();
        }
    }
}

impl<K: Hash + Eq, V> Two<K, V> {
    fn put(&mut self, key: K, value: V, most: usize, weight: usize) {
        if self.weight >= most {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        if self.young.insert(key, value).is_none() {
            self.weight += weight;
        }
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
        recent.forget(|n, _| *n == 0);
        assert_eq!(recent.get(&0), None);
    }

    #[test]
    fn what_weighs_more_leaves_room_for_fewer() {
        let recent = Recent::weighing(6_400, |bytes: &Vec<u8>| bytes.len());
        let held = |size: usize| {
            (0..10_000u32).for_each(|n| recent.put(n, vec![0; size]));
            let held = (0..10_000).filter_map(|n| recent.get(&n));
            held.map(|bytes| bytes.len()).sum::<usize>()
        };
        for size in [1, 10, 100] {
            // The last one of a generation may stick out.
            let held = held(size);
            assert!((3_200..=6_400 + 32 * 100).contains(&held), "{size}: {held}");
        }
        recent.forget(|_, _| true);
        assert_eq!(recent.get(&9_999), None);
    }
}
