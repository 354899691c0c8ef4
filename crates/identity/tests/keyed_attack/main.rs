//! The attacks that encodings for linkage fell to, on plain Bloom filters (where they must work, or they would say
//! nothing of ours) and on our sheets.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test says what it expects.

mod bloom;
mod people;
mod read;
mod structure;

use bloom::Bloom;
use identity::Registration;
use identity::keyed::{Part, Sheet, Terms, encode, pairs};
use people::{Dice, country, elsewhere};
use structure::{Rows, known};

const PARTS: [Part; 7] = [
    Part::Given,
    Part::First,
    Part::Second,
    Part::Year,
    Part::Day,
    Part::Postcode,
    Part::Street,
];

fn terms(secret: u8, people: usize) -> Terms {
    Terms::new(&[secret; 32], b"here/there/1", &PARTS, people)
}

/// A member's sheet and, for each person, her row.
fn sheet(terms: &Terms, own: u8, people: &[Registration]) -> (Sheet, Rows) {
    let alone: Vec<&[Registration]> = people.iter().map(std::slice::from_ref).collect();
    let (sheet, of) = encode(terms, &[own; 32], &alone);
    let mut rows = vec![Vec::new(); people.len()];
    for (row, person) in tokens(&sheet).into_iter().zip(of) {
        rows[person as usize] = row;
    }
    (sheet, rows)
}

/// What anybody can read on a sheet: the first eight bytes of each token, row by row.
fn tokens(sheet: &Sheet) -> Rows {
    let text = serde_json::to_value(sheet).unwrap();
    let tokens = text["tokens"].as_array().unwrap();
    let number = |token: &serde_json::Value| {
        let bytes = token.as_array().unwrap()[..8].iter();
        bytes.fold(0, |n, b| n << 8 | b.as_u64().unwrap())
    };
    let width = tokens.len() / sheet.people();
    tokens
        .chunks(width)
        .map(|row| row.iter().map(number).collect())
        .collect()
}

/// The fields that the foil encodes, as written.
fn fields(one: &Registration) -> [String; 4] {
    [&one.given, &one.first, &one.second, &one.birth].map(|field| field.clone().unwrap_or_default())
}

fn hash(value: impl std::hash::Hash) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The attacker's public register, and a member's people, every third of whom stands in it.
fn public_and_member() -> (Vec<Registration>, Vec<Registration>) {
    let public = country(6_000, 1);
    let member = public.iter().step_by(3).cloned().collect();
    (public, member)
}

#[test]
fn plain_bloom_filters_are_read_back_and_sheets_are_not() {
    let (public, member) = public_and_member();
    let mut all_names = vec![true; member.len()];
    for field in 0..3 {
        let values: Vec<String> = member
            .iter()
            .map(|one| fields(one)[field].clone())
            .collect();
        let known: Vec<String> = public
            .iter()
            .map(|one| fields(one)[field].clone())
            .collect();
        let filters: Vec<Bloom> = values.iter().map(|v| Bloom::of(v, 0x5ec2e7)).collect();
        let read = read::read(&filters, &known, Bloom::likeness, bloom::likeness);
        let right: Vec<bool> = filters
            .iter()
            .zip(&values)
            .map(|(f, v)| read.get(f) == Some(v))
            .collect();
        let share = right.iter().filter(|r| **r).count() as f64 / right.len() as f64;
        let commonest = guessing(&values);
        println!(
            "field {field} of plain Bloom filters: {share:.3} read; guessing the commonest {commonest:.3}"
        );
        assert!(
            share > 0.6 && share > 4.0 * commonest,
            "the attack must work where it is known to: {share}"
        );
        all_names
            .iter_mut()
            .zip(right)
            .for_each(|(all, right)| *all &= right);
    }
    let whole = all_names.iter().filter(|all| **all).count() as f64 / member.len() as f64;
    println!("whole names read from plain Bloom filters: {whole:.3}");
    assert!(whole > 0.4);

    // The same attack on each place of our rows, where it may say what it likes of the whole name.
    let names = |all: &[Registration]| -> Vec<String> {
        all.iter().map(|one| fields(one)[..3].join(" ")).collect()
    };
    let (values, known) = (names(&member), names(&public));
    let (_, rows) = sheet(&terms(1, member.len()), 2, &member);
    let likeness = |a: &u64, b: &u64| f64::from(64 - (a ^ b).count_ones()) / 64.0;
    let commonest = guessing(&values);
    for place in [0, rows[0].len() / 2] {
        let column: Vec<u64> = rows.iter().map(|row| row[place]).collect();
        let read = read::read(&column, &known, likeness, bloom::likeness);
        let right = column
            .iter()
            .zip(&values)
            .filter(|(t, v)| read.get(*t) == Some(*v))
            .count();
        let share = right as f64 / values.len() as f64;
        println!(
            "place {place} of our rows: {share:.4} read; guessing the commonest {commonest:.4}"
        );
        assert!(share <= commonest.max(0.003), "{share}");
    }
}

/// The share that is right if the commonest value is said of everybody.
fn guessing(values: &[String]) -> f64 {
    let most = values
        .iter()
        .map(|v| values.iter().filter(|w| *w == v).count())
        .max();
    most.unwrap() as f64 / values.len() as f64
}

#[test]
fn rows_are_not_known_by_what_they_share() {
    let (_, member) = public_and_member();
    let marks = vec![0; member.len()];

    let clear: Rows = member
        .iter()
        .map(|one| fields(one).map(hash).to_vec())
        .collect();
    let filters: Rows = member
        .iter()
        .map(|one| {
            fields(one)
                .map(|value| hash(Bloom::of(&value, 0x5ec2e7)))
                .to_vec()
        })
        .collect();
    let share = known(&filters, &clear, &marks);
    println!("rows of plain Bloom filters known by their structure: {share:.4}");
    assert!(
        share > 0.9,
        "the attack must work where it is known to: {share}"
    );

    // Our tokens without what a sheet does to them: each person's written on a sheet of her own.
    let alone = |secret: u8| -> Rows {
        let terms = terms(secret, member.len());
        let row = |one: &Registration| sheet(&terms, secret, std::slice::from_ref(one)).1.remove(0);
        member.iter().map(row).collect()
    };
    let bare = known(&alone(1), &alone(7), &marks);
    println!("rows of bare tokens known by their structure: {bare:.4}");
    assert!(bare > 0.02, "what the sheet is for: {bare}");

    // The attacker writes a sheet of the very people under a secret of his own: it is shaped as theirs is.
    let ours = sheet(&terms(1, member.len()), 2, &member).1;
    let his = sheet(&terms(7, member.len()), 8, &member).1;
    let share = known(&ours, &his, &marks);
    println!(
        "rows of a sheet known by their structure: {share:.6}, one in {:.0}",
        1.0 / share
    );
    assert!(share <= 1.001 / member.len() as f64, "{share}");
}

#[test]
fn a_third_party_knows_few_rows_by_which_of_them_met() {
    let (_, here) = public_and_member();
    let mut dice = Dice(9);
    let there: Vec<Registration> = here
        .iter()
        .step_by(2)
        .map(|one| elsewhere(&mut dice, one.clone()))
        .collect();
    let both = |secret: u8| -> Rows {
        let terms = terms(secret, here.len());
        let mut rows = sheet(&terms, 2, &here).1;
        rows.extend(sheet(&terms, 3, &there).1);
        rows
    };
    let marks: Vec<u64> = (0..here.len() + there.len())
        .map(|i| u64::from(i < here.len()))
        .collect();
    let share = known(&both(1), &both(7), &marks);
    println!(
        "rows of two sheets known by which of them met, both members' people known in the clear: {share:.4}"
    );
    assert!(share < 0.15, "{share}");
}

#[test]
fn whoever_has_the_secret_can_try_people_out() {
    let (public, member) = public_and_member();
    let terms = terms(1, public.len());
    let (theirs, _) = sheet(&terms, 2, &member);
    let (guesses, _) = sheet(&terms, 3, &public);
    let found = pairs(&theirs, &guesses).unwrap().len() as f64 / member.len() as f64;
    println!("people found by trying all of a public register with the secret: {found:.3}");
    assert!(found > 0.9, "this is what halves are for: {found}");
}
