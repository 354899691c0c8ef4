//! What a thread needs only while it computes, and lets go of when it waits for the writer.

use std::cell::RefCell;

type LetGo = Box<dyn FnOnce()>;

thread_local! {
    static HELD: RefCell<Option<LetGo>> = const { RefCell::new(None) };
}

/// Does work on this thread. When it hands something to the writer and is about to wait for it, `let_go` is called, once,
/// so that another can compute meanwhile; if it never waits, `let_go` is not called. Whoever writes from several threads
/// on few cores keeps the writer busy so: where all compute at once, all come to it at once, and nobody computes while it
/// works.
pub fn letting_go<T>(let_go: impl FnOnce() + 'static, work: impl FnOnce() -> T) -> T {
    /// Puts back what was held outside, also when the work panics.
    struct Outside(Option<LetGo>);
    impl Drop for Outside {
        fn drop(&mut self) {
            HELD.set(self.0.take());
        }
    }
    let _outside = Outside(HELD.replace(Some(Box::new(let_go))));
    work()
}

/// The calling thread is about to wait.
pub(crate) fn now() {
    if let Some(let_go) = HELD.take() {
        let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, rc::Rc};

    #[test]
    fn it_is_let_go_once_when_the_work_waits_and_never_afterwards() {
        let gone = Rc::new(Cell::new(0));
        let count = |gone: &Rc<Cell<i32>>| {
            let gone = gone.clone();
            move || gone.set(gone.get() + 1)
        };
        let seen = letting_go(count(&gone), || {
            now();
            now();
            gone.get()
        });
        assert_eq!(seen, 1);
        letting_go(count(&gone), || {});
        let inner = gone.clone();
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            letting_go(count(&inner), || panic!("it breaks"));
        }));
        assert!(broken.is_err());
        // Nothing of theirs is left on this thread.
        now();
        assert_eq!(gone.get(), 1);
    }
}
