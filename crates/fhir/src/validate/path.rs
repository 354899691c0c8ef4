//! The paths of discriminators: the small part of FHIRPath that R4 allows there.

/// Steps read before the rest is not understood.
const LONGEST: usize = 16;

/// A discriminator's path, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// None when it is more than R4 allows there.
    pub(super) steps: Option<Vec<Step>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An element; `value` leads to every `value[x]`.
    Name(String),
    /// `extension('url')`.
    Extension(String),
    /// `resolve()`.
    Resolve,
    /// `ofType(Quantity)`, `as(Quantity)`.
    OfType(String),
}

impl Path {
    /// Reads a path; `$this` is the empty one.
    pub(super) fn read(text: &str) -> Path {
        let steps: Option<Vec<Step>> = split(text)
            .iter()
            .map(|s| s.trim())
            .filter(|s| !matches!(*s, "$this" | "first()" | ""))
            .map(step)
            .collect();
        Path {
            steps: steps.filter(|s| s.len() <= LONGEST),
        }
    }
}

/// Parts between dots that stand outside brackets and quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut quoted) = (Vec::new(), String::new(), 0u32, false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            '.' if !quoted && depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

fn step(text: &str) -> Option<Step> {
    let Some((name, rest)) = text.split_once('(') else {
        let good = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "[]".contains(c));
        return good.then(|| Step::Name(text.trim_end_matches("[x]").to_owned()));
    };
    let argument = rest.strip_suffix(')')?.trim().trim_matches('\'').to_owned();
    match name {
        "extension" => Some(Step::Extension(argument)),
        "resolve" => Some(Step::Resolve),
        "ofType" | "as" => Some(Step::OfType(argument)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_r4_allows() {
        let read = |text| Path::read(text).steps;
        assert_eq!(read("$this"), Some(vec![]));
        assert_eq!(
            read("$this.extension('http://a.b/c').value"),
            Some(vec![
                Step::Extension("http://a.b/c".into()),
                Step::Name("value".into())
            ])
        );
        assert_eq!(
            read("item.resolve().ofType(Patient)"),
            Some(vec![
                Step::Name("item".into()),
                Step::Resolve,
                Step::OfType("Patient".into())
            ])
        );
        assert_eq!(read("a.where(b = 1)"), None);
    }
}
