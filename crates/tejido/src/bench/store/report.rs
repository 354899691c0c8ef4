//! What the bench says: for people as lines, for programs as JSON. Beside each figure stands its limit.

use super::client::Answers;
use super::machine::Conditions;
use super::place::Sizes;
use super::shapes::Class;
use super::slope::Slope;
use crate::{Error, out};
use serde::Serialize;
use std::path::Path;

/// Everything one run saw.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) configuration: String,
    /// When it began, UTC.
    pub(super) began: String,
    /// Whether it came to its end; else what is here is what it saw until then.
    pub(super) complete: bool,
    pub(super) steps: Vec<Step>,
    pub(super) slopes: Vec<Slope>,
    pub(super) figures: Vec<Figure>,
}

/// The store at one size.
#[derive(Debug, Default, Serialize)]
pub(super) struct Step {
    pub(super) people: u64,
    /// All that were stored by growing.
    pub(super) resources: u64,
    pub(super) conditions: Conditions,
    pub(super) load_per_second: f64,
    /// Stored by growing to this size from the one before.
    pub(super) grown: u64,
    /// What that added to the disk when the engine had settled, acts of the writing included.
    pub(super) settled_bytes: u64,
    /// The same when it was then left alone until it came to rest.
    pub(super) grown_bytes: u64,
    /// What is on the disk then: of earlier queries' acts as well.
    pub(super) disk: Sizes,
    /// Acts of the queries at this size, and what they added to the disk, at rest.
    pub(super) acts: u64,
    pub(super) act_bytes: u64,
    pub(super) queries: Vec<Query>,
    pub(super) transactions: Measure,
    pub(super) bare: Option<Bare>,
}

/// One shape at one size.
#[derive(Debug, Serialize)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) class: Class,
    #[serde(flatten)]
    pub(super) measure: Measure,
    /// By one client at a time, where a limit stands on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alone: Option<Measure>,
    /// By all clients at a given rate, where a limit stands on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paced: Option<Paced>,
}

/// What questions at a given rate saw.
#[derive(Debug, Serialize)]
pub(super) struct Paced {
    /// Questions a second.
    pub(super) asked_per_second: f64,
    #[serde(flatten)]
    pub(super) measure: Measure,
}

/// What the engine, or the database, does with the rows of the transactions when nothing is above it.
#[derive(Debug, Serialize)]
pub(super) struct Bare {
    /// Resources whose rows these are, about: the share of the transactions' bytes that was kept.
    pub(super) resources: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Commits that the archive made of them.
    pub(super) commits: u64,
    pub(super) ways: Vec<Way>,
}

/// One way to write them.
#[derive(Debug, Serialize)]
pub(super) struct Way {
    pub(super) what: String,
    pub(super) resources_per_second: f64,
    pub(super) ours_over_it: f64,
}

impl Bare {
    pub(super) fn say(&self) {
        for way in &self.ways {
            out::line(format!(
                "  {:<56}{:>9}/s   ours is {:.2} of it   ({} rows, {}, of {} resources)",
                way.what,
                out::count(way.resources_per_second as u64),
                way.ours_over_it,
                out::count(self.rows),
                out::bytes(self.bytes),
                out::count(self.resources)
            ));
        }
    }
}

/// Rates and latencies of answers with 2xx.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Measure {
    pub(super) answered: u64,
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    /// What the node worked for an answer, microseconds of a core: the whole process without the clients' thread. What
    /// it does in the background meanwhile is in it.
    pub(super) node_us: f64,
    /// What the clients worked for it.
    pub(super) client_us: f64,
    pub(super) bytes_per_answer: f64,
    pub(super) failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_failure: Option<String>,
}

impl From<&Answers> for Measure {
    fn from(answers: &Answers) -> Measure {
        let answered = answers.times.each.len() as u64;
        let asked = answers.asked().max(1) as f64;
        let node = answers.times.cpu.saturating_sub(answers.client_cpu);
        Measure {
            answered,
            per_second: answers.times.rate(),
            p50_ms: answers.times.percentile(0.5),
            p95_ms: answers.times.percentile(0.95),
            p99_ms: answers.times.percentile(0.99),
            node_us: node.as_secs_f64() * 1e6 / asked,
            client_us: answers.client_cpu.as_secs_f64() * 1e6 / asked,
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
        let failed = match (self.failed, &self.first_failure) {
            (0, _) => String::new(),
            (n, why) => format!(
                "   {} not 2xx: {}",
                out::count(n),
                why.as_deref().unwrap_or_default()
            ),
        };
        out::line(format!(
            "{what:<58}{:>9}/s   p50 {:>8.2}   p95 {:>8.2}   p99 {:>8.2} ms   node {:>6.0} us   clients {:>4.0} us   {:>8}{failed}",
            out::count(self.per_second as u64),
            self.p50_ms,
            self.p95_ms,
            self.p99_ms,
            self.node_us,
            self.client_us,
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
    /// `None` where nothing was asked for.
    pub(super) limit: Option<Limit>,
    pub(super) met: Option<bool>,
    /// The same asked by one client, so that nobody waits for another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alone: Option<Alone>,
    pub(super) beside: String,
}

/// On which side of what a figure should lie.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// Latencies of one client.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Alone {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Figure {
    /// One that has no limit.
    pub(super) fn plain(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        beside: impl Into<String>,
    ) -> Figure {
        Figure {
            what: what.into(),
            value,
            unit,
            limit: None,
            met: None,
            alone: None,
            beside: beside.into(),
        }
    }
    pub(super) fn at_least(self, limit: f64) -> Figure {
        Figure {
            limit: Some(Limit::AtLeast(limit)),
            met: Some(self.value >= limit),
            ..self
        }
    }
    pub(super) fn at_most(self, limit: f64) -> Figure {
        Figure {
            limit: Some(Limit::AtMost(limit)),
            met: Some(self.value <= limit),
            ..self
        }
    }
    /// With what one client sees.
    pub(super) fn alone(self, measure: Option<&Measure>) -> Figure {
        let seen = measure.filter(|measure| measure.answered > 0);
        Figure {
            alone: seen.map(|measure| Alone {
                p50_ms: measure.p50_ms,
                p99_ms: measure.p99_ms,
            }),
            ..self
        }
    }
    fn say(&self) {
        let met = match self.met {
            Some(true) => "met    ",
            Some(false) => "NOT MET",
            None => "       ",
        };
        let limit = match self.limit {
            Some(Limit::AtLeast(limit)) => format!("(at least {limit})"),
            Some(Limit::AtMost(limit)) => format!("(at most {limit})"),
            None => String::new(),
        };
        let alone = self.alone.map_or(String::new(), |alone| {
            format!(
                "one client: p50 {:.2}, p99 {:.2} ms; ",
                alone.p50_ms, alone.p99_ms
            )
        });
        out::line(format!(
            "{met}  {:<62}{:>12.2} {:<5} {limit:<18} {alone}{}",
            self.what, self.value, self.unit, self.beside
        ));
    }
}

impl Report {
    /// Prints slopes and figures; the steps were printed as they came.
    pub(super) fn say(&self) {
        if !self.slopes.is_empty() {
            out::line("");
            out::line(
                "Growth: slopes of log cost over log people, 0 is flat: median latency of all clients, the node's work, that beside the clients' own, how much larger the answer grew",
            );
        }
        for slope in &self.slopes {
            let flat = match (slope.keeps_its_size(), slope.meant_flat) {
                (true, _) => "answer keeps its size",
                (false, true) => "answer was to keep its size and did not",
                (false, false) => "answer grows too",
            };
            let told = |slope: Option<f64>| slope.map_or("-".into(), |slope| format!("{slope:.2}"));
            out::line(format!(
                "{:<58}p50 {:>6.2}   work {:>6} {:>6}   answer {:>5.2} x   {flat}",
                slope.name,
                slope.p50,
                told(slope.work),
                told(slope.beside_clients),
                slope.answer
            ));
        }
        out::line("");
        out::line("Figures and their limits");
        for figure in &self.figures {
            figure.say();
        }
    }

    /// Writes it as JSON: the whole file or none, so that a reader never sees half of one.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::say(e.to_string()))?;
        let draft = path.with_extension("json.new");
        std::fs::write(&draft, text)
            .and_then(|()| std::fs::rename(&draft, path))
            .map_err(|e| Error::io(path, e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Times;
    use std::time::Duration;

    #[test]
    fn a_figure_knows_on_which_side_of_its_limit_it_lies() {
        let figure = |value| Figure::plain("", value, "", "");
        assert_eq!(figure(5.0).at_least(5.0).met, Some(true));
        assert_eq!(figure(5.1).at_most(5.0).met, Some(false));
        assert_eq!(figure(5.1).met, None);
    }

    #[test]
    fn the_work_of_clients_is_not_the_nodes() {
        let ms = Duration::from_millis;
        let answers = Answers {
            times: Times {
                each: (1..=100).map(ms).collect(),
                wall: ms(500),
                cpu: ms(800),
            },
            bytes: 20_000,
            client_cpu: ms(300),
            ..Answers::default()
        };
        let measure = Measure::from(&answers);
        assert_eq!((measure.node_us, measure.client_us), (5_000.0, 3_000.0));
        assert_eq!(
            (measure.per_second, measure.bytes_per_answer),
            (200.0, 200.0)
        );
        let percentiles = (measure.p50_ms, measure.p95_ms, measure.p99_ms);
        assert_eq!(percentiles, (51.0, 96.0, 100.0));
    }

    #[test]
    fn what_failed_counts_as_work_and_not_as_an_answer() {
        let answers = Answers {
            times: Times {
                each: vec![Duration::from_millis(1)],
                wall: Duration::from_secs(1),
                cpu: Duration::from_millis(4),
            },
            failed: 3,
            ..Answers::default()
        };
        let measure = Measure::from(&answers);
        assert_eq!((measure.answered, measure.per_second), (1, 1.0));
        assert_eq!(measure.node_us, 1_000.0);
    }
}
