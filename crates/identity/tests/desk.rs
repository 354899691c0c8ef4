//! The register of a running node.

#![allow(clippy::unwrap_used)] // A test says what it expects.

use identity::{Desk, Grade, Identifier, Registration};
use mx::{Sex, systems};

fn woman(given: &str, first: &str, second: &str, birth: &str) -> Registration {
    Registration {
        given: Some(given.into()),
        first: Some(first.into()),
        second: Some(second.into()),
        birth: Some(birth.into()),
        sex: Some(Sex::Woman),
        ..Registration::default()
    }
}

fn with_number(mut of: Registration, system: &str, value: &str) -> Registration {
    of.identifiers.push(Identifier {
        system: system.into(),
        value: value.into(),
        confirmed: true,
    });
    of
}

const NAMES: [&str; 8] = [
    "Elvira", "Norma", "Rocío", "Irma", "Delia", "Berta", "Celia", "Flora",
];
const SURNAMES: [&str; 8] = [
    "Quiroga", "Tamez", "Zepeda", "Nava", "Robledo", "Camacho", "Villa", "Baeza",
];

/// Strangers under the names `s0`, `s1`...
fn strangers(desk: &Desk, number: usize) {
    for i in 0..number {
        let (first, second) = (SURNAMES[i % 8], SURNAMES[(i / 8 + 3) % 8]);
        let birth = format!("{}-{:02}-{:02}", 1940 + i % 60, 1 + i % 12, 1 + i % 28);
        let one = woman(NAMES[(i / 3) % 8], first, second, &birth);
        desk.changed(&format!("s{i}"), 1, Some(one));
    }
}

/// Few, of whom nothing is learnt, and enough to learn from.
const SIZES: [usize; 2] = [30, 500];

fn ids(desk: &Desk, of: &Registration) -> Vec<String> {
    let found = desk.resembling(of).unwrap().into_iter();
    let likely = found.filter(|one| one.grade >= Grade::Probable);
    likely.map(|one| one.id).collect()
}

fn lucia() -> Registration {
    Registration {
        phones: vec!["55 5123 4567".into()],
        mother: Some("Elvira Arroyo Ríos".into()),
        ..woman("Lucía Fernanda", "Escamilla", "Arroyo", "1991-02-03")
    }
}

#[test]
fn nothing_is_found_before_the_register_is_open_and_nothing_is_lost() {
    for size in SIZES {
        let desk = Desk::default();
        strangers(&desk, size);
        assert_eq!(desk.changed("she", 1, Some(lucia())), [""; 0]);
        assert_eq!(desk.resembling(&lucia()), None);
        assert_eq!(desk.pairs(9, |_, _| true), None);
        desk.open();
        assert_eq!(ids(&desk, &lucia()), ["she"], "{size}");
    }
}

#[test]
fn to_look_leaves_nothing_behind() {
    for size in SIZES {
        let desk = Desk::default();
        strangers(&desk, size);
        desk.changed("she", 1, Some(lucia()));
        desk.open();
        let misspelt = woman("Lucia Fernanda", "Escamiya", "Arrollo", "1991-02-03");
        let first = desk.resembling(&misspelt).unwrap();
        assert_eq!(first[0].id, "she");
        for name in ["Xóchitl Ramona", "Zulema", "Lucía Fernanda"] {
            desk.resembling(&woman(name, "Otra", "Más", "2001-01-01"));
        }
        assert_eq!(desk.resembling(&misspelt).unwrap(), first);
        assert_eq!(
            desk.pairs(9, |one, other| one == "she" || other == "she"),
            Some(vec![])
        );
    }
}

#[test]
fn a_changed_registration_takes_the_place_of_the_old_one() {
    for size in SIZES {
        let desk = Desk::default();
        strangers(&desk, size);
        desk.changed("she", 1, Some(lucia()));
        desk.open();
        let married = woman("Lucía Fernanda", "Montemayor", "Cantú", "1959-09-09");
        desk.changed("she", 3, Some(married.clone()));
        assert_eq!(ids(&desk, &lucia()), [""; 0]);
        assert_eq!(ids(&desk, &married), ["she"]);
        // What was heard late is older.
        desk.changed("she", 2, Some(lucia()));
        assert_eq!(ids(&desk, &lucia()), [""; 0]);
        desk.changed("she", 4, None);
        assert_eq!(ids(&desk, &married), [""; 0]);
    }
}

#[test]
fn whoever_arrives_is_laid_beside_the_whole_register() {
    for size in SIZES {
        let desk = Desk::default();
        strangers(&desk, size);
        desk.open();
        desk.changed("one", 1, Some(lucia()));
        desk.changed(
            "two",
            1,
            Some(woman("Lucia F.", "Escamilla", "Arroyo", "1991-02-03")),
        );
        let mine = |one: &str, _: &str| one == "one";
        let pairs = desk.pairs(9, mine).unwrap();
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].names, ["one", "two"]);
        assert!(pairs[0].grade >= Grade::Possible && !pairs[0].conflict);
        let why = desk.explain("one", "two").unwrap();
        assert!(
            why.sentence.contains("la fecha de nacimiento coincide"),
            "{}",
            why.sentence
        );
        desk.changed("two", 2, None);
        assert_eq!(desk.pairs(9, mine), Some(vec![]));
        assert_eq!(desk.explain("one", "two"), None);
    }
}

#[test]
fn a_confirmed_number_decides_and_one_that_is_contradicted_is_shown() {
    for size in SIZES {
        let desk = Desk::default();
        strangers(&desk, size);
        desk.changed(
            "one",
            1,
            Some(with_number(lucia(), systems::NSS, "12345678903")),
        );
        desk.changed(
            "early",
            1,
            Some(with_number(lucia(), systems::NSS, "12345678903")),
        );
        assert_eq!(
            desk.open(),
            [["early".to_owned(), "one".to_owned()]],
            "{size}"
        );
        let again = with_number(lucia(), systems::NSS, "12345678903");
        let mut said = desk.changed("two", 1, Some(again));
        said.sort();
        assert_eq!(said, ["early", "one"]);
        // The same number on somebody else; and another's data twice, with two numbers.
        let man = Registration {
            sex: Some(Sex::Man),
            ..woman("Rogelio", "Urquiza", "Montes", "1948-10-30")
        };
        let man = with_number(man, systems::NSS, "12345678903");
        assert_eq!(desk.changed("wrong", 1, Some(man)), [""; 0]);
        let ofelia = Registration {
            phones: vec!["33 3123 4567".into()],
            mother: Some("Nicolasa Pruneda Ibarra".into()),
            ..woman("Ofelia", "Urdiales", "Pruneda", "1963-07-19")
        };
        for (id, number) in [("first", "43928170563"), ("second", "60271839457")] {
            let it = with_number(ofelia.clone(), systems::NSS, number);
            assert_eq!(desk.changed(id, 1, Some(it)), [""; 0]);
        }
        let conflicts = desk.pairs(99, |_, _| true).unwrap().into_iter();
        let conflicts: Vec<[String; 2]> = conflicts
            .filter(|pair| pair.conflict)
            .map(|pair| pair.names)
            .collect();
        for (one, other) in [("one", "wrong"), ("two", "wrong"), ("first", "second")] {
            let named = |names: &[String; 2]| {
                names.contains(&one.to_owned()) && names.contains(&other.to_owned())
            };
            assert!(conflicts.iter().any(named), "{one} {other}: {conflicts:?}");
        }
    }
}

/// Two registrations of one person each, in pairs: `p0a` and `p0b`, `p1a` ...
fn families(desk: &Desk, numbers: std::ops::Range<usize>) {
    for i in numbers {
        let (first, second) = (SURNAMES[i % 8], SURNAMES[(i / 8 + 3) % 8]);
        let birth = format!("{}-{:02}-{:02}", 1940 + i % 60, 1 + i % 12, 1 + i % 28);
        let given = format!("{} {}", NAMES[(i / 3) % 8], NAMES[(i / 5 + 1) % 8]);
        let phone = format!("55 51{:06}", i * 7919 % 1_000_000);
        for (end, name) in [("a", given.clone()), ("b", given.replace("Rocío", "Chío"))] {
            let one = Registration {
                phones: vec![phone.clone()],
                ..woman(&name, first, second, &birth)
            };
            desk.changed(&format!("p{i}{end}"), 1, Some(one));
        }
    }
}

#[test]
fn a_register_that_has_grown_learns_anew_while_it_answers() {
    let desk = Desk::default();
    assert!(!desk.is_due(), "nothing is open");
    desk.open();
    families(&desk, 0..150);
    assert!(!desk.is_due(), "too few to learn from");
    families(&desk, 150..220);
    desk.changed("she", 1, Some(lucia()));
    desk.changed("gone", 1, Some(lucia()));
    desk.changed("gone", 2, None);
    assert!(desk.is_due());
    let before = desk.resembling(&lucia()).unwrap();

    desk.gather_again();
    families(&desk, 0..220);
    assert_eq!(desk.resembling(&lucia()).unwrap(), before, "it answers");
    desk.changed("she", 1, Some(lucia()));
    // What happens meanwhile is in both.
    let zulema = woman("Zulema Irene", "Quiroga", "Baeza", "1988-08-08");
    desk.changed("new", 1, Some(zulema.clone()));
    desk.changed("p7b", 2, None);
    assert_eq!(ids(&desk, &zulema), ["new"]);
    desk.open();

    assert!(!desk.is_due());
    assert_eq!(ids(&desk, &zulema), ["new"]);
    assert_eq!(ids(&desk, &lucia()), ["she"]);
    let after = desk.resembling(&lucia()).unwrap();
    assert_ne!(before[0].score, after[0].score, "the weights are others");
    // The same as a register that was told all of it at once.
    let whole = Desk::default();
    families(&whole, 0..220);
    whole.changed("she", 1, Some(lucia()));
    whole.changed("new", 1, Some(zulema));
    whole.changed("p7b", 2, None);
    whole.open();
    let pairs = |of: &Desk| of.pairs(1_000, |_, _| true).unwrap();
    let named = |of: &Desk| {
        let mut all: Vec<[String; 2]> = pairs(of).into_iter().map(|p| p.names).collect();
        all.iter_mut().for_each(|names| names.sort());
        all.sort();
        all
    };
    assert!(named(&desk).len() >= 100, "{}", named(&desk).len());
    assert!(named(&desk) == named(&whole));
    // To open it once more changes nothing.
    assert_eq!(desk.open(), [[""; 2]; 0]);
    assert_eq!(desk.resembling(&lucia()).unwrap(), after);
}

#[test]
fn a_register_of_which_most_have_changed_lets_go_of_the_old() {
    let desk = Desk::default();
    strangers(&desk, 500);
    desk.open();
    for version in 2..4 {
        assert!(!desk.is_due());
        for i in 0..500 {
            let one = woman(
                "Nadia",
                "Ochoa",
                "Lira",
                &format!("{}-01-01", 1900 + i % 99),
            );
            desk.changed(&format!("s{i}"), version, Some(one));
        }
    }
    assert!(desk.is_due());
}
