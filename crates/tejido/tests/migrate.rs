//! A node's archive moves to PostgreSQL and back; its log verifies at every place, and receipts hold.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../store/tests/common/server.rs"]
mod server;

use server::Database;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tejido::{Config, house, verify};
use trust::{Gate, Lang};

fn tejido(args: &[&str]) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(args)
        .output()
        .unwrap();
    let said = [out.stdout, out.stderr].concat();
    (
        out.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Some Bundles, each acknowledged.
fn load(dir: &str) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(["write-load", "--data", dir, "--from", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(25).map_while(Result::ok).count(), 25);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn gate(config: &Path) -> Gate {
    house::open(&Config::read(config).unwrap()).unwrap().gate
}

/// Size and root of the log, every leaf of it checked, and a receipt for each of its first acts.
fn log(gate: &Gate) -> (u64, [u8; 32], Vec<String>) {
    let pact = gate.pact();
    let key = pact.member(&gate.member()).unwrap().key.parse().unwrap();
    let get = |row: &[u8]| gate.store().witnessed(row).unwrap();
    let head = ledger::audit::audit(&key, &get).unwrap().unwrap();
    let receipts = (0..20)
        .map(|place| {
            ledger::Receipt::issue(place, None, &get)
                .unwrap()
                .to_string()
        })
        .collect();
    (head.size, head.root, receipts)
}

fn hold(gate: &Gate, receipts: &[String]) {
    let pact = gate.pact();
    let keys = verify::keys(&[pact.member(&gate.member()).unwrap().key.clone()]).unwrap();
    for receipt in receipts {
        let (good, said) = verify::judge(receipt, &keys, Lang::En);
        assert!(good, "{said:?}");
    }
}

#[test]
fn to_postgres_and_back_into_a_folder_with_the_log_whole_at_every_place() {
    let Some(database) = Database::new() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    load(dir.to_str().unwrap());
    let config = dir.join("node.toml");
    let (size, root, receipts) = log(&gate(&config));

    let text = std::fs::read_to_string(&config).unwrap();
    let address = toml::Value::from(database.address.as_str());
    let with = format!("engine = \"embedded\"\npostgres = {address}");
    let text = text.replacen("engine = \"embedded\"", &with, 1);
    std::fs::write(&config, &text).unwrap();
    let at = config.to_str().unwrap();
    let (good, said) = tejido(&["migrate-store", "--config", at, "--to", "postgres"]);
    assert!(good && said.contains("every one checked"), "{said}");

    let Err(refused) = house::open(&Config::read(&config).unwrap()) else {
        panic!("the old archive is open");
    };
    assert!(
        refused
            .to_string()
            .contains("was moved to the PostgreSQL database"),
        "{refused}"
    );
    let text = text.replacen("engine = \"embedded\"", "engine = \"postgres\"", 1);
    std::fs::write(&config, &text).unwrap();
    {
        let gate = gate(&config);
        assert_eq!(log(&gate), (size, root, receipts.clone()));
        hold(&gate, &receipts);
    }

    let back = folder.path().join("back");
    let (good, said) = tejido(&[
        "migrate-store",
        "--config",
        at,
        "--to",
        "embedded",
        "--data",
        back.to_str().unwrap(),
    ]);
    assert!(good, "{said}");
    let data = toml::Value::from(back.to_str().unwrap());
    let text = text
        .replacen("engine = \"postgres\"", "engine = \"embedded\"", 1)
        .replacen("data = \"data\"", &format!("data = {data}"), 1);
    std::fs::write(&config, &text).unwrap();
    let gate = gate(&config);
    assert_eq!(log(&gate), (size, root, receipts.clone()));
    hold(&gate, &receipts);
}

#[test]
fn a_password_in_the_configuration_is_refused_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    house::alone(&dir).unwrap();
    let config = dir.join("node.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let with = "engine = \"postgres\"\npostgres = \"postgresql://t:verysecret@127.0.0.1:1/t\"";
    let text = text
        .replacen("engine = \"embedded\"", with, 1)
        .replace("0.0.0.0:8443", "127.0.0.1:0");
    std::fs::write(&config, text).unwrap();
    let (good, said) = tejido(&["serve", "--config", config.to_str().unwrap()]);
    assert!(!good && said.contains("holds a password"), "{said}");
    assert!(!said.contains("verysecret"), "{said}");
}
