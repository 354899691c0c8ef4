//! Pages for what did not work: what happened, and what to do now.

use super::frame::Frame;
use askama::Template;

/// A next step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where to.
    pub href: String,
    /// Words.
    pub label: String,
}

/// Why something was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Because<'a> {
    /// Policies and rules by name.
    pub names: &'a [String],
    /// What the pact says of it, in sentences.
    pub says: &'a [String],
}

#[derive(Template)]
#[template(path = "fault.html")]
struct Page<'a> {
    frame: Frame,
    headline: &'a str,
    sentence: &'a str,
    because: Because<'a>,
    steps: &'a [Step],
    /// Sealed name of a person whose care relation is missing; empty otherwise.
    reference: &'a str,
    /// Offer to declare an emergency.
    breaks: bool,
}

/// A page that says what happened. With `reference`, it offers to receive the person or to type
/// her code; with `breaks` also to declare an emergency.
pub fn page(
    frame: Frame,
    headline: &str,
    sentence: &str,
    because: Because<'_>,
    steps: &[Step],
    (reference, breaks): (&str, bool),
) -> String {
    let frame = frame.titled(headline);
    super::render(&Page {
        frame,
        headline,
        sentence,
        because,
        steps,
        reference,
        breaks,
    })
}
