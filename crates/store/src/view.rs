//! What a commit in the making sees: the last snapshot with its own changes over it.

use crate::{
    Result,
    engine::{Batch, Direction, Rows, Snapshot},
};
use std::ops::Bound;

/// A snapshot with a layer of changes.
pub(crate) struct View<'a> {
    pub(crate) base: &'a dyn Snapshot,
    pub(crate) layer: &'a Batch,
}

impl Snapshot for View<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.layer.get(key) {
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
        let range = (Bound::Included(from), Bound::Excluded(to));
        let own = self.layer.range::<[u8], _>(range);
        let mut own: Vec<_> = own.collect();
        if own.is_empty() {
            return self.base.scan(from, to, direction, limit, rows);
        }
        if direction == Direction::Down {
            own.reverse();
        }
        // Each of our rows can hide at most one below.
        let mut below = Rows::default();
        self.base.scan(
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
        let view = View {
            base: base.as_ref(),
            layer: &layer,
        };
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
}
