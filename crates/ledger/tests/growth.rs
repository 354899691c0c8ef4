//! The tree as it grows: its rows, its proofs, its files.

#![allow(clippy::unwrap_used)]

use ledger::tile::{File, files};
use ledger::{Hash, Log, Prover, SigningKey, Tree, leaf_hash, node_hash, proof};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

fn commitments(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|n| ledger::sha256(&n.to_be_bytes()))
        .collect()
}

/// RFC 6962's definition, word for word: the model.
fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => ledger::empty_root(),
        [one] => leaf_hash(one),
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&mth(left), &mth(right))
        }
    }
}

fn grown(leaves: &[Hash], piece: usize) -> (Tree, Rows) {
    let (mut tree, mut rows) = (Tree::new(), Rows::new());
    for piece in leaves.chunks(piece.max(1)) {
        rows.extend(tree.append(piece).rows);
    }
    (tree, rows)
}

fn get(rows: &Rows) -> impl Fn(&[u8]) -> Option<Vec<u8>> + '_ {
    |key| rows.get(key).cloned()
}

#[test]
fn a_tree_loaded_from_its_rows_is_the_tree_that_wrote_them() {
    let leaves = commitments(66_000);
    for size in [
        0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000,
    ] {
        let (tree, rows) = grown(&leaves[..size], usize::MAX);
        let loaded = Tree::load(&get(&rows)).unwrap();
        assert_eq!(loaded, tree, "{size}");
        assert_eq!(tree.root(), mth(&leaves[..size]), "{size}");
    }
}

fn is_piece(key: &[u8]) -> bool {
    key.first() == Some(&b'p')
}

#[test]
fn rows_and_files_are_the_same_however_the_leaves_came() {
    let leaves = commitments(1_030);
    let whole = |mut rows: Rows| {
        rows.retain(|key, _| !is_piece(key));
        rows
    };
    let (_, at_once) = grown(&leaves, usize::MAX);
    for piece in [1, 7, 256, 300] {
        let (tree, rows) = grown(&leaves, piece);
        for file in files(1_030) {
            let (ours, theirs) = (file.read(&get(&rows)), file.read(&get(&at_once)));
            assert_eq!(ours, theirs, "{file} by {piece}");
        }
        assert_eq!(Tree::load(&get(&rows)).unwrap(), tree, "by {piece}");
        assert_eq!(whole(rows), whole(at_once.clone()), "by {piece}");
    }
}

#[test]
fn an_append_writes_its_leaves_and_not_the_unfinished_bundle() {
    let leaves = commitments(5_000);
    let (mut tree, mut rows, mut bytes) = (Tree::new(), Rows::new(), 0);
    for leaf in &leaves {
        let appended = tree.append(&[*leaf]).rows;
        bytes += appended.iter().map(|(_, value)| value.len()).sum::<usize>();
        rows.extend(appended);
        let read = std::cell::Cell::new(0);
        let width = (tree.size() % 256) as u16;
        let index = tree.size() / 256;
        let counting = |key: &[u8]| {
            read.set(read.get() + 1);
            rows.get(key).cloned()
        };
        if width > 0 {
            File::Entries { index, width }
                .read(&counting)
                .unwrap()
                .unwrap();
        }
        assert!(read.get() <= 18, "{} rows for {width} entries", read.get());
    }
    // The state, the piece, what of the bundle is put together now and then, the full bundles and tiles.
    assert!(bytes < 600 * leaves.len(), "{bytes}");
}

#[test]
fn a_log_whose_unfinished_bundle_is_one_row_goes_on() {
    let leaves = commitments(700);
    let (_, mut rows) = grown(&leaves[..600], usize::MAX);
    // As logs were written before there were pieces.
    let file = File::Entries {
        index: 2,
        width: 88,
    };
    let bundle = file.read(&get(&rows)).unwrap().unwrap();
    rows.retain(|key, _| !is_piece(key));
    rows.insert([b"e".as_slice(), &2u64.to_be_bytes()].concat(), bundle);
    for leaf in &leaves[600..] {
        let mut tree = Tree::load(&get(&rows)).unwrap();
        rows.extend(tree.append(&[*leaf]).rows);
    }
    let (at_once, _) = grown(&leaves, usize::MAX);
    assert_eq!(Tree::load(&get(&rows)).unwrap().root(), at_once.root());
    let file = File::Entries {
        index: 2,
        width: 188,
    };
    let bundle = file.read(&get(&rows)).unwrap().unwrap();
    assert_eq!(&bundle[2..34], &leaves[512]);
    assert_eq!(&bundle[187 * 34 + 2..], &leaves[699]);
}

#[test]
fn a_full_row_is_written_once_and_never_again() {
    let leaves = commitments(700);
    let (mut tree, mut seen) = (Tree::new(), Rows::new());
    for leaf in &leaves {
        for (key, value) in tree.append(&[*leaf]).rows {
            let before = seen.insert(key.clone(), value).unwrap_or_default();
            let full = matches!(key.first(), Some(b'e')) && before.len() == 34 * 256;
            assert!(!full, "a full bundle was rewritten");
            let after = &seen[&key];
            assert!(key == b"s" || is_piece(&key) || after.starts_with(&before));
        }
    }
}

#[test]
fn the_files_of_a_log_of_70_000_are_those_the_specification_names() {
    let names: Vec<String> = files(70_000).map(|file| file.to_string()).collect();
    let level = |level: &str| names.iter().filter(|n| n.starts_with(level)).count();
    assert_eq!(level("tile/0/"), 274);
    assert!(names.contains(&"tile/0/273.p/112".to_owned()));
    assert!(names.contains(&"tile/1/000".to_owned()));
    assert!(names.contains(&"tile/1/001.p/17".to_owned()));
    assert!(names.contains(&"tile/2/000.p/1".to_owned()));
    assert_eq!(level("tile/2/"), 1);
    assert_eq!(level("tile/3/"), 0);
    assert_eq!(level("tile/entries/"), 274);
    assert_eq!(names.last().unwrap(), "checkpoint");
}

#[test]
fn paths_are_read_in_one_spelling_only() {
    let good = [
        "checkpoint",
        "tile/0/000",
        "tile/0/000.p/1",
        "tile/7/x001/x234/067.p/255",
        "tile/63/x018/x446/x744/x073/x709/x551/615",
        "tile/entries/x001/000",
    ];
    for path in good {
        assert_eq!(File::parse(path).unwrap().to_string(), path);
    }
    let bad = [
        "",
        "/checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1.p/1",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/x001/x000",
        "tile/0/../000",
        "tile/entries/000/",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ];
    for path in bad {
        assert_eq!(File::parse(path), None, "{path}");
    }
}

#[test]
fn a_partial_file_of_a_past_size_stays_readable() {
    let leaves = commitments(600);
    let (_, past) = grown(&leaves[..300], 300);
    let (_, now) = grown(&leaves, 300);
    for file in files(300) {
        assert_eq!(file.read(&get(&past)), file.read(&get(&now)), "{file}");
    }
    // What is not there yet is not there.
    let ahead = File::parse("tile/0/002.p/89").unwrap();
    assert_eq!(ahead.read(&get(&now)), Ok(None));
}

#[test]
fn a_log_whose_commit_failed_starts_again_from_its_rows() {
    let key = SigningKey::from_seed("log.example", [1; 32]).unwrap();
    let mut log = Log::new(key);
    let leaves = commitments(3);
    let mut rows = Rows::new();
    let one = log.append(&leaves[..1], &get(&rows)).unwrap();
    rows.extend(one.rows);
    // These rows never reach the disk.
    let lost = log.append(&leaves[1..2], &get(&rows)).unwrap();
    assert_eq!(lost.first, 1);
    let kept = log.append(&leaves[2..3], &get(&rows)).unwrap();
    assert_eq!(kept.first, 1);
    rows.extend(kept.rows);
    let tree = Tree::load(&get(&rows)).unwrap();
    assert_eq!(tree.root(), mth(&[leaves[0], leaves[2]]));
}

#[test]
fn a_log_does_not_start_a_second_history_when_its_rows_go_missing() {
    let key = SigningKey::from_seed("log.example", [1; 32]).unwrap();
    let leaves = commitments(3);
    let mut log = Log::new(key.clone());
    let mut rows = Rows::new();
    let one = log.append(&leaves[..1], &get(&rows)).unwrap();
    rows.extend(one.rows);
    let older = rows.clone();
    let two = log.append(&leaves[1..2], &get(&rows)).unwrap();
    rows.extend(two.rows);
    log.append(&leaves[2..], &get(&rows)).unwrap();
    // Unreadable rows, and a copy restored under a running node.
    assert!(log.append(&leaves[2..], &|_| None).is_err());
    assert!(log.append(&leaves[2..], &get(&older)).is_err());
    // After a restart only the head is left to tell.
    rows.remove(b"s".as_slice());
    assert!(Log::new(key).append(&leaves[2..], &get(&rows)).is_err());
}

#[test]
fn an_altered_row_of_the_right_edge_is_found_when_the_tree_is_loaded() {
    let (_, rows) = grown(&commitments(300), 300);
    for key in rows.keys() {
        let full = key.first() == Some(&b'e') && rows[key].len() == 34 * 256;
        let mut altered = rows.clone();
        let row = altered.get_mut(key).unwrap();
        *row.last_mut().unwrap() ^= 1;
        assert_eq!(Tree::load(&get(&altered)).is_err(), !full, "{key:?}");
    }
}

#[test]
fn every_proof_of_every_small_tree_holds_and_holds_for_nothing_else() {
    let leaves = commitments(21);
    let (_, rows) = grown(&leaves[..20], 20);
    let root = |size: u64| mth(&leaves[..size as usize]);
    for size in 1..=20 {
        let rows = get(&rows);
        let mut prover = Prover::new(size, &rows);
        for index in 0..size {
            let path = prover.inclusion(index).unwrap();
            for other in 0..=size {
                let leaf = leaf_hash(&leaves[other as usize]);
                let holds = proof::verify_inclusion(&leaf, index, size, &path, &root(size)).is_ok();
                assert_eq!(holds, other == index);
                let leaf = leaf_hash(&leaves[index as usize]);
                let moved = proof::verify_inclusion(&leaf, other, size, &path, &root(size)).is_ok();
                assert_eq!(moved, other == index);
            }
        }
        for old in 0..=size {
            let path = prover.consistency(old).unwrap();
            for other in 0..=size {
                let holds =
                    proof::verify_consistency(old, &root(other), size, &root(size), &path).is_ok();
                assert_eq!(holds, other == old, "{old} {other} {size}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_the_appends_gives_the_same_root(
        size in 0usize..900,
        cuts in prop::collection::vec(0usize..900, 0..8),
    ) {
        let leaves = commitments(size as u64);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(size)).collect();
        cuts.extend([0, size]);
        cuts.sort_unstable();
        let mut tree = Tree::new();
        let mut rows = Rows::new();
        for pair in cuts.windows(2) {
            let appended = tree.append(&leaves[pair[0]..pair[1]]);
            prop_assert_eq!(appended.first, pair[0] as u64);
            rows.extend(appended.rows);
            // A restart in between changes nothing.
            tree = Tree::load(&get(&rows)).unwrap();
        }
        prop_assert_eq!(tree.root(), mth(&leaves));
        prop_assert_eq!(Prover::new(size as u64, &get(&rows)).root(), Ok(mth(&leaves)));
    }

    #[test]
    fn a_flipped_bit_in_an_inclusion_proof_is_caught(
        size in 2u64..3000, at in any::<u64>(), flip in any::<usize>(),
    ) {
        let leaves = commitments(size);
        let (tree, rows) = grown(&leaves, 1000);
        let index = at % size;
        let leaf = leaf_hash(&leaves[index as usize]);
        let mut path = proof::inclusion(index, size, &get(&rows)).unwrap();
        let root = tree.root();
        prop_assert!(proof::verify_inclusion(&leaf, index, size, &path, &root).is_ok());
        let bit = flip % (path.len() * 256);
        path[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(proof::verify_inclusion(&leaf, index, size, &path, &root).is_err());
        path[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        path.pop();
        prop_assert!(proof::verify_inclusion(&leaf, index, size, &path, &root).is_err());
    }

    #[test]
    fn a_flipped_bit_in_a_consistency_proof_is_caught(
        new in 2u64..3000, at in any::<u64>(), flip in any::<usize>(),
    ) {
        let leaves = commitments(new);
        let (tree, rows) = grown(&leaves, 1000);
        let old = 1 + at % (new - 1);
        let mut path = proof::consistency(old, new, &get(&rows)).unwrap();
        let (before, after) = (mth(&leaves[..old as usize]), tree.root());
        prop_assert!(proof::verify_consistency(old, &before, new, &after, &path).is_ok());
        let bit = flip % (path.len() * 256);
        path[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        prop_assert!(proof::verify_consistency(old, &before, new, &after, &path).is_err());
    }
}
