//! The rules that make a CURP out of a person's data, **to compare and to make test data, never to assign**:
//! NOM-024 leaves that to RENAPO, and position 17 cannot be computed at all.

use crate::names::{given_word, surname_word};
use crate::{MxState, Names, Sex};
use jiff::civil::Date;

/// First four letters that become a word one would not wear: position 2 turns into X (Annex 2 of the Instructivo).
const WORDS: [&str; 81] = [
    "BACA", "BAKA", "BUEI", "BUEY", "CACA", "CACO", "CAGA", "CAGO", "CAKA", "CAKO", "COGE", "COGI",
    "COJA", "COJE", "COJI", "COJO", "COLA", "CULO", "FALO", "FETO", "GETA", "GUEI", "GUEY", "JETA",
    "JOTO", "KACA", "KACO", "KAGA", "KAGO", "KAKA", "KAKO", "KOGE", "KOGI", "KOJA", "KOJE", "KOJI",
    "KOJO", "KOLA", "KULO", "LILO", "LOCA", "LOCO", "LOKA", "LOKO", "MAME", "MAMO", "MEAR", "MEAS",
    "MEON", "MIAR", "MION", "MOCO", "MOKO", "MULA", "MULO", "NACA", "NACO", "PEDA", "PEDO", "PENE",
    "PIPI", "PITO", "POPO", "PUTA", "PUTO", "QULO", "RATA", "ROBA", "ROBE", "ROBO", "RUIN", "SENO",
    "TETA", "VACA", "VAGA", "VAGO", "VAKA", "VUEI", "VUEY", "WUEI", "WUEY",
];

/// The alphabet of the check digit; the place of a character is its value, Ñ among them.
const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";

/// The check digit for the first seventeen characters; `None` if there are not seventeen or one is foreign.
pub fn check_digit(first17: &str) -> Option<u8> {
    let mut sum = 0usize;
    let mut count = 0usize;
    for (i, c) in first17.chars().enumerate() {
        if i >= 17 {
            return None;
        }
        sum += ALPHABET.chars().position(|a| a == c)? * (18 - i);
        count += 1;
    }
    if count != 17 {
        return None;
    }
    u8::try_from((10 - sum % 10) % 10).ok()
}

/// Positions 1, 2, 3, 4, 14, 15 and 16 for these names.
pub fn letters(names: Names<'_>) -> [char; 7] {
    let first = surname_word(names.first);
    let second = names.second.map(surname_word).unwrap_or_default();
    let given = given_word(names.given);
    let (a, mut b) = (initial(&first), vowel(&first));
    let (c, d) = (initial(&second), initial(&given));
    let word: String = [a, b, c, d].iter().collect();
    if WORDS.contains(&word.as_str()) {
        b = 'X';
    }
    [
        a,
        b,
        c,
        d,
        consonant(&first),
        consonant(&second),
        consonant(&given),
    ]
}

/// Positions 1 to 16 for a person. See the module: for comparison and tests only.
pub fn key16(names: Names<'_>, birth: Date, sex: Sex, state: MxState) -> String {
    let [a, b, c, d, l, m, n] = letters(names);
    format!(
        "{a}{b}{c}{d}{:02}{:02}{:02}{}{}{l}{m}{n}",
        birth.year().rem_euclid(100),
        birth.month(),
        birth.day(),
        sex.letter(),
        state.letters(),
    )
}

/// First letter of a word; Ñ and signs give X, so does no word.
fn initial(word: &str) -> char {
    word.chars()
        .next()
        .filter(char::is_ascii_uppercase)
        .unwrap_or('X')
}

/// First vowel after the first letter, or X.
fn vowel(word: &str) -> char {
    word.chars()
        .skip(1)
        .find(|c| matches!(c, 'A' | 'E' | 'I' | 'O' | 'U'))
        .unwrap_or('X')
}

/// First consonant after the first letter; Ñ gives X, none gives X.
fn consonant(word: &str) -> char {
    word.chars()
        .skip(1)
        .find(|c| c.is_alphabetic() && !matches!(c, 'A' | 'E' | 'I' | 'O' | 'U'))
        .filter(char::is_ascii_uppercase)
        .unwrap_or('X')
}
