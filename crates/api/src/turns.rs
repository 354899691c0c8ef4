//! Turns at work: what blocks runs on threads of which there is a bounded number, and nothing waits for a turn.

use crate::{fault::Fault, share::Share};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A turn at work, given back when the work is done, also when the caller has gone away meanwhile.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    /// Of the caller whose work it is.
    _share: Option<Arc<Share>>,
}

impl Turn {
    pub(crate) fn of(self, share: &Arc<Share>) -> Turn {
        Turn {
            _share: Some(share.clone()),
            ..self
        }
    }
}

/// A turn, if there is one left.
pub(crate) fn turn_of(turns: &Arc<Semaphore>) -> Result<Turn, Fault> {
    let turn = turns.clone().try_acquire_owned();
    Ok(Turn {
        _turn: turn.map_err(|_| Fault::busy())?,
        _share: None,
    })
}

/// Runs what blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let span = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        span.in_scope(work)
    });
    match done.await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "a request broke");
            Err(Fault::ours())
        }
    }
}

/// Runs what blocks and is big on a thread that gives way to all others.
pub(crate) async fn aside<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let span = tracing::Span::current();
    let (tell, told) = tokio::sync::oneshot::channel();
    let begun = std::thread::Builder::new()
        .name("big-request".into())
        .spawn(move || {
            let _turn = turn;
            store::give_way();
            // Who asked may have gone; what was asked is done all the same.
            let _ = tell.send(span.in_scope(work));
        });
    if begun.is_err() {
        return Err(Fault::busy());
    }
    told.await.unwrap_or_else(|_| {
        tracing::error!("a big request broke");
        Err(Fault::ours())
    })
}
