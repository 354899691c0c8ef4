//! One real connection.

use crate::house::House;
use std::sync::Arc;
use tokio::sync::oneshot;
use tower::ServiceExt;
use trust::Role;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_speaks_https_and_the_server_ends_cleanly() {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let _ = provider.clone().install_default();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let house = House::new();
    let token = house.token(Role::System);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = house.router.clone();
    let answer = move |request| router.clone().oneshot(request);
    let served = tokio::spawn(api::serve(listener, answer, tls, async {
        let _ = stopped.await;
    }));
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([root])
        .build()
        .unwrap();
    let url = format!("https://localhost:{port}/fhir/Patient/her");
    let said = client.get(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(said.version(), http::Version::HTTP_2);
    assert_eq!(said.status(), 200);
    assert!(said.text().await.unwrap().contains("\"her\""));
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(client.get(&url).send().await.is_err());
}
