//! An archive is copied, lost, and made again as it was at a moment of the operator's choice.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test says what it expects.

use std::path::Path;
use std::process::Command;
use tejido::{Config, house, import};

fn tejido(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(args)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let remarks = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}{remarks}");
    told
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn load(root: &Path, node: &Path, id: &str) {
    let file = root.join(format!("{id}.ndjson"));
    let line = format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n");
    std::fs::write(&file, line).unwrap();
    tejido(&["import", text(&file), "--data", text(node)]);
}

fn holds(node: &Path, id: &str) -> bool {
    let gate = house::open(&Config::read(&node.join("node.toml")).unwrap())
        .unwrap()
        .gate;
    let of = fhir::ResourceType::from_name("Patient").unwrap();
    import::find(&gate, of, &format!("_id={id}"))
        .unwrap()
        .is_some()
}

#[test]
fn a_lost_archive_comes_back_as_it_was_at_a_moment() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let (node, copy) = (root.join("node"), root.join("copy"));
    load(root, &node, "before");
    let config = node.join("node.toml");
    tejido(&["backup", "--config", text(&config), "--to", text(&copy)]);
    let moment = jiff::Timestamp::now().to_string();
    load(root, &node, "after");
    let told = tejido(&["backup", "--config", text(&config), "--to", text(&copy)]);
    assert!(told.contains("The keyring is not in it"), "{told}");
    let told = tejido(&["restore", "--from", text(&copy), "--check"]);
    assert!(told.contains("Every byte"), "{told}");

    for (name, until, after) in [
        ("early", Some(moment.as_str()), false),
        ("late", None, true),
    ] {
        let again = root.join(name);
        std::fs::create_dir(&again).unwrap();
        for entry in std::fs::read_dir(&node).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, again.join(path.file_name().unwrap())).unwrap();
            }
        }
        let (data, keys) = (again.join("data"), node.join("data/keys"));
        let mut args = vec!["restore", "--from", text(&copy), "--data", text(&data)];
        args.extend(["--keys", text(&keys)]);
        args.extend(until.iter().flat_map(|until| ["--until", until]));
        tejido(&args);
        assert!(holds(&again, "before"), "{name}");
        assert_eq!(holds(&again, "after"), after, "{name}");
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let (node, copy) = (root.join("node"), root.join("copy"));
    load(root, &node, "a");
    let config = node.join("node.toml");
    tejido(&["backup", "--config", text(&config), "--to", text(&copy)]);
    let facts = std::fs::read_dir(&copy)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|it| it == "facts"))
        .unwrap();
    let mut bytes = std::fs::read(&facts).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    std::fs::write(&facts, bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(["restore", "--from", text(&copy), "--check"])
        .output()
        .unwrap();
    assert!(!output.status.success());
}
