//! Turns at work: what blocks runs on threads of which there is a bounded number, and nothing waits for a turn.
//!
//! Who has a turn and only computes (a search, whose act is awaited without a thread) waits for one of few [`Hands`], in the
//! order of coming. All at once on fewer cores each would be as late as the last one.

use crate::{fault::Fault, share::Share};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
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

/// What has a hand for longer than this goes on without one: others that are short do not wait for it.
const LONG: Duration = Duration::from_millis(4);

/// Hands for what only computes.
pub(crate) struct Hands(Option<Semaphore>);

impl Hands {
    /// One more than there are cores, so that none idles while work is handed over; as many as there are turns where an
    /// archive is asked over a network, since then who works mostly waits.
    pub(crate) fn new(near: bool) -> Hands {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Hands(near.then(|| Semaphore::new(cores + 1)))
    }

    /// Does the work when a hand is free.
    pub(crate) async fn lend<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Some(hands) = &self.0
            && let Ok(_hand) = hands.acquire().await
            && let Ok(done) = tokio::time::timeout(LONG, &mut work).await
        {
            return done;
        }
        work.await
    }
}

/// Runs what blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let (_turn, done) = keeping(turn, work).await?;
    Ok(done)
}

/// The same; the turn comes back with what was done, for what is still to come.
pub(crate) async fn keeping<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<(Turn, T), Fault> {
    let span = tracing::Span::current();
    let done = tokio::task::spawn_blocking(move || {
        let done = span.in_scope(work)?;
        Ok((turn, done))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    async fn in_order(hands: Hands, works: [(&'static str, u64); 3]) -> Vec<&'static str> {
        let done = Mutex::new(Vec::new());
        let [a, b, c] = works.map(|(name, ms)| {
            let (hands, done) = (&hands, &done);
            async move {
                let work = tokio::time::sleep(Duration::from_millis(ms));
                hands.lend(work).await;
                done.lock().unwrap().push(name);
            }
        });
        tokio::join!(a, b, c);
        done.into_inner().unwrap()
    }

    #[tokio::test]
    async fn short_work_is_done_in_the_order_of_coming_and_does_not_wait_for_long_work() {
        let one = || Hands(Some(Semaphore::new(1)));
        // The second is shorter and waits for the first all the same; the third has no hand while both are at work.
        let short = in_order(one(), [("first", 3), ("second", 1), ("third", 1)]).await;
        assert_eq!(short, ["first", "second", "third"]);
        let long = in_order(one(), [("long", 300), ("second", 1), ("third", 1)]).await;
        assert_eq!(long, ["second", "third", "long"]);
        // Without hands nothing waits.
        let far = in_order(
            Hands::new(false),
            [("first", 60), ("second", 30), ("third", 1)],
        )
        .await;
        assert_eq!(far, ["third", "second", "first"]);
    }
}
