//! An independent judge: Go's own checksum-database packages read a log that we wrote.
//!
//! Needs Go, and its module cache or the network. Without them the test says that it was skipped; with
//! `TEJIDO_JUDGES=1` in the environment it must run.

#![allow(clippy::unwrap_used)]

use ledger::receipt::{Opening, Receipt};
use ledger::tile::files;
use ledger::{Hash, Log, SigningKey, Tree, note, proof};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const LEAVES: u64 = 66_000;

fn opening(n: u64) -> Opening {
    Opening {
        salt: ledger::sha256(&n.to_be_bytes()),
        act: format!("act {n}").into_bytes(),
    }
}

/// Lines of hashes in base64, as a checkpoint's root is written; a tree head is the easiest way to print one.
fn base64(hash: &Hash) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(hash)
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes a log of three levels of tiles, with receipts and proofs of growth, as an auditor would copy it.
fn write_log(dir: &Path, key: &SigningKey) {
    let leaves: Vec<Hash> = (0..LEAVES).map(|n| opening(n).commitment()).collect();
    let mut rows = BTreeMap::new();
    let mut log = Log::new(key.clone());
    for piece in leaves.chunks(9_973) {
        let appended = log.append(piece, &|key| rows.get(key).cloned()).unwrap();
        rows.extend(appended.rows);
    }
    let get = |key: &[u8]| rows.get(key).cloned();
    for file in files(LEAVES) {
        write(dir, &file.to_string(), &file.read(&get).unwrap().unwrap());
    }
    for index in [0, 255, 256, 65_535, 65_536, LEAVES - 1] {
        let receipt = Receipt::issue(index, Some(opening(index)), &get).unwrap();
        write(
            dir,
            &format!("{index}.tlog-proof"),
            receipt.to_string().as_bytes(),
        );
    }
    for old in [1, 256, 257, 40_000, 65_536, LEAVES - 1] {
        let mut tree = Tree::new();
        tree.append(&leaves[..old as usize]);
        let path = proof::consistency(old, LEAVES, &get).unwrap();
        let lines: Vec<String> = std::iter::once(tree.root())
            .chain(path)
            .map(|h| base64(&h))
            .collect();
        let text = format!("{old}\n{}\n", lines.join("\n"));
        write(dir, &format!("{old}.consistency"), text.as_bytes());
    }
}

/// Builds the judge, or says why it cannot.
fn build(binary: &Path) -> Result<(), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/judges/tlog");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(binary)
        .arg(".")
        .current_dir(source)
        .output()
        .map_err(|error| format!("Go is not here ({error})"))?;
    match built.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&built.stderr).into_owned()),
    }
}

fn ask(judge: &Path, dir: &Path, key: &SigningKey) -> (bool, String) {
    let said = Command::new(judge)
        .arg(dir)
        .arg(key.verifier().to_string())
        .output()
        .unwrap();
    let text = [said.stdout, said.stderr].concat();
    (
        said.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn gos_checksum_database_tools_accept_our_log_and_refuse_an_altered_one() {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("judge-{}", std::process::id()));
    let judge = dir.join("judge");
    std::fs::create_dir_all(&dir).unwrap();
    if let Err(why) = build(&judge) {
        let required = std::env::var("TEJIDO_JUDGES").is_ok_and(|set| set == "1");
        assert!(
            !required,
            "the judge is required but cannot be built: {why}"
        );
        println!("skipped: the Go judge cannot be built here: {why}");
        std::fs::remove_dir_all(&dir).unwrap();
        return;
    }
    let (log, key) = (
        dir.join("log"),
        SigningKey::from_seed("imss.example/log", [7; 32]).unwrap(),
    );
    write_log(&log, &key);
    let (fine, said) = ask(&judge, &log, &key);
    assert!(fine, "{said}");
    assert_eq!(said, "ok: 66000 entries, 6 receipts, 6 proofs of growth\n");

    for (name, place) in [
        ("tile/entries/000", 40),
        ("tile/entries/257.p/208", 3),
        ("tile/0/100", 1),
        ("tile/1/000", 8_000),
        ("tile/2/000.p/1", 0),
        ("checkpoint", 20),
        ("65536.tlog-proof", 2_000),
        ("40000.consistency", 60),
    ] {
        let path = log.join(name);
        let honest = std::fs::read(&path).unwrap();
        let mut altered = honest.clone();
        let place = place.min(altered.len() - 80.min(altered.len()));
        altered[place] ^= 1;
        std::fs::write(&path, altered).unwrap();
        let (fine, said) = ask(&judge, &log, &key);
        assert!(!fine, "{name} was altered, and the judge says {said}");
        std::fs::write(&path, honest).unwrap();
    }
    // Another key's notes are not this log's.
    let stranger = SigningKey::from_seed("imss.example/log", [8; 32]).unwrap();
    assert!(!ask(&judge, &log, &stranger).0);
    // A cosignature beside the log's own signature does not disturb tools that do not know it.
    let path = log.join("checkpoint");
    let cosigned = note::cosign(&std::fs::read_to_string(&path).unwrap(), &stranger, 5).unwrap();
    std::fs::write(&path, cosigned).unwrap();
    assert!(ask(&judge, &log, &key).0);
    std::fs::remove_dir_all(&dir).unwrap();
}
