//! Receipts, witnesses, audits and a person's own list: who tampers is caught, by name.

#![allow(clippy::unwrap_used)]

use ledger::list::{Checker, Claim, Finding, Tally};
use ledger::receipt::{self, Opening, Part, Receipt};
use ledger::{
    Checkpoint, Error, Log, Prover, SigningKey, VerifierKey, audit, note, proof, witness,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A node with its log and what it keeps of each act.
struct Node {
    log: Log,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    acts: Vec<Opening>,
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

fn imss() -> SigningKey {
    key("imss.example/log", 1)
}

fn known() -> Vec<VerifierKey> {
    vec![
        imss().verifier().clone(),
        key("issste.example/log", 2).verifier().clone(),
    ]
}

fn opening(n: u64) -> Opening {
    Opening {
        salt: ledger::sha256(&n.to_le_bytes()),
        act: format!("{{\"act\":{n},\n\n\"what\":\"read\"}}").into_bytes(),
    }
}

impl Node {
    fn with(acts: u64) -> Node {
        let mut node = Node {
            log: Log::new(imss()),
            rows: BTreeMap::new(),
            acts: Vec::new(),
        };
        node.grow(acts);
        node
    }
    fn grow(&mut self, acts: u64) {
        let from = self.acts.len() as u64;
        let new: Vec<Opening> = (from..from + acts).map(opening).collect();
        self.keep(new);
    }
    fn keep(&mut self, new: Vec<Opening>) {
        let leaves: Vec<_> = new.iter().map(Opening::commitment).collect();
        let rows = &self.rows;
        let appended = self
            .log
            .append(&leaves, &|key| rows.get(key).cloned())
            .unwrap();
        self.rows.extend(appended.rows);
        self.acts.extend(new);
    }
    fn get(&self) -> impl Fn(&[u8]) -> Option<Vec<u8>> + '_ {
        |key| self.rows.get(key).cloned()
    }
    fn note(&self) -> String {
        String::from_utf8(self.rows[ledger::tile::CHECKPOINT].clone()).unwrap()
    }
    fn head(&self) -> Checkpoint {
        Checkpoint::parse(note::unverified_text(&self.note()).unwrap()).unwrap()
    }
    fn receipt(&self, index: u64) -> Receipt {
        let opening = self.acts[index as usize].clone();
        Receipt::issue(index, Some(opening), &self.get()).unwrap()
    }
    fn claims(&self, places: &[u64]) -> Vec<Claim> {
        let get = self.get();
        let mut prover = Prover::new(self.head().size, &get);
        let claim = |index: &u64| Claim {
            index: *index,
            opening: self.acts[*index as usize].clone(),
            path: prover.inclusion(*index).unwrap(),
        };
        places.iter().map(claim).collect()
    }
    fn since(&self, old: u64) -> Vec<ledger::Hash> {
        proof::consistency(old, self.head().size, &self.get()).unwrap()
    }
}

#[test]
fn a_receipt_is_read_back_and_holds() {
    let node = Node::with(300);
    for index in [0, 1, 255, 256, 299] {
        let text = node.receipt(index).to_string();
        assert_eq!(Receipt::parse(&text).unwrap(), node.receipt(index));
        let verified = receipt::verify(&text, &known()).unwrap();
        assert_eq!(verified.index, index);
        assert_eq!(verified.head.origin, "imss.example/log");
        assert_eq!(verified.act, Some(node.acts[index as usize].act.clone()));
    }
}

#[test]
fn the_only_act_of_a_log_has_a_receipt_without_a_path() {
    let text = Node::with(1).receipt(0).to_string();
    assert!(receipt::verify(&text, &known()).is_ok());
}

#[test]
fn a_closed_receipt_proves_the_place_and_shows_no_act() {
    let receipt = Node::with(5).receipt(3).closed();
    let verified = receipt::verify(&receipt.to_string(), &known()).unwrap();
    assert_eq!(verified.act, None);
    assert_eq!(verified.commitment, opening(3).commitment());
}

#[test]
fn an_altered_act_is_named_as_such() {
    let mut receipt = Node::with(5).receipt(3);
    receipt.opening.as_mut().unwrap().act.push(b' ');
    assert_eq!(receipt.verify(&known()).unwrap_err().what, Part::Act);
}

#[test]
fn an_act_swapped_with_its_commitment_is_not_at_that_place() {
    let mut receipt = Node::with(5).receipt(3);
    receipt.commitment = opening(4).commitment();
    receipt.opening = Some(opening(4));
    assert_eq!(receipt.verify(&known()).unwrap_err().what, Part::Proof);
}

#[test]
fn a_moved_act_is_not_at_that_place() {
    let mut receipt = Node::with(5).receipt(3);
    receipt.index = 2;
    assert_eq!(receipt.verify(&known()).unwrap_err().what, Part::Proof);
}

#[test]
fn a_head_signed_by_another_member_does_not_do() {
    let node = Node::with(5);
    let mut receipt = node.receipt(3);
    receipt.checkpoint = node.head().sign(&[&key("issste.example/log", 2)]).unwrap();
    assert_eq!(receipt.verify(&known()).unwrap_err().what, Part::Head);
    assert_eq!(receipt.verify(&[]).unwrap_err().what, Part::Head);
}

#[test]
fn a_stranger_who_takes_the_logs_name_is_not_the_log() {
    let node = Node::with(5);
    let mut receipt = node.receipt(3);
    receipt.checkpoint = node.head().sign(&[&key("imss.example/log", 66)]).unwrap();
    assert_eq!(receipt.verify(&known()).unwrap_err().what, Part::Head);
}

#[test]
fn what_is_no_receipt_is_said_to_be_none() {
    let text = Node::with(5).receipt(3).to_string();
    let broken = [
        String::new(),
        "hola".to_owned(),
        text.replace("@v1", "@v2"),
        text.replace("index 3", "index 03"),
        text.replace("extra ", "extra  "),
        text.replace("\n\n", "\n"),
        text.replacen("\nindex", "\nmore\nindex", 1),
    ];
    for text in broken {
        let refused = receipt::verify(&text, &known()).unwrap_err();
        assert_eq!(refused.what, Part::Form, "{text}");
    }
}

#[test]
fn the_node_gives_no_receipt_for_another_act_or_for_a_leaf_to_come() {
    let node = Node::with(5);
    assert!(Receipt::issue(3, Some(opening(4)), &node.get()).is_err());
    assert!(Receipt::issue(5, None, &node.get()).is_err());
}

#[test]
fn witnesses_cosign_growth_and_their_signatures_come_together() {
    let mut node = Node::with(10);
    let (a, b) = (key("a.example/log", 3), key("b.example/log", 4));
    let log = imss().verifier().clone();
    let (_, seen) = witness::cosign(None, &node.note(), &log, &[], &a, 100).unwrap();
    node.grow(300);
    let path = node.since(seen.size);
    let (by_a, _) = witness::cosign(Some(&seen), &node.note(), &log, &path, &a, 200).unwrap();
    let (by_b, _) = witness::cosign(None, &node.note(), &log, &[], &b, 201).unwrap();
    let both = note::merge(&by_a, &by_b).unwrap();
    let receipt = Receipt::under(both, 7, Some(opening(7)), &node.get()).unwrap();
    let known = [log, a.cosigner(), b.cosigner()];
    let verified = receipt::verify(&receipt.to_string(), &known).unwrap();
    let times: Vec<_> = verified
        .signers
        .iter()
        .map(|signer| signer.timestamp)
        .collect();
    assert_eq!(times, [None, Some(200), Some(201)]);
}

#[test]
fn a_witness_does_not_sign_a_rewritten_history() {
    let (node, mut other) = (Node::with(10), Node::with(9));
    let log = imss().verifier().clone();
    let witness_key = key("a.example/log", 3);
    let seen = node.head();
    other.keep(vec![opening(77)]);
    let fork = witness::cosign(Some(&seen), &other.note(), &log, &[], &witness_key, 1);
    assert!(
        matches!(fork, Err(Error::Fork { size: 10, .. })),
        "{fork:?}"
    );
    other.grow(20);
    let path = other.since(10);
    let rewritten = witness::cosign(Some(&seen), &other.note(), &log, &path, &witness_key, 1);
    assert!(matches!(rewritten, Err(Error::Proof(_))));
    let shorter = Node::with(4);
    let cut = witness::cosign(Some(&seen), &shorter.note(), &log, &[], &witness_key, 1);
    assert!(matches!(cut, Err(Error::Outside { .. })));
}

#[test]
fn an_audit_finds_any_flipped_byte_of_any_row() {
    let node = Node::with(700);
    let log = imss().verifier().clone();
    assert_eq!(audit::audit(&log, &node.get()).unwrap(), Some(node.head()));
    for (key, row) in &node.rows {
        for place in [0, row.len() / 2, row.len() - 1] {
            let mut altered = node.rows.clone();
            altered.get_mut(key).unwrap()[place] ^= 1;
            assert!(audit::audit(&log, &|key| altered.get(key).cloned()).is_err());
        }
        let mut lost = node.rows.clone();
        lost.remove(key);
        assert!(audit::audit(&log, &|key| lost.get(key).cloned()).is_err());
    }
}

#[test]
fn an_honest_list_is_found_so_visit_after_visit() {
    let mut node = Node::with(20);
    let mut person = Checker::new(imss().verifier().clone());
    let of = [5; 32];
    for visit in [vec![2, 7], vec![2, 7], vec![2, 7, 171, 300]] {
        let claims = node.claims(&visit);
        let list = visit.iter().map(|n| (*n, opening(*n).commitment()));
        let tally = Tally::of(&node.head(), of, list).sign(&imss()).unwrap();
        let path = node.since(person.head().map_or(0, |head| head.size));
        let found = person.check(&claims, &node.note(), &path, Some((&tally, &of)));
        assert_eq!(found, []);
        node.grow(150);
    }
}

#[test]
fn a_dropped_act_is_missed() {
    let (node, mut person) = (Node::with(20), Checker::new(imss().verifier().clone()));
    assert_eq!(
        person.check(&node.claims(&[2, 7]), &node.note(), &[], None),
        []
    );
    let found = person.check(&node.claims(&[2]), &node.note(), &[], None);
    assert_eq!(found, [Finding::Dropped(7)]);
}

#[test]
fn an_act_kept_back_is_seen_to_come_late() {
    let (node, mut person) = (Node::with(20), Checker::new(imss().verifier().clone()));
    assert_eq!(
        person.check(&node.claims(&[2]), &node.note(), &[], None),
        []
    );
    let found = person.check(&node.claims(&[2, 7]), &node.note(), &[], None);
    assert_eq!(found, [Finding::Late(7)]);
}

#[test]
fn an_altered_a_repeated_and_a_moved_act_are_each_named() {
    let (node, mut person) = (Node::with(20), Checker::new(imss().verifier().clone()));
    let mut list = node.claims(&[2, 7, 7, 9, 8]);
    list[0].opening.act[0] ^= 1;
    let found = person.check(&list, &node.note(), &[], None);
    let expected = [
        Finding::Altered(2),
        Finding::Repeated(7),
        Finding::OutOfOrder(8),
    ];
    assert_eq!(found, expected);
    assert_eq!(person.head(), None, "a bad list is not remembered");
}

#[test]
fn a_history_rewritten_between_two_visits_is_found() {
    let (node, mut person) = (Node::with(20), Checker::new(imss().verifier().clone()));
    assert_eq!(
        person.check(&node.claims(&[2]), &node.note(), &[], None),
        []
    );
    let mut other = Node::with(19);
    other.keep(vec![opening(99)]);
    other.grow(5);
    let found = person.check(&other.claims(&[2]), &other.note(), &other.since(20), None);
    assert!(
        matches!(found.as_slice(), [Finding::History(_)]),
        "{found:?}"
    );
}

#[test]
fn a_list_shortened_on_the_way_is_not_the_one_that_was_signed() {
    let (node, mut person) = (Node::with(20), Checker::new(imss().verifier().clone()));
    let of = [5; 32];
    let whole = [2, 7].map(|n| (n, opening(n).commitment()));
    let tally = Tally::of(&node.head(), of, whole).sign(&imss()).unwrap();
    let found = person.check(&node.claims(&[2]), &node.note(), &[], Some((&tally, &of)));
    assert!(matches!(found.as_slice(), [Finding::Tally(_)]));
    let another = [6; 32];
    let found = person.check(
        &node.claims(&[2, 7]),
        &node.note(),
        &[],
        Some((&tally, &another)),
    );
    assert!(matches!(found.as_slice(), [Finding::Tally(_)]));
}

#[test]
fn debug_shows_no_act() {
    let shown = format!("{:?}", Node::with(3).receipt(1));
    assert!(
        !shown.contains("read") && !shown.contains("114, 101, 97, 100"),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// All lines of this receipt count, so no bit of it is free.
    #[test]
    fn a_receipt_with_any_bit_flipped_does_not_hold(at in any::<usize>(), bit in 0u8..8) {
        let mut bytes = Node::with(6).receipt(4).to_string().into_bytes();
        let place = at % bytes.len();
        bytes[place] ^= 1 << bit;
        let holds = String::from_utf8(bytes).is_ok_and(|text| receipt::verify(&text, &known()).is_ok());
        prop_assert!(!holds, "byte {} bit {}", place, bit);
    }

    #[test]
    fn garbage_is_refused_quietly(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(receipt::verify(&text, &known()).is_err());
        prop_assert!(note::open(&bytes, &known()).is_err());
        prop_assert!(text.parse::<VerifierKey>().is_err());
        prop_assert!(Checkpoint::parse(&text).is_err());
        let _ = ledger::tile::File::parse(&text);
    }
}
