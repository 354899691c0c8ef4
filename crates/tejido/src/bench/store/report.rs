//! What the bench says: for people as lines, for programs as JSON. Beside each figure stands its limit.

use super::client::Answers;
use super::shapes::{Class, Shape};
use crate::out;
use serde::Serialize;

/// Everything one run saw.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) configuration: String,
    pub(super) steps: Vec<Step>,
    pub(super) figures: Vec<Figure>,
    pub(super) slopes: Vec<Slope>,
}

/// The store at one size.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) people: u64,
    pub(super) resources: u64,
    pub(super) load_per_second: f64,
    pub(super) disk_bytes_per_resource: f64,
    pub(super) transactions: Measure,
    pub(super) queries: Vec<Query>,
}

/// One shape at one size.
#[derive(Debug, Serialize)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) class: Class,
    #[serde(flatten)]
    pub(super) measure: Measure,
}

/// Rates and latencies of answers with 2xx.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Measure {
    pub(super) answered: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    /// Work of the whole process an answer, node and clients, microseconds.
    pub(super) cpu_us: f64,
    pub(super) bytes_per_answer: f64,
    pub(super) failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_failure: Option<String>,
}

impl From<&Answers> for Measure {
    fn from(answers: &Answers) -> Measure {
        let answered = answers.times.each.len() as u64;
        Measure {
            answered,
            per_second: answers.times.rate(),
            p50_ms: answers.times.percentile(0.5),
            p95_ms: answers.times.percentile(0.95),
            p99_ms: answers.times.percentile(0.99),
            cpu_us: answers.times.work(),
            bytes_per_answer: answers.bytes as f64 / answered.max(1) as f64,
            failed: answers.failed,
            first_failure: answers.first_failure.clone(),
        }
    }
}

impl Measure {
    pub(super) fn say(&self, what: &str) {
        if self.answered == 0 {
            let why = self
                .first_failure
                .as_deref()
                .unwrap_or("no sample to ask about");
            out::line(format!("{what:<58} not measured: {why}"));
            return;
        }
        let failed = match self.failed {
            0 => String::new(),
            n => format!("   {} not 2xx", out::count(n)),
        };
        out::line(format!(
            "{what:<58}{:>9}/s   p50 {:>8.2}   p95 {:>8.2}   p99 {:>8.2} ms   {:>6.0} us   {:>8}{failed}",
            out::count(self.per_second as u64),
            self.p50_ms,
            self.p95_ms,
            self.p99_ms,
            self.cpu_us,
            out::bytes(self.bytes_per_answer as u64),
        ));
    }
}

/// One figure and its limit.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) limit: f64,
    /// Whether more than the limit is good.
    pub(super) at_least: bool,
    pub(super) met: bool,
    pub(super) beside: String,
}

impl Figure {
    pub(super) fn at_least(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        limit: f64,
        beside: impl Into<String>,
    ) -> Figure {
        Figure {
            what: what.into(),
            value,
            unit,
            limit,
            at_least: true,
            met: value >= limit,
            beside: beside.into(),
        }
    }
    pub(super) fn at_most(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        limit: f64,
        beside: impl Into<String>,
    ) -> Figure {
        Figure {
            at_least: false,
            met: value <= limit,
            ..Figure::at_least(what, value, unit, limit, beside)
        }
    }
    fn say(&self) {
        let bound = if self.at_least { "at least" } else { "at most" };
        let met = if self.met { "met    " } else { "NOT MET" };
        out::line(format!(
            "{met}  {:<58}{:>12.2} {:<5} ({bound} {})   {}",
            self.what, self.value, self.unit, self.limit, self.beside
        ));
    }
}

/// How the cost of a shape grows with the store: 0 is flat, 1 in proportion.
#[derive(Debug, Serialize)]
pub(super) struct Slope {
    pub(super) name: &'static str,
    pub(super) slope: f64,
    /// Whether its answer keeps its size, so that 0 is what it should be.
    pub(super) should_be_flat: bool,
}

/// Slopes of log p50 over log people from the first to the last size.
pub(super) fn slopes(steps: &[Step], shapes: &[Shape]) -> Vec<Slope> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Vec::new();
    };
    if first.people == last.people {
        return Vec::new();
    }
    let growth = (last.people as f64 / first.people as f64).ln();
    let median = |step: &Step, name: &str| {
        let query = step.queries.iter().find(|query| query.name == name)?;
        (query.measure.answered > 0).then_some(query.measure.p50_ms)
    };
    shapes
        .iter()
        .filter_map(|shape| {
            let (small, large) = (median(first, shape.name)?, median(last, shape.name)?);
            Some(Slope {
                name: shape.name,
                slope: (large / small).ln() / growth,
                should_be_flat: shape.flat,
            })
        })
        .collect()
}

impl Report {
    /// Prints slopes and figures; the steps were printed as they came.
    pub(super) fn say(&self) {
        out::line("");
        out::line("Growth: slope of log p50 over log people, 0 is flat");
        for slope in &self.slopes {
            let flat = if slope.should_be_flat {
                "answer keeps its size"
            } else {
                "answer grows too"
            };
            out::line(format!("{:<58}{:>9.2}   {flat}", slope.name, slope.slope));
        }
        out::line("");
        out::line("Figures and their limits");
        for figure in &self.figures {
            figure.say();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::store::shapes::SHAPES;

    fn step(people: u64, p50_ms: f64) -> Step {
        let measure = Measure {
            answered: 1,
            p50_ms,
            ..Measure::default()
        };
        Step {
            people,
            resources: 0,
            load_per_second: 0.0,
            disk_bytes_per_resource: 0.0,
            transactions: Measure::default(),
            queries: SHAPES
                .iter()
                .map(|shape| Query {
                    name: shape.name,
                    class: shape.class,
                    measure: measure.clone(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_cost_that_doubles_as_people_quadruple_has_slope_one_half() {
        let found = slopes(&[step(1_000, 1.0), step(4_000, 2.0)], SHAPES);
        assert_eq!(found.len(), SHAPES.len());
        assert!(found.iter().all(|one| (one.slope - 0.5).abs() < 1e-9));
    }

    #[test]
    fn a_figure_knows_on_which_side_of_its_limit_it_lies() {
        assert!(Figure::at_least("", 5.0, "", 5.0, "").met);
        assert!(!Figure::at_most("", 5.1, "", 5.0, "").met);
    }
}
