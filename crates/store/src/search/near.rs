//! `near`: the squares of the grid that cover a circle on the earth.

use super::access::Range;
use crate::{
    index::{morton, step},
    keys::{Key, after},
};

/// Kilometres of one degree of latitude, at least.
const DEGREE_KM: f64 = 110.5;
/// Squares along one side at most.
const SQUARES: u16 = 4;

/// The ranges of keys in which everything within so many kilometres of a place stands, and some that is further.
pub(crate) fn ranges(start: &Key, lat: f64, lon: f64, km: f64) -> Vec<Range> {
    let up = km / DEGREE_KM;
    let (south, north) = ((lat - up).max(-90.0), (lat + up).min(90.0));
    // Meridians are closest together at the end nearer to a pole; past it all of them are near.
    let narrowest = south.abs().max(north.abs()).to_radians().cos();
    let side = up / narrowest.max(1e-9);
    let across = match side < 180.0 && lat - up > -90.0 && lat + up < 90.0 {
        false => vec![(-180.0, 180.0)],
        true => {
            let (west, east) = (lon - side, lon + side);
            match (west < -180.0, east > 180.0) {
                (true, _) => vec![(-180.0, east), (west + 360.0, 180.0)],
                (_, true) => vec![(west, 180.0), (-180.0, east - 360.0)],
                _ => vec![(west, east)],
            }
        }
    };
    let rows = (step(south, 90.0), step(north, 90.0));
    let mut found = Vec::new();
    for (west, east) in across {
        let columns = (step(west, 180.0), step(east, 180.0));
        found.extend(squares(rows, columns).map(|(first, last)| Range {
            from: start.clone().bytes(&first.to_be_bytes()).done(),
            to: after(&start.clone().bytes(&last.to_be_bytes()).done()),
            skip: start.0.len(),
            proves: false,
        }));
    }
    found
}

/// The first and last cells of the squares that cover a field of cells.
fn squares(rows: (u16, u16), columns: (u16, u16)) -> impl Iterator<Item = (u32, u32)> {
    let bits = (0..16)
        .find(|bits| {
            let wide = |(first, last): (u16, u16)| (last >> bits).saturating_sub(first >> bits);
            wide(rows) < SQUARES && wide(columns) < SQUARES
        })
        .unwrap_or(15);
    let sides = move |(first, last): (u16, u16)| first >> bits..=last >> bits;
    sides(rows).flat_map(move |row| {
        sides(columns).map(move |column| {
            let first = morton(row << bits, column << bits);
            (first, first | ((1u64 << (2 * bits)) - 1) as u32)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::cell;

    #[test]
    fn what_is_near_stands_in_a_square_also_across_the_date_line_and_at_the_pole() {
        for (lat, lon, km, other) in [
            (19.43, -99.13, 5.0, (19.45, -99.10)),
            (19.43, -99.13, 500.0, (20.97, -101.0)),
            (-17.0, 179.9, 50.0, (-17.1, -179.9)),
            (-17.0, -179.95, 50.0, (-17.1, 179.9)),
            (89.9, 10.0, 100.0, (89.9, -170.0)),
            (0.0, 0.0, 20_100.0, (-45.0, 170.0)),
        ] {
            let found = ranges(&Key(vec![7]), lat, lon, km);
            assert!(found.len() <= 2 * 16, "{}", found.len());
            let mut key = vec![7];
            key.extend_from_slice(&cell(other.0, other.1).to_be_bytes());
            let inside = found
                .iter()
                .any(|range| range.from <= key && key < range.to);
            assert!(inside, "{lat} {lon} {km}");
        }
    }
}
