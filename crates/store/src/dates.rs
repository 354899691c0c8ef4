//! The main clinical date of each type: the date that stands inside its index keys and orders its answers.
//!
//! A key holds the second in which the date starts. How long the date lasts stands in the row's value ([`Length`]), so
//! that most conditions on the date are decided on the row alone. A condition such as *from May on* must also find what
//! began earlier and was going on in May: it looks [`REACH`] further back, and beyond that only among the long ones,
//! which have rows of their own. So one resource without an end makes no other search longer.

use crate::keys::UNDATED;
use fhir::{
    ResourceType, Value,
    query::{Clause, Prefix, Wanted, matches},
    search::{Entry, Indexed, extract, parameter},
    time::Span,
};
use std::sync::LazyLock;

/// Search parameters that give the date, best first. What has none of them comes after all others; for types that are
/// not in the table the moment of the first commit counts.
const MAIN: &[(&str, &[&str])] = &[
    ("Account", &["period"]),
    ("AdverseEvent", &["date"]),
    ("AllergyIntolerance", &["date", "onset"]),
    ("Appointment", &["date"]),
    ("AuditEvent", &["date"]),
    ("CarePlan", &["date"]),
    ("CareTeam", &["date"]),
    ("ChargeItem", &["occurrence", "entered-date"]),
    ("Claim", &["created"]),
    ("ClaimResponse", &["created"]),
    ("ClinicalImpression", &["date"]),
    ("Communication", &["sent", "received"]),
    ("CommunicationRequest", &["authored", "occurrence"]),
    ("Composition", &["date"]),
    ("Condition", &["onset-date", "recorded-date"]),
    ("Consent", &["date"]),
    ("CoverageEligibilityRequest", &["created"]),
    ("CoverageEligibilityResponse", &["created"]),
    ("DetectedIssue", &["identified"]),
    ("DeviceRequest", &["authored-on", "event-date"]),
    ("DiagnosticReport", &["date", "issued"]),
    ("DocumentManifest", &["created"]),
    ("DocumentReference", &["date", "period"]),
    ("Encounter", &["date"]),
    ("EpisodeOfCare", &["date"]),
    ("ExplanationOfBenefit", &["created"]),
    ("FamilyMemberHistory", &["date"]),
    ("Flag", &["date"]),
    ("Goal", &["start-date", "target-date"]),
    ("ImagingStudy", &["started"]),
    ("Immunization", &["date"]),
    ("ImmunizationEvaluation", &["date"]),
    ("ImmunizationRecommendation", &["date"]),
    ("Invoice", &["date"]),
    ("List", &["date"]),
    ("MeasureReport", &["date", "period"]),
    ("Media", &["created"]),
    ("MedicationAdministration", &["effective-time"]),
    ("MedicationDispense", &["whenhandedover", "whenprepared"]),
    ("MedicationRequest", &["authoredon"]),
    ("MedicationStatement", &["effective"]),
    ("NutritionOrder", &["datetime"]),
    ("Observation", &["date"]),
    ("Procedure", &["date"]),
    ("Provenance", &["recorded", "when"]),
    ("QuestionnaireResponse", &["authored"]),
    ("RequestGroup", &["authored"]),
    ("ResearchSubject", &["date"]),
    ("RiskAssessment", &["date"]),
    ("Schedule", &["date"]),
    ("ServiceRequest", &["authored", "occurrence"]),
    ("Slot", &["start"]),
    ("Specimen", &["collected"]),
    ("SupplyRequest", &["date"]),
    ("Task", &["authored-on", "modified"]),
    ("VisionPrescription", &["datewritten"]),
];

static NUMBERS: LazyLock<Vec<Vec<u16>>> = LazyLock::new(|| {
    let of_type = |of: ResourceType| {
        let codes = MAIN.iter().find(|(name, _)| *name == of.name());
        codes
            .into_iter()
            .flat_map(|(_, codes)| codes.iter())
            .filter_map(|code| Some(parameter(of, code)?.number))
            .collect()
    };
    ResourceType::all().map(of_type).collect()
});

fn numbers(of: ResourceType) -> &'static [u16] {
    NUMBERS
        .get(usize::from(of.as_u16()))
        .map_or(&[], Vec::as_slice)
}

/// What the start of a main date, which stands in every key, says of its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Length {
    /// It ends within the same second.
    #[default]
    Second,
    /// It is a whole day.
    Day,
    /// It ends within [`REACH`].
    Short,
    /// It is longer, or open at an end.
    Long,
    /// The date is that of another parameter than the main one.
    Other,
}

impl Length {
    pub(crate) fn code(self) -> u8 {
        match self {
            Length::Second => 0,
            Length::Day => 1,
            Length::Short => 2,
            Length::Long => 3,
            Length::Other => 4,
        }
    }
    pub(crate) fn of_code(code: u8) -> Length {
        match code {
            0 => Length::Second,
            1 => Length::Day,
            2 => Length::Short,
            3 => Length::Long,
            _ => Length::Other,
        }
    }
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Seconds that a date can last without being long. Who looks for what was still going on at a moment looks so far back,
/// and for the long ones, which are few, in rows of their own.
pub(crate) const REACH: i64 = 31 * 86_400;

/// The main date of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Main {
    /// The second of its start.
    pub(crate) second: i64,
    pub(crate) length: Length,
}

/// The main date; `None` for types that have none.
pub(crate) fn main_date(of: ResourceType, entries: &[Entry]) -> Option<Main> {
    let numbers = numbers(of);
    let (&first, _) = numbers.split_first()?;
    let found = numbers.iter().find_map(|&number| {
        entries.iter().find_map(|entry| match entry.value {
            Indexed::Date { from, to } if entry.number == number => Some((number, from, to)),
            _ => None,
        })
    });
    let Some((number, from, to)) = found else {
        return Some(Main {
            second: UNDATED,
            length: Length::Second,
        });
    };
    let open = from == i64::MIN || to == i64::MAX;
    let lasts = to.saturating_sub(from);
    let length = match lasts {
        _ if number != first => Length::Other,
        _ if open || lasts > REACH * SECOND => Length::Long,
        _ if from.div_euclid(SECOND) == to.div_euclid(SECOND) => Length::Second,
        _ if from.rem_euclid(DAY) == 0 && lasts == DAY - 1 => Length::Day,
        _ => Length::Short,
    };
    // What began nobody knows when stands before all that began.
    let start = if from == i64::MIN {
        UNDATED
    } else {
        from.div_euclid(SECOND)
    };
    Some(Main {
        second: start.max(UNDATED + 1),
        length,
    })
}

/// The main clinical date of a resource as it says it: the first of those by which its type is ordered. `None` when it says
/// none, or its type has none. Cost: one walk of the resource, about ten microseconds.
pub fn clinical_date(of: ResourceType, resource: &Value) -> Option<Span> {
    let numbers = numbers(of);
    if numbers.is_empty() {
        return None;
    }
    let entries = extract(of, resource);
    numbers.iter().find_map(|&number| {
        entries.iter().find_map(|entry| match entry.value {
            Indexed::Date { from, to } if entry.number == number => Some(Span { from, to }),
            _ => None,
        })
    })
}

/// The parameter whose dates stand in the index keys of a type whenever a resource has one.
pub(crate) fn main_parameter(of: ResourceType) -> Option<u16> {
    numbers(of).first().copied()
}

/// Whether the keys hold no other dates than those of the main parameter, so that their order is the order by it.
pub(crate) fn is_pure(of: ResourceType) -> bool {
    numbers(of).len() == 1
}

/// Between which seconds a main date must start, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) low: i64,
    pub(crate) high: i64,
    /// Long ones may start from here.
    pub(crate) floor: i64,
}

pub(crate) const ALL_DATES: Dates = Dates {
    low: i64::MIN,
    high: i64::MAX,
    floor: i64::MIN,
};

impl Dates {
    /// What a condition on the main date leaves.
    pub(crate) fn of(clause: &Clause) -> Dates {
        let mut dates = Dates {
            low: i64::MAX,
            high: i64::MIN,
            floor: i64::MAX,
        };
        for wanted in &clause.values {
            let Wanted::Date { prefix, from, to } = wanted else {
                return ALL_DATES;
            };
            let one = starts(*prefix, from.div_euclid(SECOND), to.div_euclid(SECOND));
            dates.low = dates.low.min(one.low);
            dates.high = dates.high.max(one.high);
            dates.floor = dates.floor.min(one.floor);
        }
        dates.low = dates.low.max(UNDATED + 1);
        dates.floor = dates.floor.max(UNDATED + 1);
        dates
    }
    /// What both leave.
    pub(crate) fn and(self, other: Dates) -> Dates {
        Dates {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
            floor: self.floor.max(other.floor),
        }
    }
}

fn starts(prefix: Prefix, from: i64, to: i64) -> Dates {
    let (low, high, floor) = match prefix {
        Prefix::Eq => (from, to, from),
        Prefix::Ne => (i64::MIN, i64::MAX, i64::MIN),
        Prefix::Gt => (to.saturating_sub(REACH), i64::MAX, i64::MIN),
        Prefix::Ge => (from.min(to.saturating_sub(REACH)), i64::MAX, i64::MIN),
        Prefix::Lt | Prefix::Eb => (i64::MIN, from, i64::MIN),
        Prefix::Le => (i64::MIN, to, i64::MIN),
        Prefix::Sa => (to, i64::MAX, to),
        Prefix::Ap => (from.saturating_sub(REACH), to, i64::MIN),
    };
    Dates { low, high, floor }
}

/// Whether a main date meets a condition on it, as far as a key tells.
pub(crate) fn meets(main: Main, clause: &Clause) -> Option<bool> {
    let start = main.second.saturating_mul(SECOND);
    let length = match main.length {
        _ if main.second == UNDATED => return Some(false),
        Length::Other => return Some(false),
        Length::Second => SECOND,
        Length::Day => DAY,
        Length::Short | Length::Long => return None,
    };
    // Within its second a date can lie anywhere; whole seconds do not see the difference.
    let whole = clause.values.iter().all(|wanted| match wanted {
        Wanted::Date { from, to, .. } => {
            from.rem_euclid(SECOND) == 0 && to.wrapping_add(1).rem_euclid(SECOND) == 0
        }
        _ => false,
    });
    let entry = Entry {
        number: clause.parameter.number,
        value: Indexed::Date {
            from: start,
            to: start + length - 1,
        },
    };
    whole.then(|| matches(clause, std::slice::from_ref(&entry)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::{query::Modifier, search::Kind};

    #[test]
    fn every_name_of_the_table_is_a_date_parameter_of_its_type() {
        assert!(MAIN.is_sorted());
        for (name, codes) in MAIN {
            let of = ResourceType::from_name(name).unwrap();
            for code in *codes {
                let found = parameter(of, code);
                assert_eq!(found.map(|p| p.kind), Some(Kind::Date), "{name} {code}");
            }
        }
    }

    #[test]
    fn a_key_never_leaves_out_what_matches_and_what_it_says_is_true() {
        let of = ResourceType::from_name("Observation").unwrap();
        let date = parameter(of, "date").unwrap();
        let at = |text: &str| fhir::time::span(text).unwrap();
        let open = |from: i64, to: i64| fhir::time::Span { from, to };
        let found = [
            at("2024"),
            at("2024-03"),
            at("2024-03-10"),
            at("2024-03-10T12:00"),
            at("2024-03-10T12:00:05Z"),
            at("2024-03-10T12:00:05.250Z"),
            open(at("2024-03-09").from, at("2024-03-11").to),
            open(at("2020-03-09").from, i64::MAX),
            open(i64::MIN, at("2024-03-10").to),
        ];
        let asked = [
            at("2024"),
            at("2024-03"),
            at("2024-03-10"),
            at("2024-03-10T12:00:05Z"),
            at("2024-03-10T12:00:05.2Z"),
            at("2019"),
        ];
        use Prefix::*;
        for prefix in [Eq, Ne, Gt, Lt, Ge, Le, Sa, Eb, Ap] {
            for (span, want) in found.iter().flat_map(|f| asked.iter().map(move |a| (f, a))) {
                let clause = Clause {
                    parameter: date,
                    modifier: Modifier::None,
                    values: vec![Wanted::Date {
                        prefix,
                        from: want.from,
                        to: want.to,
                    }],
                };
                let entries = [Entry {
                    number: date.number,
                    value: Indexed::Date {
                        from: span.from,
                        to: span.to,
                    },
                }];
                let main = main_date(of, &entries).unwrap();
                let truth = matches(&clause, &entries);
                let dates = Dates::of(&clause);
                let from = match main.length {
                    Length::Long => dates.floor.min(dates.low),
                    _ => dates.low,
                };
                let inside = (from..=dates.high).contains(&main.second);
                assert!(inside || !truth, "{prefix:?} {span:?} {want:?}");
                if let Some(said) = meets(main, &clause) {
                    assert_eq!(said, truth, "{prefix:?} {span:?} {want:?}");
                }
            }
        }
    }
}
