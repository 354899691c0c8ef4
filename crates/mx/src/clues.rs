//! CLUES: the eleven characters that name a health establishment, and the institutions they name.

use crate::MxState;
use std::fmt;
use std::str::FromStr;

/// A text with the form of a CLUES: state letters, institution letters, six digits. There is no check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Clues([u8; 11]);

/// Why a text is not a CLUES.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CluesError {
    /// Too short or too long.
    #[error("it has {found} characters; a CLUES has 11")]
    Length {
        /// Characters found.
        found: usize,
    },
    /// A character that cannot stand there.
    #[error("character {position} is `{found}`; a CLUES has {expected} there")]
    Character {
        /// Position, from 1.
        position: usize,
        /// What stands there.
        found: char,
        /// What may.
        expected: &'static str,
    },
    /// The first two letters are no state.
    #[error("it begins with `{found}`, which is no state of Mexico")]
    State {
        /// The two letters.
        found: String,
    },
}

/// Institutions as the third to fifth letter of a CLUES name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Institution {
    /// IMSS
    Imss,
    /// IMSS-Bienestar
    ImssBienestar,
    /// The former IMSS-Oportunidades
    ImssOportunidades,
    /// ISSSTE
    Issste,
    /// Ministry of Health and services of the states
    Salud,
    /// Petróleos Mexicanos
    Pemex,
    /// Army and air force
    Sedena,
    /// Navy
    Semar,
    /// Medical services of a state
    Estatal,
    /// Medical services of a municipality
    Municipal,
    /// Private
    Privado,
    /// Red Cross
    CruzRoja,
    /// University hospital
    Universitario,
    /// Family welfare system
    Dif,
    /// Youth integration centres
    Cij,
    /// Ministry of transport
    Sct,
    /// Former federal prosecutor
    Pgr,
    /// Prosecutor of a state
    Fge,
    /// Private services under contract
    Spc,
}

const INSTITUTIONS: [(Institution, &str, &str); 19] = [
    (Institution::Imss, "IMS", "IMSS"),
    (Institution::ImssBienestar, "IMB", "IMSS-Bienestar"),
    (Institution::ImssOportunidades, "IMO", "IMSS-Oportunidades"),
    (Institution::Issste, "IST", "ISSSTE"),
    (Institution::Salud, "SSA", "Secretaría de Salud"),
    (Institution::Pemex, "PMX", "PEMEX"),
    (Institution::Sedena, "SDN", "SEDENA"),
    (Institution::Semar, "SMA", "SEMAR"),
    (Institution::Estatal, "SME", "Servicios médicos estatales"),
    (
        Institution::Municipal,
        "SMM",
        "Servicios médicos municipales",
    ),
    (Institution::Privado, "SMP", "Servicios médicos privados"),
    (Institution::CruzRoja, "CRO", "Cruz Roja Mexicana"),
    (Institution::Universitario, "HUN", "Hospital universitario"),
    (Institution::Dif, "DIF", "DIF"),
    (Institution::Cij, "CIJ", "Centros de Integración Juvenil"),
    (Institution::Sct, "SCT", "SCT"),
    (Institution::Pgr, "PGR", "PGR"),
    (Institution::Fge, "FGE", "Fiscalía estatal"),
    (Institution::Spc, "SPC", "Servicios privados por contrato"),
];

impl Institution {
    /// By the three letters of a CLUES.
    pub fn from_letters(letters: &str) -> Option<Institution> {
        INSTITUTIONS
            .iter()
            .find(|row| row.1 == letters)
            .map(|row| row.0)
    }
    /// The three letters of a CLUES.
    pub fn letters(self) -> &'static str {
        self.row().1
    }
    /// The name people use.
    pub fn name(self) -> &'static str {
        self.row().2
    }
    fn row(self) -> (Institution, &'static str, &'static str) {
        let found = INSTITUTIONS.iter().find(|row| row.0 == self);
        debug_assert!(found.is_some(), "every institution has its row");
        found.copied().unwrap_or((self, "", ""))
    }
}

impl Clues {
    /// Reads a CLUES; spaces around it and lower case are forgiven.
    ///
    /// # Errors
    /// The first thing that keeps the text from being a CLUES.
    pub fn parse(text: &str) -> Result<Clues, CluesError> {
        let upper: Vec<char> = text.trim().chars().flat_map(char::to_uppercase).collect();
        if upper.len() != 11 {
            return Err(CluesError::Length { found: upper.len() });
        }
        let mut bytes = [0u8; 11];
        for (i, (slot, &c)) in bytes.iter_mut().zip(&upper).enumerate() {
            let (good, expected) = if i < 5 {
                (c.is_ascii_uppercase(), "a letter")
            } else {
                (c.is_ascii_digit(), "a digit")
            };
            if !good {
                return Err(CluesError::Character {
                    position: i + 1,
                    found: c,
                    expected,
                });
            }
            *slot = u8::try_from(c).unwrap_or(0);
        }
        let clues = Clues(bytes);
        match MxState::from_letters(clues.slice(0, 2)) {
            Some(state) if state != MxState::ABROAD => Ok(clues),
            _ => Err(CluesError::State {
                found: clues.slice(0, 2).to_owned(),
            }),
        }
    }
    /// The eleven characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
    /// The state where the establishment stands.
    pub fn state(&self) -> MxState {
        MxState::from_letters(self.slice(0, 2)).unwrap_or(MxState::ABROAD)
    }
    /// Its institution; `None` for letters that the table does not have.
    pub fn institution(&self) -> Option<Institution> {
        Institution::from_letters(self.slice(2, 5))
    }
    fn slice(&self, from: usize, to: usize) -> &str {
        self.as_str().get(from..to).unwrap_or_default()
    }
}

impl fmt::Display for Clues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Clues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clues({self})")
    }
}
impl FromStr for Clues {
    type Err = CluesError;
    fn from_str(text: &str) -> Result<Clues, CluesError> {
        Clues::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_guides_are_read() {
        let clues = Clues::parse("mcimb005225").unwrap();
        assert_eq!(clues.state().name(), "México");
        assert_eq!(clues.institution(), Some(Institution::ImssBienestar));
        for sample in ["SLSME000016", "QTSSA003451", "GRIMB005192"] {
            assert!(Clues::parse(sample).unwrap().institution().is_some());
        }
        // Letters that no table has yet still name an establishment.
        assert_eq!(Clues::parse("DFQQQ000001").unwrap().institution(), None);
    }
    #[test]
    fn what_is_no_clues_is_refused_with_its_place() {
        let said = |text: &str| Clues::parse(text).unwrap_err().to_string();
        assert_eq!(said("MCIMB0052251"), "it has 12 characters; a CLUES has 11");
        assert_eq!(
            said("MCIMB0O5225"),
            "character 7 is `O`; a CLUES has a digit there"
        );
        assert_eq!(
            said("ZZIMB005225"),
            "it begins with `ZZ`, which is no state of Mexico"
        );
        assert!(Clues::parse("NEIMB005225").is_err());
    }
    #[test]
    fn every_institution_keeps_its_letters() {
        for (institution, letters, _) in INSTITUTIONS {
            assert_eq!(Institution::from_letters(letters), Some(institution));
            assert_eq!(institution.letters(), letters);
        }
    }
}
