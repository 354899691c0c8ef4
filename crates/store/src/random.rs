//! Random bytes drawn ahead: the system's generator takes a microsecond whether it gives sixteen bytes or a thousand.

use crate::{Result, cipher};
use std::cell::RefCell;

/// Bytes drawn at once.
const AHEAD: usize = 1024;

/// What a thread has drawn and not given yet: from this place on.
struct Drawn {
    bytes: [u8; AHEAD],
    given: usize,
}

thread_local! {
    static DRAWN: RefCell<Drawn> = const {
        RefCell::new(Drawn {
            bytes: [0; AHEAD],
            given: AHEAD,
        })
    };
}

/// Random bytes of the system's generator, for names and salts, at most 1,024. None is given twice, nor kept after it was.
///
/// Error: the system gives none. Cost: a copy; a microsecond each kilobyte.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    const { assert!(N <= AHEAD) };
    DRAWN.with_borrow_mut(|drawn| {
        if AHEAD - drawn.given < N {
            drawn.bytes = cipher::random()?;
            drawn.given = 0;
        }
        let mut out = [0; N];
        if let Some(next) = drawn.bytes.get_mut(drawn.given..drawn.given + N) {
            out.copy_from_slice(next);
            next.fill(0);
        }
        drawn.given += N;
        Ok(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_is_given_twice_on_any_thread() {
        let draw = || (0..500).map(|_| random::<16>()).collect::<Result<Vec<_>>>();
        let other = std::thread::spawn(draw);
        let all = [draw().unwrap(), other.join().unwrap().unwrap()].concat();
        let mut seen: HashSet<[u8; 16]> = all.iter().copied().collect();
        assert_eq!(seen.len(), 1000);
        // Sizes that do not go into what was drawn, and all of it.
        for _ in 0..100 {
            assert!(seen.insert(random::<16>().unwrap()));
            assert_ne!(random::<1000>().unwrap(), [0; 1000]);
            assert_ne!(random::<AHEAD>().unwrap(), [0; AHEAD]);
        }
        DRAWN.with_borrow(|drawn| assert!(drawn.bytes.iter().take(drawn.given).all(|b| *b == 0)));
    }
}
