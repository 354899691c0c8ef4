//! What Mexico says, as pure tables and functions: no clock, no network, no disk.
//!
//! **In** comes text that people typed or systems sent. **Out** come checked values ([`Curp`], [`Nss`], [`Clues`],
//! [`Cedula`]), each with the state that can be known without asking anyone ([`IdentifierState`]), and answers to
//! questions of rule: does this CURP fit this name ([`Curp::plausible`]), may this medicine be handed over today
//! ([`medicine::may_dispense`]), what must a prescription show ([`prescription`]), which vaccines does the schedule
//! give a person born on that day ([`vaccines`]).
//!
//! What it promises:
//! - A wrong check digit is a *state*, not a refusal: in real files most are wrong. What is refused is what cannot be
//!   such an identifier at all, and the error says which character and why.
//! - Nothing here assigns an identifier to a person. The rules of the CURP serve to compare and to test.
//! - What changes without us (schedules, codes) is data with its source and date.
//!
//! Start reading at [`curp`].

mod cedula;
mod clues;
pub mod curp;
pub mod medicine;
pub mod names;
mod nss;
pub mod prescription;
mod state;
pub mod systems;
pub mod vaccines;

pub use cedula::{Cedula, CedulaError};
pub use clues::{Clues, CluesError, Institution};
pub use curp::{Curp, CurpError, CurpState, Disagreement};
pub use names::Names;
pub use nss::{Nss, NssError};
pub use state::{Country, MxState};

use serde::{Deserialize, Serialize};

/// How much is known of an identifier. The order is one of trust: a later state says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentifierState {
    /// Nobody looked, or it does not have the form.
    Unverified,
    /// It has the form; its check digit is wrong, or the identifier has none.
    FormatOk,
    /// Form and check digit are right.
    DigitOk,
    /// Its issuer confirmed it (RENAPO for a CURP). Only an answer of the issuer gives this state.
    Confirmed,
}

/// Sex as the CURP writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    /// `H`
    Man,
    /// `M`
    Woman,
    /// `X`
    NonBinary,
}

impl Sex {
    /// The letter of position 11 of a CURP.
    pub fn letter(self) -> char {
        match self {
            Sex::Man => 'H',
            Sex::Woman => 'M',
            Sex::NonBinary => 'X',
        }
    }
    /// From the letter `H`, `M` or `X`.
    pub fn from_letter(letter: char) -> Option<Sex> {
        match letter {
            'H' => Some(Sex::Man),
            'M' => Some(Sex::Woman),
            'X' => Some(Sex::NonBinary),
            _ => None,
        }
    }
    /// The code of FHIR's administrative gender that says the same.
    pub fn fhir_gender(self) -> &'static str {
        match self {
            Sex::Man => "male",
            Sex::Woman => "female",
            Sex::NonBinary => "other",
        }
    }
}
