//! Places side by side: addresses, places of birth, and other texts that are compared as they are.

use super::{Found, Pair, UNKNOWN};
use crate::card::{Home, Kind};
use crate::field::{Field, at};
use crate::lexicon::{Id, Texts};
use crate::sound::{Likeness, are_unlike, edits, likeness};

impl Pair<'_> {
    /// A text that is a place or a trait: the same, alike in a word or but for a slip, or different.
    pub(super) fn text(&self, kind: Kind, field: Field, x: Id, y: Id) -> Found {
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        if x == y {
            return (at::SAME, self.same(kind, field, x));
        }
        if alike_in(self.register.texts(kind), x, y) {
            (at::ALIKE, self.either(kind, field, x, y))
        } else {
            (at::DIFFER, 0.0)
        }
    }

    pub(super) fn address(&self) -> Found {
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
            known(a, b) && (a == b || alike_in(self.register.texts(kind), a, b))
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
}

/// [`alike`] of two texts of a lexicon, which are read only if their shapes do not tell already.
fn alike_in(texts: &Texts, x: Id, y: Id) -> bool {
    !are_unlike(texts.shape(x), texts.shape(y)) && alike(texts.text(x), texts.text(y))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_length_are_alike_both_ways_or_neither() {
        let (s, t) = ("abcd abcd", "abcd efgh");
        assert_eq!(alike(s, t), alike(t, s));
    }
}
