//! States of Mexico: INEGI number, name, and the letters that CURP and CLUES use.

use std::fmt;
use std::sync::LazyLock;

/// Where one may be born: a state of Mexico, or abroad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MxState(u8);

/// Whether a place lies in Mexico.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    /// One of the 32 states.
    Mexico,
    /// Anywhere else.
    Abroad,
}

/// (letters, name); the position is the INEGI number, and 0 stands for abroad.
const TABLE: [(&str, &str); 33] = [
    ("NE", "Nacido en el extranjero"),
    ("AS", "Aguascalientes"),
    ("BC", "Baja California"),
    ("BS", "Baja California Sur"),
    ("CC", "Campeche"),
    ("CL", "Coahuila"),
    ("CM", "Colima"),
    ("CS", "Chiapas"),
    ("CH", "Chihuahua"),
    ("DF", "Ciudad de México"),
    ("DG", "Durango"),
    ("GT", "Guanajuato"),
    ("GR", "Guerrero"),
    ("HG", "Hidalgo"),
    ("JC", "Jalisco"),
    ("MC", "México"),
    ("MN", "Michoacán"),
    ("MS", "Morelos"),
    ("NT", "Nayarit"),
    ("NL", "Nuevo León"),
    ("OC", "Oaxaca"),
    ("PL", "Puebla"),
    ("QT", "Querétaro"),
    ("QR", "Quintana Roo"),
    ("SP", "San Luis Potosí"),
    ("SL", "Sinaloa"),
    ("SR", "Sonora"),
    ("TC", "Tabasco"),
    ("TS", "Tamaulipas"),
    ("TL", "Tlaxcala"),
    ("VZ", "Veracruz"),
    ("YN", "Yucatán"),
    ("ZS", "Zacatecas"),
];

/// The names of the table, normalised.
static NAMES: LazyLock<[String; TABLE.len()]> =
    LazyLock::new(|| TABLE.map(|(_, name)| crate::names::normalise(name)));

impl MxState {
    /// Born abroad (`NE`).
    pub const ABROAD: MxState = MxState(0);

    /// The 32 states in the order of their INEGI numbers.
    pub fn all() -> impl Iterator<Item = MxState> {
        (1..=32).map(MxState)
    }
    /// By INEGI number, 1 to 32.
    pub fn from_number(number: u8) -> Option<MxState> {
        (1..=32).contains(&number).then_some(MxState(number))
    }
    /// By the two letters of CURP and CLUES; `NE` gives [`MxState::ABROAD`].
    pub fn from_letters(letters: &str) -> Option<MxState> {
        let at = TABLE.iter().position(|(l, _)| *l == letters)?;
        u8::try_from(at).ok().map(MxState)
    }
    /// By name, in any case and with or without accents; also `Estado de México` and `Distrito Federal`.
    pub fn from_name(name: &str) -> Option<MxState> {
        let wanted = crate::names::normalise(name);
        let wanted = match wanted.as_str() {
            "ESTADO DE MEXICO" => "MEXICO",
            "DISTRITO FEDERAL" | "CDMX" => "CIUDAD DE MEXICO",
            "COAHUILA DE ZARAGOZA" => "COAHUILA",
            "MICHOACAN DE OCAMPO" => "MICHOACAN",
            "VERACRUZ DE IGNACIO DE LA LLAVE" => "VERACRUZ",
            "QUERETARO DE ARTEAGA" => "QUERETARO",
            other => other,
        };
        let at = NAMES.iter().position(|name| name == wanted)?;
        u8::try_from(at).ok().map(MxState)
    }
    /// INEGI number; 0 for abroad.
    pub fn number(self) -> u8 {
        self.0
    }
    /// The two letters of CURP and CLUES.
    pub fn letters(self) -> &'static str {
        self.row().0
    }
    /// The state's name in Spanish.
    pub fn name(self) -> &'static str {
        self.row().1
    }
    /// In Mexico or abroad.
    pub fn country(self) -> Country {
        if self == MxState::ABROAD {
            Country::Abroad
        } else {
            Country::Mexico
        }
    }
    fn row(self) -> (&'static str, &'static str) {
        // Every constructor keeps the number below 33.
        TABLE.get(usize::from(self.0)).copied().unwrap_or(TABLE[0])
    }
}

impl fmt::Display for MxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_letters_and_names_lead_to_the_same_state() {
        assert_eq!(MxState::all().count(), 32);
        for state in MxState::all() {
            assert_eq!(MxState::from_letters(state.letters()), Some(state));
            assert_eq!(MxState::from_number(state.number()), Some(state));
            assert_eq!(MxState::from_name(state.name()), Some(state));
        }
        assert_eq!(MxState::from_number(9).unwrap().letters(), "DF");
        assert_eq!(MxState::from_number(33), None);
        assert_eq!(MxState::from_letters("NE"), Some(MxState::ABROAD));
        assert_eq!(
            MxState::from_name("estado de méxico").unwrap().letters(),
            "MC"
        );
    }
}
