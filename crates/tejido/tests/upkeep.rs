//! An operator looks through the archive, erases a person, and changes the keys.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

mod common;

use common::{good, tejido, text, told};
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use tejido::{Config, house, node};
use trust::{ActView, Actor, Gate, Grant, PersonRef, Purpose, Request, Role, What};

const SHE: &str = "HEGG560427MVZRRL04";
const OTHER: &str = "BADD110313HCMLNS09";

fn bad(args: &[&str], expected: &str) {
    let output = tejido(args);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains(expected), "{}", told(&output));
}

/// A node that is a network by itself, with two people: its configuration.
fn loaded(root: &Path) -> PathBuf {
    let person = |id: &str, curp: &str| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"identifier\":[{{\"system\":\"urn:oid:2.16.840.1.113883.4.629\",\"value\":\"{curp}\"}}]}}\n"
        )
    };
    let condition = |id: &str, of: &str| {
        format!(
            "{{\"resourceType\":\"Condition\",\"id\":\"{id}\",\"subject\":{{\"reference\":\"Patient/{of}\"}}}}\n"
        )
    };
    let people = [person("her", SHE), person("other", OTHER)].concat();
    let conditions = [condition("c1", "her"), condition("c2", "other")].concat();
    std::fs::write(root.join("Patient.ndjson"), people).unwrap();
    std::fs::write(root.join("Condition.ndjson"), conditions).unwrap();
    let node = root.join("node");
    for file in ["Patient.ndjson", "Condition.ndjson"] {
        good(&["import", text(&root.join(file)), "--data", text(&node)]);
    }
    node.join("node.toml")
}

fn open(toml: &Path) -> Gate {
    house::open(&Config::read(toml).unwrap()).unwrap().gate
}

fn log_of(gate: &Gate, curp: &str) -> (Grant, Vec<ActView>) {
    let request = Request {
        actor: Actor {
            id: "ella".into(),
            name: "Ella".into(),
            member: gate.member(),
            role: Role::Patient,
            licence: None,
            curp: Some(curp.into()),
            helper: None,
            delegator: None,
        },
        purpose: Purpose::OwnRequest,
        person: PersonRef::Curp(curp.into()),
        verbs: store::Verbs::READING,
        types: None,
        evidence: vec![],
        via: None,
        word: None,
        what: What::Log,
    };
    let grant = gate.decide(request, Timestamp::now()).unwrap();
    let acts = gate.acts(&grant, None, 50, Timestamp::now()).unwrap();
    (grant, acts)
}

fn clean(toml: &Path) -> String {
    let said = good(&["fsck", "--config", text(toml)]);
    assert!(said.contains("Findings: 0."), "{said}");
    said
}

#[test]
fn after_one_person_is_erased_all_is_well_and_the_others_receipts_hold() {
    let root = tempfile::tempdir().unwrap();
    let toml = loaded(root.path());
    assert!(clean(&toml).contains("4 versions"));
    let receipt = root.path().join("receipt.tlog-proof");
    {
        let gate = open(&toml);
        let (grant, acts) = log_of(&gate, OTHER);
        std::fs::write(
            &receipt,
            gate.receipt(&grant, &acts[0].id, Timestamp::now()).unwrap(),
        )
        .unwrap();
    }
    let pact = toml.with_file_name("pact");
    let holds = || good(&["verify", text(&receipt), "--pact", text(&pact)]);
    holds();

    let erase = |curp: &'static str| {
        let reason = "Solicitud 7/2026";
        vec![
            "erase",
            "--config",
            text(&toml),
            "--curp",
            curp,
            "--reason",
            reason,
        ]
    };
    bad(&erase(SHE), "Say --yes");
    let yes = [erase(SHE), vec!["--yes"]].concat();
    let said = good(&yes);
    assert!(
        said.contains("Erased: 2 resources with 2 versions"),
        "{said}"
    );
    bad(&yes, "Nothing is known here of that person");

    assert!(clean(&toml).contains("2 versions"));
    holds();
    let gate = open(&toml);
    let (_, hers) = log_of(&gate, SHE);
    assert!(
        matches!(&hers[0].what, What::Erasure(why) if why.starts_with("Solicitud 7/2026")),
        "{hers:?}"
    );
    let (grant, acts) = log_of(&gate, OTHER);
    let imported = acts.iter().find(|act| matches!(act.what, What::Import(_)));
    assert!(
        gate.receipt(&grant, &imported.unwrap().id, Timestamp::now())
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_erases_through_its_own_socket_and_is_not_looked_through() {
    let root = tempfile::tempdir().unwrap();
    let toml = loaded(root.path());
    let mut config = Config::read(&toml).unwrap();
    config.public.listen = "127.0.0.1:0".into();
    config.node.listen = "127.0.0.1:0".into();
    let running = node::start(config, vec![]).await.unwrap();
    let typed = toml.clone();
    tokio::task::spawn_blocking(move || {
        let toml = text(&typed);
        let locked = "another process has this archive open";
        bad(&["fsck", "--config", toml], locked);
        bad(&["key", "rotate", "--config", toml], locked);
        let her = ["erase", "--config", toml, "--patient", "her", "--yes"];
        bad(
            &[her.as_slice(), &["--reason", "de her"]].concat(),
            "must not say who she is",
        );
        let said = good(&[her.as_slice(), &["--reason", "Solicitud 8/2026"]].concat());
        assert!(said.contains("Erased: 2 resources"), "{said}");
    })
    .await
    .unwrap();
    running.stop().await;
    // What its tasks still held is let go a moment later.
    for _ in 0..100 {
        let said = told(&tejido(&["fsck", "--config", text(&toml)]));
        if !said.contains("another process has this archive open") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    clean(&toml);
}

#[cfg(unix)]
#[test]
fn keys_are_changed_and_a_key_that_others_can_read_opens_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let toml = loaded(root.path());
    let key = toml.with_file_name("master.key");
    let next = toml.with_file_name("master.key.new");
    let rotate = ["key", "rotate", "--config", text(&toml)];
    let mode = || std::fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let old = std::fs::read(&key).unwrap();

    good(&rotate);
    let new = std::fs::read(&key).unwrap();
    assert!(new != old && !next.exists());
    assert_eq!(mode(), 0o600);
    clean(&toml);

    // Cut off after the keyring was locked anew, before the new key had its place.
    std::fs::rename(&key, &next).unwrap();
    store::FileKey::create(&key).unwrap();
    bad(
        &["fsck", "--config", text(&toml)],
        "finish it with `tejido key rotate`",
    );
    good(&rotate);
    assert_eq!(std::fs::read(&key).unwrap(), new);
    clean(&toml);

    // Cut off before: the new key is there, and nothing is under it yet.
    store::FileKey::create(&next).unwrap();
    let waiting = std::fs::read(&next).unwrap();
    good(&rotate);
    assert_eq!(std::fs::read(&key).unwrap(), waiting);
    clean(&toml);

    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o640)).unwrap();
    bad(&["fsck", "--config", text(&toml)], "chmod 600");
    std::fs::remove_file(&key).unwrap();
    bad(
        &["fsck", "--config", text(&toml)],
        "the master key ([store] master_key) is not there",
    );
    assert!(!key.exists());
}

#[test]
fn without_the_setting_the_key_is_in_the_archives_folder() {
    let root = tempfile::tempdir().unwrap();
    let toml = loaded(root.path());
    let key = toml.with_file_name("master.key");
    let inside = toml.with_file_name("data").join("keys/master.key");
    let without: String = std::fs::read_to_string(&toml)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with("master_key"))
        .flat_map(|line| [line, "\n"])
        .collect();
    std::fs::rename(&key, &inside).unwrap();
    bad(&["fsck", "--config", text(&toml)], "move ");
    std::fs::write(&toml, without).unwrap();
    clean(&toml);
    good(&["key", "rotate", "--config", text(&toml)]);
    clean(&toml);
}
