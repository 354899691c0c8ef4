//! How the cost of a query grows with the store, over all of its sizes.

use super::report::{Query, Step};
use super::shapes::Shape;
use serde::Serialize;

/// How the cost of a shape grows: 0 is flat, 1 in proportion to the people.
#[derive(Debug, Serialize)]
pub(super) struct Slope {
    pub(super) name: &'static str,
    /// Of the median latency of all clients at once.
    pub(super) p50: f64,
    /// Of the node's work a request.
    pub(super) work: Option<f64>,
    /// Of the node's work over the clients' own in the same seconds: what a shared machine does to both falls out.
    pub(super) beside_clients: Option<f64>,
    /// How many times larger the answer at the last size is than at the first, in bytes.
    pub(super) answer: f64,
    /// Whether its answer is meant to keep its size.
    pub(super) meant_flat: bool,
}

/// An answer that grows by no more than this keeps its size.
const SAME: f64 = 1.25;

impl Slope {
    /// Whether its answer kept its size in this run, so that its cost should not grow.
    pub(super) fn keeps_its_size(&self) -> bool {
        self.meant_flat && (1.0 / SAME..=SAME).contains(&self.answer)
    }
}

/// Of each shape that was measured at two sizes or more.
pub(super) fn slopes(steps: &[Step], shapes: &[Shape]) -> Vec<Slope> {
    shapes
        .iter()
        .filter_map(|shape| {
            let seen: Vec<(f64, &Query)> = steps
                .iter()
                .filter_map(|step| {
                    let query = step.queries.iter().find(|query| query.name == shape.name)?;
                    (query.measure.answered > 0).then_some((step.people as f64, query))
                })
                .collect();
            let over = |cost: fn(&Query) -> f64| {
                let points: Vec<(f64, f64)> = seen.iter().map(|&(n, q)| (n, cost(q))).collect();
                slope(&points)
            };
            let bytes = |query: &Query| query.measure.bytes_per_answer.max(1.0);
            Some(Slope {
                name: shape.name,
                p50: over(|query| query.measure.p50_ms)?,
                work: over(|query| query.measure.node_us),
                beside_clients: over(|query| {
                    query.measure.node_us / query.measure.client_us.max(1e-9)
                }),
                answer: bytes(seen.last()?.1) / bytes(seen.first()?.1),
                meant_flat: shape.flat,
            })
        })
        .collect()
}

/// The slope of the line through `ln y` over `ln x` that lies nearest (least squares). `None` without two different
/// sizes, or where something costs nothing.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.iter().any(|&(x, y)| x <= 0.0 || y <= 0.0) {
        return None;
    }
    let count = points.len() as f64;
    let logs = || points.iter().map(|&(x, y)| (x.ln(), y.ln()));
    let (x_mean, y_mean) = logs().fold((0.0, 0.0), |(x, y), (lx, ly)| {
        (x + lx / count, y + ly / count)
    });
    let (both, own) = logs().fold((0.0, 0.0), |(both, own), (lx, ly)| {
        let off = lx - x_mean;
        (both + off * (ly - y_mean), own + off * off)
    });
    (own > 0.0).then(|| both / own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::store::report::Measure;
    use crate::bench::store::shapes::SHAPES;

    fn step(people: u64, p50_ms: f64, node_us: f64, bytes_per_answer: f64) -> Step {
        let measure = Measure {
            answered: 1,
            p50_ms,
            node_us,
            client_us: node_us / 3.0,
            bytes_per_answer,
            ..Measure::default()
        };
        let query = |shape: &Shape| Query {
            name: shape.name,
            class: shape.class,
            measure: measure.clone(),
            alone: None,
            paced: None,
        };
        Step {
            people,
            queries: SHAPES.iter().map(query).collect(),
            ..Step::default()
        }
    }

    #[test]
    fn a_cost_that_doubles_as_people_quadruple_has_slope_one_half() {
        let found = slopes(
            &[step(1_000, 1.0, 3.0, 10.0), step(4_000, 2.0, 3.0, 11.0)],
            SHAPES,
        );
        assert_eq!(found.len(), SHAPES.len());
        for one in &found {
            assert!((one.p50 - 0.5).abs() < 1e-9 && one.work.unwrap().abs() < 1e-9);
            assert!(one.beside_clients.unwrap().abs() < 1e-9);
            assert!((one.answer - 1.1).abs() < 1e-9);
            assert_eq!(one.keeps_its_size(), one.meant_flat);
        }
        let grown = slopes(
            &[step(1_000, 1.0, 3.0, 10.0), step(4_000, 2.0, 3.0, 20.0)],
            SHAPES,
        );
        assert!(grown.iter().all(|one| !one.keeps_its_size()));
    }

    #[test]
    fn a_slope_is_drawn_through_all_sizes() {
        // One outlier of three is evened out: (1, 1), (4, 4), (16, 4) lies between 1 and 0.
        let found = slope(&[(1.0, 1.0), (4.0, 4.0), (16.0, 4.0)]).unwrap();
        assert!((found - 0.5).abs() < 1e-9, "{found}");
        assert_eq!(slope(&[(4.0, 1.0)]), None);
        assert_eq!(slope(&[(4.0, 1.0), (8.0, 0.0)]), None);
    }

    #[test]
    fn one_size_has_no_slope() {
        assert!(slopes(&[step(1_000, 1.0, 1.0, 1.0)], SHAPES).is_empty());
    }
}
