//! The engine over PostgreSQL, or over one that is sharded by partition and speaks its protocol.
//!
//! Two tables of one shape, `tejido_row` and `tejido_bulk`: `(partition, key, value)`, the primary key being the first
//! two; the key is stored without its partition. Every statement names one partition, so that a sharded server can send
//! it to one shard.
//!
//! **Commit**: one transaction, one statement for each table and partition that it changes, all sent before the first
//! answer is read: one round trip, one sync on the server. **View**: a `repeatable read` transaction on a connection
//! from a bounded pool, begun with its first question: that is when it is fixed. **One writer**: `writer.rs`.
//!
//! What must hold: nothing is acknowledged before the server said that it is durable; what became of a commit whose
//! answer was lost is found out before anything is said of it; no sentence and no trace shows a password.
//!
//! Cost: a round trip for each `get`, `get_many` and `scan`, and one for a commit.

mod line;
mod plain;
mod pool;
mod rows;
mod settings;
mod socket;
mod tls;
mod view;
mod words;
mod writer;

use super::{Batch, Engine, Snapshot};
use crate::Result;
pub use plain::{Plain, Scratch};
use pool::Pool;
use settings::Address;
pub use settings::PostgresSettings;
use std::sync::{Arc, Mutex, PoisonError};
use view::{View, Writing};
use writer::Writer;

/// An archive's rows in a PostgreSQL database that is this node's alone.
pub struct Postgres {
    pool: Arc<Pool>,
    writer: Arc<Mutex<Writer>>,
}

impl Postgres {
    /// Connects, makes the tables if there are none, and takes the right to write. Refused while another node has it.
    pub fn open(settings: PostgresSettings) -> Result<Postgres> {
        let address = Arc::new(Address::check(settings)?);
        let writer = Writer::open(address.clone())?;
        Ok(Postgres {
            pool: Arc::new(Pool::new(address)),
            writer: Arc::new(Mutex::new(writer)),
        })
    }
}

impl Engine for Postgres {
    fn commit(&self, batch: &Batch) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.commit(batch)
    }
    fn snapshot(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(View::new(self.pool.clone())))
    }
    fn is_near(&self) -> bool {
        false
    }
    fn writing(&self) -> Result<Box<dyn Snapshot>> {
        Ok(Box::new(Writing(self.writer.clone())))
    }
}
