//! Words in the text of a resource: `_text` (its narrative) and `_content` (all of it).
//!
//! They have no rows: the text of each candidate is read. So that no search reads a whole archive, it reads so many texts
//! and then asks for a narrower question.

use super::asking::{Asked, Asking};
use crate::{Error, Result, store::stored_at};
use fhir::{
    json::{self, Limits},
    query::{Clause, matches},
    search,
};

/// Texts that one search reads at most.
pub(crate) const TEXTS: u32 = 20_000;

/// Whether a condition asks for words of the text.
pub(crate) fn asks(clause: &Clause) -> bool {
    clause.parameter.of_words()
}

/// Whether the text of a resource has the words. Cost: one body.
pub(crate) fn met(asking: &Asking<'_>, asked: &Asked<'_>, clause: &Clause) -> Result<bool> {
    let read = asking.texts.get();
    if read == TEXTS {
        return Err(Error::Invalid {
            expression: clause.parameter.code.to_owned(),
            diagnostics: format!(
                "`{}` reads the text of each resource that the other conditions leave, and of at most {TEXTS}; add a condition that leaves fewer (a patient, a code, a date).",
                clause.parameter.code
            ),
        });
    }
    asking.texts.set(read + 1);
    let reading = asking.reading;
    let stored = stored_at(
        &reading.vault,
        reading.snapshot.as_ref(),
        asked.of,
        asked.card.stamp,
    )?;
    let Some(text) = stored.and_then(|stored| stored.text) else {
        return Ok(false);
    };
    let resource = json::parse(&text.json, &Limits::default())
        .map_err(|error| Error::Damaged(format!("{}/{}: {error}", asked.of, asked.card.id)))?;
    Ok(matches(clause, &search::words(asked.of, &resource)))
}
