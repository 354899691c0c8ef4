//! Synthetic Mexico: people who never lived, with whole lives in the records of the institutions that saw them.
//!
//! **In**: a seed, a person's number, and the tables in `data/` (each with its source and how sure we are of it).
//! **Out**: a [`Life`]: the true person, the covers she had, and one [`InstitutionRecord`] for each institution that
//! knows her, in FHIR R4, written the way that institution writes (its own folio, spelling, errors); or, through
//! [`write()`], folders of NDJSON or transaction Bundles.
//!
//! What it promises:
//! - *Same seed, same bytes.* Each person has a random stream of her own, so person 17 is the same whether ten people
//!   are made or a million, in any order and on any number of threads.
//! - References stay inside one institution; what ties the parts of a life together is only what real files have
//!   (names, dates, CURPs, wrong or missing). The truth lies apart, in `truth.csv` and [`Life::person`].
//! - Shares in a large run lie near the tables; tests hold them there.
//! - Establishments, licences and CURPs are invented: CLUES numbers start at 900001 and licences with 99, where no
//!   real ones are. A computed CURP may by chance be a real person's; nothing else in the life is hers.
//!
//! Cost: about half a millisecond and 60 KB of JSON a life. Start reading at [`Country::life`], then `plan` (what
//! happens when and where), `tell` (who tells it), `chart` (how an institution writes it down) and `body` (where measured values come from).

mod body;
mod chart;
mod country;
mod cover;
mod day;
mod dice;
mod disease;
mod follow_up;
mod heroine;
mod life;
mod measure;
mod once;
mod person;
mod places;
mod plan;
mod registration;
mod registry;
mod resources;
mod tables;
mod tell;
mod write;

pub use country::Country;
pub use cover::{Cover, Institution};
pub use life::{InstitutionRecord, Life, transaction};
pub use person::Person;
pub use registry::{Registered, Registers};
pub use write::{Format, Written, write};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table in `data/` does not have the form its reader expects; a fault of the build, with the place.
    #[error("the table {table} cannot be read: {reason}")]
    Table {
        /// File name.
        table: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}; free some space or choose another folder with --out")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder holds an earlier run's files.
    #[error("{0} is not empty; choose another folder with --out, or empty this one")]
    NotEmpty(String),
}
