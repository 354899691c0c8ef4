//! Two cards side by side: one level of agreement a field, and how rare the value is that they agree on.

use crate::card::{Card, Home, Kind, Register};
use crate::date::{Agreement, Written};
use crate::draft::unpack;
use crate::field::{FIELDS, Field, at};
use crate::lexicon::{Id, Role};
use crate::nickname::meet;
use crate::sound::{Likeness, edits, likeness, two_genders};
use mx::IdentifierState;

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

/// Compares two cards of a register. Cost: about a quarter of a microsecond.
pub(crate) fn compare(register: &Register, a: &Card, b: &Card) -> Comparison {
    let pair = Pair { register, a, b };
    let mut out = Comparison {
        level: [0; FIELDS],
        chance: [0.0; FIELDS],
    };
    for field in Field::ALL {
        let (level, chance) = pair.field(field);
        out.level[field as usize] = level;
        out.chance[field as usize] = chance;
    }
    out
}

struct Pair<'a> {
    register: &'a Register,
    a: &'a Card,
    b: &'a Card,
}

impl Pair<'_> {
    fn field(&self, field: Field) -> Found {
        let (a, b) = (self.a, self.b);
        match field {
            Field::Given => self.given(),
            Field::First => self.surname(a.first, b.first, b.second, a.second, false),
            Field::Second => {
                self.surname(a.second, b.second, b.first, a.first, a.married || b.married)
            }
            Field::Other => self.other(),
            Field::Birth => self.birth(),
            Field::Sex => match (a.sex, b.sex) {
                _ if a.sex == 0 || b.sex == 0 || self.told_by_curp(1) => UNKNOWN,
                (x, y) if x == y => (at::SAME, 0.0),
                _ => (at::SAME + 1, 0.0),
            },
            Field::BirthPlace if self.told_by_curp(2) => UNKNOWN,
            Field::BirthPlace => self.text(Kind::BirthPlace, field, a.birth_place, b.birth_place),
            Field::Address => self.address(),
            Field::Phone => self.phone(),
            Field::Curp => self.curp(),
            Field::Number => self.number(),
            Field::Mother => self.parent(a.mother, b.mother),
            Field::Father => self.parent(a.father, b.father),
            Field::TraitA => self.text(Kind::TraitA, field, a.traits[0], b.traits[0]),
            Field::TraitB => self.text(Kind::TraitB, field, a.traits[1], b.traits[1]),
        }
    }

    /// Whether both have a CURP and one of them took this value from it: the CURPs tell it already.
    fn told_by_curp(&self, which: usize) -> bool {
        let both = self.a.curp_state.is_some() && self.b.curp_state.is_some();
        both && (self.a.from_curp[which] || self.b.from_curp[which])
    }

    fn given(&self) -> Found {
        use at::given::*;
        let (a, b) = (names(&self.a.given), names(&self.b.given));
        if a.is_empty() || b.is_empty() {
            return UNKNOWN;
        }
        if self.a.whole == self.b.whole {
            return (at::SAME, self.same(Kind::Whole, Field::Given, self.a.whole));
        }
        let mut shared: Option<f32> = None;
        let mut left = [[0; 3]; 2];
        for (side, own, theirs) in [(0, a, b), (1, b, a)] {
            for (slot, &id) in left[side].iter_mut().zip(own) {
                if theirs.contains(&id) {
                    let chance = self.word_chance(id, id, Role::Given);
                    shared = Some(shared.map_or(chance, |c: f32| c.min(chance)));
                } else {
                    *slot = id;
                }
            }
        }
        let mut best = (DIFFER, 0.0f32);
        for &x in left[0].iter().filter(|id| **id != 0) {
            for &y in left[1].iter().filter(|id| **id != 0) {
                let level = self.given_pair(x, y);
                let chance = self.word_chance(x, y, Role::Given);
                if level < best.0 || level == best.0 && level != DIFFER && chance < best.1 {
                    best = (level, chance);
                }
            }
        }
        if let Some(chance) = shared {
            let whole = left.iter().any(|side| side.iter().all(|id| *id == 0));
            return match best.0 {
                _ if whole => (PART, chance),
                PET | NEAR | INITIAL => (best.0.min(NEAR), chance),
                _ => (SHARED, chance),
            };
        }
        if best.0 > ELSEWHERE {
            let chance = self
                .elsewhere(a, &[self.b.first, self.b.second], &self.b.other)
                .min(self.elsewhere(b, &[self.a.first, self.a.second], &self.a.other));
            if chance < 0.0 {
                return (ELSEWHERE, chance);
            }
        }
        best
    }

    /// Two different given names.
    fn given_pair(&self, x: Id, y: Id) -> u8 {
        use at::given::*;
        let words = &self.register.words;
        let (p, q) = (words.word(x), words.word(y));
        if meet(&p.formal, &q.formal) {
            return PET;
        }
        let (s, t) = (words.text(x), words.text(y));
        match likeness(s, t, p.sound == q.sound) {
            Likeness::Near if two_genders(s, t) => FAR,
            Likeness::Near => NEAR,
            _ if (s.len() == 1 || t.len() == 1) && s.as_bytes().first() == t.as_bytes().first() => {
                INITIAL
            }
            Likeness::Far => FAR,
            Likeness::Unlike => DIFFER,
        }
    }

    fn surname(&self, x: Id, y: Id, beside_y: Id, beside_x: Id, married: bool) -> Found {
        use at::surname::*;
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        if x == y {
            return (at::SAME, self.word_chance(x, y, Role::Family));
        }
        let words = &self.register.words;
        let (p, q) = (words.word(x), words.word(y));
        let (s, t) = (words.text(x), words.text(y));
        let like = likeness(s, t, p.sound == q.sound);
        if like == Likeness::Near {
            return (NEAR, self.word_chance(x, y, Role::Family));
        }
        if (s.contains(' ') || t.contains(' '))
            && s.split(' ')
                .any(|w| w.len() > 2 && t.split(' ').any(|v| v == w))
        {
            return (PART, self.word_chance(x, y, Role::Family));
        }
        let mut chance = self
            .elsewhere(&[x], &[beside_y], names(&self.b.other))
            .min(self.elsewhere(&[y], &[beside_x], names(&self.a.other)));
        // Name and surname exchanged, both of them: one way is what the given names tell already.
        let there = self.elsewhere(&[x], names(&self.b.given), &[]);
        let back = self.elsewhere(&[y], names(&self.a.given), &[]);
        if there < 0.0 && back < 0.0 {
            chance = chance.min(there.max(back));
        }
        if chance < 0.0 {
            return (ELSEWHERE, chance);
        }
        match like {
            _ if married => UNKNOWN,
            Likeness::Far => (FAR, self.word_chance(x, y, Role::Family)),
            _ => (DIFFER, 0.0),
        }
    }

    /// The rarest of some words that the other's name has in another place, by letters or sound: the logarithm of its
    /// chance, zero if there is none. Words of one or two letters do not count.
    fn elsewhere(&self, own: &[Id], one: &[Id], two: &[Id]) -> f32 {
        let words = &self.register.words;
        let mut rarest = 0.0f32;
        for &id in own.iter().filter(|id| words.text(**id).len() > 2) {
            let sound = words.word(id).sound;
            for &other in one.iter().chain(two).filter(|id| **id != 0) {
                if other == id || words.word(other).sound == sound {
                    rarest = rarest.min(self.word_chance(id, other, Role::Family));
                }
            }
        }
        rarest
    }

    fn other(&self) -> Found {
        let (a, b) = (names(&self.a.other), names(&self.b.other));
        if a.is_empty() || b.is_empty() {
            return UNKNOWN;
        }
        let words = &self.register.words;
        let mut best: Option<f32> = None;
        let mut alike: Option<f32> = None;
        for &x in a {
            for &y in b {
                let chance = || self.word_chance(x, y, Role::Family);
                if x == y {
                    best = Some(best.map_or(chance(), |c: f32| c.min(chance())));
                } else if likeness(
                    words.text(x),
                    words.text(y),
                    words.word(x).sound == words.word(y).sound,
                ) == Likeness::Near
                {
                    alike = Some(alike.map_or(chance(), |c: f32| c.min(chance())));
                }
            }
        }
        match (best, alike) {
            (Some(chance), _) => (at::SAME, chance),
            (_, Some(chance)) => (at::ALIKE, chance),
            _ => (at::DIFFER, 0.0),
        }
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

    /// A text that is a place or a trait: the same, alike in a word or but for a slip, or different.
    fn text(&self, kind: Kind, field: Field, x: Id, y: Id) -> Found {
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        if x == y {
            return (at::SAME, self.same(kind, field, x));
        }
        let texts = self.register.texts(kind);
        let (s, t) = (texts.text(x), texts.text(y));
        if alike(s, t) {
            (at::ALIKE, self.either(kind, field, x, y))
        } else {
            (at::DIFFER, 0.0)
        }
    }

    fn address(&self) -> Found {
        let mut best = UNKNOWN;
        for x in &self.a.places {
            for y in &self.b.places {
                let found = self.homes(x, y);
                let better = found.0 < best.0 || found.0 == best.0 && found.1 < best.1;
                if found.0 != at::UNKNOWN && (best.0 == at::UNKNOWN || better) {
                    best = found;
                }
            }
        }
        best
    }

    /// Two addresses, as one comparison: street, postcode and place hang together, so their agreement is not counted
    /// several times.
    fn homes(&self, x: &Home, y: &Home) -> Found {
        use at::address::*;
        let known = |a: Id, b: Id| a != 0 && b != 0;
        let close = |kind: Kind, a: Id, b: Id| {
            known(a, b)
                && (a == b || {
                    let texts = self.register.texts(kind);
                    alike(texts.text(a), texts.text(b))
                })
        };
        let postcode = known(x.postcode, y.postcode);
        let locality = known(x.locality, y.locality);
        let street = known(x.street, y.street) || known(x.building, y.building);
        if !(postcode || locality || street || known(x.region, y.region)) {
            return UNKNOWN;
        }
        let same_postcode = postcode && x.postcode == y.postcode;
        let same_locality = close(Kind::Locality, x.locality, y.locality);
        let number = x.number == y.number || x.number == 0 || y.number == 0;
        let in_place = same_postcode || same_locality || !(postcode || locality);
        if close(Kind::Street, x.street, y.street) {
            return match (number, in_place) {
                (true, true) if x.door == y.door && x.door != 0 => {
                    (at::SAME, self.same(Kind::Door, Field::Address, x.door))
                }
                (true, true) => (
                    at::SAME,
                    self.either(Kind::Door, Field::Address, x.door, y.door),
                ),
                _ => (
                    STREET,
                    self.either(Kind::Street, Field::Address, x.street, y.street),
                ),
            };
        }
        if close(Kind::Building, x.building, y.building) {
            return (
                STREET,
                self.either(Kind::Building, Field::Address, x.building, y.building),
            );
        }
        let code = || self.same(Kind::Postcode, Field::Address, x.postcode);
        let town = || self.either(Kind::Locality, Field::Address, x.locality, y.locality);
        match (same_postcode, same_locality) {
            (true, true) => (NEIGHBOURHOOD, code().min(town())),
            (true, false) => (PLACE, code()),
            (false, true) => (PLACE, town()),
            _ if known(x.area, y.area) && x.area == y.area => {
                (AREA, self.same(Kind::Area, Field::Address, x.area))
            }
            _ if postcode && self.one_sign(x.postcode, y.postcode) => (AREA, code()),
            _ if known(x.region, y.region) && x.region == y.region => (REGION, 0.0),
            _ => (DIFFER, 0.0),
        }
    }

    fn one_sign(&self, x: Id, y: Id) -> bool {
        let texts = self.register.texts(Kind::Postcode);
        edits(texts.text(x).as_bytes(), texts.text(y).as_bytes(), 1) <= 1
    }

    fn phone(&self) -> Found {
        let (a, b) = (self.a.phones, self.b.phones);
        let pairs = || {
            a.into_iter()
                .flat_map(|x| b.into_iter().map(move |y| (x, y)))
                .filter(|(x, y)| *x != 0 && *y != 0)
        };
        if let Some((x, _)) = pairs().find(|(x, y)| x == y) {
            return (at::SAME, self.number_chance(x, Field::Phone));
        }
        match pairs().map(|(x, y)| slip(x, y)).max() {
            Some(true) => (at::ALIKE, 0.0),
            Some(false) => (at::DIFFER, 0.0),
            None => UNKNOWN,
        }
    }

    fn curp(&self) -> Found {
        use at::curp::*;
        let (x, y) = (&self.a.curp, &self.b.curp);
        let (Some(of_x), Some(of_y)) = (self.a.curp_state, self.b.curp_state) else {
            return UNKNOWN;
        };
        if x == y {
            return (at::SAME, 0.0);
        }
        // Two right digits do not both stand under a slip of the pen, however like the letters are: twins have such
        // CURPs.
        if of_x >= IdentifierState::DigitOk && of_y >= IdentifierState::DigitOk {
            return (BOTH_RIGHT, 0.0);
        }
        let alike = x[..16].iter().zip(&y[..16]).filter(|(a, b)| a == b).count();
        // The letters follow from the name, which is compared already: without the date they say nothing new.
        let dates = edits(&x[4..10], &y[4..10], 1) <= 1;
        let level = match edits(&x[..17], &y[..17], 1) {
            0 | 1 => SLIP,
            _ if alike == 16 => SLIP,
            _ if alike >= 13 && dates => ALIKE,
            _ => DIFFER,
        };
        (level, 0.0)
    }

    fn number(&self) -> Found {
        let (a, b) = (self.a, self.b);
        let mut found = UNKNOWN;
        for i in 0..3 {
            for j in 0..3 {
                if a.numbers[i] == 0 || b.numbers[j] == 0 || a.systems[i] != b.systems[j] {
                    continue;
                }
                if a.numbers[i] == b.numbers[j] {
                    return (at::SAME, self.number_chance(a.numbers[i], Field::Number));
                }
                if self.register.tells_apart(a.systems[i]) {
                    let level = if slip(a.numbers[i], b.numbers[j]) {
                        at::ALIKE
                    } else {
                        at::DIFFER
                    };
                    found.0 = if found.0 == at::UNKNOWN {
                        level
                    } else {
                        found.0.min(level)
                    };
                }
            }
        }
        found
    }

    fn parent(&self, x: Id, y: Id) -> Found {
        use at::parent::*;
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        if x == y {
            return (at::SAME, self.same(Kind::Parent, Field::Mother, x));
        }
        let texts = self.register.texts(Kind::Parent);
        let (s, t) = (texts.text(x), texts.text(y));
        let (short, long) = if (s.split(' ').count(), s) <= (t.split(' ').count(), t) {
            (s, t)
        } else {
            (t, s)
        };
        let (mut same, mut close, mut all) = (0, 0, 0);
        for w in short.split(' ') {
            all += 1;
            if long.split(' ').any(|v| v == w) {
                same += 1;
            } else if long
                .split(' ')
                .any(|v| likeness(w, v, false) == Likeness::Near)
            {
                close += 1;
            }
        }
        match same + close {
            n if n == all && all > 1 => (at::ALIKE, self.either(Kind::Parent, Field::Mother, x, y)),
            0 => (DIFFER, 0.0),
            _ => (SHARED, 0.0),
        }
    }

    /// The chance that somebody else has this very text.
    fn same(&self, kind: Kind, field: Field, id: Id) -> f32 {
        let texts = self.register.texts(kind);
        chance(texts.times(id), 2, texts.total(), field)
    }
    /// The same for two texts that resemble each other: that of the commoner.
    fn either(&self, kind: Kind, field: Field, x: Id, y: Id) -> f32 {
        let texts = self.register.texts(kind);
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

fn names<const N: usize>(ids: &[Id; N]) -> &[Id] {
    let len = ids.iter().position(|id| *id == 0).unwrap_or(N);
    &ids[..len]
}

/// Texts of several words: alike when they differ by a slip, or when one has all the words of the other, a long one
/// among them (`Bristol` and `Bristol, city of`).
fn alike(s: &str, t: &str) -> bool {
    let (short, long) = if (s.len(), s) <= (t.len(), t) {
        (s, t)
    } else {
        (t, s)
    };
    let within = || {
        short.split(' ').any(|w| w.len() > 3)
            && short.split(' ').all(|w| long.split(' ').any(|v| v == w))
    };
    likeness(s, t, false) == Likeness::Near
        || short.len() > 4 && long.starts_with(short)
        || within()
}

/// Two packed numbers one sign apart.
fn slip(x: u64, y: u64) -> bool {
    let ((a, m), (b, n)) = (unpack(x), unpack(y));
    m >= 5 && n >= 5 && edits(&a[..m], &b[..n], 1) <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_length_are_alike_both_ways_or_neither() {
        let (s, t) = ("abcd abcd", "abcd efgh");
        assert_eq!(alike(s, t), alike(t, s));
    }
}
