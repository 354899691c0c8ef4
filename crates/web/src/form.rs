//! What a form brought, kept as it came so that the form can be shown again.

/// Fields in order; a name may stand several times.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

/// A field that is wrong, for the summary at the top and the line beside the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's `id`.
    pub field: String,
    /// What to do.
    pub sentence: String,
}

impl FieldError {
    pub(crate) fn new(field: &str, sentence: impl Into<String>) -> FieldError {
        FieldError {
            field: field.to_owned(),
            sentence: sentence.into(),
        }
    }
}

impl Fields {
    /// The first value of a field, trimmed; empty when it did not come.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, v)| v.trim())
    }
    /// All values of a field.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
    /// Whether a field has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|v| v == value)
    }
}
