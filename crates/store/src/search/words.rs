//! Words in the text of a resource: `_text` (its narrative) and `_content` (all of it).
//!
//! A word of `_content` that has rows (`crate::words`) is found and proven by them. For the words of a narrative, words in
//! their order, and words without rows the text of each candidate is read. So that no search reads a whole archive, it
//! reads so many texts and then asks for a narrower question.

use super::{
    asking::{Asked, Asking},
    set::Set,
    span::Span,
};
use crate::{Error, Result, words};
use fhir::{
    ResourceType,
    query::{Clause, Modifier, Wanted, matches},
    search,
};

/// Texts that one search reads at most.
pub(crate) const TEXTS: u32 = 20_000;

/// Whether a condition asks for words of the text.
pub(crate) fn asks(clause: &Clause) -> bool {
    clause.parameter.of_words()
}

/// Where the resources stand that have the words; `None` when none of the words has rows.
pub(crate) fn set(asking: &Asking<'_>, of: ResourceType, clause: &Clause) -> Option<Set> {
    let secret = &asking.reading.secret;
    let [Wanted::Words(phrases)] = clause.values.as_slice() else {
        return None;
    };
    if clause.modifier != Modifier::None {
        return None;
    }
    let mut sets = Vec::new();
    let mut proves = clause.parameter.code == "_content";
    for phrase in phrases {
        proves &= !phrase.contains(' ');
        for word in phrase.split(' ') {
            let span = words::place(of, word, secret).filter(|_| words::has_rows(word));
            proves &= span.is_some();
            sets.extend(span.map(|span| Set::Span(Span::index(span, true))));
        }
    }
    if sets.is_empty() {
        return None;
    }
    let all = Set::all(sets);
    let all = if proves { all } else { all.unproven() };
    let unread = Span::index(words::to_be_read(of, secret)?, false);
    Some(Set::any(vec![all, Set::Span(unread)]))
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
    let stored = asking.reading.stored_at(asked.of, asked.card.stamp)?;
    let Some(text) = stored.and_then(|stored| stored.text) else {
        return Ok(false);
    };
    let resource = text.read()?;
    Ok(matches(clause, &search::words(asked.of, &resource)))
}
