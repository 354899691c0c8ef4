//! Codes that R4 requires to be of a value set.

use super::{Walk, near, place::Place};
use crate::{
    IssueCode, Object, Value,
    definitions::table::{CodeSet, Element},
};

/// Codes named in an issue.
const NAMED: usize = 8;

impl Walk<'_> {
    /// A `code` whose system the definitions imply.
    pub(super) fn bound_code(&mut self, element: &Element, value: &Value, place: &Place<'_>) {
        let Some(set) = element.codes(self.tables) else {
            return;
        };
        if let Value::String(code) = value
            && !set.has_code(code)
        {
            self.wrong(IssueCode::CodeInvalid, place, || {
                format!("found the code {}; {}", near::quoted(code), expected(set))
            });
        }
    }

    /// A CodeableConcept: one of its codings must be of the value set. An extension may say why there is none.
    pub(super) fn bound_concept(&mut self, element: &Element, concept: &Object, place: &Place<'_>) {
        let Some(set) = element.codes(self.tables) else {
            return;
        };
        let codings = concept.get("coding").map_or(&[][..], Value::items);
        let known = codings.iter().any(|coding| {
            let system = coding.get("system").and_then(Value::as_str);
            let code = coding.get("code").and_then(Value::as_str);
            set.has(system.unwrap_or_default(), code.unwrap_or_default())
        });
        let explained = codings.is_empty() && concept.get("extension").is_some();
        if !known && !explained {
            self.wrong(IssueCode::CodeInvalid, place, || {
                let found = near::listed(codings.iter().map(coding_in_words), NAMED);
                let found = if found.is_empty() {
                    "no coding"
                } else {
                    found.as_str()
                };
                format!("found {found}; {}", expected(set))
            });
        }
    }
}

fn coding_in_words(coding: &Value) -> String {
    let part = |key| coding.get(key).and_then(Value::as_str).unwrap_or_default();
    near::quoted(&format!("{}|{}", part("system"), part("code")))
}

fn expected(set: &CodeSet) -> String {
    let systems: Vec<&str> = set.codes.iter().map(|(_, system)| *system).collect();
    let one_system = systems.windows(2).all(|pair| pair.first() == pair.last());
    let codes = if one_system {
        let codes = near::listed(set.codes.iter().map(|(code, _)| *code), NAMED);
        format!(
            "{codes} of {}",
            systems.first().copied().unwrap_or_default()
        )
    } else {
        near::listed(
            set.codes
                .iter()
                .map(|(code, system)| format!("{system}|{code}")),
            NAMED,
        )
    };
    format!("expected {codes} (value set {})", set.url)
}
