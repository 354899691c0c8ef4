//! From nothing to a network: two members make their folders, sign a pact, run, load, and are asked over HTTPS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tejido::{Config, import, init, keys, node, pact};

fn tejido(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(args)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn good(args: &[&str]) -> String {
    let output = tejido(args);
    assert!(output.status.success(), "{args:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Two folders, made as operators make them, with a pact that both signed.
fn two_nodes(root: &Path) -> [PathBuf; 2] {
    let dirs = ["imss", "farmacia"].map(|name| root.join(name));
    for (dir, port) in dirs.iter().zip([7001, 7002]) {
        let (id, address) = (
            dir.file_name().unwrap().to_str().unwrap(),
            format!("localhost:{port}"),
        );
        let public = format!("https://localhost:{}", port + 1000);
        good(&[
            "init",
            text(dir),
            "--member",
            id,
            "--name",
            id,
            "--kind",
            "clinic",
            "--address",
            &address,
            "--public",
            &public,
        ]);
    }
    let (pact, secret) = (root.join("pact"), root.join("secret"));
    let entries = dirs.each_ref().map(|dir| dir.join("member.toml"));
    good(&[
        "pact",
        "found",
        "--network",
        "Prueba",
        "--threshold",
        "2",
        "--out",
        text(&pact),
        "--secret",
        text(&secret),
        text(&entries[0]),
        text(&entries[1]),
    ]);
    for dir in &dirs {
        good(&[
            "pact",
            "sign",
            "--pact",
            text(&pact),
            "--key",
            text(&dir.join("node.key")),
        ]);
    }
    assert!(good(&["pact", "check", text(&pact)]).contains("version 1"));
    assert!(good(&["pact", "show", text(&pact)]).contains("A change needs 2 signatures of 2."));
    for dir in &dirs {
        std::fs::copy(&pact, dir.join("pact")).unwrap();
        std::fs::copy(&secret, dir.join("network.secret")).unwrap();
    }
    dirs
}

/// The configuration on any free ports.
fn config(dir: &Path) -> Config {
    let mut config = Config::read(&dir.join("node.toml")).unwrap();
    config.public.listen = "127.0.0.1:0".into();
    config.node.listen = "127.0.0.1:0".into();
    config
}

fn browser(dir: &Path) -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let own = std::fs::read(dir.join("https.crt")).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&own).unwrap()])
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_found_a_network_load_and_are_asked() {
    let root = tempfile::tempdir().unwrap();
    let [imss, farmacia] = two_nodes(root.path());

    let lines = "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\"}\n{\"resourceType\":\"Patient\",\"gender\":\"x\"}\n";
    let file = root.path().join("Patient.ndjson");
    std::fs::write(&file, lines).unwrap();
    let (toml, report) = (imss.join("node.toml"), root.path().join("report"));
    let loaded = tejido(&[
        "import",
        text(&file),
        "--config",
        text(&toml),
        "--report",
        text(&report),
    ]);
    assert_eq!(loaded.status.code(), Some(3), "{}", told(&loaded));
    assert!(
        std::fs::read_to_string(&report)
            .unwrap()
            .contains("\"line\":3")
    );

    let first = node::start(config(&imss), vec![]).await.unwrap();
    let second = node::start(config(&farmacia), vec![]).await.unwrap();
    let client = browser(&imss);
    let base = format!("https://localhost:{}", first.public.port());

    let pages = client.get(&base).send().await.unwrap();
    assert!(pages.status().is_success() || pages.status().is_redirection());
    let capability = client
        .get(format!("{base}/fhir/metadata"))
        .send()
        .await
        .unwrap();
    assert!(
        capability
            .text()
            .await
            .unwrap()
            .contains("CapabilityStatement")
    );
    let refused = client
        .get(format!("{base}/fhir/Patient/a"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);

    // The archive is locked: accounts and tokens go through the running node, an import is told why not.
    let toml_text = text(&toml).to_owned();
    let token = tokio::task::spawn_blocking(move || {
        let made = good(&[
            "account", "add", "--config", &toml_text, "--login", "his", "--role", "system",
            "--name", "HIS",
        ]);
        assert_eq!(made.trim().len(), 23);
        let locked = tejido(&["import", "--config", &toml_text, &toml_text]);
        assert_eq!(locked.status.code(), Some(1));
        assert!(
            told(&locked).contains("another process has this archive open"),
            "{}",
            told(&locked)
        );
        good(&[
            "token", "--config", &toml_text, "--login", "his", "--hours", "1",
        ])
    })
    .await
    .unwrap();
    let found = client
        .get(format!("{base}/fhir/Patient/a"))
        .bearer_auth(token.trim())
        .send()
        .await
        .unwrap();
    assert_eq!(found.status(), 200);
    assert!(found.text().await.unwrap().contains("\"id\":\"a\""));

    first.stop().await;
    second.stop().await;
    // Stopped means free: the same folder opens again.
    let again = node::start(config(&imss), vec![]).await.unwrap();
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_said_with_what_to_do() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("imss");
    good(&[
        "init",
        text(&dir),
        "--member",
        "imss",
        "--name",
        "IMSS",
        "--kind",
        "public-institution",
        "--address",
        "localhost:7001",
        "--public",
        "https://localhost:8001",
    ]);
    let fails = async |expected: &str| {
        let error = node::start(config(&dir), vec![])
            .await
            .err()
            .expect("it must not start")
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    fails("whoever founded the network hands it to you").await;
    let secret = format!("{}\n", keys::hex(&[7; 32]));
    tejido::files::write_private(&dir.join("network.secret"), secret.as_bytes()).unwrap();
    fails("the pact is missing").await;
    let member: trust::Member =
        toml::from_str(&std::fs::read_to_string(dir.join("member.toml")).unwrap()).unwrap();
    let alone = pact::founding("Prueba", 1, vec![member]);
    std::fs::write(dir.join("pact"), alone.text()).unwrap();
    fails("nobody has signed this pact yet").await;
    let (key, _) = keys::read(&dir.join("node.key")).unwrap();
    std::fs::write(dir.join("pact"), pact::signed(&alone, &[key]).unwrap()).unwrap();

    let running = node::start(config(&dir), vec![]).await.unwrap();
    fails("another process has this archive open").await;
    let taken = Config {
        public: tejido::PublicDoor {
            listen: running.public.to_string(),
            ..config(&dir).public
        },
        ..config(&dir)
    };
    let error = node::start(taken, vec![])
        .await
        .err()
        .expect("the port is taken")
        .to_string();
    assert!(error.contains("another program uses this port"), "{error}");
    running.stop().await;

    std::fs::remove_file(dir.join("node.key")).unwrap();
    fails("node.key").await;
    let again = init::create(
        &dir,
        &init::NewNode {
            member: trust::MemberId("imss".into()),
            name: "IMSS".into(),
            kind: trust::MemberKind::Clinic,
            address: "localhost:7001".into(),
            public: "https://localhost:8001".into(),
            certificate: None,
        },
    );
    assert!(again.is_err(), "a folder with a node is left alone");
}

#[test]
fn a_summary_without_refusals_is_clean() {
    assert!(import::Summary::default().is_clean());
}
