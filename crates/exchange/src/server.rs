//! Being called by other members: who it is, whether it is signed, fresh and meant for us; then what it asks.
//!
//! Bounds: [`CONNECTIONS`] at once, [`BUSY`] questions at once (then 503 before anything is done), a request of at most
//! 1 MiB, [`HANDSHAKE`] to shake hands. Nothing here decides: the gate does.

use crate::answer;
use crate::client::{Exchanged, header, nonce};
use crate::linkage::Runs;
use crate::message::{REQUEST_BYTES, RefusalMessage, path};
use crate::signature::{
    FRESH_SECONDS, Parameters, RequestHead, answer_base, content_digest, parse_signature,
    request_base, signature_header,
};
use crate::tls::{self, Own};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use trust::{Gate, MemberId, Refusal, RefusalKind};

const CONNECTIONS: usize = 512;
const BUSY: usize = 64;
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Nonces remembered; at the limit new requests are turned away until old ones are no longer fresh.
const NONCES: usize = 200_000;

/// The node's ear.
pub(crate) struct Server {
    gate: Gate,
    own: Own,
    busy: Semaphore,
    heard: Mutex<HashMap<String, i64>>,
    runs: Arc<Runs>,
    config: Mutex<Option<(u64, Arc<rustls::ServerConfig>)>>,
}

/// What goes back: status and body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn ok(body: Vec<u8>) -> Reply {
        Reply { status: 200, body }
    }
    /// A refusal with the status that fits it.
    pub(crate) fn refused(refusal: &Refusal) -> Reply {
        let status = match refusal.kind {
            RefusalKind::NotSignedIn | RefusalKind::WrongSecret | RefusalKind::Expired => 401,
            RefusalKind::SlowDown | RefusalKind::Unusual => 429,
            RefusalKind::Unavailable => 503,
            RefusalKind::Bad => 400,
            _ => 403,
        };
        Reply {
            status,
            body: serde_json::to_vec(&RefusalMessage::from(refusal)).unwrap_or_default(),
        }
    }
    pub(crate) fn bad(kind: RefusalKind, es: &str, en: &str) -> Reply {
        Reply::refused(&refusal(kind, es, en))
    }
}

pub(crate) fn refusal(kind: RefusalKind, es: &str, en: &str) -> Refusal {
    Refusal {
        kind,
        es: es.to_owned(),
        en: en.to_owned(),
        because: Vec::new(),
    }
}

/// What a caller claimed and proved.
struct Caller {
    member: MemberId,
    digest: String,
    input: String,
    signature: String,
    pact: u64,
}

impl Server {
    pub(crate) fn new(gate: Gate, own: Own) -> Arc<Server> {
        let heard = heard_before(&gate);
        Arc::new(Server {
            gate,
            own,
            busy: Semaphore::new(BUSY),
            heard: Mutex::new(heard),
            runs: Arc::default(),
            config: Mutex::default(),
        })
    }

    /// Accepts until `stop` completes; then lets what is under way end.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: tokio::net::TcpListener,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), String> {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = hyper_util::server::graceful::GracefulShutdown::new();
        tokio::pin!(stop);
        let mut minute = tokio::time::interval(Duration::from_secs(60));
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                _ = minute.tick() => {
                    self.runs.sweep();
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            let Ok((tcp, _)) = accepted else {
                // Out of file handles or the like: what is open goes on, new ones wait a little.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&connections).try_acquire_owned() else {
                continue;
            };
            let (server, watcher) = (Arc::clone(&self), graceful.watcher());
            tokio::spawn(async move {
                let _place = place;
                if let Err(error) = server.connection(tcp, watcher).await {
                    tracing::debug!(%error, "a member's connection ended");
                }
            });
        }
        let _ = tokio::time::timeout(Duration::from_secs(5), graceful.shutdown()).await;
        Ok(())
    }

    /// The TLS side for the pact in force.
    fn tls(&self) -> Result<Arc<rustls::ServerConfig>, String> {
        let pact = self.gate.pact();
        let mut cached = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, config)) = cached.as_ref()
            && *version == pact.version
        {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(tls::server(&self.own, &pact)?);
        *cached = Some((pact.version, Arc::clone(&config)));
        Ok(config)
    }

    async fn connection(
        self: Arc<Self>,
        tcp: tokio::net::TcpStream,
        watcher: hyper_util::server::graceful::Watcher,
    ) -> Result<(), String> {
        tcp.set_nodelay(true).map_err(|e| e.to_string())?;
        let acceptor = tokio_rustls::TlsAcceptor::from(self.tls()?);
        let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(tcp))
            .await
            .map_err(|_| "the handshake took too long".to_owned())?;
        let tls = match shaken {
            Ok(tls) => tls,
            Err(error) => {
                // A certificate that no key of the pact issued; a mere hang-up is of another kind.
                if error.kind() == std::io::ErrorKind::InvalidData {
                    self.turned_away().await;
                }
                return Err(error.to_string());
            }
        };
        let member = tls::peer(tls.get_ref().1.peer_certificates(), &self.gate.pact())
            .ok_or("the certificate names no member of the pact")?;
        let service = hyper::service::service_fn(move |request| {
            let (server, member) = (Arc::clone(&self), member.clone());
            async move { Ok::<_, std::convert::Infallible>(server.answer(member, request).await) }
        });
        let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.max_concurrent_streams(BUSY as u32);
        watcher
            .watch(http.serve_connection(TokioIo::new(tls), service))
            .await
            .map_err(|e| e.to_string())
    }

    async fn answer(
        self: Arc<Self>,
        member: MemberId,
        request: http::Request<Incoming>,
    ) -> http::Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, REQUEST_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => {
                let reply = Reply::bad(
                    RefusalKind::Bad,
                    "El mensaje es demasiado grande.",
                    "The message is too large.",
                );
                return self.signed(&head, None, reply).await;
            }
        };
        // From when all of it is here: whoever sends it slowly chooses no moment.
        let started = Instant::now();
        let caller = match self.caller(&member, &head, &body) {
            Ok(caller) => caller,
            Err(reply) => {
                self.turned_away().await;
                return self.signed(&head, None, reply).await;
            }
        };
        let Ok(turn) = self.busy.try_acquire() else {
            let busy = Reply::bad(
                RefusalKind::Unavailable,
                "El nodo está ocupado.",
                "The node is busy.",
            );
            return self.signed(&head, Some(caller), busy).await;
        };
        let path = head.uri.path().to_owned();
        let asked = answer::about(&path, &body).map(|question| (member.clone(), question));
        let (gate, runs, version) = (self.gate.clone(), Arc::clone(&self.runs), caller.pact);
        let work = tokio::task::spawn_blocking(move || {
            let ours = gate.pact().version;
            if path == path::PACT {
                return answer::pact(&gate, &body);
            }
            if version != ours {
                return Reply {
                    status: 409,
                    body: gate.signed_pact().into_bytes(),
                };
            }
            answer::answer(&gate, &runs, &member, &path, &body)
        });
        let reply = work.await.unwrap_or_else(|_| {
            Reply::bad(
                RefusalKind::Unavailable,
                "El nodo falló al contestar.",
                "The node failed to answer.",
            )
        });
        let response = self.signed(&head, Some(caller), reply).await;
        drop(turn);
        if let Some((who, question)) = asked {
            self.gate.beat(&who.0, &question, started).await;
        }
        response
    }

    /// Writes into the log that somebody was turned away.
    async fn turned_away(&self) {
        let gate = self.gate.clone();
        let kept =
            tokio::task::spawn_blocking(move || gate.turned_away(jiff::Timestamp::now())).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!("that somebody was turned away could not be kept");
        }
    }

    /// Checks that the message is the caller's own, whole, fresh, for us, and not heard before.
    fn caller(
        &self,
        member: &MemberId,
        head: &http::request::Parts,
        body: &[u8],
    ) -> Result<Caller, Reply> {
        let forged = |en: &str| {
            Reply::bad(
                RefusalKind::Forged,
                "El mensaje no está firmado como pide el pacto.",
                en,
            )
        };
        let read = |name: &str| {
            header(&head.headers, name).ok_or_else(|| forged("A signed header is missing."))
        };
        let (digest, to, pact) = (
            read("content-digest")?,
            read("tejido-to")?,
            read("tejido-pact")?,
        );
        let (input, signature) = (read("signature-input")?, read("signature")?);
        let parameters = Parameters::parse_request(input)
            .ok_or_else(|| forged("The signature covers something else."))?;
        let pact: u64 = pact
            .parse()
            .map_err(|_| forged("The pact's version is no number."))?;
        if head.method != http::Method::POST
            || to != self.gate.member().0
            || parameters.keyid != *member
        {
            return Err(forged(
                "The message is meant for another member or signed by another.",
            ));
        }
        let signed = RequestHead {
            path: head.uri.path(),
            digest,
            to,
            pact,
        };
        let bytes =
            parse_signature(signature).ok_or_else(|| forged("The signature cannot be read."))?;
        if content_digest(body) != digest
            || !self.gate.verify(
                member,
                request_base(&signed, &parameters).as_bytes(),
                &bytes,
            )
        {
            return Err(forged("The signature does not fit the message."));
        }
        let now = jiff::Timestamp::now().as_second();
        if (now - parameters.created).abs() > FRESH_SECONDS {
            return Err(forged("The message is too old, or a clock is wrong."));
        }
        self.first_time(&parameters, now)?;
        Ok(Caller {
            member: member.clone(),
            digest: digest.into(),
            input: input.into(),
            signature: signature.into(),
            pact,
        })
    }

    /// Remembers a nonce for as long as its message would be fresh.
    fn first_time(&self, parameters: &Parameters, now: i64) -> Result<(), Reply> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() >= NONCES {
            heard.retain(|_, created| (now - *created).abs() <= FRESH_SECONDS);
        }
        if heard.len() >= NONCES {
            return Err(Reply::bad(
                RefusalKind::Unavailable,
                "El nodo está ocupado.",
                "The node is busy.",
            ));
        }
        match heard.insert(named(parameters), parameters.created) {
            None => Ok(()),
            Some(_) => Err(Reply::bad(
                RefusalKind::Forged,
                "Este mensaje ya llegó antes.",
                "This message came before.",
            )),
        }
    }

    /// Signs an answer, and keeps the record of the exchange when the caller was known and something was asked of the
    /// record.
    async fn signed(
        &self,
        head: &http::request::Parts,
        caller: Option<Caller>,
        reply: Reply,
    ) -> http::Response<Full<Bytes>> {
        let digest = content_digest(&reply.body);
        let parameters = Parameters {
            created: jiff::Timestamp::now().as_second(),
            keyid: self.gate.member(),
            nonce: nonce(),
        };
        let asked = header(&head.headers, "signature").unwrap_or_default();
        let base = answer_base(reply.status, &digest, asked, &parameters);
        let signature = signature_header(&self.gate.sign(base.as_bytes()));
        let input = parameters.answer_input();
        if let Some(caller) = caller
            && head.uri.path() != path::PACT
        {
            let record = Exchanged {
                member: caller.member,
                asked: false,
                path: head.uri.path().to_owned(),
                pact: caller.pact,
                request_digest: caller.digest,
                request_input: caller.input,
                request_signature: caller.signature,
                status: reply.status,
                answer_digest: digest.clone(),
                answer_input: input.clone(),
                answer_signature: signature.clone(),
            };
            let gate = self.gate.clone();
            let kept = tokio::task::spawn_blocking(move || keep(&gate, &[record])).await;
            if !matches!(kept, Ok(Ok(()))) {
                tracing::error!("the record of an exchange could not be kept");
                let mut response = http::Response::new(Full::new(Bytes::new()));
                *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                return response;
            }
        }
        let pact = self.gate.pact().version.to_string();
        let mut response = http::Response::new(Full::new(Bytes::from(reply.body)));
        *response.status_mut() = http::StatusCode::from_u16(reply.status)
            .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in [
            ("content-digest", &digest),
            ("signature-input", &input),
            ("signature", &signature),
            ("tejido-pact", &pact),
        ] {
            if let Ok(value) = http::HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The nonces of messages that were answered before a start and would still be fresh: a start forgets none.
fn heard_before(gate: &Gate) -> HashMap<String, i64> {
    let mut heard = HashMap::new();
    let now = jiff::Timestamp::now();
    let from = now
        .as_microsecond()
        .saturating_sub(2 * FRESH_SECONDS * 1_000_000);
    let mut after = from.to_be_bytes().to_vec();
    loop {
        let rows = match gate.rows_after(EXCHANGED, Some(&after), PAGE) {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "what was heard before the start cannot be read");
                return heard;
            }
        };
        for (_, row) in &rows {
            let records: Vec<Exchanged> = serde_json::from_slice(row).unwrap_or_default();
            for record in records.iter().filter(|record| !record.asked) {
                if let Some(parameters) = Parameters::parse_request(&record.request_input) {
                    heard.insert(named(&parameters), parameters.created);
                }
            }
        }
        match rows.last() {
            Some((key, _)) if rows.len() == PAGE => after.clone_from(key),
            _ => return heard,
        }
    }
}

/// How a message is remembered.
fn named(parameters: &Parameters) -> String {
    format!("{} {}", parameters.keyid, parameters.nonce)
}

/// The room of the records of exchanges, and rows of it read at once.
const EXCHANGED: &str = "exchanged";
const PAGE: usize = 1_000;

/// Keeps records of exchanges durably, in the order of their time.
pub(crate) fn keep(gate: &Gate, records: &[Exchanged]) -> Result<(), Refusal> {
    if records.is_empty() {
        return Ok(());
    }
    let now = jiff::Timestamp::now();
    let mut key = now.as_microsecond().to_be_bytes().to_vec();
    key.extend_from_slice(nonce().as_bytes());
    let value = serde_json::to_vec(records).unwrap_or_default();
    gate.keep_row(EXCHANGED, &key, Some(&value), now)
}
