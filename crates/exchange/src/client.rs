//! Calling one member: a connection that is kept, a signed request, a verified answer, all before a deadline.

use crate::message::{ANSWER_BYTES, RefusalMessage, path};
use crate::signature::{
    FRESH_SECONDS, Parameters, RequestHead, answer_base, content_digest, parse_signature,
    request_base, signature_header,
};
use crate::tls::{self, Own};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_rustls::TlsConnector;
use trust::{Gate, Member, MemberId, Refusal};

/// Why a member gave no answer that counts.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It refused.
    Refused(Refusal),
    /// It could not be reached, or broke off.
    Unreachable(String),
    /// What came is not signed as it must be, or makes no sense.
    Forged,
    /// It stands on this other version of the pact, and could not be brought together with ours.
    OtherPact(u64),
}

/// A verified answer, and what proves it.
pub(crate) struct Verified {
    pub(crate) body: Bytes,
    /// What to keep: both signatures and their inputs; with the bytes they prove question and answer.
    pub(crate) evidence: Exchanged,
}

/// The record of one question and its answer, for whoever must later prove them. Bodies stay where they belong: the
/// digests stand for them.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Exchanged {
    pub(crate) member: MemberId,
    pub(crate) asked: bool,
    pub(crate) path: String,
    pub(crate) pact: u64,
    pub(crate) request_digest: String,
    pub(crate) request_input: String,
    pub(crate) request_signature: String,
    pub(crate) status: u16,
    pub(crate) answer_digest: String,
    pub(crate) answer_input: String,
    pub(crate) answer_signature: String,
}

type Connection = SendRequest<Full<Bytes>>;

/// Connections to all members. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    gate: Gate,
    own: Own,
    /// By member and pact version: a new pact means new roots of trust.
    open: Arc<Mutex<HashMap<(MemberId, u64), Connection>>>,
}

impl Client {
    pub(crate) fn new(gate: Gate, own: Own) -> Client {
        Client {
            gate,
            own,
            open: Arc::default(),
        }
    }

    /// Sends a message and verifies the answer. A difference in pact versions is settled once: the older side takes the
    /// newer pact if its own rules allow. The caller sets the deadline around this.
    pub(crate) async fn post(
        &self,
        to: &MemberId,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Verified, Failure> {
        let body = Bytes::from(body);
        match self.once(to, path, body.clone()).await? {
            Ok(verified) => Ok(verified),
            Err(their) => {
                self.settle(to, their).await?;
                self.once(to, path, body)
                    .await?
                    .map_err(|their| Failure::OtherPact(their.version))
            }
        }
    }

    /// Brings two pact versions together.
    async fn settle(&self, to: &MemberId, their: OtherPact) -> Result<(), Failure> {
        let ours = self.gate.pact().version;
        if their.version < ours {
            let text = self.gate.signed_pact().into_bytes();
            return match self.once(to, path::PACT, Bytes::from(text)).await? {
                Ok(_) => Ok(()),
                Err(_) => Err(Failure::OtherPact(their.version)),
            };
        }
        let gate = self.gate.clone();
        let adopted =
            tokio::task::spawn_blocking(move || gate.adopt(&their.signed, jiff::Timestamp::now()))
                .await;
        match adopted {
            Ok(Ok(())) => Ok(()),
            _ => Err(Failure::OtherPact(their.version)),
        }
    }

    async fn once(
        &self,
        to: &MemberId,
        path: &str,
        body: Bytes,
    ) -> Result<Result<Verified, OtherPact>, Failure> {
        let pact = self.gate.pact();
        let member = pact
            .member(to)
            .ok_or_else(|| Failure::Unreachable("not a member of the pact".into()))?;
        // A kept connection may have been closed meanwhile: then the question is asked once more on a new one, under a
        // new nonce, since the other side may have seen the first.
        let (kept, mut connection) = match self.kept(to, pact.version) {
            Some(connection) => (true, connection),
            None => (false, self.connect(member, pact.version).await?),
        };
        let mut asked = self.sign(to, path, &body, pact.version);
        let answer = match connection.send_request(asked.request(body.clone())).await {
            Ok(answer) => answer,
            Err(_) if kept => {
                let mut connection = self.connect(member, pact.version).await?;
                asked = self.sign(to, path, &body, pact.version);
                connection
                    .send_request(asked.request(body))
                    .await
                    .map_err(unreachable)?
            }
            Err(error) => return Err(unreachable(error)),
        };
        let (head, incoming) = answer.into_parts();
        let body = Limited::new(incoming, ANSWER_BYTES)
            .collect()
            .await
            .map_err(unreachable)?
            .to_bytes();
        let evidence = self
            .verify(to, &asked, &head, &body)
            .ok_or(Failure::Forged)?;
        match head.status.as_u16() {
            200 => Ok(Ok(Verified { body, evidence })),
            409 => {
                let version = header(&head.headers, "tejido-pact")
                    .and_then(|v| v.parse().ok())
                    .ok_or(Failure::Forged)?;
                Ok(Err(OtherPact {
                    version,
                    signed: String::from_utf8_lossy(&body).into_owned(),
                }))
            }
            _ => Err(match serde_json::from_slice::<RefusalMessage>(&body) {
                Ok(refusal) => Failure::Refused(refusal.into()),
                Err(_) => Failure::Forged,
            }),
        }
    }

    fn kept(&self, to: &MemberId, version: u64) -> Option<Connection> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, v), connection| *v == version && !connection.is_closed());
        open.get(&(to.clone(), version)).cloned()
    }

    async fn connect(&self, member: &Member, version: u64) -> Result<Connection, Failure> {
        let (config, name) = tls::client(&self.own, member).map_err(Failure::Unreachable)?;
        let tcp = tokio::net::TcpStream::connect(&member.address)
            .await
            .map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        let tls = TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
            .map_err(unreachable)?;
        let (connection, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls))
                .await
                .map_err(unreachable)?;
        tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "connection to a member ended");
            }
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert((member.id.clone(), version), connection.clone());
        Ok(connection)
    }

    fn sign(&self, to: &MemberId, path: &str, body: &[u8], pact: u64) -> Asked {
        let parameters = Parameters {
            created: jiff::Timestamp::now().as_second(),
            keyid: self.gate.member(),
            nonce: nonce(),
        };
        let digest = content_digest(body);
        let head = RequestHead {
            path,
            digest: &digest,
            to: &to.0,
            pact,
        };
        let signature =
            signature_header(&self.gate.sign(request_base(&head, &parameters).as_bytes()));
        Asked {
            path: path.to_owned(),
            to: to.clone(),
            pact,
            digest,
            input: parameters.request_input(),
            signature,
        }
    }

    /// The record of the exchange if the answer is signed by that member, for this request, just now.
    fn verify(
        &self,
        to: &MemberId,
        asked: &Asked,
        head: &http::response::Parts,
        body: &[u8],
    ) -> Option<Exchanged> {
        let digest = content_digest(body);
        let input = header(&head.headers, "signature-input")?;
        let parameters = Parameters::parse_answer(input)?;
        let signature = header(&head.headers, "signature")?;
        let base = answer_base(head.status.as_u16(), &digest, &asked.signature, &parameters);
        let fresh =
            (jiff::Timestamp::now().as_second() - parameters.created).abs() <= FRESH_SECONDS;
        let signed = self
            .gate
            .verify(to, base.as_bytes(), &parse_signature(signature)?);
        (fresh
            && signed
            && parameters.keyid == *to
            && header(&head.headers, "content-digest")? == digest)
            .then(|| Exchanged {
                member: to.clone(),
                asked: true,
                path: asked.path.clone(),
                pact: asked.pact,
                request_digest: asked.digest.clone(),
                request_input: asked.input.clone(),
                request_signature: asked.signature.clone(),
                status: head.status.as_u16(),
                answer_digest: digest,
                answer_input: input.to_owned(),
                answer_signature: signature.to_owned(),
            })
    }
}

/// The pact another member stands on.
struct OtherPact {
    version: u64,
    signed: String,
}

/// A signed request.
struct Asked {
    path: String,
    to: MemberId,
    pact: u64,
    digest: String,
    input: String,
    signature: String,
}

impl Asked {
    fn request(&self, body: Bytes) -> http::Request<Full<Bytes>> {
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        if let Ok(uri) = format!("https://{}{}", tls::dns_name(&self.to), self.path).parse() {
            *request.uri_mut() = uri;
        }
        let pact = self.pact.to_string();
        let headers = [
            ("content-digest", self.digest.as_str()),
            ("tejido-to", self.to.0.as_str()),
            ("tejido-pact", pact.as_str()),
            ("signature-input", self.input.as_str()),
            ("signature", self.signature.as_str()),
        ];
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::from_str(value) {
                request.headers_mut().insert(name, value);
            }
        }
        request
    }
}

/// A header as text.
pub(crate) fn header<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// 128 random bits in hexadecimal.
pub(crate) fn nonce() -> String {
    let mut bytes = [0u8; 16];
    // The generator of aws-lc fails only when the operating system gives no randomness at start-up.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::error!("no randomness from the operating system");
    }
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests;

fn unreachable(error: impl std::fmt::Display) -> Failure {
    Failure::Unreachable(error.to_string())
}
