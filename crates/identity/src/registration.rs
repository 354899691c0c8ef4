//! What comes in: one registration, as an institution wrote it.

use mx::Sex;
use serde::{Deserialize, Serialize};

/// One registration. Every field may be absent; texts stand as they were written.
///
/// What says nothing (empty, "se ignora", XX, a name of hundreds of letters) counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// Given names, as in `Ma. de los Ángeles`. `RN de ...` and its like say that the child had no name yet.
    pub given: Option<String>,
    /// First surname; may hold both, or the only one.
    pub first: Option<String>,
    /// Second surname.
    pub second: Option<String>,
    /// The whole name in one text, for sources that have no parts, or beside the parts if it says more.
    pub full: Option<String>,
    /// Birth date as written: `1980-03-07`, `19800307`, `07/03/1980`, `1980-03`, `1980`.
    pub birth: Option<String>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Place of birth: a state's letters or name, or any place.
    pub birth_place: Option<String>,
    /// Where she lives or lived. The first two count.
    pub addresses: Vec<Address>,
    /// Telephones. The first two that have seven digits or more count.
    pub phones: Vec<String>,
    /// Numbers by which somebody knows her. The first CURP and three others count.
    pub identifiers: Vec<Identifier>,
    /// Her mother's name.
    pub mother: Option<String>,
    /// Her father's name.
    pub father: Option<String>,
    /// Whatever else a source has that tells people apart, such as an occupation; the order is that of the source, two
    /// count.
    pub traits: Vec<Option<String>>,
}

/// An address in the parts that a source has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Street, with or without the number.
    pub street: Option<String>,
    /// House number.
    pub number: Option<String>,
    /// A second line: building, colony, farm.
    pub line2: Option<String>,
    /// Postcode.
    pub postcode: Option<String>,
    /// Town, suburb or municipality.
    pub locality: Option<String>,
    /// State or province.
    pub region: Option<String>,
}

/// A number that somebody gave her.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identifier {
    /// Who gives such numbers: [`mx::systems::CURP`], [`mx::systems::NSS`], or any name.
    pub system: String,
    /// The number.
    pub value: String,
    /// Whether its issuer confirmed that it is this person's ([`mx::IdentifierState::Confirmed`]).
    pub confirmed: bool,
}
