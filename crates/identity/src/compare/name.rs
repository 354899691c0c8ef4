//! Names side by side: given names, surnames, other words, and those of the parents.

use super::{Found, Pair, UNKNOWN};
use crate::card::Kind;
use crate::field::{Field, at};
use crate::lexicon::{Id, Role};
use crate::nickname::meet;
use crate::sound::{Likeness, likeness_in, two_genders};
use std::cmp::Ordering;

impl Pair<'_> {
    pub(super) fn given(&self) -> Found {
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
        let texts = words.texts();
        let is_initial = || {
            let (s, t) = (words.text(x), words.text(y));
            s.as_bytes().first() == t.as_bytes().first()
        };
        match likeness_in(texts, x, y, p.sound == q.sound) {
            Likeness::Near if two_genders(words.text(x), words.text(y)) => FAR,
            Likeness::Near => NEAR,
            _ if texts.shape(x).len.min(texts.shape(y).len) == 1 && is_initial() => INITIAL,
            Likeness::Far => FAR,
            Likeness::Unlike => DIFFER,
        }
    }

    pub(super) fn surname(&self, x: Id, y: Id, beside_y: Id, beside_x: Id, married: bool) -> Found {
        use at::surname::*;
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        if x == y {
            return (at::SAME, self.word_chance(x, y, Role::Family));
        }
        let words = &self.register.words;
        let (p, q) = (words.word(x), words.word(y));
        let texts = words.texts();
        let like = likeness_in(texts, x, y, p.sound == q.sound);
        if like == Likeness::Near {
            return (NEAR, self.word_chance(x, y, Role::Family));
        }
        let share_a_word = || {
            let (s, t) = (words.text(x), words.text(y));
            (s.contains(' ') || t.contains(' '))
                && s.split(' ')
                    .any(|w| w.len() > 2 && t.split(' ').any(|v| v == w))
        };
        if (texts.shape(x).may_have_words() || texts.shape(y).may_have_words()) && share_a_word() {
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
        for &id in own.iter().filter(|id| words.texts().shape(**id).len > 2) {
            let sound = words.word(id).sound;
            for &other in one.iter().chain(two).filter(|id| **id != 0) {
                if other == id || words.word(other).sound == sound {
                    rarest = rarest.min(self.word_chance(id, other, Role::Family));
                }
            }
        }
        rarest
    }

    pub(super) fn other(&self) -> Found {
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
                } else if likeness_in(
                    words.texts(),
                    x,
                    y,
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

    pub(super) fn parent(&self, x: Id, y: Id) -> Found {
        use at::parent::*;
        if x == 0 || y == 0 {
            return UNKNOWN;
        }
        let parents = &self.register.parents;
        if x == y {
            return (at::SAME, self.same_in(parents.texts(), Field::Mother, x));
        }
        let words = parents.words();
        let (s, t) = (parents.parts(x), parents.parts(y));
        let s_is_short = match s.len().cmp(&t.len()) {
            Ordering::Equal => parents.texts().text(x) <= parents.texts().text(y),
            order => order.is_lt(),
        };
        let (short, long) = if s_is_short { (s, t) } else { (t, s) };
        let close = |w: Id| {
            let is_near = |v: &Id| likeness_in(words, w, *v, false) == Likeness::Near;
            long.contains(&w) || long.iter().any(is_near)
        };
        match short.iter().filter(|w| close(**w)).count() {
            n if n == short.len() && n > 1 => (
                at::ALIKE,
                self.either_in(parents.texts(), Field::Mother, x, y),
            ),
            0 => (DIFFER, 0.0),
            _ => (SHARED, 0.0),
        }
    }
}

fn names<const N: usize>(ids: &[Id; N]) -> &[Id] {
    let len = ids.iter().position(|id| *id == 0).unwrap_or(N);
    &ids[..len]
}
