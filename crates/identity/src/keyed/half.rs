//! The secret in halves: nobody can try a person out without the other member.
//!
//! A token becomes a point of the curve P-256 (the first x of a row of hashes of it that is one), and each member
//! multiplies it by a number of its own. The order does not matter, so what both have multiplied is the same for the
//! same token; what one has multiplied looks random to the other (decisional Diffie-Hellman in the random oracle
//! model). Only x is kept: a point and its opposite have one x, and so have their multiples.
//!
//! Sources: C. Meadows, "A more efficient cryptographic matchmaking protocol" (1986); R. Agrawal, A. Evfimievski,
//! R. Srikant, "Information sharing across private databases" (SIGMOD 2003); the choice of curve and of trying x after
//! x is that of Google's Private Join and Compute.

use super::encode::{Sheet, Token};
use super::part::{PARTS, Shape};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest::{Context, SHA256};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

const DOMAIN: &[u8] = b"tejido/keyed/point/1\n";

/// Hashes tried for one token; each is a point with even odds.
const TRIES: u8 = 128;

/// A member's own half of a run's secret.
pub struct Half(PrivateKey);

/// A sheet that one member has multiplied: what is sent to the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Veiled {
    shape: Shape,
    chances: [f32; PARTS],
    points: Vec<Token>,
}

/// A veiled sheet that holds something which is no point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPoint;

impl std::fmt::Display for NoPoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sheet holds something that is no point of the curve")
    }
}
impl std::error::Error for NoPoint {}

impl Veiled {
    /// Whether it has whole rows of this shape, of so many people, and its chances are chances.
    pub(crate) fn is_of(&self, shape: Shape, people: u64) -> bool {
        let tokens = (shape.width() as u64).checked_mul(people);
        self.shape == shape
            && tokens == Some(self.points.len() as u64)
            && self
                .chances
                .iter()
                .all(|chance| *chance > 0.0 && *chance <= 1.0)
    }
}

impl Half {
    /// Of 32 random bytes that nobody else has and that are used for one run alone. `None` for the few (one in 2^32)
    /// that are no number below the curve's order, or zero.
    pub fn new(random: &[u8; 32]) -> Option<Half> {
        PrivateKey::from_private_key(&ECDH_P256, random)
            .ok()
            .map(Half)
    }

    /// Multiplies a sheet of one's own, to be sent. Rows stay in their order. Cost: about 0.15 milliseconds of
    /// one core a token.
    ///
    /// # Errors
    /// Never in practice: if no hash of a token were a point (one in 2^128).
    pub fn once(&self, sheet: &Sheet) -> Result<Veiled, NoPoint> {
        let points = sheet.tokens.par_iter().map(|token| {
            let mut tries = (0..TRIES).map(|n| {
                let mut hash = Context::new(&SHA256);
                [DOMAIN, token, &[n]]
                    .into_iter()
                    .for_each(|part| hash.update(part));
                self.times(hash.finish().as_ref())
            });
            tries.find_map(Result::ok).ok_or(NoPoint)
        });
        Ok(Veiled {
            shape: sheet.shape,
            chances: sheet.chances,
            points: points.collect::<Result<_, _>>()?,
        })
    }

    /// Multiplies what the other member has multiplied: a sheet that can be compared with another that went both ways
    /// ([`crate::keyed::pairs`]). Rows stay in their order. Cost: about 0.12 milliseconds of one core a
    /// token.
    ///
    /// # Errors
    /// When the other sent what is no point.
    pub fn twice(&self, veiled: &Veiled) -> Result<Sheet, NoPoint> {
        let tokens = veiled.points.par_iter().map(|point| self.times(point));
        Ok(Sheet {
            shape: veiled.shape,
            chances: veiled.chances,
            tokens: tokens.collect::<Result<_, _>>()?,
        })
    }

    /// The x of a point's multiple.
    fn times(&self, x: &[u8]) -> Result<Token, NoPoint> {
        let mut point = [2; 33];
        point[1..].copy_from_slice(x);
        let point = UnparsedPublicKey::new(&ECDH_P256, point);
        agree(&self.0, point, NoPoint, |x| {
            Token::try_from(x).map_err(|_| NoPoint)
        })
    }
}
