//! The categories a person can close, and which resources belong to them.
//!
//! Every resource has one **kind**, by its type ([`labels`]), and any number of **topics**, by the codes it mentions
//! anywhere: a dated table (`data/topics.tsv`) says which codes of CIE-10, ATC, LOINC, SNOMED CT and the HL7
//! sensitivity labels belong to which topic. **Codes only**: what is written in free text (a note's prose, a display)
//! is never guessed at, so a note about a topic must carry its code, or the label in `meta.security`;
//! [`share_topics`] gives it that label from the codes of the visit that it is written with.

mod edition;
mod emergency;
mod finding;
mod kind;
mod names;
mod share;
mod topic;

pub use edition::edition;
pub(crate) use edition::labelling;
pub use emergency::EMERGENCY;
pub use finding::{FINDINGS, Finding};
pub(crate) use names::{joined, list};
pub use share::{share_findings, share_topics};

use fhir::{ResourceType, Value};
use store::Labels;

/// What a person can decide about, in words she uses. A resource has one kind and any number of topics; a rule on a
/// topic reaches the resource whatever its kind. The number is the bit in [`Labels`], on disk for ever.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Category {
    /// Diagnoses and problems.
    Diagnoses = 0,
    /// Medicines prescribed and dispensed.
    Medicines = 1,
    /// Allergies and intolerances.
    Allergies = 2,
    /// Laboratory and imaging.
    Laboratory = 3,
    /// Vital signs and measures.
    Vitals = 4,
    /// Vaccines.
    Vaccines = 5,
    /// Visits, notes, procedures, referrals.
    Visits = 6,
    /// Everything else about the person (claims, devices, family history...).
    Other = 7,
    /// Topic: mental health.
    MentalHealth = 16,
    /// Topic: sexual and reproductive health.
    Reproductive = 17,
    /// Topic: HIV and other sexually transmitted infections.
    Hiv = 18,
    /// Topic: addictions.
    Addictions = 19,
    /// Topic: violence.
    Violence = 20,
    /// Topic: genetics.
    Genetics = 21,
}

/// A set of categories.
pub type Categories = Labels;

impl Category {
    /// All, kinds first.
    pub const ALL: [Category; 14] = [
        Category::Diagnoses,
        Category::Medicines,
        Category::Allergies,
        Category::Laboratory,
        Category::Vitals,
        Category::Vaccines,
        Category::Visits,
        Category::Other,
        Category::MentalHealth,
        Category::Reproductive,
        Category::Hiv,
        Category::Addictions,
        Category::Violence,
        Category::Genetics,
    ];
    /// Its bit.
    pub fn bit(self) -> Labels {
        Labels(1 << self as u8)
    }
    /// The code used in URLs, pacts and words: `mental-health`.
    pub fn code(self) -> &'static str {
        match self {
            Category::Diagnoses => "diagnoses",
            Category::Medicines => "medicines",
            Category::Allergies => "allergies",
            Category::Laboratory => "laboratory",
            Category::Vitals => "vitals",
            Category::Vaccines => "vaccines",
            Category::Visits => "visits",
            Category::Other => "other",
            Category::MentalHealth => "mental-health",
            Category::Reproductive => "reproductive",
            Category::Hiv => "hiv",
            Category::Addictions => "addictions",
            Category::Violence => "violence",
            Category::Genetics => "genetics",
        }
    }
    /// The category of a code.
    pub fn from_code(code: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|c| c.code() == code)
    }

    /// Whether it is a topic (found by codes), not a kind (found by resource type).
    pub fn is_topic(self) -> bool {
        self as u8 >= 16
    }
    /// The HL7 v3 ActCode sensitivity label that says what a topic says; none for kinds.
    pub fn sensitivity(self) -> Option<&'static str> {
        Some(match self {
            Category::MentalHealth => "PSY",
            Category::Reproductive => "SEX",
            Category::Hiv => "HIV",
            Category::Addictions => "ETH",
            Category::Violence => "SDV",
            Category::Genetics => "GDIS",
            _ => return None,
        })
    }
    /// Those of a set, kinds first.
    pub fn of(labels: Labels) -> Vec<Category> {
        Category::ALL
            .into_iter()
            .filter(|category| labels.meets(category.bit()))
            .collect()
    }
    /// The set of these; bits that no category has are never in it.
    pub fn set(categories: &[Category]) -> Labels {
        categories
            .iter()
            .fold(Labels(0), |set, category| set.with(category.bit()))
    }
}

/// Every category.
pub const EVERYTHING: Labels = Labels(0x003f_00ff);

/// The label of the `Patient` resource itself: who she is. No rule names it; [`crate::word::hidden`] hides it where
/// every category is hidden, so that not even her being known there is told.
pub const IDENTITY: Labels = Labels(1 << 31);

/// What a seal does not hide from care unless it insists: the emergency set, and whose it is.
pub const SPARED: Labels = Labels(EMERGENCY.0 | IDENTITY.0);

/// The categories of a resource: its kind by type, and a topic or finding for every code of [`topic`]'s tables that any
/// `Coding` in it carries (code, reason, component, contained, extension, security label).
///
/// What could save her life has [`EMERGENCY`] beside them.
///
/// Pure; linear in the resource. What is nobody's (organisations, professionals, places) has no kind.
pub fn labels(of: ResourceType, resource: &Value) -> Labels {
    let topics = topic::topics(resource);
    let set = emergency::emergency(of, resource, topics);
    kind::kind(of, resource).with(topics).with(set)
}

#[cfg(test)]
mod tests;
