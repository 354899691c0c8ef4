//! What queries are asked about, taken from the resources that were just stored.
//!
//! Every so many resources one is kept, and all codes are counted; so the parameters of a query follow the data, common
//! codes and rare ones alike.

use fhir::Value;
use std::collections::HashMap;

/// Kept of each kind at most; then the older ones are replaced in turn.
const MOST: usize = 4_096;

/// A measured value.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) code: String,
    pub(super) subject: String,
    pub(super) date: String,
    pub(super) value: f64,
    pub(super) unit: String,
}

/// How often a code was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frequency<'a> {
    pub(super) code: &'a str,
    pub(super) hits: u64,
}

/// Somebody.
#[derive(Clone, Debug)]
pub(super) struct Somebody {
    pub(super) id: String,
    pub(super) identifier: Option<String>,
    pub(super) family: String,
    pub(super) given: String,
    pub(super) birth: String,
}

/// Samples of live data.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    pub(super) people: Vec<Somebody>,
    pub(super) measured: Vec<Measured>,
    /// Encounter ids.
    pub(super) visits: Vec<String>,
    /// Observation ids.
    pub(super) observations: Vec<String>,
    /// `system|code` of conditions.
    pub(super) conditions: Vec<String>,
    /// Words of the texts of conditions.
    pub(super) words: Vec<String>,
    /// Practitioner references.
    pub(super) doctors: Vec<String>,
    /// How often each code of a measured Observation was seen.
    pub(super) codes: HashMap<String, u64>,
    /// Resources seen.
    pub(super) seen: u64,
}

fn keep<T>(kept: &mut Vec<T>, seen: u64, one: T) {
    if kept.len() < MOST {
        kept.push(one);
    } else if let Some(place) =
        kept.get_mut((seen.wrapping_mul(2_654_435_761) % MOST as u64) as usize)
    {
        *place = one;
    }
}

fn token(concept: Option<&Value>) -> Option<String> {
    let coding = concept?.list("coding").first()?;
    Some(format!(
        "{}|{}",
        coding.text("system")?,
        coding.text("code")?
    ))
}

fn reference<'a>(resource: &'a Value, name: &str) -> Option<&'a str> {
    resource.get(name)?.text("reference")
}

impl Samples {
    /// Looks at a resource that was stored.
    pub(super) fn see(&mut self, resource: &Value) {
        self.seen += 1;
        let seen = self.seen;
        let Some(id) = resource.text("id") else {
            return;
        };
        match resource.text("resourceType") {
            Some("Patient") => {
                let name = resource.list("name").first();
                let given = name.and_then(|name| name.list("given").first()?.as_str());
                let identifier = resource.list("identifier").first().and_then(|one| {
                    Some(format!("{}|{}", one.text("system")?, one.text("value")?))
                });
                let one = Somebody {
                    id: id.to_owned(),
                    identifier,
                    family: name
                        .and_then(|n| n.text("family"))
                        .unwrap_or("Pérez")
                        .to_owned(),
                    given: given.unwrap_or("Ana").to_owned(),
                    birth: resource
                        .text("birthDate")
                        .unwrap_or("1980-01-01")
                        .to_owned(),
                };
                keep(&mut self.people, seen, one);
            }
            Some("Observation") => self.observation(id, resource),
            Some("Encounter") => keep(&mut self.visits, seen, id.to_owned()),
            Some("Condition") => {
                let code = resource.get("code");
                if let Some(token) = token(code) {
                    keep(&mut self.conditions, seen, token);
                }
                let text = code.and_then(|code| code.text("text")).unwrap_or_default();
                if let Some(word) = text
                    .split(|c: char| !c.is_alphabetic())
                    .find(|word| word.chars().count() > 5)
                {
                    keep(&mut self.words, seen, word.to_lowercase());
                }
                if let Some(doctor) = reference(resource, "recorder") {
                    keep(&mut self.doctors, seen, doctor.to_owned());
                }
            }
            _ => {}
        }
    }

    fn observation(&mut self, id: &str, resource: &Value) {
        let seen = self.seen;
        keep(&mut self.observations, seen, id.to_owned());
        let (Some(code), Some(subject), Some(date)) = (
            token(resource.get("code")),
            reference(resource, "subject"),
            resource.text("effectiveDateTime"),
        ) else {
            return;
        };
        let Some(quantity) = resource.get("valueQuantity") else {
            return;
        };
        *self.codes.entry(code.clone()).or_default() += 1;
        if let Some(value) = quantity.get("value").and_then(Value::as_f64) {
            let one = Measured {
                code,
                subject: subject.to_owned(),
                date: date.get(..10).unwrap_or(date).to_owned(),
                value,
                unit: quantity.text("code").unwrap_or_default().to_owned(),
            };
            keep(&mut self.measured, seen, one);
        }
    }

    /// The commonest code, and one that is seen about a hundred times less.
    pub(super) fn common_and_rare(&self) -> Option<[Frequency<'_>; 2]> {
        let codes = || {
            self.codes
                .iter()
                .map(|(code, &hits)| Frequency { code, hits })
        };
        let common = codes().max_by_key(|one| one.hits)?;
        let rare = codes().min_by_key(|one| (one.hits * 100).abs_diff(common.hits))?;
        Some([common, rare])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::obj;

    fn glucose(n: u64, code: &str) -> Value {
        obj! {
            "resourceType" => "Observation",
            "id" => format!("o-{n}"),
            "code" => obj! { "coding" => [obj! { "system" => "http://loinc.org", "code" => code }] },
            "subject" => obj! { "reference" => "Patient/p" },
            "effectiveDateTime" => "2024-05-06T10:00:00-06:00",
            "valueQuantity" => obj! { "value" => 98, "code" => "mg/dL" },
        }
    }

    #[test]
    fn common_and_rare_codes_are_told_apart() {
        let mut samples = Samples::default();
        for n in 0..500 {
            samples.see(&glucose(n, "2345-7"));
        }
        for n in 500..505 {
            samples.see(&glucose(n, "1-8"));
        }
        let [common, rare] = samples.common_and_rare().unwrap();
        assert_eq!((common.code, common.hits), ("http://loinc.org|2345-7", 500));
        assert_eq!((rare.code, rare.hits), ("http://loinc.org|1-8", 5));
        let one = samples.measured.first().unwrap();
        assert_eq!((one.date.as_str(), one.value), ("2024-05-06", 98.0));
    }
}
