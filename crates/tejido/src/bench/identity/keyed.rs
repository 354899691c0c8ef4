//! The same registers as two members', linked by keyed tokens alone: how well, beside the clear engine.
//!
//! Where a set says which of its records are originals, one member has these and the other the rest; elsewhere each
//! registration is at one of the two as if by lot. Each member finds its own people first, in the clear. Counted are the
//! pairs of registrations across the two.

use super::sets::{Fit, across};
use crate::{Error, out};
use identity::keyed::{Part, Sheet, Terms, encode, pairs};
use identity::{Address, Apart, Register, Registration, link};
use serde::Serialize;
use std::collections::BTreeMap;

/// One register of two members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Keyed {
    /// People that each member finds.
    pub(super) people: [usize; 2],
    /// Bytes of one person's row.
    bytes: usize,
    pub(super) fit: Fit,
    /// The clear engine's, over both registers as one.
    pub(super) clear: Fit,
    /// Of the process, user and system: writing both sheets, and finding the pairs in them.
    cpu_seconds: [f64; 2],
}

/// At which of two members each of so many registrations is, as if by lot.
pub(super) fn by_lot(registrations: usize) -> Vec<bool> {
    let mixed = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    (0..registrations).map(|n| mixed(n) & 1 == 1).collect()
}

/// Links a register whose registrations are `there` or here; `person` is what the clear engine found in the whole.
pub(super) fn linked(
    registrations: &[Registration],
    truth: &[u64],
    there: &[bool],
    person: &[u32],
) -> Result<Keyed, Error> {
    let members = [false, true].map(|side| people(registrations, there, side));
    let counts = members.each_ref().map(Vec::len);
    let largest = counts[0].max(counts[1]);
    let terms = Terms::new(&[1; 32], b"bench", &parts(registrations), largest);
    let began = crate::operations::process().cpu_seconds;
    let sheets = [0, 1].map(|side| sheet(&terms, side, registrations, &members[usize::from(side)]));
    let written = crate::operations::process().cpu_seconds;
    let [(a, of_a), (b, of_b)] = &sheets;
    let found = pairs(a, b).map_err(|e| Error::say(e.to_string()))?;
    let ended = crate::operations::process().cpu_seconds;
    // Whoever met nobody is a group of her own.
    let mut answer: Vec<u32> = (0..).take(registrations.len()).collect();
    for pair in &found {
        let (x, y) = (of_a[pair.a as usize], of_b[pair.b as usize]);
        let all = members[0][x as usize].iter().chain(&members[1][y as usize]);
        let first = all.clone().next().copied().unwrap_or_default();
        all.for_each(|i| answer[*i] = first as u32);
    }
    Ok(Keyed {
        people: counts,
        bytes: a.bytes(),
        fit: across(truth, &answer, there),
        clear: across(truth, person, there),
        cpu_seconds: [written - began, ended - written],
    })
}

/// The registrations of each of one member's people, as it finds them.
fn people(registrations: &[Registration], there: &[bool], side: bool) -> Vec<Vec<usize>> {
    let own: Vec<usize> = (0..there.len()).filter(|i| there[*i] == side).collect();
    let mut register = Register::default();
    let copies: Vec<Registration> = own.iter().map(|i| registrations[*i].clone()).collect();
    register.extend(&copies);
    let mut people: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let found = link(&register, &Apart::default()).person;
    for (i, person) in own.into_iter().zip(found) {
        people.entry(person).or_default().push(i);
    }
    people.into_values().collect()
}

fn sheet(
    terms: &Terms,
    own: u8,
    registrations: &[Registration],
    people: &[Vec<usize>],
) -> (Sheet, Vec<u32>) {
    let of = |person: &Vec<usize>| person.iter().map(|i| registrations[*i].clone()).collect();
    let rows: Vec<Vec<Registration>> = people.iter().map(of).collect();
    let rows: Vec<&[Registration]> = rows.iter().map(Vec::as_slice).collect();
    encode(terms, &[own; 32], &rows)
}

/// The parts that a register has at all: two members agree on those that both have.
fn parts(registrations: &[Registration]) -> Vec<Part> {
    let address = |r: &Registration, known: fn(&Address) -> bool| r.addresses.iter().any(known);
    let has = |part: Part, r: &Registration| match part {
        Part::Given | Part::First => true,
        Part::Second => r.second.is_some(),
        Part::Year | Part::Day => r.birth.is_some(),
        Part::Postcode => address(r, |a| a.postcode.is_some()),
        Part::Locality => address(r, |a| a.locality.is_some()),
        Part::Street => address(r, |a| a.street.is_some()),
        Part::BirthPlace => r.birth_place.is_some(),
        Part::Phone => !r.phones.is_empty(),
        Part::Curp => r.identifiers.iter().any(|i| i.system == mx::systems::CURP),
        Part::Number => r.identifiers.iter().any(|i| i.system != mx::systems::CURP),
        Part::Mother => r.mother.is_some(),
        Part::Trait => !r.traits.is_empty(),
    };
    let known = |part: &Part| registrations.iter().any(|r| has(*part, r));
    Part::ALL.into_iter().filter(known).collect()
}

/// One line below that of the register.
pub(super) fn say(keyed: &Keyed) {
    out::line(format!(
        "{:<42}{:>11} {:>9.4} {:>9.4} {:>9.4}   in the clear {:.4}, {:.4}, {:.4}; {} a person; CPU {:.1} and {:.1} s",
        "  two members, keyed",
        out::count(keyed.people.iter().sum::<usize>() as u64),
        keyed.fit.precision,
        keyed.fit.recall,
        keyed.fit.f1,
        keyed.clear.precision,
        keyed.clear.recall,
        keyed.clear.f1,
        out::bytes(keyed.bytes as u64),
        keyed.cpu_seconds[0],
        keyed.cpu_seconds[1],
    ));
}
