//! A code and a range beside it: what the first page costs for a common code and for one that is a hundred times rarer.
//!
//! The ranges are chosen by asking how many match: each is widened around a value that was really measured until a page
//! can be filled, so that both codes give answers of the same size, and only what lies around them differs.

use super::bench::Bench;
use super::client::{Ask, Single};
use super::report::{Figure, Measure};
use super::samples::{Coded, Measured, OfCode};
use super::shapes::encoded;
use crate::{Error, out};
use jiff::ToSpan;
use jiff::civil::Date;

/// Matches of a first page.
const PAGE: u64 = 20;
/// Ranges that are asked about for each code, and in a trial.
const RANGES: [usize; 2] = [12, 1];
/// Work may differ by this and still be flat.
const FLAT: f64 = 1.25;
/// How far a range reaches to both sides: days, and shares of the value.
const DAYS: [i32; 11] = [0, 1, 3, 7, 15, 30, 60, 180, 720, 3_600, 30_000];
const SHARES: [f64; 9] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2.0];

/// What stands beside the code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Second {
    Date,
    Quantity,
}

impl Second {
    fn name(self) -> &'static str {
        match self {
            Second::Date => "date",
            Second::Quantity => "quantity",
        }
    }
    fn widths(self) -> usize {
        match self {
            Second::Date => DAYS.len(),
            Second::Quantity => SHARES.len(),
        }
    }
    /// The search around a measured value, so wide; as after `/fhir/`.
    fn search(self, one: &Measured, width: usize) -> Option<String> {
        let code = encoded(&one.code);
        Some(match self {
            Second::Date => {
                let day: Date = one.date.parse().ok()?;
                let reach = DAYS.get(width)?.days();
                let (from, to) = (day.saturating_sub(reach), day.saturating_add(reach));
                format!("Observation?code={code}&date=ge{from}&date=le{to}")
            }
            Second::Quantity => {
                let reach = one.value.abs() * SHARES.get(width)?;
                let unit = encoded(&one.unit);
                format!(
                    "Observation?code={code}&value-quantity=ge{:.4}%7C%7C{unit}&value-quantity=le{:.4}%7C%7C{unit}",
                    one.value - reach,
                    one.value + reach
                )
            }
        })
    }
}

/// Searches for one code, and how many match one of them on average.
struct Ranges {
    paths: Vec<String>,
    matches: f64,
}

/// Widens a range around each of some values until a page is full; `count` says how many match.
fn ranges(
    second: Second,
    some: &[Measured],
    count: &mut dyn FnMut(&str) -> Result<u64, Error>,
) -> Result<Ranges, Error> {
    let (mut paths, mut all) = (Vec::new(), 0);
    let mut start = 0;
    for one in some {
        let mut found = None;
        // The one before tells about where to begin.
        for width in start..second.widths() {
            let Some(path) = second.search(one, width) else {
                break;
            };
            let matches = count(&path)?;
            found = Some((path, matches));
            if matches >= PAGE {
                start = width.saturating_sub(1);
                break;
            }
        }
        if let Some((path, matches)) = found {
            paths.push(format!("/fhir/{path}&_count={PAGE}"));
            all += matches;
        }
    }
    let matches = all as f64 / paths.len().max(1) as f64;
    Ok(Ranges { paths, matches })
}

/// What came of one code.
struct Of {
    hits: u64,
    matches: f64,
    together: Measure,
    alone: Measure,
}

impl Bench {
    /// Code and date, code and quantity: a common code and a rare one.
    pub(super) fn flatness(&self) -> Result<Vec<Figure>, Error> {
        let samples = self.samples();
        let Some([common, rare]) = samples.common_and_rare() else {
            return Ok(Vec::new());
        };
        let mut figures = Vec::new();
        for second in [Second::Date, Second::Quantity] {
            let rare = self.of(second, rare)?;
            let common = self.of(second, common)?;
            figures.extend(told(second, &common, &rare));
        }
        Ok(figures)
    }

    fn of(&self, second: Second, one: OfCode<'_>) -> Result<Of, Error> {
        let OfCode { code, seen } = one;
        let Coded { some, .. } = seen;
        let [all, few] = RANGES;
        let wanted = if self.args.trial() { few } else { all };
        let some = some.get(..wanted).unwrap_or(some);
        let mut single = Single::open(&self.target)?;
        let hits = single.count(&format!("Observation?code={}", encoded(code)))?;
        let Ranges { paths, matches } = ranges(second, some, &mut |path| single.count(path))?;
        let asked = |clients: usize| {
            let paths = paths.clone();
            self.measured(clients, move |n| {
                let at = usize::try_from(n).ok()?.checked_rem(paths.len())?;
                Some(Ask::get(paths.get(at)?.as_str()))
            })
        };
        let of = Of {
            hits,
            matches,
            alone: asked(1)?,
            together: asked(self.args.clients)?,
        };
        let what = format!(
            "code of {} hits and {} range, {matches:.0} match",
            out::count(hits),
            second.name()
        );
        of.together.say(&what);
        of.alone.say("  one client");
        Ok(of)
    }
}

fn told(second: Second, common: &Of, rare: &Of) -> [Figure; 2] {
    let name = second.name();
    let hits = format!(
        "{} hits of the code, {:.0} in the range; a code of {} hits, {:.0} in the range",
        out::count(common.hits),
        common.matches,
        out::count(rare.hits),
        rare.matches
    );
    let page = Figure::plain(
        format!("code and {name} range, first page p99, the commonest code"),
        common.together.p99_ms,
        "ms",
        format!("{hits}: {:.2} ms", rare.together.p99_ms),
    );
    let fold = common.hits as f64 / rare.hits.max(1) as f64;
    let work = Figure::plain(
        format!("code and {name} range, work of {fold:.0}fold the hits over that of the rare code"),
        common.together.node_us / rare.together.node_us.max(1e-9),
        "x",
        format!(
            "{:.0} us against {:.0} us of the node; one client p50 {:.2} ms against {:.2} ms; answers of {} and {}",
            common.together.node_us,
            rare.together.node_us,
            common.alone.p50_ms,
            rare.alone.p50_ms,
            out::bytes(common.together.bytes_per_answer as u64),
            out::bytes(rare.together.bytes_per_answer as u64)
        ),
    );
    [
        page.at_most(20.0).alone(Some(&common.alone)),
        work.at_most(FLAT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64) -> Measured {
        Measured {
            code: "s|c".into(),
            subject: String::new(),
            date: "2024-05-06".into(),
            value,
            unit: "mg/dL".into(),
        }
    }

    #[test]
    fn a_range_reaches_to_both_sides_of_what_was_measured() {
        let search = |second: Second, width| second.search(&measured(90.0), width).unwrap();
        assert_eq!(
            search(Second::Date, 2),
            "Observation?code=s%7Cc&date=ge2024-05-03&date=le2024-05-09"
        );
        assert_eq!(
            search(Second::Quantity, 5),
            "Observation?code=s%7Cc&value-quantity=ge81.0000%7C%7Cmg/dL&value-quantity=le99.0000%7C%7Cmg/dL"
        );
    }

    #[test]
    fn ranges_are_widened_until_a_page_is_full_and_no_further() {
        let mut asked = Vec::new();
        // Seven a day.
        let mut count = |path: &str| {
            asked.push(path.to_owned());
            let day = |mark: &str| -> Date {
                let at = path.find(mark).unwrap() + mark.len();
                path[at..at + 10].parse().unwrap()
            };
            let days = day("date=ge").until(day("date=le")).unwrap().get_days();
            Ok(7 * (days as u64 + 1))
        };
        let found = ranges(Second::Date, &[measured(1.0), measured(2.0)], &mut count).unwrap();
        assert_eq!((found.paths.len(), found.matches), (2, 21.0));
        assert!(found.paths[0].contains("ge2024-05-05&date=le2024-05-07&_count=20"));
        assert_eq!(asked.len(), 4);
    }
}
