//! The shapes of query, in four classes, each with its parameters drawn from the live data.

use super::client::Ask;
use super::samples::{Measured, Samples, Somebody};
use std::fmt::Write;

/// What a shape stresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Class {
    Simple,
    Compound,
    Text,
    Operation,
}

/// All classes, in the order in which they are asked.
pub(super) const CLASSES: [Class; 4] = [
    Class::Simple,
    Class::Compound,
    Class::Text,
    Class::Operation,
];

impl Class {
    pub(super) fn name(self) -> &'static str {
        match self {
            Class::Simple => "simple",
            Class::Compound => "compound",
            Class::Text => "full text",
            Class::Operation => "operation",
        }
    }
}

/// One shape of query.
pub(super) struct Shape {
    pub(super) class: Class,
    /// As it is written, with `*` for what is drawn.
    pub(super) name: &'static str,
    /// Whether its answer keeps its size while the store grows, so that its cost should as well.
    pub(super) flat: bool,
    pub(super) ask: fn(&Draw<'_>) -> Option<Ask>,
}

/// Draws parameters: the n-th ask draws the n-th sample, scattered.
pub(super) struct Draw<'a> {
    pub(super) samples: &'a Samples,
    pub(super) n: u64,
}

impl<'a> Draw<'a> {
    fn one<T>(&self, of: &'a [T], salt: u64) -> Option<&'a T> {
        // Fibonacci hashing: neighbours land far apart.
        let mixed = (self.n + salt * 7_919).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        of.get(usize::try_from(mixed).ok()? % of.len().max(1))
    }
    fn person(&self) -> Option<&'a Somebody> {
        self.one(&self.samples.people, 1)
    }
    fn measured(&self) -> Option<&'a Measured> {
        self.one(&self.samples.measured, 2)
    }
    fn word(&self) -> Option<String> {
        self.one(&self.samples.words, 3).map(|word| encoded(word))
    }
}

/// Text as a query takes it.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

fn get(path: String) -> Option<Ask> {
    Some(Ask::get(format!("/fhir/{path}")))
}

macro_rules! shape {
    ($class:ident, $flat:expr, $name:expr, $draw:ident => $ask:expr) => {
        Shape {
            class: Class::$class,
            name: $name,
            flat: $flat,
            ask: |$draw| $ask,
        }
    };
}

/// A year from a date.
fn year(date: &str) -> &str {
    date.get(..4).unwrap_or(date)
}

/// A month from a date.
fn month(date: &str) -> &str {
    date.get(..7).unwrap_or(date)
}

/// All shapes; first pages have 20 matches.
pub(super) static SHAPES: &[Shape] = &[
    shape!(Simple, true, "Patient/*", d => get(format!("Patient/{}", d.person()?.id))),
    shape!(Simple, true, "Observation/*", d => get(format!("Observation/{}", d.one(&d.samples.observations, 4)?))),
    shape!(Simple, true, "Patient?identifier=*", d => {
        let identifier = d.person()?.identifier.as_deref()?;
        get(format!("Patient?identifier={}&_count=20", encoded(identifier)))
    }),
    shape!(Simple, true, "Patient?_id=*", d => get(format!("Patient?_id={}", d.person()?.id))),
    shape!(Simple, false, "Patient?family=*&given=*", d => {
        let one = d.person()?;
        get(format!("Patient?family={}&given={}&_count=20", encoded(&one.family), encoded(&one.given)))
    }),
    shape!(Simple, false, "Patient?birthdate=*", d => get(format!("Patient?birthdate={}&_count=20", d.person()?.birth))),
    shape!(Simple, true, "Observation?subject=*", d => get(format!("Observation?subject={}&_count=20", d.measured()?.subject))),
    shape!(Simple, true, "Encounter?subject=*", d => get(format!("Encounter?subject={}&_count=20", d.measured()?.subject))),
    shape!(Simple, true, "Observation?code=*", d => get(format!("Observation?code={}&_count=20", encoded(&d.measured()?.code)))),
    shape!(Simple, true, "Condition?code=*", d => get(format!("Condition?code={}&_count=20", encoded(d.one(&d.samples.conditions, 5)?)))),
    shape!(Simple, true, "Observation?_lastUpdated=ge*", _d => get(
        "Observation?_lastUpdated=ge2020-01-01&_sort=-_lastUpdated&_count=20".to_owned()
    )),
    shape!(Compound, true, "Observation?code=*&date=*", d => {
        let one = d.measured()?;
        get(format!("Observation?code={}&date={}&_count=20", encoded(&one.code), month(&one.date)))
    }),
    shape!(Compound, true, "Observation?code=*&value-quantity=gt*", d => {
        let one = d.measured()?;
        get(format!(
            "Observation?code={}&value-quantity=gt{}%7C%7C{}&_count=20",
            encoded(&one.code), one.value * 1.02, encoded(&one.unit)
        ))
    }),
    shape!(Compound, true, "Observation?code-value-quantity=*$*", d => {
        let one = d.measured()?;
        get(format!(
            "Observation?code-value-quantity={}%24{}%7C%7C{}&_count=20",
            encoded(&one.code), one.value, encoded(&one.unit)
        ))
    }),
    shape!(Compound, true, "Observation?subject=*&code=*&date=ge*", d => {
        let one = d.measured()?;
        get(format!("Observation?subject={}&code={}&date=ge{}&_count=20", one.subject, encoded(&one.code), year(&one.date)))
    }),
    shape!(Compound, true, "Observation?category=*&date=*", d => get(format!(
        "Observation?category=laboratory&date={}&_count=20", month(&d.measured()?.date)
    ))),
    shape!(Compound, true, "Observation?code=*&_sort=-date", d => get(format!(
        "Observation?code={}&_sort=-date&_count=20", encoded(&d.measured()?.code)
    ))),
    shape!(Compound, true, "Observation?subject=*&_sort=code", d => get(format!(
        "Observation?subject={}&_sort=code&_count=20", d.measured()?.subject
    ))),
    shape!(Compound, true, "Observation?subject=*&_include=encounter", d => get(format!(
        "Observation?subject={}&_include=Observation:encounter&_count=20", d.measured()?.subject
    ))),
    shape!(Compound, true, "Encounter?_id=*&_revinclude=Observation:encounter", d => get(format!(
        "Encounter?_id={}&_revinclude=Observation:encounter&_count=20", d.one(&d.samples.visits, 6)?
    ))),
    shape!(Compound, true, "Patient?_id=*&_revinclude=Encounter&_include:iterate", d => get(format!(
        "Patient?_id={}&_revinclude=Encounter:subject&_include:iterate=Encounter:participant&_count=20", d.person()?.id
    ))),
    shape!(Compound, true, "Observation?subject.identifier=*&code=*", d => {
        let identifier = d.person()?.identifier.as_deref()?;
        get(format!("Observation?subject.identifier={}&code={}&_count=20", encoded(identifier), encoded(&d.measured()?.code)))
    }),
    shape!(Compound, false, "Observation?subject.family=*&code=*", d => get(format!(
        "Observation?subject:Patient.family={}&code={}&_count=20", encoded(&d.person()?.family), encoded(&d.measured()?.code)
    ))),
    shape!(Compound, false, "Patient?_has:Condition:patient:code=*", d => get(format!(
        "Patient?_has:Condition:patient:code={}&_count=20", encoded(d.one(&d.samples.conditions, 7)?)
    ))),
    shape!(Compound, true, "Observation?_filter=code eq * and date ge *", d => {
        let one = d.measured()?;
        let code = one.code.rsplit('|').next()?;
        get(format!(
            "Observation?_filter={}&_count=20",
            encoded(&format!("code eq {code} and date ge {}-01-01", year(&one.date)))
        ))
    }),
    shape!(Compound, false, "Observation?code=*&_total=accurate", d => get(format!(
        "Observation?code={}&_total=accurate&_count=20", encoded(&d.measured()?.code)
    ))),
    shape!(Text, false, "Condition?_content=*", d => get(format!("Condition?_content={}&_count=20", d.word()?))),
    shape!(Text, false, "Condition?code:text=*", d => get(format!("Condition?code:text={}&_count=20", d.word()?))),
    shape!(Text, false, "Patient?name:contains=*", d => {
        let family: String = d.person()?.family.chars().skip(1).take(4).collect();
        get(format!("Patient?name:contains={}&_count=20", encoded(&family)))
    }),
    shape!(Text, true, "Condition?_content=*&subject=*", d => get(format!(
        "Condition?_content={}&subject={}&_count=20", d.word()?, d.measured()?.subject
    ))),
    shape!(Operation, true, "Patient/*/$everything", d => get(format!("Patient/{}/$everything", d.person()?.id))),
    shape!(Operation, true, "Observation/$lastn?patient=*", d => get(format!(
        "Observation/$lastn?patient={}&category=laboratory", d.measured()?.subject
    ))),
    shape!(Operation, true, "Patient/*/_history", d => get(format!("Patient/{}/_history", d.person()?.id))),
    shape!(Operation, true, "Patient/*/Observation?code=*", d => {
        let one = d.measured()?;
        get(format!("{}/Observation?code={}&_count=20", one.subject, encoded(&one.code)))
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_shapes_and_no_two_are_alike() {
        for class in CLASSES {
            assert!(SHAPES.iter().any(|shape| shape.class == class));
        }
        let mut names: Vec<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SHAPES.len());
    }

    #[test]
    fn what_a_query_cannot_carry_is_encoded() {
        assert_eq!(encoded("a|ñ b"), "a%7C%C3%B1%20b");
    }
}
