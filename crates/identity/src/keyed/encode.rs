//! Sheets out of people.

use super::part::{PARTS, Part, SLOTS, Shape, Values};
use crate::card::Map;
use crate::draft::Draft;
use crate::registration::Registration;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, sign};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The label of the normal forms: the number changes with them. Two members can only meet under one label.
pub const NORMAL_FORMS: &str = "tejido/keyed/1";

/// The label of a pair's handle.
const HANDLE: &[u8] = b"tejido/keyed/handle/1\n";

/// One token: 32 bytes that look random to whoever lacks the secret.
pub(crate) type Token = [u8; 32];

/// What two members agree on for one run, and nobody else knows.
pub struct Terms {
    shape: Shape,
    key: Key,
}

impl Terms {
    /// Of a secret that only the two members have, a name of the run that is used once (both members' names and a
    /// number that was never used before), the parts that both have, and how many people the larger of the two has,
    /// about, the same number on both sides. Under another secret or name no token is the same, so that sheets of two
    /// runs cannot be joined.
    pub fn new(secret: &[u8; 32], run: &[u8], parts: &[Part], people: usize) -> Terms {
        let mut mac = Context::with_key(&Key::new(HMAC_SHA256, secret));
        // Told apart from every other use of HMAC in the house.
        mac.update(NORMAL_FORMS.as_bytes());
        mac.update(b"\n");
        mac.update(run);
        Terms {
            shape: Shape::new(parts, people),
            key: Key::new(HMAC_SHA256, mac.sign().as_ref()),
        }
    }

    /// What these terms make of sheets.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// A name of a row of one sheet beside a row of the other: the same for both members, and for nobody else.
    pub(crate) fn handle(&self, a: u32, b: u32) -> Token {
        // No token's message begins so: it begins with the bits of its parts, of which there are fewer.
        let rows = [a, b].into_iter().flat_map(u32::to_be_bytes);
        token(&self.key, HANDLE.iter().copied().chain(rows))
    }
}

/// What a member gives away: rows of tokens, one for each person, in an order that says nothing; and of the register as
/// a whole, for each part, how often two of its people have one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    pub(crate) shape: Shape,
    /// The chance that two of the member's people have one value of a part; what its bits say where nothing is known.
    pub(crate) chances: [f32; PARTS],
    /// All rows, one after the other.
    pub(crate) tokens: Vec<Token>,
}

impl Sheet {
    /// How many people stand on it; zero if a row is not whole.
    pub fn people(&self) -> usize {
        let width = self.shape.width();
        if width == 0 || !self.tokens.len().is_multiple_of(width) {
            return 0;
        }
        self.tokens.len() / width
    }
    /// Bytes of one row's tokens.
    pub fn bytes(&self) -> usize {
        self.shape.width() * size_of::<Token>()
    }
}

/// One person, before anything is hashed with a key.
struct Person {
    /// What each of her registrations says, whatever their order.
    prints: Vec<u64>,
    /// For each place of the row its message; empty where there is none.
    messages: Vec<Vec<u8>>,
    values: Vec<Values>,
}

/// Writes a sheet of people, each given by all of her registrations at this member ([`crate::link`] finds which go
/// together), and says for each of its rows which of `people` it is. `own` is 32 random bytes that nobody else has and
/// that are used for this run alone: empty places are filled from it.
///
/// A token that several people would have stands at one of them, the same one for all such tokens: what a member did
/// not know to be one person meets at least once, and no row tells of another.
///
/// The order of people and of their registrations changes neither the sheet nor who is where.
///
/// Cost: about two microseconds of one core and 32 bytes a token.
pub fn encode(
    terms: &Terms,
    own: &[u8; 32],
    people: &[impl AsRef<[Registration]> + Sync],
) -> (Sheet, Vec<u32>) {
    let kinds = terms.shape.kinds();
    let of_each = people.par_iter().map(|of| person(&kinds, of.as_ref()));
    let read: Vec<Person> = of_each.collect();
    let mut order: Vec<u32> = (0..read.len() as u32).collect();
    order.par_sort_by(|i, j| read[*i as usize].prints.cmp(&read[*j as usize].prints));
    let mut taken: Map<&[u8], u32> = Map::default();
    for i in &order {
        for message in read[*i as usize].messages.iter().filter(|m| !m.is_empty()) {
            taken.entry(message).or_insert(*i);
        }
    }
    // People of whom the same is said are told apart by a number, so that their fillings differ.
    let mut same = vec![0u32; read.len()];
    for two in order.windows(2) {
        let (before, after) = (two[0] as usize, two[1] as usize);
        if read[before].prints == read[after].prints {
            same[after] = same[before] + 1;
        }
    }
    // Of the run too, so that a number used twice would fill two sheets differently.
    let own = Key::new(HMAC_SHA256, sign(&terms.key, own).as_ref());
    let mut rows: Vec<(Vec<Token>, u32)> = order
        .par_iter()
        .map(|i| {
            let one = &read[*i as usize];
            let same = same[*i as usize];
            let row = (0u32..).zip(&one.messages).map(|(place, message)| {
                if taken.get(message.as_slice()) == Some(i) {
                    token(&terms.key, message.iter().copied())
                } else {
                    let numbers = one.prints.iter().flat_map(|p| p.to_be_bytes());
                    let places = [place, same].into_iter().flat_map(u32::to_be_bytes);
                    token(&own, places.chain(numbers))
                }
            });
            (row.collect(), *i)
        })
        .collect();
    rows.par_sort();
    let sheet = Sheet {
        shape: terms.shape,
        chances: chances(&read),
        tokens: rows.iter().flat_map(|(row, _)| row).copied().collect(),
    };
    (sheet, rows.into_iter().map(|(_, i)| i).collect())
}

fn person(kinds: &[u16], registrations: &[Registration]) -> Person {
    let drafts: Vec<Draft> = registrations.iter().map(Draft::read).collect();
    let mut prints: Vec<u64> = drafts.iter().map(Draft::print).collect();
    prints.sort_unstable();
    let values: Vec<Values> = drafts.iter().map(Values::of).collect();
    let mut messages = Vec::with_capacity(kinds.len() * SLOTS);
    for kind in kinds {
        let mut all: Vec<Vec<u8>> = values.iter().flat_map(|v| v.messages(*kind)).collect();
        all.sort_unstable();
        let mut runs: Vec<&[Vec<u8>]> = all.chunk_by(|a, b| a == b).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.len()));
        let of_slot = |slot: usize| runs.get(slot).and_then(|run| run.first());
        messages.extend((0..SLOTS).map(|slot| of_slot(slot).cloned().unwrap_or_default()));
    }
    Person {
        prints,
        messages,
        values,
    }
}

fn token(key: &Key, message: impl Iterator<Item = u8>) -> Token {
    let message: Vec<u8> = message.collect();
    let mut token = Token::default();
    token.copy_from_slice(sign(key, &message).as_ref());
    token
}

/// The chance that two people have one value of each part.
fn chances(people: &[Person]) -> [f32; PARTS] {
    Part::ALL.map(|part| {
        let mut times: Map<u64, u64> = Map::default();
        let mut all = 0;
        let firsts = people
            .iter()
            .filter_map(|p| p.values.iter().find_map(|v| v.part(part).first()));
        for value in firsts {
            *times.entry(*value).or_default() += 1;
            all += 1;
        }
        let pairs = |n: u64| n as f64 * (n as f64 - 1.0) / 2.0;
        let same: f64 = times.into_values().map(pairs).sum();
        // One pair more in as many as the part's bits say: what a small register did not see.
        let usual = f64::from(1u32 << part.bits());
        ((same + 1.0) / (pairs(all) + usual)) as f32
    })
}
