//! Where every row stands: the key layout.
//!
//! A key is `partition 2 | family 1 | ...`. Numbers are big-endian so that bytes order as numbers do; what must come
//! newest first is stored inverted. A person and a resource are numbers (`rid`, six bytes), given out in order.
//!
//! Families say which rows are facts and which can be made again from them (`engine.rs`): below `0x10` small facts, from
//! `0x10` on derived rows, from `0x80` on bulky facts. Rows marked * are facts.
//!
//! | partition | family | rest of the key | value |
//! |---|---|---|---|
//! | house | `ROW` * | the house's key | the house's value |
//! | house | `STATE` * | | counters of the writer (`state.rs`) |
//! | house | `COUNT` | type | how many current ones, all and labelled |
//! | house | `SECRET` * | | the store's keys for hashes and page links |
//! | house | `EPOCH` * | number | the random name of an opening (`cipher.rs`) |
//! | house | `ERASED` * | person | an erasure, done or under way (`erase.rs`) |
//! | house | `LAYOUT` * | | layout of the facts and of the derived rows (`layout.rs`, plain) |
//! | house | `LOADED` * | number | a search parameter loaded at run time (`loaded.rs`) |
//! | house | `PROGRESS` * | number | how far the index is with it (plain) |
//! | house | `DICTIONARY` (bulky) * | number | a dictionary for values (`press.rs`) |
//! | house | `MOVED` | `mark` or `place` | where the archive was moved, or of what it is an unfinished copy (plain) |
//! | log | `WITNESS` * | the witness's key | the witness's value |
//! | log | `ACT_ID` | name 16 | place in the log |
//! | log | `LISTED` | length, listed under, place inverted | |
//! | log | `ACT` (bulky) * | place | the act |
//! | directory | `KEY` * | person | the slot of her data key, her Patient's id |
//! | directory | `HEAD` | type, hash of the id 16 | [`Head`](crate::head::Head) |
//! | directory | `INDEX` | as below, for identifiers | labels |
//! | directory | `PERSON` | length, directory key, person | |
//! | records | `INDEX` | parameter 2, type, value, [`Tail`] | labels and length of the main date ([`Mark`](crate::commit::Mark)) |
//! | records | `LONG` | as `INDEX` | the same again, of resources whose main date is long or open (`dates.rs`) |
//! | records | `PERSONAL` | person, type, code, [`Tail`] | the same again, for what a person's resource is about |
//! | records | `LINKED` | person, type, code, code, [`Tail`] | the same again, of Observations that say one thing in two codes |
//! | records | `PIECE` | parameter 2, type, 4 of the hash of three bytes, [`Tail`] | the same again, of names of people (`pieces.rs`) |
//! | records | `CARD` | person, type, date, rid | [`Card`](crate::card::Card) |
//! | records | `STAMP` | type, stamp inverted | [`Tail`], labels: current ones, by last change |
//! | records | `OLD` | type, stamp inverted | versions that are not current, and deletions |
//! | records | `VERSION` | rid, version | stamp and labels of a version that is not current |
//! | records | `REFERS` | person, hash of a shared resource's name, rid | labels |
//! | records | `LABELLED` | type, person, rid | labels: current ones that have any |
//! | records | `MARKED` | person, rid | labels: the same, by person |
//! | records | `BODY` (bulky) * | stamp | one version |
//!
//! There are two partitions of records: people (types that can be in a patient's compartment) and shared ones.
//! A *stamp* numbers versions in the order of their commits; a version's body never moves.

use crate::{PersonKey, types};
use fhir::ResourceType;

pub(crate) const HOUSE: u16 = 1;
pub(crate) const LOG: u16 = 2;
pub(crate) const DIRECTORY: u16 = 3;
pub(crate) const SHARED: u16 = 4;
/// The first of the people's partitions; the only one until people are spread over several.
pub(crate) const PEOPLE: u16 = 0x0100;
/// All partitions, in order. What walks a whole archive goes by this list: no row stands outside it.
pub(crate) const PARTITIONS: [u16; 5] = [HOUSE, LOG, DIRECTORY, SHARED, PEOPLE];

pub(crate) const ROW: u8 = 0x01;
pub(crate) const STATE: u8 = 0x02;
pub(crate) const COUNT: u8 = 0x18;
pub(crate) const SECRET: u8 = 0x04;
pub(crate) const EPOCH: u8 = 0x05;
pub(crate) const ERASED: u8 = 0x06;
pub(crate) const MOVED: u8 = 0x07;
pub(crate) const LAYOUT: u8 = 0x08;
pub(crate) const LOADED: u8 = 0x09;
pub(crate) const PROGRESS: u8 = 0x0a;
pub(crate) const DICTIONARY: u8 = 0x81;
pub(crate) const WITNESS: u8 = 0x01;
pub(crate) const ACT_ID: u8 = 0x19;
pub(crate) const LISTED: u8 = 0x1a;
pub(crate) const ACT: u8 = 0x80;
pub(crate) const KEY: u8 = 0x02;
pub(crate) const HEAD: u8 = 0x1b;
pub(crate) const PERSON: u8 = 0x1c;
pub(crate) const INDEX: u8 = 0x10;
pub(crate) const CARD: u8 = 0x11;
pub(crate) const STAMP: u8 = 0x12;
pub(crate) const OLD: u8 = 0x13;
pub(crate) const VERSION: u8 = 0x14;
pub(crate) const REFERS: u8 = 0x15;
pub(crate) const LABELLED: u8 = 0x16;
pub(crate) const MARKED: u8 = 0x17;
pub(crate) const LONG: u8 = 0x1d;
pub(crate) const PERSONAL: u8 = 0x1e;
pub(crate) const LINKED: u8 = 0x1f;
pub(crate) const PIECE: u8 = 0x20;
pub(crate) const BODY: u8 = 0x80;

/// The parameter number under which every resource stands once, without a value.
pub(crate) const EVERY: u16 = 0;

/// The partition that holds the records of a type.
pub(crate) fn records(of: ResourceType) -> u16 {
    if of.is_personal() { PEOPLE } else { SHARED }
}

/// A key being made.
pub(crate) struct Key(pub(crate) Vec<u8>);

/// Bytes that nearly every key has room in, tail and all.
const ROOM: usize = 48;

impl Clone for Key {
    /// With room to go on, as a new one has.
    fn clone(&self) -> Key {
        let mut key = Vec::with_capacity(ROOM.max(self.0.len()));
        key.extend_from_slice(&self.0);
        Key(key)
    }
}

impl Key {
    pub(crate) fn new(partition: u16, family: u8) -> Key {
        debug_assert!(PARTITIONS.contains(&partition), "partition {partition}");
        let mut key = Vec::with_capacity(ROOM);
        key.extend_from_slice(&partition.to_be_bytes());
        key.push(family);
        Key(key)
    }
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Key {
        self.0.extend_from_slice(bytes);
        self
    }
    /// Bytes that another part follows: with their length, so that no key is the start of another one.
    pub(crate) fn sized(self, bytes: &[u8]) -> Key {
        self.bytes(&(bytes.len() as u32).to_be_bytes()).bytes(bytes)
    }
    pub(crate) fn of(self, of: ResourceType) -> Key {
        self.bytes(&[types::code(of)])
    }
    pub(crate) fn short(self, number: u16) -> Key {
        self.bytes(&number.to_be_bytes())
    }
    pub(crate) fn long(self, number: u64) -> Key {
        self.bytes(&number.to_be_bytes())
    }
    pub(crate) fn rid(self, rid: u64) -> Key {
        self.bytes(&six(rid))
    }
    pub(crate) fn person(self, person: PersonKey) -> Key {
        self.rid(person.0)
    }
    /// A number of which the highest comes first.
    pub(crate) fn newest_first(self, number: u64) -> Key {
        self.long(!number)
    }
    pub(crate) fn tail(self, tail: &Tail) -> Key {
        self.bytes(&tail.bytes())
    }
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
    /// The range of all keys that start with this one.
    pub(crate) fn range(self) -> (Vec<u8>, Vec<u8>) {
        let end = after(&self.0);
        (self.0, end)
    }
}

/// The first key that does not start with the prefix.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    // Only a prefix of 0xff bytes gets here; partitions never are.
    vec![0xff; prefix.len() + 1]
}

/// The end of every index key: what orders an answer. Later dates first, then later registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tail {
    /// Second of the main clinical date; of the first commit for types that have no such date.
    pub(crate) date: i64,
    pub(crate) person: PersonKey,
    pub(crate) rid: u64,
}

/// Bytes of a tail.
pub(crate) const TAIL: usize = 17;

impl Tail {
    pub(crate) fn bytes(&self) -> [u8; TAIL] {
        let mut out = [0; TAIL];
        let (date, rest) = out.split_at_mut(5);
        let (person, rid) = rest.split_at_mut(6);
        date.copy_from_slice(&date_desc(self.date));
        person.copy_from_slice(&six(!self.person.0));
        rid.copy_from_slice(&six(!self.rid));
        out
    }
    pub(crate) fn read(bytes: &[u8]) -> Option<Tail> {
        let bytes: &[u8; TAIL] = bytes.try_into().ok()?;
        let (date, rest) = bytes.split_at(5);
        let (person, rid) = rest.split_at(6);
        Some(Tail {
            date: date_of(date)?,
            person: PersonKey(!from_six(person)? & SIX),
            rid: !from_six(rid)? & SIX,
        })
    }
    /// The tail at the end of a key.
    pub(crate) fn of_key(key: &[u8]) -> Option<Tail> {
        Tail::read(key.get(key.len().checked_sub(TAIL)?..)?)
    }
    pub(crate) fn card_key(&self, of: ResourceType) -> Vec<u8> {
        Key::new(records(of), CARD)
            .person(self.person)
            .of(of)
            .bytes(&date_desc(self.date))
            .rid(!self.rid & SIX)
            .done()
    }
    /// The tail of a card's key.
    pub(crate) fn of_card(key: &[u8]) -> Option<(u8, Tail)> {
        let person = PersonKey(from_six(key.get(3..9)?)?);
        let of = *key.get(9)?;
        let date = date_of(key.get(10..15)?)?;
        let rid = !from_six(key.get(15..21)?)? & SIX;
        Some((of, Tail { date, person, rid }))
    }
}

/// Largest number in six bytes.
pub(crate) const SIX: u64 = 0xffff_ffff_ffff;

fn six(number: u64) -> [u8; 6] {
    let mut out = [0; 6];
    for (to, from) in out
        .iter_mut()
        .zip(number.to_be_bytes().get(2..).unwrap_or_default())
    {
        *to = *from;
    }
    out
}

/// A number of six bytes.
pub(crate) fn from_six(bytes: &[u8]) -> Option<u64> {
    let six: &[u8; 6] = bytes.try_into().ok()?;
    Some(
        six.iter()
            .fold(0, |number, &byte| number << 8 | u64::from(byte)),
    )
}

const DATE_BIAS: i64 = 1 << 39;
/// The date of what has none although its type has one: after all others.
pub(crate) const UNDATED: i64 = -DATE_BIAS;
const DATE_MASK: u64 = (1 << 40) - 1;

/// A second of time in five bytes, later ones first.
pub(crate) fn date_desc(second: i64) -> [u8; 5] {
    let biased = !((second.clamp(-DATE_BIAS, DATE_BIAS - 1) + DATE_BIAS) as u64) & DATE_MASK;
    let mut out = [0; 5];
    for (to, from) in out
        .iter_mut()
        .zip(biased.to_be_bytes().get(3..).unwrap_or_default())
    {
        *to = *from;
    }
    out
}

fn date_of(bytes: &[u8]) -> Option<i64> {
    let five: &[u8; 5] = bytes.try_into().ok()?;
    let biased = five
        .iter()
        .fold(0u64, |number, &byte| number << 8 | u64::from(byte));
    Some((!biased & DATE_MASK) as i64 - DATE_BIAS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_orders_later_dates_first_and_comes_back() {
        let tail = |date, person, rid| Tail {
            date,
            person: PersonKey(person),
            rid,
        };
        let order = [
            tail(2_000_000_000, 1, 1),
            tail(0, 7, 9),
            tail(0, 7, 8),
            tail(0, 1, 300),
            tail(-5_000_000_000, 1, 1),
        ];
        assert!(order.map(|tail| tail.bytes()).is_sorted());
        for tail in order {
            assert_eq!(Tail::read(&tail.bytes()), Some(tail));
        }
    }
    #[test]
    fn the_end_of_a_prefix_carries_over() {
        assert_eq!(after(&[1, 2]), [1, 3]);
        assert_eq!(after(&[1, 0xff]), [2]);
    }
}
