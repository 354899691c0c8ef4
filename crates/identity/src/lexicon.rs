//! Every text once: its letters, how often it was written, and what is known of it as a word.

use crate::nickname::{self, FORMS};
use crate::sound;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Number of a text in its lexicon; zero is the empty text.
pub(crate) type Id = u32;

/// Texts by number. Adding costs one look-up; memory is the text and some twenty bytes.
#[derive(Default)]
pub(crate) struct Texts {
    table: HashTable<Id>,
    hasher: RandomState,
    letters: String,
    ends: Vec<u32>,
    counts: Vec<u32>,
    total: u64,
}

impl Texts {
    /// The number of a text, which is added if it is new. `None` for a new text when four thousand million letters are
    /// there already; the text then counts as unknown.
    fn intern(&mut self, text: &str) -> (Id, bool) {
        if text.is_empty() {
            return (0, false);
        }
        let hash = self.hasher.hash_one(text);
        let found = self
            .table
            .find(hash, |&id| slice(&self.letters, &self.ends, id) == text);
        if let Some(&id) = found {
            return (id, false);
        }
        let (Ok(end), Ok(id)) = (
            u32::try_from(self.letters.len() + text.len()),
            u32::try_from(self.ends.len() + 1),
        ) else {
            return (0, false);
        };
        self.letters.push_str(text);
        self.ends.push(end);
        self.counts.push(0);
        let (letters, ends, hasher) = (&self.letters, &self.ends, &self.hasher);
        self.table
            .insert_unique(hash, id, |&id| hasher.hash_one(slice(letters, ends, id)));
        (id, true)
    }
    /// The number of a text, counted once more.
    pub(crate) fn add(&mut self, text: &str) -> Id {
        let (id, _) = self.intern(text);
        self.count(id);
        id
    }
    fn count(&mut self, id: Id) {
        if let Some(n) = self.counts.get_mut((id as usize).wrapping_sub(1)) {
            *n = n.saturating_add(1);
            self.total += 1;
        }
    }
    /// Counts one less.
    pub(crate) fn uncount(&mut self, id: Id) {
        if let Some(n) = self.counts.get_mut((id as usize).wrapping_sub(1)) {
            *n = n.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
        }
    }
    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
    /// Lets go of the texts that were added last, until there are so many.
    pub(crate) fn back_to(&mut self, len: usize) {
        while self.ends.len() > len {
            let id = self.ends.len() as Id;
            let text = slice(&self.letters, &self.ends, id);
            let hash = self.hasher.hash_one(text);
            let start = self.letters.len() - text.len();
            if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
            self.letters.truncate(start);
            self.ends.pop();
            self.counts.pop();
        }
    }
    /// How many were added, empty ones left out.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
    /// The text.
    pub(crate) fn text(&self, id: Id) -> &str {
        slice(&self.letters, &self.ends, id)
    }
    /// How often it was added.
    pub(crate) fn times(&self, id: Id) -> u32 {
        self.counts
            .get((id as usize).wrapping_sub(1))
            .copied()
            .unwrap_or(0)
    }
}

fn slice<'a>(letters: &'a str, ends: &[u32], id: Id) -> &'a str {
    let Some(at) = (id as usize).checked_sub(1) else {
        return "";
    };
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    &letters[start as usize..ends[at] as usize]
}

/// What is known of a word of a name.
#[derive(Clone, Copy, Default)]
pub(crate) struct Word {
    /// Hash of how it sounds, vowels included.
    pub(crate) sound: u32,
    /// Hash of how it sounds without them.
    pub(crate) skeleton: u32,
    /// The formal names it may stand for.
    pub(crate) formal: [u16; FORMS],
    /// How often it was a given name, and how often another part of a name.
    pub(crate) given: u32,
    pub(crate) family: u32,
}

/// Words of names.
#[derive(Default)]
pub(crate) struct Words {
    texts: Texts,
    known: Vec<Word>,
    totals: [u64; 2],
}

/// As what a word stands in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Given,
    Family,
}

impl Words {
    /// The number of a word, counted once more in its role.
    pub(crate) fn add(&mut self, text: &str, role: Role) -> Id {
        let (id, new) = self.texts.intern(text);
        if id == 0 {
            return 0;
        }
        if new {
            let sound = sound::sound(text);
            self.known.push(Word {
                sound: hash(&sound),
                skeleton: sound::skeleton(&sound),
                formal: nickname::formal(text),
                ..Word::default()
            });
        }
        if let Some(word) = self.known.get_mut(id as usize - 1) {
            self.totals[role as usize] += 1;
            match role {
                Role::Given => word.given = word.given.saturating_add(1),
                Role::Family => word.family = word.family.saturating_add(1),
            }
        }
        id
    }
    /// Counts one less in a role.
    pub(crate) fn uncount(&mut self, id: Id, role: Role) {
        if let Some(word) = self.known.get_mut((id as usize).wrapping_sub(1)) {
            let total = &mut self.totals[role as usize];
            *total = total.saturating_sub(1);
            match role {
                Role::Given => word.given = word.given.saturating_sub(1),
                Role::Family => word.family = word.family.saturating_sub(1),
            }
        }
    }
    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }
    /// Lets go of the words that were added last, until there are so many.
    pub(crate) fn back_to(&mut self, len: usize) {
        self.texts.back_to(len);
        self.known.truncate(len);
    }
    /// How many were added in a role.
    pub(crate) fn total(&self, role: Role) -> u64 {
        self.totals[role as usize]
    }
    /// The letters.
    pub(crate) fn text(&self, id: Id) -> &str {
        self.texts.text(id)
    }
    /// What is known of it.
    pub(crate) fn word(&self, id: Id) -> Word {
        self.known
            .get((id as usize).wrapping_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

/// FNV-1a, never zero.
fn hash(text: &str) -> u32 {
    text.bytes()
        .fold(0x811c_9dc5u32, |h, b| {
            (h ^ u32::from(b)).wrapping_mul(0x0100_0193)
        })
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once_and_counted() {
        let mut texts = Texts::default();
        let ids: Vec<Id> = ["uno", "dos", "uno", "", "tres"]
            .map(|t| texts.add(t))
            .into();
        assert_eq!(ids, [1, 2, 1, 0, 3]);
        assert_eq!(texts.text(2), "dos");
        assert_eq!(texts.text(0), "");
        assert_eq!((texts.times(1), texts.times(0)), (2, 0));
    }
    #[test]
    fn what_was_added_last_can_be_let_go_and_is_new_again() {
        let mut texts = Texts::default();
        for text in ["uno", "dos", "uno", "tres"] {
            texts.add(text);
        }
        texts.back_to(1);
        assert_eq!((texts.len(), texts.times(1), texts.text(1)), (1, 2, "uno"));
        assert_eq!(
            ["tres", "uno", "dos"].map(|text| texts.add(text)),
            [2, 1, 3]
        );
        texts.uncount(1);
        assert_eq!((texts.times(1), texts.text(3)), (2, "dos"));
    }
    #[test]
    fn roles_are_counted_apart() {
        let mut words = Words::default();
        let a = words.add("santiago", Role::Given);
        assert_eq!(words.add("santiago", Role::Family), a);
        assert_eq!((words.word(a).given, words.word(a).family), (1, 1));
        assert_eq!(words.word(0).given, 0);
    }
}
