//! What a page costs in rows, while the hits of its code grow and the answer stays the same size; and that ways of looking
//! which only many resources need find what few would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::*;
use fhir::query::{self, Query};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use store::{
    engine::{Batch, Direction, Engine, Memory, Rows, Snapshot},
    *,
};

/// What an engine was asked by the test's own thread: the writer and the trainer of dictionaries read as well.
struct Counts {
    asker: std::thread::ThreadId,
    rows: AtomicUsize,
    calls: AtomicUsize,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts {
            asker: std::thread::current().id(),
            rows: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
        }
    }
}

impl Counts {
    fn asked(&self, rows: usize) {
        if std::thread::current().id() == self.asker {
            self.calls.fetch_add(1, Relaxed);
            self.rows.fetch_add(rows, Relaxed);
        }
    }
}

/// An engine in memory that counts what is read.
#[derive(Default)]
struct Counting {
    inner: Memory,
    counts: Arc<Counts>,
}

struct View(Box<dyn Snapshot>, Arc<Counts>);

impl Engine for Counting {
    fn commit(&self, batch: &Batch) -> Result<()> {
        self.inner.commit(batch)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(View(self.inner.snapshot()?, self.counts.clone())))
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.1.asked(1);
        self.0.get(key)
    }
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        self.1.asked(keys.len());
        self.0.get_many(keys)
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        let before = rows.len();
        let done = self.0.scan(from, to, direction, limit, rows);
        self.1.asked(1 + rows.len() - before);
        done
    }
}

fn ask(text: &str) -> Query {
    ask_of("Observation", text)
}

fn ask_of(kind: &str, text: &str) -> Query {
    let pairs: Vec<(String, String)> = text
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let catalog = fhir::search::Catalog::r4();
    query::parse(&catalog, of(kind), &pairs, query::Handling::Strict).unwrap()
}

/// Observation `n` of a code: the value grows with the number, the days go round.
fn observation(n: usize) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"effectiveDateTime":"20{:02}-{:02}-{:02}T10:00:00Z","valueQuantity":{{"value":{n},"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}}}"#,
        n / 336 % 30,
        1 + n / 28 % 12,
        1 + n % 28
    )
}

fn house(count: usize) -> (House, Arc<Counts>) {
    let engine = Counting::default();
    let counts = engine.counts.clone();
    let keys = tempfile::tempdir().unwrap();
    let house = over(Arc::new(engine), keys.path());
    let texts: Vec<String> = (0..count).map(observation).collect();
    for some in texts.chunks(500) {
        house.put(&some.iter().map(String::as_str).collect::<Vec<_>>());
    }
    (house, counts)
}

fn pages(house: &House, text: &str) -> Vec<usize> {
    let (permit, query) = (house.all(), ask(text));
    let mut ids = Vec::new();
    let mut next = None;
    loop {
        let held = house.store.search(&permit, &query, next.as_ref()).unwrap();
        let page = house.open(&permit, held);
        ids.extend(
            page.matches
                .iter()
                .map(|one| one.id[1..].parse::<usize>().unwrap()),
        );
        next = page.next;
        if next.is_none() {
            return ids;
        }
    }
}

#[test]
fn a_page_costs_what_it_shows_however_many_have_the_code() {
    let cost = |count: usize, text: &str| {
        let (house, counts) = house(count);
        let before = counts.rows.load(Relaxed);
        let permit = house.all();
        let held = house.store.search(&permit, &ask(text), None).unwrap();
        assert!(held.seen().len() <= 20);
        counts.rows.load(Relaxed) - before
    };
    for (text, most) in [
        ("code=718-7&_count=20", 400),
        ("code=http://loinc.org|718-7&date=2000-01-05&_count=20", 400),
        (
            "code=http://loinc.org|718-7&value-quantity=lt15||mg&_count=20",
            200,
        ),
        (
            "code=http://loinc.org|718-7&value-quantity=gt50||mg&_count=20",
            200,
        ),
        (
            "code=http://loinc.org|718-7&value-quantity=ge100||mg&value-quantity=lt110||mg&_count=20",
            200,
        ),
    ] {
        let (few, many) = (cost(250, text), cost(2500, text));
        assert!(
            many < most && many < few + 100,
            "{text}: {few} rows, then {many}"
        );
    }
}

/// Rows and calls that a first page takes, and how many it shows.
fn page_costs(house: &House, counts: &Counts, kind: &str, text: &str) -> (usize, usize, usize) {
    let before = (counts.rows.load(Relaxed), counts.calls.load(Relaxed));
    let query = ask_of(kind, &format!("{text}&_count=20"));
    let held = house.store.search(&house.all(), &query, None).unwrap();
    (
        counts.rows.load(Relaxed) - before.0,
        counts.calls.load(Relaxed) - before.1,
        held.seen().len(),
    )
}

#[test]
fn a_page_of_the_newest_changes_costs_what_it_shows() {
    let cost = |count: usize, text: &str| {
        let (house, counts) = house(count);
        let (rows, _, shown) = page_costs(&house, &counts, "Observation", text);
        assert_eq!(shown, 20);
        rows
    };
    for text in [
        "_lastUpdated=ge2020",
        "_sort=-_lastUpdated",
        "_lastUpdated=ge2020&_lastUpdated=lt2100&_sort=_lastUpdated",
    ] {
        let (few, many) = (cost(250, text), cost(2500, text));
        assert!(many < 300 && many < few + 30, "{text}: {few}, then {many}");
    }
}

/// People of five families, each of whom has the code.
fn families(count: usize) -> (House, Arc<Counts>) {
    let (house, counts) = house(1);
    let mut texts = Vec::new();
    for n in 0..count {
        let family = n % 5;
        texts.push(format!(
            r#"{{"resourceType":"Patient","id":"p{n}","name":[{{"family":"Gar{family}cia"}}]}}"#
        ));
        let subject = format!(r#""subject":{{"reference":"Patient/p{n}"}},"status""#);
        texts.push(
            observation(n)
                .replace(r#""status""#, &subject)
                .replace(r#""id":"o"#, r#""id":"hers"#),
        );
    }
    for some in texts.chunks(500) {
        house.put(&some.iter().map(String::as_str).collect::<Vec<_>>());
    }
    (house, counts)
}

/// Each look at another resource would be a call of its own.
#[test]
fn what_many_have_and_what_many_of_a_name_have_takes_no_more_calls_when_they_are_four_times_as_many()
 {
    let (small, large) = (families(120), families(480));
    for (kind, text) in [
        ("Patient", "_has:Observation:patient:code=718-7"),
        ("Patient", "_has:Observation:subject:code=718-7&name=gar"),
        ("Observation", "subject.family=gar3cia&code=718-7"),
        ("Observation", "patient.name=gar3cia"),
        ("Patient", "name:contains=3cia"),
    ] {
        let calls = |(house, counts): &(House, Arc<Counts>)| {
            let (_, calls, shown) = page_costs(house, counts, kind, text);
            assert_eq!(shown, 20, "{text}");
            calls
        };
        let (few, many) = (calls(&small), calls(&large));
        assert!(many <= few + 20, "{text}: {few}, then {many}");
    }
}

#[test]
fn many_are_found_in_the_order_asked_for_page_by_page() {
    let (house, _) = house(2500);
    let up: Vec<usize> = (0..2500).collect();
    let down: Vec<usize> = (0..2500).rev().collect();
    assert_eq!(pages(&house, "_sort=value-quantity&_count=300"), up);
    assert_eq!(pages(&house, "_sort=-value-quantity&_count=300"), down);
    assert_eq!(pages(&house, "_sort=date&_count=300"), up);
    assert_eq!(pages(&house, "_sort=-date&code=718-7&_count=300"), down);
    let above: Vec<usize> = (100..2500).collect();
    let question = "code=718-7&value-quantity=ge100||mg&_count=300";
    assert_eq!(pages(&house, question), above);
    let within: Vec<usize> = (101..=300).collect();
    let question = "code=718-7&value-quantity=gt100||mg&value-quantity=le300||mg&_count=30";
    assert_eq!(pages(&house, question), within);
    let question = "code=718-7&value-quantity=gt300||mg&value-quantity=le300||mg";
    assert_eq!(pages(&house, question), []);
}

#[test]
fn the_newest_of_each_code_cost_the_same_when_each_has_ten_times_as_many() {
    let cost = |count: usize| {
        let engine = Counting::default();
        let counts = engine.counts.clone();
        let keys = tempfile::tempdir().unwrap();
        let house = over(Arc::new(engine), keys.path());
        house.put(&[r#"{"resourceType":"Patient","id":"ana"}"#]);
        let texts: Vec<String> = (0..count)
            .map(|n| {
                let code = n % 5;
                let both = format!(
                    r#"{{"system":"http://loinc.org","code":"{code}"}},{{"code":"mine-{code}"}}"#
                );
                observation(n)
                    .replace(r#"{"system":"http://loinc.org","code":"718-7"}"#, &both)
                    .replace(
                        r#""status""#,
                        r#""subject":{"reference":"Patient/ana"},"status""#,
                    )
            })
            .collect();
        for some in texts.chunks(500) {
            house.put(&some.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let before = counts.rows.load(Relaxed);
        let permit = house.all();
        let held = house.store.lastn(&permit, &ask("patient=ana"), 2).unwrap();
        assert_eq!(held.seen().len(), 10);
        counts.rows.load(Relaxed) - before
    };
    let (few, many) = (cost(300), cost(2000));
    assert!(many < few + 100, "{few} rows, then {many}");
}

/// A person as most are: all of hers is read at once, whatever it is about.
#[test]
fn the_newest_of_each_code_of_a_usual_record_take_as_many_calls_for_many_codes_as_for_few() {
    let calls = |codes: usize| {
        let (house, counts) = house(1);
        let mut texts = vec![r#"{"resourceType":"Patient","id":"ana"}"#.to_owned()];
        texts.extend((0..60).map(|n| {
            let code = n % codes;
            let both = format!(r#"{{"code":"{code}"}},{{"code":"mine-{code}"}}"#);
            observation(n)
                .replace(r#"{"system":"http://loinc.org","code":"718-7"}"#, &both)
                .replace(
                    r#""status""#,
                    r#""subject":{"reference":"Patient/ana"},"status""#,
                )
        }));
        house.put(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let permit = house.all();
        let before = counts.calls.load(Relaxed);
        let held = house.store.lastn(&permit, &ask("patient=ana"), 1).unwrap();
        assert_eq!(held.seen().len(), codes);
        counts.calls.load(Relaxed) - before
    };
    let (few, many) = (calls(5), calls(30));
    assert!(many <= few + 2, "{few}, then {many}");
}

/// An engine across a network pays per call.
#[test]
fn a_page_of_a_hundred_asks_the_engine_about_as_often_as_a_page_of_ten() {
    let (house, counts) = house(120);
    let permit = house.all();
    let calls = |text: &str, shown: usize| {
        let before = counts.calls.load(Relaxed);
        let held = house.store.search(&permit, &ask(text), None).unwrap();
        assert_eq!(held.seen().len(), shown);
        counts.calls.load(Relaxed) - before
    };
    let (ten, hundred) = (
        calls("code=718-7&_count=10", 10),
        calls("code=718-7&_count=100", 100),
    );
    assert!(hundred <= ten + 3, "{ten} then {hundred}");
}

#[test]
fn a_long_record_asks_the_engine_about_as_often_as_a_short_one() {
    let calls = |count: usize| {
        let (house, counts) = house(1);
        let mut texts = vec![r#"{"resourceType":"Patient","id":"ana"}"#.to_owned()];
        for n in 0..count {
            texts.push(format!(
                r#"{{"resourceType":"Organization","id":"org{n}"}}"#
            ));
            texts.push(format!(
                r#"{{"resourceType":"Observation","id":"hers{n}","status":"final","code":{{"text":"a"}},"subject":{{"reference":"Patient/ana"}},"performer":[{{"reference":"Organization/org{n}"}}]}}"#
            ));
        }
        house.put(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let permit = house.person("ana", 0);
        let before = counts.calls.load(Relaxed);
        let held = house.store.everything(&permit, &Asked::default()).unwrap();
        // Ana, what was seen of her, and who did it.
        assert_eq!(held.seen().len(), 1 + 2 * count);
        counts.calls.load(Relaxed) - before
    };
    let (few, many) = (calls(5), calls(100));
    assert!(many <= few + 5, "{few} then {many}");
}

#[test]
fn a_rare_word_costs_what_has_it_and_no_text_is_read_for_it() {
    let (house, counts) = house(2000);
    let text = observation(7).replace(
        r#""status""#,
        r#""note":[{"text":"muestra hemolizada"}],"status""#,
    );
    house.put(&[&text]);
    let permit = house.all();
    let before = counts.rows.load(Relaxed);
    let held = house
        .store
        .search(&permit, &ask("_content=hemolizada"), None)
        .unwrap();
    let page = house.open(&permit, held);
    assert_eq!(page.matches.len(), 1);
    let cost = counts.rows.load(Relaxed) - before;
    assert!(cost < 60, "{cost} rows");
}

#[test]
fn a_piece_of_a_name_costs_what_has_it_however_many_other_people_there_are() {
    let cost = |count: usize| {
        let (house, counts) = families(count);
        let rare = r#"{"resourceType":"Patient","id":"rare","name":[{"family":"Ixtlahuac","text":"Señora Ixtlahuac de la Sierra de Zongolica"}]}"#;
        house.put(&[rare]);
        let cost = |text: &str| {
            let (rows, _, shown) = page_costs(&house, &counts, "Patient", text);
            assert_eq!(shown, 1, "{text}");
            rows
        };
        [
            "family:contains=tlahu",
            "name:contains=tlahu",
            // Beyond the beginning that stands in the index in order.
            "name:contains=Zongolica",
            "name:contains=de la sierra,ixtla",
        ]
        .map(cost)
    };
    let (few, many) = (cost(100), cost(1500));
    assert!(many.iter().all(|rows| *rows < 80), "{many:?} rows");
    assert!(
        few.iter().zip(many).all(|(few, many)| many <= few + 10),
        "{few:?}, then {many:?}"
    );
}
