//! A socket that never blocks, and the loop that waits for it in the calling thread.
//!
//! The client library is asynchronous; the store is not. So the thread that asks also drives its own connection: it
//! polls question and connection in turn, and sleeps in `poll(2)` when both wait for the socket. No runtime, no other
//! thread, no hand-over; cost: one `poll(2)`, one read and one write for a question.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    future::Future,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// To another machine, or to a server on this one.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).read(into),
            Socket::Unix(socket) => (&*socket).read(into),
        }
    }
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => (&*socket).write(bytes),
            Socket::Unix(socket) => (&*socket).write(bytes),
        }
    }
    fn shutdown(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(socket) => socket.shutdown(Shutdown::Write),
            Socket::Unix(socket) => socket.shutdown(Shutdown::Write),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Tcp(socket) => socket.as_fd(),
            Socket::Unix(socket) => socket.as_fd(),
        }
    }
}

/// The library's end of a socket.
pub(super) struct Stream {
    socket: Arc<Socket>,
    /// Set when the socket took no more bytes.
    full: Arc<AtomicBool>,
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready(|| self.socket.read(into.initialize_unfilled())).map_ok(|read| into.advance(read))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready(|| self.socket.write(bytes));
        if written.is_pending() {
            self.full.store(true, Relaxed);
        }
        written
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.shutdown())
    }
}

fn ready(mut attempt: impl FnMut() -> io::Result<usize>) -> Poll<io::Result<usize>> {
    loop {
        match attempt() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            done => return Poll::Ready(done),
        }
    }
}

/// Notes that something may go on without the socket.
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// The time was over before the answer came.
#[derive(Debug)]
pub(super) struct Late;

/// Waits for one socket.
pub(super) struct Waiter {
    socket: Arc<Socket>,
    full: Arc<AtomicBool>,
    flag: Arc<Flag>,
    waker: Waker,
}

impl Waiter {
    /// A socket that is set not to block, its waiter and the library's end of it.
    pub(super) fn new(socket: Socket) -> io::Result<(Waiter, Stream)> {
        match &socket {
            Socket::Tcp(socket) => socket.set_nonblocking(true)?,
            Socket::Unix(socket) => socket.set_nonblocking(true)?,
        }
        let socket = Arc::new(socket);
        let full = Arc::new(AtomicBool::new(false));
        let stream = Stream {
            socket: socket.clone(),
            full: full.clone(),
        };
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(flag.clone());
        Ok((
            Waiter {
                socket,
                full,
                flag,
                waker,
            },
            stream,
        ))
    }

    /// Polls both until the question is answered, sleeping while the socket is quiet. `drive` moves the connection.
    pub(super) fn wait<F: Future>(
        &self,
        question: F,
        mut drive: impl FnMut(&mut Context<'_>),
        limit: Duration,
    ) -> Result<F::Output, Late> {
        let mut question = pin!(question);
        let mut context = Context::from_waker(&self.waker);
        let end = Instant::now() + limit;
        loop {
            self.flag.0.store(false, Relaxed);
            self.full.store(false, Relaxed);
            if let Poll::Ready(answer) = question.as_mut().poll(&mut context) {
                return Ok(answer);
            }
            drive(&mut context);
            if !self.flag.0.load(Relaxed) {
                self.sleep(end)?;
            }
        }
    }

    /// Moves the connection once, without waiting for anything.
    pub(super) fn nudge(&self, drive: impl FnOnce(&mut Context<'_>)) {
        drive(&mut Context::from_waker(&self.waker));
    }

    fn sleep(&self, end: Instant) -> Result<(), Late> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Late);
        }
        let mut wanted = PollFlags::IN;
        if self.full.load(Relaxed) {
            wanted |= PollFlags::OUT;
        }
        let left = Timespec::try_from(left).map_err(|_| Late)?;
        // A signal, or an error on the socket, shows when it is polled again.
        let _ = poll(&mut [PollFd::new(&*self.socket, wanted)], Some(&left));
        Ok(())
    }
}

/// All answers of questions asked one after the other without waiting in between.
pub(super) async fn together<F: Future>(questions: Vec<F>) -> Vec<F::Output> {
    let mut questions: Vec<Pin<Box<F>>> = questions.into_iter().map(Box::pin).collect();
    let mut answers: Vec<Option<F::Output>> = questions.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        let mut all = true;
        for (question, answer) in questions.iter_mut().zip(&mut answers) {
            if answer.is_none() {
                match question.as_mut().poll(context) {
                    Poll::Ready(done) => *answer = Some(done),
                    Poll::Pending => all = false,
                }
            }
        }
        match all {
            true => Poll::Ready(std::mem::take(&mut answers).into_iter().flatten().collect()),
            false => Poll::Pending,
        }
    })
    .await
}

/// The answers of two questions, the second asked without waiting for the first.
pub(super) async fn both<A: Future, B: Future>(one: A, other: B) -> (A::Output, B::Output) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        if first.is_none()
            && let Poll::Ready(answer) = one.as_mut().poll(context)
        {
            first = Some(answer);
        }
        if second.is_none()
            && let Poll::Ready(answer) = other.as_mut().poll(context)
        {
            second = Some(answer);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
