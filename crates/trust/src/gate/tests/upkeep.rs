//! Looking through the archive with the real log, and making good what can be.

use super::*;
use store::Told;
use store::engine::{Batch, Direction, Memory, Rows, is_bulky, is_derived};

/// Every row of an engine, in order.
fn all(engine: &dyn Engine) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Rows::default();
    engine
        .snapshot()
        .unwrap()
        .scan(&[], &[0xff; 8], Direction::Up, usize::MAX, &mut rows)
        .unwrap();
    let owned = |(key, value): (&[u8], &[u8])| (key.to_vec(), value.to_vec());
    rows.iter().map(owned).collect()
}

/// A node over an engine that the test holds as well.
fn over_memory() -> (Node, Arc<Memory>) {
    let engine = Arc::new(Memory::default());
    let gate = Gate::over(engine.clone(), config("imss")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let node = Node { gate, dir };
    node.load(&patient("her", SHE));
    node.load("{\"resourceType\":\"Condition\",\"id\":\"c1\",\"subject\":{\"reference\":\"Patient/her\"}}");
    (node, engine)
}

fn put(engine: &Memory, key: &[u8], value: Option<Vec<u8>>) {
    engine
        .commit(&Batch::from([(key.to_vec(), value)]))
        .unwrap();
}

fn findings(node: &Node, repair: bool) -> (Vec<store::Finding>, crate::Checked) {
    let mut found = Vec::new();
    let checked = node
        .fsck(repair, &mut |told| match told {
            Told::Found(finding) => found.push(finding),
            Told::Done(_) => {}
        })
        .unwrap();
    (found, checked)
}

#[test]
fn a_sound_archive_has_no_findings_and_repair_leaves_it_alone() {
    let (node, engine) = over_memory();
    let before = all(engine.as_ref());
    let (found, checked) = findings(&node, true);
    assert_eq!(found, []);
    assert_eq!((checked.left(), checked.repaired), (0, None));
    assert_eq!((checked.found.versions, checked.found.acts), (2, 2));
    assert_eq!(all(engine.as_ref()), before);
}

#[test]
fn every_derived_row_that_is_lost_is_found_and_made_again() {
    let (node, engine) = over_memory();
    let before = all(engine.as_ref());
    let derived: Vec<_> = before.iter().filter(|(key, _)| is_derived(key)).collect();
    assert!(derived.len() > 10);
    for (key, _) in derived {
        put(&engine, key, None);
        let (found, checked) = findings(&node, false);
        assert!(found.iter().any(|one| one.repairable), "{key:02x?}");
        assert!(checked.left() > 0);
    }
    let (_, checked) = findings(&node, true);
    assert_eq!(checked.left(), 0);
    let keys = |rows: Vec<(Vec<u8>, Vec<u8>)>| rows.into_iter().map(|(key, _)| key);
    assert!(keys(all(engine.as_ref())).eq(keys(before)));
}

#[test]
fn a_leaf_that_was_changed_in_the_log_is_found_and_not_made_good() {
    let (node, engine) = over_memory();
    // The first piece of the log's unfinished bundle: eight bytes of its index, then commitments of 32.
    let entries = all(engine.as_ref()).into_iter().find(|(key, value)| {
        !is_bulky(key) && !is_derived(key) && key.ends_with(b"p\0") && value.len() == 8 + 32
    });
    let (key, mut value) = entries.unwrap();
    value[20] ^= 1;
    put(&engine, &key, Some(value));
    let (found, checked) = findings(&node, true);
    assert_eq!(checked.repaired, None);
    let told: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert!(
        told.iter().any(|one| one.starts_with("the log: ")),
        "{told:?}"
    );
    assert!(found.iter().all(|one| !one.repairable));
}
