//! How much of the door one caller may take: so many requests at work under one token, and no more.
//!
//! The turns of the door are everybody's; without this, one program that asks in a hurry would have them all, and a
//! consultation would hear that the node is busy. Counted by the token as it was shown, before anybody looks at whose it
//! is: whether it is good, and what it opens, makes no difference. Requests without a token are one caller. Tokens are not
//! kept, only a hash of them keyed at start, and only while a request is at work: there are never more entries than turns.
//!
//! Cost: a hash, a look-up under a lock, twice a request.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, PoisonError},
};

/// Who has how many requests at work.
#[derive(Clone)]
pub(crate) struct Shares {
    most: usize,
    keyed: Arc<RandomState>,
    taken: Arc<Mutex<HashMap<u64, usize>>>,
}

/// One request's part of a caller's share; given back when it is dropped.
pub(crate) struct Share {
    of: u64,
    taken: Arc<Mutex<HashMap<u64, usize>>>,
}

impl Shares {
    /// So many requests at once for each caller; at least one.
    pub(crate) fn new(most: usize) -> Shares {
        Shares {
            most: most.max(1),
            keyed: Arc::default(),
            taken: Arc::default(),
        }
    }

    /// A part of a caller's share, if there is one left.
    pub(crate) fn take(&self, token: Option<&str>) -> Option<Share> {
        let of = self.keyed.hash_one(token);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Share {
            of,
            taken: self.taken.clone(),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_share_of_her_own_and_gets_it_back() {
        let shares = Shares::new(2);
        let one = shares.take(Some("a")).unwrap();
        let two = shares.take(Some("a")).unwrap();
        assert!(shares.take(Some("a")).is_none());
        let other = shares.take(Some("b")).unwrap();
        let nobody = shares.take(None).unwrap();
        drop(one);
        let again = shares.take(Some("a"));
        assert!(again.is_some() && shares.take(Some("a")).is_none());
        assert_eq!(shares.taken.lock().unwrap().len(), 3);
        drop(again);
        drop((two, other, nobody));
        assert!(shares.taken.lock().unwrap().is_empty());
    }
}
