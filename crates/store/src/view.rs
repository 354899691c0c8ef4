//! What a commit in the making sees: the last snapshot, the changes of the requests before it, and its own over them.

use crate::{
    Result,
    engine::{Batch, Direction, Rows, Snapshot},
};
use std::{collections::BTreeMap, ops::Bound};

/// Layers kept apart at most; a row is looked for in each.
const APART: usize = 16;

/// The changes of the requests of a group, each over those before it. To put them into one map as they come would move
/// every row many times.
#[derive(Default)]
pub(crate) struct Layers {
    layers: Vec<Batch>,
    rows: usize,
}

impl Layers {
    /// Lays the changes of one more request over the others.
    pub(crate) fn push(&mut self, layer: Batch) {
        if layer.is_empty() {
            return;
        }
        self.rows += layer.len();
        self.layers.push(layer);
        if self.layers.len() > APART {
            let all = std::mem::take(self).together();
            *self = Layers {
                rows: all.len(),
                layers: vec![all],
            };
        }
    }
    /// Rows in all layers.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }
    /// All changes as one: of those to the same row the last.
    pub(crate) fn together(mut self) -> Batch {
        match self.layers.len() {
            0 | 1 => self.layers.pop().unwrap_or_default(),
            // Runs that are in order are merged, not sorted.
            _ => self.layers.into_iter().flatten().collect(),
        }
    }
    /// A snapshot under these changes.
    pub(crate) fn over<'a>(&'a self, base: &'a dyn Snapshot) -> Layered<'a> {
        Layered {
            base,
            layers: &self.layers,
        }
    }
}

/// A snapshot under changes: those of a group's requests so far, or of one request.
pub(crate) struct Layered<'a> {
    base: &'a dyn Snapshot,
    layers: &'a [Batch],
}

impl<'a> Layered<'a> {
    /// Under the changes of one request.
    pub(crate) fn one(base: &'a dyn Snapshot, layer: &'a Batch) -> Layered<'a> {
        Layered {
            base,
            layers: std::slice::from_ref(layer),
        }
    }
}

impl Snapshot for Layered<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.layers.iter().rev().find_map(|layer| layer.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        limit: usize,
        rows: &mut Rows,
    ) -> Result<()> {
        if from >= to {
            return Ok(());
        }
        let layers = self.layers.iter();
        let own: BTreeMap<_, _> = layers
            .flat_map(|layer| layer.range::<[u8], _>(within(from, to)))
            .collect();
        let own = own.into_iter().collect();
        over(self.base, own, (from, to), direction, limit, rows)
    }
}

fn within<'a>(from: &'a [u8], to: &'a [u8]) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
    (Bound::Included(from), Bound::Excluded(to))
}

/// Appends what is below with changes over it, which are given in the order of their keys.
fn over(
    base: &dyn Snapshot,
    mut own: Vec<(&Vec<u8>, &Option<Vec<u8>>)>,
    (from, to): (&[u8], &[u8]),
    direction: Direction,
    limit: usize,
    rows: &mut Rows,
) -> Result<()> {
    if own.is_empty() {
        return base.scan(from, to, direction, limit, rows);
    }
    if direction == Direction::Down {
        own.reverse();
    }
    // Each of our rows can hide at most one below.
    let mut below = Rows::default();
    base.scan(
        from,
        to,
        direction,
        limit.saturating_add(own.len()),
        &mut below,
    )?;
    let first = |a: &[u8], b: &[u8]| match direction {
        Direction::Up => a < b,
        Direction::Down => a > b,
    };
    let mut below = below.iter().peekable();
    let mut own = own.into_iter().peekable();
    let mut given = 0;
    while given < limit {
        let lower = match (below.peek(), own.peek()) {
            (Some((low, _)), Some((high, _))) => first(low, high),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if lower {
            if let Some((key, value)) = below.next() {
                rows.push(key, value);
                given += 1;
            }
        } else if let Some((key, value)) = own.next() {
            if below.peek().is_some_and(|(low, _)| low == key) {
                below.next();
            }
            if let Some(value) = value {
                rows.push(key, value);
                given += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Memory};

    #[test]
    fn the_layer_hides_adds_and_replaces() {
        let memory = Memory::default();
        let row = |key: &str, value: Option<&str>| {
            (
                key.as_bytes().to_vec(),
                value.map(|v| v.as_bytes().to_vec()),
            )
        };
        memory
            .commit(&Batch::from([
                row("a", Some("1")),
                row("b", Some("2")),
                row("d", Some("4")),
            ]))
            .unwrap();
        let base = memory.snapshot().unwrap();
        let layer = Batch::from([row("b", None), row("c", Some("3")), row("d", Some("5"))]);
        let view = Layered::one(base.as_ref(), &layer);
        let seen = |direction, limit| {
            let mut rows = Rows::default();
            view.scan(b"a", b"z", direction, limit, &mut rows).unwrap();
            rows.iter()
                .map(|(k, v)| format!("{}{}", k[0] as char, v[0] as char))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(seen(Direction::Up, 9), "a1 c3 d5");
        assert_eq!(seen(Direction::Down, 2), "d5 c3");
        assert_eq!(view.get(b"b").unwrap(), None);
    }

    #[test]
    fn of_many_layers_the_last_counts_apart_and_together() {
        let memory = Memory::default();
        let key = |n: usize| vec![b'k', n as u8];
        let below = Batch::from([(key(0), Some(b"below".to_vec()))]);
        memory.commit(&below).unwrap();
        let base = memory.snapshot().unwrap();
        let mut layers = Layers::default();
        let mut model = below;
        // Each request changes three rows of ten, puts them or takes them away; more requests than layers stay apart.
        for n in 0..3 * APART {
            let layer: Batch = (0..3)
                .map(|i| {
                    let value = (n % 4 > 0).then(|| n.to_string().into_bytes());
                    (key((n * 3 + i * 7) % 10), value)
                })
                .collect();
            model.extend(layer.clone());
            layers.push(layer);
            layers.push(Batch::new());
            let seen = layers.over(base.as_ref());
            for n in 0..10 {
                let wanted = model.get(&key(n)).cloned().flatten();
                assert_eq!(seen.get(&key(n)).unwrap(), wanted);
            }
            let mut rows = Rows::default();
            let all = (b"k".as_slice(), b"l".as_slice());
            seen.scan(all.0, all.1, Direction::Down, 4, &mut rows)
                .unwrap();
            let there = model.iter().rev();
            let there = there.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
            let rows = rows
                .iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()));
            assert!(rows.eq(there.take(4)));
        }
        assert!(layers.layers.len() <= APART);
        let whole = layers.together();
        assert!(
            model
                .iter()
                .filter(|(key, _)| whole.contains_key(*key))
                .eq(&whole)
        );
    }
}
