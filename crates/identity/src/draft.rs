//! Normal forms: a registration as texts that can be compared. A pure function of the registration.

use crate::date::Written;
use crate::registration::{Address, Registration};
use crate::text::{self, fold};
use mx::curp::GENERIC;
use mx::{Curp, CurpState, IdentifierState, MxState, Sex, systems};
use std::hash::{Hash, Hasher};

/// A registration in normal form. Empty texts and zeros are what is not known.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct Draft {
    /// Words of the given names, without particles, short forms of María, José and their like written out.
    pub(crate) given: Vec<String>,
    pub(crate) first: String,
    pub(crate) second: String,
    /// Whether the second surname may be a husband's (`de Hernández`).
    pub(crate) married: bool,
    /// Words of the whole name that are in none of the parts.
    pub(crate) other: Vec<String>,
    pub(crate) birth: Option<Written>,
    pub(crate) sex: Option<Sex>,
    pub(crate) birth_place: String,
    /// Which of birth, sex and place were read from the CURP alone.
    pub(crate) from_curp: [bool; 3],
    pub(crate) places: Vec<Place>,
    pub(crate) phones: Vec<u64>,
    pub(crate) curp: Option<Key>,
    pub(crate) numbers: Vec<(String, u64, bool)>,
    pub(crate) mother: String,
    pub(crate) father: String,
    pub(crate) traits: [String; 2],
}

/// A CURP as written, eighteen letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) signs: [u8; 18],
    pub(crate) state: IdentifierState,
}

/// An address in normal form.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct Place {
    /// Street without the house number.
    pub(crate) street: String,
    pub(crate) number: String,
    pub(crate) building: String,
    pub(crate) postcode: String,
    pub(crate) locality: String,
    pub(crate) region: String,
}

impl Draft {
    /// Reads a registration.
    pub(crate) fn read(from: &Registration) -> Draft {
        let mut draft = Draft::default();
        draft.read_name(from);
        draft.read_numbers(from);
        draft.birth = from.birth.as_deref().and_then(Written::parse);
        draft.sex = from.sex;
        draft.birth_place = place_of_birth(from.birth_place.as_deref().unwrap_or_default());
        draft.fill_from_curp();
        draft.places = from
            .addresses
            .iter()
            .map(place)
            .filter(|p| *p != Place::default())
            .take(2)
            .collect();
        for phone in &from.phones {
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            // The last ten digits are the national number, whatever stands before.
            let national = &digits[digits.len().saturating_sub(10)..];
            if (7..=20).contains(&digits.len())
                && !text::code(national).is_empty()
                && draft.phones.len() < 2
            {
                draft.phones.extend(pack(national));
            }
        }
        draft.mother = names_of(from.mother.as_deref());
        draft.father = names_of(from.father.as_deref());
        for (slot, value) in draft.traits.iter_mut().zip(&from.traits) {
            *slot = folded(value.as_deref());
        }
        draft
    }

    /// A number for what it says, the same in every process.
    pub(crate) fn print(&self) -> u64 {
        let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn read_name(&mut self, from: &Registration) {
        let mut given = folded(from.given.as_deref());
        if let Some(mother) = newborn(&given) {
            if self.mother.is_empty() {
                self.mother = mother;
            }
            given.clear();
        }
        let first = folded(from.first.as_deref());
        let second = folded(from.second.as_deref());
        let full = folded(from.full.as_deref());
        if given.is_empty() && first.is_empty() && second.is_empty() {
            return self.split_full(&full);
        }
        self.given = given_words(&given);
        self.married = second
            .strip_prefix("de ")
            .is_some_and(|rest| !rest.contains(' ') && rest != "leon");
        self.second = joined(&second);
        let family: Vec<&str> = surname_words(&first);
        // Two surnames in one field, as FHIR's `family` has them, unless they are one of two words (Montes de Oca).
        match family.as_slice() {
            [one, two] if self.second.is_empty() && first == format!("{one} {two}") => {
                (self.first, self.second) = ((*one).to_owned(), (*two).to_owned());
            }
            words => self.first = words.join(" "),
        }
        let parts = [&self.first, &self.second];
        self.other = surname_words(&full)
            .into_iter()
            .filter(|word| !self.given.iter().any(|g| g == word))
            .filter(|word| !parts.iter().any(|p| p.split(' ').any(|w| w == *word)))
            .map(str::to_owned)
            .take(4)
            .collect();
    }

    /// A whole name without parts, as Spanish names are built: the last two of three words or more are surnames.
    fn split_full(&mut self, full: &str) {
        let words = surname_words(full);
        let surnames = match words.len() {
            0 | 1 => 0,
            2 => 1,
            _ => 2,
        };
        let (given, family) = words.split_at(words.len() - surnames);
        self.given = given_words(&given.join(" "));
        self.first = family.first().copied().unwrap_or_default().to_owned();
        self.second = family.get(1).copied().unwrap_or_default().to_owned();
    }

    fn read_numbers(&mut self, from: &Registration) {
        for identifier in &from.identifiers {
            let code = text::code(&identifier.value);
            if code.is_empty() || code == GENERIC {
                continue;
            }
            if identifier.system == systems::CURP {
                if self.curp.is_none()
                    && let Ok(signs) = <[u8; 18]>::try_from(code.as_bytes())
                {
                    let state = match Curp::parse(&code).map(|c| c.state()) {
                        _ if identifier.confirmed => IdentifierState::Confirmed,
                        Ok(CurpState::DigitOk) => IdentifierState::DigitOk,
                        Ok(_) => IdentifierState::FormatOk,
                        Err(_) => IdentifierState::Unverified,
                    };
                    self.curp = Some(Key { signs, state });
                }
            } else if self.numbers.len() < 3 && code.len() >= 4 {
                let value = pack(&code).unwrap_or_else(|| hashed(&code));
                self.numbers
                    .push((identifier.system.clone(), value, identifier.confirmed));
            }
        }
    }

    /// What is not written but stands in the CURP.
    fn fill_from_curp(&mut self) {
        let Some(curp) = self
            .curp
            .and_then(|key| Curp::parse(std::str::from_utf8(&key.signs).ok()?).ok())
        else {
            return;
        };
        if self.birth.is_none() {
            self.birth = curp.birth().and_then(|d| Written::parse(&d.to_string()));
            self.from_curp[0] = self.birth.is_some();
        }
        if self.sex.is_none() {
            self.sex = curp.sex();
            self.from_curp[1] = self.sex.is_some();
        }
        if self.birth_place.is_empty()
            && let Some(state) = curp.state_of_birth()
        {
            self.birth_place = fold(state.name());
            self.from_curp[2] = true;
        }
    }
}

fn folded(text: Option<&str>) -> String {
    text.map(fold).unwrap_or_default()
}

/// The words of a folded surname that count.
fn surname_words(folded: &str) -> Vec<&str> {
    text::words(folded)
        .filter(|word| {
            !matches!(
                *word,
                "jr" | "sr" | "junior" | "hijo" | "hija" | "ii" | "iii"
            )
        })
        .collect()
}

fn joined(folded: &str) -> String {
    surname_words(folded).join(" ")
}

fn names_of(text: Option<&str>) -> String {
    let folded = folded(text);
    text::words(&folded)
        .map(written_out)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The given names that count: particles left out, at most three, María and José written out.
fn given_words(folded: &str) -> Vec<String> {
    let words: Vec<&str> = text::words(folded).collect();
    let several = words.get(1).is_some_and(|next| next.len() > 2);
    let mut out: Vec<String> = Vec::with_capacity(3);
    for (i, word) in words.into_iter().enumerate() {
        let word = match word {
            "m" if i == 0 && several => "maria",
            "j" if i == 0 && several => "jose",
            word => written_out(word),
        };
        if out.len() < 3 && !out.iter().any(|w| w == word) {
            out.push(word.to_owned());
        }
    }
    out
}

/// Abbreviations that stand for one name only.
fn written_out(word: &str) -> &str {
    match word {
        "ma" => "maria",
        "gpe" => "guadalupe",
        "fco" => "francisco",
        "fca" => "francisca",
        "hdez" => "hernandez",
        "mtz" | "mtez" => "martinez",
        "rdz" | "rdguez" => "rodriguez",
        "glez" | "gzz" => "gonzalez",
        "fdez" => "fernandez",
        word => word,
    }
}

/// For the words that stand in the place of a newborn's name: the mother's name after them, perhaps empty.
fn newborn(given: &str) -> Option<String> {
    const WORDS: [&str; 9] = [
        "recien nacido",
        "recien nacida",
        "rn",
        "r n",
        "hijo",
        "hija",
        "producto",
        "bebe",
        "baby",
    ];
    let rest = WORDS.iter().find_map(|word| given.strip_prefix(word))?;
    let rest = rest
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix(' ')
        .or(rest.is_empty().then_some(""))?;
    Some(names_of(Some(rest)))
}

fn place_of_birth(text: &str) -> String {
    let state = MxState::from_letters(text.trim()).or_else(|| {
        (text.len() < 60)
            .then(|| MxState::from_name(text))
            .flatten()
    });
    state.map_or_else(|| fold(text), |state| fold(state.name()))
}

fn place(from: &Address) -> Place {
    let mut street = folded(from.street.as_deref());
    let mut number = folded(from.number.as_deref());
    if number.is_empty()
        && let Some((at, digits)) = street
            .rmatch_indices(' ')
            .map(|(at, _)| (at, street[at + 1..].to_owned()))
            .find(|(_, rest)| {
                rest.split(' ')
                    .next()
                    .is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit()))
            })
    {
        number = digits;
        street.truncate(at);
    }
    Place {
        street: street_words(&street),
        number,
        building: street_words(&folded(from.line2.as_deref())),
        postcode: text::code(from.postcode.as_deref().unwrap_or_default()),
        locality: folded(from.locality.as_deref()),
        region: folded(from.region.as_deref()),
    }
}

/// A street without the word for "street", which one writes and another leaves out.
fn street_words(folded: &str) -> String {
    const KINDS: [&str; 36] = [
        "calle",
        "c",
        "av",
        "avenida",
        "ave",
        "blvd",
        "boulevard",
        "calz",
        "calzada",
        "priv",
        "privada",
        "cda",
        "cerrada",
        "prol",
        "prolongacion",
        "circuito",
        "no",
        "num",
        "street",
        "st",
        "road",
        "rd",
        "avenue",
        "place",
        "pl",
        "crescent",
        "cres",
        "court",
        "ct",
        "drive",
        "dr",
        "close",
        "lane",
        "circuit",
        "terrace",
        "parade",
    ];
    let words: Vec<&str> = text::words(folded)
        .filter(|word| !KINDS.contains(word))
        .collect();
    if words.is_empty() {
        folded.to_owned()
    } else {
        words.join(" ")
    }
}

/// Of the numbers in which codes are packed: a sign is a digit from one on.
pub(crate) const BASE: u64 = 37;

/// How many signs were packed; none of a hash.
pub(crate) fn signs(packed: u64) -> usize {
    /// The least number of so many signs and one more.
    const LEAST: [u64; 12] = {
        let (mut least, mut i) = ([1; 12], 1);
        while i < 12 {
            least[i] = least[i - 1] * BASE + 1;
            i += 1;
        }
        least
    };
    match packed >> 63 {
        0 => LEAST.iter().take_while(|least| packed >= **least).count(),
        _ => 0,
    }
}

/// Twelve letters and digits or fewer as a number that [`unpack`] reads back; top bit clear.
pub(crate) fn pack(code: &str) -> Option<u64> {
    if code.len() > 12 {
        return None;
    }
    code.bytes().try_fold(0u64, |n, b| {
        Some(n * BASE + 1 + u64::from(char::from(b).to_digit(36)?))
    })
}

/// What was packed; empty for a hash.
pub(crate) fn unpack(mut packed: u64) -> ([u8; 12], usize) {
    let (mut out, mut len) = ([0u8; 12], 0);
    if packed >> 63 == 0 {
        while packed > 0 && len < 12 {
            out[len] = ((packed - 1) % BASE) as u8;
            packed = (packed - 1) / BASE;
            len += 1;
        }
    }
    (out, len)
}

fn hashed(code: &str) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    code.hash(&mut hasher);
    hasher.finish() | 1 << 63
}

/// FNV-1a of 64 bits: the same in every process, unlike the standard hasher.
pub(crate) struct Fnv(pub(crate) u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        // One round of mixing: FNV leaves its high bits too alike for short input.
        let x = self.0 ^ self.0 >> 32;
        x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ x >> 29
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests;
