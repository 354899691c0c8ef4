//! The archive against the plainest model there is: a list of resources, filtered by `fhir::query::matches`.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
use common::*;
use fhir::{
    Value,
    query::{self, Condition, Query, matches},
    search::{Entry, Indexed, extract, parameter, patients},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::*;

#[derive(Clone, Debug)]
enum Step {
    Put(Value),
    Delete(&'static str, String),
    Reopen,
}

fn patient() -> impl Strategy<Value = Step> {
    (0..3u8, 0..4usize, 0..3u8, prop::option::of(0..3u8)).prop_map(|(id, name, year, label)| {
        let family = ["Muñoz", "Munoz", "García López", "gar"][name];
        let tag = tag(label);
        Step::Put(read(&format!(
            r#"{{"resourceType":"Patient","id":"p{id}","meta":{{"tag":[{tag}]}},"identifier":[{{"system":"curp","value":"C{id}"}}],"name":[{{"family":"{family}","given":["Ana"]}}],"birthDate":"198{year}-03-0{id}","gender":"female"}}"#,
            id = id + 1
        )))
    })
}

fn tag(label: Option<u8>) -> String {
    label.map_or(String::new(), |label| {
        format!(r#"{{"system":"label","code":"{label}"}}"#)
    })
}

fn observation() -> impl Strategy<Value = Step> {
    (
        0..8u8,
        prop::option::weighted(0.8, 1..4u8),
        (0..3usize, 0..2usize),
        prop::option::weighted(0.8, (0..3u8, 1..4u8, any::<bool>())),
        prop::option::weighted(0.7, 0..40i32),
        prop::option::weighted(0.3, 0..3u8),
        any::<bool>(),
    )
        .prop_map(|(id, subject, (code, system), date, value, label, org)| {
            let mut text = format!(
                r#"{{"resourceType":"Observation","id":"o{id}","meta":{{"tag":[{}]}},"status":"final","code":{{"coding":[{{"system":"{}","code":"{}"}}]}}"#,
                tag(label),
                ["http://loinc.org", "urn:local"][system],
                ["718-7", "2339-0", "x"][code],
            );
            if let Some(subject) = subject {
                text += &format!(r#","subject":{{"reference":"Patient/p{subject}"}}"#);
            }
            match date {
                Some((year, month, false)) => {
                    text += &format!(r#","effectiveDateTime":"202{year}-0{month}""#);
                }
                Some((year, month, true)) => {
                    text += &format!(
                        r#","effectivePeriod":{{"start":"202{year}-0{month}-05","end":"202{year}-0{}-07"}}"#,
                        month * 2
                    );
                }
                None => {}
            }
            if let Some(value) = value {
                text += &format!(
                    r#","valueQuantity":{{"value":{value}.5,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}"#
                );
            }
            if org {
                text += r#","performer":[{"reference":"Organization/lab"}]"#;
            }
            Step::Put(read(&(text + "}")))
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let delete = prop_oneof![
        (1..4u8).prop_map(|id| Step::Delete("Patient", format!("p{id}"))),
        (0..8u8).prop_map(|id| Step::Delete("Observation", format!("o{id}"))),
    ];
    let lab = Just(Step::Put(read(
        r#"{"resourceType":"Organization","id":"lab","name":"Laboratorio Norte"}"#,
    )));
    prop::collection::vec(
        prop_oneof![
            3 => patient(),
            8 => observation(),
            2 => delete,
            1 => lab,
            1 => Just(Step::Reopen),
        ],
        1..40,
    )
}

const QUESTIONS: &[(&str, &str)] = &[
    ("Observation", ""),
    ("Observation", "code=718-7"),
    ("Observation", "code=http://loinc.org|718-7"),
    ("Observation", "code=urn:local|"),
    ("Observation", "code=|x"),
    ("Observation", "code=718-7,2339-0&date=ge2021"),
    ("Observation", "code=718-7&date=lt2021-03"),
    ("Observation", "date=2021"),
    ("Observation", "date=gt2021-02-20"),
    ("Observation", "date=sa2020-02"),
    ("Observation", "date=eb2021-03-06&code=x"),
    ("Observation", "date=ap2021-02-06"),
    ("Observation", "date=ne2021"),
    ("Observation", "date:missing=true"),
    ("Observation", "code:not=718-7"),
    ("Observation", "subject=Patient/p1"),
    ("Observation", "patient=Patient/p2,Patient/p3&code=x"),
    ("Observation", "subject:missing=true"),
    ("Observation", "value-quantity=gt20"),
    ("Observation", "value-quantity=le10.5||mg"),
    (
        "Observation",
        "value-quantity=7.5|http://unitsofmeasure.org|mg",
    ),
    ("Observation", "subject:Patient.family=mu"),
    ("Observation", "subject:Patient.identifier=C1&code=718-7"),
    ("Observation", "performer=Organization/lab"),
    ("Observation", "_id=o1,o3,zz"),
    ("Observation", "_tag=label|1"),
    ("Observation", "_sort=date"),
    ("Observation", "_sort=-date,_id"),
    ("Observation", "_sort=_id&code=718-7"),
    ("Observation", "_sort=-_lastUpdated"),
    ("Observation", "_sort=_lastUpdated&status=final"),
    ("Patient", "name=gar"),
    ("Patient", "family=muñ"),
    ("Patient", "family:exact=Munoz"),
    ("Patient", "family:contains=pez"),
    ("Patient", "identifier=curp|C2"),
    ("Patient", "identifier=C2"),
    ("Patient", "birthdate=1981-03-02"),
    ("Patient", "birthdate=ge1981"),
    ("Patient", "gender=female&birthdate=lt1982"),
    ("Organization", "name=lab"),
];

#[derive(Default)]
struct Model {
    /// Current resources by type and id.
    current: BTreeMap<(String, String), Value>,
    /// Resources ever written.
    written: usize,
}

impl Model {
    fn own(&self, kind: &str, id: &str, resource: &Value) -> Vec<Entry> {
        let kind = of(kind);
        let mut entries = extract(kind, resource);
        entries.push(Entry {
            number: parameter(kind, "_id").unwrap().number,
            value: Indexed::Token {
                system: String::new(),
                code: id.to_owned(),
                text: String::new(),
            },
        });
        entries
    }
    fn person(kind: &str, resource: &Value) -> Option<String> {
        patients(of(kind), resource).into_iter().next()
    }
    fn open(&self, key: &(String, String), resource: &Value, eyes: &Eyes) -> bool {
        let person = Model::person(&key.0, resource);
        let hidden = match eyes {
            Eyes::All => 0,
            Eyes::Hiding(hidden) => *hidden,
            Eyes::Person(_, hidden) => *hidden,
        };
        if TestRules.labels(of(&key.0), resource).0 & hidden != 0 {
            return false;
        }
        match (eyes, person) {
            (Eyes::Person(own, _), Some(person)) => *own == person,
            (Eyes::Person(..), None) => self.current.iter().any(|(other, referring)| {
                let name = format!("{}/{}", key.0, key.1);
                Model::person(&other.0, referring).is_some()
                    && self.open(other, referring, eyes)
                    && fhir::search::references(referring)
                        .iter()
                        .any(|(to, _)| *to == name)
            }),
            _ => true,
        }
    }
    fn answer(&self, query: &Query, eyes: &Eyes) -> BTreeSet<String> {
        let kind = query.of.name();
        let mine = self.current.iter().filter(|((k, _), _)| k == kind);
        mine.filter(|(key, resource)| self.open(key, resource, eyes))
            .filter(|((_, id), resource)| {
                let entries = self.own(kind, id, resource);
                query.conditions.iter().all(|condition| match condition {
                    Condition::Is(clause) => matches(clause, &entries),
                    Condition::Refers { parameter, targets } => entries.iter().any(|entry| {
                        let Indexed::Reference(name) = &entry.value else {
                            return false;
                        };
                        let (kind, id) = name.split_once('/').unwrap();
                        let key = (kind.to_owned(), id.to_owned());
                        entry.number == parameter.number
                            && targets.iter().any(|(of, there)| {
                                let Condition::Is(there) = there else {
                                    panic!("{there:?}")
                                };
                                kind == of.name()
                                    && self.current.get(&key).is_some_and(|target| {
                                        self.open(&key, target, eyes)
                                            && matches(there, &self.own(kind, id, target))
                                    })
                            })
                    }),
                    other => panic!("{other:?}"),
                })
            })
            .map(|((_, id), _)| id.clone())
            .collect()
    }
}

#[derive(Clone, Debug)]
enum Eyes {
    All,
    Hiding(u32),
    Person(String, u32),
}

fn ask(question: &(&str, &str), count: usize) -> Query {
    let mut pairs: Vec<(String, String)> = question
        .1
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    pairs.push(("_count".into(), count.to_string()));
    pairs.push(("_total".into(), "accurate".into()));
    query::parse(
        &fhir::search::Catalog::r4(),
        of(question.0),
        &pairs,
        query::Handling::Strict,
    )
    .unwrap()
}

/// All pages, and what the first one gave as total.
fn pages(house: &House, permit: &Permit, query: &Query) -> (Vec<String>, Option<u64>) {
    let mut ids = Vec::new();
    let mut total = None;
    let mut next = None;
    loop {
        let held = house.store.search(permit, query, next.as_ref()).unwrap();
        let page = house.open(permit, held);
        total = total.or(page.total);
        assert_eq!(total, page.total, "the total stays that of the first page");
        assert!(page.matches.len() <= query.count);
        ids.extend(page.matches.into_iter().map(|version| version.id));
        next = page.next;
        if next.is_none() {
            return (ids, total);
        }
    }
}

fn compare(house: &House, model: &Model) {
    let mut eyes = vec![Eyes::All, Eyes::Hiding(0b011)];
    for id in ["p1", "p2"] {
        let known = house
            .store
            .person_of(&house.seal, of("Patient"), id)
            .unwrap();
        if known.is_some() {
            eyes.push(Eyes::Person(id.to_owned(), 0));
            eyes.push(Eyes::Person(id.to_owned(), 0b101));
        }
    }
    for eyes in &eyes {
        let permit = match eyes {
            Eyes::All => house.all(),
            Eyes::Hiding(hidden) => {
                let hidden = Labels(*hidden);
                house.permit(Scope::People(std::sync::Arc::new(move |_| hidden)))
            }
            Eyes::Person(id, hidden) => house.person(id, *hidden),
        };
        for question in QUESTIONS {
            let query = ask(question, 3);
            let (ids, total) = pages(house, &permit, &query);
            let once: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(
                once.len(),
                ids.len(),
                "no double: {question:?} {eyes:?} {ids:?}"
            );
            assert_eq!(once, model.answer(&query, eyes), "{question:?} {eyes:?}");
            assert_eq!(total, Some(ids.len() as u64), "{question:?} {eyes:?}");
        }
        if !matches!(eyes, Eyes::Person(..)) {
            let held = house.store.counts(&permit).unwrap();
            for (kind, count) in house.open(&permit, held) {
                let expected = model
                    .current
                    .iter()
                    .filter(|(key, r)| key.0 == kind.name() && model.open(key, r, eyes))
                    .count();
                assert_eq!(count, expected as u64, "{kind} {eyes:?}");
            }
        } else if let Eyes::Person(own, hidden) = eyes {
            let held = house.store.everything(&permit, &Asked::default()).unwrap();
            let page = house.open(&permit, held);
            let all: BTreeSet<String> = page.matches.iter().map(|v| v.id.clone()).collect();
            let of_person =
                |key: &(String, String), r: &Value| Model::person(&key.0, r).as_ref() == Some(own);
            let expected: BTreeSet<String> = model
                .current
                .iter()
                .filter(|(key, r)| of_person(key, r) && model.open(key, r, eyes))
                .map(|(key, _)| key.1.clone())
                .collect();
            assert_eq!(all, expected, "{eyes:?}");
            let withheld = model.current.iter().any(|(key, r)| {
                of_person(key, r) && TestRules.labels(of(&key.0), r).0 & hidden != 0
            });
            assert_eq!(
                house.store.withholds(&permit).unwrap(),
                withheld,
                "{eyes:?}"
            );
        }
    }
    let permit = house.all();
    let held = house
        .store
        .history(&permit, &HistoryOf::System, None, 0, None)
        .unwrap();
    assert_eq!(house.open(&permit, held).matches.len(), model.written);
}

fn run(steps: Vec<Step>, on_disk: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut house = if on_disk {
        open(dir.path())
    } else {
        in_memory()
    };
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Put(resource) => {
                let key = (
                    resource.text("resourceType").unwrap().to_owned(),
                    resource.text("id").unwrap().to_owned(),
                );
                let written = house.put(&[&resource.to_string()]);
                let changed = model.current.get(&key) != Some(&resource);
                assert_eq!(written.written[0].changed, changed);
                model.written += usize::from(changed);
                model.current.insert(key, resource);
            }
            Step::Delete(kind, id) => {
                let written = house.delete(&format!("{kind}/{id}"));
                let gone = model.current.remove(&(kind.to_owned(), id)).is_some();
                assert_eq!(written.written[0].changed, gone);
                model.written += usize::from(gone);
            }
            Step::Reopen if on_disk => {
                drop(house);
                house = open(dir.path());
            }
            Step::Reopen => {}
        }
    }
    compare(&house, &model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn in_memory_every_question_is_answered_as_the_model_answers_it(steps in steps()) {
        run(steps, false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]
    #[test]
    fn on_disk_and_across_reopening_as_well(steps in steps()) {
        run(steps, true);
    }
}
