//! Which pairs are worth comparing.
//!
//! Each registration has some forty keys: what it shares with another registration of the same person unless both were
//! written very badly. Those with one key are a block. Keys are of several kinds (a number; the birth date with one
//! word of the name; two words with the year; a word with the address ...), so that whatever one field has wrong,
//! another kind finds the pair. Words enter by their sound, pet forms by their name.
//!
//! A kind of key has a budget of pairs in proportion to the register, spent on its smallest blocks first: a rare
//! surname is a key by itself, a common one is not, and the work grows in line with the register.

use crate::card::{Card, Home, Kind, Register};
use crate::date::Written;
use crate::lexicon::Id;

/// Kinds of keys.
pub(crate) const KINDS: usize = 15;

/// Keys of one kind that a registration may have.
const MOST: usize = 24;

/// The keys of one kind.
pub(crate) struct Keys {
    keys: [u32; MOST],
    len: usize,
}

impl Keys {
    fn push(&mut self, kind: usize, parts: &[u32]) {
        let mut hash = kind as u64 ^ 0x9e37_79b9_7f4a_7c15;
        for part in parts {
            hash = (hash ^ u64::from(*part)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            hash ^= hash >> 32;
        }
        let key = hash as u32;
        if self.len < MOST && !self.keys[..self.len].contains(&key) {
            self.keys[self.len] = key;
            self.len += 1;
        }
    }
    pub(crate) fn as_slice(&self) -> &[u32] {
        &self.keys[..self.len]
    }
    /// Each key in the upper half of a number, and the registration that has it in the lower.
    pub(crate) fn rows(self, registration: usize) -> impl Iterator<Item = u64> {
        let row = move |key| u64::from(key) << 32 | registration as u64;
        self.keys.into_iter().take(self.len).map(row)
    }
}

/// What keys are made of. Texts enter by their letters and kind, never by their number in the register: numbers follow
/// the order of arrival, and those of two kinds may be equal by chance.
pub(crate) struct Traits {
    /// Sounds of the words of the name, pet forms resolved; zeros fill up.
    names: [u32; 6],
    named: usize,
    /// Sounds of given names as written.
    spoken: [u32; 2],
    initials: [u32; 2],
    birth: Option<Written>,
    numbers: [u64; 6],
    /// Street, house number, and both as one.
    doors: [[u32; 3]; 2],
    postcodes: [u32; 2],
    localities: [u32; 2],
    birth_place: u32,
    trait_a: u32,
}

impl Traits {
    /// Reads a card.
    pub(crate) fn of(register: &Register, card: &Card) -> Traits {
        let words = &register.words;
        let mut names = [0u32; 6];
        let mut named = 0;
        let given = card.given[..2].iter().map(|id| {
            let word = words.word(*id);
            match word.formal[0] {
                0 => word.skeleton,
                number => u32::from(number) << 1,
            }
        });
        let family = [card.first, card.second].into_iter().chain(card.other);
        for code in given.chain(family.map(|id| words.word(id).skeleton)) {
            if code != 0 && named < names.len() && !names[..named].contains(&code) {
                names[named] = code;
                named += 1;
            }
        }
        let initial = |id: Id| words.text(id).chars().next().map_or(0, u32::from);
        let mut initials = [initial(card.given[0]), initial(card.first)];
        initials.sort_unstable();
        let mut numbers = [0u64; 6];
        numbers[..2].copy_from_slice(&card.phones);
        numbers[2..5].copy_from_slice(&card.numbers);
        if card.curp_state.is_some() {
            numbers[5] = card.curp[..16]
                .iter()
                .fold(7u64, |n, b| n.wrapping_mul(41) ^ u64::from(*b));
        }
        let mark = |kind: Kind, id: Id| mark(kind, register.texts(kind).mark(id));
        let door = |home: Home| {
            [
                mark(Kind::Street, home.street),
                mark(Kind::HouseNumber, home.number),
                mark(Kind::Door, home.door),
            ]
        };
        Traits {
            names,
            named,
            spoken: [
                words.word(card.given[0]).skeleton,
                words.word(card.given[1]).skeleton,
            ],
            initials,
            birth: Written::unpack(card.birth),
            numbers,
            doors: card.places.map(door),
            postcodes: card.places.map(|p| mark(Kind::Postcode, p.postcode)),
            localities: card.places.map(|p| mark(Kind::Locality, p.locality)),
            birth_place: mark(Kind::BirthPlace, card.birth_place),
            trait_a: mark(Kind::TraitA, card.traits[0]),
        }
    }

    /// The keys of a kind, 0 to [`KINDS`].
    pub(crate) fn keys(&self, kind: usize) -> Keys {
        let mut out = Keys {
            keys: [0; MOST],
            len: 0,
        };
        let names = &self.names[..self.named];
        let birth = self.birth.filter(|d| d.is_whole());
        let year = self.birth.map_or(0, |d| u32::from(d.year));
        let mut key = |parts: &[u32]| {
            if parts.iter().all(|p| *p != 0) {
                out.push(kind, parts);
            }
        };
        match kind {
            // A number.
            0 => {
                for number in self.numbers.iter().filter(|n| **n != 0) {
                    key(&[*number as u32 | 1, (*number >> 32) as u32 | 1]);
                }
            }
            // The birth date, day and month either way, and a word of the name.
            1 => {
                let date = birth.map_or(0, Written::either_way);
                for &name in names.iter().chain(&self.spoken) {
                    key(&[date, name]);
                }
            }
            // Two words and the year; or and the day of the year.
            2 => pairs(names, |x, y| key(&[x, y, year])),
            3 => {
                let day = birth.map_or(0, |d| d.either_way() & 0xffff);
                pairs(names, |x, y| key(&[x, y, day]));
            }
            // Two words; three words.
            4 => pairs(names, |x, y| key(&[x, y])),
            5 => triples(names, |x, y, z| key(&[x, y, z])),
            // A word and the postcode; and the place; and the house.
            6 => {
                for &name in names.iter().chain(&self.spoken) {
                    self.postcodes.iter().for_each(|p| key(&[name, *p]));
                }
            }
            7 => {
                for &name in names {
                    self.localities.iter().for_each(|l| key(&[name, *l]));
                }
            }
            8 => {
                for &name in names {
                    for [street, number, _] in self.doors {
                        key(&[name, street, number]);
                        key(&[name, street]);
                    }
                }
            }
            // A word, the place of birth and the year; two words and the place of birth.
            9 => names
                .iter()
                .for_each(|name| key(&[*name, self.birth_place, year])),
            10 => pairs(names, |x, y| key(&[x, y, self.birth_place])),
            // The birth date and where she lives or was born.
            11 => {
                let date = birth.map_or(0, Written::packed);
                for place in self.postcodes.iter().chain(&self.localities) {
                    key(&[date, *place]);
                }
                self.doors
                    .iter()
                    .for_each(|[street, ..]| key(&[date, *street]));
                key(&[date, self.birth_place]);
                key(&[date, self.trait_a]);
            }
            // The birth date and the initials.
            12 => key(&[
                birth.map_or(0, Written::either_way),
                self.initials[0],
                self.initials[1],
            ]),
            // A rare word; a rare address.
            13 => names.iter().for_each(|name| key(&[*name])),
            _ => {
                for (door, postcode) in self.doors.iter().zip(self.postcodes) {
                    key(&[door[2], postcode.max(1)]);
                    key(&[postcode]);
                }
            }
        }
        out
    }
}

/// A number for a text of a kind, from that of its letters; zero only for none.
fn mark(kind: Kind, letters: u32) -> u32 {
    match letters {
        0 => 0,
        _ => (letters ^ (kind as u32 + 1).wrapping_mul(0x9e37_79b9)).max(1),
    }
}

fn pairs(names: &[u32], mut key: impl FnMut(u32, u32)) {
    for (i, &x) in names.iter().enumerate() {
        for &y in &names[i + 1..] {
            key(x.min(y), x.max(y));
        }
    }
}

fn triples(names: &[u32], mut key: impl FnMut(u32, u32, u32)) {
    for i in 0..names.len() {
        for j in i + 1..names.len() {
            for k in j + 1..names.len() {
                let mut three = [names[i], names[j], names[k]];
                three.sort_unstable();
                key(three[0], three[1], three[2]);
            }
        }
    }
}
