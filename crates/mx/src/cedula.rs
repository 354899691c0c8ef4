//! The cédula profesional: the number of a professional's licence. It has no check digit.

use std::fmt;
use std::str::FromStr;

/// A licence number: four to eight digits (seven or eight today, older ones shorter).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cedula(String);

/// Why a text is not a cédula.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CedulaError {
    /// Too short or too long.
    #[error("it has {found} characters; a cédula has 4 to 8 digits")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// Something that is no digit.
    #[error("character {position} is `{found}`; a cédula has digits only")]
    Character {
        /// Position, from 1.
        position: usize,
        /// What stands there.
        found: char,
    },
}

impl Cedula {
    /// Reads a cédula; spaces around it are forgiven.
    ///
    /// # Errors
    /// When it is not four to eight digits.
    pub fn parse(text: &str) -> Result<Cedula, CedulaError> {
        let text = text.trim();
        if let Some((i, found)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(CedulaError::Character {
                position: i + 1,
                found,
            });
        }
        if !(4..=8).contains(&text.len()) {
            return Err(CedulaError::Length { found: text.len() });
        }
        Ok(Cedula(text.to_owned()))
    }
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cedula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl FromStr for Cedula {
    type Err = CedulaError;
    fn from_str(text: &str) -> Result<Cedula, CedulaError> {
        Cedula::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_and_only_so_many() {
        assert_eq!(Cedula::parse(" 12345678 ").unwrap().as_str(), "12345678");
        assert_eq!(
            Cedula::parse("123").unwrap_err().to_string(),
            "it has 3 characters; a cédula has 4 to 8 digits"
        );
        assert_eq!(
            Cedula::parse("12A4567").unwrap_err().to_string(),
            "character 3 is `A`; a cédula has digits only"
        );
    }
}
