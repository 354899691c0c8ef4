//! Two cards side by side: one level of agreement a field, and how rare the value is that they agree on.

mod name;
mod number;
mod place;

use crate::card::{Card, Kind, Register};
use crate::date::{Agreement, Written};
use crate::field::{FIELDS, Field, at};
use crate::lexicon::{Id, Role, Texts};

/// How two registrations compare. Symmetric: the order of the two does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// A level for each field; zero is "not known on both sides".
    pub(crate) level: [u8; FIELDS],
    /// Natural logarithm of the chance that somebody else has the value agreed on; zero where there is none.
    pub(crate) chance: [f32; FIELDS],
}

/// A level and the chance of its value.
type Found = (u8, f32);

const UNKNOWN: Found = (at::UNKNOWN, 0.0);

/// Compares two cards of a register. Cost: about half a microsecond.
pub(crate) fn compare(register: &Register, a: &Card, b: &Card) -> Comparison {
    let found = Pair { register, a, b }.fields();
    Comparison {
        level: found.map(|(level, _)| level),
        chance: found.map(|(_, chance)| chance),
    }
}

struct Pair<'a> {
    register: &'a Register,
    a: &'a Card,
    b: &'a Card,
}

impl Pair<'_> {
    /// In the order of [`Field::ALL`].
    fn fields(&self) -> [Found; FIELDS] {
        let (a, b) = (self.a, self.b);
        let married = a.married || b.married;
        let [of_a, of_b] = [a.traits, b.traits];
        [
            self.given(),
            self.surname(a.first, b.first, b.second, a.second, false),
            self.surname(a.second, b.second, b.first, a.first, married),
            self.other(),
            self.birth(),
            self.sex(),
            self.birth_place(),
            self.address(),
            self.phone(),
            self.curp(),
            self.number(),
            self.parent(a.mother, b.mother),
            self.parent(a.father, b.father),
            self.text(Kind::TraitA, Field::TraitA, of_a[0], of_b[0]),
            self.text(Kind::TraitB, Field::TraitB, of_a[1], of_b[1]),
        ]
    }

    fn sex(&self) -> Found {
        match (self.a.sex, self.b.sex) {
            (0, _) | (_, 0) => UNKNOWN,
            _ if self.told_by_curp(1) => UNKNOWN,
            (x, y) if x == y => (at::SAME, 0.0),
            _ => (at::SAME + 1, 0.0),
        }
    }

    fn birth_place(&self) -> Found {
        if self.told_by_curp(2) {
            return UNKNOWN;
        }
        let (x, y) = (self.a.birth_place, self.b.birth_place);
        self.text(Kind::BirthPlace, Field::BirthPlace, x, y)
    }

    /// Whether both have a CURP and one of them took this value from it: the CURPs tell it already.
    fn told_by_curp(&self, which: usize) -> bool {
        let both = self.a.curp_state.is_some() && self.b.curp_state.is_some();
        both && (self.a.from_curp[which] || self.b.from_curp[which])
    }

    fn birth(&self) -> Found {
        use at::birth::*;
        let dates = (Written::unpack(self.a.birth), Written::unpack(self.b.birth));
        let (Some(x), Some(y)) = dates else {
            return UNKNOWN;
        };
        if self.told_by_curp(0) {
            return UNKNOWN;
        }
        match x.agreement(y) {
            Agreement::Same => {
                let register = self.register;
                let times = register.births.get(&self.a.birth).copied().unwrap_or(0);
                (
                    at::SAME,
                    chance(times, 2, register.births_total, Field::Birth),
                )
            }
            Agreement::Exchanged => (EXCHANGED, 0.0),
            Agreement::Slip => (SLIP, 0.0),
            Agreement::AsFarAsKnown => (AS_FAR_AS_KNOWN, 0.0),
            Agreement::TwoParts => (TWO_PARTS, 0.0),
            Agreement::Year => (YEAR, 0.0),
            Agreement::Generation => (GENERATION, 0.0),
            Agreement::Differ => (DIFFER, 0.0),
        }
    }

    /// The chance that somebody else has this very text.
    fn same(&self, kind: Kind, field: Field, id: Id) -> f32 {
        self.same_in(self.register.texts(kind), field, id)
    }
    fn same_in(&self, texts: &Texts, field: Field, id: Id) -> f32 {
        chance(texts.times(id), 2, texts.total(), field)
    }
    /// The same for two texts that resemble each other: that of the commoner.
    fn either(&self, kind: Kind, field: Field, x: Id, y: Id) -> f32 {
        self.either_in(self.register.texts(kind), field, x, y)
    }
    fn either_in(&self, texts: &Texts, field: Field, x: Id, y: Id) -> f32 {
        chance(texts.times(x).max(texts.times(y)), 1, texts.total(), field)
    }
    fn word_chance(&self, x: Id, y: Id, role: Role) -> f32 {
        let words = &self.register.words;
        let times = |id| match role {
            Role::Given => words.word(id).given,
            Role::Family => words.word(id).family,
        };
        let field = match role {
            Role::Given => Field::Given,
            Role::Family => Field::First,
        };
        chance(
            times(x).max(times(y)),
            if x == y { 2 } else { 1 },
            words.total(role),
            field,
        )
    }
    fn number_chance(&self, number: u64, field: Field) -> f32 {
        let times = self.register.times.get(&number).copied().unwrap_or(0);
        chance(times, 2, self.register.cards.len() as u64, field)
    }
}

/// Natural logarithm of the chance that somebody else has a value that `times` of `total` registrations have, `own`
/// of them the two that are compared: their own are left out, and one is added for what was not seen yet. How many
/// values there may be at all is taken from the field's first estimate.
fn chance(times: u32, own: u32, total: u64, field: Field) -> f32 {
    let values = 1.0 / field.levels()[0].u;
    let others = times.saturating_sub(own) as f32 + 1.0;
    (others / (total as f32 + values)).min(1.0).ln()
}
