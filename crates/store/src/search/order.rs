//! Orders other than the natural one, as bytes that compare.

use super::Found;
use crate::{dates, engine::Direction, index::ordered};
use fhir::{ResourceType, query::Sort, search::Indexed};

/// Whether the order asked for is that of the index: none, or newest first by the main date alone.
pub(crate) fn is_natural(of: ResourceType, sort: &[Sort]) -> bool {
    match sort {
        [] => true,
        [only] => only.descending && Some(only.parameter.number) == dates::main_parameter(of),
        _ => false,
    }
}

/// The direction, when the order asked for is that of the last change alone.
pub(crate) fn by_change(sort: &[Sort]) -> Option<Direction> {
    match sort {
        [only] if only.parameter.code == "_lastUpdated" => Some(match only.descending {
            true => Direction::Up,
            false => Direction::Down,
        }),
        _ => None,
    }
}

/// The sort key of a match; what has no value comes last, and the natural order decides between equals.
pub(crate) fn key(sort: &[Sort], found: &Found) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    for sort in sort {
        let start = key.len() + 1;
        match value(sort, found) {
            Some(value) => {
                key.push(0);
                key.extend_from_slice(&value);
                if sort.descending {
                    key.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
                }
            }
            None => key.push(1),
        }
    }
    key.extend_from_slice(&found.tail.bytes());
    key
}

fn value(sort: &Sort, found: &Found) -> Option<Vec<u8>> {
    match sort.parameter.code {
        // Stamps follow the clock, and are exact where two versions share a moment.
        "_lastUpdated" => Some(found.card.stamp.to_be_bytes().to_vec()),
        "_id" => {
            let mut id = found.card.id.as_bytes().to_vec();
            id.push(0);
            Some(id)
        }
        _ => {
            let entries = found.card.entries.iter();
            let starts = entries.filter_map(|entry| match entry.value {
                Indexed::Date { from, .. } if entry.number == sort.parameter.number => Some(from),
                _ => None,
            });
            let start = if sort.descending {
                starts.max()
            } else {
                starts.min()
            };
            start.map(|from| ordered(from).to_vec())
        }
    }
}
