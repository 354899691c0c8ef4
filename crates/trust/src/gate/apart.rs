//! Acts on findings, told apart from all other acts, so that a person's log can keep them back.
//!
//! An act about a finding that she does not wish to know tells her that there is one: that a laboratory wrote it, that a
//! doctor read it. Her log must not show it, and must not lie or lack anything for ever either. So whatever touches a
//! finding (a resource with a bit of [`FINDINGS`](crate::category::FINDINGS)), whoever's and whether anybody wishes
//! anything, is kept as acts of its own, one for each set of findings, in the same commit as the act of the rest:
//!
//! - The act of the rest says what it would say if there were no finding: what it saw, how many, its receipt's bytes.
//! - It names nothing that is nobody's (the laboratory that a result refers to), since that may come along with a finding.
//! - It is kept although it touched nothing else, as a search that found nothing is; but not where the request named the
//!   finding, or nothing but findings was written: without the finding there would have been no such act.
//! - The act of a finding is a leaf at its place like any other. It is listed for her, and left out for as long as a wish
//!   of hers keeps that finding from her. When she asks, it appears at its time and place, and its receipt verifies.
//!
//! What she may check then: every act that appears has a place before heads of the log which she or a witness kept while
//! she did not know; nothing can be put there later. Until then she can check all that she is shown, and that the log
//! only grew. That it grew tells nothing of her: it grows with the acts about everybody.

use super::touch::Touched;
use super::words::Heard;
use super::{Gate, Grant, PersonRef, Request};
use crate::Role;
use crate::category::Finding;
use crate::word::wish;
use fhir::ResourceType;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::Labels;

/// Parts what was touched by the findings in it: the first of the acts to be, which is the one of the rest where there is
/// one, and the others. `named` is the resource that a request named.
pub(super) fn apart(
    touched: Vec<Touched>,
    named: Option<(ResourceType, &str)>,
    writes: bool,
) -> (Vec<Touched>, Vec<Vec<Touched>>) {
    let mut parts: BTreeMap<u32, Vec<Touched>> = BTreeMap::new();
    let (mut rest, mut is_named) = (Vec::new(), writes);
    // What is nobody's comes along with what refers to it, which may be a finding: it stands in no act about somebody.
    let is_about_somebody = touched.iter().any(|(.., person)| person.0 != 0);
    let counts = |(.., person): &Touched| !is_about_somebody || person.0 != 0;
    for one in touched.into_iter().filter(counts) {
        let (seen, labels, _) = &one;
        match Finding::among(*labels).0 {
            0 => rest.push(one),
            findings => {
                is_named |= named == Some((seen.of, seen.id.as_str()));
                parts.entry(findings).or_default().push(one);
            }
        }
    }
    if rest.is_empty()
        && is_named
        && let Some((_, first)) = parts.pop_first()
    {
        return (first, parts.into_values().collect());
    }
    (rest, parts.into_values().collect())
}

/// What the wishes in these words keep from her now.
fn held(words: &[Arc<Heard>], now: Timestamp) -> Labels {
    words.iter().fold(Labels(0), |all, heard| {
        all.with(wish::held(&heard.signed.word.wishes, now))
    })
}

impl Gate {
    /// The findings on which her log keeps acts back now, whoever reads it.
    pub(super) fn kept_back(&self, grant: &Grant, now: Timestamp) -> Labels {
        held(&self.words_of(&grant.tags), now)
    }

    /// Whether a person, or who acts for her, asks by name for what she does not wish to know. It is then not hers, as
    /// somebody else's is not:
    /// refused by the same way, which takes the same time. What is somebody else's is looked up as well for that.
    pub(super) fn is_kept_from_her(
        &self,
        request: &Request,
        words: &[Arc<Heard>],
        now: Timestamp,
    ) -> bool {
        if request.actor.role != Role::Patient {
            return false;
        }
        let named = self.findings_named(&request.person);
        held(words, now).meets(named)
    }

    /// The findings of a stored resource, by a reference to it. None of what cannot be looked up: it is written for what
    /// it says itself.
    pub(super) fn findings_of(&self, name: &str) -> Labels {
        let found = name.split_once('/').and_then(|(of, id)| {
            let of = ResourceType::from_name(of)?;
            self.house.store.labels_of(&self.house.seal, of, id).ok()?
        });
        Finding::among(found.unwrap_or_default())
    }

    /// The findings of the resource that a request names.
    pub(super) fn findings_named(&self, person: &PersonRef) -> Labels {
        match person {
            PersonRef::Resource(of, id) => self.findings_of(&format!("{of}/{id}")),
            _ => Labels(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Seen;
    use store::PersonKey;

    #[test]
    fn what_is_of_a_finding_is_told_apart_and_the_rest_says_what_it_would_say_without() {
        let of = ResourceType::from_name("Observation").unwrap();
        let one = |id: &str, findings: &[Finding]| {
            let labels = findings.iter().fold(Labels(8), |all, f| all.with(f.bit()));
            let seen = Seen {
                of,
                id: id.into(),
                version: 1,
            };
            (seen, labels, PersonKey(1))
        };
        let ids = |touched: &[Touched]| -> Vec<String> {
            touched.iter().map(|(seen, ..)| seen.id.clone()).collect()
        };
        let cancer = &[Finding::Cancer];
        // What is touched; what is named; whether it writes; ids of the first act and of those beside.
        type Row<'r> = (
            &'r [(&'r str, &'r [Finding])],
            Option<&'r str>,
            bool,
            &'r [&'r str],
            &'r [&'r [&'r str]],
        );
        let table: [Row<'_>; 7] = [
            (&[], None, false, &[], &[]),
            (&[("a", &[]), ("b", &[])], None, false, &["a", "b"], &[]),
            (&[("a", &[]), ("f", cancer)], None, false, &["a"], &[&["f"]]),
            // A search that found nothing else is an act that found nothing.
            (&[("f", cancer)], None, false, &[], &[&["f"]]),
            (&[("f", cancer)], Some("f"), false, &["f"], &[]),
            (&[("f", cancer)], None, true, &["f"], &[]),
            (
                &[("f", cancer), ("g", &[Finding::AiRisk]), ("h", cancer)],
                None,
                true,
                &["f", "h"],
                &[&["g"]],
            ),
        ];
        for (touched, named, writes, first, beside) in table {
            let touched = touched.iter().map(|(id, findings)| one(id, findings));
            let named = named.map(|id| (of, id));
            let (got, others) = apart(touched.collect(), named, writes);
            assert_eq!(ids(&got), first);
            let others: Vec<_> = others.iter().map(|part| ids(part)).collect();
            assert_eq!(others, beside);
        }
    }
}
