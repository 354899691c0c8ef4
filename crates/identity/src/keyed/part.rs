//! The parts of a registration that tokens are made of, and which of them go together.

use crate::draft::{Draft, Fnv};
use crate::nickname::formal;
use crate::sound::{skeleton, sound};
use crate::text;
use serde::{Deserialize, Serialize};
use std::hash::Hasher;

/// Values of one part that count in one registration.
const VALUES: usize = 2;

/// What tokens are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Part {
    /// The sound of a given name; María and José only where there is no other.
    Given,
    /// The sound of the first surname.
    First,
    /// The sound of the second surname.
    Second,
    /// Year of birth.
    Year,
    /// Day and month of birth, either way.
    Day,
    /// Postcode.
    Postcode,
    /// The sound of the town or suburb.
    Locality,
    /// The sound of the street, without the house number.
    Street,
    /// Place of birth.
    BirthPlace,
    /// Telephone.
    Phone,
    /// CURP without its last two signs.
    Curp,
    /// Another number.
    Number,
    /// The sound of the mother's name.
    Mother,
    /// A further trait.
    Trait,
}

/// How many parts there are.
pub(crate) const PARTS: usize = Part::Trait as usize + 1;

impl Part {
    /// All parts in order.
    pub const ALL: [Part; PARTS] = [
        Part::Given,
        Part::First,
        Part::Second,
        Part::Year,
        Part::Day,
        Part::Postcode,
        Part::Locality,
        Part::Street,
        Part::BirthPlace,
        Part::Phone,
        Part::Curp,
        Part::Number,
        Part::Mother,
        Part::Trait,
    ];

    /// Its name in messages and in texts of a pact, in small letters with hyphens.
    pub fn code(self) -> &'static str {
        match self {
            Part::Given => "given",
            Part::First => "first",
            Part::Second => "second",
            Part::Year => "year",
            Part::Day => "day",
            Part::Postcode => "postcode",
            Part::Locality => "locality",
            Part::Street => "street",
            Part::BirthPlace => "birth-place",
            Part::Phone => "phone",
            Part::Curp => "curp",
            Part::Number => "number",
            Part::Mother => "mother",
            Part::Trait => "trait",
        }
    }

    /// The part of a name ([`Part::code`]), written exactly so.
    pub fn from_code(code: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.code() == code)
    }

    /// What agreement on it is worth, in bits: about minus the binary logarithm of the chance that two strangers have one
    /// value, rounded down. From the first estimates of the clear engine; a register's own chances weigh when pairs are
    /// judged.
    pub fn bits(self) -> u32 {
        match self {
            Part::BirthPlace => 3,
            Part::Trait => 4,
            Part::Given | Part::First | Part::Second | Part::Year | Part::Locality => 6,
            Part::Day | Part::Postcode => 8,
            Part::Street => 9,
            Part::Mother => 12,
            Part::Phone => 20,
            Part::Curp | Part::Number => 30,
        }
    }

    /// Whether brothers and sisters mostly differ in it.
    fn is_her_own(self) -> bool {
        matches!(
            self,
            Part::Given | Part::Year | Part::Day | Part::Curp | Part::Number
        )
    }

    fn is_name(self) -> bool {
        matches!(self, Part::Given | Part::First | Part::Second)
    }

    pub(crate) fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// Parts as a set of bits.
pub(crate) fn set(parts: &[Part]) -> u16 {
    parts.iter().fold(0, |set, part| set | part.bit())
}

/// The parts of a set, in order.
pub(crate) fn members(set: u16) -> impl Iterator<Item = Part> {
    Part::ALL.into_iter().filter(move |p| set & p.bit() != 0)
}

/// Which tokens a row has. Both members of a run have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shape {
    parts: u16,
    /// Bits that the parts of a token are worth at least.
    enough: u8,
}

/// Tokens of one kind that a person has, those that most of her registrations make.
pub(crate) const SLOTS: usize = 2;

impl Shape {
    /// Over some parts, for sheets of so many people. With five bits more than tell the people apart, about one person in
    /// 32 has a token of a kind in common with a stranger at her own member.
    pub(crate) fn new(parts: &[Part], people: usize) -> Shape {
        Shape {
            parts: set(parts),
            enough: (people.max(1).ilog2() as u8 + 5).clamp(16, 28),
        }
    }
    /// The kinds of tokens, in ascending order: all smallest sets of parts that are worth enough and have something of
    /// her own.
    pub(crate) fn kinds(self) -> Vec<u16> {
        let worth = |set: u16| members(set).map(Part::bits).sum::<u32>();
        let enough =
            |set: u16| worth(set) >= u32::from(self.enough) && members(set).any(Part::is_her_own);
        (1..1u16 << PARTS)
            .filter(|set| set & !self.parts == 0 && enough(*set))
            .filter(|set| !members(*set).any(|part| enough(set & !part.bit())))
            .collect()
    }
    /// Tokens in a row.
    pub(crate) fn width(self) -> usize {
        self.kinds().len() * SLOTS
    }
    /// Whether rows are made of a part.
    pub(crate) fn has(self, part: Part) -> bool {
        self.parts & part.bit() != 0
    }
}

/// The values of each part in one registration, as numbers; none where nothing is known.
pub(crate) struct Values([Vec<u64>; PARTS]);

impl Values {
    /// Reads a registration's normal form.
    pub(crate) fn of(draft: &Draft) -> Values {
        let mut values = Values(Default::default());
        let other = draft.given.iter().any(|w| w != "maria" && w != "jose");
        for word in &draft.given {
            if !(other && matches!(word.as_str(), "maria" | "jose")) {
                values.put(Part::Given, name(word));
            }
        }
        values.put(Part::First, name(&draft.first));
        values.put(Part::Second, name(&draft.second));
        if let Some(birth) = draft.birth {
            values.put(Part::Year, u64::from(birth.year));
            if birth.is_whole() {
                values.put(Part::Day, u64::from(birth.either_way() & 0xffff));
            }
        }
        for place in &draft.places {
            values.put(Part::Postcode, whole(&place.postcode));
            values.put(Part::Locality, u64::from(skeleton(&sound(&place.locality))));
            values.put(Part::Street, u64::from(skeleton(&sound(&place.street))));
        }
        values.put(Part::BirthPlace, whole(&draft.birth_place));
        for phone in &draft.phones {
            values.put(Part::Phone, *phone);
        }
        if let Some(curp) = draft.curp {
            values.put(Part::Curp, number([&curp.signs[..16]]));
        }
        for (system, value, _) in &draft.numbers {
            let value = value.to_be_bytes();
            values.put(Part::Number, number([value.as_slice(), system.as_bytes()]));
        }
        let mother: Vec<[u8; 8]> = text::words(&draft.mother)
            .map(|word| name(word).to_be_bytes())
            .filter(|sound| *sound != [0; 8])
            .collect();
        if !mother.is_empty() {
            values.put(Part::Mother, number(&mother));
        }
        for (place, one) in (0u8..).zip(&draft.traits) {
            if !one.is_empty() {
                values.put(Part::Trait, number([[place].as_slice(), one.as_bytes()]));
            }
        }
        values
    }

    fn put(&mut self, part: Part, value: u64) {
        let values = &mut self.0[part as usize];
        if value != 0 && values.len() < VALUES && !values.contains(&value) {
            values.push(value);
        }
    }

    /// The values of a part.
    pub(crate) fn part(&self, part: Part) -> &[u64] {
        &self.0[part as usize]
    }

    /// Every way to take one value of each part of a kind, as one message to be hashed; none if a part is not known.
    /// Names stand in the order of their numbers, so that names that changed places make the same message.
    pub(crate) fn messages(&self, kind: u16) -> Vec<Vec<u8>> {
        let mut ways: Vec<Vec<(bool, u64)>> = vec![Vec::new()];
        for part in members(kind) {
            let values = &self.0[part as usize];
            ways = ways
                .iter()
                .flat_map(|way| {
                    values.iter().map(move |value| {
                        let mut longer = way.clone();
                        longer.push((!part.is_name(), *value));
                        longer
                    })
                })
                .collect();
        }
        ways.into_iter()
            .map(|mut way| {
                let names = way.partition_point(|(rest, _)| !rest);
                way[..names].sort_unstable();
                let values = way.iter().flat_map(|(_, value)| value.to_be_bytes());
                kind.to_be_bytes().into_iter().chain(values).collect()
            })
            .collect()
    }
}

/// A word of a name: its formal name if it is a pet form, else how it sounds; zero for an initial, which says too
/// little.
fn name(word: &str) -> u64 {
    match formal(word)[0] {
        _ if word.chars().nth(1).is_none() => 0,
        0 => u64::from(skeleton(&sound(word))),
        row => u64::from(row) << 32,
    }
}

fn whole(text: &str) -> u64 {
    if text.is_empty() { 0 } else { number([text]) }
}

/// A number for bytes, the same on every machine; never zero.
fn number(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    for piece in pieces {
        hasher.write(piece.as_ref());
    }
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_the_smallest_sets_that_are_worth_enough() {
        use Part::{Curp, Day, First, Given, Phone, Second, Street, Year};
        // Two million people: 25 bits.
        let kinds = |parts: &[Part]| Shape::new(parts, 2_000_000).kinds();
        let person = [Given, First, Year, Day];
        assert_eq!(kinds(&person), [set(&person)]);
        assert_eq!(
            kinds(&[Given, First, Year, Day, Curp]),
            [set(&person), set(&[Curp])]
        );
        // What a family shares is no kind, however much it is worth.
        assert!(kinds(&[First, Second, Phone, Street]).is_empty());
        // Of fewer people less is needed.
        let few = Shape::new(&person, 1_000).kinds();
        assert_eq!(few.len(), 4);
        assert!(few.iter().all(|kind| kind.count_ones() == 3));
    }
    #[test]
    fn a_part_has_one_name_wherever_it_is_written() {
        for part in Part::ALL {
            assert_eq!(serde_json::to_value(part).ok(), Some(part.code().into()));
            assert_eq!(Part::from_code(part.code()), Some(part));
        }
        assert_eq!(Part::from_code("Curp"), None);
    }
    #[test]
    fn names_that_changed_places_make_one_message() {
        let values = |first: &str, second: &str| {
            let mut values = Values(Default::default());
            values.put(Part::First, name(first));
            values.put(Part::Second, name(second));
            values.messages(set(&[Part::First, Part::Second]))
        };
        assert_eq!(values("trejo", "nava"), values("nava", "trejo"));
        assert_eq!(values("vazquez", "nava"), values("basques", "naba"));
        assert!(values("trejo", "").is_empty());
    }
}
