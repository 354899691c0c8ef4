//! The NSS: the number that IMSS gives a person. Eleven digits, the last a check digit by Luhn.

use crate::IdentifierState;
use std::fmt;
use std::str::FromStr;

/// A text of eleven digits. Its check digit may be wrong: see [`Nss::state`]. The meaning of the other positions
/// (office, years, sequence) is not checked: old and provisional numbers break it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nss([u8; 11]);

/// Why a text is not an NSS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NssError {
    /// Too short or too long.
    #[error("it has {found} characters; an NSS has 11 digits")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// Something that is no digit.
    #[error("character {position} is `{found}`; an NSS has digits only")]
    Character {
        /// Position, from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
}

impl Nss {
    /// Reads an NSS; spaces and hyphens are forgiven.
    ///
    /// # Errors
    /// When it is not eleven digits.
    pub fn parse(text: &str) -> Result<Nss, NssError> {
        let chars: Vec<char> = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect();
        if chars.len() != 11 {
            return Err(NssError::Length { found: chars.len() });
        }
        let mut digits = [0u8; 11];
        for (i, (slot, &c)) in digits.iter_mut().zip(&chars).enumerate() {
            if !c.is_ascii_digit() {
                return Err(NssError::Character {
                    position: i + 1,
                    found: c,
                });
            }
            *slot = u8::try_from(c).unwrap_or(b'0');
        }
        Ok(Nss(digits))
    }
    /// The check digit for the first ten digits; `None` if they are not ten digits.
    pub fn check_digit(first10: &str) -> Option<u8> {
        if first10.len() != 10 || !first10.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let sum: u32 = first10
            .bytes()
            .enumerate()
            .map(|(i, b)| {
                let product = u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 2 };
                if product > 9 { product - 9 } else { product }
            })
            .sum();
        u8::try_from((10 - sum % 10) % 10).ok()
    }
    /// The eleven digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
    /// `DigitOk` or `FormatOk`.
    pub fn state(&self) -> IdentifierState {
        let (head, digit) = self.as_str().split_at(10);
        match Nss::check_digit(head) {
            Some(right) if right.to_string() == digit => IdentifierState::DigitOk,
            _ => IdentifierState::FormatOk,
        }
    }
}

impl fmt::Display for Nss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Debug output ends in logs: it shows the state and no person.
impl fmt::Debug for Nss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nss({:?})", self.state())
    }
}

impl FromStr for Nss {
    type Err = NssError;
    fn from_str(text: &str) -> Result<Nss, NssError> {
        Nss::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digit_is_luhn() {
        for (head, digit) in [("1234567890", 3), ("9201851234", 0), ("0312990001", 9)] {
            assert_eq!(Nss::check_digit(head), Some(digit), "{head}");
            let whole = Nss::parse(&format!("{head}{digit}")).unwrap();
            assert_eq!(whole.state(), IdentifierState::DigitOk);
        }
        assert_eq!(
            Nss::parse("1234567890-4").unwrap().state(),
            IdentifierState::FormatOk
        );
    }
    #[test]
    fn what_is_not_eleven_digits_is_refused_with_its_place() {
        assert_eq!(
            Nss::parse("123").unwrap_err().to_string(),
            "it has 3 characters; an NSS has 11 digits"
        );
        assert_eq!(
            Nss::parse("1234567890A").unwrap_err().to_string(),
            "character 11 is `A`; an NSS has digits only"
        );
        assert_eq!(Nss::check_digit("12345"), None);
    }
}
