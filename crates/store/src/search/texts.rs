//! What holds a piece in the middle or at the end of a text.
//!
//! Names of people have rows for each three bytes (`crate::pieces`): what has all threes of the piece is leapt through, and
//! the card says whether they stand together. Of other texts, and for a piece of less than three bytes, all rows of the
//! parameter are gone through, as long as what holds it is rare. What many hold is soon met without.
//!
//! Of a long text the index has the beginning; whether the piece comes later is for the card to say.
//!
//! Cost: about twice the rows of the rarest three, until the page is full, and a card each. Otherwise the rows of the
//! parameter, without cards; of a value that many share and that does not hold the piece, one batch.

use super::{
    access,
    set::Set,
    span::{Candidate, Span},
};
use crate::{
    Result,
    engine::{Direction, Rows},
    index::TEXT,
    keys::{Key, TAIL, after},
    pieces,
    read::Reading,
};
use fhir::{
    ResourceType,
    query::{Clause, Modifier, Wanted},
    search::fold,
};

const BATCH: usize = 256;
/// Rows in an answer at most. A card costs as much as some fifty rows, and a name has about five: who looks among all cards
/// for a page of 20, where so many rows hold the piece, is done before all rows are gone through.
const FOUND: usize = 1_024;

/// What may hold a piece of a person's name, where that has rows of its own.
pub(crate) fn pieces(
    reading: &Reading<'_>,
    of: ResourceType,
    number: u16,
    clause: &Clause,
    wanted: &Wanted,
) -> Option<Set> {
    let (Wanted::Text(text), Modifier::Contains | Modifier::Ends) = (wanted, clause.modifier)
    else {
        return None;
    };
    let places = pieces::places(of, number, &fold(text), &reading.secret)?;
    let spans = places
        .into_iter()
        .map(|place| Set::Span(Span::index(place, false)));
    Some(Set::all(spans.collect()))
}

/// The rows whose values hold a piece (`:contains`) or end with it; `None` when they are many.
pub(crate) fn holding(
    reading: &Reading<'_>,
    start: &Key,
    piece: &str,
    modifier: Modifier,
) -> Result<Option<Vec<Candidate>>> {
    let piece = fold(piece);
    let (mut from, to) = start.clone().range();
    let mut found = Vec::new();
    let mut rows = Rows::default();
    loop {
        rows.clear();
        let snapshot = reading.snapshot.as_ref();
        snapshot.scan(&from, &to, Direction::Up, BATCH, &mut rows)?;
        let mut last: &[u8] = &[];
        let mut held = None;
        for (key, row) in rows.iter() {
            let value_end = key.len().saturating_sub(TAIL);
            let prefix = key.get(..value_end).unwrap_or_default();
            if prefix != last {
                let value = prefix.get(start.0.len()..).unwrap_or_default();
                (last, held) = (prefix, holds(value, piece.as_bytes(), modifier));
            }
            if let Some(proves) = held {
                found.extend(access::row(key, row, proves)?);
            }
        }
        if found.len() > FOUND {
            return Ok(None);
        }
        let end = rows.get(rows.len().wrapping_sub(1));
        let Some((key, _)) = end.filter(|_| rows.len() == BATCH) else {
            return Ok(Some(found));
        };
        from = match held {
            Some(_) => [key, &[0]].concat(),
            None => after(last),
        };
    }
}

/// Whether the text of a value holds a piece; `Some(false)` when that is not known, for only its beginning is there.
fn holds(value: &[u8], piece: &[u8], modifier: Modifier) -> Option<bool> {
    let (text, whole) = match value.split_last() {
        Some((0, text)) if text.len() < TEXT => (text, true),
        _ => (value, false),
    };
    let holds = match modifier {
        Modifier::Ends => whole && text.ends_with(piece),
        _ => piece.is_empty() || text.windows(piece.len()).any(|part| part == piece),
    };
    match (holds, whole) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_may_hold_what_is_not_in_its_beginning() {
        let holds = |value: &[u8], piece: &str, modifier| holds(value, piece.as_bytes(), modifier);
        let (contains, ends) = (Modifier::Contains, Modifier::Ends);
        assert_eq!(holds(b"garcia lopez\0", "cia l", contains), Some(true));
        assert_eq!(holds(b"garcia lopez\0", "lopez", ends), Some(true));
        assert_eq!(holds(b"garcia lopez\0", "garcia", ends), None);
        assert_eq!(holds(b"garcia lopez\0", "ruiz", contains), None);
        let cut = [b'x'; TEXT];
        assert_eq!(holds(&cut, "xx", contains), Some(true));
        assert_eq!(holds(&cut, "ruiz", contains), Some(false));
        assert_eq!(holds(&cut, "xx", ends), Some(false));
    }
}
