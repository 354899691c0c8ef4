//! The same model, with search parameters that are activated, replaced and taken out in the middle of histories, and an
//! index that comes after them step by step, across restarts.
//!
//! At every look a parameter is wholly there, or refused; and every row is what it should be at that point (`fsck`).

use super::*;
use crate::common::Counting;

/// Parameters: type, code, kind, and two expressions, of which the second replaces the first.
const DEFINED: &[(&str, &str, &str, [&str; 2])] = &[
    (
        "Observation",
        "size",
        "quantity",
        [
            "Observation.value.ofType(Quantity)",
            "Observation.value.ofType(Quantity).where(value > 15)",
        ],
    ),
    (
        "Observation",
        "lab",
        "reference",
        [
            "Observation.performer",
            "Observation.performer | Observation.subject",
        ],
    ),
    // The person's own Patient: such references have no rows of their own.
    (
        "Observation",
        "who",
        "reference",
        [
            "Observation.subject",
            "Observation.subject.where(reference = 'Patient/p1')",
        ],
    ),
    (
        "Observation",
        "moment",
        "date",
        [
            "Observation.effective",
            "Observation.effective.ofType(dateTime)",
        ],
    ),
    (
        "Patient",
        "kin",
        "string",
        ["Patient.name.family", "Patient.name.given"],
    ),
    (
        "Patient",
        "cared",
        "token",
        [
            "Patient.generalPractitioner.exists()",
            "Patient.birthDate.exists()",
        ],
    ),
    (
        "Organization",
        "title",
        "string",
        ["Organization.name", "Organization.name.upper()"],
    ),
];

/// What is asked with them.
const QUESTIONS: &[(&str, &str)] = &[
    ("Observation", "size=gt20"),
    ("Observation", "size=le10.5||mg"),
    ("Observation", "size:missing=true"),
    ("Observation", "size=gt5&code=718-7&date=ge2020"),
    ("Observation", "lab=Organization/org1"),
    ("Observation", "lab:missing=false"),
    ("Observation", "lab:Organization.name=lab"),
    ("Observation", "lab:Organization.title=lab"),
    ("Observation", "who=Patient/p1"),
    ("Observation", "who:missing=true"),
    ("Observation", "who:Patient.kin=gar"),
    ("Observation", "who:Patient.cared=true&size=gt5"),
    ("Observation", "moment=ge2021"),
    ("Observation", "moment=lt2021-03&moment:missing=false"),
    ("Observation", "_sort=moment"),
    ("Observation", "_sort=-moment&size:missing=false"),
    ("Observation", "patient.kin=muñ"),
    ("Patient", "kin=gar"),
    ("Patient", "kin:exact=Munoz"),
    ("Patient", "kin:contains=o"),
    ("Patient", "kin:missing=true"),
    ("Patient", "cared=true"),
    ("Patient", "cared:not=true"),
    ("Patient", "_has:Observation:who:size=gt10"),
    ("Patient", "_has:Observation:subject:lab=Organization/org2"),
    ("Organization", "title=lab"),
    ("Organization", "title:exact=SUR"),
    ("Organization", "_has:Observation:lab:moment=ge2021"),
];

#[derive(Clone, Debug)]
enum Move {
    Usual(Step),
    /// A definition is stored, as its first or second kind, and activated.
    Load(usize, usize),
    /// It is deactivated, or its resource is deleted.
    Unload(usize, bool),
    /// Steps of the index.
    Walk(usize),
    /// Everything is compared.
    Look,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let load = (0..DEFINED.len(), 0..2usize).prop_map(|(which, kind)| Move::Load(which, kind));
    let unload =
        (0..DEFINED.len(), any::<bool>()).prop_map(|(which, gone)| Move::Unload(which, gone));
    let usual = prop_oneof![
        3 => patient(),
        8 => observation(),
        2 => organization(),
        1 => (0..8u8).prop_map(|id| Step::Delete("Observation", format!("o{id}"))),
        1 => (1..4u8).prop_map(|id| Step::Delete("Patient", format!("p{id}"))),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(
        prop_oneof![
            12 => usual.prop_map(Move::Usual),
            4 => load,
            2 => unload,
            4 => (1..4usize).prop_map(Move::Walk),
            1 => Just(Move::Look),
        ],
        1..60,
    )
}

fn definition(which: usize, kind: usize) -> String {
    let (base, code, of, expressions) = DEFINED[which];
    format!(
        r#"{{"resourceType":"SearchParameter","id":"sp{which}","url":"urn:{code}","name":"x","status":"active","description":"x","code":"{code}","base":["{base}"],"type":"{of}","expression":"{}"}}"#,
        expressions[kind]
    )
}

/// Opened so that the index waits for us, in small steps.
fn by_hand(place: &dyn Place) -> House {
    let options = Options {
        keyring: Some(place.keys().to_owned()),
        indexes: false,
        index_batch: 2,
        ..Options::default()
    };
    let (store, seal) = Store::over(
        place.engine(),
        options,
        Box::new(TestRules),
        Box::new(TestWitness),
    )
    .unwrap();
    House { store, seal }
}

/// What is loaded, as the model has it: which, and of which kind.
type InUse = BTreeMap<usize, usize>;

fn act_on(house: &House, change: Change) -> Written {
    let mut done = house.change(vec![change]).unwrap();
    done.written.remove(0)
}

fn load(house: &House, model: &mut Model, used: &mut InUse, which: usize, kind: usize) {
    model.step(house, Step::Put(read(&definition(which, kind))));
    let id = format!("sp{which}");
    let written = act_on(house, Change::Activate { id });
    let changed = used.insert(which, kind) != Some(kind);
    assert_eq!(written.changed, changed, "{which} {kind}");
}

fn unload(house: &House, model: &mut Model, used: &mut InUse, which: usize, gone: bool) {
    let id = format!("sp{which}");
    let there = used.remove(&which).is_some();
    match gone {
        true => model.step(house, Step::Delete("SearchParameter", id)),
        false => {
            let written = act_on(house, Change::Deactivate { id });
            assert_eq!(written.changed, there);
        }
    }
}

fn sound(house: &House, told: &str) {
    let mut found = Vec::new();
    let mut report = |told| {
        if let Told::Found(finding) = told {
            found.push(finding);
        }
    };
    house
        .store
        .fsck(&house.seal, &Counting, &mut report)
        .unwrap();
    // Acts of tests have no names of their own.
    found.retain(|one: &Finding| !one.what.starts_with("the name of act"));
    assert_eq!(found, [], "{told}");
}

fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Everything that can be asked is answered as the model answers it; what cannot is refused.
fn look(house: &House, model: &mut Model, used: &InUse) {
    let searchable = house.store.searchable();
    model.catalog = Some(searchable.all().clone());
    let all = house.store.indexing_now(&house.seal).unwrap();
    let active = all.iter().filter(|at| at.phase != Phase::Leaving);
    let active: BTreeSet<String> = active.map(|at| at.id.clone()).collect();
    let wanted: BTreeSet<String> = used.keys().map(|which| format!("sp{which}")).collect();
    assert_eq!(active, wanted);
    let mut answered = Vec::new();
    for (kind, question) in QUESTIONS {
        let parse = |catalog: &Catalog| {
            let parsed = query::parse(catalog, of(kind), &pairs(question), query::Handling::Strict);
            parsed.map(|query| Query {
                count: 2,
                total: true,
                ..query
            })
        };
        match (parse(searchable.ready()), parse(searchable.all())) {
            (Ok(query), _) => answered.push(query),
            (Err(_), Ok(query)) => {
                let refused = house.store.search(&house.all(), &query, None);
                let refused = refused.err();
                assert!(
                    matches!(&refused, Some(Error::Indexing(at)) if at.phase == Phase::Coming),
                    "{question}: {refused:?}"
                );
                assert!(!searchable.coming(&query).is_empty());
            }
            (Err(_), Err(_)) => {}
        }
    }
    compare(house, model, &answered);
    sound(house, "in the middle");
}

fn finish(house: &House) {
    while house.store.index_more().unwrap() {}
    let all = house.store.indexing_now(&house.seal).unwrap();
    assert!(all.iter().all(|at| at.phase == Phase::Ready), "{all:?}");
}

fn story(place: &dyn Place, moves: Vec<Move>) {
    let mut house = by_hand(place);
    let (mut model, mut used) = (Model::default(), InUse::new());
    for one in moves {
        match one {
            Move::Usual(step) => {
                if matches!(step, Step::Reopen) {
                    drop(house);
                    house = by_hand(place);
                }
                model.step(&house, step);
            }
            Move::Load(which, kind) => load(&house, &mut model, &mut used, which, kind),
            Move::Unload(which, gone) => unload(&house, &mut model, &mut used, which, gone),
            Move::Walk(steps) => {
                for _ in 0..steps {
                    house.store.index_more().unwrap();
                }
            }
            Move::Look => look(&house, &mut model, &used),
        }
    }
    look(&house, &mut model, &used);
    finish(&house);
    look(&house, &mut model, &used);
    drop(house);
    house = by_hand(place);
    look(&house, &mut model, &used);
    for which in used.clone().into_keys() {
        unload(&house, &mut model, &mut used, which, false);
    }
    house.store.index_more().unwrap();
    sound(&house, "while they leave");
    finish(&house);
    look(&house, &mut model, &used);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn in_memory_loaded_parameters_are_wholly_there_or_refused(moves in moves()) {
        story(&memory(), moves);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]
    #[test]
    fn on_disk_and_across_reopening_loaded_parameters_as_well(moves in moves()) {
        story(&OnDisk(tempfile::tempdir().unwrap()), moves);
    }
    #[test]
    fn in_postgres_and_across_reopening_loaded_parameters_as_well(moves in moves()) {
        if let Some(place) = on_server() {
            story(&place, moves);
        }
    }
}
