//! What is known for sure of a pair, before any weighing: confirmed numbers, and a person's word.

use crate::card::{Card, Register};
use hashbrown::HashSet;
use mx::IdentifierState::Confirmed;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// What is known for sure of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sure {
    /// They are one person.
    One,
    /// They are two people.
    Two,
}

/// Pairs of registrations that somebody found to be of two people: never joined again.
#[derive(Clone, Debug, Default)]
pub struct Apart(HashSet<(u32, u32), BuildHasherDefault<DefaultHasher>>);

impl Apart {
    /// Remembers that two registrations are of two people.
    pub fn keep_apart(&mut self, a: u32, b: u32) {
        if a != b {
            self.0.insert((a.min(b), a.max(b)));
        }
    }
    /// Takes that back.
    pub fn forget(&mut self, a: u32, b: u32) {
        self.0.remove(&(a.min(b), a.max(b)));
    }
    /// Whether they are to be kept apart.
    pub fn holds(&self, a: u32, b: u32) -> bool {
        !self.0.is_empty() && self.0.contains(&(a.min(b), a.max(b)))
    }
}

/// What confirmed numbers say of two cards: of one system, the same number or different ones. The CURP goes first; a
/// number that says "one" goes before one that says "two".
pub(crate) fn confirmed(register: &Register, a: &Card, b: &Card) -> Option<Sure> {
    if a.curp_state == Some(Confirmed) && b.curp_state == Some(Confirmed) {
        return Some(if a.curp == b.curp {
            Sure::One
        } else {
            Sure::Two
        });
    }
    let mut said = None;
    for i in 0..3 {
        for j in 0..3 {
            let both = a.confirmed[i] && b.confirmed[j] && a.systems[i] == b.systems[j];
            if both && a.numbers[i] == b.numbers[j] {
                return Some(Sure::One);
            }
            if both && register.tells_apart(a.systems[i]) {
                said = Some(Sure::Two);
            }
        }
    }
    said
}
