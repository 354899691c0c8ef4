//! `$lastn`: the newest observations of each code, as a naive reading of all of them gives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::*;
use fhir::query::{self, Query};
use std::collections::BTreeSet;
use store::*;

/// One observation, as the naive reading sees it.
#[derive(Clone)]
struct One {
    id: String,
    person: &'static str,
    codes: Vec<&'static str>,
    text: &'static str,
    /// Minute of a day; `None` has no date.
    minute: Option<usize>,
    category: &'static str,
    label: Option<u8>,
}

impl One {
    fn json(&self) -> String {
        let codings: Vec<String> = self
            .codes
            .iter()
            .map(|code| {
                format!(r#"{{"system":"http://codes","code":"{code}","display":"the {code}"}}"#)
            })
            .collect();
        let coding = match codings.is_empty() {
            true => String::new(),
            false => format!(r#""coding":[{}],"#, codings.join(",")),
        };
        let tag = self.label.map_or(String::new(), |label| {
            format!(r#"{{"system":"label","code":"{label}"}}"#)
        });
        let date = self.minute.map_or(String::new(), |minute| {
            format!(
                r#","effectiveDateTime":"2024-01-01T{:02}:{:02}:00Z""#,
                minute / 60,
                minute % 60
            )
        });
        format!(
            r#"{{"resourceType":"Observation","id":"{}","meta":{{"tag":[{tag}]}},"status":"final","code":{{{coding}"text":"{}"}},"category":[{{"coding":[{{"system":"http://kinds","code":"{}"}}]}}],"subject":{{"reference":"Patient/{}"}}{date}}}"#,
            self.id, self.text, self.category, self.person
        )
    }
    fn keys(&self) -> BTreeSet<String> {
        match self.codes.is_empty() {
            true => BTreeSet::from([format!("text {}", self.text)]),
            false => self
                .codes
                .iter()
                .map(|code| format!("code {code}"))
                .collect(),
        }
    }
}

/// Groups by whatever shares a key, again and again until nothing changes; of each the newest.
fn naive(all: &[&One], max: usize) -> BTreeSet<String> {
    let mut groups: Vec<(BTreeSet<String>, Vec<&One>)> = Vec::new();
    for one in all {
        let (mut keys, mut members) = (one.keys(), vec![*one]);
        let mut apart = Vec::new();
        for (its, those) in groups {
            match its.is_disjoint(&keys) {
                true => apart.push((its, those)),
                false => {
                    keys.extend(its);
                    members.extend(those);
                }
            }
        }
        apart.push((keys, members));
        groups = apart;
    }
    let mut ids = BTreeSet::new();
    for (_, mut members) in groups {
        members.sort_by_key(|one| std::cmp::Reverse(one.minute));
        let last = members.get(max - 1).and_then(|one| one.minute);
        // Of those without a date the later ones in the archive come first.
        let dated = members.iter().filter(|one| one.minute.is_some()).count();
        for (at, one) in members.iter().enumerate() {
            let tied = one.minute.is_some() && one.minute == last;
            if one.minute.is_some() && (at < max || tied) {
                ids.insert(one.id.clone());
            }
        }
        let mut undated: Vec<_> = members.iter().filter(|one| one.minute.is_none()).collect();
        undated.sort_by_key(|one| std::cmp::Reverse(one.id[1..].parse::<usize>().unwrap()));
        ids.extend(
            undated
                .iter()
                .take(max.saturating_sub(dated))
                .map(|one| one.id.clone()),
        );
    }
    ids
}

fn ask(text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let catalog = fhir::search::Catalog::r4();
    query::parse(&catalog, of("Observation"), &pairs, query::Handling::Strict).unwrap()
}

fn ids(house: &House, permit: &Permit, text: &str, max: usize) -> Vec<String> {
    let held = house.store.lastn(permit, &ask(text), max).unwrap();
    let page = house.open(permit, held);
    assert_eq!(page.total, Some(page.matches.len() as u64));
    page.matches.into_iter().map(|one| one.id).collect()
}

fn patient(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"http://ids","value":"{id}"}}]}}"#
    )
}

fn one(id: &str, codes: &[&'static str], minute: usize) -> One {
    One {
        id: id.into(),
        person: "ana",
        codes: codes.to_vec(),
        text: "said",
        minute: Some(minute),
        category: "lab",
        label: None,
    }
}

fn house(all: &[One]) -> House {
    let house = in_memory();
    house.put(&[&patient("ana"), &patient("bea")]);
    for one in all {
        house.put(&[&one.json()]);
    }
    house
}

#[test]
fn the_newest_of_each_code_and_all_that_are_of_the_same_moment() {
    let house = house(&[
        one("o1", &["pulse"], 1),
        one("o2", &["pulse"], 5),
        one("o3", &["pulse"], 5),
        one("o4", &["weight"], 3),
        one("o5", &["weight"], 2),
    ]);
    let all = house.all();
    assert_eq!(ids(&house, &all, "patient=ana", 1), ["o3", "o2", "o4"]);
    assert_eq!(
        ids(&house, &all, "patient=ana", 3),
        ["o3", "o2", "o4", "o5", "o1"]
    );
    assert_eq!(ids(&house, &all, "patient=ana&code=weight", 1), ["o4"]);
    assert_eq!(
        ids(&house, &all, "patient=ana&date=le2024-01-01T00:02:00Z", 1),
        ["o5", "o1"]
    );
    assert!(ids(&house, &all, "patient=bea", 1).is_empty());
    assert!(ids(&house, &all, "patient=nobody", 1).is_empty());
}

#[test]
fn codes_that_an_older_observation_says_together_are_one_group_unless_it_is_hidden() {
    let mut both = one("o1", &["a", "b"], 1);
    both.label = Some(3);
    let house = house(&[both, one("o2", &["a"], 2), one("o3", &["b"], 3)]);
    assert_eq!(
        ids(&house, &house.person("ana", 0), "patient=ana", 1),
        ["o3"]
    );
    let closed = house.person("ana", 1 << 3);
    assert_eq!(ids(&house, &closed, "patient=ana", 1), ["o3", "o2"]);
    let later = "patient=ana&date=ge2024-01-01T00:02:00Z";
    assert_eq!(ids(&house, &house.all(), later, 1), ["o3", "o2"]);
    house.delete("Observation/o1");
    assert_eq!(ids(&house, &house.all(), "patient=ana", 1), ["o3", "o2"]);
}

#[test]
fn without_a_patient_it_is_refused_in_words() {
    let house = house(&[]);
    let refused = house.store.lastn(&house.all(), &ask("code=a"), 1);
    let Err(Error::Invalid { diagnostics, .. }) = refused else {
        panic!("it was answered");
    };
    assert!(diagnostics.contains("`patient`"), "{diagnostics}");
}

#[test]
fn as_a_naive_reading_of_all_gives() {
    // A small generator (Knuth's MMIX constants); the same each time.
    let mut state = 7u64;
    let mut roll = |sides: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize % sides
    };
    let sets: [&[&'static str]; 10] = [
        &["a"],
        &["b"],
        &["c"],
        &["d"],
        &["e"],
        &["a", "b"],
        &["c", "f"],
        &["f", "d"],
        &[],
        &[],
    ];
    let all: Vec<One> = (0..240)
        .map(|n| One {
            id: format!("o{n}"),
            person: ["ana", "ana", "bea"][roll(3)],
            codes: sets[roll(sets.len())].to_vec(),
            text: ["Text", "text", "T e x t"][roll(3)],
            minute: Some(roll(40)).filter(|minute| *minute > 3),
            category: ["lab", "vital"][roll(2)],
            label: Some(roll(6) as u8).filter(|label| *label < 2),
        })
        .collect();
    let house = house(&all);
    for hidden in [0, 1, 3] {
        let permits = [
            house.person("ana", hidden),
            house.permit(Scope::People(std::sync::Arc::new(move |_| {
                Labels(hidden).into()
            }))),
        ];
        for permit in &permits {
            for max in [1, 2, 5] {
                let check = |text: &str, holds: &dyn Fn(&One) -> bool| {
                    let open = |one: &&One| {
                        one.person == "ana"
                            && one.label.is_none_or(|label| hidden >> label & 1 == 0)
                    };
                    let some: Vec<&One> =
                        all.iter().filter(open).filter(|one| holds(one)).collect();
                    let found = ids(&house, permit, text, max);
                    let set: BTreeSet<String> = found.iter().cloned().collect();
                    assert_eq!(set.len(), found.len());
                    assert_eq!(
                        set,
                        naive(&some, max),
                        "{text}, {max} of each, without {hidden}"
                    );
                };
                check("patient=ana", &|_| true);
                check("subject=Patient/ana&category=lab", &|one| {
                    one.category == "lab"
                });
                check("patient=ana&code=a,c", &|one| {
                    one.codes.iter().any(|code| ["a", "c"].contains(code))
                });
                check("patient=ana&code:not=a", &|one| !one.codes.contains(&"a"));
                check("patient=ana&date=lt2024-01-01T00:20:00Z", &|one| {
                    one.minute.is_some_and(|minute| minute < 20)
                });
                check("patient.identifier=http://ids|ana", &|_| true);
            }
        }
    }
}
