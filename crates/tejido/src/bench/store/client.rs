//! Clients: each keeps one HTTPS connection and asks again as soon as it is answered, or when the next question is due
//! ([`paced`]).
//!
//! They run on one thread of their own beside the node, so that what they cost is small and the same for every figure; it
//! is measured and told apart from what the node works.

use super::super::{Times, cpu};
use crate::Error;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

/// How long one answer may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// Connections that one client may lose in a row before the bench gives up.
const LOST: usize = 3;

/// Where to ask, and as whom.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<rustls::ClientConfig>,
    pub(super) token: String,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn get(path: impl Into<String>) -> Ask {
        Ask {
            method: Method::GET,
            path: path.into(),
            body: Bytes::new(),
        }
    }
    pub(super) fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Ask {
        Ask {
            method: Method::POST,
            path: path.into(),
            body: body.into(),
        }
    }
}

/// What came of many asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Of those with 2xx.
    pub(super) times: Times,
    /// The others, and what the first of them said.
    pub(super) failed: u64,
    pub(super) first_failure: Option<String>,
    /// Bytes of the answers with 2xx.
    pub(super) bytes: u64,
    /// What the clients' own thread worked: TLS, HTTP, counting.
    pub(super) client_cpu: Duration,
}

impl Answers {
    /// All that were answered, however.
    pub(super) fn asked(&self) -> u64 {
        self.times.each.len() as u64 + self.failed
    }
}

/// What the calling thread has worked so far, in nanoseconds by the scheduler (Linux; zero elsewhere).
fn own_cpu() -> Duration {
    let read = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = read.split_whitespace().next();
    Duration::from_nanos(first.and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// One connection.
pub(super) struct Client {
    target: Target,
    send: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(super) async fn open(target: &Target) -> Result<Client, Error> {
        let failed = |e: String| Error::say(format!("{}: {e}", target.address));
        let socket = TcpStream::connect(target.address)
            .await
            .map_err(|e| failed(e.to_string()))?;
        socket
            .set_nodelay(true)
            .map_err(|e| failed(e.to_string()))?;
        let name = ServerName::try_from("localhost").map_err(|e| failed(e.to_string()))?;
        let tls = TlsConnector::from(target.tls.clone())
            .connect(name, socket)
            .await
            .map_err(|e| failed(e.to_string()))?;
        let (send, connection) = handshake(TokioIo::new(tls))
            .await
            .map_err(|e| failed(e.to_string()))?;
        tokio::task::spawn_local(connection);
        Ok(Client {
            target: target.clone(),
            send,
        })
    }

    /// Asks; gives status and body.
    pub(super) async fn ask(&mut self, ask: &Ask) -> Result<(StatusCode, Bytes), Error> {
        let failed = |e: String| Error::say(format!("{} {}: {e}", ask.method, ask.path));
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.target.token));
        if ask.method == Method::POST {
            request = request.header("content-type", "application/fhir+json");
        }
        let request = request
            .body(Full::new(ask.body.clone()))
            .map_err(|e| failed(e.to_string()))?;
        self.send.ready().await.map_err(|e| failed(e.to_string()))?;
        let answer = tokio::time::timeout(PATIENCE, async {
            let answer = self.send.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>((status, body))
        });
        match answer.await {
            Ok(done) => done.map_err(|e| failed(e.to_string())),
            Err(_) => Err(failed("no answer in two minutes".into())),
        }
    }
}

/// How long clients go on.
#[derive(Clone)]
pub(super) enum Until {
    /// For a while.
    Past(Duration),
    /// Until this many asks are answered.
    Asked(u64),
    /// Once around at least, and on while this is true.
    While(Arc<AtomicBool>),
}

/// Runs clients on a thread of their own; `ask` gives the n-th question, `None` ends that client.
pub(super) fn many(
    target: &Target,
    clients: usize,
    until: Until,
    ask: impl Fn(u64) -> Option<Ask> + Send + Sync + 'static,
) -> std::thread::JoinHandle<Result<Answers, Error>> {
    run(target, clients, None, until, ask)
}

/// The same at this many questions a second, whatever is answered: one client of many asks when a question is due, and its
/// time counts from then. So a moment in which nothing is answered counts for all who would have asked, and nobody asks
/// more because the node is idle.
pub(super) fn paced(
    target: &Target,
    clients: usize,
    per_second: f64,
    until: Until,
    ask: impl Fn(u64) -> Option<Ask> + Send + Sync + 'static,
) -> std::thread::JoinHandle<Result<Answers, Error>> {
    run(target, clients, Some(per_second), until, ask)
}

/// Lets questions go when they are due. A thread's sleep is good to some tens of microseconds, a timer of the runtime's to
/// a millisecond.
struct Pace {
    began: Instant,
    each: Duration,
    due: Arc<Semaphore>,
}

impl Pace {
    fn start(per_second: f64) -> Pace {
        let pace = Pace {
            began: Instant::now(),
            each: Duration::from_secs_f64(1.0 / per_second.max(1.0)),
            due: Arc::new(Semaphore::new(0)),
        };
        let (began, each, due) = (pace.began, pace.each, Arc::downgrade(&pace.due));
        std::thread::spawn(move || {
            let mut let_go = 0;
            // Until the clients are gone.
            while let Some(due) = due.upgrade() {
                let by_now = (began.elapsed().as_secs_f64() / each.as_secs_f64()) as usize;
                due.add_permits(by_now.saturating_sub(let_go));
                let_go = let_go.max(by_now);
                let next = began + each.mul_f64(let_go as f64 + 1.0);
                drop(due);
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        pace
    }

    /// Waits until some question is due that nobody has taken.
    async fn next(&self) {
        if let Ok(one) = self.due.acquire().await {
            one.forget();
        }
    }

    /// When the n-th question is due, from 0.
    fn when(&self, n: u64) -> Instant {
        self.began + self.each.mul_f64(n as f64 + 1.0)
    }
}

fn run(
    target: &Target,
    clients: usize,
    per_second: Option<f64>,
    until: Until,
    ask: impl Fn(u64) -> Option<Ask> + Send + Sync + 'static,
) -> std::thread::JoinHandle<Result<Answers, Error>> {
    let target = target.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::say(e.to_string()))?;
        let ask = Arc::new(ask);
        let number = Arc::new(AtomicU64::new(0));
        tokio::task::LocalSet::new().block_on(&runtime, async move {
            let mut open = Vec::with_capacity(clients);
            for _ in 0..clients {
                open.push(Client::open(&target).await?);
            }
            let (started, worked, own) = (Instant::now(), cpu(), own_cpu());
            let pace = per_second.map(|rate| Arc::new(Pace::start(rate)));
            let work: Vec<_> = open
                .into_iter()
                .map(|client| {
                    let asking = Asking {
                        ask: ask.clone(),
                        number: number.clone(),
                        until: until.clone(),
                        pace: pace.clone(),
                        started,
                    };
                    tokio::task::spawn_local(one(client, asking))
                })
                .collect();
            let mut all = Answers::default();
            for work in work {
                let own = work.await.map_err(|_| Error::say("a client failed"))??;
                all.times.each.extend(own.times.each);
                all.failed += own.failed;
                all.bytes += own.bytes;
                all.first_failure = all.first_failure.or(own.first_failure);
            }
            all.times.wall = started.elapsed();
            all.times.cpu = cpu().saturating_sub(worked);
            all.client_cpu = own_cpu().saturating_sub(own);
            all.times.each.sort_unstable();
            Ok(all)
        })
    })
}

/// What the clients of one run share.
struct Asking<F> {
    ask: Arc<F>,
    /// Of the next question.
    number: Arc<AtomicU64>,
    until: Until,
    pace: Option<Arc<Pace>>,
    started: Instant,
}

async fn one<F: Fn(u64) -> Option<Ask>>(
    mut client: Client,
    asking: Asking<F>,
) -> Result<Answers, Error> {
    let mut own = Answers::default();
    let mut lost = 0;
    loop {
        if let Some(pace) = &asking.pace {
            pace.next().await;
        }
        let n = asking.number.fetch_add(1, Ordering::Relaxed);
        let go_on = match &asking.until {
            Until::Past(length) => asking.started.elapsed() < *length,
            Until::Asked(most) => n < *most,
            Until::While(go_on) => own.asked() == 0 || go_on.load(Ordering::Relaxed),
        };
        let Some(asked) = go_on.then(|| (asking.ask)(n)).flatten() else {
            return Ok(own);
        };
        let at = asking.pace.as_ref().map(|pace| pace.when(n));
        let at = at.unwrap_or_else(Instant::now);
        let (status, body) = match client.ask(&asked).await {
            Ok(answer) => answer,
            Err(error) if lost < LOST => {
                lost += 1;
                own.failed += 1;
                own.first_failure.get_or_insert_with(|| error.to_string());
                client = Client::open(&client.target).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        lost = 0;
        if status.is_success() {
            own.times.each.push(at.elapsed());
            own.bytes += body.len() as u64;
        } else {
            own.failed += 1;
            own.first_failure.get_or_insert_with(|| {
                let said = String::from_utf8_lossy(&body);
                let said: String = said.chars().take(400).collect();
                format!("{status} to {} {}: {said}", asked.method, asked.path)
            });
        }
    }
}

/// Waits for clients.
pub(super) fn done(
    clients: std::thread::JoinHandle<Result<Answers, Error>>,
) -> Result<Answers, Error> {
    clients
        .join()
        .unwrap_or_else(|_| Err(Error::say("the clients failed")))
}

/// One client that is asked by hand, one question after the other.
pub(super) struct Single {
    client: Client,
    around: tokio::task::LocalSet,
    runtime: tokio::runtime::Runtime,
}

impl Single {
    pub(super) fn open(target: &Target) -> Result<Single, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| Error::say(e.to_string()))?;
        let around = tokio::task::LocalSet::new();
        let client = around.block_on(&runtime, Client::open(target))?;
        Ok(Single {
            client,
            around,
            runtime,
        })
    }

    /// How many match a search; `path` as after `/fhir/`.
    pub(super) fn count(&mut self, path: &str) -> Result<u64, Error> {
        let ask = Ask::get(format!("/fhir/{path}&_summary=count"));
        let (status, body) = self.around.block_on(&self.runtime, self.client.ask(&ask))?;
        let told = fhir::json::parse(&body, &fhir::json::Limits::default())
            .ok()
            .and_then(|bundle| bundle.get("total")?.as_f64());
        match told {
            Some(total) if status.is_success() => Ok(total as u64),
            _ => Err(Error::say(format!("{status} to {}", ask.path))),
        }
    }
}
