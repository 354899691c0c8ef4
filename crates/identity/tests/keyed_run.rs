//! A run between two members, message by message as it would travel.

#![allow(clippy::unwrap_used)] // A test says what it expects.

use identity::keyed::{
    Accept, Answering, Asked, Asking, Limits, Met, Offer, PIECE, Part, Refused, TOLD, Told,
};
use identity::{Identifier, Registration};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashSet;

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

/// The messages of a run of few people, in order.
const OFFER: usize = 0;
const ACCEPT: usize = 1;
const ASKERS: usize = 2;
const BACK: usize = 3;
const ANSWERERS: usize = 4;

fn person(given: &str, first: &str, second: &str, birth: &str) -> Vec<Registration> {
    vec![Registration {
        given: Some(given.to_owned()),
        first: Some(first.to_owned()),
        second: Some(second.to_owned()),
        birth: Some(birth.to_owned()),
        ..Registration::default()
    }]
}

fn here() -> Vec<Vec<Registration>> {
    vec![
        person("Juan", "Ibáñez", "Trejo", "1955-08-21"),
        person("Guadalupe", "Quiñones", "Baeza", "1984-11-02"),
    ]
}

fn there() -> Vec<Vec<Registration>> {
    vec![
        person("Lupita", "Quiñones", "Baesa", "1984-02-11"),
        person("Elena", "Zepeda", "Nava", "1990-07-09"),
        person("Rosa", "Mijangos", "Cruz", "1971-01-30"),
    ]
}

/// All that travels in a run, in order; something may be changed on the way.
struct Wire<'a> {
    sent: Vec<Vec<u8>>,
    change: &'a dyn Fn(usize, &mut Vec<u8>),
}

impl Wire<'_> {
    fn piece(&mut self, mut piece: Vec<u8>) -> Vec<u8> {
        (self.change)(self.sent.len(), &mut piece);
        self.sent.push(piece.clone());
        piece
    }
    fn message<T: Serialize + DeserializeOwned>(&mut self, message: &T) -> T {
        let text = self.piece(serde_json::to_vec(message).unwrap());
        serde_json::from_slice(&text).unwrap()
    }
}

/// What both sides found, and what travelled.
type Ran = (Vec<Met>, Vec<Met>, Vec<Vec<u8>>);

fn run_of(
    [here, there]: [Vec<Vec<Registration>>; 2],
    limits: &Limits,
    random: u8,
    change: &dyn Fn(usize, &mut Vec<u8>),
) -> Result<Ran, Refused> {
    let mut wire = Wire {
        sent: Vec::new(),
        change,
    };
    let (asking, offer) = Asking::start(NAMES, here, limits.parts, &[random; 32]);
    let offer: Offer = wire.message(&offer);
    let (mut answering, accept) =
        Answering::start(NAMES, &offer, limits, there, &[random + 1; 32])?;
    let accept: Accept = wire.message(&accept);
    let mut asked = asking.agreed(&accept, limits)?;
    for n in 0..asked.pieces() {
        let piece = wire.piece(asked.piece(n)?);
        let back = wire.piece(answering.twice(n, &piece)?);
        asked.take_back(&back)?;
    }
    for n in 0..asked.their_pieces() {
        asked.take_theirs(&wire.piece(answering.own(n)?))?;
    }
    let (ours, told) = asked.compare()?;
    let mut theirs = None;
    for told in &told {
        assert_eq!(theirs, None);
        theirs = answering.hear(&wire.message(told))?;
    }
    Ok((ours, theirs.unwrap(), wire.sent))
}

fn run(random: u8, change: &dyn Fn(usize, &mut Vec<u8>)) -> Result<Ran, Refused> {
    run_of([here(), there()], &LIMITS, random, change)
}

/// Both sides once they have agreed.
fn begun() -> (Asked, Answering) {
    let (asking, offer) = Asking::start(NAMES, here(), &PARTS, &[1; 32]);
    let (answering, accept) = Answering::start(NAMES, &offer, &LIMITS, there(), &[2; 32]).unwrap();
    (asking.agreed(&accept, &LIMITS).unwrap(), answering)
}

/// Both sides once the asker's sheet has gone and come back.
fn halfway() -> (Asked, Answering) {
    let (mut asked, mut answering) = begun();
    let back = answering.twice(0, &asked.piece(0).unwrap()).unwrap();
    asked.take_back(&back).unwrap();
    (asked, answering)
}

/// The answerer once its own sheet has gone, and what it will be told.
fn to_be_told() -> (Answering, Vec<Told>) {
    let (mut asked, mut answering) = halfway();
    asked.take_theirs(&answering.own(0).unwrap()).unwrap();
    let (_, told) = asked.compare().unwrap();
    (answering, told)
}

/// A message with one value changed.
fn with<T: Serialize + DeserializeOwned>(message: &T, pointer: &str, to: Value) -> T {
    let mut value = serde_json::to_value(message).unwrap();
    *value.pointer_mut(pointer).unwrap() = to;
    serde_json::from_value(value).unwrap()
}

/// Every point or number of 32 bytes in what travelled.
fn numbers(sent: &[Vec<u8>]) -> HashSet<Vec<u8>> {
    let mut found = HashSet::new();
    for message in sent {
        let Ok(value) = serde_json::from_slice::<Value>(message) else {
            found.extend(message.chunks(32).map(<[u8]>::to_vec));
            continue;
        };
        if let Some(share) = value.get("share") {
            found.insert(serde_json::from_value(share.clone()).unwrap());
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
fn both_sides_and_nobody_else_have_one_handle_for_a_pair() {
    let (ours, theirs, sent) = run(1, &|_, _| {}).unwrap();
    assert_eq!(ours[0].handle, theirs[0].handle);
    let carried = |bytes: &[u8]| bytes.windows(32).any(|window| window == ours[0].handle);
    assert!(!sent.iter().any(|message| carried(message)));
    let (again, _, _) = run(11, &|_, _| {}).unwrap();
    assert_eq!((again[0].person, again.len()), (1, 1));
    assert_ne!(again[0].handle, ours[0].handle);
}

#[test]
fn what_travels_names_nobody_and_two_runs_share_no_number() {
    let (_, _, first) = run(1, &|_, _| {}).unwrap();
    let (_, _, second) = run(11, &|_, _| {}).unwrap();
    let text = String::from_utf8_lossy(&first.concat()).to_lowercase();
    assert!(text.contains("given"));
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
                let value: Value = serde_json::from_slice(message).unwrap();
                *message = serde_json::to_vec(&with(&value, pointer, to.clone())).unwrap();
            }
        })
        .err()
    };
    let too_many = Some(Refused::Large {
        people: 11,
        accepted: 10,
    });
    let forms = json!("tejido/keyed/0");
    let other_parts = json!(["given", "curp"]);
    assert_eq!(refused(OFFER, "/forms", forms), Some(Refused::Forms));
    assert_eq!(refused(OFFER, "/parts", other_parts), Some(Refused::Parts));
    assert_eq!(refused(OFFER, "/parts", json!([])), Some(Refused::Parts));
    assert_eq!(refused(OFFER, "/people", json!(11)), too_many);
    assert_eq!(refused(ACCEPT, "/people", json!(11)), too_many);
    // Said two, sent one or three; said three, sent another number.
    assert_eq!(refused(OFFER, "/people", json!(1)), Some(Refused::Size));
    assert_eq!(refused(OFFER, "/people", json!(3)), Some(Refused::Size));
    assert_eq!(refused(ACCEPT, "/people", json!(2)), Some(Refused::Size));
    for none in [0.0, -0.5, 1.5] {
        let chances = refused(ACCEPT, "/chances/3", json!(none));
        assert_eq!(chances, Some(Refused::Chances));
    }
}

#[test]
fn a_piece_of_another_size_or_of_no_points_is_refused() {
    let refused = |step: usize, change: &dyn Fn(&mut Vec<u8>)| {
        run(1, &|at, message| {
            if at == step {
                change(message);
            }
        })
        .err()
    };
    for step in [ASKERS, BACK, ANSWERERS] {
        let row_less = refused(step, &|piece| piece.truncate(piece.len() - 32));
        let byte_less = refused(step, &|piece| piece.truncate(piece.len() - 1));
        let row_more = refused(step, &|piece| piece.extend([7; 32]));
        for size in [row_less, byte_less, row_more] {
            assert_eq!(size, Some(Refused::Size), "step {step}");
        }
        assert_eq!(refused(step, &Vec::clear), Some(Refused::Size));
    }
    for step in [ASKERS, ANSWERERS] {
        let point = refused(step, &|piece| piece[..32].fill(255));
        assert_eq!(point, Some(Refused::Point), "step {step}");
    }
}

#[test]
fn points_of_another_run_or_of_none_meet_nobody() {
    let (_, _, earlier) = run(1, &|_, _| {}).unwrap();
    for (step, random) in [(ASKERS, 11), (BACK, 11)] {
        let (ours, theirs, _) = run(random, &|at, message| {
            if at == step {
                message.clone_from(&earlier[step]);
            }
        })
        .unwrap();
        assert!(ours.is_empty() && theirs.is_empty());
    }
    let (ours, theirs, _) = run(1, &|at, message| {
        if at == BACK {
            message.fill(255);
        }
    })
    .unwrap();
    assert!(ours.is_empty() && theirs.is_empty());
}

#[test]
fn the_answerer_makes_no_step_out_of_turn_and_none_after_a_refusal() {
    let piece = begun().0.piece(0).unwrap();
    let over = |answering: &mut Answering, told: &Told| {
        assert_eq!(answering.twice(0, &piece), Err(Refused::Turn));
        assert_eq!(answering.own(0), Err(Refused::Turn));
        assert_eq!(answering.hear(told), Err(Refused::Turn));
    };
    let (_, told) = to_be_told();
    // Its own before the asker's; a piece that there is not; what has no piece before it; told at once.
    let (_, mut answering) = begun();
    assert_eq!(answering.own(0), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (_, mut answering) = begun();
    assert_eq!(answering.twice(1, &piece), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (_, mut answering) = begun();
    assert_eq!(answering.twice(usize::MAX, &piece), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (_, mut answering) = begun();
    assert_eq!(answering.hear(&told[0]), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    // The same piece again.
    let (_, mut answering) = halfway();
    assert_eq!(answering.twice(0, &piece), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (_, mut answering) = halfway();
    assert_eq!(answering.own(1), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (_, mut answering) = halfway();
    assert_eq!(answering.hear(&told[0]), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    let (mut answering, _) = to_be_told();
    assert_eq!(answering.own(0), Err(Refused::Turn));
    over(&mut answering, &told[0]);
    // A refused piece is not made good by a right one, and what was told last is told once.
    let (_, mut answering) = begun();
    assert_eq!(answering.twice(0, &piece[32..]), Err(Refused::Size));
    over(&mut answering, &told[0]);
    let (_, mut answering) = begun();
    let no_points = vec![255; piece.len()];
    assert_eq!(answering.twice(0, &no_points), Err(Refused::Point));
    over(&mut answering, &told[0]);
    let (mut answering, told) = to_be_told();
    assert_eq!(answering.hear(&told[0]).unwrap().unwrap().len(), 1);
    over(&mut answering, &told[0]);
}

#[test]
fn the_asker_takes_each_piece_once_and_compares_what_is_whole() {
    let (asked, _) = begun();
    assert_eq!((asked.pieces(), asked.their_pieces()), (1, 1));
    // A piece may be asked for again until it has come back.
    assert_eq!(asked.piece(0).unwrap(), asked.piece(0).unwrap());
    assert_eq!(asked.piece(1), Err(Refused::Turn));
    assert_eq!(asked.compare().err(), Some(Refused::Turn));
    let (mut asked, mut answering) = halfway();
    assert_eq!(asked.piece(0), Err(Refused::Turn));
    let theirs = answering.own(0).unwrap();
    assert_eq!(asked.take_back(&theirs), Err(Refused::Turn));
    // After that refusal nothing goes.
    assert_eq!(asked.take_theirs(&theirs), Err(Refused::Turn));
    assert_eq!(asked.compare().err(), Some(Refused::Turn));
    // Theirs may come before one's own is back; one's own is still needed.
    let (mut asked, _) = begun();
    asked.take_theirs(&theirs).unwrap();
    assert_eq!(asked.take_theirs(&theirs), Err(Refused::Turn));
    assert_eq!(asked.piece(0), Err(Refused::Turn));
    let (mut asked, _) = begun();
    asked.take_theirs(&theirs).unwrap();
    assert_eq!(asked.compare().err(), Some(Refused::Turn));
    let (asked, _) = halfway();
    assert_eq!(asked.compare().err(), Some(Refused::Turn));
    let (mut asked, _) = begun();
    assert_eq!(asked.take_back(&theirs[1..]), Err(Refused::Size));
    assert_eq!(asked.piece(0), Err(Refused::Turn));
}

#[test]
fn rows_that_cannot_have_met_are_refused() {
    let heard = |told: &Told| {
        let (mut answering, _) = to_be_told();
        answering.hear(told)
    };
    let (_, told) = to_be_told();
    assert_eq!(told.len(), 1);
    let told = &told[0];
    let changes = [
        ("/pairs/0/a", json!(2)),
        ("/pairs/0/b", json!(3)),
        ("/pairs/0/probability", json!(0.2)),
        ("/pairs/0/probability", json!(1.5)),
        ("/pairs/0/agreed", json!(["phone"])),
        ("/pairs/0/agreed", json!(["given", "given"])),
    ];
    for (pointer, to) in changes {
        let changed = with(told, pointer, to);
        assert_eq!(heard(&changed), Err(Refused::Rows), "{pointer}");
    }
    let pair = serde_json::to_value(told).unwrap()["pairs"][0].clone();
    let twice = with(told, "/pairs", json!([pair, pair]));
    assert_eq!(heard(&twice), Err(Refused::Rows));
    let too_many = with(told, "/pairs", json!(vec![&pair; TOLD + 1]));
    assert_eq!(heard(&too_many), Err(Refused::Rows));
    assert_eq!(heard(told).unwrap().unwrap().len(), 1);
}

#[test]
fn what_is_told_in_several_messages_is_checked_as_one() {
    let (_, told) = to_be_told();
    let more = with(&told[0], "/last", json!(false));
    let none = with(&told[0], "/pairs", json!([]));
    // One pair, then an empty last message: all who met.
    let (mut answering, _) = to_be_told();
    assert_eq!(answering.hear(&more), Ok(None));
    assert_eq!(answering.hear(&none).unwrap().unwrap().len(), 1);
    // The same pair, or a row of it, in a later message.
    let pair = serde_json::to_value(&told[0]).unwrap()["pairs"][0].clone();
    let (a, b) = (pair["a"].as_u64().unwrap(), pair["b"].as_u64().unwrap());
    let other_a = with(&told[0], "/pairs/0/a", json!(1 - a));
    let other_b = with(&told[0], "/pairs/0/b", json!((b + 1) % 3));
    for again in [&told[0], &other_a, &other_b] {
        let (mut answering, _) = to_be_told();
        assert_eq!(answering.hear(&more), Ok(None));
        assert_eq!(answering.hear(again), Err(Refused::Rows));
        assert_eq!(answering.hear(&none), Err(Refused::Turn));
    }
    // Nothing said, and more to come: a run that need not end.
    let endless = with(&none, "/last", json!(false));
    let (mut answering, _) = to_be_told();
    assert_eq!(answering.hear(&endless), Err(Refused::Rows));
}

#[test]
fn two_members_without_people_have_nothing_to_carry() {
    let (ours, theirs, sent) = run_of([vec![], vec![]], &LIMITS, 1, &|_, _| {}).unwrap();
    assert!(ours.is_empty() && theirs.is_empty());
    // The offer, its acceptance, and that nobody met.
    assert_eq!(sent.len(), 3);
}

/// People who have a number and nothing else: two points each.
fn numbered(numbers: std::ops::Range<u32>) -> Vec<Vec<Registration>> {
    let of = |number: u32| {
        let identifier = Identifier {
            system: "folio".to_owned(),
            value: format!("{number:06}"),
            confirmed: false,
        };
        vec![Registration {
            identifiers: vec![identifier],
            ..Registration::default()
        }]
    };
    numbers.map(of).collect()
}

#[test]
fn larger_sheets_go_in_several_pieces_and_pairs_in_several_messages() {
    let people = PIECE as u32 / 2 + 2;
    let limits = Limits {
        people: u64::from(people),
        parts: &[Part::Number],
    };
    let members = || [numbered(0..people), numbered(50..people + 50)];
    let (ours, theirs, sent) = run_of(members(), &limits, 1, &|_, _| {}).unwrap();
    // Two messages before and two after; two pieces there and back, two of the other's.
    let sizes: Vec<usize> = sent[2..8].iter().map(Vec::len).collect();
    let (whole, rest) = (PIECE * 32, 4 * 32);
    assert_eq!(sizes, [whole, whole, rest, rest, whole, rest]);
    let told: Vec<Value> = sent[8..]
        .iter()
        .map(|text| serde_json::from_slice(text).unwrap())
        .collect();
    let lengths = told.iter().map(|t| t["pairs"].as_array().unwrap().len());
    assert_eq!(
        lengths.collect::<Vec<_>>(),
        [TOLD, people as usize - 50 - TOLD]
    );
    assert_eq!(
        (&told[0]["last"], &told[1]["last"]),
        (&json!(false), &json!(true))
    );
    // Each side heard of the same pairs, in which each has one number.
    assert_eq!(
        (ours.len(), theirs.len()),
        (people as usize - 50, ours.len())
    );
    let mut handles = HashSet::new();
    for (here, there) in ours.iter().zip(&theirs) {
        assert_eq!(here.person, there.person + 50);
        assert_eq!(here.handle, there.handle);
        assert!(handles.insert(here.handle));
    }
    // The second piece first.
    let [here, there] = members();
    let (_, offer) = Asking::start(NAMES, here, limits.parts, &[1; 32]);
    let (mut answering, _) = Answering::start(NAMES, &offer, &limits, there, &[2; 32]).unwrap();
    assert_eq!(answering.twice(1, &sent[4]), Err(Refused::Turn));
    assert_eq!(answering.twice(0, &sent[2]), Err(Refused::Turn));
}

#[test]
fn a_run_can_be_carried_on_from_any_thread() {
    fn carried<T: Send + 'static>(one: T) -> T {
        std::thread::spawn(move || one).join().unwrap()
    }
    let (asking, offer) = Asking::start(NAMES, here(), &PARTS, &[1; 32]);
    let started = Answering::start(NAMES, &offer, &LIMITS, there(), &[2; 32]).unwrap();
    let (asking, (mut answering, accept)) = (carried(asking), carried(started));
    let mut asked = carried(asking.agreed(&accept, &LIMITS).unwrap());
    let back = answering.twice(0, &asked.piece(0).unwrap()).unwrap();
    asked.take_back(&back).unwrap();
    asked
        .take_theirs(&carried(answering).own(0).unwrap())
        .unwrap();
    assert_eq!(asked.compare().unwrap().0.len(), 1);
}
