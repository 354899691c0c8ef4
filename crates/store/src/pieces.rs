//! Pieces of names: which three bytes stand next to each other in a name, so that `:contains` finds a person without going
//! through everybody's names.
//!
//! A folded name of a person ([`TYPES`], [`NAMES`]) has a row for each three bytes of it, hashed, each once, under the
//! parameter by which it is found. A text holds a piece only if it holds all threes of the piece: so what the rows of those share may
//! match, and its card says whether it does. The parameters of other types have no such rows: there are few names of
//! hospitals, and gone through they cost less than the rows would.
//!
//! Cost: some twenty-five rows a Patient, of about 1 in 65 resources; nothing for other types.

use crate::{
    hash::siphash,
    index::Secret,
    keys::{Key, PIECE, records},
};
use fhir::{
    ResourceType,
    search::{Entry, Indexed, parameter},
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::LazyLock,
};

/// Types of which there are as many as people.
const TYPES: [&str; 4] = ["Patient", "Person", "Practitioner", "RelatedPerson"];
/// The parameters on their names.
const NAMES: [&str; 3] = ["family", "given", "name"];
/// Bytes of a piece with a row.
const THREE: usize = 3;

static PLACES: LazyLock<HashSet<(ResourceType, u16)>> = LazyLock::new(|| {
    let types = TYPES.into_iter().filter_map(ResourceType::from_name);
    types
        .flat_map(|of| {
            NAMES
                .into_iter()
                .filter_map(move |code| Some((of, parameter(of, code)?.number)))
        })
        .collect()
});

/// Where the resources of a type stand whose names hold all threes of a folded piece, under a parameter; `None` where
/// there are no such rows, or the piece is shorter.
pub(crate) fn places(
    of: ResourceType,
    number: u16,
    piece: &str,
    secret: &Secret,
) -> Option<BTreeSet<Vec<u8>>> {
    let here = PLACES.contains(&(of, number)) && piece.len() >= THREE;
    here.then(|| threes(of, number, piece, secret).collect())
}

/// The keys of an entry's pieces, without their tails.
pub(crate) fn keys(
    of: ResourceType,
    entry: &Entry,
    secret: &Secret,
) -> impl Iterator<Item = Vec<u8>> {
    let folded = match &entry.value {
        Indexed::Text { folded, .. } if PLACES.contains(&(of, entry.number)) => folded.as_str(),
        _ => "",
    };
    threes(of, entry.number, folded, secret)
}

fn threes(
    of: ResourceType,
    number: u16,
    folded: &str,
    secret: &Secret,
) -> impl Iterator<Item = Vec<u8>> {
    let start = Key::new(records(of), PIECE).short(number).of(of);
    let threes = folded.as_bytes().windows(THREE);
    threes.map(move |three| {
        let [a, b, c, d, ..] = siphash(secret, three).to_be_bytes();
        start.clone().bytes(&[a, b, c, d]).done()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_piece_has_all_its_threes_and_short_pieces_have_none() {
        let of = ResourceType::from_name("Patient").unwrap();
        let number = parameter(of, "family").unwrap().number;
        let secret = [7; 16];
        let threes = |text: &str| places(of, number, text, &secret);
        let whole = threes("muñoz de la peña").unwrap();
        for piece in ["muñ", "ñoz", "z de la p", "eña", "ñ"] {
            let has = threes(piece).map(|piece| piece.is_subset(&whole));
            assert_ne!(has, Some(false), "{piece}");
        }
        assert!(threes("la").is_none());
        assert!(!threes("ramos").unwrap().is_subset(&whole));
        let hospital = ResourceType::from_name("Organization").unwrap();
        let name = parameter(hospital, "name").unwrap().number;
        assert!(places(hospital, name, "hospital", &secret).is_none());
    }
}
