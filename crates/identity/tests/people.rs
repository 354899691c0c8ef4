//! The people whom registers confuse, by name. Each story stands in a register of other people, from which the weights
//! are learnt, and must come out right.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test says what it expects.

use identity::{Address, Apart, Grade, Identifier, Index, Register, Registration, link};
use mx::{Sex, systems};

/// A register of strangers: everybody twice, the second time with a slip here and there. No random numbers: the same
/// each time.
fn strangers(people: usize) -> Vec<Registration> {
    const GIVEN: [&str; 20] = [
        "María",
        "Juan",
        "María Guadalupe",
        "Pedro",
        "Verónica",
        "Luis",
        "Alejandra",
        "Miguel",
        "Rosa",
        "Jorge",
        "Patricia",
        "Ricardo",
        "Leticia",
        "Arturo",
        "Silvia",
        "Héctor",
        "Norma",
        "Daniel",
        "Elena",
        "Sergio",
    ];
    const SURNAMES: [&str; 24] = [
        "Hernández",
        "García",
        "Martínez",
        "López",
        "González",
        "Pérez",
        "Rodríguez",
        "Sánchez",
        "Ramírez",
        "Cruz",
        "Flores",
        "Gómez",
        "Morales",
        "Vázquez",
        "Reyes",
        "Jiménez",
        "Torres",
        "Díaz",
        "Gutiérrez",
        "Ruiz",
        "Mendoza",
        "Aguilar",
        "Ortiz",
        "Castillo",
    ];
    let mut out = Vec::new();
    let mut state = 12_345u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for i in 0..people {
        let given = GIVEN[next(20)];
        let woman = given.ends_with('a') || given == "María Guadalupe";
        let (first, second) = (SURNAMES[next(24)], SURNAMES[next(24)]);
        let (year, month, day) = (1940 + next(80), 1 + next(12), 1 + next(28));
        let one = Registration {
            given: Some(given.to_owned()),
            first: Some(first.to_owned()),
            second: Some(second.to_owned()),
            birth: Some(format!("{year}-{month:02}-{day:02}")),
            sex: Some(if woman { Sex::Woman } else { Sex::Man }),
            addresses: vec![home(
                &format!("Calle {}", next(300)),
                &next(900).to_string(),
                &format!("{:05}", 1000 + next(400)),
            )],
            phones: vec![format!("55{:08}", 10_000_000 + next(80_000_000))],
            ..Registration::default()
        };
        let mut two = one.clone();
        match i % 8 {
            0 => two.birth = Some(format!("{year}-{month:02}-{:02}", 1 + (day + 3) % 28)),
            1 => two.first = Some(first.replace('z', "s")),
            2 => two.second = None,
            3 => two.addresses = vec![home("Avenida Nueva", &next(900).to_string(), "77000")],
            4 => two.phones.clear(),
            _ => {}
        }
        out.push(one);
        out.push(two);
    }
    out
}

fn home(street: &str, number: &str, postcode: &str) -> Address {
    Address {
        street: Some(street.to_owned()),
        number: Some(number.to_owned()),
        postcode: Some(postcode.to_owned()),
        ..Address::default()
    }
}

fn person(given: &str, first: &str, second: &str, birth: &str) -> Registration {
    let text = |s: &str| (!s.is_empty()).then(|| s.to_owned());
    Registration {
        given: text(given),
        first: text(first),
        second: text(second),
        birth: text(birth),
        ..Registration::default()
    }
}

/// A CURP with the right digit put behind its first seventeen characters.
fn right(head: &str) -> String {
    format!("{head}{}", mx::curp::rules::check_digit(head).unwrap())
}

fn curp(value: &str, confirmed: bool) -> Identifier {
    Identifier {
        system: systems::CURP.to_owned(),
        value: value.to_owned(),
        confirmed,
    }
}

/// Puts a story among strangers; for each of its registrations, which of the story's it was put to first.
fn told(story: &[Registration]) -> Vec<usize> {
    told_among(&strangers(200), story)
}

/// A register in which everybody has a brother or sister in the same house, each written twice.
fn families(number: usize) -> Vec<Registration> {
    let elder = strangers(number);
    let mut all = Vec::new();
    for (i, one) in elder.iter().enumerate() {
        let mut younger = one.clone();
        let names = [["Teresa", "Gloria"], ["Óscar", "Raúl"]];
        let woman = one.sex == Some(Sex::Woman);
        younger.given = Some(names[usize::from(!woman)][i / 2 % 2].to_owned());
        let born = one.birth.as_deref().unwrap().split('-');
        let born: Vec<usize> = born.map(|n| n.parse().unwrap()).collect();
        let family = i / 2;
        younger.birth = Some(format!(
            "{}-{:02}-{:02}",
            born[0] + 2 + family % 5,
            1 + (born[1] + 5 * family) % 12,
            1 + (born[2] + 11 * family) % 28
        ));
        all.extend([one.clone(), younger]);
    }
    all
}

/// The same among others of whom the register is.
fn told_among(others: &[Registration], story: &[Registration]) -> Vec<usize> {
    let mut register = Register::default();
    register.extend(others);
    let before = register.len();
    register.extend(story);
    let found = link(&register, &Apart::default());
    let own = &found.person[before..];
    if story.len() > 1 {
        // Shown when the test fails.
        let why = register.explain(&found.model, before as u32, before as u32 + 1);
        println!("{:#?}", why.map(|w| (w.probability, w.relatives, w.fields)));
    }
    for p in own {
        assert!(*p as usize >= before, "a stranger was drawn into the story");
    }
    own.iter().map(|p| *p as usize - before).collect()
}

fn family_home(mut of: Registration) -> Registration {
    of.addresses = vec![home("Privada de los Fresnos", "12", "06700")];
    of.phones = vec!["55 5123 4567".to_owned()];
    of
}

#[test]
fn one_woman_written_in_five_ways_is_one() {
    let mut married = person("Ma. Fernanda", "Escamilla", "de Robles", "2001-02-03");
    married.identifiers = vec![curp("EAAF010203MNLSRRA7", false)];
    let mut wrong_digit = person("MARIA FERNANDA", "ESCAMILLA", "ARROYO", "2001-02-03");
    wrong_digit.identifiers = vec![curp("EAAF010203MNLSRRA1", false)];
    let exchanged = person("María Fernanda", "Escamilla", "Arroyo", "2001-03-02");
    let one = person("María Fernanda", "Escamilla", "Arroyo", "2001-02-03");
    let sounds = person("Maria Fernanda", "Escamiya", "Arrollo", "03/02/2001");
    assert_eq!(
        told(&[one, married, wrong_digit, exchanged, sounds]),
        [0; 5]
    );
}

#[test]
fn twins_are_two() {
    let boy = family_home(person("Juan Carlos", "Ibáñez", "Trejo", "2010-05-17"));
    let girl = family_home(person("Ana Karen", "Ibáñez", "Trejo", "2010-05-17"));
    assert_eq!(told(&[boy.clone(), girl.clone(), boy, girl]), [0, 1, 0, 1]);
}

#[test]
fn twin_sisters_written_once_each_are_two_where_people_have_families() {
    let mut elena = family_home(person("Elena", "Ibáñez", "Trejo", "2010-05-17"));
    elena.sex = Some(Sex::Woman);
    let mut sofia = elena.clone();
    sofia.given = Some("Sofía".to_owned());
    assert_eq!(told_among(&families(200), &[elena, sofia]), [0, 1]);
}

#[test]
fn a_twin_brother_and_sister_of_one_name_are_two() {
    let mut boy = family_home(person("Fernando", "Ibáñez", "Trejo", "2010-05-17"));
    boy.sex = Some(Sex::Man);
    let mut girl = boy.clone();
    girl.given = Some("Fernanda".to_owned());
    girl.sex = Some(Sex::Woman);
    let story = [boy.clone(), girl.clone(), boy, girl];
    assert_eq!(told(&story), [0, 1, 0, 1]);
    assert_eq!(told_among(&families(200), &story), [0, 1, 0, 1]);
}

#[test]
fn twins_with_almost_one_curp_are_two() {
    let mut juan = family_home(person("José Juan", "Ibáñez", "Trejo", "2010-05-17"));
    juan.identifiers = vec![curp(&right("IATJ100517HDFBRNA"), false)];
    let mut julian = family_home(person("José Julián", "Ibáñez", "Trejo", "2010-05-17"));
    julian.identifiers = vec![curp(&right("IATJ100517HDFBRLA"), false)];
    assert_eq!(
        told(&[juan.clone(), julian.clone(), juan, julian]),
        [0, 1, 0, 1]
    );
}

#[test]
fn a_father_and_a_son_of_one_name_are_two() {
    let father = family_home(person("José Luis", "Quiñones", "Baeza", "1955-08-21"));
    let son = family_home(person("José Luis", "Quiñones", "Olvera", "1984-11-02"));
    let unsure = family_home(person("José Luis", "Quiñones", "", "1984-11-02"));
    assert_eq!(
        told(&[father.clone(), son.clone(), father, son, unsure]),
        [0, 1, 0, 1, 1]
    );
}

#[test]
fn a_father_and_a_son_who_share_both_surnames_are_two() {
    let father = family_home(person("Pedro", "López", "López", "1960-01-20"));
    let son = family_home(person("Pedro", "López", "López", "1990-10-05"));
    assert_eq!(
        told(&[father.clone(), son.clone(), father, son]),
        [0, 1, 0, 1]
    );
}

#[test]
fn siblings_born_on_one_day_of_different_years_are_two() {
    let elder = family_home(person("Claudia", "Zepeda", "Nava", "1998-07-09"));
    let younger = family_home(person("Mariana", "Zepeda", "Nava", "1999-07-09"));
    assert_eq!(told(&[elder.clone(), younger.clone()]), [0, 1]);
    assert_eq!(
        told(&[elder.clone(), younger.clone(), elder, younger]),
        [0, 1, 0, 1]
    );
}

#[test]
fn namesakes_who_share_nothing_else_are_two() {
    let here = person("María Guadalupe", "Hernández", "García", "1970-12-12");
    let there = person("María Guadalupe", "Hernández", "García", "1981-04-30");
    assert_eq!(told(&[here, there]), [0, 1]);
}

#[test]
fn an_adopted_child_is_one_by_her_confirmed_curp_and_two_without_it() {
    let before = family_home(person("Lucía", "Ríos", "Peña", "2015-03-03"));
    let mut after = person("Lucía", "Camacho", "Villa", "2015-03-03");
    after.addresses = vec![home("Calle Roble", "8", "44100")];
    assert_eq!(told(&[before.clone(), after.clone()]), [0, 1]);
    let with = |mut of: Registration| {
        of.identifiers = vec![curp("RIPL150303MJCSXCA0", true)];
        of
    };
    assert_eq!(told(&[with(before), with(after)]), [0, 0]);
}

#[test]
fn somebody_renamed_is_one_by_a_confirmed_number_and_neither_twin_nor_sister_without_it() {
    let mut before = family_home(person("Juan Pablo", "Ibáñez", "Trejo", "1991-05-17"));
    before.sex = Some(Sex::Man);
    let mut after = before.clone();
    after.given = Some("Alexa Renata".to_owned());
    after.sex = Some(Sex::Woman);
    let story = [before.clone(), after.clone(), before.clone(), after.clone()];
    assert_eq!(told(&story), [0, 1, 0, 1]);
    let number = Identifier {
        system: systems::NSS.to_owned(),
        value: "12345678903".to_owned(),
        confirmed: true,
    };
    before.identifiers = vec![number.clone()];
    after.identifiers = vec![number];
    assert_eq!(told(&[before, after]), [0, 0]);
}

#[test]
fn two_confirmed_curps_that_differ_keep_apart_whatever_agrees() {
    let of = |value: &str| {
        let mut of = family_home(person("Ana", "Robledo", "Paz", "1990-01-01"));
        of.identifiers = vec![curp(value, true)];
        of
    };
    let story = [
        of("ROPA900101MDFBZN09"),
        of("ROPA900101MDFBZN17"),
        of("ROPA900101MDFBZN09"),
    ];
    assert_eq!(told(&story), [0, 1, 0]);
    let mut register = Register::default();
    register.extend(&story);
    let model = identity::Model::first(3);
    let why = register.explain(&model, 0, 1).unwrap();
    assert!(why.decided && why.grade == Grade::CertainlyNot);
    assert_eq!(why.conflicts.len(), 1, "{}", why.sentence);
}

#[test]
fn a_newborn_without_a_name_becomes_who_she_is() {
    let mut unnamed = family_home(person("RN", "Carranza", "Ochoa", "2026-10-30"));
    unnamed.mother = Some("Elvira Ochoa Ríos".to_owned());
    let mut named = family_home(person("Regina", "Carranza", "Ochoa", "2026-10-30"));
    named.mother = Some("Elvira Ochoa Ríos".to_owned());
    assert_eq!(told(&[unnamed, named]), [0, 0]);
}

#[test]
fn names_exchanged_and_pet_names_are_found() {
    let mut one = person("Francisco", "Ávalos", "Rendón", "1972-09-14");
    one.phones = vec!["333 444 5566".to_owned()];
    let mut pet = person("Paco", "Avalos", "Rendon", "1972-09-14");
    pet.phones = vec!["3334445566".to_owned()];
    let turned = person("Francisco", "Rendón", "Ávalos", "1972-09-14");
    assert_eq!(told(&[one, pet, turned]), [0, 0, 0]);
}

#[test]
fn what_says_nothing_links_nobody() {
    let nothing = Registration::default();
    let long = person(&"María ".repeat(2_000), &"z".repeat(10_000), "", "");
    let unknown = person("DESCONOCIDO", "XX", "SE IGNORA", "0000-00-00");
    let emoji = person("😀😀", "🌮", "", "ayer");
    let only_common = person("María", "", "", "");
    let story: Vec<Registration> = [nothing, long, unknown, emoji, only_common]
        .iter()
        .flat_map(|r| [r.clone(), r.clone()])
        .collect();
    let people = told(&story);
    assert_eq!(people, (0..story.len()).collect::<Vec<_>>());
}

#[test]
fn a_wrong_link_is_undone_and_stays_undone() {
    let mut all = strangers(200);
    let one = family_home(person("Irma", "Valdés", "Quiroz", "1961-06-06"));
    let at = all.len() as u32;
    all.extend([one.clone(), one.clone(), one.clone()]);
    let mut register = Register::default();
    register.extend(&all);
    let found = link(&register, &Apart::default());
    let mut index = Index::new(register, found.model, found.person, Apart::default());
    assert_eq!(index.together(at), [at, at + 1, at + 2]);
    index.split(at, at + 2);
    assert_ne!(index.person(at), index.person(at + 2));
    let arrived = index.arrive(&one);
    assert!(
        arrived
            .candidates
            .iter()
            .any(|c| c.registration == at && c.grade == Grade::Certain)
    );
    assert_ne!(
        index.person(at),
        index.person(at + 2),
        "the arrival joined what was split"
    );
    index.unsplit(at, at + 2);
    assert_eq!(index.person(at), index.person(at + 2));
}

#[test]
fn arrivals_find_what_a_whole_register_finds() {
    let all = strangers(200);
    let mut whole = Register::default();
    whole.extend(&all);
    let wanted = link(&whole, &Apart::default());
    let mut half = Register::default();
    half.extend(&all[..200]);
    let found = link(&half, &Apart::default());
    let mut index = Index::new(half, found.model, found.person, Apart::default());
    for one in &all[200..] {
        index.arrive(one);
    }
    let same = (0..all.len() as u32).step_by(2).filter(|i| {
        let joined = wanted.person[*i as usize] == wanted.person[*i as usize + 1];
        joined == (index.person(*i) == index.person(i + 1))
    });
    let same = same.count();
    assert!(same >= 197, "{same} of 200");
}

#[test]
fn an_explanation_names_fields_and_no_values() {
    let mut register = Register::default();
    register.extend(&[
        person("José", "Quiroga", "Tamez", "1950-02-11"),
        person("Pepe", "Quiroga", "Tamez", "1950-11-02"),
    ]);
    let why = register
        .explain(&identity::Model::first(1_000), 0, 1)
        .unwrap();
    assert!(
        why.sentence
            .contains("el nombre es una forma corta o familiar del mismo"),
        "{}",
        why.sentence
    );
    assert!(
        why.sentence.contains("el día y el mes intercambiados"),
        "{}",
        why.sentence
    );
    for value in ["Quiroga", "Tamez", "1950", "Pepe"] {
        assert!(!why.sentence.contains(value), "{}", why.sentence);
    }
    assert_eq!(register.explain(&identity::Model::first(1_000), 0, 7), None);
}
