//! The limits that a question's extensions set to its answers.

use super::r4;
use crate::{Value, check::near, decimal::Decimal};

const SDC: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-";
/// Bytes that a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// Limits of one question.
#[derive(Default)]
pub(super) struct Limits<'v> {
    pub(super) min_occurs: Option<usize>,
    pub(super) max_occurs: Option<usize>,
    pub(super) least: Option<&'v Value>,
    pub(super) most: Option<&'v Value>,
    pub(super) unit_set: Option<&'v str>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    places: Option<usize>,
    pattern: Option<&'v str>,
    mime_types: Vec<&'v str>,
    max_size: Option<&'v str>,
    units: Vec<&'v Value>,
    targets: Vec<&'v str>,
}

impl<'v> Limits<'v> {
    pub(super) fn of(question: &'v Value) -> Limits<'v> {
        let mut out = Limits {
            max_length: whole(question.get("maxLength")),
            ..Limits::default()
        };
        for extension in question.list("extension") {
            let url = extension.text("url").unwrap_or_default();
            let members = extension.as_object().into_iter().flat_map(|o| o.iter());
            let Some((_, value)) = members
                .into_iter()
                .find(|(name, _)| name.starts_with("value"))
            else {
                continue;
            };
            let name = url.strip_prefix(r4::HL7).or_else(|| url.strip_prefix(SDC));
            match name.unwrap_or_default() {
                "questionnaire-minOccurs" => out.min_occurs = whole(Some(value)),
                "questionnaire-maxOccurs" => out.max_occurs = whole(Some(value)),
                "minValue" | "minQuantity" => out.least = Some(value),
                "maxValue" | "maxQuantity" => out.most = Some(value),
                "minLength" => out.min_length = whole(Some(value)),
                "maxDecimalPlaces" => out.places = whole(Some(value)),
                "regex" => out.pattern = value.as_str(),
                "mimeType" => out.mime_types.extend(value.as_str()),
                "maxSize" => out.max_size = value.as_number(),
                "questionnaire-unitOption" => out.units.push(value),
                "questionnaire-unitValueSet" => out.unit_set = value.as_str(),
                "questionnaire-referenceResource" => out.targets.extend(value.as_str()),
                _ => {}
            }
        }
        out
    }

    /// What is wrong with an answer.
    pub(super) fn faults(&self, name: &str, value: &Value) -> Vec<String> {
        let mut out = Vec::new();
        match (name, value) {
            ("valueString", Value::String(text)) => self.text(text, &mut out),
            ("valueDecimal", Value::Number(digits)) => {
                let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
                if let Some(most) = self.places.filter(|most| places > *most) {
                    out.push(format!(
                        "found {digits}; at most {most} decimal places are allowed"
                    ));
                }
            }
            ("valueQuantity", _) => {
                let same = |unit: &&Value| {
                    unit.text("code") == value.text("code")
                        && unit.text("system") == value.text("system")
                };
                if !self.units.is_empty() && !self.units.iter().any(same) {
                    let units = near::listed(self.units.iter().filter_map(|u| u.text("code")), 8);
                    out.push(format!("the unit may be one of {units}"));
                }
            }
            ("valueAttachment", _) => {
                let of = value.text("contentType").unwrap_or_default();
                if !self.mime_types.is_empty() && !self.mime_types.contains(&of) {
                    let types = near::listed(self.mime_types.iter(), 8);
                    out.push(format!(
                        "found the type {}; expected {types}",
                        near::quoted(of)
                    ));
                }
                let size = value
                    .get("size")
                    .and_then(Value::as_number)
                    .and_then(Decimal::read);
                if let (Some(most), Some(size)) = (self.max_size.and_then(Decimal::read), size)
                    && size.order(most).is_gt()
                {
                    out.push(format!("found {size} bytes; at most {most} are allowed"));
                }
            }
            ("valueReference", _) => {
                let of = value.text("reference").and_then(super::scope::type_named);
                if let Some(of) =
                    of.filter(|of| !self.targets.is_empty() && !self.targets.contains(&of.name()))
                {
                    let types = near::listed(self.targets.iter(), 8);
                    out.push(format!("found a reference to {of}; expected {types}"));
                }
            }
            _ => {}
        }
        out
    }

    fn text(&self, text: &str, out: &mut Vec<String>) {
        let length = text.chars().count();
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            out.push(format!(
                "found {length} characters; at least {least} are expected"
            ));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            out.push(format!(
                "found {length} characters; at most {most} are allowed"
            ));
        }
        // A pattern that cannot be read judges nothing.
        let pattern = self.pattern.and_then(|pattern| {
            let whole = format!("^(?:{pattern})$");
            regex::RegexBuilder::new(&whole)
                .size_limit(PATTERN_SIZE)
                .build()
                .ok()
        });
        if pattern.is_some_and(|pattern| !pattern.is_match(text)) {
            out.push(format!(
                "{} has not the form that the question asks for",
                near::quoted(text)
            ));
        }
    }
}

fn whole(value: Option<&Value>) -> Option<usize> {
    value?.as_number()?.parse().ok()
}
