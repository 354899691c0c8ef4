//! A run between two members, message by message as it would travel.

#![allow(clippy::unwrap_used)] // A test says what it expects.

use identity::Registration;
use identity::keyed::{Accept, Answering, Asking, Limits, Met, Offer, Part, Refused};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const NAMES: [&str; 2] = ["imss", "issste"];
const PARTS: [Part; 5] = [
    Part::Given,
    Part::First,
    Part::Second,
    Part::Year,
    Part::Day,
];
const LIMITS: Limits = Limits {
    people: 10,
    parts: &PARTS,
};

fn person(given: &str, first: &str, second: &str, birth: &str) -> Registration {
    Registration {
        given: Some(given.to_owned()),
        first: Some(first.to_owned()),
        second: Some(second.to_owned()),
        birth: Some(birth.to_owned()),
        ..Registration::default()
    }
}

fn here() -> Vec<Registration> {
    vec![
        person("Juan", "Ibáñez", "Trejo", "1955-08-21"),
        person("Guadalupe", "Quiñones", "Baeza", "1984-11-02"),
    ]
}

fn there() -> Vec<Registration> {
    vec![
        person("Lupita", "Quiñones", "Baesa", "1984-02-11"),
        person("Elena", "Zepeda", "Nava", "1990-07-09"),
        person("Rosa", "Mijangos", "Cruz", "1971-01-30"),
    ]
}

fn rows(people: &[Registration]) -> Vec<&[Registration]> {
    people.iter().map(std::slice::from_ref).collect()
}

/// All that travels in a run, in order, as text; something may be changed on the way.
struct Wire<'a> {
    sent: Vec<String>,
    change: &'a dyn Fn(usize, &mut Value),
}

impl Wire<'_> {
    fn carry<T: Serialize + DeserializeOwned>(&mut self, message: &T) -> T {
        let mut value = serde_json::to_value(message).unwrap();
        (self.change)(self.sent.len(), &mut value);
        self.sent.push(value.to_string());
        serde_json::from_value(value).unwrap()
    }
}

/// What both sides found, and what travelled.
type Ran = (Vec<Met>, Vec<Met>, Vec<String>);

fn run(random: u8, change: &dyn Fn(usize, &mut Value)) -> Result<Ran, Refused> {
    let (here, there) = (here(), there());
    let mut wire = Wire {
        sent: Vec::new(),
        change,
    };
    let (asking, offer) = Asking::start(NAMES, rows(&here), &PARTS, &[random; 32]);
    let offer: Offer = wire.carry(&offer);
    let (answering, accept) =
        Answering::start(NAMES, &offer, &LIMITS, &rows(&there), &[random + 1; 32])?;
    let accept: Accept = wire.carry(&accept);
    let (asked, veiled) = asking.agreed(&accept, &LIMITS)?;
    let (answered, reply) = answering.answer(&wire.carry(&veiled))?;
    let (ours, told) = asked.compare(wire.carry(&reply))?;
    let theirs = answered.hear(&wire.carry(&told))?;
    Ok((ours, theirs, wire.sent))
}

/// Every token or number of 32 bytes in what travelled.
fn numbers(sent: &[String]) -> std::collections::HashSet<String> {
    let mut found = std::collections::HashSet::new();
    let mut left: Vec<Value> = sent
        .iter()
        .map(|s| serde_json::from_str(s).unwrap())
        .collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(all) if all.len() == 32 && all.iter().all(Value::is_u64) => {
                found.insert(Value::Array(all).to_string());
            }
            Value::Array(all) => left.extend(all),
            Value::Object(all) => left.extend(all.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    found
}

#[test]
fn both_sides_hear_who_met_and_in_which_parts() {
    let (ours, theirs, _) = run(1, &|_, _| {}).unwrap();
    assert_eq!((ours.len(), theirs.len()), (1, 1));
    assert_eq!((ours[0].person, theirs[0].person), (1, 0));
    assert_eq!(ours[0].agreed, PARTS);
    assert_eq!(ours[0].agreed, theirs[0].agreed);
    assert!((ours[0].probability - theirs[0].probability).abs() < 1e-12);
}

#[test]
fn what_travels_names_nobody_and_two_runs_share_no_number() {
    let (_, _, first) = run(1, &|_, _| {}).unwrap();
    let (_, _, second) = run(11, &|_, _| {}).unwrap();
    let text = first.concat().to_lowercase();
    for word in [
        "lupita",
        "guadalupe",
        "quiñones",
        "baeza",
        "ibáñez",
        "elena",
    ] {
        assert!(!text.contains(word), "{word}");
    }
    let (first, second) = (numbers(&first), numbers(&second));
    assert!(first.len() > 100, "{}", first.len());
    assert!(first.is_disjoint(&second));
}

#[test]
fn what_was_not_agreed_is_refused() {
    let refused = |step: usize, pointer: &'static str, to: Value| {
        run(1, &move |at, message| {
            if at == step {
                *message.pointer_mut(pointer).unwrap() = to.clone();
            }
        })
        .err()
    };
    let too_many = Refused::Large {
        people: 11,
        accepted: 10,
    };
    assert_eq!(
        refused(0, "/forms", json!("tejido/keyed/0")),
        Some(Refused::Forms)
    );
    assert_eq!(
        refused(0, "/parts", json!(["given", "curp"])),
        Some(Refused::Parts)
    );
    assert_eq!(refused(0, "/parts", json!([])), Some(Refused::Parts));
    assert_eq!(refused(0, "/people", json!(11)), Some(too_many));
    assert_eq!(refused(1, "/people", json!(11)), Some(too_many));
    // Said two, sent one or three; said three, sent another number.
    assert_eq!(refused(0, "/people", json!(1)), Some(Refused::Other));
    assert_eq!(refused(1, "/people", json!(2)), Some(Refused::Other));
    // Points that are none, chances that are none, a sheet that came back short.
    assert_eq!(
        refused(2, "/points/0", json!(vec![255; 32])),
        Some(Refused::Point)
    );
    assert_eq!(refused(2, "/chances/0", json!(0.0)), Some(Refused::Other));
    assert_eq!(refused(3, "/both/tokens", json!([])), Some(Refused::Other));
    // Rows that there are not, twice, or that agree in what was not compared.
    assert_eq!(refused(4, "/pairs/0/a", json!(2)), Some(Refused::Rows));
    assert_eq!(refused(4, "/pairs/0/b", json!(3)), Some(Refused::Rows));
    assert_eq!(
        refused(4, "/pairs/0/probability", json!(0.2)),
        Some(Refused::Rows)
    );
    assert_eq!(
        refused(4, "/pairs/0/agreed", json!(["phone"])),
        Some(Refused::Rows)
    );
    let twice = run(1, &|at, message| {
        if at == 4 {
            let again = message["pairs"][0].clone();
            message["pairs"].as_array_mut().unwrap().push(again);
        }
    });
    assert_eq!(twice.err(), Some(Refused::Rows));
}

#[test]
fn a_message_of_another_run_meets_nobody() {
    let (_, _, earlier) = run(1, &|_, _| {}).unwrap();
    // The sheet of an earlier run, sent again in a new one.
    let (ours, theirs, _) = run(11, &|at, message| {
        if at == 2 {
            *message = serde_json::from_str(&earlier[2]).unwrap();
        }
    })
    .unwrap();
    assert!(ours.is_empty() && theirs.is_empty());
}
