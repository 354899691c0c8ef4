//! Small charts of one value over time, drawn as SVG on the server: the reference range as a band, each point in its
//! institution's colour, a test that was done twice marked with a second ring. The numbers stand beside it in a table.

use crate::text::Text;
use crate::threads::Threads;
use crate::weave::escape;
use crate::when;
use living::Trend;
use std::fmt::Write;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 112.0;
const LEFT: f64 = 34.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 20.0;
/// Newest points drawn; more would be a smear at this size.
pub(crate) const MOST: usize = 48;

/// Days since year 0 of a FHIR date; a month stands at its middle.
fn days(date: &str) -> Option<f64> {
    let mut parts = date.get(..10).unwrap_or(date).split('-');
    let year: i16 = parts.next()?.parse().ok()?;
    let month: i8 = parts.next().map_or(Some(7), |m| m.parse().ok())?;
    let day: i8 = parts.next().map_or(Some(15), |d| d.parse().ok())?;
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    Some(f64::from(year) * 365.25 + f64::from(date.day_of_year()))
}

/// Numbers as short as they can be told: `7.4`, `112`.
pub(crate) fn number(value: f64) -> String {
    if value.abs() >= 100.0 {
        format!("{value:.0}")
    } else {
        let text = format!("{value:.1}");
        text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
    }
}

struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn at(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        let share = if span.abs() < f64::EPSILON {
            0.5
        } else {
            (value - self.from) / span
        };
        self.start + share * (self.end - self.start)
    }
}

/// The chart of a trend, or nothing when fewer than two points can be placed. `id` makes its title's id unique.
pub(crate) fn trend(t: Text, threads: &Threads, id: &str, trend: &Trend) -> Option<String> {
    let mut points: Vec<(f64, f64, &living::Point)> = trend
        .points
        .iter()
        .filter_map(|p| Some((days(&p.date)?, p.value.filter(|v| v.is_finite())?, p)))
        .collect();
    let skip = points.len().saturating_sub(MOST);
    points.drain(..skip);
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return None;
    }
    let values = points.iter().map(|p| p.1);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let (from, to) = frame(low, high, trend.low, trend.high);
    let x = Scale {
        from: first.0,
        to: last.0,
        start: LEFT + 6.0,
        end: WIDTH - RIGHT - 6.0,
    };
    let y = Scale {
        from,
        to,
        start: HEIGHT - BOTTOM,
        end: TOP,
    };

    let mut body = String::new();
    band(&mut body, &y, from, to, trend);
    axes(&mut body, &y, low, high);
    let _ = write!(
        body,
        "<text x=\"{LEFT}\" y=\"{:.0}\">{}</text><text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
        HEIGHT - 4.0,
        escape(&when::date(t, &first.2.date)),
        WIDTH - RIGHT,
        HEIGHT - 4.0,
        escape(&when::date(t, &last.2.date)),
    );
    let line: Vec<String> = points
        .iter()
        .map(|p| format!("{:.1} {:.1}", x.at(p.0), y.at(p.1)))
        .collect();
    let _ = write!(body, "<path class=\"trend\" d=\"M{}\"/>", line.join("L"));
    for (when, value, point) in &points {
        let (cx, cy) = (x.at(*when), y.at(*value));
        let class = threads.thread(&point.origin.member).class;
        if point.duplicate_of.is_some() {
            let _ = write!(
                body,
                "<circle class=\"twice\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"7.5\"/>"
            );
        }
        let _ = write!(
            body,
            "<circle class=\"dot {class}\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"4.2\"/>"
        );
    }
    let describe = t.fill(
        "chart.describe",
        &[
            ("n", &points.len().to_string()),
            ("from", &when::date(t, &first.2.date)),
            ("to", &when::date(t, &last.2.date)),
            ("first", &first.2.text),
            ("last", &last.2.text),
            ("low", &number(low)),
            ("high", &number(high)),
        ],
    );
    Some(format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{body}</svg>",
        escape(&trend.title),
        escape(&describe)
    ))
}

/// The range drawn: all values and the near edge of the reference range, with a little air.
fn frame(low: f64, high: f64, ref_low: Option<f64>, ref_high: Option<f64>) -> (f64, f64) {
    let span = (high - low).max(high.abs() * 0.1).max(0.1);
    let mut from = low;
    let mut to = high;
    for edge in [ref_low, ref_high].into_iter().flatten() {
        // An edge far away would flatten the line; it is then told in words only.
        if edge > low - 1.5 * span && edge < high + 1.5 * span {
            from = from.min(edge);
            to = to.max(edge);
        }
    }
    let air = ((to - from) * 0.08).max(span * 0.05);
    (from - air, to + air)
}

fn band(body: &mut String, y: &Scale, from: f64, to: f64, trend: &Trend) {
    if trend.low.is_none() && trend.high.is_none() {
        return;
    }
    let low = trend.low.unwrap_or(from).max(from);
    let high = trend.high.unwrap_or(to).min(to);
    if low >= high {
        return;
    }
    let (top, bottom) = (y.at(high), y.at(low));
    let _ = write!(
        body,
        "<rect class=\"band\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        WIDTH - LEFT - RIGHT,
        bottom - top
    );
}

fn axes(body: &mut String, y: &Scale, low: f64, high: f64) {
    let _ = write!(
        body,
        "<path class=\"axis\" d=\"M{LEFT} {TOP}V{base:.0}H{:.0}\"/>",
        WIDTH - RIGHT,
        base = HEIGHT - BOTTOM
    );
    let mut label = |value: f64| {
        let _ = write!(
            body,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 5.0,
            y.at(value) + 3.5,
            number(value)
        );
    };
    label(high);
    if (y.at(low) - y.at(high)).abs() > 12.0 {
        label(low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use living::{Origin, Point};
    use trust::Lang;

    fn point(date: &str, value: f64) -> Point {
        Point {
            date: date.into(),
            value: Some(value),
            text: format!("{value} %"),
            flag: String::new(),
            origin: Origin {
                member: "imss".into(),
                date: date.into(),
                reference: String::new(),
            },
            duplicate_of: None,
        }
    }
    fn drawn(points: Vec<Point>) -> Option<String> {
        let trend = Trend {
            title: "HbA1c <b>".into(),
            code: String::new(),
            unit: "%".into(),
            low: Some(4.0),
            high: Some(5.6),
            points,
        };
        super::trend(
            Text::of(Lang::Es),
            &Threads::new([("imss", "IMSS")]),
            "x",
            &trend,
        )
    }

    #[test]
    fn a_chart_has_title_description_band_and_every_point() {
        let svg = drawn(vec![
            point("2022-01-10", 8.1),
            point("2023", 7.4),
            point("2024-05", 6.9),
        ])
        .unwrap();
        assert!(svg.contains("<title id=\"x-t\">HbA1c &lt;b&gt;</title>"));
        assert!(svg.contains("class=\"band\""));
        assert_eq!(svg.matches("class=\"dot h1\"").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
    #[test]
    fn one_point_is_no_trend_and_equal_points_still_draw() {
        assert_eq!(drawn(vec![point("2022-01-10", 8.1)]), None);
        assert_eq!(
            drawn(vec![point("junk", 8.1), point("2022", f64::NAN)]),
            None
        );
        let flat = drawn(vec![point("2022-01-10", 0.0), point("2022-01-10", 0.0)]).unwrap();
        assert!(!flat.contains("NaN"));
    }
}
