//! Laboratory and vital values over time, with tests that were done again elsewhere too soon.

use crate::group::{by_shared_keys, word_key};
use crate::read::{codes, date_of, day_number, quantity, void, words};
use crate::weave::REPEAT_DAYS;
use crate::{Origin, Point, Sourced, Trend};
use fhir::Value;

/// One value of one observation (or of a component of it).
struct Reading {
    title: String,
    keys: Vec<String>,
    code: String,
    unit: String,
    low: Option<f64>,
    high: Option<f64>,
    vital: bool,
    point: Point,
}

/// (laboratory, vitals), each trend's points oldest first; trends with the newest value first.
pub(crate) fn trends(parts: &[Sourced]) -> (Vec<Trend>, Vec<Trend>) {
    let readings: Vec<Reading> = parts.iter().flat_map(readings).collect();
    let keys: Vec<Vec<String>> = readings.iter().map(|r| r.keys.clone()).collect();
    let (mut laboratory, mut vitals) = (Vec::new(), Vec::new());
    for group in by_shared_keys(&keys) {
        let mut group: Vec<&Reading> = group.into_iter().filter_map(|i| readings.get(i)).collect();
        group.sort_by(|a, b| {
            a.point
                .date
                .cmp(&b.point.date)
                .then_with(|| a.point.origin.member.cmp(&b.point.origin.member))
        });
        let Some(newest) = group.last() else { continue };
        let mut trend = Trend {
            title: newest.title.clone(),
            code: newest.code.clone(),
            unit: newest.unit.clone(),
            low: group.iter().rev().find_map(|r| r.low),
            high: group.iter().rev().find_map(|r| r.high),
            points: group.iter().map(|r| r.point.clone()).collect(),
        };
        if newest.vital {
            vitals.push(trend);
        } else {
            mark_repeats(&mut trend.points);
            laboratory.push(trend);
        }
    }
    for list in [&mut laboratory, &mut vitals] {
        let newest = |t: &Trend| t.points.last().map(|p| p.date.clone()).unwrap_or_default();
        list.sort_by(|a, b| {
            newest(b)
                .cmp(&newest(a))
                .then_with(|| a.title.cmp(&b.title))
        });
    }
    (laboratory, vitals)
}

/// Marks each value that another institution had measured at most [`REPEAT_DAYS`] before.
fn mark_repeats(points: &mut [Point]) {
    let earlier: Vec<(Option<i64>, Origin)> = points
        .iter()
        .map(|p| (day_number(&p.date), p.origin.clone()))
        .collect();
    for (i, point) in points.iter_mut().enumerate() {
        let Some(day) = day_number(&point.date) else {
            continue;
        };
        let before = earlier.iter().take(i).rev();
        point.duplicate_of = before
            .take_while(|(d, _)| d.is_none_or(|d| day - d <= REPEAT_DAYS))
            .find(|(d, origin)| d.is_some() && origin.member != point.origin.member)
            .map(|(_, origin)| origin.clone());
    }
}

fn readings(part: &Sourced) -> Vec<Reading> {
    let observation = &part.resource;
    if observation.text("resourceType") != Some("Observation") || void(observation) {
        return Vec::new();
    }
    let categories: Vec<String> = observation
        .list("category")
        .iter()
        .flat_map(|c| c.list("coding"))
        .filter_map(|c| Some(c.text("code")?.to_owned()))
        .collect();
    let vital = categories.iter().any(|c| c == "vital-signs");
    // Surveys and social history are not values to draw; they stay on the time line.
    if categories
        .iter()
        .any(|c| c == "survey" || c == "social-history")
    {
        return Vec::new();
    }
    let date = date_of(observation);
    let one = |holder: &Value| reading(part, holder, &date, vital);
    let components = observation.list("component").iter().filter_map(one);
    one(observation).into_iter().chain(components).collect()
}

fn reading(part: &Sourced, holder: &Value, date: &str, vital: bool) -> Option<Reading> {
    let concept = holder.get("code")?;
    let (value, text, unit) = match (
        holder.get("valueQuantity"),
        holder.get("valueCodeableConcept"),
        holder.text("valueString"),
    ) {
        (Some(q), _, _) => {
            let unit = q
                .text("unit")
                .or_else(|| q.text("code"))
                .unwrap_or_default()
                .to_owned();
            (q.get("value").and_then(Value::as_f64), quantity(q), unit)
        }
        (_, Some(concept), _) => (None, words(concept), String::new()),
        (_, _, Some(text)) => (None, text.to_owned(), String::new()),
        _ => return None,
    };
    let title = words(concept);
    // Values in different units never share a line: the unit is part of every key.
    let unit_key = |key: String| format!("{key}|{unit}");
    let found = codes(concept);
    let code = found.first().cloned().unwrap_or_default();
    let keys = if found.is_empty() {
        vec![unit_key(word_key(&title))]
    } else {
        found.into_iter().map(unit_key).collect()
    };
    let range = holder.path("referenceRange.0");
    let bound = |which: &str| range?.path(which)?.get("value")?.as_f64();
    let (low, high) = (bound("low"), bound("high"));
    let flag = match holder.text("interpretation.0.coding.0.code") {
        Some(flag) if flag != "N" => flag.to_owned(),
        Some(_) => String::new(),
        None => match value {
            Some(v) if low.is_some_and(|low| v < low) => "L".to_owned(),
            Some(v) if high.is_some_and(|high| v > high) => "H".to_owned(),
            _ => String::new(),
        },
    };
    let point = Point {
        date: date.to_owned(),
        value,
        text,
        flag,
        origin: Origin::of(part, date),
        duplicate_of: None,
    };
    Some(Reading {
        title,
        keys,
        code,
        unit,
        low,
        high,
        vital,
        point,
    })
}
