//! What queries are asked about, taken from the resources that were just stored.
//!
//! Some resources of each kind are kept, the same number however many go by, and all codes are counted; so the parameters
//! of a query follow the data, common codes and rare ones alike.

use fhir::Value;
use std::collections::HashMap;

/// Kept of each kind at most; then the older ones are replaced in turn.
const MOST: usize = 4_096;
/// Kept of each code at most.
const OF_A_CODE: usize = 32;
/// Codes that are counted at most.
const CODES: usize = 4_096;
/// How much commoner the common code of a pair should be.
const HUNDREDFOLD: f64 = 100.0;
/// Fewer hits of a code do not fill pages.
const FEW: u64 = 40;

/// A measured value.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) code: String,
    pub(super) subject: String,
    pub(super) date: String,
    pub(super) value: f64,
    pub(super) unit: String,
}

/// A code of measured values: how often it was seen, and some of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Coded {
    pub(super) hits: u64,
    pub(super) some: Vec<Measured>,
}

/// A code and what was seen of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfCode<'a> {
    pub(super) code: &'a str,
    pub(super) seen: &'a Coded,
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
    /// The codes of measured Observations.
    pub(super) codes: HashMap<String, Coded>,
    /// Resources seen.
    pub(super) seen: u64,
}

fn keep<T>(kept: &mut Vec<T>, most: usize, seen: u64, one: T) {
    if kept.len() < most {
        kept.push(one);
    } else if let Some(place) =
        kept.get_mut((seen.wrapping_mul(2_654_435_761) % most as u64) as usize)
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
                keep(&mut self.people, MOST, seen, one);
            }
            Some("Observation") => self.observation(id, resource),
            Some("Encounter") => keep(&mut self.visits, MOST, seen, id.to_owned()),
            Some("Condition") => {
                let code = resource.get("code");
                if let Some(token) = token(code) {
                    keep(&mut self.conditions, MOST, seen, token);
                }
                let text = code.and_then(|code| code.text("text")).unwrap_or_default();
                if let Some(word) = text
                    .split(|c: char| !c.is_alphabetic())
                    .find(|word| word.chars().count() > 5)
                {
                    keep(&mut self.words, MOST, seen, word.to_lowercase());
                }
                if let Some(doctor) = reference(resource, "recorder") {
                    keep(&mut self.doctors, MOST, seen, doctor.to_owned());
                }
            }
            _ => {}
        }
    }

    fn observation(&mut self, id: &str, resource: &Value) {
        let seen = self.seen;
        keep(&mut self.observations, MOST, seen, id.to_owned());
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
        let Some(value) = quantity.get("value").and_then(Value::as_f64) else {
            return;
        };
        let one = Measured {
            code,
            subject: subject.to_owned(),
            date: date.get(..10).unwrap_or(date).to_owned(),
            value,
            unit: quantity.text("code").unwrap_or_default().to_owned(),
        };
        if self.codes.len() < CODES || self.codes.contains_key(&one.code) {
            let coded = self.codes.entry(one.code.clone()).or_default();
            coded.hits += 1;
            keep(&mut coded.some, OF_A_CODE, coded.hits, one.clone());
        }
        keep(&mut self.measured, MOST, seen, one);
    }

    /// Two codes, the first seen about a hundred times more often than the second: of the pairs that come near to that,
    /// the commonest ones. Codes that cannot fill a page of answers are taken only if there is no other.
    pub(super) fn common_and_rare(&self) -> Option<[OfCode<'_>; 2]> {
        let mut codes: Vec<OfCode<'_>> = self
            .codes
            .iter()
            .map(|(code, seen)| OfCode { code, seen })
            .collect();
        codes.sort_unstable_by(|a, b| (b.seen.hits, b.code).cmp(&(a.seen.hits, a.code)));
        let enough = codes.iter().filter(|one| one.seen.hits >= FEW).count();
        if enough > 1 {
            codes.truncate(enough);
        }
        let common = *codes.first()?;
        let off = |rare: &OfCode<'_>| {
            let ratio = common.seen.hits as f64 / rare.seen.hits.max(1) as f64;
            (ratio / HUNDREDFOLD).ln().abs()
        };
        let rare = codes.iter().min_by(|a, b| off(a).total_cmp(&off(b)))?;
        Some([common, *rare])
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

    fn seen(of: &[(&str, u64)]) -> Samples {
        let mut samples = Samples::default();
        for (code, hits) in of {
            for n in 0..*hits {
                samples.see(&glucose(n, code));
            }
        }
        samples
    }

    #[test]
    fn common_and_rare_codes_are_a_hundredfold_apart_where_there_are_such() {
        let samples = seen(&[("c", 5_000), ("d", 4_000), ("e", 60), ("f", 4)]);
        let [common, rare] = samples.common_and_rare().unwrap();
        assert_eq!(common.code, "http://loinc.org|c");
        assert_eq!((rare.code, rare.seen.hits), ("http://loinc.org|e", 60));
        let one = rare.seen.some.first().unwrap();
        assert_eq!((one.date.as_str(), one.value), ("2024-05-06", 98.0));
        let few = seen(&[("c", 500), ("f", 5)]);
        assert_eq!(
            few.common_and_rare().unwrap().map(|one| one.seen.hits),
            [500, 5]
        );
    }

    #[test]
    fn what_is_kept_does_not_grow_with_what_is_seen() {
        let samples = seen(&[("c", 10_000)]);
        assert_eq!(samples.seen, 10_000);
        assert_eq!(samples.measured.len(), MOST);
        assert_eq!(samples.codes.values().next().unwrap().some.len(), OF_A_CODE);
    }
}
