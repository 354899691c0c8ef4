//! Notes and keys against the vectors that other people's tools published.

#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::note::{self, KeyKind, SigningKey, VerifierKey};
use ledger::{Checkpoint, Error};

/// The example key and note of Go's `sumdb/note`.
const PETER_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SKEY: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER_TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your \
                          problem is.\n";
const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot\
                          pRZb6KE6RyyBwJnAM=\n";

/// The key that every Go command has built in, and a head of the Go checksum database as it was served.
const SUMDB_VKEY: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const SUMDB_NOTE: &str = "go.sum database tree\n15368405\n/g9am3I6YWNKaZX/jkne1fqd9zEyjss+JXyPXG0WfkY=\n\n\
    — sum.golang.org Az3grqJGUaSGukG9p8nI2vKgiFn7qGHxn0W+mrwyI6Gz3F0t1J3LzmWk/p96Ybf295EjwdSwlzgijq5WA9d1Ded7owM=\n";

fn vkey(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, [seed; 32]).unwrap()
}

fn head(origin: &str) -> Checkpoint {
    Checkpoint {
        origin: origin.to_owned(),
        size: 7,
        root: [9; 32],
        extensions: Vec::new(),
    }
}

#[test]
fn our_signature_of_gos_example_note_is_byte_for_byte_gos() {
    let key = SigningKey::from_skey(PETER_SKEY).unwrap();
    let note = note::sign(PETER_TEXT, &[&key]).unwrap();
    assert_eq!(note, format!("{PETER_TEXT}\n{PETER_LINE}"));
    assert_eq!(key.verifier().to_string(), PETER_VKEY);
    assert_eq!(key.to_skey().unwrap().expose(), PETER_SKEY);
}

#[test]
fn a_published_head_of_the_go_checksum_database_opens() {
    let known = vkey(SUMDB_VKEY);
    assert_eq!(known.to_string(), SUMDB_VKEY);
    let (head, _) =
        Checkpoint::open(SUMDB_NOTE.as_bytes(), "go.sum database tree", &known, &[]).unwrap();
    assert_eq!(head.size, 15_368_405);
    let larger = SUMDB_NOTE.replace("15368405", "15368406");
    let name = "sum.golang.org".to_owned();
    assert_eq!(
        note::open(larger.as_bytes(), &[known]),
        Err(Error::WrongSignature { name })
    );
}

#[test]
fn a_changed_letter_a_changed_key_or_no_known_key_spoils_a_note() {
    let note = format!("{PETER_TEXT}\n{PETER_LINE}");
    let known = [vkey(PETER_VKEY)];
    assert_eq!(
        note::open(note.as_bytes(), &known).unwrap().text,
        PETER_TEXT
    );
    let altered = note.replace("cryptography", "cryptographY");
    assert!(matches!(
        note::open(altered.as_bytes(), &known),
        Err(Error::WrongSignature { .. })
    ));
    let stranger = key("PeterNeumann", 4).verifier().clone();
    assert_eq!(
        note::open(note.as_bytes(), &[stranger]),
        Err(Error::NoKnownSigner)
    );
    assert_eq!(note::open(note.as_bytes(), &[]), Err(Error::NoKnownSigner));
}

#[test]
fn no_piece_and_no_neighbour_of_a_key_is_a_key() {
    for start in 0..PETER_VKEY.len() {
        for end in start + 1..=PETER_VKEY.len() {
            let whole = (start, end) == (0, PETER_VKEY.len());
            assert_eq!(PETER_VKEY[start..end].parse::<VerifierKey>().is_ok(), whole);
        }
    }
    for place in 0..PETER_VKEY.len() {
        let mut bytes = PETER_VKEY.as_bytes().to_vec();
        bytes[place] += 1;
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

#[test]
fn a_key_under_which_anything_verifies_is_refused() {
    for small in [
        [0u8; 32],
        {
            let mut one = [0; 32];
            one[0] = 1;
            one
        },
        [0xff; 32],
    ] {
        assert!(VerifierKey::new("weak.example", KeyKind::Ed25519, small).is_err());
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let known = [vkey(PETER_VKEY)];
    let note = format!("{PETER_TEXT}\n{PETER_LINE}");
    let broken = [
        String::new(),
        PETER_TEXT.to_owned(),
        format!("{PETER_TEXT}\n"),
        format!("{PETER_TEXT}{PETER_LINE}"),
        note.trim_end().to_owned(),
        format!("{note}— PeterNeumann\n"),
        format!("{note}— PeterNeumann !!!!\n"),
        format!("{note}— Peter+Neumann x08go/ZJ\n"),
        format!("{note}-- PeterNeumann x08go/ZJkuBS\n"),
        format!("a tab\t{note}"),
        note.clone() + &PETER_LINE.repeat(100),
    ];
    for text in broken {
        let opened = note::open(text.as_bytes(), &known);
        assert!(
            matches!(opened, Err(Error::Note(_))),
            "{text:?}: {opened:?}"
        );
    }
    assert!(matches!(
        note::open(b"\xff\n\n", &known),
        Err(Error::Note(_))
    ));
}

#[test]
fn a_text_may_hold_blank_lines_and_a_repeated_line_counts_once() {
    let key = key("node.example/a", 1);
    let note = note::sign("one\n\n\ntwo\n", &[&key, &key]).unwrap();
    let opened = note::open(note.as_bytes(), &[key.verifier().clone()]).unwrap();
    assert_eq!(opened.text, "one\n\n\ntwo\n");
    assert_eq!(opened.signers.len(), 1);
}

#[test]
fn members_sign_one_after_the_other() {
    let (a, b, c) = (
        key("a.example", 1),
        key("b.example", 2),
        key("c.example", 3),
    );
    let note = note::sign("the pact\n", &[&a]).unwrap();
    let note = note::add_signature(&note, &b).unwrap();
    assert_eq!(note, note::add_signature(&note, &b).unwrap());
    let known = [a, b, c].map(|key| key.verifier().clone());
    let opened = note::open(note.as_bytes(), &known).unwrap();
    let names: Vec<&str> = opened
        .signers
        .iter()
        .map(|signer| signer.key.name())
        .collect();
    assert_eq!(names, ["a.example", "b.example"]);
    assert!(!opened.signed_by(&known[2]));
}

#[test]
fn a_cosignature_tells_its_time_and_only_a_checkpoint_takes_one() {
    let (log, witness) = (key("log.example", 1), key("witness.example", 2));
    let note = head("log.example").sign(&[&log]).unwrap();
    let note = note::cosign(&note, &witness, 1_679_315_147).unwrap();
    let (_, opened) = Checkpoint::open(
        note.as_bytes(),
        "log.example",
        log.verifier(),
        &[witness.cosigner()],
    )
    .unwrap();
    let times: Vec<_> = opened.cosigners().map(|signer| signer.timestamp).collect();
    assert_eq!(times, [Some(1_679_315_147)]);

    // The same signature under another time does not hold.
    let line = note.lines().last().unwrap();
    let other = note::cosign(&head("log.example").sign(&[&log]).unwrap(), &witness, 5).unwrap();
    assert!(!other.contains(line));
    // A plain note takes none.
    let letter = note::sign("dear all,\n", &[&log]).unwrap();
    assert!(matches!(
        note::cosign(&letter, &witness, 5),
        Err(Error::Checkpoint(_))
    ));
}

#[test]
fn a_witness_alone_does_not_make_a_head() {
    let (log, witness) = (key("log.example", 1), key("witness.example", 2));
    let note = head("log.example").sign(&[&witness]).unwrap();
    let note = note::cosign(&note, &witness, 5).unwrap();
    let opened = Checkpoint::open(
        note.as_bytes(),
        "log.example",
        log.verifier(),
        &[witness.cosigner()],
    );
    assert_eq!(opened, Err(Error::NoKnownSigner));
}

#[test]
fn bytes_signed_for_one_use_are_worth_nothing_for_another() {
    let key = key("node.example", 1);
    let signature = key.sign_bytes("tejido/request/v1", b"GET");
    let verifier = key.verifier();
    assert!(verifier.verify_bytes("tejido/request/v1", b"GET", &signature));
    assert!(
        verifier
            .cosigner()
            .verify_bytes("tejido/request/v1", b"GET", &signature)
    );
    assert!(!verifier.verify_bytes("tejido/answer/v1", b"GET", &signature));
    assert!(!verifier.verify_bytes("tejido/request/v1", b"PUT", &signature));
    // Nor does such a signature make a note, whatever the bytes.
    let forged = key.sign_bytes("", b"a text\n");
    let line = STANDARD.encode([forged.key.0.as_slice(), &forged.bytes].concat());
    let note = format!("a text\n\n— node.example {line}\n");
    assert!(matches!(
        note::open(note.as_bytes(), std::slice::from_ref(verifier)),
        Err(Error::WrongSignature { .. })
    ));
}

#[test]
fn debug_shows_no_secret() {
    let key = SigningKey::from_skey(PETER_SKEY).unwrap();
    let shown = format!("{key:?} {:?}", key.to_skey().unwrap());
    assert!(!shown.contains("AYEKFALVFGyNhPJEMzD1QIDr"), "{shown}");
}

#[test]
fn a_checkpoint_prints_as_it_was_read_and_reads_strictly() {
    let text = "log.example\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n";
    assert_eq!(Checkpoint::parse(text).unwrap(), head("log.example"));
    assert_eq!(head("log.example").to_string(), text);
    let extended = format!("{text}more\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
    let wrong = [
        text.replace("\n7\n", "\n07\n"),
        text.replace("\n7\n", "\n+7\n"),
        text.replace("\n7\n", "\n\n"),
        text.replace("\n7\n", "\n99999999999999999999\n"),
        text.replace("=\n", "\n"),
        text.replace("CQkJCQ", "CQkJ"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        text.replace("log.example", ""),
        "log.example\n7\n".to_owned(),
    ];
    for text in wrong {
        assert!(Checkpoint::parse(&text).is_err(), "{text:?}");
    }
}
