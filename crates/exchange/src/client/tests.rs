//! Members that lie, with the right certificate in hand: the message's own signature is what counts.

use super::*;
use crate::common::*;
use crate::message::path;
use tokio::net::TcpListener;

/// Makes an answer out of the liar's gate and the request's signature.
type Lie = fn(&Gate, &str) -> http::Response<Full<Bytes>>;

fn client(node: &Node) -> Client {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    Client::new(
        node.gate.clone(),
        Own::issue(&node.id, &node.seed, today).unwrap(),
    )
}

/// How many acts a node's log holds.
fn leaves(node: &Node) -> u64 {
    let checkpoint = String::from_utf8(node.gate.log_file("checkpoint").unwrap()).unwrap();
    checkpoint.lines().nth(1).unwrap().parse().unwrap()
}

/// Sends exactly this request and gives back the status.
async fn send(client: &Client, to: &Node, request: http::Request<Full<Bytes>>) -> u16 {
    let pact = client.gate.pact();
    let mut connection = client
        .connect(pact.member(&to.id).unwrap(), pact.version)
        .await
        .unwrap();
    connection
        .send_request(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

/// A member with its true certificate whose answers are made by `lie`.
fn listen_lying(node: &Node, listener: TcpListener, lie: Lie) {
    let own = client(node).own;
    let gate = node.gate.clone();
    tokio::spawn(async move {
        let acceptor =
            tokio_rustls::TlsAcceptor::from(Arc::new(tls::server(&own, &gate.pact()).unwrap()));
        while let Ok((tcp, _)) = listener.accept().await {
            let tls = acceptor.accept(tcp).await.unwrap();
            let gate = gate.clone();
            let service =
                hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let asked = header(request.headers(), "signature").unwrap().to_owned();
                    let gate = gate.clone();
                    async move { Ok::<_, std::convert::Infallible>(lie(&gate, &asked)) }
                });
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http.serve_connection(TokioIo::new(tls), service));
        }
    });
}

/// An answer whose signature is over `signed_asked` and `signed_body`, sent with `body`.
fn response(
    gate: &Gate,
    signed_asked: &str,
    signed_body: &[u8],
    body: &'static [u8],
    created: i64,
) -> http::Response<Full<Bytes>> {
    let digest = content_digest(signed_body);
    let parameters = Parameters {
        created,
        keyid: gate.member(),
        nonce: nonce(),
    };
    let signature = gate.sign(answer_base(200, &digest, signed_asked, &parameters).as_bytes());
    http::Response::builder()
        .header("content-digest", content_digest(body))
        .header("signature-input", parameters.answer_input())
        .header("signature", signature_header(&signature))
        .body(Full::new(Bytes::from_static(body)))
        .unwrap()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

async fn asked_of_a_liar(lie: Lie) -> Result<Verified, Failure> {
    let (listeners, addresses) = listeners().await;
    let pact = signed(&pact(&addresses), 4);
    let (asker, liar) = (node(0, &pact), node(1, &pact));
    listen_lying(&liar, listeners.into_iter().nth(1).unwrap(), lie);
    client(&asker)
        .post(&liar.id, path::ASK, b"{}".to_vec())
        .await
}

#[tokio::test]
async fn a_true_answer_is_taken() {
    assert!(
        asked_of_a_liar(|gate, asked| response(gate, asked, b"yes", b"yes", now()))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn answers_that_were_changed_moved_kept_or_not_signed_are_thrown_away() {
    let lies: [Lie; 5] = [
        |gate, asked| response(gate, asked, b"yes", b"no!", now()),
        |gate, _| response(gate, "tejido=:AAAA:", b"yes", b"yes", now()),
        |gate, asked| response(gate, asked, b"yes", b"yes", now() - FRESH_SECONDS - 5),
        |_, _| http::Response::new(Full::new(Bytes::from_static(b"yes"))),
        |gate, asked| {
            let mut answer = response(gate, asked, b"yes", b"yes", now());
            *answer.status_mut() = http::StatusCode::FORBIDDEN;
            answer
        },
    ];
    for (i, lie) in lies.into_iter().enumerate() {
        assert!(
            matches!(asked_of_a_liar(lie).await, Err(Failure::Forged)),
            "lie {i}"
        );
    }
}

#[tokio::test]
async fn requests_that_were_changed_repeated_or_meant_for_another_are_refused() {
    let nodes = network().await;
    let (asker, asked, other) = (&nodes[0], &nodes[1], &nodes[2]);
    let client = client(asker);
    let body = Bytes::from_static(b"{}");
    let good = client.sign(&asked.id, path::LOG, &body, 1);
    assert_eq!(
        send(&client, asked, good.request(body.clone())).await,
        400,
        "understood as ours, and nonsense"
    );
    assert_eq!(
        send(&client, asked, good.request(body.clone())).await,
        403,
        "a second time"
    );

    let before = leaves(asked);
    let changed = client.sign(&asked.id, path::LOG, &body, 1);
    assert_eq!(
        send(&client, asked, changed.request(Bytes::from_static(b"[]"))).await,
        403,
        "another body"
    );
    assert_eq!(leaves(asked), before + 1, "and it is an act");

    let moved = Asked {
        path: path::OPINE.into(),
        ..client.sign(&asked.id, path::LOG, &body, 1)
    };
    assert_eq!(
        send(&client, asked, moved.request(body.clone())).await,
        403,
        "another path"
    );

    let elsewhere = client.sign(&other.id, path::LOG, &body, 1);
    assert_eq!(
        send(&client, asked, elsewhere.request(body.clone())).await,
        403,
        "meant for another member"
    );

    let borrowed = super::tests::client(other).sign(&asked.id, path::LOG, &body, 1);
    assert_eq!(
        send(&client, asked, borrowed.request(body)).await,
        403,
        "another member's signature"
    );
}

#[tokio::test]
async fn a_start_forgets_no_message_that_would_still_be_fresh() {
    let nodes = network().await;
    let (asker, asked) = (&nodes[0], &nodes[1]);
    let client = client(asker);
    let body = Bytes::from_static(b"{}");
    let message = client.sign(&asked.id, path::LOG, &body, 1);
    assert_eq!(
        send(&client, asked, message.request(body.clone())).await,
        400
    );
    // The same archive, served anew.
    let again = crate::Network::new(crate::Setup {
        gate: asked.gate.clone(),
        key: asked.seed,
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut member = client.gate.pact().member(&asked.id).unwrap().clone();
    member.address = listener.local_addr().unwrap().to_string();
    tokio::spawn(again.serve(listener, std::future::pending()));
    let mut connection = client.connect(&member, 1).await.unwrap();
    let mut status = async |message: &super::Asked| {
        let answer = connection.send_request(message.request(body.clone())).await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!(status(&message).await, 403, "heard before the start");
    let new = client.sign(&asked.id, path::LOG, &body, 1);
    assert_eq!(status(&new).await, 400);
}

#[tokio::test]
async fn a_member_cannot_speak_for_anothers_doctor() {
    let nodes = network().await;
    remember(&nodes[1], "Diabetes");
    let doctor = doctor(&nodes[2].id);
    let evidence = vec![
        nodes[2]
            .gate
            .check_in(&doctor, CURP, jiff::Timestamp::now())
            .unwrap(),
    ];
    let request = summary(doctor, trust::Purpose::Treatment);
    let ask = crate::message::Ask::of(&request, nodes[0].gate.tag(CURP), evidence, None);
    let refused = client(&nodes[0])
        .post(&nodes[1].id, path::ASK, serde_json::to_vec(&ask).unwrap())
        .await;
    assert!(matches!(refused, Err(Failure::Refused(r)) if r.kind == trust::RefusalKind::Forged));
}

#[tokio::test]
async fn who_is_no_member_does_not_get_past_the_handshake() {
    let nodes = network().await;
    let stranger = Own::issue(&nodes[0].id, &[77; 32], jiff::civil::date(2026, 1, 1)).unwrap();
    let client = Client::new(nodes[0].gate.clone(), stranger);
    let answer = client.post(&nodes[1].id, path::LOG, b"{}".to_vec()).await;
    assert!(matches!(answer, Err(Failure::Unreachable(_))));
}

#[tokio::test]
async fn a_member_says_for_itself_alone_that_all_is_said() {
    let nodes = network().await;
    let (from, to) = (&nodes[0], &nodes[1]);
    let now = jiff::Timestamp::now();
    let body = serde_json::to_vec(&now).unwrap();
    let answer = client(from).post(&to.id, path::SAID, body).await;
    assert!(answer.is_ok());
    // It is kept under the name of whoever signed the message.
    let nonsense = client(from).post(&to.id, path::SAID, b"{}".to_vec()).await;
    assert!(matches!(nonsense, Err(Failure::Refused(_))));
}
