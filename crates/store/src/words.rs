//! Which words of a resource stand in the index, so that `_content` and `_text` find it.
//!
//! One row for each word that is worth one: of three letters and more, without digits, and not one of those that most
//! resources have ([`COMMON`]). What a search asks for in other words only is read for, text by text (`search/words.rs`).
//! Rows stand under the number of `_content`; the words of the narrative are among them.
//!
//! A resource of more words than [`MOST`] stands under no word but under the mark of those to be read.
//!
//! Cost: the words of a text, folded; about ten rows for a resource of 1.5 kB.

use crate::index::{self, Secret, whole_hash};
use fhir::{
    ResourceType, Value,
    search::{Indexed, parameter, words},
};
/// Words that a resource has in the index at most.
const MOST: usize = 2_000;

/// Words of codes that stand in so many resources that a row for them finds nothing: states, the commonest categories,
/// and what parts of speech join.
const COMMON: [&str; 24] = [
    "active",
    "and",
    "category",
    "clinical",
    "completed",
    "con",
    "confirmed",
    "del",
    "encounter",
    "final",
    "finished",
    "for",
    "laboratory",
    "los",
    "observation",
    "para",
    "por",
    "procedure",
    "signs",
    "the",
    "type",
    "usd",
    "vital",
    "with",
];

/// Whether a word has rows.
pub(crate) fn has_rows(word: &str) -> bool {
    let is_worth = match word.is_ascii() {
        true => word.len() > 2 && !word.bytes().any(|byte| byte.is_ascii_digit()),
        false => word.chars().nth(2).is_some() && !word.chars().any(char::is_numeric),
    };
    is_worth && COMMON.binary_search(&word).is_err()
}

/// Where the resources of a type stand that have a word; those to be read are apart.
pub(crate) fn place(of: ResourceType, word: &str, secret: &Secret) -> Option<Vec<u8>> {
    let number = parameter(of, "_content")?.number;
    Some(
        index::start(of, number)
            .bytes(&whole_hash(word, secret))
            .done(),
    )
}

/// Where the resources of a type stand that have too many words.
pub(crate) fn to_be_read(of: ResourceType, secret: &Secret) -> Option<Vec<u8>> {
    // No word is empty.
    place(of, "", secret)
}

/// The index keys of a resource's words, without their tails.
pub(crate) fn keys(of: ResourceType, resource: &Value, secret: &Secret) -> Vec<Vec<u8>> {
    let Some(number) = parameter(of, "_content").map(|parameter| parameter.number) else {
        return Vec::new();
    };
    let entries = words(of, resource);
    let text = entries.iter().find_map(|entry| match &entry.value {
        Indexed::Text { folded, .. } if entry.number == number => Some(folded.as_str()),
        _ => None,
    });
    let kept = text
        .unwrap_or_default()
        .split(' ')
        .filter(|word| has_rows(word));
    let mut hashes: Vec<[u8; 8]> = kept.map(|word| whole_hash(word, secret)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    match hashes.len() > MOST {
        true => to_be_read(of, secret).into_iter().collect(),
        false => {
            let start = index::start(of, number);
            let key = |hash: &[u8; 8]| start.clone().bytes(hash).done();
            hashes.iter().map(key).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_words_are_in_order_and_have_no_rows() {
        assert!(COMMON.is_sorted());
        for word in ["final", "mg", "a1c", "2024"] {
            assert!(!has_rows(word), "{word}");
        }
        for word in ["tos", "glucosa", "ñandú"] {
            assert!(has_rows(word), "{word}");
        }
    }
}
