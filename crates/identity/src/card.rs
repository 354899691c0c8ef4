//! A registration as a few numbers, and the register that holds them.

use crate::draft::Draft;
use crate::lexicon::{Id, Names, Role, Texts, Words};
use crate::registration::Registration;
use hashbrown::{DefaultHashBuilder, HashMap};
use mx::{IdentifierState, Sex};
use rayon::prelude::*;

/// The seed is drawn anew in each process: nobody can choose what collides.
pub(crate) type Map<K, V> = HashMap<K, V, DefaultHashBuilder>;

/// One registration as the numbers of its texts: what is compared. Zeros are what is not known.
#[derive(Clone, Copy, Default)]
pub(crate) struct Card {
    /// Hash of all it says.
    pub(crate) print: u64,
    pub(crate) given: [Id; 3],
    /// All given names as one text.
    pub(crate) whole: Id,
    pub(crate) first: Id,
    pub(crate) second: Id,
    pub(crate) other: [Id; 4],
    pub(crate) married: bool,
    /// 0, or 1 to 3 as in [`Sex`].
    pub(crate) sex: u8,
    pub(crate) from_curp: [bool; 3],
    pub(crate) birth: u32,
    pub(crate) birth_place: Id,
    pub(crate) places: [Home; 2],
    pub(crate) phones: [u64; 2],
    pub(crate) curp: [u8; 18],
    pub(crate) curp_state: Option<IdentifierState>,
    pub(crate) systems: [u16; 3],
    pub(crate) confirmed: [bool; 3],
    pub(crate) numbers: [u64; 3],
    pub(crate) mother: Id,
    pub(crate) father: Id,
    pub(crate) traits: [Id; 2],
}

/// An address as numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) street: Id,
    pub(crate) number: Id,
    /// Street and number as one text, for its frequency.
    pub(crate) door: Id,
    pub(crate) building: Id,
    pub(crate) postcode: Id,
    /// The first part of the postcode.
    pub(crate) area: Id,
    pub(crate) locality: Id,
    pub(crate) region: Id,
}

/// What a text is: each kind has a lexicon of its own, so that frequencies do not mix.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// All given names of a person.
    Whole,
    BirthPlace,
    Street,
    HouseNumber,
    /// Street and house number.
    Door,
    /// A second line of an address.
    Building,
    Postcode,
    /// The first part of a postcode.
    Area,
    Locality,
    Region,
    TraitA,
    TraitB,
}

const KINDS: usize = Kind::TraitB as usize + 1;

/// Registrations in the order in which they came, with the frequencies of all that they say.
#[derive(Default)]
pub struct Register {
    pub(crate) cards: Vec<Card>,
    pub(crate) words: Words,
    /// Mothers' and fathers' names.
    pub(crate) parents: Names,
    texts: [Texts; KINDS],
    /// How often each telephone and each number was written.
    pub(crate) times: Map<u64, u32>,
    /// How often each birth date was written, and how many were.
    pub(crate) births: Map<u32, u32>,
    pub(crate) births_total: u64,
    systems: Vec<String>,
}

impl Register {
    /// Adds registrations; the first gets the number [`Register::len`], and so on. Reading them runs on all threads of
    /// the pool. Cost: about two microseconds and 300 bytes each.
    pub fn extend(&mut self, registrations: &[Registration]) {
        // One that arrives is not worth waking other threads for.
        if let [one] = registrations {
            return self.take(&[Draft::read(one)]);
        }
        // Numbers are given in order, by one thread; meanwhile the others read the next ones.
        let read = |part: &[Registration]| part.par_iter().map(Draft::read).collect::<Vec<_>>();
        let mut drafts: Vec<Draft> = Vec::new();
        self.cards.reserve(registrations.len());
        for part in registrations.chunks(1 << 12) {
            let next = rayon::join(|| self.take(&drafts), || read(part)).1;
            drafts = next;
        }
        self.take(&drafts);
    }
    fn take(&mut self, drafts: &[Draft]) {
        for draft in drafts {
            let card = self.card(draft);
            self.cards.push(card);
        }
    }
    /// How many registrations there are.
    pub fn len(&self) -> usize {
        self.cards.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    fn card(&mut self, draft: &Draft) -> Card {
        let mut card = Card {
            print: draft.print(),
            married: draft.married,
            sex: draft.sex.map_or(0, |sex| match sex {
                Sex::Man => 1,
                Sex::Woman => 2,
                Sex::NonBinary => 3,
            }),
            from_curp: draft.from_curp,
            birth: draft.birth.map_or(0, |d| d.packed()),
            ..Card::default()
        };
        let words = &mut self.words;
        for (slot, word) in card.given.iter_mut().zip(&draft.given) {
            *slot = words.add(word, Role::Given);
        }
        for (slot, word) in card.other.iter_mut().zip(&draft.other) {
            *slot = words.add(word, Role::Family);
        }
        card.first = words.add(&draft.first, Role::Family);
        card.second = words.add(&draft.second, Role::Family);
        card.mother = self.parents.add(&draft.mother);
        card.father = self.parents.add(&draft.father);
        card.whole = self.add(Kind::Whole, &draft.given.join(" "));
        card.birth_place = self.add(Kind::BirthPlace, &draft.birth_place);
        let [a, b] = &draft.traits;
        card.traits = [self.add(Kind::TraitA, a), self.add(Kind::TraitB, b)];
        for (slot, place) in card.places.iter_mut().zip(&draft.places) {
            let door = if place.street.is_empty() || place.number.is_empty() {
                String::new()
            } else {
                format!("{} {}", place.street, place.number)
            };
            *slot = Home {
                street: self.add(Kind::Street, &place.street),
                number: self.add(Kind::HouseNumber, &place.number),
                door: self.add(Kind::Door, &door),
                building: self.add(Kind::Building, &place.building),
                postcode: self.add(Kind::Postcode, &place.postcode),
                area: self.add(Kind::Area, area(&place.postcode)),
                locality: self.add(Kind::Locality, &place.locality),
                region: self.add(Kind::Region, &place.region),
            };
        }
        for (slot, phone) in card.phones.iter_mut().zip(&draft.phones) {
            *slot = *phone;
        }
        if let Some(key) = draft.curp {
            card.curp = key.signs;
            card.curp_state = Some(key.state);
        }
        for (i, (system, value, confirmed)) in draft.numbers.iter().enumerate().take(3) {
            card.systems[i] = self.system(system);
            card.numbers[i] = *value;
            card.confirmed[i] = *confirmed;
        }
        if card.birth != 0 {
            *self.births.entry(card.birth).or_default() += 1;
            self.births_total += 1;
        }
        for number in card.phones.into_iter().chain(card.numbers) {
            if number != 0 {
                let times = self.times.entry(number).or_default();
                *times = times.saturating_add(1);
            }
        }
        card
    }
    /// Where the register ends now, so that what comes after can be let go again.
    pub(crate) fn end(&self) -> End {
        End {
            cards: self.cards.len(),
            words: self.words.len(),
            parents: self.parents.len(),
            texts: std::array::from_fn(|kind| self.texts[kind].len()),
            systems: self.systems.len(),
        }
    }
    /// Lets go of all that came after, as if it had never been written.
    pub(crate) fn back_to(&mut self, end: &End) {
        while self.cards.len() > end.cards {
            if let Some(card) = self.cards.pop() {
                self.uncount(&card);
            }
        }
        self.words.back_to(end.words);
        self.parents.back_to(end.parents);
        for (texts, len) in self.texts.iter_mut().zip(end.texts) {
            texts.back_to(len);
        }
        self.systems.truncate(end.systems);
    }
    /// Empties a registration: what it said counts no more. Its number stays taken.
    pub(crate) fn empty(&mut self, number: u32) {
        let card = std::mem::take(&mut self.cards[number as usize]);
        self.uncount(&card);
    }
    /// Takes a card out of the frequencies.
    fn uncount(&mut self, card: &Card) {
        for id in card.given {
            self.words.uncount(id, Role::Given);
        }
        for id in [card.first, card.second].into_iter().chain(card.other) {
            self.words.uncount(id, Role::Family);
        }
        self.parents.uncount(card.mother);
        self.parents.uncount(card.father);
        let [a, b] = card.traits;
        let texts = [
            (Kind::Whole, card.whole),
            (Kind::BirthPlace, card.birth_place),
            (Kind::TraitA, a),
            (Kind::TraitB, b),
        ];
        let homes = card.places.into_iter().flat_map(|home| {
            [
                (Kind::Street, home.street),
                (Kind::HouseNumber, home.number),
                (Kind::Door, home.door),
                (Kind::Building, home.building),
                (Kind::Postcode, home.postcode),
                (Kind::Area, home.area),
                (Kind::Locality, home.locality),
                (Kind::Region, home.region),
            ]
        });
        for (kind, id) in texts.into_iter().chain(homes) {
            self.texts[kind as usize].uncount(id);
        }
        if card.birth != 0 {
            less(&mut self.births, card.birth);
            self.births_total = self.births_total.saturating_sub(1);
        }
        for number in card.phones.into_iter().chain(card.numbers) {
            if number != 0 {
                less(&mut self.times, number);
            }
        }
    }
    /// The lexicon of a kind.
    pub(crate) fn texts(&self, kind: Kind) -> &Texts {
        &self.texts[kind as usize]
    }
    fn add(&mut self, kind: Kind, text: &str) -> Id {
        self.texts[kind as usize].add(text)
    }
    /// The number of a system of identifiers, from 1.
    fn system(&mut self, name: &str) -> u16 {
        let at = self
            .systems
            .iter()
            .position(|s| s == name)
            .unwrap_or_else(|| {
                self.systems.push(name.to_owned());
                self.systems.len() - 1
            });
        u16::try_from(at + 1).unwrap_or(u16::MAX)
    }
    /// Whether two different numbers of this system say that the people differ: a folio of one establishment does not,
    /// since people are registered twice.
    pub(crate) fn tells_apart(&self, system: u16) -> bool {
        let name = self.systems.get(usize::from(system).wrapping_sub(1));
        name.is_some_and(|name| mx::systems::clues_of_folio(name).is_none())
    }
}

/// Where a register ended at some time.
pub(crate) struct End {
    cards: usize,
    words: usize,
    parents: [usize; 2],
    texts: [usize; KINDS],
    systems: usize,
}

/// Counts one less; what is counted no more is let go.
fn less<K: std::hash::Hash + Eq>(counts: &mut Map<K, u32>, key: K) {
    if let Some(times) = counts.get_mut(&key) {
        *times = times.saturating_sub(1);
        if *times == 0 {
            counts.remove(&key);
        }
    }
}

/// The part of a postcode that names an area: all but the last two digits, or what stands before the last three signs
/// where there are letters (as in the United Kingdom).
fn area(postcode: &str) -> &str {
    let letters = postcode.bytes().any(|b| b.is_ascii_alphabetic());
    let keep = postcode.len().saturating_sub(if letters { 3 } else { 2 });
    postcode.get(..keep).unwrap_or_default()
}
