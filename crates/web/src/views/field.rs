//! Fields of forms: label, help, the value as typed, and what is wrong with it.

use crate::form::{FieldError, Fields};
use crate::text::Text;

/// A choice.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// Words.
    pub label: String,
}

/// One field.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Its `id` and `name`.
    pub id: &'static str,
    /// Words.
    pub label: String,
    /// Help; empty for none.
    pub hint: String,
    /// As typed.
    pub value: String,
    /// What is wrong; empty when nothing is.
    pub error: String,
    /// `type` of an input.
    pub kind: &'static str,
    /// `autocomplete` of an input.
    pub autocomplete: &'static str,
    /// Rows of a text area; 0 for an input.
    pub rows: u8,
    /// Choices; none for an input.
    pub options: Vec<Choice>,
    /// Must be filled.
    pub required: bool,
}

impl Field {
    /// The same, which must be filled.
    pub(crate) fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }
    pub(crate) fn aria(&self) -> String {
        let mut about = Vec::new();
        if !self.hint.is_empty() {
            about.push(format!("{}-ayuda", self.id));
        }
        if !self.error.is_empty() {
            about.push(format!("{}-error", self.id));
        }
        let mut out = String::new();
        if !about.is_empty() {
            out.push_str(&format!(" aria-describedby=\"{}\"", about.join(" ")));
        }
        if !self.error.is_empty() {
            out.push_str(" aria-invalid=\"true\"");
        }
        if self.required {
            out.push_str(" aria-required=\"true\"");
        }
        out
    }
}

/// Builds the fields of one form from what was typed and what was wrong.
pub(crate) struct Form<'a> {
    pub(crate) t: Text,
    pub(crate) prefix: &'static str,
    pub(crate) typed: &'a Fields,
    pub(crate) errors: &'a [FieldError],
}

impl Form<'_> {
    /// A text input whose sentences are `prefix.id` and, when it is there, `prefix.id_hint`.
    pub(crate) fn input(&self, id: &'static str) -> Field {
        let key = format!("{}.{id}", self.prefix);
        Field {
            id,
            label: self.t.find(&key).unwrap_or(id).to_owned(),
            hint: self.t.find(&format!("{key}_hint")).unwrap_or("").to_owned(),
            value: self.typed.get(id).to_owned(),
            error: self
                .errors
                .iter()
                .find(|e| e.field == id)
                .map_or_else(String::new, |e| e.sentence.clone()),
            kind: "text",
            autocomplete: "off",
            ..Field::default()
        }
    }
    /// The same, of another type.
    pub(crate) fn of(&self, id: &'static str, kind: &'static str) -> Field {
        Field {
            kind,
            ..self.input(id)
        }
    }
    /// A text area.
    pub(crate) fn area(&self, id: &'static str, rows: u8) -> Field {
        Field {
            rows,
            ..self.input(id)
        }
    }
    /// A choice.
    pub(crate) fn choice(&self, id: &'static str, options: Vec<Choice>) -> Field {
        Field {
            options,
            ..self.input(id)
        }
    }
}

/// A choice whose words are those of a key.
pub(crate) fn choice(value: &str, label: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label: label.to_owned(),
    }
}
