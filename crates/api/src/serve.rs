//! HTTPS: sockets in, requests out, and a clean end.

use axum::body::Body;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
};
use std::{convert::Infallible, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, net::TcpStream, sync::Semaphore, time::timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at once; further ones wait in the system's queue.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(15);
/// How often an idle HTTP/2 connection is asked whether somebody is there, and how long the answer may take.
const PING: Duration = Duration::from_secs(30);
/// Streams at once on one HTTP/2 connection.
const STREAMS: u32 = 128;
/// How long open requests may take to end after the stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Pause after the system gave no socket (too many open files).
const BREATHE: Duration = Duration::from_millis(100);

/// Serves what answers requests (a router, or what is around one) over HTTPS (HTTP/1.1 and HTTP/2) until `stop` completes;
/// then takes no new connection, lets open requests end (20 s at most) and returns. `tls` brings the certificate; the
/// protocols are set here.
///
/// Errors: only if the listener itself is unusable.
pub async fn serve<A>(
    listener: TcpListener,
    answer: impl Fn(Request<Body>) -> A + Clone + Send + 'static,
    mut tls: rustls::ServerConfig,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()>
where
    A: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    listener.local_addr()?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let turn = connections.clone().acquire_owned().await;
            (listener.accept().await, turn)
        };
        let (accepted, turn) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::warn!(%error, "no connection could be taken");
                tokio::time::sleep(BREATHE).await;
                continue;
            }
        };
        let (acceptor, answer, watcher) = (acceptor.clone(), answer.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _turn = turn;
            converse(socket, acceptor, answer, watcher).await;
        });
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut");
    }
    Ok(())
}

/// One connection, from handshake to end. What goes wrong on it is the other side's affair and only traced.
async fn converse<A>(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    answer: impl Fn(Request<Body>) -> A + Send + 'static,
    watcher: Watcher,
) where
    A: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let _ = socket.set_nodelay(true);
    let stream = match timeout(HANDSHAKE, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "a handshake failed"),
        Err(_) => return tracing::debug!("a handshake took too long"),
    };
    let service = service_fn(move |request: Request<Incoming>| answer(request.map(Body::new)));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}
