//! How a Spanish word sounds, and how far two spellings lie apart.
//!
//! The sounds are those of Mexican Spanish: b and v, s, z and soft c, y and ll, j and soft g are one each, h is mute.
//! They merge what clerks confuse and do little harm to names from elsewhere.

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

/// The letters of a text as a set of bits; different ones may share a bit.
pub(crate) fn letters(text: &[u8]) -> u32 {
    text.iter().fold(0, |set, b| set | 1 << (b & 31))
}

/// Edits (a letter put in, left out, changed, or two neighbours exchanged) that make one text of the other, counted up
/// to `most`; `most + 1` says "more". Optimal string alignment over bytes; texts over 64 bytes count as far apart.
pub(crate) fn edits(a: &[u8], b: &[u8], most: usize) -> usize {
    const LONGEST: usize = 64;
    if a == b {
        return 0;
    }
    // A change makes at most two letters appear in one text alone.
    let alone = (letters(a) ^ letters(b)).count_ones() as usize;
    let far = a.len().abs_diff(b.len()) > most || alone > 2 * most;
    if far || a.len() > LONGEST || b.len() > LONGEST {
        return most + 1;
    }
    let mut before = [0u8; LONGEST + 1];
    let mut above = [0u8; LONGEST + 1];
    let mut row = [0u8; LONGEST + 1];
    for (j, cell) in above.iter_mut().enumerate() {
        *cell = j as u8;
    }
    for i in 1..=a.len() {
        row[0] = i as u8;
        let mut least = row[0];
        for j in 1..=b.len() {
            let change = u8::from(a[i - 1] != b[j - 1]);
            let mut cost = (above[j] + 1)
                .min(row[j - 1] + 1)
                .min(above[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row[j] = cost;
            least = least.min(cost);
        }
        if usize::from(least) > most {
            return most + 1;
        }
        (before, above, row) = (above, row, before);
    }
    usize::from(above[b.len()]).min(most + 1)
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
    let far = match long {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    let near = match long {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    let apart = edits(a, b, far);
    if apart <= near {
        Likeness::Near
    } else if apart <= far || a.starts_with(b) || b.starts_with(a) {
        Likeness::Far
    } else {
        Likeness::Unlike
    }
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
        ] {
            assert_eq!(edits(a.as_bytes(), b.as_bytes(), 3), n, "{a} {b}");
            assert_eq!(edits(b.as_bytes(), a.as_bytes(), 3), n, "{b} {a}");
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
