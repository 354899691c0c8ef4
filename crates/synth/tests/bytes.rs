//! Same seed, same bytes: whatever the threads, the order, and how many people are asked for.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use synth::{Country, Format, Institution, Written, write};

struct Scratch(PathBuf);
impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("synth-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }
}
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            let name = path.strip_prefix(dir.parent().unwrap()).unwrap();
            out.insert(name.display().to_string(), fs::read(&path).unwrap());
        }
    }
    out
}

fn written(
    name: &str,
    people: u64,
    seed: u64,
    format: Format,
    threads: usize,
) -> (Written, BTreeMap<String, Vec<u8>>) {
    let scratch = Scratch::new(name);
    let country = Country::mexico().unwrap();
    let mut last = 0;
    let out = write(
        &country,
        &scratch.0,
        people,
        seed,
        format,
        threads,
        &mut |done| {
            assert!(done > last);
            last = done;
        },
    )
    .unwrap();
    assert_eq!((out.people, last), (people, people));
    let all = fs::read_dir(&scratch.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                BTreeMap::from([(name, fs::read(&path).unwrap())])
            }
        })
        .collect();
    (out, all)
}

#[test]
fn one_seed_gives_one_set_of_bytes_on_any_number_of_threads() {
    let one = written("one", 150, 7, Format::Ndjson, 1);
    let again = written("again", 150, 7, Format::Ndjson, 1);
    let three = written("three", 150, 7, Format::Ndjson, 3);
    assert!(one == again, "two runs differ");
    assert!(one == three, "threads change the output");
    let other = written("other", 150, 8, Format::Ndjson, 2);
    assert!(one.1 != other.1);
    let total: usize = one.1.values().map(Vec::len).sum();
    assert_eq!(total as u64, one.0.bytes);
}

#[test]
fn a_person_is_the_same_however_many_are_asked_for() {
    let few = written("few", 10, 7, Format::Bundles, 1);
    let many = written("many", 40, 7, Format::Bundles, 2);
    for (name, bytes) in &few.1 {
        if name != "truth.csv" {
            assert!(many.1.get(name) == Some(bytes), "{name} differs");
        }
    }
    assert!(many.1.keys().any(|name| name.ends_with("/000000039.json")));
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let scratch = Scratch::new("full");
    fs::create_dir_all(&scratch.0).unwrap();
    fs::write(scratch.0.join("mine.txt"), "mine").unwrap();
    let country = Country::mexico().unwrap();
    let refused = write(&country, &scratch.0, 5, 1, Format::Ndjson, 1, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains("is not empty"), "{refused}");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
}

#[test]
fn the_truth_file_names_every_registration() {
    let (out, files) = written("truth", 60, 3, Format::Ndjson, 1);
    let truth = String::from_utf8(files["truth.csv"].clone()).unwrap();
    assert_eq!(truth.lines().count() as u64, out.registrations + 1);
    let patients: usize = Institution::ALL
        .iter()
        .filter_map(|i| files.get(&format!("{}/Patient.ndjson", i.slug())))
        .map(|bytes| bytes.iter().filter(|b| **b == b'\n').count())
        .sum();
    assert_eq!(patients as u64, out.registrations);
}
