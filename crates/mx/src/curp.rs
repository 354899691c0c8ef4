//! The CURP: eighteen characters made of a person's names, birth, sex and state, with a check digit.
//!
//! [`Curp::parse`] takes what has the form; [`Curp::state`] says whether its digit is right. The rules that make
//! positions 1 to 16 are in [`rules`], to compare a CURP with a name and to make test data. A CURP is assigned by
//! RENAPO alone (NOM-024 forbids systems to generate one for a person).
//!
//! Source: "Instructivo normativo para la asignación de la CURP" (DOF 18 Oct 2021) as transcribed publicly.

pub mod rules;

use crate::{IdentifierState, MxState, Names, Sex};
use jiff::civil::Date;
use std::fmt;
use std::str::FromStr;

/// The value that files carry when the CURP is unknown.
pub const GENERIC: &str = "XXXX999999XXXXXX99";

/// A text with the form of a CURP, or the generic value. Its check digit may be wrong: see [`Curp::state`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Curp([u8; 18]);

/// What a CURP says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurpState {
    /// The form is right, the check digit is not: keep it, show it, and do not lean on it.
    FormatOk,
    /// Form and check digit are right.
    DigitOk,
    /// The value for "unknown", [`GENERIC`]: it names nobody.
    Generic,
}

/// Why a text is not a CURP, and where. Positions count from 1. The text itself is not repeated: it is personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurpError {
    /// Too short or too long.
    #[error("it has {found} characters; a CURP has 18")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that cannot stand there.
    #[error("character {position} is `{found}`; a CURP has {expected} there")]
    Character {
        /// Position, 1 to 18.
        position: usize,
        /// What stands there.
        found: char,
        /// What may stand there, in words.
        expected: &'static str,
    },
    /// Positions 5 to 10 are no day of the calendar.
    #[error(
        "characters 5 to 10 are `{found}`, which is no date (year, month, day) of the {century}00s"
    )]
    Date {
        /// The six digits.
        found: String,
        /// 19 or 20, from position 17.
        century: u8,
    },
    /// Positions 12 and 13 are no state.
    #[error("characters 12 and 13 are `{found}`, which is no state of Mexico nor NE (born abroad)")]
    State {
        /// The two letters.
        found: String,
    },
}

/// A part of a CURP that does not fit what else is known of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which part.
    pub part: Part,
    /// What the person's data would give.
    pub expected: String,
    /// What the CURP has.
    pub found: String,
}

/// The parts of a CURP that come from the person's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Positions 1 and 2, and 14: the first surname.
    FirstSurname,
    /// Positions 3 and 15: the second surname.
    SecondSurname,
    /// Positions 4 and 16: the given name.
    GivenName,
    /// Positions 5 to 10 and the century of position 17.
    Birth,
    /// Position 11.
    Sex,
    /// Positions 12 and 13.
    State,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::FirstSurname => "the first surname",
            Part::SecondSurname => "the second surname",
            Part::GivenName => "the given name",
            Part::Birth => "the birth date",
            Part::Sex => "the sex",
            Part::State => "the state of birth",
        };
        write!(
            f,
            "{part} gives {} in a CURP; this one has {}",
            self.expected, self.found
        )
    }
}

impl Curp {
    /// Reads a CURP; spaces around it and lower case are forgiven.
    ///
    /// # Errors
    /// The first thing that keeps the text from being a CURP, with its position.
    pub fn parse(text: &str) -> Result<Curp, CurpError> {
        let upper: Vec<char> = text.trim().chars().flat_map(char::to_uppercase).collect();
        if upper.len() != 18 {
            return Err(CurpError::Length { found: upper.len() });
        }
        let mut bytes = [0u8; 18];
        for (slot, (i, &c)) in bytes.iter_mut().zip(upper.iter().enumerate()) {
            let expected = match i + 1 {
                1 | 3 | 4 if c == 'Ñ' => "X in place of Ñ",
                1 | 3 | 4 => "a letter from A to Z",
                2 => "a vowel or X",
                5..=10 | 18 => "a digit",
                11 => "H, M or X",
                12 | 13 => "a letter of the state",
                14..=16 if c == 'Ñ' => "X in place of Ñ",
                14..=16 => "a consonant",
                _ => "a digit or a letter",
            };
            *slot = u8::try_from(c).unwrap_or(0);
            if !fits(i + 1, c) {
                return Err(CurpError::Character {
                    position: i + 1,
                    found: c,
                    expected,
                });
            }
        }
        let curp = Curp(bytes);
        if curp.as_str() == GENERIC {
            return Ok(curp);
        }
        if MxState::from_letters(curp.slice(12, 13)).is_none() {
            return Err(CurpError::State {
                found: curp.slice(12, 13).to_owned(),
            });
        }
        if curp.date().is_none() {
            return Err(CurpError::Date {
                found: curp.slice(5, 10).to_owned(),
                century: curp.century(),
            });
        }
        Ok(curp)
    }
    /// The eighteen characters.
    pub fn as_str(&self) -> &str {
        // Only ASCII passes `parse`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
    /// Whether the check digit is right.
    pub fn state(&self) -> CurpState {
        if self.as_str() == GENERIC {
            return CurpState::Generic;
        }
        match rules::check_digit(self.slice(1, 17)) {
            Some(digit) if self.slice(18, 18) == digit.to_string() => CurpState::DigitOk,
            _ => CurpState::FormatOk,
        }
    }
    /// The same on the common scale of identifiers; the generic value is unverified.
    pub fn identifier_state(&self) -> IdentifierState {
        match self.state() {
            CurpState::FormatOk => IdentifierState::FormatOk,
            CurpState::DigitOk => IdentifierState::DigitOk,
            CurpState::Generic => IdentifierState::Unverified,
        }
    }
    /// Whether it is the value for "unknown".
    pub fn is_generic(&self) -> bool {
        self.state() == CurpState::Generic
    }
    /// Birth date, the century taken from position 17; `None` for the generic value.
    pub fn birth(&self) -> Option<Date> {
        if self.is_generic() { None } else { self.date() }
    }
    /// Sex; `None` for the generic value.
    pub fn sex(&self) -> Option<Sex> {
        if self.is_generic() {
            return None;
        }
        self.slice(11, 11).chars().next().and_then(Sex::from_letter)
    }
    /// State of birth; `None` for the generic value.
    pub fn state_of_birth(&self) -> Option<MxState> {
        MxState::from_letters(self.slice(12, 13))
    }
    /// 19 or 20: RENAPO gives a digit in position 17 to births until 1999 and a letter from 2000 (digits after 2000
    /// are reported too, so a comparison of dates should allow a century).
    pub fn century(&self) -> u8 {
        if self.slice(17, 17).bytes().all(|b| b.is_ascii_digit()) {
            19
        } else {
            20
        }
    }
    /// Compares with what else is known; what is `None` is not compared. An empty answer says "could be this
    /// person's", never "is". The generic value disagrees with nobody.
    pub fn plausible(
        &self,
        names: Option<Names<'_>>,
        birth: Option<Date>,
        sex: Option<Sex>,
        state: Option<MxState>,
    ) -> Vec<Disagreement> {
        if self.is_generic() {
            return Vec::new();
        }
        let mut out = Vec::new();
        let mut compare = |part, expected: String, found: String| {
            if expected != found {
                out.push(Disagreement {
                    part,
                    expected,
                    found,
                });
            }
        };
        if let Some(names) = names {
            let [a, b, c, d, l, m, n] = rules::letters(names);
            let at = |i: usize| self.slice(i, i);
            // Position 2 is X both for "no vowel" and for words changed to X: an X is never a disagreement by itself.
            let vowel = if at(2) == "X" { 'X' } else { b };
            compare(
                Part::FirstSurname,
                format!("{a}{vowel}-{l}"),
                format!("{}{}-{}", at(1), at(2), at(14)),
            );
            compare(
                Part::SecondSurname,
                format!("{c}-{m}"),
                format!("{}-{}", at(3), at(15)),
            );
            compare(
                Part::GivenName,
                format!("{d}-{n}"),
                format!("{}-{}", at(4), at(16)),
            );
        }
        if let Some(birth) = birth {
            let found = self.date().map_or_else(String::new, |d| d.to_string());
            compare(Part::Birth, birth.to_string(), found);
        }
        if let Some(sex) = sex {
            compare(
                Part::Sex,
                sex.letter().to_string(),
                self.slice(11, 11).to_owned(),
            );
        }
        if let Some(state) = state {
            compare(
                Part::State,
                state.letters().to_owned(),
                self.slice(12, 13).to_owned(),
            );
        }
        out
    }
    /// Positions `from..=to`, counted from 1.
    fn slice(&self, from: usize, to: usize) -> &str {
        self.as_str().get(from - 1..to).unwrap_or_default()
    }
    fn date(&self) -> Option<Date> {
        let two = |from: usize| self.slice(from, from + 1).parse::<i16>().ok();
        let year = i16::from(self.century()) * 100 + two(5)?;
        let month = i8::try_from(two(7)?).ok()?;
        let day = i8::try_from(two(9)?).ok()?;
        Date::new(year, month, day).ok()
    }
}

/// Whether a character may stand at a position; the generic value passes too.
fn fits(position: usize, c: char) -> bool {
    match position {
        1 | 3 | 4 | 12 | 13 => c.is_ascii_uppercase(),
        2 => matches!(c, 'A' | 'E' | 'I' | 'O' | 'U' | 'X'),
        5..=10 | 18 => c.is_ascii_digit(),
        11 => matches!(c, 'H' | 'M' | 'X'),
        14..=16 => c.is_ascii_uppercase() && !matches!(c, 'A' | 'E' | 'I' | 'O' | 'U'),
        _ => c.is_ascii_uppercase() || c.is_ascii_digit(),
    }
}

impl fmt::Display for Curp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Debug output ends in logs: it shows the state and no person.
impl fmt::Debug for Curp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Curp({:?})", self.state())
    }
}

impl FromStr for Curp {
    type Err = CurpError;
    fn from_str(text: &str) -> Result<Curp, CurpError> {
        Curp::parse(text)
    }
}

impl serde::Serialize for Curp {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Curp {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Curp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Curp::parse(&text).map_err(serde::de::Error::custom)
    }
}
