//! An operator puts a search parameter of her own into use, with the node stopped and while it runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

mod common;

use common::{good, tejido, text, told};
use tejido::{Config, house, node};

const FOLIO: &str = r#"{"resourceType":"SearchParameter","id":"folio","url":"urn:folio","name":"Folio","status":"active","description":"Local folio","code":"folio","base":["Condition"],"type":"string","expression":"Condition.note.text"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_put_into_use_and_taken_out_by_the_operator() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("node");
    let conditions: String = (0..200)
        .map(|n| {
            format!("{{\"resourceType\":\"Condition\",\"id\":\"c{n}\",\"subject\":{{\"reference\":\"Patient/p\"}},\"note\":[{{\"text\":\"A-{n}\"}}]}}\n")
        })
        .collect();
    let wrong = FOLIO
        .replace("\"folio\"", "\"wrong\"")
        .replace("note.text", "note.first(");
    for (file, lines) in [
        ("Condition.ndjson", conditions),
        ("SearchParameter.ndjson", format!("{FOLIO}\n{wrong}\n")),
    ] {
        let file = root.path().join(file);
        std::fs::write(&file, lines).unwrap();
        good(&["import", text(&file), "--data", text(&dir)]);
    }
    let toml = dir.join("node.toml");
    let parameter = |what: &[&str]| {
        let args = [&["parameter"][..], what, &["--config", text(&toml)]].concat();
        tejido(&args)
    };
    let none = parameter(&["list"]);
    assert!(
        told(&none).contains("No search parameter is loaded"),
        "{}",
        told(&none)
    );
    let refused = parameter(&["activate", "wrong"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told(&refused).contains("SearchParameter.expression"),
        "{}",
        told(&refused)
    );
    let refused = parameter(&["activate", "nothing"]);
    assert!(told(&refused).contains("is not here"), "{}", told(&refused));
    let done = parameter(&["activate", "folio", "--wait"]);
    assert!(told(&done).contains("folio  urn:folio"), "{}", told(&done));
    assert!(told(&done).contains("ready"), "{}", told(&done));
    let sound = good(&["fsck", "--config", text(&toml)]);
    assert!(sound.contains("Findings: 0."), "{sound}");

    let (mut config, _) = house::alone(&dir).unwrap();
    for listen in [&mut config.public.listen, &mut config.node.listen] {
        *listen = "127.0.0.1:0".into();
    }
    let running = node::start(config, Vec::new()).await.unwrap();
    let asked = tokio::task::spawn_blocking({
        let toml = toml.clone();
        move || {
            let at = ["--config", text(&toml)];
            let listed = good(&[&["parameter", "list"][..], &at].concat());
            let gone = good(&[&["parameter", "deactivate", "folio", "--wait"][..], &at].concat());
            (listed, gone)
        }
    });
    let (listed, gone) = asked.await.unwrap();
    assert!(listed.contains("ready"), "{listed}");
    assert!(gone.contains("No search parameter is loaded"), "{gone}");
    running.stop().await;
    let sound = good(&["fsck", "--config", text(&toml)]);
    assert!(sound.contains("Findings: 0."), "{sound}");
    assert!(Config::read(&toml).is_ok());
}
