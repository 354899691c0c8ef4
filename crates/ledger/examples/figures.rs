//! What the ledger costs on this machine: `cargo run --release -p ledger --example figures`.
//!
//! Rows are kept in memory, so these are the costs of hashing, signing and copying alone.

#![allow(clippy::print_stdout)]

use ledger::receipt::{self, Opening, Receipt};
use ledger::{Hash, Log, Prover, Result, SigningKey, Tree, leaf_hash, proof, sha256};
use std::collections::HashMap;
use std::time::Instant;

const LEAVES: u64 = 100_000;

type Rows = HashMap<Vec<u8>, Vec<u8>>;

fn opening(n: u64) -> Opening {
    Opening {
        salt: sha256(&n.to_be_bytes()),
        act: vec![b'a'; 1_500],
    }
}

fn timed<T>(what: &str, times: u64, mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let mut last = work()?;
    for _ in 1..times {
        last = work()?;
    }
    let each = start.elapsed().as_secs_f64() / times as f64;
    println!("{what:<60} {:>10.1} us {:>12.0} /s", each * 1e6, 1.0 / each);
    Ok(last)
}

/// Times something over all leaves and prints the share of one.
fn per_leaf<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let made = work()?;
    let each = start.elapsed().as_secs_f64() / LEAVES as f64;
    println!("{what:<60} {:>10.2} us {:>12.0} /s", each * 1e6, 1.0 / each);
    Ok(made)
}

fn grow(key: &SigningKey, leaves: &[Hash], piece: usize) -> Result<(Rows, usize)> {
    let (mut log, mut rows, mut written) = (Log::new(key.clone()), HashMap::new(), 0);
    for piece in leaves.chunks(piece) {
        let appended = log.append(piece, &|key| rows.get(key).cloned())?;
        written += appended
            .rows
            .iter()
            .map(|(key, row)| key.len() + row.len())
            .sum::<usize>();
        rows.extend(appended.rows);
    }
    Ok((rows, written))
}

fn main() -> Result<()> {
    let key = SigningKey::from_seed("figures.example/log", [1; 32])?;
    let leaves = per_leaf("commit to an act of 1,500 bytes", || {
        Ok((0..LEAVES)
            .map(|n| opening(n).commitment())
            .collect::<Vec<_>>())
    })?;
    per_leaf("append, 100,000 leaves at once, no signature", || {
        Ok(Tree::new().append(&leaves))
    })?;
    let mut rows = HashMap::new();
    for piece in [1, 10, 100, 100_000] {
        let what = format!("append, {piece} a commit, each head signed");
        let (made, written) = per_leaf(&what, || grow(&key, &leaves, piece))?;
        println!(
            "    bytes written a leaf: {:.0}",
            written as f64 / LEAVES as f64
        );
        rows = made;
    }
    let get = |key: &[u8]| rows.get(key).cloned();
    timed("load the tree from its rows", 100, || Tree::load(&get))?;

    let mut at = 0;
    let mut next = || {
        at = (at + 7_919) % LEAVES;
        at
    };
    timed("inclusion proof, nothing read before", 1_000, || {
        proof::inclusion(next(), LEAVES, &get)
    })?;
    let mut prover = Prover::new(LEAVES, &get);
    for index in 0..LEAVES / 256 {
        prover.inclusion(index * 256)?;
    }
    timed("inclusion proof, one prover for many", 10_000, || {
        prover.inclusion(next())
    })?;
    timed("consistency proof, nothing read before", 1_000, || {
        proof::consistency(1 + next(), LEAVES, &get)
    })?;
    let (root, path) = (prover.root()?, prover.inclusion(4_711)?);
    let leaf = leaf_hash(leaves.get(4_711).unwrap_or(&root));
    timed("verify an inclusion proof", 10_000, || {
        proof::verify_inclusion(&leaf, 4_711, LEAVES, &path, &root)
    })?;
    let receipt = timed("issue a receipt", 1_000, || {
        Receipt::issue(4_711, Some(opening(4_711)), &get)
    })?;
    let (text, known) = (receipt.to_string(), [key.verifier().clone()]);
    timed("verify a receipt, signature and all", 1_000, || {
        receipt::verify(&text, &known).map_err(|_| ledger::Error::Receipt("it must hold"))
    })?;
    timed("sign bytes", 1_000, || {
        Ok(key.sign_bytes("figures", b"a request"))
    })?;
    println!("a receipt has {} bytes", text.len());
    Ok(())
}
