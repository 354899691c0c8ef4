//! The set of loaded parameters by itself: numbers, the walk, and that its rows bring it back.

use super::*;
use crate::engine::{Engine, Memory};

const PATIENT: &str = "Patient";

fn of(name: &str) -> ResourceType {
    ResourceType::from_name(name).unwrap()
}

fn definition(code: &str, expression: &str) -> Value {
    let text = format!(
        r#"{{"resourceType":"SearchParameter","url":"urn:{code}","status":"active","code":"{code}","type":"string","base":["Patient"],"expression":"{expression}"}}"#
    );
    json::parse(text.as_bytes(), &json::Limits::default()).unwrap()
}

/// An archive in which this many patients are counted.
struct Counted(Memory, Vault);

impl Counted {
    fn new(patients: u64) -> Counted {
        let memory = Memory::default();
        let mut row = Vec::new();
        put_number(&mut row, patients);
        put_number(&mut row, 0);
        let rows = Batch::from([(Count::key(of(PATIENT)), Some(row))]);
        memory.commit(&rows).unwrap();
        Counted(memory, Vault::in_memory().unwrap())
    }
    fn read(&self) -> Loaded {
        let snapshot = self.0.snapshot().unwrap();
        Loaded::read(snapshot.as_ref(), &self.1).unwrap().0
    }
    /// Keeps the rows, and gives what they bring back.
    fn keep(&self, before: &Loaded, after: &Loaded) -> Loaded {
        self.0
            .commit(&after.rows(before, &self.1).unwrap())
            .unwrap();
        let back = self.read();
        assert_eq!(back.indexing(), after.indexing());
        assert_eq!(back.walk(), after.walk());
        back
    }
    fn activate(&self, loaded: &Loaded, id: &str, definition: Value, next: u64) -> Result<Loaded> {
        let snapshot = self.0.snapshot().unwrap();
        let made = loaded.activated((id, 1), definition, snapshot.as_ref(), next)?;
        Ok(self.keep(loaded, &made.unwrap()))
    }
    fn deactivate(&self, loaded: &Loaded, id: &str, next: u64) -> Result<Loaded> {
        let snapshot = self.0.snapshot().unwrap();
        let made = loaded.deactivated(id, snapshot.as_ref(), next)?;
        Ok(self.keep(loaded, &made.unwrap()))
    }
}

fn phases(loaded: &Loaded) -> Vec<(u16, String, Phase, u64, u64)> {
    let all = loaded.indexing().into_iter();
    all.map(|at| (at.number, at.code, at.phase, at.done, at.total))
        .collect()
}

#[test]
fn one_walk_serves_who_comes_late_as_well() {
    use Phase::*;
    let house = Counted::new(6);
    let none = house.read();
    let first = house
        .activate(&none, "a", definition("nick", "Patient.name.given"), 7)
        .unwrap();
    assert_eq!(first.walk(), Some((of(PATIENT), 7)));
    let half = first.walked(of(PATIENT), &[6, 5, 4], false);
    let half = house.keep(&first, &half);
    let second = definition("kin", "Patient.name.family");
    let both = house.activate(&half, "b", second, 9).unwrap();
    // From the top for the late one; the first one has that part already.
    assert_eq!(both.walk(), Some((of(PATIENT), 9)));
    let numbers = |loaded: &Loaded, stamp| -> Vec<u16> {
        let ana = r#"{"resourceType":"Patient","name":[{"given":["Ana"],"family":"Ruiz"}]}"#;
        let ana = json::parse(ana.as_bytes(), &json::Limits::default()).unwrap();
        let mut numbers: Vec<u16> = loaded
            .entries(of(PATIENT), &ana, stamp)
            .into_iter()
            .map(|entry| entry.number)
            .filter(|number| *number >= search::LOADED)
            .collect();
        numbers.dedup();
        numbers
    };
    let (one, two) = (search::LOADED, search::LOADED + 1);
    assert_eq!(numbers(&both, Some(9)), [one, two]);
    assert_eq!(numbers(&both, Some(5)), [one]);
    assert_eq!(numbers(&both, Some(3)), [0u16; 0]);
    assert_eq!(numbers(&both, None), [one, two]);
    let joined = house.keep(&both, &both.walked(of(PATIENT), &[8, 6, 2], false));
    assert_eq!(numbers(&joined, Some(2)), [one, two]);
    assert_eq!(numbers(&joined, Some(1)), [0u16; 0]);
    assert_eq!(
        phases(&joined),
        [
            (one, "nick".into(), Coming, 4, 6),
            (two, "kin".into(), Coming, 3, 6)
        ]
    );
    let done = house.keep(&joined, &joined.walked(of(PATIENT), &[1], true));
    assert!(!done.pending());
    assert_eq!(
        phases(&done),
        [
            (one, "nick".into(), Ready, 6, 6),
            (two, "kin".into(), Ready, 6, 6)
        ]
    );
    assert!(done.ready.parameter(of(PATIENT), "nick").is_some());
}

#[test]
fn a_number_is_taken_as_long_as_rows_of_it_may_be_there() {
    use Phase::*;
    let house = Counted::new(2);
    let nick = || definition("nick", "Patient.name.given");
    let first = house.activate(&house.read(), "a", nick(), 3).unwrap();
    let changed = definition("nick", "Patient.name.where(use='nickname').given");
    let second = house.activate(&first, "a", changed, 3).unwrap();
    let (one, two) = (search::LOADED, search::LOADED + 1);
    assert_eq!(
        phases(&second),
        [
            (one, "nick".into(), Leaving, 0, 2),
            (two, "nick".into(), Coming, 0, 2)
        ]
    );
    assert!(second.leaves(one) && second.leaves(one | IDENTIFIER) && !second.leaves(two));
    let done = house.keep(&second, &second.walked(of(PATIENT), &[2, 1], true));
    assert_eq!(phases(&done), [(two, "nick".into(), Ready, 2, 2)]);
    let other = definition("kin", "Patient.name.family");
    let other = house.activate(&done, "b", other, 3).unwrap();
    assert_eq!(phases(&other)[0], (one, "kin".into(), Coming, 0, 2));
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let house = Counted::new(1);
    let place = |made: Result<Loaded>| match made {
        Err(Error::Unloadable(issues)) => issues[0].expression.clone(),
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    };
    let nick = || definition("nick", "Patient.name.given");
    let first = house.activate(&house.read(), "a", nick(), 2).unwrap();
    let same = house.0.snapshot().unwrap();
    let again = first.activated(("a", 2), nick(), same.as_ref(), 2);
    assert!(again.unwrap().is_none(), "it is active as it is");
    assert_eq!(
        place(house.activate(&first, "b", nick(), 2)),
        "SearchParameter.url"
    );
    let taken = definition("gender", "Patient.gender");
    assert_eq!(
        place(house.activate(&first, "b", taken, 2)),
        "SearchParameter.code"
    );
    let pair = r#"{"resourceType":"SearchParameter","url":"urn:pair","status":"active","code":"pair","type":"composite","base":["Patient"],
        "expression":"Patient.name","component":[{"definition":"urn:nick","expression":"given"},
        {"definition":"http://hl7.org/fhir/SearchParameter/individual-family","expression":"family"}]}"#;
    let pair = json::parse(pair.as_bytes(), &json::Limits::default()).unwrap();
    let both = house.activate(&first, "p", pair, 2).unwrap();
    assert_eq!(
        place(house.deactivate(&both, "a", 2)),
        "SearchParameter.url"
    );
    let alone = house.deactivate(&both, "p", 2).unwrap();
    assert!(house.deactivate(&alone, "a", 2).is_ok());
}
