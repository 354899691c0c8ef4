//! Codes: are they of the value set that binds them, and does their code system have them?

use super::{
    item::Item,
    shape::{Binding, Strength},
    terminology::{Member, Terminology},
    walk::Walk,
};
use crate::{
    IssueCode, Value,
    check::{near, place::Place},
};

impl<'v> Walk<'v> {
    /// A value against a binding. Of several codings one is enough.
    pub(super) fn bound(&mut self, item: &Item<'v>, binding: &Binding, place: &Place<'_>) {
        if !is_coded(item) {
            return;
        }
        let required = binding.strength == Strength::Required;
        let without =
            item.extra.is_some() || item.object().is_some_and(|o| o.get("extension").is_some());
        if !has_code(item) {
            if without || (item.of == "Quantity" && !required) {
                return;
            }
            let text = format!(
                "found no code; expected one of the value set {}",
                binding.set
            );
            return match (required, item.text("text")) {
                (true, _) => self.wrong(IssueCode::CodeInvalid, place, text),
                // With an extensible binding, a text alone is allowed.
                (false, Some(_)) => {}
                (false, None) => self.warn(IssueCode::CodeInvalid, place, text),
            };
        }
        match self.is_bound(item, &binding.set) {
            Member::In => {}
            Member::Unknown if required => self.remark(
                place,
                format!(
                    "whether {} is of the value set {} cannot be told here: the set is not known in full",
                    codes_in_words(item),
                    binding.set
                ),
            ),
            Member::Unknown => {}
            Member::Out => {
                let text = format!(
                    "found {}, which the value set {} does not hold",
                    codes_in_words(item),
                    binding.set
                );
                match binding.strength {
                    Strength::Required => self.wrong(IssueCode::CodeInvalid, place, text),
                    Strength::Extensible => self.warn(IssueCode::CodeInvalid, place, text),
                }
            }
        }
    }

    /// Whether a value's code is of a value set.
    pub(super) fn is_bound(&self, item: &Item<'v>, set: &str) -> Member {
        is_member(&self.known.terminology, item, set)
    }

    /// A coding, wherever it stands: its system must have its code, as far as the system is known here.
    pub(super) fn coding(&mut self, item: &Item<'v>, place: &Place<'_>) {
        let Some(system) = item.text("system") else {
            return;
        };
        let at = place.member("system");
        if !system.contains(':') {
            self.wrong(
                IssueCode::CodeInvalid,
                &at,
                format!("found {}; expected an absolute URI", near::quoted(system)),
            );
            return;
        }
        let terms = &self.known.terminology;
        if terms.is_set(system) && terms.has(system, "") == Member::Unknown {
            self.wrong(
                IssueCode::CodeInvalid,
                &at,
                format!(
                    "{} is a value set; expected a code system",
                    near::quoted(system)
                ),
            );
            return;
        }
        let Some(code) = item.text("code") else {
            return;
        };
        if terms.has(system, code) == Member::Out {
            let text = format!(
                "the code system {system} has no code {}",
                near::quoted(code)
            );
            let at = place.member("code");
            match terms.is_closed(system) {
                true => self.wrong(IssueCode::CodeInvalid, &at, text),
                // A newer edition than R4's may have it.
                false => self.warn(IssueCode::CodeInvalid, &at, text),
            }
        }
    }
}

/// Whether a value's code is of a value set.
pub(super) fn is_member(terms: &Terminology, item: &Item<'_>, set: &str) -> Member {
    let coding = |c: &Value| match c.text("code") {
        Some(code) => terms.member(set, Some(c.text("system").unwrap_or_default()), code),
        None => Member::Out,
    };
    let Some(value) = item.value else {
        return Member::Unknown;
    };
    match item.of {
        "CodeableConcept" => {
            let mut said = Member::Out;
            for one in value.list("coding") {
                match coding(one) {
                    Member::In => return Member::In,
                    Member::Unknown => said = Member::Unknown,
                    Member::Out => {}
                }
            }
            said
        }
        _ if item.object().is_some() => coding(value),
        _ => value
            .as_str()
            .map_or(Member::Out, |code| terms.member(set, None, code)),
    }
}

fn is_coded(item: &Item<'_>) -> bool {
    matches!(
        item.of,
        "code"
            | "string"
            | "uri"
            | "Coding"
            | "CodeableConcept"
            | "Quantity"
            | "Age"
            | "Duration"
            | "Money"
    )
}

/// Whether any code is given.
fn has_code(item: &Item<'_>) -> bool {
    match item.value {
        Some(Value::String(_)) => true,
        Some(value) if item.of == "CodeableConcept" => {
            value.list("coding").iter().any(|c| c.get("code").is_some())
        }
        Some(value) => value.get("code").is_some(),
        None => false,
    }
}

fn codes_in_words(item: &Item<'_>) -> String {
    let one = |c: &Value| {
        let system = c.text("system").unwrap_or_default();
        near::quoted(&format!("{system}|{}", c.text("code").unwrap_or_default()))
    };
    match item.value {
        Some(Value::String(code)) => format!("the code {}", near::quoted(code)),
        Some(value) if item.of == "CodeableConcept" => {
            near::listed(value.list("coding").iter().map(one), 8)
        }
        Some(value) => one(value),
        None => "no code".into(),
    }
}
