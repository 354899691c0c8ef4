//! What went wrong at the server, in words for whoever runs the node.

use crate::Error;
use tokio_postgres::error::{DbError, SqlState};

/// An error of the server or of the way to it.
pub(super) fn said(name: &str, error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(refusal) => refused(name, refusal),
        None => Error::Disk(format!(
            "the connection to the database {name} failed: {}",
            cause(error)
        )),
    }
}

/// The last cause: what the system said.
fn cause(error: &dyn std::error::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

fn refused(name: &str, refusal: &DbError) -> Error {
    let code = refusal.code();
    let what = match code {
        // Too much at once: nothing is wrong, later is better.
        c if [
            SqlState::QUERY_CANCELED,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::LOCK_NOT_AVAILABLE,
        ]
        .contains(c) =>
        {
            tracing::warn!(
                database = name,
                code = code.code(),
                "the database is too busy"
            );
            return Error::Busy;
        }
        c if *c == SqlState::DISK_FULL => "its disk is full".into(),
        c if *c == SqlState::READ_ONLY_SQL_TRANSACTION => {
            "it takes no writes; is it a standby? give the address of the primary".into()
        }
        c if [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        ]
        .contains(c) =>
        {
            "it does not accept this user and password; see pg_hba.conf and the password's file"
                .into()
        }
        c if *c == SqlState::INVALID_CATALOG_NAME => {
            "there is no such database; make it with `createdb`".into()
        }
        c if *c == SqlState::INSUFFICIENT_PRIVILEGE => format!(
            "this user may not do that ({}); make the user the owner of the database",
            refusal.message()
        ),
        c if *c == SqlState::CANNOT_CONNECT_NOW => "it is starting up or shutting down".into(),
        c if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(c) => {
            "it was stopped, or it closed our session".into()
        }
        c => format!("{} ({})", refusal.message(), c.code()),
    };
    Error::Disk(format!("the database {name}: {what}"))
}
