//! The errand: notes, prescriptions and referrals as FHIR resources, with the rules of the country checked before they
//! are written.
//!
//! **In**: who writes about whom ([`Context`]) and what was entered. **Out**: resources ready for one transaction, or
//! every [`Wrong`] field with a sentence. Pure: identifiers and time come in; the caller writes under a permit.

mod note;
mod prescription;
mod referral;

pub use note::{Note, note};
pub use prescription::{Prescription, prescribe};
pub use referral::{Referral, refer};

use fhir::{Value, obj};

/// Longest text of one field, in characters: a page of notes, not a book.
pub const LONGEST: usize = 10_000;

/// Who writes, where, about whom.
#[derive(Clone, Debug)]
pub struct Context {
    /// Local Patient id.
    pub patient: String,
    /// The professional's name.
    pub author: String,
    /// Her cédula.
    pub cedula: String,
    /// Her specialty.
    pub specialty: String,
    /// The institution's name.
    pub institution: String,
    /// Its short name.
    pub member: String,
    /// RFC 3339, with zone.
    pub now: String,
}

/// What is wrong with what the professional entered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {en}")]
pub struct Wrong {
    /// Name of the form's field.
    pub field: &'static str,
    /// For people, Spanish.
    pub es: String,
    /// For people, English.
    pub en: String,
}

impl Wrong {
    fn new(field: &'static str, es: impl Into<String>, en: impl Into<String>) -> Wrong {
        Wrong {
            field,
            es: es.into(),
            en: en.into(),
        }
    }
}

impl Context {
    fn subject(&self) -> Value {
        obj! { "reference" => format!("Patient/{}", self.patient) }
    }
    /// The author by her cédula, so that the reference means the same at every member.
    fn by(&self) -> Value {
        let cedula = obj! { "system" => mx::systems::CEDULA, "value" => self.cedula.as_str() };
        let known = !self.cedula.is_empty();
        obj! { "type" => "Practitioner", "identifier" => known.then_some(cedula), "display" => self.author.as_str() }
    }
    fn organisation(&self) -> Value {
        obj! { "type" => "Organization", "display" => self.institution.as_str() }
    }
}

/// Texts that must be there, and none longer than [`LONGEST`].
fn check_texts(wrong: &mut Vec<Wrong>, fields: &[(&'static str, &str, bool)]) {
    for (field, text, required) in fields {
        if *required && text.trim().is_empty() {
            wrong.push(Wrong::new(
                field,
                "Falta escribir este dato.",
                "This is missing.",
            ));
        }
        let length = text.chars().count();
        if length > LONGEST {
            wrong.push(Wrong::new(
                field,
                format!("El texto tiene {length} caracteres; caben {LONGEST}."),
                format!("The text has {length} characters; {LONGEST} fit."),
            ));
        }
    }
}

/// A concept with words, and a code when there is one.
fn concept(system: &str, code: &str, text: &str) -> Value {
    let coding = obj! { "system" => system, "code" => code };
    obj! { "coding" => (!code.is_empty()).then(|| vec![coding]), "text" => text.trim() }
}
