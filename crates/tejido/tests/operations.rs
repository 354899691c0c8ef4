//! The operator's door: what a monitor reads of a node that runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

use tejido::{OperationsDoor, house, node};

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_reads_figures_that_name_nobody() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("node");
    let (mut config, _) = house::alone(&dir).unwrap();
    for listen in [&mut config.public.listen, &mut config.node.listen] {
        *listen = "127.0.0.1:0".into();
    }
    config.operations = Some(OperationsDoor {
        listen: "127.0.0.1:0".into(),
    });
    let running = node::start(config, Vec::new()).await.unwrap();
    let door = format!("http://{}", running.operations.unwrap());

    let own = std::fs::read(dir.join("https.crt")).unwrap();
    let person = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&own).unwrap()])
        .build()
        .unwrap();
    let secret = "GOMC850101MDFXXX09";
    let asked = format!(
        "https://localhost:{}/fhir/Patient/{secret}",
        running.public.port()
    );
    assert_eq!(person.get(asked).send().await.unwrap().status(), 401);

    let get = async |path: &str| {
        let answer = person.get(format!("{door}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(get("/health/live").await.0, 200);
    assert_eq!(get("/health/ready").await.0, 200);
    let (status, figures) = get("/metrics").await;
    assert_eq!(status, 200);
    assert!(figures.contains(
        "tejido_http_requests_total{method=\"GET\",route=\"/fhir/{type}/{id}\",status=\"4xx\"} 1"
    ));
    assert!(figures.contains("tejido_http_request_duration_seconds_bucket"));
    assert!(figures.contains("tejido_archive_disk_bytes"));
    assert!(figures.contains("# TYPE tejido_search_parameter_done gauge"));
    assert!(figures.ends_with("# EOF\n"));
    assert!(!figures.contains(secret));
    running.stop().await;
}
