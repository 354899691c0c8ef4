//! For measuring: a schema of its own in a database, and what the server does with an archive's rows when there is
//! nothing but it: `COPY` and `INSERT` into tables of the same shape.
//!
//! Nothing outside of the schema is read or written; the schema goes with its [`Scratch`].

use super::{
    line::{Answer, Line},
    rows::spot,
    settings::{Address, PostgresSettings},
    socket::together,
};
use crate::{Error, Result, engine::Recording};
use std::{
    collections::HashMap,
    pin::pin,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, binary_copy::BinaryCopyInWriter, types::Type};

/// How long one statement may take here.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Statements that are sent before the first of their answers is read.
const AHEAD: usize = 100;
const TYPES: [Type; 3] = [Type::INT4, Type::BYTEA, Type::BYTEA];

/// A schema that lasts as long as this value.
pub struct Scratch {
    settings: PostgresSettings,
    schema: String,
}

/// What the server alone did with the rows of a recording.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    /// Rows that are there in the end: of a key that was written several times one, of a deleted one none.
    pub rows: u64,
    /// All of them by binary `COPY`, one transaction.
    pub copy: Duration,
    /// By one `INSERT` a row, many sent ahead of their answers; as many transactions as the archive made commits.
    pub insert: Duration,
}

/// A row and the commit that first brought it.
struct Row {
    group: usize,
    bulky: bool,
    partition: i32,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl Scratch {
    /// Makes an empty schema; an error when there is one of that name.
    pub fn make(settings: PostgresSettings, schema: &str) -> Result<Scratch> {
        let settings = PostgresSettings {
            schema: Some(schema.to_owned()),
            statement_time: PATIENCE,
            ..settings
        };
        write(&settings, &format!("create schema {schema}"))?;
        Ok(Scratch {
            settings,
            schema: schema.to_owned(),
        })
    }

    /// Bytes of the archive's tables in the schema, indexes included, as the server has them now.
    pub fn bytes(&self) -> Result<u64> {
        let sizes = "select (pg_total_relation_size('tejido_row') + pg_total_relation_size('tejido_bulk'))::int8";
        let bytes: i64 = connect(&self.settings)?
            .ask(async |client| client.query_one(sizes, &[]).await?.try_get(0))?;
        Ok(bytes.unsigned_abs())
    }

    /// Writes the rows of a recording into new tables of the shape of the archive's, which must be there. The tables of
    /// the last time are dropped first.
    pub fn plain(&self, recording: &Recording) -> Result<Plain> {
        let rows = last(recording)?;
        let mut line = connect(&self.settings)?;
        let mut timed = |name: &str, how: &dyn Fn(&mut Line) -> Result<()>| {
            let tables = format!(
                "begin read write;
                 drop table if exists {name}_row, {name}_bulk;
                 create table {name}_row (like tejido_row including all);
                 create table {name}_bulk (like tejido_bulk including all);
                 commit"
            );
            line.ask(async |client| client.batch_execute(&tables).await)?;
            let started = Instant::now();
            how(&mut line)?;
            Ok::<_, Error>(started.elapsed())
        };
        Ok(Plain {
            rows: rows.len() as u64,
            copy: timed("copied", &|line| {
                line.ask(async |client| copy(client, &rows).await)
            })?,
            insert: timed("inserted", &|line| {
                line.ask(async |client| insert(client, &rows).await)
            })?,
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let dropped = write(
            &self.settings,
            &format!("drop schema {} cascade", self.schema),
        );
        if let Err(error) = dropped {
            tracing::warn!(%error, schema = self.schema, "a schema that is needed no more is left in the database");
        }
    }
}

fn connect(settings: &PostgresSettings) -> Result<Line> {
    let settings = PostgresSettings {
        statement_time: PATIENCE,
        ..settings.clone()
    };
    Line::connect(&Address::check(settings)?)
}

fn write(settings: &PostgresSettings, statement: &str) -> Result<()> {
    let text = format!("begin read write; set local lock_timeout = '20s'; {statement}; commit");
    connect(settings)?.ask(async |client| client.batch_execute(&text).await)
}

/// The rows that are there after the last commit, in the order in which their keys first came.
fn last(recording: &Recording) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut places = HashMap::new();
    for (group, batch) in recording.groups().enumerate() {
        for (key, value) in batch {
            if let Some(row) = places.get(&key).and_then(|&at: &usize| rows.get_mut(at)) {
                row.value = value;
                continue;
            }
            let spot = spot(&key)?;
            rows.push(Row {
                group,
                bulky: spot.bulky,
                partition: spot.partition,
                key: spot.key.to_vec(),
                value,
            });
            places.insert(key, rows.len() - 1);
        }
    }
    rows.retain(|row| row.value.is_some());
    Ok(rows)
}

async fn copy(client: &Client, rows: &[Row]) -> Answer<()> {
    client.batch_execute("begin read write").await?;
    for (table, bulky) in [("copied_row", false), ("copied_bulk", true)] {
        let statement =
            format!("copy {table} (partition, key, value) from stdin with (format binary)");
        let sink = client.copy_in(&statement).await?;
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
        for row in rows.iter().filter(|row| row.bulky == bulky) {
            let values = [
                &row.partition as &(dyn tokio_postgres::types::ToSql + Sync),
                &row.key,
                &row.value,
            ];
            writer.as_mut().write(&values).await?;
        }
        writer.finish().await?;
    }
    client.batch_execute("commit").await
}

async fn insert(client: &Client, rows: &[Row]) -> Answer<()> {
    let text =
        |table: &str| format!("insert into {table} (partition, key, value) values ($1, $2, $3)");
    let small = client.prepare_typed(&text("inserted_row"), &TYPES).await?;
    let bulky = client.prepare_typed(&text("inserted_bulk"), &TYPES).await?;
    for group in rows.chunk_by(|one, other| one.group == other.group) {
        client.batch_execute("begin read write").await?;
        for some in group.chunks(AHEAD) {
            let sent = some.iter().map(|row| async {
                let statement = if row.bulky { &bulky } else { &small };
                client
                    .execute(statement, &[&row.partition, &row.key, &row.value])
                    .await
            });
            for answer in together(sent.collect()).await {
                answer?;
            }
        }
        client.batch_execute("commit").await?;
    }
    Ok(())
}
