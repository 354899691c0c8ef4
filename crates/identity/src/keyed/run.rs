//! One run between two members, in halves: what each says in turn, and what each refuses.
//!
//! | | the one that asks | | the one that answers |
//! |---|---|---|---|
//! | 1 | [`Asking::start`] | [`Offer`] → | [`Answering::start`] |
//! | 2 | [`Asking::agreed`] | ← [`Accept`] | |
//! | 3, for each piece of the asker's sheet | [`Asked::piece`] | multiplied once → | [`Answering::twice`] |
//! | | [`Asked::take_back`] | ← multiplied by both | |
//! | 4, for each piece of the answerer's | [`Asked::take_theirs`] | ← multiplied once | [`Answering::own`] |
//! | 5, for each [`TOLD`] pairs | [`Asked::compare`] | [`Told`] → | [`Answering::hear`] |
//!
//! *In pieces.* A sheet goes as points of 32 bytes, [`PIECE`] of them at a time, and the last piece has the rest. How
//! many there are follows from the offer and its acceptance, so a sheet cannot be longer than was announced. The
//! answerer multiplies a piece of the asker's and forgets it; the asker keeps both sheets, as it must to compare them.
//!
//! *In turn.* A piece is taken in its order and once, and whatever is refused ends the run: there is no second try
//! under the same numbers. A message of another run meets other numbers. Who carries the messages, signs them and
//! counts the runs stands above.
//!
//! Memory: the asker holds 32 bytes for each token of both sheets, the answerer for each of its own.

use super::encode::{NORMAL_FORMS, Sheet, Terms, Token, encode};
use super::half::{Half, NoPoint};
use super::pairs::{Pair, Unlike, pairs};
use super::part::{PARTS, Part, Shape, set};
use crate::registration::Registration;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, sign};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::ops::Range;

/// Points in one piece at most (256 KiB).
pub const PIECE: usize = 8_192;

/// Pairs told in one message at most.
pub const TOLD: usize = 4_000;

/// What a member accepts of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits<'a> {
    /// People on the other's sheet at most.
    pub people: u64,
    /// The parts that may be compared.
    pub parts: &'a [Part],
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

impl Offer {
    /// Whether a member accepts it, before it looks at its own register.
    ///
    /// # Errors
    /// When the other writes other normal forms, would compare what is not to be compared, or has a larger sheet than is
    /// accepted.
    pub fn check(&self, limits: &Limits) -> Result<(), Refused> {
        if self.forms != NORMAL_FORMS {
            return Err(Refused::Forms);
        }
        if self.parts.is_empty() || self.parts.iter().any(|p| !limits.parts.contains(p)) {
            return Err(Refused::Parts);
        }
        small_enough(self.people, limits)
    }
}

/// What the other answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Accept {
    /// The answerer's share of the run's name.
    pub share: [u8; 32],
    /// People on its sheet.
    pub people: u64,
    /// The chance that two of its people have one value, for each part in the order of [`Part::ALL`].
    pub chances: [f32; PARTS],
}

/// Which rows met, in one message or several: `a` is a row of the asker's sheet, `b` of the answerer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Told {
    /// [`TOLD`] of them at most; only the last message may have none.
    pairs: Vec<Pair>,
    /// Whether no more are told.
    last: bool,
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
    /// A chance of its register is none: not above 0, or above 1.
    Chances,
    /// A step was made out of turn, twice, or after something had been refused.
    Turn,
    /// It sent a piece of another size than what was announced makes.
    Size,
    /// It sent what is no point of the curve.
    Point,
    /// It told of a row that there is not, of one row twice, of more than can be known, or of too many or none at once.
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
            Refused::Chances => {
                f.write_str("a chance that the other states is not above 0 and at most 1")
            }
            Refused::Turn => f.write_str("a step of the run was made out of turn; start a new run"),
            Refused::Size => f.write_str("a piece is not of the size that was announced"),
            Refused::Point => f.write_str("a piece holds something that is no point of the curve"),
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
        Refused::Size
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
    /// A name of the pair: the same 32 bytes at both members, unlike those of every other pair and run, and unknown to
    /// anybody else.
    pub handle: [u8; 32],
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

/// Points of a sheet of so many people.
fn points(shape: Shape, people: u64) -> usize {
    usize::try_from(people)
        .unwrap_or(usize::MAX)
        .saturating_mul(shape.width())
}

/// Pieces of a sheet of so many points.
fn pieces(points: usize) -> usize {
    points.div_ceil(PIECE)
}

/// Which of so many points the n-th piece has.
///
/// # Errors
/// When there is no such piece.
fn cut(points: usize, n: usize) -> Result<Range<usize>, Refused> {
    let from = n.checked_mul(PIECE).filter(|from| *from < points);
    let from = from.ok_or(Refused::Turn)?;
    Ok(from..points.min(from.saturating_add(PIECE)))
}

/// The points of a piece that came, if they are as many as belong there.
fn read(piece: &[u8], belong: Range<usize>) -> Result<&[Token], Refused> {
    match piece.as_chunks() {
        (points, []) if points.len() == belong.len() => Ok(points),
        _ => Err(Refused::Size),
    }
}

/// The asker, before the other has answered.
pub struct Asking {
    names: [String; 2],
    people: Vec<Vec<Registration>>,
    offer: Offer,
    fresh: Fresh,
}

impl Asking {
    /// Of both members' names (one's own first), all registrations of each of one's people, what is to be compared, and
    /// 32 random bytes that nobody else has and that are used for this run alone.
    pub fn start(
        names: [&str; 2],
        people: Vec<Vec<Registration>>,
        parts: &[Part],
        random: &[u8; 32],
    ) -> (Asking, Offer) {
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

    /// Writes one's sheet. Cost: [`encode`].
    ///
    /// # Errors
    /// When the other's sheet will be larger than is accepted, or its chances are none.
    pub fn agreed(self, accept: &Accept, limits: &Limits) -> Result<Asked, Refused> {
        small_enough(accept.people, limits)?;
        if !accept.chances.iter().all(|c| *c > 0.0 && *c <= 1.0) {
            return Err(Refused::Chances);
        }
        let [own, other] = [&self.names[0], &self.names[1]];
        let people = [self.offer.people, accept.people];
        let shares = [&self.offer.share, &accept.share];
        let terms = agree([own, other], shares, &self.offer.parts, people);
        let (own, rows) = encode(&terms, &self.fresh.bytes(b"fill"), &self.people);
        let theirs = Sheet {
            shape: terms.shape(),
            chances: accept.chances,
            tokens: Vec::new(),
        };
        Ok(Asked {
            half: self.fresh.half()?,
            their_points: points(terms.shape(), accept.people),
            taken: Some(Taken::default()),
            terms,
            own,
            rows,
            theirs,
        })
    }
}

/// Pieces that the asker has taken.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Taken {
    back: usize,
    theirs: usize,
}

/// The asker, who has agreed and gathers the pieces.
pub struct Asked {
    terms: Terms,
    half: Half,
    /// Pieces that came back, multiplied by both, stand in the place of one's own tokens.
    own: Sheet,
    rows: Vec<u32>,
    theirs: Sheet,
    their_points: usize,
    /// None after something was refused.
    taken: Option<Taken>,
}

impl Asked {
    /// Pieces of one's own sheet.
    pub fn pieces(&self) -> usize {
        pieces(self.own.tokens.len())
    }

    /// Pieces of the other's sheet.
    pub fn their_pieces(&self) -> usize {
        pieces(self.their_points)
    }

    /// One's own n-th piece multiplied once, to be sent: 32 bytes a point, of [`PIECE`] points at most. Asked for again
    /// it is the same, until it has come back. Cost: 0.15 milliseconds of a core a point.
    ///
    /// # Errors
    /// When there is no such piece, it has come back already, or something was refused before.
    pub fn piece(&self, n: usize) -> Result<Vec<u8>, Refused> {
        let taken = self.taken.ok_or(Refused::Turn)?;
        if n < taken.back {
            return Err(Refused::Turn);
        }
        let tokens = self.own.tokens.get(cut(self.own.tokens.len(), n)?);
        Ok(self.half.once(tokens.unwrap_or_default())?.into_flattened())
    }

    /// Takes the next of one's own pieces as it came back, multiplied by both. What is no point is not looked for here: it
    /// meets nobody.
    ///
    /// # Errors
    /// When all have come back, or it is not of the size of what was sent.
    pub fn take_back(&mut self, piece: &[u8]) -> Result<(), Refused> {
        let taken = self.taken.take().ok_or(Refused::Turn)?;
        let place = cut(self.own.tokens.len(), taken.back)?;
        let points = read(piece, place.clone())?;
        for (token, point) in self.own.tokens.iter_mut().skip(place.start).zip(points) {
            *token = *point;
        }
        let back = taken.back + 1;
        self.taken = Some(Taken { back, ..taken });
        Ok(())
    }

    /// Takes the next of the other's pieces, multiplies it once more and keeps it. Cost: 0.12 milliseconds of a core a
    /// point.
    ///
    /// # Errors
    /// When all were taken, or it is not of the size that was announced or has what is no point.
    pub fn take_theirs(&mut self, piece: &[u8]) -> Result<(), Refused> {
        let taken = self.taken.take().ok_or(Refused::Turn)?;
        let points = read(piece, cut(self.their_points, taken.theirs)?)?;
        self.theirs.tokens.extend(self.half.twice(points)?);
        let theirs = taken.theirs + 1;
        self.taken = Some(Taken { theirs, ..taken });
        Ok(())
    }

    /// Finds the pairs, the likeliest first: for oneself, and for the other what it is told, in order and with at least
    /// one message. Cost: [`pairs`].
    ///
    /// # Errors
    /// When a piece is missing, or something was refused before.
    pub fn compare(self) -> Result<(Vec<Met>, Vec<Told>), Refused> {
        let all = Taken {
            back: self.pieces(),
            theirs: self.their_pieces(),
        };
        if self.taken != Some(all) {
            return Err(Refused::Turn);
        }
        let pairs = pairs(&self.own, &self.theirs)?;
        let met = pairs.iter().filter_map(|pair| {
            let person = *self.rows.get(pair.a as usize)?;
            Some(met(&self.terms, person, pair.b, pair))
        });
        let messages = pairs.len().div_ceil(TOLD).max(1);
        let told = (1..=messages).map(|n| Told {
            pairs: pairs
                .iter()
                .skip((n - 1) * TOLD)
                .take(TOLD)
                .cloned()
                .collect(),
            last: n == messages,
        });
        Ok((met.collect(), told.collect()))
    }
}

/// The answerer.
pub struct Answering {
    terms: Terms,
    half: Half,
    sheet: Sheet,
    rows: Vec<u32>,
    /// People and points of the asker's sheet.
    theirs: u64,
    their_points: usize,
    /// Steps made: the asker's pieces, then one's own, then what is told. None after something was refused, or at the end.
    steps: Option<usize>,
    heard: Vec<Met>,
    /// The asker's rows that were told of, and one's own.
    told: [HashSet<u32>; 2],
}

impl Answering {
    /// Of both members' names (the asker's first), what it offers, what is accepted, all registrations of each of one's
    /// people, and 32 random bytes that nobody else has and that are used for this run alone. Cost: [`encode`].
    ///
    /// # Errors
    /// As [`Offer::check`].
    pub fn start(
        names: [&str; 2],
        offer: &Offer,
        limits: &Limits,
        people: Vec<Vec<Registration>>,
        random: &[u8; 32],
    ) -> Result<(Answering, Accept), Refused> {
        offer.check(limits)?;
        let fresh = Fresh(Key::new(HMAC_SHA256, random));
        let share = fresh.share();
        let counts = [offer.people, people.len() as u64];
        let terms = agree(names, [&offer.share, &share], &offer.parts, counts);
        let (sheet, rows) = encode(&terms, &fresh.bytes(b"fill"), &people);
        let accept = Accept {
            share,
            people: counts[1],
            chances: sheet.chances,
        };
        let answering = Answering {
            half: fresh.half()?,
            theirs: offer.people,
            their_points: points(terms.shape(), offer.people),
            steps: Some(0),
            heard: Vec::new(),
            told: Default::default(),
            terms,
            sheet,
            rows,
        };
        Ok((answering, accept))
    }

    /// The asker's n-th piece, multiplied by both, to be sent back; nothing of it is kept. Pieces come in their order,
    /// each once. Cost: 0.12 milliseconds of a core a point.
    ///
    /// # Errors
    /// When it is not the next piece, not of the size that was announced, or has what is no point.
    pub fn twice(&mut self, n: usize, piece: &[u8]) -> Result<Vec<u8>, Refused> {
        let steps = self.steps.take();
        let points = read(piece, cut(self.their_points, n)?)?;
        let next = in_turn(steps, n)?;
        let both = self.half.twice(points)?;
        self.steps = Some(next);
        Ok(both.into_flattened())
    }

    /// One's own n-th piece multiplied once, to be sent: in their order, each once, and only after all of the asker's.
    /// Cost: 0.15 milliseconds of a core a point.
    ///
    /// # Errors
    /// When it is not the next piece.
    pub fn own(&mut self, n: usize) -> Result<Vec<u8>, Refused> {
        let steps = self.steps.take();
        let place = cut(self.sheet.tokens.len(), n)?;
        let next = in_turn(steps, pieces(self.their_points) + n)?;
        let tokens = self.sheet.tokens.get(place).unwrap_or_default();
        let once = self.half.once(tokens)?;
        self.steps = Some(next);
        Ok(once.into_flattened())
    }

    /// The next message of which of one's people met; after the last one all of them. They met as the asker says: it cannot
    /// be verified here, so a pair is a reason to look and no more.
    ///
    /// # Errors
    /// When not all of one's own pieces were given; when a row is told twice or there is no such row, a probability is
    /// none of a pair, a part was not compared, or a message has more than [`TOLD`] pairs, or none and is not the last.
    pub fn hear(&mut self, told: &Told) -> Result<Option<Vec<Met>>, Refused> {
        let given = pieces(self.their_points) + pieces(self.sheet.tokens.len());
        in_turn(self.steps.take(), given)?;
        if told.pairs.len() > TOLD || (told.pairs.is_empty() && !told.last) {
            return Err(Refused::Rows);
        }
        for pair in &told.pairs {
            let heard = self.one(pair).ok_or(Refused::Rows)?;
            self.heard.push(heard);
        }
        if told.last {
            return Ok(Some(std::mem::take(&mut self.heard)));
        }
        self.steps = Some(given);
        Ok(None)
    }

    /// A pair that may have met and was not told before.
    fn one(&mut self, pair: &Pair) -> Option<Met> {
        let person = *self.rows.get(pair.b as usize)?;
        let sound = u64::from(pair.a) < self.theirs
            && pair.probability > 0.5
            && pair.probability <= 1.0
            && pair.agreed.iter().all(|p| self.terms.shape().has(*p))
            && set(&pair.agreed).count_ones() as usize == pair.agreed.len();
        let [theirs, own] = &mut self.told;
        let once = theirs.insert(pair.a) && own.insert(pair.b);
        (sound && once).then(|| met(&self.terms, person, pair.a, pair))
    }
}

/// The steps after one that is made in its turn.
fn in_turn(steps: Option<usize>, step: usize) -> Result<usize, Refused> {
    if steps == Some(step) {
        Ok(step + 1)
    } else {
        Err(Refused::Turn)
    }
}

fn met(terms: &Terms, person: u32, row: u32, pair: &Pair) -> Met {
    Met {
        person,
        row,
        probability: pair.probability,
        agreed: pair.agreed.clone(),
        handle: terms.handle(pair.a, pair.b),
    }
}
