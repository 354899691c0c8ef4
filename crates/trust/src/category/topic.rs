//! The topics and findings that codes belong to, from the tables `data/topics.tsv` and `data/findings.tsv`; and how such
//! tables are read and asked.

use crate::category::{FINDINGS, Finding};
use crate::{Category, act::systems};
use fhir::Value;
use std::collections::HashMap;
use std::sync::LazyLock;
use store::Labels;

static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("../../data/topics.tsv"), topic_of));
static FOUND: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("../../data/findings.tsv"), finding_of));

/// Code systems by the names that the table has for them. Some are known under several URIs.
pub(super) const SYSTEMS: [(&str, &str); 21] = [
    ("http://hl7.org/fhir/sid/icd-10", "cie10"),
    ("http://hl7.org/fhir/sid/icd-10-cm", "cie10"),
    ("http://hl7.org/fhir/sid/icd-10-mx", "cie10"),
    ("http://hl7.org/fhir/sid/icd-10-es", "cie10"),
    ("https://tejido.mx/id/cie10", "cie10"),
    ("urn:oid:2.16.840.1.113883.6.3", "cie10"),
    ("urn:oid:2.16.840.1.113883.6.90", "cie10"),
    ("http://www.whocc.no/atc", "atc"),
    ("https://www.whocc.no/atc", "atc"),
    ("urn:oid:2.16.840.1.113883.6.73", "atc"),
    ("http://loinc.org", "loinc"),
    ("urn:oid:2.16.840.1.113883.6.1", "loinc"),
    ("http://snomed.info/sct", "snomed"),
    ("https://openconceptlab.org/orgs/CIEL/sources/CIEL", "ciel"),
    ("urn:oid:2.16.840.1.113883.6.96", "snomed"),
    ("http://www.nlm.nih.gov/research/umls/rxnorm", "rxnorm"),
    (
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "actcode",
    ),
    ("http://hl7.org/fhir/v3/ActCode", "actcode"),
    (
        "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "obsvalue",
    ),
    ("http://hl7.org/fhir/secondary-finding", "secondary"),
    (systems::FINDING, "finding"),
];

/// Codes and the labels they give.
pub(super) struct Table {
    /// Whole codes, by system and code.
    exact: HashMap<(&'static str, &'static str), Labels>,
    /// Beginnings of codes by system: every code whose first characters lie between the two.
    ranges: HashMap<&'static str, Vec<Range>>,
}

struct Range {
    from: &'static str,
    to: &'static str,
    gives: Labels,
}

impl Table {
    /// A table's lines: `system  code | prefix* | from-to  what it is  source`. `meaning` gives the labels of what it is;
    /// a line without them is left out here and fails the table's test.
    pub(super) fn read(text: &'static str, meaning: fn(&str) -> Option<Labels>) -> Table {
        let mut table = Table {
            exact: HashMap::new(),
            ranges: HashMap::new(),
        };
        for line in text.lines().filter(|line| is_row(line)) {
            let Some((system, codes, gives)) = row(line, meaning) else {
                continue;
            };
            let ends = match codes.strip_suffix('*') {
                Some(prefix) => Some((prefix, prefix)),
                None => codes.split_once('-').filter(|_| system == "cie10"),
            };
            if let Some((from, to)) = ends {
                let ranges = table.ranges.entry(system).or_default();
                ranges.push(Range { from, to, gives });
            } else {
                let known = table.exact.entry((system, codes)).or_default();
                *known = known.with(gives);
            }
        }
        table
    }
}

fn is_row(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

fn row(
    line: &'static str,
    meaning: fn(&str) -> Option<Labels>,
) -> Option<(&'static str, &'static str, Labels)> {
    let mut fields = line.split('\t');
    let (system, codes, what) = (fields.next()?, fields.next()?, fields.next()?);
    Some((system, codes, meaning(what)?))
}

fn topic_of(code: &str) -> Option<Labels> {
    let topic = Category::from_code(code).filter(|topic| topic.is_topic())?;
    Some(topic.bit())
}

fn finding_of(code: &str) -> Option<Labels> {
    Finding::from_code(code).map(Finding::bit)
}

/// The topics and findings of a resource: those of all its codings, however deep. What relatives had is no finding about
/// her, unless a label says so; a risk that a device computed is one without any code.
pub(super) fn topics(resource: &Value) -> Labels {
    let found = of_codings(resource);
    match resource.text("resourceType") {
        Some("FamilyMemberHistory") => {
            let said = resource.get("meta").map(of_codings).unwrap_or_default();
            Labels(found.0 & !FINDINGS.0 | said.0)
        }
        Some("RiskAssessment") if is_computed(resource) => found.with(Finding::AiRisk.bit()),
        _ => found,
    }
}

fn is_computed(risk: &Value) -> bool {
    risk.text("performer.reference")
        .is_some_and(|by| by.starts_with("Device/"))
}

fn of_codings(value: &Value) -> Labels {
    match value {
        Value::Array(items) => items
            .iter()
            .fold(Labels(0), |all, item| all.with(of_codings(item))),
        Value::Object(members) => {
            let here = match (members.get("system"), members.get("code")) {
                (Some(Value::String(system)), Some(Value::String(code))) => {
                    let topics = TABLE.of_code(system, code);
                    topics.with(FOUND.of_code(system, code))
                }
                _ => Labels(0),
            };
            members
                .iter()
                .fold(here, |all, (_, member)| all.with(of_codings(member)))
        }
        _ => Labels(0),
    }
}

impl Table {
    /// What one code gives.
    pub(super) fn of_code(&self, system: &str, code: &str) -> Labels {
        // A version after the URI (`|4.0`) does not change what the code means, nor do the spaces that some exports leave.
        let system = system.split('|').next().unwrap_or(system).trim();
        let Some((_, system)) = SYSTEMS.iter().find(|(uri, _)| *uri == system) else {
            return Labels(0);
        };
        let code = code.trim();
        let normal: String;
        let code = if matches!(*system, "cie10" | "atc") {
            // `f32.1`, `F32.1`, `F321` and `F321X` are one code to the table.
            normal = code.to_ascii_uppercase().replace('.', "");
            normal.as_str()
        } else {
            code
        };
        let exact = self.exact.get(&(system, code)).copied();
        let ranges = self.ranges.get(system).into_iter().flatten();
        ranges
            .filter(|range| range.holds(code))
            .fold(exact.unwrap_or_default(), |all, range| {
                all.with(range.gives)
            })
    }
}

impl Range {
    fn holds(&self, code: &str) -> bool {
        let Some(start) = code.get(..self.from.len()) else {
            return false;
        };
        // Both ends have the same length.
        self.from <= start && start <= self.to
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        check_lines(include_str!("../../data/topics.tsv"), topic_of);
        check_lines(include_str!("../../data/findings.tsv"), finding_of);
    }

    /// Each line of a table names a system that is known, and says where it is from.
    #[track_caller]
    pub(in crate::category) fn check_lines(
        text: &'static str,
        meaning: fn(&str) -> Option<Labels>,
    ) {
        let names: Vec<_> = SYSTEMS.iter().map(|(_, name)| *name).collect();
        for line in text.lines() {
            if !is_row(line) {
                continue;
            }
            let (system, codes, _) = row(line, meaning).expect(line);
            assert!(names.contains(&system), "{line}");
            let source = line.split('\t').nth(3).unwrap_or_default();
            assert!(!source.is_empty(), "a line without a source: {line}");
            if let ("cie10", Some((from, to))) = (system, codes.split_once('-')) {
                assert_eq!(from.len(), to.len(), "{line}");
                assert!(from < to, "{line}");
            }
        }
    }

    #[test]
    fn a_code_is_known_however_it_is_written() {
        let cie10 = mx::systems::CIE10;
        for code in ["F32", "F32.1", "F321", "f32.1", "F32X"] {
            assert_eq!(
                TABLE.of_code(cie10, code),
                Category::MentalHealth.bit(),
                "{code}"
            );
        }
        assert_eq!(
            TABLE.of_code("http://hl7.org/fhir/sid/icd-10|2016", "F32"),
            Category::MentalHealth.bit()
        );
        assert_eq!(TABLE.of_code("http://elsewhere.example", "F32"), Labels(0));
        assert_eq!(TABLE.of_code(cie10, "F"), Labels(0));
        assert_eq!(TABLE.of_code(cie10, "Ñ"), Labels(0));
        assert_eq!(TABLE.of_code(cie10, ""), Labels(0));
    }
}
