//! How a Spanish word sounds, and how far two spellings lie apart.
//!
//! The sounds are those of Mexican Spanish: b and v, s, z and soft c, y and ll, j and soft g are one each, h is mute.
//! They merge what clerks confuse and do little harm to names from elsewhere.

use crate::lexicon::{Id, Texts};

/// The word as it sounds, vowels kept. The input is folded; letters of other scripts pass unchanged.
pub(crate) fn sound(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len());
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let next = chars.get(i + 1).copied().unwrap_or(' ');
        let (letter, taken) = match (c, next) {
            ('p', 'h') => ('f', 2),
            ('c', 'h') | ('s', 'h') => ('x', 2),
            ('l', 'l') => ('y', 2),
            ('q', 'u') => ('k', 2),
            ('g', 'u') if matches!(chars.get(i + 2), Some('e' | 'i')) => ('g', 2),
            ('c', 'e' | 'i' | 'y') => ('s', 1),
            ('g', 'e' | 'i') => ('j', 1),
            ('c' | 'q', _) => ('k', 1),
            ('v' | 'w', _) => ('b', 1),
            ('z', _) => ('s', 1),
            ('x', _) if i == 0 => ('j', 1),
            ('x', _) => ('s', 1),
            ('m', 'b' | 'p' | 'v') => ('n', 1),
            ('y', _) if !matches!(next, 'a' | 'e' | 'i' | 'o' | 'u') => ('i', 1),
            ('h', _) => (' ', 1),
            (c, _) => (c, 1),
        };
        if letter != ' ' && !out.ends_with(letter) {
            out.push(letter);
        }
        i += taken;
    }
    out
}

/// A number for words that sound alike even with a wrong vowel: first sound and following consonants, at most six.
/// Zero only for the empty word.
pub(crate) fn skeleton(sound: &str) -> u32 {
    let mut kept = 0;
    let mut last = ' ';
    let mut hash = 0x811c_9dc5u32;
    for (i, c) in sound.chars().enumerate() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u');
        if (i > 0 && vowel) || c == last || kept == 6 {
            continue;
        }
        last = c;
        kept += 1;
        hash = (hash ^ u32::from(c)).wrapping_mul(0x0100_0193);
    }
    if kept == 0 { 0 } else { hash | 1 }
}

/// What can be told of a text without reading it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shape {
    /// Bytes.
    pub(crate) len: u32,
    /// Its letters as a set of bits, and those it has twice as another; different ones may share a bit. The lowest of
    /// each is that of the space.
    once: u32,
    twice: u32,
}

impl Shape {
    pub(crate) fn of(text: &[u8]) -> Shape {
        let (mut once, mut twice) = (0, 0);
        for b in text {
            let bit = 1 << (b & 31);
            twice |= once & bit;
            once |= bit;
        }
        Shape {
            len: text.len() as u32,
            once,
            twice,
        }
    }
    /// Whether two texts are more than so many edits apart whatever the order of their letters: an edit changes the
    /// length by one, and how often one letter or two appear by one.
    fn are_apart(self, other: Shape, most: u32) -> bool {
        let alone = (self.once ^ other.once).count_ones() + (self.twice ^ other.twice).count_ones();
        self.len.abs_diff(other.len) > most || alone > 2 * most
    }
    /// Whether one text may hold the other, or be its beginning.
    fn may_hold(self, other: Shape) -> bool {
        self.once & !other.once == 0 || other.once & !self.once == 0
    }
    /// Whether there may be a space in it.
    pub(crate) fn may_have_words(self) -> bool {
        self.once & 1 != 0
    }
}

/// Whether two texts are neither a slip apart nor one part of the other, as far as their shapes tell.
pub(crate) fn are_unlike(a: Shape, b: Shape) -> bool {
    a.are_apart(b, reach(a.len.max(b.len)).1) && !a.may_hold(b)
}

/// Edits (a letter put in, left out, changed, or two neighbours exchanged) that make one text of the other, counted up
/// to `most`; `most + 1` says "more". Optimal string alignment over bytes; texts over 64 bytes count as far apart.
pub(crate) fn edits(a: &[u8], b: &[u8], most: usize) -> usize {
    const LONGEST: usize = 64;
    if a == b {
        return 0;
    }
    if a.len().abs_diff(b.len()) > most || a.len().max(b.len()) > LONGEST {
        return most + 1;
    }
    // What both begin and end with needs no edit.
    let start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev());
    let end = end.take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    match (a, b) {
        ([], left) | (left, []) => return left.len(),
        ([_], [_]) => return 1,
        ([x, y], [v, w]) if x == w && y == v => return 1,
        _ if most == 1 => return 2,
        _ => {}
    }
    if Shape::of(a).are_apart(Shape::of(b), most as u32) {
        return most + 1;
    }
    // Three rows of the table, used in turn; what lies further than `most` from its diagonal cannot be reached.
    let mut rows = [[0u8; LONGEST + 2]; 3];
    for (j, cell) in rows[0][..=b.len()].iter_mut().enumerate() {
        *cell = j as u8;
    }
    for i in 1..=a.len() {
        let [x, y, z] = &mut rows;
        let (before, above, row) = match i % 3 {
            0 => (y, z, x),
            1 => (z, x, y),
            _ => (x, y, z),
        };
        let (from, to) = (i.saturating_sub(most).max(1), (i + most).min(b.len()));
        row[from - 1] = if from == 1 { i as u8 } else { u8::MAX / 2 };
        let mut least = row[from - 1];
        for j in from..=to {
            let change = u8::from(a[i - 1] != b[j - 1]);
            let mut cost = (above[j] + 1)
                .min(row[j - 1] + 1)
                .min(above[j - 1] + change);
            if change == 1 && i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row[j] = cost;
            least = least.min(cost);
        }
        if usize::from(least) > most {
            return most + 1;
        }
        row[to + 1] = u8::MAX / 2;
    }
    usize::from(rows[a.len() % 3][b.len()]).min(most + 1)
}

/// How two different words stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// Nothing in common that tells.
    Unlike,
    /// Several slips, or one is the beginning of the other.
    Far,
    /// One slip (two in a long word), or the same sound.
    Near,
}

/// Compares two different folded words. Words of one or two letters are like nothing.
pub(crate) fn likeness(a: &str, b: &str, same_sound: bool) -> Likeness {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (short, long) = (a.len().min(b.len()), a.len().max(b.len()));
    if short < 3 {
        return Likeness::Unlike;
    }
    if same_sound {
        return Likeness::Near;
    }
    let (near, far) = reach(long as u32);
    let apart = edits(a, b, far as usize) as u32;
    if apart <= near {
        Likeness::Near
    } else if apart <= far || a.starts_with(b) || b.starts_with(a) {
        Likeness::Far
    } else {
        Likeness::Unlike
    }
}

/// How many edits make a text of so many bytes near and far.
fn reach(long: u32) -> (u32, u32) {
    match long {
        0..=3 => (0, 1),
        4 => (1, 1),
        5..=7 => (1, 2),
        _ => (2, 3),
    }
}

/// The same for two different texts of a lexicon, which are read only if their shapes do not tell already.
pub(crate) fn likeness_in(texts: &Texts, x: Id, y: Id, same_sound: bool) -> Likeness {
    if !same_sound && are_unlike(texts.shape(x), texts.shape(y)) {
        return Likeness::Unlike;
    }
    likeness(texts.text(x), texts.text(y), same_sound)
}

/// Whether two words are a man's and a woman's form of one name, as Fernando and Fernanda: one letter apart, and two
/// people.
pub(crate) fn two_genders(a: &str, b: &str) -> bool {
    let ends = |x: &str, y: &str| match (x.strip_suffix('o'), y.strip_suffix('a')) {
        (Some(x), Some(y)) => x == y,
        _ => false,
    };
    ends(a, b) || ends(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_alike_is_one_sound() {
        for (a, b) in [
            ("vazquez", "basques"),
            ("gimenez", "jimenes"),
            ("llanos", "yanos"),
            ("hernandez", "ernandes"),
            ("cevallos", "zebayos"),
            ("ximena", "jimena"),
            ("quintero", "kintero"),
        ] {
            assert_eq!(sound(a), sound(b), "{a} {b}");
        }
        assert_ne!(sound("garcia"), sound("gracia"));
        assert_eq!(skeleton(&sound("maldonado")), skeleton(&sound("maldonada")));
        assert_eq!(skeleton(""), 0);
    }
    #[test]
    fn a_mans_and_a_womans_form_are_two_names() {
        assert!(two_genders("fernando", "fernanda") && two_genders("julia", "julio"));
        for (a, b) in [
            ("juan", "juana"),
            ("rosa", "rosa"),
            ("mario", "marta"),
            ("", "o"),
        ] {
            assert!(!two_genders(a, b) && !two_genders(b, a), "{a} {b}");
        }
    }
    #[test]
    fn edits_count_up_to_the_limit() {
        for (a, b, n) in [
            ("perez", "perez", 0),
            ("perez", "peres", 1),
            ("perez", "preez", 1),
            ("perez", "pere", 1),
            ("gonzalez", "gozales", 2),
            ("perez", "lopez", 3),
            ("", "ab", 2),
            ("perez", "hernandez", 4),
            ("ab", "ba", 1),
            ("abcd", "badc", 2),
            ("aab", "ab", 1),
        ] {
            assert_eq!(edits(a.as_bytes(), b.as_bytes(), 3), n, "{a} {b}");
            assert_eq!(edits(b.as_bytes(), a.as_bytes(), 3), n, "{b} {a}");
        }
    }
    /// The table of optimal string alignment, as it is written in books.
    fn plain(a: &[u8], b: &[u8]) -> usize {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                table[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let change = usize::from(a[i - 1] != b[j - 1]);
                    let mut cost = (table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    cost = cost.min(table[i - 1][j - 1] + change);
                    if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                        cost = cost.min(table[i - 2][j - 2] + 1);
                    }
                    cost
                };
            }
        }
        table[a.len()][b.len()]
    }
    proptest::proptest! {
        #[test]
        fn edits_are_those_of_the_whole_table(a in "[a-d]{0,9}", b in "[a-d]{0,9}", most in 1usize..4) {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            proptest::prop_assert_eq!(edits(a, b, most), plain(a, b).min(most + 1));
        }
        #[test]
        fn what_shapes_rule_out_is_unlike(a in "[a-h ]{1,9}", b in "[a-h ]{1,9}") {
            if a != b && are_unlike(Shape::of(a.as_bytes()), Shape::of(b.as_bytes())) {
                proptest::prop_assert_eq!(likeness(&a, &b, false), Likeness::Unlike);
                proptest::prop_assert!(!a.contains(&b) && !b.contains(&a));
            }
        }
    }
    #[test]
    fn short_words_are_like_nothing() {
        assert_eq!(likeness("uc", "ek", false), Likeness::Unlike);
        assert_eq!(likeness("cano", "caro", false), Likeness::Near);
        assert_eq!(likeness("alexander", "alex", false), Likeness::Far);
        assert_eq!(likeness("sanchez", "ramirez", false), Likeness::Unlike);
    }
}
