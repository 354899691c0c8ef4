//! One run between two members, in halves: what each says in turn, and what each refuses.
//!
//! | | the one that asks | | the one that answers |
//! |---|---|---|---|
//! | 1 | [`Asking::start`] | [`Offer`] → | [`Answering::start`] |
//! | 2 | [`Asking::agreed`] | ← [`Accept`] | |
//! | 3 | | [`Veiled`] → | [`Answering::answer`] |
//! | 4 | [`Asked::compare`] | ← [`Reply`] | |
//! | 5 | | [`Told`] → | [`Answered::hear`] |
//!
//! Each step takes the one before it: none can be made twice or out of turn, and a message of another run meets other
//! numbers. Who carries the messages, signs them and counts the runs stands above.

use super::encode::{NORMAL_FORMS, Sheet, Terms, encode};
use super::half::{Half, NoPoint, Veiled};
use super::pairs::{Pair, Unlike, pairs};
use super::part::{Part, Shape, set};
use crate::registration::Registration;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, sign};
use serde::{Deserialize, Serialize};

/// What a member accepts of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// People on the other's sheet at most.
    pub people: u64,
    /// The parts that may be compared.
    pub parts: &'static [Part],
}

/// What whoever asks says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Offer {
    /// The asker's share of the run's name: 32 bytes that were never used before.
    pub share: [u8; 32],
    /// The normal forms that it writes tokens of ([`NORMAL_FORMS`]).
    pub forms: String,
    /// What it would compare.
    pub parts: Vec<Part>,
    /// People on its sheet.
    pub people: u64,
}

/// What the other answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accept {
    /// The answerer's share of the run's name.
    pub share: [u8; 32],
    /// People on its sheet.
    pub people: u64,
}

/// The answerer's own sheet, and the asker's multiplied by both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reply {
    own: Veiled,
    both: Sheet,
}

/// Which rows met: `a` is a row of the asker's sheet, `b` of the answerer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    pairs: Vec<Pair>,
}

/// Why a member goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The other writes tokens of other normal forms.
    Forms,
    /// It would compare nothing, or parts that are not to be compared.
    Parts,
    /// Its sheet is larger than is accepted.
    Large {
        /// People on it.
        people: u64,
        /// People accepted.
        accepted: u64,
    },
    /// It sent another sheet than it had said, or what came back is not of the size of what was sent.
    Other,
    /// It sent what is no sheet.
    Point,
    /// It told of a row that there is not, of one row twice, or of more than can be known.
    Rows,
    /// The random bytes make no number for the curve.
    Random,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Forms => f.write_str("the two members write names in other normal forms"),
            Refused::Parts => f.write_str("these parts are not to be compared"),
            Refused::Large { people, accepted } => {
                write!(f, "a sheet of {people} people; {accepted} are accepted")
            }
            Refused::Other => f.write_str("the sheet is not the one that was announced"),
            Refused::Point => NoPoint.fmt(f),
            Refused::Rows => f.write_str("rows were told that cannot have met"),
            Refused::Random => f.write_str("the random bytes are of no use"),
        }
    }
}
impl std::error::Error for Refused {}

impl From<NoPoint> for Refused {
    fn from(_: NoPoint) -> Refused {
        Refused::Point
    }
}
impl From<Unlike> for Refused {
    fn from(_: Unlike) -> Refused {
        Refused::Other
    }
}

/// A person of one's own who met a row of the other's.
#[derive(Clone, Debug, PartialEq)]
pub struct Met {
    /// Which of the people that the run was started with.
    pub person: u32,
    /// The other's row: it says nothing outside this run.
    pub row: u32,
    /// Probability that they are one, 0 to 1.
    pub probability: f64,
    /// The parts that were seen to agree.
    pub agreed: Vec<Part>,
}

/// Random bytes of one run, each use with its own.
struct Fresh(Key);

impl Fresh {
    fn bytes(&self, what: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(sign(&self.0, what).as_ref());
        bytes
    }
    fn share(&self) -> [u8; 32] {
        self.bytes(b"share")
    }
    fn half(&self) -> Result<Half, Refused> {
        Half::new(&self.bytes(b"half")).ok_or(Refused::Random)
    }
}

/// The terms of a run, the same on both sides: of both shares, so that neither can bring an earlier run's back.
fn agree(names: [&str; 2], shares: [&[u8; 32]; 2], parts: &[Part], people: [u64; 2]) -> Terms {
    let larger = usize::try_from(people[0].max(people[1])).unwrap_or(usize::MAX);
    let mut secret = Context::with_key(&Key::new(HMAC_SHA256, shares[0]));
    secret.update(shares[1]);
    let mut run = Vec::new();
    for name in names {
        run.extend((name.len() as u64).to_be_bytes());
        run.extend(name.as_bytes());
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(secret.sign().as_ref());
    Terms::new(&bytes, &run, parts, larger)
}

fn small_enough(people: u64, limits: &Limits) -> Result<(), Refused> {
    // Rows are numbered with 32 bits.
    let accepted = limits.people.min(u64::from(u32::MAX));
    if people > accepted {
        return Err(Refused::Large { people, accepted });
    }
    Ok(())
}

/// The asker, before the other has answered.
pub struct Asking<'a> {
    names: [String; 2],
    people: Vec<&'a [Registration]>,
    offer: Offer,
    fresh: Fresh,
}

impl<'a> Asking<'a> {
    /// Of both members' names (one's own first), one's people, what is to be compared, and 32 random bytes that nobody
    /// else has and that are used for this run alone.
    pub fn start(
        names: [&str; 2],
        people: Vec<&'a [Registration]>,
        parts: &[Part],
        random: &[u8; 32],
    ) -> (Asking<'a>, Offer) {
        let fresh = Fresh(Key::new(HMAC_SHA256, random));
        let offer = Offer {
            share: fresh.share(),
            forms: NORMAL_FORMS.to_owned(),
            parts: parts.to_vec(),
            people: people.len() as u64,
        };
        let asking = Asking {
            names: names.map(str::to_owned),
            people,
            offer: offer.clone(),
            fresh,
        };
        (asking, offer)
    }

    /// Writes one's sheet and multiplies it. Cost: [`Half::once`].
    ///
    /// # Errors
    /// When the other's sheet will be larger than is accepted.
    pub fn agreed(self, accept: &Accept, limits: &Limits) -> Result<(Asked, Veiled), Refused> {
        small_enough(accept.people, limits)?;
        let [own, other] = [&self.names[0], &self.names[1]];
        let people = [self.offer.people, accept.people];
        let shares = [&self.offer.share, &accept.share];
        let terms = agree([own, other], shares, &self.offer.parts, people);
        let (sheet, rows) = encode(&terms, &self.fresh.bytes(b"fill"), &self.people);
        let half = self.fresh.half()?;
        let veiled = half.once(&sheet)?;
        let asked = Asked {
            half,
            sheet,
            rows,
            theirs: accept.people,
        };
        Ok((asked, veiled))
    }
}

/// The asker, waiting for the other's sheet.
pub struct Asked {
    half: Half,
    sheet: Sheet,
    rows: Vec<u32>,
    theirs: u64,
}

impl Asked {
    /// Finds the pairs: for oneself, and for the other what it is told. Cost: [`Half::twice`] and [`pairs`].
    ///
    /// # Errors
    /// When the other's sheet is not the one that it said, or what came back is not of the size of what was sent.
    pub fn compare(self, reply: Reply) -> Result<(Vec<Met>, Told), Refused> {
        let (sheet, both) = (&self.sheet, reply.both);
        let whole = reply.own.is_of(sheet.shape, self.theirs);
        if !whole || both.shape != sheet.shape || both.tokens.len() != sheet.tokens.len() {
            return Err(Refused::Other);
        }
        // What one's own register says of chances is not taken from the other.
        let own = Sheet {
            chances: sheet.chances,
            ..both
        };
        let pairs = pairs(&own, &self.half.twice(&reply.own)?)?;
        let met = pairs.iter().filter_map(|pair| {
            let person = *self.rows.get(pair.a as usize)?;
            Some(met(person, pair.b, pair))
        });
        Ok((met.collect(), Told { pairs }))
    }
}

/// The answerer, who has agreed.
pub struct Answering {
    half: Half,
    sheet: Sheet,
    rows: Vec<u32>,
    theirs: u64,
}

impl Answering {
    /// Of both members' names (the asker's first), what it offers, what is accepted, one's people, and 32 random bytes
    /// that nobody else has and that are used for this run alone. Cost: [`encode`].
    ///
    /// # Errors
    /// When the other writes other normal forms, would compare what is not to be compared, or has a larger sheet than is
    /// accepted.
    pub fn start(
        names: [&str; 2],
        offer: &Offer,
        limits: &Limits,
        people: &[&[Registration]],
        random: &[u8; 32],
    ) -> Result<(Answering, Accept), Refused> {
        if offer.forms != NORMAL_FORMS {
            return Err(Refused::Forms);
        }
        if offer.parts.is_empty() || offer.parts.iter().any(|p| !limits.parts.contains(p)) {
            return Err(Refused::Parts);
        }
        small_enough(offer.people, limits)?;
        let fresh = Fresh(Key::new(HMAC_SHA256, random));
        let accept = Accept {
            share: fresh.share(),
            people: people.len() as u64,
        };
        let shares = [&offer.share, &accept.share];
        let terms = agree(names, shares, &offer.parts, [offer.people, accept.people]);
        let (sheet, rows) = encode(&terms, &fresh.bytes(b"fill"), people);
        let answering = Answering {
            half: fresh.half()?,
            theirs: offer.people,
            sheet,
            rows,
        };
        Ok((answering, accept))
    }

    /// Multiplies one's own sheet and the asker's. Cost: [`Half::once`] and [`Half::twice`].
    ///
    /// # Errors
    /// When the asker's sheet is not the one that it said.
    pub fn answer(self, veiled: &Veiled) -> Result<(Answered, Reply), Refused> {
        if !veiled.is_of(self.sheet.shape, self.theirs) {
            return Err(Refused::Other);
        }
        let reply = Reply {
            both: self.half.twice(veiled)?,
            own: self.half.once(&self.sheet)?,
        };
        let answered = Answered {
            parts: self.sheet.shape,
            rows: self.rows,
            theirs: self.theirs,
        };
        Ok((answered, reply))
    }
}

/// The answerer, waiting to be told.
pub struct Answered {
    parts: Shape,
    rows: Vec<u32>,
    theirs: u64,
}

impl Answered {
    /// Which of one's people met, as the asker says: it cannot be verified here, so a pair is a reason to look and no more.
    ///
    /// # Errors
    /// When a row is told twice or there is no such row, a probability is none of a pair, or a part was not compared.
    pub fn hear(self, told: &Told) -> Result<Vec<Met>, Refused> {
        let mut seen = std::collections::HashSet::new();
        let mut seen_there = std::collections::HashSet::new();
        let one = |pair: &Pair| {
            let person = *self.rows.get(pair.b as usize)?;
            let sound = u64::from(pair.a) < self.theirs
                && pair.probability > 0.5
                && pair.probability <= 1.0
                && pair.agreed.iter().all(|part| self.parts.has(*part))
                && set(&pair.agreed).count_ones() as usize == pair.agreed.len();
            let once = seen.insert(pair.b) && seen_there.insert(pair.a);
            (sound && once).then(|| met(person, pair.a, pair))
        };
        let all: Option<Vec<Met>> = told.pairs.iter().map(one).collect();
        all.ok_or(Refused::Rows)
    }
}

fn met(person: u32, row: u32, pair: &Pair) -> Met {
    Met {
        person,
        row,
        probability: pair.probability,
        agreed: pair.agreed.clone(),
    }
}
