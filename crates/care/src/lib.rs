//! The errand: notes, prescriptions and referrals as FHIR resources, with the rules of the country checked before they
//! are written. Pure: identifiers and time come in; resources come out; the caller writes them under a permit.

use fhir::Value;

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

/// What is wrong with what the professional entered: (field, sentence in Spanish, sentence in English).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {en}")]
pub struct Wrong {
    /// Name of the form's field.
    pub field: &'static str,
    /// For people.
    pub es: String,
    /// For people.
    pub en: String,
}

/// A consultation note.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// Reason for the visit.
    pub reason: String,
    /// What was found.
    pub findings: String,
    /// What is planned.
    pub plan: String,
    /// CIE-10 code, may be empty.
    pub diagnosis_code: String,
    /// Diagnosis in words, may be empty.
    pub diagnosis: String,
}

/// A prescription of one medicine.
#[derive(Clone, Debug, Default)]
pub struct Prescription {
    /// Generic name (art. 31 RIS).
    pub medicine: String,
    /// ATC code, may be empty.
    pub atc: String,
    /// Dose and presentation: `850 mg, tableta`.
    pub dose: String,
    /// Route: `oral`.
    pub route: String,
    /// Frequency: `cada 12 horas`.
    pub frequency: String,
    /// Days.
    pub days: u32,
    /// Group of art. 226, I to VI as 1 to 6; 0 when the prescriber did not say.
    pub group: u8,
    /// Diagnosis, needed for group I.
    pub diagnosis: String,
}

/// A referral to another institution.
#[derive(Clone, Debug, Default)]
pub struct Referral {
    /// Short name of the member it goes to.
    pub to: String,
    /// Its name.
    pub to_name: String,
    /// Service: `Oftalmología`.
    pub service: String,
    /// Why.
    pub reason: String,
    /// `routine`, `urgent`, `asap`.
    pub priority: String,
}

/// The resources of a note: Encounter, Condition when there is a diagnosis, ClinicalImpression. `id()` gives new ids.
pub fn note(
    _context: &Context,
    _note: &Note,
    _id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    unimplemented!()
}

/// The MedicationRequest of a prescription, after the rules of its group. `allergies` are texts of known allergies: a
/// match is a `Wrong` on `medicine` unless `despite` is set.
pub fn prescribe(
    _context: &Context,
    _prescription: &Prescription,
    _allergies: &[String],
    _despite: bool,
    _id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    unimplemented!()
}

/// ServiceRequest and Task of a referral.
pub fn refer(
    _context: &Context,
    _referral: &Referral,
    _id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    unimplemented!()
}
