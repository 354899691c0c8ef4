//! Laboratory values and vital signs: a chart, its newest value, and the numbers in a table.

use super::lines::{OriginView, one};
use crate::text::Text;
use crate::threads::Threads;
use crate::{chart, when};
use living::Trend;

/// Newest values listed in a table unless everything was asked for.
const LISTED: usize = 8;

/// One value in the table.
#[derive(Clone, Debug)]
pub struct ValueView {
    /// When.
    pub date: String,
    /// As written.
    pub text: String,
    /// Outside the range, in words; empty when not.
    pub flag: String,
    /// Where.
    pub origin: OriginView,
    /// Words that say where the same test had been done shortly before; empty when it had not.
    pub duplicate: String,
}

/// A trend.
#[derive(Clone, Debug)]
pub struct TrendView {
    /// What.
    pub title: String,
    /// The newest value.
    pub latest: ValueView,
    /// Reference range in words; empty when no source gives one.
    pub range: String,
    /// The drawing; empty with fewer than two values.
    pub chart: String,
    /// Newest first.
    pub values: Vec<ValueView>,
    /// Older ones that are not listed.
    pub older: usize,
    /// All values there are.
    pub total: usize,
    /// Repeated tests among them.
    pub duplicates: usize,
}

/// Views of trends, in the order given. `all` lists every value; `prefix` makes ids unique.
pub(crate) fn trends(
    t: Text,
    threads: &Threads,
    trends: &[Trend],
    prefix: &str,
    all: bool,
) -> Vec<TrendView> {
    trends
        .iter()
        .enumerate()
        .filter_map(|(i, trend)| view(t, threads, trend, &format!("{prefix}{i}"), all))
        .collect()
}

fn view(t: Text, threads: &Threads, trend: &Trend, id: &str, all: bool) -> Option<TrendView> {
    let mut values: Vec<ValueView> = trend
        .points
        .iter()
        .rev()
        .map(|point| ValueView {
            date: when::date(t, &point.date),
            text: point.text.clone(),
            flag: flag(t, &point.flag),
            origin: one(t, threads, &point.origin),
            duplicate: point.duplicate_of.as_ref().map_or_else(String::new, |of| {
                t.fill(
                    "lab.duplicate",
                    &[
                        ("where", &threads.thread(&of.member).name),
                        ("date", &when::date(t, &of.date)),
                    ],
                )
            }),
        })
        .collect();
    let total = values.len();
    if !all {
        values.truncate(LISTED);
    }
    Some(TrendView {
        title: trend.title.clone(),
        latest: values.first()?.clone(),
        range: range(t, trend),
        chart: chart::trend(t, threads, id, trend).unwrap_or_default(),
        older: total - values.len(),
        values,
        total,
        duplicates: trend
            .points
            .iter()
            .filter(|p| p.duplicate_of.is_some())
            .count(),
    })
}

fn flag(t: Text, flag: &str) -> String {
    match flag {
        "H" | "HH" => t.say("lab.high").to_owned(),
        "L" | "LL" => t.say("lab.low").to_owned(),
        "" | "N" => String::new(),
        _ => t.say("lab.abnormal").to_owned(),
    }
}

fn range(t: Text, trend: &Trend) -> String {
    let (low, high) = (trend.low.map(chart::number), trend.high.map(chart::number));
    let span = match (low, high) {
        (Some(low), Some(high)) => format!("{low}–{high}"),
        (None, Some(high)) => format!("≤ {high}"),
        (Some(low), None) => format!("≥ {low}"),
        (None, None) => return String::new(),
    };
    t.fill("lab.range", &[("span", &span), ("unit", &trend.unit)])
}
