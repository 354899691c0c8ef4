//! Rows as statements see them: a key without its partition, in one of two tables.

use super::line::{Answer, Prepared};
use crate::{
    Error, Result,
    engine::{BULKY, Batch, Direction, Rows},
};
use std::collections::HashMap;
use tokio_postgres::{Client, Row, types::ToSql};

/// Above every key of a partition.
const END: [u8; 64] = [0xff; 64];
/// Bytes of rows in one statement, about.
const STATEMENT_BYTES: usize = 8 << 20;

/// Where a row is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Spot<'a> {
    pub(super) bulky: bool,
    pub(super) partition: i32,
    pub(super) key: &'a [u8],
}

pub(super) fn spot(key: &[u8]) -> Result<Spot<'_>> {
    let Some((&[high, low], rest)) = key.split_first_chunk::<2>() else {
        return Err(Error::Damaged("a key without a partition".into()));
    };
    Ok(Spot {
        bulky: rest.first().is_some_and(|&family| family >= BULKY),
        partition: i32::from(u16::from_be_bytes([high, low])),
        key: rest,
    })
}

/// Puts or deletes of one table and partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) bulky: bool,
    pub(super) partition: i32,
    pub(super) keys: Vec<&'a [u8]>,
    /// Empty for deletes.
    pub(super) values: Vec<&'a [u8]>,
}

/// A batch as statements: one for each table and partition that it puts rows into, and one for those it deletes from.
pub(super) fn parts(batch: &Batch) -> Result<Vec<Part<'_>>> {
    let mut parts: Vec<(Part<'_>, usize)> = Vec::new();
    for (key, value) in batch {
        let spot = spot(key)?;
        let deletes = value.is_none();
        let same = |(part, bytes): &(Part<'_>, usize)| {
            (part.bulky, part.partition) == (spot.bulky, spot.partition)
                && part.values.is_empty() == deletes
                && *bytes < STATEMENT_BYTES
        };
        let at = match parts.iter().rposition(same) {
            Some(at) => at,
            None => {
                let part = Part {
                    bulky: spot.bulky,
                    partition: spot.partition,
                    keys: Vec::new(),
                    values: Vec::new(),
                };
                parts.push((part, 0));
                parts.len() - 1
            }
        };
        if let Some((part, bytes)) = parts.get_mut(at) {
            part.keys.push(spot.key);
            part.values.extend(value.as_deref());
            *bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        }
    }
    Ok(parts.into_iter().map(|(part, _)| part).collect())
}

impl Part<'_> {
    /// Makes the change.
    pub(super) async fn change(&self, client: &Client, prepared: &Prepared) -> Answer<()> {
        let statements = prepared.on(self.bulky);
        let (partition, keys, values) = (&self.partition, &self.keys, &self.values);
        let done = match values.is_empty() {
            true => client.execute(&statements.delete, &[partition, keys]).await,
            false => {
                client
                    .execute(&statements.put, &[partition, keys, values])
                    .await
            }
        };
        done.map(drop)
    }
}

/// The value of a key.
pub(super) async fn get(
    client: &Client,
    prepared: &Prepared,
    spot: Spot<'_>,
) -> Answer<Option<Vec<u8>>> {
    let statement = &prepared.on(spot.bulky).get;
    let rows = client
        .query(statement, &[&spot.partition, &spot.key])
        .await?;
    rows.first().map(|row| row.try_get(0)).transpose()
}

/// Keys of one table and partition, and where their values go.
type Asked<'a> = ((bool, i32), Vec<(&'a [u8], usize)>);

/// The values of several keys in their order: one statement for each table and partition, all sent at once.
pub(super) async fn get_many(
    client: &Client,
    prepared: &Prepared,
    spots: &[Spot<'_>],
) -> Answer<Vec<Option<Vec<u8>>>> {
    let mut asked: Vec<Asked<'_>> = Vec::new();
    for (at, spot) in spots.iter().enumerate() {
        let place = (spot.bulky, spot.partition);
        match asked.iter_mut().find(|(other, _)| *other == place) {
            Some((_, keys)) => keys.push((spot.key, at)),
            None => asked.push((place, vec![(spot.key, at)])),
        }
    }
    let questions = asked.iter().map(|((bulky, partition), keys)| async move {
        let keys: Vec<&[u8]> = keys.iter().map(|(key, _)| *key).collect();
        let statement = &prepared.on(*bulky).get_many;
        client.query(statement, &[partition, &keys]).await
    });
    let answers = super::socket::together(questions.collect()).await;
    let mut values = vec![None; spots.len()];
    for ((_, keys), answer) in asked.iter().zip(answers) {
        let rows = answer?;
        let mut found: HashMap<&[u8], &[u8]> = HashMap::with_capacity(rows.len());
        for row in &rows {
            found.insert(row.try_get(0)?, row.try_get(1)?);
        }
        for (key, at) in keys {
            if let Some(to) = values.get_mut(*at) {
                *to = found.get(key).map(|value| value.to_vec());
            }
        }
    }
    Ok(values)
}

/// The rows of a range, at most `limit`.
pub(super) async fn scan(
    client: &Client,
    prepared: &Prepared,
    (from, to): (Spot<'_>, Spot<'_>),
    direction: Direction,
    limit: usize,
) -> Answer<Vec<Row>> {
    let statements = prepared.on(from.bulky);
    let statement = match direction {
        Direction::Up => &statements.up,
        Direction::Down => &statements.down,
    };
    // The end of a partition's last family is the next partition's start.
    let end = if to.partition > from.partition {
        &END
    } else {
        to.key
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let asked: [&(dyn ToSql + Sync); 4] = [&from.partition, &from.key, &end, &limit];
    client.query(statement, &asked).await
}

/// Adds rows with their partition before their keys.
pub(super) fn push(found: &[Row], from: &[u8], rows: &mut Rows) -> Answer<()> {
    let mut key = Vec::with_capacity(64);
    for row in found {
        key.clear();
        key.extend_from_slice(from.get(..2).unwrap_or_default());
        key.extend_from_slice(row.try_get(0)?);
        rows.push(&key, row.try_get(1)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_one_statement_for_each_table_partition_and_kind_of_change() {
        let put = |key: &[u8]| (key.to_vec(), Some(vec![9]));
        let batch = Batch::from([
            put(&[0, 1, 1, 1]),
            (vec![0, 1, 1, 2], None),
            put(&[0, 1, 1, 3]),
            put(&[0, 1, BULKY, 1]),
            put(&[1, 0, 1, 1]),
        ]);
        let parts = parts(&batch).unwrap();
        let shape: Vec<(bool, i32, usize, usize)> = parts
            .iter()
            .map(|part| {
                (
                    part.bulky,
                    part.partition,
                    part.keys.len(),
                    part.values.len(),
                )
            })
            .collect();
        assert_eq!(
            shape,
            [
                (false, 1, 2, 2),
                (false, 1, 1, 0),
                (true, 1, 1, 1),
                (false, 256, 1, 1)
            ]
        );
        assert_eq!(parts[0].keys, [&[1, 1], &[1, 3]]);
    }
    #[test]
    fn large_rows_go_in_several_statements() {
        let batch: Batch = (0..5)
            .map(|n| (vec![0, 1, BULKY, n], Some(vec![n; STATEMENT_BYTES / 2])))
            .collect();
        let sizes: Vec<usize> = parts(&batch)
            .unwrap()
            .iter()
            .map(|part| part.keys.len())
            .collect();
        assert_eq!(sizes, [2, 2, 1]);
    }
}
