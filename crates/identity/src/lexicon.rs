//! Every text once: its letters, how often it was written, and what is known of it as a word.

use crate::nickname::{self, FORMS};
use crate::sound::{self, Shape};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Number of a text in its lexicon; zero is the empty text.
pub(crate) type Id = u32;

/// Texts by number. Adding costs one look-up; memory is the text and some twenty bytes.
///
/// Comparing mostly asks what the shapes of two texts rule out, so a shape lies beside the count: letters are read only
/// of what may be alike.
#[derive(Default)]
pub(crate) struct Texts {
    table: HashTable<Id>,
    hasher: DefaultHashBuilder,
    letters: String,
    entries: Vec<Entry>,
    total: u64,
}

/// What is kept of a text beside its letters.
#[derive(Clone, Copy)]
struct Entry {
    /// Where it ends in the letters of all.
    end: u32,
    times: u32,
    /// Hash of its letters, the same in every register.
    mark: u32,
    shape: Shape,
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
            .find(hash, |&id| slice(&self.letters, &self.entries, id) == text);
        if let Some(&id) = found {
            return (id, false);
        }
        let (Ok(end), Ok(id)) = (
            u32::try_from(self.letters.len() + text.len()),
            u32::try_from(self.entries.len() + 1),
        ) else {
            return (0, false);
        };
        self.letters.push_str(text);
        self.entries.push(Entry {
            end,
            times: 0,
            mark: fnv(text),
            shape: Shape::of(text.as_bytes()),
        });
        let (letters, entries, hasher) = (&self.letters, &self.entries, &self.hasher);
        self.table
            .insert_unique(hash, id, |&id| hasher.hash_one(slice(letters, entries, id)));
        (id, true)
    }
    /// The number of a text, counted once more.
    pub(crate) fn add(&mut self, text: &str) -> Id {
        let (id, _) = self.intern(text);
        self.count(id);
        id
    }
    fn count(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut((id as usize).wrapping_sub(1)) {
            entry.times = entry.times.saturating_add(1);
            self.total += 1;
        }
    }
    /// Counts one less.
    pub(crate) fn uncount(&mut self, id: Id) {
        if let Some(entry) = self.entries.get_mut((id as usize).wrapping_sub(1)) {
            entry.times = entry.times.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
        }
    }
    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
    /// Lets go of the texts that were added last, until there are so many.
    pub(crate) fn back_to(&mut self, len: usize) {
        while self.entries.len() > len {
            let id = self.entries.len() as Id;
            let text = slice(&self.letters, &self.entries, id);
            let hash = self.hasher.hash_one(text);
            let start = self.letters.len() - text.len();
            if let Ok(entry) = self.table.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
            self.letters.truncate(start);
            self.entries.pop();
        }
    }
    /// How many were added, empty ones left out.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
    /// The text.
    pub(crate) fn text(&self, id: Id) -> &str {
        slice(&self.letters, &self.entries, id)
    }
    /// How often it was added.
    pub(crate) fn times(&self, id: Id) -> u32 {
        self.entry(id).map_or(0, |entry| entry.times)
    }
    /// A number for its letters, the same in every register; zero only for the empty text.
    pub(crate) fn mark(&self, id: Id) -> u32 {
        self.entry(id).map_or(0, |entry| entry.mark)
    }
    /// Its length and letters.
    pub(crate) fn shape(&self, id: Id) -> Shape {
        self.entry(id).map_or(Shape::default(), |entry| entry.shape)
    }
    fn entry(&self, id: Id) -> Option<&Entry> {
        self.entries.get((id as usize).wrapping_sub(1))
    }
}

fn slice<'a>(letters: &'a str, entries: &[Entry], id: Id) -> &'a str {
    let Some(at) = (id as usize).checked_sub(1) else {
        return "";
    };
    let start = at.checked_sub(1).map_or(0, |before| entries[before].end);
    &letters[start as usize..entries[at].end as usize]
}

/// Whole names, each with its words: comparing two of them reads no letters of words that are one.
#[derive(Default)]
pub(crate) struct Names {
    texts: Texts,
    words: Texts,
    /// The words of all names one after the other, and where each name's end.
    parts: Vec<Id>,
    ends: Vec<u32>,
}

impl Names {
    /// The number of a name, counted once more.
    pub(crate) fn add(&mut self, name: &str) -> Id {
        let (id, new) = self.texts.intern(name);
        if new {
            for word in name.split(' ') {
                self.parts.push(self.words.intern(word).0);
            }
            self.ends.push(self.parts.len() as u32);
        }
        self.texts.count(id);
        id
    }
    /// The words of a name in their order.
    pub(crate) fn parts(&self, id: Id) -> &[Id] {
        let Some(at) = (id as usize).checked_sub(1) else {
            return &[];
        };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.parts[start as usize..self.ends[at] as usize]
    }
    /// The names as texts.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }
    /// The words.
    pub(crate) fn words(&self) -> &Texts {
        &self.words
    }
    /// Counts one less.
    pub(crate) fn uncount(&mut self, id: Id) {
        self.texts.uncount(id);
    }
    /// How many names and words there are.
    pub(crate) fn len(&self) -> [usize; 2] {
        [self.texts.len(), self.words.len()]
    }
    /// Lets go of what was added last, until there are so many.
    pub(crate) fn back_to(&mut self, [names, words]: [usize; 2]) {
        self.texts.back_to(names);
        self.words.back_to(words);
        self.ends.truncate(names);
        let parts = self.ends.last().map_or(0, |end| *end as usize);
        self.parts.truncate(parts);
    }
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
                sound: fnv(&sound),
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
    /// All words as texts.
    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
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
fn fnv(text: &str) -> u32 {
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
    fn the_words_of_names_are_kept_once_and_let_go_with_them() {
        let mut names = Names::default();
        let ana = names.add("ana rios");
        let end = names.len();
        let eva = names.add("eva rios peña");
        assert_eq!(names.parts(ana)[1], names.parts(eva)[1]);
        assert_eq!((names.parts(eva).len(), names.parts(0).len()), (3, 0));
        names.back_to(end);
        assert_eq!(names.len(), [1, 2]);
        assert_eq!(names.add("eva rios"), eva);
        assert_eq!(names.parts(eva).len(), 2);
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
