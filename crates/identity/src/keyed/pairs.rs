//! Pairs out of two sheets.

use super::encode::Sheet;
use super::part::{Part, SLOTS, members};
use super::weigh::Weights;
use crate::card::Map;
use serde::{Deserialize, Serialize};

/// A row of each of two sheets that are probably of one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Row of the first sheet.
    pub a: u32,
    /// Row of the second.
    pub b: u32,
    /// Probability that they are of one person, 0 to 1.
    pub probability: f64,
    /// The parts that were seen to agree, in the order of [`Part::ALL`]. Of the others nothing is known: they differ, one
    /// of the two says nothing of them, or they agree where no set that met holds them.
    pub agreed: Vec<Part>,
}

/// Two sheets that cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlike {
    /// They were not written on the same terms.
    Terms,
    /// A row of one of them is not whole.
    Rows,
}

impl std::fmt::Display for Unlike {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unlike::Terms => "the sheets were not written on the same terms",
            Unlike::Rows => "a row of a sheet is not whole",
        })
    }
}
impl std::error::Error for Unlike {}

/// The pairs of two sheets that are more likely than not of one person, each row in one pair at most; the likeliest
/// first.
///
/// What a pair agrees on is the union of the kinds of tokens that it shares; the rest counts as not agreeing, since
/// nothing on a sheet tells what is missing. How often each part agrees in one person's registrations is learnt from the
/// two sheets by expectation and maximisation, as in the clear engine; how often in strangers', each member's sheet says.
///
/// Cost: a look-up a token, and some three hundred bytes a person.
///
/// # Errors
/// When the sheets were not written on the same terms, or a row is not whole.
pub fn pairs(a: &Sheet, b: &Sheet) -> Result<Vec<Pair>, Unlike> {
    let met = meetings(a, b)?;
    let mut of_pattern: Map<u16, u64> = Map::default();
    for agreed in met.values() {
        *of_pattern.entry(*agreed).or_default() += 1;
    }
    let mut patterns: Vec<(u16, u64)> = of_pattern.into_iter().collect();
    patterns.sort_unstable();
    let weights = Weights::learn(a, b, &patterns);
    let mut found: Vec<Pair> = met
        .into_iter()
        .map(|((a, b), agreed)| Pair {
            a,
            b,
            probability: weights.shares(agreed).0,
            agreed: members(agreed).collect(),
        })
        .filter(|pair| pair.probability > 0.5)
        .collect();
    found.sort_unstable_by(|x, y| {
        let likelier = y.probability.total_cmp(&x.probability);
        likelier.then((x.a, x.b).cmp(&(y.a, y.b)))
    });
    let (mut used_a, mut used_b) = (vec![false; a.people()], vec![false; b.people()]);
    found.retain(|pair| {
        let (x, y) = (&mut used_a[pair.a as usize], &mut used_b[pair.b as usize]);
        let free = !*x && !*y;
        (*x, *y) = (*x || free, *y || free);
        free
    });
    Ok(found)
}

/// The rows that share a token, with the parts of all kinds that they share.
fn meetings(a: &Sheet, b: &Sheet) -> Result<Map<(u32, u32), u16>, Unlike> {
    if a.shape != b.shape {
        return Err(Unlike::Terms);
    }
    let kinds = a.shape.kinds();
    let width = kinds.len() * SLOTS;
    let mut met: Map<(u32, u32), u16> = Map::default();
    if width == 0 {
        return Ok(met);
    }
    if [a, b]
        .iter()
        .any(|sheet| sheet.people() * width != sheet.tokens.len())
    {
        return Err(Unlike::Rows);
    }
    for (k, kind) in kinds.iter().enumerate() {
        let places = k * SLOTS..(k + 1) * SLOTS;
        let of = |sheet: &Sheet| {
            let rows = (0u32..).zip(sheet.tokens.chunks_exact(width));
            let tokens = rows.flat_map(|(i, row)| row[places.clone()].iter().map(move |t| (*t, i)));
            tokens.collect::<Vec<_>>()
        };
        let theirs: Map<[u8; 32], u32> = of(a).into_iter().collect();
        for (token, j) in of(b) {
            if let Some(i) = theirs.get(&token) {
                *met.entry((*i, j)).or_default() |= kind;
            }
        }
    }
    Ok(met)
}
